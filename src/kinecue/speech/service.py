"""Text in, speech out: what a node or a program talks to."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kinecue.speech.audio import Utterance
from kinecue.speech.choose import DEFAULT_LANGUAGE, EngineChoice
from kinecue.speech.device import FallbackSink
from kinecue.speech.errors import EngineLateError, SpeechError, UnspeakableTextError
from kinecue.speech.events import EventCallback, SpeechEvent, SpeechState, Tap
from kinecue.speech.player import Player
from kinecue.speech.recorder import SessionRecorder
from kinecue.speech.sinks import NS, Clock, ClockSink, Sink, SinkStatus, StatusCallback
from kinecue.speech.spoken import Piece, Pieces
from kinecue.speech.voices import FOREVER_S, Voices

_LOG = logging.getLogger(__name__)

NO_DEVICE = "none"
URGENT = 2


class Preparation:
    """Progress of phrases that are being synthesised ahead."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.failed: dict[str, str] = {}  # text: reason
        self.replaced = False  # by a newer list: what is not in that is not made any more
        self._done = 0
        self._lock = threading.Lock()
        self._finished = threading.Event()
        if total == 0:
            self._finished.set()

    @property
    def done(self) -> int:
        """How many are ready or have failed."""
        return self._done

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until all are ready or have failed; False where the time was not enough."""
        return self._finished.wait(timeout_s)

    def count(self, text: str, problem: str | None) -> None:
        """One more is through."""
        with self._lock:
            self._done += 1
            if problem is not None:
                self.failed[text] = problem
            if self._done >= self.total:
                self._finished.set()


REPLACED = "another list of phrases came"


@dataclass
class _Job:
    text: str
    language: str = ""
    cue_id: str = ""
    urgency: int = 0
    expires_ns: int | None = None
    requested_ns: int = 0
    prepared: bool = False
    preparation: Preparation | None = None


class SpeechService:
    """Speaks cues at once where they are prepared, else as soon as the engine has them.

    Nothing that goes wrong later is raised: it becomes a FAILED event. Events arrive in a thread of the
    service's own. Times are nanoseconds on the `clock` that the player has, by default `time.monotonic_ns`.
    """

    def __init__(
        self,
        voices: Voices,
        player: Player,
        *,
        recorder: SessionRecorder | None = None,
        pieces: Pieces | None = None,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        """Use `voices` (which hold the engines), `player`, `recorder` and `pieces`; all are closed with the service."""
        self.voices, self.player, self.recorder = voices, player, recorder
        self._preparation = Preparation(0)
        self._pieces, self._clock = pieces, clock
        self._jobs: queue.PriorityQueue[tuple[int, int, _Job | None]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._stopped_before = 0
        self._closing = threading.Event()
        self._worker = threading.Thread(target=self._work, name="kinecue-synthesis", daemon=True)
        self._worker.start()

    @property
    def status(self) -> SinkStatus:
        """What takes the sound now."""
        return self.player.status

    def prepare(self, phrases: Iterable[str], language: str = "") -> Preparation:
        """Synthesise phrases in the background, behind whatever is to be said meanwhile.

        They take the place of those of an earlier call that are not ready yet.
        """
        texts = list(dict.fromkeys(phrases))
        self._preparation.replaced = True
        self._preparation = preparation = Preparation(len(texts))
        for text in texts:
            self._put(0, _Job(text, language, preparation=preparation))
        return preparation

    def say(
        self,
        text: str,
        cue_id: str = "",
        *,
        language: str = "",
        urgency: int = 0,
        expires_ns: int | None = None,
    ) -> None:
        """Speak. With an `urgency` of at least `URGENT`, interrupt what is said unless that is more urgent.

        What cannot start by `expires_ns` is dropped and reported as EXPIRED.
        """
        job = _Job(text, language, cue_id, urgency, expires_ns, self._clock())
        try:
            ready = self.voices.of(language).get(text)
        except UnspeakableTextError as error:
            self._tell(SpeechState.FAILED, job, str(error))
            return
        job.prepared = ready is not None
        self._tell(SpeechState.QUEUED, job, "" if ready is not None else "is being synthesised")
        if self._closing.is_set():
            self._tell(SpeechState.FAILED, job, "speech is closed")
        elif ready is not None:
            self._play(job, ready)
        else:
            if urgency >= URGENT:
                self.player.hush(urgency, f"by '{text}'")
            self._put(1 + urgency, job)

    def drop(self, text: str, cue_id: str, reason: str) -> None:
        """Tell that a cue is not said."""
        self._tell(SpeechState.EXPIRED, _Job(text, cue_id=cue_id, requested_ns=self._clock()), reason)

    def wait_quiet(self, timeout_s: float) -> bool:
        """Wait until all that was asked for is said, or has failed, and its events are told."""
        limit = time.monotonic() + timeout_s
        while time.monotonic() < limit:
            if self._jobs.unfinished_tasks == 0 and not self.player.speaking:
                return self.player.wait_told(max(0.0, limit - time.monotonic()))
            time.sleep(0.02)
        return False

    def stop(self, detail: str = "stopped") -> None:
        """Be silent: stops what is said and forgets what waits to be said; `detail` says why."""
        self._stopped_before = self._clock()
        self.player.stop(detail)

    def close(self) -> None:
        """End engine, player and threads. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._put(1_000_000, None)
        self.voices.close()
        self._worker.join(3.0)
        self.player.close()
        if self.recorder is not None:
            self.recorder.close()
        if self._pieces is not None:
            self._pieces.close()

    def _put(self, priority: int, job: _Job | None) -> None:
        self._jobs.put((-priority, next(self._order), job))

    def _work(self) -> None:
        while not self._closing.is_set():
            job = self._jobs.get()[2]
            if job is None:
                break
            self._do(job)
            self._jobs.task_done()
        while not self._jobs.empty():
            job = self._jobs.get()[2]
            if job is not None:
                self._report(job, "speech was closed")

    def _do(self, job: _Job) -> None:
        if job.preparation is not None:
            self._prepare(job, job.preparation)
            return
        if job.requested_ns < self._stopped_before:
            self._tell(SpeechState.INTERRUPTED, job, "stopped")
            return
        try:
            made = self.voices.of(job.language).make(job.text, lambda: self._time_left_s(job))
        except EngineLateError as error:
            self._tell(SpeechState.EXPIRED, job, str(error))
        except SpeechError as error:
            _LOG.warning("'%s' was not synthesised: %s", job.text, error)
            self._tell(SpeechState.FAILED, job, str(error))
        else:
            if job.requested_ns < self._stopped_before:
                self._tell(SpeechState.INTERRUPTED, job, "stopped")
            else:
                self._play(job, made)

    def _prepare(self, job: _Job, preparation: Preparation) -> None:
        if preparation.replaced:
            preparation.count(job.text, REPLACED)
            return
        try:
            self.voices.of(job.language).make(job.text)
        except SpeechError as error:
            _LOG.warning("'%s' was not synthesised: %s", job.text, error)
            preparation.count(job.text, str(error))
        else:
            preparation.count(job.text, None)

    def _time_left_s(self, job: _Job) -> float:
        return FOREVER_S if job.expires_ns is None else (job.expires_ns - self._clock()) / NS

    def _play(self, job: _Job, utterance: Utterance) -> None:
        self.player.play(
            utterance,
            job.cue_id,
            interrupt=job.urgency >= URGENT,
            urgency=job.urgency,
            expires_ns=job.expires_ns,
            requested_ns=job.requested_ns,
            announced=True,
            prepared=job.prepared,
        )

    def _report(self, job: _Job, problem: str) -> None:
        if job.preparation is not None:
            job.preparation.count(job.text, problem)
        else:
            self._tell(SpeechState.FAILED, job, problem)

    def _tell(self, state: SpeechState, job: _Job, detail: str) -> None:
        self.player.tell(
            SpeechEvent(
                state,
                job.cue_id,
                job.text,
                self._clock(),
                job.requested_ns,
                detail=detail,
                prepared=job.prepared,
            )
        )


