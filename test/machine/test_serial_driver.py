"""The serial driver on a real pseudo-terminal: two cables, noise, lines in pieces, unplugging."""

from __future__ import annotations

import itertools
import math
import random
import socket
import time

import pytest
import serial
from serial_device import SerialDevice

from kinecue.machine.drivers.base import DriverError, DriverLost
from kinecue.machine.drivers.line_protocol import encode, sentence
from kinecue.machine.drivers.serial_port import SerialDriver
from kinecue.machine.drivers.supervisor import Link, Supervisor
from kinecue.machine.samples import CableSample, CableSide, EncoderSample

PATIENCE_S = 60.0
SIDES = (CableSide.LEFT, CableSide.RIGHT)


@pytest.fixture
def device(tmp_path):
    made = SerialDevice(tmp_path / "machine")
    made.plug_in()
    yield made
    made.unplug()


@pytest.fixture
def driver(device):
    made = SerialDriver(str(device.port))
    made.open()
    yield made
    made.close()


def read_until(driver, count, send=lambda: None, now=time.time_ns):
    """All samples until there are so many."""
    got = []
    until = time.monotonic() + PATIENCE_S
    while len(got) < count:
        send()
        got += driver.read(now())
        assert time.monotonic() < until, f"{len(got)} of {count} samples, {driver.counts}"
    return got


def wait(condition, what="it"):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, f"{what} did not happen"
        time.sleep(0.005)


def line(side, number, clock_us=None):
    return encode(side, number, clock_us, 5 * number, 0.001 * number, 1.0, 100.0 + number)


def test_samples_of_two_cables_come_with_the_devices_even_stamps(device, driver):
    for i in range(300):
        device.send(line(CableSide.LEFT, i, 1000 * i) + line(CableSide.RIGHT, i, 1000 * i + 100))
        if i % 20 == 0:
            device_samples = driver.read(BEGIN + i * 1_000_000)
            assert all(abs(s.stamp_ns - BEGIN) < 1_000_000_000 for s in device_samples)
    got = []
    until = time.monotonic() + PATIENCE_S
    while driver.counts.received < 600:
        got += driver.read(BEGIN + 301_000_000)
        assert time.monotonic() < until
    for side in SIDES:
        ways = [s for s in got if isinstance(s, EncoderSample) and s.side == side]
        forces = [s for s in got if isinstance(s, CableSample) and s.side == side]
        assert {b.stamp_ns - a.stamp_ns for a, b in itertools.pairwise(ways)} == {1_000_000}
        assert [s.stamp_ns for s in ways] == [s.stamp_ns for s in forces]
        assert ways[-1].position_m == pytest.approx(0.299)
        assert forces[-1].tension_n == 399.0
    assert (driver.counts.bad, driver.counts.lost) == (0, 0)


BEGIN = 1_700_000_000_000_000_000


def test_lines_without_a_clock_are_stamped_on_arrival_one_after_the_other(device, driver):
    device.send(line(CableSide.NONE, 0))
    before = time.time_ns()
    got = read_until(driver, 2)
    for i in range(1, 21):
        device.send(line(CableSide.NONE, i))
    time.sleep(0.05)
    got += read_until(driver, 40)
    after = time.time_ns()
    stamps = [s.stamp_ns for s in got if isinstance(s, EncoderSample)]
    assert stamps == sorted(set(stamps))
    assert before <= stamps[0] and stamps[-1] <= after
    assert stamps[-1] - stamps[1] > 20_000_000, "lines that came in one lump are spread over its time"


def test_noise_wrong_checksums_and_pieces_cost_only_their_own_lines(device, driver):
    chance = random.Random(3)
    whole = 0
    until = time.monotonic() + PATIENCE_S
    device.send(b"\n")
    driver.read(time.time_ns())
    for i in range(400):
        text = line(CableSide.LEFT, i)
        kind = chance.random()
        if kind < 0.1:
            text = text.replace(b"1", b"7", 1)[:-3] + b"0\n"
        elif kind < 0.2:
            text = text[: chance.randrange(1, len(text) - 6)]
        elif kind < 0.3:
            text = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 60))) + b"\n" + text
            whole += 1
        else:
            whole += 1
        # what a UART hands over does not stop at ends of lines
        cut = chance.randrange(len(text) + 1)
        device.send(text[:cut])
        got_now = driver.read(time.time_ns()) if i % 7 == 0 else []
        device.send(text[cut:])
        got_now += driver.read(time.time_ns()) if i % 5 == 0 else []
        for sample in got_now:
            if isinstance(sample, EncoderSample):
                assert sample.position_m == pytest.approx(sample.count / 5000.0)
    device.send(line(CableSide.LEFT, 400))
    while driver.counts.received < whole + 1 and time.monotonic() < until:
        driver.read(time.time_ns())
    assert driver.counts.received == whole + 1
    assert driver.counts.lost == 401 - (whole + 1)
    assert driver.counts.bad > 80


