"""Filters that do the same at 5 and at 200 frames a second: everything is in seconds, nothing in frames."""

from __future__ import annotations

import math
from collections import deque


def _gain(cutoff: float, dt: float) -> float:
    """Gain of a first-order low-pass filter with `cutoff` (Hz) for a step of `dt` (s)."""
    ratio = 2.0 * math.pi * cutoff * dt
    return ratio / (ratio + 1.0)


class OneEuro:
    """One Euro filter (Casiez, Roussel, Vogel 2012): steady when the signal rests, quick when it moves.

    Args:
        minimum_cutoff: cut-off at rest, Hz.
        slope: increase of the cut-off with speed, Hz per unit/s.
        speed_cutoff: cut-off of the speed estimate, Hz.
    """

    def __init__(self, minimum_cutoff: float = 3.0, slope: float = 3.0, speed_cutoff: float = 5.0) -> None:
        self._minimum_cutoff = minimum_cutoff
        self._slope = slope
        self._speed_cutoff = speed_cutoff
        self.value = math.nan
        self.speed = 0.0

    def reset(self) -> None:
        """Forget everything."""
        self.value, self.speed = math.nan, 0.0

    def update(self, value: float, dt: float) -> float:
        """Next sample, `dt` seconds after the last; returns the filtered value."""
        if math.isnan(self.value):
            self.value = value
            return value
        raw_speed = (value - self.value) / dt
        cutoff = self._minimum_cutoff + self._slope * abs(
            self.speed + _gain(self._speed_cutoff, dt) * (raw_speed - self.speed)
        )
        filtered = self.value + _gain(cutoff, dt) * (value - self.value)
        self.speed += _gain(self._speed_cutoff, dt) * ((filtered - self.value) / dt - self.speed)
        self.value = filtered
        return filtered


class SpikeFilter:
    """Median of three for streams that are fast enough to afford a frame of delay.

    Removes single broken frames.
    """

    SLOWEST_S = 0.045

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=3)

    def reset(self) -> None:
        """Forget everything."""
        self._last.clear()

    def update(self, value: float, dt: float) -> float:
        """Next sample; returns it, or the median of the last three."""
        self._last.append(value)
        if len(self._last) < 3 or dt > self.SLOWEST_S:
            return value
        return sorted(self._last)[1]


def windowed_peak(
    times: list[float], values: list[float], around: float, half_width: float = 0.05
) -> tuple[float, int]:
    """Highest mean over a window of +-`half_width` seconds centred within 0.25 s of `around`.

    A plain maximum would grow with the frame rate, because more frames give noise more chances.

    Returns:
        The mean and the index of the centre; NaN and -1 for empty input.
    """
    best, index = -math.inf, -1
    low = high = 0
    total = 0.0
    for i, t in enumerate(times):
        while high < len(times) and times[high] <= t + half_width:
            total += values[high]
            high += 1
        while times[low] < t - half_width:
            total -= values[low]
            low += 1
        if abs(t - around) <= 0.25 and total / (high - low) > best:
            best, index = total / (high - low), i
    return (best, index) if index >= 0 else (math.nan, -1)
