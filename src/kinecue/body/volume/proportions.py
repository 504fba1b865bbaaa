"""Giving a body other segment lengths: every bone stretches the flesh that it carries.

Each bone has an affine map of its rest surroundings; the maps of two neighbours agree at the joint between
them, and a vertex takes the mean of the maps of its bones by its skin weights, which fade over a hand's
breadth. So the skin stays as smooth over a joint as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.volume.asset import ShapeSpace
from kinecue.body.volume.marks import carrier

FloatArray = NDArray[np.float64]

_TRUNK = ("Root", "pelvis", "spine_01", "spine_02", "spine_03", "clavicle_l", "clavicle_r")
_WAIST = {"Root": 0.0, "pelvis": 0.0, "spine_01": 1.0 / 3.0, "spine_02": 2.0 / 3.0}
"""How much a bone of the trunk follows the width of the shoulders, the rest that of the hips."""
LIMBS = {
    "thigh": ("thigh", "calf"),
    "shank": ("calf", "foot"),
    "upper_arm": ("upperarm", "lowerarm"),
    "forearm": ("lowerarm", "hand"),
}
"""Bone of a segment, and the bone where the segment ends."""


@dataclass(frozen=True)
class Factors:
    """By what each length is multiplied; `trunk` is its vertical part, `head` also the neck."""

    thigh: float = 1.0
    shank: float = 1.0
    trunk: float = 1.0
    upper_arm: float = 1.0
    forearm: float = 1.0
    shoulders: float = 1.0
    pelvis: float = 1.0
    head: float = 1.0


def lengths_of(bones: tuple[str, ...], heads: FloatArray) -> dict[str, float]:
    """Distances between joint centres by the names of `SegmentLengths`, m; limbs of the left side.

    Args:
        bones: J names.
        heads: (J, 3), m.
    """

    def head(bone: str) -> FloatArray:
        row: FloatArray = heads[bones.index(bone)]
        return row

    def distance(a: FloatArray, b: FloatArray) -> float:
        return float(np.linalg.norm(a - b))

    result = {name: distance(head(f"{a}_l"), head(f"{b}_l")) for name, (a, b) in LIMBS.items()}
    result["pelvis"] = distance(head("thigh_l"), head("thigh_r"))
    result["shoulders"] = distance(head("upperarm_l"), head("upperarm_r"))
    result["trunk"] = distance(
        (head("thigh_l") + head("thigh_r")) / 2.0, (head("upperarm_l") + head("upperarm_r")) / 2.0
    )
    return result


def trunk_factor(bones: tuple[str, ...], heads: FloatArray, length: float) -> float:
    """What stretches the trunk upwards to a length, m."""
    hips, shoulders = (
        (heads[bones.index(f"{b}_l")] + heads[bones.index(f"{b}_r")]) / 2.0 for b in ("thigh", "upperarm")
    )
    forward, _, up = shoulders - hips
    return float(np.sqrt(length**2 - forward**2) / up)


def _maps(bones: tuple[str, ...], heads: FloatArray, factors: Factors) -> FloatArray:
    """(J, 3, 3) linear part of each bone's map."""
    maps = np.tile(np.eye(3), (len(bones), 1, 1))
    for bone in _TRUNK:
        share = _WAIST.get(bone, 1.0)
        across = factors.pelvis ** (1.0 - share) * factors.shoulders**share
        maps[bones.index(bone)] = np.diag([1.0, across, factors.trunk])
    for bone in ("neck_01", "head"):
        maps[bones.index(bone)] *= factors.head
    for name, (start, end) in LIMBS.items():
        for side in "lr":
            j = bones.index(f"{start}_{side}")
            axis = heads[bones.index(f"{end}_{side}")] - heads[j]
            axis /= np.linalg.norm(axis)
            maps[j] += (getattr(factors, name) - 1.0) * np.outer(axis, axis)
    return maps


def stretched(
    space: ShapeSpace, half: FloatArray, heads: FloatArray, points: FloatArray, factors: Factors
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A body with other segment lengths.

    Args:
        space: whose skeleton and weights the body has.
        half: (H, 3) half surface, m.
        heads: (J, 3), m.
        points: (L, 3) landmarks, m.
        factors: of the lengths.

    Returns:
        The same three, stretched; the root stays in its place.
    """
    maps = _maps(space.bones, heads, factors)
    moved = heads.copy()
    for j, parent in enumerate(space.parents):
        if parent >= 0:
            moved[j] = moved[parent] + maps[parent] @ (heads[j] - heads[parent])
    offsets = moved - np.einsum("jab,jb->ja", maps, heads)
    table = np.concatenate([maps, offsets[:, :, None]], 2)
    blended = (space.half_weights @ table.reshape(len(maps), 12)).reshape(-1, 3, 4)
    surface = np.einsum("vab,vb->va", blended[:, :, :3], half) + blended[:, :, 3]
    carriers = [space.bones.index(carrier(name)) for name in space.landmark_names]
    marks = np.einsum("lab,lb->la", maps[carriers], points) + offsets[carriers]
    return surface, moved, marks
