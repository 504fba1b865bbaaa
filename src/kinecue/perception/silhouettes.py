"""From a network's masks to silhouettes that the shape of a body can be fitted to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.body.volume.silhouette import Silhouette
from kinecue.perception.landmarks2d import Landmarks2D, SegmentationMask

FloatArray = NDArray[np.float64]


def mask_to_picture(mask: SegmentationMask) -> FloatArray:
    """(2, 3) from column and row of a mask (0 is the middle of the first) to pixels of the picture."""
    height, width = mask.probability.shape
    scale = mask.region.size / np.array([width, height])
    linear = mask.region.rotation * scale
    # as `crop` samples it: the first pixel of the mask lies at the region's corner
    return np.concatenate([linear, mask.region.to_image(np.zeros(2))[:, None]], 1)


def silhouettes_of(frames: Iterable[tuple[Landmarks2D, FloatArray]], camera: CameraModel) -> list[Silhouette]:
    """Silhouettes of a standing person.

    Args:
        frames: what the network said, and the (33, 3) positions of the body in the camera's base frame, m. Frames without
            a mask are left out.
        camera: as found by the calibration.
    """
    return [
        Silhouette(landmarks.mask.probability, mask_to_picture(landmarks.mask), camera, points)
        for landmarks, points in frames
        if landmarks.mask is not None
    ]
