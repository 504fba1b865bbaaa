"""What to say, and when. Pure: every call gets the time, and the same calls give the same cues.

A fault waits until the lifter can act on it, the most dangerous first, and is dropped when that moment does
not come in time. Danger does not wait. Here is what follows from each event; `kinecue.coaching.memory` holds the rules
of a set (one correction per repetition, one theme, no nagging), `kinecue.coaching.trust` what may be spoken about at
all, `kinecue.coaching.turns` the rules of time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kinecue.coaching.composing import Composer
from kinecue.coaching.cue import INTERRUPTING, CueKind, Decision, Outcome, SpeechStatus, Words
from kinecue.coaching.effort_news import EffortCall, EffortNews
from kinecue.coaching.facts import SummaryFacts, fact_from
from kinecue.coaching.machine_news import LoadNews, MachineWatch
from kinecue.coaching.memory import FaultMemory
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.coaching.present import ns
from kinecue.coaching.settings import CoachingSettings
from kinecue.coaching.summary import LONGEST_QUESTION, LastSet, Said, summary_facts
from kinecue.coaching.trust import why_no_effort, why_unsayable
from kinecue.coaching.turns import Turns
from kinecue.coaching.waiting import BETWEEN_SETS, Waiting
from kinecue.coaching.wording import WordedPhrase, Wording
from kinecue.exercise.results import (
    Fault,
    FormState,
    Phase,
    Repetition,
    RepetitionStatus,
    SetSummary,
    Severity,
)

LONGEST_REQUEST = 200
"""Characters of a sentence said by request."""


@dataclass(frozen=True)
class Answer:
    """An answer about the last set.

    Attributes:
        text, screen_text: what is answered; never empty.
        problem: why it rests on nothing measured; empty if it does.
        facts: what it rests on.
        decisions: about saying it; none if it is not to be said.
    """

    text: str
    screen_text: str
    problem: str = ""
    facts: SummaryFacts | None = None
    decisions: tuple[Decision, ...] = ()


class Orchestrator:
    """Turns what scoring says into cues, one at a time.

    All times are integer nanoseconds. `now_ns` is the caller's clock and must be that of the frames' stamps,
    so that the age of a fault is known. Within one frame, faults are best given before the form state: when
    that (or a `tick`) comes, one of them is chosen. `tick` should be called some twenty times a second.

    No method raises because of what a message holds; what cannot be used is dropped with the reason.

    Attributes:
        words_come: a language model is there to word summaries (`words_for_summary`), so a summary waits for it, no
            longer than the settings say. Nothing else ever waits for a model.
    """

    def __init__(self, phrasebook: PhraseBook, settings: CoachingSettings | None = None) -> None:
        self._book = phrasebook
        self._wording = Wording(phrasebook)
        self._last_set = LastSet(self._wording)
        self._turns = Turns(settings or CoachingSettings(), Composer(self._wording, self._last_set))
        self._machine = MachineWatch()
        self._set_id = ""
        self._under_way: SetSummary | None = None
        self._summarised = ""
        self._requests = 0
        self.words_come = False

    @property
    def settings(self) -> CoachingSettings:
        """Those that hold now."""
        return self._turns.settings

    @property
    def lifting(self) -> bool:
        """Somebody moves, or did a moment ago and may go on: no time for anything that can wait."""
        return self._turns.present.lifting

    def prefer(self, **changes: object) -> None:
        """Change settings from now on, such as ``talk``, ``counting``, ``encouragement``, ``praise`` or ``summary``.

        Raises:
            ConfigError: names the field and what is allowed.
        """
        self._turns.prefer(self.settings.changed(**changes))

    # -- what happens

    def on_form(self, form: FormState, now_ns: int) -> list[Decision]:
        """A frame was scored. One that is not of now is ignored, and so is an older one, unless time began anew."""
        decisions = self._turns.advance(now_ns)
        newest = self._turns.present.form
        if self._turns.present.is_late(form.stamp_ns):
            return decisions + self._turns.release()
        if newest is not None and form.stamp_ns < newest.stamp_ns:
            if newest.stamp_ns - form.stamp_ns <= ns(self.settings.max_fault_age_s):
                return decisions
            decisions += self._new_set("the frames began anew")
        elif newest is not None and form.exercise != newest.exercise:
            decisions += self._new_set("another exercise was selected")
        self._turns.present.frame(form)
        self._turns.memory.frame(form)
        return decisions + self._turns.release()

    def on_fault(self, fault: Fault, now_ns: int) -> list[Decision]:
        """A fault was raised. Danger is answered here; all else when its moment comes."""
        turns = self._turns
        decisions = turns.advance(now_ns)
        kind = CueKind.DANGER if fault.severity == Severity.DANGER else CueKind.CORRECTION
        problem = why_unsayable(fault, turns.present, self._book, self.settings)
        if problem:
            return [*decisions, turns.dropped(kind, str(fault.id), problem, fault.stamp_ns)]
        fact = fact_from(fault)
        movement = turns.memory.movement_of(fault)
        fact = replace(fact, trend=turns.memory.raised(fault, fact.magnitude))
        danger = kind == CueKind.DANGER
        hold_s = self.settings.danger_repeat_s if danger else self.settings.hold_s
        waiting = Waiting.for_fault(kind, fault, fact, movement, turns.until(hold_s))
        if danger:
            problem = turns.memory.why_no_warning(fault.name, movement, now_ns)
            if not problem and not turns.is_warning:
                return decisions + turns.speak(waiting)
            when = "waits for another warning"
        else:
            problem = self.settings.why_unwanted(kind) or turns.memory.why_silent(fault.name, movement)
            phases = " or ".join(phase.name.lower() for phase in fault.say_in)
            when = f"waits for {phases or 'the next frame'}"
        if problem:
            return [*decisions, turns.decision(Outcome.DROPPED, waiting, problem)]
        return decisions + turns.wait(waiting, when)

    def on_repetition(self, repetition: Repetition, now_ns: int) -> list[Decision]:
        """A movement ended, counted or not."""
        decisions = self._turns.advance(now_ns)
        if repetition.status == RepetitionStatus.SETUP:
            return decisions
        memory = self._turns.memory
        fixed = [known for known in memory.finished(repetition) if not known.praised]
        late = self._turns.present.is_late(repetition.end_ns)
        if repetition.status == RepetitionStatus.VALID and not late and not memory.stopped:
            decisions += self._praise(fixed, repetition)
            decisions += self._count(repetition)
            decisions += self._encourage(repetition)
        elif repetition.status == RepetitionStatus.PARTIAL and not late:
            decisions += self._too_short(repetition)
        # the frame that ended it says in which phase the lifter is now, and comes next
        return decisions

    def on_set(self, summary: SetSummary, now_ns: int) -> list[Decision]:
        """A set is under way or over. Its summary is said once."""
        decisions = self._turns.advance(now_ns)
        if not summary.set_id or summary.set_id == self._summarised:
            return decisions
        if summary.active:
            if self._set_id and summary.set_id != self._set_id:
                decisions += self._new_set("a new set began")
            self._set_id, self._under_way = summary.set_id, summary
            return decisions + self._turns.release()
        self._last_set.finished(self._facts_of(summary))
        decisions += self._new_set("the set is over")
        self._summarised = summary.set_id
        self._turns.present.rest()
        if self.settings.why_unwanted(CueKind.SUMMARY):
            return decisions + self._turns.release()
        return [*decisions, *self._sum_up(summary.set_id), *self._turns.release()]

    def on_effort(self, news: EffortNews, now_ns: int) -> list[Decision]:
        """How hard it is; said once a set, "rack it" at once and "last one" between two repetitions."""
        turns = self._turns
        decisions = turns.advance(now_ns)
        if news.call == EffortCall.NONE:
            return decisions + turns.release()
        urgent = news.call == EffortCall.RACK_IT
        hold_s = self.settings.danger_repeat_s if urgent else self.settings.praise_hold_s
        words = news.words(self._book)
        waiting = news.waiting("", words.screen if words else "", turns.until(hold_s))
        problem = why_no_effort(news, turns.present, turns.memory, turns.waiting, self.settings)
        problem = problem or self.settings.why_unwanted(waiting.kind)
        if problem or words is None:
            problem = problem or f"the {self._book.language} phrase book has no words for it"
            return [*decisions, turns.decision(Outcome.DROPPED, waiting, problem)]
        waiting = replace(waiting, text=self._wording.order(words))
        if urgent and not turns.is_warning:
            return decisions + turns.speak(waiting)
        when = "another warning" if urgent else "the end of the repetition"
        return [*decisions, *turns.wait(waiting, f"waits for {when}"), *turns.release()]

    def on_machine(self, fault: bool, now_ns: int) -> list[Decision]:
        """What the machine tells of itself, some times a second. A fault is said at once, to whoever is there, and once."""
        turns = self._turns
        decisions = turns.advance(now_ns)
        if not self._machine.reading(fault, now_ns, ns(self.settings.machine_fault_s)):
            return decisions + turns.release()
        reason = "the machine reports a fault of its own"
        waiting = self._announcement(CueKind.SYSTEM, "machine/fault", reason, ("", ""))
        if turns.present.phase != Phase.UNKNOWN and not turns.is_warning:
            words = self._book.machine_fault
            waiting = replace(waiting, text=self._wording.order(words), screen_text=words.screen)
            spoken = turns.speak(waiting, INTERRUPTING)
            self._machine.cue_id = spoken[-1].cue.id if spoken[-1].cue is not None else ""
            if turns.present.lifting:
                turns.memory.said_to_stop = turns.memory.machine_stop = self._machine.cue_id
            return decisions + spoken
        if not self._machine.waits:
            self._machine.waits = True
            when = "another warning" if turns.is_warning else "somebody to be there"
            decisions.append(turns.decision(Outcome.HELD, waiting, f"waits for {when}"))
        return decisions + turns.release()

    def on_load_advice(self, news: LoadNews, now_ns: int) -> list[Decision]:
        """What load the next set should have; part of the summary and of answers."""
        decisions = self._turns.advance(now_ns)
        self._last_set.advice(news)
        return decisions + self._turns.release()

    def on_speech(self, cue_id: str, status: SpeechStatus | int, now_ns: int) -> list[Decision]:
        """The speaker reports on a cue; a cue that was not heard to its end counts as not said."""
        decisions = self._turns.advance(now_ns)
        if status in (SpeechStatus.INTERRUPTED, SpeechStatus.EXPIRED, SpeechStatus.FAILED):
            at_all = status == SpeechStatus.INTERRUPTED
            decisions += self._turns.unheard(cue_id, SpeechStatus(status).name.lower(), at_all=at_all)
            if cue_id == self._machine.cue_id:
                self._machine.cue_id = ""
        elif status == SpeechStatus.FINISHED:
            self._turns.over(cue_id)
        else:
            return decisions
        return decisions + self._turns.release()

    def tick(self, now_ns: int) -> list[Decision]:
        """Time passed; to be called often, so that nothing depends on a message that does not come."""
        return self._turns.advance(now_ns) + self._turns.release()

    # -- what is asked for

    def say(self, text: str, now_ns: int, interrupt: bool = False) -> list[Decision]:
        """A sentence by request of an integrator, not about a fault.

        It waits for silence; or interrupts what is being said, unless that is a warning.
        """
        turns = self._turns
        decisions = turns.advance(now_ns)
        self._requests += 1
        request = self._announcement(CueKind.SYSTEM, f"request/{self._requests}", "by request", (text, text))
        request = replace(request, words=Words.REQUEST)
        if not 0 < len(text.strip()) <= LONGEST_REQUEST:
            problem = f"a request has 1 to {LONGEST_REQUEST} characters"
            return [*decisions, turns.decision(Outcome.DROPPED, request, problem)]
        if interrupt and not turns.is_warning:
            return decisions + turns.speak(request, INTERRUPTING)
        return [*decisions, *turns.wait(request, "waits for silence"), *turns.release()]

    def ask(self, question: str, now_ns: int, speak: bool = False) -> Answer:
        """A question of the lifter about the last set; an empty one is "how was that?".

        The answer is there at once and rests on what was measured. With `speak` it is also said, between two sets.
        """
        turns = self._turns
        decisions = turns.advance(now_ns)
        said, about_set = self._answer(question)
        if speak:
            self._requests += 1
            words = (said.text, said.screen_text)
            waiting = self._announcement(CueKind.SYSTEM, f"answer/{self._requests}", "asked", words)
            for summary in turns.waiting:
                if summary.kind == CueKind.SUMMARY and about_set:
                    turns.waiting.remove(summary)
                    decisions.append(turns.decision(Outcome.DROPPED, summary, "asked for before"))
            waiting = replace(waiting, phases=BETWEEN_SETS, words=said.words)
            decisions += [*turns.wait(waiting, "waits for silence"), *turns.release()]
        facts = self._last_set.facts if about_set else None
        return Answer(said.text, said.screen_text, said.problem, facts, tuple(decisions))

    # -- the words of a language model

    @property
    def summary_facts(self) -> SummaryFacts | None:
        """What was measured in the set that was finished last; None before there is one."""
        return self._last_set.facts

    def learn(self, phrases: Iterable[WordedPhrase]) -> tuple[WordedPhrase, ...]:
        """Further words for corrections. They meet the guard here, and again with the fact of the moment.

        Returns:
            those that were taken.
        """
        return tuple(phrase for phrase in phrases if not self._wording.learn([phrase]))

    def phrases(self, corrections: Iterable[str], count_to: int = 0) -> tuple[str, ...]:
        """Every sentence that may be said during a set, with what was learned, to synthesise ahead."""
        return self._wording.phrases(corrections, count_to)

    def words_for_summary(self, set_id: str, text: str, now_ns: int) -> list[Decision]:
        """Words of a language model for a finished set, empty if it has none. They replace the book's if these are not said.

        They meet the guard here. Answers use them as well.
        """
        turns = self._turns
        decisions = turns.advance(now_ns)
        subject = f"summary/{set_id}"
        waiting = [one for one in turns.waiting if one.subject == subject]
        problem = self._last_set.words(set_id, text) if text else "the model has none"
        if not problem and not waiting and not self.settings.why_unwanted(CueKind.SUMMARY):
            problem = "they came after those of the book"
        if problem:
            reason = f"words of the model: {problem}"
            decisions.append(turns.dropped(CueKind.SUMMARY, subject, reason))
        for one in waiting:
            turns.waiting.replace(one, replace(one, not_before_ns=turns.present.now_ns))
        return decisions + turns.release()

    # -- inside

    def _answer(self, question: str) -> tuple[Said, bool]:
        """What is answered, and whether it is about a set."""
        answers, topic = self._book.answers, None
        if len(question) <= LONGEST_QUESTION:
            topic = self._book.questions.about(question)
        if topic is None:
            sentence, problem = answers.not_understood, "the question was not understood"
        elif self._turns.present.lifting:
            sentence, problem = answers.during_set, "somebody is lifting"
        else:
            if self._under_way is not None and self._under_way.counted > 0:
                # Nobody told that the set is over; what was measured so far is what can be told.
                self._last_set.finished(self._facts_of(self._under_way))
            said = self._last_set.answer(topic)
            if not said.problem:
                return said, True
            sentence, problem = answers.no_set, said.problem
        return Said(sentence.say, sentence.screen, problem), False

    def _facts_of(self, summary: SetSummary) -> SummaryFacts:
        memory = self._turns.memory
        known = memory.faults if self._set_id in ("", summary.set_id) else {}
        facts = summary_facts(self._book, summary, known, memory.stopped)
        return replace(facts, machine_fault=memory.stopped_by_machine)

    def _sum_up(self, set_id: str) -> list[Decision]:
        said = self._last_set.summary()
        subject = f"summary/{set_id}"
        if said.problem:
            return [self._turns.dropped(CueKind.SUMMARY, subject, said.problem)]
        after_s = self.settings.summary_model_s if self.words_come else self.settings.summary_after_s
        waiting = self._announcement(CueKind.SUMMARY, subject, "the set is over", ("", ""))
        waiting = replace(
            waiting,
            asked=False,
            phases=BETWEEN_SETS,
            not_before_ns=self._turns.until(after_s),
            expires_ns=self._turns.until(after_s + self.settings.summary_hold_s),
        )
        reason = "words of the model, and silence" if self.words_come else "silence"
        return self._turns.wait(waiting, f"waits for {reason}")

    def _praise(self, fixed: list[FaultMemory], repetition: Repetition) -> list[Decision]:
        if not fixed:
            return []
        known, kind = fixed[0], CueKind.PRAISE
        known.praised = True
        expires_ns = self._turns.until(self.settings.praise_hold_s)
        reason, fact = f"{known.name} was corrected", fact_from(known.last_fault)
        waiting = Waiting.for_repetition(
            kind, f"praise/{known.name}", reason, repetition, expires_ns, fact=fact
        )
        unwanted = self.settings.why_unwanted(kind)
        if unwanted:
            return [self._turns.decision(Outcome.DROPPED, waiting, unwanted)]
        return self._turns.wait(waiting, "waits for the top")

    def _count(self, repetition: Repetition) -> list[Decision]:
        n, kind = repetition.number, CueKind.COUNT
        if self.settings.why_unwanted(kind) or not 1 <= n <= len(self._book.numbers):
            return []
        expires_ns = self._turns.until(self.settings.count_hold_s)
        reason, words = f"repetition {n} is valid", (self._book.number(n), str(n))
        waiting = Waiting.for_repetition(kind, f"count/{n}", reason, repetition, expires_ns, words)
        return self._turns.wait(waiting, "waits for silence")

    def _too_short(self, repetition: Repetition) -> list[Decision]:
        """What was measured, and no more: how far to go is for faults of the range to say."""
        memory, kind = self._turns.memory, CueKind.CORRECTION
        if memory.why_not_too_short() or self.settings.why_unwanted(kind):
            return []
        words = self._book.too_short
        reason = f"{memory.short} movements in a row were too short to count"
        expires_ns = self._turns.until(self.settings.praise_hold_s)
        said = (self._wording.order(words), words.screen)
        waiting = Waiting.for_repetition(kind, "too_short", reason, repetition, expires_ns, said)
        return self._turns.wait(waiting, "waits for the top")

    def _encourage(self, repetition: Repetition) -> list[Decision]:
        """Nothing measured is behind it, so it must not come where something is wrong or the lifter should end."""
        memory, kind = self._turns.memory, CueKind.ENCOURAGEMENT
        if self.settings.why_unwanted(kind) or memory.quiet < self.settings.encourage_after:
            return []
        risky = [name for name in memory.last_raised if memory.severity(name) >= Severity.RISK]
        if risky or memory.efforts:
            return []
        words = self._book.encourage
        reason = f"nothing was said after {memory.quiet} repetitions"
        expires_ns = self._turns.until(self.settings.praise_hold_s)
        said = (self._wording.order(words), words.screen)
        waiting = Waiting.for_repetition(kind, "encourage", reason, repetition, expires_ns, said)
        return self._turns.wait(waiting, "waits for the top")

    def _announcement(self, kind: CueKind, subject: str, reason: str, words: tuple[str, str]) -> Waiting:
        expires_ns = self._turns.until(self.settings.summary_hold_s)
        form = self._turns.present.form
        return replace(
            Waiting.announcement(kind, subject, form, expires_ns, reason, words), asked=kind == CueKind.SYSTEM
        )

    def _new_set(self, reason: str) -> list[Decision]:
        self._set_id, self._under_way = "", None
        return self._turns.new_set(reason)
