"""The composed graph: frames go from camera to pose by reference, and no image topic exists.

All that leads to a cue is one process; `kinecue.nodes.aside` is a second one for the nodes that no cue waits for.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter

from kinecue.body.errors import KineCueError
from kinecue.nodes import aside
from kinecue.nodes.base import KineCueNode, Spinner, init, limit_threads, start_nodes, stop_on_signals
from kinecue.nodes.camera import CameraNode
from kinecue.nodes.orchestrator import OrchestratorNode
from kinecue.nodes.pose import PoseNode
from kinecue.nodes.scoring import ScoringNode
from kinecue.nodes.speech import SpeechNode
from kinecue.nodes.visualization import FrameHistory, OverlaySink, VisualizationNode
from kinecue.perception.frames import Frame
from kinecue.perception.grabber import LatestFrame

_SWITCH_INTERVAL_S = 0.0005
"""Python's default of 5 ms is a fifth of a frame."""

NodeParameters = Mapping[str, Mapping[str, Any]]


class Graph:
    """All nodes, each with an executor thread of its own, so that none waits for another.

    `nodes` are those of this process.

    Args:
        parameters: node name -> parameter -> value; what is not given has its default.
        namespace: of all nodes.
        overlay_sinks: called with every overlay picture.
        observers: further nodes to spin, made by the caller.
        use_global_arguments: whether ROS arguments of the command line reach the nodes.
    """

    def __init__(
        self,
        parameters: NodeParameters | None = None,
        namespace: str = "",
        overlay_sinks: tuple[OverlaySink, ...] = (),
        observers: tuple[Node, ...] = (),
        use_global_arguments: bool = True,
    ) -> None:
        limit_threads()
        # a thread that comes back from the network waits this long for another to let go of the interpreter
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        given = dict(parameters or {})
        self._mailbox = LatestFrame()
        history = FrameHistory()
        keep_frames = bool(overlay_sinks)

        def remember(frame: Frame) -> None:
            if keep_frames or self.visualization.overlay_wanted:
                history.put(frame.stamp_ns, frame.image)

        def options(name: str) -> dict[str, Any]:
            overrides = [Parameter(key, value=value) for key, value in given.pop(name, {}).items()]
            return {
                "namespace": namespace or None,
                "parameter_overrides": overrides,
                "use_global_arguments": use_global_arguments,
            }

        self._built: list[KineCueNode] = []
        # it starts while the nodes here are made
        self._aside = aside.Aside(
            {name: given.pop(name) for name in aside.NODES if name in given},
            namespace,
            _ros_arguments() if use_global_arguments else (),
        )
        try:
            self.speech = self._add(SpeechNode(**options("speech")))
            self.orchestrator = self._add(OrchestratorNode(**options("orchestrator")))
            self.visualization = self._add(
                VisualizationNode(history, overlay_sinks, **options("visualization"))
            )
            self.scoring = self._add(ScoringNode(**options("scoring")))
            self.pose = self._add(PoseNode(self._mailbox, **options("pose")))
            self.camera = self._add(CameraNode((self._mailbox,), remember, **options("camera")))
            if given:
                names = ", ".join((*(node.get_name() for node in self._built), *aside.NODES))
                raise KineCueError(f"there is no node {next(iter(given))!r}; nodes: {names}")
            self._aside.wait()
        except Exception:
            self._aside.close()
            self._destroy()
            raise
        self._spinners: list[Spinner] = []
        self._observers = observers

    def _add(self, node: Any) -> Any:
        self._built.append(node)
        return node

    @property
    def nodes(self) -> tuple[KineCueNode, ...]:
        """Consumers first, so that nobody publishes to a node that does not listen yet."""
        return tuple(self._built)

    def spin(self) -> None:
        """Starts the executors; returns at once."""
        for node in (*self._observers, *self._built):
            spinner = Spinner(node, polite=node in (*self._observers, self.visualization))
            spinner.start()
            self._spinners.append(spinner)

    def start(self, *names: str) -> list[str]:
        """Configures and activates nodes that start themselves (all, or those named); returns those that could not."""
        beside = [name for name in aside.NODES if not names or name in names]
        return [*self._aside.start(beside), *start_nodes(self._built, names)]

    def close(self) -> None:
        """Releases devices and threads, camera first."""
        for node in reversed(self._built):
            node.close()
        self._aside.close()
        for spinner in self._spinners:
            spinner.stop()
        self._spinners.clear()
        self._destroy()

    def _destroy(self) -> None:
        for node in reversed(self._built):
            node.destroy_node()
        self._built.clear()


def _ros_arguments() -> list[str]:
    """Those that this program was started with, for another one."""
    given = sys.argv[1:]
    return given[given.index("--ros-args") :] if "--ros-args" in given else []


def main(args: list[str] | None = None) -> int:
    """Console script: the composed graph until it is stopped. Parameters come from ROS arguments (``--params-file``)."""
    stop = stop_on_signals()
    init(args)
    try:
        try:
            graph = Graph()
        except KineCueError as error:
            print(f"kinecue: {error}", file=sys.stderr)
            return 2
        try:
            graph.spin()
            graph.start()
            stop.wait()
        finally:
            graph.close()
    finally:
        rclpy.try_shutdown()
    return 0
