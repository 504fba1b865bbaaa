"""``kinecue exercises``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kinecue.cli.main import app
from kinecue.exercise.exercise_file import available_exercises, exercises_dir


@pytest.fixture
def run():
    def run(*arguments: str):
        return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["exercises", *arguments])

    return run


def test_all_shipped_exercises_are_listed_and_right(run) -> None:
    result = run("list")
    assert result.exit_code == 0
    for name in available_exercises():
        assert name in result.output


def test_a_wrong_file_is_named_with_line_field_and_what_is_allowed(run, tmp_path: Path) -> None:
    text = (exercises_dir() / "squat.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "squat.yaml"
    wrong.write_text(text.replace("severity: efficiency", "severity: high", 1), encoding="utf-8")
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "severity: efficiency" in row)
    result = run("check", str(wrong), str(exercises_dir() / "plank.yaml"))
    assert result.exit_code == 1
    for said in (f"squat.yaml:{line}", "severity", "style, efficiency, risk, danger", "Plank"):
        assert said in result.output.replace("\n", "")
    result = run("list", "--dir", str(tmp_path))
    assert result.exit_code == 1
    assert "'high' is not allowed" in result.output


def test_the_schema_is_json(run) -> None:
    assert json.loads(run("schema").output)["title"] == "ExerciseModel"