def test_a_device_that_is_pulled_out_is_lost(device, driver):
    read_until(driver, 1, lambda: device.send(line(CableSide.NONE, 0) + line(CableSide.NONE, 1)))
    device.unplug()
    with pytest.raises(DriverLost, match="serial"):
        read_until(driver, 1_000_000)


@pytest.mark.parametrize(
    ("port", "words"),
    [("/none/tty", "no such device"), ("nonsense://x", "nonsense"), ("socket://127.0.0.1:1", "127.0.0.1")],
)
def test_what_cannot_be_opened_says_so_and_is_closed(port, words):
    driver = SerialDriver(port)
    with pytest.raises(DriverError, match=f"cannot be opened.*{words}"):
        driver.open()
    with pytest.raises(DriverLost, match="not open"):
        driver.read(0)
    driver.close()


def test_a_gateway_in_the_network_is_read_as_fast_as_it_sends():
    with socket.create_server(("127.0.0.1", 0)) as server:
        driver = SerialDriver(f"socket://127.0.0.1:{server.getsockname()[1]}")
        driver.open()
        gateway, _ = server.accept()
        with gateway:
            gateway.sendall(b"".join(line(side, i, 1000 * i) for i in range(300) for side in SIDES))
            begun = time.monotonic()
            more = itertools.count(1)
            read_until(
                driver,
                1200,
                lambda: gateway.sendall(line(CableSide.NONE, next(more), 1000 * (300 + next(more)))),
            )
            # two bytes at a time would take half a minute
            assert time.monotonic() - begun < 15.0
        with pytest.raises(DriverLost):
            read_until(driver, 1_000_000)
        driver.close()


def test_two_programs_cannot_share_a_line(device, driver):
    second = SerialDriver(str(device.port))
    with pytest.raises(DriverError, match="another program"):
        second.open()


def test_another_version_of_the_protocol_is_an_error(device, driver):
    device.send(sentence("KI,9,new"))
    with pytest.raises(DriverError, match="version 9"):
        read_until(driver, 1)


def test_an_error_of_pyserial_is_a_loss(driver, monkeypatch):
    for error in (serial.SerialException("gone"), OSError(5, "input/output error")):

        def fail(size=1, error=error):
            raise error

        monkeypatch.setattr(driver._line, "read", fail)
        with pytest.raises(DriverLost):
            driver.read(0)


class Machine:
    """A device that prints two cables at a rate until it is told to stop, in the test's own thread."""

    def __init__(self, device):
        self.device = device
        self.number = 0

    def run(self, seconds, rate=200.0):
        begun = time.monotonic()
        first = self.number
        while time.monotonic() - begun < seconds:
            due = first + int((time.monotonic() - begun) * rate)
            while self.number < due:
                for side in SIDES:
                    self.device.send(line(side, self.number, 5000 * self.number))
                self.number += 1
            time.sleep(0.005)


def test_unplugged_and_plugged_in_again_several_times(device):
    got = []
    supervisor = Supervisor(SerialDriver(str(device.port)), got.extend)
    machine = Machine(device)
    supervisor.start()
    try:
        for times in range(3):
            wait(lambda: supervisor.state.link == Link.CONNECTED, "connection")
            before = len(got)
            until = time.monotonic() + PATIENCE_S
            while len(got) < before + 100 and time.monotonic() < until:
                machine.run(0.1)
            assert {s.side for s in got[before:]} == set(SIDES)
            device.unplug()
            wait(lambda: supervisor.state.link == Link.LOST, "noticing")
            assert supervisor.state.error
            time.sleep(0.2)
            device.plug_in()
            wait(lambda: supervisor.state.link == Link.CONNECTED, "coming back")
            assert supervisor.state.reconnections == times + 1
            assert 0.0 < supervisor.state.last_outage_s < PATIENCE_S
    finally:
        supervisor.stop()
    assert supervisor.state.link == Link.STOPPED
    assert supervisor.state.lost == 3
    for sample in got:
        assert math.isfinite(sample.stamp_ns)
    assert supervisor.driver.counts.bad == 0


def test_a_device_that_hangs_is_opened_anew(device):
    supervisor = Supervisor(SerialDriver(str(device.port), patience_s=0.2), lambda samples: None)
    supervisor.start()
    try:
        wait(lambda: supervisor.state.connections >= 2, "a second try")
        machine = Machine(device)
        wait(lambda: supervisor.state.link == Link.CONNECTED)
        until = time.monotonic() + PATIENCE_S
        while not supervisor.state.streams and time.monotonic() < until:
            machine.run(0.1)
        assert supervisor.state.streams, "samples after it woke up"
    finally:
        supervisor.stop()
