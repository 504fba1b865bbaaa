"""What several exercises share."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from kinecue.body.errors import KineCueError
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Goal, solve
from kinecue.simulation.movement.technique import Course, Technique, Value, at
from kinecue.simulation.movement.timeline import Moments


def deg(angle: float) -> float:
    """Degrees, as the literature and coaches give them, to radians."""
    return math.radians(angle)


STANDING_SWAY = {"trunk_lean": deg(0.4), "hip_shift": 0.004, "balance": 0.004, "neck_axial": deg(1.5)}
"""Amplitudes of quiet standing (Winter 1995): millimetres at the centre of mass, well under a degree."""

_GRID = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0, 1.05)


def still_moments(progress: tuple[float, ...]) -> Moments:
    """Moments of a repetition without natural differences."""
    p = np.array(progress)
    zero = np.zeros(len(p))
    return Moments(
        zero, p, np.clip(p, 0.0, 1.0), p, zero.astype(np.int64), ["out"] * len(p), zero, zero, zero
    )


def balanced_lean(
    athlete: Athlete, technique: Technique, instead: dict[str, Value], measure: str = "trunk_lean"
) -> Course:
    """The course of a measure for this body that follows from other goals.

    Args:
        athlete: whose body.
        technique: all but the goal for `measure`.
        instead: goals that say in a clean repetition what else the body does; in the performance `measure` is
            prescribed and these follow.
        measure: what is read off.

    Raises:
        KineCueError: this body cannot.
    """
    moments = still_moments(_GRID)
    controls = {name: at(value, moments) for name, value in technique.controls.items()}
    for name in technique.by:
        controls.setdefault(name, np.zeros(len(_GRID)))
    goals = [Goal(name, at(value, moments)) for name, value in {**technique.goals, **instead}.items()]
    skeleton = Skeleton(athlete)
    rig = technique.rig
    if technique.base is not None:
        rig = dataclasses.replace(rig, base=technique.base(moments))
    solved, error = solve(skeleton, controls, rig, technique.by, goals)
    if float(error.max()) > 1e-4:
        raise KineCueError(f"athlete {athlete.stature:.2f} m: no posture has {', '.join(instead)} as wanted")
    values = measures.value(measure, skeleton.figure(solved, rig))
    return Course(dict(zip(_GRID, values.tolist(), strict=True)))
