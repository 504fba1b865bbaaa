"""The 1 euro filter: smooth when still, quick when moving."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class OneEuroFilter:
    """Low-pass filter whose cutoff grows with speed (Casiez, Roussel, Vogel 2012, CHI).

    Args:
        min_cutoff: cutoff of a still signal, Hz.
        beta: growth of the cutoff with speed, Hz per (scaled unit / s).
        derivative_cutoff: cutoff of the speed estimate, Hz.
    """

    def __init__(self, min_cutoff: float, beta: float, derivative_cutoff: float) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._derivative_cutoff = derivative_cutoff
        self._last: tuple[int, FloatArray, FloatArray, FloatArray] | None = None

    def reset(self) -> None:
        """Forget: the next sample is the first."""
        self._last = None

    def apply(self, values: FloatArray, stamp_ns: int, scale: float) -> FloatArray:
        """Filter one sample.

        Args:
            values: any shape, the same for every sample.
            stamp_ns: time of the sample, nanoseconds; a sample that is not newer passes unfiltered.
            scale: what speed is multiplied with, so that it does not depend on the size of what moves.
        """
        if self._last is None:
            self._last = (stamp_ns, values, values, np.zeros_like(values))
            return values
        last_ns, last_raw, last_smooth, last_speed = self._last
        interval = (stamp_ns - last_ns) * 1e-9
        if interval <= 0:
            return values
        weight = _weight(self._derivative_cutoff, interval)
        speed = weight * (values - last_raw) * scale / interval + (1.0 - weight) * last_speed
        weights = _weight(self._min_cutoff + self._beta * np.abs(speed), interval)
        smooth: FloatArray = weights * values + (1.0 - weights) * last_smooth
        self._last = (stamp_ns, values, smooth, speed)
        return smooth


def _weight(cutoff: FloatArray | float, interval: float) -> FloatArray:
    """Share of the new sample in an exponential filter."""
    return np.asarray(1.0 / (1.0 + 1.0 / (2.0 * math.pi * np.asarray(cutoff) * interval)))
