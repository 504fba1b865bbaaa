"""How far features travel in a repetition, as a part of its D.

With excursion r_i (largest less smallest value of feature i in the repetition), ideal e_i, noise n_i, factor f_i, standard
deviation s_i and weight w_i (sum 1)::

    E = sqrt( sum_i w_i ln((r_i + n_i) / (e_i + n_i))^2 / (ln(f_i)^2 + (s_i / (e_i + n_i))^2) )

and with the mean D of the course, M, and the file's `excursion_share` e: D of the repetition is sqrt((1 - e) M^2 + e E^2).
A file without excursions has D = M.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.excursion_block import Excursion
from kinecue.exercise.features import FEATURES, FeatureFrame
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import FeatureShare, Repetition, Side

_FOLLOW_S = 0.05
"""Time constant of the low-pass before the extremes are taken: noise would widen the range, and more so at a higher rate."""
_RECENT_S = 4.0
"""Frames are remembered for this long, because a movement is only known to have begun a moment after it did."""
_LEAST_SHARE = 0.001
"""Smaller shares are not listed."""


@dataclass(frozen=True)
class ExcursionShare:
    """One term of E.

    Attributes:
        name, side: of the feature; the sides of a file, so ``LEADING`` is already left or right.
        measured: how far it travelled, SI.
        ideal: how far it should.
        share: of E squared, 0 to 1.
        deviation: in tolerances, positive for too far.
    """

    name: str
    side: Side
    measured: float
    ideal: float
    share: float
    deviation: float


@dataclass(frozen=True)
class ExcursionDeviation:
    """E of one repetition.

    Attributes:
        d: E; NaN if less than half of the weight was measured or the file has no excursions.
        shares: by term.
    """

    d: float
    shares: tuple[ExcursionShare, ...] = ()


class _Range:
    """Extremes of one signal."""

    __slots__ = ("_level", "_recent", "high", "low", "std")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._recent: deque[float] = deque(maxlen=3)
        self._level = math.nan
        self.low, self.high, self.std = math.inf, -math.inf, 0.0

    def add(self, value: float, std: float, dt: float) -> None:
        self._recent.append(value)
        middle = sorted(self._recent)[len(self._recent) // 2]
        if math.isnan(self._level):
            self._level = middle
        self._level += dt / (dt + _FOLLOW_S) * (middle - self._level)
        self.low, self.high = min(self.low, self._level), max(self.high, self._level)
        self.std = max(self.std, std)


def excursion_sides(block: Excursion, leading: Side) -> tuple[Side, ...]:
    """Which sides a block asks for; none where it needs a leading side that is not known."""
    if not FEATURES[block.feature].sided:
        return (Side.NONE,)
    if block.side in (SidePolicy.LEFT, SidePolicy.RIGHT):
        return (Side.LEFT if block.side is SidePolicy.LEFT else Side.RIGHT,)
    if block.side in (SidePolicy.LEADING, SidePolicy.TRAILING):
        if leading not in (Side.LEFT, Side.RIGHT):
            return ()
        return ((Side.LEFT if (block.side is SidePolicy.LEADING) == (leading is Side.LEFT) else Side.RIGHT),)
    return (Side.LEFT, Side.RIGHT)


def combined(course_d: float, excursion_d: float, share: float) -> float:
    """D of a repetition from the mean D of its course and E; the other alone where one is NaN."""
    if math.isnan(excursion_d):
        return course_d
    if math.isnan(course_d):
        return math.nan
    return math.sqrt((1.0 - share) * course_d**2 + share * excursion_d**2)


def excursion_deviation(
    model: ExerciseModel, travelled: dict[tuple[str, Side], tuple[float, float]], leading: Side
) -> ExcursionDeviation:
    """E from how far each feature travelled: (excursion, standard deviation), SI, by feature and side."""
    total = asked = seen = 0.0
    rows: list[tuple[str, Side, float, float, float, float]] = []
    for block in model.excursions:
        asked += block.weight
        ideal, noise = block.si(block.ideal), block.si(block.noise)
        known = [
            (side, *travelled[(block.feature, side)])
            for side in excursion_sides(block, leading)
            if (block.feature, side) in travelled
        ]
        seen += block.weight if known else 0.0
        for side, excursion, std in known:
            off = math.log((max(excursion, 0.0) + noise) / (ideal + noise))
            part = block.weight / len(known) * off * off
            part /= math.log(block.factor) ** 2 + (std / (ideal + noise)) ** 2
            total += part
            rows.append((block.feature, side, excursion, ideal, part, off / math.log(block.factor)))
    shares = tuple(
        ExcursionShare(name, side, excursion, ideal, part / total if total else 0.0, deviation)
        for name, side, excursion, ideal, part, deviation in rows
    )
    if asked == 0.0 or seen < model.least_weight * asked:
        return ExcursionDeviation(math.nan, shares)
    return ExcursionDeviation(math.sqrt(total / seen), shares)


def with_excursions(repetition: Repetition, found: ExcursionDeviation, share: float) -> Repetition:
    """A finished repetition whose D and shares are of its courses, with its excursions added as `share` says."""
    if math.isnan(found.d) or math.isnan(repetition.d):
        return repetition
    d = combined(repetition.d, found.d, share)
    of_courses = (1.0 - share) * repetition.d**2 / d**2 if d > 0.0 else 0.0
    shares = {
        (item.name, item.side): replace(item, share=item.share * of_courses) for item in repetition.shares
    }
    for part in found.shares:
        more = part.share * (1.0 - of_courses)
        known = shares.get((part.name, part.side))
        if known is not None:
            shares[(part.name, part.side)] = replace(known, share=known.share + more)
        elif more >= _LEAST_SHARE:
            shares[(part.name, part.side)] = FeatureShare(part.name, part.side, more, part.deviation)
    ordered = tuple(sorted(shares.values(), key=lambda item: -item.share))
    return replace(repetition, d=d, shares=ordered)


class ExcursionMeter:
    """Follows how far the features of a file's excursions travel, frame by frame."""

    def __init__(self, model: ExerciseModel) -> None:
        self._model = model
        self._ranges = {
            (block.feature, side): _Range()
            for block in model.excursions
            for side in ((Side.LEFT, Side.RIGHT) if FEATURES[block.feature].sided else (Side.NONE,))
        }
        self._recent: deque[tuple[float, float, FeatureFrame]] = deque(maxlen=2000)

    def reset(self) -> None:
        """Forget everything: another person, another time."""
        self._recent.clear()
        self._restart()

    def begin(self, began: float) -> None:
        """A movement is now known to have begun at time `began`, s: what was observed since is of it."""
        self._restart()
        for at, dt, frame in self._recent:
            if at >= began:
                self._add(frame, dt)

    def observe(self, t: float, dt: float, frame: FeatureFrame, under_way: bool) -> None:
        """A frame at `t`, s, that stands for `dt`; `under_way`: a movement has begun before and not ended."""
        if not self._ranges:
            return
        self._recent.append((t, dt, frame))
        while t - self._recent[0][0] > _RECENT_S:
            self._recent.popleft()
        if under_way:
            self._add(frame, dt)

    def deviation(self, leading: Side = Side.NONE) -> ExcursionDeviation:
        """E of the movement."""
        if not self._ranges:
            return ExcursionDeviation(math.nan)
        travelled = {
            key: (item.high - item.low, item.std)
            for key, item in self._ranges.items()
            if item.high >= item.low
        }
        return excursion_deviation(self._model, travelled, leading)

    def _restart(self) -> None:
        for item in self._ranges.values():
            item.restart()

    def _add(self, frame: FeatureFrame, dt: float) -> None:
        for key, item in self._ranges.items():
            measured = frame[key]
            if measured.usable:
                item.add(measured.value, measured.std, dt)
