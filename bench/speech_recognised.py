"""Measures whether what is spoken is understood: every sentence of every phrase book with every engine that exists.

A sentence counts if the recogniser hears the right body part, side and direction. It chooses among the sentences of the book
and those that differ by one word and mean something else: English by a grammar (pocketsphinx), all others by the likelihood
of each sentence given the sound (Whisper base), which also writes down freely what it heard.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from bench.hearing import RATE, Listener, Samples, SphinxListener  # noqa: E402
from bench.hearing_whisper import NoRecogniserError, WhisperListener, fetch  # noqa: E402
from bench.hearing_whisper_worker import FRAMES, as_written  # noqa: E402
from bench.spoken_phrases import Kind, Spoken, book_phrases, opposites, understood, words_of  # noqa: E402
from kinecue.body.paths import data_dir  # noqa: E402
from kinecue.coaching.phrasebook import PhraseBook, load_phrase_book  # noqa: E402
from kinecue.speech.audio import Utterance  # noqa: E402
from kinecue.speech.cache import PhraseCache  # noqa: E402
from kinecue.speech.choose import ENGINES, choose_engine, open_engine  # noqa: E402
from kinecue.speech.errors import EngineUnavailableError, SpeechError  # noqa: E402

BOOKS = ROOT / "config" / "phrases"
RESULT = ROOT / "bench_output" / "speech_recognised.json"
HEARD = ROOT / "bench_output" / "heard"
"""What Whisper made of a sound, by engine, sentence and alternatives: it takes a second or more for each."""
AIM = 0.98
QUICK_EVERY = 12
OWN_OPPOSITES = 12
NEAREST = 6
FOREIGN = 12
"""Sentences of another language that are given to a recogniser as a control."""
NOT_WORDS = 3
"""Silence, hiss and a tone."""


@dataclass
class Tally:
    """What became of the sentences of one engine in one language."""

    engine: str
    voice: str
    language: str
    by: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    controls: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Rates and the sentences that were misunderstood."""
        kinds = {kind.value: [row for row in self.rows if row["kind"] == kind.value] for kind in Kind}
        free = [row for row in self.rows if row.get("free") is not None]
        return {
            "voice": self.voice,
            "by": self.by,
            "sentences": len(self.rows),
            "right": _share(self.rows, "right"),
            "right_by_kind": {kind: _share(rows, "right") for kind, rows in kinds.items() if rows},
            "word_for_word": _share(self.rows, "word_for_word"),
            "free_right": _share(free, "free_right") if free else None,
            "controls": self.controls,
            "misunderstood": [row for row in self.rows if not row["right"]],
            "freely": [{k: row[k] for k in ("text", "free", "free_right")} for row in free],
        }


def _share(rows: Sequence[dict[str, Any]], key: str) -> float:
    return round(sum(bool(row[key]) for row in rows) / len(rows), 4) if rows else float("nan")


def candidates(spoken: Spoken, phrases: Sequence[Spoken], book: PhraseBook) -> list[str]:
    """For a recogniser that needs time for each: the sentence's family, its opposites, and others with the same words."""
    family = [one.text for one in phrases if _family(one) == _family(spoken)]
    mine = set(words_of(spoken.text).split())

    def shared(other: Spoken) -> float:
        words = set(words_of(other.text).split())
        return -len(words & mine) / len(words | mine)

    near = [one.text for one in sorted(phrases, key=shared)[:NEAREST]]
    return list(dict.fromkeys([spoken.text, *family, *opposites(spoken, book, OWN_OPPOSITES), *near]))


def _family(spoken: Spoken) -> str:
    return spoken.correction or spoken.kind.value


def _by_grammar(phrases: Sequence[Spoken], family: str, book: PhraseBook) -> list[str]:
    """The whole book, and the opposites of a family."""
    wrong = [text for one in phrases if _family(one) == family for text in opposites(one, book)]
    return [*(one.text for one in phrases), *wrong]


def _freely(
    tally: Tally, cache: PhraseCache, phrases: Sequence[Spoken], book: PhraseBook, listener: WhisperListener
) -> None:
    """Adds what a recogniser writes down that is not told what it might hear."""
    groups = {words_of(one.text): one.group for one in phrases}
    for row, one in zip(tally.rows, phrases, strict=True):
        row["free"] = _remembered(listener, cache, cache.make(one.text), ())["free"]
        row["free_right"] = understood(row["free"], one, book, groups)


