"""Every language can say all that may have to be said, rightly; and adding one is adding a file."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from coaching_scene import BOOK, CONFIG

from kinecue.coaching import Guard, PhraseBook, load_phrase_book
from kinecue.coaching.completeness import missing
from kinecue.coaching.facts import Change, CueFact, SummaryFacts
from kinecue.coaching.phrasebook import LONGEST_SCREEN, Question
from kinecue.coaching.wording import MOST_LEARNED, WordedPhrase, Wording
from kinecue.exercise.results import Phase, Severity, Side
from kinecue.loads.danger import CORRECTIONS
from kinecue.training.disagreement import MACHINE_FAULTS

LANGUAGES = sorted(path.stem for path in (CONFIG / "phrases").glob("*.yaml"))
EXERCISES = sorted((CONFIG / "exercises").glob("*.yaml"))


def fact(correction: str, body_part: str, side: Side = Side.BOTH) -> CueFact:
    return CueFact(
        "any", "any", correction, body_part, "angle", Phase.TOP, side, 1,
        0.3, 0.02, 0.2, "rad", Change.LESS, Severity.RISK, 1.0,
    )  # fmt: skip


@lru_cache
def needed() -> tuple[CueFact, ...]:
    """A fact for each fault of exercise files, machine and loads, on every side."""
    pairs = {(one.correction, one.body_part) for one in MACHINE_FAULTS} | set(CORRECTIONS.values())
    for path in EXERCISES:
        faults = yaml.safe_load(path.read_text(encoding="utf-8"))["faults"]
        pairs |= {(one["correction"], one["body_part"]) for one in faults.values()}
    return tuple(fact(*pair, side) for pair in sorted(pairs) for side in Side)


@lru_cache
def book_of(language: str) -> PhraseBook:
    return load_phrase_book(CONFIG / "phrases" / f"{language}.yaml")


def test_the_languages_of_the_project_are_there() -> None:
    assert {"en", "es", "de"} <= set(LANGUAGES)
    assert len({fact.correction for fact in needed()}) > 35


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_words_for_everything(language: str) -> None:
    book = book_of(language)
    assert book.language == language
    assert missing(book, BOOK, needed()) == []
    assert set(book.exercises) == {path.stem for path in EXERCISES}
    assert set(book.corrections) == set(BOOK.corrections)
    assert len(book.numbers) == len({number.casefold() for number in book.numbers}) >= 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_stands_for_two_corrections(language: str) -> None:
    book = book_of(language)
    phrases = [phrase.casefold() for entry in book.corrections.values() for phrase in entry.phrases]
    assert len(set(phrases)) == len(phrases)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_screen_text_is_short_and_names_its_body_part(language: str) -> None:
    book = book_of(language)
    for key, entry in book.corrections.items():
        words = re.findall(r"\w+", entry.screen.casefold())
        names = {name.casefold() for part in entry.parts for name in book.parts[part]}
        assert len(entry.screen) <= LONGEST_SCREEN, key
        assert any(set(name.split()) <= set(words) for name in names), f"{key}: {entry.screen}"
        assert entry.screen[0].isupper()
        assert entry.screen[-1] not in ".!,"


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_for_a_side_name_that_side(language: str) -> None:
    book = book_of(language)
    for key, entry in book.corrections.items():
        assert (entry.say_left is None) == (entry.say_right is None), key
        for own, texts in ((book.left, entry.say_left), (book.right, entry.say_right)):
            for text in texts or ():
                assert {word.casefold() for word in own} & set(text.casefold().split()), text
        for text in (*entry.say, *entry.praise, entry.screen):
            sides = {word.casefold() for word in (*book.left, *book.right)}
            assert not sides & set(text.casefold().split()), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_after_a_set_passes_with_its_numbers(language: str) -> None:
    book, words = book_of(language), book_of(language).summary
    guard = Guard(book)
    for n in range(1, 41):
        counted, not_counted = (
            book.number_sentence(words.counted, n),
            book.number_sentence(words.not_counted, n),
        )
        assert guard.summary_problem(f"{counted} {not_counted}", SummaryFacts("1", "squat", n, n)) == ""
        assert guard.summary_problem(counted, SummaryFacts("1", "squat", n + 1, n)) != ""
        load = f"{words.load_heavier.say} {book.number_sentence(words.kilos, n)}"
        heavier = SummaryFacts("1", "squat", 5, load_advice="heavier", suggested_kg=float(n))
        assert guard.summary_problem(load, heavier) == ""
    plain = SummaryFacts("1", "squat", 5)
    for sentence, facts in (
        (words.clean, SummaryFacts("1", "squat", 5, clean=True)),
        (words.stopped, SummaryFacts("1", "squat", 5, stopped=True)),
        (words.machine, SummaryFacts("1", "squat", 5, stopped=True, machine_fault=True)),
        (words.load_lighter, SummaryFacts("1", "squat", 5, load_advice="lighter")),
        (words.load_keep, SummaryFacts("1", "squat", 5, load_advice="keep")),
        (words.load_stop, SummaryFacts("1", "squat", 5, load_advice="stop")),
    ):
        assert guard.summary_problem(sentence.say, facts) == ""
        assert guard.summary_problem(sentence.say, plain) != "", "claims what was not measured"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_correction_can_be_the_theme_or_the_progress_of_a_set(language: str) -> None:
    book, guard = book_of(language), Guard(book_of(language))
    for key, entry in book.corrections.items():
        theme = SummaryFacts("1", "squat", 5, theme=fact(key, entry.parts[0]), theme_count=2)
        for text in entry.say:
            assert guard.summary_problem(book.summary.next.say.format(cue=text), theme) == ""
        improved = SummaryFacts("1", "squat", 5, improved=(key,))
        for text in entry.praise:
            assert guard.summary_problem(book.summary.improved.say.format(praise=text), improved) == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_broken_sentences_of_every_language_are_refused(language: str) -> None:
    """The opposite instead of the direction, a word that turns it round, another body part, the other side."""
    book, guard = book_of(language), Guard(book_of(language))
    denials = {"en": ("don't", "never"), "de": ("nicht", "nie"), "es": ("no", "nunca")}.get(language, ())
    passed, tried = [], 0
    for key, entry in book.corrections.items():
        own = {name.casefold() for part in entry.parts for name in book.parts[part]}
        foreign = [n for part, names in book.parts.items() if part not in entry.parts for n in names]
        for text in entry.say:
            words = text.split()
            broken = [f"{denial} {text}" for denial in denials]
            for at, word in enumerate(words):
                if word.casefold() in {one.casefold() for one in entry.toward}:
                    broken += [" ".join((*words[:at], one, *words[at + 1 :])) for one in entry.against]
                if word.casefold() in own:
                    broken += [" ".join((*words[:at], one, *words[at + 1 :])) for one in foreign]
                broken.append(" ".join((*words[:at], "99", *words[at:])))
            tried += len(broken)
            passed += [one for one in broken if not guard.problem(one, fact(key, entry.parts[0]), "say")]
        for text in entry.say_left or ():
            tried += 1
            if not guard.problem(text, fact(key, entry.parts[0], Side.RIGHT), "say"):
                passed.append(text)
    assert tried > 1000
    assert passed == []


@pytest.mark.parametrize(
    ("language", "question", "topic"),
    [
        ("en", "How was that?", Question.HOW),
        ("en", "", Question.HOW),
        ("en", "how many reps did I do", Question.COUNT),
        ("en", "What should I work on?", Question.FIX),
        ("en", "Should I go heavier?", Question.LOAD),
        ("en", "Who won the match?", None),
        ("de", "Wie war das?", Question.HOW),
        ("de", "Wie viele waren es?", Question.COUNT),
        ("de", "Was kann ich VERBESSERN", Question.FIX),
        ("de", "Soll ich mehr Gewicht nehmen?", Question.LOAD),
        ("de", "Wer hat gewonnen?", None),
        ("es", "¿Qué tal estuvo?", Question.HOW),
        ("es", "cuantas hice", Question.COUNT),
        ("es", "¿Qué tengo que corregir?", Question.FIX),
        ("es", "¿Subo el peso?", Question.LOAD),
        ("es", "¿Quién ganó?", None),
    ],
)
def test_questions_are_understood(language: str, question: str, topic: Question | None) -> None:
    assert book_of(language).questions.about(question) == topic


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for key in path[:-1]:
            data = data[key]
        del data[path[-1]]

    return change


def fewer(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = data[path[-1]][:-1]

    return change


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        (without("corrections", "back_on_pad"), "corrections.back_on_pad"),
        (without("exercises", "plank"), "exercises.plank"),
        (without("rack_it"), "announcements.rack_it"),
        (without("corrections", "elbows_in", "say_left"), "corrections.elbows_in.say_left: 0 of 2 variants"),
        (fewer("numbers"), "numbers: 29 of 30"),
        (lambda d: d["corrections"]["even_legs"].update(parts=["legs"]), "corrections.even_legs.parts: hips"),
        (lambda d: d["corrections"]["deeper"].update(screen="Knie tiefer"), "another body part"),
    ],
)
def test_what_is_missing_is_named(change: Callable[[dict[str, Any]], None], lacks: str) -> None:
    data = copy.deepcopy(book_of("de").model_dump(mode="json", exclude_none=True))
    change(data)
    problems = missing(PhraseBook.model_validate(data), BOOK, needed())
    assert problems
    assert any(lacks in problem for problem in problems), problems


INVENTED = """
language: tlx
name: Tolex
alphabet: abcdefghijklmnopqrstuvwxyz
left: [lefo]
right: [rigo]
parts: {knees: [genu]}
exercises: {squat: sidu}
corrections:
  knees_out:
    parts: [knees]
    toward: [eksen]
    against: [enen]
    say: [Pusu genu eksen, Tenu genu eksen, Movu genu eksen]
    say_left: [Pusu lefo genu eksen, Tenu lefo genu eksen]
    say_right: [Pusu rigo genu eksen, Tenu rigo genu eksen]
    praise: [Bone genu eksen, Brave genu eksen]
    screen: Genu eksen
