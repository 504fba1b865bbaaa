"""What a language model is asked: ``config/prompts/<language>.yaml`` and the phrase book, nothing else.

A prompt consists of text of these two files and of numbers. Keys of a fact choose among the texts of the phrase
book and are never written into a prompt themselves, so that the name of an exercise or of a fault, whoever gave it,
cannot tell the model anything. The correction is part of the question, because a model cannot be trusted to find
it: it is given one sentence that is right and words it in another way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kinecue.body.errors import ConfigError
from kinecue.body.paths import share_dir
from kinecue.coaching.facts import Change, CueFact, SummaryFacts
from kinecue.coaching.files import StrictModel, load_yaml
from kinecue.coaching.language.model import Prompt
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.coaching.wording import WordedKind
from kinecue.exercise.results import Phase, Severity, Side

_CUE_TOKENS, _SUMMARY_TOKENS = 32, 72
_SIDES = {"both": Side.BOTH, "left": Side.LEFT, "right": Side.RIGHT}


def _question(text: str) -> str:
    if text.count("{told}") != 1 or text.count("{") != 1 or text.count("}") != 1:
        raise ValueError("a question has exactly one placeholder, {told}")
    return text


Text = Annotated[str, Field(min_length=2, max_length=1000)]
Question = Annotated[str, Field(max_length=400), AfterValidator(_question)]


class CueExample(StrictModel):
    """How a correction of the phrase book, or its praise, is worded in a style."""

    correction: str
    side: Literal["both", "left", "right"] = "both"
    text: str = Field(min_length=2, max_length=80)


class SummaryExample(StrictModel):
    """How a set is summed up in a style; the fields are those of `SummaryFacts`."""

    counted: int = Field(ge=1, le=30)
    not_counted: int = Field(default=0, ge=0, le=30)
    clean: bool = False
    work_on: str = ""
    times: int = Field(default=0, ge=0, le=30)
    improved: tuple[str, ...] = ()
    stopped: bool = False
    text: str = Field(min_length=2, max_length=300)


class Style(StrictModel):
    """A manner of speaking: what the model is told about it, and examples of it."""

    say: Text
    praise: Text
    summary: Text
    say_examples: tuple[CueExample, ...] = Field(min_length=3, max_length=10)
    praise_examples: tuple[CueExample, ...] = Field(min_length=3, max_length=10)
    summary_examples: tuple[SummaryExample, ...] = Field(min_length=2, max_length=10)


class Spoken(StrictModel):
    """A talk in which a sentence is judged for how well it reads, beside examples of the style."""

    system: Text
    question: Text


class PromptBook(StrictModel):
    """Prompts of one language.

    Attributes:
        language: BCP 47 tag, that of a phrase book.
        say, praise, summary: the questions; ``{told}`` stands for a sentence, or sentences, of the phrase book.
        spoken: to judge sentences with.
        unfinished: words with which no sentence ends.
        agreeing: pairs of words, lower case, of which one fits a neighbour and the other does not: that, those.
        styles: by name.
    """

    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    say: Question
    praise: Question
    summary: Question
    spoken: Spoken
    unfinished: tuple[str, ...] = ()
    agreeing: tuple[tuple[str, str], ...] = ()
    styles: dict[str, Style] = Field(min_length=1)

    def style(self, name: str) -> Style:
        """The style of that name.

        Raises:
            ConfigError: there is none; names those that there are.
        """
        if name not in self.styles:
            allowed = ", ".join(self.styles)
            raise ConfigError(
                "language settings", "style", f"is {name}, for {self.language} allowed: {allowed}"
            )
        return self.styles[name]


def load_prompts(path: Path) -> PromptBook:
    """The prompts in a file.

    Raises:
        ConfigError: names the file, the field and what is allowed.
    """
    return load_yaml(path, PromptBook)


def find_prompts(language: str) -> PromptBook | None:
    """The prompts shipped for a language, or for it without its region; None if there are none.

    Raises:
        ConfigError: the file is wrong.
    """
    folder = share_dir() / "config" / "prompts"
    for name in (language, language.split("-")[0]):
        path = folder / f"{name}.yaml"
        if path.is_file():
            return load_prompts(path)
    return None


class Prompter:
    """Makes prompts in one style from one phrase book."""

    def __init__(self, book: PhraseBook, prompts: PromptBook, style: str) -> None:
        """Checks the examples.

        Raises:
            ConfigError: there is no such style, or an example is about a correction that the book has not.
        """
        self._book = book
        self._prompts = prompts
        self._style = prompts.style(style)
        source = f"prompts for {prompts.language}, style {style}"
        given = self._style
        self._say = tuple(
            (prompts.say.format(told=self._told(one, source, praise=False)), one.text)
            for one in given.say_examples
        )
        self._praise = tuple(
            (prompts.praise.format(told=self._told(one, source, praise=True)), one.text)
            for one in given.praise_examples
        )
        self._summary = tuple(
            (prompts.summary.format(told=told_set(book, example_facts(book, one, source))), one.text)
            for one in given.summary_examples
        )

    def cue(self, told: str, kind: WordedKind, temperature: float = 0.0, seed: int = 0) -> Prompt:
        """Ask for other words for a sentence of the phrase book."""
        praise = kind == WordedKind.PRAISE
        question = self._prompts.praise if praise else self._prompts.say
        return Prompt(
            system=self._style.praise if praise else self._style.say,
            examples=self._praise if praise else self._say,
            user=question.format(told=sentence(told)),
            max_tokens=_CUE_TOKENS,
            temperature=temperature,
            seed=seed,
        )

    def summary(self, facts: SummaryFacts) -> Prompt:
        """Ask for a summary of a set."""
        return Prompt(
            system=self._style.summary,
            examples=self._summary,
            user=self._prompts.summary.format(told=told_set(self._book, facts)),
            max_tokens=_SUMMARY_TOKENS,
        )

    def _told(self, one: CueExample, source: str, praise: bool) -> str:
        entry = self._book.corrections.get(one.correction)
        if entry is None:
            raise ConfigError(source, "examples", f"the phrase book has no correction {one.correction}")
        return sentence(entry.praise[0] if praise else entry.variants(_SIDES[one.side])[0])


def told_set(book: PhraseBook, facts: SummaryFacts) -> str:
    """What was measured in a set, in sentences of the phrase book; keys that it does not know have none.

    Counts and form, as in the book's own summary; advice on the load is said in the words of the book alone.
    """
    words = book.summary
    said = [book.number_sentence(words.counted, facts.counted)]
    if facts.not_counted:
        said.append(book.number_sentence(words.not_counted, facts.not_counted))
    if facts.clean:
        said.append(words.clean.say)
    if facts.stopped:
        return " ".join((*said, words.stopped.say))
    if facts.progress in book.corrections:
        said.append(words.improved.say.format(praise=book.corrections[facts.progress].praise[0]))
    if facts.theme is not None and facts.theme.correction in book.corrections:
        entry = book.corrections[facts.theme.correction]
        # Of both sides: which one it was differs between repetitions.
        said.append(words.next.say.format(cue=entry.say[0]))
    return " ".join(said)


def example_facts(book: PhraseBook, one: SummaryExample, source: str) -> SummaryFacts:
    """The facts of a set as in an example.

    Raises:
        ConfigError: it is about a correction that the book has not.
    """
    for key in (*one.improved, *((one.work_on,) if one.work_on else ())):
        if key not in book.corrections:
            raise ConfigError(source, "examples", f"the phrase book has no correction {key}")
    return SummaryFacts(
        set_id="example",
        exercise="example",
        counted=one.counted,
        not_counted=one.not_counted,
        clean=one.clean,
        theme=plain_fact(book, one.work_on) if one.work_on else None,
        theme_count=one.times,
        improved=one.improved,
        stopped=one.stopped,
    )


def plain_fact(book: PhraseBook, correction: str, side: Side = Side.BOTH, body_part: str = "") -> CueFact:
    """A fact about a correction of the book before anything was measured: its numbers are zero."""
    return CueFact(
        exercise="none",
        fault="none",
        correction=correction,
        body_part=body_part or book.corrections[correction].parts[0],
        feature="none",
        phase=Phase.TOP,
        side=side,
        repetition=1,
        measured=0.0,
        std=0.0,
        limit=0.0,
        unit="1",
        change=Change.MORE,
        severity=Severity.RISK,
        magnitude=1.0,
    )


def sentence(phrase: str) -> str:
    """A phrase as a sentence with its full stop: models are used to it."""
    return phrase if phrase.endswith((".", "!", "?")) else f"{phrase}."
