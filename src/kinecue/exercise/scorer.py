"""Bodies in, form out: joins features, phases, D and faults for one person in one exercise."""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import replace

from kinecue.body.body import Body
from kinecue.body.measurement import Measurement, Reason
from kinecue.body.person import Person
from kinecue.exercise.build import Build
from kinecue.exercise.closing import as_fault, as_repetition
from kinecue.exercise.deviation import Deviation, DeviationScorer
from kinecue.exercise.excursions import ExcursionMeter, with_excursions
from kinecue.exercise.faults import FaultFinder, Finding
from kinecue.exercise.features import FeatureComputer, FeatureFrame
from kinecue.exercise.ideal import personalise
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.movement import Movement, PhaseUpdate
from kinecue.exercise.phase_scores import MovementScores
from kinecue.exercise.position import StartPosition
from kinecue.exercise.results import (
    Fault,
    FormState,
    JointAngle,
    Phase,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    ScoreUpdate,
    SetSummary,
    Side,
)
from kinecue.exercise.set_record import SetRecord
from kinecue.exercise.sides import SideFinder
from kinecue.exercise.tracking import Tracked, tracker

__all__ = ["JointAngle", "ScoreUpdate", "Scorer"]

_CLOCK_JUMP_NS = 1_000_000_000
"""A stamp older than the newest by more than this is a new clock (a clip started again), not a late frame."""
_RECENT_D = 4.0
"""D is remembered for this long, s, because a movement is only known to have begun a moment after it did."""
_MEASURE_AGAIN_S = 0.5
"""A body from which no build could be taken is looked at again after this time."""


