"""Where measures register, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.rotations import UP, across, cross

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A registered measure.

    Attributes:
        name: without side.
        unit: ``rad`` or ``m``, ``1`` for a ratio.
        sided: gives (N, 2), left and right.
        mirrored: its sign changes for the mirror image (left positive).
        function: the definition.
    """

    name: str
    unit: str
    sided: bool
    mirrored: bool
    function: Callable[[Figure], FloatArray]


MEASURES: dict[str, Measure] = {}
"""All measures by name without side."""


def register(
    name: str, unit_name: str = "rad", *, sided: bool = False, mirrored: bool = False
) -> Callable[[Callable[[Figure], FloatArray]], Callable[[Figure], FloatArray]]:
    """Register a measure under a name; its unit is ``rad``, ``m`` or ``1``."""

    def keep(function: Callable[[Figure], FloatArray]) -> Callable[[Figure], FloatArray]:
        MEASURES[name] = Measure(name, unit_name, sided, mirrored, function)
        return function

    return keep


def axes(figure: Figure) -> tuple[FloatArray, FloatArray]:
    """(N, 3) horizontal unit vectors (left, forward) of the pelvis."""
    left = across(figure.points["hip_l"] - figure.points["hip_r"], UP)
    return left, cross(left, np.broadcast_to(UP, left.shape))
