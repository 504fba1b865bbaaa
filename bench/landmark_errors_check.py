"""Are simulated landmarks as wrong as real ones? Errors of the bodies from both, per exercise and view.

    python bench/landmark_errors_check.py [--people 2] [--exercise squat ...]

The error model sees the tuning takes only; the judging takes are measured with the network's landmarks, and with simulated
ones of the same true movement.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
import takes
from angle_errors import MAIN, Reader
from fitting import person_of
from landmark_errors import BenchError, NetworkErrors, cycle_of_take
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from takes import Take, TakeKey
from threadpoolctl import threadpool_limits

from kinecue.body.body import Body
from kinecue.perception.body_fitter import BodyFitter, FitterSettings
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES

FloatArray = NDArray[np.float64]


def bodies(key: TakeKey, take: Take, seen: list[Landmarks2D | None]) -> list[Body | None]:
    """Calibrated with the real standing take either way."""
    fitter = BodyFitter(take.camera_model, settings=FitterSettings(person=person_of(key.athlete)))
    fitter.set_posture(key.exercise)
    return [None if frame is None else fitter.update(frame) for frame in seen]


def simulated(key: TakeKey, take: Take, seed: int) -> list[Landmarks2D | None]:
    """The network's landmarks of somebody else in the same movement."""
    errors = NetworkErrors(f"somebody {seed}", seed, "tuning")
    return errors.landmarks(
        key.exercise,
        takes.VIEWS[key.view],
        take.stamps_ns,
        take.true_positions,
        take.camera_model,
        cycle_of_take(take, EXERCISES[key.exercise].sided),
        Athlete(key.athlete),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=2, help="simulated ones for each take")
    parser.add_argument("--exercise", nargs="*", help="all by default")
    arguments = parser.parse_args()
    console = Console(width=150)
    reader = Reader()
    parts: dict[tuple[str, str], dict[str, list[tuple[float, ...]]]] = defaultdict(lambda: defaultdict(list))
    keys = [
        key
        for key in takes.judging_keys()
        if key.exercise != takes.STANDING
        and not key.fault
        and takes.path_of(key).exists()
        and (not arguments.exercise or key.exercise in arguments.exercise)
    ]
    for key in track(keys, console=console, transient=True):
        take = takes.load(takes.path_of(key))
        true = reader.true(take)
        ways = [("real", take.landmarks())]
        try:
            ways += [("simulated", simulated(key, take, seed)) for seed in range(arguments.people)]
        except BenchError as problem:
            console.print(f"[yellow]{problem}")
            continue
        for way, seen in ways:
            value, std, _ = reader.read(bodies(key, take, seen))
            columns = [i for i, (joint, _) in enumerate(reader.columns) if joint in MAIN[key.exercise]]
            error = np.degrees(value - true)[:, columns]
            known = np.isfinite(error)
            constant = np.nanmean(error, axis=0)
            with np.errstate(invalid="ignore"):
                inside = (np.abs(error) <= 1.645 * np.degrees(std[:, columns]))[known].mean()
                jitter = np.nanstd(np.diff(error, axis=0))
            parts[key.exercise, key.view][way].append(
                (
                    float(np.nanmean(np.abs(error))),
                    float(np.nanmean(np.abs(constant))),
                    float(np.nanmean(np.nanstd(error, axis=0))),
                    float(jitter),
                    100.0 * float(inside),
                    100.0 * float(1.0 - known.mean()),
                )
            )
    table = Table(title="errors of the main angles, real / simulated; degrees and percent")
    for name in (
        "exercise",
        "view",
        "mean abs.",
        "constant",
        "varying",
        "frame to frame",
        "in 90 % interval",
        "abstained",
    ):
        table.add_column(name)
    every: dict[str, list[FloatArray]] = defaultdict(list)
    for (exercise, view), ways_of in parts.items():
        both = [np.mean(ways_of[way], axis=0) for way in ("real", "simulated")]
        for way, row in zip(("real", "simulated"), both, strict=True):
            every[way].append(row)
        table.add_row(exercise, view, *(f"{a:.1f} / {b:.1f}" for a, b in zip(*both, strict=True)))
    if every:
        both = [np.mean(every[way], axis=0) for way in ("real", "simulated")]
        table.add_row("all", "", *(f"{a:.1f} / {b:.1f}" for a, b in zip(*both, strict=True)), style="bold")
    console.print(table)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
