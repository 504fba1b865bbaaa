"""Joint states of a drive (`ros2_control`) as samples of cables: position, velocity and effort of named joints."""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from kinecue.body.errors import ConfigError
from kinecue.machine.drivers.base import (
    READ_S,
    DriverCounts,
    Sample,
    encoder_of,
    not_pushing,
    side_of,
)
from kinecue.machine.samples import CableSample, CableSide

PUSHING_N = 20.0
"""More than that below zero is no noise of a drive at rest, but a sign that is the wrong way round."""
_BACKLOG = 4096
_CABLE = re.compile(
    r"\s*(?P<side>none|left|right)\s*=\s*(?P<joint>[^\s:,=]+)"
    r"(?:\s*:\s*(?P<metres>[^\s:,]+))?(?:\s*:\s*(?P<newtons>[^\s:,]+))?\s*"
)


@dataclass(frozen=True)
class JointCable:
    """Which joint moves which cable.

    Attributes:
        joint: its name in the joint states.
        side: of the cable.
        metres_per_unit: cable let out for each radian of a drum (its radius, m) or each metre of a linear joint, signed.
        newtons_per_effort: tension for each N m or N of effort, signed. The work that the joint does is the work that is
            done on it, so the default follows from `metres_per_unit`; its sign is that of a drive whose effort holds
            the cable back.
    """

    joint: str
    side: CableSide
    metres_per_unit: float = 1.0
    newtons_per_effort: float = math.nan

    @property
    def tension_per_effort(self) -> float:
        """N for each unit of effort."""
        if math.isfinite(self.newtons_per_effort):
            return self.newtons_per_effort
        return -1.0 / self.metres_per_unit


def joint_cables(text: str, source: str = "joints") -> tuple[JointCable, ...]:
    """The cables of a text such as ``left=drum_left:0.05, right=drum_right:-0.05:20``.

    Each is ``side=joint[:metres per radian or metre[:newtons per effort]]``.

    Raises:
        ConfigError: names the part that is wrong and what is allowed.
    """
    allowed = "side=joint[:metres_per_unit[:newtons_per_effort]], with side none, left or right"
    cables = []
    for part in filter(str.strip, text.split(",")):
        match = _CABLE.fullmatch(part)
        if match is None:
            raise ConfigError(source, part.strip(), f"is not of the form {allowed}")
        side = side_of(match["side"])
        if side is None:
            raise ConfigError(source, part.strip(), f"allowed: {allowed}")
        metres = _factor(match["metres"], 1.0, source, part)
        newtons = _factor(match["newtons"], math.nan, source, part)
        cables.append(JointCable(match["joint"], side, metres, newtons))
    if not cables:
        raise ConfigError(source, "", f"is empty, allowed: {allowed}; several with commas")
    sides = [cable.side for cable in cables]
    if len(set(sides)) != len(sides) or (len(sides) > 1 and CableSide.NONE in sides):
        raise ConfigError(source, text, "each side may be given once, and `none` only alone")
    return tuple(cables)


def _factor(text: str | None, default: float, source: str, part: str) -> float:
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value == 0.0:
        raise ConfigError(source, part.strip(), f"{text!r} is not allowed: a number that is not 0")
    return value


class JointStateDriver:
    """Turns joint states into samples. Whoever hears them calls `take`; that may be another thread than the one that reads.

    Args:
        cables: which joint is which cable.
        load_n: what the machine is set to; NaN = not known.
    """

    def __init__(self, cables: Sequence[JointCable], load_n: float = math.nan) -> None:
        self.name = "joint states of " + ", ".join(cable.joint for cable in cables)
        self.patience_s = math.inf
        self.counts = DriverCounts()
        self._cables = tuple(cables)
        self._load_n = load_n
        self._waiting: deque[tuple[Sample, ...]] = deque()
        self._lock = threading.Lock()
        self._came = threading.Event()

    def open(self) -> None:
        """Leave out what waited."""
        with self._lock:
            self._waiting.clear()
            self._came.clear()

    def read(self, now_ns: int) -> list[Sample]:
        """What was taken since the last call."""
        if not self._came.wait(READ_S):
            return []
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            self._came.clear()
        return [sample for group in waiting for sample in group]

    def close(self) -> None:
        """Nothing is held."""

    def take(
        self,
        names: Sequence[str],
        positions: Sequence[float],
        velocities: Sequence[float],
        efforts: Sequence[float],
        stamp_ns: int,
    ) -> None:
        """Hand over one message. Joints of others are left alone; a value that is missing is NaN.

        Args:
            names: of the joints.
            positions: rad or m, one for each name or none at all.
            velocities: rad/s or m/s, likewise.
            efforts: N m or N, likewise.
            stamp_ns: of the message.
        """
        for what, values in (("position", positions), ("velocity", velocities), ("effort", efforts)):
            if values and len(values) != len(names):
                self.counts.refuse(f"{len(values)} values of {what} for {len(names)} joints")
                return
        found: list[Sample] = []
        for cable in self._cables:
            if cable.joint in names:
                index = list(names).index(cable.joint)
                found.extend(
                    self._samples(
                        cable, stamp_ns, *(_at(values, index) for values in (positions, velocities, efforts))
                    )
                )
        if not found:
            missing = ", ".join(cable.joint for cable in self._cables)
            self.counts.refuse(f"none of {missing} among the joints {', '.join(names)[:80]}")
            return
        self.counts.received += 1
        with self._lock:
            if len(self._waiting) >= _BACKLOG:
                self._waiting.popleft()
                self.counts.lost += 1
            self._waiting.append(tuple(found))
            self._came.set()

    def _samples(
        self, cable: JointCable, stamp_ns: int, position: float, velocity: float, effort: float
    ) -> list[Sample]:
        way, speed = position * cable.metres_per_unit, velocity * cable.metres_per_unit
        tension = effort * cable.tension_per_effort
        if tension < -PUSHING_N:
            self.counts.refuse(
                f"effort of {cable.joint} makes a tension of {tension:.0f} N; "
                "give newtons_per_effort the other sign"
            )
            tension = math.nan
        samples: list[Sample] = []
        if math.isfinite(effort):
            samples.append(
                CableSample(
                    stamp_ns,
                    not_pushing(tension),
                    speed,
                    way,
                    load_n=self._load_n,
                    side=cable.side,
                    raw=effort,
                )
            )
        if math.isfinite(way):
            samples.append(encoder_of(stamp_ns, cable.side, None, way, speed))
        return samples


def _at(values: Sequence[float], index: int) -> float:
    value = float(values[index]) if len(values) else math.nan
    return value if math.isfinite(value) else math.nan
