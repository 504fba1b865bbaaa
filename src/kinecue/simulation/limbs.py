"""Turning joint positions and directions into bone rotations."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athlete import Athlete
from kinecue.simulation.rotations import FORWARD, about, across, frame, unit

FloatArray = NDArray[np.float64]

SIDES = (("l", 1.0), ("r", -1.0))
"""Suffix of the bones and sign of the body's left axis, by side."""
_FINGERS = ("index", "middle", "ring", "pinky")
_FIST = (math.radians(62.0), math.radians(72.0), math.radians(40.0))
"""Flexion of the three joints of a finger around a bar of 3 cm."""


def leg(
    athlete: Athlete, side: str, hip: FloatArray, knee: FloatArray, ankle: FloatArray
) -> dict[str, FloatArray]:
    """Rotations of thigh and shank that put hip, knee and ankle there.

    The knee is a hinge: its axis is across the plane of the leg. A nearly straight leg takes it from the
    knee's side of the line from hip to ankle, which must not vanish.
    """
    rest_hip, rest_knee, rest_ankle = (athlete.head(f"{b}_{side}") for b in ("thigh", "calf", "foot"))
    line = unit(hip - ankle)
    pole = across(knee - ankle, line)
    return {
        f"thigh_{side}": frame(hip - knee, pole) @ frame(rest_hip - rest_knee, FORWARD).T,
        f"calf_{side}": frame(knee - ankle, pole) @ frame(rest_knee - rest_ankle, FORWARD).T,
    }


def arm(
    athlete: Athlete, side: str, upper: FloatArray, hinge: FloatArray, flexion: float, supination: float
) -> dict[str, FloatArray]:
    """Rotations of upper arm, forearm and hand.

    Args:
        side: ``l`` or ``r``.
        upper: direction of the upper arm, shoulder to elbow.
        hinge: axis of the elbow; a positive turn about it bends the elbow.
        flexion: of the elbow, rad.
        supination: turn of the hand about the forearm from its rest position, rad; half of it is in the
            forearm.
    """
    shoulder, elbow, wrist = (athlete.head(f"{b}_{side}") for b in ("upperarm", "lowerarm", "hand"))
    rest_hinge = unit(np.cross(elbow - shoulder, wrist - elbow))
    u = unit(upper)
    h = across(hinge, u)
    f = about(h, flexion) @ u
    sign = -1.0 if side == "l" else 1.0
    forearm = frame(f, h) @ frame(wrist - elbow, rest_hinge).T
    return {
        f"upperarm_{side}": frame(u, h) @ frame(elbow - shoulder, rest_hinge).T,
        f"lowerarm_{side}": about(f, sign * 0.45 * supination) @ forearm,
        f"hand_{side}": about(f, sign * supination) @ forearm,
    }


def fist(athlete: Athlete, side: str, hand: FloatArray, closed: float) -> dict[str, FloatArray]:
    """Rotations of the finger bones.

    Args:
        hand: (3, 3) rotation of the hand.
        closed: 0 open as in the rest pose, 1 around a bar.
    """
    axes = []
    for finger in _FINGERS:
        a, b, c = (athlete.head(f"{finger}_0{i}_{side}") for i in (1, 2, 3))
        axes.append(unit(np.cross(b - a, c - b)))
    axis = unit(np.mean(axes, axis=0))
    rotations: dict[str, FloatArray] = {}
    for finger in _FINGERS:
        angle = 0.0
        for i, share in enumerate(_FIST, start=1):
            angle += closed * share
            rotations[f"{finger}_0{i}_{side}"] = hand @ about(axis, angle)
    for i, share in ((2, 0.5), (3, 0.9)):
        rotations[f"thumb_0{i}_{side}"] = hand @ about(axis, closed * share)
    return rotations


def grip_centre(athlete: Athlete, side: str) -> FloatArray:
    """(3,) rest position of the middle of a bar held in the fist, carried by the hand, m."""
    knuckles = np.mean([athlete.head(f"{f}_01_{side}") for f in _FINGERS], axis=0)
    fingers = np.mean([athlete.head(f"{f}_03_{side}") for f in _FINGERS], axis=0)
    a, b, c = (athlete.head(f"middle_0{i}_{side}") for i in (1, 2, 3))
    palm = across(np.cross(np.cross(b - a, c - b), b - a), unit(fingers - knuckles))
    centre: FloatArray = knuckles + palm * 0.022 * athlete.scale
    return centre
