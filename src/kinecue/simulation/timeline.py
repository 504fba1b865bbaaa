"""When things happen in a set: repetitions, their phases, and where in the range of motion the athlete is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from kinecue.body.errors import KineCueError


@dataclass(frozen=True)
class PlantedFault:
    """A fault that the athlete makes on purpose.

    Attributes:
        name: one of the movement's `faults`.
        repetitions: numbers, from 1.
        magnitude: rad or m, as the movement's `FaultKind` says.
    """

    name: str
    repetitions: tuple[int, ...]
    magnitude: float


@dataclass(frozen=True)
class FaultKind:
    """What a fault is and how large it may be.

    Attributes:
        unit: ``rad`` or ``m``.
        limit: largest magnitude that the body can do.
        meaning: what the magnitude measures.
    """

    unit: str
    limit: float
    meaning: str


@dataclass(frozen=True)
class Tempo:
    """Durations in s: out of the start position, pause at the turning point, back, rest at the start."""

    out_s: float
    hold_s: float
    back_s: float
    rest_s: float


@dataclass(frozen=True)
class SetPlan:
    """One set.

    Attributes:
        repetitions: how many.
        tempo: of every repetition, before variation.
        faults: what goes wrong in which repetition.
        still_s: standing still before the first repetition (the camera calibrates on it).
        after_s: standing after the last one.
        variation: size of the natural differences between repetitions and of the sway; 1 is a trained
            athlete, 0 none.
        seed: of those differences.
    """

    repetitions: int
    tempo: Tempo
    faults: tuple[PlantedFault, ...] = ()
    still_s: float = 2.5
    after_s: float = 1.5
    variation: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class PlannedRepetition:
    """One repetition with its natural variation.

    Attributes:
        number: from 1.
        start_s, turn_s, back_s, end_s: leaves the start position, arrives at the turning point, leaves it, is
            back.
        range_error: of the turning point, as a share of the range of motion.
        lean_error: of the trunk, rad.
        faults: magnitude by name.
    """

    number: int
    start_s: float
    turn_s: float
    back_s: float
    end_s: float
    range_error: float
    lean_error: float
    faults: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """Where in the set the athlete is.

    Attributes:
        progress: 0 start position to 1 turning point.
        going: 0 to 1 on the way out, then 1 to 2 on the way back; by time, not by distance.
        repetition: the one under way or just finished; None before the first.
        stage: ``still``, ``rest``, ``out``, ``hold`` or ``back``.
    """

    progress: float
    going: float
    repetition: PlannedRepetition | None
    stage: str


def smooth(x: float) -> float:
    """Minimum-jerk step from 0 at x = 0 to 1 at x = 1 (Flash and Hogan 1985)."""
    x = min(max(x, 0.0), 1.0)
    return x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)


class Timeline:
    """The repetitions of a set, laid out in time."""

    def __init__(self, plan: SetPlan, kinds: dict[str, FaultKind]) -> None:
        """Lay out `plan`.

        Raises:
            KineCueError: a fault is not in `kinds`, too large, or in a repetition that there is not.
        """
        for fault in plan.faults:
            _check(fault, plan, kinds)
        self.plan = plan
        rng = np.random.default_rng(plan.seed)
        self.repetitions: list[PlannedRepetition] = []
        clock = plan.still_s
        for number in range(1, plan.repetitions + 1):
            pace = 1.0 + plan.variation * rng.uniform(-0.05, 0.05, 4)
            t = plan.tempo
            start = clock
            turn = start + t.out_s * pace[0]
            back = turn + t.hold_s * pace[1]
            end = back + t.back_s * pace[2]
            errors = plan.variation * rng.uniform(-1.0, 1.0, 2) * (0.012, math.radians(0.8))
            faults = {f.name: f.magnitude for f in plan.faults if number in f.repetitions}
            self.repetitions.append(
                PlannedRepetition(number, start, turn, back, end, float(errors[0]), float(errors[1]), faults)
            )
            clock = end + t.rest_s * pace[3]
        last = self.repetitions[-1].end_s if self.repetitions else clock
        self.duration_s = last + plan.after_s

    def at(self, time_s: float) -> Moment:
        """The moment `time_s` after the clip's start."""
        current: PlannedRepetition | None = None
        for repetition in self.repetitions:
            if time_s >= repetition.start_s:
                current = repetition
        if current is None:
            return Moment(0.0, 0.0, None, "still")
        if time_s < current.turn_s:
            share = (time_s - current.start_s) / (current.turn_s - current.start_s)
            return Moment(smooth(share), share, current, "out")
        if time_s < current.back_s:
            return Moment(1.0, 1.0, current, "hold")
        if time_s < current.end_s:
            share = (time_s - current.back_s) / (current.end_s - current.back_s)
            return Moment(1.0 - smooth(share), 1.0 + share, current, "back")
        return Moment(0.0, 2.0, current, "rest")


def _check(fault: PlantedFault, plan: SetPlan, kinds: dict[str, FaultKind]) -> None:
    if fault.name not in kinds:
        raise KineCueError(f"fault {fault.name!r} is not one of {', '.join(sorted(kinds))}")
    kind = kinds[fault.name]
    if not 0.0 < fault.magnitude <= kind.limit:
        raise KineCueError(
            f"fault {fault.name}: magnitude must be over 0 and at most {kind.limit:.3f} {kind.unit}"
        )
    missing = [n for n in fault.repetitions if not 1 <= n <= plan.repetitions]
    if missing:
        raise KineCueError(
            f"fault {fault.name}: the set has repetitions 1 to {plan.repetitions}, not {missing}"
        )


class Sway:
    """Small involuntary motion: sums of slow sines (sway is below 1 Hz, of millimetres; Winter 1995)."""

    _PERIODS_S = (1.9, 3.1, 4.7)

    def __init__(self, seed: int, amount: float) -> None:
        self._phases = np.random.default_rng(seed).uniform(0.0, 2.0 * math.pi, (8, len(self._PERIODS_S)))
        self._amount = amount

    def value(self, channel: int, time_s: float) -> float:
        """Between -1 and 1 times the amount; `channel` 0 to 7 are independent."""
        waves = [
            math.sin(2.0 * math.pi * time_s / p + a)
            for p, a in zip(self._PERIODS_S, self._phases[channel], strict=True)
        ]
        return self._amount * sum(waves) / len(waves)
