"""Features: definitions, signs, sides, uncertainty and reasons."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_athlete import Build, Posture, Recorder
from numpy.typing import NDArray

from kinecue.body import BLAZEPOSE_33, COCO_17, Body, Landmark, Measurement, Reason, Validity
from kinecue.exercise import Side
from kinecue.exercise.features import FEATURES, FeatureComputer, FeatureFrame, UnknownFeatureError

FloatArray = NDArray[np.float64]
ALL = FeatureComputer(tuple(FEATURES))


def measure(posture: Posture, recorder: Recorder | None = None, start: Posture | None = None) -> FeatureFrame:
    recorder = recorder or Recorder()
    reference = None if start is None else ALL.measure(recorder.body(start, 0)).points
    return ALL.measure(recorder.body(posture, 0), reference)


def degrees(frame: FeatureFrame, name: str, side: Side = Side.NONE) -> float:
    return math.degrees(frame[(name, side)].value)


def mirrored(body: Body) -> Body:
    """Left and right changed over, reflected in the plane y = 0."""
    order = list(body.topology.mirror)
    flip = np.array([1.0, -1.0, 1.0])
    return replace(
        body,
        positions=body.positions[order] * flip,
        covariances=body.covariances[order] * np.outer(flip, flip),
        states=body.states[order],
        view=-body.view,
    )


def turned(body: Body, yaw: float) -> Body:
    c, s = math.cos(yaw), math.sin(yaw)
    rotation = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return replace(
        body, positions=body.positions @ rotation.T, covariances=rotation @ body.covariances @ rotation.T
    )


def test_known_posture_gives_its_own_angles() -> None:
    frame = measure(Posture(lean=30.0, elbow=(90.0, 40.0), shoulder=20.0, ratio=1.2))
    assert degrees(frame, "trunk_lean") == pytest.approx(30.0, abs=1e-9)
    assert degrees(frame, "trunk_lateral_lean") == pytest.approx(0.0, abs=1e-9)
    assert degrees(frame, "elbow_flexion", Side.LEFT) == pytest.approx(90.0, abs=1e-9)
    assert degrees(frame, "elbow_flexion", Side.RIGHT) == pytest.approx(40.0, abs=1e-9)
    assert degrees(frame, "shoulder_flexion", Side.LEFT) == pytest.approx(20.0, abs=1e-9)
    assert frame[("knee_separation_ratio", Side.NONE)].value == pytest.approx(1.2)


def test_knee_flexion_where_thigh_and_shank_lie_in_one_plane() -> None:
    build = Build(pelvis=0.36, stance=0.36)
    frame = measure(Posture(knee=95.0, ratio=1.0), Recorder(build=build))
    assert degrees(frame, "knee_flexion", Side.LEFT) == pytest.approx(95.0, abs=1e-9)
    # hip flexion = thigh against the vertical (95 deg less the shank's lean) plus the trunk's lean of 4 deg
    assert degrees(frame, "hip_flexion", Side.RIGHT) == pytest.approx(95.0 * 0.64 + 4.0, abs=1e-9)


def test_asymmetry_is_left_minus_right() -> None:
    assert degrees(measure(Posture(knee=60.0, asymmetry=20.0)), "knee_flexion_asymmetry") > 10.0


def test_features_relative_to_the_start_position() -> None:
    start = Posture(lean=5.0, shoulder=4.0)
    frame = measure(Posture(lean=-7.0, shoulder=30.0, heel=0.04, step=(0.3, 0.0)), start=start)
    assert degrees(frame, "trunk_swing") == pytest.approx(-12.0, abs=1e-6)
    assert degrees(frame, "elbow_drift", Side.RIGHT) == pytest.approx(26.0, abs=1e-6)
    assert frame[("heel_rise", Side.LEFT)].value == pytest.approx(0.04)
    assert frame[("foot_shift", Side.LEFT)].value == pytest.approx(0.3)
    assert frame[("foot_shift", Side.RIGHT)].value == pytest.approx(0.0, abs=1e-9)


def test_relative_features_wait_for_a_start_position() -> None:
    frame = measure(Posture())
    assert frame[("trunk_swing", Side.NONE)].reason is Reason.NOT_CALIBRATED
    assert not frame[("heel_rise", Side.LEFT)].usable


postures = st.builds(
    Posture,
    knee=st.floats(5, 120),
    lean=st.floats(-10, 70),
    ratio=st.floats(0.6, 1.4),
    asymmetry=st.floats(-8, 8),
    elbow=st.tuples(st.floats(5, 140), st.floats(5, 140)),
    shoulder=st.floats(-30, 60),
)
EVERYTHING = tuple(name for name, item in FEATURES.items() if item.function is not None)
seeds = st.integers(0, 10_000)


def anybody(posture: Posture, seed: int) -> tuple[Body, FloatArray]:
    """Somebody whose joints are nowhere in line, and where they were in the start position."""
    body = Recorder(std=0.003, bias=0.04, seed=seed).body(posture, 0)
    return body, ALL.measure(Recorder(bias=0.04, seed=seed + 1).body(Posture(), 0)).points


def turned_points(points: FloatArray, yaw: float) -> FloatArray:
    c, s = math.cos(yaw), math.sin(yaw)
    return points @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def mirrored_points(points: FloatArray) -> FloatArray:
    """Left and right follow each other in `FeatureComputer.landmarks`."""
    order = np.arange(len(points)).reshape(-1, 2)[:, ::-1].ravel()
    return points[order] * [1.0, -1.0, 1.0]


def same(one: Measurement, other: Measurement, sign: float = 1.0) -> None:
    """Equal, or abstained from for the same reason."""
    assert (one.validity, one.reason) == (other.validity, other.reason)
    if one.usable:
        assert other.value == pytest.approx(sign * one.value, abs=1e-9)
        assert other.std == pytest.approx(one.std, rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(postures, st.floats(-3.0, 3.0), seeds)
def test_a_turn_about_the_vertical_changes_nothing(posture: Posture, yaw: float, seed: int) -> None:
    body, start = anybody(posture, seed)
    plain, other = ALL.measure(body, start), ALL.measure(turned(body, yaw), turned_points(start, yaw))
    for key, value in plain.measurements.items():
        same(value, other[key])


@settings(max_examples=15, deadline=None)
@given(postures, seeds)
def test_a_mirrored_body_has_its_sides_changed_over(posture: Posture, seed: int) -> None:
    body, start = anybody(posture, seed)
    plain, other = ALL.measure(body, start), ALL.measure(mirrored(body), mirrored_points(start))
    across = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT, Side.NONE: Side.NONE}
    for (name, side), value in plain.measurements.items():
        same(value, other[(name, across[side])], -1.0 if FEATURES[name].mirrored else 1.0)


@settings(max_examples=15, deadline=None)
@given(postures, seeds)
def test_the_exact_gradient_says_what_small_steps_say(posture: Posture, seed: int) -> None:
    body, start = anybody(posture, seed)
    random = np.random.default_rng(seed)
    root = random.normal(0.0, 0.004, (48, 48))
    known = replace(
        body,
        joint_landmarks=tuple(BLAZEPOSE_33.landmarks[row] for row in range(11, 27)),
        joint_covariance=root @ root.T / 16.0,
    )
    for person in (body, known):
        exact, stepped = ALL.measure(person, start), ALL.measure_by_steps(person, start)
        for key, value in exact.measurements.items():
            other = stepped[key]
            assert value.reason == other.reason or not (value.usable and other.usable)
            if value.usable and other.usable:
                assert value.value == pytest.approx(other.value, abs=1e-9), key
                assert value.std == pytest.approx(other.std, rel=0.02), key  # a step of 0.1 mm is not nothing


@settings(max_examples=10, deadline=None)
@given(postures, seeds, st.lists(st.sampled_from(EVERYTHING), min_size=1, max_size=4))
def test_a_feature_does_not_depend_on_what_else_is_measured(
    posture: Posture, seed: int, names: list[str]
) -> None:
    body, start = anybody(posture, seed)
    few = FeatureComputer(tuple(names))
    rows = [ALL.landmarks.index(name) for name in few.landmarks]
    everything, alone = ALL.measure(body, start), few.measure(body, start[rows])
    for key, value in alone.measurements.items():
        same(value, everything[key])


def test_standard_deviations_agree_with_sampling() -> None:
    std, count = 0.004, 300
    recorder = Recorder(white=std, std=std, bias=0.03, seed=4)
    posture = Posture(knee=80.0, lean=30.0, elbow=(70.0, 100.0), shoulder=15.0, ratio=1.1)
    start = ALL.measure(Recorder(bias=0.03).body(Posture(), 0)).points
    claimed = ALL.measure(Recorder(std=std, bias=0.03, seed=4).body(posture, 0), start)
    drawn = [ALL.measure(recorder.body(posture, 0), start) for _ in range(count)]
    for (name, side), measured in claimed.measurements.items():
        if not measured.usable or measured.std > 0.3:  # not linear over so much
            continue
        values = [d[(name, side)].value for d in drawn]
        expected = math.hypot(float(np.nanstd(values)), FEATURES[name].floor)
        assert measured.std == pytest.approx(expected, rel=0.2), name


def test_ordinary_bodies_do_not_need_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> FeatureFrame:
        raise AssertionError("measured by small steps")

    monkeypatch.setattr(FeatureComputer, "measure_by_steps", slow)
    for names in (EVERYTHING, *((name,) for name in EVERYTHING)):
        computer = FeatureComputer(names)
        body = Recorder(std=0.003, bias=0.02, seed=5).body(Posture(knee=40.0), 0)
        first = computer.measure(body)
        assert np.isfinite(first.points).all()
        later = computer.measure(
            Recorder(std=0.003, bias=0.02, seed=6).body(Posture(knee=70.0), 1), first.points
        )
        assert all(measured.usable or measured.reason for measured in later.measurements.values())


def test_a_batch_gives_the_same_values() -> None:
    bodies = [anybody(Posture(knee=knee, lean=knee / 3), 3)[0] for knee in (10.0, 50.0, 100.0)]
    start = anybody(Posture(), 3)[1]
    frames = [ALL.measure(body, start) for body in bodies]
    values = ALL.positions(np.stack([frame.points for frame in frames]), start)
    for i, frame in enumerate(frames):
        for c, (item, side) in enumerate(ALL.columns):
            measured = frame[(item.name, side)]
            assert not measured.usable or measured.value == pytest.approx(values[i, c], abs=1e-9)


def test_joints_in_the_same_place_are_uncertain_and_break_nothing() -> None:
    body = Recorder(std=0.01).body(Posture(), 0)
    hips = BLAZEPOSE_33.indices(Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    body.positions[hips] = body.positions[hips[0]]
    frame = ALL.measure(body)
    assert frame[("trunk_lean", Side.NONE)].reason is Reason.UNCERTAIN
    assert frame[("elbow_flexion", Side.LEFT)].usable


def test_a_straight_limb_has_an_angle_of_zero() -> None:
    body = Recorder(std=0.005).body(Posture(elbow=(0.0, 0.0)), 0)
    measured = ALL.measure(body)[("elbow_flexion", Side.LEFT)]
    assert measured.value == pytest.approx(0.0, abs=1e-6)
    assert measured.usable


def test_features_that_no_landmark_tells_say_so() -> None:
    frame = measure(Posture())
    assert frame[("trunk_flexion", Side.NONE)].reason is Reason.UNSUPPORTED
    assert not frame[("eccentric_time", Side.NONE)].usable


def test_exact_landmarks_leave_the_floor_of_the_feature() -> None:
    frame = measure(Posture())
    assert degrees(frame, "trunk_lean") == pytest.approx(4.0)
    assert math.degrees(frame[("trunk_lean", Side.NONE)].std) == pytest.approx(2.0)


def test_hidden_landmarks_hide_what_depends_on_them_and_no_more() -> None:
    frame = measure(Posture(), Recorder(hidden=(Landmark.LEFT_ANKLE,)))
    assert frame[("knee_flexion", Side.LEFT)].reason is Reason.OCCLUDED
    assert frame[("knee_flexion", Side.RIGHT)].usable
    assert not frame[("knee_separation_ratio", Side.NONE)].usable
    assert frame[("trunk_lean", Side.NONE)].usable


def test_inferred_landmarks_make_inferred_features() -> None:
    frame = measure(Posture(), Recorder(inferred=(Landmark.RIGHT_KNEE,)))
    assert frame[("knee_flexion", Side.RIGHT)].validity is Validity.INFERRED
    assert frame[("knee_flexion", Side.LEFT)].validity is Validity.VALID


def test_out_of_frame_is_told_from_occluded() -> None:
    body = Recorder(hidden=(Landmark.LEFT_ANKLE,)).body(Posture(), 0)
    body.pixels[BLAZEPOSE_33.index(Landmark.LEFT_ANKLE)] = (320.0, 700.0)
    assert ALL.measure(body)[("knee_flexion", Side.LEFT)].reason is Reason.OUT_OF_FRAME


def test_a_topology_without_the_landmark_is_unsupported() -> None:
    full = Recorder().body(Posture(), 0)
    rows = [BLAZEPOSE_33.index(landmark) for landmark in COCO_17.landmarks]
    body = replace(
        full,
        topology=COCO_17,
        pixels=full.pixels[rows],
        pixel_std=full.pixel_std[rows],
        positions=full.positions[rows],
        covariances=full.covariances[rows],
        states=full.states[rows],
    )
    frame = ALL.measure(body, np.zeros_like(ALL.measure(body).points))
    assert frame[("heel_rise", Side.LEFT)].reason is Reason.UNSUPPORTED
    assert frame[("knee_flexion", Side.LEFT)].usable


def test_a_feature_that_says_nothing_is_uncertain() -> None:
    frame = measure(Posture(), Recorder(std=0.4))
    assert frame[("knee_flexion", Side.LEFT)].reason is Reason.UNCERTAIN


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_broken_numbers_abstain(value: float) -> None:
    body = Recorder(std=0.01).body(Posture(), 0)
    body.positions[BLAZEPOSE_33.index(Landmark.LEFT_KNEE)] = value
    body.covariances[BLAZEPOSE_33.index(Landmark.RIGHT_KNEE)] = value
    frame = ALL.measure(body)
    assert not frame[("knee_flexion", Side.LEFT)].usable
    assert not frame[("knee_flexion", Side.RIGHT)].usable
    assert frame[("trunk_lean", Side.NONE)].usable


def test_an_unknown_feature_lists_the_known_ones() -> None:
    with pytest.raises(UnknownFeatureError, match=r"unknown feature knee_bend; allowed: .*knee_flexion"):
        FeatureComputer(("knee_bend",))


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_every_feature_says_what_it_is(name: str) -> None:
    assert len(FEATURES[name].definition) > 20
    assert FEATURES[name].floor > 0.0
