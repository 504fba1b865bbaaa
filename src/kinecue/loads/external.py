"""What pulls or weighs on the body besides the floor: cables, free weights, any known force at a hand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.loads.results import ForceKind, LoadPlace, LoadSide

FloatArray = NDArray[np.float64]

SPLIT_STD = 0.05
"""Share of a load on both hands that may be on one rather than the other: a bar's middle is between the hands within
2 to 3 cm of a grip of half a metre."""


@dataclass(frozen=True)
class HandForce:
    """A known force at one hand.

    Attributes:
        side: `LEFT` or `RIGHT`; `BOTH` is shared by the hands equally.
        force: (3,) on the hand, base frame, N.
        std: standard deviation of its magnitude, N.
        kind: what it is shown as.
        position: (3,) where it acts, m; None: the grip. With `BOTH` it must be None.
    """

    side: LoadSide
    force: FloatArray
    std: float = 0.0
    kind: ForceKind = ForceKind.CABLE
    position: FloatArray | None = None

    def __post_init__(self) -> None:
        _check_side("HandForce", self.side)
        _check_vector("HandForce.force", self.force)
        _check_amount("HandForce.std", self.std)
        if self.position is not None:
            _check_vector("HandForce.position", self.position)
            if self.side is LoadSide.BOTH:
                raise ValueError(
                    "HandForce.position: is one place, but side is BOTH; give each hand its own force"
                )


@dataclass(frozen=True)
class CablePull:
    """A cable from a pulley to a handle; it pulls the hand towards the pulley.

    The direction is that of the moment described, from the grip of the hand, or from the middle of both.

    Attributes:
        tension_n: N, 0 and up, at the stamp of the body it is given with. tension_std: its standard deviation, N.
        pulley_m: (3,) where the cable leaves the machine, base frame, m.
        side: `LEFT`, `RIGHT`, or `BOTH` hands at one handle.
    """

    tension_n: float
    pulley_m: FloatArray
    side: LoadSide = LoadSide.BOTH
    tension_std: float = 0.0

    def __post_init__(self) -> None:
        _check_side("CablePull", self.side)
        _check_amount("CablePull.tension_n", self.tension_n)
        _check_amount("CablePull.tension_std", self.tension_std)
        _check_vector("CablePull.pulley_m", self.pulley_m)


@dataclass(frozen=True)
class HeldMass:
    """A free weight that moves with the body: its weight and its inertia.

    Attributes:
        mass_kg: of all of it, kg. mass_std: its standard deviation, kg.
        place: where it is carried.
        side: `LEFT` or `RIGHT` for one in one hand, `BOTH` for a bar or two equal ones together; `BOTH` on the
        shoulders.
    """

    mass_kg: float
    place: LoadPlace = LoadPlace.HANDS
    side: LoadSide = LoadSide.BOTH
    mass_std: float = 0.0

    def __post_init__(self) -> None:
        _check_side("HeldMass", self.side)
        _check_amount("HeldMass.mass_kg", self.mass_kg)
        _check_amount("HeldMass.mass_std", self.mass_std)
        if self.place is not LoadPlace.HANDS and self.side is not LoadSide.BOTH:
            raise ValueError(
                f"HeldMass.side: a bar on the {self.place.value} is on both sides, got {self.side!r}"
            )


External = HandForce | CablePull | HeldMass
"""What `BodyDynamics.update` takes."""


@dataclass(frozen=True)
class Support:
    """What carries the body besides the feet.

    What rests on something of unknown force cannot be balanced: `seat` leaves the legs and the floor unknown, `trunk`
    (a back rest, or lying) also L5/S1, `hands` (push-up, hanging, leaning on something) everything, knees the legs.
    """

    feet: bool = True
    seat: bool = False
    trunk: bool = False
    hands: bool = False
    knees: bool = False

    @staticmethod
    def of_contacts(contacts: Iterable[str], back_rest: bool | None = None) -> Support:
        """From the contact points of a posture file (``config/postures``): names of landmarks, or ``hips``.

        Args:
            contacts: such as ``left_ankle``, ``hips``.
            back_rest: whether the trunk leans on something; None: not known, and taken to where there is a seat.
        """
        parts = {name.removeprefix("left_").removeprefix("right_") for name in contacts}
        seat = bool(parts & {"hip", "hips"})
        return Support(
            feet=bool(parts & {"ankle", "heel", "foot_index"}),
            seat=seat,
            trunk=bool(parts & {"shoulder"}) or (seat if back_rest is None else back_rest),
            hands=bool(parts & {"wrist", "elbow", "hand", "forearm"}),
            knees="knee" in parts,
        )


FEET_ONLY = Support()
"""Standing."""


def cable_direction(hand: FloatArray, pulley: FloatArray) -> FloatArray:
    """(3,) unit vector from hand to pulley; zero where they are in the same place (within 1 mm)."""
    way = np.asarray(pulley, dtype=np.float64) - hand
    length = float(np.sqrt(way @ way))
    result: FloatArray = way / length if length > 1e-3 else np.zeros(3)
    return result


def _check_side(name: str, side: LoadSide) -> None:
    if side is LoadSide.NONE:
        raise ValueError(f"{name}.side: is NONE, allowed: LEFT, RIGHT, BOTH")


def _check_amount(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0.0):
        raise ValueError(f"{name}: is {value}, allowed: finite, 0 and up")


def _check_vector(name: str, value: FloatArray) -> None:
    if np.shape(value) != (3,) or not np.isfinite(value).all():
        raise ValueError(f"{name}: expected 3 finite numbers, got {value!r}")
