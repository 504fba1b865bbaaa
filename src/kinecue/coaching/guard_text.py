"""What the guard reads: a sentence as words, with fixed expressions found in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kinecue.coaching.guard_words import expanded

BREAK = "|"
"""A word that stands for punctuation, so that no expression is found across it."""
_APOSTROPHES = "'\u2019"
_STOPS = ",.!:;\u2013\u2014"
_ALLOWED = frozenset(" -0123456789\u00a1" + _STOPS + _APOSTROPHES)
_LETTER = r"[^\W\d_]"
_WORD = re.compile(rf"\d+(?:[.,]\d+)*|{_LETTER}+(?:[{_APOSTROPHES}]{_LETTER}+)*|[{_STOPS}]| - ")
_MARKUP = re.compile(
    rf"^[^\w\u00a1]|[{_STOPS}-]\s*[{_STOPS}-]|(?<!{_LETTER})[{_APOSTROPHES}]|[{_APOSTROPHES}](?!{_LETTER})"
    rf"|\d\s?-|-\s?\d|\d{_LETTER}|{_LETTER}\d|-$|(?<=\S)\u00a1|\u00a1(?!\w)"
)


@dataclass(frozen=True)
class Token:
    """A word, or an expression that was found.

    Attributes:
        text: the word or words.
        kind: what the expression is for; empty for a word that belongs to none.
    """

    text: str
    kind: str = ""

    @property
    def is_word(self) -> bool:
        """A word of its own, no expression and no punctuation."""
        return not self.kind and self.text != BREAK


def odd_character(sentence: str, alphabet: str, longest: int) -> str:
    """What is wrong with the characters of `sentence`, whose length is limited to `longest`; empty if nothing."""
    if len(sentence) > longest:
        return f"has {len(sentence)} characters, allowed: {longest}"
    letters = _letters(alphabet)
    for char in sentence:
        if char not in _ALLOWED and char not in letters:
            return f"has a character that is not of the language: {char!r}"
    found = _MARKUP.search(sentence.strip(" "))
    return f"has punctuation that is no sentence's: {found.group()!r}" if found else ""


@lru_cache(maxsize=64)
def _letters(alphabet: str) -> frozenset[str]:
    """Both cases, as far as a capital is one letter; nothing that only turns into a letter in lower case."""
    return frozenset(alphabet) | {char.upper() for char in alphabet if len(char.upper()) == 1}


def words_of(text: str) -> list[str]:
    """The words of `text` in lower case, with `BREAK` for punctuation inside; ``'`` is the only apostrophe."""
    words = _WORD.findall(text.casefold().replace("\u2019", "'"))
    marked = [BREAK if word in _STOPS or word == " - " else word for word in words]
    while marked and marked[-1] == BREAK:
        marked.pop()
    return marked


def plain_words(text: str) -> list[str]:
    """The words of `text` without punctuation."""
    return [word for word in words_of(text) if word != BREAK]


class Expressions:
    """Words and expressions, each with a kind; the longest that fits counts."""

    def __init__(self, patterns: Mapping[str, Iterable[str]]) -> None:
        """Takes patterns (see `kinecue.coaching.guard_words`) by kind; of equal ones the first kind counts."""
        self._kinds: dict[tuple[str, ...], str] = {}
        self._lengths: dict[str, list[int]] = {}
        for kind, entries in patterns.items():
            for entry in entries:
                for text in expanded(entry):
                    ending = (BREAK,) if text.endswith(",") else ()
                    self._add((*plain_words(text), *ending), kind)

    def _add(self, words: tuple[str, ...], kind: str) -> None:
        if words and words[0] != BREAK and words not in self._kinds:
            self._kinds[words] = kind
            lengths = self._lengths.setdefault(words[0], [])
            if len(words) not in lengths:
                lengths.append(len(words))
                lengths.sort(reverse=True)

    def tokens(self, words: Sequence[str], shared: Expressions | None = None) -> list[Token]:
        """`words` from left to right, expressions (also of `shared`) joined to one token each."""
        tokens, at = [], 0
        while at < len(words):
            size, kind = self._at(words, at)
            if shared is not None:
                other_size, other_kind = shared._at(words, at)
                if other_size > size or not kind:
                    size, kind = other_size, other_kind
            tokens.append(Token(" ".join(words[at : at + size]), kind))
            at += size
        return tokens

    def first(self, words: Sequence[str]) -> str:
        """The first expression that occurs in `words`; empty if none does."""
        for at in range(len(words)):
            size, kind = self._at(words, at)
            if kind:
                return " ".join(words[at : at + size])
        return ""

    def kind_of(self, word: str) -> str:
        """The kind of an expression that is one word; empty if it is none."""
        return self._kinds.get((word,), "")

    def _at(self, words: Sequence[str], at: int) -> tuple[int, str]:
        for size in self._lengths.get(words[at], ()):
            found = tuple(words[at : at + size])
            if found in self._kinds:
                return len(found), self._kinds[found]
        return 1, ""


def repeated(words: Iterable[str]) -> str:
    """The first word that is said twice in a row, or pair of words that is said twice; empty if there is none."""
    pairs: set[tuple[str, str]] = set()
    for pair in itertools.pairwise(word for word in words if word != BREAK):
        if pair[0] == pair[1] or pair in pairs:
            return " ".join(pair)
        pairs.add(pair)
    return ""


def single_words(patterns: Iterable[str]) -> set[str]:
    """The expressions of one word among `patterns`."""
    expressions = (plain_words(text) for pattern in patterns for text in expanded(pattern))
    return {words[0] for words in expressions if len(words) == 1}


def long_expressions(patterns: Iterable[str]) -> list[str]:
    """The expressions of several words among `patterns`."""
    return [text for pattern in patterns for text in expanded(pattern) if len(plain_words(text)) > 1]
