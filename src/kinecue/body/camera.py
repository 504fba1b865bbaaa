"""The camera of a machine: pinhole, distortion, and how it is mounted over the floor."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinecue.body.lens import PLUMB_BOB, Distortion

FloatArray = NDArray[np.float64]

DEFAULT_HORIZONTAL_FOV = math.radians(62.0)
"""Assumed field of view of an unknown camera: webcams and phone main cameras lie between 55 and 70 degrees."""

_NEAR = 1e-6
"""Nothing closer to the camera's plane than this has an image, m."""


@dataclass(frozen=True)
class CameraModel:
    """Projection from the base frame to pixels.

    The base frame has z up and its origin on the floor. It belongs to the first camera: that one stands over the origin
    and looks along x (`x`, `y` and `yaw` are 0). Further cameras of the same scene say where they stand in that frame.

    Attributes:
        width, height: image size, px.
        fx, fy, cx, cy: pinhole intrinsics, px.
        distortion: coefficients of `distortion_model`; by default plumb bob k1 k2 p1 p2 k3 as in sensor_msgs/CameraInfo.
        mount_height: optical centre over the floor, m.
        tilt: rotation about the camera's x axis, rad; positive looks down.
        roll: rotation about the optical axis, rad; positive turns the image clockwise.
        intrinsics_estimated: the intrinsics are a guess from the image size.
        mount_estimated: height and tilt are a guess.
        x, y: where the camera stands, m.
        yaw: direction in which it looks, about z, rad; 0 along x, positive turned to its left.
        distortion_model: `plumb_bob`, `rational_polynomial` (8 coefficients) or `equidistant` (fisheye, 4); see
            `kinecue.body.lens`.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = field(default=(0.0, 0.0, 0.0, 0.0, 0.0))
    mount_height: float = 1.0
    tilt: float = 0.0
    roll: float = 0.0
    intrinsics_estimated: bool = False
    mount_estimated: bool = False
    x: float = 0.0
    y: float = 0.0
    yaw: float = 0.0
    distortion_model: str = PLUMB_BOB

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"CameraModel: image size must be positive, got {self.width}x{self.height}")
        values = (
            self.fx,
            self.fy,
            self.cx,
            self.cy,
            self.mount_height,
            self.tilt,
            self.roll,
            self.x,
            self.y,
            self.yaw,
            *self.distortion,
        )
        if not all(math.isfinite(v) for v in values) or self.fx <= 0 or self.fy <= 0:
            raise ValueError(f"CameraModel: fx, fy must be positive and all values finite, got {values}")
        try:
            # asked for here, so that impossible coefficients are refused at once
            self.lens.active  # noqa: B018
        except ValueError as error:
            raise ValueError(f"CameraModel: {error}") from None

    @staticmethod
    def estimate(
        width: int,
        height: int,
        horizontal_fov: float = DEFAULT_HORIZONTAL_FOV,
        mount_height: float = 1.0,
        tilt: float = 0.0,
        mount_estimated: bool = True,
    ) -> CameraModel:
        """A guess for a camera of which only the image size is known, marked as a guess.

        The field of view is taken along the longer side, so that a clip filmed upright gets the same focal length.
        """
        focal = max(width, height) / 2.0 / math.tan(horizontal_fov / 2.0)
        return CameraModel(
            width,
            height,
            focal,
            focal,
            (width - 1) / 2.0,
            (height - 1) / 2.0,
            mount_height=mount_height,
            tilt=tilt,
            intrinsics_estimated=True,
            mount_estimated=mount_estimated,
        )

    @cached_property
    def matrix(self) -> FloatArray:
        """(3, 3) intrinsic matrix K."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @cached_property
    def rotation(self) -> FloatArray:
        """(3, 3) rows are the optical axes (right, down, forward) in the base frame."""
        c, s = math.cos(self.tilt), math.sin(self.tilt)
        cy, sy = math.cos(self.yaw), math.sin(self.yaw)
        right = np.array([sy, -cy, 0.0])
        down = np.array([-s * cy, -s * sy, -c])
        forward = np.array([c * cy, c * sy, -s])
        cr, sr = math.cos(self.roll), math.sin(self.roll)
        return np.stack([cr * right - sr * down, sr * right + cr * down, forward])

    @cached_property
    def centre(self) -> FloatArray:
        """(3,) optical centre in the base frame, m."""
        return np.array([self.x, self.y, self.mount_height])

    @cached_property
    def lens(self) -> Distortion:
        """The lens' distortion."""
        return Distortion(self.distortion_model, tuple(self.distortion))

    @property
    def distorted(self) -> bool:
        """The lens model is not a plain pinhole."""
        return self.lens.active

    @cached_property
    def pinhole(self) -> CameraModel:
        """The same camera with a perfect lens: what sees `undistort`-ed pixels."""
        if not self.distorted:
            return self
        return replace(self, distortion=(0.0,) * 5, distortion_model=PLUMB_BOB)

    @cached_property
    def _forwards(self) -> tuple[FloatArray, FloatArray]:
        """(3, 3) and (3,): homogeneous pixels are ``points @ first + second``."""
        projection = self.matrix @ self.rotation
        return projection.T.copy(), -projection @ self.centre

    @cached_property
    def _backwards(self) -> tuple[FloatArray, FloatArray]:
        """(2, 3) and (3,): directions are ``pixels @ first + second``."""
        right, down, forward = self.rotation
        slope = np.stack([right / self.fx, down / self.fy])
        return slope, forward - np.array([self.cx, self.cy]) @ slope

    def to_optical(self, points: FloatArray) -> FloatArray:
        """(..., 3) base frame to optical frame, m."""
        result: FloatArray = (points - self.centre) @ self.rotation.T
        return result

    def project(self, points: FloatArray) -> FloatArray:
        """(..., 3) points in the base frame to (..., 2) pixels.

        NaN for points that are not in front of the camera or farther from its axis than the lens can see.
        """
        points = np.asarray(points, dtype=np.float64)
        matrix, offset = self._forwards
        homogeneous = points @ matrix + offset
        depth = homogeneous[..., 2:]
        pixels: FloatArray = homogeneous[..., :2] / np.where(depth > _NEAR, depth, np.nan)
        if self.distorted:
            return self._to_pixels(self.lens.distort(self._normalized(pixels)))
        return pixels

    def undistort(self, pixels: FloatArray) -> FloatArray:
        """(..., 2) pixels to where a pinhole with the same K would see them; NaN for pixels beyond the lens."""
        pixels = np.asarray(pixels, dtype=np.float64)
        if not self.distorted or pixels.size == 0:
            return pixels
        return self._to_pixels(self.lens.undistort(self._normalized(pixels)))

    def rays(self, pixels: FloatArray) -> FloatArray:
        """(..., 2) pixels to (..., 3) unit directions in the base frame; NaN for pixels beyond the lens."""
        slope, offset = self._backwards
        directions = self.undistort(pixels) @ slope + offset
        unit: FloatArray = directions / np.sqrt((directions * directions).sum(-1, keepdims=True))
        return unit

    def _normalized(self, pixels: FloatArray) -> FloatArray:
        result: FloatArray = (pixels - [self.cx, self.cy]) / [self.fx, self.fy]
        return result

    def _to_pixels(self, normalized: FloatArray) -> FloatArray:
        result: FloatArray = normalized * [self.fx, self.fy] + [self.cx, self.cy]
        return result
