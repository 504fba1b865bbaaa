"""Movements of which it is not known yet whether they count: the start position was not held before them."""

from __future__ import annotations

from kinecue.exercise.movement import Movement

_ALIKE_RANGE, _ALIKE_TIME = 1.4, 2.0
"""Two movements are alike when range and duration differ by no more than these factors."""


class Provisional:
    """Waits until the movements are confirmed by the start position, or by each other."""

    def __init__(self) -> None:
        self._held: list[Movement] = []
        self._first = True

    def __bool__(self) -> bool:
        return bool(self._held)

    def add(self, movement: Movement) -> None:
        """A movement that is valid but for its beginning."""
        self._held.append(movement)

    def judge(self, confirmed: bool, set_up: bool) -> bool | None:
        """Whether they count; None: not known yet, or there are none.

        Args:
            confirmed: the start position is held, or has been and was not left since.
            set_up: nobody is in position.
        """
        if not self._held:
            self._first = self._first and not confirmed
            return None
        # who has held the start position before has to hold it again, or to go on in rhythm
        if (confirmed and self._first) or _alike(self._held):
            self._held.clear()
            self._first = False
            return True
        return self.reject() if confirmed or set_up else None

    def reject(self) -> bool | None:
        """They do not count; None if there are none."""
        verdict = False if self._held else None
        self._held.clear()
        return verdict


def _alike(movements: list[Movement]) -> bool:
    """The last two follow each other and are of about the same size."""
    if len(movements) < 2:
        return False
    one, two = movements[-2:]
    ranges = sorted((one.range, two.range))
    times = sorted((one.end - one.start, two.end - two.start))
    return ranges[1] <= _ALIKE_RANGE * ranges[0] and times[1] <= _ALIKE_TIME * times[0]
