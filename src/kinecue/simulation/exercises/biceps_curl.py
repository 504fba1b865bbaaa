"""The standing biceps curl with a bar on a low cable."""

from __future__ import annotations

from functools import lru_cache

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.reference import reference
from kinecue.simulation.exercises.upper_body import (
    STAND_BY,
    UPRIGHT_SWAY,
    standing,
    standing_goals,
    swung_hands,
)
from kinecue.simulation.gear.cable_machines import PulleyBar, frame_with_pulley
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import END_RANGE, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, Course, Exercise, Technique, Value

CURL_FAULTS = {
    "elbow_drift": FaultKind(
        "rad", deg(50.0), "shoulder flexion, upper arm against trunk", "shoulder_flexion", sided=True
    ),
    "swing": FaultKind(
        "rad", deg(25.0), "backward lean of the trunk on the way up", "trunk_lean", -1.0, when="out"
    ),
    "short_top": FaultKind(
        "rad", deg(70.0), "elbow flexion that is missing at the top", "elbow_flexion", -1.0, TURN_RANGE
    ),
    "short_bottom": FaultKind(
        "rad", deg(45.0), "elbow flexion that is left at the bottom", "elbow_flexion", 1.0, END_RANGE
    ),
    "flared_elbows": FaultKind("rad", deg(12.0), "upper arms away from the body", "elbow_flare", sided=True),
    "shrugged": FaultKind("m", 0.045, "shoulders pulled up towards the ears", "shrug", sided=True),
    "too_fast_down": FaultKind(
        "1", 0.7, "share missing from the time of the way down", way=TEMPO, stage="back"
    ),
}

FULL = deg(130.0)
"""Elbow flexion at the top: active flexion goes to 140 to 150 degrees (AAOS), a full curl to about 130."""
HANGING = deg(12.0)


@lru_cache(maxsize=32)
def technique(athlete: Athlete) -> Technique:
    """An underhand grip at the width of the shoulders; the elbows bend, the upper arms stay beside the trunk."""
    scale, lengths = athlete.scale, athlete.lengths
    rig = Rig.both(ArmRig("grip", axis=(0.0, 1.0, 0.0), pole=(-0.32, 0.05, -1.0)))
    reach = lengths.upper_arm + lengths.forearm
    controls: dict[str, Value] = {
        **standing(athlete),
        "foot_out": 0.125 * scale,
        "hand_out": lengths.shoulders / 2.0 + 0.055 * scale,
        "hand_x": Course({0.0: 0.09 * scale, 0.5: 0.35 * scale, 1.0: 0.26 * scale}),
        "hand_z": Course({0.0: 1.45 * scale - reach, 0.5: 1.12 * scale, 1.0: 1.36 * scale}),
        "grip": 1.0,
    }
    elbow = Course({0.0: HANGING, 1.0: FULL})
    stand = standing_goals(athlete, knee=deg(6.0), lean=deg(1.5))
    clean = reference(
        athlete,
        rig,
        controls,
        (*STAND_BY, "hand_x", "hand_z"),
        [*stand.items(), ("elbow_flexion", elbow), ("shoulder_flexion", Course({0.0: deg(8.0), 1.0: deg(8.0)}))],
        ("shoulder_flexion_left", "shoulder_flexion_right", "elbow_flare_left", "elbow_flare_right",
         "shrug_left", "shrug_right", "grip_width"),
    )  # fmt: skip
    pulley = (0.56 * scale, 0.0, 0.09)
    by = (
        *STAND_BY, "hand_x_l", "hand_x_r", "hand_z_l", "hand_z_r", "hand_out_l", "hand_out_r",
        "elbow_turn_l", "elbow_turn_r", "shrug_l", "shrug_r",
    )  # fmt: skip
    return Technique(
        rig=rig,
        controls=clean.controls_for(by),
        goals={**stand, **clean.goals, "elbow_flexion": elbow, "elbow_flexion_asymmetry": 0.0, "bar_aside": 0.0},
        by=by,
        sway=UPRIGHT_SWAY,
        arrange=swung_hands(clean, "elbow_drift"),
        equipment=PulleyBar(athlete, pulley, lengths.shoulders / 2.0 + 0.17, frame_with_pulley(pulley, 2.15, 0.90)),
    )  # fmt: skip


BICEPS_CURL = Exercise(
    "biceps_curl",
    "Biceps curl",
    CURL_FAULTS,
    Tempo(1.15, 0.20, 1.35, 0.40),
    technique,
    dict(CONCENTRIC_FIRST),
)
