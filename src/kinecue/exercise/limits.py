"""Limits of faults that count from an ideal, and the bounds that safety sets to every ideal."""

from __future__ import annotations

import math

from kinecue.exercise.blocks import Judge, Outside
from kinecue.exercise.course import interpolator
from kinecue.exercise.model import ExerciseModel, FaultRule, Knot, LimitKnot, ScoredFeature


def resolve_limits(model: ExerciseModel) -> ExerciseModel:
    """The exercise with every limit that counts from the ideal written out as knots, held within its `safety`.

    Where the phases of a fault have different courses, the most lenient one counts.
    """
    if not any(rule.relative_to_ideal for rule in model.faults.values()):
        return model
    courses = {(scored.feature, scored.side): scored for scored in model.features}
    faults = {
        name: _resolved(rule, courses[rule.feature, rule.side]) if rule.relative_to_ideal else rule
        for name, rule in model.faults.items()
    }
    return model.model_copy(update={"faults": faults})


def safe_ideals(model: ExerciseModel, scored: ScoredFeature) -> tuple[float, float]:
    """Between which values every ideal of a feature stays, whatever a build or an adaptation says, SI.

    Half a tolerance of the fault inside of each `safety` of a fault of this feature: an ideal at the limit of what is
    safe would call for it.
    """
    low, high = -math.inf, math.inf
    for rule in model.faults.values():
        if rule.feature != scored.feature or rule.safety is None:
            continue
        limit, guard = rule.si(rule.safety), 0.5 * rule.si(rule.tolerance)
        if rule.outside is Outside.BELOW:
            low = max(low, limit + guard)
        else:
            high = min(high, limit - guard)
            low = max(low, guard - limit) if rule.outside is Outside.EITHER else low
    return low, high


def _resolved(rule: FaultRule, scored: ScoredFeature) -> FaultRule:
    courses = [
        interpolator(tuple(knot.at for knot in knots), tuple(scored.si(knot.ideal) for knot in knots))
        for knots in _courses_of(rule, scored)
    ]
    if isinstance(rule.limit, tuple):
        margin = interpolator(
            tuple(knot.at for knot in rule.limit), tuple(rule.si(knot.limit) for knot in rule.limit)
        )
        places = {knot.at for knot in rule.limit}
    else:
        fixed = rule.si(rule.limit)
        places = set()

        def margin(_: float) -> float:
            return fixed

    places |= {knot.at for knots in scored.ideal.values() for knot in knots}
    pick = min if rule.outside is Outside.BELOW else max
    safety = math.nan if rule.safety is None else rule.si(rule.safety)
    knots = []
    for at in sorted(places):
        limit = pick(course(at) for course in courses) + margin(at)
        if math.isfinite(safety):
            limit = max(limit, safety) if rule.outside is Outside.BELOW else min(limit, safety)
        knots.append(LimitKnot(at=at, limit=limit / rule.si(1.0)))
    return rule.model_copy(update={"limit": tuple(knots), "relative_to_ideal": False})


def _courses_of(rule: FaultRule, scored: ScoredFeature) -> list[tuple[Knot, ...]]:
    """Courses of the phases in which a fault is looked for; of one that is judged once, all."""
    if rule.judge is not Judge.CONTINUOUS:
        return list(scored.ideal.values())
    names = [phase.name.lower() for phase in rule.phases]
    found = [scored.ideal[name] for name in names if name in scored.ideal]
    if "any" in scored.ideal and any(name not in scored.ideal for name in names):
        found.append(scored.ideal["any"])
    return found or list(scored.ideal.values())
