"""What a counter that goes along with samples says of those that did not arrive."""

from __future__ import annotations

from kinecue.machine.drivers.base import DriverCounts


class SequenceNumber:
    """A number that rises by one a sample and wraps.

    Args:
        modulus: how many numbers there are.
        counts: where lost and repeated ones are added.

    Half of the numbers count as ahead: a number that lies behind is that of a source which began anew, not of a loss.
    """

    def __init__(self, modulus: int, counts: DriverCounts) -> None:
        self._modulus = modulus
        self._counts = counts
        self._last: int | None = None

    def take(self, number: int) -> bool:
        """Whether the sample of this number is a new one."""
        last, self._last = self._last, number
        if last is None:
            return True
        step = (number - last) % self._modulus
        if step == 0:
            self._counts.repeated += 1
            return False
        if step <= self._modulus // 2:
            self._counts.lost += step - 1
        return True

    def forget(self) -> None:
        """The source was opened anew: what was missed meanwhile is an outage, not a loss on the line."""
        self._last = None
