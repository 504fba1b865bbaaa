"""Frames per second of the scorer alone, on one core: features, phases, D and faults, without the network and the fit.

    python bench/scoring_speed.py [--exercise squat ...] [--frames 3000]

Bodies come from a simulated set, over and over. Processor time of the best of several rounds counts: whatever else runs on
the machine can only make it slower.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scored_sets import MadeSet, SetKey, make
from set_records import scored_exercises
from threadpoolctl import threadpool_limits

from kinecue.exercise.exercise_file import find_exercise
from kinecue.exercise.scorer import Scorer

BODIES = (1, 2, 4, 8)
_ROUNDS = 5


def _set_of(exercise: str) -> MadeSet:
    once = exercise in ("turkish_get_up", "plank")
    return make(SetKey(exercise, "average_man", 45.0, repetitions=1 if once else 2, seed=3))


def seconds_per_frame(made: MadeSet, bodies: int, frames: int) -> float:
    """Of `Scorer.update` for all bodies together, one scorer each: the fastest of several rounds."""
    model = find_exercise(made.key.exercise)
    count = len(made.stamps_ns)
    length = made.stamps_ns[-1] - made.stamps_ns[0] + round(1e9 / made.key.fps)
    scorers = [Scorer(model) for _ in range(bodies)]
    # stamps are made beforehand: that is not the scorer's work
    inputs = []
    for n in range(frames):
        body, stamp = made.bodies[n % count], made.stamps_ns[n % count] + n // count * length
        inputs.append((None if body is None else replace(body, stamp_ns=stamp), stamp))
    size = max(frames // _ROUNDS, 1)
    best = float("inf")
    for first in range(0, frames - size + 1, size):
        part = inputs[first : first + size]
        begun = time.process_time()
        for body, stamp in part:
            for scorer in scorers:
                scorer.update(body, stamp)
        best = min(best, (time.process_time() - begun) / size)
    return best


def measure(exercises: Sequence[str], frames: int, console: Console) -> dict[str, Any]:
    """Figures for JSON; the headline is the slowest exercise."""
    rates, growth = {}, {}
    with threadpool_limits(1):
        for exercise in exercises:
            made = _set_of(exercise)
            rates[exercise] = round(1.0 / seconds_per_frame(made, 1, frames))
        first = exercises[0]
        made = _set_of(first)
        for bodies in BODIES:
            growth[str(bodies)] = round(1e6 * seconds_per_frame(made, bodies, max(frames // bodies, 200)), 1)
    table = Table(title="scorer on one core")
    for name in ("exercise", "frames per second"):
        table.add_column(name)
    for exercise, rate in rates.items():
        table.add_row(exercise, str(rate), style=None if rate >= 2000 else "red")
    console.print(table)
    console.print(f"{first}: microseconds a frame by bodies", growth)
    return {
        "frames_per_second_1core": min(rates.values()),
        "scoring_speed": {
            "frames_per_second": rates,
            "median": int(np.median(list(rates.values()))),
            "microseconds_by_bodies": growth,
            "exercise_of_bodies": first,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--exercise", nargs="*", help="all with a file by default")
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console = Console(width=120)
    result = measure(arguments.exercise or scored_exercises(), arguments.frames, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
