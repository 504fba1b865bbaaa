"""Exercise files: what ships is sound; what is wrong is named with file, line, field and allowed values."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body import ConfigError, KineCueError
from kinecue.exercise import ExerciseError, Phase, Severity, available_exercises, find_exercise, load_exercise
from kinecue.exercise.exercise_file import exercise_schema, parse_exercise

SQUAT = available_exercises()["squat"].read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("name", ["squat", "biceps_curl"])
def test_shipped_exercises_load(name: str) -> None:
    model = find_exercise(name)
    assert model.name == name
    assert model.faults
    assert model.sources
    assert all(rule.source for rule in model.faults.values())


def test_numbers_become_si_units() -> None:
    squat = find_exercise("squat")
    assert squat.progress.si(squat.progress.full) == pytest.approx(math.radians(105))
    assert squat.progress.fraction(math.radians(105)) == pytest.approx(1.0)
    heels = squat.faults["heels_up"]
    assert isinstance(heels.limit, float)
    assert heels.si(heels.limit) == pytest.approx(0.05)
    assert heels.severity is Severity.RISK
    assert Phase.CONCENTRIC in heels.say_in


def test_load_direction_orders_the_phases() -> None:
    assert find_exercise("squat").outward is Phase.ECCENTRIC
    assert find_exercise("biceps_curl").outward is Phase.CONCENTRIC
    assert find_exercise("biceps_curl").homeward is Phase.ECCENTRIC


CASES = {
    "unknown key": (
        "minimal: 62",
        "minimum: 62",
        "progress.minimum",
        "unknown key minimum; allowed: feature, unit",
    ),
    "unknown feature": (
        "feature: hip_shift",
        "feature: hips",
        "feature",
        "hips is not a feature; allowed: ankle_dorsiflexion, arm_",
    ),
    "unit that does not fit": ("unit: cm\n    weight", "unit: deg\n    weight", "unit", "allowed: cm, m"),
    "severity": ("severity: risk", "severity: high", "severity", "allowed: style, efficiency, risk, danger"),
    "phase": ("say_in: [top,", "say_in: [bottoms,", "say_in[0]", "allowed: top, eccentric, bottom"),
    "outside": ("outside: below", "outside: under", "outside", "allowed: above, below, either"),
    "judge": ("judge: end", "judge: later", "judge", "allowed: continuous, end, start"),
    "order of progress": ("minimal: 62", "minimal: 20", "progress.minimal", "allowed order: start, in_start"),
    "not a number": ("limit: -15", "limit: deep", "limit", "got 'deep'"),
    "NaN": ("tolerance: 0.15", "tolerance: .nan", "tolerance", "finite"),
    "negative tolerance": ("tolerance: 0.15", "tolerance: -1", "tolerance", "greater than 0"),
    "probability": ("probability: 0.9", "probability: 1.5", "probability", "less than 1"),
    "view": ("[[0, 65], [115, 180]]", "[[65, 0]]", "views_deg", "from < to"),
    "correction": ("correction: deeper", "correction: Go Deeper", "correction", "allowed: a to z"),
    "format": ("format: 1", "format: 2", "format", "allowed: 1"),
    "load direction": (
        "load_direction: eccentric_first",
        "load_direction: up",
        "load_direction",
        "eccentric_first",
    ),
    "knots": ("at: 0.5, ideal: 24", "at: 0.0, ideal: 24", "ideal", "rising"),
    "given twice": ("name: squat", "name: squat\nname: lunge", "name", "given twice, first in line 4"),
    "either at the end": (
        "outside: below\n    limit: -15",
        "outside: either\n    limit: -15",
        "outside",
        "continuous",
    ),
    "condition without limits": ("max: 25}", "side: each}", "side", "given twice"),
    "condition the wrong way": ("min: -45, max: 100", "min: 45, max: 10", "min", "below max"),
    "progress of both sides": (
        "side: mean\n  unit: deg",
        "side: each\n  unit: deg",
        "progress.side",
        "allowed: mean",
    ),
    "relative progress": (
        "feature: knee_flexion\n  side: mean\n  unit: deg",
        "feature: elbow_drift\n  side: mean\n  unit: deg",
        "progress.feature",
        "cannot find it; allowed: ankle_dorsiflexion, arm_from_vertical",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_errors_name_file_line_field_and_what_is_allowed(case: str) -> None:
    before, after, field, problem = CASES[case]
    text = SQUAT.replace(before, after, 1)
    assert text != SQUAT
    with pytest.raises(ExerciseError) as caught:
        parse_exercise(text, "my/squat.yaml")
    error = caught.value
    assert isinstance(error, ConfigError)
    assert str(error).startswith(f"my/squat.yaml:{error.line}: ")
    assert field in error.field
    assert problem in str(error)
    changed = [
        i for i, (a, b) in enumerate(zip(SQUAT.splitlines(), text.splitlines(), strict=False), 1) if a != b
    ]
    assert min(abs(error.line - line) for line in changed) <= 3


def test_line_and_field_are_exact() -> None:
    text = SQUAT.replace("severity: efficiency", "severity: bad", 1)
    with pytest.raises(ExerciseError) as caught:
        parse_exercise(text, "squat.yaml")
    assert caught.value.field == "faults.too_shallow.severity"
    assert caught.value.line == line_of(text, "severity: bad")


def test_a_missing_field_is_named() -> None:
    text = re.sub(r"\n  full: 105", "", SQUAT)
    with pytest.raises(ExerciseError, match=r"squat.yaml:\d+: progress.full: is missing"):
        parse_exercise(text, "squat.yaml")


def test_all_problems_are_told_at_once() -> None:
    text = SQUAT.replace("severity: efficiency", "severity: bad", 1).replace("judge: end", "judge: never", 1)
    with pytest.raises(ExerciseError) as caught:
        parse_exercise(text, "squat.yaml")
    assert "too_shallow.severity" in str(caught.value)
    assert "too_shallow.judge" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "just text",
        "a: [",
        "a: &x 1\nb: *x",
        "\t- a",
        "? [a]: 1",
        "!!python/object:os.system {}",
        "[" * 5000,
    ],
)
def test_text_that_is_no_exercise_is_refused(text: str) -> None:
    with pytest.raises(ExerciseError, match=r"x\.yaml"):
        parse_exercise(text, "x.yaml")


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40), st.integers(0, len(SQUAT) - 1))
def test_any_damage_is_read_or_refused_cleanly(junk: str, at: int) -> None:
    # only an ExerciseError may come out; any other exception fails the test
    with suppress(ExerciseError):
        assert parse_exercise(SQUAT[:at] + junk + SQUAT[at:], "x.yaml").format == 1


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match=r"none.yaml: cannot be read: No such file"):
        load_exercise(tmp_path / "none.yaml")


def test_binary_and_oversized_files(tmp_path: Path) -> None:
    binary, large = tmp_path / "a.yaml", tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    large.write_text("x" * 300_000, encoding="utf-8")
    with pytest.raises(ExerciseError, match="not UTF-8"):
        load_exercise(binary)
    with pytest.raises(ExerciseError, match="larger than 256 kB"):
        load_exercise(large)


def test_the_name_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep_squat.yaml"
    path.write_text(SQUAT, encoding="utf-8")
    with pytest.raises(ExerciseError, match=r"deep_squat.yaml:4: name: 'squat' must .* allowed: deep_squat"):
        load_exercise(path)


def test_an_unknown_exercise_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(KineCueError, match=r"'jump' is not an exercise; allowed: biceps_curl, .*squat"):
        find_exercise("jump")
    with pytest.raises(ExerciseError, match="not a folder"):
        available_exercises(tmp_path / "nowhere")
    assert available_exercises(tmp_path) == {}


def test_the_schema_is_json_and_names_the_phases() -> None:
    text = json.dumps(exercise_schema())
    for word in ("too", "eccentric", "danger", "cm"):
        assert (word in text) == (word != "too")
