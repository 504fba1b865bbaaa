"""From landmarks in space to bones: the directions of a body's segments, and how each segment is turned about its own.

Joint centres give directions only. How a limb is turned about its axis comes from its neighbours: the plane in which knee
or elbow bend, the feet, the knuckles; and, the straighter the limb, the more from the rest pose, turned the shortest way.
Pelvis and chest take their turn from the lines of hips and shoulders, the head from ears and nose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.body.volume.asset import BodyAsset
from kinecue.body.volume.marks import carrier, rest_landmarks
from kinecue.body.volume.occlusion import completed
from kinecue.body.volume.skinning import BoneTransforms, BoneTree

FloatArray = NDArray[np.float64]

_ROW = {landmark: i for i, landmark in enumerate(BLAZEPOSE_33.landmarks)}
_BEND = 0.15
"""Sine of the flexion from which the plane of a knee or an elbow counts fully."""
_BACKWARDS = 0.4
"""Sine of a flexion below which a hinge is not believed to bend the wrong way."""
_HAND_SHARE = 0.5
"""How much a forearm turns with its hand."""
_HEAD_FREEDOM = 0.6
"""Share of the head's own turn against the chest that is believed; its depth is poorly known."""
_ANCHORED = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
"""Joints whose bones are put where the landmark is."""


def _unit(v: FloatArray) -> FloatArray:
    result: FloatArray = v / max(float(np.sqrt(v @ v)), 1e-9)
    return result


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _frame(along: FloatArray, towards: FloatArray) -> FloatArray:
    """(3, 3) orthonormal columns: `along`, the part of `towards` across it, their cross product."""
    a = _unit(along)
    b = towards - (towards @ a) * a
    if b @ b < 1e-12:
        b = np.eye(3)[int(np.argmin(np.abs(a)))]
        b = b - (b @ a) * a
    b = _unit(b)
    return np.stack([a, b, _cross(a, b)], 1)


def _swing(before: FloatArray, after: FloatArray, v: FloatArray) -> FloatArray:
    """`v` turned by the shortest rotation that takes one unit vector to another."""
    axis, cosine = _cross(before, after), float(before @ after)
    if cosine < -0.999:
        return v
    turned: FloatArray = v * cosine + _cross(axis, v) + axis * (axis @ v) / (1.0 + cosine)
    return turned


@dataclass(frozen=True)
class _Directions:
    """What of a body's attitude can be read off its landmarks; hints are zero where there is none."""

    hips: FloatArray
    chest: FloatArray
    head: FloatArray
    feet: dict[str, FloatArray]
    hands: dict[str, FloatArray]
    limbs: dict[str, FloatArray]

    @staticmethod
    def of(points: FloatArray) -> _Directions:
        at = {landmark: points[i] for landmark, i in _ROW.items()}
        left_hip, right_hip = at[L.LEFT_HIP], at[L.RIGHT_HIP]
        left_shoulder, right_shoulder = at[L.LEFT_SHOULDER], at[L.RIGHT_SHOULDER]
        up = left_shoulder + right_shoulder - left_hip - right_hip
        ears = at[L.LEFT_EAR] - at[L.RIGHT_EAR]
        nose = at[L.NOSE] - (at[L.LEFT_EAR] + at[L.RIGHT_EAR]) / 2.0
        feet, hands, limbs = {}, {}, {}
        for side in ("left", "right"):
            toe, heel, ankle = (at[L(f"{side}_{name}")] for name in ("foot_index", "heel", "ankle"))
            knee, hip = at[L(f"{side}_knee")], at[L(f"{side}_hip")]
            shoulder, elbow, wrist = (at[L(f"{side}_{name}")] for name in ("shoulder", "elbow", "wrist"))
            index, pinky = at[L(f"{side}_index")], at[L(f"{side}_pinky")]
            feet[side] = _frame(toe - heel, knee - ankle)
            hands[side] = _frame((index + pinky) / 2.0 - wrist, index - pinky)
            limbs[f"{side}_thigh"], limbs[f"{side}_shank"] = _unit(knee - hip), _unit(ankle - knee)
            limbs[f"{side}_upper_arm"] = _unit(elbow - shoulder)
            limbs[f"{side}_forearm"] = _unit(wrist - elbow)
        return _Directions(
            _frame(up, left_hip - right_hip),
            _frame(up, left_shoulder - right_shoulder),
            _frame(nose, ears),
            feet,
            hands,
            limbs,
        )


