"""Starts KineCue: composed in one process (default), or as a process per node.

ros2 launch kinecue bringup.launch.py exercise:=squat source:=device device:=/dev/video0 rviz:=true
ros2 launch kinecue bringup.launch.py camera:=simulated exercise:=squat athlete:=tall faults:="knees_in=15:reps=3,4"
ros2 launch kinecue bringup.launch.py --show-args
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml
from launch.actions import DeclareLaunchArgument, GroupAction, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.conditions import IfCondition
from launch.event_handlers import OnShutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.substitutions import FindPackageShare

from launch import Action, LaunchContext, LaunchDescription

NODES = ("speech", "orchestrator", "machine", "visualization", "scoring", "pose", "camera")


def _own(name: str, description: str, choices: list[str] | None = None) -> DeclareLaunchArgument:
    """An argument that, when given, goes before the parameters' file."""
    return DeclareLaunchArgument(
        name,
        default_value="",
        choices=["", *choices] if choices else None,
        description=f"{description}. Empty = as in params_file.",
    )


_SIMULATED_MOUNT = (1.05, 3.0)
"""Height over the floor (m) and tilt (degrees) of the simulated camera; ready-made programmes have the same."""

ARGUMENTS = (
    _own("exercise", "Exercise to score: a file of config/exercises"),
    DeclareLaunchArgument(
        "camera",
        default_value="real",
        choices=["real", "simulated"],
        description="simulated = a synthetic athlete instead of a camera, the machine led by the same hands, "
        "and the truth on truth/*.",
    ),
    _own("programme", "Simulated: a ready-made set, such as sample_squat"),
    _own("athlete", "Simulated: who"),
    _own("faults", "Simulated: NAME=MAGNITUDE[:reps=1,3-5][:side=left], several with ';' between"),
    _own("view_deg", "Simulated: 0 sees the face, 90 the left side, degrees"),
    _own("repetitions", "Simulated: how many"),
    _own("prerender", "Simulated: render everything before the first frame", ["true", "false"]),
    _own("source", "What the camera node reads", ["device", "video", "folder", "simulated"]),
    _own("device", "V4L2 device, path or number"),
    _own("path", "Video file or folder of pictures"),
    _own("loop", "Play recordings again and again", ["true", "false"]),
    _own("model", "Pose network", ["lite", "full", "heavy"]),
    _own("camera_height", "Camera over the floor, m; 0 = not known"),
    _own("camera_tilt_deg", "Camera tilt, degrees, positive looks down"),
    DeclareLaunchArgument(
        "machine",
        default_value="simulated",
        choices=["simulated", "none"],
        description="none = your own drivers publish machine/cable and machine/encoder.",
    ),
    DeclareLaunchArgument(
        "namespace", default_value="", description="Namespace of all nodes and topics, one per machine."
    ),
    DeclareLaunchArgument(
        "composed",
        default_value="true",
        choices=["true", "false"],
        description="One process, frames by reference, no image topic; false = a process per node, with image_raw.",
    ),
    DeclareLaunchArgument(
        "publish_image",
        default_value="false",
        choices=["true", "false"],
        description="Publish image_raw for engineers, composed too.",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=PathJoinSubstitution([FindPackageShare("kinecue"), "config", "kinecue.yaml"]),
        description="Parameters of the nodes.",
    ),
    DeclareLaunchArgument(
        "autostart", default_value="true", choices=["true", "false"], description="Nodes start themselves."
    ),
    DeclareLaunchArgument(
        "use_sim_time", default_value="false", choices=["true", "false"], description="Time from /clock."
    ),
    DeclareLaunchArgument(
        "rviz", default_value="false", choices=["true", "false"], description="Start RViz."
    ),
    DeclareLaunchArgument("log_level", default_value="info", description="Log level of the nodes."),
)


