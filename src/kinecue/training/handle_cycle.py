"""The state machine of a handle whose start position, range and direction are known.

A movement leaves the start position, goes at least `minimal` of the person's own range out and comes back. All else is
told apart by what is missing, in the words of the camera's state machine (`kinecue.exercise.phases`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from enum import Enum
from statistics import median

from kinecue.exercise.results import Phase, RepetitionReason, RepetitionStatus
from kinecue.machine.samples import CableSide
from kinecue.training.handle import Node
from kinecue.training.handle_range import REST_M, REST_S, SHORTEST_M, Habit
from kinecue.training.handle_repetition import HandleRepetition, measure

_NS = 1_000_000_000
_LEFT = 0.18
"""Farther than this share of the range from the start position is a movement."""
_RETURNED = 0.12
"""Nearer than this is back."""
_TURNED_IN_START = 0.35
"""Who turns round nearer than this has come back, without a stop."""
_NOTHING = 0.25
"""A movement of less than this share of the range is a fidget, and not told."""
_TURN = 0.1
"""Share of the range to come back from the farthest point before it was one."""
_SINK = 0.12
"""Share of the range to go out again before the way back was broken off."""
_LOCKOUT = 0.4
"""Going back by this share of the way out and then out again lacks the lock-out; less is a hitch on the way."""
_BELOW = 0.3
"""So far beyond the start position (share of the range) the handle is on its way from or to the machine."""
_TOO_FAR = 1.5
"""A way out of so many times the range is that to the machine: a belt that is taken off in a squat goes there."""
_RESTED = 0.6
"""At rest after coming back this share of the way out is back, wherever that is: people take a step."""
_LIFTED = 0.6
"""Who lifted by less than this of the way, stood, and never arrived, failed."""
_TRIMMED = 0.7
"""A movement is measured without its first and last 3 %, which at minimal jerk is so much of its time."""
_SETTLE_S, _SETTLE_SHARE = 0.3, 0.25
"""After coming back, wait so long (or this share of the movement's time) for it to end before saying so."""
_STOPPED = 0.15
"""Slower than this many ranges in the time of the movement is the end of it: a tenth of its mean speed."""
_REST_BAND = 0.03
"""Share of the range within which readings are at rest."""
_SLOW = 1.3
"""A lift that took so many times as long as full ones and did not arrive was meant to be one."""
_KEPT_S = 4.0
"""Nodes before a movement that are kept."""
_START_FOLLOWS = 0.5
"""Share by which the start position follows the newest return."""
_UNLIKE = 3
"""So many movements in a row that are no repetitions: it is another exercise, and is learned anew."""


class State(Enum):
    """Where in the movement."""

    LEARNING = "learning"
    AWAY = "not in the start position yet"
    START = "start position"
    OUT = "way out"
    BACK = "way back"
    SETTLING = "coming to rest in the start position"


class HandleCycle:
    """Phases and movements of a handle whose habit is known.

    `habit` and `nodes` belong to whoever feeds it; a movement that ends is appended to a list that is handed in.

    Args:
        eccentric_first: the way out lowers the load.
        shortest_s, longest_s, longest_pause_s: tempo limits, s.
        minimal: share of the person's own range that a repetition needs.
    """

    def __init__(
        self,
        eccentric_first: bool,
        shortest_s: float,
        longest_s: float,
        longest_pause_s: float,
        minimal: float,
    ) -> None:
        self.eccentric_first = eccentric_first
        self._shortest_s, self._longest_s, self._pause_s = shortest_s, longest_s, longest_pause_s
        self.minimal = minimal
        self.side = CableSide.NONE
        self.habit: Habit | None = None
        self._slowness: list[float] = []
        self.forget()

    def forget(self) -> None:
        """Where the handle was; the habit stays."""
        self.nodes: list[Node] = []
        self.speed = math.nan
        self.state = State.AWAY
        self.strange = False
        """Nothing that the handle does fits the habit: it is to be learned anew."""
        self._unlike = 0
        self._begin_at = 0
        self._clear()

    def start(self, habit: Habit) -> None:
        """From here on with this habit."""
        self.habit = habit
        self.nodes = []
        self.state = State.AWAY
        self.strange = False
        self._unlike = 0
        self._clear()

    @property
    def under_way(self) -> bool:
        """A movement has begun and not ended."""
        return self.state in (State.OUT, State.BACK, State.SETTLING)

    def stop(self, reason: RepetitionReason, finished: list[HandleRepetition]) -> None:
        """Nothing more will be seen."""
        over = self.state is State.BACK and reason is RepetitionReason.NO_LOCKOUT and self._back_by(_RESTED)
        if self.state is State.SETTLING or over:
            self._complete(finished)
        elif self.under_way:
            self._break_off(reason, finished)

    def _clear(self) -> None:
        self._before = math.nan
        self._peak = self._turn_peak = -math.inf
        self._valley, self._valley_ns = math.inf, 0
        self._hitches = 0
        self._rest_level, self._rest_from = math.nan, 0
        self._settling_from = 0

    # --- what is known now ---

    @property
    def phase(self) -> Phase:
        """Where in the movement."""
        habit = self.habit
        if not self.nodes:
            return Phase.UNKNOWN
        if habit is None:
            return Phase.SETUP
        out, back = Phase.CONCENTRIC, Phase.ECCENTRIC
        if self.eccentric_first:
            out, back = back, out
        y = habit.direction * self.nodes[-1].position_m
        if self.state is State.AWAY:
            return Phase.SETUP
        if self.state is State.START:
            return Phase.SETUP if y < habit.start - _BELOW * habit.range_m else Phase.TOP
        if self.state is State.SETTLING:
            return back
        if self._resting(REST_S):
            return Phase.BOTTOM if y >= habit.start + self.minimal * habit.range_m else Phase.HOLD
        turned = habit.direction * self.speed < -_TURN * habit.range_m
        return out if self.state is State.OUT and not turned else back

    def step(self, node: Node, finished: list[HandleRepetition]) -> None:
        """A node, which is the newest of `nodes`."""
        habit = self.habit
        if habit is None:
            return
        y = habit.direction * node.position_m
        self._follow_rest(node.stamp_ns, y)
        if self.state is State.AWAY:
            if y <= habit.start + _LEFT * habit.range_m:
                self.state = State.START
                self._trim(node.stamp_ns)
            return
        if self.state is State.START:
            if y > habit.start + _LEFT * habit.range_m:
                self._begin(habit, y)
            else:
                self._trim(node.stamp_ns)
            return
        if self.state is State.OUT:
            self._peak = max(self._peak, y)
            self._turn_peak = max(self._turn_peak, y)
            if self._turn_peak - y > max(_TURN * habit.range_m, 0.5 * SHORTEST_M / 2.0):
                self.state = State.BACK
                self._valley, self._valley_ns = y, node.stamp_ns
        if self.state is State.BACK:
            self._go_back(node, y, finished)
        elif self.state is State.SETTLING:
            self._settle(node, y, finished)
        if self.under_way:
            self._give_up(node, finished)

    def _follow_rest(self, stamp_ns: int, y: float) -> None:
        band = max(REST_M, _REST_BAND * self._range)
        if not abs(y - self._rest_level) <= band:
            self._rest_level, self._rest_from = y, stamp_ns

    @property
    def _range(self) -> float:
        return self.habit.range_m if self.habit else 0.0

    def _resting(self, seconds: float) -> bool:
        return bool(self.nodes) and self.nodes[-1].stamp_ns - self._rest_from >= seconds * _NS

    def _begin(self, habit: Habit, y: float) -> None:
        level, since = self._rest_level, self._rest_from
        nodes = self.nodes
        self._clear()
        self._rest_level, self._rest_from = level, since
        # it began where it last was lowest
        self._before = min(
            habit.direction * n.position_m for n in nodes if nodes[-1].stamp_ns - n.stamp_ns <= _KEPT_S * _NS
        )
        self._follow_start(habit, self._before)
        self._peak = self._turn_peak = y
        self.state = State.OUT
        self._begin_at = nodes[-1].stamp_ns

    def _follow_start(self, habit: Habit, level: float) -> None:
        """People wander."""
        if abs(level - habit.start) <= _TURNED_IN_START * habit.range_m:
            start = habit.start + _START_FOLLOWS * (level - habit.start)
            self.habit = Habit(habit.direction, start, habit.range_m)

    def _trim(self, stamp_ns: int) -> None:
        """Nodes before a movement are kept for a while."""
        nodes = self.nodes
        if len(nodes) > 64 and stamp_ns - nodes[0].stamp_ns > 2.0 * _KEPT_S * _NS:
            keep = next(i for i, n in enumerate(nodes) if stamp_ns - n.stamp_ns <= _KEPT_S * _NS)
            del nodes[:keep]

    def _base(self, habit: Habit) -> float:
        """Start position of the movement under way: where it began, if that is near the usual one."""
        before = self._before
        return before if abs(before - habit.start) <= _TURNED_IN_START * habit.range_m else habit.start

    def _back_by(self, share: float) -> bool:
        habit = self.habit
        if habit is None or not self._peak > self._base(habit):
            return False
        return self._peak - self._valley >= share * (self._peak - self._base(habit))

    def _go_back(self, node: Node, y: float, finished: list[HandleRepetition]) -> None:
        habit = self.habit
        if habit is None:
            return
        if y < self._valley:
            self._valley, self._valley_ns = y, node.stamp_ns
        elif y - self._valley > max(_SINK * habit.range_m, SHORTEST_M / 3.0):
            self._out_again(habit, y, finished)
            return
        if y <= habit.start + _RETURNED * habit.range_m:
            self.state, self._settling_from = State.SETTLING, node.stamp_ns
        elif self._resting(REST_S + 0.1) and self._back_by(_RESTED):
            self._complete(finished)

    def _out_again(self, habit: Habit, y: float, finished: list[HandleRepetition]) -> None:
        """On the way back it went out again: the next one, one without lock-out, or a hitch."""
        self.state, self._turn_peak = State.OUT, y
        in_start = self._valley <= habit.start + _TURNED_IN_START * habit.range_m
        if self._far_enough(habit):
            if not in_start and not self._back_by(_LOCKOUT):
                self._hitches += 1
                if self._hitches >= _UNLIKE:
                    self._close(RepetitionStatus.SETUP, RepetitionReason.NOT_IN_POSITION, finished)
                    self.strange = True
                return
            status = RepetitionStatus.VALID if in_start else RepetitionStatus.PARTIAL
            reason = RepetitionReason.NONE if in_start else RepetitionReason.NO_LOCKOUT
        elif in_start and self._back_by(_RESTED):
            status, reason = self._short(habit)
        else:
            return
        self._next(status, reason, y, finished)

    def _next(
        self,
        status: RepetitionStatus,
        reason: RepetitionReason,
        y: float,
        finished: list[HandleRepetition],
    ) -> None:
        """The movement ended at the valley, and the next one is under way."""
        valley, cut = self._valley, self._valley_ns
        self._close(status, reason, finished, cut)
        if self.habit is None:
            return
        self._follow_start(self.habit, valley)
        self._before = valley
        self._peak = self._turn_peak = y
        self.state = State.OUT
        self._begin_at = cut

    def _settle(self, node: Node, y: float, finished: list[HandleRepetition]) -> None:
        """Wait for the movement to end before saying so."""
        habit = self.habit
        if habit is None:
            return
        if y < self._valley:
            self._valley, self._valley_ns = y, node.stamp_ns
        rises = y - self._valley > max(_SINK * habit.range_m, SHORTEST_M / 3.0)
        # who lowers slowly takes long for the last bit
        lasted = self._settling_from - self._begin_at
        waited = node.stamp_ns - self._settling_from >= max(_SETTLE_S * _NS, _SETTLE_SHARE * lasted)
        slow = abs(self.speed) < _STOPPED * habit.range_m * _NS / max(lasted, 1)
        if rises:
            self._next(*self._verdict(habit), y, finished)
        elif slow or waited:
            self._complete(finished)

    def _far_enough(self, habit: Habit) -> bool:
        return self._peak - self._base(habit) >= self.minimal * habit.range_m

    def _short(self, habit: Habit) -> tuple[RepetitionStatus, RepetitionReason]:
        """What a movement is that turned round too early and came back."""
        if self._before < habit.start - _BELOW * habit.range_m:
            return RepetitionStatus.SETUP, RepetitionReason.NOT_IN_POSITION
        if not self.eccentric_first and self._slowness:
            outward = (self._turned_ns(habit) - self._begin_at) / _NS
            if outward > _SLOW * median(self._slowness):
                return RepetitionStatus.FAILED, RepetitionReason.RANGE_TOO_SMALL
        return RepetitionStatus.PARTIAL, RepetitionReason.RANGE_TOO_SMALL

    def _turned_ns(self, habit: Habit) -> int:
        """When it was last near its farthest point."""
        near = self._peak - _REST_BAND * habit.range_m
        for node in reversed(self.nodes):
            if habit.direction * node.position_m >= near:
                return node.stamp_ns
        return self.nodes[-1].stamp_ns

    def _complete(self, finished: list[HandleRepetition]) -> None:
        """Back in the start position."""
        habit = self.habit
        if habit is None:
            return
        self._close(*self._verdict(habit), finished)

    def _verdict(self, habit: Habit) -> tuple[RepetitionStatus, RepetitionReason]:
        """Of a movement that has come back."""
        if not self._far_enough(habit):
            return self._short(habit)
        # the way out of a squat is also the way to the machine; that of a row is not
        if self.eccentric_first and self._peak - self._base(habit) > _TOO_FAR * habit.range_m:
            return RepetitionStatus.SETUP, RepetitionReason.NOT_IN_POSITION
        return RepetitionStatus.VALID, RepetitionReason.NONE

    def _give_up(self, node: Node, finished: list[HandleRepetition]) -> None:
        too_long = node.stamp_ns - self._begin_at > self._longest_s * _NS
        if too_long or self._resting(self._pause_s):
            self._break_off(RepetitionReason.TOO_SLOW, finished)

    def _break_off(self, reason: RepetitionReason, finished: list[HandleRepetition]) -> None:
        habit = self.habit
        if habit is None:
            return
        if not self._far_enough(habit):
            early = reason is RepetitionReason.TOO_SLOW
            status = RepetitionStatus.SETUP if early else RepetitionStatus.ABANDONED
            reason = RepetitionReason.NOT_IN_POSITION if early else reason
        elif reason is not RepetitionReason.UNCERTAIN and self.eccentric_first and self._tried(habit):
            status = RepetitionStatus.FAILED
        else:
            status = RepetitionStatus.ABANDONED
        self._close(status, reason, finished)

    def _tried(self, habit: Habit) -> bool:
        """The load was lifted a little, and no farther."""
        return self._hitches > 0 or (self.state is State.BACK and not self._back_by(_LIFTED))

    def _close(
        self,
        status: RepetitionStatus,
        reason: RepetitionReason,
        finished: list[HandleRepetition],
        cut_ns: int | None = None,
    ) -> None:
        habit = self.habit
        if habit is None or not self.nodes:
            return
        nodes = self.nodes if cut_ns is None else [n for n in self.nodes if n.stamp_ns <= cut_ns]
        first = self._first_of(habit, nodes)
        piece = nodes[first:]
        told = status is RepetitionStatus.VALID or self._peak - self._base(habit) > _NOTHING * habit.range_m
        if told and piece:
            movement = measure(
                [n.stamp_ns for n in piece],
                [n.position_m for n in piece],
                [n.bridged for n in piece],
                status,
                reason,
                base=self._base(habit),
                direction=habit.direction,
                eccentric_first=self.eccentric_first,
                side=self.side,
            )
            short = movement.end_ns - movement.start_ns < _TRIMMED * self._shortest_s * _NS
            if status is RepetitionStatus.VALID and short:
                status = RepetitionStatus.SETUP
                movement = _renamed(movement, status, RepetitionReason.TOO_FAST)
            finished.append(movement)
            if status is RepetitionStatus.VALID:
                self._adapt(habit, movement)
        end = self._valley_ns or self.nodes[-1].stamp_ns
        level, since = self._rest_level, self._rest_from
        self.nodes = [n for n in self.nodes if n.stamp_ns >= end]
        self._clear()
        self._rest_level, self._rest_from = level, since
        back = self.nodes[-1].position_m * habit.direction <= habit.start + _TURNED_IN_START * habit.range_m
        self.state = State.START if back or cut_ns is not None else State.AWAY
        self._watch(status)

    def _first_of(self, habit: Habit, nodes: list[Node]) -> int:
        """Index of the node where the movement leaves the start position for good, and a little before."""
        begin = next((i for i, n in enumerate(nodes) if n.stamp_ns >= self._begin_at), 0)
        base = max(self._before, habit.start - _BELOW * habit.range_m)
        level = base + 0.02 * habit.range_m
        while begin > 0 and habit.direction * nodes[begin].position_m > level:
            begin -= 1
        start = nodes[begin].stamp_ns
        while begin > 0 and start - nodes[begin].stamp_ns < 0.1 * _NS:
            begin -= 1
        return begin

    def _adapt(self, habit: Habit, movement: HandleRepetition) -> None:
        """A larger range is the better one; a smaller one is fatigue, and no reason to ask for less."""
        self._slowness.append((movement.turn_ns - movement.start_ns) / _NS)
        del self._slowness[:-5]
        range_m = habit.range_m
        if movement.range_m > range_m:
            much = movement.range_m > _TOO_FAR * range_m  # it was learned from movements that were not full
            range_m += (1.0 if much else 0.5) * (movement.range_m - range_m)
        start = habit.start
        if self._valley > start + _TURNED_IN_START * range_m:
            start = self._valley  # a step towards the machine
        self.habit = Habit(habit.direction, start, range_m)

    def _watch(self, status: RepetitionStatus) -> None:
        """Movements that are all unlike the habit are another exercise."""
        self._unlike = 0 if status is RepetitionStatus.VALID else self._unlike + 1
        self.strange = self.strange or self._unlike >= _UNLIKE


def _renamed(
    movement: HandleRepetition, status: RepetitionStatus, reason: RepetitionReason
) -> HandleRepetition:
    return replace(movement, status=status, reason=reason)
