"""Repetitions counted by their rhythm, at 8 Hz."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.errors import ConfigError
from kinecue.machine.inertial import CycleCounter, CycleSettings, InertialSample, Mount, count_cycles

BACK_S = 1.0


def a_set(
    repetitions=10, period=3.0, rate_hz=8.0, lift=0.4, seed=0, eccentric_first=False, noise=0.1, slower=0.0
):
    """Vertical acceleration of a load that goes up and down by a sine, with rests at both ends of the set."""
    rng = np.random.default_rng(seed)
    grid = np.arange(0.0, repetitions * period * (1.0 + slower) + 2.0 * BACK_S, 0.01)
    position, begin = np.zeros(len(grid)), BACK_S
    for k in range(repetitions):
        length = period * (1.0 + slower * 2.0 * k / max(repetitions - 1, 1))
        inside = (grid >= begin) & (grid < begin + length)
        position[inside] = 0.5 * lift * (1.0 - np.cos(2.0 * math.pi * (grid[inside] - begin) / length))
        begin += length
    if eccentric_first:
        position = -position
    kernel = np.hanning(31) / np.hanning(31).sum()
    acceleration = np.convolve(np.gradient(np.gradient(position, 0.01), 0.01), kernel, "same")
    t = np.arange(0.0, grid[-1], 1.0 / rate_hz)
    force = np.zeros((len(t), 3))
    force[:, 2] = 9.81 + np.interp(t, grid, acceleration)
    return t, force + rng.normal(0.0, noise, force.shape)


@pytest.mark.parametrize("repetitions", [3, 6, 10, 15])
@pytest.mark.parametrize("eccentric_first", [False, True])
def test_every_repetition_is_counted_and_nothing_else(repetitions, eccentric_first):
    t, force = a_set(repetitions, eccentric_first=eccentric_first)
    direction = "eccentric_first" if eccentric_first else "concentric_first"
    found = count_cycles(t, force, None, CycleSettings(Mount.STACK, direction))
    assert len(found.turns_s) == repetitions
    assert found.period_s == pytest.approx(3.0, rel=0.15)
    middles = BACK_S + 3.0 * (np.arange(repetitions) + 0.5)
    assert np.abs(found.turns_s - middles).max() < 0.5


def test_slowing_down_is_followed():
    t, force = a_set(10, 2.5, slower=0.25)
    assert len(count_cycles(t, force, None).turns_s) == 10


def test_a_hand_is_counted_by_what_it_does_most():
    t = np.arange(0.0, 32.0, 0.125)
    tilt = 0.9 * np.sin(2.0 * math.pi * np.clip(t - 1.0, 0.0, 30.0) / 3.0 - 0.5 * math.pi)
    force = np.stack([9.81 * np.sin(tilt), np.zeros(len(t)), 9.81 * np.cos(tilt)], 1)
    rate = np.stack([np.zeros(len(t)), np.gradient(tilt, t), np.zeros(len(t))], 1)
    found = count_cycles(t, force, rate, CycleSettings(Mount.HANDLE))
    assert len(found.turns_s) == pytest.approx(10, abs=1)
    assert found.period_s == pytest.approx(3.0, abs=0.2)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(4, 14), st.floats(1.5, 5.0))
def test_the_mounting_does_not_matter(seed, repetitions, period):
    t, force = a_set(repetitions, period, lift=0.08 * period**2, seed=seed)
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    one = count_cycles(t, force, None)
    other = count_cycles(t, force @ q.T, None)
    assert len(one.turns_s) == len(other.turns_s) == repetitions


def test_noise_and_stillness_have_no_rhythm():
    t = np.arange(0.0, 30.0, 0.125)
    still = np.tile([0.0, 0.0, 9.81], (len(t), 1))
    assert not len(count_cycles(t, still, None).turns_s)
    assert math.isnan(count_cycles(t, still, None).period_s)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_too_few_samples_are_nothing(n):
    assert not len(count_cycles(np.arange(n) * 0.1, np.ones((n, 3)), None).turns_s)


def test_live_counting_agrees_and_takes_nothing_back():
    t, force = a_set(10)
    counter, told = CycleCounter(), []
    for time, a in zip(t, force, strict=True):
        told.extend(counter.update(InertialSample(round(time * 1e9), tuple(a))))
    before = len(told)
    told.extend(counter.finish())
    assert before >= 8
    assert counter.count == len(told) == 10
    assert told == sorted(told)
    counter.reset()
    assert counter.count == 0 and counter.finish() == ()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**9), 2 * 10**9), st.floats(width=32)), max_size=40))
def test_nothing_that_comes_breaks_it(rows):
    counter, stamp = CycleCounter(), 0
    for step, value in rows:
        stamp += step
        counter.update(InertialSample(stamp, (0.0, value, 9.8)))
    counter.finish()
    assert counter.count <= len(rows)


@pytest.mark.parametrize("options", [{"load_direction": "sideways"}, {"likeness": 0.0}, {"height": 1.0}])
def test_settings_out_of_bounds_are_refused(options):
    with pytest.raises(ConfigError, match="allowed"):
        CycleSettings(**options)
