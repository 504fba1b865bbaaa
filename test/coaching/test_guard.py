"""The guard passes what the book says about a fact and refuses every way of breaking it."""

from __future__ import annotations

import re

import pytest
from coaching_scene import BOOK, make_fault
from hypothesis import given
from hypothesis import strategies as st

from kinecue.coaching import CueFact, Guard
from kinecue.coaching.facts import fact_from
from kinecue.exercise.results import Phase, Side

GUARD = Guard(BOOK)
CORRECTIONS = sorted(BOOK.corrections)


def fact(correction: str, side: Side = Side.BOTH) -> CueFact:
    """Measured 20 degrees against 10."""
    part = BOOK.corrections[correction].parts[0]
    return fact_from(make_fault("knees_in", 1, Phase.TOP, correction=correction, body_part=part, side=side))


CASES = [
    (fact(key, side), text)
    for key in CORRECTIONS
    for side in (Side.BOTH, Side.LEFT, Side.RIGHT)
    for text in BOOK.corrections[key].variants(side)
]
IDS = [text for _, text in CASES]


def swapped(text: str, words: tuple[str, ...], replacement: str) -> str:
    return re.sub(rf"\b({'|'.join(words)})\b", replacement, text, flags=re.IGNORECASE)


def test_the_books_own_sentences_pass() -> None:
    sides = (Side.NONE, Side.LEFT, Side.RIGHT, Side.BOTH)
    assert GUARD.book_problems(fact(key, side) for key in CORRECTIONS for side in sides) == []


@pytest.mark.parametrize(("about", "text"), CASES, ids=IDS)
def test_broken_sentences_are_refused(about: CueFact, text: str) -> None:
    entry = BOOK.corrections[about.correction]
    for opposite in entry.against:
        assert "says the opposite" in GUARD.problem(swapped(text, entry.toward, opposite), about)
        assert GUARD.problem(f"{text} {opposite}", about)
    parts = tuple(word for part in entry.parts for word in BOOK.parts[part])
    assert "does not name" in GUARD.problem(swapped(text, parts, "it"), about)
    assert "direction" in GUARD.problem(swapped(text, entry.toward, "now"), about)
    for other in set(BOOK.parts) - set(entry.parts) - set(entry.mentions):
        assert GUARD.problem(swapped(text, parts, f"{parts[0]} and {BOOK.parts[other][0]}"), about)
    for broken in (
        f"Don't {text}",
        f"Do not {text}",
        f"Never {text}",
        f"{text} 3 times",
        f"{text} to heal pain",
        f"{text} or you get hurt",
        f"**{text}**",
        f"<speak>{text}</speak>",
        f"{text}\n",
        f"{text} \N{FLEXED BICEPS}",
        text.translate(
            str.maketrans(
                "eoa", "\N{CYRILLIC SMALL LETTER IE}\N{CYRILLIC SMALL LETTER O}\N{CYRILLIC SMALL LETTER A}"
            )
        ),
        f"{text} " * 3,
        "",
        text.split()[0],
    ):
        assert GUARD.problem(broken, about), broken


@pytest.mark.parametrize("key", CORRECTIONS)
def test_sentences_of_other_corrections_are_refused(key: str) -> None:
    """Unless they name a part and a direction of this one: what they ask for is then what this one asks for."""
    entry = BOOK.corrections[key]
    named = {word for part in (*entry.parts, *entry.mentions) for word in BOOK.parts[part]}
    for other in CORRECTIONS:
        if other == key:
            continue
        for text in BOOK.corrections[other].say:
            words = set(text.lower().split())
            if not (words & named and words & set(entry.toward)):
                assert GUARD.problem(text, fact(key)), text


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
    ],
)
def test_the_side_is_the_measured_one(side: Side, text: str, passes: bool) -> None:
    assert (GUARD.problem(text, fact("knees_out", side)) == "") is passes


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("Push your knees out 10 please", True),
        ("Push your knees out twenty", True),
        ("Push your knees out 11", False),
        ("Push your knees out twenty one", False),
        ("Push your knees out " + "9" * 250, False),
        ("Push your knees out " + "9" * 9000, False),
    ],
)
def test_numbers_are_the_measured_ones(text: str, passes: bool) -> None:
    assert (GUARD.problem(text, fact("knees_out")) == "") is passes


def test_a_moment_is_no_direction() -> None:
    assert GUARD.problem("Keep your heels down on the way up", fact("heels_down")) == ""
    assert "direction" in GUARD.problem("Hold your heels on the way down", fact("heels_down"))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("knees_out", "Please push both knees a little wider"),
        ("knees_out", "Keep your knees wide, with your toes."),
        ("deeper", "Try to sink your hips a bit lower!"),
        ("chest_up", "Nice and tall, lift the chest"),
    ],
)
def test_good_rewordings_pass(key: str, text: str) -> None:
    assert GUARD.problem(text, fact(key)) == ""


def test_a_fact_that_the_book_does_not_know_has_no_words() -> None:
    assert "no correction jump" in GUARD.problem("Push your knees out", fact_with(correction="jump"))
    assert "is not about chest" in GUARD.problem("Push your knees out", fact_with(body_part="chest"))


def fact_with(**changes: object) -> CueFact:
    return fact_from(make_fault("knees_in", 1, Phase.TOP, **changes))


@given(st.text(max_size=60), st.sampled_from(CORRECTIONS))
def test_text_of_any_kind_is_answered_and_rubbish_refused(text: str, key: str) -> None:
    if not any(word in text.casefold() for part in BOOK.corrections[key].parts for word in BOOK.parts[part]):
        assert GUARD.problem(text, fact(key))


WORDS = sorted(
    {
        word
        for entry in BOOK.corrections.values()
        for text in entry.phrases
        for word in text.casefold().split()
    }
    | {word for entry in BOOK.corrections.values() for word in entry.against}
    | {"not", "don't", "never", "from", "stop", "five", "30", "pain"}
)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9), st.sampled_from(CORRECTIONS))
def test_shuffled_words_pass_only_with_part_and_direction(words: list[str], key: str) -> None:
    entry = BOOK.corrections[key]
    text = " ".join(words)
    if GUARD.problem(text, fact(key)) == "":
        assert not set(words) & set(entry.against)
        assert not set(words) & {"not", "don't", "never", "from", "stop", "five", "30", "pain"}
        assert any(word in text for word in entry.toward)
        assert any(word in text for part in entry.parts for word in BOOK.parts[part])


@pytest.mark.parametrize(
    ("text", "numbers", "corrections", "passes"),
    [
        ("Eight repetitions. Next set: Push your knees out.", (8, 0), ("knees_out",), True),
        ("Eight repetitions. Next set: Push your knees out.", (8, 0), (), False),
        ("Nine repetitions.", (8, 0), (), False),
        ("8 repetitions.", (8, 0), (), True),
        ("Eight repetitions, you are cured.", (8, 0), (), False),
        ("<b>Eight</b> repetitions.", (8, 0), (), False),
        ("", (8, 0), (), False),
    ],
)
def test_summaries_hold_only_measured_numbers(
    text: str, numbers: tuple[int, ...], corrections: tuple[str, ...], passes: bool
) -> None:
    assert (GUARD.summary_problem(text, numbers, corrections) == "") is passes
