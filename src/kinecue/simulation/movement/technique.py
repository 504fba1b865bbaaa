"""How an athlete does an exercise: controls, goals, contacts and equipment over the range of motion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from kinecue.body.errors import KineCueError
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.gear.equipment import NO_EQUIPMENT, Equipment
from kinecue.simulation.movement.figure import Figure, Rig
from kinecue.simulation.movement.measures import MEASURES
from kinecue.simulation.movement.set_plan import FaultKind, Tempo
from kinecue.simulation.movement.timeline import Moments

FloatArray = NDArray[np.float64]


class Course:
    """A value over the range of motion: smooth and monotone between its points (PCHIP), level beyond the last ones.

    Over progress (0 start position, 1 turning point) or, with ``over="going"``, over the time of the repetition (0 to
    1 on the way out, 1 to 2 back), which an exercise needs whose way back is another one.
    """

    def __init__(self, points: Mapping[float, float], over: str = "progress") -> None:
        """Take (progress, value) points, at least one; rad or m."""
        x = np.array(sorted(points), dtype=np.float64)
        y = np.array([points[k] for k in sorted(points)], dtype=np.float64)
        self.over = over
        self._first, self._last = float(x[0]), float(x[-1])
        self._curve: Callable[[FloatArray], FloatArray] | None = None
        self._value, self._end, self._slope = float(y[0]), float(y[-1]), 0.0
        if len(x) > 1:
            curve = PchipInterpolator(x, y)
            self._curve = curve
            self._slope = float(curve.derivative()(x[-1]))

    def at(self, moments: Moments) -> FloatArray:
        """(N,) the value at each moment."""
        return self(moments.progress if self.over == "progress" else moments.going)

    def __call__(self, x: FloatArray) -> FloatArray:
        """(N,) the value over progress; past the last point it goes on straight, for a range a little too long."""
        if self._curve is None:
            return np.full(np.shape(x), self._value)
        inside = np.clip(x, self._first, self._last)
        result: FloatArray = self._curve(inside) + self._slope * np.maximum(x - self._last, 0.0)
        return result


Value = float | Course


def at(value: Value, moments: Moments) -> FloatArray:
    """(N,) a constant or a course."""
    return value.at(moments) if isinstance(value, Course) else np.full(len(moments.time_s), float(value))


@dataclass(frozen=True)
class Contact:
    """A point of the body that holds on to something that does not move.

    Attributes:
        point: a point of `Figure`, such as ``heel_l``.
        on: ``floor``, ``bar``, ``bench`` ...; a floor carries, it does not pull.
        during: (N,) bool by moments: when it holds; None: always.
    """

    point: str
    on: str = "floor"
    during: Callable[[Moments], NDArray[np.bool_]] | None = None

    def holds(self, moments: Moments) -> NDArray[np.bool_]:
        """(N,) whether it holds."""
        return np.ones(len(moments.time_s), dtype=bool) if self.during is None else self.during(moments)


FEET = tuple(Contact(f"{point}_{side}") for side in "lr" for point in ("heel", "ball"))
"""Both feet flat on the floor."""


@dataclass
class Technique:
    """One athlete's way of doing an exercise, symmetric or with the left side leading.

    Attributes:
        rig: how the limbs are led.
        controls: by name; what is not solved for, and where the solver starts.
        goals: measure to value.
        by: the controls that reach the goals; at least as many.
        sway: control or goal to the amplitude of its involuntary motion, rad or m.
        contacts: what holds on to what.
        equipment: what is held and what stands around.
        base: (N, 3, 3) of moments: orientation of the pelvis for bodies that turn far; None: the rig's.
        arrange: changes controls and goals in place before solving, given the moments and the present faults
            ((N, 2) left and right, by name), for what courses cannot say.
        figure: instead of controls and goals: the body itself, the left side leading, from the moments, the present
            faults as in `arrange`, and the involuntary motion by the names in `sway`; for movements in which contacts
            come and go.
        limits: anatomical measure to its allowed (least, most), rad; over those of every body.
    """

    rig: Rig
    controls: dict[str, Value]
    goals: dict[str, Value] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    sway: dict[str, float] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = FEET
    equipment: Equipment = NO_EQUIPMENT
    base: Callable[[Moments], FloatArray] | None = None
    arrange: (
        Callable[[Moments, Mapping[str, FloatArray], dict[str, FloatArray], dict[str, FloatArray]], None]
        | None
    ) = None
    figure: Callable[[Moments, Mapping[str, FloatArray], Mapping[str, FloatArray]], Figure] | None = None


ECCENTRIC_FIRST = {
    "still": "setup", "rest": "top", "out": "eccentric", "hold": "bottom", "back": "concentric",
}  # fmt: skip
CONCENTRIC_FIRST = {
    "still": "setup", "rest": "top", "out": "concentric", "hold": "bottom", "back": "eccentric",
}  # fmt: skip


@dataclass(frozen=True)
class Exercise:
    """An exercise as the simulation knows it.

    Attributes:
        name: as in ``config/exercises``.
        title: for people.
        faults: by name; the names are those of the exercise files where there is one.
        tempo: usual durations.
        technique: of an athlete.
        phases: name of the phase by stage: ``setup``, ``top``, ``eccentric``, ``bottom``, ``concentric``.
        sided: one side leads; repetitions may alternate.
        posture: ``standing``, ``seated``, ``floor`` or ``hanging``: how one gets into it.
        change_s: time that it takes to change sides between two repetitions, s; 0 where the start position is the same
            for both.
        stages: progress at which a named stage begins on the way out, for exercises that have such; in order.
    """

    name: str
    title: str
    faults: Mapping[str, FaultKind]
    tempo: Tempo
    technique: Callable[[Athlete], Technique]
    phases: Mapping[str, str] = field(default_factory=lambda: dict(ECCENTRIC_FIRST))
    sided: bool = False
    posture: str = "standing"
    change_s: float = 0.0
    stages: Sequence[tuple[str, float]] = ()

    def __post_init__(self) -> None:
        for name, kind in self.faults.items():
            if kind.measure and kind.measure.removesuffix("_left").removesuffix("_right") not in MEASURES:
                raise KineCueError(f"{self.name}.{name}: unknown measure {kind.measure!r}")
