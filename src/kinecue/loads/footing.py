"""The floor's part in a body's balance: which of it can be known at a frame, and what each foot has of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.angles import cross
from kinecue.body.measurement import Reason
from kinecue.loads.abstention import Abstentions
from kinecue.loads.ground import (
    COP_STD,
    LIGHTEST,
    SLACK,
    FloorFinder,
    SeatFinder,
    Soles,
    Split,
    internal_force,
    split,
)
from kinecue.loads.inverse import Chain, InverseDynamics, Wrenches
from kinecue.loads.posture import LANDMARKS, row, rows
from kinecue.loads.results import GRAVITY
from kinecue.loads.uncertainty import FootShares, OutsideForce, Propagation

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_LEGS = np.array([[13, 11, 9], [14, 12, 10]])
"""Foot, shank and thigh of each side, whose origins are ankle, knee and hip; index into `SEGMENTS`."""
_HEEL, _TOE = np.array([-0.038, -0.035, 0.0]), np.array([0.114, -0.035, 0.0])
"""From the ankle in the frame of the foot, over stature, where they are not seen: a quarter and three quarters of a foot of
0.152 statures (Winter, fig. 4.1)."""
_TRUNK = [row(joint, side) for joint in ("hip", "shoulder") for side in (0, 1)]


@dataclass(frozen=True)
class Scene:
    """All that the balance is found from.

    Attributes:
        stamp_ns: of the frame.
        chain: the segments.
        points: (18, 3) landmarks, m. real: (18,) which of them were seen.
        free: joints without a floor: what is missing at the pelvis is the floor's.
        outside: known forces.
        covariance: (54, 54) of the landmarks, m2. noise: (R, 54) square root of that of their accelerations.
    """

    stamp_ns: int
    chain: Chain
    points: FloatArray
    real: BoolArray
    free: Wrenches
    outside: Sequence[OutsideForce]
    covariance: FloatArray
    noise: FloatArray


@dataclass(frozen=True)
class Floor:
    """What the floor gives.

    Attributes:
        total: (3,) force, N.
        split: of it between the feet, without the force along the line between them.
        forces: (2, 3) on left and right foot, with it, N.
        shares: what is assumed of the feet, for the propagation of errors.
    """

    total: FloatArray
    split: Split
    forces: FloatArray
    shares: FootShares


class Footing:
    """Follows floor and seat of one person."""

    def __init__(self) -> None:
        self._floor, self._seat = FloorFinder(), SeatFinder()

    def reset(self) -> None:
        """Forgets both."""
        self._floor.reset()
        self._seat.reset()

    def balance(
        self, scene: Scene, inverse: InverseDynamics, propagation: Propagation, why: Abstentions
    ) -> Floor | None:
        """The floor's part, if it can be known; says `why` not."""
        chain, free = scene.chain, scene.free
        soles = self._soles(scene, inverse.segments.stature)
        if soles.hands:
            why.hands(Reason.UNSUPPORTED)
        if soles.knees or soles.body:
            why.legs(Reason.UNSUPPORTED)
        if why.ground is not Reason.NONE:
            return None
        force = free.forces[0]
        moment = free.moments[0] + cross(chain.origins[1, 0], force)
        masses = inverse.masses
        mass = float(masses.sum())
        if force[2] < LIGHTEST * mass * GRAVITY or soles.touching.max() <= 0.0:
            # in the air the feet bear nothing
            why.feet(Reason.UNCERTAIN)
            return None
        parts = split(force, moment, soles)
        height = float(masses @ inverse.centres_of_mass(chain)[1, :, 2]) / mass - soles.floor
        weights = _sole_weights(scene.real)
        feet = soles.touching / soles.touching.sum() @ weights
        doubt = propagation.pressure_point(
            scene.covariance, scene.noise, scene.outside, float(force[2]), height, feet
        )
        off = math.sqrt(max(float(np.linalg.eigvalsh(doubt)[-1]), 0.0))
        hips = float(scene.points[rows("hip"), 2].mean()) - soles.floor
        lengths = inverse.segments.lengths
        balanced = parts.outside <= SLACK + 2.0 * off
        seated = self._seat.look(balanced, hips, lengths.thigh + lengths.shank)
        if not balanced:
            why.legs(Reason.IMPLAUSIBLE)
        if seated:
            why.legs(Reason.UNSUPPORTED)
        if why.ground is not Reason.NONE:
            return None
        return _shared(parts, chain, free, weights, doubt, soles)

    def _soles(self, scene: Scene, stature: float) -> Soles:
        points, real = scene.points, scene.real
        heels, toes = points[rows("heel")].copy(), points[rows("foot_index")].copy()
        for side in (0, 1):
            if not (real[row("heel", side)] and real[row("foot_index", side)]):
                frame, ankle = scene.chain.frames[1, 13 + side], points[row("ankle", side)]
                heels[side], toes[side] = ankle + frame @ _HEEL * stature, ankle + frame @ _TOE * stature

        def lowest(*joints: str) -> float:
            seen = [k for joint in joints for k in (row(joint, 0), row(joint, 1)) if real[k]]
            return float(points[seen, 2].min()) if seen else math.inf

        low = (lowest("wrist", "elbow"), lowest("knee"), float(points[_TRUNK, 2].min()))
        return self._floor.look(scene.stamp_ns, heels, toes, low)


def _shared(
    parts: Split, chain: Chain, free: Wrenches, weights: FloatArray, doubt: FloatArray, soles: Soles
) -> Floor:
    places = chain.origins[1][_LEGS]
    moments = free.moments[_LEGS].copy()
    moments -= cross(parts.positions[:, None] - places, parts.forces[:, None])
    moments[..., 2] -= parts.twists[:, None]
    inner, inner_std, levers = internal_force(parts, places, moments)
    forces = parts.forces + inner * parts.along * np.array([[1.0], [-1.0]])
    share_std = 0.0
    if parts.along.any():
        flat = parts.along[:2]
        share_std = math.sqrt(float(flat @ doubt @ flat) + 0.5 * COP_STD**2) / parts.separation
        # one foot that leaves the floor has none to share
        share_std *= float(soles.touching.min())
    shares = FootShares(
        parts.shares, share_std, soles.centres, weights, forces, COP_STD, inner_std, levers, parts.along
    )
    return Floor(free.forces[0], parts, forces, shares)


def _sole_weights(real: BoolArray) -> FloatArray:
    """(2, 18) landmarks that say where each sole is: heel and toe, the ankle where they are not seen."""
    result = np.zeros((2, len(LANDMARKS)))
    for side in (0, 1):
        heel, toe = row("heel", side), row("foot_index", side)
        if real[heel] and real[toe]:
            result[side, [heel, toe]] = 0.5
        else:
            result[side, row("ankle", side)] = 1.0
    return result
