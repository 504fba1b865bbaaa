"""Lamps of the gym, and how bright they make a surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.simulation.picture.solids import Colour

FloatArray = NDArray[np.floating[Any]]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """Three lamps, the sky of the ceiling, and what comes back from everywhere.

    Attributes:
        key, fill, rear: where the lamps are, gym frame, m. The key light throws the shadows.
        key_strength, fill_strength, rear_strength, sky, ambient: brightness of a surface that faces the
            source; about 1 in all is a well-lit gym.
        colour: factors of blue, green, red; the colour temperature.
        shadow: share of the light that a shadow takes, 0 to 1.
    """

    key: Point = (0.9, 1.9, 2.9)
    fill: Point = (0.2, -2.2, 2.4)
    rear: Point = (9.0, -1.0, 5.0)
    key_strength: float = 0.58
    fill_strength: float = 0.26
    rear_strength: float = 0.15
    sky: float = 0.16
    ambient: float = 0.26
    colour: Colour = (1.0, 1.0, 1.0)
    shadow: float = 0.55

    def __post_init__(self) -> None:
        for name in ("key_strength", "fill_strength", "rear_strength", "sky", "ambient"):
            if not 0.0 <= getattr(self, name) <= 5.0:
                raise KineCueError(f"light: {name} must be 0 to 5, got {getattr(self, name)}")
        if not 0.0 <= self.shadow <= 1.0:
            raise KineCueError(f"light: shadow must be 0 to 1, got {self.shadow}")
        if len(self.colour) != 3 or not all(0.0 <= c <= 5.0 for c in self.colour):
            raise KineCueError(f"light: colour must be three factors of 0 to 5, got {self.colour}")

    def brightness(self, points: FloatArray, normals: FloatArray) -> NDArray[Any]:
        """(...,) of points (3, ...) with unit normals (3, ...); keeps their precision."""
        nx, ny, nz = normals
        sky = nz * points.dtype.type(0.5 * self.sky)
        total = sky + points.dtype.type(self.ambient + 0.5 * self.sky)
        for lamp, strength in (
            (self.key, self.key_strength),
            (self.fill, self.fill_strength),
            (self.rear, self.rear_strength),
        ):
            if strength <= 0.0:
                continue
            x, y, z = (points.dtype.type(c) - p for c, p in zip(lamp, points, strict=True))
            facing = (nx * x + ny * y + nz * z) / np.sqrt(x * x + y * y + z * z)
            total += points.dtype.type(strength) * np.maximum(facing, 0.0)
        result: NDArray[Any] = total
        return result

    def highlight(self, points: FloatArray, normals: FloatArray, eye: FloatArray) -> NDArray[Any]:
        """(...,) Blinn's highlight of the key light, of points (3, ...) seen from `eye` (3,)."""
        kind = points.dtype.type
        x, y, z = (kind(c) - p for c, p in zip(self.key, points, strict=True))
        lamp = 1.0 / np.sqrt(x * x + y * y + z * z)
        a, b, c = (kind(e) - p for e, p in zip(eye, points, strict=True))
        look = 1.0 / np.sqrt(a * a + b * b + c * c)
        x, y, z = x * lamp + a * look, y * lamp + b * look, z * lamp + c * look
        facing = (normals[0] * x + normals[1] * y + normals[2] * z) / np.sqrt(x * x + y * y + z * z)
        facing = np.maximum(facing, 0.0)
        square = facing * facing
        eighth = square * square
        eighth *= eighth
        result: NDArray[Any] = kind(0.35 * self.key_strength / 0.58) * eighth * eighth * square
        return result


LIGHTS: dict[str, Light] = {
    "bright": Light(),
    "dim": Light(
        key_strength=0.17,
        fill_strength=0.08,
        rear_strength=0.06,
        sky=0.05,
        ambient=0.09,
        colour=(0.90, 0.98, 1.05),
        shadow=0.45,
    ),
    "one_sided": Light(
        key=(2.2, 2.9, 2.6),
        key_strength=0.80,
        fill_strength=0.0,
        rear_strength=0.0,
        ambient=0.16,
        shadow=0.75,
    ),
    "back_lit": Light(
        key=(5.2, 1.2, 2.9), key_strength=0.85, fill=(5.2, -2.4, 2.6), sky=0.12, ambient=0.20, shadow=0.6
    ),
    "warm": Light(colour=(0.68, 0.92, 1.10)),
    "cold": Light(colour=(1.16, 1.02, 0.84)),
}
"""Ready-made lights by name."""
