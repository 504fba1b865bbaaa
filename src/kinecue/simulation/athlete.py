"""The synthetic athlete: a skinned body on a skeleton whose segments do not change their length."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark
from kinecue.simulation.asset import BodyAsset, load_body

FloatArray = NDArray[np.float64]

SOLE = 0.018
"""Thickness of the shoe's sole under the heel, m."""
STATURE_RANGE = (1.45, 2.10)
"""Statures that the bodies can be scaled to, m."""

_BONE_OF_LANDMARK: dict[Landmark, str] = {
    Landmark(f"{side}_{name}"): f"{bone}_{side[0]}"
    for side in ("left", "right")
    for name, bone in (
        ("shoulder", "upperarm"),
        ("elbow", "lowerarm"),
        ("wrist", "hand"),
        ("pinky", "pinky_01"),
        ("index", "index_01"),
        ("thumb", "thumb_02"),
        ("hip", "thigh"),
        ("knee", "calf"),
        ("ankle", "foot"),
    )
}
"""Joint centres: a landmark is where this bone turns."""
_ATTACHED: dict[str, tuple[str, ...]] = {"heel": ("foot",), "foot_index": ("ball",)}
"""Surface points and the bone that carries them; everything else of the asset is on the head."""


@dataclass(frozen=True)
class Pose:
    """A posture.

    Attributes:
        mid_hip: (3,) middle between the hip joint centres.
        rotations: (3, 3) by bone name, from the rest pose, in the frame of `mid_hip`. A bone that is not
            named turns with its parent; ``pelvis`` must be named.
    """

    mid_hip: FloatArray
    rotations: dict[str, FloatArray] = field(default_factory=dict)

    def moved(self, rotation: FloatArray, translation: FloatArray) -> Pose:
        """The same posture elsewhere: every point x becomes ``rotation @ x + translation``."""
        turned = {bone: rotation @ r for bone, r in self.rotations.items()}
        return Pose(rotation @ self.mid_hip + translation, turned)


@dataclass(frozen=True)
class BoneTransforms:
    """Where every bone is: a rest point x carried by bone j is at ``rotations[j] @ x + offsets[j]``.

    Attributes:
        rotations: (J, 3, 3).
        offsets: (J, 3), m.
        heads: (J, 3) where each bone turns, m.
    """

    rotations: FloatArray
    offsets: FloatArray
    heads: FloatArray


