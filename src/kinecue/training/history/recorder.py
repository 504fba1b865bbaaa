"""Collects what happens in a set and keeps it when the set is over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone

from kinecue.body.person_record import PersonError
from kinecue.exercise.results import Repetition, SetSummary
from kinecue.training.history.records import SetRecord
from kinecue.training.history.schema import HistoryError
from kinecue.training.history.store import Store

MOST_REPETITIONS = 1000
"""Of one set; what comes after is not kept."""
MOST_WAITING = 100
"""Sets that wait for a disk that cannot be written to; the oldest are given up."""


def _now() -> datetime:
    return datetime.now(timezone.utc)


class SetRecorder:
    """Hears repetitions and summaries, in whatever order they arrive, and writes each set once it is over.

    Nothing here raises for a disk that is full or cannot be written to: sets wait and are written with the next one.

    Args:
        open_store: opens the history; called at the first set that is kept, and again after an error.
        keep_unnamed: also keep sets of nobody in particular.
        clock: wall clock, with the offset from UTC.

    Attributes:
        problem: why the newest set could not be written; empty if it could.
        stored: sets that were written.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        keep_unnamed: bool = False,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._open_store, self._keep_unnamed, self._clock = open_store, keep_unnamed, clock
        self._store: Store | None = None
        self._repetitions: list[Repetition] = []
        self._active: SetSummary | None = None
        self._ended: tuple[SetSummary, datetime] | None = None
        self._waiting: deque[SetRecord] = deque(maxlen=MOST_WAITING)
        self.problem = ""
        self.stored = 0

    @property
    def waiting(self) -> int:
        """Sets that could not be written yet."""
        return len(self._waiting)

    def repetition(self, repetition: Repetition) -> SetRecord | None:
        """A movement that ended; the record, if it belongs to a set that has been written already and is now complete."""
        if len(self._repetitions) < MOST_REPETITIONS:
            self._repetitions.append(repetition)
        if self._ended is None:
            return None
        summary, at = self._ended
        # the topics of repetitions and sets do not wait for each other
        return self._keep(summary, at) if _within(repetition, summary) else None

    def summary(self, summary: SetSummary) -> SetRecord | None:
        """How a set is going; the record that was written, when it is over."""
        before = self._active
        if summary.active:
            ended = None
            if before is not None and before.set_id != summary.set_id:
                # another set without the end of the one before
                ended = self._keep(before, self._clock())
            if before is None or before.set_id != summary.set_id:
                self._begin(summary)
            self._active = summary
            return ended
        if self._ended is not None:
            if self._ended[0].set_id == summary.set_id:
                return None
            # each belongs to one set
            taken = self._ended[0]
            self._repetitions = [each for each in self._repetitions if not _within(each, taken)]
        heard = before is not None and before.set_id == summary.set_id
        if not heard and not any(_within(each, summary) for each in self._repetitions):
            # a latched summary of a set that was not heard
            return None
        self._active, at = None, self._clock()
        self._ended = summary, at
        return self._keep(summary, at)

    def close(self) -> None:
        """Keeps a set that is still under way, as far as it went, and lets go of the file."""
        if self._active is not None:
            self._keep(self._active, self._clock())
        elif self._waiting:
            self._write()
        self._active = self._ended = None
        self._repetitions.clear()
        if self._store is not None:
            self._store.close()
        self._store = None

    def _begin(self, summary: SetSummary) -> None:
        self._ended = None
        self._repetitions = [each for each in self._repetitions if each.end_ns >= summary.start_ns > 0]

    def _keep(self, summary: SetSummary, at: datetime) -> SetRecord | None:
        if not summary.exercise or not (summary.person_id or self._keep_unnamed):
            return None
        movements = sorted(
            (each for each in self._repetitions if _within(each, summary)), key=lambda each: each.start_ns
        )
        if not movements and not summary.counted:
            return None
        record = SetRecord.of(summary, movements, at)
        self._waiting.append(record)
        return record if self._write() else None

    def _write(self) -> bool:
        """Whether everything that waited is written."""
        try:
            if self._store is None:
                self._store = self._open_store()
            while self._waiting:
                self._store.add_set(self._waiting[0])
                self._waiting.popleft()
                self.stored += 1
        except PersonError as error:
            # that will not change
            self._waiting.popleft()
            self.problem = f"a set is not kept: {error}"
            return False
        except HistoryError as error:
            self.problem = f"{len(self._waiting)} sets are not kept yet: {error}"
            if self._store is not None:
                self._store.close()
            self._store = None
            return False
        self.problem = ""
        return True


def _within(repetition: Repetition, summary: SetSummary) -> bool:
    return (
        repetition.exercise == summary.exercise
        and repetition.end_ns > summary.start_ns
        and (summary.active or repetition.start_ns < summary.end_ns)
    )
