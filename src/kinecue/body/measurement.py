"""A number together with how far it can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum


class Validity(IntEnum):
    """Whether a value may be used. Values equal ``kinecue_msgs/JointAngle``."""

    ABSTAINED = 0
    """There is no value (NaN); the reason says why."""
    INFERRED = 1
    """From at least one landmark that was not seen in this frame."""
    VALID = 2
    """From landmarks seen in this frame."""


class Reason(IntEnum):
    """Why a value, a fault or a phase is abstained from. Values equal ``kinecue_msgs/JointAngle``."""

    NONE = 0
    OCCLUDED = 1
    OUT_OF_FRAME = 2
    VIEW = 3
    NOT_CALIBRATED = 4
    NO_SENSOR = 5
    UNCERTAIN = 6
    NO_PERSON = 7
    STALE = 8
    UNSUPPORTED = 9
    IMPLAUSIBLE = 10
    NO_LOAD = 11


_ABSTAINED = Validity.ABSTAINED


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value with its standard deviation.

    Attributes:
        value: in SI units (radians, metres, ratio); NaN if abstained.
        std: standard deviation, same unit; NaN if abstained.
        validity: whether it may be used.
        reason: why not, `Reason.NONE` otherwise.
    """

    value: float
    std: float
    validity: Validity = Validity.VALID
    reason: Reason = Reason.NONE

    @staticmethod
    def abstained(reason: Reason) -> Measurement:
        """No value, for `reason`."""
        return Measurement(math.nan, math.nan, Validity.ABSTAINED, reason)

    @property
    def usable(self) -> bool:
        """There is a finite value with a finite standard deviation."""
        return self.validity != _ABSTAINED and math.isfinite(self.value) and math.isfinite(self.std)
