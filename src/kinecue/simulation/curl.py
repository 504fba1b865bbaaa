"""The standing biceps curl with a bar on a low cable."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athlete import Athlete, Pose
from kinecue.simulation.limbs import SIDES, arm, fist
from kinecue.simulation.movement import LowerBody, Movement, Stance, StandingLegs
from kinecue.simulation.rotations import LEFT, pitch
from kinecue.simulation.timeline import FaultKind, Moment, SetPlan, smooth

FloatArray = NDArray[np.float64]

STANDING_KNEE = math.radians(6.0)
STANDING_SHANK = math.radians(4.0)
STANDING_LEAN = math.radians(1.5)
HANGING_ELBOW = math.radians(12.0)
FULL_ELBOW = math.radians(132.0)
"""Elbow flexion at the top of the curl."""
SUPINATION = math.radians(75.0)
"""Turn of the hand from the rest pose: palms to the front."""


class Curl(Movement):
    """Both elbows bend, the upper arms stay beside the trunk."""

    exercise: ClassVar[str] = "biceps_curl"
    kinds: ClassVar[dict[str, FaultKind]] = {
        "elbow_drift": FaultKind("rad", math.radians(60.0), "shoulder flexion, upper arm against trunk"),
        "swing": FaultKind("rad", math.radians(25.0), "backward lean of the trunk on the way up"),
        "short_range": FaultKind("rad", math.radians(70.0), "elbow flexion that is missing at the top"),
    }
    stages: ClassVar[dict[str, str]] = {
        "still": "setup",
        "rest": "top",
        "out": "concentric",
        "hold": "bottom",
        "back": "eccentric",
    }
    range_faults: ClassVar[frozenset[str]] = frozenset({"short_range"})

    def __init__(self, athlete: Athlete, plan: SetPlan) -> None:
        super().__init__(athlete, plan)
        self._legs = StandingLegs(athlete, Stance(0.125 * athlete.scale, math.radians(10.0)))

    def envelope(self, fault: str, moment: Moment) -> float:
        if fault == "swing":
            # a heave: over the first three quarters of the way up, gone before the bar is at the top
            return math.sin(math.pi * min(moment.going / 0.8, 1.0)) ** 2
        if fault == "short_range":
            return moment.progress
        return smooth(1.25 * moment.progress - 0.05)

    def reached(self, moment: Moment) -> float:
        if moment.repetition is None:
            return 0.0
        missing = moment.repetition.faults.get("short_range", 0.0) / (FULL_ELBOW - HANGING_ELBOW)
        return moment.progress * (1.0 + moment.repetition.range_error - missing)

    def pose(self, time_s: float) -> Pose:
        moment = self.timeline.at(time_s)
        fault = self.active_faults(moment)
        swing = fault.get("swing", 0.0)
        lean = STANDING_LEAN - swing + math.radians(0.5) * self.sway.value(0, time_s)
        want = LowerBody(
            STANDING_KNEE,
            STANDING_KNEE,
            STANDING_SHANK,
            lean,
            shift=0.004 * self.sway.value(1, time_s),
            # the hips go ahead by what the trunk goes back, so that the athlete does not fall
            forward=0.005 * self.sway.value(2, time_s) + 0.18 * math.sin(swing),
        )
        pose = self._legs.pose(want)
        self._bend_arms(pose, lean, self.reached(moment), fault.get("elbow_drift", 0.0), time_s)
        return pose

    def _bend_arms(self, pose: Pose, lean: float, s: float, drift: float, time_s: float) -> None:
        trunk = pitch(lean)
        aside = math.radians(7.0)
        elbow = HANGING_ELBOW + s * (FULL_ELBOW - HANGING_ELBOW)
        shoulder = math.radians(1.0) + drift + math.radians(2.0) * s
        for channel, (side, sign) in enumerate(SIDES, start=4):
            angle = shoulder + math.radians(0.6) * self.sway.value(channel, time_s)
            upper = np.array(
                [
                    math.sin(angle) * math.cos(aside),
                    sign * math.sin(aside),
                    -math.cos(angle) * math.cos(aside),
                ]
            )
            # the elbow's axis is set so that the forearms stay parallel although the upper arms hang a little
            # apart
            hinge = -LEFT + np.array([0.0, 0.0, -sign * 0.06])
            rotations = arm(self.athlete, side, trunk @ upper, trunk @ hinge, elbow, SUPINATION)
            pose.rotations.update(rotations)
            pose.rotations.update(fist(self.athlete, side, rotations[f"hand_{side}"], 1.0))
