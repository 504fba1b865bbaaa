"""Loads of one person from frame to frame: dynamics, figures and dangers, with what is known of load and exercise."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinecue.body import Body, Measurement
from kinecue.body.measurement import Reason
from kinecue.loads.cables import IDLE_N, CableReading
from kinecue.loads.danger import Danger, DangerWatch, LoadNow, PostureNow
from kinecue.loads.dynamics import BodyDynamics
from kinecue.loads.external import CablePull, External, HeldMass
from kinecue.loads.figures import L5S1_COMPRESSION, LoadFigure, load_figures
from kinecue.loads.levers import feet_stay, postures_of
from kinecue.loads.limits import Experience
from kinecue.loads.placement import Carry, carry_of
from kinecue.loads.results import GRAVITY, Dynamics, Hands, Joint
from kinecue.loads.segments import LoadPerson

LOAD_STD = 0.02
"""Of a weight that somebody has entered, relative: plates are within 2 to 3 % of what they say."""
_PART_OF_LOAD = 0.3
"""Of the weight that is known: a stack at rest, or a drive that keeps a cable straight, pulls with less."""
_KEPT = 60
_SAME_NS = 60_000_000
"""What scoring says of a frame so near in time is of this frame."""


@dataclass(frozen=True)
class Movement:
    """What scoring says of a frame.

    Attributes:
        stamp_ns: of the frame.
        exercise: name of the exercise file; empty = not known.
        set_id: of the set.
        repetition: under way, from 1.
        moving: the load is being moved or held.
        upwards: on the way back to the start position.
        progress: NaN = not known.
        lean: of the trunk; None = not measured. ideal, tolerance: of this person here, rad; NaN = the file has none.
    """

    stamp_ns: int
    exercise: str
    set_id: str = ""
    repetition: int = 0
    moving: bool = False
    upwards: bool = False
    progress: float = math.nan
    lean: Measurement | None = None
    ideal: float = math.nan
    tolerance: float = math.nan


@dataclass(frozen=True)
class Carried:
    """What is held or pulled, as far as it is known.

    Attributes:
        external: for the dynamics.
        hands: whether something unknown is held.
        load_kg: of all of it; NaN = not known.
        source: ``cable``, ``set`` or ``none``.
        reason: why it is not known.
    """

    external: tuple[External, ...] = ()
    hands: Hands = Hands.EMPTY
    load_kg: float = 0.0
    source: str = "none"
    reason: Reason = Reason.NONE


@dataclass(frozen=True)
class LoadUpdate:
    """Loads at the moment of one frame.

    Attributes:
        dynamics: forces and moments.
        figures: compression and shear, or why there is none.
        dangers: that began in this frame.
        carried: what was held or pulled.
        exercise: at the time.
    """

    dynamics: Dynamics
    figures: tuple[LoadFigure, ...]
    dangers: tuple[Danger, ...]
    carried: Carried
    exercise: str


def carried_of(
    carry: Carry, load_kg: float, cables: Sequence[CableReading] = (), on_cable: bool = False
) -> Carried:
    """What is held or pulled in an exercise.

    A cable that pulls is the load. Otherwise it is the weight that somebody has entered; an exercise with the own weight
    needs none.

    Args:
        carry: of the exercise.
        load_kg: of a free weight; NaN = not known.
        cables: of the moment.
        on_cable: the cable is known to be the load (see `pulls_load`).
    """
    on_cable = on_cable or carry.cable
    pulling = [c for c in cables if on_cable and not c.tension_n < IDLE_N]
    if pulling:
        return _pulled(pulling)
    if on_cable and cables:
        # the handle hangs slack: nothing pulls
        return Carried(source="cable")
    if math.isfinite(load_kg) and load_kg >= 0.0 and not carry.cable:
        if load_kg == 0.0:
            return Carried(source="set")
        if carry.known:
            held = HeldMass(load_kg, carry.place, mass_std=LOAD_STD * load_kg)
            return Carried((held,), Hands.EMPTY, load_kg, "set")
    elif carry.own_weight:
        return Carried()
    return Carried((), Hands.UNKNOWN, math.nan, "none", Reason.NO_LOAD)


def pulls_load(load_kg: float, cables: Sequence[CableReading]) -> bool:
    """Whether the cables show, in an exercise that may be done with a free weight too, that they are the load.

    A cable beside somebody who lifts a bar hangs idle. A simulated one follows any movement, held or not, and shows nothing.
    """
    tension = sum(c.tension_n for c in cables if c.usable and not c.simulated)
    least = _PART_OF_LOAD * load_kg * GRAVITY if load_kg > 0.0 else IDLE_N
    return tension >= max(least, IDLE_N)


def _pulled(cables: Sequence[CableReading]) -> Carried:
    broken = next((c for c in cables if not c.usable), None)
    if broken is not None:
        return Carried((), Hands.UNKNOWN, math.nan, "cable", broken.reason)
    pulls = tuple(CablePull(c.tension_n, np.array(c.pulley_m), c.side, c.tension_std) for c in cables)
    return Carried(pulls, Hands.EMPTY, sum(c.tension_n for c in cables) / GRAVITY, "cable")


class LoadTracker:
    """Loads of one person. Another person, or another body mass, needs another tracker.

    Args:
        person: whose loads.
        experience: for the limits.
    """

    def __init__(self, person: LoadPerson, experience: Experience = Experience.USUAL) -> None:
        self.person = person
        self._experience = experience
        self._dynamics = BodyDynamics(person)
        self._watch = DangerWatch()
        self._bodies: deque[Body] = deque(maxlen=_KEPT)
        self._movements: deque[Movement] = deque(maxlen=_KEPT)
        self._carried: deque[tuple[int, Carried]] = deque(maxlen=_KEPT)
        self._on_cable: str | None = None

    def moved(self, movement: Movement) -> None:
        """What scoring says of a frame; best before the body of the next one."""
        if self._movements and movement.stamp_ns < self._movements[-1].stamp_ns:
            self._movements.clear()
        self._movements.append(movement)

    def carried(self, load_kg: float, cables: Sequence[CableReading] = ()) -> Carried:
        """What is held or pulled now; a cable that has been the load in this exercise stays it."""
        if self._on_cable != self.exercise and pulls_load(load_kg, cables):
            self._on_cable = self.exercise
        on_cable = self._on_cable == self.exercise
        return carried_of(carry_of(self.exercise), load_kg, cables, on_cable)

    @property
    def exercise(self) -> str:
        """That is being done, by the newest movement; empty = not known."""
        return self._movements[-1].exercise if self._movements else ""

    def update(self, body: Body, carried: Carried) -> LoadUpdate | None:
        """One body on; None where nothing new follows (the first frames, or a stamp that is not newer)."""
        carry = carry_of(self.exercise)
        found = self._dynamics.update(body, carried.external, carried.hands, carry.support)
        self._bodies.append(body)
        self._carried.append((body.stamp_ns, carried))
        if found is None:
            return None
        then = min(self._carried, key=lambda item: abs(item[0] - found.stamp_ns))[1]
        movement = self._movement_at(found.stamp_ns)
        sex = self.person.sex or ""
        figures = load_figures(found, sex, self._experience)
        if then.reason != Reason.NONE:
            # why the load is not known says more than that it is not
            figures = tuple(
                replace(f, reason=then.reason) if f.reason == Reason.NO_LOAD else f for f in figures
            )
        dangers: tuple[Danger, ...] = ()
        if movement is not None:
            dangers = self._watch.update(self._now(found, figures, then, movement, carry))
        return LoadUpdate(
            found, figures, dangers, then, movement.exercise if movement is not None else self.exercise
        )

    def _movement_at(self, stamp_ns: int) -> Movement | None:
        near = min(self._movements, key=lambda m: abs(m.stamp_ns - stamp_ns), default=None)
        return near if near is not None and abs(near.stamp_ns - stamp_ns) <= _SAME_NS else None

    def _now(
        self,
        dynamics: Dynamics,
        figures: Sequence[LoadFigure],
        carried: Carried,
        movement: Movement,
        carry: Carry,
    ) -> LoadNow:
        spine = next(f for f in figures if f.name == L5S1_COMPRESSION)
        body = min(self._bodies, key=lambda b: abs(b.stamp_ns - dynamics.stamp_ns))
        postures: tuple[PostureNow, ...] = ()
        if spine.interval is not None and abs(body.stamp_ns - dynamics.stamp_ns) <= _SAME_NS:
            postures = postures_of(
                body,
                dynamics,
                carry,
                carried.load_kg,
                movement.lean,
                movement.ideal,
                movement.tolerance,
                not carry.hangs or feet_stay(self._bodies),
            )
        joint = dynamics.joint(Joint.L5S1)
        return LoadNow(
            stamp_ns=dynamics.stamp_ns,
            set_id=movement.set_id,
            exercise=movement.exercise,
            load_kg=carried.load_kg,
            repetition=movement.repetition,
            moving=movement.moving,
            upwards=movement.upwards,
            progress=movement.progress,
            extension=joint.extension if joint.usable else math.nan,
            compression=spine.interval,
            limit=spine.limit.value,
            postures=postures,
        )
