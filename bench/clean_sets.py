"""Sets of well trained athletes without faults: every fault that is raised is false, and every repetition must count.

    python bench/clean_sets.py [--exercise squat ...] [--quick] [--sets 13] [--details]

Athletes, views, tempos, natural variation and noise are dealt by a fixed shuffle. Prints what was raised and why.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import takes
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scored_sets import SetKey, stored
from set_records import SetRecord, records, scored_exercises

from kinecue.simulation.athletes.presets import ATHLETES

VIEWS = (0.0, 45.0, 90.0, 20.0, -45.0, 70.0, -90.0, -20.0)
TEMPOS = (1.0, 0.75, 1.4, 1.0, 1.8)
VARIATIONS = (1.0, 1.5, 0.7)
FATIGUES = (0.0, 0.0, 0.3)
_ONCE = ("turkish_get_up", "plank")
_QUANTILES = (50, 90, 95, 99)
D_THRESHOLD = 1.0


def clean_keys(exercises: Sequence[str], sets: int, repetitions: int) -> list[SetKey]:
    """`sets` of each exercise, every one another mixture of athlete, view, tempo and variation."""
    result = []
    for exercise in exercises:
        rng = np.random.default_rng(zlib.crc32(exercise.encode()))
        athletes = [str(name) for name in rng.permutation(sorted(ATHLETES))]
        shift = rng.integers(0, 60, 4)
        once = exercise in _ONCE
        for i in range(max(sets // 3, 2) if once else sets):
            result.append(
                SetKey(
                    exercise,
                    athletes[i % len(athletes)],
                    VIEWS[(i + shift[0]) % len(VIEWS)],
                    repetitions=1 if once else repetitions,
                    tempo=1.0 if once else TEMPOS[(i + shift[1]) % len(TEMPOS)],
                    variation=VARIATIONS[(i + shift[2]) % len(VARIATIONS)],
                    fatigue=0.0 if once else FATIGUES[(i + shift[3]) % len(FATIGUES)],
                    seed=1000 + i,
                )
            )
    return result


def measure(
    exercises: Sequence[str],
    sets: int,
    repetitions: int,
    jobs: int,
    console: Console,
    only_stored: bool = False,
) -> tuple[list[SetRecord], list[str]]:
    """Scores them; returns records and what could not be done."""
    keys = [k for k in clean_keys(exercises, sets, repetitions) if not only_stored or stored(k)]
    found: list[SetRecord] = []
    problems: list[str] = []
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("clean sets", total=len(keys))
        for key, done, problem in records(keys, jobs):
            found += done
            if problem:
                problems.append(f"{key.exercise}, {key.athlete}: {problem}")
            bar.advance(task)
    return found, problems


def summary(found: Sequence[SetRecord]) -> dict[str, Any]:
    """Figures for JSON."""
    by_exercise: dict[str, list[SetRecord]] = defaultdict(list)
    for item in found:
        by_exercise[item.key.exercise].append(item)
    rows = {name: _figures(items) for name, items in by_exercise.items()}
    every = _figures(found)
    return {
        "clean_false_faults_per_1000": every["false_faults_per_1000"],
        "clean": {"all": every, "by_exercise": rows, "d": {n: _d(items) for n, items in by_exercise.items()}},
        "phase_timing": {
            "all": _timing(found),
            "by_exercise": {n: _timing(i) for n, i in by_exercise.items()},
        },
    }


def _figures(items: Sequence[SetRecord]) -> dict[str, Any]:
    planned = sum(p.kind == "full" for item in items for p in item.planned)
    counted = sum(len(item.counted) for item in items)
    matched = sum(len(item.pairs()) for item in items)
    raised = [r for item in items for r in item.raised]
    bad = {(id(item), r.number, r.name) for item in items for r in item.raised}
    return {
        "sets": len(items),
        "repetitions": planned,
        "missed": planned - matched,
        "false": counted - matched,
        "not_counted": dict(
            Counter(f"{e.status} {e.reason}" for i in items for e in i.ended if e.status != "VALID")
        ),
        "false_faults": len(bad),
        "false_faults_per_1000": round(1000.0 * len(bad) / max(planned, 1), 2),
        "by_fault": dict(Counter(r.name for r in raised).most_common()),
    }


def _timing(items: Sequence[SetRecord]) -> dict[str, Any]:
    """Error of start, turning point and end, s; within a pause at the turning point any time is right.

    Start and end are when a twentieth of the range is passed.
    """
    errors: dict[str, list[float]] = {"start": [], "bottom": [], "end": []}
    for item in items:
        for planned, ended in item.pairs():
            errors["start"].append(ended.start_s - planned.leaves_s)
            bottom = ended.bottom_s
            errors["bottom"].append(bottom - min(max(bottom, planned.turn_s), planned.back_s))
            errors["end"].append(ended.end_s - planned.returns_s)
    result: dict[str, Any] = {}
    for name, values in errors.items():
        size = np.abs(values)
        result[name] = (
            None
            if not values
            else {
                "bias": round(float(np.mean(values)), 3),
                "median": round(float(np.median(size)), 3),
                "p95": round(float(np.percentile(size, 95)), 3),
            }
        )
    every = [abs(v) for values in errors.values() for v in values]
    result["median"] = round(float(np.median(every)), 3) if every else None
    return result


def _d(items: Sequence[SetRecord]) -> dict[str, Any]:
    """Distribution of the D of counted repetitions, all and by view (either side)."""
    groups: dict[str, list[float]] = defaultdict(list)
    for item in items:
        for ended in item.counted:
            if np.isfinite(ended.d):
                for name in ("all", f"{abs(item.key.view):g}"):
                    groups[name].append(ended.d)
    return {
        name: {
            "n": len(values),
            **{f"p{q}": round(float(np.percentile(values, q)), 2) for q in _QUANTILES},
            "over_1": round(float(np.mean(np.array(values) > D_THRESHOLD)), 4),
        }
        for name, values in sorted(groups.items(), key=lambda item: (item[0] != "all", item[0]))
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """For people."""
    first = Table(title="clean sets")
    for name in (
        "exercise",
        "sets",
        "repetitions",
        "missed",
        "false",
        "false faults",
        "per 1000",
        "which",
        "not counted",
    ):
        first.add_column(name)
    clean = result["clean"]
    for name, row in [*clean["by_exercise"].items(), ("all", clean["all"])]:
        which = ", ".join(f"{k} {v}" for k, v in row["by_fault"].items())
        not_counted = ", ".join(f"{k} {v}" for k, v in row["not_counted"].items())
        bad = row["false_faults"] or row["missed"] or row["false"]
        first.add_row(
            name, str(row["sets"]), str(row["repetitions"]), str(row["missed"]), str(row["false"]),
            str(row["false_faults"]), f"{row['false_faults_per_1000']:.1f}", which, not_counted,
            style="bold" if name == "all" else "red" if bad else None,
        )  # fmt: skip
    second = Table(title="D of good repetitions; error of event times, s (median, 95 %)")
    for name in ("exercise", "median", "90 %", "95 %", "99 %", "over 1", "start", "bottom", "end"):
        second.add_column(name)
    for name, groups in clean["d"].items():
        d, timing = groups.get("all"), result["phase_timing"]["by_exercise"][name]
        cells = [f"{d[f'p{q}']:.2f}" for q in _QUANTILES] + [f"{100 * d['over_1']:.1f} %"] if d else ["-"] * 5
        times = [
            f"{timing[e]['median']:.2f}, {timing[e]['p95']:.2f}" if timing[e] else "-"
            for e in ("start", "bottom", "end")
        ]
        second.add_row(name, *cells, *times)
    return [first, second]


def details(found: Sequence[SetRecord]) -> list[str]:
    """A line for everything that went wrong, by exercise."""
    lines = []
    for item in sorted(found, key=lambda i: (i.key.exercise, i.key.name)):
        key = item.key
        where = (
            f"{key.exercise}: {key.athlete}, view {key.view:g}, tempo {key.tempo:g}, variation {key.variation:g}, "
            f"fatigue {key.fatigue:g}, seed {key.seed}"
        )
        lines += [f"{where}: repetition {r.number}: {r.text}" for r in item.raised]
        full, hit = sum(p.kind == "full" for p in item.planned), len(item.pairs())
        if hit < full or len(item.counted) > hit:
            told = ", ".join(
                f"{e.status} {e.reason} {e.start_s:.1f}-{e.end_s:.1f} range {e.range:.2f}" for e in item.ended
            )
            done = ", ".join(f"{p.start_s:.1f}-{p.end_s:.1f}" for p in item.planned)
            lines.append(
                f"{where}: {hit} of {full} counted, {len(item.counted) - hit} false; done {done}; told {told}"
            )
        high = [e.d for e in item.counted if np.isfinite(e.d) and e.d > D_THRESHOLD]
        if high:
            worst = ", ".join(f"{n} {s:.2f}" for n, s in sorted(item.shares.items(), key=lambda i: -i[1])[:3])
            lines.append(f"{where}: D {', '.join(f'{d:.2f}' for d in high)}; shares {worst}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--exercise", nargs="*", help="all with a file by default")
    parser.add_argument("--sets", type=int, default=13, help="of each exercise")
    parser.add_argument("--repetitions", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--details", action="store_true", help="a line for everything that went wrong")
    parser.add_argument("--stored", action="store_true", help="only sets that are made already")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console = Console(width=190)
    found, problems = measure(
        arguments.exercise or scored_exercises(),
        arguments.sets,
        arguments.repetitions,
        arguments.jobs,
        console,
        arguments.stored,
    )
    for problem in problems:
        console.print(f"[yellow]{problem}", highlight=False)
    if not found:
        raise SystemExit("nothing was scored")
    result = summary(found)
    for table in tables(result):
        console.print(table)
    if arguments.details:
        for line in details(found):
            console.print(line, highlight=False, soft_wrap=True)
    if arguments.json:
        takes.OUTPUT.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
