from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.perception.one_euro import OneEuroFilter

SECOND = 1_000_000_000


def test_known_numbers():
    """Second sample by hand, 0.1 s later: speed weight 1 / (1 + 1 / (2 pi 0.1)), cutoff 1 + 2 weight 10."""
    smooth = OneEuroFilter(min_cutoff=1.0, beta=2.0, derivative_cutoff=1.0)
    assert smooth.apply(np.array([5.0]), 0, 1.0) == [5.0]
    weight = 1 / (1 + 1 / (2 * math.pi * 0.1))
    cutoff = 1.0 + 2.0 * weight * 10.0
    share = 1 / (1 + 1 / (2 * math.pi * cutoff * 0.1))
    assert smooth.apply(np.array([6.0]), SECOND // 10, 1.0)[0] == pytest.approx(5.0 + share)


def test_still_is_smoothed_and_motion_is_followed():
    noise = np.random.default_rng(0).normal(0, 1.0, 300)
    still = OneEuroFilter(0.01, 10.0, 1.0)
    calm = [still.apply(np.array([100.0 + n]), i * SECOND // 30, 1 / 400)[0] for i, n in enumerate(noise)]
    assert np.std(calm[30:]) < 0.3
    moving = OneEuroFilter(0.01, 10.0, 1.0)
    track = [moving.apply(np.array([10.0 * i]), i * SECOND // 30, 1 / 400)[0] for i in range(60)]
    assert track[-1] == pytest.approx(590.0, abs=10.0)


def test_sample_that_is_not_newer_passes_and_leaves_no_trace():
    a, b = OneEuroFilter(1.0, 0.0, 1.0), OneEuroFilter(1.0, 0.0, 1.0)
    for smooth in (a, b):
        smooth.apply(np.array([0.0]), SECOND, 1.0)
    assert a.apply(np.array([50.0]), SECOND, 1.0) == [50.0]
    np.testing.assert_array_equal(
        a.apply(np.array([1.0]), 2 * SECOND, 1.0), b.apply(np.array([1.0]), 2 * SECOND, 1.0)
    )
