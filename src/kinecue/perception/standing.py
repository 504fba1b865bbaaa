"""Quick calibration: segment lengths, facing and foot contacts of a person who stands in front of the camera."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import ANKLE_HEIGHT, STATURE_MEAN, SegmentLengths
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.skeleton import JOINT_INDEX, JOINTS

FloatArray = NDArray[np.float64]

_ROWS = BLAZEPOSE_33.indices(*JOINTS)
_EYES = BLAZEPOSE_33.indices(L.LEFT_EYE, L.RIGHT_EYE)
_SHOULDERS, _HIPS = [0, 1], [2, 3]
_KNEES, _ANKLES = [4, 5], [6, 7]

EYE_HEIGHT = 0.936
"""Height of the eyes as a share of stature (Winter, fig. 4.1)."""
STANDING_KNEE_FLEXION = math.radians(6.0)
"""Knee flexion of relaxed standing, of which the image does not tell: a nearly straight leg is second order in 2D."""
PLAUSIBLE_STATURE = (1.35, 2.20)
"""Statures that a known camera mount may give, m; outside, the mount is wrong and a population stature is assumed."""


@dataclass(frozen=True)
class Standing:
    """What was measured on the standing person.

    Attributes:
        camera: the camera, its height over the floor corrected where the mount was not known.
        lengths: segment lengths, m.
        joints: (12, 3) joint positions while standing, base frame, m.
        left: (3,) horizontal unit vector towards the person's left.
        stature: m.
        pixel_height: eye to ankle in the image, px.
        from_floor: scale comes from the camera's known mount, else from the population's stature.
    """

    camera: CameraModel
    lengths: SegmentLengths
    joints: FloatArray
    left: FloatArray
    stature: float
    pixel_height: float
    from_floor: bool

    @property
    def forward(self) -> FloatArray:
        """(3,) horizontal unit vector ahead of the person."""
        result: FloatArray = np.cross(self.left, [0.0, 0.0, 1.0])
        return result


def is_standing(pixels: FloatArray, visibility: FloatArray, height: int) -> bool:
    """Whether one frame's landmarks look like an upright person with straight legs, seen down to the feet.

    Args:
        pixels: (33, 2) px.
        visibility: (33,) 0 to 1.
        height: of the image, px.
    """
    q, v = pixels[_ROWS], visibility[_ROWS]
    if not np.isfinite(q).all() or max(v[6], v[7]) < 0.5 or max(v[4], v[5]) < 0.5:
        return False
    shoulder, hip, knee, ankle = (q[i].mean(0) for i in (_SHOULDERS, _HIPS, _KNEES, _ANKLES))
    leg, thigh, shank = ankle - hip, knee - hip, ankle - knee
    trunk = hip - shoulder
    if min(thigh[1], shank[1], trunk[1]) <= 0 or q[_ANKLES, 1].max() > height:
        return False
    bend = abs(math.atan2(thigh[0], thigh[1]) - math.atan2(shank[0], shank[1]))
    # a squat seen from the front shortens the thigh against the shank; standing, they are about equal (0.8 to 1.25)
    ratio = float(np.linalg.norm(thigh) / max(float(np.linalg.norm(shank)), 1e-6))
    upright = abs(math.atan2(trunk[0], trunk[1])) < math.radians(15) and abs(
        math.atan2(leg[0], leg[1])
    ) < math.radians(12)
    return upright and bend < math.radians(16) and 0.78 < ratio < 1.35 and trunk[1] > 0.35 * leg[1]


def measure(
    camera: CameraModel,
    pixels: FloatArray,
    world: FloatArray,
    visibility: FloatArray,
    stature: float | None = None,
) -> Standing:
    """Lengths and pose of a standing person from the mean of a few frames.

    Ankle rays meet the floor (camera mount known), or stature sets the distance (mount or plausibility missing); the other
    joints lie at about that depth, the network's left-right depth differences telling the facing.

    Args:
        camera: intrinsics and mount.
        pixels: (33, 2) px.
        world: (33, 3) network's world landmarks, optical axes, m.
        visibility: (33,).
        stature: m, if known; else the population's mean is used where the floor cannot be.
    """
    q = pixels[_ROWS]
    rays = camera.rays(q)
    network = (world @ camera.rotation)[_ROWS]
    seen = np.clip(visibility[_ROWS], 0.05, 1.0)
    ankle_weight = seen[_ANKLES] ** 2 / (seen[_ANKLES] ** 2).sum()
    eye_ray = camera.rays(pixels[_EYES].mean(0))
    ankle_ray = camera.rays((q[_ANKLES] * ankle_weight[:, None]).sum(0))
    slope_span = eye_ray[2] / eye_ray[0] - ankle_ray[2] / ankle_ray[0]

    depth, from_floor = math.nan, False
    if not camera.mount_estimated:
        with np.errstate(divide="ignore"):
            hit = (ANKLE_HEIGHT - camera.mount_height) / rays[_ANKLES, 2]
        floor = hit * rays[_ANKLES, 0]
        if (hit > 0).all():
            depth = float((floor * ankle_weight).sum())
            implied = depth * slope_span / EYE_HEIGHT + ANKLE_HEIGHT
            from_floor = PLAUSIBLE_STATURE[0] < implied < PLAUSIBLE_STATURE[1]
            if from_floor:
                stature = implied
    if not from_floor:
        stature = stature or STATURE_MEAN
        depth = (EYE_HEIGHT * stature - ANKLE_HEIGHT) / max(slope_span, 1e-6)
        height = ANKLE_HEIGHT - depth * ankle_ray[2] / ankle_ray[0]
        camera = replace(camera, mount_height=max(float(height), 0.01), mount_estimated=True)
    if stature is None:
        raise ValueError("stature is set by either branch")

    # depth of the left joint minus that of the right one, per pair
    ankles = network[6, 0] - network[7, 0]
    if from_floor and seen[_ANKLES].min() > 0.5:
        ankles = float(floor[0] - floor[1])
    difference = np.zeros(len(JOINTS))
    for pair, span in ((_ANKLES, ankles), (_KNEES, 0.85 * ankles)):
        difference[pair] = span / 2, -span / 2
    for left, right in ((0, 1), (2, 3)):
        difference[[left, right]] = (network[left, 0] - network[right, 0]) * np.array([0.5, -0.5])
    # hanging arms lie at their shoulder's depth; what the network says of it would only lengthen them
    for joint, root in ((8, 0), (9, 1), (10, 0), (11, 1)):
        difference[joint] = difference[root]
    joints = camera.centre + rays * ((depth + difference) / rays[:, 0])[:, None]
    joints[_ANKLES, 2] = ANKLE_HEIGHT

    lengths = _lengths(joints, network, seen, stature)
    left = (joints[6] - joints[7]) * [1, 1, 0]
    hip_line = (network[2] - network[3]) * [1, 1, 0]
    # narrow stances make the ankle line unsure; the pelvis turns with the feet
    left = left / max(float(np.linalg.norm(left)), 1e-6) * min(
        1.0, float(np.linalg.norm(left)) / 0.25
    ) + hip_line / max(float(np.linalg.norm(hip_line)), 1e-6)
    left = left / max(float(np.linalg.norm(left)), 1e-6)
    pixel_height = float(q[_ANKLES, 1].mean() - pixels[_EYES, 1].mean())
    return Standing(camera, lengths, joints, left, stature, pixel_height, from_floor)


def _lengths(joints: FloatArray, network: FloatArray, seen: FloatArray, stature: float) -> SegmentLengths:
    population = SegmentLengths.from_stature(stature)

    def distance(a: L, b: L) -> float:
        return float(np.linalg.norm(joints[JOINT_INDEX[a]] - joints[JOINT_INDEX[b]]))

    def both(a: str, b: str) -> float:
        weights = [
            float(seen[JOINT_INDEX[L(f"{s}_{a}")]] * seen[JOINT_INDEX[L(f"{s}_{b}")]]) ** 2
            for s in ("left", "right")
        ]
        values = [distance(L(f"{s}_{a}"), L(f"{s}_{b}")) for s in ("left", "right")]
        return float(np.average(values, weights=weights))

    def within(value: float, expected: float, slack: float) -> float:
        return min(max(value, expected * (1 - slack)), expected * (1 + slack))

    bent = math.cos(STANDING_KNEE_FLEXION / 2)
    shoulders = joints[_SHOULDERS].mean(0) - joints[_HIPS].mean(0)
    # widths run along the line of sight in a side view, where only the network can tell; bound it by the population
    widths = np.linalg.norm([network[2] - network[3], network[0] - network[1]], axis=1)
    return SegmentLengths(
        pelvis=within(float(widths[0]), population.pelvis, 0.25),
        trunk=within(float(np.linalg.norm(shoulders)), population.trunk, 0.25),
        shoulders=within(float(widths[1]), population.shoulders, 0.25),
        thigh=within(both("hip", "knee") / bent, population.thigh, 0.25),
        shank=within(both("knee", "ankle") / bent, population.shank, 0.25),
        upper_arm=within(both("shoulder", "elbow"), population.upper_arm, 0.2),
        forearm=within(both("elbow", "wrist"), population.forearm, 0.2),
    )
