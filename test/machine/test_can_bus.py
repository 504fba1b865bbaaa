"""CAN: frames on a virtual bus, laid out by the DBC file that is shipped, become samples."""

from __future__ import annotations

import itertools
import math
import time
from pathlib import Path

import pytest

from kinecue.body.errors import ConfigError
from kinecue.machine.drivers import can_bus
from kinecue.machine.drivers.base import DriverError, DriverLost
from kinecue.machine.drivers.can_bus import CanDriver
from kinecue.machine.drivers.can_mapping import load_mapping
from kinecue.machine.drivers.supervisor import Link, Supervisor
from kinecue.machine.samples import CableFlag, CableSample, CableSide, EncoderSample

can = pytest.importorskip("can", reason="python-can is not installed: pip install kinecue[can]")
cantools = pytest.importorskip("cantools", reason="cantools is not installed: pip install kinecue[can]")

CONFIG = Path(__file__).parents[2] / "config" / "machine"
DBC = CONFIG / "cable.dbc"
PATIENCE_S = 60.0
_CHANNELS = itertools.count()


@pytest.fixture
def channel():
    """A virtual bus for this test alone."""
    return f"kinecue_{next(_CHANNELS)}"


@pytest.fixture
def machine(channel):
    """The machine's end of the bus: sends messages of the shipped DBC file by name."""
    bus = can.Bus(interface="virtual", channel=channel)
    layout = cantools.database.load_file(str(DBC))

    def send(name, raw=None, **signals):
        message = layout.get_message_by_name(name)
        defaults = {signal.name: 0 for signal in message.signals}
        data = raw if raw is not None else message.encode({**defaults, **signals}, strict=False)
        bus.send(can.Message(arbitration_id=message.frame_id, data=data, is_extended_id=False))

    send.bus = bus
    yield send
    bus.shutdown()


@pytest.fixture
def driver(channel, machine):
    made = CanDriver("virtual", channel, load_mapping(CONFIG / "can_two_cables.yaml"))
    made.open()
    yield made
    made.close()


def read(driver, count):
    got = []
    until = time.monotonic() + PATIENCE_S
    while len(got) < count:
        got += driver.read(time.time_ns())
        assert time.monotonic() < until, f"{len(got)} of {count}: {driver.counts}"
    return got


def test_both_cables_come_out_as_they_went_in(driver, machine):
    before = time.time_ns()
    machine("CABLE_LEFT_MOTION", Position=0.51234, Speed=-0.75)
    machine("CABLE_LEFT_FORCE", Tension=196.4, Load=200, Slack=0, EccentricOverload=1)
    machine("CABLE_RIGHT_MOTION", Position=-0.02, Speed=0.0)
    machine("CABLE_RIGHT_FORCE", Tension=0, Load=200, Slack=1, Fault=1)
    left_way, left_force, right_way, right_force = read(driver, 4)
    assert isinstance(left_way, EncoderSample) and isinstance(left_force, CableSample)
    assert left_way.position_m == pytest.approx(0.51234, abs=1e-9)
    assert (left_way.speed_m_s, left_way.side) == (pytest.approx(-0.75), CableSide.LEFT)
    assert (left_force.tension_n, left_force.load_n) == (pytest.approx(196.4), pytest.approx(200.0))
    assert left_force.flags == CableFlag.ECCENTRIC_OVERLOAD
    assert right_way.position_m == pytest.approx(-0.02)
    assert right_force.flags == CableFlag.SLACK | CableFlag.FAULT
    assert right_force.side == CableSide.RIGHT
    for sample in (left_way, left_force, right_way, right_force):
        assert before - 1_000_000 <= sample.stamp_ns <= time.time_ns()


def test_a_value_beyond_its_range_is_no_reading(driver, machine):
    machine("CABLE_LEFT_FORCE", raw=b"\xff" * 8)
    machine("CABLE_LEFT_MOTION", raw=b"\xff\xff\xff\x7f\xff\x7f\x00\x00")
    force, way = read(driver, 2)
    assert math.isnan(force.tension_n) and math.isnan(force.load_n)
    assert not way.valid
    assert math.isnan(way.speed_m_s)


