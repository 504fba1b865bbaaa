"""What ties the athlete to the cable machine: where the handle is, where the pulley is, and how both look.

The squat wears a belt: the cable runs from the middle between the hips to a pulley in the floor between the
feet, as in a belt squat. It hides behind the legs and is not drawn. The curl holds a straight bar in both
fists; its cable runs to a low pulley ahead of the feet.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athlete import Athlete, BoneTransforms
from kinecue.simulation.limbs import grip_centre
from kinecue.simulation.rotations import unit
from kinecue.simulation.solids import Mesh, box, cylinder

FloatArray = NDArray[np.float64]


class Equipment(ABC):
    """One way of holding on to the cable."""

    pulley: FloatArray
    """(3,) where the cable leaves the machine, in the athlete's frame, m."""

    @abstractmethod
    def handle(self, transforms: BoneTransforms) -> FloatArray:
        """(3,) end of the cable in the frame of the bones, m."""

    def furniture(self) -> Mesh:
        """What stands beside the athlete, in the athlete's frame."""
        return Mesh.join([])

    def props(self, transforms: BoneTransforms, pulley: FloatArray) -> Mesh:
        """What moves with the athlete.

        Args:
            transforms: the bones.
            pulley: (3,) in the frame of the bones.
        """
        return Mesh.join([])


class Belt(Equipment):
    """A belt around the hips with the cable between the legs."""

    def __init__(self, athlete: Athlete) -> None:
        self.pulley = np.array([0.0, 0.0, 0.02])
        self._hips = [athlete.bone_index[f"thigh_{side}"] for side in "lr"]

    def handle(self, transforms: BoneTransforms) -> FloatArray:
        mean: FloatArray = transforms.heads[self._hips].mean(0)
        return mean


class LowBar(Equipment):
    """A straight bar held in both hands, on a low cable."""

    HALF_LENGTH = 0.42
    """Of the bar, m."""
    RADIUS = 0.015

    def __init__(self, athlete: Athlete) -> None:
        self.pulley = np.array([0.62, 0.0, 0.16])
        self._hands = [athlete.bone_index[f"hand_{side}"] for side in "lr"]
        self._grips = [grip_centre(athlete, side) for side in "lr"]

    def _fists(self, transforms: BoneTransforms) -> tuple[FloatArray, FloatArray]:
        left, right = (
            transforms.rotations[j] @ grip + transforms.offsets[j]
            for j, grip in zip(self._hands, self._grips, strict=True)
        )
        return left, right

    def handle(self, transforms: BoneTransforms) -> FloatArray:
        left, right = self._fists(transforms)
        middle: FloatArray = (left + right) / 2.0
        return middle

    def furniture(self) -> Mesh:
        steel, dark = (92.0, 86.0, 82.0), (54.0, 50.0, 48.0)
        x = float(self.pulley[0])
        return Mesh.join(
            [
                box((x + 0.16, 0.0, 0.05), (0.42, 0.62, 0.09), dark, 3),
                box((x + 0.30, 0.0, 0.95), (0.10, 0.16, 1.80), steel, 6),
                box((x + 0.13, 0.0, 0.17), (0.24, 0.05, 0.05), dark, 2),
                cylinder(
                    np.array([x, -0.014, 0.16]), np.array([x, 0.014, 0.16]), 0.055, (60.0, 60.0, 170.0), 14
                ),
            ]
        )

    def props(self, transforms: BoneTransforms, pulley: FloatArray) -> Mesh:
        left, right = self._fists(transforms)
        middle, along = (left + right) / 2.0, unit(left - right)
        chrome = (196.0, 196.0, 192.0)
        ends = middle - along * self.HALF_LENGTH, middle + along * self.HALF_LENGTH
        meshes = [
            cylinder(*ends, self.RADIUS, chrome, 8, 16),
            cylinder(middle, pulley, 0.004, (40.0, 40.0, 40.0), 4, 14),
        ]
        for end in ends:
            inner = end + 0.05 * unit(middle - end)
            meshes.append(cylinder(inner, end, 0.024, (40.0, 40.0, 44.0), 10))
        return Mesh.join(meshes)
