"""How much a person who stands or holds still trembles in the measurement, beyond what truly moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import takes
from angle_errors import Angles, measure
from fitting import KINDS
from takes import TakeKey

_SETTLE_S = 0.4
"""Left out at the beginning."""
HOLDS = ("plank",)


def jitter(measured: Iterable[Angles]) -> dict[str, Any]:
    """[what][kind][view][joint] standard deviation of the error over a still stretch, degrees; median of the people."""
    parts: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for item in measured:
        still = _still(item)
        if still.sum() < 15:
            continue
        for i, (joint, _) in enumerate(item.columns):
            values = np.degrees(item.error[still, i])
            if np.isfinite(values).mean() > 0.5:
                parts[item.key.exercise, item.kind, item.key.view, joint].append(float(np.nanstd(values)))
    result: dict[str, Any] = {}
    for (what, kind, view, joint), values in parts.items():
        by_view = result.setdefault(what, {}).setdefault(kind, {}).setdefault(view, {})
        by_view[joint] = round(float(np.median(values)), 3)
    return result


def _still(item: Angles) -> np.ndarray[Any, np.dtype[np.bool_]]:
    seconds = (item.stamps_ns - item.stamps_ns[0]) * 1e-9
    held = item.bottom if item.key.exercise in HOLDS else np.ones(len(seconds), bool)
    result: np.ndarray[Any, np.dtype[np.bool_]] = held & (seconds >= _SETTLE_S)
    return result


def standing(keys: Iterable[TakeKey]) -> list[Angles]:
    """The standing takes, every way."""
    return [measure(key, kind) for key in keys if key.exercise == takes.STANDING for kind in KINDS]
