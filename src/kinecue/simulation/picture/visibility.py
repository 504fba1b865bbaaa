"""Which landmarks a camera can see: the truth against which a pose network's confidence is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.picture.actors import SkinnedMesh
from kinecue.simulation.picture.cameras import SyntheticCamera
from kinecue.simulation.picture.occluders import Occluder
from kinecue.simulation.picture.solids import Mesh

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


class Visibility(IntEnum):
    """What a camera sees of a landmark."""

    VISIBLE = 0
    SELF_OCCLUDED = 1
    """Behind the person's own body."""
    OCCLUDED = 2
    """Behind somebody or something else."""
    OUT_OF_FRAME = 3


_GRAZE = 0.02
"""A line that runs through flesh for less than this is not stopped by it, m."""
_THROUGH_JOINT = 1.7
"""A joint's centre is seen through this many radii of the segments that meet in it."""
_THROUGH_HEAD = 0.5
"""Points of the face and the ears lie on the head's surface."""
_TIGHT = 1.15
_LIMBS = (
    ("thigh", "calf"),
    ("calf", "foot"),
    ("foot", "ball"),
    ("upperarm", "lowerarm"),
    ("lowerarm", "hand"),
    ("hand", "middle_02"),
)
_FINGERS = ("index", "middle", "ring", "pinky", "thumb")
_TRUNK = ("pelvis", "spine_01", "spine_02", "spine_03")


@dataclass(frozen=True)
class BodyVolume:
    """A person's flesh as capsules on the bones: coarse, but fast to look through.

    Attributes:
        names: S names of segments.
        bones: (S,) indices of the bones that carry them.
        starts, ends: (S, 3) ends of their axes in the rest pose, m.
        radii: (S,) m.
        allowance: (N, S) how far the line to each landmark of `BLAZEPOSE_33` may run through each segment, m.
    """

    names: tuple[str, ...]
    bones: IntArray
    starts: FloatArray
    ends: FloatArray
    radii: FloatArray
    allowance: FloatArray

    @staticmethod
    def of(athlete: Athlete, mesh: SkinnedMesh) -> BodyVolume:
        """Read the sizes off a dressed body; the clothes count."""
        fit = _Fit(athlete, mesh)
        names, bones, starts, ends, radii = zip(*fit.capsules(), strict=True)
        a, b, r = np.array(starts), np.array(ends), np.array(radii)
        points = np.stack([athlete.rest_landmarks[k][1] for k in BLAZEPOSE_33.landmarks])
        axis = b - a
        squared = np.maximum((axis * axis).sum(1), 1e-12)
        share = np.clip(((points[:, None] - a) * axis).sum(2) / squared, 0.0, 1.0)
        gap = np.linalg.norm(points[:, None] - (a + share[..., None] * axis), axis=2)
        own = gap < _TIGHT * r + 0.02
        through = np.where(np.array(names) == "head", _THROUGH_HEAD, _THROUGH_JOINT) * r
        index = np.array([athlete.bone_index[n] for n in bones])
        return BodyVolume(tuple(names), index, a, b, r, np.where(own, through, _GRAZE))

    def posed(self, transforms: BoneTransforms) -> tuple[FloatArray, FloatArray]:
        """(S, 3) starts and ends of the axes where the bones are, m."""
        rotations, offsets = transforms.rotations[self.bones], transforms.offsets[self.bones]
        a = (rotations @ self.starts[:, :, None])[:, :, 0] + offsets
        b = (rotations @ self.ends[:, :, None])[:, :, 0] + offsets
        return a, b

    def way_through(self, transforms: BoneTransforms, eye: FloatArray, points: FloatArray) -> FloatArray:
        """(N, S) length of the line from `eye` (3,) to each point (N, 3) inside each segment, m."""
        a, b = self.posed(transforms)
        return _through_capsules(a, b, self.radii, eye, points)


