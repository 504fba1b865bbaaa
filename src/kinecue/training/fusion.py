"""Repetitions of two sensors made one: counted, measured and timed by the handle, with the form that the camera saw.

A movement that one sensor tells waits for the other for some tenths of a second, and only where the other one can be
expected to have something to say. What is told is remembered, so that the other's late word is no second repetition. Without
an encoder everything passes through unchanged and at once. Whom to believe when they disagree: docs/machine-fusion.md.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from statistics import median

from kinecue.body.body import Body
from kinecue.body.measurement import Reason
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import (
    Fault,
    FormState,
    Phase,
    Repetition,
    RepetitionStatus,
    ScoreUpdate,
    SetSummary,
    Side,
)
from kinecue.machine.samples import CableSample, CableSide, EncoderSample
from kinecue.training.clock import ClockEstimate, ClockState
from kinecue.training.disagreement import Disagreement, Notice, SlackWatch
from kinecue.training.encoder_repetitions import HandleRepetition
from kinecue.training.fused_repetition import alone, fused
from kinecue.training.pairing import SAME, HandleMovement, Ledger, Published, Timed, shared
from kinecue.training.senses import Senses
from kinecue.training.telling import Telling
from kinecue.training.verdict import Limits, of_both, of_handle

_NS = 1_000_000_000
_ENCODER_WAIT_NS = 600_000_000
"""A repetition of the camera waits so long for the handle's: both take some 0.4 s to be sure that the movement is over, and
what is told later than 1.5 s after its end is too late to be spoken about."""
_CAMERA_WAIT_NS = 800_000_000
"""And the other way round: a body comes to rest later than what it holds."""
_CAMERA_MOST_NS = 1_200_000_000
"""The same while the lifter is still on the way."""
_UNDECIDED_NS = 8 * _NS
"""While the scorer cannot know yet whether what it saw is a repetition at all (nobody was seen in the start position)."""
_OTHER_CABLE_NS = 400_000_000
"""Two hands that pull together end together."""
_LEAST_WAY_M = 0.05
"""A handle that moved less rested: less than any exercise moves it."""
_PART = 0.3
"""Of the usual way; with less the handle rested too."""
_ALIKE = 0.25
"""By how much a way may differ from the usual one for an encoder that has to prove itself."""
_PAIRS = 5
"""Of the newest repetitions, whose ways make the usual one."""
_SLACK_NS = 150_000_000
_LONGEST_NS = 20 * _NS
"""No repetition takes longer."""
_BEFORE_SET_NS = _NS // 2
"""What began so long before the set is none of it."""
_MOVING = frozenset({Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD})
_TRIED = frozenset({RepetitionStatus.PARTIAL, RepetitionStatus.FAILED})


@dataclass(frozen=True)
class FusionUpdate:
    """What is to be told now.

    Attributes:
        form: of the frame, with the count of both sensors; None where there was no frame.
        repetitions: over, counted or not, in the order in which they are told.
        faults: of the camera, with the numbers of both, and of the machine.
        notices: where the sensors disagree.
    """

    form: FormState | None = None
    repetitions: tuple[Repetition, ...] = ()
    faults: tuple[Fault, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass
class _Waiting:
    """A movement of one sensor that waits for the other."""

    since_ns: int
    start_ns: int
    end_ns: int
    seen: Repetition | None = None
    moved: HandleMovement | None = None


class RepetitionFusion:
    """One person, one exercise at a time, one machine with one or two cables.

    All times are camera times in ns unless a sample's own. Deterministic: the same calls give the same answers.

    Args:
        model: the exercise; None while it is being recognised.
    """

    def __init__(self, model: ExerciseModel | None = None) -> None:
        self._senses = Senses(model)
        self._tell = Telling()
        self._now_ns = 0
        self._lost_told = False
        self._active = True
        self._proving = False
        self._model = model
        self._tell.exercise = "" if model is None else model.name
        self._restart()

    def _restart(self) -> None:
        self._waiting: list[_Waiting] = []
        self._single: list[tuple[int, HandleMovement]] = []
        self._ledger = Ledger()
        self._slack: dict[CableSide, SlackWatch] = {}
        self._ways: deque[float] = deque(maxlen=_PAIRS)
        self._paired = 0
        self._astray = False
        self._confirmed_ns = 0
        self._seen_from_ns = 0
        self._from_ns = self._now_ns
        self._tell.restart()

    # --- sets and exercises ---

    def follow(self, model: ExerciseModel | None) -> None:
        """The exercise that is being scored; nothing happens if it is the same."""
        name = "" if model is None else model.name
        same, recognised = name == self._tell.exercise, self._model is None
        self._model, self._tell.exercise = model, name
        if same:
            return
        self._ways.clear()
        if recognised and not self._eccentric_first:
            return  # what the handle did so far is paired with what the camera saw of it
        self._waiting, self._single = [], []
        for part in self._senses.follow(model, again=recognised):
            self._handle_ended(part)

    def set(self, set_id: str, active: bool = True) -> None:
        """The set that is under way, or over; nothing happens if it is the same."""
        self._active = active
        if set_id != self._tell.account.set_id:
            kept = (self._waiting, self._single) if self._model is None else ([], [])
            self._tell.account.begin(set_id)
            self._tell.notices.clear()
            self._restart()
            self._waiting, self._single = kept

    @property
    def sees_machine(self) -> bool:
        """There was a reading of an encoder, and the exercise has repetitions."""
        return bool(self._senses.cables) and (self._model is None or self._model.kind == "repetitions")

    @property
    def _eccentric_first(self) -> bool:
        return self._model is not None and self._model.load_direction == "eccentric_first"

    # --- samples of the machine ---

    def arrived(self, stamp_ns: int, now_ns: int) -> None:
        """The newest machine stamp of a batch of samples and the camera time at which it was here."""
        self._senses.time.arrived(stamp_ns, now_ns)

    def encoder(self, sample: EncoderSample) -> None:
        """A sample of the encoder, in the order of arrival. Cheap: what it brings is told by `scored` or `tick`."""
        for part in self._senses.encoder(sample, self._now_ns):
            self._handle_ended(part)

    def force(self, sample: CableSample) -> None:
        """A sample of the force, in the order of arrival."""
        cable = self._senses.cables.get(sample.side)
        if cable is None or not cable.force(sample) or not self._active:
            return
        out, speed = cable.away()
        share = self._slack.setdefault(sample.side, SlackWatch()).sample(sample, out, cable.way_m, speed)
        if share is not None:
            onset = self._senses.time.to_camera(sample.stamp_ns) - _SLACK_NS
            side = {CableSide.LEFT: Side.LEFT, CableSide.RIGHT: Side.RIGHT}.get(sample.side, Side.BOTH)
            self._tell.slack(share, onset, side)

    # --- frames of the camera ---

    def scored(self, update: ScoreUpdate, body: Body | None = None) -> FusionUpdate:
        """A frame as the scorer gave it, with its body; or what ended with the set (`Scorer.flush`)."""
        if update.form is not None:
            self._frame(update.form, body)
        self._tell.camera_faults(update.faults)
        self._tell.account.scored(update.repetitions)
        for repetition in update.repetitions:
            if self.sees_machine:
                self._body_ended(repetition)
            else:
                self._tell.repetition(self._with_camera_velocity(repetition))
        self._decide()
        return self._update(update.form)

    def _frame(self, form: FormState, body: Body | None) -> None:
        stamp, before = form.stamp_ns, self._senses.form
        if before is not None and stamp < before.stamp_ns and stamp < self._now_ns - _NS:
            self._now_ns = self._tell.now_ns = stamp
            self._senses.trace.clear()
            self._restart()
        self._goes_on(stamp)
        if self._senses.frame(form, body):
            self._seen_from_ns = self._seen_from_ns or stamp
        self._tell.body_id = self._senses.body_id
        self._watch_clock()

    def _goes_on(self, now_ns: int) -> None:
        self._now_ns = self._tell.now_ns = max(self._now_ns, now_ns)
        form = self._senses.form
        speaks = form is not None and self._senses.camera.live(self._now_ns) and form.phase in _MOVING
        self._tell.phase = form.phase if form is not None and speaks else Phase.TOP

    def _watch_clock(self) -> None:
        if not self.sees_machine:
            return
        estimate = self._senses.time.estimate
        lost = estimate.state is ClockState.LOST
        if lost and not self._lost_told:
            self._tell.note(Disagreement.CLOCK_LOST, f"correlation {estimate.correlation:.2f}")
        self._lost_told = lost

    # --- time and the end ---

    def tick(self, now_ns: int) -> FusionUpdate:
        """Time passed, with or without frames and samples; some twenty times a second."""
        self._goes_on(now_ns)
        for part in self._senses.silence(self._now_ns):
            self._handle_ended(part)
        self._decide()
        return self._update(None)

    def finish(self) -> FusionUpdate:
        """The set is over: what waits is told now."""
        for cable in self._senses.cables.values():
            for part in cable.finish():
                self._handle_ended(part)
        self._decide(last=True)
        return self._update(None)

    def summary(self, summary: SetSummary) -> SetSummary:
        """The scorer's summary with the count of both."""
        return self._tell.account.summary(summary)

    def _update(self, form: FormState | None) -> FusionUpdate:
        account = self._tell.account
        account.holds(
            sum(w.seen is not None and w.seen.status is RepetitionStatus.VALID for w in self._waiting)
        )
        return FusionUpdate(None if form is None else account.form(form), *self._tell.take())

    # --- one sensor tells of a movement ---

    def _handle_ended(self, part: HandleRepetition) -> None:
        movement = self._senses.movement(part)
        if not self._active or not self.sees_machine or movement.start_ns < self._from_ns - _BEFORE_SET_NS:
            return
        for index, (_, other) in enumerate(self._single):
            if other.parts[0].side is not part.side and shared(other, movement) >= SAME:
                del self._single[index]
                self._moved(other.with_part(movement))
                return
        if self._senses.pulled_too(part, SAME):
            self._single.append((self._now_ns, movement))
        else:
            self._moved(movement)

    def _moved(self, movement: HandleMovement) -> None:
        """A movement of the handle, or of both, is over."""
        partner = self._partner(movement, seen=True)
        if partner is not None and partner.seen is not None:
            self._waiting.remove(partner)
            self._both(partner.seen, movement)
            return
        entry = self._ledger.best(movement)
        if entry is not None and self._late_handle(entry, movement):
            return
        self._waiting.append(_Waiting(self._now_ns, movement.start_ns, movement.end_ns, moved=movement))

    def _late_handle(self, entry: Published, movement: HandleMovement) -> bool:
        """The movement was told already; whether that settles it."""
        if entry.encoder:
            if movement.valid and entry.valid:
                self._tell.note(Disagreement.ENCODER_TWICE)
            return entry.valid or not movement.valid
        if not entry.valid and movement.valid:
            return False
        entry.encoder = True
        if movement.valid:
            self._proved(movement)
            self._tell.note(Disagreement.ENCODER_LATE)
        return True

    def _body_ended(self, seen: Repetition) -> None:
        """A movement of the body is over."""
        if seen.status is RepetitionStatus.VALID:
            self._confirmed_ns = max(self._confirmed_ns, seen.end_ns)
            self._confirm(seen)
        partner = self._partner(seen, seen=False)
        if partner is not None and partner.moved is not None:
            self._waiting.remove(partner)
            self._both(seen, partner.moved)
            return
        entry = self._ledger.best(seen)
        if entry is not None and entry.encoder and (entry.valid or seen.status is not RepetitionStatus.VALID):
            if seen.status is RepetitionStatus.VALID:
                kind = Disagreement.CAMERA_TWICE if entry.camera else Disagreement.CAMERA_LATE
                self._tell.note(kind)
            entry.camera = True
            return
        self._waiting.append(_Waiting(self._now_ns, seen.start_ns, seen.end_ns, seen=seen))

    def _confirm(self, seen: Repetition) -> None:
        """The camera's first repetition tells the encoder how far one goes."""
        parts = self._senses.confirm(seen.start_ns, seen.end_ns, _LEAST_WAY_M, self._astray)
        self._astray = False
        for part in parts:
            self._handle_ended(part)

    def _partner(self, movement: Timed, *, seen: bool) -> _Waiting | None:
        """What waits and is the same movement: of the camera, or of the handle."""
        found = max(
            (w for w in self._waiting if (w.seen is not None) == seen),
            key=lambda waiting: shared(waiting, movement),
            default=None,
        )
        return found if found is not None and shared(found, movement) >= SAME else None

    # --- how long to wait ---

    def _decide(self, last: bool = False) -> None:
        """Tell what need not wait any longer."""
        for since, movement in list(self._single):
            if last or self._now_ns - since >= _OTHER_CABLE_NS:
                self._single.remove((since, movement))
                self._moved(movement)
        if self._senses.cables and not self._machine_live:
            self._proving = self._proving or self._paired > 0
        for waiting in list(self._waiting):
            age = self._now_ns - waiting.since_ns
            if waiting.seen is not None:
                if last or not self._expects_handle(waiting, waiting.seen, age):
                    self._waiting.remove(waiting)
                    self._camera_alone(waiting.seen)
            elif waiting.moved is not None and (last or not self._expects_camera(age)):
                self._waiting.remove(waiting)
                self._handle_alone(waiting.moved)

    @property
    def _machine_live(self) -> bool:
        return self._senses.machine_live(self._now_ns)

    def _handle_way(self, start_ns: int, end_ns: int) -> float:
        return self._senses.handle_way(start_ns, end_ns, self._now_ns)

    def _rested(self, way_m: float) -> bool:
        usual = self._usual_m
        return way_m < max(_LEAST_WAY_M, _PART * usual if usual > 0.0 else 0.0)

    @property
    def _usual_m(self) -> float:
        """Way of the handle for progress 1, m; NaN while it is not known."""
        return median(self._ways) if self._ways else math.nan

    def _expects_handle(self, waiting: _Waiting, seen: Repetition, age_ns: int) -> bool:
        if self._rested(self._handle_way(waiting.start_ns, waiting.end_ns)):
            return False
        if age_ns < _ENCODER_WAIT_NS:
            return True
        # the camera lost the lifter on the way: whether that was a repetition the handle will tell
        lost = seen.status is not RepetitionStatus.VALID and not self._senses.camera.sound(
            waiting.start_ns, waiting.end_ns + _ENCODER_WAIT_NS
        )
        return (
            lost and any(cable.under_way for cable in self._senses.cables.values()) and age_ns < _LONGEST_NS
        )

    def _expects_camera(self, age_ns: int) -> bool:
        if self._model is None:
            return True
        form = self._senses.form
        if form is None or not self._senses.camera.live(self._now_ns) or form.phase is Phase.REST:
            return False
        under_way = form.phase in _MOVING
        if form.repetition - form.counted > under_way and age_ns < _UNDECIDED_NS:
            return True
        return age_ns < (_CAMERA_MOST_NS if under_way else _CAMERA_WAIT_NS)

    # --- what it is ---

    def _both(self, seen: Repetition, movement: HandleMovement) -> None:
        """Both saw it."""
        camera_sound = self._senses.camera.sound(movement.start_ns, movement.end_ns)
        encoder_sound = self._senses.sound(movement)
        valid = seen.status is RepetitionStatus.VALID
        if valid and movement.valid:
            self._proved(movement)
        if self._proving and valid:
            self._camera_alone(seen, movement)
            return
        if valid and movement.valid and camera_sound and encoder_sound and seen.range > 0.3:
            self._ways.append(movement.range_m / seen.range)
        status, reason = of_both(
            seen, movement, camera_sound, encoder_sound, self._usual_m, Limits.of(self._model)
        )
        if seen.status is not status or movement.status is not status:
            self._tell.note(
                Disagreement.VERDICT,
                f"camera {seen.status.name.lower()}, encoder {movement.status.name.lower()}",
            )
        counts = status is RepetitionStatus.VALID
        self._paired += counts
        self._ledger.add(Published(movement.start_ns, movement.end_ns, True, True, counts))
        whole = movement.valid and encoder_sound
        self._tell.repetition(
            fused(
                seen,
                movement,
                status,
                reason,
                self._senses.velocity(movement) if whole and counts else None,
                self._usual_m if whole else math.nan,
                self._eccentric_first,
                self._senses.time.by_movement,
            )
        )
        if counts:
            self._tell.others.fits()
            if whole:
                self._tell.range_of(movement, seen.feature)

    def _camera_alone(self, seen: Repetition, movement: HandleMovement | None = None) -> None:
        """Only the camera saw it, or the handle is not believed."""
        valid = seen.status is RepetitionStatus.VALID
        if valid and movement is None and self._machine_live:
            way = self._handle_way(seen.start_ns, seen.end_ns)
            if not self._rested(way):
                self._tell.note(Disagreement.ENCODER_MISSED, f"it moved {way:.2f} m")
                self._proving = self._astray = True
            elif self._paired:
                self._tell.note(Disagreement.WITHOUT_MACHINE)
        self._ledger.add(Published(seen.start_ns, seen.end_ns, True, movement is not None, valid))
        self._tell.repetition(self._with_camera_velocity(seen))

    def _handle_alone(self, movement: HandleMovement) -> None:
        """Only the handle made it."""
        camera_sound = self._senses.camera.sound(movement.start_ns, movement.end_ns)
        watched = self._senses.trace.watched(movement.start_ns, movement.end_ns)
        begun = self._senses.camera.stretch_from
        proved = begun <= max(self._confirmed_ns, self._seen_from_ns)
        kind = of_handle(movement, watched, proved) if camera_sound else Disagreement.CAMERA_MISSED
        told = kind is Disagreement.CAMERA_MISSED
        if not movement.valid:
            # a handle that is only fiddled with is no news while the camera sees that nothing is done
            told = told and not camera_sound and movement.status in _TRIED
        elif told and self._counted_by_camera(movement) >= SAME:
            # between two repetitions that were counted: the encoder takes the turning point for the start position
            told, kind, self._proving, self._astray = False, Disagreement.ENCODER_TWICE, True, True
        elif told and self._proving and not self._alike(movement):
            told, kind = False, Disagreement.ENCODER_DOUBTED
        counts = told and movement.valid
        self._ledger.add(Published(movement.start_ns, movement.end_ns, False, True, counts, told))
        if movement.valid:
            self._tell.note(kind, f"{movement.range_m:.2f} m")
        if kind is Disagreement.WRONG_EXERCISE and movement.valid:
            form = self._senses.form
            self._tell.another_exercise(movement, watched, Phase.SETUP if form is None else form.phase)
        if not told:
            return
        self._tell.repetition(
            alone(
                movement,
                "" if self._model is None else self._model.name,
                self._senses.body_id,
                self._senses.velocity(movement) if counts else None,
                self._usual_m,
                self._eccentric_first,
                Reason.UNCERTAIN if camera_sound else Reason.NO_PERSON,
            )
        )
        if counts:
            self._tell.range_of(movement, "")

    def _counted_by_camera(self, movement: HandleMovement) -> float:
        """Part of it during which the camera saw others that count, told or waiting to be, 0 to 1."""
        valid = [w for w in self._waiting if w.seen and w.seen.status is RepetitionStatus.VALID]
        return self._ledger.counted_by_camera(movement, valid)

    def _alike(self, movement: HandleMovement) -> bool:
        usual = self._usual_m if self._ways else self._tell.ranges.own_m
        return not usual > 0.0 or abs(movement.range_m - usual) <= _ALIKE * usual

    def _proved(self, movement: HandleMovement) -> None:
        """The camera saw the same repetition: an encoder that had failed is believed again if its scale is what it was."""
        if self._proving and self._alike(movement):
            self._proving = False

    def _with_camera_velocity(self, seen: Repetition) -> Repetition:
        velocity = self._senses.trace.velocity(seen)
        return seen if velocity is None else replace(seen, velocity=velocity)

    # --- for the diagnostics ---

    @property
    def clock(self) -> ClockEstimate | None:
        """What is known of the machine's clock; None without an encoder."""
        return self._senses.time.estimate if self._senses.cables else None

    def diagnose(self) -> dict[str, object]:
        """Name and value of what an integrator looks for when something does not fit."""
        if not self._senses.cables:
            return {"machine": "none"}
        state = "heard" if self._machine_live else "silent"
        values: dict[str, object] = {
            "machine": f"{state}, has to prove itself" if self._proving else state,
            "camera": "sees the lifter"
            if self._senses.camera.live(self._now_ns)
            else "does not see the lifter",
            "way of the handle [m]": self._usual_m,
            "counted": self._tell.account.counted,
        }
        values |= {kind.value: count for kind, count in self._tell.notices.counts.items()}
        newest = self._tell.notices.newest
        if newest is not None:
            values["newest disagreement"] = f"{newest.kind.value} {newest.detail}".strip()
        return values
