"""Which way the segments of a body stand, from its landmarks.

Frames: x forward, y up along the segment, z to the person's right (Wu et al. 2002, 2005). What joint centres do not
know is taken as follows. The pelvis stands along the line of its hips and otherwise as the trunk does. The turn of
thigh and shank about their own length follows the plane of hip, knee and ankle where the knee is bent, the pelvis
where it is straight; arms likewise. A hand goes on in the line of the forearm. A foot whose heel or toes are not
known lies flat and points where the knee does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anatomy import frame_xz, frame_yz, frame_zy
from kinecue.body.angles import cross
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.body import Body
from kinecue.body.landmarks import Landmark, LandmarkState, Topology
from kinecue.loads.segments import SEGMENTS, SIDES, SegmentModel

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

JOINTS = ("hip", "knee", "ankle", "heel", "foot_index", "shoulder", "elbow", "wrist", "ear")
"""Landmarks that are used, each left and right."""
LANDMARKS = tuple(Landmark(f"{side}_{joint}") for joint in JOINTS for side in SIDES)
"""Order of the rows of everything here: left hip, right hip, left knee ..."""
INDEX = {SEGMENTS[i]: i for i in range(len(SEGMENTS))}
"""Of the segments."""
_REACH = 100.0
"""A landmark farther away than this, or as uncertain, is a broken number, m."""
_UP = np.array([0.0, 0.0, 1.0])


def rows(joint: str) -> slice:
    """Rows (left, right) of a pair of landmarks."""
    first = 2 * JOINTS.index(joint)
    return slice(first, first + 2)


def row(joint: str, side: int) -> int:
    """Row of a landmark; `side` 0 left, 1 right."""
    return 2 * JOINTS.index(joint) + side


@dataclass(frozen=True)
class Seen:
    """The landmarks of one body.

    Attributes:
        points: (18, 3) m; NaN where lost.
        covariance: (54, 54) m2; zero where lost.
        states: (18,) `LandmarkState`.
    """

    points: FloatArray
    covariance: FloatArray
    states: NDArray[np.uint8]


class LandmarkReader:
    """Takes `LANDMARKS` out of bodies of any topology."""

    def __init__(self) -> None:
        self._present: dict[str, tuple[NDArray[np.intp], NDArray[np.intp]]] = {}

    def _rows(self, topology: Topology) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        known = self._present.get(topology.name)
        if known is None:
            there = [i for i, landmark in enumerate(LANDMARKS) if landmark in topology]
            source = [topology.index(LANDMARKS[i]) for i in there]
            known = self._present[topology.name] = (np.array(there, np.intp), np.array(source, np.intp))
        return known

    def points(self, body: Body) -> FloatArray:
        """(18, 3) positions, m; what is lost, infinite or absurdly far away is NaN."""
        there, source = self._rows(body.topology)
        points = np.full((len(LANDMARKS), 3), np.nan)
        points[there] = body.positions[source]
        with np.errstate(invalid="ignore"):
            sound = (np.abs(points) < _REACH).all(1)
        sound[there] &= body.states[source] != LandmarkState.LOST
        points[~sound] = np.nan
        return points

    def read(self, body: Body) -> Seen:
        """The landmarks with the covariance of their errors; one whose covariance is broken is lost as well."""
        there, source = self._rows(body.topology)
        count = len(LANDMARKS)
        points, states = np.full((count, 3), np.nan), np.zeros(count, np.uint8)
        blocks = np.zeros((count, 3, 3))
        points[there], states[there] = body.positions[source], body.states[source]
        blocks[there] = body.covariances[source]
        with np.errstate(invalid="ignore"):
            sound = (np.abs(points) < _REACH).all(1) & (np.abs(blocks) < _REACH**2).all((1, 2))
        lost = ~sound | (states == LandmarkState.LOST)
        points[lost], blocks[lost], states[lost] = np.nan, 0.0, LandmarkState.LOST
        covariance = np.zeros((count, 3, count, 3))
        covariance[np.arange(count), :, np.arange(count), :] = blocks
        flat = covariance.reshape(3 * count, 3 * count)
        joint = body.joint_covariance
        if joint is not None and np.isfinite(joint).all():
            places = [
                (j, LANDMARKS.index(mark)) for j, mark in enumerate(body.joint_landmarks) if mark in _WANTED
            ]
            here = [3 * k + axis for _, k in places for axis in range(3)]
            from_ = [3 * j + axis for j, _ in places for axis in range(3)]
            flat[np.ix_(here, here)] = joint[np.ix_(from_, from_)]
            gone = np.repeat(lost, 3)
            flat[gone], flat[:, gone] = 0.0, 0.0
        return Seen(points, flat, states)


_WANTED = frozenset(LANDMARKS)


def measured_lengths(points: FloatArray) -> SegmentLengths | None:
    """Median lengths of (T, 18, 3) landmarks, sides averaged, m.

    A limb that is never seen is as long as the trunk suggests: nothing that hangs on it is reported, but it has to weigh.
    None without a trunk.
    """
    pairs = {
        "pelvis": (points[:, row("hip", 0)] - points[:, row("hip", 1)])[:, None],
        "shoulders": (points[:, row("shoulder", 0)] - points[:, row("shoulder", 1)])[:, None],
        "trunk": (points[:, rows("shoulder")].mean(1) - points[:, rows("hip")].mean(1))[:, None],
        "thigh": points[:, rows("knee")] - points[:, rows("hip")],
        "shank": points[:, rows("ankle")] - points[:, rows("knee")],
        "upper_arm": points[:, rows("elbow")] - points[:, rows("shoulder")],
        "forearm": points[:, rows("wrist")] - points[:, rows("elbow")],
    }
    found = {}
    for name, vectors in pairs.items():
        values = np.sqrt((vectors * vectors).sum(-1)).ravel()
        values = values[np.isfinite(values)]
        if len(values):
            found[name] = float(np.median(values))
            if not 0.03 < found[name] < 1.5:
                return None
    if not {"pelvis", "trunk", "shoulders"} <= set(found):
        return None
    usual = vars(SegmentLengths.from_stature(1.0))
    return SegmentLengths(
        **{name: found.get(name, share / usual["trunk"] * found["trunk"]) for name, share in usual.items()}
    )


def complete(points: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Landmarks with something in place of what is missing, so that frames exist; (18,) which are real.

    What stands in is never reported: everything that hangs on it is abstained from. None of the four joints of the
    trunk can stand in: without one all is missing.

    Args:
        points: (B, 18, 3) m; a landmark that is NaN in one of the B is missing.
    """
    known = np.isfinite(points).all((0, 2))
    if known.all():
        return points, known
    points = points.copy()
    hips, shoulders = rows("hip"), rows("shoulder")
    if not (known[hips].all() and known[shoulders].all()):
        return points, np.zeros_like(known)
    middle, chest = points[:, hips].mean(1), points[:, shoulders].mean(1)
    up = chest - middle
    across = points[:, row("hip", 1)] - points[:, row("hip", 0)]
    ahead = cross(up, across)
    ahead = _unit(ahead) * 0.15
    for side in (0, 1):
        for joint, origin, way in (
            ("knee", "hip", -0.8 * up + 0.1 * ahead),
            ("ankle", "knee", -0.8 * up - 0.1 * ahead),
            ("heel", "ankle", -0.12 * up - 0.3 * ahead),
            ("foot_index", "ankle", -0.12 * up + ahead),
            ("elbow", "shoulder", -0.5 * up),
            ("wrist", "elbow", -0.4 * up + 0.3 * ahead),
            ("ear", "shoulder", 0.4 * up),
        ):
            here = row(joint, side)
            if not known[here]:
                points[:, here] = points[:, row(origin, side)] + way
    return points, known


