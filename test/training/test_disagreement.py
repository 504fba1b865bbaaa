"""What the machine shows to be wrong, and that it is really said."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.measurement import Measurement, Reason
from kinecue.coaching import CoachingSettings, Guard, Orchestrator, load_phrase_book
from kinecue.coaching.facts import fact_from
from kinecue.exercise.results import Fault, FormState, Phase, Side
from kinecue.machine.samples import CableFlag, CableSample
from kinecue.training.disagreement import (
    MACHINE_FAULTS,
    SHORT_WAY,
    SLACK,
    WRONG_EXERCISE,
    ExerciseWatch,
    MachineFault,
    RangeWatch,
    SlackWatch,
    slack_fault,
)

BOOK = load_phrase_book(Path(__file__).resolve().parents[2] / "config" / "phrases" / "en.yaml")
NOW = 1_000_000_000_000
MS = 1_000_000


def fault_of(kind: MachineFault, phase: Phase) -> Fault:
    low = kind.raised(Measurement(0.3, 0.02), 0.4, 1.0, 0.95, NOW, NOW - 1, phase)
    return replace(low, id=f"squat/1/{kind.name}/m1", body_id="a", exercise="squat", repetition=1)


def form(phase: Phase, stamp: int) -> FormState:
    return FormState(stamp, "a", "squat", phase, "", 0.1, 0.01, 0.0, 1, 1, 0.5, Reason.NONE)


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        (SHORT_WAY, Phase.TOP),
        (SHORT_WAY, Phase.CONCENTRIC),
        (SLACK, Phase.ECCENTRIC),
        (SLACK, Phase.TOP),
        (WRONG_EXERCISE, Phase.TOP),
        (WRONG_EXERCISE, Phase.SETUP),
    ],
)
def test_each_fault_of_the_machine_is_said(kind: MachineFault, phase: Phase) -> None:
    coach = Orchestrator(BOOK, CoachingSettings())
    coach.on_form(form(phase, NOW - 40 * MS), NOW - 40 * MS)
    coach.on_fault(fault_of(kind, phase), NOW)
    cues = [d.cue for d in coach.on_form(form(phase, NOW + 40 * MS), NOW + 40 * MS) if d.cue]
    assert [cue.text for cue in cues][:1] == [BOOK.corrections[kind.correction].say[0]]


def test_nobody_who_gets_into_position_is_told_about_the_handles_way() -> None:
    coach = Orchestrator(BOOK, CoachingSettings())
    coach.on_form(form(Phase.SETUP, NOW - 40 * MS), NOW - 40 * MS)
    coach.on_fault(fault_of(SHORT_WAY, Phase.SETUP), NOW)
    assert [d for d in coach.on_form(form(Phase.SETUP, NOW + 40 * MS), NOW + 40 * MS) if d.cue] == []


def test_the_guard_passes_their_words() -> None:
    facts = [fact_from(fault_of(kind, Phase.TOP)) for kind in MACHINE_FAULTS]
    assert Guard(BOOK).book_problems(facts) == []


# -- the range


def test_the_own_range_is_that_of_the_first_three() -> None:
    watch = RangeWatch()
    assert [watch.counted(way) for way in (0.50, 0.52, 0.51)] == [None, None, None]
    assert watch.own_m == 0.51


def test_one_short_way_is_a_slip_and_two_are_a_habit() -> None:
    watch = RangeWatch()
    for way in (0.5, 0.5, 0.5):
        watch.counted(way)
    assert watch.counted(0.35) is None
    assert watch.counted(0.5) is None
    assert watch.counted(0.35) is None
    short = watch.counted(0.36)
    assert short is not None
    measured, limit, magnitude, probability = short
    assert (measured.value, limit) == (0.36, pytest.approx(0.4))
    assert magnitude == pytest.approx(0.4)
    # two standard deviations of 4 % of 0.5 m below the limit
    assert probability == pytest.approx(0.9772, abs=1e-3)


@given(st.lists(st.floats(0.95, 1.05), min_size=4, max_size=30), st.floats(0.05, 2.0))
def test_natural_differences_are_no_fault(shares: list[float], way: float) -> None:
    watch = RangeWatch()
    assert all(watch.counted(share * way) is None for share in shares)


@given(st.floats(0.05, 2.0), st.floats(0.1, 10.0))
def test_the_fault_does_not_depend_on_the_scale(way: float, scale: float) -> None:
    def run(factor: float) -> list[bool]:
        watch = RangeWatch()
        return [watch.counted(factor * way * s) is not None for s in (1, 1, 1, 0.7, 0.7, 1, 0.7, 0.7, 0.7)]

    assert run(1.0) == run(scale)


# -- slack


def lift(tensions_back: list[float], speed_back: float = -0.5, load: float = 200.0) -> list[float]:
    """Shares told in a repetition of 0.5 m: out at full tension, back at the given ones, 100 Hz."""
    watch, told, stamp = SlackWatch(), [], 0
    rows = [(0.005 * i, load, 0.5) for i in range(100)]
    rows += [
        (0.5 - 0.3 * i / max(len(tensions_back), 1), force, speed_back)
        for i, force in enumerate(tensions_back)
    ]
    for out, force, speed in rows:
        stamp += 10 * MS
        flags = CableFlag.SLACK if force < 3.0 else CableFlag.NONE
        share = watch.sample(CableSample(stamp, force, flags=flags), out, 0.5, speed)
        told += [] if share is None else [share]
    return told


def test_a_cable_that_hangs_through_on_the_way_back_is_told_once() -> None:
    assert lift([150.0] * 10 + [1.0] * 40) == [pytest.approx(1.0 / 200.0)]


def test_a_short_gap_is_not() -> None:
    assert lift(([150.0] * 10 + [1.0] * 10) * 3) == []


def test_a_stack_that_flies_on_after_a_quick_lift_is_not() -> None:
    assert lift([1.0] * 40, speed_back=0.0) == []


def test_an_empty_handle_is_not() -> None:
    assert lift([1.0] * 40, load=20.0) == []


@given(
    st.lists(st.floats(0, 1e4) | st.just(math.nan), max_size=60),
    st.sampled_from([math.nan, 0.0, -1.0, 0.5]),
    st.sampled_from([math.nan, 0.5, -5.0]),
)
def test_no_sample_is_too_bad(tensions: list[float], way: float, speed: float) -> None:
    watch = SlackWatch()
    for i, force in enumerate(tensions):
        share = watch.sample(CableSample((i * 7919 % 13) * MS, force), 0.4, way, speed)
        assert share is None or share >= 0.0


def test_a_slack_fault_has_the_share_that_was_measured() -> None:
    fault = slack_fault(0.02, NOW, NOW - 150 * MS, Phase.ECCENTRIC, Side.LEFT)
    assert fault.measured.value < fault.limit
    assert fault.magnitude == pytest.approx(0.8)
    assert fault.duration == pytest.approx(0.15)


# -- another exercise


@given(st.floats(0.1, 1.0))
def test_one_foreign_movement_is_getting_ready(way: float) -> None:
    watch = ExerciseWatch()
    assert not watch.foreign(way)
    assert watch.foreign(0.9 * way)
    watch.fits()
    assert not watch.foreign(way)
    assert not watch.foreign(0.3 * way)
