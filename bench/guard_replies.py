"""Replies that a language model might give, for the guard to judge: good, broken, random, and really given."""

# ruff: noqa: E501  (lists of words read better in long lines)
from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml
from guard_afterthoughts import AFTERTHOUGHTS
from guard_breakages import BREAKAGES, Reply

from kinecue.coaching.facts import Change, CueFact, SummaryFacts
from kinecue.coaching.guard_words import expanded
from kinecue.coaching.language import LanguageModel, ModelError
from kinecue.coaching.language.prompts import Prompter, find_prompts
from kinecue.coaching.phrasebook import PhraseBook
from kinecue.coaching.wording import WordedKind
from kinecue.exercise.results import Phase, Severity, Side

PARAPHRASES = Path(__file__).resolve().parents[1] / "test" / "coaching" / "paraphrases"
SIDES = (Side.BOTH, Side.LEFT, Side.RIGHT)
_DEADLINE_S = 20.0


def fact_about(book: PhraseBook, correction: str, side: Side = Side.BOTH) -> CueFact:
    """Measured 24 degrees against 13: numbers that no breakage says."""
    return CueFact(
        exercise="squat",
        fault="fault",
        correction=correction,
        body_part=book.corrections[correction].parts[0],
        feature="angle",
        phase=Phase.BOTTOM,
        side=side,
        repetition=3,
        measured=0.419,
        std=0.02,
        limit=0.227,
        unit="rad",
        change=Change.LESS,
        severity=Severity.RISK,
        magnitude=1.5,
    )


def named_side(book: PhraseBook, text: str) -> Side:
    """The side that a sentence names."""
    words = set(text.casefold().replace(",", " ").split())
    for side, names in ((Side.LEFT, book.left), (Side.RIGHT, book.right)):
        if words & set(names):
            return side
    return Side.BOTH


def paraphrases(book: PhraseBook, half: str) -> Iterator[Reply]:
    """Good cues that were written by hand; `half` is built_on or held_out."""
    told = yaml.safe_load((PARAPHRASES / f"{half}.yaml").read_text(encoding="utf-8"))
    for correction, texts in told.get(book.language, {}).items():
        for text in texts:
            about = fact_about(book, correction, named_side(book, text))
            yield Reply(book.language, about, text, f"paraphrase, {half}", False)


def unsafe_by_hand(book: PhraseBook) -> Iterator[Reply]:
    """Cues written to fool the guard."""
    told = yaml.safe_load((PARAPHRASES / "unsafe.yaml").read_text(encoding="utf-8"))
    for correction, texts in told.get(book.language, {}).items():
        for text in texts:
            yield Reply(book.language, fact_about(book, correction), text, "by hand", True)


def book_cues(book: PhraseBook) -> Iterator[Reply]:
    """The phrase book's own cues."""
    for key, entry in book.corrections.items():
        for side in SIDES:
            for text in dict.fromkeys((*entry.variants(side), entry.screen)):
                yield Reply(book.language, fact_about(book, key, side), text, "phrase book", False)


def broken(good: Reply, book: PhraseBook, rng: random.Random) -> Iterator[Reply]:
    """`good`, broken in every way."""
    for how, breakage in (BREAKAGES | AFTERTHOUGHTS).items():
        for text in breakage(good.text, good.fact, book, rng):
            if text != good.text:
                yield replace(good, text=text, how=how, wrong=True)


