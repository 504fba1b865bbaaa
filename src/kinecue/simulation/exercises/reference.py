"""A clean repetition in natural terms, from which the courses of all that is prescribed are read off.

A repetition is easy to describe by where the hands go, and its faults by joint angles. So a technique is solved once
for where the hands go; what its angles then are over the range of motion is what a performance prescribes, and what
its faults are added to. A fault then changes one of them and leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.body.volume.skinning import skin
from kinecue.simulation.athletes.athlete import SOLE, Athlete
from kinecue.simulation.exercises.common import still_moments
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure, Rig
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Goal, Wanted, solve
from kinecue.simulation.movement.technique import Course, Value, at
from kinecue.simulation.rotations import pitch

FloatArray = NDArray[np.float64]

_GRID = tuple(np.round(np.linspace(0.0, 1.0, 21), 3).tolist())


@dataclass(frozen=True)
class Reference:
    """The clean repetition.

    Attributes:
        controls: all controls, solved for: where the solver of a performance starts.
        goals: courses of the measures that were asked for.
        figure: the body on a grid from progress 0 to 1.
    """

    controls: dict[str, Value]
    goals: dict[str, Value]
    figure: Figure

    def controls_for(self, by: Sequence[str]) -> dict[str, Value]:
        """Controls for a performance that is solved by `by`, some of which may move the sides apart."""
        result = dict(self.controls)
        for name in by:
            both = name[:-2]
            if name.endswith(("_l", "_r")) and both in self.controls:
                result.setdefault(name, self.controls[both])
        return result

    @property
    def start(self) -> Figure:
        """The body at progress 0, at one moment."""
        f = self.figure
        return Figure(
            {k: r[:1] for k, r in f.rotations.items()},
            {k: p[:1] for k, p in f.points.items()},
            f.grip[:1],
            {k: s[:1] for k, s in f.stretch.items()},
        )


def reference(
    athlete: Athlete,
    rig: Rig,
    controls: Mapping[str, Value],
    by: Sequence[str],
    wanted: Sequence[tuple[str | Wanted, Value]],
    read: Sequence[str],
) -> Reference:
    """Solve for a clean repetition and read measures off it.

    Args:
        athlete: whose.
        rig: how the limbs are led.
        controls: as of a `Technique`.
        by: the controls that reach what is wanted.
        wanted: measures, or functions of the figure, and their values over progress.
        read: measures whose courses are to be prescribed.

    Raises:
        KineCueError: this body cannot do it.
    """
    moments = still_moments(_GRID)
    table = {name: at(value, moments) for name, value in controls.items()}
    for name in by:
        table.setdefault(name, np.zeros(len(_GRID)))
    skeleton = Skeleton(athlete)
    goals = [Goal(measure, at(value, moments)) for measure, value in wanted]
    solved, error = solve(skeleton, table, rig, by, goals)
    if float(error.max()) > 1e-6:
        raise KineCueError(
            f"athlete {athlete.stature:.2f} m: no clean repetition (progress {_GRID[int(error.argmax())]:.2f}, "
            f"{float(error.max()):.3f} rad or m short)"
        )
    figure = skeleton.figure(solved, rig)
    start: dict[str, Value] = dict(controls)
    start.update({name: _course(solved[name]) for name in by})
    return Reference(start, {name: _course(measures.value(name, figure)) for name in read}, figure)


def _course(values: FloatArray) -> Value:
    if float(np.ptp(values)) < 1e-9:
        return float(values[0])
    return Course(dict(zip(_GRID, values.tolist(), strict=True)))


def surface(athlete: Athlete, figure: Figure) -> FloatArray:
    """(V, 3) skin of the body at a figure's first moment, m."""
    transforms = athlete.transforms(figure.pose(athlete, 0))
    used = np.unique(athlete.asset.faces["body"])
    posed = skin(athlete.vertices[used].astype(np.float32), athlete.asset.weights[used], transforms)
    return posed.astype(np.float64)


def sole_edge(athlete: Athlete, figure: Figure, tilt: float) -> FloatArray:
    """(3,) where a plate under the shoes begins behind the heels, in the middle between the feet, m.

    Args:
        athlete: who stands on it.
        figure: how, at its first moment.
        tilt: of the soles from the floor, toes up, rad.
    """
    feet = [athlete.bone_index[f"{bone}_{side}"] for bone in ("foot", "ball") for side in "lr"]
    used = np.unique(athlete.asset.faces["body"])
    skinned = surface(athlete, figure)[athlete.asset.weights[used][:, feet].sum(1) > 0.8]
    turn = pitch(-tilt)
    along = float((skinned @ turn[:, 0]).min()) - 0.01
    under = float((skinned @ turn[:, 2]).min()) - SOLE
    result: FloatArray = along * turn[:, 0] + under * turn[:, 2]
    return result
