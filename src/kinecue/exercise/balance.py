"""How far a trunk has to lean so that body and load stay over the foot: sagittal statics of a linked body.

Feet flat, both legs alike. From the ankle up: shank, thigh, trunk, with head, arms and load on it; masses after de Leva
1996, lengths the person's own. For given angles of knee and shank there is one lean of the trunk that brings the common
centre of mass over a given point of the foot. Long thighs carry the hips further back, so the trunk has to come further
forward; a shank that cannot tilt does the same (Fry et al. 2003, J Strength Cond Res 17:629).

Lengths in metres, angles in radians: knee flexion positive, shank tilt positive with the knee ahead of the ankle, lean
positive forward, all as in `kinecue.exercise.features`. Plain statics: what a quick movement adds is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.body.anthropometry import SEGMENT_MASS, SegmentLengths

FloatArray = NDArray[np.float64]

FOOT_LENGTH = 0.152
"""Heel to toes over stature (Winter, fig. 4.1)."""
ANKLE_FROM_HEEL = 0.25
"""Ankle joint ahead of the heel over the foot's length (de Leva 1996 gives the foot's own ends; Hawes and Sovak 1994: the
malleoli are at a quarter)."""
_TRUNK_CENTRE = 0.55
"""Centre of mass of the trunk from mid-hip to mid-shoulder (de Leva 1996, whole trunk, recomputed for these ends)."""
_THIGH_CENTRE, _SHANK_CENTRE = 0.410, 0.440
_UPPER_ARM_CENTRE, _FOREARM_CENTRE = 0.577, 0.457
"""From the proximal joint, share of the segment (de Leva 1996, males)."""
_HEAD_REACH = 0.130
"""Centre of mass of head and neck from mid-shoulder over stature: at the ears."""
_HEAD_FOLLOWS = 0.7
"""Share of the trunk's lean that the head takes part in: the eyes stay up."""
_GRIP = 0.045
"""Middle of the grip from the wrist, over stature."""
_FOOT_CENTRE = 0.44
"""Of the foot from the heel (de Leva 1996)."""
_LOWEST, _HIGHEST = math.radians(-25.0), math.radians(88.0)
"""Leans between which a balance is looked for: there the centre of mass only moves forward with the lean."""
_HALVINGS = 34
"""Of the leans between which it is looked for: down to a ten millionth of a degree."""


class LoadPlace(str, Enum):
    """Where a load is carried."""

    NONE = "none"
    """No load."""
    CHEST = "chest"
    """A bell or plate before the chest (goblet)."""
    FRONT = "front"
    """A bar on the front of the shoulders."""
    BACK = "back"
    """A bar on the back of the shoulders."""
    HANDS = "hands"
    """In arms that hang straight down."""
    OVERHEAD = "overhead"
    """Held overhead, over the middle of the foot."""


class Arms(str, Enum):
    """How arms are held that carry nothing."""

    HANGING = "hanging"
    """Straight down."""
    FORWARD = "forward"
    """They rise to the front as the knees bend and are level at full depth."""
    CROSSED = "crossed"
    """Hands before the chest or on the shoulders."""


_HELD: dict[LoadPlace, tuple[float, float, float, float]] = {
    LoadPlace.CHEST: (0.130, -0.035, 0.070, -0.085),
    LoadPlace.FRONT: (0.050, 0.010, 0.085, -0.020),
    LoadPlace.BACK: (-0.035, 0.020, 0.000, -0.075),
}
"""Load ahead of and above mid-shoulder, then the arms' centre of mass likewise, across and along the trunk, over stature.

A goblet bell's centre is half a chest and its own radius ahead of the joints; a bar on the deltoids 8 to 9 cm ahead of
them, one on the trapezius 6 cm behind (engineering judgement from photographs of lifters; 2 cm change the lean by under
2 degrees at a third of the body's mass)."""
_CROSSED = (0.060, -0.100)
_ARMS_DOWN, _ARMS_UP = math.radians(8.0), math.radians(85.0)
"""Of arms from the vertical: those that hang freely are a little bent; those to the front are all but level at
`_ARMS_UP_AT` of knee flexion."""
_ARMS_UP_AT = math.radians(112.0)


@dataclass(frozen=True)
class Frame:
    """A body that can be balanced.

    Attributes:
        lengths: between joint centres, m.
        stature: m; for the foot and the head, which no joint centres measure.
    """

    lengths: SegmentLengths
    stature: float

    @staticmethod
    def of(lengths: SegmentLengths, stature: float | None = None) -> Frame:
        """With the stature that the lengths suggest where none is known (Winter: trunk, thigh, shank are 0.779 of it)."""
        if stature is None:
            stature = (lengths.trunk + lengths.thigh + lengths.shank) / 0.779
        return Frame(lengths, stature)

    @property
    def foot(self) -> float:
        """Length of a foot, m."""
        return FOOT_LENGTH * self.stature

    def over_foot(self, share: float) -> float:
        """A point of the sole, `share` of the foot's length from the heel, ahead of the ankle, m."""
        return (share - ANKLE_FROM_HEEL) * self.foot


