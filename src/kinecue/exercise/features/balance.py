"""Features of balance: where the body's centre of mass is. What the hands hold is not part of it."""

from __future__ import annotations

import numpy as np

from kinecue.body.anthropometry import SEGMENT_MASS
from kinecue.exercise.features.geometry import ahead_of, dot
from kinecue.exercise.features.registry import feature
from kinecue.exercise.pose import FloatArray, Pose

_FRONTAL = "front, back"
_SAGITTAL = "side"
_BODY = "shoulder elbow wrist hip knee ankle"
_HEAD = 1.35
"""Where the head's centre of mass is on the line from mid-hip to mid-shoulder: 17 cm beyond shoulders that are 50 cm up."""


def _weights() -> dict[str, float]:
    """Share of the whole that the middle of each pair of joints stands for (de Leva 1996, table 4, males).

    A segment's mass is split between its ends by the place of its own centre of mass: thigh 0.410, shank 0.446, upper arm
    0.577, forearm 0.457 from the proximal joint, trunk 0.55 from the hips (recomputed for these ends); hands are put on
    the wrists and feet on the ankles.
    """
    m = SEGMENT_MASS
    weights = dict.fromkeys(_BODY.split(), 0.0)
    for proximal, distal, mass, share in (
        ("hip", "shoulder", m["trunk"], 0.55),
        ("hip", "shoulder", m["head"], _HEAD),
        ("hip", "knee", 2.0 * m["thigh"], 0.4095),
        ("knee", "ankle", 2.0 * m["shank"], 0.4459),
        ("shoulder", "elbow", 2.0 * m["upper_arm"], 0.5772),
        ("elbow", "wrist", 2.0 * m["forearm"], 0.4574),
    ):
        weights[proximal] += mass * (1.0 - share)
        weights[distal] += mass * share
    weights["ankle"] += 2.0 * m["foot"]
    weights["wrist"] += 2.0 * m["hand"]
    whole = sum(weights.values())
    return {joint: weight / whole for joint, weight in weights.items()}


_WEIGHTS = _weights()


def centre_of_mass(pose: Pose) -> FloatArray:
    """(B, 3) of the body, m."""
    return pose.cached("centre_of_mass", _centre_of_mass)


def _centre_of_mass(pose: Pose) -> FloatArray:
    total = 0.0 * pose.middle("hip")
    for joint, weight in _WEIGHTS.items():
        total = total + weight * pose.middle(joint)
    result: FloatArray = total
    return result


@feature("balance", "m", _BODY, floor=0.015, views=_SAGITTAL)
def _balance(pose: Pose) -> FloatArray:
    """Centre of mass of the body ahead of the middle between the ankles, horizontally: 0 over them."""
    return ahead_of(pose, centre_of_mass(pose), pose.middle("ankle"))


@feature("centre_of_mass_ahead", "m", f"{_BODY} heel foot_index", floor=0.015, views=_SAGITTAL)
def _centre_of_mass_ahead(pose: Pose) -> FloatArray:
    """Centre of mass of the body ahead of mid-foot (half way from heel to toe), horizontally: 0 over mid-foot."""
    middle = 0.5 * (pose.middle("heel") + pose.middle("foot_index"))
    return ahead_of(pose, centre_of_mass(pose), middle)


@feature("centre_of_mass_over_foot", "1", f"{_BODY} heel foot_index", floor=0.08, views=_SAGITTAL)
def _centre_of_mass_over_foot(pose: Pose) -> FloatArray:
    """Where the centre of mass is over the feet, as a share of their length: 0 over the heels, 1 over the toes."""
    heel, toe = pose.middle("heel"), pose.middle("foot_index")
    foot = (toe - heel)[..., :2]
    away = (centre_of_mass(pose) - heel)[..., :2]
    result: FloatArray = (foot * away).sum(-1) / (foot * foot).sum(-1)
    return result


@feature("centre_of_mass_aside", "m", _BODY, floor=0.012, mirrored=True, views=_FRONTAL)
def _centre_of_mass_aside(pose: Pose) -> FloatArray:
    """Centre of mass of the body beside the middle between the ankles: 0 centred, positive to the left."""
    return dot(centre_of_mass(pose) - pose.middle("ankle"), pose.axes[0])


@feature("hang_angle", "rad", _BODY, floor=2.0, views=_SAGITTAL)
def _hang_angle(pose: Pose) -> FloatArray:
    """Line from mid-hand to the centre of mass out of the vertical, in the sagittal plane: 0 hanging, forward positive.

    It does not matter which end is up.
    """
    line = centre_of_mass(pose) - pose.middle("wrist")
    result: FloatArray = np.arctan2(dot(line, pose.axes[1]), np.abs(line[:, 2]))
    return result


@feature("hang_shift", "m", _BODY, floor=0.015, mirrored=True, views=_FRONTAL)
def _hang_shift(pose: Pose) -> FloatArray:
    """Centre of mass beside the middle between the hands: 0 under it, positive to the left."""
    return dot(centre_of_mass(pose) - pose.middle("wrist"), pose.axes[0])
