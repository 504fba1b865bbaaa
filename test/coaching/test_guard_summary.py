"""After a set each number is that of what it counts, and each claim was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_guard import BOOKS, CORRECTIONS, GUARD, GUARDS, fact

from kinecue.coaching.facts import SummaryFacts

FACTS = SummaryFacts(
    set_id="s",
    exercise="squat",
    counted=8,
    not_counted=3,
    theme=fact("knees_out"),
    theme_count=4,
    improved=("chest_up",),
    load_advice="lighter",
    load_kg=40.0,
    suggested_kg=35.0,
)
CLEAN = SummaryFacts(set_id="s", exercise="squat", counted=8, clean=True, load_advice="heavier")


@pytest.mark.parametrize(
    "text",
    [
        "Eight repetitions counted, three did not.",
        "8 reps. 3 more did not count.",
        "Eight of eleven reps counted.",
        "Good work! Eight reps. Next set: push your knees out.",
        "Nice set. Next time push your knees out a little more.",
        "Eight good reps, and next time keep your knees wide.",
        "Better now: chest up. Next set: knees out.",
        "Eight reps. Great, your chest stayed up.",
        "Take less weight. Take 35 kilos.",
    ],
)
def test_what_was_measured_may_be_said(text: str) -> None:
    assert GUARD.summary_problem(text, FACTS) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Nine repetitions.",
        "Three repetitions counted, eight did not.",
        "Eight reps did not count.",
        "Eleven reps counted.",
        "Eight of nine reps counted.",
        "Nothing to correct.",
        "Perfect set, no mistakes.",
        "Take more weight.",
        "Keep this weight.",
        "Take 40 kilos.",
        "Next set: push your knees in.",
        "Next set: don't push your knees out.",
        "Next set: push your left knee out.",
        "Next set: drop your hips lower.",
        "Next set: chest up.",
        "Better now: knees out.",
        "Your knees stayed out, well done.",
        "Eight reps, your knee is injured.",
        "Eight reps, you will be stronger.",
        "Eight reps in four seconds.",
        "Eight.",
        "<b>Eight</b> reps.",
        "Eight reps. Eight reps.",
        "Ocho repeticiones.",
        "Eight\u200b reps.",
        "Eight reps " * 15,
        "",
    ],
)
def test_what_was_not_measured_may_not(text: str) -> None:
    assert GUARD.summary_problem(text, FACTS)


def test_claims_hold_only_where_they_were_measured() -> None:
    for text in ("Nothing to correct.", "You can take more weight."):
        assert GUARD.summary_problem(text, CLEAN) == ""
    assert GUARD.summary_problem("Better now: chest up.", CLEAN)
    assert GUARD.summary_problem("Next set: knees out.", CLEAN)
    stopped = replace(FACTS, stopped=True)
    assert GUARD.summary_problem("Rest before you go on.", stopped) == ""
    assert GUARD.summary_problem("Next set: knees out.", stopped)


@pytest.mark.parametrize("language", BOOKS)
def test_the_books_own_sentences_pass(language: str) -> None:
    book, guard = BOOKS[language], GUARDS[language]
    words = book.summary
    for counted, not_counted in ((1, 0), (1, 1), (8, 3), (30, 2), (45, 31)):
        text = book.number_sentence(words.counted, counted)
        if not_counted:
            text += " " + book.number_sentence(words.not_counted, not_counted)
        facts = replace(FACTS, counted=counted, not_counted=not_counted)
        assert guard.summary_problem(text, facts) == "", text
        more = replace(facts, counted=counted + 1, not_counted=not_counted + 5, theme=None)
        assert guard.summary_problem(text, more), text
    for key in CORRECTIONS:
        entry = book.corrections[key]
        facts = replace(FACTS, theme=fact(key, book=book), improved=())
        for cue in (*entry.say, entry.screen):
            assert guard.summary_problem(words.next.say.format(cue=cue), facts) == "", cue
        better = replace(FACTS, theme=None, improved=(key,))
        for praise in entry.praise:
            text = words.improved.say.format(praise=praise)
            assert guard.summary_problem(text, facts), text
            assert guard.summary_problem(text, better) == "", text
    for advice, sentence in (
        ("heavier", words.load_heavier),
        ("lighter", words.load_lighter),
        ("keep", words.load_keep),
        ("stop", words.load_stop),
    ):
        for told in ("heavier", "lighter", "keep", "stop"):
            facts = replace(FACTS, load_advice=told)
            assert (guard.summary_problem(sentence.say, facts) == "") is (advice == told), sentence.say
    assert guard.summary_problem(book.number_sentence(words.kilos, 35), FACTS) == ""
    assert guard.summary_problem(book.number_sentence(words.kilos, 36), FACTS)


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
def test_bare_numbers_are_enough_for_the_books_own_sentences(
    text: str, numbers: tuple[int, ...], corrections: tuple[str, ...], passes: bool
) -> None:
    assert (GUARD.summary_problem(text, numbers, corrections) == "") is passes
