"""What deadlift and Romanian deadlift share: where the bar is in front of this body's legs, and how it is held."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Landmark
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.gear.free_weights import BAR_RADIUS
from kinecue.simulation.movement.figure import ArmRig
from kinecue.simulation.rotations import FORWARD, across, cross, unit

FloatArray = NDArray[np.float64]

BAR_ARMS = ArmRig("grip", axis=(0.0, -1.0, 0.0), pole=(-1.0, 0.35, -0.2))
"""Overhand on a bar that lies across; elbows back and out, as straight arms hang."""
_SLACK = 0.0009
"""Of a straight arm, shoulder to wrist, m: seven degrees at the elbow, as hanging arms have."""
_GIVE = 0.010
"""What flesh and trousers give way to a bar that slides along them, m."""
_HIPS_BACK = 0.030
"""Of the thighs behind the ankles when a standing athlete holds a bar before them, m."""
_BAND = 0.06
"""Half of the stretch of a segment over which its thickness is taken, share of its length."""


class Legs:
    """Sizes of a body's legs that decide where a bar can pass.

    Attributes:
        stance: of each ankle from the middle, m: feet under the hips, a little wider.
        grip: of each hand from the middle, m: just outside the legs.
        mid_foot: ahead of the ankle, m.
        knee_front: of the flesh before the knee's centre, m.
        thigh_front: of the flesh before the line hip-knee at its middle, m.
    """

    def __init__(self, athlete: Athlete) -> None:
        scale = athlete.scale
        places = {mark: point for mark, (_, point) in athlete.rest_landmarks.items()}
        heel, toe = places[Landmark.LEFT_HEEL], places[Landmark.LEFT_FOOT_INDEX]
        self.mid_foot = float((heel[0] + toe[0]) / 2.0 - athlete.head("foot_l")[0])
        self.knee_front = _reach_out(athlete, "thigh_l", "calf_l", 0.95)[0]
        self.thigh_front = _reach_out(athlete, "thigh_l", "calf_l", 0.55)[0]
        self.stance = max(0.125 * scale, 0.60 * athlete.lengths.pelvis)
        knee_outside = _reach_out(athlete, "thigh_l", "calf_l", 0.9)[1]
        # hand and forearm are five centimetres wide on either side of the bar's grip
        self.grip = max(
            self.stance + 0.02 + knee_outside + 0.05 * scale, athlete.lengths.shoulders / 2.0 + 0.02
        )

    @property
    def bar_ahead(self) -> float:
        """Of a bar ahead of the ankles that goes straight up over the middle of the foot, m.

        As far ahead of it as thick knees and thighs ask for: standing, the hips can go back by about as much as
        `_HIPS_BACK`.
        """
        return max(self.mid_foot, self.knee_front + BAR_RADIUS - _GIVE, self.thigh_front - _HIPS_BACK)


def arm_slack(athlete: Athlete) -> float:
    """What straight arms that carry a bar are shorter than the arm's length, m."""
    return _SLACK * athlete.scale


def _reach_out(athlete: Athlete, bone: str, end: str, share: float) -> tuple[float, float]:
    """How far the flesh of a left segment stands out to the front and to the side of its axis, m, rest pose."""
    start, stop = athlete.head(bone), athlete.head(end)
    axis = stop - start
    length = float(np.linalg.norm(axis))
    axis = unit(axis)
    carried = athlete.asset.weights[:, athlete.bone_index[bone]] > 0.4
    points = athlete.vertices[carried] - start
    near = np.abs(points @ axis / length - share) < _BAND
    front = across(FORWARD, axis)
    return float((points[near] @ front).max()), float((points[near] @ cross(axis, front)).max())
