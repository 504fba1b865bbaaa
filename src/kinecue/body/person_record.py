"""What is kept of a person besides lengths: calibrated joint ranges, and what the ideal has learned of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kinecue.body.errors import KineCueError

RANGE_JOINTS = ("ankle_dorsiflexion", "hip_flexion", "shoulder_flexion", "shoulder_abduction")
"""Joint ranges that can be calibrated.

``ankle_dorsiflexion`` is the tilt of the loaded shank over a foot whose heel stays down (weight-bearing lunge, Bennell et
al. 1998); the others are the largest value of the feature of that name.
"""
SIDES = ("left", "right")
SESSIONS_KEPT = 60
"""Sessions of an exercise that are remembered one by one."""
PLACES = (0.0, 0.5, 1.0)
"""Progress at which deviations of a session are kept."""
_WIDEST = math.radians(220.0)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}(:[a-z]{1,10})?")


class PersonError(KineCueError):
    """A person cannot be stored or is not there."""


@dataclass(frozen=True)
class JointRange:
    """How far a joint goes.

    Attributes:
        joint: of `RANGE_JOINTS`. side: ``left`` or ``right``.
        value: rad. std: its standard deviation, rad.
        measured_at: ISO 8601 with the offset from UTC.

    Raises:
        PersonError: a value is not allowed.
    """

    joint: str
    side: str
    value: float
    std: float
    measured_at: str

    def __post_init__(self) -> None:
        if self.joint not in RANGE_JOINTS:
            raise PersonError(f"ranges is {self.joint!r}, allowed: {', '.join(RANGE_JOINTS)}")
        place = f"ranges.{self.joint}"
        if self.side not in SIDES:
            raise PersonError(f"{place} is {self.side!r}, allowed: {', '.join(SIDES)}")
        check_number(f"{place}.{self.side}", self.value, 0.0, _WIDEST, "rad")
        check_number(f"{place}.{self.side}.std", self.std, 1e-4, 1.0, "rad")
        check_moment(f"{place}.{self.side}.measured_at", self.measured_at)


@dataclass(frozen=True)
class AdaptedSession:
    """How a person's good repetitions of one session differed from their ideal without any adaptation.

    Attributes:
        session: when, ISO 8601 with the offset from UTC; sessions are told apart by it.
        repetitions: valid ones without a fault that went into it.
        deviations: robust mean of each feature (name, or ``name:side``) at each of `PLACES`, in tolerances of the
            exercise file; NaN where nothing was measured.

    Raises:
        PersonError: a value is not allowed.
    """

    session: str
    repetitions: int
    deviations: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        check_moment("adaptation.session", self.session)
        if not isinstance(self.repetitions, int) or not 1 <= self.repetitions <= 10_000:
            raise PersonError(f"adaptation.repetitions is {self.repetitions!r}, allowed: 1 to 10000")
        for name, values in self.deviations.items():
            place = f"adaptation.deviations.{name}"
            if not isinstance(name, str) or _NAME.fullmatch(name) is None:
                raise PersonError(f"{place} is no feature, allowed: a-z, 0-9, _ and a side after a colon")
            if len(values) != len(PLACES):
                raise PersonError(f"{place} is {list(values)}, allowed: {len(PLACES)} numbers")
            for value in values:
                if not math.isnan(value):
                    check_number(place, value, -100.0, 100.0, "tolerances")
        object.__setattr__(self, "deviations", {k: tuple(v) for k, v in self.deviations.items()})


Adaptations = Mapping[str, tuple[AdaptedSession, ...]]
"""Sessions by exercise, oldest first."""


def check_adaptations(adaptations: Adaptations) -> dict[str, tuple[AdaptedSession, ...]]:
    """A copy.

    Raises:
        PersonError: a name cannot be that of an exercise, or there are too many sessions.
    """
    for exercise, sessions in adaptations.items():
        if not isinstance(exercise, str) or _NAME.fullmatch(exercise) is None or ":" in exercise:
            raise PersonError(f"adaptation is {exercise!r}, allowed: names of exercise files")
        if len(sessions) > SESSIONS_KEPT:
            raise PersonError(
                f"adaptation.{exercise} is {len(sessions)} sessions, allowed: up to {SESSIONS_KEPT}"
            )
    return {exercise: tuple(sessions) for exercise, sessions in adaptations.items()}


def check_number(name: str, value: float, low: float, high: float, unit: str) -> None:
    """Whether a value is a number within its limits.

    Raises:
        PersonError: it is not.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise PersonError(f"{name} is {value}, allowed: {low:g} to {high:g} {unit}".rstrip())


def check_moment(name: str, text: str) -> None:
    """Whether a text is a moment with its offset from UTC.

    Raises:
        PersonError: it is not.
    """
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise PersonError(f"{name} is {text!r}, allowed: ISO 8601 such as 2026-05-01T18:30:00+02:00")
