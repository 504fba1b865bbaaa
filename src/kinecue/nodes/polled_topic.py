"""Topics that are read when their reader has time, not when their messages come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

MACHINE_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=500, reliability=ReliabilityPolicy.BEST_EFFORT
)
"""Samples of a machine: each one counts, and they come in bursts; two cables at 1,000 Hz for a quarter of a second."""


class _Never(CallbackGroup):
    """The executor leaves its subscriptions alone."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        return


class PolledTopic:
    """A stream of up to thousands of messages a second that never wakes the node's executor.

    The middleware keeps the newest messages until they are taken, all at once. A callback for each would
    cost the executor a round through everything that it waits for, and delay the frame that comes meanwhile.

    Args:
        node: that listens.
        kind: message type.
        topic: its name.
        qos: of the subscription.
    """

    def __init__(self, node: Node, kind: type, topic: str, qos: QoSProfile = MACHINE_QOS) -> None:
        self._node, self._kind, self._most = node, kind, qos.depth
        self._subscription = node.create_subscription(
            kind, topic, lambda _: None, qos, callback_group=_Never()
        )

    def take(self) -> Iterator[Any]:
        """What has come since the last call, oldest first."""
        handle = self._subscription.handle
        try:
            with handle:
                for _ in range(self._most):
                    taken = handle.take_message(self._kind, False)
                    if taken is None:
                        return
                    yield taken[0]
        except rclpy_implementation.InvalidHandle:
            return  # the node is being taken down

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)
