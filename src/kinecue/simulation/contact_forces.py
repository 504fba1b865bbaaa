"""What floor, bar or bench exert on the body, from how its mass moves (inverse dynamics).

Newton and Euler for the whole body: the contact forces balance its weight, its acceleration, the rate of its angular
momentum, and what weights and cables pull at the hands. Where that leaves a choice, the smallest forces are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.athletes.athlete import Athlete

FloatArray = NDArray[np.float64]

GRAVITY = 9.80665
"""m/s2."""
STEP_S = 0.010
"""Accelerations are central differences over this time to both sides."""
PUSHING = frozenset({"floor", "mat", "bench", "seat", "box"})
"""Surfaces that carry and do not pull; everything else is held and may pull."""
_FRICTION = 0.8
"""Coefficient between sole or skin and a gym's floor: rubber on rubber has 0.7 to 1.0."""
_PATCH = 0.035
"""Half the width of what touches around a contact point, m: half a foot or the heel of a hand."""
_SEAT = 0.09
_SMALLEST = 1e-3
"""Weight of the wish for small forces against the equations of motion, both over the body weight."""
_LEVER = 0.25
"""Length that makes a moment comparable to a force, m."""


@dataclass(frozen=True)
class Touch:
    """A contact that holds.

    Attributes:
        point: name, such as ``heel_l``.
        on: what it touches.
        position: (3,) m.
    """

    point: str
    on: str
    position: FloatArray


@dataclass(frozen=True)
class Pull:
    """A known force on the body: (3,) N at (3,) m."""

    position: FloatArray
    force: FloatArray


@dataclass(frozen=True)
class ContactForce:
    """What a contact exerts on the body.

    Attributes:
        point, on: see `Touch`.
        position: (3,) where the force acts, within what touches, m.
        force: (3,) N.
    """

    point: str
    on: str
    position: FloatArray
    force: FloatArray


@dataclass(frozen=True)
class MassMotion:
    """How the body's mass moves at a moment.

    Attributes:
        centre: (3,) centre of mass, m.
        acceleration: (3,) of it, m/s2.
        spin: (3,) rate of the angular momentum about it, N m.
    """

    centre: FloatArray
    acceleration: FloatArray
    spin: FloatArray


@dataclass(frozen=True)
class ContactForces:
    """All contacts at a moment.

    Attributes:
        contacts: one per contact that holds.
        missing_force: (3,) N, and
        missing_moment: (3,) N m about the centre of mass: what the motion needs and these contacts cannot give,
            because the surface does not pull, the friction does not suffice, or nothing is touched (in the air the
            balance holds only for a body that falls freely).
    """

    contacts: tuple[ContactForce, ...]
    missing_force: FloatArray
    missing_moment: FloatArray


class BodyMass:
    """The segments of a body as rigid masses."""

    def __init__(self, athlete: Athlete) -> None:
        segments = list(athlete.segments.values())
        self.total: float = athlete.mass
        self._bones = np.array([athlete.bone_index[s.bone] for s in segments])
        self._centres = np.stack([s.centre for s in segments])
        self._masses = np.array([s.mass for s in segments])
        self._inertias = np.stack([s.inertia for s in segments])

    def motion(self, before: BoneTransforms, now: BoneTransforms, after: BoneTransforms) -> MassMotion:
        """From the bones `STEP_S` before, at, and after a moment."""
        points = np.stack([self._placed(t) for t in (before, now, after)])
        centres = self._masses @ points / self.total
        turns = [t.rotations[self._bones] for t in (before, now, after)]
        earlier = self._momentum(points[0], points[1], centres[0], centres[1], turns[0], turns[1])
        later = self._momentum(points[1], points[2], centres[1], centres[2], turns[1], turns[2])
        return MassMotion(
            centres[1],
            (centres[2] - 2.0 * centres[1] + centres[0]) / STEP_S**2,
            (later - earlier) / STEP_S,
        )

    def _placed(self, transforms: BoneTransforms) -> FloatArray:
        turned = (transforms.rotations[self._bones] @ self._centres[:, :, None])[:, :, 0]
        placed: FloatArray = turned + transforms.offsets[self._bones]
        return placed

    def _momentum(
        self, a: FloatArray, b: FloatArray, ca: FloatArray, cb: FloatArray, ra: FloatArray, rb: FloatArray
    ) -> FloatArray:
        """(3,) angular momentum about the centre of mass, half way between two moments."""
        arm = (a + b) / 2.0 - (ca + cb) / 2.0
        speed = ((b - a) - (cb - ca)) / STEP_S
        turned = rb @ ra.transpose(0, 2, 1)
        # small angles: the antisymmetric part of the rotation is the rotation vector
        angle = 0.5 * np.stack(
            [
                turned[:, 2, 1] - turned[:, 1, 2],
                turned[:, 0, 2] - turned[:, 2, 0],
                turned[:, 1, 0] - turned[:, 0, 1],
            ],
            -1,
        )
        middle = (ra + rb) / 2.0
        inertia = middle @ self._inertias @ middle.transpose(0, 2, 1)
        own = (inertia @ (angle / STEP_S)[:, :, None])[:, :, 0]
        total: FloatArray = (self._masses[:, None] * np.cross(arm, speed) + own).sum(0)
        return total


