"""Skin markers to joint centres: plug-in gait, OpenCap and their kin.

A file counts as markers when it has pelvis spines (``LASI``, ``L.ASIS``) or hip centres beside lateral markers. Joint
centres: hip by Harrington et al. (2007) from the spines, or the file's own; knee, ankle, elbow and wrist half way between
lateral and medial marker, or inwards of the lateral one by half of a usual joint width; shoulder under the acromion by
17 % of the distance between the acromia (Rab et al. 2002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kinecue.body.body import FloatArray
from kinecue.body.landmarks import Landmark
from kinecue.recordings.names import plain, sided

_SPINES = {"asi": "asis", "asis": "asis", "psi": "psis", "psis": "psis"}
_PARTS = {
    **_SPINES,
    "hjc": "hip",
    "hjcreg": "hip_regressed",
    "hip": "hip",
    "sho": "acromion",
    "shoulder": "acromion",
    "acr": "acromion",
    "acromion": "acromion",
    "kne": "knee_lateral",
    "knee": "knee_lateral",
    "lknee": "knee_lateral",
    "kneelat": "knee_lateral",
    "mkne": "knee_medial",
    "mknee": "knee_medial",
    "kneemed": "knee_medial",
    "knem": "knee_medial",
    "ank": "ankle_lateral",
    "ankle": "ankle_lateral",
    "anklelat": "ankle_lateral",
    "mank": "ankle_medial",
    "mankle": "ankle_medial",
    "anklemed": "ankle_medial",
    "ankm": "ankle_medial",
    "elb": "elbow_lateral",
    "elbow": "elbow_lateral",
    "elbowlat": "elbow_lateral",
    "lelbow": "elbow_lateral",
    "elbowmed": "elbow_medial",
    "melbow": "elbow_medial",
    "wra": "wrist_one",
    "wristradius": "wrist_one",
    "lwrist": "wrist_one",
    "wrist": "wrist_one",
    "wrb": "wrist_two",
    "wristulna": "wrist_two",
    "mwrist": "wrist_two",
    "hee": "heel",
    "heel": "heel",
    "calc": "heel",
    "toe": "toe",
    "bigtoe": "toe",
    "2mt": "toe",
}
_HALF_WIDTH = {"knee": 0.052, "ankle": 0.037, "elbow": 0.035}
"""Half of the joint's width and the marker's radius, m (ANSUR II: knee 9 to 10 cm, bimalleolar 7 cm, elbow 7 cm)."""
_UNDER_ACROMION = 0.17
MARKER_STD = 0.012
"""Of a joint centre found from markers, m (Leardini 1999; hip centres 1 to 1.5 cm)."""


def _markers(names: Sequence[str], points: FloatArray) -> dict[tuple[str, str], FloatArray]:
    found: dict[tuple[str, str], FloatArray] = {}
    for i, name in enumerate(names):
        pair = sided(plain(name), tuple(_PARTS))
        if pair is not None:
            found.setdefault((pair[0], _PARTS[pair[1]]), points[:, i])
    return found


def is_markers(names: Sequence[str]) -> bool:
    """Whether these are names of skin markers rather than of joint centres."""
    parts = {_PARTS[pair[1]] for name in names if (pair := sided(plain(name), tuple(_PARTS)))}
    keys = {plain(name) for name in names}
    return "asis" in parts or (
        any(k.endswith(("hjc", "hjcreg")) for k in keys)
        and ("knee_medial" in parts or "knee_lateral" in parts)
    )


def joint_centres(names: Sequence[str], points: FloatArray) -> dict[Landmark, FloatArray]:
    """(T, 3) of each joint that the markers give, in the axes of `points` (T, N, 3), m."""
    marker = _markers(names, points)
    hips = _hips(marker)
    result = dict(hips)
    left, right = hips.get(Landmark.LEFT_HIP), hips.get(Landmark.RIGHT_HIP)
    if left is None or right is None:
        return result
    across = _unit(left - right)
    for side, inwards in (("left", -1.0), ("right", 1.0)):
        for joint in ("knee", "ankle", "elbow"):
            lateral, medial = marker.get((side, f"{joint}_lateral")), marker.get((side, f"{joint}_medial"))
            centre = _middle(lateral, medial)
            if centre is None and lateral is not None:
                centre = lateral + inwards * _HALF_WIDTH[joint] * across
            if centre is not None:
                result[Landmark(f"{side}_{joint}")] = centre
        one, two = marker.get((side, "wrist_one")), marker.get((side, "wrist_two"))
        wrist = _middle(one, two)
        if wrist is None:
            wrist = one
        for joint, course in (
            ("wrist", wrist),
            ("heel", marker.get((side, "heel"))),
            ("foot_index", marker.get((side, "toe"))),
        ):
            if course is not None:
                result[Landmark(f"{side}_{joint}")] = course
    acromia = [marker.get((side, "acromion")) for side in ("left", "right")]
    if acromia[0] is not None and acromia[1] is not None:
        down = _unit(0.5 * (left + right) - 0.5 * (acromia[0] + acromia[1]))
        drop = _UNDER_ACROMION * np.linalg.norm(acromia[0] - acromia[1], axis=-1, keepdims=True) * down
        result[Landmark.LEFT_SHOULDER], result[Landmark.RIGHT_SHOULDER] = acromia[0] + drop, acromia[1] + drop
    return result


def _middle(a: FloatArray | None, b: FloatArray | None) -> FloatArray | None:
    if a is None or b is None:
        return None
    result: FloatArray = 0.5 * (a + b)
    return result


def _hips(marker: Mapping[tuple[str, str], FloatArray]) -> dict[Landmark, FloatArray]:
    """Hip joint centres: the file's own, else Harrington's regression on the pelvis."""
    for part in ("hip", "hip_regressed"):
        left, right = marker.get(("left", part)), marker.get(("right", part))
        if left is not None and right is not None:
            return {Landmark.LEFT_HIP: left, Landmark.RIGHT_HIP: right}
    corners = [marker.get((side, spine)) for spine in ("asis", "psis") for side in ("left", "right")]
    if any(corner is None for corner in corners):
        return {}
    left_front, right_front, left_back, right_back = (c for c in corners if c is not None)
    front, back = 0.5 * (left_front + right_front), 0.5 * (left_back + right_back)
    to_right = _unit(right_front - left_front)
    ahead = front - back
    depth = np.linalg.norm(ahead, axis=-1, keepdims=True)
    width = np.linalg.norm(right_front - left_front, axis=-1, keepdims=True)
    ahead = _unit(ahead - (ahead * to_right).sum(-1, keepdims=True) * to_right)
    up = np.cross(to_right, ahead)
    centre = front + (-0.24 * depth - 0.0099) * ahead + (-0.30 * width - 0.0109) * up
    aside = (0.33 * width + 0.0073) * to_right
    return {Landmark.LEFT_HIP: centre - aside, Landmark.RIGHT_HIP: centre + aside}


def _unit(v: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        result: FloatArray = v / np.linalg.norm(v, axis=-1, keepdims=True)
    return result
