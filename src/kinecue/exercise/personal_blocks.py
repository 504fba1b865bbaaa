"""The block `personal` of an exercise file: how the ideal follows from a person's build; see `docs/personal-ideal.md`.

`balance` or `lift` says which posture statics or geometry ask for, `ranges` which calibrated joint range an ideal must not
ask more than, `adapt` how far the ideal may follow what the person does well. What of it moves a feature is marked
there by `personal: true`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from kinecue.body.person_record import RANGE_JOINTS
from kinecue.exercise.balance import Arms, LoadPlace
from kinecue.exercise.blocks import StrictBlock
from kinecue.exercise.features import FEATURES

AngleUnit = Literal["deg", "rad"]
RAISED = "hand_over_shoulder"
"""The one feature besides angles that follows from a joint range."""


def can_be_personal(feature: str) -> bool:
    """Whether the ideal of a feature can follow from a build."""
    return feature == RAISED or (feature in FEATURES and FEATURES[feature].unit == "rad")


class AngleKnot(StrictBlock):
    """A point of a course of an angle over progress."""

    at: float = Field(ge=-1.0, le=2.0)
    """Progress."""
    angle: float


def _rising(knots: tuple[AngleKnot, ...]) -> tuple[AngleKnot, ...]:
    if not knots or any(later.at <= earlier.at for earlier, later in pairwise(knots)):
        raise PydanticCustomError("order", "needs at least one knot, and rising `at`", {})
    return knots


class _Angles(StrictBlock):
    unit: AngleUnit
    """Of the angles in this block."""

    def si(self, value: float) -> float:
        """`value` of this block in radians."""
        return math.radians(value) if self.unit == "deg" else value


class BalanceBlock(_Angles):
    """The trunk leans as far as body and load need to stay over the feet.

    The knees follow progress (or `knee`), the shanks `shank`; trunk lean and what goes with it are the person's.
    """

    stance: Literal["even", "split"] = "even"
    """``even``: over both feet side by side. ``split``: between a front and a rear foot (lunges)."""
    load: LoadPlace = LoadPlace.NONE
    load_share: float = Field(default=0.0, ge=0.0, le=3.0)
    """Usual mass of the load over that of the body; counts where the load is not known."""
    arms: Arms = Arms.FORWARD
    """Of `load: none`: how they are held."""
    over_foot: float = Field(default=0.42, ge=0.25, le=0.75)
    """Where the centre of mass is in the even stance, share of the foot's length from the heel: 0.25 is the ankle."""
    over_base: tuple[float, float] = (0.40, 0.85)
    """In the split stance: where it may be, share of the way from the rear foot's ball to the front foot's middle."""
    step: float = Field(default=0.85, ge=0.2, le=1.5)
    """In the split stance: ankle to ankle over the leg's length (thigh and shank)."""
    legs_out_deg: float = Field(default=15.0, ge=0.0, le=60.0)
    """How far knees and toes point outwards."""
    shank: Annotated[tuple[AngleKnot, ...], Field(min_length=1)]
    """Tilt of the (front) shank over progress; no further than a calibrated ankle allows."""
    knee: tuple[AngleKnot, ...] = ()
    """Flexion of the (front) knee over progress, where progress is not knee flexion."""
    lean_most: float | None = None
    """Who would have to lean further than this is asked for less depth."""
    knee_least: float | None = None
    """Depth that is asked of everybody; needed beside `lean_most` and where the hip's range limits the depth."""

    @field_validator("shank")
    @classmethod
    def _shank_rises(cls, value: tuple[AngleKnot, ...]) -> tuple[AngleKnot, ...]:
        return _rising(value)

    @field_validator("knee")
    @classmethod
    def _knee_rises(cls, value: tuple[AngleKnot, ...]) -> tuple[AngleKnot, ...]:
        return _rising(value) if value else value

    @model_validator(mode="after")
    def _sensible(self) -> BalanceBlock:
        if (self.load is LoadPlace.NONE) != (self.load_share == 0.0):
            raise PydanticCustomError(
                "order",
                "goes with load: chest, front, back, hands or overhead, and must be above 0 there",
                {"field": "load_share"},
            )
        if self.lean_most is not None and self.knee_least is None:
            raise PydanticCustomError("order", "is needed beside lean_most", {"field": "knee_least"})
        if not 0.0 <= self.over_base[0] < self.over_base[1] <= 1.0:
            raise PydanticCustomError(
                "order", "is [from, to] with 0 <= from < to <= 1", {"field": "over_base"}
            )
        return self


