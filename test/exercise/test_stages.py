"""Stages: in order, there and back, and what becomes of those that are not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.exercise import Phase, RepetitionReason, RepetitionStatus
from kinecue.exercise.exercise_file import parse_exercise
from kinecue.exercise.stages import StageMachine

STAGES = """
format: 1
name: rise
title: Rise
kind: stages
{back}
start_position: {{hold_s: 0.2, conditions: [{{feature: trunk_lean, unit: deg, min: 60}}]}}
stages:
  - {{name: elbow, title: On the elbow, conditions: [{{feature: trunk_lean, unit: deg, max: 50}}]}}
  - {{name: hand, title: On the hand, conditions: [{{feature: trunk_lean, unit: deg, max: 30}}]}}
  - {{name: stand, title: Standing, conditions: [{{feature: knee_flexion, unit: deg, max: 20}}]}}
tempo: {{shortest_s: 2, longest_s: 60, longest_pause_s: 20}}
features: [{{feature: knee_flexion, unit: deg, weight: 1, ideal: {{stand: [{{at: 0, ideal: 0, tolerance: 10}}]}}}}]
sources: [test]
"""
VALID = (RepetitionStatus.VALID, RepetitionReason.NONE)


def follow(levels, fps=30.0, seconds=1.0, back="back: reverse", between=0.5):
    """Each level (0 start, 1 to 3; None nowhere; "gone") for `seconds`, with `between` on the way from one to the next."""
    machine = StageMachine(parse_exercise(STAGES.format(back=back)))
    movements, updates, n, begin = [], [], 0, 0.0
    for level in levels:
        for span, at in ((between, "gone" if level == "gone" else "way"), (seconds, level)):
            begin += span
            while n / fps < begin:
                t = n / fps
                if at == "gone":
                    update = machine.miss(t, RepetitionReason.PERSON_LOST)
                else:
                    update = machine.update(t, at == 0, [at == k for k in (1, 2, 3)])
                movements += update.finished
                updates.append(update)
                n += 1
    movements += machine.stop().finished
    return [(m.status, m.reason) for m in movements], updates, movements


@pytest.mark.parametrize("fps", [5, 30, 200])
def test_up_and_down_again_is_one_repetition(fps):
    outcomes, updates, (movement,) = follow([0, 1, 2, 3, 2, 1, 0], fps)
    assert outcomes == [VALID]
    assert movement.start == pytest.approx(1.5, abs=0.15 + 2 / fps)
    assert movement.start < movement.bottom < movement.end
    stages = []
    for update in updates:
        if update.phase is Phase.STAGE and (not stages or stages[-1] != update.stage):
            stages.append(update.stage)
    assert stages == ["elbow", "hand", "stand", "hand", "elbow"]
    assert max(update.progress for update in updates) == 1.0


def test_two_in_a_row():
    assert follow([0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0])[0] == [VALID] * 2


def test_a_stage_that_is_left_out_is_missing():
    missing = (RepetitionStatus.PARTIAL, RepetitionReason.STAGE_MISSING)
    assert follow([0, 1, 3, 2, 1, 0])[0] == [missing]
    assert follow([0, 2, 3, 2, 1, 0])[0] == [missing]
    assert follow([0, 1, 2, 3, 1, 0])[0] == [missing]
    assert follow([0, 1, 2, 3, 0])[0] == [missing]


def test_the_wrong_order_is_no_repetition():
    assert follow([0, 2, 1, 3, 2, 1, 0])[0] == [(RepetitionStatus.PARTIAL, RepetitionReason.STAGE_MISSING)]


def test_who_hesitates_and_goes_on_has_done_it():
    assert follow([0, 1, 2, 1, 2, 3, 2, 1, 0], seconds=1.6)[0] == [VALID]


def test_giving_up_on_the_way_is_partial():
    assert follow([0, 1, 2, 1, 0], seconds=1.6)[0] == [
        (RepetitionStatus.PARTIAL, RepetitionReason.RANGE_TOO_SMALL)
    ]


def test_without_a_way_back_the_last_stage_is_the_end():
    assert follow([0, 1, 2, 3], back="back: none")[0] == [VALID]


def test_a_recording_that_opens_in_the_middle_counts_from_the_next_one():
    assert follow([2, 1, 0, 1, 2, 3, 2, 1, 0])[0] == [VALID]
    assert follow([3, 2, 1, 0])[0] == []


def test_one_that_ends_in_the_middle_is_abandoned():
    assert follow([0, 1, 2])[0] == [(RepetitionStatus.ABANDONED, RepetitionReason.NO_LOCKOUT)]


def test_stages_may_take_long_but_not_for_ever():
    assert follow([0, 1, 2, 3, 2, 1, 0], seconds=6.0)[0] == [VALID]
    assert (RepetitionStatus.ABANDONED, RepetitionReason.TOO_SLOW) in follow([0, 1, 2], seconds=25.0)[0]


def test_a_glimpse_of_a_later_stage_leaves_nothing_out():
    machine = StageMachine(parse_exercise(STAGES.format(back="back: reverse")))
    movements = []
    for n in range(300):
        t = n / 30
        at = 0 if t < 1 else 3 if 1.5 < t < 1.6 else min(int(t - 1), 3) if t < 5 else max(8 - int(t), 0)
        movements += machine.update(t, at == 0, [at == k for k in (1, 2, 3)]).finished
    assert [(m.status, m.reason) for m in movements] == [VALID]


def test_losing_the_person_ends_it_but_a_short_loss_does_not():
    assert follow([0, 1, "gone", 2, 3, 2, 1, 0])[0] == [VALID]
    outcomes = follow([0, 1, "gone", "gone", "gone", 2, 1, 0])[0]
    assert outcomes == [(RepetitionStatus.ABANDONED, RepetitionReason.PERSON_LOST)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 3, None, "gone"]), min_size=1, max_size=14), st.floats(5, 60))
def test_only_what_goes_through_all_stages_counts(levels, fps):
    outcomes, _, movements = follow(levels, fps)
    seen = [level for level in levels if level not in (None, "gone")]
    order = [level for i, level in enumerate(seen) if not i or seen[i - 1] != level]
    way = [0, 1, 2, 3, 2, 1, 0]
    found = sum(order[i : i + 7] == way for i in range(len(order)))
    assert sum(outcome == VALID for outcome in outcomes) <= found
    for movement in movements:
        assert movement.start <= movement.bottom <= movement.end
