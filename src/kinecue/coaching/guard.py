"""The check that every sentence passes before it is said, wherever it comes from.

It knows the measured fact and the phrase book's lists of words, and refuses what it cannot prove to be right:
a sentence moves the right body part, has a word of the right direction and none of the opposite, nothing that turns
it round, and consists of words that the book knows. So there is no diagnosis, no promise and no order that the fact
does not carry, without a list of everything that could be wrong. What it knows of a language is in that language's
phrase book (`kinecue.coaching.guard_words`); nothing here is English.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kinecue.coaching.facts import CueFact, SummaryFacts, shown
from kinecue.coaching.guard_summary import SummaryCheck
from kinecue.coaching.guard_text import (
    BREAK,
    Expressions,
    Token,
    long_expressions,
    odd_character,
    plain_words,
    repeated,
    single_words,
    words_of,
)
from kinecue.coaching.guard_words import CorrectionWords
from kinecue.coaching.phrasebook import MAX_WORDS, MIN_WORDS, Correction, PhraseBook
from kinecue.exercise.results import Side

SAY, PRAISE = "say", "praise"
_LONGEST_CUE = 100
_LONGEST_SUMMARY = 300
_NEUTRAL, _TOWARD, _AGAINST, _NUMBER = "neutral", "toward", "against", "number"
_PLACING, _BOTH = "preposition", "both"


class Guard:
    """Checks sentences against facts with the word lists of one phrase book."""

    def __init__(self, book: PhraseBook) -> None:
        self._book = book
        words = book.guard
        self._longest = max(words.longest, MAX_WORDS + 1)
        self._numbers = Expressions(book.number_words)
        self._negations = Expressions({"negation": words.negations})
        self._sides = {
            Side.LEFT: Expressions({"side": book.left}),
            Side.RIGHT: Expressions({"side": book.right}),
        }
        self._part_words = {word: key for key, names in book.parts.items() for word in single_words(names)}
        self._both = Expressions({_BOTH: words.both})
        self._prepositions = single_words(words.prepositions)
        self._determiners = single_words(words.determiners)
        self._before_a_part = self._determiners | single_words(words.summary.joins)
        self._praise = Expressions({PRAISE: words.praise})
        self._past = Expressions({"past": words.past})
        self._homonyms = single_words(words.homonyms)
        common = (*words.fillers, *words.praise, *words.both, *book.vocabulary)
        self._common = single_words(common)
        neutral = (*book.moments, *words.moments, *words.expressions, *long_expressions(words.fillers))
        long_parts = {f"part {key}": long_expressions(names) for key, names in book.parts.items()}
        placing = {_PLACING: long_expressions(words.prepositions), _BOTH: long_expressions(words.both)}
        self._shared = Expressions({_NEUTRAL: neutral, **placing, **long_parts})
        self._rules = {key: _Rules(self, book, key) for key in book.corrections}
        self._summary = SummaryCheck(book, self._cue_problem)

    def problem(self, sentence: str, fact: CueFact, kind: str = "") -> str:
        """Why `sentence` must not be said about `fact`; empty if it may.

        Args:
            sentence: what somebody wants to have said.
            fact: what was measured.
            kind: ``say`` for an order that corrects, ``praise`` for having corrected it; empty allows both.
        """
        rules = self._rules.get(fact.correction)
        if rules is None:
            return f"the phrase book has no correction {fact.correction}"
        if fact.body_part not in rules.entry.parts:
            return f"{fact.correction} is not about {fact.body_part}, allowed: {', '.join(rules.entry.parts)}"
        odd = odd_character(sentence, self._book.alphabet, _LONGEST_CUE)
        if odd:
            return odd
        words = words_of(sentence)
        count = sum(word != BREAK for word in words)
        if not MIN_WORDS <= count <= self._longest:
            return f"has {count} words, allowed: {MIN_WORDS} to {self._longest}"
        return self._cue_problem(words, fact.correction, fact.side, kind, fact)

    def summary_problem(
        self, sentence: str, measured: SummaryFacts | Iterable[int], corrections: Iterable[str] = ()
    ) -> str:
        """Why `sentence` must not be said after a set; empty if it may.

        Args:
            sentence: what somebody wants to have said.
            measured: the facts of the set; each number has to be that of what it counts, and each claim (clean,
                better, heavier) one that was measured. Bare numbers, without facts, are for the book's own
                sentences: then a number may stand anywhere and claims are not checked.
            corrections: with bare numbers, the corrections that may be named.
        """
        odd = odd_character(sentence, self._book.alphabet, _LONGEST_SUMMARY)
        if odd:
            return odd
        if isinstance(measured, SummaryFacts):
            return self._summary.problem(words_of(sentence), measured)
        return self._summary.problem_without_facts(
            words_of(sentence), frozenset(measured), tuple(corrections)
        )

    def book_problems(self, facts: Iterable[CueFact]) -> list[str]:
        """What speaks against the book's own sentences for `facts`: ``correction: sentence: problem``."""
        problems = []
        for fact in facts:
            entry = self._book.corrections.get(fact.correction)
            own: list[tuple[str, str]] = [("", "")]
            if entry:
                own = [(text, SAY) for text in (*entry.variants(fact.side), entry.screen)]
                own += [(text, PRAISE) for text in entry.praise]
            for sentence, kind in own:
                problem = self.problem(sentence, fact, kind)
                if problem:
                    problems.append(f"{fact.correction}: {sentence}: {problem}")
        return problems

    def _cue_problem(
        self, words: Sequence[str], correction: str, side: Side, kind: str, fact: CueFact | None = None
    ) -> str:
        """Why `words` are no cue for `correction`; without a fact no number may be named."""
        rules = self._rules[correction]
        forbidden = rules.never.first(words) or rules.long_against.first(words)
        if forbidden:
            return f"says the opposite: {forbidden}"
        tokens = rules.expressions.tokens(words, self._shared)
        rest = [token.text if not token.kind else BREAK for token in tokens]
        return (
            self._turned_round(words, rest, rules)
            or self._wrong_side(words, rest, side, rules)
            or self._wrong_part(tokens, rules)
            or self._wrong_kind(words, tokens, kind, rules)
            or self._wrong_number(tokens, kind, fact)
            or self._unknown_word(tokens, rules, fact)
        )

    def _turned_round(self, words: Sequence[str], rest: Sequence[str], rules: _Rules) -> str:
        pairs = zip(rest, [*rest, BREAK][1:], strict=True)
        kept = [BREAK if pair in rules.own_pairs else pair[0] for pair in pairs]
        negation = self._negations.first([*kept, BREAK])
        if negation:
            return f"turns it round: {negation}"
        opposite = next((word for word in rest if word in rules.against), "")
        if opposite:
            return f"says the opposite: {opposite}"
        twice = repeated(words)
        return f"says the same twice: {twice}" if twice else ""

    def _wrong_side(self, words: Sequence[str], rest: Sequence[str], side: Side, rules: _Rules) -> str:
        for named, names in self._sides.items():
            found = names.first(rest)
            if found and side != named:
                return f"names the wrong side: {found}"
        if side in self._sides and rules.sided:
            both = self._both.first(words)
            if both:
                return f"names both sides instead of one: {both}"
        return ""

    def _wrong_part(self, tokens: Sequence[Token], rules: _Rules) -> str:
        own, placed, mentions = 0, 0, 0
        for at, token in enumerate(tokens):
            part = self._part_of(token, tokens[:at], rules)
            if not part:
                continue
            is_place = self._is_place(tokens, at)
            if part in rules.entry.parts:
                own += 1
                placed += is_place
            elif part not in rules.entry.mentions:
                return f"names another body part: {token.text}"
            elif not is_place:
                return f"moves another body part: {token.text}"
            else:
                mentions += 1
        if not own:
            return f"does not name the {rules.entry.parts[0]}"
        if mentions and own == placed:
            return "moves another body part towards the one that is to move"
        if not any(
            token.kind == _TOWARD or self._is_direction(tokens, at, rules) for at, token in enumerate(tokens)
        ):
            return f"does not say the direction, allowed: {', '.join(rules.entry.toward)}"
        return ""

    def _is_direction(self, tokens: Sequence[Token], at: int, rules: _Rules) -> bool:
        token = tokens[at]
        if token.kind not in ("", _PLACING) or rules.toward.isdisjoint(token.text.split()):
            return False
        return token.text not in self._homonyms or not self._part_of(token, tokens[:at], rules)

    def _part_of(self, token: Token, before: Sequence[Token], rules: _Rules) -> str:
        """Key of the body part that `token` names; empty if it names none."""
        if token.kind.startswith("part "):
            return token.kind.removeprefix("part ")
        part = self._part_words.get(token.text, "") if token.is_word else ""
        if token.text in self._homonyms and part not in rules.entry.parts:
            return part if before and before[-1].text in self._before_a_part else ""
        return part

    def _is_place(self, tokens: Sequence[Token], at: int) -> bool:
        """Whether the body part stands behind a preposition."""
        for token in reversed(tokens[:at]):
            if token.kind == _BOTH or (token.is_word and token.text in self._determiners):
                continue
            return token.kind == _PLACING or token.text.split()[-1] in self._prepositions
        return False

    def _wrong_kind(self, words: Sequence[str], tokens: Sequence[Token], kind: str, rules: _Rules) -> str:
        told = [word for token in tokens if token.kind != _NEUTRAL for word in token.text.split()]
        past = self._past.first(told)
        claim = past or next((word for word in told if word in rules.claims), "")
        if kind == SAY and claim and claim not in rules.said:
            return f"says how it was, not what to do: {claim}"
        if kind == PRAISE and not past and not self._praise.first(words):
            return "has no word of praise"
        return ""

    def _wrong_number(self, tokens: Sequence[Token], kind: str, fact: CueFact | None) -> str:
        allowed, unit = _numbers_of(fact)
        units = single_words(self._book.guard.units.get(unit, ()))
        numbered = self._with_numbers(tokens)
        for token, following in zip(numbered, [*numbered, Token(BREAK)][1:], strict=True):
            if token.kind != _NUMBER:
                continue
            if not (token.text.isdigit() and int(token.text) in allowed):
                return f"has a number that was not measured: {token.text}"
            if following.kind == _NUMBER:
                return f"has two numbers in a row: {token.text} {following.text}"
            if kind and following.text not in units:
                return f"does not say the unit of {token.text}, allowed: {', '.join(sorted(units))}"
        return ""

    def _unknown_word(self, tokens: Sequence[Token], rules: _Rules, fact: CueFact | None) -> str:
        units = single_words(self._book.guard.units.get(_numbers_of(fact)[1], ()))
        before = Token(BREAK)
        for token in self._with_numbers(tokens):
            known = not token.is_word or token.text in rules.known
            if not known and not (before.kind == _NUMBER and token.text in units):
                return f"has a word that the phrase book does not know: {token.text}"
            before = token
        return ""

    def _with_numbers(self, tokens: Sequence[Token]) -> list[Token]:
        """`tokens` with the words of each number joined to one token of digits."""
        joined: list[Token] = []
        words: list[str] = []
        for token in (*tokens, Token(BREAK, "end")):
            if token.is_word:
                words.append(token.text)
                continue
            for found in self._numbers.tokens(words):
                is_number = bool(found.kind) or found.text[:1].isdigit()
                joined.append(Token(found.kind or found.text, _NUMBER) if is_number else found)
            words = []
            joined.append(token)
        return joined[:-1]


