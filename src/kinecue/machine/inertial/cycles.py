"""Repetitions from a sensor that is too slow, or turns too much, to be integrated: counts of what repeats itself.

At 8 Hz a lift has four to ten samples. The rhythm of a set is still plain: the samples are brought to a common grid, the
period is the first lag at which the movement resembles itself nearly best, and what is around that frequency is
counted by its turns. For a body that moves by a sine, position is acceleration turned over, so that a load's highest
points are the lowest of its vertical acceleration: one for each repetition that begins with a lift (stack, deadlift), as its
lowest points are for one that begins with lowering (squat, bench press). At the ends of a set there is no such turn, so
that neither moving into position nor the last return is counted. A hand's weight turns; of it the strongest movement of all
accelerations and rates is taken, whichever way round it turns more often.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, find_peaks, hilbert, sosfiltfilt

from kinecue.body.errors import ConfigError
from kinecue.machine.inertial.sample import InertialSample, Mount

Array = npt.NDArray[np.float64]

GRID_S = 0.1
"""Repetitions are slower than 1.3 Hz, so that 10 Hz hold all of them."""
SMOOTHING_S = 0.15
"""Standard deviation of the smoothing: half of its effect is at 1.2 Hz."""
DRIFT_S = 3.0
"""Standard deviation of what is taken off as posture: slower than repetitions."""
SHORTEST_S = 0.8
LONGEST_S = 12.0
"""Periods of repetitions, with their pauses."""
OUTLIER = 4.0
"""Times the usual size from which movement is cut off: setting down, knocks."""
QUIET_RATE = 0.1
"""rad/s: below it a gyroscope tells nothing of repetitions (a stack never turns)."""
BAND = (0.6, 1.5)
"""Of the repetition's frequency: lifters slow down by up to 40 %, and twice the frequency is left out."""
LEAST_LIKENESS = 0.1
"""Self-likeness at the period below which nothing repeats itself."""
KEPT_S = 300.0
LOOK_S = 1.0
SETTLED = 1.0
"""Periods after a turn when it is told: the filter sees that far ahead."""
STEADY_LOOKS = 3
"""Looks at which the period has to be the same (to a fifth) before anything is told: what is told cannot be taken back."""
FEWEST_TURNS = 3
SAME_PERIOD = 0.2
NEAREST = 0.6
"""Periods between turns that are told one after the other: later looks move a turn a little."""


class TurnSide(str, Enum):
    """Which turn of the load marks a repetition."""

    TOP = "top"
    BOTTOM = "bottom"
    EITHER = "either"
    """Whichever there is more of; for a weight that turns with a hand."""


