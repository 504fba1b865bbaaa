"""Piecewise linear courses over progress."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from kinecue.exercise.results import Phase

if TYPE_CHECKING:
    from kinecue.exercise.model import ScoredFeature

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


class IdealCourse:
    """Ideal and tolerance of a scored feature over progress, by phase or, of exercises made of stages, by stage."""

    def __init__(self, scored: ScoredFeature) -> None:
        self._courses: dict[str, tuple[Interpolator, Interpolator]] = {}
        for name, knots in scored.ideal.items():
            at = tuple(knot.at for knot in knots)
            self._courses[str(name)] = (
                interpolator(at, tuple(scored.si(knot.ideal) for knot in knots)),
                interpolator(at, tuple(scored.si(knot.tolerance) for knot in knots)),
            )
        anywhere = self._courses.get("any")
        self._by_phase = {
            phase: self._courses.get(phase.name.lower(), anywhere)
            for phase in (
                Phase.TOP,
                Phase.ECCENTRIC,
                Phase.BOTTOM,
                Phase.CONCENTRIC,
                Phase.HOLD,
                Phase.STAGE,
            )
        }

    def at(self, phase: Phase, progress: float, stage: str = "") -> tuple[float, float]:
        """Ideal and tolerance (SI), NaN where the phase has none."""
        course = self._by_phase.get(phase)
        if stage:
            course = self._courses.get(stage, course)
        return (course[0](progress), course[1](progress)) if course else (math.nan, math.nan)
