"""Pictures of the gym without a GPU: depth-sorted quads over a room that is painted once."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.picture.actors import Stage
from kinecue.simulation.picture.cameras import Shot, SyntheticCamera
from kinecue.simulation.picture.room import Room
from kinecue.simulation.picture.scene import Scene
from kinecue.simulation.picture.sensor import SensorModel
from kinecue.simulation.picture.shadows import CONTACT_HEIGHT, RESOLUTION, FloorShadow
from kinecue.simulation.picture.surfaces import Faces, Surface, Window, faces_seen, visible_detail

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
Image = NDArray[np.uint8]

SUPERSAMPLING = 2
_SUBPIXEL_BITS = 4
_BLUR_STEP = 1.5
"""Motion between two sub-frames of an exposure is at most this, px ..."""
_MOST_SUBFRAMES = 8
"""... unless it would take more sub-frames than this."""
_COARSE = 8
"""Every how many pixels the floor is looked at to find where a shadow can be seen."""


class Renderer:
    """Draws a scene and everybody in it through one camera.

    The same arguments give the same pictures, bit for bit, on the same versions of numpy and OpenCV, whatever
    was drawn before.
    """

    def __init__(self, camera: SyntheticCamera, scene: Scene) -> None:
        """Paint the empty room; takes a second or two."""
        self.camera = camera
        self._view = camera.view
        self._scene = scene
        self._room = Room(scene).backdrop(self._view, SUPERSAMPLING)
        size = (self._view.width, self._view.height)
        small = cv2.resize(self._room.image, size, interpolation=cv2.INTER_AREA)
        self._small: Image = np.asarray(small, dtype=np.uint8)
        self._floor = FloorShadow(scene.bounds, scene.light)
        self._floor_columns: Float32Array = (
            self._room.floor_y - np.float32(scene.bounds.right)
        ) * np.float32(RESOLUTION)
        self._floor_rows: Float32Array = (self._room.floor_x - np.float32(scene.bounds.front)) * np.float32(
            RESOLUTION
        )
        self._sensor = SensorModel(camera.sensor, *size, camera.seed)
        far = np.float32(np.inf)
        self._furniture: Float32Array = np.where(
            self._room.solid & (self._room.mirror < 0), self._room.depth, far
        )
        self._mirrored_furniture: Float32Array = np.where(
            self._room.solid & (self._room.mirror >= 0), self._room.depth, far
        )
        self._mirrors = [
            (glass, window)
            for i, glass in enumerate(scene.mirrors)
            if (window := _pixels_of(self._room.mirror == i)) is not None
        ]

    @property
    def background(self) -> Image:
        """(H, W, 3) picture of the empty room, sharp and without noise."""
        return self._small

    def draw(self, stage: Stage) -> Image:
        """(H, W, 3) sharp picture of a moment without noise, blue, green, red."""
        return self._picture(stage, [self._surfaces(stage, self._details(stage))])

    def shoot(self, at: Callable[[float], Stage], shot: Shot) -> Image:
        """(H, W, 3) frame as the camera delivers it: motion blur, gain, noise, JPEG.

        Args:
            at: who is where at a time in s. It is asked for the beginning and the end of the exposure; in
                between, everything moves straight. That begins half an exposure before the first frame.
            shot: which frame.
        """
        if shot.exposure_s <= 0.0:
            return self._sensor.deliver(self.draw(at(shot.time_s)), shot.index)
        half = shot.exposure_s / 2.0
        first, last = at(shot.time_s - half), at(shot.time_s + half)
        if len(first.actors) != len(last.actors):
            # somebody came or went
            return self._sensor.deliver(self.draw(at(shot.time_s)), shot.index)
        details = self._details(first)
        a = self._surfaces(first, details)
        b = a if last is first else self._surfaces(last, details)
        if len(a) != len(b) or any(not x.matches(y) for x, y in zip(a, b, strict=True)):
            return self._sensor.deliver(self.draw(at(shot.time_s)), shot.index)
        motion = max((x.motion(y, self._view) for x, y in zip(a, b, strict=True)), default=0.0)
        count = min(max(math.ceil(motion / _BLUR_STEP), 1), _MOST_SUBFRAMES)
        shares = (np.arange(count) + 0.5) / count
        moments = [[x.between(y, float(t)) for x, y in zip(a, b, strict=True)] for t in shares]
        middle = first if count == 1 else at(shot.time_s)
        return self._sensor.deliver(self._picture(middle, moments), shot.index)

    def _details(self, stage: Stage) -> list[float]:
        return [visible_detail(actor, self._view) for actor in stage.actors]

    def _surfaces(self, stage: Stage, details: list[float]) -> list[Surface]:
        light = self._scene.light
        result = [
            Surface.of_actor(actor, light, self._view, detail)
            for actor, detail in zip(stage.actors, details, strict=True)
        ]
        if stage.props is not None and len(stage.props.faces):
            result.append(Surface.of_mesh(stage.props, light))
        return result

    def _picture(self, stage: Stage, moments: list[list[Surface]]) -> Image:
        image = self._small.copy()
        brightness, shaded = self._shadow(stage)
        if brightness is not None and shaded is not None:
            left, top, right, bottom = shaded
            image[top:bottom, left:right] = _dimmed(
                self._small[top:bottom, left:right], brightness[top:bottom, left:right]
            )
        passes = [[faces_seen(s, self._view) for s in surfaces] for surfaces in moments]
        mirrored = [
            [faces_seen(s.reflected(m), self._view, w) for m, w in self._mirrors for s in surfaces]
            for surfaces in moments
        ]
        window = self._window([f for faces in passes + mirrored for f in faces])
        if window is None:
            return image
        left, top, right, bottom = window
        size = (right - left, bottom - top)
        total: Float32Array | None = None
        small: Image = np.zeros((0, 0, 3), dtype=np.uint8)
        floor = self._canvas(window, brightness)
        for direct, reflected in zip(passes, mirrored, strict=True):
            canvas = floor.copy()
            if self._mirrors:
                self._paint_mirrors(canvas, floor, window, reflected)
            self._paint(canvas, window, direct, self._furniture)
            small = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
            if len(passes) > 1:
                total = np.zeros(small.shape, dtype=np.float32) if total is None else total
                cv2.accumulate(small, total)
        if total is not None:
            small = np.asarray(cv2.convertScaleAbs(total, alpha=1.0 / len(passes)), dtype=np.uint8)
        image[top:bottom, left:right] = small
        return image

    def _canvas(self, window: Window, brightness: Image | None) -> Image:
        """The room with everybody's shadows, at full resolution."""
        left, top, right, bottom = window
        canvas: Image = self._room.image[self._samples(window)].copy()
        if brightness is not None:
            crop = cv2.resize(brightness[top:bottom, left:right], (canvas.shape[1], canvas.shape[0]))
            canvas = _dimmed(canvas, np.asarray(crop, dtype=np.uint8))
        return canvas

    @staticmethod
    def _samples(window: Window) -> tuple[slice, slice]:
        left, top, right, bottom = (i * SUPERSAMPLING for i in window)
        return slice(top, bottom), slice(left, right)

    def _paint_mirrors(self, canvas: Image, room: Image, window: Window, faces: list[Faces]) -> None:
        self._paint(canvas, window, faces, self._mirrored_furniture)
        elsewhere = self._room.mirror[self._samples(window)] < 0
        canvas[elsewhere] = room[elsewhere]

    def _paint(self, canvas: Image, window: Window, seen: list[Faces], furniture: Float32Array) -> None:
        """Fill the faces from far to near, then put back the furniture that is nearer still."""
        faces = Faces.join([f for f in seen if len(f.distance)])
        if not len(faces.distance):
            return
        order = np.argsort(-faces.distance, kind="stable")
        offset = np.array([window[0], window[1]], dtype=np.float32) - np.float32(0.5)
        scale = np.float32(SUPERSAMPLING << _SUBPIXEL_BITS)
        half = np.float32(0.5 * (1 << _SUBPIXEL_BITS))
        corners = np.rint((faces.corners[order] - offset) * scale - half).astype(np.int32)
        nearest = furniture[self._samples(window)]
        hidden = _extent(nearest < faces.depth.max())
        before = None if hidden is None else canvas[hidden].copy()
        fill = cv2.fillConvexPoly
        paints = np.rint(faces.colours[order]).astype(np.uint8).tolist()
        for quad, paint in zip(corners, paints, strict=True):
            fill(canvas, quad, paint, cv2.LINE_8, _SUBPIXEL_BITS)
        if hidden is None or before is None:
            return
        solid = nearest[hidden]
        depth = _depth(corners, faces.depth[order], hidden, solid)
        # where nothing that moves is as far as the furniture, no depth was asked for
        behind = (solid < depth) & (solid < faces.depth.max())
        canvas[hidden][behind] = before[behind]

    def _window(self, seen: list[Faces]) -> Window | None:
        """What the people cover; None if nobody is in the picture."""
        boxes = [f.box for f in seen if f.box is not None]
        if not boxes:
            return None
        low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
        left, top = max(math.floor(low[0]) - 2, 0), max(math.floor(low[1]) - 2, 0)
        right = min(math.ceil(high[0]) + 3, self._view.width)
        bottom = min(math.ceil(high[1]) + 3, self._view.height)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _shadow(self, stage: Stage) -> tuple[Image | None, Window | None]:
        """(H, W, 3) brightness that is left, 255 = all of it, and where it is less; None if nowhere."""
        outlines, contacts = [], []
        for actor in stage.actors:
            points, groups = actor.mesh.shadow(actor.transforms)
            ground = self._floor.pixels(self._floor.cast(points))
            under = self._floor.pixels(points[:2])
            low = points[2] < CONTACT_HEIGHT
            for rows in groups:
                outline = ground[rows]
                if np.isfinite(outline).all():
                    outlines.append(outline)
                touching = rows[low[rows]]
                if len(touching) > 2:
                    contacts.append(under[touching])
        if stage.props is not None and len(stage.props.faces):
            outlines.extend(self._floor.of_faces(stage.props))
        piece = self._floor.light_left(outlines, contacts)
        if piece is None:
            return None, None
        picture, (row, column) = piece
        window = self._sees_floor(row, column, picture.shape)
        if window is None:
            return None, None
        left, top, right, bottom = window
        lit = cv2.remap(
            picture,
            self._floor_columns[top:bottom, left:right] - np.float32(column),
            self._floor_rows[top:bottom, left:right] - np.float32(row),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(255.0,),
        )
        full: Image = np.full((self._view.height, self._view.width, 3), 255, dtype=np.uint8)
        full[top:bottom, left:right] = lit[:, :, None]
        return full, window

    def _sees_floor(self, row: int, column: int, shape: tuple[int, ...]) -> Window | None:
        """Where in the picture a piece of the floor is seen."""
        columns, rows = self._floor_columns[::_COARSE, ::_COARSE], self._floor_rows[::_COARSE, ::_COARSE]
        margin = _COARSE
        seen = (columns > column - margin) & (columns < column + shape[1] + margin)
        seen &= (rows > row - margin) & (rows < row + shape[0] + margin)
        down, along = np.where(seen.any(1))[0], np.where(seen.any(0))[0]
        if not len(down):
            return None
        return (
            max(int(along[0] - 1) * _COARSE, 0),
            max(int(down[0] - 1) * _COARSE, 0),
            min(int(along[-1] + 2) * _COARSE, self._view.width),
            min(int(down[-1] + 2) * _COARSE, self._view.height),
        )


