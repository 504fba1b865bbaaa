"""Load advice: what is advised, and above all what never is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from effort_sets import S, fault, repetition
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.errors import ConfigError
from kinecue.body.measurement import Measurement
from kinecue.exercise.results import Fault, Phase, RepetitionStatus, Severity, Side
from kinecue.training.advice import Advice, AdviceReason, AdviceSettings, DoneSet, advise, why_not_heavier
from kinecue.training.effort import Call, EffortWatch
from kinecue.training.exercise_velocities import minimal_velocity
from kinecue.training.load_velocity import LoadPoint, load_velocity_profile

FAST = AdviceSettings(target_low=0.5, target_high=0.6)


def raised(severity: Severity, number: int = 2) -> Fault:
    return Fault(
        f"squat/{number}/spine/1", "spine", S, S, "a", "squat", Phase.BOTTOM, "", number, Side.BOTH, severity, 0.95, 1.0,
        "trunk_flexion", Measurement(0.6, 0.05), 0.4, "rad", "chest_up", "back",
    )  # fmt: skip


def done(speeds: list[float], load_kg: float = 60.0, **fields: object) -> DoneSet:
    """A set that is over, with form as it should be."""
    watch, now = EffortWatch(), 0
    changes = fields.pop("repetition", {})
    for n, speed in enumerate(speeds, 1):
        one = repetition(n, now, speed, **changes)
        watch.repetition(one)
        now = one.end_ns + S
    return replace(DoneSet("squat", "a", "set/1", now, load_kg, watch.lifts, watch.newest), **fields)


EASY = [0.80, 0.81, 0.79, 0.80, 0.78]


def test_too_fast_is_too_light() -> None:
    told = advise(done(EASY), FAST)
    assert (told.advice, told.reason) == (Advice.HEAVIER, AdviceReason.VELOCITY_ABOVE_TARGET)
    assert told.suggested_kg == 62.5
    assert told.change == pytest.approx(0.0417, abs=0.001)


def test_too_slow_is_too_heavy() -> None:
    told = advise(done([0.45, 0.44, 0.44, 0.43]), FAST)
    assert (told.advice, told.reason) == (Advice.LIGHTER, AdviceReason.VELOCITY_BELOW_TARGET)
    assert told.suggested_kg == 55.0


def test_in_the_zone_it_stays() -> None:
    told = advise(done([0.55, 0.54, 0.54, 0.53]), FAST)
    assert (told.advice, told.reason) == (Advice.KEEP, AdviceReason.NONE)
    assert told.suggested_kg == told.load_kg == 60.0
    assert told.change == 0.0


def test_a_profile_gives_the_size_of_the_step_within_the_limits() -> None:
    points = [LoadPoint(load, 1.6 - 0.0135 * load) for load in (40.0, 55.0, 70.0, 85.0)]
    profile = load_velocity_profile(points, minimal_velocity("bench_press"))
    assert profile.load_at(0.55) == pytest.approx(77.8, abs=0.1)
    told = advise(done(EASY, profile=profile), FAST)
    assert told.suggested_kg == 62.5
    down = advise(done([0.40, 0.39, 0.38], 100.0, profile=profile), FAST)
    assert down.suggested_kg == 80.0


@pytest.mark.parametrize(
    ("fields", "advice", "reason"),
    [
        ({"faults": (raised(Severity.DANGER),)}, Advice.LIGHTER, AdviceReason.DANGER),
        ({"faults": (raised(Severity.DANGER), raised(Severity.DANGER, 4))}, Advice.STOP, AdviceReason.DANGER),
        ({"faults": (raised(Severity.RISK),)}, Advice.KEEP, AdviceReason.FORM),
        ({"faults": (raised(Severity.STYLE),)}, Advice.HEAVIER, AdviceReason.VELOCITY_ABOVE_TARGET),
        ({"repetition": {"fault_details": (fault("knees_in"),)}}, Advice.LIGHTER, AdviceReason.FORM),
        ({"repetition": {"d": 1.5}}, Advice.KEEP, AdviceReason.NOT_ENOUGH),
        ({"repetition": {"d": math.nan}}, Advice.KEEP, AdviceReason.NOT_ENOUGH),
        ({"repetition": {"velocity": None}}, Advice.KEEP, AdviceReason.NOT_ENOUGH),
        ({"worst": Call.LAST_ONE}, Advice.LIGHTER, AdviceReason.FORM),
        ({"worst": Call.RACK_IT, "over": False}, Advice.STOP, AdviceReason.FORM),
        ({"over": False}, Advice.KEEP, AdviceReason.NONE),
        ({"effort": None}, Advice.KEEP, AdviceReason.NOT_ENOUGH),
        ({"best_today": 1.1}, Advice.STOP, AdviceReason.VELOCITY_LOSS),
    ],
)
def test_form_danger_and_doubt_go_before_speed(
    fields: dict[str, object], advice: Advice, reason: AdviceReason
) -> None:
    told = advise(done(EASY, **fields), FAST)
    assert (told.advice, told.reason) == (advice, reason), told.text
    assert told.text


def test_two_repetitions_tell_nothing() -> None:
    told = advise(done([0.9, 0.9]), FAST)
    assert (told.advice, told.reason) == (Advice.KEEP, AdviceReason.NOT_ENOUGH)


def test_a_failed_repetition_makes_it_lighter() -> None:
    made = done(EASY)
    failed = replace(made.lifts[-1], repetition=repetition(0, 0, 0.2, status=RepetitionStatus.FAILED))
    told = advise(replace(made, lifts=(*made.lifts, failed)), FAST)
    assert (told.advice, told.reason) == (Advice.LIGHTER, AdviceReason.FAILED)
    assert told.suggested_kg == 52.5


def test_reserve() -> None:
    made = done(EASY)
    many = replace(made, effort=replace(made.effort, reserve=8.0, reserve_std=1.5))
    assert advise(many).reason == AdviceReason.RESERVE
    assert advise(many).advice == Advice.HEAVIER
    unsure = replace(made, effort=replace(made.effort, reserve=8.0, reserve_std=5.0))
    assert advise(unsure).advice == Advice.KEEP
    none = replace(made, effort=replace(made.effort, reserve=0.2, reserve_std=0.5, velocity_loss=0.5))
    assert advise(none).reason == AdviceReason.VELOCITY_LOSS
    assert advise(none).advice == Advice.LIGHTER


def test_a_step_that_is_too_large_is_not_taken() -> None:
    told = advise(done(EASY, 5.0), FAST)
    assert (told.advice, told.reason) == (Advice.KEEP, AdviceReason.NOT_ENOUGH)
    assert "too large" in told.text
    assert advise(done([0.3] * 4, 2.0), FAST).advice == Advice.LIGHTER
    assert math.isnan(advise(done([0.3] * 4, 2.0), FAST).suggested_kg)


def test_without_a_load_there_is_advice_and_no_figure() -> None:
    told = advise(done(EASY, math.nan), FAST)
    assert told.advice == Advice.HEAVIER
    assert math.isnan(told.suggested_kg) and math.isnan(told.change)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("step_kg", 0.0, r"step_kg: is 0.0, allowed: 0.1 to 50"),
        ("most_up", 0.5, "most_up"),
        ("target_low", 0.7, "target_low: is 0.7, allowed: up to target_high"),
        ("reserve_low", math.nan, "reserve_low: is nan"),
    ],
)
def test_a_wrong_setting_names_field_and_range(field: str, value: float, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        AdviceSettings(**{field: value})


@settings(max_examples=150, deadline=None)
@given(
    speeds=st.lists(st.floats(0.05, 2.0), max_size=8),
    load=st.one_of(st.just(math.nan), st.floats(0.5, 400.0)),
    severities=st.lists(st.sampled_from(Severity), max_size=3),
    d=st.one_of(st.just(math.nan), st.floats(0.0, 5.0)),
    worst=st.sampled_from(Call),
    step=st.floats(0.1, 50.0),
    reserve=st.floats(0.0, 20.0),
)
def test_never_heavier_when_anything_speaks_against_it(
    speeds: list[float],
    load: float,
    severities: list[Severity],
    d: float,
    worst: Call,
    step: float,
    reserve: float,
) -> None:
    made = done(speeds, load, worst=worst, faults=tuple(map(raised, severities)), repetition={"d": d})
    if made.effort is not None:
        made = replace(made, effort=replace(made.effort, reserve=reserve, reserve_std=0.5))
    with np.errstate(all="ignore"):
        told = advise(made, replace(FAST, step_kg=step))
    if told.advice == Advice.HEAVIER:
        assert not why_not_heavier(made)
        assert worst == Call.NONE
        assert all(severity < Severity.RISK for severity in severities)
        assert len(speeds) >= 3 and d <= 1.0
        assert math.isnan(told.suggested_kg) == math.isnan(load)
        assert not told.change > 0.1001
        assert not told.change <= 0.0
    if told.advice == Advice.LIGHTER:
        assert not told.suggested_kg >= load
    if any(severity == Severity.DANGER for severity in severities):
        assert told.advice in (Advice.LIGHTER, Advice.STOP)
