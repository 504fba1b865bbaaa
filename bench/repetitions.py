"""Repetitions on real recordings: counted against expected, false ones, event times, stages.

    PYTHONPATH=src:bench python bench/repetitions.py --only rep_videos --stages

The recordings are not part of the repository; those that are absent are left out (see `repetition_cases`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from repetition_cases import DATA, Case, cases
from rich.console import Console
from rich.table import Table

from kinecue.body.errors import KineCueError
from kinecue.cli.analysis import score
from kinecue.cli.recorded_bodies import SourceSettings, open_source
from kinecue.exercise import ExerciseModel, Phase, RepetitionStatus, available_exercises, find_exercise
from kinecue.report import Analysis


def measure(case: Case, model: ExerciseModel) -> tuple[dict[str, Any], Analysis | None]:
    """A row of the table, and the analysis behind it."""
    row: dict[str, Any] = {
        "file": case.file,
        "exercise": case.exercise,
        "expected": case.least,
        "counted": 0,
        "false": 0,
        "event_error_s": None,
        "right": False,
        "note": case.note,
    }
    try:
        analysis = score(case.source(), model, case.file, lambda done: None)
    except KineCueError as error:
        return row | {"note": str(error)}, None
    valid = [rep for rep in analysis.repetitions if rep.status is RepetitionStatus.VALID]
    bottoms = [analysis.seconds(rep.bottom_ns) for rep in valid]
    false = sum(1 for t in bottoms if case.spans_s and not any(a <= t <= b for a, b in case.spans_s))
    true = len(valid) - false
    row["counted"] = len(valid)
    row["false"] = false + max(true - case.most, 0)
    row["right"] = case.least <= len(valid) <= case.most and false == 0
    row["expected"] = min(max(len(valid), case.least), case.most)
    errors = _event_errors(case, analysis)
    if errors:
        row["event_error_s"] = round(float(np.median(errors)), 3)
        row["event_errors_s"] = [round(e, 3) for e in errors]
    return row, analysis


def _event_errors(case: Case, analysis: Analysis) -> list[float]:
    """From each labelled event to the nearest turning point, or to the nearest time at the top, s.

    Who stands at the top for a while is highest nowhere in particular: any moment of it is right.
    """
    valid = [rep for rep in analysis.repetitions if rep.status is RepetitionStatus.VALID]
    if not case.events_s or not valid:
        return []
    spans: list[tuple[float, float]] = []
    for rep in valid:
        start, bottom, end = (analysis.seconds(s) for s in (rep.start_ns, rep.bottom_ns, rep.end_ns))
        if not case.top_events:
            spans.append((bottom, bottom))
        elif analysis.model.load_direction == "concentric_first":
            held = [phase for phase in rep.phases if phase.phase is Phase.BOTTOM]
            times = [bottom, *(analysis.seconds(s) for phase in held for s in (phase.start_ns, phase.end_ns))]
            spans.append((min(times), max(times)))
        else:
            spans += [(start, start), (end, end)]
    if case.top_events and analysis.model.load_direction == "eccentric_first":
        spans += [(analysis.seconds(a.end_ns), analysis.seconds(b.start_ns)) for a, b in pairwise(valid)]
    return [min(max(low - t, t - high, 0.0) for low, high in spans) for t in case.events_s]


def repetitions(only: Sequence[str] = ()) -> list[dict[str, Any]]:
    """A row for each recording: file, exercise, expected, counted, false, event_error_s, right, note."""
    known = set(available_exercises())
    models: dict[str, ExerciseModel] = {}
    rows = []
    for case in cases(only):
        if case.exercise not in known:
            continue
        model = models.setdefault(case.exercise, find_exercise(case.exercise))
        rows.append(measure(case, model)[0])
    return rows


def event_error_s(rows: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Median, 90th percentile and worst of all labelled events, s."""
    errors = [e for row in rows for e in row.get("event_errors_s", ())]
    if not errors:
        return {"median": None, "p90": None, "worst": None}
    return {
        "median": round(float(np.median(errors)), 3),
        "p90": round(float(np.percentile(errors, 90)), 3),
        "worst": round(max(errors), 3),
    }


def stage_accuracy() -> dict[str, float]:
    """Share of frames of exercise_correction whose stage the progress of our files tells."""
    result: dict[str, float] = {}
    known = set(available_exercises())
    for name, exercise, stages in (
        ("squat_train", "squat", {"up": (-math.inf, 0.5), "down": (0.5, math.inf)}),
        (
            "lunge_stage.test",
            "forward_lunge",
            {"I": (-math.inf, 0.25), "M": (0.25, 0.75), "D": (0.75, math.inf)},
        ),
    ):
        path = DATA / "exercise_correction" / f"{name}.csv.gz"
        if not path.is_file() or exercise not in known:
            continue
        with gzip.open(path, "rt") as file:
            labels = [row.split(",", 1)[0] for row in file.read().splitlines()[1:]]
        source = open_source(path, SourceSettings())
        analysis = score(source, find_exercise(exercise), name, lambda done: None)
        right = judged = 0
        for label, frame in zip(labels, analysis.frames, strict=True):
            if not math.isfinite(frame.form.progress):
                continue
            judged += 1
            low, high = stages[label]
            right += low <= frame.form.progress < high
        result[name.split("_")[0]] = round(right / max(judged, 1), 4)
        result[f"{name.split('_')[0]}_judged"] = round(judged / max(len(labels), 1), 4)
    return result


def show(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """The table."""
    table = Table("recording", "exercise", "expected", "counted", "false", "event error s", "")
    for row in rows:
        error = row["event_error_s"]
        table.add_row(
            row["file"],
            row["exercise"],
            str(row["expected"]),
            str(row["counted"]),
            str(row["false"]),
            "" if error is None else f"{error:.2f}",
            "[green]exact" if row["right"] else "[red]off",
        )
    console.print(table)
    exact = sum(row["right"] for row in rows)
    near = sum(abs(row["counted"] - row["expected"]) <= 1 for row in rows)
    console.print(
        f"{exact} of {len(rows)} exact, {near} within one, {sum(row['false'] for row in rows)} false"
    )
    console.print(f"event errors: {event_error_s(rows)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of names, as rep_videos/wt")
    parser.add_argument("--stages", action="store_true", help="stages of exercise_correction too")
    parser.add_argument("--json", type=Path, help="write the rows")
    arguments = parser.parse_args()
    rows = repetitions(arguments.only)
    show(rows, Console())
    if arguments.stages:
        Console().print(stage_accuracy())
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
