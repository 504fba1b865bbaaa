"""Quick calibration: segment lengths, facing and camera mount from a person who stands in front of the camera."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from kinecue.body.anthropometry import (
    ANKLE_HEIGHT,
    LENGTH_NAMES,
    STATURE_MEAN,
    STATURE_STD,
    SegmentLengths,
)
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.kinematic_fit import normalized
from kinecue.perception.landmark_model import LandmarkModel, blazepose_landmarks
from kinecue.perception.postures import Axes, CompiledPriors, Rows, posture_for
from kinecue.perception.skeleton import (
    JOINT_INDEX,
    JOINTS,
    NS,
    NY,
    SEGMENT_INDEX,
    SEGMENTS,
    SIDES,
    Skeleton,
    segment_vectors,
)

FloatArray = NDArray[np.float64]

_ROWS = BLAZEPOSE_33.indices(*JOINTS)
_EYES = BLAZEPOSE_33.indices(L.LEFT_EYE, L.RIGHT_EYE)
_SHOULDERS, _HIPS = [0, 1], [2, 3]
_KNEES, _ANKLES, _TOES = [4, 5], [6, 7], [12, 13]
_UP = np.array([0.0, 0.0, 1.0])

_BENT = math.radians(37.0)
"""Flexion in the network's positions beyond which nobody stands; of standing legs they say up to 30 degrees."""
EYE_HEIGHT = 0.936
"""Height of the eyes as a share of stature (Winter, fig. 4.1)."""
STANDING_KNEE_FLEXION = math.radians(6.0)
"""Knee flexion of relaxed standing, of which the image does not tell: a nearly straight leg is second order in 2D."""
POPULATION_STD = np.array([0.08, 0.08, 0.10, 0.06, 0.06, 0.06, 0.06])
"""Relative standard deviation of each length of `LENGTH_NAMES` about a share of the stature: 3 to 4 % of people (ANSUR II,
Gordon et al. 2014), widths more, and what joint centres are defined to be."""
_MODEL_STATURE = 1.75
_HEIGHT_STD, _TILT_STD = 0.015, math.radians(0.4)
"""Of a mount that was measured."""
_UNKNOWN_HEIGHT_STD, _UNKNOWN_TILT_STD = 0.6, math.radians(6.0)
"""Of one that was not."""
_DEPTH_STD = 0.10
"""Of the network's depth over a segment of somebody who stands, m."""
_EYE_STD = 0.025
_TRUST = 0.5
"""Landmark noise is mostly bias that comes again in every frame, and lengths that agree with biased landmarks serve the
fit better than true ones: they are trusted more here than there."""
_BEND_STD = math.radians(4.0)
STANDING_TRUNK_LEAN = math.radians(3.0)
"""Of mid-hip to mid-shoulder in somebody who stands upright; of it the image tells as little as of the knees."""
_LEAN_STD = math.radians(3.0)
SHOULDER_HEIGHT = 0.818
"""Of the shoulder joint, as a share of stature (Winter, fig. 4.1)."""
_FLOOR_STD = 0.01


@dataclass(frozen=True)
class Standing:
    """What was measured on the standing person.

    Attributes:
        camera: the camera with its mount as it was found where it was not known.
        lengths: segment lengths, m.
        lengths_std: relative standard deviation of each of `LENGTH_NAMES`.
        y: (48,) state of the skeleton while standing.
        joints: (16, 3) its points, base frame, m.
        left: (3,) horizontal unit vector towards the person's left.
        stature: m.
        stature_std: m.
        from_floor: scale comes from the camera's known mount, else from the population's stature.
    """

    camera: CameraModel
    lengths: SegmentLengths
    lengths_std: FloatArray
    y: FloatArray
    joints: FloatArray
    left: FloatArray
    stature: float
    stature_std: float
    from_floor: bool

    @property
    def forward(self) -> FloatArray:
        """(3,) horizontal unit vector ahead of the person."""
        result: FloatArray = np.cross(self.left, _UP)
        return result


