"""The camera model: projection, rays, mount."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body import CameraModel

LENS = (-0.25, 0.08, 0.001, -0.0005, 0.0)


def camera(tilt: float = 0.0, roll: float = 0.0, distortion: tuple[float, ...] = (0.0,) * 5) -> CameraModel:
    return CameraModel(640, 480, 500.0, 510.0, 322.0, 238.0, distortion, 1.2, tilt, roll)


def test_a_point_straight_ahead_is_at_the_principal_point() -> None:
    assert camera().project(np.array([4.0, 0.0, 1.2])) == pytest.approx([322.0, 238.0])


def test_left_is_left_and_up_is_up_in_the_image() -> None:
    u, v = camera().project(np.array([4.0, 0.4, 1.6]))
    assert (u, v) == pytest.approx((322.0 - 50.0, 238.0 - 51.0))


def test_tilt_down_puts_the_floor_point_on_the_axis_in_the_middle() -> None:
    tilt = math.atan2(1.2, 3.0)
    assert camera(tilt).project(np.array([3.0, 0.0, 0.0])) == pytest.approx([322.0, 238.0])


def test_clockwise_roll_moves_a_point_above_the_centre_to_the_right() -> None:
    u, _ = camera(roll=0.1).project(np.array([4.0, 0.0, 2.0]))
    assert u > 322.0


@given(
    st.floats(-0.6, 0.6),
    st.floats(-0.3, 0.3),
    st.floats(2.0, 6.0),
    st.floats(-0.9, 0.9),
    st.floats(0.2, 2.0),
    st.booleans(),
)
def test_rays_go_through_what_was_projected(
    tilt: float, roll: float, x: float, y: float, z: float, distorted: bool
) -> None:
    model = camera(tilt * 0.3, roll, LENS if distorted else (0.0,) * 5)
    point = np.array([x, y, z])
    direction = model.rays(model.project(point))
    expected = (point - model.centre) / np.linalg.norm(point - model.centre)
    assert np.linalg.norm(direction) == pytest.approx(1.0)
    assert direction == pytest.approx(expected, abs=2e-4)


def test_points_behind_the_camera_have_no_image() -> None:
    assert np.isnan(camera().project(np.array([-1.0, 0.0, 1.0]))).all()


def test_estimate_takes_the_longer_side_and_says_that_it_is_one() -> None:
    wide, tall = CameraModel.estimate(1280, 720), CameraModel.estimate(720, 1280)
    assert wide.fx == tall.fx == pytest.approx(640 / math.tan(math.radians(31)))
    assert wide.intrinsics_estimated and wide.mount_estimated


@pytest.mark.parametrize("change", [{"x": math.nan}, {"distortion": (0.1,) * 4}, {"distortion_model": "fov"}])
def test_impossible_lenses_and_places_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="CameraModel"):
        replace(camera(), **change)  # type: ignore[arg-type]


@given(
    st.floats(-0.5, 0.5),
    st.floats(-0.3, 0.3),
    st.floats(-3.0, 3.0),
    st.floats(-2.0, 2.0),
    st.floats(-math.pi, math.pi),
)
def test_a_camera_elsewhere_sees_what_one_at_the_origin_sees_of_the_moved_scene(
    tilt: float, roll: float, x: float, y: float, yaw: float
) -> None:
    here = camera(tilt, roll)
    there = replace(here, x=x, y=y, yaw=yaw)
    turn = np.array([[math.cos(yaw), -math.sin(yaw), 0], [math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]])
    points = np.array([[4.0, 0.5, 1.0], [3.0, -0.4, 0.2], [5.0, 0.0, 1.9]])
    moved = points @ turn.T + [x, y, 0.0]
    assert there.project(moved) == pytest.approx(here.project(points), abs=1e-8)
    assert there.centre == pytest.approx([x, y, 1.2])
    assert there.rotation @ there.rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    rays = there.rays(there.project(moved))
    assert np.cross(rays, moved - there.centre) == pytest.approx(np.zeros((3, 3)), abs=1e-9)


def test_yaw_is_positive_to_the_left() -> None:
    looking_left = replace(camera(), yaw=math.pi / 2)
    assert looking_left.project(np.array([0.0, 3.0, 1.2])) == pytest.approx([322.0, 238.0])


def test_the_pinhole_of_a_camera_sees_undistorted_pixels() -> None:
    model = camera(0.1, 0.02, LENS)
    points = np.array([[4.0, 0.9, 1.0], [3.0, -0.4, 0.2]])
    assert model.pinhole.project(points) == pytest.approx(model.undistort(model.project(points)), abs=1e-6)
    assert not model.pinhole.distorted
    assert model.pinhole.pinhole is model.pinhole


@pytest.mark.parametrize("change", [{"width": 0}, {"fx": 0.0}, {"fy": math.nan}, {"mount_height": math.inf}])
def test_impossible_cameras_are_refused(change: dict[str, float]) -> None:
    values = {"width": 640, "height": 480, "fx": 500.0, "fy": 500.0, "cx": 320.0, "cy": 240.0, **change}
    with pytest.raises(ValueError, match="CameraModel"):
        CameraModel(**values)  # type: ignore[arg-type]
