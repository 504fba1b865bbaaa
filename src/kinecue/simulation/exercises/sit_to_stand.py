"""Sit to stand: up from a seat without the hands, and down again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import STANDING_SWAY, deg
from kinecue.simulation.exercises.derived import course_of, postures
from kinecue.simulation.exercises.reference import surface
from kinecue.simulation.exercises.windowed import WindowedFault
from kinecue.simulation.gear.cable_machines import seat, seat_under
from kinecue.simulation.gear.equipment import Equipment
from kinecue.simulation.movement.figure import Rig
from kinecue.simulation.movement.set_plan import TEMPO, TURN_RANGE, FaultKind, Tempo
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.technique import CONCENTRIC_FIRST, FEET, Contact, Course, Exercise, Technique
from kinecue.simulation.movement.timeline import Moments
from kinecue.simulation.picture.solids import Mesh

OFF = 0.22
"""Progress at which the seat lets go: the trunk has come forward by then (Schenkman 1990: flexion-momentum phase)."""
SITTING_KNEE = deg(96.0)
STANDING_KNEE = deg(5.0)
KNEE = Course({0.0: SITTING_KNEE, OFF: SITTING_KNEE, 0.42: deg(82.0), 0.7: deg(38.0), 1.0: STANDING_KNEE})
SHANK = Course({0.0: deg(15.0), OFF: deg(15.0), 0.42: deg(18.0), 0.7: deg(11.0), 1.0: deg(4.2)})
"""Inclination of the shank: the feet are drawn back under the knees by a hand's breadth."""
TRUNK = Course({0.0: deg(3.0), OFF: deg(34.0), 0.40: deg(41.0), 0.7: deg(20.0), 1.0: deg(2.0)})
"""Forward lean, about 40 degrees at most (Schenkman 1990: 30 to 40)."""
_FINE = tuple(float(x) for x in np.linspace(0.0, 1.0, 51))

SIT_TO_STAND_FAULTS: dict[str, FaultKind] = {
    "knees_in": WindowedFault(
        "rad", deg(25.0), "turn of the knees about the hip-ankle line, inwards", "knee_in", sided=True,
        rise=(0.15, 0.35), fall=(0.6, 1.0),
    ),
    "trunk_forward": WindowedFault(
        "rad", deg(22.0), "forward lean beyond what getting up asks for", "trunk_lean", rise=(0.02, 0.25), fall=(0.55, 1.0)
    ),
    "hip_shift": WindowedFault(
        "m", 0.08, "shift of the hips to the left: one leg does more", "hip_shift", rise=(0.25, 0.45), fall=(0.6, 1.0)
    ),
    "no_lockout": FaultKind("rad", deg(45.0), "knee flexion that is left at the top", "knee_flexion", 1.0, TURN_RANGE),
    "too_fast_down": FaultKind("1", 0.6, "share of the time down that is missing", way=TEMPO, stage="back"),
}  # fmt: skip


class Chair(Equipment):
    """A seat that the athlete rises from."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    def furniture(self) -> Mesh:
        return self._mesh


def _sitting(moments: Moments) -> NDArray[np.bool_]:
    """(N,) the seat carries."""
    return np.asarray(moments.progress <= 0.9 * OFF)


def technique(athlete: Athlete) -> Technique:
    """Arms crossed before the chest; the trunk comes forward, then knees and hips straighten together."""
    scale = athlete.scale
    plain = Technique(
        rig=Rig(),
        controls={
            "pelvis_z": Course({0.0: 0.50 * scale, OFF: 0.50 * scale, 1.0: 0.93 * scale}),
            "pelvis_x": Course({0.0: -0.30 * scale, OFF: -0.30 * scale, 1.0: 0.0}),
            "pelvis_pitch": Course({0.0: 0.0, OFF: deg(30.0), 0.4: deg(38.0), 1.0: 0.0}),
            "foot_out": 0.14 * scale,
            "toe_out": deg(10.0),
            "knee_in": deg(-1.0),
            "shoulder_flexion": deg(55.0),
            "shoulder_abduction": deg(8.0),
            "shoulder_rotation": deg(-62.0),
            "elbow_flexion": deg(112.0),
            "neck_flexion": Course({0.0: 0.0, OFF: deg(-14.0), 0.4: deg(-18.0), 1.0: 0.0}),
        },
        goals={
            "knee_flexion": KNEE,
            "knee_flexion_asymmetry": 0.0,
            "hip_shift": 0.0,
            "trunk_lateral_lean": 0.0,
            "shank_tilt": SHANK,
            "trunk_lean": TRUNK,
        },
        by=("pelvis_x", "pelvis_y", "pelvis_z", "pelvis_pitch", "pelvis_roll", "spine_lateral"),
        sway={name: size for name, size in STANDING_SWAY.items() if name in ("trunk_lean", "neck_axial")},
        contacts=(*FEET, Contact("hip_l", "bench", _sitting), Contact("hip_r", "bench", _sitting)),
    )
    controls, _ = postures(athlete, plain, {}, _FINE)
    for name in ("pelvis_x", "pelvis_z", "pelvis_pitch"):
        plain.controls[name] = course_of(controls[name], _FINE)
    start = Skeleton(athlete).figure({k: v[:1] for k, v in controls.items()}, plain.rig)
    hips = start.mid_hip[0]
    top = seat_under(surface(athlete, start), hips)
    plain.equipment = Chair(seat(float(hips[0]) - 0.04 * scale, top, 0.42, 0.44))
    return plain


SIT_TO_STAND = Exercise(
    "sit_to_stand", "Sit to stand", SIT_TO_STAND_FAULTS, Tempo(1.6, 0.4, 1.8, 0.7), technique,
    dict(CONCENTRIC_FIRST), posture="seated",
)  # fmt: skip
