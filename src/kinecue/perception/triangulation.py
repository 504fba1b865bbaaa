"""Points in space from where several cameras see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel

FloatArray = NDArray[np.float64]

_SMALLEST_SINE = 0.035
"""Rays that differ by less than 2 degrees do not cross anywhere that could be told, rad."""


def closest_approach(
    first: FloatArray, towards: FloatArray, second: FloatArray, along: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Where pairs of rays come closest.

    Args:
        first, second: (3,) origins, m.
        towards, along: (N, 3) unit directions.

    Returns:
        (N, 3) the points half way between, m; (N,) distance of the rays there, m. NaN for rays that are nearly
        parallel or meet behind one of the origins.
    """
    between = second - first
    cosine = (towards * along).sum(-1)
    sine2 = 1.0 - cosine * cosine
    p, q = towards @ between, along @ between
    with np.errstate(divide="ignore", invalid="ignore"):
        s, t = (p - cosine * q) / sine2, (cosine * p - q) / sine2
        valid = (sine2 > _SMALLEST_SINE**2) & (s > 0) & (t > 0)
    s, t = np.where(valid, s, np.nan), np.where(valid, t, np.nan)
    a, b = first + s[:, None] * towards, second + t[:, None] * along
    gap: FloatArray = np.linalg.norm(a - b, axis=1)
    return (a + b) / 2.0, gap


def triangulate(
    cameras: Sequence[CameraModel], pixels: Sequence[FloatArray], pixel_std: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """The points that fit best to what the cameras see (least squares of distances to the rays, weighted twice over).

    A ray's weight is that of its pixel's standard deviation at the point's distance, so that a far camera counts less.

    Args:
        cameras: in one base frame.
        pixels: per camera (N, 2) px; NaN where it does not see a point.
        pixel_std: per camera (N,) px.

    Returns:
        (N, 3) points, m, and (N, 3, 3) their covariances, m^2; NaN for points that fewer than two cameras see from
        different directions.
    """
    rays = np.stack([camera.rays(p) for camera, p in zip(cameras, pixels, strict=True)])
    focal = np.array([camera.fx for camera in cameras])[:, None]
    sigma = np.stack(list(pixel_std)) / focal
    centres = np.stack([camera.centre for camera in cameras])
    seen = np.isfinite(rays).all(-1) & np.isfinite(sigma) & (sigma > 0)
    rays, sigma = np.where(seen[..., None], rays, 0.0), np.where(seen, sigma, 1.0)
    across = np.eye(3) - rays[..., :, None] * rays[..., None, :]
    distance = np.ones(sigma.shape)
    known = seen.sum(0) >= 2
    points = np.zeros((rays.shape[1], 3))
    information = np.zeros((rays.shape[1], 3, 3))
    for _ in range(3):
        weight = np.where(seen, 1.0 / np.maximum(sigma * distance, 1e-9) ** 2, 0.0)
        information = np.einsum("cn,cnij->nij", weight, across)
        # in the units of the best ray, so that the test for parallel rays has no unit
        spread = np.linalg.eigvalsh(information / np.maximum(weight.max(0), 1e-12)[:, None, None])[:, 0]
        known = (seen.sum(0) >= 2) & (spread > _SMALLEST_SINE**2 / 4.0)
        information = np.where(known[:, None, None], information, np.eye(3))
        right = np.einsum("cn,cnij,cj->ni", weight, across, centres)
        points = np.linalg.solve(information, right[..., None])[..., 0]
        distance = np.maximum(np.linalg.norm(points - centres[:, None], axis=-1), 0.05)
    known &= (np.where(seen, ((points - centres[:, None]) * rays).sum(-1), 1.0) > 0).all(0)
    covariance = np.linalg.inv(information)
    return (
        np.where(known[:, None], points, np.nan),
        np.where(known[:, None, None], covariance, np.nan),
    )
