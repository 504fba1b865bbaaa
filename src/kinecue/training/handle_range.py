"""What a handle's movement is like: its turning points, and from them start position, range and direction.

Nothing is presumed of zero or sign: a machine that was never homed, a bar that hangs in a rack and an encoder whose two
tracks are swapped all look different, but a set looks the same on each of them: excursions that are alike, from a place
where the person first stood still.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_NS = 1_000_000_000
TURN_M = 0.03
"""The handle has to come back so far from its farthest point before that was a turning point: a wobble is less."""
SHORTEST_M = 0.06
"""Of a repetition: a calf raise or shrug is 0.08 m and more, a fidget less."""
REST_M = 0.012
"""Readings that stay this close together are at rest, whatever noise makes of their speed."""
REST_S = 0.25
_ALIKE = 0.3
"""By how much two repetitions may differ, as a share of the larger."""
_LARGEST = 0.75
"""Repetitions that are alike count as full if they are at least this share of the largest movement so far."""
_OUTSIDE = 0.3
"""So far beyond the ends, as a share of the range, is not in the movement."""
_MOST_TURNS = 64


@dataclass(frozen=True)
class Turn:
    """A turning point or a rest.

    Attributes:
        stamp_ns: when.
        position_m: where.
        upper: it is a highest point.
    """

    stamp_ns: int
    position_m: float
    upper: bool


@dataclass(frozen=True)
class Excursion:
    """A way out and back, in the direction of the way out (`y` = direction x position).

    Attributes:
        start_ns, peak_ns, end_ns: of the three turning points.
        before, peak, after: their y, m.
    """

    start_ns: int
    peak_ns: int
    end_ns: int
    before: float
    peak: float
    after: float

    @property
    def base(self) -> float:
        """The start position as far as it can be told: getting there and letting go lie below it."""
        return max(self.before, self.after)

    @property
    def ends(self) -> tuple[tuple[int, float], tuple[int, float]]:
        """Time and y of both valleys."""
        return (self.start_ns, self.before), (self.end_ns, self.after)

    @property
    def range(self) -> float:
        """Way out, m."""
        return self.peak - self.base


@dataclass(frozen=True)
class Habit:
    """How a person does this exercise on this machine.

    Attributes:
        direction: 1 if the way out of the start position raises the reading, -1 if it lowers it.
        start: y of the start position, m.
        range_m: way of a full repetition, m.
    """

    direction: int
    start: float
    range_m: float


class Turns:
    """Turning points of a position, and rests on the way."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.rests: list[tuple[int, int, float]] = []
        """Start, end and position of each time at rest."""
        self._extreme: Turn | None = None
        self._low = self._high = math.nan
        self._low_ns = self._high_ns = 0
        self._rest_from = 0
        self._rest_level = math.nan
        self.now: Turn | None = None
        """The farthest point since the last turning point."""

    def add(self, stamp_ns: int, position_m: float) -> bool:
        """A node; whether a turning point or a rest was found."""
        found = self._rest(stamp_ns, position_m)
        if self.now is None:
            return self._first(stamp_ns, position_m) or found
        now = self.now
        if (position_m > now.position_m) if now.upper else (position_m < now.position_m):
            self.now = Turn(stamp_ns, position_m, now.upper)
        elif abs(position_m - now.position_m) > TURN_M:
            self.turns.append(now)
            if len(self.turns) > _MOST_TURNS:
                del self.turns[: _MOST_TURNS // 2]
            self.now = Turn(stamp_ns, position_m, not now.upper)
            return True
        return found

    def _first(self, stamp_ns: int, x: float) -> bool:
        """Until the first way of `TURN_M` nobody knows which kind of end this is."""
        if not self._low <= x:
            self._low, self._low_ns = x, stamp_ns
        if not self._high >= x:
            self._high, self._high_ns = x, stamp_ns
        if self._high - self._low <= TURN_M:
            return False
        upward = self._high_ns > self._low_ns
        self.turns.append(
            Turn(self._low_ns, self._low, False) if upward else Turn(self._high_ns, self._high, True)
        )
        self.now = Turn(stamp_ns, x, upward)
        return True

    def _rest(self, stamp_ns: int, x: float) -> bool:
        if not abs(x - self._rest_level) <= REST_M:
            self._rest_level, self._rest_from = x, stamp_ns
            return False
        lasted = stamp_ns - self._rest_from
        if lasted < REST_S * _NS:
            return False
        if self.rests and self.rests[-1][0] == self._rest_from:
            self.rests[-1] = (self._rest_from, stamp_ns, self._rest_level)
            return False
        self.rests.append((self._rest_from, stamp_ns, self._rest_level))
        if len(self.rests) > _MOST_TURNS:
            del self.rests[: _MOST_TURNS // 2]
        return True

    def excursions(self, direction: int) -> list[Excursion]:
        """Ways out and back with a way out in a direction; the last one may end in a rest."""
        points = list(self.turns)
        resting = self.rests and points and self.rests[-1][0] > points[-1].stamp_ns
        if resting and self.now is not None:
            begin, _, level = self.rests[-1]
            if abs(level - self.now.position_m) < TURN_M:
                points.append(Turn(begin, self.now.position_m, self.now.upper))
        found = []
        for i in range(1, len(points) - 1):
            a, b, c = points[i - 1 : i + 2]
            if b.upper == (direction > 0):
                found.append(
                    Excursion(
                        a.stamp_ns,
                        b.stamp_ns,
                        c.stamp_ns,
                        direction * a.position_m,
                        direction * b.position_m,
                        direction * c.position_m,
                    )
                )
        return found


def alike(excursions: Sequence[Excursion]) -> list[Excursion]:
    """The largest group of two or more full excursions that are alike; empty while there is none."""
    large = [e for e in excursions if e.range >= SHORTEST_M]
    if len(large) < 2:
        return []
    most = max(e.range for e in large)
    full = [e for e in large if e.range >= _LARGEST * most]
    best: list[Excursion] = []
    for one in full:
        group = [
            other
            for other in full
            if abs(other.range - one.range) <= _ALIKE * max(other.range, one.range)
            and abs(other.peak - one.peak) <= _ALIKE * one.range
            and abs(other.base - one.base) <= _ALIKE * one.range
        ]
        # two movements around one valley are not two that came back to it
        valleys = {t for e in group for t, y in e.ends if abs(y - one.base) <= _ALIKE * one.range}
        if len(valleys) < 2:
            continue
        if len(group) > len(best):
            best = group
    return best if len(best) >= 2 else []


def learn(turns: Turns, eccentric_first: bool, direction: int = 0) -> Habit | None:
    """Start position, range and direction; None while they cannot be told.

    Args:
        turns: what was seen so far.
        eccentric_first: the way out lowers the load.
        direction: of the way out, if known.
    """
    for candidate in (direction,) if direction else (1, -1):
        group = alike(turns.excursions(candidate))
        if not group:
            continue
        habit = _habit(group, candidate)
        chosen = direction or _direction(turns, habit, eccentric_first)
        if chosen == candidate:
            return habit
    return None


def learn_from_one(turns: Turns, eccentric_first: bool, direction: int = 0) -> Habit | None:
    """The same of a set in which no two movements were alike: its longest one, if it is far longer than a fidget."""
    for candidate in (direction,) if direction else (1, -1):
        large = [e for e in turns.excursions(candidate) if e.range >= 2.0 * SHORTEST_M]
        if not large:
            continue
        longest = max(large, key=lambda e: e.range)
        habit = Habit(candidate, longest.base, longest.range)
        if direction or _direction(turns, habit, eccentric_first) == candidate:
            return habit
    return None


def _habit(group: Sequence[Excursion], direction: int) -> Habit:
    return Habit(direction, median(e.base for e in group), median(e.range for e in group))


def _direction(turns: Turns, habit: Habit, eccentric_first: bool) -> int:
    """Which way is out: away from the end where the person was before the first long way between both ends."""
    ends = sorted((habit.direction * habit.start, habit.direction * (habit.start + habit.range_m)))
    for a, b in zip(turns.turns, turns.turns[1:], strict=False):
        if abs(b.position_m - a.position_m) < _LARGEST * habit.range_m:
            continue
        beyond = max(ends[0] - a.position_m, a.position_m - ends[1]) / habit.range_m
        low_side = a.position_m < b.position_m
        if eccentric_first and beyond <= 1.0:
            # the first lowering, or a belt that is taken up to the start position: that is up either way
            return -1
        if beyond <= _OUTSIDE:
            return 1 if low_side else -1
        near = ends[0] if low_side else ends[1]
        if any(abs(rest - near) <= _OUTSIDE * habit.range_m for rest in _rests_between(turns, a, b)):
            return 1 if low_side else -1
        # it came from outside without a stop: a cable is taken to its start position on the way of a curl, a bar
        # with the knees straight
        return 1 if low_side != eccentric_first else -1
    return -1 if eccentric_first else 1


def _rests_between(turns: Turns, a: Turn, b: Turn) -> list[float]:
    """Levels of the rests on the way from a to b, its end included."""
    reach = REST_M + 0.1 * abs(b.position_m - a.position_m)
    return [
        level
        for start, end, level in turns.rests
        if end > a.stamp_ns and start < b.stamp_ns and abs(level - a.position_m) > reach
    ]
