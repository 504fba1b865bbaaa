"""Measures perception: angles against the truth of simulated takes, uncertainty, occlusion, real film, speed.

Prints tables and writes bench_output/perception.json, each part as soon as it is measured. ``--only speed`` measures one
part again and leaves the others as they are in the file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import angle_errors
import cv2
import film
import lag
import lengths
import pose_speed
import recovery
import reliability
import still
import takes
from perception_tables import markdown
from rich.console import Console
from takes import TakeKey
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench_output" / "perception.json"
OPENCAP = ROOT.parent / "shared" / "data" / "opencap"
_QUICK = ("squat", "biceps_curl", takes.STANDING)
FORMAT = 1


@dataclass(frozen=True)
class Run:
    """What a part needs to know.

    Attributes:
        keys: takes that are there.
        jobs: processes.
        quick: little of everything.
        console: for tables.
    """

    keys: list[TakeKey]
    jobs: int
    quick: bool
    console: Console


def angles(run: Run) -> dict[str, Any]:
    """Errors, intervals and jitter."""
    measured = angle_errors.measure_all(run.keys, run.jobs, run.console)
    blind = angle_errors.measure_all(run.keys, run.jobs, run.console, ("calibrated",), posture=False)
    found, without = angle_errors.errors(measured), angle_errors.errors(blind)
    covered, levels = reliability.coverage(measured), reliability.reliability(measured)
    held = [item for item in measured if item.key.exercise in still.HOLDS]
    caved = angle_errors.caving_knees(measured)
    run.console.print(angle_errors.table(found, main_only=True))
    for table in reliability.tables(covered, levels):
        run.console.print(table)
    measured_lengths = lengths.errors(dict.fromkeys(key.athlete for key in run.keys))
    run.console.print(lengths.table(measured_lengths))
    return {
        "takes": len(run.keys),
        "calibrated_length_error_percent": measured_lengths,
        "angle_error_deg": found,
        "angle_error_without_posture_deg": without,
        "caving_knees": caved,
        "lag_ms": lag.lags_ms(measured),
        "coverage90": covered,
        "reliability": levels,
        "still_jitter_deg": still.jitter(still.standing(run.keys) + held),
    }


def occlusion(run: Run) -> dict[str, Any]:
    """Recovery after 0.5, 1 and 2 s."""
    found = recovery.measure_all(run.keys, run.jobs, 3 if run.quick else None)
    summary = recovery.summary(found)
    run.console.print(recovery.table(summary))
    return {"recovery": summary}


def real_film(run: Run) -> dict[str, Any]:
    """Clips of others; nothing where they are absent."""
    found = film.measure_all(run.console, ("wt_squat_19", "juri_squat") if run.quick else (), jobs=run.jobs)
    spread = {name: cells["segment_length_spread"] for name, cells in (found or {}).items()}
    return {"film": found, "segment_length_spread": spread or None}


def motion_capture(run: Run) -> dict[str, Any]:
    """Angles from markers against OpenSim's."""
    if not OPENCAP.is_dir():
        run.console.print(f"[yellow]no motion capture: {OPENCAP} is absent")
        return {"opencap_rmse_deg": None}
    opencap = import_module("opencap")
    result: dict[str, Any] = opencap.measure(OPENCAP)
    run.console.print(opencap.table(result))
    return result


def people(run: Run) -> dict[str, Any]:
    """Identity switches with bystanders."""
    result = import_module("identities").measure(
        scenes=("crossing",) if run.quick else (), console=run.console
    )
    return {"id_switches": result["id_switches"], "identities": result}


def cameras(run: Run) -> dict[str, Any]:
    """Two cameras and depth cameras against one."""
    views = import_module("views")
    sets = list(views.default_sets())
    return {"views": views.measure(sets[:1] if run.quick else sets, depth=not run.quick, console=run.console)}


def speed(run: Run) -> dict[str, Any]:
    """Milliseconds, and against MediaPipe."""
    return pose_speed.measure_all(run.console, run.quick)


PARTS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "speed": speed,
    "angles": angles,
    "occlusion": occlusion,
    "film": real_film,
    "opencap": motion_capture,
    "people": people,
    "cameras": cameras,
}
"""Speed first, while nothing else runs."""
_ON_TAKES = ("angles", "occlusion", "cameras")


def wanted_takes(quick: bool, render: bool, jobs: int, console: Console) -> list[TakeKey]:
    """Those that figures come from, rendered if they are not there."""
    keys = takes.judging_keys()
    if quick:
        keys = [key for key in keys if key.exercise in _QUICK and key.athlete in takes.JUDGING[:2]]
    if render:
        return takes.make(keys, jobs, console)
    ready = [key for key in keys if takes.path_of(key).exists()]
    console.print(
        f"{len(ready)} of {len(keys)} takes are there", style="yellow" if len(ready) < len(keys) else None
    )
    return ready


def machine() -> dict[str, Any]:
    """Where it was measured."""
    lines = (
        Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if Path("/proc/cpuinfo").is_file()
        else []
    )
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _keep(document: dict[str, Any]) -> None:
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    part = RESULT.with_suffix(".part")
    part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    part.replace(RESULT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few takes, for development")
    parser.add_argument("--no-render", action="store_true", help="measure the takes that are there")
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
    parts = arguments.only or list(PARTS)
    need = any(name in _ON_TAKES for name in parts)
    keys = wanted_takes(arguments.quick, not arguments.no_render, arguments.jobs, console) if need else []
    run = Run(keys, arguments.jobs, arguments.quick, console)
    for name in parts:
        begun = time.monotonic()
        document.update(PARTS[name](run))
        _keep(document)
        console.print(f"{name}: {time.monotonic() - begun:.0f} s", style="dim")
    console.print(f"{RESULT.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
