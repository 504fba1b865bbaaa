"""Start position and the position during a repetition, from how people stood and moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kinecue.exercise.learning.recording import RATE, FloatArray
from kinecue.exercise.learning.repetition import Shown, place
from kinecue.exercise.results import Side

_LEAN_GUARD = math.radians(25.0)
"""Added on both sides to the leans that were shown: other people stand otherwise, and one camera is off by 5 degrees."""
_BEFORE = round(1.0 * RATE)
"""Frames before a repetition in which people stand, or sit, as they start."""
_FEET_GUARD_M = 0.15
"""Added to how far the feet moved; a step is longer."""


def conditions(shown: Sequence[Shown], std: FloatArray) -> dict[str, Any]:
    """The blocks `start_position` and `in_position`."""
    start: list[dict[str, Any]] = []
    during: list[dict[str, Any]] = []
    feet = [place("foot_shift", side) for side in (Side.LEFT, Side.RIGHT)]
    if np.isfinite(std[feet]).all():
        moved = [
            float(np.nanmax(item.values[:, feet]))
            for item in shown
            if np.isfinite(item.values[:, feet]).any()
        ]
        if len(moved) == len(shown):
            start.append({"feature": "foot_shift", "side": "each", "unit": "cm", "max": 15})
            most = math.ceil(100.0 * (max(moved) + _FEET_GUARD_M))
            during.append({"feature": "foot_shift", "side": "each", "unit": "cm", "max": float(most)})
    lean = place("trunk_lean", Side.NONE)
    if np.isfinite(std[lean]):
        standing = [value for item in shown for value in _before(item, lean)]
        moving = np.concatenate([item.values[:, lean] for item in shown])
        if (
            np.isfinite(standing).all()
            and np.isfinite(moving).all()
            and np.abs(moving).max() < math.radians(120)
        ):
            start.append(_between("trunk_lean", min(standing), max(standing)))
            during.append(_between("trunk_lean", float(moving.min()), float(moving.max())))
    return {
        "start_position": {"hold_s": 0.2, "conditions": start},
        "in_position": {"hold_s": 0.4, "conditions": during},
    }


def _before(item: Shown, column: int) -> tuple[float, float]:
    """Least and most of a feature in the last moments before a repetition and in its first frames."""
    values = item.tracks.absolute[max(item.span.first - _BEFORE, 0) : item.span.first + 5, column]
    values = values[np.isfinite(values)]
    if not len(values):
        return math.nan, math.nan
    return float(np.quantile(values, 0.1)), float(np.quantile(values, 0.9))


def _between(name: str, low: float, high: float) -> dict[str, Any]:
    return {
        "feature": name,
        "unit": "deg",
        "min": float(math.floor(math.degrees(low - _LEAN_GUARD))),
        "max": float(math.ceil(math.degrees(high + _LEAN_GUARD))),
    }
