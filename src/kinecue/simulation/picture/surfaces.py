"""Surfaces in the gym frame, lit, and which of their faces a camera sees."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.picture.actors import Actor
from kinecue.simulation.picture.lens import View
from kinecue.simulation.picture.lights import Light
from kinecue.simulation.picture.scene import Mirror
from kinecue.simulation.picture.solids import Mesh

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]

Columns = tuple[IntArray, IntArray, IntArray, IntArray]
Window = tuple[int, int, int, int]
"""First column and row, and those after the last, px."""

_REACH_OF_BODY = 0.25
"""Flesh is at most this far from where a bone turns, m."""
_DETAIL_PIXELS = 1.25
"""Details smaller than this are left out, px."""
_REACH = 0.75
"""A face that spans more than this share of the picture is so close to the camera that it would smear."""


@dataclass(frozen=True)
class Surface:
    """A posed and lit mesh.

    Attributes:
        points: (3, V) gym frame, m.
        faces: (F, 4).
        nearer: (F,) or one number: what painter's order takes off the distance, m.
        colours: (F, 3) blue, green, red, lit, 0 to 255.
        columns: the columns of `faces`, each contiguous.
    """

    points: Float32Array
    faces: IntArray
    nearer: Float32Array
    colours: Float32Array
    columns: Columns

    @staticmethod
    def of_actor(actor: Actor, light: Light, view: View, detail: float) -> Surface:
        """A person without details smaller than about `detail`, m."""
        mesh = actor.mesh.for_detail(detail)
        points, normals = mesh.posed(actor.transforms)
        columns = mesh.corner_columns
        level = _mean(light.brightness(points, normals), columns)
        shine = _mean(light.highlight(points, normals, view.centre), columns) * mesh.gloss * np.float32(255.0)
        tint = np.array(light.colour, dtype=np.float32)
        colours = (mesh.colours * level[:, None] + shine[:, None]) * tint
        return Surface(points, mesh.faces, mesh.nearer, np.clip(colours, 0.0, 255.0), columns)

    @staticmethod
    def of_mesh(mesh: Mesh, light: Light) -> Surface:
        """A thing."""
        middle, normals = mesh.vertices[mesh.faces].mean(1), mesh.face_normals()
        level = light.brightness(middle.T, normals.T)[:, None] * np.array(light.colour)
        colours = np.clip(mesh.colours * level, 0.0, 255.0).astype(np.float32)
        points = np.ascontiguousarray(mesh.vertices.T, dtype=np.float32)
        nearer = np.zeros(len(mesh.faces), dtype=np.float32)
        return Surface(points, mesh.faces, nearer, colours, _columns(mesh.faces))

    def matches(self, other: Surface) -> bool:
        """Whether another surface is this one at another time."""
        return self.points.shape == other.points.shape and self.faces.shape == other.faces.shape

    def between(self, other: Surface, share: float) -> Surface:
        """On the straight way to where the same surface is later; `share` 0 is here, 1 is there."""
        if share == 0.0 or other is self:
            return self
        points = self.points + np.float32(share) * (other.points - self.points)
        return replace(self, points=points)

    def motion(self, other: Surface, view: View) -> float:
        """Longest way that a vertex moves in the picture to where the same surface is later, px."""
        here, there = (np.stack(_pixels(s.points, view)[:2]) for s in (self, other))
        way = np.hypot(*(there - here))
        inside = (here[0] > 0) & (here[0] < view.width) & (here[1] > 0) & (here[1] < view.height)
        way = way[inside & np.isfinite(way)]
        return float(way.max()) if len(way) else 0.0

    def reflected(self, mirror: Mirror) -> Surface:
        """What a mirror shows: everything ahead of it, the other way round and a little darker."""
        points = np.ascontiguousarray(mirror.reflected(self.points.T.astype(np.float64)).T, dtype=np.float32)
        ahead = mirror.distance(self.points.T.astype(np.float64)) > 0.0
        keep = ahead[self.faces].all(1)
        faces = self.faces[keep, ::-1]
        colours = self.colours[keep] * np.float32(mirror.reflectance)
        return Surface(points, faces, self.nearer[keep], colours, _columns(faces))


@dataclass(frozen=True)
class Faces:
    """Faces that a camera sees.

    Attributes:
        corners: (N, 4, 2) px.
        distance: (N,) for painter's order, m.
        depth: (N,) from the camera, m.
        colours: (N, 3) blue, green, red.
        box: left, top, right, bottom of them all, px; None if there are none.
    """

    corners: Float32Array
    distance: Float32Array
    depth: Float32Array
    colours: Float32Array
    box: tuple[float, float, float, float] | None = None

    @staticmethod
    def join(parts: list[Faces]) -> Faces:
        """All faces of several surfaces."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            none = np.zeros(0, dtype=np.float32)
            return Faces(
                np.zeros((0, 4, 2), dtype=np.float32), none, none, np.zeros((0, 3), dtype=np.float32)
            )
        return Faces(
            np.concatenate([p.corners for p in parts]),
            np.concatenate([p.distance for p in parts]),
            np.concatenate([p.depth for p in parts]),
            np.concatenate([p.colours for p in parts]),
        )


