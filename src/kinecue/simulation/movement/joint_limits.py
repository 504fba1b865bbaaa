"""Anatomical joint angles of a figure, and how far human joints go.

Ranges are those of trained adults under load: the norms of the AAOS (Norkin and White, Measurement of Joint Motion)
widened where loaded joints go further than an examiner's hand takes them (ankle in a deep squat: Hemmerich 2006; wrist
under body weight: 90 to 95 degrees) and by two degrees of tolerance.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinecue.body import angles
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.hands import grip_frame
from kinecue.simulation.movement.figure import SIDES, Figure
from kinecue.simulation.rotations import FORWARD, UP, about, across, apply, cross, dot, unit

FloatArray = NDArray[np.float64]

_DEGREES: dict[str, tuple[float, float]] = {
    "hip_flexion": (-32.0, 135.0),
    "hip_abduction": (-32.0, 62.0),
    "hip_rotation": (-52.0, 62.0),
    "knee_flexion": (-2.0, 158.0),
    "ankle_dorsiflexion": (-62.0, 47.0),
    "ankle_inversion": (-32.0, 42.0),
    "spine_flexion": (-37.0, 77.0),
    "spine_lateral": (-42.0, 42.0),
    "spine_axial": (-52.0, 52.0),
    "neck_flexion": (-82.0, 62.0),
    "neck_lateral": (-47.0, 47.0),
    "neck_axial": (-87.0, 87.0),
    "shoulder_extension": (-182.0, 67.0),
    "shoulder_behind_head": (-182.0, 27.0),
    "elbow_flexion": (-2.0, 152.0),
    "supination": (-102.0, 102.0),
    "wrist_bend": (0.0, 97.0),
}
LIMITS = {name: (math.radians(low), math.radians(high)) for name, (low, high) in _DEGREES.items()}
"""Least and most of each angle, rad."""


def joint_angles(athlete: Athlete, figure: Figure) -> dict[str, FloatArray]:
    """Anatomical angles by the names of `LIMITS`, rad: (N,) of the whole body, (N, 2) left and right of limbs.

    ``hip_rotation`` is internal positive, ``supination`` 0 with the thumb up at a bent elbow, ``shoulder_extension``
    the upper arm behind the frontal plane while it hangs, ``shoulder_behind_head`` the same while it is raised,
    ``wrist_bend`` between forearm and hand in any direction.
    """
    result: dict[str, FloatArray] = {}
    pelvis, thorax = figure.rotations["pelvis"], figure.rotations["spine_03"]
    for name, lower, upper in (("spine", pelvis, thorax), ("neck", thorax, figure.rotations["head"])):
        relative = np.swapaxes(lower, -1, -2) @ upper
        result[f"{name}_flexion"] = np.arctan2(relative[:, 0, 2], relative[:, 2, 2])
        result[f"{name}_lateral"] = np.arcsin(np.clip(relative[:, 1, 2], -1.0, 1.0))
        result[f"{name}_axial"] = np.arctan2(relative[:, 1, 0], relative[:, 1, 1])
    sides: dict[str, list[FloatArray]] = {}
    for side, sign in SIDES:
        for part in (_leg(athlete, figure, side, sign), _arm(athlete, figure, side, sign)):
            for name, values in part.items():
                sides.setdefault(name, []).append(values)
    result.update({name: np.stack(both, 1) for name, both in sides.items()})
    return result


def _leg(athlete: Athlete, f: Figure, side: str, sign: float) -> dict[str, FloatArray]:
    p = {name: f.points[f"{name}_{side}"] for name in ("hip", "knee", "ankle")}
    pelvis = np.swapaxes(f.rotations["pelvis"], -1, -2)
    thigh = apply(pelvis, unit(p["knee"] - p["hip"]))
    rest = unit(athlete.head(f"calf_{side}") - athlete.head(f"thigh_{side}"))
    front = apply(pelvis, apply(f.rotations[f"thigh_{side}"], across(FORWARD, rest)))
    # the shortest way from hanging to here carries "forward" along; what is left is rotation about the thigh
    axis = cross(np.broadcast_to(-UP, thigh.shape), thigh)
    sine = np.sqrt(dot(axis, axis))
    angle = np.arctan2(sine[..., 0], -thigh[..., 2])
    plain = apply(about(np.where(sine > 1e-9, axis / np.maximum(sine, 1e-9), FORWARD), angle), FORWARD)
    twist = np.arctan2(dot(cross(plain, front), thigh)[..., 0], dot(plain, front)[..., 0])
    foot = f.rotations[f"foot_{side}"]
    heel_to_toe = unit((athlete.head(f"ball_{side}") - athlete.head(f"foot_{side}")) * [1.0, 1.0, 0.0])
    shank = unit(p["knee"] - p["ankle"])
    aside = apply(foot, cross(UP, heel_to_toe))
    return {
        "hip_flexion": np.arctan2(thigh[..., 0], -thigh[..., 2]),
        "hip_abduction": np.arcsin(np.clip(sign * thigh[..., 1], -1.0, 1.0)),
        # about the thigh, which points down: a turn to the body's left is negative
        "hip_rotation": sign * twist,
        "knee_flexion": angles.flexion(p["hip"], p["knee"], p["ankle"]),
        "ankle_dorsiflexion": np.arcsin(np.clip(dot(shank, apply(foot, heel_to_toe))[..., 0], -1.0, 1.0)),
        "ankle_inversion": np.arcsin(np.clip(sign * dot(shank, aside)[..., 0], -1.0, 1.0)),
    }


def _arm(athlete: Athlete, f: Figure, side: str, sign: float) -> dict[str, FloatArray]:
    p = {name: f.points[f"{name}_{side}"] for name in ("shoulder", "elbow", "wrist")}
    thorax = np.swapaxes(f.rotations["spine_03"], -1, -2)
    world_upper = unit(p["elbow"] - p["shoulder"])
    upper = apply(thorax, world_upper)
    back = np.arcsin(np.clip(-upper[..., 0], -1.0, 1.0))
    raised = upper[..., 2] > 0.0
    shoulder, elbow, wrist = (athlete.head(f"{b}_{side}") for b in ("upperarm", "lowerarm", "hand"))
    hinge = apply(f.rotations[f"upperarm_{side}"], unit(cross(elbow - shoulder, wrist - elbow)))
    fore = unit(p["wrist"] - p["elbow"])
    knuckles = apply(f.rotations[f"hand_{side}"], grip_frame(athlete, side)[:, 0])
    neutral = across(cross(hinge, fore), fore)
    thumb = across(knuckles, fore)
    turn = np.arctan2(dot(cross(neutral, thumb), fore)[..., 0], dot(neutral, thumb)[..., 0])
    along = apply(f.rotations[f"hand_{side}"], grip_frame(athlete, side)[:, 1])
    none = np.full(len(back), -math.pi / 2.0)
    return {
        "shoulder_extension": np.where(raised, none, back),
        "shoulder_behind_head": np.where(raised, back, none),
        "elbow_flexion": angles.flexion(p["shoulder"], p["elbow"], p["wrist"]),
        "supination": -sign * turn,
        "wrist_bend": np.arccos(np.clip(dot(fore, along)[..., 0], -1.0, 1.0)),
    }


def beyond_limits(athlete: Athlete, figure: Figure) -> dict[str, float]:
    """How far joints are beyond their limits at worst, rad; only those that are."""
    result: dict[str, float] = {}
    for name, values in joint_angles(athlete, figure).items():
        low, high = LIMITS[name]
        excess = float(max(low - values.min(), values.max() - high))
        if excess > 0.0:
            result[name] = excess
    return result
