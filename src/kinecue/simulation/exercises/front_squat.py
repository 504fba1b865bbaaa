"""The front squat: a barbell on the fronts of the shoulders, elbows high."""

from __future__ import annotations

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import balanced_lean, deg
from kinecue.simulation.exercises.squat import SHANK, SQUAT_FAULTS
from kinecue.simulation.gear.cable_machines import Barbell
from kinecue.simulation.movement.figure import Rig
from kinecue.simulation.movement.set_plan import FaultKind, Tempo
from kinecue.simulation.movement.technique import Course, Exercise, Technique

LOAD = 0.60
"""Of the athlete's mass: sets of several repetitions (Gullett 2009 had 70 % of one repetition maximum)."""
_BALANCE = f"balance_load_{round(100 * LOAD)}"
BALANCE = {0.0: 0.074, 0.5: 0.058, 1.0: 0.050}
"""Body and bar ahead of the ankles, m: over the middle of the foot."""
DEPTH = deg(115.0)
STANDING_KNEE = deg(5.0)
FRONT_SQUAT_FAULTS: dict[str, FaultKind] = {
    **SQUAT_FAULTS,
    # the bar before the shoulders takes the weight to the toes
    "trunk_forward": FaultKind("rad", deg(16.0), "forward lean beyond what balance asks for", "trunk_lean"),
    "uneven": FaultKind("rad", deg(7.0), "left knee flexion minus right", "knee_flexion_asymmetry"),
}


def technique(athlete: Athlete) -> Technique:
    """As the goblet squat: what is held before the shoulders keeps the trunk upright."""
    scale = athlete.scale
    plain = Technique(
        rig=Rig(),
        controls={
            "pelvis_z": Course({0.0: 0.90 * scale, 1.0: 0.45 * scale}),
            "pelvis_x": Course({0.0: 0.0, 1.0: -0.2 * scale}),
            "pelvis_pitch": Course({0.0: 0.0, 1.0: deg(28.0)}),
            "foot_out": 0.18 * scale,
            "toe_out": deg(18.0),
            "knee_in": deg(-1.0),
            # arms crossed before the neck, elbows high: the hands lie on the bar, the shoulders carry it
            "shoulder_flexion": deg(79.0),
            "shoulder_abduction": deg(-4.0),
            "shoulder_rotation": deg(-72.0),
            "elbow_flexion": deg(112.0),
            "neck_flexion": Course({0.0: 0.0, 1.0: deg(-18.0)}),
            "grip": 0.7,
        },
        goals={
            "knee_flexion": Course({0.0: STANDING_KNEE, 1.0: DEPTH}),
            "knee_flexion_asymmetry": 0.0,
            "hip_shift": 0.0,
            # one leg that does more tilts the hips; the trunk stays upright over them
            "trunk_lateral_lean": 0.0,
            _BALANCE: Course({p: x * scale for p, x in BALANCE.items()}),
        },
        by=("pelvis_x", "pelvis_y", "pelvis_z", "pelvis_pitch", "pelvis_roll", "spine_lateral"),
        sway={"neck_axial": deg(1.5), "hip_shift": 0.004, "knee_in_l": deg(0.6), "knee_in_r": deg(0.6)},
        # a bar of 20 kg and pairs of plates of 1.25 kg and more
        equipment=Barbell(athlete, max(20.0, 2.5 * round(LOAD * athlete.mass / 2.5))),
    )  # fmt: skip
    plain.goals["trunk_lean"] = balanced_lean(athlete, plain, {"shank_tilt": SHANK})
    return plain


FRONT_SQUAT = Exercise("front_squat", "Front squat", FRONT_SQUAT_FAULTS, Tempo(1.6, 0.2, 1.3, 0.6), technique)
