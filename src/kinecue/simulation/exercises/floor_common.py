"""What exercises on the floor and at the bar share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import still_moments
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure, Rig
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Goal, Wanted, solve
from kinecue.simulation.movement.technique import Contact, Course, Technique, at
from kinecue.simulation.rotations import pitch

FloatArray = NDArray[np.float64]

PRONE: FloatArray = pitch(math.radians(90.0))
"""Pelvis of a body that lies on its front, the head towards +x."""
SUPINE: FloatArray = pitch(math.radians(-90.0))
"""Pelvis of a body that lies on its back, the head towards -x."""
TOES = tuple(Contact(f"ball_{side}") for side in "lr")
"""Toes tucked under, the balls of the feet on the floor."""


def solved_controls(
    athlete: Athlete,
    rig: Rig,
    controls: Mapping[str, float],
    by: Sequence[str],
    goals: Mapping[str | Wanted, float],
) -> dict[str, float]:
    """The controls of one posture.

    Args:
        athlete: whose body.
        rig: how the limbs are led.
        controls: given ones, and where the search for the others starts.
        by: the controls that are sought.
        goals: measure, or function of the figure, to its value.

    Raises:
        KineCueError: this body cannot.
    """
    start = {name: np.array([value]) for name, value in controls.items()}
    for name in by:
        start.setdefault(name, np.zeros(1))
    wanted = [Goal(measure, np.array([value])) for measure, value in goals.items()]
    solved, error = solve(Skeleton(athlete), start, rig, by, wanted)
    if float(error.max()) > 1e-6:
        names = ", ".join(str(getattr(m, "__name__", m)) for m in goals)
        raise KineCueError(
            f"athlete {athlete.shape.name!r}: no posture has {names} as wanted, {float(error.max()):.3f} rad or m short"
        )
    return {name: float(value[0]) for name, value in solved.items()}


def started_well(athlete: Athlete, technique: Technique) -> None:
    """Let the search for the controls start from where it ends in a clean repetition.

    Near a straight limb its length hardly changes with its angle, so that a start a little off is far off.

    Raises:
        KineCueError: this body cannot do a clean repetition.
    """
    moments = still_moments(_GRID)
    controls = {name: at(value, moments) for name, value in technique.controls.items()}
    for name in technique.by:
        controls.setdefault(name, controls.get(name[:-2], np.zeros(len(_GRID))))
    goals = [Goal(name, at(value, moments)) for name, value in technique.goals.items()]
    solved, error = solve(Skeleton(athlete), controls, technique.rig, technique.by, goals)
    if float(error.max()) > 1e-5:
        raise KineCueError(
            f"athlete {athlete.shape.name!r}: cannot at progress {_GRID[int(error.argmax())]}: "
            f"{float(error.max()):.3f} rad or m short"
        )
    for name in technique.by:
        technique.controls[name] = Course(dict(zip(_GRID, solved[name].tolist(), strict=True)))


_GRID = (0.0, 0.005, 0.01, 0.02, 0.035, 0.06, 0.1, 0.16, 0.24, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)


def natural(athlete: Athlete, technique: Technique, measure: str) -> Course:
    """The course of a measure in a clean repetition that does not prescribe it; after `started_well`."""
    moments = still_moments(_GRID)
    controls = {name: at(value, moments) for name, value in technique.controls.items()}
    values = measures.value(measure, Skeleton(athlete).figure(controls, technique.rig))
    return Course(dict(zip(_GRID, values.tolist(), strict=True)))


def ahead(point: str, of: str) -> Wanted:
    """(N,) how far the middle of a pair of points is ahead (x) of that of another, m."""

    def ahead_of(figure: Figure) -> FloatArray:
        result: FloatArray = (figure.middle(point) - figure.middle(of))[:, 0]
        return result

    return ahead_of
