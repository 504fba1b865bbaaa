"""Phrase books: everything that the coach can say in one language, ``config/phrases/<language>.yaml``."""

from __future__ import annotations

import string
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from kinecue.coaching.files import StrictModel, load_yaml
from kinecue.exercise.results import Side

MIN_WORDS, MAX_WORDS = 2, 7
"""Length of a phrase of the book. The guard grants a sentence from elsewhere one word more."""


def _short(phrase: str) -> str:
    if not MIN_WORDS <= len(phrase.split()) <= MAX_WORDS:
        raise ValueError(f"a phrase has {MIN_WORDS} to {MAX_WORDS} words")
    return phrase


def _distinct(phrases: tuple[str, ...]) -> tuple[str, ...]:
    if len({phrase.casefold() for phrase in phrases}) < len(phrases):
        raise ValueError("the same phrase is given twice")
    return phrases


def _template(text: str, allowed: str) -> str:
    fields = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    if fields != [allowed]:
        raise ValueError(f"a template has exactly one placeholder, {{{allowed}}}")
    if any(char.isdigit() for char in text):
        raise ValueError("a template has no number of its own")
    return text


Phrase = Annotated[str, AfterValidator(_short)]
Word = Annotated[str, Field(min_length=1, max_length=40)]
NumberTemplate = Annotated[str, AfterValidator(lambda text: _template(text, "n"))]
CueTemplate = Annotated[str, AfterValidator(lambda text: _template(text, "cue"))]
Variants = Annotated[tuple[Phrase, ...], Field(min_length=2), AfterValidator(_distinct)]


class Correction(StrictModel):
    """How one correction is said.

    Attributes:
        parts: keys of body parts that an exercise file may give with it; a sentence names one of them.
        mentions: keys of other body parts that a sentence may name.
        toward: words of the right direction; a sentence has at least one.
        against: words of the opposite; a sentence has none.
        say, say_left, say_right: variants; the sided ones may be missing, then `say` is used.
        praise: for a correction that worked.
        screen: the same for a screen.
    """

    parts: tuple[str, ...] = Field(min_length=1)
    mentions: tuple[str, ...] = ()
    toward: tuple[Word, ...] = Field(min_length=1)
    against: tuple[Word, ...] = Field(min_length=1)
    say: Annotated[tuple[Phrase, ...], Field(min_length=3), AfterValidator(_distinct)]
    say_left: Variants | None = None
    say_right: Variants | None = None
    praise: Variants
    screen: Phrase

    @model_validator(mode="after")
    def _directions_differ(self) -> Correction:
        both = {word.casefold() for word in self.toward} & {word.casefold() for word in self.against}
        if both:
            raise ValueError(f"in toward and in against: {', '.join(sorted(both))}")
        return self

    @property
    def phrases(self) -> tuple[str, ...]:
        """Every phrase of this correction."""
        return (*self.say, *(self.say_left or ()), *(self.say_right or ()), *self.praise)

    def variants(self, side: Side) -> tuple[str, ...]:
        """The phrases for a fault of that side."""
        sided = {Side.LEFT: self.say_left, Side.RIGHT: self.say_right}.get(side)
        return sided or self.say


class Stop(StrictModel):
    """The order to end the set, now or after one more repetition."""

    say: Variants
    screen: str


class NumberSentence(StrictModel):
    """A sentence with a measured number."""

    one: str = Field(min_length=1)
    many: NumberTemplate
    screen: NumberTemplate


class FixedSentence(StrictModel):
    """A sentence of the summary without a number."""

    say: str = Field(min_length=1)
    screen: str = Field(min_length=1)


class CueSentence(StrictModel):
    """A sentence that carries a correction."""

    say: CueTemplate
    screen: CueTemplate


class Summary(StrictModel):
    """Sentences for after the set."""

    counted: NumberSentence
    not_counted: NumberSentence
    clean: FixedSentence
    next: CueSentence


class PhraseBook(StrictModel):
    """All that can be said in one language.

    Attributes:
        language: BCP 47 tag.
        alphabet: lower-case letters of the language.
        left, right: words that name a side.
        parts: words for each body part.
        moments: fixed expressions for moments of a repetition.
        vocabulary: words that any sentence may use.
        corrections: by key of the exercise files.
        stop, numbers, summary: see their types; `numbers` starts with one.
        last_one, rack_it: said when form and speed break down together; a book without them keeps silent then.
    """

    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    alphabet: str = Field(min_length=10)
    left: tuple[Word, ...] = Field(min_length=1)
    right: tuple[Word, ...] = Field(min_length=1)
    parts: dict[str, tuple[Word, ...]]
    moments: tuple[Word, ...] = ()
    vocabulary: tuple[Word, ...] = ()
    corrections: dict[str, Correction] = Field(min_length=1)
    stop: Stop
    last_one: Stop | None = None
    rack_it: Stop | None = None
    numbers: tuple[Word, ...] = Field(min_length=1)
    summary: Summary

    @model_validator(mode="after")
    def _parts_are_known(self) -> PhraseBook:
        for key, correction in self.corrections.items():
            for part in (*correction.parts, *correction.mentions):
                if part not in self.parts:
                    known = ", ".join(self.parts)
                    raise ValueError(f"corrections.{key}: unknown body part {part}; allowed: {known}")
        return self

    def cue_phrases(self, corrections: Iterable[str], count_to: int = 0) -> tuple[str, ...]:
        """Every sentence that may be said during a set, to synthesise ahead; summaries come on top.

        Args:
            corrections: keys of the exercise's faults; unknown ones have no phrases.
            count_to: repetitions to be counted aloud.
        """
        phrases: list[str] = []
        for key in corrections:
            if key in self.corrections:
                phrases += self.corrections[key].phrases
        phrases += self.stop.say
        for words in (self.last_one, self.rack_it):
            phrases += words.say if words is not None else ()
        phrases += self.numbers[: max(0, count_to)]
        return tuple(dict.fromkeys(phrases))

    def number(self, n: int) -> str:
        """`n` in words as far as the book has them, else in digits."""
        return self.numbers[n - 1] if 1 <= n <= len(self.numbers) else str(n)

    def number_sentence(self, sentence: NumberSentence, n: int) -> str:
        """`sentence` with `n` in words, to be read aloud."""
        said = sentence.one if n == 1 else sentence.many.format(n=self.number(n))
        return said[:1].upper() + said[1:]


def load_phrase_book(path: Path) -> PhraseBook:
    """The phrase book in a file.

    Raises:
        ConfigError: names the file, the field and what is allowed.
    """
    return load_yaml(path, PhraseBook)
