"""What the coach hears about effort: that one more repetition is enough, or that the load has to go down now.

Estimating it is the business of `kinecue.training`; here is only what the coach needs in order to say it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from kinecue.coaching.cue import CueKind
from kinecue.coaching.memory import SetMemory
from kinecue.coaching.phrasebook import Announcement, PhraseBook
from kinecue.coaching.waiting import AFTER_REPETITION, Waiting


class EffortCall(IntEnum):
    """What the lifter should be told. Values equal ``kinecue_msgs/Effort``."""

    NONE = 0
    LAST_ONE = 1
    RACK_IT = 2


@dataclass(frozen=True)
class EffortNews:
    """An estimate of effort.

    Attributes:
        stamp_ns: acquisition time of what it rests on.
        body_id, exercise, repetition: whose, and after which repetition.
        call: what the lifter should be told.
        probability: of the call, 0 to 1.
        reason: in words, for engineers.
    """

    stamp_ns: int
    body_id: str
    exercise: str
    repetition: int
    call: EffortCall
    probability: float
    reason: str = ""

    @property
    def subject(self) -> str:
        """What a decision about it is called."""
        return f"effort/{self.call.name.lower()}"

    def words(self, book: PhraseBook) -> Announcement | None:
        """What is said; None if the book has no words for it."""
        return {EffortCall.LAST_ONE: book.last_one, EffortCall.RACK_IT: book.rack_it}.get(self.call)

    def why_silent(self, exercise: str, memory: SetMemory, waiting: Iterable[Waiting]) -> str:
        """Why it must not be said in this set; empty if it may. `exercise` is the one under way, empty if not known."""
        if exercise and exercise != self.exercise:
            return f"another exercise is under way, {exercise}"
        if memory.stopped:
            return "the lifter was told to stop"
        if self.call in memory.efforts:
            return "said already in this set"
        return "waits already" if any(one.effort == self.call for one in waiting) else ""

    def waiting(self, text: str, screen: str, expires_ns: int) -> Waiting:
        """`RACK_IT` is a danger and waits for nothing; `LAST_ONE` is said between repetitions, before any correction."""
        urgent = self.call == EffortCall.RACK_IT
        return Waiting(
            kind=CueKind.DANGER if urgent else CueKind.CORRECTION,
            subject=self.subject,
            stamp_ns=self.stamp_ns,
            expires_ns=expires_ns,
            reason=f"effort: {self.reason}" if self.reason else "effort",
            body_id=self.body_id,
            exercise=self.exercise,
            repetition=self.repetition,
            phases=frozenset() if urgent else AFTER_REPETITION,
            text=text,
            screen_text=screen,
            effort=int(self.call),
        )