def is_standing(
    pixels: FloatArray, visibility: FloatArray, height: int, world: FloatArray | None = None
) -> bool:
    """Whether one frame's landmarks look like an upright person with straight legs, seen down to the feet.

    Args:
        pixels: (33, 2) px.
        visibility: (33,) 0 to 1.
        height: of the image, px.
        world: (33, 3) the network's positions, m; what it says of the knees is rough, but tells a squat held before the
            camera, whose thighs and shanks are shortened alike, from standing. None or NaN unknown.
    """
    q, v = pixels[_ROWS], visibility[_ROWS]
    if not np.isfinite(q[:8]).all() or max(v[6], v[7]) < 0.5 or max(v[4], v[5]) < 0.5:
        return False
    shoulder, hip, knee, ankle = (q[i].mean(0) for i in (_SHOULDERS, _HIPS, _KNEES, _ANKLES))
    leg, thigh, shank = ankle - hip, knee - hip, ankle - knee
    trunk = hip - shoulder
    if world is not None and _knees(world[_ROWS]) > _BENT:
        return False
    if min(thigh[1], shank[1], trunk[1]) <= 0 or q[_ANKLES, 1].max() > height:
        return False
    bend = abs(math.atan2(thigh[0], thigh[1]) - math.atan2(shank[0], shank[1]))
    # a squat seen from the front shortens the thigh against the shank; standing, they are about equal (0.8 to 1.25)
    ratio = float(np.linalg.norm(thigh) / max(float(np.linalg.norm(shank)), 1e-6))
    upright = abs(math.atan2(trunk[0], trunk[1])) < math.radians(15) and abs(
        math.atan2(leg[0], leg[1])
    ) < math.radians(12)
    return upright and bend < math.radians(16) and 0.78 < ratio < 1.35 and trunk[1] > 0.35 * leg[1]


def segment_std(lengths_std: FloatArray) -> FloatArray:
    """(7,) relative deviations by `LENGTH_NAMES` to (13,) of `SEGMENTS`."""
    by_name = dict(zip(LENGTH_NAMES, lengths_std.tolist(), strict=True))
    by_name["foot"] = 0.08
    return np.array([by_name[name.removeprefix("left_").removeprefix("right_")] for name in SEGMENTS])


def _knees(points: FloatArray) -> float:
    """Mean flexion of the knees of (16, 3) points, rad; 0 if not known."""
    u = segment_vectors(points)
    flexion = []
    for side in SIDES:
        a, b = u[SEGMENT_INDEX[f"{side}_thigh"]], u[SEGMENT_INDEX[f"{side}_shank"]]
        size = float(np.linalg.norm(a) * np.linalg.norm(b))
        flexion.append(math.acos(float(np.clip(a @ b / size, -1.0, 1.0))) if size > 1e-6 else 0.0)
    return sum(flexion) / 2.0 if all(math.isfinite(f) for f in flexion) else 0.0


def _upright(pixels: FloatArray) -> FloatArray:
    """(13, 3) directions of somebody who stands, for networks without positions.

    Facing the camera, or away from it if left is on the left in the picture.
    """
    result = np.tile(-_UP, (NS, 1))
    across = (
        pixels[[JOINT_INDEX[L.LEFT_SHOULDER], JOINT_INDEX[L.LEFT_HIP]], 0]
        - (pixels[[JOINT_INDEX[L.RIGHT_SHOULDER], JOINT_INDEX[L.RIGHT_HIP]], 0])
    )
    faces = -1.0 if np.isfinite(across).all() and across.sum() < 0 else 1.0
    result[SEGMENT_INDEX["trunk"]] = _UP
    result[[SEGMENT_INDEX["pelvis"], SEGMENT_INDEX["shoulders"]]] = [0.0, -faces, 0.0]
    result[[SEGMENT_INDEX["left_foot"], SEGMENT_INDEX["right_foot"]]] = [-0.96 * faces, 0.0, -0.28]
    return result


