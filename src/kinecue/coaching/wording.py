"""From a fact to words: variants take turns, and each passes the guard before it is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from kinecue.coaching.facts import Change, CueFact
from kinecue.coaching.guard import Guard
from kinecue.coaching.phrasebook import Announcement, Correction, PhraseBook
from kinecue.exercise.results import Phase, Severity, Side

MOST_LEARNED = 6
"""Learned phrases for the same thing: more would only take longer to synthesise before a set."""


class WordedKind(str, Enum):
    """What a learned phrase is for."""

    SAY = "say"
    PRAISE = "praise"


@dataclass(frozen=True)
class WordedPhrase:
    """A phrase from elsewhere, such as a language model.

    Attributes:
        correction: key of the phrase book.
        side: `LEFT` and `RIGHT` for faults of that side only, else for both.
        kind: "say" or "praise".
        text: what would be said.
    """

    correction: str
    side: Side
    kind: str
    text: str


class Wording:
    """Words of one phrase book, and what was learned. No phrase is said twice in a row as long as there is another one.

    The same calls give the same words.
    """

    def __init__(self, book: PhraseBook) -> None:
        self.book = book
        self.guard = Guard(book)
        self._next: dict[str, int] = {}
        self._last: dict[str, str] = {}
        self._learned: dict[tuple[str, Side, WordedKind], tuple[str, ...]] = {}

    def correction(self, fact: CueFact) -> tuple[str, str]:
        """An order that corrects the fault, and the guard's objection if there are no words for it.

        A danger is warned of in the words of the book alone.
        """
        own = self.book.corrections[fact.correction].variants(fact.side)
        danger = fact.severity == Severity.DANGER
        variants = own if danger else self._variants(fact, WordedKind.SAY)
        return self._turn("/".join(own), variants, fact, WordedKind.SAY)

    def praise(self, fact: CueFact) -> tuple[str, str]:
        """A praise for having corrected the fault, or the guard's objection."""
        praises = self._variants(fact, WordedKind.PRAISE)
        return self._turn(f"{fact.correction}/praise", praises, fact, WordedKind.PRAISE)

    def screen(self, fact: CueFact) -> str:
        """The correction for a screen."""
        return self.book.corrections[fact.correction].screen

    def stop(self) -> str:
        """The order to end the set."""
        return self.order(self.book.stop)

    def order(self, words: Announcement) -> str:
        """Something that is not about a fault."""
        return self._turn("/".join(words.say), words.say)[0]

    def learn(self, phrases: Iterable[WordedPhrase]) -> list[str]:
        """Take further phrases for corrections of the book, as far as the guard has nothing against them.

        They take turns with the book's own, and meet the guard again with the fact of the moment before they are said.

        Returns:
            what was not taken: ``correction: text: reason``.
        """
        refused = []
        for phrase in phrases:
            problem = self._why_not_learned(phrase)
            if problem:
                refused.append(f"{phrase.correction}: {phrase.text}: {problem}")
                continue
            key = (phrase.correction, _side(phrase.side), WordedKind(phrase.kind))
            self._learned[key] = (*self._learned.get(key, ()), phrase.text)
        return refused

    def forget(self) -> None:
        """Forget what was learned."""
        self._learned.clear()

    def is_learned(self, text: str) -> bool:
        """Whether `text` is a learned phrase, word for word."""
        return any(text in texts for texts in self._learned.values())

    def phrases(self, corrections: Iterable[str], count_to: int = 0) -> tuple[str, ...]:
        """Every sentence that may be said during a set, the learned ones last, to synthesise ahead."""
        wanted = tuple(dict.fromkeys(corrections))
        learned = [
            text
            for (key, _, _), texts in sorted(self._learned.items(), key=str)
            if key in wanted
            for text in texts
        ]
        return tuple(dict.fromkeys((*self.book.cue_phrases(wanted, count_to), *learned)))

    def _why_not_learned(self, phrase: WordedPhrase) -> str:
        entry = self.book.corrections.get(phrase.correction)
        if entry is None:
            return "the phrase book has no such correction"
        if phrase.kind not in {kind.value for kind in WordedKind}:
            return f"is no kind of phrase, allowed: {', '.join(kind.value for kind in WordedKind)}"
        if any(char.isdigit() for char in phrase.text):
            return "has a number, which differs from one fault to the next"
        known = [*entry.phrases, *self._learned_for(phrase.correction)]
        if _bare(phrase.text) in {_bare(text) for text in known}:
            return "is known"
        key = (phrase.correction, _side(phrase.side), WordedKind(phrase.kind))
        if len(self._learned.get(key, ())) >= MOST_LEARNED:
            return f"enough phrases were learned for this, {MOST_LEARNED}"
        problems = [self.guard.problem(phrase.text, fact, phrase.kind) for fact in _facts(phrase, entry)]
        return "" if "" in problems else problems[0]

    def _learned_for(self, correction: str) -> list[str]:
        return [text for (key, _, _), texts in self._learned.items() if key == correction for text in texts]

    def _variants(self, fact: CueFact, kind: WordedKind) -> tuple[str, ...]:
        entry, side = self.book.corrections[fact.correction], _side(fact.side)
        own = entry.praise if kind == WordedKind.PRAISE else entry.variants(fact.side)
        general = own is entry.say or kind == WordedKind.PRAISE
        sides = dict.fromkeys((side, Side.BOTH) if general else (side,))
        learned = [self._learned.get((fact.correction, one, kind), ()) for one in sides]
        return tuple(dict.fromkeys((*own, *(text for texts in learned for text in texts))))

    def _turn(
        self,
        subject: str,
        variants: tuple[str, ...],
        fact: CueFact | None = None,
        kind: WordedKind = WordedKind.SAY,
    ) -> tuple[str, str]:
        start, problem = self._next.get(subject, 0), ""
        turns = [variants[(start + offset) % len(variants)] for offset in range(len(variants))]
        for text in sorted(turns, key=lambda one: one == self._last.get(subject)):
            problem = self.guard.problem(text, fact, kind.value) if fact else ""
            if not problem:
                self._next[subject] = (variants.index(text) + 1) % len(variants)
                self._last[subject] = text
                return text, ""
        return "", f"guard: {problem}"


def _side(side: Side) -> Side:
    return side if side in (Side.LEFT, Side.RIGHT) else Side.BOTH


def _bare(text: str) -> str:
    """Letters only: what sounds the same."""
    return "".join(char for char in text.casefold() if char.isalnum())


def _facts(phrase: WordedPhrase, entry: Correction) -> list[CueFact]:
    """Facts, one for each body part, about which `phrase` might be said."""
    return [
        CueFact(
            exercise="any",
            fault="any",
            correction=phrase.correction,
            body_part=part,
            feature="any",
            phase=Phase.TOP,
            side=_side(phrase.side),
            repetition=1,
            measured=0.0,
            std=0.0,
            limit=0.0,
            unit="1",
            change=Change.MORE,
            severity=Severity.RISK,
            magnitude=1.0,
        )
        for part in entry.parts
    ]
