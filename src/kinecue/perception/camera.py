"""Frames from a V4L2 camera (webcams, most UVC and CSI cameras on Linux)."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import cv2

from kinecue.perception.errors import SourceError
from kinecue.perception.frames import CaptureMode, Frame, VideoCapture, quiet_opencv

_EXPOSURE_UNIT = 1e-4
"""V4L2_CID_EXPOSURE_ABSOLUTE counts 100 microseconds."""
_MANUAL_EXPOSURE, _AUTOMATIC_EXPOSURE = 1.0, 3.0
"""V4L2_EXPOSURE_MANUAL, V4L2_EXPOSURE_APERTURE_PRIORITY."""
_OLDEST_NS = 1_000_000_000
"""A buffer's time stamp further back than this is not taken for the monotonic clock's."""

CaptureFactory = Callable[[], VideoCapture]
Clock = Callable[[], int]


class V4l2Camera:
    """A camera as a source of frames, stamped by the kernel at acquisition where the driver does that.

    Args:
        device: number (0 is /dev/video0) or path of the device.
        requested: size, rate, format and exposure to ask for; the camera grants what it can, see `granted`.
        clock: nanoseconds, for stamps.
        monotonic: nanoseconds, the clock the kernel stamps with.
        capture: opens the device, for tests.
    """

    live = True

    def __init__(
        self,
        device: int | str = 0,
        requested: CaptureMode | None = None,
        clock: Clock = time.time_ns,
        monotonic: Clock = time.monotonic_ns,
        capture: CaptureFactory | None = None,
    ) -> None:
        self._device = f"/dev/video{device}" if str(device).isdecimal() else str(device)
        self._requested = requested if requested is not None else CaptureMode()
        if self._requested.fourcc and len(self._requested.fourcc) != 4:
            raise SourceError(
                f"camera format must have four letters such as MJPG, got {self._requested.fourcc!r}"
            )
        self._clock = clock
        self._monotonic = monotonic
        self._factory = capture or (lambda: _open_device(self._device))
        self._capture: VideoCapture | None = None
        self._granted: CaptureMode | None = None
        self._index = 0
        self._last_stamp_ns = 0

    @property
    def name(self) -> str:
        """What messages call it: the device."""
        return self._device

    @property
    def requested(self) -> CaptureMode:
        """What was asked for."""
        return self._requested

    @property
    def granted(self) -> CaptureMode | None:
        """What it delivers; None before it was opened."""
        return self._granted

    @property
    def notes(self) -> tuple[str, ...]:
        """What an engineer should know of it: requests that were not granted."""
        return () if self._granted is None else self._requested.differences(self._granted)

    def open(self) -> None:
        """Open the device and set the mode.

        Raises SourceError naming the device and, if it is missing, the others.
        """
        self.close()
        capture = self._factory()
        if not capture.isOpened():
            capture.release()
            raise SourceError(
                f"camera {self._device} cannot be opened (in use by another program, or no V4L2 camera)"
            )
        self._capture = capture
        self._configure(capture)
        self._granted = self._mode(capture)

    def read(self) -> Frame | None:
        """The next frame, never None; raises SourceError when the camera is gone or delivers nothing."""
        if self._capture is None:
            raise SourceError(f"camera {self._device} is not open")
        with quiet_opencv():
            good, image = self._capture.read()
        if not good or image is None:
            raise SourceError(f"camera {self._device} stopped delivering frames (unplugged?)")
        if image.ndim != 3 or image.shape[2] != 3:
            raise SourceError(f"camera {self._device} delivers no colour pictures: {image.shape}")
        stamp_ns = max(self._stamp_ns(self._capture), self._last_stamp_ns + 1)
        frame = Frame(image, stamp_ns, self._index, self._device)
        self._last_stamp_ns = stamp_ns
        self._index += 1
        return frame

    def close(self) -> None:
        """Let go of it; harmless if not open."""
        if self._capture is not None:
            self._capture.release()
        self._capture = None

    def _configure(self, capture: VideoCapture) -> None:
        wanted = self._requested
        if wanted.fourcc:  # first: sizes and rates depend on the format
            capture.set(cv2.CAP_PROP_FOURCC, float(cv2.VideoWriter.fourcc(*wanted.fourcc)))
        if wanted.width and wanted.height:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, float(wanted.width))
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, float(wanted.height))
        if not math.isnan(wanted.rate):
            capture.set(cv2.CAP_PROP_FPS, wanted.rate)
        if math.isnan(wanted.exposure):
            capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _AUTOMATIC_EXPOSURE)
        else:
            capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _MANUAL_EXPOSURE)
            capture.set(cv2.CAP_PROP_EXPOSURE, wanted.exposure / _EXPOSURE_UNIT)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1.0)  # an older frame in the driver is only delay

    def _mode(self, capture: VideoCapture) -> CaptureMode:
        rate = capture.get(cv2.CAP_PROP_FPS)
        code = int(capture.get(cv2.CAP_PROP_FOURCC))
        letters = "".join(chr(code >> shift & 0xFF) for shift in (0, 8, 16, 24)) if code > 0 else ""
        exposure = math.nan
        if not math.isnan(self._requested.exposure):
            exposure = capture.get(cv2.CAP_PROP_EXPOSURE) * _EXPOSURE_UNIT
        return CaptureMode(
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            rate if rate > 0 else math.nan,
            letters if letters.isprintable() else "",
            exposure,
        )

    def _stamp_ns(self, capture: VideoCapture) -> int:
        now, monotonic_now = self._clock(), self._monotonic()
        acquired = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)  # the buffer's time stamp
        age = monotonic_now - acquired
        return now - age if 0 <= age <= _OLDEST_NS else now


def _open_device(device: str) -> VideoCapture:
    path = Path(device)
    if not path.exists():
        others = ", ".join(sorted(str(p) for p in Path("/dev").glob("video*"))) or "none"
        raise SourceError(f"camera {device} does not exist; cameras there: {others}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(
            f"camera {device} may not be used: add your user to the group 'video' and log in again"
        )
    with quiet_opencv():
        return cast(VideoCapture, cv2.VideoCapture(device, cv2.CAP_V4L2))
