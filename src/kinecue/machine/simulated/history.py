"""A table that grows step by step and may forget its oldest rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Table:
    """Rows of numbers at whole steps, counted from 0.

    Args:
        columns: width of a row.
        keep: rows to keep at least, counted from the newest; None = all.
    """

    def __init__(self, columns: int, keep: int | None = None) -> None:
        self._rows = np.zeros((1024, columns))
        self._used = 0
        self.keep = keep
        self.first = 0
        """Step of the oldest row."""

    @property
    def end(self) -> int:
        """Step after the newest row."""
        return self.first + self._used

    def extend(self, rows: Sequence[Sequence[float]]) -> None:
        """Append rows."""
        if not rows:
            return
        if self.keep is not None and self._used > 2 * self.keep:
            self._rows[: self.keep] = self._rows[self._used - self.keep : self._used]
            self.first += self._used - self.keep
            self._used = self.keep
        needed = self._used + len(rows)
        if needed > len(self._rows):
            grown = np.zeros((max(needed, 2 * len(self._rows)), self._rows.shape[1]))
            grown[: self._used] = self._rows[: self._used]
            self._rows = grown
        self._rows[self._used : needed] = rows
        self._used = needed

    def row(self, step: int) -> FloatArray:
        """The row of a step, the nearest one there is."""
        row: FloatArray = self._rows[min(max(step - self.first, 0), self._used - 1)]
        return row

    def at(self, step: float) -> FloatArray:
        """The row at a time between steps, straight between its neighbours."""
        below = int(step // 1)
        low = self.row(below)
        between: FloatArray = low + (step - below) * (self.row(below + 1) - low)
        return between

    def since(self, step: int) -> FloatArray:
        """(n, columns) the rows from a step on."""
        return self._rows[max(step - self.first, 0) : self._used]
