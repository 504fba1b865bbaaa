"""What keeps a picture of somebody from serving as a calibration, in words that a lifter can act on."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Landmark as L
from kinecue.body.landmarks import Topology
from kinecue.perception.landmarks2d import Landmarks2D

FloatArray = NDArray[np.float64]

STILL_POINTS = tuple(
    L(f"{side}_{joint}") for joint in ("shoulder", "hip", "knee", "ankle") for side in ("left", "right")
)
"""By these it is judged whether somebody stands still."""

_VISIBLE = 0.5
_SMALLEST = 120.0
"""Height in the picture under which a landmark's error of a pixel or two is centimetres, px."""
_EDGE = 2.0
_LEAN = math.radians(12.0)
_LEG_LEAN = math.radians(12.0)
_KNEE = math.radians(16.0)
_ARM = math.radians(42.0)
_AWAY = 0.07
"""Of the height from eyes to heels that a wrist is beside its hip when the arm is slightly away (seen from the front)."""
_BEHIND = math.radians(120.0)
_FARTHEST_PX = 1e5


class Problem(Enum):
    """What is wrong; the value is what to say."""

    NO_PERSON = "step into the picture"
    CANNOT_TELL = "stand so that the whole body can be seen"
    FEET_OUT = "step back: your feet are not in the picture"
    HEAD_OUT = "step back: your head is not in the picture"
    SIDE_OUT = "step to the middle: you are half out of the picture"
    TOO_SMALL = "come closer: you are too small in the picture"
    HIDDEN_FEET = "make room: something hides your feet"
    TURNED_AWAY = "turn round: the camera sees your back"
    WRONG_VIEW_FRONT = "turn to face the camera"
    WRONG_VIEW_LEFT = "turn your left side to the camera"
    WRONG_VIEW_RIGHT = "turn your right side to the camera"
    NOT_UPRIGHT = "stand upright"
    KNEES_BENT = "straighten your legs"
    FEET_APART = "put your feet beside each other"
    ARMS_UP = "let your arms hang"
    ARMS_CLOSE = "arms slightly away from the body"
    MOVING = "stand still"


def usable(landmarks: Landmarks2D) -> bool:
    """Whether the numbers can be worked with at all."""
    return math.isfinite(landmarks.score) and all(point in landmarks.topology for point in STILL_POINTS)


def points_of(landmarks: Landmarks2D) -> tuple[FloatArray, FloatArray]:
    """(N, 2) pixels and (N,) visibility; what is no number or absurdly far is NaN and hidden."""
    sane = (np.abs(np.where(np.isfinite(landmarks.pixels), landmarks.pixels, np.inf)) < _FARTHEST_PX).all(1)
    sane &= np.isfinite(landmarks.visibility)
    pixels = np.where(sane[:, None], landmarks.pixels, np.nan)
    return pixels, np.where(sane, np.clip(landmarks.visibility, 0.0, 1.0), 0.0)


def view_of(world: FloatArray, topology: Topology) -> float:
    """The person's yaw against the camera from the network's own 3D, rad: 0 faces it, +pi/2 shows the left side.

    Args:
        world: (N, 3) optical axes, m.
        topology: order of its rows.

    Returns:
        NaN where it cannot be told.
    """
    left = sum(
        world[topology.index(L(f"left_{joint}"))] - world[topology.index(L(f"right_{joint}"))]
        for joint in ("hip", "shoulder")
    )
    if not isinstance(left, np.ndarray) or not np.isfinite(left).all():
        return math.nan
    size = math.hypot(float(left[0]), float(left[2]))
    return math.atan2(-float(left[2]), float(left[0])) if 1e-3 < size < 1e3 else math.nan


def eye_to_heel(pixels: FloatArray, topology: Topology) -> float:
    """Height of the person in the picture, px; NaN where it cannot be told."""
    low = [L.LEFT_HEEL, L.RIGHT_HEEL] if L.LEFT_HEEL in topology else [L.LEFT_ANKLE, L.RIGHT_ANKLE]
    bottom = pixels[topology.indices(*low), 1].mean()
    return float(bottom - pixels[topology.indices(L.LEFT_EYE, L.RIGHT_EYE), 1].mean())


