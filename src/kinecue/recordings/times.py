"""When the frames of a file were taken: columns of all kinds to nanoseconds."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinecue.recordings.errors import RecordingError

DEFAULT_RATE = 30.0
_TIME = re.compile(
    r"(?i)^(?:time|times|timestamps?|t|stamp|video_?time|sec|secs|seconds|elapsed)"
    r"(?:[_ \[(]*(s|sec|seconds|ms|msec|us|ns)[\])]?)?$"
)
_FRAME = re.compile(r"(?i)^(?:frame|frames|frame_?(?:no|nr|num|number|idx|index|id)|#?frame#?|idx|index)$")
_SCALE = {"s": 1e9, "sec": 1e9, "seconds": 1e9, "ms": 1e6, "msec": 1e6, "us": 1e3, "ns": 1.0}
_SLOWEST_S, _FASTEST_S = 0.5, 0.0005
"""Two frames are taken to be at most and at least this far apart, s: the units of an unmarked time follow."""


def time_column(names: list[str]) -> tuple[int, float] | None:
    """Column of the time and nanoseconds in its unit (NaN: to be told from the numbers); None without."""
    for i, name in enumerate(names):
        match = _TIME.match(name.strip())
        if match:
            return i, _SCALE.get((match.group(1) or "").lower(), math.nan)
    return None


def frame_column(names: list[str]) -> int | None:
    """Column of the number of the frame; None without."""
    return next((i for i, name in enumerate(names) if _FRAME.match(name.strip())), None)


def stamps_of_times(path: Path, times: NDArray[np.float64], scale: float = math.nan) -> NDArray[np.int64]:
    """Nanoseconds from the first frame on.

    Args:
        path: of the file, for errors.
        times: (T,) in one unit.
        scale: nanoseconds in that unit; NaN = the one of s, ms, us and ns that gives a plausible frame rate.

    Raises:
        RecordingError: not numbers, or no unit makes sense.
    """
    if not np.isfinite(times).all():
        raise RecordingError(path, "time", "must be a number in every row")
    if math.isnan(scale):
        steps = np.diff(np.unique(times))
        step = float(np.median(steps)) if len(steps) else 1.0
        fitting = [s for s in (1e9, 1e6, 1e3, 1.0) if _FASTEST_S <= step * s * 1e-9 <= _SLOWEST_S]
        if not fitting:
            raise RecordingError(
                path, "time", f"steps of {step:g} are no frame rate in s, ms, us or ns; give --fps"
            )
        scale = fitting[0]
    result: NDArray[np.int64] = np.round((times - times[0]) * scale).astype(np.int64)
    return result


def stamps_of_frames(path: Path, frames: NDArray[np.float64], rate: float) -> NDArray[np.int64]:
    """Nanoseconds from the first frame on, at `rate` frames per second.

    Raises:
        RecordingError: not numbers.
    """
    if not np.isfinite(frames).all():
        raise RecordingError(path, "frame", "must be a number in every row")
    result: NDArray[np.int64] = np.round((frames - frames[0]) * 1e9 / rate).astype(np.int64)
    return result


def evenly(count: int, rate: float) -> NDArray[np.int64]:
    """(T,) nanoseconds of frames at `rate` per second."""
    result: NDArray[np.int64] = np.round(np.arange(count) * 1e9 / rate).astype(np.int64)
    return result


def assumed_rate(rate: float, stated: float = math.nan) -> tuple[float, tuple[str, ...]]:
    """Frames per second: as given, else as stated in the file, else assumed, with a note."""
    for known in (rate, stated):
        if math.isfinite(known) and known > 0:
            return known, ()
    return DEFAULT_RATE, (
        f"the file has no times: {DEFAULT_RATE:g} frames per second are assumed; give --fps",
    )
