"""The movements of the calibration of ranges: what is said, what is measured, what must not happen meanwhile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from kinecue.exercise.results import Side
from kinecue.exercise.signal import Views

_FROM_THE_SIDE: Views = ((50.0, 130.0),)
_FROM_THE_FRONT: Views = ((0.0, 35.0), (145.0, 180.0))
_EACH = (Side.LEFT, Side.RIGHT)


@dataclass(frozen=True)
class Guard:
    """Something else that has to stay within limits for the movement to count.

    Attributes:
        feature: which. side: of it: that of the movement, the other one, or none.
        low, high: rad or m.
        problem: what is said otherwise.
        must_be_seen: it does not count either where this cannot be measured.
    """

    feature: str
    side: Literal["same", "other", "none"]
    low: float
    high: float
    problem: str
    must_be_seen: bool = True


@dataclass(frozen=True)
class RangeMovement:
    """A movement.

    Attributes:
        joint: whose range it measures.
        feature: largest value of it.
        instruction: with ``{side}`` where only one side moves.
        views_deg: from where it is seen. view_problem: what is said elsewhere.
        lowest, highest: rad; under `lowest` nobody has begun, over `highest` nobody is.
        guards: see `Guard`.
        sides: that are measured.
        together: both at once.
    """

    joint: str
    feature: str
    instruction: str
    views_deg: Views
    view_problem: str
    lowest: float
    highest: float
    guards: tuple[Guard, ...]
    sides: tuple[Side, ...] = _EACH
    together: bool = False

    def told(self, side: Side, again: bool) -> str:
        """The instruction for one side."""
        name = "" if self.together else side.name.lower()
        text = self.instruction.format(side=name, other="right" if side is Side.LEFT else "left")
        return f"come back and do it once more: {text}" if again else text


def _degrees(low: float, high: float) -> tuple[float, float]:
    return math.radians(low), math.radians(high)


_SIDEWAYS = "turn sideways to the camera"
_TO_THE_CAMERA = "face the camera"

MOVEMENTS: tuple[RangeMovement, ...] = (
    RangeMovement(
        "ankle_dorsiflexion",
        "shank_tilt",
        "{side} foot ahead, a wall before you for your hands: push the {side} knee forward over the toes as far as it "
        "goes with the heel on the floor, and hold",
        _FROM_THE_SIDE,
        _SIDEWAYS,
        *_degrees(12.0, 65.0),
        (
            Guard("heel_rise", "same", -0.05, 0.025, "keep the heel on the floor"),
            Guard("knee_flexion", "same", *_degrees(15.0, 120.0), "bend the knee"),
            Guard("trunk_lean", "none", *_degrees(-20.0, 45.0), "stay upright", must_be_seen=False),
        ),
    ),
    RangeMovement(
        "hip_flexion",
        "hip_flexion",
        "stand on the {other} leg, pull the {side} knee to the chest with both hands, back straight, and hold",
        _FROM_THE_SIDE,
        _SIDEWAYS,
        *_degrees(60.0, 165.0),
        (
            Guard("trunk_lean", "none", *_degrees(-20.0, 20.0), "stay upright: bring the knee to the chest"),
            Guard("knee_flexion", "other", *_degrees(-5.0, 35.0), "keep the other leg straight", must_be_seen=False),
        ),
    ),
    RangeMovement(
        "shoulder_flexion",
        "shoulder_flexion",
        "raise both straight arms forward and up as far as they go without leaning back, and hold",
        ((35.0, 130.0),),
        _SIDEWAYS,
        *_degrees(80.0, 205.0),
        (
            Guard("trunk_lean", "none", *_degrees(-10.0, 15.0), "do not lean back"),
            Guard("elbow_flexion", "same", *_degrees(-5.0, 35.0), "straighten the arm"),
        ),
        together=True,
    ),
    RangeMovement(
        "shoulder_abduction",
        "shoulder_abduction",
        "face the camera, raise both straight arms sideways and up as far as they go, and hold",
        _FROM_THE_FRONT,
        _TO_THE_CAMERA,
        *_degrees(60.0, 200.0),
        (
            Guard("trunk_lateral_lean", "none", *_degrees(-10.0, 10.0), "do not lean to the side"),
            Guard("elbow_flexion", "same", *_degrees(-5.0, 40.0), "straighten the arm"),
        ),
        together=True,
    ),
)  # fmt: skip
"""In the order in which they are asked for."""
