"""What is known of human proportions when a person has not been measured."""

from __future__ import annotations

from dataclasses import dataclass

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
