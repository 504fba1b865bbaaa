"""Velocity and acceleration from positions at uneven times, without a bias at the peaks.

A cubic is fitted by least squares to the readings within a half-width of each moment (Savitzky and Golay 1964, for
uneven times as in Cleveland 1979 and Fan and Gijbels 1996). A mean or a line over a window flattens the peak of a velocity
in proportion to the window squared; a cubic's slope is exact up to the fourth derivative of the position, and what
is left grows with the fourth power of the window: for a lift of 0.6 m in 0.5 s, hurried, a half-width of
0.05 s takes 0.03 % off the peak, where a line takes 2 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BIN_S = 0.004
"""Readings that are closer together are averaged first; no lift changes its speed in so short a time."""
HALF_WIDTH_S = (0.05, 0.25)
"""Narrowest and widest window to either side. Arms on a handle do nothing faster than 10 Hz on purpose, and a
window as wide as half a second would swallow a fast lift."""
FEWEST = 7
"""Readings in a window; a cubic has four unknowns."""
_INDEPENDENT_HZ = 150.0
"""Readings a second that tell something new: between two counts of a slow encoder all of them say the same."""
_LEAST_NOISE_M = 5e-5
_VARIANCE_OF_SLOPE = 9.375
"""Variance of a cubic's slope at the middle of a window, times rate, half-width cubed over that of a reading:
75 / 4 over the number of readings, 2 x rate x half-width, and the half-width squared."""


@dataclass(frozen=True)
class Course:
    """Positions as a smooth function of time.

    Attributes:
        times_s: (M,) s, rising.
        position: (M,) m.
        speed: (M,) m/s. acceleration: (M,) m/s^2. NaN where a window has too few readings.
        half_width_s: of the windows, s.
        speed_std: of `speed` in the middle of a course, from the noise of the readings, m/s.
    """

    times_s: FloatArray
    position: FloatArray
    speed: FloatArray
    acceleration: FloatArray
    half_width_s: float
    speed_std: float


def smooth_course(
    times_s: FloatArray,
    positions_m: FloatArray,
    sigma_m: float = math.nan,
    half_width_s: float | None = None,
    wanted_speed_std: float = 0.01,
) -> Course | None:
    """Position, speed and acceleration over time.

    Args:
        times_s: (N,) s, in any order, may repeat; what is not finite is left out.
        positions_m: (N,) m.
        sigma_m: standard deviation of one reading, m; NaN = not known. What the readings themselves show
            counts if it is more.
        half_width_s: of the windows; None = the narrowest that brings the speed's noise below `wanted_speed_std`.
        wanted_speed_std: m/s.

    Returns:
        The course at the readings' own times (averaged to `BIN_S`), None for fewer than `FEWEST` of them.

    Raises:
        ValueError: shapes differ.
    """
    if times_s.shape != positions_m.shape or times_s.ndim != 1:
        raise ValueError(f"smooth_course: expected (N,), (N,), got {times_s.shape}, {positions_m.shape}")
    times, values, counts = _binned(times_s, positions_m)
    if len(times) < FEWEST or times[-1] - times[0] < 2.0 * BIN_S:
        return None
    rate = min(float(counts.sum()) / (times[-1] - times[0]), _INDEPENDENT_HZ)
    spacing = float(np.median(np.diff(times)))
    # stamps that jitter make readings noisy while the handle moves, which no data sheet's resolution tells
    found = _noise(times, values, counts)
    sigma_m = max(sigma_m, found) if math.isfinite(sigma_m) else found
    if half_width_s is None:
        wanted = (sigma_m * sigma_m * _VARIANCE_OF_SLOPE / (rate * wanted_speed_std**2)) ** (1.0 / 3.0)
        half_width_s = min(max(wanted, HALF_WIDTH_S[0]), HALF_WIDTH_S[1])
        half_width_s = max(half_width_s, 0.5 * FEWEST * spacing)
    position, speed, acceleration = _fit(times, values, counts, half_width_s)
    std = sigma_m * math.sqrt(_VARIANCE_OF_SLOPE / (rate * half_width_s**3))
    return Course(times, position, speed, acceleration, half_width_s, std)


def reading_noise(times_s: FloatArray, positions_m: FloatArray) -> float:
    """Standard deviation of one reading, m, from how far each is off the narrowest cubic around it.

    A median over the faster half of those that move, so that a jitter of the stamps counts and a jump does
    not. Never less than
    0.05 mm. The times must rise.
    """
    return _noise(times_s, positions_m, np.ones_like(times_s))


def _noise(times: FloatArray, values: FloatArray, counts: FloatArray) -> float:
    if len(times) < FEWEST:
        return _LEAST_NOISE_M
    narrow = max(HALF_WIDTH_S[0], 0.5 * FEWEST * float(np.median(np.diff(times))))
    position, speed, _ = _fit(times, values, counts, narrow)
    pace = np.abs(speed)
    inside = np.searchsorted(times, times + narrow) - np.searchsorted(times, times - narrow)
    # of the reading in the middle a cubic through n takes 9 / (4 n) away
    off = np.abs(values - position) / np.sqrt(np.maximum(1.0 - 2.25 / np.maximum(inside, 3), 0.25))
    good = np.isfinite(pace)
    if not good.any():
        return _LEAST_NOISE_M
    fast = good & (pace >= 0.5 * float(np.quantile(pace[good], 0.95)))
    return max(1.4826 * float(np.median((off * np.sqrt(counts))[fast])), _LEAST_NOISE_M)


def _binned(times_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Times, values and numbers of readings, rising in time, no two within `BIN_S`."""
    good = np.isfinite(times_s) & np.isfinite(values)
    order = np.argsort(times_s[good], kind="stable")
    times, kept = times_s[good][order], values[good][order]
    if len(times) == 0:
        return times, kept, times
    slot = np.floor((times - times[0]) / BIN_S + 1e-6).astype(np.int64)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(slot)) + 1))
    counts = np.diff(np.concatenate((starts, [len(times)]))).astype(np.float64)
    return np.add.reduceat(times, starts) / counts, np.add.reduceat(kept, starts) / counts, counts


