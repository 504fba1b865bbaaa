"""Where the handle can be from one sample of the encoder to the next, and a counter that rolls over or restarts."""

from __future__ import annotations

import math
from collections import deque
from enum import Enum

from kinecue.machine.checking.agreement import Agreement, Odometer
from kinecue.machine.checking.findings import NANOSECONDS, CheckLimits

SPEED_WINDOW_NS = 20_000_000
"""Least time over which a speed is taken."""
CONFIRM, CONFIRM_NS = 3, 20_000_000
"""A new course is believed after so many samples and so much time."""
LOST_NS = NANOSECONDS
"""After so long without a plausible position, or a speed of the cable since, nothing is known of where the handle is."""
CABLE_LOOSE = 0.3
"""Share of its way by which the cable's speed may be off over a silence of the encoder."""
LAG_M_S, LAG_M = 0.8, 0.05
"""One sensor may lag 40 ms behind the other, and a handle gain 20 m/s^2 meanwhile."""
STOOD_NS = 50_000_000
"""A counter that stood for so long and then jumps may have stood while the handle went on."""
LEAST_OUT_M = 0.2
"""How far below its zero a handle may be found, m."""
_EDGES = tuple(
    (edge, low)
    for bits in (16, 24, 32)
    for edge, low in ((2 ** (bits - 1) - 1, -(2 ** (bits - 1))), (2**bits - 1, 0))
)
"""Where counters roll over: the last count, and the first one after it; signed and unsigned."""


class Step(Enum):
    """What the newest position is."""

    GOOD = 0
    HELD = 1
    """It cannot be, or not yet be told."""
    JUMPED = 2
    """Good, after others that could not be."""
    RESTARTED = 3
    """Good, on a new count of the counter; positions carry on."""


