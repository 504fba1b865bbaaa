"""Standing still for two seconds: what the lifter is told, what is forgiven, what comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perception.standing_figure import CAMERA, landmarks_of, standing_points

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.body.person import PersonError, load_person, save_person
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.quick_calibration import Calibration, QuickCalibration, Refusal, State
from kinecue.perception.stance import Problem, stance_problems, view_of

STEP_NS = 33_333_333
WHEN = "2026-01-01T08:00:00+00:00"
LENGTHS = SegmentLengths.from_stature(1.75)
BOTH = ("left", "right")


@dataclass(frozen=True)
class Found:
    """What a measuring function tells."""

    camera: CameraModel
    lengths: SegmentLengths
    lengths_std: np.ndarray
    stature: float
    stature_std: float
    left: np.ndarray
    joints: np.ndarray


def measure(
    camera: CameraModel, pixels: np.ndarray, world: np.ndarray, visibility: np.ndarray, stature: float | None
) -> Found:
    """Knows the answer, and notes that the picture's scale varies it."""
    assert pixels.shape == (33, 2) and world.shape == (33, 3) and visibility.shape == (33,)
    tall = stature or 1.75
    joints = np.array([[3.2, 0.1 * s, z] for z in (0.1, 0.9, 1.4) for s in (1, -1)])
    return Found(camera, LENGTHS, np.full(7, 0.04), tall, 0.03, np.array([0.0, -1.0, 0.0]), joints)


def changed(names: tuple[str, ...], by: tuple[float, float, float]) -> dict[str, tuple[float, float, float]]:
    """Moves a joint of both sides; y is outward."""
    return {
        f"{side}_{n}": (by[0], by[1] * (1 if side == "left" else -1), by[2]) for n in names for side in BOTH
    }


def frame(k: int, **how: Any) -> Landmarks2D:
    changes = how.pop("changes", None)
    return landmarks_of(standing_points(changes), k * STEP_NS, **how)


def stood(quick: QuickCalibration, frames: int, first: int = 0, **how: Any) -> list[State]:
    return [quick.update(frame(k, **how), k * STEP_NS).state for k in range(first, first + frames)]


@pytest.mark.parametrize("view", [0.0, 45.0, 90.0, -90.0])
def test_two_seconds_of_standing_still_are_enough(view: float) -> None:
    quick = QuickCalibration(CAMERA, measure, "anna")
    states = stood(quick, 70, view=math.radians(view))
    assert states.index(State.READY) == 60
    result = quick.finish(WHEN)
    assert isinstance(result, Calibration)
    assert result.person.lengths == LENGTHS and result.person.calibrated_at == WHEN
    assert result.person.lengths_std.thigh == pytest.approx(0.04 * LENGTHS.thigh)
    assert math.degrees(result.view) == pytest.approx(view, abs=0.5)
    assert result.frames == 61
    assert result.mount.height == CAMERA.mount_height and result.mount.height_std == pytest.approx(0.015)


def test_the_share_grows_evenly_and_the_lifter_is_told_to_stay() -> None:
    quick = QuickCalibration(CAMERA, measure, "anna")
    answers = [quick.update(frame(k), k * STEP_NS) for k in range(61)]
    shares = [answer.share for answer in answers]
    assert shares == sorted(shares) and shares[30] == pytest.approx(0.5, abs=0.01) and shares[-1] == 1.0
    assert answers[10].instruction == "stay like that"


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"distance": 1.6}, Problem.FEET_OUT),
        ({"distance": 1.5, "camera": replace(CAMERA, tilt=math.radians(25))}, Problem.HEAD_OUT),
        ({"aside": 1.75}, Problem.SIDE_OUT),
        ({"distance": 9.0}, Problem.TOO_SMALL),
        ({"view": math.pi}, Problem.TURNED_AWAY),
        ({"changes": changed(("wrist", "elbow"), (0.0, -0.2, 0.0))}, Problem.ARMS_CLOSE),
        ({"changes": changed(("wrist",), (0.0, 0.1, 0.5))}, Problem.ARMS_UP),
        ({"changes": changed(("elbow", "wrist"), (0.0, 0.25, 0.3))}, Problem.ARMS_UP),
        ({"changes": changed(("ankle", "heel", "foot_index"), (0.0, 0.28, 0.0))}, Problem.FEET_APART),
        ({"changes": changed(("knee",), (0.25, 0.0, 0.0)), "view": math.pi / 2}, Problem.KNEES_BENT),
        (
            {"changes": changed(("shoulder", "elbow", "wrist"), (0.3, 0.0, 0.0)), "view": math.pi / 2},
            Problem.NOT_UPRIGHT,
        ),
    ],
)
def test_every_fault_of_the_stance_is_named(how: dict[str, Any], problem: Problem) -> None:
    quick = QuickCalibration(how.get("camera", CAMERA), measure, "anna")
    stood(quick, 8, **how)
    answer = quick.progress
    assert problem in answer.problems and answer.share == 0.0 and answer.state is State.WAITING
    assert answer.instruction == answer.problems[0].value
    result = quick.finish(WHEN)
    assert isinstance(result, Refusal) and result.reasons[0] == answer.instruction


