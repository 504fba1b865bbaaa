"""Features of trunk, head and the line of the body."""

from __future__ import annotations

import math

import numpy as np

from kinecue.body import angles
from kinecue.body.angles import cross
from kinecue.exercise.features.geometry import dot, slope, start_of, unit
from kinecue.exercise.features.registry import feature, unseen
from kinecue.exercise.pose import FloatArray, Pose

_FRONTAL = "front, back"
_SAGITTAL = "side"
_EYES_OVER_EARS = math.radians(7.0)
"""Rise of the line from ear to eye over the Frankfurt plane: 4 to 9 degrees in the simulated athletes; to the outer corner
of the eye anatomy has it at about 10 (canthomeatal line)."""


@feature("trunk_lean", "rad", "shoulder hip", floor=2.0)
def trunk_lean(pose: Pose) -> FloatArray:
    """Inclination of the trunk (mid-hip to mid-shoulder) from the vertical: 0 upright, positive forward."""
    return pose.cached("trunk_lean", _trunk_lean)


def _trunk_lean(pose: Pose) -> FloatArray:
    return angles.trunk_lean(pose.middle("hip"), pose.middle("shoulder"), pose.axes[1])


@feature("trunk_lateral_lean", "rad", "shoulder hip", floor=2.0, mirrored=True, views=_FRONTAL)
def _trunk_lateral_lean(pose: Pose) -> FloatArray:
    """Inclination of the trunk from the vertical in the frontal plane: 0 upright, positive to the left."""
    return angles.trunk_lateral_lean(pose.middle("hip"), pose.middle("shoulder"), pose.axes[0])


@feature("trunk_lateral_bend", "rad", "shoulder hip", floor=2.5, mirrored=True, views=_FRONTAL)
def _trunk_lateral_bend(pose: Pose) -> FloatArray:
    """Trunk against pelvis in the frontal plane: 0 at right angles to the line of the hips, positive bent to the left.

    The adduction of the joint coordinate system (Wu et al. 2002) between thorax and pelvis, left positive.
    """
    sideways = dot(unit(pose.trunk), pose.hips)
    result: FloatArray = np.arctan2(sideways, np.sqrt(np.abs(1.0 - sideways * sideways)))
    return result


@feature("trunk_rotation", "rad", "shoulder hip", floor=3.0, mirrored=True)
def _trunk_rotation(pose: Pose) -> FloatArray:
    """Line of the shoulders against the line of the hips about the trunk: 0 parallel, positive to the left."""
    return angles.axial_rotation(
        pose.left("hip") - pose.right("hip"), pose.left("shoulder") - pose.right("shoulder"), pose.trunk
    )


@feature("trunk_swing", "rad", "shoulder hip", floor=1.5, relative=True)
def _trunk_swing(pose: Pose) -> FloatArray:
    """Trunk lean less the trunk lean in the start position: positive forward, negative backward."""
    result: FloatArray = trunk_lean(pose) - trunk_lean(start_of(pose))
    return result


unseen(
    "trunk_flexion",
    "rad",
    "Thorax against pelvis in the sagittal plane: 0 neutral, positive rounded. No landmark lies on the spine between "
    "the hips and the shoulders, so it always abstains as unsupported: trunk_lean says how far the trunk leans, not "
    "how it is bent.",
)


@feature("trunk_pitch", "rad", "shoulder hip", floor=2.0)
def _trunk_pitch(pose: Pose) -> FloatArray:
    """Trunk (mid-hip to mid-shoulder) over the horizontal: 90 degrees upright, 0 level (prone, supine, on the side)."""
    return slope(pose.trunk)


@feature("trunk_facing", "rad", "shoulder hip", floor=3.0)
def _trunk_facing(pose: Pose) -> FloatArray:
    """Where the chest faces, over the horizontal: 0 upright, -90 degrees prone, 90 degrees supine."""
    return slope(cross(pose.hips, pose.trunk))


@feature("shoulder_drop", "rad", "shoulder", floor=1.5, mirrored=True, views=_FRONTAL)
def _shoulder_drop(pose: Pose) -> FloatArray:
    """Slope of the line of the shoulders: 0 level, positive with the left side higher."""
    return slope(pose.left("shoulder") - pose.right("shoulder"))


@feature("body_line", "rad", "shoulder hip ankle", floor=3.0, views=_SAGITTAL)
def body_line(pose: Pose) -> FloatArray:
    """Shoulder-hip-ankle out of a straight line in the sagittal plane: 0 straight, positive sagging, negative piked."""
    legs = pose.middle("hip") - pose.middle("ankle")
    trunk = pose.trunk
    result: FloatArray = np.arctan2(dot(cross(trunk, legs), pose.hips), dot(trunk, legs))
    return result


@feature("hip_sag", "m", "shoulder hip ankle", floor=0.015, views=_SAGITTAL)
def _hip_sag(pose: Pose) -> FloatArray:
    """Mid-hip in front of the line from mid-shoulder to mid-ankle: 0 on it, positive sagging (prone), negative piked."""
    line = unit(pose.middle("shoulder") - pose.middle("ankle"))
    front = cross(pose.hips, line)
    return dot(pose.middle("hip") - pose.middle("ankle"), unit(front))


@feature("neck_flexion", "rad", "ear eye shoulder hip", floor=6.0, views=_SAGITTAL)
def neck_flexion(pose: Pose) -> FloatArray:
    """Head (ears to eyes) against the trunk in the sagittal plane: 0 looking straight ahead, positive chin to the chest.

    The line from ear to eye stands for the Frankfurt horizontal, level in a neutral head, over which it rises. Coarse.
    """
    face = pose.middle("eye") - pose.middle("ear")
    up = unit(pose.trunk)
    front = cross(pose.hips, up)
    result: FloatArray = np.arctan2(-dot(face, up), dot(face, front)) + _EYES_OVER_EARS
    return result


@feature("neck_change", "rad", "ear eye shoulder hip", floor=4.0, relative=True, views=_SAGITTAL)
def _neck_change(pose: Pose) -> FloatArray:
    """Neck flexion less the neck flexion in the start position: positive chin to the chest, negative craned."""
    result: FloatArray = neck_flexion(pose) - neck_flexion(start_of(pose))
    return result


@feature("shrug", "m", "ear shoulder hip", sided=True, relative=True, floor=0.01, views=_FRONTAL)
def _shrug(pose: Pose) -> FloatArray:
    """Shoulder towards the ears along the trunk, less the same in the start position: positive drawn up."""
    return _shoulder_under_ears(pose) - _shoulder_under_ears(start_of(pose))


def _shoulder_under_ears(pose: Pose) -> FloatArray:
    up = unit(pose.trunk)[:, None]
    result: FloatArray = ((pose.pair("shoulder") - pose.middle("ear")[:, None]) * up).sum(-1)
    return result


@feature("shoulder_height", "m", "shoulder ankle", sided=True, floor=0.03)
def _shoulder_height(pose: Pose) -> FloatArray:
    """Shoulder over the middle between the ankles: 0 at their height."""
    result: FloatArray = pose.pair("shoulder")[..., 2] - pose.middle("ankle")[:, None, 2]
    return result
