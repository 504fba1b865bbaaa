"""The synthetic athlete: a skinned body on a skeleton whose segments do not change their length."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.body.volume.asset import SEXES, BodyAsset
from kinecue.body.volume.marks import carrier, is_joint
from kinecue.body.volume.proportions import lengths_of
from kinecue.body.volume.segments import BodySegment, measure
from kinecue.body.volume.shape import BodyShape
from kinecue.body.volume.skinning import BoneTransforms, BoneTree, Pose
from kinecue.body.volume.solver import solve_body
from kinecue.simulation.athletes.presets import ATHLETES

FloatArray = NDArray[np.float64]

SOLE = 0.018
"""Thickness of the shoe's sole under the heel, m."""
STOCK_STATURE = {"male": 1.8215, "female": 1.7181}
"""Stature for which the thickness of clothes and the like is stated, m; see `Athlete.scale`."""
STOCK_BUILD = {"male": 0.72, "female": 0.62}
"""Of an athlete of whom only sex and stature are said."""


def athlete_shape(
    who: BodyShape | str | None = None, stature: float | None = None, sex: str | None = None
) -> BodyShape:
    """The shape that is meant.

    Args:
        who: a shape, the name of one in `ATHLETES`, or a sex; None is a man.
        stature: without shoes, m; with a sex only.
        sex: instead of `who`.

    Raises:
        KineCueError: no such athlete, or a sex or stature beside a shape that has its own.
    """
    if isinstance(who, BodyShape):
        if stature is not None or sex is not None:
            raise KineCueError(f"athlete {who.name!r}: sex and stature must be those of the shape")
        return who
    if who in ATHLETES:
        if stature is not None or sex is not None:
            raise KineCueError(f"athlete {who!r}: sex and stature must be those of the shape")
        return ATHLETES[who]
    if who is not None and sex is not None:
        raise KineCueError(f"athlete: sex must not be given beside {who!r}")
    kind = who or sex or SEXES[0]
    if kind not in SEXES:
        names = ", ".join((*SEXES, *ATHLETES))
        raise KineCueError(f"athlete: must be one of {names}, got {kind!r}")
    tall = BodyShape.stature if stature is None else stature
    return BodyShape(kind, kind, tall, build=STOCK_BUILD[kind])


class Athlete:
    """A body of a given shape.

    Rest points are in the athlete's own frame (x forward, y left, z up, floor between the feet, metres), in
    shoes.

    Attributes:
        shape: the measures.
        asset: the body, barefoot: faces, bones, skin weights.
        vertices: (V, 3) rest surface.
        heads: (J, 3) where each bone turns in the rest pose.
        bone_index: of each bone by name.
        scale: stature over that of the stock body; for the thickness of clothes and the like.
    """

    def __init__(
        self,
        shape: BodyShape | str | None = None,
        stature: float | None = None,
        *,
        sex: str | None = None,
    ) -> None:
        """Solve for a body, or take it from the last ones solved for.

        Args:
            shape: the measures, or the name of a shape in `ATHLETES`, or ``male`` (also None) or ``female``.
            stature: without shoes, m; with a sex only.
            sex: instead of `shape`.

        Raises:
            KineCueError: there is no such athlete or body, or the asset cannot be read.
        """
        self.shape = athlete_shape(shape, stature, sex)
        self.sex = self.shape.sex
        self.stature = self.shape.stature
        self.asset: BodyAsset = solve_body(self.shape)
        self.scale = self.stature / STOCK_STATURE[self.sex]
        shift = np.array([0.0, 0.0, SOLE])
        self.vertices: FloatArray = self.asset.vertices + shift
        self.heads: FloatArray = self.asset.heads + shift
        self.bone_index = {name: i for i, name in enumerate(self.asset.bones)}
        self._surface_points = {k: p + shift for k, p in self.asset.landmarks.items()}
        self._tree = BoneTree(self.asset.bones, self.asset.parents, self.heads)

    def head(self, bone: str) -> FloatArray:
        """(3,) where a bone turns in the rest pose, m."""
        row: FloatArray = self.heads[self.bone_index[bone]]
        return row

    @property
    def rest_mid_hip(self) -> FloatArray:
        """(3,) middle between the hips in the rest pose, m."""
        return self._tree.rest_mid_hip

    @cached_property
    def rest_landmarks(self) -> dict[Landmark, tuple[str, FloatArray]]:
        """Every landmark: the bone that carries it and its (3,) rest position, m."""
        result: dict[Landmark, tuple[str, FloatArray]] = {}
        for landmark in BLAZEPOSE_33.landmarks:
            bone = carrier(landmark)
            point = self.head(bone) if is_joint(landmark) else self._surface_points[landmark]
            result[landmark] = (bone, point)
        return result

    @cached_property
    def _landmark_table(self) -> tuple[list[Landmark], NDArray[np.int64], FloatArray]:
        """Landmarks, the bone (L,) and the rest position (L, 3) of each."""
        rest = self.rest_landmarks
        bones = np.array([self.bone_index[bone] for bone, _ in rest.values()])
        return list(rest), bones, np.stack([point for _, point in rest.values()])

    @cached_property
    def lengths(self) -> SegmentLengths:
        """Distances between the joint centres, m; left and right are equal by construction."""
        return SegmentLengths(**lengths_of(self.asset.bones, self.heads))

    @cached_property
    def segments(self) -> dict[str, BodySegment]:
        """Volume, mass and inertia by name of the segment (`kinecue.body.volume.segments.SEGMENTS`)."""
        return measure(self.vertices)

    @cached_property
    def mass(self) -> float:
        """Of the body without clothes, kg."""
        return sum(segment.mass for segment in self.segments.values())

    @cached_property
    def _mass_points(self) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
        """Bone, rest centre (S, 3) and share of the mass (S,) of every segment."""
        segments = list(self.segments.values())
        bones = np.array([self.bone_index[segment.bone] for segment in segments])
        shares = np.array([segment.mass for segment in segments]) / self.mass
        return bones, np.stack([segment.centre for segment in segments]), shares

    def centre_of_mass(self, transforms: BoneTransforms) -> FloatArray:
        """(3,) centre of mass of the body in the frame of the pose, m."""
        bones, centres, shares = self._mass_points
        placed = np.einsum("sab,sb->sa", transforms.rotations[bones], centres) + transforms.offsets[bones]
        result: FloatArray = shares @ placed
        return result

    def transforms(self, pose: Pose) -> BoneTransforms:
        """Forward kinematics."""
        return self._tree.transforms(pose)

    def landmarks(self, transforms: BoneTransforms) -> dict[Landmark, FloatArray]:
        """(3,) position of every landmark in the frame of the pose, m."""
        names, bones, points = self._landmark_table
        placed = np.einsum("lab,lb->la", transforms.rotations[bones], points) + transforms.offsets[bones]
        return dict(zip(names, placed, strict=True))
