"""The cable chest press: seated between two columns, a handle in each hand."""

from __future__ import annotations

import math
from functools import lru_cache

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.reference import reference, surface
from kinecue.simulation.exercises.upper_body import SEATED, SEATED_SWAY, seated
from kinecue.simulation.gear.cable_machines import TwoHandles, backrest, seat, seat_under, side_column
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import END_RANGE, JERK, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, Course, Exercise, Technique, Value
from kinecue.simulation.picture.solids import Mesh

CHEST_PRESS_FAULTS = {
    "uneven": FaultKind(
        "rad", deg(30.0), "left elbow flexion minus right on the way out", "elbow_flexion_asymmetry", when="out",
        targets={"elbow_flexion_left": 0.5, "elbow_flexion_right": -0.5},
    ),
    "flared_elbows": FaultKind(
        "rad", deg(25.0), "upper arms out to the side on the way out", "elbow_flare", sided=True, when="early"
    ),
    "shrugged": FaultKind("m", 0.04, "shoulders pulled up towards the ears", "shrug", sided=True),
    "no_lockout": FaultKind(
        "rad", deg(60.0), "elbow flexion that is left with the arms out", "elbow_flexion", 1.0, TURN_RANGE
    ),
    "short_range": FaultKind(
        "rad", deg(50.0), "elbow flexion that is missing at the chest", "elbow_flexion", -1.0, END_RANGE
    ),
    "trunk_forward": FaultKind("rad", deg(20.0), "trunk off the back pad, forward", "trunk_lean"),
    "jerked_start": FaultKind("1", 0.6, "share missing from the time of the first third", way=JERK, stage="out"),
    "too_fast_back": FaultKind("1", 0.7, "share missing from the time of the way back", way=TEMPO, stage="back"),
}  # fmt: skip

AT_CHEST = deg(108.0)
"""Elbow flexion with the handles beside the chest, the elbows a little behind the trunk (engineering judgement)."""
ARMS_OUT = deg(10.0)
LEAN = deg(-12.0)
"""Of the back pad."""


@lru_cache(maxsize=32)
def technique(athlete: Athlete) -> Technique:
    """From beside the chest to straight arms in front of it, the hands coming together on the way (NSCA).

    The upper arms start 45 to 60 degrees out from the trunk and below the shoulders.
    """
    scale, lengths = athlete.scale, athlete.lengths
    rig = Rig.both(ArmRig("grip", axis=(0.0, -1.0, 0.25), pole=(-0.75, 0.45, -1.0)))
    shoulder = lengths.shoulders / 2.0
    controls: dict[str, Value] = {
        **seated(athlete),
        "pelvis_pitch": LEAN,
        "protract": Course({0.0: deg(-10.0), 1.0: deg(4.0)}),
        "neck_flexion": deg(10.0),
        "hand_out": Course({0.0: shoulder + 0.11 * scale, 0.5: shoulder + 0.05 * scale, 1.0: 0.16 * scale}),
        "hand_x": Course({0.0: -lengths.thigh + 0.10 * scale, 1.0: -lengths.thigh + 0.45 * scale}),
        "hand_z": 0.92 * scale,
        "grip": 1.0,
    }
    elbow = Course({0.0: AT_CHEST, 1.0: ARMS_OUT})
    height = Course({0.0: -0.13 * scale, 1.0: -0.07 * scale})
    clean = reference(
        athlete,
        rig,
        controls,
        ("pelvis_pitch", "hand_x", "hand_z"),
        [("trunk_lean", LEAN), ("elbow_flexion", elbow), ("bar_height", height)],
        ("elbow_flare_left", "elbow_flare_right", "shrug_left", "shrug_right"),
    )
    by = (
        "pelvis_pitch", "hand_x_l", "hand_x_r", "hand_z", "elbow_turn_l", "elbow_turn_r", "shrug_l", "shrug_r",
    )  # fmt: skip
    start = clean.start
    skin = surface(athlete, start)
    hips = start.mid_hip[0]
    top = seat_under(skin, hips)
    chest = float(start.mid_shoulder[0, 2])
    # the pad touches the back of the upper trunk
    back = (abs(skin[:, 2] - (chest - 0.12 * scale)) < 0.04) & (abs(skin[:, 1]) < 0.12)
    touch = float(skin[back, 0].min())
    low = top + 0.10 * scale
    rise = chest - 0.12 * scale - low
    pad = touch - rise * math.tan(LEAN) + 0.005
    pulleys = [(float(hips[0]) - 0.55 * scale, sign * 0.72, chest - 0.05) for sign in (1.0, -1.0)]
    furniture = Mesh.join(
        [
            seat(float(hips[0]) + 0.06 * scale, top),
            backrest(pad, low, chest + 0.04 * scale, -LEAN),
            *(side_column(p, 2.05) for p in pulleys),
        ]
    )
    return Technique(
        rig=rig,
        controls=clean.controls_for(by),
        goals={
            "trunk_lean": LEAN, "elbow_flexion_left": elbow, "elbow_flexion_right": elbow, "bar_height": height,
            **clean.goals,
        },
        by=by,
        sway=SEATED_SWAY,
        contacts=SEATED,
        equipment=TwoHandles(athlete, pulleys, furniture),
    )  # fmt: skip


CABLE_CHEST_PRESS = Exercise(
    "cable_chest_press", "Cable chest press", CHEST_PRESS_FAULTS, Tempo(1.10, 0.25, 1.35, 0.40), technique,
    dict(CONCENTRIC_FIRST), posture="seated",
)  # fmt: skip
