"""The exercise file: what a coach writes about an exercise; `docs/exercise-files.md` is the walk-through.

Numbers stand in the file as people say them; each block that holds some names their `unit` (``deg``, ``rad``,
``m``, ``cm``, ``"1"``). Everything derived from here is in SI units (`MeasuredBlock.si`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from kinecue.body.errors import ConfigError
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
from kinecue.exercise.excursion_block import Excursion
from kinecue.exercise.features import FEATURES
from kinecue.exercise.personal_blocks import PersonalBlock, can_be_personal
from kinecue.exercise.results import Phase
from kinecue.exercise.structure import Hold, Leading, Position, Progress, Recognition, Stage, Tempo


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


COURSE_PHASES = ("any", "top", "eccentric", "bottom", "concentric", "hold")
Courses = dict[Key, tuple[Knot, ...]]
"""Knots by phase (`COURSE_PHASES`) or, of `kind: stages`, by the name of the stage."""


class ScoredFeature(MeasuredBlock):
    """A feature with its ideal course: a term of D."""

    weight: float = Field(gt=0.0, le=100.0)
    """Relative to the other features; they are scaled to a sum of 1."""
    counts: Outside = Outside.EITHER
    """Which deviation counts: ``above`` the ideal, ``below`` it, or ``either``."""
    views_deg: Views = _ANY_VIEW
    """Intervals of the angle between where the person faces and the camera, in which this can be measured."""
    ideal: Courses
    """Knots by phase or stage; ``any`` stands for each that is not given. A phase without knots has no ideal."""
    personal: bool = False
    """The ideal is shifted for the person, see the block `personal` of the file."""

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
    relative_to_ideal: bool = False
    """The limit counts from the (personal) ideal course of the same feature, not from zero."""
    safety: float | None = None
    """Absolute limit in the same unit that no adaptation and no personal ideal moves."""
    judge: Judge = Judge.CONTINUOUS
    phases: tuple[PhaseName, ...] = MOVEMENT_PHASES
    """Phases in which it is looked for."""
    stages: tuple[Key, ...] = ()
    """Of `kind: stages`: stages in which it is looked for; empty = all."""
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
        if self.safety is not None and not self.relative_to_ideal:
            limits = [k.limit for k in self.limit] if isinstance(self.limit, tuple) else [self.limit]
            wrong = self.safety > min(limits) if self.outside is Outside.BELOW else self.safety < max(limits)
            if wrong:
                raise PydanticCustomError(
                    "order",
                    "{value} must not be stricter than the limit ({limit})",
                    {
                        "field": "safety",
                        "value": f"{self.safety:g}",
                        "limit": f"{min(limits) if self.outside is Outside.BELOW else max(limits):g}",
                    },
                )
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
    kind: Literal["repetitions", "held", "stages"] = "repetitions"
    """Of what a set consists: movements out and back, positions that are held, or stages in a fixed order."""
    load_direction: Literal["eccentric_first", "concentric_first"] | None = None
    """Of repetitions: whether the way out of the start position lowers the load (squat) or lifts it (curl)."""
    sides: Literal["both", "alternating"] = "both"
    """``alternating``: one side leads each repetition (lunges); which one is found from the movement."""
    leading: Leading | None = None
    """Of `sides: alternating`: how the leading side is found; by default the progress feature's larger side."""
    progress: Progress | None = None
    """Of repetitions: what drives them."""
    start_position: Position = Position(hold_s=0.25)
    in_position: Position = Position(hold_s=0.4)
    """What stays true during a repetition; otherwise it is abandoned. Of `kind: held`: the position to hold."""
    tempo: Tempo = Field(default_factory=Tempo)
    hold: Hold | None = None
    """Of `kind: held`."""
    stages: tuple[Stage, ...] = ()
    """Of `kind: stages`: in order; the start position comes before the first."""
    back: Literal["reverse", "none"] = "reverse"
    """Of `kind: stages`: the way back runs through the stages in reverse, or there is none."""
    recognition: Recognition = Field(default_factory=Recognition)
    """Further conditions by which the exercise is told from others that move alike."""
    personal: PersonalBlock | None = None
    """How the ideal depends on the person's build."""
    features: tuple[ScoredFeature, ...] = Field(min_length=1)
    excursions: tuple[Excursion, ...] = ()
    """How far features travel in a repetition: a part of its D, mostly of learned files."""
    excursion_share: float = Field(default=0.5, ge=0.0, le=1.0)
    """Which part: D squared of a repetition has so much of the excursions and the rest of the courses."""
    faults: dict[Key, FaultRule] = Field(default_factory=dict)
    least_weight: float = Field(default=0.5, gt=0.0, le=1.0)
    """D is abstained from when the features that can be measured have less than this share of the weight."""
    sources: tuple[str, ...] = Field(min_length=1)
    """Where the numbers come from, literature or judgement."""

    @model_validator(mode="after")
    def _fits(self) -> ExerciseModel:
        _check_kind(self)
        _check_sides(self)
        _check_references(self)
        _check_personal(self)
        return self

    @property
    def movement(self) -> Progress:
        """The progress of an exercise of repetitions.

        Raises:
            ConfigError: the exercise is of another kind and has none.
        """
        if self.progress is None:
            raise ConfigError(self.name, "progress", f"an exercise of kind {self.kind} has none")
        return self.progress

    @property
    def outward(self) -> Phase:
        """Phase of the way out of the start position."""
        return Phase.CONCENTRIC if self.load_direction == "concentric_first" else Phase.ECCENTRIC

    @property
    def homeward(self) -> Phase:
        """Phase of the way back."""
        return Phase.ECCENTRIC if self.load_direction == "concentric_first" else Phase.CONCENTRIC

    def feature_names(self) -> tuple[str, ...]:
        """Every feature that the file refers to, once."""
        blocks: list[MeasuredBlock] = [] if self.progress is None else [self.progress]
        blocks += [] if self.leading is None else [self.leading]
        blocks += [*self.start_position.conditions, *self.in_position.conditions]
        blocks += [condition for stage in self.stages for condition in stage.conditions]
        blocks += [*self.recognition.start, *self.recognition.full]
        blocks += [*self.features, *self.excursions, *self.faults.values()]
        return tuple(dict.fromkeys(block.feature for block in blocks))


