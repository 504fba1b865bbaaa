"""Anatomical frames of body segments and the angles between them, as the ISB recommends (Wu et al. 2002, 2005).

A frame is a (..., 3, 3) rotation matrix whose columns are a segment's axes in whatever frame the points are given: x
forward, y up along the segment, z to the person's right, on both sides of the body. Angles between two neighbours follow
Grood and Suntay's joint coordinate system (1983): flexion about the proximal z, rotation about the distal y, adduction
about the axis across both. That is the Cardan sequence Z-X'-Y'', which keeps the sagittal angle free of the other two.

Nothing raises on degenerate input: a point that is NaN, or points from which an axis does not follow (two in the same
place, three in line), give NaN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinecue.body.angles import cross

FloatArray = NDArray[np.float64]

LEFT, RIGHT = -1.0, 1.0
"""Which side a joint is on: adduction and rotation change their sign, so that both legs have the same positive."""

_SHORTEST = 1e-9
"""Vectors under this have no direction, m (or m^2 for a product of two)."""
_GIMBAL = 1e-6
"""Cosine of adduction under which flexion and rotation turn about the same line."""


class JointAngles(NamedTuple):
    """Angles of a joint, each (...,), rad.

    Attributes:
        flexion: sagittal, in (-pi, pi]; positive forward (hip, ankle, trunk).
        adduction: frontal, in [-pi/2, pi/2]; positive towards the midline.
        rotation: axial, in (-pi, pi]; positive inward.
    """

    flexion: FloatArray
    adduction: FloatArray
    rotation: FloatArray


class Orientation(NamedTuple):
    """How a segment stands in the room, each (...,), rad, whichever way the person faces.

    Attributes:
        tilt: sagittal, forward positive (anterior tilt of a pelvis, forward lean of a trunk), in (-pi, pi].
        list: frontal, positive with the right side down, in [-pi/2, pi/2].
        heading: of the segment's forward axis about the vertical, positive to the left, in (-pi, pi].
    """

    tilt: FloatArray
    list: FloatArray
    heading: FloatArray


def pelvis_frame(
    left_asis: FloatArray, right_asis: FloatArray, left_psis: FloatArray, right_psis: FloatArray
) -> FloatArray:
    """Pelvis (Wu 2002, 3.2): z along the anterior spines, x in their plane with the posterior spines' middle."""
    front = 0.5 * (left_asis + right_asis)
    return frame_zx(right_asis - left_asis, front - 0.5 * (left_psis + right_psis))


def pelvis_frame_of_hips(left_hip: FloatArray, right_hip: FloatArray, up: FloatArray) -> FloatArray:
    """Pelvis where only the hip centres are known: z along them, y as near to `up` (trunk, vertical) as that allows.

    Tilt against `up` is by this definition 0: flexion is then the hip's against the trunk, not against the bone.
    """
    return frame_zy(right_hip - left_hip, up)


def thigh_frame(hip: FloatArray, left_epicondyle: FloatArray, right_epicondyle: FloatArray) -> FloatArray:
    """Thigh (Wu 2002, 3.3): y from the epicondyles' middle to the hip centre, z in the plane of the three.

    `left_epicondyle` is the one further to the person's left: the medial one of a right thigh.
    """
    return frame_yz(hip - 0.5 * (left_epicondyle + right_epicondyle), right_epicondyle - left_epicondyle)


def shank_frame(knee: FloatArray, left_malleolus: FloatArray, right_malleolus: FloatArray) -> FloatArray:
    """Shank: y from the malleoli's middle to the knee centre, z in the plane of the three.

    Wu 2002 (2.2) sets z along the malleoli; like most laboratories this keeps y on the line of the joint centres, on which
    knee flexion depends, and gives the malleoli the rotation.
    """
    return frame_yz(knee - 0.5 * (left_malleolus + right_malleolus), right_malleolus - left_malleolus)


def hinged_shank_frame(thigh: FloatArray, knee: FloatArray, ankle: FloatArray) -> FloatArray:
    """Shank where only joint centres are known: z is the thigh's, as if the knee were a hinge without rotation."""
    return frame_yz(knee - ankle, thigh[..., 2])


def hinged_thigh_frame(hip: FloatArray, knee: FloatArray, right: FloatArray) -> FloatArray:
    """Thigh where only joint centres are known: z as near to `right` (of the pelvis) as the bone allows."""
    return frame_yz(hip - knee, right)


def foot_frame(heel: FloatArray, toe: FloatArray, right: FloatArray) -> FloatArray:
    """Foot: x from heel to toe, z as near to `right` (across the foot) as that allows."""
    return frame_xz(toe - heel, right)


