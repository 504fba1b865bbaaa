"""Cables, free weights and other known forces, put where they act on the body."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.loads.external import SPLIT_STD, CablePull, External, HandForce, HeldMass, cable_direction
from kinecue.loads.inverse import STEP_S, Chain, PointForce
from kinecue.loads.posture import LANDMARKS, row
from kinecue.loads.results import GRAVITY, ExternalForce, ForceKind, LoadPlace, LoadSide
from kinecue.loads.segments import SegmentModel
from kinecue.loads.uncertainty import OutsideForce

FloatArray = NDArray[np.float64]

_HANDS = (7, 8)
_TRUNK = 1
_ON_SHOULDERS = {LoadPlace.BACK: (-0.035, 0.020), LoadPlace.FRONT: (0.050, 0.010)}
"""A bar ahead of and above the middle of the shoulder joints, across and along the trunk, over stature: as in
`kinecue.exercise.balance`."""


@dataclass(frozen=True)
class Applied:
    """A force on the body in the forms that are needed.

    Attributes:
        point: for the inverse dynamics. outside: for the propagation of errors. report: for the result.
    """

    point: PointForce
    outside: OutsideForce
    report: ExternalForce


def applied_forces(external: Sequence[External], chain: Chain, model: SegmentModel) -> list[Applied]:
    """All forces, those of both hands shared out between them."""
    result: list[Applied] = []
    for item in external:
        if isinstance(item, HeldMass):
            result += _mass(item, chain, model)
        else:
            result += _pull(item, chain, model)
    return result


def grips(chain: Chain, model: SegmentModel) -> FloatArray:
    """(3, 2, 3) middles of what left and right hand grip, m."""
    hands = chain.frames[:, _HANDS] @ np.array([0.0, -model.grip, 0.0])
    result: FloatArray = chain.origins[:, _HANDS] + hands
    return result


def _sides(side: LoadSide) -> tuple[int, ...]:
    return {LoadSide.LEFT: (0,), LoadSide.RIGHT: (1,)}.get(side, (0, 1))


def _grip_weights(side: int, model: SegmentModel) -> FloatArray:
    result = np.zeros(len(LANDMARKS))
    share = model.grip / model.lengths.forearm
    result[row("wrist", side)], result[row("elbow", side)] = 1.0 + share, -share
    return result


def _mass(item: HeldMass, chain: Chain, model: SegmentModel) -> list[Applied]:
    result = []
    if item.place is LoadPlace.HANDS:
        sides = _sides(item.side)
        course = grips(chain, model)
        places = [(_HANDS[side], course[:, side], _grip_weights(side, model)) for side in sides]
        marks = [(LoadSide.LEFT, LoadSide.RIGHT)[side] for side in sides]
    else:
        ahead, above = _ON_SHOULDERS[item.place]
        offset = model.along_trunk(np.array([ahead, above, 0.0]) * model.stature)
        weights = np.zeros(len(LANDMARKS))
        weights[[row("shoulder", 0), row("shoulder", 1)]] = 0.5
        places = [(_TRUNK, chain.chests + chain.frames[:, _TRUNK] @ offset, weights)]
        marks = [LoadSide.BOTH]
    mass = item.mass_kg / len(places)
    mass_std = item.mass_std / len(places)
    if len(places) == 2:
        mass_std = math.hypot(mass_std, SPLIT_STD * item.mass_kg)
    for (segment, course_, weights), mark in zip(places, marks, strict=True):
        acceleration = (course_[2] - 2.0 * course_[1] + course_[0]) / STEP_S**2
        acceleration = acceleration + [0.0, 0.0, GRAVITY]
        std = mass_std * float(np.sqrt(acceleration @ acceleration))
        result.append(
            _applied(ForceKind.WEIGHT, mark, segment, course_[1], -mass * acceleration, std, mass, weights)
        )
    return result


def _pull(item: HandForce | CablePull, chain: Chain, model: SegmentModel) -> list[Applied]:
    sides = _sides(item.side)
    places = grips(chain, model)[1]
    if isinstance(item, CablePull):
        force = item.tension_n * cable_direction(places[list(sides)].mean(0), item.pulley_m)
        std, kind, at = item.tension_std, ForceKind.CABLE, None
    else:
        force, std, kind, at = np.asarray(item.force, float), item.std, item.kind, item.position
    part_std = std / len(sides)
    if len(sides) == 2:
        part_std = math.hypot(part_std, SPLIT_STD * float(np.sqrt(force @ force)))
    result = []
    for side in sides:
        place = places[side] if at is None else np.asarray(at, float)
        mark = (LoadSide.LEFT, LoadSide.RIGHT)[side]
        result.append(
            _applied(
                kind, mark, _HANDS[side], place, force / len(sides), part_std, 0.0, _grip_weights(side, model)
            )
        )
    return result


def _applied(
    kind: ForceKind,
    side: LoadSide,
    segment: int,
    place: FloatArray,
    force: FloatArray,
    std: float,
    mass: float,
    weights: FloatArray,
) -> Applied:
    return Applied(
        PointForce(segment, place, force, np.zeros(3)),
        OutsideForce(weights, place, force, mass, std, segment),
        ExternalForce(kind, side, place, force, std),
    )
