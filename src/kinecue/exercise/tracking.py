"""From features to movements: what drives each kind of exercise, read from a frame and given to its state machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.features import FeatureFrame
from kinecue.exercise.holds import HoldMachine
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import PhaseUpdate
from kinecue.exercise.phases import RepetitionMachine
from kinecue.exercise.position import Checks
from kinecue.exercise.results import RepetitionReason, Side
from kinecue.exercise.signal import Signal
from kinecue.exercise.stages import StageMachine


@dataclass(frozen=True)
class Tracked:
    """What a frame says about the movement.

    Attributes:
        update: the state after it.
        here: progress by which courses and limits are read; NaN where the frame does not show it.
        std: standard deviation of `here`.
        reason: why it is not shown.
    """

    update: PhaseUpdate
    here: float
    std: float
    reason: Reason = Reason.NONE


class Tracker(Protocol):
    """The movement of one person in one exercise."""

    @property
    def under_way(self) -> bool:
        """A movement has begun and not ended."""

    @property
    def at_rest_in_start(self) -> bool:
        """The start position may be learned from this frame."""

    def configure(self, model: ExerciseModel) -> None:
        """The same exercise with other numbers; not while a movement is under way."""

    def update(self, t: float, frame: FeatureFrame) -> Tracked:
        """A frame at the time `t`, s."""

    def miss(self, t: float, reason: RepetitionReason) -> PhaseUpdate:
        """A frame without a body."""

    def break_off(self, reason: RepetitionReason) -> PhaseUpdate:
        """What is under way is over, for `reason`; everything starts anew."""

    def stop(self) -> PhaseUpdate:
        """The set ends."""

    def reset(self) -> None:
        """Forget what is under way."""

    def forget_person(self) -> None:
        """Somebody else: forget what was learned as well."""

    def difference(self, frame: FeatureFrame) -> Measurement:
        """Left minus right of what drives the movement."""


def tracker(model: ExerciseModel) -> Tracker:
    """For the kind of the exercise."""
    if model.kind == "held":
        return _Hold(model)
    if model.kind == "stages":
        return _Stages(model)
    return _Repetitions(model)


class _Repetitions:
    """Driven by one feature."""

    def __init__(self, model: ExerciseModel) -> None:
        self.machine = RepetitionMachine(model)
        self.configure(model)

    def configure(self, model: ExerciseModel) -> None:
        self._progress = model.movement
        span = self._progress.si(self._progress.full - self._progress.start)
        self._span = abs(span)
        outermost = SidePolicy.LARGER if span > 0.0 else SidePolicy.SMALLER
        self._signal = Signal(self._progress.feature, self._progress.side)
        self._either = Signal(self._progress.feature, outermost)
        self._start = Checks(model.start_position.conditions)
        self._position = Checks(model.in_position.conditions)
        self.machine.configure(model)

    @property
    def under_way(self) -> bool:
        return self.machine.under_way

    @property
    def at_rest_in_start(self) -> bool:
        return self.machine.at_rest_in_start

    def _read(self, frame: FeatureFrame) -> Measurement:
        sided = self._progress.side in (SidePolicy.LEADING, SidePolicy.TRAILING)
        if sided and frame.leading is Side.NONE:
            return self._either.read(frame)[0]  # until it is known who leads, whoever is further
        return self._signal.read(frame)[0]

    def update(self, t: float, frame: FeatureFrame) -> Tracked:
        measured = self._read(frame)
        if not measured.usable:
            return Tracked(
                self.machine.miss(t, RepetitionReason.UNCERTAIN), math.nan, math.nan, measured.reason
            )
        update = self.machine.update(
            t, measured.value, measured.std, self._start.hold(frame), self._position.hold(frame)
        )
        # the filtered progress is some 50 ms late: the courses are read at the progress of the very frame
        return Tracked(update, self._progress.fraction(measured.value), measured.std / self._span)

    def miss(self, t: float, reason: RepetitionReason) -> PhaseUpdate:
        return self.machine.miss(t, reason)

    def break_off(self, reason: RepetitionReason) -> PhaseUpdate:
        return self.machine.lose(reason)

    def stop(self) -> PhaseUpdate:
        return self.machine.stop()

    def reset(self) -> None:
        self.machine.reset()

    def forget_person(self) -> None:
        self.machine.reset()
        self.machine.range.reset()

    def difference(self, frame: FeatureFrame) -> Measurement:
        return self._signal.difference(frame)


class _Hold:
    """Driven by the position that is held."""

    def __init__(self, model: ExerciseModel) -> None:
        self.machine = HoldMachine(model)
        self.configure(model)

    def configure(self, model: ExerciseModel) -> None:
        self._position = Checks(model.in_position.conditions)

    @property
    def under_way(self) -> bool:
        return self.machine.under_way

    @property
    def at_rest_in_start(self) -> bool:
        return self.machine.at_rest_in_start

    def update(self, t: float, frame: FeatureFrame) -> Tracked:
        known = self._position.known(frame)
        update = self.machine.update(t, known)
        if known is None:
            return Tracked(update, math.nan, math.nan, Reason.UNCERTAIN)
        return Tracked(update, update.progress, 0.0)

    def miss(self, t: float, reason: RepetitionReason) -> PhaseUpdate:
        return self.machine.miss(t, reason)

    def break_off(self, reason: RepetitionReason) -> PhaseUpdate:
        finished = self.machine.break_off(reason)
        self.machine.reset()
        return PhaseUpdate.over(finished)

    def stop(self) -> PhaseUpdate:
        return self.machine.stop()

    def reset(self) -> None:
        self.machine.reset()

    def forget_person(self) -> None:
        self.machine.reset()

    def difference(self, frame: FeatureFrame) -> Measurement:
        return Measurement.abstained(Reason.UNSUPPORTED)


class _Stages:
    """Driven by the positions of the stages."""

    def __init__(self, model: ExerciseModel) -> None:
        self.machine = StageMachine(model)
        self.configure(model)

    def configure(self, model: ExerciseModel) -> None:
        self._start = Checks(model.start_position.conditions)
        self._stages = tuple(Checks(stage.conditions) for stage in model.stages)
        self._position = Checks(model.in_position.conditions)

    @property
    def under_way(self) -> bool:
        return self.machine.under_way

    @property
    def at_rest_in_start(self) -> bool:
        return self.machine.at_rest_in_start

    def update(self, t: float, frame: FeatureFrame) -> Tracked:
        stages = [checks.known(frame) for checks in self._stages]
        if all(known is None for known in stages):
            return Tracked(
                self.machine.miss(t, RepetitionReason.UNCERTAIN), math.nan, math.nan, Reason.UNCERTAIN
            )
        update = self.machine.update(
            t, bool(self._start.known(frame)), [bool(known) for known in stages], self._position.hold(frame)
        )
        return Tracked(update, update.progress, 0.0)

    def miss(self, t: float, reason: RepetitionReason) -> PhaseUpdate:
        return self.machine.miss(t, reason)

    def break_off(self, reason: RepetitionReason) -> PhaseUpdate:
        finished = self.machine.break_off(reason)
        self.machine.reset()
        return PhaseUpdate.over(finished)

    def stop(self) -> PhaseUpdate:
        return self.machine.stop()

    def reset(self) -> None:
        self.machine.reset()

    def forget_person(self) -> None:
        self.machine.reset()

    def difference(self, frame: FeatureFrame) -> Measurement:
        return Measurement.abstained(Reason.UNSUPPORTED)