def segment_frames(points: FloatArray, real: BoolArray, model: SegmentModel) -> FloatArray:
    """(B, 15, 3, 3) orientations in the order of `SEGMENTS`, columns x forward, y up, z right.

    NaN where landmarks lie in one place, or in line, from which no axis follows.

    Args:
        points: (B, 18, 3) complete landmarks, m.
        real: (18,) which of them were seen.
        model: of the person.
    """
    hip, knee, ankle = points[:, rows("hip")], points[:, rows("knee")], points[:, rows("ankle")]
    shoulder, elbow = points[:, rows("shoulder")], points[:, rows("elbow")]
    wrist = points[:, rows("wrist")]
    middle, chest = hip.mean(1), shoulder.mean(1)
    result = np.empty((len(points), len(SEGMENTS), 3, 3))
    pelvis = frame_zy(hip[:, 1] - hip[:, 0], chest - middle)
    lumbar = middle + pelvis @ model.lumbar
    trunk = frame_yz(chest - lumbar, shoulder[:, 1] - shoulder[:, 0])
    result[:, 0], result[:, 1] = pelvis, trunk
    if real[rows("ear")].all():
        ears = points[:, rows("ear")]
        # the line of the ears is short and noisy: the head's turn is the chest's
        result[:, 2] = frame_yz(ears.mean(1) - chest, trunk[:, :, 2])
    else:
        result[:, 2] = trunk
    # left and right arm, left and right leg: bones before and after their hinge
    before = _unit(np.concatenate([elbow - shoulder, knee - hip], 1))
    after = _unit(np.concatenate([wrist - elbow, ankle - knee], 1))
    straight = np.empty_like(before)
    right, arms = trunk[:, None, :, 2], before[:, :2]
    # where a straight arm points aside, the elbow would bend it forward
    share = (right * arms).sum(-1, keepdims=True) ** 2
    straight[:, :2] = right + share * cross(arms, np.repeat(trunk[:, None, :, 0], 2, 1))
    straight[:, 2:] = -pelvis[:, None, :, 2]
    hinge = _hinge(before, after, straight)
    hinge[:, 2:] *= -1.0
    limbs = frame_yz(-np.concatenate([before, after], 1), np.concatenate([hinge, hinge], 1))
    result[:, 3:5], result[:, 5:7], result[:, 7:9] = limbs[:, :2], limbs[:, 4:6], limbs[:, 4:6]
    result[:, 9:11], result[:, 11:13] = limbs[:, 2:4], limbs[:, 6:8]
    for side in (0, 1):
        below = result[:, 11 + side]
        if real[row("heel", side)] and real[row("foot_index", side)]:
            along = points[:, row("foot_index", side)] - points[:, row("heel", side)]
        else:
            along = below[:, :, 0] * [1.0, 1.0, 0.0]
        result[:, 13 + side] = frame_xz(along, below[:, :, 2])
    return result


