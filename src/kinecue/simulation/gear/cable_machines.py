"""Gear for the upper body: barbell, bars and handles on cables, the frames that the cables come from, seats and pads.

Dimensions are those of usual commercial machines (engineering judgement) and follow the athlete where a machine is
adjustable: heights of seats, pads and pulleys. Frames are open in the middle, so that a camera on the machine sees the
athlete.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.gear.equipment import (
    CHROME,
    DARK,
    RED,
    ROPE,
    RUBBER,
    STEEL,
    Cable,
    Equipment,
    Hands,
    Place,
    Weight,
)
from kinecue.simulation.picture.solids import Colour, Mesh, box, cylinder
from kinecue.simulation.rotations import pitch, unit

FloatArray = NDArray[np.float64]
Point = tuple[float, float, float]

PAD: Colour = (46.0, 42.0, 40.0)
BAR_RADIUS = 0.0145
_GRIP: Colour = (40.0, 40.0, 44.0)
_POST = 0.05
_HALF_FRAME = 0.36


def frame_with_pulley(pulley: Point, height: float, beam: float) -> Mesh:
    """Two posts with a beam above and one on the floor; the pulley sits in the middle on an arm or a mast.

    Args:
        pulley: (3,) where the cable leaves, m.
        height: of the frame, m.
        beam: x of the posts, m.
    """
    x, y, z = pulley
    away = 1.0 if beam >= x else -1.0
    parts = [
        box((beam, y, 0.04), (0.08, 2.0 * _HALF_FRAME, 0.08), DARK, 6),
        box((beam, y, height), (0.07, 2.0 * _HALF_FRAME, 0.07), STEEL, 6),
    ]
    for side in (-1.0, 1.0):
        post = y + side * _HALF_FRAME
        parts.append(box((beam, post, height / 2.0), (_POST, _POST, height), STEEL, 10))
        parts.append(box((beam, post, 0.03), (0.60, 0.08, 0.06), DARK, 4))
        # the stack of weights runs behind the post
        parts.append(box((beam + away * 0.13, post, 0.34), (0.18, 0.10, 0.50), DARK, 3))
    carried = 0.04 if z < 0.6 * height else height
    low, high = min(z, carried), max(z, carried)
    if high - low > 0.10:
        parts.append(box((beam, y, (low + high) / 2.0), (0.04, 0.045, high - low), STEEL, 6))
    length = abs(beam - x)
    parts.append(box((x + away * length / 2.0, y, z), (length, 0.035, 0.045), DARK, 4))
    parts.append(_wheel(pulley))
    return Mesh.join(parts)


def _wheel(at: Point, radius: float = 0.05) -> Mesh:
    centre = np.array(at)
    return cylinder(centre - [0.0, 0.013, 0.0], centre + [0.0, 0.013, 0.0], radius, RED, 14)


def side_column(pulley: Point, height: float = 2.0, away: float = -1.0) -> Mesh:
    """One slender column of a two-cable station with its pulley on a sliding arm."""
    x, y, z = pulley
    return Mesh.join(
        [
            box((x + away * 0.14, y, 0.04), (0.45, 0.30, 0.08), DARK, 3),
            box((x + away * 0.16, y, height / 2.0), (0.08, 0.10, height), STEEL, 8),
            box((x + away * 0.30, y, 0.45), (0.14, 0.22, 0.75), DARK, 3),
            box((x + away * 0.07, y, z + 0.01), (0.16, 0.05, 0.05), DARK, 2),
            _wheel(pulley),
        ]
    )


def seat(x: float, top: float, length: float = 0.36, width: float = 0.36) -> Mesh:
    """An upholstered seat whose upper side is at `top`, its middle at `x`, on a post; m."""
    post = max(top - 0.13, 0.05)
    return Mesh.join(
        [
            box((x, 0.0, top - 0.04), (length, width, 0.08), PAD, 4),
            box((x, 0.0, top - 0.09), (0.8 * length, 0.7 * width, 0.02), STEEL, 2),
            box((x, 0.0, 0.05 + post / 2.0), (0.09, 0.09, post), STEEL, 4),
            box((x, 0.0, 0.03), (0.55, 0.10, 0.06), DARK, 4),
            box((x, 0.0, 0.03), (0.10, 0.50, 0.06), DARK, 4),
        ]
    )


def backrest(front: float, bottom: float, top: float, lean: float = 0.0, width: float = 0.28) -> Mesh:
    """An upright pad whose surface is at x = `front` at its lower edge and leans back by `lean`, rad."""
    height = top - bottom
    pad = Mesh.join(
        [
            box((-0.03, 0.0, height / 2.0), (0.06, width, height), PAD, 5),
            box((-0.075, 0.0, height / 2.0), (0.03, 0.08, height + 0.06), STEEL, 4),
        ]
    )
    return pad.moved(pitch(-lean), np.array([front, 0.0, bottom]))


def thigh_pads(x: float, height: float, out: float) -> Mesh:
    """Two rollers over the thighs on a post in front of them; `height` is their lowest line, m."""
    radius = 0.055
    parts = [
        cylinder(
            np.array([x, side * (out - 0.10), height + radius]),
            np.array([x, side * (out + 0.11), height + radius]),
            radius,
            PAD,
            12,
            3,
        )
        for side in (-1.0, 1.0)
    ]
    ends = np.array([x, -out, height + radius]), np.array([x, out, height + radius])
    parts.append(cylinder(*ends, 0.014, STEEL, 8, 6))
    return Mesh.join(
        [*parts, box((x, 0.0, (height + radius) / 2.0), (0.05, 0.05, height + radius), STEEL, 5)]
    )


def foot_plate(heel: FloatArray, tilt: float, out: float) -> Mesh:
    """A plate under the soles.

    Args:
        heel: (3,) lower edge of the soles in the middle between the feet, m.
        tilt: of the soles from the floor, toes up, rad.
        out: half the distance between the feet, m.
    """
    length, thick = 0.34, 0.02
    parts = [
        box((length / 2.0 - 0.04, side * out, -thick / 2.0), (length, 0.16, thick), RUBBER, 3)
        for side in (-1.0, 1.0)
    ]
    parts.append(box((length / 2.0, 0.0, -0.045), (0.06, 2.0 * out + 0.16, 0.05), STEEL, 3))
    tread = Mesh.join(parts).moved(pitch(-tilt), heel)
    middle = heel + pitch(-tilt) @ np.array([length / 2.0, 0.0, -0.045])
    stem = box(
        (float(middle[0]) + 0.02, 0.0, float(middle[2]) / 2.0), (0.07, 0.07, float(middle[2])), STEEL, 4
    )
    return Mesh.join([tread, stem])


class Barbell(Equipment):
    """A barbell in both fists.

    Attributes:
        mass: of the bar with its plates, kg.
    """

    HALF_SLEEVE = 0.655
    """Half the distance between the sleeves' collars (IWF: 1,310 mm)."""
    HALF_LENGTH = 0.95

    def __init__(self, athlete: Athlete, mass: float) -> None:
        self.mass = mass
        self._hands = Hands(athlete)

    def weights(self, transforms: BoneTransforms) -> list[Weight]:
        left, right = self._hands.at(transforms)
        return [Weight(self.mass, (left + right) / 2.0, ("grip_l", "grip_r"))]

    def props(self, transforms: BoneTransforms, place: Place) -> Mesh:
        left, right = self._hands.at(transforms)
        middle, along = (left + right) / 2.0, unit(left - right)
        collar = along * self.HALF_SLEEVE
        parts = [cylinder(middle - collar, middle + collar, BAR_RADIUS, CHROME, 8, 26)]
        # a plate of 10 kg has a radius of about 0.16 m, one of 20 kg of 0.225 m
        each = max((self.mass - 20.0) / 2.0, 2.5)
        radius = min(0.10 + 0.006 * each, 0.225)
        for side in (-1.0, 1.0):
            start = middle + side * collar
            outward = side * along
            parts.append(cylinder(start, start + outward * 0.012, 0.034, CHROME, 10))
            parts.append(
                cylinder(
                    start + outward * 0.012,
                    start + outward * (self.HALF_LENGTH - self.HALF_SLEEVE),
                    0.024,
                    CHROME,
                    10,
                    4,
                )
            )
            parts.append(cylinder(start + outward * 0.014, start + outward * 0.052, radius, RUBBER, 20))
            parts.append(cylinder(start + outward * 0.053, start + outward * 0.060, 0.55 * radius, DARK, 16))
            parts.append(cylinder(start + outward * 0.062, start + outward * 0.086, 0.038, DARK, 10))
        return Mesh.join(parts)


