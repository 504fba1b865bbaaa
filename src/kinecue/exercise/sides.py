"""Which side works or leads, found from the movement."""

from __future__ import annotations

import math

from kinecue.body.measurement import Measurement
from kinecue.exercise.features import FEATURES, FeatureFrame
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import Side
from kinecue.exercise.signal import Signal

_NEAR_FULL = 0.7
"""The side is read where the movement is at least this far of how far it has been."""
_DEFAULT_MARGIN = 0.15
"""Without a `leading` block: sides that differ by this share of the range do not do the same."""
_CLEAR_S, _CLEARLY = 0.25, 3.0
"""Led for so long, and so many times as long as the other side, it was that side."""
_SURE_S = 0.1
"""Time for which one side has to lead before it is believed while the movement goes on."""


class SideFinder:
    """The leading side of one repetition after the other; for exercises of both sides, the side that works."""

    def __init__(self, model: ExerciseModel) -> None:
        progress, leading = model.progress, model.leading
        self.alternating = model.sides == "alternating"
        block = leading if leading is not None else progress
        self._signal: Signal | None = None
        if block is None or not (FEATURES[block.feature].sided or leading is not None):
            return
        self._signal = Signal(block.feature, block.side)
        self._sign = 1.0
        if leading is not None:
            self._margin = leading.si(leading.margin)
            self._sign = 1.0 if leading.picks == "larger" else -1.0
        elif progress is not None:
            span = progress.si(progress.full - progress.start)
            self._sign = 1.0 if span > 0.0 else -1.0
            self._margin = _DEFAULT_MARGIN * abs(span) * (1.0 if self.alternating else 2.0)
        self.reset()

    def reset(self) -> None:
        """A new movement."""
        self._sum = self._time = 0.0
        self._peak = -math.inf
        self._lead_s = {Side.LEFT: 0.0, Side.RIGHT: 0.0}

    def observe(self, frame: FeatureFrame, progress: float, dt: float) -> None:
        """A frame of a movement."""
        if self._signal is None or not math.isfinite(progress):
            return
        measured = self._difference(frame)
        if not measured.usable:
            return
        if progress > self._peak:
            self._peak = progress
        difference = self._sign * measured.value
        if abs(difference) > max(self._margin, measured.std):
            self._lead_s[Side.LEFT if difference > 0.0 else Side.RIGHT] += dt
        if progress >= _NEAR_FULL * self._peak:
            # what was near the peak of a movement that went on counts less and less
            fade = 0.5 ** (dt / 0.5) if progress >= self._peak else 1.0
            self._sum = fade * self._sum + difference * dt
            self._time = fade * self._time + dt

    @property
    def now(self) -> Side:
        """The side that leads as far as is known; `Side.NONE` while it is not."""
        if self._signal is None or max(self._lead_s.values()) < _SURE_S:
            return Side.NONE
        return self._of_mean() or max(self._lead_s, key=lambda side: self._lead_s[side])

    def _of_mean(self) -> Side:
        mean = self._sum / self._time if self._time > 0.0 else 0.0
        if abs(mean) < self._margin:
            return Side.NONE
        return Side.LEFT if mean > 0.0 else Side.RIGHT

    def side(self) -> Side:
        """Of the whole movement: left, right, both, or none where one must lead and it is not known which."""
        if self._signal is None:
            return Side.BOTH
        found = self._of_mean()
        if found is not Side.NONE:
            return found
        return self._of_time() if self.alternating else Side.BOTH

    def _of_time(self) -> Side:
        """Who led on the way there and back: at the turning point a hidden limb is known least."""
        best = max(self._lead_s, key=lambda side: self._lead_s[side])
        other = Side.LEFT if best is Side.RIGHT else Side.RIGHT
        sure = self._lead_s[best] >= _CLEAR_S and self._lead_s[best] >= _CLEARLY * self._lead_s[other]
        return best if sure else Side.NONE

    def _difference(self, frame: FeatureFrame) -> Measurement:
        signal = self._signal
        if signal is None or FEATURES[signal.name].sided:
            return signal.difference(frame) if signal else Measurement(math.nan, math.nan)
        return signal.read(frame)[0]
