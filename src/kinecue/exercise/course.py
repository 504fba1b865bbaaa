"""Piecewise linear courses over progress."""

from __future__ import annotations

from collections.abc import Callable

Interpolator = Callable[[float], float]


def interpolator(at: tuple[float, ...], values: tuple[float, ...]) -> Interpolator:
    """Piecewise linear through (at, values), constant beyond both ends.

    Plain floats: faster than numpy for one point.
    """

    def value(x: float) -> float:
        if not x > at[0]:
            return values[0]
        for i in range(1, len(at)):
            if x <= at[i]:
                share = (x - at[i - 1]) / (at[i] - at[i - 1])
                return values[i - 1] + share * (values[i] - values[i - 1])
        return values[-1]

    return value
