"""The two-handed kettlebell swing to the height of the chest: a hinge, not a squat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.barbell import arm_slack
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.derived import course_of, postures
from kinecue.simulation.exercises.windowed import WindowedFault
from kinecue.simulation.gear.free_weights import Kettlebell
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import END_RANGE, TEMPO, FaultKind, Tempo, smooth
from kinecue.simulation.movement.technique import Course, Exercise, Technique
from kinecue.simulation.movement.timeline import Moments

FloatArray = NDArray[np.float64]

LOAD = 0.20
"""Of the athlete's mass (Lake and Lauder 2012: 16 kg for trained people of 80 kg)."""
HANGING = deg(22.0)
"""Arms from the vertical while the bell hangs: the forearms lie on the thighs."""
TOP = deg(82.0)
"""Arms from the vertical at the top: the bell floats at the height of the chest."""
TRUNK = Course({0.0: deg(-1.0), 0.28: deg(0.5), 0.5: deg(12.0), 0.75: deg(42.0), 1.0: deg(64.0)})
"""Forward lean; the hips wait until the arms have come down and are through before the arms go up. At the bottom the
trunk leans 60 to 70 degrees (McGill and Marshall 2012: hips flexed by 75 to 100 degrees)."""
KNEE = Course({0.0: deg(4.0), 0.28: deg(6.0), 0.5: deg(17.0), 0.75: deg(32.0), 1.0: deg(42.0)})
"""Knees bend less than half as much as the hips (hip-hinge swing; engineering judgement)."""
ARMS = Course({0.0: TOP, 0.25: deg(60.0), 0.5: deg(20.0), 0.75: deg(-18.0), 1.0: deg(-40.0)})
_PARKED_S = 1.0
"""After the last repetition, until the bell hangs."""

SWING_FAULTS: dict[str, FaultKind] = {
    "squatting": WindowedFault(
        "rad", deg(40.0), "knee flexion beyond that of a hinge", "knee_flexion", rise=(0.35, 0.85)
    ),
    "rounded_back": WindowedFault("rad", deg(40.0), "flexion of the spine", "spine_flexion", rise=(0.3, 0.8)),
    "arms_lift": WindowedFault(
        "rad", deg(40.0), "arms ahead of where the hips have thrown them, on the way up", "arm_swing",
        stage="back", rise=(0.0, 0.12), fall=(0.30, 0.75),
    ),
    "overextended": WindowedFault(
        "rad", deg(15.0), "backward lean of the trunk before the top", "trunk_lean", -1.0,
        stage="back", rise=(0.0, 0.06), fall=(0.20, 0.45),
    ),
    "no_hip_lockout": FaultKind(
        "rad", deg(30.0), "forward lean of the trunk that is left at the top", "trunk_lean", 1.0, END_RANGE
    ),
    "craned_neck": WindowedFault(
        "rad", deg(30.0), "extension of the neck beyond a neutral one", "neck_flexion", -1.0, rise=(0.3, 0.8)
    ),
    "too_fast_down": FaultKind("1", 0.4, "share of the time down that is missing", way=TEMPO, stage="out"),
}  # fmt: skip


def _hang(
    moments: Moments,
    present: Mapping[str, FloatArray],
    controls: dict[str, FloatArray],
    goals: dict[str, FloatArray],
) -> None:
    """Before the first repetition and after the last one the bell hangs from straight arms."""
    first = np.where(
        moments.number == 0, 1.0, np.where(moments.number == 1, 1.0 - smooth(moments.going / 0.8), 0.0)
    )
    over = moments.over_s if len(moments.over_s) else np.zeros(len(first))
    hanging = np.maximum(first, smooth(over / _PARKED_S))
    for name, table, low in (("arm_swing", goals, HANGING), ("neck_flexion", controls, 0.0)):
        table[name] = table[name] + hanging * (low - table[name])


def technique(athlete: Athlete) -> Technique:
    """The hips go back and throw the bell, the arms are ropes.

    A repetition begins and ends at the top, where the bell floats; the first begins with the bell hanging.
    """
    scale = athlete.scale
    plain = Technique(
        rig=Rig.both(ArmRig("grip", axis=(0.0, -1.0, 0.0), pole=(-0.8, 0.6, -0.3))),
        controls={
            "pelvis_x": Course({0.0: 0.0, 1.0: -0.24 * scale}),
            "pelvis_z": Course({0.0: 0.93 * scale, 1.0: 0.80 * scale}),
            "pelvis_pitch": Course({0.0: 0.0, 1.0: deg(64.0)}),
            "foot_out": 0.215 * scale,
            "toe_out": deg(18.0),
            "knee_in": deg(-2.0),
            "hand_x": Course({0.0: 0.60 * scale, 0.5: 0.30 * scale, 1.0: -0.15 * scale}),
            "hand_out": 0.046 * scale,
            "hand_z": Course({0.0: 1.33 * scale, 0.5: 0.75 * scale, 1.0: 0.55 * scale}),
            "neck_flexion": Course({0.0: deg(-2.0), 0.4: deg(-4.0), 1.0: deg(-24.0)}),
            "protract": deg(6.0),
            "shrug": deg(-3.0),
            "grip": 1.0,
        },
        goals={
            "knee_flexion": KNEE,
            "balance": Course({0.0: 0.030 * scale, 1.0: 0.036 * scale}),
            "trunk_lean": TRUNK,
            "arm_swing": ARMS,
            "arm_slack": arm_slack(athlete),
        },
        # in the middle plane only: both arms are straight, and to the side there would be a second solution
        by=("pelvis_x", "pelvis_z", "pelvis_pitch", "hand_x", "hand_z"),
        sway={"neck_axial": deg(1.5), "knee_in_l": deg(0.5), "knee_in_r": deg(0.5)},
        equipment=Kettlebell(athlete, LOAD),
        arrange=_hang,
    )
    controls, _ = postures(athlete, plain, {})
    for name in ("pelvis_x", "pelvis_z", "pelvis_pitch", "hand_x", "hand_z"):
        plain.controls[name] = course_of(controls[name])
    return plain


PHASES = {"still": "setup", "rest": "top", "out": "eccentric", "hold": "bottom", "back": "concentric"}

KETTLEBELL_SWING = Exercise(
    "kettlebell_swing", "Kettlebell swing", SWING_FAULTS, Tempo(0.75, 0.0, 0.70, 0.0), technique, PHASES
)
