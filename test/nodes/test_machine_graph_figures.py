"""What the figures of the whole graph are taken from: the true set, and what was heard of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench import machine_graph
from kinecue.machine.simulated.truth_file import read_cables


@pytest.fixture(scope="module")
def shown():
    return machine_graph.simulated(2, 3)


def test_the_shown_set_has_the_repetitions_of_its_plan(shown):
    assert len(shown.turns_s) == len(shown.returns_s) == 2
    assert all(turn < back for turn, back in zip(shown.turns_s, shown.returns_s, strict=True))
    assert len(shown.bodies) == len(shown.times_s)
    assert shown.sides == 2


def test_the_simulated_machine_reads_its_cables(shown):
    cables = read_cables(json.dumps({"start_ns": 5, **shown.cables}), "truth/track")
    assert [cable.side.name for cable in cables] == ["LEFT", "RIGHT"]


def test_returns_are_where_the_way_is_back():
    t = np.arange(0.0, 9.0, 0.01)
    way = np.where((t > 1.0) & (t < 7.0), 0.5 - 0.5 * np.cos(2.0 * np.pi * (t - 1.0) / 3.0), 0.0)
    turns, returns = machine_graph._events(t, way)
    assert turns == pytest.approx((2.5, 5.5), abs=0.02)
    assert returns == pytest.approx((3.8, 6.8), abs=0.1)


def test_missing_samples_are_counted_for_each_cable():
    heard = machine_graph.Heard()
    heard.stamps = {1: [k * 10_000_000 for k in range(101) if k % 10], 2: [k * 10_000_000 for k in range(50)]}
    due, came = machine_graph._samples(heard, 100.0)
    assert (due, came) == (99 + 50, 90 + 50)  # the first and the last of one cable are lost unseen
