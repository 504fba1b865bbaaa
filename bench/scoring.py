"""Measures scoring: UI-PRMD, counts on recordings, clean sets, planted faults, personal ideal, quality, speed.

Prints tables and writes bench_output/scoring.json, each part as soon as it is measured. ``--only clean`` measures one part
again and leaves the others as they are in the file. A part whose data is absent is skipped, and the reason is kept under
``skipped``.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import clean_sets
import cv2
import fault_rates
import numpy as np
import scoring_speed
from rich.console import Console
from scoring_tables import markdown
from set_records import scored_exercises
from threadpoolctl import threadpool_limits

from kinecue.body.errors import KineCueError

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    # benchmarks that tests import, too, name each other as bench.NAME
    sys.path.append(str(ROOT))
RESULT = ROOT / "bench_output" / "scoring.json"
FORMAT = 1
_QUICK = ("squat", "biceps_curl", "push_up")
_QUICK_RECORDINGS = ("wt_squat", "posetracks")
_SETS, _QUICK_SETS = 13, 4


class AbsentError(Exception):
    """A part cannot be measured here; the text says why."""


@dataclass(frozen=True)
class Run:
    """What a part needs to know.

    Attributes:
        exercises: of the simulated sets.
        jobs: processes.
        quick: little of everything.
        console: for tables.
    """

    exercises: list[str]
    jobs: int
    quick: bool
    console: Console


def clean(run: Run) -> dict[str, Any]:
    """False faults, counts, timing and D of sets without faults."""
    found, problems = clean_sets.measure(
        run.exercises, _QUICK_SETS if run.quick else _SETS, 4, run.jobs, run.console
    )
    for problem in problems:
        run.console.print(f"[yellow]{problem}", highlight=False)
    result = clean_sets.summary(found)
    for table in clean_sets.tables(result):
        run.console.print(table)
    return result


def faults(run: Run) -> dict[str, Any]:
    """Detection and false alarms of planted faults."""
    views = (45.0,) if run.quick else fault_rates.VIEWS
    found, problems, _ = fault_rates.measure(run.exercises, views, 1, run.jobs, run.console)
    for problem in problems:
        run.console.print(f"[yellow]{problem}", highlight=False)
    result = fault_rates.summary(found)
    run.console.print(fault_rates.table(result))
    return result


def speed(run: Run) -> dict[str, Any]:
    """Frames per second of the scorer."""
    return scoring_speed.measure(run.exercises, 1000 if run.quick else 2000, run.console)


def _other(module: str, function: str, run: Run, **more: Any) -> Any:
    """The result of another benchmark, which takes what it wants of `Run`.

    Raises:
        AbsentError: it, or its data, is not there.
    """
    try:
        call = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise AbsentError(f"{module}.{function}: {error}") from error
    given = {"console": run.console, "quick": run.quick, "jobs": run.jobs, **more}
    wanted = inspect.signature(call).parameters
    try:
        result = call(**{name: value for name, value in given.items() if name in wanted})
    except (FileNotFoundError, NotADirectoryError, KineCueError) as error:
        raise AbsentError(f"{module}: {error}") from error
    if result is None:
        raise AbsentError(f"{module}: its data is absent")
    return result


def ui_prmd(run: Run) -> dict[str, Any]:
    """Area under the curve of D, subjects left out."""
    found = _other("ui_prmd", "ui_prmd_auc", run)
    return {"ui_prmd_auc": {**found["movement"], "mean": found["mean"]}, "ui_prmd": found}


def repetitions(run: Run) -> dict[str, Any]:
    """Counts and event times on recordings; stages of labelled frames."""
    rows = _other("repetitions", "repetitions", run, only=_QUICK_RECORDINGS if run.quick else ())
    if not rows:
        raise AbsentError("no recordings in ../shared/data")
    module = import_module("repetitions")
    module.show(rows, run.console)
    errors = module.event_error_s(rows)
    return {
        "repetitions": rows,
        "repetitions_exact": sum(bool(row["right"]) for row in rows),
        "event_error_s": errors["median"],
        "event_errors": errors,
        "stage_accuracy": {} if run.quick else module.stage_accuracy(),
    }


def ideal(run: Run) -> dict[str, Any]:
    """The largest D of people of other builds, with their own ideal and with one for all."""
    return dict(_other("personal_ideal", "personal_ideal", run))


def quality(run: Run) -> dict[str, Any]:
    """D of good and bad deadlifts."""
    return {"deadlift_quality": _other("deadlift_quality", "deadlift_quality", run)}


def recognition(run: Run) -> dict[str, Any]:
    """Which exercise is being done, none selected; and unknown where its own file is left out."""
    module = import_module("recognition")
    results = module.measure(run.quick)
    run.console.print(module.table(results))
    wrong = [r for r in results if r.recognised and not module.twins(r.recognised, r.exercise)]
    strangers = [r for r in results if r.without and not module.twins(r.without, r.exercise)]
    return {
        "recognition": {
            "recordings": len(results),
            "right": sum(r.recognised == r.exercise for r in results),
            "wrong": len(wrong),
            "unknown": sum(not r.recognised for r in results),
            "taken_for_another_without_own_file": len(strangers),
            "rows": [asdict(r) for r in results],
        }
    }


PARTS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "speed": speed,
    "clean": clean,
    "faults": faults,
    "ideal": ideal,
    "repetitions": repetitions,
    "ui_prmd": ui_prmd,
    "quality": quality,
    "recognition": recognition,
}
"""Speed first, while nothing else runs."""


def machine() -> dict[str, Any]:
    """Where it was measured."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _plain(value: Any) -> Any:
    """Without what JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _keep(document: dict[str, Any]) -> None:
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    part = RESULT.with_suffix(".part")
    part.write_text(json.dumps(_plain(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(RESULT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few exercises and sets, for development")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="measure these parts again")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the tables of the documentation")
    parser.add_argument("--tables-only", action="store_true", help="write --table from the last result")
    arguments = parser.parse_args()
    console = Console(width=190)
    document: dict[str, Any] = {"format": FORMAT, "machine": machine(), "quick": arguments.quick}
    if (arguments.only or arguments.tables_only) and RESULT.is_file():
        document = json.loads(RESULT.read_text(encoding="utf-8"))
    if not arguments.tables_only:
        cv2.setNumThreads(1)
        with threadpool_limits(1):
            _measure(arguments, document, console)
    if arguments.table:
        arguments.table.write_text(markdown(document), encoding="utf-8")


def _measure(arguments: argparse.Namespace, document: dict[str, Any], console: Console) -> None:
    exercises = scored_exercises()
    if arguments.quick:
        exercises = [name for name in exercises if name in _QUICK]
    run = Run(exercises, arguments.jobs, arguments.quick, console)
    skipped = document.setdefault("skipped", {})
    seconds = document.setdefault("seconds", {})
    for name in arguments.only or PARTS:
        begun = time.monotonic()
        try:
            document.update(PARTS[name](run))
            skipped.pop(name, None)
        except (AbsentError, KineCueError) as reason:
            skipped[name] = str(reason)
            console.print(f"[yellow]{name} skipped: {reason}", highlight=False)
        seconds[name] = round(time.monotonic() - begun)
        _keep(document)
        console.print(f"{name}: {seconds[name]} s", style="dim")
    console.print(f"{RESULT.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
