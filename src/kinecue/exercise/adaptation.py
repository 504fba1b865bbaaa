"""The ideal follows what a person does well, slowly, within bounds, and never past what is safe.

What a session taught is the person's own deviation from their unadapted ideal on valid repetitions without any fault: a
median over the frames of each repetition, a median over the repetitions. Sessions are kept as they were (in the
person's file), and the offset follows from them by one rule, so a session that was wrong can be taken back. Offsets
move ideals, that is D; limits of faults stay where they were without them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import median

from kinecue.body.person import Person
from kinecue.body.person_record import PLACES, SESSIONS_KEPT, AdaptedSession, PersonError
from kinecue.exercise.blocks import Outside
from kinecue.exercise.course import interpolator
from kinecue.exercise.limits import resolve_limits, safe_ideals
from kinecue.exercise.model import ExerciseModel, Knot, ScoredFeature
from kinecue.exercise.personal_blocks import AdaptBlock
from kinecue.exercise.results import FormState, Phase, Repetition, RepetitionStatus
from kinecue.exercise.signal import Signal

FEWEST_REPETITIONS = 3
"""A session with fewer good ones teaches nothing."""
_GAIN = 0.25
"""Of the way to what a session showed that one session may go: four sessions alike are believed, one is not."""
_FEWEST_FRAMES = 2
_FARTHEST = 1.0
"""Repetitions further off their ideal than this many tolerances are no example to follow."""
_MOVING = (Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC)

Offsets = Mapping[str, tuple[float, ...]]
"""By feature (``name`` or ``name:side``): offset at each of `PLACES`, in tolerances of the exercise file."""


def offsets(sessions: Sequence[AdaptedSession], block: AdaptBlock | None) -> dict[str, tuple[float, ...]]:
    """What all sessions together have taught. Deterministic; oldest session first.

    Each session pulls the offset a part of the way to what was seen in it, by `block.step` at the most; the offset never
    exceeds `block.most`.
    """
    if block is None:
        return {}
    result: dict[str, list[float]] = {}
    for session in sessions:
        for name, seen in session.deviations.items():
            now = result.setdefault(name, [0.0] * len(PLACES))
            for i, value in enumerate(seen):
                if math.isfinite(value):
                    step = min(max(_GAIN * (value - now[i]), -block.step), block.step)
                    now[i] = min(max(now[i] + step, -block.most), block.most)
    return {name: tuple(values) for name, values in result.items()}


def adapted(
    model: ExerciseModel, sessions: Sequence[AdaptedSession], tolerances: ExerciseModel | None = None
) -> ExerciseModel:
    """The exercise with the person's ideal moved by what the sessions taught.

    Args:
        model: personalised or as in the file.
        sessions: of this exercise, oldest first.
        tolerances: the exercise as in the file, whose tolerances the offsets count in; `model` if None.
    """
    if model.personal is None:
        return model
    learned = offsets(sessions, model.personal.adapt)
    if not any(any(values) for values in learned.values()):
        return model
    # limits are written out first, so that they do not follow
    model = resolve_limits(model)
    units = (tolerances or model).features
    features = tuple(
        _moved(model, scored, unit, learned[_key(scored)])
        if _key(scored) in learned and adapts(scored)
        else scored
        for scored, unit in zip(model.features, units, strict=True)
    )
    return model.model_copy(update={"features": features})


def adapts(scored: ScoredFeature) -> bool:
    """Whether a feature's ideal may follow the person: those that are personal, and not one-sided."""
    return scored.personal and scored.counts is Outside.EITHER


def remember(person: Person, exercise: str, session: AdaptedSession) -> Person:
    """The person with one more session; one of the same moment is replaced, the oldest beyond the limit are dropped."""
    known = [item for item in person.adaptation.get(exercise, ()) if item.session != session.session]
    known.append(session)
    known.sort(key=lambda item: datetime.fromisoformat(item.session))
    return replace(person, adaptation={**person.adaptation, exercise: tuple(known[-SESSIONS_KEPT:])})


def undo(person: Person, exercise: str, session: str | None = None) -> Person:
    """The person without a session (the newest by default), as if it had never been.

    Raises:
        PersonError: there is no such session; the text lists those there are.
    """
    known = person.adaptation.get(exercise, ())
    taken = session if session is not None else (known[-1].session if known else None)
    left = tuple(item for item in known if item.session != taken)
    if len(left) == len(known):
        there = ", ".join(item.session for item in known) or "none"
        raise PersonError(f"session is {taken!r}, allowed for {exercise}: {there}")
    others = {name: items for name, items in person.adaptation.items() if name != exercise}
    return replace(person, adaptation={**others, exercise: left} if left else others)


