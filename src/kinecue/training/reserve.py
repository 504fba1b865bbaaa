"""How many repetitions are left: from the velocity lost in the set, and from the person's own sets to failure.

Two ways, and both put together by their variances:

1. *Velocity loss.* In a set to failure the velocity falls from that of the fastest repetition, v0, to about that of the
   one-repetition maximum, v1. With f = (v0 - v) / (v0 - v1), the share of all possible repetitions that are done is about
   1 - (1 - f)^2: velocity goes with the root of what is left. This one curve gives the tables of
   Gonzalez-Badillo et al. (Int J Sports Med 38, 2017, 217-225, bench press) and Rodriguez-Rosell et al. (J
   Strength Cond Res 34, 2020, 2537-2547, bench press and squat) within 8 percentage points from 20 % of loss
   on (their tables quoted from memory, see docs/velocity.md; below that it is too hopeful in the bench press
   by 10). How far a single set is off: more than 10 percentage points (Perez-Castilla et al., Appl Sci 14,
   2024, 4531), here `_SHARE_STD`.
2. *The person's own sets to failure.* At a given number of repetitions in reserve a person's velocity is much
   the same whatever the load (Moran-Navarro et al., J Strength Cond Res 33, 2019, 1496-1504: coefficient of
   variation 4.4 to 8.0 %).

Both presume that every repetition is lifted as fast as it goes. A set that is lifted slowly on purpose gives
nothing to go by: where the fastest repetition is not clearly faster than v1, and before a tenth of the
velocity is lost, there is no estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinecue.training.exercise_velocities import MinimalVelocity
from kinecue.training.velocity import FASTEST_M_S

_SLOWEST_M_S = 0.02
"""Slower than this nothing is lifted."""
_SHARE_STD = 0.13
"""Of the share of repetitions done that the velocity loss gives, for one set of one person."""
_LOSS_STD = 0.06
"""Of a velocity loss, from the 4 to 5 % by which repetitions of the same effort differ."""
_LAST_CV = 0.18
"""Coefficient of variation of the velocity of the last repetition before failure (Garcia-Ramos et al., PeerJ 8, 2020,
e8760: above 18.3 %), which is why it is put together with the exercise's own figure."""
_OWN_CV = 0.08
"""Of the velocity at a number of repetitions in reserve (Moran-Navarro et al. 2019)."""
_LEAST_LOSS = 0.10
_LEAST_SPAN = 1.3
"""The fastest repetition must be so many times faster than the minimal velocity."""
_FEWEST = 3
_ODD = 0.6
"""Of the two velocities before: at the very end of a set the root law loses a third from one repetition to the next."""
_WIDEST = 5.0
"""Standard deviation above which an estimate is none."""
_LONGEST_RESERVE = 8
"""Repetitions in reserve up to which the person's own velocities are used; further away nothing distinguishes them."""


@dataclass(frozen=True)
class Reserve:
    """Repetitions in reserve.

    Attributes:
        repetitions: expected, 0 and up; NaN = nothing to go by.
        std: standard deviation.
        reason: how it was found, or why it was not, for engineers.
    """

    repetitions: float = math.nan
    std: float = math.nan
    reason: str = ""

    @property
    def known(self) -> bool:
        """There is an estimate."""
        return math.isfinite(self.repetitions)

    def at_most(self, repetitions: float) -> float:
        """Probability that no more than so many are left (normal, half a repetition of continuity); NaN if not known."""
        if not self.known:
            return math.nan
        return 0.5 * math.erfc((self.repetitions - repetitions - 0.5) / (max(self.std, 0.1) * math.sqrt(2.0)))


def share_done(loss: float, full_loss: float) -> float:
    """Share of all possible repetitions that are done at a velocity loss.

    Args:
        loss: 0 to 1 of the fastest repetition's mean velocity.
        full_loss: loss at failure, ``1 - v1 / v0``.
    """
    if not (math.isfinite(loss) and 0.0 < full_loss <= 1.0):
        return math.nan
    f = min(max(loss / full_loss, 0.0), 1.0)
    return 1.0 - (1.0 - f) ** 2


def own_minimal_velocity(
    general: MinimalVelocity | None, last_velocities: Sequence[float] = ()
) -> tuple[float, float]:
    """Minimal velocity and its standard deviation of one person, m/s.

    The exercise's figure and what the person's last repetitions before failure say, weighed by their
    variances; NaN with neither.
    """
    good = _plausible(last_velocities)
    values, weights = [], []
    if general is not None:
        values.append(general.velocity)
        weights.append(1.0 / general.std**2)
    if good:
        middle = float(np.median(good))
        values.append(middle)
        weights.append(len(good) / (_LAST_CV * middle) ** 2)
    if not values:
        return math.nan, math.nan
    total = sum(weights)
    mean = sum(v * w for v, w in zip(values, weights, strict=True)) / total
    return mean, math.sqrt(1.0 / total)


