"""Intervals of figures that follow from uncertain ones: the same samples every time, so the same answer every time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

FloatArray = NDArray[np.float64]

SAMPLES = 512
"""Points at which a formula is evaluated; ends of a 90 % interval are then within a tenth of a standard deviation."""
CONFIDENCE = 0.90
"""Share of the truth that an interval is to hold."""


@dataclass(frozen=True)
class Interval:
    """A figure with its spread.

    Attributes:
        value: at the best estimate of everything that goes into it.
        std: standard deviation.
        low, high: ends of the interval that holds `CONFIDENCE` of the probability.
        samples: (SAMPLES,) equally probable values, for probabilities and for sums with others of the same samples.
    """

    value: float
    std: float
    low: float
    high: float
    samples: FloatArray = field(repr=False, compare=False)

    def probability_above(self, limit: float) -> float:
        """Probability that the figure is larger than `limit`, 0 to 1; 0 for a limit that is NaN."""
        return float(np.mean(self.samples > limit)) if math.isfinite(limit) else 0.0


@cache
def normals(dimensions: int) -> FloatArray:
    """(dimensions, SAMPLES) standard normal numbers that fill space evenly, each row symmetric about 0.

    A Kronecker sequence (Roberts 2018, "R_d": steps by powers of the generalised golden ratio) through the inverse normal
    distribution; each point comes with its mirror image, and the rows are turned so that their covariance is 1: the mean and
    the standard deviation of what is linear are exact. There is no random generator in it.
    """
    ratio = 2.0
    for _ in range(40):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1.0))
    steps = (1.0 / ratio) ** np.arange(1, dimensions + 1)
    points = (0.5 + steps[:, None] * np.arange(1, SAMPLES // 2 + 1)) % 1.0
    half = ndtri(points)
    both = np.concatenate([half, -half], axis=1)
    root = np.linalg.cholesky(both @ both.T / SAMPLES)
    result: FloatArray = np.linalg.solve(root, both)
    result.setflags(write=False)
    return result


def spread(value: float, samples: FloatArray) -> Interval:
    """The interval of a formula: its `value` at the best estimates, and its values at the samples.

    Args:
        value: finite.
        samples: (SAMPLES,).

    Raises:
        ValueError: something is not finite, or the wrong number of samples.
    """
    if samples.shape != (SAMPLES,):
        raise ValueError(f"spread.samples: expected shape {(SAMPLES,)}, got {samples.shape}")
    if not (math.isfinite(value) and np.isfinite(samples).all()):
        raise ValueError("spread: the value and all samples must be finite")
    tail = round((1.0 - CONFIDENCE) / 2.0 * SAMPLES)
    ordered = np.sort(samples)
    low, high = ordered[tail], ordered[-1 - tail]
    return Interval(value, float(samples.std()), min(float(low), value), max(float(high), value), samples)


class Spreads:
    """Independent standard normal samples by name, shared by all figures of one moment.

    What two figures have in common (the person's lever arm, the body mass) has one name, so that it errs in both alike.

    Args:
        names: of the independent sources of error.
    """

    def __init__(self, *names: str) -> None:
        self._rows: Mapping[str, FloatArray] = dict(zip(names, normals(len(names)), strict=True))

    def __getitem__(self, name: str) -> FloatArray:
        """(SAMPLES,) standard normal samples of a source.

        Raises:
            KeyError: there is no source of that name.
        """
        return self._rows[name]
