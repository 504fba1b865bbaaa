"""The scorer as a whole: sets, people, clocks, hostile input, determinism."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from joint_athlete import STANDING, Posture, Recorder, curl, exercise, score, session, squat, stand
from test_features import mirrored, turned

from kinecue.body import BLAZEPOSE_33, Body, Reason
from kinecue.exercise import Phase, RepetitionReason, RepetitionStatus, Scorer, Side

SET = [stand(0.5), squat(), squat(ratio=0.7), stand(0.5)]


def run(scorer: Scorer, bodies: list[Body]) -> list[object]:
    return [scorer.update(body, body.stamp_ns) for body in bodies]


def test_the_same_input_gives_the_same_scores() -> None:
    bodies = list(session(SET, 30, Recorder(white=0.004, std=0.01)))
    assert repr(run(Scorer(exercise("squat")), bodies)) == repr(run(Scorer(exercise("squat")), bodies))


@pytest.mark.parametrize("yaw", [0.7, -2.0])
def test_where_the_camera_stands_does_not_change_the_score(yaw: float) -> None:
    bodies = list(session(SET, 20, Recorder(white=0.003, std=0.01)))
    plain, other = Scorer(exercise("squat")), Scorer(exercise("squat"))
    run(plain, bodies)
    run(other, [turned(body, yaw) for body in bodies])
    assert other.summary().counted == plain.summary().counted == 2
    assert other.summary().d == pytest.approx(plain.summary().d, rel=1e-3)
    assert other.summary().faults == plain.summary().faults == {"knees_in": 1}


def test_a_mirrored_athlete_gets_the_same_d_and_the_other_side() -> None:
    bodies = list(
        session([stand(0.5), squat(asymmetry=45), stand(0.5)], 20, Recorder(white=0.002, std=0.006))
    )
    plain, other = Scorer(exercise("squat")), Scorer(exercise("squat"))
    first = [f for body in bodies for f in plain.update(body, body.stamp_ns).faults]
    second = [f for body in bodies for f in other.update(mirrored(body), body.stamp_ns).faults]
    assert [f.name for f in first] == [f.name for f in second] == ["uneven"]
    assert (first[0].side, second[0].side) == (Side.LEFT, Side.RIGHT)
    assert other.summary().d == pytest.approx(plain.summary().d, rel=1e-3)


def test_form_of_every_frame() -> None:
    scored = score(SET, 30)
    assert len(scored.forms) == len(scored.updates)
    assert [form.counted for form in scored.forms] == sorted(form.counted for form in scored.forms)
    moving = [form for form in scored.forms if form.phase in (Phase.ECCENTRIC, Phase.CONCENTRIC)]
    assert all(math.isfinite(form.d) for form in moving)
    assert all(sum(d.share for d in form.deviations) == pytest.approx(1.0) for form in moving if form.d > 0)
    assert {form.repetition for form in moving} == {0, 1, 2}
    names = {(angle.name, angle.side) for angle in scored.updates[-1].angles}
    assert {("knee_flexion", Side.LEFT), ("trunk_lean", Side.NONE)} <= names


def test_d_is_low_for_a_good_squat_and_higher_for_a_bad_one() -> None:
    good, bad = score(SET, 30).repetitions
    assert good.d < 0.4
    assert bad.d > 2 * good.d
    assert math.isfinite(bad.d_eccentric)
    assert math.isfinite(bad.d_concentric)


def test_late_and_repeated_frames_are_dropped() -> None:
    bodies = list(session(SET, 30, Recorder(std=0.01)))
    shuffled = [
        body for i in range(0, len(bodies) - 1, 2) for body in (bodies[i + 1], bodies[i], bodies[i + 1])
    ]
    scorer = Scorer(exercise("squat"))
    updates = [scorer.update(body, body.stamp_ns) for body in shuffled]
    assert scorer.dropped == 2 * (len(bodies) // 2)
    assert sum(update.form is None for update in updates) == scorer.dropped
    assert scorer.summary().counted == 2


def test_a_clip_that_starts_again_goes_on_counting() -> None:
    scorer = Scorer(exercise("squat"))
    bodies = list(session([stand(0.5), squat(), stand(0.5)], 30, Recorder(std=0.01)))
    run(scorer, bodies)
    run(scorer, bodies)
    assert scorer.summary().counted == 2


def test_a_stamp_from_the_far_future_does_not_stop_the_scorer() -> None:
    scorer = Scorer(exercise("squat"))
    bodies = list(session([stand(0.5), squat(), stand(0.5)], 30, Recorder(std=0.01)))
    scorer.update(bodies[0], 2**62)
    run(scorer, bodies)
    assert scorer.summary().counted == 1


def test_stamps_of_the_epoch_keep_their_nanoseconds() -> None:
    start = 1_753_000_000_123_456_789
    scorer, stamps = Scorer(exercise("squat")), set()
    for body in session([stand(0.5), squat(), stand(0.5)], 30, Recorder(std=0.01), start):
        stamps.add(body.stamp_ns)
        for repetition in scorer.update(body, body.stamp_ns).repetitions:
            assert {repetition.start_ns, repetition.bottom_ns, repetition.end_ns} <= stamps


def test_another_person_starts_over_and_the_set_goes_on() -> None:
    scorer = Scorer(exercise("squat"))
    first = list(session([stand(0.5), squat(), stand(0.3), squat()], 30, Recorder(std=0.01)))
    run(scorer, first[: len(first) - 40])
    second = session(
        [stand(0.5), squat(), stand(0.5)], 30, Recorder(std=0.01, body_id="b"), first[-1].stamp_ns
    )
    updates = [scorer.update(body, body.stamp_ns) for body in second]
    assert updates[0].repetitions[0].reason is RepetitionReason.PERSON_LOST
    summary = scorer.summary()
    assert summary.body_id == "b"
    assert summary.counted == 2
    assert summary.not_counted == {RepetitionStatus.ABANDONED: 1}


def test_sets_start_by_themselves_end_and_start_again() -> None:
    scorer = Scorer(exercise("squat"), session="demo")
    assert not scorer.summary().active
    bodies = list(session([stand(0.5), squat(), stand(0.5)], 30, Recorder(std=0.01)))
    run(scorer, bodies)
    assert scorer.summary().active
    ended = scorer.end_set(bodies[-1].stamp_ns)
    assert (ended.set_id, ended.active, ended.counted) == ("demo-1", False, 1)
    later = [replace(body, stamp_ns=body.stamp_ns + 10_000_000_000) for body in bodies]
    forms = [scorer.update(body, body.stamp_ns).form for body in later]
    assert {form.phase for form in forms if form} == {Phase.REST}
    assert scorer.summary().counted == 1
    opened = scorer.start_set(later[-1].stamp_ns)
    assert (opened.set_id, opened.active, opened.counted) == ("demo-2", True, 0)
    much_later = [replace(body, stamp_ns=body.stamp_ns + 20_000_000_000) for body in bodies]
    run(scorer, much_later)
    assert scorer.summary().counted == 1


def test_a_movement_under_way_does_not_count_when_the_set_ends() -> None:
    scorer = Scorer(exercise("squat"))
    bodies = list(session([stand(0.5), squat()], 30, Recorder(std=0.01)))
    run(scorer, bodies[:60])
    summary = scorer.end_set(bodies[60].stamp_ns)
    assert summary.counted == 0
    assert summary.not_counted == {RepetitionStatus.ABANDONED: 1}
    reported = scorer.update(bodies[61], bodies[61].stamp_ns).repetitions
    assert [repetition.status for repetition in reported] == [RepetitionStatus.ABANDONED]


def test_another_exercise_starts_another_set() -> None:
    scorer = Scorer(exercise("squat"))
    bodies = list(session([stand(0.5), squat(), stand(0.5)], 30, Recorder(std=0.01)))
    run(scorer, bodies)
    assert scorer.select_exercise(exercise("biceps_curl")).counted == 1
    curls = list(session([stand(0.5), curl(), curl(), stand(0.5)], 30, Recorder(std=0.01), 20_000_000_000))
    run(scorer, curls)
    summary = scorer.summary()
    assert (summary.exercise, summary.counted) == ("biceps_curl", 2)


def test_nobody_there() -> None:
    scorer = Scorer(exercise("squat"))
    form = scorer.update(None, 5).form
    assert form is not None
    assert (form.phase, form.d_reason) == (Phase.UNKNOWN, Reason.NO_PERSON)
    assert math.isnan(form.d)


def test_a_body_without_landmarks_is_nobody_to_score() -> None:
    body = Recorder().body(STANDING, 7)
    lost = replace(body, positions=np.full((33, 3), np.nan), states=np.zeros(33, np.uint8))
    form = Scorer(exercise("squat")).update(lost, 7).form
    assert form is not None
    assert form.phase is Phase.UNKNOWN
    assert form.d_reason is Reason.OCCLUDED


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63),
            arrays(float, (33, 3), elements=st.floats(width=64, allow_nan=True, allow_infinity=True)),
            st.floats(allow_nan=True, allow_infinity=True),
            st.integers(0, 255),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_hostile_bodies_never_raise(frames: list[tuple[int, np.ndarray, float, int, bool]]) -> None:
    scorer = Scorer(exercise("squat"))
    for stamp, positions, number, state, nobody in frames:
        body = Body(
            "x",
            stamp,
            BLAZEPOSE_33,
            np.full((33, 2), number),
            np.full(33, number),
            positions,
            np.full((33, 3, 3), number),
            np.full(33, state, np.uint8),
            number,
            (640, 480),
            view=number,
        )
        scorer.update(None if nobody else body, stamp)
        scorer.summary()
    scorer.end_set(0)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 140), st.floats(0.001, 3.0)), max_size=60), st.integers(0, 99))
def test_any_movement_keeps_the_books_straight(moves: list[tuple[float, float]], seed: int) -> None:
    scorer, recorder, stamp = Scorer(exercise("squat")), Recorder(white=0.01, std=0.02, seed=seed), 0
    ended, counted = [], 0
    for knee, dt in moves:
        stamp += round(dt * 1e9)
        update = scorer.update(recorder.body(Posture(knee=knee, lean=knee / 3), stamp), stamp)
        ended += update.repetitions
        assert update.form is not None
        assert update.form.counted >= counted
        counted = update.form.counted
    valid = [r for r in ended if r.status is RepetitionStatus.VALID]
    assert [r.number for r in valid] == list(range(1, counted + 1))
    for repetition in ended:
        assert repetition.start_ns <= repetition.bottom_ns <= repetition.end_ns
    assert sum(scorer.summary().not_counted.values()) == len(ended) - len(valid)
