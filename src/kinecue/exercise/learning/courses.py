"""Mean courses and their spread within and between people.

A course is linear between knots over progress, on the way out and on the way back apart. Its spread is that of a
hierarchy: repetitions differ about their person, persons about everybody. With few people the spread between them is hardly
known, so it starts from what is common for people and gives way to the data (an inverse-gamma prior worth `_PRIOR`
observations): somebody who is measured against the model is always a stranger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinecue.exercise.learning.recording import FloatArray

KNOTS = np.linspace(0.0, 1.0, 6)
"""Progress of the knots of a learned course."""
_RIDGE = 0.3
"""Bends at a knot cost as much as this many frames off by the same: fills knots that a quick movement has skipped."""
_PRIOR = 2.0
"""Observations that the prior of a spread is worth."""
_BETWEEN = 0.15
"""Prior spread between people, share of the feature's range. Engineering judgement."""
_WITHIN = 0.07
"""Prior spread of one person's repetitions, share of the feature's range."""
DEVIATIONS = 2.0
"""A learned tolerance is so many standard deviations of good repetitions, so that D = 1 is beyond what is usual."""


@dataclass(frozen=True)
class Spread:
    """A mean and how far good repetitions are from it.

    Attributes:
        mean: (...) of the people's means.
        within, between: (...) variances.
    """

    mean: FloatArray
    within: FloatArray
    between: FloatArray

    @property
    def total(self) -> FloatArray:
        """(...) variance of a stranger's repetition."""
        return self.within + self.between


def hierarchical(
    samples: FloatArray, people: Sequence[str], within: FloatArray | float, between: FloatArray | float
) -> Spread:
    """Mean and spread of (R, ...) samples by `people`; `within` and `between` are the prior variances."""
    names = list(dict.fromkeys(people))
    index = np.array([names.index(person) for person in people])
    means = np.stack([samples[index == k].mean(axis=0) for k in range(len(names))])
    inside = ((samples - means[index]) ** 2).sum(axis=0)
    free = len(samples) - len(names)
    middle = means.mean(axis=0)
    across = ((means - middle) ** 2).sum(axis=0)
    count = len(names)
    return Spread(
        mean=middle,
        within=(inside + _PRIOR * within) / (free + _PRIOR),
        # a stranger is off by the spread between people and by the error of the mean of those shown
        between=(across + _PRIOR * between) / (count - 1 + _PRIOR) * (1.0 + 1.0 / count),
    )


def course(values: FloatArray, progress: FloatArray, peak: int) -> FloatArray:
    """(2, knots, C) values of (N, C) at the knots: on the way out (frames up to `peak`) and on the way back."""
    ways = (slice(0, peak + 1), slice(peak, len(values)))
    return np.stack([_fit(values[way], progress[way]) for way in ways])


def _fit(values: FloatArray, progress: FloatArray) -> FloatArray:
    count = len(KNOTS)
    at = np.clip(progress, 0.0, 1.0) * (count - 1)
    low = np.minimum(at.astype(int), count - 2)
    share = at - low
    hats = np.zeros((len(at), count))
    rows = np.arange(len(at))
    hats[rows, low] = 1.0 - share
    hats[rows, low + 1] += share
    bends = np.diff(np.eye(count), 2, axis=0)
    # the last term holds a course that all frames of which are at one knot
    normal = hats.T @ hats + _RIDGE * bends.T @ bends + 1e-6 * np.eye(count)
    result: FloatArray = np.linalg.solve(normal, hats.T @ values)
    return result


def course_spread(courses: FloatArray, people: Sequence[str], floor: FloatArray) -> Spread:
    """Of (R, 2, knots, C) courses; `floor` (C,) is the least standard deviation of each feature."""
    span = np.ptp(courses.mean(axis=0), axis=(0, 1))
    within = (_WITHIN * span) ** 2 + (0.5 * floor) ** 2
    between = (_BETWEEN * span) ** 2 + floor**2
    spread = hierarchical(courses, people, within, between)
    # from a handful of people a variance at a single knot is noise: each way has one
    shape = spread.mean.shape

    def level(variance: FloatArray) -> FloatArray:
        return np.broadcast_to(variance.mean(axis=1, keepdims=True), shape)

    return Spread(spread.mean, level(spread.within), level(spread.between))
