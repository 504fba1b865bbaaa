"""Phrase books: everything that the coach can say in one language, ``config/phrases/<language>.yaml``."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from kinecue.coaching.files import StrictModel, load_yaml
from kinecue.coaching.guard_words import GuardWords
from kinecue.exercise.results import Side

MIN_WORDS, MAX_WORDS = 2, 7
"""Length of a phrase of the book. The guard grants a sentence from elsewhere one word more."""
LONGEST_SCREEN = 32
"""Characters of a screen text: read at a glance, from the floor of a gym."""
ANNOUNCEMENTS = ("stop", "last_one", "rack_it", "encourage", "too_short", "machine_fault")
"""Fields of a phrase book that hold one."""


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
PraiseTemplate = Annotated[str, AfterValidator(lambda text: _template(text, "praise"))]
Screen = Annotated[Phrase, Field(max_length=LONGEST_SCREEN)]
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
    screen: Screen

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


class Announcement(StrictModel):
    """Something that is not about a fault: an order to end the set, an encouragement, news of the machine."""

    say: Variants
    screen: Annotated[str, Field(min_length=1, max_length=LONGEST_SCREEN)]

    @property
    def phrases(self) -> tuple[str, ...]:
        """Every phrase of it."""
        return self.say


class NumberSentence(StrictModel):
    """A sentence with a measured number.

    Attributes:
        one: for the number one. many: for the others. screen: for all of them, in digits.
        forms: numbers whose word has another form in `many`: Spanish ``veintiuna repeticiones``.
    """

    one: str = Field(min_length=1)
    many: NumberTemplate
    screen: NumberTemplate
    forms: dict[int, Word] = Field(default_factory=dict)


class FixedSentence(StrictModel):
    """A sentence without a number."""

    say: str = Field(min_length=1)
    screen: str = Field(min_length=1)


class CueSentence(StrictModel):
    """A sentence that carries a correction."""

    say: CueTemplate
    screen: CueTemplate


class PraiseSentence(StrictModel):
    """A sentence that carries the praise for a correction; on a screen the correction."""

    say: PraiseTemplate
    screen: CueTemplate


class Summary(StrictModel):
    """Sentences for after the set.

    Attributes:
        counted, not_counted: repetitions.
        clean: nothing was wrong.
        next: what to work on; `cue` is how the correction is said, or its screen text.
        improved: a correction that worked; `praise` is how it is praised, `cue` its screen text.
        stopped: the lifter was told to end the set.
        machine: the same because the machine reported a fault.
        load_heavier, load_lighter, load_keep, load_stop: what load the next set should have; `load_stop`: no further set.
        kilos: the load in whole kilograms, said behind one of these.
    """

    counted: NumberSentence
    not_counted: NumberSentence
    clean: FixedSentence
    next: CueSentence
    improved: PraiseSentence
    stopped: FixedSentence
    machine: FixedSentence
    load_heavier: FixedSentence
    load_lighter: FixedSentence
    load_keep: FixedSentence
    load_stop: FixedSentence
    kilos: NumberSentence


class Answers(StrictModel):
    """What is answered when there is nothing measured to answer with."""

    no_set: FixedSentence
    during_set: FixedSentence
    not_understood: FixedSentence


class Question(Enum):
    """What a lifter may ask about the last set."""

    COUNT = "count"
    LOAD = "load"
    FIX = "fix"
    HOW = "how"


class Questions(StrictModel):
    """Expressions by which a question is known; it is about the first of these that it has an expression of."""

    count: tuple[Word, ...] = Field(min_length=1)
    load: tuple[Word, ...] = Field(min_length=1)
    fix: tuple[Word, ...] = Field(min_length=1)
    how: tuple[Word, ...] = Field(min_length=1)

    def about(self, question: str) -> Question | None:
        """What `question` is about; an empty one asks how it was, None = not understood."""
        words = f" {_plain(question)} "
        if not words.strip():
            return Question.HOW
        for topic in Question:
            if any(f" {_plain(one)} " in words for one in getattr(self, topic.value)):
                return topic
        return None


class PhraseBook(StrictModel):
    """All that can be said in one language.

    Attributes:
        language: BCP 47 tag, as the file is called.
        name: of the language, in the language.
        alphabet: lower-case letters of the language.
        left, right: words that name a side.
        parts: words for each body part.
        moments: fixed expressions for moments of a repetition.
        vocabulary: words that any sentence may use.
        exercises: name of each exercise, by the key of its file.
        corrections: by key of the exercise files.
        stop, encourage, machine_fault, numbers, summary, answers, questions: see their types; `numbers` starts with one.
        encourage: said between repetitions; promises nothing and praises nothing, because nothing was measured.
        too_short: movements did not count because they turned round too early; says no more than that.
        machine_fault: the machine reports a fault of its own.
        last_one, rack_it: said when form and speed break down together; a book without them keeps silent then.
        guard: what sentences of a language model may hold; without it they may hold the book's own words alone.
    """

    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    name: str = Field(min_length=2, max_length=40)
    alphabet: str = Field(min_length=10)
    left: tuple[Word, ...] = Field(min_length=1)
    right: tuple[Word, ...] = Field(min_length=1)
    parts: dict[str, tuple[Word, ...]]
    moments: tuple[Word, ...] = ()
    vocabulary: tuple[Word, ...] = ()
    exercises: dict[str, Word]
    corrections: dict[str, Correction] = Field(min_length=1)
    stop: Announcement
    last_one: Announcement | None = None
    rack_it: Announcement | None = None
    encourage: Announcement
    too_short: Announcement
    machine_fault: Announcement
    numbers: tuple[Word, ...] = Field(min_length=1)
    summary: Summary
    answers: Answers
    questions: Questions
    guard: GuardWords = GuardWords()

    @model_validator(mode="after")
    def _parts_are_known(self) -> PhraseBook:
        for key, correction in self.corrections.items():
            for part in (*correction.parts, *correction.mentions):
                if part not in self.parts:
                    known = ", ".join(self.parts)
                    raise ValueError(f"corrections.{key}: unknown body part {part}; allowed: {known}")
        return self

    @property
    def announcements(self) -> dict[str, Announcement]:
        """What is said that is not about a fault, by its field."""
        fields = {name: getattr(self, name) for name in ANNOUNCEMENTS}
        return {name: words for name, words in fields.items() if words is not None}

    def exercise_name(self, key: str) -> str:
        """How the exercise is called in this language; the key in words if the book does not know it."""
        return self.exercises.get(key, key.replace("_", " "))

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
        for words in self.announcements.values():
            phrases += words.say
        phrases += self.numbers[: max(0, count_to)]
        return tuple(dict.fromkeys(phrases))

    @property
    def number_words(self) -> dict[str, tuple[str, ...]]:
        """Every word for a number, by its digits."""
        summary = self.summary
        sentences = (summary.counted, summary.not_counted, summary.kilos)
        return {
            str(n): (word, *(one.forms[n] for one in sentences if n in one.forms))
            for n, word in enumerate(self.numbers, 1)
        }

    def number(self, n: int) -> str:
        """`n` in words as far as the book has them, else in digits."""
        return self.numbers[n - 1] if 1 <= n <= len(self.numbers) else str(n)

    def number_sentence(self, sentence: NumberSentence, n: int) -> str:
        """`sentence` with `n` in words, to be read aloud."""
        number = sentence.forms.get(n) or self.number(n)
        said = sentence.one if n == 1 else sentence.many.format(n=number)
        return said[:1].upper() + said[1:]


def _plain(text: str) -> str:
    """Words in lower case without accents and punctuation, as people type them."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(char for char in letters if not unicodedata.combining(char))
    return " ".join(re.findall(r"[^\W_]+", kept))


def load_phrase_book(path: Path) -> PhraseBook:
    """The phrase book in a file.

    Raises:
        ConfigError: names the file, the field and what is allowed.
    """
    return load_yaml(path, PhraseBook)
