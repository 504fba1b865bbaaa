"""Counting on the encoder alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.errors import KineCueError
from kinecue.exercise.results import Phase, RepetitionReason, RepetitionStatus
from kinecue.machine.samples import CableSide, Direction, EncoderSample
from kinecue.training.encoder_repetitions import EncoderCounter, HandleRepetition

NS = 1_000_000_000
Way = Sequence[tuple[float, float]]
"""Strokes: where to, in how many seconds; the same place again is a rest."""


def course(strokes: Way, rate: float = 100.0, start: float = 0.0) -> list[float]:
    values, level = [], start
    for to, seconds in strokes:
        n = max(round(seconds * rate), 1)
        t = (np.arange(n) + 1.0) / n
        values += (level + (to - level) * (10 * t**3 - 15 * t**4 + 6 * t**5)).tolist()
        level = to
    return values


def sample(stamp_ns: int, x: float) -> EncoderSample:
    return EncoderSample(stamp_ns, x, math.nan, Direction.STILL, round(x * 5000), 5000.0, CableSide.LEFT)


def count(
    strokes: Way,
    counter: EncoderCounter | None = None,
    sign: float = 1.0,
    rate: float = 100.0,
    start: float = 0.0,
) -> list[HandleRepetition]:
    counter = counter or EncoderCounter()
    found = []
    for i, x in enumerate(course(strokes, rate, start)):
        found += counter.update(sample(round(i * NS / rate), sign * round(x * 5000) / 5000))
    return found + list(counter.finish())


def statuses(found: Sequence[HandleRepetition]) -> list[str]:
    return [movement.status.name for movement in found]


ROW = [(0.3, 1.0), (0.3, 0.8)]
"""Taking the handle."""
PULL = [(0.8, 0.8), (0.3, 1.0), (0.3, 0.2)]
LET_GO = [(0.0, 0.6), (0.0, 1.0)]


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("rate", [50.0, 100.0, 1000.0])
def test_pulls_are_counted_and_the_way_to_the_machine_is_not(sign: float, rate: float) -> None:
    found = count([(0.0, 1.0), *ROW, *PULL * 5, *LET_GO], sign=sign, rate=rate)
    assert statuses(found) == ["VALID"] * 5
    assert all(m.direction == sign for m in found)
    assert all(m.range_m == pytest.approx(0.5, abs=0.01) for m in found)
    assert all(m.side is CableSide.LEFT for m in found)


def test_times_and_velocities_are_those_of_the_movement() -> None:
    found = count([(0.0, 1.0), *ROW, *PULL * 3])
    first = found[0]
    begin = 2.8
    assert first.concentric_start_ns / NS == pytest.approx(begin + 0.05, abs=0.07)
    assert first.turn_ns / NS == pytest.approx(begin + 0.8, abs=0.05)
    assert first.concentric_end_ns / NS == pytest.approx(begin + 0.75, abs=0.07)
    assert first.end_ns / NS == pytest.approx(begin + 1.8, abs=0.3)
    lift = first.velocities_m_s[first.concentric]
    # a minimum-jerk stroke peaks at 15/8 of its mean speed (Flash and Hogan 1985)
    assert lift.max() == pytest.approx(15.0 / 8.0 * 0.5 / 0.8, rel=0.01)
    assert first.start_ns < first.turn_ns < first.end_ns


def test_a_squat_goes_down_first() -> None:
    squat = [(0.4, 1.2), (1.0, 0.9), (1.0, 0.3)]
    counter = EncoderCounter("eccentric_first")
    found = count([(1.0, 1.5), (1.0, 1.0), *squat * 4, *LET_GO], counter)
    assert statuses(found)[:4] == ["VALID"] * 4
    assert "VALID" not in statuses(found)[4:]
    first = found[0]
    assert first.direction == -1
    assert first.concentric_start_ns >= first.turn_ns
    assert first.velocities_m_s[first.concentric].max() > 0.5


def test_who_is_told_the_direction_need_not_learn_it() -> None:
    # a simulated squat lets the cable out on the way down
    squat = [(0.6, 1.2), (0.6, 1.5), (0.0, 0.9), (0.0, 0.1)]
    found = count([(0.0, 1.0), *squat * 4], EncoderCounter("eccentric_first", direction=1))
    assert statuses(found) == ["VALID"] * 4
    assert {m.direction for m in found} == {1}


def test_the_first_is_held_back_until_the_second_is_over() -> None:
    counter = EncoderCounter()
    told = [
        (i, movement)
        for i, x in enumerate(course([(0.0, 1.0), *ROW, *PULL * 3]))
        for movement in counter.update(sample(round(i * NS / 100.0), x))
    ]
    assert [len([1 for i, _ in told if i < limit]) for limit in (480, 700)] == [0, 2]
    assert counter.range_m == pytest.approx(0.5, abs=0.01)
    assert counter.provisional == 0


def test_with_a_known_range_the_first_is_told_at_once() -> None:
    counter = EncoderCounter(range_m=0.5)
    told = [
        i
        for i, x in enumerate(course([(0.0, 1.0), *ROW, *PULL, (0.3, 2.0)]))
        for _ in counter.update(sample(round(i * NS / 100.0), x))
    ]
    assert len(told) == 1
    assert told[0] < 520


def test_a_single_movement_counts_at_the_end_of_the_set() -> None:
    assert statuses(count([(0.0, 1.0), *ROW, *PULL, *LET_GO])) == ["VALID"]


@pytest.mark.parametrize("seconds", [0.25, 0.4, 1.0, 2.5, 5.0])
def test_explosive_and_slow(seconds: float) -> None:
    found = count([(0.0, 1.0), *ROW, *[(0.8, seconds), (0.3, seconds)] * 5])
    assert statuses(found) == ["VALID"] * 5


def test_pauses_at_both_ends() -> None:
    paused = [(0.8, 0.6), (0.8, 2.0), (0.3, 0.6), (0.3, 3.0)]
    assert statuses(count([(0.0, 1.0), *ROW, *paused * 4])) == ["VALID"] * 4


def test_a_movement_that_turns_round_early_is_partial() -> None:
    short = [(0.5, 0.4), (0.3, 0.5), (0.3, 0.2)]
    found = count([(0.0, 1.0), *ROW, *PULL * 3, *short, *PULL])
    assert statuses(found) == ["VALID"] * 3 + ["PARTIAL", "VALID"]
    assert found[3].reason is RepetitionReason.RANGE_TOO_SMALL


def test_going_out_again_on_the_way_back_lacks_the_lock_out() -> None:
    half = [(0.8, 0.8), (0.53, 0.5)]
    found = count([(0.0, 1.0), *ROW, *PULL * 2, *half, *PULL * 2])
    assert statuses(found) == ["VALID", "VALID", "PARTIAL", "VALID", "VALID"]
    assert found[2].reason is RepetitionReason.NO_LOCKOUT


def test_a_pull_that_stalls_has_failed() -> None:
    stall = [(0.5, 2.0), (0.5, 0.5), (0.3, 0.8)]
    found = count([(0.0, 1.0), *ROW, *PULL * 3, *stall, *LET_GO])
    assert statuses(found) == ["VALID"] * 3 + ["FAILED"]


def test_a_squat_that_does_not_get_up_has_failed() -> None:
    squat = [(0.4, 1.2), (1.0, 0.9), (1.0, 0.3)]
    stuck = [(0.4, 1.2), (0.5, 1.5), (0.5, 0.5), (0.4, 0.7), (0.4, 7.0)]
    found = count([(1.0, 1.5), (1.0, 1.0), *squat * 3, *stuck], EncoderCounter("eccentric_first"))
    assert statuses(found) == ["VALID"] * 3 + ["FAILED"]


def test_a_sticking_point_is_one_repetition() -> None:
    sticky = [(0.55, 0.5), (0.54, 0.6), (0.8, 0.7), (0.3, 1.0)]
    assert statuses(count([(0.0, 1.0), *ROW, *PULL * 2, *sticky * 2])) == ["VALID"] * 4


def test_re_gripping_is_nothing() -> None:
    fidget = [(0.34, 0.3), (0.27, 0.3), (0.3, 0.3), (0.3, 1.0)]
    assert statuses(count([(0.0, 1.0), *ROW, *PULL * 2, *fidget, *PULL * 2])) == ["VALID"] * 4


def test_a_pull_to_try_the_weight_is_set_up() -> None:
    attempt = [(0.25, 0.6), (0.0, 0.6), (0.0, 1.0)]
    found = count([(0.0, 1.0), *attempt, *ROW, *PULL * 3])
    assert statuses(found).count("VALID") == 3
    assert set(statuses(found)) <= {"VALID", "SETUP"}


def test_the_range_shrinks_with_fatigue_and_still_counts() -> None:
    tired = [s for i in range(10) for s in ((0.3 + 0.5 - 0.01 * i, 0.8), (0.3, 1.0))]
    assert statuses(count([(0.0, 1.0), *ROW, *tired])) == ["VALID"] * 10


def test_silence_in_mid_movement_abandons_it() -> None:
    counter = EncoderCounter()
    found = []
    for i, x in enumerate(course([(0.0, 1.0), *ROW, *PULL * 2, (0.7, 0.8)])):
        found += counter.update(sample(round(i * NS / 100.0), x))
    assert counter.under_way
    assert counter.healthy
    now = counter.stamp_ns
    assert counter.tick(now + NS) == ()
    assert not counter.healthy
    found += counter.tick(now + 3 * NS)
    assert statuses(found) == ["VALID", "VALID", "ABANDONED"]
    assert found[-1].reason is RepetitionReason.UNCERTAIN
    assert counter.phase is Phase.UNKNOWN


def test_phases_follow_the_load() -> None:
    counter = EncoderCounter(range_m=0.5)
    seen = []
    for i, x in enumerate(course([(0.0, 1.0), *ROW, *PULL, (0.8, 0.8), (0.8, 1.0), (0.3, 1.0), (0.3, 1.0)])):
        counter.update(sample(round(i * NS / 100.0), x))
        if not seen or seen[-1] is not counter.phase:
            seen.append(counter.phase)
    after = seen[seen.index(Phase.TOP) :]
    assert after[:5] == [Phase.TOP, Phase.CONCENTRIC, Phase.BOTTOM, Phase.ECCENTRIC, Phase.TOP]


def test_another_exercise_is_learned_anew() -> None:
    press = [(0.95, 0.5), (0.75, 0.5), (0.75, 0.2)]
    found = count([(0.0, 1.0), *ROW, *PULL * 3, (0.75, 1.0), (0.75, 1.0), *press * 9, (0.75, 1.0)])
    assert statuses(found)[-4:] == ["VALID"] * 4


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"load_direction": "up"}, "load_direction"),
        ({"shortest_s": 9.0, "longest_s": 2.0}, "tempo"),
        ({"minimal": 0.1}, "minimal"),
        ({"range_m": -1.0}, "range_m"),
        ({"direction": 2}, "direction"),
    ],
)
def test_wrong_settings_are_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(KineCueError, match=named):
        EncoderCounter(**change)  # type: ignore[arg-type]


@settings(max_examples=15, deadline=None)
@given(
    scale=st.floats(0.5, 1.8),
    zero=st.floats(-20.0, 20.0),
    sign=st.sampled_from([1.0, -1.0]),
    repetitions=st.integers(2, 5),
)
def test_scale_zero_and_sign_do_not_matter(scale: float, zero: float, sign: float, repetitions: int) -> None:
    counter = EncoderCounter()
    found = []
    for i, x in enumerate(course([(0.0, 1.0), *ROW, *PULL * repetitions, *LET_GO])):
        found += counter.update(sample(round(i * NS / 100.0), zero + sign * scale * x))
    found += counter.finish()
    assert statuses(found) == ["VALID"] * repetitions
    assert all(m.range_m == pytest.approx(0.5 * scale, rel=0.03) for m in found)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**11), 10**11), st.floats(allow_nan=True, width=32)), max_size=150))
def test_nothing_that_comes_breaks_it(samples: list[tuple[int, float]]) -> None:
    counter = EncoderCounter()
    for stamp, x in samples:
        for movement in counter.update(EncoderSample(stamp, x, math.nan, Direction.STILL, 0, 5000.0)):
            assert movement.start_ns <= movement.turn_ns <= movement.end_ns
    counter.tick(10**12)
    counter.finish()
    assert not counter.under_way


def test_two_sets_one_after_the_other_keep_the_range() -> None:
    counter = EncoderCounter()
    count([(0.0, 1.0), *ROW, *PULL * 3, *LET_GO], counter)
    again = course([(0.0, 1.0), *ROW, *PULL, (0.3, 1.0)])
    found = [
        m for i, x in enumerate(again) for m in counter.update(sample(round((i + 10**4) * NS / 100.0), x))
    ]
    assert [m.status for m in found] == [RepetitionStatus.VALID]
    counter.reset()
    assert math.isnan(counter.range_m)
