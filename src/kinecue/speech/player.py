"""Plays one utterance at a time and says what became of each.

The sink's real-time thread calls `Player._render`; that only mixes prepared samples, so it never waits for a
disk, an engine or a callback. Events are handed to a second thread.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinecue.speech.audio import Samples, Utterance
from kinecue.speech.events import EventCallback, SpeechEvent, SpeechState, SpokenTap, Tap
from kinecue.speech.sinks import NS, Clock, Sink, SinkStatus, StatusCallback

__all__ = ["EventCallback", "Player", "SpeechEvent", "SpeechState", "SpokenTap", "Tap"]

_LOG = logging.getLogger(__name__)

CUT_FADE_S = 0.008
# Longer than any pause within a sentence, so that two cues that were queued do not sound like one. What is asked for
# after the end of the one before begins at once: when, is then the decision of whoever asks.
PAUSE_BETWEEN_S = 0.5
LONGEST_QUEUE = 8
# How far what was handed out may lie behind the clock before silence is put in: little while nothing is
# spoken, more within an utterance, where every gap is heard.
IDLE_GAP_S = 0.02
SPEAKING_GAP_S = 0.5
AHEAD_S = 0.1


_Mix = np.ndarray[Any, np.dtype[np.int32]]


@dataclass
class _Request:
    utterance: Utterance
    cue_id: str
    requested_ns: int
    queued_ns: int
    expires_ns: int | None
    urgency: int
    interrupt: bool
    prepared: bool = False
    position: int = 0
    sample_index: int | None = None


@dataclass
class _Part:
    """Samples of a block that belong to one cue: [first, end)."""

    cue_id: str
    first: int
    end: int
    last: bool


class Player:
    """See the module's text. Safe to call from any thread; what goes wrong later is an event."""

    def __init__(
        self,
        sink: Sink,
        sample_rate: int,
        *,
        on_event: EventCallback | None = None,
        on_status: StatusCallback | None = None,
        taps: tuple[Tap, ...] = (),
        spoken_tap: SpokenTap | None = None,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        """Start to hand out silence to `sink` at `sample_rate` (Hz).

        `on_event` and `on_status` are called in a thread of the player's own; `taps` and `spoken_tap` in the sink's.
        """
        self.sample_rate = sample_rate
        self._sink, self._taps, self._spoken_tap, self._clock = sink, taps, spoken_tap, clock
        self._on_event, self._on_status = on_event, on_status
        self._lock = threading.Lock()
        self._waiting: deque[_Request] = deque()
        self._current: _Request | None = None
        self._tail: _Mix = np.zeros(0, dtype=np.int32)
        self._tail_of: str | None = None
        self._parts: list[_Part] = []
        self._volume = self._volume_before = 1.0
        self._zero_ns: int | None = None
        self._index = 0
        self._ended = 0
        self._closed = False
        self._news: queue.SimpleQueue[SpeechEvent | SinkStatus | threading.Event | None] = queue.SimpleQueue()
        self._teller = threading.Thread(target=self._tell, name="kinecue-speech-events", daemon=True)
        self._teller.start()
        sink.start(self._render, sample_rate, self._news.put)

    @property
    def status(self) -> SinkStatus:
        """What takes the sound now."""
        return self._sink.status

    @property
    def zero_ns(self) -> int | None:
        """When sample 0 of the session was due, on the player's clock; None before it."""
        return self._zero_ns

    @property
    def volume(self) -> float:
        """Factor on every sample, 0 to 1; in the middle of an utterance one block goes over to it evenly."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"volume must be from 0 to 1, got {value}")
        with self._lock:
            self._volume = value
            if self._current is None:
                self._volume_before = value

    @property
    def speaking(self) -> bool:
        """Whether an utterance is being played or waits."""
        with self._lock:
            return self._current is not None or bool(self._waiting)

    def play(
        self,
        utterance: Utterance,
        cue_id: str = "",
        *,
        interrupt: bool = False,
        urgency: int = 0,
        expires_ns: int | None = None,
        requested_ns: int | None = None,
        announced: bool = False,
        prepared: bool = False,
    ) -> None:
        """Play after what is being played, or with `interrupt` at once instead of it.

        Only something of higher `urgency` is not interrupted. What has not started by `expires_ns` is
        dropped. `requested_ns`, by default now, and `prepared` are only for the events;
        `announced` means that QUEUED was told before.
        """
        now = self._clock()
        asked = now if requested_ns is None else requested_ns
        request = _Request(utterance, cue_id, asked, now, expires_ns, urgency, interrupt, prepared)
        with self._lock:
            if not announced:
                self._event(SpeechState.QUEUED, request, now)
            problem = self._refuse(request)
            if problem is not None:
                self._event(SpeechState.FAILED, request, now, problem)
            elif interrupt:
                self._put_first(request, now)
            else:
                self._waiting.append(request)

    def _put_first(self, request: _Request, now: int) -> None:
        """Before all that waits, except what interrupts and is more urgent; it replaces what is less."""
        firm = [r for r in self._waiting if r.interrupt and r.urgency > request.urgency]
        for replaced in [r for r in self._waiting if r.interrupt and r.urgency <= request.urgency]:
            self._waiting.remove(replaced)
            self._event(SpeechState.INTERRUPTED, replaced, now, f"by '{request.utterance.text}'")
        self._waiting.insert(len(firm), request)

    def _refuse(self, request: _Request) -> str | None:
        if self._closed:
            return "the player is closed"
        if request.utterance.sample_rate != self.sample_rate:
            return f"{request.utterance.sample_rate} Hz, but the player runs at {self.sample_rate} Hz"
        if len(request.utterance.samples) == 0:
            return "the utterance holds no samples"
        if len(self._waiting) >= LONGEST_QUEUE and not request.interrupt:
            return f"{LONGEST_QUEUE} utterances are waiting already"
        return None

    def stop(self, detail: str = "stopped") -> None:
        """Stop what is being played and forget what waits."""
        now = self._clock()
        with self._lock:
            self._cut(now, detail)
            for request in self._waiting:
                self._event(SpeechState.INTERRUPTED, request, now, detail)
            self._waiting.clear()

    def hush(self, urgency: int, detail: str) -> None:
        """Stop what is being played unless it is more urgent; what waits stays."""
        with self._lock:
            if self._current is not None and self._current.urgency <= urgency:
                self._cut(self._clock(), detail)

    def wait_told(self, timeout_s: float = 5.0) -> bool:
        """Wait until every event so far has been told to the callbacks."""
        told = threading.Event()
        self._news.put(told)
        return told.wait(timeout_s)

    def close(self) -> None:
        """Stop, give the device back, tell the last events. The taps get nothing more."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self.stop("closed")
        self._sink.close()
        if self._tail_of is not None and self._spoken_tap is not None:
            self._spoken_tap.spoken(self._tail_of, np.zeros(0, dtype=np.int16), self._clock(), True)
        self._news.put(None)
        if self._teller is not threading.current_thread():
            self._teller.join(2.0)

    def _render(self, frames: int, start_ns: int) -> Samples:
        with self._lock:
            now = self._clock()
            surplus = self._align(start_ns, frames)
            mixed: _Mix = np.zeros(frames, dtype=np.int32)
            self._finish_tail(mixed)
            self._drop_late(now)
            self._mix(mixed, start_ns, now)
            block = self._loud(mixed)
            self._hand_to_taps(block[surplus:], start_ns)
            self._hand_on_spoken(block, start_ns)
            return block

    def _finish_tail(self, mixed: _Mix) -> None:
        """What was cut off between two blocks fades at the beginning of this one."""
        count = min(len(mixed), len(self._tail))
        if self._tail_of is not None:
            self._parts.append(_Part(self._tail_of, 0, count, last=True))
            self._tail_of = None
        self._add_tail(mixed, 0)

    def _loud(self, mixed: _Mix) -> Samples:
        """The block at the wanted volume; a change goes evenly over one block, since a step would click."""
        before, self._volume_before = self._volume_before, self._volume
        if before != self._volume_before:
            ramp = np.linspace(before, self._volume_before, len(mixed))
            mixed = (mixed * ramp).astype(np.int32)
        elif before != 1.0:
            mixed = (mixed * before).astype(np.int32)
        block: Samples = np.clip(mixed, -32768, 32767).astype(np.int16)
        return block

    def _hand_on_spoken(self, block: Samples, start_ns: int) -> None:
        parts, self._parts = self._parts, []
        if self._spoken_tap is None:
            return
        for part in parts:
            due = self._due(start_ns, part.first)
            self._spoken_tap.spoken(part.cue_id, block[part.first : part.end], due, part.last)

    def _due(self, start_ns: int, position: int) -> int:
        """When a sample of a block that was due at `start_ns` is heard, on the player's clock."""
        return start_ns + position * NS // self.sample_rate + round(self._sink.status.latency_s * NS)

    def _align(self, start_ns: int, frames: int) -> int:
        """Keep sample index and clock together where a device stalled, changed or drifts.

        Puts in what is missing; returns how many samples to leave out of the next block (silence then).
        """
        if self._zero_ns is None:
            self._zero_ns = start_ns
        gap = round((start_ns - self._zero_ns) * self.sample_rate / NS) - self._index
        idle = self._current is None
        if gap > (IDLE_GAP_S if idle else SPEAKING_GAP_S) * self.sample_rate:
            while gap > 0:
                missing = np.zeros(min(gap, self.sample_rate), dtype=np.int16)
                gap -= len(missing)
                self._hand_to_taps(missing, self._zero_ns + self._index * NS // self.sample_rate)
        elif idle and -gap > AHEAD_S * self.sample_rate and not self._waiting and len(self._tail) == 0:
            return min(frames, -gap)
        return 0

    def _hand_to_taps(self, block: Samples, start_ns: int) -> None:
        self._index += len(block)
        if len(block) > 0:
            for tap in self._taps:
                tap.write(block, start_ns)

    def _drop_late(self, now: int) -> None:
        late = [r for r in self._waiting if r.expires_ns is not None and now > r.expires_ns]
        for request in late:
            self._waiting.remove(request)
            self._event(SpeechState.EXPIRED, request, now, "could not start in time")

    def _mix(self, mixed: _Mix, start_ns: int, now: int) -> None:
        position = 0
        while position < len(mixed):
            begin = self._next_start(position, start_ns)
            if self._current is not None:
                limit = len(mixed) if begin is None or not self._may_cut() else min(begin, len(mixed))
                position = self._copy(self._current, mixed, position, limit, now)
                if self._current is not None and position < len(mixed):
                    self._cut(now, f"by '{self._waiting[0].utterance.text}'")
                    # its fade sounds together with what cut it off
                    self._parts[-1].last = True
                    self._add_tail(mixed, position)
                    self._tail_of = None
            elif begin is None or begin >= len(mixed):
                return
            else:
                position = begin
                self._current = request = self._waiting.popleft()
                request.sample_index = self._index + position
                self._event(SpeechState.STARTED, request, max(now, self._due(start_ns, position)))

    def _copy(self, request: _Request, mixed: _Mix, position: int, limit: int, now: int) -> int:
        samples = request.utterance.samples
        count = min(limit - position, len(samples) - request.position)
        mixed[position : position + count] += samples[request.position : request.position + count]
        request.position += count
        done = request.position == len(samples)
        self._parts.append(_Part(request.cue_id, position, position + count, last=done))
        position += count
        if done:
            self._current = None
            self._ended = self._index + position
            self._event(SpeechState.FINISHED, request, now)
        return position

    def _may_cut(self) -> bool:
        first, current = self._waiting[0], self._current
        return first.interrupt and current is not None and first.urgency >= current.urgency

    def _next_start(self, position: int, start_ns: int) -> int | None:
        """Where in this block the next utterance may begin: not before it was asked for."""
        if not self._waiting:
            return None
        request = self._waiting[0]
        asked = -((start_ns - request.queued_ns) * self.sample_rate // NS)
        if not request.interrupt and self._ended > max(0, self._index + asked):
            pause = round(PAUSE_BETWEEN_S * self.sample_rate)
            position = max(position, self._ended + pause - self._index)
        return max(position, asked)

    def _cut(self, now: int, detail: str) -> None:
        """End the current utterance with a short fade that overlaps with what follows."""
        request, self._current = self._current, None
        if request is None:
            return
        rest = request.utterance.samples[request.position :][: round(CUT_FADE_S * self.sample_rate)]
        self._tail = (rest * np.linspace(1.0, 0.0, len(rest))).astype(np.int32)
        self._tail_of = request.cue_id
        self._event(SpeechState.INTERRUPTED, request, now, detail)

    def _add_tail(self, mixed: _Mix, position: int) -> None:
        count = min(len(self._tail), len(mixed) - position)
        mixed[position : position + count] += self._tail[:count]
        self._tail = self._tail[count:]

    def _event(self, state: SpeechState, request: _Request, stamp_ns: int, detail: str = "") -> None:
        self._news.put(
            SpeechEvent(
                state,
                request.cue_id,
                request.utterance.text,
                stamp_ns,
                request.requested_ns,
                request.sample_index,
                request.utterance.duration_s,
                detail,
                request.prepared,
                request.utterance.engine,
            )
        )

    def tell(self, event: SpeechEvent) -> None:
        """Pass on an event of someone else, in order with the player's own."""
        self._news.put(event)

    def _tell(self) -> None:
        while True:
            news = self._news.get()
            if news is None:
                return
            try:
                if isinstance(news, threading.Event):
                    news.set()
                elif isinstance(news, SinkStatus):
                    if self._on_status is not None:
                        self._on_status(news)
                elif self._on_event is not None:
                    self._on_event(news)
            except Exception:
                # The listener is not ours; its mistake must not silence the coach.
                _LOG.exception("a listener for speech events failed")
