"""Which side led: lunges as courses of two knees, mirrored, twice the same, cut off, with a step in between."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_athlete import Posture, Recorder, Scored, session, stand

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise import Phase, Scorer, Side
from kinecue.exercise.exercise_file import parse_exercise
from kinecue.exercise.features import FeatureFrame
from kinecue.exercise.sides import SideFinder
from kinecue.exercise.tracking import tracker

LUNGE = """
format: 1
name: lunge
title: Lunge
load_direction: eccentric_first
sides: alternating
{leading}
progress: {{feature: knee_flexion, side: {side}, unit: deg, start: 5, full: 100, in_start: 30, left_start: 42, minimal: 65}}
start_position: {{hold_s: 0.2}}
in_position: {{hold_s: 0.4}}
features:
  - {{feature: knee_flexion, side: leading, unit: deg, weight: 1, ideal: {{any: [{{at: 0, ideal: 5, tolerance: 10}}, {{at: 1, ideal: 100, tolerance: 10}}]}}}}
  - {{feature: knee_flexion, side: trailing, unit: deg, weight: 1, ideal: {{any: [{{at: 0, ideal: 5, tolerance: 10}}, {{at: 1, ideal: 60, tolerance: 10}}]}}}}
faults:
  deep:
    title: Too deep
    feature: knee_flexion
    side: leading
    unit: deg
    outside: above
    limit: 118
    tolerance: 10
    severity: style
    correction: chest_up
    body_part: knees
    source: test
sources: [test]
"""


def lunge(leading: str = "", side: str = "leading"):
    return parse_exercise(LUNGE.format(leading=f"leading: {leading}" if leading else "", side=side))


def frame(left: float, right: float, lead: Side = Side.NONE) -> FeatureFrame:
    values = {
        ("knee_flexion", side): Measurement(math.radians(value), 0.02)
        if math.isfinite(value)
        else Measurement.abstained(Reason.OCCLUDED)
        for side, value in ((Side.LEFT, left), (Side.RIGHT, right))
    }
    values[("knee_flexion_asymmetry", Side.NONE)] = Measurement(math.radians(left - right), 0.03)
    found = FeatureFrame(values, None)
    found.leading = lead
    return found


def led(
    legs: str, model=None, fps: float = 30.0, trailing: float = 0.6, mirrored: bool = False
) -> list[Side]:
    """The side of each repetition; `legs` of L and R."""
    model = model or lunge()
    finder, machine = SideFinder(model), tracker(model)
    sides, t = [], 0.0

    def one(left: float, right: float) -> None:
        nonlocal t
        t += 1 / fps
        if mirrored:
            left, right = right, left
        seen = frame(left, right, finder.now)
        tracked = machine.update(t, seen)
        for movement in tracked.update.finished:
            if not movement.status:
                sides.append(finder.side())
            finder.reset()
        if math.isfinite(tracked.update.began):
            finder.reset()
        if tracked.update.under_way:
            finder.observe(seen, tracked.here, 1 / fps)

    for _ in range(int(fps)):
        one(5, 5)
    for leg in legs:
        for n in range(int(2 * fps) + 1):
            s = 0.5 - 0.5 * math.cos(math.pi * n / fps)
            lead, trail = 5 + 95 * s, 5 + 95 * trailing * s
            one(*((lead, trail) if leg == "L" else (trail, lead)))
        for _ in range(int(0.5 * fps)):
            one(5, 5)
    return sides


NAMES = {"L": Side.LEFT, "R": Side.RIGHT}


@settings(max_examples=25, deadline=None)
@given(st.text("LR", min_size=1, max_size=5), st.floats(8, 90), st.floats(0.3, 0.75))
def test_follows_whoever_leads_in_whatever_order_and_mirrored(legs, fps, trailing):
    assert led(legs, fps=fps, trailing=trailing) == [NAMES[leg] for leg in legs]
    other = {"L": Side.RIGHT, "R": Side.LEFT}
    assert led(legs, fps=fps, trailing=trailing, mirrored=True) == [other[leg] for leg in legs]


def test_legs_that_do_the_same_lead_nothing():
    assert led("LR", trailing=0.97) == [Side.NONE] * 2


@pytest.mark.parametrize("side", ["mean", "larger", "smaller"])
def test_does_not_depend_on_what_drives_progress(side):
    model = lunge("{feature: knee_flexion, unit: deg, margin: 10}", side)
    assert led("LRR", model, trailing=0.8) == [Side.LEFT, Side.RIGHT, Side.RIGHT]


def test_a_feature_with_a_sign_tells_it_too_and_may_pick_the_other_side():
    model = lunge("{feature: knee_flexion_asymmetry, unit: deg, margin: 10}", "larger")
    assert led("LR", model) == [Side.LEFT, Side.RIGHT]
    model = lunge("{feature: knee_flexion, unit: deg, margin: 10, picks: smaller}", "larger")
    assert led("LR", model) == [Side.RIGHT, Side.LEFT]


def test_a_hidden_knee_at_the_bottom_is_made_up_for_by_the_way_there_and_back():
    finder = SideFinder(lunge())
    for n in range(61):
        s = 0.5 - 0.5 * math.cos(math.pi * n / 30)
        right = math.nan if s > 0.6 else 5 + 40 * s
        finder.observe(frame(5 + 95 * s, right), s, 1 / 30)
    assert finder.side() is Side.LEFT


def lunges(legs: str, step: float = 0.0):
    """Bodies that lunge; the feet may travel with each one."""
    parts, place = [stand(1.0)], 3.0
    for leg in legs:

        def course(share: float, leg: str = leg, place: float = place) -> Posture:
            s = 0.5 - 0.5 * math.cos(2 * math.pi * share)
            more = 40 * s
            x = place - step * min(max(2 * share - 0.2, 0.0), 1.0)
            swing = (more, 0.0) if leg == "L" else (0.0, more)
            return Posture(knee=6 + 60 * s, swing=swing, place=(x, 0.0))

        parts.append((2.4, course))
        place -= step
        parts.append(stand(0.6, Posture(place=(place, 0.0))))
    from joint_athlete import Part

    return [Part(*part) if isinstance(part, tuple) else part for part in parts]


def scored(parts, **recorder) -> Scored:
    scorer = Scorer(lunge())
    bodies = session(parts, 24, Recorder(**{"white": 0.003, "std": 0.01, **recorder}))
    return Scored(scorer, [scorer.update(body, body.stamp_ns) for body in bodies])


def test_the_scorer_says_who_led_and_reads_that_side():
    found = scored(lunges("LLR"))
    assert [r.side for r in found.valid] == [Side.LEFT, Side.LEFT, Side.RIGHT]
    shares = {(s.name, s.side) for r in found.valid for s in r.shares}
    assert all(name == "knee_flexion" for name, _ in shares)
    phases = [score.phase for score in found.valid[0].phases]
    assert Phase.ECCENTRIC in phases
    assert Phase.CONCENTRIC in phases


def test_a_repetition_may_include_a_step():
    assert [r.side for r in scored(lunges("LRL", step=0.7)).valid] == [Side.LEFT, Side.RIGHT, Side.LEFT]


def test_both_sides_work_in_an_exercise_of_both_and_one_where_one_does():
    from joint_athlete import curl, score

    arms = [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0)]
    found = score([stand(0.5), *[curl(arms=a) for a in arms], stand(0.6)], name="biceps_curl")
    assert [r.side for r in found.valid] == [Side.BOTH, Side.LEFT, Side.RIGHT]
