"""A set laid out in time: repetitions, what goes wrong in them, and where in the range of motion the athlete is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.body.errors import KineCueError

FloatArray = NDArray[np.float64]

SIDES = ("left", "right", "both")
OFFSET, TURN_RANGE, END_RANGE, TEMPO, JERK = "offset", "turn_range", "end_range", "tempo", "jerk"


@dataclass(frozen=True)
class FaultKind:
    """What a fault is, how large it may be, and what it does to the movement.

    Attributes:
        unit: of the magnitude: ``rad``, ``m``, or ``1`` for a share.
        limit: largest magnitude that the body can do.
        meaning: what the magnitude measures, in words.
        measure: the measure of `kinecue.simulation.movement.measures` that it changes by its magnitude (for a sided fault
            without the side); ``""`` for one of timing.
        gain: sign, or factor, of that change.
        way: ``offset`` adds to the goals and controls in `targets`; ``turn_range`` lets `measure` miss its value at
            the turning point, ``end_range`` at the end of the repetition; ``tempo`` takes the share off the duration
            of `stage`; ``jerk`` takes the share off the time until a third of the way of `stage` is gone.
        targets: name of a goal or control to its gain; empty: the goal `measure` alone. Sided names get their side.
        sided: it can be planted on one side.
        when: over the repetition: ``turn`` grows towards the turning point and is gone at the ends, ``out`` is a
            bump on the way out, ``early`` one on its first part, ``back`` one on the way back, ``all`` holds from
            start to end, ``start`` fades from the start of the way out.
        stage: of a fault of timing, ``out`` or ``back``.
    """

    unit: str
    limit: float
    meaning: str
    measure: str = ""
    gain: float = 1.0
    way: str = OFFSET
    targets: Mapping[str, float] = field(default_factory=dict)
    sided: bool = False
    when: str = "turn"
    stage: str = ""

    def envelope(self, progress: FloatArray, going: FloatArray) -> FloatArray:
        """(N,) how much of an offset is present, 0 to 1.

        Args:
            progress: 0 start position to 1 turning point.
            going: 0 to 1 on the way out, 1 to 2 on the way back, by time.
        """
        if self.when == "turn":
            return smooth(1.5 * progress - 0.1)
        if self.when == "out":
            return _bump(going / 0.9)
        if self.when == "back":
            return _bump((going - 1.0) / 0.9)
        if self.when == "early":
            return _bump(going / 0.62)
        if self.when == "start":
            return smooth(going / 0.08) * smooth((0.55 - going) / 0.35)
        # on within the first tenth of a repetition, off within the last
        return smooth(going / 0.2) * smooth((2.0 - going) / 0.2)


@dataclass(frozen=True)
class PlantedFault:
    """A fault that the athlete makes on purpose.

    Attributes:
        name: one of the exercise's faults.
        repetitions: numbers, from 1.
        magnitude: in the unit of the `FaultKind`.
        side: ``left``, ``right`` or ``both``.
    """

    name: str
    repetitions: tuple[int, ...]
    magnitude: float
    side: str = "both"


@dataclass(frozen=True)
class Tempo:
    """Durations in s: out of the start position, pause at the turning point, back, rest at the start."""

    out_s: float
    hold_s: float
    back_s: float
    rest_s: float

    def __post_init__(self) -> None:
        for name in ("out_s", "hold_s", "back_s", "rest_s"):
            number = getattr(self, name)
            low = 0.2 if name in ("out_s", "back_s") else 0.0
            if not low <= number <= 120.0:
                raise KineCueError(f"tempo: {name} must be {low:g} to 120 s, got {number}")


@dataclass(frozen=True)
class SetPlan:
    """One set.

    Attributes:
        repetitions: how many, 0 to 100.
        tempo: of every repetition, before variation; None for the exercise's own.
        faults: what goes wrong in which repetition.
        still_s: holding the start position before the first repetition (the camera calibrates on it).
        after_s: holding it after the last one.
        variation: size of the natural differences between repetitions and of the sway; 1 is a trained athlete, 0
            none, 3 at most.
        fatigue: 0 none to 1: the way against the load gets up to 70 % slower, sway doubles, pauses grow and the
            range shrinks by up to 4 % until the last repetition.
        partial: share of the range at which the named repetitions turn back, by number.
        failed: repetitions that get stuck on the way back, sink, and are given up.
        side: ``left``, ``right`` or ``alternate``: who leads, in exercises that have a side.
        approach: ``none``: the clip begins in the start position; ``ready``: standing at the spot, getting into
            position; ``walk``: walking in first. The clip ends the same way.
        seed: of the natural differences.
    """

    repetitions: int
    tempo: Tempo | None = None
    faults: tuple[PlantedFault, ...] = ()
    still_s: float = 2.5
    after_s: float = 1.5
    variation: float = 1.0
    fatigue: float = 0.0
    partial: Mapping[int, float] = field(default_factory=dict)
    failed: tuple[int, ...] = ()
    side: str = "alternate"
    approach: str = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("repetitions", 0, 100),
            ("still_s", 0.0, 60.0),
            ("after_s", 0.0, 60.0),
            ("variation", 0.0, 3.0),
            ("fatigue", 0.0, 1.0),
        ):
            number = getattr(self, name)
            if not low <= number <= high:
                raise KineCueError(f"set: {name} must be {low:g} to {high:g}, got {number}")
        for name, allowed in (
            ("side", ("left", "right", "alternate")),
            ("approach", ("none", "ready", "walk")),
        ):
            if getattr(self, name) not in allowed:
                raise KineCueError(
                    f"set: {name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}"
                )
        for number, share in self.partial.items():
            if not 0.1 <= share <= 0.9:
                raise KineCueError(
                    f"set: partial repetition {number} must turn at 0.1 to 0.9 of the range, got {share}"
                )
        known = range(1, self.repetitions + 1)
        wrong = [n for n in (*self.partial, *self.failed) if n not in known]
        if wrong:
            raise KineCueError(
                f"set: partial and failed must be repetitions 1 to {self.repetitions}, got {wrong}"
            )
        both = sorted(set(self.partial) & set(self.failed))
        if both:
            raise KineCueError(f"set: repetitions {both} are both partial and failed; choose one")


def smooth(x: ArrayLike) -> FloatArray:
    """Minimum-jerk step from 0 at x = 0 to 1 at x = 1 (Flash and Hogan 1985)."""
    y = np.clip(np.asarray(x, dtype=np.float64), 0.0, 1.0)
    result: FloatArray = y * y * y * (10.0 - 15.0 * y + 6.0 * y * y)
    return result


def _bump(x: FloatArray) -> FloatArray:
    result: FloatArray = np.sin(np.pi * np.clip(x, 0.0, 1.0)) ** 2
    return result


def check_fault(fault: PlantedFault, plan: SetPlan, kinds: Mapping[str, FaultKind]) -> None:
    """Refuse a fault that cannot be planted.

    Raises:
        KineCueError: naming what is allowed.
    """
    if fault.name not in kinds:
        raise KineCueError(f"fault {fault.name!r} is not one of {', '.join(sorted(kinds))}")
    kind = kinds[fault.name]
    if not 0.0 < fault.magnitude <= kind.limit:
        most = (
            f"{math.degrees(kind.limit):.0f} degrees" if kind.unit == "rad" else f"{kind.limit:g} {kind.unit}"
        )
        raise KineCueError(f"fault {fault.name}: magnitude must be over 0 and at most {most}")
    if fault.side not in SIDES or (fault.side != "both" and not kind.sided):
        allowed = ", ".join(SIDES) if kind.sided else "both"
        raise KineCueError(f"fault {fault.name}: side must be {allowed}, got {fault.side!r}")
    missing = [n for n in fault.repetitions if not 1 <= n <= plan.repetitions]
    if missing or not fault.repetitions:
        raise KineCueError(
            f"fault {fault.name}: the set has repetitions 1 to {plan.repetitions}, not {missing or 'none'}"
        )
