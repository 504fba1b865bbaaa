"""Where the landmarks of a pose network are on the skeleton of the parametric body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.body.volume.asset import BodyAsset

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
_ATTACHED: dict[str, str] = {"heel": "foot", "foot_index": "ball"}
"""Surface points and the bone that carries them; everything else of the asset is on the head."""


def is_joint(landmark: Landmark) -> bool:
    """Whether the landmark is where its bone turns, not a point of the surface."""
    return landmark in _BONE_OF_LANDMARK


def carrier(landmark: Landmark) -> str:
    """The bone that carries a landmark."""
    if landmark in _BONE_OF_LANDMARK:
        return _BONE_OF_LANDMARK[landmark]
    side, _, name = landmark.value.partition("_")
    return f"{_ATTACHED[name]}_{side[0]}" if name in _ATTACHED else "head"


def rest_landmarks(body: BodyAsset) -> dict[Landmark, NDArray[np.float64]]:
    """(3,) position of every landmark of `BLAZEPOSE_33` in the rest pose, m."""
    index = {bone: j for j, bone in enumerate(body.bones)}
    return {
        landmark: body.heads[index[carrier(landmark)]] if is_joint(landmark) else body.landmarks[landmark]
        for landmark in BLAZEPOSE_33.landmarks
    }
