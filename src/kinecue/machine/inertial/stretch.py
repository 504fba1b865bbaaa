"""One stretch of movement that began at a rest: samples, a running estimate of velocity and height, and its split."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kinecue.machine.inertial.drift import (
    HEIGHT_STD,
    JUMP_SHARE,
    NOISE_DENSITY,
    OFFSET_STD,
    REST_STD,
    Array,
    step_variance,
)

TURN_STD = 0.1
"""m/s, velocity at the lowest point of a touch and go, where the moment is only known to a few hundredths of a second."""


@dataclass
class Stretch:
    """Vertical acceleration since velocity and height were last known, integrated forward.

    Attributes:
        stamps, accelerations: ns and m/s^2, up positive, without gravity.
        begin_std: m/s, of the velocity at the first sample.
        velocity, height: at the newest sample, m/s and m; the height is relative to the beginning.
    """

    begin_std: float = REST_STD
    stamps: list[int] = field(default_factory=list)
    accelerations: list[float] = field(default_factory=list)
    velocity: float = 0.0
    height: float = 0.0
    _noise: float = 0.0
    _reach: float = 0.0
    _spread: float = 0.0

    def add(self, stamp_ns: int, acceleration: float) -> None:
        """The next sample; stamps rise."""
        if self.stamps:
            dt = (stamp_ns - self.stamps[-1]) * 1e-9
            before = self.accelerations[-1]
            step = 0.5 * (before + acceleration) * dt
            self.height += (self.velocity + 0.5 * step) * dt
            self.velocity += step
            # variance of the height: an error of velocity goes on
            self._spread += 2.0 * self._reach * dt + self._noise * dt * dt
            self._reach += self._noise * dt
            bend = (
                acceleration - 2.0 * before + self.accelerations[-2] if len(self.accelerations) > 1 else 0.0
            )
            self._noise += NOISE_DENSITY**2 * dt + (JUMP_SHARE * bend * dt) ** 2
        self.stamps.append(stamp_ns)
        self.accelerations.append(acceleration)

    @property
    def seconds(self) -> float:
        """Its length so far."""
        return (self.stamps[-1] - self.stamps[0]) * 1e-9 if self.stamps else 0.0

    @property
    def velocity_std(self) -> float:
        """Of `velocity`, m/s."""
        return float((self._noise + (OFFSET_STD * self.seconds) ** 2 + self.begin_std**2) ** 0.5)

    @property
    def height_std(self) -> float:
        """Of `height`, m."""
        t = self.seconds
        drift = (0.5 * OFFSET_STD * t * t) ** 2 + (self.begin_std * t) ** 2
        return float((self._spread + drift) ** 0.5)

    def times(self) -> Array:
        """(N,) s from the first sample."""
        stamps = np.asarray(self.stamps, dtype=np.int64)
        return np.asarray((stamps - stamps[0]) * 1e-9, dtype=np.float64)

    def velocities(self) -> Array:
        """(N,) m/s, integrated forward."""
        a = np.asarray(self.accelerations)
        return np.concatenate([[0.0], np.cumsum(0.5 * (a[1:] + a[:-1]) * np.diff(self.times()))])

    def heights(self) -> Array:
        """(N,) m, integrated forward."""
        v = self.velocities()
        return np.concatenate([[0.0], np.cumsum(0.5 * (v[1:] + v[:-1]) * np.diff(self.times()))])

    def after(self, first: int) -> Stretch:
        """What came from sample `first` on, as a stretch that begins at a turn there."""
        rest = Stretch(TURN_STD)
        for stamp, acceleration in zip(self.stamps[first:], self.accelerations[first:], strict=True):
            rest.add(stamp, acceleration)
        return rest

    def turn(self, first: int) -> tuple[int, float]:
        """Where the load most likely turned around at the height of the beginning, from sample `first` on.

        Returns:
            index, and how many standard deviations velocity and height are off there together.
        """
        t = self.times()
        a = np.asarray(self.accelerations)
        dt = np.diff(t)
        v, p = self.velocities(), self.heights()
        noise = np.concatenate([[0.0], step_variance(a, dt)])
        n0, n1, n2 = np.cumsum(noise), np.cumsum(noise * t), np.cumsum(noise * t * t)
        b, s = OFFSET_STD**2, self.begin_std**2
        vv = n0 + b * t**2 + s + TURN_STD**2
        vp = t * n0 - n1 + 0.5 * b * t**3 + s * t
        pp = t * t * n0 - 2.0 * t * n1 + n2 + 0.25 * b * t**4 + s * t**2 + HEIGHT_STD**2
        off = (pp * v * v - 2.0 * vp * v * p + vv * p * p) / np.maximum(vv * pp - vp * vp, 1e-12)
        index = first + int(np.argmin(off[first:]))
        return index, float(np.sqrt(max(off[index], 0.0)))
