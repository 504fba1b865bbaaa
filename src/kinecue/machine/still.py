"""What a sensor says while nothing moves: its value with an uncertainty, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.machine.calibration import CalibrationError

LEAST_SAMPLES, LEAST_S = 50, 1.0
OUTLIER = 6.0
"""Robust standard deviations from the median from which a reading is an outlier."""
MOST_OUTLIERS = 0.05
_MAD = 1.4826
_NANOSECONDS = 1e9
_SPANS = tuple(1 << bits for bits in (16, 24, 32))


@dataclass(frozen=True)
class Reading:
    """Of a sensor that nothing moves.

    Attributes:
        value: median, in the sensor's units.
        std: standard deviation of `value`: of noise, steps and what drift there was.
        noise: standard deviation of a single reading.
        drift: between the first and the last third.
        samples: that went into it.
        constant: every reading was the same.
    """

    value: float
    std: float
    noise: float
    drift: float
    samples: int
    constant: bool


def read_still(what: str, stamps_ns: Sequence[int], values: Sequence[float], allowed: float) -> Reading:
    """The value of a sensor at rest.

    Args:
        what: names it in errors.
        stamps_ns: (N,) of the samples.
        values: (N,) in the sensor's units; NaN is left out.
        allowed: by which the value may drift while it counts as at rest, in its units.

    Raises:
        CalibrationError: too few samples, noise, or it moved.
    """
    x = np.asarray(values, dtype=np.float64)
    good = np.isfinite(x)
    times = np.asarray(stamps_ns, dtype=np.float64)[good] / _NANOSECONDS
    x = x[good]
    span = float(np.ptp(times)) if len(x) else 0.0
    if len(x) < LEAST_SAMPLES or span < LEAST_S:
        raise CalibrationError(
            f"{what}: {len(x)} readings in {span:.1f} s, needed: {LEAST_SAMPLES} in {LEAST_S:g} s or more; is it connected?"
        )
    middle = float(np.median(x))
    noise = _MAD * float(np.median(np.abs(x - middle)))
    step = _step(x)
    limit = max(OUTLIER * noise, 2.0 * step, 0.5 * allowed)
    inside = np.abs(x - middle) <= limit
    if 1.0 - inside.mean() > MOST_OUTLIERS:
        raise CalibrationError(
            f"{what}: {100 * (1.0 - inside.mean()):.0f} % of readings are far from the others: it moved, or noise"
        )
    x = x[inside]
    third = len(x) // 3
    drift = float(np.mean(x[-third:]) - np.mean(x[:third]))
    # what noise alone does to the difference of two means
    by_chance = 4.0 * max(float(np.std(x)), 0.3 * step) * math.sqrt(2.0 / third)
    if abs(drift) > allowed + by_chance or float(np.subtract(*np.percentile(x, (95, 5)))) > 4.0 * max(
        noise, step, 0.5 * allowed
    ):
        raise CalibrationError(
            f"{what}: it moved by {max(abs(drift), float(np.ptp(x))):.3g} units while it was to be still"
        )
    single = float(np.std(x))
    std = math.hypot(1.2533 * single / math.sqrt(len(x)), step / math.sqrt(12.0) if single < step else 0.0)
    return Reading(float(np.median(x)), math.hypot(std, 0.5 * drift), single, drift, len(x), single == 0.0)


def unrolled(before: float, after: float) -> float:
    """By how much a counter went on, if it may have rolled over at 16, 24 or 32 bits in between.

    From one sample to the next no handle moves by an eighth of that.
    """
    step = after - before
    for span in _SPANS:
        if abs(abs(step) - span) < span / 8:
            return step - math.copysign(span, step)
    return step


def _step(x: NDArray[np.float64]) -> float:
    """Smallest difference between readings; 0 if they are all the same."""
    differences = np.diff(np.unique(x))
    return float(differences.min()) if len(differences) else 0.0
