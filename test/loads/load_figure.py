"""People made of straight lines whose loads can be worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body import BLAZEPOSE_33, Body, Landmark, LandmarkState, Topology
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.body import ALL_ROUND
from kinecue.loads.dynamics import BodyDynamics
from kinecue.loads.external import FEET_ONLY, External, Support
from kinecue.loads.results import Dynamics, Hands
from kinecue.loads.segments import LoadPerson

FloatArray = NDArray[np.float64]

STATURE, MASS = 1.75, 80.0
LENGTHS = SegmentLengths(
    pelvis=0.19, trunk=0.50, shoulders=0.36, thigh=0.42, shank=0.43, upper_arm=0.30, forearm=0.26
)
PERSON = LoadPerson(MASS, sex="male", lengths=LENGTHS, stature=STATURE)
DOWN, AHEAD, UP = (0.0, 0.0, -1.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
RATE = 30.0


@dataclass(frozen=True)
class Pose:
    """Angles in degrees; directions of arms as (ahead, out to the own side, up).

    The shank leans ahead by `shank`, the thigh back by `thigh` (hip behind the knee), the trunk ahead by `lean`.
    """

    shank: float = 0.0
    thigh: float = 0.0
    lean: float = 0.0
    upper_arms: tuple[Sequence[float], Sequence[float]] = (DOWN, DOWN)
    forearms: tuple[Sequence[float], Sequence[float]] = (DOWN, DOWN)
    stance: float = LENGTHS.pelvis
    lift: tuple[float, float] = (0.0, 0.0)
    """By how much each foot is off the floor (its knee is as high: that leg is bent out of the way to the side)."""
    shift: float = 0.0
    """Pelvis and all above it to the left, m."""


def joints(pose: Pose) -> dict[str, FloatArray]:
    """Joint centres of somebody at the origin who faces +x, left side at +y, z up, floor at 0."""
    shank, thigh, lean = (math.radians(a) for a in (pose.shank, pose.thigh, pose.lean))
    points: dict[str, FloatArray] = {}
    height = 0.08
    for side, sign, lift in (("left", 1.0, pose.lift[0]), ("right", -1.0, pose.lift[1])):
        ankle = np.array([0.0, sign * pose.stance / 2, height + lift])
        points[f"{side}_ankle"] = ankle
        points[f"{side}_heel"] = ankle + [-0.05, 0.0, -height + 0.02]
        points[f"{side}_foot_index"] = ankle + [0.19, 0.0, -height + 0.02]
    knee = np.array([LENGTHS.shank * math.sin(shank), 0.0, height + LENGTHS.shank * math.cos(shank)])
    hip = knee + [-LENGTHS.thigh * math.sin(thigh), 0.0, LENGTHS.thigh * math.cos(thigh)]
    along = np.array([math.sin(lean), 0.0, math.cos(lean)])
    middle = hip + [0.0, pose.shift, 0.0]
    chest = middle + LENGTHS.trunk * along
    for i, (side, sign) in enumerate((("left", 1.0), ("right", -1.0))):
        points[f"{side}_hip"] = middle + [0.0, sign * LENGTHS.pelvis / 2, 0.0]
        ankle_y = points[f"{side}_ankle"][1]
        share = LENGTHS.shank / (LENGTHS.shank + LENGTHS.thigh)
        across = ankle_y + share * (points[f"{side}_hip"][1] - ankle_y)
        points[f"{side}_knee"] = knee + [0.0, across, 0.0]
        shoulder = chest + [0.0, sign * LENGTHS.shoulders / 2, 0.0]
        points[f"{side}_shoulder"] = shoulder
        upper = np.array(pose.upper_arms[i]) * [1.0, sign, 1.0]
        fore = np.array(pose.forearms[i]) * [1.0, sign, 1.0]
        points[f"{side}_elbow"] = shoulder + LENGTHS.upper_arm * upper
        points[f"{side}_wrist"] = points[f"{side}_elbow"] + LENGTHS.forearm * fore
        points[f"{side}_ear"] = chest + 0.2 * along + [0.0, sign * 0.07, 0.0]
    return points


@dataclass
class Film:
    """Turns joint centres into bodies.

    Attributes:
        heading: of the person, rad. place: on the floor, m.
        std: that the covariances claim, m. white: noise of every coordinate, m.
        mirrored: left and right exchanged in the mirror of the person's own sagittal plane.
        lost, inferred: landmarks.
    """

    heading: float = 0.0
    place: tuple[float, float] = (0.0, 0.0)
    std: float = 0.0
    white: float = 0.0
    mirrored: bool = False
    lost: tuple[Landmark, ...] = ()
    inferred: tuple[Landmark, ...] = ()
    view: float = ALL_ROUND
    topology: Topology = BLAZEPOSE_33
    seed: int = 0
    covariance: FloatArray | None = None
    _random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)

    def body(self, points: dict[str, FloatArray], stamp_ns: int, body_id: str = "a") -> Body:
        n = len(self.topology)
        positions = np.full((n, 3), np.nan)
        c, s = math.cos(self.heading), math.sin(self.heading)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        for name, point in points.items():
            mark = Landmark(name)
            if self.mirrored:
                mark, point = mark.mirrored, point * [1.0, -1.0, 1.0]
            if mark in self.topology:
                positions[self.topology.index(mark)] = turn @ point + [*self.place, 0.0]
        if self.white:
            positions += self._random.normal(0.0, self.white, positions.shape)
        states = np.where(np.isfinite(positions[:, 0]), 2, 0).astype(np.uint8)
        for mark in self.inferred:
            states[self.topology.index(mark)] = LandmarkState.INFERRED
        for mark in self.lost:
            positions[self.topology.index(mark)], states[self.topology.index(mark)] = np.nan, 0
        block = np.eye(3) * self.std**2 if self.covariance is None else self.covariance
        covariances = np.broadcast_to(block, (n, 3, 3)).copy()
        covariances[states == 0] = np.nan
        return Body(
            body_id, stamp_ns, self.topology, np.zeros((n, 2)), np.ones(n), positions, covariances, states, 1.0,
            (640, 480), view=self.view, calibrated=True,
        )  # fmt: skip


def course(
    points: Callable[[float], dict[str, FloatArray]],
    seconds: float = 0.8,
    rate: float = RATE,
    film: Film | None = None,
    external: Sequence[External] = (),
    hands: Hands = Hands.EMPTY,
    support: Support = FEET_ONLY,
    person: LoadPerson = PERSON,
    dynamics: BodyDynamics | None = None,
) -> list[Dynamics]:
    """All that comes out of a course of joint centres over time."""
    film = film or Film()
    dynamics = dynamics or BodyDynamics(person)
    result = []
    for i in range(round(seconds * rate)):
        stamp = 1_000_000_000 + round(i / rate * 1e9)
        found = dynamics.update(film.body(points(i / rate), stamp), external, hands, support)
        if found is not None:
            result.append(found)
    return result


def still(
    pose: Pose,
    film: Film | None = None,
    external: Sequence[External] = (),
    hands: Hands = Hands.EMPTY,
    support: Support = FEET_ONLY,
    person: LoadPerson = PERSON,
) -> Dynamics:
    """Loads of somebody who holds still."""
    points = joints(pose)
    return course(
        lambda _: points, film=film, external=external, hands=hands, support=support, person=person
    )[-1]


_BACK = (-math.sin(math.radians(5.0)), 0.0, -math.cos(math.radians(5.0)))
LEANING = Pose(shank=5.0, thigh=-5.0, lean=5.0, upper_arms=(_BACK, _BACK), forearms=(_BACK, _BACK))
"""As straight as a board, leaning 5 degrees ahead from the ankles."""
CURL = Pose(forearms=(AHEAD, AHEAD))
TABLE = Pose(upper_arms=((0.0, 1.0, 0.0),) * 2, forearms=((0.0, 1.0, 0.0),) * 2)
"""Arms straight out to the sides."""
BENT = Pose(shank=-6.0, thigh=14.0, lean=45.0)
"""Trunk 45 degrees ahead, hips back so that the feet carry it."""
SQUAT = Pose(shank=30.0, thigh=90.0, lean=45.0, upper_arms=(AHEAD, AHEAD), forearms=(AHEAD, AHEAD))


def squatting(t: float, period: float = 2.0) -> dict[str, FloatArray]:
    """Down and up again, over and over; the shares of the angles keep the feet flat and the body over them."""
    s = 0.5 - 0.5 * math.cos(2.0 * math.pi * t / period)
    return joints(
        replace(
            SQUAT,
            shank=28.0 * s,
            thigh=70.0 * s,
            lean=42.0 * s,
            upper_arms=((math.sin(1.5 * s), 0.0, -math.cos(1.5 * s)),) * 2,
            forearms=((math.sin(1.5 * s), 0.0, -math.cos(1.5 * s)),) * 2,
        )
    )
