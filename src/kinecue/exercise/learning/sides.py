"""Whether both sides do the same, and if not, how the side that leads is found."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kinecue.exercise.blocks import SidePolicy
from kinecue.exercise.features import FEATURES
from kinecue.exercise.learning.recording import FloatArray, columns
from kinecue.exercise.learning.repetition import place
from kinecue.exercise.results import Side

LIMBS = ("thigh", "shank", "upper_arm", "forearm")
MIDDLE = ("trunk_forward", "trunk_outward", "trunk_upward", "head_forward", "head_outward", "head_upward",
          "pelvis_turn", "pelvis_hike", "shoulders_turn", "shoulders_hike")  # fmt: skip
PAIRED = tuple(f"{limb}_{part}" for limb in LIMBS for part in ("forward", "outward", "upward"))
"""Features that each side has for itself."""

_ASYMMETRIC = 0.35
"""Difference of the sides over their sum from which on the sides do different things."""
_CLEAR = 4.0
"""The side that leads must differ by so many standard deviations of the measurement in nine of ten repetitions."""
_MARGIN = 0.2
"""Part of the usual difference that has to be seen before a side is believed to lead."""


def symmetric(values: Sequence[FloatArray]) -> bool:
    """Whether left and right do the same in most of the repetitions, (N, C) each."""
    scores = []
    left = [place(name, Side.LEFT) for name in PAIRED]
    right = [place(name, Side.RIGHT) for name in PAIRED]
    for frames in values:
        a, b = frames[:, left], frames[:, right]
        known = np.isfinite(a).all(axis=0) & np.isfinite(b).all(axis=0)
        if not known.any():
            continue
        a, b = a[:, known], b[:, known]
        both = float(np.linalg.norm(a)) + float(np.linalg.norm(b))
        scores.append(float(np.linalg.norm(a - b)) / max(both, 1e-9))
    return not scores or float(np.median(scores)) < _ASYMMETRIC


def difference(frames: FloatArray, name: str) -> FloatArray:
    """(N,) left minus right of a sided feature, or one that is positive to the left."""
    if FEATURES[name].sided:
        gap: FloatArray = frames[:, place(name, Side.LEFT)] - frames[:, place(name, Side.RIGHT)]
        return gap
    whole: FloatArray = frames[:, place(name, Side.NONE)]
    return whole


def leading_side(frames: FloatArray, name: str, picks: str = "larger", margin: float = 0.0) -> Side:
    """The side that leads a repetition: where left and right differ most."""
    gap = difference(frames, name)
    if not np.isfinite(gap).any():
        return Side.NONE
    most = float(gap[int(np.nanargmax(np.abs(gap)))])
    if abs(most) < margin:
        return Side.NONE
    return Side.LEFT if (most > 0.0) == (picks == "larger") else Side.RIGHT


def mirrored(values: FloatArray) -> FloatArray:
    """(..., C) features of the mirror image of a movement."""
    result = values.copy()
    for i, (name, side) in enumerate(columns()):
        if side is Side.LEFT:
            result[..., i] = values[..., place(name, Side.RIGHT)]
        elif side is Side.RIGHT:
            result[..., i] = values[..., place(name, Side.LEFT)]
        elif FEATURES[name].mirrored:
            result[..., i] = -values[..., i]
    return result


def find_leading(values: Sequence[FloatArray], std: FloatArray, progress: str) -> tuple[str, float] | None:
    """Feature and margin that tell the leading side, so that the repetitions, led by one side, are most alike.

    The progress feature is preferred where it tells; None if nothing tells in nine of ten repetitions.
    """
    wanted = [place(name, side) for name in PAIRED for side in (Side.LEFT, Side.RIGHT)]
    means = np.stack([frames[:, wanted].mean(axis=0) for frames in values])
    swapped = np.stack([mirrored(frames)[:, wanted].mean(axis=0) for frames in values])
    known = np.isfinite(means).all(axis=0)
    best: tuple[float, str, float] | None = None
    for name, item in FEATURES.items():
        if item.function is None or item.relative or not (item.sided or item.mirrored):
            continue
        here = place(name, Side.LEFT) if item.sided else place(name, Side.NONE)
        noise = float(std[here]) * (math.sqrt(2.0) if item.sided else 1.0)
        gaps = [difference(frames, name) for frames in values]
        if not np.isfinite(noise) or not all(np.isfinite(gap).all() for gap in gaps):
            continue
        most = np.array([np.abs(gap).max() for gap in gaps])
        usual = float(np.median(most))
        if np.quantile(most, 0.1) < _CLEAR * noise or np.quantile(most, 0.1) < 0.4 * usual:
            continue
        left = np.array([leading_side(frames, name) is Side.LEFT for frames in values])
        alike = np.where(left[:, None], means, swapped)[:, known]
        apart = float(alike.var(axis=0).sum()) * (0.8 if name == progress else 1.0)
        if best is None or apart < best[0] * 0.98:
            best = (apart, name, max(_MARGIN * usual, 2.0 * noise))
    return None if best is None else (best[1], best[2])


def as_if_left_led(frames: FloatArray, leading: Side) -> FloatArray:
    """(N, C) features, mirrored where the right side leads."""
    return mirrored(frames) if leading is Side.RIGHT else frames


def scored_terms(both_alike: bool) -> tuple[tuple[str, SidePolicy], ...]:
    """The features that a learned exercise is scored by, with the side policy that goes with its symmetry."""
    if both_alike:
        return (*((n, SidePolicy.EACH) for n in PAIRED), *((n, SidePolicy.LEFT) for n in MIDDLE))
    paired = ((n, policy) for n in PAIRED for policy in (SidePolicy.LEADING, SidePolicy.TRAILING))
    return (*paired, *((n, SidePolicy.LEADING) for n in MIDDLE))
