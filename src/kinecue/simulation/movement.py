"""Movements: from a time in the set to a pose, with faults of a known size."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import SEGMENT_MASS
from kinecue.body.landmarks import Landmark
from kinecue.simulation.athlete import Athlete, Pose
from kinecue.simulation.limbs import SIDES, leg
from kinecue.simulation.rotations import FORWARD, about, across, middle_joint, pitch, reach, roll, unit, yaw
from kinecue.simulation.timeline import FaultKind, Moment, PlannedRepetition, SetPlan, Sway, Timeline

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class MovementState:
    """The truth about a moment, apart from the pose.

    Attributes:
        phase: name of the ``Phase`` of `kinecue.exercise`, lower case.
        progress: 0 start position to 1 the full range of this athlete.
        repetition: number of the repetition under way or just finished, 0 before the first.
        faults: present magnitude by name, rad or m; only those above zero.
    """

    phase: str
    progress: float
    repetition: int
    faults: dict[str, float]


@dataclass(frozen=True)
class FaultEvent:
    """A planted fault in one repetition.

    Attributes:
        name, magnitude, unit: what and how large at its worst.
        repetition: number, from 1.
        onset_s: when it passes a tenth of its magnitude; a range that is too short shows at the turning
            point.
    """

    name: str
    repetition: int
    magnitude: float
    unit: str
    onset_s: float


class Movement(ABC):
    """A set of one exercise by one athlete, feet planted on the floor.

    Poses are in the athlete's frame: x forward, y left, z up, origin on the floor between the ankles; metres.
    """

    exercise: ClassVar[str]
    kinds: ClassVar[dict[str, FaultKind]]
    stages: ClassVar[dict[str, str]]
    """Phase by the timeline's stage."""
    range_faults: ClassVar[frozenset[str]]
    """Faults that shorten the range and therefore show at the turning point."""

    def __init__(self, athlete: Athlete, plan: SetPlan) -> None:
        self.athlete = athlete
        self.timeline = Timeline(plan, self.kinds)
        self.sway = Sway(plan.seed + 1, plan.variation)

    @property
    def duration_s(self) -> float:
        """Length of the set with what is before and after it, s."""
        return self.timeline.duration_s

    @abstractmethod
    def pose(self, time_s: float) -> Pose:
        """The posture at a time."""

    @abstractmethod
    def envelope(self, fault: str, moment: Moment) -> float:
        """How much of a fault's magnitude is present, 0 to 1."""

    @abstractmethod
    def reached(self, moment: Moment) -> float:
        """Progress over this athlete's full range; under `moment.progress` if the range is short."""

    def active_faults(self, moment: Moment) -> dict[str, float]:
        """Present magnitude of the faults of the repetition under way."""
        if moment.repetition is None or moment.stage == "rest":
            return {}
        return {n: m * self.envelope(n, moment) for n, m in moment.repetition.faults.items()}

    def state(self, time_s: float) -> MovementState:
        """The truth about a time."""
        moment = self.timeline.at(time_s)
        faults = {n: m for n, m in self.active_faults(moment).items() if m > 1e-9}
        number = moment.repetition.number if moment.repetition else 0
        return MovementState(self.stages[moment.stage], self.reached(moment), number, faults)

    def fault_events(self) -> list[FaultEvent]:
        """All planted faults, in the order of their onset."""
        events = []
        for repetition in self.timeline.repetitions:
            for name, magnitude in repetition.faults.items():
                onset = self._onset(name, repetition)
                events.append(FaultEvent(name, repetition.number, magnitude, self.kinds[name].unit, onset))
        return sorted(events, key=lambda e: e.onset_s)

    def _onset(self, name: str, repetition: PlannedRepetition) -> float:
        if name in self.range_faults:
            return repetition.turn_s
        steps = int((repetition.end_s - repetition.start_s) / 0.01)
        for time_s in (repetition.start_s + 0.01 * i for i in range(steps)):
            if self.envelope(name, self.timeline.at(time_s)) > 0.1:
                return time_s
        return repetition.turn_s


