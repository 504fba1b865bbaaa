"""Inertial sensors against the labels of others: peak velocity of deadlifts, repetitions per set at 8 Hz.

`barbell_vbt`: samples go one by one through `InertialSensor` with its default settings; lifts are matched with the
labelled repetitions in their order, in files where there are as many. Two errors are given: of the velocity as it was
integrated, where nothing at all is fitted, and with one scale factor, from the other files alone (one file left out at a
time), as a calibration of this sensor against the labels' instrument would give it.

`applift`: repetitions of a set. The two thresholds of `count_cycles` are chosen for each participant on all others, out of
the grid below. Mount and load direction are those of the equipment and the exercise.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from kinecue.machine.inertial import (
    CycleCounter,
    CycleSettings,
    InertialRepetition,
    InertialSample,
    InertialSensor,
    InertialUnits,
    Mount,
    count_cycles,
)

Array = npt.NDArray[np.float64]
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
BARBELL, APPLIFT = DATA / "barbell_vbt", DATA / "applift"

LIKENESS = (0.5, 0.6, 0.7)
HEIGHT = (0.4, 0.5, 0.6)
EQUIPMENT = {
    "Weight_Stack": (Mount.STACK, "concentric_first"),
    "Barbell": (Mount.BAR, "eccentric_first"),
    "Dumbbell": (Mount.HANDLE, "concentric_first"),
}
"""Squats and bench presses begin with lowering; pulldowns, leg extensions and curls with the lift."""


class AbsentError(Exception):
    """The data is not on this machine."""


@dataclass(frozen=True)
class Lifts:
    """One file of `barbell_vbt`: what was found and what it is labelled with, m/s."""

    name: str
    found: tuple[InertialRepetition, ...]
    labels: tuple[float, ...]
    handedness: int

    @property
    def matched(self) -> bool:
        return len(self.found) == len(self.labels)

    @property
    def peaks(self) -> Array:
        return np.array([r.peak_velocity_m_s for r in self.found])


def lifts_of(path: Path) -> Lifts:
    """All of a file through the adapter."""
    rows = np.genfromtxt(path, delimiter=",", skip_header=1)
    labels = json.loads(path.with_name(path.name.replace("_imu.csv.gz", "_labels.json")).read_text("utf-8"))
    units, sensor = InertialUnits("g", "deg/s"), InertialSensor()
    found: list[InertialRepetition] = []
    for row in rows:
        found.extend(sensor.update(units.sample(round(row[0] * 1e6), row[1:4], row[4:7])))
    peaks = tuple(float(r["peak_velocity"]) for r in labels["reps"])
    name = re.match(r"[A-Za-z]+\d+", path.name)  # what follows are names of people
    return Lifts(name.group() if name else path.name, tuple(found), peaks, sensor.sign)


def scale_of(files: Sequence[Lifts]) -> float:
    """Least squares factor from what is integrated to the labels."""
    x = np.concatenate([f.peaks for f in files])
    y = np.concatenate([f.labels for f in files])
    return float(x @ y / (x @ x))


def barbell(console: Console) -> dict[str, Any]:
    """Peak velocities of the deadlifts."""
    paths = sorted(BARBELL.glob("*_imu.csv.gz"))
    if not paths:
        raise AbsentError(f"{BARBELL} is not there")
    files = [lifts_of(path) for path in paths]
    matched = [f for f in files if f.matched]
    rows, integrated, calibrated = [], [], []
    for file in files:
        row: dict[str, Any] = {
            "file": file.name,
            "labelled": len(file.labels),
            "found": len(file.found),
            "handedness": file.handedness,
        }
        if file.matched and len(matched) > 1:
            scale = scale_of([f for f in matched if f is not file])
            error, scaled = file.peaks - file.labels, file.peaks * scale - file.labels
            integrated.append(error)
            calibrated.append(scaled)
            row |= {
                "bias_m_s": float(error.mean()),
                "rmse_m_s": _rms(error),
                "scale_of_others": scale,
                "calibrated_bias_m_s": float(scaled.mean()),
                "calibrated_rmse_m_s": _rms(scaled),
                "std_m_s": float(np.mean([r.peak_velocity_std_m_s for r in file.found])),
                "range_m": float(np.mean([r.range_m for r in file.found])),
            }
        rows.append(row)
    raw, scaled = np.concatenate(integrated), np.concatenate(calibrated)
    peaks, labels = (np.concatenate([getattr(f, n) for f in matched]) for n in ("peaks", "labels"))
    result = {
        "files": rows,
        "repetitions": {
            "labelled": sum(len(f.labels) for f in files),
            "found": sum(len(f.found) for f in files),
        },
        "integrated": {"rmse_m_s": _rms(raw), "bias_m_s": float(raw.mean()), "std_m_s": float(raw.std())},
        "calibrated": {
            "rmse_m_s": _rms(scaled),
            "bias_m_s": float(scaled.mean()),
            "std_m_s": float(scaled.std()),
        },
        "correlation": float(np.corrcoef(peaks, labels)[0, 1]),
        "spread_of_labels_m_s": float(np.std(labels)),
    }
    _barbell_table(result, console)
    return result


@dataclass(frozen=True)
class Counted:
    """One set of `applift`."""

    name: str
    participant: str
    equipment: str
    exercise: str
    quality: str
    repetitions: int
    times_s: Array
    acceleration: Array
    rate: Array

    def settings(self, likeness: float, height: float) -> CycleSettings:
        mount, direction = EQUIPMENT[self.equipment]
        return CycleSettings(mount, direction, likeness, height)

    def count(self, likeness: float, height: float, *, gyroscope: bool = True) -> int:
        rate = self.rate if gyroscope else None
        found = count_cycles(self.times_s, self.acceleration, rate, self.settings(likeness, height))
        return len(found.turns_s)

    def live(self, likeness: float, height: float) -> int:
        """Counted sample by sample as the set goes on."""
        counter = CycleCounter(self.settings(likeness, height))
        for time, force, rate in zip(self.times_s, self.acceleration, self.rate, strict=True):
            counter.update(InertialSample(round(time * 1e9), tuple(force.tolist()), tuple(rate.tolist())))
        counter.finish()
        return counter.count


def sets_of_applift() -> list[Counted]:
    """All sets with their labels."""
    index, samples = APPLIFT / "index.csv", APPLIFT / "samples.csv.gz"
    if not index.is_file() or not samples.is_file():
        raise AbsentError(f"{APPLIFT} is not there")
    rows: dict[str, list[list[float]]] = defaultdict(list)
    columns = ("timestamp_ms", "accelX", "accelY", "accelZ", "gyroX", "gyroY", "gyroZ")
    with gzip.open(samples) as stream:
        for row in csv.DictReader(io.TextIOWrapper(stream, "utf-8")):
            rows[row["file"]].append([float(row[c] or "nan") for c in columns])
    sets = []
    with index.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            values = np.array(rows[row["file"]])
            _, first = np.unique(values[:, 0], return_index=True)
            values = values[first]
            sets.append(
                Counted(
                    row["file"],
                    row["participant"],
                    row["equip"],
                    row["exercise"],
                    row["quality"].replace("Intitiation", "Initiation"),
                    int(row["n_reps"]),
                    (values[:, 0] - values[0, 0]) * 1e-3,
                    values[:, 1:4],
                    values[:, 4:7],
                )
            )
    return sets


def applift(console: Console, quick: bool) -> dict[str, Any]:
    """Repetitions per set, each participant with thresholds chosen on the others."""
    sets = sets_of_applift()
    if quick:
        sets = sets[::4]
    grid = list(itertools.product(LIKENESS, HEIGHT))
    errors = {choice: np.array([s.count(*choice) - s.repetitions for s in sets]) for choice in grid}
    people = np.array([s.participant for s in sets])
    left_out = np.zeros(len(sets), dtype=int)
    chosen: dict[str, tuple[float, float]] = {}
    for person in sorted(set(people)):
        others = people != person
        best = min(grid, key=lambda choice: float(np.mean(np.abs(errors[choice][others]))))
        chosen[person] = best
        left_out[~others] = errors[best][~others]
    default = (CycleSettings().likeness, CycleSettings().height)
    live = np.array([s.live(*default) - s.repetitions for s in sets])
    bare = np.array([s.count(*default, gyroscope=False) - s.repetitions for s in sets])
    groups: dict[str, dict[str, Any]] = {}
    for title, key in (("equipment", "equipment"), ("exercise", "exercise"), ("quality", "quality")):
        values = np.array([getattr(s, key) for s in sets])
        groups[title] = {v: _shares(left_out[values == v]) for v in sorted(set(values))}
    result = {
        "participants": len(set(people)),
        "left_out": _shares(left_out),
        "by": groups,
        "chosen": {str(c): sum(1 for v in chosen.values() if v == c) for c in grid if c in chosen.values()},
        "default": {"likeness": default[0], "height": default[1], **_shares(errors[default])},
        "live": _shares(live),
        "accelerations_only": _shares(bare),
        "worst": [
            {
                "file": sets[i].name,
                "labelled": sets[i].repetitions,
                "counted": int(sets[i].repetitions + left_out[i]),
            }
            for i in np.argsort(-np.abs(left_out), kind="stable")[:8]
        ],
    }
    _applift_table(result, console)
    return result


def _shares(errors: npt.NDArray[np.int_]) -> dict[str, Any]:
    size = np.abs(errors)
    return {
        "sets": len(errors),
        "mae": float(size.mean()),
        "exact": float(np.mean(size == 0)),
        "within_one": float(np.mean(size <= 1)),
        "median": float(np.median(size)),
        "bias": float(errors.mean()),
    }


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def measure(console: Console, quick: bool) -> dict[str, Any]:
    """Both data sets.

    Raises:
        AbsentError: without the data.
    """
    vbt, counts = barbell(console), applift(console, quick)
    return {
        "barbell_peak_velocity_rmse_m_s": vbt["calibrated"]["rmse_m_s"],
        "barbell_peak_velocity_integrated_rmse_m_s": vbt["integrated"]["rmse_m_s"],
        "applift_rep_mae": counts["left_out"]["mae"],
        "barbell_vbt": vbt,
        "applift": counts,
    }


def _barbell_table(result: Mapping[str, Any], console: Console) -> None:
    heads = (
        "file",
        "found/labelled",
        "bias",
        "rmse",
        "calibrated bias",
        "calibrated rmse",
        "told std",
        "range m",
    )
    table = Table(*heads, title="barbell_vbt, peak velocity m/s")
    for row in result["files"]:
        values = [
            f"{row[k]:.3f}" if k in row else "-"
            for k in (
                "bias_m_s",
                "rmse_m_s",
                "calibrated_bias_m_s",
                "calibrated_rmse_m_s",
                "std_m_s",
                "range_m",
            )
        ]
        table.add_row(row["file"], f"{row['found']}/{row['labelled']}", *values)
    one, other, found = result["integrated"], result["calibrated"], result["repetitions"]
    table.add_row(
        "all",
        f"{found['found']}/{found['labelled']}",
        f"{one['bias_m_s']:.3f}",
        f"{one['rmse_m_s']:.3f}",
        f"{other['bias_m_s']:.3f}",
        f"{other['rmse_m_s']:.3f}",
    )
    console.print(table)


def _applift_table(result: Mapping[str, Any], console: Console) -> None:
    table = Table("", "sets", "MAE", "exact", "within one", "bias", title="applift, repetitions per set")
    rows = [("participants left out", result["left_out"])]
    rows += [(name, row) for group in result["by"].values() for name, row in group.items()]
    rows += [("default thresholds", result["default"]), ("counted live", result["live"])]
    rows += [("without gyroscope", result["accelerations_only"])]
    for name, row in rows:
        table.add_row(
            name,
            str(row["sets"]),
            f"{row['mae']:.2f}",
            f"{row['exact']:.2f}",
            f"{row['within_one']:.2f}",
            f"{row['bias']:+.2f}",
        )
    console.print(table)


if __name__ == "__main__":
    measure(Console(width=150), quick=False)
