"""What the floor gives to the feet, from the balance of the whole body alone: no force plate.

Force and moment of the floor together follow from how all segments move (Newton and Euler). The point of the floor
where that force acts without tipping moment is the zero moment point (Vukobratovic 1972), which is the centre of
pressure of both feet together. How the two feet share it no kinematics can tell for sure. Taken here:

- The vertical share is where that point lies on the line between the middles of what of each foot touches: on the
  left one all is on the left (as Ren, Jones and Howard 2008, J Biomech 41:2750, who let the share go over smoothly from
  foot to foot). A foot that lifts hands over its share between `_LIFTING` and `_LIFTED`.
- Both centres of pressure are as far beside that line as the common one.
- Along the line the feet may press apart or pull together without any change to the whole. Of that the force is taken
  for which the moments of ankles, knees and hips are smallest, within friction: people do not work one leg against the
  other.

The errors of each assumption are in the standard deviations: `COP_STD`, `INTERNAL_STD`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.angles import cross

FloatArray = NDArray[np.float64]

COP_STD = 0.025
"""Centre of pressure of one foot against the middle of what of it touches, m: it wanders within the middle 8 to 10 cm
of the foot's length in lifting, 2 cm across."""
INTERNAL_STD = 0.5
"""Of the force along the line between the feet, relative to itself, with `INTERNAL_FLOOR` of the lesser foot's load.
In squats and sit-to-stand of one person it came to 16 to 27 N sideways where plates measured 22 to 43."""
INTERNAL_FLOOR = 0.05
_FRICTION = 0.5
"""Sole on floor, what people use of it (rubber gives 0.7 to 1.0)."""
_LIFTING, _LIFTED = 0.03, 0.07
"""Rise of heel or toe over its lowest between which it leaves the floor, m: landmarks of a foot at rest move by 1 to
2 cm."""
_RELEASE = 0.01
"""Rate at which a lowest height is forgotten, m/s, so that one stray low frame does no lasting harm."""
_TOE_OVER_FLOOR = 0.02
"""Tip of the big toe over the floor, m."""
_HALF_SOLE = 0.045
"""Half the width of a shoe, m: how far outside the line of heel and toe a centre of pressure may lie."""
SLACK = 0.03
"""Further distance that a common centre of pressure may seem to be outside the soles, m, for errors of segment
masses."""
LIGHTEST = 0.1
"""Share of the body's weight under which nobody stands, and no centre of pressure is looked for."""
_RISEN = 0.05
"""How far the hips rise from a seat before it carries nothing for certain, m."""
_STANDING_SHARE = 0.85
"""Height of the hips over the floor, over the length of the legs, from which on nobody sits."""
_KNEELING, _FLAT_HAND, _ON_THE_FLOOR = 0.08, 0.10, 0.15
"""Heights over the floor of a knee, a wrist or elbow, and hips or shoulders at which they may be resting on it, m
(joint centres of somebody who kneels 5, leans on flat hands 6, sits on the floor 10)."""


@dataclass(frozen=True)
class Soles:
    """What of the feet touches the floor.

    Attributes:
        centres: (2, 3) middle of what touches of the left and the right foot, on the floor, m.
        touching: (2,) 0 in the air to 1 on the floor.
        corners: (P, 2) horizontal places of heels and toes that touch, m.
        floor: height of the floor, m.
        hands, knees, body: whether hands or elbows, a knee, hips or shoulders are so low that they may rest on it.
    """

    centres: FloatArray
    touching: FloatArray
    corners: FloatArray
    floor: float
    hands: bool
    knees: bool
    body: bool


class FloorFinder:
    """Finds the floor under the feet as the lowest that heels and toes have been lately."""

    def __init__(self) -> None:
        self._lowest: FloatArray | None = None
        self._stamp_ns = 0

    def reset(self) -> None:
        """Forgets the floor."""
        self._lowest = None

    def look(
        self, stamp_ns: int, heels: FloatArray, toes: FloatArray, low: tuple[float, float, float]
    ) -> Soles:
        """What touches.

        Args:
            heels, toes: (2, 3) left and right, m.
            low: least height of wrists and elbows, of knees, of hips and shoulders, m.
        """
        heights = np.array([heels[:, 2].min(), toes[:, 2].min()])
        if self._lowest is None:
            self._lowest = heights
        else:
            forgotten = _RELEASE * max((stamp_ns - self._stamp_ns) * 1e-9, 0.0)
            self._lowest = np.minimum(self._lowest + forgotten, heights)
        self._stamp_ns = stamp_ns
        floor = float(self._lowest[1]) - _TOE_OVER_FLOOR
        lifts = np.stack([heels[:, 2] - self._lowest[0], toes[:, 2] - self._lowest[1]])
        share = np.clip((_LIFTED - lifts) / (_LIFTED - _LIFTING), 0.0, 1.0)
        share = share * share * (3.0 - 2.0 * share)
        weights = np.maximum(share, 1e-6)
        centres = (weights[0, :, None] * heels + weights[1, :, None] * toes) / weights.sum(0)[:, None]
        centres[:, 2] = floor
        corners = np.concatenate([heels[share[0] > 0.0, :2], toes[share[1] > 0.0, :2]])
        hands, knees, body = (
            height - floor < limit
            for height, limit in zip(low, (_FLAT_HAND, _KNEELING, _ON_THE_FLOOR), strict=True)
        )
        return Soles(centres, share.max(0), corners, floor, hands, knees, body)


