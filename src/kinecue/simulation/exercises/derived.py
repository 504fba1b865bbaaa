"""Courses that follow from a body: postures solved once, of which measures are read off."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import still_moments
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Goal, solve
from kinecue.simulation.movement.technique import Course, Technique, Value, at

FloatArray = NDArray[np.float64]

GRID = tuple(float(x) for x in np.linspace(0.0, 1.0, 17))
"""Progress at which courses are read off."""


def postures(
    athlete: Athlete, technique: Technique, instead: Mapping[str, Value], progress: Sequence[float] = GRID
) -> tuple[dict[str, FloatArray], Figure]:
    """Postures of a clean repetition, led by other goals than those of the performance.

    Args:
        athlete: whose body.
        technique: what else holds; its own goals count where `instead` has none of that name.
        instead: goals by measure.
        progress: where, N of them.

    Returns:
        The controls (N,) by name, and the body.

    Raises:
        KineCueError: this body cannot.
    """
    moments = still_moments(tuple(progress))
    controls = {name: at(value, moments) for name, value in technique.controls.items()}
    for name in technique.by:
        controls.setdefault(name, np.zeros(len(moments.time_s)))
    goals = [Goal(name, at(value, moments)) for name, value in {**technique.goals, **instead}.items()]
    skeleton = Skeleton(athlete)
    rig = technique.rig
    if technique.base is not None:
        rig = dataclasses.replace(rig, base=technique.base(moments))
    solved, error = solve(skeleton, controls, rig, technique.by, goals)
    if float(error.max()) > 1e-4:
        worst = progress[int(np.argmax(error))]
        raise KineCueError(
            f"athlete of {athlete.stature:.2f} m: no posture has {', '.join(instead)} as wanted at progress "
            f"{worst:.2f} ({float(error.max()):.3f} rad or m short)"
        )
    return solved, skeleton.figure(solved, rig)


def course_of(values: FloatArray, progress: Sequence[float] = GRID) -> Course:
    """(N,) values over progress as a course."""
    return Course(dict(zip(progress, values.tolist(), strict=True)))


def read_off(figure: Figure, names: Sequence[str], progress: Sequence[float] = GRID) -> dict[str, Course]:
    """Courses of measures of postures."""
    return {name: course_of(measures.value(name, figure), progress) for name in names}
