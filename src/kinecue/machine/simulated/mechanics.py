"""The physics of a cable machine: a hand, an elastic cable, a moving mass, friction and end stops.

The hand is where its motion says; the moving mass has a state of its own. They are coupled by a cable that pulls
and cannot push, so that a hand which comes back faster than the stack can fall has a slack cable and, a moment
later, a jerk. Dry friction is that of Dahl (1968) with Stribeck's rise at rest, which is the LuGre model of Canudas
de Wit et al. (IEEE Trans. Automatic Control 40, 1995) without damping of its bristles: it holds at rest, turns round
smoothly and never gives energy away. Integration has a fixed step from the start of the motion, so the state at a
time does not depend on when it is asked for.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np

from kinecue.machine.simulated.history import FloatArray, Table
from kinecue.machine.simulated.model import MachineModel
from kinecue.machine.simulated.motion import NANOSECONDS, Motion

STEP_NS = 500_000
"""Of the integration: the stiffest cable on the lightest drive turns by 0.5 rad in it."""
_CHUNK = 256
_SETTLE_S = 3.0
"""So long after the end of a track everything is taken to be at rest."""
_LIVE_KEEP_S = 12.0
"""As long as a sensor can be late or frozen."""
_LIVE_GAP_S = 1.0
"""A live machine that was not asked for so long begins anew."""
_ARM_RAD_S = 20.0
"""Bandwidth with which a live handle follows the person: a tracker corrects itself in jumps, an arm does not."""
_BRISTLE_M = 0.0003
"""Way after which dry friction is there in full."""
_BRISTLE_STEP = 0.02
"""Most that the square of the bristles' own frequency times the step may be."""
_STRIBECK_M_S = 0.01
_CABLE_DAMPING = 0.25
"""Share of critical damping of the mass on the cable."""
_TAUT_N = 10.0
"""Tension at which the cable's damping is there in full: an empty cable has none."""
_STOP_N_M = 40000.0
"""Rubber bumper of a stack."""
_STOP_S_M = 1.0
"""Damping of the bumper, after Hunt and Crossley: force times ``1 + this * closing speed``."""
_OVERLOAD_S = 0.15
"""In which an eccentric overload comes and goes; one that came at once would swing with the cable at every stop."""
_GOVERNOR_N_S_M = 3000.0
"""How hard an isokinetic drive holds its speed."""


class Column(IntEnum):
    """What is kept of each step."""

    OUT = 0
    """Of the moving mass, in metres of cable; equals the hand's when it hangs still."""
    SPEED = 1
    TENSION = 2
    HAND = 3
    HAND_SPEED = 4
    HAND_ACCELERATION = 5
    RESISTANCE = 6
    """Force of load, curve, overload and governor, N."""
    WORK = 7
    """Done by the hand, J."""
    TAKEN = 8
    """Put into the resistance, J."""
    LOST = 9
    """To friction, damping and bumpers, J."""
    STORED = 10
    """In motion, cable, bumpers and bristles, J."""


