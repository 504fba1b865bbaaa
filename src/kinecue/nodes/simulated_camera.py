"""A camera that is not there: a programme of the simulated gym as a source of frames, with the truth about each.

The gym is rendered by a process of its own, a little ahead of time. Where that is slower than the camera's rate,
frames are left out, and those that come are in time and truly stamped.
"""

from __future__ import annotations

import math
import multiprocessing
import queue
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.queues import Queue as ProcessQueue
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from kinecue.body.errors import KineCueError
from kinecue.perception.errors import SourceError
from kinecue.perception.frames import CaptureMode, Frame, Image
from kinecue.perception.recordings import Clock, Sleep
from kinecue.simulation.clip import clip_names, is_current, write_clip
from kinecue.simulation.gym import Gym, Taken
from kinecue.simulation.picture.cameras import NANOSECONDS, Shot
from kinecue.simulation.programmes import Programme
from kinecue.simulation.request import Request

_AHEAD = 16
"""Frames that are rendered ahead of time at most."""
_AT_ONCE = 8
"""Frames whose bodies are solved at once: more is cheaper, but a longer wait."""
_PATIENCE_S = 600.0
"""For the first frame; a long programme may have to be rendered as a whole before."""
_LATE_S = 0.25
"""A frame that comes later than this after its time is left out."""
_REMEMBERED = 64
"""Frames whose truth is kept."""
_TRACK_HZ = 100.0


@dataclass(frozen=True)
class Track:
    """How the handles of the machine's cables move, in the base frame of the camera.

    Attributes:
        document: as in a truth file: ``machine.cables`` and ``frames`` with ``time_s`` and ``handles_m``.
    """

    document: dict[str, Any]


@dataclass(frozen=True)
class _Begun:
    """The gym stands: length of the programme in s, and how the handles move."""

    duration_s: float
    track: Track


@dataclass(frozen=True)
class _Delivered:
    round: int
    taken: Taken


_Message = _Begun | _Delivered | str | None
"""A string is a problem; None the end."""


