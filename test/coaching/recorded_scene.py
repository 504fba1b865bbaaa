"""Recorded sets made by hand: repetitions of a second and a half with faults where a test wants them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from coaching_scene import MS, make_fault

from kinecue.body.measurement import Measurement, Reason
from kinecue.coaching.recorded import Event, RecordedSet, SetRecorder
from kinecue.exercise.results import (
    FormState,
    Phase,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    ScoreUpdate,
    SetSummary,
)

FRAME_NS = 50 * MS
PHASES = (Phase.ECCENTRIC,) * 14 + (Phase.BOTTOM,) * 4 + (Phase.CONCENTRIC,) * 14 + (Phase.TOP,) * 18
REPETITION_S = len(PHASES) * FRAME_NS * 1e-9
START_NS = 5_000_000_000
_NOTHING = Measurement.abstained(Reason.UNSUPPORTED)


def form(stamp_ns: int, phase: Phase, number: int = 0) -> FormState:
    return FormState(
        stamp_ns, "a", "squat", phase, "", math.nan, math.nan, math.nan, number, max(number - 1, 0), 0.5, Reason.NONE
    )  # fmt: skip


def ended(number: int, start_ns: int, end_ns: int, faults: Sequence[str] = ()) -> Repetition:
    return Repetition(
        number, RepetitionStatus.VALID, RepetitionReason.NONE, "a", "squat", start_ns, (start_ns + end_ns) // 2,
        end_ns, 1.0, "knee_flexion", Measurement(1.9, 0.02), "rad", 0.7, 0.2, 0.7, 1.0, 1.5, _NOTHING, 0.5, 0.5,
        math.nan, faults=tuple(faults),
    )  # fmt: skip


def summary(active: bool, now_ns: int, counted: int, **faults: int) -> SetSummary:
    return SetSummary(
        "squat-1", "a", "squat", active, START_NS, now_ns, counted, {RepetitionStatus.PARTIAL: 0}, 0.5, dict(faults)
    )  # fmt: skip


def recorded_set(
    faults: Mapping[int, Sequence[str]] | None = None,
    repetitions: int = 5,
    extra: Sequence[tuple[float, Event]] = (),
    **changes: object,
) -> RecordedSet:
    """A set of squats; the faults of a repetition are raised when it is at the bottom, `changes` replace their fields."""
    faults = faults or {}
    recorder = SetRecorder()
    stamp, counts = START_NS, {}
    for _ in range(20):
        recorder.add(ScoreUpdate(form(stamp, Phase.TOP)), summary(True, stamp, 0), stamp)
        stamp += FRAME_NS
    for number in range(1, repetitions + 1):
        began = stamp
        for index, phase in enumerate(PHASES):
            raised, over = (), ()
            if phase == Phase.BOTTOM and PHASES[index - 1] != Phase.BOTTOM:
                raised = tuple(
                    make_fault(name, stamp, phase, number, **changes) for name in faults.get(number, ())
                )
                counts.update({name: counts.get(name, 0) + 1 for name in faults.get(number, ())})
            if phase == Phase.TOP and PHASES[index - 1] != Phase.TOP:
                over = (ended(number, began, stamp, faults.get(number, ())),)
            update = ScoreUpdate(form(stamp, phase, number), faults=raised, repetitions=over)
            recorder.add(update, summary(True, stamp, number - (not over)), stamp)
            stamp += FRAME_NS
    recorder.end(ScoreUpdate(None), summary(False, stamp, repetitions, **counts), stamp)
    made = recorder.finish("made by hand", "squat")
    if not extra:
        return made
    events = [
        *made.events,
        *(replace(made.events[0], at_ns=START_NS + round(t * 1e9), what=what) for t, what in extra),
    ]
    return replace(made, events=tuple(sorted(events, key=lambda event: event.at_ns)))
