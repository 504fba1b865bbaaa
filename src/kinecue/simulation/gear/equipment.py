"""What athletes hold and what stands around them: its shape, its weight, and the cables that lead to the machine.

Shapes are in the athlete's frame (x forward, y left, z up) of the start position; metres, kilograms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.hands import grip_centre
from kinecue.simulation.picture.solids import Colour, Mesh, box, cylinder
from kinecue.simulation.rotations import unit

FloatArray = NDArray[np.float64]

STEEL: Colour = (92.0, 86.0, 82.0)
DARK: Colour = (54.0, 50.0, 48.0)
CHROME: Colour = (196.0, 196.0, 192.0)
RUBBER: Colour = (42.0, 40.0, 40.0)
ROPE: Colour = (40.0, 40.0, 40.0)
RED: Colour = (60.0, 60.0, 170.0)


@dataclass(frozen=True)
class Place:
    """Where the athlete's frame is in another one: a point x of it is at ``rotation @ x + translation``."""

    rotation: FloatArray
    translation: FloatArray

    def points(self, x: FloatArray) -> FloatArray:
        """(..., 3) points of the athlete's frame in the other one."""
        result: FloatArray = x @ self.rotation.T + self.translation
        return result


HERE = Place(np.eye(3), np.zeros(3))


@dataclass(frozen=True)
class Cable:
    """A cable of the machine.

    Attributes:
        side: ``left``, ``right``, or ``none`` for a machine with one cable.
        pulley: (3,) where it leaves the machine.
    """

    side: str
    pulley: tuple[float, float, float]


@dataclass(frozen=True)
class Weight:
    """A free weight at a moment.

    Attributes:
        mass: kg.
        point: (3,) its centre of mass.
        hands: names of the points that carry it, such as ``grip_l``.
    """

    mass: float
    point: FloatArray
    hands: tuple[str, ...]


class Hands:
    """Where the fists hold, from bone transforms."""

    def __init__(self, athlete: Athlete) -> None:
        self._bones = [athlete.bone_index[f"hand_{side}"] for side in "lr"]
        self._grips = [grip_centre(athlete, side) for side in "lr"]

    def at(self, transforms: BoneTransforms) -> tuple[FloatArray, FloatArray]:
        """(3,) left and right middle of what is gripped, in the frame of the bones."""
        left, right = (
            transforms.rotations[j] @ grip + transforms.offsets[j]
            for j, grip in zip(self._bones, self._grips, strict=True)
        )
        return left, right

    def turned(self, transforms: BoneTransforms) -> tuple[FloatArray, FloatArray]:
        """(3, 3) rotations of the left and right hand from the rest pose."""
        left, right = (transforms.rotations[j] for j in self._bones)
        return left, right


class Equipment:
    """Nothing in the hands, nothing around, no cable. Subclasses have something."""

    cables: Sequence[Cable] = ()

    def handles(self, transforms: BoneTransforms) -> FloatArray:
        """(len(cables), 3) the ends of the cables in the frame of the bones."""
        return np.zeros((0, 3))

    def weights(self, transforms: BoneTransforms) -> list[Weight]:
        """Free weights, in the frame of the bones."""
        return []

    def furniture(self) -> Mesh:
        """What stands beside the athlete and does not move, in the athlete's frame."""
        return Mesh.join([])

    def props(self, transforms: BoneTransforms, place: Place) -> Mesh:
        """What moves with the athlete, in the frame of the bones.

        Args:
            transforms: the bones.
            place: of the athlete's frame in the frame of the bones.
        """
        return Mesh.join([])


NO_EQUIPMENT = Equipment()


class Belt(Equipment):
    """A belt around the hips with the cable between the legs to a pulley in the floor, as in a belt squat.

    The cable hides behind the legs and is not drawn.
    """

    def __init__(self, athlete: Athlete) -> None:
        self.cables = (Cable("none", (0.0, 0.0, 0.02)),)
        self._hips = [athlete.bone_index[f"thigh_{side}"] for side in "lr"]

    def handles(self, transforms: BoneTransforms) -> FloatArray:
        mean: FloatArray = transforms.heads[self._hips].mean(0)
        return mean[None]