def first_state(
    camera: CameraModel, pixels: FloatArray, world: FloatArray, visibility: FloatArray, skeleton: Skeleton
) -> tuple[FloatArray, FloatArray]:
    """A state to start from, from the network's own 3D and the size in the picture.

    Args:
        camera: intrinsics and mount.
        pixels: (16, 2) undistorted, px.
        world: (16, 3) the network's positions, base axes, m; NaN if it has none.
        visibility: (16,).
        skeleton: with the lengths assumed.

    Returns:
        (48,) state and (3,) horizontal unit vector to the person's left.
    """
    vectors = segment_vectors(world)
    known = np.isfinite(vectors).all(1, keepdims=True)
    directions = np.where(known, vectors, _upright(pixels))
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-6)
    y = np.zeros(NY)
    y[3 : 3 + 3 * NS] = directions.ravel()
    y = normalized(y)
    left = directions[SEGMENT_INDEX["pelvis"]] * [1.0, 1.0, 0.0]
    size = float(np.linalg.norm(left))
    left = left / size if size > 0.2 else np.array([0.0, -1.0, 0.0])
    points = skeleton.joint_map(np.stack([left, left])) @ y
    optical = points @ camera.rotation.T
    weight = np.clip(visibility, 0.05, 1.0)[:, None]
    usable = np.isfinite(pixels).all(1)
    weight = np.where(usable[:, None], weight, 0.0)
    rays = np.where(usable[:, None], (pixels - [camera.cx, camera.cy]) / [camera.fx, camera.fy], 0.0)
    # least squares for where the body is: x + t = (z + tz) * ray, linear in t
    a = np.concatenate(
        [
            np.stack([weight[:, 0], 0 * weight[:, 0], -weight[:, 0] * rays[:, 0]], 1),
            np.stack([0 * weight[:, 0], weight[:, 0], -weight[:, 0] * rays[:, 1]], 1),
        ]
    )
    b = np.concatenate(
        [
            weight[:, 0] * (rays[:, 0] * optical[:, 2] - optical[:, 0]),
            weight[:, 0] * (rays[:, 1] * optical[:, 2] - optical[:, 1]),
        ]
    )
    t = np.linalg.lstsq(a, b, rcond=None)[0]
    if t[2] < 0.5:
        t *= 0.5 / max(float(t[2]), 1e-3) if t[2] > 1e-3 else 0.0
        t[2] = max(float(t[2]), 0.5)
    y[:3] = camera.centre + t @ camera.rotation
    return y, left


