"""Aligning two records of one movement that were stamped by two clocks.

The handle's position x and the camera's progress p are two views of one movement. What relates them is not known: sign,
scale, and a bend (an elbow's angle is no linear function of a handle's way). But it is a function: at the right offset
every position has one progress, on the way out and on the way back alike; at a wrong one the plot of p over x is a loop.
`refine` looks for the offset at which a cubic p = g(x) leaves the least. A bend shifts the peaks of the two speeds in
opposite directions on the way out and back, so that a plain correlation of speeds errs on a lift that is not lowered as
it was lifted; the loop does not. `acquire` finds the neighbourhood first: the correlation of both records over all offsets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.exercise.smoothing import OneEuro, SpikeFilter

FloatArray = NDArray[np.float64]

GRID_S = 0.05
"""Of the search over all offsets; it need not be finer than `refine` can reach."""
_STEP_S = 0.02
_COVERED = 0.7
"""Share of a movement that both have to have seen."""
_GAP_S = 0.25
"""Longer gaps are not bridged: a turning point may hide in them."""
_FEWEST = 8
_ENERGY = 0.6
"""Share of both records' movement that an offset has to explain."""
_AS_GOOD = 0.06
"""Offsets whose scores differ by less are told apart by when the data arrived."""


@dataclass(frozen=True)
class Alignment:
    """Two records on top of one another.

    Attributes:
        offset_s: camera time minus machine time, s.
        std_s: of the noise in both records, s.
        correlation: of p and g(x), 0 to 1.
        slope: mean change of progress per metre, with its sign, 1/m.
        loop_s: by how much time the way out and the way back would have to be moved against each other to explain what is
            left, s. What a posture or a network does differently on both ways shifts every repetition alike.
    """

    offset_s: float
    std_s: float
    correlation: float
    slope: float
    loop_s: float = 0.0


def at(times: FloatArray, values: FloatArray, wanted: FloatArray) -> FloatArray:
    """Values at other times, straight between neighbours; NaN in gaps longer than 0.25 s and beyond the ends."""
    result = np.interp(wanted, times, values)
    after = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    missing = (times[after] - times[after - 1] > _GAP_S) | (wanted < times[0]) | (wanted > times[-1])
    return np.where(missing, np.nan, result)


def acquire(
    camera_s: FloatArray,
    progress: FloatArray,
    machine_s: FloatArray,
    position_m: FloatArray,
    arrival_s: float,
) -> Alignment | None:
    """The offset at which both records fit best, to `GRID_S`; None where none does.

    Args:
        camera_s, progress: (N,) by the camera's clock, rising.
        machine_s, position_m: (M,) by the machine's clock, rising.
        arrival_s: offset if both had come at once; among equally good ones, that nearest to it is taken.
    """
    p, x = _on_grid(camera_s, progress), _on_grid(machine_s, position_m)
    if len(p) < 20 or len(x) < 20 or np.nanstd(x) < 1e-3 or np.nanstd(p) < 0.05:
        return None
    score, sign = _correlations(p, x)
    lags = np.arange(len(score)) - (len(x) - 1)
    offsets = camera_s[0] - machine_s[0] + lags * GRID_S
    peaks = np.flatnonzero((score[1:-1] >= score[:-2]) & (score[1:-1] >= score[2:])) + 1
    peaks = peaks[score[peaks] > 0.0]
    if len(peaks) == 0:
        return None
    best = float(score[peaks].max())
    good = peaks[score[peaks] >= best - _AS_GOOD]
    chosen = int(good[np.argmin(np.abs(offsets[good] - arrival_s))])
    return Alignment(float(offsets[chosen]), GRID_S, float(score[chosen]), float(sign[chosen]))


def _on_grid(times: FloatArray, values: FloatArray) -> FloatArray:
    count = int((times[-1] - times[0]) / GRID_S) + 1
    return at(times, values, times[0] + GRID_S * np.arange(count))


