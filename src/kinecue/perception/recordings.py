"""Frames from files: videos and folders of pictures, in real time or as fast as they are read."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import cv2

from kinecue.perception.errors import SourceError
from kinecue.perception.frames import CaptureMode, Frame, Image, VideoCapture, quiet_opencv

# FFmpeg inside OpenCV prints on its own ("moov atom not found"); it reads this once, before the first file
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_DEFAULT_RATE = 30.0
_LARGEST_RATE = 1000.0
_MISSING_SHARE = 0.02
"""Share of frames by which a container may overstate their number; it is often an estimate."""

Clock = Callable[[], int]
Sleep = Callable[[float], None]


class _Pace:
    """Time line of a recording: stamps start at `start_ns`; in real time nobody reads ahead of them."""

    def __init__(self, start_ns: int | None, real_time: bool, clock: Clock, sleep: Sleep) -> None:
        self._fixed_start = start_ns
        self._real_time = real_time
        self._clock = clock
        self._sleep = sleep
        self._opened_ns = 0
        self.start_ns = 0

    def begin(self) -> None:
        self._opened_ns = self._clock()
        self.start_ns = self._opened_ns if self._fixed_start is None else self._fixed_start

    def wait(self, stamp_ns: int) -> None:
        if self._real_time:
            due = self._opened_ns + stamp_ns - self.start_ns
            remaining = due - self._clock()
            if remaining > 0:
                self._sleep(remaining * 1e-9)


class VideoFile:
    """A video as a source of frames.

    Args:
        path: the file.
        real_time: frames come when they are due; otherwise as fast as they are read.
        loop: start again at the end; stamps go on.
        start_ns: stamp of the first frame; the clock's time at opening if None.
        clock: nanoseconds, for stamps and pace.
        sleep: waits for seconds.
        capture: opens a file, for tests.
    """

    live = False

    def __init__(
        self,
        path: str | Path,
        real_time: bool = False,
        loop: bool = False,
        start_ns: int | None = None,
        clock: Clock = time.time_ns,
        sleep: Sleep = time.sleep,
        capture: Callable[[str], VideoCapture] | None = None,
    ) -> None:
        self._path = Path(path)
        self._loop = loop
        self._pace = _Pace(start_ns, real_time, clock, sleep)
        self._open_capture = capture or _open_video
        self._capture: VideoCapture | None = None
        self._waiting: Image | None = None
        self._rate = _DEFAULT_RATE
        self._index = 0
        self._index_in_pass = 0
        self._pass_start_ns = 0
        self._last_ns = -1
        self._notes: tuple[str, ...] = ()
        self._granted: CaptureMode | None = None

    @property
    def name(self) -> str:
        """What messages call it: the path."""
        return str(self._path)

    @property
    def requested(self) -> CaptureMode:
        """What was asked for."""
        return CaptureMode()

    @property
    def granted(self) -> CaptureMode | None:
        """What it delivers; None before it was opened."""
        return self._granted

    @property
    def notes(self) -> tuple[str, ...]:
        """What an engineer should know of it."""
        return self._notes

    def open(self) -> None:
        """Open the file and decode its first frame.

        Raises SourceError naming the file and what is wrong with it.
        """
        self.close()
        check_file(self._path)
        self._notes = ()
        self._start_pass()
        capture, image = self._capture, self._waiting
        if capture is None or image is None:
            self.close()
            raise SourceError(
                f"{self._path}: no video that OpenCV can decode (damaged, cut off, or an unknown format)"
            )
        rate = capture.get(cv2.CAP_PROP_FPS)
        if not (math.isfinite(rate) and 0.0 < rate <= _LARGEST_RATE):
            self._notes = (
                f"the file states no usable frame rate ({rate:g}); {_DEFAULT_RATE:g} fps are assumed",
            )
            rate = _DEFAULT_RATE
        self._rate = rate
        self._granted = CaptureMode(image.shape[1], image.shape[0], rate)
        self._index, self._pass_start_ns, self._last_ns = 0, 0, -1
        self._pace.begin()

    def read(self) -> Frame | None:
        """The next frame, when it is due.

        None at the end. What cannot be decoded at the end is told in `notes`.
        """
        image = self._take()
        if image is None and self._loop and self._index_in_pass > 0:
            self._pass_start_ns = self._last_ns + self._interval_ns
            self._start_pass()
            image = self._take()
        if image is None or self._capture is None:
            return None
        position_ns = self._pass_start_ns + self._position_ns(self._capture)
        if position_ns <= self._last_ns:  # containers without or with wrong time stamps
            position_ns = self._last_ns + self._interval_ns
        self._last_ns = position_ns
        stamp_ns = self._pace.start_ns + position_ns
        frame = Frame(image, stamp_ns, self._index, self.name)
        self._index += 1
        self._index_in_pass += 1
        self._pace.wait(stamp_ns)
        return frame

    def close(self) -> None:
        """Let go of it; harmless if not open."""
        if self._capture is not None:
            self._capture.release()
        self._capture, self._waiting = None, None

    @property
    def stated_frames(self) -> int | None:
        """How many frames the container says it has, which may be an estimate; None while closed or unknown."""
        stated = self._capture.get(cv2.CAP_PROP_FRAME_COUNT) if self._capture is not None else math.nan
        return int(stated) if math.isfinite(stated) and stated > 0 else None

    @property
    def _interval_ns(self) -> int:
        return round(1e9 / self._rate)

    def _position_ns(self, capture: VideoCapture) -> int:
        milliseconds = capture.get(cv2.CAP_PROP_POS_MSEC)
        if self._index_in_pass > 0 and milliseconds <= 0.0:
            return self._index_in_pass * self._interval_ns
        return round(milliseconds * 1e6)

    def _start_pass(self) -> None:
        if self._capture is not None:
            self._capture.release()
        self._index_in_pass = 0
        self._capture = self._open_capture(str(self._path))
        if not self._capture.isOpened():
            self._capture.release()
            self._capture = None
            return
        self._waiting = self._decode()

    def _take(self) -> Image | None:
        if self._waiting is not None:
            first, self._waiting = self._waiting, None
            return first
        image = self._decode()
        if image is None:
            self._tell_of_missing_end()
        return image

    def _decode(self) -> Image | None:
        if self._capture is None:
            return None
        with quiet_opencv():
            good, image = self._capture.read()
        return image if good and image is not None else None

    def _tell_of_missing_end(self) -> None:
        if self._capture is None:
            return
        stated = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if math.isfinite(stated) and self._index_in_pass < stated * (1 - _MISSING_SHARE) - 1:
            note = (
                f"the file states {stated:.0f} frames but only {self._index_in_pass} could be decoded: "
                "its end is damaged or cut off"
            )
            if note not in self._notes:
                self._notes = (*self._notes, note)


class ImageFolder:
    """The pictures of a folder, in order of their names (numbers by value), at a given rate.

    Args:
        path: the folder.
        rate: frames per second, over 0.
        real_time, loop, start_ns, clock, sleep: as for :class:`VideoFile`.
    """

    live = False

    def __init__(
        self,
        path: str | Path,
        rate: float = _DEFAULT_RATE,
        real_time: bool = False,
        loop: bool = False,
        start_ns: int | None = None,
        clock: Clock = time.time_ns,
        sleep: Sleep = time.sleep,
    ) -> None:
        if not (math.isfinite(rate) and 0.0 < rate <= _LARGEST_RATE):
            raise SourceError(f"{path}: rate must be over 0 and at most {_LARGEST_RATE:g} fps, got {rate}")
        self._path = Path(path)
        self._rate = rate
        self._loop = loop
        self._pace = _Pace(start_ns, real_time, clock, sleep)
        self._files: list[Path] = []
        self._next = 0
        self._position = 0
        self._index = 0
        self._notes: tuple[str, ...] = ()
        self._granted: CaptureMode | None = None

    @property
    def name(self) -> str:
        """What messages call it: the path."""
        return str(self._path)

    @property
    def requested(self) -> CaptureMode:
        """What was asked for."""
        return CaptureMode(rate=self._rate)

    @property
    def granted(self) -> CaptureMode | None:
        """What it delivers; None before it was opened."""
        return self._granted

    @property
    def notes(self) -> tuple[str, ...]:
        """What an engineer should know of it."""
        return self._notes

    def open(self) -> None:
        """List the pictures and decode the first; raises SourceError if there is none that can be decoded."""
        self.close()
        if not self._path.is_dir():
            raise SourceError(f"{self._path}: no such folder")
        self._files = sorted(
            (path for path in self._path.iterdir() if path.suffix.lower() in PICTURES and path.is_file()),
            key=_natural_order,
        )
        if not self._files:
            raise SourceError(f"{self._path}: no pictures in this folder; read are {', '.join(PICTURES)}")
        first = next((image for image in map(_load, self._files) if image is not None), None)
        if first is None:
            raise SourceError(f"{self._path}: none of the {len(self._files)} pictures can be decoded")
        self._granted = CaptureMode(first.shape[1], first.shape[0], self._rate)
        self._notes = ()
        self._next = self._position = self._index = 0
        self._pace.begin()

    def read(self) -> Frame | None:
        """The next picture, when it is due.

        None at the end. One that cannot be decoded is left out and noted.
        """
        while self._files:
            if self._next == len(self._files):
                if not self._loop:
                    return None
                self._next = 0
            path = self._files[self._next]
            image = _load(path)
            self._next += 1
            stamp_ns = self._pace.start_ns + round(self._position * 1e9 / self._rate)
            self._position += 1
            if image is None:
                note = f"{path.name} cannot be decoded and is left out"
                if note not in self._notes:
                    self._notes = (*self._notes, note)
                if all(
                    f"{file.name} cannot be decoded and is left out" in self._notes for file in self._files
                ):
                    raise SourceError(f"{self._path}: none of the pictures can be decoded any more")
                continue
            frame = Frame(image, stamp_ns, self._index, self.name)
            self._index += 1
            self._pace.wait(stamp_ns)
            return frame
        return None

    def close(self) -> None:
        """Let go of it; harmless if not open."""
        self._files = []


def check_file(path: Path) -> None:
    """Raise SourceError, naming the file, unless it is a readable file with something in it."""
    if path.is_dir():
        raise SourceError(f"{path}: is a folder, not a file")
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path}: may not be read (permissions)")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty")


def _open_video(path: str) -> VideoCapture:
    with quiet_opencv():
        return cast(VideoCapture, cv2.VideoCapture(path))


def _load(path: Path) -> Image | None:
    with quiet_opencv():
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if image is None else image.astype("uint8", copy=False)


def _natural_order(path: Path) -> list[tuple[int, int, str]]:
    """Sorts frame_2 before frame_10."""
    parts = re.split(r"(\d+)", path.name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
