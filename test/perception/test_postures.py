"""Postures: what the files say, and what is told about files that say it wrongly."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.paths import share_dir
from kinecue.perception.kinematic_fit import normalized
from kinecue.perception.postures import (
    FREE,
    Axes,
    CompiledPriors,
    ContactLine,
    Posture,
    PriorLine,
    point_rows,
    posture_for,
    postures,
    read_posture,
)
from kinecue.perception.skeleton import JOINTS, NY, SEGMENT_INDEX, SEGMENTS, Skeleton
from kinecue.simulation.exercises import EXERCISES

FILES = sorted((share_dir() / "config" / "postures").glob("*.yaml"))
SKELETON = Skeleton(SegmentLengths(0.19, 0.50, 0.36, 0.43, 0.42, 0.29, 0.25))
LEFT = np.array([0.0, -1.0, 0.0])
UP = np.array([0.0, 0.0, 1.0])
LINE = {"segments": {"trunk": 1}, "along": "up", "std": 0.1}
CONTACT = {"point": "left_ankle", "rests_on": "floor"}


def states(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A random body and the map to its points."""
    y = normalized(np.random.default_rng(seed).normal(size=NY))
    y[-6:] *= 0.02
    return y, SKELETON.joint_map(np.stack([LEFT, LEFT]))


def of(*lines: PriorLine) -> Posture:
    return Posture("made", (), False, 1.0, {}, tuple(one for line in lines for one in line.sides()))


# -- shipped files


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_read_and_named_as_it_calls_itself(path: Path) -> None:
    posture = read_posture(path)
    assert posture.name == path.stem
    rows = CompiledPriors(posture).rows(states(1)[1], Axes(states(1)[0], LEFT))
    assert np.isfinite(rows.a).all() and np.isfinite(rows.b).all()
    assert np.isfinite(rows.a_limits).all() and np.isfinite(rows.b_limits).all()
    assert not [name for name in posture.contacts if "{" in name]


def test_no_exercise_is_claimed_by_two_files() -> None:
    claimed = [name for posture in postures().values() for name in posture.exercises]
    assert len(claimed) == len(set(claimed))
    for name in set(claimed) & set(postures()):
        assert name in postures()[name].exercises, f"posture {name} hides the exercise of that name"


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_every_simulated_exercise_has_a_posture(name: str) -> None:
    assert posture_for(name).name != FREE


def test_an_exercise_that_nobody_lists_is_free_and_a_posture_answers_to_its_own_name() -> None:
    assert posture_for("underwater_hockey").name == FREE
    assert posture_for("seated").name == "seated"
    assert posture_for("squat").name == "standing_squat"


def test_doubt_is_the_posture_s_own_and_not_that_of_what_it_includes() -> None:
    assert posture_for("biceps_curl").doubt < 1.0 < posture_for("turkish_get_up").doubt
    # what includes a posture is measured anew
    assert posture_for("romanian_deadlift").doubt == 1.0 != posture_for("deadlift").doubt


def test_standing_is_upright_on_both_feet_with_limits_of_every_body() -> None:
    standing = posture_for("standing")
    assert standing.upright
    assert {"left_ankle", "right_ankle"} <= set(standing.contacts)
    anybody = read_posture(FILES[0].with_name("anybody.yaml"))
    assert anybody.priors[0] in standing.priors


def test_without_the_free_posture_an_unknown_exercise_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KineCueError, match=r"free\.yaml; there are: none"):
        posture_for("squat", tmp_path)


# -- wrong files


def written(folder: Path, text: object, name: str = "mine") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text if isinstance(text, str) else yaml.safe_dump(text), encoding="utf-8")
    return path


