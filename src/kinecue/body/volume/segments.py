"""Volume, mass and inertia of the segments of a body: its closed surface cut apart between the bones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kinecue.body.volume.asset import SEXES, load_shape_space

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CENTRAL = {
    "head": ("head", "neck_01"),
    "thorax": ("spine_03", "clavicle_l", "clavicle_r"),
    "abdomen": ("spine_01", "spine_02"),
    "pelvis": ("pelvis", "Root"),
}
_LIMBS = {
    "upper_arm": ("upperarm",),
    "forearm": ("lowerarm",),
    "hand": ("hand", "thumb", "index", "middle", "ring", "pinky"),
    "thigh": ("thigh",),
    "shank": ("calf",),
    "foot": ("foot", "ball"),
}
SEGMENTS = (*_CENTRAL, *(f"{side}_{limb}" for side in ("left", "right") for limb in _LIMBS))
"""Names of the segments."""
TRUNK = ("thorax", "abdomen", "pelvis")
_PULL = {"arm": 0.6, "forearm": 0.6, "hand": 0.6, "thigh": 1.5, "shank": 1.5, "foot": 1.5}
"""Weight of a limb's bones against those of the trunk in the choice of where the cut runs: so the rings at
hips and shoulders lie round the joint centres."""

DENSITY = {
    "head": 1110.0,
    "thorax": 920.0,
    "abdomen": 1010.0,
    "pelvis": 1010.0,
    "upper_arm": 1070.0,
    "forearm": 1130.0,
    "hand": 1160.0,
    "thigh": 1050.0,
    "shank": 1090.0,
    "foot": 1100.0,
}
"""kg/m3 (Dempster 1955, in Winter, Biomechanics and Motor Control of Human Movement, table 4.1; the thorax
with the air in its lungs)."""


@dataclass(frozen=True)
class BodySegment:
    """A piece of the body, rigid for the purpose of dynamics.

    Attributes:
        name: one of `SEGMENTS`.
        bone: what carries it.
        volume: m3.
        mass: kg.
        centre: (3,) centre of mass in the rest pose, m.
        inertia: (3, 3) about the centre, axes of the rest pose, kg m2.
    """

    name: str
    bone: str
    volume: float
    mass: float
    centre: FloatArray
    inertia: FloatArray


def density(segment: str) -> float:
    """Of a segment by name, kg/m3."""
    return DENSITY[segment.split("_", 1)[1] if segment.startswith(("left_", "right_")) else segment]


def segment_of(bone: str) -> str:
    """The segment to which the flesh of a bone belongs."""
    for segment, bones in _CENTRAL.items():
        if bone in bones:
            return segment
    side = {"l": "left", "r": "right"}[bone[-1]]
    for limb, starts in _LIMBS.items():
        if bone.startswith(starts):
            return f"{side}_{limb}"
    raise KeyError(bone)


def bone_of(segment: str) -> str:
    """The bone that carries a segment."""
    if segment in _CENTRAL:
        return _CENTRAL[segment][0]
    side, limb = segment.split("_", 1)
    return f"{_LIMBS[limb][0]}_{side[0]}"


@dataclass(frozen=True)
class Cut:
    """How the surface falls apart into closed pieces; the same for every body.

    A face belongs to the segment whose bones carry most of it. Where two segments meet there is one closed
    ring of edges (in this mesh no three segments meet), which a fan of triangles from the ring's middle
    closes on both sides.

    Attributes:
        triangles: (T, 3) vertices; numbers from V on are the middles of `rings`.
        segment: (T,) index into `SEGMENTS`.
        rings: vertices of each ring.
    """

    triangles: IntArray
    segment: IntArray
    rings: tuple[IntArray, ...]

    def corners(self, vertices: FloatArray) -> FloatArray:
        """(T, 3, 3) corners of the triangles, m."""
        middles = [vertices[ring].mean(0) for ring in self.rings]
        result: FloatArray = np.concatenate([vertices, middles])[self.triangles]
        return result

    def volumes(self, vertices: FloatArray) -> FloatArray:
        """(S,) volume of each of `SEGMENTS`, m3 (divergence theorem)."""
        sizes = _determinants(self.corners(vertices)) / 6.0
        sums = np.bincount(self.segment, sizes, minlength=len(SEGMENTS))
        return np.asarray(sums, dtype=np.float64)


def _determinants(corners: FloatArray) -> FloatArray:
    a, b, c = corners[:, 0].T, corners[:, 1].T, corners[:, 2].T
    result: FloatArray = (
        a[0] * (b[1] * c[2] - b[2] * c[1])
        + a[1] * (b[2] * c[0] - b[0] * c[2])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
    )
    return result


@lru_cache(maxsize=1)
def body_cut() -> Cut:
    """The cut of the baked mesh."""
    space = load_shape_space(SEXES[0])
    faces = space.faces["body"]
    membership = np.zeros((len(space.bones), len(SEGMENTS)))
    for j, bone in enumerate(space.bones):
        segment = segment_of(bone)
        membership[j, SEGMENTS.index(segment)] = _PULL.get(segment.split("_")[-1], 1.0)
    share = space.weights.astype(np.float64) @ membership
    owner = np.argmax(share[faces].sum(1), axis=1)
    # every edge runs once in each direction, for the skin is closed
    edges = np.concatenate([faces[:, [i, (i + 1) % 4]] for i in range(4)])
    own = np.tile(owner, 4)
    codes = edges @ [len(share), 1]
    order = np.argsort(codes)
    across = own[order[np.searchsorted(codes, edges[:, ::-1] @ [len(share), 1], sorter=order)]]
    at_cut = np.where(across != own)[0]
    edges, own, across = edges[at_cut], own[at_cut], across[at_cut]
    joints = np.minimum(own, across) * len(SEGMENTS) + np.maximum(own, across)
    joint = np.unique(joints, return_inverse=True)[1].reshape(-1)
    # split along the diagonal that makes the two halves of the body mirror images
    start = np.argmin(np.minimum(faces, space.mirror[faces]), axis=1)
    rolled = np.take_along_axis(faces, (start[:, None] + np.arange(4)) % 4, 1)
    caps = np.stack([edges[:, 1], edges[:, 0], len(share) + joint], 1)
    return Cut(
        np.concatenate([rolled[:, [0, 1, 2]], rolled[:, [0, 2, 3]], caps]),
        np.concatenate([owner, owner, own]),
        tuple(np.unique(edges[joint == i]) for i in range(joint.max() + 1)),
    )


def densities() -> FloatArray:
    """(S,) kg/m3 of each of `SEGMENTS`."""
    return np.array([density(name) for name in SEGMENTS])


def measure(vertices: FloatArray) -> dict[str, BodySegment]:
    """The segments of a body, by name.

    Args:
        vertices: (V, 3) in the rest pose, m.
    """
    cut = body_cut()
    origin = vertices.mean(0)
    corners = cut.corners(vertices - origin)
    sizes = _determinants(corners) / 6.0
    total = corners.sum(1)
    # integrals over a tetrahedron with one corner in the origin
    first = sizes[:, None] * total / 4.0
    second = np.einsum("tia,tib->tab", corners, corners) + total[:, :, None] * total[:, None, :]
    second *= sizes[:, None, None] / 20.0
    result = {}
    for i, name in enumerate(SEGMENTS):
        rows = cut.segment == i
        volume = float(sizes[rows].sum())
        centre = first[rows].sum(0) / volume
        spread = second[rows].sum(0) - volume * np.outer(centre, centre)
        inertia = density(name) * (np.trace(spread) * np.eye(3) - spread)
        result[name] = BodySegment(
            name, bone_of(name), volume, volume * density(name), centre + origin, inertia
        )
    return result
