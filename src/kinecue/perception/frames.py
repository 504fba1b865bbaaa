"""Where frames come from: what a frame is and what every source of frames can do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_SILENT = 0
"""cv::utils::logging::LOG_LEVEL_SILENT."""
_RATE_TOLERANCE = 0.02
"""Relative difference of rates that is not worth a word (29.97 for 30)."""


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        image: (H, W, 3) uint8 BGR, read-only, because it is shared by reference.
        stamp_ns: acquisition time, nanoseconds.
        index: number of the picture since the source was opened, from 0; goes on over loops.
        source: name of the source.
    """

    image: Image
    stamp_ns: int
    index: int
    source: str

    def __post_init__(self) -> None:
        self.image.flags.writeable = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True)
class CaptureMode:
    """How a source delivers, or should.

    Attributes:
        width, height: px; 0 if it does not matter or is not known.
        rate: frames per second; NaN if it does not matter or is not known.
        fourcc: pixel format, such as MJPG; empty if it does not matter or is not known.
        exposure: seconds; NaN for automatic or not known.
    """

    width: int = 0
    height: int = 0
    rate: float = math.nan
    fourcc: str = ""
    exposure: float = math.nan

    def differences(self, granted: CaptureMode) -> tuple[str, ...]:
        """Where `granted` is not what this asks for, in words such as "requested 200 fps and got 60"."""
        words = []
        if self.width and self.height and (self.width, self.height) != (granted.width, granted.height):
            words.append(f"requested {self.width}x{self.height} and got {granted.width}x{granted.height}")
        if _differ(self.rate, granted.rate):
            words.append(f"requested {self.rate:g} fps and got {_number(granted.rate)}")
        if self.fourcc and self.fourcc != granted.fourcc:
            words.append(f"requested format {self.fourcc} and got {granted.fourcc or 'an unknown one'}")
        if _differ(self.exposure, granted.exposure):
            words.append(f"requested exposure {self.exposure:g} s and got {_number(granted.exposure)}")
        return tuple(words)


def _differ(requested: float, granted: float) -> bool:
    if math.isnan(requested):
        return False
    return math.isnan(granted) or abs(granted - requested) > _RATE_TOLERANCE * abs(requested)


def _number(value: float) -> str:
    return "an unknown one" if math.isnan(value) else f"{value:g}"


class FrameSource(Protocol):
    """A camera, a video, a folder of pictures.

    `open` before `read`; a closed source can be opened again. Not thread-safe: one thread reads.
    """

    @property
    def name(self) -> str:
        """What messages call it: the device or the path."""

    @property
    def live(self) -> bool:
        """Frames that are not read in time are gone, and a lost device may come back."""

    @property
    def requested(self) -> CaptureMode:
        """What was asked for."""

    @property
    def granted(self) -> CaptureMode | None:
        """What the source delivers; None before it was opened for the first time."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What an engineer should know: requests not granted, pictures that could not be decoded."""

    def open(self) -> None:
        """Get ready to read.

        Raises:
            SourceError: not there, not readable, or nothing that can be decoded.
        """

    def read(self) -> Frame | None:
        """The next frame; None at the end.

        Raises:
            SourceError: the device is gone.
        """

    def close(self) -> None:
        """Let go of the device or file; harmless if not open."""


class VideoCapture(Protocol):
    """The part of ``cv2.VideoCapture`` that is used."""

    def isOpened(self) -> bool:  # noqa: N802, OpenCV's name
        """Whether there is anything to read."""

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Whether it worked, and the picture."""

    def get(self, prop: int, /) -> float:
        """A property, 0 if not supported."""

    def set(self, prop: int, value: float, /) -> bool:
        """Ask for a property; whether the backend took it."""

    def release(self) -> None:
        """Let go of device or file."""


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's own warnings off the terminal: what they say is raised as an error."""
    opencv: Any = cv2
    logging = opencv if hasattr(opencv, "setLogLevel") else opencv.utils.logging  # OpenCV 4, OpenCV 5
    before = logging.getLogLevel()
    logging.setLogLevel(_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
