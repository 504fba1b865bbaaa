"""Samples that somebody publishes, as a driver: to watch a machine whose line is in use, or a publisher of your own."""

from __future__ import annotations

import math
import time

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

from kinecue.machine.drivers.base import READ_S, DriverCounts, Sample
from kinecue.nodes.machine_conversions import cable_from_msg, encoder_from_msg
from kinecue.nodes.message_parts import MessageError
from kinecue_msgs import msg

_QOS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=200, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Two cables at 1,000 Hz for a tenth of a second."""


class TopicDriver:
    """Hears ``machine/cable`` and ``machine/encoder``.

    Args:
        namespace: of the machine; empty = none.
    """

    def __init__(self, namespace: str = "") -> None:
        self.name = f"topics machine/cable and machine/encoder of /{namespace.strip('/')}"
        self.patience_s = math.inf
        self.counts = DriverCounts()
        self._namespace = namespace
        self._context: rclpy.Context | None = None
        self._heard: list[Sample] = []

    def open(self) -> None:
        """Joins the graph."""
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("kinecue_watch", namespace=self._namespace, context=self._context)
        for kind, topic, convert in (
            (msg.CableLoad, "machine/cable", cable_from_msg),
            (msg.RepEncoder, "machine/encoder", encoder_from_msg),
        ):
            self._node.create_subscription(
                kind, topic, lambda m, convert=convert: self._hear(m, convert), _QOS
            )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)

    def read(self, now_ns: int) -> list[Sample]:
        """What was heard since the last call."""
        until = time.monotonic() + READ_S
        while (left := until - time.monotonic()) > 0.0:
            self._executor.spin_once(timeout_sec=left)
        heard, self._heard = self._heard, []
        return heard

    def close(self) -> None:
        """Leaves the graph."""
        context, self._context = self._context, None
        if context is None:
            return
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown(context=context)

    def _hear(self, message: msg.CableLoad | msg.RepEncoder, convert) -> None:  # noqa: ANN001
        try:
            self._heard.append(convert(message))
            self.counts.received += 1
        except MessageError as error:
            self.counts.refuse(str(error))
