"""By how much measured angles come later than the movement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from angle_errors import MAIN, Angles, difference
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_STEPS_S = np.arange(-0.1, 0.2001, 0.005)
_RANGE = np.radians(25.0)
"""Angles that move less than this do not tell."""


def lag_s(value: FloatArray, true: FloatArray, seconds: FloatArray) -> float:
    """The delay of the truth that fits the measurement best, NaN where nothing moves enough."""
    known = np.isfinite(value)
    if known.sum() < 20 or np.ptp(true[known]) < _RANGE:
        return float("nan")
    smooth = np.unwrap(true)
    spread = [
        float(difference(value, np.interp(seconds - step, seconds, smooth))[known].std()) for step in _STEPS_S
    ]
    return float(_STEPS_S[int(np.argmin(spread))])


def lags_ms(measured: Iterable[Angles]) -> dict[str, Any]:
    """[kind][view][joint] median over sets of the delay of the main angles, ms."""
    parts: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for item in measured:
        seconds = (item.stamps_ns - item.stamps_ns[0]) * 1e-9
        for i, (joint, _) in enumerate(item.columns):
            if joint in MAIN[item.key.exercise]:
                lag = lag_s(item.value[:, i], item.true[:, i], seconds)
                if np.isfinite(lag):
                    parts[item.kind, item.key.view, joint].append(1000.0 * lag)
    result: dict[str, Any] = {}
    for (kind, view, joint), values in parts.items():
        result.setdefault(kind, {}).setdefault(view, {})[joint] = round(float(np.median(values)), 1)
    return result