def _fit(
    times: FloatArray, values: FloatArray, counts: FloatArray, half_width: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Value, first and second derivative of a cubic around each time, by weighted least squares."""
    first = np.searchsorted(times, times - half_width * (1.0 + 1e-9), side="left")
    last = np.searchsorted(times, times + half_width * (1.0 + 1e-9), side="right")
    width = int((last - first).max())
    index = first[:, None] + np.arange(width)[None, :]
    inside = index < last[:, None]
    index = np.minimum(index, len(times) - 1)
    u = (times[index] - times[:, None]) / half_width
    weight = np.where(inside, counts[index], 0.0)
    origin = values[:, None]
    powers = [weight]
    for _ in range(6):
        powers.append(powers[-1] * u)
    moments = [power.sum(axis=1) for power in powers]
    off = values[index] - origin
    right = np.stack([(powers[k] * off).sum(axis=1) for k in range(4)], axis=1)
    matrix = np.stack([np.stack([moments[i + j] for j in range(4)], axis=1) for i in range(4)], axis=1)
    # at the ends the window is one-sided: a little ridge on the cubic term keeps its slope from running away
    lopsided = np.abs(moments[1]) / np.maximum(moments[0], 1.0)
    matrix[:, 3, 3] += lopsided**2 * moments[6]
    enough = inside.sum(axis=1) >= min(FEWEST - 2, len(times))
    enough &= np.abs(np.linalg.det(matrix)) > 1e-12 * np.maximum(moments[0], 1.0) ** 4
    solved = np.full((len(times), 4), np.nan)
    if enough.any():
        solved[enough] = np.linalg.solve(matrix[enough], right[enough][:, :, None])[:, :, 0]
    position = np.where(enough, values + solved[:, 0], values)
    return position, solved[:, 1] / half_width, 2.0 * solved[:, 2] / half_width**2
