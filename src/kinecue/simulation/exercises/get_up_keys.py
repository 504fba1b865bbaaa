"""Key postures of the Turkish get-up, solved for each body; the left hand carries.

Order and meaning of the postures after Tsatsouline (2006) and Liebenson and Shaughnessy (2011): roll to the elbow, to
the hand, high bridge, leg swept under to the windmill in half-kneeling, upright, lunge up, feet together. Angles of the
trunk: engineering judgement, from pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises.common import deg
from kinecue.simulation.exercises.floor_common import SUPINE, solved_controls
from kinecue.simulation.movement.figure import ArmRig, Figure, Rig
from kinecue.simulation.movement.keyframes import Key, Passage, coordinate
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Wanted
from kinecue.simulation.rotations import across, cross, unit

FloatArray = NDArray[np.float64]

HIP, ELBOW, KNEE = 0.105, 0.045, 0.062
"""Heights of the joints over the floor that the body lies, leans or kneels on, at the stock body's size, m."""
STRAIGHT = deg(7.0)
"""Flexion of an elbow or knee that counts as straight."""
BEHIND = 0.53
"""The knee that is knelt on behind the front ankle, at the stock body's size, m: front shank near the vertical."""
_FAR = 1e4
"""Height of what the carrying arm points at, m: it is vertical."""
_PLACE = ("pelvis_x", "pelvis_y", "pelvis_z")
_TRUNK = (
    *_PLACE,
    "pelvis_pitch",
    "pelvis_yaw",
    "pelvis_roll",
    "spine_flexion",
    "spine_lateral",
    "spine_axial",
)


@dataclass(frozen=True)
class Stage(Passage):
    """A passage with its name and where the head looks when it begins.

    Attributes:
        name: of the stage.
        gaze: share of the way from straight ahead to the kettlebell.
    """

    name: str = ""
    gaze: float = 0.85


def hand_behind(figure: Figure) -> FloatArray:
    """(N,) right shoulder ahead of the right palm, m."""
    result: FloatArray = (figure.points["shoulder_r"] - figure.points["palm_r"])[:, 0]
    return result


_HIP_R = tuple(coordinate("hip_r", axis) for axis in range(3))
_KNEE_R = tuple(coordinate("knee_r", axis) for axis in range(3))
_ELBOW_R = tuple(coordinate("elbow_r", axis) for axis in range(3))
_SHOULDER_R = tuple(coordinate("shoulder_r", axis) for axis in range(3))
_KNEE_ASIDE = coordinate("knee_l", 1)

STAGES: tuple[Stage, ...] = (
    Stage(
        2.0, (*_HIP_R, _ELBOW_R[1], _ELBOW_R[2], _KNEE_ASIDE),
        (*_PLACE, "spine_flexion", "spine_lateral", "spine_axial", "elbow_turn_r", "knee_in_l"), name="roll_to_elbow",
    ),
    Stage(1.6, (*_HIP_R, _KNEE_ASIDE), (*_PLACE, "knee_in_l"), {"hand_z_r": 0.06}, name="to_hand"),
    Stage(
        1.5, ("elbow_flexion_right", "knee_flexion_right", "hip_height", _KNEE_ASIDE),
        (*_PLACE, "pelvis_yaw", "knee_in_l"), name="bridge",
    ),
    Stage(
        2.2, ("elbow_flexion_right", _HIP_R[0], _KNEE_ASIDE), (*_PLACE, "knee_in_l"),
        {"foot_z_r": 0.12, "knee_in_r": deg(-63.0), "toe_out_r": deg(10.0)}, name="sweep",
    ),
    Stage(
        2.0, (_KNEE_R[1], _KNEE_R[2], _HIP_R[0], _HIP_R[1], _KNEE_ASIDE), (*_PLACE, "knee_in_r", "knee_in_l"),
        name="half_kneeling", gaze=0.8,
    ),
    Stage(1.5, ("knee_flexion_left", "knee_flexion_right"), _PLACE, name="stand_up", gaze=0.45),
    Stage(1.4, ("knee_flexion_left",), ("pelvis_z",), {"foot_z_r": 0.08}, name="step_in", gaze=0.1),
)  # fmt: skip
"""From key to key."""


def facing(up: tuple[float, float, float], left: tuple[float, float, float]) -> FloatArray:
    """(3, 3) orientation whose z axis is along `up` and whose y axis is near `left`."""
    z = unit(np.array(up))
    y = across(np.array(left), z)
    return np.stack([cross(y, z), y, z], 1)


