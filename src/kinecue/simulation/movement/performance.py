"""An athlete performs a set: the body, the faults and the contacts at any times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.body.errors import KineCueError
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.blend import join, take
from kinecue.simulation.movement.changeover import change_sides
from kinecue.simulation.movement.entrance import ContactTrack, Entrance
from kinecue.simulation.movement.figure import MIRRORED, Figure, mirrored, mirrored_figure, mirrored_rig
from kinecue.simulation.movement.set_plan import (
    END_RANGE,
    OFFSET,
    TURN_RANGE,
    FaultKind,
    PlantedFault,
    SetPlan,
    check_fault,
)
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Goal, solve
from kinecue.simulation.movement.technique import Course, Exercise, at
from kinecue.simulation.movement.timeline import Moments, Repetition, Sway, Timeline

FloatArray = NDArray[np.float64]

_TOLERANCE = 1e-3
"""Largest error of a goal, rad or m, with which a movement counts as possible."""


@dataclass(frozen=True)
class FaultEvent:
    """A planted fault in one repetition.

    Attributes:
        name, side, magnitude, unit: what and how large at its worst.
        repetition: number, from 1.
        onset_s: when it passes a tenth of its magnitude; what is too short shows at its turning point or end.
    """

    name: str
    repetition: int
    magnitude: float
    unit: str
    onset_s: float
    side: str = "both"


class Performance:
    """One set of one exercise by one athlete.

    Poses are in the athlete's frame: x forward, y left, z up, origin on the floor between the feet of the start
    position. Everything is a function of time alone.
    """

    def __init__(self, athlete: Athlete, exercise: Exercise, plan: SetPlan) -> None:
        """Prepare.

        Raises:
            KineCueError: a planted fault is not possible.
        """
        self.athlete = athlete
        self.exercise = exercise
        self.skeleton = Skeleton(athlete)
        self.technique = exercise.technique(athlete)
        self._sway = Sway(plan.seed + 1, plan.variation)
        self._lead_s = 0.0
        ranges = {
            f"{f.name}:{f.magnitude}": self._progress_left(f, plan)
            for f in plan.faults
            if f.name in exercise.faults and exercise.faults[f.name].way in (TURN_RANGE, END_RANGE)
        }
        change_s = exercise.change_s
        self.timeline = Timeline(
            plan, exercise.faults, exercise.tempo, exercise.sided, ranges, change_s=change_s
        )
        self.plan = plan
        self._entrance = self._planned_entrance()
        self._lead_s = self._entrance.lead_s
        if self._lead_s:
            self.timeline = Timeline(
                plan, exercise.faults, exercise.tempo, exercise.sided, ranges, self._lead_s, change_s
            )

    @property
    def duration_s(self) -> float:
        """Length of the set with what is before and after it, s."""
        return self.timeline.duration_s + self._entrance.tail_s

    def _planned_entrance(self) -> Entrance:
        """The way in and out, between which the set is."""
        if self.plan.approach == "none":
            return Entrance(self.athlete, self.exercise, self.technique)
        ends = [self._set_figure(self.timeline.at([t])) for t in (0.0, self.timeline.duration_s)]
        return Entrance(
            self.athlete,
            self.exercise,
            self.technique,
            self.plan.approach,
            (ends[0], ends[1]),
            self.plan.seed + 2,
        )

    def _progress_left(self, fault: PlantedFault, plan: SetPlan) -> float:
        """Progress at which `measure` lacks the magnitude of a fault of range."""
        kind = self.exercise.faults[fault.name]
        check_fault(fault, plan, self.exercise.faults)
        grid = np.linspace(0.0, 1.0, 201)
        course = self._course(kind)
        values = course(grid) if course is not None else self._measured(kind.measure, grid)
        end = values[-1] if kind.way == TURN_RANGE else values[0]
        missing = kind.gain * (values - end)
        order = np.argsort(missing)
        share = float(np.interp(fault.magnitude, missing[order], grid[order]))
        if fault.magnitude > float(missing.max()) + 1e-9:
            raise KineCueError(
                f"fault {fault.name}: this athlete's range allows {float(missing.max()):.3f} {kind.unit}"
            )
        return share

    def _course(self, kind: FaultKind) -> Course | None:
        for name in (kind.measure, f"{kind.measure}_left"):
            value = self.technique.goals.get(name)
            if isinstance(value, Course) and value.over == "progress":
                return value
        return None

    def _measured(self, name: str, progress: FloatArray) -> FloatArray:
        n = len(progress)
        zero = np.zeros(n)
        still = Moments(
            zero, progress, progress, progress, zero.astype(np.int64), ["out"] * n, zero, zero, zero
        )
        return measures.value(name, self._figure(still, {}))

    def moments(self, times_s: ArrayLike) -> Moments:
        """Where in the set the athlete is."""
        return self.timeline.at(times_s)

    def figure(self, times_s: ArrayLike) -> Figure:
        """The body at (N,) times.

        Raises:
            KineCueError: the body cannot do what the exercise asks for.
        """
        times = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        before, after = self._outside(times)
        if not (before.any() or after.any()):
            return self._set_figure(self.moments(times))
        within = np.where(~before & ~after)[0]
        parts = []
        if len(within):
            parts.append((within, self._set_figure(self.moments(times[within]))))
        if before.any():
            parts.append((np.where(before)[0], self._entrance.coming(times[before])))
        if after.any():
            parts.append(
                (np.where(after)[0], self._entrance.leaving(times[after] - self.timeline.duration_s))
            )
        return join(parts, len(times))

    def _outside(self, times: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(N,) before and after the set; a clip without a way in or out has neither."""
        if not self._entrance.lead_s:
            return np.zeros(len(times), dtype=bool), np.zeros(len(times), dtype=bool)
        return times < self._lead_s, times > self.timeline.duration_s

    def _set_figure(self, moments: Moments) -> Figure:
        body = self._figure(moments, self.timeline.present(moments))
        for start, end in self.timeline.changes:
            rows = np.where((moments.time_s > start) & (moments.time_s < end))[0]
            if not len(rows):
                continue
            # a moment before the one and the other side leads
            ends = self._figure(self.timeline.at([start, end]), {})
            share = (moments.time_s[rows] - start) / (end - start)
            between = change_sides(self.athlete, take(ends, np.array([0])), take(ends, np.array([1])), share)
            others = np.setdiff1d(np.arange(len(moments.time_s)), rows)
            body = join([(rows, between), (others, take(body, others))], len(moments.time_s))
        return body

    def gear_times(self, times_s: ArrayLike) -> FloatArray:
        """(N,) times whose body the gear follows.

        Until the hands take it, and once they have put it down, the gear is where they do so.
        """
        times = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        if not self._entrance.lead_s:
            return times
        return np.clip(times, self._entrance.take_s, self.timeline.duration_s + self._entrance.put_s)

    def holds_gear(self, times_s: ArrayLike) -> NDArray[np.bool_]:
        """(N,) whether the hands hold the gear."""
        times = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        result: NDArray[np.bool_] = self.gear_times(times) == times
        return result

    def contacts(self, times_s: ArrayLike, figure: Figure | None = None) -> list[ContactTrack]:
        """What the body holds on to, over the whole clip; `figure` is the body at these times, if it is known."""
        times = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        figure = self.figure(times) if figure is None else figure
        moments = self.moments(times)
        before, after = self._outside(times)
        outside = before | after
        for start, end in self.timeline.changes:
            outside = outside | ((times > start) & (times < end))
        on: dict[str, str] = {}
        holds: dict[str, NDArray[np.bool_]] = {}
        for contact in self.technique.contacts:
            held = contact.holds(moments) & ~outside
            for point, rows in (
                (contact.point, moments.left >= 0.0),
                (_other_side(contact.point), moments.left < 0.0),
            ):
                if rows.any():
                    on.setdefault(point, contact.on)
                    holds[point] = holds.get(point, np.zeros(len(times), dtype=bool)) | (held & rows)
        for rows, leaving, start in ((before, False, 0.0), (after, True, self.timeline.duration_s)):
            if rows.any():
                self._hold_outside(figure, times - start, rows, leaving, on, holds)
        return [ContactTrack(p, on[p], _full(figure.points[p], figure), h) for p, h in holds.items()]

    def _hold_outside(
        self,
        figure: Figure,
        times: FloatArray,
        rows: NDArray[np.bool_],
        leaving: bool,
        on: dict[str, str],
        holds: dict[str, NDArray[np.bool_]],
    ) -> None:
        index = np.where(rows)[0]
        for point, held in self._entrance.holds(times[index], take(figure, index), leaving).items():
            on.setdefault(point, "floor")
            holds.setdefault(point, np.zeros(len(times), dtype=bool))[index] |= held

    def clean_figure(self, moments: Moments) -> Figure:
        """The body as it would be at these moments (so far in the range of motion) without the planted faults."""
        return self._figure(moments, {})

    def _figure(self, moments: Moments, present: Mapping[str, FloatArray]) -> Figure:
        right = moments.left < 0.0
        if not right.any():
            return self._leading(moments, present, False)
        if right.all():
            return self._leading(moments, present, True)
        parts = []
        for rows, mirror in ((np.where(~right)[0], False), (np.where(right)[0], True)):
            parts.append(
                (rows, self._leading(_take(moments, rows), {k: v[rows] for k, v in present.items()}, mirror))
            )
        return _merge(parts, len(moments.time_s))

    def _leading(self, moments: Moments, present: Mapping[str, FloatArray], mirror: bool) -> Figure:
        if mirror:
            present = {k: v[:, ::-1] for k, v in present.items()}
        t = self.technique
        if t.figure is not None:
            sway: dict[str, FloatArray] = {}
            self._add_sway(moments, sway, {}, mirror)
            body = t.figure(moments, present, sway)
            return mirrored_figure(body) if mirror else body
        controls = {name: at(value, moments) for name, value in t.controls.items()}
        for name in t.by:
            controls.setdefault(name, np.zeros(len(moments.time_s)))
        goals = {name: at(value, moments) for name, value in t.goals.items()}
        self._add_sway(moments, controls, goals, mirror)
        self._add_faults(present, controls, goals)
        if t.arrange is not None:
            t.arrange(moments, present, controls, goals)
        rig = t.rig if t.base is None else replace(t.rig, base=t.base(moments))
        if goals:
            wanted = [Goal(name, value) for name, value in goals.items()]
            controls, error = solve(self.skeleton, controls, rig, t.by, wanted)
            if float(error.max()) > _TOLERANCE:
                worst = int(np.argmax(error))
                raise KineCueError(
                    f"{self.exercise.name}: this athlete cannot do that at {moments.time_s[worst]:.2f} s "
                    f"(progress {moments.progress[worst]:.2f}, {error[worst]:.3f} rad or m short; faults too large?)"
                )
        if mirror:
            return self.skeleton.figure(mirrored(controls), mirrored_rig(rig))
        return self.skeleton.figure(controls, rig)

    def _add_sway(
        self,
        moments: Moments,
        controls: dict[str, FloatArray],
        goals: dict[str, FloatArray],
        mirror: bool = False,
    ) -> None:
        for channel, (name, amplitude) in enumerate(sorted(self.technique.sway.items())):
            sway = (
                amplitude * (1.0 + moments.tired) * self._sway.value(channel, moments.time_s - self._lead_s)
            )
            # what is mirrored later sways the same way in space, so that nothing jumps when sides change
            target = _other_side(name) if mirror else name
            if mirror and (
                name in MIRRORED or (name in measures.MEASURES and measures.MEASURES[name].mirrored)
            ):
                sway = -sway
            table = goals if target in goals else controls
            # a control that is given for both sides counts for each
            both = table.get(target.removesuffix("_l").removesuffix("_r"), np.zeros(len(sway)))
            table[target] = table.get(target, both) + sway

    def _add_faults(
        self, present: Mapping[str, FloatArray], controls: dict[str, FloatArray], goals: dict[str, FloatArray]
    ) -> None:
        for name, amount in present.items():
            kind = self.exercise.faults[name]
            for target, gain in (kind.targets or {kind.measure: kind.gain}).items():
                _add(target, gain * amount, controls, goals)

    def active_faults(self, times_s: ArrayLike) -> list[dict[str, float]]:
        """Present magnitude by fault at each of (N,) times, of the larger side.

        Faults of range and timing are present with their magnitude in the part of the repetition that they shorten.
        """
        moments = self.moments(times_s)
        result: list[dict[str, float]] = [{} for _ in moments.time_s]
        outside = self._outside(moments.time_s)[1]
        for name, table in self.timeline.present(moments).items():
            for row, amount in enumerate(table.max(1)):
                if amount > 1e-9:
                    result[row][name] = float(amount)
        for repetition in self.timeline.repetitions:
            for fault in repetition.faults:
                kind = self.exercise.faults[fault.name]
                if kind.way == OFFSET:
                    continue
                for row in np.where(moments.number == repetition.number)[0]:
                    amount = _timing(kind, fault, moments, int(row))
                    if amount > 1e-9 and not outside[row]:
                        result[row][fault.name] = amount
        return result

    def fault_events(self) -> list[FaultEvent]:
        """All planted faults, in the order of their onset."""
        events = []
        for repetition in self.timeline.repetitions:
            for fault in repetition.faults:
                kind = self.exercise.faults[fault.name]
                onset = self._onset(kind, fault, repetition)
                events.append(
                    FaultEvent(fault.name, repetition.number, fault.magnitude, kind.unit, onset, fault.side)
                )
        return sorted(events, key=lambda e: (e.onset_s, e.name))

    def _onset(self, kind: FaultKind, fault: PlantedFault, repetition: Repetition) -> float:
        if kind.way == TURN_RANGE:
            return repetition.turn_s
        if kind.way == END_RANGE:
            return repetition.end_s
        if kind.way != OFFSET:
            return repetition.start_s if kind.stage == "out" else repetition.back_s
        times = np.arange(repetition.start_s, repetition.end_s, 0.01)
        moments = self.moments(times)
        shown = np.where(kind.envelope(moments.share, moments.going) > 0.1)[0]
        return float(times[shown[0]]) if len(shown) else repetition.turn_s

    def phases(self, moments: Moments) -> list[str]:
        """Phase at each moment, by the names of `kinecue.exercise`."""
        last = self.timeline.duration_s
        out = bool(self._entrance.lead_s)
        return [
            self.exercise.phases["still" if out and time > last else stage]
            for time, stage in zip(moments.time_s, moments.stage, strict=True)
        ]


