"""What lies before and after a set: walking in, getting into position, getting out of it, walking away.

Gear waits where the hands take it (`Performance.gear_times`): weights that are lifted from the floor and handles of low
cables near the floor, everything else where the start position has it: a bar as in a rack, a handle as on a hook.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.gear.equipment import Equipment
from kinecue.simulation.movement.approach import Approach
from kinecue.simulation.movement.blend import join
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.technique import Exercise, Technique
from kinecue.simulation.movement.walking import Walk

FloatArray = NDArray[np.float64]

_DIRECTIONS = (180.0, 135.0, -135.0, 90.0, -90.0, 45.0, -45.0, 0.0)
"""Where the athlete may come from against where the exercise looks, in order of preference, degrees."""
_FROM, _ASIDE, _LAST_STRAIGHT = 2.4, 0.8, 0.9
"""Beginning of the walk from the spot along that direction and beside it, and length of its last straight stretch, m."""
_BERTH = 0.40
"""Free space beside the path that is enough, m."""
_AT_THE_SPOT = 0.45
_HEADROOM = 1.9
_ARRIVED = 0.003
"""How near a point is to its place in the exercise when it counts as being there, m."""
_STAND_S = 0.25
"""Standing between walking and getting into position, s."""
_SHOULDER_HIGH = 0.82
"""Of the stature: weights that begin higher than that are taken from a rack, not from the floor."""
_FLOOR_GRIP = 0.24
"""Height of what is picked up from the floor, m: a bar in plates of 0.45 m, the handle of a kettlebell."""
_LOW_PULLEY = 0.6
"""Cables that come from lower than that are taken near the pulley, m."""


@dataclass(frozen=True)
class ContactTrack:
    """A point of the body that holds on to something at times.

    Attributes:
        point: of `Figure`, such as ``heel_l``.
        on: ``floor``, ``bar``, ``bench`` ...
        positions: (N, 3) athlete's frame, m.
        holds: (N,) whether it does.
    """

    point: str
    on: str
    positions: FloatArray
    holds: NDArray[np.bool_]


class Entrance:
    """In and out.

    Attributes:
        lead_s: how long it takes until the set begins; 0 for a clip that begins in position.
        tail_s: how long the way out takes.
        take_s, put_s: when the hands take the gear, after the beginning; when they have put it down, after the end
            of the set.
    """

    def __init__(
        self,
        athlete: Athlete,
        exercise: Exercise,
        technique: Technique,
        mode: str = "none",
        ends: tuple[Figure, Figure] | None = None,
        seed: int = 0,
    ) -> None:
        """Plan both.

        Args:
            athlete: who.
            exercise, technique: what is trained.
            mode: ``none``, ``ready`` or ``walk``; see `SetPlan.approach`.
            ends: one moment each, the body when the set begins and when it has ended; None with ``none``.
            seed: of speed and direction of the walk.
        """
        self.lead_s = self.tail_s = self.take_s = self.put_s = 0.0
        self._contacts = technique.contacts
        self._in: Approach | None = None
        self._out: Approach | None = None
        self._walk_in: Walk | None = None
        self._walk_out: Walk | None = None
        self._walk_s = self._leave_s = 0.0
        if mode == "none" or ends is None:
            return
        start, end = ends
        pick_up = _pick_up(athlete, exercise, technique, start)
        self._in = Approach(athlete, start, exercise.posture, pick_up)
        self._out = Approach(athlete, end, exercise.posture, pick_up)
        if mode == "walk":
            gear = technique.equipment
            rng = np.random.default_rng(seed)
            speed, side = float(rng.uniform(1.05, 1.35)), float(rng.choice([-1.0, 1.0]))
            self._walk_in = Walk(
                athlete, _way(self._in.spot, side, gear), speed, 0.0, end_heading=self._in.spot[2]
            )
            self._walk_out = Walk(
                athlete,
                _way(self._out.spot, -side, gear)[::-1],
                speed,
                self._out.duration_s + _STAND_S,
                self._out.spot[2],
            )
            self._walk_s = self._walk_in.end_s + _STAND_S
            self._leave_s = self._walk_out.end_s - self._out.duration_s
        self.lead_s = self._walk_s + self._in.duration_s
        self.tail_s = self._out.duration_s + self._leave_s
        self.take_s = self._walk_s + self._in.take_s
        self.put_s = self._out.duration_s - self._out.take_s

    def coming(self, times_s: ArrayLike) -> Figure:
        """The body at (N,) times from the beginning of the clip to the set."""
        t = np.asarray(times_s, dtype=np.float64)
        return self._joined(t, t < self._walk_s, self._walk_in, self._in, t - self._walk_s)

    def leaving(self, times_s: ArrayLike) -> Figure:
        """The body at (N,) times after the end of the set."""
        t = np.asarray(times_s, dtype=np.float64)
        if self._out is None:
            raise ValueError("the clip ends with the set: there is no way out")
        return self._joined(t, t > self._out.duration_s, self._walk_out, self._out, self._out.duration_s - t)

    @staticmethod
    def _joined(
        t: FloatArray, walks: NDArray[np.bool_], walk: Walk | None, approach: Approach | None, own: FloatArray
    ) -> Figure:
        if approach is None:
            raise ValueError("the clip begins with the set: there is no way in")
        if walk is None or not walks.any():
            return approach.figure(own)
        if walks.all():
            return walk.figure(t)
        rows, rest = np.where(walks)[0], np.where(~walks)[0]
        return join([(rows, walk.figure(t[rows])), (rest, approach.figure(own[rest]))], len(t))

    def holds(self, times_s: ArrayLike, figure: Figure, leaving: bool) -> dict[str, NDArray[np.bool_]]:
        """(N,) by point, whether it is where it stays.

        Args:
            times_s, figure: times and body as of `coming` or `leaving`.
            leaving: which of the two.
        """
        t = np.asarray(times_s, dtype=np.float64)
        approach, walk = (self._out, self._walk_out) if leaving else (self._in, self._walk_in)
        if approach is None:
            raise ValueError("there is no way in or out")
        own = approach.duration_s - t if leaving else t - self._walk_s
        held = approach.contacts(own, figure)
        if walk is not None:
            walked = walk.contacts(t)
            held = {point: np.where(own < 0.0, walked[point], holds) for point, holds in held.items()}
        for contact in self._contacts:
            # what has arrived where it will be in the exercise
            if contact.point in held:
                continue
            place = approach.goal.points[contact.point][0]
            near = np.linalg.norm(figure.points[contact.point] - place, axis=1) < _ARRIVED
            held[contact.point] = near & (own > 0.0)
        return held


def _way(spot: tuple[float, float, float], side: float, gear: Equipment) -> list[tuple[float, float]]:
    """To the spot from where nothing stands in the way, from behind if that is free."""
    x, y, heading = spot
    obstacles = gear.furniture().vertices
    obstacles = obstacles[(obstacles[:, 2] > 0.1) & (obstacles[:, 2] < _HEADROOM), :2]
    best: tuple[float, list[tuple[float, float]]] = (-1.0, [])
    for degrees in _DIRECTIONS:
        turn = heading + side * math.radians(degrees)
        ahead, aside = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
        here = np.array([x, y])
        points = [here + _FROM * ahead + side * _ASIDE * aside, here + _LAST_STRAIGHT * ahead, here]
        free = math.inf
        if len(obstacles):
            # what stands at the spot itself belongs to the exercise
            share = np.linspace(0.0, 1.0, 12)[:, None]
            line = np.concatenate([a + share * (b - a) for a, b in itertools.pairwise(points)])
            line = line[np.linalg.norm(line - here, axis=1) > _AT_THE_SPOT]
            free = float(np.linalg.norm(line[:, None] - obstacles, axis=2).min())
        if free > best[0] + 1e-9:
            best = (free, [(float(p[0]), float(p[1])) for p in points])
        if free > _BERTH:
            break
    return best[1]


def _pick_up(
    athlete: Athlete, exercise: Exercise, technique: Technique, start: Figure
) -> tuple[float, float] | None:
    """Where the gear waits that both hands take from below: ahead of the feet and over the floor, m."""
    if exercise.posture == "floor":
        held = technique.equipment.weights(athlete.transforms(start.pose(athlete, 0)))
        return (0.0, 0.0) if held else None
    if exercise.posture != "standing" or float(start.grip.min()) < 0.5:
        return None
    gear = technique.equipment
    middle = start.middle("ankle")[0]
    hands = float(start.middle("grip")[0, 2])
    if gear.cables:
        pulley = np.mean([c.pulley for c in gear.cables], axis=0)
        if pulley[2] < _LOW_PULLEY and hands - pulley[2] > 0.3 and pulley[0] > middle[0] + 0.2:
            return min(float(pulley[0] - middle[0]) - 0.12, 0.42 * athlete.scale), float(pulley[2]) + 0.16
        return None
    if hands > _SHOULDER_HIGH * athlete.stature or hands < _FLOOR_GRIP + 0.12:
        return None
    held = gear.weights(athlete.transforms(start.pose(athlete, 0)))
    return (0.10 * athlete.scale, _FLOOR_GRIP) if held else None
