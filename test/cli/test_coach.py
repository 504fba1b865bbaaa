"""`kinecue coach --replay`: recorded sets coached again from bags, analyses and files of their own; `kinecue say`."""

from __future__ import annotations

import json
import wave

import numpy as np
import pytest
from coaching.coaching_scene import CONFIG
from exercise.joint_athlete import Recorder, session, squat, stand
from recordings.bag_files import BODY_ARRAY, TYPE_BODIES, array_message, definition, encoded, write_mcap

from kinecue.cli import coach as coach_command
from kinecue.cli.analysis import score
from kinecue.cli.bag_results import CABLE, RESULTS
from kinecue.cli.main import main
from kinecue.cli.set_sources import open_set
from kinecue.coaching import LoadCall, LoadNews
from kinecue.coaching.recorded import MachineReading, SetRecorder
from kinecue.coaching.recorded_file import write_set
from kinecue.exercise import Scorer, find_exercise
from kinecue.exercise.results import Fault, FormState, Repetition, SetSummary
from kinecue.recordings import RecordingError
from kinecue.report import to_document

PARTS = [stand(1.5), squat(), stand(1.0), squat(depth=66.0), stand(1.2), squat(), stand(1.2)]
START_NS = 3_000_000_000
BODIES = list(session(PARTS, 20.0, Recorder(white=0.002, std=0.01), start_ns=START_NS))
TIME = "builtin_interfaces/Time"
NESTED = {
    "FormFault": ("std_msgs/Header", TIME, "kinecue_msgs/JointAngle"),
    "FormState": ("std_msgs/Header", TIME, "kinecue_msgs/FeatureDeviation", "kinecue_msgs/JointAngle", "kinecue_msgs/Abstention"),
    "Repetition": (
        "std_msgs/Header", TIME, "kinecue_msgs/JointAngle", "kinecue_msgs/PhaseScore", "kinecue_msgs/FeatureShare",
        "kinecue_msgs/RepetitionFault", "kinecue_msgs/RepetitionVelocity",
    ),
    "SetSummary": ("std_msgs/Header", TIME, "kinecue_msgs/FaultCount", "kinecue_msgs/Abstention"),
    "LoadAdvice": ("std_msgs/Header", TIME),
    "CableLoad": ("std_msgs/Header", TIME, "geometry_msgs/Point"),
}  # fmt: skip


class Bodies:
    """The athlete as a source of `kinecue analyze`."""

    kind, frames, notes = "positions", len(BODIES), ()

    def bodies(self, exercise, advance):
        yield from ((body.stamp_ns, body) for body in BODIES)


@pytest.fixture(scope="module")
def recorded():
    scorer, recorder = Scorer(find_exercise("squat"), session="s"), SetRecorder()
    for body in BODIES:
        recorder.add(scorer.update(body, body.stamp_ns), scorer.summary(), body.stamp_ns)
    summary = scorer.end_set(BODIES[-1].stamp_ns)
    recorder.end(scorer.flush(), summary, BODIES[-1].stamp_ns)
    return recorder.finish("athlete", "squat")


@pytest.fixture(scope="module")
def kept(recorded, tmp_path_factory):
    path = tmp_path_factory.mktemp("set") / "set.json"
    write_set(recorded, path)
    return path


def run(*arguments):
    return main(["coach", "--replay", *map(str, arguments)])


def said(path):
    lines = json.loads(path.read_text())["lines"]
    return [(line["kind"], line["correction"]) for line in lines if line["event"] == "said"]


def test_a_set_is_shown_with_times_and_reasons(kept, tmp_path, capsys):
    files = ("--json", tmp_path / "t.json", "--text", tmp_path / "t.txt", "--save", tmp_path / "s.json")
    assert run(kept, *files) == 0
    shown = capsys.readouterr().out
    assert said(tmp_path / "t.json") == [("correction", "deeper"), ("praise", "deeper")]
    assert "COACH  “Drop your hips lower”   [correction: too_shallow in repetition 2]" in shown
    assert "held: " not in shown
    assert (tmp_path / "t.txt").read_text().splitlines()[0] in shown
    assert (tmp_path / "s.json").read_bytes() == kept.read_bytes()


