"""Rates, pauses and order of the samples of each sensor."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from kinecue.machine.drivers.base import Sample
from kinecue.machine.samples import CableSample, CableSide

DROP_OUT_S = 0.1
"""A pause of so long is a drop-out: two samples of the slowest allowed rate and a slow computer's hiccup are shorter."""
_READ_S = 0.8
"""Rates over less than this jump about."""


@dataclass(frozen=True)
class StreamState:
    """One sensor of one cable.

    Attributes:
        sensor: ``cable`` or ``encoder``.
        side: which cable.
        count: samples so far.
        rate_hz: over about the last second.
        silent_s: since the last one arrived, s.
        drop_outs: pauses of more than `DROP_OUT_S` in the stamps.
        longest_gap_s: longest pause, s.
        disordered: samples whose stamp is not after that of the one before.
    """

    sensor: str
    side: CableSide
    count: int
    rate_hz: float
    silent_s: float
    drop_outs: int
    longest_gap_s: float
    disordered: int

    @property
    def name(self) -> str:
        """For people: ``left encoder``."""
        return self.sensor if self.side == CableSide.NONE else f"{self.side.name.lower()} {self.sensor}"


@dataclass
class _Stream:
    arrived: float = 0.0
    last_ns: int = 0
    count: int = 0
    told: int = 0
    rate: float = 0.0
    drop_outs: int = 0
    longest_ns: int = 0
    disordered: int = 0
    since: float = field(default_factory=time.monotonic)


class Tally:
    """Counts samples in one thread and tells of them in another."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, CableSide], _Stream] = {}
        self._lock = threading.Lock()

    def add(self, samples: Sequence[Sample], arrived_s: float) -> None:
        """Count samples that arrived at a monotonic time."""
        with self._lock:
            for sample in samples:
                key = ("cable" if isinstance(sample, CableSample) else "encoder", sample.side)
                stream = self._streams.get(key)
                if stream is None:
                    stream = self._streams[key] = _Stream(since=arrived_s)
                elif sample.stamp_ns > stream.last_ns:
                    gap = sample.stamp_ns - stream.last_ns
                    if gap > stream.longest_ns:
                        stream.longest_ns = gap
                    if gap > DROP_OUT_S * 1e9:
                        stream.drop_outs += 1
                else:
                    stream.disordered += 1
                stream.arrived = arrived_s
                stream.last_ns = sample.stamp_ns
                stream.count += 1

    def read(self) -> tuple[StreamState, ...]:
        """Each stream, with its rate since the last call."""
        now = time.monotonic()
        with self._lock:
            return tuple(
                self._told(key, stream, now)
                for key, stream in sorted(self._streams.items(), key=lambda item: (item[0][1], item[0][0]))
            )

    @staticmethod
    def _told(key: tuple[str, CableSide], stream: _Stream, now: float) -> StreamState:
        elapsed = now - stream.since
        if elapsed > _READ_S:
            stream.rate = (stream.count - stream.told) / elapsed
            stream.told, stream.since = stream.count, now
        return StreamState(
            key[0],
            key[1],
            stream.count,
            stream.rate,
            max(now - stream.arrived, 0.0),
            stream.drop_outs,
            stream.longest_ns * 1e-9,
            stream.disordered,
        )
