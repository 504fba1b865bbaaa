"""The conventional barbell deadlift, from the floor and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.barbell import BAR_ARMS, Legs, arm_slack
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.derived import GRID, course_of, postures, read_off
from kinecue.simulation.exercises.windowed import WindowedFault
from kinecue.simulation.gear.free_weights import PLATE_RADIUS, Barbell
from kinecue.simulation.movement.figure import Rig
from kinecue.simulation.movement.measures import value
from kinecue.simulation.movement.set_plan import JERK, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, Course, Exercise, Technique, Value

LOAD = 0.80
"""Of the athlete's mass: a set of several repetitions by who lifts about the own mass once (engineering judgement)."""
_BALANCE = f"balance_load_{round(100 * LOAD)}"
SHOULDERS_OVER = deg(-8.0)
"""Arms from the vertical at lift-off: the shoulders are a hand's breadth ahead of the bar (NSCA: slightly over it)."""
STANDING_KNEE = deg(4.0)
KNEE_LEVEL = 0.50
"""Progress at which the bar passes the knees: half of its way lies under them."""
SHANK_END = deg(-2.8)
SHANK = Course({0.0: deg(12.0), 0.3: deg(3.5), KNEE_LEVEL: deg(-1.5), 1.0: SHANK_END})
"""Shank from the vertical: 14 to 19 degrees at lift-off (Escamilla 2000, conventional style), less where a bar over the
middle of the foot leaves less room; upright when the bar passes the knees."""

_PULL: dict[str, Any] = {"rise": (0.02, 0.24), "fall": (0.66, 1.0)}
"""Grows when the bar has left the floor and is gone when the athlete stands."""

DEADLIFT_FAULTS: dict[str, FaultKind] = {
    "rounded_back": WindowedFault("rad", deg(40.0), "flexion of the spine", "spine_flexion", **_PULL),
    "bar_away": WindowedFault(
        "m", 0.10, "bar ahead of where it belongs, over the middle of the foot", "hand_ahead",
        targets={"hand_x": 1.0}, **_PULL,
    ),
    "hips_rise_first": WindowedFault(
        "rad", deg(14.0), "forward lean of the trunk while the knees straighten first", "trunk_lean",
        targets={"trunk_lean": 1.0, "knee_flexion": -1.25}, stage="out", rise=(0.0, 0.15), fall=(0.25, 0.58),
    ),
    "hyperextended": WindowedFault(
        "rad", deg(15.0), "backward lean of the trunk at the top", "trunk_lean", -1.0, rise=(0.75, 1.0)
    ),
    "no_lockout": FaultKind(
        "rad", deg(40.0), "forward lean of the trunk that is left at the top", "trunk_lean", 1.0, TURN_RANGE
    ),
    "knees_in": WindowedFault(
        "rad", deg(25.0), "turn of the knees about the hip-ankle line, inwards", "knee_in", sided=True, **_PULL
    ),
    "craned_neck": WindowedFault(
        "rad", deg(35.0), "extension of the neck beyond a neutral one", "neck_flexion", -1.0, **_PULL
    ),
    "jerked_start": FaultKind(
        "1", 0.6, "share of the time until a third of the way up that is missing", way=JERK, stage="out"
    ),
    "too_fast_down": FaultKind("1", 0.7, "share of the time down that is missing", way=TEMPO, stage="back"),
}  # fmt: skip


def technique(athlete: Athlete) -> Technique:
    """The bar goes straight up in front of the shins; knees first, hips after the bar has passed the knees.

    Where the trunk leans follows from the bar's place, straight arms and balance: long thighs lean more. Bar on the
    floor: plates of 450 mm.
    """
    scale = athlete.scale
    legs = Legs(athlete)
    plain = Technique(
        rig=Rig.both(BAR_ARMS),
        controls={
            "pelvis_x": Course({0.0: -0.22 * scale, 1.0: -0.03 * scale}),
            "pelvis_z": Course({0.0: 0.62 * scale, 1.0: 0.95 * scale}),
            "pelvis_pitch": Course({0.0: deg(62.0), 1.0: 0.0}),
            "foot_out": legs.stance,
            "toe_out": deg(10.0),
            "knee_in": deg(-3.0),
            "hand_x": legs.bar_ahead,
            "hand_out": legs.grip,
            "hand_z": Course({0.0: PLATE_RADIUS, 1.0: 0.74 * scale}),
            "neck_flexion": Course({0.0: deg(-22.0), 0.5: deg(-18.0), 1.0: deg(-2.0)}),
            "protract": Course({0.0: deg(10.0), 0.6: deg(6.0), 1.0: 0.0}),
            "shrug": Course({0.0: deg(-6.0), 1.0: deg(-4.0)}),
            "grip": 1.0,
        },
        goals={
            "knee_flexion_asymmetry": 0.0,
            "hip_shift": 0.0,
            "arm_slack": arm_slack(athlete),
        },
        by=(
            "pelvis_x", "pelvis_y", "pelvis_z", "pelvis_pitch", "pelvis_roll",
            "hand_z",
        ),
        sway={"neck_axial": deg(1.5), "knee_in_l": deg(0.4), "knee_in_r": deg(0.4)},
        equipment=Barbell(athlete, LOAD),
    )  # fmt: skip
    standing: dict[str, Value] = {
        "knee_flexion": STANDING_KNEE,
        "shank_tilt": SHANK_END,
        "trunk_lean": deg(2.0),
    }
    _, top = postures(athlete, plain, standing, (1.0,))
    lifting: dict[str, Value] = {
        "hand_height": PLATE_RADIUS,
        "shank_tilt": SHANK,
        "arm_swing": SHOULDERS_OVER,
    }
    _, floor = postures(athlete, plain, lifting, (0.0,))
    over = float(value(_BALANCE, floor)[0])
    plain.goals[_BALANCE] = Course({0.0: over, KNEE_LEVEL: over, 1.0: float(value(_BALANCE, top)[0])})
    knee = float(value("knee_flexion", floor)[0])
    bend = Course(
        {0.0: knee, 0.25: 0.66 * knee, KNEE_LEVEL: 0.36 * knee, 0.75: 0.15 * knee, 1.0: STANDING_KNEE}
    )
    by_posture = {"knee_flexion": bend, "shank_tilt": SHANK}
    even = _evenly_up(athlete, plain, by_posture)
    controls, clean = postures(athlete, plain, by_posture, even)
    plain.goals.update(read_off(clean, ("knee_flexion", "trunk_lean", _BALANCE)))
    for name in ("pelvis_x", "pelvis_z", "pelvis_pitch", "hand_z"):
        plain.controls[name] = course_of(controls[name])
    return plain


def _evenly_up(athlete: Athlete, plain: Technique, by_posture: Mapping[str, Value]) -> tuple[float, ...]:
    """Where on the way of the postures the bar has gone each share of its height, slowing down into the lockout."""
    fine = tuple(float(x) for x in np.linspace(0.0, 1.0, 61))
    _, clean = postures(athlete, plain, by_posture, fine)
    height = value("hand_height", clean)
    gone = np.maximum.accumulate((height - height[0]) / (height[-1] - height[0]))
    gone = gone + 1e-9 * np.arange(len(gone))
    grid = np.array(GRID)
    at = np.interp(1.0 - (1.0 - grid) ** 1.5, gone, fine)
    return tuple(np.where(grid >= 1.0, 1.0, at).tolist())


DEADLIFT = Exercise(
    "deadlift", "Deadlift", DEADLIFT_FAULTS, Tempo(1.5, 0.35, 1.5, 0.6), technique, dict(CONCENTRIC_FIRST)
)
