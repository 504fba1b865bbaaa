"""Pictures of the athlete without a GPU: depth-sorted quads over a background that is painted once."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.simulation.appearance import SkinnedMesh
from kinecue.simulation.athlete import BoneTransforms
from kinecue.simulation.scene import KEY_LIGHT, Room, Scene, floor_map, shade
from kinecue.simulation.solids import Mesh

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

SUPERSAMPLING = 2
_SHADOW_SIZE = 2.6
"""Side of the square of floor around the athlete that can be in shadow, m."""
_SHADOW_RESOLUTION = 60.0
"""px/m."""
_SHADOW_DARKNESS = 0.55
_SMALLEST_SHADOW = 150
"""Bones that carry fewer vertices throw no shadow."""
_SUBPIXEL_BITS = 4


def _dimmed(image: Image, brightness: Image) -> Image:
    return np.asarray(cv2.multiply(image, brightness, scale=1.0 / 255.0), dtype=np.uint8)


class Renderer:
    """Draws one athlete in one scene through one camera.

    The same arguments give the same pictures, bit for bit, on the same versions of numpy and OpenCV.
    """

    def __init__(
        self, camera: CameraModel, scene: Scene, mesh: SkinnedMesh, seed: int = 0, noise: float = 2.2
    ) -> None:
        """Paint the background.

        Args:
            camera: through which everything is seen.
            scene: the room; the athlete stands at its `spot`.
            mesh: the athlete.
            seed: of the sensor noise.
            noise: its standard deviation, grey levels of 255.
        """
        self._camera = camera
        self._mesh = mesh
        self._background = Room(scene).background(camera, SUPERSAMPLING)
        size = (camera.width, camera.height)
        small = cv2.resize(self._background, size, interpolation=cv2.INTER_AREA)
        self._small: Image = np.asarray(small, dtype=np.uint8)
        self._corner = (scene.spot[0] - _SHADOW_SIZE / 2, scene.spot[1] - _SHADOW_SIZE / 2)
        columns, rows = floor_map(camera, self._corner, _SHADOW_RESOLUTION)
        end = _SHADOW_SIZE * _SHADOW_RESOLUTION
        on_floor = (columns > 0) & (columns < end) & (rows > 0) & (rows < end)
        seen_rows, seen_columns = np.where(on_floor.any(1))[0], np.where(on_floor.any(0))[0]
        self._floor: tuple[slice, slice] | None = None
        if len(seen_rows):
            self._floor = (
                slice(int(seen_rows[0]), int(seen_rows[-1]) + 1),
                slice(int(seen_columns[0]), int(seen_columns[-1]) + 1),
            )
            self._floor_columns, self._floor_rows = columns[self._floor], rows[self._floor]
        rng = np.random.default_rng(seed)
        self._seed = seed
        margin = 64
        shape = (camera.height + margin, camera.width + margin, 3)
        self._noise = np.round(rng.normal(0.0, noise, shape)).astype(np.int16) if noise > 0 else None
        dominant = np.argmax(mesh.weights, axis=1)
        groups = [np.where(dominant == j)[0] for j in np.unique(dominant)]
        # fingers and the like throw no shadow of their own
        self._hull_rows = [rows for rows in groups if len(rows) >= _SMALLEST_SHADOW]

    @property
    def background(self) -> Image:
        """(H, W, 3) picture of the empty room."""
        return self._small

    def render(self, transforms: BoneTransforms, frame: int = 0, props: Mesh | None = None) -> Image:
        """(H, W, 3) picture, blue, green, red.

        Args:
            transforms: the bones in the base frame.
            frame: number of the frame; it chooses the sensor noise.
            props: things that the athlete holds, in the base frame.
        """
        vertices, normals = self._skinned(transforms)
        left = self._shadow(vertices)
        image = self._small.copy()
        if left is not None and self._floor is not None:
            image[self._floor] = _dimmed(self._small[self._floor], left[self._floor])
        self._paint(image, left, vertices, normals, props)
        if self._noise is not None:
            rng = np.random.default_rng((self._seed, frame))
            row, column = (int(i) for i in rng.integers(0, 64, 2))
            h, w = image.shape[:2]
            noisy = image.astype(np.int16) + self._noise[row : row + h, column : column + w]
            image = np.clip(noisy, 0, 255).astype(np.uint8)
        return image

    def _skinned(self, transforms: BoneTransforms) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        mesh = self._mesh
        count = len(transforms.offsets)
        table = np.concatenate([transforms.rotations, transforms.offsets[:, :, None]], 2).reshape(count, 12)
        blended = (mesh.weights @ table.astype(np.float32)).reshape(-1, 3, 4)
        vertices = np.einsum("vab,vb->va", blended[:, :, :3], mesh.vertices) + blended[:, :, 3]
        normals = np.einsum("vab,vb->va", blended[:, :, :3], mesh.normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        return vertices, normals

    def _shadow(self, vertices: NDArray[np.float32]) -> Image | None:
        """(H, W, 3) brightness that is left, 255 = all of it; None if no floor is seen."""
        if self._floor is None:
            return None
        size = int(_SHADOW_SIZE * _SHADOW_RESOLUTION)
        mask = np.zeros((size, size), dtype=np.uint8)
        ray = vertices - KEY_LIGHT.astype(np.float32)
        ground = vertices[:, :2] - ray[:, :2] * (vertices[:, 2:] / ray[:, 2:])
        contact = np.zeros_like(mask)
        for rows in self._hull_rows:
            self._fill_hull(mask, ground[rows])
            low = rows[vertices[rows, 2] < 0.06]
            if len(low) > 2:
                self._fill_hull(contact, vertices[low, :2])
        soft = cv2.GaussianBlur(mask, (0, 0), 3.0).astype(np.float32) * (_SHADOW_DARKNESS / 255.0)
        near = cv2.GaussianBlur(contact, (0, 0), 1.6).astype(np.float32) * (0.6 / 255.0)
        picture = np.round(255.0 * (1.0 - soft) * (1.0 - near)).astype(np.uint8)
        left = cv2.remap(
            picture,
            self._floor_columns,
            self._floor_rows,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(255.0,),
        )
        full: Image = np.full((self._camera.height, self._camera.width, 3), 255, dtype=np.uint8)
        full[self._floor] = left[:, :, None]
        return full

    def _fill_hull(self, mask: Image, points: NDArray[np.float32]) -> None:
        pixels = (points - np.array(self._corner, dtype=np.float32)) * _SHADOW_RESOLUTION
        hull = cv2.convexHull(np.ascontiguousarray(pixels[:, ::-1], dtype=np.float32))
        cv2.fillConvexPoly(mask, np.round(hull * 16).astype(np.int32), (255.0,), cv2.LINE_8, 4)

    def _paint(
        self,
        image: Image,
        brightness: Image | None,
        vertices: NDArray[np.float32],
        normals: NDArray[np.float32],
        props: Mesh | None,
    ) -> None:
        mesh = self._mesh
        light = self._light(vertices, normals)[mesh.faces].mean(1)
        shine = self._highlight(vertices, normals)[mesh.faces].mean(1) * mesh.gloss
        colours = mesh.colours * light[:, None] + 255.0 * shine[:, None]
        faces, nearer = mesh.faces, mesh.nearer
        if props is not None and len(props.faces):
            faces = np.concatenate([faces, props.faces + len(vertices)])
            nearer = np.concatenate([nearer, np.zeros(len(props.faces), dtype=np.float32)])
            middle = props.vertices[props.faces].mean(1)
            lit = props.colours * shade(middle, props.face_normals())[:, None]
            colours = np.concatenate([colours, lit.astype(np.float32)])
            vertices = np.concatenate([vertices, props.vertices.astype(np.float32)])
        pixels = self._camera.project(vertices.astype(np.float64))
        window = self._window(pixels)
        if window is None:
            return
        left, top, right, bottom = window
        s = SUPERSAMPLING
        canvas = self._background[top * s : bottom * s, left * s : right * s].copy()
        if brightness is not None:
            crop = cv2.resize(brightness[top:bottom, left:right], (canvas.shape[1], canvas.shape[0]))
            canvas = _dimmed(canvas, crop.astype(np.uint8))
        local = ((pixels - [left, top] + 0.5) * s - 0.5).astype(np.float32)
        quads = local[faces]
        diagonals = quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]
        area = diagonals[0][:, 0] * diagonals[1][:, 1] - diagonals[0][:, 1] * diagonals[1][:, 0]
        triangles = faces[:, 2] == faces[:, 3]
        if triangles.any():
            a, b = quads[:, 1] - quads[:, 0], quads[:, 2] - quads[:, 0]
            area = np.where(triangles, a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], area)
        distance = (
            np.linalg.norm(vertices - self._camera.centre.astype(np.float32), axis=1)[faces].mean(1) - nearer
        )
        # a face towards the camera runs anticlockwise, which is a negative area where v points down
        visible = np.where((area < 0) & np.isfinite(quads).all((1, 2)))[0]
        order = visible[np.argsort(-distance[visible], kind="stable")]
        corners = np.round(quads[order] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        paints = np.clip(colours[order], 0.0, 255.0).tolist()
        fill = cv2.fillConvexPoly
        for quad, paint in zip(corners, paints, strict=True):
            fill(canvas, quad, paint, cv2.LINE_8, _SUBPIXEL_BITS)
        size = (right - left, bottom - top)
        image[top:bottom, left:right] = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA))

    def _light(self, vertices: NDArray[np.float32], normals: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = shade(vertices, normals).astype(np.float32)  # type: ignore[arg-type]
        return result

    def _highlight(self, vertices: NDArray[np.float32], normals: NDArray[np.float32]) -> NDArray[np.float32]:
        """Blinn's highlight of the key light."""
        lamp = KEY_LIGHT.astype(np.float32) - vertices
        eye = self._camera.centre.astype(np.float32) - vertices
        half = lamp / np.linalg.norm(lamp, axis=1, keepdims=True) + eye / np.linalg.norm(
            eye, axis=1, keepdims=True
        )
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        result: NDArray[np.float32] = 0.35 * np.clip((normals * half).sum(1), 0.0, 1.0) ** 18
        return result

    def _window(self, pixels: FloatArray) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom of what the athlete covers; None if outside of the picture."""
        finite = pixels[np.isfinite(pixels).all(1)]
        if not len(finite):
            return None
        low, high = finite.min(0), finite.max(0)
        left, top = max(math.floor(low[0]) - 2, 0), max(math.floor(low[1]) - 2, 0)
        right = min(math.ceil(high[0]) + 3, self._camera.width)
        bottom = min(math.ceil(high[1]) + 3, self._camera.height)
        return (left, top, right, bottom) if left < right and top < bottom else None
