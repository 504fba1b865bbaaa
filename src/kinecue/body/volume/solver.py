"""Solves for the body that has given measures: stature, mass and segment lengths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Landmark
from kinecue.body.volume.asset import SEXES, BodyAsset, ShapeSpace, blended_shape_space
from kinecue.body.volume.proportions import Factors, lengths_of, stretched, trunk_factor
from kinecue.body.volume.segments import body_cut, densities
from kinecue.body.volume.shape import BodyShape, ShapeError

FloatArray = NDArray[np.float64]

ARM = {
    "male": {"upper_arm": 0.1618, "forearm": 0.1545},
    "female": {"upper_arm": 0.1586, "forearm": 0.1523},
}
"""Length between joint centres over stature (de Leva 1996, table 4): MakeHuman's arms are shorter, a woman's
forearm by 15 %."""
THIGH_TO_SHANK = {"male": 0.985, "female": 0.975}
"""Where the knee divides the leg when neither length is given: between Dumas et al. 2007 (0.998, 0.977), Winter
(0.996) and de Leva 1996 (0.973 for men). MakeHuman's runs from 0.77 to 1.0 with the stature."""
USUAL_FATNESS = 0.45
"""Of a body whose mass is not given; 0 to 1 as MakeHuman's weight."""
FATNESS_RANGE = (0.0, 1.25)
"""0 and 1 are MakeHuman's leanest and heaviest bodies; what is above 1 is extrapolated."""
AGES = (25.0, 90.0)
"""Years of MakeHuman's young and old bodies."""
REST_RANGE = (0.86, 1.16)
"""How far what is not given may be stretched to make up for what is."""
_MASS_TOLERANCE = 0.005
"""kg."""
_UPRIGHT = ("thigh", "shank", "trunk")


@dataclass(frozen=True)
class _Grown:
    half: FloatArray
    heads: FloatArray
    points: FloatArray


def _tent(x: float) -> FloatArray:
    """(3,) shares of 0, 0.5 and 1 in x, linear in between and beyond."""
    if x < 0.5:
        return np.array([1.0 - 2.0 * x, 2.0 * x, 0.0])
    return np.array([0.0, 2.0 - 2.0 * x, 2.0 * x - 1.0])


def _shares(directions: tuple[str, ...], muscle: float, fatness: float, age: float) -> FloatArray:
    """(S,) of the directions of a shape space; height is left at the mean body's."""
    across, up = _tent(muscle), _tent(fatness)
    shares = dict.fromkeys(directions, 0.0)
    shares["average"] = 1.0
    for i, fat in enumerate(("0", "0.5", "1")):
        # midway between the muscular and the weak lies their mean, for usual fatness the average body itself
        half = 0.5 * across[1] if fat != "0.5" else 0.0
        shares[f"muscle0_weight{fat}"] = float((across[0] + half) * up[i])
        shares[f"muscle1_weight{fat}"] = float((across[2] + half) * up[i])
    shares["age"] = max(0.0, (age - AGES[0]) / (AGES[1] - AGES[0]))
    return np.array([shares[d] for d in directions])


def _mixed(shape: BodyShape, man: float, woman: float) -> float:
    return man + shape.frame * (woman - man)


