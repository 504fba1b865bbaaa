"""The guided calibration of joint ranges, on figures with exact angles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinecue.body import BLAZEPOSE_33, Body, Landmark, LandmarkState
from kinecue.body.person_record import RANGE_JOINTS
from kinecue.exercise.range_calibration import RangeCalibration, RangeProgress, RangeResult, RangeState

FPS = 15.0
WHEN = "2026-05-01T18:30:00+02:00"
SIDE, FRONT = math.pi / 2, 0.0


@dataclass(frozen=True)
class Figure:
    """Angles in degrees by side (left, right); lengths are fixed."""

    shank: tuple[float, float] = (3.0, 3.0)
    knee: tuple[float, float] = (5.0, 5.0)
    heel: tuple[float, float] = (0.0, 0.0)
    thigh: tuple[float, float] | None = None
    """Thighs from the vertical, of legs that are lifted; None hangs them over the shanks."""
    flexion: tuple[float, float] = (2.0, 2.0)
    abduction: tuple[float, float] = (8.0, 8.0)
    elbow: tuple[float, float] = (8.0, 8.0)
    lean: float = 2.0


def body(
    figure: Figure, view: float, stamp_ns: int, std: float = 0.005, hidden: tuple[str, ...] = ()
) -> Body:
    """Faces +x with the left at +y."""
    points: dict[str, NDArray[np.float64]] = {}
    hip_height = 0.94
    lean = math.radians(figure.lean)
    up = np.array([math.sin(lean), 0.0, math.cos(lean)])
    ahead = np.array([math.cos(lean), 0.0, -math.sin(lean)])
    for i, (side, sign) in enumerate((("left", 1.0), ("right", -1.0))):
        hip = np.array([0.0, 0.09 * sign, hip_height])
        shank, knee = math.radians(figure.shank[i]), math.radians(figure.knee[i])
        # of a standing leg the thigh leans back by what the knee bends more than the shank leans forward
        thigh = shank - knee if figure.thigh is None else -math.radians(figure.thigh[i])
        joint = hip - 0.42 * np.array([math.sin(thigh), 0.0, math.cos(thigh)])
        low = shank if figure.thigh is None else thigh + knee
        ankle = joint - 0.42 * np.array([math.sin(low), 0.0, math.cos(low)])
        points |= {f"{side}_hip": hip, f"{side}_knee": joint, f"{side}_ankle": ankle}
        points[f"{side}_heel"] = ankle + [-0.06, 0.0, -0.07 + figure.heel[i] / 100.0]
        points[f"{side}_foot_index"] = ankle + [0.18, 0.0, -0.07]
        shoulder = hip + 0.5 * up + [0.0, 0.09 * sign, 0.0]
        flexion, abduction = math.radians(figure.flexion[i]), math.radians(figure.abduction[i])
        arm = -up * math.cos(flexion) * math.cos(abduction) + ahead * math.sin(flexion) * math.cos(abduction)
        arm = arm + np.array([0.0, sign, 0.0]) * math.sin(abduction)
        bend = math.radians(figure.elbow[i])
        elbow = shoulder + 0.3 * arm
        fore = arm * math.cos(bend) + np.cross([0.0, 1.0, 0.0], arm) * math.sin(bend)
        points |= {f"{side}_shoulder": shoulder, f"{side}_elbow": elbow, f"{side}_wrist": elbow + 0.26 * fore}
    rows = np.full((33, 3), np.nan)
    for name, point in points.items():
        if name not in hidden:
            rows[BLAZEPOSE_33.index(Landmark(name))] = point
    states = np.where(np.isfinite(rows[:, 0]), LandmarkState.OBSERVED, LandmarkState.LOST).astype(np.uint8)
    return Body(
        "a", stamp_ns, BLAZEPOSE_33, np.zeros((33, 2)), np.ones(33), rows, np.tile(std**2 * np.eye(3), (33, 1, 1)),
        states, 1.0, (640, 480), view=view,
    )  # fmt: skip


Pose = Callable[[float], Figure]
STAND = Figure()


def moved(pose: Pose, value: float, times: int = 2, hold_s: float = 1.5) -> list[Figure]:
    """Stands, goes there in a second, holds, comes back; so often."""
    steps = int(FPS)
    way = [value * 0.5 * (1.0 - math.cos(math.pi * i / steps)) for i in range(steps)]
    figures = [STAND] * steps
    for _ in range(times):
        figures += (
            [pose(v) for v in way] + [pose(value)] * int(hold_s * FPS) + [pose(v) for v in reversed(way)]
        )
    return [*figures, *([STAND] * 5)]


def ankle(side: int, heel: float = 0.0) -> Pose:
    def pose(value: float) -> Figure:
        shank, knee, heels = [3.0, 3.0], [5.0, 5.0], [0.0, 0.0]
        shank[side], knee[side] = 3.0 + value, 5.0 + 1.6 * value
        heels[side] = heel if value > 15.0 else 0.0
        return replace(STAND, shank=tuple(shank), knee=tuple(knee), heel=tuple(heels))

    return pose


def hip(side: int, lean: float = 4.0) -> Pose:
    def pose(value: float) -> Figure:
        thigh, knee = [2.0, 2.0], [5.0, 5.0]
        thigh[side], knee[side] = value - lean, max(5.0, value)
        return replace(STAND, thigh=tuple(thigh), knee=tuple(knee), lean=lean if value > 5.0 else 2.0)

    return pose


def arms(lean: float = 2.0, elbow: float = 8.0) -> Pose:
    return lambda value: replace(STAND, flexion=(value, value - 4.0), lean=lean, elbow=(elbow, elbow))


def aside(value: float) -> Figure:
    return replace(STAND, flexion=(0.0, 0.0), abduction=(value, value))


def watch(
    joints: tuple[str, ...], figures: list[Figure], view: float, std: float = 0.005, patience: float = 60.0
) -> tuple[list[RangeProgress], RangeResult]:
    calibration = RangeCalibration(joints, patience)
    told = []
    for i, figure in enumerate(figures):
        stamp = round(i / FPS * 1e9)
        told.append(calibration.update(body(figure, view, stamp, std), stamp))
    return told, calibration.finish(WHEN)


def degrees(result: RangeResult) -> dict[tuple[str, str], float]:
    return {(item.joint, item.side): math.degrees(item.value) for item in result.ranges}


def test_ankles_are_measured_one_after_the_other() -> None:
    told, result = watch(("ankle_dorsiflexion",), moved(ankle(0), 35.0) + moved(ankle(1), 30.0), SIDE)
    found = degrees(result)
    assert found["ankle_dorsiflexion", "left"] == pytest.approx(38.0, abs=1.0)
    assert found["ankle_dorsiflexion", "right"] == pytest.approx(33.0, abs=1.0)
    assert all(math.radians(1.0) < item.std < math.radians(8.0) for item in result.ranges)
    assert all(item.measured_at == WHEN for item in result.ranges)
    assert told[-1].state is RangeState.DONE and not result.refused
    assert any("left foot ahead" in item.instruction for item in told)
    assert any("right foot ahead" in item.instruction for item in told)
    assert any("once more" in item.instruction for item in told)
    assert max(item.share for item in told) > 0.8


def test_hips_are_measured() -> None:
    _, result = watch(("hip_flexion",), moved(hip(0), 110.0) + moved(hip(1), 102.0), SIDE)
    found = degrees(result)
    assert found["hip_flexion", "left"] == pytest.approx(110.0, abs=2.0)
    assert found["hip_flexion", "right"] == pytest.approx(102.0, abs=2.0)


def test_both_arms_are_measured_at_once_and_do_not_wrap_overhead() -> None:
    _, result = watch(("shoulder_flexion",), moved(arms(), 186.0), SIDE)
    found = degrees(result)
    assert found["shoulder_flexion", "left"] == pytest.approx(186.0, abs=1.5)
    assert found["shoulder_flexion", "right"] == pytest.approx(182.0, abs=1.5)
    _, result = watch(("shoulder_abduction",), moved(aside, 150.0), FRONT)
    assert list(degrees(result).values()) == pytest.approx([150.0, 150.0], abs=1.5)


def test_all_movements_follow_each_other() -> None:
    figures = moved(ankle(0), 35.0) + moved(ankle(1), 35.0) + moved(hip(0), 110.0) + moved(hip(1), 110.0)
    told, result = watch(
        ("ankle_dorsiflexion", "hip_flexion", "shoulder_flexion"), figures + moved(arms(), 170.0), SIDE
    )
    assert told[-1].state is RangeState.DONE
    assert len(result.ranges) == 6


@pytest.mark.parametrize(
    ("joints", "figures", "view", "reason"),
    [
        (("ankle_dorsiflexion",), moved(ankle(0), 35.0), FRONT, "turn sideways"),
        (("shoulder_abduction",), moved(aside, 150.0), SIDE, "face the camera"),
        (("ankle_dorsiflexion",), moved(ankle(0, heel=5.0), 35.0), SIDE, "heel on the floor"),
        (("shoulder_flexion",), moved(arms(lean=-25.0), 170.0), SIDE, "lean back"),
        (("shoulder_flexion",), moved(arms(elbow=60.0), 170.0), SIDE, "straighten the arm"),
        (("hip_flexion",), moved(hip(0, lean=40.0), 110.0), SIDE, "stay upright"),
        (("hip_flexion",), moved(hip(0), 110.0, hold_s=0.2), SIDE, "not held"),
        (("hip_flexion",), moved(hip(0), 110.0, times=1), SIDE, "only held once"),
    ],
)
def test_what_is_not_shown_is_refused_with_the_reason(
    joints: tuple[str, ...], figures: list[Figure], view: float, reason: str
) -> None:
    _, result = watch(joints, figures, view)
    assert (joints[0], "left") not in degrees(result)
    assert reason in result.refused[joints[0], "left"]


def test_a_coarse_measurement_is_refused() -> None:
    _, result = watch(("hip_flexion",), moved(hip(0), 110.0), SIDE, std=0.045)
    assert not result.ranges
    assert "well enough" in result.refused["hip_flexion", "left"]


def test_a_hidden_joint_is_refused() -> None:
    calibration = RangeCalibration(("hip_flexion",))
    for i, figure in enumerate(moved(hip(0), 110.0)):
        stamp = round(i / FPS * 1e9)
        calibration.update(body(figure, SIDE, stamp, hidden=("left_knee",)), stamp)
    assert "hidden" in calibration.finish(WHEN).refused["hip_flexion", "left"]


def test_a_stop_on_the_way_is_not_the_end() -> None:
    figures = moved(ankle(0), 20.0, times=1)
    cut = figures[: int(FPS * 3.2)]
    further = [ankle(0)(20.0 + i) for i in range(16)] + [ankle(0)(35.0)] * int(1.5 * FPS)
    _, result = watch(
        ("ankle_dorsiflexion",), cut + further + [STAND] * 8 + moved(ankle(0), 35.0, times=1), SIDE
    )
    assert degrees(result)["ankle_dorsiflexion", "left"] == pytest.approx(38.0, abs=1.0)


def test_attempts_that_differ_are_done_again_and_then_refused() -> None:
    figures = moved(hip(0), 110.0, 1) + moved(hip(0), 88.0, 1) + moved(hip(0), 67.0, 1)
    _, result = watch(("hip_flexion",), figures, SIDE)
    assert "differ by" in result.refused["hip_flexion", "left"]
    figures = moved(hip(0), 110.0, 1) + moved(hip(0), 85.0, 1) + moved(hip(0), 108.0, 1)
    _, result = watch(("hip_flexion",), figures, SIDE)
    assert degrees(result)["hip_flexion", "left"] == pytest.approx(110.0, abs=2.0)


def test_patience_ends_and_the_next_movement_comes() -> None:
    told, result = watch(("ankle_dorsiflexion", "hip_flexion"), [STAND] * int(7 * FPS), SIDE, patience=3.0)
    assert told[-1].state is RangeState.DONE
    assert len(result.refused) == 4


def test_nobody_in_the_picture() -> None:
    calibration = RangeCalibration(("hip_flexion",), 5.0)
    answers = [calibration.update(None, i * 100_000_000) for i in range(20)]
    assert answers[0].problem == "step into the picture"
    assert "picture" in calibration.finish(WHEN).refused["hip_flexion", "left"]


@pytest.mark.parametrize("joints", [(), ("elbow",)])
def test_joints_that_are_not_known_are_refused(joints: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="allowed: ankle_dorsiflexion"):
        RangeCalibration(joints)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-(10**9), 10**10), st.floats(-400.0, 400.0), st.booleans()), max_size=30)
)
def test_hostile_input_gives_no_range(frames: list[tuple[int, float, bool]]) -> None:
    calibration = RangeCalibration(RANGE_JOINTS)
    for stamp, value, there in frames:
        figure = replace(STAND, flexion=(value, -value), lean=value)
        calibration.update(body(figure, value, stamp) if there else None, stamp)
    result = calibration.finish(WHEN)
    assert len(result.ranges) + len(result.refused) == 8
