"""Sets laid out in time."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.errors import KineCueError
from kinecue.simulation.movement.set_plan import (
    END_RANGE,
    JERK,
    TEMPO,
    FaultKind,
    PlantedFault,
    SetPlan,
    Tempo,
)
from kinecue.simulation.movement.timeline import Sway, Timeline

TEMPO_ = Tempo(1.2, 0.2, 1.0, 0.4)
KINDS = {
    "lean": FaultKind("rad", math.radians(20.0), "lean", "trunk_lean"),
    "knee": FaultKind("rad", math.radians(20.0), "knee", "knee_in", sided=True),
    "no_lockout": FaultKind("rad", math.radians(40.0), "left over", "knee_flexion", way=END_RANGE),
    "fast": FaultKind("1", 0.6, "time missing", way=TEMPO, stage="out"),
    "jerked": FaultKind("1", 0.6, "time missing", way=JERK, stage="back"),
}


def timeline(*faults: PlantedFault, sided=False, ranges=None, **changes) -> Timeline:
    plan = dataclasses.replace(SetPlan(3, faults=faults, still_s=0.5, variation=0.0), **changes)
    return Timeline(plan, KINDS, TEMPO_, sided, ranges)


@given(st.integers(0, 6), st.floats(0.0, 3.0), st.floats(0.0, 1.0), st.integers(0, 50))
def test_progress_stays_in_range_and_ends_at_the_start(repetitions, variation, fatigue, seed):
    plan = SetPlan(repetitions, variation=variation, fatigue=fatigue, seed=seed, after_s=2.0)
    t = Timeline(plan, {}, TEMPO_)
    moments = t.at(np.linspace(-1.0, t.duration_s + 1.0, 300))
    assert moments.progress.min() >= 0.0
    assert moments.progress.max() <= 1.04
    assert moments.progress[-1] == pytest.approx(0.0, abs=1e-9)
    assert moments.number.max(initial=0) == repetitions
    assert (np.diff(moments.number) >= 0).all()


@given(st.integers(0, 30))
def test_progress_does_not_jump(seed):
    t = Timeline(SetPlan(4, variation=2.0, seed=seed, partial={2: 0.4}, failed=(3,)), {}, TEMPO_)
    progress = t.at(np.arange(0.0, t.duration_s, 0.005)).progress
    assert np.abs(np.diff(progress)).max() < 0.02


def test_times_alone_decide_not_their_order():
    t = timeline(variation=1.0)
    times = np.linspace(0.0, t.duration_s, 50)
    assert t.at(times[::-1]).progress[::-1] == pytest.approx(t.at(times).progress)


def test_partial_and_failed_repetitions_are_what_they_are():
    t = timeline(partial={1: 0.4}, failed=(2,))
    assert [r.kind for r in t.repetitions] == ["partial", "failed", "full"]
    first, second, third = t.repetitions
    during = t.at(np.linspace(first.start_s, first.end_s, 100)).progress
    assert during.max() == pytest.approx(0.4)
    back = t.at(np.linspace(second.turn_s, second.end_s, 200)).progress
    stuck = int(np.argmin(back[:100]))
    assert 0.3 < back[stuck] < 0.6, "it gets stuck on the way"
    assert back[stuck:].max() == pytest.approx(1.0, abs=1e-3), "and sinks back"
    assert third.end_s - third.start_s < second.end_s - second.start_s


def test_fatigue_slows_the_way_back_and_lengthens_the_rest():
    t = timeline(fatigue=1.0)
    backs = [r.end_s - r.back_s for r in t.repetitions]
    assert backs[2] > 1.5 * backs[0]
    gaps = [b.start_s - a.end_s for a, b in zip(t.repetitions, t.repetitions[1:], strict=False)]
    assert gaps[1] > gaps[0]


def test_faults_of_timing_change_the_time():
    plain = timeline().repetitions[0]
    fast = timeline(PlantedFault("fast", (1,), 0.5)).repetitions[0]
    assert fast.turn_s - fast.start_s == pytest.approx(0.5 * (plain.turn_s - plain.start_s))
    jerked = timeline(PlantedFault("jerked", (1,), 0.5)).repetitions[0]
    assert jerked.end_s == pytest.approx(plain.end_s)
    assert jerked.moves[-1].warp < 1.0


def test_what_is_not_locked_out_is_where_the_next_repetition_begins():
    t = timeline(PlantedFault("no_lockout", (1,), 0.3), ranges={"no_lockout:0.3": 0.2})
    first, second, _ = t.repetitions
    assert first.moves[-1].end == 0.2
    assert second.moves[0].start == 0.2
    assert second.moves[-1].end == 0.0
    assert t.at([(first.end_s + second.start_s) / 2.0]).progress[0] == pytest.approx(0.2)


def test_sides_alternate_and_a_fault_of_one_side_is_on_it():
    t = timeline(PlantedFault("knee", (1,), 0.2, "right"), sided=True)
    assert [r.side for r in t.repetitions] == ["left", "right", "left"]
    times = np.array([t.repetitions[0].turn_s + 0.1, t.repetitions[1].turn_s + 0.1])
    moments = t.at(times)
    assert moments.left.tolist() == [1.0, -1.0]
    assert t.present(moments)["knee"] == pytest.approx(np.array([[0.0, 0.2], [0.0, 0.0]]), abs=1e-9)


def test_changing_sides_takes_its_time():
    plan = SetPlan(3, still_s=0.5, variation=0.0)
    plain, slow = (Timeline(plan, {}, TEMPO_, True, change_s=s) for s in (0.0, 2.0))
    assert len(slow.changes) == 2
    assert slow.duration_s == pytest.approx(plain.duration_s + 4.0)
    start, end = slow.changes[0]
    assert slow.repetitions[1].start_s == pytest.approx(end)
    assert end - start == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"repetitions": -1}, "repetitions must be 0 to 100"),
        ({"variation": 9.0}, "variation must be 0 to 3"),
        ({"fatigue": 1.5}, "fatigue must be 0 to 1"),
        ({"side": "middle"}, "side must be one of left, right, alternate"),
        ({"approach": "fly"}, "approach must be one of none, ready, walk"),
        ({"partial": {1: 0.95}}, "must turn at 0.1 to 0.9"),
        ({"partial": {9: 0.5}}, "repetitions 1 to 3"),
        ({"partial": {1: 0.5}, "failed": (1,)}, "both partial and failed"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(changes, said):
    with pytest.raises(KineCueError, match=said):
        timeline(**changes)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (PlantedFault("limp", (1,), 0.1), "'limp' is not one of fast, jerked, knee, lean, no_lockout"),
        (PlantedFault("lean", (1,), 1.0), "at most 20 degrees"),
        (PlantedFault("lean", (1,), 0.0), "over 0"),
        (PlantedFault("lean", (7,), 0.1), "repetitions 1 to 3"),
        (PlantedFault("lean", (), 0.1), "repetitions 1 to 3"),
        (PlantedFault("lean", (1,), 0.1, "left"), "side must be both"),
        (PlantedFault("knee", (1,), 0.1, "up"), "side must be left, right, both"),
        (PlantedFault("lean", (1,), math.nan), "magnitude"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(fault, said):
    with pytest.raises(KineCueError, match=said):
        timeline(fault)


@given(st.integers(0, 15), st.floats(0.0, 3.0))
def test_sway_stays_within_its_amount(channel, amount):
    values = Sway(4, amount).value(channel, np.linspace(0.0, 60.0, 400))
    assert np.abs(values).max() <= amount + 1e-12
