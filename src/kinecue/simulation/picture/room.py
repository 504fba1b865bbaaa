"""Paints the empty room once per camera, by one ray per sample: exact for every lens, with depth and mirrors."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.picture.furniture import PIXELS_PER_METRE, Walls, floor_paint, furniture
from kinecue.simulation.picture.lens import View
from kinecue.simulation.picture.scene import Mirror, Scene
from kinecue.simulation.picture.shadows import FloorShadow
from kinecue.simulation.picture.solids import Mesh

FloatArray = NDArray[np.float64]
FloatImage = NDArray[np.float32]
Image = NDArray[np.uint8]

_BAND = 96
"""Rows that are traced at a time."""
_FLOOR, _CEILING, _BACK, _FRONT, _LEFT, _RIGHT = range(6)
_CEILING_PAINT = (225.0, 226.0, 224.0)
_NOWHERE = -1e6
_EDGE_STEPS = np.linspace(0.0, 1.0, 5)[:-1]


@dataclass(frozen=True)
class Backdrop:
    """What a camera sees of the empty room; (H, W) samples, several to a pixel.

    Attributes:
        image: (H, W, 3) blue, green, red.
        depth: (H, W) way of the light from the camera, mirrors included, m.
        solid: (H, W) whether furniture is seen rather than the room or nothing.
        mirror: (H, W) number of the mirror that is seen, -1 for none.
        floor_x, floor_y: (h, w), per pixel, gym frame, m; far away where no floor is seen.
    """

    image: Image
    depth: FloatImage
    solid: NDArray[np.bool_]
    mirror: NDArray[np.int8]
    floor_x: FloatImage
    floor_y: FloatImage


class Room:
    """Paints a scene through a camera."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._walls = Walls(scene)
        things = [furniture(scene.bounds), *(o.mesh for o in scene.occluders), *scene.extra]
        self.things = Mesh.join(things)
        self._shadow = FloorShadow(scene.bounds, scene.light).static(self.things)

    def backdrop(self, view: View, supersampling: int) -> Backdrop:
        """The empty room, `supersampling` squared samples to a pixel."""
        s = supersampling
        height, width = view.height * s, view.width * s
        image: Image = np.zeros((height, width, 3), dtype=np.uint8)
        depth: FloatImage = np.zeros((height, width), dtype=np.float32)
        mirror: NDArray[np.int8] = np.full((height, width), -1, dtype=np.int8)
        rays: FloatImage = np.zeros((height, width, 3), dtype=np.float32)
        u = (np.arange(width) + 0.5) / s - 0.5
        for top in range(0, height, _BAND):
            rows = slice(top, min(top + _BAND, height))
            v = (np.arange(rows.start, rows.stop) + 0.5) / s - 0.5
            exact = view.rays(np.stack(np.meshgrid(u, v), -1))
            rays[rows] = exact
            image[rows], depth[rows], mirror[rows] = self._trace(view.centre, exact)
        solid = self._draw_things(view, s, image, depth, mirror, rays)
        x, y = self._floor_seen(view, solid[s // 2 :: s, s // 2 :: s])
        return Backdrop(image, depth, solid, mirror, x, y)

    def _trace(self, origin: FloatArray, rays: FloatArray) -> tuple[Image, FloatImage, NDArray[np.int8]]:
        origins = np.broadcast_to(origin, rays.shape)
        colour, reach, _ = self._surfaces(origins, rays)
        mirror: NDArray[np.int8] = np.full(rays.shape[:2], -1, dtype=np.int8)
        nearest = reach.copy()
        for i, glass in enumerate(self._scene.mirrors):
            distance, seen = _meets(glass, origin, rays, nearest)
            if not seen.any():
                continue
            nearest[seen] = distance[seen]
            mirror[seen] = i
            hit = origins + rays * np.where(seen, distance, 0.0)[..., None]
            back = rays - 2.0 * (rays @ glass.normal)[..., None] * glass.normal
            other, further, _ = self._surfaces(hit, back)
            colour[seen] = other[seen] * glass.reflectance
            reach[seen] = distance[seen] + further[seen]
        picture: Image = np.clip(colour, 0, 255).astype(np.uint8)
        return picture, reach.astype(np.float32), mirror

    def _surfaces(
        self, origins: FloatArray, rays: FloatArray
    ) -> tuple[FloatImage, FloatArray, NDArray[np.int64]]:
        """Colour where each ray leaves the room, its length, and which surface it meets.

        A wall is seen from inside only, so that a camera outside of the room looks through it.
        """
        b = self._scene.bounds
        reach = np.full((*rays.shape[:2], 6), np.inf)
        planes = (
            (_FLOOR, 2, -1, 0.0),
            (_CEILING, 2, 1, b.ceiling),
            (_BACK, 0, 1, b.back),
            (_FRONT, 0, -1, b.front),
            (_LEFT, 1, 1, b.left),
            (_RIGHT, 1, -1, b.right),
        )
        for which, axis, sign, at in planes:
            along, start = rays[..., axis], origins[..., axis]
            with np.errstate(divide="ignore", invalid="ignore"):
                length = (at - start) / along
            leaving = (sign * along > 0.0) & (sign * (at - start) > -1e-9)
            reach[..., which] = np.where(leaving, np.maximum(length, 0.0), np.inf)
        which = np.argmin(reach, -1)
        length = np.minimum(np.min(reach, -1), 100.0)
        hit = origins + np.nan_to_num(rays) * length[..., None]
        paint = np.zeros((*rays.shape[:2], 3), dtype=np.float32)
        normals = np.zeros(rays.shape)
        down = b.ceiling - hit[..., 2]
        walls = self._walls
        sources = (
            (_FLOOR, None, None, None),
            (_CEILING, None, None, None),
            (_BACK, walls.back, down, b.left - hit[..., 1]),
            (_FRONT, walls.front, down, hit[..., 1] - b.right),
            (_LEFT, walls.left, down, hit[..., 0] - b.front),
            (_RIGHT, walls.right, down, b.back - hit[..., 0]),
        )
        for (index, axis, sign, _), (_, texture, rows, columns) in zip(planes, sources, strict=True):
            mask = which == index
            if not mask.any():
                continue
            normals[mask, axis] = -sign
            if index == _CEILING:
                paint[mask] = _CEILING_PAINT
            elif index == _FLOOR:
                texture = floor_paint(self._scene.seed, self._scene.spot, b)
                x, y = hit[..., 0] - b.front, hit[..., 1] - b.right
                shade = FloorShadow.sampled(self._shadow, x, y)
                paint[mask] = (_sample(texture, x, y) * shade[..., None])[mask]
            elif texture is not None and rows is not None and columns is not None:
                paint[mask] = _sample(texture, rows, columns)[mask]
        light = self._scene.light
        level = light.brightness(np.moveaxis(hit, -1, 0), np.moveaxis(normals, -1, 0))
        # corners are darker, because less of the room shines into them
        edges = np.stack(
            [
                hit[..., 2],
                down,
                b.back - hit[..., 0],
                hit[..., 0] - b.front,
                b.left - hit[..., 1],
                hit[..., 1] - b.right,
            ],
            -1,
        )
        second = np.partition(np.abs(edges), 1, -1)[..., 1]
        level = level * (1.0 - 0.28 * np.exp(-second / 0.28))
        paint *= (level[..., None] * np.array(light.colour)).astype(np.float32)
        return paint, length, which

    def _draw_things(
        self,
        view: View,
        supersampling: int,
        image: Image,
        depth: FloatImage,
        mirror: NDArray[np.int8],
        rays: FloatImage,
    ) -> NDArray[np.bool_]:
        """Furniture over the room, by depth; first what the mirrors show of it."""
        mesh, light = self.things, self._scene.light
        middle, normals = mesh.vertices[mesh.faces].mean(1), mesh.face_normals()
        colours = mesh.colours * light.brightness(middle.T, normals.T)[:, None] * np.array(light.colour)
        solid: NDArray[np.bool_] = np.zeros(depth.shape, dtype=bool)
        for i, glass in enumerate(self._scene.mirrors):
            virtual = Mesh(
                glass.reflected(mesh.vertices), mesh.faces[:, [3, 2, 1, 0]], colours * glass.reflectance
            )
            virtual = _first_corner_double(virtual)
            self._raster(view, supersampling, virtual, rays, image, depth, solid, mirror == i)
        # for what stands before a mirror the glass counts, not the room in it; what is behind it is not there
        shield = depth.copy()
        for i, glass in enumerate(self._scene.mirrors):
            seen = mirror == i
            distance, _ = _meets(glass, view.centre, rays.astype(np.float64), np.full(depth.shape, np.inf))
            shield[seen] = distance[seen]
        direct: NDArray[np.bool_] = np.zeros(depth.shape, dtype=bool)
        self._raster(
            view, supersampling, Mesh(mesh.vertices, mesh.faces, colours), rays, image, shield, direct, None
        )
        depth[direct] = shield[direct]
        mirror[direct] = -1
        return solid | direct

    @staticmethod
    def _raster(
        view: View,
        supersampling: int,
        mesh: Mesh,
        rays: FloatImage,
        image: Image,
        depth: FloatImage,
        solid: NDArray[np.bool_],
        allowed: NDArray[np.bool_] | None,
    ) -> None:
        """Paint a mesh by testing the rays against each face: no error from lens or near plane."""
        if allowed is not None and not allowed.any():
            return
        height, width = depth.shape
        corners = mesh.vertices[mesh.faces] - view.centre
        facing = mesh.face_normals()
        offset = (facing * corners[:, 0]).sum(1)
        sides = np.cross(corners, np.roll(corners, -1, axis=1))
        steps = np.roll(corners, -1, axis=1) - corners
        rim = corners[:, :, None] + _EDGE_STEPS[:, None] * steps[:, :, None]
        pixels = view.project(rim.reshape(len(corners), -1, 3) + view.centre) + 0.5
        colours = np.clip(mesh.colours, 0, 255).astype(np.uint8)
        for i in np.where(offset < -1e-9)[0]:
            known = np.isfinite(pixels[i]).all(1)
            if not known.any() and (rim[i].reshape(-1, 3) @ view.rotation[2] < 0.0).all():
                continue
            low, high = (0.0, 0.0), (float(width), float(height))
            if known.all():
                low = tuple(pixels[i].min(0) * supersampling - 3.0)
                high = tuple(pixels[i].max(0) * supersampling + 3.0)
            left, right = max(int(low[0]), 0), min(int(high[0]) + 1, width)
            top, bottom = max(int(low[1]), 0), min(int(high[1]) + 1, height)
            if left >= right or top >= bottom:
                continue
            window = slice(top, bottom), slice(left, right)
            tests = np.concatenate([sides[i], facing[i][None]]).astype(np.float32)
            values = rays[window] @ tests.T
            with np.errstate(divide="ignore", invalid="ignore"):
                reach = np.float32(offset[i]) / values[..., 4]
            inside = (values[..., :4].max(-1) <= 1e-9) & (values[..., 4] < 0.0) & (reach < depth[window])
            if allowed is not None:
                inside &= allowed[window]
            depth[window][inside] = reach[inside]
            image[window][inside] = colours[i]
            solid[window][inside] = True

    def _floor_seen(self, view: View, solid: NDArray[np.bool_]) -> tuple[FloatImage, FloatImage]:
        u, v = np.arange(view.width), np.arange(view.height)
        rays = view.rays(np.stack(np.meshgrid(u, v), -1).astype(np.float64))
        origins = np.broadcast_to(view.centre, rays.shape).copy()
        nearest = np.full(rays.shape[:2], np.inf)
        for glass in self._scene.mirrors:
            distance, seen = _meets(glass, view.centre, rays, nearest)
            nearest[seen] = distance[seen]
            origins[seen] = view.centre + rays[seen] * distance[seen][:, None]
            rays[seen] = rays[seen] - 2.0 * (rays[seen] @ glass.normal)[:, None] * glass.normal
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(rays[..., 2] < -1e-6, -origins[..., 2] / rays[..., 2], np.nan)
        hit = origins + rays * reach[..., None]
        b = self._scene.bounds
        x, y = hit[..., 0], hit[..., 1]
        on = ~solid & (x > b.front) & (x < b.back) & (y > b.right) & (y < b.left)
        return (
            np.where(on, x, _NOWHERE).astype(np.float32),
            np.where(on, y, _NOWHERE).astype(np.float32),
        )


def _first_corner_double(mesh: Mesh) -> Mesh:
    """Reversed triangles repeat their first corner; put the repeated one last again."""
    faces = mesh.faces.copy()
    turned = faces[:, 0] == faces[:, 1]
    faces[turned] = np.roll(faces[turned], -1, axis=1)
    return Mesh(mesh.vertices, faces, mesh.colours)


def _meets(
    glass: Mirror, origin: FloatArray, rays: FloatArray, nearest: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Way to the mirror's plane along each ray, and whether the mirror is seen there before `nearest`."""
    height = float(glass.distance(origin))
    falling = rays @ glass.normal
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where((falling < -1e-9) & (height > 0.0), -height / falling, np.inf)
    hit = origin + rays * np.where(np.isfinite(distance), distance, 0.0)[..., None] - np.array(glass.corner)
    inside = np.isfinite(distance) & (distance < nearest)
    for edge in (np.array(glass.across), np.array(glass.up)):
        share = (hit @ edge) / float(edge @ edge)
        inside &= (share >= 0.0) & (share <= 1.0)
    return distance, inside


def _sample(texture: Image, rows: FloatArray, columns: FloatArray) -> FloatImage:
    """Texture at positions in metres."""
    mapped = cv2.remap(
        texture,
        (columns * PIXELS_PER_METRE).astype(np.float32),
        (rows * PIXELS_PER_METRE).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    result: FloatImage = mapped.astype(np.float32)
    return result
