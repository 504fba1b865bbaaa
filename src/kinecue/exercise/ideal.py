"""The ideal for this person: an exercise model whose courses and limits follow from a build.

The file is right for the average build; what the posture model says more or less of this build than of the average one
is added to the courses that are marked `personal: true`. Errors that the posture model makes for everybody cancel that
way, and somebody of average build gets the file as it is. See `docs/personal-ideal.md`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import LENGTH_NAMES
from kinecue.exercise.adaptation import adapted
from kinecue.exercise.build import Build
from kinecue.exercise.course import interpolator
from kinecue.exercise.features import FEATURES
from kinecue.exercise.limits import safe_ideals
from kinecue.exercise.model import ExerciseModel, Knot, ScoredFeature
from kinecue.exercise.personal_blocks import PersonalBlock
from kinecue.exercise.personal_posture import GRID, Postures, postures, range_cap
from kinecue.exercise.structure import Progress

FloatArray = NDArray[np.float64]

_FARTHEST = math.radians(25.0)
"""No build moves an ideal further: builds three standard deviations off move a squat's lean by 16 degrees."""
_ALMOST_ALL = 2.5
"""Standard deviations of the builds that the file's tolerances take in: they are to hold for 99 people of 100."""
_TECHNIQUE = 0.6
"""Share of a tolerance that is left to technique however well the build is known."""
_ABOVE_MINIMAL = 0.02
"""A full range stays this far beyond the minimal one, in progress."""
_SHOWN = math.radians(0.5)
"""Smaller changes are not worth telling, rad (or share of an arm's length)."""


@dataclass(frozen=True)
class Change:
    """What personalising changed, for engineers.

    Attributes:
        field: of the exercise file, as ``features.0.ideal.any``.
        feature: its feature.
        at: progress of the largest change.
        before, after: there, in `unit`.
        unit: as in the file.
    """

    field: str
    feature: str
    at: float
    before: float
    after: float
    unit: str

    def __str__(self) -> str:
        return f"{self.feature} at {self.at:.2f}: {self.before:.3g} becomes {self.after:.3g} {self.unit} ({self.field})"


@dataclass(frozen=True)
class _Shift:
    """By how much the ideal of a feature moves, and what is not known of that, (N,) at `GRID`, rad."""

    by: FloatArray
    spread: FloatArray
    """From the lengths."""
    range_spread: FloatArray
    """From the ranges that limit the posture."""
    usual_spread: FloatArray
    """From the lengths of somebody unknown."""


def personalise(model: ExerciseModel, build: Build | None) -> ExerciseModel:
    """The exercise with this person's ideal. Pure: the same arguments give the same model.

    Courses of features marked `personal` are shifted and capped, their tolerances take in what is not known of the
    build, and limits that count from the ideal follow; then the ideals move by what the person's sessions taught. A
    `safety` limit is not moved, and no ideal goes beyond one.

    Args:
        model: as in the file.
        build: the person's; None gives `model` itself.
    """
    block = model.personal
    if build is None or block is None or model.progress is None:
        return model
    progress = _personal_progress(model.progress, block, build)
    shifts = _shifts(model, block, build)
    features = tuple(
        _personal_feature(
            model, scored, shifts.get(scored.feature), range_cap(block.ranges, scored.feature, build)
        )
        if scored.personal
        else scored
        for scored in model.features
    )
    personal = model
    if progress is not model.progress or any(
        a is not b for a, b in zip(features, model.features, strict=True)
    ):
        personal = model.model_copy(update={"features": features, "progress": progress})
    return adapted(personal, build.adaptation.get(model.name, ()), model)


