"""Postures that a lifter can change, measured on a body: how far in front a load hangs, and how far the trunk leans."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kinecue.body import Body, Landmark, LandmarkState, Measurement, Reason, Validity
from kinecue.body.angles import body_axes
from kinecue.loads.danger import CORRECTIONS, Posture, PostureNow
from kinecue.loads.placement import Carry, carry_of
from kinecue.loads.results import GRAVITY, Dynamics, Joint, LoadPlace, LoadSide

FloatArray = NDArray[np.float64]

OVER_FOOT = 0.10
"""Where a bar belongs in a pull, ahead of the ankle joints, m: over the middle of the foot (NSCA). A shoe of 30 cm has its
middle 9 to 10 cm ahead of the ankle, and so has a bar that touches a shank that leans forward a little."""
REACH_TOLERANCE = 0.05
"""Of that, m: thick thighs, large plates and a bar that goes round the knees ask for 2 to 4 cm."""
REACH_ERROR = 0.02
"""Of the distance beside what the body says of itself, m: the bar is held beyond the wrist, feet turn out."""
FOOT_SHIFT = 0.06
"""How far an ankle may be seen from where it mostly is, in any direction, m: a foot on the floor trembles by 1 to 3 cm."""
_FEWEST = 12
_ANKLES = (Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE)
_WRISTS = (Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST)


def corrections_in(exercise: str) -> tuple[str, ...]:
    """Keys of the phrase book that a danger in this exercise may ask for."""
    carry = carry_of(exercise)
    judged = {Posture.REACH: carry.hangs, Posture.LEAN: carry.upright}
    return tuple(CORRECTIONS[posture][0] for posture, is_judged in judged.items() if is_judged)


def reach_of(body: Body) -> Measurement:
    """Horizontal distance of the hands in front of the ankles, in the direction that the hips face, m.

    Abstains where hips, both ankles or both wrists have no position. From in front the direction is the camera's depth,
    and the standard deviation says so.
    """
    needed = (Landmark.LEFT_HIP, Landmark.RIGHT_HIP, *_ANKLES, *_WRISTS)
    if any(mark not in body.topology for mark in needed):
        return Measurement.abstained(Reason.UNSUPPORTED)
    points = np.array([body.position(mark) for mark in needed])
    if not np.isfinite(points).all():
        return Measurement.abstained(Reason.OCCLUDED)
    _, forward = body_axes(points[0], points[1])
    if not np.isfinite(forward).all():
        return Measurement.abstained(Reason.UNCERTAIN)
    weights = np.repeat([-0.5, -0.5, 0.5, 0.5], 3) * np.tile(forward, 4)
    variance = float(weights @ body.covariance_of(*_ANKLES, *_WRISTS) @ weights)
    value = float((points[4:].mean(0) - points[2:4].mean(0)) @ forward)
    if not (math.isfinite(value) and math.isfinite(variance)):
        return Measurement.abstained(Reason.UNCERTAIN)
    observed = min(int(body.state(mark)) for mark in (*_ANKLES, *_WRISTS))
    validity = Validity.VALID if observed == 2 else Validity.INFERRED
    return Measurement(value, math.hypot(math.sqrt(max(variance, 0.0)), REACH_ERROR), validity)


def feet_stay(bodies: Sequence[Body]) -> bool:
    """Whether both feet were seen in one place over the last frames, as those of somebody who pulls a bar are.

    Plates hide feet, which are then seen elsewhere for a part of the lift: a distance from there would be wrong.
    """
    points = np.array(
        [[body.position(mark)[:2] for mark in _ANKLES] for body in bodies if _has(body, _ANKLES)]
    )
    if len(points) < _FEWEST or len(points) < 0.8 * len(bodies):
        return False
    return bool(np.abs(points - np.median(points, axis=0)).max() <= FOOT_SHIFT)


def _has(body: Body, marks: Sequence[Landmark]) -> bool:
    return all(mark in body.topology and body.state(mark) != LandmarkState.LOST for mark in marks)


def lean_saved(dynamics: Dynamics, carry: Carry, load_kg: float, excess: float) -> float:
    """What turning the trunk back by `excess` rad would take off the moment at L5/S1, N m for each radian.

    The upper body, and a bar on the shoulders, turn about L5/S1; a load that hangs from the hands stays where it is.
    NaN where L5/S1 or the upper body is not known.
    """
    joint, upper = dynamics.joint(Joint.L5S1), dynamics.upper
    if not joint.usable or upper is None or abs(excess) < 1e-6:
        return math.nan
    right = joint.flexion_axis.copy()
    right[2] = 0.0
    size = float(np.linalg.norm(right))
    if size < 0.2:
        return math.nan
    forward = np.array([-right[1], right[0], 0.0]) / size
    parts = [(upper.mass, upper.centre)]
    if carry.place is not LoadPlace.HANDS and load_kg > 0.0:
        # the shoulders: as far up the trunk as the distal frame's segment reaches beyond its centre of mass
        up = joint.distal[:, 1]
        along = float((upper.centre - joint.position) @ up)
        parts.append((load_kg, joint.position + up * _SHOULDERS_OVER_CENTRE * along))
    saved = 0.0
    for mass, centre in parts:
        way = centre - joint.position
        x, z = float(way @ forward), float(way[2])
        saved += mass * GRAVITY * (x - (x * math.cos(excess) - z * math.sin(excess)))
    return saved / excess


_SHOULDERS_OVER_CENTRE = 1.5
"""Height of a bar on the shoulders over L5/S1, in heights of the centre of mass of trunk, head and arms: 0.42 m over 0.28 m
in somebody of 1.75 m (Winter's proportions, de Leva's centres)."""


def postures_of(
    body: Body,
    dynamics: Dynamics,
    carry: Carry,
    load_kg: float,
    lean: Measurement | None = None,
    ideal: float = math.nan,
    tolerance: float = math.nan,
    feet_known: bool = True,
) -> tuple[PostureNow, ...]:
    """What this lifter could change in this frame.

    Args:
        body: of the frame.
        dynamics: of the same moment.
        carry: of the exercise.
        load_kg: NaN = not known.
        lean: of the trunk, with the personal `ideal` and `tolerance` of the exercise file (rad); None = not measured.
        feet_known: they have been seen in one place (`feet_stay`).
    """
    result = []
    # where body and load together would fall over, feet or hands are not where they are seen
    balanced = dynamics.ground(LoadSide.BOTH).usable
    if carry.hangs and math.isfinite(load_kg) and feet_known and balanced:
        reach = reach_of(body)
        if reach.usable:
            lever = load_kg * GRAVITY
            result.append(PostureNow(Posture.REACH, reach, OVER_FOOT, REACH_TOLERANCE, lever))
    if carry.upright and lean is not None and lean.usable:
        known = math.isfinite(ideal) and math.isfinite(tolerance)
        excess = lean.value - ideal if known else math.nan
        lever = lean_saved(dynamics, carry, load_kg, excess if known and excess > 0.05 else 0.15)
        if math.isfinite(lever):
            needed, slack = (ideal, tolerance) if known else (math.nan, 0.0)
            result.append(PostureNow(Posture.LEAN, lean, needed, slack, lever))
    return tuple(result)