class SessionWatch:
    """Collects what a session teaches, from what the scorer says frame by frame.

    Args:
        unadapted: the personal model without adaptation; deviations count from its courses.
        tolerances: the exercise as in the file; offsets count in its tolerances.
    """

    def __init__(self, unadapted: ExerciseModel, tolerances: ExerciseModel) -> None:
        self._courses: dict[str, _Courses] = {}
        self._rows: list[str] = []
        for scored, unit in zip(unadapted.features, tolerances.features, strict=True):
            if adapts(scored):
                self._courses[_key(scored)] = _Courses(scored, unit)
            self._rows += [_key(scored)] * len(Signal(scored.feature, scored.side).sides)
        self._frames: dict[str, list[list[float]]] = self._none()
        self._repetitions: list[dict[str, tuple[float, ...]]] = []

    def _none(self) -> dict[str, list[list[float]]]:
        return {name: [[] for _ in PLACES] for name in self._courses}

    def frame(self, form: FormState) -> None:
        """One frame's form, as the scorer of this exercise gives it; of another exercise it is left out."""
        if form.phase not in _MOVING or form.repetition == 0 or not math.isfinite(form.progress):
            return
        place = min(range(len(PLACES)), key=lambda i: abs(PLACES[i] - form.progress))
        if len(form.deviations) != len(self._rows):
            return
        for name, row in zip(self._rows, form.deviations, strict=True):
            courses = self._courses.get(name)
            if courses is not None and row.measured.usable:
                off = courses.deviation(form.phase, form.progress, row.measured.value)
                if math.isfinite(off):
                    self._frames[name][place].append(off)

    def repetition(self, repetition: Repetition) -> None:
        """A movement ended; only what was valid and without a fault is an example."""
        frames, self._frames = self._frames, self._none()
        if repetition.status is not RepetitionStatus.VALID or repetition.faults:
            return
        if math.isfinite(repetition.d) and repetition.d > _FARTHEST:
            return
        self._repetitions.append(
            {
                name: tuple(median(v) if len(v) >= _FEWEST_FRAMES else math.nan for v in places)
                for name, places in frames.items()
            }
        )

    def session(self, moment: str) -> AdaptedSession | None:
        """What was learned; None if there were too few good repetitions.

        Args:
            moment: ISO 8601 with the offset from UTC; names the session.
        """
        if len(self._repetitions) < FEWEST_REPETITIONS:
            return None
        deviations: dict[str, tuple[float, ...]] = {}
        for name in self._courses:
            columns = [[rep[name][i] for rep in self._repetitions] for i in range(len(PLACES))]
            seen = [[value for value in column if math.isfinite(value)] for column in columns]
            values = tuple(median(v) if len(v) >= FEWEST_REPETITIONS else math.nan for v in seen)
            if any(math.isfinite(value) for value in values):
                deviations[name] = tuple(min(max(value, -100.0), 100.0) for value in values)
        return AdaptedSession(moment, len(self._repetitions), deviations) if deviations else None


class _Courses:
    """Ideal of the unadapted model and tolerance of the file, by phase."""

    def __init__(self, scored: ScoredFeature, unit: ScoredFeature) -> None:
        self._ideal = {
            phase: interpolator(tuple(k.at for k in knots), tuple(scored.si(k.ideal) for k in knots))
            for phase, knots in scored.ideal.items()
        }
        self._tolerance = {
            phase: interpolator(tuple(k.at for k in knots), tuple(unit.si(k.tolerance) for k in knots))
            for phase, knots in unit.ideal.items()
        }

    def deviation(self, phase: Phase, progress: float, value: float) -> float:
        """In tolerances; NaN where the phase has no ideal."""
        name = phase.name.lower()
        name = name if name in self._ideal else "any"
        if name not in self._ideal or name not in self._tolerance:
            return math.nan
        return (value - self._ideal[name](progress)) / self._tolerance[name](progress)


def _moved(
    model: ExerciseModel, scored: ScoredFeature, unit: ScoredFeature, offset: tuple[float, ...]
) -> ScoredFeature:
    low, high = safe_ideals(model, scored)
    by = interpolator(PLACES, offset)
    ideal: dict[str, tuple[Knot, ...]] = {}
    for phase, knots in scored.ideal.items():
        coarse = unit.ideal[phase]
        tolerance = interpolator(tuple(k.at for k in coarse), tuple(unit.si(k.tolerance) for k in coarse))
        moved = []
        for knot in _with_places(scored, knots):
            before = scored.si(knot.ideal)
            value = before + by(knot.at) * tolerance(knot.at)
            # what was beyond the bounds in the file does not go further
            value = min(max(value, min(low, before)), max(high, before))
            moved.append(knot.model_copy(update={"ideal": value / scored.si(1.0)}))
        ideal[phase] = tuple(moved)
    return scored.model_copy(update={"ideal": ideal})


def _with_places(scored: ScoredFeature, knots: tuple[Knot, ...]) -> list[Knot]:
    """Knots of a course with those at `PLACES`, where the offset bends; a single knot stays a constant."""
    if len(knots) == 1:
        return list(knots)
    at = tuple(knot.at for knot in knots)
    ideal = interpolator(at, tuple(knot.ideal for knot in knots))
    tolerance = interpolator(at, tuple(knot.tolerance for knot in knots))
    more = [Knot(at=p, ideal=ideal(p), tolerance=tolerance(p)) for p in PLACES if p not in at]
    return sorted([*knots, *more], key=lambda knot: knot.at)


def _key(scored: ScoredFeature) -> str:
    side = scored.side.value
    return scored.feature if side in ("mean", "each") else f"{scored.feature}:{side}"
