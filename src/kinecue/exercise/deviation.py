"""The D value: how far this movement is from the ideal one, in tolerances.

With feature i, ideal m_i, tolerance t_i, measurement z_i with standard deviation s_i and weight w_i (sum 1)::

    D = sqrt( sum_i w_i (z_i - m_i)^2 / (t_i^2 + s_i^2) )

Features that cannot be measured are left out and the weights of the others scaled up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.blocks import MOVEMENT_PHASES, Outside
from kinecue.exercise.course import Interpolator, interpolator
from kinecue.exercise.features import FeatureFrame
from kinecue.exercise.model import ExerciseModel, ScoredFeature
from kinecue.exercise.results import FeatureDeviation, Phase, Side
from kinecue.exercise.signal import Signal, Views


@dataclass(frozen=True)
class Deviation:
    """D at one moment.

    Attributes:
        d: NaN if abstained.
        reason: why.
        terms: all features of the exercise file, also the ones that were left out.
    """

    d: float
    reason: Reason
    terms: tuple[FeatureDeviation, ...]


class _Term:
    """One scored feature, made ready."""

    def __init__(self, scored: ScoredFeature, weight: float) -> None:
        self.signal = Signal(scored.feature, scored.side)
        self.weight = weight
        self.views: Views = scored.views_deg
        self.counts = scored.counts
        courses = {str(phase): knots for phase, knots in scored.ideal.items()}
        self._courses: dict[Phase, tuple[Interpolator, Interpolator]] = {}
        for phase in (Phase.TOP, *MOVEMENT_PHASES):
            knots = courses.get(phase.name.lower(), courses.get("any"))
            if knots:
                at = tuple(knot.at for knot in knots)
                self._courses[phase] = (
                    interpolator(at, tuple(scored.si(knot.ideal) for knot in knots)),
                    interpolator(at, tuple(scored.si(knot.tolerance) for knot in knots)),
                )

    def course(self, phase: Phase, progress: float) -> tuple[float, float]:
        """Ideal and tolerance, NaN where the phase has none."""
        course = self._courses.get(phase)
        return (course[0](progress), course[1](progress)) if course else (math.nan, math.nan)

    def deviation(self, value: float, ideal: float) -> float:
        """Signed deviation as far as it counts."""
        difference = value - ideal
        if self.counts is Outside.ABOVE:
            return max(difference, 0.0)
        if self.counts is Outside.BELOW:
            return min(difference, 0.0)
        return difference


class DeviationScorer:
    """D of one exercise."""

    def __init__(self, model: ExerciseModel) -> None:
        total = sum(scored.weight for scored in model.features)
        self._terms = tuple(_Term(scored, scored.weight / total) for scored in model.features)
        self._least = model.least_weight

    def evaluate(self, frame: FeatureFrame, phase: Phase, progress: float, view: float) -> Deviation:
        """D at one moment; a phase for which no feature has an ideal gives NaN without a reason."""
        rows: list[tuple[_Term, Side, Measurement, float, float, float, float]] = []
        asked = usable = total = 0.0
        worst, reason = 0.0, Reason.NONE
        for term in self._terms:
            ideal, tolerance = term.course(phase, progress)
            readings = term.signal.read(frame, view, term.views)
            seen = sum(measured.usable for measured in readings)
            expected = not math.isnan(ideal)
            asked += term.weight if expected else 0.0
            usable += term.weight if expected and seen else 0.0
            if expected and not seen and term.weight > worst:
                worst, reason = term.weight, readings[0].reason
            for side, measured in zip(term.signal.sides, readings, strict=True):
                # a side that is hidden leaves its weight to the other
                weight = term.weight / (seen or len(readings)) if measured.usable or not seen else 0.0
                part = 0.0
                if expected and measured.usable:
                    off = term.deviation(measured.value, ideal)
                    part = weight * off * off / (tolerance * tolerance + measured.std * measured.std)
                    total += part
                rows.append((term, side, measured, ideal, tolerance, weight, part))
        abstained = asked == 0.0 or usable < self._least * asked
        terms = tuple(
            FeatureDeviation(
                term.signal.name,
                term.signal.unit,
                measured,
                ideal,
                tolerance,
                weight,
                part / total if total else 0.0,
                side,
            )
            for term, side, measured, ideal, tolerance, weight, part in rows
        )
        if abstained:
            return Deviation(math.nan, reason, terms)
        return Deviation(math.sqrt(total / usable), Reason.NONE, terms)


class PhaseMean:
    """Mean of D over time, per phase and over all: a slow and a fast repetition compare."""

    def __init__(self) -> None:
        self._sums: dict[Phase, tuple[float, float]] = {}

    def add(self, phase: Phase, d: float, dt: float) -> None:
        """D (NaN is left out) that held for `dt` seconds."""
        if math.isfinite(d) and dt > 0.0:
            total, time = self._sums.get(phase, (0.0, 0.0))
            self._sums[phase] = (total + d * dt, time + dt)

    def mean(self, *phases: Phase) -> float:
        """Over `phases`, or over all; NaN if there was nothing."""
        chosen = [value for phase, value in self._sums.items() if not phases or phase in phases]
        time = sum(item[1] for item in chosen)
        return sum(item[0] for item in chosen) / time if time else math.nan
