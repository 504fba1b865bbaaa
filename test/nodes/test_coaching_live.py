"""Node `orchestrator`: preferences while it runs, questions, the machine's faults, and a language model beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
import scenes
from rclpy.parameter import Parameter
from test_orchestrator_node import BOTTOM, TOP, Coach

from kinecue.coaching import Guard
from kinecue.coaching.language.model import ModelGoneError, Prompt
from kinecue.coaching.language.settings import LanguageSettings
from kinecue.coaching.language.wordsmith import Wordsmith
from kinecue.nodes import orchestrator as orchestrator_module
from kinecue.nodes.base import LATCHED_QOS, ns_to_stamp
from kinecue_msgs import msg, srv

LEARNED = "Push those knees out a little more"


class Model:
    """A language model that says what it is told to, or nothing while it stalls."""

    name = "a model of the test"

    def __init__(self, *replies: str) -> None:
        self.replies = replies
        self.asked = threading.Event()
        self.goes_on = threading.Event()
        self.closed = threading.Event()

    def complete(self, prompt: Prompt, deadline_s: float) -> str:
        self.asked.set()
        while not self.goes_on.wait(0.01):
            if self.closed.is_set():
                raise ModelGoneError("closed")
        return self.replies[0]

    def likelihood(self, prompt: Prompt, replies: Sequence[str], deadline_s: float) -> None:
        return None

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def with_model(monkeypatch):
    """Puts a model beside the orchestrator nodes that are made from now on."""

    def put(model: Model) -> Model:
        def opened(book, settings):
            return Wordsmith(book, Guard(book), model, LanguageSettings()), model

        monkeypatch.setattr(orchestrator_module, "open_wordsmith", opened)
        return model

    return put


def settings_file(tmp_path, text: str) -> str:
    file = tmp_path / "coaching.yaml"
    file.write_text(text)
    return str(file)


class TestPreferences:
    def test_are_those_of_the_file_until_they_are_set(self, bench, tmp_path):
        file = settings_file(tmp_path, "talk: corrections\ncounting: true\npraise: false\n")
        node = bench.started("orchestrator", settings_file=file, praise=True)
        values = {name: node.get_parameter(name).value for name in ("talk", "counting", "praise", "summary")}
        assert values == {"talk": "corrections", "counting": True, "praise": True, "summary": False}

    def test_talk_changes_while_the_node_runs(self, bench):
        node = bench.started("orchestrator")
        coach = Coach(bench)
        assert node.set_parameters([Parameter("talk", value="danger_only")])[0].successful
        now = time.time_ns()
        coach.form(scenes.form(now))
        coach.fault(scenes.fault(now))
        dropped = bench.wait(lambda: coach.decisions and coach.decisions[-1])
        assert (dropped.outcome, dropped.kind) == (msg.CueDecision.DROPPED, msg.Cue.KIND_CORRECTION)
        assert dropped.reason == "not wanted: talk is danger_only"
        assert dropped.priority >= 50
        coach.fault(scenes.fault(time.time_ns(), severity=msg.FormFault.SEVERITY_DANGER))
        assert coach.cue().kind == msg.Cue.KIND_DANGER

    def test_what_is_not_allowed_is_refused(self, bench):
        node = bench.started("orchestrator")
        [result] = node.set_parameters([Parameter("talk", value="sometimes")])
        assert not result.successful
        assert "danger_only" in result.reason

    def test_counting_and_encouragement_are_switched_on_in_mid_set(self, bench, tmp_path):
        node = bench.started("orchestrator", settings_file=settings_file(tmp_path, "encourage_after: 1\n"))
        coach = Coach(bench)
        coach.set(scenes.summary(time.time_ns()))
        bench.wait(lambda: coach.phrases)
        assert "thirty" not in coach.phrases[-1].phrases
        assert node.set_parameters([Parameter("counting", value=True)])[0].successful
        bench.wait(lambda: "thirty" in coach.phrases[-1].phrases)
        coach.form(scenes.form(time.time_ns(), TOP))
        coach.repetition(scenes.repetition(time.time_ns(), number=1))
        assert coach.cue().text == "one"
        coach.finished(coach.cues[-1])
        node.set_parameters([Parameter("counting", value=False), Parameter("encouragement", value=True)])
        coach.form(scenes.form(time.time_ns(), TOP))
        coach.repetition(scenes.repetition(time.time_ns(), number=2))
        bench.wait(lambda: coach.cues[-1].kind == msg.Cue.KIND_ENCOURAGEMENT)


class TestAsk:
    def ask(self, bench, question="", speak=False):
        return bench.call(srv.Ask, "ask", srv.Ask.Request(question=question, speak=speak))

    def test_how_was_that(self, bench):
        bench.started("orchestrator")
        coach = Coach(bench)
        answer = self.ask(bench)
        assert not answer.success
        assert answer.message
        assert answer.text
        coach.set(scenes.summary(time.time_ns(), active=False))
        answer = bench.wait(lambda: (found := self.ask(bench, "How was that?")).success and found)
        assert answer.text.startswith("Three repetitions")
        assert answer.screen_text.startswith("3 reps")
        assert not answer.cue_id
        assert not coach.cues
        spoken = self.ask(bench, speak=True)
        cue = coach.cue()
        assert (cue.id, cue.text, cue.kind) == (spoken.cue_id, spoken.text, msg.Cue.KIND_SYSTEM)

    def test_advice_on_the_load_is_part_of_it(self, bench):
        bench.started("orchestrator")
        coach = Coach(bench)
        coach.set(summary := scenes.summary(time.time_ns(), active=False))
        advise = bench.talk(msg.LoadAdvice, "load_advice", LATCHED_QOS)
        heard = bench.diagnostics()
        advise(msg.LoadAdvice(set_id=summary.set_id, advice=99))
        heard.wait("orchestrator", b"\x01", "LoadAdvice.advice is 99")
        for reason in (msg.LoadAdvice.REASON_NOT_ENOUGH, msg.LoadAdvice.REASON_FORM):
            advice = msg.LoadAdvice(set_id=summary.set_id, advice=msg.LoadAdvice.ADVICE_KEEP, reason=reason)
            advice.load_kg = advice.suggested_kg = float("nan")
            advise(advice)
        bench.wait(lambda: "weight" in self.ask(bench, "How was that?").text)

    def test_of_a_node_that_is_not_active_says_so(self, bench):
        bench.node("orchestrator")
        answer = self.ask(bench)
        assert not answer.success
        assert "not active" in answer.message

    def test_what_is_not_understood_is_told(self, bench):
        bench.started("orchestrator")
        answer = self.ask(bench, "Who are you?")
        assert not answer.success
        assert "not understood" in answer.message


class TestMachine:
    def test_its_fault_is_told_once(self, bench):
        bench.started("orchestrator")
        coach = Coach(bench)
        cable = bench.talk(msg.CableLoad, "machine/cable")

        def feel(seconds: float, flags: int) -> None:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                coach.form(scenes.form(time.time_ns(), TOP))
                cable(msg.CableLoad(flags=flags))
                bench.spin(0.02)

        feel(0.6, msg.CableLoad.FLAG_SLACK)
        assert not coach.cues
        feel(2.0, msg.CableLoad.FLAG_FAULT | msg.CableLoad.FLAG_SIMULATED)
        cue = coach.cue()
        assert cue.kind == msg.Cue.KIND_SYSTEM
        assert cue.priority == msg.Cue.PRIORITY_INTERRUPTING
        assert cue.screen_text == "MACHINE FAULT"
        coach.finished(cue)
        feel(1.0, msg.CableLoad.FLAG_FAULT)
        assert len(coach.cues) == 1


class TestModel:
    def test_what_it_worded_is_synthesised_and_said(self, bench, with_model, tmp_path):
        model = with_model(Model(LEARNED))
        model.goes_on.set()
        bench.started(
            "orchestrator",
            settings_file=settings_file(tmp_path, "gap_s: 0\nrepeat_after: 1\npraise: false\n"),
        )
        coach = Coach(bench)
        coach.set(scenes.summary(time.time_ns()))
        bench.wait(lambda: coach.phrases and LEARNED in coach.phrases[-1].phrases, "the learned phrase")
        for repetition in range(1, 9):
            # later than the repetition before
            now = time.time_ns()
            fault = {
                "repetition": repetition,
                "id": f"squat/{repetition}/knees_in/1",
                "onset": ns_to_stamp(now),
            }
            coach.fault(scenes.fault(now, **fault))
            bench.spin(0.05)
            coach.form(scenes.form(time.time_ns(), BOTTOM))
            bench.wait(lambda wanted=repetition: len(coach.cues) == wanted, "a cue")
            coach.finished(coach.cues[-1])
            coach.repetition(scenes.repetition(time.time_ns(), number=repetition, faults=["knees_in"]))
            bench.spin(0.05)
        said = {(cue.text, cue.words) for cue in coach.cues}
        assert (LEARNED, msg.Cue.WORDS_MODEL) in said
        assert all(words == msg.Cue.WORDS_BOOK for text, words in said if text != LEARNED)

    def test_that_stalls_delays_no_cue_and_no_summary(self, bench, with_model, tmp_path):
        """It never answers in this test, so whatever is said was said without it."""
        model = with_model(Model(LEARNED))
        text = "summary: true\nsummary_model_s: 0.4\n"
        node = bench.started("orchestrator", settings_file=settings_file(tmp_path, text))
        coach = Coach(bench)
        coach.set(scenes.summary(time.time_ns()))
        bench.wait(model.asked.is_set, "a question to the model")
        now = time.time_ns()
        coach.form(scenes.form(now))
        coach.fault(scenes.fault(now))
        cue = coach.cue()
        assert (cue.correction, cue.words) == ("knees_out", msg.Cue.WORDS_BOOK)
        coach.finished(cue)
        coach.set(scenes.summary(time.time_ns(), active=False))
        bench.wait(lambda: coach.cues[-1].kind == msg.Cue.KIND_SUMMARY, "the summary")
        assert coach.cues[-1].words == msg.Cue.WORDS_BOOK
        node.close()
        assert model.closed.is_set()

    def test_words_the_summary_where_it_can(self, bench, with_model, tmp_path):
        model = with_model(Model("Three repetitions."))
        model.goes_on.set()
        file = settings_file(tmp_path, "summary: true\nsummary_model_s: 10.0\n")
        bench.started("orchestrator", settings_file=file)
        coach = Coach(bench)
        coach.set(scenes.summary(time.time_ns(), active=False, faults=[], partial=0, abstained=[]))
        cue = coach.cue()
        assert (cue.kind, cue.words) == (msg.Cue.KIND_SUMMARY, msg.Cue.WORDS_MODEL)
        assert cue.text == "Three repetitions."

    def test_a_danger_is_never_in_its_words(self, bench, with_model):
        model = with_model(Model(LEARNED))
        model.goes_on.set()
        bench.started("orchestrator")
        coach = Coach(bench)
        coach.set(scenes.summary(time.time_ns()))
        bench.wait(lambda: coach.phrases and LEARNED in coach.phrases[-1].phrases)
        for repetition in range(5):
            severity = msg.FormFault.SEVERITY_DANGER
            fault = scenes.fault(
                time.time_ns(), severity=severity, repetition=repetition, id=f"d/{repetition}"
            )
            coach.fault(fault)
            bench.wait(lambda wanted=repetition: len(coach.decisions) > wanted)
        assert coach.cues
        assert all(cue.words == msg.Cue.WORDS_BOOK for cue in coach.cues)


class TestFacts:
    def test_a_cue_carries_what_was_measured(self, bench):
        bench.started("orchestrator")
        coach = Coach(bench)
        now = time.time_ns()
        coach.form(scenes.form(now))
        coach.fault(fault := scenes.fault(now))
        fact = coach.cue().fact
        assert (fact.fault, fact.feature, fact.unit) == (fault.name, fault.measured.name, fault.measured.unit)
        assert (fact.measured, fact.limit) == (fault.measured.value, fault.limit)
        assert fact.severity == fault.severity
        assert fact.change in (msg.CueFact.CHANGE_MORE, msg.CueFact.CHANGE_LESS)
        assert fact.trend == msg.CueFact.TREND_NEW

    def test_what_is_about_no_fault_has_none(self, bench):
        bench.started("orchestrator")
        coach = Coach(bench)
        bench.call(srv.Say, "say", srv.Say.Request(text="Closing time"))
        cue = coach.cue()
        assert (cue.fact.fault, cue.fact.change) == ("", msg.CueFact.CHANGE_NONE)
        assert cue.words == msg.Cue.WORDS_REQUEST
