"""What tells one person from another: the colours of torso and legs, and the proportions of the limbs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Landmark as L
from kinecue.body.landmarks import Topology
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Image

FloatArray = NDArray[np.float64]

PARTS = ("torso", "thighs", "shins")
BINS = 8
_LOW = np.array([0.0, 96.0, 96.0])
_HIGH = np.array([255.0, 160.0, 160.0])
"""Range of L*, a*, b* as OpenCV scales them for 8 bits (128 is grey); clothes seldom leave it."""
_CHANNEL_WEIGHTS = np.array([0.5, 1.0, 1.0])
"""Brightness changes with shadow and exposure, colour hardly."""
_PART_WEIGHTS = np.array([2.0, 1.0, 0.6])
"""The torso is large and least often hidden; legs differ little from person to person."""
_SEEN = 0.3
"""Share of a part's samples that must lie in the picture."""

# across a limb: half its width as a share of the torso's length, about those of the drawings in NASA-STD-3000
_TORSO_HALF_WIDTH, _THIGH_HALF_WIDTH, _SHIN_HALF_WIDTH = 0.20, 0.10, 0.07
_AXES = (
    (0, 0.12, 0.92, 0.7),
    (1, 0.10, 0.90, 0.7),
    (1, 0.10, 0.90, 0.7),
    (2, 0.10, 0.90, 0.7),
    (2, 0.10, 0.90, 0.7),
)
"""Per axis (torso, left and right thigh, left and right shin): part, where samples begin and end along it, and how far they
go across."""
_ALONG, _ACROSS = 9, 5
_FARTHEST = 1e6
"""Landmarks beyond are no numbers."""
_CORNERS = (
    L.LEFT_SHOULDER,
    L.RIGHT_SHOULDER,
    L.LEFT_HIP,
    L.RIGHT_HIP,
    L.LEFT_KNEE,
    L.RIGHT_KNEE,
    L.LEFT_ANKLE,
    L.RIGHT_ANKLE,
)
_LIMBS = (
    (L.LEFT_HIP, L.LEFT_KNEE),
    (L.RIGHT_HIP, L.RIGHT_KNEE),
    (L.LEFT_KNEE, L.LEFT_ANKLE),
    (L.RIGHT_KNEE, L.RIGHT_ANKLE),
    (L.LEFT_SHOULDER, L.LEFT_ELBOW),
    (L.RIGHT_SHOULDER, L.RIGHT_ELBOW),
    (L.LEFT_ELBOW, L.LEFT_WRIST),
    (L.RIGHT_ELBOW, L.RIGHT_WRIST),
)


def _samples() -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    along, across, parts = [], [], []
    for part, low, high, reach in _AXES:
        t, w = np.meshgrid(np.linspace(low, high, _ALONG), np.linspace(-reach, reach, _ACROSS), indexing="ij")
        along.append(t.ravel())
        across.append(w.ravel())
        parts.append(np.full(t.size, part))
    return np.array(along), np.array(across), np.array(parts)


_T, _W, _PART = _samples()
"""(5, S) positions of the samples along and across each axis, and the part they belong to."""
_COUNTS = np.bincount(_PART.ravel())


@dataclass(frozen=True)
class Appearance:
    """What a person looks like in one picture, or on the average of several.

    Attributes:
        colours: (3, 3, `BINS`) histograms of L*, a*, b* for each of `PARTS`; each sums to 1.
        seen: (3,) 0 to 1, how much of each part is known.
        limbs: (4,) logarithm of the lengths of thigh, shin, upper arm and forearm against the torso's; NaN unknown.
    """

    colours: FloatArray
    seen: FloatArray
    limbs: FloatArray

    def similarity(self, other: Appearance) -> float:
        """Bhattacharyya coefficient of the colours, 0 to 1, parts weighted by how much is seen; NaN if nothing is."""
        parts = np.minimum(self.seen, other.seen) * _PART_WEIGHTS
        total = float(parts.sum())
        if not total > 0.0:
            return math.nan
        likeness = np.sqrt(self.colours * other.colours).sum(-1) @ _CHANNEL_WEIGHTS / _CHANNEL_WEIGHTS.sum()
        return float(parts @ likeness) / total

    def limb_distance(self, other: Appearance) -> float:
        """Root mean square difference of `limbs`, a factor's logarithm; NaN if none is known of both."""
        off = self.limbs - other.limbs
        off = off[np.isfinite(off)]
        return float(np.sqrt(np.mean(off**2))) if off.size else math.nan

    def blend(self, newer: Appearance, weight: float) -> Appearance:
        """Moves towards a newer one; what was not known before is taken over as it is."""
        known = np.where(self.seen > 0.0, weight, 1.0) * np.minimum(newer.seen / 0.5, 1.0)
        step = np.where(newer.seen > 0.0, known, 0.0)
        colours = self.colours + step[:, None, None] * (newer.colours - self.colours)
        off = np.where(np.isfinite(newer.limbs), newer.limbs - self.limbs, 0.0)
        limbs = np.where(np.isfinite(self.limbs), self.limbs + weight * off, newer.limbs)
        return Appearance(colours, np.maximum(self.seen + step * (newer.seen - self.seen), 0.0), limbs)


