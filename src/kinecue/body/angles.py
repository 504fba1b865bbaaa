"""Joint angles from joint centres, each defined once for scoring, simulation and display.

All take (..., 3) arrays in the base frame (z up), metres, and return radians. Flexion is positive, full extension 0.
Signs follow the ISB recommendations (Wu et al. 2002, 2005) reduced to what joint centres alone define. A point that is
NaN gives NaN; nothing raises on degenerate input. Only arithmetic and `sqrt`, `abs`, `arctan2` are used, which
`kinecue.exercise.tracing` can follow.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_UP = np.array([0.0, 0.0, 1.0])


def _unit(v: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        result: FloatArray = v / np.sqrt((v * v).sum(-1))[..., None]
    return result


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """(..., 3) vector product; the same numbers as `numpy.cross`, which takes 3 times as long on small arrays."""
    kind = a.dtype if a.dtype == b.dtype else np.result_type(a, b)
    result: FloatArray = np.empty(a.shape if a.shape == b.shape else np.broadcast(a, b).shape, kind)
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    result[..., 0] = ay * bz - az * by
    result[..., 1] = az * bx - ax * bz
    result[..., 2] = ax * by - ay * bx
    return result


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    result: FloatArray = (a * b).sum(-1)
    return result


def flexion(proximal: FloatArray, joint: FloatArray, distal: FloatArray) -> FloatArray:
    """Included-angle flexion of a hinge (knee, elbow): 0 straight, pi folded."""
    a, b = _unit(joint - proximal), _unit(distal - joint)
    # atan2 keeps its precision near 0 and pi, where arccos loses half the digits
    crossed = cross(a, b)
    result: FloatArray = np.arctan2(np.sqrt(_dot(crossed, crossed)), _dot(a, b))
    return result


def body_axes(left_hip: FloatArray, right_hip: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Horizontal unit vectors (left, forward) of the pelvis."""
    left = left_hip - right_hip
    left = _unit(left - _dot(left, _UP)[..., None] * _UP)
    return left, cross(left, _UP)


def trunk_lean(mid_hip: FloatArray, mid_shoulder: FloatArray, forward: FloatArray) -> FloatArray:
    """Sagittal inclination of the trunk from the vertical, forward positive."""
    trunk = mid_shoulder - mid_hip
    result: FloatArray = np.arctan2(_dot(trunk, forward), trunk[..., 2])
    return result


def trunk_lateral_lean(mid_hip: FloatArray, mid_shoulder: FloatArray, left: FloatArray) -> FloatArray:
    """Frontal inclination of the trunk from the vertical, towards the left positive."""
    trunk = mid_shoulder - mid_hip
    result: FloatArray = np.arctan2(_dot(trunk, left), trunk[..., 2])
    return result


def sagittal_flexion(
    trunk: FloatArray, limb: FloatArray, left: FloatArray, centre: float = 0.0
) -> FloatArray:
    """Flexion of a limb against the trunk in the plane across `left` (hip, shoulder).

    Args:
        trunk: vector along the trunk, pointing up (mid-hip to mid-shoulder).
        limb: vector along the limb, proximal to distal (thigh, upper arm).
        left: the axis of rotation, pointing to the person's left.
        centre: of the range of the result, rad: an arm that is raised beyond 180 degrees must not become -180.

    Returns:
        Angle from the downward trunk axis to the limb, forward positive, in (centre - pi, centre + pi].
    """
    down = -(trunk - _dot(trunk, left)[..., None] * left)
    flat = limb - _dot(limb, left)[..., None] * left
    # rotation about +left by the right-hand rule takes "down" backwards, so flexion is minus it
    return angle_about(-_dot(cross(down, flat), left), _dot(down, flat), centre)


def angle_about(y: FloatArray, x: FloatArray, centre: float) -> FloatArray:
    """`arctan2` of (y, x) in (centre - pi, centre + pi], rad."""
    if centre == 0.0:
        plain: FloatArray = np.arctan2(y, x)
        return plain
    c, s = math.cos(centre), math.sin(centre)
    result: FloatArray = np.arctan2(y * c - x * s, x * c + y * s) + centre
    return result


def knee_separation_ratio(
    left_knee: FloatArray,
    right_knee: FloatArray,
    left_ankle: FloatArray,
    right_ankle: FloatArray,
    left: FloatArray,
) -> FloatArray:
    """Knee over ankle separation along the body's left-right axis (Noyes et al. 2005); 1 = knees over the ankles.

    Under 1 the knees are closer together than the ankles (dynamic valgus).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        result: FloatArray = _dot(left_knee - right_knee, left) / _dot(left_ankle - right_ankle, left)
    return result


def sagittal_tilt(segment: FloatArray, forward: FloatArray) -> FloatArray:
    """Inclination of a vector that points up a segment from the vertical, sagittal, forward positive."""
    result: FloatArray = np.arctan2(_dot(segment, forward), segment[..., 2])
    return result


def adduction(hip: FloatArray, knee: FloatArray, left: FloatArray, side: FloatArray | float) -> FloatArray:
    """Thigh out of the plane across the line of the hips: 0 in it, positive towards the midline, in [-pi/2, pi/2].

    The adduction of the joint coordinate system (Grood and Suntay 1983) depends on nothing but the pelvis' left-right axis
    and the thigh's long axis, which joint centres know.

    Args:
        left: (..., 3) unit vector along the hips, pointing to the person's left; not levelled.
        side: 1 for a left thigh, -1 for a right one.
    """
    # the thigh's axis points up: a left knee that is nearer to the midline than its hip has its axis pointing left
    across = _dot(_unit(hip - knee), left)
    # arcsin loses half the digits near 90 degrees, where the cosine keeps them
    along = np.sqrt(np.abs(1.0 - across * across))
    result: FloatArray = np.arctan2(across, along) * side
    return result


def dorsiflexion(knee: FloatArray, ankle: FloatArray, heel: FloatArray, toe: FloatArray) -> FloatArray:
    """Foot (heel to toe) against shank: 0 at right angles, positive with the toes drawn up or the knee ahead of them.

    Between the long axes of both, whatever the foot's turn: the sagittal angle of a foot that points where its knee does.
    """
    shank, foot = _unit(knee - ankle), _unit(toe - heel)
    crossed = cross(shank, foot)
    result: FloatArray = np.arctan2(_dot(shank, foot), np.sqrt(_dot(crossed, crossed)))
    return result


def axial_rotation(lower: FloatArray, upper: FloatArray, axis: FloatArray) -> FloatArray:
    """Turn of a left-right line (shoulders) against a lower one (hips) about an axis that points up, positive to the left.

    In (-pi, pi]; NaN where a line runs along the axis.
    """
    axis = _unit(axis)
    a = _unit(lower - _dot(lower, axis)[..., None] * axis)
    b = _unit(upper - _dot(upper, axis)[..., None] * axis)
    result: FloatArray = np.arctan2(_dot(cross(a, b), axis), _dot(a, b))
    return result
