"""Every sentence of a phrase book with what it has to tell, and the sentences that would tell the opposite.

What counts is the body part, its side and the direction: a lifter who hears "drive your knees apart" for "push your knees
out" does the right thing, one who hears "push your knees in" hurts himself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from kinecue.coaching.phrasebook import CueSentence, NumberSentence, PhraseBook, PraiseSentence

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+")
NUMBERS_IN_SUMMARIES = (1, 8)
CORRECTIONS_IN_SUMMARIES = 6
_STOPS = ("stop", "last_one", "rack_it")


class Kind(Enum):
    """What a sentence is for."""

    ORDER = "order"
    PRAISE = "praise"
    STOP = "stop"
    NUMBER = "number"
    OTHER = "other"
    """Encouragement, the machine, summaries: told apart by what they are about, they have no direction."""


@dataclass(frozen=True)
class Spoken:
    """One sentence of the book.

    Attributes:
        text: as it is synthesised.
        kind: what it is for.
        group: sentences of a group say the same.
        correction: key in the book; empty for what corrects nothing.
        side: ``left``, ``right`` or empty.
    """

    text: str
    kind: Kind
    group: str
    correction: str = ""
    side: str = ""


def words_of(text: str) -> str:
    """Lower case, without punctuation, single blanks."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", text).casefold().replace("\u2019", "'")))


def book_phrases(book: PhraseBook) -> list[Spoken]:
    """Every sentence of the book; those with a number or a correction in them with a few examples."""
    found: list[Spoken] = []
    for key, entry in book.corrections.items():
        for side, said in (("", entry.say), ("left", entry.say_left), ("right", entry.say_right)):
            found += [Spoken(text, Kind.ORDER, f"{key} {side}".strip(), key, side) for text in said or ()]
        found += [Spoken(text, Kind.PRAISE, f"{key} praise", key) for text in entry.praise]
    for name, words in book.announcements.items():
        kind = Kind.STOP if name in _STOPS else Kind.OTHER
        found += [Spoken(text, kind, name) for text in words.say]
    found += [Spoken(word, Kind.NUMBER, f"number {n}") for n, word in enumerate(book.numbers, 1)]
    found += _after_the_set(book)
    return list({words_of(one.text): one for one in reversed(found)}.values())[::-1]


def _after_the_set(book: PhraseBook) -> Iterable[Spoken]:
    """Summaries and answers."""
    keys = list(book.corrections)
    examples = keys[:: max(1, len(keys) // CORRECTIONS_IN_SUMMARIES)]
    for about in (book.summary, book.answers):
        for name in type(about).model_fields:
            sentence = getattr(about, name)
            if isinstance(sentence, NumberSentence):
                for n in NUMBERS_IN_SUMMARIES:
                    yield Spoken(book.number_sentence(sentence, n), Kind.OTHER, f"{name} {n}")
            elif isinstance(sentence, CueSentence):
                for key in examples:
                    cue = book.corrections[key].say[0]
                    yield Spoken(sentence.say.format(cue=cue), Kind.OTHER, f"{name} {key}", key)
            elif isinstance(sentence, PraiseSentence):
                for key in examples:
                    praise = book.corrections[key].praise[0]
                    yield Spoken(sentence.say.format(praise=praise), Kind.PRAISE, f"{name} {key}", key)
            else:
                yield Spoken(sentence.say, Kind.OTHER, name)


def holds(text: str, expression: str) -> bool:
    """Whether `expression` (one word or several) is in `text`, both of them ``words_of``."""
    return f" {words_of(expression)} " in f" {text} "


def parts_in(text: str, book: PhraseBook) -> frozenset[str]:
    """Keys of the body parts that the words name; of "upper body" and "body" the longer one counts."""
    rest, found = f" {words_of(text)} ", set()
    named = sorted(
        ((words_of(word), key) for key, words in book.parts.items() for word in words), key=_longest
    )
    for word, key in named:
        if f" {word} " in rest:
            found.add(key)
            same = {other for name, other in named if name == word}
            found |= same
            rest = rest.replace(f" {word} ", " | ")
    return frozenset(found)


def _longest(named: tuple[str, str]) -> tuple[int, str, str]:
    return -len(named[0]), named[0], named[1]


def side_of(text: str, book: PhraseBook) -> str:
    """``left``, ``right``, ``both sides`` or empty."""
    said = words_of(text)
    left, right = (any(holds(said, word) for word in words) for words in (book.left, book.right))
    return {(True, False): "left", (False, True): "right", (True, True): "both sides"}.get((left, right), "")


def understood(heard: str | None, spoken: Spoken, book: PhraseBook, groups: dict[str, str]) -> bool:
    """Whether who heard this does what was meant: right body part, right side, right direction.

    A body part is right if it is one of the correction's own: "lower your hands slowly" is "lower your arms slowly".
    `groups` tells for the words of each sentence of the book what it is for.
    """
    if not heard:
        return False
    said, meant = words_of(heard), words_of(spoken.text)
    if said == meant:
        return True
    if not spoken.correction:
        return groups.get(said) == spoken.group
    entry = book.corrections[spoken.correction]
    if side_of(said, book) != side_of(meant, book):
        return False
    # what stands for a moment ("on the way up") is no direction
    for moment in book.moments:
        said, meant = (f" {text} ".replace(f" {words_of(moment)} ", " ").strip() for text in (said, meant))
    named, own = parts_in(said, book), set(entry.parts)
    if not named & own or named - own - set(entry.mentions):
        return False
    against = [word for word in entry.against if holds(said, word) and not holds(meant, word)]
    toward = [word for word in entry.toward if holds(said, word)]
    return bool(toward) and not against


def opposites(spoken: Spoken, book: PhraseBook, limit: int = 60) -> list[str]:
    """Sentences that differ from this one by one word and mean something else: direction, side or body part."""
    meant = words_of(spoken.text)
    found: list[str] = []
    entry = book.corrections.get(spoken.correction)
    own = parts_in(meant, book)
    if entry is not None:
        found += _replaced(meant, entry.toward, entry.against)
        own &= set(entry.parts)
    found += _replaced(meant, book.left, book.right) + _replaced(meant, book.right, book.left)
    fitting = own | ({*entry.parts, *entry.mentions} if entry is not None else set())
    mine = [word for key in own for word in book.parts[key]]
    others = [word for key, words in book.parts.items() if key not in fitting for word in words]
    plural = [word for word in others if any(_alike(word, one) for one in mine if holds(meant, one))]
    found += _replaced(meant, mine, plural)
    return [text for text in dict.fromkeys(found) if text != meant][:limit]


def _alike(word: str, other: str) -> bool:
    """Both plural, or both not, as far as their endings tell."""
    return (word[-1:] in "sn") == (other[-1:] in "sn")


def _replaced(text: str, words: Sequence[str], by: Sequence[str]) -> list[str]:
    return [
        f" {text} ".replace(f" {words_of(word)} ", f" {words_of(other)} ").strip()
        for word in words
        if holds(text, word)
        for other in by
    ]
