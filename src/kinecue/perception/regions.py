"""Square, rotated pieces of a picture, and the way between their coordinates and the picture's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

_SAMPLES_UNROUNDED = int(cv2.__version__.split(".")[0]) >= 5
"""OpenCV 5 samples at exact positions; OpenCV 4, which MediaPipe is built with, rounds them to 1/32 px."""
_FRACTIONS = 32
"""cv2.INTER_TAB_SIZE."""

BODY_MARGIN = 1.25
"""Enlargement of the circle round the body (pose_detection_to_roi.pbtxt, scale_x)."""


@dataclass(frozen=True)
class Region:
    """A square of a picture.

    Attributes:
        x, y: centre, px.
        size: edge, px.
        angle: rotation, rad; positive turns the square's upright axis clockwise as seen in the picture.
    """

    x: float
    y: float
    size: float
    angle: float = 0.0

    @staticmethod
    def around_body(centre: FloatArray, end: FloatArray) -> Region:
        """The square about a body, turned so that the body is upright in it.

        BlazePose's alignment: `centre` is the mid-hip, `end` a point on the circle that holds the whole body,
        above the head of a person stretched out. Both (2,), px.
        """
        dx, dy = float(end[0] - centre[0]), float(end[1] - centre[1])
        angle = math.pi / 2 - math.atan2(-dy, dx)
        angle -= 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi))
        return Region(float(centre[0]), float(centre[1]), 2 * math.hypot(dx, dy) * BODY_MARGIN, angle)

    @staticmethod
    def letterbox(width: int, height: int) -> Region:
        """The smallest upright square that holds a whole picture."""
        return Region(width / 2, height / 2, float(max(width, height)))

    @property
    def rotation(self) -> FloatArray:
        """(2, 2) takes directions in the square to directions in the picture."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return np.array([[c, -s], [s, c]])

    def to_image(self, points: FloatArray) -> FloatArray:
        """(..., 2) points in the square, 0 to 1 over its edges, to pixels of the picture."""
        result: FloatArray = (points - 0.5) * self.size @ self.rotation.T + [self.x, self.y]
        return result

    def from_image(self, pixels: FloatArray) -> FloatArray:
        """(..., 2) pixels of the picture to points in the square, 0 to 1 over its edges."""
        result: FloatArray = (pixels - [self.x, self.y]) @ self.rotation / self.size + 0.5
        return result

    def usable(self, width: int, height: int) -> bool:
        """Whether it is finite, neither tiny nor huge, and touches a picture of this size."""
        if not all(math.isfinite(v) for v in (self.x, self.y, self.size, self.angle)):
            return False
        reach = self.size / math.sqrt(2.0)
        inside = -reach < self.x < width + reach and -reach < self.y < height + reach
        return inside and 8.0 <= self.size <= 8.0 * max(width, height)

    def overlap(self, other: Region) -> float:
        """Intersection over union of the two squares, rotation ignored, 0 to 1."""
        width = min(self.x + self.size / 2, other.x + other.size / 2) - max(
            self.x - self.size / 2, other.x - other.size / 2
        )
        height = min(self.y + self.size / 2, other.y + other.size / 2) - max(
            self.y - self.size / 2, other.y - other.size / 2
        )
        common = max(width, 0.0) * max(height, 0.0)
        union = self.size**2 + other.size**2 - common
        return common / union if union > 0 else 0.0


def crop(image: Image, region: Region, size: int, replicate_border: bool) -> Image:
    """Sample a region, bilinear.

    Args:
        image: (H, W, 3) picture.
        region: what of it.
        size: edge of the result, px.
        replicate_border: outside the picture repeat its edge; otherwise black.

    Returns:
        (size, size, 3) picture.
    """
    scale = region.size / size
    matrix = np.eye(3)
    matrix[:2, :2] = region.rotation * scale
    matrix[:2, 2] = [region.x, region.y] - matrix[:2, :2].sum(1) * size / 2
    border = cv2.BORDER_REPLICATE if replicate_border else cv2.BORDER_CONSTANT
    if _SAMPLES_UNROUNDED:
        return _sample_rounded(image, matrix, size, border)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # warpAffine is 0.1 ms faster, but rounds otherwise than MediaPipe's warpPerspective: up to 3 px off
    sampled = cv2.warpPerspective(image, matrix, (size, size), flags=flags, borderMode=border)
    return np.asarray(sampled, dtype=np.uint8)


def _sample_rounded(image: Image, matrix: FloatArray, size: int, border: int) -> Image:
    """What OpenCV 4's warpPerspective does for an affine (3, 3) matrix, bit for bit, with any OpenCV.

    Without it landmarks move by up to 5 px from OpenCV 4 to 5.
    """
    steps = np.arange(size)
    positions = np.empty((size, size, 2))
    for axis in (0, 1):
        along_x, along_y, offset = matrix[axis] * _FRACTIONS
        positions[..., axis] = along_x * steps + (along_y * steps + offset)[:, None]
    rounded = np.rint(positions).astype(np.int32)
    limits = np.iinfo(np.int16)
    cells = np.clip(rounded // _FRACTIONS, limits.min, limits.max).astype(np.int16)
    fractions = rounded % _FRACTIONS
    table = (fractions[..., 1] * _FRACTIONS + fractions[..., 0]).astype(np.uint16)
    sampled = cv2.remap(image, cells, table, cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(sampled, dtype=np.uint8)
