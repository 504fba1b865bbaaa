"""The articulated body that is fitted to the image: joints, segments of constant length, masses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import SEGMENT_MASS, SegmentLengths
from kinecue.body.landmarks import Landmark as L

FloatArray = NDArray[np.float64]

JOINTS: tuple[L, ...] = (
    L.LEFT_SHOULDER,
    L.RIGHT_SHOULDER,
    L.LEFT_HIP,
    L.RIGHT_HIP,
    L.LEFT_KNEE,
    L.RIGHT_KNEE,
    L.LEFT_ANKLE,
    L.RIGHT_ANKLE,
    L.LEFT_ELBOW,
    L.RIGHT_ELBOW,
    L.LEFT_WRIST,
    L.RIGHT_WRIST,
    L.LEFT_FOOT_INDEX,
    L.RIGHT_FOOT_INDEX,
    L.LEFT_HEEL,
    L.RIGHT_HEEL,
)
"""Points of the fit, in the order of its arrays: twelve joint centres, then toes and heels."""

SEGMENTS: tuple[str, ...] = (
    "pelvis",
    "trunk",
    "shoulders",
    "left_thigh",
    "right_thigh",
    "left_shank",
    "right_shank",
    "left_upper_arm",
    "right_upper_arm",
    "left_forearm",
    "right_forearm",
    "left_foot",
    "right_foot",
)
"""Segments, each a unit vector times a length: pelvis and shoulders point to the person's left, trunk up, limbs distally,
feet from the ankle to the toes."""

JOINT_INDEX = {joint: i for i, joint in enumerate(JOINTS)}
SEGMENT_INDEX = {name: i for i, name in enumerate(SEGMENTS)}
NJ, NS = len(JOINTS), len(SEGMENTS)
NY = 3 + 3 * NS + 6
"""Size of the state y: mid-hip position, unit vector of each segment, shift of each shoulder (left, right) against the
place that a rigid trunk would give it, m."""
NX = 3 + 2 * NS + 6
"""Degrees of freedom."""
SIDES = ("left", "right")

SEGMENT_ENDS: dict[str, tuple[L, L]] = {
    "pelvis": (L.RIGHT_HIP, L.LEFT_HIP),
    "shoulders": (L.RIGHT_SHOULDER, L.LEFT_SHOULDER),
    "left_thigh": (L.LEFT_HIP, L.LEFT_KNEE),
    "right_thigh": (L.RIGHT_HIP, L.RIGHT_KNEE),
    "left_shank": (L.LEFT_KNEE, L.LEFT_ANKLE),
    "right_shank": (L.RIGHT_KNEE, L.RIGHT_ANKLE),
    "left_upper_arm": (L.LEFT_SHOULDER, L.LEFT_ELBOW),
    "right_upper_arm": (L.RIGHT_SHOULDER, L.RIGHT_ELBOW),
    "left_forearm": (L.LEFT_ELBOW, L.LEFT_WRIST),
    "right_forearm": (L.RIGHT_ELBOW, L.RIGHT_WRIST),
    "left_foot": (L.LEFT_ANKLE, L.LEFT_FOOT_INDEX),
    "right_foot": (L.RIGHT_ANKLE, L.RIGHT_FOOT_INDEX),
}
"""Proximal and distal point of the segments that have two; the trunk runs from mid-hip to mid-shoulder."""

_TRUNK_WAY = (("trunk", 1.0),)
_ENDS_OF_CHAINS: dict[L, tuple[tuple[str, float], ...]] = {
    L.LEFT_HIP: (("pelvis", 0.5),),
    L.RIGHT_HIP: (("pelvis", -0.5),),
    L.LEFT_SHOULDER: (*_TRUNK_WAY, ("shoulders", 0.5)),
    L.RIGHT_SHOULDER: (*_TRUNK_WAY, ("shoulders", -0.5)),
}


def _chains() -> dict[L, tuple[tuple[str, float], ...]]:
    chains = dict(_ENDS_OF_CHAINS)
    for side in SIDES:
        for limb in ("thigh", "shank", "upper_arm", "forearm", "foot"):
            start, end = SEGMENT_ENDS[f"{side}_{limb}"]
            chains[end] = (*chains[start], (f"{side}_{limb}", 1.0))
        chains[L(f"{side}_heel")] = chains[L(f"{side}_ankle")]
    return chains


_CHAINS = _chains()

FOOT_SHARE = 0.255
"""Ankle to the ball of the foot where the toes begin, as a share of the leg from hip to ankle: 0.125 of 0.491 statures
(foot length 0.152 H, Winter fig. 4.1, less the toes and what of the heel lies behind the ankle)."""
_HEEL_ALONG, _HEEL_BELOW = -0.056, 0.074
"""Heel against the ankle along the foot and below it, shares of the same leg: flat on the floor the heel's centre is half
as high as the ankle."""
_STANDING_PITCH = 0.28
"""Of the ankle over the toes, over their distance, in a foot that stands flat (sine)."""


def segment_vectors(points: FloatArray) -> FloatArray:
    """(..., 16, 3) joint positions to (..., 13, 3) segment vectors, m."""
    result = np.empty((*points.shape[:-2], NS, 3))
    for name, (proximal, distal) in SEGMENT_ENDS.items():
        result[..., SEGMENT_INDEX[name], :] = (
            points[..., JOINT_INDEX[distal], :] - points[..., JOINT_INDEX[proximal], :]
        )
    hips = points[..., [JOINT_INDEX[L.LEFT_HIP], JOINT_INDEX[L.RIGHT_HIP]], :].mean(-2)
    shoulders = points[..., [JOINT_INDEX[L.LEFT_SHOULDER], JOINT_INDEX[L.RIGHT_SHOULDER]], :].mean(-2)
    result[..., SEGMENT_INDEX["trunk"], :] = shoulders - hips
    return result


def _centre_of_mass_weights() -> FloatArray:
    """(16,) weights of the points that give the centre of mass (de Leva 1996, table 4, males).

    A segment's mass is split between its ends by the place of its own centre of mass. Head and trunk together are put
    0.58 of the way from mid-hip to mid-shoulder, hands on the wrists and feet on the ankles.
    """
    m = SEGMENT_MASS
    weights = dict.fromkeys(JOINTS, 0.0)
    for side in SIDES:
        for proximal, distal, mass, share in (
            ("hip", "shoulder", (m["trunk"] + m["head"]) / 2, 0.58),
            ("hip", "knee", m["thigh"], 0.4095),
            ("knee", "ankle", m["shank"], 0.4459),
            ("shoulder", "elbow", m["upper_arm"], 0.5772),
            ("elbow", "wrist", m["forearm"], 0.4574),
        ):
            weights[L(f"{side}_{proximal}")] += mass * (1 - share)
            weights[L(f"{side}_{distal}")] += mass * share
        weights[L(f"{side}_ankle")] += m["foot"]
        weights[L(f"{side}_wrist")] += m["hand"]
    result = np.array([weights[joint] for joint in JOINTS])
    normalized: FloatArray = result / result.sum()
    return normalized


CENTRE_OF_MASS = _centre_of_mass_weights()

_HEELS = tuple((JOINT_INDEX[L(f"{side}_heel")], SEGMENT_INDEX[f"{side}_foot"]) for side in SIDES)
_GIRDLED = tuple(
    np.array([JOINT_INDEX[L(f"{side}_{j}")] for j in ("shoulder", "elbow", "wrist")]) for side in SIDES
)


@dataclass(frozen=True)
class Skeleton:
    """Segments with a person's lengths.

    Points are linear in the state y (see `NY`), heels in one that knows which way the feet's own left is.
    """

    lengths: SegmentLengths

    @cached_property
    def leg(self) -> float:
        """Thigh and shank, m."""
        return self.lengths.thigh + self.lengths.shank

    @cached_property
    def segment_lengths(self) -> FloatArray:
        """(13,) length of each of `SEGMENTS`, m."""
        by_name = {**vars(self.lengths), "foot": FOOT_SHARE * self.leg}
        return np.array([by_name[name.removeprefix("left_").removeprefix("right_")] for name in SEGMENTS])

    @cached_property
    def toe_drop(self) -> float:
        """How much lower than the ankle the toes' joint of a flat foot is, m."""
        return _STANDING_PITCH * FOOT_SHARE * self.leg

    @cached_property
    def chain(self) -> FloatArray:
        """(16, 13) how often each segment (times its length) is walked from mid-hip to each point."""
        result = np.zeros((NJ, NS))
        for joint, steps in _CHAINS.items():
            for segment, factor in steps:
                result[JOINT_INDEX[joint], SEGMENT_INDEX[segment]] = factor
        return result

    @cached_property
    def _fixed_map(self) -> FloatArray:
        scaled = self.chain * self.segment_lengths
        result = np.zeros((NJ, 3, NY))
        for axis in range(3):
            result[:, axis, axis] = 1.0
            result[:, axis, 3 + axis : 3 + 3 * NS : 3] = scaled
            for side, rows in enumerate(_GIRDLED):
                result[rows, axis, 3 + 3 * NS + 3 * side + axis] = 1.0
        return result

    def joint_map(self, left: FloatArray) -> FloatArray:
        """(16, 3, 48) from y to the points.

        Args:
            left: (2, 3) unit vectors towards the left of the left and of the right foot, across it.
        """
        result = self._fixed_map.copy()
        for (joint, segment), axis in zip(_HEELS, left, strict=True):
            # below the foot's line is left x foot
            x, y, z = axis * (_HEEL_BELOW * self.leg)
            along = _HEEL_ALONG * self.leg
            k = 3 + 3 * segment
            result[joint, :, k : k + 3] = [[along, -z, y], [z, along, -x], [-y, x, along]]
        return result
