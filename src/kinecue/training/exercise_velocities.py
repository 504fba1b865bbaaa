"""Mean velocity at the one-repetition maximum, by exercise: what the last repetition before failure comes near to.

`VERIFIED` figures were read in the abstract of the source when this was written; `MEMORY` figures are quoted from memory
and carry twice the published spread; `ANALOGY` takes a kindred exercise and carries at least 0.1 m/s. An exercise that is
not here has no figure: nothing is then said of its one-repetition maximum, and reserve only from the person's own sets.

Velocities of free weights and stacks, in metres of bar or handle. They do not hold for a handle on a pulley with another
ratio than 1, where the handle goes a different way from the hand, nor for the camera's progress.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Basis(Enum):
    """How far a figure can be trusted."""

    VERIFIED = "read in the source"
    MEMORY = "quoted from memory"
    ANALOGY = "of a kindred exercise"


@dataclass(frozen=True)
class MinimalVelocity:
    """Mean velocity at one repetition maximum.

    Attributes:
        velocity: m/s. std: between people, m/s, widened by `basis`.
        prediction_std: relative error of a one-repetition maximum that a load-velocity line gives in this
            exercise, on top of what the line's own points say.
        basis: how far the figure can be trusted.
        source: where it is from.
    """

    velocity: float
    std: float
    prediction_std: float
    basis: Basis
    source: str


_USUAL_PREDICTION = 0.04
"""Individual lines give the bench press's maximum to 2.7 to 3.7 % (mean absolute difference, six methods; IES 29, 2021,
doi 10.3233/IES-202247)."""
_POOR_PREDICTION = 0.10
"""Deadlift and free back squat: lines over- or underestimate (Ruf et al. 2018 and Lake et al. 2017, both
deadlift, in opposite directions; Banyard et al. 2017, back squat: not precise enough)."""

MINIMAL_VELOCITIES: dict[str, MinimalVelocity] = {
    "bench_press": MinimalVelocity(
        0.16,
        0.04,
        _USUAL_PREDICTION,
        Basis.VERIFIED,
        "Gonzalez-Badillo and Sanchez-Medina, Int J Sports Med 31, 2010, 347-352: 0.16 +- 0.04, 120 men, bench press",
    ),
    "cable_chest_press": MinimalVelocity(
        0.16,
        0.10,
        _POOR_PREDICTION,
        Basis.ANALOGY,
        "bench press, Gonzalez-Badillo and Sanchez-Medina 2010",
    ),
    "back_squat": MinimalVelocity(
        0.32,
        0.03,
        _POOR_PREDICTION,
        Basis.VERIFIED,
        "Sanchez-Medina et al., Sports Med Int Open 1, 2017, E80-E88: 0.32 +- 0.03, 80 men, full back squat",
    ),
    "squat": MinimalVelocity(
        0.32,
        0.06,
        _POOR_PREDICTION,
        Basis.VERIFIED,
        "Sanchez-Medina et al. 2017: 0.32 +- 0.03; half to full squats 0.29 to 0.33 +- 0.05 in "
        "Conceicao et al., J Sports Sci 34, 2016",
    ),
    "front_squat": MinimalVelocity(
        0.32, 0.10, _POOR_PREDICTION, Basis.ANALOGY, "back squat, Sanchez-Medina et al. 2017"
    ),
    "goblet_squat": MinimalVelocity(
        0.32, 0.10, _POOR_PREDICTION, Basis.ANALOGY, "back squat, Sanchez-Medina et al. 2017"
    ),
    "leg_press": MinimalVelocity(
        0.21,
        0.06,
        _USUAL_PREDICTION,
        Basis.VERIFIED,
        "Conceicao et al., J Sports Sci 34, 2016, 1099-1106: 0.21 +- 0.06 (mean propulsive)",
    ),
    "deadlift": MinimalVelocity(
        0.20,
        0.08,
        _POOR_PREDICTION,
        Basis.MEMORY,
        "0.14 (Helms et al. 2017) to 0.24 (Benavides-Ubric et al. 2020); within a person 15.7 % from test to test "
        "(Ruf et al., J Strength Cond Res 32, 2018, 681-689, read)",
    ),
    "overhead_press": MinimalVelocity(
        0.19,
        0.08,
        _USUAL_PREDICTION,
        Basis.MEMORY,
        "Balsalobre-Fernandez et al., Int J Sports Sci Coach 13, 2018, 743-750: 0.19 +- 0.04, seated military press",
    ),
    "pull_up": MinimalVelocity(
        0.23,
        0.08,
        _USUAL_PREDICTION,
        Basis.MEMORY,
        "0.20 (Sanchez-Moreno et al. 2017) to 0.26 (Munoz-Lopez et al. 2017); load is body mass and what hangs on it",
    ),
    "bench_pull": MinimalVelocity(
        0.50,
        0.12,
        _USUAL_PREDICTION,
        Basis.MEMORY,
        "Sanchez-Medina et al., Int J Sports Med 35, 2014, 209-216: 0.52 +- 0.06, prone bench pull",
    ),
    "cable_row": MinimalVelocity(
        0.45, 0.14, _POOR_PREDICTION, Basis.ANALOGY, "prone bench pull, Sanchez-Medina et al. 2014"
    ),
    "lat_pulldown": MinimalVelocity(
        0.45,
        0.14,
        _POOR_PREDICTION,
        Basis.ANALOGY,
        "prone bench pull, Sanchez-Medina et al. 2014; a pull-down ends faster than a pull-up",
    ),
}


def minimal_velocity(exercise: str) -> MinimalVelocity | None:
    """Of an exercise file's name; None where no figure is known."""
    return MINIMAL_VELOCITIES.get(exercise)
