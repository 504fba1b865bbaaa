"""Node `machine` on real drivers: a serial line over a pseudo-terminal, CAN, joint states, a recording."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import values
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState

if str(Path(__file__).parents[1] / "machine") not in sys.path:
    sys.path.insert(0, str(Path(__file__).parents[1] / "machine"))

import machine_recording as recording
from serial_device import SerialDevice

from kinecue.machine.calibration import MachineCalibration, save_calibration
from kinecue.machine.drivers.line_protocol import encode, sentence
from kinecue.machine.samples import CableSide
from kinecue.nodes.base import ns_to_stamp, stamp_to_ns
from kinecue_msgs import msg

EVERY = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
LEFT, RIGHT = msg.RepEncoder.SIDE_LEFT, msg.RepEncoder.SIDE_RIGHT
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
NO_SENSOR, STALE = msg.JointAngle.REASON_NO_SENSOR, msg.JointAngle.REASON_STALE


@pytest.fixture
def device(tmp_path):
    made = SerialDevice(tmp_path / "machine")
    made.plug_in()
    yield made
    made.unplug()


class Printer:
    """Prints two cables that go slowly out and back, at 200 Hz, from a timer of the test's own node."""

    def __init__(self, bench, device):
        self.device = device
        self.begun = time.monotonic()
        self.number = 0
        self.sides = (CableSide.LEFT, CableSide.RIGHT)
        self.damage = False
        bench.peer.create_timer(0.01, self._print)

    def _print(self):
        due = int((time.monotonic() - self.begun) * 200.0)
        while self.number < due:
            t = self.number / 200.0
            way, speed = 0.2 - 0.2 * math.cos(2.0 * t), 0.4 * math.sin(2.0 * t)
            for side in self.sides:
                line = encode(side, self.number, 5000 * self.number, round(5000 * way), way, speed, 150.0)
                self.device.send(line.replace(b"KC", b"KX", 1) if self.damage else line)
            self.number += 1


def usable(messages):
    return [m for m in messages if m.validity == msg.RepEncoder.VALID]


def test_two_cables_from_a_serial_line(bench, device):
    heard = bench.diagnostics()
    cable = bench.listen(msg.CableLoad, "machine/cable", EVERY)
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    bench.started("machine", driver="serial", port=str(device.port))
    Printer(bench, device)
    bench.wait(lambda: len(usable(encoder)) > 300 and len(cable) > 300)
    assert {m.side for m in encoder} == {m.side for m in cable} == {LEFT, RIGHT}
    for m in usable(encoder):
        assert m.position == pytest.approx(m.count / 5000.0, abs=2e-4)
        assert abs(stamp_to_ns(m.header.stamp) - time.time_ns()) < 60e9
    for m in cable:
        assert m.header.frame_id == ("cable_pulley_left" if m.side == LEFT else "cable_pulley_right")
        assert not m.flags & msg.CableLoad.FLAG_SIMULATED
    assert {m.tension for m in cable} == {150.0}
    status = heard.wait("machine", OK, "left encoder", "right cable", "Hz")
    told = values(status)
    assert (told["bad"], told["lost"], told["reconnections"]) == ("0", "0", "0")


def test_pulled_out_is_told_and_nobody_waits_and_it_comes_back(bench, device):
    heard = bench.diagnostics()
    cable = bench.listen(msg.CableLoad, "machine/cable", EVERY)
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    bench.started("machine", driver="serial", port=str(device.port))
    printer = Printer(bench, device)
    bench.wait(lambda: len(usable(encoder)) > 20)
    device.unplug()
    heard.wait("machine", ERROR, str(device.port), "lost")
    bench.wait(lambda: {m.side for m in encoder if m.reason == NO_SENSOR} == {LEFT, RIGHT}, "abstaining")
    assert all(math.isnan(m.position) for m in encoder if m.reason == NO_SENSOR)
    bench.wait(lambda: math.isnan(cable[-1].tension))
    before = len(encoder)
    device.plug_in()
    bench.wait(lambda: len(usable(encoder[before:])) > 20, "coming back")
    bench.wait(lambda: values(heard.of("machine")[-1]).get("reconnections") == "1", "being told")
    assert printer.number > 0


