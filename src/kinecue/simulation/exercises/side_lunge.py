"""The side lunge: a wide step to the side, down onto that leg with the other one straight, and back.

Written with the left leg stepping; it is the one that works and that faults speak of. The other side is the mirror image.
"""

from __future__ import annotations

import math

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.derived import postures, read_off
from kinecue.simulation.exercises.lunge import KNEE_STANDING, LANDED, on_both_feet
from kinecue.simulation.exercises.windowed import WindowedFault
from kinecue.simulation.movement.figure import Rig
from kinecue.simulation.movement.set_plan import TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.technique import Contact, Course, Exercise, Technique

STEP = 0.84
"""Between the ankles after the step, share of thigh and shank together (engineering judgement)."""
KNEE_DOWN = deg(82.0)
"""Flexion of the working knee at the bottom: the thigh is nearly level."""
KNEE_LANDING = deg(24.0)
"""Flexion of the working knee when its foot lands: soft."""
STRAIGHT = 0.982
"""Distance from hip to ankle of the other leg at the bottom, share of thigh and shank: straight, not locked."""
HIPS_BACK = 0.19
"""Of the hips behind the ankles at the bottom, m for an average man: as in a squat."""
_TRUNK = Course({0.0: deg(1.5), LANDED: deg(9.0), 1.0: deg(36.0)})
_FINE = tuple(i / 100.0 for i in range(101))

SIDE_LUNGE_FAULTS: dict[str, FaultKind] = {
    "knee_in": WindowedFault(
        "rad", deg(22.0), "turn of the working knee about the hip-ankle line, inwards", "knee_in_left",
        targets={"knee_in_l": 1.0}, rise=(0.5, 0.9),
    ),
    "too_shallow": FaultKind(
        "rad", deg(35.0), "flexion of the working knee that is missing at the bottom", "knee_flexion_left", -1.0,
        TURN_RANGE,
    ),
    "trunk_forward": FaultKind("rad", deg(22.0), "forward lean of the trunk", "trunk_lean"),
    "wobble": FaultKind("rad", deg(15.0), "lean of the trunk towards the working leg's side", "trunk_lateral_lean"),
    "rounded_back": FaultKind("rad", deg(35.0), "flexion of the spine", "spine_flexion"),
    "too_fast_down": FaultKind("1", 0.6, "share of the time down that is missing", way=TEMPO, stage="out"),
}  # fmt: skip


def technique(athlete: Athlete) -> Technique:
    """The left foot steps out, the hips go back and down over it, both feet flat; the left leg pushes back."""
    scale, lengths = athlete.scale, athlete.lengths
    ankle, leg = float(athlete.head("foot_l")[2]), lengths.thigh + lengths.shank
    narrow = 0.09 * scale
    wide, back = STEP * leg - narrow, HIPS_BACK * scale
    aside, over = _bottom(athlete, narrow, wide, back)
    aside_at = {
        0.0: 0.0,
        0.12: -0.03 * scale,
        0.3: 0.20 * aside,
        LANDED: 0.45 * aside,
        0.75: 0.77 * aside,
        1.0: aside,
    }
    back_at = {0.0: 0.0, 0.3: 0.02 * scale, LANDED: 0.15 * back, 0.75: 0.65 * back, 1.0: back}
    # on the way the hips are as high as the straight leg lets them be
    height = {}
    for p in (0.0, 0.3, LANDED, 0.75):
        reach = aside_at[p] + narrow - lengths.pelvis / 2.0
        bend = max(KNEE_STANDING, 2.0 * math.acos(STRAIGHT) * p)
        if p == LANDED:
            reach, bend = max(reach, wide - lengths.pelvis / 2.0 - aside_at[p]), KNEE_LANDING
        height[p] = ankle + math.sqrt((leg * math.cos(bend / 2.0)) ** 2 - reach**2 - back_at[p] ** 2)
    height[1.0] = over
    plain = Technique(
        rig=Rig(),
        controls={
            "pelvis_x": Course({p: -x for p, x in back_at.items()}),
            "pelvis_y": Course(aside_at),
            "pelvis_z": Course(height),
            "foot_out_l": Course(
                {0.0: narrow, 0.06: narrow, 0.3: narrow + 0.5 * (wide - narrow), LANDED: wide, 1.0: wide}
            ),
            "foot_z_l": Course({0.0: 0.0, 0.05: 0.0, 0.26: 0.06 * scale, LANDED: 0.0, 1.0: 0.0}),
            "foot_out_r": narrow,
            "toe_out_l": deg(26.0),
            "toe_out_r": deg(26.0),
            "knee_in": deg(-1.0),
            "shoulder_flexion": Course({0.0: deg(4.0), LANDED: deg(30.0), 1.0: deg(80.0)}),
            "shoulder_abduction": Course({0.0: deg(12.0), 1.0: deg(4.0)}),
            "elbow_flexion": Course({0.0: deg(14.0), 1.0: deg(70.0)}),
            "neck_flexion": Course({0.0: 0.0, 1.0: deg(-16.0)}),
        },
        goals={"trunk_lean": _TRUNK, "trunk_lateral_lean": 0.0},
        sway={
            "trunk_lateral_lean": deg(0.5),
            "trunk_lean": deg(0.5),
            "neck_axial": deg(1.5),
            "knee_in_l": deg(0.6),
        },
        contacts=(
            Contact("ball_r"),
            Contact("heel_r"),
            Contact("ball_l", during=on_both_feet),
            Contact("heel_l", during=on_both_feet),
        ),
    )
    plain.by = ("pelvis_pitch", "spine_lateral")
    _, clean = postures(athlete, plain, {}, _FINE)
    plain.by = ("pelvis_x", "pelvis_z", "pelvis_pitch", "spine_lateral")
    plain.goals.update(read_off(clean, ("knee_flexion_left", "shank_tilt_left"), _FINE))
    return plain


def _bottom(athlete: Athlete, narrow: float, wide: float, back: float) -> tuple[float, float]:
    """Middle between the hips aside of the standing place and over the floor at the bottom, m.

    Where the reaches of the bent and of the straight leg meet.
    """
    lengths, ankle = athlete.lengths, float(athlete.head("foot_l")[2])
    half = lengths.pelvis / 2.0
    bent = lengths.thigh**2 + lengths.shank**2 + 2.0 * lengths.thigh * lengths.shank * math.cos(KNEE_DOWN)
    straight = (STRAIGHT * (lengths.thigh + lengths.shank)) ** 2
    # hips at aside + half and aside - half, ankles at wide and -narrow, `over` above them, all `back` behind
    left, right = wide - half, half - narrow
    aside = (straight - bent + left * left - right * right) / (2.0 * (left - right))
    over = math.sqrt(max(straight - (aside - right) ** 2 - back * back, 0.0))
    return aside, ankle + over


SIDE_LUNGE = Exercise(
    "side_lunge", "Side lunge", SIDE_LUNGE_FAULTS, Tempo(1.8, 0.2, 1.6, 0.6), technique, sided=True
)
