"""How the handle of a simulated machine moves: along the truth of a clip, or after a person."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

NANOSECONDS = 1_000_000_000
LONGEST_M = 50.0
"""No cable is longer."""
SHORTEST_STEP_S = 0.0001
"""No camera is faster."""


@dataclass(frozen=True)
class CableState:
    """The cable at one moment.

    Attributes:
        out_m: cable that is out, from the rest position.
        speed_m_s: positive when it is pulled out.
        acceleration_m_s2: the same way.
    """

    out_m: float
    speed_m_s: float
    acceleration_m_s2: float


class Motion(Protocol):
    """Anything that knows how far the cable is out."""

    @property
    def pulley_m(self) -> tuple[float, float, float]:
        """Where the cable leaves the machine, base frame, m; NaN if not known."""

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last stamp of a motion that is known as a whole; None for one that is being made."""

    def at(self, stamp_ns: int) -> CableState | None:
        """The cable at a time; None if that is not known."""

    def course(self, first_ns: int, step_ns: int, count: int) -> FloatArray:
        """(count, 3) way out, speed, acceleration at ``first_ns + i step_ns``; the last known if it is not known."""


class TrackMotion:
    """The handle goes where a recorded track says: natural cubic spline through its samples.

    Before the first and after the last sample the handle stands still.
    """

    def __init__(
        self, times_s: FloatArray, handle_m: FloatArray, pulley_m: FloatArray, start_ns: int = 0
    ) -> None:
        """Prepare a track.

        Args:
            times_s: (N,) rising, N at least 3.
            handle_m: (N, 3) end of the cable, base frame, m.
            pulley_m: (3,) where the cable leaves the machine, base frame, m.
            start_ns: stamp of time 0.

        Raises:
            ValueError: shapes do not fit, times do not rise, a value is not finite, or the cable is too long.
        """
        if (
            times_s.ndim != 1
            or len(times_s) < 3
            or handle_m.shape != (len(times_s), 3)
            or pulley_m.shape != (3,)
        ):
            raise ValueError(
                "TrackMotion: expected (N,), (N, 3), (3,) with N >= 3; "
                f"got {times_s.shape}, {handle_m.shape}, {pulley_m.shape}"
            )
        if not (np.isfinite(times_s).all() and np.isfinite(handle_m).all() and np.isfinite(pulley_m).all()):
            raise ValueError("TrackMotion: times, handle and pulley must be finite")
        if (np.diff(times_s) < SHORTEST_STEP_S).any():
            raise ValueError(f"TrackMotion: times must rise, by {SHORTEST_STEP_S:g} s or more")
        self._times = times_s
        farthest = float(np.abs(handle_m - pulley_m).max())
        if farthest > LONGEST_M:
            raise ValueError(
                f"TrackMotion: the handle must stay within {LONGEST_M:g} m of the pulley, got {farthest:g}"
            )
        length = np.linalg.norm(handle_m - pulley_m, axis=1)
        self.rest_length_m = float(length.min())
        """Length of the cable at the rest position: the shortest of the track."""
        self._out = length - self.rest_length_m
        self._curvature = _natural_spline(times_s, self._out)
        self._start_ns = start_ns
        self._pulley = (float(pulley_m[0]), float(pulley_m[1]), float(pulley_m[2]))

    @property
    def pulley_m(self) -> tuple[float, float, float]:
        """Where the cable leaves the machine, base frame, m."""
        return self._pulley

    @property
    def duration_s(self) -> float:
        """Time of the last sample, s."""
        return float(self._times[-1])

    @property
    def span_ns(self) -> tuple[int, int]:
        """Stamps of the first and the last sample."""
        first, last = (self._start_ns + round(float(t) * NANOSECONDS) for t in self._times[[0, -1]])
        return first, last

    def at(self, stamp_ns: int) -> CableState:
        """The cable at a time."""
        out, speed, acceleration = self.course(stamp_ns, 1, 1)[0]
        return CableState(float(out), float(speed), float(acceleration))

    def course(self, first_ns: int, step_ns: int, count: int) -> FloatArray:
        """(count, 3) way out, speed and acceleration at ``first_ns + i step_ns``."""
        times, values, curvature = self._times, self._out, self._curvature
        t = (first_ns - self._start_ns + step_ns * np.arange(count)) / NANOSECONDS
        i = np.clip(np.searchsorted(times, t, side="right") - 1, 0, len(times) - 2)
        h = times[i + 1] - times[i]
        b = (np.clip(t, times[0], times[-1]) - times[i]) / h
        a = 1.0 - b
        y0, y1, c0, c1 = values[i], values[i + 1], curvature[i], curvature[i + 1]
        moves = (t >= times[0]) & (t <= times[-1])
        return np.stack(
            [
                a * y0 + b * y1 + ((a**3 - a) * c0 + (b**3 - b) * c1) * h * h / 6.0,
                moves * ((y1 - y0) / h + ((3.0 * b * b - 1.0) * c1 - (3.0 * a * a - 1.0) * c0) * h / 6.0),
                moves * (a * c0 + b * c1),
            ],
            axis=1,
        )


def _natural_spline(x: FloatArray, y: FloatArray) -> FloatArray:
    """(N,) second derivatives of the natural cubic spline through (x, y), by Thomas' algorithm."""
    n = len(x)
    h = np.diff(x)
    right = 6.0 * np.diff(np.diff(y) / h)
    diagonal = 2.0 * (h[:-1] + h[1:])
    for i in range(1, n - 2):
        share = h[i] / diagonal[i - 1]
        diagonal[i] -= share * h[i]
        right[i] -= share * right[i - 1]
    curvature = np.zeros(n)
    for i in range(n - 3, -1, -1):
        following = h[i + 1] * curvature[i + 2] if i < n - 3 else 0.0
        curvature[i + 1] = (right[i] - following) / diagonal[i]
    return curvature