def _hinge(upper: FloatArray, lower: FloatArray, straight: FloatArray) -> FloatArray:
    """Axis about which a hinge bends, across both bones.

    It goes over to `straight` as they come into line, under 15 to 30 degrees, where their plane is noise.
    """
    across = cross(upper, lower)
    sine = np.sqrt((across * across).sum(-1, keepdims=True))
    result: FloatArray = across + 0.5 * (1.0 - np.minimum(sine, 1.0)) ** 4 * straight
    return result


def _unit(v: FloatArray) -> FloatArray:
    norm = np.sqrt((v * v).sum(-1, keepdims=True))
    result: FloatArray = v / np.where(norm > 1e-9, norm, np.nan)
    return result


def quaternions(rotations: FloatArray) -> FloatArray:
    """(..., 4) unit quaternions (x, y, z, w) of (..., 3, 3) rotations, by the largest of the four (Shepperd 1978)."""
    m = rotations
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    squares = np.stack([1 + 2 * m[..., i, i] - trace for i in range(3)] + [1 + trace], -1)
    candidates = np.empty((*trace.shape, 4, 4))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        candidates[..., i, i] = squares[..., i]
        candidates[..., i, j] = candidates[..., j, i] = m[..., i, j] + m[..., j, i]
        candidates[..., i, 3] = candidates[..., 3, i] = m[..., k, j] - m[..., j, k]
    candidates[..., 3, 3] = squares[..., 3]
    best = squares.argmax(-1)
    chosen = np.take_along_axis(candidates, best[..., None, None], -2)[..., 0, :]
    result: FloatArray = chosen / np.sqrt((chosen * chosen).sum(-1, keepdims=True))
    return result
