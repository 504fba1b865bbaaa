"""How uncertain joint moments and the ground reaction are: landmarks, accelerations, masses, loads, assumptions.

With the centre of mass of every segment a weighted mean of landmarks, a joint's moment is

    M = sum_i c_i (x_i - r) x f_i - l (1 - l) (u - u') x F,     f_i = m_i (a_i + g)  or  minus a force from outside,

where c_i is 1 for the segments beyond the joint; in a leg less l, the share that its foot bears of F = sum_i f_i,
with u and u' the middles of its own and the other sole. That is linear in positions and in accelerations, so
first-order propagation is exact but for products of errors. Rotational inertia is left out here (not in the moments
themselves): it is under a tenth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.angles import cross
from kinecue.loads.inverse import beyond
from kinecue.loads.posture import LANDMARKS, row
from kinecue.loads.results import GRAVITY, Joint, LoadSide
from kinecue.loads.segments import LUMBAR_STD, MASS_STD, SEGMENTS, TRUNK_STD, SegmentModel

FloatArray = NDArray[np.float64]

JOINTS: tuple[tuple[Joint, LoadSide], ...] = (
    *(
        (joint, side)
        for joint in (Joint.ANKLE, Joint.KNEE, Joint.HIP)
        for side in (LoadSide.LEFT, LoadSide.RIGHT)
    ),
    (Joint.L5S1, LoadSide.NONE),
    *((joint, side) for joint in (Joint.SHOULDER, Joint.ELBOW) for side in (LoadSide.LEFT, LoadSide.RIGHT)),
)
"""Order of the joints in arrays and in `Dynamics.joints`."""
DISTAL = (13, 14, 11, 12, 9, 10, 1, 3, 4, 5, 6)
"""Segment that each joint moves, index into `SEGMENTS`."""
LEGS = slice(0, 6)
TRUNCATED = 0.1
"""Share of an acceleration that the smoothing may have cut off (2 % at 1 Hz, 23 % at 2 Hz)."""
_BEYOND = np.array([[i in beyond(segment) for i in range(len(SEGMENTS))] for segment in DISTAL], float)


@dataclass(frozen=True)
class OutsideForce:
    """A force from outside as the propagation needs it.

    Attributes:
        weights: (18,) of the landmarks that say where it acts.
        position: (3,) m. force: (3,) N.
        mass: kg that moves with that point, of which the force is weight and inertia; 0 of a cable.
        std: of the size of the force, N.
        segment: on which it acts, index into `SEGMENTS`.
    """

    weights: FloatArray
    position: FloatArray
    force: FloatArray
    mass: float
    std: float
    segment: int


@dataclass(frozen=True)
class FootShares:
    """What is assumed of the feet.

    Attributes:
        shares: (2,) of the whole on left and right. share_std: their standard deviation.
        centres: (2, 3) middles of the soles, m. weights: (2, 18) of the landmarks that say where they are.
        forces: (2, 3) N. cop_std: of each centre of pressure, m.
        internal_std: of the force along the line between the feet, N.
        levers: (2, 3, 3) what 1 N of it adds to the moments of ankle, knee and hip, m.
    """

    shares: FloatArray
    share_std: float
    centres: FloatArray
    weights: FloatArray
    forces: FloatArray
    cop_std: float
    internal_std: float
    levers: FloatArray
    along: FloatArray


class Propagation:
    """Propagates errors for one person's segments."""

    def __init__(self, model: SegmentModel, mass_std: float) -> None:
        self._masses = np.array([model.segments[name].mass for name in SEGMENTS])
        self._mass_share = mass_std / float(self._masses.sum())
        self._weights, self._joints = _weights(model)

    def moments(
        self,
        positions: FloatArray,
        accelerations: FloatArray,
        covariance: FloatArray,
        noise: FloatArray,
        outside: Sequence[OutsideForce],
        feet: FootShares | None,
    ) -> tuple[FloatArray, FloatArray]:
        """(11, 3, 3) covariances of the moments, N2 m2, and of the forces, N2, in the order of `JOINTS`.

        Those of the legs are without meaning if `feet` is None.

        Args:
            positions: (18, 3) landmarks, m. accelerations: (18, 3) m/s2.
            covariance: (54, 54) of the positions, m2. noise: (R, 54) square root of that of the accelerations.
            outside: forces.
            feet: what is assumed of them.
        """
        weights = np.concatenate([self._weights, *(item.weights[None] for item in outside)])
        masses = np.concatenate([self._masses, [item.mass for item in outside]])
        own = self._masses[:, None] * (self._weights @ accelerations + [0.0, 0.0, GRAVITY])
        forces = np.concatenate([own, *(-item.force[None] for item in outside)])
        at = np.concatenate([self._weights @ positions, *(item.position[None] for item in outside)])
        factors = np.concatenate([_BEYOND, *(_BEYOND[:, item.segment, None] for item in outside)], 1)
        joints = self._joints @ positions
        apart, between = np.zeros(len(JOINTS)), np.zeros((2, 3))
        gap_weights = np.zeros((len(JOINTS), len(LANDMARKS)))
        total = forces.sum(0)
        if feet is not None:
            shares = np.tile(feet.shares, 3)
            factors[LEGS] -= shares[:, None]
            apart[LEGS] = shares * (1.0 - shares)
            between = np.stack([feet.centres[0] - feet.centres[1], feet.centres[1] - feet.centres[0]])
            gap = feet.weights[0] - feet.weights[1]
            gap_weights[LEGS] = np.tile(np.stack([gap, -gap]), (3, 1))
        sides = np.zeros((len(JOINTS), 3))
        sides[LEGS] = np.tile(between, (3, 1))
        # how the moments answer to each landmark's position: minus these, crossed
        carried = factors[:, :, None] * forces
        answer = np.einsum("jid,ik->jkd", carried, weights)
        answer -= self._joints[:, :, None] * carried.sum(1)[:, None]
        answer -= (apart[:, None] * gap_weights)[:, :, None] * total
        moments = _quadratic(-_crossed(answer), covariance)
        # ... and to its acceleration
        arms = at[None] - joints[:, None]
        moved = np.einsum("ji,jid,ik->jkd", factors * masses, arms, weights)
        moved -= (apart[:, None] * sides)[:, None, :] * (masses @ weights)[None, :, None]
        moments += _root(_crossed(moved), noise)
        pushed = (factors * masses) @ weights
        forced = _root(pushed[:, :, None, None] * np.eye(3), noise)
        # masses: of each segment apart, and of the whole body
        turned = cross(arms, carried)
        parts, wholes = turned[:, : len(SEGMENTS)], carried[:, : len(SEGMENTS)]
        for result, pieces in ((moments, parts), (forced, wholes)):
            result += MASS_STD**2 * np.einsum("jia,jib->jab", pieces, pieces)
            result += self._mass_share**2 * _outer(pieces.sum(1))
        for i, item in enumerate(outside, len(SEGMENTS)):
            size = float(np.sqrt(item.force @ item.force))
            if size > 0.0:
                moments += (item.std / size) ** 2 * _outer(turned[:, i])
                forced += (item.std / size) ** 2 * _outer(carried[:, i])
        bent = _crossed(carried[:, SEGMENTS.index("trunk")])
        moments += TRUNK_STD**2 * bent @ bent.transpose(0, 2, 1)
        spine = JOINTS.index((Joint.L5S1, LoadSide.NONE))
        turn = _crossed(carried[spine].sum(0))
        moments[spine] += LUMBAR_STD**2 * turn @ turn.T
        if feet is not None:
            self._add_feet(moments, forced, feet, arms, forces, sides, total)
        return moments, forced

    def _add_feet(
        self,
        moments: FloatArray,
        forced: FloatArray,
        feet: FootShares,
        arms: FloatArray,
        forces: FloatArray,
        sides: FloatArray,
        total: FloatArray,
    ) -> None:
        shares = np.tile(feet.shares, 3)[:, None]
        change = cross(arms[LEGS], np.broadcast_to(forces, arms[LEGS].shape)).sum(1)
        change += (1.0 - 2.0 * shares) * cross(sides[LEGS], np.broadcast_to(total, (6, 3)))
        moments[LEGS] += feet.share_std**2 * _outer(change)
        forced[LEGS] += feet.share_std**2 * np.outer(total, total)
        turn = np.tile(_crossed(feet.forces) * [1.0, 1.0, 0.0], (3, 1, 1))
        moments[LEGS] += feet.cop_std**2 * turn @ turn.transpose(0, 2, 1)
        levers = feet.levers.transpose(1, 0, 2).reshape(6, 3)
        moments[LEGS] += feet.internal_std**2 * _outer(levers)
        forced[LEGS] += feet.internal_std**2 * np.outer(feet.along, feet.along)

    def total_force(
        self, noise: FloatArray, accelerations: FloatArray, outside: Sequence[OutsideForce]
    ) -> FloatArray:
        """(3,) standard deviation of the force of the floor on the body, N."""
        weights = self._masses @ self._weights
        force = self._masses @ (self._weights @ accelerations + [0.0, 0.0, GRAVITY])
        cut = self._masses @ (self._weights @ accelerations)
        for item in outside:
            weights = weights + item.mass * item.weights
        shaken = np.einsum("rkd,k->rd", noise.reshape(len(noise), -1, 3), weights)
        variance: FloatArray = (shaken**2).sum(0) + (self._mass_share * force) ** 2 + (TRUNCATED * cut) ** 2
        for item in outside:
            size = float(np.sqrt(item.force @ item.force))
            if size > 0.0:
                variance = variance + (item.std / size * item.force) ** 2
        return np.sqrt(variance)

    def centre_acceleration(self, noise: FloatArray) -> FloatArray:
        """(3,) standard deviation of the acceleration of the body's centre of mass, m/s2."""
        weights = self._masses @ self._weights / self._masses.sum()
        shaken = np.einsum("rkd,k->rd", noise.reshape(len(noise), -1, 3), weights)
        return np.asarray(np.sqrt((shaken**2).sum(0)))

    def pressure_point(
        self,
        covariance: FloatArray,
        noise: FloatArray,
        outside: Sequence[OutsideForce],
        vertical: float,
        height: float,
        feet: FloatArray,
    ) -> FloatArray:
        """(2, 2) covariance of the common centre of pressure against the feet, m2.

        Args:
            vertical: force of the floor, N.
            height: of the centre of mass over the floor, m.
            feet: (18,) weights of the landmarks that say where the feet are.
        """
        weights = (self._masses * GRAVITY) @ self._weights
        inertial = self._masses @ self._weights
        for item in outside:
            weights = weights - item.force[2] * item.weights
            inertial = inertial + item.mass * item.weights
        answer = weights / weights.sum() - feet
        blocks = covariance.reshape(len(LANDMARKS), 3, len(LANDMARKS), 3)[:, :2][:, :, :, :2]
        result: FloatArray = np.einsum("k,kalb,l->ab", answer, blocks, answer)
        shaken = np.einsum("rkd,k->rd", noise.reshape(len(noise), -1, 3)[:, :, :2], inertial)
        result += (height / vertical) ** 2 * shaken.T @ shaken
        return result


