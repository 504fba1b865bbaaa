"""A finished movement, measured from its samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kinecue.exercise.results import Phase, RepetitionReason, RepetitionStatus
from kinecue.exercise.smoothing import windowed_peak
from kinecue.exercise.structure import Progress

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
        held_s: of a held position; NaN for others.
        opened: it had begun before it was first seen: how long the way out took is not known.
        provisional: whether it counts is only known later (`PhaseUpdate.verdict`).
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
    held_s: float = math.nan
    provisional: bool = False
    opened: bool = False


@dataclass(frozen=True)
class PhaseUpdate:
    """The state after a frame.

    Attributes:
        phase, progress, speed: as in `FormState`.
        under_way: a movement has begun and not ended.
        began: time at which it began, when this frame is the first to know; else NaN.
        new_peak: the movement has never been this far.
        finished: movements that ended with this frame.
        stage: as in `FormState`.
        verdict: the provisional movements so far, those of this frame included, count or do not; None: not known yet.
        provisional: nobody has been seen in the start position: what is under way may be getting into position.
    """

    phase: Phase
    progress: float
    speed: float
    under_way: bool
    began: float = math.nan
    new_peak: bool = False
    finished: tuple[Movement, ...] = ()
    stage: str = ""
    verdict: bool | None = None
    provisional: bool = False

    @staticmethod
    def over(finished: tuple[Movement, ...], verdict: bool | None = None) -> PhaseUpdate:
        """Nothing is under way any more, and nothing is known of where the person is."""
        return PhaseUpdate(Phase.UNKNOWN, math.nan, math.nan, False, finished=finished, verdict=verdict)


def measure(
    samples: list[Sample],
    peak_at: float,
    status: RepetitionStatus,
    reason: RepetitionReason,
    progress: Progress,
    scale: float = 1.0,
    provisional: bool = False,
    opened: bool = False,
) -> Movement:
    """The movement made of `samples` (at least one) with the peak of filtered progress at time `peak_at`.

    Range and speeds are relative to `scale`, the person's own range over that of the file.
    """
    times = [s.t for s in samples]
    towards = 1.0 if progress.full > progress.start else -1.0
    mean, at = windowed_peak(times, [towards * s.value for s in samples], peak_at)
    at = max(at, 0)
    first, last = _pause(samples, at)
    peak = towards * mean
    speeds = [s.speed for s in samples]
    outward_s = math.nan if opened else times[first] - times[0]
    homeward_s = times[-1] - times[last]
    return Movement(
        status=status,
        reason=reason,
        start=times[0],
        bottom=times[at],
        end=times[-1],
        range=progress.fraction(peak) / scale,
        peak=peak,
        peak_std=samples[at].std,
        outward_s=outward_s,
        pause_s=times[last] - times[first],
        homeward_s=homeward_s,
        mean_speed=(
            (samples[first].progress - samples[0].progress) / outward_s / scale
            if outward_s > 0
            else math.nan,
            (samples[last].progress - samples[-1].progress) / homeward_s / scale
            if homeward_s > 0
            else math.nan,
        ),
        peak_speed=(max(speeds[: at + 1]) / scale, max(-s for s in speeds[at:]) / scale),
        provisional=provisional,
        opened=opened,
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