def test_frames_that_are_missing_or_come_twice_are_counted(driver, machine):
    for number in (253, 254, 254, 1, 2):
        machine("CABLE_LEFT_MOTION", Position=0.1, Sequence=number)
    machine("CABLE_LEFT_FORCE", Tension=10, Sequence=77)
    assert len(read(driver, 5)) == 5
    assert driver.counts.lost == 2
    assert driver.counts.repeated == 1


def test_what_is_not_ours_is_left_alone_and_what_is_broken_is_counted(driver, machine):
    machine.bus.send(can.Message(arbitration_id=0x123, data=b"\x01\x02", is_extended_id=False))
    machine.bus.send(can.Message(arbitration_id=385, data=b"\x01" * 8, is_extended_id=True))
    machine.bus.send(can.Message(arbitration_id=385, is_remote_frame=True, dlc=8, is_extended_id=False))
    machine("CABLE_LEFT_MOTION", raw=b"\x01\x02")
    machine.bus.send(can.Message(arbitration_id=385, is_error_frame=True, is_extended_id=False))
    machine("CABLE_LEFT_MOTION", Position=0.1)
    assert len(read(driver, 1)) == 1
    assert driver.counts.bad >= 1
    assert driver.counts.received == 1


def test_lost_bus_and_coming_back(channel, machine, monkeypatch):
    driver = CanDriver("virtual", channel, load_mapping(CONFIG / "can_two_cables.yaml"), patience_s=0.3)
    got = []
    supervisor = Supervisor(driver, got.extend, first_wait_s=0.01)
    supervisor.start()

    def wait(condition):
        until = time.monotonic() + PATIENCE_S
        while not condition():
            machine("CABLE_LEFT_MOTION", Position=0.1, Sequence=len(got) % 256)
            assert time.monotonic() < until, supervisor.state
            time.sleep(0.005)

    try:
        wait(lambda: got)

        def gone(timeout=None):
            raise can.CanOperationError("the adapter was pulled out")

        driver._bus.recv = gone
        wait(lambda: supervisor.state.reconnections == 1 and supervisor.state.link == Link.CONNECTED)
        before = len(got)
        wait(lambda: len(got) > before)
        # a bus on which nobody says anything is looked at again
        until = time.monotonic() + PATIENCE_S
        while supervisor.state.lost < 2 and time.monotonic() < until:
            time.sleep(0.02)
        assert supervisor.state.lost >= 2
    finally:
        supervisor.stop()


def test_a_bus_that_is_not_there_says_so():
    driver = CanDriver("socketcan", "can_none_7", load_mapping(CONFIG / "can_one_cable.yaml"))
    with pytest.raises(DriverError, match="can_none_7: cannot be opened"):
        driver.open()
    with pytest.raises(DriverLost):
        driver.read(0)
    with pytest.raises(DriverError, match="cannot be opened"):
        CanDriver("carrier_pigeon", "x", load_mapping(CONFIG / "can_one_cable.yaml")).open()


@pytest.mark.parametrize("missing", ["can", "cantools"])
def test_without_the_extra_it_is_named(monkeypatch, missing):
    real = can_bus.importlib.import_module

    def absent(name):
        if name == missing:
            raise ImportError(f"No module named {name!r}")
        return real(name)

    monkeypatch.setattr(can_bus.importlib, "import_module", absent)
    with pytest.raises(DriverError, match=r"kinecue\[can\]"):
        CanDriver("virtual", "x", load_mapping(CONFIG / "can_one_cable.yaml"))


@pytest.mark.parametrize("name", ["can_one_cable.yaml", "can_two_cables.yaml"])
def test_the_shipped_files_fit_each_other(name):
    CanDriver("virtual", "x", load_mapping(CONFIG / name))


