"""Fits the skeleton to one frame's 2D landmarks through the camera.

Levenberg-Marquardt over 25 degrees of freedom: mid-hip position and the direction of each of 11 segments, updated in its
tangent plane, so lengths hold exactly. Everything but the projection is linear in the state, so priors, contacts and
limits are rows of one matrix (`Row`): data, not code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.skeleton import (
    CENTRE_OF_MASS,
    JOINT_INDEX,
    JOINTS,
    SEGMENT_ENDS,
    SEGMENT_INDEX,
    SEGMENTS,
    Skeleton,
    segment_vectors,
)

FloatArray = NDArray[np.float64]

_NS, _NJ = len(SEGMENTS), len(JOINTS)
_Y, _X = 3 + 3 * _NS, 3 + 2 * _NS
_UP = np.array([0.0, 0.0, 1.0])

ITERATIONS = 6
"""At most per frame: bounds the time."""
HUBER = 2.0
"""Landmark errors beyond this many standard deviations count linearly."""
PIXEL_STD = 0.0135
"""Standard deviation of a visible landmark, as a share of the person's height in the image (4 px of 300)."""
LENGTH_STD = 0.03
"""Relative uncertainty of measured segment lengths, for the covariance."""
CONTACT_STD = 0.012
"""How firmly an ankle is held where it stands, m."""

# Standard deviations of the change of a segment's direction against its prediction, per 1/15 s; the trunk is freer because
# it is what a front view knows least of, and arms move faster than legs.
_MOTION = {
    "trunk": 0.25,
    "left_upper_arm": 0.15,
    "right_upper_arm": 0.15,
    "left_forearm": 0.25,
    "right_forearm": 0.25,
}
# Standard deviation of the network's depth over each segment, m.
_DEPTH = {"trunk": 0.6, "left_thigh": 0.24, "right_thigh": 0.24, "left_shank": 0.18, "right_shank": 0.18}
# Over arms it errs by 0.05 to 0.07 m (root mean square over four synthetic clips of squats and curls).
_DEPTH |= dict.fromkeys(("left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm"), 0.07)
_MOTION_STD = np.array([_MOTION.get(name, 0.10) for name in SEGMENTS])
_DEPTH_STD = np.array([_DEPTH.get(name, 0.12) for name in SEGMENTS])


@dataclass(frozen=True)
class Row:
    """One scalar residual (a . y - target) / std.

    Attributes:
        a: (36,) coefficients on the state.
        target, std: in the unit of a . y.
        one_sided: counts only below the target (a limit).
        metric: a place rather than a direction, so that wrong segment lengths change it.
    """

    a: FloatArray
    target: float
    std: float
    one_sided: bool = False
    metric: bool = False


def _direction(weights: dict[str, FloatArray]) -> FloatArray:
    a = np.zeros(_Y)
    for name, vector in weights.items():
        k = 3 + 3 * SEGMENT_INDEX[name]
        a[k : k + 3] = vector
    return a


def standing_rows(skeleton: Skeleton, left: FloatArray, anchors: FloatArray | None) -> list[Row]:
    """Priors and limits of somebody who stands on both feet.

    Standard deviations are those of the measured recipe (docs/perception.md).

    Args:
        skeleton: with the person's lengths.
        left: (3,) horizontal unit vector towards the person's left.
        anchors: (2, 3) where the left and right ankle stand, m; None while the feet move.
    """
    forward = np.cross(left, _UP)
    rows: list[Row] = []
    axes = np.eye(3)
    for axis in axes:
        rows.append(Row(_direction({"pelvis": axis}), float(axis @ left), 0.20))
        rows.append(Row(_direction({"shoulders": axis, "pelvis": -axis}), 0.0, 0.15))
    rows.append(Row(_direction({"pelvis": _UP}), 0.0, 0.06))
    rows.append(Row(_direction({"shoulders": _UP}), 0.0, 0.08))
    for limb in ("thigh", "shank"):
        for axis in (forward, _UP):
            rows.append(Row(_direction({f"left_{limb}": axis, f"right_{limb}": -axis}), 0.0, 0.15))
    rows.append(Row(_direction({"trunk": left}), 0.0, 0.10))
    # people lean back when they heave a weight: a limit, but a soft one
    rows.append(Row(_direction({"trunk": forward}), -0.10, 0.20, one_sided=True))
    for side in ("left", "right"):
        thigh, shank, upper, fore = (f"{side}_{s}" for s in ("thigh", "shank", "upper_arm", "forearm"))
        rows.append(Row(_direction({thigh: forward, "trunk": forward}), -0.20, 0.20, one_sided=True))
        rows.append(Row(_direction({thigh: forward, shank: -forward}), 0.03, 0.03, one_sided=True))
        # arms work mostly in the sagittal plane; a weak word where the image has none (front view)
        rows.append(Row(_direction({upper: left}), 0.0, 0.35))
        rows.append(Row(_direction({fore: left}), 0.0, 0.45))
    if anchors is not None:
        for side, anchor in zip(("left", "right"), anchors, strict=True):
            joint = JOINT_INDEX[L(f"{side}_ankle")]
            for axis in range(3):
                rows.append(
                    Row(skeleton.joint_map[3 * joint + axis], float(anchor[axis]), CONTACT_STD, metric=True)
                )
        balance = np.tensordot(CENTRE_OF_MASS, skeleton.joint_map.reshape(_NJ, 3, _Y), 1)
        ankles = skeleton.joint_map.reshape(_NJ, 3, _Y)[
            [JOINT_INDEX[L.LEFT_ANKLE], JOINT_INDEX[L.RIGHT_ANKLE]]
        ].mean(0)
        rows.append(Row(forward @ (balance - ankles), 0.03, 0.06, metric=True))
    return rows


