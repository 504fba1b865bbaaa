"""A thread in which a language model words what may be said, so that nothing that leads to a cue ever waits for it."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kinecue.coaching.facts import CueFact, SummaryFacts
from kinecue.coaching.guard import Guard
from kinecue.coaching.language.builtin import BuiltinModel
from kinecue.coaching.language.installation import installed, language_folder
from kinecue.coaching.language.model import ModelGoneError
from kinecue.coaching.language.openai_server import OpenAIServer
from kinecue.coaching.language.settings import LanguageSettings
from kinecue.coaching.language.wordsmith import Wordsmith
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.coaching.wording import WordedPhrase
from kinecue.nodes.base import yield_to_others


class Closable(Protocol):
    """What has to be let go of at the end."""

    def close(self) -> None:
        """Let go."""


@dataclass(frozen=True)
class SummaryWords:
    """Words for the summary of a set; `text` is empty if there are none."""

    set_id: str
    text: str


@dataclass(frozen=True)
class WordingFailed:
    """The wordsmith raised an error that it should not; it goes on with the next thing."""

    error: BaseException


Worded = WordedPhrase | SummaryWords | WordingFailed


class WordingThread:
    """Words what is wanted, one thing at a time: the summary of a set at once, phrases ahead of a set when nobody lifts.

    Every call returns at once. What was worded is fetched with `take`.

    Args:
        wordsmith: asks the model; used in the thread alone.
        model: closed at the end, which also ends a question that is being asked.
    """

    def __init__(self, wordsmith: Wordsmith, model: Closable) -> None:
        self._wordsmith = wordsmith
        self._model = model
        self._wanted = threading.Condition()
        self._facts: Sequence[CueFact] = ()
        self._summary: tuple[SummaryFacts, float] | None = None
        self._paused = False
        self._stopped = False
        self._doing = "nothing"
        self._worded: deque[Worded] = deque()
        self._thread = threading.Thread(target=self._run, name="wording", daemon=True)
        self._thread.start()

    @property
    def doing(self) -> str:
        """What the thread is at, in words."""
        return "paused" if self._paused and self._facts else self._doing

    @property
    def counts(self) -> Mapping[str, int]:
        """Replies asked for, taken, and refused by reason."""
        return self._wordsmith.counts

    def prepare(self, facts: Sequence[CueFact]) -> None:
        """Word these; what was wanted before is not any more."""
        with self._wanted:
            self._facts = facts
            self._wanted.notify()

    def pause(self, paused: bool) -> None:
        """Whether somebody lifts: then nothing is prepared."""
        if paused != self._paused:
            with self._wanted:
                self._paused = paused
                self._wanted.notify()

    def sum_up(self, facts: SummaryFacts, deadline_s: float) -> None:
        """Word a summary, before anything else; the newest one wins."""
        with self._wanted:
            self._summary = (facts, deadline_s)
            self._wanted.notify()

    def take(self) -> list[Worded]:
        """What was worded since the last call."""
        return [self._worded.popleft() for _ in range(len(self._worded))]

    def close(self, patience_s: float = 2.0) -> None:
        """End the thread and the model."""
        with self._wanted:
            self._stopped = True
            self._wanted.notify()
        self._model.close()
        self._thread.join(patience_s)

    def _run(self) -> None:
        yield_to_others()
        while True:
            with self._wanted:
                self._wanted.wait_for(self._has_work)
                if self._stopped:
                    return
                summary, self._summary = self._summary, None
                facts = self._facts
            try:
                if summary is not None:
                    self._sum_up(*summary)
                else:
                    self._prepare(facts)
            except Exception as error:
                self._worded.append(WordingFailed(error))
                with self._wanted:
                    self._facts = ()
            self._doing = "nothing"

    def _has_work(self) -> bool:
        return self._stopped or self._summary is not None or bool(self._facts and not self._paused)

    def _sum_up(self, facts: SummaryFacts, deadline_s: float) -> None:
        self._doing = "wording a summary"
        text = ""
        try:
            text = self._wordsmith.summary(facts, deadline_s) or ""
        finally:
            self._worded.append(SummaryWords(facts.set_id, text))

    def _prepare(self, facts: Sequence[CueFact]) -> None:
        self._doing = "preparing phrases"
        cancelled = self._cancels(facts)
        for phrase in self._wordsmith.prepare(facts, cancelled):
            self._worded.append(phrase)
            if cancelled():
                return
        with self._wanted:
            if self._facts is facts and not cancelled():
                self._facts = ()

    def _cancels(self, facts: Sequence[CueFact]) -> Callable[[], bool]:
        return lambda: self._stopped or self._paused or self._summary is not None or self._facts is not facts


def open_wordsmith(book: PhraseBook, settings: LanguageSettings) -> tuple[Wordsmith, Closable] | str:
    """A wordsmith and its model as the settings want them, or why there is none: then the phrase book speaks alone.

    Nothing is started or connected before the first question.

    Raises:
        ConfigError: the settings cannot be followed.
    """
    model: BuiltinModel | OpenAIServer
    if settings.model == "none":
        return "the settings want none"
    if settings.model == "server":
        model = OpenAIServer(settings.server)
    else:
        if book.language not in settings.builtin.languages:
            return f"the built-in model words no {book.language}"
        folder = language_folder()
        try:
            installed(folder)
        except ModelGoneError as error:
            return str(error)
        model = BuiltinModel(folder, idle_s=settings.builtin.idle_s or math.inf)
    wordsmith = Wordsmith(book, Guard(book), model, settings)
    if wordsmith.why_silent:
        model.close()
        return wordsmith.why_silent
    return wordsmith, model