class LiveMotion:
    """The handle follows a progress signal, such as the form state of somebody in front of a real camera.

    An alpha-beta-gamma tracker turns the signal, which comes at the camera's rate and late, into position,
    speed and acceleration; between two updates the motion goes on at constant speed for at most `HORIZON_S`.
    """

    HORIZON_S = 0.15
    STALE_S = 0.5
    """Without an update for so long the position is not known."""
    RESTART_AFTER = 3
    """So many updates in a row that rise, but are older than the newest, mean that the clock was set back."""
    ALPHA, BETA, GAMMA = 0.6, 0.25, 0.05
    SHORTEST_S = 1.0 / 250.0
    """Updates that are closer together count as so far apart: their noise would else be taken for speed."""
    FASTEST_M_S, HARDEST_M_S2 = 8.0, 80.0
    """More than an arm does (a thrown medicine ball, a punch)."""
    PROGRESS = (-0.5, 1.5)
    """What lies outside is cut: nobody goes so far beyond a full range."""

    def __init__(
        self, travel_m: float = 0.5, pulley_m: tuple[float, float, float] = (math.nan, math.nan, math.nan)
    ) -> None:
        """Prepare.

        Args:
            travel_m: cable that is out at progress 1; negative if the start position has it out (a squat with
                a belt), which then is at ``-travel_m``.
            pulley_m: base frame, m.

        Raises:
            ValueError: `travel_m` is zero or not finite.
        """
        if not math.isfinite(travel_m) or travel_m == 0.0:
            raise ValueError(f"LiveMotion: travel_m must be finite and not 0, got {travel_m}")
        self._travel = travel_m
        self._pulley = pulley_m
        self._state: CableState | None = None
        self._stamp_ns = 0
        self._older = 0
        self._heard_ns = 0

    @property
    def pulley_m(self) -> tuple[float, float, float]:
        """Where the cable leaves the machine, base frame, m; NaN if not known."""
        return self._pulley

    @property
    def span_ns(self) -> None:
        """Nothing is known of the future."""
        return None

    def follow(self, progress: float, stamp_ns: int) -> None:
        """Take an update; NaN and updates that are not newer than the last one are ignored.

        If the clock was set back, or one update had a stamp from the future, the motion begins anew at the third of
        the following ones.

        Args:
            progress: 0 start position to 1 full range.
            stamp_ns: acquisition time of the frame it comes from.
        """
        if not math.isfinite(progress):
            return
        progress = min(max(progress, self.PROGRESS[0]), self.PROGRESS[1])
        out = self._travel * progress + (-self._travel if self._travel < 0 else 0.0)
        old = self._state
        dt = (stamp_ns - self._stamp_ns) / NANOSECONDS
        rises, self._heard_ns = stamp_ns > self._heard_ns, stamp_ns
        if old is None or dt > self.STALE_S:
            self._begin(out, stamp_ns)
            return
        if dt <= 0.0:
            self._older = self._older + 1 if rises or self._older == 0 else 1
            if self._older >= self.RESTART_AFTER and dt < 0.0:
                self._begin(out, stamp_ns)
            return
        predicted = old.out_m + old.speed_m_s * dt + 0.5 * old.acceleration_m_s2 * dt * dt
        residual = out - predicted
        apart = max(dt, self.SHORTEST_S)
        speed = old.speed_m_s + old.acceleration_m_s2 * dt + self.BETA * residual / apart
        acceleration = old.acceleration_m_s2 + 2.0 * self.GAMMA * residual / (apart * apart)
        self._state = CableState(
            predicted + self.ALPHA * residual,
            min(max(speed, -self.FASTEST_M_S), self.FASTEST_M_S),
            min(max(acceleration, -self.HARDEST_M_S2), self.HARDEST_M_S2),
        )
        self._stamp_ns, self._older = stamp_ns, 0

    def _begin(self, out_m: float, stamp_ns: int) -> None:
        self._state, self._stamp_ns, self._older = CableState(out_m, 0.0, 0.0), stamp_ns, 0

    def at(self, stamp_ns: int) -> CableState | None:
        """The cable at a time; None before the first update and when the last one is too old or not yet due."""
        if self._state is None:
            return None
        dt = (stamp_ns - self._stamp_ns) / NANOSECONDS
        if abs(dt) > self.STALE_S:
            return None
        return self._after(dt, self._state)

    def course(self, first_ns: int, step_ns: int, count: int) -> FloatArray:
        """(count, 3) way out, speed and acceleration at ``first_ns + i step_ns``; stands still where not known.

        Raises:
            ValueError: there was no update yet.
        """
        if self._state is None:
            raise ValueError("LiveMotion: nothing is known before the first update")
        rows = np.zeros((count, 3))
        for i in range(count):
            state = self._after((first_ns + i * step_ns - self._stamp_ns) / NANOSECONDS, self._state)
            rows[i] = state.out_m, state.speed_m_s, state.acceleration_m_s2
        return rows

    def _after(self, dt: float, state: CableState) -> CableState:
        if dt > self.HORIZON_S:
            return CableState(state.out_m + state.speed_m_s * self.HORIZON_S, 0.0, 0.0)
        return CableState(
            state.out_m + state.speed_m_s * max(dt, 0.0), state.speed_m_s, state.acceleration_m_s2
        )
