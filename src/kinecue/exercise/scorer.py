"""Bodies in, form out: joins features, phases, D and faults for one person in one exercise."""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import Literal

from kinecue.body.body import Body
from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.deviation import DeviationScorer, PhaseMean
from kinecue.exercise.faults import FaultFinder, Finding
from kinecue.exercise.features import FEATURES, FeatureComputer, FeatureFrame
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import Movement
from kinecue.exercise.phases import PhaseUpdate, RepetitionMachine
from kinecue.exercise.position import Check, StartPosition
from kinecue.exercise.results import (
    Fault,
    FormState,
    Phase,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    SetSummary,
    Side,
)
from kinecue.exercise.signal import Signal

_CLOCK_JUMP_NS = 1_000_000_000
"""A stamp older than the newest by more than this is a new clock (a clip started again), not a late frame."""
_RECENT_D = 4.0
"""D is remembered for this long, s, because a movement is only known to have begun a moment after it did."""


@dataclass(frozen=True)
class JointAngle:
    """A feature of the body as it was measured.

    Attributes:
        name, side: of the feature.
        unit: ``rad``, ``m`` or ``1``.
        measured: value and standard deviation, or an abstention.
    """

    name: str
    side: Side
    unit: str
    measured: Measurement


@dataclass(frozen=True)
class ScoreUpdate:
    """What one frame brought.

    Attributes:
        form: the form now; None if the frame was dropped (a late or repeated stamp).
        angles: all features that the exercise needs.
        faults: raised in this frame.
        repetitions: movements that ended in this frame, counted or not.
    """

    form: FormState | None
    angles: tuple[JointAngle, ...] = ()
    faults: tuple[Fault, ...] = ()
    repetitions: tuple[Repetition, ...] = ()


