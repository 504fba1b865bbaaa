"""What inverse dynamics returns. All vectors in the base frame (z up), SI units; stamps in nanoseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import NDArray

from kinecue.body.measurement import Reason, Validity

FloatArray = NDArray[np.float64]

GRAVITY = 9.80665
"""m/s2."""


class LoadSide(IntEnum):
    """Side of the body, the person's own. Values equal ``kinecue_msgs/JointAngle``."""

    NONE = 0
    LEFT = 1
    RIGHT = 2
    BOTH = 3


class ForceKind(str, Enum):
    """Where a force on the body comes from. Values equal ``kinecue_msgs/ExternalForce.kind``."""

    GROUND = "ground"
    CABLE = "cable"
    WEIGHT = "weight"


class Joint(str, Enum):
    """Joints whose moments are reported. Values equal ``kinecue_msgs/JointMoment.joint``."""

    ANKLE = "ankle"
    KNEE = "knee"
    HIP = "hip"
    L5S1 = "l5s1"
    SHOULDER = "shoulder"
    ELBOW = "elbow"


class LoadPlace(str, Enum):
    """Where a free weight is carried."""

    HANDS = "hands"
    """In the hands (bar, dumbbells, kettlebell, goblet): it moves with them."""
    BACK = "back"
    """A bar on the back of the shoulders."""
    FRONT = "front"
    """A bar on the front of the shoulders."""


class Hands(str, Enum):
    """What is known of the hands."""

    EMPTY = "empty"
    """They hold nothing but what is given as external."""
    UNKNOWN = "unknown"
    """They hold something, and its force is not known: what depends on it is abstained from (`Reason.NO_LOAD`)."""


def _nan3() -> FloatArray:
    return np.full(3, math.nan)


def _nan33() -> FloatArray:
    return np.full((3, 3), math.nan)


@dataclass(frozen=True)
class ExternalForce:
    """A force on the body from outside.

    Attributes:
        kind: where it comes from.
        side: `BOTH` for both feet, or both hands, together.
        position: (3,) where it acts (ground: centre of pressure), m; NaN if abstained.
        force: (3,) on the body, N; NaN if abstained.
        std: standard deviation of its magnitude (ground: of the vertical part), N.
        free_moment: (3,) moment beside the force at `position`, N m (ground: about the vertical).
        validity, reason: whether it may be used.
    """

    kind: ForceKind
    side: LoadSide
    position: FloatArray
    force: FloatArray
    std: float
    free_moment: FloatArray = field(default_factory=lambda: np.zeros(3))
    validity: Validity = Validity.VALID
    reason: Reason = Reason.NONE

    @staticmethod
    def abstained(kind: ForceKind, side: LoadSide, reason: Reason) -> ExternalForce:
        """No force, for `reason`."""
        return ExternalForce(
            kind, side, _nan3(), _nan3(), math.nan, _nan3(), validity=Validity.ABSTAINED, reason=reason
        )

    @property
    def usable(self) -> bool:
        """There is a force."""
        return self.validity != Validity.ABSTAINED


