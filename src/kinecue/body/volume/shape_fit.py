"""The parametric body that fits a person: from segment lengths, stature, sex if it is said, and silhouettes.

Lengths are taken as given. Six numbers remain: the frame between a man's and a woman's, muscle, fat, and how far the
clothes stand off from trunk, thighs and shanks. They are fitted by least squares to the widths of the silhouettes at the
stations of `kinecue.body.volume.silhouette`, about priors of people who train. Cloth and flesh look alike from outside,
so the less the bare places say, the more the prior of the cloth decides; the uncertainty of the mass has that in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.errors import KineCueError
from kinecue.body.volume.asset import SEXES, BodyAsset
from kinecue.body.volume.body_volume import BodyVolume
from kinecue.body.volume.segments import body_cut, densities
from kinecue.body.volume.shape import LENGTH_RANGES, STATURE_RANGE, BodyShape, ShapeError
from kinecue.body.volume.silhouette import STATIONS, Silhouette
from kinecue.body.volume.solver import FATNESS_RANGE, grow_body

FloatArray = NDArray[np.float64]

_FRAME, _BUILD, _FATNESS, _SHIRT, _TROUSERS, _LEGS = range(6)
PRIOR_MEAN = np.array([0.5, 0.5, 0.45, 0.017, 0.013, 0.007])
PRIOR_STD = np.array([0.45, 0.25, 0.28, 0.016, 0.013, 0.010])
"""Frame, build, fatness, distance from the skin of the shirt, of the trousers on the thighs, of what is on the shanks, m:
tight things stand off 5 to 10 mm, what people train in 10 to 20, baggy things 35 to 50. Beyond one standard deviation
cloth becomes unlikely but slowly (see `_tolerant`)."""
_CLOTH = np.array([_SHIRT, _TROUSERS, _LEGS])
_BOUNDS = ((0.0, 0.0, FATNESS_RANGE[0], 0.0, 0.0, 0.0), (1.0, 1.0, FATNESS_RANGE[1], 0.08, 0.06, 0.06))
_STEPS = np.array([0.1, 0.1, 0.1, 0.004, 0.004, 0.004])
"""Of the numerical derivatives."""
_WIDTH_STD = 0.016
"""Of a width in a silhouette against the mesh, m: half a pixel of a mask of 256, what the parametric body cannot do, and
stations beside their place."""
_DENSITY_STD = 0.015
"""Relative, of the whole body between people and between breaths (Siri 1961: 1,030 to 1,090 kg/m3 with empty lungs)."""
_STATURE_STD = 0.025
"""Relative, of a stature read off segment lengths."""
_UPRIGHT = {"thigh": 0.2417, "shank": 0.2466, "trunk": 0.2661}
"""Share of the stature of the average of both sexes of the parametric body."""


@dataclass(frozen=True)
class ShapeFit:
    """The body that fits a person.

    Attributes:
        body: the mesh in its rest pose.
        shape: its measures; the mass is what the volume weighs.
        fatness: 0 lean to 1.25, see `solver.FATNESS_RANGE`.
        mass: without clothes, kg.
        mass_std: standard deviation of `mass`, kg.
        femininity: 0 a man's frame to 1 a woman's; its standard deviation `femininity_std` says how little that is worth.
        cloth: how far clothes stand off from trunk, thighs and shanks, m, with `cloth_std`.
        widths: how many widths were measured in silhouettes.
        width_residual: root mean square of what is left of them, m; NaN without.
    """

    body: BodyAsset
    shape: BodyShape
    fatness: float
    mass: float
    mass_std: float
    femininity: float
    femininity_std: float
    cloth: tuple[float, float, float]
    cloth_std: tuple[float, float, float]
    widths: int
    width_residual: float

    @property
    def volume(self) -> BodyVolume:
        """The body as a volume that can be posed."""
        return BodyVolume(self.body, self.mass_std)


def stature_of(lengths: SegmentLengths) -> float:
    """Barefoot stature of somebody with these lengths, m, by the proportions of the average body."""
    total = sum(getattr(lengths, name) for name in _UPRIGHT)
    return float(total / sum(_UPRIGHT.values()))


def fit_shape(
    lengths: SegmentLengths,
    stature: float | None = None,
    sex: str | None = None,
    silhouettes: Sequence[Silhouette] = (),
    name: str = "person",
    stature_std: float = 0.01,
) -> ShapeFit:
    """Fits the parametric body to a person. Takes a quarter of a second or so: not for the thread that follows a camera.

    Args:
        lengths: between joint centres, m; what no body has is brought to the nearest that one can have.
        stature: barefoot, m; None is read off the lengths.
        sex: ``male`` or ``female``; None is not known.
        silhouettes: of the person standing, arms a little away; any number, from any side.
        name: of the shape, for messages.
        stature_std: standard deviation of `stature`, m.

    Raises:
        KineCueError: unknown sex, or lengths that are not positive and finite.
    """
    if sex is not None and sex not in SEXES:
        raise KineCueError(f"body {name!r}: sex must be one of {', '.join(SEXES)} or None, got {sex!r}")
    values = [getattr(lengths, field) for field in LENGTH_RANGES]
    if not all(math.isfinite(v) and v > 0.0 for v in values):
        raise KineCueError(f"body {name!r}: lengths must be positive and finite, got {lengths}")
    relative_std = stature_std / stature if stature else _STATURE_STD
    tall = float(np.clip(stature or stature_of(lengths), *STATURE_RANGE))
    problem = _Problem(name, lengths, tall, sex, silhouettes)
    solution = problem.solve()
    shape, body = problem.body(solution)
    mass = problem.mass(body)
    covariance = problem.covariance(solution)
    gradient = problem.mass_gradient(solution, mass)
    # a body that is taller by a share is heavier by three times that in all its extents, of which widths are seen
    seen = 1.0 if problem.count else 3.0
    variance = gradient @ covariance @ gradient + mass**2 * ((seen * relative_std) ** 2 + _DENSITY_STD**2)
    std = np.sqrt(np.diag(covariance))
    return ShapeFit(
        body,
        shape,
        float(solution[_FATNESS]),
        mass,
        float(np.sqrt(variance)),
        float(solution[_FRAME]),
        0.0 if sex else float(std[_FRAME]),
        (float(solution[_SHIRT]), float(solution[_TROUSERS]), float(solution[_LEGS])),
        (float(std[_SHIRT]), float(std[_TROUSERS]), float(std[_LEGS])),
        problem.count,
        problem.residual(solution),
    )


def _tolerant(residuals: FloatArray) -> FloatArray:
    """Residuals whose squares grow like those of the argument near zero, and like the argument itself far from it."""
    result: FloatArray = np.sign(residuals) * np.sqrt(2.0 * (np.sqrt(1.0 + residuals**2) - 1.0))
    return result


class _Problem:
    def __init__(
        self,
        name: str,
        lengths: SegmentLengths,
        stature: float,
        sex: str | None,
        silhouettes: Sequence[Silhouette],
    ) -> None:
        self._name, self._stature, self._sex = name, stature, sex
        self._lengths = {
            field: float(np.clip(getattr(lengths, field), low * stature, high * stature))
            for field, (low, high) in LENGTH_RANGES.items()
            if field != "pelvis"
        }
        self._silhouettes = list(silhouettes)
        self._shirt = np.array([station.shirt for station in STATIONS])[:, None]
        self._trousers = np.array([station.trousers for station in STATIONS])[:, None]
        self._legs = np.array([station.legs for station in STATIONS])[:, None]
        self._mean, self._std = PRIOR_MEAN.copy(), PRIOR_STD.copy()
        self._latest: tuple[FloatArray, FloatArray] | None = None
        self._free = list(range(len(PRIOR_MEAN)))
        if sex is not None:
            self._mean[_FRAME] = float(SEXES.index(sex))
            self._free.remove(_FRAME)
        self.usable: list[NDArray[np.bool_]] = []
        self.look(self._mean)

    def look(self, x: FloatArray) -> None:
        """Decides by a body like that which edges of the silhouettes are those of what is measured."""
        volume = BodyVolume(self.body(x)[1]) if self._silhouettes else None
        self.usable, self._latest = [], None
        for silhouette in self._silhouettes:
            posed = volume.posed(silhouette.points) if volume is not None else None
            clear = np.zeros((len(STATIONS), 2), dtype=bool)
            if volume is not None and posed is not None:
                clear = silhouette.clear(volume.mesh(posed))
            self.usable.append(clear)
        self.count = int(sum(clear.any(1).sum() for clear in self.usable))

    def body(self, x: FloatArray) -> tuple[BodyShape, BodyAsset]:
        """The body with the parameters; what cannot be stretched to its length keeps its own."""
        given = dict(self._lengths)
        for dropped in ("", "trunk", "shank", "thigh"):
            given.pop(dropped, None)
            shape = BodyShape(
                self._name,
                self._sex or SEXES[round(float(x[_FRAME]))],
                self._stature,
                None,
                float(x[_BUILD]),
                femininity=float(x[_FRAME]),
                **given,
            )
            try:
                return shape, grow_body(shape, float(x[_FATNESS]))
            except ShapeError as error:
                problem = error
        raise problem

    def mass(self, body: BodyAsset) -> float:
        """Of a body, kg."""
        return float(body_cut().volumes(body.vertices) @ densities())

    def _misfit(self, x: FloatArray) -> FloatArray:
        """Widths of the model less those of the pictures, m; zero where either is not known.

        A width is the sum of both edges where both are clear, else one of them.
        """
        if not self.count:
            return np.zeros(0)
        # the solver asks for the residuals and then for their derivatives at the same place
        if self._latest is not None and np.array_equal(self._latest[0], x):
            return self._latest[1]
        volume = BodyVolume(self.body(x)[1])
        cloth = self._shirt * x[_SHIRT] + self._trousers * x[_TROUSERS] + self._legs * x[_LEGS]
        parts = []
        for silhouette, usable in zip(self._silhouettes, self.usable, strict=True):
            posed = volume.posed(silhouette.points)
            if posed is None:
                continue
            off = silhouette.edges_of(volume.mesh(posed)) + cloth - silhouette.edges
            parts.append(np.where(usable & np.isfinite(off), off, 0.0).sum(1))
        result = np.concatenate(parts) if parts else np.zeros(0)
        self._latest = (x.copy(), result)
        return result

    def _residuals(self, x: FloatArray) -> FloatArray:
        views = max(len(self._silhouettes), 1)
        # what several pictures of one standing person get wrong, they get wrong together
        misfit = _tolerant(self._misfit(x) / (_WIDTH_STD * math.sqrt(views)))
        prior = (x - self._mean) / self._std
        prior[_CLOTH] = _tolerant(prior[_CLOTH])
        return np.concatenate([misfit, prior[self._free]])

    def _whole(self, free: FloatArray) -> FloatArray:
        x = self._mean.copy()
        x[self._free] = free
        return x

    def solve(self) -> FloatArray:
        """(6,) the parameters."""
        if not self.count:
            return self._whole(self._mean[self._free])
        bounds = tuple(np.array(b)[self._free] for b in _BOUNDS)
        x = self._mean
        for evaluations in (3, 6):
            result = least_squares(
                lambda free: self._residuals(self._whole(free)),
                x[self._free],
                jac=lambda free: self._jacobian(self._whole(free)),
                bounds=bounds,
                x_scale=self._std[self._free],
                max_nfev=evaluations,
                xtol=1e-2,
                ftol=1e-2,
            )
            x = self._whole(result.x)
            # a body of another size covers and clears other edges
            self.look(x)
        return x

    def _stepped(self, x: FloatArray, i: int) -> tuple[FloatArray, float]:
        """The parameters with one of them moved, inwards where it is at its bound, and by how much."""
        step = _STEPS[i] if x[i] + _STEPS[i] <= _BOUNDS[1][i] else -_STEPS[i]
        moved = x.copy()
        moved[i] += step
        return moved, float(step)

    def _jacobian(self, x: FloatArray) -> FloatArray:
        now = self._residuals(x)
        columns, latest = [], self._latest
        for i in self._free:
            moved, step = self._stepped(x, i)
            columns.append((self._residuals(moved) - now) / step)
        self._latest = latest
        return np.stack(columns, 1)

    def covariance(self, x: FloatArray) -> FloatArray:
        """(6, 6) of the parameters.

        The farther cloth seems to stand off, the less is known of how far it does: its prior is then as wide as that.
        """
        usual = self._std.copy()
        self._std[_CLOTH] = np.maximum(usual[_CLOTH], x[_CLOTH])
        jacobian = self._jacobian(x)
        self._std = usual
        result = np.zeros((len(self._mean), len(self._mean)))
        result[np.ix_(self._free, self._free)] = np.linalg.inv(jacobian.T @ jacobian)
        return result

    def mass_gradient(self, x: FloatArray, mass: float) -> FloatArray:
        """(6,) by how much the mass changes with each parameter, kg."""
        result = np.zeros(len(self._mean))
        for i in (_FRAME, _BUILD, _FATNESS):
            moved, step = self._stepped(x, i)
            result[i] = (self.mass(self.body(moved)[1]) - mass) / step
        return result

    def residual(self, x: FloatArray) -> float:
        """Root mean square of the widths' misfit, m."""
        misfit = self._misfit(x)
        return float(np.sqrt((misfit**2).sum() / self.count)) if self.count else math.nan
