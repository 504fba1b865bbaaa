"""Tempo of a movement as features that faults can be judged by (`judge: end`)."""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.features import FEATURES
from kinecue.exercise.movement import Movement

_RECENT_S = 4.0
"""A movement is only known to have begun a moment after it did; progress is remembered for this long before."""
_MOST_SAMPLES = 20_000
_SPEED_ERROR = 0.1
"""Share by which a peak speed errs: the filter lowers it, noise raises it."""


class TempoMeter:
    """Progress over time, from which the tempo of a finished movement follows."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_MOST_SAMPLES)

    def reset(self) -> None:
        """Another movement, or none."""
        self._samples.clear()

    def add(self, t: float, progress: float, under_way: bool) -> None:
        """A frame; what lies long before a movement is forgotten."""
        samples = self._samples
        if math.isfinite(progress):
            samples.append((t, progress))
        if not under_way:
            while samples and t - samples[0][0] > _RECENT_S:
                samples.popleft()

    def measure(self, movement: Movement, eccentric_first: bool) -> dict[str, Measurement]:
        """Every tempo feature by name, or why there is none.

        A time errs by its ends, each of which is found to a frame and to how slowly the movement begins; the `floor` of
        the feature stands for the latter.
        """
        inside = [(t, p) for t, p in self._samples if movement.start - 1e-6 <= t <= movement.end + 1e-6]
        if len(inside) < 3 or not movement.end > movement.start:
            return dict.fromkeys(TEMPO, Measurement.abstained(Reason.UNCERTAIN))
        frame_s = (inside[-1][0] - inside[0][0]) / (len(inside) - 1)
        outward, homeward = movement.outward_s, movement.homeward_s
        eccentric, concentric = (outward, homeward) if eccentric_first else (homeward, outward)
        there, back = movement.peak_speed
        mean_there, mean_back = movement.mean_speed
        both = eccentric + concentric
        values = {
            "eccentric_time": (eccentric, frame_s),
            "concentric_time": (concentric, frame_s),
            "pause_time": (movement.pause_s, frame_s),
            "repetition_time": (movement.end - movement.start, frame_s),
            "eccentric_share": (
                eccentric / both if both > 0.0 else math.nan,
                0.7 * frame_s / max(both, 1e-9),
            ),
            "eccentric_peak_speed": _speed(there if eccentric_first else back),
            "concentric_peak_speed": _speed(back if eccentric_first else there),
            "concentric_mean_speed": _speed(mean_back if eccentric_first else mean_there),
            "outward_first_third": (_first_third(inside, movement), frame_s / max(outward, 1e-9)),
        }
        return {name: _measured(name, *values[name]) for name in TEMPO}


TEMPO = tuple(name for name, item in FEATURES.items() if item.of_movement)
"""Names of the features that `TempoMeter` measures."""


def _speed(value: float) -> tuple[float, float]:
    return value, _SPEED_ERROR * abs(value)


def _measured(name: str, value: float, error: float) -> Measurement:
    if not math.isfinite(value):
        return Measurement.abstained(Reason.UNCERTAIN)
    return Measurement(value, math.hypot(FEATURES[name].floor, error))


def _first_third(samples: list[tuple[float, float]], movement: Movement) -> float:
    """Share of the time of the way out at which a third of the way was done."""
    turn = movement.start + movement.outward_s
    way = [(t, p) for t, p in samples if t <= turn + 1e-6]
    if len(way) < 4 or not movement.outward_s > 0.0:
        return math.nan
    third = way[0][1] + (way[-1][1] - way[0][1]) / 3.0
    for (before, low), (after, high) in pairwise(way):
        if low < third <= high:
            at = before + (third - low) / (high - low) * (after - before)
            return (at - movement.start) / movement.outward_s
    return math.nan
