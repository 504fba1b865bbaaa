"""Adaptation: slowly towards what is done well, within bounds, never past what is safe, and taken back on demand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joint_athlete import Posture, Recorder

from kinecue.body import Body
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.measurement import Measurement, Reason
from kinecue.body.person import Person
from kinecue.body.person_record import PLACES, SESSIONS_KEPT, AdaptedSession, PersonError
from kinecue.exercise import FormState, Phase, Repetition, RepetitionReason, RepetitionStatus, Scorer
from kinecue.exercise.adaptation import SessionWatch, adapted, adapts, offsets, remember, undo
from kinecue.exercise.build import Build
from kinecue.exercise.deviation import DeviationScorer
from kinecue.exercise.exercise_file import find_exercise
from kinecue.exercise.features import FeatureComputer
from kinecue.exercise.ideal import personalise
from kinecue.exercise.limits import resolve_limits, safe_ideals
from kinecue.exercise.personal_blocks import AdaptBlock
from kinecue.exercise.session_teacher import SessionTeacher

SQUAT = find_exercise("squat")
BLOCK = AdaptBlock(step=0.08, most=0.5)
AVERAGE = SegmentLengths.from_stature(1.72)
WHEN = "2026-05-01T18:30:00+02:00"
ANNA = Person("anna", 1.72, AVERAGE, SegmentLengths.from_array(0.02 * AVERAGE.as_array()), WHEN)


def session(day: int, *values: float, name: str = "trunk_lean") -> AdaptedSession:
    moment = f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T10:00:00+00:00"
    return AdaptedSession(moment, 8, {name: values})


def lean(model: object, at: float) -> float:
    knots = model.features[0].ideal["any"]  # type: ignore[attr-defined]
    return float(np.interp(at, [k.at for k in knots], [k.ideal for k in knots]))


numbers = st.floats(-100.0, 100.0) | st.just(math.nan)
histories = st.lists(st.tuples(numbers, numbers, numbers), max_size=40).map(
    lambda rows: [session(i, *row) for i, row in enumerate(rows)]
)


def test_it_follows_slowly_and_arrives_where_the_person_is() -> None:
    found = [offsets([session(i, 0.4, 0.4, 0.4) for i in range(n)], BLOCK) for n in (1, 2, 30)]
    assert found[0]["trunk_lean"] == pytest.approx((0.08, 0.08, 0.08))
    assert found[1]["trunk_lean"] == pytest.approx((0.16, 0.16, 0.16))
    assert found[2]["trunk_lean"] == pytest.approx((0.4, 0.4, 0.4), abs=0.01)


def test_one_strange_session_hardly_counts() -> None:
    usual = [session(i, 0.1, 0.1, 0.1) for i in range(10)]
    strange = [*usual[:5], session(20, 30.0, -30.0, 30.0), *usual[5:]]
    before, after = offsets(usual, BLOCK)["trunk_lean"], offsets(strange, BLOCK)["trunk_lean"]
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 0.03


@given(histories)
def test_whatever_the_history_offsets_stay_in_their_bounds(history: list[AdaptedSession]) -> None:
    for i in range(len(history) + 1):
        now = offsets(history[:i], BLOCK)
        then = offsets(history[: i + 1], BLOCK)
        for name, values in then.items():
            before = now.get(name, (0.0,) * len(PLACES))
            assert all(abs(value) <= BLOCK.most for value in values)
            assert all(abs(b - a) <= BLOCK.step + 1e-12 for a, b in zip(before, values, strict=True))


@settings(max_examples=40, deadline=None)
@given(histories, st.floats(0.9, 1.12), st.sampled_from(["squat", "goblet_squat", "deadlift"]))
def test_whatever_the_history_the_ideal_stays_safe_and_limits_stay_put(
    history: list[AdaptedSession], thigh: float, name: str
) -> None:
    model = find_exercise(name)
    build = Build(
        replace(AVERAGE, thigh=thigh * AVERAGE.thigh),
        SegmentLengths.from_array(0.01 * AVERAGE.as_array()),
        1.72,
    )
    plain = personalise(model, build)
    taught = personalise(model, replace(build, adaptation={name: tuple(history)}))
    assert taught == personalise(model, replace(build, adaptation={name: tuple(history)}))
    for before, after, file in zip(plain.features, taught.features, model.features, strict=True):
        low, high = safe_ideals(model, file)
        for phase, knots in after.ideal.items():
            known = before.ideal[phase]
            for knot in knots:
                course = [k.at for k in known], [k.ideal for k in known]
                old = before.si(float(np.interp(knot.at, *course)))
                assert min(low, old) - 1e-9 <= after.si(knot.ideal) <= max(high, old) + 1e-9
                coarse = file.ideal[phase]
                width = float(np.interp(knot.at, [k.at for k in coarse], [k.tolerance for k in coarse]))
                assert abs(after.si(knot.ideal) - old) <= 0.5 * file.si(width) + 1e-9
    # what is a fault does not depend on what was learned
    for fault, rule in resolve_limits(plain).faults.items():
        new = resolve_limits(taught).faults[fault]
        assert (new.safety, new.outside) == (rule.safety, rule.outside)
        if isinstance(rule.limit, tuple) and isinstance(new.limit, tuple):
            at = [k.at for k in rule.limit]
            there = np.interp(at, [k.at for k in new.limit], [k.limit for k in new.limit])
            assert there == pytest.approx([k.limit for k in rule.limit])
        else:
            assert new.limit == rule.limit


def test_the_ideal_moves_where_the_person_was() -> None:
    taught = adapted(SQUAT, [session(i, 0.0, 0.0, 0.4) for i in range(40)])
    assert lean(taught, 0.0) == pytest.approx(lean(SQUAT, 0.0))
    assert lean(taught, 1.0) == pytest.approx(lean(SQUAT, 1.0) + 0.4 * 14.0, abs=0.2)
    assert find_exercise("squat") == SQUAT


def test_an_exercise_that_does_not_adapt_does_not() -> None:
    curl = find_exercise("biceps_curl")
    assert adapted(curl, [session(0, 1.0, 1.0, 1.0)]) is curl
    assert offsets([session(0, 1.0, 1.0, 1.0)], None) == {}
    one_sided = next(item for item in SQUAT.features if item.feature == "knee_flexion")
    assert one_sided.personal and not adapts(one_sided)


def test_sessions_are_remembered_in_order_and_taken_back() -> None:
    person = ANNA
    for day in (3, 1, 2):
        person = remember(person, "squat", session(day, 0.1 * day, 0.0, 0.0))
    order = [item.deviations["trunk_lean"][0] for item in person.adaptation["squat"]]
    assert order == pytest.approx([0.1, 0.2, 0.3])
    without = undo(person, "squat")
    assert len(without.adaptation["squat"]) == 2
    middle = undo(person, "squat", person.adaptation["squat"][1].session)
    left = [item.deviations["trunk_lean"][0] for item in middle.adaptation["squat"]]
    assert left == pytest.approx([0.1, 0.3])
    # as if it had never been
    assert offsets(middle.adaptation["squat"], BLOCK) == offsets(
        [session(1, 0.1, 0.0, 0.0), session(3, 0.3, 0.0, 0.0)], BLOCK
    )
    assert undo(undo(undo(person, "squat"), "squat"), "squat").adaptation == {}
    with pytest.raises(PersonError, match="allowed for squat: none"):
        undo(ANNA, "squat")


def test_a_session_told_twice_counts_once_and_old_ones_go() -> None:
    person = remember(remember(ANNA, "squat", session(1, 0.1, 0.0, 0.0)), "squat", session(1, 0.3, 0.0, 0.0))
    assert [item.deviations["trunk_lean"][0] for item in person.adaptation["squat"]] == [0.3]
    for day in range(SESSIONS_KEPT + 5):
        person = remember(person, "squat", session(day, 0.1, 0.0, 0.0))
    assert len(person.adaptation["squat"]) == SESSIONS_KEPT


# --- watching ---


def repetition(
    number: int = 1, faults: tuple[str, ...] = (), d: float = 0.3, valid: bool = True
) -> Repetition:
    status = RepetitionStatus.VALID if valid else RepetitionStatus.PARTIAL
    nothing = Measurement.abstained(Reason.UNSUPPORTED)
    return Repetition(
        number, status, RepetitionReason.NONE, "a", "squat", 0, 1, 2, 1.0, "knee_flexion", nothing, "rad",
        1.0, 0.1, 1.0, 1.0, 1.0, nothing, d, d, d, faults,
    )  # fmt: skip


def forms(watch: SessionWatch, off: float) -> None:
    """A repetition whose trunk leans `off` tolerances more than the ideal, at three places."""
    computer = FeatureComputer(SQUAT.feature_names())
    scorer = DeviationScorer(SQUAT)
    recorder = Recorder(view=math.pi / 2)
    for at, phase in (
        (0.0, Phase.ECCENTRIC),
        (0.5, Phase.ECCENTRIC),
        (1.0, Phase.BOTTOM),
        (0.5, Phase.CONCENTRIC),
    ):
        knots = SQUAT.features[0].ideal["any"]
        width = float(np.interp(at, [k.at for k in knots], [k.tolerance for k in knots]))
        body = recorder.body(Posture(knee=8.0 + 97.0 * at, lean=lean(SQUAT, at) + off * width), 0)
        frame = computer.measure(body, computer.measure(body).points)
        deviation = scorer.evaluate(frame, phase, at, math.pi / 2)
        form = FormState(
            0, "a", "squat", phase, "", at, 0.0, 0.0, 1, 0, deviation.d, deviation.reason, deviation.terms
        )
        for _ in range(3):
            watch.frame(form)


def test_a_session_of_good_repetitions_teaches_their_deviation() -> None:
    watch = SessionWatch(SQUAT, SQUAT)
    for off in (0.30, 0.32, 0.28, 0.9):
        forms(watch, off)
        watch.repetition(repetition())
    found = watch.session(WHEN)
    assert found is not None and found.repetitions == 4
    # the one that was off by 0.9 does not count for more than one
    assert found.deviations["trunk_lean"] == pytest.approx((0.31,) * 3, abs=0.03)


@pytest.mark.parametrize(
    "bad", [repetition(faults=("trunk_forward",)), repetition(valid=False), repetition(d=1.4)]
)
def test_what_was_not_good_teaches_nothing(bad: Repetition) -> None:
    watch = SessionWatch(SQUAT, SQUAT)
    for _ in range(5):
        forms(watch, 0.5)
        watch.repetition(bad)
    assert watch.session(WHEN) is None


def test_two_repetitions_are_too_few() -> None:
    watch = SessionWatch(SQUAT, SQUAT)
    for _ in range(2):
        forms(watch, 0.3)
        watch.repetition(repetition())
    assert watch.session(WHEN) is None
    assert SessionWatch(SQUAT, SQUAT).session(WHEN) is None


def test_a_whole_session_teaches_the_person_and_the_next_one_starts_there() -> None:
    """Squats that lean a few degrees less than the ideal, through the scorer, session after session."""
    person, found = ANNA, []
    for day in range(3):
        scorer = Scorer(SQUAT, person=person)
        teacher = SessionTeacher(person, f"2026-05-{1 + day:02d}T10:00:00+00:00", find_exercise)
        for body in squats(lean_less=5.0):
            teacher.watch(scorer.update(body, body.stamp_ns))
        person = teacher.taught(person)
        found.append(lean(personalise(SQUAT, Build.of(person)), 1.0))
    assert [item.repetitions for item in person.adaptation["squat"]] == [4, 4, 4]
    assert found[0] > found[1] > found[2] > lean(SQUAT, 1.0) - 6.0


def test_somebody_else_teaches_nothing() -> None:
    scorer = Scorer(SQUAT, person=ANNA)
    teacher = SessionTeacher(ANNA, WHEN, find_exercise)
    first = squats(lean_less=5.0, body_id="a")[:10]
    for body in [*first, *squats(lean_less=5.0, body_id="b", start_s=5.0)]:
        teacher.watch(scorer.update(body, body.stamp_ns))
    assert teacher.taught(ANNA) is ANNA


def squats(lean_less: float, body_id: str = "a", start_s: float = 0.0) -> list[Body]:
    """Four repetitions seen from the side."""
    recorder = Recorder(view=math.pi / 2, std=0.003, body_id=body_id)
    bodies = []
    for i in range(int(14.0 * 20)):
        t = i / 20.0
        phase = ((t - 1.5) % 3.0) / 3.0 if 1.5 <= t < 13.5 else 0.0
        progress = 0.5 * (1.0 - math.cos(2.0 * math.pi * phase))
        posture = Posture(knee=8.0 + 97.0 * progress, lean=lean(SQUAT, progress) - lean_less * progress)
        bodies.append(recorder.body(posture, round((start_s + t) * 1e9)))
    return bodies
