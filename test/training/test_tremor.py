"""Shaking of a signal against sines of known size."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.training.tremor import ShakeMeter, ShakeMeters, shake_of


def moving(rate: float, seconds: float = 6.0) -> np.ndarray:
    return np.arange(0.0, seconds, 1.0 / rate)


@pytest.mark.parametrize("rate", [50.0, 100.0, 1000.0])
@pytest.mark.parametrize("hz", [5.0, 8.0, 11.0])
def test_a_tremor_is_measured(rate: float, hz: float) -> None:
    t = moving(rate)
    lift = 0.3 * (1.0 - np.cos(2.0 * math.pi * t / 3.0))
    found = shake_of(t, lift + 0.002 * np.sin(2.0 * math.pi * hz * t))
    assert found.rms == pytest.approx(0.002 / math.sqrt(2.0), rel=0.2)
    assert found.real


@pytest.mark.parametrize("hz", [0.5, 1.5, 25.0, 40.0])
def test_other_movements_are_none(hz: float) -> None:
    t = moving(200.0)
    assert shake_of(t, 0.002 * np.sin(2.0 * math.pi * hz * t)).rms < 0.0003


def test_noise_of_the_sensor_is_not_taken_for_shaking() -> None:
    t = moving(100.0)
    found = shake_of(t, 0.001 * np.random.default_rng(0).normal(size=len(t)))
    assert not found.real
    assert found.noise == pytest.approx(found.rms, rel=0.4)


def test_says_nothing_of_a_camera_or_of_gaps() -> None:
    slow = moving(30.0)
    assert math.isnan(shake_of(slow, slow).rms)
    assert math.isnan(shake_of(np.zeros(0), np.zeros(0)).rms)
    t = moving(100.0)
    holes = t[(t % 1.0) < 0.6]
    assert math.isnan(shake_of(holes, holes).rms)


def test_a_meter_begins_anew_each_time_it_is_asked() -> None:
    meter = ShakeMeter()
    for t in moving(1000.0, 3.0):
        meter.add(float(t), 0.001 * math.sin(2.0 * math.pi * 8.0 * t))
    assert meter.take().rms == pytest.approx(0.0007, abs=0.0001)
    assert math.isnan(meter.take().rms)


def test_two_cables_do_not_mix() -> None:
    meters = ShakeMeters()
    for t in moving(200.0, 3.0):
        meters.add(1, float(t), 0.1)
        meters.add(2, float(t), 0.9 + 0.001 * math.sin(2.0 * math.pi * 8.0 * t))
    assert meters.take().rms == pytest.approx(0.0007, abs=0.0001)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(allow_nan=True), st.floats(-1e6, 1e6)), max_size=60))
def test_whatever_comes(readings: list[tuple[float, float]]) -> None:
    meter = ShakeMeter()
    for time, value in readings:
        meter.add(time, value)
    found = meter.take()
    assert math.isnan(found.rms) or found.rms >= 0.0