class GetUpKeys:
    """The key postures of one athlete.

    Attributes:
        rig: how the limbs are led: the left hand holds on to a point far up, the right one stands on the floor.
    """

    def __init__(self, athlete: Athlete) -> None:
        self._athlete = athlete
        self._s = athlete.scale
        self._skeleton = Skeleton(athlete)
        self.rig = Rig((ArmRig("grip"), ArmRig("palm", pole=(-0.6, 0.8, -0.2), pointing=(-0.1, 1.0, 0.0))))
        self._common = {
            "hand_z_l": _FAR, "foot_out_l": 0.13 * self._s, "toe_out_l": deg(8.0), "grip_l": 1.0, "grip_r": -1.0,
            "hand_z_r": 0.009 * self._s,
        }  # fmt: skip
        self._controls: dict[str, float] = {}

    def _key(
        self,
        name: str,
        base: FloatArray,
        controls: Mapping[str, float],
        by: Sequence[str],
        goals: Mapping[str | Wanted, float],
    ) -> tuple[Key, Figure]:
        rig = Rig(self.rig.arms, self.rig.legs, base)
        solved = solved_controls(self._athlete, rig, {**self._common, **controls}, by, goals)
        return Key(name, base, solved), self._skeleton.figure(
            {k: np.array([v]) for k, v in solved.items()}, rig
        )

    def all(self) -> list[Key]:
        """The keys, one more than there are `STAGES`.

        Raises:
            KineCueError: this body cannot.
        """
        lying = self._lying()
        rolled = self._on_elbow(*lying)
        sitting = self._on_hand(*lying)
        bridge = self._bridge(sitting)
        windmill = self._windmill(bridge)
        upright = self._upright(windmill)
        return [lying[0], rolled, sitting, bridge, windmill, upright, *self._standing(upright)]

    def _lying(self) -> tuple[Key, Figure]:
        s, lengths = self._s, self._athlete.lengths
        legs = {
            "pelvis_z": HIP * s, "knee_in_l": deg(60.0), "foot_x_l": 0.55 * s, "foot_x_r": 0.75 * s,
            "foot_out_r": 0.40 * s, "heel_up_r": deg(-72.0), "toe_out_r": deg(22.0),
        }  # fmt: skip
        arm = {"hand_x_r": -0.3 * s, "hand_out_r": 0.6 * s}
        key, figure = self._key(
            "lying", SUPINE, {**legs, **arm}, ("foot_x_l", "foot_x_r", "knee_in_l"),
            {"knee_flexion_left": deg(100.0), "knee_flexion_right": STRAIGHT, _KNEE_ASIDE: 0.15 * s},
        )  # fmt: skip
        # the free arm lies 37 degrees off the trunk, on its elbow; the forearm points aside
        shoulder = figure.points["shoulder_r"][0]
        fall = float(np.sqrt(lengths.upper_arm**2 - (shoulder[2] - ELBOW * s) ** 2))
        elbow = shoulder[:2] + np.array([0.80, -0.60]) * fall
        arm = {"hand_x_r": float(elbow[0]), "hand_out_r": float(-elbow[1]) + 1.13 * lengths.forearm}
        return self._key(
            "lying", SUPINE, {**key.controls, **arm}, ("elbow_turn_r", "hand_x_r", "hand_out_r"),
            {_ELBOW_R[2]: ELBOW * s, _ELBOW_R[1]: float(elbow[1])},
        )  # fmt: skip

    def _on_elbow(self, lying: Key, figure: Figure) -> Key:
        s, hip, elbow = self._s, figure.points["hip_r"][0], figure.points["elbow_r"][0]
        kept = {
            k: v
            for k, v in lying.controls.items()
            if k[:4] in ("foot", "heel", "toe_", "hand", "elbo", "knee")
        }
        base = facing((-0.66, -0.54, 0.56), (0.0, 0.84, 0.54))
        return self._key(
            "on_elbow", base, {**kept, "pelvis_z": HIP * s, "spine_flexion": deg(12.0)},
            (*_TRUNK, "elbow_turn_r", "knee_in_l"),
            {
                **{_HIP_R[i]: float(hip[i]) for i in range(3)},
                _ELBOW_R[2]: float(elbow[2]), _ELBOW_R[1]: float(elbow[1]),
                _SHOULDER_R[0]: float(elbow[0]), _SHOULDER_R[1]: float(elbow[1]) + 0.035 * s,
                _KNEE_ASIDE: 0.16 * s,
            },
        )[0]  # fmt: skip

    def _on_hand(self, lying: Key, figure: Figure) -> Key:
        s, hip = self._s, figure.points["hip_r"][0]
        kept = {k: v for k, v in lying.controls.items() if k[:4] in ("foot", "heel", "toe_", "knee")}
        arm = {"hand_x_r": float(hip[0]) - 0.40 * s, "hand_out_r": 0.52 * s}
        trunk = {"pelvis_z": HIP * s, "spine_axial": deg(-18.0), "spine_lateral": deg(4.0)}
        return self._key(
            "on_hand", facing((-0.40, -0.24, 0.88), (0.05, 0.98, 0.16)), {**kept, **arm, **trunk},
            (*_PLACE, "hand_x_r", "hand_out_r", "knee_in_l"),
            {
                **{_HIP_R[i]: float(hip[i]) for i in range(3)},
                "elbow_flexion_right": STRAIGHT, hand_behind: 0.06 * s, _KNEE_ASIDE: 0.13 * s,
            },
        )[0]  # fmt: skip

    def _bridge(self, sitting: Key) -> Key:
        s = self._s
        kept = {
            k: v for k, v in sitting.controls.items() if k[:4] in ("foot", "heel", "toe_", "hand", "knee")
        }
        trunk = {
            "pelvis_z": 0.38 * s,
            "pelvis_y": -0.05 * s,
            "spine_axial": deg(-16.0),
            "spine_lateral": deg(-8.0),
        }
        return self._key(
            "bridge", facing((-0.62, -0.48, 0.58), (0.05, 0.74, 0.60)), {**kept, **trunk},
            (*_PLACE, "pelvis_yaw", "knee_in_l"),
            {
                "elbow_flexion_right": STRAIGHT, "knee_flexion_right": STRAIGHT, "hip_height": 0.42 * s,
                _KNEE_ASIDE: 0.12 * s,
            },
        )[0]  # fmt: skip

    def _windmill(self, bridge: Key) -> Key:
        s = self._s
        kept = {k: v for k, v in bridge.controls.items() if k in ("foot_x_l", "hand_x_r", "hand_out_r")}
        knee = bridge.controls["foot_x_l"] - BEHIND * s
        rear = {
            "foot_x_r": knee - 0.42 * s, "foot_out_r": 0.13 * s, "heel_up_r": deg(80.0), "toe_out_r": deg(6.0),
        }  # fmt: skip
        trunk = {
            "pelvis_z": 0.48 * s,
            "pelvis_x": knee,
            "spine_lateral": deg(-27.0),
            "spine_axial": deg(-10.0),
        }
        return self._key(
            "windmill", facing((-0.30, -0.46, 0.80), (0.10, 0.86, 0.46)), {**kept, **rear, **trunk},
            (*_PLACE, "pelvis_roll", "pelvis_pitch", "foot_x_r", "foot_out_r", "knee_in_l", "knee_in_r"),
            {
                _KNEE_R[0]: knee, _KNEE_R[1]: -0.15 * s, _KNEE_R[2]: KNEE * s,
                "elbow_flexion_right": STRAIGHT, _KNEE_ASIDE: 0.13 * s, _HIP_R[0]: knee - 0.06 * s,
            },
        )[0]  # fmt: skip

    def _upright(self, windmill: Key) -> Key:
        s, knee = self._s, windmill.controls["foot_x_l"] - BEHIND * self._s
        kept = {k: v for k, v in windmill.controls.items() if k[:4] in ("foot", "heel", "toe_", "hand")}
        return self._key(
            "upright", np.eye(3), {**kept, "pelvis_z": 0.5 * s, "pelvis_x": knee},
            (*_PLACE, "knee_in_r", "knee_in_l"),
            {
                _KNEE_R[1]: -0.15 * s, _KNEE_R[2]: KNEE * s, _HIP_R[0]: knee + 0.02 * s, _HIP_R[1]: -0.14 * s,
                _KNEE_ASIDE: 0.16 * s,
            },
        )[0]  # fmt: skip

    def _standing(self, upright: Key) -> list[Key]:
        s, front = self._s, upright.controls["foot_x_l"]
        kept = {k: v for k, v in upright.controls.items() if k[:4] in ("foot", "heel", "toe_", "hand")}
        split, _ = self._key(
            "split", facing((0.06, 0.0, 1.0), (0.0, 1.0, 0.0)),
            {**kept, "heel_up_r": deg(58.0), "pelvis_z": 0.8 * s, "pelvis_x": front - 0.25 * s}, _PLACE,
            {"knee_flexion_left": deg(42.0), "knee_flexion_right": deg(50.0)},
        )  # fmt: skip
        feet = {"foot_x_l": front, "foot_x_r": front, "foot_out_r": 0.13 * s, "toe_out_r": deg(8.0)}
        hand = {k: v for k, v in kept.items() if k.startswith("hand")}
        standing, _ = self._key(
            "standing", np.eye(3), {**feet, **hand, "pelvis_z": 0.9 * s, "pelvis_x": front},
            ("pelvis_x", "pelvis_z", "pelvis_pitch"),
            {"knee_flexion": deg(5.0), "balance": 0.04 * s, "trunk_lean": deg(1.0)},
        )  # fmt: skip
        return [split, standing]
