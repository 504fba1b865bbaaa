"""By how much the clocks of two cameras differ, from the motion that both see.

Up and down look alike from every side: the vertical speed of a joint, in body lengths, is nearly the same in two upright
cameras. Where the two courses fit best, shifted against each other, is the difference of the clocks (or of the delays
with which the frames are stamped).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.view_pairing import SHARED_JOINTS

FloatArray = NDArray[np.float64]

_RATE = 100.0
_SMOOTHING_S = 0.05
_SHORTEST_S = 2.0
_SLOWEST = 0.04
"""Root mean square of vertical joint speeds under which nothing can be compared, m/s."""
_WORST_CORRELATION = 0.8
_CLEAR = 0.05
"""Another peak this close to the best one makes the answer ambiguous."""
_SEEN = 0.5
_WINDOW_S = 10.0
_EVERY_S = 4.0
_LONGEST_S = 0.35
_SURE_S = 0.015
"""An offset less sure than this is not used, s: half a frame."""
_COARSE_S = 0.5
_STEADY_S = 0.1
_FEWEST_ARRIVALS = 15


class ClockError(KineCueError):
    """The clocks cannot be compared; the text says why."""


@dataclass(frozen=True)
class ClockOffset:
    """What the second camera's stamps are ahead of the first one's.

    Attributes:
        offset_s: subtract it from the second camera's stamps, s.
        std_s: its standard deviation, s.
        correlation: of the two courses at that offset, 0 to 1.
    """

    offset_s: float
    std_s: float
    correlation: float


def clock_offset(
    first: Sequence[Landmarks2D], second: Sequence[Landmarks2D], longest_s: float = 0.5
) -> ClockOffset:
    """Compares what two cameras saw of one moving person.

    Args:
        first, second: landmarks in the order of their stamps.
        longest_s: offsets up to this are looked for, s; less than half a repetition, or repetitions look alike.

    Raises:
        ClockError: too little was seen at the same time, nothing moved, or the courses do not fit or fit in two ways.
    """
    begin = max(first[0].stamp_ns, second[0].stamp_ns) * 1e-9 if first and second else math.inf
    end = min(first[-1].stamp_ns, second[-1].stamp_ns) * 1e-9 if first and second else -math.inf
    if end - begin < _SHORTEST_S + 2 * longest_s:
        raise ClockError(
            f"the cameras saw the person together for {max(end - begin, 0.0):.1f} s, "
            f"needed: {_SHORTEST_S + 2 * longest_s:.1f} s"
        )
    count = int((end - begin) * _RATE)
    times = begin + np.arange(count) / _RATE
    a, b = _speeds(first, times), _speeds(second, times)
    margin = int(longest_s * _RATE)
    inner = slice(margin, count - margin)
    usable = np.isfinite(a).all(0) & np.isfinite(b).all(0)
    if int(usable.sum()) < 4:
        raise ClockError("fewer than 4 joints are visible in both cameras all the time")
    a, b = a[:, usable], b[:, usable]
    level = min(float(np.sqrt((x**2).mean())) for x in (a[inner], b[inner]))
    if level < _SLOWEST:
        raise ClockError(f"the person hardly moved up and down ({level:.2f} m/s), needed: {_SLOWEST} m/s")
    fixed = a[inner]
    lags = np.arange(-margin, margin + 1)
    correlation = np.empty(len(lags))
    for k, lag in enumerate(lags):
        moved = b[margin + lag : count - margin + lag]
        correlation[k] = (fixed * moved).sum() / math.sqrt((fixed**2).sum() * (moved**2).sum())
    best = int(correlation.argmax())
    peak = float(correlation[best])
    if peak < _WORST_CORRELATION:
        raise ClockError(
            f"the two courses do not fit (correlation {peak:.2f}, needed: {_WORST_CORRELATION}): not the same person?"
        )
    if best in (0, len(lags) - 1):
        raise ClockError(f"the clocks differ by {longest_s:g} s or more")
    rivals = [
        k
        for k in range(1, len(lags) - 1)
        if correlation[k] >= max(correlation[k - 1], correlation[k + 1]) and abs(k - best) > 0.15 * _RATE
    ]
    if any(correlation[k] > peak - _CLEAR for k in rivals):
        raise ClockError("the courses fit at two offsets: a motion that does not repeat is needed")
    left, right = correlation[best - 1], correlation[best + 1]
    bend = left - 2.0 * peak + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    # what does not fit, over how sharply the fit falls off; a joint's course holds about 4 independent values a second
    independent = max(4.0 * (end - begin) * int(usable.sum()) / 4.0, 1.0)
    curvature = -bend * _RATE**2
    # times 1.5: on the simulated takes errors of different joints go together
    std = 1.5 * math.sqrt(max(1.0 - peak, 1e-4) / max(curvature, 1e-9) / independent)
    return ClockOffset((lags[best] + shift) / _RATE, max(std, 0.001), peak)


def _speeds(frames: Sequence[Landmarks2D], times: FloatArray) -> FloatArray:
    """(T, J) vertical speeds of the joints, m/s by the network's scale; NaN for joints that were hidden for long."""
    rows = frames[0].topology.indices(*(j for j in SHARED_JOINTS if j in frames[0].topology))
    stamps = np.array([f.stamp_ns * 1e-9 for f in frames])
    heights = np.stack([f.pixels[rows, 1] for f in frames])
    seen = np.stack([np.nan_to_num(f.visibility[rows]) for f in frames]) >= _SEEN
    scale = np.nanmedian([_size(f, rows) for f in frames])
    result = np.full((len(times), len(rows)), np.nan)
    width = max(round(_SMOOTHING_S * _RATE), 1)
    kernel = np.hanning(2 * width + 3)[1:-1]
    kernel /= kernel.sum()
    for k in range(len(rows)):
        good = seen[:, k] & np.isfinite(heights[:, k])
        if good.mean() < 0.7 or int(good.sum()) < 3:
            continue
        course = np.interp(times, stamps[good], -heights[good, k] / scale)
        padded = np.pad(course, len(kernel) // 2, mode="edge")
        speed = np.gradient(np.convolve(padded, kernel, "valid"), 1.0 / _RATE)
        result[:, k] = speed - speed.mean()
    return result


def _size(frame: Landmarks2D, rows: list[int]) -> float:
    """Pixels per metre."""
    with np.errstate(invalid="ignore", divide="ignore"):
        pixels = np.nanstd(frame.pixels[rows, 1]) if np.isfinite(frame.pixels[rows, 1]).any() else np.nan
        world = np.nanstd(frame.world[rows, 1]) if np.isfinite(frame.world[rows, 1]).any() else np.nan
        return float(pixels / world) if world > 0.01 else math.nan


@dataclass(frozen=True)
class ClockState:
    """How a camera's stamps are taken.

    Attributes:
        offset_s: taken off its stamps, s.
        std_s: standard deviation of that, s; NaN while it only rests on the times of arrival, or on nothing.
        problem: why the motion told nothing at the last try; empty if it did.
    """

    offset_s: float = 0.0
    std_s: float = math.nan
    problem: str = ""


@dataclass
class _Clock:
    lag_s: deque[float] = field(default_factory=lambda: deque(maxlen=45))
    history: deque[Landmarks2D] = field(default_factory=deque)
    offset_ns: int = 0
    state: ClockState = field(default_factory=ClockState)
    candidate_s: float = math.nan


class ClockAligner:
    """Brings the stamps of several cameras to the clock of the first.

    Clocks that differ by more than half a second show in the times of arrival; the rest is read off the motion, believed
    once two tries in a row agree.

    Args:
        views: names, the first gives the time.
        enabled: false leaves all stamps as they are and only reports.
    """

    def __init__(self, views: Sequence[str], enabled: bool = True) -> None:
        self._first = views[0]
        self._enabled = enabled
        self._clocks = {name: _Clock() for name in views}
        self._last_try_s = -math.inf

    @property
    def states(self) -> dict[str, ClockState]:
        """How each camera's stamps are taken."""
        return {name: clock.state for name, clock in self._clocks.items()}

    def common(self, view: str, stamp_ns: int, now_s: float, person: Landmarks2D | None) -> int:
        """A stamp in the first camera's clock, ns; learns from it.

        Args:
            view: whose stamp it is.
            stamp_ns: as the camera gave it, ns.
            now_s: time of arrival on a clock that never goes back, s.
            person: the one followed longest in that frame, None if nobody was found.
        """
        clock = self._clocks[view]
        clock.lag_s.append(now_s - stamp_ns * 1e-9)
        if view != self._first:
            self._coarse(clock)
        common = stamp_ns - clock.offset_ns
        if person is not None:
            if clock.history and (
                person.identity != clock.history[-1].identity or common <= clock.history[-1].stamp_ns
            ):
                clock.history.clear()
            clock.history.append(replace(person, stamp_ns=common))
            while common - clock.history[0].stamp_ns > _WINDOW_S * 1e9:
                clock.history.popleft()
        if view == self._first and now_s - self._last_try_s >= _EVERY_S:
            self._last_try_s = now_s
            for name, other in self._clocks.items():
                if name != self._first:
                    self._compare(other)
        return common

    def _coarse(self, clock: _Clock) -> None:
        first = self._clocks[self._first]
        if len(clock.lag_s) < _FEWEST_ARRIVALS or len(first.lag_s) < _FEWEST_ARRIVALS:
            return
        lags = [np.array(first.lag_s), np.array(clock.lag_s)]
        if max(float(np.ptp(np.quantile(lag, [0.25, 0.75]))) for lag in lags) > _STEADY_S:
            # a recording played at another speed, or a machine too busy: arrivals tell nothing
            return
        ahead = float(np.median(lags[0]) - np.median(lags[1]))
        if abs(ahead - clock.offset_ns * 1e-9) > _COARSE_S:
            clock.state = ClockState(
                ahead if self._enabled else 0.0, math.nan, f"{ahead:.1f} s ahead by arrival"
            )
            if self._enabled:
                clock.offset_ns = round(ahead * 1e9)
                clock.history.clear()

    def _compare(self, clock: _Clock) -> None:
        known = clock.offset_ns * 1e-9
        try:
            found = clock_offset(list(self._clocks[self._first].history), list(clock.history), _LONGEST_S)
        except ClockError as error:
            clock.candidate_s = math.nan
            clock.state = replace(clock.state, problem=str(error))
            return
        agrees = abs(found.offset_s - clock.candidate_s) < max(2.0 * found.std_s, 0.005)
        clock.candidate_s = found.offset_s
        clock.state = ClockState(known, found.std_s, "")
        if not self._enabled:
            clock.state = ClockState(0.0, found.std_s, f"{1e3 * found.offset_s:.0f} ms ahead by the motion")
        elif agrees and found.std_s < _SURE_S and abs(found.offset_s) > max(2.0 * found.std_s, 0.005):
            clock.offset_ns += round(found.offset_s * 1e9)
            clock.state = ClockState(clock.offset_ns * 1e-9, found.std_s, "")
            clock.candidate_s = math.nan
            clock.history.clear()
