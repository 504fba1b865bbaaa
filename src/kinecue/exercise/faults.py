"""All faults of an exercise: what was found in a frame, what cannot be judged, and what a repetition was like."""

from __future__ import annotations

import math

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.blocks import Judge, Outside
from kinecue.exercise.fault_judge import (
    FaultJudge,
    FaultSpan,
    Finding,
    Moment,
    of_importance,
    probability_outside,
)
from kinecue.exercise.features import FeatureFrame
from kinecue.exercise.limits import resolve_limits
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import Movement
from kinecue.exercise.results import Abstention, Phase
from kinecue.exercise.signal import seen_from
from kinecue.exercise.tempo import TempoMeter

__all__ = ["FaultFinder", "FaultJudge", "FaultSpan", "Finding", "probability_outside"]

_MOSTLY = 0.5
"""A fault that could not be judged for this share of the movement counts as abstained from in the set."""


class FaultFinder:
    """All faults of an exercise.

    Attributes:
        spans: the faults of the movement that `end` was called for last, the most severe first.
    """

    def __init__(self, model: ExerciseModel) -> None:
        model = resolve_limits(model)
        rules = model.faults
        self.judges = tuple(FaultJudge(name, rule) for name, rule in rules.items())
        self._framewise = tuple(judge for judge in self.judges if not judge.of_movement)
        self._eccentric_first = model.outward is Phase.ECCENTRIC
        progress = model.progress
        farthest = Outside.BELOW if progress is None or progress.full > progress.start else Outside.ABOVE
        self._from_peak = frozenset(
            name
            for name, rule in rules.items()
            if progress is not None
            and (rule.feature, rule.side, rule.outside) == (progress.feature, progress.side, farthest)
        )
        self._tempo = TempoMeter()
        self._view = math.nan
        self.spans: tuple[FaultSpan, ...] = ()
        self._judging_s: dict[str, float] = dict.fromkeys(rules, 0.0)
        self._hidden_s: dict[str, dict[Reason, float]] = {name: {} for name in rules}

    def reset(self) -> None:
        """A new set, person or time."""
        for judge in self.judges:
            judge.reset()
        self._tempo.reset()
        self._view = math.nan
        self._judging_s = dict.fromkeys(self._judging_s, 0.0)
        self._hidden_s = {name: {} for name in self._hidden_s}

    def begin(self, began: float) -> list[Finding]:
        """A repetition is known to have begun at the time `began`: what was wrong with its start."""
        found: list[Finding] = []
        for judge in self.judges:
            found += judge.begin(began)
        return of_importance(found)

    def observe(
        self,
        t: float,
        dt: float,
        phase: Phase,
        progress: float,
        under_way: bool,
        frame: FeatureFrame,
        view: float,
        stage: str = "",
    ) -> tuple[list[Finding], tuple[Abstention, ...]]:
        """A frame: the faults that became certain in it, and those that it does not show."""
        found: list[Finding] = []
        abstentions: list[Abstention] = []
        self._tempo.add(t, progress, under_way)
        self._view = view
        now = Moment(t, dt, phase, stage, progress, under_way, frame.leading)
        for judge in self._framewise:
            readings = judge.read(frame, view)
            reason = judge.abstention(readings)
            if reason:
                abstentions.append(Abstention(judge.name, reason))
            if under_way:
                self._judging_s[judge.name] += dt
                if reason:
                    hidden = self._hidden_s[judge.name]
                    hidden[reason] = hidden.get(reason, 0.0) + dt
            found += judge.observe(now, readings)
        return (of_importance(found) if len(found) > 1 else found), tuple(abstentions)

    def end(self, valid: bool, peak: Measurement, movement: Movement | None = None) -> list[Finding]:
        """A movement ended; `peak` is the progress feature at its peak, `movement` tells the tempo."""
        found: list[Finding] = []
        spans: list[FaultSpan] = []
        tempo = {} if movement is None else self._tempo.measure(movement, self._eccentric_first)
        at = _end_of(movement)
        for judge in self.judges:
            if valid and judge.of_movement:
                found += self._judge_tempo(judge, tempo.get(judge.rule.feature), movement, at)
            elif valid and judge.rule.judge is Judge.END:
                found += judge.conclude(peak if judge.name in self._from_peak and judge.seen else None, at)
            spans += judge.spans()
            judge.next()
        self.spans = tuple(
            sorted(spans, key=lambda span: (-span.rule.severity, -span.probability, -span.magnitude))
        )
        return of_importance(found)

    def _judge_tempo(
        self, judge: FaultJudge, measured: Measurement | None, movement: Movement | None, at: Moment | None
    ) -> list[Finding]:
        if measured is None or movement is None:
            return []
        took = movement.end - movement.start
        self._judging_s[judge.name] += took
        if not seen_from(self._view, judge.rule.views_deg):
            measured = Measurement.abstained(Reason.VIEW)
        if not measured.usable:
            hidden = self._hidden_s[judge.name]
            hidden[measured.reason] = hidden.get(measured.reason, 0.0) + took
            return []
        return judge.conclude(measured, at)

    def hidden(self) -> tuple[Abstention, ...]:
        """Faults that could not be judged for most of the time in movement, with the main reason."""
        result = []
        for name, total in self._judging_s.items():
            hidden = self._hidden_s[name]
            if total > 0.0 and sum(hidden.values()) > _MOSTLY * total:
                result.append(Abstention(name, max(hidden, key=lambda reason: hidden[reason])))
        return tuple(result)


def _end_of(movement: Movement | None) -> Moment | None:
    """The turning point stands for a fault that is judged from the whole movement."""
    if movement is None:
        return None
    return Moment(movement.bottom, 0.0, Phase.BOTTOM, "", 1.0, True)
