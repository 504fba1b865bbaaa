"""Does the guard let anything wrong through, and how much that is good does it refuse?

    python bench/guard.py [--quick] [--no-model] [--json FILE] [--show N]

Good cues (the phrase books, and paraphrases written by hand) are broken in every way that `guard_breakages` has; random
words and text, cues of other corrections and what SmolLM2 really replies come on top. A reply that passes is
unsafe if it was broken by construction, or if the second checker (`guard_judge`) finds something in it. The guard's
strictness is the share that it refuses of paraphrases that nobody has looked at (held_out.yaml).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import guard_replies as replies
from guard_breakages import Reply
from guard_judge import why_unsafe
from rich.console import Console
from rich.progress import track
from rich.table import Table

from kinecue.body.paths import share_dir
from kinecue.coaching.guard import SAY, Guard
from kinecue.coaching.language.builtin import BuiltinModel
from kinecue.coaching.language.installation import language_folder
from kinecue.coaching.phrasebook import PhraseBook, load_phrase_book

_SEED = 7
_FULL, _QUICK = 60_000, 10_000
"""Broken replies, drawn from all of them."""
_MODEL_REPLIES = 300


@dataclass
class Tally:
    """What the guard did with replies of one kind."""

    tried: int = 0
    passed: int = 0
    unsafe: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Language, correction, text, why."""
    refused_good: list[tuple[str, str, str, str]] = field(default_factory=list)


def books() -> dict[str, PhraseBook]:
    """All phrase books, by language."""
    files = sorted((share_dir() / "config" / "phrases").glob("*.yaml"))
    loaded = (load_phrase_book(file) for file in files)
    return {book.language: book for book in loaded}


def good_replies(book: PhraseBook) -> list[Reply]:
    """Everything good that is broken."""
    halves = (replies.paraphrases(book, half) for half in ("built_on", "held_out"))
    return [*replies.book_cues(book), *(one for half in halves for one in half)]