class Mechanics:
    """The state of one cable over time.

    Args:
        motion: of the hand.
        model: of the machine.
    """

    def __init__(self, motion: Motion, model: MachineModel) -> None:
        self._motion = motion
        self._model = model
        self._live = motion.span_ns is None
        self.origin_ns: int | None = None
        """Stamp of step 0; None while nothing is known."""
        self.began_ns: int | None = None
        """The first `origin_ns` of all; it stays when a live motion pauses and begins anew."""
        self.generation = 0
        """Changes whenever everything begins anew."""
        self.table = Table(len(Column))
        span = motion.span_ns
        self._last_step = 0
        if span is not None:
            settle = (span[1] - span[0]) / STEP_NS + _SETTLE_S * NANOSECONDS / STEP_NS
            self._last_step = math.ceil(settle)
            self._restart(span[0])

    def reach(self, stamp_ns: int) -> bool:
        """Integrate up to a time; whether the state is known there."""
        if not self._live:
            self._advance_to(min(self._step(stamp_ns), self._last_step))
            return True
        if self.origin_ns is not None and self.table.first <= self._step(stamp_ns) < self.table.end:
            return True
        if self._motion.at(stamp_ns) is None:
            self.origin_ns = None
            return False
        gap = 0 if self.origin_ns is None else stamp_ns - self.origin_ns - self.table.end * STEP_NS
        if self.origin_ns is None or not -STEP_NS <= gap <= _LIVE_GAP_S * NANOSECONDS:
            self._restart(stamp_ns)
        self._advance_to(self._step(stamp_ns))
        return True

    def at(self, stamp_ns: int) -> FloatArray:
        """(len(Column),) the state at a time that was reached, or the nearest one that is kept."""
        return self.table.at((stamp_ns - (self.origin_ns or 0)) / STEP_NS)

    def _step(self, stamp_ns: int) -> int:
        return (stamp_ns - (self.origin_ns or 0)) // STEP_NS + 1

    def _advance_to(self, step: int) -> None:
        while self.table.end <= step:
            # whole chunks of a track, since its future is known; of a live motion no more than is asked for
            self._advance(min(_CHUNK, step + 1 - self.table.end) if self._live else _CHUNK)

    def _restart(self, stamp_ns: int) -> None:
        """At rest in the hand, which may already move."""
        self.origin_ns = stamp_ns
        if self.began_ns is None or stamp_ns < self.began_ns:
            self.began_ns = stamp_ns
        self.generation += 1
        keep = round(_LIVE_KEEP_S * NANOSECONDS / STEP_NS) if self._live else None
        self.table = Table(len(Column), keep)
        hand, hand_speed, acceleration = (float(v) for v in self._motion.course(stamp_ns, STEP_NS, 1)[0])
        model = self._model
        self._free_tension = model.static_load(0.0)
        out = self._equilibrium(hand)
        self._mass = (out, hand_speed)
        self._hand = (hand, hand_speed)
        self._bristle = 0.0
        self._drive = (model.resistance(out, 0.0), 0.0)
        self._energy = (0.0, 0.0, 0.0)
        tension = max(self._free_tension + model.stiffness_n_m * (hand - out), 0.0)
        stored = 0.5 * tension**2 / model.stiffness_n_m + 0.5 * model.moving_kg * hand_speed**2
        stored += 0.5 * _STOP_N_M * max(-model.clearance_m - out, 0.0) ** 2
        row = [
            out,
            hand_speed,
            tension,
            hand,
            hand_speed,
            acceleration,
            self._drive[0],
            0.0,
            0.0,
            0.0,
            stored,
        ]
        self.table.extend([row])

    def _equilibrium(self, hand: float) -> float:
        """Where the mass hangs still."""
        model = self._model
        low, high = min(hand, -model.clearance_m) - 1.0, hand + 1.0
        for _ in range(60):
            out = 0.5 * (low + high)
            force = max(self._free_tension + model.stiffness_n_m * (hand - out), 0.0)
            force += _STOP_N_M * max(-model.clearance_m - out, 0.0) - model.resistance(out, 0.0)
            force -= _STOP_N_M * max(out - model.travel_m + model.clearance_m, 0.0)
            low, high = (out, high) if force > 0.0 else (low, out)
        return 0.5 * (low + high)

    def _advance(self, count: int) -> None:
        dt = STEP_NS / NANOSECONDS
        start = (self.origin_ns or 0) + self.table.end * STEP_NS
        hands = self._motion.course(start, STEP_NS, count)
        model = self._model
        mass, stiffness, viscous = model.moving_kg, model.stiffness_n_m, model.viscous_n_s_m
        free = self._free_tension
        damping = 2.0 * _CABLE_DAMPING * math.sqrt(stiffness * mass)
        dry, static = model.friction_n, model.friction_n * (1.0 + model.stiction)
        # on a light drive with hard friction the bristles are softer, as stiff as the step can follow
        bristle_n_m = min(dry / _BRISTLE_M, _BRISTLE_STEP * mass / dt**2)
        bottom, top = -model.clearance_m, model.travel_m - model.clearance_m
        lag = 1.0 - math.exp(-dt / model.drive_lag_s) if model.drive_lag_s > 0.0 else 1.0
        limit, most = model.speed_limit_m_s, model.force_limit_n
        x, v = self._mass
        z, (drive, overload) = self._bristle, self._drive
        hand, hand_speed = self._hand
        work, taken, lost = self._energy
        rows = []
        for target, target_speed, target_acceleration in hands.tolist():
            if self._live:
                acceleration = _ARM_RAD_S**2 * (target - hand) + 2.0 * _ARM_RAD_S * (
                    target_speed - hand_speed
                )
                hand_speed += dt * acceleration
                hand += dt * hand_speed
            else:
                hand, hand_speed, acceleration = target, target_speed, target_acceleration
            overload += (model.overload(v) - overload) * dt / _OVERLOAD_S
            drive += lag * (min(model.static_load(x) * (1.0 + overload), most) - drive)
            # drag is what grows with the coming speed; it is solved for, so it can be as stiff as it likes
            held, drag, governor = drive, viscous, 0.0
            if v > limit:
                if drive + _GOVERNOR_N_S_M * (v - limit) < most:
                    governor = _GOVERNOR_N_S_M
                    held, drag = held - governor * limit, drag + governor
                else:
                    held = most
            friction = 0.0
            if dry > 0.0:
                friction, z, bristle_loss = _bristle(
                    v, z, dt, bristle_n_m, dry + (static - dry) * math.exp(-((v / _STRIBECK_M_S) ** 2))
                )
                lost += bristle_loss
            stop = _stop(bottom - x, -v) - _stop(x - top, v)
            if stop:
                spring = _STOP_N_M * (max(bottom - x, 0.0) - max(x - top, 0.0))
                lost += max((spring - stop) * v * dt, 0.0)
            push = stop - friction - held
            stretch_n = free + stiffness * (hand - x)
            tension = 0.0
            faster = (mass * v + dt * push) / (mass + dt * drag)
            if stretch_n > 0.0:
                grip = damping * min(stretch_n / _TAUT_N, 1.0)
                pulled = (mass * v + dt * (push + stretch_n + grip * hand_speed)) / (
                    mass + dt * (drag + grip)
                )
                tension = stretch_n + grip * (hand_speed - pulled)
                if tension > 0.0:
                    faster = pulled
                    lost += grip * (hand_speed - pulled) ** 2 * dt
                else:
                    # it is let go faster than it can follow: its stretch is lost in its own damping
                    tension = 0.0
                    lost += stretch_n * (faster - hand_speed) * dt
            resistance = held + governor * faster
            work += tension * hand_speed * dt
            taken += resistance * faster * dt
            lost += viscous * faster * faster * dt
            v = faster
            x += dt * v
            stored = 0.5 * (mass * v * v + bristle_n_m * z * z)
            stored += 0.5 * max(free + stiffness * (hand - x), 0.0) ** 2 / stiffness
            stored += 0.5 * _STOP_N_M * (max(bottom - x, 0.0) ** 2 + max(x - top, 0.0) ** 2)
            rows.append(
                (x, v, tension, hand, hand_speed, acceleration, resistance, work, taken, lost, stored)
            )
        self._mass, self._hand, self._bristle, self._drive = (x, v), (hand, hand_speed), z, (drive, overload)
        self._energy = (work, taken, lost)
        self.table.extend(rows)


def _bristle(v: float, z: float, dt: float, stiffness: float, limit: float) -> tuple[float, float, float]:
    """Mean force, new deflection and loss of Dahl's bristles in a step at constant speed, solved exactly."""
    rate = abs(v) * stiffness / limit
    if rate * dt < 1e-9:
        return stiffness * z, z, 0.0
    end = math.copysign(limit / stiffness, v)
    left = math.exp(-rate * dt)
    new = end + (z - end) * left
    mean = stiffness * (end + (z - end) * (1.0 - left) / (rate * dt))
    return mean, new, max(mean * v * dt - 0.5 * stiffness * (new * new - z * z), 0.0)


def _stop(depth: float, closing: float) -> float:
    """Force of a bumper, N."""
    if depth <= 0.0:
        return 0.0
    # nothing in a gym closes faster than that; the cut keeps an absurd motion from an absurd force
    return _STOP_N_M * depth * min(max(1.0 + _STOP_S_M * closing, 0.0), 6.0)


def as_columns(rows: FloatArray, *columns: Column) -> list[list[float]]:
    """Columns of some rows as lists, which a loop reads faster."""
    return [np.ascontiguousarray(rows[:, column]).tolist() for column in columns]