def _pixels(points: Float32Array, view: View) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Column, row and distance of points (3, V); NaN where the lens does not see them."""
    local = points - view.centre.astype(np.float32)[:, None]
    x, y, z = view.rotation.astype(np.float32) @ local
    u, v = view.project_optical(x, y, z)
    return u, v, np.sqrt((local * local).sum(0))


def visible_detail(actor: Actor, view: View) -> float:
    """Size of what a camera can just not see of a person, m: it costs time and shows nothing."""
    nearest = float(np.min(np.linalg.norm(actor.transforms.heads - view.centre, axis=1)))
    return _DETAIL_PIXELS * max(nearest - _REACH_OF_BODY, 0.0) / view.model.fx


def faces_seen(surface: Surface, view: View, window: Window | None = None) -> Faces:
    """The faces that look towards the camera and touch its picture, or a window of it.

    A face with a corner behind the camera or beyond the lens is left out.
    """
    left, top, right, bottom = (0, 0, view.width, view.height) if window is None else window
    u, v, distance = _pixels(surface.points, view)
    i, j, k, m = surface.columns
    # a face towards the camera runs anticlockwise, which is a negative area where v points down; NaN is not
    area: Float32Array = (u[k] - u[i]) * (v[m] - v[j]) - (v[k] - v[i]) * (u[m] - u[j])
    seen = np.where(area < 0.0)[0]
    corners = np.stack([u, v], 1)[surface.faces[seen]]
    a, b, c, d = (corners[:, n] for n in range(4))
    low, high = np.minimum(np.minimum(a, b), np.minimum(c, d)), np.maximum(np.maximum(a, b), np.maximum(c, d))
    limit = np.float32(_REACH * max(view.width, view.height))
    inside = (high[:, 0] > left - 1) & (high[:, 1] > top - 1) & (low[:, 0] < right) & (low[:, 1] < bottom)
    inside &= (high[:, 0] - low[:, 0] < limit) & (high[:, 1] - low[:, 1] < limit)
    if not inside.all():
        seen, corners, low, high = seen[inside], corners[inside], low[inside], high[inside]
    depth = (distance[i[seen]] + distance[j[seen]] + distance[k[seen]] + distance[m[seen]]) * np.float32(0.25)
    box = None
    if len(seen):
        box = float(low[:, 0].min()), float(low[:, 1].min()), float(high[:, 0].max()), float(high[:, 1].max())
    return Faces(corners, depth - surface.nearer[seen], depth, surface.colours[seen], box)


def _columns(faces: IntArray) -> Columns:
    a, b, c, d = np.ascontiguousarray(faces.T)
    return a, b, c, d


def _mean(values: Float32Array, columns: Columns) -> Float32Array:
    """(F,) mean of a quantity (V,) over each face's corners."""
    a, b, c, d = columns
    result: Float32Array = (values[a] + values[b] + values[c] + values[d]) * np.float32(0.25)
    return result
