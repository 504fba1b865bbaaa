"""A thread that captures, and the mailbox through which frames change threads: the newest frame wins.

The capture thread is the only one that touches the source. Consumers only take from mailboxes, each from its
own; a frame is handed over by reference and is read-only.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from kinecue.perception.errors import SourceError
from kinecue.perception.frames import CaptureMode, Frame, FrameSource

_RATE_WINDOW = 2.0
"""Seconds over which the rate is measured."""
_FIRST_RETRY, _LAST_RETRY = 0.25, 5.0
"""Seconds until a lost source is tried again; doubles from try to try."""
_POLL = 0.1
"""Seconds after which a waiting capture thread looks whether it should stop."""


class LatestFrame:
    """A place for one frame: a new one replaces one that nobody took. Any threads may put and take."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._frame: Frame | None = None
        self._dropped = 0
        self._closed = False

    def put(self, frame: Frame) -> None:
        """Leave a frame; one that was not taken is dropped and counted. Without effect once closed."""
        with self._condition:
            if self._closed:
                return
            if self._frame is not None:
                self._dropped += 1
            self._frame = frame
            self._condition.notify_all()

    def put_when_taken(self, frame: Frame, timeout: float) -> bool:
        """Leave a frame once the last one was taken, so that none is lost.

        Returns:
            False if that did not happen within `timeout` seconds; True if it did or the mailbox is closed.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: self._frame is None or self._closed, timeout):
                return False
            if not self._closed:
                self._frame = frame
                self._condition.notify_all()
            return True

    def take(self, timeout: float | None = None) -> Frame | None:
        """The newest frame that was not taken yet.

        Args:
            timeout: seconds to wait for one; None waits until there is one or the mailbox is closed.

        Returns:
            None after the timeout, or when the mailbox is closed and empty.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._frame is not None or self._closed, timeout)
            frame, self._frame = self._frame, None
            self._condition.notify_all()
            return frame

    def close(self) -> None:
        """No more frames will come; what is in it can still be taken, and nobody waits any longer."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def open(self) -> None:
        """Empty it, count from 0, and let frames come again."""
        with self._condition:
            self._closed = False
            self._frame = None
            self._dropped = 0

    @property
    def pending(self) -> bool:
        """A frame waits to be taken."""
        return self._frame is not None

    @property
    def closed(self) -> bool:
        """No more frames will come."""
        return self._closed

    @property
    def dropped(self) -> int:
        """Frames that were replaced before anybody took them."""
        return self._dropped


class GrabberState(Enum):
    """What a grabber is doing."""

    STOPPED = "stopped"
    RUNNING = "running"
    RECONNECTING = "reconnecting"
    """The device is not there (any more); it is tried again and again."""
    ENDED = "ended"
    """The recording is over."""
    FAILED = "failed"
    """A recording could not be read on."""


@dataclass(frozen=True)
class GrabberStatistics:
    """What a grabber has done since it was started.

    Attributes:
        state: what it is doing.
        frames: read from the source.
        dropped: replaced by newer ones before their consumer took them, over all mailboxes.
        rate: frames per second over the last two seconds; 0 without frames.
        reconnections: how often a lost source came back.
        last_error: text of the last error, empty if there was none or it is over.
        requested, granted: modes of the source.
        notes: what the source has to tell.
    """

    state: GrabberState
    frames: int
    dropped: int
    rate: float
    reconnections: int
    last_error: str
    requested: CaptureMode
    granted: CaptureMode | None
    notes: tuple[str, ...]


class FrameGrabber:
    """Reads a source in a thread of its own.

    Args:
        source: where from.
        mailboxes: where to; each gets every frame. One is made if none is given.
        lossless: wait for consumers instead of replacing frames, so that a recording is processed whole.
        clock: monotonic seconds, for the measured rate.
        first_retry: seconds until a lost live source is tried again.
    """

    def __init__(
        self,
        source: FrameSource,
        mailboxes: tuple[LatestFrame, ...] = (),
        lossless: bool = False,
        clock: Callable[[], float] = time.monotonic,
        first_retry: float = _FIRST_RETRY,
    ) -> None:
        self.source = source
        self.mailboxes = mailboxes or (LatestFrame(),)
        self._lossless = lossless
        self._clock = clock
        self._first_retry = first_retry
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._state = GrabberState.STOPPED
        self._frames = 0
        self._reconnections = 0
        self._last_error = ""
        self._times: deque[float] = deque()

    @property
    def mailbox(self) -> LatestFrame:
        """The first mailbox."""
        return self.mailboxes[0]

    def start(self, require_source: bool = False) -> None:
        """Open the source and begin to read. Without effect if it runs.

        Args:
            require_source: raise if a live source is not there, instead of trying again until it is.

        Raises:
            SourceError: a recording cannot be opened, or a live source that is required.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        opened = False
        try:
            self.source.open()
            opened = True
        except SourceError as error:
            if require_source or not self.source.live:
                raise
            self._last_error = str(error)
        self._stop.clear()
        self._frames = self._reconnections = 0
        self._times.clear()
        self._set(GrabberState.RUNNING if opened else GrabberState.RECONNECTING)
        for mailbox in self.mailboxes:
            mailbox.open()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="frame_grabber", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End reading, close the source and the mailboxes; waits up to `timeout` seconds for the thread."""
        self._stop.set()
        for mailbox in self.mailboxes:
            mailbox.close()
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None
        with self._lock:
            if self._state in (GrabberState.RUNNING, GrabberState.RECONNECTING):
                self._state = GrabberState.STOPPED

    def statistics(self) -> GrabberStatistics:
        """A snapshot; may be called from any thread."""
        with self._lock:
            self._forget_old_times()
            span = self._times[-1] - self._times[0] if len(self._times) > 1 else 0.0
            return GrabberStatistics(
                self._state,
                self._frames,
                sum(mailbox.dropped for mailbox in self.mailboxes),
                (len(self._times) - 1) / span if span > 0 else 0.0,
                self._reconnections,
                self._last_error,
                self.source.requested,
                self.source.granted,
                self.source.notes,
            )

    def _run(self, opened: bool) -> None:
        try:
            while not self._stop.is_set():
                if not opened and not self._reopen():
                    return
                try:
                    self._read_until_stopped()
                    return
                except SourceError as error:
                    self.source.close()
                    opened = False
                    self._set(
                        GrabberState.RECONNECTING if self.source.live else GrabberState.FAILED, str(error)
                    )
                    if not self.source.live:
                        return
        finally:
            self.source.close()
            for mailbox in self.mailboxes:
                mailbox.close()

    def _read_until_stopped(self) -> None:
        while not self._stop.is_set():
            frame = self.source.read()
            if frame is None:
                self._set(GrabberState.ENDED)
                return
            with self._lock:
                self._frames += 1
                self._times.append(self._clock())
                self._forget_old_times()
            self._deliver(frame)

    def _deliver(self, frame: Frame) -> None:
        for mailbox in self.mailboxes:
            if self._lossless:
                while not mailbox.put_when_taken(frame, _POLL) and not self._stop.is_set():
                    pass
            else:
                mailbox.put(frame)

    def _reopen(self) -> bool:
        """Try to open the source until it works; False if stopped before."""
        pause = self._first_retry
        while not self._stop.wait(pause):
            pause = min(2 * pause, _LAST_RETRY)
            try:
                self.source.open()
            except SourceError as error:
                self._set(GrabberState.RECONNECTING, str(error))
                continue
            with self._lock:
                self._reconnections += 1
                self._times.clear()
            self._set(GrabberState.RUNNING, "")
            return True
        return False

    def _set(self, state: GrabberState, error: str | None = None) -> None:
        with self._lock:
            self._state = state
            if error is not None:
                self._last_error = error

    def _forget_old_times(self) -> None:
        while self._times and self._clock() - self._times[0] > _RATE_WINDOW:
            self._times.popleft()
