"""How the handle of a simulated machine moves: along the truth of a clip, or after a person."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import ConfigError

FloatArray = NDArray[np.float64]

NANOSECONDS = 1_000_000_000


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

    def at(self, stamp_ns: int) -> CableState | None:
        """The cable at a time; None if that is not known."""


class TrackMotion:
    """The handle goes where a recorded track says: cubic spline through its samples.

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
            ValueError: shapes do not fit, times do not rise, or a value is not finite.
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
        if (np.diff(times_s) <= 0).any():
            raise ValueError("TrackMotion: times must rise")
        self._times = times_s
        length = np.linalg.norm(handle_m - pulley_m, axis=1)
        self.rest_length_m = float(length.min())
        """Length of the cable at the rest position: the shortest of the track."""
        self._out = length - self.rest_length_m
        self._curvature = _natural_spline(times_s, self._out)
        self._start_ns = start_ns
        self._pulley = (float(pulley_m[0]), float(pulley_m[1]), float(pulley_m[2]))

    @staticmethod
    def load(path: Path, start_ns: int = 0) -> TrackMotion:
        """The track in the truth file of a simulated clip (``*.truth.json``).

        Raises:
            ConfigError: the file is missing or not one.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            frames = data["frames"]
            return TrackMotion(
                np.array([f["time_s"] for f in frames], dtype=np.float64),
                np.array([f["handle_m"] for f in frames], dtype=np.float64),
                np.array(data["machine"]["pulley_m"], dtype=np.float64),
                start_ns,
            )
        except FileNotFoundError as error:
            raise ConfigError(path, "", "no such truth file") from error
        except KeyError as error:
            raise ConfigError(
                path, str(error.args[0]), "missing; expected a truth file of a simulated clip"
            ) from error
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(path, "", f"not the truth file of a simulated clip ({error})") from error

    @property
    def pulley_m(self) -> tuple[float, float, float]:
        """Where the cable leaves the machine, base frame, m."""
        return self._pulley

    @property
    def duration_s(self) -> float:
        """Time of the last sample, s."""
        return float(self._times[-1])

    def at(self, stamp_ns: int) -> CableState:
        """The cable at a time."""
        t = (stamp_ns - self._start_ns) / NANOSECONDS
        if not self._times[0] <= t <= self._times[-1]:
            return CableState(float(self._out[0] if t < self._times[0] else self._out[-1]), 0.0, 0.0)
        i = min(max(int(np.searchsorted(self._times, t, side="right")) - 1, 0), len(self._times) - 2)
        h = float(self._times[i + 1] - self._times[i])
        b = (t - float(self._times[i])) / h
        a = 1.0 - b
        y0, y1 = float(self._out[i]), float(self._out[i + 1])
        c0, c1 = float(self._curvature[i]), float(self._curvature[i + 1])
        return CableState(
            a * y0 + b * y1 + ((a**3 - a) * c0 + (b**3 - b) * c1) * h * h / 6.0,
            (y1 - y0) / h + ((3.0 * b * b - 1.0) * c1 - (3.0 * a * a - 1.0) * c0) * h / 6.0,
            a * c0 + b * c1,
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
    ALPHA, BETA, GAMMA = 0.6, 0.25, 0.05

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

    @property
    def pulley_m(self) -> tuple[float, float, float]:
        """Where the cable leaves the machine, base frame, m; NaN if not known."""
        return self._pulley

    def follow(self, progress: float, stamp_ns: int) -> None:
        """Take an update; NaN and updates that are not newer than the last one are ignored.

        Args:
            progress: 0 start position to 1 full range.
            stamp_ns: acquisition time of the frame it comes from.
        """
        if not math.isfinite(progress):
            return
        out = self._travel * progress + (-self._travel if self._travel < 0 else 0.0)
        old = self._state
        dt = (stamp_ns - self._stamp_ns) / NANOSECONDS
        if old is None or dt > self.STALE_S:
            self._state, self._stamp_ns = CableState(out, 0.0, 0.0), stamp_ns
            return
        if dt <= 0.0:
            return
        predicted = old.out_m + old.speed_m_s * dt + 0.5 * old.acceleration_m_s2 * dt * dt
        residual = out - predicted
        self._state = CableState(
            predicted + self.ALPHA * residual,
            old.speed_m_s + old.acceleration_m_s2 * dt + self.BETA * residual / dt,
            old.acceleration_m_s2 + 2.0 * self.GAMMA * residual / (dt * dt),
        )
        self._stamp_ns = stamp_ns

    def at(self, stamp_ns: int) -> CableState | None:
        """The cable at a time; None before the first update and when the last one is too old."""
        if self._state is None:
            return None
        dt = (stamp_ns - self._stamp_ns) / NANOSECONDS
        if dt > self.STALE_S:
            return None
        if dt > self.HORIZON_S:
            return CableState(self._state.out_m + self._state.speed_m_s * self.HORIZON_S, 0.0, 0.0)
        return CableState(
            self._state.out_m + self._state.speed_m_s * max(dt, 0.0),
            self._state.speed_m_s,
            self._state.acceleration_m_s2,
        )