def file(**fields: object) -> dict[str, object]:
    return {"format": 1, "name": "mine", "description": "Mine.", **fields}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        (
            {"priors": [{**LINE, "segments": {"tail": 1}}]},
            "priors.0",
            ("'tail'", "left_thigh", "left_girdle"),
        ),
        ({"priors": [{**LINE, "segments": {"{side}": 1}}]}, "priors.0", ("'left'", "allowed")),
        ({"priors": [{**LINE, "segments": {"{leg}_thigh": 1}}]}, "priors.0", ("{leg}_thigh", "allowed")),
        (
            {"priors": [{**LINE, "along": "sideways"}]},
            "priors.0",
            ("'sideways'", "up", "front_of_left_thigh"),
        ),
        ({"priors": [{**LINE, "along": "front_of_pelvis"}]}, "priors.0", ("'front_of_pelvis'", "allowed")),
        (
            {"priors": [{"points": {"left_tail": 1}, "along": "up", "std": 1}]},
            "priors.0",
            ("'left_tail'", "centre_of_mass"),
        ),
        ({"priors": [{**LINE, "points": {"wrists": 1}}]}, "priors.0", ("either segments or points",)),
        ({"priors": [{"along": "up", "std": 0.1}]}, "priors.0", ("either segments or points",)),
        ({"priors": [{**LINE, "std": 0.0}]}, "priors.0.std", ("greater than 0",)),
        ({"priors": [{**LINE, "std": "small"}]}, "priors.0.std", ("number",)),
        ({"priors": [{**LINE, "segments": {"trunk": "much"}}]}, "priors.0.segments.trunk", ("number",)),
        ({"priors": [{**LINE, "limit": "beside"}]}, "priors.0.limit", ("'below' or 'above'",)),
        ({"priors": [{"segments": {"trunk": 1}, "std": 0.1}]}, "priors.0.along", ("required",)),
        ({"priors": {"one": LINE}}, "priors", ("tuple",)),
        ({"contacts": [{**CONTACT, "point": "tail"}]}, "contacts.0", ("'tail'", "left_ankle", "hips")),
        ({"contacts": [{**CONTACT, "point": "wrists"}]}, "contacts.0", ("'wrists'", "hips")),
        ({"contacts": [{**CONTACT, "point": "left_wrist"}]}, "contacts.0", ("height of left_wrist",)),
        ({"contacts": [{**CONTACT, "rests_on": "air"}]}, "contacts.0.rests_on", ("'floor' or 'fixed'",)),
        ({"contacts": [{**CONTACT, "leave_s": -1}]}, "contacts.0.leave_s", ("greater than 0",)),
        ({"format": 2}, "format", ("1",)),
        ({"name": 5}, "name", ("string",)),
        ({"upright": "perhaps"}, "upright", ("boolean",)),
        ({"exercises": "squat"}, "exercises", ("tuple",)),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_with_file_field_and_what_is_allowed(
    tmp_path: Path, fields: dict[str, object], field: str, words: tuple[str, ...]
) -> None:
    path = written(tmp_path, file(**fields))
    with pytest.raises(ConfigError) as caught:
        read_posture(path)
    assert caught.value.source == str(path)
    assert caught.value.field == field
    for word in words:
        assert word in caught.value.problem, caught.value.problem


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"postures": []}, "postures"),
        ({"priors": [{**LINE, "speed": 3}]}, "priors.0.speed"),
        ({"contacts": [{**CONTACT, "mass": 3}]}, "contacts.0.mass"),
    ],
    ids=str,
)
def test_an_unknown_key_is_told(tmp_path: Path, fields: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_posture(written(tmp_path, file(**fields)))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "text", ["on: floor\n", "contacts:\n  - {point: left_ankle, on: floor, rests_on: floor}\n"]
)
def test_on_which_yaml_reads_as_a_yes_is_an_error_and_no_crash(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, "format: 1\nname: mine\ndescription: Mine.\n" + text)
    with pytest.raises(ConfigError, match=str(path)):
        read_posture(path)


@pytest.mark.parametrize(
    "text",
    ["", "just words", "- a\n- list\n", "priors: [", "a: &x [*x]\n", "\t- tabs", "? [1, 2]\n: 3\n"],
    ids=repr,
)
def test_what_is_no_posture_is_an_error_of_the_file(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=str(path)):
        read_posture(path)


