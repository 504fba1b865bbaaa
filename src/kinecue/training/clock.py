"""The machine's clock against the camera's, from the movement itself.

Neither clock is trusted: they may have other epochs, run at other rates, jitter and be set while a set is on. What both
sensors share is the movement. `ClockEstimator` keeps the last minute of both; the correlation over all offsets finds where
the records belong (`clock_alignment.acquire`); then each movement there and back is one measurement of the offset
(`clock_alignment.refine`), and a Kalman filter over them follows offset and drift. When data arrive only breaks ties between
offsets that fit equally well, as those one repetition apart do in a set of equal ones.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from kinecue.training.clock_alignment import Alignment, acquire, refine, smoothing_lag
from kinecue.training.handle_range import SHORTEST_M, Turns

FloatArray = NDArray[np.float64]

_NS = 1_000_000_000
KEPT_S = 60.0
_BIN_S = 0.008
"""Machine samples closer together are averaged: a lift does not change in that time, and 1 kHz needs no more."""
_BREAK_S = 1.5
"""A stamp so far ahead of or behind the one before is a clock that was set (or silence, which costs nothing more)."""
_BACK_S = 0.3
_MARGIN_S = 0.3
"""Around a movement: rest that tells where it began."""
_WITHIN_S = 0.3
"""An offset that is guessed to `GRID_S` is found within this."""
_GOOD = 0.9
"""Correlation of two records of one movement. Those of two people doing the same exercise at once come to 0.7."""
_BAD = 0.7
_DRIFT_STD = 3e-4
"""Of clocks: crystals keep 100 ppm, and cheap ones do not (s/s)."""
_WANDER_S = 2e-4
"""By which a clock strays from its own drift in a second's square root, s; temperature and interrupts."""
_DRIFT_WANDER = 2e-6
_FLOOR_S = 0.004
"""A movement never tells more: stretch of cable and skin, and the exposure's middle."""
_COMMON_S = 0.008
"""What all movements have in common: how late perception is, beyond its own smoothing. Averaging does not help."""
_LOOP_SHARE = 0.5
"""Of what a movement leaves unexplained, so much (one standard deviation) is taken to be a delay that every repetition has:
over sets of simulated bodies the offsets' errors are that large."""
_USEFUL_S = 0.05
"""An offset that is no better is a guess."""
_SURPRISE = 4.0
"""A measurement that is so many standard deviations off contradicts; two of them that agree mean that a clock was set."""
_TRY_S = 0.5
_SPARE_S = 5.0


class ClockState(IntEnum):
    """How well the clocks are known (``kinecue_msgs/MachineClock``)."""

    UNKNOWN = 0
    GUESSED = 1
    """One repetition."""
    KNOWN = 2
    LOST = 3
    """It was known, and the newest movement contradicts it."""


@dataclass(frozen=True)
class ClockEstimate:
    """camera time = machine time + offset.

    Attributes:
        state: how much it is worth.
        stamp_ns: machine time at which `offset_s` holds.
        offset_s, offset_std_s: s; NaN while unknown. May be many years, if the clocks have other epochs.
        drift, drift_std: change of the offset, s/s; 0 until it can be told.
        correlation: 0 to 1, of both movements after alignment; low = not this person or not this exercise. NaN if unknown.
        repetitions: movements (there and back) that it rests on.
        sign: 1 if progress grows with the reading, -1 if it falls, 0 while unknown.
        scale_m: way of the handle per unit of progress, m, positive; NaN while unknown.
    """

    state: ClockState
    stamp_ns: int
    offset_s: float
    offset_std_s: float
    drift: float
    drift_std: float
    correlation: float
    repetitions: int
    sign: int
    scale_m: float


