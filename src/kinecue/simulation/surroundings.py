"""What is around the athlete, as data: light, things in the way, mirrors, people who walk past."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from kinecue.body.errors import KineCueError
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.picture.cameras import SyntheticCamera
from kinecue.simulation.picture.lights import LIGHTS
from kinecue.simulation.picture.occluders import OCCLUDERS
from kinecue.simulation.picture.outfits import OUTFITS
from kinecue.simulation.picture.scene import HALL, Bounds, Scene, Wall, mirror_wall
from kinecue.simulation.picture.solids import Mesh

WALLS: tuple[Wall, ...] = ("back", "front", "left", "right")
_FROM_WALL = 0.3
"""A camera or person is at least so far from a wall, m."""


def one_of(owner: str, name: str, value: str, allowed: Collection[str]) -> None:
    """Refuse a name that there is not.

    Raises:
        KineCueError: naming the field and the allowed values.
    """
    if value not in allowed:
        raise KineCueError(f"{owner}: {name} must be one of {', '.join(sorted(allowed))}, got {value!r}")


def within(owner: str, name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a number out of its range.

    Raises:
        KineCueError: naming the field and the range.
    """
    if not (math.isfinite(value) and low <= value <= high):
        raise KineCueError(
            f"{owner}: {name} must be {low:g} to {high:g}{' ' if unit else ''}{unit}, got {value:g}"
        )


@dataclass(frozen=True)
class PlacedOccluder:
    """A thing that may stand in the way.

    Attributes:
        name: of `kinecue.simulation.picture.occluders.OCCLUDERS`.
        x, y: on the floor of the gym, m.
        turn: about the vertical, rad.
    """

    name: str
    x: float
    y: float
    turn: float = 0.0

    def __post_init__(self) -> None:
        one_of("occluder", "name", self.name, OCCLUDERS)
        within("occluder", "x", self.x, -20.0, 20.0, "m")
        within("occluder", "y", self.y, -20.0, 20.0, "m")


@dataclass(frozen=True)
class PlacedBystander:
    """Somebody who walks past.

    Attributes:
        athlete: a name of `kinecue.simulation.athletes.presets.ATHLETES`.
        outfit: a name of `kinecue.simulation.picture.outfits.OUTFITS`.
        path: points on the floor of the gym, m; walked from the first to the last.
        speed: m/s.
        start_s: when the walk begins, s since the clip's start.
    """

    athlete: str
    outfit: str
    path: tuple[tuple[float, float], ...]
    speed: float = 1.2
    start_s: float = 0.0

    def __post_init__(self) -> None:
        one_of("bystander", "athlete", self.athlete, ATHLETES)
        one_of("bystander", "outfit", self.outfit, OUTFITS)
        if len(self.path) < 2:
            raise KineCueError("bystander: path must have at least 2 points")
        within("bystander", "speed", self.speed, 0.4, 2.0, "m/s")
        within("bystander", "start_s", self.start_s, 0.0, 3600.0, "s")


@dataclass(frozen=True)
class Surroundings:
    """The gym of a programme, gym frame.

    Attributes:
        light: a name of `kinecue.simulation.picture.lights.LIGHTS`.
        occluders: things in the way.
        mirrors: walls with a mirror: ``back``, ``front``, ``left``, ``right``, as the first camera looks.
        bystanders: people who walk past.
    """

    light: str = "bright"
    occluders: tuple[PlacedOccluder, ...] = ()
    mirrors: tuple[Wall, ...] = ()
    bystanders: tuple[PlacedBystander, ...] = ()

    def __post_init__(self) -> None:
        one_of("scene", "light", self.light, LIGHTS)
        for wall in self.mirrors:
            one_of("scene", "mirror", wall, WALLS)

    def bounds(self, cameras: Sequence[SyntheticCamera], spot: tuple[float, float]) -> Bounds:
        """Walls around everybody: the usual room, or a hall if that is too small.

        Raises:
            KineCueError: not even the hall is large enough.
        """
        points = [(c.mount.x, c.mount.y) for c in cameras] + [spot]
        points += [p for b in self.bystanders for p in b.path]
        for bounds in (Bounds(), HALL):
            if all(_inside(x, y, bounds) for x, y in points):
                return bounds
        worst = next(p for p in points if not _inside(*p, HALL))
        raise KineCueError(
            f"scene: cameras and people must be within x {HALL.front + _FROM_WALL:g} to {HALL.back - _FROM_WALL:g} m "
            f"and y {HALL.right + _FROM_WALL:g} to {HALL.left - _FROM_WALL:g} m, got {worst[0]:.2f}, {worst[1]:.2f}"
        )

    def scene(
        self, cameras: Sequence[SyntheticCamera], spot: tuple[float, float], furniture: Mesh, seed: int
    ) -> Scene:
        """The room as the renderer takes it.

        Args:
            cameras: that look into it.
            spot: (2,) where the athlete trains, m.
            furniture: of the exercise, gym frame.
            seed: of the floor's specks.
        """
        bounds = self.bounds(cameras, spot)
        return Scene(
            seed=seed,
            spot=spot,
            extra=(furniture,) if len(furniture.faces) else (),
            bounds=bounds,
            light=LIGHTS[self.light],
            occluders=tuple(OCCLUDERS[o.name]().placed(o.x, o.y, o.turn) for o in self.occluders),
            mirrors=tuple(mirror_wall(wall, bounds) for wall in self.mirrors),
        )


def _inside(x: float, y: float, b: Bounds) -> bool:
    return (
        b.front + _FROM_WALL <= x <= b.back - _FROM_WALL and b.right + _FROM_WALL <= y <= b.left - _FROM_WALL
    )


def passers_by(
    count: int, distance: float, seed: int = 0, duration_s: float = 20.0
) -> tuple[PlacedBystander, ...]:
    """People who cross the picture of the first camera, in turn behind and before the athlete.

    Args:
        count: how many, 0 to 6.
        distance: of the athlete from the first camera, m.
        seed: who comes when, in what.
        duration_s: time over which they come.

    Raises:
        KineCueError: the count is out of its range.
    """
    if not 0 <= count <= 6:
        raise KineCueError(f"scene: bystanders must be 0 to 6, got {count}")
    rng = np.random.default_rng((seed, 77))
    people, clothes = sorted(ATHLETES), sorted(OUTFITS)
    result = []
    for i in range(count):
        behind = i % 2 == 0
        x = distance + float(rng.uniform(0.9, 1.6)) if behind else distance * float(rng.uniform(0.42, 0.55))
        side = 1.0 if rng.random() < 0.5 else -1.0
        half = min(0.75 * x + 0.7, 3.0)
        start = float(rng.uniform(0.05, 0.2)) * duration_s + i * 0.75 * duration_s / count
        result.append(
            PlacedBystander(
                people[int(rng.integers(len(people)))],
                clothes[int(rng.integers(len(clothes)))],
                ((round(x, 3), round(side * half, 3)), (round(x, 3), round(-side * half, 3))),
                round(float(rng.uniform(1.0, 1.4)), 3),
                round(start, 3),
            )
        )
    return tuple(result)
