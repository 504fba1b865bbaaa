"""Text in, speech out: what a node or a program talks to."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kinecue.speech.cache import PhraseCache
from kinecue.speech.choose import EngineChoice, choose_engine
from kinecue.speech.device import FallbackSink
from kinecue.speech.errors import SpeechError, UnspeakableTextError
from kinecue.speech.player import EventCallback, Player, SpeechEvent, SpeechState, Tap
from kinecue.speech.recorder import SessionRecorder
from kinecue.speech.sinks import Clock, ClockSink, Sink, SinkStatus, StatusCallback

_LOG = logging.getLogger(__name__)

NO_DEVICE = "none"
URGENT = 2


class Preparation:
    """Progress of phrases that are being synthesised ahead."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.failed: dict[str, str] = {}  # text: reason
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


@dataclass
class _Job:
    text: str
    cue_id: str = ""
    urgency: int = 0
    expires_ns: int | None = None
    requested_ns: int = 0
    preparation: Preparation | None = None


class SpeechService:
    """Speaks cues at once where they are prepared, else as soon as the engine has them.

    Nothing that goes wrong later is raised: it becomes a FAILED event. Events arrive in a thread of the
    service's own. Times are nanoseconds on the `clock` that the player has, by default `time.monotonic_ns`.
    """

    def __init__(
        self,
        cache: PhraseCache,
        player: Player,
        *,
        recorder: SessionRecorder | None = None,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        """Use `cache` (which holds the engine), `player` and `recorder`; all are closed with the service."""
        self.cache, self.player, self.recorder = cache, player, recorder
        self.engine = cache.engine
        self._clock = clock
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

    def prepare(self, phrases: Iterable[str]) -> Preparation:
        """Synthesise phrases in the background, behind whatever is to be said meanwhile."""
        texts = list(dict.fromkeys(phrases))
        preparation = Preparation(len(texts))
        for text in texts:
            self._put(0, _Job(text, preparation=preparation))
        return preparation

    def say(self, text: str, cue_id: str = "", *, urgency: int = 0, expires_ns: int | None = None) -> None:
        """Speak. With an `urgency` of at least `URGENT`, interrupt what is said unless that is more urgent.

        What cannot start by `expires_ns` is dropped and reported as EXPIRED.
        """
        job = _Job(text, cue_id, urgency, expires_ns, self._clock())
        try:
            ready = self.cache.get(text)
        except UnspeakableTextError as error:
            self._tell(SpeechState.FAILED, job, str(error))
            return
        self._tell(SpeechState.QUEUED, job, "" if ready is not None else "is being synthesised")
        if self._closing.is_set():
            self._tell(SpeechState.FAILED, job, "speech is closed")
        elif ready is not None:
            self._play(job)
        else:
            self._put(1 + urgency, job)

    def wait_quiet(self, timeout_s: float) -> bool:
        """Wait until all that was asked for is said, or has failed, and its events are told."""
        limit = time.monotonic() + timeout_s
        while time.monotonic() < limit:
            if self._jobs.unfinished_tasks == 0 and not self.player.speaking:
                return self.player.wait_told(max(0.0, limit - time.monotonic()))
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        """Be silent: stops what is said and forgets what waits to be said."""
        self._stopped_before = self._clock()
        self.player.stop()

    def close(self) -> None:
        """End engine, player and threads. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._put(1_000_000, None)
        self.engine.close()
        self._worker.join(3.0)
        self.player.close()
        if self.recorder is not None:
            self.recorder.close()

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
        if job.preparation is None:
            if job.expires_ns is not None and self._clock() > job.expires_ns:
                self._tell(SpeechState.EXPIRED, job, "could not be synthesised in time")
                return
            if job.requested_ns < self._stopped_before:
                self._tell(SpeechState.INTERRUPTED, job, "stopped")
                return
        try:
            self.cache.make(job.text)
        except SpeechError as error:
            _LOG.warning("'%s' was not synthesised: %s", job.text, error)
            self._report(job, str(error))
        except Exception as error:
            # An engine is an extension point: what it raises must not end this thread.
            _LOG.exception("the engine %s failed on '%s'", self.engine.name, job.text)
            self._report(job, f"{type(error).__name__}: {error}")
        else:
            if job.preparation is not None:
                job.preparation.count(job.text, None)
            elif job.requested_ns < self._stopped_before:
                self._tell(SpeechState.INTERRUPTED, job, "stopped")
            else:
                self._play(job)

    def _play(self, job: _Job) -> None:
        utterance = self.cache.get(job.text)
        if utterance is None:
            self._tell(SpeechState.FAILED, job, "the phrase was lost from the cache")
            return
        self.player.play(
            utterance,
            job.cue_id,
            interrupt=job.urgency >= URGENT,
            urgency=job.urgency,
            expires_ns=job.expires_ns,
            requested_ns=job.requested_ns,
            announced=True,
        )

    def _report(self, job: _Job, problem: str) -> None:
        if job.preparation is not None:
            job.preparation.count(job.text, problem)
        else:
            self._tell(SpeechState.FAILED, job, problem)

    def _tell(self, state: SpeechState, job: _Job, detail: str) -> None:
        self.player.tell(
            SpeechEvent(state, job.cue_id, job.text, self._clock(), job.requested_ns, detail=detail)
        )


def open_speech(
    *,
    engine: str = "auto",
    voice_dir: Path | None = None,
    cache_dir: Path | None = None,
    device: str | None = None,
    record_to: Path | None = None,
    on_event: EventCallback | None = None,
    on_status: StatusCallback | None = None,
    taps: tuple[Tap, ...] = (),
    clock: Clock = time.monotonic_ns,
) -> tuple[SpeechService, EngineChoice]:
    """Everything put together: the service, and which engine was chosen and why.

    `device` is (a part of) the name of a sound device, None for the default one, or `NO_DEVICE`. `record_to`
    is the WAV for the whole session.

    Raises:
        UnknownEngineError: no engine has that name.
        RecorderError: the WAV cannot be written.
    """
    choice = choose_engine(engine, voice_dir=voice_dir)
    rate = choice.engine.sample_rate
    recorder: SessionRecorder | None = None
    try:
        if record_to is not None:
            recorder = SessionRecorder(record_to, rate)
    except SpeechError:
        choice.engine.close()
        raise
    sink: Sink = ClockSink(clock=clock) if device == NO_DEVICE else FallbackSink(device, clock=clock)
    player = Player(
        sink,
        rate,
        on_event=on_event,
        on_status=on_status,
        taps=(*taps, recorder) if recorder is not None else taps,
        clock=clock,
    )
    cache = PhraseCache(choice.engine, rate, cache_dir)
    return SpeechService(cache, player, recorder=recorder, clock=clock), choice