def _other_side(point: str) -> str:
    """The name of the same on the other side of the body."""
    for left, right in (("_l", "_r"), ("_left", "_right")):
        for own, other in ((left, right), (right, left)):
            if point.endswith(own):
                return point.removesuffix(own) + other
    return point


def _timing(kind: FaultKind, fault: PlantedFault, moments: Moments, row: int) -> float:
    stage = moments.stage[row]
    if kind.way == TURN_RANGE:
        return fault.magnitude * float(max(moments.share[row], 0.0))
    if kind.way == END_RANGE:
        return fault.magnitude if stage == "rest" else 0.0
    return fault.magnitude if stage == kind.stage else 0.0


def _add(
    target: str, amount: FloatArray, controls: dict[str, FloatArray], goals: dict[str, FloatArray]
) -> None:
    """Add (N, 2) left and right to a goal or control, or to both of its sides."""
    for column, (long, short) in enumerate((("_left", "_l"), ("_right", "_r"))):
        if f"{target}{long}" in goals:
            goals[f"{target}{long}"] = goals[f"{target}{long}"] + amount[:, column]
            continue
        if target in goals:
            if column == 0:
                goals[target] = goals[target] + np.where(np.abs(amount[:, 0]) > 0, amount[:, 0], amount[:, 1])
            continue
        if target in _WHOLE or target.endswith(("_l", "_r")):
            if column == 0:
                controls[target] = controls.get(target, 0.0) + np.where(
                    np.abs(amount[:, 0]) > 0, amount[:, 0], amount[:, 1]
                )
            continue
        own = controls.get(f"{target}{short}", controls.get(target, np.zeros(len(amount))))
        controls[f"{target}{short}"] = own + amount[:, column]


