"""The guard passes what says the measured correction and refuses every way of breaking it, in every language."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from coaching_scene import CONFIG, make_fault

from kinecue.coaching import CueFact, Guard, PhraseBook, load_phrase_book
from kinecue.coaching.facts import fact_from
from kinecue.exercise.results import Phase, Side

BOOKS: dict[str, PhraseBook] = {
    path.stem: load_phrase_book(path) for path in sorted((CONFIG / "phrases").glob("*.yaml"))
}
GUARDS = {language: Guard(book) for language, book in BOOKS.items()}
BOOK, GUARD = BOOKS["en"], GUARDS["en"]
CORRECTIONS = sorted(BOOK.corrections)
SIDES = (Side.BOTH, Side.LEFT, Side.RIGHT)
BY_HAND = Path(__file__).parent / "paraphrases"


def fact(correction: str, side: Side = Side.BOTH, book: PhraseBook = BOOK, **changes: object) -> CueFact:
    """Measured 20 degrees against 10."""
    part = book.corrections[correction].parts[0]
    given = {"correction": correction, "body_part": part, "side": side, **changes}
    return fact_from(make_fault("knees_in", 1, Phase.TOP, **given))


def cues(book: PhraseBook) -> Iterator[tuple[CueFact, str]]:
    for key in book.corrections:
        for side in SIDES:
            for text in book.corrections[key].variants(side):
                yield fact(key, side, book), text


def swapped(text: str, words: tuple[str, ...], replacement: str) -> str:
    return re.sub(rf"(?<!\w)({'|'.join(words)})(?!\w)", replacement, text, flags=re.IGNORECASE)


def by_hand(name: str) -> Iterator[tuple[str, str, str]]:
    told = yaml.safe_load((BY_HAND / f"{name}.yaml").read_text(encoding="utf-8"))
    for language, corrections in told.items():
        for correction, texts in corrections.items():
            yield from ((language, correction, text) for text in texts)


def named_side(book: PhraseBook, text: str) -> Side:
    words = set(text.casefold().replace(",", " ").split())
    sides = ((Side.LEFT, book.left), (Side.RIGHT, book.right))
    return next((side for side, names in sides if words & set(names)), Side.BOTH)


@pytest.mark.parametrize("language", BOOKS)
def test_the_books_own_sentences_pass(language: str) -> None:
    book = BOOKS[language]
    facts = (fact(key, side, book) for key in book.corrections for side in Side)
    assert GUARDS[language].book_problems(facts) == []


@pytest.mark.parametrize("language", BOOKS)
def test_broken_sentences_are_refused(language: str) -> None:
    book, guard = BOOKS[language], GUARDS[language]
    passed = []
    for about, text in list(cues(book))[::4]:
        entry = book.corrections[about.correction]
        parts = tuple(word for part in entry.parts for word in book.parts[part])
        others = set(book.parts) - set(entry.parts) - set(entry.mentions)
        broken = [f"{opposite}, {text}" for opposite in entry.against]
        broken += [swapped(text, entry.toward, opposite) + f" {opposite}" for opposite in entry.against]
        broken += [f"{text} {negation}" for negation in ("not", "nicht", "no", "never", "nunca", "nie")]
        broken += [
            swapped(text, parts, "x"),
            f"{text} 3",
            f"{text} 21",
            f"{text} 2.0",
            f"**{text}**",
            f"<b>{text}</b>",
        ]
        broken += [
            f"{text}\n",
            f"{text}?",
            f"{text}...",
            f"- {text}",
            f"'{text}'",
            f"{text}\u200b",
            f"{text} {text}",
        ]
        broken += [
            text.replace("e", "\u0435"),
            f"{text} \N{FLEXED BICEPS}",
            text.split()[0],
            "",
            f"{text} " * 3,
        ]
        for other in others:
            word = book.parts[other][0]
            if word not in entry.toward:
                broken.append(swapped(text, parts, word))
        passed += [one for one in broken if one != text and guard.problem(one, about, "say") == ""]
    assert passed == []


@pytest.mark.parametrize("language", BOOKS)
def test_the_other_side_is_refused(language: str) -> None:
    book, guard = BOOKS[language], GUARDS[language]
    for about, text in cues(book):
        if about.side == Side.BOTH:
            assert guard.problem(f"{text} {book.left[0]}", about)
            continue
        own, other = (book.left, book.right) if about.side == Side.LEFT else (book.right, book.left)
        wrong = swapped(text, own, other[0])
        assert wrong == text or "side" in guard.problem(wrong, about), wrong


@pytest.mark.parametrize("language", BOOKS)
def test_sentences_of_other_languages_are_refused(language: str) -> None:
    for other, book in BOOKS.items():
        if other != language:
            for about, text in list(cues(book))[::3]:
                assert GUARDS[language].problem(text, fact(about.correction, about.side, BOOKS[language])), (
                    text
                )


@pytest.mark.parametrize(("language", "correction", "text"), by_hand("unsafe"))
def test_what_was_written_to_fool_it_is_refused(language: str, correction: str, text: str) -> None:
    assert GUARDS[language].problem(text, fact(correction, book=BOOKS[language]), "say")


def test_good_cues_of_a_coach_pass() -> None:
    refused = [
        (text, problem)
        for language, correction, text in by_hand("built_on")
        if (
            problem := GUARDS[language].problem(
                text, fact(correction, named_side(BOOKS[language], text), BOOKS[language]), "say"
            )
        )
    ]
    assert refused == []


def test_of_good_cues_that_nobody_has_looked_at_few_are_refused() -> None:
    asked = [
        GUARDS[language].problem(text, fact(key, named_side(BOOKS[language], text), BOOKS[language]), "say")
        for language, key, text in by_hand("held_out")
    ]
    assert len(asked) >= 200
    assert sum(map(bool, asked)) <= 0.15 * len(asked)


def test_what_asks_for_the_same_in_the_words_of_another_correction_is_rare() -> None:
    passing = [
        (key, text)
        for key in CORRECTIONS
        for other in CORRECTIONS
        if other != key
        for text in BOOK.corrections[other].say
        if not GUARD.problem(text, fact(key))
    ]
    assert len(passing) < 0.02 * len(CORRECTIONS) ** 2 * 3
    for key, text in passing:
        assert not set(text.lower().split()) & set(BOOK.corrections[key].against), (key, text)


@pytest.mark.parametrize(
    ("side", "text", "passes"),
    [
        (Side.LEFT, "Push your left knee out", True),
        (Side.LEFT, "Push your right knee out", False),
        (Side.RIGHT, "Push your left knee out", False),
        (Side.BOTH, "Push your left knee out", False),
        (Side.NONE, "Push your right knee out", False),
        (Side.LEFT, "Push your knees out", True),
        (Side.LEFT, "Push both knees out", False),
        (Side.BOTH, "Push both knees out", True),
    ],
)
def test_the_side_is_the_measured_one(side: Side, text: str, passes: bool) -> None:
    assert (GUARD.problem(text, fact("knees_out", side)) == "") is passes


@pytest.mark.parametrize(
    ("text", "kind", "passes"),
    [
        ("Push your knees out 10 please", "", True),
        ("Push your knees out twenty", "", True),
        ("Push your knees out 10 degrees", "say", True),
        ("Push your knees out ten degrees", "say", True),
        ("Push your knees out 10", "say", False),
        ("Push your knees out 10 percent", "say", False),
        ("Push your knees out 10 times", "say", False),
        ("Push your knees out 11", "", False),
        ("Push your knees out 10 20", "", False),
        ("Push your knees out 10.0", "", False),
        ("Push your knees out 10-20", "", False),
        ("Push your knees out -10", "", False),
        ("Push your knees out 10x", "", False),
        ("Push your knees out twenty one", "", False),
        ("Push your knees out " + "9" * 250, "", False),
        ("Push your knees out " + "9" * 9000, "", False),
    ],
)
def test_numbers_are_the_measured_ones(text: str, kind: str, passes: bool) -> None:
    assert (GUARD.problem(text, fact("knees_out"), kind) == "") is passes


def test_a_fact_without_a_finite_number_has_no_numbers() -> None:
    about = replace(fact("knees_out"), measured=math.nan, limit=math.inf)
    assert GUARD.problem("Push your knees out", about) == ""
    assert "number" in GUARD.problem("Push your knees out 10 degrees", about)


def test_a_moment_is_no_direction() -> None:
    assert GUARD.problem("Keep your heels down on the way up", fact("heels_down")) == ""
    assert "direction" in GUARD.problem("Hold your heels on the way down", fact("heels_down"))


def test_a_moment_that_contradicts_the_correction_is_refused() -> None:
    assert GUARD.problem("Lower your arms slowly on the way down", fact("lower_slowly")) == ""
    assert GUARD.problem("Lower your arms slowly on the way up", fact("lower_slowly"))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("knees_out", "Push your toes out over your knees"),
        ("hands_over_shoulders", "Put your shoulders over your hands"),
        ("weight_close", "Bring your chest closer to your hands"),
    ],
)
def test_the_body_part_that_is_only_mentioned_does_not_move(key: str, text: str) -> None:
    assert "moves another body part" in GUARD.problem(text, fact(key))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("knees_out", "Please push both knees a little wider"),
        ("knees_out", "Push those knees out a little more"),
        ("knees_out", "Drive your knees out over your toes"),
        ("knees_out", "Keep your knees in line with your toes, wide."),
        ("deeper", "Try to sink your hips a bit lower!"),
        ("chest_up", "Nice and tall, lift the chest"),
    ],
)
def test_good_rewordings_pass(key: str, text: str) -> None:
    assert GUARD.problem(text, fact(key), "say") == ""


@pytest.mark.parametrize(
    ("text", "kind", "passes"),
    [
        ("Push your knees out", "say", True),
        ("Push your knees out", "praise", False),
        ("Great, your knees stayed out", "praise", True),
        ("Great, your knees stayed out", "say", False),
        ("Great, your knees stayed out", "", True),
        ("Good, push your knees out", "say", True),
    ],
)
def test_a_fault_is_not_praised(text: str, kind: str, passes: bool) -> None:
    assert (GUARD.problem(text, fact("knees_out"), kind) == "") is passes


def test_a_fact_that_the_book_does_not_know_has_no_words() -> None:
    jump = replace(fact("knees_out"), correction="jump")
    assert "no correction jump" in GUARD.problem("Push your knees out", jump)
    chest = replace(fact("knees_out"), body_part="chest")
    assert "is not about chest" in GUARD.problem("Push your knees out", chest)


def test_a_book_without_a_section_for_the_guard_still_passes_its_own_sentences() -> None:
    data = BOOK.model_dump(mode="json", exclude_none=True)
    del data["guard"]
    bare = Guard(PhraseBook.model_validate(data))
    assert bare.problem("Push your knees out", fact("knees_out")) == ""
    assert bare.problem("Drive your knees out over your toes", fact("knees_out"))
    assert bare.problem("Don't push your knees out", fact("knees_out"))
