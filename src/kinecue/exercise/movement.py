"""A finished movement, measured from its samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kinecue.exercise.model import Progress
from kinecue.exercise.results import RepetitionReason, RepetitionStatus
from kinecue.exercise.smoothing import windowed_peak

RESTING = 0.10
"""Slower than this (1/s) is standing still: a tenth of the range in a second."""
_SLOPE_S = 0.1
"""Half of the time over which the speed around a pause is taken."""


@dataclass(frozen=True)
class Sample:
    """One measurement of the progress feature inside a movement."""

    t: float
    progress: float
    speed: float
    value: float
    std: float


@dataclass(frozen=True)
class Movement:
    """A finished movement. Times in s on the machine's clock, as given to `RepetitionMachine.update`.

    Attributes:
        status, reason: what became of it.
        start, bottom, end: leaving the start position, turning point, return (or breaking off).
        range: peak of progress.
        peak, peak_std: the progress feature there, SI.
        outward_s, pause_s, homeward_s: tempo.
        mean_speed, peak_speed: of progress on the way out and on the way back, 1/s.
    """

    status: RepetitionStatus
    reason: RepetitionReason
    start: float
    bottom: float
    end: float
    range: float
    peak: float
    peak_std: float
    outward_s: float
    pause_s: float
    homeward_s: float
    mean_speed: tuple[float, float]
    peak_speed: tuple[float, float]


def measure(
    samples: list[Sample],
    peak_at: float,
    status: RepetitionStatus,
    reason: RepetitionReason,
    progress: Progress,
) -> Movement:
    """The movement made of `samples` (at least one) with the peak of filtered progress at time `peak_at`."""
    times = [s.t for s in samples]
    towards = 1.0 if progress.full > progress.start else -1.0
    mean, at = windowed_peak(times, [towards * s.value for s in samples], peak_at)
    at = max(at, 0)
    first, last = _pause(samples, at)
    peak = towards * mean
    speeds = [s.speed for s in samples]
    outward_s, homeward_s = times[first] - times[0], times[-1] - times[last]
    return Movement(
        status=status,
        reason=reason,
        start=times[0],
        bottom=times[at],
        end=times[-1],
        range=progress.fraction(peak),
        peak=peak,
        peak_std=samples[at].std,
        outward_s=outward_s,
        pause_s=times[last] - times[first],
        homeward_s=homeward_s,
        mean_speed=(
            (samples[first].progress - samples[0].progress) / outward_s if outward_s > 0 else math.nan,
            (samples[last].progress - samples[-1].progress) / homeward_s if homeward_s > 0 else math.nan,
        ),
        peak_speed=(max(speeds[: at + 1]), max(-s for s in speeds[at:])),
    )


def _pause(samples: list[Sample], at: int) -> tuple[int, int]:
    """First and last sample of the rest around the turning point `at`."""

    def resting(i: int) -> bool:
        low = high = i
        while low > 0 and samples[i].t - samples[low - 1].t <= _SLOPE_S:
            low -= 1
        while high < len(samples) - 1 and samples[high + 1].t - samples[i].t <= _SLOPE_S:
            high += 1
        span = samples[high].t - samples[low].t
        return span > 0.0 and abs(samples[high].progress - samples[low].progress) < RESTING * span

    first = last = at
    while first > 0 and resting(first - 1):
        first -= 1
    while last < len(samples) - 1 and resting(last + 1):
        last += 1
    return first, last
