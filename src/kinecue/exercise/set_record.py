"""What a set has brought so far."""

from __future__ import annotations

import math
from collections import Counter
from typing import Literal

from kinecue.exercise.results import Abstention, RepetitionStatus, SetSummary


class SetRecord:
    """Counts and times of one set after the other.

    Attributes:
        state: ``waiting`` for the first frame, ``active`` or, after the set, ``rest``.
        counted: valid repetitions.
        faults: how often each was raised.
    """

    def __init__(self, session: str) -> None:
        self._session = session
        self._number = 0
        self.state: Literal["waiting", "active", "rest"] = "waiting"
        self.wait()

    def wait(self) -> None:
        """Nobody has begun yet."""
        self.state = "waiting"
        self._open(0)

    def start(self, stamp_ns: int) -> None:
        """A new set."""
        self._open(stamp_ns)
        self.state = "active"
        self._number += 1

    def _open(self, stamp_ns: int) -> None:
        self._start_ns = self._end_ns = stamp_ns
        self.counted = 0
        self._not_counted: Counter[RepetitionStatus] = Counter()
        self._ds: list[float] = []
        self.faults: Counter[str] = Counter()

    def end(self, stamp_ns: int) -> None:
        """The set is over."""
        self.state = "rest"
        self._end_ns = max(stamp_ns, self._start_ns)

    def reached(self, stamp_ns: int) -> None:
        """A frame of the set."""
        if self.state == "active":
            self._end_ns = max(stamp_ns, self._start_ns)

    def count(self, status: RepetitionStatus, d: float) -> int:
        """A movement ended; its number, 0 if it does not count."""
        if status is not RepetitionStatus.VALID:
            self._not_counted[status] += 1
            return 0
        self.counted += 1
        if math.isfinite(d):
            self._ds.append(d)
        return self.counted

    def summary(self, body_id: str, exercise: str, abstained: tuple[Abstention, ...]) -> SetSummary:
        """The set so far, or the one that ended."""
        return SetSummary(
            set_id=f"{self._session}-{self._number}",
            body_id=body_id,
            exercise=exercise,
            active=self.state == "active",
            start_ns=self._start_ns,
            end_ns=self._end_ns,
            counted=self.counted,
            not_counted=dict(self._not_counted),
            d=sum(self._ds) / len(self._ds) if self._ds else math.nan,
            faults=dict(self.faults),
            abstained=abstained,
        )