def parameters(context: LaunchContext) -> dict[str, dict[str, object]]:
    """What the launch arguments set, by node; arguments that were not given set nothing."""

    def text(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    def number(name: str) -> float:
        try:
            return float(text(name))
        except ValueError:
            raise RuntimeError(f"launch argument {name!r} is {text(name)!r}, allowed: a number") from None

    composed = text("composed") == "true"
    given: dict[str, dict[str, object]] = {name: {} for name in NODES}
    for node, name in (
        ("camera", "source"),
        ("camera", "device"),
        ("camera", "path"),
        ("pose", "model"),
        ("scoring", "exercise"),
    ):
        if text(name):
            given[node][name] = text(name)
    for name in ("camera_height", "camera_tilt_deg"):
        if text(name):
            given["pose"][name] = number(name)
    if text("camera") == "simulated":
        _simulate(given, text, number)
    if text("loop"):
        given["camera"]["loop"] = text("loop") == "true"
    # separate processes have no other way to share pictures
    if text("publish_image") == "true" or not composed:
        given["camera"]["publish_image"] = True
    for values in given.values():
        values["autostart"] = text("autostart") == "true"
        values["use_sim_time"] = text("use_sim_time") == "true"
    if text("machine") == "none":
        given["machine"]["autostart"] = False
    return given


def _simulate(
    given: dict[str, dict[str, object]], text: Callable[[str], str], number: Callable[[str], float]
) -> None:
    """The gym's camera hangs where the pose node believes it to hang, and the machine goes where the hands go."""
    camera = given["camera"]
    camera["source"] = "simulated"
    given["machine"]["follow"] = "gym"
    for name in ("programme", "exercise", "athlete", "faults"):
        if text(name):
            camera[f"simulated_{name}"] = text(name)
    if text("view_deg"):
        camera["simulated_view_deg"] = number("view_deg")
    if text("repetitions"):
        camera["simulated_repetitions"] = int(number("repetitions"))
    if text("prerender"):
        camera["simulated_prerender"] = text("prerender") == "true"
    height, tilt = _SIMULATED_MOUNT
    given["pose"].setdefault("camera_height", height)
    given["pose"].setdefault("camera_tilt_deg", tilt)
    if not text("programme"):
        camera["simulated_height"] = given["pose"]["camera_height"]
        camera["simulated_tilt_deg"] = given["pose"]["camera_tilt_deg"]


def parameters_file(given: dict[str, dict[str, object]]) -> Path:
    """The same as a file: on a command line, a parameter for one of several nodes cannot follow their namespace."""
    handle, name = tempfile.mkstemp(prefix="kinecue_", suffix=".yaml")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yaml.safe_dump({f"/**/{node}": {"ros__parameters": values} for node, values in given.items()}, file)
    return Path(name)


def nodes(context: LaunchContext) -> list[Action]:
    """The actions, once the arguments are known."""
    file = parameters_file(parameters(context))
    common: dict[str, object] = {
        "package": "kinecue",
        "output": "screen",
        "parameters": [LaunchConfiguration("params_file"), str(file)],
        "ros_arguments": ["--log-level", LaunchConfiguration("log_level")],
    }
    if LaunchConfiguration("composed").perform(context) == "true":
        actions = [Node(executable="graph_node", on_exit=[Shutdown(reason="KineCue ended")], **common)]
    else:
        actions = [Node(executable=f"{name}_node", name=name, **common) for name in NODES]
    actions.append(
        Node(
            package="rviz2",
            executable="rviz2",
            name="rviz2",
            arguments=["-d", PathJoinSubstitution([FindPackageShare("kinecue"), "config", "kinecue.rviz"])],
            condition=IfCondition(LaunchConfiguration("rviz")),
        )
    )
    forget = RegisterEventHandler(OnShutdown(on_shutdown=lambda event, context: file.unlink(missing_ok=True)))
    return [forget, GroupAction([PushRosNamespace(LaunchConfiguration("namespace")), *actions])]


def generate_launch_description() -> LaunchDescription:
    """All of it."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