def test_a_port_that_is_not_there_is_told_and_waited_for(bench, device):
    heard = bench.diagnostics()
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    device.unplug()
    node = bench.started("machine", driver="serial", port=str(device.port))
    heard.wait("machine", ERROR, "not there yet", str(device.port), "cannot be opened")
    device.plug_in()
    Printer(bench, device)
    bench.wait(lambda: usable(encoder), "the device that was plugged in later")
    node.trigger_deactivate()
    # what was published before is still on its way
    bench.spin(0.5)
    before = len(encoder)
    bench.spin(0.2)
    assert len(encoder) == before
    node.trigger_activate()
    bench.wait(lambda: len(usable(encoder[before:])) > 5, "going on")


def test_wrong_checksums_and_a_cable_that_falls_silent_are_told(bench, device):
    heard = bench.diagnostics()
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    bench.started("machine", driver="serial", port=str(device.port))
    printer = Printer(bench, device)
    bench.wait(lambda: len(usable(encoder)) > 50)
    printer.sides = (CableSide.LEFT,)
    status = heard.wait("machine", WARN, "silent", "right encoder", "right cable")
    assert "left" not in status.message.split("silent")[1]
    bench.wait(lambda: any(m.side == RIGHT and m.reason == STALE for m in encoder), "abstaining")
    printer.sides = (CableSide.LEFT, CableSide.RIGHT)
    before = len(encoder)
    bench.wait(lambda: any(m.side == RIGHT for m in usable(encoder[before:])), "the other cable going on")
    printer.damage = True
    bench.spin(0.1)
    printer.damage = False
    status = heard.wait("machine", WARN, "bad", "wrong checksum")
    assert int(values(status)["bad"]) > 0


def test_another_version_of_the_protocol_is_told(bench, device):
    heard = bench.diagnostics()
    bench.started("machine", driver="serial", port=str(device.port), patience=60.0)
    bench.spin(0.2)
    device.send(sentence("KI,7,later"))
    heard.wait("machine", ERROR, "version 7", "allowed: 1")


def test_counts_become_metres_by_the_machines_calibration(bench, device, tmp_path, monkeypatch):
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path))
    save_calibration(
        [
            MachineCalibration(
                "tower",
                CableSide.NONE,
                counts_per_metre=-4000.0,
                zero_count=100.0,
                newton_per_unit=0.01,
                offset_units=500.0,
                pulley_m=(1.5, 0.25, 2.0),
                encoder_at="2026-01-01T00:00:00+00:00",
                force_at="2026-01-01T00:00:00+00:00",
            )
        ]
    )
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    cable = bench.listen(msg.CableLoad, "machine/cable", EVERY)
    bench.started("machine", driver="serial", port=str(device.port), calibration="tower")
    numbers = iter(range(10**6))

    def talk():
        n = next(numbers)
        device.send(sentence(f"KC,N,{n % 65536},{5000 * n},-1900,,,,15500,,"))
        bench.spin(0.005)
        return usable(encoder) and any(math.isfinite(m.tension) for m in cable)

    bench.wait(talk)
    assert usable(encoder)[-1].position == pytest.approx(0.5)
    felt = [m for m in cable if math.isfinite(m.tension)][-1]
    assert felt.tension == pytest.approx(150.0)
    assert (felt.pulley.x, felt.pulley.y, felt.pulley.z) == (1.5, 0.25, 2.0)


def test_a_calibration_that_is_not_there_is_told(bench, device, tmp_path, monkeypatch):
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path))
    heard = bench.diagnostics()
    bench.started("machine", driver="serial", port=str(device.port), calibration="tower")
    Printer(bench, device)
    heard.wait("machine", WARN, "not calibrated", "kinecue machine calibrate tower")


def test_joint_states_of_ros2_control(bench):
    heard = bench.diagnostics()
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    cable = bench.listen(msg.CableLoad, "machine/cable", EVERY)
    bench.started("machine", driver="joint_state", joints="left=l:0.05, right=r:-0.05")
    heard.wait("machine", WARN, "no sample yet")
    # joint_state_broadcaster publishes reliably
    talk = bench.talk(JointState, "joint_states", 10)
    begun = time.monotonic()

    def talked():
        t = time.monotonic() - begun
        angle = 4.0 - 4.0 * math.cos(t)
        state = JointState(
            name=["r", "wheel", "l"],
            position=[-angle, 0.0, angle],
            velocity=[-4.0 * math.sin(t), 0.0, 4.0 * math.sin(t)],
            effort=[5.0, 0.0, -5.0],
        )
        state.header.stamp = ns_to_stamp(time.time_ns())
        talk(state)
        bench.spin(0.01)
        return len(usable(encoder)) > 60 and len(cable) > 60

    bench.wait(talked)
    assert {m.side for m in encoder} == {LEFT, RIGHT}
    left, right = ([m.position for m in usable(encoder) if m.side == side][-20:] for side in (LEFT, RIGHT))
    assert left == pytest.approx(right)
    assert {round(m.tension, 6) for m in cable} == {100.0}
    bench.wait(lambda: encoder[-1].reason == STALE, "the reading going stale")
    heard.wait("machine", WARN, "silent")


