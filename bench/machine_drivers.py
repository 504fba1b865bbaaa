"""What the machine's drivers cost and how they get over what happens to cables and plugs.

    python bench/machine_drivers.py [--quick]

The machine node runs as a process of its own on a pseudo-terminal, to which this process prints two cables at 1,000 Hz. One
subscriber of each topic is there. Plugs are pulled by closing the terminal.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rich.console import Console
from rich.table import Table

from kinecue.machine.checks import MachineChecks
from kinecue.machine.drivers.base import DriverError, Sample
from kinecue.machine.drivers.can_bus import CanDriver
from kinecue.machine.drivers.can_mapping import load_mapping
from kinecue.machine.drivers.joint_states import JointStateDriver, joint_cables
from kinecue.machine.drivers.line_protocol import LineDecoder, encode
from kinecue.machine.drivers.serial_port import SerialDriver
from kinecue.machine.drivers.simulated import SimulatedSettings
from kinecue.machine.drivers.supervisor import Link, Supervisor
from kinecue.machine.samples import CableSample, CableSide
from kinecue.machine.simulated.flaws import FLAWS
from kinecue.machine.simulated.model import MACHINES
from kinecue.machine.simulated.motion import LiveMotion
from kinecue.machine.simulated.simulator import CableMachineSimulator
from kinecue.machine.simulated.stream import SampleStream
from kinecue.nodes.base import SENSOR_QOS
from kinecue.nodes.machine_conversions import fill_cable, fill_encoder
from kinecue_msgs import msg

RATE_HZ = 1000.0
SIDES = (CableSide.LEFT, CableSide.RIGHT)
OUTAGES_S = (0.1, 0.5, 1.0, 3.0)
PORT_BUFFER = 65536
"""Bytes that Linux keeps of a serial port until they are read; of a pseudo-terminal it keeps 8192."""
_PATIENCE_S = 30.0
_ROOT = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


class Device:
    """A machine's controller on a pseudo-terminal under a lasting name."""

    def __init__(self, link: Path) -> None:
        self.port = link
        self._master = -1
        self._waiting = bytearray()
        self._lock = threading.Lock()
        self.dropped = 0

    def plug_in(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        with self._lock:
            self._waiting.clear()
            self.port.unlink(missing_ok=True)
            if self._master >= 0:
                os.close(self._master)
            self._master = -1

    def send(self, data: bytes) -> bool:
        """Whether it fitted into the system's buffer; what did not is dropped whole."""
        with self._lock:
            if self._master < 0 or len(self._waiting) + len(data) > PORT_BUFFER:
                self.dropped += 1
                return False
            self._waiting += data
        self.flush()
        return True

    def flush(self) -> None:
        """Hand on what the pseudo-terminal takes."""
        try:
            with self._lock:
                while self._master >= 0 and self._waiting:
                    del self._waiting[: os.write(self._master, bytes(self._waiting))]
        except OSError:
            # nobody has opened the line, or it is full
            return


def line(number: int, side: CableSide) -> bytes:
    """A cable that goes out and back every 3 s."""
    t = number / RATE_HZ
    angle = 2.0 * math.pi * t / 3.0
    way, speed = 0.3 - 0.3 * math.cos(angle), 0.2 * math.pi * math.sin(angle)
    tension = 200.0 + 10.0 * math.cos(angle) + 0.1 * (number * 7919 % 10)
    return encode(side, number, 1000 * number, round(5000 * way), way, speed, tension, load_n=200.0)


class Talker:
    """Prints both cables at the rate from a thread, whatever happens at the other end.

    Args:
        device: where to.
        spoil: share of lines that are damaged.
    """

    def __init__(self, device: Device, spoil: float = 0.0) -> None:
        self._device = device
        self._spoil = spoil
        self._chance = random.Random(1)
        # made beforehand: what the device computes is not what is measured
        self._lines = [b"".join(line(i, side) for side in SIDES) for i in range(65536)]
        self.sent = self.spoilt = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        begun = time.monotonic()
        number = 0
        while not self._stop.wait(0.002):
            due = int((time.monotonic() - begun) * RATE_HZ)
            self._device.flush()
            for i in range(number, due):
                data = self._lines[i % len(self._lines)]
                if self._spoil and self._chance.random() < self._spoil:
                    place = self._chance.randrange(len(data) - 1)
                    data = data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :]
                    self.spoilt += 1
                self.sent += self._device.send(data)
            number = due


