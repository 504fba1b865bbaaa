"""The bodyweight squat."""

from __future__ import annotations

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import STANDING_SWAY, balanced_lean, deg
from kinecue.simulation.gear.equipment import Belt
from kinecue.simulation.movement.figure import Rig
from kinecue.simulation.movement.set_plan import END_RANGE, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import Course, Exercise, Technique

DEPTH = deg(112.0)
"""Knee flexion at the bottom: thighs about level (Escamilla 2001: parallel is 100 to 110 degrees)."""
BALANCE = 0.045
"""Centre of mass ahead of the ankles, m: above the middle of the foot."""

SQUAT_FAULTS = {
    "knees_in": FaultKind("rad", deg(30.0), "turn of the knees about the hip-ankle line, inwards", "knee_in", sided=True),
    "too_shallow": FaultKind(
        "rad", deg(60.0), "knee flexion that is missing at the bottom", "knee_flexion", -1.0, TURN_RANGE
    ),
    "trunk_forward": FaultKind("rad", deg(25.0), "forward lean beyond what balance asks for", "trunk_lean"),
    "rounded_back": FaultKind("rad", deg(40.0), "flexion of the spine", "spine_flexion"),
    "heels_up": FaultKind("m", 0.08, "height of the heels", "heel_rise", targets={"heel_lift": 1.0}, sided=True),
    "hip_shift": FaultKind("m", 0.08, "shift of the hips to the left", "hip_shift"),
    # equal feet and upright trunk: more tilts the hips further than hips and spine can follow
    "uneven": FaultKind("rad", deg(9.0), "left knee flexion minus right", "knee_flexion_asymmetry"
    ),
    "no_lockout": FaultKind(
        "rad", deg(40.0), "knee flexion that is left at the top", "knee_flexion", 1.0, END_RANGE
    ),
    "too_fast_down": FaultKind("1", 0.7, "share of the time down that is missing", way=TEMPO, stage="out"),
}  # fmt: skip

STANDING_KNEE = deg(5.0)
SHANK = Course({0.0: deg(4.2), 0.5: deg(18.5), 1.0: deg(31.0)})
"""Inclination of the shank: 30 degrees of dorsiflexion at the bottom (Hemmerich 2006 has 38 in a full squat)."""


def technique(athlete: Athlete) -> Technique:
    """Feet a little wider than the hips, toes out, arms rising to the front for balance.

    At the bottom the trunk leans as far as it must for the centre of mass to be over the middle of the feet, so long
    thighs lean more.
    """
    scale = athlete.scale
    plain = Technique(
        rig=Rig(),
        controls={
            "pelvis_z": Course({0.0: 0.90 * scale, 1.0: 0.45 * scale}),
            "pelvis_x": Course({0.0: 0.0, 1.0: -0.2 * scale}),
            "pelvis_pitch": Course({0.0: 0.0, 1.0: deg(35.0)}),
            "foot_out": 0.18 * scale,
            "toe_out": deg(18.0),
            "shoulder_flexion": Course({0.0: deg(4.0), 0.5: deg(50.0), 1.0: deg(105.0)}),
            "shoulder_abduction": Course({0.0: deg(13.0), 1.0: deg(4.0)}),
            "shoulder_rotation": Course({0.0: deg(0.0), 1.0: deg(18.0)}),
            "elbow_flexion": Course({0.0: deg(14.0), 1.0: deg(24.0)}),
            "neck_flexion": Course({0.0: 0.0, 1.0: deg(-26.0)}),
        },
        goals={
            "knee_flexion": Course({0.0: STANDING_KNEE, 1.0: DEPTH}),
            "knee_flexion_asymmetry": 0.0,
            "hip_shift": 0.0,
            # one leg that does more tilts the hips; the trunk stays upright over them
            "trunk_lateral_lean": 0.0,
            "balance": BALANCE * scale,
        },
        by=("pelvis_x", "pelvis_y", "pelvis_z", "pelvis_pitch", "pelvis_roll", "spine_lateral"),
        sway={**STANDING_SWAY, "knee_in_l": deg(0.6), "knee_in_r": deg(0.6)},
        equipment=Belt(athlete),
    )
    plain.goals["trunk_lean"] = balanced_lean(athlete, plain, {"shank_tilt": SHANK})
    return plain


SQUAT = Exercise("squat", "Squat", SQUAT_FAULTS, Tempo(1.35, 0.15, 1.15, 0.45), technique)
