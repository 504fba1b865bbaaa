"""One shown repetition, and reading features in it by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.features import FEATURES
from kinecue.exercise.learning.recording import RATE, Column, FloatArray, Tracks, columns
from kinecue.exercise.results import Side

_REST_FRAMES = round(0.2 * RATE)
"""The start position is the median of so many frames."""
_LOOK_BACK = round(1.5 * RATE)
_MEMORY_S = 0.5
"""Time constant with which the start position is remembered, that of `kinecue.exercise.position`."""


@dataclass(frozen=True)
class Span:
    """Where a repetition is in its recording: frames of `Tracks`, `last` included."""

    first: int
    last: int


@dataclass(frozen=True)
class Shown:
    """A repetition that somebody showed.

    Attributes:
        tracks: of its recording.
        span: where in it.
        values: (N, C) all features over its frames, relative ones against its own start position.
        signal: (N,) the progress feature.
        peak: its turning point, index into the frames.
        leading: the side that leads it; NONE where both do the same.
    """

    tracks: Tracks
    span: Span
    values: FloatArray
    signal: FloatArray
    peak: int
    leading: Side = Side.NONE

    @property
    def person(self) -> str:
        """Who showed it."""
        return self.tracks.person

    @property
    def duration_s(self) -> float:
        """From leaving the start position to the return."""
        return (self.span.last - self.span.first) / RATE

    def column(self, name: str, side: Side) -> FloatArray:
        """(N,) one feature."""
        result: FloatArray = self.values[:, place(name, side)]
        return result


def start_pose(tracks: Tracks, first: int, earliest: int | None = None) -> FloatArray:
    """(K, 3) joint centres where the person stood before the repetition, as the live scoring remembers it.

    People who get up lean forward before their knees move: what is remembered is between sitting back and that.

    Args:
        tracks: the recording.
        first: frame in which progress begins.
        earliest: end of the repetition before; None = the recording begins with this one.
    """
    low = max(first if earliest is None else earliest, first - _LOOK_BACK, 0)
    if first - low < _REST_FRAMES:
        return tracks.rest(first, first + _REST_FRAMES - 1)
    part = tracks.points[low : first + 1]
    weights = np.exp(-np.arange(len(part))[::-1] / (_MEMORY_S * RATE))
    known = np.isfinite(part).all(axis=(0, 2))
    mean = np.einsum("t,tkc->kc", weights / weights.sum(), np.nan_to_num(part))
    result: FloatArray = np.where(known[:, None], mean, np.nan)
    return result


def measured(tracks: Tracks, span: Span, earliest: int | None = None) -> FloatArray:
    """(N, C) all features of a span against its own start position; `earliest` as in `start_pose`."""
    return tracks.during(span.first, span.last, start_pose(tracks, span.first, earliest))


@lru_cache(maxsize=1)
def _places() -> dict[Column, int]:
    return {column: i for i, column in enumerate(columns())}


def place(name: str, side: Side) -> int:
    """Column of a feature in `Tracks`."""
    return _places()[(name, side)]


def read(values: FloatArray, name: str, policy: SidePolicy) -> FloatArray:
    """(N,) a feature of (N, C) `values` under one of the policies that need no leading side."""
    if not FEATURES[name].sided:
        unsided: FloatArray = values[:, place(name, Side.NONE)]
        return unsided
    left, right = values[:, place(name, Side.LEFT)], values[:, place(name, Side.RIGHT)]
    if policy is SidePolicy.LEFT:
        return left
    if policy is SidePolicy.RIGHT:
        return right
    if policy is SidePolicy.LARGER:
        return np.maximum(left, right)
    if policy is SidePolicy.SMALLER:
        return np.minimum(left, right)
    return 0.5 * (left + right)
