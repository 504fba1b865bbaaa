"""How the figures of the coach are put together, and how what was heard is judged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bench import coaching
from bench.hearing import RATE, utterances
from bench.spoken_phrases import (
    Kind,
    Spoken,
    book_phrases,
    opposites,
    parts_in,
    side_of,
    understood,
    words_of,
)
from kinecue.coaching.phrasebook import load_phrase_book

KEYS = {"recognised_rate", "fault_to_cue_ms", "cue_to_sample_ms", "model", "guard", "sets"}
MS = {"median": 20.0, "p99": 40.0, "n": 100}
GOOD = {
    "cue_latency": {"fault_to_cue_ms": MS, "cue_to_sample_ms": MS, "cues": 100},
    "language_model": {"ms_per_choice": 140.0, "rss_mb": 350.0, "ms_per_token": 13.0},
    "voice_failures": {"voice": [], "model": []},
    "guard": {"tried": 10000, "unsafe_passed": 0, "good_refused": 0.1, "table": []},
    "coaching_sets": {
        "cues_per_min": 3.0, "dangers_in_time": 1.0, "corrections_in_clean_sets": 0, "late_spoken": 0,
    },
    "speech_recognised": {"recognised_rate": {"piper": {"en": 0.99}, "pico": {"de": 0.98}}},
}  # fmt: skip
EVERY = 5
"""So that the test is quick."""
BOOKS = Path(__file__).resolve().parents[2] / "config" / "phrases"


def stand_in(monkeypatch, name, measure):
    module = ModuleType(f"bench.{name}")
    module.measure = measure
    monkeypatch.setitem(sys.modules, f"bench.{name}", module)


@pytest.fixture
def helpers(monkeypatch):
    for name, found in GOOD.items():
        stand_in(monkeypatch, name, lambda console, quick, found=found: dict(found))


def run(tmp_path, *arguments):
    return coaching.main(["--output", str(tmp_path / "coaching.json"), *arguments])


def read(tmp_path):
    return json.loads((tmp_path / "coaching.json").read_text(encoding="utf-8"))


def test_the_document_has_the_figures_that_the_issue_names(helpers, tmp_path):
    assert run(tmp_path) == 0
    document = read(tmp_path)
    assert set(document) >= KEYS == set(coaching.KEYS)
    assert document["fault_to_cue_ms"]["p99"] == 40.0
    assert document["model"] == {"ms_per_choice": 140.0, "rss_mb": 350.0}
    assert document["guard"] == {"tried": 10000, "unsafe_passed": 0, "good_refused": 0.1}
    assert set(document["sets"]) == {
        "cues_per_min", "dangers_in_time", "corrections_in_clean_sets", "late_spoken",
    }  # fmt: skip
    assert document["recognised_rate"]["pico"]["de"] == 0.98
    assert document["problems"] == {}
    assert document["details"]["model"]["ms_per_token"] == 13.0


def test_a_part_that_fails_is_named_and_costs_the_others_nothing(helpers, monkeypatch, tmp_path):
    def broken(console, quick):
        raise ValueError("no wheel")

    assert run(tmp_path) == 0
    stand_in(monkeypatch, "language_model", broken)
    assert run(tmp_path, "--only", "model") == 1
    document = read(tmp_path)
    assert document["problems"] == {"model": "ValueError: no wheel"}
    assert "model" not in document
    assert document["guard"]["tried"] == 10000
    assert run(tmp_path, "--only", "guard") == 0


@pytest.mark.parametrize(
    ("name", "found", "part", "said"),
    [
        ("cue_latency", {"fault_to_cue_ms": {"median": 1.0, "p99": None}, "cue_to_sample_ms": MS}, "latency",
         "fault_to_cue_ms p99 is None"),
        ("cue_latency", {"fault_to_cue_ms": 3.0, "cue_to_sample_ms": MS}, "latency", "expected median and p99"),
        ("guard", {"tried": 1}, "guard", "unsafe_passed is missing"),
        ("speech_recognised", {"recognised_rate": {}}, "recognition", "has no engine"),
        ("speech_recognised", {"recognised_rate": {"piper": {"en": 98.0}}}, "recognition", "expected 0 to 1"),
    ],
)  # fmt: skip
def test_a_figure_that_is_missing_or_no_figure_is_told(
    helpers, monkeypatch, tmp_path, name, found, part, said
):
    stand_in(monkeypatch, name, lambda console, quick: found)
    assert run(tmp_path) == 1
    assert said in read(tmp_path)["problems"][part]


# --- what was heard


@pytest.fixture(scope="module")
def english():
    return load_phrase_book(BOOKS / "en.yaml")


@pytest.mark.parametrize(
    ("heard", "right"),
    [
        ("push your knees out", True),
        ("Drive your knees apart!", True),
        ("push your knees in", False),
        ("push your hips out", False),
        ("push your left knee out", False),
        ("push your knees", False),
        ("", False),
        (None, False),
    ],
)
def test_body_part_side_and_direction_count(english, heard, right):
    spoken = Spoken("Push your knees out", Kind.ORDER, "knees_out", "knees_out")
    assert understood(heard, spoken, english, {}) is right


def test_what_corrects_nothing_has_to_be_of_its_own_group(english):
    groups = {words_of(one.text): one.group for one in book_phrases(english)}
    stop = Spoken(english.stop.say[0], Kind.STOP, "stop")
    assert understood(english.stop.say[1], stop, english, groups)
    assert not understood(english.encourage.say[0], stop, english, groups)
    assert not understood("twelve", Spoken("two", Kind.NUMBER, "number 2"), english, groups)


def test_the_longer_name_of_a_body_part_goes_first(english):
    assert parts_in("Keep your upper body still", english) == {"trunk"}
    assert side_of("Keep your left heel down", english) == "left"


@pytest.mark.parametrize("language", sorted(path.stem for path in BOOKS.glob("*.yaml")))
def test_a_sentence_is_understood_and_none_of_its_opposites(language):
    book = load_phrase_book(BOOKS / f"{language}.yaml")
    phrases = book_phrases(book)
    assert {one.correction for one in phrases} >= set(book.corrections)
    groups = {words_of(one.text): one.group for one in phrases}
    tried = 0
    assert all(understood(one.text, one, book, groups) for one in phrases)
    for one in phrases[::EVERY]:
        for wrong in opposites(one, book):
            tried += one.correction != ""
            assert not understood(wrong, one, book, groups), (one.text, wrong)
    assert tried > 100


def test_stretches_of_speech_are_found():
    speech = (np.sin(np.arange(RATE // 2) * 0.1) * 8000).astype(np.int16)
    pause, breath = np.zeros(RATE, np.int16), np.zeros(RATE // 5, np.int16)
    spans = utterances(np.concatenate([pause, speech, breath, speech, pause, speech, pause]), RATE)
    assert [round(first / RATE, 1) for first, _ in spans] == [1.0, 3.2]
    assert [round((last - first) / RATE, 1) for first, last in spans] == [1.2, 0.5]
    assert utterances(pause, RATE) == []