class SimulatedCamera:
    """The first camera of a programme as a `FrameSource`.

    Args:
        what: the programme, or what asks for one.
        real_time: frames come when they are due; otherwise as fast as they are rendered.
        loop: perform it again and again.
        clips: folder for rendered clips: the whole programme is rendered into it first, unless it is there, and then
            played; None renders live.
        clock: ns, for stamps and pace.
        sleep: waits for seconds.
        on_start: told the stamp of the programme's time 0, and the track of the handles, at the start of each round.
    """

    live = False

    def __init__(
        self,
        what: Programme | Request,
        real_time: bool = True,
        loop: bool = False,
        clips: Path | None = None,
        clock: Clock = time.time_ns,
        sleep: Sleep = time.sleep,
        on_start: Callable[[int, Track], None] | None = None,
    ) -> None:
        self.programme = what.programme() if isinstance(what, Request) else what
        self._real_time = real_time
        self._loop = loop
        self._clips = clips
        self._clock = clock
        self._sleep = sleep
        self._on_start = on_start
        self._process: multiprocessing.process.BaseProcess | None = None
        self._messages: ProcessQueue[_Message] | None = None
        self._first: _Delivered | None = None
        self._begun: _Begun | None = None
        self._start_ns = 0
        self._round = -1
        self._index = 0
        self._late = 0
        self._last_shot = -1
        self._granted: CaptureMode | None = None
        self._lock = threading.Lock()
        self._truths: OrderedDict[int, Taken] = OrderedDict()

    # -- what it is

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"simulated {self.programme.name}"

    @property
    def requested(self) -> CaptureMode:
        """What was asked for."""
        camera = self.programme.cameras[0]
        return CaptureMode(camera.lens.width, camera.lens.height, camera.sensor.rate)

    @property
    def granted(self) -> CaptureMode | None:
        """What it delivers; None before it was opened."""
        return self._granted

    @property
    def notes(self) -> tuple[str, ...]:
        """What an engineer should know of it."""
        if not self._late:
            return ()
        return (f"rendering is slower than the camera: {self._late} frames were left out so far",)

    @property
    def left_out(self) -> int:
        """Frames that were not rendered in time since it was opened."""
        return self._late

    def taken(self, stamp_ns: int) -> Taken | None:
        """The truth about one of the last frames, by its stamp; may be called from any thread."""
        with self._lock:
            return self._truths.get(stamp_ns)

    # -- FrameSource

    def open(self) -> None:
        """Start the gym and wait for its first frame.

        Raises:
            SourceError: the programme is not possible, or the gym's process ended.
        """
        self.close()
        context = multiprocessing.get_context("spawn")
        # spawned, not forked: threads of ROS are about
        self._messages = context.Queue(_AHEAD)
        begins = context.Value("d", math.nan)
        self._begins = begins
        self._process = context.Process(
            target=_perform,
            args=(self.programme, self._real_time, self._loop, self._clips, begins, self._messages),
            name="simulated-gym",
            daemon=True,
        )
        self._process.start()
        begun = self._next(_PATIENCE_S)
        if not isinstance(begun, _Begun):
            self.close()
            raise SourceError(f"{self.name}: the gym's process ended before its first frame")
        self._begun = begun
        first = self._next(_PATIENCE_S)
        if not isinstance(first, _Delivered):
            self.close()
            raise SourceError(f"{self.name}: the programme has no frame")
        self._first = first
        self._granted = self.requested
        self._round, self._index, self._late, self._last_shot = -1, 0, 0, -1
        self._start_ns = self._clock()
        begins.value = time.monotonic()

    def read(self) -> Frame | None:
        """The next frame, when it is due; None at the end.

        Raises:
            SourceError: the gym's process ended.
        """
        while True:
            message: _Message = self._first
            self._first = None
            if message is None:
                message = self._next(_PATIENCE_S)
            if not isinstance(message, _Delivered):
                return None
            frame = self._frame(message)
            if frame is not None:
                return frame

    def close(self) -> None:
        """End the gym; harmless if not open."""
        process, self._process = self._process, None
        messages, self._messages = self._messages, None
        if process is not None:
            process.terminate()
            process.join(5.0)
        if messages is not None:
            messages.close()
            messages.cancel_join_thread()
        self._first = None

    # -- inside

    def _next(self, patience_s: float) -> _Message:
        """The next message of the gym; None at the end or once it is closed."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            process, messages = self._process, self._messages
            if process is None or messages is None:
                return None
            try:
                message = messages.get(timeout=0.2)
            except queue.Empty:
                if self._process is not None and process.exitcode is not None:
                    raise SourceError(
                        f"{self.name}: the gym's process ended with status {process.exitcode}"
                    ) from None
                continue
            if isinstance(message, str):
                raise SourceError(f"{self.name}: {message}")
            return message
        raise SourceError(f"{self.name}: the gym did not answer within {patience_s:.0f} s")

    def _frame(self, delivered: _Delivered) -> Frame | None:
        begun, taken = self._begun, delivered.taken
        if begun is None:
            return None
        round_ns = round(begun.duration_s * NANOSECONDS)
        base = self._start_ns + delivered.round * round_ns
        if delivered.round != self._round:
            self._round, self._last_shot = delivered.round, -1
            if self._on_start is not None:
                self._on_start(base, begun.track)
        self._late += max(taken.shot.index - self._last_shot - 1, 0)
        self._last_shot = taken.shot.index
        if taken.image is None:
            # the camera lost it
            return None
        if self._real_time:
            remaining = base + round(taken.shot.arrival_s * NANOSECONDS) - self._clock()
            if remaining > 0:
                self._sleep(remaining / NANOSECONDS)
            elif remaining < -_LATE_S * NANOSECONDS:
                self._late += 1
                return None
        stamp = base + taken.shot.stamp_ns
        with self._lock:
            self._truths[stamp] = taken
            while len(self._truths) > _REMEMBERED:
                self._truths.popitem(last=False)
        frame = Frame(taken.image, stamp, self._index, self.name)
        self._index += 1
        return frame


# -- the gym's process


def _perform(
    programme: Programme,
    real_time: bool,
    loop: bool,
    clips: Path | None,
    begins: Any,
    messages: ProcessQueue[_Message],
) -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1, user_api="blas")
    # Ctrl-C reaches the whole group; the parent ends this process
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        gym = Gym(programme)
        video = None if clips is None else _rendered(programme, clips)
        if not _put(messages, _Begun(gym.duration_s, track_of(gym))):
            return
        number = 0
        while True:
            for taken in _round(gym, video, number, begins if real_time else None):
                if not _put(messages, _Delivered(number, taken)):
                    return
            number += 1
            if not loop:
                break
        _put(messages, None)
    except KineCueError as error:
        _put(messages, str(error))


def _put(messages: ProcessQueue[_Message], message: _Message) -> bool:
    """Hand over; False if there is nobody any more."""
    parent = multiprocessing.parent_process()
    while parent is None or parent.is_alive():
        try:
            messages.put(message, timeout=1.0)
        except queue.Full:
            continue
        return True
    return False


def track_of(gym: Gym) -> Track:
    """The handles of a programme's cables over its whole length."""
    camera = gym.cameras[0]
    count = max(math.ceil(gym.duration_s * _TRACK_HZ), 3) + 1
    times = np.arange(count) / _TRACK_HZ
    handles = camera.to_base(gym.handles(times)) if len(gym.pulleys) else np.zeros((count, 0, 3))
    cables = [
        {"side": cable.side, "pulley_m": camera.to_base(pulley).tolist()}
        for cable, pulley in zip(gym.equipment.cables, gym.pulleys, strict=True)
    ]
    frames = [
        {"time_s": t, "handles_m": rows}
        for t, rows in zip(times.tolist(), np.round(handles, 5).tolist(), strict=True)
    ]
    return Track(
        {
            "format": "kinecue_truth",
            "name": gym.programme.name,
            "machine": {"cables": cables},
            "frames": frames if cables else [],
        }
    )