class LiftBlock(_Angles):
    """The posture in which hands on straight arms reach a bar: deadlifts.

    From the floor, shoulders and bar decide knees and lean; at the knees, the knees are given and the lean follows.
    """

    reach: Literal["floor", "below_knee"]
    """Where the bar is at its lowest."""
    at: float = Field(ge=-1.0, le=2.0)
    """Progress at which it is there."""
    away: float = Field(ge=-1.0, le=2.0)
    """Progress from which on everybody stands alike."""
    bar_m: float = Field(default=0.225, gt=0.0, le=0.6)
    """Of ``floor``: height of the bar's axis, m (plates of 450 mm)."""
    under_knee: float = Field(default=0.165, ge=0.0, le=1.0)
    """Of ``below_knee``: of the bar under the knee joints, share of the shank."""
    over_foot: float = Field(default=0.50, ge=0.25, le=0.75)
    """Where the bar is, share of the foot's length from the heel."""
    shank: float
    """Tilt of the shank there."""
    knee: float | None = None
    """Of ``below_knee``: flexion of the knee there."""
    arms: float = 0.0
    """Of ``floor``: arms from the vertical, positive with the hands ahead of the shoulders."""

    @model_validator(mode="after")
    def _sensible(self) -> LiftBlock:
        if self.at == self.away:
            raise PydanticCustomError("order", "must differ from at", {"field": "away"})
        if (self.reach == "below_knee") != (self.knee is not None):
            raise PydanticCustomError(
                "order", "goes with reach: below_knee, and only with it", {"field": "knee"}
            )
        return self


class RangeRule(_Angles):
    """The ideal of a feature asks for no more than a calibrated joint range less a reserve."""

    joint: str
    """Which range."""
    feature: str
    """Of which feature: an angle, or `RAISED`, the height of the hands over the shoulders."""
    reserve: float = Field(default=0.0, ge=0.0)
    """Kept free of the range."""
    offset: float = 0.0
    """Added to the range to compare it with the feature, where their zeros differ."""
    least: float
    """A smaller range counts as this: nobody is told that hardly moving is ideal."""

    @field_validator("joint")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in RANGE_JOINTS:
            raise PydanticCustomError(
                "joint",
                "{name} is no calibrated range; allowed: {allowed}",
                {"name": name, "allowed": ", ".join(RANGE_JOINTS)},
            )
        return name

    @field_validator("feature")
    @classmethod
    def _bounded(cls, name: str) -> str:
        if not can_be_personal(name):
            raise PydanticCustomError(
                "feature",
                "{name} does not follow from a joint range; allowed: {allowed}",
                {"name": name, "allowed": ", ".join(sorted(filter(can_be_personal, FEATURES)))},
            )
        return name

    def cap(self, joint_range: float) -> float:
        """The most of the feature (SI) that a range (rad) leaves."""
        angle = max(joint_range + self.si(self.offset) - self.si(self.reserve), self.si(self.least))
        # hands over the shoulders in lengths of the arm, of an arm raised by this angle beside an upright trunk
        return -math.cos(min(angle, math.pi)) if self.feature == RAISED else angle


class AdaptBlock(StrictBlock):
    """How far the ideal follows what the person does well, in tolerances of the feature."""

    step: float = Field(default=0.08, gt=0.0, le=0.25)
    """Per session at the most."""
    most: float = Field(default=0.5, gt=0.0, le=1.0)
    """In all at the most."""

    @model_validator(mode="after")
    def _sensible(self) -> AdaptBlock:
        if self.step > self.most:
            raise PydanticCustomError("order", "must not be above most", {"field": "step"})
        return self


class PersonalBlock(StrictBlock):
    """What of the exercise depends on the person's build."""

    balance: BalanceBlock | None = None
    lift: LiftBlock | None = None
    ranges: tuple[RangeRule, ...] = ()
    adapt: AdaptBlock | None = None
    """Without it the ideal does not adapt."""

    @model_validator(mode="after")
    def _sensible(self) -> PersonalBlock:
        if self.balance is not None and self.lift is not None:
            raise PydanticCustomError("order", "and balance exclude each other", {"field": "lift"})
        if self.balance is not None and self.balance.knee_least is None:
            for i, rule in enumerate(self.ranges):
                if rule.joint == "hip_flexion":
                    raise PydanticCustomError(
                        "order",
                        "is needed where the hip's range limits the depth",
                        {"field": f"balance.knee_least (ranges.{i})"},
                    )
        return self
