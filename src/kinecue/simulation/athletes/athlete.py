"""The synthetic athlete: a skinned body on a skeleton whose segments do not change their length."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark
from kinecue.simulation.athletes.asset import SEXES, BodyAsset
from kinecue.simulation.athletes.body_shape import STATURE_RANGE, AthleteShape
from kinecue.simulation.athletes.body_solver import solve_body
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.athletes.proportions import lengths_of
from kinecue.simulation.athletes.segments import BodySegment, measure

FloatArray = NDArray[np.float64]

SOLE = 0.018
"""Thickness of the shoe's sole under the heel, m."""
STOCK_STATURE = {"male": 1.8215, "female": 1.7181}
"""Stature for which the thickness of clothes and the like is stated, m; see `Athlete.scale`."""
STOCK_BUILD = {"male": 0.72, "female": 0.62}
"""Of an athlete of whom only sex and stature are said."""

__all__ = [
    "SOLE",
    "STATURE_RANGE",
    "Athlete",
    "BoneTransforms",
    "Pose",
    "athlete_shape",
    "skin",
]

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


def athlete_shape(
    who: AthleteShape | str | None = None, stature: float | None = None, sex: str | None = None
) -> AthleteShape:
    """The shape that is meant.

    Args:
        who: a shape, the name of one in `ATHLETES`, or a sex; None is a man.
        stature: without shoes, m; with a sex only.
        sex: instead of `who`.

    Raises:
        KineCueError: no such athlete, or a sex or stature beside a shape that has its own.
    """
    if isinstance(who, AthleteShape):
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
    tall = AthleteShape.stature if stature is None else stature
    return AthleteShape(kind, kind, tall, build=STOCK_BUILD[kind])


class _Tree:
    """The skeleton's tree, laid out so that forward kinematics needs no loop over the bones.

    Attributes:
        arms: (J, 3) from a bone's parent to its head in the rest pose; zero for the pelvis, from which all
            is reckoned.
        turned_by: (J,) the bone that turns the arm.
        ancestors: (J, J) one where the arm of the column lies between the pelvis and the head of the row.
    """

    def __init__(self, parents: NDArray[np.int64], heads: FloatArray, index: dict[str, int]) -> None:
        self._parents = parents.tolist()
        self._index = index
        pelvis = index["pelvis"]
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
        shape: AthleteShape | str | None = None,
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
        self._tree = _Tree(self.asset.parents, self.heads, self.bone_index)

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
        """Volume, mass and inertia by name of the segment (`kinecue.simulation.athletes.segments.SEGMENTS`)."""
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
        rotations = self._tree.rotations(pose.rotations)
        arms = self._tree.arms
        # every bone's arm, turned by its parent, summed up along the tree
        turned = np.einsum("jab,jb->ja", rotations[self._tree.turned_by], arms)
        heads = self._tree.ancestors @ turned
        root = self.bone_index["pelvis"]
        heads += pose.mid_hip + rotations[root] @ (self.heads[root] - self.rest_mid_hip)
        offsets = heads - np.einsum("jab,jb->ja", rotations, self.heads)
        return BoneTransforms(rotations, offsets, heads)

    def landmarks(self, transforms: BoneTransforms) -> dict[Landmark, FloatArray]:
        """(3,) position of every landmark in the frame of the pose, m."""
        names, bones, points = self._landmark_table
        placed = np.einsum("lab,lb->la", transforms.rotations[bones], points) + transforms.offsets[bones]
        return dict(zip(names, placed, strict=True))


def skin(
    vertices: NDArray[np.float32], weights: NDArray[np.float32], transforms: BoneTransforms
) -> NDArray[np.float32]:
    """Linear blend skinning: (V, 3) rest vertices with (V, J) weights to (V, 3) posed vertices, m."""
    count = len(transforms.offsets)
    table = np.concatenate([transforms.rotations, transforms.offsets[:, :, None]], 2).reshape(count, 12)
    blended = (weights @ table.astype(np.float32)).reshape(-1, 3, 4)
    result: NDArray[np.float32] = np.einsum("vab,vb->va", blended[:, :, :3], vertices) + blended[:, :, 3]
    return result
