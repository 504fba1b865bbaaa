"""Signs of effort in a set, each a probability: what a coach would read in speed, breaks, range, symmetry and form.

Every sign compares a repetition with the first ones of the same set, of the same side and with the same load:
a set that is lifted slowly, paused or a little crooked from its beginning on shows nothing. What was not
measured gives no sign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from itertools import pairwise

import numpy as np

from kinecue.exercise.results import Repetition, RepetitionReason, RepetitionStatus, Severity, Side
from kinecue.training.tremor import NOT_TOLD, Shake

BASELINE = 3
"""First repetitions of a set that the others are compared with."""
CAMERA_SPEED_CV = 0.12
"""Relative error of a repetition's mean speed from the camera: 0.03 to 0.08 m/s of some 0.5 m/s with phone video."""
NATURAL_CV = 0.05
"""Of mean velocity between repetitions of a person who is not tired."""
SLOW_LOSS = 0.40
"""Velocity loss at which a set comes near failure where no minimal velocity is known: three quarters of the
repetitions of a bench press, more of a squat."""
_SLOW_SHARE = 0.65
"""Of the loss at failure, where that is known: `1 - 0.35^2`, seven eighths of the repetitions, are done then (`reserve`)."""
SAME_LOAD = 0.03
"""Share by which two loads may differ and still be the same."""
_STALL_S = 0.35
_PAUSE_S = 2.0
_RANGE_LOSS = 0.12
_D_RISE = 0.5
_SIDEWAYS = frozenset(
    {
        "hip_shift",
        "hip_drop",
        "trunk_lateral_lean",
        "trunk_lateral_bend",
        "centre_of_mass_aside",
        "bar_tilt",
        "bar_aside",
    }
)
_SHIFT_TOLERANCES = 0.8
_UNEVEN = 0.12
_SHAKE_TIMES = 2.0
_FASTER = 1.1


class Sign(IntFlag):
    """What was seen. Values equal ``kinecue_msgs/Effort``."""

    NONE = 0
    SLOWING = 1
    GRINDING = 2
    SHAKING = 4
    SHIFTING = 8
    FORM = 16
    RANGE = 32
    PAUSING = 64
    UNEVEN = 128


@dataclass(frozen=True)
class Lift:
    """A repetition with what was noticed in it beside its own fields.

    Attributes:
        repetition: as it was scored.
        load_kg: of the set when it ended; NaN = not known.
        stall_s: longest time in which the load stood still on its way up, s; NaN = not watched.
        handle, force: shaking.
        machine: the machine's sensors told its speed.
    """

    repetition: Repetition
    load_kg: float = math.nan
    stall_s: float = math.nan
    handle: Shake = NOT_TOLD
    force: Shake = NOT_TOLD

    @property
    def counted(self) -> bool:
        """A valid repetition."""
        return self.repetition.status == RepetitionStatus.VALID

    @property
    def by_machine(self) -> bool:
        """Its speed is in metres a second."""
        velocity = self.repetition.velocity
        return velocity is not None and math.isfinite(velocity.mean) and velocity.source != "camera"

    def speed(self, by_machine: bool) -> tuple[float, float]:
        """Mean concentric speed and its standard deviation; NaN if that sensor did not tell."""
        velocity = self.repetition.velocity
        if by_machine:
            if not self.by_machine or velocity is None:
                return math.nan, math.nan
            return velocity.mean, velocity.std if math.isfinite(velocity.std) else 0.03 * velocity.mean
        speed = self.repetition.mean_speed
        return (speed, CAMERA_SPEED_CV * speed) if speed > 0.0 else (math.nan, math.nan)


def above(value: float, limit: float, std: float) -> float:
    """Probability that a value that was measured with `std` is above a limit; 0 for one that was not measured."""
    if not math.isfinite(value):
        return 0.0
    return 0.5 * math.erfc((limit - value) / (max(std, 1e-9) * math.sqrt(2.0)))


def any_of(weighed: Sequence[tuple[float, float]]) -> float:
    """Probability of at least one of some signs, ``(probability, weight)``: the weight is how sure the sign is by itself."""
    return 1.0 - math.prod(1.0 - weight * probability for probability, weight in weighed)


def comparable(lifts: Sequence[Lift]) -> list[Lift]:
    """Counted repetitions of the newest one's side."""
    if not lifts:
        return []
    side = lifts[-1].repetition.side
    one_sided = side in (Side.LEFT, Side.RIGHT)
    return [
        lift
        for lift in lifts
        if lift.counted and (not one_sided or lift.repetition.side in (side, Side.BOTH))
    ]


