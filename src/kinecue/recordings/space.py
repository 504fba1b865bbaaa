"""Points of any system in space to the base frame: units, which way is up, left and right, where the floor is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import ANKLE_HEIGHT
from kinecue.body.body import FloatArray
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L

_AXES = {
    "x": [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
    "y": [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
    "z": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "-x": [[0, 1, 0], [0, 0, -1], [-1, 0, 0]],
    "-y": [[0, 0, 1], [-1, 0, 0], [0, -1, 0]],
    "-z": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
}
"""Rows: x, y, z of the base frame in a file's axes, by the axis that points up; all keep left and right.

A camera that looks along its z sees x ahead then, as the base frame wants it (y up: Kinect, y down: optical axes).
"""
_LIKELY = {
    "camera": {"-y": 0.6, "y": 0.1},
    "sensor": {"y": 0.5, "-y": 0.2},
    "room": {"y": 0.3, "z": 0.3},
    "unknown": {"y": 0.3, "z": 0.3, "-y": 0.2},
}
"""How much an axis is favoured before the body is looked at, against 1 for a body that stands along it."""
_FLOOR_BAND = (-0.25, 0.25)
_LEG = (0.55, 1.15)
"""Thigh and shank of an adult, m (stature 1.35 to 2.2 m: 0.491 H)."""
_LEAN = math.radians(1.7)
"""Shoulders of somebody who stands are 4 cm ahead of the ankles, as the centre of mass is (Winter 1995)."""
_STRAIGHT = math.radians(20.0)
_LARGEST_TILT = math.radians(25.0)
_PARALLEL = 0.35
"""Sine of the knee's bend from which on the way it bends says where ahead is."""
_STILL_SHARE = 0.05
_TOES_SHARE = 0.25
_CENTRED_M = 0.03


@dataclass(frozen=True)
class Placed:
    """Points in the base frame.

    Attributes:
        positions: (T, 33, 3) m.
        up: the axis of the file that points up.
        notes: what was found and assumed.
    """

    positions: FloatArray
    up: str
    notes: tuple[str, ...]


def leg_length(points: FloatArray) -> float:
    """Thigh and shank, median over time and both sides, in the units of `points` (T, 33, 2 or 3); NaN unknown."""
    lengths = []
    for side in ("left", "right"):
        hip, knee, ankle = (
            points[:, BLAZEPOSE_33.index(L(f"{side}_{joint}"))] for joint in ("hip", "knee", "ankle")
        )
        lengths.append(np.linalg.norm(hip - knee, axis=-1) + np.linalg.norm(knee - ankle, axis=-1))
    known = np.concatenate(lengths)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else math.nan


def unit_of(points: FloatArray) -> str | None:
    """Unit of (T, 33, 3) points in space by the length of the legs: m, cm, mm, or None where none gives an adult's."""
    leg = leg_length(points)
    for unit, metres in (("m", 1.0), ("cm", 0.01), ("mm", 0.001)):
        if _LEG[0] <= leg * metres <= _LEG[1]:
            return unit
    return None


def place(points: FloatArray, up: str, kind: str) -> Placed:
    """(T, 33, 3) points, m, in any axes, turned, mirrored and moved into the base frame.

    Args:
        points: NaN where there is nothing.
        up: ``auto`` or the axis of the file that points up.
        kind: of the file, see `RawTrack`.
    """
    notes: list[str] = []
    if up == "auto":
        up = _up_axis(points, kind)
        if up != {"camera": "-y", "sensor": "y"}.get(kind):
            notes.append(f"{up} points up (found from the body)")
    placed = points @ np.array(_AXES[up], float).T
    if _mirrored(placed):
        placed[..., 1] *= -1.0
        notes.append("the file's axes are left-handed: mirrored")
    if kind in ("camera", "sensor"):
        turn, note = _levelling(placed)
        placed = placed @ turn.T
        if note:
            notes.append(note)
    if _hip_centred(placed):
        placed = _on_their_feet(placed)
        notes.append("positions are about the hips: heights and steps are taken from the lower foot")
    return Placed(placed - [0.0, 0.0, _floor(placed)], up, tuple(notes))


def _row(points: FloatArray, mark: L) -> FloatArray:
    row: FloatArray = points[:, BLAZEPOSE_33.index(mark)]
    return row


def _middle(points: FloatArray, joint: str) -> FloatArray:
    result: FloatArray = 0.5 * (_row(points, L(f"left_{joint}")) + _row(points, L(f"right_{joint}")))
    return result


def _up_axis(points: FloatArray, kind: str) -> str:
    """The axis along which the body stands and on which its lowest point stays: the feet rest on the floor."""
    trunk = _middle(points, "shoulder") - _middle(points, "hip")
    legs = _middle(points, "hip") - _middle(points, "ankle")
    with np.errstate(invalid="ignore", divide="ignore"):
        directions = [v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (trunk, legs)]
    votes = [np.nanmean(v, 0) if np.isfinite(v).any() else np.zeros(3) for v in directions]
    mean = 0.5 * (np.nan_to_num(votes[0]) + np.nan_to_num(votes[1]))
    best, most = "y", -math.inf
    for axis, rows in _AXES.items():
        upright = float(np.array(rows[2]) @ mean)
        score = max(upright, 0.0) + _LIKELY[kind].get(axis, 0.0)
        if kind == "room":
            # the floor of a laboratory is the zero of its axes
            height = points @ np.array(rows[2], float)
            lowest = np.nanpercentile(height, 1) if np.isfinite(height).any() else math.nan
            score += 0.6 * (_FLOOR_BAND[0] < lowest < _FLOOR_BAND[1])
        if score > most + 1e-9:
            best, most = axis, score
    return best


