"""Features of the legs: knees, hips, feet and what stands on them."""

from __future__ import annotations

import math

import numpy as np

from kinecue.body import angles
from kinecue.exercise.features.geometry import (
    SIDES,
    ahead_of,
    asymmetry,
    dot,
    horizontal,
    length,
    slope,
    start_of,
)
from kinecue.exercise.features.registry import feature
from kinecue.exercise.pose import FloatArray, Pose

_FRONTAL = "front, back"
_SAGITTAL = "side"
_HALF_TURNED = "half turned"
"""From the side the far foot is hidden and the near one's heel is misjudged; both are seen best from 45 degrees."""
_TOE_IN = math.radians(7.0)
"""The line from heel to the big toe's tip turns in by this much against the foot's own axis (heel to second ray)."""


@feature("knee_flexion", "rad", "hip knee ankle", sided=True, floor=2.0)
def _knee_flexion(pose: Pose) -> FloatArray:
    """Angle between thigh and shank: 0 straight, positive bent."""
    return pose.flexion("hip", "knee", "ankle")


@feature("knee_flexion_asymmetry", "rad", "hip knee ankle", floor=3.0, mirrored=True)
def _knee_flexion_asymmetry(pose: Pose) -> FloatArray:
    """Left minus right knee flexion: positive where the left knee is bent more."""
    return asymmetry(pose.flexion("hip", "knee", "ankle"))


@feature("hip_flexion", "rad", "shoulder hip knee", sided=True, floor=3.0)
def hip_flexion(pose: Pose) -> FloatArray:
    """Thigh against trunk in the sagittal plane of the pelvis.

    0 in line, positive with the thigh in front.
    """
    return pose.cached("hip_flexion", _hip_flexion)


def _hip_flexion(pose: Pose) -> FloatArray:
    thigh = pose.pair("knee") - pose.pair("hip")
    return angles.sagittal_flexion(pose.trunk[:, None], thigh, pose.axes[0][:, None])


@feature("hip_flexion_asymmetry", "rad", "shoulder hip knee", floor=4.0, mirrored=True)
def _hip_flexion_asymmetry(pose: Pose) -> FloatArray:
    """Left minus right hip flexion: positive where the left thigh is further in front."""
    return asymmetry(hip_flexion(pose))


@feature("hip_adduction", "rad", "hip knee", sided=True, floor=3.0, views=_FRONTAL)
def _hip_adduction(pose: Pose) -> FloatArray:
    """Thigh out of the plane across the line of the hips: 0 in it, positive towards the midline."""
    return angles.adduction(pose.pair("hip"), pose.pair("knee"), pose.hips[:, None], SIDES)


@feature("hip_abduction", "rad", "hip knee", sided=True, floor=3.0, views=_FRONTAL)
def _hip_abduction(pose: Pose) -> FloatArray:
    """Hip adduction with its sign changed: 0 across the line of the hips, positive away from the midline."""
    result: FloatArray = -_hip_adduction(pose)
    return result


@feature("hip_drop", "rad", "hip", floor=1.5, mirrored=True, views=_FRONTAL)
def _hip_drop(pose: Pose) -> FloatArray:
    """Slope of the line of the hips: 0 level, positive with the left side higher."""
    return slope(pose.left("hip") - pose.right("hip"))


@feature("hip_shift", "m", "hip ankle", floor=0.01, mirrored=True, views=_FRONTAL)
def _hip_shift(pose: Pose) -> FloatArray:
    """Mid-hip against mid-ankle along the body's left-right axis: 0 over the middle, positive to the left."""
    return dot(pose.middle("hip") - pose.middle("ankle"), pose.axes[0])


@feature("thigh_tilt", "rad", "hip knee", sided=True, floor=2.0)
def _thigh_tilt(pose: Pose) -> FloatArray:
    """Inclination of the thigh from the vertical, sagittal: 0 upright, 90 degrees level, positive knee in front."""
    thigh = pose.pair("knee") - pose.pair("hip")
    result: FloatArray = np.arctan2(dot(thigh, pose.axes[1][:, None]), -thigh[..., 2])
    return result


@feature("shank_tilt", "rad", "hip knee ankle", sided=True, floor=1.5)
def _shank_tilt(pose: Pose) -> FloatArray:
    """Inclination of the shank from the vertical in the sagittal plane: 0 upright, positive knee forward."""
    return angles.sagittal_tilt(pose.pair("knee") - pose.pair("ankle"), pose.axes[1][:, None])


@feature(
    "ankle_dorsiflexion", "rad", "knee ankle heel foot_index", sided=True, floor=12.0, views=_HALF_TURNED
)
def _ankle_dorsiflexion(pose: Pose) -> FloatArray:
    """Foot (heel to toe) against shank: 0 at right angles, positive with the knee over the toes."""
    return angles.dorsiflexion(
        pose.pair("knee"), pose.pair("ankle"), pose.pair("heel"), pose.pair("foot_index")
    )


@feature("knee_separation_ratio", "1", "hip knee ankle", floor=0.04, views=_FRONTAL)
def _knee_separation_ratio(pose: Pose) -> FloatArray:
    """Knee over ankle separation along the body's left-right axis.

    1 knees over the ankles, smaller knees in.
    """
    return angles.knee_separation_ratio(
        pose.left("knee"), pose.right("knee"), pose.left("ankle"), pose.right("ankle"), pose.axes[0]
    )


