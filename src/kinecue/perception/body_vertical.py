"""A standing person as a plumb line: how far a camera is rolled about its optical axis."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import Landmark as L
from kinecue.body.landmarks import Topology

FloatArray = NDArray[np.float64]

_FORWARD_LEAN = math.radians(1.7)
"""Shoulders of somebody who stands are about 4 cm ahead of the ankles, as the centre of mass is (Winter 1995)."""
_LATERAL_STD, _FORWARD_STD = math.radians(1.3), math.radians(2.5)
"""How far the line from mid-ankles to mid-shoulders is from that, in the frontal and the sagittal plane."""
_LEVEL_STD = math.radians(2.0)
"""How far from level the lines across shoulders and hips are."""
_FRONTAL = math.radians(20.0)
"""Views up to which those lines tell of level; farther round they tell of depth."""


def roll_of(
    camera: CameraModel,
    pixels: FloatArray,
    topology: Topology,
    joints: FloatArray,
    left: FloatArray,
    view: float,
) -> tuple[float, float]:
    """What to add to the camera's roll, and the standard deviation of that, rad.

    The line from the middle of the ankles to that of the shoulders is vertical but for the person's lean; seen from the
    front, the lines across shoulders and hips are level. Simulated standings: root mean square error 0.3 degrees from the
    front, 0.7 at 45 degrees and 0.6 from the side; real people differ more in how they stand.

    Args:
        camera: intrinsics and mount.
        pixels: (N, 2) undistorted landmarks, px.
        topology: order of their rows.
        joints: (..., 3) where the person stands, base frame, m.
        left: (3,) horizontal unit vector to the person's left.
        view: yaw against the camera, rad; NaN unknown.

    Returns:
        0 with an infinite deviation where nothing can be seen.
    """
    pairs = {
        joint: pixels[topology.indices(L(f"left_{joint}"), L(f"right_{joint}"))]
        for joint in ("shoulder", "hip", "ankle")
    }
    pinhole = camera.pinhole
    middle = np.asarray(joints, dtype=np.float64).reshape(-1, 3).mean(0)
    foot = middle * [1.0, 1.0, 0.0]
    upright = pinhole.project(np.stack([foot, foot + [0.0, 0.0, 1.4]]))
    side = math.sin(view) if math.isfinite(view) else 1.0
    lean_std = mixed(_LATERAL_STD, _FORWARD_STD, view)
    seen = pairs["shoulder"].mean(0) - pairs["ankle"].mean(0)
    votes = [(_between(upright[1] - upright[0], seen) + side * _FORWARD_LEAN, lean_std)]
    if abs(view) < _FRONTAL:
        level = pinhole.project(np.stack([middle - 0.2 * left, middle + 0.2 * left]))
        for joint in ("shoulder", "hip"):
            votes.append((_between(level[1] - level[0], pairs[joint][0] - pairs[joint][1]), _LEVEL_STD))
    finite = [(angle, std) for angle, std in votes if math.isfinite(angle)]
    if not finite:
        return 0.0, math.inf
    weight = sum(1.0 / std**2 for _, std in finite)
    return sum(angle / std**2 for angle, std in finite) / weight, 1.0 / math.sqrt(weight)


def mixed(front: float, side: float, view: float) -> float:
    """A standard deviation seen from `view` of what has one from the front and one from the side."""
    turn = math.sin(view) if math.isfinite(view) else 1.0
    return math.hypot(math.sqrt(1.0 - turn * turn) * front, turn * side)


def _between(expected: FloatArray, seen: FloatArray) -> float:
    """Angle from the expected direction in the picture to the seen one, rad; clockwise positive (v is down)."""
    cross = expected[0] * seen[1] - expected[1] * seen[0]
    return math.atan2(float(cross), float(expected @ seen))
