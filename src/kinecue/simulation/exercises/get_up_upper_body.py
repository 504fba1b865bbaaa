"""Arms and head in the Turkish get-up; the left hand carries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body import angles
from kinecue.body.landmarks import Landmark
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.hands import grip_centre, grip_frame, palm_centre
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.movement.blend import blend, pin_arm
from kinecue.simulation.movement.figure import Figure, Rig
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.rotations import UP, about, apply, cross, dot, frame, unit

FloatArray = NDArray[np.float64]

_KNUCKLES = unit(np.array([-0.50, -0.85, 0.0]))
"""From little finger to thumb of the hand that carries, in space: the palm looks ahead and a little inwards."""
_PRONATION = deg(20.0)
_LOCKED = deg(4.0)
"""Elbow flexion of the arm that carries."""
_EXTENSION = deg(6.0)
"""Of the wrist under the bell."""
_DRIFT = unit(np.array([0.6, 0.8, 0.0]))
"""Where an arm that is not vertical goes."""
_HANGING = {
    "shoulder_flexion": deg(2.0), "shoulder_abduction": deg(16.0), "elbow_flexion": deg(16.0),
    "shoulder_rotation": deg(-4.0), "supination": deg(12.0),
}  # fmt: skip
"""Of the free arm in half-kneeling and standing."""


def carried(
    athlete: Athlete,
    figure: Figure,
    bent: FloatArray | None = None,
    wrist: FloatArray | None = None,
    tilt: FloatArray | None = None,
) -> Figure:
    """The body with the bell over its left shoulder.

    Args:
        athlete: whose body.
        figure: N moments.
        bent: (N,) elbow flexion over a locked arm's, rad.
        wrist: (N,) extension over the usual one, rad.
        tilt: (N,) of the line from shoulder to grip, rad.
    """
    count = len(figure)
    zero = np.zeros(count)
    flexion = _LOCKED + (zero if bent is None else bent)
    head = athlete.head
    shoulder_rest, elbow_rest, wrist_rest = (head(f"{bone}_l") for bone in ("upperarm", "lowerarm", "hand"))
    grip, palm = grip_centre(athlete, "l") - wrist_rest, palm_centre(athlete, "l") - wrist_rest
    own = grip_frame(athlete, "l")
    # a turn about the knuckles takes the hand to the side of the palm, or away from it
    palmar = float(np.sign(palm @ own[:, 2]))
    extension = palmar * (_EXTENSION + (zero if wrist is None else wrist))
    neutral = apply(about(UP, -_PRONATION), _KNUCKLES)
    hinge = cross(UP, neutral)
    upper = np.broadcast_to(UP, (count, 3))
    bend = about(hinge, flexion)
    fore = apply(bend, upper)
    knuckles = apply(bend, np.broadcast_to(_KNUCKLES, (count, 3)))
    hand = frame(apply(about(knuckles, -extension), fore), knuckles) @ frame(palm, own[:, 0]).T
    reach = athlete.lengths.upper_arm * upper + athlete.lengths.forearm * fore
    # the whole arm turns so that the grip is over the shoulder
    line = unit(reach + apply(hand, grip))
    aim = apply(about(cross(UP, _DRIFT), zero if tilt is None else tilt), np.broadcast_to(UP, (count, 3)))
    turn = shortest(line, aim)
    upper, hand = apply(turn, upper), turn @ hand
    hinge = apply(turn, np.broadcast_to(hinge, (count, 3)))
    rest_hinge = unit(cross(elbow_rest - shoulder_rest, wrist_rest - elbow_rest))
    rotations = dict(figure.rotations)
    rotations["upperarm_l"] = frame(upper, hinge) @ frame(elbow_rest - shoulder_rest, rest_hinge).T
    wrist_at = figure.points["shoulder_l"] + apply(turn, reach)
    return pin_arm(athlete, replace(figure, rotations=rotations), "l", wrist_at, hand)


def shortest(start: FloatArray, end: FloatArray) -> FloatArray:
    """(N, 3, 3) the smallest rotation that takes unit vectors to others, not opposite ones."""
    axis = cross(start, end)
    sine = np.sqrt(dot(axis, axis))
    safe = np.where(sine > 1e-12, axis / np.maximum(sine, 1e-12), np.array([1.0, 0.0, 0.0]))
    return about(safe, np.arctan2(sine[..., 0], dot(start, end)[..., 0]))


def with_free_arm(athlete: Athlete, figure: Figure, share: FloatArray) -> Figure:
    """The body whose right arm goes over from the floor to hanging.

    Args:
        athlete: whose body.
        figure: N moments, the right hand on the floor, or reaching for where it was.
        share: (N,) 0 on the floor, 1 hanging.
    """
    rows = np.where(share > 0.0)[0]
    if not len(rows):
        return figure
    skeleton = Skeleton(athlete)
    # the arm against the thorax is the same in any posture of the trunk
    hanging = skeleton.figure(
        {name: np.array([v]) for name, v in _HANGING.items()}, Rig(legs=("free", "free"))
    )
    rotations = dict(figure.rotations)
    thorax, still = figure.rotations["spine_03"], hanging.rotations["spine_03"]
    for bone in ("clavicle_r", "upperarm_r", "lowerarm_r", "hand_r"):
        rotations[bone] = thorax @ (np.swapaxes(still, -1, -2) @ hanging.rotations[bone])
    grip = np.array(figure.grip)
    grip[:, 1] = 0.25
    return blend(athlete, figure, replace(figure, rotations=rotations, grip=grip), share)


def gazing(athlete: Athlete, figure: Figure, share: FloatArray, off: FloatArray | None = None) -> Figure:
    """The body whose head turns towards the left hand.

    Args:
        athlete: whose body.
        figure: N moments.
        share: (N,) of the way from looking straight ahead to looking at the hand.
        off: (N,) instead: angle between face and hand that is to be, rad.
    """
    landmarks = {name: point for name, (_, point) in athlete.rest_landmarks.items()}
    ears_rest = (landmarks[Landmark.LEFT_EAR] + landmarks[Landmark.RIGHT_EAR]) / 2.0 - athlete.head("head")
    head_rest = athlete.head("head") - athlete.head("neck_01")
    thorax, neck = figure.rotations["spine_03"], figure.points["neck"]
    face = thorax[..., :, 0]
    hand = figure.points["grip_l"]

    def turned(axis: FloatArray, angle: FloatArray) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
        half, whole = about(axis, 0.5 * angle) @ thorax, about(axis, angle) @ thorax
        head = neck + apply(half, head_rest)
        return {"neck_01": half, "head": whole}, {"head": head, "ears": head + apply(whole, ears_rest)}

    aim = unit(hand - neck - apply(thorax, head_rest + ears_rest))
    axis = unit(cross(face, aim))
    angle = share * angles.flexion(np.zeros_like(face), face, face + aim)
    rotations, points = turned(axis, angle)
    if off is not None:
        # the ears move with the head: a few corrections
        for _ in range(12):
            now = unit(hand - points["ears"])
            front = rotations["head"][..., :, 0]
            seen = np.arctan2(np.sqrt(dot(cross(front, now), cross(front, now)))[:, 0], dot(front, now)[:, 0])
            angle = angle + (seen - off)
            rotations, points = turned(axis, angle)
    return replace(figure, rotations={**figure.rotations, **rotations}, points={**figure.points, **points})