@dataclass(frozen=True)
class CycleSettings:
    """How cycles are counted.

    Attributes:
        mount: what the sensor is fixed to; a handle is not reduced to its vertical movement.
        load_direction: ``concentric_first`` or ``eccentric_first``, of the exercise file.
        likeness: share of the best self-likeness that the first lag has to have for its being the period, 0 to 1.
        height: share of the usual amplitude that a turn has to have, 0 to 1.

    Raises:
        ConfigError: for values out of bounds.
    """

    mount: Mount = Mount.STACK
    load_direction: str = "concentric_first"
    likeness: float = 0.6
    height: float = 0.5

    def __post_init__(self) -> None:
        if self.load_direction not in ("concentric_first", "eccentric_first"):
            allowed = "concentric_first, eccentric_first"
            raise ConfigError(
                "inertial sensor", "load_direction", f"is {self.load_direction!r}, allowed: {allowed}"
            )
        for name in ("likeness", "height"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ConfigError(
                    "inertial sensor", name, f"is {getattr(self, name)}, allowed: between 0 and 1"
                )

    @property
    def side(self) -> TurnSide:
        """The turn that marks a repetition."""
        if self.mount == Mount.HANDLE:
            return TurnSide.EITHER
        return TurnSide.TOP if self.load_direction == "concentric_first" else TurnSide.BOTTOM


@dataclass(frozen=True)
class Cycles:
    """What repeats itself in a stretch of samples.

    Attributes:
        turns_s: (R,) one moment for each repetition, s from the first sample.
        period_s: NaN when nothing repeats itself.
        likeness: self-likeness at the period, -1 to 1.
    """

    turns_s: Array
    period_s: float
    likeness: float

    @staticmethod
    def none(likeness: float = 0.0) -> Cycles:
        """Nothing repeats itself."""
        return Cycles(np.zeros(0), math.nan, likeness)


def count_cycles(
    times_s: Array, acceleration: Array, rate: Array | None, settings: CycleSettings | None = None
) -> Cycles:
    """Repetitions in a whole set.

    Args:
        times_s: (N,) rising.
        acceleration: (N, 3) specific force in the sensor's frame, m/s^2.
        rate: (N, 3) rad/s, or None without a gyroscope.
        settings: how to count.
    """
    settings = settings or CycleSettings()
    if len(times_s) < 2 or times_s[-1] - times_s[0] < 2.0 * SHORTEST_S:
        return Cycles.none()
    grid = np.arange(times_s[0], times_s[-1], GRID_S)
    force = _on(grid, times_s, acceleration)
    movement = _features(force, None if rate is None else _on(grid, times_s, rate))
    lag, likeness = _period(movement, settings.likeness)
    if lag is None:
        return Cycles.none(likeness)
    turns = _turns(movement, force, lag, settings)
    return Cycles(turns * GRID_S + (grid[0] - times_s[0]), lag * GRID_S, likeness)


def _on(grid: Array, times: Array, values: Array) -> Array:
    return np.stack([np.interp(grid, times, values[:, axis]) for axis in range(3)], 1)


def _features(force: Array, rate: Array | None) -> Array:
    """(N, 3 or 6) accelerations, and rates where they tell something, in units of their usual size."""
    smooth = _smoothed(force - _smoothed(force, DRIFT_S), SMOOTHING_S)
    parts = [_scaled(smooth)]
    if rate is not None:
        turning = _smoothed(rate, SMOOTHING_S)
        if _size(turning) > QUIET_RATE:
            parts.append(_scaled(turning))
    return np.concatenate(parts, 1)


def _size(values: Array) -> float:
    """Root of the mean square, from the median: of a sine they are the same, a knock does not change it."""
    return float(np.sqrt(2.0 * np.median(np.sum(values**2, 1))))


def _scaled(values: Array) -> Array:
    return np.clip(values / max(_size(values), 1e-6), -OUTLIER, OUTLIER)


def _smoothed(values: Array, std_s: float) -> Array:
    std = std_s / GRID_S
    n = math.ceil(4.0 * std)
    kernel = np.exp(-0.5 * (np.arange(-n, n + 1) / std) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((n, n), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in range(values.shape[1])], 1)


def _period(movement: Array, share: float) -> tuple[int | None, float]:
    """Lag of a repetition in grid steps and the likeness there."""
    n = len(movement)
    lags = min(round(LONGEST_S / GRID_S), n // 2)
    likeness = np.zeros(max(lags, 1))
    for lag in range(lags):
        early, late = movement[: n - lag], movement[lag:]
        scale = math.sqrt(float(np.sum(early**2)) * float(np.sum(late**2)))
        likeness[lag] = float(np.sum(early * late)) / scale if scale > 0.0 else 0.0
    peaks, _ = find_peaks(likeness)
    peaks = peaks[peaks * GRID_S >= SHORTEST_S - 1e-9]
    if not len(peaks):
        return None, 0.0
    best = float(likeness[peaks].max())
    if best < LEAST_LIKENESS:
        return None, best
    lag = int(peaks[likeness[peaks] >= share * best][0])
    return lag, float(likeness[lag])


def _turns(movement: Array, force: Array, lag: int, settings: CycleSettings) -> Array:
    """(R,) grid steps of the turns that mark repetitions."""
    nyquist = 0.5 * lag
    low, high = BAND[0] / nyquist, min(BAND[1] / nyquist, 0.95)
    band = butter(2, [low, high], "band", output="sos")
    wave = sosfiltfilt(band, movement, axis=0, padlen=min(len(movement) - 1, 3 * lag))
    if settings.side == TurnSide.EITHER:
        _, _, directions = np.linalg.svd(wave - wave.mean(0), full_matrices=False)
        signal = wave @ directions[0]
        both = [_peaks(sign * signal, lag, settings.height) for sign in (1.0, -1.0)]
        return both[0] if len(both[0]) >= len(both[1]) else both[1]
    up = force.mean(0)
    signal = wave[:, :3] @ (up / max(float(np.linalg.norm(up)), 1e-6))
    return _peaks(-signal if settings.side == TurnSide.TOP else signal, lag, settings.height)


def _peaks(signal: Array, lag: int, height: float) -> Array:
    usual = float(np.median(np.abs(hilbert(signal))))
    found, _ = find_peaks(signal, height=height * usual, distance=max(1, lag // 2))
    return np.asarray(found, dtype=np.float64)


class CycleCounter:
    """Counts while a set goes on. The first repetitions are told together, when the rhythm shows (after the second)."""

    def __init__(self, settings: CycleSettings | None = None) -> None:
        self.settings = settings or CycleSettings()
        self._samples: deque[InertialSample] = deque()
        self._looked_ns = 0
        self._told_ns: int | None = None
        self._period_s = math.nan
        self._steady = 0
        self.count = 0
        """Repetitions told so far."""
        self.dropped = 0
        """Samples that could not be used."""

    def reset(self) -> None:
        """Another set."""
        self._samples.clear()
        self._looked_ns = 0
        self._told_ns = None
        self._period_s = math.nan
        self._steady = 0
        self.count = 0

    def update(self, sample: InertialSample) -> tuple[int, ...]:
        """Stamps (ns) of the turns of repetitions that are now certain."""
        if not sample.finite or (self._samples and sample.stamp_ns <= self._samples[-1].stamp_ns):
            self.dropped += 1
            return ()
        self._samples.append(sample)
        while sample.stamp_ns - self._samples[0].stamp_ns > KEPT_S * 1e9:
            self._samples.popleft()
        if sample.stamp_ns - self._looked_ns < LOOK_S * 1e9:
            return ()
        self._looked_ns = sample.stamp_ns
        return self._tell(SETTLED, STEADY_LOOKS, FEWEST_TURNS)

    def finish(self) -> tuple[int, ...]:
        """The set is over: the turns that were still waited for."""
        return self._tell(0.0, 0, 1)

    def _tell(self, settled: float, looks: int, fewest: int) -> tuple[int, ...]:
        samples = list(self._samples)
        if len(samples) < 2:
            return ()
        first = samples[0].stamp_ns
        times = np.array([(s.stamp_ns - first) * 1e-9 for s in samples])
        rates = np.array([s.rate for s in samples]) if all(s.turns for s in samples) else None
        cycles = count_cycles(times, np.array([s.acceleration for s in samples]), rates, self.settings)
        steady = abs(cycles.period_s - self._period_s) <= SAME_PERIOD * cycles.period_s
        self._steady = self._steady + 1 if steady else 0
        self._period_s = cycles.period_s
        if self._steady < looks or len(cycles.turns_s) < fewest:
            return ()
        told = []
        for turn in cycles.turns_s:
            stamp = first + round(float(turn) * 1e9)
            if turn > times[-1] - settled * cycles.period_s:
                break
            if self._told_ns is not None and stamp - self._told_ns < NEAREST * 1e9 * cycles.period_s:
                continue
            told.append(stamp)
            self._told_ns = stamp
        self.count += len(told)
        return tuple(told)
