"""Fits the skeleton to one frame's 2D landmarks through the camera.

Levenberg-Marquardt over 35 degrees of freedom: mid-hip position, the direction of each of 13 segments, updated in its
tangent plane, so lengths hold exactly, and a small shift of each shoulder. Everything but the projection is linear in the
state, so priors, contacts, measured depths and limits are rows of one matrix: data, not code. Several starts are followed
at once, because a limb that points at the camera and one that points away look alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.perception.skeleton import NJ, NS, NX, NY, SEGMENT_INDEX, Skeleton

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

ITERATIONS = 6
"""At most per frame: bounds the time."""
FIRST_ITERATIONS = 30
"""At most in the first frame."""
HUBER = 2.0
"""Landmark errors beyond this many standard deviations count linearly."""

NOISE = 0.6
"""Factor on the standard deviation of landmarks and contacts in the covariance: landmarks of one limb err together, which
turns it less than independent errors would. Set, with `DOUBT`, on the tuning takes so that intervals hold what they say."""
DOUBT = 1.6
"""Factor on the standard deviations of priors, limits and the network's depth in the covariance."""
_LOOSE = 0.05
"""Share of the usual stiffness against the frames before with which other ways to see the picture are tried."""
_NEAREST = 0.1
"""Points nearer to the camera than that are treated as being there, m."""


@dataclass(frozen=True)
class Sight:
    """What one camera says of the skeleton's points, J = 16 of `JOINTS`.

    Attributes:
        camera: in the base frame.
        pixels: (16, 2) undistorted, px; NaN rows are not used.
        pixel_std: (16,) px; infinite for what is not seen.
        offsets: (16, 3) where the network marks each point, against the joint centre, base frame, m.
        segment_depth: (13,) the network's extent of each segment along the optical axis, m; NaN unknown.
        segment_depth_std: (13,) m.
        depth: (16,) measured distance of the joint along the optical axis, m; NaN unknown.
        depth_std: (16,) m.
    """

    camera: CameraModel
    pixels: FloatArray
    pixel_std: FloatArray
    offsets: FloatArray
    segment_depth: FloatArray
    segment_depth_std: FloatArray
    depth: FloatArray | None = None
    depth_std: FloatArray | None = None


@dataclass(frozen=True)
class LinearRows:
    """Residuals a . y - b, divided by their standard deviation.

    Attributes:
        a: (R, 48). b: (R,).
        metric: (R,) whether wrong segment lengths change them.
    """

    a: FloatArray
    b: FloatArray
    metric: BoolArray

    @staticmethod
    def join(parts: list[LinearRows]) -> LinearRows:
        """All rows of several."""
        return LinearRows(
            np.concatenate([p.a for p in parts]),
            np.concatenate([p.b for p in parts]),
            np.concatenate([p.metric for p in parts]),
        )

    @staticmethod
    def none() -> LinearRows:
        """No rows."""
        return LinearRows(np.zeros((0, NY)), np.zeros(0), np.zeros(0, bool))


@dataclass(frozen=True)
class FitResult:
    """The skeleton in one frame.

    Attributes:
        y: (48,) state.
        joints: (16, 3) positions, base frame, m.
        covariance: (48, 48) of the stacked positions, m^2.
        cost: of the residuals but those against the frames before, dimensionless.
        reprojection: (16,) distance between landmark and projected point in the first camera, px; NaN where not seen.
    """

    y: FloatArray
    joints: FloatArray
    covariance: FloatArray
    cost: float
    reprojection: FloatArray


def normalized(y: FloatArray) -> FloatArray:
    """(..., 48) states with the directions made unit vectors."""
    result = y.copy()
    u = result[..., 3 : 3 + 3 * NS].reshape(*y.shape[:-1], NS, 3)
    norms = np.sqrt((u * u).sum(-1, keepdims=True))
    u /= np.maximum(norms, 1e-9)
    result[..., 3 : 3 + 3 * NS] = u.reshape(*y.shape[:-1], 3 * NS)
    return result


_K = np.arange(NS)
_ROW, _COLUMN = 3 + 3 * _K, 3 + 2 * _K


