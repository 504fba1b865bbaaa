"""A set laid out in time: its repetitions, and where in the range of motion the athlete is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.simulation.movement.set_plan import (
    END_RANGE,
    JERK,
    OFFSET,
    TEMPO,
    TURN_RANGE,
    FaultKind,
    PlantedFault,
    SetPlan,
    Tempo,
    check_fault,
    smooth,
)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Move:
    """A stretch of a repetition from one progress to another.

    Attributes:
        start_s, end_s: s.
        start, end: progress.
        stage: ``out``, ``hold``, ``back`` or ``rest``.
        going: at start and end; see `Moments`.
        warp: exponent on the share of the time; under 1 starts with a jerk.
    """

    start_s: float
    end_s: float
    start: float
    end: float
    stage: str
    going: tuple[float, float]
    warp: float = 1.0


@dataclass(frozen=True)
class Repetition:
    """One repetition with its natural variation.

    Attributes:
        number: from 1.
        side: ``left`` or ``right``: who leads; ``both`` in symmetric exercises.
        kind: ``full``, ``partial`` or ``failed``; only the first counts.
        moves: one after the other, without gaps.
        error: a natural deviation, -1 to 1 times the plan's variation.
        faults: what is planted in it.
    """

    number: int
    side: str
    kind: str
    moves: tuple[Move, ...]
    error: float
    faults: tuple[PlantedFault, ...] = ()

    @property
    def start_s(self) -> float:
        """Leaves the start position."""
        return self.moves[0].start_s

    @property
    def turn_s(self) -> float:
        """Arrives at the turning point."""
        return self.moves[0].end_s

    @property
    def back_s(self) -> float:
        """Leaves the turning point for the last time."""
        return self.moves[-1].start_s

    @property
    def end_s(self) -> float:
        """Is back."""
        return self.moves[-1].end_s


@dataclass(frozen=True)
class Moments:
    """Where in the set the athlete is, at N times.

    Attributes:
        time_s: (N,).
        progress: (N,) 0 start position to 1 the full range of this athlete.
        share: (N,) the same, but 1 at the turning point of this repetition, however short its range is.
        going: (N,) 0 to 1 on the way out, 1 to 2 on the way back; by time, not by distance.
        number: (N,) of the repetition under way or just finished, 0 before the first.
        stage: N of ``still``, ``rest``, ``out``, ``hold``, ``back``.
        left: (N,) 1 where the left side leads, -1 the right, 0 neither.
        error: (N,) the repetition's natural deviation.
        tired: (N,) 0 to 1.
        over_s: (N,) s since the end of the last repetition, 0 before; empty where no set is laid out.
    """

    time_s: FloatArray
    progress: FloatArray
    share: FloatArray
    going: FloatArray
    number: NDArray[np.int64]
    stage: list[str]
    left: FloatArray
    error: FloatArray
    tired: FloatArray
    over_s: FloatArray = field(default_factory=lambda: np.zeros(0))


_THIRD = 0.40913
"""Share of the time after which a minimum-jerk movement has gone a third of its way."""


def _warp(magnitude: float) -> float:
    """Exponent that takes `magnitude` off the time until a third of the way is gone."""
    return 1.0 / (1.0 + math.log(1.0 - magnitude) / math.log(_THIRD))


class Timeline:
    """The repetitions of a set, laid out in time."""

    def __init__(
        self,
        plan: SetPlan,
        kinds: Mapping[str, FaultKind],
        tempo: Tempo,
        sided: bool = False,
        ranges: Mapping[str, float] | None = None,
        lead_s: float = 0.0,
        change_s: float = 0.0,
    ) -> None:
        """Lay out `plan`.

        Args:
            plan: the set.
            kinds: the faults that the exercise knows.
            tempo: where the plan has none.
            sided: the exercise has a leading side.
            ranges: for each planted fault of range its loss of progress per unit of magnitude is not constant, so
                the progress that is left is given, by ``name:magnitude`` (see `kinecue.simulation.movement.performance`).
            lead_s: what comes before, such as getting into position; the athlete is still until then.
            change_s: what changing sides takes, after the rest.

        Raises:
            KineCueError: a fault is not in `kinds`, too large, or in a repetition that there is not.
        """
        for fault in plan.faults:
            check_fault(fault, plan, kinds)
        self.plan = plan
        self._kinds = kinds
        self._ranges = ranges or {}
        rng = np.random.default_rng(plan.seed)
        self.repetitions: list[Repetition] = []
        self.changes: list[tuple[float, float]] = []
        """When sides are changed: from and to, s."""
        clock, level = lead_s + plan.still_s, 0.0
        for number in range(1, plan.repetitions + 1):
            side = "both"
            if sided:
                side = plan.side if plan.side != "alternate" else ("left", "right")[(number + 1) % 2]
            if change_s and self.repetitions and side != self.repetitions[-1].side:
                self.changes.append((clock, clock + change_s))
                clock += change_s
            pace = 1.0 + plan.variation * rng.uniform(-0.05, 0.05, 4)
            error = float(plan.variation * rng.uniform(-1.0, 1.0))
            repetition, clock, level = self._repetition(
                number, side, clock, level, plan.tempo or tempo, pace, error
            )
            self.repetitions.append(repetition)
        self._level = level
        last = self.repetitions[-1].end_s if self.repetitions else clock
        self.duration_s = last + plan.after_s

    def _tired(self, number: int) -> float:
        return self.plan.fatigue * (number - 1) / max(self.plan.repetitions - 1, 1)

    def _repetition(
        self, number: int, side: str, clock: float, level: float, tempo: Tempo, pace: FloatArray, error: float
    ) -> tuple[Repetition, float, float]:
        plan = self.plan
        tired = self._tired(number)
        faults = tuple(f for f in plan.faults if number in f.repetitions)
        lasts = {
            "out": tempo.out_s * pace[0] * (1.0 + 0.2 * tired),
            "back": tempo.back_s * pace[2] * (1.0 + 0.7 * tired),
        }
        warps = {"out": 1.0, "back": 1.0}
        turn, end = 1.0 + 0.012 * error - 0.04 * tired, 0.0
        for fault in faults:
            kind = self._kinds[fault.name]
            if kind.way == TEMPO:
                lasts[kind.stage] *= 1.0 - fault.magnitude
            elif kind.way == JERK:
                warps[kind.stage] = _warp(fault.magnitude)
            elif kind.way == TURN_RANGE:
                turn = self._ranges[f"{fault.name}:{fault.magnitude}"]
            elif kind.way == END_RANGE:
                end = self._ranges[f"{fault.name}:{fault.magnitude}"]
        status = "full"
        if number in plan.partial:
            status, turn = "partial", plan.partial[number]
        moves: list[Move] = []

        def move(
            seconds: float, to: float, stage: str, going: tuple[float, float], warp: float = 1.0
        ) -> None:
            start = moves[-1].end_s if moves else clock
            moves.append(
                Move(start, start + seconds, moves[-1].end if moves else level, to, stage, going, warp)
            )

        out_s = float(lasts["out"]) * (0.4 + 0.6 * turn)
        move(out_s, turn, "out", (0.0, 1.0), warps["out"])
        move(tempo.hold_s * float(pace[1]), turn, "hold", (1.0, 1.0))
        back_s = float(lasts["back"]) * (0.4 + 0.6 * (turn - end))
        if number in plan.failed:
            status = "failed"
            stuck = end + 0.45 * (turn - end)
            move(1.1 * back_s, stuck, "back", (1.0, 1.3))
            move(0.7, stuck + 0.02, "back", (1.3, 1.3))
            move(0.9, turn, "back", (1.3, 1.1))
            move(0.8, turn, "hold", (1.1, 1.0))
            back_s *= 1.8
        move(back_s, end, "back", (1.0, 2.0), warps["back"])
        rest = tempo.rest_s * float(pace[3]) * (1.0 + 0.8 * tired)
        repetition = Repetition(number, side, status, tuple(moves), error, faults)
        return repetition, moves[-1].end_s + rest, end

    def at(self, times_s: ArrayLike) -> Moments:
        """The moments at (N,) times since the set's start; before it and after its end the athlete is still."""
        times = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        n = len(times)
        progress, share, going = np.zeros(n), np.zeros(n), np.zeros(n)
        number = np.zeros(n, dtype=np.int64)
        left, error, tired = np.zeros(n), np.zeros(n), np.zeros(n)
        stage = ["still"] * n
        if self.repetitions:
            # the side that leads first is already known while waiting
            left[:] = _LEFT[self.repetitions[0].side]
        level = 0.0
        for repetition in self.repetitions:
            began = times >= repetition.start_s
            number[began], left[began] = repetition.number, _LEFT[repetition.side]
            error[began], tired[began] = repetition.error, self._tired(repetition.number)
            for move in repetition.moves:
                rows = np.where((times >= move.start_s) & (times < move.end_s))[0]
                if not len(rows):
                    continue
                x = (times[rows] - move.start_s) / max(move.end_s - move.start_s, 1e-9)
                progress[rows] = move.start + (move.end - move.start) * smooth(x**move.warp)
                low = level if move.stage == "out" else repetition.moves[-1].end
                share[rows] = (progress[rows] - low) / max(repetition.moves[0].end - low, 1e-9)
                going[rows] = move.going[0] + (move.going[1] - move.going[0]) * x
                for row in rows:
                    stage[row] = move.stage
            level = repetition.moves[-1].end
            rest = np.where(times >= repetition.end_s)[0]
            progress[rest], share[rest], going[rest] = level, 0.0, 2.0
            for row in rest:
                stage[row] = "rest"
        if self.repetitions and level:
            # whoever did not finish the last repetition does so while standing
            since = times - self.repetitions[-1].end_s
            progress = np.where(since > 0.0, level * (1.0 - smooth(since / 0.8)), progress)
        last = self.repetitions[-1].end_s if self.repetitions else np.inf
        over = np.maximum(times - last, 0.0)
        return Moments(times, progress, share, going, number, stage, left, error, tired, over)

    def present(self, moments: Moments) -> dict[str, FloatArray]:
        """(N, 2) present magnitude, left and right, of every planted fault of the ``offset`` way, by name."""
        result: dict[str, FloatArray] = {}
        for repetition in self.repetitions:
            rows = np.where((moments.number == repetition.number) & (moments.going < 2.0))[0]
            for fault in repetition.faults:
                kind = self._kinds[fault.name]
                if kind.way != OFFSET or not len(rows):
                    continue
                amount = fault.magnitude * kind.envelope(moments.share[rows], moments.going[rows])
                table = result.setdefault(fault.name, np.zeros((len(moments.time_s), 2)))
                table[rows] += amount[:, None] * np.array(_ON_SIDE[fault.side])
        return result


_LEFT = {"left": 1.0, "right": -1.0, "both": 0.0}
_ON_SIDE = {"left": (1.0, 0.0), "right": (0.0, 1.0), "both": (1.0, 1.0)}


class Sway:
    """Small involuntary motion: sums of slow sines (sway is below 1 Hz, of millimetres; Winter 1995)."""

    _PERIODS_S = (1.9, 3.1, 4.7)

    def __init__(self, seed: int, amount: float, channels: int = 16) -> None:
        self._phases = np.random.default_rng(seed).uniform(
            0.0, 2.0 * math.pi, (channels, len(self._PERIODS_S))
        )
        self._amount = amount

    def value(self, channel: int, time_s: FloatArray) -> FloatArray:
        """(N,) between -1 and 1 times the amount; channels are independent of each other."""
        waves = [
            np.sin(2.0 * math.pi * time_s / period + phase)
            for period, phase in zip(self._PERIODS_S, self._phases[channel % len(self._phases)], strict=True)
        ]
        result: FloatArray = self._amount * np.sum(waves, 0) / len(waves)
        return result
