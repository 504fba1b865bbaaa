"""A body at many moments: what leads its limbs, and where its bones and joints are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.body.volume.skinning import Pose
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.hands import fist

FloatArray = NDArray[np.float64]
Controls = Mapping[str, ArrayLike]

SIDES = (("l", 1.0), ("r", -1.0))
"""Suffix of the bones and sign of the body's left axis, by side."""


@dataclass(frozen=True)
class ArmRig:
    """How an arm is led.

    Attributes:
        mode: ``free`` by its joint angles; ``grip`` the fist is around the point `hand`; ``palm`` the flat hand
            stands on it; ``forearm`` the elbow stands on it and the forearm lies along `pointing`.
        axis: (3,) of what is gripped, on the left side, from little finger to thumb; mirrored on the right.
        pole: (3,) where the elbow points, on the left side, in the frame of the thorax.
        pointing: (3,) where the fingers of a flat hand, or the forearm, point; left side.
        wrist: extension of a gripping hand against the forearm, rad.
    """

    mode: str = "free"
    axis: tuple[float, float, float] = (0.0, -1.0, 0.0)
    pole: tuple[float, float, float] = (-1.0, 0.3, -0.3)
    pointing: tuple[float, float, float] = (1.0, 0.0, 0.0)
    wrist: float = 0.0


@dataclass(frozen=True)
class Rig:
    """How the limbs are led.

    Attributes:
        arms: left and right.
        legs: left and right, ``planted`` or ``free``.
        base: (3, 3) or (N, 3, 3) orientation of the pelvis to which yaw, pitch and roll are applied first: lying
            bodies have one, so that small angles stay small.
    """

    arms: tuple[ArmRig, ArmRig] = (ArmRig(), ArmRig())
    legs: tuple[str, str] = ("planted", "planted")
    base: FloatArray = field(default_factory=lambda: np.eye(3))

    @staticmethod
    def both(arm: ArmRig, legs: str = "planted", base: FloatArray | None = None) -> Rig:
        """The same on both sides."""
        return Rig((arm, arm), (legs, legs), np.eye(3) if base is None else base)


@dataclass(frozen=True)
class Figure:
    """A body at N moments.

    Attributes:
        rotations: (N, 3, 3) by bone name, from the rest pose.
        points: (N, 3) by name: ``hip_l``, ``knee_l``, ``ankle_l``, ``heel_l``, ``ball_l``, ``toe_l``, ``front_l``
            (0.1 m ahead of the ankle along the sole), ``shoulder_l``, ``elbow_l``, ``wrist_l``, ``grip_l`` (middle
            of a bar in the fist), ``palm_l``, the same with ``_r``; ``neck``, ``head``, ``ears`` (middle between
            them); m.
        grip: (N, 2) how far the hands are closed.
        stretch: (N, 2) by ``arm`` and ``leg``: what a limb lacks to reach what it holds or stands on, m; 0 when it
            reaches.
    """

    rotations: dict[str, FloatArray]
    points: dict[str, FloatArray]
    grip: FloatArray
    stretch: dict[str, FloatArray]

    @property
    def mid_hip(self) -> FloatArray:
        """(N, 3)."""
        mean: FloatArray = (self.points["hip_l"] + self.points["hip_r"]) / 2.0
        return mean

    @property
    def mid_shoulder(self) -> FloatArray:
        """(N, 3)."""
        mean: FloatArray = (self.points["shoulder_l"] + self.points["shoulder_r"]) / 2.0
        return mean

    @property
    def settled(self) -> Figure:
        """The same body without what its limbs lack, which measures tell the solver about: for reading the truth."""
        return replace(self, stretch={limb: np.zeros_like(lack) for limb, lack in self.stretch.items()})

    def pair(self, name: str) -> FloatArray:
        """(N, 2, 3) a point on the left and on the right."""
        return np.stack([self.points[f"{name}_l"], self.points[f"{name}_r"]], 1)

    def middle(self, name: str) -> FloatArray:
        """(N, 3) middle between left and right."""
        mean: FloatArray = (self.points[f"{name}_l"] + self.points[f"{name}_r"]) / 2.0
        return mean

    def __len__(self) -> int:
        return len(self.grip)

    def pose(self, athlete: Athlete, n: int) -> Pose:
        """The posture at one moment, fingers and all."""
        rotations = {bone: r[n] for bone, r in self.rotations.items()}
        for column, (side, _) in enumerate(SIDES):
            hand = rotations[f"hand_{side}"]
            rotations.update(fist(athlete, side, hand, float(self.grip[n, column])))
        return Pose(self.mid_hip[n], rotations)


MIRRORED = frozenset(
    {
        "pelvis_y",
        "pelvis_yaw",
        "pelvis_roll",
        "spine_lateral",
        "spine_axial",
        "neck_lateral",
        "neck_axial",
    }
)
"""Controls whose sign changes in the mirror image."""


def mirrored(controls: Controls) -> dict[str, ArrayLike]:
    """The controls of the mirror image."""
    swapped: dict[str, ArrayLike] = {}
    for name, value in controls.items():
        if name.endswith(("_l", "_r")):
            name = name[:-1] + ("r" if name.endswith("l") else "l")
        swapped[name] = -np.asarray(value) if name in MIRRORED else value
    return swapped


def mirrored_rig(rig: Rig) -> Rig:
    """The rig of the mirror image."""
    flip = np.diag([1.0, -1.0, 1.0])
    return replace(rig, arms=rig.arms[::-1], legs=rig.legs[::-1], base=flip @ rig.base @ flip)


def mirrored_figure(figure: Figure) -> Figure:
    """The mirror image of a body."""
    flip = np.diag([1.0, -1.0, 1.0])

    def other(name: str) -> str:
        return name[:-1] + ("r" if name.endswith("l") else "l") if name.endswith(("_l", "_r")) else name

    return Figure(
        {other(bone): flip @ r @ flip for bone, r in figure.rotations.items()},
        {other(name): p @ flip for name, p in figure.points.items()},
        figure.grip[:, ::-1],
        {limb: lack[:, ::-1] for limb, lack in figure.stretch.items()},
    )
