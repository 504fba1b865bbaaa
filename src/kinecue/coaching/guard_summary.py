"""The guard's check of what is said after a set: each number is that of what it counts, each claim was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kinecue.coaching.facts import SummaryFacts
from kinecue.coaching.guard_text import (
    BREAK,
    Expressions,
    Token,
    plain_words,
    repeated,
    single_words,
)
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.exercise.results import Side

LONGEST = 40
"""Words of a summary at most."""
CueProblem = Callable[[Sequence[str], str, Side, str], str]
"""Words, correction, side, kind: why the words are no cue."""

_COUNTS = ("counted", "not_counted", "every", "flaw", "load_units")
_LOADS = ("heavier", "lighter", "keep", "stop")
_CLAIMS = ("clean", "improved", "next", "machine", *_LOADS)
_PER_SPLIT = 6


@dataclass(frozen=True)
class _Allowed:
    """What may be said: numbers by what they count, claims, corrections."""

    numbers: dict[str, frozenset[float]]
    claims: frozenset[str]
    next: tuple[str, ...]
    improved: tuple[str, ...]


class SummaryCheck:
    """Checks summaries with the word lists of one phrase book."""

    def __init__(self, book: PhraseBook, cue_problem: CueProblem) -> None:
        """Takes the check of a cue, for the sentences that name a correction."""
        self._cue_problem = cue_problem
        words, own = book.guard.summary, book.summary
        patterns: dict[str, list[str]] = {
            kind: list(getattr(words, kind))
            for kind in (*_COUNTS, *_LOADS, "of", "clean", "improved", "next", "joins")
        }
        patterns["machine"] = []
        self._numbers = Expressions(book.number_words)
        known: list[str] = [*words.words, *book.guard.determiners, *book.guard.praise, *book.guard.past]
        fixed: dict[str, str] = {}
        for kind, sentence in (
            ("counted", own.counted),
            ("not_counted", own.not_counted),
            ("load_units", own.kilos),
        ):
            ahead, behind = (" ".join(plain_words(part)) for part in sentence.many.split("{n}"))
            known += ahead.split()
            patterns[kind].append(behind)
            fixed[" ".join(plain_words(sentence.one))] = kind
        for kind, text in (
            ("clean", own.clean.say),
            ("stop", own.stopped.say),
            ("machine", own.machine.say),
            ("heavier", own.load_heavier.say),
            ("lighter", own.load_lighter.say),
            ("keep", own.load_keep.say),
            ("stop", own.load_stop.say),
        ):
            patterns[kind].append(" ".join(plain_words(text)))
        for kind, text, name in (("next", own.next.say, "{cue}"), ("improved", own.improved.say, "{praise}")):
            ahead, behind = (" ".join(plain_words(part)) for part in text.split(name))
            patterns[kind] += [part for part in (ahead, behind) if part]
        by_kind = {f"one {kind}": [text] for text, kind in fixed.items()}
        entries = {kind: [text for text in texts if text] for kind, texts in patterns.items()}
        entries["neutral"] = [
            *book.guard.expressions,
            *(text for text in known if " " in text or "(" in text),
        ]
        self._expressions = Expressions({**by_kind, **entries})
        self._known = single_words(known)
        self._negations = Expressions({"negation": book.guard.negations})
        self._parts = Expressions({"part": [name for names in book.parts.values() for name in names]})

    def problem(self, words: Sequence[str], facts: SummaryFacts) -> str:
        """Why `words` must not be said about `facts`; empty if they may."""
        every = facts.counted + facts.not_counted
        said_load = facts.suggested_kg if math.isfinite(facts.suggested_kg) else facts.load_kg
        claims = {facts.load_advice} if facts.load_advice else set()
        claims |= {"clean"} if facts.clean else set()
        claims |= {"improved"} if facts.improved else set()
        claims |= {"stop"} if facts.stopped else set()
        theme = () if facts.theme is None or facts.stopped else (facts.theme.correction,)
        claims |= {"next"} if theme else set()
        claims |= {"machine"} if facts.machine_fault else set()
        numbers: dict[str, set[int] | set[float]] = {
            "counted": {facts.counted},
            "not_counted": {facts.not_counted},
            "every": {every},
            "flaw": {facts.theme_count} if facts.theme is not None else set(),
            "load_units": {said_load},
            "of": {every},
        }
        allowed = _Allowed(
            {kind: frozenset(float(value) for value in values) for kind, values in numbers.items()},
            frozenset(claims),
            theme,
            facts.improved,
        )
        return self._check(words, allowed)

    def problem_without_facts(
        self, words: Sequence[str], numbers: frozenset[int], corrections: tuple[str, ...]
    ) -> str:
        """Why `words` must not be said where only `numbers` and `corrections` are known."""
        anything = frozenset(map(float, numbers))
        claims = frozenset(("clean", "improved", "next", *_LOADS))
        return self._check(
            words, _Allowed(dict.fromkeys((*_COUNTS, "of"), anything), claims, corrections, corrections)
        )

    def _check(self, words: Sequence[str], allowed: _Allowed) -> str:
        count = sum(word != BREAK for word in words)
        if not 1 <= count <= LONGEST:
            return f"has {count} words, allowed: 1 to {LONGEST}"
        twice = _said_twice(clauses := _clauses(words))
        if twice:
            return f"says the same twice: {twice}"
        lead = ""
        for clause in clauses:
            problem, lead = self._clause(clause, lead, allowed)
            if problem:
                return problem
        return ""

    def _clause(
        self, words: Sequence[str], lead: str, allowed: _Allowed, splits: int = _PER_SPLIT
    ) -> tuple[str, str]:
        """Why a clause must not be said, and the lead ("next", "improved") under which the following stand."""
        problem, found = self._whole(words, lead, allowed)
        if not problem or not splits:
            return problem, found
        for at, word in enumerate(words):
            if self._expressions.kind_of(word) == "joins" and 0 < at < len(words) - 1:
                first, between = self._clause(words[:at], lead, allowed, 0)
                if not first:
                    second, last = self._clause(words[at + 1 :], between, allowed, splits - 1)
                    if not second:
                        return "", last
        return problem, found

    def _whole(self, words: Sequence[str], lead: str, allowed: _Allowed) -> tuple[str, str]:
        tokens = self._expressions.tokens(words)
        claims = {token.kind for token in tokens}
        if "next" in claims:
            lead = "next"
        if "improved" in claims:
            lead = "improved"
        for claim in _CLAIMS:
            if claim in claims and claim not in allowed.claims:
                said = next(token.text for token in tokens if token.kind == claim)
                return f"claims what was not measured: {said}", lead
        rest = [token.text if token.is_word else BREAK for token in tokens]
        if self._parts.first(rest):
            return self._correction(tokens, lead, allowed), lead
        return self._turned_round(rest) or self._wrong_number(tokens, allowed) or self._unknown(rest), lead

    def _correction(self, tokens: Sequence[Token], lead: str, allowed: _Allowed) -> str:
        """A clause about a body part is a cue for one of the corrections that its lead allows."""
        leads = ("next", "improved", "neutral", "joins")
        start = next((at for at, token in enumerate(tokens) if token.kind not in leads), 0)
        words = [word for token in tokens[start:] for word in token.text.split()]
        choices = {"next": allowed.next, "improved": allowed.improved}.get(
            lead, tuple(dict.fromkeys((*allowed.next, *allowed.improved)))
        )
        problem = "names a correction that the set does not call for"
        for key in choices:
            kind = "say" if key in allowed.next and lead != "improved" else "praise" if lead == "" else ""
            problem = self._cue_problem(words, key, Side.BOTH, kind)
            if not problem:
                return ""
        return problem

    def _turned_round(self, rest: Sequence[str]) -> str:
        negation = self._negations.first(rest)
        return f"turns it round: {negation}" if negation else ""

    def _wrong_number(self, tokens: Sequence[Token], allowed: _Allowed) -> str:
        numbered = self._with_numbers(tokens)
        places = [at for at, token in enumerate(numbered) if token.kind == "number"]
        for token in tokens:
            kind = token.kind.removeprefix("one ")
            if kind != token.kind and 1.0 not in allowed.numbers[kind]:
                return f"has a number that was not measured: {token.text}"
        for place, after in zip(places, [*places, len(numbered)][1:], strict=True):
            between = [token.kind for token in numbered[place + 1 : after]]
            kind = next((kind for kind in between if kind in _COUNTS), "")
            kind = "not_counted" if "not_counted" in between else kind
            if not kind and after < len(numbered) and "of" in between:
                kind = next((token.kind for token in numbered[after:] if token.kind in _COUNTS), "counted")
            if place and numbered[place - 1].kind == "of" and kind in ("counted", "not_counted", "every"):
                kind = "of"
            if not kind:
                return f"does not say what it counts: {numbered[place].text}"
            text = numbered[place].text
            if not text.isdigit() or float(text) not in allowed.numbers[kind]:
                return f"has a number that was not measured: {text}"
        return ""

    def _unknown(self, rest: Sequence[str]) -> str:
        for token in self._numbers.tokens(rest):
            if token.is_word and token.text not in self._known and not token.text[:1].isdigit():
                return f"has a word that the phrase book does not know: {token.text}"
        return ""

    def _with_numbers(self, tokens: Sequence[Token]) -> list[Token]:
        joined: list[Token] = []
        words: list[str] = []
        for token in (*tokens, Token(BREAK, "end")):
            if token.is_word:
                words.append(token.text)
                continue
            for found in self._numbers.tokens(words):
                is_number = bool(found.kind) or found.text[:1].isdigit()
                joined.append(Token(found.kind or found.text, "number") if is_number else found)
            words = []
            joined.append(token)
        return joined[:-1]


def _clauses(words: Iterable[str]) -> list[list[str]]:
    clauses: list[list[str]] = [[]]
    for word in words:
        if word == BREAK:
            clauses.append([])
        else:
            clauses[-1].append(word)
    return [clause for clause in clauses if clause]


def _said_twice(clauses: Sequence[Sequence[str]]) -> str:
    """The first clause that is said twice, or expression within one; empty if there is none."""
    for at, clause in enumerate(clauses):
        if clause in clauses[:at]:
            return " ".join(clause)
    return next(filter(None, map(repeated, clauses)), "")
