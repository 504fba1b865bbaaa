"""What a network's landmarks are against joint centres: where it puts them, and how far they scatter.

A network marks the middle of what it sees, not the joint centre under it, so its errors depend on the side from which a
limb is seen and hardly on time. The offset of each kind of landmark is a linear function of the direction to the camera,
in the axes of the segment that it belongs to; what remains is noise. Constants were fitted by tools/fit_landmarks.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from kinecue.perception.skeleton import JOINTS, NS, SEGMENT_INDEX, SIDES

FloatArray = NDArray[np.float64]

KINDS = ("shoulder", "hip", "knee", "ankle", "elbow", "wrist", "foot_index", "heel")
"""Kinds of landmarks that are fitted, without side."""
_SEGMENT = {
    "shoulder": "trunk",
    "hip": "trunk",
    "knee": "{}_shank",
    "ankle": "{}_shank",
    "elbow": "{}_upper_arm",
    "wrist": "{}_forearm",
    "foot_index": "{}_foot",
    "heel": "{}_foot",
}
_NEIGHBOUR = {
    "shoulder": "{}_upper_arm",
    "hip": "{}_thigh",
    "knee": "{}_thigh",
    "ankle": "{}_foot",
    "elbow": "{}_forearm",
    "wrist": "{}_upper_arm",
    "foot_index": "{}_shank",
    "heel": "{}_shank",
}
"""The segment on the other side of the joint: skin and flesh move over the joint as it bends."""
FEATURES = 7
"""Of the offsets: 1, the direction to the camera, the direction of the neighbouring segment."""
_FILE = Path(__file__).with_name("data") / "blazepose_landmarks.yaml"

_KIND = [KINDS.index(joint.value.split("_", 1)[1]) for joint in JOINTS]
_LATERAL = np.array([1.0 if joint.value.startswith("left") else -1.0 for joint in JOINTS])
_ALONG = [
    SEGMENT_INDEX[_SEGMENT[KINDS[kind]].format(SIDES[0 if s > 0 else 1])]
    for kind, s in zip(_KIND, _LATERAL, strict=True)
]
_NEXT = [
    SEGMENT_INDEX[_NEIGHBOUR[KINDS[kind]].format(SIDES[0 if s > 0 else 1])]
    for kind, s in zip(_KIND, _LATERAL, strict=True)
]
_UPWARD = np.array([1.0 if k == SEGMENT_INDEX["trunk"] else -1.0 for k in _ALONG])


def frames(y: FloatArray) -> FloatArray:
    """(16, 3, 3) rows are the axes (front, outwards, up along the segment) at each of `JOINTS` of a (48,) state."""
    u = y[3 : 3 + 3 * NS].reshape(NS, 3)
    up = u[_ALONG] * _UPWARD[:, None]
    left = u[SEGMENT_INDEX["pelvis"]] - (up @ u[SEGMENT_INDEX["pelvis"]])[:, None] * up
    left /= np.maximum(np.sqrt((left * left).sum(1)), 1e-3)[:, None]
    front = np.stack(
        [
            left[:, 1] * up[:, 2] - left[:, 2] * up[:, 1],
            left[:, 2] * up[:, 0] - left[:, 0] * up[:, 2],
            left[:, 0] * up[:, 1] - left[:, 1] * up[:, 0],
        ],
        axis=1,
    )
    return np.stack([front, left * _LATERAL[:, None], up], axis=1)


def features(y: FloatArray, axes: FloatArray, points: FloatArray, eye: FloatArray) -> FloatArray:
    """(16, 7) what the offset of each of (16, 3) points depends on, given its (16, 3, 3) `frames`."""
    towards = eye - points
    towards /= np.maximum(np.sqrt((towards * towards).sum(1)), 1e-6)[:, None]
    neighbours = y[3 : 3 + 3 * NS].reshape(NS, 3)[_NEXT]
    result = np.empty((len(points), FEATURES))
    result[:, 0] = 1.0
    result[:, 1:4] = (axes * towards[:, None, :]).sum(2)
    result[:, 4:7] = (axes * neighbours[:, None, :]).sum(2)
    return result


@dataclass(frozen=True)
class LandmarkModel:
    """Offsets and noise of a network's landmarks, K = 8 `KINDS`.

    Attributes:
        offsets: (K, 3, 7) offset along front, outwards and up, m for a person of `stature`; factors of 1, of the
            direction to the camera and of the neighbouring segment's, along the same axes.
        std: (K,) standard deviation of a landmark that is seen, m.
        hidden_std: (K,) of one that the network thinks hidden, m.
        stature: of whom the numbers hold, m.
        white_px: noise of each picture, px; what remains however near the person is.
    """

    offsets: FloatArray
    std: FloatArray
    hidden_std: FloatArray
    stature: float = 1.75
    white_px: float = 0.8

    def offsets_of(self, y: FloatArray, points: FloatArray, eye: FloatArray, scale: float) -> FloatArray:
        """(16, 3) offsets of the landmarks of a predicted body, base frame, m.

        Args:
            y: (48,) state. points: (16, 3) m. eye: (3,) the camera's place, m. scale: stature over that of the model.
        """
        axes = frames(y)
        seen = features(y, axes, points, eye)
        local = (self.offsets[_KIND] * seen[:, None, :]).sum(2) * scale
        result: FloatArray = (local[:, :, None] * axes).sum(1)
        return result

    def std_of(self, visibility: FloatArray, spread: FloatArray, scale: float) -> FloatArray:
        """(16,) standard deviation, m.

        Args:
            visibility: (16,) the network's, 0 to 1. spread: (16,) distance between its two estimates, m; NaN unknown.
            scale: stature over that of the model.
        """
        hidden = 1.0 - np.clip(visibility, 0.0, 1.0)
        seen, unseen = self.std[_KIND], self.hidden_std[_KIND]
        variance = (seen * seen * (1.0 - hidden) + unseen * unseen * hidden) * scale * scale
        # two estimates that differ by more than usual: clothes, blur, a limb in front of another
        apart = np.where(np.isfinite(spread), np.maximum(spread - 0.03 * scale, 0.0), 0.0)
        result: FloatArray = np.sqrt(variance + 0.5 * apart * apart)
        return result

    @staticmethod
    def exact(std: float = 0.02) -> LandmarkModel:
        """Landmarks at the joint centres, of a topology or network that was not measured."""
        k = len(KINDS)
        return LandmarkModel(np.zeros((k, 3, FEATURES)), np.full(k, std), np.full(k, 3.0 * std))


@lru_cache(maxsize=1)
def blazepose_landmarks() -> LandmarkModel:
    """The measured model of BlazePose's landmarks."""
    data = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    rows = [data["landmarks"][kind] for kind in KINDS]
    return LandmarkModel(
        np.array([[row["offset"][axis] for axis in ("front", "out", "up")] for row in rows]) * 0.01,
        np.array([row["std"] for row in rows]) * 0.01,
        np.array([row["hidden_std"] for row in rows]) * 0.01,
        data["stature"],
        data["white_px"],
    )