class _Offset:
    """Kalman filter over offset and drift, times relative to the first measurement."""

    def __init__(self, stamp_s: float, offset_s: float, std_s: float) -> None:
        self.stamp_s = stamp_s
        self.state = np.array([offset_s, 0.0])
        self.covariance = np.diag([std_s**2, _DRIFT_STD**2])

    def at(self, stamp_s: float) -> tuple[float, float]:
        """Offset and its standard deviation at a machine time, s."""
        state, covariance = self._predict(stamp_s)
        return float(state[0]), math.sqrt(max(float(covariance[0, 0]), 0.0))

    def _predict(self, stamp_s: float) -> tuple[FloatArray, FloatArray]:
        dt = stamp_s - self.stamp_s
        step = np.array([[1.0, dt], [0.0, 1.0]])
        noise = np.diag([_WANDER_S**2, _DRIFT_WANDER**2]) * abs(dt)
        return step @ self.state, step @ self.covariance @ step.T + noise

    def measure(self, stamp_s: float, offset_s: float, std_s: float) -> None:
        """A measurement at a machine time."""
        state, covariance = self._predict(stamp_s)
        gain = covariance[:, 0] / (covariance[0, 0] + std_s**2)
        self.state = state + gain * (offset_s - state[0])
        rest = np.eye(2) - np.outer(gain, [1.0, 0.0])
        self.covariance = rest @ covariance @ rest.T + std_s**2 * np.outer(gain, gain)
        self.stamp_s = stamp_s