def _rendered(programme: Programme, clips: Path) -> Path:
    if not is_current(programme, clips):
        write_clip(programme, clips)
    return clips / f"{clip_names(programme)[programme.cameras[0].name]}.mp4"


def _round(gym: Gym, video: Path | None, number: int, begins: Any) -> Iterator[Taken]:
    """The frames of one performance, leaving out those for which there is no time."""
    camera = gym.cameras[0]
    shots = gym.shots(camera)
    source = _Rendered(gym) if video is None else _Played(gym, video)
    interval = 1.0 / camera.sensor.rate
    cost, i = 0.0, 0
    try:
        while i < len(shots):
            stride = 1
            if begins is not None:
                stride = max(math.ceil(cost / interval - 0.02), 1)
                if not math.isnan(begins.value):
                    now = time.monotonic() - begins.value - number * gym.duration_s
                    # what is due before it can be ready is left out
                    i = max(i, math.ceil((now + cost) / interval) if now > shots[i].time_s else i)
            part = shots[i : i + _AT_ONCE * stride : stride]
            if not part:
                return
            before = time.monotonic()
            waited = 0.0
            for taken in source.take(part):
                handed = time.monotonic()
                yield taken
                waited += time.monotonic() - handed
            cost = (time.monotonic() - before - waited) / len(part)
            i = part[-1].index + stride
    finally:
        source.close()


class _Rendered:
    """Pictures are drawn."""

    def __init__(self, gym: Gym) -> None:
        self._gym = gym
        self._renderer = gym.renderer()

    def take(self, shots: tuple[Shot, ...]) -> Iterator[Taken]:
        return self._gym.frames(self._gym.cameras[0], self._renderer, shots)

    def close(self) -> None:
        pass


class _Played:
    """Pictures come out of a clip."""

    def __init__(self, gym: Gym, video: Path) -> None:
        self._gym = gym
        self._capture = cv2.VideoCapture(str(video))
        self._next = 0

    def take(self, shots: tuple[Shot, ...]) -> Iterator[Taken]:
        for taken in self._gym.frames(self._gym.cameras[0], None, shots):
            image = None if taken.shot.dropped else self._picture(taken.shot.index)
            yield Taken(taken.shot, image, taken.truth, taken.seen)

    def _picture(self, index: int) -> Image | None:
        while self._next < index:
            self._capture.grab()
            self._next += 1
        good, image = self._capture.read()
        self._next += 1
        return image.astype(np.uint8, copy=False) if good and image is not None else None

    def close(self) -> None:
        self._capture.release()
