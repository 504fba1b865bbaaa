"""Bodies between two postures, and limbs pinned to a place: bone space, any number of moments at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.body.landmarks import Landmark
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.hands import grip_centre, palm_centre
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.rotations import FORWARD, about, apply, cross, dot, frame, middle_joint, slerp, unit

FloatArray = NDArray[np.float64]

_ABOVE = {
    "spine_01": "pelvis", "spine_02": "spine_01", "spine_03": "spine_02", "neck_01": "spine_03", "head": "neck_01",
    **{
        f"{bone}_{side}": parent if parent in ("spine_03", "pelvis") else f"{parent}_{side}"
        for side in "lr"
        for bone, parent in (
            ("clavicle", "spine_03"), ("upperarm", "clavicle"), ("lowerarm", "upperarm"), ("hand", "lowerarm"),
            ("thigh", "pelvis"), ("calf", "thigh"), ("foot", "calf"), ("ball", "foot"),
        )
    },
}  # fmt: skip
"""Every bone of a `Figure` but the pelvis, parents first, and the one that carries it."""
_FOREARM_TWIST = 0.45
"""Share of the hand's turn about the forearm that the forearm's bone takes; as in `kinecue.simulation.movement.skeleton`."""


@dataclass(frozen=True)
class _Rest:
    """What forward kinematics needs of an athlete at rest: (3,) points, the bone that carries them, (3, 3) frames."""

    heads: dict[str, FloatArray]
    mid_hip: FloatArray
    points: dict[str, tuple[str, FloatArray]]
    frames: dict[str, FloatArray]
    lengths: dict[str, float]


@lru_cache(maxsize=16)
def _rest(athlete: Athlete) -> _Rest:
    heads = {bone: athlete.head(bone) for bone in ("pelvis", *_ABOVE)}
    landmarks = {name: point for name, (_, point) in athlete.rest_landmarks.items()}
    points: dict[str, tuple[str, FloatArray]] = {
        "neck": ("neck_01", heads["neck_01"]),
        "head": ("head", heads["head"]),
        "ears": ("head", (landmarks[Landmark.LEFT_EAR] + landmarks[Landmark.RIGHT_EAR]) / 2.0),
    }
    frames: dict[str, FloatArray] = {}
    for side, name in (("l", "left"), ("r", "right")):
        own = {
            bone: heads[f"{bone}_{side}"]
            for bone in ("upperarm", "lowerarm", "hand", "thigh", "calf", "foot")
        }
        for point, bone in (
            ("hip", "thigh"), ("knee", "calf"), ("ankle", "foot"), ("ball", "ball"),
            ("shoulder", "upperarm"), ("elbow", "lowerarm"), ("wrist", "hand"),
        ):  # fmt: skip
            points[f"{point}_{side}"] = (f"{bone}_{side}", heads[f"{bone}_{side}"])
        points[f"heel_{side}"] = (f"foot_{side}", landmarks[Landmark(f"{name}_heel")])
        points[f"toe_{side}"] = (f"ball_{side}", landmarks[Landmark(f"{name}_foot_index")])
        level = (heads[f"ball_{side}"] - own["foot"]) * [1.0, 1.0, 0.0]
        points[f"front_{side}"] = (f"foot_{side}", own["foot"] + 0.1 * unit(level))
        points[f"grip_{side}"] = (f"hand_{side}", grip_centre(athlete, side))
        points[f"palm_{side}"] = (f"hand_{side}", palm_centre(athlete, side))
        hinge = unit(cross(own["lowerarm"] - own["upperarm"], own["hand"] - own["lowerarm"]))
        frames[f"thigh_{side}"] = frame(own["thigh"] - own["calf"], FORWARD)
        frames[f"calf_{side}"] = frame(own["calf"] - own["foot"], FORWARD)
        frames[f"upperarm_{side}"] = frame(own["lowerarm"] - own["upperarm"], hinge)
        frames[f"lowerarm_{side}"] = frame(own["hand"] - own["lowerarm"], hinge)
    lengths = athlete.lengths
    return _Rest(
        heads,
        athlete.rest_mid_hip,
        points,
        frames,
        {name: float(getattr(lengths, name)) for name in ("thigh", "shank", "upper_arm", "forearm")},
    )


def stood(
    athlete: Athlete, mid_hip: FloatArray, rotations: Mapping[str, FloatArray], grip: FloatArray
) -> Figure:
    """The body whose bones are turned so (forward kinematics).

    Args:
        athlete: whose body.
        mid_hip: (N, 3) middle between the hips, m.
        rotations: (N, 3, 3) of every bone of a `Figure`, from the rest pose, in the frame of `mid_hip`.
        grip: (N, 2) how far the hands are closed.
    """
    rest = _rest(athlete)
    heads = {"pelvis": mid_hip + apply(rotations["pelvis"], rest.heads["pelvis"] - rest.mid_hip)}
    for bone, above in _ABOVE.items():
        heads[bone] = heads[above] + apply(rotations[above], rest.heads[bone] - rest.heads[above])
    points = {
        name: heads[bone] + apply(rotations[bone], point - rest.heads[bone])
        for name, (bone, point) in rest.points.items()
    }
    zero = np.zeros((len(mid_hip), 2))
    return Figure(
        dict(rotations), points, np.broadcast_to(grip, (len(mid_hip), 2)), {"arm": zero, "leg": zero}
    )


def blend(athlete: Athlete, start: Figure, end: Figure, share: ArrayLike) -> Figure:
    """The posture `share` of the way between two.

    Every bone turns the shorter way against the one that carries it, the pelvis in space; the middle between the
    hips goes straight. Nothing holds on to anything: see `pin_leg` and `pin_arm`.

    Args:
        athlete: whose body.
        start, end: of 1 or N moments.
        share: (N,) or a number, 0 at `start` to 1 at `end`.
    """
    part = np.asarray(share, dtype=np.float64)
    count = max(len(start), len(end), part.shape[0] if part.ndim else 1)
    part = np.broadcast_to(part, (count,))

    def full(array: FloatArray) -> FloatArray:
        return np.broadcast_to(array, (count, *array.shape[1:]))

    def local(figure: Figure, bone: str, above: str) -> FloatArray:
        result: FloatArray = np.swapaxes(figure.rotations[above], -1, -2) @ figure.rotations[bone]
        return full(result)

    rotations = {"pelvis": slerp(full(start.rotations["pelvis"]), full(end.rotations["pelvis"]), part)}
    for bone, above in _ABOVE.items():
        turn = slerp(local(start, bone, above), local(end, bone, above), part)
        rotations[bone] = rotations[above] @ turn
    column: FloatArray = part[:, None]
    mid_hip = full(start.mid_hip) * (1.0 - column) + full(end.mid_hip) * column
    grip = full(start.grip) * (1.0 - column) + full(end.grip) * column
    return stood(athlete, mid_hip, rotations, grip)


def moved(figure: Figure, rotation: FloatArray, translation: FloatArray) -> Figure:
    """The same posture elsewhere: every point x becomes ``rotation @ x + translation``; one for all or one each."""
    return Figure(
        {bone: rotation @ r for bone, r in figure.rotations.items()},
        {name: apply(rotation, p) + translation for name, p in figure.points.items()},
        figure.grip,
        figure.stretch,
    )


def take(figure: Figure, rows: NDArray[np.int64] | slice) -> Figure:
    """The body at some of its moments."""
    n = len(figure)

    def part(array: FloatArray) -> FloatArray:
        return np.broadcast_to(array, (n, *array.shape[1:]))[rows]

    return Figure(
        {bone: part(r) for bone, r in figure.rotations.items()},
        {name: part(p) for name, p in figure.points.items()},
        part(figure.grip),
        {limb: part(lack) for limb, lack in figure.stretch.items()},
    )


def join(parts: Sequence[tuple[NDArray[np.int64], Figure]], count: int) -> Figure:
    """One body of `count` moments from parts, each with the rows that it has in the whole."""

    def whole(arrays: list[FloatArray]) -> FloatArray:
        result = np.zeros((count, *arrays[0].shape[1:]))
        for (rows, _), array in zip(parts, arrays, strict=True):
            result[rows] = array
        return result

    figures = [figure for _, figure in parts]
    first = figures[0]
    return Figure(
        {bone: whole([f.rotations[bone] for f in figures]) for bone in first.rotations},
        {name: whole([f.points[name] for f in figures]) for name in first.points},
        whole([f.grip for f in figures]),
        {limb: whole([f.stretch[limb] for f in figures]) for limb in first.stretch},
    )


def pin_leg(
    athlete: Athlete, figure: Figure, side: str, ankle: FloatArray, foot: FloatArray, toes: FloatArray
) -> Figure:
    """The body with one foot elsewhere; the hip stays and the knee keeps to its plane.

    Args:
        athlete: whose body.
        figure: N moments.
        side: ``l`` or ``r``.
        ankle: (N, 3) where the ankle shall be, m; a leg that is too short takes the foot along.
        foot, toes: (N, 3, 3) of the bones ``foot`` and ``ball`` from the rest pose.
    """
    rest = _rest(athlete)
    thigh, calf = f"thigh_{side}", f"calf_{side}"
    hip = figure.points[f"hip_{side}"]
    # by its axis, which lies across the body: a direction ahead of the thigh may come to lie along hip-ankle
    pole = cross(apply(figure.rotations[thigh], rest.frames[thigh][:, 2]), unit(hip - ankle))
    upper, lower = rest.lengths["thigh"], rest.lengths["shank"]
    knee = middle_joint(hip, ankle, upper, lower, pole)
    rotations, points = dict(figure.rotations), dict(figure.points)
    lack = _lack(hip, ankle, upper + lower)
    rotations[thigh] = frame(hip - knee, pole) @ rest.frames[thigh].T
    rotations[calf] = frame(knee - ankle, pole) @ rest.frames[calf].T
    rotations[f"foot_{side}"], rotations[f"ball_{side}"] = foot, toes
    points[f"knee_{side}"] = knee
    points[f"ankle_{side}"] = knee + lower * unit(ankle - knee)
    for name, bone in (("heel", "foot"), ("front", "foot"), ("ball", "foot"), ("toe", "ball")):
        start = "ball" if bone == "ball" else "ankle"
        arm = rest.points[f"{name}_{side}"][1] - rest.heads[f"{bone}_{side}"]
        points[f"{name}_{side}"] = points[f"{start}_{side}"] + apply(rotations[f"{bone}_{side}"], arm)
    return Figure(rotations, points, figure.grip, _with_stretch(figure, "leg", side, lack))


def pin_arm(athlete: Athlete, figure: Figure, side: str, wrist: FloatArray, hand: FloatArray) -> Figure:
    """The body with one hand elsewhere; the shoulder stays and the elbow keeps to its plane.

    Args:
        athlete: whose body.
        figure: N moments.
        side: ``l`` or ``r``.
        wrist: (N, 3) where the wrist shall be, m; an arm that is too short takes the hand along.
        hand: (N, 3, 3) of the hand from the rest pose.
    """
    rest = _rest(athlete)
    above, below = f"upperarm_{side}", f"lowerarm_{side}"
    shoulder = figure.points[f"shoulder_{side}"]
    hinge = apply(figure.rotations[above], rest.frames[above][:, 1])
    upper, lower = rest.lengths["upper_arm"], rest.lengths["forearm"]
    line = unit(wrist - shoulder)
    out = cross(line, hinge)
    elbow = middle_joint(shoulder, wrist, upper, lower, out)
    hinge = cross(unit(out - dot(out, line) * line), line)
    fore = unit(wrist - elbow)
    rotations, points = dict(figure.rotations), dict(figure.points)
    lack = _lack(shoulder, wrist, upper + lower)
    rotations[above] = frame(elbow - shoulder, hinge) @ rest.frames[above].T
    plain = frame(fore, hinge) @ rest.frames[below].T
    rotations[below] = _twisted(plain, fore, hand, rest.heads[f"hand_{side}"] - rest.heads[below])
    rotations[f"hand_{side}"] = hand
    points[f"elbow_{side}"], points[f"wrist_{side}"] = elbow, elbow + lower * fore
    for name in ("grip", "palm"):
        arm = rest.points[f"{name}_{side}"][1] - rest.heads[f"hand_{side}"]
        points[f"{name}_{side}"] = points[f"wrist_{side}"] + apply(hand, arm)
    return Figure(rotations, points, figure.grip, _with_stretch(figure, "arm", side, lack))


def limb_length(athlete: Athlete, limb: str) -> float:
    """Of a straight ``arm`` or ``leg`` from shoulder or hip to wrist or ankle, m."""
    lengths = _rest(athlete).lengths
    return lengths["upper_arm"] + lengths["forearm"] if limb == "arm" else lengths["thigh"] + lengths["shank"]


def _twisted(plain: FloatArray, fore: FloatArray, hand: FloatArray, along: FloatArray) -> FloatArray:
    """(N, 3, 3) a forearm that takes its share of the hand's turn.

    Args:
        plain: (N, 3, 3) the forearm as the elbow has it.
        fore: (N, 3) unit vector along it.
        hand: (N, 3, 3) the hand.
        along: (3,) of the forearm in the rest pose.
    """
    turn = np.swapaxes(plain, -1, -2) @ hand
    vector = np.stack(
        [
            turn[..., 2, 1] - turn[..., 1, 2],
            turn[..., 0, 2] - turn[..., 2, 0],
            turn[..., 1, 0] - turn[..., 0, 1],
        ],
        -1,
    )
    # swing-twist decomposition: the part of the turn about the forearm
    angle = 2.0 * np.arctan2(dot(vector, unit(along))[..., 0], 1.0 + np.trace(turn, axis1=-2, axis2=-1))
    result: FloatArray = about(fore, _FOREARM_TWIST * angle) @ plain
    return result


def _lack(start: FloatArray, end: FloatArray, length: float) -> FloatArray:
    distance: FloatArray = np.sqrt(dot(end - start, end - start))[..., 0]
    return np.maximum(distance - length, 0.0)


def _with_stretch(figure: Figure, limb: str, side: str, lack: FloatArray) -> dict[str, FloatArray]:
    both = np.array(np.broadcast_to(figure.stretch[limb], (len(lack), 2)))
    both[:, "lr".index(side)] = lack
    return {**figure.stretch, limb: both}