def changes(model: ExerciseModel, personal: ExerciseModel) -> tuple[Change, ...]:
    """What of `model` is different in `personal`, which `personalise` made of it."""
    found: list[Change] = []
    for i, (old, new) in enumerate(zip(model.features, personal.features, strict=True)):
        for phase, knots in old.ideal.items():
            here = _largest(knots, new.ideal[phase])
            if abs(old.si(here[2] - here[1])) > _SHOWN:
                found.append(Change(f"features.{i}.ideal.{phase}", old.feature, *here, old.unit))
    if model.progress is not None and personal.progress is not None:
        full, own = model.progress.full, personal.progress.full
        if full != own:
            found.append(Change("progress.full", model.progress.feature, 1.0, full, own, model.progress.unit))
    return tuple(found)


def lean_changes(model: ExerciseModel, build: Build) -> FloatArray | None:
    """(18,) by how much this build leans more than the average one at `GRID`, rad; None without a model."""
    if model.personal is None or model.progress is None:
        return None
    shift = _shifts(model, model.personal, build).get("trunk_lean")
    return None if shift is None else shift.by


def depth_limit(model: ExerciseModel, build: Build) -> str:
    """Why and down to where less depth is asked of this build, for people; empty where it is not."""
    if model.personal is None or model.progress is None:
        return ""
    solved = postures(model.personal, model.progress, build, _file_lean(model))
    if solved is None or math.isinf(solved.depth):
        return ""
    return f"asked down to {math.degrees(solved.depth):.0f} degrees of knee flexion, because of {solved.why}"


# --- shifts ---


def _shifts(model: ExerciseModel, block: PersonalBlock, build: Build) -> dict[str, _Shift]:
    """By feature; empty where the posture model has nothing to say of this build."""
    progress = model.movement
    leaning = _file_lean(model)
    known = _usual(block, progress, None if leaning is None else tuple(leaning.tolist()))
    own = postures(block, progress, build, leaning)
    if known is None or own is None:
        return {}
    usual, usual_spread = known
    own_spread = _spread(block, progress, build, leaning, own)
    range_spread = _range_spread(block, progress, build, leaning, own)
    return {
        name: _Shift(
            np.clip(own.features[name] - usual.features[name], -_FARTHEST, _FARTHEST),
            own_spread[name],
            range_spread[name],
            usual_spread[name],
        )
        for name in own.features
        if name in FEATURES
    }


@lru_cache(maxsize=64)
def _usual(
    block: PersonalBlock, progress: Progress, leaning: tuple[float, ...] | None
) -> tuple[Postures, dict[str, FloatArray]] | None:
    """The average build's, with its spread; the same for everybody."""
    average = Build.average()
    lean = None if leaning is None else np.array(leaning)
    solved = postures(block, progress, average, lean)
    return None if solved is None else (solved, _spread(block, progress, average, lean, solved))


def _spread(
    block: PersonalBlock, progress: Progress, build: Build, leaning: FloatArray | None, solved: Postures
) -> dict[str, FloatArray]:
    """Standard deviation of each course from those of the lengths, first order, rad."""
    variance = {name: np.zeros(len(GRID)) for name in solved.features}
    for length in LENGTH_NAMES:
        if getattr(build.lengths_std, length) <= 0.0:
            continue
        varied = postures(block, progress, build.varied(length), leaning)
        if varied is not None:
            for name, course in varied.features.items():
                variance[name] = variance[name] + (course - solved.features[name]) ** 2
    return {name: np.sqrt(value) for name, value in variance.items()}


def _range_spread(
    block: PersonalBlock, progress: Progress, build: Build, leaning: FloatArray | None, solved: Postures
) -> dict[str, FloatArray]:
    """The same from those of the calibrated ranges; 0 where a range limits nothing."""
    variance = {name: np.zeros(len(GRID)) for name in solved.features}
    for joint, known in build.ranges.items():
        stiffer = {**build.ranges, joint: replace(known, value=known.value - known.std)}
        varied = postures(block, progress, replace(build, ranges=stiffer), leaning)
        if varied is not None:
            for name, course in varied.features.items():
                variance[name] = variance[name] + (course - solved.features[name]) ** 2
    return {name: np.sqrt(value) for name, value in variance.items()}