stop: {say: [Haltu nun, Ripozu nun], screen: HALTU}
too_short: {say: [Tro mallonga, Mallonga ripeto], screen: mallonga}
encourage: {say: [Antaw pli, Daure pli], screen: Antaw}
machine_fault: {say: [Masino rompita haltu, Masino malbona haltu], screen: MASINO}
numbers: [unu, du, tri]
summary:
  counted: {one: Unu ripeto., many: "{n} ripetoj.", screen: "{n} rip"}
  not_counted: {one: Unu nula., many: "{n} nulaj.", screen: "{n} nulaj"}
  clean: {say: Perfekta set., screen: perfekta}
  next: {say: "Poste: {cue}.", screen: "Poste: {cue}"}
  improved: {say: "{praise}.", screen: "Plibone: {cue}"}
  machine: {say: Kontroligu., screen: kontroligu}
  stopped: {say: Ripozu., screen: ripozu}
  load_heavier: {say: Pli peza., screen: pli peza}
  load_lighter: {say: Malpli peza., screen: malpli}
  load_keep: {say: Sama peza., screen: sama}
  load_stop: {say: Sufica., screen: sufica}
  kilos: {one: Unu kilo., many: "{n} kiloj.", screen: "{n} kg"}
answers:
  no_set: {say: Neniu set., screen: neniu}
  during_set: {say: Finu unue., screen: finu}
  not_understood: {say: Demandu pri set., screen: demandu}
