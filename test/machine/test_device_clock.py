"""The clock of a microcontroller: even spacing is kept, wraps and restarts are noticed."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kinecue.machine.drivers.base import DriverCounts
from kinecue.machine.drivers.device_clock import SETTLE_NS, DeviceClock

WRAP = (1 << 32) * 1000
MS = 1_000_000
BEGIN = 1_700_000_000 * 1000 * MS


class Clock:
    """A device clock and what comes out of it."""

    def __init__(self) -> None:
        self.counts = DriverCounts()
        self.clock = DeviceClock(WRAP, self.counts)

    def hear(self, device_ns: int, received_ns: int) -> int | None:
        """Stamp of a sample; None while the clock settles."""
        device = self.clock.take(device_ns % WRAP, received_ns)
        offset = self.clock.offset_ns
        return None if offset is None else device + offset


@given(
    st.integers(0, WRAP - 1),
    st.lists(st.integers(0, 8 * MS), min_size=60, max_size=120),
)
def test_stamps_are_as_even_as_the_device_made_them_and_at_the_least_delay(begin, delays):
    clock = Clock()
    stamps = [clock.hear(begin + i * 5 * MS, BEGIN + i * 5 * MS + delay) for i, delay in enumerate(delays)]
    assert clock.counts.restarts == 0
    known = [stamp for stamp in stamps if stamp is not None]
    assert len(known) >= len(delays) - 22
    assert {b - a for a, b in itertools.pairwise(known)} == {5 * MS}
    settled = next(i for i, stamp in enumerate(stamps) if stamp is not None)
    assert stamps[settled] == BEGIN + settled * 5 * MS + min(delays[: settled + 1])


def settled(begin_ns: int = 0) -> tuple[Clock, int]:
    """A clock that ran for 200 ms, and the device's time then."""
    clock = Clock()
    for i in range(41):
        clock.hear(begin_ns + i * 5 * MS, BEGIN + i * 5 * MS)
    return clock, begin_ns + 200 * MS


def test_drift_is_the_devices_own():
    clock = Clock()
    # 200 ppm too fast, for a minute
    stamps = [clock.hear(round(i * 10 * MS * 1.0002), BEGIN + i * 10 * MS) for i in range(6000)]
    assert clock.counts.restarts == 0
    late = stamps[-1] - (BEGIN + 5999 * 10 * MS)
    # less what it drifted while it settled
    assert abs(late - 5999 * 10 * MS * 0.0002) <= 0.0002 * SETTLE_NS


def test_a_device_that_was_switched_off_and_on_is_noticed_at_once():
    for begin in (700_000 * MS, 3_600_000 * MS):
        clock, _ = settled(begin)
        assert clock.hear(3 * MS, BEGIN + 205 * MS) is None
        assert clock.counts.restarts == 1
        for i in range(1, 40):
            stamp = clock.hear((3 + 5 * i) * MS, BEGIN + (205 + 5 * i) * MS)
        assert stamp == BEGIN + (205 + 5 * 39) * MS


def test_a_computer_that_stood_still_is_no_restart():
    clock, device = settled()
    arrived = BEGIN + 3200 * MS
    for i in range(1, 600):
        stamp = clock.hear(device + i * 5 * MS, max(arrived, BEGIN + 200 * MS + i * 5 * MS))
        assert stamp == BEGIN + 200 * MS + i * 5 * MS
    assert clock.counts.restarts == 0


def test_a_clock_of_this_computer_that_was_set_is_followed():
    for jump, wait in ((-3600 * 1000 * MS, 0), (3600 * 1000 * MS, 1010)):
        clock, device = settled()
        stamps = [
            clock.hear(device + i * 5 * MS, BEGIN + jump + 200 * MS + i * 5 * MS)
            for i in range(1, wait + 100)
        ]
        assert clock.counts.restarts == 1
        assert stamps[-1] == BEGIN + jump + 200 * MS + (wait + 99) * 5 * MS


def test_samples_of_two_cables_a_little_out_of_order_are_no_restart():
    clock, device = settled()
    assert clock.hear(device + 10 * MS, BEGIN + 210 * MS) == BEGIN + 210 * MS
    assert clock.hear(device + 8 * MS, BEGIN + 211 * MS) == BEGIN + 208 * MS
    assert clock.counts.restarts == 0


def test_lines_that_waited_in_a_buffer_settle_it_with_the_next_that_comes():
    clock = Clock()
    waited = [clock.hear(i * 5 * MS, BEGIN + 400 * MS) for i in range(60)]
    assert set(waited) == {None}
    # the newest of them lay there for 3 ms, this one comes at once
    assert clock.hear(60 * 5 * MS, BEGIN + 402 * MS) == BEGIN + 402 * MS
    assert clock.hear(61 * 5 * MS, BEGIN + 407 * MS) == BEGIN + 407 * MS
