"""The handle's track: order, spikes, counters that begin anew, frozen readings, gaps."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.training.handle import FASTEST_M_S, HandleTrack, Node

NS = 1_000_000_000


def wave(t: float) -> float:
    return 0.4 - 0.3 * math.cos(2.0 * math.pi * t / 3.0)


def feed(readings: list[tuple[int, float]]) -> tuple[HandleTrack, list[Node]]:
    track = HandleTrack()
    nodes = [node for stamp, x in readings for node in track.add(stamp, x)]
    return track, nodes + track.flush()


def readings(rate: float = 200.0, seconds: float = 9.0) -> list[tuple[int, float]]:
    return [(round(i * NS / rate), wave(i / rate)) for i in range(int(rate * seconds))]


def error(nodes: list[Node]) -> float:
    return max(abs(node.position_m - wave(node.stamp_ns / NS)) for node in nodes)


def test_a_clean_track_is_passed_on() -> None:
    track, nodes = feed(readings())
    assert len(nodes) == 1800
    assert error(nodes) < 1e-9
    assert (track.spikes, track.freezes, track.restarts) == (0, 0, 0)


@pytest.mark.parametrize("rate", [50.0, 100.0, 500.0, 1000.0])
def test_late_doubled_and_jittering_samples_make_no_speed(rate: float) -> None:
    rng = np.random.default_rng(1)
    samples = [(s + round(rng.normal(0.0, 0.002) * NS), x) for s, x in readings(rate)]
    samples += [samples[i] for i in rng.integers(0, len(samples), 100)]
    order = np.argsort([s + (rng.random() < 0.05) * 0.02 * NS for s, _ in samples], kind="stable")
    track, nodes = feed([samples[i] for i in order])
    assert all(b.stamp_ns > a.stamp_ns for a, b in pairwise(nodes))
    assert error(nodes) < 0.012
    assert track.restarts == 0


@pytest.mark.parametrize("rate", [50.0, 200.0, 1000.0])
@pytest.mark.parametrize("when", [0.8, 1.5, 2.2])
def test_a_counter_that_begins_anew_does_not_break_the_track(rate: float, when: float) -> None:
    lost = wave(when)
    samples = [(s, x if s / NS < when else x - lost) for s, x in readings(rate)]
    track, nodes = feed(samples)
    assert track.restarts == 1
    assert error(nodes) < 0.03


def test_a_roll_over_of_many_metres_does_not_break_the_track() -> None:
    samples = [(s, x if x < 0.5 else x - 13.1) for s, x in readings()]
    track, nodes = feed(samples)
    assert track.restarts == 6
    assert error(nodes) < 0.08


def test_spikes_are_left_out() -> None:
    samples = readings()
    for i in (100, 401, 900):
        samples[i] = (samples[i][0], 5.0)
    track, nodes = feed(samples)
    assert track.spikes >= 3
    assert track.restarts == 0
    assert error(nodes) < 1e-9


def test_frozen_readings_are_a_gap_and_its_turn_is_estimated() -> None:
    held = wave(1.3)
    samples = [(s, held if 1.3 <= s / NS < 1.9 else x) for s, x in readings()]
    track, nodes = feed(samples)
    assert track.freezes == 1
    assert track.restarts == 0
    bridged = [node for node in nodes if node.bridged]
    assert bridged
    assert max(node.position_m for node in bridged) == pytest.approx(0.7, abs=0.02)
    assert error(nodes) < 0.02


def test_a_stop_is_no_freeze() -> None:
    still = [(s, x if s / NS < 1.5 else wave(1.5)) for s, x in readings(200.0, 6.0)]
    track, nodes = feed(still)
    assert track.freezes == 0
    assert nodes[-1].stamp_ns / NS > 5.9
    assert not track.frozen


def test_a_drop_out_without_a_turn_is_not_filled() -> None:
    samples = [(s, x) for s, x in readings() if not 0.5 < s / NS < 0.9]
    _, nodes = feed(samples)
    assert not any(node.bridged for node in nodes)


def test_one_absurd_stamp_changes_nothing_and_three_are_a_clock_that_was_set() -> None:
    samples = readings()
    track, nodes = feed([*samples[:400], (10**18, 0.3), *samples[400:]])
    assert error(nodes) < 1e-9
    assert len(nodes) == 1800
    track = HandleTrack()
    for stamp, x in samples[:400]:
        track.add(stamp, x)
    began = []
    for stamp, x in samples[400:600]:
        track.add(stamp + 10**15, x)
        began.append(track.broken)
    assert began.count(True) == 1


def test_what_is_no_number_is_ignored() -> None:
    track = HandleTrack()
    assert track.add(0, math.nan) == []
    assert track.add(0, math.inf) == []
    assert track.flush() == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-(10**12), 10**12), st.floats(-1e3, 1e3)),
        max_size=200,
    )
)
def test_whatever_comes_the_track_rises_in_time_and_moves_like_an_arm(
    samples: list[tuple[int, float]],
) -> None:
    track = HandleTrack()
    last: Node | None = None
    for stamp, x in samples:
        for node in track.add(stamp, x):
            if last is not None and not track.broken:
                assert node.stamp_ns > last.stamp_ns
            assert math.isfinite(node.position_m)
            last = node
    assert FASTEST_M_S > 0.0
