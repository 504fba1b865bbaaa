"""What the points of a recording are: names of joints in the files of other systems, and orders of nameless ones."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinecue.body.landmarks import BLAZEPOSE_33, COCO_17, HALPE_26, Landmark

_SIDED = {
    "shoulder": "shoulder",
    "sho": "shoulder",
    "elbow": "elbow",
    "wrist": "wrist",
    "pinky": "pinky",
    "index": "index",
    "thumb": "thumb",
    "hip": "hip",
    "hipjoint": "hip",
    "hjc": "hip",
    "knee": "knee",
    "ankle": "ankle",
    "heel": "heel",
    "footindex": "foot_index",
    "bigtoe": "foot_index",
    "toe": "foot_index",
    "toes": "foot_index",
    "toebase": "foot_index",
    "smalltoe": "small_toe",
    "eye": "eye",
    "eyeinner": "eye_inner",
    "eyeouter": "eye_outer",
    "ear": "ear",
}
_MIDDLE = {
    "nose": Landmark.NOSE,
    "mouthleft": Landmark.MOUTH_LEFT,
    "leftmouth": Landmark.MOUTH_LEFT,
    "mouthright": Landmark.MOUTH_RIGHT,
    "rightmouth": Landmark.MOUTH_RIGHT,
    "head": Landmark.HEAD_TOP,
    "headtop": Landmark.HEAD_TOP,
    "neck": Landmark.NECK,
    "spineshoulder": Landmark.NECK,
    "midhip": Landmark.MID_HIP,
    "hipcenter": Landmark.MID_HIP,
    "hipcentre": Landmark.MID_HIP,
    "spinebase": Landmark.MID_HIP,
    "pelvis": Landmark.MID_HIP,
    "root": Landmark.MID_HIP,
}
_SEGMENTS = {
    "upperarm": "shoulder",
    "uparm": "shoulder",
    "arm": "shoulder",
    "humerus": "shoulder",
    "forearm": "elbow",
    "lowerarm": "elbow",
    "radius": "elbow",
    "hand": "wrist",
    "upperleg": "hip",
    "upleg": "hip",
    "thigh": "hip",
    "femur": "hip",
    "lowerleg": "knee",
    "leg": "knee",
    "calf": "knee",
    "shin": "knee",
    "tibia": "knee",
    "foot": "ankle",
}
"""Joints that are named after the segment which begins there (BVH, Mixamo, OptiTrack, Kinect exports of UI-PRMD)."""
_FIRST_SEGMENTS = {"upperleg", "upleg", "lowerleg", "thigh", "femur", "calf", "shin", "tibia"}
_HAND_FOR_WRIST = "hand"
_DROPPED = re.compile(r"(study|joint|marker|landmark|jointcentre|jointcenter)$")


def _sided_landmark(side: str, joint: str) -> Landmark | None:
    try:
        return Landmark(f"{side}_{joint}")
    except ValueError:
        return None


def plain(name: str) -> str:
    """Letters and digits of a name, small: what two ways to write it have in common."""
    text = name.rsplit(":", 1)[-1]
    text = re.sub(r"(?i)^(poselandmark|mixamorig|joint|j)[._]", "", text)
    text = re.sub(r"[^0-9a-z]", "", text.lower())
    return _DROPPED.sub("", text) or text


def sided(name: str, parts: Sequence[str]) -> tuple[str, str] | None:
    """Side and part of a plain name such as ``lknee``, ``leftknee``, ``kneel``, ``kneeleft``; None if it has no side."""
    for side in ("left", "right"):
        for mark in (side, side[0]):
            for rest in (name.removeprefix(mark), name.removesuffix(mark)):
                if rest != name and rest in parts:
                    return side, rest
    return None


def joints_of(names: Sequence[str]) -> dict[Landmark, int]:
    """Where in `names` the joints are that we know; empty if there are none."""
    found: dict[Landmark, int] = {}
    keys = [plain(name) for name in names]
    segments = any((pair := sided(key, tuple(_SEGMENTS))) and pair[1] in _FIRST_SEGMENTS for key in keys)
    for i, key in enumerate(keys):
        landmark = _MIDDLE.get(key)
        if landmark is None and (pair := sided(key, tuple(_SIDED))):
            landmark = _sided_landmark(pair[0], _SIDED[pair[1]])
        if landmark is None and (pair := sided(key, tuple(_SEGMENTS))):
            side, part = pair
            if segments:
                landmark = _sided_landmark(side, _SEGMENTS[part])
            elif part == "foot":
                landmark = _sided_landmark(side, "foot_index")
        if landmark is not None:
            found.setdefault(landmark, i)
    for i, key in enumerate(keys):
        # systems without a wrist have a hand
        pair = sided(key, (_HAND_FOR_WRIST,))
        if pair and (wrist := _sided_landmark(pair[0], "wrist")) is not None:
            found.setdefault(wrist, i)
    return found


def _kinect_20() -> tuple[str, ...]:
    sides = [
        f"{part}_{side}" for side in ("left", "right") for part in ("shoulder", "elbow", "wrist", "hand")
    ]
    legs = [f"{part}_{side}" for side in ("left", "right") for part in ("hip", "knee", "ankle", "foot")]
    return ("hip_center", "spine", "shoulder_center", "head", *sides, *legs)


def _kinect_25() -> tuple[str, ...]:
    arms = [f"{part}_{side}" for side in ("left", "right") for part in ("shoulder", "elbow", "wrist", "hand")]
    legs = [f"{part}_{side}" for side in ("left", "right") for part in ("hip", "knee", "ankle", "foot")]
    tips = ["handtip_left", "thumb_left", "handtip_right", "thumb_right"]
    return ("spine_base", "spine_mid", "neck_base", "head", *arms, *legs, "spine_shoulder", *tips)


def _azure_32() -> tuple[str, ...]:
    arms = [
        f"{part}_{side}"
        for side in ("left", "right")
        for part in ("clavicle", "shoulder", "elbow", "wrist", "hand", "handtip", "thumb")
    ]
    legs = [f"{part}_{side}" for side in ("left", "right") for part in ("hip", "knee", "ankle", "foot")]
    face = ["head", "nose", "eye_left", "ear_left", "eye_right", "ear_right"]
    return ("pelvis", "spine_naval", "spine_chest", "neck", *arms, *legs, *face)


_KINECT_16 = (
    "head",
    "neck",
    "spine",
    *(f"{part}_{side}" for part in ("shoulder", "hand") for side in ("left", "right")),
    "pelvis",
    *(f"{part}_{side}" for part in ("hip", "knee", "ankle", "foot") for side in ("left", "right")),
)
"""Head to feet, left before right: a Kinect's skeleton without elbows."""

