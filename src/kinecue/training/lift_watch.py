"""Watches a load on its way up, while it is lifted: for how long it stands still."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from kinecue.exercise.results import FormState, Phase
from kinecue.machine.samples import EncoderSample
from kinecue.training.effort_signs import Lift

_STILL_SHARE = 0.2
"""Of the mean speed of the first repetitions: slower than this on the way, the load stands still for a coach's eye."""
_WINDOW_S = 0.12
"""Over which the handle's speed is taken."""
_SILENT_S = 0.3
"""Without a sample for so long, the camera's speed counts."""
_ENDS = (0.12, 0.88)
"""Progress outside of which it is no sticking region: setting off and locking out are slow anyway."""


class LiftWatch:
    """Longest standstill of the lift under way.

    The camera says in which phase the lifter is; the handle, where one reports, how fast it goes.
    """

    def __init__(self) -> None:
        self._usual_handle = math.nan
        self._usual_progress = math.nan
        self._readings: dict[int, deque[tuple[float, float]]] = {}
        self.restart()

    def restart(self) -> None:
        """A new set."""
        self._usual_handle = self._usual_progress = math.nan
        self._readings = {}
        self._longest = self._current = 0.0
        self._seen = False
        self._last_ns = 0
        self._samples_since = 0
        self._handle_speed = math.nan
        self.by_machine = False

    @property
    def stall_s(self) -> float:
        """For how long the load has stood still just now, s."""
        return self._current

    def learn(self, first: Sequence[Lift]) -> None:
        """The first repetitions of the set: how fast this load usually goes."""
        handle = [lift.speed(True)[0] for lift in first]
        progress = [lift.speed(False)[0] for lift in first]
        self._usual_handle = max((v for v in handle if math.isfinite(v)), default=math.nan)
        self._usual_progress = max((v for v in progress if math.isfinite(v)), default=math.nan)

    def handle(self, sample: EncoderSample) -> None:
        """A reading of the handle."""
        readings = self._readings.setdefault(int(sample.side), deque())
        time = sample.stamp_ns * 1e-9
        if readings and not 0.0 <= time - readings[-1][0] < 1.0:
            readings.clear()
        readings.append((time, sample.position_m))
        while time - readings[0][0] > _WINDOW_S:
            readings.popleft()
        elapsed = time - readings[0][0]
        if elapsed > 0.5 * _WINDOW_S:
            self._handle_speed = abs(readings[-1][1] - readings[0][1]) / elapsed
        self._samples_since += 1

    def frame(self, form: FormState) -> None:
        """A frame."""
        step = (form.stamp_ns - self._last_ns) * 1e-9 if self._last_ns else 0.0
        self._last_ns = form.stamp_ns
        heard, self._samples_since = self._samples_since, 0
        self.by_machine = (
            heard > 0 and math.isfinite(self._handle_speed) and math.isfinite(self._usual_handle)
        )
        if form.phase not in (Phase.CONCENTRIC, Phase.HOLD) or not 0.0 < step < _SILENT_S:
            self._current = 0.0
            return
        self._seen = True
        if not math.isfinite(form.progress) or not _ENDS[0] < form.progress < _ENDS[1]:
            self._current = 0.0
            return
        if self.by_machine:
            still = self._handle_speed < _STILL_SHARE * self._usual_handle
        else:
            still = math.isfinite(form.speed) and abs(form.speed) < _STILL_SHARE * self._usual_progress
        self._current = self._current + step if still else 0.0
        self._longest = max(self._longest, self._current)

    def take(self) -> float:
        """Longest standstill since the last call, s; NaN if the lift was not watched."""
        longest = self._longest if self._seen else math.nan
        self._longest = self._current = 0.0
        self._seen = False
        return longest
