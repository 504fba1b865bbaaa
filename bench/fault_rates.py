"""Are planted faults found, and is anything else raised beside them: per exercise, fault, view and magnitude.

    python bench/fault_rates.py [--exercise squat ...] [--view 0 45 90] [--athletes 1] [--details]

A set has a clean repetition and then one at each of `SHARES` of what the simulated body can do. The same set seen
perfectly tells which repetitions have the fault beyond its limit in the exercise file, and what else is truly there as a
consequence. ``rate`` is over the repetitions in which the fault is truly beyond its limit.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scored_sets import SetKey, stored
from set_records import SetRecord, records, scored_exercises

from kinecue.exercise.exercise_file import find_exercise
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.movement.set_plan import END_RANGE

VIEWS = (0.0, 45.0, 90.0)
SHARES = (0.25, 0.5, 0.75, 1.0)
_CLEAN = 1
"""Repetitions before the faults."""
_ONCE = ("turkish_get_up", "plank")
_FPS = 15.0
_ONE_SIDE = ("each", "left", "right", "larger", "leading", "trailing")
"""Side policies of rules that a fault on one side can break."""
_OVER_S = 0.4
_NEVER = 0.5
"""A fault that cannot be judged in more than this share of the frames of a repetition is abstained from."""


def judged(exercise: str) -> tuple[list[str], list[str]]:
    """Faults of the simulation that the exercise's file judges, and those that it does not."""
    known = find_exercise(exercise).faults
    names = list(EXERCISES[exercise].faults)
    return [n for n in names if n in known], [n for n in names if n not in known]


def fault_keys(exercise: str, fault: str, views: Sequence[float], athletes: int) -> list[list[SetKey]]:
    """The sets of a fault, each with the alternatives for athletes who cannot do it that far."""
    kinds = EXERCISES[exercise].faults
    names = [
        str(n)
        for n in np.random.default_rng(zlib.crc32(f"{exercise} {fault}".encode())).permutation(
            sorted(ATHLETES)
        )
    ]
    result = []
    for k in range(athletes):
        # seen from the left: the left side is the near one
        turn = (list(kinds).index(fault) + k) % 3
        one = find_exercise(exercise).faults[fault].side.startswith(_ONE_SIDE)
        side = ("left", "right", "both")[turn] if kinds[fault].sided and one else "both"
        for view in views:
            who = names[k], names[(k + athletes) % len(names)]
            result.append(
                [_key(exercise, fault, w, view, side, share) for w in who for share in (0.99, 0.75)]
            )
    return result


def _key(exercise: str, fault: str, athlete: str, view: float, side: str, most: float) -> SetKey:
    limit = EXERCISES[exercise].faults[fault].limit * most
    if exercise in _ONCE:
        planted = ((fault, limit, side),)
        return SetKey(exercise, athlete, view, planted, 1, seed=7, fps=_FPS)
    sized = tuple((fault, share * limit, side, (_CLEAN + i + 1,)) for i, share in enumerate(SHARES))
    # how a repetition ended may be judged when the next one starts
    more = 1 if EXERCISES[exercise].faults[fault].way == END_RANGE else 0
    return SetKey(exercise, athlete, view, sized, _CLEAN + len(SHARES) + more, seed=7, fps=_FPS)


@dataclass(frozen=True)
class Outcome:
    """One repetition of a set with a planted fault.

    Attributes:
        exercise, fault, view: of the set; view in degrees.
        share: of the largest magnitude; 0 in the clean ones.
        truly: the fault is raised when the set is seen perfectly.
        raised: it is raised from what the network sees.
        abstained: it could not be judged.
        others: raised and not truly there.
        counted: the repetition was counted.
    """

    exercise: str
    fault: str
    view: float
    share: float
    truly: bool
    raised: bool
    abstained: bool
    others: tuple[str, ...]
    counted: bool


