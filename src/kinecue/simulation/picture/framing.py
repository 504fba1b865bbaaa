"""How far away an athlete has to be to be seen whole."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.picture.cameras import SyntheticCamera
from kinecue.simulation.rotations import yaw

FloatArray = NDArray[np.float64]

NEAREST, FARTHEST = 2.4, 7.0
"""Distances that are tried, m."""
MARGIN = 0.03
"""Of the picture's height and width that stays free at its edges."""


def whole_body_distance(points: FloatArray, camera: SyntheticCamera, view: float) -> float:
    """Distance along the floor at which a camera that hangs at x = 0 and looks along x sees all points, m.

    Args:
        points: (N, 3) of the whole movement in the athlete's frame, m.
        camera: its mount's x, y and yaw are taken as 0.
        view: yaw of the athlete against the camera, rad.

    Returns:
        The smallest such distance in steps of 5 cm, from 2.4 m; 7 m if nothing less is enough.
    """
    model = camera.model
    turned = points @ yaw(math.pi - view).T
    low = np.array([model.width, model.height]) * MARGIN
    high = np.array([model.width - 1, model.height - 1]) - low
    for distance in np.arange(NEAREST, FARTHEST, 0.05):
        pixels = model.project(turned + [distance, 0.0, 0.0])
        if bool(np.isfinite(pixels).all() and (pixels >= low).all() and (pixels <= high).all()):
            return float(distance)
    return FARTHEST
