"""Features of shoulders, elbows and wrists."""

from __future__ import annotations

import math

import numpy as np

from kinecue.body import angles
from kinecue.exercise.features.geometry import SIDES, across, asymmetry, dot, length, start_of, unit
from kinecue.exercise.features.registry import feature
from kinecue.exercise.pose import FloatArray, Pose

_FRONTAL = "front, back"
_SAGITTAL = "side"
_MIDDLE = math.radians(60.0)
"""Middle of the shoulder's range: its angles jump at -120 degrees (240), where no arm goes, not at 180 overhead."""


@feature("elbow_flexion", "rad", "shoulder elbow wrist", sided=True, floor=3.0)
def _elbow_flexion(pose: Pose) -> FloatArray:
    """Angle between upper arm and forearm: 0 straight, positive bent."""
    return pose.flexion("shoulder", "elbow", "wrist")


@feature("elbow_flexion_asymmetry", "rad", "shoulder elbow wrist", floor=4.0, mirrored=True)
def _elbow_flexion_asymmetry(pose: Pose) -> FloatArray:
    """Left minus right elbow flexion: positive where the left elbow is bent more."""
    return asymmetry(pose.flexion("shoulder", "elbow", "wrist"))


@feature("shoulder_flexion", "rad", "shoulder elbow hip", sided=True, floor=3.0)
def shoulder_flexion(pose: Pose) -> FloatArray:
    """Upper arm against trunk in the sagittal plane: 0 hanging along the trunk, positive forward, 180 degrees overhead.

    From -120 to 240 degrees, so that nothing jumps overhead. Undefined, and abstained from, where the arm points aside.
    """
    return pose.cached("shoulder_flexion", _shoulder_flexion)


def _shoulder_flexion(pose: Pose) -> FloatArray:
    arm = pose.pair("elbow") - pose.pair("shoulder")
    return angles.sagittal_flexion(pose.trunk[:, None], arm, pose.axes[0][:, None], _MIDDLE)


@feature("shoulder_flexion_asymmetry", "rad", "shoulder elbow hip", floor=4.0, mirrored=True)
def _shoulder_flexion_asymmetry(pose: Pose) -> FloatArray:
    """Left minus right shoulder flexion: positive where the left arm is further in front, or higher."""
    return asymmetry(shoulder_flexion(pose))


@feature("elbow_drift", "rad", "shoulder elbow hip", sided=True, relative=True, floor=3.0)
def _elbow_drift(pose: Pose) -> FloatArray:
    """Shoulder flexion less the shoulder flexion in the start position: positive elbow forward."""
    result: FloatArray = shoulder_flexion(pose) - shoulder_flexion(start_of(pose))
    return result


@feature("shoulder_abduction", "rad", "shoulder elbow hip", sided=True, floor=3.0, views=_FRONTAL)
def shoulder_abduction(pose: Pose) -> FloatArray:
    """Upper arm against trunk in the frontal plane: 0 hanging along the trunk, positive aside, 180 degrees overhead.

    From -120 to 240 degrees. Undefined, and abstained from, where the arm points straight ahead.
    """
    return pose.cached("shoulder_abduction", _shoulder_abduction)


def _shoulder_abduction(pose: Pose) -> FloatArray:
    up = unit(pose.trunk)
    left = unit(across(pose.left("hip") - pose.right("hip"), up))
    arm = pose.pair("elbow") - pose.pair("shoulder")
    return angles.angle_about(dot(arm, left[:, None]) * SIDES, -dot(arm, up[:, None]), _MIDDLE)


@feature(
    "shoulder_abduction_asymmetry", "rad", "shoulder elbow hip", floor=4.0, mirrored=True, views=_FRONTAL
)
def _shoulder_abduction_asymmetry(pose: Pose) -> FloatArray:
    """Left minus right shoulder abduction: positive where the left arm is raised further."""
    return asymmetry(shoulder_abduction(pose))


@feature("shoulder_elevation", "rad", "shoulder elbow hip", sided=True, floor=3.0)
def _shoulder_elevation(pose: Pose) -> FloatArray:
    """Angle between upper arm and trunk in whatever plane: 0 hanging along the trunk, 180 degrees overhead.

    The elevation of Wu et al. 2005 (thoracohumeral, sign changed): defined wherever the arm points.
    """
    arm = unit(pose.pair("elbow") - pose.pair("shoulder"))
    down = -unit(pose.trunk)[:, None]
    crossed = angles.cross(arm, down)
    result: FloatArray = np.arctan2(length(crossed), dot(arm, down))
    return result


