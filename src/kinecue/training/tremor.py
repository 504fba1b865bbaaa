"""Shaking of a handle or of the force on it, 4 to 12 Hz, above what the sensor itself makes.

Physiological tremor lies at 8 to 12 Hz, and a long effort adds one of 4 to 6 Hz (Lippold 1981; Lakie et al., J
Physiol 593, 2015, 4411: 6 to 12 Hz of the hand); its amplitude grows with load and fatigue (Park et al., Phys
Act Nutr 26, 2022, 32-40, arm curls). A camera of 30
frames a second is too slow and its landmarks too noisy for it: only the machine's sensors are asked.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

FloatArray = NDArray[np.float64]

BAND_HZ = (4.0, 12.0)
_NOISE_FROM_HZ = 16.0
"""Above it hands do not shake: what is there is the sensor's."""
_RATE_HZ = 100.0
_LOWEST_RATE_HZ = 40.0
"""Readings a second below which nothing is said."""
_SHORTEST_S = 1.0
_LONGEST_S = 30.0
_THINNED_S = 0.004
_LONGEST_GAP_S = 0.1


@dataclass(frozen=True)
class Shake:
    """Shaking over a repetition.

    Attributes:
        rms: of the signal between 4 and 12 Hz, in its own unit; NaN = cannot be told.
        noise: what the sensor's own noise puts there.
    """

    rms: float = math.nan
    noise: float = math.nan

    @property
    def real(self) -> bool:
        """Clearly more than the sensor's noise."""
        return math.isfinite(self.rms) and self.rms > 3.0 * self.noise


NOT_TOLD = Shake()


class ShakeMeter:
    """Collects one signal and tells its shaking over the readings since the last time it was asked."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, float]] = deque()

    def add(self, time_s: float, value: float) -> None:
        """One reading; what is not finite or comes too late is left out."""
        if not (math.isfinite(time_s) and math.isfinite(value)):
            return
        readings = self._readings
        if readings:
            apart = time_s - readings[-1][0]
            if apart < -_LONGEST_S or apart > _LONGEST_S:
                readings.clear()
            elif apart < _THINNED_S - 1e-9:
                return
        readings.append((time_s, value))
        while time_s - readings[0][0] > _LONGEST_S:
            readings.popleft()

    def take(self) -> Shake:
        """Shaking since the last call."""
        times = np.array([time for time, _ in self._readings])
        values = np.array([value for _, value in self._readings])
        self._readings.clear()
        return shake_of(times, values)


class ShakeMeters:
    """A meter for each of several cables; the one that shakes most counts."""

    def __init__(self) -> None:
        self._meters: dict[int, ShakeMeter] = {}

    def add(self, key: int, time_s: float, value: float) -> None:
        """One reading of a cable."""
        self._meters.setdefault(key, ShakeMeter()).add(time_s, value)

    def take(self) -> Shake:
        """Shaking since the last call."""
        found = [meter.take() for meter in self._meters.values()]
        return max(
            (one for one in found if math.isfinite(one.rms)), key=lambda one: one.rms, default=NOT_TOLD
        )


def shake_of(times_s: FloatArray, values: FloatArray) -> Shake:
    """Shaking of a signal.

    Args:
        times_s: (N,) rising, s.
        values: (N,).

    Returns:
        Not known for fewer than 40 readings a second, less than a second, or one of mostly gaps.
    """
    if len(times_s) < _SHORTEST_S * _LOWEST_RATE_HZ or times_s[-1] - times_s[0] < _SHORTEST_S:
        return NOT_TOLD
    gaps = np.diff(times_s)
    if gaps.min() < 0.0 or 1.0 / float(np.median(gaps)) < _LOWEST_RATE_HZ:
        return NOT_TOLD
    best: list[tuple[int, float, float]] = []
    for piece in np.split(np.arange(len(times_s)), np.flatnonzero(gaps > _LONGEST_GAP_S) + 1):
        if times_s[piece[-1]] - times_s[piece[0]] < _SHORTEST_S:
            continue
        best.append(_piece(times_s[piece], values[piece]))
    total = sum(count for count, _, _ in best)
    if total < 0.5 * (times_s[-1] - times_s[0]) * _RATE_HZ:
        return NOT_TOLD
    return Shake(
        math.sqrt(sum(count * band for count, band, _ in best) / total),
        math.sqrt(sum(count * noise for count, _, noise in best) / total),
    )


def _piece(times: FloatArray, values: FloatArray) -> tuple[int, float, float]:
    """Number of samples, mean square in the band, and of the noise in it, of a stretch without gaps."""
    rate = min(_RATE_HZ, 1.0 / float(np.median(np.diff(times))))
    grid = np.arange(times[0], times[-1], 1.0 / rate)
    even = np.interp(grid, times, values)
    band = sosfiltfilt(butter(4, BAND_HZ, "bandpass", fs=rate, output="sos"), even)
    top = 0.45 * rate
    above = sosfiltfilt(butter(4, (_NOISE_FROM_HZ, top), "bandpass", fs=rate, output="sos"), even)
    share = (BAND_HZ[1] - BAND_HZ[0]) / (top - _NOISE_FROM_HZ)
    inner = slice(len(grid) // 20, -(len(grid) // 20) or None)
    return len(grid), float(np.mean(band[inner] ** 2)), float(np.mean(above[inner] ** 2)) * share
