"""The goblet squat: a kettlebell held by its horns before the chest."""

from __future__ import annotations

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import balanced_lean, deg
from kinecue.simulation.exercises.squat import SQUAT_FAULTS
from kinecue.simulation.gear.free_weights import Kettlebell
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import FaultKind, Tempo
from kinecue.simulation.movement.technique import Course, Exercise, Technique

LOAD = 0.20
"""Of the athlete's mass: 16 kg for 80 kg, a usual bell for sets of ten (engineering judgement)."""
_BALANCE = f"balance_load_{round(100 * LOAD)}"
BALANCE = {0.0: 0.062, 0.5: 0.052, 1.0: 0.048}
"""Body and bell ahead of the ankles, m: over the middle of the foot; the bell pulls most while standing."""
DEPTH = deg(118.0)
"""Knee flexion at the bottom: the counterweight lets people go deeper than without (engineering judgement)."""
STANDING_KNEE = deg(5.0)
SHANK = Course({0.0: deg(2.0), 0.5: deg(19.0), 1.0: deg(32.0)})
"""Inclination of the shank; see `kinecue.simulation.exercises.squat`."""
UNDER_SHOULDERS = 0.060
"""Of the fists under the shoulder joints, along the thorax, m: thumbs at the collarbones."""

GOBLET_SQUAT_FAULTS: dict[str, FaultKind] = {
    **SQUAT_FAULTS,
    # the deeper squat leaves the hips less room
    "trunk_forward": FaultKind("rad", deg(18.0), "forward lean beyond what balance asks for", "trunk_lean"),
    "uneven": FaultKind("rad", deg(7.0), "left knee flexion minus right", "knee_flexion_asymmetry"),
    "weight_away": FaultKind(
        "m", 0.18, "kettlebell ahead of where it touches the chest", "load_ahead", when="all"
    ),
}


def chest_front(athlete: Athlete) -> float:
    """Of the flesh of the chest before the middle between the shoulder joints, m, where the bell is held."""
    shoulders = (athlete.head("upperarm_l") + athlete.head("upperarm_r")) / 2.0
    below = (athlete.vertices[:, 2] - shoulders[2]) / athlete.scale
    near = (abs(athlete.vertices[:, 1]) < 0.10) & (below < -0.02) & (below > -0.26)
    return float(athlete.vertices[near, 0].max() - shoulders[0])


def technique(athlete: Athlete) -> Technique:
    """As the squat, with the trunk more upright: the bell before the chest balances the hips."""
    scale = athlete.scale
    bell = Kettlebell(athlete, LOAD, by_horns=True)
    plain = Technique(
        rig=Rig.both(ArmRig("grip", axis=(0.0, 0.0, 1.0), pole=(-0.15, 0.42, -1.0))),
        controls={
            "pelvis_z": Course({0.0: 0.90 * scale, 1.0: 0.45 * scale}),
            "pelvis_x": Course({0.0: 0.0, 1.0: -0.2 * scale}),
            "pelvis_pitch": Course({0.0: 0.0, 1.0: deg(30.0)}),
            "foot_out": 0.19 * scale,
            "toe_out": deg(20.0),
            "knee_in": deg(-2.0),
            "hand_x": 0.30 * scale,
            "hand_out": 0.066 * scale,
            "hand_z": Course({0.0: 1.35 * scale, 1.0: 0.85 * scale}),
            "neck_flexion": Course({0.0: 0.0, 1.0: deg(-18.0)}),
            "grip": 1.0,
        },
        goals={
            "knee_flexion": Course({0.0: STANDING_KNEE, 1.0: DEPTH}),
            "knee_flexion_asymmetry": 0.0,
            "hip_shift": 0.0,
            # one leg that does more tilts the hips; the trunk stays upright over them
            "trunk_lateral_lean": 0.0,
            _BALANCE: Course({p: x * scale for p, x in BALANCE.items()}),
            "load_ahead": chest_front(athlete) + bell.radius - 0.012,
            "load_height": -UNDER_SHOULDERS * scale,
        },
        by=(
            "pelvis_x",
            "pelvis_y",
            "pelvis_z",
            "pelvis_pitch",
            "pelvis_roll",
            "spine_lateral",
            "hand_x",
            "hand_z",
        ),
        sway={"neck_axial": deg(1.5), "hip_shift": 0.004, "knee_in_l": deg(0.6), "knee_in_r": deg(0.6)},
        equipment=bell,
    )
    plain.goals["trunk_lean"] = balanced_lean(athlete, plain, {"shank_tilt": SHANK})
    return plain


GOBLET_SQUAT = Exercise(
    "goblet_squat", "Goblet squat", GOBLET_SQUAT_FAULTS, Tempo(1.6, 0.25, 1.2, 0.5), technique
)