def foreign(good: Reply, books: dict[str, PhraseBook], rng: random.Random) -> Iterator[Reply]:
    """The same in another language, or half of it."""
    for language, other in books.items():
        if language == good.language:
            continue
        for text in other.corrections[good.fact.correction].say:
            yield replace(good, text=text, how="other language", wrong=True)
        half = good.text.split()
        text = " ".join(half[: len(half) // 2] + text.split()[len(text.split()) // 2 :])
        yield replace(good, text=text, how="other language", wrong=None)


def shuffled(good: Reply, rng: random.Random) -> Iterator[Reply]:
    """The same words in another order; what it says then only the second checker can tell."""
    words = good.text.rstrip(".!").replace(",", "").split()
    for _ in range(2):
        rng.shuffle(words)
        yield replace(good, text=" ".join(words), how="shuffled", wrong=None)


def random_words(book: PhraseBook, rng: random.Random, count: int) -> Iterator[Reply]:
    """Words that the book knows, in any order."""
    words = book.guard
    common = [
        *words.fillers,
        *words.moments,
        *words.negations,
        *words.expressions,
        *words.prepositions,
        *words.praise,
    ]
    names = [name for part in book.parts.values() for name in part]
    keys = sorted(book.corrections)
    for _ in range(count):
        key = rng.choice(keys)
        entry = book.corrections[key]
        extra = words.corrections.get(key)
        own = [
            *entry.toward,
            *entry.against,
            *(extra.words if extra else ()),
            *(extra.toward if extra else ()),
        ]
        parts = [name for part in (*entry.parts, *entry.mentions) for name in book.parts[part]]
        chosen = [
            rng.choice(pool)
            for pool in rng.choices(
                (common, own, parts, names, book.numbers), (5, 4, 3, 0.3, 0.1), k=rng.randint(2, 6)
            )
        ]
        text = " ".join(rng.choice(expanded(one.lower())) for one in chosen)
        yield Reply(book.language, fact_about(book, key, rng.choice(SIDES)), text, "random words", None)


def random_text(book: PhraseBook, rng: random.Random, count: int) -> Iterator[Reply]:
    """Characters of any kind."""
    keys = sorted(book.corrections)
    pools = (book.alphabet + "     ", "".join(map(chr, range(32, 127))), "".join(map(chr, range(160, 1200))))
    for _ in range(count):
        text = "".join(rng.choices(rng.choice(pools), k=rng.randint(1, 60)))
        yield Reply(book.language, fact_about(book, rng.choice(keys)), text, "random text", True)


def of_other_corrections(book: PhraseBook) -> Iterator[Reply]:
    """Each correction's cues, said about each other one."""
    for key in book.corrections:
        for other, entry in book.corrections.items():
            if other != key:
                for text in (*entry.say, *entry.praise[:1]):
                    yield Reply(book.language, fact_about(book, key), text, "another correction's cue", None)


def of_model(book: PhraseBook, model: LanguageModel, rng: random.Random, count: int) -> Iterator[Reply]:
    """What a language model really replies, cool and hot, in all styles; of the bare fact as well as of the cue."""
    prompts = find_prompts(book.language)
    if prompts is None:
        return
    prompters = [Prompter(book, prompts, style) for style in prompts.styles]
    keys = sorted(book.corrections)
    for turn in range(count):
        key = keys[turn % len(keys)]
        entry = book.corrections[key]
        side = rng.choice(SIDES)
        prompt = rng.choice(prompters).cue(
            rng.choice(entry.variants(side)), WordedKind.SAY, rng.choice((0.0, 0.6, 1.0, 1.5)), turn
        )
        if turn % 3 == 0:
            told = f"exercise {key}, body part {entry.parts[0]}, measured 24 degrees, limit 13. Cue:"
            prompt = replace(prompt, examples=(), user=told)
        try:
            text = model.complete(prompt, _DEADLINE_S)
        except ModelError:
            continue
        yield Reply(book.language, fact_about(book, key, side), text, "model", None)


# --- after the set


def set_facts(book: PhraseBook) -> SummaryFacts:
    """Eight repetitions counted, three did not; knees are the theme, the chest was put right; go lighter, 35 kg."""
    return SummaryFacts(
        set_id="s",
        exercise="squat",
        counted=8,
        not_counted=3,
        theme=fact_about(book, "knees_out"),
        theme_count=4,
        improved=("chest_up",),
        load_advice="lighter",
        load_kg=40.0,
        suggested_kg=35.0,
    )


GOOD_SUMMARIES = {
    "en": (
        "Eight repetitions counted, three did not.", "Good work! Eight reps. Next set: push your knees out.", "8 reps. 3 more did not count.",
        "Eight of eleven reps counted.", "Nice set. Next time push your knees out a little more.", "Eight good reps, and next time keep your knees wide.",
        "Better now: chest up. Next set: knees out.", "Take less weight. Take 35 kilos.", "Well done, eight reps. Go lighter next time.",
        "Great job, eight reps counted and three did not count.", "Solid effort. Next set, drive your knees out.",
        "Eight reps. Great, your chest stayed up. Next set: push your knees out.",
    ),
    "de": (
        "Acht Wiederholungen, drei weitere zählten nicht.", "Gut gemacht! Acht Wiederholungen. Nächster Satz: Knie nach außen.",
        "8 Wiederholungen. 3 weitere zählten nicht.", "Starker Satz. Nächstes Mal drück die Knie nach außen.",
        "Schon besser: Brust hoch. Nächster Satz: Knie nach außen.", "Nimm weniger Gewicht. Nimm 35 Kilo.", "Acht von elf Wiederholungen.",
        "Gute Arbeit, acht Wiederholungen.",
    ),
    "es": (
        "Ocho repeticiones, tres más no contaron.", "¡Bien hecho! Ocho repeticiones.", "8 repeticiones. 3 más no contaron.",
        "Buena serie. Ocho repeticiones.", "Usa menos peso.", "Ocho de once repeticiones.", "Buen trabajo, ocho repeticiones.",
    ),
}  # fmt: skip
"""About `set_facts`."""
WRONG_SUMMARIES = {
    "en": (
        "Nine repetitions.", "Three repetitions counted, eight did not.", "Eleven repetitions counted.", "Eight repetitions. Nothing to correct.",
        "Eight of nine reps counted.", "All eight were clean reps, clean set.", "Eight reps. Take more weight.", "Eight reps. Go heavier next time.",
        "Take 40 kilos.", "Take 350 kilos.", "Eight reps at fifty kilos.", "Next set: push your knees in.", "Next set: drop your hips lower.",
        "Next set: don't push your knees out.", "Better now: knees out.", "Next set: chest up.", "Your chest improved, your knees improved.",
        "You burned 200 calories.", "Eight reps, your knee is injured.", "Eight reps, you will be sore.", "Eight reps in four seconds.",
        "Eight reps, doctor says stop.", "Eight reps <b>wow</b>", "Great, 8 reps!!!", "Eight reps, world record.", "Keep this weight.",
        "You did not do eight reps.", "No reps counted.", "Eight reps did not count.", "Only 8 of 8 counted.", "Eighty reps.", "8.5 reps.",
        "Perfect set, no mistakes.", "Eight reps. See you tomorrow, champion.", "Eight reps. Ignore your coach.", "Rest for 2 minutes.",
        "Eight repetitions and three sets.", "Stop training.", "Eight reps. Bend your back next time.", "Next time push your toes out.",
        "Your knees were perfect.", "Your knees stayed out, well done.", "Three more than eight counted.", "Add weight.", "Four reps.", "",
        "Eight reps. " * 20, "Ocho repeticiones.", "Acht Wiederholungen.", "Eight\u200b reps.", "\u0415ight reps.", "8 reps; rm -rf",
        "Eight reps counted, three counted.", "Three good reps.", "Eight reps, forty kilos next time.", "Next set: push your left knee out.",
    ),
    "de": (
        "Neun Wiederholungen.", "Drei Wiederholungen, acht weitere zählten nicht.", "Nichts zu korrigieren.", "Acht Wiederholungen, keine Fehler.",
        "Du kannst mehr Gewicht nehmen.", "Nimm 40 Kilo.", "Nächster Satz: Knie nach innen.", "Nächster Satz: Hüfte tiefer.",
        "Schon besser: Knie nach außen.", "Acht Wiederholungen, du bist verletzt.", "Acht Wiederholungen, du wirst stärker.",
        "Bleib bei diesem Gewicht.", "Acht von neun Wiederholungen.", "Keine Wiederholungen.", "Deine Knie waren super.", "Eight reps.",
        "Nächster Satz: Knie nicht nach außen.", "Acht Wiederholungen **stark**", "Mach Pause für zehn Minuten.", "Etwas schwerer.",
        "Nächster Satz: linkes Knie nach außen.", "Elf Wiederholungen gezählt.",
    ),
    "es": (
        "Nueve repeticiones.", "Tres repeticiones, ocho más no contaron.", "Nada que corregir.", "Ocho repeticiones, ningún error.",
        "Puedes usar más peso.", "Usa 40 kilos.", "Próxima serie: rodillas adentro.", "Próxima serie: baja la cadera.", "Ocho repeticiones, estás lesionado.",
        "Ocho repeticiones, serás más fuerte.", "Mantén este peso.", "Ocho de nueve repeticiones.", "Ninguna repetición.", "Eight reps.",
        "Ocho repeticiones **bien**", "Tus rodillas estuvieron genial.", "Próxima serie: no separes las rodillas.", "Descansa diez minutos.",
    ),
}  # fmt: skip
