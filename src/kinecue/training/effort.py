"""How hard a set is for the lifter, and when to tell them: one more, or put it down.

Two things have to break down together before anything is called: speed (slowing, grinding, a failed
repetition) and form (D, new faults, range, shifting, unevenness, shaking). Each is the probability of at least
one of its signs; the call's is their product. So no single sign
is ever enough, whatever it says: a slow tempo has no worse form, a wandering knee no loss of speed. A call has
hysteresis: it comes at one probability and goes at a lower one. Thresholds are higher without the machine's sensors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum

from kinecue.exercise.results import Fault, FormState, Phase, Repetition, RepetitionStatus, Severity
from kinecue.machine.samples import CableSample, EncoderSample
from kinecue.training import effort_signs as signs
from kinecue.training.effort_signs import BASELINE, Lift, Sign
from kinecue.training.exercise_velocities import minimal_velocity
from kinecue.training.lift_watch import LiftWatch
from kinecue.training.reserve import OwnVelocities, Reserve, own_minimal_velocity, reserve_of
from kinecue.training.tremor import ShakeMeters


class EffortState(IntEnum):
    """How hard it is. Values equal ``kinecue_msgs/Effort``."""

    UNKNOWN = 0
    FRESH = 1
    WORKING = 2
    NEAR_FAILURE = 3
    """About two repetitions are left, or fewer."""
    FAILING = 4
    """Form and speed break down together."""


class Call(IntEnum):
    """What the lifter should be told. Values equal ``kinecue_msgs/Effort``."""

    NONE = 0
    LAST_ONE = 1
    """One more, no further."""
    RACK_IT = 2
    """Put the load down now."""


@dataclass(frozen=True)
class Effort:
    """How hard it is for the lifter.

    Attributes:
        stamp_ns: acquisition time of what it rests on.
        body_id, exercise: whose.
        repetition: number of the newest counted one.
        state, signs, call: see their types.
        probability: of the call, 0 to 1; without one, that form and speed break down together.
        velocity_loss: share of the fastest repetition's mean velocity, 0 to 1; NaN = not measured.
        reserve, reserve_std: repetitions in reserve; NaN = not known.
        source: ``encoder``, ``inertial`` or ``camera``.
        reason: in words, for engineers.
    """

    stamp_ns: int
    body_id: str
    exercise: str
    repetition: int
    state: EffortState
    signs: Sign
    call: Call
    probability: float
    velocity_loss: float
    reserve: float
    reserve_std: float
    source: str
    reason: str


@dataclass(frozen=True)
class EffortLimits:
    """Probabilities at which something is called.

    Attributes:
        last_one, rack_it: to call it, with the machine's speed.
        release: below which a call ends.
        camera_extra: more is asked for from the camera alone.
        fewest: counted repetitions before anything is called.
        near: from which on a set counts as near failure.
    """

    last_one: float = 0.70
    rack_it: float = 0.85
    release: float = 0.45
    camera_extra: float = 0.08
    fewest: int = 4
    near: float = 0.6


_SIGN_SHOWN = 0.5
_MEASURED_SHARE = 0.7
"""Of the repetitions of a set, whose speed the machine must have told for it to be relied on."""
_SPEED_WEIGHTS = {Sign.SLOWING: 0.95, Sign.GRINDING: 0.9, Sign.PAUSING: 0.3}
_FORM_WEIGHTS = {
    Sign.FORM: 0.9,
    Sign.RANGE: 0.5,
    Sign.SHIFTING: 0.6,
    Sign.UNEVEN: 0.6,
    Sign.SHAKING: 0.5,
}
_FAILED = 0.95
_FAILED_CAMERA = 0.8
_STUCK_S = 1.5
"""A load that stands still on its way up for so long does not come up any more: sticking regions of
maximal lifts that succeed last 0.2 to 0.9 s (Elliott et al. 1989; Kompf and Arandjelovic, Sports Med 46, 2016, 751-762)."""


class EffortWatch:
    """Follows one lifter's sets.

    All stamps are of the camera's clock but those of `encoder` and `cable`, which may be of another one.

    Args:
        limits: when something is called.
    """

    def __init__(self, limits: EffortLimits | None = None) -> None:
        self._limits = limits or EffortLimits()
        self._own = OwnVelocities()
        self._handle, self._force = ShakeMeters(), ShakeMeters()
        self._watch = LiftWatch()
        self._load_kg = math.nan
        self.restart()

    def restart(self) -> None:
        """A new set."""
        self._lifts: list[Lift] = []
        self._call = Call.NONE
        self._called_at = 0
        self._since: list[Fault] = []
        self._stuck_called = False
        self._newest: Effort | None = None
        self._watch.restart()
        self._handle.take()
        self._force.take()

    def knows(self, own: OwnVelocities) -> None:
        """The person's own sets to failure, from the history."""
        self._own = own

    @property
    def newest(self) -> Effort | None:
        """The last estimate of this set."""
        return self._newest

    @property
    def lifts(self) -> tuple[Lift, ...]:
        """Movements of this set with this load."""
        return tuple(self._lifts)

    def load(self, load_kg: float) -> None:
        """The load is known, or changed: what follows is not compared with what was lifted with another one."""
        old = self._load_kg
        changed = math.isfinite(load_kg) and math.isfinite(old) and abs(load_kg - old) > signs.SAME_LOAD * old
        self._load_kg = load_kg if math.isfinite(load_kg) else old
        if changed:
            call = self._call
            self.restart()
            # what was called is not called again for the lighter rest of a drop set
            self._call = Call.NONE if load_kg < old else call

    def encoder(self, sample: EncoderSample) -> None:
        """A sample of the handle's way."""
        if sample.valid:
            self._handle.add(int(sample.side), sample.stamp_ns * 1e-9, sample.position_m)
            self._watch.handle(sample)

    def cable(self, sample: CableSample) -> None:
        """A sample of the force."""
        self._force.add(int(sample.side), sample.stamp_ns * 1e-9, sample.tension_n)

    def fault(self, fault: Fault) -> None:
        """A fault was raised."""
        self._since.append(fault)

    def form(self, form: FormState) -> Effort | None:
        """A frame; an estimate only when the load is stuck."""
        self._watch.frame(form)
        done = signs.comparable(self._lifts)
        if (
            self._stuck_called
            or form.phase not in (Phase.CONCENTRIC, Phase.HOLD)
            or len(done) < BASELINE
            or self._watch.stall_s < _STUCK_S - 0.5
        ):
            return None
        by_machine = done[-1].by_machine and self._watch.by_machine
        return self._stuck(form, done, by_machine)

    def repetition(self, repetition: Repetition) -> Effort:
        """A movement ended, counted or not."""
        lift = Lift(
            repetition,
            self._load_kg,
            self._watch.take(),
            self._handle.take(),
            self._force.take(),
        )
        if repetition.status not in (RepetitionStatus.SETUP, RepetitionStatus.ABANDONED):
            self._lifts.append(lift)
            # the sampled speed of the first repetitions is what standing still is measured against
            self._watch.learn(signs.comparable(self._lifts)[:BASELINE])
        effort = self._judge(repetition)
        self._since.clear()
        self._stuck_called = False
        self._newest = effort
        return effort

    # -- inner

    def _judge(self, repetition: Repetition) -> Effort:
        lifts = self._lifts
        done = signs.comparable(lifts)
        measured = sum(lift.by_machine for lift in done)
        by_machine = bool(done) and done[-1].by_machine and measured >= max(2, _MEASURED_SHARE * len(done))
        general = minimal_velocity(repetition.exercise)
        minimal = own_minimal_velocity(general, self._own.last)
        speeds = [lift.speed(by_machine)[0] for lift in done]
        reserve = reserve_of(speeds, minimal, self._own) if by_machine else Reserve(reason="no speed in m/s")
        found = self._signs(by_machine, minimal[0])
        speed = self._speed_breaks(found, repetition, reserve)
        form = self._form_breaks(found)
        together = speed * form
        loss = signs.losses(done, by_machine)[-1][0] if len(done) >= 2 else math.nan
        if repetition.velocity is not None and math.isfinite(repetition.velocity.loss):
            loss = repetition.velocity.loss
        self._update_call(together, repetition, by_machine, done, math.isfinite(loss))
        shown = Sign.NONE
        for sign, probability in found.items():
            if probability >= _SIGN_SHOWN:
                shown |= sign
        state = self._state(len(done), loss, speed, reserve)
        return Effort(
            stamp_ns=repetition.end_ns,
            body_id=repetition.body_id,
            exercise=repetition.exercise,
            repetition=len(done),
            state=state,
            signs=shown,
            call=self._call,
            probability=together,
            velocity_loss=min(max(loss, 0.0), 1.0) if math.isfinite(loss) else math.nan,
            reserve=reserve.repetitions,
            reserve_std=reserve.std,
            source=_source(done, by_machine),
            reason=_reason(found, speed, form, reserve),
        )

    def _signs(self, by_machine: bool, minimal: float) -> dict[Sign, float]:
        lifts = self._lifts
        if not lifts:
            return {}
        return {
            Sign.SLOWING: signs.slowing(lifts, by_machine, minimal),
            Sign.GRINDING: signs.grinding(lifts, lifts[-1].stall_s, self._watch.by_machine),
            Sign.PAUSING: signs.pausing(lifts),
            Sign.FORM: signs.any_of(((signs.form_worse(lifts), 1.0), (signs.new_faults(lifts), 1.0))),
            Sign.RANGE: signs.shortening(lifts, by_machine),
            Sign.SHIFTING: signs.shifting(lifts),
            Sign.UNEVEN: signs.uneven(lifts),
            Sign.SHAKING: signs.shaking(lifts),
        }

    def _speed_breaks(self, found: dict[Sign, float], repetition: Repetition, reserve: Reserve) -> float:
        weighed = [(found.get(sign, 0.0), weight) for sign, weight in _SPEED_WEIGHTS.items()]
        if repetition.status == RepetitionStatus.FAILED:
            weighed.append((1.0, _FAILED_CAMERA if repetition.source == "camera" else _FAILED))
        speed = signs.any_of(weighed)
        if reserve.known and repetition.status == RepetitionStatus.VALID:
            # velocity may be lost although many are left: the person's own figures know better
            speed = min(speed, 0.3 + 0.7 * reserve.at_most(3.0))
        return speed

    def _form_breaks(self, found: dict[Sign, float]) -> float:
        return signs.any_of([(found.get(sign, 0.0), weight) for sign, weight in _FORM_WEIGHTS.items()])

    def _update_call(
        self, together: float, repetition: Repetition, by_machine: bool, done: list[Lift], measured: bool
    ) -> None:
        limits = self._limits
        extra = 0.0 if by_machine else limits.camera_extra
        failed = repetition.status == RepetitionStatus.FAILED
        # a repetition whose speed nobody told does not take a call back
        if self._call != Call.NONE and together < limits.release and not failed and measured:
            self._call = Call.NONE
        if len(done) < limits.fewest and not (failed and len(done) >= BASELINE):
            return
        went_on = self._call == Call.LAST_ONE and len(self._lifts) > self._called_at
        if together >= limits.rack_it + extra and (failed or went_on):
            self._call = Call.RACK_IT
        elif together >= limits.last_one + extra and self._call == Call.NONE:
            self._call, self._called_at = Call.LAST_ONE, len(self._lifts)

    def _stuck(self, form: FormState, done: list[Lift], by_machine: bool) -> Effort | None:
        """The load does not come up any more: said while it happens."""
        newest = self._newest
        minimal = own_minimal_velocity(minimal_velocity(form.exercise), self._own.last)
        found = self._signs(by_machine, minimal[0])
        usual = max((lift.stall_s for lift in done[:BASELINE] if math.isfinite(lift.stall_s)), default=0.0)
        stall = signs.above(self._watch.stall_s - usual, _STUCK_S, 0.2 if by_machine else 0.5)
        raised = max(
            (
                fault.probability
                for fault in self._since
                if fault.severity >= Severity.RISK and self._is_new(fault)
            ),
            default=0.0,
        )
        form_breaks = signs.any_of(((self._form_breaks(found), 1.0), (raised, 0.8)))
        # somebody who stops on the way on purpose was not slow before
        tired = signs.any_of(((found[Sign.SLOWING], 0.95), (found[Sign.GRINDING], 0.9), (form_breaks, 0.7)))
        probability = stall * form_breaks * tired
        limit = self._limits.rack_it + (0.0 if by_machine else self._limits.camera_extra)
        if probability < limit or len(done) < BASELINE:
            return None
        self._stuck_called, self._call = True, Call.RACK_IT
        shown = Sign.GRINDING | (newest.signs if newest is not None else Sign.NONE)
        effort = Effort(
            stamp_ns=form.stamp_ns,
            body_id=form.body_id,
            exercise=form.exercise,
            repetition=len(done),
            state=EffortState.FAILING,
            signs=shown,
            call=Call.RACK_IT,
            probability=probability,
            velocity_loss=newest.velocity_loss if newest is not None else math.nan,
            reserve=0.0,
            reserve_std=0.5,
            source=_source(done, by_machine),
            reason=f"the load has stood still on its way for {self._watch.stall_s:.1f} s; form {form_breaks:.2f}",
        )
        self._newest = effort
        return effort

    def _is_new(self, fault: Fault) -> bool:
        first = [lift for lift in self._lifts if lift.repetition.status != RepetitionStatus.SETUP][:BASELINE]
        return all(fault.name != known.name for lift in first for known in lift.repetition.fault_details)

    def _state(self, done: int, loss: float, speed: float, reserve: Reserve) -> EffortState:
        if self._call != Call.NONE:
            return EffortState.FAILING
        if done < 2 or not math.isfinite(loss):
            return EffortState.UNKNOWN
        near = self._limits.near
        if (reserve.known and reserve.at_most(2.0) >= near) or (not reserve.known and speed >= near + 0.1):
            return EffortState.NEAR_FAILURE
        return EffortState.WORKING if loss >= 0.1 else EffortState.FRESH


def quiet(effort: Effort) -> Effort:
    """The same without a call, for who must not be told."""
    return replace(effort, call=Call.NONE)


def _source(done: list[Lift], by_machine: bool) -> str:
    velocity = done[-1].repetition.velocity if done else None
    return velocity.source if by_machine and velocity is not None else "camera"


def _reason(found: dict[Sign, float], speed: float, form: float, reserve: Reserve) -> str:
    seen = ", ".join(f"{s.name.lower()} {p:.2f}" for s, p in found.items() if p >= 0.2 and s.name)
    left = f"{reserve.repetitions:.1f} left" if reserve.known else reserve.reason
    return f"speed {speed:.2f}, form {form:.2f} ({seen or 'no sign'}); {left}"
