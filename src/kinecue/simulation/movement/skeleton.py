"""From named controls of the body to where its bones are, for many moments at once.

A control is an array over N moments (or a number), by name. Controls that exist on both sides end in ``_l`` or
``_r``; ``out`` points away from the body's middle plane, so that the same values on both sides are a symmetric
posture. Frame: x forward, y left, z up, origin on the floor; metres and radians; what is not given is 0.

    pelvis_x, pelvis_y, pelvis_z               middle between the hips
    pelvis_yaw, pelvis_pitch, pelvis_roll      of the pelvis: to the left, forward, to the right
    spine_flexion, spine_lateral, spine_axial  thorax against pelvis: forward, to the left, turned to the left
    neck_flexion, neck_lateral, neck_axial     head against thorax, the same way
    shrug, protract                            of the shoulder girdle, over its rhythm with the arm
    shoulder_flexion, shoulder_abduction, shoulder_rotation (external positive), elbow_flexion,
    supination, wrist_flexion                  an arm that is ``free``
    hand_x, hand_out, hand_z                   what the hand holds or stands on, of other arms
    elbow_turn                                 of the elbow about the line shoulder-hand, away from `pole`; positive
                                               outwards for arms that point forward or down
    hip_flexion, hip_abduction, hip_rotation, knee_flexion, ankle_flexion (plantar)
                                               a leg that is ``free``
    foot_x, foot_out, foot_z                   a foot on the floor: where its ankle is when it stands flat,
                                               foot_z over that
    toe_out, heel_up                           of that foot; heel_up turns it about the ball, or, when it is
                                               negative, about the heel
    heel_lift                                  height of the heel, m, on top of what heel_up gives
    knee_in                                    of the knee about the line hip-ankle, towards the middle
    grip                                       0 open hand, 1 closed around a bar
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Landmark
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.hands import grip_centre, grip_frame, palm_centre
from kinecue.simulation.movement.figure import SIDES, ArmRig, Controls, Figure, Rig
from kinecue.simulation.rotations import (
    FORWARD,
    LEFT,
    UP,
    about,
    across,
    apply,
    cross,
    dot,
    frame,
    middle_joint,
    pitch,
    roll,
    unit,
    yaw,
)

FloatArray = NDArray[np.float64]
_Get = Callable[[str], FloatArray]
_Named = dict[str, FloatArray]

_SPINE = ("spine_01", "spine_02", "spine_03")
_RHYTHM = 0.30
"""Elevation of the shoulder girdle over elevation of the arm (scapulohumeral rhythm: Inman 1944, one third)."""
_RHYTHM_FROM = math.radians(35.0)
"""Elevation of the arm from which the girdle follows."""
_RHYTHM_LIMIT = math.radians(32.0)


class Skeleton:
    """Forward kinematics of one athlete's joints."""

    def __init__(self, athlete: Athlete) -> None:
        self.athlete = athlete
        head = athlete.head
        self.lengths = athlete.lengths
        self._mid_hip = athlete.rest_mid_hip
        self._spine = [head(b) for b in _SPINE]
        points = {k: p for k, (_, p) in athlete.rest_landmarks.items()}
        self._ears = (points[Landmark.LEFT_EAR] + points[Landmark.RIGHT_EAR]) / 2.0
        self._side: dict[str, dict[str, FloatArray]] = {}
        for side, name in (("l", "left"), ("r", "right")):
            own = {b: head(f"{b}_{side}") for b in (
                "clavicle", "upperarm", "lowerarm", "hand", "thigh", "calf", "foot", "ball")}  # fmt: skip
            own["heel"] = points[Landmark(f"{name}_heel")]
            own["toe"] = points[Landmark(f"{name}_foot_index")]
            own["grip"] = grip_centre(athlete, side)
            own["palm"] = palm_centre(athlete, side)
            own["hinge"] = unit(cross(own["lowerarm"] - own["upperarm"], own["hand"] - own["lowerarm"]))
            own["thigh_frame"] = frame(own["thigh"] - own["calf"], FORWARD)
            own["calf_frame"] = frame(own["calf"] - own["foot"], FORWARD)
            own["upper_frame"] = frame(own["lowerarm"] - own["upperarm"], own["hinge"])
            own["fore_frame"] = frame(own["hand"] - own["lowerarm"], own["hinge"])
            own["grip_frame"] = grip_frame(athlete, side)
            self._side[side] = own

    def figure(self, controls: Controls, rig: Rig) -> Figure:
        """The body.

        Args:
            controls: by name (see the module); a name without side that is meant for both sides counts where
                the name with a side is missing.
            rig: how the limbs are led.

        Returns:
            The body at N moments, N being the length of the longest control.
        """
        given = {k: np.asarray(v, dtype=np.float64) for k, v in controls.items()}
        count = max([1] + [v.shape[0] for v in given.values() if v.ndim])
        if rig.base.ndim == 3:
            count = max(count, len(rig.base))
        zero = np.zeros(count)

        def get(name: str) -> FloatArray:
            value = given.get(name)
            if value is None and name.endswith(("_l", "_r")):
                value = given.get(name[:-2])
            return zero if value is None else value + zero

        rotations: dict[str, FloatArray] = {}
        points: dict[str, FloatArray] = {}
        mid_hip = np.stack([get("pelvis_x"), get("pelvis_y"), get("pelvis_z")], -1)
        pelvis = rig.base @ yaw(get("pelvis_yaw")) @ pitch(get("pelvis_pitch")) @ roll(get("pelvis_roll"))
        rotations["pelvis"] = pelvis
        thorax, chest = self._trunk(get, mid_hip, pelvis, rotations)
        self._head(get, thorax, chest, rotations, points)
        short: dict[str, list[FloatArray]] = {"arm": [], "leg": []}
        for i, (side, sign) in enumerate(SIDES):
            short["arm"].append(self._arm(get, side, sign, rig.arms[i], thorax, chest, rotations, points))
            short["leg"].append(self._leg(get, side, sign, rig.legs[i], pelvis, mid_hip, rotations, points))
        stretch = {limb: np.stack(np.broadcast_arrays(*both), -1) for limb, both in short.items()}
        return Figure(rotations, points, np.stack([get("grip_l"), get("grip_r")], -1), stretch)

    def _trunk(
        self, get: _Get, mid_hip: FloatArray, pelvis: FloatArray, rotations: _Named
    ) -> tuple[FloatArray, FloatArray]:
        """Orientation of the thorax, and where its bone turns."""
        place, turn, rest = mid_hip, pelvis, self._mid_hip
        share = 1.0 / len(_SPINE)
        step = yaw(share * get("spine_axial")) @ pitch(share * get("spine_flexion"))
        step = step @ roll(-share * get("spine_lateral"))
        for bone, head in zip(_SPINE, self._spine, strict=True):
            place = place + apply(turn, head - rest)
            turn = turn @ step
            rotations[bone] = turn
            rest = head
        return turn, place

    def _head(
        self, get: _Get, thorax: FloatArray, chest: FloatArray, rotations: _Named, points: _Named
    ) -> None:
        neck_rest, head_rest = self.athlete.head("neck_01"), self.athlete.head("head")
        half = (
            yaw(0.5 * get("neck_axial")) @ pitch(0.5 * get("neck_flexion")) @ roll(-0.5 * get("neck_lateral"))
        )
        neck = chest + apply(thorax, neck_rest - self._spine[-1])
        rotations["neck_01"] = thorax @ half
        rotations["head"] = thorax @ half @ half
        points["neck"] = neck
        points["head"] = neck + apply(rotations["neck_01"], head_rest - neck_rest)
        points["ears"] = points["head"] + apply(rotations["head"], self._ears - head_rest)

    def _arm(
        self,
        get: _Get,
        side: str,
        sign: float,
        arm: ArmRig,
        thorax: FloatArray,
        chest: FloatArray,
        rotations: _Named,
        points: _Named,
    ) -> FloatArray:
        own = self._side[side]
        joint = chest + apply(thorax, own["clavicle"] - self._spine[-1])
        across_girdle = own["upperarm"] - own["clavicle"]
        extra_up, forward = get(f"shrug_{side}"), get(f"protract_{side}")
        # the girdle follows the arm, which hangs on the girdle: once without, then with the rhythm
        lift = extra_up
        for last in (False, True):
            girdle = thorax @ yaw(-sign * forward) @ roll(sign * lift)
            shoulder = joint + apply(girdle, across_girdle)
            limb = self._limb(get, side, sign, arm, thorax, shoulder)
            if last:
                break
            upper = unit(limb["elbow"] - shoulder)
            if arm.mode in ("grip", "palm"):
                upper = _eased(upper, unit(limb["wrist"] - shoulder))
            raised = np.arccos(np.clip(-(upper * thorax[..., :, 2]).sum(-1), -1.0, 1.0))
            lift = extra_up + _soft_limit(_RHYTHM * _soft_positive(raised - _RHYTHM_FROM), _RHYTHM_LIMIT)
        rotations[f"clavicle_{side}"] = girdle
        points[f"shoulder_{side}"] = shoulder
        upper, hinge, fore = (
            unit(limb["elbow"] - shoulder),
            limb["hinge"],
            unit(limb["wrist"] - limb["elbow"]),
        )
        rotations[f"upperarm_{side}"] = frame(upper, hinge) @ own["upper_frame"].T
        plain = frame(fore, hinge) @ own["fore_frame"].T
        hand = limb["hand"]
        twist = _twist(np.swapaxes(plain, -1, -2) @ hand, unit(own["hand"] - own["lowerarm"]))
        rotations[f"lowerarm_{side}"] = about(fore, 0.45 * twist) @ plain
        rotations[f"hand_{side}"] = hand
        points[f"elbow_{side}"], points[f"wrist_{side}"] = limb["elbow"], limb["wrist"]
        for name in ("grip", "palm"):
            points[f"{name}_{side}"] = limb["wrist"] + apply(hand, own[name] - own["hand"])
        return limb["stretch"]

    def _limb(
        self, get: _Get, side: str, sign: float, arm: ArmRig, thorax: FloatArray, shoulder: FloatArray
    ) -> _Named:
        """Elbow, wrist, hinge axis of the elbow and rotation of the hand."""
        own = self._side[side]
        mirror = np.array([1.0, sign, 1.0])
        if arm.mode == "free":
            return self._free_arm(get, side, sign, thorax, shoulder)
        target = np.stack([get(f"hand_x_{side}"), sign * get(f"hand_out_{side}"), get(f"hand_z_{side}")], -1)
        pointing = unit(np.array(arm.pointing) * mirror)
        if arm.mode == "forearm":
            upper = unit(target - shoulder)
            elbow = shoulder + self.lengths.upper_arm * upper
            fore = np.broadcast_to(pointing, elbow.shape)
            # palms face each other, thumbs up
            hand = frame(np.broadcast_to(UP, elbow.shape), fore) @ own["grip_frame"].T
            hinge = unit(cross(upper, fore))
            wrist = elbow + self.lengths.forearm * fore
            # the upper arm has to be exactly as long as the shoulder is high over the elbow
            gap = np.abs(np.sqrt(dot(target - elbow, target - elbow))[..., 0])
            return {"elbow": elbow, "wrist": wrist, "hinge": hinge, "hand": hand, "stretch": gap}
        pole = apply(thorax, unit(np.array(arm.pole) * mirror))
        turn = sign * get(f"elbow_turn_{side}")
        axis = np.array(arm.axis) * np.array([1.0, sign, 1.0])
        axis = unit(np.broadcast_to(axis, shoulder.shape).astype(np.float64))

        def elbow_for(wrist: FloatArray) -> tuple[FloatArray, FloatArray]:
            line = unit(wrist - shoulder)
            out = apply(about(line, turn), across(pole, line))
            elbow = middle_joint(shoulder, wrist, self.lengths.upper_arm, self.lengths.forearm, out)
            return elbow, cross(out, line)

        if arm.mode == "palm":
            # flat on the floor, thumb inwards: from little finger to thumb is towards the middle
            inward = np.broadcast_to(-sign * cross(UP, pointing), shoulder.shape)
            hand = frame(inward, np.broadcast_to(pointing, shoulder.shape)) @ own["grip_frame"].T
            wrist = target - apply(hand, own["palm"] - own["hand"])
            elbow, hinge = elbow_for(wrist)
            stretch = self._lack(shoulder, wrist, "upper_arm", "forearm")
            wrist = elbow + self.lengths.forearm * unit(wrist - elbow)
            return {"elbow": elbow, "wrist": wrist, "hinge": hinge, "hand": hand, "stretch": stretch}
        along = unit(target - shoulder)
        for _ in range(5):
            tilted = apply(about(axis, -sign * arm.wrist), across(along, axis)) if arm.wrist else along
            hand = frame(axis, tilted) @ own["grip_frame"].T
            wrist = target - apply(hand, own["grip"] - own["hand"])
            elbow, hinge = elbow_for(wrist)
            along = unit(wrist - elbow)
        stretch = self._lack(shoulder, wrist, "upper_arm", "forearm")
        wrist = elbow + self.lengths.forearm * along
        return {"elbow": elbow, "wrist": wrist, "hinge": hinge, "hand": hand, "stretch": stretch}

    def _lack(self, start: FloatArray, end: FloatArray, upper: str, lower: str) -> FloatArray:
        distance: FloatArray = np.sqrt(dot(end - start, end - start))[..., 0]
        limb = float(getattr(self.lengths, upper)) + float(getattr(self.lengths, lower))
        return np.maximum(distance - limb, 0.0)

    def _free_arm(
        self, get: _Get, side: str, sign: float, thorax: FloatArray, shoulder: FloatArray
    ) -> _Named:
        own = self._side[side]
        turn = (
            thorax @ pitch(-get(f"shoulder_flexion_{side}")) @ roll(sign * get(f"shoulder_abduction_{side}"))
        )
        upper = apply(turn, -UP)
        hinge = apply(about(upper, -sign * get(f"shoulder_rotation_{side}")), apply(turn, -LEFT))
        fore = apply(about(hinge, get(f"elbow_flexion_{side}")), upper)
        plain = frame(fore, hinge) @ own["fore_frame"].T
        hand = about(fore, -sign * get(f"supination_{side}")) @ plain
        bend = about(apply(hand, own["hinge"]), get(f"wrist_flexion_{side}"))
        elbow = shoulder + self.lengths.upper_arm * upper
        return {
            "elbow": elbow,
            "wrist": elbow + self.lengths.forearm * fore,
            "hinge": hinge,
            "hand": bend @ hand,
            "stretch": np.zeros(len(elbow)),
        }

    def _leg(
        self,
        get: _Get,
        side: str,
        sign: float,
        mode: str,
        pelvis: FloatArray,
        mid_hip: FloatArray,
        rotations: _Named,
        points: _Named,
    ) -> FloatArray:
        own = self._side[side]
        stretch = np.zeros(len(mid_hip))
        hip = mid_hip + apply(pelvis, own["thigh"] - self._mid_hip)
        if mode == "free":
            turn = pelvis @ pitch(-get(f"hip_flexion_{side}")) @ roll(sign * get(f"hip_abduction_{side}"))
            turn = turn @ yaw(sign * get(f"hip_rotation_{side}"))
            thigh, pole = apply(turn, -UP), apply(turn, FORWARD)
            hinge = apply(turn, LEFT)
            bend = about(hinge, get(f"knee_flexion_{side}"))
            shank, shin_front = apply(bend, thigh), apply(bend, pole)
            knee = hip + self.lengths.thigh * thigh
            ankle = knee + self.lengths.shank * shank
            calf = frame(-shank, shin_front) @ own["calf_frame"].T
            foot = calf @ pitch(get(f"ankle_flexion_{side}"))
            ball_turn = foot
        else:
            foot, ball_turn, ankle = self._foot(get, side, sign)
            line = unit(hip - ankle)
            front = apply(foot, self._foot_forward(side))
            # about the line from ankle to hip, a turn by the right-hand rule takes "forward" to the left
            pole = apply(about(line, -sign * get(f"knee_in_{side}")), across(front, line))
            knee = middle_joint(hip, ankle, self.lengths.thigh, self.lengths.shank, pole)
            calf = frame(knee - ankle, pole) @ own["calf_frame"].T
            stretch = self._lack(hip, ankle, "thigh", "shank")
            # a leg that is too short takes its foot along
            ankle = knee + self.lengths.shank * unit(ankle - knee)
        rotations[f"thigh_{side}"] = frame(hip - knee, pole) @ own["thigh_frame"].T
        rotations[f"calf_{side}"] = calf
        rotations[f"foot_{side}"], rotations[f"ball_{side}"] = foot, ball_turn
        points[f"hip_{side}"], points[f"knee_{side}"], points[f"ankle_{side}"] = hip, knee, ankle
        points[f"front_{side}"] = ankle + 0.1 * apply(foot, self._foot_forward(side))
        points[f"heel_{side}"] = ankle + apply(foot, own["heel"] - own["foot"])
        points[f"ball_{side}"] = ankle + apply(foot, own["ball"] - own["foot"])
        points[f"toe_{side}"] = points[f"ball_{side}"] + apply(ball_turn, own["toe"] - own["ball"])
        return stretch

    def _foot_forward(self, side: str) -> FloatArray:
        """(3,) rest direction of the foot, level."""
        own = self._side[side]
        return unit((own["ball"] - own["foot"]) * [1.0, 1.0, 0.0])

    def _foot(self, get: _Get, side: str, sign: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rotations of foot and toes, place of the ankle."""
        own = self._side[side]
        forward = self._foot_forward(side)
        flat = yaw(sign * get(f"toe_out_{side}") - math.atan2(forward[1], forward[0]))
        up = get(f"heel_up_{side}") + self._heel_angle(side, get(f"heel_lift_{side}"))
        raised = flat @ about(cross(UP, forward), up)
        planted = np.stack(
            [get(f"foot_x_{side}"), sign * get(f"foot_out_{side}"), own["foot"][2] + get(f"foot_z_{side}")],
            -1,
        )
        pivot = np.where((up >= 0.0)[..., None], own["ball"], own["heel"] * [1.0, 1.0, 0.0])
        ankle = planted + apply(flat, pivot - own["foot"]) + apply(raised, own["foot"] - pivot)
        toes = np.where((up >= 0.0)[..., None, None], flat, raised)
        return raised, toes, ankle

    def _heel_angle(self, side: str, lift: FloatArray) -> FloatArray:
        """Turn about the ball that lifts the heel of a flat foot so far."""
        lever = self._side[side]["heel"] - self._side[side]["ball"]
        back, up = -float(lever @ self._foot_forward(side)), float(lever[2])
        radius = math.hypot(back, up)
        angle: FloatArray = np.arcsin(np.clip((up + lift) / radius, -1.0, 1.0)) - math.asin(up / radius)
        return angle

    def ball_height(self, side: str) -> float:
        """Height of the ball of a foot that stands flat, m."""
        return float(self._side[side]["ball"][2])


def _eased(upper: FloatArray, line: FloatArray, width: float = 0.3) -> FloatArray:
    """Direction of an upper arm that does not change without bound where the arm, led by its hand, gets straight.

    The elbow leaves the line to the hand with the root of what the arm has to spare.
    """
    along = dot(upper, line) * line
    aside = upper - along
    size = dot(aside, aside)
    return unit(along + aside * np.sqrt(size / (size + width * width)))


def _soft_positive(x: FloatArray, width: float = 0.2) -> FloatArray:
    """`x` where it is positive, 0 where it is negative, smooth between."""
    result: FloatArray = (x + np.sqrt(x * x + width * width)) / 2.0
    return result


def _soft_limit(x: FloatArray, limit: float) -> FloatArray:
    """`x`, which is not negative, levelling off at `limit`."""
    result: FloatArray = limit * np.tanh(x / limit)
    return result


def _twist(rotation: FloatArray, axis: FloatArray) -> FloatArray:
    """(...) angle of a rotation about an axis (swing-twist decomposition), rad."""
    w = 1.0 + np.trace(rotation, axis1=-2, axis2=-1)
    vector = np.stack(
        [
            rotation[..., 2, 1] - rotation[..., 1, 2],
            rotation[..., 0, 2] - rotation[..., 2, 0],
            rotation[..., 1, 0] - rotation[..., 0, 1],
        ],
        -1,
    )
    angle: FloatArray = 2.0 * np.arctan2(dot(vector, axis)[..., 0], w)
    return angle