@dataclass(frozen=True)
class Stance:
    """How the feet stand.

    Attributes:
        half_width: of the ankles from the midline, m.
        toe_out: of the feet, rad.
    """

    half_width: float
    toe_out: float


@dataclass(frozen=True)
class LowerBody:
    """What the lower body is to do.

    Attributes:
        knee_left, knee_right: flexion, rad.
        shank: inclination of the shank, forward, that a leg in the sagittal plane would have, rad.
        lean: of the trunk, forward, rad.
        shift: of the middle between the hips to the left, m.
        forward: of the hips, m, on top of what `shank` and the knees give.
        knees_in: rotation of both knees about the line from hip to ankle, towards the midline, rad.
        heels_up: height of the heels, m.
    """

    knee_left: float
    knee_right: float
    shank: float
    lean: float
    shift: float = 0.0
    forward: float = 0.0
    knees_in: float = 0.0
    heels_up: float = 0.0


class StandingLegs:
    """Trunk and legs over planted feet."""

    def __init__(self, athlete: Athlete, stance: Stance) -> None:
        self.athlete = athlete
        self.stance = stance
        head = athlete.head
        self._thigh, self._shank = athlete.lengths.thigh, athlete.lengths.shank
        self._half_pelvis = athlete.lengths.pelvis / 2.0
        mid_shoulder = (head("upperarm_l") + head("upperarm_r")) / 2.0
        trunk = mid_shoulder - athlete.rest_mid_hip
        self._rest_lean = math.atan2(trunk[0], trunk[2])

    def pose(self, want: LowerBody) -> Pose:
        """The posture; arms keep their rest rotation against the trunk."""
        ankles, feet = self._feet(want.heels_up)
        mid_hip, tilt = self._pelvis(want, (ankles["l"] + ankles["r"]) / 2.0, ankles)
        trunk = roll(tilt) @ pitch(want.lean - self._rest_lean)
        rotations = {
            "pelvis": trunk,
            # the neck gives back most of the lean, so that the athlete looks ahead
            "neck_01": pitch(0.45 * (want.lean - self._rest_lean)),
            "head": pitch(0.20 * (want.lean - self._rest_lean)),
            **feet,
        }
        for side, sign in SIDES:
            hip = mid_hip + roll(tilt) @ np.array([0.0, sign * self._half_pelvis, 0.0])
            ankle = ankles[side]
            foot_forward = yaw(sign * self.stance.toe_out) @ FORWARD
            line = unit(hip - ankle)
            # about the line from ankle to hip, a turn by the right-hand rule takes "forward" to the left
            pole = about(line, -sign * want.knees_in) @ across(foot_forward, line)
            knee = middle_joint(hip, ankle, self._thigh, self._shank, pole)
            rotations.update(leg(self.athlete, side, hip, knee, ankle))
        return Pose(mid_hip, rotations)

    def _feet(self, heels_up: float) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
        ankles: dict[str, FloatArray] = {}
        rotations: dict[str, FloatArray] = {}
        for side, sign in SIDES:
            ankle, ball = self.athlete.head(f"foot_{side}"), self.athlete.head(f"ball_{side}")
            heel_name = Landmark.LEFT_HEEL if side == "l" else Landmark.RIGHT_HEEL
            _, heel = self.athlete.rest_landmarks[heel_name]
            rest_yaw = math.atan2(ball[1] - ankle[1], ball[0] - ankle[0])
            flat = yaw(sign * self.stance.toe_out - rest_yaw)
            # the heel turns about the ball; a positive pitch moves what lies behind the ball up
            lever = ball[0] - heel[0]
            raised = flat @ pitch(math.asin(min(heels_up / lever, 0.9)))
            planted: FloatArray = np.array([0.0, sign * self.stance.half_width, ankle[2]])
            ball_place: FloatArray = planted + flat @ (ball - ankle)
            lifted: FloatArray = ball_place + raised @ (ankle - ball)
            ankles[side] = lifted
            rotations[f"foot_{side}"] = raised
            rotations[f"ball_{side}"] = flat
        return ankles, rotations

    def _pelvis(
        self, want: LowerBody, mid_ankle: FloatArray, ankles: dict[str, FloatArray]
    ) -> tuple[FloatArray, float]:
        """Middle between the hips, and roll of the pelvis, that give both knees their flexion."""
        mean = (want.knee_left + want.knee_right) / 2.0
        back = math.atan2(
            self._thigh * math.sin(mean - want.shank) - self._shank * math.sin(want.shank),
            self._shank * math.cos(want.shank) + self._thigh * math.cos(mean - want.shank),
        )
        goal = {
            "l": reach(self._thigh, self._shank, want.knee_left) ** 2,
            "r": reach(self._thigh, self._shank, want.knee_right) ** 2,
        }
        aside = self.stance.half_width - self._half_pelvis
        height = math.sqrt(max((goal["l"] + goal["r"]) / 2.0 - aside**2 - want.shift**2, 1e-4))
        back -= math.asin(min(want.forward / height, 0.5))
        tilt = 0.0
        level = want.knee_left == want.knee_right

        def place(height: float) -> FloatArray:
            offset = np.array([-height * math.sin(back), want.shift, height * math.cos(back)])
            result: FloatArray = mid_ankle + offset
            return result

        def excess(height: float, tilt: float) -> FloatArray:
            side_axis = roll(tilt) @ np.array([0.0, self._half_pelvis, 0.0])
            mid = place(height)
            return np.array(
                [
                    float(np.sum((mid + side_axis - ankles["l"]) ** 2)) - goal["l"],
                    float(np.sum((mid - side_axis - ankles["r"]) ** 2)) - goal["r"],
                ]
            )

        step = 1e-6
        for _ in range(0 if level else 8):
            e = excess(height, tilt)
            columns = [(excess(height + step, tilt) - e) / step, (excess(height, tilt + step) - e) / step]
            change = np.linalg.solve(np.stack(columns, 1), e)
            height, tilt = height - float(change[0]), tilt - float(change[1])
        return place(height), tilt


