"""Spins nodes and a peer in the thread of the test: nothing happens between two calls, and no wait is endless."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from kinecue.nodes.base import SENSOR_QOS, KineCueNode
from kinecue.nodes.camera import CameraNode
from kinecue.nodes.fusion import FusionNode
from kinecue.nodes.loads import LoadsNode
from kinecue.nodes.machine import MachineNode
from kinecue.nodes.orchestrator import OrchestratorNode
from kinecue.nodes.pose import PoseNode
from kinecue.nodes.scoring import ScoringNode
from kinecue.nodes.speech import SpeechNode
from kinecue.nodes.training import TrainingNode
from kinecue.nodes.visualization import VisualizationNode

NODES: dict[str, type[KineCueNode]] = {
    "camera": CameraNode,
    "pose": PoseNode,
    "machine": MachineNode,
    "scoring": ScoringNode,
    "orchestrator": OrchestratorNode,
    "speech": SpeechNode,
    "visualization": VisualizationNode,
    "fusion": FusionNode,
    "training": TrainingNode,
    "loads": LoadsNode,
}
_DOMAINS = itertools.count(os.getpid())
LOGS = Path(tempfile.gettempdir()) / f"kinecue_test_logs_{os.getpid()}"
"""Every context leaves a log file; thousands of them would fill the one of the person who runs the tests."""
PATIENCE_S = 60.0
"""For what takes milliseconds on a quiet machine."""


def separate_graph(environment: pytest.MonkeyPatch) -> None:
    """Contexts made from now on, here and in child processes, share nothing with anybody else.

    Each test has a domain of its own: Fast DDS needs seconds to forget a participant, and a service that is still
    half there is never ready. 101 is the largest domain whose ports are free on every Linux.
    """
    environment.setenv("ROS_DOMAIN_ID", str(1 + next(_DOMAINS) % 101))
    environment.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    environment.delenv("ROS_STATIC_PEERS", raising=False)
    environment.setenv("ROS_LOG_DIR", str(LOGS))


def overrides(**parameters: Any) -> list[Parameter]:
    """Parameters as the command line would set them."""
    return [Parameter(name, value=value) for name, value in parameters.items()]


class Bench:
    """Nodes under test and one peer.

    A test spins everything itself, so it sees each state and needs no lock.
    """

    def __init__(self) -> None:
        self._executor = SingleThreadedExecutor()
        self._nodes: list[Node] = []
        self.peer = self.add(Node("peer", use_global_arguments=False))

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        for node in reversed(self._nodes):
            if isinstance(node, KineCueNode):
                node.close()
            self._executor.remove_node(node)
            node.destroy_node()
        self._executor.shutdown()

    def add(self, node: Any) -> Any:
        """Spin a node from now on."""
        self._executor.add_node(node)
        self._nodes.append(node)
        return node

    def node(self, name: str, *positional: Any, **parameters: Any) -> Any:
        """A node under test; arguments are its parameters. It is not configured yet.

        A language model runs beside the orchestrator only in the tests that are about it.
        """
        if name == "orchestrator":
            parameters.setdefault("language_model", "none")
        return self.add(NODES[name](*positional, parameter_overrides=overrides(**parameters)))

    def started(self, name: str, *positional: Any, **parameters: Any) -> Any:
        """A node under test that has started itself."""
        node = self.node(name, *positional, **parameters)
        assert node.start(), f"{name} did not start"
        return node

    # -- time

    def spin(self, seconds: float) -> None:
        """Spin for so long; only to see that something does not happen."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._executor.spin_once(timeout_sec=0.01)

    def wait(self, condition: Callable[[], Any], what: str = "it") -> Any:
        """Spin until the condition holds; what it returned."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            value = condition()
            if value:
                return value
            self._executor.spin_once(timeout_sec=0.01)
        raise AssertionError(f"{what} did not happen within {PATIENCE_S:g} s")

    # -- topics

    def listen(self, kind: type, topic: str, qos: Any = SENSOR_QOS) -> list[Any]:
        """All messages of a topic from now on."""
        heard: list[Any] = []
        self.peer.create_subscription(kind, topic, heard.append, qos)
        return heard

    def talk(self, kind: type, topic: str, qos: Any = SENSOR_QOS) -> Callable[[Any], None]:
        """A function that publishes on a topic, once somebody under test listens."""
        publisher = self.peer.create_publisher(kind, topic, qos)
        self.wait(publisher.get_subscription_count, f"a subscription to {topic}")
        return publisher.publish

    def connected(self, topic: str, count: int = 1) -> None:
        """Wait until the peer has discovered the publishers of a topic."""
        self.wait(lambda: self.peer.count_publishers(topic) >= count, f"a publisher of {topic}")

    # -- services

    def call(self, kind: type, name: str, request: Any) -> Any:
        """The response of a service."""
        client = self.peer.create_client(kind, name)
        try:
            self.wait(client.service_is_ready, f"service {name}")
            future = client.call_async(request)
            self.wait(future.done, f"an answer of {name}")
            return future.result()
        finally:
            self.peer.destroy_client(client)

    def transition(self, name: str, transition: int) -> bool:
        """Ask a node for a lifecycle transition over its service."""
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.call(ChangeState, f"{name}/change_state", request).success)

    def state(self, name: str) -> str:
        """Label of a node's lifecycle state, asked over its service."""
        return str(self.call(GetState, f"{name}/get_state", GetState.Request()).current_state.label)

    # -- diagnostics

    def diagnostics(self) -> Diagnostics:
        """What is told on /diagnostics from now on."""
        return Diagnostics(self)


class Diagnostics:
    """The newest status of each node."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._heard: list[DiagnosticArray] = bench.listen(DiagnosticArray, "/diagnostics", 100)

    def of(self, node: str) -> list[DiagnosticStatus]:
        """All that a node has told, oldest first."""
        return [s for array in self._heard for s in array.status if s.name == f"kinecue: /{node}"]

    def wait(self, node: str, level: bytes, *words: str) -> DiagnosticStatus:
        """The first new status with this level and these words in its message."""
        begin = len(self.of(node))

        def found() -> DiagnosticStatus | None:
            for status in self.of(node)[begin:]:
                if status.level == level and all(word in status.message for word in words):
                    return status
            return None

        try:
            return self._bench.wait(found, f"{node} telling {words}")
        except AssertionError as error:
            told = {s.message for s in self.of(node)[begin:]}
            raise AssertionError(f"{error}; it told {told}") from None


def values(status: DiagnosticStatus) -> dict[str, str]:
    """Key and value of a status."""
    return {item.key: item.value for item in status.values}


def write_pictures(folder: Path, count: int = 3, size: tuple[int, int] = (64, 48)) -> Path:
    """A folder of plain pictures whose brightness tells their number."""
    import cv2
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = np.full((size[1], size[0], 3), 40 * number, np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return folder