def losses(lifts: Sequence[Lift], by_machine: bool) -> list[tuple[float, float]]:
    """Velocity loss of each repetition against the fast ones of the set, with its standard deviation.

    The reference is the second fastest as soon as there are four: the fastest of many is fast by chance.
    """
    speeds = [lift.speed(by_machine) for lift in lifts]
    known = sorted((speed for speed in speeds if math.isfinite(speed[0]) and speed[0] > 0.0), reverse=True)
    if len(known) < 2:
        return [(math.nan, math.nan)] * len(lifts)
    fast, fast_std = known[1] if len(known) >= 4 else known[0]
    relative0 = math.hypot(fast_std / fast, NATURAL_CV)
    return [
        (1.0 - speed / fast, speed / fast * math.hypot(std / speed, relative0))
        if speed > 0.0
        else (math.nan, math.nan)
        for speed, std in speeds
    ]


def slow_limit(fastest: float, minimal_velocity: float) -> float:
    """Velocity loss at which a set comes near failure."""
    if not (math.isfinite(fastest) and math.isfinite(minimal_velocity)) or fastest <= minimal_velocity:
        return SLOW_LOSS
    return min(max(_SLOW_SHARE * (1.0 - minimal_velocity / fastest), 0.25), 0.5)


def slowing(lifts: Sequence[Lift], by_machine: bool, minimal_velocity: float = math.nan) -> float:
    """The set gets slow: the newest repetition, and the one before on the way there."""
    done = comparable(lifts)
    if len(done) < BASELINE:
        return 0.0
    found = losses(done, by_machine)
    (now, std), (before, _) = found[-1], found[-2]
    if not math.isfinite(now):
        return 0.0
    # one slow repetition after fast ones is somebody who was distracted
    held = min(now, before + 0.2) if math.isfinite(before) else now
    fastest = max(
        (s for s, _ in (lift.speed(by_machine) for lift in done) if math.isfinite(s)), default=math.nan
    )
    limit = slow_limit(fastest, minimal_velocity if by_machine else math.nan)
    return above(held, limit, math.hypot(std, 0.05))


def grinding(lifts: Sequence[Lift], stall_s: float, by_machine: bool) -> float:
    """The load stands still on its way, for longer than it did in the first repetitions."""
    base = [lift.stall_s for lift in comparable(lifts)[:BASELINE] if math.isfinite(lift.stall_s)]
    if len(base) < 2 or not math.isfinite(stall_s):
        return 0.0
    doubt = 0.12 if by_machine else 0.3
    return above(stall_s - max(base), _STALL_S if by_machine else 2.0 * _STALL_S, doubt)


def pausing(lifts: Sequence[Lift]) -> float:
    """The break before the newest repetition is longer than the first ones."""
    breaks = [
        (later.repetition.start_ns - earlier.repetition.end_ns) * 1e-9 for earlier, later in pairwise(lifts)
    ]
    if len(breaks) < BASELINE:
        return 0.0
    return above(breaks[-1] - float(np.median(breaks[: BASELINE - 1])), _PAUSE_S, 0.7)


def shortening(lifts: Sequence[Lift], by_machine: bool) -> float:
    """The range shrinks."""
    done = comparable(lifts)
    newest = lifts[-1].repetition
    if len(done) < BASELINE:
        return 0.0
    if newest.status == RepetitionStatus.PARTIAL and newest.reason in (
        RepetitionReason.RANGE_TOO_SMALL,
        RepetitionReason.NO_LOCKOUT,
    ):
        return 0.7

    def way(lift: Lift) -> float:
        velocity = lift.repetition.velocity
        return velocity.range if by_machine and velocity is not None else lift.repetition.range

    base = float(np.median([way(lift) for lift in done[:BASELINE]]))
    if not (math.isfinite(base) and base > 0.0):
        return 0.0
    return above(1.0 - way(done[-1]) / base, _RANGE_LOSS, 0.03 if by_machine else 0.06)


