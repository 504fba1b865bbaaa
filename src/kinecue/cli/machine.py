"""``kinecue machine``: calibrate the sensors of a machine, show what was measured, watch what they say."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from kinecue.body.errors import KineCueError
from kinecue.body.paths import share_dir
from kinecue.cli.machine_example import example_driver
from kinecue.cli.machine_watch import SIDES, WORDS, run_watch, running
from kinecue.machine.calibration import (
    CalibrationError,
    MachineCalibration,
    check_name,
    list_calibrations,
    load_calibration,
    machines_dir,
    save_calibration,
)
from kinecue.machine.calibration_guide import PULLS, CalibrationGuide
from kinecue.machine.drivers.base import Driver, Sample
from kinecue.machine.samples import CableSide

app = typer.Typer(no_args_is_help=True, help="Sensors of a machine: calibrate, show, watch.")


Name = Annotated[str, typer.Argument(metavar="MACHINE", help="Its name: a-z, 0-9, _ and -.")]
Port = Annotated[str, typer.Option(help="Serial port, best /dev/serial/by-id/..., or a pyserial URL.")]
Baud = Annotated[int, typer.Option(min=1200, help="Of the serial port, bits a second.")]
Can = Annotated[str, typer.Option(metavar="CHANNEL", help="CAN channel, such as can0.")]
Interface = Annotated[str, typer.Option(help="Of python-can, for --can.")]
Mapping = Annotated[str, typer.Option(help="For --can: which signals are what; see docs/machine.md.")]


@dataclass(frozen=True)
class Source:
    """Where samples come from: exactly one of `port`, `can`, `topics` and `simulated`.

    Attributes:
        port, baud: of a serial line.
        can, interface, mapping: of a CAN bus.
        simulated: named set of flaws of a simulated machine.
        topics: namespace of a machine whose topics are heard; None = not.
    """

    port: str = ""
    baud: int = 921600
    can: str = ""
    interface: str = "socketcan"
    mapping: str = "can_one_cable.yaml"
    simulated: str = ""
    topics: str | None = None

    def driver(self) -> Driver:
        """The driver.

        Raises:
            KineCueError: none or several were asked for, or it cannot be made.
        """
        if sum((bool(self.port), bool(self.can), bool(self.simulated), self.topics is not None)) != 1:
            raise KineCueError("give one source: --port, --can, or for watch --topics or --simulated")
        if self.simulated:
            return example_driver(self.simulated)
        # each brings a library that the others do without
        if self.topics is not None:
            from kinecue.cli.machine_topics import TopicDriver

            return TopicDriver(self.topics)
        if self.port:
            from kinecue.machine.drivers.serial_port import SerialDriver

            return SerialDriver(self.port, self.baud)
        from kinecue.machine.drivers.can_bus import CanDriver
        from kinecue.machine.drivers.can_mapping import load_mapping

        path = Path(self.mapping)
        if not path.is_file() and path.parent == Path():
            path = share_dir() / "config" / "machine" / path
        return CanDriver(self.interface, self.can, load_mapping(path))


@app.command()
def calibrate(
    machine: Name,
    length: Annotated[
        float | None, typer.Option(help="Encoder: way by which you pull the handle out, m (tape measure).")
    ] = None,
    weight: Annotated[
        list[float] | None,
        typer.Option(help="Load cell: known weight to hang on the handle, kg; may be repeated."),
    ] = None,
    side: Annotated[str, typer.Option(help="Cable: only, left or right (of the person).")] = "only",
    pulls: Annotated[int, typer.Option(min=1, max=10, help="How often to pull the handle out.")] = PULLS,
    port: Port = "",
    baud: Baud = 921600,
    can: Can = "",
    interface: Interface = "socketcan",
    mapping: Mapping = "can_one_cable.yaml",
) -> None:
    """Measure zero, sign and scale of the encoder and the load cell, step by step, and store them with the date.

    Stop the machine node first: only one program can read the line. Exit status 0 if it was stored.
    """
    if side not in SIDES:
        raise CalibrationError(f"side is {side!r}, allowed: {', '.join(SIDES)}")
    guide = CalibrationGuide(machine, SIDES[side], length, tuple(weight or ()), pulls)
    driver = Source(port, baud, can, interface, mapping).driver()
    raise typer.Exit(run_calibrate(_console(), guide, driver, _ask))


@app.command()
def show(
    machine: Annotated[
        str, typer.Argument(metavar="MACHINE", help="Default: all that were calibrated.")
    ] = "",
) -> None:
    """Show what was measured of a machine, and when."""
    raise typer.Exit(run_show(_console(), machine))


@app.command()
def watch(
    machine: Annotated[
        str, typer.Argument(metavar="MACHINE", help="Whose calibration counts; default: none.")
    ] = "",
    port: Port = "",
    baud: Baud = 921600,
    can: Can = "",
    interface: Interface = "socketcan",
    mapping: Mapping = "can_one_cable.yaml",
    simulated: Annotated[
        str, typer.Option(metavar="FLAWS", help="A simulated machine, such as typical, cheap or wrong_sign.")
    ] = "",
    topics: Annotated[
        str | None,
        typer.Option(metavar="NAMESPACE", help="What somebody publishes; / = without a namespace."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.0, help="Stop after so long; 0 = with Ctrl+C.")] = 0.0,
) -> None:
    """Show live what the sensors say, and what is found to be wrong with it. Exit status 1 if nothing came."""
    if topics is not None and machine:
        raise KineCueError("--topics are calibrated already, if at all: leave out the name of the machine")
    driver = Source(port, baud, can, interface, mapping, simulated, topics).driver()
    calibration = load_calibration(machine) if machine else {}
    if machine and not calibration:
        _console().print(f"{machine} is not calibrated: the driver's own scales count")
    raise typer.Exit(run_watch(_console(), driver, calibration, seconds))


# -- calibrate


def run_calibrate(
    console: Console,
    guide: CalibrationGuide,
    driver: Driver,
    ask: Callable[[str], str],
    wait: Callable[[float], None] = time.sleep,
    folder: Path | None = None,
) -> int:
    """Leads through all steps and stores the result; 1 if the person gave up.

    Args:
        console: to talk to the person.
        guide: what is to be done.
        driver: where samples come from.
        ask: shows a question and returns the answer: empty = go on, b = begin again, q = give up.
        wait: lets seconds go by.
        folder: for the file; None = that of the machines.

    Raises:
        KineCueError: the driver cannot be opened, or the file not be written.
    """
    lock = threading.Lock()

    def deliver(samples: Sequence[Sample]) -> None:
        with lock:
            for sample in samples:
                guide.take(sample)

    with running(driver, deliver):
        while (step := guide.step) is not None:
            done, steps = guide.progress
            console.print(f"[bold]{done + 1} of {steps}[/bold]  {escape(step.text)}")
            answer = ask("Enter when it is so (b = begin again, q = give up)").strip().lower()
            if answer == "q":
                console.print("given up; nothing is stored")
                return 1
            if answer == "b":
                guide.restart()
                continue
            with lock:
                guide.begin()
            console.print(f"  measuring for {step.seconds:g} s ...")
            wait(step.seconds)
            try:
                with lock:
                    text = guide.finish()
            except CalibrationError as error:
                console.print(f"  [yellow]not taken:[/yellow] {escape(str(error))}")
                continue
            console.print(f"  [green]{escape(text)}[/green]")
    for note in guide.notes:
        console.print(f"note: {escape(note)}")
    calibration = guide.calibration(datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds"))
    # what is not measured now stays as it was
    path = save_calibration([_merged(calibration, folder)], folder)
    console.print(f"stored in {escape(str(path))}")
    return 0


def _merged(new: MachineCalibration, folder: Path | None) -> MachineCalibration:
    """A new calibration with the parts of the old one that were not measured again."""
    old = load_calibration(new.machine, folder).get(new.side)
    if old is None:
        return new
    force = new if new.has_force else old
    encoder = new if new.has_encoder else old
    return MachineCalibration(
        new.machine,
        new.side,
        encoder.counts_per_metre,
        encoder.zero_count,
        encoder.counts_per_metre_std,
        encoder.zero_std,
        force.newton_per_unit,
        force.offset_units,
        force.newton_per_unit_std,
        force.offset_std,
        force.noise_units,
        force.rest_units,
        old.pulley_m,
        encoder.encoder_at,
        force.force_at,
    )


def _ask(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False))


# -- show


def run_show(console: Console, machine: str = "", folder: Path | None = None) -> int:
    """What was measured of one machine, or of all; 1 if it was not calibrated."""
    names = [check_name(machine)] if machine else list_calibrations(folder)
    if not names:
        console.print(
            f"no machine is calibrated in {escape(str(folder or machines_dir()))}; "
            "begin with: kinecue machine calibrate MACHINE --length 1 --weight 10 --port PORT"
        )
        return 0
    missing = False
    for name in names:
        cables = load_calibration(name, folder)
        missing |= not cables
        if not cables:
            console.print(f"{name}: not calibrated")
        for side, cable in sorted(cables.items()):
            where = "" if side == CableSide.NONE else f", {WORDS[side]} cable"
            console.print(f"[bold]{name}{where}[/bold]")
            for line in _lines(cable):
                console.print(f"  {escape(line)}")
    return 1 if missing else 0


def _lines(cable: MachineCalibration) -> list[str]:
    lines = []
    if cable.has_encoder:
        scale, std = cable.counts_per_metre, cable.counts_per_metre_std
        doubt = f" +- {std:.2g} ({100 * std / abs(scale):.1f} %)" if math.isfinite(std) else ""
        lines.append(f"encoder: {scale:.5g}{doubt} counts per metre, zero at {cable.zero_count:.0f}")
        lines.append(f"         measured {cable.encoder_at}{_age(cable.encoder_at)}")
    else:
        lines.append("encoder: not calibrated")
    if cable.has_force:
        scale, std = cable.newton_per_unit, cable.newton_per_unit_std
        doubt = f" +- {std:.2g} ({100 * std / abs(scale):.1f} %)" if math.isfinite(std) else ""
        zero = f" +- {abs(scale) * cable.offset_std:.1g} N" if math.isfinite(cable.offset_std) else ""
        lines.append(
            f"load cell: {scale:.5g}{doubt} N per unit, zero at {cable.offset_units:.6g} units{zero}"
        )
        lines.append(f"         measured {cable.force_at}{_age(cable.force_at)}")
    else:
        lines.append("load cell: not calibrated")
    if all(map(math.isfinite, cable.pulley_m)):
        lines.append("pulley: {:.3f}, {:.3f}, {:.3f} m".format(*cable.pulley_m))
    return lines


def _age(at: str) -> str:
    days = (datetime.now(timezone.utc) - datetime.fromisoformat(at)).days
    return f", {days} days ago" if days > 0 else ""


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
