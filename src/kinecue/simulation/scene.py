"""The gym: a room with painted walls and some furniture, seen by the camera once per clip."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.simulation.solids import Mesh, box, cylinder

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

PIXELS_PER_METRE = 220
BACK_WALL = 5.6
"""Distance of the wall opposite the camera, m."""
SIDE_WALL = 3.4
"""Distance of the walls left and right, m."""
CEILING = 3.8
KEY_LIGHT = np.array([0.9, 1.9, 2.9])
"""A lamp ahead of and to the left of the camera's view, m."""
FILL_LIGHT = np.array([0.2, -2.2, 2.4])


@dataclass(frozen=True)
class Scene:
    """What stands in the room.

    Attributes:
        seed: of the floor's specks.
        wall, wainscot, accent: colours, blue, green, red.
        spot: (2,) x and y of the middle of the lifting platform, m.
        extra: furniture on top of the usual, base frame.
    """

    seed: int = 0
    wall: tuple[int, int, int] = (196, 202, 205)
    wainscot: tuple[int, int, int] = (96, 86, 78)
    accent: tuple[int, int, int] = (50, 120, 225)
    spot: tuple[float, float] = (3.0, 0.0)
    extra: tuple[Mesh, ...] = ()


def shade(points: FloatArray, normals: FloatArray) -> FloatArray:
    """(...,) brightness of surfaces under the room's lights; about 1 for what faces a lamp."""

    def lambert(lamp: FloatArray) -> FloatArray:
        ray = lamp.astype(points.dtype) - points
        ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
        result: FloatArray = np.clip((normals * ray).sum(-1), 0.0, 1.0)
        return result

    sky = 0.5 + 0.5 * normals[..., 2]
    result: FloatArray = 0.26 + 0.16 * sky + 0.58 * lambert(KEY_LIGHT) + 0.26 * lambert(FILL_LIGHT)
    return result


def draw_mesh(image: Image, mesh: Mesh, camera: CameraModel, supersampling: int) -> None:
    """Paint a static mesh, farthest face first, with flat shading."""
    pixels = (camera.project(mesh.vertices) + 0.5) * supersampling - 0.5
    middle = mesh.vertices[mesh.faces].mean(1)
    normals = mesh.face_normals()
    towards = ((camera.centre - middle) * normals).sum(1) > 0
    distance = np.linalg.norm(middle - camera.centre, axis=1)
    colours = np.clip(mesh.colours * shade(middle, normals)[:, None], 0, 255)
    for i in np.argsort(-distance, kind="stable"):
        corners = pixels[mesh.faces[i]]
        if towards[i] and np.isfinite(corners).all():
            quad = np.round(np.clip(corners, -4000, 8000) * 16).astype(np.int32)
            cv2.fillConvexPoly(image, quad, colours[i].tolist(), cv2.LINE_AA, 4)


@lru_cache(maxsize=4)
def _floor(seed: int, spot: tuple[float, float]) -> Image:
    """Rubber tiles with specks, and a wooden platform under the athlete."""
    rng = np.random.default_rng(seed)
    scale = PIXELS_PER_METRE
    size = (int(BACK_WALL * scale), int(2 * SIDE_WALL * scale))
    image = np.full((*size, 3), (88, 84, 82), dtype=np.float32)
    grain = cv2.GaussianBlur(rng.normal(0.0, 1.0, size).astype(np.float32), (0, 0), 1.5)
    image += 9.0 * grain[..., None]
    specks = cv2.GaussianBlur((rng.random(size) > 0.9985).astype(np.float32), (0, 0), 1.2)
    image += specks[..., None] * np.array([520.0, 420.0, 330.0])
    painted: Image = np.clip(image, 0, 255).astype(np.uint8)
    for k in range(1, 14):
        at = int(k * 0.5 * scale)
        cv2.line(painted, (0, at), (size[1], at), (66, 63, 61), 2)
        cv2.line(painted, (at, 0), (at, size[0]), (66, 63, 61), 2)
    x, y = spot
    top, left = int((x - 0.85) * scale), int((y - 1.15 + SIDE_WALL) * scale)
    bottom, right = int((x + 0.85) * scale), int((y + 1.15 + SIDE_WALL) * scale)
    for i, plank in enumerate(range(left, right, int(0.115 * scale))):
        tone = np.array((112, 152, 186)) * (0.92 + 0.10 * ((i * 7) % 5) / 4)
        cv2.rectangle(
            painted, (plank, top), (min(plank + int(0.115 * scale), right), bottom), tone.tolist(), -1
        )
        cv2.line(painted, (plank, top), (plank, bottom), (84, 118, 146), 1)
    cv2.rectangle(painted, (left, top), (right, bottom), (52, 50, 48), 7)
    return painted


