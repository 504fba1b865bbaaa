"""Which movement of the handle and which movement of the body are the same repetition."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kinecue.exercise.results import RepetitionReason, RepetitionStatus, Side
from kinecue.machine.samples import CableSide
from kinecue.training.encoder_repetitions import HandleRepetition

SAME = 0.5
"""Two movements that share this part of the shorter one are the same. Clocks are off by less than 0.3 s and repetitions take
0.6 s or more, so that the right partner shares most and the neighbour less."""
_SLACK_NS = 250_000_000
"""What may be missing at the ends of a stretch: sensors and their filters begin and end a movement at other moments."""
_BACKWARDS_NS = 1_000_000_000

_RANK = {
    RepetitionStatus.VALID: 0,
    RepetitionStatus.PARTIAL: 1,
    RepetitionStatus.FAILED: 2,
    RepetitionStatus.ABANDONED: 3,
    RepetitionStatus.SETUP: 4,
}


class Timed(Protocol):
    """Anything that took a while, ns of one clock."""

    @property
    def start_ns(self) -> int:
        """Its begin."""

    @property
    def end_ns(self) -> int:
        """Its end."""


def shared(a: Timed, b: Timed) -> float:
    """Part of the shorter of two that lies within the other, 0 to 1."""
    shorter = max(min(a.end_ns - a.start_ns, b.end_ns - b.start_ns), 1)
    return max(min(a.end_ns, b.end_ns) - max(a.start_ns, b.start_ns), 0) / shorter


def together(a: Timed, b: Timed) -> float:
    """Part of the time of either in which both went on, 0 to 1."""
    both = max(min(a.end_ns, b.end_ns) - max(a.start_ns, b.start_ns), 0)
    return both / max(max(a.end_ns, b.end_ns) - min(a.start_ns, b.start_ns), 1)


@dataclass(frozen=True)
class HandleMovement:
    """What one cable did, or both together, by the camera's clock.

    Attributes:
        parts: of the cables, left first; one or two.
        start_ns, turn_ns, end_ns: camera time; of two cables the first begin and the last end.
    """

    parts: tuple[HandleRepetition, ...]
    start_ns: int
    turn_ns: int
    end_ns: int

    @property
    def leading(self) -> HandleRepetition:
        """The cable that got farthest in becoming a repetition: its verdict is that of the movement."""
        return min(self.parts, key=lambda part: (_RANK[part.status], part.side))

    @property
    def valid(self) -> bool:
        """It is a repetition."""
        return self.leading.status is RepetitionStatus.VALID

    @property
    def status(self) -> RepetitionStatus:
        """What became of it."""
        return self.leading.status

    @property
    def reason(self) -> RepetitionReason:
        """Why it is not valid."""
        return self.leading.reason

    @property
    def range_m(self) -> float:
        """Way of the handle, m; the mean of two."""
        return sum(part.range_m for part in self.parts) / len(self.parts)

    @property
    def gap_s(self) -> float:
        """Longest time without a reading in it, s."""
        return max(part.gap_s for part in self.parts)

    @property
    def side(self) -> Side:
        """Which hand; `Side.NONE` on a machine with one cable."""
        if len(self.parts) == 2:
            return Side.BOTH
        return {CableSide.LEFT: Side.LEFT, CableSide.RIGHT: Side.RIGHT}.get(self.parts[0].side, Side.NONE)

    def with_part(self, other: HandleMovement) -> HandleMovement:
        """Both together."""
        parts = tuple(sorted((*self.parts, *other.parts), key=lambda part: part.side))
        return HandleMovement(
            parts,
            min(self.start_ns, other.start_ns),
            (self.turn_ns + other.turn_ns) // 2,
            max(self.end_ns, other.end_ns),
        )


@dataclass
class Published:
    """A movement that was told already.

    Attributes:
        start_ns, end_ns: camera time.
        camera, encoder: who had seen it by then.
        valid: it was counted.
        told: as a repetition, counted or not; False for what was only noted.
    """

    start_ns: int
    end_ns: int
    camera: bool
    encoder: bool
    valid: bool
    told: bool = True


class Ledger:
    """What was told of a set, so that nothing is counted twice when the other sensor comes late."""

    def __init__(self) -> None:
        self._entries: deque[Published] = deque(maxlen=40)

    def clear(self) -> None:
        """A new set."""
        self._entries.clear()

    def add(self, entry: Published) -> None:
        """It was told."""
        self._entries.append(entry)

    def counted_by_camera(self, movement: Timed, waiting: Sequence[Timed] = ()) -> float:
        """Part of a movement during which the camera saw others that count, 0 to 1; `waiting` are not told yet."""
        length = max(movement.end_ns - movement.start_ns, 1)
        told: list[Timed] = [entry for entry in self._entries if entry.camera and entry.valid]
        return sum(
            max(min(other.end_ns, movement.end_ns) - max(other.start_ns, movement.start_ns), 0) / length
            for other in (*told, *waiting)
        )

    def best(self, movement: Timed) -> Published | None:
        """The entry that is the same movement; None if there is none."""
        found = max(self._entries, key=lambda entry: shared(entry, movement), default=None)
        return found if found is not None and shared(found, movement) >= SAME else None


class Soundness:
    """The stretches of time in which a sensor saw without a break. Stamps of one clock, in their order.

    Args:
        gap_s: a longer silence is a break, s.
    """

    def __init__(self, gap_s: float) -> None:
        self._gap_ns = round(gap_s * 1e9)
        self._stretches: deque[list[int]] = deque(maxlen=60)
        self._open = False

    def good(self, stamp_ns: int) -> None:
        """It saw."""
        if self._stretches:
            last = self._stretches[-1]
            if stamp_ns < last[1] - _BACKWARDS_NS:
                self._stretches.clear()
            elif self._open and stamp_ns - last[1] <= self._gap_ns:
                last[1] = max(last[1], stamp_ns)
                return
        self._stretches.append([stamp_ns, stamp_ns])
        self._open = True

    def broken(self) -> None:
        """What comes is something new, however soon."""
        self._open = False

    @property
    def stretch_from(self) -> int:
        """Begin of the newest stretch; 0 before the first."""
        return self._stretches[-1][0] if self._stretches else 0

    def sound(self, start_ns: int, end_ns: int) -> bool:
        """It saw all of the time between."""
        return any(
            first <= start_ns + _SLACK_NS and last >= end_ns - _SLACK_NS for first, last in self._stretches
        )

    def live(self, now_ns: int) -> bool:
        """It sees now."""
        return self._open and bool(self._stretches) and now_ns - self._stretches[-1][1] <= self._gap_ns
