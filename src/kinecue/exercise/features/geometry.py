"""What the definitions of features share.

Only arithmetic and `numpy.sqrt`, `abs` and `arctan2` are used on poses, so that `kinecue.exercise.tracing` can follow
them; where a choice is needed it is written as arithmetic.
"""

from __future__ import annotations

import numpy as np

from kinecue.body.errors import KineCueError
from kinecue.exercise.pose import FloatArray, Pose

SIDES = np.array([1.0, -1.0])
"""Left, right: what is towards the midline is to the other hand."""


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """(...,) of (..., 3)."""
    result: FloatArray = (a * b).sum(-1)
    return result


def length(v: FloatArray) -> FloatArray:
    """(...,) of (..., n)."""
    result: FloatArray = np.sqrt((v * v).sum(-1))
    return result


def unit(v: FloatArray) -> FloatArray:
    """(..., n) of length 1."""
    result: FloatArray = v / np.sqrt((v * v).sum(-1))[..., None]
    return result


def horizontal(v: FloatArray) -> FloatArray:
    """(..., 2) unit vector of what is horizontal in (..., 3)."""
    return unit(v[..., :2])


def across(v: FloatArray, line: FloatArray) -> FloatArray:
    """The part of `v` at right angles to the unit vector `line`."""
    result: FloatArray = v - dot(v, line)[..., None] * line
    return result


def asymmetry(both: FloatArray) -> FloatArray:
    """(B,) left minus right of (B, 2)."""
    result: FloatArray = both[:, 0] - both[:, 1]
    return result


def ahead_of(pose: Pose, point: FloatArray, origin: FloatArray) -> FloatArray:
    """(B,) how far `point` is ahead of `origin` horizontally, where the pelvis faces, m."""
    return dot(point - origin, pose.axes[1])


def slope(line: FloatArray) -> FloatArray:
    """(...,) angle of a vector over the horizontal, rad."""
    result: FloatArray = np.arctan2(line[..., 2], length(line[..., :2]))
    return result


def start_of(pose: Pose) -> Pose:
    """The start position.

    Raises:
        KineCueError: it is not known; callers ask for relative features only when it is.
    """
    if pose.start is None:
        raise KineCueError("a feature relative to the start position was evaluated without one")
    return pose.start
