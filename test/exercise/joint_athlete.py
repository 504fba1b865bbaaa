"""People made of joint angles: squats and curls as `Body` streams by forward kinematics, with exact truth.

The person stands at `place`, facing along -x towards the camera when `view` is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kinecue.body import BLAZEPOSE_33, Body, Landmark, LandmarkState
from kinecue.exercise import (
    ExerciseModel,
    Fault,
    FormState,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    Scorer,
    ScoreUpdate,
    find_exercise,
)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Build:
    """Segment lengths, m."""

    thigh: float = 0.42
    shank: float = 0.43
    trunk: float = 0.50
    pelvis: float = 0.19
    shoulders: float = 0.36
    upper_arm: float = 0.30
    forearm: float = 0.26
    stance: float = 0.36
    ankle_height: float = 0.095

    def scaled(self, factor: float) -> Build:
        return Build(**{name: value * factor for name, value in self.__dict__.items()})


@dataclass(frozen=True)
class Posture:
    """One moment. Angles in degrees, lengths in m."""

    knee: float = 6.0
    lean: float = 4.0
    ratio: float = 0.9
    asymmetry: float = 0.0
    heel: float = 0.0
    elbow: tuple[float, float] = (12.0, 12.0)
    shoulder: float = 0.0
    place: tuple[float, float] = (3.0, 0.0)
    step: tuple[float, float] = (0.0, 0.0)
    """How far each foot stands ahead of `place`."""
    swing: tuple[float, float] = (0.0, 0.0)
    """Additional knee flexion of each leg (walking)."""


def joints(build: Build, posture: Posture) -> dict[str, FloatArray]:
    """Joint centres of a person at the origin who faces +x with the left side at +y; z up."""
    knees, ankles, hips = {}, {}, {}
    half = build.stance / 2
    for side, sign, swing, step in (
        ("left", 1.0, posture.swing[0], posture.step[0]),
        ("right", -1.0, posture.swing[1], posture.step[1]),
    ):
        flexion = math.radians(posture.knee + swing + sign * posture.asymmetry / 2)
        shank_lean = 0.36 * flexion
        ankle = np.array([step, sign * half, build.ankle_height])
        aside = half * (posture.ratio - 1.0)
        length = math.sqrt(build.shank**2 - aside**2)
        knee = ankle + [length * math.sin(shank_lean), sign * aside, length * math.cos(shank_lean)]
        inward = sign * build.pelvis / 2 - knee[1]
        length = math.sqrt(build.thigh**2 - inward**2)
        back = flexion - shank_lean
        hips[side] = knee + [-length * math.sin(back), inward, length * math.cos(back)]
        knees[side], ankles[side] = knee, ankle
    # both hips hang on one pelvis: what the legs disagree about in x and z is shared
    middle = (hips["left"] + hips["right"]) / 2
    points: dict[str, FloatArray] = {}
    lean = math.radians(posture.lean)
    chest = middle + build.trunk * np.array([math.sin(lean), 0.0, math.cos(lean)])
    for index, (side, sign) in enumerate((("left", 1.0), ("right", -1.0))):
        points[f"{side}_hip"] = np.array([middle[0], sign * build.pelvis / 2, hips[side][2]])
        points[f"{side}_knee"], points[f"{side}_ankle"] = knees[side], ankles[side]
        heel_x = ankles[side] + [-0.05, 0.0, -build.ankle_height + 0.02 + posture.heel]
        points[f"{side}_heel"] = heel_x
        points[f"{side}_foot_index"] = ankles[side] + [0.16, 0.0, -build.ankle_height + 0.02]
        shoulder = chest + [0.0, sign * build.shoulders / 2, 0.0]
        arm = math.radians(posture.shoulder) - lean  # against the trunk, which leans
        elbow = shoulder + build.upper_arm * np.array([math.sin(arm), 0.0, -math.cos(arm)])
        fore = arm + math.radians(posture.elbow[index])
        points[f"{side}_shoulder"], points[f"{side}_elbow"] = shoulder, elbow
        points[f"{side}_wrist"] = elbow + build.forearm * np.array([math.sin(fore), 0.0, -math.cos(fore)])
    points["nose"] = chest + [0.1, 0.0, 0.2]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        points[f"{side}_ear"] = chest + [0.0, sign * 0.075, 0.19]
        points[f"{side}_eye"] = chest + [0.085, sign * 0.03, 0.2]
        hand = points[f"{side}_wrist"] - points[f"{side}_elbow"]
        knuckles = points[f"{side}_wrist"] + 0.3 * hand
        points[f"{side}_index"] = knuckles + [0.02, 0.0, 0.0]
        points[f"{side}_pinky"] = knuckles - [0.02, 0.0, 0.0]
    return points


@dataclass
class Recorder:
    """Turns postures into bodies.

    Attributes:
        view: yaw against the camera, rad.
        white: noise of every coordinate and frame, m.
        bias: constant error of every landmark, m.
        std: standard deviation that the covariances claim, m.
    """

    build: Build = field(default_factory=Build)
    view: float = 0.0
    white: float = 0.0
    bias: float = 0.0
    std: float = 0.0
    seed: int = 0
    body_id: str = "a"
    hidden: tuple[Landmark, ...] = ()
    inferred: tuple[Landmark, ...] = ()

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        self._offset = self._random.normal(0.0, self.bias, (33, 3)) if self.bias else np.zeros((33, 3))

    def body(self, posture: Posture, stamp_ns: int) -> Body:
        n = len(BLAZEPOSE_33)
        positions = np.full((n, 3), np.nan)
        # facing the camera (view 0) is looking along -x; positive yaw shows the left side
        heading = math.pi - self.view
        c, s = math.cos(heading), math.sin(heading)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        for name, point in joints(self.build, posture).items():
            positions[BLAZEPOSE_33.index(Landmark(name))] = turn @ point + [*posture.place, 0.0]
        positions += self._offset
        if self.white:
            positions += self._random.normal(0.0, self.white, (n, 3))
        states = np.where(np.isfinite(positions[:, 0]), LandmarkState.OBSERVED, LandmarkState.LOST).astype(
            np.uint8
        )
        for landmark in self.inferred:
            states[BLAZEPOSE_33.index(landmark)] = LandmarkState.INFERRED
        for landmark in self.hidden:
            row = BLAZEPOSE_33.index(landmark)
            positions[row], states[row] = np.nan, LandmarkState.LOST
        covariances = np.broadcast_to(np.eye(3) * self.std**2, (n, 3, 3)).copy()
        covariances[states == LandmarkState.LOST] = np.nan
        pixels = np.where(np.isfinite(positions[:, :1]), 320.0, np.nan) * np.ones((n, 2))
        return Body(
            self.body_id, stamp_ns, BLAZEPOSE_33, pixels, np.ones(n), positions, covariances, states, 0.9,
            (640, 480), view=self.view, calibrated=True,
        )  # fmt: skip


Course = Callable[[float], Posture]
"""Posture at a time, s."""


@dataclass(frozen=True)
class Part:
    """A piece of a session: `course(share)` for share in 0..1 over `seconds`."""

    seconds: float
    course: Course


STANDING = Posture()


def stand(seconds: float, posture: Posture = STANDING) -> Part:
    return Part(seconds, lambda _: posture)


def squat(
    seconds: float = 3.0,
    depth: float = 108.0,
    ratio: float = 1.3,
    lean: float = 40.0,
    heel: float = 0.0,
    asymmetry: float = 0.0,
    pause: float = 0.0,
    rest: Posture = STANDING,
) -> Part:
    """Down and up again, smoothly; the arguments are the values at the bottom."""
    moving = seconds - pause

    def course(share: float) -> Posture:
        t = share * seconds
        half = moving / 2
        s = 0.5 - 0.5 * math.cos(
            math.pi * (t / half if t < half else 1.0 if t < half + pause else (seconds - t) / half)
        )
        return replace(
            rest,
            knee=rest.knee + s * (depth - rest.knee),
            lean=rest.lean + s * (lean - rest.lean),
            ratio=rest.ratio + s * (ratio - rest.ratio),
            heel=s * heel,
            asymmetry=s * asymmetry,
            elbow=(12.0 + 20 * s, 12.0 + 20 * s),
        )

    return Part(seconds, course)


def curl(
    seconds: float = 2.4,
    top: float = 132.0,
    bottom: tuple[float, float] = (12.0, 12.0),
    drift: float = 8.0,
    swing: float = 0.0,
    arms: tuple[float, float] = (1.0, 1.0),
) -> Part:
    """Up and down again; `bottom` is the elbow before and after, `drift` and `swing` at the top."""

    def course(share: float) -> Posture:
        s = 0.5 - 0.5 * math.cos(2 * math.pi * share)
        low = bottom[0] if share < 0.5 else bottom[1]
        elbow = low + s * (top - low)
        return Posture(
            elbow=(arms[0] * elbow + (1 - arms[0]) * 12, arms[1] * elbow + (1 - arms[1]) * 12),
            shoulder=s * drift,
            lean=4.0 - s * swing,
        )

    return Part(seconds, course)


def session(
    parts: list[Part], fps: float, recorder: Recorder, start_ns: int = 1_000_000_000
) -> Iterator[Body]:
    """Bodies of consecutive parts at `fps`."""
    frame, begin = 0, 0.0
    for part in parts:
        while frame / fps < begin + part.seconds:
            share = (frame / fps - begin) / part.seconds
            yield recorder.body(part.course(min(max(share, 0.0), 1.0)), start_ns + round(frame / fps * 1e9))
            frame += 1
        begin += part.seconds


def walk(seconds: float, start: tuple[float, float], end: tuple[float, float]) -> Part:
    """Steps of half a second with up to 60 degrees of swing flexion."""

    def course(share: float) -> Posture:
        wave = math.sin(2 * math.pi * share * seconds)
        place = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
        return Posture(knee=10, swing=(60 * max(0.0, wave), 60 * max(0.0, -wave)), place=place)

    return Part(seconds, course)


def bend(start: float, end: float, seconds: float) -> Part:
    """Knees from one angle to another, deg."""

    def course(share: float) -> Posture:
        knee = start + (end - start) * (0.5 - 0.5 * math.cos(math.pi * share))
        return Posture(knee=knee, ratio=0.9 + 0.004 * knee, lean=4 + 0.33 * knee)

    return Part(seconds, course)


@dataclass
class Scored:
    """What a scorer made of a session."""

    scorer: Scorer
    updates: list[ScoreUpdate]

    @property
    def forms(self) -> list[FormState]:
        return [update.form for update in self.updates if update.form is not None]

    @property
    def repetitions(self) -> list[Repetition]:
        return [repetition for update in self.updates for repetition in update.repetitions]

    @property
    def valid(self) -> list[Repetition]:
        return [repetition for repetition in self.repetitions if repetition.status is RepetitionStatus.VALID]

    @property
    def faults(self) -> list[Fault]:
        return [fault for update in self.updates for fault in update.faults]

    @property
    def outcomes(self) -> list[tuple[RepetitionStatus, RepetitionReason]]:
        return [(repetition.status, repetition.reason) for repetition in self.repetitions]

    @property
    def fault_names(self) -> list[tuple[str, int]]:
        return sorted({(fault.name, fault.repetition) for fault in self.faults})


@cache
def exercise(name: str) -> ExerciseModel:
    return find_exercise(name)


def score(
    parts: list[Part], fps: float = 24.0, recorder: Recorder | None = None, name: str = "squat"
) -> Scored:
    scorer = Scorer(exercise(name))
    bodies = session(parts, fps, recorder or Recorder(white=0.003, bias=0.005, std=0.01))
    return Scored(scorer, [scorer.update(body, body.stamp_ns) for body in bodies])
