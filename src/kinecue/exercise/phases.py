"""Repetitions as a state machine on progress and its speed.

A repetition leaves a stable start position, goes at least as far as the exercise's minimal range and comes
back. All else is told apart by what is missing. Thresholds come in pairs (left_start/in_start, a turn needs
`_TURN`), so that jitter never counts, and every rule is in seconds and in progress, never in frames.

Who is already moving when first seen, or never rests between repetitions, never holds the start position. Then the
turning points near the start stand for it: movements between them are provisional until the start position is held
after all or the next movement is alike (`PhaseUpdate.verdict`).
"""

from __future__ import annotations

import math
from collections import deque
from enum import Enum

from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import RESTING, Movement, PhaseUpdate, Sample, measure
from kinecue.exercise.provisional import Provisional
from kinecue.exercise.range_learning import LearnedRange
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
_TURNING = 0.35
"""Slower than this share of the fastest on the way out, near the peak, is the turning point."""
_TURNING_LEAST, _TURNING_MOST = 0.06, 1.0
"""Limits of the speed that this makes, 1/s: jitter of a pause, half a second for the way out."""
_FORGIVE = 0.5
"""Time in position makes up for this share of time out of it: what is hidden for a moment has not come back."""
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
_OPENING_S = 0.7
"""Whose movement is first seen on the way out has been moving since before the recording."""
_OPENING_SEEN = 0.25
"""A way out of which at least this much was seen, and the whole way back, is a repetition whose beginning was not seen."""
_ALL_BUT_OVER = 0.6
"""Who has come back this share of the way when the recording ends has done the repetition."""
_LIFTED = 0.85
"""Who stands still with this share of the range, having lifted, when the recording ends has lifted the load."""
_MOST_SAMPLES = 20_000


class _State(Enum):
    SETUP = "set-up"
    START = "start position"
    OUT = "way out"
    BACK = "way back"
    SETTLING = "coming to rest in the start position"


