"""Ways into the start position of an exercise: the key postures, steps and holds on them.

They are engineering judgement after how people sit down (Schenkman 1990: trunk first, 30 to 40 degrees), get down to the
floor over a crouch, and jump to a bar.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.movement.blend import moved, pin_arm, stood
from kinecue.simulation.movement.figure import SIDES, ArmRig, Figure, Rig
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.walking import stand_controls, standing
from kinecue.simulation.rotations import UP, about, apply, slerp, unit, yaw

FloatArray = NDArray[np.float64]

GRAVITY = 9.81
_STEP_S = 0.55
_STEP_LIFT = 0.06
"""Rise of a foot that steps in place, m."""
_FLAT_HAND = -1.0
"""Control ``grip`` of a hand that stands on the floor."""
_TIPTOE = math.radians(35.0)
_SAME_PLACE = 0.012
"""Feet closer than that to where they shall be stay there, m."""


@dataclass(frozen=True)
class Foot:
    """Where a foot is: (3,) ankle, (3, 3) turns of foot and toes from the rest pose."""

    ankle: FloatArray
    foot: FloatArray
    toes: FloatArray

    @staticmethod
    def of(figure: Figure, side: str) -> Foot:
        """Of the first moment of a body."""
        r = figure.rotations
        return Foot(figure.points[f"ankle_{side}"][0], r[f"foot_{side}"][0], r[f"ball_{side}"][0])

    def near(self, other: Foot) -> bool:
        """Whether it is not worth a step."""
        turn = float(np.trace(self.foot.T @ other.foot))
        return float(np.linalg.norm(self.ankle - other.ankle)) < _SAME_PLACE and turn > 1.0 + 2.0 * math.cos(
            0.05
        )


@dataclass(frozen=True)
class Move:
    """A foot goes from where it is to `to` and rises by `lift` on the way."""

    start_s: float
    end_s: float
    to: Foot
    lift: float
    shift: float = 0.0


@dataclass(frozen=True)
class Hold:
    """A hand comes to a place until `end_s`, and from then on stays there: (3,) wrist, (3, 3) hand.

    It comes down on it from `over` above, m.
    """

    start_s: float
    end_s: float
    wrist: FloatArray
    hand: FloatArray
    over: float = 0.0


@dataclass(frozen=True)
class Key:
    """A posture at a time; `rise` is the share of the way of the hips to it over the share of the time."""

    time_s: float
    figure: Figure
    rise: Callable[[FloatArray], FloatArray] | None = None


@dataclass
class Plan:
    """What happens on the way."""

    feet: dict[str, Foot]
    keys: list[Key]
    moves: dict[str, list[Move]] = field(default_factory=lambda: {"l": [], "r": []})
    hands: dict[str, Hold] = field(default_factory=dict)
    off_s: float = math.inf
    take_s: float | None = None

    @property
    def clock(self) -> float:
        return self.keys[-1].time_s

    def key(
        self, seconds: float, figure: Figure, rise: Callable[[FloatArray], FloatArray] | None = None
    ) -> None:
        """The next posture."""
        self.keys.append(Key(self.clock + seconds, figure, rise))

    def step(
        self, side: str, start_s: float, to: Foot, lift: float = _STEP_LIFT, shift: float = 0.35
    ) -> float:
        """A foot goes elsewhere unless it is there; when it has arrived, s."""
        now = self.moves[side][-1].to if self.moves[side] else self.feet[side]
        if now.near(to):
            self.moves[side].append(Move(start_s, start_s + 0.3, to, 0.0))
            return start_s
        self.moves[side].append(Move(start_s, start_s + _STEP_S, to, lift, shift))
        return start_s + _STEP_S


class Ways:
    """Ways of one athlete to one start position.

    Attributes:
        spot: x, y, heading of the standing at the beginning (middle between the ankles), m and rad.
    """

    def __init__(self, athlete: Athlete, goal: Figure) -> None:
        self.athlete, self.goal = athlete, goal
        self.spot = (0.0, 0.0, 0.0)
        self._skeleton = Skeleton(athlete)
        self._end = {side: Foot.of(goal, side) for side, _ in SIDES}
        self._flat = float(Foot.of(standing(athlete), "l").ankle[2])

    def plan(self, posture: str, pick_up: tuple[float, float] | None) -> Plan:
        """The way for a posture; see `kinecue.simulation.movement.approach.Approach`."""
        if posture == "seated":
            return self._sit()
        if posture == "hanging":
            return self._hang()
        if posture == "floor":
            return self._lie(pick_up is not None)
        return self._stand(pick_up)

    def _begin(self, x: float, y: float, heading: float) -> Plan:
        self.spot = (x, y, heading)
        figure = standing(self.athlete, x, y, heading)
        return Plan({side: Foot.of(figure, side) for side, _ in SIDES}, [Key(0.0, figure)])

    def _posture(self, **controls: float) -> Figure:
        """A body at the spot: controls in its frame, feet as in standing."""
        x, y, heading = self.spot
        given = {
            **stand_controls(self.athlete),
            "foot_out": 0.085 * self.athlete.scale,
            "toe_out": 0.12,
            **controls,
        }
        figure = self._skeleton.figure({k: np.array([v]) for k, v in given.items()}, Rig())
        return moved(figure, yaw(heading), np.array([x, y, 0.0]))

    def _local(self, point: FloatArray) -> FloatArray:
        """A point in the frame of the spot."""
        x, y, heading = self.spot
        result: FloatArray = yaw(-heading) @ (point - np.array([x, y, 0.0]))
        return result

    def _stand(self, pick_up: tuple[float, float] | None) -> Plan:
        """Step into the stance, pick up what is held, take the posture."""
        middle = (self._end["l"].ankle + self._end["r"].ankle) / 2.0
        plan = self._begin(float(middle[0]), float(middle[1]), _heading(self.goal))
        clock = 0.2
        for side, _ in SIDES:
            clock = plan.step(side, clock, self._end[side])
        plan.key(clock + 0.05, plan.keys[0].figure)
        if pick_up is not None:
            plan.key(1.3, self._picking_up(*pick_up))
            plan.take_s = plan.clock
            plan.key(0.2, plan.keys[-1].figure)
        drop = float(plan.keys[-1].figure.mid_hip[0, 2] - self.goal.mid_hip[0, 2])
        plan.key(1.0 + 1.2 * abs(drop), self.goal)
        return plan

    def _picking_up(self, ahead: float, height: float) -> Figure:
        """Half squat, half hinge, both hands on something low."""
        scale, lengths = self.athlete.scale, self.athlete.lengths
        grip = self._local(self.goal.points["grip_l"][0]) - self._local(self.goal.points["grip_r"][0])
        half = min(max(0.5 * abs(float(grip[1])), 0.02), 0.35)
        hip = 0.55 * (lengths.thigh + lengths.shank)
        controls = {
            **stand_controls(self.athlete), "pelvis_x": -0.22 * scale, "pelvis_z": hip, "pelvis_pitch": math.radians(45.0),
            "spine_flexion": math.radians(12.0), "neck_flexion": math.radians(-25.0),
            "foot_out": 0.16 * scale, "toe_out": 0.25, "hand_x": ahead, "hand_out": half, "hand_z": height,
        }  # fmt: skip
        rig = Rig.both(ArmRig(mode="grip", pole=(-1.0, 0.8, 0.0)))
        reached = {k: np.array([float(v)]) for k, v in controls.items()}
        for _ in range(12):
            figure = self._skeleton.figure(reached, rig)
            lack = float(figure.stretch["arm"].max())
            if lack < 1e-4:
                break
            # short arms bow deeper
            reached["pelvis_pitch"] = reached["pelvis_pitch"] + 0.8 * lack
            reached["pelvis_z"] = reached["pelvis_z"] - 0.5 * lack
        x, y, heading = self.spot
        return moved(figure, yaw(heading), np.array([x, y, 0.0]))

    def _sit(self) -> Plan:
        """Step before the seat, sit down, put the feet where they belong, take hold."""
        scale = self.athlete.scale
        heading = _heading(self.goal)
        turn = yaw(heading)
        hip = self.goal.mid_hip[0]
        floor = {side: foot for side, foot in self._end.items() if foot.ankle[2] < self._flat + 0.05}
        if len(floor) == 2:
            places = floor
        else:
            ahead = hip + turn @ [0.34 * scale, 0.0, 0.0]
            stood = standing(self.athlete, float(ahead[0]), float(ahead[1]), heading)
            places = {
                side: Foot(f.ankle + turn @ [0.0, sign * 0.12 * scale, 0.0], f.foot, f.toes)
                for side, sign in SIDES
                for f in (Foot.of(stood, side),)
            }
        middle = (places["l"].ankle + places["r"].ankle) / 2.0
        plan = self._begin(float(middle[0]), float(middle[1]), heading)
        clock = 0.2
        for side, _ in SIDES:
            clock = plan.step(side, clock, places[side])
        plan.key(clock + 0.05, plan.keys[0].figure)
        seat = self._local(hip)
        arms = {"shoulder_flexion": math.radians(35.0), "elbow_flexion": math.radians(55.0)}
        tall = float(plan.keys[0].figure.mid_hip[0, 2])
        plan.key(
            0.8,
            self._posture(
                pelvis_x=0.75 * float(seat[0]), pelvis_z=0.45 * tall + 0.55 * float(seat[2]),
                pelvis_pitch=math.radians(25.0), spine_flexion=math.radians(15.0), **arms,
            ),
            lambda u: u * u * (2.0 - u),
        )  # fmt: skip
        plan.key(
            0.8,
            self._posture(pelvis_x=float(seat[0]), pelvis_y=float(seat[1]), pelvis_z=float(seat[2]), **arms),
            _leave,
        )
        clock = plan.clock + 0.1
        for side, _ in SIDES:
            clock = plan.step(side, clock, self._end[side], 0.05, 0.0)
        plan.key(clock - plan.clock + 0.1, plan.keys[-1].figure)
        plan.key(1.2, self.goal)
        return plan

    def _lie(self, from_floor: bool) -> Plan:
        """To the floor: on the hands, or on the back."""
        chest = apply(self.goal.rotations["spine_03"], np.array([1.0, 0.0, 0.0]))[0]
        return self._on_the_back(from_floor) if chest[2] > 0.0 else self._on_the_hands()

    def _on_the_hands(self) -> Plan:
        """Crouch, hands to the floor, the feet back in short steps."""
        scale = self.athlete.scale
        along = self.goal.mid_shoulder[0] - self.goal.mid_hip[0]
        heading = math.atan2(along[1], along[0])
        wrists = {side: self.goal.points[f"wrist_{side}"][0] for side, _ in SIDES}
        middle = (wrists["l"] + wrists["r"]) / 2.0 + yaw(heading) @ [-0.36 * scale, 0.0, 0.0]
        plan = self._begin(float(middle[0]), float(middle[1]), heading)
        start = {side: Foot.of(plan.keys[0].figure, side) for side, _ in SIDES}
        leg = self.athlete.lengths.thigh + self.athlete.lengths.shank
        crouch = self._posture(
            grip=_FLAT_HAND,
            pelvis_x=-0.14 * scale, pelvis_z=0.47 * leg, pelvis_pitch=math.radians(62.0),
            spine_flexion=math.radians(28.0), neck_flexion=math.radians(-20.0),
            shoulder_flexion=math.radians(85.0), shoulder_abduction=math.radians(6.0), elbow_flexion=math.radians(12.0),
        )  # fmt: skip
        for side, _ in SIDES:
            wrist, hand = self._flat_hand(side, heading)
            crouch = pin_arm(self.athlete, crouch, side, wrist[None], hand[None])
            plan.moves[side].append(
                Move(0.5, 1.5, _tiptoe(self.athlete, start[side], side, 0.75 * _TIPTOE), 0.0)
            )
            plan.hands[side] = Hold(1.1, 1.5, wrist, hand, 0.06)
        plan.key(1.5, crouch)
        hip = self._local(self.goal.mid_hip[0])
        # on hands and feet with the hips high: under low ones no foot could pass
        high = max(0.60 * leg, float(hip[2]) + 0.05)
        arms = {
            "shoulder_flexion": math.radians(85.0), "shoulder_abduction": math.radians(6.0),
            "elbow_flexion": math.radians(12.0),
        }  # fmt: skip
        bent = {
            "grip": _FLAT_HAND,
            "spine_flexion": math.radians(16.0),
            "neck_flexion": math.radians(-15.0),
            **arms,
        }
        back = float(hip[0]) + 0.10 * scale
        halfway = self._posture(
            pelvis_x=0.6 * (-0.14 * scale) + 0.4 * back,
            pelvis_z=0.70 * leg,
            pelvis_pitch=math.radians(86.0),
            **bent,
        )
        bridge = self._posture(
            pelvis_x=back, pelvis_y=float(hip[1]), pelvis_z=high, pelvis_pitch=math.radians(82.0), **bent
        )
        # two short steps back with each foot: one long one would not pass under the body
        for i, (side, _) in enumerate(SIDES):
            begin, toes = plan.moves[side][-1].to, self._on_toes(side, heading)
            between = Foot(
                (begin.ankle + toes.ankle) / 2.0,
                slerp(begin.foot, toes.foot, 0.5),
                slerp(begin.toes, toes.toes, 0.5),
            )
            plan.moves[side].append(Move(1.6 + 0.5 * i, 2.1 + 0.5 * i, between, 0.05))
            plan.moves[side].append(Move(2.6 + 0.5 * i, 3.1 + 0.5 * i, toes, 0.05))
            plan.moves[side].append(Move(3.6, 4.7, self._end[side], 0.0))
        plan.key(0.95, halfway)
        plan.key(0.75, bridge)
        plan.key(0.4, bridge)
        plan.key(1.1, self.goal)
        return plan

    def _on_toes(self, side: str, heading: float) -> Foot:
        """The foot on its toes where the goal has it, on the floor even if the goal has it in the air."""
        goal = self._end[side]
        ball = self.goal.points[f"ball_{side}"][0]
        flat = Foot.of(standing(self.athlete, 0.0, 0.0, heading), side)
        up = _tiptoe(self.athlete, flat, side, 1.9 * _TIPTOE)
        arm = self.athlete.head(f"ball_{side}") - self.athlete.head(f"foot_{side}")
        rest = flat.ankle + flat.foot @ arm
        if ball[2] < rest[2] + 0.03:
            return goal
        return Foot(up.ankle + (ball - rest) * [1.0, 1.0, 0.0], up.foot, up.toes)

    def _flat_hand(self, side: str, heading: float) -> tuple[FloatArray, FloatArray]:
        """Wrist and turn of a hand that stands on the floor where the goal has it."""
        wrist, hand = self.goal.points[f"wrist_{side}"][0], self.goal.rotations[f"hand_{side}"][0]
        palm = self.goal.points[f"palm_{side}"][0]
        if palm[2] < 0.02:
            return wrist, hand
        rig = Rig.both(ArmRig(mode="palm", pole=(0.0, 1.0, -0.5)))
        lean = {
            "pelvis_z": 0.5,
            "pelvis_pitch": math.radians(80.0),
            "hand_x": 0.5,
            "hand_out": 0.2,
            "hand_z": 0.0,
        }
        flat = self._skeleton.figure({k: np.array([v]) for k, v in lean.items()}, rig)
        height = float(flat.points[f"wrist_{side}"][0, 2])
        return np.array([wrist[0], wrist[1], height]), yaw(heading) @ flat.rotations[f"hand_{side}"][0]

    def _on_the_back(self, from_floor: bool) -> Plan:
        """Squat down, sit on the floor, lie back."""
        scale = self.athlete.scale
        along = self.goal.mid_hip[0] - self.goal.mid_shoulder[0]
        heading = math.atan2(along[1], along[0])
        turn = yaw(heading)
        hip = self.goal.mid_hip[0]
        flat = [f for f in self._end.values() if abs(f.foot[2, 0]) < 0.3]
        ahead = [float((turn.T @ (f.ankle - hip))[0]) for f in flat]
        reach = min(max(min(ahead, default=0.5), 0.30), 0.55) if ahead else 0.45 * scale
        place = hip + turn @ [reach, 0.0, 0.0]
        plan = self._begin(float(place[0]), float(place[1]), heading)
        seat = self._local(hip)
        tall = float(plan.keys[0].figure.mid_hip[0, 2])
        arms = {"shoulder_flexion": math.radians(55.0), "elbow_flexion": math.radians(25.0)}
        plan.key(
            1.0,
            self._posture(
                pelvis_x=0.6 * float(seat[0]), pelvis_z=0.48 * tall, pelvis_pitch=math.radians(38.0),
                spine_flexion=math.radians(20.0), **arms,
            ),
        )  # fmt: skip
        sitting = float(seat[2]) + 0.01
        plan.key(
            0.9,
            self._posture(
                pelvis_x=float(seat[0]), pelvis_z=sitting, pelvis_pitch=math.radians(-20.0),
                spine_flexion=math.radians(30.0), shoulder_flexion=math.radians(-58.0),
                shoulder_abduction=math.radians(26.0), elbow_flexion=math.radians(64.0),
            ),
        )  # fmt: skip
        clock = plan.clock
        for side, _ in SIDES:
            clock = plan.step(side, clock, self._end[side], 0.03, 0.0)
        back = self._posture(
            pelvis_x=float(seat[0]), pelvis_y=float(seat[1]), pelvis_z=sitting, pelvis_pitch=math.radians(-55.0),
            spine_flexion=math.radians(35.0), neck_flexion=math.radians(25.0), shoulder_flexion=math.radians(5.0),
            shoulder_abduction=math.radians(35.0), elbow_flexion=math.radians(70.0),
        )  # fmt: skip
        plan.key(1.0, back)
        if from_floor:
            beside = self._posture(
                shoulder_flexion=math.radians(-6.0), shoulder_abduction=math.radians(40.0),
                shoulder_rotation=math.radians(10.0), elbow_flexion=math.radians(8.0),
            )  # fmt: skip
            plan.key(1.0, replace(self._with_arms(self.goal, beside), grip=self.goal.grip))
            plan.take_s = plan.clock
            plan.key(0.2, plan.keys[-1].figure)
        plan.key(1.2, self.goal)
        return plan

    def _with_arms(self, body: Figure, arms: Figure) -> Figure:
        """A body with the arms of another one."""
        rotations = dict(body.rotations)
        turn = rotations["spine_03"] @ np.swapaxes(arms.rotations["spine_03"], -1, -2)
        for side, _ in SIDES:
            for bone in ("clavicle", "upperarm", "lowerarm", "hand"):
                rotations[f"{bone}_{side}"] = turn @ arms.rotations[f"{bone}_{side}"]
        return stood(self.athlete, body.mid_hip, rotations, arms.grip)

    def _hang(self) -> Plan:
        """Reach up, jump if the bar is high, hang."""
        hip = self.goal.mid_hip[0]
        plan = self._begin(float(hip[0]), float(hip[1]), _heading(self.goal))
        stand = plan.keys[0].figure
        start = {side: Foot.of(stand, side) for side, _ in SIDES}
        up = self._with_arms(stand, self.goal)
        up = replace(up, grip=np.zeros((1, 2)))
        plan.key(1.1, up)
        high = float(stand.mid_hip[0, 2])
        raised = {side: _tiptoe(self.athlete, start[side], side, _TIPTOE) for side, _ in SIDES}
        tiptoe = high + float(raised["l"].ankle[2] - start["l"].ankle[2]) - 0.03
        flight = float(hip[2]) - tiptoe
        if flight > 0.0:
            speed = math.sqrt(2.0 * GRAVITY * flight)
            depth = min(0.10 + 0.35 * flight, 0.30)
            low, top = (
                moved(up, np.eye(3), np.array([0.0, 0.0, -depth])),
                moved(up, np.eye(3), np.array([0.0, 0.0, tiptoe - high])),
            )
            plan.key(0.45, low)
            push_s = 2.0 * (depth + tiptoe - high) / speed
            leave = plan.clock + push_s
            # constant push up to the speed of take-off, and the parabola up to the bar
            plan.key(push_s, top, lambda u: u * u)
            up_s = speed / GRAVITY
            plan.key(up_s, moved(top, np.eye(3), hip - top.mid_hip[0]), lambda u: 1.0 - (1.0 - u) ** 2)
        else:
            push_s, leave = 0.6, plan.clock + 0.8
            plan.key(0.8, moved(up, np.eye(3), np.array([0.0, 0.0, min(float(hip[2]), tiptoe) - high])))
        for side, _ in SIDES:
            plan.moves[side].append(Move(leave - 0.75 * push_s, leave, raised[side], 0.0))
            wrist, hand = self.goal.points[f"wrist_{side}"][0], self.goal.rotations[f"hand_{side}"][0]
            plan.hands[side] = Hold(plan.clock - 0.22, plan.clock, wrist, hand)
        plan.off_s = leave
        plan.take_s = plan.clock
        plan.key(0.8, self.goal)
        return plan


def _leave(u: FloatArray) -> FloatArray:
    """Share of a way that ends softly and begins at speed."""
    result: FloatArray = 1.0 - (1.0 - u) ** 2 * (1.0 + u)
    return result


def _heading(figure: Figure) -> float:
    """Where the hips look, rad about the vertical."""
    left = figure.points["hip_l"][0] - figure.points["hip_r"][0]
    return math.atan2(-left[0], left[1])


def _tiptoe(athlete: Athlete, flat: Foot, side: str, up: float) -> Foot:
    """The flat foot with its heel up, turned about the ball."""
    forward = flat.foot @ unit(
        (athlete.head(f"ball_{side}") - athlete.head(f"foot_{side}")) * [1.0, 1.0, 0.0]
    )
    axis = np.cross(UP, forward)
    turned = about(axis, up) @ flat.foot
    ball = athlete.head(f"ball_{side}") - athlete.head(f"foot_{side}")
    return Foot(flat.ankle + flat.foot @ ball - turned @ ball, turned, flat.foot)
