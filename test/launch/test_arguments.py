"""What the launch arguments set, without starting anything."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("launch_ros", reason="launch_ros is not installed (PyPI's ROS has no launch)")

from launch import LaunchContext

FILE = Path(__file__).resolve().parents[2] / "launch" / "bringup.launch.py"


def parameters(**given: str) -> dict[str, dict[str, object]]:
    """What the launch file sets for each node."""
    spec = importlib.util.spec_from_file_location("bringup", FILE)
    bringup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bringup)
    context = LaunchContext()
    for argument in bringup.ARGUMENTS:
        # the default of the parameters' file needs an installed package
        parts = [] if argument.name == "params_file" else argument.default_value or []
        context.launch_configurations[argument.name] = "".join(part.perform(context) for part in parts)
    context.launch_configurations.update(given)
    result: dict[str, dict[str, object]] = bringup.parameters(context)
    return result


def started_by_themselves(machine: str) -> dict[str, object]:
    return {node: values["autostart"] for node, values in parameters(machine=machine).items()}


def test_the_simulated_machine_is_silent_where_a_real_one_speaks() -> None:
    assert all(started_by_themselves("simulated").values())
    real = started_by_themselves("none")
    assert [node for node, starts in real.items() if not starts] == ["machine"]


def test_one_argument_puts_the_simulated_gym_in_place_of_the_camera() -> None:
    assert "source" not in parameters()["camera"]
    given = parameters(camera="simulated", exercise="squat", athlete="tall", faults="knees_in=15:reps=3,4")
    assert given["camera"]["source"] == "simulated"
    assert given["camera"]["simulated_exercise"] == given["scoring"]["exercise"] == "squat"
    assert given["camera"]["simulated_faults"] == "knees_in=15:reps=3,4"
    assert given["machine"]["follow"] == "gym"
    for name in ("height", "tilt_deg"):
        assert given["camera"][f"simulated_{name}"] == given["pose"][f"camera_{name}"]
    moved = parameters(camera="simulated", camera_height="1.4")
    assert moved["camera"]["simulated_height"] == moved["pose"]["camera_height"] == 1.4


def test_what_the_launch_file_sets_are_parameters_of_the_nodes() -> None:
    from kinecue.nodes.camera import CameraNode
    from kinecue.nodes.machine import MachineNode

    given = parameters(
        camera="simulated", programme="sample_squat", view_deg="20", repetitions="4", prerender="true"
    )
    for node, kind in (("camera", CameraNode), ("machine", MachineNode)):
        known = {spec.name: spec for spec in kind.PARAMETERS}
        for name, value in given[node].items():
            if name not in ("autostart", "use_sim_time"):
                assert known[name].problem(value) is None