def test_other_settings_change_what_is_said(kept, tmp_path, capsys):
    out = tmp_path / "t.json"
    assert run(kept, "--json", out, "--no-praise") == 0
    assert said(out) == [("correction", "deeper")]
    assert run(kept, "--json", out, "--talk", "danger_only", "--why") == 0
    assert said(out) == [] and "not wanted: talk is danger_only" in capsys.readouterr().out
    assert run(kept, "--json", out, "--set", "min_probability=1.0") == 0
    assert said(out) == []
    settings = tmp_path / "quiet.yaml"
    settings.write_text("praise: false\ncounting: true\n")
    assert run(kept, "--json", out, "--settings", settings, "--counting") == 0
    assert ("count", "") in said(out) and ("praise", "deeper") not in said(out)


@pytest.mark.parametrize("language", sorted(path.stem for path in (CONFIG / "phrases").glob("*.yaml")))
def test_every_language_says_the_same(kept, tmp_path, language):
    out = tmp_path / "t.json"
    assert run(kept, "--json", out, "--language", language) == 0
    assert json.loads(out.read_text())["language"] == language
    assert said(out) == [("correction", "deeper"), ("praise", "deeper")]


def test_an_analysis_is_coached_alike(kept, tmp_path):
    document = to_document(score(Bodies(), find_exercise("squat"), "athlete", lambda done: None))
    path = tmp_path / "analysis.json"
    path.write_text(json.dumps(document))
    assert run(path, "--json", tmp_path / "a.json") == 0
    assert said(tmp_path / "a.json") == [("correction", "deeper"), ("praise", "deeper")]


def test_the_demos_file_holds_the_set(kept, tmp_path):
    path = tmp_path / "cues.json"
    path.write_text(json.dumps({"cues": [], "decisions": [], "set": json.loads(kept.read_text())}))
    assert run(path, "--json", tmp_path / "d.json") == 0
    assert said(tmp_path / "d.json") == [("correction", "deeper"), ("praise", "deeper")]


def bag_row(name, message, logged_ns, topic):
    serialize = pytest.importorskip("rclpy.serialization", reason="ROS 2 is not installed").serialize_message
    kind = f"kinecue_msgs/msg/{name}"
    return topic, kind, definition(name, *NESTED[name]), logged_ns, serialize(message)


@pytest.fixture(scope="module")
def bag(recorded, tmp_path_factory):
    """What the nodes publish, with the frames' features, a machine with a fault and an advice on the load."""
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    from kinecue.nodes import score_conversions as scores
    from kinecue_msgs import msg

    convert = {
        FormState: ("FormState", "/gym/form", scores.form_to_msg),
        Fault: ("FormFault", "/gym/faults", scores.fault_to_msg),
        Repetition: ("Repetition", "/gym/repetitions", scores.repetition_to_msg),
        SetSummary: ("SetSummary", "/gym/set", scores.set_to_msg),
    }
    rows, messages = [], []
    for event in recorded.events:
        name, topic, to_msg = convert[type(event.what)]
        messages.append(to_msg(event.what, "frame"))
        rows.append(bag_row(name, messages[-1], event.at_ns, topic))
    last = recorded.events[-1].at_ns
    advice = msg.LoadAdvice(set_id="s-1", advice=2, reason=3, load_kg=60.0, suggested_kg=50.0)
    rows.append(bag_row("LoadAdvice", advice, last, "/gym/load_advice"))
    flags = [(msg.CableLoad.FLAG_FAULT if i >= 100 else 0) for i in range(200)]
    for i, value in enumerate(flags):
        cable = msg.CableLoad(flags=value | msg.CableLoad.FLAG_SLACK)
        rows.append(bag_row("CableLoad", cable, START_NS + i * 10_000_000, "/gym/machine/cable"))
    rows.sort(key=lambda row: row[3])
    return write_mcap(tmp_path_factory.mktemp("bag") / "gym.mcap", rows)


