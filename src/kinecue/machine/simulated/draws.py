"""Random numbers that depend on what they are for, not on how many were drawn before.

A generator with a state gives other noise when a sample is read twice or in another order. Here every number is a
hash of seed, channel and key (splitmix64: Steele, Lea and Flood, OOPSLA 2014), so a reading is a function of time.
"""

from __future__ import annotations

import math
from enum import IntEnum

_MASK = (1 << 64) - 1


class Channel(IntEnum):
    """What a number is drawn for."""

    FORCE_NOISE = 1
    SPEED_NOISE = 2
    SPIKE = 3
    SPIKE_SIGN = 4
    HUM_PHASE = 5
    FORCE_LOSS = 6
    FORCE_BURST = 7
    FORCE_FREEZE = 8
    ENCODER_LOSS = 9
    ENCODER_BURST = 10
    ENCODER_FREEZE = 11
    SLIP = 12
    POWER_DIP = 13
    STAMP_JITTER = 14
    DUPLICATE = 15
    LATE = 16
    LATE_BY = 17


def _mix(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Draws:
    """Numbers by channel and key; the same seed and salt give the same ones."""

    def __init__(self, seed: int, salt: int = 0) -> None:
        self._root = _mix(_mix(seed & _MASK) ^ salt)

    def uniform(self, channel: Channel, key: int, part: int = 0) -> float:
        """Between 0 and 1, neither included."""
        hashed = _mix(_mix(self._root ^ (int(channel) << 8 | part)) ^ (key & _MASK))
        return ((hashed >> 11) + 0.5) / (1 << 53)

    def normal(self, channel: Channel, key: int) -> float:
        """Of mean 0 and standard deviation 1 (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(self.uniform(channel, key)))
        return radius * math.cos(2.0 * math.pi * self.uniform(channel, key, 1))


class Events:
    """Things that happen now and then: at most one begins in each second, all of them last equally long.

    Args:
        draws: where chance comes from.
        channel: which chance.
        per_min: how many begin a minute on average, 0 to 60.
        duration_s: how long one lasts, s; 0 for those that only happen.
    """

    def __init__(self, draws: Draws, channel: Channel, per_min: float, duration_s: float = 0.0) -> None:
        self._draws = draws
        self._channel = channel
        self._chance = per_min / 60.0
        self._duration = duration_s
        self._reach = math.ceil(duration_s)

    def begin_in(self, second: int) -> float | None:
        """When one begins in a second, s; None if none does. Nothing begins before time 0."""
        if self._chance <= 0.0 or second < 0 or self._draws.uniform(self._channel, second) >= self._chance:
            return None
        return second + self._draws.uniform(self._channel, second, 1)

    def under_way(self, time_s: float) -> float | None:
        """When the oldest event that is going on began, s; None if none is."""
        if self._chance <= 0.0:
            return None
        last = math.floor(time_s)
        for second in range(last - self._reach, last + 1):
            begin = self.begin_in(second)
            if begin is not None and begin <= time_s < begin + self._duration:
                return begin
        return None