def outcomes(fault: str, seen: SetRecord, true: SetRecord) -> list[Outcome]:
    """Repetition by repetition."""
    result = []
    once = seen.key.exercise in _ONCE
    late = fault if EXERCISES[seen.key.exercise].faults[fault].way == END_RANGE else ""
    raised, truly = _by_repetition(seen, late), _by_repetition(true, late)
    matched = {planned.number for planned, _ in seen.pairs()}
    for planned in seen.planned:
        n = planned.number
        share = 1.0 if once else (*[0.0] * _CLEAN, *SHARES, 0.0)[n - 1]
        others = raised[n] - truly[n] - ({fault} if share else set())
        hidden = seen.abstained.get(fault, {}).get(n, 0.0) > _NEVER
        result.append(
            Outcome(
                seen.key.exercise,
                fault,
                seen.key.view,
                share,
                fault in truly[n],
                fault in raised[n],
                hidden and fault not in raised[n],
                tuple(sorted(others)),
                n in matched,
            )
        )
    return result


def _by_repetition(item: SetRecord, late: str) -> dict[int, set[str]]:
    """Names raised by repetition; `late` belongs to the last one that was over."""
    result: dict[int, set[str]] = defaultdict(set)
    for raised in item.raised:
        over = [p.number for p in item.planned if p.end_s - _OVER_S <= raised.at_s]
        result[over[-1] if raised.name == late and over else raised.number].add(raised.name)
    return result


def measure(
    exercises: Sequence[str],
    views: Sequence[float],
    athletes: int,
    jobs: int,
    console: Console,
    only_stored: bool = False,
) -> tuple[list[Outcome], list[str], list[str]]:
    """Outcomes, what could not be done, and a line for everything that went wrong."""
    waiting: dict[SetKey, tuple[str, list[SetKey]]] = {}
    for exercise in exercises:
        for fault in judged(exercise)[0]:
            for keys in fault_keys(exercise, fault, views, athletes):
                first, *others = [k for k in keys if not only_stored or stored(k)] or [None]
                if first is not None:
                    waiting[first] = (fault, [k for k in others if k is not None])
    found: list[Outcome] = []
    problems: list[str] = []
    lines: list[str] = []
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("planted faults", total=len(waiting))
        while waiting:
            again: dict[SetKey, tuple[str, list[SetKey]]] = {}
            for key, done, problem in records(waiting, jobs, with_truth=True):
                fault, others = waiting[key]
                if done:
                    rows = outcomes(fault, *done)
                    found += rows
                    lines += _lines(key, rows, done[0])
                    bar.advance(task)
                elif others:
                    # this athlete's body does not allow so much of it
                    again[others[0]] = (fault, others[1:])
                else:
                    problems.append(f"{key.exercise}, {fault}: {problem}")
                    bar.advance(task)
            waiting = again
    return found, problems, lines


def _lines(key: SetKey, rows: Sequence[Outcome], seen: SetRecord) -> list[str]:
    lines = []
    for n, row in enumerate(rows, 1):
        size = f"{row.fault} at {100 * row.share:.0f} % ({key.faults[0][2]})"
        where = f"{key.exercise}: {size}, view {key.view:g}, {key.athlete}"
        if row.truly and not row.raised and row.share:
            why = (
                "abstained"
                if row.abstained
                else "MISSED"
                if row.counted
                else "MISSED, repetition not counted"
            )
            lines.append(f"{where}: {why}")
        if row.share >= 1.0 and not row.truly:
            lines.append(
                f"{where}: NOT RAISED EVEN FROM TRUTH{', but from the network' if row.raised else ''}"
            )
        for other in row.others:
            text = next((r.text for r in seen.raised if r.name == other and r.number == n), other)
            lines.append(f"{where}: FALSE {text}")
    return lines


