"""Anatomical frames and joint angles: known answers, and symmetries that hold for any body."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body import anatomy, angles

UP = np.array([0.0, 0.0, 1.0])
BASE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Columns: forward, up, right of somebody who looks along x in a frame with z up."""

angle = st.floats(-3.0, 3.0)
less = st.floats(-1.4, 1.4)
coordinate = st.floats(-2.0, 2.0)
point = st.tuples(coordinate, coordinate, coordinate).map(np.array)


def about(axis: int, by: float) -> np.ndarray:
    c, s = math.cos(by), math.sin(by)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    result = np.eye(3)
    result[a, a] = result[b, b] = c
    result[b, a], result[a, b] = s, -s
    return result


def turned(flexion: float, adduction: float, rotation: float) -> np.ndarray:
    return about(2, flexion) @ about(0, adduction) @ about(1, rotation)


@given(angle, less, angle, angle, less, angle)
def test_angles_are_those_by_which_the_distal_segment_was_turned_wherever_both_are(
    flexion: float, adduction: float, rotation: float, a: float, b: float, c: float
) -> None:
    proximal = turned(a, b, c)
    found = anatomy.joint_angles(proximal, proximal @ turned(flexion, adduction, rotation))
    assert found == pytest.approx((flexion, adduction, rotation), abs=1e-9)


@pytest.mark.parametrize(
    ("thigh", "expected"),
    [
        ((1.0, 0.0, 0.0), (90.0, 0.0)),  # thigh level ahead
        ((0.0, 0.0, -1.0), (0.0, 0.0)),
        ((-0.5, 0.0, -math.sqrt(0.75)), (-30.0, 0.0)),  # behind
        ((0.0, 0.5, -math.sqrt(0.75)), (0.0, 30.0)),  # the right leg to the left
    ],
)
def test_a_right_thigh_known_by_sight(thigh: tuple[float, ...], expected: tuple[float, float]) -> None:
    hip = np.array([0.2, -0.1, 1.0])
    knee = hip + 0.4 * np.array(thigh)
    frame = anatomy.hinged_thigh_frame(hip, knee, np.array([0.0, -1.0, 0.0]))
    found = anatomy.joint_angles(BASE, frame)
    assert np.degrees([found.flexion, found.adduction]) == pytest.approx(expected, abs=1e-9)


def test_inward_rotation_is_positive_on_both_sides() -> None:
    for side, turn in ((anatomy.RIGHT, 0.3), (anatomy.LEFT, -0.3)):
        # from above, a right foot turns inward by turning left
        distal = about(2, turn) @ BASE
        assert anatomy.joint_angles(BASE, distal, side).rotation == pytest.approx(0.3)


