"""Reading a feature the way an exercise file asks for it: side policy and views."""

from __future__ import annotations

import math
from functools import lru_cache

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.features import FEATURES, FeatureFrame
from kinecue.exercise.results import Side

Views = tuple[tuple[float, float], ...]
_OF_VIEW = Measurement.abstained(Reason.VIEW)
_NOBODY_LEADS = Measurement.abstained(Reason.UNCERTAIN)
_DOUBTFUL = 2.0
"""The larger (or smaller) side is believed while its standard deviation is at most this many times that of the other."""


ANY_VIEW: Views = ((0.0, 180.0),)


def seen_from(view: float, views_deg: Views) -> bool:
    """Whether a yaw of `view` (rad, NaN unknown, infinite: measured from all sides) lies in one of `views_deg`."""
    if views_deg == ANY_VIEW or math.isinf(view):
        return True
    return math.isfinite(view) and _within(view, views_deg)


@lru_cache(maxsize=64)
def _within(view: float, views_deg: Views) -> bool:
    """Asked for by every feature in every frame, mostly for the same few views."""
    turned = abs(math.degrees(math.remainder(view, 2.0 * math.pi)))
    return any(low <= turned <= high for low, high in views_deg)


class Signal:
    """One feature under a side policy.

    Attributes:
        name: of the feature.
        unit: SI unit.
        sides: that `read` returns, always in this order; `Side.BOTH` for what comes of both.
    """

    def __init__(self, name: str, policy: SidePolicy) -> None:
        self.name = name
        self.unit = FEATURES[name].unit
        self._policy = policy
        self._left, self._right = (name, Side.LEFT), (name, Side.RIGHT)
        if not FEATURES[name].sided:
            self.sides: tuple[Side, ...] = (Side.NONE,)
        elif policy is SidePolicy.EACH:
            self.sides = (Side.LEFT, Side.RIGHT)
        elif policy in (SidePolicy.LEFT, SidePolicy.RIGHT):
            self.sides = (Side.LEFT if policy is SidePolicy.LEFT else Side.RIGHT,)
        else:
            self.sides = (Side.BOTH,)
        self._keys = tuple((name, side) for side in self.sides)
        self._of_view = (_OF_VIEW,) * len(self.sides)
        self._one = len(self._keys) == 1 and self.sides != (Side.BOTH,)
        self._joined = self.sides == (Side.BOTH,)

    def read(
        self, frame: FeatureFrame, view: float = 0.0, views_deg: Views = ANY_VIEW
    ) -> tuple[Measurement, ...]:
        """The measurement of each of `sides`.

        Abstained with `Reason.VIEW` where `view` is not one of `views_deg`.
        """
        if views_deg is not ANY_VIEW and not seen_from(view, views_deg):
            return self._of_view
        measurements = frame.measurements
        if self._one:
            return (measurements[self._keys[0]],)
        left, right = measurements[self._left], measurements[self._right]
        if not self._joined:
            return (left, right)
        if self._policy in (SidePolicy.LEADING, SidePolicy.TRAILING):
            if frame.leading not in (Side.LEFT, Side.RIGHT):
                return (_NOBODY_LEADS,)
            return (left if self.named(Side.BOTH, frame.leading) is Side.LEFT else right,)
        if not left.usable or not right.usable:
            return (left if left.usable or not right.usable else right,)
        if self._policy is SidePolicy.MEAN:
            return (_mean(left, right),)
        return (_extreme(left, right, larger=self._policy is SidePolicy.LARGER),)

    def named(self, side: Side, leading: Side) -> Side:
        """Of the body: left or right where the policy asks for the side that leads or trails, and one of them leads."""
        if self._policy not in (SidePolicy.LEADING, SidePolicy.TRAILING) or side is not Side.BOTH:
            return side
        if leading not in (Side.LEFT, Side.RIGHT):
            return side
        wanted = (self._policy is SidePolicy.LEADING) == (leading is Side.LEFT)
        return Side.LEFT if wanted else Side.RIGHT

    def difference(self, frame: FeatureFrame) -> Measurement:
        """Left minus right of a sided feature."""
        if not FEATURES[self.name].sided:
            return Measurement.abstained(Reason.UNSUPPORTED)
        left, right = frame[self._left], frame[self._right]
        if not left.usable or not right.usable:
            return right if left.usable else left
        validity = min(left.validity, right.validity)
        return Measurement(left.value - right.value, math.hypot(left.std, right.std), validity)


def _mean(left: Measurement, right: Measurement) -> Measurement:
    """Weighted by certainty.

    Both sides err alike (same camera, same model), so the mean counts as no more certain.
    """
    a, b = 1.0 / max(left.std, 1e-9) ** 2, 1.0 / max(right.std, 1e-9) ** 2
    share = a / (a + b)
    return Measurement(
        share * left.value + (1.0 - share) * right.value,
        share * left.std + (1.0 - share) * right.std,
        max(left.validity, right.validity),
    )


def _extreme(left: Measurement, right: Measurement, larger: bool) -> Measurement:
    wanted, other = (left, right) if (left.value >= right.value) == larger else (right, left)
    return other if wanted.std > _DOUBTFUL * other.std else wanted