def appearance(image: Image, landmarks: Landmarks2D) -> Appearance:
    """What somebody looks like in an (H, W, 3) BGR picture; 0.2 ms.

    Samples lie on a grid along torso, thighs and shins. A topology without these landmarks, or landmarks that are no
    numbers, give an appearance of which nothing is known.
    """
    nothing = Appearance(np.zeros((3, 3, BINS)), np.zeros(3), np.full(4, np.nan))
    rows = _rows(landmarks.topology)
    if rows is None:
        return nothing
    limbs = _limb_ratios(landmarks, *rows)
    points = landmarks.pixels[rows[0]]
    if not (np.abs(points) < _FARTHEST).all():
        return replace(nothing, limbs=limbs)
    colours, seen = _colours(image, points)
    return Appearance(colours, seen, limbs)


def _colours(image: Image, corners: FloatArray) -> tuple[FloatArray, FloatArray]:
    shoulders, hips = (corners[0] + corners[1]) / 2.0, (corners[2] + corners[3]) / 2.0
    starts = np.stack([shoulders, corners[2], corners[3], corners[4], corners[5]])
    ends = np.stack([hips, corners[4], corners[5], corners[6], corners[7]])
    torso = math.dist(hips, shoulders)
    # a trunk that bends towards the camera looks short, but not its shoulders
    breadth = math.dist(corners[0], corners[1]) / 2.0
    size = max(torso, 1.5 * breadth, 1.0)
    thigh, shin = _THIGH_HALF_WIDTH * size, _SHIN_HALF_WIDTH * size
    half = np.array([max(_TORSO_HALF_WIDTH * size, 0.8 * breadth), thigh, thigh, shin, shin])
    axis = ends - starts
    length = np.linalg.norm(axis, axis=1)
    normal = np.stack([-axis[:, 1], axis[:, 0]], 1) / np.maximum(length, 1e-6)[:, None]
    points = (
        starts[:, None] + _T[:, :, None] * axis[:, None] + (_W * half[:, None])[:, :, None] * normal[:, None]
    )
    height, width = image.shape[:2]
    cells: NDArray[np.int64] = np.rint(np.clip(points, -1e6, 1e6)).astype(np.int64).reshape(-1, 2)
    inside = ((cells >= 0) & (cells < [width, height])).all(1)
    parts = _PART.ravel()
    counts = np.bincount(parts[inside], minlength=len(PARTS)).astype(np.float64)
    colours = np.zeros((len(PARTS), 3, BINS))
    if inside.any():
        pixels = image[cells[inside, 1], cells[inside, 0]]
        lab = cv2.cvtColor(pixels[None], cv2.COLOR_BGR2LAB)[0].astype(np.float64)
        # each sample is shared by the two nearest bins, so that a border between two does not matter
        place = np.clip((lab - _LOW) / (_HIGH - _LOW), 0.0, 1.0) * (BINS - 1)
        lower = np.minimum(place.astype(np.int64), BINS - 2)
        upper = place - lower
        first = (parts[inside, None] * 3 + np.arange(3)) * BINS + lower
        places = np.concatenate([first.ravel(), first.ravel() + 1])
        weights = np.concatenate([(1.0 - upper).ravel(), upper.ravel()])
        sums = np.bincount(places, weights, colours.size).reshape(colours.shape)
        colours = sums / np.maximum(counts, 1.0)[:, None, None]
    share = counts / _COUNTS
    return colours, np.where(share >= _SEEN, share, 0.0)


@lru_cache(maxsize=16)
def _rows(topology: Topology) -> tuple[list[int], NDArray[np.int64], NDArray[np.int64]] | None:
    """Rows of `_CORNERS`, and the first and second ends of `_LIMBS`; None if some are not there."""
    needed = {landmark for pair in (_CORNERS, *_LIMBS) for landmark in pair}
    if not all(landmark in topology for landmark in needed):
        return None
    pairs = np.array([topology.indices(*pair) for pair in _LIMBS])
    return topology.indices(*_CORNERS), pairs[:, 0], pairs[:, 1]


def _limb_ratios(
    landmarks: Landmarks2D, corners: list[int], upper: NDArray[np.int64], lower: NDArray[np.int64]
) -> FloatArray:
    """(4,) from the network's own 3D where it has one, which foreshortening does not touch; else from the picture."""
    for points in (landmarks.world, landmarks.pixels):
        points = np.where(np.abs(points) < _FARTHEST, points, np.nan)
        trunk = points[corners[:4]]
        axis = trunk[0] + trunk[1] - trunk[2] - trunk[3]
        torso = math.sqrt(float(axis @ axis)) / 2.0
        limbs = points[upper] - points[lower]
        lengths = np.sqrt((limbs * limbs).sum(1)).reshape(4, 2).sum(1) / 2.0
        if torso > 0.0 and (lengths > 0.0).all():
            return np.asarray(np.log(lengths / torso))
    return np.full(4, np.nan)
