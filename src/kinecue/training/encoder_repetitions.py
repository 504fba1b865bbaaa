"""Repetitions from the encoder alone: a state machine on position that learns what full is.

What a movement is, `handle_cycle` tells. An encoder does not know what a full one is: 0.1 m for a calf raise, 0.9 m for a
squat. Unless told from an earlier set, the first movements are held back until two of them are alike (`handle_range`),
which normally is when the second one is over; then they are counted together. Taking the handle, a pull to try the weight
and letting go are unlike them, and are not counted. Positions are stretched and shifted by whatever the machine's
calibration is; every threshold is a share of the range.
"""

from __future__ import annotations

import math

from kinecue.body.errors import KineCueError
from kinecue.exercise.results import Phase, RepetitionReason
from kinecue.machine.samples import EncoderSample
from kinecue.training.handle import HandleTrack, Node
from kinecue.training.handle_cycle import HandleCycle, State
from kinecue.training.handle_range import SHORTEST_M, Habit, Turns, learn, learn_from_one
from kinecue.training.handle_repetition import HandleRepetition

__all__ = ["EncoderCounter", "HandleRepetition"]

_NS = 1_000_000_000
_GAP_S = 2.0
"""Without a reading for longer the movement is lost."""
_SILENT_S = 0.3
"""Without a reading for longer the sensor is not healthy."""
_LEARN_S = 180.0
"""Longest time that is kept for learning."""
_SPEED_S = 0.06


