"""What is said about a finished set: measured numbers and what to work on, nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kinecue.coaching.cue import Words
from kinecue.coaching.facts import SummaryFacts, fact_from, is_whole_load
from kinecue.coaching.machine_news import LoadCall, LoadNews
from kinecue.coaching.memory import FaultMemory
from kinecue.coaching.phrasebook import FixedSentence, PhraseBook, Question
from kinecue.coaching.wording import Wording
from kinecue.exercise.results import RepetitionStatus, SetSummary, Severity, Side

LONGEST_QUESTION = 300


@dataclass(frozen=True)
class Said:
    """Something to be said, or why not.

    Attributes:
        text, screen_text: empty if there is a problem.
        problem: in words, for engineers; empty if there is none.
        words: where the text comes from.
    """

    text: str = ""
    screen_text: str = ""
    problem: str = ""
    words: Words = Words.BOOK


def summary_facts(
    book: PhraseBook, summary: SetSummary, known: Mapping[str, FaultMemory], stopped: bool
) -> SummaryFacts:
    """What there is to say about a finished set.

    Args:
        book: what it has no words for is no theme.
        summary: the finished set.
        known: what the coach knows about the faults of the set, by name.
        stopped: the lifter was told to stop.
    """
    not_counted = sum(
        max(0, n) for status, n in summary.not_counted.items() if status != RepetitionStatus.SETUP
    )
    theme = _what_to_work_on(book, summary, known)
    return SummaryFacts(
        set_id=summary.set_id,
        exercise=summary.exercise,
        counted=max(0, summary.counted),
        not_counted=not_counted,
        clean=not (known or any(summary.faults.values()) or summary.abstained or not_counted or stopped),
        # Of both sides: which one it was differs between repetitions.
        theme=None if theme is None else fact_from(theme.last_fault, side=Side.BOTH),
        theme_count=0 if theme is None else summary.faults[theme.name],
        improved=tuple(dict.fromkeys(fault.correction for fault in known.values() if fault.fixed)),
        stopped=stopped,
        load_kg=summary.load_kg,
    )


def _what_to_work_on(
    book: PhraseBook, summary: SetSummary, known: Mapping[str, FaultMemory]
) -> FaultMemory | None:
    """The worst fault, then the most frequent, that was not put right within the set."""
    open_faults = [
        fault
        for fault in known.values()
        if summary.faults.get(fault.name, 0) > 0 and not fault.fixed and fault.correction in book.corrections
    ]
    return min(
        open_faults, key=lambda one: (-one.severity, -summary.faults[one.name], one.name), default=None
    )


class LastSet:
    """The set that was finished last: what was measured, and the words for it, of the book or of a model."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        self._advice: LoadNews | None = None
        self._worded = ""
        self.facts: SummaryFacts | None = None
        """None before the first set was finished."""

    def finished(self, facts: SummaryFacts) -> None:
        """Another set was finished. Advice on its load may have come before."""
        self.facts, self._worded = facts, ""
        self._take_advice()

    def advice(self, news: LoadNews) -> None:
        """What load the next set should have."""
        self._advice = news
        self._take_advice()

    def words(self, set_id: str, text: str) -> str:
        """A language model has words for counts and form. Why they are not taken; empty if they are.

        Advice on the load comes behind them in the words of the book.
        """
        facts = self.facts
        if facts is None or not set_id or facts.set_id != set_id:
            return "the words are of another set"
        problem = self._wording.guard.summary_problem(text, facts.without_load())
        if problem:
            return f"guard: {problem}"
        self._worded = text
        return ""

    def summary(self) -> Said:
        """The whole of it."""
        facts = self.facts
        if facts is None or facts.counted == 0:
            return Said(problem="no repetition was counted")
        said = self._of_book(facts, (*self._counts(facts), *self._form(facts), *self._load(facts)))
        if self._worded and not said.problem:
            text = " ".join((self._worded, *(sentence.say for sentence in self._load(facts))))
            return replace(said, text=text, words=Words.MODEL)
        return said

    def answer(self, topic: Question) -> Said:
        """What was asked for; all of it where nothing was measured about the topic."""
        facts = self.facts
        if facts is None or facts.counted == 0:
            return self.summary()
        about = {Question.COUNT: self._counts, Question.FIX: self._form, Question.LOAD: self._load}.get(topic)
        sentences = about(facts) if about is not None else ()
        return self._of_book(facts, sentences) if sentences else self.summary()

    def _of_book(self, facts: SummaryFacts, sentences: tuple[FixedSentence, ...]) -> Said:
        text = " ".join(sentence.say for sentence in sentences)
        problem = self._wording.guard.summary_problem(text, facts)
        if problem:
            return Said(problem=f"guard: {problem}")
        return Said(text, ", ".join(sentence.screen for sentence in sentences))

    def _take_advice(self) -> None:
        facts, news = self.facts, self._advice
        if facts is None or news is None or not news.set_id or news.set_id != facts.set_id:
            return
        heavier = news.call == LoadCall.HEAVIER
        open_risk = facts.theme is not None and facts.theme.severity >= Severity.RISK
        if heavier and (facts.stopped or open_risk):
            # What measured the load may not know what was seen; more of it would be wrong here.
            call, suggested = None, math.nan
        else:
            call, suggested = news.call, news.suggested_kg
        self.facts = replace(
            facts,
            load_advice="" if call is None else call.name.lower(),
            load_kg=facts.load_kg if math.isfinite(facts.load_kg) else news.load_kg,
            suggested_kg=suggested,
        )

    def _counts(self, facts: SummaryFacts) -> tuple[FixedSentence, ...]:
        book, words = self._wording.book, self._wording.book.summary
        numbers = [(words.counted, facts.counted)]
        numbers += [(words.not_counted, facts.not_counted)] if facts.not_counted else []
        return tuple(
            FixedSentence(say=book.number_sentence(sentence, n), screen=sentence.screen.format(n=n))
            for sentence, n in numbers
        )

    def _form(self, facts: SummaryFacts) -> tuple[FixedSentence, ...]:
        book, words = self._wording.book, self._wording.book.summary
        if facts.stopped:
            return (words.machine if facts.machine_fault else words.stopped,)
        said: list[FixedSentence] = []
        progress = book.corrections.get(facts.progress)
        if progress is not None:
            said.append(
                FixedSentence(
                    say=words.improved.say.format(praise=progress.praise[0]),
                    screen=words.improved.screen.format(cue=progress.screen),
                )
            )
        if facts.theme is not None:
            cue, problem = self._wording.correction(facts.theme)
            screen = book.corrections[facts.theme.correction].screen
            if not problem:
                next_set = FixedSentence(
                    say=words.next.say.format(cue=cue), screen=words.next.screen.format(cue=screen)
                )
                said.append(next_set)
        return tuple(said) or ((words.clean,) if facts.clean else ())

    def _load(self, facts: SummaryFacts) -> tuple[FixedSentence, ...]:
        book, words = self._wording.book, self._wording.book.summary
        by_advice = {
            "heavier": words.load_heavier,
            "lighter": words.load_lighter,
            "keep": words.load_keep,
            "stop": words.load_stop,
        }
        sentence = by_advice.get(facts.load_advice)
        if sentence is None or (facts.stopped and facts.load_advice == "keep"):
            return ()
        kilos = facts.suggested_kg
        if facts.load_advice not in ("heavier", "lighter") or not is_whole_load(kilos):
            return (sentence,)
        n = round(kilos)
        figure = FixedSentence(
            say=book.number_sentence(words.kilos, n), screen=words.kilos.screen.format(n=n)
        )
        return (sentence, figure)
