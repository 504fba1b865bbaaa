"""Load-velocity profile of one person in one exercise, and the one-repetition maximum that it gives, with an interval.

Mean velocity falls in a straight line with the load (Jidovtseff et al. 2011; Gonzalez-Badillo and
Sanchez-Medina 2010). The line is fitted to the fastest repetition at each load of each session, with Huber's
weights against a repetition that was not lifted as
fast as it goes, and older sessions count less: strength grows by a tenth in six weeks (Gonzalez-Badillo and
    Sanchez-Medina 2010:
9.3 %). The one-repetition maximum is where the line meets the minimal velocity. Its interval is that of the posterior
of line, scatter and minimal velocity together (conjugate normal-inverse-gamma with a weak prior on the
scatter, draws with a fixed seed), plus the error of the method itself. Few points or a narrow range of loads
give a wide interval, and a too wide one gives none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.training.exercise_velocities import MinimalVelocity
from kinecue.training.velocity import FASTEST_M_S

FloatArray = NDArray[np.float64]

FEWEST_LOADS = 3
"""Different loads; two always lie on a line."""
SAME_LOAD = 0.03
"""Loads closer together than this share are one."""
LEAST_SPAN_M_S = 0.15
"""Between the fastest and the slowest load: three times the scatter of a person's velocity at a load."""
FARTHEST = 1.5
"""How far the line may be carried on below the slowest load, in spans of measured velocity."""
WIDEST = 0.5
"""A 90 % interval wider than this share of the estimate tells nobody anything."""
_SCATTER_M_S, _SCATTER_WEIGHT = 0.04, 4.0
"""Prior of a velocity's scatter about the line: standard error of individual lines 0.04 m/s
(Balsalobre-Fernandez et al. 2018), worth four points."""
_HALF_WEIGHT_DAYS = 42.0
_OLDEST_DAYS = 180.0
_LIGHTEST_KG, _HEAVIEST_KG = 0.05, 2000.0
_HUBER = 1.345
_DRAWS = 4000
_NORMAL_95 = 1.6449


@dataclass(frozen=True)
class LoadPoint:
    """Fastest repetition at a load in one session.

    Attributes:
        load_kg: kg.
        velocity: mean velocity, m/s.
        age_days: before now.
    """

    load_kg: float
    velocity: float
    age_days: float = 0.0


@dataclass(frozen=True)
class Profile:
    """Velocity over load: ``velocity = intercept + slope * load``.

    Attributes:
        points: that it rests on.
        intercept: m/s. slope: m/s per kg, negative; NaN = not enough.
        r_squared: of the weighted line.
        minimal_velocity: m/s, that was used for `one_rm_kg`; NaN = none is known.
        one_rm_kg, one_rm_low_kg, one_rm_high_kg: median and 90 % interval; NaN = not known.
        reason: why there is no line or no one-repetition maximum; empty if there is.
    """

    points: tuple[LoadPoint, ...]
    intercept: float = math.nan
    slope: float = math.nan
    r_squared: float = math.nan
    minimal_velocity: float = math.nan
    one_rm_kg: float = math.nan
    one_rm_low_kg: float = math.nan
    one_rm_high_kg: float = math.nan
    reason: str = ""

    @property
    def known(self) -> bool:
        """There is a one-repetition maximum."""
        return math.isfinite(self.one_rm_kg)

    def load_at(self, velocity: float) -> float:
        """Load of a velocity within what was measured, kg; NaN outside and without a line."""
        if not (math.isfinite(self.slope) and self.slope < 0.0):
            return math.nan
        measured = [point.velocity for point in self.points]
        span = max(measured) - min(measured)
        if not min(measured) - 0.25 * span <= velocity <= max(measured) + 0.25 * span:
            return math.nan
        return (velocity - self.intercept) / self.slope


def load_velocity_profile(
    points: Sequence[LoadPoint],
    general: MinimalVelocity | None = None,
    minimal: tuple[float, float] | None = None,
) -> Profile:
    """The profile of a person in an exercise.

    Args:
        points: in any order; those that are not finite, out of every range or too old are left out.
        general: of the exercise; None = no figure is known.
        minimal: the person's own minimal velocity and its standard deviation, m/s; None = that of `general`.
    """
    good = tuple(
        point
        for point in points
        if all(map(math.isfinite, (point.load_kg, point.velocity, point.age_days)))
        and _LIGHTEST_KG <= point.load_kg <= _HEAVIEST_KG
        and 0.0 < point.velocity <= FASTEST_M_S
        and point.age_days <= _OLDEST_DAYS
    )
    problem = _why_no_line(good)
    if problem:
        return Profile(good, reason=problem)
    loads = np.array([point.load_kg for point in good])
    speeds = np.array([point.velocity for point in good])
    ages = np.maximum(np.array([point.age_days for point in good]), 0.0)
    weights = 1.0 / (1.0 + (ages / _HALF_WEIGHT_DAYS) ** 2)
    line = _fit(loads, speeds, weights)
    if line.slope + _NORMAL_95 * line.slope_std >= 0.0:
        return Profile(good, reason="velocity does not clearly fall with load")
    profile = Profile(good, line.intercept, line.slope, line.r_squared)
    if minimal is None and general is not None:
        minimal = general.velocity, general.std
    if minimal is None or not all(map(math.isfinite, minimal)):
        return _with(profile, reason="no minimal velocity of this exercise is known")
    span = float(speeds.max() - speeds.min())
    if float(speeds.min()) - minimal[0] > FARTHEST * span:
        return _with(profile, minimal[0], reason="no load is heavy enough to tell the maximum from")
    method = general.prediction_std if general is not None else 0.1
    low, middle, high = _one_rm(line, minimal, method)
    if not (math.isfinite(middle) and low > 0.0) or high - low > WIDEST * middle:
        return _with(profile, minimal[0], reason="the interval is too wide")
    return _with(profile, minimal[0], (middle, low, high))


