"""What holds for the guard whatever is said to it."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_guard import BOOKS, CORRECTIONS, GUARDS, SIDES, cues, fact

from kinecue.coaching.guard_text import Expressions, odd_character, plain_words, repeated, words_of
from kinecue.coaching.guard_words import expanded

GOOD = [(language, about, text) for language, book in BOOKS.items() for about, text in cues(book)]
NEGATIONS = {
    "en": ("not", "don't", "never", "without"),
    "de": ("nicht", "nie", "kein", "ohne"),
    "es": ("no", "nunca", "sin", "ni"),
}
good = st.sampled_from(GOOD)


def inserted(text: str, word: str, at: int) -> str:
    words = text.split()
    at %= len(words) + 1
    return " ".join([*words[:at], word, *words[at:]])


@given(good, st.integers(0, 9), st.data())
def test_a_negation_anywhere_is_refused(one: tuple[str, object, str], at: int, data: st.DataObject) -> None:
    language, about, text = one
    word = data.draw(st.sampled_from(NEGATIONS[language]))
    assert GUARDS[language].problem(inserted(text, word, at), about)  # type: ignore[arg-type]


@given(good, st.integers(0, 9), st.text("bcdfghjklmnpqrstvwxz", min_size=5, max_size=9))
def test_an_unknown_word_anywhere_is_refused(one: tuple[str, object, str], at: int, word: str) -> None:
    language, about, text = one
    assert GUARDS[language].problem(inserted(text, word, at), about)  # type: ignore[arg-type]


@given(good, st.integers(0, 9), st.integers(0, 10**9))
def test_a_number_that_was_not_measured_is_refused(
    one: tuple[str, object, str], at: int, number: int
) -> None:
    language, about, text = one
    assume(number not in (10, 20))
    assert GUARDS[language].problem(inserted(text, str(number), at), about)  # type: ignore[arg-type]


@given(good, st.integers(0, 9), st.data())
def test_another_body_part_is_refused(one: tuple[str, object, str], at: int, data: st.DataObject) -> None:
    language, about, text = one
    book = BOOKS[language]
    entry = book.corrections[about.correction]  # type: ignore[attr-defined]
    others = sorted(set(book.parts) - set(entry.parts) - set(entry.mentions) - {"back"})
    word = book.parts[data.draw(st.sampled_from(others))][0]
    assume(word not in entry.toward)
    assert GUARDS[language].problem(inserted(text, word, at), about)  # type: ignore[arg-type]


@given(good, st.integers(0, 60), st.characters(blacklist_characters="-,.!:;'\u2019\u2013\u2014 \u00a1"))
def test_a_character_that_is_no_letter_of_the_language_is_refused(
    one: tuple[str, object, str], at: int, char: str
) -> None:
    language, about, text = one
    alphabet = BOOKS[language].alphabet
    assume(char not in alphabet and char not in alphabet.upper())
    at %= len(text) + 1
    assert GUARDS[language].problem(text[:at] + char + text[at:], about, "say")  # type: ignore[arg-type]


@given(good)
def test_capitals_make_no_difference(one: tuple[str, object, str]) -> None:
    language, about, text = one
    assert GUARDS[language].problem(text.upper().replace("SS", "ss"), about) == ""  # type: ignore[arg-type]


@given(st.text(max_size=60), st.sampled_from(sorted(BOOKS)), st.sampled_from(CORRECTIONS))
def test_text_of_any_kind_is_answered_and_rubbish_refused(text: str, language: str, key: str) -> None:
    book = BOOKS[language]
    named = (word for part in book.corrections[key].parts for word in book.parts[part])
    if not any(word.casefold() in text.casefold() for word in named):
        assert GUARDS[language].problem(text, fact(key, book=book))


@settings(max_examples=200)
@given(st.data(), st.sampled_from(sorted(BOOKS)), st.sampled_from(CORRECTIONS), st.sampled_from(SIDES))
def test_shuffled_words_pass_only_with_part_and_direction(
    data: st.DataObject, language: str, key: str, side: object
) -> None:
    book = BOOKS[language]
    entry = book.corrections[key]
    pool = sorted(
        {word for text in entry.phrases for word in plain_words(text)}
        | {*entry.against, *NEGATIONS[language]}
    )
    text = " ".join(data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=7)))
    if GUARDS[language].problem(text, fact(key, side, book)) == "":  # type: ignore[arg-type]
        words = set(plain_words(text))
        assert not words & {plain_words(one)[0] for one in entry.against if " " not in one}
        assert not words & set(NEGATIONS[language])
        assert any(" ".join(plain_words(name)) in text for part in entry.parts for name in book.parts[part])


@given(st.text(max_size=300))
def test_summaries_of_any_text_are_answered(text: str) -> None:
    for guard in GUARDS.values():
        assert isinstance(guard.summary_problem(text, (8, 2), ("knees_out",)), str)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("on (the|your) way up", ("on the way up", "on your way up")),
        ("(a|) bit", ("a bit", "bit")),
        ("plain words", ("plain words",)),
    ],
)
def test_patterns_stand_for_their_expressions(pattern: str, texts: tuple[str, ...]) -> None:
    assert expanded(pattern) == texts


@pytest.mark.parametrize("pattern", ["(a", "a|b", "((a|b))", "a)", "(a|b)" * 12])
def test_a_pattern_that_is_wrong_says_so(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"brackets|alternatives|expressions"):
        expanded(pattern)


def test_the_longest_expression_counts() -> None:
    found = Expressions({"short": ["the way"], "long": ["on the way (up|down)"], "word": ["up"]})
    kinds = [(token.text, token.kind) for token in found.tokens(words_of("push on the way up, up the way"))]
    assert kinds == [("push", ""), ("on the way up", "long"), ("|", ""), ("up", "word"), ("the way", "short")]
    assert found.first(["on", "the", "way"]) == "the way"


def test_an_expression_that_ends_with_a_comma_ends_a_clause() -> None:
    found = Expressions({"stop": ["leave it,"]})
    assert found.first([*words_of("leave it: go")]) == "leave it |"
    assert found.first([*words_of("leave it out")]) == ""


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        ("Knees out, don't stop.", False),
        ("\u00a1Ya!", False),
        ("twenty-five", False),
        ("wait ..", True),
        ("'quoted'", True),
        ("2 -3", True),
        ("a2", True),
        ("tab\there", True),
        ("\u212aelvin", True),
        ("x" * 31, True),
    ],
)
def test_only_characters_of_a_sentence_pass(text: str, odd: bool) -> None:
    assert bool(odd_character(text, "abcdefghijklmnopqrstuvwxyz", 30)) is odd


def test_what_is_said_twice_is_found() -> None:
    assert repeated(["knees", "out", "knees", "in"]) == ""
    assert repeated(["knees", "out", "|", "knees", "out"]) == "knees out"
    assert repeated(["out", "out"]) == "out out"