def landmarks(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A crooked body of which no two segments are parallel."""
    there = {
        "left_asis": (0.1, 0.13, 1.0),
        "right_asis": (0.1, -0.13, 1.0),
        "left_psis": (-0.07, 0.05, 1.05),
        "right_psis": (-0.07, -0.05, 1.05),
        "left_hip": (0.02, 0.09, 0.92),
        "right_hip": (0.02, -0.09, 0.92),
        "left_outer_knee": (0.1, 0.16, 0.5),
        "right_outer_knee": (0.3, -0.16, 0.55),
        "left_inner_knee": (0.1, 0.07, 0.5),
        "right_inner_knee": (0.3, -0.07, 0.55),
        "left_outer_ankle": (0.0, 0.15, 0.1),
        "right_outer_ankle": (0.1, -0.15, 0.1),
        "left_inner_ankle": (0.02, 0.08, 0.11),
        "right_inner_ankle": (0.12, -0.08, 0.11),
        "left_heel": (-0.06, 0.11, 0.03),
        "right_heel": (0.03, -0.11, 0.03),
        "left_toe": (0.16, 0.13, 0.03),
        "right_toe": (0.25, -0.13, 0.03),
        "left_shoulder": (0.1, 0.19, 1.42),
        "right_shoulder": (0.1, -0.19, 1.42),
    }
    # bounded: with a normal error one knee of 2,000 was turned by more than a right angle
    return {name: np.array(place) + rng.uniform(-0.03, 0.03, 3) for name, place in there.items()}


def all_angles(p: dict[str, np.ndarray]) -> np.ndarray:
    """(2, 9) per side hip, knee and ankle; both with the same sides first."""
    pelvis = anatomy.pelvis_frame(p["left_asis"], p["right_asis"], p["left_psis"], p["right_psis"])
    rows = []
    for side, sign in (("left", anatomy.LEFT), ("right", anatomy.RIGHT)):
        knee = [p[f"{side}_outer_knee"], p[f"{side}_inner_knee"]][:: 1 if side == "left" else -1]
        ankle = [p[f"{side}_outer_ankle"], p[f"{side}_inner_ankle"]][:: 1 if side == "left" else -1]
        thigh = anatomy.thigh_frame(p[f"{side}_hip"], *knee)
        shank = anatomy.shank_frame(0.5 * (knee[0] + knee[1]), *ankle)
        foot = anatomy.foot_frame(p[f"{side}_heel"], p[f"{side}_toe"], shank[..., 2])
        rows.append(
            [
                *anatomy.joint_angles(pelvis, thigh, sign),
                *anatomy.joint_angles(thigh, shank, sign),
                *anatomy.joint_angles(shank, foot, sign),
            ]
        )
    return np.array(rows)


@given(st.integers(0, 10_000), angle, less, angle)
def test_no_angle_depends_on_where_one_looks_from(seed: int, a: float, b: float, c: float) -> None:
    body = landmarks(np.random.default_rng(seed))
    r = turned(a, b, c)
    moved = {name: r @ p + [3.0, -1.0, 0.5] for name, p in body.items()}
    assert all_angles(moved) == pytest.approx(all_angles(body), abs=1e-9)


@given(st.integers(0, 10_000))
def test_the_mirrored_body_has_the_angles_of_the_other_side(seed: int) -> None:
    body = landmarks(np.random.default_rng(seed))
    swap = {"left": "right", "right": "left"}
    mirrored = {
        f"{swap[name.split('_', 1)[0]]}_{name.split('_', 1)[1]}": p * [1.0, -1.0, 1.0]
        for name, p in body.items()
    }
    assert all_angles(mirrored) == pytest.approx(all_angles(body)[::-1], abs=1e-9)


@given(st.integers(0, 10_000))
def test_frames_are_right_handed_rotations(seed: int) -> None:
    p = landmarks(np.random.default_rng(seed))
    right = p["right_hip"] - p["left_hip"]
    for frame in (
        anatomy.pelvis_frame(p["left_asis"], p["right_asis"], p["left_psis"], p["right_psis"]),
        anatomy.pelvis_frame_of_hips(p["left_hip"], p["right_hip"], UP),
        anatomy.thigh_frame(p["left_hip"], p["left_outer_knee"], p["left_inner_knee"]),
        anatomy.hinged_thigh_frame(p["left_hip"], p["left_outer_knee"], right),
        anatomy.foot_frame(p["left_heel"], p["left_toe"], right),
        anatomy.thorax_frame(p["left_hip"], p["left_shoulder"], right),
    ):
        assert frame.T @ frame == pytest.approx(np.eye(3), abs=1e-12)
        assert np.linalg.det(frame) == pytest.approx(1.0)
        # somebody who looks along x: forward, up and right of every segment point roughly there
        assert frame[0, 0] > 0.0 and frame[2, 1] > 0.0 and frame[1, 2] < 0.0


@given(angle, less, less)
def test_orientation_against_the_vertical_does_not_depend_on_the_heading(
    heading: float, tilt: float, side: float
) -> None:
    frame = about(2, heading) @ BASE @ about(0, side) @ about(2, -tilt)
    found = anatomy.orientation(frame, UP)
    assert found == pytest.approx((tilt, side, heading), abs=1e-9)


def test_tilt_and_list_have_the_signs_that_they_say() -> None:
    forward = anatomy.orientation(
        anatomy.thorax_frame(np.zeros(3), np.array([0.5, 0.0, 0.5]), -np.eye(3)[1]), UP
    )
    assert math.degrees(forward.tilt) == pytest.approx(45.0)
    low_right = anatomy.orientation(
        anatomy.pelvis_frame_of_hips(np.array([0.0, 0.1, 1.1]), np.array([0.0, -0.1, 1.0]), UP), UP
    )
    assert low_right.list == pytest.approx(math.atan2(0.1, 0.2))
    assert low_right.heading == pytest.approx(0.0)


def test_an_angle_that_is_not_defined_is_nan_and_nothing_warns() -> None:
    with np.errstate(all="raise"):
        at_right_angles = anatomy.joint_angles(np.eye(3), about(0, math.pi / 2))
        assert math.isnan(at_right_angles.flexion) and math.isnan(at_right_angles.rotation)
        assert at_right_angles.adduction == pytest.approx(math.pi / 2)
        lying = anatomy.orientation(about(0, math.pi / 2) @ BASE, UP)
        assert math.isnan(lying.tilt) and abs(lying.list) == pytest.approx(math.pi / 2)
        p = np.zeros(3)
        assert np.isnan(anatomy.thigh_frame(p, p, p)).all()
        assert np.isnan(anatomy.pelvis_frame(p, p + np.nan, p, p)).all()
        in_line = anatomy.thigh_frame(np.array([0.0, 0, 2]), np.array([0.0, 0, 1]), np.zeros(3))
        assert np.isnan(in_line).any()


@given(point, point, point)
def test_knee_flexion_of_frames_and_of_three_points_agree_where_the_hinge_is_clean(
    hip: np.ndarray, knee: np.ndarray, ankle: np.ndarray
) -> None:
    across = np.cross(hip - knee, ankle - knee)
    if np.linalg.norm(across) < 1e-2:
        return
    thigh = anatomy.hinged_thigh_frame(hip, knee, across)
    shank = anatomy.hinged_shank_frame(thigh, knee, ankle)
    found = anatomy.joint_angles(thigh, shank)
    assert abs(float(found.flexion)) == pytest.approx(float(angles.flexion(hip, knee, ankle)), abs=1e-7)
    assert found.adduction == pytest.approx(0.0, abs=1e-7)


def test_unwrapping_bridges_missing_frames_and_keeps_them_missing() -> None:
    true = np.linspace(0.0, 9.0, 40)
    wrapped = (true + math.pi) % (2 * math.pi) - math.pi
    wrapped[10:12] = np.nan
    both = np.stack([wrapped, -wrapped], -1)
    found = anatomy.unwrapped(both)
    assert np.isnan(found[10:12]).all()
    assert np.delete(found[:, 0], [10, 11]) == pytest.approx(np.delete(true, [10, 11]))
    assert np.delete(found[:, 1], [10, 11]) == pytest.approx(-np.delete(true, [10, 11]))
