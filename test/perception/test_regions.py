from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.perception import regions as regions_module
from kinecue.perception.regions import Region, crop

regions = st.builds(
    Region,
    st.floats(-500, 2000),
    st.floats(-500, 2000),
    st.floats(8, 3000),
    st.floats(-math.pi, math.pi),
)
points = st.lists(st.tuples(st.floats(-1, 2), st.floats(-1, 2)), min_size=1, max_size=5).map(np.array)


@given(regions, points)
def test_to_the_picture_and_back(region, inside):
    np.testing.assert_allclose(region.from_image(region.to_image(inside)), inside, atol=1e-9)


@given(st.floats(0, 500), st.floats(0, 500), st.floats(5, 300), st.floats(-3.1, 3.1))
def test_body_is_upright_in_its_region(x, y, radius, lean):
    """The end point lies straight above the centre, 0.4 of the edge away, whatever the lean."""
    end = np.array([x + radius * math.sin(lean), y - radius * math.cos(lean)])
    region = Region.around_body(np.array([x, y]), end)
    assert region.size == pytest.approx(2.5 * radius)
    assert region.angle == pytest.approx(lean, abs=1e-9)
    np.testing.assert_allclose(region.from_image(end), [0.5, 0.5 - 0.4], atol=1e-9)


def test_known_corners():
    """A square of 100 px about (200, 100), turned clockwise by 90 degrees."""
    region = Region(200, 100, 100, math.pi / 2)
    np.testing.assert_allclose(
        region.to_image(np.array([[0.0, 0.0], [1.0, 0.0]])), [[250, 50], [250, 150]], atol=1e-9
    )


@given(regions, regions)
def test_overlap_is_symmetric_and_bounded(a, b):
    assert a.overlap(b) == pytest.approx(b.overlap(a))
    assert 0.0 <= a.overlap(b) <= 1.0 + 1e-12
    assert a.overlap(a) == pytest.approx(1.0)


def test_overlap_known():
    assert Region(0, 0, 10).overlap(Region(5, 0, 10)) == pytest.approx(50 / 150)
    assert Region(0, 0, 10).overlap(Region(20, 0, 10)) == 0.0


@pytest.mark.parametrize(
    "region",
    [
        Region(math.nan, 0, 100),
        Region(50, 50, math.inf),
        Region(50, 50, 100, math.nan),
        Region(50, 50, 2),
        Region(50, 50, 10_000),
        Region(-500, 50, 100),
        Region(50, 900, 100),
    ],
)
def test_useless_regions_are_recognised(region):
    assert not region.usable(640, 480)


def test_good_region_is_usable():
    assert Region(320, 240, 300, 0.2).usable(640, 480)


def gradient(width=320, height=240):
    """Smooth picture whose first two channels hold u and v."""
    v, u = np.mgrid[:height, :width]
    return np.stack([u * 255 // width, v * 255 // height, (u + v) % 256], -1).astype(np.uint8)


@given(st.floats(100, 220), st.floats(80, 160), st.floats(40, 120), st.floats(-math.pi, math.pi))
def test_crop_samples_where_the_region_says(x, y, size, angle):
    image = gradient()
    region = Region(x, y, size, angle)
    sampled = crop(image, region, 64, replicate_border=True)
    for row, column in ((10, 10), (32, 50), (60, 5)):
        u, v = region.to_image(np.array([column, row]) / 64)
        if 0 <= u < 319 and 0 <= v < 239:
            assert abs(int(sampled[row, column, 0]) - u * 255 / 320) < 3
            assert abs(int(sampled[row, column, 1]) - v * 255 / 240) < 3


def test_identity_crop_returns_the_picture():
    image = gradient(64, 64)
    np.testing.assert_array_equal(crop(image, Region(32, 32, 64), 64, replicate_border=True), image)


@given(regions.filter(lambda r: r.usable(320, 240)), st.booleans())
def test_crop_is_the_same_with_every_opencv(region, replicate):
    """OpenCV 4 itself is the reference; with OpenCV 5 both sides are our own sampling."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions_module, "_SAMPLES_UNROUNDED", True)
        ours = crop(gradient(), region, 64, replicate)
    np.testing.assert_array_equal(crop(gradient(), region, 64, replicate), ours)


def test_borders():
    image = np.full((40, 40, 3), 200, np.uint8)
    outside = Region(0, 0, 80)
    assert crop(image, outside, 64, replicate_border=False)[0, 0].tolist() == [0, 0, 0]
    assert crop(image, outside, 64, replicate_border=True)[0, 0].tolist() == [200, 200, 200]


def test_rotating_the_picture_and_the_region_gives_the_same_crop():
    image = gradient(201, 201)
    turned = cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)  # (u, v) goes to (200 - v, u)
    straight = crop(image, Region(100, 80, 60, 0.3), 64, replicate_border=True)
    same = crop(turned, Region(120, 100, 60, 0.3 + math.pi / 2), 64, replicate_border=True)
    assert np.abs(straight.astype(int) - same.astype(int)).max() <= 2