class ClockEstimator:
    """Estimates the offset continuously. Both clocks may jump, drift and jitter; samples may come late or twice.

    Positions should be continuous: those of `EncoderCounter` are, whatever its counter does.

    Args:
        smoothed: progress comes from the scorer, whose smoothing delays it; False for one that is not delayed.
    """

    def __init__(self, smoothed: bool = True) -> None:
        self._smoothed = smoothed
        self.reset()

    def reset(self) -> None:
        """Another machine."""
        self._camera_base: int | None = None
        self._machine_base: int | None = None
        self._camera: deque[tuple[float, float]] = deque()
        self._machine: deque[tuple[float, float]] = deque()
        self._bin: list[float] = [0.0, 0.0, 0.0]
        self._turns = Turns()
        self._newest = [math.nan, math.nan]
        self._strange = [0, 0]
        self._tried = -math.inf
        self._done = -math.inf
        self._offset: _Offset | None = None
        self._coarse: Alignment | None = None
        self._last: Alignment | None = None
        self._state = ClockState.UNKNOWN
        self._repetitions = 0
        self._correlation = math.nan
        self._surprises: list[tuple[float, float]] = []
        self._unlike = 0

    # --- samples ---

    def camera(self, stamp_ns: int, progress: float, progress_std: float = math.nan) -> None:
        """Progress of a frame by the camera's clock; NaN is ignored."""
        if not math.isfinite(progress):
            return
        if self._camera_base is None:
            self._camera_base = stamp_ns
        t = (stamp_ns - self._camera_base) / _NS
        if not self._continues(0, t):
            return
        if self._camera and t <= self._camera[-1][0]:
            return
        self._camera.append((t, progress))
        while t - self._camera[0][0] > KEPT_S:
            self._camera.popleft()
        if t - self._tried >= _TRY_S:
            self._tried = t
            self._work()

    def machine(self, stamp_ns: int, position_m: float) -> None:
        """A position by the machine's clock; NaN is ignored."""
        if not math.isfinite(position_m):
            return
        if self._machine_base is None:
            self._machine_base = stamp_ns
        t = (stamp_ns - self._machine_base) / _NS
        if not self._continues(1, t):
            return
        n, sum_t, sum_x = self._bin
        if n and t - sum_t / n > _BIN_S:
            self._keep(sum_t / n, sum_x / n)
            n = sum_t = sum_x = 0.0
        self._bin = [n + 1.0, sum_t + t, sum_x + position_m]

    def _keep(self, t: float, x: float) -> None:
        if self._machine and t <= self._machine[-1][0]:
            return
        self._machine.append((t, x))
        while t - self._machine[0][0] > KEPT_S:
            self._machine.popleft()
        self._turns.add(round(t * _NS), x)

    def _continues(self, which: int, t: float) -> bool:
        """Whether a stamp goes on from the one before; a clock that was set is believed at the third sample."""
        newest = self._newest[which]
        if not (t - newest > _BREAK_S or t - newest < -_BACK_S):
            self._newest[which] = t if math.isnan(newest) else max(newest, t)
            self._strange[which] = 0
            return True
        self._strange[which] += 1
        if self._strange[which] < 3:
            return False
        self._strange[which] = 0
        silence = 0.0 < t - newest < KEPT_S
        self._newest[which] = t
        if silence and which == 0:
            return True  # a gap; if it was no gap, the next movement says so
        if silence and self._offset is not None:
            return True
        self._restart(which)
        return True

    def _restart(self, which: int) -> None:
        """One of the clocks was set: what was recorded by it is worth nothing."""
        if which == 0:
            self._camera.clear()
            self._tried = -math.inf
        else:
            self._machine.clear()
            self._bin = [0.0, 0.0, 0.0]
            self._turns = Turns()
            self._done = -math.inf
        self._forget()

    def _forget(self) -> None:
        if self._state in (ClockState.KNOWN, ClockState.LOST):
            self._state = ClockState.LOST
        else:
            self._state = ClockState.UNKNOWN
        self._offset = None
        self._coarse = None
        self._repetitions = 0
        self._surprises = []

    # --- estimates ---

    def estimate(self) -> ClockEstimate:
        """What is known now (cheap: the work is done about twice a second inside `camera`)."""
        nan = math.nan
        stamp_s = 0.0 if math.isnan(self._newest[1]) else self._newest[1]
        stamp = (self._machine_base or 0) + round(stamp_s * _NS)
        last = self._last
        sign = 0 if last is None else (1 if last.slope > 0.0 else -1)
        scale = nan if last is None or last.slope == 0.0 else 1.0 / abs(last.slope)
        if self._offset is None or self._camera_base is None or self._machine_base is None:
            return ClockEstimate(self._state, stamp, nan, nan, 0.0, nan, self._correlation, 0, sign, scale)
        offset, std = self._offset.at(stamp_s)
        drift_std = math.sqrt(float(self._offset.covariance[1, 1]))
        told = self._repetitions >= 2
        return ClockEstimate(
            self._state,
            stamp,
            (self._camera_base - self._machine_base) / _NS + offset,
            self._total(std),
            float(self._offset.state[1]) if told else 0.0,
            drift_std,
            self._correlation,
            self._repetitions,
            sign,
            scale,
        )

    def _total(self, std_s: float) -> float:
        """With what all movements have in common, s."""
        loop = self._last.loop_s if self._last else 0.0
        return math.sqrt(std_s**2 + _COMMON_S**2 + (_LOOP_SHARE * loop) ** 2)

    def to_camera(self, stamp_ns: int) -> int:
        """Camera time of a machine time; the machine time itself (as if the clocks were one) while unknown."""
        if self._offset is None or self._camera_base is None or self._machine_base is None:
            return stamp_ns
        t = (stamp_ns - self._machine_base) / _NS
        return stamp_ns - self._machine_base + self._camera_base + round(self._offset.at(t)[0] * _NS)

    def to_machine(self, stamp_ns: int) -> int:
        """Machine time of a camera time; the camera time itself while unknown."""
        if self._offset is None or self._camera_base is None or self._machine_base is None:
            return stamp_ns
        t = (stamp_ns - self._camera_base) / _NS
        filtered = self._offset
        # offset(m) = o + d (m - m0) and t = m + offset(m)
        o, d = float(filtered.state[0]), float(filtered.state[1])
        m = (t - o + d * filtered.stamp_s) / (1.0 + d)
        return self._machine_base + round(m * _NS)

    # --- work ---

    def _work(self) -> None:
        if len(self._camera) < 20 or len(self._machine) < 20:
            return
        found = [e for e in self._turns.excursions(1) if e.peak - min(e.before, e.after) >= SHORTEST_M]
        down = [e for e in self._turns.excursions(-1) if e.peak - min(e.before, e.after) >= SHORTEST_M]
        movements = found if not down or (found and len(found) >= len(down)) else down
        fresh = [e for e in movements if e.peak_ns / _NS > self._done]
        if not fresh:
            return
        camera, machine = np.array(self._camera), np.array(self._machine)
        if self._offset is None:
            self._acquire(camera, machine)
            if self._coarse is None:
                return
        around, within = self._expected()
        for e in fresh:
            begin, end = e.start_ns / _NS - _MARGIN_S, e.end_ns / _NS + _MARGIN_S
            if end - begin > 0.5 * KEPT_S:
                begin = max(begin, e.peak_ns / _NS - 0.25 * KEPT_S)
                end = min(end, e.peak_ns / _NS + 0.25 * KEPT_S)
            if end + around + 0.1 > camera[-1, 0] or end + within > machine[-1, 0]:
                break  # the camera has not seen it yet
            self._done = e.peak_ns / _NS
            self._movement(camera, machine, begin, end)
            if self._offset is None and self._coarse is None:
                return
            around, within = self._expected()

    def _expected(self) -> tuple[float, float]:
        """Offset to look around, and how far."""
        if self._offset is None:
            return (self._coarse.offset_s if self._coarse else 0.0), _WITHIN_S
        offset, std = self._offset.at(self._newest[1])
        return offset, min(max(0.1, 5.0 * std), _WITHIN_S)

    def _acquire(self, camera: FloatArray, machine: FloatArray) -> None:
        arrival = self._newest[0] - self._newest[1]
        # what only one of them has recorded explains nothing
        both = min(camera[-1, 0] - camera[0, 0], machine[-1, 0] - machine[0, 0]) + _SPARE_S
        camera = camera[camera[:, 0] >= camera[-1, 0] - both]
        machine = machine[machine[:, 0] >= machine[-1, 0] - both]
        found = acquire(camera[:, 0], camera[:, 1], machine[:, 0], machine[:, 1], arrival)
        self._coarse = found if found is not None and found.correlation > _BAD else None
        if found is not None and self._coarse is None:
            self._correlation = found.correlation

    def _movement(self, camera: FloatArray, machine: FloatArray, begin: float, end: float) -> None:
        """A movement from `begin` to `end`, machine time: one measurement."""
        around, within = self._expected()
        seen = camera[(camera[:, 0] >= begin + around) & (camera[:, 0] <= end + around)]
        felt = machine[
            (machine[:, 0] >= begin - 2.0 * within - 0.5) & (machine[:, 0] <= end + 2.0 * within + 0.5)
        ]
        if len(seen) < 8 or len(felt) < 8 or np.ptp(seen[:, 1]) < 0.15:
            if len(seen) >= 8 and self._offset is not None:
                self._contradicts(0.0)
            return
        found = refine(seen[:, 0], seen[:, 1], felt[:, 0], felt[:, 1], around, within)
        if found is None or found.correlation < _BAD:
            self._contradicts(found.correlation if found else 0.0)
            return
        lag = 0.0
        if self._smoothed:
            lag = smoothing_lag(seen[:, 0], seen[:, 1], felt[:, 0], felt[:, 1], found.offset_s)
        self._take(0.5 * (begin + end), found, found.offset_s - lag)

    def _contradicts(self, correlation: float) -> None:
        """The camera saw something else."""
        self._correlation = self._blend(correlation)
        self._unlike += 1
        if self._offset is None:
            self._coarse = None
        elif self._unlike >= 2:
            self._forget()
            # a clock may have been set in between: records of before and after do not belong together
            for record in (self._camera, self._machine):
                while record and record[-1][0] - record[0][0] > 2.0 * _SPARE_S:
                    record.popleft()

    def _blend(self, correlation: float) -> float:
        if math.isnan(self._correlation):
            return correlation
        return 0.5 * (self._correlation + correlation)

    def _take(self, stamp_s: float, found: Alignment, offset_s: float) -> None:
        std = math.hypot(found.std_s, _FLOOR_S)
        self._correlation = self._blend(found.correlation)
        self._unlike = 0
        if self._offset is None:
            if found.correlation < _GOOD:
                self._coarse = None
                return
            self._offset = _Offset(stamp_s, offset_s, std)
            self._repetitions = 1
            self._last = found
            self._state = ClockState.GUESSED
            return
        expected, expected_std = self._offset.at(stamp_s)
        surprise = abs(offset_s - expected) > _SURPRISE * math.hypot(std, expected_std) + _COMMON_S
        if surprise:
            self._surprises.append((stamp_s, offset_s))
            agree = len(self._surprises) >= 2 and abs(self._surprises[-2][1] - offset_s) < 6.0 * std + 0.02
            if not agree:
                return
            self._offset = _Offset(stamp_s, offset_s, std)
            self._repetitions = 1
        else:
            self._offset.measure(stamp_s, offset_s, std)
        self._surprises = []
        self._repetitions += 1
        self._last = found
        good = self._correlation >= _GOOD and self._total(self._offset.at(stamp_s)[1]) <= _USEFUL_S
        self._state = ClockState.KNOWN if good else ClockState.GUESSED
