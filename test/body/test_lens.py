"""Lens models: both ways, against OpenCV, and silent about what a lens cannot see."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kinecue.body.camera import CameraModel
from kinecue.body.lens import EQUIDISTANT, PLUMB_BOB, RATIONAL_POLYNOMIAL, Distortion
from kinecue.simulation.picture.cameras import CAMERAS

WIDE = CAMERAS["wide"].model
PHONE = CameraModel(
    1280,
    960,
    900.0,
    905.0,
    640.0,
    470.0,
    (0.9, 0.3, 0.0004, -0.0003, 0.02, 1.2, 0.5, 0.08),
    distortion_model=RATIONAL_POLYNOMIAL,
)
FISHEYE = CameraModel(
    640, 480, 300.0, 301.0, 322.0, 238.0, (-0.012, 0.004, -0.002, 0.0001), distortion_model=EQUIDISTANT
)


def grid(model: CameraModel) -> np.ndarray:
    """Every 16th pixel and the very edge."""
    u = np.append(np.arange(-0.5, model.width - 0.5, 16.0), model.width - 0.5)
    v = np.append(np.arange(-0.5, model.height - 0.5, 16.0), model.height - 0.5)
    return np.stack(np.meshgrid(u, v), -1)


@pytest.mark.parametrize(
    "model", [WIDE, CAMERAS["machine"].model, PHONE, FISHEYE], ids=["wide", "machine", "phone", "fisheye"]
)
def test_pixels_of_the_whole_image_survive_the_way_out_and_back(model: CameraModel) -> None:
    pixels = grid(model)
    rays = model.rays(pixels)
    assert np.abs(model.project(model.centre + 2.5 * rays) - pixels).max() < 1e-6
    assert np.linalg.norm(rays, axis=-1) == pytest.approx(1.0)


@pytest.mark.parametrize("model", [WIDE, CAMERAS["machine"].model, PHONE])
def test_distortion_is_opencvs(model: CameraModel) -> None:
    points = model.centre + 3.0 * model.rays(grid(model)).reshape(-1, 3)
    expected, _ = cv2.projectPoints(
        model.to_optical(points), np.zeros(3), np.zeros(3), model.matrix, np.array(model.distortion)
    )
    assert np.abs(model.project(points) - expected[:, 0]).max() < 1e-6


def test_fisheye_is_opencvs() -> None:
    points = FISHEYE.centre + 3.0 * FISHEYE.rays(grid(FISHEYE)).reshape(-1, 3)
    expected, _ = cv2.fisheye.projectPoints(
        FISHEYE.to_optical(points).reshape(-1, 1, 3),
        np.zeros(3),
        np.zeros(3),
        FISHEYE.matrix,
        np.array(FISHEYE.distortion),
    )
    assert np.abs(FISHEYE.project(points) - expected[:, 0]).max() < 1e-6


def test_a_fisheye_without_coefficients_measures_the_angle() -> None:
    model = CameraModel(640, 480, 200.0, 200.0, 320.0, 240.0, (0.0,) * 4, distortion_model=EQUIDISTANT)
    angle = math.radians(70.0)
    u, v = model.project(np.array([math.cos(angle), -math.sin(angle), 1.0]))
    assert (u, v) == pytest.approx((320.0 + 200.0 * angle, 240.0))


@pytest.mark.parametrize("model", [WIDE, CAMERAS["highspeed"].model])
def test_what_lies_beyond_the_lens_has_no_image(model: CameraModel) -> None:
    """A polynomial bends back: a point at 80 degrees would come out in the middle of the picture."""
    edge = math.atan(model.lens.widest)
    for beyond, seen in ((-0.02, True), (0.02, False), (0.1, False)):
        angle = edge + beyond
        point = model.centre + 3.0 * (
            math.cos(angle) * model.rotation[2] + math.sin(angle) * model.rotation[0]
        )
        assert np.isfinite(model.project(point)).all() == seen


def test_pixels_beyond_the_lens_have_no_ray() -> None:
    assert np.isnan(WIDE.rays(np.array([5000.0, 240.0]))).all()
    assert np.isnan(WIDE.undistort(np.array([[5000.0, 240.0], [np.nan, 3.0]]))).all()
    assert np.isfinite(WIDE.undistort(np.array([[320.0, 240.0]]))).all()


@given(
    st.floats(-0.4, 0.4),
    st.floats(-0.2, 0.2),
    st.floats(-0.01, 0.01),
    st.floats(-0.01, 0.01),
    st.floats(-0.05, 0.05),
    st.floats(-math.pi, math.pi),
    st.floats(0.0, 0.9),
)
@example(0.0, -0.125, 0.0, 0.0, 1.1e-33, 0.0, 0.5)
def test_any_plumb_bob_is_inverted_inside_its_range(
    k1: float, k2: float, p1: float, p2: float, k3: float, direction: float, share: float
) -> None:
    lens = Distortion(PLUMB_BOB, (k1, k2, p1, p2, k3))
    radius = share * min(lens.widest, 2.0) * 0.9
    point = radius * np.array([math.cos(direction), math.sin(direction)])
    assert lens.undistort(lens.distort(point)) == pytest.approx(point, abs=1e-6)


@given(st.lists(st.floats(-2.0, 2.0), min_size=8, max_size=8), st.floats(-50.0, 50.0), st.floats(-50.0, 50.0))
def test_hostile_coefficients_give_nan_or_a_true_inverse(k: list[float], x: float, y: float) -> None:
    lens = Distortion(RATIONAL_POLYNOMIAL, tuple(k))
    target = np.array([[x, y]])
    straight = lens.undistort(target)
    if np.isfinite(straight).all():
        assert lens.distort(straight * (1.0 - 1e-12)) == pytest.approx(target, abs=1e-5)


@pytest.mark.parametrize(
    ("model", "coefficients", "said"),
    [
        ("fov", (0.1,), r"allowed: plumb_bob \(5 coefficients\), rational_polynomial \(8"),
        (PLUMB_BOB, (0.1,) * 4, "plumb_bob has 5 finite"),
        (EQUIDISTANT, (0.1, 0.0, math.nan, 0.0), "equidistant has 4 finite"),
    ],
)
def test_wrong_lenses_are_refused(model: str, coefficients: tuple[float, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Distortion(model, coefficients)


@pytest.mark.parametrize(
    ("model", "given_", "expected"),
    [
        ("", [], Distortion()),
        ("none", [0.0] * 5, Distortion()),
        ("rational_polynomial", [0.0] * 8, Distortion()),
        ("plumb_bob", [0.1, 0.2, 0.0, 0.0], Distortion(PLUMB_BOB, (0.1, 0.2, 0.0, 0.0, 0.0))),
        ("plumb_bob", [0.1, 0, 0, 0, 0.3, 0, 0, 0], Distortion(PLUMB_BOB, (0.1, 0.0, 0.0, 0.0, 0.3))),
        (
            "rational_polynomial",
            [0.1, 0, 0, 0, 0, 0, 0, 0.2] + [0] * 6,
            Distortion(RATIONAL_POLYNOMIAL, (0.1, 0, 0, 0, 0, 0, 0, 0.2)),
        ),
        ("equidistant", [0.0] * 4, Distortion(EQUIDISTANT, (0.0,) * 4)),
    ],
)
def test_drivers_may_leave_out_and_add_zeros(model: str, given_: list[float], expected: Distortion) -> None:
    assert Distortion.of(model, given_) == expected


@pytest.mark.parametrize(
    ("model", "given_"),
    [
        ("plumb_bob", [0.1]),
        ("plumb_bob", [0.1, 0, 0, 0, 0, 0.2]),
        ("rational_polynomial", [0.1] * 5),
        ("thin_prism", [0.1] * 12),
        ("plumb_bob", [math.nan] * 5),
        ("equidistant", []),
    ],
)
def test_other_lenses_of_drivers_are_refused(model: str, given_: list[float]) -> None:
    with pytest.raises(ValueError, match="coefficients"):
        Distortion.of(model, given_)
