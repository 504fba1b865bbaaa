"""What load the next set should have: heavier, lighter, keep or stop, with the reason. KineCue drives no actuator.

Form and danger go before speed. A danger, a failed repetition, or form and speed that broke down together
never leave the load as it is; a fault that matters, form that could not be seen, or a speed that is not known
well never let it grow. Steps are small, and where they would not be, there are none.

The defaults follow velocity-based training: a fifth to a quarter of the velocity lost in a set is the usual
stop for strength without needless fatigue (Pareja-Blanco et al., Scand J Med Sci Sports 27, 2017, 724-735: 20
% against 40 %, quoted from memory); loads grow by 2 to 10 % when more repetitions are possible than wanted
(ACSM position stand, Med Sci Sports Exerc 41, 2009, 687-708), of which the lower half is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

from kinecue.body.errors import ConfigError
from kinecue.exercise.results import Fault, RepetitionStatus, Severity
from kinecue.training.effort import Call, Effort, EffortState
from kinecue.training.effort_signs import Lift
from kinecue.training.load_velocity import Profile


class Advice(IntEnum):
    """What to do. Values equal ``kinecue_msgs/LoadAdvice``."""

    KEEP = 0
    HEAVIER = 1
    LIGHTER = 2
    STOP = 3
    """No further set of this exercise today, or stop this one."""


class AdviceReason(IntEnum):
    """Why. Values equal ``kinecue_msgs/LoadAdvice``."""

    NONE = 0
    VELOCITY_ABOVE_TARGET = 1
    VELOCITY_BELOW_TARGET = 2
    VELOCITY_LOSS = 3
    RESERVE = 4
    """More repetitions were left than wanted."""
    FORM = 5
    DANGER = 6
    FAILED = 7
    NOT_ENOUGH = 8
    """Too little is known: keep."""


_RANGES = {
    "target_low": (0.0, 3.0),
    "target_high": (0.0, 3.0),
    "most_loss": (0.05, 0.6),
    "day_loss": (0.05, 0.5),
    "reserve_low": (0.0, 10.0),
    "reserve_high": (0.0, 15.0),
    "step_kg": (0.1, 50.0),
    "step_up": (0.005, 0.10),
    "most_up": (0.01, 0.10),
    "step_down": (0.02, 0.20),
    "most_down": (0.05, 0.50),
}


@dataclass(frozen=True)
class AdviceSettings:
    """What is wanted of a set.

    Attributes:
        target_low, target_high: mean velocity that its fastest repetition should have, m/s; both 0 = no target.
        most_loss: velocity loss that it should end with at most, share.
        day_loss: share by which the fastest repetition at the same load may have fallen since the day's best
            before no further set makes sense.
        reserve_low, reserve_high: repetitions in reserve that it should end with.
        step_kg: smallest step of the machine or the plates, kg.
        step_up, step_down: usual steps, share of the load.
        most_up, most_down: largest steps, share.

    Raises:
        ConfigError: names the field and what is allowed.
    """

    target_low: float = 0.0
    target_high: float = 0.0
    most_loss: float = 0.25
    day_loss: float = 0.20
    reserve_low: float = 1.0
    reserve_high: float = 4.0
    step_kg: float = 2.5
    step_up: float = 0.025
    most_up: float = 0.05
    step_down: float = 0.05
    most_down: float = 0.20

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value, (low, high) = getattr(self, name), _RANGES[name]
            if not (math.isfinite(value) and low <= value <= high):
                raise ConfigError("load advice", name, f"is {value!r}, allowed: {low:g} to {high:g}")
        for lower, upper in (
            ("target_low", "target_high"),
            ("reserve_low", "reserve_high"),
            ("step_up", "most_up"),
            ("step_down", "most_down"),
        ):
            if getattr(self, lower) > getattr(self, upper):
                raise ConfigError(
                    "load advice",
                    lower,
                    f"is {getattr(self, lower):g}, allowed: up to {upper}, {getattr(self, upper):g}",
                )

    @property
    def has_target(self) -> bool:
        """A velocity is wanted."""
        return self.target_high > 0.0


@dataclass(frozen=True)
class DoneSet:
    """A set, as far as it matters for the next load.

    Attributes:
        exercise, body_id, set_id: which.
        stamp_ns: acquisition time of its end.
        load_kg: NaN = not known.
        lifts: its movements.
        effort: at its end; None = never estimated.
        worst: the worst call in it.
        faults: that were raised in it, from whatever node.
        profile: of the person; None = nobody in particular.
        best_today: mean velocity of the fastest repetition of earlier sets of the day at this load, m/s; NaN = first.
        over: the set is over; else it is under way.
    """

    exercise: str
    body_id: str
    set_id: str
    stamp_ns: int
    load_kg: float
    lifts: tuple[Lift, ...]
    effort: Effort | None = None
    worst: Call = Call.NONE
    faults: tuple[Fault, ...] = ()
    profile: Profile | None = None
    best_today: float = math.nan
    over: bool = True


@dataclass(frozen=True)
class LoadAdvice:
    """What load the next set should have.

    Attributes:
        stamp_ns, body_id, exercise, set_id: of the set it follows from.
        advice, reason: see their types.
        load_kg: of this set; NaN = not known.
        suggested_kg: NaN = no figure.
        text: for engineers, English.
    """

    stamp_ns: int
    body_id: str
    exercise: str
    set_id: str
    advice: Advice
    reason: AdviceReason
    load_kg: float
    suggested_kg: float
    text: str

    @property
    def change(self) -> float:
        """Share, suggested over load less one; NaN = no figure."""
        return self.suggested_kg / self.load_kg - 1.0 if self.load_kg > 0.0 else math.nan


_FEWEST = 3
_POOR_SPEED = 0.08
"""Relative standard deviation of a repetition's mean velocity above which it does not tell that a load is too light."""
_MOST_D = 1.0
_MEASURED_SHARE = 0.7
_GROWN_SHARE = 1 / 3
"""Of the repetitions with a fault that matters: from here on the load stays, from twice as many on it goes down."""
_LARGEST_SINGLE_STEP = 0.10


