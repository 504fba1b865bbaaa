"""What becomes of an utterance, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from kinecue.speech.audio import Samples
from kinecue.speech.sinks import NS


class SpeechState(str, Enum):
    """What became of an utterance."""

    QUEUED = "queued"
    STARTED = "started"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True)
class SpeechEvent:
    """One change of one utterance.

    `stamp_ns` is on the player's clock; for STARTED it is the moment at which the first sample sounds, as far as the
    device tells how long it takes. `sample_index` is where the utterance begins in the recording of the session.
    `requested_ns` is when it was asked for. `detail` says why, where there is a reason. `prepared`: the sound was there
    when it was asked for. `engine` made it.
    """

    state: SpeechState
    cue_id: str
    text: str
    stamp_ns: int
    requested_ns: int
    sample_index: int | None = None
    duration_s: float = 0.0
    detail: str = ""
    prepared: bool = False
    engine: str = ""

    @property
    def waited_s(self) -> float:
        """Seconds between the request and this event."""
        return (self.stamp_ns - self.requested_ns) / NS


EventCallback = Callable[[SpeechEvent], None]


class Tap(Protocol):
    """Gets everything that is handed out, silence included. Must return at once."""

    def write(self, samples: Samples, start_ns: int) -> None:
        """Take int16 samples, shape (n,), of which the first was due at `start_ns`."""
        ...


class SpokenTap(Protocol):
    """Gets what is said, without the silence, by cue. Must return at once."""

    def spoken(self, cue_id: str, samples: Samples, start_ns: int, last: bool) -> None:
        """Take int16 samples, shape (n,), of one cue; the first sounds at `start_ns`, `last` ends the cue."""
        ...
