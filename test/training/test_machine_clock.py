"""The machine's clock against the camera's."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.exercise.smoothing import OneEuro, SpikeFilter
from kinecue.training.clock import ClockEstimate, ClockEstimator, ClockState

NS = 1_000_000_000
REST_S, PERIOD_S = 2.0, 3.0


def progress(t: float) -> float:
    """0 to 1, faster up than down, each repetition a little different from the one before."""
    if t < REST_S:
        return 0.0
    n, s = divmod(t - REST_S, PERIOD_S + 0.4)
    if s > PERIOD_S:
        return 0.0
    u = (
        s / (1.0 + 0.1 * (n % 3))
        if s < 1.0 + 0.1 * (n % 3)
        else max(0.0, 1.0 - (s - 1.0 - 0.1 * (n % 3)) / 1.7)
    )
    return 10 * u**3 - 15 * u**4 + 6 * u**5


def bent(x: float) -> float:
    """A joint's angle is no linear function of a handle's way."""
    return x + 0.3 * x * (1.0 - x)


class Scene:
    """A set that both sensors see."""

    def __init__(self, seconds: float = 20.0, fps: float = 30.0, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.seconds, self.fps = seconds, fps
        self.offset, self.drift = 0.0, 0.0
        self.sign, self.smoothed = 1.0, False
        self.noise = 0.01
        self.seen: Callable[[float], float] = progress
        self.jump_s, self.jump_at = 0.0, math.inf

    def play(
        self, estimator: ClockEstimator, until: float | None = None
    ) -> list[tuple[float, ClockEstimate]]:
        """Estimates over time."""
        spikes, smooth = SpikeFilter(), OneEuro()
        end = until or self.seconds
        events = [(i / self.fps + 0.1, 0, i / self.fps) for i in range(int(end * self.fps))]
        events += [(i / 200.0 + 0.005, 1, i / 200.0) for i in range(int(end * 200.0))]
        result = []
        for _, which, t in sorted(events):
            if which:
                stamp = t - self.offset - self.drift * t + (self.jump_s if t > self.jump_at else 0.0)
                estimator.machine(
                    round((stamp + self.rng.normal(0.0, 0.001)) * NS), self.sign * 0.5 * progress(t)
                )
                continue
            p = bent(self.seen(t)) + self.rng.normal(0.0, self.noise)
            if self.smoothed:
                p = smooth.update(spikes.update(p, 1.0 / self.fps), 1.0 / self.fps)
            estimator.camera(round(t * NS), p, self.noise)
            result.append((t, estimator.estimate()))
        return result

    def error(self, estimate: ClockEstimate) -> float:
        """Of an estimate at the end of the set, s."""
        machine = estimate.stamp_ns / NS
        return estimate.offset_s - (self.offset + self.drift * (machine + self.offset) / (1.0 - self.drift))


@pytest.mark.parametrize("offset", [0.0, 0.35, -3.0, 30.0, -30.0, 1.7e9])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_two_repetitions_give_20_ms(offset: float, sign: float) -> None:
    scene = Scene()
    scene.offset, scene.sign = offset, sign
    estimator = ClockEstimator(smoothed=False)
    course = scene.play(estimator)
    two = next(e for _, e in course if e.repetitions == 2)
    assert two.state is ClockState.KNOWN
    assert abs(scene.error(two)) < 0.02
    assert two.sign == sign
    assert two.scale_m == pytest.approx(0.5, rel=0.25)
    assert two.correlation > 0.95
    assert abs(scene.error(two)) < 4.0 * two.offset_std_s


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_the_scorers_smoothing_is_allowed_for(fps: float) -> None:
    scene = Scene(fps=fps)
    scene.offset, scene.smoothed = -12.0, True
    estimator = ClockEstimator()
    scene.play(estimator)
    assert abs(scene.error(estimator.estimate())) < 0.015
    naive = ClockEstimator(smoothed=False)
    scene.play(naive)
    assert scene.error(naive.estimate()) > 0.02


def test_drift_is_followed() -> None:
    scene = Scene(seconds=110.0)
    scene.offset, scene.drift = 5.0, 2e-4
    estimator = ClockEstimator(smoothed=False)
    scene.play(estimator)
    found = estimator.estimate()
    assert abs(scene.error(found)) < 0.012
    assert found.drift == pytest.approx(2e-4, abs=1.2e-4)
    assert found.repetitions > 20


def test_to_camera_and_back_agree_with_the_offset() -> None:
    scene = Scene()
    scene.offset = 1.7e9
    estimator = ClockEstimator(smoothed=False)
    assert estimator.to_camera(5) == estimator.to_machine(5) == 5
    scene.play(estimator)
    machine = round((10.0 - scene.offset) * NS)
    assert abs(estimator.to_camera(machine) - 10 * NS) < 0.02 * NS
    assert abs(estimator.to_machine(estimator.to_camera(machine)) - machine) < 1000


def test_one_repetition_is_a_guess() -> None:
    scene = Scene()
    estimator = ClockEstimator(smoothed=False)
    course = scene.play(estimator)
    assert course[0][1].state is ClockState.UNKNOWN
    assert math.isnan(course[0][1].offset_s)
    assert next(e for _, e in course if e.repetitions == 1).state is ClockState.GUESSED


@pytest.mark.parametrize("jump", [0.3, 3.0, -3.0, 500.0])
def test_a_clock_that_is_set_is_found_again(jump: float) -> None:
    scene = Scene(seconds=45.0)
    scene.offset, scene.jump_s, scene.jump_at = 2.0, jump, 19.0
    estimator = ClockEstimator(smoothed=False)
    scene.play(estimator)
    found = estimator.estimate()
    assert found.state is ClockState.KNOWN
    assert found.offset_s == pytest.approx(2.0 - jump, abs=0.02)


def test_another_person_at_the_handle_is_not_believed() -> None:
    scene = Scene()
    scene.seen = lambda t: progress(1.37 * t + 0.5) if int(t) % 5 else 0.4
    estimator = ClockEstimator(smoothed=False)
    scene.play(estimator)
    found = estimator.estimate()
    assert found.state in (ClockState.UNKNOWN, ClockState.GUESSED)
    assert not found.correlation > 0.9


def test_the_person_walks_away_in_mid_set() -> None:
    scene = Scene(seconds=40.0)
    scene.seen = lambda t: progress(t) if t < 18.0 else 0.5 + 0.4 * math.sin(5.0 * t)
    estimator = ClockEstimator(smoothed=False)
    course = scene.play(estimator)
    assert course[int(17.0 * scene.fps)][1].state is ClockState.KNOWN
    assert course[-1][1].state is not ClockState.KNOWN
    assert course[-1][1].correlation < 0.9


def test_nobody_moves() -> None:
    scene = Scene(seconds=10.0)
    scene.seen = lambda t: 0.0
    estimator = ClockEstimator()
    scene.play(estimator)
    assert estimator.estimate().state is ClockState.UNKNOWN


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(-(10**13), 10**13), st.floats(-10.0, 10.0) | st.just(math.nan)),
        max_size=150,
    )
)
def test_nothing_that_comes_breaks_it(samples: list[tuple[bool, int, float]]) -> None:
    estimator = ClockEstimator()
    for camera, stamp, value in samples:
        if camera:
            estimator.camera(stamp, value, 0.02)
        else:
            estimator.machine(stamp, value)
    found = estimator.estimate()
    assert math.isfinite(found.offset_s) == (found.repetitions > 0)
    estimator.to_camera(10**12)
    estimator.reset()
    assert estimator.estimate().state is ClockState.UNKNOWN
