"""Joint centres laid out for feature functions, and standard deviations propagated through any of them.

A feature is a plain numpy function of a `Pose`. Its standard deviation needs no second function: the pose
holds the measured body in row 0 and, in the further rows, the same body with one coordinate of one landmark
moved a little, so that a single evaluation gives the value and its whole gradient.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinecue.body.angles import body_axes, flexion
from kinecue.body.body import Body
from kinecue.body.landmarks import Landmark, LandmarkState, Topology
from kinecue.body.measurement import Reason

FloatArray = NDArray[np.float64]

_STEP = 1e-4
"""Step of the numerical gradient, m: small against a limb, large against rounding."""
_REACH = 100.0
"""A landmark farther than this from the machine, or as uncertain, is a broken number, m."""


class Pose:
    """Pairs of joint centres (left, right) of a batch of bodies.

    Attributes:
        points: (B, K, 3) positions in the base frame, m; K is two per joint, left first.
        start: the same person in the start position, (1, K, 3), or None while that is not known.
    """

    def __init__(self, points: FloatArray, joints: tuple[str, ...], start: Pose | None = None) -> None:
        self.points = points
        self.start = start
        self._joints = joints
        self._flexions: dict[str, FloatArray] = {}

    def pair(self, joint: str) -> FloatArray:
        """(B, 2, 3) left and right `joint` (``hip``, ``knee``, ``foot_index`` ...)."""
        first = 2 * self._joints.index(joint)
        return self.points[:, first : first + 2]

    def left(self, joint: str) -> FloatArray:
        """(B, 3) the left one."""
        return self.points[:, 2 * self._joints.index(joint)]

    def right(self, joint: str) -> FloatArray:
        """(B, 3) the right one."""
        return self.points[:, 2 * self._joints.index(joint) + 1]

    def middle(self, joint: str) -> FloatArray:
        """(B, 3) half way between left and right."""
        return 0.5 * (self.left(joint) + self.right(joint))

    def flexion(self, proximal: str, joint: str, distal: str) -> FloatArray:
        """(B, 2) included-angle flexion of a hinge, rad; computed once however many features use it."""
        known = self._flexions.get(joint)
        if known is None:
            known = self._flexions[joint] = flexion(self.pair(proximal), self.pair(joint), self.pair(distal))
        return known

    @cached_property
    def axes(self) -> tuple[FloatArray, FloatArray]:
        """(B, 3) horizontal unit vectors left and forward of the pelvis."""
        return body_axes(self.left("hip"), self.right("hip"))

    @cached_property
    def hips(self) -> FloatArray:
        """(B, 3) unit vector from the right hip to the left one, not levelled."""
        line = self.left("hip") - self.right("hip")
        result: FloatArray = line / np.sqrt(np.maximum((line * line).sum(-1, keepdims=True), 1e-18))
        return result

    @cached_property
    def trunk(self) -> FloatArray:
        """(B, 3) mid-hip to mid-shoulder, m."""
        return self.middle("shoulder") - self.middle("hip")


class Sampler:
    """Takes the wanted joints out of bodies of any topology and propagates their covariance.

    Args:
        joints: names without side, e.g. ``("hip", "knee")``.
    """

    def __init__(self, joints: tuple[str, ...]) -> None:
        self.joints = joints
        self.landmarks = tuple(Landmark(f"{side}_{joint}") for joint in joints for side in ("left", "right"))
        count = len(self.landmarks)
        self._moved = np.arange(1, 3 * count + 1)
        self._landmark = np.repeat(np.arange(count), 3)
        self._axis = np.tile(np.arange(3), count)
        self._rows: dict[str, tuple[NDArray[np.intp], NDArray[np.bool_]]] = {}
        self._joint_rows: dict[tuple[Landmark, ...], tuple[NDArray[np.intp], NDArray[np.intp]]] = {}

    def _jointly(self, known: tuple[Landmark, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Coordinates (here, in a body's joint covariance) of the landmarks whose errors are known together."""
        places = self._joint_rows.get(known)
        if places is None:
            pairs = [(i, known.index(mark)) for i, mark in enumerate(self.landmarks) if mark in known]
            here, there = ([3 * pair[side] + axis for pair in pairs for axis in range(3)] for side in (0, 1))
            places = self._joint_rows[known] = (np.array(here, dtype=np.intp), np.array(there, dtype=np.intp))
        return places

    def _covariance(self, body: Body, blocks: FloatArray, lost: NDArray[np.bool_]) -> FloatArray:
        """(3K, 3K): neighbouring joints err together where the body knows it; lost landmarks count for nothing."""
        size = 3 * len(blocks)
        whole = np.zeros((size, size))
        whole.reshape(len(blocks), 3, len(blocks), 3)[
            np.arange(len(blocks)), :, np.arange(len(blocks)), :
        ] = blocks
        if body.joint_covariance is not None:
            here, there = self._jointly(body.joint_landmarks)
            joint = body.joint_covariance[np.ix_(there, there)]
            if np.isfinite(joint).all():
                whole[np.ix_(here, here)] = joint
        gone = np.repeat(lost, 3)
        whole[gone] = 0.0
        whole[:, gone] = 0.0
        return whole

    def _lookup(self, topology: Topology) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        known = self._rows.get(topology.name)
        if known is None:
            present = np.array([landmark in topology for landmark in self.landmarks], dtype=bool)
            rows = [topology.index(landmark) if landmark in topology else 0 for landmark in self.landmarks]
            known = self._rows[topology.name] = (np.array(rows, dtype=np.intp), present)
        return known

    def sample(self, body: Body, start: FloatArray | None) -> Sample:
        """Read the joints; `start` are (K, 3) positions of the start position."""
        rows, present = self._lookup(body.topology)
        points = np.array(body.positions[rows], dtype=np.float64)
        covariances = np.array(body.covariances[rows], dtype=np.float64)
        states = body.states[rows]
        with np.errstate(invalid="ignore"):
            sound = (np.abs(points) < _REACH).all(axis=1)
            # a NaN times a gradient of zero would spread to features that do not depend on this landmark
            sound &= (np.abs(covariances) < _REACH**2).all(axis=(1, 2))
        lost = (states == LandmarkState.LOST) | ~present | ~sound
        points[lost] = np.nan
        covariances[lost] = 0.0
        batch = np.empty((len(self._moved) + 1, *points.shape))
        batch[:] = points
        batch[self._moved, self._landmark, self._axis] += _STEP
        reference = None if start is None else Pose(start[None], self.joints)
        return Sample(
            pose=Pose(batch, self.joints, reference),
            points=points,
            covariance=self._covariance(body, covariances, lost),
            lost=lost,
            inferred=states == LandmarkState.INFERRED,
            reason=_why_lost(body, rows, present, lost),
        )


