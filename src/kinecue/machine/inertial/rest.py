"""When the sensor lies still: the only moments at which an inertial sensor knows its velocity."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from kinecue.machine.inertial.sample import GRAVITY, InertialSample, Vector

WINDOW_S = 0.25
"""Shortest stillness. A lifter turns around within 0.1 to 0.2 s (a touch and go), so that is no rest."""
QUIET_RMS = 0.12
"""m/s^2 about the mean of the window: nobody holds the load. Sensors of this kind have 0.02, a gym adds steps and music."""
HELD_RMS = 0.3
"""m/s^2: still, but held, as at the top of a deadlift. A load that is lowered evenly can look the same for a moment."""
RATE_RMS = 0.05
"""rad/s about the mean of the window: ten times a gyroscope's noise."""
RATE_LIMIT = 0.12
"""rad/s (7 deg/s) from the known offset: still enough for a bar that is let roll."""
OFFSET_CHANGE = 0.02
"""rad/s (1 deg/s), by which the offset changes from rest to rest (warming up); more is a bar that rolls slowly."""
OFFSET_TIME_S = 1.0
"""Of stillness, over which the known offset follows."""
OFFSET_LIMIT = 0.35
"""rad/s (20 deg/s): the largest offset that data sheets of such gyroscopes allow (MPU-6050), before it is known."""
QUIET_LENGTH = 0.3
"""m/s^2, by which the specific force may be longer or shorter than at the rest before: its offset (20 to 40 mg by data
sheets) changes with the attitude. More is a load that gathers or loses speed evenly."""
HELD_LENGTH = 0.15
"""The same for a load that is held: over the quarter of a second this is 0.04 m/s."""
FIRST_LENGTH_LIMIT = 0.8
"""m/s^2 from standard gravity at the first rest: offset and scale of an uncalibrated sensor."""
FEWEST = 4
"""Samples of a window, so that a slow sensor is judged over a longer time."""
_AXES = 6


@dataclass(frozen=True)
class Rest:
    """Stillness up to now.

    Attributes:
        since_ns: stamp of its first sample.
        acceleration: mean of its newest window, m/s^2.
        rate: mean of its newest window, rad/s: the gyroscope's offset; NaN without one.
        quiet: nobody holds the load: a rest beyond doubt, and one that shows what gravity is.
    """

    since_ns: int
    acceleration: Vector
    rate: Vector
    quiet: bool = True


class RestDetector:
    """Tells at every sample whether the sensor has been still for a window. The cost does not depend on the rate."""

    def __init__(self) -> None:
        self._offset: Vector | None = None
        self._length: float | None = None
        self.reset()

    def reset(self) -> None:
        """Forgets the window, as after a gap; the gyroscope's offset stays known."""
        self._window: deque[InertialSample] = deque()
        self._sums = [0.0] * _AXES
        self._squares = [0.0] * _AXES
        self._turning = 0
        self._since_ns: int | None = None

    def update(self, sample: InertialSample) -> Rest | None:
        """The stillness that this sample ends, or None. Stamps have to rise."""
        window = self._window
        window.append(sample)
        self._count(sample, 1.0)
        shortest = round(WINDOW_S * 1e9)
        while len(window) > FEWEST and sample.stamp_ns - window[1].stamp_ns >= shortest:
            self._count(window.popleft(), -1.0)
        if len(window) < FEWEST or sample.stamp_ns - window[0].stamp_ns < shortest:
            return None
        rms = self._rms()
        if rms >= HELD_RMS or not self._steady(rms < QUIET_RMS):
            self._since_ns = None
            return None
        if self._since_ns is None:
            self._since_ns = window[0].stamp_ns
        n = len(window)
        x, y, z = (v / n for v in self._sums[:3])
        rate = self._rate()
        return Rest(self._since_ns, (x, y, z), rate, rms < QUIET_RMS)

    @property
    def offset(self) -> Vector:
        """Of the gyroscope, rad/s; zero until a rest has shown it."""
        return self._offset or (0.0, 0.0, 0.0)

    def trust(self, rest: Rest, seconds: float) -> None:
        """The stillness, `seconds` after the sample before, was a quiet rest: it shows the sensor's offsets."""
        self._length = math.hypot(*rest.acceleration)
        if not all(math.isfinite(v) for v in rest.rate):
            return
        if self._offset is None:
            self._offset = rest.rate
        elif math.dist(rest.rate, self._offset) < OFFSET_CHANGE:
            gain = min(seconds / OFFSET_TIME_S, 1.0)
            x, y, z = (o + gain * (v - o) for o, v in zip(self._offset, rest.rate, strict=True))
            self._offset = (x, y, z)

    def _count(self, sample: InertialSample, sign: float) -> None:
        values = (
            (*sample.acceleration, *sample.rate) if sample.turns else (*sample.acceleration, 0.0, 0.0, 0.0)
        )
        for axis, value in enumerate(values):
            self._sums[axis] += sign * value
            self._squares[axis] += sign * value * value
        self._turning += round(sign) if sample.turns else 0

    def _rate(self) -> Vector:
        if not self._turning:
            return (math.nan, math.nan, math.nan)
        x, y, z = (v / self._turning for v in self._sums[3:])
        return (x, y, z)

    def _rms(self) -> float:
        n = len(self._window)
        spread = sum(s / n - (v / n) ** 2 for s, v in zip(self._squares[:3], self._sums[:3], strict=True))
        return math.sqrt(max(spread, 0.0))

    def _steady(self, quiet: bool) -> bool:
        n = len(self._window)
        length = math.hypot(*(v / n for v in self._sums[:3]))
        if self._length is None and (not quiet or abs(length - GRAVITY) > FIRST_LENGTH_LIMIT):
            return False
        if self._length is not None and abs(length - self._length) > (QUIET_LENGTH if quiet else HELD_LENGTH):
            return False
        m = self._turning
        if not m:
            return True
        spread = sum(s / m - (v / m) ** 2 for s, v in zip(self._squares[3:], self._sums[3:], strict=True))
        if spread >= RATE_RMS**2:
            return False
        rate = self._rate()
        if self._offset is None:
            return math.hypot(*rate) < OFFSET_LIMIT
        return math.dist(rate, self._offset) < RATE_LIMIT
