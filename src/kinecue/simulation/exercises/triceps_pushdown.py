"""The standing triceps pushdown with a short bar on a high cable."""

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

PUSHDOWN_FAULTS = {
    "elbow_drift": FaultKind(
        "rad", deg(28.0), "shoulder flexion, upper arm against trunk, on the way up", "shoulder_flexion", sided=True,
        when="back",
    ),
    "trunk_forward": FaultKind("rad", deg(25.0), "forward lean of the trunk over the bar", "trunk_lean"),
    "short_bottom": FaultKind(
        "rad", deg(60.0), "elbow flexion that is left at the bottom", "elbow_flexion", 1.0, TURN_RANGE
    ),
    "short_top": FaultKind(
        "rad", deg(50.0), "elbow flexion that is missing at the top", "elbow_flexion", -1.0, END_RANGE
    ),
    "flared_elbows": FaultKind(
        "rad", deg(25.0), "upper arms away from the body on the way down", "elbow_flare", sided=True,
        when="early",
    ),
    "shrugged": FaultKind("m", 0.04, "shoulders pulled up towards the ears", "shrug", sided=True),
    "too_fast_up": FaultKind("1", 0.7, "share missing from the time of the way up", way=TEMPO, stage="back"),
}  # fmt: skip

BENT = deg(108.0)
"""Elbow flexion at the top: the forearms a little over the horizontal (NSCA)."""
STRAIGHT = deg(7.0)


@lru_cache(maxsize=32)
def technique(athlete: Athlete) -> Technique:
    """Overhand on a short bar, the trunk a little forward, the upper arms beside it; only the elbows move."""
    scale, lengths = athlete.scale, athlete.lengths
    rig = Rig.both(ArmRig("grip", pole=(-0.42, 0.06, -0.9)))
    controls: dict[str, Value] = {
        **standing(athlete),
        "neck_flexion": deg(4.0),
        "hand_out": lengths.shoulders / 2.0 - 0.03 * scale,
        "hand_x": Course({0.0: 0.30 * scale, 0.5: 0.40 * scale, 1.0: 0.22 * scale}),
        "hand_z": Course({0.0: 1.26 * scale, 0.5: 1.0 * scale, 1.0: 0.80 * scale}),
        "protract": deg(2.0),
        "grip": 1.0,
    }
    elbow = Course({0.0: BENT, 1.0: STRAIGHT})
    stand = standing_goals(athlete, knee=deg(8.0), lean=deg(10.0))
    clean = reference(
        athlete,
        rig,
        controls,
        (*STAND_BY, "hand_x", "hand_z"),
        [*stand.items(), ("elbow_flexion", elbow), ("shoulder_flexion", Course({0.0: deg(15.0), 1.0: deg(18.0)}))],
        ("shoulder_flexion_left", "shoulder_flexion_right", "elbow_flare_left", "elbow_flare_right",
         "shrug_left", "shrug_right", "grip_width"),
    )  # fmt: skip
    bar = clean.figure.middle("grip")
    pulley = (float(bar[:, 0].max()) + 0.10, 0.0, 2.05)
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
        equipment=PulleyBar(athlete, pulley, lengths.shoulders / 2.0 + 0.07, frame_with_pulley(pulley, 2.20, 0.92)),
    )  # fmt: skip


TRICEPS_PUSHDOWN = Exercise(
    "triceps_pushdown", "Triceps pushdown", PUSHDOWN_FAULTS, Tempo(1.05, 0.25, 1.30, 0.40), technique,
    dict(CONCENTRIC_FIRST),
)  # fmt: skip
