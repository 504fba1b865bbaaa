"""Compression and shear in the knee and behind the kneecap from the net moment and force at the knee.

The patellar tendon's force follows from the net extension moment M and what the hamstrings add against it,

    F_tendon = (M + F_hamstrings r_hamstrings) / r_tendon(flexion)
    compression     = N_axial + F_tendon cos a + F_hamstrings cos f
    anterior shear  = N_anterior + F_tendon sin a - F_hamstrings sin f
    patellofemoral  = | F_quadriceps along the thigh + F_tendon along the tendon |

along and across the shank, with a the tendon's angle to the shank (forward positive, falling with flexion), f the flexion,
and N the net force of the thigh on the shank. A positive anterior shear is what the anterior cruciate ligament holds, a
negative one the posterior. Hamstrings and quadriceps working at once cannot be seen: their share is an interval.
*verified*: the source, its abstract or a data set made from it was read for this; *from memory*: it was not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.loads.interval import Interval, Spreads, spread

FloatArray = NDArray[np.float64]

_DEGREES = 180.0 / math.pi
_ANGLES = np.radians([0.0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
_TENDON_ANGLE = np.radians(
    [20.6, 19.2, 15.9, 13.7, 11.6, 8.3, 5.0, 1.9, -1.9, -6.6, -9.7, -13.7, -17.3],
)  # fmt: skip
"""Patellar tendon against the shank's long axis, forward positive (van Eijden et al. 1985, fig. 3, as digitised in the
repository of Gurchiek's nms-dyn, verified there)."""
TENDON_ANGLE_STD = math.radians(5.0)
"""Among people; from memory (about 5 deg in cadavers and in images)."""
_RATIO_ANGLES = np.radians([0.0, 10.0, 70.0, 120.0])
_RATIO = np.array([0.86, 0.86, 1.55, 1.55])
"""Quadriceps over patellar tendon force: 0.86 at 10 deg to 1.55 at 70 (Buff et al. 1988, J Biomech 21:17; verified,
abstract); level beyond both."""
RATIO_STD = 0.10
TENDON_ARM_STD = 0.075
"""Spread of the arm among people, relative: 3 to 4 mm of 36 to 43 (J Bone Jt Surg Mashhad, article 16466, MRI; verified)."""
HAMSTRING_ARM = 0.033
"""Of the hamstrings (and gastrocnemius) about the knee, m: 2.5 to 5 cm, nearly level over flexion for biceps femoris (Visser
et al. 1990, Eur J Appl Physiol 61:453: level, verified; the size from memory)."""
HAMSTRING_ARM_STD = 0.20
COCONTRACTION = 0.15
"""Moment of the antagonists over the net moment: squats have 0 to 0.3 by electromyography (Escamilla 2001, Med Sci Sports
Exerc 33:127, reviews such; the figure from memory)."""
COCONTRACTION_STD = 0.09
FLEXION_STD = math.radians(6.0)
"""Of knee flexion with one camera: 5 to 10 deg."""

SOURCES = (
    "moment",
    "force",
    "tendon_arm",
    "tendon_fit",
    "tendon_angle",
    "hamstring_arm",
    "cocontraction",
    "ratio",
    "flexion",
)
"""Independent errors of `knee_load`, for `Spreads`."""


@dataclass(frozen=True)
class KneeNet:
    """What the thigh does to the shank at a knee, in the shank's sagittal plane.

    Attributes:
        extension: net moment, N m; positive when the extensors work.
        extension_std: its standard deviation, N m.
        axial: force of the thigh on the shank along it, towards the foot, N.
        anterior: the same across it, forwards, N.
        force_std: relative standard deviation of both.
        flexion: rad, 0 straight.
    """

    extension: float
    extension_std: float
    axial: float
    anterior: float
    force_std: float
    flexion: float


@dataclass(frozen=True)
class KneeLoad:
    """Loads of one knee, N.

    Attributes:
        compression: tibiofemoral, along the shank.
        shear: of the shank forwards against the thigh; negative = backwards.
        patellofemoral: pressure of the kneecap on the thigh.
    """

    compression: Interval
    shear: Interval
    patellofemoral: Interval


