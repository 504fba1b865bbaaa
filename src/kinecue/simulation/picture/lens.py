"""How a camera in the gym sees: gym frame to pixels and back, to a small fraction of a pixel for any lens."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel

FloatArray = NDArray[np.float64]
AnyFloat = NDArray[np.floating[Any]]

NEAR = 0.05
"""Nothing closer to the camera's plane than this is seen, m."""
_TABLE = 8192
_MAX_RADIUS = 12.0
"""Tangent of the widest angle from the optical axis that is looked for, about 85 degrees."""


def radial(distortion: tuple[float, ...], radius: FloatArray) -> FloatArray:
    """(...,) radius in the image of points whose pinhole radius is given, both over the focal length."""
    k1, k2, _, _, k3 = distortion
    r2 = radius * radius
    result: FloatArray = radius * (1.0 + r2 * (k1 + r2 * (k2 + r2 * k3)))
    return result


def widest_radius(distortion: tuple[float, ...]) -> float:
    """Pinhole radius up to which the lens model is one to one; beyond it a polynomial folds back."""
    r = np.linspace(0.0, _MAX_RADIUS, _TABLE)
    falling = np.where(np.diff(radial(distortion, r)) <= 0.0)[0]
    return float(r[falling[0]]) if len(falling) else math.inf


class View:
    """One camera placed in the gym.

    `CameraModel` works in the camera's own base frame and in double precision; this class works in the gym frame and
    keeps the precision of the renderer's arrays. Both give no pixel to what lies beyond the lens.
    """

    def __init__(self, model: CameraModel, rotation: FloatArray, translation: FloatArray) -> None:
        """Place a camera.

        Args:
            model: intrinsics and mounting over its own base frame.
            rotation, translation: (3, 3) and (3,) from the gym frame to that base frame.
        """
        self.model = model
        self.width, self.height = model.width, model.height
        self.rotation: FloatArray = model.rotation @ rotation
        """(3, 3) rows are the optical axes (right, down, forward) in the gym frame."""
        self.centre: FloatArray = rotation.T @ (model.centre - translation)
        """(3,) optical centre in the gym frame, m."""

    @cached_property
    def widest(self) -> float:
        """Pinhole radius over the focal length beyond which nothing is seen."""
        return widest_radius(self.model.distortion) if self.model.distorted else math.inf

    def to_optical(self, points: FloatArray) -> FloatArray:
        """(..., 3) gym frame to optical frame, m."""
        result: FloatArray = (points - self.centre) @ self.rotation.T
        return result

    def project(self, points: FloatArray) -> FloatArray:
        """(..., 3) points in the gym frame to (..., 2) pixels; NaN for what the lens cannot see."""
        optical = self.to_optical(np.asarray(points, dtype=np.float64))
        u, v = self.project_optical(optical[..., 0], optical[..., 1], optical[..., 2])
        return np.stack([u, v], -1)

    def project_optical(self, x: AnyFloat, y: AnyFloat, z: AnyFloat) -> tuple[NDArray[Any], NDArray[Any]]:
        """Columns and rows of points in the optical frame; keeps the precision of its arguments."""
        m = self.model
        inverse = 1.0 / np.where(z > NEAR, z, np.nan).astype(x.dtype)
        a, b = x * inverse, y * inverse
        if m.distorted:
            k1, k2, p1, p2, k3 = m.distortion
            r2 = a * a + b * b
            limit = self.widest**2
            r2 = np.where(r2 < limit, r2, np.nan).astype(x.dtype) if math.isfinite(limit) else r2
            gain = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
            a, b = (
                a * gain + 2.0 * p1 * a * b + p2 * (r2 + 2.0 * a * a),
                b * gain + p1 * (r2 + 2.0 * b * b) + 2.0 * p2 * a * b,
            )
        return a * m.fx + m.cx, b * m.fy + m.cy

    def rays(self, pixels: FloatArray) -> FloatArray:
        """(..., 2) pixels to (..., 3) unit directions in the gym frame; NaN beyond the lens."""
        m = self.model
        a = (pixels[..., 0] - m.cx) / m.fx
        b = (pixels[..., 1] - m.cy) / m.fy
        if m.distorted:
            a, b = self._straightened(a, b)
        directions = a[..., None] * self.rotation[0] + b[..., None] * self.rotation[1] + self.rotation[2]
        unit: FloatArray = directions / np.sqrt(1.0 + a * a + b * b)[..., None]
        return unit

    def _straightened(self, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        _, _, p1, p2, _ = self.model.distortion
        top = min(self.widest, _MAX_RADIUS)
        radius = np.linspace(0.0, top, _TABLE)
        bent = radial(self.model.distortion, radius)
        x, y = a, b
        # the tangential part is small: taking it off where the last guess puts it converges at once
        for attempt in range(1 if p1 == p2 == 0.0 else 6):
            ca, cb = a, b
            if attempt:
                r2 = x * x + y * y
                ca = a - (2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x))
                cb = b - (p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y)
            r = np.hypot(ca, cb)
            straight = np.interp(r, bent, radius, right=np.nan)
            share = np.where(r > 1e-12, straight / np.maximum(r, 1e-12), 1.0)
            x, y = ca * share, cb * share
        return x, y
