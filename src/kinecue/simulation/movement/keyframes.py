"""Movements through key postures, for exercises in which contacts come and go.

A key is a set of controls and an orientation of the pelvis; between two keys both go smoothly from one to the other,
and the body is solved again at every moment for what holds in both keys (a knee on the floor, a hand that carries with
a straight arm), so that contacts hold. Feet and hands that stay where they are hold by inverse kinematics anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.blend import join
from kinecue.simulation.movement.figure import Figure, Rig
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Goal, Wanted, solve
from kinecue.simulation.movement.timeline import Moments
from kinecue.simulation.rotations import slerp

FloatArray = NDArray[np.float64]

_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Key:
    """A key posture.

    Attributes:
        name: of the stage that begins here.
        base: (3, 3) orientation of the pelvis.
        controls: all that are not 0.
    """

    name: str
    base: FloatArray
    controls: Mapping[str, float]


@dataclass(frozen=True)
class Passage:
    """The way from one key to the next.

    Attributes:
        duration_s: at the exercise's usual tempo; its share of the progress follows from it.
        holds: measures, or functions of the figure, that go from their value in the one key to that in the other;
            with the same value in both they are constant: a contact.
        by: the controls that see to it.
        over: control to how much it is more than between the keys, half way; a foot that is lifted.
    """

    duration_s: float
    holds: Sequence[str | Wanted] = ()
    by: Sequence[str] = ()
    over: Mapping[str, float] = field(default_factory=dict)


def coordinate(point: str, axis: int) -> Wanted:
    """A coordinate of a point of the figure, m."""

    def of(figure: Figure) -> FloatArray:
        result: FloatArray = figure.points[point][:, axis]
        return result

    of.__name__ = f"{point}_{'xyz'[axis]}"
    return of


def measured(what: str | Wanted, figure: Figure) -> FloatArray:
    """(N,) a measure by name, or a function of the figure."""
    return measures.value(what, figure) if isinstance(what, str) else what(figure)


def ease(x: FloatArray) -> FloatArray:
    """From 0 to 1, at rest at both ends."""
    y = np.clip(x, 0.0, 1.0)
    result: FloatArray = y * y * y * (10.0 - 15.0 * y + 6.0 * y * y)
    return result


class Keyframes:
    """A body that goes through keys."""

    def __init__(
        self,
        skeleton: Skeleton,
        rig: Rig,
        keys: Sequence[Key],
        passages: Sequence[Passage],
        starts: Sequence[float],
    ) -> None:
        """Take the keys.

        Args:
            skeleton: of the athlete.
            rig: how the limbs are led, in all keys.
            keys: in order; all must know the same controls, or 0 is meant.
            passages: one between any two keys.
            starts: progress at which each key is; ascending from 0 to 1.
        """
        self.skeleton = skeleton
        self.rig = rig
        self.passages = list(passages)
        self.starts = np.array(starts)
        self.names = sorted({name for key in keys for name in key.controls})
        self._controls = np.array([[key.controls.get(name, 0.0) for name in self.names] for key in keys])
        self._bases = np.stack([key.base for key in keys])
        self._figures = [self.posed(key) for key in keys]

    def posed(self, key: Key) -> Figure:
        """The body in a key."""
        return self.skeleton.figure(
            {name: np.array([value]) for name, value in key.controls.items()},
            replace(self.rig, base=key.base),
        )

    def share(self, progress: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
        """Number of the passage, and how far it is gone, eased, at (N,) progresses."""
        p = np.clip(progress, 0.0, 1.0)
        which = np.clip(np.searchsorted(self.starts, p, side="right") - 1, 0, len(self.passages) - 1)
        length = self.starts[which + 1] - self.starts[which]
        return which, ease((p - self.starts[which]) / length)

    def level(self, values: Sequence[float], progress: FloatArray) -> FloatArray:
        """(N,) a value that is given at every key."""
        which, share = self.share(progress)
        table = np.array(values)
        result: FloatArray = table[which] + (table[which + 1] - table[which]) * share
        return result

    def figure(
        self,
        moments: Moments,
        extra: Mapping[str, FloatArray],
        also: Callable[[NDArray[np.int64], int], tuple[Sequence[Goal], Sequence[str]]] | None = None,
    ) -> Figure:
        """The body at N moments.

        Args:
            moments: where in the set.
            extra: control to (N,) what is added to it: involuntary motion and faults.
            also: more goals, and what reaches them, of the rows of a passage.

        Raises:
            KineCueError: the body cannot.
        """
        which, share = self.share(moments.progress)
        parts = []
        for number in np.unique(which).tolist():
            rows = np.where(which == number)[0]
            more = ((), ()) if also is None else also(rows, number)
            parts.append(
                (rows, self._passage(number, share[rows], {k: v[rows] for k, v in extra.items()}, *more))
            )
        return join(parts, len(which))

    def _passage(
        self,
        number: int,
        share: FloatArray,
        extra: Mapping[str, FloatArray],
        more: Sequence[Goal],
        more_by: Sequence[str],
    ) -> Figure:
        passage = self.passages[number]
        start, end = self._controls[number], self._controls[number + 1]
        controls = {name: start[i] + (end[i] - start[i]) * share for i, name in enumerate(self.names)}
        for name, amount in passage.over.items():
            controls[name] = controls.get(name, 0.0) + amount * np.sin(np.pi * share) ** 2
        for name, values in extra.items():
            controls[name] = controls.get(name, 0.0) + values
        rows = np.arange(len(share))
        rig = replace(self.rig, base=slerp(self._bases[number], self._bases[number + 1], share))
        goals = list(more)
        for what in passage.holds:
            here, there = (measured(what, self._figures[n])[0] for n in (number, number + 1))
            goals.append(Goal(what, here + (there - here) * share))
        by = list(dict.fromkeys((*passage.by, *more_by)))
        if goals:
            for name in by:
                controls.setdefault(name, np.zeros(len(rows)))
            controls, error = solve(self.skeleton, controls, rig, by, goals)
            if float(error.max()) > _TOLERANCE:
                worst = int(np.argmax(error))
                raise KineCueError(
                    f"passage {number + 1}: the body cannot {float(share[worst]):.2f} of the way, "
                    f"{float(error.max()):.3f} rad or m short"
                )
        return self.skeleton.figure(controls, rig)
