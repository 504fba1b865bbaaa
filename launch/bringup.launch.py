"""Starts KineCue: composed in one process (default), or as a process per node.

ros2 launch kinecue bringup.launch.py exercise:=squat source:=device device:=/dev/video0 rviz:=true
ros2 launch kinecue bringup.launch.py camera:=simulated exercise:=squat athlete:=tall faults:="knees_in=15:reps=3,4"
ros2 launch kinecue bringup.launch.py views:=front,side source:=device device:=/dev/video0,/dev/video2 rig_file:=rig.yaml
ros2 launch kinecue bringup.launch.py --show-args
"""

from __future__ import annotations

import os
import re
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

NODES = (
    "speech",
    "orchestrator",
    "machine",
    "visualization",
    "training",
    "loads",
    "scoring",
    "pose",
    "camera",
)
SEEING = ("pose", "camera")
"""Nodes that each of several views has of its own."""
MODELS = ("lite", "full", "heavy")
MACHINES = ("simulated", "serial", "can", "joint_state", "mcap")
"""Drivers of the machine node."""
PER_VIEW = ("source", "device", "path", "camera_height", "camera_tilt_deg")
"""Arguments that take a value for each view, separated by commas, or one for all."""
_VIEW = re.compile(r"[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*")


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
    _own("model", f"Pose network: {', '.join(MODELS)}, or PATH.yaml[#NAME], the manifest of one of your own"),
    _own("camera_height", "Camera over the floor, m; 0 = not known"),
    _own("camera_tilt_deg", "Camera tilt, degrees, positive looks down"),
    DeclareLaunchArgument(
        "views",
        default_value="",
        description="Several cameras that see the same person: their namespaces, such as front,side; the first one leads. "
        "Each gets a camera and a pose node, a fusion node makes one body of all; always a process per node. "
        f"{', '.join(PER_VIEW)} then take one value, or one for each view, separated by commas.",
    ),
    _own("rig_file", "Where the cameras of views stand (docs/cameras.md); written by calibrate_views"),
    DeclareLaunchArgument(
        "machine",
        default_value="",
        choices=["", *MACHINES, "none"],
        description="Driver of the machine node; none = no machine, or publishers of your own. Empty = simulated with "
        "camera:=simulated, else as in params_file.",
    ),
    _own("machine_port", "Serial port or URL of machine:=serial"),
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


def views(context: LaunchContext) -> tuple[str, ...]:
    """Namespaces of the views; empty with one camera."""
    given = LaunchConfiguration("views").perform(context)
    names = tuple(name.strip().strip("/") for name in given.split(",") if name.strip())
    if not names:
        return ()
    if len(names) < 2 or len(set(names)) < len(names) or not all(_VIEW.fullmatch(name) for name in names):
        raise RuntimeError(
            f"launch argument 'views' is {given!r}, allowed: two or more different namespaces, separated by commas"
        )
    if LaunchConfiguration("camera").perform(context) == "simulated":
        raise RuntimeError(
            "launch argument 'camera' is 'simulated', allowed with views: real; each simulated camera has a gym of its own"
        )
    return names


def parameters(context: LaunchContext, view: int = 0) -> dict[str, dict[str, object]]:
    """What the launch arguments set, by node; arguments that were not given set nothing.

    Args:
        context: holds the arguments.
        view: whose camera and pose node, where there are several.
    """
    names = views(context)

    def text(name: str) -> str:
        value = LaunchConfiguration(name).perform(context)
        if name not in PER_VIEW or not names:
            return value
        values = [part.strip() for part in value.split(",")]
        if len(values) not in (1, len(names)):
            raise RuntimeError(
                f"launch argument {name!r} has {len(values)} values, allowed: one, or one for each of {', '.join(names)}"
            )
        return values[view if len(values) > 1 else 0]

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
    model = text("model")
    if model and model not in MODELS and not model.partition("#")[0].endswith((".yaml", ".yml")):
        raise RuntimeError(
            f"launch argument 'model' is {model!r}, allowed: {', '.join(MODELS)}, or PATH.yaml[#NAME]"
        )
    for name in ("camera_height", "camera_tilt_deg"):
        if text(name):
            given["pose"][name] = number(name)
    if text("camera") == "simulated":
        _simulate(given, text, number)
    if text("loop"):
        given["camera"]["loop"] = text("loop") == "true"
    # separate processes have no other way to share pictures
    if text("publish_image") == "true" or not composed or names:
        given["camera"]["publish_image"] = True
    if names:
        _fuse(given, names, view, text)
    for values in given.values():
        values["autostart"] = text("autostart") == "true"
        values["use_sim_time"] = text("use_sim_time") == "true"
    machine = text("machine") or ("simulated" if text("camera") == "simulated" else "")
    if machine:
        given["machine"]["driver"] = machine
    if text("machine_port"):
        given["machine"]["port"] = text("machine_port")
    return given


def _fuse(
    given: dict[str, dict[str, object]], names: tuple[str, ...], view: int, text: Callable[[str], str]
) -> None:
    """Each view has frames of its own, and the fusion node tells of the people."""
    prefix = names[view].replace("/", "_")
    given["camera"]["frame_id"] = f"{prefix}_camera_optical_frame"
    given["pose"] |= {"base_frame": f"{prefix}_base", "publish_people": False}
    given["fusion"] = {"views": ",".join(names)}
    if text("rig_file"):
        given["fusion"]["rig_file"] = text("rig_file")


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


def programs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Namespace and name of the nodes that are processes of their own, given the views."""
    if not names:
        return [("", name) for name in NODES]
    alone = [("", name) for name in (*NODES, "fusion") if name not in SEEING]
    return [*alone, *((view, name) for view in names for name in SEEING)]


def nodes(context: LaunchContext) -> list[Action]:
    """The actions, once the arguments are known."""
    names = views(context)
    files = [parameters_file(parameters(context, view)) for view in range(max(len(names), 1))]

    def common(file: Path) -> dict[str, object]:
        return {
            "package": "kinecue",
            "output": "screen",
            "parameters": [LaunchConfiguration("params_file"), str(file)],
            "ros_arguments": ["--log-level", LaunchConfiguration("log_level")],
        }

    if not names and LaunchConfiguration("composed").perform(context) == "true":
        actions = [
            Node(executable="graph_node", on_exit=[Shutdown(reason="KineCue ended")], **common(files[0]))
        ]
    else:
        actions = [
            Node(
                executable=f"{name}_node",
                name=name,
                namespace=view,
                # the overlay is drawn on the pictures of the view that leads
                remappings=[("image_raw", f"{names[0]}/image_raw")]
                if names and name == "visualization"
                else None,
                **common(files[names.index(view) if view else 0]),
            )
            for view, name in programs(names)
        ]
    actions.append(
        Node(
            package="rviz2",
            executable="rviz2",
            name="rviz2",
            arguments=["-d", PathJoinSubstitution([FindPackageShare("kinecue"), "config", "kinecue.rviz"])],
            condition=IfCondition(LaunchConfiguration("rviz")),
        )
    )

    def forget(*_: object) -> None:
        for file in files:
            file.unlink(missing_ok=True)

    return [
        RegisterEventHandler(OnShutdown(on_shutdown=forget)),
        GroupAction([PushRosNamespace(LaunchConfiguration("namespace")), *actions]),
    ]


def generate_launch_description() -> LaunchDescription:
    """All of it."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
