"""Where a load was lifted within a stretch of vertical movement, how fast and how far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinecue.machine.inertial.drift import Array, VelocityTrack

SHORTEST_LIFT_M = 0.10
"""Below this it is no lift: the shortest of usual exercises (calf raise, shrug) have about 0.1 m."""
SLOWEST_PEAK_M_S = 0.08
"""A lift that grinds to its end still reaches this: minimal mean velocities of heaviest lifts are 0.1 to 0.3 m/s
(Gonzalez-Badillo and Sanchez-Medina 2010)."""
EDGE_SHARE = 0.05
"""A lift begins and ends where velocity passes this share of its peak."""
SIGMAS = 3.0
"""A lift is one whose range and peak exceed their own uncertainty by this much."""


@dataclass(frozen=True)
class Lift:
    """The way up of the load.

    Attributes:
        first, top, last: indices of its beginning, its greatest velocity and its end in the track.
        peak_m_s, peak_std_m_s: greatest velocity.
        mean_m_s, mean_std_m_s: over the lift.
        range_m, range_std_m: how far up.
    """

    first: int
    top: int
    last: int
    peak_m_s: float
    peak_std_m_s: float
    mean_m_s: float
    mean_std_m_s: float
    range_m: float
    range_std_m: float


def lifts_of(track: VelocityTrack, upward: float = 1.0, scale: float = 1.0) -> tuple[Lift, ...]:
    """The lifts of a stretch, in time.

    Args:
        track: the stretch.
        upward: +1 when the load goes up in a lift, -1 when it goes down (never so with a free weight or a stack).
        scale: of all velocities.
    """
    velocity = track.velocity * upward * scale
    std = track.velocity_std * abs(scale)
    found = []
    for first, last in _positive(velocity):
        lift = _measured(track.times_s, velocity, std, first, last)
        if lift is not None:
            found.append(lift)
    return tuple(found)


def _positive(velocity: Array) -> list[tuple[int, int]]:
    above = np.concatenate([[False], velocity > 0.0, [False]])
    edges = np.flatnonzero(np.diff(above.astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _measured(t: Array, velocity: Array, std: Array, first: int, last: int) -> Lift | None:
    if last - first < 2:
        return None
    top = first + int(np.argmax(velocity[first : last + 1]))
    peak, peak_std = float(velocity[top]), float(std[top])
    fast = np.flatnonzero(velocity[first : last + 1] >= EDGE_SHARE * peak)
    first, last = first + int(fast[0]), first + int(fast[-1])
    seconds = float(t[last] - t[first])
    if seconds <= 0.0:
        return None
    way = _area(velocity[first : last + 1], t[first : last + 1])
    # errors of neighbouring velocities are nearly the same, so that they add up as they are
    way_std = _area(std[first : last + 1], t[first : last + 1])
    if way < max(SHORTEST_LIFT_M, SIGMAS * way_std) or peak < max(SLOWEST_PEAK_M_S, SIGMAS * peak_std):
        return None
    return Lift(first, top, last, peak, peak_std, way / seconds, way_std / seconds, way, way_std)


def _area(values: Array, t: Array) -> float:
    return float(np.sum(0.5 * (values[1:] + values[:-1]) * np.diff(t)))
