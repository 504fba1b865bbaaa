"""How athletes stand and sit while their arms work."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import STANDING_SWAY, deg
from kinecue.simulation.exercises.reference import Reference
from kinecue.simulation.movement.technique import Contact, Value
from kinecue.simulation.movement.timeline import Moments

FloatArray = NDArray[np.float64]
Arrange = Callable[[Moments, Mapping[str, FloatArray], dict[str, FloatArray], dict[str, FloatArray]], None]

STAND_BY = ("pelvis_x", "pelvis_y", "pelvis_z", "pelvis_pitch", "pelvis_roll")
"""Controls that reach the goals of `standing_goals`."""
UPRIGHT_SWAY = dict(STANDING_SWAY)
SEATED_SWAY = {"trunk_lean": deg(0.3), "neck_axial": deg(1.2), "spine_axial": deg(0.3)}
"""Amplitudes of quiet sitting: smaller than standing, as the pelvis does not move."""
SEATED = (
    *(Contact(f"{point}_{side}") for side in "lr" for point in ("heel", "ball")),
    Contact("hip_l", on="bench"),
    Contact("hip_r", on="bench"),
)
"""Feet flat on the floor, pelvis on the seat."""


def standing(athlete: Athlete) -> dict[str, Value]:
    """Controls of an upright body with the feet at the width of the hips."""
    return {
        "pelvis_z": 0.9 * athlete.scale,
        "foot_out": 0.13 * athlete.scale,
        "toe_out": deg(9.0),
        "neck_flexion": deg(2.0),
    }


def standing_goals(athlete: Athlete, knee: float, lean: float, balance: str = "balance") -> dict[str, Value]:
    """Goals of an upright body.

    Args:
        athlete: whose.
        knee: flexion of the knees, soft, rad.
        lean: of the trunk, rad.
        balance: the measure of balance; the centre of mass is over the middle of the foot, where the hips take it.
    """
    return {
        "knee_flexion": knee,
        "knee_flexion_asymmetry": 0.0,
        "hip_shift": 0.0,
        balance: 0.035 * athlete.scale,
        "trunk_lean": lean,
    }


def seated(athlete: Athlete, knee_out: float = 0.15) -> dict[str, Value]:
    """Controls of a body on a seat as high as its knees: thighs level, shanks upright, feet flat on the floor.

    The feet are at x = 0.
    """
    ankle = float(athlete.head("foot_l")[2])
    return {
        "pelvis_x": -athlete.lengths.thigh,
        "pelvis_z": ankle + athlete.lengths.shank + 0.01 * athlete.scale,
        "foot_out": knee_out * athlete.scale,
        "toe_out": deg(10.0),
    }


def swung_hands(clean: Reference, fault: str) -> Arrange:
    """Starts the solver where the hands are when the arms have swung about the shoulders.

    Args:
        clean: the repetition without faults.
        fault: whose magnitude is the swing of the upper arm, rad, forward positive.
    """
    shoulder = clean.figure.mid_shoulder.mean(0)

    def arrange(
        moments: Moments,
        present: Mapping[str, FloatArray],
        controls: dict[str, FloatArray],
        goals: dict[str, FloatArray],
    ) -> None:
        swing = present.get(fault)
        if swing is None:
            return
        for column, side in enumerate("lr"):
            x = controls[f"hand_x_{side}"] - shoulder[0]
            z = controls[f"hand_z_{side}"] - shoulder[2]
            s, c = np.sin(swing[:, column]), np.cos(swing[:, column])
            controls[f"hand_x_{side}"] = shoulder[0] + c * x - s * z
            controls[f"hand_z_{side}"] = shoulder[2] + c * z + s * x

    return arrange
