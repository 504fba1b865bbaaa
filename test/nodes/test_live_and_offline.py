"""The same bodies give the same scores whether they come through the graph or from a recording of it."""

from __future__ import annotations

import json
import math

import pytest
from joint_athlete import Recorder, session, squat, stand
from rclpy.serialization import serialize_message
from recordings.bag_files import BODY_ARRAY, TYPE_BODIES, write_mcap

from kinecue.cli.main import main
from kinecue.exercise import RepetitionReason, RepetitionStatus
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, stamp_to_ns
from kinecue_msgs import msg, srv

START_NS = 5_000_000_000
PARTS = [
    stand(1.0),
    squat(),
    stand(0.6),
    squat(ratio=0.55),
    stand(0.5),
    squat(depth=58.0),
    stand(0.6),
    squat(lean=60.0),
    stand(1.0),
]


def close(live: float, offline: float | None) -> bool:
    """Equal but for the 24 bits of a message's float32."""
    if offline is None:
        return math.isnan(live)
    return live == pytest.approx(offline, rel=3e-7, abs=1e-6)


@pytest.fixture(scope="module")
def messages():
    made = Recorder(white=0.003, bias=0.005, std=0.01)
    result = []
    for body in session(PARTS, 24.0, made, start_ns=START_NS):
        message = msg.BodyArray(header=parts.header(body.stamp_ns, "machine_base_link"))
        message.bodies = [convert.body_to_msg(body, "machine_base_link")]
        result.append(message)
    return result


def test_repetitions_faults_and_d_agree(bench, messages, tmp_path):
    bench.started("scoring")
    repetitions = bench.listen(msg.Repetition, "repetitions", EVENT_QOS)
    faults = bench.listen(msg.FormFault, "faults", EVENT_QOS)
    forms = bench.listen(msg.FormState, "form")
    sets = bench.listen(msg.SetSummary, "set", LATCHED_QOS)
    send = bench.talk(msg.BodyArray, "bodies")
    for topic in ("repetitions", "faults", "form", "set"):
        bench.connected(topic)
    for message in messages:
        before = len(forms)
        send(message)
        bench.wait(lambda before=before: len(forms) > before, "a form")
    summary = bench.call(srv.EndSet, "end_set", srv.EndSet.Request()).summary

    rows = [
        ("/bodies", TYPE_BODIES, BODY_ARRAY, stamp_to_ns(m.header.stamp), serialize_message(m))
        for m in messages
    ]
    bag = write_mcap(tmp_path / "set.mcap", rows)
    result = tmp_path / "set.json"
    assert main(["analyze", str(bag), "--exercise", "squat", "--json", str(result)]) == 0
    offline = json.loads(result.read_text())

    assert sets and repetitions
    assert len(offline["repetitions"]) == len(repetitions)
    for live, recorded in zip(repetitions, offline["repetitions"], strict=True):
        assert live.number == (recorded["number"] or 0)
        assert RepetitionStatus(live.status).name.lower() == recorded["status"]
        assert RepetitionReason(live.reason).name.lower() == recorded["reason"]
        for stamp, name in ((live.start, "start_s"), (live.bottom, "bottom_s"), (live.end, "end_s")):
            assert (stamp_to_ns(stamp) - START_NS) * 1e-9 == pytest.approx(recorded[name], abs=1e-6)
        for name in ("d", "d_eccentric", "d_concentric", "range", "mean_speed", "peak_speed"):
            assert close(getattr(live, name), recorded[name]), name
        assert list(live.faults) == recorded["faults"]
        assert [phase.stage or None for phase in live.phases] == [
            phase["stage"] for phase in recorded["phases"]
        ]
        for phase, other in zip(live.phases, recorded["phases"], strict=True):
            assert close(phase.d, other["d"])
    assert [fault.name for fault in faults] == [fault["name"] for fault in offline["faults"]]
    for live, recorded in zip(faults, offline["faults"], strict=True):
        assert live.repetition == recorded["repetition"]
        assert close(live.probability, recorded["probability"])
        assert close(live.measured.value, recorded["measured"])
    assert summary.counted == offline["counted"] >= 3
    assert close(summary.d, offline["d"])
    assert offline["faults"], "the set has faults to compare"