def _straight() -> FloatArray:
    """What of `tangent` is always the same: position and shoulders move as they are."""
    result = np.zeros((NY, NX))
    result[:3, :3] = np.eye(3)
    result[-6:, -6:] = np.eye(6)
    return result


_TANGENT = _straight()


def tangent(y: FloatArray) -> FloatArray:
    """(B, 48, 35) from steps in the tangent planes to steps of (B, 48) y."""
    batch = len(y)
    u = y[:, 3 : 3 + 3 * NS].reshape(batch, NS, 3)
    x, z = u[..., 0], u[..., 2]
    # Duff et al. 2017, Building an orthonormal basis, revisited: no branch and no cancellation
    sign = np.where(z >= 0.0, 1.0, -1.0)
    a = -1.0 / (sign + z)
    b = x * u[..., 1] * a
    result = np.empty((batch, NY, NX))
    result[:] = _TANGENT
    row, column = _ROW, _COLUMN
    result[:, row, column] = 1.0 + sign * x * x * a
    result[:, row + 1, column] = sign * b
    result[:, row + 2, column] = -sign * x
    result[:, row, column + 1] = b
    result[:, row + 1, column + 1] = sign + u[..., 1] * u[..., 1] * a
    result[:, row + 2, column + 1] = -u[..., 1]
    return result


