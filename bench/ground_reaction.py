"""Ground reaction and joint moments without force plates, against force plates: the OpenCap laboratory trials.

Bodies are joint centres from optical markers, read as any recording is (`kinecue.recordings`), at 100 frames a
second. Nothing but these and the mass of the subject goes in. The mass is that of the scaled OpenSim model (the sum
of its bodies), not what the plates weigh; what they would say is given beside it. Left and right, the seat of the
sit-to-stand included, are the program's own business: it is told nothing but what the default says, that somebody
stands on the feet.

Normalised RMSE is over the range of the measured force, and over its mean and its peak, of the frames that are
described; frames that are abstained from are counted. Joint moments are compared with the same inverse dynamics from
the measured forces: that is what not having plates costs, without what both have wrong.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.opencap import rigid
from kinecue.body.landmarks import Landmark
from kinecue.body.trc import load_trc
from kinecue.loads.dynamics import BodyDynamics
from kinecue.loads.results import GRAVITY, Dynamics, Joint, LoadSide
from kinecue.loads.segments import LoadPerson
from kinecue.recordings import SpaceTrack, open_track

FloatArray = NDArray[np.float64]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "opencap"
TRIALS = ("squats1", "STS1")
STATIC = "static1"
PLATES = {LoadSide.RIGHT: 1, LoadSide.LEFT: 2}
_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
_NAMES = {LoadSide.BOTH: "total", LoadSide.LEFT: "left", LoadSide.RIGHT: "right"}
MASS_STD = 1.5
"""Of a mass that a scale has told, with clothes and shoes and the time of the day, kg."""


def load_forces(path: Path) -> dict[str, FloatArray]:
    """Columns of a file of force plates by name: time in s, forces in N, places in m, moments in N m; y up."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    end = next(i for i, line in enumerate(lines) if line.strip() == "endheader")
    table = np.array([[float(v) for v in line.split()] for line in lines[end + 2 :]])
    return dict(zip(lines[end + 1].split(), table.T, strict=True))


def model_mass(folder: Path) -> float:
    """Of the scaled OpenSim model, kg."""
    text = gzip.decompress((folder / "optimized_scale_and_markers.osim.gz").read_bytes())
    return sum(float(item.text or 0.0) for item in ET.fromstring(text).iter("mass"))


def describe(track: SpaceTrack, mass: float, every: int) -> tuple[list[Dynamics], float]:
    """Loads of a recording; ms of processor time for each body."""
    bodies = [body for _, body in track.bodies() if body is not None][::every]
    dynamics = BodyDynamics(LoadPerson(mass, MASS_STD))
    begin = time.process_time()
    found = [dynamics.update(body) for body in bodies]
    spent = 1e3 * (time.process_time() - begin) / len(bodies)
    return [item for item in found if item is not None], spent