GOOD = """
kinecue_can: 1
dbc: own.dbc
cables:
  none:
    encoder: {message: WAY, count: Count, counts_per_metre: -2000, speed: V}
    force: {message: PULL, raw: Cell, tension: F, load: Kg}
"""
OWN_DBC = """
VERSION ""
BS_:
BU_: A
BO_ 2147484001 WAY: 8 A
 SG_ Count : 7|32@0- (1,0) [0|0] "" A
 SG_ V : 39|16@0- (1,0) [0|0] "mm/s" A
BO_ 100 PULL: 8 A
 SG_ Cell : 0|24@1- (1,0) [0|0] "" A
 SG_ F : 24|16@1+ (0.01,0) [0|0] "kN" A
 SG_ Kg : 40|16@1+ (0.5,0) [0|0] "kg" A
"""


@pytest.fixture
def own(tmp_path):
    """A machine with a DBC file of its own: other units, byte order, extended numbers, raw values."""
    (tmp_path / "own.dbc").write_text(OWN_DBC)
    path = tmp_path / "own.yaml"
    path.write_text(GOOD)
    return path


def test_a_machine_with_its_own_file(own, channel):
    driver = CanDriver("virtual", channel, load_mapping(own))
    driver.open()
    layout = cantools.database.load_file(str(own.parent / "own.dbc"))
    with can.Bus(interface="virtual", channel=channel) as bus:
        way, pull = layout.get_message_by_name("WAY"), layout.get_message_by_name("PULL")
        data = way.encode({"Count": -1000, "V": -250}, strict=False)
        bus.send(can.Message(arbitration_id=way.frame_id, data=data, is_extended_id=True))
        data = pull.encode({"Cell": -12345, "F": 0.2, "Kg": 20.5}, strict=False)
        bus.send(can.Message(arbitration_id=pull.frame_id, data=data, is_extended_id=False))
        encoder, cable = read(driver, 2)
    driver.close()
    assert (encoder.position_m, encoder.count, encoder.counts_per_metre) == (0.5, -1000, -2000.0)
    assert encoder.speed_m_s == pytest.approx(-0.25)
    assert cable.raw == -12345.0
    assert cable.tension_n == pytest.approx(200.0)
    assert cable.load_n == pytest.approx(20.5 * 9.80665)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kinecue_can: 1", "kinecue_can: 2", ("kinecue_can",)),
        ("message: WAY", "message: WEY", ("WEY", "allowed: WAY, PULL")),
        ("speed: V}", "speed: W}", ("WAY: W", "allowed: Count, V")),
        ("count: Count, counts_per_metre: -2000, speed: V", "speed: V", ("encoder", "count or position")),
        ("counts_per_metre: -2000", "counts_per_metre: 0", ("must not be 0",)),
        ("raw: Cell, tension: F, load: Kg", "load: Kg", ("force", "tension or raw")),
        ("tension: F", "tension: Cell", ("PULL: Cell", "unit", "N, daN, kN")),
        ("message: PULL", "message: WAY", ("WAY",)),
        ("dbc: own.dbc", "dbc: none.dbc", ("none.dbc", "cannot be read")),
        ("  none:", "  middle:", ("middle", "left")),
        ("load: Kg", "weight: Kg", ("weight",)),
        ("cables:", "cables: [", ("YAML",)),
    ],
)
def test_a_wrong_file_says_where_and_what_is_allowed(own, old, new, words):
    assert old in GOOD
    own.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError) as refused:
        CanDriver("virtual", "x", load_mapping(own))
    for word in words:
        assert word in str(refused.value)


def test_a_damaged_dbc_file_and_a_missing_mapping_say_so(own):
    (own.parent / "own.dbc").write_text("BO_ nonsense")
    with pytest.raises(ConfigError, match=r"own\.dbc"):
        CanDriver("virtual", "x", load_mapping(own))
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        load_mapping(own.parent / "none.yaml")
    own.write_text(GOOD + "  left:\n    encoder: {message: WAY, count: Count}\n")
    with pytest.raises(ConfigError, match=r"cables\.none"):
        load_mapping(own)
