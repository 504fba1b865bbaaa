"""Phrase books and settings: complete, and clear about what is wrong with a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from coaching_scene import BOOK, CONFIG

from kinecue.body.errors import ConfigError
from kinecue.coaching import CoachingSettings, load_phrase_book, load_settings
from kinecue.coaching.facts import Change, CueFact
from kinecue.coaching.wording import Wording
from kinecue.exercise.results import Phase, Severity, Side

BOOKS = sorted((CONFIG / "phrases").glob("*.yaml"))
EXERCISES = sorted((CONFIG / "exercises").glob("*.yaml"))
ENGLISH = (CONFIG / "phrases" / "en.yaml").read_text(encoding="utf-8")


def fact_of(exercise: str, name: str, fault: dict[str, Any], side: Side) -> CueFact:
    return CueFact(
        exercise, name, fault["correction"], fault["body_part"], "angle", Phase.TOP, side, 1,
        0.3, 0.02, 0.2, "rad", Change.LESS, Severity.RISK, 1.0,
    )  # fmt: skip


def test_every_phrase_of_an_exercise_is_listed_for_synthesis() -> None:
    phrases = BOOK.cue_phrases(["knees_out", "deeper", "knees_out", "unknown"], count_to=2)
    assert len(set(phrases)) == len(phrases)
    assert {"Push your knees out", "Push your left knee out", "Drop your hips lower"} <= set(phrases)
    assert set(BOOK.stop.say) <= set(phrases)
    assert phrases[-2:] == ("one", "two")
    assert "Keep your heels down" not in phrases


def test_no_phrase_of_one_correction_is_a_phrase_of_another() -> None:
    phrases = [phrase.casefold() for entry in BOOK.corrections.values() for phrase in entry.phrases]
    assert len(set(phrases)) == len(phrases)


def test_variants_take_turns() -> None:
    wording = Wording(BOOK)
    fact = fact_of("squat", "x", {"correction": "knees_out", "body_part": "knees"}, Side.BOTH)
    said = [wording.correction(fact)[0] for _ in range(6)]
    assert said == list(BOOK.corrections["knees_out"].say) * 2


def test_numbers_are_words_as_far_as_the_book_goes() -> None:
    assert [BOOK.number(n) for n in (0, 1, 12, 30, 31)] == ["0", "one", "twelve", "thirty", "31"]
    assert BOOK.number_sentence(BOOK.summary.counted, 1) == "One repetition."
    assert BOOK.number_sentence(BOOK.summary.counted, 5) == "Five repetitions."


def first(data: dict[str, Any]) -> dict[str, Any]:
    correction: dict[str, Any] = data["corrections"]["knees_out"]
    return correction


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        (lambda d: d.pop("language"), "language", "Field required"),
        (lambda d: d.update(language="English!"), "language", "pattern"),
        (lambda d: d.update(colour="red"), "", "unknown field colour; allowed: language, name, alphabet"),
        (lambda d: first(d).pop("praise"), "corrections.knees_out.praise", "Field required"),
        (
            lambda d: first(d).update(say=["Knees out now", "Go"]),
            "corrections.knees_out.say.1",
            "2 to 7 words",
        ),
        (lambda d: first(d).update(say=["Knees out now"]), "corrections.knees_out.say", "at least 3"),
        (lambda d: first(d).update(praise=["a b", "A b"]), "corrections.knees_out.praise", "given twice"),
        (
            lambda d: first(d).update(against=["out"]),
            "corrections.knees_out",
            "in toward and in against: out",
        ),
        (
            lambda d: first(d).update(parts=["wings"]),
            "",
            "corrections.knees_out: unknown body part wings; allowed: arms, back",
        ),
        (lambda d: d["summary"]["counted"].update(many="{count} reps"), "summary.counted.many", "{n}"),
        (lambda d: d["summary"]["counted"].update(many="{n} of 12"), "summary.counted.many", "no number"),
    ],
)
def test_a_wrong_phrase_book_names_file_and_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], field: str, problem: str
) -> None:
    data = BOOK.model_dump(mode="json", exclude_none=True)
    change(data)
    path = tmp_path / "xx.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_phrase_book(path)
    assert str(path) in str(caught.value)
    assert caught.value.field == field
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "dictionary"),
        (b"[1, 2", "not valid YAML"),
        (b"\xff\xfe\x00", "UTF-8"),
        (ENGLISH.encode() + b"\nlanguage: de\n", "'language' is given twice"),
        (b"!!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_phrase_book(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "xx.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"xx\.yaml") as caught:
        load_phrase_book(path)
    assert problem in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml: cannot be read"):
        load_phrase_book(tmp_path / "nothing.yaml")


def test_the_shipped_settings_are_the_defaults() -> None:
    shipped = load_settings(CONFIG / "coaching.yaml")
    assert shipped.model_copy(update={"opposites": ()}) == CoachingSettings()
    assert set(yaml.safe_load((CONFIG / "coaching.yaml").read_text())) == set(CoachingSettings.model_fields)
    for pair in shipped.opposites:
        assert set(pair) <= set(BOOK.corrections)
        assert shipped.contradicts(*pair)
        assert shipped.contradicts(*reversed(pair))


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        ("gap_s: -1", "gap_s", "greater than or equal to 0"),
        ("gap_s: .nan", "gap_s", "finite number"),
        ("min_probability: 0.2", "min_probability", "0.5"),
        ("praise: perhaps", "praise", "boolean"),
        ("gap: 1", "", "unknown field gap; allowed: talk, min_probability"),
    ],
)
def test_a_wrong_setting_names_file_field_and_range(
    tmp_path: Path, line: str, field: str, problem: str
) -> None:
    path = tmp_path / "coaching.yaml"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert caught.value.field == field
    assert problem in str(caught.value)
    assert str(path) in str(caught.value)
