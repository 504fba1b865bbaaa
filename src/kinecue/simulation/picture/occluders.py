"""Things of a gym that stand in the way: how they look, and what they hide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.picture.solids import Colour, Mesh, box, cylinder
from kinecue.simulation.rotations import yaw

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Point = tuple[float, float, float]

_STEEL: Colour = (92.0, 86.0, 82.0)
_DARK: Colour = (52.0, 49.0, 47.0)
_PAD: Colour = (44.0, 40.0, 40.0)
_CHROME: Colour = (190.0, 190.0, 186.0)
_RED: Colour = (52.0, 48.0, 168.0)
_BLUE: Colour = (150.0, 92.0, 40.0)


@dataclass(frozen=True)
class Block:
    """A box for ray tests.

    Attributes:
        centre: (3,), m.
        half: (3,) half of its sides, m.
        axes: (3, 3) rows are the directions of its sides.
    """

    centre: FloatArray
    half: FloatArray
    axes: FloatArray

    def hides(self, eye: FloatArray, points: FloatArray) -> BoolArray:
        """(N,) whether the line from `eye` (3,) to each point (N, 3) passes through the box."""
        start = self.axes @ (eye - self.centre)
        ray = (points - eye) @ self.axes.T
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (-self.half - start) / ray, (self.half - start) / ray
        # a line within the plane of a side gives 0/0, which must not decide
        near = np.fmin(a, b).max(1, initial=0.0, where=~np.isnan(a))
        far = np.fmax(a, b).min(1, initial=1.0, where=~np.isnan(a))
        parallel = (np.abs(ray) < 1e-12) & (np.abs(start) > self.half)
        result: BoolArray = (near < far) & ~parallel.any(1)
        return result

    def moved(self, rotation: FloatArray, translation: FloatArray) -> Block:
        """The same box elsewhere: every point x becomes ``rotation @ x + translation``."""
        return Block(rotation @ self.centre + translation, self.half, self.axes @ rotation.T)


@dataclass(frozen=True)
class Rod:
    """A closed cylinder for ray tests, from `start` (3,) to `end` (3,) with `radius`, m."""

    start: FloatArray
    end: FloatArray
    radius: float

    def hides(self, eye: FloatArray, points: FloatArray) -> BoolArray:
        """(N,) whether the line from `eye` (3,) to each point (N, 3) passes through the cylinder."""
        length = float(np.linalg.norm(self.end - self.start))
        axis = (self.end - self.start) / length
        ray = points - eye
        offset = eye - self.start
        along, start_along = ray @ axis, float(offset @ axis)
        across, start_across = ray - along[:, None] * axis, offset - start_along * axis
        a = (across * across).sum(1)
        b = across @ start_across
        c = float(start_across @ start_across) - self.radius**2
        inside = b * b - a * c
        root = np.sqrt(np.maximum(inside, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            side = np.where(a > 1e-15, (-b - root) / a, -np.inf), np.where(a > 1e-15, (-b + root) / a, np.inf)
            ends = (0.0 - start_along) / along, (length - start_along) / along
        level = np.abs(along) < 1e-12
        low = np.where(level, -np.inf, np.minimum(*ends))
        high = np.where(level, np.inf, np.maximum(*ends))
        missed = (inside < 0.0) | ((a <= 1e-15) & (c > 0.0)) | (level & (not 0.0 <= start_along <= length))
        near = np.maximum(np.maximum(side[0], low), 0.0)
        far = np.minimum(np.minimum(side[1], high), 1.0)
        result: BoolArray = (near < far) & ~missed
        return result

    def moved(self, rotation: FloatArray, translation: FloatArray) -> Rod:
        """The same cylinder elsewhere: every point x becomes ``rotation @ x + translation``."""
        return Rod(rotation @ self.start + translation, rotation @ self.end + translation, self.radius)


@dataclass(frozen=True)
class Occluder:
    """A thing that can hide the athlete.

    Attributes:
        name: what it is.
        mesh: how it looks.
        solids: its shape for ray tests.
    """

    name: str
    mesh: Mesh
    solids: tuple[Block | Rod, ...]

    def placed(self, x: float, y: float, turn: float = 0.0) -> Occluder:
        """Turned about its own origin (`turn`, rad) and put at x, y on the floor (m)."""
        rotation, translation = yaw(turn), np.array([x, y, 0.0])
        return replace(
            self,
            mesh=self.mesh.moved(rotation, translation),
            solids=tuple(s.moved(rotation, translation) for s in self.solids),
        )

    def occluded(self, camera_centre: FloatArray, points: FloatArray) -> BoolArray:
        """(N,) which points (N, 3) it hides from a camera at `camera_centre` (3,), gym frame, m."""
        points = np.asarray(points, dtype=np.float64)
        hidden: BoolArray = np.zeros(len(points), dtype=bool)
        for solid in self.solids:
            hidden |= solid.hides(np.asarray(camera_centre, dtype=np.float64), points)
        return hidden


class _Builder:
    """Collects parts as mesh and as solids."""

    def __init__(self) -> None:
        self.meshes: list[Mesh] = []
        self.solids: list[Block | Rod] = []

    def block(self, centre: Point, size: Point, colour: Colour, cells: int = 1) -> _Builder:
        self.meshes.append(box(centre, size, colour, cells))
        self.solids.append(Block(np.array(centre), np.array(size) / 2.0, np.eye(3)))
        return self

    def rod(self, start: Point, end: Point, radius: float, colour: Colour, sides: int = 12) -> _Builder:
        a, b = np.array(start), np.array(end)
        self.meshes.append(cylinder(a, b, radius, colour, sides))
        self.solids.append(Rod(a, b, radius))
        return self

    def plate(self, centre: Point, thickness: float, radius: float, colour: Colour) -> _Builder:
        """A weight plate or pulley whose axis is y."""
        half = np.array([0.0, thickness / 2.0, 0.0])
        a, b = np.array(centre) - half, np.array(centre) + half
        self.meshes.append(cylinder(a, b, radius, colour, 24))
        hub = 0.2 * radius
        self.meshes.append(cylinder(a - 0.1 * half, b + 0.1 * half, hub, _CHROME, 12))
        self.solids.append(Rod(a, b, radius))
        return self

    def done(self, name: str) -> Occluder:
        return Occluder(name, Mesh.join(self.meshes), tuple(self.solids))


def bench() -> Occluder:
    """A flat bench, 1.2 m long along x, 0.44 m high."""
    b = _Builder()
    b.block((0.0, 0.0, 0.405), (1.20, 0.28, 0.07), _PAD)
    b.block((0.0, 0.0, 0.35), (1.05, 0.06, 0.05), _RED)
    for x in (-0.48, 0.48):
        b.block((x, 0.0, 0.18), (0.06, 0.06, 0.32), _STEEL)
        b.block((x, 0.0, 0.025), (0.07, 0.50, 0.05), _STEEL)
    return b.done("bench")


def barbell_rack() -> Occluder:
    """A barbell with plates across (along y) at 1.15 m in two uprights."""
    b = _Builder()
    for y in (-0.52, 0.52):
        b.block((0.0, y, 0.70), (0.07, 0.07, 1.40), _STEEL)
        b.block((0.0, y, 0.03), (0.60, 0.07, 0.06), _STEEL)
        b.block((0.065, y, 1.11), (0.07, 0.05, 0.05), _DARK)
    b.block((0.0, 0.0, 0.06), (0.06, 1.0, 0.06), _STEEL)
    b.rod((0.065, -1.10, 1.15), (0.065, 1.10, 1.15), 0.014, _CHROME)
    for side in (-1.0, 1.0):
        b.plate((0.065, side * 0.70, 1.15), 0.045, 0.225, _DARK)
        b.plate((0.065, side * 0.75, 1.15), 0.040, 0.20, _RED)
    return b.done("barbell_rack")


def cable_column() -> Occluder:
    """A cable machine's column with its weight stack, 2.1 m high, facing +x."""
    b = _Builder()
    b.block((-0.15, 0.0, 0.04), (0.60, 0.50, 0.08), _DARK)
    b.block((-0.25, 0.0, 0.75), (0.16, 0.34, 0.80), _DARK)
    for k in range(7):
        b.block((-0.165, 0.0, 0.42 + 0.105 * k), (0.012, 0.30, 0.085), _STEEL)
    b.block((-0.25, 0.0, 2.05), (0.30, 0.40, 0.10), _STEEL)
    for y in (-0.18, 0.18):
        b.block((-0.25, y, 1.05), (0.07, 0.05, 1.95), _STEEL)
    b.block((-0.02, 0.0, 1.05), (0.05, 0.08, 1.95), _CHROME)
    b.block((0.02, 0.0, 1.20), (0.09, 0.12, 0.16), _RED)
    b.plate((0.09, 0.0, 1.20), 0.03, 0.055, _DARK)
    return b.done("cable_column")


def plyo_box() -> Occluder:
    """A wooden jump box, 0.6 m high."""
    return _Builder().block((0.0, 0.0, 0.30), (0.50, 0.75, 0.60), (96.0, 140.0, 176.0)).done("plyo_box")


OCCLUDERS: dict[str, Callable[[], Occluder]] = {
    f.__name__: f for f in (bench, barbell_rack, cable_column, plyo_box)
}
"""What can stand in the way, by name; each at the origin, to be `placed`."""
