"""The seated lat pulldown with a wide bar."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.reference import reference, surface
from kinecue.simulation.exercises.upper_body import SEATED, SEATED_SWAY, seated
from kinecue.simulation.gear.cable_machines import (
    PulleyBar,
    frame_with_pulley,
    over_thighs,
    seat,
    seat_under,
    thigh_pads,
)
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import END_RANGE, JERK, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, Course, Exercise, Technique, Value
from kinecue.simulation.picture.solids import Mesh

PULLDOWN_FAULTS = {
    "lean_back": FaultKind(
        "rad", deg(28.0), "backward lean of the trunk, more than makes room for the bar", "trunk_lean", -1.0, when="out"
    ),
    "short_range": FaultKind(
        "m", 0.30, "height of the bar over where it should turn round", "bar_height", 1.0, TURN_RANGE
    ),
    "no_stretch": FaultKind(
        "m", 0.25, "height of the bar that is missing at the top", "bar_height", -1.0, END_RANGE
    ),
    "shrugged": FaultKind("m", 0.04, "shoulders up at the ears while the bar comes down", "shrug", sided=True),
    "elbows_behind": FaultKind("m", 0.045, "elbows drawn behind the trunk", "elbow_ahead", -1.0, sided=True),
    "uneven": FaultKind("rad", deg(10.0), "slope of the bar, left higher", "bar_tilt"),
    "jerked_start": FaultKind("1", 0.6, "share missing from the time of the first third", way=JERK, stage="out"),
    "too_fast_back": FaultKind("1", 0.7, "share missing from the time of the way up", way=TEMPO, stage="back"),
}  # fmt: skip

STRAIGHT = deg(10.0)
"""Elbow flexion at the top: the arms are let out, not locked."""


@lru_cache(maxsize=32)
def technique(athlete: Athlete) -> Technique:
    """From straight arms to the upper chest, the trunk leaning back a little to make room for the bar (NSCA).

    Overhand grip at one and a half times the width of the shoulders; the shoulder blades go down first, the elbows
    come down beside the trunk.
    """
    scale, lengths = athlete.scale, athlete.lengths
    rig = Rig.both(ArmRig("grip", pole=(0.10, 0.60, -1.0)))
    controls: dict[str, Value] = {
        **seated(athlete),
        "protract": Course({0.0: deg(0.0), 1.0: deg(-6.0)}),
        "shrug": Course({0.0: deg(3.0), 0.3: deg(-2.0), 1.0: deg(-5.0)}),
        "spine_flexion": Course({0.0: deg(0.0), 1.0: deg(-6.0)}),
        "neck_flexion": Course({0.0: deg(-8.0), 1.0: deg(2.0)}),
        "hand_out": 0.77 * lengths.shoulders + 0.04 * scale,
        "elbow_turn": 0.0,
        "hand_x": -lengths.thigh + 0.15 * scale,
        "hand_z": Course({0.0: 1.62 * scale, 1.0: 1.05 * scale}),
        "grip": 1.0,
    }
    lean = Course({0.0: deg(-2.0), 0.5: deg(-8.0), 1.0: deg(-11.0)})
    ahead: Value = 0.09 * scale
    by_hands = ("pelvis_pitch", "hand_x", "hand_z")
    arms = [("trunk_lean", lean), ("bar_ahead", ahead), ("elbow_flexion", STRAIGHT)]
    let_out = reference(athlete, rig, {**controls, "hand_z": 1.62 * scale}, by_hands, arms, ())
    high = float(measures.value("bar_height", let_out.figure)[0])
    height = Course({0.0: high, 1.0: -0.015 * scale})
    # drawn up to the bar, the chest stands out further than at rest
    chest = _chest(athlete) + 0.085
    ahead = Course({0.0: 0.09 * scale, 0.45: max(0.21 * scale, chest + 0.02), 1.0: max(0.18 * scale, chest)})
    clean = reference(
        athlete,
        rig,
        controls,
        by_hands,
        [("trunk_lean", lean), ("bar_ahead", ahead), ("bar_height", height)],
        ("elbow_ahead_left", "elbow_ahead_right", "shrug_left", "shrug_right"),
    )
    by = (
        "pelvis_pitch", "hand_x", "hand_z_l", "hand_z_r", "elbow_turn_l", "elbow_turn_r", "shrug_l", "shrug_r",
    )  # fmt: skip
    skin, start = surface(athlete, clean.start), clean.start
    hips = start.mid_hip[0]
    bar = clean.figure.middle("grip")
    pulley = (float(bar[:, 0].mean()) + 0.02, 0.0, float(bar[0, 2]) + 0.30)
    pads = float(hips[0]) + 0.74 * lengths.thigh
    furniture = Mesh.join(
        [
            seat(float(hips[0]) + 0.06 * scale, seat_under(skin, hips)),
            thigh_pads(pads, over_thighs(skin, pads), 0.14 * scale),
            frame_with_pulley(pulley, pulley[2] + 0.06, 0.62),
        ]
    )
    return Technique(
        rig=rig,
        controls=clean.controls_for(by),
        goals={"trunk_lean": lean, "bar_ahead": ahead, "bar_height": height, **clean.goals, "bar_tilt": 0.0},
        by=by,
        sway=SEATED_SWAY,
        contacts=SEATED,
        equipment=PulleyBar(athlete, pulley, 0.77 * lengths.shoulders + 0.26, furniture, "lat"),
    )


def _chest(athlete: Athlete) -> float:
    """How far the upper chest stands out ahead of the shoulders at rest, m."""
    skin = athlete.vertices[np.unique(athlete.asset.faces["body"])]
    shoulder = athlete.head("upperarm_l")
    near = (np.abs(skin[:, 1]) < 0.16) & (np.abs(skin[:, 2] - shoulder[2] + 0.05) < 0.05)
    return float(skin[near, 0].max() - shoulder[0])


LAT_PULLDOWN = Exercise(
    "lat_pulldown", "Lat pulldown", PULLDOWN_FAULTS, Tempo(1.20, 0.25, 1.50, 0.45), technique, dict(CONCENTRIC_FIRST),
    posture="seated",
)  # fmt: skip
