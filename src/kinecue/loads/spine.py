"""Compression and shear at L5/S1 from the net moment and force: one equivalent extensor, and what is not known of it.

The muscles that balance the net moment press the spine together many times harder than the weight that they balance. With
one equivalent extensor of lever arm r whose pull is inclined backwards by the angle p against the disc's axis,

    F = M / r
    compression     = N_axial    + F cos p + antagonists
    anterior shear  = N_anterior - F sin p

where N is the net force of the upper body on the pelvis: its weight with everything that it carries, and its acceleration.
Where the numbers come from is at each of them; *verified* means that the source, or its abstract, was read for this, *from
memory* that it was not. Pressure in the abdomen gets no credit: the muscles that make it press on the spine about as much
as it relieves (McGill and Norman 1987, from memory). Twisting moments are left out: one camera does not measure them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.loads.interval import Interval, Spreads, spread

FloatArray = NDArray[np.float64]

EXTENSOR_ARM = {"male": 0.060, "female": 0.054, "": 0.057}
"""Lever arm of the equivalent extensor, m, by sex; empty = unknown.

6 cm: Cholewicki, McGill and Norman 1991, Med Sci Sports Exerc 23:1179 (verified, abstract). 5 cm is usual in ergonomics
and adds 20 % to every load (Guengoer 2013, dissertation, Auburn: "typically approximated using a fixed value", verified).
Women about a tenth less: Jorgensen et al. 2001, Clin Biomech 16:182 (that it differs: verified; by how much: from memory).
"""
EXTENSOR_ARM_STD = 0.10
"""Spread of that arm among people, relative (standard deviations of 5 to 7 mm over 60 in MRI studies; from memory)."""
POSTURE_ARM_STD = 0.08
"""Further spread, relative: a flexed lumbar spine shortens the arm by 10 to 20 % (Tveit et al. 1994, Spine 19:2548, from
memory), and how far it is flexed no landmark shows."""
FLEXOR_ARM = 0.10
"""Of the abdominal wall for moments that bend backwards, m; 8 to 11 cm in imaging studies, from memory."""
FLEXOR_ARM_STD = 0.15
LATERAL_ARM = 0.10
"""Of what balances a moment to one side (obliques, erector spinae), m: the slope of the polynomial of McGill, Norman and
Cholewicki 1996, Ergonomics 39:1107, at 50 N m is 9 N for each N m; from memory."""
LATERAL_ARM_STD = 0.20
INCLINATION = math.radians(5.0)
"""Of the pull against the disc's axis, backwards: Cholewicki 1991 (verified, for L4/L5)."""
INCLINATION_STD = math.radians(6.0)
"""At L5/S1, whose disc is inclined more, models do not even agree in the sign: in a detailed model of a deadlift with 68 kg
the muscles add to a shear of 4.2 kN (Int J Numer Method Biomed Eng 2023, 39:e3680; verified, abstract)."""
ANTAGONISTS = 0.10
"""Force of the abdominal muscles that brace against the extensors, over that of the extensors, along the spine: near none in
slow symmetric lifts of trained people to about a fifth (Granata and Marras 1995, J Biomech 28:1309; de Looze et al. 1999;
van Dieen and Kingma 2005; all from memory). It adds to compression; the extra extensor force that it asks for is in it."""
ANTAGONISTS_STD = 0.05
SACRAL_SLOPE = math.radians(40.0)
"""Of the L5/S1 disc's plane over the horizontal in upright standing, front edge down: 41 +- 8 deg (Vialle et al. 2005, J
Bone Joint Surg 87-A:260, from memory; Chaffin's model takes 40)."""
SACRAL_SLOPE_STD = math.radians(8.0)
PELVIS_SHARE = 0.70
"""Of the trunk's lean that the pelvis goes along with; the rest bends the lumbar spine. About half over the first 60 deg in
stooping, nearly all with a back held straight; a camera does not tell which."""
PELVIS_SHARE_STD = 0.15

SOURCES = (
    "moment", "force", "arm", "arm_posture", "flexor_arm", "lateral_arm", "inclination", "antagonists", "slope", "pelvis",
)  # fmt: skip
"""Independent errors of `spine_load`, for `Spreads`."""


