"""`kinecue machine watch --topics`: what a machine of one's own publishes, checked."""

from __future__ import annotations

import io
import math
import time

from rich.console import Console

from kinecue.cli.machine import Source
from kinecue.cli.machine_topics import TopicDriver
from kinecue.cli.machine_watch import run_watch
from kinecue.machine.checks import MachineChecks
from kinecue.machine.samples import CableSample
from kinecue.nodes.base import SENSOR_QOS, ns_to_stamp
from kinecue_msgs import msg


def test_published_samples_are_heard_and_wrong_ones_counted(bench):
    cables = bench.peer.create_publisher(msg.CableLoad, "machine/cable", SENSOR_QOS)
    encoders = bench.peer.create_publisher(msg.RepEncoder, "machine/encoder", SENSOR_QOS)
    driver = TopicDriver()
    driver.open()
    try:
        checks, heard, began, number = MachineChecks(), [], time.monotonic(), 0
        while len(heard) < 20 and time.monotonic() - began < 20.0:
            number += 1
            load = msg.CableLoad(tension=150.0, speed=math.nan, side=9 if number % 7 == 0 else 0)
            load.header.stamp = ns_to_stamp(number * 10_000_000)
            cables.publish(load)
            count = msg.RepEncoder(
                position=0.2, count=1000, counts_per_metre=5000.0, validity=msg.RepEncoder.VALID
            )
            count.header.stamp = load.header.stamp
            encoders.publish(count)
            heard += driver.read(0)
        assert {type(sample) for sample in heard} >= {CableSample}
        assert driver.counts.bad > 0
        assert all(
            checks.cable(s).usable if isinstance(s, CableSample) else checks.encoder(s).valid for s in heard
        )
    finally:
        driver.close()
        driver.close()


def test_watching_where_nobody_publishes(ros):
    text = io.StringIO()
    assert run_watch(Console(file=text, width=120), Source(topics="/").driver(), {}, 0.3) == 1
    assert "topics machine/cable" in text.getvalue()
