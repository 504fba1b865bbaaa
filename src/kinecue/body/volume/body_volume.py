"""A person's body as a volume: its mesh in the posture of the landmarks, its segments' masses and centres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinecue.body.volume.asset import BodyAsset, reduced_surface
from kinecue.body.volume.posing import Poser
from kinecue.body.volume.segments import SEGMENTS, BodySegment, bone_of, measure, segment_of
from kinecue.body.volume.silhouette import Mesh
from kinecue.body.volume.skinning import BoneTransforms, skin
from kinecue.body.volume.solids import BodySolids

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PosedVolume:
    """A body's volume in one posture, 16 segments in the order of `kinecue.body.volume.segments.SEGMENTS`.

    Attributes:
        vertices: (W, 3) float32, of the light mesh, m, in the frame of the landmarks.
        centres: (16, 3) centres of mass of the segments, m.
        inertias: (16, 3, 3) about these centres, axes of the frame, kg m2.
        centre_of_mass: (3,) of the whole body, m.
    """

    vertices: NDArray[np.float32]
    centres: FloatArray
    inertias: FloatArray
    centre_of_mass: FloatArray


class BodyVolume:
    """The volume of one person.

    Attributes:
        body: the mesh in its rest pose.
        mass_std: standard deviation of the mass, kg; NaN unknown.
        triangles: (T, 3) of the light mesh, outward by the right-hand rule.
        triangle_segments: (T,) index into `SEGMENTS` of each.
    """

    def __init__(self, body: BodyAsset, mass_std: float = float("nan")) -> None:
        self.body = body
        self.mass_std = mass_std
        self._poser = Poser(body)
        kept, self.triangles = reduced_surface()
        self._rest = body.vertices[kept].astype(np.float32)
        self._weights = np.ascontiguousarray(body.weights[kept])
        segments = np.array([SEGMENTS.index(segment_of(bone)) for bone in body.bones])
        shares = np.zeros((len(kept), len(SEGMENTS)))
        np.add.at(shares.T, segments, self._weights.T.astype(np.float64))
        self.triangle_segments: IntArray = shares[self.triangles].sum(1).argmax(1)
        index = {bone: j for j, bone in enumerate(body.bones)}
        self._bones = np.array([index[bone_of(name)] for name in SEGMENTS])

    @cached_property
    def segments(self) -> dict[str, BodySegment]:
        """Volume, mass, centre and inertia in the rest pose by name of the segment."""
        return measure(self.body.vertices)

    @cached_property
    def masses(self) -> FloatArray:
        """(16,) of the segments, kg."""
        return np.array([segment.mass for segment in self.segments.values()])

    @cached_property
    def volumes(self) -> FloatArray:
        """(16,) of the segments, m3."""
        return np.array([segment.volume for segment in self.segments.values()])

    @property
    def mass(self) -> float:
        """Of the body, kg."""
        return float(self.masses.sum())

    @property
    def volume(self) -> float:
        """Of the body, m3."""
        return float(self.volumes.sum())

    @cached_property
    def solids(self) -> BodySolids:
        """The solids that tell what hides what, of this body's own size."""
        return BodySolids.of(self.body)

    @cached_property
    def _rest_centres(self) -> tuple[FloatArray, FloatArray]:
        segments = self.segments.values()
        return np.stack([s.centre for s in segments]), np.stack([s.inertia for s in segments])

    def posed(self, points: FloatArray) -> PosedVolume | None:
        """The volume in a posture.

        Args:
            points: (33, 3) positions of the landmarks of `BLAZEPOSE_33`, m; what is not known is NaN.

        Returns:
            None if one of the twelve main joints is not known.
        """
        transforms = self._poser.transforms(points)
        if not np.isfinite(transforms.offsets).all():
            return None
        return self._placed(transforms)

    def mesh(self, posed: PosedVolume) -> Mesh:
        """The light mesh in a posture, with what segment each triangle is of."""
        return Mesh(posed.vertices, self.triangles, self.triangle_segments)

    def _placed(self, transforms: BoneTransforms) -> PosedVolume:
        centres, inertias = self._rest_centres
        rotations, offsets = transforms.rotations[self._bones], transforms.offsets[self._bones]
        moved = (rotations @ centres[:, :, None])[:, :, 0] + offsets
        return PosedVolume(
            skin(self._rest, self._weights, transforms),
            moved,
            rotations @ inertias @ rotations.transpose(0, 2, 1),
            self.masses @ moved / self.mass,
        )
