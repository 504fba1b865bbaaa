"""Angles of the fitted body against the truth of simulated takes, calibrated and not, and what raw world landmarks give.

    PYTHONPATH=src:bench python bench/angle_errors.py --set tuning --exercise squat

prints a table; `measure` and `errors` serve the other benchmarks.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import takes
from fitting import KINDS, Kind, bodies
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from takes import Take, TakeKey
from threadpoolctl import threadpool_limits

from kinecue.body.body import Body
from kinecue.body.measurement import Validity
from kinecue.exercise.features import FEATURES, FeatureComputer
from kinecue.exercise.results import Side

FloatArray = NDArray[np.float64]

LEGS = ("knee_flexion", "hip_flexion", "trunk_lean")
ARMS = ("elbow_flexion", "shoulder_flexion")
MAIN: dict[str, tuple[str, ...]] = {
    "squat": LEGS,
    "goblet_squat": LEGS,
    "deadlift": LEGS,
    "romanian_deadlift": LEGS,
    "forward_lunge": LEGS,
    "reverse_lunge": LEGS,
    "kettlebell_swing": (*LEGS, "shoulder_flexion"),
    "overhead_press": (*ARMS, "trunk_lean"),
    "biceps_curl": (*ARMS, "trunk_lean"),
    "triceps_pushdown": (*ARMS, "trunk_lean"),
    "cable_row": (*ARMS, "trunk_lean"),
    "lat_pulldown": (*ARMS, "trunk_lean"),
    "cable_chest_press": (*ARMS, "trunk_lean"),
    "push_up": (*ARMS, "hip_flexion"),
    "pull_up": ARMS,
    "plank": ("hip_flexion", "knee_flexion", "shoulder_flexion"),
    "turkish_get_up": ("knee_flexion", "hip_flexion", "elbow_flexion"),
}
"""The angles that an exercise is scored by; the aims hold for these."""
JOINTS = (*LEGS, *ARMS)
AIMS = {"knee_flexion": 3.0, "hip_flexion": 4.0, "trunk_lean": 3.0}
"""Degrees, of the squat; of everything else `OTHER_AIM`."""
OTHER_AIM = 6.0
BOTTOM = 0.97
"""Progress from which a frame is at the turning point."""
KNEES_IN = "squat, knees in"


def aim(exercise: str, joint: str) -> float:
    """Mean absolute error wanted, degrees."""
    return AIMS.get(joint, OTHER_AIM) if exercise == "squat" else OTHER_AIM


@dataclass(frozen=True)
class Angles:
    """Angles of one take by one way of measuring, T frames, C columns.

    Attributes:
        key: the take.
        kind: the way.
        columns: joint and ``left``, ``right`` or empty.
        true, value, std: (T, C) rad; value and std NaN where abstained.
        inferred: (T, C) from landmarks that were not seen.
        progress: (T,) 0 at the start position, 1 at the turning point.
        stamps_ns: (T,).
        fit_ms: per frame, from landmarks to body.
        features_ms: per frame, from body to angles.
    """

    key: TakeKey
    kind: Kind
    columns: tuple[tuple[str, str], ...]
    true: FloatArray
    value: FloatArray
    std: FloatArray
    inferred: NDArray[np.bool_]
    progress: FloatArray
    stamps_ns: NDArray[np.int64]
    fit_ms: float
    features_ms: float

    @property
    def bottom(self) -> NDArray[np.bool_]:
        """(T,) at the turning point."""
        return np.asarray(self.progress >= BOTTOM)

    @property
    def error(self) -> FloatArray:
        """(T, C) measured minus true, the shorter way round, rad; NaN where abstained."""
        return difference(self.value, self.true)

    @property
    def label(self) -> str:
        """Of the exercise in tables."""
        return KNEES_IN if self.key.fault.startswith("knees_in") else self.key.exercise

    def columns_of(self, joint: str, side: str | None = None) -> list[int]:
        """Of one joint, both sides or one."""
        return [i for i, (j, s) in enumerate(self.columns) if j == joint and side in (None, s)]


def difference(measured: FloatArray, true: FloatArray) -> FloatArray:
    """Measured minus true, the shorter way round, rad."""
    result: FloatArray = (measured - true + math.pi) % (2.0 * math.pi) - math.pi
    return result


class Reader:
    """Reads the angles of bodies."""

    def __init__(self, joints: Sequence[str] = JOINTS) -> None:
        self._computer = FeatureComputer(joints)
        self._columns = [
            (name, side)
            for name in joints
            for side in ((Side.LEFT, Side.RIGHT) if FEATURES[name].sided else (Side.NONE,))
        ]
        self.columns = tuple((n, "" if s is Side.NONE else s.name.lower()) for n, s in self._columns)

    def read(self, found: Iterable[Body | None]) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """(T, C) values, standard deviations (NaN where abstained), whether inferred."""
        values, spreads, inferred = [], [], []
        for body in found:
            if body is None:
                values.append([math.nan] * len(self.columns))
                spreads.append(values[-1])
                inferred.append([False] * len(self.columns))
                continue
            frame = self._computer.measure(body)
            row = [frame[column] for column in self._columns]
            values.append([m.value if m.usable else math.nan for m in row])
            spreads.append([m.std if m.usable else math.nan for m in row])
            inferred.append([m.validity == Validity.INFERRED for m in row])
        return np.array(values), np.array(spreads), np.array(inferred)

    def true(self, take: Take) -> FloatArray:
        """(T, C) rad."""
        names = list(take.angle_names)
        wanted = [f"{joint}_{side}" if side else joint for joint, side in self.columns]
        result: FloatArray = take.angles[:, [names.index(name) for name in wanted]]
        return result


def measure(key: TakeKey, kind: Kind, posture: bool = True) -> Angles:
    """Angles of a take, one way; `posture`: the fitter is told which exercise is on."""
    take, reader = takes.load(takes.path_of(key)), Reader()
    start = time.perf_counter()
    found = bodies(key, take, kind, posture)
    fitted = time.perf_counter()
    value, std, inferred = reader.read(found)
    end, count = time.perf_counter(), len(take.stamps_ns)
    return Angles(
        key,
        kind,
        reader.columns,
        reader.true(take),
        value,
        std,
        inferred,
        take.progress,
        take.stamps_ns,
        1000.0 * (fitted - start) / count,
        1000.0 * (end - fitted) / count,
    )


def _work(job: tuple[TakeKey, Kind, bool]) -> Angles:
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        return measure(*job)


def measure_all(
    keys: Iterable[TakeKey], jobs: int, console: Console, kinds: Sequence[Kind] = KINDS, posture: bool = True
) -> list[Angles]:
    """Every take every way, in the order of the takes."""
    work = [(key, kind, posture) for key in keys if key.exercise != takes.STANDING for kind in kinds]
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("angles", total=len(work))
        if jobs <= 1:
            return [_advance(bar, task, _work(job)) for job in work]
        with multiprocessing.get_context("spawn").Pool(jobs) as pool:
            return [_advance(bar, task, item) for item in pool.imap(_work, work)]


def _advance(bar: Progress, task: Any, item: Angles) -> Angles:
    bar.advance(task)
    return item


def cell(parts: Sequence[tuple[FloatArray, NDArray[np.bool_]]]) -> dict[str, Any]:
    """Figures of one cell from (error, bottom) of equal shape, degrees; None where nothing was measured."""
    error = np.degrees(np.concatenate([e.ravel() for e, _ in parts]))
    bottom = np.concatenate([b.ravel() for _, b in parts])
    known = np.isfinite(error)
    turning = error[known & bottom]
    return {
        "mae": _rounded(np.abs(error[known])),
        "bias": _rounded(error[known]),
        "abstained": round(float(1.0 - known.mean()), 4),
        "bottom": _rounded(turning),
        "bottom_mae": _rounded(np.abs(turning)),
        "n": int(error.size),
    }


def _rounded(values: FloatArray) -> float | None:
    return round(float(values.mean()), 2) if values.size else None


def errors(measured: Iterable[Angles]) -> dict[str, Any]:
    """[exercise][view][joint][kind] of `cell`s; sided joints seen from aside have also ``near`` and ``far`` ones."""
    parts: dict[tuple[str, ...], list[tuple[FloatArray, NDArray[np.bool_]]]] = defaultdict(list)
    for item in measured:
        error = item.error
        for i, (joint, side) in enumerate(item.columns):
            # positive views show the person's left side
            aside = item.key.view != "front" and side
            for part in ("", "near" if side == "left" else "far") if aside else ("",):
                place = (item.label, item.key.view, joint, item.kind, part)
                parts[place].append((error[:, i], item.bottom))
    result: dict[str, Any] = {}
    for (exercise, view, joint, kind, side), values in parts.items():
        cells = result.setdefault(exercise, {}).setdefault(view, {}).setdefault(joint, {})
        if side:
            cells.setdefault(kind, {})[side] = cell(values)
        else:
            cells[kind] = {**cell(values), **cells.get(kind, {})}
    return result


def caving_knees(measured: Iterable[Angles]) -> list[dict[str, Any]]:
    """How much caving knees change the measured depth of a squat beyond what they truly change, degrees."""
    peaks: dict[tuple[str, str, str], dict[bool, tuple[float, float]]] = defaultdict(dict)
    for item in measured:
        if item.key.exercise != "squat":
            continue
        knees = item.columns_of("knee_flexion")
        value, true = item.value[:, knees], item.true[:, knees]
        if np.isfinite(value[item.bottom]).any():
            # mean of the sides at the turning point: the depth that is counted
            peaks[item.key.athlete, item.key.view, item.kind][bool(item.key.fault)] = (
                math.degrees(float(np.nanmean(value[item.bottom]))),
                math.degrees(float(true[item.bottom].mean())),
            )
    rows = []
    for (athlete, view, kind), both in sorted(peaks.items()):
        if len(both) == 2:
            (bad, bad_true), (good, good_true) = both[True], both[False]
            rows.append(
                {
                    "athlete": athlete,
                    "view": view,
                    "kind": kind,
                    "depth": round(bad, 1),
                    "true_depth": round(bad_true, 1),
                    "change_of_error": round((bad - bad_true) - (good - good_true), 1),
                }
            )
    return rows


_PHASES = (-0.1, 0.03, 0.35, 0.65, BOTTOM, 1.5)


def by_progress(measured: Iterable[Angles]) -> Table:
    """Mean error (and its standard deviation) of the main angles by how far the movement is, degrees."""
    parts: dict[tuple[str, str, str, str], list[list[FloatArray]]] = {}
    for item in measured:
        error = np.degrees(item.error)
        phase = np.digitize(item.progress, _PHASES) - 1
        for i, (joint, _) in enumerate(item.columns):
            if joint in MAIN[item.key.exercise]:
                place: tuple[str, str, str, str] = (item.kind, item.label, item.key.view, joint)
                bins = parts.setdefault(place, [[] for _ in _PHASES[1:]])
                for k, values in enumerate(bins):
                    values.append(error[phase == k, i])
    result = Table(title="mean error and standard deviation by progress, degrees")
    names = (f"to {high:g}" for high in _PHASES[1:-1])
    for name in ("kind", "exercise", "view", "joint", *names, "turning point"):
        result.add_column(name)
    for place, bins in parts.items():
        every = [np.concatenate(values) for values in bins]
        known = [values[np.isfinite(values)] for values in every]
        result.add_row(*place, *(f"{v.mean():+.1f} ({v.std():.1f})" if v.size else "-" for v in known))
    return result


def text(c: dict[str, Any] | None) -> str:
    """``mae bias bottom abstained`` of a cell for people."""
    if c is None:
        return ""
    if c["mae"] is None:
        return "all abstained"
    bottom = "" if c["bottom"] is None else f" b{c['bottom']:+.0f}"
    abstained = f" {100 * c['abstained']:.0f}%" if c["abstained"] >= 0.005 else ""
    return f"{c['mae']:.1f} {c['bias']:+.1f}{bottom}{abstained}"


def table(found: dict[str, Any], main_only: bool = False) -> Table:
    """One line for each exercise, view and joint."""
    result = Table(title="mean absolute error, bias, error at the turning point, share abstained; degrees")
    kinds = [k for k in KINDS if any(k in j for v in found.values() for c in v.values() for j in c.values())]
    for name in ("exercise", "view", "joint", "aim", *kinds, f"{kinds[0]} near", f"{kinds[0]} far"):
        result.add_column(name, no_wrap=True)
    for exercise, views in found.items():
        plain = "squat" if exercise == KNEES_IN else exercise
        for view, joints in views.items():
            for joint, cells in joints.items():
                main = joint in MAIN[plain]
                if main_only and not main:
                    continue
                wanted, first = aim(plain, joint), cells[kinds[0]]
                bad = main and (first["mae"] is not None and first["mae"] > wanted)
                result.add_row(
                    exercise,
                    view,
                    joint,
                    f"{wanted:.0f}" if main else "",
                    *(text(cells.get(k)) for k in kinds),
                    *(text(first.get(side)) for side in ("near", "far")),
                    style="red" if bad else None if main else "dim",
                )
            result.add_section()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--set", choices=("tuning", "judging"), default="tuning", dest="which")
    parser.add_argument("--exercise", nargs="*", help="all by default")
    parser.add_argument("--athlete", nargs="*")
    parser.add_argument("--view", nargs="*", choices=list(takes.VIEWS))
    parser.add_argument("--kind", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument(
        "--no-posture", action="store_true", help="do not tell the fitter which exercise is on"
    )
    parser.add_argument("--main", action="store_true", help="only the angles that the exercise is scored by")
    parser.add_argument("--progress", action="store_true", help="also the error by how far the movement is")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", type=Path, help="also write the table there")
    arguments = parser.parse_args()
    console = Console(width=190)
    every = takes.tuning_keys() if arguments.which == "tuning" else takes.judging_keys()
    keys = [
        key
        for key in every
        if takes.path_of(key).exists()
        and (not arguments.exercise or key.exercise in arguments.exercise)
        and (not arguments.athlete or key.athlete in arguments.athlete)
        and (not arguments.view or key.view in arguments.view)
    ]
    measured = measure_all(keys, arguments.jobs, console, arguments.kind, not arguments.no_posture)
    if not measured:
        raise SystemExit("no takes: make bench-perception renders them")
    result = table(errors(measured), arguments.main)
    console.print(result)
    if arguments.progress:
        console.print(by_progress(m for m in measured if m.kind == arguments.kind[0]))
    caved = caving_knees(measured)
    for row in caved:
        console.print("caving knees:", ", ".join(f"{k} {v}" for k, v in row.items()), highlight=False)
    fits = [m for m in measured if m.kind != "raw_world"]
    if fits:
        fit, features = (
            float(np.mean([getattr(m, name) for m in fits])) for name in ("fit_ms", "features_ms")
        )
        console.print(f"fit {fit:.2f} ms, features {features:.2f} ms a frame")
        inside = np.concatenate([(np.abs(m.error) <= 1.645 * m.std)[np.isfinite(m.error)] for m in fits])
        console.print(f"90 % intervals hold {100 * inside.mean():.1f} % of {inside.size}")
    if arguments.output:
        with arguments.output.open("w", encoding="utf-8") as file:
            Console(file=file, width=190).print(result)


if __name__ == "__main__":
    main()
