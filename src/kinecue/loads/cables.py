"""Tension of the machine's cables at the moment of an image, when the clocks are known, and when it does not matter."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from kinecue.body.measurement import Reason
from kinecue.loads.results import LoadSide

_KEPT_S = 3.0
_SPACING_NS = 3_000_000
"""Of samples that are kept: faster ones add nothing to a movement of a few hertz."""
FRESH_S = 1.0
"""A cable that has been silent for so long is not there."""
UNKNOWN_LATENCY_S = 0.25
"""How far a sample that is stamped by an unknown clock may be from its reception: buses and buffers of a machine."""
STEADY = 0.10
"""Change of the tension within what the clock leaves open that still counts as the same load, relative."""
STEADY_N = 5.0
SENSOR = 0.01
"""Of a load cell, relative standard deviation after calibration."""
IDLE_N = 10.0
"""A cable with less hangs idle."""


@dataclass(frozen=True)
class CableReading:
    """A cable at the moment of an image.

    Attributes:
        side: `LEFT`, `RIGHT`, or `BOTH` for the only one.
        tension_n: N; NaN where `reason` says why not. tension_std: its standard deviation.
        pulley_m: (3,) base frame.
        reason: `Reason.NONE` if usable.
        simulated: no real machine sent it.
    """

    side: LoadSide
    tension_n: float
    tension_std: float
    pulley_m: tuple[float, float, float]
    reason: Reason = Reason.NONE
    simulated: bool = False

    @property
    def usable(self) -> bool:
        """There is a tension and a direction."""
        return self.reason == Reason.NONE


@dataclass(frozen=True)
class _Sample:
    stamp_ns: int
    received_ns: int
    tension_n: float
    pulley_m: tuple[float, float, float]
    usable: bool
    simulated: bool


@dataclass(frozen=True)
class _Clock:
    offset_s: float
    std_s: float


class CableTensions:
    """Keeps what cables sent lately, and answers for the times of images."""

    def __init__(self) -> None:
        self._samples: dict[LoadSide, deque[_Sample]] = {}
        self._clocks: dict[LoadSide, _Clock | None] = {}

    def add(
        self,
        side: LoadSide,
        stamp_ns: int,
        received_ns: int,
        tension_n: float,
        pulley_m: tuple[float, float, float],
        usable: bool = True,
        simulated: bool = False,
    ) -> None:
        """A sample: stamped by the machine's clock, received by that of the images; `usable`: its flags allow it."""
        kept = self._samples.setdefault(side, deque())
        if kept and abs(stamp_ns - kept[-1].stamp_ns) < _SPACING_NS:
            return
        if kept and stamp_ns < kept[-1].stamp_ns:
            # the machine's clock began anew
            kept.clear()
        fine = usable and math.isfinite(tension_n) and tension_n >= 0.0
        kept.append(_Sample(stamp_ns, received_ns, tension_n, pulley_m, fine, simulated))
        while kept and received_ns - kept[0].received_ns > _KEPT_S * 1e9:
            kept.popleft()

    def clock(self, side: LoadSide, offset_s: float, std_s: float, known: bool) -> None:
        """Camera time = machine time + `offset_s`; of `BOTH` it holds for all cables. Not `known`: forget it."""
        fine = known and math.isfinite(offset_s) and math.isfinite(std_s)
        self._clocks[side] = _Clock(offset_s, std_s) if fine else None

    def at(self, stamp_ns: int) -> tuple[CableReading, ...]:
        """Every cable that is there at the time of an image."""
        readings = (self._one(side, kept, stamp_ns) for side, kept in sorted(self._samples.items()))
        return tuple(reading for reading in readings if reading is not None)

    def _one(self, side: LoadSide, kept: deque[_Sample], stamp_ns: int) -> CableReading | None:
        near = [s for s in kept if abs(s.received_ns - stamp_ns) < FRESH_S * 1e9]
        if not near:
            return None
        last = near[-1]
        clock = self._clocks.get(side) or self._clocks.get(LoadSide.BOTH)
        if clock is None:
            times, at, window = [s.received_ns for s in near], stamp_ns, UNKNOWN_LATENCY_S
        else:
            times = [s.stamp_ns for s in near]
            at, window = stamp_ns - round(clock.offset_s * 1e9), max(2.0 * clock.std_s, 0.02)
        inside = [s for s, t in zip(near, times, strict=True) if abs(t - at) <= window * 1e9]
        if not inside:
            return self._unusable(side, last, Reason.STALE)
        if not all(s.usable for s in inside):
            return self._unusable(side, last, Reason.NO_SENSOR)
        tensions = np.array([s.tension_n for s in inside])
        spread = float(tensions.max() - tensions.min())
        mean = float(tensions.mean())
        if clock is None and spread > STEADY * mean + STEADY_N:
            # which of these tensions belongs to the image is not known
            return self._unusable(side, last, Reason.UNCERTAIN)
        if not all(math.isfinite(v) for v in last.pulley_m):
            return self._unusable(side, last, Reason.NOT_CALIBRATED)
        std = math.hypot(SENSOR * mean, spread / 3.5)
        return CableReading(side, mean, std, last.pulley_m, simulated=last.simulated)

    @staticmethod
    def _unusable(side: LoadSide, last: _Sample, reason: Reason) -> CableReading:
        return CableReading(side, math.nan, math.nan, last.pulley_m, reason, last.simulated)