class Plates:
    """The force plates of a trial in the frame of its track."""

    def __init__(self, folder: Path, name: str, track: SpaceTrack) -> None:
        self._forces = load_forces(folder / f"{name}_grf.mot.gz")
        self._start = self._forces["time"][0]
        trial = load_trc(folder / f"{name}.trc.gz").z_up()
        marks = {
            Landmark.LEFT_HIP: "L_HJC",
            Landmark.RIGHT_HIP: "R_HJC",
            Landmark.LEFT_HEEL: "L_calc",
            Landmark.RIGHT_FOOT_INDEX: "r_toe",
        }
        first = 0
        there = np.stack([track.positions[first, track.topology.index(mark)] for mark in marks])
        here = np.stack([trial.marker(marker)[first] for marker in marks.values()])
        turn, shift = rigid(here, there[None])
        self._turn, self._shift = turn[0], shift[0]

    def at(self, seconds: FloatArray, side: LoadSide) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(T, 3) force, centre of pressure and free moment of a foot."""
        result = []
        for letter in "vpm":
            columns = [self._forces[f"ground_force_{PLATES[side]}_{letter}{axis}"] for axis in "xyz"]
            course = np.stack(
                [np.interp(seconds, self._forces["time"] - self._start, column) for column in columns], -1
            )
            result.append(course @ _TO_Z_UP.T @ self._turn.T)
        return result[0], result[1] + self._shift, result[2]


def compare(estimated: FloatArray, measured: FloatArray, std: FloatArray) -> dict[str, float]:
    """Errors of a force where it is not NaN."""
    said = np.isfinite(estimated)
    if not said.any():
        return {"described": 0.0}
    error, truth = (estimated - measured)[said], measured[said]
    rmse = math.sqrt(float((error**2).mean()))
    return {
        "rmse_n": round(rmse, 2),
        "bias_n": round(float(error.mean()), 2),
        "over_range": round(rmse / float(np.ptp(truth)), 4),
        "over_mean": round(rmse / float(truth.mean()), 4),
        "over_peak": round(rmse / float(truth.max()), 4),
        "r": round(float(np.corrcoef(estimated[said], truth)[0, 1]), 4),
        "claimed_std_n": round(float(std[said].mean()), 2),
        "within_two_std": round(float((np.abs(error) <= 2.0 * std[said]).mean()), 4),
        "described": round(float(said.mean()), 4),
    }


def moments(found: list[Dynamics], plates: Plates, seconds: FloatArray) -> dict[str, dict[str, float]]:
    """Extension moments of the legs against those from the measured forces, N m."""
    result: dict[str, dict[str, float]] = {}
    for joint in (Joint.ANKLE, Joint.KNEE, Joint.HIP):
        errors, peaks, claims = [], [], []
        for side in PLATES:
            forces, places, twists = plates.at(seconds, side)
            for item, force, place, twist in zip(found, forces, places, twists, strict=True):
                one, foot = item.joint(joint, side), item.ground(side)
                if not (one.usable and foot.usable) or force[2] < 50.0:
                    continue
                mine = np.cross(foot.position - one.position, foot.force) + foot.free_moment
                true = np.cross(place - one.position, force) + twist
                errors.append(float((true - mine) @ one.flexion_axis))
                peaks.append(one.extension - errors[-1])
                claims.append(one.std)
        if errors:
            off, std = np.array(errors), np.array(claims)
            result[joint.value] = {
                "rmse_nm": round(math.sqrt(float((off**2).mean())), 2),
                "bias_nm": round(float(off.mean()), 2),
                "peak_nm": round(max(peaks), 1),
                "claimed_std_nm": round(float(std.mean()), 2),
                "within_two_std": round(float((np.abs(off) <= 2.0 * std).mean()), 4),
            }
    return result


def trial(folder: Path, name: str, mass: float, every: int) -> dict[str, Any]:
    """One trial at every so-manieth frame."""
    track = open_track(folder / f"{name}.trc.gz")
    if not isinstance(track, SpaceTrack):
        raise TypeError(f"{name}: expected markers")
    found, spent = describe(track, mass, every)
    seconds = np.array([(item.stamp_ns - int(track.stamps_ns[0])) * 1e-9 for item in found])
    plates = Plates(folder, name, track)
    measured = {side: plates.at(seconds, side)[0][:, 2] for side in PLATES}
    measured[LoadSide.BOTH] = measured[LoadSide.LEFT] + measured[LoadSide.RIGHT]
    result: dict[str, Any] = {
        label: compare(
            np.array([item.ground(side).force[2] for item in found]),
            measured[side],
            np.array([item.ground(side).std for item in found]),
        )
        for side, label in _NAMES.items()
    }
    result["moments"] = moments(found, plates, seconds)
    result["ms_per_body"] = round(spent, 3)
    result["frames_per_second"] = round(100.0 / every, 1)
    return result


def measure(console: Console, quick: bool = False, folder: Path = DATA) -> dict[str, Any]:
    """All trials.

    Returns:
        ``grf_nrmse`` {total, left, right}: RMSE over range, the worse of the moving trials; ``grf_nrmse_mean`` over
        the mean; ``ground_reaction`` [trial] with all figures; empty where the recordings are not there.
    """
    if not folder.is_dir():
        console.print(f"{folder} is not there: no ground reaction")
        return {}
    mass = model_mass(folder)
    weighed = load_forces(folder / f"{STATIC}_grf.mot.gz")
    both = np.stack([weighed[f"ground_force_{k}_vy"] for k in PLATES.values()]).sum(0)
    scale = float(both.mean()) / GRAVITY
    trials: dict[str, Any] = {
        name: trial(folder, name, mass, 1) for name in (TRIALS[:1] if quick else TRIALS)
    }
    moving = list(trials.values())
    if not quick:
        for name in TRIALS:
            trials[f"{name} at 33/s"] = trial(folder, name, mass, 3)
            trials[f"{name}, mass from the plates"] = trial(folder, name, scale, 1)
    result = {
        "grf_nrmse": {label: max(item[label]["over_range"] for item in moving) for label in _NAMES.values()},
        "grf_nrmse_mean": {
            label: max(item[label]["over_mean"] for item in moving) for label in _NAMES.values()
        },
        "ground_reaction": {
            "model_mass_kg": round(mass, 2),
            "plate_mass_kg": round(scale, 2),
            "trials": trials,
        },
    }
    console.print(table(result))
    return result


def table(result: Mapping[str, Any]) -> Table:
    """Every trial and side."""
    about = result["ground_reaction"]
    view = Table(
        title="Vertical ground reaction; mass "
        f"{about['model_mass_kg']} kg (model), {about['plate_mass_kg']} kg (plates)"
    )
    for column in (
        "trial",
        "force",
        "RMSE N",
        "bias N",
        "over range",
        "over mean",
        "over peak",
        "r",
        "claimed",
        "described",
    ):
        view.add_column(column, justify="left" if column in ("trial", "force") else "right")
    for name, item in about["trials"].items():
        for label in _NAMES.values():
            row = item[label]
            view.add_row(
                name, label, *(f"{row[key]:.1f}" for key in ("rmse_n", "bias_n")),
                *(f"{100 * row[key]:.1f} %" for key in ("over_range", "over_mean", "over_peak")),
                f"{row['r']:.3f}", f"{row['claimed_std_n']:.0f}", f"{100 * row['described']:.0f} %",
            )  # fmt: skip
        for joint, row in item["moments"].items():
            view.add_row(
                name, f"{joint} moment", f"{row['rmse_nm']:.1f} N m", f"{row['bias_nm']:.1f}", "", "",
                f"of {row['peak_nm']:.0f}", "", f"{row['claimed_std_nm']:.0f}",
                f"{100 * row['within_two_std']:.0f} % in 2 std",
            )  # fmt: skip
    return view


if __name__ == "__main__":
    out = measure(Console(stderr=True, width=160), "--quick" in sys.argv)
    sys.stdout.write(json.dumps(out, indent=1) + "\n")
