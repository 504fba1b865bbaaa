"""The good morning: a hinge at the hips with the bar on the back of the shoulders."""

from __future__ import annotations

from typing import Any

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.windowed import WindowedFault
from kinecue.simulation.gear.cable_machines import Barbell
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import END_RANGE, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import Course, Exercise, Technique

LOAD = 0.20
"""Of the athlete's mass; Schellenberg 2013 had a quarter."""
_BALANCE = f"balance_load_{round(100 * LOAD)}"
STANDING_KNEE = deg(5.0)
KNEE = Course({0.0: STANDING_KNEE, 0.4: deg(11.0), 1.0: deg(15.0)})
"""Soft knees; Schellenberg 2013 had 5 with a standard deviation of 7 degrees, coaches ask for 10 to 20."""
TRUNK = Course({0.0: deg(3.0), 1.0: deg(66.0)})
"""Forward lean: not quite level."""
BALANCE = {0.0: 0.035, 1.0: 0.050}
"""Body and bar ahead of the ankles, m: over the middle of the foot."""
BAR_BEHIND = -0.055
"""Of the bar behind the shoulder joints, across the thorax, m: on the trapezius."""
BAR_OVER = 0.030
"""Of the bar over the shoulder joints, along the thorax, m."""

_HINGE: dict[str, Any] = {"rise": (0.08, 0.65)}

GOOD_MORNING_FAULTS: dict[str, FaultKind] = {
    "rounded_back": WindowedFault("rad", deg(40.0), "flexion of the spine", "spine_flexion", **_HINGE),
    "bent_knees": WindowedFault(
        "rad", deg(30.0), "knee flexion beyond soft knees: a squat instead of a hinge", "knee_flexion", **_HINGE
    ),
    "craned_neck": WindowedFault(
        "rad", deg(30.0), "extension of the neck beyond a neutral one", "neck_flexion", -1.0, **_HINGE
    ),
    "short_range": FaultKind(
        "rad", deg(40.0), "forward lean of the trunk that is missing at the bottom", "trunk_lean", -1.0, TURN_RANGE
    ),
    "no_lockout": FaultKind(
        "rad", deg(30.0), "forward lean of the trunk that is left at the top", "trunk_lean", 1.0, END_RANGE
    ),
    "too_fast_down": FaultKind("1", 0.7, "share of the time down that is missing", way=TEMPO, stage="out"),
}  # fmt: skip


def technique(athlete: Athlete) -> Technique:
    """The hips go back over soft knees until the trunk is nearly level; the bar stays where it lies."""
    scale = athlete.scale
    return Technique(
        rig=Rig.both(ArmRig("grip", axis=(0.0, -1.0, 0.0), pole=(-0.7, 0.25, -1.0), wrist=deg(25.0))),
        controls={
            "pelvis_x": Course({0.0: 0.0, 1.0: -0.22 * scale}),
            "pelvis_z": Course({0.0: 0.93 * scale, 1.0: 0.88 * scale}),
            "pelvis_pitch": Course({0.0: 0.0, 1.0: deg(64.0)}),
            "foot_out": 0.15 * scale,
            "toe_out": deg(10.0),
            "knee_in": deg(-1.0),
            "hand_x": Course({0.0: -0.06 * scale, 1.0: 0.22 * scale}),
            "hand_out": athlete.lengths.shoulders / 2.0 + 0.13 * scale,
            "hand_z": Course({0.0: 1.46 * scale, 1.0: 1.10 * scale}),
            "neck_flexion": Course({0.0: 0.0, 1.0: deg(-18.0)}),
            "grip": 1.0,
        },
        goals={
            "knee_flexion": KNEE,
            "knee_flexion_asymmetry": 0.0,
            "hip_shift": 0.0,
            "trunk_lean": TRUNK,
            "trunk_lateral_lean": 0.0,
            _BALANCE: Course({p: x * scale for p, x in BALANCE.items()}),
            "load_ahead": BAR_BEHIND * scale,
            "load_height": BAR_OVER * scale,
        },
        by=("pelvis_x", "pelvis_y", "pelvis_z", "pelvis_pitch", "pelvis_roll", "spine_lateral", "hand_x", "hand_z"),
        sway={"neck_axial": deg(1.5), "trunk_lean": deg(0.3), "knee_in_l": deg(0.4), "knee_in_r": deg(0.4)},
        # a bar of 20 kg, or one of 10 kg for women, and small plates
        equipment=Barbell(athlete, max(10.0, 2.5 * round(LOAD * athlete.mass / 2.5))),
    )  # fmt: skip


GOOD_MORNING = Exercise(
    "good_morning", "Good morning", GOOD_MORNING_FAULTS, Tempo(2.0, 0.2, 1.6, 0.5), technique
)
