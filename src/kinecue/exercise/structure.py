"""Blocks of an exercise file that say how the movement is built.

Progress and its range, positions, tempo, holds, stages, sides, and how the exercise is told from others.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from kinecue.exercise.blocks import Key, MeasuredBlock, SidePolicy, StrictBlock
from kinecue.exercise.features import FEATURES


class RangeLearning(StrictBlock):
    """How far the person's own full range may differ from `full`, as factors of the way from `start` to `full`."""

    least: float = Field(default=0.85, ge=0.5, le=1.0)
    """A smaller range is not believed to be this person's: somebody who never goes deep is not ideal."""
    most: float = Field(default=1.2, ge=1.0, le=1.5)


class Progress(MeasuredBlock):
    """What drives progress: 0 in the start position, 1 at full range."""

    start: float
    """Value in the start position."""
    full: float
    """Value at full range; may be smaller than `start`."""
    in_start: float
    """Nearer to `start` than this: in the start position."""
    left_start: float
    """Farther from `start` than this: a movement has begun. Keep well away from `in_start` (hysteresis)."""
    minimal: float
    """A movement that turns before this is partial and not counted.

    From here on it counts, though maybe with a fault.
    """
    learn: RangeLearning | None = None
    """The person's own full range is learned from the first repetitions or a calibration, within these factors."""

    @model_validator(mode="after")
    def _ordered(self) -> Progress:
        if self.full == self.start:
            raise PydanticCustomError("order", "must differ from start", {"field": "full"})
        steps = [("in_start", self.in_start), ("left_start", self.left_start), ("minimal", self.minimal)]
        before, limit = "start", 0.0
        for name, value in steps:
            progress = self.fraction(self.si(value))
            if not limit < progress <= 1.0:
                raise PydanticCustomError(
                    "order",
                    "{value} must lie between {before} and full; allowed order: start, in_start, left_start, "
                    "minimal, full",
                    {"field": name, "value": f"{value:g}", "before": before},
                )
            before, limit = name, progress
        if self.side is SidePolicy.EACH:
            raise PydanticCustomError(
                "side",
                "progress needs one number; allowed: {allowed}",
                {
                    "field": "side",
                    "allowed": ", ".join(p.value for p in SidePolicy if p is not SidePolicy.EACH),
                },
            )
        if FEATURES[self.feature].relative:
            raise PydanticCustomError(
                "feature",
                "{name} is relative to the start position and cannot find it; allowed: {allowed}",
                {
                    "field": "feature",
                    "name": self.feature,
                    "allowed": ", ".join(sorted(n for n, f in FEATURES.items() if not f.relative)),
                },
            )
        return self

    def fraction(self, value: float) -> float:
        """Progress at `value` (SI)."""
        start, full = self.si(self.start), self.si(self.full)
        return (value - start) / (full - start)


class Condition(MeasuredBlock):
    """The feature lies between `min` and `max`.

    A feature that cannot be measured does not speak against it.
    """

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Condition:
        if self.min is None and self.max is None:
            raise PydanticCustomError("order", "needs min, max or both", {"field": "max"})
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise PydanticCustomError("order", "must be below max", {"field": "min"})
        return self


class Position(StrictBlock):
    """A position that a person can be in, and for how long to wait before believing it."""

    conditions: tuple[Condition, ...] = ()
    hold_s: float = Field(default=0.25, ge=0.0, le=5.0)
    """The start position must last this long; the position during a repetition may be left for this long."""


class Tempo(StrictBlock):
    """Limits of plausible times, s."""

    shortest_s: float = Field(default=0.5, gt=0.0)
    """A movement there and back that is quicker is a tracking error."""
    longest_s: float = Field(default=20.0, gt=0.0)
    """A movement that takes longer is given up."""
    longest_pause_s: float = Field(default=5.0, gt=0.0)
    """Resting longer than this away from the start position is no repetition (sitting down)."""

    @model_validator(mode="after")
    def _sensible(self) -> Tempo:
        if self.shortest_s >= self.longest_s:
            raise PydanticCustomError("order", "must be below longest_s", {"field": "shortest_s"})
        return self


class Hold(StrictBlock):
    """Of `kind: held`: how long `in_position` has to last to be a repetition, s."""

    least_s: float = Field(gt=0.0, le=3600.0)
    """A hold that lasts at least this long is a repetition; a shorter one is partial."""
    bridge_s: float = Field(default=2.0, ge=0.0, le=10.0)
    """A loss of tracking that is no longer than this does not break the hold."""


class Stage(StrictBlock):
    """Of `kind: stages`: a position that has to be reached, after the stage before it."""

    name: Key
    title: str = Field(min_length=1)
    conditions: tuple[Condition, ...] = Field(min_length=1)
    """All that can be measured must hold, and at least one of them must be measured."""
    hold_s: float = Field(default=0.1, ge=0.0, le=5.0)
    """For how long."""


class Leading(MeasuredBlock):
    """Of `sides: alternating`: how the side that leads a repetition is found.

    A sided feature: the side that is larger (or smaller) by `margin` where the two differ most. A feature of
    the whole body that is positive to the left: its sign.
    """

    margin: float = Field(gt=0.0)
    """The sides must differ by this much, otherwise nobody leads."""
    picks: Literal["larger", "smaller"] = "larger"
    """Which side leads; for a feature that is positive to the left, ``larger`` means that positive is left."""

    @model_validator(mode="after")
    def _tells_sides(self) -> Leading:
        feature = FEATURES[self.feature]
        if not feature.sided and not feature.mirrored:
            raise PydanticCustomError(
                "feature",
                "{name} does not tell left from right; allowed: {allowed}",
                {
                    "field": "feature",
                    "name": self.feature,
                    "allowed": ", ".join(sorted(n for n, f in FEATURES.items() if f.sided or f.mirrored)),
                },
            )
        return self


class Recognition(StrictBlock):
    """Further conditions by which the exercise is told from others that move alike."""

    start: tuple[Condition, ...] = ()
    """True in the start position."""
    full: tuple[Condition, ...] = ()
    """True at the turning point; of a held exercise: in the position; of stages: at the last stage."""
    longest_s: float | None = Field(default=None, gt=0.0)
    """A repetition takes no longer than this (explosive exercises, told from their slow relatives)."""
