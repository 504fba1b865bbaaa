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
)
"""Joint centres of the fit, in the order of its arrays."""

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
)
"""Segments, each a unit vector times a length: pelvis and shoulders point to the person's left, trunk up, limbs distally."""

JOINT_INDEX = {joint: i for i, joint in enumerate(JOINTS)}
SEGMENT_INDEX = {name: i for i, name in enumerate(SEGMENTS)}

_CHAINS: dict[L, tuple[tuple[str, float], ...]] = {
    L.LEFT_HIP: (("pelvis", 0.5),),
    L.RIGHT_HIP: (("pelvis", -0.5),),
    L.LEFT_KNEE: (("pelvis", 0.5), ("left_thigh", 1.0)),
    L.RIGHT_KNEE: (("pelvis", -0.5), ("right_thigh", 1.0)),
    L.LEFT_ANKLE: (("pelvis", 0.5), ("left_thigh", 1.0), ("left_shank", 1.0)),
    L.RIGHT_ANKLE: (("pelvis", -0.5), ("right_thigh", 1.0), ("right_shank", 1.0)),
    L.LEFT_SHOULDER: (("trunk", 1.0), ("shoulders", 0.5)),
    L.RIGHT_SHOULDER: (("trunk", 1.0), ("shoulders", -0.5)),
    L.LEFT_ELBOW: (("trunk", 1.0), ("shoulders", 0.5), ("left_upper_arm", 1.0)),
    L.RIGHT_ELBOW: (("trunk", 1.0), ("shoulders", -0.5), ("right_upper_arm", 1.0)),
    L.LEFT_WRIST: (("trunk", 1.0), ("shoulders", 0.5), ("left_upper_arm", 1.0), ("left_forearm", 1.0)),
    L.RIGHT_WRIST: (("trunk", 1.0), ("shoulders", -0.5), ("right_upper_arm", 1.0), ("right_forearm", 1.0)),
}

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
}
"""Proximal and distal joint of the segments that have two; the trunk runs from mid-hip to mid-shoulder."""


def segment_vectors(points: FloatArray) -> FloatArray:
    """(..., 12, 3) joint positions to (..., 11, 3) segment vectors, m."""
    result = np.empty((*points.shape[:-2], len(SEGMENTS), 3))
    for name, (proximal, distal) in SEGMENT_ENDS.items():
        result[..., SEGMENT_INDEX[name], :] = (
            points[..., JOINT_INDEX[distal], :] - points[..., JOINT_INDEX[proximal], :]
        )
    hips = points[..., [JOINT_INDEX[L.LEFT_HIP], JOINT_INDEX[L.RIGHT_HIP]], :].mean(-2)
    shoulders = points[..., [JOINT_INDEX[L.LEFT_SHOULDER], JOINT_INDEX[L.RIGHT_SHOULDER]], :].mean(-2)
    result[..., SEGMENT_INDEX["trunk"], :] = shoulders - hips
    return result


def _centre_of_mass_weights() -> FloatArray:
    """(12,) weights of the joints that give the centre of mass (de Leva 1996, table 4, males).

    A segment's mass is split between its ends by the place of its own centre of mass. Head and trunk together are put
    0.58 of the way from mid-hip to mid-shoulder, hands on the wrists and feet on the ankles.
    """
    m = SEGMENT_MASS
    weights = dict.fromkeys(JOINTS, 0.0)
    for side in ("left", "right"):
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


@dataclass(frozen=True)
class Skeleton:
    """Segments with a person's lengths.

    Joint positions are linear in the state y = (mid-hip position, unit vector of each segment).
    """

    lengths: SegmentLengths

    @cached_property
    def segment_lengths(self) -> FloatArray:
        """(11,) length of each of `SEGMENTS`, m."""
        return np.array(
            [getattr(self.lengths, name.removeprefix("left_").removeprefix("right_")) for name in SEGMENTS]
        )

    @cached_property
    def chain(self) -> FloatArray:
        """(12, 11) how often each segment (times its length) is walked from mid-hip to each joint."""
        result = np.zeros((len(JOINTS), len(SEGMENTS)))
        for joint, steps in _CHAINS.items():
            for segment, factor in steps:
                result[JOINT_INDEX[joint], SEGMENT_INDEX[segment]] = factor
        return result

    @cached_property
    def joint_map(self) -> FloatArray:
        """(36, 36) from y (3 + 33) to stacked joint positions (12 x 3)."""
        scaled = self.chain * self.segment_lengths
        result = np.zeros((3 * len(JOINTS), 3 + 3 * len(SEGMENTS)))
        for axis in range(3):
            result[axis::3, axis] = 1.0
            result[axis::3, 3 + axis :: 3] = scaled
        return result

    def joints(self, y: FloatArray) -> FloatArray:
        """(12, 3) joint positions in the base frame, m."""
        result: FloatArray = (self.joint_map @ y).reshape(-1, 3)
        return result