@dataclass(frozen=True)
class Split:
    """The force of the floor on each foot.

    Attributes:
        point: (3,) common centre of pressure, m.
        twist: moment about the vertical there, N m.
        shares: (2,) of the whole on left and right.
        positions: (2, 3) centres of pressure, m.
        forces: (2, 3) N.
        twists: (2,) moments about the vertical, N m.
        outside: how far the common centre of pressure is outside the soles, m; 0 inside.
        along: (3,) unit vector from the right foot to the left one; zero if there is but one foot on the floor.
        separation: of the two feet, m.
    """

    point: FloatArray
    twist: float
    shares: FloatArray
    positions: FloatArray
    forces: FloatArray
    twists: FloatArray
    outside: float
    along: FloatArray
    separation: float


def pressure_point(force: FloatArray, moment: FloatArray, height: float) -> tuple[FloatArray, float]:
    """Where a force with a moment acts without tipping.

    Args:
        force: (3,) N, vertical part not 0. moment: (3,) about the origin, N m.
        height: of the plane, m.

    Returns:
        (3,) the point, m, and the moment about the vertical there, N m.
    """
    fx, fy, fz = force.tolist()
    mx, my, mz = moment.tolist()
    x, y = (height * fx - my) / fz, (height * fy + mx) / fz
    return np.array([x, y, height]), mz - (x * fy - y * fx)


def split(force: FloatArray, moment: FloatArray, soles: Soles) -> Split:
    """Shares out what the floor gives; see above. At least one foot touches."""
    point, twist = pressure_point(force, moment, soles.floor)
    left, right = soles.centres
    way = left - right
    separation = float(np.hypot(way[0], way[1]))
    along = way / separation if separation > 0.02 else np.zeros(3)
    share = float((point - right) @ along) / separation if separation > 0.02 else 0.5
    share = min(max(share, 0.0), 1.0)
    weights = soles.touching * [share, 1.0 - share]
    if weights.sum() < 1e-6:
        # all of it seems to be on a foot in the air: the other one has it
        weights = soles.touching
    shares = weights / weights.sum()
    beside = point - shares @ soles.centres
    if min(soles.touching) <= 0.0:
        along = np.zeros(3)
    return Split(
        point,
        twist,
        shares,
        soles.centres + beside,
        shares[:, None] * force,
        shares * twist,
        distance_outside(point[:2], soles.corners),
        along,
        separation,
    )


def internal_force(parts: Split, joints: FloatArray, moments: FloatArray) -> tuple[float, float, FloatArray]:
    """The force along the line between the feet with the smallest moments of the legs.

    Args:
        parts: without it.
        joints: (2, 3, 3) ankle, knee, hip of each side, m.
        moments: (2, 3, 3) on the distal segment without it, N m.

    Returns:
        The force on the left foot along `Split.along` (its opposite acts on the right one), N; its standard
        deviation, N; (2, 3, 3) what 1 N of it adds to `moments`, N m.
    """
    sign = np.array([1.0, -1.0])[:, None, None]
    levers = -sign * cross(parts.positions[:, None] - joints, np.broadcast_to(parts.along, joints.shape))
    size = float((levers * levers).sum())
    lesser = float(max(parts.forces[:, 2].min(), 0.0))
    if size < 1e-9 or lesser <= 0.0:
        return 0.0, 0.0, levers
    wanted = -float((levers * moments).sum()) / size
    limit = _FRICTION * lesser
    found = min(max(wanted, -limit), limit)
    return found, math.hypot(INTERNAL_STD * found, INTERNAL_FLOOR * lesser), levers


class SeatFinder:
    """Knows somebody who sits although nobody has said so: off balance on the feet alone, until the hips rise."""

    def __init__(self) -> None:
        self._height: float | None = None

    def reset(self) -> None:
        """Standing."""
        self._height = None

    def look(self, balanced: bool, hips_over_floor: float, legs: float) -> bool:
        """Whether a seat may carry.

        Args:
            balanced: the common centre of pressure is within the soles.
            hips_over_floor: m. legs: length of thigh and shank, m.
        """
        if hips_over_floor > _STANDING_SHARE * legs:
            self._height = None
        elif not balanced:
            self._height = hips_over_floor if self._height is None else min(self._height, hips_over_floor)
        elif self._height is not None and hips_over_floor > self._height + _RISEN:
            self._height = None
        return self._height is not None


def distance_outside(point: FloatArray, corners: FloatArray) -> float:
    """Distance of a (2,) point from the soles around (P, 2) heels and toes, m; 0 inside, infinite without any."""
    if not len(corners):
        return math.inf
    hull = _hull([(float(x), float(y)) for x, y in corners])
    px, py = float(point[0]), float(point[1])
    if len(hull) > 2 and all(
        (bx - ax) * (py - ay) - (by - ay) * (px - ax) >= 0.0
        for (ax, ay), (bx, by) in zip(hull, hull[1:] + hull[:1], strict=True)
    ):
        return 0.0
    nearest = math.inf
    for (ax, ay), (bx, by) in zip(hull, hull[1:] + hull[:1], strict=True):
        dx, dy = bx - ax, by - ay
        size = dx * dx + dy * dy
        share = 0.0 if size == 0.0 else min(max(((px - ax) * dx + (py - ay) * dy) / size, 0.0), 1.0)
        nearest = min(nearest, math.hypot(px - ax - share * dx, py - ay - share * dy))
    return max(nearest - _HALF_SOLE, 0.0)


def _hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Convex hull, counter-clockwise (Andrew 1979)."""
    points = sorted(set(points))
    if len(points) < 3:
        return points

    def chain(items: list[tuple[float, float]]) -> list[tuple[float, float]]:
        result: list[tuple[float, float]] = []
        for x, y in items:
            while len(result) > 1:
                (ax, ay), (bx, by) = result[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0.0:
                    break
                result.pop()
            result.append((x, y))
        return result[:-1]

    return chain(points) + chain(points[::-1])
