"""What the music of the machine should do while the coach speaks.

A player of music is not ours: it is told. Each order says after how long the player should go back by itself, so that
music is never stuck, whatever happens to us.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from kinecue.speech.player import SpeechEvent, SpeechState

_LOG = logging.getLogger(__name__)

# After an utterance, until the music comes back: a little longer than the pause that the player leaves between two.
HOLD_S = 0.8
# By so much an order outlasts what is said and the hold, for a device that is late.
MARGIN_S = 1.0
DUCKED_GAIN = 0.25
_ENDS = (SpeechState.FINISHED, SpeechState.INTERRUPTED, SpeechState.EXPIRED, SpeechState.FAILED)


class MusicMode(str, Enum):
    """What the music does."""

    PLAY = "play"
    DUCK = "duck"
    PAUSE = "pause"


@dataclass(frozen=True)
class MusicOrder:
    """`gain` is of the music's own volume; `longest_s` after which it plays again by itself, 0 = no limit."""

    mode: MusicMode
    gain: float = 1.0
    longest_s: float = 0.0
    cue_id: str = ""


PLAY = MusicOrder(MusicMode.PLAY)


class Music:
    """Decides. Times are seconds on any clock that only goes forward. Not for several threads at once."""

    def __init__(self, while_speaking: MusicMode = MusicMode.DUCK, gain: float = DUCKED_GAIN) -> None:
        self._cue_id: str | None = None
        self._play_at: float | None = None
        self.want(while_speaking, gain)

    def want(self, while_speaking: MusicMode, gain: float = DUCKED_GAIN) -> None:
        """From the next utterance on: PLAY leaves the music alone."""
        self._while_speaking = while_speaking
        self._gain = 0.0 if while_speaking is MusicMode.PAUSE else gain

    @property
    def wakes_at(self) -> float | None:
        """When `tick` has something to do unless an event comes before; None = never."""
        return self._play_at

    def on_event(self, event: SpeechEvent, now: float) -> MusicOrder | None:
        """What to tell the player of music because of what became of an utterance; None = nothing new."""
        if event.state is SpeechState.STARTED:
            if self._while_speaking is MusicMode.PLAY:
                return self.release()
            longest = event.duration_s + HOLD_S + MARGIN_S
            self._cue_id, self._play_at = event.cue_id, now + longest
            return MusicOrder(self._while_speaking, self._gain, longest, event.cue_id)
        if event.state in _ENDS and event.cue_id == self._cue_id and self._play_at is not None:
            self._cue_id = None
            self._play_at = min(self._play_at, now + HOLD_S)
        return None

    def tick(self, now: float) -> MusicOrder | None:
        """Let the music play again when it is time for that."""
        return self.release() if self._play_at is not None and now >= self._play_at else None

    def release(self) -> MusicOrder | None:
        """Let the music play now; None where it does."""
        if self._play_at is None:
            return None
        self._cue_id = self._play_at = None
        return PLAY


class MusicDirector:
    """`Music` with a thread that gives back the music in time. Safe to call from several threads."""

    def __init__(
        self,
        music: Music,
        on_order: Callable[[MusicOrder], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_order` is called in the thread of whoever brought the event about, or in the director's own."""
        self._music, self._on_order, self._clock = music, on_order, clock
        self._news = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="kinecue-music", daemon=True)
        self._thread.start()

    def want(self, while_speaking: MusicMode, gain: float) -> None:
        """What the music does from the next utterance on."""
        with self._news:
            self._music.want(while_speaking, gain)

    def on_event(self, event: SpeechEvent) -> None:
        """Something became of an utterance that can be heard."""
        with self._news:
            if not self._closed:
                self._tell(self._music.on_event(event, self._clock()))
                self._news.notify()

    def release(self) -> None:
        """Let the music play now."""
        with self._news:
            self._tell(self._music.release())

    def close(self) -> None:
        """Let the music play, and end."""
        with self._news:
            self._closed = True
            self._tell(self._music.release())
            self._news.notify()
        self._thread.join(2.0)

    def _tell(self, order: MusicOrder | None) -> None:
        if order is None:
            return
        try:
            self._on_order(order)
        except Exception:
            # The listener is not ours; its mistake must not keep the music down.
            _LOG.exception("a listener for music orders failed")

    def _run(self) -> None:
        with self._news:
            while not self._closed:
                at = self._music.wakes_at
                self._news.wait(None if at is None else max(0.0, at - self._clock()))
                self._tell(self._music.tick(self._clock()))
