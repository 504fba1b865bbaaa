"""The camera of a machine: pinhole, distortion, and how it is mounted over the floor."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

DEFAULT_HORIZONTAL_FOV = math.radians(62.0)
"""Assumed field of view of an unknown camera: webcams and phone main cameras lie between 55 and 70 degrees."""


@dataclass(frozen=True)
class CameraModel:
    """Projection from the base frame (z up, origin on the floor under the camera, x ahead) to pixels.

    Attributes:
        width, height: image size, px.
        fx, fy, cx, cy: pinhole intrinsics, px.
        distortion: (5,) plumb bob coefficients k1 k2 p1 p2 k3 as in sensor_msgs/CameraInfo.
        mount_height: optical centre over the floor, m.
        tilt: rotation about the camera's x axis, rad; positive looks down.
        roll: rotation about the optical axis, rad; positive turns the image clockwise.
        intrinsics_estimated: the intrinsics are a guess from the image size.
        mount_estimated: height and tilt are a guess.
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
            *self.distortion,
        )
        if not all(math.isfinite(v) for v in values) or self.fx <= 0 or self.fy <= 0:
            raise ValueError(f"CameraModel: fx, fy must be positive and all values finite, got {values}")

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
        right = np.array([0.0, -1.0, 0.0])
        down = np.array([-s, 0.0, -c])
        forward = np.array([c, 0.0, -s])
        cr, sr = math.cos(self.roll), math.sin(self.roll)
        return np.stack([cr * right - sr * down, sr * right + cr * down, forward])

    @cached_property
    def centre(self) -> FloatArray:
        """(3,) optical centre in the base frame, m."""
        return np.array([0.0, 0.0, self.mount_height])

    @property
    def distorted(self) -> bool:
        """The lens model is not a plain pinhole."""
        return any(self.distortion)

    def to_optical(self, points: FloatArray) -> FloatArray:
        """(..., 3) base frame to optical frame, m."""
        result: FloatArray = (points - self.centre) @ self.rotation.T
        return result

    def project(self, points: FloatArray) -> FloatArray:
        """(..., 3) points in the base frame to (..., 2) pixels; NaN for points not in front of the camera."""
        optical = self.to_optical(np.asarray(points, dtype=np.float64))
        depth = optical[..., 2:]
        with np.errstate(divide="ignore", invalid="ignore"):
            normalized = np.where(depth > 1e-6, optical[..., :2] / depth, np.nan)
        if self.distorted:
            flat = np.concatenate([normalized, np.ones_like(depth)], -1).reshape(-1, 1, 3)
            zero = np.zeros(3)
            pixels, _ = cv2.projectPoints(flat, zero, zero, self.matrix, np.array(self.distortion))
            return np.asarray(pixels, dtype=np.float64).reshape(normalized.shape)
        result: FloatArray = normalized * [self.fx, self.fy] + [self.cx, self.cy]
        return result

    def undistort(self, pixels: FloatArray) -> FloatArray:
        """(..., 2) pixels to where a pinhole with the same K would see them."""
        pixels = np.asarray(pixels, dtype=np.float64)
        if not self.distorted or pixels.size == 0:
            return pixels
        flat = cv2.undistortPoints(
            pixels.reshape(-1, 1, 2), self.matrix, np.array(self.distortion), P=self.matrix
        )
        return np.asarray(flat, dtype=np.float64).reshape(pixels.shape)

    def rays(self, pixels: FloatArray) -> FloatArray:
        """(..., 2) pixels to (..., 3) unit directions in the base frame."""
        straight = self.undistort(pixels)
        optical = np.concatenate(
            [(straight - [self.cx, self.cy]) / [self.fx, self.fy], np.ones(straight.shape[:-1] + (1,))], -1
        )
        directions = optical @ self.rotation
        unit: FloatArray = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        return unit
