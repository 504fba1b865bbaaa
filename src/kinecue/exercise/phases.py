"""Repetitions as a state machine on progress and its speed.

A repetition leaves a stable start position, goes at least as far as the exercise's minimal range and comes
back. All else is told apart by what is missing. Thresholds come in pairs (left_start/in_start, a turn needs
`_TURN`), so that jitter never counts, and every rule is in seconds and in progress, never in frames.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum

from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import RESTING, Movement, Sample, measure
from kinecue.exercise.results import Phase, RepetitionReason, RepetitionStatus
from kinecue.exercise.smoothing import OneEuro, SpikeFilter

_TURN = 0.08
"""Progress has to come back this far from its extreme before that was a turning point."""
_SINK = 0.12
"""Progress has to go out again this far before the way back counts as broken off."""
_REST_BAND = 0.06
"""Progress that stays this close to a level is resting there, whatever the noise makes of its speed."""
_REST_FOLLOW_S = 0.5
"""Time constant with which that level follows; it must not depend on where the rest was first noticed."""
_LOCKOUT = 0.4
"""Going back by this share of the way out and then out again lacks the lock-out; less is a failed lift."""
_NEAR_TURN = 0.35
"""Slower than this (1/s) near the peak is the turning point."""
_ONSET = 0.025
"""A movement began where progress was last within this of the level of the start position."""
_MOVING = 0.25
"""Faster than this (1/s) inside the start position is already or still movement."""
_HOLD_S = 0.35
"""A rest away from both ends that lasts this long is a hold."""
_SETTLE_S = 0.4
"""After coming back, wait at most this long for the movement to end before saying so."""
_GAP_S = 1.0
"""Without a measurement for longer than this, the person was lost."""
_REFERENCE_S = 1.0
"""The level of the start position is the lowest progress of this last time."""
_MOST_SAMPLES = 20_000


class _State(Enum):
    SETUP = "set-up"
    START = "start position"
    OUT = "way out"
    BACK = "way back"
    SETTLING = "coming to rest in the start position"


@dataclass(frozen=True)
class PhaseUpdate:
    """The state after a frame.

    Attributes:
        phase, progress, speed: as in `FormState`.
        under_way: a movement has begun and not ended.
        began: time at which it began, when this frame is the first to know; else NaN.
        new_peak: the movement has never been this far.
        finished: movements that ended with this frame.
    """

    phase: Phase
    progress: float
    speed: float
    under_way: bool
    began: float = math.nan
    new_peak: bool = False
    finished: tuple[Movement, ...] = ()


class RepetitionMachine:
    """Phases and movements of one person in one exercise."""

    def __init__(self, model: ExerciseModel) -> None:
        signal = model.progress
        self._model = model
        self._tempo = model.tempo
        self._start_hold = model.start_position.hold_s
        self._position_hold = model.in_position.hold_s
        self._in_start = signal.fraction(signal.si(signal.in_start))
        self._left_start = signal.fraction(signal.si(signal.left_start))
        self._minimal = signal.fraction(signal.si(signal.minimal))
        self._filter = OneEuro()
        self._spikes = SpikeFilter()
        self._recent: deque[Sample] = deque(maxlen=1000)
        self.reset()

    def reset(self) -> None:
        """Forget everything: another person, another exercise, another time."""
        self._state = _State.SETUP
        self._last = math.nan
        self._start_since = math.nan
        self._misplaced_since = math.nan
        self._clear()
        self._filter.reset()
        self._spikes.reset()
        self._recent.clear()

    def _clear(self) -> None:
        self._samples: list[Sample] = []
        self._began = math.nan
        self._peak, self._peak_at = -math.inf, math.nan
        self._turn_peak = -math.inf
        self._valley, self._valley_at = math.inf, math.nan
        self._sank = False
        self._resting_since = self._rest_level = math.nan

    @property
    def at_rest_in_start(self) -> bool:
        """Standing still where a movement may start: the start position may be learned."""
        waiting = self._state in (_State.SETUP, _State.START)
        return waiting and self._filter.value <= self._in_start and abs(self._filter.speed) < RESTING

    @property
    def under_way(self) -> bool:
        """A movement has begun and not ended."""
        return self._state in (_State.OUT, _State.BACK, _State.SETTLING)

    def miss(self, t: float, reason: RepetitionReason) -> PhaseUpdate:
        """A frame without a measurement, for `reason`; gaps up to a second are bridged."""
        if not math.isnan(self._last) and t - self._last <= _GAP_S:
            return PhaseUpdate(Phase.UNKNOWN, math.nan, math.nan, self.under_way)
        finished = self.break_off(reason)
        self.reset()
        return PhaseUpdate(Phase.UNKNOWN, math.nan, math.nan, False, finished=finished)

    def stop(self) -> tuple[Movement, ...]:
        """The set ends: what is under way is over."""
        if self._state is _State.SETTLING:
            finished: tuple[Movement, ...] = (self._finish(),)
        else:
            finished = self.break_off(RepetitionReason.NO_LOCKOUT)
        self.reset()
        return finished

    def update(self, t: float, value: float, std: float, start_ok: bool, in_position: bool) -> PhaseUpdate:
        """A frame.

        Args:
            t: time, s, greater than in the call before.
            value: the progress feature, SI, finite.
            std: its standard deviation.
            start_ok: the conditions of the start position hold.
            in_position: the conditions of the position during a repetition hold.
        """
        dt = t - self._last if not math.isnan(self._last) else 1.0 / 30.0
        finished: list[Movement] = []
        if dt > _GAP_S:
            finished += self.break_off(RepetitionReason.PERSON_LOST)
            self.reset()
            dt = 1.0 / 30.0
        self._last = t
        raw = self._model.progress.fraction(value)
        progress = self._filter.update(self._spikes.update(raw, dt), dt)
        sample = Sample(t, progress, self._filter.speed, value, std)
        began, new_peak = math.nan, False

        if self._state is _State.SETUP:
            self._await_start(sample, start_ok)
        elif self._state is _State.START:
            self._hold_position(t, start_ok or progress > self._in_start)
            if self._state is _State.START and progress > self._left_start:
                began = self._begin(sample)
        if self._state is _State.START or self._state is _State.SETUP:
            self._recent.append(sample)
        elif math.isnan(began):
            self._samples.append(sample)
            self._rest(sample, dt)
        if self.under_way:
            if self._state is not _State.SETTLING and progress > self._peak:
                self._peak, self._peak_at, new_peak = progress, t, True
            self._move(sample, finished)
            if self.under_way and self._state is not _State.SETTLING:
                self._hold_position(t, in_position)
                self._give_up(sample, finished)
            if finished and self.under_way:
                began = self._began
        return PhaseUpdate(
            self._phase(sample), progress, sample.speed, self.under_way, began, new_peak, tuple(finished)
        )

    # --- before a movement ---

    def _await_start(self, sample: Sample, start_ok: bool) -> None:
        if sample.progress > self._in_start or not start_ok:
            self._start_since = math.nan
        elif math.isnan(self._start_since):
            self._start_since = sample.t
        elif sample.t - self._start_since >= self._start_hold - 1e-6:
            self._state, self._misplaced_since = _State.START, math.nan

    def _hold_position(self, t: float, ok: bool) -> None:
        """Leaving the position for longer than allowed ends everything."""
        if ok:
            self._misplaced_since = math.nan
        elif math.isnan(self._misplaced_since):
            self._misplaced_since = t
        elif t - self._misplaced_since > self._position_hold and self._state is _State.START:
            self._to_setup()

    def _to_setup(self) -> None:
        self._state = _State.SETUP
        self._start_since = self._misplaced_since = math.nan
        self._clear()
        self._recent.clear()

    def _begin(self, sample: Sample) -> float:
        """The movement began where progress last stood at the level of the start position."""
        self._clear()
        recent = [s for s in self._recent if sample.t - s.t <= 3.0]
        level = min((s.progress for s in recent if sample.t - s.t <= _REFERENCE_S), default=0.0)
        first = len(recent)
        while first > 0 and recent[first - 1].progress > level + _ONSET:
            first -= 1
        first = max(first - 1, 0)
        self._samples = [*recent[first:], sample]
        self._began = self._samples[0].t
        self._peak, self._peak_at = sample.progress, sample.t
        self._state, self._misplaced_since = _State.OUT, math.nan
        self._recent.clear()
        return self._began

    # --- during a movement ---

    def _rest(self, sample: Sample, dt: float) -> None:
        if not abs(sample.progress - self._rest_level) <= _REST_BAND:
            self._rest_level, self._resting_since = sample.progress, sample.t
        else:
            self._rest_level += min(dt / _REST_FOLLOW_S, 1.0) * (sample.progress - self._rest_level)

    def _move(self, sample: Sample, finished: list[Movement]) -> None:
        progress, t = sample.progress, sample.t
        if self._state is _State.OUT:
            self._turn_peak = max(self._turn_peak, progress)
            if self._turn_peak - progress > _TURN:
                self._state, self._valley, self._valley_at = _State.BACK, progress, t
        if self._state is _State.BACK:
            if progress < self._valley:
                self._valley, self._valley_at = progress, t
            elif progress - self._valley > _SINK:
                self._sink_again(sample, finished)
            if progress <= self._in_start:
                self._state, self._settling_since = _State.SETTLING, t
        elif self._state is _State.SETTLING:
            rising = sample.speed > RESTING or progress > self._in_start
            if rising or abs(sample.speed) < RESTING or t - self._settling_since > _SETTLE_S:
                finished.append(self._finish())
                self._state = _State.START
                self._recent.extend(self._samples[-1:])
                self._clear()

    def _sink_again(self, sample: Sample, finished: list[Movement]) -> None:
        """On the way back it went out again: a new movement without lock-out, or a failed attempt to lift."""
        self._state, self._turn_peak = _State.OUT, sample.progress
        if self._peak < self._minimal:
            return
        if self._peak - self._valley < _LOCKOUT * self._peak:
            self._sank = True
            return
        cut = next(i for i, s in enumerate(self._samples) if s.t >= self._valley_at)
        rest, self._samples = self._samples[cut:], self._samples[: cut + 1]
        finished.append(self._end(RepetitionStatus.PARTIAL, RepetitionReason.NO_LOCKOUT))
        self._clear()
        self._samples, self._began = rest, rest[0].t
        self._peak = self._turn_peak = sample.progress
        self._peak_at = sample.t

    def _give_up(self, sample: Sample, finished: list[Movement]) -> None:
        too_long = sample.t - self._began > self._tempo.longest_s or len(self._samples) > _MOST_SAMPLES
        rested = sample.t - self._resting_since > self._tempo.longest_pause_s
        misplaced = sample.t - self._misplaced_since > self._position_hold
        if not (too_long or rested or misplaced):
            return
        if misplaced:
            finished += self.break_off(RepetitionReason.NOT_IN_POSITION)
        else:
            finished += self.break_off(RepetitionReason.TOO_SLOW)
        self._to_setup()

    # --- after a movement ---

    def _finish(self) -> Movement:
        """Back in the start position."""
        if self._peak < self._minimal:
            return self._end(RepetitionStatus.PARTIAL, RepetitionReason.RANGE_TOO_SMALL)
        if self._samples[-1].t - self._began < self._tempo.shortest_s:
            return self._end(RepetitionStatus.SETUP, RepetitionReason.TOO_FAST)
        return self._end(RepetitionStatus.VALID, RepetitionReason.NONE)

    def break_off(self, reason: RepetitionReason) -> tuple[Movement, ...]:
        """The movement under way ends without a return."""
        if self._state is _State.SETTLING:
            return (self._finish(),)
        if not self.under_way:
            return ()
        if self._peak < self._minimal:
            status = (
                RepetitionStatus.SETUP
                if reason is RepetitionReason.NOT_IN_POSITION
                else RepetitionStatus.ABANDONED
            )
        elif self._sank or (reason is RepetitionReason.TOO_SLOW and self._state is _State.BACK):
            status = RepetitionStatus.FAILED
        elif reason is RepetitionReason.TOO_SLOW:
            status = RepetitionStatus.SETUP  # sat down and stayed
        else:
            status = RepetitionStatus.ABANDONED
        return (self._end(status, reason),)

    def _end(self, status: RepetitionStatus, reason: RepetitionReason) -> Movement:
        return measure(self._samples, self._peak_at, status, reason, self._model.progress)

    def _phase(self, sample: Sample) -> Phase:
        out, back = self._model.outward, self._model.homeward
        if self._state is _State.SETUP:
            return Phase.SETUP
        if self._state is _State.START:
            return out if sample.speed > _MOVING else back if sample.speed < -_MOVING else Phase.TOP
        if self._state is _State.SETTLING:
            return back
        near_peak = self._peak - sample.progress <= _TURN and self._peak >= self._minimal
        if self._state is _State.OUT and near_peak and sample.speed < _NEAR_TURN:
            return Phase.BOTTOM
        if sample.t - self._resting_since > _HOLD_S and abs(sample.speed) < _MOVING:
            return Phase.HOLD
        return out if self._state is _State.OUT else back
