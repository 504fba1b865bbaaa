"""The person's own full range, learned from the first repetitions or given by a calibration.

It scales what is told about the movement (progress, range, speed) and lets a repetition of somebody with less
range count. It never moves an ideal course, a limit of a fault, or the zero of progress: whoever is shallow in
every repetition has a full range of his own and is still too shallow.
"""

from __future__ import annotations

import math
from statistics import median

from kinecue.exercise.structure import RangeLearning

_NEEDED = 3
"""Valid repetitions from whose median the range is learned; later ones, tired or hasty, do not change it."""


class LearnedRange:
    """Full range of one person in one exercise, as a factor of the file's.

    Args:
        learning: limits of the factor; None: the file's range is everybody's.
    """

    def __init__(self, learning: RangeLearning | None) -> None:
        self._learning = learning
        self._peaks: list[float] = []
        self.scale = 1.0
        """Full range over that of the file."""

    def reset(self) -> None:
        """Another person."""
        self._peaks.clear()
        self.scale = 1.0

    def calibrate(self, peak: float) -> None:
        """The person's full range is known: `peak` is its progress by the file."""
        if self._learning is not None and math.isfinite(peak):
            self._peaks = [peak] * _NEEDED
            self.scale = self._limited(peak)

    def learn(self, peak: float) -> None:
        """A valid repetition reached the progress `peak` by the file."""
        if self._learning is None or len(self._peaks) >= _NEEDED or not math.isfinite(peak):
            return
        self._peaks.append(peak)
        if len(self._peaks) == _NEEDED:
            self.scale = self._limited(median(self._peaks))

    def _limited(self, peak: float) -> float:
        if self._learning is None:
            return 1.0
        return min(max(peak, self._learning.least), self._learning.most)
