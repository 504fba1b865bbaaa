"""Features of what the hands hold or hang on. The hands are the wrists' joint centres: a grip is some 8 cm further."""

from __future__ import annotations

import math

from kinecue.body.angles import angle_about, cross
from kinecue.exercise.features.geometry import ahead_of, dot, length, slope, unit
from kinecue.exercise.features.registry import feature
from kinecue.exercise.pose import FloatArray, Pose

_FRONTAL = "front, back"
_SAGITTAL = "side"


@feature("bar_tilt", "rad", "wrist", floor=1.5, mirrored=True, views=_FRONTAL)
def _bar_tilt(pose: Pose) -> FloatArray:
    """Slope of the line between the hands: 0 level, positive with the left hand higher."""
    return slope(pose.left("wrist") - pose.right("wrist"))


@feature("bar_height", "m", "shoulder wrist", floor=0.02)
def _bar_height(pose: Pose) -> FloatArray:
    """Middle between the hands over the middle between the shoulders: 0 level with them, negative below."""
    return (pose.middle("wrist") - pose.middle("shoulder"))[:, 2]


@feature("bar_ahead", "m", "hip shoulder wrist", floor=0.02, views=_SAGITTAL)
def _bar_ahead(pose: Pose) -> FloatArray:
    """Middle between the hands ahead of the middle between the shoulders, horizontally: 0 over or under them."""
    return ahead_of(pose, pose.middle("wrist"), pose.middle("shoulder"))


@feature("bar_aside", "m", "hip shoulder wrist", floor=0.015, mirrored=True, views=_FRONTAL)
def _bar_aside(pose: Pose) -> FloatArray:
    """Middle between the hands beside the middle between the shoulders: 0 centred, positive to the left."""
    return dot(pose.middle("wrist") - pose.middle("shoulder"), pose.axes[0])


@feature("load_ahead", "m", "hip shoulder wrist", floor=0.02)
def _load_ahead(pose: Pose) -> FloatArray:
    """Middle between the hands in front of the chest: from mid-shoulder at right angles to the trunk, forward positive."""
    up = unit(pose.trunk)
    away = pose.middle("wrist") - pose.middle("shoulder")
    return dot(away, unit(cross(pose.hips, up)))


@feature("hand_ahead", "m", "hip ankle wrist", floor=0.02, views=_SAGITTAL)
def _hand_ahead(pose: Pose) -> FloatArray:
    """Middle between the hands ahead of the middle between the ankles, horizontally (bar path): 0 over the ankles."""
    return ahead_of(pose, pose.middle("wrist"), pose.middle("ankle"))


@feature("hand_over_foot", "m", "hip ankle heel foot_index wrist", floor=0.02, views=_SAGITTAL)
def _hand_over_foot(pose: Pose) -> FloatArray:
    """Middle between the hands ahead of mid-foot (half way from heel to toe), horizontally: 0 over mid-foot."""
    middle = 0.5 * (pose.middle("heel") + pose.middle("foot_index"))
    return ahead_of(pose, pose.middle("wrist"), middle)


@feature("hand_lateral", "m", "hip ankle wrist", floor=0.015, mirrored=True, views=_FRONTAL)
def _hand_lateral(pose: Pose) -> FloatArray:
    """Middle between the hands beside the middle between the ankles: 0 centred, positive to the left."""
    return dot(pose.middle("wrist") - pose.middle("ankle"), pose.axes[0])


@feature("hand_height", "m", "ankle wrist", sided=True, floor=0.03)
def _hand_height(pose: Pose) -> FloatArray:
    """Hand over the middle between the ankles: 0 at their height."""
    result: FloatArray = pose.pair("wrist")[..., 2] - pose.middle("ankle")[:, None, 2]
    return result


@feature("hand_over_shoulder", "1", "shoulder elbow wrist", sided=True, floor=0.03)
def _hand_over_shoulder(pose: Pose) -> FloatArray:
    """Height of the hand over its shoulder over the length of the arm: 1 straight up, 0 level, -1 hanging."""
    shoulder, elbow, wrist = pose.pair("shoulder"), pose.pair("elbow"), pose.pair("wrist")
    result: FloatArray = (wrist - shoulder)[..., 2] / (length(elbow - shoulder) + length(wrist - elbow))
    return result


@feature("hand_over_shoulder_asymmetry", "1", "shoulder elbow wrist", floor=0.03, mirrored=True)
def _hand_over_shoulder_asymmetry(pose: Pose) -> FloatArray:
    """Left minus right height of the hand over its shoulder over the length of the arm: positive left higher."""
    both = _hand_over_shoulder(pose)
    result: FloatArray = both[:, 0] - both[:, 1]
    return result


@feature("grip_width_ratio", "1", "shoulder wrist", floor=0.1)
def _grip_width_ratio(pose: Pose) -> FloatArray:
    """Distance between the hands over the distance between the shoulder joints: 1 is shoulder width."""
    hands = pose.left("wrist") - pose.right("wrist")
    shoulders = pose.left("shoulder") - pose.right("shoulder")
    return length(hands) / length(shoulders)


@feature("arm_swing", "rad", "hip shoulder wrist", floor=2.5, views=_SAGITTAL)
def _arm_swing(pose: Pose) -> FloatArray:
    """Line from mid-shoulder to mid-hand from hanging, in the sagittal plane: 0 hanging, positive forward, 180 overhead.

    From -135 to 225 degrees, so that nothing jumps overhead.
    """
    line = pose.middle("wrist") - pose.middle("shoulder")
    return angle_about(dot(line, pose.axes[1]), -line[:, 2], math.radians(45.0))


@feature("head_over_hands", "m", "ear wrist", floor=0.03)
def _head_over_hands(pose: Pose) -> FloatArray:
    """Middle between the ears over the middle between the hands; the chin is some 8 cm lower."""
    return (pose.middle("ear") - pose.middle("wrist"))[:, 2]
