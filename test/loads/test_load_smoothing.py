"""Velocities and accelerations from streams as cameras deliver them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinecue.loads.smoothing import GAP_S, LAG_S, LandmarkWindow, Motion, understated

FloatArray = NDArray[np.float64]
SECOND = 1_000_000_000


def run(window: LandmarkWindow, stamps: list[int], points: FloatArray) -> list[Motion]:
    found = []
    for stamp, row in zip(stamps, points, strict=True):
        if window.push(stamp, row):
            due = window.due()
            motion = None if due is None else window.describe(due)
            if motion is not None:
                found.append(motion)
    return found


def stamps_at(rate: float, seconds: float, jitter: float = 0.0, seed: int = 0) -> list[int]:
    times = np.arange(round(rate * seconds)) / rate
    times = times + np.random.default_rng(seed).uniform(-jitter, jitter, len(times)) / rate
    return [5 * SECOND + round(t * SECOND) for t in times]


def sine(stamps: list[int], hertz: float, size: float = 0.2) -> tuple[FloatArray, FloatArray]:
    t = np.array(stamps) * 1e-9
    w = 2 * math.pi * hertz
    course = np.zeros((len(t), 2, 3))
    course[:, :, 2] = (size * np.sin(w * t))[:, None]
    return course, -size * w * w * np.sin(w * t)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([15.0, 24.0, 30.0, 60.0, 100.0]),
    st.lists(st.floats(-1.0, 1.0), min_size=5, max_size=5),
    st.integers(0, 1000),
)
def test_what_a_polynomial_does_is_found_exactly(rate: float, factors: list[float], seed: int) -> None:
    stamps = stamps_at(rate, 1.2, jitter=0.3, seed=seed)
    t = np.array([(s - stamps[0]) * 1e-9 for s in stamps])
    course = np.polynomial.polynomial.polyval(t, factors)
    found = run(LandmarkWindow(2, [0, 1]), stamps, np.repeat(course, 6).reshape(-1, 2, 3))
    assert found
    for motion in found:
        at = (motion.stamp_ns - stamps[0]) * 1e-9
        for order, value in ((0, motion.positions), (1, motion.velocities), (2, motion.accelerations)):
            exact = np.polynomial.polynomial.polyval(at, np.polynomial.polynomial.polyder(factors, order))
            assert value == pytest.approx(np.full((2, 3), exact), abs=1e-5 * 10**order)


@pytest.mark.parametrize(
    ("rate", "hertz", "share"), [(100, 1.0, 0.01), (100, 2.0, 0.03), (30, 1.0, 0.04), (15, 0.5, 0.02)]
)
def test_lifting_keeps_its_acceleration(rate: float, hertz: float, share: float) -> None:
    stamps = stamps_at(rate, 3.0)
    course, exact = sine(stamps, hertz)
    found = run(LandmarkWindow(2, [0, 1]), stamps, course)
    truth = dict(zip(stamps, exact, strict=True))
    error = [motion.accelerations[0, 2] - truth[motion.stamp_ns] for motion in found]
    assert np.abs(error).max() < share * np.abs(exact).max() + 1e-9


def test_it_is_as_late_as_it_says() -> None:
    window = LandmarkWindow(2, [0, 1])
    stamps = stamps_at(30.0, 2.0)
    course, _ = sine(stamps, 1.0)
    for stamp, row in zip(stamps, course, strict=True):
        window.push(stamp, row)
        due = window.due()
        if due is not None:
            assert abs((stamp - due) * 1e-9 - LAG_S) < 1 / 30
            window.describe(due)
    assert window.due() is None


@pytest.mark.parametrize("rate", [15.0, 30.0, 60.0, 100.0])
def test_claimed_noise_holds_for_noise_as_pictures_have_it(rate: float) -> None:
    """Noise of 5 mm with a correlation time of 0.1 s: the claimed standard deviation is about the true one."""
    rng = np.random.default_rng(7)
    stamps = stamps_at(rate, 24.0)
    keep = math.exp(-1.0 / rate / 0.1)
    noise = np.zeros((len(stamps), 2, 3))
    for i in range(1, len(stamps)):
        noise[i] = keep * noise[i - 1] + math.sqrt(1 - keep**2) * rng.normal(0.0, 0.005, (2, 3))
    found = run(LandmarkWindow(2, [0, 1]), stamps, noise)
    errors = np.stack([motion.accelerations for motion in found])
    claims = np.stack([(motion.acceleration_noise**2).sum(0) for motion in found])
    ratio = math.sqrt(float(claims.mean())) / float(errors.std())
    assert 0.75 < ratio < 1.9
    # and white noise is not taken for less than it is
    white = rng.normal(0.0, 0.005, noise.shape)
    found = run(LandmarkWindow(2, [0, 1]), stamps, white)
    errors = np.stack([motion.accelerations for motion in found])
    claims = np.stack([(motion.acceleration_noise**2).sum(0) for motion in found])
    assert (
        float(errors.std()) < math.sqrt(float(claims.mean())) < 1.1 * understated(rate) * float(errors.std())
    )


def test_repeated_and_late_frames_change_nothing() -> None:
    stamps = stamps_at(30.0, 2.0)
    course, _ = sine(stamps, 0.7)
    clean = run(LandmarkWindow(2, [0, 1]), stamps, course)
    muddled, rows = [], []
    for i, stamp in enumerate(stamps):
        muddled += [stamp, stamp, stamps[max(i - 3, 0)]]
        rows += [course[i], course[i] + 1.0, course[0] - 1.0]
    found = run(LandmarkWindow(2, [0, 1]), muddled, np.stack(rows))
    assert [m.stamp_ns for m in found] == [m.stamp_ns for m in clean]
    for a, b in zip(found, clean, strict=True):
        assert a.accelerations == pytest.approx(b.accelerations)


def test_nothing_is_said_across_a_gap() -> None:
    stamps = stamps_at(30.0, 3.0)
    course, _ = sine(stamps, 0.7)
    keep = [i for i, s in enumerate(stamps) if not 1.2 < (s - stamps[0]) * 1e-9 < 1.2 + 2 * GAP_S]
    found = run(LandmarkWindow(2, [0, 1]), [stamps[i] for i in keep], course[keep])
    described = np.array([(m.stamp_ns - stamps[0]) * 1e-9 for m in found])
    assert described.min() < 1.0 and described.max() > 2.0
    # a fifth of a second on either side of the gap there is nothing
    assert not ((described > 1.05) & (described < 1.65)).any()


def test_a_landmark_that_is_hidden_for_a_moment_is_bridged_and_one_that_is_gone_is_not() -> None:
    stamps = stamps_at(30.0, 2.0)
    course, exact = sine(stamps, 0.7)
    course[30:32, 1] = np.nan
    found = run(LandmarkWindow(2, [0]), stamps, course)
    truth = dict(zip(stamps, exact, strict=True))
    for motion in found:
        assert motion.accelerations[1, 2] == pytest.approx(truth[motion.stamp_ns], abs=0.1)
    course[30:, 1] = np.nan
    found = run(LandmarkWindow(2, [0]), stamps, course)
    late = [m for m in found if m.stamp_ns >= stamps[30]]
    assert late and all(np.isnan(m.positions[1]).all() and np.isfinite(m.positions[0]).all() for m in late)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-50, 250), st.floats(allow_nan=True, allow_infinity=True)), max_size=60)
)
def test_hostile_streams_raise_nothing(steps: list[tuple[int, float]]) -> None:
    window = LandmarkWindow(2, [0, 1])
    stamp = 0
    for step, value in steps:
        stamp += step * 1_000_000
        point = np.full((2, 3), value if math.isfinite(value) and abs(value) < 100 else math.nan)
        if window.push(stamp, point):
            due = window.due()
            if due is not None:
                motion = window.describe(due)
                assert motion is None or motion.positions.shape == (2, 3)
