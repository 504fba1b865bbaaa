"""Two sensors on one cable: the encoder's way against that which the cable's own speed adds up to."""

from __future__ import annotations

import math
from collections import deque

BLOCK_NS = 100_000_000
LONGEST_BLOCK_NS = 300_000_000
LEAST_M = 0.01
"""Blocks in which neither sensor says more than that tell nothing."""
ENOUGH_M, ENOUGH_BLOCKS = 0.4, 5
"""Way after which it is judged: one short repetition, out and back."""
WINDOW_M = 3.0
SAME = 0.5
"""Correlation from which two sensors follow the same cable; -0.5 is the same cable with the sign turned."""


class Odometer:
    """Adds up the cable's speed.

    Attributes:
        way_m: signed, without a beginning.
        travel_m: unsigned.
        epoch: rises whenever the sum was interrupted; only ways of one epoch can be compared.
    """

    STILL_M_S = 0.03
    """A tachometer at rest may say so much; it is not added up."""
    LONGEST_NS = 100_000_000

    def __init__(self) -> None:
        self.way_m = self.travel_m = 0.0
        self.epoch = 0
        self.stamp_ns = 0
        self.speed_m_s = math.nan

    def add(self, stamp_ns: int, speed_m_s: float) -> None:
        """A sample of the speed; NaN interrupts the sum."""
        step = stamp_ns - self.stamp_ns
        mean = 0.5 * (self.speed_m_s + speed_m_s)
        self.stamp_ns, self.speed_m_s = stamp_ns, speed_m_s
        if not 0 < step <= self.LONGEST_NS or mean != mean:
            self.epoch += 1
            return
        if abs(mean) > self.STILL_M_S:
            way = mean * step * 1e-9
            self.way_m += way
            self.travel_m += abs(way)


class Agreement:
    """Sign and scale of the encoder against the cable's speed, over the newest metres of way.

    Ways are compared block by block of 0.1 s. Their ratio is that of their root mean squares (reduced major axis), which
    does not shrink when one of the sensors lags behind, as a regression would.

    Args:
        scale: share by which the ratio may be off.

    Attributes:
        problem: what contradicts, in words; empty while they agree or little has been seen.
        judged: enough has been seen.
    """

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self.problem = ""
        self.judged = False
        self.clear()

    def clear(self) -> None:
        """Forget the blocks; the judgement stays until there are new ones."""
        self._blocks: deque[tuple[float, float]] = deque()
        self._ee = self._cc = self._ec = self._way = 0.0
        self.interrupt()

    def interrupt(self) -> None:
        """The block under way cannot be used."""
        self._start: tuple[int, float, float, int] | None = None

    def encoder(self, stamp_ns: int, position_m: float, odometer: Odometer) -> None:
        """A position that is not implausible by itself."""
        start = self._start
        if start is not None and stamp_ns - start[0] < BLOCK_NS:
            return
        # no speed since: silent or without one
        known = 0 <= stamp_ns - odometer.stamp_ns < Odometer.LONGEST_NS or odometer.stamp_ns > stamp_ns
        whole = start is not None and odometer.epoch == start[3] and stamp_ns - start[0] <= LONGEST_BLOCK_NS
        if start is not None and known and whole:
            self._add(position_m - start[1], odometer.way_m - start[2])
        self._start = (stamp_ns, position_m, odometer.way_m, odometer.epoch)

    def _add(self, encoder_m: float, cable_m: float) -> None:
        way = max(abs(encoder_m), abs(cable_m))
        if way < LEAST_M:
            return
        self._count(encoder_m, cable_m, 1.0)
        self._blocks.append((encoder_m, cable_m))
        while self._way > WINDOW_M:
            self._count(*self._blocks.popleft(), -1.0)
        if self._way >= ENOUGH_M and len(self._blocks) >= ENOUGH_BLOCKS:
            self.problem = self._judge()
            self.judged = True

    def _count(self, e: float, c: float, sign: float) -> None:
        self._ee += sign * e * e
        self._cc += sign * c * c
        self._ec += sign * e * c
        self._way += sign * max(abs(e), abs(c))

    def _judge(self) -> str:
        ee, cc = max(self._ee, 1e-12), max(self._cc, 1e-12)
        r = self._ec / math.sqrt(ee * cc)
        ratio = math.sqrt(ee / cc)
        if r < -SAME:
            return "the encoder counts backwards when the cable goes out"
        if r < SAME:
            return "the way of the encoder has nothing to do with the cable's speed"
        doubt = 2.0 * math.sqrt(max(1.0 - r * r, 0.0) / len(self._blocks))
        # what has been told is told until it is clearly over
        limit = self._scale if not self.problem else 0.6 * self._scale
        if abs(ratio - 1.0) <= limit + doubt:
            return ""
        return f"the encoder's way is {100 * ratio:.0f} % of that by the cable's speed"
