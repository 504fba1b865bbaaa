from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from tracks import SECOND, machine, standing, swinging

from kinecue.body.errors import KineCueError
from kinecue.machine import SampleStream


def stamps(overrides: str, rate: float = 200.0, seconds: float = 4.0) -> list[int]:
    return [e.stamp_ns for _, e in machine(swinging(), overrides).samples(rate, 0, seconds) if e]


def test_a_flawless_stream_is_regular():
    assert stamps("") == [round(i * SECOND / 200) for i in range(800)]


def test_duplicated_stamps():
    found = stamps("clock.duplicate=0.2")
    same = [a == b for a, b in pairwise(found)]
    assert np.mean(same) == pytest.approx(0.2 * 0.8, abs=0.05)
    assert len(found) == 800


def test_out_of_order():
    found = stamps("clock.late=0.1, clock.late_s=0.03")
    assert sorted(found) == [round(i * SECOND / 200) for i in range(800)]
    back = [b < a for a, b in pairwise(found)]
    assert np.mean(back) == pytest.approx(0.1, abs=0.04)
    assert max(a - b for a, b in pairwise(found)) <= 0.045 * SECOND + 5_000_000


def test_transport_takes_its_time():
    stream = SampleStream(machine(swinging(), "clock.transport_s=0.05"), 100.0, 0)
    assert stream.due(49_000_000) == []
    assert [e.stamp_ns for _, e in stream.due(75_000_000)] == [0, 10_000_000, 20_000_000]


def test_samples_come_once_whenever_they_are_fetched():
    overrides = "clock.late=0.1, encoder.loss=0.1, force.noise_n=1"
    whole = list(machine(swinging(), overrides).samples(100.0, 0, 2.0))
    stream = SampleStream(machine(swinging(), overrides), 100.0, 0)
    fetched = []
    for now in (0, 1, 13_000_000, 200_000_000, 201_000_000, *range(210_000_000, 2_200_000_000, 37_000_000)):
        fetched += stream.due(now)
    assert [x for x in fetched if x in whole] == whole


def test_what_nobody_fetched_for_long_is_not_made_up_for():
    stream = SampleStream(machine(standing()), 100.0, 0)
    stream.due(0)
    assert len(stream.due(60 * SECOND)) <= 2
    assert len(stream.due(60 * SECOND + 100_000_000)) == 10


def test_a_clock_that_goes_back_begins_anew():
    stream = SampleStream(machine(standing()), 100.0, 10 * SECOND)
    assert len(stream.due(10 * SECOND + 50_000_000)) == 6
    again = stream.due(2 * SECOND)
    assert [e.stamp_ns for _, e in again] == [2 * SECOND]
    assert len(stream.due(2 * SECOND + 50_000_000)) == 5
    # a little back is only waited for
    assert stream.due(2 * SECOND) == []
    assert len(stream.due(2 * SECOND + 60_000_000)) == 1


@pytest.mark.parametrize("rate", [0.0, 49.0, 1001.0, math.nan])
def test_rates_outside_the_range_are_refused(rate):
    with pytest.raises(KineCueError, match="50 to 1000"):
        list(machine(swinging()).samples(rate, 0, 1.0))
