"""Positions, velocities and accelerations of landmarks from a stream of frames, a short time late.

A polynomial of fourth order is fitted by least squares to the frames around each frame (Savitzky and Golay 1964, for
any spacing of the frames), landmark by landmark with the frames in which it was seen. It describes a frame `LAG_S`
before the newest one and has no phase lag of its own; gaps, late and repeated stamps do no harm.

How many frames depends on how still the landmarks are: the shortest of `REACHES_S` to either side for which noise
leaves the acceleration of the trunk under `NOISE_LIMIT`, else the longest. In the longest a sine of 1 Hz keeps its
acceleration to 2 %, one of 2 Hz to 23 %; in the shortest 2 Hz keep it to 1 %.

Errors of cameras follow each other from frame to frame and hide in part in the fitted curve, so what the fit leaves
over understates them: see `understated`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

REACHES_S = (0.12, 0.16, 0.2, 0.25, 0.3)
"""Half of the window, s."""
LAG_S = REACHES_S[-1]
"""How much older than the newest frame the one is that is described, s."""
NOISE_LIMIT = 0.3
"""Standard deviation of the trunk's acceleration from noise, m/s2: 3 % of gravity."""
_GAIN = 70.0
"""Standard deviation of the acceleration over that of the positions in the longest window, 1/s2, for noise with a
correlation time of 0.1 s, whatever the frame rate; it goes with the inverse square of the window (see
test_load_smoothing.py)."""
_CORRELATION = 0.15
_ORDER = 4
_LEAST_SHARE = 0.65
"""Of the window that must be there on either side: a polynomial is no good at its ends."""
_FEWEST, _FEWEST_ON_A_SIDE = 9, 3
"""Frames for a window, of which so many before and behind; the longest window does with two less."""
GAP_S = 0.17
"""A longer gap between frames (two lost at 15 a second) or between sightings of a landmark is not bridged, s."""
_MAX_FRAMES = 400
_SLACK_S = 5e-4
"""Stamps of cameras are rounded, s."""


def understated(rate: float) -> float:
    """How much larger errors are than what is left over by a fit, or by differences of fourth order, suggests.

    For noise with a correlation time of 0.1 s: 1.4 to 1.8 at 15 frames a second, 2.1 to 2.4 at 30, 3.1 at 60, 4 at 100;
    between white noise (1) and that of pictures, whose errors stay for tenths of a second.

    Args:
        rate: frames per second.
    """
    return math.sqrt(1.0 + _CORRELATION * rate)


@dataclass(frozen=True)
class Motion:
    """The landmarks at one frame, K of them; NaN where one is not seen well enough around it.

    Attributes:
        stamp_ns: of the frame.
        positions: (K, 3) smoothed, m. velocities: (K, 3) m/s. accelerations: (K, 3) m/s2.
        jerks, snaps: (K, 3) further derivatives, m/s3 and m/s4.
        acceleration_noise: (R, 3K) a square root of the covariance of `accelerations`: their covariance is its
        transpose
            times itself, m/s2.
    """

    stamp_ns: int
    positions: FloatArray
    velocities: FloatArray
    accelerations: FloatArray
    jerks: FloatArray
    snaps: FloatArray
    acceleration_noise: FloatArray

    def at(self, dt: float) -> FloatArray:
        """(K, 3) positions `dt` seconds from the frame (a few hundredths at most), m."""
        result: FloatArray = self.positions + dt * (
            self.velocities + dt / 2 * (self.accelerations + dt / 3 * (self.jerks + dt / 4 * self.snaps))
        )
        return result


