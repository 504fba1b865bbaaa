"""Posing a body: rotations of its bones, forward kinematics of their tree, linear blend skinning of the surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError

FloatArray = NDArray[np.float64]


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


class BoneTree:
    """The skeleton's tree, laid out so that forward kinematics needs no loop over the bones.

    Attributes:
        arms: (J, 3) from a bone's parent to its head in the rest pose; zero for the pelvis, from which all
            is reckoned.
        turned_by: (J,) the bone that turns the arm.
        rest_mid_hip: (3,) middle between the hips in the rest pose, m.
        ancestors: (J, J) one where the arm of the column lies between the pelvis and the head of the row.
    """

    def __init__(self, bones: Sequence[str], parents: NDArray[np.int64], heads: FloatArray) -> None:
        index = {bone: j for j, bone in enumerate(bones)}
        self._heads = heads
        self._parents = parents.tolist()
        self._index = index
        pelvis = self._pelvis = index["pelvis"]
        self.rest_mid_hip: FloatArray = (heads[index["thigh_l"]] + heads[index["thigh_r"]]) / 2.0
        count = len(parents)
        self.turned_by = np.where(parents < 0, pelvis, parents)
        self.turned_by[pelvis] = pelvis
        self.arms = heads - heads[self.turned_by]
        self.ancestors = np.eye(count)
        for j, parent in enumerate(self._parents):
            if parent >= 0 and j != pelvis:
                self.ancestors[j] += self.ancestors[parent]
        # the root hangs on the pelvis instead of carrying it
        root = self._parents.index(-1)
        self.ancestors[:, root] = 0.0
        self.ancestors[root, root] = 1.0
        self._sources: dict[tuple[str, ...], NDArray[np.int64]] = {}

    def rotations(self, named: dict[str, FloatArray]) -> FloatArray:
        """(J, 3, 3) rotation of every bone; one without a name turns with its parent.

        Raises:
            KineCueError: a name that is no bone's, or the pelvis is missing.
        """
        key = tuple(named)
        source = self._sources.get(key)
        if source is None:
            source = self._sources[key] = self._resolved(key)
        result: FloatArray = np.stack(list(named.values()))[source]
        return result

    def _resolved(self, named: tuple[str, ...]) -> NDArray[np.int64]:
        """(J,) which of the named rotations every bone takes."""
        unknown = sorted(set(named) - set(self._index))
        if unknown:
            raise KineCueError(f"pose: rotations: no bone {unknown[0]!r}; allowed: {', '.join(self._index)}")
        if "pelvis" not in named:
            raise KineCueError("pose: rotations: must name the pelvis")
        own = {self._index[bone]: i for i, bone in enumerate(named)}
        pelvis = own[self._index["pelvis"]]
        source: list[int] = []
        for j, parent in enumerate(self._parents):
            source.append(pelvis if parent < 0 else own.get(j, source[parent]))
        return np.array(source)

    def transforms(self, pose: Pose) -> BoneTransforms:
        """Forward kinematics."""
        return self.placed(self.rotations(pose.rotations), pose.mid_hip)

    def placed(self, rotations: FloatArray, mid_hip: FloatArray) -> BoneTransforms:
        """Forward kinematics with a rotation (J, 3, 3) for every bone."""
        # every bone's arm, turned by its parent, summed up along the tree
        turned = np.einsum("jab,jb->ja", rotations[self.turned_by], self.arms)
        heads = self.ancestors @ turned
        heads += mid_hip + rotations[self._pelvis] @ (self._heads[self._pelvis] - self.rest_mid_hip)
        offsets = heads - np.einsum("jab,jb->ja", rotations, self._heads)
        return BoneTransforms(rotations, offsets, heads)


def skin(
    vertices: NDArray[np.float32], weights: NDArray[np.float32], transforms: BoneTransforms
) -> NDArray[np.float32]:
    """Linear blend skinning: (V, 3) rest vertices with (V, J) weights to (V, 3) posed vertices, m."""
    count = len(transforms.offsets)
    table = np.concatenate([transforms.rotations, transforms.offsets[:, :, None]], 2).reshape(count, 12)
    blended = (weights @ table.astype(np.float32)).reshape(-1, 3, 4)
    result: NDArray[np.float32] = np.einsum("vab,vb->va", blended[:, :, :3], vertices) + blended[:, :, 3]
    return result
