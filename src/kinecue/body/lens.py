"""How lenses bend what a pinhole would see: the distortion models of sensor_msgs/CameraInfo, both ways.

All work on normalized image coordinates (x to the right, y down, over the focal length; (0, 0) is the optical axis) and
say NaN instead of a wrong number for what the lens cannot see: a polynomial that bends back beyond the image would
else put points far outside the picture into its middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PLUMB_BOB = "plumb_bob"
RATIONAL_POLYNOMIAL = "rational_polynomial"
EQUIDISTANT = "equidistant"

COEFFICIENTS = {PLUMB_BOB: 5, RATIONAL_POLYNOMIAL: 8, EQUIDISTANT: 4}
"""Number of coefficients of each model, named as in ``sensor_msgs/distortion_models.hpp`` (REP 104)."""

_MAX_RADIUS = 60.0
"""Tangent of the widest angle from the optical axis that has a place in a pinhole image: 89 degrees."""
_TABLE = 1024
_ITERATIONS = 8
_RESIDUAL = 1e-9
"""A place in the image is inverted when it is met this closely (over the focal length, a millionth of a pixel)."""


@dataclass(frozen=True)
class Distortion:
    """A lens' distortion.

    Attributes:
        model: ``plumb_bob`` (k1 k2 p1 p2 k3), ``rational_polynomial`` (k1 k2 p1 p2 k3 k4 k5 k6) or ``equidistant``
            (fisheye, k1 k2 k3 k4 on the angle from the axis).
        coefficients: of the model, dimensionless.

    Raises:
        ValueError: the model is none of these, or the coefficients are not finite or not as many as it has.
    """

    model: str = PLUMB_BOB
    coefficients: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if self.model not in COEFFICIENTS:
            raise ValueError(
                f"distortion model is {self.model!r}, allowed: "
                + ", ".join(f"{name} ({count} coefficients)" for name, count in COEFFICIENTS.items())
            )
        count = COEFFICIENTS[self.model]
        if len(self.coefficients) != count or not all(math.isfinite(k) for k in self.coefficients):
            raise ValueError(
                f"distortion model {self.model} has {count} finite coefficients, got {list(self.coefficients)}"
            )

    @staticmethod
    def of(model: str, coefficients: Sequence[float]) -> Distortion:
        """The lens that a camera's driver describes, which may leave out or add zeros at the end.

        Args:
            model: as in CameraInfo; any, also none, where there are no coefficients.
            coefficients: as many as the driver gives.

        Raises:
            ValueError: as for `Distortion`; coefficients beyond those of the model are no zeros.
        """
        given = tuple(float(k) for k in coefficients)
        if not any(given) and model != EQUIDISTANT:
            return Distortion()
        count = COEFFICIENTS.get(model, len(given))
        # some drivers leave out k3
        shortest = 4 if model in (PLUMB_BOB, EQUIDISTANT) else count
        if len(given) >= shortest and not any(given[count:]):
            given = (given + (0.0,) * count)[:count]
        return Distortion(model, given)

    @property
    def active(self) -> bool:
        """The lens is not a plain pinhole; a fisheye lens never is."""
        return self.model == EQUIDISTANT or any(self.coefficients)

    @cached_property
    def _parts(self) -> tuple[FloatArray, FloatArray, float, float]:
        """Numerator and denominator of the radial gain in powers of r^2, then p1, p2."""
        k1, k2, p1, p2, k3, *below = self.coefficients
        return np.array([1.0, k1, k2, k3]), np.array([1.0, *(below or (0.0, 0.0, 0.0))]), p1, p2

    @cached_property
    def widest(self) -> float:
        """Radius (tangent of the angle from the axis) up to which the lens model is one to one; at most 60."""
        if self.model == EQUIDISTANT:
            # theta (1 + k1 theta^2 + ...) turns where its derivative is 0
            slope = np.array([1.0, *((2 * i + 3) * k for i, k in enumerate(self.coefficients))])
            angle = math.sqrt(_first_positive_root(slope))
            return math.tan(min(angle, math.atan(_MAX_RADIUS)))
        top, below, _, _ = self._parts
        # d/dr (r N(s) / D(s)) with s = r^2 has the sign of (N + 2 s N') D - 2 s N D'
        rise = _times(_plus(top, 2.0 * _shifted(_derivative(top))), below)
        rise = _plus(rise, -2.0 * _times(top, _shifted(_derivative(below))))
        # just short of it: a denominator's root is a pole
        limit = (1.0 - 1e-9) * math.sqrt(min(_first_positive_root(rise), _first_positive_root(below)))
        return min(limit, _MAX_RADIUS)

    def distort(self, points: FloatArray) -> FloatArray:
        """(..., 2) where a pinhole sees points to where this lens does; NaN for what it cannot see."""
        r2 = (points * points).sum(-1)
        inside = np.where(r2 <= self.widest**2, 1.0, np.nan)
        bent, _ = self._bend(points * inside[..., None], r2 * inside, slope=False)
        return bent

    def undistort(self, points: FloatArray) -> FloatArray:
        """(..., 2) the inverse of `distort`, to a millionth of a pixel; NaN where nothing is seen there."""
        target = points.reshape(-1, 2)
        bent_radius, radius = self._table
        # far outside an impossible lens a step may leave all bounds: what then does not meet its target is NaN
        with np.errstate(all="ignore"):
            r = np.sqrt((target * target).sum(-1))
            # the tangential part is small: without it the radius alone is near enough for Newton's method
            near = np.interp(r, bent_radius, radius)
            guess = target * (near / np.maximum(r, 1e-12))[:, None]
            for _ in range(_ITERATIONS):
                bent, (a, b, d) = self._bend(guess, (guess * guess).sum(-1), slope=True)
                error = bent - target
                miss = np.abs(error)
                if not (miss > 1e-10).any():
                    break
                determinant = a * d - b * b
                # at the very edge of the lens the slope vanishes: no step is better than a wild one
                inverse = 1.0 / np.where(np.abs(determinant) > 1e-6, determinant, np.inf)
                ex, ey = error[:, 0] * inverse, error[:, 1] * inverse
                guess = guess - np.stack([d * ex - b * ey, a * ey - b * ex], -1)
        met = (miss <= _RESIDUAL * (1.0 + np.abs(target))).all(-1)
        met &= (guess * guess).sum(-1) <= (self.widest * (1.0 + 1e-9)) ** 2
        return np.where(met[:, None], guess, np.nan).reshape(points.shape)

    @cached_property
    def _table(self) -> tuple[FloatArray, FloatArray]:
        """Radius in the image and pinhole radius, both rising."""
        radius = np.tan(np.linspace(0.0, math.atan(self.widest), _TABLE))
        ahead = np.stack([radius, np.zeros(_TABLE)], -1)
        if self.model == EQUIDISTANT:
            bent, _ = self._bend(ahead, radius * radius, slope=False)
            return bent[:, 0], radius
        top, below, _, _ = self._parts
        s = radius * radius
        return radius * _polynomial(top, s) / _polynomial(below, s), radius

    def _bend(
        self, points: FloatArray, r2: FloatArray, slope: bool
    ) -> tuple[FloatArray, tuple[FloatArray, FloatArray, FloatArray]]:
        """Bent points, and if wanted their symmetric derivative (xx, xy, yy)."""
        x, y = points[..., 0], points[..., 1]
        p1 = p2 = 0.0
        if self.model == EQUIDISTANT:
            gain, change = self._fisheye(r2, slope)
        else:
            top, below, p1, p2 = self._parts
            n, d = _polynomial(top, r2), _polynomial(below, r2)
            gain = n / d
            change = (
                (_polynomial(_derivative(top), r2) - gain * _polynomial(_derivative(below), r2)) / d
                if slope
                else gain
            )
        bent = points * gain[..., None]
        if p1 or p2:
            xy2 = 2.0 * x * y
            bent = bent + np.stack(
                [p1 * xy2 + p2 * (r2 + 2.0 * x * x), p1 * (r2 + 2.0 * y * y) + p2 * xy2], -1
            )
        if not slope:
            return bent, (gain, gain, gain)
        xx = gain + 2.0 * x * x * change + 2.0 * p1 * y + 6.0 * p2 * x
        xy = 2.0 * x * y * change + 2.0 * p1 * x + 2.0 * p2 * y
        yy = gain + 2.0 * y * y * change + 6.0 * p1 * y + 2.0 * p2 * x
        return bent, (xx, xy, yy)

    def _fisheye(self, r2: FloatArray, slope: bool) -> tuple[FloatArray, FloatArray]:
        """Gain of the radius and its derivative with respect to r^2."""
        k = np.array([1.0, *self.coefficients])
        r = np.sqrt(r2)
        angle = np.arctan(r)
        s = angle * angle
        near = r < 1e-4
        safe = np.where(near, 1.0, r)
        gain = np.where(near, 1.0 + (k[1] - 1.0 / 3.0) * r2, angle * _polynomial(k, s) / safe)
        if not slope:
            return gain, gain
        # d(angle polynomial)/d r = sum (2 i + 1) k_i angle^(2 i) / (1 + r^2)
        rise = _polynomial(k * (2 * np.arange(5) + 1), s) / (1.0 + r2)
        return gain, np.where(near, k[1] - 1.0 / 3.0, (rise - gain) / (2.0 * safe * safe))


def _polynomial(coefficients: FloatArray, s: FloatArray) -> FloatArray:
    result: FloatArray = np.full_like(s, coefficients[-1])
    for c in coefficients[-2::-1].tolist():
        result = result * s + c
    return result


def _derivative(coefficients: FloatArray) -> FloatArray:
    result: FloatArray = coefficients[1:] * np.arange(1, len(coefficients))
    return result


def _shifted(coefficients: FloatArray) -> FloatArray:
    """Coefficients of s times the polynomial."""
    return np.concatenate([[0.0], coefficients])


def _times(a: FloatArray, b: FloatArray) -> FloatArray:
    result: FloatArray = np.convolve(a, b)
    return result


def _plus(a: FloatArray, b: FloatArray) -> FloatArray:
    size = max(len(a), len(b))
    result: FloatArray = np.pad(a, (0, size - len(a))) + np.pad(b, (0, size - len(b)))
    return result


def _first_positive_root(coefficients: FloatArray) -> float:
    """Smallest positive real root of a polynomial in rising powers; infinite if there is none."""
    # a vanishing highest power has its root beyond every angle, and would only overflow
    # what changes nothing up to the widest radius would only upset the companion matrix
    reach = np.abs(coefficients) * (_MAX_RADIUS**2) ** np.arange(len(coefficients))
    known = np.trim_zeros(np.where(reach > 1e-12, coefficients, 0.0), "b")
    if len(known) < 2:
        return math.inf
    roots = np.roots(known[::-1])
    real = roots.real[(np.abs(roots.imag) < 1e-9 * (1.0 + np.abs(roots.real))) & (roots.real > 1e-12)]
    return float(real.min()) if real.size else math.inf