def open_speech(
    *,
    engine: str = "auto",
    language: str = DEFAULT_LANGUAGE,
    voice_dir: Path | None = None,
    cache_dir: Path | None = None,
    device: str | None = None,
    record_to: Path | None = None,
    on_event: EventCallback | None = None,
    on_status: StatusCallback | None = None,
    on_choice: Callable[[EngineChoice], None] = lambda _: None,
    on_piece: Callable[[Piece], None] | None = None,
    taps: tuple[Tap, ...] = (),
    clock: Clock = time.monotonic_ns,
) -> tuple[SpeechService, EngineChoice]:
    """Everything put together: the service, and which engine was chosen for `language` and why.

    Other languages get their voice when they are first used; `on_choice` hears of every choice. `device` is (a part of)
    the name of a sound device, None for the default one, or `NO_DEVICE`. `record_to` is the WAV for the whole session.
    `on_piece` gets what is said, in a thread of its own.

    Raises:
        UnknownEngineError: no engine has that name.
        RecorderError: the WAV cannot be written.
    """
    voices = Voices(engine, voice_dir=voice_dir, cache_dir=cache_dir, language=language, on_choice=on_choice)
    rate = voices.sample_rate
    recorder: SessionRecorder | None = None
    try:
        if record_to is not None:
            recorder = SessionRecorder(record_to, rate)
    except SpeechError:
        voices.close()
        raise
    sink: Sink = ClockSink(clock=clock) if device == NO_DEVICE else FallbackSink(device, clock=clock)
    pieces = Pieces(rate, on_piece) if on_piece is not None else None
    player = Player(
        sink,
        rate,
        on_event=on_event,
        on_status=on_status,
        taps=(*taps, recorder) if recorder is not None else taps,
        spoken_tap=pieces,
        clock=clock,
    )
    service = SpeechService(voices, player, recorder=recorder, pieces=pieces, clock=clock)
    return service, voices.choices[voices.language]