def tallied(
    cache: PhraseCache,
    phrases: Sequence[Spoken],
    book: PhraseBook,
    listener: Listener,
    foreign: Sequence[str],
) -> Tally:
    """Every sentence, synthesised as the lifter hears it, and recognised."""
    engine = cache.engine
    tally = Tally(engine.name, engine.voice, book.language, listener.name)
    groups = {words_of(one.text): one.group for one in phrases}
    for one in phrases:
        sound = cache.make(one.text)
        row: dict[str, Any] = {"text": one.text, "kind": one.kind.value, "group": one.group}
        if isinstance(listener, WhisperListener):
            row |= _remembered(listener, cache, sound, candidates(one, phrases, book))
            row["free_right"] = understood(row["free"], one, book, groups)
        else:
            row["heard"] = listener.hear(
                sound.samples, sound.sample_rate, _by_grammar(phrases, _family(one), book)
            )
        row["right"] = understood(row["heard"], one, book, groups)
        row["word_for_word"] = words_of(row["heard"] or "") == words_of(one.text)
        tally.rows.append(row)
    tally.controls = controls(cache, phrases, listener, foreign)
    return tally


def _remembered(
    listener: WhisperListener, cache: PhraseCache, sound: Utterance, sentences: Sequence[str]
) -> dict[str, Any]:
    """What is heard, from disk if the same was asked before."""
    asked = [cache.key(sound.text), listener.name, listener.language, FRAMES, *map(as_written, sentences)]
    path = HEARD / (hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:40] + ".json")
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return known
    found = listener.listen(sound.samples, sound.sample_rate, sentences)
    row = {"heard": found.chosen, "margin": round(found.margin, 2), "free": found.free}
    HEARD.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    return row


def controls(
    cache: PhraseCache, phrases: Sequence[Spoken], listener: Listener, foreign: Sequence[str]
) -> dict[str, Any]:
    """What is taken for a correction that is none: silence, hiss, a tone, sentences of another language in this voice."""
    rng = np.random.default_rng(7)
    time_s = np.arange(2 * RATE) / RATE
    sounds: dict[str, tuple[Samples, int]] = {
        "silence": (np.zeros(2 * RATE, dtype=np.int16), RATE),
        "hiss": ((rng.normal(size=2 * RATE) * 300).astype(np.int16), RATE),
        "tone": ((np.sin(2 * np.pi * 220.0 * time_s) * 3000).astype(np.int16), RATE),
    }
    texts = [one.text for one in phrases]
    orders = {words_of(one.text) for one in phrases if one.correction}
    taken = {}
    for name, (samples, rate) in sounds.items():
        if isinstance(listener, WhisperListener):
            found = listener.listen(samples, rate)
            heard = found.free if words_of(found.free) in orders else None
        else:
            heard = listener.hear(samples, rate, texts)
        taken[name] = heard if heard and words_of(heard) in orders else None
    wrong = 0
    for text in foreign:
        try:
            sound = cache.engine.synthesize(text)
        except SpeechError:
            continue
        if isinstance(listener, WhisperListener):
            heard = listener.listen(sound.samples, sound.sample_rate).free
        else:
            heard = listener.hear(sound.samples, sound.sample_rate, texts)
        wrong += bool(heard) and words_of(heard or "") in orders
    return {"not_speech": taken, "foreign": len(foreign), "foreign_taken_for_a_correction": wrong}


