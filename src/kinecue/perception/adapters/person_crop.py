"""The part of a picture that a top-down network looks at, and the way between its coordinates and the picture's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Topology
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Image, Region

FloatArray = NDArray[np.float64]

_BOX_OVER_LANDMARKS = 1.15
"""Extent of a person's box over that of the landmarks: eyes are at 0.94, ankles at 0.04 of the stature (Drillis and
Contini 1966)."""
_FEWEST = 3
"""Landmarks that must be sure for a box about them."""
_SMALLEST = 0.55
"""Least extent of the landmarks as a share of the crop's height: the next crop is 0.8 as high then, and a body does not
shrink faster."""


@dataclass(frozen=True)
class PersonCrop:
    """An upright rectangle of a picture with the aspect ratio of a network's input.

    Attributes:
        x, y: centre, px.
        width, height: extent, px.
    """

    x: float
    y: float
    width: float
    height: float

    @staticmethod
    def about_box(box: FloatArray, aspect: float, padding: float) -> PersonCrop:
        """About a person's box (4,) left, top, right, bottom, px, enlarged by `padding`; `aspect` is width over height.

        As MMPose's GetBBoxCenterScale and TopdownAffine do it.
        """
        left, top, right, bottom = (float(value) for value in box)
        width, height = (right - left) * padding, (bottom - top) * padding
        height = max(height, width / aspect)
        return PersonCrop((left + right) / 2, (top + bottom) / 2, height * aspect, height)

    @staticmethod
    def of_region(region: Region, aspect: float) -> PersonCrop:
        """What of a region to look at: its height if the body is upright in the picture, more if it lies."""
        across = abs(math.sin(region.angle)) / aspect
        height = region.size * max(abs(math.cos(region.angle)), across)
        return PersonCrop(region.x, region.y, height * aspect, height)

    @property
    def region(self) -> Region:
        """The upright square that holds it."""
        return Region(self.x, self.y, max(self.width, self.height))

    def to_image(self, shares: FloatArray) -> FloatArray:
        """(..., 2) points of the crop, 0 to 1 over its edges, to pixels of the picture."""
        result: FloatArray = (shares - 0.5) * [self.width, self.height] + [self.x, self.y]
        return result

    def cut(self, image: Image, width: int, height: int, unbiased: bool) -> Image:
        """Sample it as a (height, width, 3) picture, bilinear, black outside.

        Args:
            image: (H, W, 3) picture.
            width, height: size of the result, px.
            unbiased: its edges are the centres of the outermost pixels, which makes lengths independent of the
                resolution (UDP; Huang et al., CVPR 2020); otherwise the outer edges of the pixels at the left and
                top, and one beyond at the right and bottom, as MMPose's TopdownAffine without UDP.
        """
        less = 1 if unbiased else 0
        step = np.array([self.width / (width - less), self.height / (height - less)])
        offset = [self.x, self.y] - step * [(width - less) / 2, (height - less) / 2]
        matrix = np.array([[step[0], 0.0, offset[0]], [0.0, step[1], offset[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(image, matrix, (width, height), flags=flags), dtype=np.uint8)


def visibility(confidence: FloatArray, visible_from: float) -> FloatArray:
    """Confidence of a network, stretched so that `visible_from`, where it counts as visible, becomes 0.5.

    It is no calibrated probability: these networks are trained to be sure of hidden landmarks too where people
    could tell their place.
    """
    sure = np.nan_to_num(np.clip(confidence, 0.0, 1.0))
    below, above = max(visible_from, 1e-6), max(1.0 - visible_from, 1e-6)
    return np.where(sure < visible_from, 0.5 * sure / below, 0.5 + 0.5 * (sure - visible_from) / above)


def landmarks_of(
    topology: Topology,
    pixels: FloatArray,
    confidence: FloatArray,
    spread: FloatArray,
    crop: PersonCrop,
    visible_from: float,
    stamp_ns: int,
) -> Landmarks2D:
    """What a network without depth says of one person.

    Args:
        topology: N landmarks.
        pixels: (N, 2) in the picture, px, NaN where there is none.
        confidence: (N,) about 0 to 1.
        spread: (N,) noise of the positions, px, NaN unknown.
        crop: what was looked at.
        visible_from: confidence from which a landmark counts as visible.
        stamp_ns: of the picture.

    Returns:
        Landmarks whose score is the mean of the surer half, because the other half may be hidden; depth and world
        are NaN.
    """
    n = len(topology)
    visible = visibility(confidence, visible_from)
    score = float(np.sort(visible)[n // 2 :].mean())
    unknown = np.full(n, np.nan)
    return Landmarks2D(
        stamp_ns=stamp_ns,
        topology=topology,
        pixels=pixels,
        depth=unknown,
        visibility=visible,
        presence=visible,
        world=np.full((n, 3), np.nan),
        spread=spread,
        score=score,
        region=crop.region,
    )


def alignment(landmarks: Landmarks2D, crop: PersonCrop, aspect: float) -> FloatArray:
    """(2, 2) centre and end, px, of an upright region that holds the person next time."""
    centre, half = np.array([crop.x, crop.y]), crop.height / 2 / _BOX_OVER_LANDMARKS
    sure = (landmarks.visibility >= 0.5) & np.isfinite(landmarks.pixels).all(1)
    if np.count_nonzero(sure) >= _FEWEST:
        low, high = landmarks.pixels[sure].min(0), landmarks.pixels[sure].max(0)
        width, height = high - low
        extent = max(height, width / aspect, _SMALLEST * crop.height)
        centre, half = (low + high) / 2, _BOX_OVER_LANDMARKS * extent / 2
    return np.stack([centre, centre - [0.0, half]])