def _file_lean(model: ExerciseModel) -> FloatArray | None:
    """The lean that the file has at `GRID`, rad."""
    for scored in model.features:
        if scored.feature == "trunk_lean":
            knots = scored.ideal.get("any") or next(iter(scored.ideal.values()))
            return np.interp(GRID, [knot.at for knot in knots], [scored.si(knot.ideal) for knot in knots])
    return None


# --- what is replaced ---


def _personal_feature(
    model: ExerciseModel, scored: ScoredFeature, shift: _Shift | None, cap: float
) -> ScoredFeature:
    if shift is None and math.isinf(cap):
        return scored
    low, high = safe_ideals(model, scored)
    ideal = {
        phase: tuple(
            _personal_knots(scored, shift, (low, min(high, cap)), sorted(_places(knots, shift)), knots)
        )
        for phase, knots in scored.ideal.items()
    }
    return scored.model_copy(update={"ideal": ideal})


def _places(knots: tuple[Knot, ...], shift: _Shift | None) -> Iterator[float]:
    """Progress of the knots of a personal course: those of the file, and where the shift bends between them."""
    yield from (knot.at for knot in knots)
    if shift is not None and len(knots) > 1:
        yield from (at for at in GRID.tolist() if all(abs(at - knot.at) > 1e-9 for knot in knots))


def _personal_knots(
    scored: ScoredFeature,
    shift: _Shift | None,
    bounds: tuple[float, float],
    places: list[float],
    knots: tuple[Knot, ...],
) -> Iterator[Knot]:
    at = tuple(knot.at for knot in knots)
    ideal = interpolator(at, tuple(scored.si(knot.ideal) for knot in knots))
    tolerance = interpolator(at, tuple(scored.si(knot.tolerance) for knot in knots))
    for place in places:
        value, width = ideal(place), tolerance(place)
        if shift is not None:
            value += float(np.interp(place, GRID, shift.by))
            unknown = float(np.interp(place, GRID, shift.spread))
            usual = float(np.interp(place, GRID, shift.usual_spread))
            # the file's tolerance is for anybody: it has the spread of builds in it
            technique = max(width**2 - (_ALMOST_ALL * usual) ** 2, (_TECHNIQUE * width) ** 2)
            width = min(math.hypot(math.sqrt(technique), _ALMOST_ALL * unknown), width)
            width = math.hypot(width, float(np.interp(place, GRID, shift.range_spread)))
        value = _within(value, ideal(place), bounds)
        yield Knot(at=place, ideal=value / scored.si(1.0), tolerance=width / scored.si(1.0))


def _within(value: float, before: float, bounds: tuple[float, float]) -> float:
    """`value` held within bounds, or at the file's own where that is beyond them already."""
    low, high = min(bounds[0], before), bounds[1]
    return min(max(value, low), max(high, low))


def _personal_progress(progress: Progress, block: PersonalBlock, build: Build) -> Progress:
    """With a full range that this person's joints have, and that is still beyond the minimal one."""
    cap = range_cap(block.ranges, progress.feature, build)
    full = progress.si(progress.full)
    if progress.full < progress.start or cap >= full:
        return progress
    minimal, start = progress.si(progress.minimal), progress.si(progress.start)
    full = max(cap, minimal + _ABOVE_MINIMAL * (full - start))
    return progress.model_copy(update={"full": full / progress.si(1.0)})


def _largest(old: tuple[Knot, ...], new: tuple[Knot, ...]) -> tuple[float, float, float]:
    """Progress, value before and value after at the knot of `new` that moved most."""
    before = interpolator(tuple(knot.at for knot in old), tuple(knot.ideal for knot in old))
    here = max(new, key=lambda knot: abs(knot.ideal - before(knot.at)))
    return here.at, before(here.at), here.ideal