def form_worse(lifts: Sequence[Lift]) -> float:
    """D rises against the first repetitions, and stays."""
    done = comparable(lifts)
    base = [lift.repetition.d for lift in done[:BASELINE] if math.isfinite(lift.repetition.d)]
    later = [lift.repetition.d for lift in done[BASELINE:] if math.isfinite(lift.repetition.d)]
    if len(base) < 2 or not later:
        return 0.0
    middle = float(np.median(base))
    # how much D differs between neighbours: three repetitions alone tell little of it
    jumps = np.abs(np.diff([*base, *later]))
    spread = max(float(np.std(base)), 1.05 * float(np.median(jumps)), 0.15, 0.15 * middle)
    before = later[-2] if len(later) > 1 else middle
    held = min(later[-1], before + 0.5)
    return above(held - middle, _D_RISE, math.hypot(spread, 0.15))


def new_faults(lifts: Sequence[Lift]) -> float:
    """Faults that matter and that the first repetitions did not have; a second repetition with one makes it sure."""
    done = [lift for lift in lifts if lift.repetition.status != RepetitionStatus.SETUP]
    if len(done) <= BASELINE:
        return 0.0
    known = {fault.name for lift in done[:BASELINE] for fault in lift.repetition.fault_details}
    worst = 0.0
    for age, lift in enumerate(reversed(done[BASELINE:][-2:])):
        for fault in lift.repetition.fault_details:
            if fault.severity < Severity.RISK or fault.name in known:
                continue
            again = age == 0 and any(
                other.name == fault.name
                for one in done[BASELINE:-1][-2:]
                for other in one.repetition.fault_details
            )
            worst = max(worst, fault.probability * (0.95 if again else 0.5))
    return worst


def shifting(lifts: Sequence[Lift]) -> float:
    """Hips, trunk or bar go to one side, or one leg or arm bends more, against the first repetitions."""
    done = comparable(lifts)
    if len(done) <= BASELINE:
        return 0.0

    def aside(lift: Lift) -> dict[str, float]:
        return {
            s.name: s.deviation
            for s in lift.repetition.shares
            if s.name in _SIDEWAYS and math.isfinite(s.deviation)
        }

    newest, before = aside(done[-1]), aside(done[-2])
    base = [aside(lift) for lift in done[:BASELINE]]
    found = 0.0
    for name, value in newest.items():
        first = [one[name] for one in base if name in one]
        if len(first) < 2 or name not in before:
            continue
        start = float(np.median(first))
        # one of many features wanders once in a while; it counts when it stays away
        away = math.copysign(1.0, value - start)
        shift = min(away * (value - start), away * (before[name] - start) + 0.5)
        spread = max(float(np.std(first)), 0.3)
        found = max(found, above(shift, _SHIFT_TOLERANCES, spread))
    now = done[-1].repetition
    first_asymmetries = [
        lift.repetition.asymmetry for lift in done[:BASELINE] if lift.repetition.asymmetry.usable
    ]
    if now.unit == "rad" and now.asymmetry.usable and len(first_asymmetries) >= 2:
        start = float(np.median([one.value for one in first_asymmetries]))
        doubt = math.hypot(now.asymmetry.std, first_asymmetries[0].std, 0.04)
        found = max(found, above(abs(now.asymmetry.value - start), 0.15, doubt))
    return found


def uneven(lifts: Sequence[Lift]) -> float:
    """One of two cables lags behind, against the first repetitions."""
    found = [
        lift.repetition.velocity.asymmetry
        for lift in comparable(lifts)
        if lift.repetition.velocity is not None and math.isfinite(lift.repetition.velocity.asymmetry)
    ]
    if len(found) <= BASELINE:
        return 0.0
    return above(abs(found[-1] - float(np.median(found[:BASELINE]))), _UNEVEN, 0.05)


def shaking(lifts: Sequence[Lift]) -> float:
    """Handle or force shakes more than in the first repetitions, and more than the sensor's noise."""
    done = comparable(lifts)
    if len(done) <= BASELINE:
        return 0.0
    usual = [lift.speed(True)[0] for lift in done[:BASELINE]]
    if done[-1].speed(True)[0] > _FASTER * max((v for v in usual if math.isfinite(v)), default=math.inf):
        # a swing has more of all frequencies
        return 0.0
    found = 0.0
    for course in ([lift.handle for lift in done], [lift.force for lift in done]):
        now = course[-1]
        base = [shake.rms for shake in course[:BASELINE] if math.isfinite(shake.rms)]
        if len(base) < 2 or not now.real or max(base) <= 0.0:
            continue
        found = max(found, above(math.log(now.rms / max(base)), math.log(_SHAKE_TIMES), 0.25))
    return found
