"""The exercise file: what a coach writes about an exercise; `docs/exercise-files.md` is the walk-through.

Numbers stand in the file as people say them; each block that holds some names their `unit` (``deg``, ``rad``,
``m``, ``cm``, ``"1"``). Everything derived from here is in SI units (`MeasuredBlock.si`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from kinecue.exercise.blocks import (
    MOVEMENT_PHASES,
    Judge,
    Key,
    MeasuredBlock,
    Outside,
    PhaseName,
    SeverityName,
    SidePolicy,
    StrictBlock,
)
from kinecue.exercise.features import FEATURES
from kinecue.exercise.results import Phase


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


class Knot(StrictBlock):
    """A point of a piecewise linear course over progress."""

    at: float = Field(ge=-1.0, le=2.0)
    """Progress, 0 start position, 1 full range."""
    ideal: float
    tolerance: float = Field(gt=0.0)
    """Deviation that counts as one."""


class LimitKnot(StrictBlock):
    """A point of a limit that depends on progress."""

    at: float = Field(ge=-1.0, le=2.0)
    limit: float


def _rising(knots: tuple[Any, ...]) -> tuple[Any, ...]:
    if any(later.at <= earlier.at for earlier, later in pairwise(knots)):
        raise PydanticCustomError("order", "knots must have rising `at`", {})
    return knots


ViewInterval = Annotated[
    tuple[Annotated[float, Field(ge=0.0, le=180.0)], Annotated[float, Field(ge=0.0, le=180.0)]], Field()
]
Views = Annotated[tuple[ViewInterval, ...], Field(min_length=1)]
_ANY_VIEW: tuple[tuple[float, float], ...] = ((0.0, 180.0),)


def _views(value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    for low, high in value:
        if low >= high:
            raise PydanticCustomError(
                "order", "each view is [from, to] in degrees, 0 front to 180 back, from < to", {}
            )
    return value


Courses = dict[Literal["any", "top", "eccentric", "bottom", "concentric", "hold"], tuple[Knot, ...]]


class ScoredFeature(MeasuredBlock):
    """A feature with its ideal course: a term of D."""

    weight: float = Field(gt=0.0, le=100.0)
    """Relative to the other features; they are scaled to a sum of 1."""
    counts: Outside = Outside.EITHER
    """Which deviation counts: ``above`` the ideal, ``below`` it, or ``either``."""
    views_deg: Views = _ANY_VIEW
    """Intervals of the angle between where the person faces and the camera, in which this can be measured."""
    ideal: Courses
    """Knots by phase; ``any`` stands for each phase that is not given. A phase without knots has no ideal."""

    _check_views = field_validator("views_deg")(_views)

    @field_validator("ideal")
    @classmethod
    def _courses(cls, value: dict[str, tuple[Knot, ...]]) -> dict[str, tuple[Knot, ...]]:
        if not value or not all(value.values()):
            raise PydanticCustomError("order", "needs at least one phase with at least one knot", {})
        for knots in value.values():
            _rising(knots)
        return value


class FaultRule(MeasuredBlock):
    """A fault: what it looks like, how bad it is, and what to do about it."""

    title: str = Field(min_length=1)
    outside: Outside
    """The fault is there when the feature is ``above`` or ``below`` the limit."""
    limit: float | tuple[LimitKnot, ...]
    """A number, or knots over progress. Includes the guard band: a false cue costs more than a missed one."""
    tolerance: float = Field(gt=0.0)
    """What counts as one tolerance beyond the limit (for the magnitude)."""
    judge: Judge = Judge.CONTINUOUS
    phases: tuple[PhaseName, ...] = MOVEMENT_PHASES
    """Phases in which it is looked for."""
    progress: tuple[float, float] = (-1.0, 2.0)
    """Range of progress in which it is looked for."""
    views_deg: Views = _ANY_VIEW
    """As in the features: elsewhere the fault is abstained from."""
    probability: float = Field(default=0.85, gt=0.5, lt=1.0)
    """That the feature is outside, given its uncertainty: from here on it is believed."""
    hold_s: float = Field(default=0.15, ge=0.0, le=5.0)
    """For how long it must be believed."""
    severity: SeverityName
    correction: Key
    """Key of the phrase: direction and body part."""
    body_part: Key
    say_in: tuple[PhaseName, ...] = ()
    """Phases in which the lifter can act on it; empty = any."""
    source: str = Field(min_length=1)
    """Where the numbers come from."""

    _check_views = field_validator("views_deg")(_views)

    @field_validator("limit")
    @classmethod
    def _limit_rises(cls, value: float | tuple[LimitKnot, ...]) -> float | tuple[LimitKnot, ...]:
        if isinstance(value, tuple):
            if not value:
                raise PydanticCustomError("order", "needs a number or at least one knot", {})
            _rising(value)
        return value

    @model_validator(mode="after")
    def _sensible(self) -> FaultRule:
        if self.progress[0] >= self.progress[1]:
            raise PydanticCustomError("order", "is [from, to] with from < to", {"field": "progress"})
        if self.judge is not Judge.CONTINUOUS and self.outside is Outside.EITHER:
            raise PydanticCustomError(
                "order",
                "either only goes with judge: continuous; allowed: above, below",
                {"field": "outside"},
            )
        return self


class ExerciseModel(StrictBlock):
    """An exercise file."""

    format: Literal[1]
    """Version of the file format."""
    name: Key
    title: str = Field(min_length=1)
    description: str = ""
    load_direction: Literal["eccentric_first", "concentric_first"]
    """Whether the way out of the start position lowers the load (squat) or lifts it (curl)."""
    progress: Progress
    start_position: Position = Position(hold_s=0.25)
    in_position: Position = Position(hold_s=0.4)
    """What stays true during a repetition; otherwise it is abandoned."""
    tempo: Tempo = Field(default_factory=Tempo)
    features: tuple[ScoredFeature, ...] = Field(min_length=1)
    faults: dict[Key, FaultRule] = Field(default_factory=dict)
    least_weight: float = Field(default=0.5, gt=0.0, le=1.0)
    """D is abstained from when the features that can be measured have less than this share of the weight."""
    sources: tuple[str, ...] = Field(min_length=1)
    """Where the numbers come from, literature or judgement."""

    @model_validator(mode="after")
    def _fits(self) -> ExerciseModel:
        if self.progress.side is SidePolicy.EACH:
            raise PydanticCustomError(
                "side",
                "progress needs one number; allowed: mean, larger, left, right",
                {"field": "progress.side"},
            )
        if FEATURES[self.progress.feature].relative:
            raise PydanticCustomError(
                "feature",
                "{name} is relative to the start position and cannot find it; allowed: {allowed}",
                {
                    "field": "progress.feature",
                    "name": self.progress.feature,
                    "allowed": ", ".join(sorted(n for n, f in FEATURES.items() if not f.relative)),
                },
            )
        return self

    @property
    def outward(self) -> Phase:
        """Phase of the way out of the start position."""
        return Phase.ECCENTRIC if self.load_direction == "eccentric_first" else Phase.CONCENTRIC

    @property
    def homeward(self) -> Phase:
        """Phase of the way back."""
        return Phase.CONCENTRIC if self.load_direction == "eccentric_first" else Phase.ECCENTRIC

    def feature_names(self) -> tuple[str, ...]:
        """Every feature that the file refers to, once."""
        blocks: list[MeasuredBlock] = [
            self.progress,
            *self.start_position.conditions,
            *self.in_position.conditions,
        ]
        blocks += [*self.features, *self.faults.values()]
        return tuple(dict.fromkeys(block.feature for block in blocks))
