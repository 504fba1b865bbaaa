"""Which way is up in the sensor's frame: known at rests, turned on by the gyroscope, held by gravity in between.

Only the direction of gravity is followed, never the heading, which a vertical velocity does not need. A vector that is
fixed in the world changes in the sensor's frame by ``du/dt = -w x u`` (right-handed axes).
"""

from __future__ import annotations

import math

from kinecue.machine.inertial.sample import GRAVITY, InertialSample, Vector

TIME_CONSTANT_S = 5.0
"""Of the complementary filter: a gyroscope's direction drifts by less than a degree in this time, a lift takes less."""
NEAR_GRAVITY = 0.05
"""Share of gravity within which the specific force may be taken for up: 0.5 m/s^2, at most 3 degrees wrong."""


class GravityTracker:
    """Follows up (unit vector in the sensor's frame) for one handedness of the gyroscope.

    Args:
        sign: +1 when the rates belong to the right-handed axes of the accelerometer, -1 when they turn the other way.
    """

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.up: Vector | None = None
        self._rate: Vector | None = None

    def still(self, acceleration: Vector) -> None:
        """Sets up from the mean specific force of a stillness."""
        self.up = unit(acceleration)

    def turn(self, sample: InertialSample, seconds: float, offset: Vector) -> None:
        """Goes on by one sample, `seconds` after the one before; `offset` of the gyroscope, rad/s."""
        if self.up is None or not sample.turns:
            self._rate = None
            return
        before = self._rate or sample.rate
        self._rate = sample.rate
        half = 0.5 * seconds * self.sign
        x, y, z = (half * (a + b - 2.0 * o) for a, b, o in zip(before, sample.rate, offset, strict=True))
        self.up = unit(_rotated(self.up, (-x, -y, -z)))
        self._lean(sample.acceleration, seconds)

    def _lean(self, force: Vector, seconds: float) -> None:
        length = math.hypot(*force)
        if self.up is None or abs(length - GRAVITY) > NEAR_GRAVITY * GRAVITY:
            return
        gain = seconds / (TIME_CONSTANT_S + seconds)
        x, y, z = (u + gain * (f / length - u) for u, f in zip(self.up, force, strict=True))
        self.up = unit((x, y, z))


def unit(vector: Vector) -> Vector | None:
    """Of length one; None for a vector without a direction."""
    length = math.hypot(*vector)
    if not math.isfinite(length) or length < 1e-9:
        return None
    return (vector[0] / length, vector[1] / length, vector[2] / length)


def angle(a: Vector, b: Vector) -> float:
    """Between two vectors, rad. Stable for small angles."""
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return math.atan2(math.hypot(*cross), sum(x * y for x, y in zip(a, b, strict=True)))


def _rotated(v: Vector, turn: Vector) -> Vector:
    """`v` turned about `turn` by its length (Rodrigues)."""
    theta = math.hypot(*turn)
    if theta < 1e-12:
        return v
    kx, ky, kz = turn[0] / theta, turn[1] / theta, turn[2] / theta
    cos, sin = math.cos(theta), math.sin(theta)
    dot = (kx * v[0] + ky * v[1] + kz * v[2]) * (1.0 - cos)
    return (
        v[0] * cos + (ky * v[2] - kz * v[1]) * sin + kx * dot,
        v[1] * cos + (kz * v[0] - kx * v[2]) * sin + ky * dot,
        v[2] * cos + (kx * v[1] - ky * v[0]) * sin + kz * dot,
    )


class Handedness:
    """Learns whether the gyroscope turns the right way for the accelerometer's axes.

    Boards and their libraries give axes of both kinds, often unknowingly. Wherever a sensor was turned between two
    rests, the direction of gravity that the gyroscope predicts can be compared with the one that was measured.
    """

    STD = math.radians(3.0)
    """Of a prediction over the seconds of a repetition, and of up at a rest."""
    EVIDENCE = 12.0
    """Log likelihood ratio from which it is settled: odds of 160,000 to 1."""
    FIRST_EVIDENCE = 1.0
    """Log likelihood ratio against right-handed axes from which they are doubted."""
    LARGEST = 4.0
    """Evidence of one turn, so that a single knock does not settle it."""

    def __init__(self) -> None:
        self._evidence = 0.0

    @property
    def sign(self) -> int:
        """The more likely one; right-handed until there is evidence."""
        return -1 if self._evidence < -self.FIRST_EVIDENCE else 1

    @property
    def settled(self) -> bool:
        """There is enough evidence."""
        return abs(self._evidence) >= self.EVIDENCE

    def learn(self, measured: Vector, right: Vector | None, left: Vector | None) -> None:
        """Compares up at a rest with what the right-handed and the left-handed tracker say."""
        if self.settled or right is None or left is None:
            return
        gain = (angle(measured, left) ** 2 - angle(measured, right) ** 2) / (2.0 * self.STD**2)
        self._evidence += min(max(gain, -self.LARGEST), self.LARGEST)