class _Maker:
    """Makes bodies of one shape that differ in fatness."""

    def __init__(self, shape: BodyShape) -> None:
        self.shape = shape
        self.space: ShapeSpace = blended_shape_space(shape.frame)
        body = np.unique(self.space.faces["body"])
        self._skin = body[body < len(self.space.half_weights)]
        self._height = self.space.directions.index("height")

    def made(self, fatness: float) -> _Grown:
        """The body with the stature and the lengths of the shape."""
        shape, space = self.shape, self.space
        shares = _shares(space.directions, shape.build, fatness, shape.age)
        heights = np.einsum("s,sv->v", shares, space.shapes[:, :, 2])
        for _ in range(3):
            low, high = (self._skin[k(heights[self._skin])] for k in (np.argmin, np.argmax))
            taller = space.shapes[self._height, high, 2] - space.shapes[self._height, low, 2]
            step = (shape.stature - (heights[high] - heights[low])) / taller
            shares[self._height] += step
            heights = heights + step * space.shapes[self._height, :, 2]
        return self._fitted(_Grown(*space.mixed(shares)))

    def _fitted(self, body: _Grown) -> _Grown:
        shape, bones = self.shape, self.space.bones
        natural = lengths_of(bones, body.heads)
        man, woman = (ARM[sex] for sex in SEXES)
        wanted = {name: _mixed(shape, man[name], woman[name]) * shape.stature for name in man}
        wanted.update(shape.given_lengths)
        usual = {**natural, "head": 1.0}
        if not {"thigh", "shank"} & set(wanted):
            ratio = _mixed(shape, *(THIGH_TO_SHANK[sex] for sex in SEXES))
            leg = natural["thigh"] + natural["shank"]
            usual["thigh"], usual["shank"] = leg * ratio / (1.0 + ratio), leg / (1.0 + ratio)
        fixed = {name: wanted[name] / natural[name] for name in wanted if name != "trunk"}
        if "trunk" in wanted:
            fixed["trunk"] = trunk_factor(bones, body.heads, wanted["trunk"])
        free = [name for name in _UPRIGHT if name not in fixed] or ["head"]

        def stature(rest: float) -> tuple[float, _Grown]:
            loose = {name: rest * usual[name] / natural.get(name, 1.0) for name in free}
            factors = Factors(**fixed, **loose)
            grown = _Grown(*stretched(self.space, body.half, body.heads, body.points, factors))
            return float(np.ptp(grown.half[self._skin, 2])), grown

        # the stature is linear in the factor as long as the same vertices are the lowest and the highest
        at, rest = 1.0, 1.0
        height, grown = stature(at)
        slope = (stature(1.05)[0] - height) / 0.05
        for _ in range(3):
            if abs(height - shape.stature) < 1e-7:
                break
            rest += (shape.stature - height) / slope
            height, grown = stature(rest)
        low, high = REST_RANGE
        if not low <= rest <= high:
            given = [name for name in _UPRIGHT if name in shape.given_lengths]
            raise ShapeError(
                shape.name,
                " and ".join(given),
                f"leave a stature of {shape.stature:g} m only if the {' and the '.join(free)} "
                f"be {rest:.2f} of the usual length; allowed: {low} to {high}",
            )
        lowest = np.array([0.0, 0.0, grown.half[self._skin, 2].min()])
        return _Grown(grown.half - lowest, grown.heads - lowest, grown.points - lowest)

    def mass(self, body: _Grown) -> float:
        """Of a body, kg."""
        return float(body_cut().volumes(self.space.whole(body.half)) @ densities())

    def solved(self) -> _Grown:
        """The body with the mass of the shape too."""
        wanted = self.shape.mass
        if wanted is None:
            return self.made(USUAL_FATNESS)
        low, high = FATNESS_RANGE
        low_error, high_error = (self.mass(self.made(x)) - wanted for x in FATNESS_RANGE)
        if low_error > 0.0 or high_error < 0.0:
            raise ShapeError(
                self.shape.name,
                "mass",
                f"must be {low_error + wanted:.1f} to {high_error + wanted:.1f} kg for a {self.shape.sex} "
                f"body of {self.shape.stature:g} m and build {self.shape.build:g}, got {wanted:g}",
            )
        # regula falsi, Illinois variant
        side = 0
        while True:
            x = (low * high_error - high * low_error) / (high_error - low_error)
            body = self.made(x)
            error = self.mass(body) - wanted
            if abs(error) < _MASS_TOLERANCE:
                return body
            if error < 0.0:
                low, low_error = x, error
                high_error, side = (high_error / 2.0 if side < 0 else high_error), -1
            else:
                high, high_error = x, error
                low_error, side = (low_error / 2.0 if side > 0 else low_error), 1


def mass_range(shape: BodyShape) -> tuple[float, float]:
    """Smallest and largest mass that a body with the other measures of a shape can have, kg."""
    maker = _Maker(shape)
    low, high = (maker.mass(maker.made(x)) for x in FATNESS_RANGE)
    return low, high


@lru_cache(maxsize=64)
def solve_body(shape: BodyShape) -> BodyAsset:
    """The body of a shape, in the rest pose, barefoot.

    Stature and lengths are met to rounding, the mass within 0.01 kg.

    Raises:
        ShapeError: there is no such body.
        KineCueError: the asset is missing or damaged.
    """
    maker = _Maker(shape)
    return _asset(maker, maker.solved())


def grow_body(shape: BodyShape, fatness: float) -> BodyAsset:
    """The body of a shape with a fatness, whatever its mass then is; rest pose, barefoot.

    Args:
        shape: its mass is not looked at.
        fatness: within `FATNESS_RANGE`.

    Raises:
        ShapeError: there is no such body.
    """
    maker = _Maker(shape)
    return _asset(maker, maker.made(fatness))


def _asset(maker: _Maker, body: _Grown) -> BodyAsset:
    shape, space = maker.shape, maker.space
    landmarks: dict[Landmark, FloatArray] = {}
    for name, point in zip(space.landmark_names, body.points, strict=True):
        landmarks[name] = point if name.mirrored != name else point * [1.0, 0.0, 1.0]
        if name.mirrored != name:
            landmarks[name.mirrored] = point * [1.0, -1.0, 1.0]
    return BodyAsset(
        vertices=space.whole(body.half),
        faces=space.faces,
        lips=space.lips,
        bones=space.bones,
        parents=space.parents,
        heads=body.heads,
        weights=space.weights,
        landmarks=landmarks,
        stature=shape.stature,
        mirror=space.mirror,
    )
