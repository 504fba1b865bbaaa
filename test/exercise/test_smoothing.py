"""Filters: the same answer at any frame rate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.exercise.smoothing import OneEuro, SpikeFilter, windowed_peak


@pytest.mark.parametrize("fps", [5, 15, 30, 60, 200])
def test_one_euro_follows_a_movement_at_any_rate(fps: int) -> None:
    euro, worst = OneEuro(), 0.0
    for i in range(int(4 * fps)):
        t = i / fps
        truth = 0.5 - 0.5 * math.cos(2 * math.pi * t / 2.0)
        worst = max(worst, abs(euro.update(truth, 1 / fps) - truth))
    assert worst < 0.13  # 1.6/s at the fastest: some 80 ms


def test_one_euro_calms_noise_at_rest() -> None:
    random, euro = np.random.default_rng(1), OneEuro()
    out = [euro.update(float(random.normal(0, 0.02)), 1 / 60) for _ in range(600)]
    assert np.std(out[60:]) < 0.01


def test_one_euro_passes_a_constant_unchanged() -> None:
    euro = OneEuro()
    assert [euro.update(0.7, 0.03) for _ in range(5)] == [0.7] * 5
    assert euro.speed == 0.0
    euro.reset()
    assert math.isnan(euro.value)


def test_spikes_of_one_frame_vanish_in_fast_streams_only() -> None:
    fast, slow = SpikeFilter(), SpikeFilter()
    stream = [0.1, 0.1, 5.0, 0.1, 0.1]
    assert max(fast.update(v, 1 / 30) for v in stream) == 0.1
    assert max(slow.update(v, 0.2) for v in stream) == 5.0


def test_windowed_peak_of_a_known_course() -> None:
    times = [0.0, 0.1, 0.14, 0.18, 0.3]
    assert windowed_peak(times, [0.0, 1.0, 3.0, 2.0, 0.0], 0.15) == (pytest.approx(2.5), 3)
    mean, index = windowed_peak([], [], 0.0)
    assert math.isnan(mean)
    assert index == -1


def test_windowed_peak_does_not_grow_with_the_frame_rate() -> None:
    random = np.random.default_rng(0)
    peaks = []
    for fps in (30, 200):
        times = [i / fps for i in range(fps)]
        noise = random.normal(0, 0.02, (40, fps))
        peaks.append(np.mean([windowed_peak(times, [1.0 + n for n in row], 0.5)[0] for row in noise]))
    assert abs(peaks[1] - peaks[0]) < 0.01
