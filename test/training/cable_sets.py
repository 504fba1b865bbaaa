"""Sets on simulated cable machines: exact bodies, samples of flawed sensors, and either of them failing on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kinecue.body import BLAZEPOSE_33, Body
from kinecue.exercise import Fault, FormState, Repetition, RepetitionStatus, Scorer, SetSummary, find_exercise
from kinecue.machine import (
    CableMachineSimulator,
    CableSample,
    CableSide,
    EncoderSample,
    MachineModel,
    SampleStream,
    TrackMotion,
    named_flaws,
)
from kinecue.simulation.gym import Gym
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan, Tempo
from kinecue.simulation.programmes import Programme
from kinecue.training.disagreement import Notice
from kinecue.training.fusion import FusionUpdate, RepetitionFusion

FloatArray = NDArray[np.float64]
SIDES = {"none": CableSide.NONE, "left": CableSide.LEFT, "right": CableSide.RIGHT}
CABLES = ("cable_row", "lat_pulldown", "cable_chest_press", "biceps_curl", "triceps_pushdown")
FPS = 15.0
START_NS = 1_000_000_000_000
NS = 1_000_000_000
TEMPO = Tempo(0.8, 0.2, 0.9, 0.6)


@dataclass(frozen=True)
class CableSet:
    """A set as it truly was: (T,) s, (T, 33, 3) m, (T, C, 3) m, and where its cables come from."""

    exercise: str
    repetitions: int
    times: FloatArray
    positions: FloatArray
    handles: FloatArray
    pulleys: FloatArray
    sides: tuple[CableSide, ...]

    @property
    def duration_s(self) -> float:
        return float(self.times[-1])


@cache
def cable_set(
    exercise: str,
    repetitions: int = 5,
    faults: tuple[PlantedFault, ...] = (),
    tempo: Tempo = TEMPO,
    seed: int = 3,
    variation: float = 1.0,
) -> CableSet:
    """A set of the simulated gym."""
    plan = SetPlan(repetitions, tempo, faults, still_s=1.2, after_s=1.6, variation=variation, seed=seed)
    gym = Gym(Programme("set", exercise, plan=plan, view=0.6))
    times = np.arange(int(gym.duration_s * FPS)) / FPS
    positions = np.empty((len(times), 33, 3))
    handles = np.empty((len(times), len(gym.pulleys), 3))
    for first in range(0, len(times), 64):
        part = times[first : first + 64]
        figure = gym.performance.figure(part)
        for n in range(len(part)):
            bones = gym.bones(figure, n)
            marks = gym.athlete.landmarks(bones)
            positions[first + n] = [marks[mark] for mark in BLAZEPOSE_33.landmarks]
            handles[first + n] = gym.equipment.handles(bones)
    sides = tuple(SIDES[cable.side] for cable in gym.equipment.cables)
    return CableSet(exercise, repetitions, times, positions, handles, np.array(gym.pulleys), sides)


def machines(
    shown: CableSet, flaws: str = "typical", overrides: str = "", seed: int = 1
) -> list[CableMachineSimulator]:
    """The machine that is pulled in a set."""
    return [
        CableMachineSimulator(
            TrackMotion(shown.times, shown.handles[:, i], shown.pulleys[i]),
            MachineModel(side=side),
            named_flaws(flaws, overrides),
            seed,
        )
        for i, side in enumerate(shown.sides)
    ]


def body_at(shown: CableSet, n: int, std: float = 0.01, body_id: str = "a") -> Body:
    """The lifter in frame `n`, seen from all sides."""
    count = len(BLAZEPOSE_33)
    return Body(
        body_id,
        START_NS + round(float(shown.times[n]) * 1e9),
        BLAZEPOSE_33,
        np.zeros((count, 2)),
        np.ones(count),
        shown.positions[n],
        np.tile(np.eye(3) * std**2, (count, 1, 1)),
        np.full(count, 2, np.uint8),
        1.0,
        (640, 480),
        float("inf"),
    )


@dataclass
class Heard:
    """What came out of a set, and when (s since its begin)."""

    repetitions: list[Repetition] = field(default_factory=list)
    when: list[float] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    forms: list[FormState] = field(default_factory=list)
    summary: SetSummary | None = None

    def take(self, update: FusionUpdate, t: float) -> None:
        self.repetitions += update.repetitions
        self.when += [t] * len(update.repetitions)
        self.faults += update.faults
        self.notices += update.notices
        self.forms += [update.form] if update.form else []

    @property
    def valid(self) -> list[Repetition]:
        return [r for r in self.repetitions if r.status is RepetitionStatus.VALID]

    @property
    def sources(self) -> list[str]:
        return [r.source for r in self.valid]


Encoder = Callable[[EncoderSample, float], EncoderSample | None]
Frame = Callable[[Body, float], Body | None]


def as_it_is(sample: EncoderSample, t: float) -> EncoderSample:
    return sample


def seen(body: Body, t: float) -> Body:
    return body


def play(
    shown: CableSet,
    *,
    flaws: str = "typical",
    overrides: str = "",
    encoder: Encoder = as_it_is,
    camera: Frame = seen,
    frames: Callable[[float], bool] = lambda t: True,
    rate: float = 100.0,
    exercise: str = "",
    with_machine: bool = True,
    fusion: RepetitionFusion | None = None,
    sides: tuple[CableSide, ...] | None = None,
    unplugged: Callable[[float], bool] = lambda t: False,
) -> Heard:
    """A set through scorer and fusion as the node does it: samples in batches, after each frame."""
    model = find_exercise(exercise or shown.exercise)
    scorer = Scorer(model)
    fusion = fusion or RepetitionFusion(model)
    heard = Heard()
    streams = [SampleStream(m, rate, 0) for m in machines(shown, flaws, overrides)] if with_machine else []
    for n, t in enumerate(shown.times.tolist()):
        stamp = START_NS + round(t * 1e9)
        if frames(t):
            body = camera(body_at(shown, n), t)
            update = scorer.update(body, stamp)
            summary = scorer.summary()
            fusion.set(summary.set_id, summary.active)
            heard.take(fusion.scored(update, body), t)
        now = stamp + 30_000_000
        batch: list[tuple[CableSample | None, EncoderSample | None]] = []
        for stream in streams:
            batch += stream.due(round(t * 1e9))
        newest = 0
        for force, sample in batch:
            if unplugged(t):
                continue
            if sample is not None:
                sample = encoder(replace(sample, stamp_ns=sample.stamp_ns + START_NS), t)
            if sample is not None and (sides is None or sample.side in sides):
                newest = max(newest, sample.stamp_ns)
                if newest == sample.stamp_ns:
                    fusion.arrived(newest, now)
                fusion.encoder(sample)
            if force is not None:
                fusion.force(replace(force, stamp_ns=force.stamp_ns + START_NS))
        heard.take(fusion.tick(now), t)
    end = START_NS + round((shown.duration_s + 0.1) * 1e9)
    summary = scorer.end_set(end)
    heard.take(fusion.scored(scorer.flush()), shown.duration_s)
    heard.take(fusion.finish(), shown.duration_s)
    heard.summary = fusion.summary(summary)
    return heard
