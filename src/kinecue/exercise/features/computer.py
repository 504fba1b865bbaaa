"""Measures a fixed set of features on body after body."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.measurement import Measurement, Reason, Validity
from kinecue.exercise.features.registry import FEATURES, Feature, UnknownFeatureError
from kinecue.exercise.pose import FloatArray, Pose, Sample, Sampler
from kinecue.exercise.results import Side
from kinecue.exercise.tracing import Compiled, Term, compiled

_FEATURE_LIMIT = {"rad": math.radians(25.0), "m": 0.10, "1": 0.35, "s": math.inf, "1/s": math.inf}
"""Standard deviation from which a value says nothing.

A quarter of the range that such features have in a movement.
"""
_NOTHING: tuple[float, ...] = ()


class FeatureFrame:
    """All wanted features of one body at one moment.

    Attributes:
        points: (K, 3) joint positions that they come from, NaN where lost.
        measurements: by feature and side.
        leading: the side that leads the repetition, which the scorer fills in; `Side.NONE` while that is not known.
    """

    __slots__ = ("leading", "measurements", "points")

    def __init__(self, measurements: dict[tuple[str, Side], Measurement], points: FloatArray) -> None:
        self.measurements = measurements
        self.points = points
        self.leading = Side.NONE

    def __getitem__(self, key: tuple[str, Side]) -> Measurement:
        return self.measurements[key]


class _Column:
    """One value of a feature, made ready."""

    __slots__ = ("floor2", "key", "limit2", "relative", "uses", "uses_row")

    def __init__(self, item: Feature, side: Side, uses: NDArray[np.bool_]) -> None:
        self.key = (item.name, side)
        self.floor2 = item.floor**2
        self.limit2 = _FEATURE_LIMIT[item.unit] ** 2
        self.relative = item.relative
        self.uses_row = uses
        self.uses = sum(1 << i for i, used in enumerate(uses.tolist()) if used)


class FeatureComputer:
    """Measures a fixed set of features on body after body.

    Args:
        names: of registered features.

    Raises:
        UnknownFeatureError: a name is not registered; the text lists those that are.
    """

    def __init__(self, names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in FEATURES]
        if unknown:
            raise UnknownFeatureError(f"unknown feature {unknown[0]}; allowed: {', '.join(sorted(FEATURES))}")
        chosen = [FEATURES[name] for name in dict.fromkeys(names)]
        self.features = tuple(item for item in chosen if item.function is not None)
        self._silent = {
            (item.name, Side.NONE): Measurement.abstained(
                Reason.NOT_CALIBRATED if item.of_movement else Reason.UNSUPPORTED
            )
            for item in chosen
            if item.function is None
        }
        joints = _joints(self.features)
        self._sampler = Sampler(joints)
        self._without_start, self._code = _code(tuple(item.name for item in self.features))
        pairs = [(item, side) for item in self.features for side in _sides(item)]
        self.columns: tuple[tuple[Feature, Side], ...] = tuple(pairs)
        uses = np.zeros((len(pairs), max(2 * len(joints), 1)), dtype=bool)
        uses[self._code.rows, self._code.columns // 3] = True
        self._columns = [_Column(item, side, uses[i]) for i, (item, side) in enumerate(pairs)]
        self._at_once = [i for i, (item, _) in enumerate(pairs) if not item.relative]
        self._started: FloatArray | None = None
        self._prepared: tuple[float, ...] | None = _NOTHING

    def measure(self, body: Body, start: FloatArray | None = None) -> FeatureFrame:
        """Features of `body`; `start` are the `FeatureFrame.points` of its start position, if known."""
        sample = self._sampler.sample(body)
        if start is not None and start is not self._started:
            self._started, self._prepared = start, self._prepare(start)
        code = self._without_start if start is None else self._code
        prepared = _NOTHING if start is None else self._prepared
        if prepared is None:
            return self.measure_by_steps(body, start)
        try:
            numbers = code.evaluate(sample.points.ravel().tolist(), prepared)
        except (ZeroDivisionError, ValueError):  # joints in the same place, limbs exactly straight
            return self.measure_by_steps(body, start)
        variances = sample.variances(code, numbers)
        values: Sequence[float] = numbers[: code.count]
        if start is None:
            values, known = [math.nan] * len(self._columns), variances
            variances = [math.nan] * len(self._columns)
            for i, value, variance in zip(self._at_once, numbers, known, strict=False):  # then the gradient
                values[i], variances[i] = value, variance
        return FeatureFrame(self._judge(sample, values, variances, start), sample.points)

    def _prepare(self, start: FloatArray) -> tuple[float, ...] | None:
        try:
            return self._code.prepare(start.ravel().tolist())
        except (ZeroDivisionError, ValueError):
            return None

    def measure_by_steps(self, body: Body, start: FloatArray | None = None) -> FeatureFrame:
        """As `measure`, with the gradient from small steps: for positions in which a derivative is not defined."""
        sample = self._sampler.sample(body)
        batch = Pose(sample.moved(), self._sampler.joints, self._start_pose(start))
        values = self.evaluate(batch)
        angular = np.array([item.unit == "rad" for item, _ in self.columns], dtype=bool)
        return FeatureFrame(
            self._judge(sample, values[0].tolist(), sample.variances_by_steps(values, angular), start),
            sample.points,
        )

    def positions(self, points: FloatArray, start: FloatArray | None = None) -> FloatArray:
        """(T, C) values of T bodies in the order of `columns`, for looking at whole recordings.

        Args:
            points: (T, K, 3) of `landmarks`, m.
            start: (K, 3) of the start position; what needs it is NaN without.
        """
        return self.evaluate(Pose(points, self._sampler.joints, self._start_pose(start)))

    @property
    def landmarks(self) -> tuple[str, ...]:
        """Names of the K landmarks that `positions` takes."""
        return tuple(mark.value for mark in self._sampler.landmarks)

    def _start_pose(self, start: FloatArray | None) -> Pose | None:
        return None if start is None else Pose(start[None], self._sampler.joints)

    def evaluate(self, pose: Pose) -> FloatArray:
        """(B, C) values of a batch, NaN for what needs a start position that is not known."""
        values = np.full((len(pose.points), len(self.columns)), np.nan)
        column = 0
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for item in self.features:
                width = 2 if item.sided else 1
                if item.function and (pose.start is not None or not item.relative):
                    values[:, column : column + width] = item.function(pose).reshape(-1, width)
                column += width
        return values

    def _judge(
        self, sample: Sample, values: Sequence[float], variances: Sequence[float], start: FloatArray | None
    ) -> dict[tuple[str, Side], Measurement]:
        lost, inferred = sample.lost, sample.inferred
        result = dict(self._silent)
        for column, value, variance in zip(self._columns, values, variances, strict=True):
            total = max(variance, 0.0) + column.floor2
            if lost & column.uses:
                result[column.key] = Measurement.abstained(sample.reason(column.uses))
            elif not math.isfinite(value):
                unlearned = column.relative and (
                    start is None or not np.isfinite(start[column.uses_row[: len(start)]]).all()
                )
                result[column.key] = _UNLEARNED if unlearned else _UNCERTAIN
            elif not total < column.limit2:
                result[column.key] = _UNCERTAIN
            else:
                result[column.key] = Measurement(
                    value,
                    math.sqrt(total),
                    Validity.INFERRED if inferred & column.uses else Validity.VALID,
                )
        return result


_UNCERTAIN = Measurement.abstained(Reason.UNCERTAIN)
_UNLEARNED = Measurement.abstained(Reason.NOT_CALIBRATED)


def _sides(item: Feature) -> tuple[Side, ...]:
    return (Side.LEFT, Side.RIGHT) if item.sided else (Side.NONE,)


def _joints(features: Sequence[Feature]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(joint for item in features for joint in item.joints))


@lru_cache(maxsize=256)
def _code(names: tuple[str, ...]) -> tuple[Compiled, Compiled]:
    """Of the features that need no start position, and of all."""
    features = [FEATURES[name] for name in names]
    joints = _joints(features)
    shape = (2 * len(joints), 3)

    def traced(wanted: Sequence[Feature]) -> Compiled:
        def trace(now: NDArray[np.object_], start: NDArray[np.object_]) -> list[Term]:
            before = Pose(cast(FloatArray, start[None]), joints)
            pose = Pose(cast(FloatArray, now[None]), joints, before)
            return list(_terms(wanted, pose))

        return compiled(trace, shape)

    everything = traced(features)
    if not any(item.relative for item in features):
        return everything, everything
    return traced([item for item in features if not item.relative]), everything


def _terms(features: Sequence[Feature], pose: Pose) -> Iterator[Term]:
    for item in features:
        if item.function is not None:
            yield from item.function(pose).ravel()
