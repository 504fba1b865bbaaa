"""What scoring said about a simulated set, beside what is true of it: small records that the benchmarks count."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scored_sets import MadeSet, SetKey, TrueRepetition, make, score
from threadpoolctl import threadpool_limits

from kinecue.body.errors import KineCueError
from kinecue.exercise.exercise_file import available_exercises, find_exercise
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import Fault, RepetitionStatus
from kinecue.exercise.scorer import ScoreUpdate
from kinecue.simulation.exercises import EXERCISES

FloatArray = NDArray[np.float64]

_S = 1e-9
_LEFT = 0.05
"""Share of the range from which a start position is left."""
_LATE_S = 0.6
"""A fault may be told that much after the repetition that it belongs to, s."""


@dataclass(frozen=True)
class Raised:
    """A fault that was raised; `number` is the planned repetition that it fell into, 0 before the first."""

    name: str
    number: int
    side: str
    phase: str
    at_s: float
    onset_s: float
    feature: str
    measured: float
    std: float
    limit: float
    unit: str
    probability: float

    @property
    def text(self) -> str:
        """For people."""
        factor = 180.0 / math.pi if self.unit == "rad" else 1.0
        unit = "deg" if self.unit == "rad" else self.unit
        return (
            f"{self.name} ({self.side}, {self.phase}): {self.feature} {factor * self.measured:.3g} "
            f"± {factor * self.std:.2g} against {factor * self.limit:.3g} {unit}, p {self.probability:.2f}"
        )


@dataclass(frozen=True)
class Ended:
    """A movement that scoring told of; times in s."""

    status: str
    reason: str
    start_s: float
    bottom_s: float
    end_s: float
    range: float
    d: float
    d_eccentric: float
    d_concentric: float
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Planned:
    """A repetition as it was done.

    Attributes:
        number, kind: of the plan.
        start_s, end_s: when it begins and is over, s.
        leaves_s, returns_s: when a twentieth of the range is passed on the way out and back, which somebody who looks
            would call the start and the end.
        turn_s, back_s: the turning point lasts from the one to the other.
    """

    number: int
    kind: str
    start_s: float
    turn_s: float
    back_s: float
    end_s: float
    leaves_s: float
    returns_s: float


@dataclass(frozen=True)
class SetRecord:
    """One set.

    Attributes:
        key: what it is.
        seen: ``network`` or ``truth``.
        planned, ended, raised: see there.
        abstained: of each fault, by planned repetition, the share of its frames in which it was not judged.
        shares: mean share of D by feature over the set's scored frames.
    """

    key: SetKey
    seen: str
    planned: tuple[Planned, ...]
    ended: tuple[Ended, ...]
    raised: tuple[Raised, ...]
    abstained: dict[str, dict[int, float]]
    shares: dict[str, float]

    @property
    def counted(self) -> list[Ended]:
        """Valid repetitions."""
        return [e for e in self.ended if e.status == RepetitionStatus.VALID.name]

    def pairs(self) -> list[tuple[Planned, Ended]]:
        """Planned full repetitions with the counted ones that they overlap most, each once."""
        result, free = [], self.counted
        for planned in self.planned:
            if planned.kind != "full":
                continue
            overlaps = [(min(planned.end_s, e.end_s) - max(planned.start_s, e.start_s), e) for e in free]
            best = max(overlaps, key=lambda item: item[0], default=(0.0, None))
            if best[1] is not None and best[0] > 0.3 * (planned.end_s - planned.start_s):
                result.append((planned, best[1]))
                free.remove(best[1])
        return result


def _number_at(planned: tuple[Planned, ...], onset_s: float, at_s: float) -> int:
    """Repetition in which something was seen: where it began, or where it was told."""
    for time in (onset_s, at_s - _LATE_S):
        if math.isfinite(time):
            begun = [p.number for p in planned if p.start_s - 0.3 <= time]
            if begun:
                return begun[-1]
    return planned[0].number if planned and at_s >= planned[0].start_s else 0


def _raised(fault: Fault, planned: tuple[Planned, ...]) -> Raised:
    at, onset = fault.stamp_ns * _S, fault.onset_ns * _S
    return Raised(
        fault.name,
        _number_at(planned, onset, at),
        fault.side.name.lower(),
        fault.phase.name.lower(),
        at,
        onset,
        fault.feature,
        fault.measured.value,
        fault.measured.std,
        fault.limit,
        fault.unit,
        fault.probability,
    )


def _planned(made: MadeSet, repetition: TrueRepetition) -> Planned:
    times, progress = np.array(made.stamps_ns) * _S, made.truth.progress
    inside = np.flatnonzero((times >= repetition.start_s) & (times <= repetition.end_s))
    far = inside[progress[inside] > _LEFT]
    leaves, returns = repetition.start_s, repetition.end_s
    if len(far) and far[0] > 0 and far[-1] + 1 < len(times):
        leaves = _crossing(times, progress, int(far[0]) - 1)
        returns = _crossing(times, progress, int(far[-1]))
    r = repetition
    return Planned(r.number, r.kind, r.start_s, r.turn_s, r.back_s, r.end_s, leaves, returns)


def _crossing(times: FloatArray, progress: FloatArray, before: int) -> float:
    """When `_LEFT` is crossed after frame `before`, s."""
    a, b = float(progress[before]), float(progress[before + 1])
    share = (_LEFT - a) / (b - a) if a != b else 0.0
    return float(times[before] + min(max(share, 0.0), 1.0) * (times[before + 1] - times[before]))


def record(made: MadeSet, updates: list[ScoreUpdate], seen: str = "network") -> SetRecord:
    """What is counted of a scored set."""
    planned = tuple(_planned(made, r) for r in made.truth.repetitions)
    raised = tuple(_raised(fault, planned) for update in updates for fault in update.faults)
    ended = tuple(
        Ended(
            r.status.name,
            r.reason.name,
            r.start_ns * _S,
            r.bottom_ns * _S,
            r.end_ns * _S,
            r.range,
            r.d,
            r.d_eccentric,
            r.d_concentric,
            r.faults,
        )
        for update in updates
        for r in update.repetitions
    )
    frames: dict[int, int] = {}
    hidden: dict[str, dict[int, int]] = {}
    shares: dict[str, float] = {}
    scored = 0
    for update in updates:
        form = update.form
        if form is None:
            continue
        if math.isfinite(form.d):
            scored += 1
            for term in form.deviations:
                shares[term.name] = shares.get(term.name, 0.0) + term.share
        time = form.stamp_ns * _S
        inside = [p.number for p in planned if p.start_s <= time < p.end_s]
        if inside:
            frames[inside[0]] = frames.get(inside[0], 0) + 1
            for name in {a.fault for a in form.abstentions}:
                counts = hidden.setdefault(name, {})
                counts[inside[0]] = counts.get(inside[0], 0) + 1
    return SetRecord(
        made.key,
        seen,
        planned,
        ended,
        raised,
        {name: {n: c / frames[n] for n, c in counts.items()} for name, counts in hidden.items()},
        {name: value / max(scored, 1) for name, value in shares.items()},
    )


def scored_exercises() -> list[str]:
    """Exercises that have a file and are in the simulation."""
    return [name for name in EXERCISES if name in available_exercises()]


_models: dict[str, ExerciseModel] = {}


def _work(job: tuple[SetKey, bool]) -> tuple[SetKey, tuple[SetRecord, ...], str]:
    cv2.setNumThreads(1)
    key, with_truth = job
    with threadpool_limits(1):
        try:
            if key.exercise not in _models:
                _models[key.exercise] = find_exercise(key.exercise)
            model = _models[key.exercise]
            made = make(key)
            result = [record(made, score(made, model))]
            if with_truth:
                result.append(record(made, score(made, model, truth=True), "truth"))
        except KineCueError as problem:
            return key, (), f"{type(problem).__name__}: {problem}"
    return key, tuple(result), ""


def records(
    keys: Iterable[SetKey], jobs: int = 1, with_truth: bool = False
) -> Iterator[tuple[SetKey, tuple[SetRecord, ...], str]]:
    """Makes and scores sets; yields key, records (the network's, and the truth's if wanted) and what went wrong."""
    work = [(key, with_truth) for key in keys]
    if jobs <= 1:
        yield from map(_work, work)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_work, work, chunksize=3)
