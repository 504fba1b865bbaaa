"""Faults that are there in a part of the range of motion only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.simulation.movement.set_plan import FaultKind, smooth

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class WindowedFault(FaultKind):
    """A fault of the ``offset`` way whose envelope is a window over progress.

    Attributes:
        rise: progress at which it begins to show and is there completely.
        fall: progress at which it begins to go and is gone.
        stage: ``out`` or ``back``: on this way only, where the window has to end before the turning point; empty:
            on both.
    """

    rise: tuple[float, float] = (0.05, 0.3)
    fall: tuple[float, float] = (2.0, 3.0)

    def envelope(self, progress: FloatArray, going: FloatArray) -> FloatArray:
        """(N,) how much of it is present, 0 to 1; see `FaultKind.envelope`."""
        (a, b), (c, d) = self.rise, self.fall
        window: FloatArray = smooth((progress - a) / (b - a)) * smooth((d - progress) / (d - c))
        if self.stage == "out":
            return np.where(going < 1.0, window, 0.0)
        if self.stage == "back":
            return np.where(going >= 1.0, window, 0.0)
        return window
