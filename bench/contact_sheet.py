"""Frames of a clip with the fitted skeleton over them, and the same skeleton seen from the side and from above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from angle_errors import Reader
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33, LandmarkState
from kinecue.perception.landmarks2d import Landmarks2D

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

_TILES, _COLUMNS = 20, 5
_HEIGHT = 300
"""Of a tile, px."""
_METRES = 2.3
"""Shown in the views from the side and from above."""
_LEFT, _RIGHT, _MIDDLE, _SEEN = (60, 200, 60), (60, 120, 255), (230, 230, 230), (255, 60, 220)
"""BGR: the person's left, right, across; the network's landmarks."""


@dataclass(frozen=True)
class Panel:
    """A frame: its number, time, what the network said, what was fitted, and the camera that this was fitted in."""

    index: int
    time_s: float
    seen: Landmarks2D | None
    body: Body | None
    camera: CameraModel


def draw(path: Path, panels: Sequence[Panel], clip: Path) -> None:
    """Writes the sheet of a clip, frames spread evenly."""
    chosen = sorted({round(i) for i in np.linspace(0, len(panels) - 1, _TILES)})
    capture, tiles, index = cv2.VideoCapture(str(clip)), [], 0
    while True:
        good, frame = capture.read()
        if not good:
            break
        if index in chosen and index < len(panels):
            tiles.append(tile(np.asarray(frame, dtype=np.uint8), panels[index]))
        index += 1
    while len(tiles) % _COLUMNS:
        tiles.append(np.zeros_like(tiles[0]))
    rows = [np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack(rows))


def tile(frame: Image, panel: Panel) -> Image:
    """The picture round the person, and two views of the skeleton."""
    picture = frame.copy()
    if panel.body is not None:
        where = panel.camera.project(panel.body.positions)
        _bones(picture, where, panel.body.states, max(1, round(frame.shape[0] / 240)))
    if panel.seen is not None:
        for x, y in panel.seen.pixels[11:]:
            if math.isfinite(x):
                cv2.circle(picture, (round(x), round(y)), max(1, round(frame.shape[0] / 240)), _SEEN, -1)
    shown = _around(picture, panel)
    side, above = (_seen_from(panel.body, axes) for axes in ((0, 2), (0, 1)))
    result = np.hstack([shown, np.vstack([side, above])])
    _words(result, panel)
    result[-1] = result[:, -1] = 255
    return result


def _around(picture: Image, panel: Panel) -> Image:
    height, width = picture.shape[:2]
    left, top, size = 0.0, 0.0, float(height)
    if panel.seen is not None:
        low, high = np.nanmin(panel.seen.pixels, axis=0), np.nanmax(panel.seen.pixels, axis=0)
        size = 1.35 * float(max(high - low))
        left, top = (low + high) / 2.0 - size / 2.0
    else:
        left = (width - height) / 2.0
    scale = _HEIGHT / size
    matrix = np.array([[scale, 0.0, -left * scale], [0.0, scale, -top * scale]])
    return np.asarray(
        cv2.warpAffine(picture, matrix, (_HEIGHT, _HEIGHT), flags=cv2.INTER_AREA), dtype=np.uint8
    )


def _seen_from(body: Body | None, axes: tuple[int, int]) -> Image:
    size = _HEIGHT // 2
    canvas = np.full((size, size, 3), 40, np.uint8)
    if body is None or not np.isfinite(body.positions).any():
        return canvas
    middle = np.nanmean(body.positions, axis=0)
    flat = body.positions[:, axes] - middle[list(axes)]
    if axes[1] == 2:
        flat[:, 1] = body.positions[:, 2] - 0.5 * _METRES + 0.1
        floor = round(size / 2 + (0.5 * _METRES - 0.1) * size / _METRES)
        cv2.line(canvas, (0, floor), (size, floor), (90, 90, 90), 1)
    # the camera stands on the left
    where = np.stack([size / 2 + flat[:, 0] * size / _METRES, size / 2 - flat[:, 1] * size / _METRES], 1)
    _bones(canvas, where, body.states, 1)
    return canvas


def _bones(canvas: Image, where: FloatArray, states: NDArray[np.uint8], width: int) -> None:
    for a, b in BLAZEPOSE_33.bones:
        i, j = BLAZEPOSE_33.indices(a, b)
        if not np.isfinite(where[[i, j]]).all() or np.abs(where[[i, j]]).max() > 1e4:
            continue
        both = a.value.startswith("left") + b.value.startswith("left")
        colour = (_RIGHT, _MIDDLE, _LEFT)[both]
        if min(states[i], states[j]) != LandmarkState.OBSERVED:
            colour = tuple(c // 2 for c in colour)  # type: ignore[assignment]
        cv2.line(
            canvas, tuple(np.rint(where[i]).astype(int)), tuple(np.rint(where[j]).astype(int)), colour, width
        )


_READER = Reader(("knee_flexion", "hip_flexion", "trunk_lean", "elbow_flexion"))


def _words(canvas: Image, panel: Panel) -> None:
    lines = [f"{panel.time_s:.2f} s  #{panel.index}"]
    if panel.body is None:
        lines.append("nobody")
    else:
        values = np.degrees(_READER.read([panel.body])[0][0])
        cells: dict[str, list[str]] = {}
        for (joint, _), value in zip(_READER.columns, values, strict=True):
            cells.setdefault(joint.split("_")[0], []).append("-" if math.isnan(value) else f"{value:.0f}")
        lines += [f"{joint} {'/'.join(shown)}" for joint, shown in cells.items()]
        flags = [
            n
            for n, on in (("not calibrated", not panel.body.calibrated), ("truncated", panel.body.truncated))
            if on
        ]
        if math.isfinite(panel.body.view):
            flags.append(f"view {math.degrees(panel.body.view):.0f}")
        lines += flags
    for k, line in enumerate(lines):
        place = (4, 14 + 13 * k)
        for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(canvas, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, thick, cv2.LINE_AA)