def test_a_bag_gives_what_the_nodes_understand_of_it(bag, recorded):
    """Field by field the same as the orchestrator node gets of the same bytes."""
    from mcap.reader import make_reader
    from rclpy.serialization import deserialize_message

    from kinecue.nodes import score_conversions as scores
    from kinecue_msgs import msg

    understand = {
        "FormState": scores.form_from_msg,
        "FormFault": scores.fault_from_msg,
        "Repetition": scores.repetition_from_msg,
        "SetSummary": scores.set_from_msg,
    }
    expected = []
    with bag.open("rb") as file:
        for schema, _, message in make_reader(file).iter_messages():
            name = schema.name.rsplit("/", 1)[1]
            if name in understand:
                expected.append(slim(understand[name](deserialize_message(message.data, getattr(msg, name)))))
    found = open_set(bag)
    told = [event.what for event in found.events if not isinstance(event.what, (LoadNews, MachineReading))]
    assert sorted(map(repr, map(slim, told))) == sorted(map(repr, expected))
    assert (found.exercise, found.start_ns) == ("squat", START_NS)
    assert [event.at_ns for event in found.events] == sorted(event.at_ns for event in found.events)
    arrivals = {event.at_ns for event in recorded.events}
    assert {event.at_ns for event in found.events if isinstance(event.what, FormState)} <= arrivals
    assert LoadNews("s-1", LoadCall.LIGHTER, 60.0, 50.0) in [event.what for event in found.events]
    machine = [event.what.fault for event in found.events if isinstance(event.what, MachineReading)]
    assert machine == [False] * 4 + [True] * 4  # looked at four times a second


def slim(what):
    from dataclasses import replace

    if isinstance(what, FormState):
        return replace(what, deviations=())
    if isinstance(what, Repetition):
        return replace(what, phases=(), shares=(), fault_details=(), velocity=None)
    return what


def test_a_bag_is_coached(bag, tmp_path):
    assert run(bag, "--json", tmp_path / "b.json", "--summary") == 0
    kinds = [kind for kind, _ in said(tmp_path / "b.json")]
    assert kinds[0] == "system" and "summary" in kinds  # the machine first


def test_a_bag_of_another_clock_keeps_the_frames_times(recorded, tmp_path):
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    from kinecue.nodes import score_conversions as scores

    rows = []
    for index, event in enumerate(recorded.events):
        if isinstance(event.what, FormState):
            message = scores.form_to_msg(event.what, "frame")
            rows.append(bag_row("FormState", message, 10**18 + index, "/form"))
        elif isinstance(event.what, Repetition):
            message = scores.repetition_to_msg(event.what, "frame")
            rows.append(bag_row("Repetition", message, 10**18 + index, "/repetitions"))
    found = open_set(write_mcap(tmp_path / "sim.mcap", rows))
    assert found.duration_s == pytest.approx(recorded.duration_s, abs=0.2)
    assert any("another clock" in note for note in found.notes)


