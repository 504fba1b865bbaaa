"""Who and what is on stage at a moment: people as skinned meshes with their bones, and things that move."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.picture.solids import Mesh

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

_SMALLEST_SHADOW = 150
"""Bones that carry fewer vertices, such as those of fingers, throw no shadow of their own."""
_DETAILS = (0.006, 0.011, 0.018, 0.030)
"""Sizes of what coarser meshes leave out, m."""


@dataclass(frozen=True)
class SkinnedMesh:
    """A mesh that follows the bones.

    Attributes:
        vertices, normals: (V, 3) in the rest pose, float32; m and unit vectors.
        weights: (V, J) shares of the bones, float32.
        faces: (F, 4).
        colours: (F, 3) blue, green, red, 0 to 255, float32.
        nearer: (F,) what painter's order takes off the distance, m: cloth is drawn over the skin under it.
        gloss: (F,) strength of the highlight, 0 to 1.
    """

    vertices: Float32Array
    normals: Float32Array
    weights: Float32Array
    faces: IntArray
    colours: Float32Array
    nearer: Float32Array
    gloss: Float32Array

    @cached_property
    def _columns(self) -> tuple[Float32Array, Float32Array, Float32Array]:
        """Vertices, normals and weights with one column per vertex."""
        return (
            np.ascontiguousarray(self.vertices.T),
            np.ascontiguousarray(self.normals.T),
            np.ascontiguousarray(self.weights.T),
        )

    @cached_property
    def _shadow(self) -> tuple[SkinnedMesh, list[IntArray]]:
        strongest = np.argmax(self.weights, axis=1)
        groups = [np.where(strongest == j)[0] for j in np.unique(strongest)]
        hulls = [_hull(self.vertices, rows) for rows in groups if len(rows) >= _SMALLEST_SHADOW]
        every = np.concatenate(hulls) if hulls else np.zeros(0, dtype=np.int64)
        ends = np.cumsum([0] + [len(h) for h in hulls])
        none = np.zeros(0, dtype=np.float32)
        caster = SkinnedMesh(
            self.vertices[every],
            self.normals[every],
            self.weights[every],
            np.zeros((0, 4), dtype=np.int64),
            np.zeros((0, 3), dtype=np.float32),
            none,
            none,
        )
        return caster, [np.arange(end - len(h), end) for h, end in zip(hulls, ends[1:], strict=True)]

    def shadow(self, transforms: BoneTransforms) -> tuple[Float32Array, list[IntArray]]:
        """What throws the shadow: (3, N) points, m, and which of them span the hull of each body part."""
        caster, groups = self._shadow
        return caster.posed(transforms)[0], groups

    @cached_property
    def corner_columns(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """The columns of `faces`, each contiguous."""
        a, b, c, d = np.ascontiguousarray(self.faces.T)
        return a, b, c, d

    @cached_property
    def _coarser(self) -> dict[float, SkinnedMesh]:
        return {}

    def for_detail(self, size: float) -> SkinnedMesh:
        """The same mesh without details smaller than about `size` (m), for a camera that cannot see them."""
        steps = [step for step in _DETAILS if step <= size]
        if not steps:
            return self
        step = steps[-1]
        if step not in self._coarser:
            self._coarser[step] = self._clustered(step)
        return self._coarser[step]

    def _clustered(self, step: float) -> SkinnedMesh:
        """Vertices of one part, bone, cell and direction become one."""
        _, kinds = np.unique(self.nearer + 1j * self.gloss, return_inverse=True)
        part = np.zeros(len(self.vertices), dtype=np.int64)
        for i in range(4):
            part[self.faces[:, i]] = kinds
        cells = np.floor((self.vertices - self.vertices.min(0)) / step).astype(np.int64)
        columns = [part, np.argmax(self.weights, axis=1), *cells.T, *(self.normals > 0.0).T.astype(np.int64)]
        key = np.zeros(len(self.vertices), dtype=np.int64)
        for column in columns:
            key = key * (int(column.max(initial=0)) + 1) + column
        _, cluster, count = np.unique(key, return_inverse=True, return_counts=True)

        def mean(values: Float32Array) -> Float32Array:
            total = np.zeros((len(count), values.shape[1]))
            np.add.at(total, cluster, values)
            result: Float32Array = (total / count[:, None]).astype(np.float32)
            return result

        faces = cluster[self.faces]
        a, b, c, d = faces.T
        # two equal neighbours leave a triangle; anything less has no area
        equal = (a == b).astype(int) + (b == c) + (c == d) + (d == a)
        keep = (a != c) & (b != d) & (equal < 2)
        normals = mean(self.normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        return SkinnedMesh(
            mean(self.vertices),
            normals,
            mean(self.weights),
            faces[keep],
            self.colours[keep],
            self.nearer[keep],
            self.gloss[keep],
        )

    def posed(self, transforms: BoneTransforms) -> tuple[Float32Array, Float32Array]:
        """(3, V) vertices in the frame of the bones, m, and (3, V) unit normals; linear blend skinning."""
        points, normals, weights = self._columns
        count = len(transforms.offsets)
        table = np.concatenate([transforms.rotations, transforms.offsets[:, :, None]], 2).reshape(count, 12)
        blend = (np.ascontiguousarray(table.T, dtype=np.float32) @ weights).reshape(3, 4, -1)
        x, y, z = points
        placed = np.stack([r[0] * x + r[1] * y + r[2] * z + r[3] for r in blend])
        x, y, z = normals
        turned = np.stack([r[0] * x + r[1] * y + r[2] * z for r in blend])
        length = np.sqrt((turned * turned).sum(0))
        turned /= np.maximum(length, np.float32(1e-6))
        return placed, turned


def _hull(vertices: Float32Array, rows: IntArray) -> IntArray:
    try:
        result: IntArray = rows[ConvexHull(vertices[rows].astype(np.float64)).vertices]
    except QhullError:
        return rows
    return result


@dataclass(frozen=True)
class Actor:
    """A person: a dressed body, and where its bones are in the gym frame."""

    mesh: SkinnedMesh
    transforms: BoneTransforms


@dataclass(frozen=True)
class Stage:
    """One moment.

    Attributes:
        actors: everybody, in any order.
        props: things that move, gym frame; long ones cut into pieces, for each face is sorted by its middle.
    """

    actors: tuple[Actor, ...] = ()
    props: Mesh | None = None
