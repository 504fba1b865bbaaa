"""What a depth camera sees of the gym, registered to the colour camera, with the errors of such cameras."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.picture.actors import Stage
from kinecue.simulation.picture.cameras import SyntheticCamera
from kinecue.simulation.picture.lights import Light
from kinecue.simulation.picture.surfaces import Surface, faces_seen, visible_detail

Float32Array = NDArray[np.float32]

_SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class DepthErrors:
    """How a depth camera errs; the defaults are those of active stereo in a gym.

    Attributes:
        quadratic: standard deviation of a pixel over the square of its depth, 1/m.
        blob: edge of the patches that err together, px: matching smears disparities over windows.
        bias: share of the depth by which everything is too far (calibration).
        edge: pixels lost on either side of a jump in depth, px.
        farthest: nothing beyond is measured, m.
    """

    quadratic: float = 2.5e-3
    blob: int = 5
    bias: float = 0.005
    edge: int = 1
    farthest: float = 6.0


def depth_picture(camera: SyntheticCamera, stage: Stage, light: Light) -> Float32Array:
    """(H, W) exact distance along the optical axis of people and things, m; infinite elsewhere."""
    view = camera.view
    surfaces = [Surface.of_actor(a, light, view, visible_detail(a, view)) for a in stage.actors]
    if stage.props is not None and len(stage.props.faces):
        surfaces.append(Surface.of_mesh(stage.props, light))
    image: Float32Array = np.full((view.height, view.width), np.inf, dtype=np.float32)
    corners, depths = [], []
    for surface in surfaces:
        seen = faces_seen(surface, view)
        if len(seen.distance):
            corners.append(seen.corners)
            depths.append(seen.depth)
    if not corners:
        return image
    quads, distance = np.concatenate(corners), np.concatenate(depths)
    order = np.argsort(-distance, kind="stable")
    # along the optical axis, not along the ray
    towards = view.rays(quads.mean(1).astype(np.float64)) @ view.rotation[2]
    depth = distance * np.nan_to_num(towards, nan=1.0).astype(np.float32)
    fixed = np.rint(quads[order] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    for quad, value in zip(fixed, depth[order].tolist(), strict=True):
        cv2.fillConvexPoly(image, quad, value, cv2.LINE_8, _SUBPIXEL_BITS)
    return image


def as_measured(exact: Float32Array, errors: DepthErrors, seed: int, background: float = 4.5) -> Float32Array:
    """(H, W) what the sensor says, m; NaN unknown.

    Args:
        exact: of `depth_picture`.
        errors: of the sensor.
        seed: of the noise.
        background: depth of what is infinite, m.
    """
    depth = np.where(np.isfinite(exact), exact, np.float32(background)).astype(np.float32)
    draw = np.random.default_rng(seed)
    height, width = depth.shape
    coarse = draw.standard_normal((height // errors.blob + 2, width // errors.blob + 2)).astype(np.float32)
    noise = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    measured = depth * np.float32(1.0 + errors.bias) + np.float32(errors.quadratic) * depth * depth * noise
    kernel = np.ones((2 * errors.edge + 1,) * 2, np.uint8)
    jump = cv2.dilate(depth, kernel) - cv2.erode(depth, kernel) > 0.15
    result: Float32Array = np.where(jump | (depth > errors.farthest), np.float32(np.nan), measured)
    return result
