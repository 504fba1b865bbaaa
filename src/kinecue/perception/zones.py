"""Where a lifter is expected: a circle or polygon on the floor, or a polygon in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError

FloatArray = NDArray[np.float64]

FORMS = "'' (anywhere), 'circle X Y RADIUS' or 'floor X1 Y1 X2 Y2 X3 Y3 ...' in m, 'image U1 V1 U2 V2 U3 V3 ...' in shares"
_FLOOR_EDGE, _IMAGE_EDGE = 0.3, 0.05
"""Distance from the zone, m and shares of the picture, at which it counts for .6 still."""
_UNKNOWN = 0.5
"""Share of somebody whose place on the floor is not known."""


class ZoneError(KineCueError):
    """A zone that cannot be."""


@dataclass(frozen=True)
class Zone:
    """Where a lifter is expected.

    Attributes:
        points: (N, 2) corners in order; of a circle its middle alone. Metres in the base frame, or shares of the picture's
            width and height.
        radius: of a circle, m.
        in_picture: of the picture, not of the floor.
    """

    points: tuple[tuple[float, float], ...]
    radius: float = 0.0
    in_picture: bool = False

    @staticmethod
    def parse(text: str) -> Zone | None:
        """From a parameter, such as ``circle 2.5 0 1.2``; None for an empty text.

        Raises:
            ZoneError: the text is no zone; says what is allowed.
        """
        kind, *rest = text.split() or [""]
        if not kind:
            return None
        try:
            numbers = [float(word) for word in rest]
        except ValueError:
            numbers = [math.nan]
        good = all(math.isfinite(number) for number in numbers)
        if good and kind == "circle" and len(numbers) == 3 and numbers[2] > 0.0:
            return Zone(((numbers[0], numbers[1]),), numbers[2])
        if good and kind in ("floor", "image") and len(numbers) >= 6 and len(numbers) % 2 == 0:
            pairs = tuple(zip(numbers[0::2], numbers[1::2], strict=True))
            if _area(pairs) > 0.0:
                return Zone(pairs, in_picture=kind == "image")
        raise ZoneError(f"lifter zone is {text!r}, allowed: {FORMS}")

    def share(self, centre: tuple[float, float], floor: tuple[float, float] | None) -> float:
        """1 inside, falling to 0 with the distance outside.

        Args:
            centre: mid-hip, shares of the picture's width and height.
            floor: place on the floor, m; None unknown, which counts half.
        """
        place = centre if self.in_picture else floor
        if place is None or not all(math.isfinite(value) for value in place):
            return _UNKNOWN
        edge = _IMAGE_EDGE if self.in_picture else _FLOOR_EDGE
        return math.exp(-0.5 * (self._outside(place) / edge) ** 2)

    def _outside(self, place: tuple[float, float]) -> float:
        if len(self.points) == 1:
            ((x, y),) = self.points
            return max(math.hypot(place[0] - x, place[1] - y) - self.radius, 0.0)
        corners = np.array(self.points)
        point, ends = np.array(place), np.roll(corners, -1, axis=0)
        if _inside(point, corners, ends):
            return 0.0
        edges = ends - corners
        along = ((point - corners) * edges).sum(1) / np.maximum((edges**2).sum(1), 1e-12)
        nearest = corners + np.clip(along, 0.0, 1.0)[:, None] * edges
        return float(np.linalg.norm(point - nearest, axis=1).min())


def _inside(point: FloatArray, corners: FloatArray, ends: FloatArray) -> bool:
    """Even-odd rule."""
    crosses = (corners[:, 1] > point[1]) != (ends[:, 1] > point[1])
    rise = np.where(crosses, ends[:, 1] - corners[:, 1], 1.0)
    at = corners[:, 0] + (point[1] - corners[:, 1]) / rise * (ends[:, 0] - corners[:, 0])
    return bool((crosses & (point[0] < at)).sum() % 2)


def _area(points: tuple[tuple[float, float], ...]) -> float:
    corners = np.array(points)
    ends = np.roll(corners, -1, axis=0)
    return abs(float((corners[:, 0] * ends[:, 1] - ends[:, 0] * corners[:, 1]).sum())) / 2.0
