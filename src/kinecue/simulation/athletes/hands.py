"""Hands: how fingers close, and where a bar or the floor is in a hand."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.rotations import about, across, cross, frame, unit

FloatArray = NDArray[np.float64]

_FINGERS = ("index", "middle", "ring", "pinky")
_FIST = (math.radians(62.0), math.radians(72.0), math.radians(40.0))
"""Flexion of the three joints of a finger around a bar of 3 cm."""
_FLAT_FINGER = math.radians(-12.0)
"""Of each joint of a finger, from the relaxed hand to the flat one."""
_FLAT_THUMB = math.radians(-40.0)
"""Of the thumb about the hand's length, the same way."""
GRIP_DEPTH = 0.022
"""From the line of the knuckles to the middle of a bar in the fist, at the stock body's size, m."""
PALM_DEPTH = 0.016
"""From the bones of the palm to the skin, at the stock body's size, m."""


def _knuckle_axis(athlete: Athlete, side: str) -> FloatArray:
    axes = []
    for finger in _FINGERS:
        a, b, c = (athlete.head(f"{finger}_0{i}_{side}") for i in (1, 2, 3))
        axes.append(unit(cross(b - a, c - b)))
    return unit(np.mean(axes, axis=0))


def fist(athlete: Athlete, side: str, hand: FloatArray, closed: float) -> dict[str, FloatArray]:
    """Rotations of the finger bones.

    Args:
        athlete: whose hand.
        side: ``l`` or ``r``.
        hand: (3, 3) rotation of the hand.
        closed: 0 open as in the rest pose, 1 around a bar, -1 flat on the floor.
    """
    axis = _knuckle_axis(athlete, side)
    rotations: dict[str, FloatArray] = {}
    if closed < 0.0:
        return _flat(athlete, side, hand, -closed, axis)
    angle = 0.0
    for i, share in enumerate(_FIST, start=1):
        angle += closed * share
        turned = hand @ about(axis, angle)
        for finger in _FINGERS:
            rotations[f"{finger}_0{i}_{side}"] = turned
    for i, share in ((2, 0.5), (3, 0.9)):
        rotations[f"thumb_0{i}_{side}"] = hand @ about(axis, closed * share)
    return rotations


def _flat(
    athlete: Athlete, side: str, hand: FloatArray, share: float, axis: FloatArray
) -> dict[str, FloatArray]:
    """Fingers stretched, the thumb in the plane of the palm."""
    rotations = {
        f"{finger}_0{i}_{side}": hand @ about(axis, share * i * _FLAT_FINGER)
        for finger in _FINGERS
        for i in (1, 2, 3)
    }
    knuckles: FloatArray = np.mean([athlete.head(f"{f}_01_{side}") for f in _FINGERS], axis=0)
    along = unit(knuckles - athlete.head(f"hand_{side}"))
    turn = about(along, _FLAT_THUMB * share * (1.0 if side == "l" else -1.0))
    for i in (1, 2, 3):
        rotations[f"thumb_0{i}_{side}"] = hand @ turn
    return rotations


def _palm(athlete: Athlete, side: str) -> tuple[FloatArray, FloatArray]:
    """Middle of the knuckles and direction out of the palm, rest pose."""
    knuckles: FloatArray = np.mean([athlete.head(f"{f}_01_{side}") for f in _FINGERS], axis=0)
    fingers = np.mean([athlete.head(f"{f}_03_{side}") for f in _FINGERS], axis=0)
    a, b, c = (athlete.head(f"middle_0{i}_{side}") for i in (1, 2, 3))
    return knuckles, across(cross(cross(b - a, c - b), b - a), unit(fingers - knuckles))


def grip_centre(athlete: Athlete, side: str) -> FloatArray:
    """(3,) rest position of the middle of a bar held in the fist, carried by the hand, m."""
    knuckles, palm = _palm(athlete, side)
    centre: FloatArray = knuckles + palm * GRIP_DEPTH * athlete.scale
    return centre


def palm_centre(athlete: Athlete, side: str) -> FloatArray:
    """(3,) rest position of the middle of the palm's skin, carried by the hand, m."""
    knuckles, palm = _palm(athlete, side)
    middle: FloatArray = (
        0.6 * knuckles + 0.4 * athlete.head(f"hand_{side}") + palm * PALM_DEPTH * athlete.scale
    )
    return middle


def grip_frame(athlete: Athlete, side: str) -> FloatArray:
    """(3, 3) columns in the rest pose: from little finger to index along the knuckles, along the hand."""
    knuckles = athlete.head(f"index_01_{side}") - athlete.head(f"pinky_01_{side}")
    along = np.mean([athlete.head(f"{f}_01_{side}") for f in _FINGERS], axis=0) - athlete.head(f"hand_{side}")
    return frame(knuckles, along)
