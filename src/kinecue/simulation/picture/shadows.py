"""Shadows on the floor: a picture of the floor on which everything's outline is filled, then softened."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.picture.lights import Light
from kinecue.simulation.picture.scene import Bounds
from kinecue.simulation.picture.solids import Mesh

FloatArray = NDArray[np.floating[Any]]
FloatImage = NDArray[np.float32]
Image = NDArray[np.uint8]

RESOLUTION = 60.0
"""px/m."""
CONTACT_HEIGHT = 0.06
"""What is lower than this darkens the floor right under it, m."""
_CONTACT = 0.6
_SOFT, _SOFT_CONTACT = 3.0, 1.6
"""Blur, px."""
_MARGIN = 12
_BELOW_LAMP = 0.25
"""What is less far below the key light than this throws no shadow, m."""
_BITS = 4


class FloorShadow:
    """Draws shadows of the key light into pictures of the room's floor (rows along x, columns along y)."""

    def __init__(self, bounds: Bounds, light: Light) -> None:
        self._bounds, self._light = bounds, light
        self.size = (
            int(np.ceil((bounds.back - bounds.front) * RESOLUTION)),
            int(np.ceil((bounds.left - bounds.right) * RESOLUTION)),
        )
        self._origin = np.array([bounds.front, bounds.right], dtype=np.float32)

    def cast(self, points: FloatArray) -> FloatArray:
        """(2, N) where the shadows of points (3, N) fall; NaN for what is not below the lamp."""
        lamp = np.array(self._light.key, dtype=points.dtype)
        drop = lamp[2] - points[2]
        share = lamp[2] / np.where(drop > _BELOW_LAMP, drop, np.nan)
        ground: FloatArray = lamp[:2, None] + (points[:2] - lamp[:2, None]) * share
        return ground

    def pixels(self, ground: FloatArray) -> NDArray[np.float32]:
        """(N, 2) columns and rows of points (2, N) on the floor, m."""
        local = (ground - self._origin[:, None]) * np.float32(RESOLUTION)
        return np.ascontiguousarray(local[::-1].T, dtype=np.float32)

    def fill(self, mask: Image, outline: NDArray[np.float32]) -> None:
        """Fill the convex hull of (N, 2) pixels."""
        hull = cv2.convexHull(outline)
        cv2.fillConvexPoly(mask, np.round(hull * (1 << _BITS)).astype(np.int32), (255.0,), cv2.LINE_8, _BITS)

    def light_left(
        self, outlines: list[NDArray[np.float32]], contacts: list[NDArray[np.float32]]
    ) -> tuple[Image, tuple[int, int]] | None:
        """A piece of the floor's picture, 255 where no light is lost, and the place of its first pixel.

        Args:
            outlines: (N, 2) pixels each, of convex shadows.
            contacts: (N, 2) pixels each, of what stands on the floor.

        Returns:
            The piece, and its row and column; None if no shadow falls into the room.
        """
        outlines = [o for o in outlines if len(o) > 2]
        if not outlines:
            return None
        every = np.concatenate(outlines + contacts)
        low = np.floor(every.min(0)).astype(int) - _MARGIN
        high = np.ceil(every.max(0)).astype(int) + _MARGIN
        left, top = max(int(low[0]), 0), max(int(low[1]), 0)
        right, bottom = min(int(high[0]), self.size[1]), min(int(high[1]), self.size[0])
        if left >= right or top >= bottom:
            return None
        corner = np.array([left, top], dtype=np.float32)
        mask: Image = np.zeros((bottom - top, right - left), dtype=np.uint8)
        near = np.zeros_like(mask)
        for outline in outlines:
            self.fill(mask, outline - corner)
        for outline in contacts:
            self.fill(near, outline - corner)
        soft = cv2.GaussianBlur(mask, (0, 0), _SOFT)
        touch = cv2.GaussianBlur(near, (0, 0), _SOFT_CONTACT)
        a = cv2.convertScaleAbs(soft, alpha=-self._light.shadow, beta=255.0)
        # convertScaleAbs takes the absolute value, which never matters here: alpha is at most 1
        b = cv2.convertScaleAbs(touch, alpha=-_CONTACT, beta=255.0)
        left_over = cv2.multiply(a, b, scale=1.0 / 255.0)
        return np.asarray(left_over, dtype=np.uint8), (top, left)

    def static(self, mesh: Mesh) -> FloatImage:
        """(H, W) share of light that is left where furniture stands, 0 to 1."""
        full: FloatImage = np.ones(self.size, dtype=np.float32)
        if not len(mesh.faces):
            return full
        outlines = self.of_faces(mesh)
        low = [mesh.vertices[f, :2].T for f in mesh.faces if (mesh.vertices[f, 2] < CONTACT_HEIGHT).all()]
        piece = self.light_left(outlines, [self.pixels(xy) for xy in low])
        if piece is not None:
            picture, (top, left) = piece
            height, width = picture.shape
            full[top : top + height, left : left + width] = picture.astype(np.float32) / 255.0
        return full

    def of_faces(self, mesh: Mesh) -> list[NDArray[np.float32]]:
        """(4, 2) pixels of the shadow of every face that the lamp shines on."""
        corners = mesh.vertices[mesh.faces]
        lit = ((np.array(self._light.key) - corners[:, 0]) * mesh.face_normals()).sum(1) > 0
        ground = self.pixels(self.cast(corners[lit].reshape(-1, 3).T)).reshape(-1, 4, 2)
        # a shadow that leaves the room a long way off would only blow up the picture
        limit = 4.0 * max(self.size)
        return [quad for quad in ground if np.isfinite(quad).all() and np.abs(quad).max() < limit]

    @staticmethod
    def sampled(picture: FloatImage, x: FloatArray, y: FloatArray) -> FloatImage:
        """A picture of the floor at positions in metres from its first pixel."""
        lit = cv2.remap(
            picture,
            (y * RESOLUTION).astype(np.float32),
            (x * RESOLUTION).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(1.0,),
        )
        return np.asarray(lit, dtype=np.float32)
