"""Which landmarks of a body are behind its own flesh, or behind somebody else's, as a camera sees them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.body.volume.solids import BodySolids, PlacedSolids

FloatArray = NDArray[np.float64]

_GRAZE = 0.03
"""What hides a landmark of somebody else must be at least so thick on the line of sight, m."""
_WITHIN = 0.02
"""Standard deviation of the edge of a solid against that of a body, m."""


@dataclass(frozen=True)
class Occlusion:
    """What stands before landmarks, N of them.

    Attributes:
        excess: (N,) by how much the flesh on the line of sight is thicker than what the landmark can be seen through, m;
            above zero is hidden. NaN where the landmark has no position.
        probability: (N,) that the landmark is hidden; 0 where it has no position.
    """

    excess: FloatArray
    probability: FloatArray


def self_occlusion(
    solids: BodySolids, points: FloatArray, eye: FloatArray, std: FloatArray | float = 0.0
) -> Occlusion:
    """What of a body is hidden by the body itself.

    Args:
        solids: of the person.
        points: (33, 3) positions of all landmarks of `BLAZEPOSE_33`, m; what is not known is NaN. The twelve main joints
            (shoulders, elbows, wrists, hips, knees, ankles) are needed, the others are made up where they lack.
        eye: (3,) optical centre of the camera, same frame, m.
        std: (33,) or one number: standard deviation of the positions across the line of sight, m.
    """
    known = np.isfinite(points).all(1)
    whole = points if known.all() else completed(points)
    through = way_through(solids, solids.placed(whole), eye, whole)
    through -= solids.allowed
    excess = through.max(1)
    excess[~known] = np.nan
    return Occlusion(excess, _probability(excess, std))


def occlusion_by_other(
    solids: BodySolids,
    points: FloatArray,
    eye: FloatArray,
    targets: FloatArray,
    std: FloatArray | float = 0.0,
) -> Occlusion:
    """What of somebody is hidden by somebody else.

    Args:
        solids, points: of the other person, as for `self_occlusion`.
        eye: (3,) optical centre of the camera, m.
        targets: (N, 3) landmarks that may be hidden, m, same frame; NaN unknown.
        std: (N,) or one number: standard deviation of both positions across the line of sight, m.
    """
    whole = points if np.isfinite(points).all() else completed(points)
    known = np.isfinite(targets).all(1)
    place = solids.placed(whole)
    excess = way_through(solids, place, eye, np.where(known[:, None], targets, eye)).max(1) - _GRAZE
    excess[~known] = np.nan
    return Occlusion(excess, _probability(excess, std))


def _probability(excess: FloatArray, std: FloatArray | float) -> FloatArray:
    """(N,) logistic approximation of the normal distribution function."""
    spread = np.sqrt(np.square(std) + _WITHIN**2)
    steepness = math.pi / math.sqrt(3.0) / spread
    known = np.isfinite(excess)
    power = np.clip(-steepness * np.where(known, excess, 0.0), -40.0, 40.0)
    result: FloatArray = known / (1.0 + np.exp(power))
    return result


def way_through(solids: BodySolids, place: PlacedSolids, eye: FloatArray, points: FloatArray) -> FloatArray:
    """(N, S) length of the line from `eye` (3,) to each point (N, 3) inside each solid, m.

    Inside a solid a function of the way t along the line is below zero that is quadratic in t and, as the solid is
    convex, opens upwards; the ends cut the line at two more values of t.
    """
    ray = points - eye
    distance = np.sqrt(np.einsum("na,na->n", ray, ray))
    ray /= np.maximum(distance, 1e-9)[:, None]
    base = eye - place.origin
    count = len(place.length)
    to_base, to_axis, to_across = (
        (ray @ np.concatenate([base, place.axis, place.across]).T).reshape(-1, 3, count).transpose(1, 0, 2)
    )
    z0 = np.einsum("sa,sa->s", base, place.axis)
    u0 = np.einsum("sa,sa->s", base, place.across)
    slope = solids.radius2[:, 1] / place.length
    bend = 1.0 + solids.radius2[:, 2] / place.length**2
    flat = solids.flatness
    tilted, beside = bend * z0, flat * u0
    constant = np.einsum("sa,sa->s", base, base) - (tilted + slope) * z0 + beside * u0 - solids.radius2[:, 0]
    half = (tilted + 0.5 * slope) * to_axis
    half -= to_base
    half -= beside * to_across
    leading = 1.0 - bend * (to_axis * to_axis) + flat * (to_across * to_across)
    np.divide(1.0, np.maximum(leading, 1e-9, out=leading), out=leading)
    half *= leading
    root = half * half
    root -= leading * constant
    # a line that misses meets its solid in one point, at no length
    np.sqrt(np.maximum(root, 0.0, out=root), out=root)
    # where the line passes the planes that end the solid
    inverse = 1.0 / np.where(np.abs(to_axis) < 1e-9, 1e-9, to_axis)
    first = (solids.reach[:, 0] * place.length - z0) * inverse
    last = (solids.reach[:, 1] * place.length - z0) * inverse
    low = half - root
    np.maximum(low, np.minimum(first, last), out=low)
    np.maximum(low, 0.0, out=low)
    high = half + root
    np.minimum(high, np.maximum(first, last), out=high)
    np.minimum(high, distance[:, None], out=high)
    high -= low
    result: FloatArray = np.maximum(high, 0.0, out=high)
    return result


def _index(*names: str) -> NDArray[np.intp]:
    return np.array(BLAZEPOSE_33.indices(*(L(name) for name in names)))


_LEFT, _RIGHT = (
    _index(*(f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")))
    for side in ("left", "right")
)
_FINGERS = {"index": 0.36, "pinky": 0.33, "thumb": 0.25}
"""How far the base of a finger lies beyond the wrist, in lengths of the forearm."""
_FINGER_ROWS = np.stack([_index(*(f"{side}_{finger}" for finger in _FINGERS)) for side in ("left", "right")])
_FOOT_ROWS = np.stack([_index(f"{side}_heel", f"{side}_foot_index") for side in ("left", "right")])
_FOOT = np.array([(-0.12, 0.0, -0.14), (0.38, 0.0, -0.17)])
"""Heel and toe: ahead, to the left and above the ankle, in lengths of the shank."""
_HEAD = {
    "nose": (0.33, 0.0, 0.45),
    "left_ear": (0.09, 0.17, 0.51),
    "mouth_left": (0.29, 0.05, 0.38),
    "left_eye_inner": (0.28, 0.04, 0.54),
    "left_eye": (0.28, 0.07, 0.54),
    "left_eye_outer": (0.28, 0.10, 0.54),
}
"""Points of the head: ahead, to the left and above the middle of the shoulders, in lengths of the trunk."""
_HEAD_ROWS = _index(*_HEAD, *(L(name).mirrored.value for name in list(_HEAD)[1:]))
_HEAD_PLACES = np.array([*_HEAD.values(), *((x, -y, z) for x, y, z in list(_HEAD.values())[1:])])


def completed(points: FloatArray) -> FloatArray:
    """Positions with the unknown ones made up from the twelve main joints.

    Hands go on along the forearms, feet point ahead, the head sits on the trunk and looks where the chest does.

    Args:
        points: (33, 3) landmarks of `BLAZEPOSE_33`, m; NaN unknown. A main joint that is unknown makes what hangs on it
            unknown.
    """
    result = points.copy()
    sides = np.stack([points[_LEFT], points[_RIGHT]])
    forearm = sides[:, 2] - sides[:, 1]
    result[_FINGER_ROWS] = sides[:, 2, None] + np.array([*_FINGERS.values()])[:, None] * forearm[:, None]
    middle = sides.mean(0)
    across = sides[0] - sides[1]
    # up and left of both feet and of the head
    up = np.stack([*(sides[:, 4] - sides[:, 5]), middle[0] - middle[3]])
    size = np.sqrt(np.einsum("ia,ia->i", up, up))
    up /= np.maximum(size, 1e-9)[:, None]
    left = across[[3, 3, 0]]
    left = left - np.einsum("ia,ia->i", left, up)[:, None] * up
    left /= np.maximum(np.sqrt(np.einsum("ia,ia->i", left, left)), 1e-9)[:, None]
    ahead = left[:, [1, 2, 0]] * up[:, [2, 0, 1]] - left[:, [2, 0, 1]] * up[:, [1, 2, 0]]
    axes = np.stack([ahead, left, up], 1) * size[:, None, None]
    result[_FOOT_ROWS] = sides[:, 5, None] + _FOOT @ axes[:2]
    result[_HEAD_ROWS] = middle[0] + _HEAD_PLACES @ axes[2]
    known = np.isfinite(points).all(1)
    result[known] = points[known]
    return result