def advise(done: DoneSet, settings: AdviceSettings | None = None) -> LoadAdvice:
    """The load of the next set, after a set or, to stop it, in one."""
    wanted = settings or AdviceSettings()
    advice, reason, text = _decide(done, wanted)
    if advice == Advice.HEAVIER:
        problem = why_not_heavier(done)
        if problem:
            form = any(lift.counted and _matters(lift) for lift in done.lifts) or bool(_serious(done.faults))
            advice, reason = Advice.KEEP, AdviceReason.FORM if form else AdviceReason.NOT_ENOUGH
            text = f"{text}, but {problem}"
    suggested = math.nan
    if advice in (Advice.HEAVIER, Advice.LIGHTER):
        suggested = _suggested(done, wanted, advice, reason)
        if advice == Advice.HEAVIER and done.load_kg > 0.0 and not math.isfinite(suggested):
            advice, reason = Advice.KEEP, AdviceReason.NOT_ENOUGH
            text = f"{text}, but a step of {wanted.step_kg:g} kg is too large for {done.load_kg:g} kg"
    elif advice == Advice.KEEP:
        suggested = done.load_kg
    return LoadAdvice(
        done.stamp_ns, done.body_id, done.exercise, done.set_id, advice, reason, done.load_kg, suggested, text
    )


