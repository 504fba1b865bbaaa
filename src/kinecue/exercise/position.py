"""Where a person stands: the start position that is learned, and the conditions that a position must meet."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from kinecue.exercise.features import FeatureFrame
from kinecue.exercise.pose import FloatArray
from kinecue.exercise.signal import Signal
from kinecue.exercise.structure import Condition

_START_MEMORY_S = 0.5
"""Time constant with which the start position is learned."""
_ELSEWHERE_M = 0.2
"""A person whose joints have moved farther stands in another place: the start position is learned anew."""
_LEARN_S = 1.0
"""The start position is the mean of this much time before it is followed with `_START_MEMORY_S`."""


class StartPosition:
    """Where the joints are while the person stands in the start position."""

    def __init__(self) -> None:
        self.points: FloatArray | None = None
        self._learned_s = 0.0

    def learn(self, points: FloatArray, dt: float) -> None:
        """A frame in the start position; joints that are hidden in it keep what is known of them."""
        if self.points is None or not _near(self.points, points):
            self.points = points.copy()
            self._learned_s = 0.0
        self._learned_s = min(self._learned_s + dt, _LEARN_S)
        gain = dt / (dt + (self._learned_s if self._learned_s < _LEARN_S else _START_MEMORY_S))
        with np.errstate(invalid="ignore"):
            # a foot that was set down elsewhere stands there now
            stays = np.abs(points - self.points).max(axis=-1, keepdims=True) < _ELSEWHERE_M
        blended = np.where(stays, self.points + gain * (points - self.points), points)
        self.points = np.where(np.isfinite(points), blended, self.points)


def _near(known: FloatArray, points: FloatArray) -> bool:
    """Most joints are about where they were; otherwise the person has gone to stand elsewhere."""
    moved = np.abs(points - known).max(axis=-1)
    moved = moved[np.isfinite(moved)]
    return len(moved) == 0 or float(np.median(moved)) < _ELSEWHERE_M


class Check:
    """A condition of an exercise file, made ready."""

    def __init__(self, condition: Condition) -> None:
        self._signal = Signal(condition.feature, condition.side)
        self._low = -math.inf if condition.min is None else condition.si(condition.min)
        self._high = math.inf if condition.max is None else condition.si(condition.max)

    def holds(self, frame: FeatureFrame) -> bool:
        """A feature that cannot be measured does not speak against the position."""
        return all(self._low <= m.value <= self._high for m in self._signal.read(frame) if m.usable)

    def measured(self, frame: FeatureFrame) -> bool:
        """At least one side can be measured."""
        return any(m.usable for m in self._signal.read(frame))


class Checks:
    """All conditions of a position."""

    def __init__(self, conditions: Iterable[Condition]) -> None:
        self._checks = tuple(Check(condition) for condition in conditions)

    def hold(self, frame: FeatureFrame) -> bool:
        """None of those that can be measured speaks against the position."""
        return all(check.holds(frame) for check in self._checks)

    def known(self, frame: FeatureFrame) -> bool | None:
        """Whether the position is taken; None where nothing of it can be measured."""
        if not any(check.measured(frame) for check in self._checks):
            return None
        return self.hold(frame)
