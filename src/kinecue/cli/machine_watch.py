"""What the sensors of a machine say now, and what is found to be wrong with it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kinecue.body.errors import KineCueError
from kinecue.machine.calibration import MachineCalibration
from kinecue.machine.checks import MachineChecks
from kinecue.machine.drivers.base import Driver, Sample
from kinecue.machine.drivers.supervisor import Link, Supervisor
from kinecue.machine.samples import CableFlag, CableSample, CableSide, EncoderSample

SIDES = {"only": CableSide.NONE, "left": CableSide.LEFT, "right": CableSide.RIGHT}
WORDS = {side: word for word, side in SIDES.items()}
CONNECT_S = 5.0


@contextmanager
def running(driver: Driver, deliver: Callable[[Sequence[Sample]], None]) -> Iterator[Supervisor]:
    """The driver in its thread, connected."""
    supervisor = Supervisor(driver, deliver)
    supervisor.start()
    try:
        until = time.monotonic() + CONNECT_S
        while supervisor.state.link != Link.CONNECTED:
            if time.monotonic() > until or supervisor.state.tries > 2:
                raise KineCueError(supervisor.state.error or f"{driver.name}: cannot be opened")
            time.sleep(0.02)
        yield supervisor
    finally:
        supervisor.stop()


class _Latest:
    """The newest checked samples, and how many come."""

    def __init__(self, checks: MachineChecks) -> None:
        self.checks = checks
        self.lock = threading.Lock()
        self.cables: dict[CableSide, CableSample] = {}
        self.encoders: dict[CableSide, EncoderSample] = {}
        self.count = 0
        self.used = 0

    def take(self, samples: Sequence[Sample]) -> None:
        with self.lock:
            for sample in samples:
                self.count += 1
                if isinstance(sample, CableSample):
                    cable = self.checks.cable(sample)
                    self.cables[sample.side] = cable
                    self.used += cable.usable
                else:
                    encoder = self.checks.encoder(sample)
                    self.encoders[sample.side] = encoder
                    self.used += encoder.valid


def run_watch(
    console: Console,
    driver: Driver,
    calibration: dict[CableSide, MachineCalibration],
    seconds: float = 0.0,
) -> int:
    """Shows values and findings until it is stopped; 1 if nothing came."""
    latest = _Latest(MachineChecks(calibration))
    began = time.monotonic()
    # a terminal is drawn over; a file gets a line a second
    pace = 0.1 if console.is_terminal else 1.0
    with running(driver, latest.take):
        try:
            if console.is_terminal:
                with Live(console=console, refresh_per_second=10, transient=False) as live:
                    while not seconds or time.monotonic() - began < seconds:
                        time.sleep(pace)
                        live.update(_picture(latest, driver.name, time.monotonic() - began))
            else:
                while not seconds or time.monotonic() - began < seconds:
                    time.sleep(min(pace, seconds or pace))
                    console.print(_picture(latest, driver.name, time.monotonic() - began))
        except KeyboardInterrupt:
            console.print("stopped")
    return 0 if latest.count else 1


def _picture(latest: _Latest, name: str, elapsed: float) -> Group:
    with latest.lock:
        cables, encoders = dict(latest.cables), dict(latest.encoders)
        findings, count, used = latest.checks.findings(), latest.count, latest.used
    share = f", {100 * used / count:.1f} % usable" if count else ""
    table = Table(
        title=f"{name}: {count / max(elapsed, 1e-3):.0f} samples a second{share}",
        title_justify="left",
        box=None,
    )
    for heading in ("cable", "sensor", "value", "speed", "raw, load", "state"):
        table.add_column(heading, justify="right" if heading in ("value", "speed", "raw, load") else "left")
    for side in sorted({*cables, *encoders}):
        table.add_row(WORDS[side], "encoder", *_encoder_cells(encoders.get(side)))
        table.add_row("", "force", *_cable_cells(cables.get(side)))
    lines: list[Text] = []
    for finding in findings:
        cable = "" if finding.side == CableSide.NONE else f" ({WORDS[finding.side]})"
        lines.append(Text(f"{finding.what}{cable}, {finding.count} times: {finding.text}", style="yellow"))
    return Group(table, *(lines or [Text("nothing wrong", style="green")]))


def _encoder_cells(sample: EncoderSample | None) -> list[str]:
    if sample is None:
        return ["-"] * 4
    state = "valid" if sample.valid else sample.reason.name.lower().replace("_", " ")
    return [
        _figure(sample.position_m, ".3f", "m"),
        _figure(sample.speed_m_s, "+.2f", "m/s"),
        f"{sample.count} counts",
        state,
    ]


def _cable_cells(sample: CableSample | None) -> list[str]:
    if sample is None:
        return ["-"] * 4
    flags = [flag.name.lower() for flag in CableFlag if flag and flag in sample.flags and flag.name]
    tension = _figure(sample.tension_n, ".1f", "N")
    if not math.isfinite(sample.tension_n) and math.isfinite(sample.raw):
        tension = f"{sample.raw:g} units"
        flags.append("not calibrated")
    elif not math.isfinite(sample.tension_n):
        flags.append("no reading")
    speed, load = _figure(sample.speed_m_s, "+.2f", "m/s"), _figure(sample.load_n, ".0f", "N set")
    return [tension, speed, load, ", ".join(flags) or "valid"]


def _figure(value: float, form: str, unit: str) -> str:
    return f"{value:{form}} {unit}" if math.isfinite(value) else "-"
