"""Named landmarks and the topologies of the pose networks that deliver them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cached_property

from kinecue.body.errors import KineCueError


class Landmark(str, Enum):
    """A named point of the body; left and right are the person's own."""

    NOSE = "nose"
    LEFT_EYE_INNER = "left_eye_inner"
    LEFT_EYE = "left_eye"
    LEFT_EYE_OUTER = "left_eye_outer"
    RIGHT_EYE_INNER = "right_eye_inner"
    RIGHT_EYE = "right_eye"
    RIGHT_EYE_OUTER = "right_eye_outer"
    LEFT_EAR = "left_ear"
    RIGHT_EAR = "right_ear"
    MOUTH_LEFT = "mouth_left"
    MOUTH_RIGHT = "mouth_right"
    LEFT_SHOULDER = "left_shoulder"
    RIGHT_SHOULDER = "right_shoulder"
    LEFT_ELBOW = "left_elbow"
    RIGHT_ELBOW = "right_elbow"
    LEFT_WRIST = "left_wrist"
    RIGHT_WRIST = "right_wrist"
    LEFT_PINKY = "left_pinky"
    RIGHT_PINKY = "right_pinky"
    LEFT_INDEX = "left_index"
    RIGHT_INDEX = "right_index"
    LEFT_THUMB = "left_thumb"
    RIGHT_THUMB = "right_thumb"
    LEFT_HIP = "left_hip"
    RIGHT_HIP = "right_hip"
    LEFT_KNEE = "left_knee"
    RIGHT_KNEE = "right_knee"
    LEFT_ANKLE = "left_ankle"
    RIGHT_ANKLE = "right_ankle"
    LEFT_HEEL = "left_heel"
    RIGHT_HEEL = "right_heel"
    LEFT_FOOT_INDEX = "left_foot_index"
    RIGHT_FOOT_INDEX = "right_foot_index"
    """Tip of the big toe, as that of the left."""
    HEAD_TOP = "head_top"
    NECK = "neck"
    MID_HIP = "mid_hip"
    LEFT_SMALL_TOE = "left_small_toe"
    RIGHT_SMALL_TOE = "right_small_toe"

    @property
    def mirrored(self) -> Landmark:
        """The same point on the other side; the point itself if it lies in the midline."""
        if "left" in self.value:
            return Landmark(self.value.replace("left", "right"))
        return Landmark(self.value.replace("right", "left"))


class LandmarkState(IntEnum):
    """How a landmark's position was come by. Values equal ``kinecue_msgs/Landmark``."""

    LOST = 0
    """No position: the fields hold NaN."""
    INFERRED = 1
    """Hidden; the position comes from the kinematic model."""
    OBSERVED = 2
    """Seen in this frame."""


@dataclass(frozen=True)
class Topology:
    """An ordered set of landmarks and the bones drawn between them.

    Attributes:
        name: stable name, used in messages.
        landmarks: the landmarks in the order of the arrays that carry them.
        bones: pairs of landmarks joined by a segment.
    """

    name: str
    landmarks: tuple[Landmark, ...]
    bones: tuple[tuple[Landmark, Landmark], ...]

    def __len__(self) -> int:
        return len(self.landmarks)

    @cached_property
    def _indices(self) -> dict[Landmark, int]:
        return {landmark: i for i, landmark in enumerate(self.landmarks)}

    def index(self, landmark: Landmark) -> int:
        """Row of `landmark` in arrays of this topology.

        Raises:
            KineCueError: the topology lacks it.
        """
        try:
            return self._indices[landmark]
        except KeyError:
            raise KineCueError(f"topology {self.name} has no landmark {landmark.value}") from None

    def indices(self, *landmarks: Landmark) -> list[int]:
        """Rows of several landmarks; raises as :meth:`index` does."""
        return [self.index(landmark) for landmark in landmarks]

    def __contains__(self, landmark: Landmark) -> bool:
        return landmark in self._indices

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For each row, the row of the mirrored landmark."""
        return tuple(self.index(landmark.mirrored) for landmark in self.landmarks)


def _both(a: str, b: str) -> tuple[tuple[Landmark, Landmark], ...]:
    return tuple((Landmark(f"{side}_{a}"), Landmark(f"{side}_{b}")) for side in ("left", "right"))


_LIMBS = (
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
    *_both("shoulder", "hip"),
    *_both("shoulder", "elbow"),
    *_both("elbow", "wrist"),
    *_both("hip", "knee"),
    *_both("knee", "ankle"),
)

BLAZEPOSE_33 = Topology(
    "blazepose_33",
    tuple(Landmark)[: tuple(Landmark).index(Landmark.RIGHT_FOOT_INDEX) + 1],
    (
        *_LIMBS,
        *_both("ankle", "heel"),
        *_both("heel", "foot_index"),
        *_both("ankle", "foot_index"),
        *_both("wrist", "index"),
    ),
)
"""MediaPipe BlazePose's 33 landmarks, in its order."""

COCO_17 = Topology(
    "coco_17",
    tuple(
        Landmark(name)
        for name in [
            "nose",
            "left_eye",
            "right_eye",
            "left_ear",
            "right_ear",
            "left_shoulder",
            "right_shoulder",
            "left_elbow",
            "right_elbow",
            "left_wrist",
            "right_wrist",
            "left_hip",
            "right_hip",
            "left_knee",
            "right_knee",
            "left_ankle",
            "right_ankle",
        ]
    ),
    _LIMBS,
)
"""COCO's 17 keypoints, in its order."""

HALPE_26 = Topology(
    "halpe_26",
    (
        *COCO_17.landmarks,
        Landmark.HEAD_TOP,
        Landmark.NECK,
        Landmark.MID_HIP,
        Landmark.LEFT_FOOT_INDEX,
        Landmark.RIGHT_FOOT_INDEX,
        Landmark.LEFT_SMALL_TOE,
        Landmark.RIGHT_SMALL_TOE,
        Landmark.LEFT_HEEL,
        Landmark.RIGHT_HEEL,
    ),
    (
        *_LIMBS,
        *_both("ankle", "heel"),
        *_both("heel", "foot_index"),
        *_both("ankle", "foot_index"),
        *_both("heel", "small_toe"),
        (Landmark.HEAD_TOP, Landmark.NECK),
        (Landmark.NECK, Landmark.MID_HIP),
    ),
)
"""Halpe's 26 body keypoints, in its order: COCO's, head, neck, hip, big toes, small toes, heels.

https://github.com/Fang-Haoshu/Halpe-FullBody; its big toe is BlazePose's "foot index".
"""

TOPOLOGIES = {topology.name: topology for topology in (BLAZEPOSE_33, HALPE_26, COCO_17)}
