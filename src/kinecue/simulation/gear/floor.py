"""What stands around for exercises on the floor and at the bar: a mat, a pull-up rack, a kettlebell."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.hands import grip_frame, palm_centre
from kinecue.simulation.gear.equipment import CHROME, STEEL, Equipment, Hands, Place, Weight
from kinecue.simulation.gear.free_weights import bell_radius
from kinecue.simulation.picture.solids import Colour, Mesh, box, cylinder, ellipsoid
from kinecue.simulation.rotations import cross, frame, unit

FloatArray = NDArray[np.float64]

MAT: Colour = (120.0, 96.0, 62.0)
IRON: Colour = (58.0, 56.0, 56.0)


class Mat(Equipment):
    """An exercise mat under the body; thin enough to stand for the floor."""

    def __init__(self, athlete: Athlete, start: float, end: float, width: float = 0.75) -> None:
        """A mat.

        Args:
            athlete: who lies on it.
            start, end: ends along x, m.
            width: m.
        """
        self._centre = ((start + end) / 2.0, 0.0, -0.004)
        self._size = (end - start, width * max(athlete.scale, 1.0), 0.006)

    def furniture(self) -> Mesh:
        return box(self._centre, self._size, MAT, 8)


class PullUpBar(Equipment):
    """A pull-up bar on a free-standing frame whose posts stand behind the athlete."""

    RADIUS = 0.015
    POSTS = -0.66
    """Behind the bar, m: out of the way of the heels, and not before the face."""

    def __init__(self, athlete: Athlete, height: float, hands: float) -> None:
        """A bar.

        Args:
            athlete: who hangs on it.
            height: of the bar's middle over the floor, m.
            hands: distance of a hand from the middle, m.
        """
        self.height = height
        self._half = max(hands + 0.16 * athlete.scale, 0.55)

    def furniture(self) -> Mesh:
        z, half, back = self.height, self._half, self.POSTS
        meshes = [cylinder(np.array([0.0, -half, z]), np.array([0.0, half, z]), self.RADIUS, CHROME, 10, 18)]
        for side in (-1.0, 1.0):
            y = side * half
            top = z + 0.05
            meshes += [
                box((back, y, top / 2.0), (0.07, 0.07, top), STEEL, 8),
                box((back / 2.0, y, z), (0.06 - back, 0.05, 0.06), STEEL, 5),
                box((back + 0.25, y, 0.03), (1.3, 0.08, 0.06), STEEL, 8),
                # a strut takes the load of the arm to the post
                cylinder(
                    np.array([back, y, z - 0.42]), np.array([back + 0.42, y, z - 0.02]), 0.02, STEEL, 6, 6
                ),
            ]
        meshes.append(box((back, 0.0, z), (0.06, 2.0 * half, 0.06), STEEL, 10))
        return Mesh.join(meshes)


class PressedKettlebell(Mat):
    """A kettlebell in the higher hand, resting on the back of the forearm; a mat under the lying body.

    Attributes:
        mass: kg.
        radius: of the bell, m.
    """

    HANDLE = 0.0165
    """Radius of the handle, m."""

    def __init__(self, athlete: Athlete, share: float) -> None:
        """A bell of whole kilograms.

        Args:
            athlete: who holds it.
            share: of the athlete's mass.
        """
        super().__init__(athlete, -1.05 * athlete.scale, 0.40 * athlete.scale, 1.0)
        self.mass = float(max(4, round(share * athlete.mass)))
        self.radius = bell_radius(self.mass)
        self._hands = Hands(athlete)
        self._frames = [grip_frame(athlete, side) for side in "lr"]
        self._palms = [
            float(np.sign((palm_centre(athlete, side) - athlete.head(f"hand_{side}")) @ frame[:, 2]))
            for side, frame in zip("lr", self._frames, strict=True)
        ]

    def _placed(self, transforms: BoneTransforms) -> tuple[int, FloatArray, FloatArray, FloatArray]:
        """The hand (0 left), its grip, and unit vectors along the handle and from it to the middle of the bell."""
        grips = self._hands.at(transforms)
        side = 0 if grips[0][2] >= grips[1][2] else 1
        knuckles, along, normal = (self._hands.turned(transforms)[side] @ self._frames[side]).T
        back = -self._palms[side] * normal
        return side, grips[side], knuckles, unit(0.93 * back - 0.37 * along)

    def weights(self, transforms: BoneTransforms) -> list[Weight]:
        side, grip, _, down = self._placed(transforms)
        return [Weight(self.mass, grip + down * (self.radius + 0.052), (f"grip_{'lr'[side]}",))]

    def props(self, transforms: BoneTransforms, place: Place) -> Mesh:
        _, grip, along, down = self._placed(transforms)
        centre = grip + down * (self.radius + 0.052)
        meshes = [ellipsoid(centre, self.radius * frame(along, cross(down, along)), IRON, 18, 12)]
        # the handle, and the horns that lead from it to the bell
        path = [(-0.75, 0.70), (-1.0, 0.35), (-0.62, 0.0), (0.62, 0.0), (1.0, 0.35), (0.75, 0.70)]
        corners = [grip + along * 0.085 * x + down * 0.085 * y for x, y in path]
        meshes += [cylinder(a, b, self.HANDLE, CHROME, 8, 2) for a, b in pairwise(corners)]
        return Mesh.join(meshes)
