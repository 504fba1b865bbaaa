"""What the orchestrator gives out: cues, and decisions with their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from kinecue.coaching.facts import CueFact


class CueKind(IntEnum):
    """What a cue is for. Values equal ``kinecue_msgs/Cue``."""

    CORRECTION = 0
    DANGER = 1
    """Interrupts whatever is being said."""
    PRAISE = 2
    COUNT = 3
    SUMMARY = 4
    SYSTEM = 5
    """About KineCue itself or the machine, or said by request."""
    ENCOURAGEMENT = 6


class Words(IntEnum):
    """Where the words of a cue come from. Values equal ``kinecue_msgs/Cue``."""

    BOOK = 0
    """The phrase book."""
    MODEL = 1
    """A language model, and they passed the guard."""
    REQUEST = 2
    """An integrator or engineer."""


class Outcome(IntEnum):
    """What became of a thing that might have been said. Values equal ``kinecue_msgs/CueDecision``."""

    SPOKEN = 0
    HELD = 1
    """Waits for the moment in which the lifter can act on it."""
    DROPPED = 2


class SpeechStatus(IntEnum):
    """What became of a cue. Values equal ``kinecue_msgs/SpeechStatus``."""

    QUEUED = 0
    STARTED = 1
    FINISHED = 2
    INTERRUPTED = 3
    EXPIRED = 4
    FAILED = 5


@dataclass(frozen=True)
class Cue:
    """Something to be said to the lifter.

    Attributes:
        id: unique in the life of the orchestrator.
        kind: what it is for.
        priority: higher goes first; 100 and more interrupts.
        text: what is said.
        screen_text: the same for a screen, shorter.
        language: BCP 47 tag of both texts.
        body_id, exercise, repetition: what it belongs to; empty or 0 if nothing.
        body_part, correction: keys; empty if none.
        fault_ids: faults that it answers.
        fault_stamp_ns: acquisition time of the frame in which the (first) fault was raised; 0 = no fault.
        trigger_stamp_ns: acquisition time of the frame that released the cue.
        created_ns: when it was decided, clock of the caller.
        expires_ns: a cue that has not started until then must not be said; clock of the caller.
        reason: why it is said now.
        fact: what was measured; None if it is not about a fault.
        words: where the words come from.
    """

    id: str
    kind: CueKind
    priority: int
    text: str
    screen_text: str
    language: str
    body_id: str
    exercise: str
    repetition: int
    body_part: str
    correction: str
    fault_ids: tuple[str, ...]
    fault_stamp_ns: int
    trigger_stamp_ns: int
    created_ns: int
    expires_ns: int
    reason: str
    fact: CueFact | None = None
    words: Words = Words.BOOK

    @property
    def interrupts(self) -> bool:
        """Cut off what is being said."""
        return self.priority >= INTERRUPTING


INTERRUPTING = 100


@dataclass(frozen=True)
class Decision:
    """Why the orchestrator spoke or kept silent.

    Attributes:
        outcome: spoken, held or dropped.
        subject: fault id, or what else it was about, e.g. ``count/3``.
        reason: in words, for engineers.
        stamp_ns: acquisition time of the newest frame behind the decision.
        now_ns: when it was taken, clock of the caller.
        cue: what is to be said, if `outcome` is spoken.
        kind, priority: of the cue that it is, or would have been.
    """

    outcome: Outcome
    subject: str
    reason: str
    stamp_ns: int
    now_ns: int
    cue: Cue | None = None
    kind: CueKind = CueKind.SYSTEM
    priority: int = 0
