"""Somebody who squats, made of exact segments, and what a network would say of the picture."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from kinecue.body import BLAZEPOSE_33, CameraModel, Landmark, angles
from kinecue.body.anthropometry import ANKLE_HEIGHT, SegmentLengths
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Region

CAMERA = CameraModel(640, 480, 560.0, 560.0, 319.5, 239.5, mount_height=1.1, tilt=math.radians(3))
LENGTHS = SegmentLengths(0.19, 0.50, 0.36, 0.43, 0.42, 0.29, 0.25)
L = Landmark
UP = np.array([0.0, 0.0, 1.0])


def squatting(
    flexion: float, yaw: float, knees_in: float = 0.0, distance: float = 3.1, arms: float = 0.0
) -> np.ndarray:
    """(33, 3) landmarks of somebody who squats with the feet 0.3 m apart; the joints' lengths are exact.

    `yaw` as Body.view; `knees_in` turns both knees about the hip-ankle line, `arms` raises both arms ahead, rad.
    """
    forward = np.array([-math.cos(yaw), math.sin(yaw), 0.0])
    left = np.cross(UP, forward)
    centre = np.array([distance, 0.0, 0.0])
    half = 0.5 * flexion
    lean = 0.36 * flexion
    reach = math.hypot(*_leg(flexion))
    out = {}
    hip_height = ANKLE_HEIGHT + math.sqrt(
        max(reach**2 - (0.15 - LENGTHS.pelvis / 2) ** 2 - (0.24 * math.sin(half)) ** 2, 0.01)
    )
    pelvis = centre + UP * hip_height - forward * (0.24 * math.sin(half))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        ankle = centre + left * sign * 0.15 + UP * ANKLE_HEIGHT
        hip = pelvis + left * sign * LENGTHS.pelvis / 2
        axis = hip - ankle
        # the hip's exact place follows from the leg's length
        hip = ankle + axis
        length = float(np.linalg.norm(axis))
        u = axis / length
        along = (LENGTHS.shank**2 - LENGTHS.thigh**2 + length**2) / (2 * length)
        off = math.sqrt(max(LENGTHS.shank**2 - along**2, 0.0))
        pole = forward - (forward @ u) * u
        pole /= np.linalg.norm(pole)
        turn = -sign * knees_in
        pole = pole * math.cos(turn) + np.cross(u, pole) * math.sin(turn)
        knee = ankle + along * u + off * pole
        out |= {f"{side}_ankle": ankle, f"{side}_hip": hip, f"{side}_knee": knee}
        out[f"{side}_heel"] = ankle - forward * 0.05 - UP * 0.06
        out[f"{side}_foot_index"] = ankle + forward * 0.14 - UP * 0.08
    spine = UP * math.cos(lean) + forward * math.sin(lean)
    neck = pelvis + spine * LENGTHS.trunk
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder = neck + left * sign * LENGTHS.shoulders / 2
        arm = forward * math.sin(arms) - UP * math.cos(arms)
        bend = 0.3 * math.cos(arms)
        elbow = shoulder + arm * LENGTHS.upper_arm
        wrist = elbow + (forward * bend + arm) / np.linalg.norm(forward * bend + arm) * LENGTHS.forearm
        out |= {f"{side}_shoulder": shoulder, f"{side}_elbow": elbow, f"{side}_wrist": wrist}
        for finger in ("pinky", "index", "thumb"):
            out[f"{side}_{finger}"] = wrist - UP * 0.08
        eye = neck + spine * 0.22 + forward * 0.08 + left * sign * 0.03
        for name in ("eye_inner", "eye", "eye_outer"):
            out[f"{side}_{name}"] = eye
        out[f"{side}_ear"] = eye - forward * 0.08 + left * sign * 0.04
        out[f"mouth_{side}"] = eye - UP * 0.06
    out["nose"] = neck + spine * 0.2 + forward * 0.1
    return np.array([out[mark.value] for mark in BLAZEPOSE_33.landmarks])


def _leg(flexion: float) -> tuple[float, float]:
    """Hip seen from the ankle for a knee flexion: law of cosines along one axis."""
    return (
        math.sqrt(
            LENGTHS.thigh**2 + LENGTHS.shank**2 + 2 * LENGTHS.thigh * LENGTHS.shank * math.cos(flexion)
        ),
        0.0,
    )


def seen(
    points: np.ndarray,
    stamp_ns: int,
    rng: np.random.Generator | None = None,
    noise: float = 0.0,
    flat: float = 1.0,
    camera: CameraModel = CAMERA,
    **fields: Any,
) -> Landmarks2D:
    """What a network would say: pixels with noise (px), depth shrunk by `flat`; `fields` replace others."""
    pixels = camera.project(points)
    if rng is not None:
        pixels = pixels + rng.normal(0.0, noise, pixels.shape)
    hips = points[BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)].mean(0)
    world = (points - hips) @ camera.rotation.T
    world[:, 2] *= flat
    ones = np.ones(33)
    return replace(
        Landmarks2D(
            stamp_ns,
            BLAZEPOSE_33,
            pixels,
            world[:, 2] * 100,
            ones,
            ones,
            world,
            ones,
            0.95,
            Region(320, 240, 300, 0.0),
        ),
        **fields,
    )


def flexion_of(points: np.ndarray, side: str = "left") -> float:
    rows = BLAZEPOSE_33.indices(L(f"{side}_hip"), L(f"{side}_knee"), L(f"{side}_ankle"))
    return float(angles.flexion(*points[rows]))


def lean_of(points: np.ndarray) -> float:
    hips, shoulders = (
        points[BLAZEPOSE_33.indices(L(f"left_{p}"), L(f"right_{p}"))] for p in ("hip", "shoulder")
    )
    return float(angles.trunk_lean(hips.mean(0), shoulders.mean(0), angles.body_axes(hips[0], hips[1])[1]))
