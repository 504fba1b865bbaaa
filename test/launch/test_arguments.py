"""What the launch arguments set, without starting anything."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("launch_ros", reason="launch_ros is not installed (PyPI's ROS has no launch)")

from launch import LaunchContext

FILE = Path(__file__).resolve().parents[2] / "launch" / "bringup.launch.py"


def bringup_and_context(given: dict[str, str]) -> tuple[Any, LaunchContext]:
    """The launch file as a module, and its arguments."""
    spec = importlib.util.spec_from_file_location("bringup", FILE)
    bringup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bringup)
    context = LaunchContext()
    for argument in bringup.ARGUMENTS:
        # the default of the parameters' file needs an installed package
        parts = [] if argument.name == "params_file" else argument.default_value or []
        context.launch_configurations[argument.name] = "".join(part.perform(context) for part in parts)
    context.launch_configurations.update(given)
    return bringup, context


def parameters(view: int = 0, **given: str) -> dict[str, dict[str, object]]:
    """What the launch file sets for each node."""
    bringup, context = bringup_and_context(given)
    result: dict[str, dict[str, object]] = bringup.parameters(context, view)
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


def test_each_view_gets_a_camera_and_a_pose_node_with_frames_of_its_own() -> None:
    bringup, context = bringup_and_context({"views": "front, side"})
    names = bringup.views(context)
    programs = bringup.programs(names)
    assert set(programs) >= {(view, name) for view in ("front", "side") for name in ("camera", "pose")}
    alone = [name for view, name in programs if not view]
    assert sorted(alone) == sorted({*bringup.NODES, "fusion"} - {"camera", "pose"})
    for view, name in enumerate(names):
        given = parameters(view, views="front,side")
        assert given["pose"]["publish_people"] is False
        assert given["pose"]["base_frame"] == f"{name}_base"
        assert given["camera"]["frame_id"] == f"{name}_camera_optical_frame"
        assert given["camera"]["publish_image"] is True
        assert given["fusion"]["views"] == "front,side"
    assert "fusion" not in parameters()
    assert "publish_people" not in parameters()["pose"]


def test_views_share_a_value_or_have_one_each() -> None:
    shared = {"views": "front,left/side", "source": "device", "device": "0, 2", "rig_file": "/etc/rig.yaml"}
    heights = [
        parameters(view, camera_height="1.1,1.4", **shared)["pose"]["camera_height"] for view in (0, 1)
    ]
    assert heights == [1.1, 1.4]
    devices = [parameters(view, **shared)["camera"]["device"] for view in (0, 1)]
    assert devices == ["0", "2"]
    second = parameters(1, **shared)
    assert second["camera"]["source"] == "device"
    assert second["pose"]["base_frame"] == "left_side_base"
    assert second["fusion"]["rig_file"] == "/etc/rig.yaml"
    # with one camera a comma is part of the name
    assert parameters(path="a,b.mp4")["camera"]["path"] == "a,b.mp4"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"views": "front"}, ("views", "front", "two or more")),
        ({"views": "front,front"}, ("views", "different")),
        ({"views": "front,2nd"}, ("views", "2nd", "namespaces")),
        ({"views": "front,side", "device": "0,1,2"}, ("device", "3 values", "front, side")),
        ({"views": "front,side", "camera_height": "1.1,tall"}, ("camera_height", "tall", "a number")),
        ({"views": "front,side", "camera": "simulated"}, ("camera", "simulated", "real")),
    ],
)
def test_wrong_views_are_named_with_what_is_allowed(given: dict[str, str], words: tuple[str, ...]) -> None:
    with pytest.raises(RuntimeError) as caught:
        parameters(1, **given)
    assert all(word in str(caught.value) for word in words)


def test_what_is_set_for_views_are_parameters_of_the_nodes() -> None:
    from kinecue.nodes.camera import CameraNode
    from kinecue.nodes.fusion import FusionNode
    from kinecue.nodes.pose import PoseNode

    given = parameters(views="front,side", camera_height="1.2", rig_file="rig.yaml")
    for node, kind in (("camera", CameraNode), ("pose", PoseNode), ("fusion", FusionNode)):
        known = {spec.name: spec for spec in kind.PARAMETERS}
        for name, value in given[node].items():
            if name not in ("autostart", "use_sim_time"):
                assert known[name].problem(value) is None


def test_a_network_of_your_own_is_named_by_its_manifest() -> None:
    assert parameters(model="nets/mine.yaml#rtmpose")["pose"]["model"] == "nets/mine.yaml#rtmpose"
    with pytest.raises(RuntimeError, match="gigantic"):
        parameters(model="gigantic")