def _weights(model: SegmentModel) -> tuple[FloatArray, FloatArray]:
    """(15, 18) weights of the landmarks that make the centres of mass, (11, 18) that make the joints."""
    count = len(LANDMARKS)

    def point(joint: str, side: int | None) -> FloatArray:
        result = np.zeros(count)
        for one in (0, 1) if side is None else (side,):
            result[row(joint, one)] = 1.0 if side is not None else 0.5
        return result

    def between(start: FloatArray, end: FloatArray, share: float) -> FloatArray:
        return (1.0 - share) * start + share * end

    hips, chest = point("hip", None), point("shoulder", None)
    trunk = model.lengths.trunk
    lumbar = between(hips, chest, float(model.lumbar[1]) / trunk)
    heights = {name: float(model.segments[name].centre[1]) for name in ("pelvis", "trunk", "head")}
    segments = {
        "pelvis": between(hips, chest, heights["pelvis"] / trunk),
        "trunk": between(lumbar, chest, heights["trunk"] / float(model.neck[1])),
        "head": between(hips, chest, 1.0 + heights["head"] / trunk),
    }
    joints: dict[tuple[Joint, LoadSide], FloatArray] = {(Joint.L5S1, LoadSide.NONE): lumbar}
    lengths = vars(model.lengths)
    for side, (name, which) in enumerate((("left", LoadSide.LEFT), ("right", LoadSide.RIGHT))):
        for part, start, end in (
            ("upper_arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
            ("thigh", "hip", "knee"),
            ("shank", "knee", "ankle"),
        ):
            share = -float(model.segments[f"{name}_{part}"].centre[1]) / lengths[part]
            segments[f"{name}_{part}"] = between(point(start, side), point(end, side), share)
        beyond_wrist = -float(model.segments[f"{name}_hand"].centre[1]) / lengths["forearm"]
        segments[f"{name}_hand"] = between(point("elbow", side), point("wrist", side), 1.0 + beyond_wrist)
        segments[f"{name}_foot"] = point("ankle", side)
        for joint in (Joint.ANKLE, Joint.KNEE, Joint.HIP, Joint.SHOULDER, Joint.ELBOW):
            joints[joint, which] = point(joint.value, side)
    return np.stack([segments[name] for name in SEGMENTS]), np.stack([joints[key] for key in JOINTS])


def _crossed(v: FloatArray) -> FloatArray:
    """(..., 3, 3) matrices that multiply by a vector product with (..., 3)."""
    result = np.zeros((*v.shape, 3))
    result[..., 0, 1], result[..., 0, 2] = -v[..., 2], v[..., 1]
    result[..., 1, 0], result[..., 1, 2] = v[..., 2], -v[..., 0]
    result[..., 2, 0], result[..., 2, 1] = -v[..., 1], v[..., 0]
    return result


def _flat(answers: FloatArray) -> FloatArray:
    """(J, K, 3, 3) to (J, 3, 3K)."""
    result: FloatArray = answers.transpose(0, 2, 1, 3).reshape(len(answers), 3, -1)
    return result


def _quadratic(answers: FloatArray, covariance: FloatArray) -> FloatArray:
    flat = _flat(answers)
    result: FloatArray = flat @ covariance @ flat.transpose(0, 2, 1)
    return result


def _root(answers: FloatArray, noise: FloatArray) -> FloatArray:
    shaken = _flat(answers) @ noise.T
    result: FloatArray = shaken @ shaken.transpose(0, 2, 1)
    return result


def _outer(v: FloatArray) -> FloatArray:
    result: FloatArray = v[:, :, None] * v[:, None, :]
    return result