def test_a_hidden_foot_and_nobody_are_named() -> None:
    seen = frame(0)
    visibility = seen.visibility.copy()
    visibility[BLAZEPOSE_33.indices(L.LEFT_ANKLE, L.RIGHT_ANKLE)] = 0.1
    assert stance_problems(replace(seen, visibility=visibility), 640, 480) == (Problem.HIDDEN_FEET,)
    quick = QuickCalibration(CAMERA, measure, "anna")
    assert quick.update(None, 0).instruction == "step into the picture"
    assert quick.finish() == Refusal(("step into the picture",))


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (0.0, Problem.WRONG_VIEW_FRONT),
        (math.pi / 2, Problem.WRONG_VIEW_LEFT),
        (-math.pi / 2, Problem.WRONG_VIEW_RIGHT),
    ],
)
def test_a_view_that_is_asked_for_is_asked_for(wanted: float, problem: Problem) -> None:
    elsewhere = wanted + math.radians(50.0)
    assert stance_problems(frame(0, view=elsewhere), 640, 480, wanted) == (problem,)
    assert stance_problems(frame(0, view=wanted), 640, 480, wanted) == ()


@given(st.floats(-2.0, 2.0))
def test_the_view_is_the_persons_yaw(view: float) -> None:
    seen = frame(0, view=view)
    assert view_of(seen.world, seen.topology) == pytest.approx(view, abs=0.02)


def test_single_bad_frames_are_forgiven() -> None:
    quick = QuickCalibration(CAMERA, measure, "anna")
    wild = frame(0, distance=1.6)
    for k in range(75):
        bad = k in (20, 41, 42)
        quick.update(
            replace(wild, stamp_ns=k * STEP_NS) if bad else (None if k == 30 else frame(k)), k * STEP_NS
        )
    assert quick.progress.state is State.READY


def test_a_step_aside_starts_again() -> None:
    quick = QuickCalibration(CAMERA, measure, "anna")
    stood(quick, 40)
    assert quick.progress.share > 0.6
    said = set()
    for k in range(40, 60):
        said.add(quick.update(frame(k, aside=0.03 * (k - 40)), k * STEP_NS).instruction)
    assert "stand still" in said and quick.progress.share < 0.1
    assert stood(quick, 80, first=60, aside=0.57)[-1] is State.READY


def test_slow_swaying_is_not_standing_still() -> None:
    quick = QuickCalibration(CAMERA, measure, "anna", patience_s=8.0)
    for k in range(300):
        quick.update(frame(k, aside=0.25 * math.sin(k / 30.0)), k * STEP_NS)
    assert quick.progress.state is State.FAILED
    result = quick.finish()
    assert isinstance(result, Refusal) and "stand still" in result.reasons


def test_another_person_starts_again() -> None:
    quick = QuickCalibration(CAMERA, measure, "anna")
    stood(quick, 50)
    assert quick.update(frame(50, identity=3), 50 * STEP_NS).share == 0.0


def test_old_frames_and_a_long_gap() -> None:
    quick = QuickCalibration(CAMERA, measure, "anna")
    stood(quick, 30)
    before = quick.progress
    assert quick.update(frame(3), 3 * STEP_NS) is before
    assert quick.update(frame(60), 60 * STEP_NS).share == 0.0


def test_patience_ends_with_what_was_wrong_most() -> None:
    quick = QuickCalibration(CAMERA, measure, "anna", patience_s=3.0)
    stood(quick, 100, distance=1.6)
    assert quick.progress.state is State.FAILED
    result = quick.finish()
    assert isinstance(result, Refusal) and result.reasons == (Problem.FEET_OUT.value,)


def test_an_unknown_mount_is_measured_and_what_it_cannot_tell_is_said() -> None:
    guessed = replace(CAMERA, mount_estimated=True)
    quick = QuickCalibration(guessed, measure, "anna")
    stood(quick, 61)
    result = quick.finish(WHEN)
    assert isinstance(result, Calibration)
    assert result.mount.height_std > 0.05 and any("stature" in remark for remark in result.remarks)
    told = QuickCalibration(guessed, measure, "anna", stature=1.8)
    stood(told, 61)
    other = told.finish(WHEN)
    assert isinstance(other, Calibration) and other.person.stature == 1.8 and other.remarks == ()