def test_bytes_that_are_no_text_are_an_error_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ConfigError, match="not a YAML file"):
        read_posture(path)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_posture(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_posture(tmp_path)
    path = written(tmp_path, file())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        read_posture(path)


def test_an_include_that_is_not_there_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="include: there is no nobody, allowed: mine"):
        read_posture(written(tmp_path, file(include=["nobody"])))


def test_a_file_that_includes_itself_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="include: mine includes itself"):
        read_posture(written(tmp_path, file(include=["mine"])))


def test_files_that_include_each_other_are_an_error(tmp_path: Path) -> None:
    written(tmp_path, file(name="yours", include=["mine"]), "yours")
    with pytest.raises(ConfigError, match="include"):
        read_posture(written(tmp_path, file(include=["yours"])))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf], ids=str)
@pytest.mark.parametrize("field", ["value", "std", "segments"])
def test_numbers_that_are_none_are_an_error(tmp_path: Path, field: str, number: float) -> None:
    line = {**LINE, field: {"trunk": number} if field == "segments" else number}
    with pytest.raises(ConfigError) as caught:
        read_posture(written(tmp_path, file(priors=[line])))
    assert caught.value.field.startswith("priors.0")


# -- what lines mean


def test_side_makes_a_line_for_each_and_other_is_the_opposite() -> None:
    line = PriorLine(
        segments={"{side}_thigh": 1, "{other}_shank": -2}, along="front_of_{side}_shank", value=0.3, std=0.2
    )
    left, right = line.sides()
    assert left.segments == {"left_thigh": 1, "right_shank": -2} and left.along == "front_of_left_shank"
    assert right.segments == {"right_thigh": 1, "left_shank": -2} and right.along == "front_of_right_shank"
    assert (right.value, right.std, right.limit) == (0.3, 0.2, None)
    assert PriorLine(**LINE).sides() == (PriorLine(**LINE),)


def test_contacts_of_both_sides_and_own_ones_in_place_of_included_ones(tmp_path: Path) -> None:
    written(tmp_path, file(name="base", contacts=[{**CONTACT, "point": "{side}_ankle", "std": 0.5}]), "base")
    posture = read_posture(
        written(tmp_path, file(include=["base"], contacts=[{**CONTACT, "std": 0.1}], priors=[LINE]))
    )
    assert posture.contacts["left_ankle"].std == 0.1
    assert posture.contacts["right_ankle"].std == 0.5
    assert ContactLine(point="hips", rests_on="fixed").names == ("hips",)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.dictionaries(st.sampled_from(SEGMENTS), st.floats(-2, 2), min_size=1, max_size=3),
    st.sampled_from(
        ["up", "left", "forward", "body_up", "body_left", "line_of_left_thigh", "front_of_right_shank"]
    ),
    st.floats(-1, 1),
    st.floats(0.01, 2),
    st.sampled_from([None, "below", "above"]),
)
def test_compiled_rows_are_the_line_worked_out_by_hand(
    seed: int, segments: dict[str, float], along: str, value: float, std: float, limit: str | None
) -> None:
    y, joint_map = states(seed)
    u = y[3:-6].reshape(-1, 3)
    trunk_left = u[SEGMENT_INDEX["pelvis"]]
    front = -np.cross(trunk_left, u[SEGMENT_INDEX["right_shank"]])
    axis = {
        "up": UP,
        "left": LEFT,
        "forward": np.cross(LEFT, UP),
        "body_up": u[SEGMENT_INDEX["trunk"]],
        "body_left": trunk_left,
        "line_of_left_thigh": u[SEGMENT_INDEX["left_thigh"]],
        "front_of_right_shank": front / np.linalg.norm(front),
    }[along]
    line = PriorLine(segments=segments, along=along, value=value, std=std, limit=limit)
    rows = CompiledPriors(of(line)).rows(joint_map, Axes(y, LEFT))
    by_hand = (sum(f * u[SEGMENT_INDEX[name]] @ axis for name, f in segments.items()) - value) / std
    if limit is None:
        assert rows.a @ y - rows.b == pytest.approx([by_hand], abs=1e-9)
        assert rows.a_limits.shape == (0, NY)
    else:
        # limits count where they are below zero: one that is a greatest value is turned round
        sign = 1.0 if limit == "below" else -1.0
        assert rows.a_limits @ y - rows.b_limits == pytest.approx([sign * by_hand], abs=1e-9)
        assert rows.a.shape == (0, NY)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-2, 2), st.floats(-2, 2), st.floats(-1, 1))
