"""A finished movement of the handle, measured from the nodes of its track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.exercise.results import RepetitionReason, RepetitionStatus
from kinecue.machine.samples import CableSide
from kinecue.training.derivatives import smooth_course

FloatArray = NDArray[np.float64]

_NS = 1_000_000_000
_ENDS = 0.03
"""Share of the range within which a movement has not begun or is over."""
_STILL = 0.05
"""Slower than this share of the fastest is no part of the lift at its ends."""
_PAUSE = 0.2
"""Standing still within this share of the way from either end is a pause, not a part of the lift."""
_GAP_S = 0.1
"""Velocities inside longer gaps are not told."""


@dataclass(frozen=True)
class HandleRepetition:
    """A finished movement of the handle, counted or not. Stamps by the machine's clock, ns.

    Attributes:
        status, reason: what became of it.
        start_ns, turn_ns, end_ns: leaving the start position, farthest point, return (or breaking off).
        concentric_start_ns, concentric_end_ns: between which the load was lifted, pauses at its ends left out.
        range_m: way from the start position to the farthest point, m, positive.
        direction: 1 if the way out of the start position raises the reading, -1 if it lowers it.
        side: which cable.
        times_ns: (N,) int64, rising, over the whole movement and a little beyond both ends.
        positions_m: (N,) as the sensor reads, but continuous over counters that began anew, m.
        velocities_m_s: (N,) of `positions_m`, m/s; NaN in gaps.
        gap_s: longest time without a reading in it, s.
    """

    status: RepetitionStatus
    reason: RepetitionReason
    start_ns: int
    turn_ns: int
    end_ns: int
    concentric_start_ns: int
    concentric_end_ns: int
    range_m: float
    direction: int
    side: CableSide
    times_ns: NDArray[np.int64]
    positions_m: FloatArray
    velocities_m_s: FloatArray
    gap_s: float = 0.0

    @property
    def concentric(self) -> slice:
        """The lift, of the arrays."""
        first, last = np.searchsorted(
            self.times_ns, [self.concentric_start_ns, self.concentric_end_ns + 1]
        ).tolist()
        return slice(first, last)


def measure(
    stamps_ns: Sequence[int],
    positions_m: Sequence[float],
    bridged: Sequence[bool],
    status: RepetitionStatus,
    reason: RepetitionReason,
    *,
    base: float,
    direction: int,
    eccentric_first: bool,
    side: CableSide,
) -> HandleRepetition:
    """The movement in a piece of track (at least one node) that begins and ends in the start position.

    Args:
        stamps_ns, positions_m, bridged: (N,) of the nodes.
        base: start position times direction, m.
    """
    times = np.array(stamps_ns, np.int64)
    x = np.array(positions_m)
    y = direction * x
    measured = ~np.array(bridged, bool)
    peak = int(np.argmax(y))
    way = max(float(y[peak]) - base, 0.0)
    low_before = float(y[: peak + 1].min())
    low_after = float(y[peak:].min())
    # who lets go goes beyond the start position, who never came back does not reach it
    leaving = max(base, low_before) + _ENDS * way
    back = max(base, low_after) + _ENDS * way
    start = int(np.flatnonzero(y[: peak + 1] <= leaving)[-1])
    end = peak + int(np.flatnonzero(y[peak:] <= back)[0])
    seconds = (times - times[0]) / _NS
    velocity = _velocity(seconds, x, measured)
    lift = slice(peak, end + 1) if eccentric_first else slice(start, peak + 1)
    lifts = float(-direction if eccentric_first else direction)
    first, last = _trimmed(lifts * x[lift], lifts * velocity[lift])
    gaps = np.diff(seconds[measured])
    return HandleRepetition(
        status,
        reason,
        int(times[start]),
        int(times[peak]),
        int(times[end]),
        int(times[lift.start + first]),
        int(times[lift.start + last]),
        way,
        direction,
        side,
        times,
        x,
        velocity,
        float(gaps.max(initial=0.0)),
    )


def _velocity(seconds: FloatArray, x: FloatArray, measured: NDArray[np.bool_]) -> FloatArray:
    course = smooth_course(seconds[measured], x[measured])
    if course is None:
        return np.full(len(x), np.nan)
    good = np.isfinite(course.speed)
    if not good.any():
        return np.full(len(x), np.nan)
    velocity = np.interp(seconds, course.times_s[good], course.speed[good])
    known = seconds[measured]
    after = np.clip(np.searchsorted(known, seconds), 1, max(len(known) - 1, 1))
    missing = known[after] - known[after - 1] > _GAP_S if len(known) > 1 else np.ones(len(x), bool)
    return np.where(missing & ~measured, np.nan, velocity)


def _trimmed(height: FloatArray, speed: FloatArray) -> tuple[int, int]:
    """First and last index of the lift in its half of the movement: without the pauses at both ends.

    A pause in between belongs to the lift: a sticking point.
    """
    speed = np.nan_to_num(speed, nan=0.0)
    way = float(height[-1] - height[0])
    if way <= 0.0:
        return 0, len(speed) - 1
    share = (height - height[0]) / way
    fastest = int(np.argmax(speed))
    slow = speed < _STILL * float(speed[fastest])
    before = np.flatnonzero(slow[: fastest + 1] & (share[: fastest + 1] < _PAUSE))
    after = np.flatnonzero(slow[fastest:] & (share[fastest:] > 1.0 - _PAUSE))
    first = int(before[-1]) if len(before) else 0
    return first, fastest + int(after[0]) if len(after) else len(speed) - 1