def measured_pair(name: str, language: str, console: Console, quick: bool) -> dict[str, Any] | str:
    """One engine in one language; a text if it does not speak it or nobody can hear it."""
    try:
        engine = open_engine(name, data_dir() / "voice", language)
    except EngineUnavailableError as reason:
        return str(reason)
    book = load_phrase_book(BOOKS / f"{language}.yaml")
    phrases = book_phrases(book)
    spoken = phrases[::QUICK_EVERY] if quick else phrases
    other = next(path for path in sorted(BOOKS.glob("*.yaml")) if path.stem != language)
    foreign = [one.text for one in book_phrases(load_phrase_book(other)) if one.correction]
    foreign = foreign[:: max(1, len(foreign) // FOREIGN)][:FOREIGN]
    whisper: WhisperListener | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="kinecue-hearing-") as folder:
            cache = PhraseCache(engine, engine.sample_rate, Path(folder))
            try:
                fetch(lambda text: console.print(text, style="dim"))
                whisper = WhisperListener(language)
            except NoRecogniserError as reason:
                if language != "en":
                    return f"no recogniser for {language}: {reason}"
                console.print(f"[yellow]no free transcription: {reason}", highlight=False)
            listener: Listener = SphinxListener() if language == "en" or whisper is None else whisper
            tally = tallied(cache, spoken, book, listener, foreign[:3] if quick else foreign)
            if whisper is not None and listener is not whisper and is_default(name, language):
                _freely(tally, cache, spoken, book, whisper)
    finally:
        engine.close()
        if whisper is not None:
            whisper.close()
    return tally.document() | {"quick": quick}


def is_default(name: str, language: str) -> bool:
    """Whether the engine is the one that speaks the language unless another one is asked for."""
    choice = choose_engine("auto", voice_dir=data_dir() / "voice", language=language)
    choice.engine.close()
    return choice.engine.name == name


def measure(
    console: Console,
    quick: bool,
    engines: Sequence[str] = (),
    languages: Sequence[str] = (),
    document: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The share of sentences with the right body part and direction: ``recognised_rate`` [engine][language]."""
    found: dict[str, Any] = document if document is not None else {}
    details = found.setdefault("recognition", {})
    missing = found.setdefault("not_measured", {})
    for language in languages or sorted(
        (path.stem for path in BOOKS.glob("*.yaml")), key=lambda one: (one != "en", one)
    ):
        for name in engines or [one for one in ENGINES if one != "null"]:
            try:
                pair = measured_pair(name, language, console, quick)
            except SpeechError as error:
                pair = f"{type(error).__name__}: {error}"
            details.setdefault(name, {}).pop(language, None)
            missing.pop(f"{name} {language}", None)
            if isinstance(pair, str):
                missing[f"{name} {language}"] = pair
            else:
                details[name][language] = pair | {"default": is_default(name, language)}
                _progress(console, name, language, pair)
            RESULT.parent.mkdir(exist_ok=True)
            RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    found["recognised_rate"] = {
        name: {language: pair["right"] for language, pair in by.items()} for name, by in details.items() if by
    }
    table(found, console)
    return found


def _progress(console: Console, name: str, language: str, pair: dict[str, Any]) -> None:
    console.print(f"{name} {language}: {pair['right']:.1%} of {pair['sentences']}", highlight=False)
    for row in pair["misunderstood"]:
        console.print(
            f"  {row['group']}: {row['text']!r} was heard as {row['heard']!r}", highlight=False, markup=False
        )


def table(document: dict[str, Any], console: Console) -> None:
    """Engines and languages."""
    shown = Table(
        "engine", "language", "voice", "recogniser", "sentences", "body part and direction", "word for word",
        "written down freely", title="recognition",
    )  # fmt: skip
    for name, by in document["recognition"].items():
        for language, pair in by.items():
            style = "" if pair["right"] >= AIM else "[red]"
            shown.add_row(
                name + (" *" if pair["default"] else ""), language, pair["voice"], pair["by"],
                str(pair["sentences"]), f"{style}{pair['right']:.1%}", f"{pair['word_for_word']:.1%}",
                "-" if pair["free_right"] is None else f"{pair['free_right']:.1%}",
            )  # fmt: skip
    console.print(shown)
    console.print("* speaks unless another one is asked for", highlight=False)
    for pair, reason in document["not_measured"].items():
        console.print(f"{pair}: {reason}", highlight=False, markup=False, style="dim")


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if a default voice misses the aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every twelfth sentence")
    parser.add_argument("--engine", nargs="+", default=[], choices=[one for one in ENGINES if one != "null"])
    parser.add_argument("--language", nargs="+", default=[], metavar="TAG")
    options = parser.parse_args(arguments)
    document: dict[str, Any] = {}
    if (options.engine or options.language) and RESULT.is_file():
        document = json.loads(RESULT.read_text(encoding="utf-8"))
    found = measure(Console(width=170), options.quick, options.engine, options.language, document)
    RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    pairs = [pair for by in found["recognition"].values() for pair in by.values() if pair["default"]]
    return 0 if pairs and all(pair["right"] >= AIM for pair in pairs) else 1


if __name__ == "__main__":
    raise SystemExit(main())
