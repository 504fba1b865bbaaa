"""Counting: exact over tempo and frame rate, and nothing counted that is not a repetition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_athlete import (
    Build,
    Posture,
    Recorder,
    Scored,
    bend,
    curl,
    exercise,
    score,
    session,
    squat,
    stand,
    walk,
)

from kinecue.exercise import Phase, RepetitionReason, RepetitionStatus, Scorer

VALID = (RepetitionStatus.VALID, RepetitionReason.NONE)


def phases(scored: Scored) -> list[Phase]:
    """Phases in order, repeats removed."""
    result: list[Phase] = []
    for form in scored.forms:
        if not result or result[-1] is not form.phase:
            result.append(form.phase)
    return result


@pytest.mark.parametrize(
    ("fps", "seconds"),
    [(5, 1.7), (5, 6.0), (8, 3.0), (15, 1.7), (24, 1.7), (24, 6.0), (30, 3.0), (60, 1.7), (200, 1.7)],
)
def test_every_squat_is_counted_at_any_rate_and_tempo(fps: int, seconds: float) -> None:
    scored = score([stand(0.4), squat(seconds), squat(seconds), squat(seconds), stand(0.8)], fps)
    assert scored.outcomes == [VALID] * 3
    assert [repetition.number for repetition in scored.repetitions] == [1, 2, 3]
    assert scored.faults == []
    for i, repetition in enumerate(scored.repetitions):
        begin = 1.0 + 0.4 + i * seconds
        frame = 1.0 / fps
        assert repetition.start_ns * 1e-9 == pytest.approx(begin, abs=0.12 * seconds + frame)
        assert repetition.bottom_ns * 1e-9 == pytest.approx(
            begin + seconds / 2, abs=0.1 + 0.02 * seconds + 1.5 * frame
        )
        assert repetition.end_ns * 1e-9 == pytest.approx(begin + seconds, abs=0.12 * seconds + frame)
        assert math.degrees(repetition.feature_peak.value) == pytest.approx(108, abs=8)
        assert math.isfinite(repetition.d)


@settings(max_examples=10, deadline=None)
@given(
    st.floats(0.85, 1.15),
    st.floats(0.85, 1.15),
    st.floats(1.6, 5.0),
    st.integers(6, 40),
    st.integers(0, 1000),
    st.floats(-math.pi, math.pi),
    st.integers(1, 3),
)
def test_clean_squats_of_anybody_are_counted_and_raise_nothing(
    size: float, femur: float, seconds: float, fps: int, seed: int, view: float, count: int
) -> None:
    build = Build(thigh=0.42 * femur).scaled(size)
    recorder = Recorder(build, view=view, white=0.003, bias=0.006, std=0.012, seed=seed)
    scored = score([stand(0.5), *[squat(seconds)] * count, stand(0.7)], fps, recorder)
    assert scored.outcomes == [VALID] * count
    assert scored.faults == []


@settings(max_examples=10, deadline=None)
@given(
    st.floats(1.5, 4.5), st.integers(8, 40), st.integers(0, 1000), st.floats(-math.pi, math.pi), st.booleans()
)
def test_clean_curls_are_counted_and_raise_nothing(
    seconds: float, fps: int, seed: int, view: float, one_arm: bool
) -> None:
    arms = (1.0, 0.0) if one_arm else (1.0, 1.0)
    recorder = Recorder(view=view, white=0.003, bias=0.005, std=0.01, seed=seed)
    scored = score([stand(0.5), *[curl(seconds, arms=arms)] * 2, stand(0.7)], fps, recorder, "biceps_curl")
    assert scored.outcomes == [VALID] * 2
    assert scored.faults == []


def test_a_clip_may_begin_just_before_the_first_repetition() -> None:
    scored = score([stand(0.25), squat(1.7), squat(1.7), stand(0.5)])
    assert scored.outcomes == [VALID] * 2


def test_a_clip_that_begins_in_the_middle_counts_from_the_next_one() -> None:
    scored = score([bend(100, 6, 0.8), stand(0.3), squat(2.0), stand(0.5)])
    assert scored.outcomes == [VALID]


def test_phases_of_a_squat_and_of_a_curl_come_in_their_order() -> None:
    squatting = phases(score([stand(1.0), squat(4.0, pause=1.0), stand(1.0)], recorder=Recorder()))
    assert squatting == [
        Phase.SETUP,
        Phase.TOP,
        Phase.ECCENTRIC,
        Phase.BOTTOM,
        Phase.CONCENTRIC,
        Phase.TOP,
    ]
    curling = phases(score([stand(1.0), curl(3.0), stand(1.0)], recorder=Recorder(), name="biceps_curl"))
    assert curling == [Phase.SETUP, Phase.TOP, Phase.CONCENTRIC, Phase.BOTTOM, Phase.ECCENTRIC, Phase.TOP]


def test_tempo_and_speed() -> None:
    repetition = score([stand(0.5), squat(6.0, pause=2.0), stand(1.0)], 60).repetitions[0]
    assert repetition.pause_s == pytest.approx(2.0, abs=0.5)
    assert repetition.eccentric_s == pytest.approx(1.75, abs=0.35)
    assert repetition.concentric_s == pytest.approx(1.75, abs=0.35)
    assert repetition.peak_speed == pytest.approx(math.pi / 2 * 100 / 97 / 2, rel=0.2)
    assert 0.3 < repetition.mean_speed < repetition.peak_speed


def test_standing_still_is_no_repetition_however_noisy() -> None:
    scored = score([stand(20.0)], 30, Recorder(white=0.02, std=0.02))
    assert scored.repetitions == []


def test_jitter_around_the_threshold_is_no_repetition() -> None:
    half_bent = Posture(knee=38.0)
    scored = score(
        [stand(1.0), bend(6, 38, 1), stand(8.0, half_bent), bend(38, 6, 1)],
        30,
        Recorder(white=0.01, std=0.01),
    )
    assert scored.valid == []


def test_walking_in_is_set_up() -> None:
    parts = [walk(4.0, (6, 1), (3, 0)), stand(1.0), squat(), squat(), stand(0.4), walk(3.0, (3, 0), (5, 2))]
    scored = score(parts)
    assert [r.status for r in scored.repetitions if r.number] == [RepetitionStatus.VALID] * 2
    assert len(scored.valid) == 2
    walking = [form.phase for form in scored.forms if form.stamp_ns < 4_500_000_000]
    assert walking.count(Phase.SETUP) > 0.5 * len(walking)


def test_shuffles_and_small_bends_are_not_counted_and_not_shallow() -> None:
    scored = score([stand(0.5), squat(1.2, depth=35), squat(1.2, depth=50), squat(1.5, depth=55), stand(0.5)])
    assert {status for status, _ in scored.outcomes} <= {RepetitionStatus.PARTIAL}
    assert scored.faults == []
    assert all(reason is RepetitionReason.RANGE_TOO_SMALL for _, reason in scored.outcomes)


def test_sitting_down_is_not_counted() -> None:
    scored = score([stand(1.0), squat(10.0, depth=95, pause=8.0), stand(1.0), squat(), stand(0.5)])
    assert scored.outcomes == [(RepetitionStatus.SETUP, RepetitionReason.TOO_SLOW), VALID]


def test_a_pause_at_the_bottom_is_part_of_the_repetition() -> None:
    assert score([stand(1.0), squat(6.0, pause=3.0), stand(1.0)]).outcomes == [VALID]


def test_without_lockout_only_what_comes_back_counts() -> None:
    scored = score(
        [stand(1.0), bend(6, 105, 1.3), bend(105, 50, 1), bend(50, 105, 1), bend(105, 6, 1.3), stand(1.0)]
    )
    assert scored.outcomes == [(RepetitionStatus.PARTIAL, RepetitionReason.NO_LOCKOUT), VALID]


def test_a_lift_that_does_not_succeed_is_failed() -> None:
    deep = Posture(knee=112.0, ratio=1.3, lean=40.0)
    parts = [stand(1.0), bend(6, 105, 1.3), bend(105, 82, 1), bend(82, 112, 1.5), stand(7.0, deep)]
    scored = score([*parts, bend(112, 6, 2), stand(0.5)])
    assert scored.outcomes == [(RepetitionStatus.FAILED, RepetitionReason.TOO_SLOW)]


def test_a_lift_that_gets_stuck_is_failed() -> None:
    stuck = Posture(knee=75.0, ratio=1.2, lean=30.0)
    scored = score([stand(1.0), bend(6, 105, 1.3), bend(105, 75, 1), stand(8.0, stuck)])
    assert scored.outcomes == [(RepetitionStatus.FAILED, RepetitionReason.TOO_SLOW)]


def test_bouncing_at_the_bottom_is_one_repetition() -> None:
    scored = score(
        [stand(1.0), bend(6, 105, 1.3), bend(105, 85, 0.6), bend(85, 108, 0.6), bend(108, 6, 1.3), stand(0.5)]
    )
    assert scored.outcomes == [VALID]


def test_stepping_away_from_the_bottom_is_abandoned() -> None:
    away = Posture(knee=80.0, ratio=1.2, lean=30.0, place=(3.0, 0.8))
    scored = score([stand(1.0), bend(6, 105, 1.3), stand(1.5, away), bend(80, 6, 1)])
    assert scored.outcomes[0] == (RepetitionStatus.ABANDONED, RepetitionReason.NOT_IN_POSITION)
    assert scored.valid == []


def test_losing_the_person_abandons_the_repetition() -> None:
    scorer = Scorer(exercise("squat"))
    bodies = list(session([stand(1.0), squat(3.0)], 30, Recorder(std=0.01)))
    for body in bodies[:75]:
        scorer.update(body, body.stamp_ns)
    ended = []
    for i in range(1, 60):
        ended += scorer.update(None, bodies[74].stamp_ns + i * 33_000_000).repetitions
    assert [(r.status, r.reason) for r in ended] == [
        (RepetitionStatus.ABANDONED, RepetitionReason.PERSON_LOST)
    ]


@pytest.mark.parametrize("gap", [0.2, 0.5, 0.9])
def test_short_gaps_are_bridged(gap: float) -> None:
    scorer, ended = Scorer(exercise("squat")), []
    for body in session([stand(0.5), squat(3.0), squat(3.0), stand(0.5)], 30, Recorder(std=0.01)):
        t = body.stamp_ns * 1e-9
        if not 2.2 < t < 2.2 + gap:
            ended += scorer.update(body, body.stamp_ns).repetitions
    assert [r.status for r in ended] == [RepetitionStatus.VALID] * 2


def test_faster_than_a_person_is_a_tracking_error() -> None:
    scored = score([stand(1.0), squat(0.4), stand(1.0)], 60, Recorder(std=0.01))
    assert scored.outcomes == [(RepetitionStatus.SETUP, RepetitionReason.TOO_FAST)]


def test_a_shallow_squat_counts_with_a_fault_and_a_partial_one_does_not() -> None:
    scored = score([stand(0.5), squat(depth=72), squat(depth=50), squat(), stand(0.5)])
    assert [r.status for r in scored.repetitions] == [
        RepetitionStatus.VALID,
        RepetitionStatus.PARTIAL,
        RepetitionStatus.VALID,
    ]
    assert scored.fault_names == [("too_shallow", 1)]
    assert scored.repetitions[0].faults == ("too_shallow",)


def test_alternating_curls_count_each_arm() -> None:
    arms = [(1.0, 0.0), (0.0, 1.0)] * 2
    scored = score([stand(0.5), *[curl(arms=a) for a in arms], stand(0.5)], name="biceps_curl")
    assert scored.outcomes == [VALID] * 4


def test_asymmetry_at_the_peak() -> None:
    repetition = score(
        [stand(0.5), squat(asymmetry=20), stand(0.5)], recorder=Recorder(std=0.005)
    ).repetitions[0]
    assert math.degrees(repetition.asymmetry.value) > 8.0
