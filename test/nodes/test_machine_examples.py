"""What integrators copy: the example publisher on a real graph, the C program against the decoder, the page's parameters."""

from __future__ import annotations

import itertools
import math
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy

from kinecue.machine.checks import MachineChecks
from kinecue.machine.drivers.line_protocol import LineDecoder
from kinecue.machine.samples import CableFlag, CableSide
from kinecue.nodes.base import stamp_to_ns
from kinecue.nodes.machine import MachineNode
from kinecue.nodes.machine_conversions import cable_from_msg, encoder_from_msg
from kinecue_msgs import msg

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "machine.md"
EVERY = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)


def test_the_example_publisher_is_understood_as_it_stands(bench):
    cable = bench.listen(msg.CableLoad, "machine/cable", EVERY)
    encoder = bench.listen(msg.RepEncoder, "machine/encoder", EVERY)
    program = subprocess.Popen([sys.executable, str(ROOT / "examples" / "machine_publisher.py")])
    try:
        bench.wait(lambda: len(cable) > 240 and len(encoder) > 240, "the example publishing")
    finally:
        program.send_signal(signal.SIGINT)
        assert program.wait(15.0) == 0
    checks = MachineChecks()
    for load, way in zip(cable, encoder, strict=False):
        force, position = checks.cable(cable_from_msg(load)), checks.encoder(encoder_from_msg(way))
        assert force.side in (CableSide.LEFT, CableSide.RIGHT)
        assert math.isfinite(force.tension_n) and not force.flags & (CableFlag.IMPLAUSIBLE | CableFlag.FROZEN)
        assert position.valid and 0.0 <= position.position_m <= 0.6
        assert load.header.frame_id in ("cable_pulley_left", "cable_pulley_right")
        assert abs(stamp_to_ns(load.header.stamp) - time.time_ns()) < 120e9
    assert {m.side for m in encoder} == {CableSide.LEFT, CableSide.RIGHT}
    # this computer may be too busy for an even rate, which would be found; what is said of values must be nothing
    assert {finding.what for finding in checks.findings()} <= {"gaps", "loss", "stamps"}
    assert all(m.speed > 0 for m in encoder if m.direction == msg.RepEncoder.DIRECTION_OUT)


def test_the_example_in_c_prints_what_the_driver_reads(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler on this machine")
    program = tmp_path / "machine_line"
    source = ROOT / "examples" / "machine_line.c"
    subprocess.run([compiler, "-std=c99", "-Wall", "-Werror", "-o", str(program), str(source)], check=True)
    decoder = LineDecoder()
    lines = decoder.feed(subprocess.run([str(program)], check=True, capture_output=True).stdout)
    assert (len(lines), decoder.counts.bad, decoder.counts.lost) == (200, 0, 0)
    assert [line.counter for line in lines if line.side == CableSide.LEFT] == [
        5 * i - 100 for i in range(100)
    ]
    assert lines[0].tension_n == pytest.approx(196.2)
    clocks = [line.clock_us for line in lines if line.side == CableSide.LEFT]
    assert {(b - a) % 2**32 for a, b in itertools.pairwise(clocks)} == {1000}


def test_lines_on_the_page_are_lines():
    lines = re.findall(r"^\s*(\$K[CI],[^<\n]*\*[0-9A-F]{4})$", PAGE.read_text(), re.MULTILINE)
    assert len(lines) >= 3
    decoder = LineDecoder()
    decoder.feed(b"\n")
    for line in lines:
        decoder.feed(line.encode() + b"\n")
    assert decoder.counts.bad == 0
    assert decoder.counts.received >= 2


def test_parameters_on_the_page_are_parameters():
    known = {spec.name for spec in MachineNode.PARAMETERS}
    text = PAGE.read_text()
    used = set(re.findall(r"-p (\w+):=", text))
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", text, re.MULTILINE)}
    drivers = next(spec for spec in MachineNode.PARAMETERS if spec.name == "driver").choices
    assert set(drivers) <= set(rows)
    for driver in drivers:
        used |= set(re.findall(r"`(\w+)`", rows[driver]))
    assert len(used) > 10
    assert used <= known
    for file in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (PAGE.parent / file).exists(), file
