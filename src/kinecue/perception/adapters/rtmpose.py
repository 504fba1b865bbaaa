"""RTMPose (Jiang et al. 2023): one distribution over x and one over y for each landmark (SimCC, Li et al., ECCV 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import TOPOLOGIES
from kinecue.perception.adapters.person_crop import PersonCrop, alignment, landmarks_of
from kinecue.perception.errors import ModelError
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.manifest import SimCC
from kinecue.perception.regions import Image, Region
from kinecue.perception.sessions import Network
from kinecue.perception.tensors import PictureTensor

FloatArray = NDArray[np.float64]

SHARPNESS = 10.0
"""Factor before the softmax of outputs and labels in RTMPose's training (KLDiscretLoss, beta)."""
_REACH = 3.0
"""Standard deviations of the labels about the peak in which the spread is measured."""


class RTMPose:
    """Finds the landmarks of the person in a region with a network that gives SimCC distributions.

    Args:
        network: its interface has the decoding ``simcc``.

    Raises:
        ModelError: another kind of network.
    """

    def __init__(self, network: Network) -> None:
        interface = network.interface
        if not isinstance(interface.decoding, SimCC) or interface.topology is None:
            raise ModelError("expected a network with decoding simcc")
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
        picture = crop.cut(image, *self._size, unbiased=False)
        x, y = self._network.run(self._tensor(picture), self._network.interface.always)
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return None
        positions, confidence = decode(x[0], y[0], self._decoding.split_ratio)
        noise = spread(x[0], y[0], self._decoding.sigma) / self._decoding.split_ratio
        return landmarks_of(
            self.topology,
            crop.to_image(positions / self._size),
            confidence,
            noise * crop.height / self._size[1],
            crop,
            self._decoding.visible_from,
            stamp_ns,
        )


def decode(
    x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]], split_ratio: float
) -> tuple[FloatArray, FloatArray]:
    """The most likely place of each landmark.

    Args:
        x: (K, Wx) response of each bin across the input.
        y: (K, Wy) down the input.
        split_ratio: bins per input pixel.

    Returns:
        (K, 2) positions in input pixels, NaN without any positive response, and (K,) confidence, the mean of both
        peaks.
    """
    places = np.stack([x.argmax(1), y.argmax(1)], axis=1) / split_ratio
    confidence = np.asarray((x.max(1) + y.max(1)) / 2, dtype=np.float64)
    return np.where(confidence[:, None] > 0.0, places, np.nan), confidence


def spread(
    x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]], sigma: tuple[float, float]
) -> FloatArray:
    """(K,) by how much the distributions about the peaks are wider than those of labels, standard deviation in bins.

    Zero for a network that is as sure as it was taught to be.
    """
    excess = np.zeros(len(x))
    for response, deviation in zip((x, y), sigma, strict=True):
        reach = round(_REACH * deviation)
        offsets = np.arange(-reach, reach + 1)
        label = np.exp(-0.5 * (offsets / deviation) ** 2)
        excess += np.maximum(
            _variance(_about_peak(response, offsets), offsets) - _variance(label[None], offsets), 0.0
        )
    result: FloatArray = np.sqrt(excess)
    return result


def _about_peak(response: NDArray[np.floating[Any]], offsets: NDArray[np.int64]) -> FloatArray:
    """(K, M) responses at offsets from each peak; nothing outside."""
    places = response.argmax(1)[:, None] + offsets
    inside = (places >= 0) & (places < response.shape[1])
    values = np.take_along_axis(response, np.clip(places, 0, response.shape[1] - 1), axis=1)
    return np.where(inside, values.astype(np.float64), -np.inf)


def _variance(responses: FloatArray, offsets: NDArray[np.int64]) -> FloatArray:
    """(K,) of the distributions that (K, M) responses stand for."""
    weights = np.exp(SHARPNESS * (responses - responses.max(1, keepdims=True)))
    weights /= weights.sum(1, keepdims=True)
    mean = weights @ offsets
    result: FloatArray = (weights * (offsets - mean[:, None]) ** 2).sum(1)
    return result