class OwnVelocities:
    """A person's velocities at 0, 1, 2 ... repetitions in reserve, from sets that went to failure.

    Args:
        sets: mean velocities of the completed repetitions of each such set, in order, m/s.
    """

    def __init__(self, sets: Sequence[Sequence[float]] = ()) -> None:
        left: list[float] = []
        speeds: list[float] = []
        self.last: tuple[float, ...] = ()
        for one in sets:
            good = _plausible(one)
            if len(good) < _FEWEST:
                continue
            self.last += (good[-1],)
            near = good[::-1][: _LONGEST_RESERVE + 1]
            left += [float(k) for k in range(len(near))]
            speeds += near
        self._line: tuple[float, float, float] | None = None
        if len(speeds) >= 2 * _FEWEST:
            # velocity grows with the root of what is left, as in `share_done`
            root = np.sqrt(np.asarray(left))
            design = np.column_stack([np.ones_like(root), root])
            (start, slope), *_ = np.linalg.lstsq(design, np.asarray(speeds), rcond=None)
            spread = float(np.std(np.asarray(speeds) - design @ np.array([start, slope]), ddof=2))
            if slope > spread and start > 0.0:
                self._line = float(start), float(slope), spread

    @property
    def known(self) -> bool:
        """There are enough sets to failure."""
        return self._line is not None

    def reserve(self, velocity: float) -> Reserve:
        """Repetitions left at a velocity."""
        if self._line is None or not math.isfinite(velocity):
            return Reserve(reason="no set to failure of this person is known")
        start, slope, spread = self._line
        root = max((velocity - start) / slope, 0.0)
        if root > math.sqrt(_LONGEST_RESERVE):
            return Reserve(reason=f"more than {_LONGEST_RESERVE} repetitions are left")
        doubt = math.hypot(spread, _OWN_CV * velocity) / slope
        return Reserve(
            root * root,
            max(2.0 * root * doubt, doubt * doubt, 0.5),
            "velocity of the person's own sets to failure",
        )


def reserve_of(
    velocities: Sequence[float],
    minimal: tuple[float, float] = (math.nan, math.nan),
    own: OwnVelocities | None = None,
) -> Reserve:
    """Repetitions in reserve after a set's newest repetition.

    Args:
        velocities: mean velocities of the completed repetitions of the set with this load, in order, m/s.
        minimal: at failure and its standard deviation, m/s (`own_minimal_velocity`).
        own: the person's sets to failure.
    """
    good = _plausible(velocities)
    if len(good) < _FEWEST:
        return Reserve(reason=f"fewer than {_FEWEST} repetitions")
    # nobody loses half of the speed from one repetition to the next: that was something else
    now = float(np.median(good[-3:])) if good[-1] < _ODD * min(good[-3:-1]) else good[-1]
    fastest = max(good)
    loss = 1.0 - now / fastest
    if loss < _LEAST_LOSS:
        return Reserve(reason=f"{loss:.0%} of the velocity is lost, needs {_LEAST_LOSS:.0%}")
    found = [one for one in (_by_loss(loss, fastest, len(good), minimal),) if one is not None]
    if own is not None and own.known and own.reserve(now).known:
        found.append(own.reserve(now))
    if not found:
        return Reserve(reason="no minimal velocity is known, or the set is lifted slowly")
    weights = [1.0 / one.std**2 for one in found]
    mean = sum(w * one.repetitions for w, one in zip(weights, found, strict=True)) / sum(weights)
    # what two ways disagree about is doubt as well
    apart = max(abs(one.repetitions - mean) for one in found)
    std = math.hypot(sum(weights) ** -0.5, 0.5 * apart)
    if std > _WIDEST:
        return Reserve(reason=f"{mean:.0f} +- {std:.0f} repetitions tell nothing")
    return Reserve(mean, std, "; ".join(one.reason for one in found))


def _plausible(velocities: Sequence[float]) -> list[float]:
    return [v for v in velocities if _SLOWEST_M_S <= v <= FASTEST_M_S]


def _by_loss(loss: float, fastest: float, done: int, minimal: tuple[float, float]) -> Reserve | None:
    slowest, doubt = minimal
    if not (math.isfinite(slowest) and math.isfinite(doubt)) or fastest < _LEAST_SPAN * slowest:
        return None
    full_loss = 1.0 - slowest / fastest
    share = max(share_done(loss, full_loss), 0.05)
    # how the share changes with the minimal velocity and with chance, by differences
    shifted = max(share_done(loss, max(1.0 - (slowest + doubt) / fastest, 0.05)), 0.05)
    by_chance = max(share_done(loss - _LOSS_STD, full_loss), 0.05)
    share_std = math.hypot(_SHARE_STD, shifted - share, by_chance - share)
    left = done * (1.0 / share - 1.0)
    std = max(done * share_std / share**2, 0.7)
    return Reserve(left, std, f"{loss:.0%} of the velocity lost, {full_loss:.0%} at failure")