def measure(
    camera: CameraModel,
    pixels: FloatArray,
    world: FloatArray,
    visibility: FloatArray,
    stature: float | None = None,
    model: LandmarkModel | None = None,
    before: tuple[SegmentLengths, FloatArray] | None = None,
) -> Standing:
    """Lengths, pose and mount from the landmarks of a standing person.

    The most probable body and mount at once: landmarks at their places, feet flat on the floor, nearly straight legs,
    segment lengths near the population's share of a stature, which is near the population's, and the mount near what
    was measured of it. What cannot be seen from one view therefore stays with the population, and says so.

    Args:
        camera: intrinsics and mount.
        pixels: (33, 2) undistorted, px; the median over some frames.
        world: (33, 3) network's world landmarks, optical axes, m.
        visibility: (33,).
        stature: m, if known.
        model: of the network's landmarks; BlazePose's if None.
        before: lengths measured earlier and the relative standard deviation of each of `LENGTH_NAMES`, in place of the
            population's. Seen from another side the landmarks' bias is another one, and 1 % of a leg is 16 degrees of
            a straight knee.
    """
    model = model or blazepose_landmarks()
    q = pixels[_ROWS]
    network = (world @ camera.rotation)[_ROWS]
    mean = stature or STATURE_MEAN
    stature_std = 0.01 if stature else STATURE_STD
    lengths_before, ratio_std = before or (SegmentLengths.from_stature(mean), POPULATION_STD)
    share = lengths_before.as_array() / mean
    known = not camera.mount_estimated
    height_std, tilt_std = (_HEIGHT_STD, _TILT_STD) if known else (_UNKNOWN_HEIGHT_STD, _UNKNOWN_TILT_STD)
    start = Skeleton(SegmentLengths.from_array(share * mean))
    y0, left = first_state(camera, q, network, visibility[_ROWS], start)
    camera0 = camera
    if not known:
        # unless told otherwise the camera is as high as makes the feet stand on the floor
        ankles = (start.joint_map(np.stack([left, left])) @ y0)[_ANKLES, 2].mean()
        camera0 = replace(
            camera, mount_height=float(np.clip(camera.mount_height - ankles + ANKLE_HEIGHT, 0.05, 3.5))
        )
        y0[2] += camera0.mount_height - camera.mount_height
    y0[3 + 3 * SEGMENT_INDEX["trunk"] :][:3] = _UP
    priors = CompiledPriors(posture_for("standing"))
    forward = np.cross(left, _UP)
    for side in ("left", "right"):
        for limb, sign in (("thigh", 0.05), ("shank", -0.05)):
            k = 3 + 3 * SEGMENT_INDEX[f"{side}_{limb}"]
            y0[k : k + 3] = -_UP + sign * forward
    y0 = normalized(y0)
    eye = pixels[_EYES].mean(0)
    depth = segment_vectors(world[_ROWS])[:, 2]

    def unpack(x: FloatArray) -> tuple[FloatArray, FloatArray, float, CameraModel]:
        y = normalized(x[:NY])
        tall = mean * math.exp(float(x[NY]))
        lengths = share * tall * np.exp(x[NY + 1 : NY + 8])
        moved = replace(
            camera0,
            mount_height=max(camera0.mount_height + float(x[NY + 8]), 0.02),
            tilt=camera0.tilt + float(x[NY + 9]),
        )
        return y, lengths, tall, moved

    std_m = _TRUST * model.std_of(visibility[_ROWS], np.full(len(JOINTS), np.nan), mean / _MODEL_STATURE)
    eye_forward = 0.05 * forward
    thighs = [SEGMENT_INDEX[f"{side}_thigh"] for side in SIDES]
    shanks = [SEGMENT_INDEX[f"{side}_shank"] for side in SIDES]
    trunk = SEGMENT_INDEX["trunk"]

    def residuals(x: FloatArray, offsets: FloatArray, rows: Rows) -> FloatArray:
        y, lengths, tall, view = unpack(x)
        skeleton = Skeleton(SegmentLengths.from_array(lengths))
        u = y[3 : 3 + 3 * NS].reshape(NS, 3)
        points = skeleton.joint_map(across) @ y
        top = points[_SHOULDERS].mean(0) + u[trunk] * ((EYE_HEIGHT - SHOULDER_HEIGHT) * tall) + eye_forward
        optical = (np.concatenate([points + offsets, top[None]]) - view.centre) @ view.rotation.T
        z = np.maximum(optical[:, 2:], 0.2)
        error = (
            (optical[:, :2] / z * [view.fx, view.fy] + [view.cx, view.cy] - marks)
            * z
            / (std * view.fx * (tall / mean))
        )
        bend = np.arccos(np.clip((u[thighs] * u[shanks]).sum(1), -1.0, 1.0 - 1e-9))
        extents = (u @ view.rotation[2] * skeleton.segment_lengths - depth) / _DEPTH_STD
        return np.concatenate(
            [
                np.where(known_marks, error, 0.0).ravel(),
                np.where(np.isfinite(extents), extents, 0.0),
                rows.a @ y - rows.b,
                np.minimum(rows.a_limits @ y - rows.b_limits, 0.0),
                (bend - STANDING_KNEE_FLEXION) / _BEND_STD,
                [(u[trunk] @ forward - STANDING_TRUNK_LEAN) / _LEAN_STD],
                [(points[_SHOULDERS, 2].mean() - SHOULDER_HEIGHT * tall) / (0.02 * tall)],
                (points[_ANKLES, 2] - ANKLE_HEIGHT) / _FLOOR_STD,
                (points[_TOES, 2] - ANKLE_HEIGHT + skeleton.toe_drop) / _FLOOR_STD,
                [x[NY] / (stature_std / mean)],
                x[NY + 1 : NY + 8] / ratio_std,
                [x[NY + 8] / height_std, x[NY + 9] / tilt_std],
                (np.linalg.norm(x[3 : 3 + 3 * NS].reshape(NS, 3), axis=1) - 1.0) / 0.05,
            ]
        )

    marks = np.concatenate([q, eye[None]])
    known_marks = np.isfinite(marks)
    std = np.concatenate([std_m, [_TRUST * _EYE_STD]])[:, None]
    x = np.concatenate([y0, np.zeros(10)])
    across = np.stack([left, left])
    for _ in range(2):
        # what depends weakly on the pose is held during a round
        y, lengths, _tall, view = unpack(x)
        joint_map = Skeleton(SegmentLengths.from_array(lengths)).joint_map(across)
        offsets = model.offsets_of(y, joint_map @ y, view.centre, mean / _MODEL_STATURE)
        rows = priors.rows(joint_map, Axes(y, left))
        found = least_squares(
            residuals, x, method="trf", max_nfev=6, xtol=1e-4, ftol=1e-4, args=(offsets, rows)
        )
        x = found.x
    y, lengths, tall, view = unpack(found.x)
    covariance = np.linalg.pinv(found.jac.T @ found.jac)
    # of log(stature) + log(ratio): the length itself
    pick = np.zeros((7, len(found.x)))
    pick[:, NY] = 1.0
    pick[np.arange(7), NY + 1 + np.arange(7)] = 1.0
    lengths_std = np.sqrt(np.diag(pick @ covariance @ pick.T))
    pelvis = y[3 + 3 * SEGMENT_INDEX["pelvis"] :][:3] * [1.0, 1.0, 0.0]
    left = pelvis / max(float(np.linalg.norm(pelvis)), 1e-6)
    skeleton = Skeleton(SegmentLengths.from_array(lengths))
    return Standing(
        view,
        skeleton.lengths,
        np.maximum(lengths_std, 0.01),
        y,
        skeleton.joint_map(np.stack([left, left])) @ y,
        left,
        tall,
        float(np.sqrt(covariance[NY, NY])) * tall,
        known,
    )
