"""The bodyweight squat."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athlete import Athlete, Pose
from kinecue.simulation.limbs import SIDES, arm
from kinecue.simulation.movement import LowerBody, Movement, Stance, StandingLegs, centre_of_mass
from kinecue.simulation.rotations import LEFT
from kinecue.simulation.timeline import FaultKind, Moment, SetPlan, smooth

FloatArray = NDArray[np.float64]

STANDING_KNEE = math.radians(5.0)
DEPTH = math.radians(112.0)
"""Knee flexion at the bottom: thighs a little below the horizontal."""
STANDING_SHANK = math.radians(3.6)
"""Inclination of the shank when standing; brings the centre of mass over the middle of the foot."""
SHANK_SHARE = 0.25
"""Further inclination of the shank over knee flexion; 30 degrees of dorsiflexion at the bottom."""
BALANCE = 0.045
"""Centre of mass ahead of the ankles, m: above the middle of the foot."""


class Squat(Movement):
    """Feet a little wider than the hips, toes out, arms rising to the front for balance.

    At the top and at the bottom the trunk leans as far as it must for the centre of mass to be over the
    middle of the feet, so long thighs lean more; in between it leans in proportion.
    """

    exercise: ClassVar[str] = "squat"
    kinds: ClassVar[dict[str, FaultKind]] = {
        "knees_in": FaultKind(
            "rad", math.radians(30.0), "turn of the knees about the hip-ankle line, inwards"
        ),
        "shallow": FaultKind("rad", math.radians(60.0), "knee flexion that is missing at the bottom"),
        "trunk_lean": FaultKind("rad", math.radians(30.0), "forward lean beyond what balance asks for"),
        "heels_up": FaultKind("m", 0.08, "height of the heels"),
        "hip_shift": FaultKind("m", 0.10, "shift of the hips to the left"),
        "asymmetry": FaultKind("rad", math.radians(8.0), "left knee flexion minus right"),
    }
    stages: ClassVar[dict[str, str]] = {
        "still": "setup",
        "rest": "top",
        "out": "eccentric",
        "hold": "bottom",
        "back": "concentric",
    }
    range_faults: ClassVar[frozenset[str]] = frozenset({"shallow"})

    def __init__(self, athlete: Athlete, plan: SetPlan) -> None:
        super().__init__(athlete, plan)
        self._legs = StandingLegs(athlete, Stance(0.18 * athlete.scale, math.radians(18.0)))
        self._lean_top, self._lean_bottom = self._balanced_lean(0.0), self._balanced_lean(1.0)

    def envelope(self, fault: str, moment: Moment) -> float:
        if fault == "shallow":
            return moment.progress
        return smooth(1.5 * moment.progress - 0.1)

    def reached(self, moment: Moment) -> float:
        if moment.repetition is None:
            return 0.0
        missing = moment.repetition.faults.get("shallow", 0.0) / (DEPTH - STANDING_KNEE)
        return moment.progress * (1.0 + moment.repetition.range_error - missing)

    def pose(self, time_s: float) -> Pose:
        moment = self.timeline.at(time_s)
        s = self.reached(moment)
        fault = self.active_faults(moment)
        knee = STANDING_KNEE + s * (DEPTH - STANDING_KNEE)
        lean = self._lean(s) + fault.get("trunk_lean", 0.0)
        if moment.repetition is not None:
            lean += moment.repetition.lean_error * moment.progress
        half = fault.get("asymmetry", 0.0) / 2.0
        want = LowerBody(
            knee + half,
            knee - half,
            _shank(knee),
            lean + math.radians(0.4) * self.sway.value(0, time_s),
            shift=fault.get("hip_shift", 0.0) + 0.004 * self.sway.value(1, time_s),
            forward=0.005 * self.sway.value(2, time_s),
            knees_in=fault.get("knees_in", 0.0) + math.radians(0.8) * self.sway.value(3, time_s) * s,
            heels_up=fault.get("heels_up", 0.0),
        )
        pose = self._legs.pose(want)
        self._raise_arms(pose, s, time_s)
        return pose

    def _lean(self, s: float) -> float:
        share = math.sin(0.5 * math.pi * min(s, 1.1))
        return self._lean_top + (self._lean_bottom - self._lean_top) * math.pow(share, 1.2)

    def _raise_arms(self, pose: Pose, s: float, time_s: float) -> None:
        aside = math.radians(15.0) - s * math.radians(9.0)
        for channel, (side, sign) in enumerate(SIDES, start=4):
            up = math.radians(5.0) + smooth(s) * math.radians(75.0)
            up += math.radians(1.0) * self.sway.value(channel, time_s)
            upper = np.array(
                [math.sin(up) * math.cos(aside), sign * math.sin(aside), -math.cos(up) * math.cos(aside)]
            )
            hinge = -LEFT + np.array([0.0, 0.0, -sign * 0.35 * smooth(s)])
            flexion = math.radians(14.0) + s * math.radians(10.0)
            pose.rotations.update(arm(self.athlete, side, upper, hinge, flexion, 0.0))

    def _balanced_lean(self, s: float) -> float:
        """Lean at which the centre of mass is `BALANCE` ahead of the ankles, by bisection, rad."""
        knee = STANDING_KNEE + s * (DEPTH - STANDING_KNEE)
        low, high = math.radians(-5.0), math.radians(75.0)
        for _ in range(30):
            middle = (low + high) / 2.0
            pose = self._legs.pose(LowerBody(knee, knee, _shank(knee), middle))
            self._raise_arms(pose, s, 0.0)
            points = self.athlete.landmarks(self.athlete.transforms(pose))
            if centre_of_mass(points)[0] > BALANCE * self.athlete.scale:
                high = middle
            else:
                low = middle
        return (low + high) / 2.0


def _shank(knee: float) -> float:
    return STANDING_SHANK + SHANK_SHARE * (knee - STANDING_KNEE)
