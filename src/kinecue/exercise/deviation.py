"""The D value: how far this movement is from the ideal one, in tolerances.

With feature i, ideal m_i, tolerance t_i, measurement z_i with standard deviation s_i and weight w_i (sum 1)::

    D = sqrt( sum_i w_i (z_i - m_i)^2 / (t_i^2 + s_i^2) )

Features that cannot be measured are left out and the weights of the others scaled up. An uncertain measurement cannot
raise D: of a perfect movement whose errors are as large as s says, feature i adds w_i s_i^2 / (t_i^2 + s_i^2) to the
square, never more than w_i. It could lower it, a guess being within its own uncertainty of anything; so a measurement
that is `_COARSEST` tolerances uncertain counts as not measured (and D of a phase that was hidden for longer than it was
seen is not given, `kinecue.exercise.phase_scores`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.blocks import Outside
from kinecue.exercise.course import IdealCourse
from kinecue.exercise.features import FeatureFrame
from kinecue.exercise.model import ExerciseModel, ScoredFeature
from kinecue.exercise.results import FeatureDeviation, Phase, Side
from kinecue.exercise.signal import Signal, Views

_COARSEST = 2.0
"""A measurement whose standard deviation is this many tolerances says nothing about the deviation."""
_COARSE = Measurement.abstained(Reason.UNCERTAIN)


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

    __slots__ = ("above", "below", "course", "signal", "views", "weight")

    def __init__(self, scored: ScoredFeature, weight: float) -> None:
        self.signal = Signal(scored.feature, scored.side)
        self.weight = weight
        self.views: Views = scored.views_deg
        self.above = scored.counts is not Outside.BELOW
        self.below = scored.counts is not Outside.ABOVE
        self.course = IdealCourse(scored)

    def deviation(self, value: float, ideal: float) -> float:
        """Signed deviation as far as it counts."""
        difference = value - ideal
        counts = self.above if difference > 0.0 else self.below
        return difference if counts else 0.0


class DeviationScorer:
    """D of one exercise."""

    def __init__(self, model: ExerciseModel) -> None:
        total = sum(scored.weight for scored in model.features)
        self._terms = tuple(_Term(scored, scored.weight / total) for scored in model.features)
        self._least = model.least_weight

    def evaluate(
        self, frame: FeatureFrame, phase: Phase, progress: float, view: float, stage: str = ""
    ) -> Deviation:
        """D at one moment; a phase for which no feature has an ideal gives NaN without a reason."""
        rows: list[tuple[_Term, Side, Measurement, float, float, float, float]] = []
        asked = usable = total = 0.0
        worst, reason = 0.0, Reason.NONE
        for term in self._terms:
            ideal, tolerance = term.course.at(phase, progress, stage)
            readings = term.signal.read(frame, view, term.views)
            expected = ideal == ideal  # not NaN
            if expected:
                asked += term.weight
                coarse = _COARSEST * tolerance
                for measured in readings:
                    if measured.std > coarse:
                        readings = tuple(_COARSE if m.std > coarse else m for m in readings)
                        break
            seen = 0
            for measured in readings:
                seen += measured.usable
            if expected and seen:
                usable += term.weight
            elif expected and term.weight > worst:
                worst, reason = term.weight, readings[0].reason
            for side, measured in zip(term.signal.sides, readings, strict=True):
                # a side that is hidden leaves its weight to the other
                can = seen > 0 and measured.usable
                weight = term.weight / (seen or len(readings)) if can or not seen else 0.0
                part = 0.0
                if expected and can:
                    off = term.deviation(measured.value, ideal)
                    part = weight * off * off / (tolerance * tolerance + measured.std * measured.std)
                    total += part
                rows.append((term, side, measured, ideal, tolerance, weight, part))
        abstained = asked == 0.0 or usable < self._least * asked
        terms = tuple(
            [
                FeatureDeviation(
                    term.signal.name,
                    term.signal.unit,
                    measured,
                    ideal,
                    tolerance,
                    weight,
                    part / total if total else 0.0,
                    side if side is not Side.BOTH else term.signal.named(side, frame.leading),
                )
                for term, side, measured, ideal, tolerance, weight, part in rows
            ]
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
