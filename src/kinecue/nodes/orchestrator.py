"""Node `orchestrator`: what scoring measured becomes cues."""

from __future__ import annotations

from pathlib import Path

from std_msgs.msg import Header

from kinecue.body.errors import ConfigError
from kinecue.body.paths import share_dir
from kinecue.coaching.cue import Cue, Decision, Outcome, SpeechStatus
from kinecue.coaching.orchestrator import Orchestrator
from kinecue.coaching.phrasebook import PhraseBook, load_phrase_book
from kinecue.coaching.settings import load_settings
from kinecue.exercise import find_exercise
from kinecue.loads.levers import corrections_in
from kinecue.nodes import message_parts as parts
from kinecue.nodes import score_conversions as scores
from kinecue.nodes.base import ERROR, EVENT_QOS, LATCHED_QOS, OK, SENSOR_QOS, KineCueNode, ns_to_stamp, run
from kinecue.nodes.parameters import ParameterSpec
from kinecue.nodes.training_conversions import effort_news_from_msg
from kinecue.training.disagreement import MACHINE_FAULTS
from kinecue_msgs import msg, srv


class OrchestratorNode(KineCueNode):
    """Faults, repetitions and sets in; cues and the reasons for them out."""

    PARAMETERS = (
        ParameterSpec("language", "en", "Language of the phrase book, BCP 47; a file of config/phrases."),
        ParameterSpec("phrase_dir", "", "Folder of phrase books; empty = config/phrases of the package."),
        ParameterSpec("settings_file", "", "Coaching settings; empty = config/coaching.yaml of the package."),
        ParameterSpec(
            "exercise_dir", "", "Folder of exercise files; empty = config/exercises of the package."
        ),
    )

    def __init__(self, **kwargs: object) -> None:
        super().__init__("orchestrator", **kwargs)
        self._core: Orchestrator | None = None
        self._book: PhraseBook | None = None
        self._exercise = ""
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
        self.create_subscription(msg.SpeechStatus, "speech_status", self.guarded(self._on_speech), EVENT_QOS)
        self.create_service(srv.Say, "say", self.guarded_service(self._say))
        self.create_timer(0.05, self.guarded_timer(self._tick))

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
        self._core = Orchestrator(self._book, settings)
        self._exercise = ""

    def cleanup(self) -> None:
        self._core = None

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        if self._core is None:
            return ERROR, "no phrase book", {}
        values: dict[str, object] = {outcome.name.lower(): count for outcome, count in self._counts.items()}
        return OK, f"coaching {self._exercise or 'nothing yet'}", values

    def _tick(self) -> None:
        if self.active and self._core is not None:
            self._publish(self._core.tick(self.now_ns()))

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
            self._publish(self._core.on_set(scores.set_from_msg(message), self.now_ns()))
        if message.exercise and message.exercise != self._exercise:
            self._prepare(message.exercise)
            self._exercise = message.exercise

    def _on_effort(self, message: msg.Effort) -> None:
        if self._core is not None:
            self._publish(self._core.on_effort(effort_news_from_msg(message), self.now_ns()))

    def _on_speech(self, message: msg.SpeechStatus) -> None:
        if self._core is not None:
            status = parts.enumerated(SpeechStatus, message.status, "SpeechStatus.status")
            self._publish(self._core.on_speech(message.cue_id, status, self.now_ns()))

    def _say(self, request: srv.Say.Request, response: srv.Say.Response) -> srv.Say.Response:
        """By way of the orchestrator, so that a request and a cue never talk over each other."""
        if self._core is None or not self.active:
            response.message = "the orchestrator node is not active"
            return response
        decisions = self._core.say(request.text, self.now_ns(), request.interrupt)
        self._publish(decisions)
        last = decisions[-1] if decisions else None
        response.cue_id = last.cue.id if last is not None and last.cue is not None else ""
        response.success = last is None or last.outcome != Outcome.DROPPED
        response.message = last.reason if last is not None else "waits for silence"
        return response

    def _prepare(self, exercise: str) -> None:
        """Tells the synthesiser what may be said in this exercise, before it has to be said."""
        if self._book is None:
            return
        folder = self.parameters["exercise_dir"]
        model = find_exercise(exercise, Path(folder) if folder else None)
        corrections = [fault.correction for fault in model.faults.values()]
        corrections += [fault.correction for fault in MACHINE_FAULTS]
        phrases = self._book.cue_phrases([*corrections, *corrections_in(exercise)], count_to=12)
        message = msg.PhraseList(language=self.parameters["language"], phrases=list(phrases))
        message.header = Header(stamp=self.get_clock().now().to_msg())
        self._phrases.publish(message)

    def _publish(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            self._counts[decision.outcome] += 1
            message = msg.CueDecision(header=parts.header(decision.stamp_ns or self._newest_stamp))
            message.outcome, message.subject, message.reason = (
                int(decision.outcome),
                decision.subject,
                decision.reason,
            )
            if decision.cue is not None:
                message.cue_id = decision.cue.id
                self._cues.publish(cue_to_msg(decision.cue))
            self._decisions.publish(message)


def cue_to_msg(cue: Cue) -> msg.Cue:
    """A cue as a message."""
    message = msg.Cue(header=parts.header(cue.trigger_stamp_ns), id=cue.id, kind=int(cue.kind))
    message.priority = min(max(cue.priority, 0), 255)
    message.text, message.screen_text, message.language = cue.text, cue.screen_text, cue.language
    message.body_part, message.correction = cue.body_part, cue.correction
    message.body_id, message.exercise, message.repetition = cue.body_id, cue.exercise, cue.repetition
    message.fault_ids = list(cue.fault_ids)
    message.fault_stamp = ns_to_stamp(cue.fault_stamp_ns)
    message.created, message.expires = ns_to_stamp(cue.created_ns), ns_to_stamp(cue.expires_ns)
    message.reason = cue.reason
    return message


def main(args: list[str] | None = None) -> int:
    """Console script."""
    return run(OrchestratorNode, args)