@dataclass(frozen=True)
class SpineNet:
    """What the upper body does to the pelvis at L5/S1, in the person's sagittal plane.

    Attributes:
        extension: net moment, N m; positive when the extensors work against it.
        extension_std: standard deviation, N m: of posture, body mass and load together.
        down: force of the upper body on the pelvis, downwards, N: weight with what is carried, and acceleration.
        forward: the same, towards where the person faces, N.
        force_std: relative standard deviation of `down` and `forward`.
        lateral: net moment to the side, N m; its sign does not matter.
        lean: of the trunk from the vertical, forward positive, rad.
        lean_std: rad.
        sex: ``male``, ``female`` or empty.
    """

    extension: float
    extension_std: float
    down: float
    forward: float
    force_std: float
    lean: float
    lean_std: float = 0.0
    lateral: float = 0.0
    sex: str = ""


@dataclass(frozen=True)
class SpineLoad:
    """Compression (pressing together positive) and shear (upper body sliding forwards positive) at L5/S1, N."""

    compression: Interval
    shear: Interval


def spine_load(net: SpineNet, spreads: Spreads | None = None) -> SpineLoad:
    """Compression and shear at L5/S1 with 90 % intervals.

    Args:
        net: all finite.
        spreads: with `SOURCES`; shared where other loads of the same moment follow.

    Raises:
        ValueError: something is not finite, or a standard deviation is negative.
    """
    numbers = (net.extension, net.extension_std, net.down, net.forward, net.force_std)
    if not all(math.isfinite(v) for v in (*numbers, net.lean, net.lean_std, net.lateral)):
        raise ValueError(f"SpineNet: all values must be finite, got {net}")
    if min(net.extension_std, net.force_std, net.lean_std) < 0.0:
        raise ValueError(f"SpineNet: standard deviations must be 0 or more, got {net}")
    z = Spreads(*SOURCES) if spreads is None else spreads
    lean_std = math.hypot(PELVIS_SHARE * net.lean_std, SACRAL_SLOPE_STD)
    # arms are positive: log-normal, with the given relative spread
    at = _forces(
        extension=net.extension + net.extension_std * z["moment"],
        force=1.0 + net.force_std * z["force"],
        extensor=_extensor_arm(net.sex)
        * np.exp(EXTENSOR_ARM_STD * z["arm"] + POSTURE_ARM_STD * z["arm_posture"]),
        flexor=FLEXOR_ARM * np.exp(FLEXOR_ARM_STD * z["flexor_arm"]),
        lateral=LATERAL_ARM * np.exp(LATERAL_ARM_STD * z["lateral_arm"]),
        inclination=INCLINATION + INCLINATION_STD * z["inclination"],
        antagonists=np.maximum(ANTAGONISTS + ANTAGONISTS_STD * z["antagonists"], 0.0),
        slope=SACRAL_SLOPE
        + (PELVIS_SHARE + PELVIS_SHARE_STD * z["pelvis"]) * net.lean
        + lean_std * z["slope"],
        net=net,
    )
    one = np.ones(1)
    best = _forces(
        extension=net.extension * one,
        force=one,
        extensor=_extensor_arm(net.sex) * one,
        flexor=FLEXOR_ARM * one,
        lateral=LATERAL_ARM * one,
        inclination=INCLINATION * one,
        antagonists=ANTAGONISTS * one,
        slope=(SACRAL_SLOPE + PELVIS_SHARE * net.lean) * one,
        net=net,
    )
    return SpineLoad(spread(float(best[0][0]), at[0]), spread(float(best[1][0]), at[1]))


def _extensor_arm(sex: str) -> float:
    return EXTENSOR_ARM.get(sex, EXTENSOR_ARM[""])


def _forces(
    extension: FloatArray,
    force: FloatArray,
    extensor: FloatArray,
    flexor: FloatArray,
    lateral: FloatArray,
    inclination: FloatArray,
    antagonists: FloatArray,
    slope: FloatArray,
    net: SpineNet,
) -> tuple[FloatArray, FloatArray]:
    """Compression and anterior shear, (N,) N."""
    back = np.maximum(extension, 0.0) / extensor
    belly = np.maximum(-extension, 0.0) / flexor
    side = abs(net.lateral) / lateral
    # the disc's axis leans forward by the slope of its plane
    sin, cos = np.sin(slope), np.cos(slope)
    axial = force * (net.down * cos - net.forward * sin)
    anterior = force * (net.down * sin + net.forward * cos)
    compression = axial + back * (np.cos(inclination) + antagonists) + belly + side
    # muscles keep the spine together where the net force would pull it apart
    return np.maximum(compression, 0.0), anterior - back * np.sin(inclination)