@dataclass(frozen=True)
class Carrying:
    """What is carried and how.

    Attributes:
        place: of the load.
        share: mass of the load over that of the body.
        arms: for `LoadPlace.NONE`.
        legs_out: how far knees and toes point outwards, rad: it shortens what thighs and shanks reach fore and aft.
    """

    place: LoadPlace = LoadPlace.NONE
    share: float = 0.0
    arms: Arms = Arms.FORWARD
    legs_out: float = 0.0


def hips_ahead(frame: Frame, knee: ArrayLike, shank: ArrayLike, legs_out: float = 0.0) -> FloatArray:
    """Hip joints ahead of the ankles, m; negative behind them. Arguments as of `balanced_lean`."""
    knee, tilt = _in_plane(knee, shank, legs_out)
    reach = frame.lengths.shank * np.sin(tilt) - frame.lengths.thigh * np.sin(knee - tilt)
    result: FloatArray = reach * math.cos(legs_out)
    return result


def thigh_tilt(knee: ArrayLike, shank: ArrayLike, legs_out: float = 0.0) -> FloatArray:
    """Thigh from the vertical in the sagittal plane, positive with the hip behind the knee, rad."""
    knee, tilt = _in_plane(knee, shank, legs_out)
    back = knee - tilt
    result: FloatArray = np.arctan2(np.sin(back) * math.cos(legs_out), np.cos(back))
    return result


def centre_ahead(
    frame: Frame, knee: ArrayLike, shank: ArrayLike, lean: ArrayLike, carrying: Carrying, over: float
) -> FloatArray:
    """Common centre of mass of body and load ahead of the ankles, m.

    Args:
        frame: the body. carrying: the load.
        knee, shank, lean: angles, rad; arrays broadcast.
        over: where an overhead load is, ahead of the ankles, m.
    """
    stature, lengths = frame.stature, frame.lengths
    bent, tilt = _in_plane(knee, shank, carrying.legs_out)
    lean = np.asarray(lean, dtype=np.float64)
    out = math.cos(carrying.legs_out)
    knee_x = lengths.shank * np.sin(tilt) * out
    hip_x = knee_x - lengths.thigh * np.sin(bent - tilt) * out
    shoulder_x = hip_x + lengths.trunk * np.sin(lean)
    foot = 2.0 * SEGMENT_MASS["foot"] * (_FOOT_CENTRE - ANKLE_FROM_HEEL) * frame.foot
    total = foot + 2.0 * SEGMENT_MASS["shank"] * (1.0 - _SHANK_CENTRE) * knee_x
    total = total + 2.0 * SEGMENT_MASS["thigh"] * (hip_x + _THIGH_CENTRE * (knee_x - hip_x))
    total = total + SEGMENT_MASS["trunk"] * (hip_x + _TRUNK_CENTRE * (shoulder_x - hip_x))
    total = total + SEGMENT_MASS["head"] * (shoulder_x + _HEAD_REACH * stature * np.sin(_HEAD_FOLLOWS * lean))
    arms, load_x = _arms_and_load(frame, bent, lean, shoulder_x, carrying, over)
    load = carrying.share if carrying.place is not LoadPlace.NONE else 0.0
    result: FloatArray = (total + arms + load * load_x) / (_BODY + load)
    return result


def balanced_lean(
    frame: Frame, knee: ArrayLike, shank: ArrayLike, carrying: Carrying, over_foot: float
) -> FloatArray:
    """Lean of the trunk with which the common centre of mass is over a point of the foot.

    Args:
        frame: the body.
        knee: flexion, rad, (N,).
        shank: tilt in the sagittal plane, rad, (N,).
        carrying: what load, where.
        over_foot: the point, share of the foot's length from the heel.

    Returns:
        (N,) rad; NaN where no lean between -25 and 88 degrees does it: the person would fall.
    """
    knee, shank = np.broadcast_arrays(np.asarray(knee, dtype=np.float64), np.asarray(shank, dtype=np.float64))
    over = frame.over_foot(over_foot)
    low, high = np.full(knee.shape, _LOWEST), np.full(knee.shape, _HIGHEST)
    with np.errstate(invalid="ignore"):
        possible = (centre_ahead(frame, knee, shank, low, carrying, over) <= over) & (
            centre_ahead(frame, knee, shank, high, carrying, over) >= over
        )
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            behind = centre_ahead(frame, knee, shank, middle, carrying, over) < over
            low, high = np.where(behind, middle, low), np.where(behind, high, middle)
    result: FloatArray = np.where(possible, 0.5 * (low + high), np.nan)
    return result


