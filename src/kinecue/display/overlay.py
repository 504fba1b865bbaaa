"""Skeleton, angles, phase and cue drawn on the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.landmarks import Landmark, LandmarkState
from kinecue.display.highlight import highlighted_bones
from kinecue.exercise.results import FormState, Phase, Side

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

OBSERVED: Colour = (90, 220, 90)
INFERRED: Colour = (60, 190, 240)
FAULT: Colour = (60, 60, 240)
_WHITE: Colour = (255, 255, 255)
_PANEL: Colour = (30, 24, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX

_ANGLE_AT = {
    ("knee_flexion", Side.LEFT): Landmark.LEFT_KNEE,
    ("knee_flexion", Side.RIGHT): Landmark.RIGHT_KNEE,
    ("elbow_flexion", Side.LEFT): Landmark.LEFT_ELBOW,
    ("elbow_flexion", Side.RIGHT): Landmark.RIGHT_ELBOW,
    ("hip_flexion", Side.LEFT): Landmark.LEFT_HIP,
    ("hip_flexion", Side.RIGHT): Landmark.RIGHT_HIP,
}


@dataclass(frozen=True)
class Overlay:
    """What is to be drawn.

    Attributes:
        body: the lifter; None if nobody is there.
        form: of the lifter.
        faults: body part and side of the faults to highlight.
        cue: what is being said; empty = nothing.
        angles: values to write at their joints: (feature, side) -> rad.
        tension: N; NaN = no sensor.
    """

    body: Body | None = None
    form: FormState | None = None
    faults: tuple[tuple[str, Side], ...] = ()
    cue: str = ""
    angles: dict[tuple[str, Side], float] = field(default_factory=dict)
    tension: float = math.nan


def draw_overlay(image: Image, overlay: Overlay) -> Image:
    """A copy of an (H, W, 3) BGR picture with the overlay on it."""
    canvas = image.copy()
    scale = max(canvas.shape[0], 240) / 480.0
    if overlay.body is not None:
        _skeleton(canvas, overlay, scale)
    _panel(canvas, overlay, scale)
    if overlay.cue:
        _cue(canvas, overlay.cue, scale)
    return canvas


def _text(
    canvas: Image, text: str, at: tuple[int, int], size: float, colour: Colour = _WHITE, weight: int = 1
) -> None:
    cv2.putText(canvas, text, at, _FONT, size, (0, 0, 0), weight + 2, cv2.LINE_AA)
    cv2.putText(canvas, text, at, _FONT, size, colour, weight, cv2.LINE_AA)


def _skeleton(canvas: Image, overlay: Overlay, scale: float) -> None:
    body = overlay.body
    if body is None:
        return
    marked = {row for part, side in overlay.faults for row in highlighted_bones(body.topology, part, side)}
    thickness = max(2, round(2.5 * scale))
    for i, (a, b) in enumerate(body.topology.bones):
        start, end = body.pixel(a), body.pixel(b)
        if not (np.isfinite(start).all() and np.isfinite(end).all()):
            continue
        seen = body.state(a) == body.state(b) == LandmarkState.OBSERVED
        colour = FAULT if i in marked else OBSERVED if seen else INFERRED
        extra = 2 if i in marked else 0
        cv2.line(canvas, _point(start), _point(end), colour, thickness + extra, cv2.LINE_AA)
    for (feature, side), value in overlay.angles.items():
        landmark = _ANGLE_AT.get((feature, side))
        if landmark is None or not math.isfinite(value):
            continue
        where = body.pixel(landmark)
        if np.isfinite(where).all():
            u, v = _point(where)
            _text(canvas, f"{math.degrees(value):.0f}", (u + round(8 * scale), v), 0.5 * scale)


def _point(pixel: NDArray[np.float64]) -> tuple[int, int]:
    # far outside, cv2's fixed point would overflow
    u, v = np.clip(pixel, -10_000, 10_000)
    return round(float(u)), round(float(v))


def _panel(canvas: Image, overlay: Overlay, scale: float) -> None:
    form = overlay.form
    lines = ["KineCue"]
    if form is not None:
        lines.append(f"{form.exercise.replace('_', ' ')}: {form.counted}")
        lines.append(_phase(form))
        lines.append(f"D {form.d:.2f}" if math.isfinite(form.d) else "D -")
    if math.isfinite(overlay.tension):
        lines.append(f"cable {overlay.tension:.0f} N")
    width, step = round(170 * scale), round(22 * scale)
    region = canvas[: step * len(lines) + round(10 * scale), :width]
    region[:] = (region * 0.35 + np.array(_PANEL) * 0.65).astype(np.uint8)
    for i, line in enumerate(lines):
        _text(canvas, line, (round(8 * scale), step * (i + 1)), 0.55 * scale)


def _phase(form: FormState) -> str:
    if form.phase == Phase.STAGE:
        return form.stage
    return form.phase.name.lower()


def _cue(canvas: Image, cue: str, scale: float) -> None:
    size, weight = 0.8 * scale, max(1, round(2 * scale))
    (width, height), _ = cv2.getTextSize(cue, _FONT, size, weight)
    if width > 0.95 * canvas.shape[1]:
        size *= 0.95 * canvas.shape[1] / width
        (width, height), _ = cv2.getTextSize(cue, _FONT, size, weight)
    left, base = (canvas.shape[1] - width) // 2, canvas.shape[0] - round(22 * scale)
    top = max(base - height - round(14 * scale), 0)
    strip = canvas[top : base + round(12 * scale)]
    strip[:] = (strip * 0.3 + np.array(_PANEL) * 0.7).astype(np.uint8)
    _text(canvas, cue, (left, base), size, (120, 230, 255), weight)
