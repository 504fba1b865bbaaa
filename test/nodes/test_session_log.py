"""Node `session_log`: what a program that reports on a session remembers of it."""

from __future__ import annotations

import math

import pytest
import scenes

from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, ns_to_stamp
from kinecue.nodes.session_log import SessionLog
from kinecue_msgs import msg

START_NS = 1_000_000_000_000
MS = 1_000_000


@pytest.fixture
def heard():
    """What the listener was told."""
    return []


@pytest.fixture
def log(bench, heard):
    return bench.add(SessionLog(lambda kind, thing: heard.append(kind), use_global_arguments=False))


def status(cue_id: str, value: int, stamp_ns: int, **fields) -> msg.SpeechStatus:
    return msg.SpeechStatus(header=parts.header(stamp_ns), cue_id=cue_id, status=value, **fields)


def test_a_cue_is_recorded_with_all_its_times_and_its_measurement(bench, log, heard):
    form = bench.talk(msg.FormState, "form")
    faults = bench.talk(msg.FormFault, "faults", EVENT_QOS)
    cues = bench.talk(msg.Cue, "cues", EVENT_QOS)
    speech = bench.talk(msg.SpeechStatus, "speech_status", EVENT_QOS)
    form(scenes.form(START_NS))
    bench.wait(lambda: log.session.stamps)
    faults(scenes.fault(START_NS + 500 * MS))
    bench.wait(lambda: log.session.faults)
    cue = scenes.cue("cue/1", fault_ids=["squat/3/knees_in/1"])
    cue.header.stamp = ns_to_stamp(START_NS + 600 * MS)
    cue.fault_stamp = ns_to_stamp(START_NS + 500 * MS)
    cue.created = ns_to_stamp(START_NS + 650 * MS)
    cues(cue)
    bench.wait(lambda: log.session.cues)
    for value, at in ((0, 651), (1, 660), (2, 1900)):
        speech(status("cue/1", value, START_NS + at * MS, engine="piper", device="none"))
    bench.wait(lambda: log.session.cues["cue/1"].status == "spoken")
    (record,) = log.cue_records(START_NS + 100 * MS)
    expected = {
        "kind": "correction",
        "status": "spoken",
        "engine": "piper",
        "device": "none",
        "frame_time_s": 0.6,
        "fault_time_s": 0.5,
        "cue_time_s": 0.65,
        "first_sample_time_s": 0.66,
        "frame_to_cue_ms": 50.0,
        "cue_to_sample_ms": 10.0,
        "wav_offset_s": 0.56,
    }
    for key, value in expected.items():
        assert record[key] == (pytest.approx(value) if isinstance(value, float) else value)
    (fault,) = record["faults"]
    assert fault["frame_stamp_ns"] == START_NS + 500 * MS
    assert (fault["measured"], fault["limit"], fault["phase"]) == (0.6, 0.9, "bottom")
    assert heard.count("fault") == heard.count("cue") == 1


@pytest.mark.parametrize(("value", "word"), [(3, "interrupted"), (4, "expired"), (5, "failed")])
def test_a_cue_that_was_not_heard_says_why(bench, log, value, word):
    cues = bench.talk(msg.Cue, "cues", EVENT_QOS)
    speech = bench.talk(msg.SpeechStatus, "speech_status", EVENT_QOS)
    cues(scenes.cue("cue/1"))
    bench.wait(lambda: log.session.cues)
    speech(status("cue/1", value, START_NS, detail="the reason"))
    bench.wait(lambda: log.session.cues["cue/1"].status == word)
    (record,) = log.cue_records(None)
    assert record["detail"] == "the reason"
    assert record["first_sample_time_s"] is None
    assert record["wav_offset_s"] is None


def test_angles_become_traces_by_feature_and_side(bench, log):
    send = bench.talk(msg.JointAngles, "joint_angles")
    for number, value in enumerate((0.1, math.nan, 0.3)):
        angles = msg.JointAngles(header=parts.header(START_NS + number * MS))
        angles.angles = [
            msg.JointAngle(name="knee_flexion", side=side, unit="rad", value=value, std=0.01)
            for side in (1, 2, 3)
        ]
        send(angles)
        bench.wait(
            lambda count=number + 1: len(log.session.traces.get("knee_flexion", _EMPTY).times) == count
        )
    assert set(log.session.traces) == {"knee_flexion left", "knee_flexion right", "knee_flexion"}
    trace = log.session.traces["knee_flexion"]
    assert trace.unit == "rad"
    # the angles of the first frame come before anything else of it
    assert trace.times == pytest.approx([0.0, 0.001, 0.002])


class _EMPTY:
    times = ()


def test_malformed_messages_do_no_harm(bench, log):
    form = bench.talk(msg.FormState, "form")
    angles = bench.talk(msg.JointAngles, "joint_angles")
    faults = bench.talk(msg.FormFault, "faults", EVENT_QOS)
    repetitions = bench.talk(msg.Repetition, "repetitions", EVENT_QOS)
    sets = bench.talk(msg.SetSummary, "set", LATCHED_QOS)
    speech = bench.talk(msg.SpeechStatus, "speech_status", EVENT_QOS)
    form(scenes.form(START_NS, 99))
    angles(msg.JointAngles(angles=[msg.JointAngle(name="x", side=99)]))
    faults(scenes.fault(START_NS, severity=99))
    repetitions(scenes.repetition(START_NS, status=99))
    sets(scenes.summary(START_NS, abstained=[msg.Abstention(reason=99)]))
    speech(status("never heard of", 99, START_NS))
    form(scenes.form(START_NS, d=math.nan))
    repetitions(scenes.repetition(START_NS))
    bench.wait(lambda: log.session.form and log.session.repetitions)
    assert log.session.faults == []
    assert log.cue_records(None) == []