class EncoderCounter:
    """Counts on one cable. A movement is told when it is over, and once the range is known (see `provisional`).

    Args:
        load_direction: ``concentric_first`` or ``eccentric_first``, of the exercise file.
        shortest_s, longest_s, longest_pause_s: tempo limits of the exercise file, s.
        minimal: share of the person's own range that a repetition needs.
        range_m: way of a full repetition if known from an earlier set, m; NaN = learned from the first two.
        direction: 1 if the way out of the start position raises the reading, -1 if it lowers it, 0 = learned.

    Raises:
        KineCueError: a value that cannot be.
    """

    def __init__(
        self,
        load_direction: str = "concentric_first",
        shortest_s: float = 0.4,
        longest_s: float = 25.0,
        longest_pause_s: float = 6.0,
        minimal: float = 0.65,
        range_m: float = math.nan,
        direction: int = 0,
    ) -> None:
        if load_direction not in ("concentric_first", "eccentric_first"):
            raise KineCueError(
                f"EncoderCounter: load_direction must be concentric_first or eccentric_first, got {load_direction!r}"
            )
        if not 0.0 < shortest_s < longest_s or not longest_pause_s > 0.0:
            raise KineCueError(
                "EncoderCounter: tempo must have 0 < shortest_s < longest_s and longest_pause_s > 0, got "
                f"{shortest_s}, {longest_s}, {longest_pause_s}"
            )
        if not 0.3 <= minimal <= 0.95:
            raise KineCueError(f"EncoderCounter: minimal must be 0.3 to 0.95, got {minimal}")
        if range_m <= 0.0 or math.isinf(range_m):
            raise KineCueError(f"EncoderCounter: range_m must be positive or NaN, got {range_m}")
        if direction not in (-1, 0, 1):
            raise KineCueError(f"EncoderCounter: direction must be -1, 0 or 1, got {direction}")
        self._cycle = HandleCycle(
            load_direction == "eccentric_first", shortest_s, longest_s, longest_pause_s, minimal
        )
        self._given_range, self._given_direction = range_m, direction
        self._track = HandleTrack()
        self.reset()

    def reset(self) -> None:
        """Another exercise or person: everything is forgotten but what was given to `__init__`."""
        self._track.reset()
        self._cycle.habit = None
        self._direction = self._given_direction
        self._sensed_ns = self._valid_ns = 0
        self._forget()

    def _forget(self) -> None:
        """Where the handle was."""
        self._cycle.forget()
        self._turns = Turns()

    # --- what is known now ---

    @property
    def position_m(self) -> float:
        """Newest position, continuous over restarts of the counter, m; NaN before the first."""
        return self._cycle.nodes[-1].position_m if self._cycle.nodes else math.nan

    @property
    def speed_m_s(self) -> float:
        """Newest speed as the sensor's sign has it, about 70 ms old, m/s; NaN if not known."""
        return self._cycle.speed

    @property
    def stamp_ns(self) -> int:
        """Machine time of `position_m`; 0 before the first."""
        return self._cycle.nodes[-1].stamp_ns if self._cycle.nodes else 0

    @property
    def healthy(self) -> bool:
        """There are readings that can be believed: none missing for 0.3 s, not frozen in mid-movement."""
        if not self._cycle.nodes or self._track.frozen:
            return False
        return self._sensed_ns - self._valid_ns <= _SILENT_S * _NS

    @property
    def under_way(self) -> bool:
        """A movement has begun and not ended."""
        return self._cycle.under_way

    @property
    def phase(self) -> Phase:
        """Where in the movement."""
        return self._cycle.phase

    @property
    def provisional(self) -> int:
        """Movements held back until the range is known: normally the first one of a set, until the second is over."""
        if self._cycle.habit is not None:
            return 0
        return sum(e.range >= SHORTEST_M for e in self._turns.excursions(self._direction or 1))

    @property
    def range_m(self) -> float:
        """Way of a full repetition, m; NaN while it is not known."""
        return self._cycle.habit.range_m if self._cycle.habit else self._given_range

    @property
    def direction(self) -> int:
        """As in `HandleRepetition`; 0 while it is not known."""
        return self._cycle.habit.direction if self._cycle.habit else self._direction

    # --- samples ---

    def update(self, sample: EncoderSample) -> tuple[HandleRepetition, ...]:
        """A sample in the order of arrival; returns the movements of which it tells the end."""
        self._cycle.side = sample.side
        self._sensed_ns = max(self._sensed_ns, sample.stamp_ns)
        if not sample.valid:
            return self.tick(sample.stamp_ns)
        nodes = self._track.add(sample.stamp_ns, sample.position_m)
        finished: list[HandleRepetition] = []
        if self._track.broken:
            finished += self._lost()
        self._sensed_ns = self._valid_ns = max(self._track.newest_ns, 1)
        for node in nodes:
            self._node(node, finished)
        return tuple(finished)

    def tick(self, stamp_ns: int) -> tuple[HandleRepetition, ...]:
        """Time goes on without readings, by the machine's clock; what is under way is broken off after a long silence."""
        self._sensed_ns = max(self._sensed_ns, stamp_ns)
        if self._cycle.nodes and self._sensed_ns - self._valid_ns > _GAP_S * _NS:
            return tuple(self._lost())
        return ()

    def finish(self) -> tuple[HandleRepetition, ...]:
        """The set is over: what is held back is decided now. The range stays known."""
        finished: list[HandleRepetition] = []
        for node in self._track.flush():
            self._node(node, finished)
        if self._cycle.habit is None:
            habit = learn_from_one(self._turns, self._cycle.eccentric_first, self._direction)
            if habit is not None:
                self._replay(habit, finished)
        self._cycle.stop(RepetitionReason.NO_LOCKOUT, finished)
        self._track.reset()
        self._forget()
        return tuple(finished)

    def _lost(self) -> list[HandleRepetition]:
        """No reading for long, or the clock was set."""
        finished: list[HandleRepetition] = []
        self._cycle.stop(RepetitionReason.UNCERTAIN, finished)
        self._forget()
        return finished

    def _node(self, node: Node, finished: list[HandleRepetition]) -> None:
        cycle = self._cycle
        cycle.nodes.append(node)
        self._measure_speed()
        if cycle.habit is not None:
            before = cycle.state
            cycle.step(node, finished)
            if cycle.strange:
                self._learn_anew()
            elif cycle.state is State.AWAY and before is not State.AWAY:
                self._turns = Turns()
        # who repeats something away from the start position does another exercise, or stands elsewhere
        if cycle.habit is None or cycle.state is State.AWAY:
            self._learn(node, finished)

    def _measure_speed(self) -> None:
        nodes = self._cycle.nodes
        last = nodes[-1]
        i = len(nodes) - 1
        while i > 0 and last.stamp_ns - nodes[i].stamp_ns < _SPEED_S * _NS:
            i -= 1
        elapsed = (last.stamp_ns - nodes[i].stamp_ns) / _NS
        known = 0.0 < elapsed < 4.0 * _SPEED_S
        self._cycle.speed = (last.position_m - nodes[i].position_m) / elapsed if known else math.nan

    # --- learning ---

    def _learn(self, node: Node, finished: list[HandleRepetition]) -> None:
        nodes = self._cycle.nodes
        if node.stamp_ns - nodes[0].stamp_ns > _LEARN_S * _NS:
            del nodes[: len(nodes) // 2]
        if not self._turns.add(node.stamp_ns, node.position_m):
            return
        habit = learn(self._turns, self._cycle.eccentric_first, self._direction)
        if habit is None and self._cycle.habit is None and math.isfinite(self._given_range):
            habit = self._known_range()
        if habit is not None:
            self._replay(habit, finished)

    def _known_range(self) -> Habit | None:
        """With a range from an earlier set a single movement tells the rest."""
        for direction in (self._direction,) if self._direction else (1, -1):
            for e in self._turns.excursions(direction):
                if abs(e.range - self._given_range) <= (1.0 - self._cycle.minimal) * self._given_range:
                    return Habit(direction, e.base, self._given_range)
        return None

    def _replay(self, habit: Habit, finished: list[HandleRepetition]) -> None:
        """What was recorded while learning, with what was learned."""
        nodes = self._cycle.nodes
        self._turns = Turns()
        self._cycle.start(habit)
        for node in nodes:
            self._cycle.nodes.append(node)
            self._measure_speed()
            self._cycle.step(node, finished)

    def _learn_anew(self) -> None:
        # in the middle of things nobody sees where it began, but the wiring is as it was
        self._direction = self.direction
        nodes = self._cycle.nodes
        self._cycle.habit = None
        self._forget()
        self._cycle.nodes = nodes
