"""People made of sticks who squat, walk and stand, and cameras that see them without error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33, LandmarkState
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Region
from kinecue.perception.triangulation import triangulate

FRONT = CameraModel(640, 480, 530.0, 530.0, 319.5, 239.5, mount_height=1.1, tilt=math.radians(4))
FRAME_NS = 33_333_333


def camera_at(
    view: float, distance: float = 3.2, height: float = 1.2, target: float = 3.0, **more
) -> CameraModel:
    """A camera that sees somebody at (target, 0), who faces the first one, from `view` (rad, +pi/2: their left side)."""
    towards = math.pi + view
    return CameraModel(
        640,
        480,
        530.0,
        530.0,
        319.5,
        239.5,
        mount_height=height,
        tilt=math.radians(5),
        x=target + distance * math.cos(towards),
        y=distance * math.sin(towards),
        yaw=math.remainder(towards + math.pi, 2 * math.pi),
        **more,
    )


@dataclass(frozen=True)
class Stick:
    """Somebody who moves: x, y, facing (rad, pi looks at the first camera), stature (m), squatting or standing."""

    x: float = 3.0
    y: float = 0.0
    facing: float = math.pi
    stature: float = 1.75
    squats: bool = True
    period: float = 2.0
    speed: tuple[float, float] = (0.0, 0.0)

    def at(self, time: float) -> np.ndarray:
        """(33, 3) landmarks."""
        h = self.stature
        depth = 0.5 * (1 - math.cos(2 * math.pi * time / self.period)) if self.squats else 0.0
        knee = 1.9 * depth + 0.05
        shank_lean, thigh = 0.38 * knee, 0.62 * knee
        lean = 0.35 * knee
        shank, thigh_length, trunk = 0.246 * h, 0.245 * h, 0.288 * h
        ankle = np.array([0.0, 0.0, 0.09])
        knees = ankle + shank * np.array([math.sin(shank_lean), 0, math.cos(shank_lean)])
        hips = knees + thigh_length * np.array([-math.sin(thigh), 0, math.cos(thigh)])
        up = np.array([math.sin(lean), 0, math.cos(lean)])
        shoulders = hips + trunk * up
        arm = 0.9 * knee / 2 + 0.15
        elbows = shoulders + 0.172 * h * np.array([math.sin(arm), 0, -math.cos(arm)])
        wrists = elbows + 0.146 * h * np.array([math.sin(2 * arm), 0, -math.cos(2 * arm)])
        head = shoulders + 0.13 * h * up
        places = {L.NOSE: head + [0.1, 0, 0]}
        for side, sign in (("left", 1), ("right", -1)):
            for name, point, out in (
                ("shoulder", shoulders, 0.105),
                ("elbow", elbows, 0.14),
                ("wrist", wrists, 0.15),
                ("hip", hips, 0.055),
                ("knee", knees, 0.075),
                ("ankle", ankle, 0.08),
            ):
                places[L(f"{side}_{name}")] = point + [0, sign * out * h, 0]
            places[L(f"{side}_heel")] = ankle + [-0.05, sign * 0.08 * h, -0.07]
            places[L(f"{side}_foot_index")] = ankle + [0.17, sign * 0.09 * h, -0.07]
            for finger in ("pinky", "index", "thumb"):
                places[L(f"{side}_{finger}")] = wrists + [0.06, sign * 0.15 * h, -0.05]
            for part in ("eye_inner", "eye", "eye_outer", "ear"):
                places[L(f"{side}_{part}")] = head + [0.05, sign * 0.04, 0.05]
            places[L(f"mouth_{side}")] = head + [0.09, sign * 0.02, -0.05]
        points = np.stack([places[name] for name in BLAZEPOSE_33.landmarks])
        c, s = math.cos(self.facing), math.sin(self.facing)
        turned = points @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]).T
        return turned + [self.x + self.speed[0] * time, self.y + self.speed[1] * time, 0]


def look(
    camera: CameraModel,
    points: np.ndarray,
    stamp_ns: int,
    identity: int = 0,
    noise: np.random.Generator | None = None,
    std: float = 1.5,
) -> Landmarks2D:
    """What a network would say of (33, 3) landmarks."""
    n = len(BLAZEPOSE_33)
    pixels = camera.project(points)
    if noise is not None:
        pixels = pixels + noise.normal(scale=std, size=pixels.shape)
    hips = points[BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)].mean(0)
    world = (points - hips) @ camera.rotation.T
    found = pixels[np.isfinite(pixels).all(1)]
    low, high = (found.min(0), found.max(0)) if len(found) else (np.zeros(2), np.ones(2))
    region = Region(*((low + high) / 2).tolist(), float((high - low).max()) * 1.25)
    return Landmarks2D(
        stamp_ns,
        BLAZEPOSE_33,
        pixels,
        world[:, 2] * 150.0,
        np.full(n, 0.98),
        np.full(n, 0.99),
        world,
        np.full(n, 1.0),
        0.95,
        region,
        identity,
    )


class RayFitter:
    """A fitter that triangulates and nothing else; it remembers what it was given."""

    def __init__(self, camera: CameraModel, body_id: str) -> None:
        self.camera, self.id = camera, body_id
        self.given: list[tuple[Landmarks2D, list]] = []

    def update(self, landmarks: Landmarks2D, further=()) -> Body:
        self.given.append((landmarks, list(further)))
        n = len(landmarks.topology)
        cameras = [self.camera, *(view.camera for view in further)]
        pixels = [landmarks.pixels, *(view.landmarks.pixels for view in further)]
        points, covariances = np.full((n, 3), np.nan), np.full((n, 3, 3), np.nan)
        if len(cameras) > 1:
            points, covariances = triangulate(cameras, pixels, [np.full(n, 4.0)] * len(cameras))
        states = np.where(np.isfinite(points).all(1), int(LandmarkState.OBSERVED), int(LandmarkState.LOST))
        return Body(
            self.id,
            landmarks.stamp_ns,
            landmarks.topology,
            landmarks.pixels,
            np.full(n, 4.0),
            points,
            covariances,
            states.astype(np.uint8),
            landmarks.score,
            (self.camera.width, self.camera.height),
        )