class RepetitionMachine:
    """Phases and movements of one person in one exercise."""

    def __init__(self, model: ExerciseModel) -> None:
        self.range = LearnedRange(model.movement.learn)
        self.configure(model)
        self._filter = OneEuro()
        self._spikes = SpikeFilter()
        self._recent: deque[Sample] = deque(maxlen=1000)
        self.reset()

    def configure(self, model: ExerciseModel) -> None:
        """The same exercise with other numbers; not while a movement is under way."""
        signal = model.movement
        self._model = model
        self._signal = signal
        self._tempo = model.tempo
        self._start_hold = model.start_position.hold_s
        self._position_hold = model.in_position.hold_s
        self._in_start = signal.fraction(signal.si(signal.in_start))
        self._left_start = signal.fraction(signal.si(signal.left_start))
        self._file_minimal = signal.fraction(signal.si(signal.minimal))

    def reset(self) -> None:
        """Forget everything but the person's range: another exercise, another time."""
        self._state = _State.SETUP
        self._last = math.nan
        self._start_since = math.nan
        self._misplaced_since = math.nan
        self._confirmed = False
        self._armed = False
        self._opened_at = math.nan
        self._opening: list[Sample] = []
        self._opening_over = False
        self._provisional = Provisional()
        self._turned = self._sank_again = False
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
        self._fastest = 0.0
        self._astray_s = 0.0
        self._astray_start = False
        self._resting_since = self._rest_level = math.nan

    @property
    def _minimal(self) -> float:
        return self._file_minimal * min(self.range.scale, 1.0)

    @property
    def at_rest_in_start(self) -> bool:
        """Where a movement may start, standing still, or turning where nobody stands still: it may be learned."""
        if self._state not in (_State.SETUP, _State.START) or not self._filter.value <= self._in_start:
            return False
        return abs(self._filter.speed) < RESTING or (self._turned and not self._confirmed)

    @property
    def under_way(self) -> bool:
        """A movement has begun and not ended."""
        return self._state in (_State.OUT, _State.BACK, _State.SETTLING)

    def miss(self, t: float, reason: RepetitionReason) -> PhaseUpdate:
        """A frame without a measurement, for `reason`; gaps up to a second are bridged."""
        if math.isnan(self._last) or t - self._last <= _GAP_S:
            return PhaseUpdate(Phase.UNKNOWN, math.nan, math.nan, self.under_way)
        return self.lose(reason)

    def lose(self, reason: RepetitionReason) -> PhaseUpdate:
        """Nothing more will be seen of the movement under way; what was provisional does not count."""
        return PhaseUpdate.over(*self._lost(reason))

    def _lost(self, reason: RepetitionReason) -> tuple[tuple[Movement, ...], bool | None]:
        finished: list[Movement] = []
        for movement in self.break_off(reason):
            self._close(movement, finished)
        verdict = self._provisional.reject()
        self.reset()
        return tuple(finished), verdict

    def stop(self) -> PhaseUpdate:
        """The set ends: what is under way is over, and what was provisional counts: no more will be seen."""
        finished: list[Movement] = []
        over = self._all_but_over()
        for movement in (self._finish(),) if over else self.break_off(RepetitionReason.NO_LOCKOUT):
            self._close(movement, finished)
        verdict = True if self._provisional else None
        self.reset()
        return PhaseUpdate(Phase.REST, math.nan, math.nan, False, finished=tuple(finished), verdict=verdict)

    def _all_but_over(self) -> bool:
        if self._peak < self._minimal:
            return False
        # a load that was lifted all the way is lifted, wherever the lowering was when the camera stopped
        lifts = self._model.outward is Phase.CONCENTRIC
        last = self._samples[-1]
        if self._state is _State.OUT:
            still = abs(last.speed) < RESTING
            return lifts and last.progress >= (_LIFTED if still else 1.0)
        if self._state is not _State.BACK:
            return False
        return lifts or self._back_by(_ALL_BUT_OVER, last.progress)

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
        verdict: bool | None = None
        if dt > _GAP_S:
            lost, verdict = self._lost(RepetitionReason.PERSON_LOST)
            finished += lost
            dt = 1.0 / 30.0
        self._last = t
        raw = self._signal.fraction(value)
        speed_before = self._filter.speed
        progress = self._filter.update(self._spikes.update(raw, dt), dt)
        self._turned = speed_before < 0.0 <= self._filter.speed
        self._sank_again = False
        sample = Sample(t, progress, self._filter.speed, value, std)
        began, new_peak = math.nan, False

        if self._state is _State.SETUP:
            self._await_start(sample, start_ok)
            if self._state is _State.SETUP:
                began = self._begin_unseen(sample, start_ok, in_position)
        elif self._state is _State.START:
            self._hold_position(t, start_ok or progress > self._in_start)
            if self._state is _State.START and not self._confirmed:
                self._await_start(sample, start_ok)
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
            if self.under_way:
                self._astray_s = max(self._astray_s + (-_FORGIVE * dt if in_position else dt), 0.0)
                self._give_up(sample, finished)
            if self._sank_again:
                began = self._began
        verdict = self._judge(verdict)
        scale = self.range.scale
        return PhaseUpdate(
            self._phase(sample),
            progress / scale,
            sample.speed / scale,
            self.under_way,
            began,
            new_peak,
            tuple(finished),
            verdict=verdict,
            provisional=not self._confirmed,
        )

    # --- before a movement ---

    def _await_start(self, sample: Sample, start_ok: bool) -> None:
        if sample.progress > self._in_start or not start_ok:
            self._start_since = math.nan
        elif math.isnan(self._start_since):
            self._start_since = sample.t
        elif sample.t - self._start_since >= self._start_hold - 1e-6:
            self._state, self._misplaced_since = _State.START, math.nan
            self._confirmed = True

    def _begin_unseen(self, sample: Sample, start_ok: bool, in_position: bool) -> float:
        """A movement whose start position was passed without a rest, or left before the first frame; NaN if none."""
        if not self._opening:
            self._opening = [sample, sample]
        first, lowest = self._opening
        if sample.progress < lowest.progress:
            self._opening[1] = lowest = sample
        opening = not (self._armed or self._opening_over) and in_position and lowest.t - first.t <= _OPENING_S
        if (
            opening
            and lowest.progress > self._left_start
            and sample.progress - lowest.progress > _OPENING_SEEN
        ):
            self._opened_at = lowest.progress
            return self._begin(sample)
        if sample.progress <= self._in_start and start_ok:
            self._armed = True
        if self._armed and sample.progress > self._left_start:
            return self._begin(sample)
        return math.nan

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
        self._opening_over = True  # who gave up once was not in mid-movement when the recording began
        self._start_since = self._misplaced_since = math.nan
        self._confirmed = self._armed = False
        self._clear()
        self._recent.clear()

    def _begin(self, sample: Sample) -> float:
        """The movement began where progress last stood at the level of the start position."""
        self._clear()
        recent = [s for s in self._recent if sample.t - s.t <= 3.0]
        level = min((s.progress for s in recent if sample.t - s.t <= _REFERENCE_S), default=0.0)
        if math.isfinite(self._opened_at):
            level = self._opened_at
        first = len(recent)
        while first > 0 and recent[first - 1].progress > level + _ONSET:
            first -= 1
        first = max(first - 1, 0)
        self._samples = [*recent[first:], sample]
        self._began = self._samples[0].t
        self._peak, self._peak_at = sample.progress, sample.t
        self._fastest = max(s.speed for s in self._samples)
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
            self._fastest = max(self._fastest, sample.speed)
            self._turn_peak = max(self._turn_peak, progress)
            if self._turn_peak - progress > _TURN:
                self._state, self._valley, self._valley_at = _State.BACK, progress, t
        if self._state is _State.BACK:
            if progress < self._valley:
                self._valley, self._valley_at = progress, t
            elif progress - self._valley > _SINK:
                self._sink_again(sample, finished)
            if self._state is _State.BACK and self._returned(sample):
                self._state, self._settling_since = _State.SETTLING, t
        elif self._state is _State.SETTLING:
            rising = sample.speed > RESTING or progress > self._left_start
            if rising or abs(sample.speed) < RESTING or t - self._settling_since > _SETTLE_S:
                self._close(self._finish(), finished)
                self._turned = self._turned or rising
                self._state = _State.START
                self._start_since = math.nan
                self._recent.extend(self._samples[-1:])
                self._clear()

    def _returned(self, sample: Sample) -> bool:
        """Back in the start position, or at rest where it ends."""
        if sample.progress <= self._in_start:
            return True
        near = sample.progress <= self._left_start and self._back_by(_ALL_BUT_OVER, sample.progress)
        return near and sample.t - self._resting_since > _HOLD_S

    def _back_by(self, share: float, progress: float) -> bool:
        return self._peak - progress >= share * self._peak

    def _sink_again(self, sample: Sample, finished: list[Movement]) -> None:
        """On the way back it went out again: the next one, a new movement without lock-out, or a failed lift."""
        self._state, self._turn_peak = _State.OUT, sample.progress
        turned_in_start = self._valley <= self._left_start and self._back_by(_ALL_BUT_OVER, self._valley)
        if self._peak < self._minimal and not turned_in_start:
            return
        if not self._back_by(_LOCKOUT, self._valley):
            self._sank = True
            return
        cut = next(i for i, s in enumerate(self._samples) if s.t >= self._valley_at)
        rest, self._samples = self._samples[cut:], self._samples[: cut + 1]
        if turned_in_start:
            self._close(self._finish(), finished)
        else:
            self._close(self._end(RepetitionStatus.PARTIAL, RepetitionReason.NO_LOCKOUT), finished)
        self._clear()
        self._sank_again, self._astray_start = True, not turned_in_start
        self._samples, self._began = rest, rest[0].t
        self._peak = self._turn_peak = sample.progress
        self._peak_at = sample.t
        self._fastest = max(s.speed for s in rest)

    def _give_up(self, sample: Sample, finished: list[Movement]) -> None:
        too_long = sample.t - self._began > self._tempo.longest_s or len(self._samples) > _MOST_SAMPLES
        rested = sample.t - self._resting_since > self._tempo.longest_pause_s
        misplaced = self._astray_s > self._position_hold
        if not (too_long or rested or misplaced):
            return
        reason = RepetitionReason.NOT_IN_POSITION if misplaced else RepetitionReason.TOO_SLOW
        if misplaced and self._state is _State.SETTLING:
            self._state = _State.BACK  # somewhere else is not back
        for movement in self.break_off(reason):
            self._close(movement, finished)
        self._to_setup()

    # --- after a movement ---

    def _finish(self) -> Movement:
        """Back in the start position."""
        opened = math.isfinite(self._opened_at)
        if self._astray_start and not self._confirmed:
            return self._end(RepetitionStatus.SETUP, RepetitionReason.NOT_IN_POSITION)
        if opened and self._peak - self._opened_at < _OPENING_SEEN:
            return self._end(RepetitionStatus.SETUP, RepetitionReason.NOT_IN_POSITION)
        if self._peak < self._minimal:
            return self._end(RepetitionStatus.PARTIAL, RepetitionReason.RANGE_TOO_SMALL)
        if self._samples[-1].t - self._began < self._tempo.shortest_s and not opened:
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
        if not self._confirmed and status is not RepetitionStatus.VALID:
            status = RepetitionStatus.SETUP  # nobody was in position yet
        return measure(
            self._samples,
            self._peak_at,
            status,
            reason,
            self._signal,
            self.range.scale,
            not self._confirmed and status is RepetitionStatus.VALID,
            math.isfinite(self._opened_at),
        )

    def _close(self, movement: Movement, finished: list[Movement]) -> None:
        fragment = math.isfinite(self._opened_at) and self._peak - self._opened_at < _OPENING_SEEN
        self._opened_at = math.nan
        if self._confirmed or not (fragment or self._peak < self._minimal):
            finished.append(movement)  # what somebody does who is not in position yet is not worth telling
        if movement.status is not RepetitionStatus.VALID:
            return
        self.range.learn(movement.range * self.range.scale)
        if movement.provisional:
            self._provisional.add(movement)

    def _judge(self, verdict: bool | None) -> bool | None:
        """What becomes of provisional movements."""
        if verdict is None:
            verdict = self._provisional.judge(self._confirmed, self._state is _State.SETUP)
        self._confirmed |= verdict is True
        return verdict

    def _phase(self, sample: Sample) -> Phase:
        out, back = self._model.outward, self._model.homeward
        if self._state is _State.SETUP:
            return Phase.SETUP
        if self._state is _State.START:
            return out if sample.speed > _MOVING else back if sample.speed < -_MOVING else Phase.TOP
        if self._state is _State.SETTLING:
            return back
        turning = min(max(_TURNING * self._fastest, _TURNING_LEAST), _TURNING_MOST)
        near_peak = self._peak - sample.progress <= _TURN and self._peak >= self._minimal
        if self._state is _State.OUT and near_peak and sample.speed < turning:
            return Phase.BOTTOM
        if sample.t - self._resting_since > _HOLD_S and abs(sample.speed) < _MOVING:
            return Phase.HOLD
        return out if self._state is _State.OUT else back