@dataclass(frozen=True)
class JointForce:
    """What the distal segment is given by the proximal one at a joint: net moment of muscles and ligaments, and force.

    Distal is away from the pelvis: shank at the knee, upper trunk at L5/S1 (which the pelvis gives), forearm at the
    elbow.

    Attributes:
        joint: which.
        side: `LEFT`, `RIGHT`; `NONE` for L5/S1.
        position: (3,) joint centre, m.
        moment: (3,) about the joint centre, N m.
        force: (3,) N; does not contain what muscles add to the pressure in the joint.
        extension: `moment` about the joint's flexion axis, N m; positive = extensors work (plantar flexors at the
        ankle,
            back extensors at L5/S1).
        std: standard deviation of `extension`, N m.
        moment_covariance: (3, 3) of `moment`, N2 m2.
        force_covariance: (3, 3) of `force`, N2.
        flexion: angle of the joint, rad: knee and elbow 0 straight, positive bent; NaN where landmarks do not know it.
        flexion_axis: (3,) unit vector; a positive turn about it extends the joint.
        proximal, distal: (3, 3) frames of the two segments, columns x forward, y up along the segment, z to the right.
        validity, reason: whether it may be used. If abstained all numbers are NaN.
    """

    joint: Joint
    side: LoadSide
    position: FloatArray
    moment: FloatArray
    force: FloatArray
    extension: float
    std: float
    moment_covariance: FloatArray = field(default_factory=lambda: np.zeros((3, 3)))
    force_covariance: FloatArray = field(default_factory=lambda: np.zeros((3, 3)))
    flexion: float = math.nan
    flexion_axis: FloatArray = field(default_factory=_nan3)
    proximal: FloatArray = field(default_factory=_nan33)
    distal: FloatArray = field(default_factory=_nan33)
    validity: Validity = Validity.VALID
    reason: Reason = Reason.NONE

    @staticmethod
    def abstained(joint: Joint, side: LoadSide, reason: Reason) -> JointForce:
        """No numbers, for `reason`."""
        return JointForce(
            joint,
            side,
            _nan3(),
            _nan3(),
            _nan3(),
            math.nan,
            math.nan,
            _nan33(),
            _nan33(),
            validity=Validity.ABSTAINED,
            reason=reason,
        )

    @property
    def usable(self) -> bool:
        """There are numbers."""
        return self.validity != Validity.ABSTAINED


@dataclass(frozen=True)
class UpperBody:
    """What rests on L5/S1: upper trunk, head and arms, without what is held.

    Attributes:
        mass: kg. mass_std: its standard deviation, kg.
        centre: (3,) of mass, m.
        held_kg: mass of free weights in the hands or on the shoulders, kg; 0 without, NaN not known.
    """

    mass: float
    mass_std: float
    centre: FloatArray
    held_kg: float


@dataclass(frozen=True)
class Dynamics:
    """Loads on one body at the moment of one frame.

    Attributes:
        stamp_ns: acquisition time of the frame that this describes: up to `BodyDynamics.lag_s` before the newest one.
        body_id: of that frame.
        mass, mass_std: of the body without loads, kg.
        centre: (3,) centre of mass of the body without loads, m. velocity: (3,) of it, m/s.
        acceleration: (3,) of it, m/s2. acceleration_std: (3,) its standard deviation, m/s2.
            All NaN where not every segment is seen.
        external: ground `BOTH`, `LEFT`, `RIGHT` always, in this order; then weights and cables.
        joints: each joint and side once, usable or abstained: see `joint`.
        upper: above L5/S1; None where it is not seen.
        residual_force, residual_moment: (3,) N and (3,) N m at the pelvis that the forces found leave over: 0 but for
            rounding where the ground is usable, NaN elsewhere.
    """

    stamp_ns: int
    body_id: str
    mass: float
    mass_std: float
    centre: FloatArray
    velocity: FloatArray
    acceleration: FloatArray
    acceleration_std: FloatArray
    external: tuple[ExternalForce, ...]
    joints: tuple[JointForce, ...]
    upper: UpperBody | None
    residual_force: FloatArray = field(default_factory=_nan3)
    residual_moment: FloatArray = field(default_factory=_nan3)

    def ground(self, side: LoadSide = LoadSide.BOTH) -> ExternalForce:
        """Ground reaction of a foot or, `BOTH`, of both together.

        Raises:
            KeyError: `side` is neither.
        """
        for item in self.external:
            if item.kind is ForceKind.GROUND and item.side is side:
                return item
        raise KeyError(f"no ground reaction of side {side!r}")

    def joint(self, joint: Joint, side: LoadSide = LoadSide.NONE) -> JointForce:
        """A joint of a side (`NONE` for L5/S1).

        Raises:
            KeyError: the joint has no such side.
        """
        for item in self.joints:
            if item.joint is joint and item.side is side:
                return item
        raise KeyError(f"no {joint.value} of side {side!r}")