questions: {count: [kiom], load: [peza], fix: [erara], how: [kiel]}
guard: {praise: [bone, brave]}
"""


def test_a_language_is_a_file(tmp_path: Path) -> None:
    """An invented one, with nothing but a file: its words are said, its opposites refused, its gaps named."""
    path = tmp_path / "tlx.yaml"
    path.write_text(INVENTED, encoding="utf-8")
    book = load_phrase_book(path)
    wording = Wording(book)
    assert wording.correction(fact("knees_out", "knees")) == ("Pusu genu eksen", "")
    assert wording.correction(fact("knees_out", "knees", Side.LEFT)) == ("Pusu lefo genu eksen", "")
    assert wording.praise(fact("knees_out", "knees")) == ("Bone genu eksen", "")
    assert wording.guard.problem("Pusu genu enen", fact("knees_out", "knees"), "say") != ""
    assert wording.guard.problem("Push your knees out", fact("knees_out", "knees"), "say") != ""
    facts = SummaryFacts("1", "squat", 2, clean=True, load_kg=math.nan)
    assert wording.guard.summary_problem("Du ripetoj. Perfekta set.", facts) == ""
    assert book.questions.about("Kiel?") == Question.HOW
    assert "corrections.deeper" in missing(book, BOOK)


def knees(text: str, kind: str = "say", side: Side = Side.BOTH) -> WordedPhrase:
    return WordedPhrase("knees_out", side, kind, text)


def test_learned_phrases_take_turns_with_the_books() -> None:
    wording = Wording(BOOK)
    assert wording.learn([knees("Keep those knees wide"), knees("Nice, knees out", "praise")]) == []
    said = [wording.correction(fact("knees_out", "knees"))[0] for _ in range(8)]
    assert said == [*BOOK.corrections["knees_out"].say, "Keep those knees wide"] * 2
    assert wording.is_learned("Keep those knees wide")
    assert not wording.is_learned(said[0])
    praised = {wording.praise(fact("knees_out", "knees"))[0] for _ in range(3)}
    assert praised == {*BOOK.corrections["knees_out"].praise, "Nice, knees out"}
    phrases = wording.phrases(["knees_out"], 2)
    assert {"Keep those knees wide", "Nice, knees out", "one", "two", *BOOK.stop.say} <= set(phrases)
    assert len(set(phrases)) == len(phrases)
    wording.forget()
    assert not wording.is_learned("Keep those knees wide")


def test_a_learned_phrase_for_one_side_is_said_for_no_other() -> None:
    wording = Wording(BOOK)
    text = "Get that left knee out"
    assert wording.learn([knees(text, side=Side.LEFT)]) == []
    assert text in {wording.correction(fact("knees_out", "knees", Side.LEFT))[0] for _ in range(4)}
    for side in (Side.RIGHT, Side.BOTH, Side.NONE):
        assert text not in {wording.correction(fact("knees_out", "knees", side))[0] for _ in range(5)}


@pytest.mark.parametrize(
    ("phrase", "reason"),
    [
        (knees("Push your knees in"), "opposite"),
        (knees("Don't push your knees out"), "turns it round"),
        (knees("Push your knees 17 out"), "has a number"),
        (knees("push your KNEES out!"), "is known"),
        (knees("Push your left knee out now"), "wrong side"),
        (knees("Keep those knees wide", "sing"), "is no kind of phrase, allowed: say, praise"),
        (knees("Keep those knees wide", "praise"), "praise"),
        (WordedPhrase("fly", Side.BOTH, "say", "Fly a little higher"), "no such correction"),
    ],
)
def test_what_is_wrong_is_not_learned(phrase: WordedPhrase, reason: str) -> None:
    wording = Wording(BOOK)
    (refused,) = wording.learn([phrase])
    assert reason in refused
    assert not wording.is_learned(phrase.text)


def test_only_so_many_phrases_are_learned() -> None:
    wording = Wording(BOOK)
    extra = ("now", "again", "please", "actively", "firmly", "slightly", "gently", "more", "always")
    refused = wording.learn(knees(f"Keep those knees wide {word}") for word in extra)
    assert [text for text in refused if "enough phrases" in text] == refused
    assert len(refused) == len(extra) - MOST_LEARNED
