"""Which feature drives the progress of a shown exercise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.features import FEATURES
from kinecue.exercise.learning.recording import RATE, FloatArray, LearningError
from kinecue.exercise.learning.repetition import place, read
from kinecue.exercise.results import Side

_SCALE = {"rad": 1.0, "m": 0.35, "1": 0.6}
"""Range that counts as much as a radian: a limb of 0.35 m turning by as much; a direction from level to half way up."""
_LEAST = {"rad": 0.26, "m": 0.08, "1": 0.15}
"""A smaller range (15 degrees, 8 cm) is within what one camera is off by."""
_CLEAR = 3.0
"""Range over the standard deviation of the measurement from which on a signal tells a movement from noise."""
_JUMP = 20.0
"""A feature that changes faster (per second, in `_SCALE`) has flipped over; the fastest joints reach 15 rad/s."""
_ONE_SIDED = 0.6
"""The other side's range over the leading side's from which on down only one side moves."""
_FROM_SOME_VIEWS = 0.8
"""Preference of features that one camera sees from any view over those that it sees from some."""
_OTHERS = 0.01
"""Lengths and ratios, which depend on build and on where the camera thinks the floor is, come after every angle."""


@dataclass(frozen=True)
class ProgressSignal:
    """A feature under a side policy, going up or down from the start.

    Attributes:
        name, policy: of the feature.
        towards: 1 if it grows from the start to the turning point, -1 if it falls.
    """

    name: str
    policy: SidePolicy
    towards: int

    def read(self, values: FloatArray) -> FloatArray:
        """(N,) the feature, SI, of (N, C) values."""
        return read(values, self.name, self.policy)

    def rising(self, values: FloatArray) -> FloatArray:
        """(N,) the feature, with the turning point as its maximum."""
        return self.towards * self.read(values)


def candidates(std: FloatArray, wanted: str | None = None) -> Iterator[ProgressSignal]:
    """Signals that could drive progress: they exist without knowing the start position, and this camera measures them.

    Raises:
        LearningError: `wanted` names none of them.
    """
    found = False
    for name, item in FEATURES.items():
        if item.function is None or item.relative or item.mirrored or item.unit not in _SCALE:
            continue
        if wanted is not None and name != wanted:
            continue
        if not np.isfinite(std[place(name, Side.LEFT if item.sided else Side.NONE)]):
            continue
        found = True
        for towards in (1, -1):
            yield ProgressSignal(name, SidePolicy.MEAN, towards)
            if item.sided:
                one = SidePolicy.LARGER if towards > 0 else SidePolicy.SMALLER
                yield ProgressSignal(name, one, towards)
    if wanted is not None and not found:
        allowed = sorted(n for n, f in FEATURES.items() if f.function and not f.relative and not f.mirrored)
        raise LearningError(f"{wanted} cannot drive progress, or is not seen; allowed: {', '.join(allowed)}")


def quality(signal: ProgressSignal, shown: Sequence[FloatArray], std: FloatArray) -> float:
    """How well a signal drives progress in repetitions of (N, C) values each; 0: not at all.

    Large against the uncertainty of the measurement, one peak, and alike in all repetitions.
    """
    item = FEATURES[signal.name]
    ranges, single = [], []
    for values in shown:
        y = signal.rising(values)
        if not np.isfinite(y).all() or len(y) < 5:
            return 0.0
        steps = np.abs(np.diff(y))
        if steps.max() * RATE > _JUMP * _SCALE[item.unit]:
            return 0.0
        way = float(y.max() - np.median(y[:3]))
        ranges.append(way)
        single.append(max(2.0 * way - abs(float(y[-1] - y[0])), 0.0) / max(float(steps.sum()), 1e-9))
    least = float(np.quantile(ranges, 0.1))
    noise = float(std[place(signal.name, Side.LEFT if item.sided else Side.NONE)])
    if least < max(_LEAST[item.unit], _CLEAR * noise):
        return 0.0
    if item.sided and not _policy_fits(signal, shown):
        return 0.0
    score = least / _SCALE[item.unit] * min(float(np.quantile(single, 0.1)), 1.0) ** 2
    score *= 1.0 if item.unit == "rad" else _OTHERS
    return score * (1.0 if item.views == "any" else _FROM_SOME_VIEWS)


def _policy_fits(signal: ProgressSignal, shown: Sequence[FloatArray]) -> bool:
    """The mean of both sides is for exercises in which both move, the larger for those in which one does."""
    shares = []
    for values in shown:
        ranges = [
            float((signal.towards * values[:, place(signal.name, side)]).max())
            - float(np.median(signal.towards * values[:3, place(signal.name, side)]))
            for side in (Side.LEFT, Side.RIGHT)
        ]
        shares.append(max(min(ranges), 0.0) / max(*ranges, 1e-9))
    one_sided = float(np.median(shares)) < _ONE_SIDED
    return one_sided == (signal.policy is not SidePolicy.MEAN)


def choose(shown: Sequence[FloatArray], std: FloatArray, wanted: str | None = None) -> ProgressSignal:
    """The best signal for repetitions of (N, C) values each, whose beginnings and ends are known.

    Raises:
        LearningError: nothing moves clearly out and back in all of them.
    """
    rated = [(quality(signal, shown, std), signal) for signal in candidates(std, wanted)]
    best = max(rated, key=lambda item: item[0], default=None)
    if best is None or best[0] <= 0.0:
        what = f"{wanted} does not move" if wanted else "nothing moves"
        raise LearningError(
            f"{what} clearly out and back in every repetition: show the whole movement, whole body in view, "
            "starting and ending in the start position"
        )
    return best[1]
