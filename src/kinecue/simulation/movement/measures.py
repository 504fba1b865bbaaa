"""Named measures of a body: what a movement prescribes, what a fault changes, what the truth reports.

Angles are those of `kinecue.body.angles`, so that truth and scoring mean the same. Each takes a `Figure` of N moments
and gives (N,), or (N, 2) for left and right; radians and metres.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.simulation.movement import body_measures, gear_measures
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.measure_registry import MEASURES

FloatArray = NDArray[np.float64]

__all__ = ["MEASURES", "SOURCES", "unit_of", "value"]

SOURCES = (body_measures, gear_measures)
"""The modules whose measures are registered."""


def value(name: str, figure: Figure) -> FloatArray:
    """(N,) a measure by name; ``_left``, ``_right`` choose a side, a sided one without them is the mean.

    Raises:
        KineCueError: there is no such measure.
    """
    base, column = name, -1
    for i, suffix in enumerate(("_left", "_right")):
        if name.endswith(suffix):
            base, column = name[: -len(suffix)], i
    known = MEASURES.get(base)
    if known is None or (column >= 0 and not known.sided):
        raise KineCueError(
            f"measure must be one of {', '.join(sorted(MEASURES))} (sided: _left, _right), got {name!r}"
        )
    result = known.function(figure)
    if not known.sided:
        return result
    return result[:, column] if column >= 0 else result.mean(1)


def unit_of(name: str) -> str:
    """``rad``, ``m`` or ``1``."""
    return MEASURES[name.removesuffix("_left").removesuffix("_right")].unit
