"""Samples of an inertial sensor, in SI units, and how the sensor is mounted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from kinecue.body.errors import ConfigError

GRAVITY = 9.80665
"""Standard acceleration of free fall, m/s^2 (CGPM 1901)."""

_ACCELERATION = {"g": GRAVITY, "mg": GRAVITY * 1e-3, "m/s2": 1.0}
_RATE = {"deg/s": math.pi / 180.0, "rad/s": 1.0}

Vector = tuple[float, float, float]
ABSENT: Vector = (math.nan, math.nan, math.nan)
"""A sensor without a gyroscope."""


class Mount(str, Enum):
    """What the sensor is fixed to."""

    BAR = "bar"
    """A barbell: it turns in the hands, and lies still between repetitions or at their ends."""
    HANDLE = "handle"
    """A dumbbell or the handle of a cable: turns with the hand."""
    STACK = "stack"
    """A guided weight stack: moves vertically and never turns."""


@dataclass(frozen=True, slots=True)
class InertialSample:
    """One sample.

    Attributes:
        stamp_ns: time of the sample by the sensor's own clock.
        acceleration: specific force in the sensor's frame, m/s^2: at rest it points up and is as long as gravity.
        rate: angular rate in the sensor's frame, rad/s; NaN without a gyroscope.
    """

    stamp_ns: int
    acceleration: Vector
    rate: Vector = ABSENT

    @property
    def finite(self) -> bool:
        """All three accelerations are numbers."""
        return all(math.isfinite(v) for v in self.acceleration)

    @property
    def turns(self) -> bool:
        """The gyroscope gave a reading."""
        return all(math.isfinite(v) for v in self.rate)


@dataclass(frozen=True)
class InertialUnits:
    """Units in which a sensor reports, by its configuration.

    Attributes:
        acceleration: ``g``, ``mg`` or ``m/s2``.
        rate: ``deg/s`` or ``rad/s``.

    Raises:
        ConfigError: for a unit that is not known.
    """

    acceleration: str = "m/s2"
    rate: str = "rad/s"

    def __post_init__(self) -> None:
        for field, value, known in (
            ("acceleration", self.acceleration, _ACCELERATION),
            ("rate", self.rate, _RATE),
        ):
            if value not in known:
                raise ConfigError(
                    "inertial sensor", f"units.{field}", f"is {value!r}, allowed: {', '.join(known)}"
                )

    def sample(
        self, stamp_ns: int, acceleration: Sequence[float], rate: Sequence[float] | None = None
    ) -> InertialSample:
        """A sample in SI units from three accelerations and three rates as the sensor reports them.

        Raises:
            ValueError: not three numbers.
        """
        return InertialSample(
            stamp_ns,
            _scaled(acceleration, _ACCELERATION[self.acceleration], "acceleration"),
            ABSENT if rate is None else _scaled(rate, _RATE[self.rate], "rate"),
        )


def _scaled(values: Sequence[float], factor: float, name: str) -> Vector:
    if len(values) != 3:
        raise ValueError(f"InertialUnits.sample: {name} needs 3 numbers, got {len(values)}")
    return (float(values[0]) * factor, float(values[1]) * factor, float(values[2]) * factor)