def _refuse(field: str, text: str) -> PydanticCustomError:
    return PydanticCustomError("order", "{text}", {"field": field, "text": text})


def _check_kind(model: ExerciseModel) -> None:
    """Each kind of exercise has its own blocks, and only those."""
    needed = {"repetitions": ("progress", "load_direction"), "held": ("hold",), "stages": ("stages",)}
    for kind, fields in needed.items():
        for field in fields:
            if kind == model.kind and not getattr(model, field):
                raise _refuse(field, f"is missing; kind: {model.kind} needs {', '.join(fields)}")
            if kind != model.kind and getattr(model, field):
                raise _refuse(field, f"is only for kind: {kind}; this file is of kind: {model.kind}")
    if model.kind == "held" and not model.in_position.conditions:
        raise _refuse("in_position", "needs conditions: they are the position that is held")
    if model.kind != "stages" and model.back != "reverse":
        raise _refuse("back", f"is only for kind: stages; this file is of kind: {model.kind}")
    names = [stage.name for stage in model.stages]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise _refuse(f"stages.{i}.name", f"{name} is given twice")
        if name in COURSE_PHASES:
            raise _refuse(
                f"stages.{i}.name",
                f"{name} is a phase; allowed: any name other than {', '.join(COURSE_PHASES)}",
            )