def test_lines_of_points_are_metric_and_of_places(seed: int, a: float, b: float, value: float) -> None:
    y, joint_map = states(seed)
    points = dict(zip((joint.value for joint in JOINTS), joint_map @ y, strict=True))
    line = PriorLine(points={"{side}_wrist": a, "ankles": b}, along="forward", value=value, std=0.1)
    rows = CompiledPriors(of(line)).rows(joint_map, Axes(y, LEFT))
    ahead = np.cross(LEFT, UP)
    ankles = (points["left_ankle"] + points["right_ankle"]) / 2
    by_hand = [
        ((a * points[f"{side}_wrist"] + b * ankles) @ ahead - value) / 0.1 for side in ("left", "right")
    ]
    assert rows.a @ y - rows.b == pytest.approx(by_hand, abs=1e-9)
    assert rows.metric.all()


def test_girdles_are_the_shoulders_own_shift() -> None:
    y, joint_map = states(7)
    line = PriorLine(segments={"left_girdle": 2.0}, along="up", std=0.5)
    rows = CompiledPriors(of(line)).rows(joint_map, Axes(y, LEFT))
    assert rows.a @ y == pytest.approx([2.0 * y[-4] / 0.5])
    assert not rows.metric.any()


@pytest.mark.parametrize("name", ["hips", "shoulders", "wrists", "ankles", "centre_of_mass", "left_knee"])
def test_virtual_points_lie_between_the_real_ones(name: str) -> None:
    y, joint_map = states(3)
    points = dict(zip((joint.value for joint in JOINTS), joint_map @ y, strict=True))
    place = point_rows(joint_map, name) @ y
    if name in points:
        assert place == pytest.approx(points[name])
    elif name == "centre_of_mass":
        cloud = np.array(list(points.values()))
        assert (place > cloud.min(0)).all() and (place < cloud.max(0)).all()
    else:
        assert place == pytest.approx((points[f"left_{name[:-1]}"] + points[f"right_{name[:-1]}"]) / 2)


def test_heights_are_left_out_where_nobody_knows_the_floor() -> None:
    height = PriorLine(points={"left_ankle": 1}, along="up", value=0.08, std=0.02, limit="below")
    level = PriorLine(points={"left_wrist": 1, "right_wrist": -1}, along="up", std=0.02)
    assert height.absolute and not level.absolute
    y, joint_map = states(4)
    known = CompiledPriors(of(height, level)).rows(joint_map, Axes(y, LEFT))
    unknown = CompiledPriors(of(height, level), floor=False).rows(joint_map, Axes(y, LEFT))
    assert (len(known.a), len(known.a_limits)) == (1, 1)
    assert (len(unknown.a), len(unknown.a_limits)) == (1, 0)


def test_axes_of_a_body_whose_axes_fall_together_are_still_unit_vectors() -> None:
    y = np.zeros(NY)
    y[3:-6] = np.tile(UP, len(SEGMENTS))
    axes = Axes(y, LEFT)
    for name in ("body_forward", "front_of_left_thigh", "front_of_trunk", "line_of_left_foot"):
        assert np.linalg.norm(axes(name)) == pytest.approx(1.0)
