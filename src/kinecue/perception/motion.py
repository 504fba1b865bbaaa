"""How somebody moves in the picture: on the spot or walking, and whether two move as one and its reflection."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

WINDOW_NS = 3_000_000_000
"""About one repetition."""
_SAMPLE_NS = 60_000_000
_FEWEST = 8
_LIVELY = 0.05
"""Standard deviation of heights, in sizes, of somebody who exercises without doubt: a biceps curl's wrists over the mean."""
_TRAVEL = 0.6
"""Way sideways, or growth, over the window, in sizes, of somebody who is no more on the spot."""
_WALKING_SPEED = 0.35
"""Sizes per second; 1 m/s of somebody 1.7 m tall, half of it towards the camera."""
_WALKING_NS = 700_000_000
_MIRRORED_NS = 1_500_000_000
_LEAST_MOTION = 0.025
_AS_ONE = 0.95
_SMALLER = 0.9
_SWAPPED = [0, 1, 3, 2, 5, 4]
"""Rows of the other side's wrist and knee."""


class MotionHistory:
    """The last seconds of somebody's motion in the picture; unit is the picture's height or width, whatever is given."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, float, float, FloatArray]] = deque()

    def add(self, stamp_ns: int, across: float, size: float, heights: FloatArray) -> None:
        """One more picture.

        Args:
            stamp_ns: later than the last one; others, and those closer than 60 ms, are left out.
            across: place sideways, share of the picture's width.
            size: of the body, share of the picture's height.
            heights: (6,) of mid-shoulder, mid-hip, left and right wrist, left and right knee, share of its height.
        """
        if self._samples and stamp_ns - self._samples[-1][0] < _SAMPLE_NS:
            return
        self._samples.append((stamp_ns, across, size, heights))
        while stamp_ns - self._samples[0][0] > WINDOW_NS:
            self._samples.popleft()

    def exercise(self, now_ns: int) -> float:
        """0 to 1, how much somebody moves up and down on the spot."""
        lately = [s for s in self._samples if now_ns - s[0] <= WINDOW_NS]
        if len(lately) < _FEWEST:
            return 0.0
        size = max(s[2] for s in lately)
        activity = _activity(np.array([s[3] for s in lately])) / size
        growth = max(s[2] for s in lately) / min(s[2] for s in lately)
        travel = _range([s[1] for s in lately]) / size + 0.5 * max(growth - 1.8, 0.0)
        return min(activity / _LIVELY, 1.0) * math.exp(-((travel / _TRAVEL) ** 2))

    def walking(self, now_ns: int) -> bool:
        """Whether somebody goes sideways now."""
        lately = [s for s in self._samples if now_ns - s[0] <= _WALKING_NS]
        if len(lately) < 4:
            return False
        seconds = (lately[-1][0] - lately[0][0]) * 1e-9
        way = abs(lately[-1][1] - lately[0][1]) / max(s[2] for s in lately)
        return seconds > 0.2 and way / seconds > _WALKING_SPEED

    def since(self, begin_ns: int) -> dict[int, tuple[float, FloatArray]]:
        """Stamp to size and heights."""
        return {stamp: (size, heights) for stamp, _, size, heights in self._samples if stamp >= begin_ns}


def is_reflection(larger: MotionHistory, smaller: MotionHistory, now_ns: int) -> bool:
    """Whether a smaller figure moves up and down exactly as a larger one does, as in a mirror.

    Which side is which may be swapped. False while there is too little motion to tell.
    """
    first, second = larger.since(now_ns - WINDOW_NS), smaller.since(now_ns - WINDOW_NS)
    stamps = sorted(first.keys() & second.keys())
    if len(stamps) < _FEWEST or stamps[-1] - stamps[0] < _MIRRORED_NS:
        return False
    sizes = [max(side[stamp][0] for stamp in stamps) for side in (first, second)]
    if sizes[1] > _SMALLER * sizes[0]:
        return False
    a, b = (
        np.array([side[s][1] for s in stamps]) / size
        for side, size in zip((first, second), sizes, strict=True)
    )
    return any(_move_as_one(a, b[:, rows]) for rows in (list(range(6)), _SWAPPED))


def _move_as_one(a: FloatArray, b: FloatArray) -> bool:
    known = np.isfinite(a).all(0) & np.isfinite(b).all(0)
    if known.sum() < 3:
        return False
    a, b = (x[:, known] - x[:, known].mean(0) for x in (a, b))
    of_a, of_b = math.sqrt(float((a**2).mean())), math.sqrt(float((b**2).mean()))
    if min(of_a, of_b) < _LEAST_MOTION or not 0.5 < of_b / of_a < 2.0:
        return False
    return float((a * b).mean()) / (of_a * of_b) >= _AS_ONE


def _activity(heights: FloatArray) -> float:
    known = heights[:, np.isfinite(heights).all(0)]
    return float(np.sqrt(known.var(0).mean())) if known.size else 0.0


def _range(values: list[float]) -> float:
    return max(values) - min(values)
