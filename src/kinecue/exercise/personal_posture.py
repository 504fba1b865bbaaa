"""Postures that a build and an exercise ask for, over progress: the arithmetic behind `kinecue.exercise.ideal`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.anthropometry import ANKLE_HEIGHT
from kinecue.exercise.balance import (
    Carrying,
    Frame,
    balanced_lean,
    split_lean,
    thigh_tilt,
)
from kinecue.exercise.build import Build
from kinecue.exercise.personal_blocks import AngleKnot, BalanceBlock, LiftBlock, PersonalBlock, RangeRule
from kinecue.exercise.structure import Progress

FloatArray = NDArray[np.float64]

GRID: FloatArray = np.round(np.linspace(-0.5, 1.2, 18), 10)
"""Progress at which postures are solved; beyond both ends for those who go further."""
_START = int(np.argmin(np.abs(GRID)))
_FULL = int(np.argmin(np.abs(GRID - 1.0)))
_GRIP = 0.045
"""Middle of the grip from the wrist, over stature (as in `kinecue.exercise.balance`)."""


@dataclass(frozen=True)
class Postures:
    """What a build does.

    Attributes:
        features: (18,) rad at `GRID`, by the name of the feature.
        depth: knee flexion that can be asked for at the bottom, rad; infinite where nothing limits it.
        why: what limited it; empty if nothing did.
    """

    features: dict[str, FloatArray]
    depth: float = math.inf
    why: str = ""


def postures(
    block: PersonalBlock, progress: Progress, build: Build, leaning: FloatArray | None = None
) -> Postures | None:
    """What this build does in the exercise; None where the block does not say or no posture is possible.

    Args:
        block: of the file.
        progress: of the file.
        build: whose.
        leaning: (N,) the lean that the file has at `GRID`, for a split stance, which leaves a choice; rad.
    """
    if block.balance is not None and block.balance.stance == "split":
        return _split(block.balance, block.ranges, progress, build, leaning)
    if block.balance is not None:
        return _even(block.balance, block.ranges, progress, build)
    if block.lift is not None:
        return _lift(block.lift, build)
    return None


def range_cap(rules: Sequence[RangeRule], feature: str, build: Build) -> float:
    """What the calibrated ranges leave of a feature, SI; infinite where they say nothing."""
    found = math.inf
    for rule in rules:
        known = build.ranges.get(rule.joint)
        if rule.feature == feature and known is not None:
            found = min(found, rule.cap(known.value))
    return found


def _course(block: BalanceBlock, knots: Sequence[AngleKnot]) -> FloatArray:
    return np.interp(GRID, [knot.at for knot in knots], [block.si(knot.angle) for knot in knots])


def _knee(block: BalanceBlock, progress: Progress) -> FloatArray:
    if block.knee:
        return _course(block, block.knee)
    start, full = progress.si(progress.start), progress.si(progress.full)
    return np.maximum(start + GRID * (full - start), 0.0)


def _carrying(block: BalanceBlock, build: Build) -> Carrying:
    share = build.load_share(block.load_share) if block.load_share else 0.0
    return Carrying(block.load, share, block.arms, math.radians(block.legs_out_deg))


def _even(
    block: BalanceBlock, rules: Sequence[RangeRule], progress: Progress, build: Build
) -> Postures | None:
    carrying = _carrying(block, build)
    knee = _knee(block, progress)
    wanted = _course(block, block.shank)
    shank = np.minimum(wanted, range_cap(rules, "shank_tilt", build))
    lean = balanced_lean(build.frame, knee, shank, carrying, block.over_foot)
    if not np.isfinite(lean[_START]):
        return None
    thigh = thigh_tilt(knee, shank, carrying.legs_out)
    most = math.inf if block.lean_most is None else block.si(block.lean_most)
    hip_most = range_cap(rules, "hip_flexion", build)
    with np.errstate(invalid="ignore"):
        too_far = ~(lean <= most)
        too_bent = lean + thigh > hip_most
    depth, why = math.inf, ""
    blocked = (too_far | too_bent) & (GRID[_START] < GRID)
    if blocked[: _FULL + 1].any() and block.knee_least is not None:
        first = int(np.argmax(blocked))
        depth = max(float(knee[first - 1]), block.si(block.knee_least))
        if depth >= float(knee[_FULL]):
            depth = math.inf
        else:
            bound = "the range of the ankle" if (shank < wanted)[first] else "the build"
            why = "the range of the hip" if too_bent[first] and not too_far[first] else bound
    # past what is possible the posture stays as it was at the last place that is
    last = np.maximum.accumulate(np.where(np.isfinite(lean), np.arange(len(GRID)), 0))
    last = np.where(np.isfinite(lean[last]), last, _START)
    lean = np.minimum(lean[last], most)
    features = {
        "trunk_lean": lean,
        "trunk_swing": lean - lean[_START],
        "hip_flexion": lean + thigh,
        "shank_tilt": shank,
        "ankle_dorsiflexion": shank,
        "thigh_tilt": thigh,
        "knee_flexion": np.minimum(knee, depth),
    }
    return Postures(features, depth, why)


def _split(
    block: BalanceBlock,
    rules: Sequence[RangeRule],
    progress: Progress,
    build: Build,
    leaning: FloatArray | None,
) -> Postures | None:
    if leaning is None:
        return None
    carrying = _carrying(block, build)
    knee = _knee(block, progress)
    shank = np.minimum(_course(block, block.shank), range_cap(rules, "shank_tilt", build))
    low, high = block.over_base
    held = split_lean(build.frame, knee[_FULL], shank[_FULL], leaning[_FULL], carrying, block.step, low, high)
    if not math.isfinite(held):
        return None
    # the feet are where they will be only in the lower half of the movement
    share = np.clip((GRID - 0.5) / 0.5, 0.0, 1.0)
    lean = leaning + share * (held - leaning[_FULL])
    thigh = thigh_tilt(knee, shank, carrying.legs_out)
    features = {"trunk_lean": lean, "shank_tilt": shank, "ankle_dorsiflexion": shank, "thigh_tilt": thigh}
    features["hip_flexion"] = lean + thigh
    return Postures(features)


def _lift(block: LiftBlock, build: Build) -> Postures | None:
    solved = _at_floor(block, build.frame) if block.reach == "floor" else _below_knee(block, build.frame)
    if solved is None:
        return None
    knee, lean = solved
    shank = block.si(block.shank)
    # bodies that hold the bar low differ most there and are alike when they stand
    way = np.clip((block.away - GRID) / (block.away - block.at), 0.0, 1.2)
    share = way**2 if block.reach == "floor" else way
    return Postures(
        {
            "trunk_lean": share * lean,
            "knee_flexion": share * knee,
            "hip_flexion": share * (lean + knee - shank),
            "thigh_tilt": share * (knee - shank),
        }
    )


def _at_floor(block: LiftBlock, frame: Frame) -> tuple[float, float] | None:
    """Knee flexion and lean of a body whose straight arms hold a bar over the middle of the foot; None if out of reach."""
    lengths = frame.lengths
    shank, arms = block.si(block.shank), block.si(block.arms)
    reach = lengths.upper_arm + lengths.forearm + _GRIP * frame.stature
    knee = (lengths.shank * math.sin(shank), ANKLE_HEIGHT + lengths.shank * math.cos(shank))
    shoulder = (
        frame.over_foot(block.over_foot) - reach * math.sin(arms),
        block.bar_m + reach * math.cos(arms),
    )
    across, up = shoulder[0] - knee[0], shoulder[1] - knee[1]
    apart = math.hypot(across, up)
    if not abs(lengths.thigh - lengths.trunk) < apart < lengths.thigh + lengths.trunk:
        return None
    along = (lengths.thigh**2 - lengths.trunk**2 + apart**2) / (2.0 * apart)
    aside = math.sqrt(max(lengths.thigh**2 - along**2, 0.0))
    # of the two hips that fit, the one behind the line from knee to shoulder
    hips = [
        (
            knee[0] + (along * across - sign * aside * up) / apart,
            knee[1] + (along * up + sign * aside * across) / apart,
        )
        for sign in (1.0, -1.0)
    ]
    hip = min(hips)
    lean = math.atan2(shoulder[0] - hip[0], shoulder[1] - hip[1])
    thigh = math.atan2(knee[0] - hip[0], hip[1] - knee[1])
    return thigh + shank, lean


def _below_knee(block: LiftBlock, frame: Frame) -> tuple[float, float] | None:
    """The same for a bar under the knees of legs that are bent as the file says."""
    lengths = frame.lengths
    knee = block.si(block.knee or 0.0)
    reach = lengths.upper_arm + lengths.forearm + _GRIP * frame.stature
    rise = reach - block.under_knee * lengths.shank
    rise -= lengths.thigh * math.cos(knee - block.si(block.shank))
    if not 0.0 < rise / lengths.trunk < 1.0:
        return None
    return knee, math.acos(rise / lengths.trunk)
