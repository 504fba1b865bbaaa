"""What was found to be wrong with a machine's samples, and the limits behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kinecue.machine.samples import CableSide
from kinecue.machine.simulated.bounds import bounded, check

NANOSECONDS = 1_000_000_000
SHOWN_NS = 12 * NANOSECONDS
"""A finding is told for so long after it was last seen: rates are judged every 10 s at the slowest."""

KINDS = (
    "jump",
    "counter_restarted",
    "frozen",
    "saturated",
    "spikes",
    "noise",
    "speed_contradicts",
    "stamps",
    "gaps",
    "loss",
    "impossible",
    "zero",
    "fault",
)
"""What `Finding.what` may be."""


@dataclass(frozen=True)
class CheckLimits:
    """What a cable machine can do, and how bad a sensor may be before it is told.

    The defaults hold for any machine that people train on; a machine may have tighter ones.

    Attributes:
        speed_m_s: fastest handle: 8 m/s is more than a thrown medicine ball or a punch.
        acceleration_m_s2: of the handle, by which it may leave a straight course from one sample to the next.
        travel_m: most cable that can be out, m.
        tension_n: most that a cable carries, N: more than the heaviest deadlift (501 kg).
        jump_m: by which a position may miss its course besides that, m: jitter of stamps at 2 m/s, and coarse counters.
        spike_n: least step of the tension, N, that has to be confirmed by the next sample.
        noise_n: standard deviation of single readings, N, from which it is told. Averaged over a repetition of 0.5 s
            at 100 Hz, that is 1 N; a load cell in order has 1, a cheap one 4.
        spike_share: share of samples with a spike from which it is told.
        still_m: way that the cable's speed says, m, while the encoder does not move at all (or the other way round),
            before the one that stands still is called frozen.
        scale: share by which encoder and cable speed may differ in scale. Gain errors of cheap sensors are 3 to 5 %;
            a wrong pulley or number of lines is wrong by a quarter or more.
        gap_s: a silence that is told, s.
        loss: share of lost samples that is told; below it, velocities of a repetition do not suffer.
        late_s: how far a stamp may go back, s; what is off by more cannot be matched with the camera.
        late_share: share of such stamps, or of repeated ones, that is told.
        zero_m: how far the rest position may come to lie from its zero, m.
        zero_n: how far the tension at rest may come to lie from that of the calibration, N.
    """

    speed_m_s: float = bounded(8.0, 0.5, 50.0)
    acceleration_m_s2: float = bounded(80.0, 10.0, 1000.0)
    travel_m: float = bounded(10.0, 0.5, 50.0)
    tension_n: float = bounded(6000.0, 50.0, 50000.0)
    jump_m: float = bounded(0.02, 0.001, 1.0)
    spike_n: float = bounded(40.0, 1.0, 5000.0)
    noise_n: float = bounded(7.0, 0.1, 1000.0)
    spike_share: float = bounded(0.005, 0.0001, 1.0)
    still_m: float = bounded(0.05, 0.005, 1.0)
    scale: float = bounded(0.12, 0.02, 0.5)
    gap_s: float = bounded(0.2, 0.02, 10.0)
    loss: float = bounded(0.05, 0.001, 1.0)
    late_s: float = bounded(0.02, 0.0, 1.0)
    late_share: float = bounded(0.03, 0.001, 1.0)
    zero_m: float = bounded(0.05, 0.005, 1.0)
    zero_n: float = bounded(15.0, 1.0, 1000.0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with the samples of one cable.

    Attributes:
        what: one of `KINDS`.
        side: which cable.
        since_ns: stamp at which it was first seen, by the machine's clock.
        count: how often it was seen since then.
        text: what it is and what to do about it, for a person.
    """

    what: str
    side: CableSide
    since_ns: int
    count: int
    text: str


class Ledger:
    """Which findings there are now; one for all cables of a machine."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, CableSide], tuple[int, int, int, str]] = {}
        self._totals: dict[tuple[str, CableSide], int] = {}
        self.now_ns = 0

    def note(self, what: str, side: CableSide, stamp_ns: int, text: str) -> None:
        """It was seen at a time."""
        key = (what, side)
        self._totals[key] = self._totals.get(key, 0) + 1
        known = self._found.get(key)
        if known is None or stamp_ns - known[1] > SHOWN_NS:
            self._found[key] = (stamp_ns, stamp_ns, 1, text)
        else:
            self._found[key] = (known[0], max(stamp_ns, known[1]), known[2] + 1, text)

    def findings(self) -> tuple[Finding, ...]:
        """Those that were seen in the last 12 s of machine time, in the order of `KINDS`."""
        now = [
            Finding(what, side, since, count, text)
            for (what, side), (since, last, count, text) in self._found.items()
            if abs(self.now_ns - last) <= SHOWN_NS
        ]
        return tuple(sorted(now, key=lambda found: (KINDS.index(found.what), found.side)))

    @property
    def totals(self) -> dict[tuple[str, CableSide], int]:
        """How often each was seen since the beginning."""
        return dict(self._totals)

    def forget(self) -> None:
        """The clock of the machine begins anew."""
        self._found.clear()
        self.now_ns = 0


class Share:
    """Share of samples that are so, over about the last `memory` of them; nothing is said before half of that."""

    def __init__(self, memory: int) -> None:
        self._rate = 1.0 / memory
        self._least = memory // 2
        self._seen = 0
        self._share = 0.0

    def add(self, so: bool) -> None:
        """One more."""
        self._seen += 1
        self._share += (float(so) - self._share) * max(self._rate, 1.0 / self._seen)

    @property
    def value(self) -> float:
        """NaN while too few were seen."""
        return self._share if self._seen >= self._least else math.nan
