"""The forearm plank; a repetition is a hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.floor_common import PRONE, TOES, natural, solved_controls, started_well
from kinecue.simulation.gear.floor import Mat
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import FaultKind, Tempo
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Wanted
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, Contact, Course, Exercise, Technique
from kinecue.simulation.movement.timeline import Moments

ELBOW = 0.042
"""Height of the elbow joint over the floor it lies on, at the stock body's size, m."""
KNEE = 0.062
"""The same of a knee that is knelt on."""
LINE = deg(-2.0)
FOOT_PITCH = deg(72.0)
"""Of the feet in the plank: ankles near neutral."""

PLANK_FAULTS = {
    "sagging_hips": FaultKind(
        "rad", deg(25.0), "hips under the line from shoulders to ankles", "body_line",
        targets={"body_line": 1.0, "spine_flexion": -0.5},
    ),
    "piked_hips": FaultKind(
        "rad", deg(30.0), "hips over the line from shoulders to ankles", "body_line", -1.0,
        targets={"body_line": -1.0, "spine_flexion": 0.15},
    ),
    "head_drop": FaultKind("rad", deg(45.0), "neck flexion: the head hangs", "neck_flexion"),
    "rotated_hips": FaultKind("rad", deg(18.0), "left hip over the right one", "hip_drop"),
    "shoulders_behind": FaultKind(
        "rad", deg(15.0), "upper arms from the vertical, shoulders behind the elbows", "upper_arm_tilt", -1.0
    ),
    "shrugged": FaultKind("m", 0.04, "shoulders drawn up to the ears", "shrug"),
}  # fmt: skip


def _kneeling(moments: Moments) -> NDArray[np.bool_]:
    """Before the knees leave the floor and after they are back."""
    return moments.progress <= 0.0


def technique(athlete: Athlete) -> Technique:
    """Elbows under the shoulders, shoulders, hips and ankles in a line (McGill 2010); at rest on the knees."""
    scale = athlete.scale
    rig = Rig.both(ArmRig("forearm", pointing=(1.0, -0.14, 0.0)), base=PRONE)
    elbow: dict[str | Wanted, float] = {"elbow_height": ELBOW * scale}
    controls: dict[str, float] = {
        "pelvis_z": 0.28 * scale,
        "pelvis_pitch": deg(-8.0),
        "hand_x": 0.55 * scale,
        "hand_out": 0.48 * athlete.lengths.shoulders,
        "hand_z": ELBOW * scale,
        "foot_x": -0.85 * scale,
        "foot_out": 0.09 * scale,
        "heel_up_l": FOOT_PITCH,
        "heel_up_r": FOOT_PITCH,
        "neck_flexion": deg(-12.0),
        "grip": 0.8,
    }
    body = ("pelvis_x", "pelvis_z", "pelvis_pitch")
    straight: dict[str | Wanted, float] = {"knee_flexion": deg(3.0), "body_line": LINE, "upper_arm_tilt": 0.0}
    top = solved_controls(athlete, rig, controls, (*body, "foot_x"), {**elbow, **straight})
    low = solved_controls(
        athlete,
        rig,
        {**top, "pelvis_z": 0.2 * scale},
        (*body, "heel_up_l", "heel_up_r"),
        {**elbow, "knee_height": KNEE * scale, "hip_flexion": deg(12.0), "upper_arm_tilt": deg(-6.0)},
    )
    rest = Skeleton(athlete).figure(low, rig)
    plank = Technique(
        rig=rig,
        controls={name: Course({0.0: low[name], 1.0: top[name]}) for name in top},
        goals={
            "elbow_height_left": ELBOW * scale,
            "elbow_height_right": ELBOW * scale,
            **{
                name: Course({0.0: float(measures.value(name, rest)[0]), 1.0: value})
                for name, value in (
                    ("knee_flexion_left", straight["knee_flexion"]),
                    ("knee_flexion_right", straight["knee_flexion"]),
                    ("body_line", LINE),
                    ("upper_arm_tilt", 0.0),
                )
            },
            "hip_drop": 0.0,
            "neck_flexion": deg(-12.0),
        },
        by=(
            *body, "pelvis_yaw", "spine_axial", "heel_up_l", "heel_up_r", "neck_flexion",
        ),
        sway={"body_line": deg(0.5), "upper_arm_tilt": deg(0.5), "neck_flexion": deg(0.8)},
        contacts=(
            *TOES,
            *(Contact(f"elbow_{side}") for side in "lr"),
            *(Contact(f"knee_{side}", during=_kneeling) for side in "lr"),
        ),
        equipment=Mat(athlete, -1.1 * scale, 0.95 * scale),
    )  # fmt: skip
    started_well(athlete, plank)
    shrug = natural(athlete, plank, "shrug")
    plank.goals.update(shrug_left=shrug, shrug_right=shrug)
    plank.by = (*plank.by, "shrug_l", "shrug_r")
    return plank


PLANK = Exercise(
    "plank",
    "Plank",
    PLANK_FAULTS,
    Tempo(1.6, 20.0, 1.6, 1.0),
    technique,
    dict(CONCENTRIC_FIRST),
    posture="floor",
)
