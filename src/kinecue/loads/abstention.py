"""What of the loads cannot be known at a frame, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import ALL_ROUND, Body
from kinecue.body.landmarks import Landmark, LandmarkState
from kinecue.body.measurement import Reason, Validity
from kinecue.loads.external import Support
from kinecue.loads.posture import row
from kinecue.loads.results import Hands, Joint, LoadSide
from kinecue.loads.uncertainty import JOINTS

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_ONE_DIRECTION = 0.8
"""Share of all variance of the landmarks that lies along one direction from which on it is the view that lacks."""

_ARM = [[row(joint, side) for joint in ("shoulder", "elbow", "wrist")] for side in (0, 1)]
_LEGS = [row(joint, side) for joint in ("knee", "ankle") for side in (0, 1)]
_FEET = [[row(joint, side) for joint in ("heel", "foot_index")] for side in (0, 1)]
_TRUNK = [row(joint, side) for joint in ("hip", "shoulder") for side in (0, 1)]


class Abstentions:
    """Collects reasons; the first one for each part of the body stays.

    Attributes:
        arm: of the two arms, left and right, shoulder to hand.
        arms: of all that rests on L5/S1.
        whole: of the whole body's balance.
        ground: of what the floor gives in all. foot: of what it gives to each foot, and of the legs.
        ankle: of each ankle: its foot is not seen.
    """

    def __init__(
        self,
        body: Body,
        hands: Hands,
        support: Support,
        real: BoolArray,
        states: NDArray[np.uint8],
        landmarks: tuple[Landmark, ...],
    ) -> None:
        self._body = body
        self._observed: list[bool] = (states == LandmarkState.OBSERVED).tolist()

        def missing(wanted: Sequence[int]) -> Reason:
            lost = [k for k in wanted if not real[k]]
            return _why_lost(body, landmarks[lost[0]]) if lost else Reason.NONE

        self.arm = [missing(_ARM[side]) for side in (0, 1)]
        self.arms = _first(*self.arm)
        self.whole = _first(self.arms, missing(_LEGS))
        self.ground = self.whole
        self.foot = self.whole
        self.ankle = [missing(_FEET[side]) for side in (0, 1)]
        if hands is Hands.UNKNOWN:
            self.hands(Reason.NO_LOAD)
        if support.hands:
            self.hands(Reason.UNSUPPORTED)
        if support.trunk:
            self.arms = _first(self.arms, Reason.UNSUPPORTED)
        if support.trunk or support.seat or support.knees or not support.feet:
            self.legs(Reason.UNSUPPORTED)

    @staticmethod
    def unseen(body: Body, missing: BoolArray, landmarks: tuple[Landmark, ...]) -> Reason:
        """Why the first joint of the trunk that is missing is so; `UNCERTAIN` if none is."""
        for joint in ("hip", "shoulder"):
            for side in (0, 1):
                if missing[row(joint, side)]:
                    return _why_lost(body, landmarks[row(joint, side)])
        return Reason.UNCERTAIN

    def hands(self, reason: Reason) -> None:
        """Hands touch something of unknown force: nothing is known."""
        self.arm = [_first(one, reason) for one in self.arm]
        self.arms = _first(self.arms, reason)
        self.legs(reason)

    def legs(self, reason: Reason) -> None:
        """Something carries besides the feet: what is above L5/S1 stays known."""
        self.ground = _first(self.ground, reason)
        self.foot = _first(self.foot, reason)

    def feet(self, reason: Reason) -> None:
        """What each foot bears is not known, but both together is."""
        self.foot = _first(self.foot, reason)

    def joint(self, i: int) -> Reason:
        """Of the joint `JOINTS[i]`."""
        joint, side = JOINTS[i]
        if joint is Joint.L5S1:
            return self.arms
        one = 0 if side is LoadSide.LEFT else 1
        if joint in (Joint.SHOULDER, Joint.ELBOW):
            return self.arm[one]
        return _first(self.foot, self.ankle[one]) if joint is Joint.ANKLE else self.foot

    def validity(self, i: int | None) -> Validity:
        """Whether all landmarks that the joint `JOINTS[i]` takes, the ground if None, were seen in this frame."""
        used: list[int] = [*_TRUNK, *_ARM[0], *_ARM[1]]
        if i is not None and JOINTS[i][0] in (Joint.SHOULDER, Joint.ELBOW):
            used = _ARM[0 if JOINTS[i][1] is LoadSide.LEFT else 1]
        elif i is None or JOINTS[i][0] is not Joint.L5S1:
            used += [*_LEGS, *_FEET[0], *_FEET[1]]
        seen = all(self._observed[k] for k in used)
        return Validity.VALID if seen else Validity.INFERRED

    def uncertain(self, covariance: FloatArray) -> Reason:
        """`VIEW` where one direction above all is uncertain, as with one camera; else `UNCERTAIN`."""
        if self._body.view == ALL_ROUND:
            return Reason.UNCERTAIN
        count = len(self._observed)
        blocks = covariance.reshape(count, 3, count, 3)
        summed = np.einsum("kakb->ab", blocks)
        sizes = np.linalg.eigvalsh(summed)
        return Reason.VIEW if sizes[-1] > _ONE_DIRECTION * sizes.sum() else Reason.UNCERTAIN


def _first(*reasons: Reason) -> Reason:
    return next((reason for reason in reasons if reason is not Reason.NONE), Reason.NONE)


def _why_lost(body: Body, landmark: Landmark) -> Reason:
    if landmark not in body.topology:
        return Reason.UNSUPPORTED
    if body.state(landmark) != LandmarkState.LOST:
        return Reason.UNCERTAIN
    u, v = body.pixel(landmark)
    width, height = body.image_size
    if u < 0 or v < 0 or u > width - 1 or v > height - 1:
        return Reason.OUT_OF_FRAME
    return Reason.OCCLUDED
