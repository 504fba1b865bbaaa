"""Samples at a steady rate, in the order in which they arrive."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from kinecue.body.errors import KineCueError
from kinecue.machine.samples import CableSample, EncoderSample
from kinecue.machine.simulated.motion import NANOSECONDS

if TYPE_CHECKING:
    from kinecue.machine.simulated.simulator import CableMachineSimulator

RATE_RANGE_HZ = (50.0, 1000.0)
BACKLOG_NS = 250_000_000
"""Samples that nobody fetched for so long are not made up for."""


class SampleStream:
    """Takes samples of one machine at a steady rate and hands them over when they arrive.

    Lost samples are missing, late ones come after their followers, some repeat the stamp of the one before.

    Args:
        machine: to be read.
        rate_hz: samples a second, 50 to 1000.
        start_ns: time of the first one.

    Raises:
        KineCueError: the rate is not allowed.
    """

    def __init__(self, machine: CableMachineSimulator, rate_hz: float, start_ns: int) -> None:
        low, high = RATE_RANGE_HZ
        if not low <= rate_hz <= high:
            raise KineCueError(f"machine: rate_hz must be {low:.0f} to {high:.0f}, got {rate_hz}")
        self._machine = machine
        self._rate = rate_hz
        self._start_ns = start_ns
        self._number = 0
        self._on_the_way: list[tuple[int, int, CableSample | None, EncoderSample | None]] = []

    def due(self, now_ns: int) -> list[tuple[CableSample | None, EncoderSample | None]]:
        """What has arrived since the last call; after a gap of more than 0.25 s only the newest of it.

        A clock that was set back begins the stream anew.
        """
        newest = self._time(self._number)
        if now_ns < newest - BACKLOG_NS:
            self._start_ns, self._number, self._on_the_way = now_ns, 0, []
        elif now_ns - newest > BACKLOG_NS:
            self._number = int((now_ns - self._start_ns) * self._rate / NANOSECONDS)
        return list(self._arrived(now_ns))

    def all(self, duration_s: float) -> Iterator[tuple[CableSample | None, EncoderSample | None]]:
        """Everything of a time, up to what arrives after its end."""
        for number in range(int(duration_s * self._rate)):
            yield from self._arrived(self._time(number))
        while self._on_the_way:
            yield heapq.heappop(self._on_the_way)[2:]

    def _arrived(self, now_ns: int) -> Iterator[tuple[CableSample | None, EncoderSample | None]]:
        while self._time(self._number) <= now_ns:
            self._take()
        while self._on_the_way and self._on_the_way[0][0] <= now_ns:
            yield heapq.heappop(self._on_the_way)[2:]

    def _time(self, number: int) -> int:
        return self._start_ns + round(number * NANOSECONDS / self._rate)

    def _take(self) -> None:
        number, machine = self._number, self._machine
        self._number += 1
        taken = self._time(number)
        cable, encoder = machine.read(taken, number)
        if number > 0 and machine.clock.repeats(number):
            stamp = machine.stamp(self._time(number - 1), number - 1)
            cable = replace(cable, stamp_ns=stamp) if cable else None
            encoder = replace(encoder, stamp_ns=stamp) if encoder else None
        if cable or encoder:
            heapq.heappush(self._on_the_way, (taken + machine.clock.delay_ns(number), number, cable, encoder))
