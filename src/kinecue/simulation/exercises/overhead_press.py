"""The standing overhead press with a barbell."""

from __future__ import annotations

import math
from functools import lru_cache

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.reference import reference
from kinecue.simulation.exercises.upper_body import STAND_BY, UPRIGHT_SWAY, standing, standing_goals
from kinecue.simulation.gear.cable_machines import Barbell
from kinecue.simulation.movement.figure import ArmRig, Rig
from kinecue.simulation.movement.set_plan import JERK, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, Course, Exercise, Technique, Value

PRESS_FAULTS = {
    "back_arch": FaultKind(
        "rad", deg(22.0), "backward lean of the trunk, out of the lumbar spine", "trunk_lean", -1.0,
        targets={"trunk_lean": -1.0, "spine_flexion": -0.9, "neck_flexion": 0.6},
    ),
    "no_lockout": FaultKind(
        "rad", deg(60.0), "elbow flexion that is left at the top", "elbow_flexion", 1.0, TURN_RANGE
    ),
    "bar_forward": FaultKind("m", 0.12, "bar ahead of the shoulders, over its path", "bar_ahead"),
    "elbows_flared": FaultKind(
        "rad", deg(18.0), "elbows out to the side as the bar leaves the chin", "elbow_flare", sided=True,
        when="early",
    ),
    "uneven": FaultKind("rad", deg(10.0), "slope of the bar on the way up, left higher", "bar_tilt", when="early"),
    "leg_drive": FaultKind("rad", deg(40.0), "bend of the knees that drives the bar", "knee_flexion", when="early"),
    "shrugged": FaultKind("m", 0.03, "shoulders pulled up to the ears at the start", "shrug", sided=True, when="early"),
    "jerked_start": FaultKind("1", 0.6, "share missing from the time of the first third", way=JERK, stage="out"),
    "too_fast_down": FaultKind("1", 0.7, "share missing from the time of the way down", way=TEMPO, stage="back"),
}  # fmt: skip

RACKED = deg(147.0)
"""Most elbow flexion with the bar before the chin: as far as the upper arm lets the forearm come (AAOS: 140 to 150)."""
LOCKED = deg(10.0)
"""Elbow flexion overhead: straight to the eye (NSCA, Essentials of Strength Training and Conditioning)."""


@lru_cache(maxsize=32)
def technique(athlete: Athlete) -> Technique:
    """From before the chin, around the face, to over the shoulders and the middle of the foot.

    The bar goes up close to the face, the trunk leans back by a few degrees until the bar has passed the forehead
    (NSCA). Grip a little wider than the shoulders, forearms upright as seen from the front.
    """
    scale, lengths = athlete.scale, athlete.lengths
    rig = Rig.both(ArmRig("grip", pole=(0.30, 0.28, -1.0)))
    neck = Course({0.0: deg(-4.0), 0.3: deg(-13.0), 0.55: deg(-10.0), 1.0: deg(0.0)})
    controls: dict[str, Value] = {
        **standing(athlete),
        "foot_out": 0.15 * scale,
        "neck_flexion": neck,
        "hand_out": lengths.shoulders / 2.0 + 0.075 * scale,
        "hand_x": 0.12 * scale,
        "hand_z": Course({0.0: 1.58 * scale, 1.0: 2.10 * scale}),
        "elbow_turn": Course({0.0: deg(0.0), 1.0: deg(0.0)}),
        "spine_flexion": Course({0.0: deg(-3.0), 0.35: deg(-6.0), 1.0: deg(-2.0)}),
        "grip": 1.0,
    }
    racked = min(RACKED, _flexion_at(athlete, 0.155 * scale - 0.025, 0.075 * scale, 0.04 * scale))
    elbow = Course({0.0: racked, 0.25: deg(118.0), 1.0: LOCKED})
    ahead = Course({0.0: 0.155 * scale, 0.3: 0.178 * scale, 0.65: 0.085 * scale, 1.0: 0.005 * scale})
    lean = Course({0.0: deg(-3.0), 0.35: deg(-6.5), 0.75: deg(-2.0), 1.0: deg(0.0)})
    stand = standing_goals(athlete, knee=deg(4.0), lean=0.0, balance="balance_with_bar")
    stand["trunk_lean"] = lean
    clean = reference(
        athlete,
        rig,
        controls,
        (*STAND_BY, "hand_x", "hand_z"),
        [*stand.items(), ("elbow_flexion", elbow), ("bar_ahead", ahead)],
        ("elbow_flare_left", "elbow_flare_right", "shrug_left", "shrug_right", "grip_width"),
    )
    # a bar of 20 kg and pairs of plates of 1.25 kg and more
    mass = max(20.0, 2.5 * round(0.40 * athlete.mass / 2.5))
    by = (
        *STAND_BY, "hand_x", "hand_z_l", "hand_z_r", "hand_out_l", "hand_out_r",
        "elbow_turn_l", "elbow_turn_r", "shrug_l", "shrug_r",
    )  # fmt: skip
    return Technique(
        rig=rig,
        controls=clean.controls_for(by),
        goals={**stand, **clean.goals, "elbow_flexion": elbow, "bar_ahead": ahead, "bar_tilt": 0.0, "bar_aside": 0.0},
        by=by,
        # locked arms hold the bar level over the shoulders, which leaves no play to the sides
        sway={name: size for name, size in UPRIGHT_SWAY.items() if name != "hip_shift"},
        equipment=Barbell(athlete, mass),
    )  # fmt: skip


def _flexion_at(athlete: Athlete, ahead: float, out: float, over: float) -> float:
    """Elbow flexion with the wrist so far ahead of, outside and over the shoulder, rad."""
    upper, lower = athlete.lengths.upper_arm, athlete.lengths.forearm
    squared = ahead**2 + out**2 + over**2
    return math.acos((squared - upper**2 - lower**2) / (2.0 * upper * lower))


OVERHEAD_PRESS = Exercise(
    "overhead_press",
    "Overhead press",
    PRESS_FAULTS,
    Tempo(1.25, 0.30, 1.35, 0.50),
    technique,
    dict(CONCENTRIC_FIRST),
)
