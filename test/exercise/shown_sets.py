"""Simulated athletes showing an exercise, as recordings to learn from and to score."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from kinecue.body import BLAZEPOSE_33, Body
from kinecue.exercise import ExerciseModel, Repetition, Scorer
from kinecue.exercise.learning import Recording
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan

FloatArray = NDArray[np.float64]
FPS = 12.0


@cache
def positions(
    exercise: str, athlete: str, repetitions: int, faults: tuple[PlantedFault, ...] = (), seed: int = 1
) -> FloatArray:
    """(T, 33, 3) true landmarks of a set at `FPS`, m."""
    body = Athlete(athlete)
    plan = SetPlan(repetitions, faults=faults, still_s=1.5, after_s=1.2, seed=seed)
    performance = Performance(body, EXERCISES[exercise], plan)
    times = np.arange(0.0, performance.duration_s, 1.0 / FPS)
    result = np.empty((len(times), len(BLAZEPOSE_33), 3))
    for first in range(0, len(times), 64):
        part = times[first : first + 64]
        figure = performance.figure(part)
        for n in range(len(part)):
            marks = body.landmarks(body.transforms(figure.pose(body, n)))
            result[first + n] = [marks[mark] for mark in BLAZEPOSE_33.landmarks]
    return result


def recording(
    points: FloatArray, name: str, std: float = 0.01, noise: float = 0.0, fps: float = FPS
) -> Recording:
    """Bodies of (T, 33, 3) points that say they are certain to `std`, with white noise of `noise` added, m."""
    points = points + noise * np.random.default_rng(len(name)).normal(size=points.shape)
    n = len(BLAZEPOSE_33)
    covariances = np.tile(np.eye(3) * std**2, (n, 1, 1))
    pixels, ones, states = np.zeros((n, 2)), np.ones(n), np.full(n, 2, np.uint8)
    stamps = [round(i * 1e9 / fps) for i in range(len(points))]
    bodies = [
        Body(
            "a", stamp, BLAZEPOSE_33, pixels, ones, frame, covariances, states, 1.0, (640, 480), float("inf")
        )
        for stamp, frame in zip(stamps, points, strict=True)
    ]
    return Recording(name, name, stamps, bodies)


def scored(model: ExerciseModel, shown: Recording) -> list[Repetition]:
    """Movements that the scorer finds in a recording."""
    scorer = Scorer(model)
    ended: list[Repetition] = []
    for stamp, body in zip(shown.stamps_ns, shown.bodies, strict=True):
        ended += scorer.update(body, stamp).repetitions
    scorer.end_set(shown.stamps_ns[-1])
    return ended + list(scorer.flush().repetitions)
