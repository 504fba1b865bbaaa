"""Whose loads these are, from the best that is known: weighed, measured as a shape, or anybody of that size."""

from __future__ import annotations

import math

from kinecue.body.anthropometry import STATURE_MEAN
from kinecue.body.person import Person
from kinecue.loads.segments import LoadPerson

STORED_STD = 1.5
"""Of a body mass that somebody has told, kg: clothes, meals and weeks."""
BMI, BMI_STD = 25.0, 4.0
"""Of adults who train, kg/m2: near the mean of high-income countries, 25 to 27, whose spread is 4 to 5 (NCD-RisC 2016)."""
_WOMAN = 0.5


def mass_of(
    person: Person | None, given: float | None = None, shape: tuple[float, float, float] | None = None
) -> LoadPerson:
    """Mass and sex of a lifter.

    Args:
        person: stored; its mass may be unknown.
        given: body mass that somebody has told for now, kg; None = not told.
        shape: mass and its standard deviation (kg) and femininity (0 to 1) of the parametric body that fits; None = none.
    """
    stature = person.stature if person is not None else None
    sex = person.sex if person is not None else None
    if shape is not None and sex is None and math.isfinite(shape[2]) and abs(shape[2] - _WOMAN) > 0.3:
        sex = "female" if shape[2] > _WOMAN else "male"
    if given is not None:
        mass, std = given, STORED_STD
    elif person is not None and person.mass is not None:
        mass, std = person.mass, STORED_STD
    elif shape is not None and shape[0] > 0.0:
        mass, std = shape[0], max(shape[1], STORED_STD)
    else:
        height = STATURE_MEAN if stature is None else stature
        mass, std = BMI * height**2, BMI_STD * height**2
    return LoadPerson(mass, std, sex, stature=stature)