@pytest.mark.parametrize("roll", [-4.0, 0.0, 5.0])
def test_a_rolled_camera_shows_in_the_bodys_vertical(roll: float) -> None:
    true = replace(CAMERA, roll=math.radians(roll))
    quick = QuickCalibration(replace(CAMERA, mount_estimated=True), measure, "anna")
    stood(quick, 61, camera=true)
    result = quick.finish(WHEN)
    assert isinstance(result, Calibration)
    assert math.degrees(result.mount.roll) == pytest.approx(roll, abs=0.6)
    assert 0.5 < math.degrees(result.mount.roll_std) < 1.5


def test_a_mount_that_does_not_fit_the_picture_is_remarked() -> None:
    quick = QuickCalibration(CAMERA, measure, "anna")
    stood(quick, 61, camera=replace(CAMERA, roll=math.radians(6.0)))
    result = quick.finish(WHEN)
    assert isinstance(result, Calibration) and any("rolled by 6" in remark for remark in result.remarks)


def test_lengths_of_nobody_are_refused() -> None:
    def giant(*given: Any) -> Found:
        return replace(measure(*given), lengths=replace(LENGTHS, thigh=0.8))

    quick = QuickCalibration(CAMERA, giant, "anna")
    stood(quick, 61)
    result = quick.finish()
    assert isinstance(result, Refusal) and "thigh of 0.80 m" in result.reasons[0]


def test_measurements_that_disagree_with_each_other_are_refused() -> None:
    answers = iter([1.0, 0.9, 1.0, 1.1])

    def fickle(*given: Any) -> Found:
        return replace(measure(*given), lengths=SegmentLengths.from_array(LENGTHS.as_array() * next(answers)))

    quick = QuickCalibration(CAMERA, fickle, "anna")
    stood(quick, 61)
    result = quick.finish()
    assert isinstance(result, Refusal) and "stand still" in result.reasons[0]


def test_a_measure_that_fails_is_a_refusal() -> None:
    def broken(*given: Any) -> Found:
        raise np.linalg.LinAlgError("SVD did not converge")

    quick = QuickCalibration(CAMERA, broken, "anna")
    stood(quick, 61)
    assert "SVD" in quick.finish().reasons[0]  # type: ignore[union-attr]


def test_what_comes_out_can_be_stored(tmp_path: Any) -> None:
    quick = QuickCalibration(replace(CAMERA, mount_estimated=True), measure, "anna")
    stood(quick, 61)
    result = quick.finish()
    assert isinstance(result, Calibration)
    save_person(result.person, tmp_path)
    assert load_person("anna", tmp_path).lengths.thigh == pytest.approx(LENGTHS.thigh, rel=1e-5)


@given(st.integers(0, 5000), st.floats(-1.0, 1.0))
def test_the_mirrored_picture_has_the_same_problems(seed: int, view: float) -> None:
    rng = np.random.default_rng(seed)
    body = standing_points() + rng.normal(0.0, 0.08, (33, 3))
    camera = replace(CAMERA, cx=319.5)
    seen = landmarks_of(body, 0, camera, view)
    mirror = list(BLAZEPOSE_33.mirror)
    other = landmarks_of((body * [1.0, -1.0, 1.0])[mirror], 0, camera, -view)
    swap = {
        Problem.WRONG_VIEW_LEFT: Problem.WRONG_VIEW_RIGHT,
        Problem.WRONG_VIEW_RIGHT: Problem.WRONG_VIEW_LEFT,
    }
    found = stance_problems(seen, 640, 480)
    assert tuple(swap.get(p, p) for p in stance_problems(other, 640, 480)) == found


hostile = st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300, 0.0, 320.0, 1e-300])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-10, 400),
            st.lists(hostile, min_size=4, max_size=4),
            st.integers(0, 32),
            st.booleans(),
            st.integers(0, 2),
        ),
        max_size=70,
    )
)
def test_no_input_does_more_than_to_be_refused(frames: list[tuple[int, list[float], int, bool, int]]) -> None:
    quick = QuickCalibration(CAMERA, measure, "anna", patience_s=4.0)
    for k, (jitter, values, row, whole, identity) in enumerate(frames):
        seen = frame(max(k, 0), identity=identity)
        rows = slice(None) if whole else slice(row, row + 1)
        for array, value in zip((seen.pixels, seen.visibility, seen.world, seen.depth), values, strict=True):
            array[rows] = value
        answer = quick.update(None if row == 32 else seen, k * STEP_NS + jitter * 1_000_000)
        assert 0.0 <= answer.share <= 1.0
        assert bool(answer.problems) or answer.state is not State.WAITING or answer.instruction
    assert isinstance(quick.finish(WHEN), (Calibration, Refusal))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"person_id": "../x"}, PersonError),
        ({"stature": 3.0}, PersonError),
        ({"duration_s": 0.0}, ValueError),
        ({"duration_s": math.nan}, ValueError),
        ({"patience_s": 1.0}, ValueError),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="allowed"):
        QuickCalibration(CAMERA, measure, **{"person_id": "anna", **change})
