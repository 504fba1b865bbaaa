"""Finding the repetitions in a recording of an exercise that nobody has described yet.

Every feature that could drive progress is tried; each has peaks that stand out from what is around them. Repetitions are
the largest group of peaks of about the same height, and the feature that shows them best is taken. What else moved
(walking in, picking up a bar, half a repetition) is left, and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks

from kinecue.exercise.learning.progress_signal import ProgressSignal, candidates, quality
from kinecue.exercise.learning.recording import RATE, FloatArray, LearningError, Tracks
from kinecue.exercise.learning.repetition import Span

_ALIKE = 0.6, 1.6
"""Heights of peaks, against the usual one, that may belong to repetitions of the same exercise."""
_OUT = 0.92
"""A movement has begun where this much of the way from its peak to its foot has been gone backwards."""
_MOVING = 0.15
"""Faster than this (heights per second) beyond that foot is still the same movement."""
_ONSET_S = 0.6
"""So much is looked at beyond the foot at the most."""
_PREPARED_S = 1.2
"""Somebody who gets up leans forward first: if people rest so shortly before the foot, the movement began there."""
_REST_S = 0.2
_RESTING = 0.04
"""A signal that stays within this share of the height for `_REST_S` rests."""
_CLOSEST_S = 0.4
"""Peaks closer together belong to one movement: nobody does two and a half repetitions a second."""
_SHORTEST_S = 0.4
_NEAR = 0.2
"""Share of the height within which the person counts as being at the foot, or at the peak."""
_TURNED = 0.85
"""Preference of a signal whose start position is not where people rest."""


@dataclass(frozen=True)
class Found:
    """What looks like a repetition.

    Attributes:
        track: number of the recording.
        span: frames from leaving the start position to the return.
        peak: frame of the turning point.
        height: of the peak over its feet, SI units of the signal.
    """

    track: int
    span: Span
    peak: int
    height: float


@dataclass(frozen=True)
class Left:
    """A movement that is not learned from, and why.

    Attributes:
        recording: its name.
        start_s, end_s: when.
        reason: for people.
    """

    recording: str
    start_s: float
    end_s: float
    reason: str


@dataclass(frozen=True)
class Segmentation:
    """Repetitions of all recordings under one progress signal."""

    signal: ProgressSignal
    found: tuple[Found, ...]
    left: tuple[Left, ...]


def segment(tracks: Sequence[Tracks], wanted: str | None = None) -> Segmentation:
    """Repetitions in recordings of one exercise.

    Args:
        tracks: the recordings.
        wanted: the feature that drives progress, if a person says so.

    Raises:
        LearningError: nothing moves out and back.
    """
    std = np.max([track.std for track in tracks], axis=0)
    rated: list[tuple[float, Segmentation]] = []
    for signal in candidates(std, wanted):
        peaks = [_peaks(signal.rising(track.absolute), i) for i, track in enumerate(tracks)]
        everything = [peak for found in peaks for peak in found]
        if not everything:
            continue
        usual = _usual([peak.height for peak in everything])
        taken = [p for p in everything if _ALIKE[0] * usual <= p.height <= _ALIKE[1] * usual]
        if not taken:
            continue
        values = [tracks[p.track].absolute[p.span.first : p.span.last + 1] for p in taken]
        score = quality(signal, values, std)
        if score <= 0.0:
            continue
        score *= np.sqrt(len(taken)) * _at_rest(signal, tracks, taken)
        left = [
            _left(tracks[p.track], p, usual) for p in everything if p not in taken and p.height > 0.25 * usual
        ]
        rated.append((float(score), Segmentation(signal, tuple(taken), tuple(left))))
    if not rated:
        what = f"{wanted} does not go" if wanted else "nothing goes"
        raise LearningError(
            f"{', '.join(track.name for track in tracks)}: {what} clearly out and back; show at least three "
            "repetitions, the whole body in view, starting and ending in the start position"
        )
    return max(rated, key=lambda item: item[0])[1]


def largest(signal: ProgressSignal, track: Tracks) -> Span:
    """The largest movement of a recording that holds one repetition; the whole recording if none stands out."""
    found = _peaks(signal.rising(track.absolute), 0)
    if not found:
        return Span(0, len(track.times) - 1)
    return max(found, key=lambda item: item.height).span


def _peaks(y: FloatArray, track: int) -> list[Found]:
    """Peaks of (T,) y, in each stretch without gaps."""
    found: list[Found] = []
    known = np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        part = y[low:high]
        if len(part) < 2 * _SHORTEST_S * RATE:
            continue
        places, info = find_peaks(
            part, prominence=0.15 * max(float(np.ptp(part)), 1e-9), distance=round(_CLOSEST_S * RATE)
        )
        for at, height in zip(places.tolist(), info["prominences"].tolist(), strict=True):
            first, last = _feet(part, at, height)
            if last - first >= _SHORTEST_S * RATE:
                found.append(
                    Found(track, Span(int(low) + first, int(low) + last), int(low) + at, float(height))
                )
    return found


def _feet(y: FloatArray, at: int, height: float) -> tuple[int, int]:
    level = y[at] - _OUT * height
    slow = _MOVING * height / RATE

    def foot(step: int, end: int) -> int:
        i = at
        while i != end and y[i] > level:
            i += step
        stop = max(0, min(len(y) - 1, i + step * round(_ONSET_S * RATE)))
        while i != stop and y[i] - y[i + step] > slow:
            i += step
        return _rest(y, i, step, height)

    return foot(-1, 0), foot(1, len(y) - 1)


def _rest(y: FloatArray, foot: int, step: int, height: float) -> int:
    """The nearest rest beyond a foot, or the foot itself if there is none soon or another movement comes first."""
    window = round(_REST_S * RATE)
    for i in range(foot, foot + step * round(_PREPARED_S * RATE), step):
        part = y[i : i + window] if step > 0 else y[max(i - window + 1, 0) : i + 1]
        if i < 0 or i >= len(y) or len(part) < window or y[i] > y[foot] + 0.5 * height:
            break
        if np.ptp(part) < _RESTING * height:
            return i
    return foot


def _usual(heights: Sequence[float]) -> float:
    """The height that most peaks have, the larger one of equals."""
    sizes = np.array(sorted(heights))
    counts = [((sizes >= _ALIKE[0] * h) & (sizes <= _ALIKE[1] * h)).sum() for h in sizes]
    most = float(sizes[len(counts) - 1 - int(np.argmax(counts[::-1]))])
    return float(np.median(sizes[(sizes >= _ALIKE[0] * most) & (sizes <= _ALIKE[1] * most)]))


def _at_rest(signal: ProgressSignal, tracks: Sequence[Tracks], taken: Sequence[Found]) -> float:
    """People rest in the start position, not at the turning point."""
    low = high = 0
    for found in taken:
        y = signal.rising(tracks[found.track].absolute)
        top = y[found.peak]
        low += int((y < top - (1.0 - _NEAR) * found.height).sum())
        high += int((y > top - _NEAR * found.height).sum())
    return 1.0 if low >= high else _TURNED


def _left(track: Tracks, found: Found, usual: float) -> Left:
    size = 100.0 * found.height / usual
    return Left(
        track.name,
        track.start_s + found.span.first / RATE,
        track.start_s + found.span.last / RATE,
        f"goes {size:.0f} % as far as the others",
    )
