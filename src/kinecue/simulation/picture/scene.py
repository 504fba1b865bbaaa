"""The gym as data: a room in the gym frame, its light, what stands in it, and mirrors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.simulation.picture.lights import Light
from kinecue.simulation.picture.occluders import Occluder
from kinecue.simulation.picture.solids import Mesh
from kinecue.simulation.rotations import unit

FloatArray = NDArray[np.float64]
Wall = Literal["back", "front", "left", "right"]


class SceneError(KineCueError):
    """A scene that cannot be; the text names the field and what is allowed."""


@dataclass(frozen=True)
class Bounds:
    """Where the walls are, gym frame, m: the back wall is ahead of the first camera, left is +y."""

    back: float = 5.6
    front: float = -2.2
    left: float = 3.4
    right: float = -3.4
    ceiling: float = 3.8

    def __post_init__(self) -> None:
        if not (2.0 <= self.back - self.front <= 40.0 and 2.0 <= self.left - self.right <= 40.0):
            raise SceneError(f"bounds: back - front and left - right must be 2 to 40 m, got {self}")
        if not 2.2 <= self.ceiling <= 12.0:
            raise SceneError(f"bounds: ceiling must be 2.2 to 12 m, got {self.ceiling}")


HALL = Bounds(back=8.6, front=-3.6, left=5.6, right=-5.6)
"""Room enough for cameras all around an athlete at the usual spot."""


@dataclass(frozen=True)
class Mirror:
    """A flat mirror.

    Attributes:
        corner: (3,) lower left corner as seen by who looks into it, m.
        across, up: (3,) along its lower and its left edge, m; perpendicular.
        reflectance: share of the light that comes back.
    """

    corner: tuple[float, float, float]
    across: tuple[float, float, float]
    up: tuple[float, float, float]
    reflectance: float = 0.84

    def __post_init__(self) -> None:
        a, b = np.array(self.across), np.array(self.up)
        lengths = float(np.linalg.norm(a)), float(np.linalg.norm(b))
        if min(lengths) < 0.01 or abs(float(a @ b)) > 1e-6 * lengths[0] * lengths[1]:
            raise SceneError("mirror: across and up must be at least 0.01 m long and perpendicular")
        if not 0.0 < self.reflectance <= 1.0:
            raise SceneError(f"mirror: reflectance must be 0 to 1, got {self.reflectance}")

    @property
    def normal(self) -> FloatArray:
        """(3,) unit vector towards who looks into it."""
        return unit(np.cross(self.across, self.up))

    def distance(self, points: FloatArray) -> FloatArray:
        """(...,) of points (..., 3) ahead of the mirror's plane, m."""
        result: FloatArray = (points - np.array(self.corner)) @ self.normal
        return result

    def reflected(self, points: FloatArray) -> FloatArray:
        """(..., 3) where the mirror shows points."""
        result: FloatArray = points - 2.0 * self.distance(points)[..., None] * self.normal
        return result


def mirror_wall(
    wall: Wall,
    bounds: Bounds | None = None,
    start: float = 0.15,
    end: float = 0.85,
    bottom: float = 0.15,
    top: float = 2.4,
) -> Mirror:
    """A mirror on a wall.

    Args:
        wall: which one.
        bounds: of the room; the default room if None.
        start, end: share of the wall's length at which it begins and ends, from the left as seen from inside.
        bottom, top: heights, m.

    Raises:
        SceneError: there is no such wall.
    """
    b = Bounds() if bounds is None else bounds
    gap = 0.01
    # from the left to the right end of each wall, as seen from inside
    ends = {
        "back": ((b.back - gap, b.left), (b.back - gap, b.right)),
        "right": ((b.back, b.right + gap), (b.front, b.right + gap)),
        "front": ((b.front + gap, b.right), (b.front + gap, b.left)),
        "left": ((b.front, b.left - gap), (b.back, b.left - gap)),
    }
    if wall not in ends:
        raise SceneError(f"mirror: wall must be one of {', '.join(ends)}, got {wall!r}")
    a, c = (np.array(e) for e in ends[wall])
    left, right = a + start * (c - a), a + end * (c - a)
    dx, dy = right - left
    return Mirror(
        (float(left[0]), float(left[1]), bottom), (float(dx), float(dy), 0.0), (0.0, 0.0, top - bottom)
    )


@dataclass(frozen=True)
class Scene:
    """What stands in the room.

    Attributes:
        seed: of the floor's specks.
        wall, wainscot, accent: colours, blue, green, red.
        spot: (2,) x and y of the middle of the lifting platform, m.
        extra: furniture on top of the usual, gym frame.
        bounds: the walls.
        light: the lamps.
        occluders: things that may stand between a camera and the athlete, gym frame.
        mirrors: on the walls.
    """

    seed: int = 0
    wall: tuple[int, int, int] = (196, 202, 205)
    wainscot: tuple[int, int, int] = (96, 86, 78)
    accent: tuple[int, int, int] = (50, 120, 225)
    spot: tuple[float, float] = (3.0, 0.0)
    extra: tuple[Mesh, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)
    light: Light = field(default_factory=Light)
    occluders: tuple[Occluder, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
