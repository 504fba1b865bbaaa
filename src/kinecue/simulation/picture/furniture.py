"""The usual things along the back wall, and the paint of floor and walls."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.picture.scene import Bounds, Scene
from kinecue.simulation.picture.solids import Colour, Mesh, box, cylinder

Image = NDArray[np.uint8]

PIXELS_PER_METRE = 220
_STEEL: Colour = (70.0, 66.0, 64.0)
_BLACK: Colour = (48.0, 46.0, 46.0)
_RED: Colour = (52.0, 48.0, 168.0)
_BLUE: Colour = (150.0, 92.0, 40.0)
_WOOD: Colour = (96.0, 140.0, 176.0)
_FRAME = (70, 66, 64)
_USUAL = Bounds()


def furniture(bounds: Bounds) -> Mesh:
    """A rack with a barbell, dumbbells on a shelf, boxes and kettlebells; some near the front wall too."""
    meshes = [box((5.15, y, 1.05), (0.08, 0.08, 2.1), _STEEL) for y in (-2.55, -1.55)]
    meshes.append(box((5.15, -2.05, 2.06), (0.08, 1.08, 0.08), _STEEL))
    ends = np.array([5.0, -3.05, 1.32]), np.array([5.0, -1.05, 1.32])
    meshes.append(cylinder(*ends, 0.018, (172.0, 172.0, 170.0), 8))
    for y in (-2.86, -1.24):
        for i, (radius, colour) in enumerate(((0.225, _BLACK), (0.20, _RED))):
            at = np.array([5.0, y + (-0.05 if y < -2 else 0.05) * i, 1.32])
            meshes.append(cylinder(at - [0, 0.022, 0], at + [0, 0.022, 0], radius, colour, 18))
    for level, z in enumerate((0.32, 0.72)):
        meshes.append(box((5.25, 1.55, z), (0.42, 1.9, 0.05), _STEEL))
        for k in range(6):
            y, radius = 0.75 + k * 0.32, 0.085 - 0.012 * level
            for dx in (-0.10, 0.10):
                at = np.array([5.22 + dx, y, z + 0.11])
                meshes.append(cylinder(at - [0.045, 0, 0], at + [0.045, 0, 0], radius, _BLACK, 10))
    for y in (0.62, 2.48):
        meshes.append(box((5.3, y, 0.45), (0.4, 0.06, 0.9), _STEEL))
    meshes.append(box((4.75, 2.75, 0.22), (0.55, 0.45, 0.44), _WOOD))
    for k, (y, colour) in enumerate(((-0.55, _BLUE), (-0.25, _RED))):
        base = np.array([5.3, y, 0.0])
        meshes.append(cylinder(base + [0, 0, 0.01], base + [0, 0, 0.20 + 0.02 * k], 0.10, colour, 14))
        meshes.append(box((5.3, y, 0.27 + 0.02 * k), (0.03, 0.13, 0.03), colour))
    back = Mesh.join(meshes).moved(np.eye(3), np.array([bounds.back - _USUAL.back, 0.0, 0.0]))
    x = bounds.front
    front = [
        box((x + 0.35, -1.9, 0.30), (0.6, 0.5, 0.60), _WOOD),
        box((x + 0.35, -2.55, 0.20), (0.6, 0.5, 0.40), _WOOD),
        box((x + 0.25, 2.3, 0.45), (0.35, 1.1, 0.06), _BLACK),
        *(box((x + 0.25, y, 0.22), (0.30, 0.06, 0.44), _STEEL) for y in (1.85, 2.75)),
    ]
    return Mesh.join([back, *front])


@lru_cache(maxsize=4)
def floor_paint(seed: int, spot: tuple[float, float], bounds: Bounds) -> Image:
    """Rubber tiles with specks, and a wooden platform under the athlete; rows along x, columns along y."""
    rng = np.random.default_rng(seed)
    scale = PIXELS_PER_METRE
    size = (int((bounds.back - bounds.front) * scale), int((bounds.left - bounds.right) * scale))
    image = np.full((*size, 3), (88, 84, 82), dtype=np.float32)
    grain = cv2.GaussianBlur(rng.normal(0.0, 1.0, size).astype(np.float32), (0, 0), 1.5)
    image += 9.0 * grain[..., None]
    specks = cv2.GaussianBlur((rng.random(size) > 0.9985).astype(np.float32), (0, 0), 1.2)
    image += specks[..., None] * np.array([520.0, 420.0, 330.0], dtype=np.float32)
    painted: Image = np.clip(image, 0, 255).astype(np.uint8)
    for x in np.arange(np.ceil(2 * bounds.front) / 2, bounds.back, 0.5):
        at = int((x - bounds.front) * scale)
        cv2.line(painted, (0, at), (size[1], at), (66, 63, 61), 2)
    for y in np.arange(np.ceil(2 * bounds.right) / 2 + 0.1, bounds.left, 0.5):
        at = int((y - bounds.right) * scale)
        cv2.line(painted, (at, 0), (at, size[0]), (66, 63, 61), 2)
    x, y = spot
    top, left = int((x - 0.85 - bounds.front) * scale), int((y - 1.15 - bounds.right) * scale)
    bottom, right = int((x + 0.85 - bounds.front) * scale), int((y + 1.15 - bounds.right) * scale)
    for i, plank in enumerate(range(left, right, int(0.115 * scale))):
        tone = np.array((112, 152, 186)) * (0.92 + 0.10 * ((i * 7) % 5) / 4)
        end = min(plank + int(0.115 * scale), right)
        cv2.rectangle(painted, (plank, top), (end, bottom), tone.tolist(), -1)
        cv2.line(painted, (plank, top), (plank, bottom), (84, 118, 146), 1)
    cv2.rectangle(painted, (left, top), (right, bottom), (52, 50, 48), 7)
    return painted


class Walls:
    """The paint of the four walls: rows from the ceiling down, columns from the left as seen from inside."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._bounds = scene.bounds
        b = scene.bounds
        self.back = self._back(b.left - b.right)
        self.front = self._front(b.left - b.right)
        side = self._plain(b.back - b.front)
        self._panel(side, b.back - b.front - 2.3, b.back - b.front - 0.4)
        self.left = side
        self.right: Image = np.ascontiguousarray(side[:, ::-1])

    def _plain(self, length: float) -> Image:
        scale, ceiling = PIXELS_PER_METRE, self._bounds.ceiling
        image: Image = np.full(
            (int(ceiling * scale), int(length * scale), 3), self._scene.wall, dtype=np.uint8
        )
        image[int((ceiling - 1.15) * scale) :] = self._scene.wainscot
        band = int((ceiling - 1.23) * scale)
        image[band : band + int(0.08 * scale)] = self._scene.accent
        image[int((ceiling - 0.12) * scale) :] = (52, 48, 46)
        return image

    def _rows(self, low: float, high: float) -> tuple[int, int]:
        """First and last row between two heights, m."""
        scale, ceiling = PIXELS_PER_METRE, self._bounds.ceiling
        return max(int((ceiling - high) * scale), 0), int((ceiling - low) * scale)

    def _back(self, length: float) -> Image:
        image = self._plain(length)
        scale, ceiling = PIXELS_PER_METRE, self._bounds.ceiling
        shift = self._bounds.left - _USUAL.left
        for text, where, size, colour in (
            ("KINECUE", (3.95 + shift, ceiling - 2.52), 3.9, self._scene.wainscot),
            ("STRENGTH LAB", (3.97 + shift, ceiling - 2.24), 1.75, self._scene.accent),
        ):
            at = (int(where[0] * scale), int(where[1] * scale))
            thickness = 11 if size > 3 else 5
            cv2.putText(image, text, at, cv2.FONT_HERSHEY_DUPLEX, size, colour, thickness, cv2.LINE_AA)
        self._window(image, 0.85 + shift, 2.55 + shift)
        return image

    def _window(self, image: Image, start: float, end: float) -> None:
        left, right = (int(s * PIXELS_PER_METRE) for s in (start, end))
        top, bottom = self._rows(1.35, 2.55)
        ramp = np.linspace(0.0, 1.0, bottom - top)[:, None, None]
        sky = (1 - ramp) * np.array((222.0, 206.0, 186.0)) + ramp * np.array((236.0, 232.0, 226.0))
        image[top:bottom, left:right] = np.broadcast_to(sky, (bottom - top, right - left, 3)).astype(np.uint8)
        for x in np.linspace(left, right, 4).astype(int):
            cv2.line(image, (int(x), top), (int(x), bottom), _FRAME, 9)
        cv2.rectangle(image, (left, top), (right, bottom), _FRAME, 11)

    def _front(self, length: float) -> Image:
        """A door, a board and a clock."""
        image = self._plain(length)
        scale = PIXELS_PER_METRE
        middle = length / 2.0
        top, bottom = self._rows(0.0, 2.1)
        left, right = int((middle - 0.2) * scale), int((middle + 0.85) * scale)
        cv2.rectangle(image, (left, top), (right, bottom), (120, 126, 130), -1)
        cv2.rectangle(image, (left, top), (right, bottom), _FRAME, 11)
        cv2.circle(image, (right - 30, (top + bottom) // 2), 9, (190, 190, 186), -1, cv2.LINE_AA)
        top, bottom = self._rows(1.4, 2.5)
        left, right = int((middle + 1.25) * scale), int((middle + 2.75) * scale)
        cv2.rectangle(image, (left, top), (right, bottom), (62, 74, 58), -1)
        cv2.rectangle(image, (left, top), (right, bottom), (90, 130, 170), 9)
        for k, text in enumerate(("5 x 5", "REST 2 MIN", "BREATHE")):
            at = (left + 25, top + 70 + 65 * k)
            cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 1.5, (215, 220, 222), 3, cv2.LINE_AA)
        centre = (int((middle - 1.4) * scale), self._rows(0.0, 2.35)[0])
        cv2.circle(image, centre, 40, (238, 238, 236), -1, cv2.LINE_AA)
        cv2.circle(image, centre, 40, _FRAME, 5, cv2.LINE_AA)
        for angle, reach in ((-1.2, 30), (0.4, 20)):
            tip = (int(centre[0] + reach * np.cos(angle)), int(centre[1] + reach * np.sin(angle)))
            cv2.line(image, centre, tip, (50, 48, 46), 3, cv2.LINE_AA)
        return image

    def _panel(self, image: Image, start: float, end: float) -> None:
        """A pane of frosted glass, m along the wall."""
        left, right = (int(s * PIXELS_PER_METRE) for s in (start, end))
        top, bottom = self._rows(0.35, 2.2)
        ramp = np.linspace(0.0, 1.0, right - left)[None, :, None]
        pane = (1 - ramp) * np.array((176.0, 172.0, 164.0)) + ramp * np.array((148.0, 146.0, 140.0))
        image[top:bottom, left:right] = np.broadcast_to(pane, (bottom - top, right - left, 3)).astype(
            np.uint8
        )
        cv2.rectangle(image, (left, top), (right, bottom), (92, 88, 86), 6)
