"""Meshes of boxes, cylinders and ellipsoids: gym furniture, the bar, a ponytail. Metres, quads outward."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.rotations import unit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Colour = tuple[float, float, float]
"""Blue, green, red, each 0 to 255: OpenCV's order."""


@dataclass(frozen=True)
class Mesh:
    """Quads with a colour each.

    Attributes:
        vertices: (V, 3), m.
        faces: (F, 4) indices; a triangle repeats its last corner.
        colours: (F, 3) blue, green, red, 0 to 255.
    """

    vertices: FloatArray
    faces: IntArray
    colours: FloatArray

    @staticmethod
    def join(meshes: list[Mesh]) -> Mesh:
        """One mesh of several; empty if there are none."""
        if not meshes:
            return Mesh(np.zeros((0, 3)), np.zeros((0, 4), dtype=np.int64), np.zeros((0, 3)))
        starts = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
        return Mesh(
            np.concatenate([m.vertices for m in meshes]),
            np.concatenate([m.faces + s for m, s in zip(meshes, starts, strict=True)]),
            np.concatenate([m.colours for m in meshes]),
        )

    def moved(self, rotation: FloatArray, translation: FloatArray) -> Mesh:
        """The same mesh elsewhere: every point x becomes ``rotation @ x + translation``."""
        return Mesh(self.vertices @ rotation.T + translation, self.faces, self.colours)

    def face_normals(self) -> FloatArray:
        """(F, 3) unit normals; the zero vector for a degenerate face."""
        a, b, c, d = (self.vertices[self.faces[:, i]] for i in range(4))
        normals = np.cross(c - a, d - b)
        degenerate = np.where(self.faces[:, 2] == self.faces[:, 3])[0]
        normals[degenerate] = np.cross((b - a)[degenerate], (c - a)[degenerate])
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        result: FloatArray = normals / np.maximum(length, 1e-12)
        return result


def box(
    centre: tuple[float, float, float], size: tuple[float, float, float], colour: Colour, cells: int = 1
) -> Mesh:
    """An axis-aligned box; every side is cells x cells quads, so that painter's order holds."""
    vertices: list[FloatArray] = []
    faces: list[list[int]] = []
    half = np.array(size) / 2.0
    ticks = np.linspace(-1.0, 1.0, cells + 1)
    for axis in range(3):
        for sign in (-1.0, 1.0):
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
            if sign < 0:
                u, v = v, u
            for i in range(cells):
                for j in range(cells):
                    start = len(vertices)
                    corners = ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
                    for a, b in corners:
                        vertices.append((sign * np.eye(3)[axis] + ticks[a] * u + ticks[b] * v) * half)
                    faces.append([start, start + 1, start + 2, start + 3])
    return Mesh(
        np.array(vertices) + centre,
        np.array(faces),
        np.tile(np.array(colour, dtype=np.float64), (len(faces), 1)),
    )


def cylinder(
    start: FloatArray, end: FloatArray, radius: float, colour: Colour, sides: int = 10, rings: int = 1
) -> Mesh:
    """A closed cylinder from `start` to `end`, cut into `rings` along its length."""
    axis = unit(end - start)
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    u = unit(np.cross(axis, helper))
    v = np.cross(axis, u)
    angles = np.arange(sides) * 2.0 * math.pi / sides
    ring = radius * (np.cos(angles)[:, None] * u + np.sin(angles)[:, None] * v)
    vertices = np.concatenate([start + (end - start) * t + ring for t in np.linspace(0.0, 1.0, rings + 1)])
    faces = [
        [r * sides + i, r * sides + (i + 1) % sides, (r + 1) * sides + (i + 1) % sides, (r + 1) * sides + i]
        for r in range(rings)
        for i in range(sides)
    ]
    first, last = len(vertices), len(vertices) + 1
    top = rings * sides
    faces += [[first, (i + 1) % sides, i, i] for i in range(sides)]
    faces += [[last, top + i, top + (i + 1) % sides, top + (i + 1) % sides] for i in range(sides)]
    vertices = np.concatenate([vertices, [start, end]])
    return Mesh(vertices, np.array(faces), np.tile(np.array(colour, dtype=np.float64), (len(faces), 1)))


def ellipsoid(centre: FloatArray, axes: FloatArray, colour: Colour, sides: int = 10, rings: int = 7) -> Mesh:
    """An ellipsoid whose half-axes are the columns of `axes` (3, 3), right-handed."""
    polar = np.linspace(0.0, math.pi, rings + 1)
    round_ = np.arange(sides) * 2.0 * math.pi / sides
    points = np.array(
        [[math.sin(p) * math.cos(a), math.sin(p) * math.sin(a), math.cos(p)] for p in polar for a in round_]
    )
    faces = [
        [r * sides + i, (r + 1) * sides + i, (r + 1) * sides + (i + 1) % sides, r * sides + (i + 1) % sides]
        for r in range(rings)
        for i in range(sides)
    ]
    return Mesh(
        points @ axes.T + centre,
        np.array(faces),
        np.tile(np.array(colour, dtype=np.float64), (len(faces), 1)),
    )
