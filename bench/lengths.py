"""Segment lengths of the quick calibration against those of the simulated athletes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import takes
from fitting import BenchError, person_of
from rich.table import Table
from takes import Take, TakeKey

from kinecue.body.anthropometry import LENGTH_NAMES
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark

_ENDS = {
    "pelvis": (("left_hip",), ("right_hip",)),
    "trunk": (("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")),
    "shoulders": (("left_shoulder",), ("right_shoulder",)),
    "thigh": (("left_hip",), ("left_knee",)),
    "shank": (("left_knee",), ("left_ankle",)),
    "upper_arm": (("left_shoulder",), ("left_elbow",)),
    "forearm": (("left_elbow",), ("left_wrist",)),
}
"""Each between the middles of these joints; athletes are alike on both sides."""


def true_lengths(take: Take) -> dict[str, float]:
    """Of the athlete, m."""
    result = {}
    for name, ends in _ENDS.items():
        a, b = (take.true_positions[:, BLAZEPOSE_33.indices(*map(Landmark, end))].mean(1) for end in ends)
        result[name] = float(np.linalg.norm(a - b, axis=1).mean())
    return result


def errors(athletes: Iterable[str]) -> dict[str, dict[str, dict[str, float]] | str]:
    """[athlete][length] {error, std}, per cent of the true length; or why there was no calibration."""
    result: dict[str, dict[str, dict[str, float]] | str] = {}
    for athlete in athletes:
        try:
            person = person_of(athlete)
        except BenchError as error:
            result[athlete] = str(error)
            continue
        true = true_lengths(takes.load(takes.path_of(TakeKey(takes.STANDING, athlete, "front"))))
        result[athlete] = {
            name: {
                "error": round(100.0 * (getattr(person.lengths, name) / true[name] - 1.0), 2),
                "std": round(100.0 * getattr(person.lengths_std, name) / true[name], 2),
            }
            for name in LENGTH_NAMES
        }
    return result


def table(found: dict[str, Any]) -> Table:
    """A line for each athlete."""
    result = Table(
        title="segment lengths of the quick calibration: error (stated standard deviation), per cent"
    )
    for name in ("athlete", *LENGTH_NAMES):
        result.add_column(name.replace("_", " "))
    for athlete, cells in found.items():
        if isinstance(cells, str):
            result.add_row(athlete, cells)
        else:
            result.add_row(athlete, *(f"{c['error']:+.1f} ({c['std']:.1f})" for c in cells.values()))
    return result
