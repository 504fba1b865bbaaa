"""Features: definitions, signs, sides, uncertainty and reasons."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_athlete import Build, Posture, Recorder

from kinecue.body import BLAZEPOSE_33, COCO_17, Body, Landmark, Reason, Validity
from kinecue.exercise import Side
from kinecue.exercise.features import FEATURES, FeatureComputer, FeatureFrame, UnknownFeatureError

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


@settings(max_examples=20, deadline=None)
@given(postures, st.floats(-3.0, 3.0))
def test_a_turn_about_the_vertical_changes_nothing(posture: Posture, yaw: float) -> None:
    body = Recorder(std=0.01, bias=0.01).body(posture, 0)
    start = Recorder(bias=0.01).body(Posture(), 0)
    plain = ALL.measure(body, ALL.measure(start).points)
    other = ALL.measure(turned(body, yaw), ALL.measure(turned(start, yaw)).points)
    for key, value in plain.measurements.items():
        assert other[key].value == pytest.approx(value.value, abs=1e-9)
        assert other[key].std == pytest.approx(value.std, rel=2e-3)


@settings(max_examples=20, deadline=None)
@given(postures)
def test_a_mirrored_body_has_its_sides_changed_over(posture: Posture) -> None:
    body = Recorder(std=0.01, bias=0.01).body(posture, 0)
    start = Recorder(bias=0.01).body(Posture(), 0)
    plain = ALL.measure(body, ALL.measure(start).points)
    other = ALL.measure(mirrored(body), ALL.measure(mirrored(start)).points)
    across = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT, Side.NONE: Side.NONE}
    for (name, side), value in plain.measurements.items():
        sign = -1.0 if FEATURES[name].mirrored else 1.0
        assert other[(name, across[side])].value == pytest.approx(sign * value.value, abs=1e-9)
        assert other[(name, across[side])].std == pytest.approx(value.std, rel=2e-3)


def test_standard_deviations_agree_with_sampling() -> None:
    std, count = 0.008, 500
    recorder = Recorder(white=std, std=std, seed=4)
    posture = Posture(knee=80.0, lean=30.0, elbow=(70.0, 100.0), shoulder=15.0, ratio=1.1)
    start = ALL.measure(Recorder().body(Posture(), 0)).points
    claimed = ALL.measure(Recorder(std=std).body(posture, 0), start)
    drawn = [ALL.measure(recorder.body(posture, 0), start) for _ in range(count)]
    for (name, side), measured in claimed.measurements.items():
        if name == "foot_shift":  # a distance from zero is not linear
            continue
        expected = math.sqrt(np.std([d[(name, side)].value for d in drawn]) ** 2 + FEATURES[name].floor ** 2)
        assert measured.std == pytest.approx(expected, rel=0.18), name


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
