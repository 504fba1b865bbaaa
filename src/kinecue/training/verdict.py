"""Which sensor is believed about a movement that both saw, or that only the handle made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import Repetition, RepetitionReason, RepetitionStatus, Side
from kinecue.training.body_trace import Watched
from kinecue.training.disagreement import MOVES, STILL, SURE, Disagreement
from kinecue.training.pairing import HandleMovement, together

_NEARLY = 0.95
"""Of the least range: two sensors differ by some per cent."""
_TOGETHER = 0.6
"""Of the time that either saw a movement, both did: less, and the handle's is not the whole of it."""
_AWAY = 0.5
"""Part of a movement for which the lifter was out of position."""
_VALID = RepetitionStatus.VALID
Verdict = tuple[RepetitionStatus, RepetitionReason]


@dataclass(frozen=True)
class Limits:
    """What the exercise asks for.

    Attributes:
        minimal: progress of the least range that counts.
        least_way: share of the handle's usual way below which that cannot have been reached. A joint turns before it lowers
            anything: at a share f of the angle a hip has gone down by at least f^2 of its way (1 - cos).
        both_hands: progress is that of both sides, so that one hand alone cannot reach it.
    """

    minimal: float = math.nan
    least_way: float = math.nan
    both_hands: bool = False

    @staticmethod
    def of(model: ExerciseModel | None) -> Limits:
        """Those of an exercise; none for one without repetitions."""
        if model is None or model.progress is None or model.kind != "repetitions":
            return Limits()
        progress = model.movement
        minimal = progress.fraction(progress.si(progress.minimal))
        return Limits(
            minimal,
            minimal**2 if progress.unit in ("deg", "rad") else minimal,
            progress.side in (SidePolicy.MEAN, SidePolicy.SMALLER),
        )


def of_both(
    seen: Repetition,
    moved: HandleMovement,
    camera_sound: bool,
    encoder_sound: bool,
    way_m: float,
    limits: Limits,
) -> Verdict:
    """What a movement is that both saw.

    Args:
        seen: by the camera.
        moved: by the handle.
        camera_sound, encoder_sound: saw it from begin to end without a break.
        way_m: of the handle for progress 1, m; NaN while that is not known.
        limits: of the exercise.
    """
    camera, encoder = (seen.status, seen.reason), (moved.status, moved.reason)
    if seen.status is _VALID and moved.valid:
        return camera
    if not camera_sound and not encoder_sound:
        return encoder if moved.valid else camera
    if not encoder_sound:
        return camera
    if not camera_sound:
        return encoder
    if seen.status is RepetitionStatus.SETUP:
        return camera  # where the body was no handle tells
    if moved.valid and limits.both_hands and moved.side in (Side.LEFT, Side.RIGHT):
        return encoder  # one hand, which moves the mean of both half as far
    if not way_m > 0.0:
        return camera
    if moved.range_m / way_m >= _NEARLY * limits.minimal:
        return _VALID, RepetitionReason.NONE
    short = moved.range_m / way_m < _NEARLY * limits.least_way
    if seen.status is _VALID and short and together(seen, moved) >= _TOGETHER:
        return RepetitionStatus.PARTIAL, RepetitionReason.RANGE_TOO_SMALL
    return camera


def of_handle(moved: HandleMovement, watched: Watched, proved: bool) -> Disagreement:
    """What it means that the handle made a repetition and the camera, which saw all of the time, did not.

    It counts (`CAMERA_MISSED`) unless the camera is sure that the lifter did not do it.

    Args:
        moved: by the handle.
        watched: by the camera meanwhile.
        proved: the camera knows what the lifter is doing: it saw a repetition since it lost sight of him last. Until
            then only a body that stands still speaks for somebody else.
    """
    if not proved:
        nobody = watched.farthest_m < STILL * moved.range_m
        return Disagreement.OTHER_PERSON if nobody else Disagreement.CAMERA_MISSED
    still = watched.excursion < MOVES and watched.progress_std < SURE
    if watched.out_of_position < _AWAY and not still:
        return Disagreement.CAMERA_MISSED
    if watched.farthest_m >= STILL * moved.range_m:
        return Disagreement.WRONG_EXERCISE
    return Disagreement.OTHER_PERSON