def _with(
    profile: Profile,
    minimal: float = math.nan,
    one_rm: tuple[float, float, float] = (math.nan, math.nan, math.nan),
    reason: str = "",
) -> Profile:
    return Profile(
        profile.points, profile.intercept, profile.slope, profile.r_squared, minimal, *one_rm, reason=reason
    )


def _why_no_line(points: Sequence[LoadPoint]) -> str:
    if not points:
        return "no set with a load and a velocity"
    groups = 0
    last = 0.0
    for load in sorted(point.load_kg for point in points):
        if load > last * (1.0 + SAME_LOAD):
            groups, last = groups + 1, load
    if groups < FEWEST_LOADS:
        return f"{groups} different loads, needs {FEWEST_LOADS}"
    speeds = [point.velocity for point in points]
    if max(speeds) - min(speeds) < LEAST_SPAN_M_S:
        return f"velocities within {max(speeds) - min(speeds):.2f} m/s, needs {LEAST_SPAN_M_S:g}"
    return ""


@dataclass(frozen=True)
class _Line:
    intercept: float
    slope: float
    slope_std: float
    r_squared: float
    centre: float
    at_centre: float
    covariance: FloatArray
    """(2, 2) of value at the centre and slope, for a scatter of one."""
    scatter2: float
    freedom: float


def _fit(loads: FloatArray, speeds: FloatArray, weights: FloatArray) -> _Line:
    """Weighted line with Huber's weights; loads are centred, so that value and slope hardly depend on each other."""
    robust = np.ones_like(weights)
    centre = float(np.average(loads, weights=weights))
    design = np.column_stack([np.ones_like(loads), loads - centre])
    for _ in range(20):
        w = weights * robust
        precision = design.T @ (w[:, None] * design)
        value = np.linalg.solve(precision, design.T @ (w * speeds))
        residual = speeds - design @ value
        scale = max(1.4826 * float(np.median(np.abs(residual))), 0.5 * _SCATTER_M_S)
        updated = np.minimum(1.0, _HUBER * scale / np.maximum(np.abs(residual), 1e-9))
        if float(np.abs(updated - robust).max()) < 1e-6:
            break
        robust = updated
    w = weights * robust
    seen = float(w.sum())
    freedom = _SCATTER_WEIGHT + max(seen - 2.0, 0.0)
    scatter2 = (_SCATTER_WEIGHT * _SCATTER_M_S**2 + float((w * residual**2).sum())) / freedom
    covariance = np.linalg.inv(precision)
    mean = float(np.average(speeds, weights=w))
    total = float((w * (speeds - mean) ** 2).sum())
    return _Line(
        intercept=float(value[0] - value[1] * centre),
        slope=float(value[1]),
        slope_std=math.sqrt(scatter2 * float(covariance[1, 1])),
        r_squared=1.0 - float((w * residual**2).sum()) / total if total > 0.0 else math.nan,
        centre=centre,
        at_centre=float(value[0]),
        covariance=covariance,
        scatter2=scatter2,
        freedom=freedom,
    )


def _one_rm(line: _Line, minimal: tuple[float, float], method_std: float) -> tuple[float, float, float]:
    """5 %, 50 % and 95 % of the one-repetition maximum, kg."""
    random = np.random.default_rng(6)
    scatter2 = line.scatter2 * line.freedom / random.chisquare(line.freedom, _DRAWS)
    root = np.linalg.cholesky(line.covariance)
    draws = (root @ random.normal(size=(2, _DRAWS))) * np.sqrt(scatter2)
    value, slope = line.at_centre + draws[0], line.slope + draws[1]
    speed = np.maximum(minimal[0] + minimal[1] * random.normal(size=_DRAWS), 0.02)
    error = np.exp(method_std * random.normal(size=_DRAWS))
    falling = slope < 0.0
    if falling.mean() < 0.95:
        return math.nan, math.nan, math.nan
    maximum = (line.centre + (speed - value)[falling] / slope[falling]) * error[falling]
    low, middle, high = np.quantile(maximum, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)