class _Rules:
    """What the guard needs for one correction, ready for use."""

    def __init__(self, guard: Guard, book: PhraseBook, key: str) -> None:
        self.entry: Correction = book.corrections[key]
        extra = book.guard.corrections.get(key, CorrectionWords())
        own = [plain_words(text) for text in (*self.entry.phrases, self.entry.screen)]
        toward = (*self.entry.toward, *extra.toward)
        against = (*self.entry.against, *extra.against)
        self.toward, self.against = single_words(toward), single_words(against)
        self.sided = self.entry.say_left is not None
        self.never = Expressions({_AGAINST: extra.never})
        self.long_against = Expressions({_AGAINST: long_expressions(against)})
        orders = (
            *self.entry.say,
            *(self.entry.say_left or ()),
            *(self.entry.say_right or ()),
            self.entry.screen,
        )
        self.said = {word for text in orders for word in plain_words(text)} | single_words(extra.words)
        own_long = {_TOWARD: long_expressions(toward), _NEUTRAL: long_expressions(extra.words)}
        self.expressions = Expressions(own_long)
        names = [name for part in (*self.entry.parts, *self.entry.mentions) for name in book.parts[part]]
        self.known = {word for text in (*own, *map(plain_words, names)) for word in text}
        general = guard._common | self.said | self.toward | single_words((*book.left, *book.right, *names))
        self.known |= general
        self.claims = {word for text in self.entry.praise for word in plain_words(text)} - general
        negations = {word for text in own for word in text if guard._negations.first([word])}
        self.own_pairs = {pair for text in own for pair in zip(text, [*text, BREAK][1:], strict=True)}
        self.own_pairs = {pair for pair in self.own_pairs if pair[0] in negations}


def _numbers_of(fact: CueFact | None) -> tuple[frozenset[int], str]:
    """The numbers that may be named about `fact`, and the unit in which it was measured; none if it has none."""
    if fact is None:
        return frozenset(), ""
    try:
        return fact.numbers, shown(fact.limit, fact.unit)[1]
    except (ValueError, OverflowError):
        return frozenset(), ""
