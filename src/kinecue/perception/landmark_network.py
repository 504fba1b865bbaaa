"""BlazePose's landmark network: one region of a picture to the landmarks of the person in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.perception.landmarks2d import Landmarks2D, SegmentationMask
from kinecue.perception.regions import Image, Region, crop
from kinecue.perception.sessions import Network
from kinecue.perception.tensors import PictureTensor

FloatArray = NDArray[np.float64]
_Float = TypeVar("_Float", np.float32, np.float64)

HEATMAP_KERNEL = 9
"""Cells averaged about a landmark, per axis.

MediaPipe 0.10.21's graph file says 7, its results come from 9.
"""
HEATMAP_THRESHOLD = 0.5
"""Peak probability under which the heatmap is ignored (pose_landmark_by_roi_cpu.pbtxt)."""

_VALUES = 5
"""Numbers per landmark: x, y, z, visibility, presence."""
_REACH = HEATMAP_KERNEL // 2
_NEIGHBOURS = np.stack(np.meshgrid(*2 * [np.arange(-_REACH, _REACH + 1)]), axis=-1).reshape(-1, 2)
"""(81, 2) offsets x, y of the cells averaged."""
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
        mask: (S, S) logits that a place of the region belongs to the person; None unless asked for.
    """

    values: FloatArray
    score: float
    heatmaps: NDArray[np.float32]
    world: FloatArray
    mask: NDArray[np.float32] | None = None

    @property
    def finite(self) -> bool:
        """All numbers are numbers."""
        # a sum is no number as soon as one of its parts is none, and costs half as much as to look at each
        sums = [
            array.sum() for array in (self.values, self.world, self.heatmaps, self.mask) if array is not None
        ]
        return all(math.isfinite(value) for value in (*sums, self.score))


class LandmarkNetwork:
    """Finds the landmarks of the person in a region.

    Args:
        network: a network with the interface ``blazepose_landmarks``.
        want_mask: whether the landmarks carry the segmentation mask where a call does not say otherwise.
    """

    topology = BLAZEPOSE_33

    def __init__(self, network: Network, want_mask: bool = False) -> None:
        self.provider = network.provider
        self._network = network
        self._size = network.interface.input.width
        self._tensor = PictureTensor(network.interface.input)
        self.want_mask = want_mask
        values, score, mask, heatmaps, world = (tensor.name for tensor in network.interface.outputs)
        self._outputs = (values, score, heatmaps, world)
        self._mask_output = mask

    def estimate(
        self, image: Image, region: Region, stamp_ns: int, want_mask: bool | None = None
    ) -> tuple[Landmarks2D, FloatArray] | None:
        """Landmarks in a region of an (H, W, 3) BGR picture, and the points that align the next region.

        The score says whether there is a person at all. None if the network gave anything that is not a
        number. The points are (2, 2): centre and end for :meth:`Region.around_body`, px. `want_mask` None is
        the network's own `want_mask`.
        """
        raw = self.infer(image, region, want_mask)
        if not raw.finite:
            return None
        return decode(raw, region, stamp_ns, self._size)

    def infer(self, image: Image, region: Region, want_mask: bool | None = None) -> RawLandmarks:
        """Run the network on a region of an (H, W, 3) BGR picture; `want_mask` as for :meth:`estimate`."""
        masked = self.want_mask if want_mask is None else want_mask
        tensor = self._tensor(crop(image, region, self._size, replicate_border=True))
        outputs = (*self._outputs, self._mask_output) if masked else self._outputs
        values, score, heatmaps, world, *mask = self._network.run(tensor, outputs)
        return RawLandmarks(
            values.reshape(-1, _VALUES).astype(np.float64),
            float(score.reshape(-1)[0]),
            heatmaps[0],
            world.reshape(-1, 3).astype(np.float64),
            mask[0][0, :, :, 0] if mask else None,
        )


def decode(raw: RawLandmarks, region: Region, stamp_ns: int, size: int) -> tuple[Landmarks2D, FloatArray]:
    """Outputs for a region to landmarks and alignment points in the picture.

    `size` is the edge of the network's input, px.
    """
    topology = BLAZEPOSE_33
    n = len(topology)
    regressed = raw.values[: max(_ALIGNMENT) + 1, :2] / size
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
        mask=None if raw.mask is None else SegmentationMask(_sigmoid(raw.mask), region),
    )
    return landmarks, pixels[list(_ALIGNMENT)]


def refine(points: FloatArray, heatmaps: NDArray[np.float32]) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Move each point to the centre of probability of the heatmap cells round it.

    Args:
        points: (M, 2) positions, 0 to 1 over the heatmap's edges.
        heatmaps: (H, W, M or more) logits.

    Returns:
        (M, 2) positions, and (M,) whether the heatmap had a peak there; where not, the point is as it was.
    """
    height, width, channels = heatmaps.shape
    size = np.array([width, height])
    with np.errstate(invalid="ignore"):
        cells = np.trunc(np.clip(points, -10.0, 10.0) * size).astype(np.int64)
    steps = _NEIGHBOURS @ [channels, width * channels]
    places = (cells @ [channels, width * channels] + np.arange(len(points)))[:, None] + steps
    inside = None
    if cells.min() < _REACH or (cells.max(0) >= size - _REACH).any():
        near = _NEIGHBOURS + cells[:, None]
        inside = ((near >= 0) & (near < size)).all(2)
        places = np.where(inside, places, 0)
    weights = _sigmoid(heatmaps.reshape(-1)[places].astype(np.float64))
    if inside is not None:
        weights = np.where(inside, weights, 0.0)
    found = weights.max(1) >= HEATMAP_THRESHOLD
    if inside is not None:
        found &= inside[:, len(_NEIGHBOURS) // 2]
    total = np.where(found, weights.sum(1), 1.0)
    centres = cells + weights @ _NEIGHBOURS / total[:, None]
    return np.where(found[:, None], centres / size, points), found


def _sigmoid(values: NDArray[_Float]) -> NDArray[_Float]:
    one = values.dtype.type(1.0)
    result: NDArray[_Float] = one / (one + np.exp(-np.clip(values, -80.0, 80.0)))
    return result
