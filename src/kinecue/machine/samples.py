"""What a cable machine reports: force and way of the cable. Values equal ``kinecue_msgs``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from kinecue.body.measurement import Reason, Validity


class CableSide(IntEnum):
    """Which cable, by the person's own sides."""

    NONE = 0
    """The machine has one cable."""
    LEFT = 1
    RIGHT = 2


class CableFlag(IntFlag):
    """State of a cable and its force sensor (``kinecue_msgs/CableLoad``)."""

    NONE = 0
    SLACK = 1
    """No tension: the cable hangs through."""
    ECCENTRIC_OVERLOAD = 2
    """The drive adds load on the way back."""
    SATURATED = 4
    """The sensor is at the end of its range."""
    FAULT = 8
    """The machine reports a fault of its own."""
    SIMULATED = 16
    IMPLAUSIBLE = 32
    """Jumps, or contradicts the encoder: not to be used."""
    FROZEN = 64
    """Stands still although the handle moves: not to be used."""


_UNUSABLE = int(CableFlag.SATURATED | CableFlag.FAULT | CableFlag.IMPLAUSIBLE | CableFlag.FROZEN)


class Direction(IntEnum):
    """Where the handle is going (``kinecue_msgs/RepEncoder``)."""

    BACK = -1
    STILL = 0
    OUT = 1


@dataclass(frozen=True)
class CableSample:
    """One sample of a cable's force sensor.

    Attributes:
        stamp_ns: time of the sample.
        tension_n: N, 0 and up; NaN without a reading.
        speed_m_s: of the cable, positive when it is pulled out; NaN if not measured.
        position_m: cable that is out, from the rest position; NaN if not measured.
        pulley_m: where the cable leaves the machine, base frame, m; NaN if not known.
        load_n: what the machine was set to; NaN if not known.
        side: which cable.
        flags: its state.
        raw: what the force sensor itself reads, in its own units and with its sign, where the driver has that (the counts
            of a bridge's converter); the calibration turns it into newtons. NaN if there is none.
    """

    stamp_ns: int
    tension_n: float
    speed_m_s: float = math.nan
    position_m: float = math.nan
    pulley_m: tuple[float, float, float] = (math.nan, math.nan, math.nan)
    load_n: float = math.nan
    side: CableSide = CableSide.NONE
    flags: CableFlag = CableFlag.NONE
    raw: float = math.nan

    def __post_init__(self) -> None:
        if self.tension_n < 0.0:
            raise ValueError(f"CableSample.tension_n: a cable cannot push, got {self.tension_n}")

    @property
    def usable(self) -> bool:
        """There is a tension, and nothing speaks against it."""
        return math.isfinite(self.tension_n) and not int(self.flags) & _UNUSABLE


@dataclass(frozen=True)
class EncoderSample:
    """One sample of a repetition encoder.

    Attributes:
        stamp_ns: time of the sample.
        position_m: from the rest position, positive when pulled out; NaN without a reading.
        speed_m_s: positive when pulled out; NaN if not measured.
        direction: where it is going.
        count: raw counts.
        counts_per_metre: scale from count to position, signed; NaN if not calibrated.
        side: which cable.
        validity: `Validity.VALID` or `Validity.ABSTAINED`.
        reason: why there is no reading.
    """

    stamp_ns: int
    position_m: float
    speed_m_s: float
    direction: Direction
    count: int
    counts_per_metre: float
    side: CableSide = CableSide.NONE
    validity: Validity = Validity.VALID
    reason: Reason = Reason.NONE

    @property
    def valid(self) -> bool:
        """There is a reading."""
        return self.validity == Validity.VALID and math.isfinite(self.position_m)
