"""Exercises made of stages, such as a get-up: positions that have to be reached in their order, and back again."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import Movement, PhaseUpdate
from kinecue.exercise.results import Phase, RepetitionReason, RepetitionStatus

_SKIP_S = 0.5
"""A stage further on has to be held this long (or its own hold) to say that the one before was left out."""
_RETREAT_S = 1.0
"""An earlier stage has to be held this long, and no later one with it, to say that the person has turned back."""
_GAP_S = 2.0
"""Without a measurement for longer than this, the person was lost: a get-up hides joints for a while."""


class StageMachine:
    """Phases and repetitions of one person in one exercise of ``kind: stages``.

    Level 0 is the start position, 1 to n are the stages. On the way out the next level is expected, on the way back
    the one before. A stage is left out when one beyond it is reached while it was not.
    """

    def __init__(self, model: ExerciseModel) -> None:
        self._model = model
        self._names = tuple(stage.name for stage in model.stages)
        self._holds = (model.start_position.hold_s, *(stage.hold_s for stage in model.stages))
        self._last_level = len(self._names)
        self._there_and_back = model.back == "reverse"
        self._position_hold = model.in_position.hold_s
        self._tempo = model.tempo
        self.reset()

    def reset(self) -> None:
        """Forget everything: another person, another exercise, another time."""
        self._last = math.nan
        self._in_start = False
        self._to_start()

    def _to_start(self) -> None:
        self._level = 0
        self._highest = 0
        self._back = False
        self._missing = False
        self._since = [math.nan] * (self._last_level + 1)
        self._reached = math.nan
        self._began = math.nan
        self._top_at = math.nan
        self._here = math.nan
        self._misplaced = math.nan

    @property
    def at_rest_in_start(self) -> bool:
        """In the start position."""
        return self._in_start and not self.under_way

    @property
    def under_way(self) -> bool:
        """The start position was left for a stage."""
        return math.isfinite(self._began)

    def miss(self, t: float, reason: RepetitionReason) -> PhaseUpdate:
        """A frame without a measurement, for `reason`."""
        finished: tuple[Movement, ...] = ()
        if t - self._last > _GAP_S:
            finished = self.break_off(reason)
            self.reset()
        return PhaseUpdate(Phase.UNKNOWN, math.nan, math.nan, self.under_way, finished=finished)

    def stop(self) -> PhaseUpdate:
        """The set ends."""
        finished = self.break_off(RepetitionReason.NO_LOCKOUT)
        self.reset()
        return PhaseUpdate(Phase.REST, math.nan, math.nan, False, finished=finished)

    def break_off(self, reason: RepetitionReason) -> tuple[Movement, ...]:
        """The repetition under way ends without a return."""
        if not self.under_way:
            return ()
        movement = self._movement(RepetitionStatus.ABANDONED, reason)
        self._to_start()
        return (movement,)

    def update(
        self, t: float, start_ok: bool, stages_ok: Sequence[bool], in_position: bool = True
    ) -> PhaseUpdate:
        """A frame.

        Args:
            t: time, s, greater than in the call before.
            start_ok: the conditions of the start position hold.
            stages_ok: those of each stage.
            in_position: the conditions that stay true during a repetition hold.
        """
        finished: list[Movement] = []
        if t - self._last > _GAP_S:
            finished += self.break_off(RepetitionReason.PERSON_LOST)
            self._in_start = False
        self._last = t
        for level, ok in enumerate((start_ok, *stages_ok)):
            self._since[level] = (
                math.nan if not ok else t if math.isnan(self._since[level]) else self._since[level]
            )
        began = math.nan
        if not self.under_way:
            if self._held(0, t):
                self._in_start, self._here = True, t
            if self._in_start and not start_ok and self._reach(t):
                began = self._began
        else:
            self._reach(t)
            self._misplaced = (
                math.nan if in_position else t if math.isnan(self._misplaced) else self._misplaced
            )
            if self._level == 0 or (self._level == self._last_level and not self._there_and_back):
                finished.append(self._finish())
                self._to_start()
                self._in_start = self._held(0, t)
                self._here = t
            else:
                finished += self._given_up(t)
        return PhaseUpdate(
            self._phase(),
            self._level / self._last_level,
            0.0,
            self.under_way,
            began,
            math.isfinite(began) or (self.under_way and self._reached == t),
            tuple(finished),
            self._stage(),
        )

    def _held(self, level: int, t: float, least: float = 0.0) -> bool:
        return t - self._since[level] >= max(self._holds[level], least) - 1e-6

    def _reach(self, t: float) -> bool:
        """Go to the expected level, or to one beyond that is reached instead; whether anything was reached."""
        step = -1 if self._back else 1
        retreat = False
        beyond = range(self._level + step, -1 if self._back else self._last_level + 1, step)
        level = next((k for i, k in enumerate(beyond) if self._held(k, t, 0.0 if i == 0 else _SKIP_S)), None)
        gone = self.under_way and all(math.isnan(since) for since in self._since[self._level :])
        if level is None and not self._back and gone:
            # given up on the way: an earlier position, the start included, and none from the present one on
            down = range(self._level - 1, -1, -1)
            level = next((k for k in down if self._held(k, t, _RETREAT_S)), None)
            self._back = retreat = level is not None
        if level is None and self._back and self._highest < self._last_level:
            up = range(self._level + 1, self._last_level + 1)  # did not give up after all
            level = next((k for i, k in enumerate(up) if self._held(k, t, 0.0 if i == 0 else _SKIP_S)), None)
            self._back = level is None
        if level is None:
            if math.isfinite(self._since[self._level]):
                self._here = t
            return False
        if not self.under_way:
            self._began = self._here
            self._in_start = False
        self._missing |= abs(level - self._level) > 1 and not retreat
        self._level = level
        self._here = self._reached = t
        self._highest = max(self._highest, level)
        if level == self._last_level and not self._back:
            self._top_at, self._back = t, True
        return True

    def _given_up(self, t: float) -> tuple[Movement, ...]:
        if t - self._misplaced > self._position_hold:
            reason = RepetitionReason.NOT_IN_POSITION
        elif t - self._began > self._tempo.longest_s or t - self._reached > self._tempo.longest_pause_s:
            reason = RepetitionReason.TOO_SLOW
        else:
            return ()
        finished = self.break_off(reason)
        self._in_start = False
        return finished

    def _finish(self) -> Movement:
        if self._missing:
            return self._movement(RepetitionStatus.PARTIAL, RepetitionReason.STAGE_MISSING)
        if self._highest < self._last_level:
            return self._movement(RepetitionStatus.PARTIAL, RepetitionReason.RANGE_TOO_SMALL)
        if self._last - self._began < self._tempo.shortest_s:
            return self._movement(RepetitionStatus.SETUP, RepetitionReason.TOO_FAST)
        return self._movement(RepetitionStatus.VALID, RepetitionReason.NONE)

    def _movement(self, status: RepetitionStatus, reason: RepetitionReason) -> Movement:
        top = self._top_at if math.isfinite(self._top_at) else self._reached
        outward, homeward = top - self._began, self._last - top
        share = self._highest / self._last_level
        return Movement(
            status=status,
            reason=reason,
            start=self._began,
            bottom=top,
            end=self._last,
            range=share,
            peak=math.nan,
            peak_std=math.nan,
            outward_s=outward,
            pause_s=0.0,
            homeward_s=homeward,
            mean_speed=(
                share / outward if outward > 0 else math.nan,
                share / homeward if homeward > 0 else math.nan,
            ),
            peak_speed=(math.nan, math.nan),
        )

    def _phase(self) -> Phase:
        if self.under_way:
            return Phase.STAGE
        return Phase.TOP if self._in_start else Phase.SETUP

    def _stage(self) -> str:
        """The stage that is held, or the one that is on the way to be."""
        if not self.under_way:
            return ""
        level = self._level
        if math.isnan(self._since[level]):  # left
            level += -1 if self._back else 1
        return self._names[min(max(level, 1), self._last_level) - 1]