@dataclass(frozen=True)
class FitResult:
    """The skeleton in one frame.

    Attributes:
        y: (36,) state.
        joints: (12, 3) positions, base frame, m.
        covariance: (36, 36) of the stacked positions, m^2, from this frame alone: landmark errors are bias, so averaging
            over time would only pretend.
        cost: of the residuals, dimensionless.
        reprojection: (12,) distance between landmark and projected joint, px.
    """

    y: FloatArray
    joints: FloatArray
    covariance: FloatArray
    cost: float
    reprojection: FloatArray


class KinematicFit:
    """Follows one person's skeleton from frame to frame.

    Args:
        skeleton: with the person's segment lengths.
        camera: intrinsics and mount.
        joints: (12, 3) a first pose, m.
        pixel_height: of the person in the image, px.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        camera: CameraModel,
        joints: FloatArray,
        left: FloatArray,
        pixel_height: float,
    ) -> None:
        self.skeleton = skeleton
        self.camera = camera
        self.pixel_std = max(PIXEL_STD * pixel_height, 1.0)
        self._left = left
        self._y = _initial_state(joints, left)
        self._previous: FloatArray | None = None
        self._projection = _Projection(skeleton, camera)

    @property
    def y(self) -> FloatArray:
        """(36,) state of the newest frame."""
        return self._y

    def step(
        self, pixels: FloatArray, visibility: FloatArray, depth: FloatArray, rows: list[Row], dt: float
    ) -> FitResult:
        """Fits the next frame.

        Args:
            pixels: (12, 2) landmarks, px (undistorted); rows with NaN are not used.
            visibility: (12,) 0 to 1.
            depth: (11,) the network's extent of each segment along the optical axis, m; NaN = unknown.
            rows: priors, contacts, limits.
            dt: seconds since the last frame.
        """
        scale = float(np.sqrt(np.clip(dt * 15.0, 0.05, 4.0)))
        if self._previous is None:
            predicted, motion = self._y.copy(), np.full(_Y, 0.3)
        else:
            # a gap makes yesterday's speed worthless
            damping = 0.8 if dt < 0.25 else 0.0
            predicted = _normalized(self._y + damping * (self._y - self._previous))
            motion = np.concatenate([np.full(3, 0.05), np.repeat(_MOTION_STD, 3)]) * scale
        problem = _Problem(self, pixels, visibility, depth, rows, predicted, motion)
        starts = [predicted]
        trunk = 3 + 3 * SEGMENT_INDEX["trunk"]
        forward = np.cross(self._left, _UP)
        if predicted[trunk : trunk + 3] @ forward < 0.3:
            # from the front, an upright and a leaning trunk look alike: try both, the cheaper wins
            leaning = predicted.copy()
            leaning[trunk : trunk + 3] += 0.35 * forward
            starts.append(_normalized(leaning))
        iterations = ITERATIONS if self._previous is not None else 25
        y, cost = min((problem.minimise(start, iterations) for start in starts), key=lambda pair: pair[1])
        self._previous = self._y if self._previous is not None else y
        self._y = y
        joints, covariance, reprojection = problem.explain(y)
        return FitResult(y, joints, covariance, cost, reprojection)


def _initial_state(joints: FloatArray, left: FloatArray) -> FloatArray:
    forward = np.cross(left, _UP)
    vectors = segment_vectors(joints)
    vectors[SEGMENT_INDEX["pelvis"]] = left
    vectors[SEGMENT_INDEX["shoulders"]] = left
    y = np.concatenate([joints[[2, 3]].mean(0), vectors.ravel()])
    y = _normalized(y)
    # knees bend forwards: start on the right side of the straight leg
    for side in ("left", "right"):
        for limb, sign in (("thigh", 0.06), ("shank", -0.06)):
            k = 3 + 3 * SEGMENT_INDEX[f"{side}_{limb}"]
            y[k : k + 3] += sign * forward
    return _normalized(y)


def _normalized(y: FloatArray) -> FloatArray:
    u = y[3:].reshape(_NS, 3)
    norms = np.sqrt((u * u).sum(1))
    result = y.copy()
    result[3:] = (u / np.maximum(norms, 1e-9)[:, None]).ravel()
    return result


def _tangent(y: FloatArray) -> FloatArray:
    """(36, 25) from steps in the tangent planes to steps of y."""
    u = y[3:].reshape(_NS, 3)
    helper = np.zeros_like(u)
    helper[np.arange(_NS), np.abs(u).argmin(1)] = 1.0
    first = np.cross(u, helper)
    first /= np.sqrt((first * first).sum(1))[:, None]
    second = np.cross(u, first)
    result = np.zeros((_Y, _X))
    result[:3, :3] = np.eye(3)
    for k in range(_NS):
        result[3 + 3 * k : 6 + 3 * k, 3 + 2 * k] = first[k]
        result[3 + 3 * k : 6 + 3 * k, 4 + 2 * k] = second[k]
    return result


class _Projection:
    """Pixels of the joints and their derivative with respect to y."""

    def __init__(self, skeleton: Skeleton, camera: CameraModel) -> None:
        self.map = skeleton.joint_map
        # stacked optical coordinates are linear in y
        self.optical = np.einsum("ab,jby->jay", camera.rotation, self.map.reshape(_NJ, 3, _Y))
        self.offset = camera.rotation @ camera.centre
        self.focal = np.array([camera.fx, camera.fy])
        self.principal = np.array([camera.cx, camera.cy])

    def __call__(self, y: FloatArray, jacobian: bool) -> tuple[FloatArray, FloatArray | None]:
        q = self.optical @ y - self.offset
        inverse = 1.0 / np.maximum(q[:, 2], 0.1)
        normalized = q[:, :2] * inverse[:, None]
        pixels = normalized * self.focal + self.principal
        if not jacobian:
            return pixels, None
        gain = (self.focal * inverse[:, None])[:, :, None]
        return pixels, gain * (self.optical[:, :2] - normalized[:, :, None] * self.optical[:, 2:3])


class _Problem:
    def __init__(
        self,
        fit: KinematicFit,
        pixels: FloatArray,
        visibility: FloatArray,
        depth: FloatArray,
        rows: list[Row],
        predicted: FloatArray,
        motion: FloatArray,
    ) -> None:
        self._fit = fit
        usable = np.isfinite(pixels).all(1) & np.isfinite(visibility)
        self._pixels = np.where(usable[:, None], pixels, 0.0)
        seen = np.where(usable, np.clip(visibility, 0.06, 1.0), 1.0)
        self._weight = np.where(usable, seen / fit.pixel_std, 0.0)
        optical_forward = fit.camera.rotation[2]
        lengths = fit.skeleton.segment_lengths
        known = np.isfinite(depth)
        ends = _segment_visibility(np.where(usable, visibility, 0.0))
        depth_rows = np.zeros((_NS, _Y))
        for k in range(_NS):
            depth_rows[k, 3 + 3 * k : 6 + 3 * k] = lengths[k] * optical_forward
        # what the network only guesses about a hidden limb counts less
        depth_weight = np.where(known, np.clip(ends, 0.2, 1.0), 0.0) / _DEPTH_STD
        two_sided = [r for r in rows if not r.one_sided]
        one_sided = [r for r in rows if r.one_sided]
        self._a = np.concatenate(
            [
                np.stack([r.a / r.std for r in two_sided]),
                depth_rows * depth_weight[:, None],
                np.diag(1.0 / motion),
            ]
        )
        self._b = np.concatenate(
            [
                np.array([r.target / r.std for r in two_sided]),
                np.where(known, depth, 0.0) * depth_weight,
                predicted / motion,
            ]
        )
        timeless = np.concatenate([np.ones(len(two_sided) + _NS, bool), np.zeros(_Y, bool)])
        metric = np.array([r.metric for r in two_sided] + [True] * _NS + [False] * _Y)
        self._timeless = np.concatenate([np.ones(2 * _NJ, bool), timeless, np.ones(len(one_sided), bool)])
        self._metric = np.concatenate(
            [np.ones(2 * _NJ, bool), metric, np.array([r.metric for r in one_sided], bool)]
        )
        self._a1 = np.stack([r.a / r.std for r in one_sided]) if one_sided else np.zeros((0, _Y))
        self._b1 = np.array([r.target / r.std for r in one_sided])

    def _residuals(self, y: FloatArray, jacobian: bool) -> tuple[float, FloatArray, FloatArray | None]:
        pixels, slope = self._fit._projection(y, jacobian)
        e = (pixels - self._pixels) * self._weight[:, None]
        n = np.sqrt((e * e).sum(1))
        outside = n > HUBER
        root = np.sqrt(np.where(outside, HUBER / np.maximum(n, 1e-9), 1.0))
        linear = self._a @ y - self._b
        limits = self._a1 @ y - self._b1
        active = limits < 0
        limits = np.where(active, limits, 0.0)
        cost = float(
            np.where(outside, 2 * HUBER * n - HUBER**2, n * n).sum() + linear @ linear + limits @ limits
        )
        if slope is None:
            return cost, linear, None
        r = np.concatenate([(e * root[:, None]).ravel(), linear, limits])
        j = np.concatenate(
            [
                (slope * (self._weight * root)[:, None, None]).reshape(-1, _Y),
                self._a,
                self._a1 * active[:, None],
            ]
        )
        return cost, r, j

    def minimise(self, y: FloatArray, iterations: int) -> tuple[FloatArray, float]:
        damping = 1e-3
        cost, r, j = self._residuals(y, True)
        for _ in range(iterations):
            if j is None:
                break
            tangent = _tangent(y)
            jt = j @ tangent
            hessian, gradient = jt.T @ jt, jt.T @ r
            step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian) + 1e-9), -gradient)
            candidate = _normalized(y + tangent @ step)
            new_cost, new_r, new_j = self._residuals(candidate, True)
            gain = cost - new_cost
            if gain > 0:
                y, cost, r, j = candidate, new_cost, new_r, new_j
                damping = max(damping * 0.2, 1e-6)
                if gain < 1e-3 * cost + 1e-3:
                    break
            else:
                damping *= 10.0
                if damping > 1e4:
                    break
        return y, cost

    def explain(self, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Joints, their covariance without the temporal terms but with uncertain lengths, and reprojection errors."""
        fit = self._fit
        _, _, j = self._residuals(y, True)
        if j is None:
            raise ValueError("jacobian was asked for")
        metric = self._metric[self._timeless]
        j = j[self._timeless]
        tangent = _tangent(y)
        jt = j @ tangent
        inverse = np.linalg.inv(jt.T @ jt + 1e-4 * np.eye(_X))
        dp_dx = fit.skeleton.joint_map @ tangent
        # relative error of each length moves joints directly and, through the refit, everything else
        u = y[3:].reshape(_NS, 3)
        dp_dl = np.einsum("jk,ka->jak", fit.skeleton.chain * fit.skeleton.segment_lengths, u).reshape(
            3 * _NJ, _NS
        )
        # only residuals that measure places feel a length
        as_y = np.zeros((_Y, _NS))
        for k in range(_NS):
            as_y[3 + 3 * k : 6 + 3 * k, k] = u[k]
        total = dp_dl - dp_dx @ (inverse @ (jt[metric].T @ (j[metric] @ as_y)))
        covariance = dp_dx @ inverse @ dp_dx.T + LENGTH_STD**2 * total @ total.T
        pixels, _ = fit._projection(y, False)
        error = np.where(self._weight > 0, np.linalg.norm(pixels - self._pixels, axis=1), np.nan)
        return fit.skeleton.joints(y), covariance, error


def _segment_visibility(visibility: FloatArray) -> FloatArray:
    """(12,) of joints to (11,) of segments: the lesser of both ends."""
    result = np.ones(_NS)
    for name, (a, b) in SEGMENT_ENDS.items():
        if name not in ("pelvis", "shoulders"):
            result[SEGMENT_INDEX[name]] = min(visibility[JOINT_INDEX[a]], visibility[JOINT_INDEX[b]])
    return result
