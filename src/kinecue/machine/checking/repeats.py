"""A sensor that repeats itself more often than its noise allows."""

from __future__ import annotations

import math

LEAST_NS = 100_000_000
ENOUGH = 200
"""Samples at rest from which the noise is known."""
LEAST_CHANGES = 0.02
"""Of a sensor that changes less often at rest, a repeated value tells nothing."""
BY_CHANCE = math.log(1e-9)
"""A run that is less probable than that stands still: at 1,000 Hz less than once in ten days by chance."""


class Repeats:
    """Runs of equal values, against how often the value changes while nothing moves.

    Only what was learned at rest counts: there a sensor without noise repeats itself for good reason, and is never judged.

    Attributes:
        begun_ns: stamp at which the run under way began.
        same_ns: how long it lasts.
    """

    def __init__(self) -> None:
        self.begun_ns = self.same_ns = 0
        self._value = math.nan
        self._length = 0
        self._at_rest = 0
        self._changes = 0.0

    def add(self, stamp_ns: int, value: float, at_rest: bool) -> bool:
        """A value; whether the run it belongs to is one of a sensor that stands still."""
        same = value == self._value
        if same:
            self._length += 1
            self.same_ns = stamp_ns - self.begun_ns
        else:
            self._value, self._length, self.begun_ns, self.same_ns = value, 0, stamp_ns, 0
        stands = (
            self.same_ns >= LEAST_NS
            and self._at_rest >= ENOUGH
            and self._changes >= LEAST_CHANGES
            and self._length * math.log1p(-min(self._changes, 0.99)) < BY_CHANCE
        )
        if at_rest and not stands:
            self._at_rest += 1
            self._changes += (float(not same) - self._changes) * max(1.0 / self._at_rest, 0.001)
        return stands