@feature("knee_track", "m", "hip knee ankle", sided=True, floor=0.01, views=_FRONTAL)
def _knee_track(pose: Pose) -> FloatArray:
    """Knee beside the line from hip to ankle, along the body's left-right axis: 0 on it, positive towards the midline.

    The knee's medial displacement of the frontal plane projection (Willson and Davis 2008), in m: unlike their angle
    it stays defined where the thigh is level.
    """
    hip, knee, ankle = pose.pair("hip"), pose.pair("knee"), pose.pair("ankle")
    line = hip - ankle
    share = dot(knee - ankle, line) / dot(line, line)
    result: FloatArray = -dot(knee - ankle - share[..., None] * line, pose.axes[0][:, None]) * SIDES
    return result


@feature("knee_over_foot", "m", "knee ankle heel foot_index", sided=True, floor=0.03, views=_FRONTAL)
def _knee_over_foot(pose: Pose) -> FloatArray:
    """Knee beside the vertical plane through the ankle along the foot: 0 over the foot, positive towards the midline."""
    foot = horizontal(pose.pair("foot_index") - pose.pair("heel"))
    shank = pose.pair("knee") - pose.pair("ankle")
    along = (shank[..., :2] * foot).sum(-1)
    # the person's left of the foot's line is (-y, x)
    inward = (shank[..., 0] * foot[..., 1] - shank[..., 1] * foot[..., 0]) * SIDES
    result: FloatArray = inward * math.cos(_TOE_IN) + along * math.sin(_TOE_IN)
    return result


@feature("knee_in", "rad", "hip knee ankle heel foot_index", sided=True, floor=10.0, views=_FRONTAL)
def _knee_in(pose: Pose) -> FloatArray:
    """Turn of the knee about the line from ankle to hip, against where the foot points: positive towards the midline.

    0 with the knee over the foot. Undefined, and abstained from, while the leg is straight.
    """
    hip, knee, ankle = pose.pair("hip"), pose.pair("knee"), pose.pair("ankle")
    line = hip - ankle
    foot = pose.pair("foot_index") - pose.pair("heel")
    turn = angles.axial_rotation(foot, knee - ankle, line)
    result: FloatArray = _TOE_IN - turn * SIDES
    return result


@feature("knee_ahead", "m", "knee heel foot_index", sided=True, floor=0.015, views=_SAGITTAL)
def _knee_ahead(pose: Pose) -> FloatArray:
    """Knee ahead of the tip of the toes along the foot, horizontally: 0 over them, positive beyond."""
    toe = pose.pair("foot_index")
    foot = horizontal(toe - pose.pair("heel"))
    result: FloatArray = (foot * (pose.pair("knee") - toe)[..., :2]).sum(-1)
    return result


@feature("heel_rise", "m", "heel foot_index", sided=True, relative=True, floor=0.015, views=_HALF_TURNED)
def _heel_rise(pose: Pose) -> FloatArray:
    """Height of the heel over the forefoot less the same in the start position: positive lifted."""
    return _heel_height(pose) - _heel_height(start_of(pose))


def _heel_height(pose: Pose) -> FloatArray:
    result: FloatArray = (pose.pair("heel") - pose.pair("foot_index"))[..., 2]
    return result


@feature("foot_shift", "m", "ankle", sided=True, relative=True, floor=0.04)
def _foot_shift(pose: Pose) -> FloatArray:
    """Horizontal distance of the ankle from where it was in the start position: 0 has not moved."""
    moved = (pose.pair("ankle") - start_of(pose).pair("ankle"))[..., :2]
    return length(moved)


@feature("foot_separation_ratio", "1", "shoulder ankle", floor=0.04)
def _foot_separation_ratio(pose: Pose) -> FloatArray:
    """Distance between the ankles over the distance between the shoulder joints: 1 is shoulder width."""
    ankles = pose.left("ankle") - pose.right("ankle")
    shoulders = pose.left("shoulder") - pose.right("shoulder")
    return length(ankles) / length(shoulders)


@feature("step_length", "m", "hip ankle", floor=0.02, mirrored=True, views=_SAGITTAL)
def _step_length(pose: Pose) -> FloatArray:
    """Left ankle ahead of the right one: 0 side by side, positive with the left foot in front."""
    return dot(pose.left("ankle") - pose.right("ankle"), pose.axes[1])


@feature("pelvis_height", "1", "hip knee ankle", floor=0.02)
def _pelvis_height(pose: Pose) -> FloatArray:
    """Mid-hip over the lower ankle over the length of the legs: about 1 standing, 0 sitting on the floor."""
    legs = length(pose.pair("hip") - pose.pair("knee")) + length(pose.pair("knee") - pose.pair("ankle"))
    ankles = pose.pair("ankle")[..., 2]
    lower = 0.5 * (ankles.sum(-1) - np.abs(ankles[:, 0] - ankles[:, 1]))
    result: FloatArray = (pose.middle("hip")[:, 2] - lower) / (0.5 * legs.sum(-1))
    return result


@feature("hip_height", "m", "hip ankle", floor=0.03)
def _hip_height(pose: Pose) -> FloatArray:
    """Mid-hip over the middle between the ankles: 0 at their height."""
    return (pose.middle("hip") - pose.middle("ankle"))[:, 2]


@feature("knee_height", "m", "knee ankle", sided=True, floor=0.02)
def _knee_height(pose: Pose) -> FloatArray:
    """Knee over the ankle of its leg: 0 at its height (kneeling: about 0, the ankle lies behind)."""
    return (pose.pair("knee") - pose.pair("ankle"))[..., 2]


@feature("hip_ahead", "m", "hip ankle", floor=0.02, views=_SAGITTAL)
def _hip_ahead(pose: Pose) -> FloatArray:
    """Mid-hip ahead of the middle between the ankles, horizontally: negative sitting back."""
    return ahead_of(pose, pose.middle("hip"), pose.middle("ankle"))
