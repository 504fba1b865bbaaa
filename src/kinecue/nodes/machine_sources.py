"""Parameters of the machine node's drivers, and the driver that they ask for."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinecue.body.errors import ConfigError
from kinecue.body.paths import share_dir
from kinecue.machine.drivers.base import Driver
from kinecue.machine.drivers.joint_states import JointStateDriver, joint_cables
from kinecue.machine.drivers.simulated import SimulatedDriver, SimulatedSettings
from kinecue.machine.samples import CableSide
from kinecue.machine.simulated.flaws import FLAWS, named_flaws
from kinecue.machine.simulated.model import GRAVITY, MACHINES
from kinecue.machine.simulated.truth_file import load_cables
from kinecue.nodes.parameters import Parameters, ParameterSpec

DRIVERS = ("none", "simulated", "serial", "can", "joint_state", "mcap")

REAL_PARAMETERS = (
    ParameterSpec("port", "", "Driver serial: the port, or a pyserial URL such as socket://host:port."),
    ParameterSpec("baud", 921600, "Driver serial: bits a second.", low=1200, high=12_000_000),
    ParameterSpec("can_interface", "socketcan", "Driver can: interface of python-can."),
    ParameterSpec("can_channel", "can0", "Driver can: channel of the interface."),
    ParameterSpec(
        "can_bitrate", 0, "Driver can: bits a second; 0 = as the system has set it.", low=0, high=8_000_000
    ),
    ParameterSpec(
        "can_file",
        "can_one_cable.yaml",
        "Driver can: which signals of which messages; looked for in config/machine if it is no path.",
    ),
    ParameterSpec(
        "joints",
        "",
        "Driver joint_state: side=joint[:metres per radian or metre[:newtons per effort]], with commas between.",
    ),
    ParameterSpec("mcap_file", "", "Driver mcap: the recording, a file or a folder."),
    ParameterSpec(
        "mcap_namespace", "", "Driver mcap: whose machine/cable and machine/encoder; empty = the only ones."
    ),
    ParameterSpec("mcap_loop", False, "Driver mcap: begin again at the end."),
    ParameterSpec(
        "mcap_stamps",
        "now",
        "Driver mcap: stamps moved to now, or as recorded (for a graph with use_sim_time).",
        choices=("now", "recorded"),
    ),
    ParameterSpec(
        "patience",
        2.0,
        "Drivers serial and can: a source that is silent for so long is opened anew [s].",
        low=0.2,
        high=60.0,
    ),
)

SIMULATED_PARAMETERS = (
    ParameterSpec(
        "truth_file", "", "Truth of a simulated clip to follow; empty = follow the lifter's progress."
    ),
    ParameterSpec(
        "follow",
        "lifter",
        "Without a truth_file: follow the lifter's progress, or the handles of the simulated gym (truth/track).",
        choices=("lifter", "gym"),
    ),
    ParameterSpec("rate", 100.0, "Samples per second [Hz].", low=50.0, high=1000.0),
    ParameterSpec("machine", "stack", "What hangs on the cable.", choices=tuple(MACHINES)),
    ParameterSpec("load_kg", 20.0, "Load that is set, on each cable [kg].", low=0.0, high=500.0),
    ParameterSpec(
        "eccentric_overload",
        0.0,
        "Share of the load that a drive adds on the way back; 0 = that of the machine.",
        low=0.0,
        high=1.5,
    ),
    ParameterSpec("flaws", "typical", "What the sensors do wrong.", choices=tuple(FLAWS)),
    ParameterSpec(
        "flaw_overrides",
        "",
        "Flaws to change, such as: force.noise_n=2, encoder.inverted=true, clock.offset_s=0.1",
    ),
    ParameterSpec(
        "travel",
        0.5,
        "Cable that is out at full range [m], when following the lifter.",
        low=-3.0,
        high=3.0,
    ),
    ParameterSpec(
        "cables",
        "one",
        "When following the lifter: one cable, or two that go alike. A clip has its own.",
        choices=("one", "two"),
    ),
    ParameterSpec(
        "publish_truth", False, "Publish what is true on machine/truth/cable and machine/truth/encoder."
    ),
    ParameterSpec("seed", 0, "Of all simulated chance.", low=0, high=2**31 - 1),
)


def simulated_driver(parameters: Parameters) -> SimulatedDriver:
    """The simulated machine.

    Raises:
        KineCueError: flaws, truth file or model are not allowed.
    """
    model = replace(MACHINES[parameters["machine"]], load_n=parameters["load_kg"] * GRAVITY)
    overload = parameters["eccentric_overload"]
    model = replace(model, eccentric_overload=overload) if overload > 0.0 else model
    flaws = named_flaws(parameters["flaws"], parameters["flaw_overrides"])
    settings = SimulatedSettings(model, flaws, parameters["rate"], parameters["seed"])
    if parameters["truth_file"]:
        return SimulatedDriver(settings, tracks=load_cables(Path(parameters["truth_file"])))
    if parameters["follow"] == "gym":
        return SimulatedDriver(settings)
    two = parameters["cables"] == "two"
    sides = (CableSide.LEFT, CableSide.RIGHT) if two else (CableSide.NONE,)
    return SimulatedDriver(settings, parameters["travel"] or 0.5, sides)


def joint_state_driver(parameters: Parameters) -> JointStateDriver:
    """The driver that joint states are handed to.

    Raises:
        ConfigError: the parameter `joints` is not allowed.
    """
    return JointStateDriver(joint_cables(parameters["joints"], "node machine: parameter joints"), math.nan)


def real_driver(parameters: Parameters) -> Driver:
    """The driver of a real machine or of a recording.

    Raises:
        KineCueError: a parameter or file is not allowed, or python-can is not installed.
    """
    kind = parameters["driver"]
    # each driver brings a library that the others do without
    if kind == "serial":
        from kinecue.machine.drivers.serial_port import SerialDriver

        port = _given(parameters, "port", "a serial port, such as /dev/serial/by-id/...")
        return SerialDriver(port, parameters["baud"], parameters["patience"])
    if kind == "can":
        from kinecue.machine.drivers.can_bus import CanDriver
        from kinecue.machine.drivers.can_mapping import load_mapping

        mapping = load_mapping(_can_file(_given(parameters, "can_file", "a YAML file")))
        return CanDriver(
            parameters["can_interface"],
            parameters["can_channel"],
            mapping,
            parameters["can_bitrate"] or None,
            parameters["patience"],
        )
    from kinecue.machine.drivers.replay import McapReplay

    return McapReplay(
        Path(_given(parameters, "mcap_file", "a recording")),
        parameters["mcap_namespace"],
        parameters["mcap_loop"],
        parameters["mcap_stamps"] == "recorded",
    )


def _given(parameters: Parameters, name: str, allowed: str) -> Any:
    value = parameters[name]
    if not value:
        raise ConfigError("node machine", f"parameter {name}", f"is empty, allowed: {allowed}")
    return value


def _can_file(text: str) -> Path:
    path = Path(text).expanduser()
    shipped = share_dir() / "config" / "machine" / text
    return shipped if path.name == text and not path.is_file() and shipped.is_file() else path
