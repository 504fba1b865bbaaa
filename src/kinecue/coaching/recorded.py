"""A set as scoring told of it, kept so that it can be coached again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kinecue.coaching.effort_news import EffortNews
from kinecue.coaching.machine_news import LoadNews
from kinecue.exercise.results import Fault, FormState, Repetition, ScoreUpdate, SetSummary

_S = 1_000_000_000
DELAY_NS = 80_000_000
"""From the frame to the coach, when it was not recorded: what the live graph takes in the median."""


@dataclass(frozen=True)
class MachineReading:
    """What the machine told of itself: whether it has a fault of its own."""

    fault: bool


Event = FormState | Fault | Repetition | SetSummary | EffortNews | LoadNews | MachineReading


@dataclass(frozen=True)
class Recorded:
    """Something that scoring said, and when it reached the coach, ns in the clock of the stamps."""

    at_ns: int
    what: Event


@dataclass(frozen=True)
class RecordedSet:
    """A set as it was scored.

    Attributes:
        source: what it was read from.
        exercise: name of the exercise file.
        start_ns: stamp of the first frame; times of a transcript count from it.
        events: in the order in which they reached the coach.
        notes: what a person should know of it.
    """

    source: str
    exercise: str
    start_ns: int
    events: tuple[Recorded, ...]
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """From the first frame to the last event."""
        return (self.events[-1].at_ns - self.start_ns) / _S if self.events else 0.0


class SetRecorder:
    """Puts together what a scorer says, in the order and with the delay of the live graph.

    Args:
        delay_ns: from the stamp of a frame until the coach has what came of it.
    """

    def __init__(self, delay_ns: int = DELAY_NS) -> None:
        self._delay_ns = delay_ns
        self._events: list[Recorded] = []
        self._start_ns: int | None = None
        self._announced: tuple[str, bool] | None = None

    def add(self, update: ScoreUpdate, summary: SetSummary, stamp_ns: int) -> None:
        """What one frame brought, and the set as it stands after it."""
        if update.form is None and not (update.faults or update.repetitions):
            return
        self._start_ns = stamp_ns if self._start_ns is None else self._start_ns
        news: list[Event] = [*update.faults, *update.repetitions]
        if update.form is not None:
            news.append(update.form)
        state = (summary.set_id, summary.active)
        if update.repetitions or state != self._announced:
            self._announced = state
            news.append(summary)
        self._add(news, stamp_ns)

    def end(self, update: ScoreUpdate, summary: SetSummary, stamp_ns: int) -> None:
        """What the scorer still had to say when the set was ended."""
        self._add([*update.faults, *update.repetitions, summary], stamp_ns)

    def finish(self, source: str, exercise: str, notes: Iterable[str] = ()) -> RecordedSet:
        """The set."""
        return RecordedSet(source, exercise, self._start_ns or 0, tuple(self._events), tuple(notes))

    def _add(self, news: Iterable[Event], stamp_ns: int) -> None:
        self._events += [Recorded(stamp_ns + self._delay_ns, what) for what in news]