_BODY_25 = (
    "nose",
    "neck",
    *(f"{side}_{part}" for side in ("right", "left") for part in ("shoulder", "elbow", "wrist")),
    "mid_hip",
    *(f"{side}_{part}" for side in ("right", "left") for part in ("hip", "knee", "ankle")),
    *(f"{side}_{part}" for part in ("eye", "ear") for side in ("right", "left")),
    *(f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")),
)
"""OpenPose's BODY_25."""
_COCO_18 = (
    *_BODY_25[:8],
    *_BODY_25[9:15],
    *_BODY_25[15:19],
)
"""OpenPose's COCO order: no mid-hip, no feet."""


def _names(landmarks: Sequence[Landmark]) -> tuple[str, ...]:
    return tuple(landmark.value for landmark in landmarks)


_FLAT_ORDERS = {
    33: _names(BLAZEPOSE_33.landmarks),
    17: _names(COCO_17.landmarks),
    26: _names(HALPE_26.landmarks),
    25: _BODY_25,
    18: _COCO_18,
}
_SPATIAL_ORDERS = {
    33: _names(BLAZEPOSE_33.landmarks),
    16: _KINECT_16,
    20: _kinect_20(),
    25: _kinect_25(),
    32: _azure_32(),
}


def usual_order(count: int, spatial: bool) -> tuple[str, ...] | None:
    """Names of `count` points that a file does not name; None where several orders are about.

    Args:
        count: how many.
        spatial: a skeleton in space (Kinect) rather than points in a picture (MediaPipe, COCO, Halpe, OpenPose).
    """
    return (_SPATIAL_ORDERS if spatial else _FLAT_ORDERS).get(count)


def allowed_orders() -> str:
    """For messages: the numbers of nameless points that are known."""
    flat = ", ".join(str(n) for n in sorted(_FLAT_ORDERS))
    spatial = ", ".join(str(n) for n in sorted(_SPATIAL_ORDERS))
    return f"{flat} points in a picture, {spatial} in space, or names"
