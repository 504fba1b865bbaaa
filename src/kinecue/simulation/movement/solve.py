"""Finding the controls of a body for which named measures have wanted values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure, Rig
from kinecue.simulation.movement.skeleton import Skeleton

FloatArray = NDArray[np.float64]
Wanted = Callable[[Figure], FloatArray]

_STEP = 1e-6
_ROUNDS = 80
_DONE = 1e-8
_LONGEST = 0.25
"""Longest step of a control in one round, rad or m."""


@dataclass(frozen=True)
class Goal:
    """An equation that the body has to satisfy.

    Attributes:
        measure: a name of `kinecue.simulation.movement.measures`, or a function of the figure that gives (N,).
        value: (N,) what it shall be, rad or m.
    """

    measure: str | Wanted
    value: FloatArray

    def error(self, figure: Figure, rows: NDArray[np.int64]) -> FloatArray:
        """(N,) how far the figure, whose moments are `rows` of the goal's, is off."""
        got = measures.value(self.measure, figure) if isinstance(self.measure, str) else self.measure(figure)
        result: FloatArray = got - self.value[rows]
        return result


def solve(
    skeleton: Skeleton, controls: Mapping[str, FloatArray], rig: Rig, by: Sequence[str], goals: Sequence[Goal]
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Change some controls until all goals hold.

    Gauss-Newton with the smallest step that satisfies the linearised goals, damped where the step is long or does
    not help; every moment for itself, so that the result does not depend on what else is in the batch.

    Args:
        skeleton: of the athlete.
        controls: (N,) each, by name; the start of the search.
        rig: how the limbs are led; its base may be (N, 3, 3).
        by: the controls to change; at least as many as there are goals. A name without side moves both.
        goals: the equations.

    Returns:
        All controls, and (N,) the largest remaining error at each moment, rad or m.
    """
    names = list(by)
    count = len(next(iter(controls.values())))
    x = np.stack([controls[n] for n in names], 1)
    rows = np.arange(count)

    def errors(x: FloatArray, rows: NDArray[np.int64]) -> FloatArray:
        given = {k: v[rows] for k, v in controls.items()}
        for i, name in enumerate(names):
            given[name] = x[:, i]
        base = rig.base[rows] if rig.base.ndim == 3 else rig.base
        figure = skeleton.figure(given, Rig(rig.arms, rig.legs, base))
        return np.stack([g.error(figure, rows) for g in goals], 1)

    e = errors(x, rows)
    damping = np.full(count, 1e-9)
    for _ in range(_ROUNDS):
        open_rows = rows[np.abs(e).max(1) > _DONE]
        if not len(open_rows):
            break
        m, n = len(open_rows), len(names)
        here, now = x[open_rows], e[open_rows]
        moved = np.repeat(here[:, None], n, 1) + _STEP * np.eye(n)
        changed = errors(moved.reshape(m * n, n), np.repeat(open_rows, n)).reshape(m, n, -1)
        jacobian = (changed - now[:, None]).transpose(0, 2, 1) / _STEP
        square = jacobian @ jacobian.transpose(0, 2, 1)
        scale = np.trace(square, axis1=1, axis2=2)[:, None, None] / square.shape[1] + 1e-12
        square = square + damping[open_rows, None, None] * scale * np.eye(square.shape[1])
        step = -(jacobian.transpose(0, 2, 1) @ np.linalg.solve(square, now[..., None]))[..., 0]
        longest = np.abs(step).max(1, keepdims=True)
        step *= np.minimum(1.0, _LONGEST / np.maximum(longest, 1e-12))
        tried = here + step
        after = errors(tried, open_rows)
        better = (after**2).sum(1) <= (now**2).sum(1)
        x[open_rows[better]], e[open_rows[better]] = tried[better], after[better]
        damping[open_rows] = np.clip(
            np.where(better, damping[open_rows] * 0.1, damping[open_rows] * 100.0), 1e-9, 1e3
        )
    solved = dict(controls)
    for i, name in enumerate(names):
        solved[name] = x[:, i]
    return solved, np.abs(e).max(1)
