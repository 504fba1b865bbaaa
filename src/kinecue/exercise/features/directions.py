"""Where segments point, against where they pointed in the start position.

The parts of a direction (a vector of length 1) along forward, outward and up of the person as they stood in the start
position. A part of a direction neither flips nor wraps wherever a limb goes, needs nobody's segment lengths, and is zero in
everybody's start position, which makes people comparable: these are the features that learned exercises are scored by.
Each has two sides, also those of the trunk and the head: outward of the left side is to the left, of the right side to the
right, so that a movement and its mirror image read alike.
"""

from __future__ import annotations

import numpy as np

from kinecue.exercise.features.geometry import SIDES, dot, start_of, unit
from kinecue.exercise.features.registry import feature
from kinecue.exercise.pose import FloatArray, Pose

_FLOOR = 0.04
"""Of every part, about 2 degrees: what the features of `legs` and `arms` have, as a direction."""


def _limb(pose: Pose, proximal: str, distal: str) -> FloatArray:
    """(B, 2, 3) directions of a limb, left and right."""
    return unit(pose.pair(distal) - pose.pair(proximal))


def _trunk(pose: Pose) -> FloatArray:
    """(B, 2, 3) the trunk's direction, once for each side."""
    return _twice(unit(pose.middle("shoulder") - pose.middle("hip")))


def _head(pose: Pose) -> FloatArray:
    return _twice(unit(pose.middle("ear") - pose.middle("shoulder")))


def _line(pose: Pose, joint: str) -> FloatArray:
    """(B, 2, 3) from the other side's joint to this side's."""
    line = unit(pose.left(joint) - pose.right(joint))
    result: FloatArray = _twice(line) * SIDES[:, None]
    return result


def _twice(direction: FloatArray) -> FloatArray:
    return np.concatenate([direction[:, None], direction[:, None]], axis=1)


def _forward(pose: Pose, now: FloatArray, before: FloatArray) -> FloatArray:
    return dot(now - before, start_of(pose).axes[1][:, None])


def _outward(pose: Pose, now: FloatArray, before: FloatArray) -> FloatArray:
    result: FloatArray = dot(now - before, start_of(pose).axes[0][:, None]) * SIDES
    return result


def _upward(now: FloatArray, before: FloatArray) -> FloatArray:
    change: FloatArray = (now - before)[..., 2]
    return change


@feature("thigh_forward", "1", "hip knee", sided=True, relative=True, floor=_FLOOR)
def _thigh_forward(pose: Pose) -> FloatArray:
    """Forward part of the thigh's direction (hip to knee) less that of the start position: 0 to 1, thigh raised."""
    return _forward(pose, _limb(pose, "hip", "knee"), _limb(start_of(pose), "hip", "knee"))


@feature("thigh_outward", "1", "hip knee", sided=True, relative=True, floor=_FLOOR)
def _thigh_outward(pose: Pose) -> FloatArray:
    """Outward part of the thigh's direction less that of the start position: positive away from the midline."""
    return _outward(pose, _limb(pose, "hip", "knee"), _limb(start_of(pose), "hip", "knee"))


@feature("thigh_upward", "1", "hip knee", sided=True, relative=True, floor=_FLOOR)
def _thigh_upward(pose: Pose) -> FloatArray:
    """Upward part of the thigh's direction less that of the start position: 1 from hanging to level."""
    return _upward(_limb(pose, "hip", "knee"), _limb(start_of(pose), "hip", "knee"))


@feature("shank_forward", "1", "hip knee ankle", sided=True, relative=True, floor=_FLOOR)
def _shank_forward(pose: Pose) -> FloatArray:
    """Forward part of the shank's direction (knee to ankle) less that of the start position: negative knee ahead."""
    return _forward(pose, _limb(pose, "knee", "ankle"), _limb(start_of(pose), "knee", "ankle"))


@feature("shank_outward", "1", "hip knee ankle", sided=True, relative=True, floor=_FLOOR)
def _shank_outward(pose: Pose) -> FloatArray:
    """Outward part of the shank's direction less that of the start position: positive knee inside the ankle."""
    return _outward(pose, _limb(pose, "knee", "ankle"), _limb(start_of(pose), "knee", "ankle"))


@feature("shank_upward", "1", "knee ankle", sided=True, relative=True, floor=_FLOOR)
def _shank_upward(pose: Pose) -> FloatArray:
    """Upward part of the shank's direction less that of the start position: 1 from upright to level."""
    return _upward(_limb(pose, "knee", "ankle"), _limb(start_of(pose), "knee", "ankle"))


@feature("upper_arm_forward", "1", "hip shoulder elbow", sided=True, relative=True, floor=_FLOOR)
def _upper_arm_forward(pose: Pose) -> FloatArray:
    """Forward part of the upper arm's direction (shoulder to elbow) less that of the start position."""
    return _forward(pose, _limb(pose, "shoulder", "elbow"), _limb(start_of(pose), "shoulder", "elbow"))


