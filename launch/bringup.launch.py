"""Starts KineCue: composed in one process (default), or as a process per node.

ros2 launch kinecue bringup.launch.py exercise:=squat source:=device device:=/dev/video0 rviz:=true
ros2 launch kinecue bringup.launch.py --show-args
"""

from launch.actions import DeclareLaunchArgument, GroupAction, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext, LaunchDescription

NODES = ("speech", "orchestrator", "machine", "visualization", "scoring", "pose", "camera")

ARGUMENTS = (
    DeclareLaunchArgument(
        "exercise", default_value="squat", description="Exercise to score: a file of config/exercises."
    ),
    DeclareLaunchArgument(
        "source",
        default_value="device",
        choices=["device", "video", "folder"],
        description="What the camera node reads.",
    ),
    DeclareLaunchArgument("device", default_value="/dev/video0", description="V4L2 device, path or number."),
    DeclareLaunchArgument("path", default_value="", description="Video file or folder of pictures."),
    DeclareLaunchArgument(
        "loop",
        default_value="false",
        choices=["true", "false"],
        description="Play recordings again and again.",
    ),
    DeclareLaunchArgument(
        "model", default_value="full", choices=["lite", "full", "heavy"], description="Pose network."
    ),
    DeclareLaunchArgument(
        "camera_height", default_value="0.0", description="Camera over the floor, m; 0.0 = not known."
    ),
    DeclareLaunchArgument(
        "camera_tilt_deg", default_value="0.0", description="Camera tilt, degrees, positive looks down."
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
    """What the launch arguments set, by node."""

    def text(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    composed = text("composed") == "true"
    common = {"autostart": text("autostart") == "true", "use_sim_time": text("use_sim_time") == "true"}
    own: dict[str, dict[str, object]] = {
        "camera": {
            "source": text("source"),
            "device": text("device"),
            "path": text("path"),
            "loop": text("loop") == "true",
            # separate processes have no other way to share pictures
            "publish_image": text("publish_image") == "true" or not composed,
        },
        "pose": {
            "model": text("model"),
            "camera_height": float(text("camera_height")),
            "camera_tilt_deg": float(text("camera_tilt_deg")),
        },
        "scoring": {"exercise": text("exercise")},
    }
    return {name: {**own.get(name, {}), **common} for name in NODES}


def nodes(context: LaunchContext) -> list[GroupAction]:
    """The actions, once the arguments are known."""
    params_file = LaunchConfiguration("params_file")
    ros_arguments = ["--log-level", LaunchConfiguration("log_level")]
    given = parameters(context)
    if LaunchConfiguration("composed").perform(context) == "true":
        arguments: list[object] = ["--ros-args", "--params-file", params_file]
        for name, values in given.items():
            for key, value in values.items():
                arguments += ["-p", f"{name}:{key}:={_yaml(value)}"]
        actions = [
            Node(
                package="kinecue",
                executable="graph_node",
                output="screen",
                arguments=arguments,
                ros_arguments=ros_arguments,
            )
        ]
    else:
        actions = [
            Node(
                package="kinecue",
                executable=f"{name}_node",
                name=name,
                output="screen",
                parameters=[params_file, given[name]],
                ros_arguments=ros_arguments,
            )
            for name in NODES
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
    return [GroupAction([PushRosNamespace(LaunchConfiguration("namespace")), *actions])]


def _yaml(value: object) -> str:
    """A parameter as YAML on a command line; strings quoted, so that 0 stays a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


def generate_launch_description() -> LaunchDescription:
    """All of it."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
