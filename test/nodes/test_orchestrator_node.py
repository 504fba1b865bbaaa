"""Node `orchestrator`: what scoring measured in; cues, reasons and phrases out."""

from __future__ import annotations

import math
import shutil
import time

import pytest
import scenes
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from node_bench import values
from rclpy.parameter import Parameter

from kinecue.body.paths import share_dir
from kinecue.nodes.base import EVENT_QOS, LATCHED_QOS, stamp_to_ns
from kinecue_msgs import msg, srv

BOTTOM, TOP = msg.FormState.PHASE_BOTTOM, msg.FormState.PHASE_TOP


class Coach:
    """Feeds the orchestrator and hears what it says."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.cues = bench.listen(msg.Cue, "cues", EVENT_QOS)
        self.decisions = bench.listen(msg.CueDecision, "cue_decisions", EVENT_QOS)
        self.phrases = bench.listen(msg.PhraseList, "phrases", LATCHED_QOS)
        self.form = bench.talk(msg.FormState, "form")
        self.fault = bench.talk(msg.FormFault, "faults", EVENT_QOS)
        self.repetition = bench.talk(msg.Repetition, "repetitions", EVENT_QOS)
        self.set = bench.talk(msg.SetSummary, "set", LATCHED_QOS)
        self.speech = bench.talk(msg.SpeechStatus, "speech_status", EVENT_QOS)
        for topic in ("cues", "cue_decisions", "phrases"):
            bench.connected(topic)

    def cue(self) -> msg.Cue:
        return self.bench.wait(lambda: self.cues and self.cues[-1], "a cue")

    def finished(self, cue: msg.Cue) -> None:
        self.speech(msg.SpeechStatus(cue_id=cue.id, status=msg.SpeechStatus.FINISHED))


@pytest.fixture
def coach(bench):
    bench.started("orchestrator")
    return Coach(bench)


class TestCues:
    def test_a_fault_becomes_a_cue_that_carries_its_frames(self, bench, coach):
        now = time.time_ns()
        fault_stamp, form_stamp = now - 100_000_000, now - 60_000_000
        coach.fault(scenes.fault(fault_stamp))
        bench.wait(lambda: coach.decisions)
        coach.form(scenes.form(form_stamp))
        cue = coach.cue()
        assert cue.kind == msg.Cue.KIND_CORRECTION
        assert "knee" in cue.text.lower()
        assert (cue.body_part, cue.correction) == ("knees", "knees_out")
        assert (cue.exercise, cue.body_id, cue.repetition, cue.language) == ("squat", "aaaaa", 3, "en")
        assert list(cue.fault_ids) == ["squat/3/knees_in/1"]
        assert stamp_to_ns(cue.fault_stamp) == fault_stamp
        assert stamp_to_ns(cue.header.stamp) == form_stamp
        assert form_stamp < stamp_to_ns(cue.created) < stamp_to_ns(cue.expires)
        assert cue.screen_text
        assert cue.reason
        held, spoken = bench.wait(lambda: len(coach.decisions) == 2 and coach.decisions)
        assert (held.outcome, spoken.outcome) == (msg.CueDecision.HELD, msg.CueDecision.SPOKEN)
        assert spoken.cue_id == cue.id
        assert stamp_to_ns(held.header.stamp) == fault_stamp
        assert {held.subject, spoken.subject} == {"squat/3/knees_in/1"}

    def test_waits_for_the_phase_in_which_the_lifter_can_act(self, bench, coach):
        coach.fault(scenes.fault(time.time_ns(), say_in=[TOP]))
        bench.wait(lambda: coach.decisions)
        coach.form(scenes.form(time.time_ns(), BOTTOM))
        bench.spin(0.15)
        assert not coach.cues
        coach.form(scenes.form(time.time_ns(), TOP))
        coach.cue()

    def test_danger_does_not_wait(self, coach):
        coach.fault(scenes.fault(time.time_ns(), severity=msg.FormFault.SEVERITY_DANGER, say_in=[TOP]))
        cue = coach.cue()
        assert cue.kind == msg.Cue.KIND_DANGER
        assert cue.priority >= msg.Cue.PRIORITY_INTERRUPTING

    def test_one_at_a_time(self, bench, coach):
        now = time.time_ns()
        coach.form(scenes.form(now))
        coach.fault(scenes.fault(now))
        coach.fault(
            scenes.fault(
                now, id="squat/3/too_shallow/1", name="too_shallow", correction="deeper", body_part="hips"
            )
        )
        coach.cue()
        bench.spin(0.15)
        assert len(coach.cues) == 1

    def test_a_late_fault_is_dropped_with_the_reason(self, bench, coach):
        coach.fault(scenes.fault(time.time_ns() - 20_000_000_000))
        decision = bench.wait(lambda: coach.decisions and coach.decisions[-1])
        assert decision.outcome == msg.CueDecision.DROPPED
        assert "late" in decision.reason
        assert not coach.cues

    def test_the_set_is_summed_up_once_where_that_is_wanted(self, bench, tmp_path):
        file = tmp_path / "coaching.yaml"
        file.write_text("summary: true\n")
        bench.started("orchestrator", settings_file=str(file))
        coach = Coach(bench)
        coach.form(scenes.form(time.time_ns(), TOP))
        for _ in range(2):
            coach.set(scenes.summary(time.time_ns(), active=False))
            bench.spin(0.1)
        cue = coach.cue()
        assert cue.kind == msg.Cue.KIND_SUMMARY
        assert "three" in cue.text.lower()
        coach.finished(cue)
        bench.spin(0.2)
        assert len(coach.cues) == 1


class TestPhrases:
    def test_of_the_exercise_are_told_before_anything_is_said(self, bench, coach):
        coach.set(scenes.summary(time.time_ns()))
        told = bench.wait(lambda: coach.phrases and coach.phrases[-1])
        assert told.language == "en"
        assert "Push your knees out" in told.phrases
        assert len(set(told.phrases)) == len(told.phrases)

    def test_are_told_although_the_set_came_before_the_node_was_active(self, bench):
        """The set is a latched message: a lifecycle manager may activate the node long after it."""
        bench.node("orchestrator", autostart=False)
        coach = Coach(bench)
        coach.set(scenes.summary(time.time_ns()))
        bench.spin(0.3)
        assert bench.transition("orchestrator", Transition.TRANSITION_CONFIGURE)
        assert bench.transition("orchestrator", Transition.TRANSITION_ACTIVATE)
        bench.wait(lambda: coach.phrases)

    def test_every_cue_is_one_of_them(self, bench, coach):
        coach.set(scenes.summary(time.time_ns()))
        bench.wait(lambda: coach.phrases)
        coach.fault(scenes.fault(time.time_ns()))
        coach.form(scenes.form(time.time_ns()))
        assert coach.cue().text in coach.phrases[-1].phrases

    def test_of_an_unknown_exercise_are_told_to_be_missing(self, bench, coach):
        heard = bench.diagnostics()
        coach.set(scenes.summary(time.time_ns(), exercise="juggling"))
        heard.wait(
            "orchestrator", DiagnosticStatus.WARN, "juggling", "allowed: biceps_curl, cable_chest_press"
        )


class TestSay:
    def ask(self, bench, text, interrupt=False):
        return bench.call(srv.Say, "say", srv.Say.Request(text=text, interrupt=interrupt))

    def test_says_it_and_names_the_cue(self, bench, coach):
        answer = self.ask(bench, "The machine is closing in ten minutes")
        assert answer.success
        cue = coach.cue()
        assert cue.kind == msg.Cue.KIND_SYSTEM
        assert cue.text == "The machine is closing in ten minutes"
        assert cue.id == answer.cue_id

    @pytest.mark.parametrize("text", ["", "   ", "a" * 201])
    def test_refuses_what_is_no_sentence(self, bench, coach, text):
        answer = self.ask(bench, text)
        assert not answer.success
        assert "1 to 200 characters" in answer.message
        assert not coach.cues

    def test_interrupts_when_asked(self, bench, coach):
        now = time.time_ns()
        coach.fault(scenes.fault(now))
        coach.form(scenes.form(now))
        coach.cue()
        assert self.ask(bench, "Stop please", interrupt=True).success
        bench.wait(lambda: len(coach.cues) == 2)
        assert coach.cues[-1].priority >= msg.Cue.PRIORITY_INTERRUPTING

    def test_of_a_node_that_is_not_active_says_so(self, bench):
        bench.node("orchestrator")
        answer = self.ask(bench, "Hello")
        assert not answer.success
        assert "not active" in answer.message


def measured(**fields):
    made = scenes.fault(0).measured
    for name, value in fields.items():
        setattr(made, name, value)
    return made


class TestBadMessages:
    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"phase": 77}, ("FormFault.phase is 77", "2 TOP")),
            ({"severity": 9}, ("FormFault.severity is 9", "3 DANGER")),
            ({"say_in": [200]}, ("FormFault.say_in is 200",)),
            ({"measured": measured(side=9)}, ("JointAngle.side is 9", "1 LEFT")),
            ({"measured": measured(validity=5)}, ("JointAngle.validity", "is 5", "2 VALID")),
            ({"measured": measured(reason=50)}, ("JointAngle.reason is 50", "1 OCCLUDED")),
        ],
        ids=str,
    )
    def test_unknown_value_of_a_fault_is_told_and_the_next_fault_spoken(self, bench, coach, fields, words):
        heard = bench.diagnostics()
        coach.fault(scenes.fault(time.time_ns(), **fields))
        heard.wait("orchestrator", DiagnosticStatus.WARN, *words)
        assert not coach.cues
        coach.fault(scenes.fault(time.time_ns()))
        coach.form(scenes.form(time.time_ns()))
        coach.cue()

    @pytest.mark.parametrize(
        "fields",
        [
            {"probability": math.nan},
            {"probability": 7.0},
            {"probability": -1.0},
            {"measured": measured(value=math.nan)},
            {"measured": measured(std=math.nan)},
            {"measured": measured(validity=0)},
            {"correction": ""},
            {"correction": "stand_on_your_head"},
            {"name": "", "id": ""},
            {"measured": measured(value=math.inf)},
        ],
        ids=str,
    )
    def test_fault_without_a_usable_measurement_is_never_spoken(self, bench, coach, fields):
        coach.form(scenes.form(time.time_ns()))
        coach.fault(scenes.fault(time.time_ns(), **fields))
        decision = bench.wait(lambda: coach.decisions and coach.decisions[-1])
        assert decision.outcome == msg.CueDecision.DROPPED
        assert decision.reason
        coach.form(scenes.form(time.time_ns()))
        bench.spin(0.1)
        assert not coach.cues

    def test_other_topics(self, bench, coach):
        now = time.time_ns()
        heard = bench.diagnostics()
        for send, message, words in (
            (coach.form, scenes.form(now, 99), "FormState.phase is 99"),
            (coach.form, scenes.form(now, d_reason=99), "FormState.d_reason is 99"),
            (coach.repetition, scenes.repetition(now, status=99), "Repetition.status is 99"),
            (coach.repetition, scenes.repetition(now, reason=99), "Repetition.reason is 99"),
            (coach.speech, msg.SpeechStatus(cue_id="x", status=99), "SpeechStatus.status is 99"),
            (
                coach.set,
                scenes.summary(now, abstained=[msg.Abstention(reason=99)]),
                "Abstention.reason is 99",
            ),
        ):
            send(message)
            heard.wait("orchestrator", DiagnosticStatus.WARN, words)
        for field in ("progress", "progress_std", "speed", "d"):
            for value in (math.nan, math.inf, -math.inf):
                coach.form(scenes.form(time.time_ns(), **{field: value}))
        coach.form(scenes.form(0))
        coach.repetition(scenes.repetition(time.time_ns(), d=math.nan, range=math.nan, number=0))
        coach.set(scenes.summary(time.time_ns(), counted=0, exercise="", set_id="", d=math.nan))
        coach.speech(msg.SpeechStatus(cue_id="never heard of", status=msg.SpeechStatus.FAILED))
        coach.fault(scenes.fault(time.time_ns()))
        coach.form(scenes.form(time.time_ns()))
        coach.cue()

    def test_older_frames_change_nothing(self, bench, coach):
        now = time.time_ns()
        coach.form(scenes.form(now, TOP))
        coach.fault(scenes.fault(now, say_in=[BOTTOM]))
        bench.wait(lambda: coach.decisions)
        coach.form(scenes.form(now - 100_000_000, BOTTOM))
        bench.spin(0.15)
        assert not coach.cues


class TestFiles:
    def test_unknown_language_is_told_with_those_there_are(self, bench):
        heard = bench.diagnostics()
        node = bench.node("orchestrator", language="tlh")
        assert not node.start()
        heard.wait("orchestrator", DiagnosticStatus.ERROR, "parameter language", "'tlh'", "allowed: ", "en")
        assert node.set_parameters([Parameter("language", value="en")])[0].successful
        assert node.start()

    @pytest.mark.parametrize("content", ["", "corrections: [", "language: en\n", "\0"])
    def test_damaged_phrase_book_is_told_and_can_be_repaired(self, bench, tmp_path, content):
        book = tmp_path / "en.yaml"
        book.write_text(content)
        heard = bench.diagnostics()
        node = bench.node("orchestrator", phrase_dir=str(tmp_path))
        assert not node.start()
        heard.wait("orchestrator", DiagnosticStatus.ERROR, "en.yaml")
        shutil.copy(share_dir() / "config" / "phrases" / "en.yaml", book)
        assert node.start()
        heard.wait("orchestrator", DiagnosticStatus.OK, "coaching")

    def test_missing_phrase_book_is_told(self, bench, tmp_path):
        heard = bench.diagnostics()
        assert not bench.node("orchestrator", phrase_dir=str(tmp_path)).start()
        heard.wait("orchestrator", DiagnosticStatus.ERROR, "none in", str(tmp_path))

    def test_wrong_settings_are_told_with_file_and_field(self, bench, tmp_path):
        file = tmp_path / "coaching.yaml"
        file.write_text("gap_s: soon\n")
        heard = bench.diagnostics()
        assert not bench.node("orchestrator", settings_file=str(file)).start()
        heard.wait("orchestrator", DiagnosticStatus.ERROR, "coaching.yaml", "gap_s")

    def test_missing_settings_are_told(self, bench):
        heard = bench.diagnostics()
        assert not bench.node("orchestrator", settings_file="/none/coaching.yaml").start()
        heard.wait("orchestrator", DiagnosticStatus.ERROR, "/none/coaching.yaml")

    def test_exercise_files_may_lie_elsewhere(self, bench, tmp_path):
        shutil.copy(share_dir() / "config" / "exercises" / "squat.yaml", tmp_path / "squat.yaml")
        bench.started("orchestrator", exercise_dir=str(tmp_path))
        coach = Coach(bench)
        heard = bench.diagnostics()
        coach.set(scenes.summary(time.time_ns(), exercise="biceps_curl"))
        heard.wait("orchestrator", DiagnosticStatus.WARN, str(tmp_path), "allowed: squat")
        coach.set(scenes.summary(time.time_ns()))
        bench.wait(lambda: coach.phrases)
        assert values(heard.of("orchestrator")[-1])["errors"] == "1"