class PulleyBar(Equipment):
    """A bar in both fists on one cable."""

    def __init__(
        self, athlete: Athlete, pulley: Point, half_length: float, furniture: Mesh, kind: str = "straight"
    ) -> None:
        """A bar.

        Args:
            athlete: who holds it.
            pulley: (3,) athlete's frame, m.
            half_length: of the bar, m.
            furniture: the machine.
            kind: ``straight``; ``lat``, with ends bent away from the cable; ``neutral``, with two handles upright
                between the fists' thumbs and little fingers and a yoke to the cable.
        """
        self.cables = (Cable("none", pulley),)
        self._athlete = athlete
        self._hands = Hands(athlete)
        self._half_length = half_length
        self._furniture = furniture
        self._kind = kind

    def handles(self, transforms: BoneTransforms) -> FloatArray:
        left, right = self._hands.at(transforms)
        middle: FloatArray = (left + right) / 2.0
        return middle[None]

    def furniture(self) -> Mesh:
        return self._furniture

    def props(self, transforms: BoneTransforms, place: Place) -> Mesh:
        left, right = self._hands.at(transforms)
        middle, along = (left + right) / 2.0, unit(left - right)
        pulley = place.points(np.array(self.cables[0].pulley))
        to_pulley = unit(pulley - middle)
        parts: list[Mesh] = []
        if self._kind == "neutral":
            hook = middle + to_pulley * 0.16
            upright = unit(np.cross(along, to_pulley))
            for hand in (left, right):
                parts.append(cylinder(hand - upright * 0.065, hand + upright * 0.065, 0.016, _GRIP, 10, 3))
                for end in (-0.065, 0.065):
                    parts.append(cylinder(hand + upright * end, hook, 0.008, CHROME, 6, 6))
        else:
            half = self._half_length
            inner = half - 0.17 if self._kind == "lat" else half
            ends = middle - along * inner, middle + along * inner
            parts.append(cylinder(*ends, BAR_RADIUS, CHROME, 8, 20))
            for side, last in zip((-1.0, 1.0), ends, strict=True):
                tip = last + side * along * (half - inner) - to_pulley * 0.07 if self._kind == "lat" else last
                if self._kind == "lat":
                    parts.append(cylinder(last, tip, BAR_RADIUS, CHROME, 8, 5))
                    parts.append(cylinder(tip + 0.6 * (last - tip), tip, 0.019, _GRIP, 8, 3))
                else:
                    parts.append(cylinder(last - side * along * 0.05, last, 0.022, _GRIP, 10))
            hook = middle + to_pulley * 0.09
            parts.append(cylinder(middle, hook, 0.010, CHROME, 8, 2))
        parts.append(cylinder(hook, hook + to_pulley * 0.05, 0.016, RED, 8))
        parts.append(cylinder(hook, pulley, 0.004, ROPE, 4, 16))
        return Mesh.join(parts)


