"""Held exercises: how long counts, what breaks a hold and what does not."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.errors import ConfigError
from kinecue.exercise import Phase, RepetitionReason, RepetitionStatus
from kinecue.exercise.exercise_file import parse_exercise
from kinecue.exercise.holds import HoldMachine

HELD = """
format: 1
name: board
title: Board
kind: held
hold: {least_s: 10, bridge_s: 2}
in_position: {hold_s: 0.5, conditions: [{feature: knee_flexion, unit: deg, max: 30}]}
features: [{feature: knee_flexion, unit: deg, weight: 1, ideal: {any: [{at: 0, ideal: 0, tolerance: 10}]}}]
sources: [test]
"""


def follow(plan, fps=30.0, stop=True):
    """Movements and updates of (seconds, in position or None or "gone")."""
    machine, movements, updates, n, begin = HoldMachine(parse_exercise(HELD)), [], [], 0, 0.0
    for seconds, state in plan:
        begin += seconds
        while n / fps < begin:
            t = n / fps
            update = (
                machine.miss(t, RepetitionReason.PERSON_LOST) if state == "gone" else machine.update(t, state)
            )
            movements += update.finished
            updates.append(update)
            n += 1
    if stop:
        movements += machine.stop().finished
    return movements, updates


@pytest.mark.parametrize("fps", [5, 15, 30, 200])
def test_a_hold_is_one_repetition_of_its_length(fps):
    (hold,), updates = follow([(2, False), (14, True), (2, False)], fps)
    assert hold.status is RepetitionStatus.VALID
    assert hold.held_s == pytest.approx(14, abs=1.5 / fps + 0.01)
    assert hold.start == pytest.approx(2, abs=1 / fps)
    assert hold.end == pytest.approx(16, abs=1.5 / fps)
    assert {update.phase for update in updates} == {Phase.SETUP, Phase.HOLD}
    assert max(update.progress for update in updates) == 1.0


def test_too_short_is_partial_and_passing_through_is_getting_into_position():
    (short,), _ = follow([(1, False), (6, True), (2, False)])
    assert (short.status, short.reason) == (RepetitionStatus.PARTIAL, RepetitionReason.TOO_SHORT)
    assert short.held_s == pytest.approx(6, abs=0.1)
    (passed,), _ = follow([(1, False), (1.2, True), (2, False)])
    assert passed.status is RepetitionStatus.SETUP
    assert follow([(1, False), (0.3, True), (2, False)])[0] == []


def test_a_short_break_of_position_does_not_end_it_and_does_not_count():
    (hold,), _ = follow([(6, True), (0.4, False), (6, True), (1, False)])
    assert hold.status is RepetitionStatus.VALID
    assert hold.held_s == pytest.approx(12, abs=0.1)


def test_a_longer_one_ends_it():
    holds, _ = follow([(12, True), (0.8, False), (11, True)])
    assert [h.status for h in holds] == [RepetitionStatus.VALID] * 2


@pytest.mark.parametrize("unseen", [None, "gone"])
def test_a_loss_of_tracking_is_bridged(unseen):
    (hold,), _ = follow([(6, True), (1.5, unseen), (6, True), (1, False)])
    assert hold.status is RepetitionStatus.VALID
    assert hold.held_s == pytest.approx(13.5, abs=0.1)


@pytest.mark.parametrize("unseen", [None, "gone"])
def test_a_long_loss_ends_it_where_it_was_last_seen(unseen):
    holds, _ = follow([(12, True), (4, unseen), (1, False)])
    assert [h.status for h in holds] == [RepetitionStatus.VALID]
    assert holds[0].end == pytest.approx(12, abs=0.1)
    (lost,), _ = follow([(5, True), (4, unseen), (1, False)])
    assert lost.status is RepetitionStatus.ABANDONED


def test_the_end_of_the_set_ends_it():
    (hold,), _ = follow([(11, True)])
    assert hold.status is RepetitionStatus.VALID


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.05, 8.0), st.sampled_from([True, False, None, "gone"])), min_size=1, max_size=8
    ),
    st.floats(5, 60),
)
def test_holds_never_overlap_and_never_outlast_their_time(plan, fps):
    holds, updates = follow(plan, fps)
    for hold in holds:
        assert hold.start <= hold.bottom <= hold.end
        assert 0.0 <= hold.held_s <= hold.end - hold.start + 1e-6
        assert (hold.status is RepetitionStatus.VALID) == (hold.held_s >= 10)
    for one, two in itertools.pairwise(holds):
        assert one.end <= two.start
    assert sum(math.isfinite(update.began) for update in updates) == len(holds)


def test_needs_to_know_for_how_long():
    from signal_course import bend

    with pytest.raises(ConfigError, match="hold"):
        HoldMachine(bend())