def test_a_bag_of_bodies_is_scored_now(tmp_path, capsys):
    rows = [
        (
            "/bodies", TYPE_BODIES, BODY_ARRAY, body.stamp_ns,
            encoded(TYPE_BODIES, BODY_ARRAY, array_message(body, body.stamp_ns)),
        )
        for body in BODIES[: len(BODIES) // 2]
    ]  # fmt: skip
    bag = write_mcap(tmp_path / "bodies.mcap", rows)
    assert run(bag) == 2
    assert "--exercise" in capsys.readouterr().err
    assert run(bag, "--exercise", "squat") == 0
    assert "repetition 1" in capsys.readouterr().out


class Engine:
    """Says each sentence as a tone of a tenth of a second per word."""

    name, version, voice, language, speaks = "tone", "1", "a", "en", True
    sample_rate = 16000
    failing = ()

    def synthesize(self, text):
        from kinecue.speech import Utterance
        from kinecue.speech.errors import EngineError

        if any(word in text for word in self.failing):
            raise EngineError(f"cannot say {text}")
        n = 1600 * len(text.split())
        wave_form = 12000 * np.sin(np.arange(n) * 2 * np.pi * 440 / self.sample_rate)
        return Utterance(text, wave_form.astype(np.int16), self.sample_rate)

    def close(self):
        self.closed = True


@pytest.fixture
def engine(monkeypatch, tmp_path):
    from kinecue.speech import EngineChoice

    made = Engine()
    monkeypatch.setattr(coach_command, "choose_engine", lambda *a, **k: EngineChoice(made, "auto"))
    monkeypatch.setattr(coach_command, "phrase_dir", lambda: tmp_path / "phrases")
    return made


def test_the_sound_lies_where_it_was_said(kept, tmp_path, engine):
    out, sound = tmp_path / "t.json", tmp_path / "t.wav"
    assert run(kept, "--wav", sound, "--json", out) == 0
    with wave.open(str(sound)) as file:
        rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), np.int16)
    loud = np.abs(samples.astype(float)) > 300
    lines = [line for line in json.loads(out.read_text())["lines"] if line["event"] == "said"]
    assert len(lines) == 2
    expected = np.zeros(len(samples), bool)
    for line in lines:
        first, last = (round(line[key] * rate) for key in ("time_s", "ended_s"))
        assert loud[first : first + rate // 20].any() and loud[last - rate // 10 : last].any()
        expected[first:last] = True
    assert not (loud & ~expected).any()
    assert engine.closed


def test_an_engine_that_fails_leaves_the_text(kept, tmp_path, engine, capsys):
    engine.failing = ("hips",)
    assert run(kept, "--wav", tmp_path / "t.wav") == 0
    shown = capsys.readouterr().out
    assert "could not be synthesised" in shown and "COACH  “Drop your hips lower”" in shown
    with wave.open(str(tmp_path / "t.wav")) as file:
        assert not np.frombuffer(file.readframes(file.getnframes()), np.int16).any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.json",), ("nothing.json", "no such file")),
        (("SET", "--language", "tlh"), ("tlh", "en")),
        (("SET", "--talk", "shout"), ("shout", "danger_only")),
        (("SET", "--set", "volume=3"), ("volume", "gap_s")),
        (("SET", "--set", "gap_s=lots"), ("gap_s",)),
        (("SET", "--json", "no/folder/t.json"), ("no/folder",)),
    ],
)
def test_errors_are_one_line(kept, capsys, monkeypatch, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert run(*(kept if item == "SET" else item for item in arguments)) == 2
    error = capsys.readouterr().err
    assert error.startswith("kinecue: ") and error.count("\n") == 1
    assert all(word in error for word in words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "valid JSON"),
        ('{"format": "kinecue_set", "version": 7}', "version"),
        ('{"format": 1, "kinecue": "1", "repetitions": [], "exercise": null}', "not recognised"),
        (
            '{"format": 1, "kinecue": "1", "repetitions": [{}], "exercise": "squat", "faults": []}',
            "no analysis",
        ),
        ('{"cues": [], "decisions": []}', "run it again"),
        ('{"format": "kinecue_truth", "version": 99}', "version"),
    ],
)
def test_a_file_that_holds_no_set_is_named(tmp_path, text, words, capsys):
    path = tmp_path / "odd.json"
    path.write_text(text)
    assert run(path) == 2
    error = capsys.readouterr().err
    assert str(path) in error and words in error and error.count("\n") == 1


def test_a_message_with_an_unknown_value_is_named(tmp_path, recorded):
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    from kinecue.nodes import score_conversions as scores

    forms = [event for event in recorded.events if isinstance(event.what, FormState)][:3]
    repetition = next(event for event in recorded.events if isinstance(event.what, Repetition))
    message = scores.repetition_to_msg(repetition.what, "frame")
    message.status = 77
    rows = [bag_row("FormState", scores.form_to_msg(e.what, "f"), e.at_ns, "/form") for e in forms]
    bag = write_mcap(
        tmp_path / "odd.mcap", [*rows, bag_row("Repetition", message, repetition.at_ns, "/repetitions")]
    )
    with pytest.raises(RecordingError, match=r"Repetition\.status") as caught:
        open_set(bag)
    assert "0 (VALID)" in str(caught.value)


def test_every_topic_that_coaching_hears_is_read():
    assert CABLE in RESULTS and {f"kinecue_msgs/msg/{name}" for name in NESTED} <= set(RESULTS)


def test_say_without_a_device_writes_a_wav(tmp_path, capsys):
    path = tmp_path / "said.wav"
    assert (
        main(["say", "Push your knees out", "--engine", "null", "--device", "none", "--wav", str(path)]) == 0
    )
    assert path.is_file() and "text only" in capsys.readouterr().out
    assert main(["say", "hello", "--engine", "shouting"]) == 1
    assert "shouting" in capsys.readouterr().out
