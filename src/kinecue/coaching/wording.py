"""From a fact to words: variants take turns, and each passes the guard before it is said."""

from __future__ import annotations

from kinecue.coaching.facts import CueFact
from kinecue.coaching.guard import Guard
from kinecue.coaching.phrasebook import PhraseBook, Stop


class Wording:
    """Words of one phrase book. No phrase is said twice in a row; the same calls give the same words."""

    def __init__(self, book: PhraseBook) -> None:
        self.book = book
        self.guard = Guard(book)
        self._next: dict[tuple[str, ...], int] = {}

    def correction(self, fact: CueFact) -> tuple[str, str]:
        """An order that corrects the fault, and the guard's objection if there are no words for it."""
        entry = self.book.corrections[fact.correction]
        return self._turn(entry.variants(fact.side), fact)

    def praise(self, fact: CueFact) -> tuple[str, str]:
        """A praise for having corrected the fault, or the guard's objection."""
        return self._turn(self.book.corrections[fact.correction].praise, fact)

    def screen(self, fact: CueFact) -> str:
        """The correction for a screen."""
        return self.book.corrections[fact.correction].screen

    def stop(self) -> str:
        """The order to end the set."""
        return self.order(self.book.stop)

    def order(self, words: Stop) -> str:
        """An order that is not about a fault."""
        return self._turn(words.say)[0]

    def _turn(self, variants: tuple[str, ...], fact: CueFact | None = None) -> tuple[str, str]:
        start = self._next.get(variants, 0)
        problem = ""
        for index in range(start, start + len(variants)):
            text = variants[index % len(variants)]
            problem = self.guard.problem(text, fact) if fact else ""
            if not problem:
                self._next[variants] = (index + 1) % len(variants)
                return text, ""
        return "", f"guard: {problem}"
