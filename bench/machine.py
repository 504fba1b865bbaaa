"""Measures the machine: repetitions, clocks, drivers, loads on the body, inertial sensors, the whole graph.

Prints tables and writes bench_output/machine.json, each part as soon as it is measured. ``--only PART`` measures parts
again and leaves the others as they are in the file. A part that cannot be measured is named under ``problems`` with the
reason; the exit status is then 1. The figures that issue 6 asks for are at the top of the document, everything else is
under ``details``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    # benchmarks that tests import, too, name each other as bench.NAME
    sys.path.append(str(ROOT))
RESULT = ROOT / "bench_output" / "machine.json"
FORMAT = 1


class PartError(Exception):
    """A part gave no figures, or not the ones that are asked of it; the text says which."""


def number(value: Any) -> str | None:
    """None if it is a finite number, otherwise what is wrong."""
    fine = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and math.isfinite(value)
    return None if fine else f"is {value!r}, expected a finite number"


def sides(value: Any) -> str | None:
    """None if it has a number for total, left and right."""
    if not isinstance(value, Mapping):
        return f"is {type(value).__name__}, expected total, left, right"
    wrong = [
        f"{side} {number(value.get(side))}" for side in ("total", "left", "right") if number(value.get(side))
    ]
    return "; ".join(wrong) or None


def answers(value: Any) -> str | None:
    """None if it is a list of cases with what was expected and what came out."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return "is no list of cases"
    for index, row in enumerate(value):
        missing = [k for k in ("case", "expected", "got") if not isinstance(row, Mapping) or k not in row]
        if missing:
            return f"case {index} has no {', '.join(missing)}"
    return None


Check = Callable[[Any], "str | None"]


@dataclass(frozen=True)
class Part:
    """One module of figures with ``measure(console, quick) -> dict``.

    Attributes:
        module: its name in bench/.
        keys: figures that it has to give for the top of the document, and what they have to look like.
    """

    module: str
    keys: Mapping[str, Check]


PARTS: dict[str, Part] = {
    "drivers": Part("machine_drivers", {"cpu_share_1khz": number}),
    "graph": Part("machine_graph", {}),
    "repetitions": Part(
        "machine_repetitions",
        {"rep_f1": number, "velocity_rmse_m_s": number, "clock_offset_error_ms": number},
    ),
    "checks": Part("machine_checks", {}),
    "inertial": Part("inertial", {"barbell_peak_velocity_rmse_m_s": number, "applift_rep_mae": number}),
    "ground": Part("ground_reaction", {"grf_nrmse": sides}),
    "known": Part("load_known_answers", {"known_answers": answers}),
}
"""Speeds first, while nothing else runs."""

KEYS = tuple(key for part in PARTS.values() for key in part.keys)
"""Of the top of the document, as the issue names them."""


def measured(part: Part, console: Console, quick: bool) -> dict[str, Any]:
    """What a part gives.

    Raises:
        PartError: the module is absent or failed, or a figure is missing or not what it has to be.
    """
    try:
        module = import_module(f"bench.{part.module}")
    except ImportError as error:
        raise PartError(f"bench/{part.module}.py cannot be imported: {error}") from error
    measure = getattr(module, "measure", None)
    if measure is None:
        raise PartError(f"bench/{part.module}.py has no measure(console, quick)")
    try:
        found = measure(console, quick)
    except Exception as error:  # whatever a part fails with: the others have still to be measured
        console.print(traceback.format_exc(), style="dim", highlight=False, markup=False)
        raise PartError(f"{type(error).__name__}: {error}") from error
    if not isinstance(found, Mapping):
        raise PartError(f"bench/{part.module}.py: measure gave {type(found).__name__}, expected a dict")
    wrong = [
        f"{key} {problem}" if key in found else f"{key} is missing"
        for key, check in part.keys.items()
        if (problem := check(found.get(key))) is not None
    ]
    if wrong:
        raise PartError("; ".join(wrong))
    return dict(found)


def joined(document: dict[str, Any], name: str, part: Part, console: Console, quick: bool) -> None:
    """Measures a part and puts it into the document; its old figures go if it fails."""
    problems = document.setdefault("problems", {})
    details = document.setdefault("details", {})
    for key in (*part.keys,):
        document.pop(key, None)
    details.pop(name, None)
    try:
        found = measured(part, console, quick)
    except PartError as reason:
        problems[name] = str(reason)
        console.print(f"[red]{name}: {reason}", highlight=False)
        return
    problems.pop(name, None)
    for key in part.keys:
        document[key] = found.pop(key)
    details[name] = {"quick": quick, **found}


def this_machine() -> dict[str, Any]:
    """Where it was measured."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": [round(v, 2) for v in os.getloadavg()],
    }


def plain(value: Any) -> Any:
    """Without what JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def keep(document: Mapping[str, Any], path: Path) -> None:
    """Writes the document whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(plain(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)


def summary(document: Mapping[str, Any], console: Console) -> None:
    """The figures of the issue, and what is missing."""
    table = Table("figure", "value", title="machine")
    for key in KEYS:
        value = document.get(key)
        if key == "known_answers" and value is not None:
            shown = f"{len(value)} cases"
        elif isinstance(value, Mapping):
            shown = ", ".join(f"{k} {v:.3f}" for k, v in value.items())
        else:
            shown = "missing" if value is None else f"{value:.4g}"
        table.add_row(key, shown)
    console.print(table)
    for name, reason in (document.get("problems") or {}).items():
        console.print(f"[red]{name}: {reason}", highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if a part could not be measured, or, after a whole run, a figure of the issue is missing."""
    from bench.machine_tables import markdown

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="little of everything, for development")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART", help=f"{', '.join(PARTS)}")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the tables of the documentation")
    parser.add_argument("--tables-only", action="store_true", help="write --table from the last result")
    parser.add_argument("--output", type=Path, default=RESULT, help="the document")
    options = parser.parse_args(arguments)
    console = Console(width=170)
    document: dict[str, Any] = {}
    if (options.only or options.tables_only) and options.output.is_file():
        document = json.loads(options.output.read_text(encoding="utf-8"))
    if not options.tables_only:
        document |= {"format": FORMAT, "machine": this_machine()}
        seconds = document.setdefault("seconds", {})
        for name in options.only or PARTS:
            console.rule(name)
            begun = time.monotonic()
            joined(document, name, PARTS[name], console, options.quick)
            seconds[name] = round(time.monotonic() - begun)
            keep(document, options.output)
    summary(document, console)
    if options.table:
        options.table.write_text(markdown(plain(document)), encoding="utf-8")
    if options.only:
        return 1 if set(options.only) & set(document["problems"]) else 0
    return 1 if document.get("problems") or any(key not in document for key in KEYS) else 0


if __name__ == "__main__":
    raise SystemExit(main())