class Scorer:
    """Scores one person in one exercise, frame by frame. The same input gives the same output.

    The caller chooses whose bodies come in; when the id changes, the scorer starts over with the new person
    but the set goes on. A set starts by itself with the first frame; after `end_set` nothing is scored
    until `start_set`.

    Where the exercise has an ideal that depends on the person, it becomes this person's as soon as the build is known:
    from `person` or `set_build`, else from the segment lengths of a calibrated body; once, and never in the middle of a
    repetition.

    Args:
        model: the exercise.
        session: prefix of set ids.
        extra_features: measured and reported besides those of the exercise.
        person: who comes first, if that is known. Somebody else's body follows its own lengths.
    """

    def __init__(
        self,
        model: ExerciseModel,
        session: str = "set",
        extra_features: tuple[str, ...] = (),
        person: Person | None = None,
    ) -> None:
        self._extra = extra_features
        self._fault_numbers: Counter[str] = Counter()
        self._newest_ns: int | None = None
        self._epoch_ns = 0
        self._stamp_ns = 0
        self._repetitions: list[Repetition] = []
        self._faults: list[Fault] = []
        self.frame: FeatureFrame | None = None
        """Features of the newest body."""
        self.dropped = 0
        """Frames dropped because their stamp was not newer than the newest."""
        self._given: Build | None = None if person is None else Build.of(person)
        self._wanted: Build | None = None
        self._applied: Build | None = None
        self._known = False
        self._measure_at = -math.inf
        self._set = SetRecord(session)
        self._prepare(model)

    def _prepare(self, model: ExerciseModel) -> None:
        self.model = self._file_model = model
        self._features = FeatureComputer((*model.feature_names(), *self._extra))
        self._tracker = tracker(model)
        self._sides = SideFinder(model)
        self._judge_by(model)
        self._body_id: str | None = None
        self._set.wait()
        self._forget_person()

    def _judge_by(self, model: ExerciseModel) -> None:
        self.model = model
        self._tracker.configure(model)
        self._deviation = DeviationScorer(model)
        self._excursions = ExcursionMeter(model)
        self._finder = FaultFinder(model)

    # --- sets ---

    def select_exercise(self, model: ExerciseModel) -> SetSummary:
        """Another exercise: ends the set and starts over. Returns the summary of the set that ended."""
        summary = self.end_set(self._newest_ns or 0)
        self._prepare(model)
        return summary

    def start_set(self, stamp_ns: int) -> SetSummary:
        """A new set starts; one that is under way is forgotten."""
        self._tracker.reset()
        self._forget_movement()
        self._finder.reset()
        self._set.start(stamp_ns)
        return self.summary()

    def end_set(self, stamp_ns: int) -> SetSummary:
        """The set ends; a movement under way does not count, unless it is all but over. Returns the summary.

        A repetition that ends with the set is reported by the next `update`, or by `flush`.
        """
        if self._set.state == "active":
            self._take(self._tracker.stop(), Phase.REST)
        self._tracker.reset()
        self._forget_movement()
        self._set.end(stamp_ns)
        return self.summary()

    def flush(self) -> ScoreUpdate:
        """What `end_set` brought, where no further frame will report it."""
        update = ScoreUpdate(None, (), tuple(self._faults), tuple(self._repetitions))
        self._faults, self._repetitions = [], []
        return update

    def summary(self) -> SetSummary:
        """The set so far, or the one that ended."""
        return self._set.summary(self._body_id or "", self.model.name, self._finder.hidden())

    @property
    def d_so_far(self) -> float:
        """Mean D of the movement under way; NaN if nothing could be measured."""
        return self._scores.mean()

    # --- the person ---

    def set_build(self, build: Build | None) -> None:
        """Who the person is that is being scored; takes effect between repetitions. None: go by the body."""
        self._given = build
        self._wanted = build
        self._known = build is not None

    def _follow_build(self, body: Body, t: float) -> None:
        """Make the ideal this person's, once the build is known and nothing is under way."""
        if self._file_model.personal is None or self._tracker.under_way:
            return
        if not self._known and body.calibrated and not t < self._measure_at:
            self._wanted = Build.measured(body)
            self._known = self._wanted is not None
            self._measure_at = t + _MEASURE_AGAIN_S
        if self._wanted is not self._applied:
            self._applied = self._wanted
            self._judge_by(personalise(self._file_model, self._applied))

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
                self._given = None
                self._start_over(RepetitionReason.PERSON_LOST)
            self._body_id = body.id
        self._newest_ns = stamp_ns
        if self._set.state == "waiting" and body is not None:
            self.start_set(stamp_ns)
        self._set.reached(stamp_ns)
        form, angles = self._score(body)
        update = ScoreUpdate(form, angles, tuple(self._faults), tuple(self._repetitions))
        self._faults, self._repetitions = [], []
        return update

    def _start_over(self, reason: RepetitionReason) -> None:
        self._take(self._tracker.break_off(reason), Phase.UNKNOWN)
        self._forget_person()

    def _forget_person(self) -> None:
        self._start = StartPosition()
        self._tracker.forget_person()
        self._measure_at = -math.inf
        self._known = self._given is not None
        self._wanted = self._given
        self._applied = None
        if self.model is not self._file_model:
            self._judge_by(self._file_model)
        self._forget_movement()

    def _forget_movement(self) -> None:
        self._recent: deque[tuple[float, float, Phase, str, Deviation]] = deque(maxlen=2000)
        self._scores = MovementScores()
        self._excursions.reset()
        self._sides.reset()
        self._asymmetry = Measurement.abstained(Reason.NO_PERSON)
        self._unsure: list[Fault] = []
        self._held: list[tuple[Repetition, list[Fault]]] = []
        self._last_t: float = math.nan
        for judge in self._finder.judges:
            judge.reset()

    def _score(self, body: Body | None) -> tuple[FormState, tuple[JointAngle, ...]]:
        t = (self._stamp_ns - self._epoch_ns) * 1e-9  # small numbers keep their nanoseconds in a float
        if body is None:
            return self._unseen(t, Reason.NO_PERSON), ()
        self._follow_build(body, t)
        frame = self.frame = self._features.measure(body, self._start.points)
        angles = tuple(
            JointAngle(item.name, side, item.unit, frame[(item.name, side)])
            for item, side in self._features.columns
        )
        if self._set.state != "active":
            return self._form(Phase.REST, math.nan, math.nan, math.nan, Reason.NONE), angles
        frame.leading = self._sides.now if self._sides.alternating else Side.NONE
        tracked = self._tracker.update(t, frame)
        if math.isnan(tracked.here):
            self._take(tracked.update, Phase.UNKNOWN)
            return self._form(Phase.UNKNOWN, math.nan, math.nan, math.nan, tracked.reason), angles
        dt = min(max(t - self._last_t, 0.0), 0.5) if math.isfinite(self._last_t) else 1.0 / 30.0
        self._last_t = t
        if self._tracker.at_rest_in_start:
            self._start.learn(frame.points, dt)
        return self._judge(body, frame, tracked, t, dt), angles

    def _judge(self, body: Body, frame: FeatureFrame, tracked: Tracked, t: float, dt: float) -> FormState:
        update, here = tracked.update, tracked.here
        phase, stage = update.phase, update.stage
        self._take(update, phase)
        if math.isfinite(update.began):
            self._begin(update)
        self._excursions.observe(t, dt, frame, update.under_way)
        deviation = self._deviation.evaluate(frame, phase, here, body.view, stage)
        if update.under_way:
            self._scores.add(t, dt, phase, stage, deviation)
            self._sides.observe(frame, here, dt)
        self._recent.append((t, dt, phase, stage, deviation))
        while self._recent and t - self._recent[0][0] > _RECENT_D:
            self._recent.popleft()
        if update.new_peak:
            self._asymmetry = self._tracker.difference(frame)
        findings, abstentions = self._finder.observe(
            t, dt, phase, here, update.under_way, frame, body.view, stage
        )
        self._report(findings, update)
        return replace(
            self._form(phase, update.progress, tracked.std, update.speed, deviation.reason),
            stage=stage,
            d=deviation.d,
            deviations=deviation.terms,
            abstentions=abstentions,
        )

    def _begin(self, update: PhaseUpdate) -> None:
        """A movement is now known to have begun a moment ago."""
        self._unsure = []
        self._scores = MovementScores()
        self._excursions.begin(update.began)
        self._sides.reset()
        self._report(self._finder.begin(update.began), update)
        for at, dt, phase, stage, deviation in self._recent:
            if at >= update.began:
                waiting = phase in (Phase.TOP, Phase.SETUP)
                self._scores.add(
                    at, dt, self._first_phase(update) if waiting else phase, stage or update.stage, deviation
                )

    def _first_phase(self, update: PhaseUpdate) -> Phase:
        return self.model.outward if self.model.kind == "repetitions" else update.phase

    def _unseen(self, t: float, reason: Reason) -> FormState:
        if self._set.state == "active":
            self._take(self._tracker.miss(t, RepetitionReason.PERSON_LOST), Phase.UNKNOWN)
        phase = Phase.UNKNOWN if self._set.state != "rest" else Phase.REST
        return self._form(phase, math.nan, math.nan, math.nan, reason)

    def _form(
        self, phase: Phase, progress: float, progress_std: float, speed: float, reason: Reason
    ) -> FormState:
        number = self._set.counted + len(self._held)
        return FormState(
            stamp_ns=self._stamp_ns,
            body_id=self._body_id or "",
            exercise=self.model.name,
            phase=phase,
            stage="",
            progress=progress,
            progress_std=progress_std,
            speed=speed,
            repetition=number + 1 if self._tracker.under_way else number,
            counted=self._set.counted,
            d=math.nan,
            d_reason=reason,
        )

    # --- what was found ---

    def _ns(self, t: float) -> int:
        return self._epoch_ns + round(t * 1e9) if math.isfinite(t) else self._stamp_ns

    def _report(self, findings: list[Finding], update: PhaseUpdate) -> None:
        for finding in findings:
            fault = self._fault(finding, update.phase, update.stage)
            if not update.provisional:
                self._raise(fault, further=not finding.again)
            elif not finding.again:
                self._unsure.append(fault)  # a false cue to somebody who only gets into position

    def _fault(self, finding: Finding, phase: Phase, stage: str) -> Fault:
        self._fault_numbers[finding.rule_name] += 1
        number = self._set.counted + len(self._held) + 1
        return replace(
            as_fault(finding, self._stamp_ns, self._ns(finding.onset), phase, stage),
            id=f"{self.model.name}/{number}/{finding.rule_name}/{self._fault_numbers[finding.rule_name]}",
            body_id=self._body_id or "",
            exercise=self.model.name,
            repetition=number,
        )

    def _raise(self, fault: Fault, further: bool = True) -> None:
        self._set.faults[fault.name] += further
        self._faults.append(fault)

    def _take(self, update: PhaseUpdate, phase: Phase) -> None:
        """Movements that ended, and what became of those of which it was not known."""
        for movement in update.finished:
            self._close(movement, phase, update.stage)
        if update.verdict is None:
            return
        held, self._held = self._held, []
        for repetition, faults in held:
            if update.verdict:
                for fault in faults:
                    self._raise(fault)
                self._count(repetition)
            else:
                self._count(
                    replace(
                        repetition,
                        status=RepetitionStatus.SETUP,
                        reason=RepetitionReason.NOT_IN_POSITION,
                        d=math.nan,
                        faults=(),
                        fault_details=(),
                    )
                )

    def _close(self, movement: Movement, phase: Phase, stage: str) -> None:
        """A movement ended: judge what only the whole of it shows, and count it if it is known to count."""
        valid = movement.status is RepetitionStatus.VALID
        peak = Measurement(movement.peak, movement.peak_std)
        findings = self._finder.end(valid, peak, movement)
        spans = self._finder.spans
        if movement.opened:  # the body was found a moment ago, half way through
            findings, spans, self._unsure = [], (), []
        late = [self._fault(finding, phase, stage) for finding in findings]
        repetition = as_repetition(
            movement,
            self.model,
            self._body_id or "",
            self._ns,
            self._scores,
            spans,
            peak,
            self._asymmetry,
            self._sides.side(),
        )
        travelled = self._excursions.deviation(self._sides.side())
        repetition = with_excursions(repetition, travelled, self.model.excursion_share)
        if movement.provisional:
            self._held.append((repetition, self._unsure + late))
        else:
            for fault in (*(self._unsure if valid else ()), *late):
                self._raise(fault)
            self._count(repetition)
        self._unsure = []
        self._scores = MovementScores()
        self._sides.reset()

    def _count(self, repetition: Repetition) -> None:
        number = self._set.count(repetition.status, repetition.d)
        self._repetitions.append(replace(repetition, number=number))