class Room:
    """Paints a scene through a camera."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def background(self, camera: CameraModel, supersampling: int) -> Image:
        """(H * s, W * s, 3) picture of the empty room, blue, green, red."""
        height, width = camera.height * supersampling, camera.width * supersampling
        u = (np.arange(width) + 0.5) / supersampling - 0.5
        v = (np.arange(height) + 0.5) / supersampling - 0.5
        rays = camera.rays(np.stack(np.meshgrid(u, v), -1))
        image = self._surfaces(camera.centre, rays)
        mesh = Mesh.join([*self._furniture(), *self._scene.extra])
        draw_mesh(image, mesh, camera, supersampling)
        return image

    def _surfaces(self, origin: FloatArray, rays: FloatArray) -> Image:
        """Where each ray leaves the room, and the paint there under the lamps."""
        with np.errstate(divide="ignore"):
            reach = np.stack(
                [
                    np.where(rays[..., 2] < 0, -origin[2] / rays[..., 2], np.inf),
                    np.where(rays[..., 2] > 0, (CEILING - origin[2]) / rays[..., 2], np.inf),
                    np.where(rays[..., 0] > 0, BACK_WALL / rays[..., 0], np.inf),
                    SIDE_WALL / np.abs(rays[..., 1]),
                ],
                -1,
            )
        which = np.argmin(reach, -1)
        hit = origin + rays * np.min(reach, -1)[..., None]
        along = np.where(which == 2, SIDE_WALL - hit[..., 1], hit[..., 0])
        paint = np.zeros(rays.shape, dtype=np.float32)
        normals = np.zeros_like(hit)
        floor = self._sample(_floor(self._scene.seed, self._scene.spot), hit[..., 0], hit[..., 1] + SIDE_WALL)
        back = self._sample(self._back_wall(), CEILING - hit[..., 2], along)
        side = self._sample(self._side_wall(), CEILING - hit[..., 2], along)
        for i, (source, normal) in enumerate(
            ((floor, (0, 0, 1)), (None, (0, 0, -1)), (back, (-1, 0, 0)), (side, (0, 0, 0)))
        ):
            mask = which == i
            paint[mask] = (225.0, 226.0, 224.0) if source is None else source[mask]
            normals[mask] = normal
        sides = which == 3
        normals[sides, 1] = -np.sign(hit[sides, 1])
        light = shade(hit, normals)
        # corners are darker, because less of the room shines into them
        edges = np.stack(
            [hit[..., 2], CEILING - hit[..., 2], BACK_WALL - hit[..., 0], SIDE_WALL - np.abs(hit[..., 1])], -1
        )
        second = np.partition(np.abs(edges), 1, -1)[..., 1]
        light *= 1.0 - 0.28 * np.exp(-second / 0.28)
        return np.clip(paint * light[..., None], 0, 255).astype(np.uint8)

    @staticmethod
    def _sample(texture: Image, rows: FloatArray, columns: FloatArray) -> NDArray[np.float32]:
        """Texture at positions in metres."""
        mapped = cv2.remap(
            texture,
            (columns * PIXELS_PER_METRE).astype(np.float32),
            (rows * PIXELS_PER_METRE).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        result: NDArray[np.float32] = mapped.astype(np.float32)
        return result

    def _wall(self, length: float) -> Image:
        scale = PIXELS_PER_METRE
        image: Image = np.full(
            (int(CEILING * scale), int(length * scale), 3), self._scene.wall, dtype=np.uint8
        )
        image[int((CEILING - 1.15) * scale) :] = self._scene.wainscot
        band = int((CEILING - 1.23) * scale)
        image[band : band + int(0.08 * scale)] = self._scene.accent
        image[int((CEILING - 0.12) * scale) :] = (52, 48, 46)
        return image

    def _back_wall(self) -> Image:
        image = self._wall(2 * SIDE_WALL)
        scale = PIXELS_PER_METRE
        font = cv2.FONT_HERSHEY_DUPLEX
        for text, where, size, colour in (
            ("KINECUE", (3.95, CEILING - 2.52), 3.9, self._scene.wainscot),
            ("STRENGTH LAB", (3.97, CEILING - 2.24), 1.75, self._scene.accent),
        ):
            at = (int(where[0] * scale), int(where[1] * scale))
            cv2.putText(image, text, at, font, size, colour, 11 if size > 3 else 5, cv2.LINE_AA)
        left, right = int(0.85 * scale), int(2.55 * scale)
        top, bottom = int((CEILING - 2.55) * scale), int((CEILING - 1.35) * scale)
        ramp = np.linspace(0.0, 1.0, bottom - top)[:, None, None]
        sky = (1 - ramp) * np.array((222.0, 206.0, 186.0)) + ramp * np.array((236.0, 232.0, 226.0))
        image[top:bottom, left:right] = np.broadcast_to(sky, (bottom - top, right - left, 3)).astype(np.uint8)
        for x in np.linspace(left, right, 4).astype(int):
            cv2.line(image, (int(x), top), (int(x), bottom), (70, 66, 64), 9)
        cv2.rectangle(image, (left, top), (right, bottom), (70, 66, 64), 11)
        return image

    def _side_wall(self) -> Image:
        image = self._wall(BACK_WALL)
        scale = PIXELS_PER_METRE
        top, bottom = int((CEILING - 2.2) * scale), int((CEILING - 0.35) * scale)
        left, right = int(3.3 * scale), int(5.2 * scale)
        ramp = np.linspace(0.0, 1.0, right - left)[None, :, None]
        mirror = (1 - ramp) * np.array((176.0, 172.0, 164.0)) + ramp * np.array((148.0, 146.0, 140.0))
        image[top:bottom, left:right] = np.broadcast_to(mirror, (bottom - top, right - left, 3)).astype(
            np.uint8
        )
        cv2.rectangle(image, (left, top), (right, bottom), (92, 88, 86), 6)
        return image

    def _furniture(self) -> list[Mesh]:
        steel, black, red, blue = (
            (70.0, 66.0, 64.0),
            (48.0, 46.0, 46.0),
            (52.0, 48.0, 168.0),
            (150.0, 92.0, 40.0),
        )
        meshes = [box((5.15, y, 1.05), (0.08, 0.08, 2.1), steel, 3) for y in (-2.55, -1.55)]
        meshes.append(box((5.15, -2.05, 2.06), (0.08, 1.08, 0.08), steel, 3))
        meshes.append(
            cylinder(
                np.array([5.0, -3.05, 1.32]), np.array([5.0, -1.05, 1.32]), 0.018, (172.0, 172.0, 170.0), 8, 6
            )
        )
        for y in (-2.86, -1.24):
            for i, (radius, colour) in enumerate(((0.225, black), (0.20, red))):
                at = np.array([5.0, y + (-0.05 if y < -2 else 0.05) * i, 1.32])
                meshes.append(cylinder(at - [0, 0.022, 0], at + [0, 0.022, 0], radius, colour, 18))
        for level, z in enumerate((0.32, 0.72)):
            meshes.append(box((5.25, 1.55, z), (0.42, 1.9, 0.05), steel, 5))
            for k in range(6):
                y = 0.75 + k * 0.32
                radius = 0.085 - 0.012 * level
                for dx in (-0.10, 0.10):
                    at = np.array([5.22 + dx, y, z + 0.11])
                    meshes.append(cylinder(at - [0.045, 0, 0], at + [0.045, 0, 0], radius, black, 10))
        for y in (0.62, 2.48):
            meshes.append(box((5.3, y, 0.45), (0.4, 0.06, 0.9), steel, 3))
        meshes.append(box((4.75, 2.75, 0.22), (0.55, 0.45, 0.44), (96.0, 140.0, 176.0), 2))
        for k, (y, colour) in enumerate(((-0.55, blue), (-0.25, red))):
            base = np.array([5.3, y, 0.0])
            meshes.append(cylinder(base + [0, 0, 0.01], base + [0, 0, 0.20 + 0.02 * k], 0.10, colour, 14))
            meshes.append(box((5.3, y, 0.27 + 0.02 * k), (0.03, 0.13, 0.03), colour))
        return meshes


def floor_map(
    camera: CameraModel, origin: tuple[float, float], pixels_per_metre: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For every pixel, column and row in a picture of the floor, for cv2.remap.

    Far outside of that picture where no floor is seen.

    Args:
        origin: x and y of the picture's first pixel, m; its rows run along x, its columns along y.
        pixels_per_metre: resolution of the picture.
    """
    grid = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), -1).astype(np.float64)
    rays = camera.rays(grid)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(rays[..., 2] < -1e-6, -camera.mount_height / rays[..., 2], math.inf)
        x = np.where(np.isfinite(reach), reach * rays[..., 0], 1e6)
        y = np.where(np.isfinite(reach), reach * rays[..., 1], 1e6)
    columns = ((y - origin[1]) * pixels_per_metre).astype(np.float32)
    rows = ((x - origin[0]) * pixels_per_metre).astype(np.float32)
    return columns, rows
