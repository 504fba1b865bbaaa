"""The Romanian deadlift: a hinge at the hips with the bar along the legs."""

from __future__ import annotations

from typing import Any

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.barbell import BAR_ARMS, Legs, arm_slack
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.derived import course_of, postures, read_off
from kinecue.simulation.exercises.windowed import WindowedFault
from kinecue.simulation.gear.free_weights import Barbell
from kinecue.simulation.movement.figure import Rig
from kinecue.simulation.movement.measures import value
from kinecue.simulation.movement.set_plan import END_RANGE, TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import Course, Exercise, Technique, Value

LOAD = 0.60
"""Of the athlete's mass; about three quarters of the deadlift's."""
_BALANCE = f"balance_load_{round(100 * LOAD)}"
STANDING_KNEE = deg(4.0)
KNEE = Course({0.0: STANDING_KNEE, 0.35: deg(13.0), 0.7: deg(17.0), 1.0: deg(18.0)})
"""Knees unlock and then stay as they are: 15 to 20 degrees (NSCA: slightly flexed throughout)."""
SHANK = Course({0.0: deg(-2.8), 1.0: deg(-3.2)})
"""Shanks stay upright or lean back a little, so that the bar can slide along them."""
UNDER_KNEE = 0.165
"""Of the bar under the knee joints at the bottom, share of the shank: the hamstrings stop most people between knee and
mid-shin (engineering judgement)."""

_HINGE: dict[str, Any] = {"rise": (0.08, 0.65)}

ROMANIAN_DEADLIFT_FAULTS: dict[str, FaultKind] = {
    "rounded_back": WindowedFault("rad", deg(40.0), "flexion of the spine", "spine_flexion", **_HINGE),
    "bent_knees": WindowedFault(
        # the weight goes to the heels, so that the knees stay behind the bar
        "rad", deg(26.0), "knee flexion beyond soft knees: a squat instead of a hinge", "knee_flexion",
        targets={"knee_flexion": 1.0, _BALANCE: -0.08}, **_HINGE,
    ),
    "bar_away": WindowedFault(
        "m", 0.12, "bar ahead of where it belongs, along the legs", "hand_ahead", targets={"hand_x": 1.0}, **_HINGE
    ),
    "craned_neck": WindowedFault(
        "rad", deg(35.0), "extension of the neck beyond a neutral one", "neck_flexion", -1.0, **_HINGE
    ),
    "short_range": FaultKind(
        "rad", deg(45.0), "forward lean of the trunk that is missing at the bottom", "trunk_lean", -1.0, TURN_RANGE
    ),
    "no_lockout": FaultKind(
        "rad", deg(30.0), "forward lean of the trunk that is left at the top", "trunk_lean", 1.0, END_RANGE
    ),
    "too_fast_down": FaultKind("1", 0.7, "share of the time down that is missing", way=TEMPO, stage="out"),
}  # fmt: skip


def technique(athlete: Athlete) -> Technique:
    """The hips go back over still shanks, the bar goes straight down along the thighs to the middle of the shins."""
    scale = athlete.scale
    legs = Legs(athlete)
    plain = Technique(
        rig=Rig.both(BAR_ARMS),
        controls={
            "pelvis_x": Course({0.0: -0.03 * scale, 1.0: -0.25 * scale}),
            "pelvis_z": Course({0.0: 0.95 * scale, 1.0: 0.90 * scale}),
            "pelvis_pitch": Course({0.0: 0.0, 1.0: deg(75.0)}),
            "foot_out": legs.stance,
            "toe_out": deg(8.0),
            "knee_in": deg(-2.0),
            "hand_x": legs.bar_ahead,
            "hand_out": legs.grip,
            "hand_z": Course({0.0: 0.76 * scale, 1.0: 0.40 * scale}),
            "neck_flexion": Course({0.0: deg(-2.0), 1.0: deg(-14.0)}),
            "protract": Course({0.0: 0.0, 1.0: deg(8.0)}),
            "shrug": deg(-4.0),
            "grip": 1.0,
        },
        goals={"knee_flexion_asymmetry": 0.0, "hip_shift": 0.0, "arm_slack": arm_slack(athlete)},
        by=("pelvis_x", "pelvis_y", "pelvis_z", "pelvis_pitch", "pelvis_roll", "hand_z"),
        sway={"neck_axial": deg(1.5), "trunk_lean": deg(0.3), "knee_in_l": deg(0.4), "knee_in_r": deg(0.4)},
        equipment=Barbell(athlete, LOAD),
    )
    knee_height = float(athlete.head("foot_l")[2]) + athlete.lengths.shank
    low: dict[str, Value] = {
        "knee_flexion": KNEE, "shank_tilt": SHANK, "hand_height": knee_height - UNDER_KNEE * athlete.lengths.shank,
    }  # fmt: skip
    _, bottom = postures(athlete, plain, low, (1.0,))
    lean = Course({0.0: deg(2.0), 1.0: float(value("trunk_lean", bottom)[0])})
    controls, clean = postures(
        athlete, plain, {"knee_flexion": KNEE, "shank_tilt": SHANK, "trunk_lean": lean}
    )
    plain.goals.update({"knee_flexion": KNEE, "trunk_lean": lean, **read_off(clean, (_BALANCE,))})
    for name in ("pelvis_x", "pelvis_z", "pelvis_pitch", "hand_z"):
        plain.controls[name] = course_of(controls[name])
    return plain


ROMANIAN_DEADLIFT = Exercise(
    "romanian_deadlift", "Romanian deadlift", ROMANIAN_DEADLIFT_FAULTS, Tempo(2.0, 0.25, 1.5, 0.5), technique
)