class LandmarkWindow:
    """The frames around the one that is described.

    Args:
        count: landmarks in a frame.
        steady: those whose mean tells how still the landmarks are.
    """

    def __init__(self, count: int, steady: Sequence[int]) -> None:
        self._count, self._steady = count, list(steady)
        self._stamps: list[int] = []
        self._points: list[FloatArray] = []
        self._described = -1

    @property
    def described_ns(self) -> int:
        """Stamp of the newest frame that was described or passed over; -1 before the first."""
        return self._described

    def reset(self) -> None:
        """Forgets all frames."""
        self._stamps, self._points, self._described = [], [], -1

    def push(self, stamp_ns: int, points: FloatArray) -> bool:
        """Takes a frame. A gap of more than `GAP_S` before it begins anew.

        Args:
            stamp_ns: of the frame.
            points: (K, 3) m; NaN what was not seen.

        Returns:
            False, and nothing has changed, for one that is not newer than the last.
        """
        if self._stamps and stamp_ns <= self._stamps[-1]:
            return False
        if self._stamps and (stamp_ns - self._stamps[-1]) * 1e-9 > GAP_S:
            self._stamps, self._points = [], []
        self._stamps.append(stamp_ns)
        self._points.append(points)
        oldest = stamp_ns - round((2.0 * LAG_S + GAP_S) * 1e9)
        while self._stamps[0] < oldest or len(self._stamps) > _MAX_FRAMES:
            del self._stamps[0], self._points[0]
        return True

    def due(self) -> int | None:
        """Stamp of the newest frame that lies `LAG_S` back and has not been described; None if there is none."""
        if not self._stamps:
            return None
        limit = self._stamps[-1] - round((LAG_S - _SLACK_S) * 1e9)
        for stamp in reversed(self._stamps):
            if stamp <= limit:
                return stamp if stamp > self._described else None
        return None

    def describe(self, stamp_ns: int) -> Motion | None:
        """The landmarks at a frame that is `due`; None where there are too few frames around it."""
        self._described = stamp_ns
        times = (np.array(self._stamps, dtype=np.int64) - stamp_ns) * 1e-9
        around = np.abs(times) <= LAG_S + _SLACK_S
        times = times[around]
        if len(times) < 2:
            return None
        first = int(np.argmax(around))
        points = np.stack(self._points[first : first + len(times)])
        reach = self._reach(times, points)
        if reach is None:
            return None
        inside = np.abs(times) <= reach + _SLACK_S
        if not np.isfinite(points[inside]).all():
            reach = _reach_for_all(times, np.isfinite(points).all(-1), reach)
            inside = np.abs(times) <= reach + _SLACK_S
        times, points = times[inside], points[inside]
        coefficients = np.full((_ORDER + 1, self._count, 3), np.nan)
        residuals = np.zeros((len(times), self._count, 3))
        # all landmarks are given the gain of the worst
        gain = 0.0
        for rows, columns in _patterns(np.isfinite(points).all(-1)):
            if not _enough(times[rows], reach):
                continue
            part = points[rows][:, columns]
            found, left, own = _fit(times[rows] / reach, part.reshape(len(part), -1))
            coefficients[:, columns] = found.reshape(_ORDER + 1, -1, 3)
            spread = np.zeros((len(times), part.shape[1], 3))
            spread[rows] = left.reshape(part.shape)
            residuals[:, columns] = spread
            gain = max(gain, own)
        c = coefficients
        rate = (len(times) - 1) / float(times[-1] - times[0])
        noise = residuals.reshape(len(times), -1) * (understated(rate) * gain * 2.0 / reach**2)
        return Motion(
            stamp_ns,
            c[0],
            c[1] / reach,
            c[2] * (2.0 / reach**2),
            c[3] * (6.0 / reach**3),
            c[4] * (24.0 / reach**4),
            noise,
        )

    def _reach(self, times: FloatArray, points: FloatArray) -> float | None:
        """Half of the window that suits the noise, s; None where no window has frames enough."""
        noise = math.inf
        trunk = points[:, self._steady].mean(1)
        if len(times) > 2 * _ORDER and np.isfinite(trunk).all():
            fourth = np.diff(trunk, 4, axis=0)
            rate = (len(times) - 1) / float(times[-1] - times[0])
            # 70 is the sum of the squares of 1, 4, 6, 4, 1
            noise = math.sqrt(float((fourth * fourth).mean()) / 70.0) * understated(rate)
        for reach in REACHES_S[:-1]:
            if noise * _GAIN * (LAG_S / reach) ** 2 <= NOISE_LIMIT and _enough(
                times[np.abs(times) <= reach + _SLACK_S], reach
            ):
                return reach
        return LAG_S if _enough(times, LAG_S) else None


def _reach_for_all(times: FloatArray, seen: BoolArray, reach: float) -> float:
    """The window from `reach` on that carries all landmarks which the longest carries, by when each was seen (N, K)."""

    def carried(half: float) -> int:
        inside = np.abs(times) <= half + _SLACK_S
        part, own = seen[inside], times[inside]
        return sum(int(columns.sum()) for rows, columns in _patterns(part) if _enough(own[rows], half))

    most = carried(LAG_S)
    return next(half for half in REACHES_S if half == LAG_S or (half >= reach and carried(half) >= most))


def _patterns(seen: BoolArray) -> list[tuple[BoolArray, BoolArray]]:
    """Frames and the landmarks that are seen in just these, (N,) and (K,), from (N, K)."""
    whole = seen.all(0)
    rest = ~whole & seen.any(0)
    result = [(np.ones(len(seen), bool), whole)] if whole.any() else []
    if rest.any():
        patterns, which = np.unique(seen[:, rest].T, axis=0, return_inverse=True)
        places = np.flatnonzero(rest)
        for i, pattern in enumerate(patterns):
            columns = np.zeros(seen.shape[1], bool)
            columns[places[which.reshape(-1) == i]] = True
            result.append((pattern, columns))
    return result


def _enough(times: FloatArray, reach: float) -> bool:
    """Frames at these times from the one described carry a fit at it."""
    least = _LEAST_SHARE * reach
    if len(times) < _FEWEST - 2 * (reach == LAG_S) or times[0] > -least or times[-1] < least:
        return False
    if min(int((times < 0.0).sum()), int((times > 0.0).sum())) < _FEWEST_ON_A_SIDE:
        return False
    return bool(np.diff(times).max() <= GAP_S + _SLACK_S)


def _fit(times: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients (5, C), residuals (n, C), and the standard deviation of the second order for a variance of 1.

    Residuals are scaled so that their squares sum to the variance.
    """
    basis = times[:, None] ** np.arange(_ORDER + 1)
    inverse = np.linalg.inv(basis.T @ basis)
    coefficients = inverse @ (basis.T @ values)
    freedom = max(len(basis) - _ORDER - 1, 1)
    residuals = (values - basis @ coefficients) / math.sqrt(freedom)
    return coefficients, residuals, math.sqrt(float(inverse[2, 2]))