def _dimmed(image: Image, brightness: Image) -> Image:
    return np.asarray(cv2.multiply(image, brightness, scale=1.0 / 255.0), dtype=np.uint8)


def _extent(samples: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Rows and columns within which any sample is set."""
    rows = np.where(samples.any(1))[0]
    if not len(rows):
        return None
    columns = np.where(samples[int(rows[0]) : int(rows[-1]) + 1].any(0))[0]
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _pixels_of(samples: NDArray[np.bool_]) -> Window | None:
    """The part of the picture in which any sample is set."""
    extent = _extent(samples)
    if extent is None:
        return None
    rows, columns = extent
    s = SUPERSAMPLING
    return columns.start // s, rows.start // s, (columns.stop - 1) // s + 1, (rows.stop - 1) // s + 1


def _depth(
    corners: NDArray[np.int32], far: Float32Array, part: tuple[slice, slice], solid: Float32Array
) -> Float32Array:
    """(h, w) depth of the nearest face in a part of the canvas, m; infinite where there is none.

    Args:
        corners: (N, 4, 2) of the faces from far to near, in fractions of a sample of the canvas.
        far: (N,) their depths, m.
        part: of the canvas.
        solid: (h, w) depth of what may hide them; where it is infinite, the result may be too.
    """
    rows, columns = part
    depth: Float32Array = np.full(solid.shape, np.inf, dtype=np.float32)
    local = corners - (np.array([columns.start, rows.start], dtype=np.int32) << _SUBPIXEL_BITS)
    # only faces whose surroundings hold something solid matter
    count = cv2.integral((solid < far.max()).astype(np.uint8))
    top = np.array([solid.shape[1], solid.shape[0]])
    low = np.clip((local.min(1) >> _SUBPIXEL_BITS) - 1, 0, top)
    high = np.clip((local.max(1) >> _SUBPIXEL_BITS) + 2, 0, top)
    held = count[high[:, 1], high[:, 0]] - count[low[:, 1], high[:, 0]]
    held += count[low[:, 1], low[:, 0]] - count[high[:, 1], low[:, 0]]
    near = np.where(held > 0)[0]
    for quad, value in zip(local[near], far[near].tolist(), strict=True):
        cv2.fillConvexPoly(depth, quad, value, cv2.LINE_8, _SUBPIXEL_BITS)
    return depth
