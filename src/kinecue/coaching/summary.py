"""What is said after a set: measured numbers and what to work on, nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from kinecue.coaching.facts import fact_from
from kinecue.coaching.memory import FaultMemory
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.coaching.wording import Wording
from kinecue.exercise.results import RepetitionStatus, SetSummary, Side


def summary_text(
    wording: Wording,
    summary: SetSummary,
    known: Mapping[str, FaultMemory],
    stopped: bool,
) -> tuple[str, str, str]:
    """Spoken text and screen text of a finished set, or the reason why nothing is said.

    Args:
        wording: the words, and the guard that checks them against the numbers of `summary`.
        summary: the finished set.
        known: what the coach knows about the faults of the set, by name.
        stopped: the lifter was told to stop; then there is no talk of a next set.
    """
    book = wording.book
    not_counted = sum(
        max(0, n) for status, n in summary.not_counted.items() if status != RepetitionStatus.SETUP
    )
    counted = max(0, summary.counted)
    if counted == 0:
        return "", "", "no repetition was counted"
    words = book.summary
    said = [book.number_sentence(words.counted, counted)]
    screen = [words.counted.screen.format(n=counted)]
    if not_counted:
        said.append(book.number_sentence(words.not_counted, not_counted))
        screen.append(words.not_counted.screen.format(n=not_counted))
    corrections: list[str] = []
    theme = _what_to_work_on(book, summary, known)
    if theme is not None and not stopped:
        entry = book.corrections[theme.correction]
        # Of both sides: which one it was differs between repetitions.
        fact = fact_from(theme.last_fault, side=Side.BOTH)
        cue, problem = wording.correction(fact)
        if not problem:
            corrections.append(theme.correction)
            said.append(words.next.say.format(cue=cue))
            screen.append(words.next.screen.format(cue=entry.screen))
    if not (known or any(summary.faults.values()) or summary.abstained or not_counted):
        said.append(words.clean.say)
        screen.append(words.clean.screen)
    text = " ".join(said)
    problem = wording.guard.summary_problem(text, (counted, not_counted), corrections)
    return ("", "", f"guard: {problem}") if problem else (text, ", ".join(screen), "")


def _what_to_work_on(
    book: PhraseBook, summary: SetSummary, known: Mapping[str, FaultMemory]
) -> FaultMemory | None:
    """The worst fault, then the most frequent, that was not put right within the set."""
    open_faults = [
        fault
        for fault in known.values()
        if summary.faults.get(fault.name, 0) > 0 and not fault.fixed and fault.correction in book.corrections
    ]
    return min(
        open_faults, key=lambda one: (-one.severity, -summary.faults[one.name], one.name), default=None
    )
