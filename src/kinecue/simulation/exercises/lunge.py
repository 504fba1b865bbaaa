"""Forward and reverse lunge: a step, down onto both bent legs, and back.

Both are written with the left leg in front; it is the one that works and that faults speak of. The other side is the
mirror image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.derived import GRID, course_of, postures, read_off
from kinecue.simulation.exercises.windowed import WindowedFault
from kinecue.simulation.movement.figure import Rig
from kinecue.simulation.movement.set_plan import TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import Contact, Course, Exercise, Technique
from kinecue.simulation.movement.timeline import Moments

FloatArray = NDArray[np.float64]

LANDED = 0.5
"""Progress at which the foot that steps has landed; then the body goes down."""
STEP = 0.86
"""Of the step, ankle to ankle, share of thigh and shank together: both knees at a right angle (engineering judgement;
Farrokhi 2008 had 0.85 to 1.0 of the leg's length)."""
KNEE_STANDING = deg(7.0)
KNEE_DOWN = deg(98.0)
"""Flexion of the front knee at the bottom: the thigh is level."""
SHANK_DOWN = deg(12.0)
"""Of the front shank from the vertical: the knee is over the foot, not before the toes."""
HEEL_DOWN = deg(58.0)
"""Turn of the rear foot about its ball at the bottom."""
_TRUNK = Course({0.0: deg(1.5), LANDED: deg(5.0), 1.0: deg(7.0)})

_FINE = tuple(float(x) for x in np.linspace(0.0, 1.0, 101))
"""Progress at which a leg in the air is read off; nearly straight ones ask for closely spaced points."""

LUNGE_FAULTS: dict[str, FaultKind] = {
    "knee_in": WindowedFault(
        "rad", deg(25.0), "turn of the front knee about the hip-ankle line, inwards", "knee_in_left",
        targets={"knee_in_l": 1.0}, rise=(0.5, 0.9),
    ),
    "too_shallow": FaultKind(
        "rad", deg(30.0), "flexion of the front knee that is missing at the bottom", "knee_flexion_left", -1.0, TURN_RANGE
    ),
    "trunk_forward": FaultKind("rad", deg(30.0), "forward lean of the trunk", "trunk_lean"),
    "knee_over_toes": WindowedFault(
        "rad", deg(20.0), "front shank ahead of the upright: the step is too short", "shank_tilt_left", rise=(0.5, 0.95)
    ),
    "wobble": FaultKind("rad", deg(15.0), "lean of the trunk towards the front leg's side", "trunk_lateral_lean"),
    "heel_up": WindowedFault(
        "m", 0.05, "height of the front heel", "heel_rise_left", targets={"heel_lift_l": 1.0}, rise=(0.5, 0.95)
    ),
    "rounded_back": FaultKind("rad", deg(35.0), "flexion of the spine", "spine_flexion"),
    "too_fast_down": FaultKind("1", 0.6, "share of the time down that is missing", way=TEMPO, stage="out"),
}  # fmt: skip


def on_both_feet(moments: Moments) -> NDArray[np.bool_]:
    """(N,) the foot that steps stands, at one of its two places."""
    return (moments.progress <= 0.0) | (moments.progress >= LANDED)


def _standing(moments: Moments) -> NDArray[np.bool_]:
    """(N,) before the step."""
    return np.asarray(moments.progress <= 0.0)


def _body(athlete: Athlete) -> Technique:
    """What both lunges share: hands beside the hips, trunk nearly upright, the hips level."""
    scale = athlete.scale
    return Technique(
        rig=Rig(),
        controls={
            "pelvis_z": Course({0.0: 0.94 * scale, 1.0: 0.58 * scale}),
            "foot_out": 0.105 * scale,
            "toe_out_l": deg(4.0),
            "toe_out_r": deg(4.0),
            "knee_in": deg(-1.0),
            "shoulder_flexion": Course({0.0: deg(3.0), 1.0: deg(9.0)}),
            "shoulder_abduction": deg(11.0),
            "shoulder_rotation": deg(2.0),
            "elbow_flexion": Course({0.0: deg(14.0), 1.0: deg(22.0)}),
            "neck_flexion": Course({0.0: 0.0, 1.0: deg(-4.0)}),
        },
        goals={"trunk_lean": _TRUNK, "trunk_lateral_lean": 0.0},
        by=("pelvis_x", "pelvis_z", "pelvis_pitch", "spine_lateral"),
        sway={
            "trunk_lateral_lean": deg(0.5),
            "trunk_lean": deg(0.5),
            "neck_axial": deg(1.5),
            "knee_in_l": deg(0.6),
        },
    )


def _bottom(athlete: Athlete) -> tuple[float, float]:
    """Middle between the hips behind the front ankle and over the floor at the bottom, m."""
    lengths, ankle = athlete.lengths, float(athlete.head("foot_l")[2])
    thigh = KNEE_DOWN - SHANK_DOWN
    behind = lengths.thigh * np.sin(thigh) - lengths.shank * np.sin(SHANK_DOWN)
    over = ankle + lengths.shank * np.cos(SHANK_DOWN) + lengths.thigh * np.cos(thigh)
    return float(behind), float(over)


def _stride(athlete: Athlete) -> float:
    return STEP * (athlete.lengths.thigh + athlete.lengths.shank)


def forward(athlete: Athlete) -> Technique:
    """The left foot steps ahead, both knees bend until the rear one is close to the floor, the left leg pushes back."""
    plain = _body(athlete)
    lengths, ankle = athlete.lengths, float(athlete.head("foot_l")[2])
    scale, step, leg = athlete.scale, _stride(athlete), lengths.thigh + lengths.shank
    behind, over = _bottom(athlete)
    stand = ankle + leg * float(np.cos(KNEE_STANDING / 2.0)) - 0.001 * scale
    landing = min(0.53 * step, step - behind - 0.01 * scale)
    # at landing the front leg reaches out nearly straight
    reach = float(np.sqrt((0.977 * leg) ** 2 - (step - landing) ** 2))
    plain.controls.update(
        {
            "pelvis_x": Course({0.0: 0.0, 0.12: 0.015 * scale, LANDED: landing, 1.0: step - behind}),
            "pelvis_z": Course({0.0: stand, 0.15: stand - 0.004 * scale, LANDED: ankle + reach, 1.0: over}),
            "pelvis_y": Course({0.0: 0.0, 0.12: -0.025 * scale, LANDED: -0.005 * scale, 1.0: 0.0}),
            "foot_x_l": Course({0.0: 0.0, 0.06: 0.0, LANDED: step, 1.0: step}),
            "foot_z_l": Course({0.0: 0.0, 0.05: 0.0, 0.24: 0.085 * scale, LANDED: 0.0, 1.0: 0.0}),
            "heel_up_l": Course({0.0: 0.0, 0.13: deg(16.0), 0.40: deg(-7.0), LANDED: 0.0, 1.0: 0.0}),
            "heel_up_r": Course({0.0: 0.0, 0.12: 0.0, LANDED: deg(26.0), 1.0: HEEL_DOWN}),
        }
    )  # fmt: skip
    by = plain.by
    plain.by = ("pelvis_pitch", "spine_lateral")
    _, clean = postures(athlete, plain, {}, _FINE)
    plain.by = by
    plain.goals.update(read_off(clean, ("knee_flexion_left", "shank_tilt_left"), _FINE))
    plain.contacts = (
        Contact("ball_r"),
        Contact("heel_r", during=_standing),
        Contact("ball_l", during=on_both_feet),
        Contact("heel_l", during=on_both_feet),
    )
    return plain


def reverse(athlete: Athlete) -> Technique:
    """The right foot steps back onto its ball, both knees bend, the left leg lifts the body up again."""
    plain = _body(athlete)
    scale, step = athlete.scale, _stride(athlete)
    plain.controls.update(
        {
            "pelvis_x": Course({0.0: 0.0, 1.0: -0.35 * scale}),
            "pelvis_y": Course({0.0: 0.0, 0.12: 0.025 * scale, LANDED: 0.010 * scale, 1.0: 0.0}),
            "foot_x_r": Course({0.0: 0.0, 0.06: 0.0, LANDED: -step, 1.0: -step}),
            "foot_z_r": Course({0.0: 0.0, 0.05: 0.0, 0.25: 0.06 * scale, LANDED: 0.0, 1.0: 0.0}),
            "heel_up_r": Course({0.0: 0.0, 0.15: deg(22.0), LANDED: deg(44.0), 1.0: HEEL_DOWN}),
        }
    )
    plain.goals.update(
        {
            "knee_flexion_left": Course(
                {0.0: KNEE_STANDING, 0.2: deg(14.0), LANDED: deg(48.0), 1.0: KNEE_DOWN}
            ),
            "shank_tilt_left": Course({0.0: deg(5.0), 0.2: deg(6.5), LANDED: deg(8.0), 1.0: SHANK_DOWN}),
        }
    )
    controls, _ = postures(athlete, plain, {})
    for name in ("pelvis_x", "pelvis_z"):
        plain.controls[name] = course_of(controls[name], GRID)
    plain.contacts = (
        Contact("ball_l"),
        Contact("heel_l"),
        Contact("ball_r", during=on_both_feet),
        Contact("heel_r", during=_standing),
    )
    return plain


FORWARD_LUNGE = Exercise(
    "forward_lunge", "Forward lunge", LUNGE_FAULTS, Tempo(1.9, 0.15, 1.7, 0.5), forward, sided=True
)
REVERSE_LUNGE = Exercise(
    "reverse_lunge", "Reverse lunge", LUNGE_FAULTS, Tempo(1.7, 0.15, 1.5, 0.5), reverse, sided=True
)