def summary(found: Sequence[Outcome]) -> dict[str, Any]:
    """[exercise][fault][view] of rates for JSON; ``all`` over all views, and what no file judges."""
    cells: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for row in found:
        for view in (view_name(row.view), "all"):
            cells[row.exercise, row.fault, view].append(row)
    detection: dict[str, Any] = {}
    for (exercise, fault, view), rows in cells.items():
        detection.setdefault(exercise, {}).setdefault(fault, {})[view] = _cell(rows)
    not_judged = {exercise: judged(exercise)[1] for exercise in detection}
    return {
        "fault_detection": detection,
        "faults_not_judged": {k: v for k, v in not_judged.items() if v},
        "fault_detection_all": _cell(found)
        | {"false_by_name": dict(Counter(o for r in found for o in r.others))},
    }


def _cell(rows: Sequence[Outcome]) -> dict[str, Any]:
    there = [r for r in rows if r.truly and r.share]
    open_ = [r for r in there if not r.abstained]
    most = [r for r in rows if r.share >= 1.0]
    return {
        "rate": _share([r.raised for r in there]),
        "rate_judged": _share([r.raised for r in open_]),
        "false_alarms": _share([bool(r.others) for r in rows]),
        "abstained": _share([r.abstained for r in there]),
        "by_magnitude": {
            f"{100 * share:.0f}": {
                "rate": _share([r.raised for r in rows if r.share == share]),
                "truly": _share([r.truly for r in rows if r.share == share]),
            }
            for share in SHARES
            if any(r.share == share for r in rows)
        },
        "largest_truly": _share([r.truly for r in most]),
        "n": len(there),
        "repetitions": len(rows),
    }


def _share(values: Sequence[bool]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


def view_name(degrees: float) -> str:
    """As takes call them."""
    return "front" if degrees == 0.0 else f"{degrees:g}"


def percent(value: float | None) -> str:
    """For people."""
    return "-" if value is None else f"{100 * value:.0f}"


def table(result: dict[str, Any]) -> Table:
    """One line for each exercise and fault."""
    rows = Table(
        title="planted faults that are truly beyond their limit: found (not judged), false others; %, by view"
    )
    cells_of = [cells for faults in result["fault_detection"].values() for cells in faults.values()]
    views = list(dict.fromkeys(view for cells in cells_of for view in cells if view != "all"))
    for name in ("exercise", "fault", *views, "by magnitude: found (truly)", "false others"):
        rows.add_column(name)
    for exercise, faults in result["fault_detection"].items():
        for fault, cells in faults.items():
            every = cells["all"]
            texts = []
            for view in views:
                c = cells.get(view)
                hidden = f" ({percent(c['abstained'])})" if c and c["abstained"] else ""
                texts.append("" if c is None else f"{percent(c['rate'])}{hidden}")
            sizes = ", ".join(
                f"{size} %: {percent(c['rate'])} ({percent(c['truly'])})"
                for size, c in every["by_magnitude"].items()
            )
            bad = every["false_alarms"] or not every["largest_truly"]
            rows.add_row(
                exercise, fault, *texts, sizes, percent(every["false_alarms"]), style="red" if bad else None
            )
        rows.add_section()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--exercise", nargs="*", help="all with a file by default")
    parser.add_argument("--view", nargs="*", type=float, default=list(VIEWS))
    parser.add_argument("--athletes", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--details", action="store_true", help="a line for everything that went wrong")
    parser.add_argument("--stored", action="store_true", help="only sets that are made already")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console = Console(width=190)
    found, problems, lines = measure(
        arguments.exercise or scored_exercises(),
        arguments.view,
        arguments.athletes,
        arguments.jobs,
        console,
        arguments.stored,
    )
    for problem in problems:
        console.print(f"[yellow]{problem}", highlight=False)
    if not found:
        raise SystemExit("nothing was scored")
    result = summary(found)
    console.print(table(result))
    for exercise, names in result["faults_not_judged"].items():
        console.print(f"{exercise}: the file does not judge {', '.join(names)}", highlight=False)
    if arguments.details:
        for line in lines:
            console.print(line, highlight=False, soft_wrap=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
