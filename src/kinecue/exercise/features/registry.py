"""Where features register, and what is known of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kinecue.body.errors import KineCueError
from kinecue.exercise.pose import FloatArray, Pose

Unit = Literal["rad", "m", "1", "s", "1/s"]


@dataclass(frozen=True)
class Feature:
    """A registered feature.

    Attributes:
        name: as in exercise files.
        unit: SI unit of the value.
        joints: which it needs, without side.
        sided: one value for each side.
        relative: needs to know the person's start position.
        mirrored: for a feature without sides: its sign changes for the mirrored body (left positive).
        floor: standard deviation that is always added, SI.
        function: the definition; None for a feature that is no function of a pose: of the movement (`judge: end`
            only), or one that no landmark tells.
        text: definition of a feature without a function.
        views: from where one camera shows it, for people.
        of_movement: it is known when a movement has ended.
    """

    name: str
    unit: Unit
    joints: tuple[str, ...]
    sided: bool
    relative: bool
    mirrored: bool
    floor: float
    function: Callable[[Pose], FloatArray] | None
    text: str = ""
    views: str = "any"
    of_movement: bool = False

    @property
    def definition(self) -> str:
        """What it is, with sign and zero."""
        said = self.text if self.function is None else self.function.__doc__ or ""
        return " ".join(said.split())


FEATURES: dict[str, Feature] = {}
"""All features by name."""


class UnknownFeatureError(KineCueError):
    """No feature has this name."""


def feature(
    name: str,
    unit: Unit,
    joints: str,
    *,
    floor: float,
    sided: bool = False,
    relative: bool = False,
    mirrored: bool = False,
    views: str = "any",
) -> Callable[[Callable[[Pose], FloatArray]], Callable[[Pose], FloatArray]]:
    """Register a feature function; `joints` separated by spaces, `floor` in degrees for an angle, else SI."""

    def register(function: Callable[[Pose], FloatArray]) -> Callable[[Pose], FloatArray]:
        minimum = math.radians(floor) if unit == "rad" else floor
        FEATURES[name] = Feature(
            name, unit, tuple(joints.split()), sided, relative, mirrored, minimum, function, views=views
        )
        return function

    return register


def unseen(name: str, unit: Unit, text: str, *, mirrored: bool = False) -> None:
    """Register a feature that no landmark tells: it always abstains, so that a fault of it says why it is silent."""
    FEATURES[name] = Feature(
        name, unit, (), sided=False, relative=False, mirrored=mirrored, floor=1e-3, function=None,
        text=text, views="none",
    )  # fmt: skip


def of_movement(name: str, unit: Unit, text: str, *, floor: float) -> None:
    """Register a feature of a whole movement, which `judge: end` can judge; `floor` in SI."""
    FEATURES[name] = Feature(
        name, unit, (), sided=False, relative=False, mirrored=False, floor=floor, function=None,
        text=text, of_movement=True,
    )  # fmt: skip
