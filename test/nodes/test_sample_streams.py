"""Streams of a machine's samples: bursts of hundreds reach a node whole, and a bad message harms nobody."""

from __future__ import annotations

import pytest
from rclpy.serialization import serialize_message

from kinecue.nodes.base import KineCueNode
from kinecue.nodes.polled_topic import MACHINE_QOS
from kinecue_msgs import msg


class Listener(KineCueNode):
    """Keeps what it hears; a negative count is an error."""

    def __init__(self) -> None:
        super().__init__("listener")
        self.counts: list[int] = []
        self.hear_samples(msg.RepEncoder, "machine/encoder", self._on_encoder)

    def _on_encoder(self, message: msg.RepEncoder) -> None:
        if message.count < 0:
            raise ValueError("count is negative")
        self.counts.append(message.count)


@pytest.fixture
def listener(bench):
    node = bench.add(Listener())
    assert node.start()
    return node


def test_a_burst_arrives_whole_and_in_order(bench, listener):
    talk = bench.talk(msg.RepEncoder, "machine/encoder", MACHINE_QOS)
    for i in range(200):
        talk(msg.RepEncoder(count=i))
    bench.wait(lambda: len(listener.counts) == 200)
    assert listener.counts == list(range(200))


def test_a_bad_message_in_a_burst_costs_only_itself(bench, listener):
    talk = bench.talk(msg.RepEncoder, "machine/encoder", MACHINE_QOS)
    for i in (1, -1, 2):
        talk(msg.RepEncoder(count=i))
    bench.wait(lambda: len(listener.counts) == 2)
    assert listener.counts == [1, 2]
    assert listener._errors == 1


def test_an_inactive_node_hears_nothing_of_a_burst(bench, listener):
    talk = bench.talk(msg.RepEncoder, "machine/encoder", MACHINE_QOS)
    listener.trigger_deactivate()
    for i in range(20):
        talk(msg.RepEncoder(count=i))
    bench.spin(0.3)
    assert listener.counts == []
    listener.trigger_activate()
    talk(msg.RepEncoder(count=77))
    bench.wait(lambda: listener.counts == [77])


def test_a_sample_is_small_enough_for_a_burst():
    # the middleware's buffers hold bursts because a sample is a datagram of a few hundred bytes
    assert len(serialize_message(msg.RepEncoder())) < 200
    assert len(serialize_message(msg.CableLoad())) < 200