class Course:
    """Positions of one encoder, carried on when its counter rolls over or restarts.

    Attributes:
        position_m: the newest good one.
        speed_m_s: over the last 20 ms or more of good positions.
        shift_m: what is added to the encoder's own position.
        shifted_ns: stamp of the newest change of `shift_m`; speeds of a driver that span it are wrong.
        last_shift_m: by how much it changed then.
    """

    def __init__(self, limits: CheckLimits, odometer: Odometer, agreement: Agreement) -> None:
        self._limits, self._odometer, self._agreement = limits, odometer, agreement
        self.forget()

    def forget(self) -> None:
        """Nothing is known."""
        self.shift_m = self.last_shift_m = self.position_m = self._rolled_m = 0.0
        self.shifted_ns = -LOST_NS
        self._counts: float | None = None
        self._lose()

    def _lose(self) -> None:
        self.speed_m_s = 0.0
        self._good_ns: int | None = None
        self._recent: deque[tuple[int, float]] = deque()
        self._pending: list[tuple[int, float, float, int]] = []
        self._way_at_good: tuple[float, float, int] = (0.0, 0.0, -1)
        self._stood_ns = 0
        self._way_at_stand = self._way_at_good

    def stopped(self) -> None:
        """The counter was seen to stand while the handle went: the newest good position is that at which it stopped."""
        self._good_ns, self._way_at_good = self._stood_ns, self._way_at_stand
        self.speed_m_s = 0.0
        self._pending.clear()
        self._recent.clear()

    def unroll(self, stamp_ns: int, counts: float, counts_per_metre: float) -> None:
        """A count that is on the other side of the counter's end moves the positions by what it rolled over."""
        before, self._counts = self._counts, counts
        if before is None or abs(counts - before) < 2.0**15:
            return
        elapsed = 0.1 if self._good_ns is None else (stamp_ns - self._good_ns) * 1e-9
        way = self._limits.speed_m_s * max(elapsed, 0.0) + self._limits.jump_m
        for last, first in _EDGES:
            up = abs(before - last) + abs(counts - first)
            down = abs(before - first) + abs(counts - last)
            if min(up, down) <= abs(counts_per_metre) * way:
                rolled = (last - first + 1) if up < down else -(last - first + 1)
                self.shift_m += rolled / counts_per_metre
                self._rolled_m += rolled / counts_per_metre
                self.shifted_ns = stamp_ns
                return

    def within(self, own_m: float, counts_per_metre: float) -> float:
        """A position of the encoder with all that is added; one that was rolled over before the first sample is found.

        Then it lies a whole turn of the counter beyond every cable.
        """
        out, travel = own_m + self.shift_m, self._limits.travel_m
        if abs(out) <= travel or self._good_ns is not None or not math.isfinite(own_m * counts_per_metre):
            return out
        turns = [
            sign * (last - first + 1) / counts_per_metre for last, first in _EDGES[::2] for sign in (1, -1)
        ]
        fitting = [turn for turn in turns if -LEAST_OUT_M <= out + turn <= travel]
        if len(fitting) == 1:
            self.shift_m += fitting[0]
            self._rolled_m += fitting[0]
        return own_m + self.shift_m

    def take(self, stamp_ns: int, own_m: float) -> Step:
        """A newer position of the encoder, without what is added to it."""
        position = own_m + self.shift_m
        good_ns = self._good_ns
        followed = self._way_at_good[2] == self._odometer.epoch and not self._agreement.problem
        if good_ns is None or (stamp_ns - good_ns > LOST_NS and not followed):
            self._lose()
            return self._accept(stamp_ns, position, Step.GOOD)
        if self._possible(stamp_ns, position, good_ns):
            came_back = bool(self._pending)
            return self._accept(stamp_ns, position, Step.JUMPED if came_back else Step.GOOD)
        if self._pending:
            last_ns, last = self._pending[-1][:2]
            elapsed = (stamp_ns - last_ns) * 1e-9
            if abs(position - last) > self._limits.speed_m_s * elapsed + self._limits.jump_m:
                self._pending.clear()
        self._pending.append((stamp_ns, position, self._odometer.way_m, self._odometer.epoch))
        if len(self._pending) < CONFIRM or stamp_ns - self._pending[0][0] < CONFIRM_NS:
            return Step.HELD
        return self._carry_on(stamp_ns, position, good_ns)

    def _explained(self, stamp_ns: int, position: float, good_ns: int) -> bool | None:
        """Whether the way of the cable's speed leads to a position; None if that way is not known.

        It begins at the newest good position or, if the counter had stood until then, where it began to stand: it may have
        stood while the handle went on.
        """
        odometer, moved = self._odometer, position - self.position_m
        if self._agreement.problem:
            return None
        known = False
        for since_ns, (way, travel, epoch) in (
            (good_ns, self._way_at_good),
            (self._stood_ns, self._way_at_stand),
        ):
            if epoch == odometer.epoch:
                known = True
                lag = min(LAG_M_S * (stamp_ns - since_ns) * 1e-9, LAG_M)
                loose = CABLE_LOOSE * (odometer.travel_m - travel) + lag + self._limits.jump_m
                if abs(moved - (odometer.way_m - way)) <= loose:
                    return True
        return False if known else None

    def _possible(self, stamp_ns: int, position: float, good_ns: int) -> bool:
        limits, moved = self._limits, position - self.position_m
        elapsed = (stamp_ns - good_ns) * 1e-9
        # the speed is that of 10 to 20 ms ago
        bend = limits.acceleration_m_s2 * elapsed * (0.5 * elapsed + SPEED_WINDOW_NS * 1e-9)
        straight = abs(moved - self.speed_m_s * elapsed) <= bend + limits.jump_m
        possible = straight and abs(moved) <= limits.speed_m_s * elapsed + limits.jump_m
        if elapsed > limits.gap_s or self._pending or (not possible and good_ns > self._stood_ns):
            explained = self._explained(stamp_ns, position, good_ns)
            if explained is not None:
                return explained
        return possible

    def _carry_on(self, stamp_ns: int, position: float, good_ns: int) -> Step:
        """The new course is real; whether the counter restarted, or the handle was flung there."""
        first_ns, first, way, epoch = self._pending[0]
        elapsed = (first_ns - good_ns) * 1e-9
        flung = self._explained(stamp_ns, position, good_ns)
        stood = good_ns - self._stood_ns > STOOD_NS
        if flung is None or (stood and self._way_at_stand[2] != self._odometer.epoch):
            flung = abs(first - self.position_m) <= self._limits.speed_m_s * elapsed + self._limits.jump_m
            # a counter that stood may have stopped: then what it says now is right, and nothing tells it from a restart
            flung = flung or stood
        self._recent.clear()
        if flung:
            return self._accept(stamp_ns, position, Step.JUMPED)
        by_itself = position - self.shift_m + self._rolled_m
        if self.shift_m != self._rolled_m and self._explained(stamp_ns, by_itself, good_ns):
            # it had not restarted: what looked so was a counter that stopped
            self.shift_m, self.shifted_ns = self._rolled_m, stamp_ns
            return self._accept(stamp_ns, by_itself, Step.JUMPED)
        if epoch == self._way_at_good[2] and not self._agreement.problem:
            moved = way - self._way_at_good[0]
        else:
            speed = (position - first) / ((stamp_ns - first_ns) * 1e-9)
            moved = 0.5 * (self.speed_m_s + speed) * elapsed
        self.last_shift_m = self.position_m + moved - first
        self.shift_m += self.last_shift_m
        self.shifted_ns = stamp_ns
        return self._accept(stamp_ns, position + self.last_shift_m, Step.RESTARTED)

    def _accept(self, stamp_ns: int, position: float, step: Step) -> Step:
        recent = self._recent
        recent.append((stamp_ns, position))
        while len(recent) > 2 and stamp_ns - recent[1][0] >= SPEED_WINDOW_NS:
            recent.popleft()
        then_ns, then = recent[0]
        self.speed_m_s = (position - then) / ((stamp_ns - then_ns) * 1e-9) if stamp_ns > then_ns else 0.0
        odometer = self._odometer
        here = (odometer.way_m, odometer.travel_m, odometer.epoch)
        if position != self.position_m or self._good_ns is None:
            self._stood_ns, self._way_at_stand = stamp_ns, here
        self.position_m, self._good_ns, self._way_at_good = position, stamp_ns, here
        if self._pending:
            self._pending.clear()
        return step
