"""The seated cable row with a neutral grip."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.reference import reference, sole_edge, surface
from kinecue.simulation.exercises.upper_body import SEATED_SWAY
from kinecue.simulation.gear.cable_machines import (
    PulleyBar,
    foot_plate,
    frame_with_pulley,
    row_bench,
    seat_under,
)
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import JERK, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import (
    CONCENTRIC_FIRST,
    Contact,
    Course,
    Exercise,
    Technique,
    Value,
)
from kinecue.simulation.picture.solids import Mesh
from kinecue.simulation.rotations import reach

ROW_FAULTS = {
    "trunk_swing": FaultKind("rad", deg(25.0), "backward lean of the trunk on the way in", "trunk_lean", -1.0, when="out"),
    "rounded_back": FaultKind("rad", deg(35.0), "flexion of the spine", "spine_flexion", when="all"),
    "short_range": FaultKind(
        "rad", deg(70.0), "elbow flexion that is missing with the handles at the body", "elbow_flexion", -1.0, TURN_RANGE
    ),
    "shrugged": FaultKind("m", 0.045, "shoulders pulled up towards the ears", "shrug", sided=True),
    "elbows_flared": FaultKind("rad", deg(35.0), "upper arms away from the body", "elbow_flare", sided=True),
    "uneven": FaultKind(
        "rad", deg(24.0), "left elbow flexion minus right", "elbow_flexion_asymmetry",
        targets={
            "elbow_flexion_left": 0.5, "elbow_flexion_right": -0.5,
            "shoulder_flexion_left": -0.35, "shoulder_flexion_right": 0.35,
        },
    ),
    "jerked_start": FaultKind("1", 0.6, "share missing from the time of the first third", way=JERK, stage="out"),
    "too_fast_back": FaultKind("1", 0.7, "share missing from the time of the way back", way=TEMPO, stage="back"),
}  # fmt: skip

KNEES = deg(24.0)
"""Knees slightly bent (NSCA, Essentials of Strength Training and Conditioning, seated row)."""
_SOLES = deg(58.0)
"""Tilt of the foot plates from the floor (engineering judgement: the ankles are near neutral)."""


@lru_cache(maxsize=32)
def technique(athlete: Athlete) -> Technique:
    """Trunk upright, shoulders let forward at the start and drawn back at the end, elbows along the body.

    The upper arms go from pointing at the pulley to behind the trunk, the handles to the belly.
    """
    scale, lengths = athlete.scale, athlete.lengths
    hip = 0.47 * scale
    heel = 0.10 * scale
    ankle = float(athlete.head("foot_l")[2])
    span = reach(lengths.thigh, lengths.shank, KNEES)
    drop = hip - heel - 0.9 * ankle
    rig = Rig.both(ArmRig("grip", axis=(0.0, 0.0, 1.0), pole=(-1.0, 0.12, -0.8)))
    controls: dict[str, Value] = {
        "pelvis_x": -float(np.sqrt(span**2 - drop**2)),
        "pelvis_z": hip,
        "foot_out": 0.115 * scale,
        "foot_z": heel,
        "heel_up": -_SOLES,
        "toe_out": deg(6.0),
        "protract": Course({0.0: deg(12.0), 0.35: deg(6.0), 1.0: deg(-14.0)}),
        "shrug": Course({0.0: deg(2.0), 1.0: deg(-3.0)}),
        "spine_flexion": Course({0.0: deg(4.0), 1.0: deg(-3.0)}),
        "neck_flexion": Course({0.0: deg(-6.0), 1.0: deg(6.0)}),
        "hand_out": 0.175 * scale,
        "hand_x": Course({0.0: -0.25 * scale, 0.5: -0.4 * scale, 1.0: -0.58 * scale}),
        "hand_z": Course({0.0: 0.80 * scale, 1.0: 0.68 * scale}),
        "grip": 1.0,
    }
    lean = Course({0.0: deg(4.0), 1.0: deg(-5.0)})
    elbow = Course({0.0: deg(9.0), 0.5: deg(55.0), 1.0: deg(102.0)})
    arm = Course({0.0: deg(58.0), 0.5: deg(22.0), 1.0: deg(-24.0)})
    legs: dict[str, Value] = {
        "knee_flexion": KNEES,
        "trunk_lean": lean,
        "spine_flexion": controls["spine_flexion"],
    }
    clean = reference(
        athlete,
        rig,
        controls,
        ("foot_x", "pelvis_pitch", "spine_flexion", "hand_x", "hand_z"),
        [*legs.items(), ("elbow_flexion", elbow), ("shoulder_flexion", arm)],
        ("elbow_flare_left", "elbow_flare_right", "shrug_left", "shrug_right"),
    )
    at_start = clean.start
    skin = surface(athlete, at_start)
    hips = at_start.mid_hip[0]
    top = seat_under(skin, hips)
    grips = clean.figure.middle("grip")
    # the cable is level with the belly, so that the handles come in straight
    pulley = (float(at_start.middle("toe")[0, 0]) + 0.30, 0.0, float(grips[-1, 2]) + 0.02)
    edge = sole_edge(athlete, at_start, _SOLES)
    furniture = Mesh.join(
        [
            row_bench(float(hips[0]) + 0.12 * scale, top, 0.80 * scale),
            foot_plate(edge, _SOLES, 0.115 * scale + 0.02),
            frame_with_pulley(pulley, 2.05, pulley[0] + 0.22),
        ]
    )
    arms = {f"{name}_{side}": course for name, course in (("elbow_flexion", elbow), ("shoulder_flexion", arm))
            for side in ("left", "right")}  # fmt: skip
    feet = tuple(Contact(f"{point}_{side}", on="plate") for side in "lr" for point in ("heel", "ball"))
    by = (
        "pelvis_pitch", "spine_flexion", "hand_x_l", "hand_x_r", "hand_z_l", "hand_z_r", "elbow_turn_l",
        "elbow_turn_r", "shrug_l", "shrug_r",
    )  # fmt: skip
    return Technique(
        rig=rig,
        controls=clean.controls_for(by),
        goals={"trunk_lean": lean, "spine_flexion": controls["spine_flexion"], **clean.goals, **arms},
        by=by,
        sway=SEATED_SWAY,
        contacts=(*feet, Contact("hip_l", on="bench"), Contact("hip_r", on="bench")),
        equipment=PulleyBar(athlete, pulley, 0.2, furniture, "neutral"),
    )  # fmt: skip


CABLE_ROW = Exercise(
    "cable_row", "Cable row", ROW_FAULTS, Tempo(1.10, 0.30, 1.40, 0.40), technique, dict(CONCENTRIC_FIRST),
    posture="seated",
)  # fmt: skip