class CableBar(Equipment):
    """A straight bar in both fists on one cable."""

    RADIUS = 0.015

    def __init__(
        self,
        athlete: Athlete,
        pulley: tuple[float, float, float],
        half_length: float = 0.42,
        column: Mesh | None = None,
    ) -> None:
        """A bar.

        Args:
            athlete: who holds it.
            pulley: (3,) athlete's frame, m.
            half_length: of the bar, m.
            column: the machine around the pulley; None: one that fits the pulley's height.
        """
        self.cables = (Cable("none", pulley),)
        self._hands = Hands(athlete)
        self._half_length = half_length
        self._column = cable_column(pulley) if column is None else column

    def handles(self, transforms: BoneTransforms) -> FloatArray:
        left, right = self._hands.at(transforms)
        middle: FloatArray = (left + right) / 2.0
        return middle[None]

    def furniture(self) -> Mesh:
        return self._column

    def props(self, transforms: BoneTransforms, place: Place) -> Mesh:
        left, right = self._hands.at(transforms)
        middle, along = (left + right) / 2.0, unit(left - right)
        ends = middle - along * self._half_length, middle + along * self._half_length
        pulley = place.points(np.array(self.cables[0].pulley))
        meshes = [
            cylinder(*ends, self.RADIUS, CHROME, 8, 16),
            cylinder(middle, pulley, 0.004, ROPE, 4, 14),
        ]
        for end in ends:
            inner = end + 0.05 * unit(middle - end)
            meshes.append(cylinder(inner, end, 0.024, (40.0, 40.0, 44.0), 10))
        return Mesh.join(meshes)


FRAME_WIDTH = 0.72
"""Between the uprights of a cable machine, m: seen from the front or at 45 degrees they stand beside the athlete."""
LOW_PULLEY = 0.40
"""Pulleys up to this height need no uprights: they are on a platform on the floor, m."""


def cable_column(pulley: tuple[float, float, float], away: float = 1.0, height: float = 2.15) -> Mesh:
    """A cable machine that hides little of who trains on it.

    A low pulley sits on a platform with the drive in it, another on a carriage in a slim portal: cameras of such
    machines look through it, or hang on it, where a single column would stand before the athlete.

    Args:
        pulley: (3,) m.
        away: 1 if the machine stands ahead of the pulley, -1 behind it.
        height: of the portal, m; at least to the pulley.
    """
    x, y, z = pulley
    back = x + away * 0.24
    wheel = cylinder(np.array([x, y - 0.014, z]), np.array([x, y + 0.014, z]), 0.055, RED, 14)
    if z <= LOW_PULLEY:
        return Mesh.join(
            [
                box((back, y, 0.04), (0.56, 0.50, 0.08), DARK, 4),
                box((back + away * 0.10, y, 0.13), (0.28, 0.34, 0.12), STEEL, 3),
                box((x + away * 0.05, y, z / 2.0), (0.07, 0.07, z), DARK, 2),
                wheel,
            ]
        )
    top, half = max(height, z + 0.15), FRAME_WIDTH / 2.0
    parts = [
        box((back, y, 0.03), (0.40, FRAME_WIDTH + 0.2, 0.06), DARK, 4),
        box((back, y, top), (0.07, FRAME_WIDTH + 0.06, 0.07), STEEL, 4),
        box((back - away * 0.02, y, z), (0.05, FRAME_WIDTH, 0.06), DARK, 5),
        box((x + away * 0.12, y, z + 0.01), (0.20, 0.05, 0.05), DARK, 2),
        wheel,
    ]
    parts += [box((back, y + side * half, top / 2.0), (0.07, 0.06, top), STEEL, 8) for side in (-1.0, 1.0)]
    return Mesh.join(parts)
