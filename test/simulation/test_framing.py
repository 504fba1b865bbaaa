from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.simulation.picture.cameras import CAMERAS
from kinecue.simulation.picture.framing import FARTHEST, NEAREST, whole_body_distance
from kinecue.simulation.rotations import yaw

CAMERA = CAMERAS["webcam"]


def pillar(height: float, reach: float = 0.4) -> np.ndarray:
    return np.array([[x, y, z] for x in (-reach, reach) for y in (-reach, reach) for z in (0.0, height)])


@pytest.mark.parametrize("view", [0.0, 0.8, math.pi / 2, math.pi])
@pytest.mark.parametrize("height", [1.6, 2.1, 2.5])
def test_all_is_in_the_picture_there_and_not_any_nearer(height, view):
    points = pillar(height)
    distance = whole_body_distance(points, CAMERA, view)

    def inside(at: float) -> bool:
        pixels = CAMERA.model.project(points @ yaw(math.pi - view).T + [at, 0.0, 0.0])
        return bool((pixels >= 0.0).all() and (pixels <= [639.0, 479.0]).all())

    assert inside(distance)
    assert distance == NEAREST or not inside(distance - 0.4)


def test_what_never_fits_is_put_as_far_away_as_is_allowed():
    assert whole_body_distance(pillar(9.0), CAMERA, 0.0) == FARTHEST
