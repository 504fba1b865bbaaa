"""What two seconds of standing still tell of a person and of the camera's mount, on simulated takes with truth.

Three cases: the mount is known; it is not; it is not, but the person's stature is. Errors are of one standing each.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from takes import JUDGING, Take, TakeKey, load, path_of, standing_keys

from kinecue.body.anthropometry import LENGTH_NAMES
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.quick_calibration import Calibration, QuickCalibration
from kinecue.perception.standing import measure as measure_standing
from kinecue.simulation.athletes.athlete import Athlete

FloatArray = NDArray[np.float64]

CASES = ("mount known", "mount unknown", "mount unknown, stature known")
_GUESS_HEIGHT = 1.0
"""What is assumed of a camera of which nothing is known, m, looking level."""
_DURATION_S = 1.8
_PAIRS = {
    "pelvis": ("hip", "hip"),
    "shoulders": ("shoulder", "shoulder"),
    "thigh": ("hip", "knee"),
    "shank": ("knee", "ankle"),
    "upper_arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
}


def true_lengths(take: Take) -> FloatArray:
    """(7,) in the order of `LENGTH_NAMES`, m."""
    middle = np.median(take.true_positions, axis=0)

    def at(side: str, joint: str) -> FloatArray:
        row: FloatArray = middle[BLAZEPOSE_33.index(L(f"{side}_{joint}"))]
        return row

    def length(name: str) -> float:
        if name == "trunk":
            hips, shoulders = (0.5 * (at("left", j) + at("right", j)) for j in ("hip", "shoulder"))
            return float(np.linalg.norm(shoulders - hips))
        a, b = _PAIRS[name]
        if a == b:
            return float(np.linalg.norm(at("left", a) - at("right", a)))
        return float(np.mean([np.linalg.norm(at(s, a) - at(s, b)) for s in ("left", "right")]))

    return np.array([length(name) for name in LENGTH_NAMES])


def calibrate(take: Take, case: str, stature: float) -> tuple[Calibration | None, tuple[str, ...]]:
    """What the calibration makes of a take, or why it refuses."""
    camera = take.camera_model
    if case != CASES[0]:
        camera = replace(camera, mount_height=_GUESS_HEIGHT, tilt=0.0, roll=0.0, mount_estimated=True)
    quick = QuickCalibration(
        camera, measure_standing, "take", _DURATION_S, stature if case == CASES[2] else None
    )
    for stamp, landmarks in zip(take.stamps_ns.tolist(), take.landmarks(), strict=True):
        quick.update(landmarks, stamp)
    result = quick.finish("2026-01-01T00:00:00+00:00")
    return (result, ()) if isinstance(result, Calibration) else (None, result.reasons)


def measure(keys: Iterable[TakeKey] | None = None) -> dict[str, Any]:
    """Root mean square errors over the takes that are there.

    Returns:
        ``calibration`` [view][case] {takes, refused, height_m, tilt_deg, roll_deg, stature_m, lengths_percent {name},
        legs_percent (thigh and shank), covered90 (of the lengths' 90 % intervals, the share that holds the truth)}.
        Where the mount is known its errors are left out.
    """
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    refused: dict[tuple[str, str], int] = {}
    for key in standing_keys(JUDGING) if keys is None else keys:
        path = path_of(key)
        if not path.exists():
            continue
        take = load(path)
        stature, lengths, camera = Athlete(key.athlete).shape.stature, true_lengths(take), take.camera_model
        for case in CASES:
            place = (key.view, case)
            found, _ = calibrate(take, case, stature)
            if found is None:
                refused[place] = refused.get(place, 0) + 1
                continue
            person, mount = found.person, found.mount
            error = person.lengths.as_array() - lengths
            rows.setdefault(place, []).append(
                {
                    "height_m": mount.height - camera.mount_height,
                    "tilt_deg": math.degrees(mount.tilt - camera.tilt),
                    "roll_deg": math.degrees(mount.roll - camera.roll),
                    "stature_m": person.stature - stature,
                    "lengths": 100.0 * error / lengths,
                    "inside": np.abs(error) < 1.645 * person.lengths_std.as_array(),
                }
            )
    result: dict[str, Any] = {}
    for (view, case), found_rows in rows.items():
        lengths_rms = _rms(np.stack([row["lengths"] for row in found_rows]))
        entry: dict[str, Any] = {
            "takes": len(found_rows),
            "refused": refused.get((view, case), 0),
            "stature_m": round(float(_rms(np.array([row["stature_m"] for row in found_rows]))), 4),
            "lengths_percent": {
                n: round(v, 2) for n, v in zip(LENGTH_NAMES, lengths_rms.tolist(), strict=True)
            },
            "legs_percent": round(float(_rms(lengths_rms[[3, 4]])), 2),
            "covered90": round(float(np.mean([row["inside"] for row in found_rows])), 3),
        }
        if case != CASES[0]:
            for name in ("height_m", "tilt_deg", "roll_deg"):
                entry[name] = round(float(_rms(np.array([row[name] for row in found_rows]))), 3)
        result.setdefault(view, {})[case] = entry
    return {"calibration": result}


def table(result: dict[str, Any]) -> Table:
    """One row per view and case."""
    view_table = Table(title="Two seconds of standing still: root mean square errors")
    for name in (
        "view",
        "case",
        "takes",
        "height m",
        "tilt deg",
        "roll deg",
        "stature m",
        "legs %",
        "all %",
        "covered",
    ):
        view_table.add_column(name, justify="left" if name in ("view", "case") else "right")
    for view, cases in result["calibration"].items():
        for case, e in cases.items():
            everything = float(_rms(np.array(list(e["lengths_percent"].values()))))
            mount = [f"{e[n]:.2f}" if n in e else "" for n in ("height_m", "tilt_deg", "roll_deg")]
            view_table.add_row(
                view,
                case,
                f"{e['takes']}" + (f" (+{e['refused']} refused)" if e["refused"] else ""),
                *mount,
                f"{e['stature_m']:.3f}",
                f"{e['legs_percent']:.1f}",
                f"{everything:.1f}",
                f"{e['covered90']:.0%}",
            )
    return view_table


def _rms(values: FloatArray) -> FloatArray:
    result: FloatArray = np.sqrt((values**2).mean(0))
    return result


def main() -> None:
    """Prints the table; writes JSON to the file named, if one is."""
    result = measure()
    Console(width=130).print(table(result))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
