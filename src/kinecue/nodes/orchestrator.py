"""Node `orchestrator`: what scoring measured becomes cues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rclpy.parameter import Parameter
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Header

from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.paths import share_dir
from kinecue.coaching.cue import CueKind, Decision, Outcome, SpeechStatus
from kinecue.coaching.language.settings import load_language_settings
from kinecue.coaching.nominal import nominal_facts
from kinecue.coaching.orchestrator import Orchestrator
from kinecue.coaching.phrasebook import PhraseBook, load_phrase_book
from kinecue.coaching.settings import Talk, load_settings
from kinecue.exercise import find_exercise
from kinecue.loads.levers import corrections_in
from kinecue.nodes import message_parts as parts
from kinecue.nodes import score_conversions as scores
from kinecue.nodes.base import ERROR, EVENT_QOS, LATCHED_QOS, OK, SENSOR_QOS, KineCueNode, run
from kinecue.nodes.coaching_conversions import cue_to_msg, decision_to_msg, load_news_from_msg
from kinecue.nodes.parameters import ParameterSpec
from kinecue.nodes.polled_topic import PolledTopic
from kinecue.nodes.training_conversions import effort_news_from_msg
from kinecue.nodes.wording import SummaryWords, WordingFailed, WordingThread, open_wordsmith
from kinecue.training.disagreement import MACHINE_FAULTS
from kinecue_msgs import msg, srv

_FEW_QOS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=8, reliability=ReliabilityPolicy.BEST_EFFORT)
"""The newest samples of each cable tell whether the machine has a fault; there may be thousands a second."""
_MACHINE_EVERY_S = 0.25
_TO_SPARE_S = 0.1
"""A model has this much less time for a summary than the summary waits."""
_USUAL_SET, _LONG_SET = 12, 30
"""Repetitions whose numbers are prepared."""
_PREFERENCES = ("talk", "counting", "encouragement", "praise", "summary")


class OrchestratorNode(KineCueNode):
    """Faults, repetitions and sets in; cues and the reasons for them out."""

    PARAMETERS = (
        ParameterSpec("language", "en", "Language of the phrase book, BCP 47; a file of config/phrases."),
        ParameterSpec("phrase_dir", "", "Folder of phrase books; empty = config/phrases of the package."),
        ParameterSpec("settings_file", "", "Coaching settings; empty = config/coaching.yaml of the package."),
        ParameterSpec(
            "exercise_dir", "", "Folder of exercise files; empty = config/exercises of the package."
        ),
        ParameterSpec(
            "language_file",
            "",
            "Settings of the language model; empty = config/language.yaml of the package.",
        ),
        ParameterSpec(
            "language_model",
            "as_set",
            "Who words: builtin, server, none (the phrase book alone), or as_set in the settings.",
            choices=("as_set", "builtin", "server", "none"),
        ),
        ParameterSpec(
            "talk",
            Talk.FULL.value,
            "How much is said. Until it is set, as in the coaching settings, like the four below.",
            choices=tuple(talk.value for talk in Talk),
            live=True,
        ),
        ParameterSpec("counting", False, "Count the valid repetitions aloud.", live=True),
        ParameterSpec("encouragement", False, "Say something after repetitions in silence.", live=True),
        ParameterSpec("praise", True, "Say so when a correction worked.", live=True),
        ParameterSpec("summary", False, "Sum up a finished set.", live=True),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("orchestrator", **kwargs)
        self._core: Orchestrator | None = None
        self._book: PhraseBook | None = None
        self._wording: WordingThread | None = None
        self._why_no_model = ""
        self._exercise = ""
        self._corrections: tuple[str, ...] = ()
        self._preferred: dict[str, object] = {}
        self._counts = dict.fromkeys(Outcome, 0)
        self._newest_stamp = 0
        self._cues = self.create_lifecycle_publisher(msg.Cue, "cues", EVENT_QOS)
        self._decisions = self.create_lifecycle_publisher(msg.CueDecision, "cue_decisions", EVENT_QOS)
        self._phrases = self.create_lifecycle_publisher(msg.PhraseList, "phrases", LATCHED_QOS)
        self.create_subscription(msg.FormState, "form", self.guarded(self._on_form), SENSOR_QOS)
        self.create_subscription(msg.FormFault, "faults", self.guarded(self._on_fault), EVENT_QOS)
        self.create_subscription(msg.Repetition, "repetitions", self.guarded(self._on_repetition), EVENT_QOS)
        self.create_subscription(msg.SetSummary, "set", self.guarded(self._on_set, latched=True), LATCHED_QOS)
        self.create_subscription(msg.Effort, "effort", self.guarded(self._on_effort), EVENT_QOS)
        self.create_subscription(
            msg.LoadAdvice, "load_advice", self.guarded(self._on_load_advice, latched=True), LATCHED_QOS
        )
        self.create_subscription(msg.SpeechStatus, "speech_status", self.guarded(self._on_speech), EVENT_QOS)
        self._cables = PolledTopic(self, msg.CableLoad, "machine/cable", _FEW_QOS)
        self.create_service(srv.Say, "say", self.guarded_service(self._say))
        self.create_service(srv.Ask, "ask", self.guarded_service(self._ask))
        self.create_timer(0.05, self.guarded_timer(self._tick))
        self.create_timer(_MACHINE_EVERY_S, self.guarded_timer(self._look_at_machine))
        self.add_post_set_parameters_callback(self._prefer)

    def configure(self) -> None:
        config = share_dir() / "config"
        phrases = Path(self.parameters["phrase_dir"] or config / "phrases")
        language = self.parameters["language"]
        book = phrases / f"{language}.yaml"
        if not book.is_file():
            known = ", ".join(sorted(p.stem for p in phrases.glob("*.yaml"))) or f"none in {phrases}"
            raise ConfigError("node orchestrator", "parameter language", f"is {language!r}, allowed: {known}")
        self._book = load_phrase_book(book)
        settings = load_settings(Path(self.parameters["settings_file"] or config / "coaching.yaml"))
        self._take_preferences(settings.model_dump(include=set(_PREFERENCES), mode="json"))
        core = Orchestrator(self._book, settings)
        core.prefer(**{name: self.parameters[name] for name in _PREFERENCES})
        self._open_model(self._book, Path(self.parameters["language_file"] or config / "language.yaml"))
        core.words_come = self._wording is not None
        self._core = core
        self._exercise = ""

    def cleanup(self) -> None:
        self._core = None
        if self._wording is not None:
            self._wording.close()
        self._wording = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        if self._core is None:
            return ERROR, "no phrase book", {}
        values: dict[str, object] = {outcome.name.lower(): count for outcome, count in self._counts.items()}
        values |= {"talk": self._core.settings.talk.value}
        values |= {"language model": self._why_no_model or "in use"}
        if self._wording is not None:
            values["language model"] = self._wording.doing
            values |= {f"words {what}": count for what, count in self._wording.counts.items()}
        return OK, f"coaching {self._exercise or 'nothing yet'}", values

    # -- what happens

    def _tick(self) -> None:
        if self._core is None:
            return
        self._publish(self._core.tick(self.now_ns()))
        if self._wording is not None:
            self._wording.pause(self._core.lifting)
            self._take_words(self._wording, self._core)

    def _on_form(self, message: msg.FormState) -> None:
        form = scores.form_from_msg(message)
        self._newest_stamp = form.stamp_ns
        if self._core is not None:
            self._publish(self._core.on_form(form, self.now_ns()))

    def _on_fault(self, message: msg.FormFault) -> None:
        if self._core is not None:
            self._publish(self._core.on_fault(scores.fault_from_msg(message), self.now_ns()))

    def _on_repetition(self, message: msg.Repetition) -> None:
        if self._core is not None:
            self._publish(self._core.on_repetition(scores.repetition_from_msg(message), self.now_ns()))

    def _on_set(self, message: msg.SetSummary) -> None:
        if self._core is not None:
            before = self._core.summary_facts
            self._publish(self._core.on_set(scores.set_from_msg(message), self.now_ns()))
            facts = self._core.summary_facts
            if self._wording is not None and facts is not None and facts is not before and not message.active:
                wait_s = self._core.settings.summary_model_s
                self._wording.sum_up(facts, max(wait_s - _TO_SPARE_S, _TO_SPARE_S))
        if message.exercise and message.exercise != self._exercise:
            self._prepare(message.exercise)
            self._exercise = message.exercise

    def _on_effort(self, message: msg.Effort) -> None:
        if self._core is not None:
            self._publish(self._core.on_effort(effort_news_from_msg(message), self.now_ns()))

    def _on_load_advice(self, message: msg.LoadAdvice) -> None:
        if self._core is not None:
            self._publish(self._core.on_load_advice(load_news_from_msg(message), self.now_ns()))

    def _on_speech(self, message: msg.SpeechStatus) -> None:
        if self._core is not None:
            status = parts.enumerated(SpeechStatus, message.status, "SpeechStatus.status")
            self._publish(self._core.on_speech(message.cue_id, status, self.now_ns()))

    def _look_at_machine(self) -> None:
        flags = [int(sample.flags) for sample in self._cables.take()]
        if self._core is not None and flags:
            fault = any(value & msg.CableLoad.FLAG_FAULT for value in flags)
            self._publish(self._core.on_machine(fault, self.now_ns()))

    # -- what is asked for

    def _say(self, request: srv.Say.Request, response: srv.Say.Response) -> srv.Say.Response:
        """By way of the orchestrator, so that a request and a cue never talk over each other."""
        if self._core is None or not self.active:
            response.message = "the orchestrator node is not active"
            return response
        decisions = self._core.say(request.text, self.now_ns(), request.interrupt)
        self._publish(decisions)
        last = _last_of(decisions, CueKind.SYSTEM)
        response.cue_id = last.cue.id if last is not None and last.cue is not None else ""
        response.success = last is None or last.outcome != Outcome.DROPPED
        response.message = last.reason if last is not None else "waits for silence"
        return response

    def _ask(self, request: srv.Ask.Request, response: srv.Ask.Response) -> srv.Ask.Response:
        if self._core is None or not self.active:
            response.message = "the orchestrator node is not active"
            return response
        answer = self._core.ask(request.question, self.now_ns(), request.speak)
        self._publish(list(answer.decisions))
        response.text, response.screen_text = answer.text, answer.screen_text
        response.success, response.message = not answer.problem, answer.problem
        last = _last_of(answer.decisions, CueKind.SYSTEM)
        response.cue_id = last.cue.id if last is not None and last.cue is not None else ""
        return response

    # -- preferences

    def _take_preferences(self, wanted: dict[str, Any]) -> None:
        """What the user did not set is as the coaching settings say, and can be read as a parameter."""
        given = self._parameter_overrides
        defaults = {spec.name: spec.default for spec in self.PARAMETERS}
        for name, value in wanted.items():
            untouched = self._preferred.get(name, defaults[name])
            if name not in given and self.parameters[name] == untouched:
                self._preferred[name] = value
                if self.parameters[name] != value:
                    self.set_parameters([Parameter(name, value=value)])

    def _prefer(self, changes: list[Parameter]) -> None:
        preferred = {change.name: change.value for change in changes if change.name in _PREFERENCES}
        if self._core is not None and preferred:
            self._core.prefer(**preferred)
            if preferred.get("counting") and self._exercise:
                self._publish_phrases(self._core)
            self.get_logger().info(", ".join(f"{name}: {value}" for name, value in preferred.items()))

    # -- words

    def _open_model(self, book: PhraseBook, file: Path) -> None:
        settings = load_language_settings(file)
        if self.parameters["language_model"] != "as_set":
            settings = settings.model_copy(update={"model": self.parameters["language_model"]})
        try:
            opened = open_wordsmith(book, settings)
        except KineCueError as error:
            # without its words the coach still has those of the book
            opened = str(error)
        if isinstance(opened, str):
            self._why_no_model = f"none: {opened}"
        else:
            self._why_no_model = ""
            self._wording = WordingThread(*opened)
        self.get_logger().info(f"language model: {self._why_no_model or settings.model}")

    def _take_words(self, wording: WordingThread, core: Orchestrator) -> None:
        """Nothing here waits: what the thread has by now."""
        learned = False
        for words in wording.take():
            if isinstance(words, WordingFailed):
                self.report_error(words.error)
            elif isinstance(words, SummaryWords):
                self._publish(core.words_for_summary(words.set_id, words.text, self.now_ns()))
            else:
                learned |= bool(core.learn([words]))
        if learned:
            self._publish_phrases(core)

    def _prepare(self, exercise: str) -> None:
        """Tells the synthesiser what may be said in this exercise, before it has to be said, and has more worded."""
        if self._book is None or self._core is None:
            return
        folder = self.parameters["exercise_dir"]
        model = find_exercise(exercise, Path(folder) if folder else None)
        corrections = [fault.correction for fault in model.faults.values()]
        corrections += [fault.correction for fault in MACHINE_FAULTS]
        self._corrections = (*corrections, *corrections_in(exercise))
        self._publish_phrases(self._core)
        if self._wording is not None:
            self._wording.prepare(nominal_facts(model, self._book))

    def _publish_phrases(self, core: Orchestrator) -> None:
        # numbers that nobody wants to hear would only take longer to synthesise than a set takes to begin
        phrases = core.phrases(
            self._corrections, count_to=_LONG_SET if core.settings.counting else _USUAL_SET
        )
        message = msg.PhraseList(language=self.parameters["language"], phrases=list(phrases))
        message.header = Header(stamp=self.get_clock().now().to_msg())
        self._phrases.publish(message)

    def _publish(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            self._counts[decision.outcome] += 1
            if decision.cue is not None:
                self._cues.publish(cue_to_msg(decision.cue))
            self._decisions.publish(decision_to_msg(decision, self._newest_stamp))


def _last_of(decisions: Any, kind: CueKind) -> Decision | None:
    of_kind = [decision for decision in decisions if decision.kind == kind]
    return of_kind[-1] if of_kind else None


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(OrchestratorNode, args)
