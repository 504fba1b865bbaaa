"""A person as a chain of rigid segments in pinocchio: a free pelvis and a ball joint for every other joint.

Shoulders are ball joints on a girdle that moves freely against the trunk (clavicle and shoulder blade travel by 9
cm), every other joint stays where it is on its segment. Newton and Euler are solved recursively (Featherstone 2008,
`pinocchio.rnea`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from kinecue.body.angles import cross
from kinecue.loads.posture import row, rows
from kinecue.loads.results import GRAVITY
from kinecue.loads.segments import SEGMENTS, SegmentModel

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

STEP_S = 0.02
"""Velocities and accelerations of the chain are differences of its places this long before and after, s, along the
smoothed courses of the landmarks."""
_PARENTS = np.array([-1, 0, 1, 1, 1, 3, 4, 5, 6, 0, 0, 9, 10, 11, 12])
"""Of `SEGMENTS`."""
_SHOULDERS = (3, 4)


@dataclass(frozen=True)
class Chain:
    """The chain before, at and after the moment: axis 0 of the arrays, 3 long.

    Attributes:
        frames: (3, 15, 3, 3) orientations of `SEGMENTS`.
        origins: (3, 15, 3) their joints nearer to the pelvis; of the pelvis the middle of the hips, m.
        wrists: included in `origins` as those of the hands.
        chests: (3, 3) middle of the shoulders as the trunk has it, m.
    """

    frames: FloatArray
    origins: FloatArray
    chests: FloatArray


@dataclass(frozen=True)
class PointForce:
    """A force on a segment from outside.

    Attributes:
        segment: index into `SEGMENTS`.
        position: (3,) m. force: (3,) N. moment: (3,) beside it, N m.
    """

    segment: int
    position: FloatArray
    force: FloatArray
    moment: FloatArray


@dataclass(frozen=True)
class Wrenches:
    """What each joint gives to the segment beyond it.

    Attributes:
        forces: (15, 3) N; of the pelvis: what is missing for the balance.
        moments: (15, 3) about the origins, N m.
    """

    forces: FloatArray
    moments: FloatArray


class InverseDynamics:
    """Inverse dynamics of one person's segments."""

    def __init__(self, model: SegmentModel) -> None:
        self.segments = model
        self._model = pin.Model()
        self._model.gravity = pin.Motion(np.array([0.0, 0.0, -GRAVITY]), np.zeros(3))
        self._places = [self._place(name) for name in SEGMENTS]
        joints: list[int] = []
        for i, name in enumerate(SEGMENTS):
            parent = 0 if i == 0 else joints[_PARENTS[i]]
            kind = pin.JointModelFreeFlyer() if i == 0 or i in _SHOULDERS else pin.JointModelSpherical()
            place = pin.SE3(np.eye(3), self._places[i])
            joint = self._model.addJoint(parent, kind, place, name)
            segment = model.segments[name]
            inertia = pin.Inertia(segment.mass, segment.centre, segment.inertia)
            self._model.appendBodyToJoint(joint, inertia, pin.SE3.Identity())
            joints.append(joint)
        self._joints = joints
        self._data = self._model.createData()
        self._external = pin.StdVec_Force()
        for _ in range(self._model.njoints):
            self._external.append(pin.Force.Zero())
        self.masses = np.array([model.segments[name].mass for name in SEGMENTS])
        self.centres = np.stack([model.segments[name].centre for name in SEGMENTS])

    def _place(self, name: str) -> FloatArray:
        """Of a joint on the segment before it, in that one's frame, m."""
        model, lengths = self.segments, self.segments.lengths
        part = name.split("_", 1)[1] if name.startswith(("left_", "right_")) else name
        if part == "thigh":
            return np.array([0.0, 0.0, lengths.pelvis * (-0.5 if name.startswith("left") else 0.5)])
        places = {
            "trunk": model.lumbar,
            "head": model.neck,
            "forearm": np.array([0.0, -lengths.upper_arm, 0.0]),
            "hand": np.array([0.0, -lengths.forearm, 0.0]),
            "shank": np.array([0.0, -lengths.thigh, 0.0]),
            "foot": np.array([0.0, -lengths.shank, 0.0]),
        }
        return places.get(part, np.zeros(3))

    def chain(self, frames: FloatArray, points: FloatArray, real: BoolArray) -> Chain:
        """Puts the segments together with the person's lengths, as near to the landmarks as that goes.

        Args:
            frames: (3, 15, 3, 3) of `kinecue.loads.posture.segment_frames`.
            points: (3, 18, 3) landmarks, m.
            real: (18,) which of them were seen.
        """
        origins = np.zeros((len(points), len(SEGMENTS), 3))
        origins[:, 0] = points[:, rows("hip")].mean(1)
        for i, parent in enumerate(_PARENTS):
            if i in _SHOULDERS:
                origins[:, i] = points[:, row("shoulder", i - _SHOULDERS[0])]
            elif i:
                origins[:, i] = origins[:, parent] + frames[:, parent] @ self._places[i]
        chests = origins[:, 1] + frames[:, 1] @ self.segments.neck
        # of trunk and legs, weighted alike: arms hang on where the shoulders are seen
        seen = [points[:, rows("shoulder")].mean(1) - chests]
        for joint, first in (("hip", 9), ("knee", 11), ("ankle", 13)):
            for side in (0, 1):
                here = row(joint, side)
                if real[here]:
                    seen.append(points[:, here] - origins[:, first + side])
        shift = np.mean(seen, 0)
        moved = [i for i in range(len(SEGMENTS)) if not 3 <= i <= 8]
        origins[:, moved] += shift[:, None]
        return Chain(frames, origins, chests + shift)

    def centres_of_mass(self, chain: Chain) -> FloatArray:
        """(3, 15, 3) of the segments, m."""
        turned = (chain.frames @ self.centres[:, :, None])[..., 0]
        result: FloatArray = chain.origins + turned
        return result

    def state(self, chain: Chain, quaternions: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Configuration, velocity and acceleration of the chain as pinocchio has them.

        Args:
            quaternions: (3, 15, 4) of `relative_rotations`.
        """
        before, now, after = (self._configuration(chain, quaternions, i) for i in range(3))
        ahead = pin.difference(self._model, now, after)
        back = pin.difference(self._model, now, before)
        return now, (ahead - back) / (2.0 * STEP_S), (ahead + back) / STEP_S**2

    def _configuration(self, chain: Chain, quaternions: FloatArray, i: int) -> FloatArray:
        turns = quaternions[i]
        shoulders = (chain.origins[i, 3:5] - chain.origins[i, 1]) @ chain.frames[i, 1]
        return np.concatenate(
            [chain.origins[i, 0], turns[:3].ravel(), shoulders[0], turns[3], shoulders[1], turns[4:].ravel()]
        )

    def solve(
        self,
        chain: Chain,
        state: tuple[FloatArray, FloatArray, FloatArray],
        forces: Iterable[PointForce],
    ) -> Wrenches:
        """Forces and moments of the joints at the middle one of the three moments."""
        frames, origins = chain.frames[1], chain.origins[1]
        sums: dict[int, FloatArray] = {}
        for item in forces:
            turn = frames[item.segment].T
            moment = cross(item.position - origins[item.segment], item.force) + item.moment
            wrench = np.concatenate([turn @ item.force, turn @ moment])
            sums[item.segment] = sums.get(item.segment, 0.0) + wrench
        for segment, wrench in sums.items():
            self._external[self._joints[segment]] = pin.Force(wrench)
        pin.rnea(self._model, self._data, *state, self._external)
        for segment in sums:
            self._external[self._joints[segment]] = pin.Force.Zero()
        found = self._data.f
        given = np.array([found[joint].vector for joint in self._joints]).reshape(-1, 2, 3)
        turned = (frames[:, None] @ given[..., None])[..., 0]
        return Wrenches(turned[:, 0], turned[:, 1])


def relative_rotations(frames: FloatArray) -> FloatArray:
    """(..., 15, 3, 3) of each segment against the one before it; of the pelvis against the room."""
    result = frames.copy()
    result[..., 1:, :, :] = np.swapaxes(frames[..., _PARENTS[1:], :, :], -1, -2) @ frames[..., 1:, :, :]
    return result


def beyond(segment: int) -> Sequence[int]:
    """A segment and all that hang on it."""
    return [i for i in range(len(SEGMENTS)) if segment in _way(i)]


def _way(segment: int) -> list[int]:
    way = [segment]
    while way[-1] > 0:
        way.append(int(_PARENTS[way[-1]]))
    return way