class Scorer:
    """Scores one person in one exercise, frame by frame. The same input gives the same output.

    The caller chooses whose bodies come in; when the id changes, the scorer starts over with the new person
    but the set goes on. A set starts by itself with the first frame; after `end_set` nothing is scored
    until `start_set`.

    Args:
        model: the exercise.
        session: prefix of set ids.
        extra_features: measured and reported besides those of the exercise.
    """

    def __init__(
        self, model: ExerciseModel, session: str = "set", extra_features: tuple[str, ...] = ()
    ) -> None:
        self._session = session
        self._extra = extra_features
        self._sets = 0
        self._fault_numbers: Counter[str] = Counter()
        self._newest_ns: int | None = None
        self._epoch_ns = 0
        self._stamp_ns = 0
        self._set_start_ns = self._set_end_ns = 0
        self._repetitions: list[Repetition] = []
        self._faults: list[Fault] = []
        self.dropped = 0
        """Frames dropped because their stamp was not newer than the newest."""
        self._prepare(model)

    def _prepare(self, model: ExerciseModel) -> None:
        self.model = model
        self._features = FeatureComputer((*model.feature_names(), *self._extra))
        self._progress = Signal(model.progress.feature, model.progress.side)
        self._start_checks = tuple(Check(condition) for condition in model.start_position.conditions)
        self._position_checks = tuple(Check(condition) for condition in model.in_position.conditions)
        self._machine = RepetitionMachine(model)
        self._deviation = DeviationScorer(model)
        self._finder = FaultFinder(model)
        self._body_id: str | None = None
        self._state: Literal["waiting", "active", "rest"] = "waiting"
        self._open_set(0)
        self._forget_person()

    # --- sets ---

    def select_exercise(self, model: ExerciseModel) -> SetSummary:
        """Another exercise: ends the set and starts over. Returns the summary of the set that ended."""
        summary = self.end_set(self._newest_ns or 0)
        self._prepare(model)
        return summary

    def start_set(self, stamp_ns: int) -> SetSummary:
        """A new set starts; one that is under way is forgotten."""
        self._machine.reset()
        self._forget_movement()
        self._open_set(stamp_ns)
        self._state = "active"
        self._sets += 1
        return self.summary()

    def end_set(self, stamp_ns: int) -> SetSummary:
        """The set ends; a movement under way does not count, unless it is all but over. Returns the summary.

        A repetition that ends with the set is reported by the next `update`.
        """
        if self._state == "active":
            for movement in self._machine.stop():
                self._close(movement, Phase.REST)
        self._machine.reset()
        self._forget_movement()
        self._state = "rest"
        self._set_end_ns = max(stamp_ns, self._set_start_ns)
        return self.summary()

    def summary(self) -> SetSummary:
        """The set so far, or the one that ended."""
        return SetSummary(
            set_id=f"{self._session}-{self._sets}",
            body_id=self._body_id or "",
            exercise=self.model.name,
            active=self._state == "active",
            start_ns=self._set_start_ns,
            end_ns=self._set_end_ns,
            counted=self._counted,
            not_counted=dict(self._not_counted),
            d=sum(self._ds) / len(self._ds) if self._ds else math.nan,
            faults=dict(self._fault_counts),
            abstained=self._finder.hidden(),
        )

    def _open_set(self, stamp_ns: int) -> None:
        self._set_start_ns = self._set_end_ns = stamp_ns
        self._counted = 0
        self._not_counted: Counter[RepetitionStatus] = Counter()
        self._ds: list[float] = []
        self._fault_counts: Counter[str] = Counter()
        self._finder.reset()

    # --- frames ---

    def update(self, body: Body | None, stamp_ns: int) -> ScoreUpdate:
        """Score a frame.

        Args:
            body: the lifter in it, or None if not found.
            stamp_ns: acquisition time of the frame.
        """
        newest = self._newest_ns
        if newest is not None and newest - _CLOCK_JUMP_NS <= stamp_ns <= newest:
            self.dropped += 1
            return ScoreUpdate(None)
        if newest is None:
            self._epoch_ns = stamp_ns
        elif stamp_ns < newest:
            self._start_over(RepetitionReason.UNCERTAIN)
        self._stamp_ns = stamp_ns
        if body is not None and body.id != self._body_id:
            if self._body_id is not None:
                self._start_over(RepetitionReason.PERSON_LOST)
            self._body_id = body.id
        self._newest_ns = stamp_ns
        if self._state == "waiting" and body is not None:
            self.start_set(stamp_ns)
        if self._state == "active":
            self._set_end_ns = max(stamp_ns, self._set_start_ns)
        form, angles = self._score(body)
        update = ScoreUpdate(form, angles, tuple(self._faults), tuple(self._repetitions))
        self._faults, self._repetitions = [], []
        return update

    def _start_over(self, reason: RepetitionReason) -> None:
        for movement in self._machine.break_off(reason):
            self._close(movement, Phase.UNKNOWN)
        self._machine.reset()
        self._forget_movement()
        self._forget_person()

    def _forget_person(self) -> None:
        self._start = StartPosition()
        self._forget_movement()

    def _forget_movement(self) -> None:
        self._recent: deque[tuple[float, float, float, Phase]] = deque(maxlen=2000)
        self._means = PhaseMean()
        self._asymmetry = Measurement.abstained(Reason.NO_PERSON)
        self._raised: list[str] = []
        self._last_t: float = math.nan
        for judge in self._finder.judges:
            judge.reset()

    def _score(self, body: Body | None) -> tuple[FormState, tuple[JointAngle, ...]]:
        t = (self._stamp_ns - self._epoch_ns) * 1e-9  # small numbers keep their nanoseconds in a float
        if body is None:
            return self._unseen(t, Reason.NO_PERSON, RepetitionReason.PERSON_LOST), ()
        frame = self._features.measure(body, self._start.points)
        angles = tuple(
            JointAngle(item.name, side, item.unit, frame[(item.name, side)])
            for item, side in self._features.columns
        )
        if self._state != "active":
            return self._form(Phase.REST, math.nan, math.nan, math.nan, Reason.NONE), angles
        progress = self._progress.read(frame)[0]
        if not progress.usable:
            return self._unseen(t, progress.reason, RepetitionReason.UNCERTAIN), angles
        dt = min(max(t - self._last_t, 0.0), 0.5) if math.isfinite(self._last_t) else 1.0 / 30.0
        self._last_t = t
        update = self._machine.update(
            t,
            progress.value,
            progress.std,
            all(check.holds(frame) for check in self._start_checks),
            all(check.holds(frame) for check in self._position_checks),
        )
        if self._machine.at_rest_in_start:
            self._start.learn(frame.points, dt)
        return self._judge(body, frame, update, progress, t, dt), angles

    def _judge(
        self, body: Body, frame: FeatureFrame, update: PhaseUpdate, progress: Measurement, t: float, dt: float
    ) -> FormState:
        phase = update.phase
        for movement in update.finished:
            self._close(movement, phase)
        if math.isfinite(update.began):
            self._report(self._finder.begin(update.began), phase)
            self._means = PhaseMean()
            for at, step, d, earlier in self._recent:
                if at >= update.began:
                    self._means.add(self.model.outward if earlier is Phase.TOP else earlier, d, step)
        # the filtered progress is some 50 ms late: the courses are read at the progress of the very frame
        here = self.model.progress.fraction(progress.value)
        deviation = self._deviation.evaluate(frame, phase, here, body.view)
        if update.under_way:
            self._means.add(phase, deviation.d, dt)
        self._recent.append((t, dt, deviation.d, phase))
        while self._recent and t - self._recent[0][0] > _RECENT_D:
            self._recent.popleft()
        if update.new_peak:
            self._asymmetry = self._progress.difference(frame)
        findings, abstentions = self._finder.observe(t, dt, phase, here, update.under_way, frame, body.view)
        self._report(findings, phase)
        span = self.model.progress.si(self.model.progress.full - self.model.progress.start)
        return replace(
            self._form(phase, update.progress, progress.std / abs(span), update.speed, deviation.reason),
            repetition=self._number(update.under_way),
            d=deviation.d,
            deviations=deviation.terms,
            abstentions=abstentions,
        )

    def _number(self, under_way: bool) -> int:
        return self._counted + 1 if under_way else self._counted

    def _unseen(self, t: float, reason: Reason, why: RepetitionReason) -> FormState:
        if self._state == "active":
            update = self._machine.miss(t, why)
            for movement in update.finished:
                self._close(movement, Phase.UNKNOWN)
        phase = Phase.UNKNOWN if self._state != "rest" else Phase.REST
        return self._form(phase, math.nan, math.nan, math.nan, reason)

    def _form(
        self, phase: Phase, progress: float, progress_std: float, speed: float, reason: Reason
    ) -> FormState:
        return FormState(
            stamp_ns=self._stamp_ns,
            body_id=self._body_id or "",
            exercise=self.model.name,
            phase=phase,
            stage="",
            progress=progress,
            progress_std=progress_std,
            speed=speed,
            repetition=self._number(self._machine.under_way),
            counted=self._counted,
            d=math.nan,
            d_reason=reason,
        )

    # --- what was found ---

    def _report(self, findings: list[Finding], phase: Phase) -> None:
        for finding in findings:
            self._faults.append(self._fault(finding, phase, self._counted + 1))

    def _fault(self, finding: Finding, phase: Phase, repetition: int) -> Fault:
        name, rule = finding.rule_name, finding.rule
        self._fault_numbers[name] += 1
        self._fault_counts[name] += 1
        self._raised.append(name)
        return Fault(
            id=f"{self.model.name}/{repetition}/{name}/{self._fault_numbers[name]}",
            name=name,
            stamp_ns=self._stamp_ns,
            onset_ns=self._ns(finding.onset),
            body_id=self._body_id or "",
            exercise=self.model.name,
            phase=phase,
            stage="",
            repetition=repetition,
            side=finding.side,
            severity=rule.severity,
            probability=finding.probability,
            magnitude=finding.magnitude,
            feature=rule.feature,
            measured=finding.measured,
            limit=finding.limit,
            unit=finding.unit,
            correction=rule.correction,
            body_part=rule.body_part,
            say_in=rule.say_in,
        )

    def _ns(self, t: float) -> int:
        return self._epoch_ns + round(t * 1e9) if math.isfinite(t) else self._stamp_ns

    def _close(self, movement: Movement, phase: Phase) -> None:
        """A movement ended: count it or not, judge what only the whole of it shows."""
        valid = movement.status is RepetitionStatus.VALID
        peak = Measurement(movement.peak, movement.peak_std)
        number = self._counted + 1
        self._faults += [self._fault(finding, phase, number) for finding in self._finder.end(valid, peak)]
        eccentric_first = self.model.outward is Phase.ECCENTRIC
        concentric = 1 if eccentric_first else 0
        d = self._means.mean() if valid else math.nan
        if valid:
            self._counted += 1
            if math.isfinite(d):
                self._ds.append(d)
        else:
            self._not_counted[movement.status] += 1
        sided = FEATURES[self.model.progress.feature].sided
        self._repetitions.append(
            Repetition(
                number=number if valid else 0,
                status=movement.status,
                reason=movement.reason,
                body_id=self._body_id or "",
                exercise=self.model.name,
                start_ns=self._ns(movement.start),
                bottom_ns=self._ns(movement.bottom),
                end_ns=self._ns(movement.end),
                range=movement.range,
                feature=self.model.progress.feature,
                feature_peak=peak,
                unit=self._progress.unit,
                eccentric_s=movement.outward_s if eccentric_first else movement.homeward_s,
                pause_s=movement.pause_s,
                concentric_s=movement.homeward_s if eccentric_first else movement.outward_s,
                mean_speed=movement.mean_speed[concentric],
                peak_speed=movement.peak_speed[concentric],
                asymmetry=self._asymmetry if sided else Measurement.abstained(Reason.UNSUPPORTED),
                d=d,
                d_eccentric=self._means.mean(Phase.ECCENTRIC),
                d_concentric=self._means.mean(Phase.CONCENTRIC),
                faults=tuple(dict.fromkeys(self._raised)),
            )
        )
        self._means = PhaseMean()
        self._raised = []