def test_joint_states_without_a_stamp_are_stamped_on_arrival_and_others_are_told(bench):
    heard = bench.diagnostics()
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    bench.started("machine", driver="joint_state", joints="none=drum")
    talk = bench.talk(JointState, "joint_states", 10)
    talk(JointState(name=["wheel"], position=[1.0]))
    heard.wait("machine", WARN, "none of drum", "wheel")
    talk(JointState(name=["drum"], position=[0.3]))
    bench.wait(lambda: encoder)
    assert abs(stamp_to_ns(encoder[0].header.stamp) - time.time_ns()) < 5e9
    assert encoder[0].position == pytest.approx(0.3)


def test_a_recording_is_played_and_its_end_told(bench, tmp_path):
    begin = 1_600_000_000 * 10**9
    messages = []
    for i in range(60):
        at = begin + i * 10**7
        messages.append(("/tower/machine/cable", at, recording.cable(at, 100.0)))
        messages.append(("/tower/machine/encoder", at, recording.encoder(at, 0.005 * i)))
    path = recording.write(tmp_path / "set.mcap", messages)
    heard = bench.diagnostics()
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    bench.connected("machine/encoder", 0)
    bench.started("machine", driver="mcap", mcap_file=str(path))
    bench.wait(lambda: len(usable(encoder)) > 20)
    assert abs(stamp_to_ns(usable(encoder)[-1].header.stamp) - time.time_ns()) < 5e9
    heard.wait("machine", WARN, "the recording has ended")


def test_a_definition_written_by_ros_is_the_one_of_the_recordings():
    from mcap_ros2._dynamic import serialize_dynamic

    encode_message = serialize_dynamic("kinecue_msgs/msg/RepEncoder", recording.definition("RepEncoder"))
    data = encode_message["kinecue_msgs/msg/RepEncoder"](recording.encoder(5, 0.25, side=1))
    heard = deserialize_message(data, msg.RepEncoder)
    assert (heard.position, heard.side, heard.count) == (0.25, 1, 1250)


def test_can_with_the_shipped_file(bench):
    can = pytest.importorskip("can", reason="python-can is not installed")
    cantools = pytest.importorskip("cantools", reason="cantools is not installed")
    dbc = Path(__file__).parents[2] / "config" / "machine" / "cable.dbc"
    layout = cantools.database.load_file(str(dbc)).get_message_by_name("CABLE_LEFT_MOTION")
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    bench.started(
        "machine",
        driver="can",
        can_interface="virtual",
        can_channel="kinecue_node",
        can_file="can_two_cables.yaml",
    )
    with can.Bus(interface="virtual", channel="kinecue_node") as bus:

        def talked():
            data = layout.encode({"Position": 0.123, "Speed": 0.0, "Sequence": 0})
            bus.send(can.Message(arbitration_id=layout.frame_id, data=data, is_extended_id=False))
            bench.spin(0.01)
            return usable(encoder)

        bench.wait(talked)
    assert usable(encoder)[0].position == pytest.approx(0.123)
    assert usable(encoder)[0].side == LEFT


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"driver": "serial"}, ("parameter port", "is empty")),
        ({"driver": "joint_state"}, ("parameter joints", "is empty")),
        ({"driver": "joint_state", "joints": "left=a:0"}, ("joints", "left=a:0")),
        ({"driver": "mcap"}, ("parameter mcap_file", "is empty")),
        ({"driver": "can", "can_file": "none.yaml"}, ("none.yaml", "cannot be read")),
        ({"calibration": "No Good"}, ("No Good", "a-z")),
    ],
)
def test_what_a_driver_lacks_is_told(bench, parameters, words):
    heard = bench.diagnostics()
    node = bench.node("machine", **parameters)
    assert not node.start()
    heard.wait("machine", ERROR, *words)


def test_a_recording_that_is_not_there_is_told_and_looked_for(bench, tmp_path):
    heard = bench.diagnostics()
    bench.started("machine", driver="mcap", mcap_file=str(tmp_path / "none.mcap"))
    heard.wait("machine", ERROR, "none.mcap", "cannot be read")
