"""Reading a feature the way an exercise file asks for it: side policy and views."""

from __future__ import annotations

import math

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.features import FEATURES, FeatureFrame
from kinecue.exercise.results import Side

Views = tuple[tuple[float, float], ...]
_OF_VIEW = Measurement.abstained(Reason.VIEW)
_DOUBTFUL = 2.0
"""The larger side is believed while its standard deviation is at most this many times that of the other."""


def seen_from(view: float, views_deg: Views) -> bool:
    """Whether a yaw of `view` (rad, NaN unknown) against the camera lies in one of `views_deg`."""
    if views_deg == ((0.0, 180.0),):
        return True
    if not math.isfinite(view):
        return False
    turned = abs(math.degrees(math.remainder(view, 2.0 * math.pi)))
    return any(low <= turned <= high for low, high in views_deg)


class Signal:
    """One feature under a side policy.

    Attributes:
        name: of the feature.
        unit: SI unit.
        sides: that `read` returns, always in this order.
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

    def read(
        self, frame: FeatureFrame, view: float = 0.0, views_deg: Views = ((0.0, 180.0),)
    ) -> tuple[Measurement, ...]:
        """The measurement of each of `sides`.

        Abstained with `Reason.VIEW` where `view` is not one of `views_deg`.
        """
        if not seen_from(view, views_deg):
            return (_OF_VIEW,) * len(self.sides)
        if self.sides != (Side.BOTH,):
            return tuple(frame[(self.name, side)] for side in self.sides)
        left, right = frame[self._left], frame[self._right]
        if not left.usable or not right.usable:
            return (left if left.usable or not right.usable else right,)
        return (_mean(left, right) if self._policy is SidePolicy.MEAN else _larger(left, right),)

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


def _larger(left: Measurement, right: Measurement) -> Measurement:
    large, small = (left, right) if left.value >= right.value else (right, left)
    return small if large.std > _DOUBTFUL * small.std else large