def stance_problems(
    landmarks: Landmarks2D, width: int, height: int, wanted_view: float | None = None
) -> tuple[Problem, ...]:
    """What is wrong with one frame, the first thing to mend first; nothing about motion.

    Args:
        landmarks: of the person.
        width, height: of the picture, px.
        wanted_view: the yaw that is asked for, rad; None takes any but the back.
    """
    if not usable(landmarks):
        return (Problem.CANNOT_TELL,)
    pixels, visibility = points_of(landmarks)
    topology = landmarks.topology

    def at(name: str) -> FloatArray:
        row: FloatArray = pixels[topology.index(L(name))]
        return row

    def seen(name: str) -> float:
        return float(visibility[topology.index(L(name))]) if L(name) in topology else 1.0

    shoulder, hip, knee, ankle = (
        0.5 * (at(f"left_{joint}") + at(f"right_{joint}")) for joint in ("shoulder", "hip", "knee", "ankle")
    )
    eyes = 0.5 * (at("left_eye") + at("right_eye"))
    tall = eye_to_heel(pixels, topology)
    if not np.isfinite([*shoulder, *hip, *knee, *ankle, *eyes, tall]).all():
        return (Problem.CANNOT_TELL,)
    found: list[Problem] = []
    feet = [name for name in topology.landmarks if name.value.endswith(("ankle", "heel", "foot_index"))]
    rows = topology.indices(*feet)
    if np.nanmax(pixels[rows, 1]) > height - _EDGE:
        found.append(Problem.FEET_OUT)
    # the crown is about a tenth of the height from eyes to heels over the eyes
    if eyes[1] - 0.1 * max(tall, 0.0) < 0.0:
        found.append(Problem.HEAD_OUT)
    trunk_and_legs = pixels[topology.indices(*STILL_POINTS)]
    if np.nanmin(trunk_and_legs[:, 0]) < _EDGE or np.nanmax(trunk_and_legs[:, 0]) > width - _EDGE:
        found.append(Problem.SIDE_OUT)
    if found:
        return tuple(found)
    if max(seen("left_ankle"), seen("right_ankle")) < _VISIBLE:
        return (Problem.HIDDEN_FEET,)
    trunk, leg, thigh, shank = hip - shoulder, ankle - hip, knee - hip, ankle - knee
    if min(trunk[1], leg[1], thigh[1], shank[1]) <= 0 or trunk[1] < 0.35 * leg[1]:
        return (Problem.NOT_UPRIGHT,)
    if tall < _SMALLEST:
        return (Problem.TOO_SMALL,)
    view = view_of(landmarks.world, topology)
    turn = _turn(view, wanted_view)
    if turn is not None:
        return (turn,)
    if abs(math.atan2(trunk[0], trunk[1])) > _LEAN or abs(math.atan2(leg[0], leg[1])) > _LEG_LEAN:
        found.append(Problem.NOT_UPRIGHT)
    # from the front a squat shortens the thigh against the shank; standing, they are about equal
    ratio = float(np.hypot(*thigh)) / max(float(np.hypot(*shank)), 1e-6)
    bend = abs(math.atan2(thigh[0], thigh[1]) - math.atan2(shank[0], shank[1]))
    if bend > _KNEE or not 0.78 < ratio < 1.35:
        found.append(Problem.KNEES_BENT)
    if np.hypot(*(at("left_ankle") - at("right_ankle"))) > 0.32 * tall:
        found.append(Problem.FEET_APART)
    return (*found, *_arms(at, seen, view, tall))


def _turn(view: float, wanted: float | None) -> Problem | None:
    if not math.isfinite(view):
        return Problem.CANNOT_TELL
    if wanted is None:
        return Problem.TURNED_AWAY if abs(view) > _BEHIND else None
    if abs(math.remainder(view - wanted, 2.0 * math.pi)) < math.radians(30.0):
        return None
    if abs(wanted) < math.radians(45.0):
        return Problem.WRONG_VIEW_FRONT
    return Problem.WRONG_VIEW_LEFT if wanted > 0 else Problem.WRONG_VIEW_RIGHT


def _arms(
    at: Callable[[str], FloatArray], seen: Callable[[str], float], view: float, tall: float
) -> list[Problem]:
    away: list[float] = []
    for side in ("left", "right"):
        shoulder, elbow, wrist, hip = (
            at(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist", "hip")
        )
        if min(seen(f"{side}_elbow"), seen(f"{side}_wrist")) < _VISIBLE:
            continue
        for vector in (elbow - shoulder, wrist - elbow):
            if not np.isfinite(vector).all() or abs(math.atan2(vector[0], vector[1])) > _ARM:
                return [Problem.ARMS_UP]
        # outwards is to the right of the picture for the left arm of somebody who faces the camera
        away.append(float(wrist[0] - hip[0]) * (1.0 if side == "left" else -1.0) / tall)
    if away and abs(view) < math.radians(25.0) and min(away) < _AWAY:
        return [Problem.ARMS_CLOSE]
    return []
