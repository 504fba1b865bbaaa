"""Held exercises: the position is the repetition, and what counts is how long it lasts."""

from __future__ import annotations

import math

from kinecue.body.errors import ConfigError
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import Movement, PhaseUpdate
from kinecue.exercise.results import Phase, RepetitionReason, RepetitionStatus

_PASSING = 0.2
"""A position held for less than this share of what is asked was only passed through."""


class HoldMachine:
    """Phases and holds of one person in one exercise of ``kind: held``.

    A hold begins when the position has lasted for `in_position.hold_s` and counts from where it was taken. It ends where
    the position was left for longer than that; frames without a measurement are bridged for `hold.bridge_s`.
    """

    def __init__(self, model: ExerciseModel) -> None:
        if model.hold is None:
            raise ConfigError(model.name, "hold", "is needed to follow a held exercise")
        self._least = model.hold.least_s
        self._bridge = model.hold.bridge_s
        self._settle = model.in_position.hold_s
        self.reset()

    def reset(self) -> None:
        """Forget everything: another person, another exercise, another time."""
        self._last = math.nan
        self._clear()

    def _clear(self) -> None:
        self._since = math.nan
        self._good = math.nan
        self._left = math.nan
        self._away_s = 0.0
        self._holding = False

    @property
    def at_rest_in_start(self) -> bool:
        """In the position and steady: what is relative to the start is relative to how the hold began."""
        return math.isfinite(self._since) and self._good - self._since < 1.0

    @property
    def under_way(self) -> bool:
        """A hold has begun and not ended."""
        return self._holding

    def update(self, t: float, in_position: bool | None) -> PhaseUpdate:
        """A frame; `in_position` is None where none of its conditions can be measured."""
        finished: tuple[Movement, ...] = ()
        if t - self._last > self._bridge:
            finished = self._finish(RepetitionReason.PERSON_LOST)
        if in_position is None:
            return self._unseen(t, finished)
        self._last = t
        began = math.nan
        if in_position:
            if math.isfinite(self._left):
                self._away_s += t - self._left
            self._left = math.nan
            self._since = t if math.isnan(self._since) else self._since
            self._good = t
            if not self._holding and t - self._since >= self._settle - 1e-6:
                self._holding, began = True, self._since
        elif not self._holding:
            self._clear()
        elif math.isnan(self._left):
            self._left = self._good
        if self._holding and t - self._left > self._settle:
            finished = self._finish(RepetitionReason.NOT_IN_POSITION)
        return self._update(t, finished, began)

    def _unseen(self, t: float, finished: tuple[Movement, ...]) -> PhaseUpdate:
        return PhaseUpdate(Phase.UNKNOWN, math.nan, math.nan, self._holding, finished=finished)

    def _update(self, t: float, finished: tuple[Movement, ...], began: float) -> PhaseUpdate:
        held = self._held_s if self._holding else 0.0
        phase = Phase.HOLD if self._holding else Phase.SETUP
        speed = 1.0 / self._least if self._holding and held < self._least else 0.0
        return PhaseUpdate(
            phase, min(held / self._least, 1.0), speed, self._holding, began, self._holding, finished
        )

    @property
    def _held_s(self) -> float:
        return max(self._good - self._since - self._away_s, 0.0)

    def miss(self, t: float, reason: RepetitionReason) -> PhaseUpdate:
        """A frame without a measurement."""
        finished: tuple[Movement, ...] = ()
        if t - self._last > self._bridge:
            finished = self._finish(reason)
        return self._unseen(t, finished)

    def break_off(self, reason: RepetitionReason) -> tuple[Movement, ...]:
        """The hold under way ends."""
        return self._finish(reason)

    def stop(self) -> PhaseUpdate:
        """The set ends: what was held was held."""
        finished = self._finish(RepetitionReason.TOO_SHORT)
        self.reset()
        return PhaseUpdate(Phase.REST, math.nan, math.nan, False, finished=finished)

    def _finish(self, reason: RepetitionReason) -> tuple[Movement, ...]:
        if not self._holding:
            self._clear()
            return ()
        held = self._held_s
        status, why = RepetitionStatus.VALID, RepetitionReason.NONE
        if held < self._least:
            status, why = RepetitionStatus.PARTIAL, RepetitionReason.TOO_SHORT
            if reason is RepetitionReason.PERSON_LOST or reason is RepetitionReason.UNCERTAIN:
                status, why = RepetitionStatus.ABANDONED, reason
            elif held < _PASSING * self._least:
                status, why = RepetitionStatus.SETUP, RepetitionReason.TOO_SHORT
        movement = Movement(
            status=status,
            reason=why,
            start=self._since,
            bottom=0.5 * (self._since + self._good),
            end=self._good,
            range=min(held / self._least, 1.0),
            peak=math.nan,
            peak_std=math.nan,
            outward_s=0.0,
            pause_s=held,
            homeward_s=0.0,
            mean_speed=(math.nan, math.nan),
            peak_speed=(math.nan, math.nan),
            held_s=held,
        )
        self._clear()
        return (movement,)