_SEGMENT_CENTRE = {"upper_arm": 0.577, "forearm": 0.457, "thigh": 0.410, "shank": 0.440}
"""Centre of mass from the proximal joint, share of the segment's length (de Leva 1996, males)."""
_TRUNK_CENTRE = 0.55
"""Of the trunk, from mid-hip to mid-shoulder (de Leva 1996, whole trunk, recomputed for these ends)."""


def centre_of_mass(points: dict[Landmark, FloatArray]) -> FloatArray:
    """(3,) centre of mass of the body, m (de Leva 1996; head at the ears, hands at the wrists)."""

    def both(name: str) -> tuple[FloatArray, FloatArray]:
        return points[Landmark(f"left_{name}")], points[Landmark(f"right_{name}")]

    def middle(name: str) -> FloatArray:
        a, b = both(name)
        mean: FloatArray = (a + b) / 2.0
        return mean

    hip, shoulder = middle("hip"), middle("shoulder")
    total = SEGMENT_MASS["head"] * middle("ear")
    total = total + SEGMENT_MASS["trunk"] * (hip + _TRUNK_CENTRE * (shoulder - hip))
    for segment, start, end in (
        ("upper_arm", "shoulder", "elbow"),
        ("forearm", "elbow", "wrist"),
        ("thigh", "hip", "knee"),
        ("shank", "knee", "ankle"),
    ):
        a, b = middle(start), middle(end)
        total = total + 2.0 * SEGMENT_MASS[segment] * (a + _SEGMENT_CENTRE[segment] * (b - a))
    total = (
        total + 2.0 * SEGMENT_MASS["hand"] * middle("wrist") + 2.0 * SEGMENT_MASS["foot"] * middle("ankle")
    )
    result: FloatArray = total
    return result
