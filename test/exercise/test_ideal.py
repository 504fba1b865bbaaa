"""Personal ideals: what a build changes in an exercise, and what it never does."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kinecue.body import BLAZEPOSE_33, Body, LandmarkState
from kinecue.body.anthropometry import LENGTH_NAMES, SegmentLengths
from kinecue.body.person import Person
from kinecue.body.person_record import RANGE_JOINTS, JointRange
from kinecue.exercise import ExerciseModel
from kinecue.exercise.blocks import Outside
from kinecue.exercise.build import Build, BuildError, Range
from kinecue.exercise.exercise_file import ExerciseError, available_exercises, find_exercise, parse_exercise
from kinecue.exercise.ideal import changes, depth_limit, personalise
from kinecue.exercise.limits import resolve_limits, safe_ideals
from kinecue.exercise.model import FaultRule, ScoredFeature

PERSONAL = [name for name in available_exercises() if find_exercise(name).personal is not None]
STATURE = 1.72
AVERAGE = SegmentLengths.from_stature(STATURE)
WHEN = "2026-05-01T18:30:00+02:00"


def build(std: float = 0.01, ranges: dict[str, float] | None = None, **factors: float) -> Build:
    """The average one with some lengths other; ranges in degrees."""
    lengths = replace(AVERAGE, **{name: f * getattr(AVERAGE, name) for name, f in factors.items()})
    known = {joint: Range(math.radians(angle), math.radians(3.0)) for joint, angle in (ranges or {}).items()}
    return Build(lengths, SegmentLengths.from_array(std * lengths.as_array()), STATURE, ranges=known)


def scored(model: ExerciseModel, feature: str) -> ScoredFeature:
    return next(item for item in model.features if item.feature == feature)


def ideal(model: ExerciseModel, feature: str, at: float, phase: str = "any") -> float:
    knots = scored(model, feature).ideal[phase]
    return float(np.interp(at, [k.at for k in knots], [k.ideal for k in knots]))


def tolerance(model: ExerciseModel, feature: str, at: float) -> float:
    knots = scored(model, feature).ideal["any"]
    return float(np.interp(at, [k.at for k in knots], [k.tolerance for k in knots]))


def limit(rule: FaultRule, at: float) -> float:
    if isinstance(rule.limit, tuple):
        return float(np.interp(at, [k.at for k in rule.limit], [k.limit for k in rule.limit]))
    return rule.limit


builds = st.builds(
    lambda tall, shares, std, ranges, load: Build(
        SegmentLengths.from_array(SegmentLengths.from_stature(tall).as_array() * shares),
        SegmentLengths.from_array(std * SegmentLengths.from_stature(tall).as_array()),
        tall,
        mass=80.0,
        load_kg=load,
        ranges={joint: Range(value, 0.05) for joint, value in ranges.items()},
    ),
    st.floats(1.45, 2.0),
    st.lists(st.floats(0.85, 1.15), min_size=7, max_size=7).map(np.array),
    st.floats(0.0, 0.06),
    st.dictionaries(st.sampled_from(RANGE_JOINTS), st.floats(0.0, 3.6)),
    st.none() | st.floats(0.0, 200.0),
)


def test_several_exercises_have_a_personal_ideal() -> None:
    assert {"squat", "deadlift", "forward_lunge"} <= set(PERSONAL)


@pytest.mark.parametrize("name", PERSONAL)
def test_nobody_known_gets_the_file(name: str) -> None:
    model = find_exercise(name)
    assert personalise(model, None) is model


@pytest.mark.parametrize("name", PERSONAL)
def test_the_average_build_gets_the_files_courses(name: str) -> None:
    model = find_exercise(name)
    personal = personalise(model, Build.average())
    assert changes(model, personal) == ()
    for before, after in zip(model.features, personal.features, strict=True):
        for phase, knots in before.ideal.items():
            for knot in knots:
                here = [k for k in after.ideal[phase] if k.at == pytest.approx(knot.at)]
                assert here[0].ideal == pytest.approx(knot.ideal, abs=1e-9)
                assert here[0].tolerance == pytest.approx(knot.tolerance, rel=1e-9)


@pytest.mark.parametrize("name", PERSONAL)
def test_personalising_is_pure(name: str) -> None:
    model, who = find_exercise(name), build(thigh=1.1, ranges={"ankle_dorsiflexion": 25.0})
    assert personalise(model, who) == personalise(model, who)
    assert model == find_exercise(name)


def test_an_exercise_without_the_block_is_the_same_for_everybody() -> None:
    model = find_exercise("biceps_curl")
    assert personalise(model, build(thigh=1.1)) is model


def test_long_thighs_lean_further_and_short_ones_less() -> None:
    model = find_exercise("squat")
    lean = [ideal(personalise(model, build(thigh=f)), "trunk_lean", 0.8) for f in (0.9, 0.95, 1.0, 1.05, 1.1)]
    assert all(b - a > 2.0 for a, b in itertools.pairwise(lean))
    assert lean[2] == pytest.approx(ideal(model, "trunk_lean", 0.8), abs=0.01)
    # standing asks the same of everybody
    assert ideal(personalise(model, build(thigh=1.1)), "trunk_lean", 0.0) == pytest.approx(4.0, abs=2.5)


def test_what_the_limits_count_from_is_the_personal_ideal() -> None:
    model = find_exercise("squat")
    rule = model.faults["trunk_forward"]
    assert rule.relative_to_ideal and rule.safety is not None
    limits = {}
    for factor in (0.9, 1.0, 1.1):
        personal = resolve_limits(personalise(model, build(thigh=factor)))
        limits[factor] = limit(personal.faults["trunk_forward"], 0.8)
        margin = limits[factor] - ideal(personal, "trunk_lean", 0.8)
        assert margin == pytest.approx(limit(rule, 0.8), abs=1e-6) or limits[factor] == rule.safety
    assert limits[0.9] < limits[1.0] < limits[1.1] <= rule.safety


def test_lengths_that_are_not_known_well_leave_wider_tolerances() -> None:
    model = find_exercise("squat")
    widths = [
        tolerance(personalise(model, build(std=s, thigh=1.05)), "trunk_lean", 0.8) for s in (0.0, 0.02, 0.04)
    ]
    assert widths[0] < widths[1] < widths[2] <= tolerance(model, "trunk_lean", 0.8) + 1e-9
    assert widths[0] > 0.5 * tolerance(model, "trunk_lean", 0.8)


def test_a_stiff_ankle_leans_more_and_is_asked_for_less_depth() -> None:
    model = find_exercise("squat")
    free = personalise(model, build(thigh=1.06))
    stiff = personalise(model, build(thigh=1.06, ranges={"ankle_dorsiflexion": 18.0}))
    assert ideal(stiff, "trunk_lean", 0.7) > ideal(free, "trunk_lean", 0.7) + 3.0
    depth = ideal(stiff, "knee_flexion", 1.0, "bottom")
    assert 80.0 - 1e-6 <= depth < ideal(free, "knee_flexion", 1.0, "bottom")
    # and the limit of depth follows, but not below what is safe to accept
    before = resolve_limits(model).faults["too_shallow"]
    after = resolve_limits(stiff).faults["too_shallow"]
    assert after.safety is not None
    assert after.safety <= limit(after, 1.0) < limit(before, 1.0)
    assert "ankle" in depth_limit(model, build(thigh=1.06, ranges={"ankle_dorsiflexion": 18.0}))
    assert depth_limit(model, Build.average()) == ""


def test_a_stiff_hip_is_asked_for_less_depth() -> None:
    model, who = find_exercise("squat"), build(ranges={"hip_flexion": 95.0})
    assert ideal(personalise(model, who), "knee_flexion", 1.0, "bottom") < 100.0
    assert "hip" in depth_limit(model, who)


def test_a_wide_range_changes_nothing() -> None:
    model = find_exercise("squat")
    free = build(ranges={"ankle_dorsiflexion": 55.0, "hip_flexion": 150.0})
    assert personalise(model, free) == personalise(model, build())


def test_shoulders_that_do_not_go_up_need_not_lock_out() -> None:
    model = find_exercise("overhead_press")
    stiff = personalise(model, build(ranges={"shoulder_flexion": 145.0}))
    assert ideal(stiff, "hand_over_shoulder", 1.0, "bottom") == pytest.approx(
        -math.cos(math.radians(142.0)), abs=1e-6
    )
    free = personalise(model, build(ranges={"shoulder_flexion": 175.0}))
    assert ideal(free, "hand_over_shoulder", 1.0, "bottom") == pytest.approx(
        ideal(model, "hand_over_shoulder", 1.0, "bottom")
    )


def test_a_full_range_that_a_joint_does_not_have_is_not_asked_for() -> None:
    model = find_exercise("shoulder_abduction")
    stiff = personalise(model, build(ranges={"shoulder_abduction": 78.0}))
    assert stiff.movement.full == pytest.approx(75.0)
    none = personalise(model, build(ranges={"shoulder_abduction": 10.0}))
    assert none.movement.full > model.movement.minimal


def test_a_heavier_bar_in_front_needs_less_lean() -> None:
    model = find_exercise("goblet_squat")
    light, heavy = (replace(build(), mass=80.0, load_kg=kg) for kg in (8.0, 32.0))
    assert ideal(personalise(model, heavy), "trunk_lean", 0.9) < ideal(
        personalise(model, light), "trunk_lean", 0.9
    )


def test_long_legs_and_short_arms_lie_lower_over_a_bar_on_the_floor() -> None:
    model = find_exercise("deadlift")
    low = personalise(model, build(thigh=1.08, trunk=0.95))
    assert ideal(low, "trunk_lean", 0.0) > ideal(model, "trunk_lean", 0.0) + 1.0
    assert ideal(low, "trunk_lean", 1.0) == pytest.approx(ideal(model, "trunk_lean", 1.0), abs=0.1)


def test_a_lunge_leaves_most_builds_alone() -> None:
    model = find_exercise("forward_lunge")
    assert changes(model, personalise(model, build(thigh=1.05))) == ()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(PERSONAL), builds)
def test_no_build_moves_an_ideal_past_what_is_safe(name: str, who: Build) -> None:
    model = find_exercise(name)
    personal = personalise(model, who)
    # the model is a whole and valid one
    assert ExerciseModel.model_validate(personal.model_dump()) == personal
    for before, after in zip(model.features, personal.features, strict=True):
        low, high = safe_ideals(model, before)
        for phase, knots in after.ideal.items():
            at = [k.at for k in before.ideal[phase]]
            for knot in knots:
                file = before.si(float(np.interp(knot.at, at, [k.ideal for k in before.ideal[phase]])))
                value = after.si(knot.ideal)
                assert min(low, file) - 1e-9 <= value <= max(high, file) + 1e-9
                assert knot.tolerance > 0.0
    for rule_name, rule in resolve_limits(personal).faults.items():
        assert rule.safety == model.faults[rule_name].safety
        if rule.safety is not None and isinstance(rule.limit, tuple):
            for knot in rule.limit:
                within = (
                    knot.limit >= rule.safety if rule.outside is Outside.BELOW else knot.limit <= rule.safety
                )
                assert within


@settings(max_examples=20, deadline=None)
@given(builds, st.floats(1.01, 1.1))
def test_longer_thighs_never_get_an_ideal_that_leans_less(who: Build, factor: float) -> None:
    model = find_exercise("squat")
    try:
        longer = replace(who, lengths=replace(who.lengths, thigh=factor * who.lengths.thigh))
    except BuildError:
        return
    # of whom less depth is asked, leans less in all
    assume(not depth_limit(model, who) and not depth_limit(model, longer))
    before, after = (personalise(model, item) for item in (who, longer))
    for at in (0.3, 0.6, 0.9):
        assert ideal(after, "trunk_lean", at) >= ideal(before, "trunk_lean", at) - 1e-6


def test_changes_name_what_was_changed() -> None:
    model = find_exercise("squat")
    found = changes(model, personalise(model, build(thigh=1.1)))
    assert [item.feature for item in found] == ["trunk_lean"]
    assert found[0].after - found[0].before > 5.0
    assert "trunk_lean at" in str(found[0]) and "deg (features.0.ideal.any)" in str(found[0])


def test_a_build_from_a_stored_person() -> None:
    ranges = tuple(
        JointRange("ankle_dorsiflexion", side, math.radians(angle), 0.05, WHEN)
        for side, angle in (("left", 40.0), ("right", 33.0))
    )
    person = Person(
        "a", 1.7, AVERAGE, SegmentLengths.from_array(0.02 * AVERAGE.as_array()), WHEN, ranges=ranges
    )
    found = Build.of(person, load_kg=20.0)
    assert found.stature == 1.7 and found.load_kg == 20.0
    # what both ankles can do
    assert math.degrees(found.ranges["ankle_dorsiflexion"].value) == pytest.approx(33.0)


@pytest.mark.parametrize("change", [{"thigh": 0.1}, {"trunk": 1.2}, {"shank": math.nan}])
def test_nobody_is_built_like_that(change: dict[str, float]) -> None:
    with pytest.raises(BuildError, match="allowed"):
        replace(build(), lengths=replace(AVERAGE, **change))


def body(calibrated: bool = True, hidden: str = "") -> Body:
    """Standing upright with the average lengths."""
    points = np.full((33, 3), np.nan)
    heights = {
        "ankle": 0.095,
        "knee": 0.095 + AVERAGE.shank,
        "hip": 0.095 + AVERAGE.shank + AVERAGE.thigh,
        "shoulder": 0.095 + AVERAGE.shank + AVERAGE.thigh + AVERAGE.trunk,
    }
    heights["elbow"] = heights["shoulder"] - AVERAGE.upper_arm
    heights["wrist"] = heights["elbow"] - AVERAGE.forearm
    widths = {"hip": AVERAGE.pelvis, "knee": AVERAGE.pelvis, "ankle": AVERAGE.pelvis}
    states = np.zeros(33, np.uint8)
    for landmark in BLAZEPOSE_33.landmarks:
        side, _, joint = landmark.value.partition("_")
        if joint in heights and f"{side}_{joint}" != hidden:
            row = BLAZEPOSE_33.index(landmark)
            half = widths.get(joint, AVERAGE.shoulders) / 2.0
            points[row] = (3.0, half if side == "left" else -half, heights[joint])
            states[row] = int(LandmarkState.OBSERVED)
    return Body(
        "a", 0, BLAZEPOSE_33, np.zeros((33, 2)), np.ones(33), points, np.tile(1e-4 * np.eye(3), (33, 1, 1)),
        states, 1.0, (640, 480), calibrated=calibrated,
    )  # fmt: skip


def test_a_build_from_a_calibrated_body() -> None:
    found = Build.measured(body())
    assert found is not None
    for name in LENGTH_NAMES:
        assert getattr(found.lengths, name) == pytest.approx(getattr(AVERAGE, name), abs=1e-9)
        assert 0.0 < getattr(found.lengths_std, name) < 0.03
    # one side is enough
    assert Build.measured(body(hidden="left_knee")) is not None


def test_no_build_from_a_body_of_usual_proportions_or_without_shoulders() -> None:
    assert Build.measured(body(calibrated=False)) is None
    assert Build.measured(body(hidden="left_shoulder")) is None


SQUAT = available_exercises()["squat"].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "field", "allowed"),
    [
        ("load: none", "load: head", "personal.balance.load", "none"),
        ("load: none", "load: back", "load_share", "above 0"),
        ("over_foot: 0.42", "over_foot: 0.1", "personal.balance.over_foot", "0.25"),
        ("    knee_least: 80", "    # none", "knee_least", "lean_most"),
        ("joint: ankle_dorsiflexion", "joint: elbow", "personal.ranges[0].joint", "shoulder_abduction"),
        ("feature: shank_tilt, unit", "feature: hip_shift, unit", "personal.ranges[0].feature", "trunk_lean"),
        ("step: 0.08", "step: 0.9", "personal.adapt.step", "0.25"),
        ("step: 0.08, most: 0.5", "step: 0.2, most: 0.1", "personal.adapt.step", "most"),
        ("shank: [{at: 0.0, angle: 4}, ", "shank: [{at: 0.7, angle: 4}, ", "shank", "rising"),
        ("    unit: deg\n    load", "    unit: grad\n    load", "personal.balance.unit", "deg"),
    ],
)
def test_mistakes_in_the_block_say_field_and_what_is_allowed(
    before: str, after: str, field: str, allowed: str
) -> None:
    assert before in SQUAT
    with pytest.raises(ExerciseError) as error:
        parse_exercise(SQUAT.replace(before, after, 1), "squat.yaml")
    assert field in str(error.value) and allowed in str(error.value)


def test_a_personal_feature_needs_the_block() -> None:
    start = SQUAT.index("personal:\n  balance")
    end = SQUAT.index("faults:", start)
    with pytest.raises(ExerciseError, match="needs the block personal"):
        parse_exercise(SQUAT[:start] + SQUAT[end:], "squat.yaml")