class _Fit:
    """Sizes of body parts from the vertices that follow their bones."""

    def __init__(self, athlete: Athlete, mesh: SkinnedMesh) -> None:
        self.athlete = athlete
        self.vertices = mesh.vertices.astype(np.float64)
        names = sorted(athlete.bone_index, key=lambda name: athlete.bone_index[name])
        self.strongest = np.array(names)[np.argmax(mesh.weights, axis=1)]

    def capsules(self) -> list[tuple[str, str, FloatArray, FloatArray, float]]:
        """Name, bone, both ends of the axis, radius of every segment."""
        result = []
        for side in "lr":
            for bone, end in _LIMBS:
                start, stop = self.athlete.head(f"{bone}_{side}"), self.athlete.head(f"{end}_{side}")
                prefixes = (
                    (bone, *_FINGERS) if bone == "hand" else (bone, "ball") if bone == "foot" else (bone,)
                )
                own = self._carried(*(f"{p}_" for p in prefixes)) & np.char.endswith(
                    self.strongest, f"_{side}"
                )
                radius = self._radius(own, start, stop)
                result.append((f"{bone}_{side}", f"{bone}_{side}", start, stop, radius))
        result.extend(self._slab(bone) for bone in _TRUNK)
        neck, head = self.athlete.head("neck_01"), self.athlete.head("head")
        result.append(("neck", "neck_01", neck, head, self._radius(self.strongest == "neck_01", neck, head)))
        result.append(self._head())
        return result

    def _carried(self, *prefixes: str) -> BoolArray:
        found = [np.char.startswith(self.strongest, p) for p in prefixes]
        return np.asarray(np.any(found, axis=0), dtype=bool)

    def _radius(self, rows: BoolArray, start: FloatArray, stop: FloatArray) -> float:
        """Typical distance of the skin from the axis."""
        axis = (stop - start) / np.linalg.norm(stop - start)
        offset = self.vertices[rows] - start
        across = offset - (offset @ axis)[:, None] * axis
        return float(np.percentile(np.linalg.norm(across, axis=1), 60)) if rows.any() else 0.05

    def _slab(self, bone: str) -> tuple[str, str, FloatArray, FloatArray, float]:
        """A piece of trunk: wider than deep, so its capsule lies across."""
        points = self.vertices[self.strongest == bone]
        if len(points) < 8:
            at = self.athlete.head(bone)
            return bone, bone, at, at, 0.08 * self.athlete.scale
        low, high = np.percentile(points, [4, 96], axis=0)
        middle, half = (low + high) / 2.0, (high - low) / 2.0
        radius = float(half[0])
        reach = np.array([0.0, max(float(half[1]) - radius, 0.0), 0.0])
        return bone, bone, middle - reach, middle + reach, radius

    def _head(self) -> tuple[str, str, FloatArray, FloatArray, float]:
        points = self.vertices[self.strongest == "head"]
        low, high = np.percentile(points, [3, 97], axis=0)
        radius = float(high[1] - low[1]) / 2.0
        middle = (low + high) / 2.0
        # the skull is longer from front to back than it is wide
        reach = np.array([max(float(high[0] - low[0]) / 2.0 - radius, 0.0), 0.0, 0.0])
        up = np.array([0.0, 0.0, 0.02 * self.athlete.scale])
        return "head", "head", middle - reach + up, middle + reach + up, radius