class Athlete:
    """A body of a given sex and stature.

    Rest points are in the athlete's own frame (x forward, y left, z up, floor between the feet, metres), in
    shoes.
    """

    def __init__(self, sex: str = "male", stature: float = 1.78) -> None:
        """Load and scale a body.

        Args:
            sex: ``male`` or ``female``.
            stature: without shoes, m.

        Raises:
            KineCueError: `sex` or `stature` is not allowed, or the asset cannot be read.
        """
        low, high = STATURE_RANGE
        if not low <= stature <= high:
            raise KineCueError(f"athlete: stature must be {low} to {high} m, got {stature}")
        self.sex = sex
        self.stature = stature
        self.asset: BodyAsset = load_body(sex)
        self.scale = stature / self.asset.stature
        shift = np.array([0.0, 0.0, SOLE])
        self.vertices: FloatArray = self.asset.vertices * self.scale + shift
        self.heads: FloatArray = self.asset.heads * self.scale + shift
        self.bone_index = {name: i for i, name in enumerate(self.asset.bones)}
        self._surface_points = {k: p * self.scale + shift for k, p in self.asset.landmarks.items()}

    def head(self, bone: str) -> FloatArray:
        """(3,) where a bone turns in the rest pose, m."""
        row: FloatArray = self.heads[self.bone_index[bone]]
        return row

    @cached_property
    def rest_mid_hip(self) -> FloatArray:
        """(3,) middle between the hips in the rest pose, m."""
        mean: FloatArray = (self.head("thigh_l") + self.head("thigh_r")) / 2.0
        return mean

    @cached_property
    def rest_landmarks(self) -> dict[Landmark, tuple[str, FloatArray]]:
        """Every landmark: the bone that carries it and its (3,) rest position, m."""
        result: dict[Landmark, tuple[str, FloatArray]] = {}
        for landmark in Landmark:
            if landmark in _BONE_OF_LANDMARK:
                bone = _BONE_OF_LANDMARK[landmark]
                result[landmark] = (bone, self.head(bone))
                continue
            side, _, name = landmark.value.partition("_")
            bone = f"{_ATTACHED[name][0]}_{side[0]}" if name in _ATTACHED else "head"
            result[landmark] = (bone, self._surface_points[landmark])
        return result

    @cached_property
    def lengths(self) -> SegmentLengths:
        """Distances between the joint centres, m; left and right are equal by construction."""
        rest = {k: p for k, (_, p) in self.rest_landmarks.items()}

        def distance(a: FloatArray, b: FloatArray) -> float:
            return float(np.linalg.norm(a - b))

        shoulders = rest[Landmark.LEFT_SHOULDER], rest[Landmark.RIGHT_SHOULDER]
        return SegmentLengths(
            pelvis=distance(rest[Landmark.LEFT_HIP], rest[Landmark.RIGHT_HIP]),
            trunk=distance(self.rest_mid_hip, (shoulders[0] + shoulders[1]) / 2.0),
            shoulders=distance(*shoulders),
            thigh=distance(rest[Landmark.LEFT_HIP], rest[Landmark.LEFT_KNEE]),
            shank=distance(rest[Landmark.LEFT_KNEE], rest[Landmark.LEFT_ANKLE]),
            upper_arm=distance(rest[Landmark.LEFT_SHOULDER], rest[Landmark.LEFT_ELBOW]),
            forearm=distance(rest[Landmark.LEFT_ELBOW], rest[Landmark.LEFT_WRIST]),
        )

    def transforms(self, pose: Pose) -> BoneTransforms:
        """Forward kinematics."""
        count = len(self.asset.bones)
        rotations = np.zeros((count, 3, 3))
        heads = np.zeros((count, 3))
        pelvis = pose.rotations["pelvis"]
        for j, (bone, parent) in enumerate(zip(self.asset.bones, self.asset.parents, strict=True)):
            if parent < 0 or bone == "pelvis":
                rotations[j] = pelvis
                heads[j] = pose.mid_hip + pelvis @ (self.heads[j] - self.rest_mid_hip)
                continue
            rotations[j] = pose.rotations.get(bone, rotations[parent])
            heads[j] = heads[parent] + rotations[parent] @ (self.heads[j] - self.heads[parent])
        offsets = heads - np.einsum("jab,jb->ja", rotations, self.heads)
        return BoneTransforms(rotations, offsets, heads)

    def landmarks(self, transforms: BoneTransforms) -> dict[Landmark, FloatArray]:
        """(3,) position of every landmark in the frame of the pose, m."""
        result = {}
        for landmark, (bone, point) in self.rest_landmarks.items():
            j = self.bone_index[bone]
            result[landmark] = transforms.rotations[j] @ point + transforms.offsets[j]
        return result


def skin(
    vertices: NDArray[np.float32], weights: NDArray[np.float32], transforms: BoneTransforms
) -> NDArray[np.float32]:
    """Linear blend skinning: (V, 3) rest vertices with (V, J) weights to (V, 3) posed vertices, m."""
    count = len(transforms.offsets)
    table = np.concatenate([transforms.rotations, transforms.offsets[:, :, None]], 2).reshape(count, 12)
    blended = (weights @ table.astype(np.float32)).reshape(-1, 3, 4)
    result: NDArray[np.float32] = np.einsum("vab,vb->va", blended[:, :, :3], vertices) + blended[:, :, 3]
    return result
