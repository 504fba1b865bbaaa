"""Joint angles from joint centres, each defined once for scoring, simulation and display.

All take (..., 3) arrays in the base frame (z up), metres, and return radians. Flexion is positive, full extension 0.
Signs follow the ISB recommendations (Wu et al. 2002, 2005) reduced to what joint centres alone define. A point that is
NaN gives NaN; nothing raises on degenerate input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_UP = np.array([0.0, 0.0, 1.0])


def _unit(v: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        result: FloatArray = v / np.linalg.norm(v, axis=-1, keepdims=True)
    return result


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    result: FloatArray = (a * b).sum(-1)
    return result


def flexion(proximal: FloatArray, joint: FloatArray, distal: FloatArray) -> FloatArray:
    """Included-angle flexion of a hinge (knee, elbow): 0 straight, pi folded."""
    a, b = _unit(joint - proximal), _unit(distal - joint)
    # atan2 keeps its precision near 0 and pi, where arccos loses half the digits
    result: FloatArray = np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), _dot(a, b))
    return result


def body_axes(left_hip: FloatArray, right_hip: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Horizontal unit vectors (left, forward) of the pelvis."""
    left = left_hip - right_hip
    left = _unit(left - _dot(left, _UP)[..., None] * _UP)
    return left, np.cross(left, np.broadcast_to(_UP, left.shape))


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


def sagittal_flexion(trunk: FloatArray, limb: FloatArray, left: FloatArray) -> FloatArray:
    """Flexion of a limb against the trunk in the plane across `left` (hip, shoulder).

    Args:
        trunk: vector along the trunk, pointing up (mid-hip to mid-shoulder).
        limb: vector along the limb, proximal to distal (thigh, upper arm).
        left: the axis of rotation, pointing to the person's left.

    Returns:
        Angle from the downward trunk axis to the limb, forward positive, in (-pi, pi].
    """
    down = -(trunk - _dot(trunk, left)[..., None] * left)
    flat = limb - _dot(limb, left)[..., None] * left
    # rotation about +left by the right-hand rule takes "down" backwards, so flexion is minus it
    result: FloatArray = np.arctan2(-_dot(np.cross(down, flat), left), _dot(down, flat))
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