def why_not_heavier(done: DoneSet) -> str:
    """Why the load must not grow, whatever the speed; empty if it may."""
    counted = [lift for lift in done.lifts if lift.counted]
    if len(counted) < _FEWEST:
        return f"only {len(counted)} repetitions were counted"
    serious = _serious(done.faults)
    if serious:
        return f"the fault {serious[0].name} was raised"
    for lift in done.lifts:
        if _matters(lift):
            return f"repetition {lift.repetition.number} had a fault that matters"
    scores = [lift.repetition.d for lift in counted if math.isfinite(lift.repetition.d)]
    if len(scores) < 0.5 * len(counted):
        return "form could not be judged in most repetitions"
    if sorted(scores)[len(scores) // 2] > _MOST_D:
        return "form is more than one tolerance off"
    if not all(lift.by_machine for lift in counted):
        return "speed is not measured by the machine"
    if any(_relative_std(lift) > _POOR_SPEED for lift in counted):
        return "speed is not measured well"
    if any(
        lift.repetition.status in (RepetitionStatus.PARTIAL, RepetitionStatus.FAILED) for lift in done.lifts
    ):
        return "not every repetition was finished"
    if done.effort is None or done.effort.state >= EffortState.NEAR_FAILURE or done.worst != Call.NONE:
        return "the set went near failure" if done.effort is not None else "effort is not known"
    return ""


def _decide(done: DoneSet, wanted: AdviceSettings) -> tuple[Advice, AdviceReason, str]:
    """Without regard to what forbids a heavier load."""
    dangers = [fault for fault in done.faults if fault.severity == Severity.DANGER]
    dangers_in = {fault.repetition for fault in dangers}
    if len(dangers_in) >= 2:
        return (
            Advice.STOP,
            AdviceReason.DANGER,
            f"danger ({dangers[-1].name}) in {len(dangers_in)} repetitions",
        )
    if not done.over:
        if done.worst == Call.RACK_IT:
            return Advice.STOP, AdviceReason.FORM, "form and speed broke down together"
        return Advice.KEEP, AdviceReason.NONE, "the set is under way"
    if dangers:
        return Advice.LIGHTER, AdviceReason.DANGER, f"danger ({dangers[-1].name})"
    if any(lift.repetition.status == RepetitionStatus.FAILED for lift in done.lifts):
        return Advice.LIGHTER, AdviceReason.FAILED, "a repetition failed"
    if done.worst != Call.NONE:
        return Advice.LIGHTER, AdviceReason.FORM, "form and speed broke down together"
    counted = [lift for lift in done.lifts if lift.counted]
    faulty = sum(_matters(lift) for lift in counted) / max(len(counted), 1)
    if len(counted) >= _FEWEST and faulty >= 2 * _GROWN_SHARE:
        return Advice.LIGHTER, AdviceReason.FORM, f"{faulty:.0%} of the repetitions had a fault that matters"
    if len(counted) >= _FEWEST and faulty >= _GROWN_SHARE:
        return Advice.KEEP, AdviceReason.FORM, f"{faulty:.0%} of the repetitions had a fault that matters"
    if len(counted) < _FEWEST:
        return Advice.KEEP, AdviceReason.NOT_ENOUGH, f"only {len(counted)} repetitions were counted"
    if sum(lift.by_machine for lift in counted) < max(_FEWEST, _MEASURED_SHARE * len(counted)):
        return Advice.KEEP, AdviceReason.NOT_ENOUGH, "speed is not measured by the machine"
    return _by_speed(done, counted, wanted)


def _by_speed(
    done: DoneSet, counted: Sequence[Lift], wanted: AdviceSettings
) -> tuple[Advice, AdviceReason, str]:
    fastest, std = max(lift.speed(True) for lift in counted if lift.by_machine)
    if math.isfinite(done.best_today) and fastest + 2.0 * std < (1.0 - wanted.day_loss) * done.best_today:
        lost = 1.0 - fastest / done.best_today
        return Advice.STOP, AdviceReason.VELOCITY_LOSS, f"{lost:.0%} slower than the day's best at this load"
    effort = done.effort
    loss = effort.velocity_loss if effort is not None else math.nan
    left, left_std = (effort.reserve, effort.reserve_std) if effort is not None else (math.nan, math.nan)
    too_few = math.isfinite(left) and left + left_std < wanted.reserve_low
    if wanted.has_target and fastest + std < wanted.target_low:
        text = f"fastest repetition {fastest:.2f} m/s, wanted {wanted.target_low:.2f} or more"
        return Advice.LIGHTER, AdviceReason.VELOCITY_BELOW_TARGET, text
    if too_few or (math.isfinite(loss) and loss > wanted.most_loss + 0.15 and not left > wanted.reserve_low):
        return (
            Advice.LIGHTER,
            AdviceReason.VELOCITY_LOSS,
            f"{loss:.0%} of the velocity was lost, wanted {wanted.most_loss:.0%}",
        )
    if wanted.has_target and fastest - std > wanted.target_high:
        text = f"fastest repetition {fastest:.2f} m/s, wanted {wanted.target_high:.2f} or less"
        return Advice.HEAVIER, AdviceReason.VELOCITY_ABOVE_TARGET, text
    if math.isfinite(left) and left - left_std > wanted.reserve_high:
        return (
            Advice.HEAVIER,
            AdviceReason.RESERVE,
            f"{left:.0f} repetitions were left, wanted {wanted.reserve_high:g}",
        )
    return Advice.KEEP, AdviceReason.NONE, "as wanted"


def _suggested(done: DoneSet, wanted: AdviceSettings, advice: Advice, reason: AdviceReason) -> float:
    """Load of the next set, kg, in steps of the machine; NaN = no figure."""
    load, step = done.load_kg, wanted.step_kg
    if not load > 0.0:
        return math.nan
    aim = math.nan
    if done.profile is not None and wanted.has_target:
        aim = done.profile.load_at(0.5 * (wanted.target_low + wanted.target_high))
    if advice == Advice.HEAVIER:
        aim = aim if math.isfinite(aim) and aim > load else load * (1.0 + wanted.step_up)
        steps = math.floor(min(aim, load * (1.0 + wanted.most_up)) / step - load / step + 1e-9)
        grown = load + max(steps, 1) * step
        return (
            grown
            if grown <= load * (1.0 + max(wanted.most_up, _LARGEST_SINGLE_STEP if steps < 1 else 0.0))
            else math.nan
        )
    hard = reason in (AdviceReason.DANGER, AdviceReason.FAILED)
    usual = load * (1.0 - min(2.0 * wanted.step_down, wanted.most_down) if hard else 1.0 - wanted.step_down)
    aim = min(aim, usual) if math.isfinite(aim) else usual
    aim = max(aim, load * (1.0 - wanted.most_down))
    steps = max(math.ceil((load - aim) / step - 1e-9), 1)
    shrunk = load - steps * step
    return shrunk if shrunk > 0.0 else math.nan


def _serious(faults: Sequence[Fault]) -> list[Fault]:
    return [fault for fault in faults if fault.severity >= Severity.RISK]


def _matters(lift: Lift) -> bool:
    return any(fault.severity >= Severity.RISK for fault in lift.repetition.fault_details)


def _relative_std(lift: Lift) -> float:
    speed, std = lift.speed(True)
    return std / speed if speed > 0.0 else math.inf
