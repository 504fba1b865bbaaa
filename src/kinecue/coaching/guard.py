"""The check that every sentence passes before it is said, wherever it comes from.

It knows the measured fact and the phrase book's lists of words, and refuses what it cannot prove to be right:
a sentence names the body part, has a word of the right direction and none of the opposite, and consists of
words that the book knows. So there is no diagnosis, no promise and no order that the fact does not carry,
without a list of everything that could be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kinecue.coaching.facts import CueFact
from kinecue.coaching.phrasebook import MAX_WORDS, MIN_WORDS, Correction, PhraseBook
from kinecue.exercise.results import Side

_APOSTROPHES = "'\u2019"
_PUNCTUATION = frozenset(" ,.!?:-¡¿" + _APOSTROPHES)
_WORD = re.compile(rf"\d+|(?:[^\W\d_]|[{_APOSTROPHES}])+")
_SUMMARY_WORDS = 40
_LONGEST = 300
_GAP = ""
"""Stands for a removed expression, so that its neighbours do not join to another one."""


class Guard:
    """Checks sentences against facts with the word lists of one phrase book."""

    def __init__(self, book: PhraseBook) -> None:
        self._book = book
        self._moments = [_words(moment) for moment in book.moments]
        self._numbers = {tuple(_words(word)): n for n, word in enumerate(book.numbers, 1)}
        self._common = {word for entry in book.vocabulary for word in _words(entry)}
        self._known = {key: self._words_of(entry) for key, entry in book.corrections.items()}
        summary = book.summary
        numbered = (summary.counted, summary.not_counted)
        templates = [text for s in numbered for text in (s.one, s.many.format(n=""))]
        templates += [summary.clean.say, summary.next.say.format(cue="")]
        self._summary_words = {word for text in templates for word in _words(text)}

    def problem(self, sentence: str, fact: CueFact) -> str:
        """Why `sentence` must not be said about `fact`; empty if it may."""
        entry = self._book.corrections.get(fact.correction)
        if entry is None:
            return f"the phrase book has no correction {fact.correction}"
        if fact.body_part not in entry.parts:
            return f"{fact.correction} is not about {fact.body_part}, allowed: {', '.join(entry.parts)}"
        odd = self._odd_character(sentence)
        if odd:
            return odd
        words = _words(sentence)
        if not MIN_WORDS <= len(words) <= MAX_WORDS + 1:
            return f"has {len(words)} words, allowed: {MIN_WORDS} to {MAX_WORDS + 1}"
        rest, _ = _without(words, self._moments)
        return self._wrong_content(rest, entry, fact) or self._unknown_words(
            rest, self._known[fact.correction], fact.numbers
        )

    def summary_problem(self, sentence: str, numbers: Iterable[int], corrections: Iterable[str] = ()) -> str:
        """Why `sentence` must not be said after a set of which `numbers` were measured; empty if it may."""
        odd = self._odd_character(sentence)
        if odd:
            return odd
        words = _words(sentence)
        if not 1 <= len(words) <= _SUMMARY_WORDS:
            return f"has {len(words)} words, allowed: 1 to {_SUMMARY_WORDS}"
        known = self._summary_words.union(*(self._known.get(key, set()) for key in corrections))
        return self._unknown_words(words, known, frozenset(numbers))

    def book_problems(self, facts: Iterable[CueFact]) -> list[str]:
        """What speaks against the book's own sentences for `facts`: ``correction: sentence: problem``."""
        problems = []
        for fact in facts:
            entry = self._book.corrections.get(fact.correction)
            own = (*entry.variants(fact.side), *entry.praise, entry.screen) if entry else ("",)
            for sentence in own:
                problem = self.problem(sentence, fact)
                if problem:
                    problems.append(f"{fact.correction}: {sentence}: {problem}")
        return problems

    def _odd_character(self, sentence: str) -> str:
        if len(sentence) > _LONGEST:
            return f"has {len(sentence)} characters, allowed: {_LONGEST}"
        for char in sentence:
            if not (char in _PUNCTUATION or char in "0123456789" or char.lower() in self._book.alphabet):
                return f"has a character that is not of the language: {char!r}"
        return ""

    def _wrong_content(self, words: Sequence[str], entry: Correction, fact: CueFact) -> str:
        against = _found(words, entry.against)
        if against:
            return f"says the opposite: {against}"
        for side, names in ((Side.LEFT, self._book.left), (Side.RIGHT, self._book.right)):
            named = _found(words, names)
            if named and fact.side != side:
                return f"names the wrong side: {named}"
        without_part, named_part = _without(
            words, [_words(w) for p in entry.parts for w in self._book.parts[p]]
        )
        if not named_part:
            return f"does not name the {fact.body_part}"
        without_part, _ = _without(
            without_part, [_words(w) for p in entry.mentions for w in self._book.parts[p]]
        )
        other = _found(without_part, [word for part in self._book.parts.values() for word in part])
        if other:
            return f"names another body part: {other}"
        if not _found(words, entry.toward):
            return f"does not say the direction, allowed: {', '.join(entry.toward)}"
        return ""

    def _unknown_words(self, words: Sequence[str], known: set[str], numbers: frozenset[int]) -> str:
        longest_first = sorted(self._numbers, key=len, reverse=True)
        rest, number_words = _without(words, [list(number) for number in longest_first])
        said = {self._numbers[tuple(number)] for number in number_words}
        said |= {int(word) for word in rest if word.isdigit()}
        if said - numbers:
            return f"has a number that was not measured: {min(said - numbers)}"
        for word in rest:
            if not (word == _GAP or word.isdigit() or word in known or word in self._common):
                return f"has a word that the phrase book does not know: {word}"
        return ""

    def _words_of(self, entry: Correction) -> set[str]:
        parts = [word for part in (*entry.parts, *entry.mentions) for word in self._book.parts[part]]
        texts = (*parts, *entry.toward, *self._book.left, *self._book.right, *entry.phrases, entry.screen)
        return {word for text in texts for word in _words(text)}


def _words(text: str) -> list[str]:
    words = (word.strip(_APOSTROPHES) for word in _WORD.findall(text.casefold()))
    return [word for word in words if word]


def _without(words: Sequence[str], phrases: Iterable[Sequence[str]]) -> tuple[list[str], list[Sequence[str]]]:
    """`words` with a gap for every occurrence of `phrases`, and the phrases that occurred."""
    rest, found = list(words), []
    for phrase in phrases:
        size, at = len(phrase), 0
        while size and at + size <= len(rest):
            if rest[at : at + size] == list(phrase):
                rest[at : at + size] = [_GAP]
                found.append(phrase)
            at += 1
    return rest, found


def _found(words: Sequence[str], terms: Iterable[str]) -> str:
    """The first of `terms` (words or expressions) that occurs in `words`; empty if none does."""
    for term in terms:
        if _without(words, [_words(term)])[1]:
            return term
    return ""
