"""From recordings to an exercise file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.exercise_file import parse_exercise
from kinecue.exercise.learning.building import Names, build
from kinecue.exercise.learning.progress_signal import ProgressSignal
from kinecue.exercise.learning.recording import LearningError, Recording, Tracks
from kinecue.exercise.learning.repetition import Shown, measured
from kinecue.exercise.learning.segmentation import Left, Segmentation, segment
from kinecue.exercise.learning.selection import Selection, select
from kinecue.exercise.learning.sides import find_leading, leading_side, symmetric
from kinecue.exercise.learning.text import to_yaml
from kinecue.exercise.model import ExerciseModel


@dataclass(frozen=True)
class Learned:
    """A learned exercise.

    Attributes:
        model: as it reads back from `text`.
        text: of the exercise file.
        taken: repetitions that were learned from.
        left: movements that were not, and why.
    """

    model: ExerciseModel
    text: str
    taken: tuple[Shown, ...]
    left: tuple[Left, ...]


def learn_exercise(
    recordings: Sequence[Recording],
    names: Names,
    progress: str | None = None,
    load_direction: str | None = None,
) -> Learned:
    """Find the repetitions in recordings, keep those that are alike, and make an exercise of them.

    Args:
        recordings: of one or more people; more people make a model that fits strangers better.
        names: of the exercise.
        progress: feature that drives progress, if not the one that shows the movement best.
        load_direction: ``eccentric_first`` or ``concentric_first``; see `kinecue.exercise.learning.building.build`.

    Raises:
        LearningError: nothing to learn from, too few repetitions, or they disagree.
    """
    if not recordings:
        raise LearningError("no recordings to learn from")
    tracks = [Tracks(recording) for recording in recordings]
    segmentation = segment(tracks, progress)
    shown = _shown(tracks, segmentation)
    shown = _led(shown, segmentation.signal)
    selection = select(shown, segmentation.left)
    _all_contribute(tracks, selection)
    model = build(names, selection.taken, segmentation.signal, load_direction)
    text = to_yaml(model, selection.taken)
    return Learned(parse_exercise(text, f"{names.name}.yaml"), text, selection.taken, selection.left)


def _shown(tracks: Sequence[Tracks], segmentation: Segmentation) -> list[Shown]:
    signal, result = segmentation.signal, []
    ended = dict.fromkeys(range(len(tracks)), 0)
    for found in segmentation.found:
        track = tracks[found.track]
        values = measured(track, found.span, ended[found.track])
        result.append(Shown(track, found.span, values, signal.read(values), found.peak - found.span.first))
        ended[found.track] = found.span.last
    return result


def _all_contribute(tracks: Sequence[Tracks], selection: Selection) -> None:
    """A recording of which nothing is taken shows something else, and whoever gave it should know."""
    useful = {id(item.tracks) for item in selection.taken}
    for track in tracks:
        if id(track) not in useful:
            reasons = "; ".join(
                f"{x.start_s:.1f} to {x.end_s:.1f} s: {x.reason}"
                for x in selection.left
                if x.recording == track.name
            )
            raise LearningError(
                f"{track.name}: shows no repetition like those of the other recordings"
                + (f" ({reasons})" if reasons else "")
                + "; show one exercise at a time"
            )


def _led(shown: Sequence[Shown], signal: ProgressSignal) -> list[Shown]:
    """Fills in which side leads each, so that a left and a right lunge are alike."""
    whole = [item for item in shown if np.isfinite(item.signal).all()]
    if len(whole) < 2:
        return list(shown)
    values = [item.values for item in whole]
    if symmetric(values) and signal.policy is SidePolicy.MEAN:
        return list(shown)
    std = np.max([item.tracks.std for item in whole], axis=0)
    leading = find_leading(values, std, signal.name)
    if leading is None:
        return list(shown)
    return [replace(item, leading=leading_side(item.values, leading[0])) for item in shown]
