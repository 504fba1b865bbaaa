"""Rotations (3, 3) and the two-bone inverse kinematics of limbs; radians, vectors (3,)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

FORWARD = np.array([1.0, 0.0, 0.0])
LEFT = np.array([0.0, 1.0, 0.0])
UP = np.array([0.0, 0.0, 1.0])


def unit(v: FloatArray) -> FloatArray:
    """`v` scaled to length 1; it must not be zero."""
    result: FloatArray = v / np.linalg.norm(v)
    return result


def about(axis: FloatArray, angle: float) -> FloatArray:
    """Rotation about a unit axis by the right-hand rule (Rodrigues)."""
    x, y, z = axis
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    result: FloatArray = np.eye(3) + math.sin(angle) * k + (1.0 - math.cos(angle)) * (k @ k)
    return result


def pitch(angle: float) -> FloatArray:
    """Leaning forward: rotation about the body's left axis."""
    return about(LEFT, angle)


def yaw(angle: float) -> FloatArray:
    """Turning to the left: rotation about the vertical."""
    return about(UP, angle)


def roll(angle: float) -> FloatArray:
    """Leaning to the right: rotation about the forward axis."""
    return about(FORWARD, angle)


def across(v: FloatArray, axis: FloatArray) -> FloatArray:
    """Unit vector along the part of `v` that is perpendicular to the unit vector `axis`."""
    return unit(v - (v @ axis) * axis)


def frame(along: FloatArray, towards: FloatArray) -> FloatArray:
    """Orthonormal columns: `along`, the part of `towards` across it, and their cross product."""
    a = unit(along)
    b = across(towards, a)
    return np.stack([a, b, np.cross(a, b)], 1)


def reach(upper: float, lower: float, flexion: float) -> float:
    """Distance between the ends of a limb of two segments with the joint between them flexed by `flexion`."""
    return math.sqrt(upper**2 + lower**2 + 2.0 * upper * lower * math.cos(flexion))


def middle_joint(
    start: FloatArray, end: FloatArray, upper: float, lower: float, pole: FloatArray
) -> FloatArray:
    """Where knee or elbow lies when both ends of the limb are given.

    Args:
        start, end: hip and ankle, or shoulder and wrist.
        upper, lower: segment lengths, m.
        pole: direction in which the joint points away from the line start-end.

    Raises:
        ValueError: the ends are further apart than the limb is long.
    """
    line = end - start
    distance = float(np.linalg.norm(line))
    if distance > upper + lower + 1e-9:
        raise ValueError(
            f"the limb cannot reach: {distance:.4f} m with segments of {upper:.4f} and {lower:.4f} m"
        )
    direction = line / distance
    along = (upper**2 - lower**2 + distance**2) / (2.0 * distance)
    aside = math.sqrt(max(upper**2 - along**2, 0.0))
    result: FloatArray = start + direction * along + across(pole, direction) * aside
    return result
