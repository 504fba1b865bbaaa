from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.perception.landmark_network import RawLandmarks, decode, refine
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Region

COUNT = 39
COLD = -50.0


def logit(p):
    return math.log(p / (1 - p))


def heatmaps():
    return np.full((64, 64, COUNT), COLD, np.float32)


def raw(points, maps=None, world=None):
    values = np.zeros((COUNT, 5))
    values[:, :2] = points
    return RawLandmarks(
        values, 0.9, heatmaps() if maps is None else maps, np.zeros((COUNT, 3)) if world is None else world
    )


def test_refinement_takes_the_centre_of_probability():
    """Cells (20, 10) with 0.8 and (22, 10) with 0.4 about a point in cell (21, 10)."""
    maps = heatmaps()
    maps[10, 20, 0], maps[10, 22, 0] = logit(0.8), logit(0.4)
    points = np.full((COUNT, 2), 0.5)
    points[0] = [21.3 / 64, 10.9 / 64]
    refined, found = refine(points, maps)
    np.testing.assert_allclose(refined[0], [(20 * 0.8 + 22 * 0.4) / 1.2 / 64, 10 / 64], atol=1e-6)
    assert found.tolist() == [True] + [False] * (COUNT - 1)
    np.testing.assert_array_equal(refined[1:], points[1:])


def test_refinement_looks_four_cells_far():
    maps = heatmaps()
    maps[30, 34, 0] = logit(0.9)  # four cells to the right: seen
    maps[30, 35, 1] = logit(0.9)  # five: not
    points = np.full((COUNT, 2), 30.5 / 64)
    refined, found = refine(points, maps)
    assert found[:2].tolist() == [True, False]
    np.testing.assert_allclose(refined[0], [34 / 64, 30 / 64], atol=1e-6)


def test_weak_heatmap_is_ignored():
    maps = heatmaps()
    maps[30, 30, 0] = logit(0.49)
    points = np.full((COUNT, 2), 30.5 / 64)
    refined, found = refine(points, maps)
    assert not found.any()
    np.testing.assert_array_equal(refined, points)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_points_anywhere_are_survived(x, y):
    refined, found = refine(np.tile([x, y], (COUNT, 1)), np.full((64, 64, COUNT), 3.0, np.float32))
    assert np.isfinite(refined).all()
    assert found.all() == (-1 / 64 < x < 1 and -1 / 64 < y < 1)


@given(st.floats(-math.pi, math.pi), st.floats(20, 2000))
def test_landmarks_turn_with_the_region(angle, size):
    region = Region(300.0, 200.0, size, angle)
    point = np.tile([192.0, 128.0], (COUNT, 1))  # a quarter of the edge right of the centre
    world = np.tile([1.0, 0.0, 0.5], (COUNT, 1))
    found, alignment = decode(raw(point, world=world), region, 7, 256)
    right = np.array([math.cos(angle), math.sin(angle)])
    np.testing.assert_allclose(found.pixels, np.tile([300, 200] + size / 4 * right, (33, 1)), atol=1e-9)
    np.testing.assert_allclose(found.world, np.tile([*right, 0.5], (33, 1)), atol=1e-12)
    np.testing.assert_allclose(alignment, found.pixels[:2], atol=1e-9)
    assert found.stamp_ns == 7


def test_decode_known_numbers():
    maps = heatmaps()
    maps[32, 32, 5] = logit(0.9)
    values = raw(np.tile([133.0, 128.0], (COUNT, 1)), maps)
    values.values[:, 2] = 25.6
    values.values[:, 3] = logit(0.25)
    values.values[:, 4] = logit(0.75)
    found, _ = decode(values, Region(100.0, 100.0, 512.0), 0, 256)
    assert found.score == 0.9
    np.testing.assert_allclose(found.depth, 51.2)
    np.testing.assert_allclose(found.visibility, 0.25)
    np.testing.assert_allclose(found.presence, 0.75)
    np.testing.assert_allclose(found.pixels[5], [100, 100], atol=1e-4)
    np.testing.assert_allclose(found.pixels[6], [110, 100])
    assert found.spread[5] == pytest.approx(10.0, abs=1e-4)
    assert math.isnan(found.spread[6])


def test_wrong_shape_is_refused():
    n = len(BLAZEPOSE_33)
    with pytest.raises(ValueError, match=r"Landmarks2D.world: expected shape \(33, 3\), got \(33, 2\)"):
        Landmarks2D(
            0,
            BLAZEPOSE_33,
            np.zeros((n, 2)),
            np.zeros(n),
            np.zeros(n),
            np.zeros(n),
            np.zeros((n, 2)),
            np.zeros(n),
            1.0,
            Region(0, 0, 1),
        )


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("part", ["values", "heatmaps", "world", "mask"])
def test_what_is_no_number_is_noticed(part, bad):
    good = RawLandmarks(
        np.zeros((COUNT, 5)), 0.9, heatmaps(), np.zeros((COUNT, 3)), np.zeros((256, 256), np.float32)
    )
    assert good.finite
    getattr(good, part)[3, 2] = bad
    assert not good.finite
    assert not replace(raw(0.0), score=bad).finite
