"""Which of the repetitions that were found are alike enough to be learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinecue.exercise.learning.courses import course
from kinecue.exercise.learning.recording import RATE, FloatArray, LearningError
from kinecue.exercise.learning.repetition import Shown, place
from kinecue.exercise.learning.segmentation import Left
from kinecue.exercise.learning.sides import MIDDLE, PAIRED, as_if_left_led
from kinecue.exercise.results import Side

_APART = 0.6
"""Distance from the usual course, share of how far the body moves in it, from which on it is another movement.

How far apart that is, is engineering judgement: strangers do a movement differently, other movements differ by more.
"""
_LONGER = 2.5
"""So many times longer, or shorter, than usual is no usual repetition."""
_AGREE = 0.6
"""If fewer than this share of the repetitions are alike, it is not known which of them are meant."""
LEAST = 3


@dataclass(frozen=True)
class Selection:
    """Repetitions to learn from, and the others with reasons."""

    taken: tuple[Shown, ...]
    left: tuple[Left, ...]


def select(shown: Sequence[Shown], left: Sequence[Left]) -> Selection:
    """Leave out what is not like the rest.

    Args:
        shown: repetitions that were found, the leading side of each filled in.
        left: movements that were left out before.

    Raises:
        LearningError: too few, or they disagree; the text says what was left out and why.
    """
    whole = [item for item in shown if np.isfinite(item.values[:, _places(item)]).all()]
    out = list(left)
    out += [_reason(item, "the body is not seen throughout") for item in shown if item not in whole]
    if len(whole) < LEAST:
        raise _too_few(len(whole), out)
    times = np.array([item.duration_s for item in whole])
    usual = float(np.median(times))
    distances = _distances(whole)
    taken = []
    for item, seconds, distance in zip(whole, times, distances, strict=True):
        if distance > _APART:
            out.append(
                _reason(
                    item, f"moves differently from the others ({100 * distance:.0f} % off the usual course)"
                )
            )
        elif not usual / _LONGER <= seconds <= usual * _LONGER:
            out.append(_reason(item, f"takes {seconds:.1f} s, the others {usual:.1f} s"))
        else:
            taken.append(item)
    if len(taken) < LEAST:
        raise _too_few(len(taken), out)
    if len(taken) < _AGREE * len(whole):
        raise LearningError(
            f"the repetitions disagree: only {len(taken)} of {len(whole)} are alike; show one exercise at a time"
            + _listed(out)
        )
    return Selection(tuple(taken), tuple(sorted(out, key=lambda item: (item.recording, item.start_s))))


def _too_few(count: int, left: Sequence[Left]) -> LearningError:
    return LearningError(
        f"{count} usable repetition{'' if count == 1 else 's'}; at least {LEAST} are needed that are alike"
        + _listed(left)
    )


def _listed(left: Sequence[Left]) -> str:
    return "".join(f"\n  {x.recording} {x.start_s:.1f} to {x.end_s:.1f} s: {x.reason}" for x in left[:20])


def _reason(item: Shown, text: str) -> Left:
    start = item.tracks.start_s
    return Left(item.tracks.name, start + item.span.first / RATE, start + item.span.last / RATE, text)


def _wanted() -> list[int]:
    return [place(name, side) for name in (*PAIRED, *MIDDLE) for side in (Side.LEFT, Side.RIGHT)]


def _places(item: Shown) -> list[int]:
    """Columns of the directions that this recording has."""
    return [i for i in _wanted() if np.isfinite(item.tracks.std[i])]


def _distances(shown: Sequence[Shown]) -> FloatArray:
    """(R,) distance of each from the repetition that is nearest to all, over how far that one goes."""
    common = [i for i in _wanted() if all(np.isfinite(item.tracks.std[i]) for item in shown)]
    if not common:
        raise LearningError("no segment of the body is seen in all of the recordings: show the whole body")
    fitted = []
    for item in shown:
        values = as_if_left_led(item.values, item.leading)[:, common]
        y = item.signal - item.signal[0]
        fitted.append(course(values, y / y[item.peak] if y[item.peak] else y, item.peak))
    stack = np.stack(fitted).reshape(len(fitted), -1)
    apart = np.linalg.norm(stack[:, None] - stack[None, :], axis=2)
    middle = int(np.argmin(np.median(apart, axis=1)))
    nearest = np.argsort(apart[middle])[: max(LEAST, (len(stack) + 1) // 2)]
    usual = np.median(stack[nearest], axis=0)
    result: FloatArray = np.linalg.norm(stack - usual, axis=1) / max(float(np.linalg.norm(usual)), 1e-9)
    return result


def with_leading(shown: Sequence[Shown], sides: Sequence[Side]) -> list[Shown]:
    """The same with the side that leads each."""
    return [replace(item, leading=side) for item, side in zip(shown, sides, strict=True)]
