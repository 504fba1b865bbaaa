"""What the launch arguments set, without starting anything."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("launch_ros", reason="launch_ros is not installed (PyPI's ROS has no launch)")

from launch import LaunchContext

FILE = Path(__file__).resolve().parents[2] / "launch" / "bringup.launch.py"


def started_by_themselves(machine: str) -> dict[str, object]:
    spec = importlib.util.spec_from_file_location("bringup", FILE)
    bringup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bringup)
    context = LaunchContext()
    for argument in bringup.ARGUMENTS:
        # the default of the parameters' file needs an installed package
        parts = [] if argument.name == "params_file" else argument.default_value or []
        context.launch_configurations[argument.name] = "".join(part.perform(context) for part in parts)
    context.launch_configurations["machine"] = machine
    return {node: values["autostart"] for node, values in bringup.parameters(context).items()}


def test_the_simulated_machine_is_silent_where_a_real_one_speaks() -> None:
    assert all(started_by_themselves("simulated").values())
    real = started_by_themselves("none")
    assert [node for node, starts in real.items() if not starts] == ["machine"]
