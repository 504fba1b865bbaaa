"""launch/bringup.launch.py, run for real where ROS has launch; skipped where ROS comes from PyPI, which lacks it."""

from __future__ import annotations

import importlib.util
import logging
import tempfile
import time
from pathlib import Path

import pytest

# `launch` alone would be found as the folder of that name
launch_ros = pytest.importorskip(
    "launch_ros", reason="launch_ros is not installed (PyPI's ROS has no launch)"
)
launch_pytest = pytest.importorskip(
    "launch_pytest", reason="launch_pytest is not installed (PyPI's ROS has no launch)"
)

import rclpy  # noqa: E402
from ament_index_python.packages import PackageNotFoundError, get_package_prefix  # noqa: E402
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, RegisterEventHandler  # noqa: E402
from launch.event_handlers import OnProcessExit, OnProcessStart  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402
from launch.logging import get_logger  # noqa: E402
from launch_pytest.actions import ReadyToTest  # noqa: E402
from node_bench import Bench, separate_graph, write_pictures  # noqa: E402
from rcl_interfaces.srv import GetParameters  # noqa: E402
from rclpy.signals import SignalHandlerOptions  # noqa: E402

from kinecue.body.paths import data_dir  # noqa: E402
from kinecue.perception.models import ModelStore  # noqa: E402
from launch import LaunchContext, LaunchDescription, LaunchService  # noqa: E402

FILE = Path(__file__).parents[2] / "launch" / "bringup.launch.py"
NODES = {
    "speech",
    "orchestrator",
    "machine",
    "visualization",
    "training",
    "loads",
    "scoring",
    "pose",
    "camera",
}

try:
    get_package_prefix("kinecue")
except PackageNotFoundError:
    pytest.skip(
        "kinecue is not built and sourced, so launch cannot find its programs", allow_module_level=True
    )


@pytest.fixture(autouse=True)
def _separate_graph(monkeypatch):
    separate_graph(monkeypatch)


@pytest.fixture(scope="module")
def bringup():
    """The launch file as a module."""
    spec = importlib.util.spec_from_file_location("bringup", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def including(**arguments: str) -> IncludeLaunchDescription:
    """The launch file with arguments."""
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(FILE)), launch_arguments=arguments.items()
    )


@pytest.fixture
def told():
    """What launch logs, which neither caplog nor capsys see: its loggers keep to themselves."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = get_logger("launch")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


class TestArguments:
    def test_are_documented(self, bringup):
        declared = [
            e for e in bringup.generate_launch_description().entities if isinstance(e, DeclareLaunchArgument)
        ]
        names = {argument.name for argument in declared}
        assert names >= {
            "exercise",
            "source",
            "device",
            "path",
            "model",
            "namespace",
            "composed",
            "publish_image",
            "views",
            "rig_file",
        }
        assert names >= {"params_file", "autostart", "use_sim_time", "rviz", "log_level"}
        for argument in declared:
            assert len(argument.description) > 10
            assert argument.default_value is not None
        choices = {argument.name: argument.choices for argument in declared}
        assert choices["source"] == ["", "device", "video", "folder", "simulated"]
        for name in ("composed", "publish_image", "autostart", "use_sim_time", "rviz"):
            assert choices[name] == ["true", "false"]

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("model", "gigantic", ("model", "gigantic", "heavy")),
            ("source", "dream", ("source", "dream", "folder")),
            ("composed", "maybe", ("composed", "maybe", "true")),
            ("rviz", "yes", ("rviz", "yes", "true")),
            ("camera_height", "tall", ("camera_height", "tall", "a number")),
        ],
    )
    def test_of_wrong_values_start_nothing_and_name_what_is_allowed(self, told, name, value, words):
        started = []
        service = LaunchService(noninteractive=True)
        service.include_launch_description(
            LaunchDescription(
                [
                    RegisterEventHandler(
                        OnProcessStart(on_start=lambda event, context: started.append(event))
                    ),
                    including(**{name: value}),
                ]
            )
        )
        assert service.run() == 1
        assert not started
        assert all(word in " ".join(told) for word in words)

    def test_that_were_not_given_leave_the_parameters_file_alone(self, bringup):
        context = LaunchContext()
        for argument in bringup.ARGUMENTS:
            if argument.name != "params_file":
                argument.visit(context)
        assert bringup.parameters(context) == {
            name: {"autostart": True, "use_sim_time": False} for name in bringup.NODES
        }


class Graph:
    """Arguments of a launch, its processes as they come and go, and the peer that looks at the graph."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: dict[str, int] = {}

    def description(self, **arguments: str) -> LaunchDescription:
        return LaunchDescription(
            [
                RegisterEventHandler(OnProcessStart(on_start=self._start)),
                RegisterEventHandler(OnProcessExit(on_exit=self._exit)),
                including(**arguments),
                ReadyToTest(),
            ]
        )

    def _start(self, event, context):
        self.started.append(event.process_name)

    def _exit(self, event, context):
        self.ended[event.process_name] = event.returncode


