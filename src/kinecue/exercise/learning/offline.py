"""D of a repetition whose beginning, turning point and end are known.

The same D as `kinecue.exercise.deviation` gives frame by frame (a test compares them), for all frames at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.exercise.blocks import Outside, SidePolicy
from kinecue.exercise.excursions import combined, excursion_deviation
from kinecue.exercise.features import FEATURES
from kinecue.exercise.learning.recording import FloatArray, Tracks, columns
from kinecue.exercise.learning.repetition import Span, measured, place, read
from kinecue.exercise.learning.sides import leading_side
from kinecue.exercise.model import ExerciseModel, ScoredFeature
from kinecue.exercise.results import Phase, Side

_TURN = 0.08
"""Progress within this of its extreme is the turning point, as in `kinecue.exercise.phases`."""
IntArray = NDArray[np.int_]


@dataclass(frozen=True)
class ScoredSpan:
    """D of one repetition.

    Attributes:
        d: of the repetition; NaN if too little of it is measured.
        outward, homeward: mean D of the way out and of the way back.
        excursions: E, see `kinecue.exercise.excursions`; NaN for a file without.
        shares: of D squared over the repetition, by feature (sides together): courses and excursions.
    """

    d: float
    outward: float
    homeward: float
    excursions: float
    shares: dict[str, float]


def leading_of(model: ExerciseModel, values: FloatArray) -> Side:
    """The side that leads a repetition of (N, C) features as the file says.

    The whole of the repetition is known, so there is no margin to wait for as there is live.
    """
    if model.sides != "alternating":
        return Side.NONE
    block, progress = model.leading, model.movement
    if block is not None:
        return leading_side(values, block.feature, block.picks)
    return leading_side(values, progress.feature, "larger" if progress.full > progress.start else "smaller")


def score(model: ExerciseModel, tracks: Tracks, span: Span) -> ScoredSpan:
    """D of the repetition in `span` of a recording: its phases are known, so no state machine is asked.

    Works for any file of kind repetitions, learned or written; recordings count as seen from all sides.
    """
    values = measured(tracks, span)
    leading = leading_of(model, values)
    movement = model.movement
    signal = _progress(model, values, tracks.std, leading)
    if not np.isfinite(signal).any():
        return ScoredSpan(math.nan, math.nan, math.nan, math.nan, {})
    rises = movement.full > movement.start
    peak = int(np.nanargmax(signal if rises else -signal))
    at = np.array([movement.fraction(float(value)) for value in signal])
    phases = np.where(np.arange(len(values)) <= peak, int(model.outward), int(model.homeward))
    phases[at > at[peak] - _TURN] = int(Phase.BOTTOM)
    d, parts = _course(model, values, tracks.std, at, phases, leading)
    known = np.isfinite(d)
    means = [
        float(d[mask].mean()) if mask.any() else math.nan
        for mask in (known, known & (phases == model.outward), known & (phases == model.homeward))
    ]
    travelled = {
        column: (float(np.ptp(values[:, j])), float(tracks.std[j]))
        for j, column in enumerate(columns())
        if np.isfinite(values[:, j]).all() and np.isfinite(tracks.std[j])
    }
    excursions = excursion_deviation(model, travelled, leading)
    share = model.excursion_share if math.isfinite(excursions.d) else 0.0
    total = combined(means[0], excursions.d, share)
    of_courses = (1.0 - share) * means[0] ** 2 / total**2 if total > 0.0 else 0.0
    shares = {name: value * of_courses for name, value in parts.items()}
    for part in excursions.shares:
        shares[part.name] = shares.get(part.name, 0.0) + part.share * (1.0 - of_courses)
    return ScoredSpan(total, means[1], means[2], excursions.d, shares)


def _progress(model: ExerciseModel, values: FloatArray, std: FloatArray, leading: Side) -> FloatArray:
    movement = model.movement
    if movement.side in (SidePolicy.LEADING, SidePolicy.TRAILING):
        side = _followed(movement.side, leading)
        return values[:, place(movement.feature, side)] if side else np.full(len(values), np.nan)
    signal = read(values, movement.feature, movement.side)
    usable = np.isfinite(std[place(movement.feature, _sides(movement.feature)[0])])
    return signal if usable else np.full(len(values), np.nan)


def _followed(policy: SidePolicy, leading: Side) -> Side:
    if leading is Side.NONE:
        return Side.NONE
    if policy is SidePolicy.LEADING:
        return leading
    return Side.RIGHT if leading is Side.LEFT else Side.LEFT


def _course(
    model: ExerciseModel,
    values: FloatArray,
    std: FloatArray,
    at: FloatArray,
    phases: IntArray,
    leading: Side,
) -> tuple[FloatArray, dict[str, float]]:
    """(N,) D of every frame, and the mean share of each feature."""
    total, asked, usable = (np.zeros(len(values)) for _ in range(3))
    parts: dict[str, FloatArray] = {}
    for scored in model.features:
        if FEATURES[scored.feature].function is None:
            continue
        ideal, tolerance = _ideal(scored, at, phases)
        expected = np.isfinite(ideal)
        asked += scored.weight * expected
        readings = _readings(scored, values, std, leading)
        seen = sum(np.isfinite(z).astype(float) for z, _ in readings) if readings else np.zeros(len(values))
        usable += scored.weight * (expected & (seen > 0))
        for z, s in readings:
            off = z - ideal
            if scored.counts is Outside.ABOVE:
                off = np.maximum(off, 0.0)
            elif scored.counts is Outside.BELOW:
                off = np.minimum(off, 0.0)
            part = scored.weight / np.maximum(seen, 1.0) * off * off / (tolerance * tolerance + s * s)
            part = np.where(np.isfinite(part), part, 0.0)
            total += part
            parts[scored.feature] = parts.get(scored.feature, np.zeros(len(values))) + part
    enough = (usable >= model.least_weight * asked) & (usable > 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        d = np.where(enough, np.sqrt(total / usable), np.nan)
        shares = {
            name: float(np.mean(np.where(total > 0.0, part / total, 0.0))) for name, part in parts.items()
        }
    return d, shares


def _ideal(scored: ScoredFeature, at: FloatArray, phases: IntArray) -> tuple[FloatArray, FloatArray]:
    """(N,) ideal and tolerance of every frame, NaN where its phase has none."""
    ideal, tolerance = np.full(len(at), np.nan), np.full(len(at), np.nan)
    for phase in np.unique(phases).tolist():
        knots = scored.ideal.get(Phase(phase).name.lower(), scored.ideal.get("any"))
        if not knots:
            continue
        where, mask = [knot.at for knot in knots], phases == phase
        ideal[mask] = np.interp(at[mask], where, [scored.si(knot.ideal) for knot in knots])
        tolerance[mask] = np.interp(at[mask], where, [scored.si(knot.tolerance) for knot in knots])
    return ideal, tolerance


def _readings(
    scored: ScoredFeature, values: FloatArray, std: FloatArray, leading: Side
) -> list[tuple[FloatArray, float]]:
    """Values and standard deviation of each side that is asked for."""
    name, policy = scored.feature, scored.side
    if policy in (SidePolicy.LEADING, SidePolicy.TRAILING):
        followed = _followed(policy, leading)
        sides: tuple[Side, ...] = (followed,) if followed else ()
    elif policy is SidePolicy.EACH or not FEATURES[name].sided:
        sides = _sides(name)
    else:
        here = place(name, Side.LEFT)
        return [(read(values, name, policy), float(std[here]))] if np.isfinite(std[here]) else []
    rows = [place(name, side) for side in sides]
    return [(values[:, j], float(std[j])) for j in rows if np.isfinite(std[j])]


def _sides(name: str) -> tuple[Side, ...]:
    return (Side.LEFT, Side.RIGHT) if FEATURES[name].sided else (Side.NONE,)