def _through_capsules(
    a: FloatArray, b: FloatArray, radii: FloatArray, eye: FloatArray, points: FloatArray
) -> FloatArray:
    """(N, S) length of the lines from `eye` to `points` (N, 3) inside capsules with axes `a` to `b` (S, 3)."""
    ray = points - eye
    length = np.linalg.norm(ray, axis=1)
    ray = ray / np.maximum(length, 1e-9)[:, None]
    axis = b - a
    extent = np.linalg.norm(axis, axis=1)
    axis = axis / np.maximum(extent, 1e-9)[:, None]
    near = np.full((len(points), len(a)), np.inf)
    far = -near

    def widen(low: FloatArray, high: FloatArray, hit: BoolArray) -> None:
        np.minimum(near, low, out=near, where=hit)
        np.maximum(far, high, out=far, where=hit)

    for centre in (a, b):
        offset = eye - centre
        half = ray @ offset.T
        inside = half * half - ((offset * offset).sum(1) - radii**2)
        root = np.sqrt(np.maximum(inside, 0.0))
        widen(-half - root, -half + root, inside > 0.0)
    offset = eye - a
    along, start = ray @ axis.T, (offset * axis).sum(1)
    p = np.maximum(1.0 - along * along, 1e-12)
    q = ray @ offset.T - along * start
    inside = q * q - p * ((offset * offset).sum(1) - start * start - radii**2)
    root = np.sqrt(np.maximum(inside, 0.0))
    low, high = (-q - root) / p, (-q + root) / p
    slope = np.where(np.abs(along) < 1e-9, 1e-9, along)
    first, last = -start / slope, (extent - start) / slope
    low = np.maximum(low, np.minimum(first, last))
    high = np.minimum(high, np.maximum(first, last))
    widen(low, high, (inside > 0.0) & (high > low))
    result: FloatArray = np.maximum(np.minimum(far, length[:, None]) - np.maximum(near, 0.0), 0.0)
    return result


def _behind_mesh(mesh: Mesh, eye: FloatArray, points: FloatArray) -> BoolArray:
    """(N,) whether a face of the mesh that looks at `eye` lies before each point (N, 3)."""
    corners = mesh.vertices[mesh.faces] - eye
    normals = mesh.face_normals()
    offset = (normals * corners[:, 0]).sum(1)
    facing = offset < -1e-9
    corners, normals, offset = corners[facing], normals[facing], offset[facing]
    if not len(corners):
        return np.zeros(len(points), dtype=bool)
    ray = points - eye
    sides = np.cross(corners, np.roll(corners, -1, axis=1))
    within = ((ray @ sides.reshape(-1, 3).T).reshape(len(points), -1, 4) <= 1e-12).all(2)
    # the plane is met at this share of the way; a point that touches it is not behind it
    slope = ray @ normals.T
    with np.errstate(divide="ignore", invalid="ignore"):
        share = offset / slope
    hit = within & (slope < 0.0) & (share < 0.999)
    return np.asarray(hit.any(1), dtype=bool)


def visibility(
    camera: SyntheticCamera,
    body: BodyVolume,
    transforms: BoneTransforms,
    points: FloatArray,
    others: Sequence[tuple[BodyVolume, BoneTransforms]] = (),
    occluders: Sequence[Occluder] = (),
    props: Mesh | None = None,
) -> IntArray:
    """(33,) a `Visibility` per landmark.

    What is out of the frame is that and nothing else; what somebody or something else hides counts as occluded
    even if the own body hides it too. What is seen only in a mirror is not visible.

    Args:
        camera: who looks.
        body, transforms: the person, gym frame.
        points: (33, 3) the landmarks in the order of `BLAZEPOSE_33`, gym frame, m.
        others: everybody else.
        occluders: things that stand in the gym.
        props: things that move.
    """
    eye = camera.centre
    result = np.full(len(points), int(Visibility.VISIBLE), dtype=np.int64)
    through = body.way_through(transforms, eye, points)
    result[(through > body.allowance).any(1)] = Visibility.SELF_OCCLUDED
    hidden: BoolArray = np.zeros(len(points), dtype=bool)
    for volume, where in others:
        hidden |= (volume.way_through(where, eye, points) > _GRAZE).any(1)
    for occluder in occluders:
        hidden |= occluder.occluded(eye, points)
    if props is not None and len(props.faces):
        hidden |= _behind_mesh(props, eye, points)
    result[hidden] = Visibility.OCCLUDED
    pixels = camera.project(points)
    result[~camera.in_frame(pixels)] = Visibility.OUT_OF_FRAME
    return result
