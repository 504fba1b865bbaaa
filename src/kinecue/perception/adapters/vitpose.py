"""ViTPose (Xu et al., NeurIPS 2022): a heatmap for each landmark."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import TOPOLOGIES
from kinecue.perception.adapters.person_crop import PersonCrop, alignment, landmarks_of
from kinecue.perception.errors import ModelError
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.manifest import Heatmaps
from kinecue.perception.regions import Image, Region
from kinecue.perception.sessions import Network
from kinecue.perception.tensors import PictureTensor

FloatArray = NDArray[np.float64]

_BLUR = 0.8
"""Standard deviation of the blur before the refinement, cells."""
_LOWEST, _HIGHEST = 0.001, 50.0
"""Heatmaps are limited to this before the logarithm (UDP's post_dark_udp)."""
_FARTHEST = 2.0
"""Refinements by more cells come of a flat heatmap; the peak stays as it is then."""
_REACH = 3.0
"""Standard deviations of the labels about the peak in which the spread is measured."""


class ViTPose:
    """Finds the landmarks of the person in a region with a network that gives heatmaps.

    Args:
        network: its interface has the decoding ``heatmaps``.

    Raises:
        ModelError: another kind of network.
    """

    def __init__(self, network: Network) -> None:
        interface = network.interface
        if not isinstance(interface.decoding, Heatmaps) or interface.topology is None:
            raise ModelError("expected a network with decoding heatmaps")
        self.topology = TOPOLOGIES[interface.topology]
        self.provider = network.provider
        self._network = network
        self._decoding = interface.decoding
        self._tensor = PictureTensor(interface.input)
        self._size = (interface.input.width, interface.input.height)
        self._aspect = interface.input.width / interface.input.height

    def estimate(
        self, image: Image, region: Region, stamp_ns: int, want_mask: bool | None = None
    ) -> tuple[Landmarks2D, FloatArray] | None:
        """Landmarks in a region, see :class:`kinecue.perception.networks.RegionNetwork`; there is no mask."""
        crop = PersonCrop.of_region(region, self._aspect)
        found = self.look(image, crop, stamp_ns)
        return None if found is None else (found, alignment(found, crop, self._aspect))

    def look(self, image: Image, crop: PersonCrop, stamp_ns: int) -> Landmarks2D | None:
        """Landmarks of the person in a crop; None if the network gave no numbers."""
        picture = crop.cut(image, *self._size, unbiased=True)
        (heatmaps,) = self._network.run(self._tensor(picture), self._network.interface.always)
        if not np.isfinite(heatmaps).all():
            return None
        maps = heatmaps[0].astype(np.float32)
        cells, confidence = decode(maps, self._decoding.kernel)
        height, width = maps.shape[1:]
        return landmarks_of(
            self.topology,
            crop.to_image(cells / [width - 1, height - 1]),
            confidence,
            spread(maps, self._decoding.sigma) * crop.height / (height - 1),
            crop,
            self._decoding.visible_from,
            stamp_ns,
        )


def decode(heatmaps: NDArray[np.float32], kernel: int) -> tuple[FloatArray, FloatArray]:
    """The place of each landmark to a fraction of a cell (DARK, Zhang et al., CVPR 2020).

    The logarithm of the blurred heatmap is taken for a paraboloid about the peak, and its maximum is the place.

    Args:
        heatmaps: (K, H, W).
        kernel: cells of the blur per axis, odd.

    Returns:
        (K, 2) positions x, y in cells, NaN without any positive response, and (K,) confidence, the peaks.
    """
    count, _, width = heatmaps.shape
    flat = heatmaps.reshape(count, -1)
    best = flat.argmax(1)
    confidence = flat[np.arange(count), best].astype(np.float64)
    rows, columns = np.divmod(best, width)
    blurred = np.stack(
        [cv2.GaussianBlur(one, (kernel, kernel), _BLUR, borderType=cv2.BORDER_REFLECT) for one in heatmaps]
    ).astype(np.float64)
    surface = np.pad(np.log(np.clip(blurred, _LOWEST, _HIGHEST)), ((0, 0), (1, 1), (1, 1)), mode="edge")
    window = surface[
        np.arange(count)[:, None, None],
        (rows[:, None] + np.arange(3))[:, :, None],
        (columns[:, None] + np.arange(3))[:, None, :],
    ]
    peaks = np.stack([columns, rows], axis=1).astype(np.float64)
    positions = peaks + _to_maximum(window)
    return np.where(confidence[:, None] > 0.0, positions, np.nan), confidence


def _to_maximum(window: FloatArray) -> FloatArray:
    """(K, 2) from the middle of (K, 3, 3) values to the maximum of the paraboloid through them, x, y."""
    middle, left, right = window[:, 1, 1], window[:, 1, 0], window[:, 1, 2]
    above, below = window[:, 0, 1], window[:, 2, 1]
    gradient = np.stack([right - left, below - above], axis=1) / 2
    xx, yy = right - 2 * middle + left, below - 2 * middle + above
    xy = (window[:, 2, 2] - right - below + 2 * middle - left - above + window[:, 0, 0]) / 2
    tiny = float(np.finfo(np.float32).eps)
    xx, yy = xx + tiny, yy + tiny
    determinant = xx * yy - xy * xy
    with np.errstate(divide="ignore", invalid="ignore"):
        x = -(yy * gradient[:, 0] - xy * gradient[:, 1]) / determinant
        y = -(xx * gradient[:, 1] - xy * gradient[:, 0]) / determinant
    step = np.stack([x, y], axis=1)
    near = np.hypot(x, y) <= _FARTHEST  # NaN is not
    return np.where(near[:, None], step, 0.0)


def spread(heatmaps: NDArray[np.float32], sigma: float) -> FloatArray:
    """(K,) by how much the heatmaps about the peaks are wider than labels, standard deviation in cells.

    Zero for a network that is as sure as it was taught to be.
    """
    count, height, width = heatmaps.shape
    reach = round(_REACH * sigma)
    offsets = np.arange(-reach, reach + 1)
    rows, columns = np.divmod(heatmaps.reshape(count, -1).argmax(1), width)
    down, across = rows[:, None] + offsets, columns[:, None] + offsets
    inside = ((down >= 0) & (down < height))[:, :, None] & ((across >= 0) & (across < width))[:, None, :]
    window = heatmaps[
        np.arange(count)[:, None, None],
        np.clip(down, 0, height - 1)[:, :, None],
        np.clip(across, 0, width - 1)[:, None, :],
    ]
    weights = np.where(inside, np.maximum(window, 0.0), 0.0).astype(np.float64)
    label = np.exp(-0.5 * (offsets / sigma) ** 2)
    expected = 2.0 * float((label * offsets**2).sum() / label.sum())
    excess = _variance(weights.sum(1), offsets) + _variance(weights.sum(2), offsets) - expected
    result: FloatArray = np.sqrt(np.maximum(excess, 0.0))
    return result


def _variance(weights: FloatArray, offsets: NDArray[np.int64]) -> FloatArray:
    """(K,) of (K, M) weights; 0 where all are 0."""
    total = np.maximum(weights.sum(1), 1e-12)
    mean = weights @ offsets / total
    result: FloatArray = (weights * (offsets - mean[:, None]) ** 2).sum(1) / total
    return result