def _check_sides(model: ExerciseModel) -> None:
    """`leading` and `trailing` need to be found from the movement."""
    if model.sides == "both":
        if model.leading is not None:
            raise _refuse("leading", "is only for sides: alternating")
        for field, block in _sided_blocks(model):
            if block.side in (SidePolicy.LEADING, SidePolicy.TRAILING):
                raise _refuse(
                    f"{field}.side",
                    f"{block.side.value} is only for sides: alternating; "
                    "allowed: each, mean, larger, smaller, left, right",
                )
    elif model.kind != "repetitions" and model.leading is None:
        raise _refuse("leading", "is missing: sides: alternating needs a feature that tells left from right")
    elif model.leading is None and not FEATURES[model.movement.feature].sided:
        raise _refuse(
            "leading",
            f"is missing: {model.movement.feature} does not tell left from right "
            "(feature, unit, margin of what does)",
        )


def _sided_blocks(model: ExerciseModel) -> Iterator[tuple[str, MeasuredBlock]]:
    if model.progress is not None:
        yield "progress", model.progress
    positions = [("start_position.conditions", model.start_position.conditions)]
    positions.append(("in_position.conditions", model.in_position.conditions))
    positions += [(f"stages.{i}.conditions", stage.conditions) for i, stage in enumerate(model.stages)]
    positions += [
        ("recognition.start", model.recognition.start),
        ("recognition.full", model.recognition.full),
    ]
    for where, conditions in positions:
        for i, condition in enumerate(conditions):
            yield f"{where}.{i}", condition
    for i, scored in enumerate(model.features):
        yield f"features.{i}", scored
    for i, excursion in enumerate(model.excursions):
        yield f"excursions.{i}", excursion
    for name, rule in model.faults.items():
        yield f"faults.{name}", rule


def _check_references(model: ExerciseModel) -> None:
    """Names that a block refers to are in the file."""
    stages = tuple(stage.name for stage in model.stages)
    for i, scored in enumerate(model.features):
        for phase in scored.ideal:
            if phase not in (*COURSE_PHASES, *stages):
                raise _refuse(
                    f"features.{i}.ideal.{phase}",
                    f"is no phase; allowed: {', '.join((*COURSE_PHASES, *stages))}",
                )
    scored_by = {(scored.feature, scored.side) for scored in model.features}
    for name, rule in model.faults.items():
        for stage in rule.stages:
            if stage not in stages:
                allowed = ", ".join(stages) or "none, there are no stages"
                raise _refuse(f"faults.{name}.stages", f"{stage} is no stage; allowed: {allowed}")
        if rule.relative_to_ideal and (rule.feature, rule.side) not in scored_by:
            allowed = ", ".join(sorted(f"{feature} (side {side.value})" for feature, side in scored_by))
            raise _refuse(
                f"faults.{name}.relative_to_ideal",
                f"needs an ideal course of {rule.feature} (side {rule.side.value}); there are: {allowed}",
            )


def _check_personal(model: ExerciseModel) -> None:
    """What is marked as personal can be, and the block has what it needs from the rest of the file."""
    block = model.personal
    for i, scored in enumerate(model.features):
        if scored.personal and block is None:
            raise _refuse(
                f"features.{i}.personal", "needs the block personal, which says how the ideal depends"
            )
        if scored.personal and not can_be_personal(scored.feature):
            allowed = ", ".join(sorted(filter(can_be_personal, FEATURES)))
            raise _refuse(f"features.{i}.personal", f"is not for {scored.feature}; allowed: {allowed}")
    if block is None:
        return
    if model.progress is None:
        raise _refuse("personal", f"is only for kind: repetitions; this file is of kind: {model.kind}")
    if block.balance is not None and not block.balance.knee and model.progress.feature != "knee_flexion":
        raise _refuse(
            "personal.balance.knee",
            f"is needed: progress is {model.progress.feature}, which does not say how far the knees are bent",
        )
    split = block.balance is not None and block.balance.stance == "split"
    if split and not any(scored.feature == "trunk_lean" for scored in model.features):
        raise _refuse("personal.balance.stance", "split needs an ideal course of trunk_lean in features")
