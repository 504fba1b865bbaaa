"""One `Repetition` of what the handle did, with the form that the camera saw of it where it did."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.results import (
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    RepetitionVelocity,
    Side,
)
from kinecue.training.encoder_repetitions import HandleRepetition
from kinecue.training.pairing import HandleMovement

_TURNING = 0.35
_TURNING_LEAST, _TURNING_MOST = 0.06, 1.0
"""Slower than this share of the fastest on the way out, within these limits in ranges a second, near the farthest point is
the turning point: as `kinecue.exercise.phases` has it, so that the pauses of both sensors mean the same."""
_NEAR = 0.3
"""Share of the way from the farthest point that may belong to the turn."""


def turn_of(part: HandleRepetition) -> tuple[float, float, float]:
    """Time of the way out, of the turn and of the way back, s."""
    epoch = int(part.times_ns[0]) if len(part.times_ns) else part.start_ns
    times = (part.times_ns - epoch) * 1e-9
    start, turn, end = ((at - epoch) * 1e-9 for at in (part.start_ns, part.turn_ns, part.end_ns))
    inside = (times >= start) & (times <= end)
    if part.range_m <= 0.0 or inside.sum() < 4:
        return turn - start, 0.0, end - turn
    speed = np.abs(np.nan_to_num(part.velocities_m_s)) / part.range_m
    out = inside & (times <= turn)
    fastest = float(speed[out].max(initial=0.0))
    limit = min(max(_TURNING * fastest, _TURNING_LEAST), _TURNING_MOST)
    middle = int(np.argmin(np.abs(times - turn)))
    far = float(part.positions_m[middle])
    slow = inside & (speed < limit) & (np.abs(part.positions_m - far) < _NEAR * part.range_m)
    first = last = middle
    while first > 0 and slow[first - 1]:
        first -= 1
    while last < len(times) - 1 and slow[last + 1]:
        last += 1
    leaves, returns = float(times[first]), float(times[last])
    return max(leaves - start, 0.0), returns - leaves, max(end - returns, 0.0)


def _tempo(movement: HandleMovement, eccentric_first: bool) -> tuple[float, float, float]:
    """Eccentric, pause, concentric, s; of two cables the mean."""
    out, pause, back = (
        float(np.mean(values)) for values in zip(*(turn_of(part) for part in movement.parts), strict=True)
    )
    return (out, pause, back) if eccentric_first else (back, pause, out)


def fused(
    seen: Repetition,
    movement: HandleMovement,
    status: RepetitionStatus,
    reason: RepetitionReason,
    velocity: RepetitionVelocity | None,
    way_m: float,
    eccentric_first: bool,
    clock_known: bool,
) -> Repetition:
    """What both saw: form from the camera, range, tempo and speed from the handle, not yet numbered.

    Args:
        seen: by the camera.
        movement: of the handle.
        status, reason: what it is.
        velocity: of the load.
        way_m: of the handle for progress 1, m; NaN while it is not known: range and speeds are then the camera's.
        eccentric_first: the way out of the start position lowers the load.
        clock_known: the handle's times are good enough to replace those of the frames.
    """
    valid = status is RepetitionStatus.VALID
    result = replace(
        seen,
        status=status,
        reason=reason,
        source="fused",
        velocity=velocity,
        d=seen.d if valid else math.nan,
        side=movement.side if movement.side in (Side.LEFT, Side.RIGHT) else seen.side,
    )
    if movement.valid:
        eccentric, pause, concentric = _tempo(movement, eccentric_first)
        result = replace(result, eccentric_s=eccentric, pause_s=pause, concentric_s=concentric)
        if clock_known:
            result = replace(
                result,
                start_ns=movement.start_ns,
                bottom_ns=movement.turn_ns,
                end_ns=movement.end_ns,
            )
    if way_m > 0.0:
        result = replace(result, range=movement.range_m / way_m)
        if velocity is not None:
            result = replace(result, mean_speed=velocity.mean / way_m, peak_speed=velocity.peak / way_m)
    return result


def alone(
    movement: HandleMovement,
    exercise: str,
    body_id: str,
    velocity: RepetitionVelocity | None,
    way_m: float,
    eccentric_first: bool,
    why: Reason,
) -> Repetition:
    """What only the handle shows, not yet numbered: there is no form and no D.

    Args:
        movement: of the handle.
        exercise, body_id: as far as known.
        velocity: of the load.
        way_m: of the handle for progress 1, m; NaN while it is not known.
        eccentric_first: the way out of the start position lowers the load.
        why: there is nothing of the body.
    """
    nan = math.nan
    eccentric, pause, concentric = _tempo(movement, eccentric_first)
    nothing = Measurement.abstained(why)
    known = way_m > 0.0
    return Repetition(
        number=0,
        status=movement.status,
        reason=movement.reason,
        body_id=body_id,
        exercise=exercise,
        start_ns=movement.start_ns,
        bottom_ns=movement.turn_ns,
        end_ns=movement.end_ns,
        range=movement.range_m / way_m if known else nan,
        feature="",
        feature_peak=nothing,
        unit="",
        eccentric_s=eccentric,
        pause_s=pause,
        concentric_s=concentric,
        mean_speed=velocity.mean / way_m if velocity is not None and known else nan,
        peak_speed=velocity.peak / way_m if velocity is not None and known else nan,
        asymmetry=nothing,
        d=nan,
        d_eccentric=nan,
        d_concentric=nan,
        source="encoder",
        side=movement.side,
        velocity=velocity,
    )