@feature("upper_arm_outward", "1", "hip shoulder elbow", sided=True, relative=True, floor=_FLOOR)
def _upper_arm_outward(pose: Pose) -> FloatArray:
    """Outward part of the upper arm's direction less that of the start position: positive away from the midline."""
    return _outward(pose, _limb(pose, "shoulder", "elbow"), _limb(start_of(pose), "shoulder", "elbow"))


@feature("upper_arm_upward", "1", "shoulder elbow", sided=True, relative=True, floor=_FLOOR)
def _upper_arm_upward(pose: Pose) -> FloatArray:
    """Upward part of the upper arm's direction less that of the start position: 2 from hanging to overhead."""
    return _upward(_limb(pose, "shoulder", "elbow"), _limb(start_of(pose), "shoulder", "elbow"))


@feature("forearm_forward", "1", "hip elbow wrist", sided=True, relative=True, floor=_FLOOR)
def _forearm_forward(pose: Pose) -> FloatArray:
    """Forward part of the forearm's direction (elbow to wrist) less that of the start position."""
    return _forward(pose, _limb(pose, "elbow", "wrist"), _limb(start_of(pose), "elbow", "wrist"))


@feature("forearm_outward", "1", "hip elbow wrist", sided=True, relative=True, floor=_FLOOR)
def _forearm_outward(pose: Pose) -> FloatArray:
    """Outward part of the forearm's direction less that of the start position: positive away from the midline."""
    return _outward(pose, _limb(pose, "elbow", "wrist"), _limb(start_of(pose), "elbow", "wrist"))


@feature("forearm_upward", "1", "elbow wrist", sided=True, relative=True, floor=_FLOOR)
def _forearm_upward(pose: Pose) -> FloatArray:
    """Upward part of the forearm's direction less that of the start position: 2 from hanging to straight up."""
    return _upward(_limb(pose, "elbow", "wrist"), _limb(start_of(pose), "elbow", "wrist"))


@feature("trunk_forward", "1", "hip shoulder", sided=True, relative=True, floor=_FLOOR)
def _trunk_forward(pose: Pose) -> FloatArray:
    """Forward part of the trunk's direction (hips to shoulders) less that of the start position; both sides alike."""
    return _forward(pose, _trunk(pose), _trunk(start_of(pose)))


@feature("trunk_outward", "1", "hip shoulder", sided=True, relative=True, floor=_FLOOR)
def _trunk_outward(pose: Pose) -> FloatArray:
    """Part of the trunk's direction towards this side, less that of the start position."""
    return _outward(pose, _trunk(pose), _trunk(start_of(pose)))


@feature("trunk_upward", "1", "hip shoulder", sided=True, relative=True, floor=_FLOOR)
def _trunk_upward(pose: Pose) -> FloatArray:
    """Upward part of the trunk's direction less that of the start position: -1 from upright to level; both sides alike."""
    return _upward(_trunk(pose), _trunk(start_of(pose)))


@feature("head_forward", "1", "hip shoulder ear", sided=True, relative=True, floor=_FLOOR)
def _head_forward(pose: Pose) -> FloatArray:
    """Forward part of the direction from shoulders to ears less that of the start position; both sides alike."""
    return _forward(pose, _head(pose), _head(start_of(pose)))


@feature("head_outward", "1", "hip shoulder ear", sided=True, relative=True, floor=_FLOOR)
def _head_outward(pose: Pose) -> FloatArray:
    """Part of the direction from shoulders to ears towards this side, less that of the start position."""
    return _outward(pose, _head(pose), _head(start_of(pose)))


@feature("head_upward", "1", "shoulder ear", sided=True, relative=True, floor=_FLOOR)
def _head_upward(pose: Pose) -> FloatArray:
    """Upward part of the direction from shoulders to ears less that of the start position; both sides alike."""
    return _upward(_head(pose), _head(start_of(pose)))


@feature("pelvis_turn", "1", "hip", sided=True, relative=True, floor=_FLOOR)
def _pelvis_turn(pose: Pose) -> FloatArray:
    """How far this hip has turned forward of the other: forward part of the line of the hips less that of the start."""
    return _forward(pose, _line(pose, "hip"), _line(start_of(pose), "hip"))


@feature("pelvis_hike", "1", "hip", sided=True, relative=True, floor=_FLOOR)
def _pelvis_hike(pose: Pose) -> FloatArray:
    """How far this hip has risen over the other: upward part of the line of the hips less that of the start position."""
    return _upward(_line(pose, "hip"), _line(start_of(pose), "hip"))


@feature("shoulders_turn", "1", "hip shoulder", sided=True, relative=True, floor=_FLOOR)
def _shoulders_turn(pose: Pose) -> FloatArray:
    """How far this shoulder has turned forward of the other: as `pelvis_turn`, of the line of the shoulders."""
    return _forward(pose, _line(pose, "shoulder"), _line(start_of(pose), "shoulder"))


@feature("shoulders_hike", "1", "shoulder", sided=True, relative=True, floor=_FLOOR)
def _shoulders_hike(pose: Pose) -> FloatArray:
    """How far this shoulder has risen over the other: as `pelvis_hike`, of the line of the shoulders."""
    return _upward(_line(pose, "shoulder"), _line(start_of(pose), "shoulder"))