def thorax_frame(bottom: FloatArray, top: FloatArray, right: FloatArray) -> FloatArray:
    """Trunk: y from `bottom` (mid-hip, L5) to `top` (mid-shoulder, C7), z as near to `right` (shoulder line) as allowed.

    Wu 2005 (2.3) sets y between the middles of T8 and xiphoid and of C7 and jugular notch, which no camera sees.
    """
    return frame_yz(top - bottom, right)


def joint_angles(proximal: FloatArray, distal: FloatArray, side: FloatArray | float = RIGHT) -> JointAngles:
    """Angles of `distal` against `proximal` in the joint coordinate system.

    Args:
        proximal, distal: (..., 3, 3) frames.
        side: `LEFT` or `RIGHT`, or an array of them that broadcasts; trunk and neck count as right ones: adduction is then
            lean to the right, rotation is to the left.

    Returns:
        Flexion positive where the distal end goes forward. A knee bends backward: its flexion is the negative of it.
        NaN for flexion and rotation where adduction is 90 degrees: they are then the same turn.
    """
    relative = np.swapaxes(proximal, -1, -2) @ distal
    level = np.hypot(relative[..., 0, 1], relative[..., 1, 1])
    defined = np.where(level > _GIMBAL, 1.0, np.nan)
    flexion = np.arctan2(-relative[..., 0, 1], relative[..., 1, 1]) * defined
    adduction = np.arctan2(relative[..., 2, 1], level) * side
    rotation = np.arctan2(-relative[..., 2, 0], relative[..., 2, 2]) * side * defined
    return JointAngles(flexion, adduction, rotation)


def orientation(frame: FloatArray, up: FloatArray) -> Orientation:
    """Angles of a segment against the vertical, independent of where the person faces (Baker 2001).

    Args:
        frame: (..., 3, 3).
        up: (3,) the vertical unit vector of the frame that the points are given in.

    Returns:
        Tilt about the person's own left-right axis; list of that axis; heading 0 along the first horizontal axis.
        NaN for tilt and heading where the person's left-right axis is vertical (lying on the side).
    """
    right = frame[..., 2]
    rise = (right * up).sum(-1)
    flat = right - rise[..., None] * up
    level = np.sqrt((flat * flat).sum(-1))
    defined = np.where(level > _GIMBAL, 1.0, np.nan)
    ahead = cross(up, flat)
    first = _first_horizontal(up)
    second = np.cross(up, first)
    heading = np.arctan2((ahead * second).sum(-1), (ahead * first).sum(-1)) * defined
    # y's share along the person's horizontal forward, and along the upright perpendicular to z
    ahead = ahead / np.where(level > _GIMBAL, level, np.nan)[..., None]
    forward = (frame[..., 1] * ahead).sum(-1)
    upright = (frame[..., 1] * cross(right, ahead)).sum(-1)
    return Orientation(np.arctan2(forward, upright), np.arctan2(-rise, level), heading)


def unwrapped(angle: FloatArray) -> FloatArray:
    """(T, ...) angles over time without jumps of a whole turn; frames that are NaN are bridged and stay NaN."""
    result = np.array(angle, dtype=np.float64)
    columns = result.reshape(len(result), -1)
    for column in columns.T:
        known = np.isfinite(column)
        column[known] = np.unwrap(column[known])
    return columns.reshape(result.shape)


def frame_zx(z: FloatArray, x: FloatArray) -> FloatArray:
    """Frame with z along the first vector and x as near to the second as that allows."""
    z = _unit(z)
    y = _unit(cross(z, x))
    return np.stack([cross(y, z), y, z], -1)


def frame_zy(z: FloatArray, y: FloatArray) -> FloatArray:
    """Frame with z along the first vector and y as near to the second as that allows."""
    z = _unit(z)
    x = _unit(cross(y, z))
    return np.stack([x, cross(z, x), z], -1)


def frame_yz(y: FloatArray, z: FloatArray) -> FloatArray:
    """Frame with y along the first vector and z as near to the second as that allows."""
    y = _unit(y)
    x = _unit(cross(y, z))
    return np.stack([x, y, cross(x, y)], -1)


def frame_xz(x: FloatArray, z: FloatArray) -> FloatArray:
    """Frame with x along the first vector and z as near to the second as that allows."""
    x = _unit(x)
    y = _unit(cross(z, x))
    return np.stack([x, y, cross(x, y)], -1)


def _unit(v: FloatArray) -> FloatArray:
    norm = np.sqrt((v * v).sum(-1, keepdims=True))
    result: FloatArray = v / np.where(norm > _SHORTEST, norm, np.nan)
    return result


def _first_horizontal(up: FloatArray) -> FloatArray:
    """First axis of the base frame where that is horizontal, else the axis that follows."""
    axis = np.eye(3)[0 if abs(up[0]) < 0.9 else 1]
    flat = axis - (axis @ up) * up
    result: FloatArray = flat / np.sqrt(flat @ flat)
    return result