_WHOLE = frozenset(
    f"{part}_{axis}"
    for part, axes in (
        ("pelvis", ("x", "y", "z", "yaw", "pitch", "roll")),
        ("spine", ("flexion", "lateral", "axial")),
        ("neck", ("flexion", "lateral", "axial")),
    )
    for axis in axes
)
"""Controls without a side."""


def _take(moments: Moments, rows: NDArray[np.int64]) -> Moments:
    m = moments
    return Moments(
        m.time_s[rows], m.progress[rows], m.share[rows], m.going[rows], m.number[rows],
        [m.stage[row] for row in rows], m.left[rows], m.error[rows], m.tired[rows],
        m.over_s[rows] if len(m.over_s) else m.over_s,
    )  # fmt: skip


def _merge(parts: list[tuple[NDArray[np.int64], Figure]], count: int) -> Figure:
    def join(arrays: list[FloatArray]) -> FloatArray:
        result = np.zeros((count, *arrays[0].shape[1:]))
        for (rows, _), array in zip(parts, arrays, strict=True):
            result[rows] = array
        return result

    figures = [figure for _, figure in parts]
    return Figure(
        {bone: join([_full(f.rotations[bone], f) for f in figures]) for bone in figures[0].rotations},
        {name: join([_full(f.points[name], f) for f in figures]) for name in figures[0].points},
        join([f.grip for f in figures]),
        {limb: join([_full(f.stretch[limb], f) for f in figures]) for limb in figures[0].stretch},
    )


def _full(array: FloatArray, figure: Figure) -> FloatArray:
    return np.broadcast_to(array, (len(figure), *array.shape[1:]))
