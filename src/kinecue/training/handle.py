"""The track of one cable's handle: samples put in order, averaged, cleaned and bridged.

What an encoder sends is late, doubled, out of order, lost for a while, frozen in mid-movement, and sometimes its counter
begins anew. `HandleTrack` makes nodes of it that are 5 ms or more apart and rise in time, on one continuous scale:

- Samples are sorted into slots of `BIN_S` and wait `WAIT_S` for late ones. A slot's mean of stamps and positions is a node,
  so a jitter of the stamps averages out instead of making speed.
- A reading that goes farther than an arm can (`FASTEST_M_S`) waits for those after it. If they go on from the old level it
  was a spike. If they stay, either the counter began anew (the scale is shifted so that the track goes on), or readings
  had been frozen while the handle moved: readings that stopped dead at speed are held back for that case and are then
  treated as missing.
- Over a gap in which the handle turned round, the turning point is put where a cubic through both ends and their
  speeds has it (Hermite); over other gaps nothing is invented.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

_NS = 1_000_000_000
BIN_S = 0.005
"""No lift changes its speed in so short a time."""
WAIT_S = 0.04
"""For late samples: twice what a bus with retries takes, and not yet felt by a listener."""
FASTEST_M_S = 5.0
"""Of a hand at a handle that is loaded; a thrown ball is faster, a cable attachment is not."""
_SLACK_M = 0.03
"""A step that is always allowed: jerk of a cable that tightens, noise, stamps that jitter by 5 ms at full speed."""
_STEP_M, _HARDEST_M_S2 = 0.02, 80.0
"""A handle changes its speed no faster than a thrown ball does; the step is noise, and stamps that jitter."""
_SETTLED = 4
"""Nodes that have to agree on a new level."""
_BREAK_S = 2.0
"""A stamp so far from the others is a clock that was set, or a fault, or silence."""
_CONFIRM = 3
"""Samples in a row that confirm a clock that was set."""
_DEAD_M_S = 0.12
"""Readings that stop dead from this speed, in one node, did not stop by an arm."""
_DEAD_NODES = 4
_FROZEN_MOST_S = 1.6
"""Held back for so long; what stands still for longer is at rest, or its sensor has failed and healthy says so."""
_GAP_S = 0.06
"""More than between two samples at 50 Hz, with one lost."""
_BRIDGE_S = 0.75
"""Longest gap over which a turning point is estimated: the error of the cubic grows with the gap squared."""
_SPEED_NODES = 6
_ZERO_M = 0.02
"""A counter that begins anew shows nothing but the way since."""


@dataclass(frozen=True)
class Node:
    """A point of the track.

    Attributes:
        stamp_ns: by the machine's clock.
        position_m: continuous, sign of the sensor.
        bridged: estimated, not measured.
    """

    stamp_ns: int
    position_m: float
    bridged: bool = False


class HandleTrack:
    """Turns samples in the order of arrival into nodes in the order of time."""

    def __init__(self) -> None:
        self.restarts = 0
        """How often the counter began anew."""
        self.spikes = 0
        self.freezes = 0
        self.reset()

    def reset(self) -> None:
        """Forget the track; the counts of what went wrong stay."""
        self._slots: dict[int, list[float]] = {}
        self._newest_slot = -1
        self._closed = -1
        self._newest_ns = 0
        self._strange: list[int] = []
        self._shift = 0.0
        self._last: Node | None = None
        self._changed_ns = 0
        self._pending: list[tuple[int, float]] = []
        self._dead: list[Node] = []
        self._held: list[Node] = []
        self._before: tuple[Node, float] | None = None
        self._carried = 0.0
        self._recent: deque[Node] = deque(maxlen=_SPEED_NODES)
        self.broken = False
        """The last call began a new track: the clock was set, or there was a long silence."""

    @property
    def newest_ns(self) -> int:
        """Newest stamp that was believed; 0 before the first."""
        return self._newest_ns

    @property
    def frozen(self) -> bool:
        """Readings stopped dead in mid-movement and have not gone on."""
        return len(self._dead) >= _DEAD_NODES

    def add(self, stamp_ns: int, position_m: float) -> list[Node]:
        """A reading; returns the nodes that it completes, oldest first. `broken` tells whether they begin a new track."""
        self.broken = False
        if not math.isfinite(position_m):
            return []
        if (
            self._newest_ns
            and abs(stamp_ns - self._newest_ns) > _BREAK_S * _NS
            and not self._accept(stamp_ns)
        ):
            return []
        slot = stamp_ns // round(BIN_S * _NS)
        if slot <= self._closed:
            return []
        at = self._slots.get(slot)
        if at is None:
            self._slots[slot] = [
                1.0,
                float(stamp_ns - slot * round(BIN_S * _NS)),
                position_m,
                position_m,
                position_m,
            ]
        else:
            at[0] += 1.0
            at[1] += stamp_ns - slot * round(BIN_S * _NS)
            at[2] += position_m
            at[3] = min(at[3], position_m)
            at[4] = max(at[4], position_m)
        self._newest_ns = max(self._newest_ns, stamp_ns)
        if slot <= self._newest_slot:
            return []
        self._newest_slot = slot
        return self._close(slot - round(WAIT_S / BIN_S))

    def flush(self) -> list[Node]:
        """No more will come: what waits is given out."""
        nodes = self._close(self._newest_slot)
        self._pending = []
        nodes += self._release(self._dead)
        self._dead = []
        if self._held:
            nodes += self._out_of_gap()
        return nodes

    def _accept(self, stamp_ns: int) -> bool:
        """Whether a stamp far from all others is true: the ones after it must go on from it."""
        if self._strange and not 0 <= stamp_ns - self._strange[-1] <= _BREAK_S * _NS:
            self._strange = []
        self._strange.append(stamp_ns)
        if len(self._strange) < _CONFIRM:
            return False
        self.reset()
        self.broken = True
        return True

    def _close(self, until: int) -> list[Node]:
        nodes: list[Node] = []
        width = round(BIN_S * _NS)
        for slot in sorted(key for key in self._slots if key <= until):
            n, stamps, positions, low, high = self._slots.pop(slot)
            self._closed = slot
            # a counter that began anew in the middle of a slot makes a mean that never was
            if high - low <= _SLACK_M + 2.0 * FASTEST_M_S * BIN_S:
                nodes += self._clean(slot * width + round(stamps / n), positions / n)
        self._closed = max(self._closed, until)
        return nodes

    # --- jumps ---

    def _clean(self, stamp_ns: int, raw_m: float) -> list[Node]:
        last = self._dead[-1] if self._dead else self._last
        if last is None:
            return self._take(Node(stamp_ns, raw_m + self._shift))
        if not self._pending:
            dt = (stamp_ns - last.stamp_ns) / _NS
            if abs(self._astray(last, stamp_ns, raw_m)) <= self._tolerance(dt):
                return self._take(Node(stamp_ns, raw_m + self._shift))
        self._pending.append((stamp_ns, raw_m))
        if len(self._pending) < _SETTLED:
            return []
        pending, self._pending = self._pending, []
        return self._judge(last, pending)

    def _astray(self, last: Node, stamp_ns: int, raw_m: float) -> float:
        """How far a reading is from where the handle was going, m."""
        speed = 0.0 if self._dead else self._speed()
        return raw_m + self._shift - last.position_m - speed * (stamp_ns - last.stamp_ns) / _NS

    def _tolerance(self, dt: float) -> float:
        """How far a handle can be from where it was going, after a time in s, m."""
        far = _SLACK_M + FASTEST_M_S * dt
        if len(self._recent) < 3 and not self._dead:
            return far  # nobody knows where it was going
        return min(_STEP_M + 0.5 * _HARDEST_M_S2 * dt * dt, far)

    def _judge(self, last: Node, pending: list[tuple[int, float]]) -> list[Node]:
        """Readings after a strange one: back on the old track, or on a new one."""
        astray = [self._astray(last, t, raw) for t, raw in pending]
        times = [(t - last.stamp_ns) / _NS for t, _ in pending]
        near = [abs(off) <= self._tolerance(dt) for off, dt in zip(astray, times, strict=True)]
        together = max(astray) - min(astray) <= 2.0 * self._tolerance(times[-1] - times[0])
        if abs(median(astray)) > self._tolerance(median(times)) and together:
            return self._new_level(last, pending)
        if not any(near):
            # neither: it begins anew with the newest
            return self._new_level(last, pending[-1:])
        self.spikes += near.count(False)
        good = [Node(t, raw + self._shift) for (t, raw), keep in zip(pending, near, strict=True) if keep]
        return [n for node in good for n in self._take(node)]

    def _new_level(self, last: Node, pending: list[tuple[int, float]]) -> list[Node]:
        stamp_ns, raw = pending[0]
        still_s = (stamp_ns - self._changed_ns) / _NS
        way = abs(raw + self._shift - last.position_m)
        possible = still_s > 2.0 * _GAP_S and way <= _SLACK_M + FASTEST_M_S * still_s
        released: list[Node] = []
        if possible and (self._dead or abs(raw) > _ZERO_M):
            self.freezes += 1
        else:
            self.restarts += 1
            released = self._release(self._dead)
            before = self._last or last
            self._shift = before.position_m + self._speed() * (stamp_ns - before.stamp_ns) / _NS - raw
        self._dead = []
        self._carried = self._speed()
        self._recent.clear()
        return released + [n for t, x in pending for n in self._take(Node(t, x + self._shift))]

    def _take(self, node: Node) -> list[Node]:
        """A believed node: held back if it looks frozen."""
        last = self._last
        if last is None:
            self._changed_ns = node.stamp_ns
            return self._pass(node)
        if node.position_m != (self._dead[-1] if self._dead else last).position_m:
            self._changed_ns = node.stamp_ns
            released = self._release(self._dead)
            self._dead = []
            return released + self._pass(node)
        if self._dead or abs(self._speed()) > _DEAD_M_S:
            self._dead.append(node)
            if (node.stamp_ns - self._dead[0].stamp_ns) / _NS < _FROZEN_MOST_S:
                return []
            released = self._release(self._dead)
            self._dead = []
            return released
        return self._pass(node)

    def _release(self, nodes: list[Node]) -> list[Node]:
        return [n for node in nodes for n in self._pass(node)]

    def _speed(self) -> float:
        """Of the newest nodes, m/s."""
        recent = self._recent
        if len(recent) < 2:
            return 0.0
        first, last = recent[0], recent[-1]
        speed = (last.position_m - first.position_m) * _NS / max(last.stamp_ns - first.stamp_ns, 1)
        return min(max(speed, -FASTEST_M_S), FASTEST_M_S)

    # --- gaps ---

    def _pass(self, node: Node) -> list[Node]:
        last = self._last
        if last is not None and node.stamp_ns <= last.stamp_ns:
            return []
        self._last = node
        if self._held:
            self._held.append(node)
            self._recent.append(node)
            return self._out_of_gap() if len(self._held) >= _SPEED_NODES else []
        gap_s = (node.stamp_ns - last.stamp_ns) / _NS if last is not None else 0.0
        if last is not None and gap_s > _GAP_S:
            self._before = (last, self._speed() if len(self._recent) > 1 else self._carried)
            self._recent.clear()
            self._recent.append(node)
            if gap_s <= _BRIDGE_S:
                self._held = [node]
                return []
            return [node]
        self._recent.append(node)
        return [node]

    def _out_of_gap(self) -> list[Node]:
        held, self._held = self._held, []
        if self._before is None:
            return held
        (last, before), after = self._before, self._speed()
        gap_s = (held[0].stamp_ns - last.stamp_ns) / _NS
        # both ends move, and against one another: it turned round in between
        if len(held) < 3 or before * after >= 0.0 or min(abs(before), abs(after)) < _DEAD_M_S:
            return held
        bridge = []
        a, b = last.position_m, held[0].position_m
        for i in range(1, 8):
            s = i / 8.0
            x = (
                (2 * s**3 - 3 * s**2 + 1) * a
                + (s**3 - 2 * s**2 + s) * gap_s * before
                + (3 * s**2 - 2 * s**3) * b
                + (s**3 - s**2) * gap_s * after
            )
            bridge.append(Node(last.stamp_ns + round(s * gap_s * _NS), x, True))
        return [*bridge, *held]