class Poser:
    """Turns landmarks into the bones of one body.

    Args:
        body: in its rest pose.
    """

    def __init__(self, body: BodyAsset) -> None:
        self._tree = BoneTree(body.bones, body.parents, body.heads)
        self._heads = body.heads
        self._index = {bone: j for j, bone in enumerate(body.bones)}
        marks = rest_landmarks(body)
        self._rest_points = np.stack([marks[landmark] for landmark in BLAZEPOSE_33.landmarks])
        self._rest = _Directions.of(self._rest_points)
        self._bends = {side: self._rest_bends(side) for side in ("left", "right")}
        anchors = [L(f"{side}_{joint}") for side in ("left", "right") for joint in _ANCHORED]
        self._anchor_rows = np.array(BLAZEPOSE_33.indices(*anchors))
        self._anchor_bones = np.array([self._index[carrier(landmark)] for landmark in anchors])

    def _rest_bends(self, side: str) -> tuple[FloatArray, FloatArray]:
        """Axes about which knee and elbow bend in the rest pose."""
        upper, fore = self._rest.limbs[f"{side}_upper_arm"], self._rest.limbs[f"{side}_forearm"]
        return np.array([0.0, 1.0, 0.0]), _unit(_cross(upper, fore))

    @cached_property
    def rest_points(self) -> FloatArray:
        """(33, 3) landmarks in the rest pose, m."""
        return self._rest_points

    def transforms(self, points: FloatArray) -> BoneTransforms:
        """The bones of a body.

        Args:
            points: (33, 3) landmarks of `BLAZEPOSE_33`, m; the twelve main joints finite, others may be NaN.

        Returns:
            rotations and offsets; shoulders, elbows, wrists, hips, knees and ankles are where their landmarks are.
        """
        now = _Directions.of(points if np.isfinite(points).all() else completed(points))
        rest = self._rest
        pelvis, chest = now.hips @ rest.hips.T, now.chest @ rest.chest.T
        named = {"pelvis": pelvis, "spine_03": chest}
        for bone, share in (("spine_01", 1.0 / 3.0), ("spine_02", 2.0 / 3.0)):
            named[bone] = _between(pelvis, chest, share)
        head = _between(chest, now.head @ rest.head.T, _HEAD_FREEDOM)
        named["neck_01"], named["head"] = _between(chest, head, 0.5), head
        for side in ("left", "right"):
            self._leg(now, side, pelvis, named)
            self._arm(now, side, chest, named)
            self._clavicle(points, side, chest, named)
        middle = (points[_ROW[L.LEFT_HIP]] + points[_ROW[L.RIGHT_HIP]]) / 2.0
        return self._anchored(self._tree.placed(self._tree.rotations(named), middle), points)

    def _leg(self, now: _Directions, side: str, pelvis: FloatArray, named: dict[str, FloatArray]) -> None:
        rest, s = self._rest, side[0]
        thigh, shank = now.limbs[f"{side}_thigh"], now.limbs[f"{side}_shank"]
        rest_thigh, rest_shank = rest.limbs[f"{side}_thigh"], rest.limbs[f"{side}_shank"]
        rest_left = self._bends[side][0]
        foot_left = -now.feet[side][:, 2]
        # the plane of the knee, and where it is nearly straight, pelvis and foot
        usual = _swing(pelvis @ rest_thigh, thigh, pelvis @ rest_left) + foot_left
        bend = _believed(_cross(thigh, shank), usual)
        named[f"thigh_{s}"] = _frame(thigh, bend) @ _frame(rest_thigh, rest_left).T
        named[f"calf_{s}"] = _frame(shank, bend) @ _frame(rest_shank, rest_left).T
        named[f"foot_{s}"] = now.feet[side] @ rest.feet[side].T

    def _arm(self, now: _Directions, side: str, chest: FloatArray, named: dict[str, FloatArray]) -> None:
        rest, s = self._rest, side[0]
        upper, fore = now.limbs[f"{side}_upper_arm"], now.limbs[f"{side}_forearm"]
        rest_upper, rest_fore = rest.limbs[f"{side}_upper_arm"], rest.limbs[f"{side}_forearm"]
        rest_bend = self._bends[side][1]
        bend = _believed(_cross(upper, fore), _swing(chest @ rest_upper, upper, chest @ rest_bend))
        named[f"upperarm_{s}"] = _frame(upper, bend) @ _frame(rest_upper, rest_bend).T
        elbow = _frame(fore, bend) @ _frame(rest_fore, rest_bend).T
        hand = now.hands[side] @ rest.hands[side].T
        # the hand's turn about the forearm, without its flexion
        turned = (
            _frame(fore, hand @ _cross(rest_fore, rest_bend))
            @ _frame(rest_fore, _cross(rest_fore, rest_bend)).T
        )
        named[f"lowerarm_{s}"] = _between(elbow, turned, _HAND_SHARE)
        named[f"hand_{s}"] = hand

    def _clavicle(
        self, points: FloatArray, side: str, chest: FloatArray, named: dict[str, FloatArray]
    ) -> None:
        """Swings so far as the shoulder is off its place on the chest."""
        s = side[0]
        arm = self._heads[self._index[f"upperarm_{s}"]] - self._heads[self._index[f"clavicle_{s}"]]
        rest_shoulder = self._rest_points[_ROW[L(f"{side}_shoulder")]]
        middle = (self._rest_points[_ROW[L.LEFT_SHOULDER]] + self._rest_points[_ROW[L.RIGHT_SHOULDER]]) / 2.0
        here = (points[_ROW[L.LEFT_SHOULDER]] + points[_ROW[L.RIGHT_SHOULDER]]) / 2.0
        off = (points[_ROW[L(f"{side}_shoulder")]] - here) - chest @ (rest_shoulder - middle)
        before = chest @ arm
        after = before + off
        turn = np.stack([_swing(_unit(before), _unit(after), axis) for axis in np.eye(3)], 1)
        named[f"clavicle_{s}"] = turn @ chest

    def _anchored(self, transforms: BoneTransforms, points: FloatArray) -> BoneTransforms:
        """Joints put exactly where their landmarks are, and all that hangs on them with them."""
        heads, offsets = transforms.heads.copy(), transforms.offsets.copy()
        shift = points[self._anchor_rows] - heads[self._anchor_bones]
        moved = np.zeros_like(heads)
        moved[self._anchor_bones] = shift
        carried = self._carriers
        heads += moved[carried]
        offsets += moved[carried]
        return BoneTransforms(transforms.rotations, offsets, heads)

    @cached_property
    def _carriers(self) -> NDArray[np.int64]:
        """(J,) the nearest bone up the tree that is anchored; a bone that is not for those without."""
        anchored = set(self._anchor_bones.tolist())
        result: list[int] = []
        for j, parent in enumerate(self._tree.turned_by.tolist()):
            result.append(j if j in anchored or parent == j or parent > j else result[parent])
        return np.array(result)


def _believed(bend: FloatArray, usual: FloatArray) -> FloatArray:
    """The axis of a hinge: where it bends its own, else what is usual."""
    sine = float(np.sqrt(bend @ bend))
    share = min(sine / _BEND, 1.0) ** 2
    if sine < 1e-6 or share <= 0.0:
        return usual
    axis = bend / sine
    # a hinge that seems to bend a little backwards is straight, and badly seen
    if sine < _BACKWARDS and axis @ usual < 0.0:
        return usual
    result: FloatArray = share * axis + (1.0 - share) * _unit(usual)
    return result


def _between(a: FloatArray, b: FloatArray, share: float) -> FloatArray:
    """Rotation between two that are less than half a turn apart: their mean, made orthonormal."""
    mixed = (1.0 - share) * a + share * b
    first = mixed[:, 2]
    if float(first @ first) < 1e-6:
        return a
    turned = _frame(first, mixed[:, 0])
    result: FloatArray = np.stack([turned[:, 1], turned[:, 2], turned[:, 0]], 1)
    return result
