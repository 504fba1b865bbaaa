"""The block `excursions` of an exercise file: how far each feature travels in a repetition."""

from __future__ import annotations

from pydantic import Field

from kinecue.exercise.blocks import MeasuredBlock


class Excursion(MeasuredBlock):
    """How far a feature travels in a repetition, from its smallest value to its largest: a term of D of the repetition.

    The course of a feature says where it has to be; its excursion says how much it moves, whenever that is. Compared as
    ratios: half as far and twice as far are equally wrong.
    """

    weight: float = Field(gt=0.0, le=100.0)
    """Relative to the other excursions."""
    ideal: float = Field(ge=0.0)
    """Largest less smallest value."""
    noise: float = Field(gt=0.0)
    """Added to both before they are compared: a movement that is smaller than this is none."""
    factor: float = Field(gt=1.0, le=100.0)
    """So many times more, or less, is one tolerance."""
