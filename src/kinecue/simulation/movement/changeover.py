"""Changing sides between two repetitions while lying: the weight goes from hand to hand over the chest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.movement.blend import blend, pin_arm
from kinecue.simulation.movement.figure import SIDES, Figure
from kinecue.simulation.movement.set_plan import smooth

FloatArray = NDArray[np.float64]

_OVER_CHEST = 0.33
"""Where the hands meet: in front of the shoulders, m at the stock body's size."""
_APART = 0.055
"""Half of the distance between the wrists when the weight changes hands, m."""


def change_sides(athlete: Athlete, before: Figure, after: Figure, share: FloatArray) -> Figure:
    """The body on its way from the start position of one side to that of the other.

    Args:
        athlete: whose body.
        before, after: one moment each, lying.
        share: (N,) 0 to 1; between 0.4 and 0.6 the hands are together.
    """
    body = blend(athlete, before, after, smooth(share))
    together = (smooth(share / 0.4) * smooth((1.0 - share) / 0.4))[:, None]
    thorax = body.rotations["spine_03"]
    meeting = body.mid_shoulder + _OVER_CHEST * athlete.scale * thorax[:, :, 0]
    for side, sign in SIDES:
        own = meeting + sign * _APART * thorax[:, :, 1]
        wrist = body.points[f"wrist_{side}"] * (1.0 - together) + own * together
        body = pin_arm(athlete, body, side, wrist, body.rotations[f"hand_{side}"])
    return body