@feature("elbow_flare", "rad", "shoulder elbow hip", sided=True, floor=3.0)
def _elbow_flare(pose: Pose) -> FloatArray:
    """Upper arm out of the sagittal plane of the thorax: 0 in it, positive away from the body, at most 90 degrees."""
    out = dot(unit(pose.pair("elbow") - pose.pair("shoulder")), pose.shoulders[:, None]) * SIDES
    result: FloatArray = np.arctan2(out, np.sqrt(np.abs(1.0 - out * out)))
    return result


@feature("elbow_spread", "rad", "shoulder elbow wrist hip", sided=True, floor=8.0)
def _elbow_spread(pose: Pose) -> FloatArray:
    """Where the elbow points, seen along the line from shoulder to wrist.

    0 along the trunk towards the feet, 90 degrees straight aside; from -120 to 240 degrees. Undefined, and abstained from,
    with a straight arm.
    """
    shoulder = pose.pair("shoulder")
    line = unit(pose.pair("wrist") - shoulder)
    out = across(pose.pair("elbow") - shoulder, line)
    up = unit(pose.trunk)
    left = unit(across(pose.left("shoulder") - pose.right("shoulder"), up))
    return angles.angle_about(dot(out, left[:, None]) * SIDES, -dot(out, up[:, None]), _MIDDLE)


@feature("elbow_ahead", "m", "shoulder elbow hip", sided=True, floor=0.015, views=_SAGITTAL)
def _elbow_ahead(pose: Pose) -> FloatArray:
    """Elbow in front of the trunk's line (mid-hip to mid-shoulder), across it: 0 in line, negative behind the trunk."""
    up = unit(pose.trunk)
    front = unit(across(pose.axes[1], up))
    result: FloatArray = dot(pose.pair("elbow") - pose.middle("hip")[:, None], front[:, None])
    return result


@feature("upper_arm_tilt", "rad", "hip shoulder elbow", sided=True, floor=2.5, views=_SAGITTAL)
def _upper_arm_tilt(pose: Pose) -> FloatArray:
    """Upper arm from the vertical in the sagittal plane: 0 vertical, positive with the shoulder ahead of the elbow.

    Ahead is towards the head in a body that faces the floor. It does not matter which end is up.
    """
    return _tilt(pose, pose.pair("shoulder") - pose.pair("elbow"))


@feature("forearm_tilt", "rad", "hip elbow wrist", sided=True, floor=3.0, views=_SAGITTAL)
def _forearm_tilt(pose: Pose) -> FloatArray:
    """Forearm from the vertical in the sagittal plane: 0 vertical, positive with the hand ahead of the elbow.

    It does not matter which end is up.
    """
    return _tilt(pose, pose.pair("wrist") - pose.pair("elbow"))


def _tilt(pose: Pose, segment: FloatArray) -> FloatArray:
    result: FloatArray = np.arctan2(dot(segment, pose.axes[1][:, None]), np.abs(segment[..., 2]))
    return result


@feature("wrist_extension", "rad", "elbow wrist index pinky", sided=True, floor=20.0)
def _wrist_extension(pose: Pose) -> FloatArray:
    """Angle between forearm and hand (wrist to knuckles) in whatever direction: 0 in line. Coarse."""
    knuckles = 0.5 * (pose.pair("index") + pose.pair("pinky"))
    return angles.flexion(pose.pair("elbow"), pose.pair("wrist"), knuckles)


@feature("arm_from_vertical", "rad", "shoulder wrist", sided=True, floor=2.5)
def arm_from_vertical(pose: Pose) -> FloatArray:
    """Line from shoulder to wrist out of the vertical, in any direction, whichever end is up: 0 vertical."""
    line = pose.pair("wrist") - pose.pair("shoulder")
    result: FloatArray = np.arctan2(length(line[..., :2]), np.abs(line[..., 2]))
    return result


@feature("raised_arm_from_vertical", "rad", "shoulder wrist", floor=2.5)
def _raised_arm_from_vertical(pose: Pose) -> FloatArray:
    """Line from shoulder to wrist from straight up, of the arm whose hand is higher: 0 vertical, at most 180 degrees."""
    line = pose.pair("wrist") - pose.pair("shoulder")
    return _of_raised(pose, np.arctan2(length(line[..., :2]), line[..., 2]))


@feature("raised_elbow_flexion", "rad", "shoulder elbow wrist", floor=3.0)
def _raised_elbow_flexion(pose: Pose) -> FloatArray:
    """Elbow flexion of the arm whose hand is higher."""
    return _of_raised(pose, pose.flexion("shoulder", "elbow", "wrist"))


def _of_raised(pose: Pose, both: FloatArray) -> FloatArray:
    higher = (pose.left("wrist") - pose.right("wrist"))[:, 2] + 1e-12  # level hands: either
    way = higher / np.abs(higher)
    result: FloatArray = 0.5 * (both.sum(-1) + way * (both[:, 0] - both[:, 1]))
    return result
