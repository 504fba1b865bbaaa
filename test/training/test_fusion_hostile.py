"""Whatever the sensors send, in whatever order: fusion goes on, and its numbers are those of a count."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise import (
    FormState,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    ScoreUpdate,
    find_exercise,
)
from kinecue.exercise.results import Phase
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample
from kinecue.training.fusion import RepetitionFusion

MODEL = find_exercise("cable_row")
MS = 1_000_000
NUMBERS = st.floats(-2.0, 2.0) | st.sampled_from([math.nan, math.inf, -math.inf, 1e300])
TIMES = st.integers(0, 40_000).map(lambda t: t * MS) | st.sampled_from([0, 2**62])
SIDES = st.sampled_from(list(CableSide))


def repetition(number: int, start: int, length: int, status: RepetitionStatus) -> Repetition:
    nothing = Measurement.abstained(Reason.UNSUPPORTED)
    valid = status is RepetitionStatus.VALID
    return Repetition(
        number if valid else 0, status, RepetitionReason.NONE, "a", "cable_row", start, start + length // 2,
        start + length, 1.0, "elbow_flexion", nothing, "rad", 0.8, 0.2, 0.8, 1.0, 1.5, nothing, 0.5, 0.5, 0.5,
    )  # fmt: skip


samples = st.builds(
    lambda t, p, side, n: ("encoder", EncoderSample(t, p, math.nan, Direction.STILL, n, 5000.0, side)),
    TIMES, NUMBERS, SIDES, st.integers(-(2**31), 2**31),
)  # fmt: skip
forces = st.builds(
    lambda t, f, side, flags: ("force", CableSample(t, f, side=side, flags=CableFlag(flags))),
    TIMES, st.floats(0, 1e6) | st.just(math.nan), SIDES, st.integers(0, 127),
)  # fmt: skip
frames = st.builds(lambda t, p, phase: ("frame", (t, p, phase)), TIMES, NUMBERS, st.sampled_from(list(Phase)))
ends = st.builds(
    lambda t, d, s: ("end", (t, d, s)),
    st.integers(0, 40_000).map(lambda t: t * MS),
    st.integers(0, 4_000).map(lambda t: t * MS),
    st.sampled_from(list(RepetitionStatus)),
)
others = st.sampled_from([("finish", None), ("set", "other"), ("exercise", None)]) | st.tuples(
    st.just("tick"), TIMES
)


@settings(max_examples=60, deadline=None)
@given(st.lists(samples | forces | frames | ends | others, max_size=60))
def test_nothing_stops_it_and_numbers_count(events: list[tuple[str, object]]) -> None:
    fusion, scored, told, newest = RepetitionFusion(MODEL), 0, [], 0
    fusion.set("first")
    updates = []
    for kind, value in events:
        if kind == "encoder":
            fusion.arrived(value.stamp_ns, newest)
            fusion.encoder(value)
        elif kind == "force":
            fusion.force(value)
        elif kind == "frame":
            newest, progress, phase = value
            form = FormState(
                newest, "a", "cable_row", phase, "", progress, 0.1, 0.0, scored, scored, 0.5, Reason.NONE
            )
            updates.append(fusion.scored(ScoreUpdate(form)))
        elif kind == "end":
            start, length, status = value
            scored += status is RepetitionStatus.VALID
            updates.append(
                fusion.scored(ScoreUpdate(None, (), (), (repetition(scored, start, length, status),)))
            )
        elif kind == "tick":
            updates.append(fusion.tick(value))
        elif kind == "finish":
            updates.append(fusion.finish())
        elif kind == "set":
            updates.append(fusion.finish())
            told += [r for u in updates for r in u.repetitions]
            fusion.set(f"{len(told)}/{len(updates)}")
            check(told)
            updates, told, scored = [], [], 0
        fusion.diagnose()
    updates.append(fusion.finish())
    check([r for u in updates for r in u.repetitions])


def check(told: list[Repetition]) -> None:
    valid = [r for r in told if r.status is RepetitionStatus.VALID]
    assert [r.number for r in valid] == list(range(1, len(valid) + 1))
    assert all(r.number == 0 for r in told if r.status is not RepetitionStatus.VALID)


@given(
    st.lists(
        st.tuples(st.integers(600, 4000), st.integers(0, 3000), st.sampled_from(list(RepetitionStatus))),
        max_size=12,
    )
)
@settings(max_examples=40, deadline=None)
def test_without_an_encoder_everything_passes_through_at_once(
    movements: list[tuple[int, int, RepetitionStatus]],
) -> None:
    fusion, number, begin = RepetitionFusion(MODEL), 0, 0
    fusion.set("first")
    for length, rest, status in movements:
        number += status is RepetitionStatus.VALID
        given_in = repetition(number, begin * MS, length * MS, status)
        update = ScoreUpdate(None, (), (), (given_in,))
        (told,) = fusion.scored(update).repetitions
        assert told is given_in
        assert fusion.tick((begin + length) * MS).repetitions == ()
        begin += length + rest
