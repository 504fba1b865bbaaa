"""What the guard must know about a language: the section ``guard:`` of a phrase book.

The guard refuses every word that the book does not have. So these lists say what a sentence *may* hold beside the
words of its correction, and there is no list of what is dangerous: a diagnosis, a promise or an order of another
kind consists of words that nobody put here. Two kinds of words need a list of their own because they turn a
sentence round although each word of it is known: negations, and prepositions (which of two body parts moves).

Patterns: an entry may have several words, and alternatives in brackets, ``on (the|your|) way (up|down)``; an empty
alternative means that it may be missing. A comma at the end stands for any punctuation, or the end of the sentence.
Everything is lower case. Brackets do not nest.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from kinecue.coaching.files import StrictModel

_MOST_WAYS = 1000
_GROUP = re.compile(r"\(([^()]*)\)")


@lru_cache(maxsize=10_000)
def expanded(pattern: str) -> tuple[str, ...]:
    """Every expression that a pattern stands for, e.g. ``(a|the|) knee`` for three.

    Raises:
        ValueError: brackets that do not match or are nested, or more than 1000 expressions.
    """
    pieces = _GROUP.split(pattern)
    if any(bracket in piece for piece in pieces for bracket in "()"):
        raise ValueError(f"brackets do not match, or are nested: {pattern!r}")
    if any("|" in piece for piece in pieces[::2]):
        raise ValueError(f"alternatives stand in brackets: {pattern!r}")
    ways = [
        piece.split("|") if odd else [piece]
        for odd, piece in zip(itertools.cycle((0, 1)), pieces, strict=False)
    ]
    count = 1
    for way in ways:
        count *= len(way)
    if count > _MOST_WAYS:
        raise ValueError(f"more than {_MOST_WAYS} expressions: {pattern!r}")
    texts = (" ".join("".join(parts).split()) for parts in itertools.product(*ways))
    return tuple(dict.fromkeys(text for text in texts if text))


def _checked(pattern: str) -> str:
    if pattern != pattern.lower():
        raise ValueError(f"words of the guard are lower case: {pattern!r}")
    if not expanded(pattern):
        raise ValueError(f"stands for nothing: {pattern!r}")
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_checked)]
Patterns = tuple[Pattern, ...]


class CorrectionWords(StrictModel):
    """What sentences about one correction may hold beside the words of the phrase book's own sentences.

    Attributes:
        words: verbs and adverbs that are right with this correction, in every form that is common (``push``,
            ``pushing``), and expressions for places (``over your toes``). Not words of a direction.
        toward: further words of the right direction. Expressions where a word alone could mean something else.
        against: further words or expressions of the opposite or of another action.
        never: words that must not even occur in the name of a moment: "slowly on the way *up*" is wrong for a
            fault of the way down.
    """

    words: Patterns = ()
    toward: Patterns = ()
    against: Patterns = ()
    never: Patterns = ()


class SummaryWords(StrictModel):
    """What a summary after the set may hold. Each clause with a number names what the number counts.

    Attributes:
        words: neutral words of a summary, beside `GuardWords.fillers` and `GuardWords.praise`.
        counted: for repetitions that counted.
        not_counted: for those that did not; they may contain negations.
        every: for all repetitions of the set.
        of: between two numbers: eight *of* ten.
        clean: claims that nothing was wrong.
        flaw: for repetitions with the fault that is worked on ("knees came in in three of them" has no words:
            only the number is said).
        improved: claims that a correction worked.
        next: introduces what to do next time.
        heavier, lighter, keep, stop: advice about the load.
        load_units: units of the load.
        joins: words that separate two clauses.
    """

    words: Patterns = ()
    counted: Patterns = ()
    not_counted: Patterns = ()
    every: Patterns = ()
    of: Patterns = ()
    clean: Patterns = ()
    flaw: Patterns = ()
    improved: Patterns = ()
    next: Patterns = ()
    heavier: Patterns = ()
    lighter: Patterns = ()
    keep: Patterns = ()
    stop: Patterns = ()
    load_units: Patterns = ()
    joins: Patterns = ()


class GuardWords(StrictModel):
    """The guard's lists for one language.

    Attributes:
        longest: words that a cue has at most.
        negations: what turns a sentence round or weakens it: not, never, stop, without, less, instead. Refused
            wherever the phrase book's own sentences do not have it before the same word.
        fillers: words and expressions that neither move anything nor say where to, also verbs that go with every
            direction (keep, bring, hold; not push or pull).
        moments: when to do it. Their words are no direction for the body part.
        expressions: fixed expressions that are harmless as a whole (``come on``); the same holds for their words.
        prepositions: what makes the body part behind it a place: "hands *over* your shoulders" moves the hands.
        determiners: words that may stand between a preposition and its body part, and before a body part that is
            spelt like a direction ("your back").
        homonyms: words for a body part that are also a direction (English "back"); they are the body part behind a
            determiner only.
        praise: words of praise; a sentence that praises has one of them or of `past`.
        past: verbs that say how it was; only a sentence that praises may have them.
        both: words for both sides; wrong about a fault of one side.
        units: words for a unit; keys as in ``facts.shown``: degrees, centimetres, percent, seconds, newtons, ...
        corrections: further words, by correction.
        summary: for what is said after the set.
    """

    longest: int = Field(default=8, ge=3, le=12)
    negations: Patterns = ()
    fillers: Patterns = ()
    moments: Patterns = ()
    expressions: Patterns = ()
    prepositions: Patterns = ()
    determiners: Patterns = ()
    homonyms: Patterns = ()
    praise: Patterns = ()
    past: Patterns = ()
    both: Patterns = ()
    units: dict[str, Patterns] = Field(default_factory=dict)
    corrections: dict[str, CorrectionWords] = Field(default_factory=dict)
    summary: SummaryWords = SummaryWords()
