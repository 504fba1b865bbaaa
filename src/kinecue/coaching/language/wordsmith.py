"""Words corrections ahead of the set, and summaries after it, through any language model.

The model is asked to word a sentence of the phrase book in another way. What it replies is a suggestion: it joins
the phrases only if the guard finds it right, the rules and the model itself find it fluent, and it is new. Every
refusal is counted by its reason. No fault of the model reaches the caller: without it there are fewer phrases.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from kinecue.coaching.facts import CueFact, SummaryFacts
from kinecue.coaching.guard import Guard
from kinecue.coaching.guard_words import expanded
from kinecue.coaching.language.fluency import Fluency
from kinecue.coaching.language.model import (
    LanguageModel,
    ModelError,
    ModelGoneError,
    ModelTimeoutError,
)
from kinecue.coaching.language.prompts import PromptBook, Prompter, find_prompts, plain_fact
from kinecue.coaching.language.settings import LanguageSettings
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.coaching.wording import WordedKind, WordedPhrase
from kinecue.exercise.results import Severity, Side

_KEPT_REFUSALS = 200
_CLAUSES = re.compile(r"[.!?;:,]+")
_QUOTES = "\"'\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019"
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'"})


@dataclass(frozen=True)
class Refusal:
    """A reply that was not taken: about what, its text, and why."""

    subject: str
    text: str
    reason: str


@dataclass
class _Task:
    """Phrases wanted for one thing."""

    fact: CueFact
    kind: WordedKind
    sources: tuple[str, ...]
    tried: int = 0
    taken: list[str] = field(default_factory=list)

    @property
    def subject(self) -> str:
        return f"{self.fact.correction}/{self.fact.side.name.lower()}/{self.kind.value}"

    def phrase(self, text: str) -> WordedPhrase:
        return WordedPhrase(self.fact.correction, self.fact.side, self.kind.value, text)


class Wordsmith:
    """Asks one model in one language and style. One caller at a time.

    Args:
        book: the sentences to word, in the language.
        guard: of that book.
        model: None = nothing is worded.
        settings: style, and how hard to try.
        prompts: None = those shipped for the language, if there are any.

    Raises:
        ConfigError: the prompts have no such style, or are wrong.
    """

    def __init__(
        self,
        book: PhraseBook,
        guard: Guard,
        model: LanguageModel | None,
        settings: LanguageSettings,
        prompts: PromptBook | None = None,
    ) -> None:
        self._book = book
        self._guard = guard
        self._model = model
        self._settings = settings
        self._counts: Counter[str] = Counter()
        self._tasks: dict[tuple[str, Side, WordedKind], _Task] = {}
        self.refusals: deque[Refusal] = deque(maxlen=_KEPT_REFUSALS)
        """The latest, for engineers."""
        self.why_silent = "there is no language model" if model is None else ""
        """Why nothing will be worded; empty if something may be."""
        prompts = prompts or (find_prompts(book.language) if model is not None else None)
        if prompts is None:
            self.why_silent = self.why_silent or f"there are no prompts for {book.language}"
            return
        style = settings.style_for(book.language)
        self._prompter = Prompter(book, prompts, style)
        self._fluency = Fluency(book, prompts, style)
        patterns = (*book.moments, *book.guard.moments)
        self._moments = frozenset(" ".join(_words(one)) for pattern in patterns for one in expanded(pattern))

    @property
    def counts(self) -> Mapping[str, int]:
        """Replies asked for, taken, and refused or missing by reason, since the beginning."""
        return dict(self._counts)

    def prepare(self, facts: Sequence[CueFact], cancelled: Callable[[], bool]) -> Iterator[WordedPhrase]:
        """New phrases for the corrections of `facts` and their praise, as they come.

        One for each thing first, then a second one, and so on. What was worded in an earlier call is given again, and
        what was tried is not tried again, so that a preparation that was cancelled goes on where it was. Dangers
        are left out: their words are those of the book. Ends early when the model fails several times in a row.

        Args:
            facts: of the exercise's faults; only correction, body part, side and severity are used.
            cancelled: asked before each question to the model.
        """
        model = self._model
        if model is None or self.why_silent:
            return
        tasks = self._tasks_for(facts)
        for task in tasks:
            yield from map(task.phrase, task.taken)
        wanted = [task for task in tasks if self._is_open(task, self._settings.tries - 1)]
        if wanted and not cancelled():
            self._read_ahead(model)
        failures = 0
        for attempt in range(self._settings.tries):
            for task in tasks:
                if not self._is_open(task, attempt):
                    continue
                if cancelled():
                    return
                try:
                    text = self._worded(model, task)
                except ModelError as error:
                    self._failed(task.subject, error)
                    failures += 1
                    if failures >= self._settings.give_up_after:
                        return
                    continue
                failures = 0
                task.tried += 1
                if text:
                    task.taken.append(text)
                    yield task.phrase(text)

    def summary(self, facts: SummaryFacts, deadline_s: float) -> str | None:
        """What to say about counts and form of a set; None if the phrase book had better say it.

        Args:
            facts: advice on the load in them is not used.
            deadline_s: seconds from now within which this returns.
        """
        model = self._model
        if model is None or self.why_silent or facts.counted < 1 or facts.machine_fault:
            return None
        measured = facts.without_load()
        self._counts["asked"] += 1
        try:
            text = tidied(model.complete(self._prompter.summary(measured), deadline_s))
        except ModelError as error:
            self._failed("summary", error)
            return None
        text = text if text.endswith((".", "!", "?")) else f"{text}."
        reason = self._why_no_summary(text, measured)
        return None if self._refused("summary", text, reason) else text

    def _tasks_for(self, facts: Sequence[CueFact]) -> list[_Task]:
        tasks: dict[tuple[str, Side, WordedKind], _Task] = {}
        for fact in facts:
            entry = self._book.corrections.get(fact.correction)
            if entry is None or fact.severity == Severity.DANGER or fact.body_part not in entry.parts:
                continue
            side = fact.side if fact.side in (Side.LEFT, Side.RIGHT) else Side.BOTH
            # Praise has no sided variants in a book.
            for kind, sources, one in (
                (WordedKind.SAY, entry.variants(side), side),
                (WordedKind.PRAISE, entry.praise, Side.BOTH),
            ):
                key = (fact.correction, one, kind)
                plain = plain_fact(self._book, fact.correction, one, fact.body_part)
                tasks[key] = self._tasks.setdefault(key, _Task(plain, kind, sources))
        return list(tasks.values())

    def _is_open(self, task: _Task, attempt: int) -> bool:
        return len(task.taken) < self._settings.variants and task.tried <= attempt

    def _read_ahead(self, model: LanguageModel) -> None:
        """Let the model read how it will be asked for a summary, whose deadline is short; models keep what they read."""
        prompt = self._prompter.summary(SummaryFacts(set_id="none", exercise="none", counted=1))
        # Whatever it answers with its one word, or fails to: the questions that follow will show.
        with suppress(ModelError):
            model.complete(replace(prompt, max_tokens=1), self._settings.reply_s)

    def _worded(self, model: LanguageModel, task: _Task) -> str:
        """Other words for the thing; empty if the reply was refused."""
        turn, size = task.tried, len(task.sources)
        source = task.sources[turn % size]
        # The likeliest reply to each sentence of the book first; asked again, only chance brings another one.
        temperature = 0.0 if turn < size else self._settings.temperature
        prompt = self._prompter.cue(source, task.kind, temperature, seed=turn)
        self._counts["asked"] += 1
        text = tidied(model.complete(prompt, self._settings.reply_s)).rstrip(" .!,;:")
        reason = self._why_not(task, source, text) or self._why_unlikely(model, text)
        return "" if self._refused(task.subject, text, reason) else text

    def _why_not(self, task: _Task, source: str, text: str) -> str:
        """Why a reply is not taken: ``kind of reason: details``."""
        if any(char.isdigit() for char in text):
            return "number: differs from one fault to the next"
        problem = self._guard.problem(text, task.fact, task.kind.value)
        if problem:
            return f"guard: {problem}"
        if self._is_known(task, text):
            return "known: said already"
        if self._names_side(source, task.fact.side) and not self._names_side(text, task.fact.side):
            return "side: is left out"
        if self._moment(text) and not self._moment(source):
            return f"moment: nobody told when, but it says: {self._moment(text)}"
        clauses = [clause for clause in _CLAUSES.split(text) if clause.strip()]
        if len(clauses) > 1 and all(self._guard.problem(clause.strip(), task.fact, "") for clause in clauses):
            return "torn: no part of it says the whole correction"
        directions = {word.casefold() for word in self._book.corrections[task.fact.correction].toward}
        if any(len(words) == 1 and words[0] in directions for words in map(_words, clauses)):
            return "torn: a direction stands alone"
        return _labelled("fluency", self._fluency.problem(text))

    def _why_unlikely(self, model: LanguageModel, text: str) -> str:
        if not self._settings.judge_fluency:
            return ""
        return _labelled("likelihood", self._fluency.unlikely(model, text, self._settings.reply_s))

    def _why_no_summary(self, text: str, facts: SummaryFacts) -> str:
        problem = self._guard.summary_problem(text, facts)
        if problem:
            return f"guard: {problem}"
        for n in (facts.counted, facts.not_counted):
            if n and not self._names_number(text, n):
                return f"number: {n} is left out"
        theme = facts.theme
        if theme is not None and theme.correction in facts.corrections:
            clauses = [clause.strip() for clause in _CLAUSES.split(text)]
            if all(self._guard.problem(clause, theme, WordedKind.SAY.value) for clause in clauses):
                return "theme: what to work on is left out"
        return _labelled("fluency", self._fluency.problem_of_sentences(text))

    def _names_number(self, text: str, n: int) -> bool:
        words = self._book.summary
        names = [str(n), *self._book.number_words.get(str(n), ())]
        if n == 1:
            # "Eine Wiederholung" where one counts "eins".
            names += [_words(sentence.one)[0] for sentence in (words.counted, words.not_counted)]
        said = f" {' '.join(_words(text))} "
        return any(f" {' '.join(_words(name))} " in said for name in names)

    def _names_side(self, text: str, side: Side) -> bool:
        names = {Side.LEFT: self._book.left, Side.RIGHT: self._book.right}.get(side, ())
        words = set(_words(text))
        return any(name.casefold() in words for name in names)

    def _moment(self, text: str) -> str:
        """The moment of a repetition that `text` names, if any."""
        said = f" {' '.join(_words(text))} "
        return min((moment for moment in self._moments if f" {moment} " in said), default="")

    def _is_known(self, task: _Task, text: str) -> bool:
        key = task.fact.correction
        others = [
            one for other in self._tasks.values() if other.fact.correction == key for one in other.taken
        ]
        return _bare(text) in {_bare(one) for one in (*self._book.corrections[key].phrases, *others)}

    def _refused(self, subject: str, text: str, reason: str) -> bool:
        if not reason:
            self._counts["taken"] += 1
            return False
        self._counts[_category(reason)] += 1
        self.refusals.append(Refusal(subject, text, reason))
        return True

    def _failed(self, subject: str, error: ModelError) -> None:
        missing = {ModelTimeoutError: "model: too slow", ModelGoneError: "model: gone"}
        self._counts[missing.get(type(error), "model: error")] += 1
        self.refusals.append(Refusal(subject, "", str(error)))


def tidied(text: str) -> str:
    """A reply as it would be written: one line, composed letters, no quotes around it, a capital to begin with."""
    line = " ".join(unicodedata.normalize("NFC", text).translate(_APOSTROPHES).split())
    while len(line) > 1 and line[0] in _QUOTES and line[-1] in _QUOTES:
        line = line[1:-1].strip()
    return line[:1].upper() + line[1:]


def _category(reason: str) -> str:
    """A reason without what differs from reply to reply."""
    kind, _, details = reason.partition(":")
    return f"{kind}: {' '.join(details.split(':')[0].split()[:3])}" if kind == "guard" else kind


def _labelled(kind: str, problem: str) -> str:
    return f"{kind}: {problem}" if problem else ""


def _words(text: str) -> list[str]:
    return re.findall(r"\d+|[^\W\d_]+(?:'[^\W\d_]+)*", text.translate(_APOSTROPHES).casefold())


def _bare(text: str) -> str:
    """Letters only: what sounds the same."""
    return "".join(char for char in text.casefold() if char.isalnum())
