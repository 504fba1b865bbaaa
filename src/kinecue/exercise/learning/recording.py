"""Recordings of people who show an exercise, and their features over time.

Learning looks at whole recordings: joint centres on an even clock, lightly smoothed without delay, and the features of
all frames at once. The definitions are those of the live scoring.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark, LandmarkState, Topology
from kinecue.exercise.features import FEATURES, FeatureComputer
from kinecue.exercise.results import Side

FloatArray = NDArray[np.float64]
Column = tuple[str, Side]
"""A feature and its side."""

RATE = 30.0
"""Frames a second of the even clock: human movement has nothing above 6 Hz (Winter, Biomechanics and Motor Control)."""
_SMOOTH = np.array([0.0625, 0.25, 0.375, 0.25, 0.0625])
"""Binomial window of +-2 frames: half power at 6 Hz."""
_BRIDGE_S = 0.5
"""A joint that is hidden for no longer is where the straight line between has it."""
_REACH = 100.0
"""A landmark farther away than this is a broken number, m."""
_SAMPLES = 3, 12
"""Fewest and most frames of a recording in which the uncertainty of the features is looked at, about one a second."""
_LONGEST_S = 3600.0
"""A recording that is longer holds no handful of repetitions."""


class LearningError(KineCueError):
    """An exercise cannot be learned from what was shown; the text says why and what would help."""


@dataclass(frozen=True)
class Recording:
    """Somebody moves in front of a camera, or of any other source of bodies.

    Attributes:
        name: what messages call it (the file).
        person: who it is; recordings of one person have the same.
        stamps_ns: (T,) acquisition times, rising, nanoseconds.
        bodies: T bodies; None where nobody was found.
    """

    name: str
    person: str
    stamps_ns: Sequence[int]
    bodies: Sequence[Body | None]

    def __post_init__(self) -> None:
        if len(self.stamps_ns) != len(self.bodies):
            raise LearningError(
                f"{self.name}: {len(self.stamps_ns)} time stamps for {len(self.bodies)} bodies"
            )


@lru_cache(maxsize=1)
def computer() -> FeatureComputer:
    """Of every feature that is a function of a pose."""
    return FeatureComputer([name for name, item in FEATURES.items() if item.function is not None])


class Tracks:
    """The features of a recording over time.

    Attributes:
        name, person: of the recording.
        times: (T,) s, even, from 0.
        points: (T, K, 3) joint centres in the order of `computer`, m; NaN where not known.
        absolute: (T, C) features in the order of `columns`; NaN for those relative to a start position.
        std: (C,) standard deviation of each, infinite where it is mostly abstained from.

    Raises:
        LearningError: less than half a second of bodies.
    """

    def __init__(self, recording: Recording) -> None:
        self.name, self.person = recording.name, recording.person
        stamps, rows = _seen(recording)
        if len(stamps) < 5 or stamps[-1] - stamps[0] < 0.5:
            raise LearningError(f"{self.name}: a person is seen in {len(stamps)} frames; more are needed")
        if stamps[-1] - stamps[0] > _LONGEST_S:
            raise LearningError(f"{self.name}: is longer than an hour; show a few repetitions")
        self.start_s = float(stamps[0])
        self.times = np.arange(0.0, stamps[-1] - stamps[0] + 1e-9, 1.0 / RATE)
        names = computer().landmarks
        shape = (len(self.times), len(names), 3)
        raw = np.stack([_points(body, names) for body in rows]).reshape(len(rows), -1)
        even = _resample(stamps - stamps[0], raw, self.times)
        self.points = _smooth(even).reshape(shape)
        self.absolute = computer().positions(self.points)
        self.std = _uncertainty(rows)

    def during(self, first: int, last: int, start: FloatArray) -> FloatArray:
        """(N, C) features of the frames `first` to `last` (included) for a start position of (K, 3) points."""
        return computer().positions(self.points[first : last + 1], start)

    def rest(self, first: int, last: int) -> FloatArray:
        """(K, 3) joint centres: median over the frames `first` to `last` (included)."""
        with np.errstate(invalid="ignore"):
            window = self.points[max(first, 0) : max(last, first) + 1]
            known = np.isfinite(window).all(axis=(0, 2))
            result: FloatArray = np.where(known[:, None], np.median(window, axis=0), np.nan)
        return result


def columns() -> tuple[Column, ...]:
    """The order of the features in `Tracks`."""
    return tuple((item.name, side) for item, side in computer().columns)


def _seen(recording: Recording) -> tuple[FloatArray, list[Body]]:
    """Times, s, and bodies of the frames that are newer than all before."""
    times: list[float] = []
    bodies: list[Body] = []
    newest = -math.inf
    first = recording.stamps_ns[0] if len(recording.stamps_ns) else 0
    for stamp, body in zip(recording.stamps_ns, recording.bodies, strict=True):
        t = (stamp - first) * 1e-9
        if body is not None and t > newest:
            newest = t
            times.append(t)
            bodies.append(body)
    return np.array(times), bodies


@lru_cache(maxsize=64)
def _rows(topology: Topology, names: tuple[str, ...]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    marks = [Landmark(name) for name in names]
    present = np.array([mark in topology for mark in marks], dtype=bool)
    rows = np.array([topology.index(mark) if mark in topology else 0 for mark in marks], dtype=np.intp)
    return rows, present


def _points(body: Body, names: tuple[str, ...]) -> FloatArray:
    rows, present = _rows(body.topology, names)
    points = np.array(body.positions[rows], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        sound = present & (body.states[rows] != LandmarkState.LOST) & (np.abs(points) < _REACH).all(axis=1)
    points[~sound] = np.nan
    return points


def _resample(stamps: FloatArray, raw: FloatArray, times: FloatArray) -> FloatArray:
    even = np.full((len(times), raw.shape[1]), np.nan)
    for j in range(0, raw.shape[1], 3):
        known = np.isfinite(raw[:, j])
        if known.sum() < 2:
            continue
        at = stamps[known]
        right = np.clip(np.searchsorted(at, times), 1, len(at) - 1)
        near = (times >= at[0] - 1e-6) & (times <= at[-1] + 1e-6) & (at[right] - at[right - 1] <= _BRIDGE_S)
        for k in range(j, j + 3):
            even[near, k] = np.interp(times[near], at, raw[known, k])
    return even


def _smooth(even: FloatArray) -> FloatArray:
    """Binomial window over what is known."""
    half = len(_SMOOTH) // 2
    padded = np.pad(even, ((half, half), (0, 0)), constant_values=np.nan)
    total = np.zeros_like(even)
    weight = np.zeros_like(even)
    for k, share in enumerate(_SMOOTH):
        part = padded[k : k + len(even)]
        known = np.isfinite(part)
        total += share * np.where(known, part, 0.0)
        weight += share * known
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(even), total / np.where(weight > 0.0, weight, np.nan), np.nan)


def _uncertainty(bodies: list[Body]) -> FloatArray:
    """(C,) median standard deviation, infinite for what is abstained from in half of the frames looked at."""
    measure = computer()
    count = min(max(len(bodies) // round(RATE), _SAMPLES[0]), _SAMPLES[1])
    chosen = [bodies[i] for i in np.unique(np.linspace(0, len(bodies) - 1, count).astype(int))]
    start = _points(chosen[0], measure.landmarks)
    found = np.full((len(chosen), len(columns())), np.inf)
    for i, body in enumerate(chosen):
        frame = measure.measure(body, start)
        for j, column in enumerate(columns()):
            if frame[column].usable:
                found[i, j] = frame[column].std
    result: FloatArray = np.median(found, axis=0)
    return result