@pytest.fixture
def graph():
    for name in ("pose_detection", "pose_landmark_lite"):
        problem = ModelStore(data_dir() / "models").problem(name)
        if problem:
            pytest.skip(problem)
    return Graph()


@pytest.fixture
def settings(tmp_path):
    """A parameters' file that needs nothing of the machine."""
    file = tmp_path / "mine.yaml"
    file.write_text(
        "/**/speech:\n  ros__parameters: {engine: 'null', device: none, cache_dir: '%s'}\n"
        "/**/pose:\n  ros__parameters: {model: lite, camera_height: 1.25}\n"
        "/**/scoring:\n  ros__parameters: {exercise: biceps_curl}\n"
        "/**/camera:\n  ros__parameters: {rate: 15.0}\n" % (tmp_path / "phrases")
    )
    return file


@pytest.fixture
def pictures(tmp_path):
    """A folder whose name is hard to quote."""
    return write_pictures(tmp_path / 'it\'s a "folder": #1', count=3, size=(160, 120))


@pytest.fixture
def peer(_separate_graph):
    """Looks at the graph from outside."""
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    with Bench() as bench:
        yield bench
    rclpy.try_shutdown()


def parameter(peer: Bench, node: str, name: str):
    """Value of a node's parameter, by its type."""
    found = peer.call(GetParameters, f"{node}/get_parameters", GetParameters.Request(names=[name])).values[0]
    return {1: found.bool_value, 2: found.integer_value, 3: found.double_value, 4: found.string_value}[
        found.type
    ]


def wait_active(peer: Bench, namespace: str = "") -> None:
    """Until every node is there and active."""
    for name in NODES:
        peer.wait(lambda name=name: peer.state(f"{namespace}/{name}") == "active", f"{name} being active")


def leftovers() -> set[Path]:
    """Files that the launch file made for the nodes."""
    return set(Path(tempfile.gettempdir()).glob("kinecue_*.yaml"))


@launch_pytest.fixture
def composed(graph, settings, pictures):
    return graph.description(
        namespace="gym/seven",
        source="folder",
        path=str(pictures),
        loop="true",
        device="0",
        params_file=str(settings),
    )


@pytest.mark.launch(fixture=composed)
def test_composed(graph, peer, pictures):
    before = leftovers()
    wait_active(peer, "/gym/seven")
    assert [name.rsplit("-", 1)[0] for name in graph.started] == ["graph_node"]
    # arguments go before the file, and the file before the defaults
    assert parameter(peer, "/gym/seven/camera", "path") == str(pictures)
    assert parameter(peer, "/gym/seven/camera", "device") == "0"
    assert parameter(peer, "/gym/seven/camera", "loop") is True
    assert parameter(peer, "/gym/seven/camera", "rate") == 15.0
    assert parameter(peer, "/gym/seven/pose", "model") == "lite"
    assert parameter(peer, "/gym/seven/pose", "camera_height") == 1.25
    assert parameter(peer, "/gym/seven/scoring", "exercise") == "biceps_curl"
    from kinecue_msgs import msg

    forms = peer.listen(msg.FormState, "/gym/seven/form")
    peer.wait(lambda: forms)
    assert forms[0].exercise == "biceps_curl"
    topics = dict(peer.peer.get_topic_names_and_types())
    assert not [name for name in topics if name.endswith("image_raw")]
    yield
    assert set(graph.ended.values()) == {0}
    assert not before & leftovers()


