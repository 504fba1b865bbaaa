"""What of a person's build an ideal depends on: lengths, mass and calibrated ranges, each with what is not known of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from kinecue.body.anthropometry import (
    LENGTH_NAMES,
    PROPORTION_STD,
    STATURE_MEAN,
    SegmentLengths,
)
from kinecue.body.body import Body
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark as L
from kinecue.body.landmarks import LandmarkState
from kinecue.body.person import Person
from kinecue.body.person_record import AdaptedSession
from kinecue.exercise.balance import Frame

_BETWEEN: dict[str, tuple[tuple[L, L], ...]] = {
    "pelvis": ((L.LEFT_HIP, L.RIGHT_HIP),),
    "shoulders": ((L.LEFT_SHOULDER, L.RIGHT_SHOULDER),),
    "thigh": ((L.LEFT_HIP, L.LEFT_KNEE), (L.RIGHT_HIP, L.RIGHT_KNEE)),
    "shank": ((L.LEFT_KNEE, L.LEFT_ANKLE), (L.RIGHT_KNEE, L.RIGHT_ANKLE)),
    "upper_arm": ((L.LEFT_SHOULDER, L.LEFT_ELBOW), (L.RIGHT_SHOULDER, L.RIGHT_ELBOW)),
    "forearm": ((L.LEFT_ELBOW, L.LEFT_WRIST), (L.RIGHT_ELBOW, L.RIGHT_WRIST)),
}
_SCALE = (0.70, 1.40)
"""Lengths outside of these shares of an average adult's are no measurement."""


class BuildError(KineCueError):
    """A build cannot be anybody's; the text names the field and what is allowed."""


@dataclass(frozen=True)
class Range:
    """How far a joint goes, of both sides the smaller one: what both can do.

    Attributes:
        value: rad. std: rad.
    """

    value: float
    std: float


@dataclass(frozen=True)
class Build:
    """A person's build.

    Attributes:
        lengths: between joint centres, m.
        lengths_std: standard deviation of each, m.
        stature: m; None if only the lengths are known.
        mass: kg; None unknown.
        load_kg: mass of the load of this set; None unknown, the exercise's usual one counts then.
        ranges: by joint (`kinecue.body.person_record.RANGE_JOINTS`).
        adaptation: what the person's sessions taught, by exercise (`kinecue.exercise.adaptation`).

    Raises:
        BuildError: a value is not allowed.
    """

    lengths: SegmentLengths
    lengths_std: SegmentLengths
    stature: float | None = None
    mass: float | None = None
    load_kg: float | None = None
    ranges: Mapping[str, Range] = field(default_factory=dict)
    adaptation: Mapping[str, tuple[AdaptedSession, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        usual = SegmentLengths.from_stature(STATURE_MEAN)
        for name in LENGTH_NAMES:
            low, high = (share * getattr(usual, name) for share in _SCALE)
            value, std = getattr(self.lengths, name), getattr(self.lengths_std, name)
            if not low <= value <= high:
                raise BuildError(f"build: lengths.{name} is {value:g}, allowed: {low:.2f} to {high:.2f} m")
            if not 0.0 <= std < math.inf:
                raise BuildError(f"build: lengths_std.{name} is {std:g}, allowed: 0 or more, m")
        for what, number in (("stature", self.stature), ("mass", self.mass), ("load_kg", self.load_kg)):
            if number is not None and not 0.0 <= number < 1000.0:
                raise BuildError(f"build: {what} is {number:g}, allowed: 0 to 1000, or none")

    @staticmethod
    def average() -> Build:
        """The build for which exercise files are written: mean stature, Winter's proportions, spread of the population."""
        lengths = SegmentLengths.from_stature(STATURE_MEAN)
        own = SegmentLengths.from_array(PROPORTION_STD.as_array() * lengths.as_array())
        return Build(lengths, own, STATURE_MEAN)

    @staticmethod
    def of(person: Person, load_kg: float | None = None) -> Build:
        """Of a stored person."""
        ranges: dict[str, Range] = {}
        for item in person.ranges:
            known = ranges.get(item.joint)
            if known is None or item.value < known.value:
                ranges[item.joint] = Range(item.value, item.std)
        return Build(
            person.lengths,
            person.lengths_std,
            person.stature,
            person.mass,
            load_kg,
            ranges,
            person.adaptation,
        )

    @staticmethod
    def measured(body: Body) -> Build | None:
        """Of a body whose segment lengths were measured and do not change; None if they were not, or not all are seen."""
        if not body.calibrated:
            return None
        lengths, stds = {}, {}
        for name, pairs in _BETWEEN.items():
            found = [_distance(body, *pair) for pair in pairs]
            good = [item for item in found if item is not None]
            if not good:
                return None
            lengths[name] = sum(item[0] for item in good) / len(good)
            stds[name] = max(item[1] for item in good)
        trunk = _trunk(body)
        if trunk is None:
            return None
        lengths["trunk"], stds["trunk"] = trunk
        try:
            return Build(SegmentLengths(**lengths), SegmentLengths(**stds))
        except BuildError:
            return None

    @property
    def frame(self) -> Frame:
        """The body that is balanced."""
        return Frame.of(self.lengths, self.stature)

    def load_share(self, usual: float) -> float:
        """Mass of the load over that of the body."""
        if self.load_kg is None or self.mass is None:
            return usual
        return min(self.load_kg / self.mass, 3.0)

    def varied(self, name: str) -> Build:
        """With the length `name` longer by its standard deviation."""
        longer = getattr(self.lengths, name) + getattr(self.lengths_std, name)
        # not checked again: a length may be uncertain beyond what is likely
        changed = object.__new__(Build)
        for item, value in self.__dict__.items():
            object.__setattr__(changed, item, value)
        object.__setattr__(changed, "lengths", replace(self.lengths, **{name: longer}))
        return changed


def _distance(body: Body, first: L, second: L) -> tuple[float, float] | None:
    """Between two landmarks, with its standard deviation, m."""
    if first not in body.topology or second not in body.topology:
        return None
    if LandmarkState.LOST in (body.state(first), body.state(second)):
        return None
    way = body.position(first) - body.position(second)
    length = float(np.sqrt(way @ way))
    along = way / max(length, 1e-9)
    covariance = body.covariance_of(first, second)
    gradient = np.concatenate([along, -along])
    std = float(np.sqrt(max(gradient @ covariance @ gradient, 0.0)))
    return (length, std) if math.isfinite(length) and math.isfinite(std) else None


def _trunk(body: Body) -> tuple[float, float] | None:
    """Mid-hip to mid-shoulder, m."""
    marks = (L.LEFT_HIP, L.RIGHT_HIP, L.LEFT_SHOULDER, L.RIGHT_SHOULDER)
    if any(mark not in body.topology or body.state(mark) is LandmarkState.LOST for mark in marks):
        return None
    points = [body.position(mark) for mark in marks]
    way = (points[2] + points[3] - points[0] - points[1]) / 2.0
    length = float(np.sqrt(way @ way))
    along = way / max(length, 1e-9)
    gradient = np.concatenate([-along, -along, along, along]) / 2.0
    variance = float(gradient @ body.covariance_of(*marks) @ gradient)
    if not (math.isfinite(length) and math.isfinite(variance)):
        return None
    return length, math.sqrt(max(variance, 0.0))
