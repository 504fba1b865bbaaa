"""What the lower-body exercises are loaded with: a barbell with plates, and a kettlebell held in two ways."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.hands import grip_frame
from kinecue.simulation.gear.equipment import CHROME, DARK, STEEL, Equipment, Hands, Place, Weight
from kinecue.simulation.picture.solids import Colour, Mesh, cylinder, ellipsoid
from kinecue.simulation.rotations import across, cross, unit

FloatArray = NDArray[np.float64]

PLATE_RADIUS = 0.225
"""Of a competition plate, m (IWF Technical and Competition Rules 2020: 450 mm)."""
_LYING = 0.003
"""Plates so near to the floor lie on it and carry the bar, m."""
BAR_RADIUS = 0.014
"""Of the shaft, m (IWF: 28 mm for men, 25 mm for women)."""

_IRON_DENSITY = 7200.0
"""Of cast iron, kg/m^3."""
_HANDLE_HALF = 0.062
"""Of a dumbbell's handle between its heads: a hand's breadth and some play, m."""

_BUMPERS: tuple[tuple[float, float, Colour], ...] = (
    (25.0, 0.067, (52.0, 48.0, 168.0)),
    (20.0, 0.054, (150.0, 84.0, 38.0)),
    (15.0, 0.042, (58.0, 188.0, 214.0)),
    (10.0, 0.034, (84.0, 140.0, 60.0)),
)
"""Mass, kg, thickness, m, and colour of plates of the full diameter (IWF colours)."""


class Barbell(Equipment):
    """A barbell with plates of 450 mm in both fists."""

    def __init__(self, athlete: Athlete, share: float) -> None:
        """A bar of 20 kg and 2.20 m, or of 15 kg and 2.01 m for women, and the plates that fit best.

        Args:
            athlete: who lifts it.
            share: of the athlete's mass.
        """
        self._hands = Hands(athlete)
        woman = athlete.sex == "female"
        bar, length, between = (15.0, 2.01, 1.31) if woman else (20.0, 2.20, 1.31)
        self._half, self._shoulder = length / 2.0, between / 2.0
        self.plates = _plates((share * athlete.mass - bar) / 2.0)
        self.mass = bar + 2.0 * sum(mass for mass, _, _ in self.plates)

    def weights(self, transforms: BoneTransforms) -> list[Weight]:
        left, right = self._hands.at(transforms)
        middle = (left + right) / 2.0
        if middle[2] < PLATE_RADIUS + _LYING:
            return []
        return [Weight(self.mass, middle, ("grip_l", "grip_r"))]

    def props(self, transforms: BoneTransforms, place: Place) -> Mesh:
        left, right = self._hands.at(transforms)
        middle, along = (left + right) / 2.0, unit(left - right)
        meshes = [
            cylinder(
                middle - along * self._shoulder, middle + along * self._shoulder, BAR_RADIUS, CHROME, 10, 26
            )
        ]
        for side in (-1.0, 1.0):
            out = along * side

            def piece(
                start: float, end: float, radius: float, colour: Colour, sides: int, out: FloatArray = out
            ) -> Mesh:
                return cylinder(middle + out * start, middle + out * end, radius, colour, sides, 2)

            at = self._shoulder
            meshes.append(piece(at - 0.03, at, 0.036, STEEL, 14))
            for _, thickness, colour in self.plates:
                meshes.append(_plate(middle + out * at, middle + out * (at + thickness), colour))
                at += thickness + 0.004
            meshes.append(piece(at, at + 0.05, 0.042, DARK, 14))
            meshes.append(piece(at + 0.05, self._half, 0.025, CHROME, 12))
        return Mesh.join(meshes)


def _plates(each: float) -> tuple[tuple[float, float, Colour], ...]:
    """Plates of one side, the heaviest inside; at least one of 10 kg, so that the bar lies at its height."""
    left = max(each, 10.0)
    chosen: list[tuple[float, float, Colour]] = []
    for plate in _BUMPERS:
        while left >= plate[0] - 1e-9 and len(chosen) < 5:
            chosen.append(plate)
            left -= plate[0]
    return tuple(chosen)


def _plate(start: FloatArray, end: FloatArray, colour: Colour, sides: int = 32) -> Mesh:
    """A bumper plate between two points on the bar: rubber, a recessed ring and a steel hub.

    The faces of the rings lie side by side, none over another, so that painter's order cannot mix them up.
    """
    axis = unit(end - start)
    up = across(np.array([0.0, 0.0, 1.0]), axis)
    side = cross(axis, up)
    angles = np.arange(sides) * 2.0 * math.pi / sides
    circle = np.cos(angles)[:, None] * up + np.sin(angles)[:, None] * side
    dark: Colour = (colour[0] * 0.55, colour[1] * 0.55, colour[2] * 0.55)
    # outline from the bore on one side over the rim to the bore on the other: place, radius, colour of the band before
    inner = (0.026, 0.058, 0.140, PLATE_RADIUS)
    bands = (STEEL, dark, colour)
    outline = [(start, r) for r in inner] + [(end, r) for r in reversed(inner)]
    colours = [*bands, colour, *reversed(bands)]
    vertices = np.concatenate([place + radius * circle for place, radius in outline])
    faces = [
        [r * sides + i, r * sides + (i + 1) % sides, (r + 1) * sides + (i + 1) % sides, (r + 1) * sides + i]
        for r in range(len(outline) - 1)
        for i in range(sides)
    ]
    shades = np.repeat(np.array(colours, dtype=np.float64), sides, axis=0)
    return Mesh(vertices, np.array(faces), shades)


class Dumbbells(Equipment):
    """A hexagonal dumbbell in each fist.

    Attributes:
        mass: of each, kg.
    """

    def __init__(self, athlete: Athlete, share: float) -> None:
        """Two dumbbells of whole kilograms.

        Args:
            athlete: who holds them.
            share: of the athlete's mass that each weighs.
        """
        self._hands = Hands(athlete)
        self._frames = [grip_frame(athlete, side) for side in "lr"]
        self.mass = float(max(1, round(share * athlete.mass)))
        # heads of cast iron: as long as they are thick
        volume = self.mass / 2.0 / _IRON_DENSITY
        self._radius = (volume / (2.0 * math.pi)) ** (1.0 / 3.0)

    def weights(self, transforms: BoneTransforms) -> list[Weight]:
        return [
            Weight(self.mass, grip, (f"grip_{side}",))
            for side, grip in zip("lr", self._hands.at(transforms), strict=True)
        ]

    def props(self, transforms: BoneTransforms, place: Place) -> Mesh:
        meshes = []
        grips, turns = self._hands.at(transforms), self._hands.turned(transforms)
        for grip, turn, own in zip(grips, turns, self._frames, strict=True):
            along = (turn @ own)[:, 0]
            meshes.append(cylinder(grip - along * 0.07, grip + along * 0.07, BAR_RADIUS, CHROME, 8, 3))
            for out in (-along, along):
                inner = grip + out * _HANDLE_HALF
                meshes.append(cylinder(inner, inner + out * 2.0 * self._radius, self._radius, DARK, 6, 2))
        return Mesh.join(meshes)


class Kettlebell(Equipment):
    """A cast-iron kettlebell in both hands.

    Attributes:
        mass: kg.
        radius: of the bell, m.
        drop: from the middle of the handle to the centre of the bell, m.
    """

    HANDLE = 0.0165
    """Radius of the handle, m."""

    def __init__(self, athlete: Athlete, share: float, by_horns: bool = False) -> None:
        """A bell of whole kilograms.

        Args:
            athlete: who holds it.
            share: of the athlete's mass.
            by_horns: held upright by the sides of the handle, as for goblet squats; else by its top.
        """
        self._hands = Hands(athlete)
        self._shoulders = [athlete.bone_index[f"upperarm_{side}"] for side in "lr"]
        self._by_horns = by_horns
        self.mass = float(max(4, round(share * athlete.mass)))
        self.radius = bell_radius(self.mass)
        self.drop = self.radius + (0.030 if by_horns else 0.052)

    def _frame(self, transforms: BoneTransforms) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Middle between the fists, unit vectors from right to left and from the handle to the bell."""
        left, right = self._hands.at(transforms)
        middle, along = (left + right) / 2.0, unit(left - right)
        # a swinging bell pulls the arms straight: it lies in their line
        arms = unit(middle - transforms.heads[self._shoulders].mean(0))
        down = np.array([0.0, 0.0, -1.0]) if self._by_horns else arms
        return middle, along, across(down, along)

    def weights(self, transforms: BoneTransforms) -> list[Weight]:
        middle, _, down = self._frame(transforms)
        return [Weight(self.mass, middle + down * self.drop, ("grip_l", "grip_r"))]

    def props(self, transforms: BoneTransforms, place: Place) -> Mesh:
        middle, along, down = self._frame(transforms)
        left, right = self._hands.at(transforms)
        centre = middle + down * self.drop
        iron: Colour = (50.0, 46.0, 44.0)
        meshes = [
            ellipsoid(centre, self.radius * np.stack([along, cross(down, along), down], 1), iron, 20, 14),
            cylinder(
                centre + down * 0.80 * self.radius,
                centre + down * 0.97 * self.radius,
                0.62 * self.radius,
                DARK,
                18,
            ),
            # a coloured ring under the handle, as bells are marked by mass
            cylinder(
                centre - down * 0.90 * self.radius,
                centre - down * 0.72 * self.radius,
                0.55 * self.radius,
                _RING,
                18,
            ),
        ]
        if self._by_horns:
            # the horns run through the fists and meet in the handle over them
            half = float(np.linalg.norm(left - right)) / 2.0
            arch = [(half * 0.80, 0.045), (half, 0.0), (half, -0.045), (half * 0.70, -0.072), (0.0, -0.078)]
        else:
            half = 0.088
            arch = [
                (half * 0.74, 0.060),
                (half * 1.02, 0.026),
                (half * 0.86, 0.003),
                (half * 0.6, 0.0),
                (0.0, 0.0),
            ]
        for side in (-1.0, 1.0):
            points = [middle + along * side * out + down * depth for out, depth in arch]
            for a, b in itertools.pairwise(points):
                # drawn a little longer, so that the pieces close at the bends
                over = unit(b - a) * 0.006
                meshes.append(cylinder(a - over, b + over, self.HANDLE, STEEL, 10, 2))
        return Mesh.join(meshes)


_RING: Colour = (60.0, 130.0, 190.0)


def bell_radius(mass: float) -> float:
    """Radius of a cast-iron kettlebell, m: a ball of 7,200 kg/m3, a tenth wider for its flat base and its hollow."""
    return float(1.10 * (mass / 7200.0 * 3.0 / (4.0 * math.pi)) ** (1.0 / 3.0))
