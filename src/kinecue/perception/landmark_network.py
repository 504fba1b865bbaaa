"""BlazePose's landmark network: one region of a picture to the landmarks of the person in it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Image, Region, crop
from kinecue.perception.sessions import Network

FloatArray = NDArray[np.float64]

HEATMAP_KERNEL = 9
"""Cells averaged about a landmark, per axis.

MediaPipe 0.10.21's graph file says 7, its results come from 9.
"""
HEATMAP_THRESHOLD = 0.5
"""Peak probability under which the heatmap is ignored (pose_landmark_by_roi_cpu.pbtxt)."""

_VALUES = 5
"""Numbers per landmark: x, y, z, visibility, presence."""
_ALIGNMENT = (33, 34)
"""Auxiliary landmarks behind the topology's own: centre and circle point of the body's next region."""


@dataclass(frozen=True)
class RawLandmarks:
    """Outputs of the network for one region, M landmarks including the auxiliary ones.

    Attributes:
        values: (M, 5) x, y, z in input pixels, visibility and presence logits.
        score: 0 to 1, probability of a person.
        heatmaps: (H, W, M) logits.
        world: (M, 3) metres, axes of the region.
    """

    values: FloatArray
    score: float
    heatmaps: NDArray[np.float32]
    world: FloatArray

    @property
    def finite(self) -> bool:
        """All numbers are numbers."""
        arrays = (self.values, self.world, self.heatmaps, np.array(self.score))
        return all(bool(np.isfinite(array).all()) for array in arrays)


class LandmarkNetwork:
    """Finds the landmarks of the person in a region.

    Args:
        network: a network with the interface ``blazepose_landmarks``.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._size = network.interface.input.shape[1]
        values, score, _, heatmaps, world = (tensor.name for tensor in network.interface.outputs)
        self._outputs = (values, score, heatmaps, world)

    def estimate(self, image: Image, region: Region, stamp_ns: int) -> tuple[Landmarks2D, FloatArray] | None:
        """Landmarks in a region of an (H, W, 3) BGR picture, and the points that align the next region.

        The score says whether there is a person at all. None if the network gave anything that is not a
        number. The points are (2, 2): centre and end for :meth:`Region.around_body`, px.
        """
        raw = self.infer(image, region)
        if not raw.finite:
            return None
        return decode(raw, region, stamp_ns, self._size)

    def infer(self, image: Image, region: Region) -> RawLandmarks:
        """Run the network on a region of an (H, W, 3) BGR picture."""
        picture = cv2.cvtColor(crop(image, region, self._size, replicate_border=True), cv2.COLOR_BGR2RGB)
        tensor = picture.astype(np.float32)[None] / np.float32(255.0)
        values, score, heatmaps, world = self._network.run(tensor, self._outputs)
        return RawLandmarks(
            values.reshape(-1, _VALUES).astype(np.float64),
            float(score.reshape(-1)[0]),
            heatmaps[0],
            world.reshape(-1, 3).astype(np.float64),
        )


def decode(raw: RawLandmarks, region: Region, stamp_ns: int, size: int) -> tuple[Landmarks2D, FloatArray]:
    """Outputs for a region to landmarks and alignment points in the picture.

    `size` is the edge of the network's input, px.
    """
    topology = BLAZEPOSE_33
    n = len(topology)
    regressed = raw.values[:, :2] / size
    refined, found = refine(regressed, raw.heatmaps)
    pixels = region.to_image(refined)
    spread = np.linalg.norm(refined - regressed, axis=1) * region.size
    world = raw.world.copy()
    world[:, :2] = world[:, :2] @ region.rotation.T
    landmarks = Landmarks2D(
        stamp_ns=stamp_ns,
        topology=topology,
        pixels=pixels[:n],
        depth=raw.values[:n, 2] / size * region.size,
        visibility=_sigmoid(raw.values[:n, 3]),
        presence=_sigmoid(raw.values[:n, 4]),
        world=world[:n],
        spread=np.where(found, spread, np.nan)[:n],
        score=raw.score,
        region=region,
    )
    return landmarks, pixels[list(_ALIGNMENT)]


def refine(points: FloatArray, heatmaps: NDArray[np.float32]) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Move each point to the centre of probability of the heatmap cells round it.

    Args:
        points: (M, 2) positions, 0 to 1 over the heatmap's edges.
        heatmaps: (H, W, M) logits.

    Returns:
        (M, 2) positions, and (M,) whether the heatmap had a peak there; where not, the point is as it was.
    """
    height, width, count = heatmaps.shape
    reach = HEATMAP_KERNEL // 2
    offsets = np.arange(-reach, reach + 1)
    with np.errstate(invalid="ignore"):
        cells = np.trunc(np.clip(points, -10.0, 10.0) * [width, height]).astype(np.int64)
    columns, rows = cells[:, 0, None] + offsets, cells[:, 1, None] + offsets
    columns_in, rows_in = (columns >= 0) & (columns < width), (rows >= 0) & (rows < height)
    window = heatmaps[
        np.clip(rows, 0, height - 1)[:, :, None],
        np.clip(columns, 0, width - 1)[:, None, :],
        np.arange(count)[:, None, None],
    ]
    weights = np.where(rows_in[:, :, None] & columns_in[:, None, :], _sigmoid(window.astype(np.float64)), 0.0)
    centre_in = rows_in[:, reach] & columns_in[:, reach]
    found = centre_in & (weights.max(axis=(1, 2)) >= HEATMAP_THRESHOLD)
    total = np.where(found, weights.sum(axis=(1, 2)), 1.0)
    x = (weights.sum(1) * columns).sum(1) / total / width
    y = (weights.sum(2) * rows).sum(1) / total / height
    return np.where(found[:, None], np.stack([x, y], axis=1), points), found


def _sigmoid(values: FloatArray) -> FloatArray:
    result: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(values, -100.0, 100.0)))
    return result
