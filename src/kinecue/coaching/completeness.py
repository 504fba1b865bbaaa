"""What a phrase book lacks: against another language, and against what exercises, machine and coach may ask it to say."""

from __future__ import annotations

from collections.abc import Iterable

from kinecue.coaching.facts import CueFact
from kinecue.coaching.guard import Guard
from kinecue.coaching.phrasebook import Correction, PhraseBook


def missing(book: PhraseBook, reference: PhraseBook, facts: Iterable[CueFact] = ()) -> list[str]:
    """What `book` lacks, one line each; empty if it is complete.

    Args:
        book: of the language in question.
        reference: what another language has; the English book, as a rule.
        facts: what may be raised; every one of them needs words that pass the guard.
    """
    facts = tuple(facts)
    lacks: list[str] = []
    if len(book.numbers) < len(reference.numbers):
        lacks.append(f"numbers: {len(book.numbers)} of {len(reference.numbers)}")
    for field in ("parts", "exercises", "corrections", "announcements"):
        lacks += [f"{field}.{key}" for key in getattr(reference, field) if key not in getattr(book, field)]
    for key, entry in reference.corrections.items():
        if key in book.corrections:
            lacks += [f"corrections.{key}.{what}" for what in _fewer(book.corrections[key], entry)]
    for name, words in reference.announcements.items():
        own = book.announcements.get(name)
        if own is not None and len(own.say) < min(len(words.say), 2):
            lacks.append(f"{name}.say: {len(own.say)} variants")
    known = [fact for fact in facts if fact.correction in book.corrections]
    lacks += [f"corrections.{fact.correction}" for fact in facts if fact.correction not in book.corrections]
    return list(dict.fromkeys((*lacks, *Guard(book).book_problems(known))))


def _fewer(entry: Correction, reference: Correction) -> list[str]:
    """Fields of a correction that have fewer variants than `reference`, and body parts that it does not have."""
    fields = ("say", "say_left", "say_right", "praise")
    found = [
        f"{field}: {len(getattr(entry, field) or ())} of {len(getattr(reference, field) or ())} variants"
        for field in fields
        if len(getattr(entry, field) or ()) < len(getattr(reference, field) or ())
    ]
    return found + [f"parts: {part}" for part in reference.parts if part not in entry.parts]
