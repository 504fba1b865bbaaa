"""What the blocks of an exercise file have in common.

Strictness, units, names of features and enumerations.
"""

from __future__ import annotations

import math
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kinecue.exercise.features import FEATURES
from kinecue.exercise.results import Phase, Severity

_TO_SI = {"deg": math.pi / 180.0, "rad": 1.0, "m": 1.0, "cm": 0.01, "1": 1.0, "s": 1.0, "1/s": 1.0}
_UNITS_OF = {"rad": ("deg", "rad"), "m": ("cm", "m"), "1": ("1",), "s": ("s",), "1/s": ("1/s",)}
_E = TypeVar("_E", bound=IntEnum)

Unit = Literal["deg", "rad", "cm", "m", "1", "s", "1/s"]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
"""A short name that the coaching looks up, such as ``knees_out``."""


def _named(kind: type[_E], allowed: tuple[_E, ...]) -> Any:
    names = {member.name.lower(): member for member in allowed}

    def read(value: object) -> object:
        if isinstance(value, kind):
            return value
        if isinstance(value, str) and value in names:
            return names[value]
        raise PydanticCustomError(
            "name",
            "{value} is not allowed; allowed: {allowed}",
            {"value": repr(value), "allowed": ", ".join(names)},
        )

    return Annotated[kind, BeforeValidator(read), WithJsonSchema({"enum": list(names)})]


MOVEMENT_PHASES = (Phase.ECCENTRIC, Phase.BOTTOM, Phase.CONCENTRIC, Phase.HOLD, Phase.STAGE)
"""The phases of which a repetition consists."""

if TYPE_CHECKING:
    PhaseName = Phase
    SeverityName = Severity
else:
    PhaseName = _named(Phase, (Phase.TOP, *MOVEMENT_PHASES))
    SeverityName = _named(Severity, tuple(Severity))


class SidePolicy(str, Enum):
    """Which side of a sided feature counts."""

    EACH = "each"
    """Left and right, one by one."""
    MEAN = "mean"
    """Mean of both, the more certain side weighing more; one side alone where the other is hidden."""
    LARGER = "larger"
    """The larger of both (one-armed and alternating exercises)."""
    SMALLER = "smaller"
    """The smaller of both (where both sides have to arrive)."""
    LEFT = "left"
    RIGHT = "right"
    LEADING = "leading"
    """The side that leads the repetition (`sides: alternating`); abstained from while that is not known."""
    TRAILING = "trailing"
    """The other one."""


class Judge(str, Enum):
    """When a fault is judged."""

    CONTINUOUS = "continuous"
    """In every frame of its phases; it must last for `hold_s`."""
    END = "end"
    """Once, after a valid repetition, from the extreme value in it (``below``.

    The largest, ``above``: the smallest).
    """
    START = "start"
    """Once, when a repetition starts, from the extreme value since the repetition before."""


class Outside(str, Enum):
    """Which way the feature has to leave the limit."""

    ABOVE = "above"
    BELOW = "below"
    EITHER = "either"
    """Above the limit or below minus the limit."""


class StrictBlock(BaseModel):
    """Frozen; unknown keys and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: object) -> object:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key",
                        "unknown key {key}; allowed: {allowed}",
                        {"key": str(key), "allowed": ", ".join(cls.model_fields)},
                    )
        return data


class MeasuredBlock(StrictBlock):
    """A block about one feature, with the unit of its numbers."""

    feature: Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(FEATURES)})]
    """Name of a registered feature."""
    unit: Unit
    """Unit of the numbers in this block."""
    side: SidePolicy = SidePolicy.MEAN
    """Which side of a sided feature."""

    @field_validator("feature")
    @classmethod
    def _registered(cls, name: str) -> str:
        if name not in FEATURES:
            raise PydanticCustomError(
                "feature",
                "{name} is not a feature; allowed: {allowed}",
                {"name": name, "allowed": ", ".join(sorted(FEATURES))},
            )
        return name

    @model_validator(mode="after")
    def _unit_fits(self) -> MeasuredBlock:
        allowed = _UNITS_OF[FEATURES[self.feature].unit]
        if self.unit not in allowed:
            raise PydanticCustomError(
                "unit",
                "{unit} does not fit {feature}; allowed: {allowed}",
                {"field": "unit", "unit": self.unit, "feature": self.feature, "allowed": ", ".join(allowed)},
            )
        return self

    def si(self, value: float) -> float:
        """`value` of this block in SI units."""
        return value * _TO_SI[self.unit]