class Sample:
    """The joints of one body, ready for feature functions.

    Attributes:
        pose: the body and its moved copies.
        points: (K, 3) positions, NaN where lost.
        covariance: (3K, 3K) of the stacked positions, m^2.
        lost, inferred: (K,) masks.
        reason: (K,) why a landmark is lost.
    """

    def __init__(
        self,
        pose: Pose,
        points: FloatArray,
        covariance: FloatArray,
        lost: NDArray[np.bool_],
        inferred: NDArray[np.bool_],
        reason: list[Reason],
    ) -> None:
        self.pose = pose
        self.points = points
        self.covariance = covariance
        self.lost = lost
        self.inferred = inferred
        self.reason = reason

    def spread(self, evaluated: FloatArray, angular: NDArray[np.bool_]) -> FloatArray:
        """(C,) standard deviations of C quantities evaluated on all B rows of the pose, (B, C).

        First-order propagation. `angular` marks columns that wrap at +-pi.
        """
        change = evaluated[1:] - evaluated[0]
        change[:, angular] -= 2.0 * np.pi * np.round(change[:, angular] / (2.0 * np.pi))
        gradient = change / _STEP
        # a quantity that is NaN has a NaN gradient and must not touch the others
        variance = (gradient * (self.covariance @ np.nan_to_num(gradient))).sum(axis=0)
        result: FloatArray = np.sqrt(np.maximum(variance, 0.0))
        return result


def _why_lost(
    body: Body, rows: NDArray[np.intp], present: NDArray[np.bool_], lost: NDArray[np.bool_]
) -> list[Reason]:
    reasons = [Reason.NONE] * len(rows)
    if not lost.any():
        return reasons
    width, height = body.image_size
    for i in np.flatnonzero(lost):
        u, v = body.pixels[rows[i]]
        if not present[i]:
            reasons[i] = Reason.UNSUPPORTED
        elif u < 0 or v < 0 or u > width - 1 or v > height - 1:
            reasons[i] = Reason.OUT_OF_FRAME
        elif body.states[rows[i]] == LandmarkState.LOST:
            reasons[i] = Reason.OCCLUDED
        else:
            reasons[i] = Reason.UNCERTAIN
    return reasons
