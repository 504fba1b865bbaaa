"""The supervisor: opens, reads, opens again, and survives whatever a driver or its listener does."""

from __future__ import annotations

import math
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.machine.drivers.base import DriverCounts, DriverError, DriverLost, no_reading
from kinecue.machine.drivers.supervisor import Link, Supervisor
from kinecue.machine.drivers.tally import Tally
from kinecue.machine.samples import CableSide

PATIENCE_S = 60.0


def sample(stamp_ns=0, side=CableSide.NONE):
    return no_reading(stamp_ns, side)[1]


def wait(condition, what="it"):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, f"{what} did not happen"
        time.sleep(0.002)


class Scripted:
    """A driver that does what a list says, one entry a call; afterwards it gives samples for ever."""

    name = "scripted"

    def __init__(self, opens=(), reads=(), patience_s=math.inf):
        self.counts = DriverCounts()
        self.patience_s = patience_s
        self.opens, self.reads = list(opens), list(reads)
        self.opened, self.closed, self.times = 0, 0, []
        self.threads = set()

    def open(self):
        self.threads.add(threading.get_ident())
        self.times.append(time.monotonic())
        act = self.opens.pop(0) if self.opens else None
        if isinstance(act, Exception):
            raise act
        self.opened += 1

    def read(self, now_ns):
        self.threads.add(threading.get_ident())
        time.sleep(0.001)
        act = self.reads.pop(0) if self.reads else [sample(now_ns)]
        if isinstance(act, Exception):
            raise act
        return act

    def close(self):
        self.closed += 1


def run(driver, until, **options):
    """Run a supervisor until something holds of it."""
    options = {"first_wait_s": 0.001, "longest_wait_s": 0.01, **options}
    supervisor = Supervisor(driver, options.pop("deliver", lambda samples: None), **options)
    supervisor.start()
    try:
        wait(lambda: until(supervisor), "what was waited for")
        return supervisor.state
    finally:
        supervisor.stop()


def test_reads_until_it_is_stopped_in_one_thread_of_its_own():
    got = []
    driver = Scripted()
    supervisor = Supervisor(driver, got.extend)
    supervisor.start()
    supervisor.start()
    wait(lambda: len(got) > 5)
    supervisor.stop()
    supervisor.stop()
    count = len(got)
    time.sleep(0.02)
    assert len(got) == count
    assert driver.threads != {threading.get_ident()} and len(driver.threads) == 1
    assert driver.closed == 1
    assert supervisor.state.link == Link.STOPPED
    supervisor.start()
    wait(lambda: len(got) > count, "starting again")
    supervisor.stop()


def test_waits_longer_from_try_to_try_up_to_a_limit():
    driver = Scripted([DriverError("not there")] * 6)
    state = run(
        driver, lambda s: s.state.connections, first_wait_s=0.02, longest_wait_s=0.08, on_link=lambda s: None
    )
    gaps = [b - a for a, b in zip(driver.times[:-1], driver.times[1:], strict=True)]
    for gap, least in zip(gaps, (0.02, 0.04, 0.08, 0.08, 0.08, 0.08), strict=True):
        assert gap >= least
    assert state.reconnections == 0


def test_the_error_is_told_while_it_cannot_be_opened():
    supervisor = Supervisor(
        Scripted([DriverError("no such port")] * 10_000), lambda s: None, first_wait_s=0.001
    )
    supervisor.start()
    wait(lambda: supervisor.state.tries > 2)
    state = supervisor.state
    assert (state.link, state.error) == (Link.CONNECTING, "no such port")
    supervisor.stop()


def test_comes_back_after_a_loss_and_counts_it():
    links = []
    driver = Scripted(
        [None, DriverError("gone"), DriverError("gone")], [[sample()], DriverLost("pulled out")]
    )
    state = run(driver, lambda s: s.state.connections == 2, on_link=links.append)
    assert [s.link for s in links if s.link != Link.STOPPED][:3] == [
        Link.CONNECTING,
        Link.CONNECTED,
        Link.LOST,
    ]
    assert any(s.error == "pulled out" for s in links)
    assert (state.reconnections, state.lost, state.tries, state.error) == (1, 1, 0, "")
    assert state.last_outage_s > 0.0


@pytest.mark.parametrize("where", ["opens", "reads"])
def test_an_error_that_a_driver_must_not_raise_is_told_and_got_over(where):
    told = []
    driver = Scripted(**{where: [ZeroDivisionError("a bug")]})
    run(driver, lambda s: s.state.link == Link.CONNECTED and s.state.streams, report=told.append)
    assert [type(error) for error in told] == [ZeroDivisionError]


def test_an_error_of_the_listener_does_not_stop_the_reading():
    told, got = [], []

    def deliver(samples):
        got.extend(samples)
        raise ValueError("cannot publish")

    state = run(Scripted(), lambda s: len(got) > 5, deliver=deliver, report=told.append)
    assert len(told) >= 5 and state.lost == 0


def test_a_driver_that_cannot_be_closed_is_told():
    told = []
    driver = Scripted()

    def close():
        raise OSError("stuck")

    driver.close = close
    run(driver, lambda s: s.state.streams, report=told.append)
    assert told and isinstance(told[0], OSError)


def test_silence_beyond_patience_is_a_loss():
    driver = Scripted(reads=[[]] * 200, patience_s=0.02)
    run(driver, lambda s: s.state.lost >= 1 and s.state.streams)
    patient = Scripted(reads=[[]] * 100)
    assert run(patient, lambda s: s.state.streams).lost == 0


def test_a_driver_that_does_not_come_back_is_told(monkeypatch):
    from kinecue.machine.drivers import supervisor as module

    monkeypatch.setattr(module, "_STOP_S", 0.05)
    let_go = threading.Event()
    driver = Scripted()

    def hang(now_ns):
        let_go.wait(PATIENCE_S)
        return []

    driver.read = hang
    supervisor = Supervisor(driver, lambda s: None)
    supervisor.start()
    wait(lambda: supervisor.state.link == Link.CONNECTED)
    with pytest.raises(DriverError, match="could not be ended"):
        supervisor.stop()
    let_go.set()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(["open", "samples", "nothing", "lost", "bug", "cannot"]), max_size=20))
def test_whatever_happens_it_connects_in_the_end(story):
    opens = [DriverError("x") if s == "cannot" else None for s in story if s in ("open", "cannot")]
    acts = {"samples": [sample()], "nothing": [], "lost": DriverLost("x"), "bug": KeyError("x")}
    reads = [acts[s] for s in story if s in acts]
    driver = Scripted(opens, reads)
    state = run(driver, lambda s: not driver.reads and s.state.link == Link.CONNECTED and s.state.streams)
    assert state.lost == sum(isinstance(act, Exception) for act in reads)
    assert state.connections == state.lost + 1
    assert driver.closed >= driver.opened


def test_tally_counts_gaps_order_and_rates_by_stream():
    tally = Tally()
    ms = 1_000_000
    stamps = [0, 10, 20, 20, 15, 30, 250, 260]
    tally.add([sample(s * ms, CableSide.LEFT) for s in stamps], time.monotonic())
    tally.add([sample(5 * ms, CableSide.RIGHT)], time.monotonic())
    left, right = tally.read()
    assert (left.name, right.name) == ("left encoder", "right encoder")
    assert (left.count, right.count) == (8, 1)
    assert left.disordered == 2
    assert left.drop_outs == 1
    assert left.longest_gap_s == pytest.approx(0.22)
    assert left.silent_s >= 0.0
