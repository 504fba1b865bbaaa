"""From shown repetitions to an exercise model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.features import FEATURES
from kinecue.exercise.learning import courses as stats
from kinecue.exercise.learning.positions import conditions
from kinecue.exercise.learning.progress_signal import ProgressSignal, choose
from kinecue.exercise.learning.recording import FloatArray, LearningError, computer
from kinecue.exercise.learning.repetition import Shown, place
from kinecue.exercise.learning.sides import (
    PAIRED,
    as_if_left_led,
    find_leading,
    leading_side,
    scored_terms,
    symmetric,
)
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import Side

_LEAST_SHOWN = 3
"""Fewer repetitions do not show which differences are usual."""
_MAIN_WEIGHT = 3.0
"""Weight of the excursion of the progress feature among those of the directions, 1 each."""
_RATIO_WITHIN, _RATIO_BETWEEN = 0.1, 0.2
"""Prior spread of an excursion, as a logarithm: 10 % within a person, 20 % between people."""
_STILL = 3.0
"""An excursion below so many floors of its feature is no movement."""


@dataclass(frozen=True)
class Names:
    """What a person calls the exercise."""

    name: str
    title: str
    description: str = ""


def build(
    names: Names,
    shown: Sequence[Shown],
    signal: ProgressSignal | None = None,
    load_direction: str | None = None,
) -> ExerciseModel:
    """The model of an exercise from good repetitions.

    Args:
        names: of the exercise.
        shown: at least three repetitions, of one or more people.
        signal: what drives progress; found if not given.
        load_direction: ``eccentric_first`` or ``concentric_first``; by default lowering the body's or the hands'
            weight comes first if that goes down on the way out.

    Raises:
        LearningError: too few repetitions, or nothing that could drive progress.
    """
    if len(shown) < _LEAST_SHOWN:
        raise LearningError(f"{len(shown)} repetitions; at least {_LEAST_SHOWN} are needed to learn from")
    std = np.max([item.tracks.std for item in shown], axis=0)
    if signal is None:
        signal = choose([item.values for item in shown], std)
    both = symmetric([item.values for item in shown]) and signal.policy is SidePolicy.MEAN
    leading = None if both else find_leading([item.values for item in shown], std, signal.name)
    if leading is None:
        both = (
            True  # nothing tells the sides apart: they are judged alike, with the spread that they then have
        )
    else:
        shown = [replace(item, leading=leading_side(item.values, leading[0])) for item in shown]
    progress = _progress(signal, shown)
    direction = load_direction or _load_direction(shown)
    data: dict[str, Any] = {
        "format": 1,
        "name": names.name,
        "title": names.title,
        "description": names.description or _description(shown),
        "load_direction": direction,
        "progress": progress,
        **conditions(shown, std),
        "tempo": _tempo(shown),
        "features": _features(shown, std, signal, progress, both, direction),
        "excursions": _excursions(shown, std, signal, both),
        "sources": [_source(shown)],
    }
    if leading is not None:
        data["sides"] = "alternating"
        unit = _unit(leading[0])
        data["leading"] = {"feature": leading[0], "unit": unit, "margin": _round(leading[1], unit)}
        if FEATURES[leading[0]].sided:
            data["leading"]["picks"] = "larger"
    return ExerciseModel.model_validate(data)


def _source(shown: Sequence[Shown]) -> str:
    people = len({item.person for item in shown})
    return (
        f"Learned from {len(shown)} repetitions of {people} {'person' if people == 1 else 'people'}: mean courses; "
        f"tolerances are {stats.DEVIATIONS:g} standard deviations of a stranger's good repetition"
    )


def _description(shown: Sequence[Shown]) -> str:
    return f"Learned from demonstration ({len(shown)} repetitions)."


def _unit(name: str) -> str:
    return {"rad": "deg", "m": "cm", "1": "1"}[FEATURES[name].unit]


def _said(value: float, unit: str) -> float:
    """`value` (SI) in the unit of the file."""
    return {"deg": math.degrees(value), "cm": 100.0 * value}.get(unit, value)


def _round(value: float, unit: str) -> float:
    return round(_said(value, unit), 4 if unit == "1" else 1)


def _progress(signal: ProgressSignal, shown: Sequence[Shown]) -> dict[str, Any]:
    """Start and full range of everybody; how far from the start a movement begins, from how people stand."""
    people = list(dict.fromkeys(item.person for item in shown))

    def everybody(values: list[float]) -> float:
        each = [
            np.median([v for v, item in zip(values, shown, strict=True) if item.person == p]) for p in people
        ]
        return float(np.median(each))

    begins = [float(np.median(item.signal[:5])) for item in shown]
    ends = [float(np.median(item.signal[-3:])) for item in shown]
    peaks = [float(item.signal[item.peak]) for item in shown]
    start, full = everybody(begins), everybody(peaks)
    way = full - start
    off = max(abs((value - start) / way) for value in begins + ends)
    in_start = min(max(0.2, 0.1 + off), 0.4)
    left_start = in_start + 0.1
    least = min((value - start) / way for value in peaks)
    minimal = min(max(0.75 * least, left_start + 0.05), 0.7)
    unit = _unit(signal.name)
    data: dict[str, Any] = {"feature": signal.name, "unit": unit}
    if FEATURES[signal.name].sided:
        data["side"] = signal.policy.value
    for key, share in (("start", 0.0), ("full", 1.0), ("in_start", in_start), ("left_start", left_start),
                       ("minimal", minimal)):  # fmt: skip
        data[key] = _round(start + share * way, unit)
    return data


def _load_direction(shown: Sequence[Shown]) -> str:
    """Lowering comes first if what is heavy goes down on the way out: the trunk, or else the hands."""
    marks = computer().landmarks

    def of(joint: str) -> float:
        rows = [i for i, mark in enumerate(marks) if mark.endswith(f"_{joint}")]
        heights = [item.tracks.points[:, rows, 2] for item in shown]
        changes = np.array(
            [
                z[item.span.first + item.peak] - z[item.span.first]
                for z, item in zip(heights, shown, strict=True)
            ]
        )
        known = changes[np.isfinite(changes)]
        return float(np.median(known)) if len(known) else 0.0

    trunk = 0.5 * (of("shoulder") + of("hip"))
    moved = trunk if abs(trunk) > 0.08 else of("wrist") if abs(of("wrist")) > 0.08 else of("ankle")
    return "eccentric_first" if moved < 0.0 else "concentric_first"


def _tempo(shown: Sequence[Shown]) -> dict[str, float]:
    times = [item.duration_s for item in shown]
    return {
        "shortest_s": round(max(0.3, 0.35 * min(times)), 1),
        "longest_s": round(max(10.0, 4.0 * max(times)), 0),
        "longest_pause_s": round(max(5.0, 1.5 * max(times)), 0),
    }


def _canonical(shown: Sequence[Shown]) -> list[FloatArray]:
    return [as_if_left_led(item.values, item.leading) for item in shown]


def _measurable(name: str, std: FloatArray) -> bool:
    return bool(np.isfinite(std[place(name, Side.LEFT)]))


def _fraction(item: Shown, progress: dict[str, Any]) -> FloatArray:
    unit = progress["unit"]
    said = np.array([_said(float(v), unit) for v in item.signal])
    result: FloatArray = (said - progress["start"]) / (progress["full"] - progress["start"])
    return result


def _features(
    shown: Sequence[Shown],
    std: FloatArray,
    signal: ProgressSignal,
    progress: dict[str, Any],
    both: bool,
    direction: str,
) -> list[dict[str, Any]]:
    values = _canonical(shown)
    fractions = [_fraction(item, progress) for item in shown]
    ways = ("eccentric", "concentric") if direction == "eccentric_first" else ("concentric", "eccentric")
    blocks = []
    for name, policy in scored_terms(both):
        if not _measurable(name, std):
            continue
        samples, people = _samples(values, shown, name, policy)
        if not all(np.isfinite(sample).all() for sample in samples):
            continue
        doubled = fractions * (len(samples) // len(fractions))
        peaks = [item.peak for item in shown] * (len(samples) // len(fractions))
        fitted = np.stack(
            [stats.course(s[:, None], f, k) for s, f, k in zip(samples, doubled, peaks, strict=True)]
        )
        spread = stats.course_spread(fitted, people, np.array([FEATURES[name].floor]))
        mean, tolerance = spread.mean[..., 0], stats.DEVIATIONS * np.sqrt(spread.total[..., 0])
        moves = float(mean.var())
        steady = moves / (moves + float(spread.within.mean()) + FEATURES[name].floor ** 2)
        weight = (0.5 + 0.5 * steady) * (2.0 if policy is SidePolicy.EACH else 1.0)
        ideal = {way: _knots(mean[i], tolerance[i]) for i, way in enumerate(ways)}
        # no ideal before the movement: how people wait is their own
        ideal["bottom"] = ideal["hold"] = _knots(mean.mean(axis=0), tolerance.mean(axis=0))
        blocks.append(
            {"feature": name, "side": policy.value, "unit": "1", "weight": round(weight, 2), "ideal": ideal}
        )
    if not blocks:
        raise LearningError("no segment of the body is seen throughout the repetitions: show the whole body")
    return blocks


def _samples(
    values: Sequence[FloatArray], shown: Sequence[Shown], name: str, policy: SidePolicy
) -> tuple[list[FloatArray], list[str]]:
    """A feature of every repetition, from both sides where both do the same, and whose it is."""
    people = [item.person for item in shown]
    side = Side.RIGHT if policy is SidePolicy.TRAILING else Side.LEFT
    first = [v[:, place(name, side)] for v in values]
    if policy in (SidePolicy.LEADING, SidePolicy.TRAILING):
        return first, people
    return first + [v[:, place(name, Side.RIGHT)] for v in values], people * 2


def _knots(mean: FloatArray, tolerance: FloatArray) -> list[dict[str, float]]:
    return [
        {"at": round(float(at), 2), "ideal": round(float(m), 3), "tolerance": round(float(t), 3)}
        for at, m, t in zip(stats.KNOTS, mean, tolerance, strict=True)
    ]


def _excursions(
    shown: Sequence[Shown], std: FloatArray, signal: ProgressSignal, both: bool
) -> list[dict[str, Any]]:
    values = _canonical(shown)
    terms: list[tuple[str, SidePolicy, float]] = [
        (name, policy, 2.0 if policy is SidePolicy.EACH else 1.0)
        for name, policy in scored_terms(both)
        if _measurable(name, std)
    ]
    sided = FEATURES[signal.name].sided
    main = SidePolicy.MEAN if not sided else SidePolicy.EACH if both else SidePolicy.LEADING
    terms.insert(0, (signal.name, main, _MAIN_WEIGHT))
    blocks = []
    for name, policy, weight in terms:
        if name in PAIRED or policy is not SidePolicy.MEAN:
            samples, people = _samples(values, shown, name, policy)
        else:
            samples, people = [v[:, place(name, Side.NONE)] for v in values], [item.person for item in shown]
        if not all(np.isfinite(sample).all() for sample in samples):
            continue
        noise = _STILL * FEATURES[name].floor
        logs = np.log(np.array([np.ptp(sample) for sample in samples]) + noise)
        spread = stats.hierarchical(logs, people, _RATIO_WITHIN**2, _RATIO_BETWEEN**2)
        unit = _unit(name)
        ideal = max(math.exp(float(spread.mean)) - noise, 0.0)
        digits = 3 if unit == "1" else 1
        block = {
            "feature": name,
            "unit": unit,
            "weight": weight,
            "ideal": round(_said(ideal, unit), digits),
            "noise": round(_said(noise, unit), digits),
            "factor": round(math.exp(stats.DEVIATIONS * math.sqrt(float(spread.total))), 2),
        }
        if policy is not SidePolicy.MEAN:
            block["side"] = policy.value
        blocks.append(block)
    return blocks