def split_lean(
    frame: Frame,
    knee: float,
    shank: float,
    lean: float,
    carrying: Carrying,
    step: float,
    low: float,
    high: float,
) -> float:
    """The lean nearest to `lean` with which the centre of mass is between the feet of a lunge.

    The rear leg counts as straight from the hip to the ball of the rear foot: its bend moves its centre by centimetres.

    Args:
        frame: the body.
        knee, shank: of the front leg, rad. lean: that is wanted, rad.
        carrying: what load, where.
        step: ankle to ankle over the leg's length.
        low, high: where the centre of mass may be, share of the way from the rear foot to the middle of the front foot.

    Returns:
        rad; NaN where no lean between -25 and 88 degrees does it.
    """
    front = frame.over_foot(0.5)
    rear = -step * (frame.lengths.thigh + frame.lengths.shank) + frame.over_foot(0.75)
    hip = float(hips_ahead(frame, knee, shank, carrying.legs_out))
    # `centre_ahead` has both legs in front; one of them reaches back
    out = math.cos(carrying.legs_out)
    tilt = float(_in_plane(knee, shank, carrying.legs_out)[1])
    joint = frame.lengths.shank * math.sin(tilt) * out
    thigh, calf, foot = (SEGMENT_MASS[name] for name in ("thigh", "shank", "foot"))
    ahead = thigh * (hip + _THIGH_CENTRE * (joint - hip)) + calf * (1.0 - _SHANK_CENTRE) * joint
    ahead += foot * (_FOOT_CENTRE - ANKLE_FROM_HEEL) * frame.foot
    middle = 0.5 * (hip + rear)
    behind = thigh * (hip + _THIGH_CENTRE * (middle - hip))
    behind += calf * (middle + _SHANK_CENTRE * (rear - middle)) + foot * rear
    load = carrying.share if carrying.place is not LoadPlace.NONE else 0.0
    moved = (behind - ahead) / (_BODY + load)

    def centre(angle: float) -> float:
        return float(centre_ahead(frame, knee, shank, angle, carrying, front)) + moved

    least, most = rear + low * (front - rear), rear + high * (front - rear)
    now = centre(lean)
    if least <= now <= most:
        return lean
    aim = least if now < least else most
    bottom, top = _LOWEST, _HIGHEST
    if not centre(bottom) <= aim <= centre(top):
        return math.nan
    for _ in range(_HALVINGS):
        between = 0.5 * (bottom + top)
        bottom, top = (between, top) if centre(between) < aim else (bottom, between)
    return 0.5 * (bottom + top)


_BODY = (
    SEGMENT_MASS["head"]
    + SEGMENT_MASS["trunk"]
    + 2.0 * sum(SEGMENT_MASS[name] for name in ("upper_arm", "forearm", "hand", "thigh", "shank", "foot"))
)


def _in_plane(knee: ArrayLike, shank: ArrayLike, legs_out: float) -> tuple[FloatArray, FloatArray]:
    """Knee flexion and the shank's tilt in the plane of a leg that points outwards by `legs_out`."""
    bent, tilt = np.asarray(knee, dtype=np.float64), np.asarray(shank, dtype=np.float64)
    return bent, np.arctan2(np.sin(tilt), np.cos(tilt) * math.cos(legs_out))


def _arms_and_load(
    frame: Frame,
    knee: FloatArray,
    lean: FloatArray,
    shoulder_x: FloatArray,
    carrying: Carrying,
    over: float,
) -> tuple[FloatArray, FloatArray]:
    """Sum of the arms' masses times their places ahead, and the load's place ahead, m."""
    upper, fore, hand = (2.0 * SEGMENT_MASS[name] for name in ("upper_arm", "forearm", "hand"))
    weight = upper + fore + hand
    sine, cosine = np.sin(lean), np.cos(lean)
    place, stature = carrying.place, frame.stature
    if place in _HELD:
        load_front, load_up, arm_front, arm_up = (stature * share for share in _HELD[place])
        load_x = shoulder_x + load_front * cosine + load_up * sine
        return weight * (shoulder_x + arm_front * cosine + arm_up * sine), load_x
    if place is LoadPlace.OVERHEAD:
        # straight arms between the shoulders and the bar
        return weight * 0.5 * (shoulder_x + over), np.full(np.shape(shoulder_x), over)
    if place is LoadPlace.NONE and carrying.arms is Arms.CROSSED:
        front, up = (stature * share for share in _CROSSED)
        return weight * (shoulder_x + front * cosine + up * sine), shoulder_x
    raised = np.full(np.shape(knee), 0.0 if place is LoadPlace.HANDS else _ARMS_DOWN)
    if place is LoadPlace.NONE and carrying.arms is Arms.FORWARD:
        raised = raised + (_ARMS_UP - _ARMS_DOWN) * np.clip(knee / _ARMS_UP_AT, 0.0, 1.1) ** 2
    lengths = frame.lengths
    elbow = lengths.upper_arm
    wrist = elbow + lengths.forearm
    moment = upper * _UPPER_ARM_CENTRE * elbow + fore * (elbow + _FOREARM_CENTRE * lengths.forearm)
    moment += hand * (wrist + _GRIP * stature)
    return weight * shoulder_x + moment * np.sin(raised), shoulder_x
