"""``kinecue exercises``: the exercise files there are, whether one is right, and their schema for editors."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from kinecue.body.errors import KineCueError
from kinecue.exercise.exercise_file import available_exercises, exercise_schema, load_exercise
from kinecue.exercise.results import Severity


def show(directory: Path | None, console: Console) -> int:
    """A table of the exercises; 1 if a file is wrong."""
    table = Table()
    for title in ("name", "title", "kind", "faults, the most severe first"):
        table.add_column(title)
    wrong = []
    for name, path in available_exercises(directory).items():
        try:
            model = load_exercise(path)
        except KineCueError as error:
            wrong.append(str(error))
            continue
        faults = sorted(model.faults.items(), key=lambda item: -item[1].severity)
        said = ", ".join(
            f"[bold]{fault}[/bold]" if rule.severity is Severity.DANGER else fault for fault, rule in faults
        )
        table.add_row(name, model.title, model.kind, said)
    console.print(table)
    console.print("bold: a danger")
    for problem in wrong:
        console.print(problem, style="red", markup=False, soft_wrap=True)
    return 1 if wrong else 0


def check(files: list[Path], console: Console) -> int:
    """Says of each file that it is right, or what is wrong with it; 1 if one is wrong."""
    wrong = 0
    for path in files:
        try:
            model = load_exercise(path)
        except KineCueError as error:
            wrong += 1
            console.print(str(error), style="red", markup=False, soft_wrap=True)
        else:
            console.print(f"{path}: {model.title}, {len(model.faults)} faults", markup=False, soft_wrap=True)
    return 1 if wrong else 0


def schema_text() -> str:
    """JSON schema of exercise files, as it lies in ``config/exercise.schema.json``."""
    return json.dumps(exercise_schema(), indent=1, ensure_ascii=False) + "\n"