def contact_forces(
    mass: float, motion: MassMotion, touches: Sequence[Touch], pulls: Sequence[Pull] = ()
) -> ContactForces:
    """Distribute what the motion needs over the contacts.

    Args:
        mass: of the body, kg.
        motion: of its mass, in a frame with z up.
        touches: the contacts that hold.
        pulls: known forces: free weights, cables.
    """
    weight = mass * GRAVITY
    force = mass * (motion.acceleration + [0.0, 0.0, GRAVITY])
    moment = motion.spin.copy()
    for pull in pulls:
        force = force - pull.force
        moment = moment - np.cross(pull.position - motion.centre, pull.force)
    if not touches:
        return ContactForces((), force, moment)
    places, directions, owner = _generators(touches)
    arms = places - motion.centre
    wrenches = np.concatenate([directions, np.cross(arms, directions) / _LEVER], 1).T
    wanted = np.concatenate([force, moment / _LEVER]) / weight
    n = wrenches.shape[1]
    system = np.concatenate([wrenches, _SMALLEST * np.eye(n)])
    shares, _ = nnls(system, np.concatenate([wanted, np.zeros(n)]), maxiter=40 * n)
    left = (wanted - wrenches @ shares) * weight
    forces = shares[:, None] * directions * weight
    result = []
    for i, touch in enumerate(touches):
        own = owner == i
        size = shares[own]
        position = touch.position
        if touch.on in PUSHING and float(size.sum()) > 1e-9:
            position = size @ places[own] / size.sum()
        result.append(ContactForce(touch.point, touch.on, position, forces[own].sum(0)))
    return ContactForces(tuple(result), left[:3], left[3:] * _LEVER)


_HELD = np.concatenate([np.eye(3), -np.eye(3)])
_CONE = np.array(
    [[_FRICTION, 0.0, 1.0], [-_FRICTION, 0.0, 1.0], [0.0, _FRICTION, 1.0], [0.0, -_FRICTION, 1.0]]
) / np.hypot(1.0, _FRICTION)
"""Edges of the friction pyramid, inside the cone of friction."""
_CORNERS = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [-1.0, -1.0, 0.0]])


def _generators(touches: Sequence[Touch]) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Places (G, 3), unit directions (G, 3) whose positive sums are the possible forces, and the contact of each."""
    places: list[FloatArray] = []
    directions: list[FloatArray] = []
    owner: list[int] = []
    for i, touch in enumerate(touches):
        if touch.on in PUSHING:
            half = _PATCH if touch.on in ("floor", "mat") else _SEAT
            corners = touch.position + half * _CORNERS
            places.append(np.repeat(corners, len(_CONE), 0))
            directions.append(np.tile(_CONE, (len(corners), 1)))
        else:
            places.append(np.repeat(touch.position[None], len(_HELD), 0))
            directions.append(_HELD)
        owner += [i] * len(places[-1])
    return np.concatenate(places), np.concatenate(directions), np.array(owner)
