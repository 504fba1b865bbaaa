"""People in the background: they stand, or walk along a path, and do not train."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from kinecue.body.errors import KineCueError
from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.movement.walking import SPEEDS, Walk
from kinecue.simulation.picture.actors import Actor, SkinnedMesh


@dataclass(frozen=True)
class Bystander:
    """Somebody who stands there or walks by.

    Attributes:
        athlete, mesh: the body and how it is dressed.
        path: x and y of at least one point, gym frame, m; one point to stand there.
        facing: where somebody who stands looks, rad about the vertical.
        speed: m/s.
        start_s: when the walk begins. Before, and after it ends, nobody is there; who stands is always there.
    """

    athlete: Athlete
    mesh: SkinnedMesh
    path: tuple[tuple[float, float], ...]
    facing: float = 0.0
    speed: float = 1.2
    start_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.path or not all(len(p) == 2 and all(math.isfinite(c) for c in p) for p in self.path):
            raise KineCueError(f"bystander: path must be at least one point x, y in m, got {self.path}")
        low, high = SPEEDS
        if not low <= self.speed <= high:
            raise KineCueError(f"bystander: speed must be {low:g} to {high:g} m/s, got {self.speed}")

    @property
    def stands(self) -> bool:
        """Whether this person stays in one place."""
        return len(self.path) == 1

    @cached_property
    def _walk(self) -> Walk:
        heading = self.facing if self.stands else None
        return Walk(self.athlete, self.path, self.speed, self.start_s, heading=heading)

    def transforms(self, time_s: float) -> BoneTransforms | None:
        """The bones at a time in s, gym frame; None while nobody is there."""
        if not self.stands and not self.start_s <= time_s <= self._walk.end_s:
            return None
        return self.athlete.transforms(self._walk.figure([time_s]).pose(self.athlete, 0))

    def actor(self, time_s: float) -> Actor | None:
        """The person at a time in s; None while nobody is there."""
        transforms = self.transforms(time_s)
        return None if transforms is None else Actor(self.mesh, transforms)