def _cpu_s(pid: int) -> float:
    """Processor time of a process so far, s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _node_share(folder: Path, seconds: float) -> dict[str, float]:
    """Share of one core that the machine node takes, and what it lost, told by itself."""
    device = Device(folder / "machine")
    device.plug_in()
    environment = {
        **os.environ,
        "ROS_DOMAIN_ID": "89",
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    os.environ.update({key: environment[key] for key in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")})
    rclpy.init(args=[])
    listener = Node("listener", use_global_arguments=False)
    told: dict[str, str] = {}

    def hear(array: DiagnosticArray) -> None:
        for status in array.status:
            told.update({value.key: value.value for value in status.values})

    listener.create_subscription(DiagnosticArray, "/diagnostics", hear, 10)
    executor = SingleThreadedExecutor()
    executor.add_node(listener)
    # a second node, not spun: the middleware receives what no Python takes the time to look at
    mute = Node("mute", use_global_arguments=False)
    mute.create_subscription(msg.CableLoad, "machine/cable", lambda m: None, SENSOR_QOS)
    mute.create_subscription(msg.RepEncoder, "machine/encoder", lambda m: None, SENSOR_QOS)
    arguments = ["--ros-args", "-p", "driver:=serial", "-p", f"port:={device.port}"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from kinecue.nodes.machine import main; sys.exit(main())",
            *arguments,
        ],
        env=environment,
    )
    talker = Talker(device)
    try:
        _spin(executor, lambda: told.get("link") == "connected")
        talker.start()
        _spin(executor, lambda: float(told.get("right encoder rate [Hz]", 0)) > 0.9 * RATE_HZ)
        begun, before, lost = time.monotonic(), _cpu_s(process.pid), int(told["lost"])
        sent, dropped = talker.sent, device.dropped
        _spin(executor, lambda: time.monotonic() - begun > seconds)
        share = (_cpu_s(process.pid) - before) / (time.monotonic() - begun)
        sent, dropped = talker.sent - sent, device.dropped - dropped
        result = {
            "share": share,
            "lost": int(told["lost"]) - lost,
            "dropped_by_system": 2 * dropped,
            "bad": int(told["bad"]),
            "rate_hz": float(told["right encoder rate [Hz]"]),
            "sent": 2 * sent,
        }
        talker.stop()
        before, begun = _cpu_s(process.pid), time.monotonic()
        _spin(executor, lambda: time.monotonic() - begun > 2.0)
        result["share_without_samples"] = (_cpu_s(process.pid) - before) / (time.monotonic() - begun)
        return result
    finally:
        process.terminate()
        process.wait(10.0)
        executor.shutdown()
        listener.destroy_node()
        mute.destroy_node()
        rclpy.try_shutdown()
        device.unplug()


def _spin(executor: SingleThreadedExecutor, done: Any) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > until:
            raise TimeoutError("the machine node did not answer")
        executor.spin_once(timeout_sec=0.05)


def _core_us(samples: int) -> dict[str, float]:
    """Processor time of each step for one line of a cable, us."""
    data = [line(i, side) for i in range(samples) for side in SIDES]
    chunks = [b"".join(data[i : i + 10]) for i in range(0, len(data), 10)]
    decoder = LineDecoder()
    begun = time.process_time()
    lines = [one for chunk in chunks for one in decoder.feed(chunk)]
    decoded = time.process_time()
    stamped: list[Sample] = []
    driver = SerialDriver("none")
    for i in range(0, len(lines), 10):
        stamped += driver._stamped(lines[i : i + 10], 10**9 + 10**6 * (i // 2))
    ready = time.process_time()
    checks = MachineChecks()
    checked = [checks.cable(s) if isinstance(s, CableSample) else checks.encoder(s) for s in stamped]
    looked = time.process_time()
    load, way = msg.CableLoad(), msg.RepEncoder()
    for sample in checked:
        if isinstance(sample, CableSample):
            fill_cable(load, sample, sample.stamp_ns)
        else:
            fill_encoder(way, sample, sample.stamp_ns)
    ended = time.process_time()
    steps = {"decoding": decoded - begun, "stamps": ready - decoded, "checks": looked - ready}
    steps["conversion"] = ended - looked
    return {name: round(1e6 * spent / len(lines), 1) for name, spent in steps.items()}


def _other_us(samples: int) -> dict[str, float]:
    """Processor time of the other drivers for a sample, us; those that are installed."""
    spent = {}
    names, joints = ["left", "right"], joint_cables("left=left:0.05, right=right:0.05")
    states = JointStateDriver(joints)
    begun = time.process_time()
    for i in range(samples):
        states.take(names, [0.1, 0.2], [1.0, 2.0], [-5.0, -6.0], i)
        states.read(i)
    spent["joint_state"] = (time.process_time() - begun) / samples / 4
    settings = SimulatedSettings(MACHINES["stack"], FLAWS["typical"], RATE_HZ)
    streams = [
        SampleStream(CableMachineSimulator(LiveMotion(), settings.model, settings.flaws), RATE_HZ, 0)
        for _ in SIDES
    ]
    for stream in streams:
        stream._machine.follow(0.5, 0)
    begun, got = time.process_time(), 0
    for i in range(400):
        got += sum(len(stream.due(i * 1_000_000)) for stream in streams)
    spent["simulated"] = (time.process_time() - begun) / max(got, 1) / 2
    try:
        driver = CanDriver(
            "virtual", "bench", load_mapping(_ROOT / "config" / "machine" / "can_two_cables.yaml")
        )
        can, cantools = importlib.import_module("can"), importlib.import_module("cantools")
    except (DriverError, ImportError):
        return {name: round(1e6 * value, 1) for name, value in spent.items()}
    layout = cantools.database.load_file(str(_ROOT / "config" / "machine" / "cable.dbc"))
    motion = layout.get_message_by_name("CABLE_LEFT_MOTION")
    data = motion.encode({"Position": 0.5, "Speed": 0.2, "Sequence": 0})
    frames = [
        can.Message(time.time(), motion.frame_id, data=data[:6] + bytes([i % 256, 0]), is_extended_id=False)
        for i in range(samples)
    ]
    begun = time.process_time()
    for frame in frames:
        driver._sample(frame, time.time_ns())
    spent["can"] = (time.process_time() - begun) / samples
    return {name: round(1e6 * value, 1) for name, value in spent.items()}


def _wait(condition: Any) -> float:
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > _PATIENCE_S:
            raise TimeoutError("the driver did not answer")
        time.sleep(0.001)
    return time.monotonic() - begun


def _reconnections(folder: Path, outages_s: Sequence[float]) -> dict[str, Any]:
    """Time from pulling the plug to noticing, and from plugging in to the first sample, s."""
    device = Device(folder / "plug")
    device.plug_in()
    count = 0

    def deliver(samples: Sequence[Sample]) -> None:
        nonlocal count
        count += len(samples)

    supervisor = Supervisor(SerialDriver(str(device.port)), deliver)
    talker = Talker(device)
    noticed, connected, first = [], [], []
    supervisor.start()
    talker.start()
    try:
        _wait(lambda: count > 100)
        for outage in outages_s:
            device.unplug()
            noticed.append(_wait(lambda: supervisor.state.link == Link.LOST))
            time.sleep(outage)
            before = count
            device.plug_in()
            begun = time.monotonic()
            _wait(lambda: supervisor.state.link == Link.CONNECTED)
            connected.append(time.monotonic() - begun)
            _wait(lambda before=before: count > before)
            first.append(time.monotonic() - begun)
            time.sleep(0.3)
    finally:
        supervisor.stop()
        talker.stop()
        device.unplug()
    return {
        "times": len(outages_s),
        "noticed_s": _spread(noticed),
        "reconnected_s": _spread(connected),
        "first_sample_s": _spread(first),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 3), "max": round(max(values), 3)}


def _noise(folder: Path, seconds: float) -> dict[str, Any]:
    """A line that damages one print of two cables in twenty: what is taken must be what was sent."""
    device = Device(folder / "noisy")
    device.plug_in()
    wrong = taken = 0
    truth = {
        (side, round(5000 * (0.3 - 0.3 * math.cos(2.0 * math.pi * i / 3000.0))))
        for i in range(3000)
        for side in SIDES
    }

    def deliver(samples: Sequence[Sample]) -> None:
        nonlocal wrong, taken
        for sample in samples:
            if not isinstance(sample, CableSample):
                taken += 1
                # counts and positions of a line agree, and are of this motion
                agree = abs(sample.count / 5000.0 - sample.position_m) < 2e-4
                wrong += not agree or (sample.side, sample.count) not in truth

    driver = SerialDriver(str(device.port))
    supervisor = Supervisor(driver, deliver)
    talker = Talker(device, spoil=0.05)
    supervisor.start()
    _wait(lambda: supervisor.state.link == Link.CONNECTED)
    talker.start()
    time.sleep(seconds)
    talker.stop()
    time.sleep(0.2)
    supervisor.stop()
    device.unplug()
    return {
        "lines_sent": 2 * talker.sent,
        "lines_damaged": talker.spoilt,
        "lines_taken": driver.counts.received,
        "lines_counted_lost": driver.counts.lost,
        "samples_wrong": wrong,
        "encoder_samples": taken,
    }


def measure(console: Console, quick: bool) -> dict[str, Any]:
    """Figures for JSON; `cpu_share_1khz` is the share of one core."""
    outages = OUTAGES_S[:2] if quick else OUTAGES_S * 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        core = _core_us(2000 if quick else 20000)
        others = _other_us(500 if quick else 5000)
        node = _node_share(folder, 3.0 if quick else 20.0)
        plugs = _reconnections(folder, outages)
        noise = _noise(folder, 2.0 if quick else 20.0)
    table = Table(title="machine node, two cables at 1,000 Hz over a serial line")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_row("share of one core", f"{100 * node['share']:.1f} %")
    table.add_row("the same without samples", f"{100 * node['share_without_samples']:.1f} %")
    for step, spent in core.items():
        table.add_row(f"{step}, a line", f"{spent:.1f} us")
    for driver, spent in others.items():
        table.add_row(f"driver {driver}, a sample", f"{spent:.1f} us")
    table.add_row("lines sent, lost", f"{node['sent']:.0f}, {node['lost']:.0f}")
    table.add_row("pulled out: noticed after", _told(plugs["noticed_s"]))
    table.add_row("plugged in: open after", _told(plugs["reconnected_s"]))
    table.add_row("plugged in: first sample after", _told(plugs["first_sample_s"]))
    table.add_row(
        "noise: damaged, lost, wrong",
        f"{noise['lines_damaged']}, {noise['lines_counted_lost']}, {noise['samples_wrong']}",
    )
    console.print(table)
    return {
        "cpu_share_1khz": round(node["share"], 4),
        "node": {key: round(value, 4) for key, value in node.items()},
        "core_us_per_line": core,
        "other_drivers_us_per_sample": others,
        "reconnection": plugs,
        "noise": noise,
    }


def _told(spread: dict[str, float]) -> str:
    return f"{spread['median']:.2f} s, at most {spread['max']:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="a few seconds in all")
    arguments = parser.parse_args()
    print(json.dumps(measure(Console(stderr=True), arguments.quick), indent=1))


if __name__ == "__main__":
    main()