def all_broken(known: dict[str, PhraseBook], rng: random.Random, count: int) -> list[Reply]:
    """`count` broken replies, every way as often as there are replies of it, at least a hundredth of all."""
    by_way: dict[str, list[Reply]] = {}
    for book in known.values():
        for good in good_replies(book):
            for one in (
                *replies.broken(good, book, rng),
                *replies.foreign(good, known, rng),
                *replies.shuffled(good, rng),
            ):
                by_way.setdefault(one.how, []).append(one)
        others = [*replies.of_other_corrections(book), *replies.unsafe_by_hand(book)]
        others += replies.random_words(book, rng, count // 12)
        others += replies.random_text(book, rng, count // 60)
        for one in others:
            by_way.setdefault(one.how, []).append(one)
    total = sum(map(len, by_way.values()))
    chosen: list[Reply] = []
    for found in by_way.values():
        share = max(count // 100, round(count * len(found) / total))
        chosen += found if share >= len(found) else rng.sample(found, share)
    return chosen


def judged(sequence: Iterable[Reply], guards: dict[str, Guard]) -> dict[str, Tally]:
    """The guard's answers, by way."""
    tallies: dict[str, Tally] = {}
    for one in sequence:
        tally = tallies.setdefault(one.how, Tally())
        tally.tried += 1
        problem = guards[one.language].problem(one.text, one.fact, SAY)
        row = (one.language, one.fact.correction, one.text)
        if problem:
            if one.wrong is False:
                tally.refused_good.append((*row, problem))
            continue
        tally.passed += 1
        if one.wrong is False:
            continue
        why = "broken by construction" if one.wrong else why_unsafe(one.text, one.fact, one.language)
        if why:
            tally.unsafe.append((*row, why))
    return tallies


def summaries(known: dict[str, PhraseBook], guards: dict[str, Guard]) -> dict[str, Tally]:
    """The same for what is said after a set."""
    good, wrong = Tally(), Tally()
    for language, book in known.items():
        facts = replies.set_facts(book)
        for text in replies.GOOD_SUMMARIES.get(language, ()):
            good.tried += 1
            problem = guards[language].summary_problem(text, facts)
            good.passed += not problem
            if problem:
                good.refused_good.append((language, "summary", text, problem))
        for text in replies.WRONG_SUMMARIES.get(language, ()):
            wrong.tried += 1
            if not guards[language].summary_problem(text, facts):
                wrong.passed += 1
                wrong.unsafe.append((language, "summary", text, "broken by construction"))
    return {"summary, good": good, "summary, wrong": wrong}


def model_replies(book: PhraseBook, count: int) -> Iterator[Reply]:
    """What the built-in model replies, if it is installed."""
    folder = language_folder()
    if not folder.is_dir():
        return
    model = BuiltinModel(folder)
    try:
        yield from replies.of_model(book, model, random.Random(_SEED), count)
    finally:
        model.close()


def measure(console: Console, quick: bool = False, with_model: bool | None = None) -> dict[str, Any]:
    """Tries the guard, unless quick also with replies of the built-in model if it is installed.

    Returns:
        ``tried`` (broken, random and real replies), ``unsafe_passed`` (of those), ``good_refused`` (share of held-out
        paraphrases), and the same by language and by way of breaking.
    """
    known = books()
    guards = {language: Guard(book) for language, book in known.items()}
    sequence = all_broken(known, random.Random(_SEED), _QUICK if quick else _FULL)
    tallies = judged(track(sequence, "replies", console=console), guards)
    if with_model or (with_model is None and not quick):
        tallies |= judged(model_replies(known["en"], _MODEL_REPLIES), guards)
    good: dict[str, dict[str, Tally]] = {}
    for language, book in known.items():
        for half in ("built_on", "held_out"):
            found = judged(replies.paraphrases(book, half), guards)
            good.setdefault(half, {})[language] = next(iter(found.values()), Tally())
    after = summaries(known, guards)
    bad = tallies | {"summary": after["summary, wrong"]}
    result = {
        "tried": sum(tally.tried for tally in bad.values()),
        "unsafe_passed": sum(len(tally.unsafe) for tally in bad.values()),
        "good_refused": _refused(good["held_out"].values()),
        "good_refused_built_on": _refused(good["built_on"].values()),
        "good_refused_by_language": {
            language: _refused([tally]) for language, tally in good["held_out"].items()
        },
        "good_tried": sum(tally.tried for tally in good["held_out"].values()),
        "summaries_refused": _refused([after["summary, good"]]),
        "ways": {
            how: {"tried": tally.tried, "passed": tally.passed, "unsafe": len(tally.unsafe)}
            for how, tally in bad.items()
        },
        "unsafe": [row for tally in bad.values() for row in tally.unsafe][:200],
        "refused": [
            row
            for tally in (*good["built_on"].values(), after["summary, good"])
            for row in tally.refused_good
        ],
    }
    console.print(_table(bad, result))
    return result


def _refused(tallies: Iterable[Tally]) -> float | None:
    found = list(tallies)
    tried = sum(tally.tried for tally in found)
    return round(sum(len(tally.refused_good) for tally in found) / tried, 4) if tried else None


def _table(bad: dict[str, Tally], result: dict[str, Any]) -> Table:
    table = Table(title=f"Guard: {result['tried']} replies, {result['unsafe_passed']} unsafe passed")
    for column in ("way", "tried", "passed", "unsafe"):
        table.add_column(column)
    for how, tally in sorted(bad.items()):
        table.add_row(how, str(tally.tried), str(tally.passed), str(len(tally.unsafe)))
    for language, share in result["good_refused_by_language"].items():
        table.add_row(
            f"good refused, {language}, held out", "", "", f"{share:.1%}" if share is not None else "-"
        )
    table.add_row(
        "good refused, all, held out", str(result["good_tried"]), "", f"{result['good_refused']:.1%}"
    )
    return table


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="10,000 replies")
    parser.add_argument("--no-model", action="store_true", help="no real replies of the built-in model")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--show", type=int, default=20, help="how many unsafe ones to show")
    options = parser.parse_args()
    console = Console()
    result = measure(console, options.quick, False if options.no_model else None)
    for row in result["unsafe"][: options.show]:
        console.print(" | ".join(map(repr, row)), markup=False, highlight=False)
    if options.json:
        options.json.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
