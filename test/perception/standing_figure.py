"""Somebody made of points who stands before a camera, as a network would see them."""

from __future__ import annotations

import math

import numpy as np

from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Region

CAMERA = CameraModel(640, 480, 560.0, 560.0, 319.5, 239.5, mount_height=1.1, tilt=math.radians(3.0))
_SIDE = {
    "eye_inner": (0.09, 0.015, 1.63),
    "eye": (0.09, 0.03, 1.63),
    "eye_outer": (0.08, 0.045, 1.63),
    "ear": (0.0, 0.08, 1.6),
    "shoulder": (0.04, 0.18, 1.42),
    "elbow": (0.03, 0.27, 1.13),
    "wrist": (0.05, 0.33, 0.88),
    "pinky": (0.05, 0.35, 0.8),
    "index": (0.07, 0.34, 0.79),
    "thumb": (0.08, 0.33, 0.82),
    "hip": (0.01, 0.09, 0.93),
    "knee": (0.02, 0.10, 0.5),
    "ankle": (0.0, 0.10, 0.095),
    "heel": (-0.06, 0.10, 0.03),
    "foot_index": (0.15, 0.13, 0.03),
}
_BODY = {
    f"{side}_{name}": (x, y * sign, z)
    for name, (x, y, z) in _SIDE.items()
    for side, sign in (("left", 1), ("right", -1))
}
_BODY |= {"nose": (0.12, 0.0, 1.6), "mouth_left": (0.1, 0.02, 1.55), "mouth_right": (0.1, -0.02, 1.55)}


def standing_points(changes: dict[str, tuple[float, float, float]] | None = None) -> np.ndarray:
    """(33, 3) in the body's own frame: x ahead, y left, z up from the floor; `changes` are added to some."""
    places = {name: np.array(place) for name, place in _BODY.items()}
    for name, change in (changes or {}).items():
        places[name] = places[name] + np.array(change)
    return np.stack([places[landmark.value] for landmark in BLAZEPOSE_33.landmarks])


def landmarks_of(
    body: np.ndarray,
    stamp_ns: int,
    camera: CameraModel = CAMERA,
    view: float = 0.0,
    distance: float = 3.2,
    aside: float = 0.0,
    identity: int = 0,
) -> Landmarks2D:
    """What a perfect network says; `view` is the person's yaw against the camera, 0 faces it."""
    # facing the camera is looking along -x; showing the left side is looking along +y of the base frame
    heading = math.pi - view
    c, s = math.cos(heading), math.sin(heading)
    placed = body @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]).T + [distance, aside, 0.0]
    optical = camera.to_optical(placed)
    hips = BLAZEPOSE_33.indices(
        *(landmark for landmark in BLAZEPOSE_33.landmarks if landmark.value.endswith("_hip"))
    )
    n = len(BLAZEPOSE_33)
    return Landmarks2D(
        stamp_ns,
        BLAZEPOSE_33,
        camera.project(placed),
        np.zeros(n),
        np.full(n, 0.98),
        np.full(n, 0.99),
        optical - optical[hips].mean(0),
        np.zeros(n),
        0.99,
        Region(320.0, 240.0, 460.0, 0.0),
        identity,
    )