def tendon_arm(flexion: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lever arm of the patellar tendon about the knee, and how far published ones are apart, both (N,) m.

    Half way between two: a cubic of flexion for cadavers (Herzog and Read 1993, J Anat 182:213, from memory) and a line
    through magnetic resonance images of living knees (article 16466 of J Bone Jt Surg Mashhad, verified: 42.6, 39.9, 37.7,
    36.2 mm at 0, 20, 40, 60 deg), level beyond 60 deg, where nobody was measured.

    Args:
        flexion: (N,) rad.
    """
    x = np.clip(flexion, 0.0, math.radians(120.0)) * _DEGREES
    cadaver = 0.0471 + 4.20e-4 * x - 8.96e-6 * x**2 + 4.47e-8 * x**3
    living = 0.0422 - 1.06e-4 * np.minimum(x, 60.0)
    return (cadaver + living) / 2.0, np.abs(cadaver - living) / 2.0


def knee_load(net: KneeNet, spreads: Spreads | None = None) -> KneeLoad:
    """Loads in a knee with 90 % intervals.

    Beyond about 90 deg of flexion the quadriceps tendon itself rests on the thigh and takes part of the pressure, and calf
    and thigh touch beyond 120; both are left out and make the figures too large.

    Args:
        net: all finite.
        spreads: with `SOURCES`.

    Raises:
        ValueError: something is not finite, or a standard deviation is negative.
    """
    numbers = (net.extension, net.extension_std, net.axial, net.anterior, net.force_std, net.flexion)
    if not all(math.isfinite(v) for v in numbers) or min(net.extension_std, net.force_std) < 0.0:
        raise ValueError(f"KneeNet: all values must be finite and standard deviations 0 or more, got {net}")
    z = Spreads(*SOURCES) if spreads is None else spreads
    at = _forces(
        moment=net.extension + net.extension_std * z["moment"],
        force=1.0 + net.force_std * z["force"],
        flexion=np.maximum(net.flexion + FLEXION_STD * z["flexion"], 0.0),
        arm_scale=np.exp(TENDON_ARM_STD * z["tendon_arm"]),
        arm_fit=z["tendon_fit"],
        tendon_angle=TENDON_ANGLE_STD * z["tendon_angle"],
        hamstring=HAMSTRING_ARM * np.exp(HAMSTRING_ARM_STD * z["hamstring_arm"]),
        together=np.maximum(COCONTRACTION + COCONTRACTION_STD * z["cocontraction"], 0.0),
        ratio=np.exp(RATIO_STD * z["ratio"]),
        net=net,
    )
    one, none = np.ones(1), np.zeros(1)
    best = _forces(
        moment=net.extension * one,
        force=one,
        flexion=max(net.flexion, 0.0) * one,
        arm_scale=one,
        arm_fit=none,
        tendon_angle=none,
        hamstring=HAMSTRING_ARM * one,
        together=COCONTRACTION * one,
        ratio=one,
        net=net,
    )
    compression, shear, kneecap = (spread(float(b[0]), a) for a, b in zip(at, best, strict=True))
    return KneeLoad(compression, shear, kneecap)


def _forces(
    moment: FloatArray,
    force: FloatArray,
    flexion: FloatArray,
    arm_scale: FloatArray,
    arm_fit: FloatArray,
    tendon_angle: FloatArray,
    hamstring: FloatArray,
    together: FloatArray,
    ratio: FloatArray,
    net: KneeNet,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compression, anterior shear and pressure of the kneecap, (N,) N."""
    arm, apart = tendon_arm(flexion)
    arm = np.maximum(arm * arm_scale + apart * arm_fit, 0.015)
    both = together * np.abs(moment)
    tendon = (np.maximum(moment, 0.0) + both) / arm
    hamstrings = (np.maximum(-moment, 0.0) + both) / hamstring
    angle = np.interp(flexion, _ANGLES, _TENDON_ANGLE) + tendon_angle
    # the hamstrings run along the thigh, and wrap behind the shank's head once they would pull away from it
    behind = np.minimum(flexion, math.pi / 2.0)
    compression = force * net.axial + tendon * np.cos(angle) + hamstrings * np.cos(behind)
    shear = force * net.anterior + tendon * np.sin(angle) - hamstrings * np.sin(behind)
    quadriceps = tendon * np.interp(flexion, _RATIO_ANGLES, _RATIO) * ratio
    turn = flexion + angle
    kneecap = np.sqrt(np.maximum(quadriceps**2 + tendon**2 - 2.0 * quadriceps * tendon * np.cos(turn), 0.0))
    return compression, shear, kneecap