def _correlations(p: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(len(p) + len(x) - 1,) correlation over the common part of each lag, 0 where that is too little, and its sign."""
    known_p, known_x = np.isfinite(p).astype(np.float64), np.isfinite(x).astype(np.float64)
    p0 = np.where(known_p > 0, p - np.nanmean(p), 0.0)
    x0 = np.where(known_x > 0, (x - np.nanmean(x)) / np.nanstd(x), 0.0)

    def over(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.correlate(a, b, "full")

    n = np.maximum(over(known_p, known_x), 1.0)
    sum_p, sum_x = over(p0, known_x), over(known_p, x0)
    square_p, square_x = over(p0 * p0, known_x), over(known_p, x0 * x0)
    covariance = over(p0, x0) - sum_p * sum_x / n
    var_p, var_x = square_p - sum_p**2 / n, square_x - sum_x**2 / n
    enough = (square_p >= _ENERGY * (p0 @ p0)) & (square_x >= _ENERGY * (x0 @ x0))
    enough &= (var_p > 0.1 * square_p) & (var_x > 0.1 * square_x) & (n * GRID_S >= 1.0)
    correlation = np.where(enough, covariance / np.sqrt(np.maximum(var_p * var_x, 1e-12)), 0.0)
    explained = np.sqrt(np.minimum(square_p / (p0 @ p0), square_x / (x0 @ x0)))
    return np.abs(correlation) * explained, np.sign(correlation)


def refine(
    camera_s: FloatArray,
    progress: FloatArray,
    machine_s: FloatArray,
    position_m: FloatArray,
    around_s: float,
    within_s: float,
) -> Alignment | None:
    """The offset near a guess at which progress is a function of position; None where too little was seen or nothing fits.

    Args:
        camera_s, progress: (N,) a movement by the camera's clock, rising, finite.
        machine_s, position_m: (M,) the same by the machine's clock, with `within_s` to spare at both ends.
        around_s: the guess.
        within_s: to both sides of it.
    """
    if len(camera_s) < _FEWEST or len(machine_s) < _FEWEST:
        return None
    steps = np.arange(-within_s, within_s + 0.5 * _STEP_S, _STEP_S)
    usable = np.ones(len(camera_s), bool)
    moved = [at(machine_s, position_m, camera_s - around_s - step) for step in steps[[0, -1]]]
    for values in moved:
        usable &= np.isfinite(values)
    if usable.sum() < max(_FEWEST, _COVERED * len(camera_s)):
        return None
    times, p = camera_s[usable], progress[usable]
    total = float(((p - p.mean()) ** 2).sum())
    if total <= 0.0:
        return None
    left = np.array([_left(times - around_s - step, p, machine_s, position_m) for step in steps])
    k = int(np.argmin(left))
    if not 0 < k < len(steps) - 1:
        return None
    bend = left[k - 1] - 2.0 * left[k] + left[k + 1]
    if not bend > 0.0:
        return None
    shift = 0.5 * (left[k - 1] - left[k + 1]) / bend
    offset = around_s + float(steps[k] + shift * _STEP_S)
    x = np.interp(times - offset, machine_s, position_m)
    off = _residual(p, x)
    rest = float(off @ off)
    # neighbours err alike (smoothing, habits of the network): so many fewer errors are independent
    alike = float(off[:-1] @ off[1:]) / max(rest, 1e-12)
    alike = min(max(alike, 0.0), 0.95)
    variance = rest / max(len(p) - 5, 1)
    std = math.sqrt(2.0 * variance * _STEP_S**2 / bend * (1.0 + alike) / (1.0 - alike))
    slope = float(np.polyfit(x, p, 1)[0]) if np.ptp(x) > 1e-6 else 0.0
    loop = math.sqrt(2.0 * rest * _STEP_S**2 / bend)
    return Alignment(offset, std, math.sqrt(max(1.0 - rest / total, 0.0)), slope, loop)


def _left(wanted: FloatArray, p: FloatArray, machine_s: FloatArray, position_m: FloatArray) -> float:
    off = _residual(p, np.interp(wanted, machine_s, position_m))
    return float(off @ off)


def _design(x: FloatArray, points: int) -> FloatArray:
    span = float(np.ptp(x))
    u = (x - x.mean()) / (span if span > 1e-9 else 1.0)
    columns = [np.ones_like(u), u, u * u, u**3] if points >= 20 else [np.ones_like(u), u, u * u]
    return np.stack(columns, axis=1)


def _residual(p: FloatArray, x: FloatArray) -> FloatArray:
    """What the best function p = g(x) leaves."""
    design = _design(x, len(p))
    # a little ridge: where the handle stands still every function fits
    normal = design.T @ design + 1e-6 * len(p) * np.eye(design.shape[1])
    return np.asarray(p - design @ np.linalg.solve(normal, design.T @ p))


def smoothing_lag(
    camera_s: FloatArray, progress: FloatArray, machine_s: FloatArray, position_m: FloatArray, offset_s: float
) -> float:
    """By how much the scorer's own smoothing delays such a movement, s.

    The same filters are run over what progress would be without them. Their delay depends on speed and frame rate, so a
    constant would not do.
    """
    x = np.interp(camera_s - offset_s, machine_s, position_m)
    design = _design(x, len(x))
    normal = design.T @ design + 1e-6 * len(x) * np.eye(design.shape[1])
    ideal = design @ np.linalg.solve(normal, design.T @ progress)
    spikes, smooth = SpikeFilter(), OneEuro()
    steps = np.diff(camera_s, prepend=camera_s[0] - 1.0 / 30.0)
    delayed = np.array(
        [
            smooth.update(spikes.update(v, dt), dt)
            for v, dt in zip(ideal.tolist(), np.maximum(steps, 1e-3).tolist(), strict=True)
        ]
    )
    found = refine(camera_s, delayed, machine_s, position_m, offset_s + 0.04, 0.16)
    return min(max(found.offset_s - offset_s, 0.0), 0.15) if found else 0.04