@launch_pytest.fixture
def separate(graph, settings, pictures):
    return graph.description(
        composed="false",
        exercise="squat",
        source="folder",
        path=str(pictures),
        loop="true",
        device="0",
        params_file=str(settings),
    )


@pytest.mark.launch(fixture=separate)
def test_a_process_per_node(graph, peer, pictures):
    wait_active(peer)
    assert {name.rsplit("-", 1)[0] for name in graph.started} == {f"{name}_node" for name in NODES}
    assert parameter(peer, "/camera", "path") == str(pictures)
    assert parameter(peer, "/camera", "device") == "0"
    assert parameter(peer, "/camera", "rate") == 15.0
    assert parameter(peer, "/scoring", "exercise") == "squat"
    from kinecue_msgs import msg

    forms = peer.listen(msg.FormState, "/form")
    peer.wait(lambda: forms)
    assert forms[0].exercise == "squat"
    assert "/image_raw" in dict(peer.peer.get_topic_names_and_types())
    yield
    assert len(graph.ended) == len(NODES)
    assert set(graph.ended.values()) == {0}


@launch_pytest.fixture
def two_views(graph, settings, pictures):
    return graph.description(
        views="front,side",
        source="folder",
        path=str(pictures),
        loop="true",
        camera_height="1.25,1.5",
        params_file=str(settings),
    )


@pytest.mark.launch(fixture=two_views)
def test_two_views_and_their_fusion(graph, peer):
    alone = (NODES - {"camera", "pose"}) | {"fusion"}
    seeing = {f"{view}/{name}" for view in ("front", "side") for name in ("camera", "pose")}
    # ten processes take their time to start on a small machine
    until = time.monotonic() + 60.0
    while len(peer.peer.get_node_names()) <= len(alone | seeing) and time.monotonic() < until:
        peer.spin(0.2)
    for name in alone | seeing:
        peer.wait(lambda name=name: peer.state(f"/{name}") == "active", f"{name} being active")
    assert len(graph.started) == len(alone | seeing)
    assert parameter(peer, "/fusion", "views") == "front,side"
    for view, height in (("front", 1.25), ("side", 1.5)):
        assert parameter(peer, f"/{view}/pose", "camera_height") == height
        assert parameter(peer, f"/{view}/pose", "base_frame") == f"{view}_base"
        assert parameter(peer, f"/{view}/pose", "publish_people") is False
    topics = dict(peer.peer.get_topic_names_and_types())
    assert {"/bodies", "/front/landmarks", "/side/landmarks", "/front/image_raw"} <= set(topics)
    yield
    assert set(graph.ended.values()) == {0}


@launch_pytest.fixture
def waiting(graph, settings):
    return graph.description(autostart="false", params_file=str(settings))


@pytest.mark.launch(fixture=waiting)
def test_autostart_false_leaves_the_nodes_to_a_lifecycle_manager(graph, peer):
    for name in NODES:
        assert peer.state(f"/{name}") == "unconfigured"
    yield
    assert set(graph.ended.values()) == {0}


@launch_pytest.fixture
def wrong_parameter(graph, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("/**/pose:\n  ros__parameters: {threads: many}\n")
    return graph.description(params_file=str(file))


@pytest.mark.launch(fixture=wrong_parameter)
def test_a_wrong_parameter_in_the_file_ends_the_launch(graph):
    until = time.monotonic() + 30.0
    while not graph.ended and time.monotonic() < until:
        time.sleep(0.05)
    assert list(graph.ended.values()) == [2]
