"""The push-up."""

from __future__ import annotations

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.floor_common import (
    PRONE,
    TOES,
    ahead,
    natural,
    solved_controls,
    started_well,
)
from kinecue.simulation.gear.floor import Mat
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import END_RANGE, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import Contact, Course, Exercise, Technique

DEPTH = deg(112.0)
"""Elbow flexion at the bottom: upper arms a little past parallel to the floor (90 degrees: ACSM, US Army)."""
LOCKOUT = deg(8.0)
"""Elbow flexion at the top; straight arms without a snap."""
KNEE, LINE = deg(4.0), deg(-2.0)
"""Knee flexion and line of the body all the time: straight, the hips a little high rather than low."""
HAND_WIDTH = 1.35
"""Distance of the hands over that of the shoulder joints: between shoulder width and the 150 % that Cogley et al.
(2005) call wide."""
FOOT_PITCH = deg(70.0)
"""Of the foot over the floor: the ankle then is near neutral."""

PUSH_UP_FAULTS = {
    "sagging_hips": FaultKind(
        "rad", deg(30.0), "hips under the line from shoulders to ankles", "body_line", when="all",
        targets={"body_line": 1.0, "spine_flexion": -0.5, "pelvis_z": -0.3, "pelvis_pitch": -0.3},
    ),
    "piked_hips": FaultKind(
        "rad", deg(45.0), "hips over the line from shoulders to ankles", "body_line", -1.0, when="all",
        targets={"body_line": -1.0, "spine_flexion": 0.15, "heel_up": -0.6},
    ),
    "flared_elbows": FaultKind(
        "rad", deg(32.0), "elbows turned out, beyond the usual 45 degrees", "elbow_spread", sided=True
    ),
    "short_range": FaultKind(
        "rad", deg(70.0), "elbow flexion that is missing at the bottom", "elbow_flexion", -1.0, TURN_RANGE
    ),
    "no_lockout": FaultKind(
        "rad", deg(45.0), "elbow flexion that is left at the top", "elbow_flexion", 1.0, END_RANGE
    ),
    "head_down": FaultKind("rad", deg(45.0), "neck flexion: the head hangs", "neck_flexion", when="all"),
    "uneven": FaultKind("rad", deg(16.0), "left elbow flexion minus right", "elbow_flexion_asymmetry"),
    "too_fast_down": FaultKind("1", 0.7, "share of the time that the way down lacks", way=TEMPO, stage="out"),
}  # fmt: skip


def technique(athlete: Athlete) -> Technique:
    """Shoulders, hips and ankles in a line that turns about the balls of the feet; upper arms at 45 degrees."""
    scale = athlete.scale
    rig = Rig.both(ArmRig("palm", pole=(-0.55, 1.05, -0.85), pointing=(1.0, 0.12, 0.0)), base=PRONE)
    controls: dict[str, float] = {
        "pelvis_z": 0.45 * scale,
        "pelvis_pitch": deg(-18.0),
        "foot_x": -0.80 * scale,
        "foot_out": 0.11 * scale,
        "heel_up": FOOT_PITCH,
        "hand_x": 0.55 * scale,
        "hand_out": HAND_WIDTH * athlete.lengths.shoulders / 2.0,
        "neck_flexion": deg(-14.0),
        "protract": deg(4.0),
        "hand_z": 0.009 * scale,
        "grip": -1.0,
    }
    body = ("pelvis_x", "pelvis_z", "pelvis_pitch")
    top = solved_controls(
        athlete,
        rig,
        controls,
        (*body, "hand_x"),
        {"knee_flexion": KNEE, "body_line": LINE, "elbow_flexion": LOCKOUT, ahead("shoulder", "palm"): 0.0},
    )
    result = Technique(
        rig=rig,
        controls={**top},
        goals={
            "knee_flexion": KNEE,
            "body_line": LINE,
            "elbow_flexion": Course({0.0: LOCKOUT, 1.0: DEPTH}),
            "elbow_flexion_asymmetry": 0.0,
            "neck_flexion": deg(-14.0),
        },
        by=(*body, "spine_axial", "neck_flexion", "elbow_turn_l", "elbow_turn_r"),
        sway={"body_line": deg(0.5), "neck_flexion": deg(0.8), "pelvis_y": 0.003},
        contacts=(*TOES, Contact("palm_l"), Contact("palm_r")),
        equipment=Mat(athlete, -1.05 * scale, 1.0 * scale),
    )
    started_well(athlete, result)
    spread = natural(athlete, result, "elbow_spread")
    result.goals.update(elbow_spread_left=spread, elbow_spread_right=spread)
    return result


PUSH_UP = Exercise(
    "push_up", "Push-up", PUSH_UP_FAULTS, Tempo(1.3, 0.15, 1.0, 0.4), technique, posture="floor"
)
