"""What is known of human proportions when a person has not been measured."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

STATURE_MEAN = 1.72
"""Adult stature, both sexes, m (NCD-RisC 2016, high-income countries; women 1.64, men 1.78)."""
STATURE_STD = 0.09
"""Standard deviation of `STATURE_MEAN` over both sexes, m."""

ANKLE_HEIGHT = 0.095
"""Height of the ankle joint centre over the floor in shoes, m (Winter: 0.039 H = 0.067, plus 2 to 3 cm of sole)."""

SEGMENT_MASS = {
    "head": 0.0694,
    "trunk": 0.4346,
    "upper_arm": 0.0271,
    "forearm": 0.0162,
    "hand": 0.0061,
    "thigh": 0.1416,
    "shank": 0.0433,
    "foot": 0.0137,
}
"""Share of body mass, males, limbs per side (de Leva 1996, table 4)."""


@dataclass(frozen=True)
class SegmentLengths:
    """Lengths between joint centres, m. Left and right are taken as equal."""

    pelvis: float
    """Between the hip joint centres."""
    trunk: float
    """Mid-hip to mid-shoulder."""
    shoulders: float
    """Between the shoulder joint centres."""
    thigh: float
    shank: float
    upper_arm: float
    forearm: float

    @staticmethod
    def from_stature(stature: float) -> SegmentLengths:
        """Population proportions (Winter, Biomechanics and Motor Control, fig. 4.1; trunk: 0.818 H - 0.530 H)."""
        return SegmentLengths(
            pelvis=0.11 * stature,
            trunk=0.288 * stature,
            shoulders=0.21 * stature,
            thigh=0.245 * stature,
            shank=0.246 * stature,
            upper_arm=0.172 * stature,
            forearm=0.146 * stature,
        )

    def as_array(self) -> FloatArray:
        """(7,) in the order of `LENGTH_NAMES`, m."""
        return np.array([getattr(self, name) for name in LENGTH_NAMES])

    @staticmethod
    def from_array(values: FloatArray) -> SegmentLengths:
        """The inverse of `as_array`."""
        return SegmentLengths(**dict(zip(LENGTH_NAMES, values.tolist(), strict=True)))


LENGTH_NAMES = tuple(f.name for f in fields(SegmentLengths))
"""Order of `SegmentLengths` in arrays."""

PROPORTION_STD = SegmentLengths(
    pelvis=0.07, trunk=0.04, shoulders=0.055, thigh=0.04, shank=0.04, upper_arm=0.04, forearm=0.04
)
"""Relative standard deviation of each length among people of the same stature.

The long ones vary by 3 to 4 % about their share of stature (ANSUR II, Gordon et al. 2014: buttock-knee length over stature
3.2 %, de Leva's men and women differ by up to 3 %), biacromial breadth by 5 %; the distance of the hip centres follows
no outer measure better than 7 % (Bell 1990 against Leardini 1999: 7 to 9 mm a side).
"""


@dataclass(frozen=True)
class Proportions:
    """Segment lengths with what is not known of them.

    Attributes:
        lengths: most probable, m.
        covariance: (7, 7) in the order of `LENGTH_NAMES`, m^2. All share the error of the stature.
    """

    lengths: SegmentLengths
    covariance: FloatArray

    @property
    def std(self) -> SegmentLengths:
        """Standard deviation of each length, m."""
        return SegmentLengths.from_array(np.sqrt(np.diag(self.covariance)))


def population(stature: float = STATURE_MEAN, stature_std: float = STATURE_STD) -> Proportions:
    """What is known of the lengths of somebody of whom only the stature is, or nothing at all.

    Args:
        stature: m. stature_std: its standard deviation, m; 0 for one that was measured exactly.
    """
    lengths = SegmentLengths.from_stature(stature)
    own: FloatArray = (PROPORTION_STD.as_array() * lengths.as_array()) ** 2
    shared = lengths.as_array() / stature * stature_std
    covariance: FloatArray = np.diag(own) + np.outer(shared, shared)
    return Proportions(lengths, covariance)
