"""Rotations (..., 3, 3) and the two-bone inverse kinematics of limbs; radians, vectors (..., 3), any batch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

FORWARD = np.array([1.0, 0.0, 0.0])
LEFT = np.array([0.0, 1.0, 0.0])
UP = np.array([0.0, 0.0, 1.0])


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """(..., 1) scalar products."""
    result: FloatArray = (a * b).sum(-1, keepdims=True)
    return result


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross products; several times faster than numpy's on small batches."""
    a0, a1, a2 = a[..., 0], a[..., 1], a[..., 2]
    b0, b1, b2 = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], -1)


def unit(v: FloatArray) -> FloatArray:
    """`v` scaled to length 1; it must not be zero."""
    result: FloatArray = v / np.sqrt(dot(v, v))
    return result


def apply(rotation: FloatArray, v: FloatArray) -> FloatArray:
    """Rotated vectors."""
    result: FloatArray = (rotation @ v[..., None])[..., 0]
    return result


def about(axis: FloatArray, angle: ArrayLike) -> FloatArray:
    """Rotation about a unit axis by the right-hand rule (Rodrigues)."""
    a = np.asarray(angle, dtype=np.float64)
    s, c = np.sin(a), np.cos(a)
    x, y, z = axis[..., 0], axis[..., 1], axis[..., 2]
    d = 1.0 - c
    entries = [
        c + x * x * d, x * y * d - z * s, x * z * d + y * s,
        y * x * d + z * s, c + y * y * d, y * z * d - x * s,
        z * x * d - y * s, z * y * d + x * s, c + z * z * d,
    ]  # fmt: skip
    flat = np.stack(np.broadcast_arrays(*entries), -1)
    matrix: FloatArray = flat.reshape(*flat.shape[:-1], 3, 3)
    return matrix


def pitch(angle: ArrayLike) -> FloatArray:
    """Leaning forward: rotation about the body's left axis."""
    return about(LEFT, angle)


def yaw(angle: ArrayLike) -> FloatArray:
    """Turning to the left: rotation about the vertical."""
    return about(UP, angle)


def roll(angle: ArrayLike) -> FloatArray:
    """Leaning to the right: rotation about the forward axis."""
    return about(FORWARD, angle)


def across(v: FloatArray, axis: FloatArray) -> FloatArray:
    """Unit vector along the part of `v` that is perpendicular to the unit vector `axis`."""
    return unit(v - dot(v, axis) * axis)


def frame(along: FloatArray, towards: FloatArray) -> FloatArray:
    """Orthonormal columns: `along`, the part of `towards` across it, and their cross product."""
    a = unit(along)
    b = across(towards, a)
    return np.stack(np.broadcast_arrays(a, b, cross(a, b)), -1)


def slerp(start: FloatArray, end: FloatArray, share: ArrayLike) -> FloatArray:
    """The rotation `share` of the shorter way from `start` to `end`; at half a turn any of the ways."""
    between = np.swapaxes(start, -1, -2) @ end
    axis = np.stack(
        [
            between[..., 2, 1] - between[..., 1, 2],
            between[..., 0, 2] - between[..., 2, 0],
            between[..., 1, 0] - between[..., 0, 1],
        ],
        -1,
    )
    sine = np.sqrt(dot(axis, axis))
    cosine = (np.trace(between, axis1=-2, axis2=-1) - 1.0) / 2.0
    angle = np.arctan2(sine[..., 0] / 2.0, cosine)
    # near half a turn the antisymmetric part vanishes; the symmetric part still holds the axis
    symmetric = (between + np.swapaxes(between, -1, -2)) / 2.0 - cosine[..., None, None] * np.eye(3)
    column = np.argmax(np.diagonal(symmetric, axis1=-2, axis2=-1), -1)
    far = np.take_along_axis(symmetric, column[..., None, None], -1)[..., 0]
    far_length = np.sqrt(dot(far, far))
    plain = np.where(sine > 1e-300, axis / np.where(sine > 1e-300, sine, 1.0), FORWARD)
    sign = np.where(dot(far, plain) < 0.0, -1.0, 1.0)
    turned = sign * far / np.maximum(far_length, 1e-12)
    use_far = (angle > 3.0)[..., None]
    result: FloatArray = start @ about(np.where(use_far, turned, plain), np.asarray(share) * angle)
    return result


def reach(upper: float, lower: float, flexion: float) -> float:
    """Distance between the ends of a limb of two segments with the joint between them flexed by `flexion`."""
    return math.sqrt(upper**2 + lower**2 + 2.0 * upper * lower * math.cos(flexion))


def middle_joint(
    start: FloatArray, end: FloatArray, upper: float, lower: float, pole: FloatArray
) -> FloatArray:
    """Where knee or elbow lies when both ends of the limb are given.

    A limb that is too short points at `end` and is straight; one that is too long folds as far as it can.

    Args:
        start, end: hip and ankle, or shoulder and wrist; not the same point.
        upper, lower: segment lengths, m.
        pole: direction in which the joint points away from the line start-end; not along it.
    """
    line = end - start
    distance = np.sqrt(dot(line, line))
    direction = line / np.maximum(distance, 1e-9)
    held = np.clip(distance, abs(upper - lower), upper + lower)
    along = (upper**2 - lower**2 + held**2) / (2.0 * np.maximum(held, 1e-9))
    aside = np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    result: FloatArray = start + direction * along + across(pole, direction) * aside
    return result
