"""What one camera saw of one person, asked for at another camera's time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.perception.landmarks2d import Landmarks2D

FloatArray = NDArray[np.float64]

_SAME_NS = 1_000
"""Stamps that differ by less are one."""
_WHITE_NOISE = 0.7
"""Noise of landmarks from frame to frame, px (BlazePose full, 640x480: 0.5 to 0.8); extrapolation multiplies it."""
_SLACK = 1.25
"""A frame's time may jitter by this factor."""


@dataclass(frozen=True)
class TimeSettings:
    """How far a camera's landmarks may be carried to another time.

    Attributes:
        longest_gap_s: frames farther apart are not connected, s.
        farthest_s: nothing is carried farther than this beyond the newest frame, s; nor than one frame of the camera.
        memory_s: older frames are forgotten, s.
    """

    longest_gap_s: float = 0.25
    farthest_s: float = 0.12
    memory_s: float = 0.6


class LandmarkTrack:
    """The last moments of one person in one camera.

    Args:
        settings: see `TimeSettings`.
    """

    def __init__(self, settings: TimeSettings | None = None) -> None:
        self._settings = settings or TimeSettings()
        self._frames: deque[Landmarks2D] = deque()

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest frame, ns; None before the first."""
        return self._frames[-1].stamp_ns if self._frames else None

    @property
    def period_s(self) -> float:
        """Typical time between two frames, s; that of 30 frames/s while it is not known."""
        stamps = np.array([frame.stamp_ns for frame in self._frames][-9:], dtype=np.int64)
        return float(np.median(np.diff(stamps))) * 1e-9 if len(stamps) > 1 else 1.0 / 30.0

    def add(self, landmarks: Landmarks2D) -> bool:
        """Takes the next frame; false, and nothing changed, if it is not newer than the last."""
        newest = self.newest_ns
        if newest is not None and landmarks.stamp_ns <= newest:
            return False
        if newest is not None and landmarks.topology is not self._frames[-1].topology:
            self._frames.clear()
        self._frames.append(landmarks)
        while landmarks.stamp_ns - self._frames[0].stamp_ns > self._settings.memory_s * 1e9:
            self._frames.popleft()
        return True

    def at(self, stamp_ns: int) -> Landmarks2D | None:
        """The landmarks at a time: between two frames, or up to one frame's time beyond the newest.

        Linear; what a bent course may differ from it by is added to `spread`, so that the fit trusts it less.
        None before the first frame, too far beyond the last, or within a gap.
        """
        frames = list(self._frames)
        for i in range(len(frames) - 1, -1, -1):
            if abs(frames[i].stamp_ns - stamp_ns) <= _SAME_NS:
                return frames[i]
            if frames[i].stamp_ns < stamp_ns:
                return self._after(frames, i, stamp_ns)
        return None

    def _after(self, frames: list[Landmarks2D], i: int, stamp_ns: int) -> Landmarks2D | None:
        settings, newest = self._settings, i == len(frames) - 1
        if newest:
            beyond = (stamp_ns - frames[i].stamp_ns) * 1e-9
            if i == 0 or beyond > min(self.period_s * _SLACK, settings.farthest_s):
                return None
            i -= 1
        first, second = frames[i], frames[i + 1]
        length = (second.stamp_ns - first.stamp_ns) * 1e-9
        if length > settings.longest_gap_s:
            return None
        share = (stamp_ns - first.stamp_ns) * 1e-9 / length
        bend = self._acceleration(frames, i)
        # the error of a straight line through two points of a parabola
        error = 0.5 * bend * abs(share * (1.0 - share)) * length**2
        if newest:
            error = error + _WHITE_NOISE * (share - 1.0)
        return _between(first, second, share, error, stamp_ns)

    def _acceleration(self, frames: list[Landmarks2D], i: int) -> FloatArray:
        """(N,) size of the acceleration around frames i and i + 1, px/s^2; 0 where it cannot be told."""
        around = range(max(i - 1, 0), min(i + 3, len(frames)))
        if len(around) < 3:
            return np.zeros(len(frames[i].pixels))
        a, b, c = (frames[k] for k in list(around)[:3])
        h, k = (b.stamp_ns - a.stamp_ns) * 1e-9, (c.stamp_ns - b.stamp_ns) * 1e-9
        if max(h, k) > self._settings.longest_gap_s:
            return np.zeros(len(a.pixels))
        bend = 2.0 * ((c.pixels - b.pixels) / k - (b.pixels - a.pixels) / h) / (h + k)
        size: FloatArray = np.linalg.norm(np.nan_to_num(bend), axis=1)
        return size


def _between(
    first: Landmarks2D, second: Landmarks2D, share: float, error: FloatArray, stamp_ns: int
) -> Landmarks2D:
    nearest = first if share < 0.5 else second

    def mix(a: FloatArray, b: FloatArray) -> FloatArray:
        return a + share * (b - a)

    def probability(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.clip(mix(a, b), 0.0, 1.0)

    spread = np.fmax(first.spread, second.spread)
    with np.errstate(invalid="ignore"):
        spread = np.where(np.isfinite(spread), np.hypot(spread, error), np.where(error > 1.0, error, np.nan))
    depth = depth_std = None
    if first.measured_depth is not None and second.measured_depth is not None:
        depth = mix(first.measured_depth, second.measured_depth)
        if first.measured_depth_std is not None and second.measured_depth_std is not None:
            moved = np.abs(second.measured_depth - first.measured_depth) * abs(share * (1.0 - share))
            depth_std = np.hypot(np.fmax(first.measured_depth_std, second.measured_depth_std), moved)
    return replace(
        nearest,
        stamp_ns=stamp_ns,
        pixels=mix(first.pixels, second.pixels),
        depth=mix(first.depth, second.depth),
        visibility=probability(first.visibility, second.visibility),
        presence=probability(first.presence, second.presence),
        world=mix(first.world, second.world),
        spread=spread,
        score=float(np.clip(first.score + share * (second.score - first.score), 0.0, 1.0)),
        measured_depth=depth,
        measured_depth_std=depth_std,
        mask=None,
    )