class TwoHandles(Equipment):
    """A handle in each fist, each on its own cable."""

    def __init__(self, athlete: Athlete, pulleys: Sequence[Point], furniture: Mesh) -> None:
        """Handles.

        Args:
            athlete: who holds them.
            pulleys: (3,) of the left and of the right cable, athlete's frame, m.
            furniture: the machine.
        """
        left, right = pulleys
        self.cables = (Cable("left", left), Cable("right", right))
        self._hands = Hands(athlete)
        self._across = [unit(athlete.head(f"index_01_{s}") - athlete.head(f"pinky_01_{s}")) for s in "lr"]
        self._furniture = furniture

    def handles(self, transforms: BoneTransforms) -> FloatArray:
        return np.stack(self._hands.at(transforms))

    def furniture(self) -> Mesh:
        return self._furniture

    def props(self, transforms: BoneTransforms, place: Place) -> Mesh:
        parts: list[Mesh] = []
        held = zip(
            self.cables, self._hands.at(transforms), self._hands.turned(transforms), self._across, strict=True
        )
        for cable, hand, turn, rest in held:
            pulley = place.points(np.array(cable.pulley))
            along = turn @ rest
            to_pulley = unit(pulley - hand)
            hook = hand + to_pulley * 0.15
            parts.append(cylinder(hand - along * 0.062, hand + along * 0.062, 0.016, _GRIP, 10, 3))
            for end in (-0.062, 0.062):
                parts.append(cylinder(hand + along * end, hook, 0.007, ROPE, 5, 6))
            parts.append(cylinder(hook, hook + to_pulley * 0.05, 0.014, RED, 8))
            parts.append(cylinder(hook, pulley, 0.004, ROPE, 4, 18))
        return Mesh.join(parts)


def seat_under(skin: FloatArray, hips: FloatArray) -> float:
    """Height of the seat under a sitting body, m.

    Args:
        skin: (V, 3) its surface.
        hips: (3,) middle between its hips.
    """
    near = (np.abs(skin[:, 0] - hips[0]) < 0.14) & (np.abs(skin[:, 1] - hips[1]) < 0.20)
    # upholstery gives way by a centimetre or two
    return float(skin[near, 2].min()) + 0.015


def over_thighs(skin: FloatArray, x: float) -> float:
    """Height of the thighs of a sitting body at a place between hips and knees, m."""
    near = (np.abs(skin[:, 0] - x) < 0.03) & (skin[:, 2] < skin[:, 2].min() + 0.8)
    thigh = near & (np.abs(skin[:, 1]) > 0.06)
    return float(np.quantile(skin[thigh, 2], 0.98)) - 0.012


def row_bench(x: float, top: float, length: float) -> Mesh:
    """A long bench whose upper side is at `top`; its middle at `x`."""
    parts = [box((x, 0.0, top - 0.04), (length, 0.30, 0.08), PAD, 6)]
    post = max(top - 0.08, 0.05)
    for end in (-0.35, 0.35):
        parts.append(box((x + end * length, 0.0, post / 2.0), (0.07, 0.07, post), STEEL, 3))
        parts.append(box((x + end * length, 0.0, 0.03), (0.08, 0.42, 0.06), DARK, 3))
    return Mesh.join(parts)