class Problem:
    """One frame's least squares.

    Args:
        skeleton: with the person's lengths.
        joint_map: (16, 3, 48) of the skeleton.
        sights: of each camera.
        priors: habits and couplings; in the covariance they count for less, because they are guesses that err together.
        contacts: what rests.
        limits: rows that count while a . y < b.
        predicted: (48,) state expected from the frames before. Not in the covariance, because landmark errors are bias
            that stays from frame to frame.
        motion_std: (48,) how far from it the state may be.
        memory: rows of what is hidden: in the covariance, not in the fit.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        joint_map: FloatArray,
        sights: list[Sight],
        priors: LinearRows,
        contacts: LinearRows,
        limits: LinearRows,
        predicted: FloatArray,
        motion_std: FloatArray,
        memory: LinearRows | None = None,
    ) -> None:
        self._skeleton = skeleton
        self._map = joint_map
        self._sights = sights
        self._limits = limits
        self._memory = memory
        maps, offsets, gains, principals, targets, weights = [], [], [], [], [], []
        timeless = [contacts, priors]
        for sight in sights:
            camera = sight.camera
            rotation = camera.rotation
            optical = np.matmul(rotation, joint_map)
            shift = (sight.offsets - camera.centre) @ rotation.T
            usable = np.isfinite(sight.pixels).all(1) & np.isfinite(sight.pixel_std)
            maps.append(optical)
            offsets.append(shift)
            gains.append(np.full((NJ, 2), [camera.fx, camera.fy]))
            principals.append(np.full((NJ, 2), [camera.cx, camera.cy]))
            targets.append(np.where(usable[:, None], sight.pixels, 0.0))
            weights.append(np.where(usable, 1.0 / np.where(usable, sight.pixel_std, 1.0), 0.0))
            timeless.append(_segment_depths(skeleton, sight))
            if sight.depth is not None and sight.depth_std is not None:
                timeless.append(_depths(sight.depth, sight.depth_std, optical, shift))
        self._optical = np.concatenate(maps)
        self._flat = self._optical.reshape(-1, NY)
        self._offset = np.concatenate(offsets)
        self._gain = np.concatenate(gains)
        self._principal = np.concatenate(principals)
        self._target = np.concatenate(targets)
        self._weight = np.concatenate(weights)
        self._timeless = LinearRows.join(timeless)
        self._trust = np.ones(len(self._timeless.b))
        self._trust[: len(contacts.b)] = 1.0 / NOISE
        self._trust[len(contacts.b) :] = 1.0 / DOUBT
        self._h = self._timeless.a.T @ self._timeless.a
        self._g = self._timeless.a.T @ self._timeless.b
        self._c = float(self._timeless.b @ self._timeless.b)
        self._predicted = predicted
        self._stiffness = 1.0 / (motion_std * motion_std)

    def _points(self, y: FloatArray) -> FloatArray:
        """(B, P, 3) optical coordinates."""
        result: FloatArray = (y @ self._flat.T).reshape(len(y), -1, 3) + self._offset
        return result

    def _pixels(self, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Weighted errors (B, P, 2), inverse depths (B, P, 1) and normalised coordinates (B, P, 2)."""
        q = self._points(y)
        inverse = 1.0 / np.maximum(q[..., 2:], _NEAREST)
        flat = q[..., :2] * inverse
        error = (flat * self._gain + self._principal - self._target) * self._weight[:, None]
        return error, inverse, flat

    def _cost(
        self, y: FloatArray, centre: FloatArray, stiffness: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        error, inverse, flat = self._pixels(y)
        square = (error * error).sum(-1)
        size = np.sqrt(square)
        outside = size > HUBER
        robust = np.where(outside, HUBER / np.maximum(size, 1e-9), 1.0)
        below = np.minimum(y @ self._limits.a.T - self._limits.b, 0.0)
        hy = y @ self._h
        away = y - centre
        cost: FloatArray = (
            np.where(outside, 2.0 * HUBER * size - HUBER**2, square).sum(1)
            + (y * hy).sum(1)
            - 2.0 * (y @ self._g)
            + self._c
            + (below * below).sum(1)
            + (away * away * stiffness).sum(1)
        )
        # errors, their weights, and what the jacobian needs
        return cost, error, robust, inverse, np.concatenate([flat, np.zeros_like(inverse)], -1)

    def _slopes(self, inverse: FloatArray, flat: FloatArray, scale: FloatArray) -> FloatArray:
        """(B, 2P, 48) derivative of the weighted pixel errors, each times `scale` (B, P)."""
        gain = self._gain * inverse * (self._weight * scale)[..., None]
        slope = gain[..., None] * (self._optical[:, :2] - flat[..., :2, None] * self._optical[:, 2:3])
        result: FloatArray = slope.reshape(len(inverse), -1, NY)
        return result

    def timeless_cost(self, y: FloatArray) -> float:
        """What (48,) y costs without regard to the frames before."""
        return float(self._cost(y[None], y, np.zeros(NY))[0][0])

    def minimise(self, starts: FloatArray, iterations: int, apart: bool = False) -> FloatArray:
        """The best state, (48,), found from (B, 48) starts.

        Args:
            starts: where to begin.
            iterations: at most.
            apart: these are other ways to see the picture, which may be far from the prediction: each is tied, loosely,
                to its own start.
        """
        y = normalized(starts)
        centre = y if apart else self._predicted
        stiffness = self._stiffness * (_LOOSE if apart else 1.0)
        damping = np.full(len(y), 1e-3)
        cost, error, robust, inverse, flat = self._cost(y, centre, stiffness)
        active = np.ones(len(y), bool)
        eye = np.arange(NX)
        whole = self._h.copy()
        whole[np.arange(NY), np.arange(NY)] += stiffness
        for _ in range(iterations):
            root = np.sqrt(robust)
            j = self._slopes(inverse, flat, root)
            r = (error * root[..., None]).reshape(len(y), -1)
            below = y @ self._limits.a.T - self._limits.b
            on = below < 0.0
            jl = self._limits.a * on[..., None]
            t = tangent(y)
            jt, lt = j @ t, jl @ t
            tt = t.transpose(0, 2, 1)
            hessian = jt.transpose(0, 2, 1) @ jt + lt.transpose(0, 2, 1) @ lt + tt @ (whole @ t)
            gradient = (
                (jt * r[..., None]).sum(1)
                + (lt * np.where(on, below, 0.0)[..., None]).sum(1)
                + (tt @ (y @ self._h - self._g + (y - centre) * stiffness)[..., None])[..., 0]
            )
            diagonal = hessian[:, eye, eye]
            hessian[:, eye, eye] = diagonal * (1.0 + damping[:, None]) + 1e-9
            try:
                step = np.linalg.solve(hessian, -gradient[..., None])
            except np.linalg.LinAlgError:
                break
            candidate = normalized(y + (t @ step)[..., 0])
            new, e, rb, inv, fl = self._cost(candidate, centre, stiffness)
            gain = np.where(np.isfinite(new), cost - new, -1.0)
            better = (gain > 0) & active
            y = np.where(better[:, None], candidate, y)
            error = np.where(better[:, None, None], e, error)
            robust = np.where(better[:, None], rb, robust)
            inverse = np.where(better[:, None, None], inv, inverse)
            flat = np.where(better[:, None, None], fl, flat)
            small = gain < 3e-3 * cost + 3e-3
            cost = np.where(better, new, cost)
            damping = np.where(better, np.maximum(damping * 0.2, 1e-6), damping * 10.0)
            active &= ~(better & small) & (damping < 1e5)
            if not active.any():
                break
        if apart:
            cost = self._cost(y, y, np.zeros(NY))[0]
        result: FloatArray = y[int(np.argmin(np.where(np.isfinite(cost), cost, np.inf)))]
        return result

    def explain(self, y: FloatArray, length_std: FloatArray) -> FitResult:
        """Points, their covariance and reprojection errors of a state.

        Args:
            y: (48,) the state.
            length_std: (13,) relative standard deviation of the segment lengths.
        """
        batch = y[None]
        cost, _, robust, inverse, flat = self._cost(batch, batch, np.zeros(NY))
        j = self._slopes(inverse, flat, np.sqrt(robust))[0]
        below = self._limits.a @ y < self._limits.b
        t = tangent(batch)[0]
        parts = [j / NOISE, self._timeless.a * self._trust[:, None], self._limits.a[below] / DOUBT]
        metric = [np.ones(len(j), bool), self._timeless.metric, self._limits.metric[below]]
        if self._memory is not None:
            parts.append(self._memory.a)
            metric.append(self._memory.metric)
        a = np.concatenate(parts)
        at = a @ t
        information = at.T @ at
        information[np.arange(NX), np.arange(NX)] += 1e-4
        inverse_information = np.linalg.inv(information)
        places = self._map.reshape(3 * NJ, NY)
        dp_dx = places @ t
        covariance = dp_dx @ inverse_information @ dp_dx.T
        # a wrong length moves points directly and, through the refit of what measures places, everything else
        u = y[3 : 3 + 3 * NS].reshape(NS, 3)
        as_y = np.zeros((NY, NS))
        for axis in range(3):
            as_y[3 + 3 * _K + axis, _K] = u[:, axis]
        as_y *= length_std
        rows = np.concatenate(metric)
        total = places @ as_y - dp_dx @ (inverse_information @ (at[rows].T @ (a[rows] @ as_y)))
        covariance += total @ total.T
        pixels = flat[0, :NJ, :2] * self._gain[:NJ] + self._principal[:NJ]
        off = np.sqrt(((pixels - self._target[:NJ]) ** 2).sum(1))
        return FitResult(
            y,
            (places @ y).reshape(NJ, 3),
            0.5 * (covariance + covariance.T),
            float(cost[0]),
            np.where(self._weight[:NJ] > 0, off, np.nan),
        )


def _segment_depths(skeleton: Skeleton, sight: Sight) -> LinearRows:
    known = np.isfinite(sight.segment_depth) & np.isfinite(sight.segment_depth_std)
    weight = np.where(known, 1.0 / np.where(known, sight.segment_depth_std, 1.0), 0.0)
    a = np.zeros((NS, NY))
    forward = sight.camera.rotation[2]
    for axis in range(3):
        a[_K, 3 + 3 * _K + axis] = skeleton.segment_lengths * weight * forward[axis]
    return LinearRows(a, np.where(known, sight.segment_depth, 0.0) * weight, np.ones(NS, bool))


def _depths(depth: FloatArray, std: FloatArray, optical: FloatArray, shift: FloatArray) -> LinearRows:
    known = np.flatnonzero(np.isfinite(depth) & np.isfinite(std) & (std > 0))
    weight = 1.0 / std[known]
    return LinearRows(
        optical[known, 2] * weight[:, None],
        (depth[known] - shift[known, 2]) * weight,
        np.ones(len(known), bool),
    )


def segment(y: FloatArray, name: str) -> FloatArray:
    """(3,) direction of a segment in a state."""
    k = 3 + 3 * SEGMENT_INDEX[name]
    return y[k : k + 3]