def _forward(points: FloatArray) -> FloatArray:
    left = _row(points, L.LEFT_HIP) - _row(points, L.RIGHT_HIP)
    # left x up
    ahead = np.stack([left[:, 1], -left[:, 0], np.zeros(len(left))], -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: FloatArray = ahead / np.linalg.norm(ahead, axis=-1, keepdims=True)
    return result


def _mirrored(points: FloatArray) -> bool:
    """Toes point backwards, or knees bend backwards: what is called left is on the right."""
    ahead = _forward(points)
    votes = []
    for side in ("left", "right"):
        knee, ankle = _row(points, L(f"{side}_knee")), _row(points, L(f"{side}_ankle"))
        hip, toe = _row(points, L(f"{side}_hip")), _row(points, L(f"{side}_foot_index"))
        foot = ((toe - ankle) * ahead).sum(-1)
        if np.isfinite(foot).mean() > _TOES_SHARE:
            votes.append(np.nanmedian(foot) / 0.1)
        with np.errstate(invalid="ignore", divide="ignore"):
            line = (ankle - hip) / np.linalg.norm(ankle - hip, axis=-1, keepdims=True)
            across = (knee - hip) - ((knee - hip) * line).sum(-1, keepdims=True) * line
            leg = np.linalg.norm(knee - hip, axis=-1)
            bent = np.linalg.norm(across, axis=-1) > _PARALLEL * leg
            # of somebody who stands on bent legs
            bent &= np.abs(line[:, 2]) > 0.7
            if bent.any():
                votes.append(float(np.median((across * ahead).sum(-1)[bent] / leg[bent])))
    return bool(votes) and float(np.sum(votes)) < -0.3


def _levelling(points: FloatArray) -> tuple[FloatArray, str]:
    """(3, 3) turn that makes somebody who stands straight upright: a camera that looks down tilts everything."""
    hip, shoulder, ankle = (_middle(points, joint) for joint in ("hip", "shoulder", "ankle"))
    with np.errstate(invalid="ignore", divide="ignore"):
        trunk, legs, whole = (
            v / np.linalg.norm(v, axis=-1, keepdims=True)
            for v in (shoulder - hip, hip - ankle, shoulder - ankle)
        )
        straight = (trunk * legs).sum(-1) > math.cos(_STRAIGHT)
        straight &= whole[:, 2] > math.cos(_LARGEST_TILT)
        if np.isfinite(leg := leg_length(points)):
            straight &= np.linalg.norm(hip - ankle, axis=-1) > 0.97 * leg
    if straight.mean() < _STILL_SHARE or straight.sum() < 3:
        return np.eye(3), "nobody stands straight: the vertical is the camera's own"
    up = np.median(whole[straight], 0)
    ahead = np.median(_forward(points)[straight], 0)
    up = up / np.linalg.norm(up) - math.tan(_LEAN) * np.nan_to_num(ahead)
    up /= np.linalg.norm(up)
    tilt = math.degrees(math.acos(min(float(up[2]), 1.0)))
    axis = np.cross(up, [0.0, 0.0, 1.0])
    sine = float(np.linalg.norm(axis))
    if sine < 1e-6:
        return np.eye(3), ""
    a, b, c = axis / sine
    skew = np.array([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    turn: FloatArray = np.eye(3) + sine * skew + (1.0 - float(up[2])) * skew @ skew
    return turn, f"tilted by {tilt:.0f} degrees, so that who stands straight is upright"


def _hip_centred(points: FloatArray) -> bool:
    distance = np.linalg.norm(_middle(points, "hip"), axis=-1)
    known = distance[np.isfinite(distance)]
    return bool(len(known)) and float(np.percentile(known, 95)) < _CENTRED_M


def _clearances() -> tuple[list[int], FloatArray]:
    marks = {"ankle": ANKLE_HEIGHT, "heel": 0.03, "foot_index": 0.03, "wrist": 0.05, "knee": 0.06}
    rows = [BLAZEPOSE_33.index(L(f"{side}_{joint}")) for joint in marks for side in ("left", "right")]
    return rows, np.array([height for height in marks.values() for _ in range(2)])


def _lowest(points: FloatArray) -> NDArray[np.float64]:
    """(T,) height of whatever rests on the floor, less how far its landmark is over it."""
    rows, clearance = _clearances()
    heights = points[:, rows, 2] - clearance
    heights = np.where(np.isfinite(heights), heights, np.inf)
    return np.asarray(heights.min(1))


def _on_their_feet(points: FloatArray) -> FloatArray:
    low = _lowest(points)
    base = _middle(points, "ankle") * [1.0, 1.0, 0.0]
    base[:, 2] = np.where(np.isfinite(low), low, 0.0)
    moved: FloatArray = points - np.where(np.isfinite(base), base, 0.0)[:, None]
    return moved


def _floor(points: FloatArray) -> float:
    low = _lowest(points)
    low = low[np.isfinite(low)]
    return float(np.percentile(low, 5)) if len(low) else 0.0
