"""Joint angles: known answers, and symmetries that hold for any body."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body import anatomy, angles

coordinate = st.floats(-3.0, 3.0, allow_nan=False)
point = st.tuples(coordinate, coordinate, coordinate).map(np.array)
turn = st.floats(-math.pi, math.pi)


def rotation_z(angle: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    ("distal", "expected"),
    [
        ((0, 0, -1), 0.0),
        ((-1, 0, 0), 90.0),
        ((0, 0, 1), 180.0),
        ((-1, 0, -1), 45.0),
        ((0, 1e-7, -1), 1e-7 * 180 / math.pi),
    ],
)
def test_flexion_of_a_hinge_hanging_down(distal: tuple[float, float, float], expected: float) -> None:
    hip, knee = np.array([0.0, 0.0, 1.0]), np.zeros(3)
    assert math.degrees(angles.flexion(hip, knee, np.array(distal, float))) == pytest.approx(
        expected, rel=1e-6
    )


@given(point, point, point, turn)
def test_flexion_does_not_depend_on_where_one_looks_from(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, angle: float
) -> None:
    if min(np.linalg.norm(a - b), np.linalg.norm(b - c)) < 1e-3:
        return
    r = rotation_z(angle)
    turned = angles.flexion(r @ a + 1.0, r @ b + 1.0, r @ c + 1.0)
    assert turned == pytest.approx(angles.flexion(a, b, c), abs=1e-6)
    assert angles.flexion(c, b, a) == pytest.approx(angles.flexion(a, b, c), abs=1e-9)


def test_body_axes_of_a_person_facing_the_camera() -> None:
    # facing the camera means looking along -x; the left hip is then at -y
    left, forward = angles.body_axes(np.array([3.0, -0.1, 1.0]), np.array([3.0, 0.1, 1.0]))
    assert left == pytest.approx([0.0, -1.0, 0.0])
    assert forward == pytest.approx([-1.0, 0.0, 0.0])


@pytest.mark.parametrize("lean", [-20.0, 0.0, 35.0, 80.0])
@pytest.mark.parametrize("yaw", [0.0, 1.0, -2.5])
def test_trunk_lean_is_the_forward_angle_from_the_vertical(lean: float, yaw: float) -> None:
    r = rotation_z(yaw)
    forward = r @ np.array([1.0, 0.0, 0.0])
    shoulder = r @ np.array([math.sin(math.radians(lean)), 0.2, math.cos(math.radians(lean))])
    hip = r @ np.array([0.0, 0.2, 0.0])
    assert math.degrees(angles.trunk_lean(hip, shoulder, forward)) == pytest.approx(lean)


def test_hip_flexion_of_a_seated_and_a_standing_person() -> None:
    up, left = np.array([0.0, 0.0, 0.5]), np.array([0.0, 1.0, 0.0])
    assert math.degrees(angles.sagittal_flexion(up, np.array([0.4, 0.0, 0.0]), left)) == pytest.approx(90.0)
    assert math.degrees(angles.sagittal_flexion(up, np.array([0.0, 0.0, -0.4]), left)) == pytest.approx(0.0)
    assert math.degrees(angles.sagittal_flexion(up, np.array([-0.1, 0.3, -0.1]), left)) == pytest.approx(
        -45.0
    )


@given(st.floats(0.05, 0.4), st.floats(0.05, 0.4), turn)
def test_knee_separation_ratio_compares_widths_across_the_body(
    knees: float, ankles: float, yaw: float
) -> None:
    r = rotation_z(yaw)
    left = r @ np.array([0.0, 1.0, 0.0])

    def at(forward: float, side: float, up: float) -> np.ndarray:
        return r @ np.array([forward, side, up])

    # one knee further ahead than the other changes nothing
    ratio = angles.knee_separation_ratio(
        at(0.3, knees, 0.5), at(0.1, -knees, 0.5), at(0, ankles, 0.1), at(0, -ankles, 0.1), left
    )
    assert ratio == pytest.approx(knees / ankles)
    swapped = angles.knee_separation_ratio(
        at(0.1, -knees, 0.5), at(0.3, knees, 0.5), at(0, -ankles, 0.1), at(0, ankles, 0.1), -left
    )
    assert swapped == pytest.approx(knees / ankles)


def test_missing_points_give_nan_and_do_not_raise() -> None:
    nan = np.full(3, np.nan)
    with np.errstate(invalid="raise"):
        assert math.isnan(angles.flexion(nan, np.zeros(3), np.ones(3)))
        assert math.isnan(angles.trunk_lean(nan, np.ones(3), np.ones(3)))


def test_shank_tilt_and_dorsiflexion_of_a_knee_over_the_toes() -> None:
    knee, ankle = np.array([0.2, 0.0, 0.5]), np.array([0.0, 0.0, 0.1])
    heel, toe = np.array([-0.05, 0.0, 0.02]), np.array([0.2, 0.0, 0.02])
    lean = math.atan2(0.2, 0.4)
    assert angles.sagittal_tilt(knee - ankle, np.array([1.0, 0.0, 0.0])) == pytest.approx(lean)
    # on a flat foot the ankle bends by what the shank leans
    assert angles.dorsiflexion(knee, ankle, heel, toe) == pytest.approx(lean)
    tiptoe = heel + [0.0, 0.0, 0.1]
    assert angles.dorsiflexion(knee, ankle, tiptoe, toe) == pytest.approx(lean - math.atan2(0.1, 0.25))


@given(point, point, point, point, st.floats(-1.4, 1.4), turn)
def test_dorsiflexion_does_not_depend_on_where_one_looks_from(
    knee: np.ndarray, ankle: np.ndarray, heel: np.ndarray, toe: np.ndarray, tilt: float, yaw: float
) -> None:
    if min(np.linalg.norm(knee - ankle), np.linalg.norm(toe - heel)) < 1e-2:
        return
    c, s = math.cos(tilt), math.sin(tilt)
    r = rotation_z(yaw) @ np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    plain = angles.dorsiflexion(knee, ankle, heel, toe)
    assert angles.dorsiflexion(r @ knee, r @ ankle, r @ heel, r @ toe) == pytest.approx(plain, abs=1e-7)
    assert abs(plain) <= math.pi / 2


def test_adduction_is_towards_the_midline_on_both_sides() -> None:
    left = np.array([0.0, 1.0, 0.0])
    for side in (1.0, -1.0):
        hip = np.array([0.0, 0.1 * side, 1.0])
        inward = hip + 0.4 * np.array([0.0, -0.5 * side, -math.sqrt(0.75)])
        assert math.degrees(angles.adduction(hip, inward, left, side)) == pytest.approx(30.0)
        # flexion does not change it
        bent = hip + 0.4 * np.array([math.sqrt(0.75), -0.5 * side, 0.0])
        assert math.degrees(angles.adduction(hip, bent, left, side)) == pytest.approx(30.0)


@given(st.floats(-3.0, 3.0), st.floats(-0.5, 0.5), st.floats(-1.2, 1.2))
def test_axial_rotation_is_the_turn_about_the_trunk_however_it_leans(
    rotation: float, slope: float, lean: float
) -> None:
    c, s = math.cos(lean), math.sin(lean)
    r = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    hips = np.array([0.0, 0.2, slope * 0.2])
    shoulders = rotation_z(rotation) @ np.array([0.0, 0.36, -0.1])
    found = angles.axial_rotation(r @ hips, r @ shoulders, r @ np.array([0.0, 0.0, 0.5]))
    assert found == pytest.approx(rotation, abs=1e-9)


def test_adduction_is_that_of_the_joint_coordinate_system() -> None:
    rng = np.random.default_rng(5)
    hips = rng.normal(size=(50, 2, 3))
    knees = rng.normal(size=(50, 2, 3))
    line = hips[:, 0] - hips[:, 1]
    pelvis = anatomy.pelvis_frame_of_hips(hips[:, 0], hips[:, 1], rng.normal(size=(50, 3)))
    left = line / np.linalg.norm(line, axis=-1, keepdims=True)
    for k, (side, sign) in enumerate(((anatomy.LEFT, 1.0), (anatomy.RIGHT, -1.0))):
        thigh = anatomy.hinged_thigh_frame(hips[:, k], knees[:, k], -left)
        expected = anatomy.joint_angles(pelvis, thigh, side).adduction
        assert angles.adduction(hips[:, k], knees[:, k], left, sign) == pytest.approx(expected, abs=1e-9)


@given(point, point)
def test_cross_is_numpys(a: np.ndarray, b: np.ndarray) -> None:
    assert (angles.cross(a, b) == np.cross(a, b)).all()
    many = np.stack([a, b, a + b])
    assert (angles.cross(many, b) == np.cross(many, b)).all()
