"""Node `scoring` with a stored person: judged by their own ideal, which good sessions move."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from joint_athlete import Posture, Recorder

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.person import Person, load_person, save_person
from kinecue.nodes import conversions as convert
from kinecue.nodes import message_parts as parts
from kinecue.nodes.base import EVENT_QOS
from kinecue_msgs import msg, srv

USUAL = SegmentLengths.from_stature(1.72)
ANNA = Person(
    "anna",
    1.72,
    replace(USUAL, thigh=1.08 * USUAL.thigh),
    SegmentLengths.from_array(0.01 * USUAL.as_array()),
    "2026-05-01T18:30:00+02:00",
)
START_NS = 5_000_000_000


@pytest.fixture(autouse=True)
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of the test's own, with Anna in it."""
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path))
    save_person(ANNA)


def squats(count: int = 3, rate: float = 10.0) -> list[msg.BodyArray]:
    """Seen from the side, leaning as Anna's thighs ask for and a little more."""
    recorder = Recorder(view=math.pi / 2, std=0.003)
    messages = []
    for i in range(int((1.0 + 3.0 * count + 1.0) * rate)):
        t = i / rate
        share = ((t - 1.0) % 3.0) / 3.0 if 1.0 <= t < 1.0 + 3.0 * count else 0.0
        progress = 0.5 * (1.0 - math.cos(2.0 * math.pi * share))
        body = recorder.body(
            Posture(knee=8.0 + 97.0 * progress, lean=4.0 + 44.0 * progress), START_NS + round(t * 1e9)
        )
        message = msg.BodyArray(header=parts.header(body.stamp_ns, "machine_base_link"))
        message.bodies = [convert.body_to_msg(body, "machine_base_link")]
        messages.append(message)
    return messages


def play(bench, **parameters: str) -> list[msg.Repetition]:
    """A set through a node with these parameters."""
    bench.started("scoring", **parameters)
    forms = bench.listen(msg.FormState, "form")
    repetitions = bench.listen(msg.Repetition, "repetitions", EVENT_QOS)
    send = bench.talk(msg.BodyArray, "bodies")
    for topic in ("form", "repetitions"):
        bench.connected(topic)
    for message in squats():
        before = len(forms)
        send(message)
        bench.wait(lambda before=before: len(forms) > before, "a form")
    bench.wait(lambda: len(repetitions) >= 3, "three repetitions")
    return repetitions


def test_a_stored_person_is_judged_by_their_own_ideal_and_teaches_it(bench) -> None:
    found = play(bench, person="anna")
    assert max(rep.d for rep in found) < 0.5
    bench.call(srv.EndSet, "end_set", srv.EndSet.Request())
    taught = load_person("anna").adaptation["squat"]
    assert [session.repetitions for session in taught] == [3]
    assert abs(taught[0].deviations["trunk_lean"][2]) < 0.6


def test_nobody_named_is_judged_by_the_file_and_nothing_is_stored(bench) -> None:
    found = play(bench)
    assert min(rep.d for rep in found) > 0.4
    bench.call(srv.EndSet, "end_set", srv.EndSet.Request())
    assert load_person("anna").adaptation == {}
