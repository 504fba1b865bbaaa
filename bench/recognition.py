"""Is the exercise recognised, and is what no file describes left unknown? Simulated sets and real clips.

    python bench/recognition.py [--clips-only]

Each recording is followed twice: with all files, and with its own left out, when nothing may be recognised. Exercises
that are the same movement with the load elsewhere (`TWINS`) may stand in for each other there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import film
from fitting import film_bodies
from rich.console import Console
from rich.table import Table
from scored_sets import SetKey, make

from kinecue.body.body import Body
from kinecue.exercise import ExerciseModel, Recogniser, available_exercises, find_exercise
from kinecue.simulation.exercises import EXERCISES

OUTPUT = Path(__file__).resolve().parents[1] / "bench_output" / "recognition.json"
ATHLETES = (("average_man", 30.0), ("long_femur_woman", 60.0), ("older_woman", 75.0))
TWINS = (
    frozenset({"squat", "goblet_squat", "front_squat"}),
    frozenset({"deadlift", "romanian_deadlift", "good_morning"}),
    frozenset({"forward_lunge", "reverse_lunge"}),
)


@dataclass(frozen=True)
class Result:
    """What was made of a recording.

    Attributes:
        name: of the recording.
        exercise: that is done.
        live_s: when it was recognised, s from the beginning; None if only at the end or not at all.
        recognised: empty for unknown.
        without: recognised with the own file left out.
    """

    name: str
    exercise: str
    live_s: float | None
    recognised: str
    without: str


def recordings(clips_only: bool) -> Iterator[tuple[str, str, list[int], list[Body | None]]]:
    """Name, exercise, stamps and bodies."""
    for path, exercise in film.clip_files():
        clip = film.look(path, exercise)
        bodies, _ = film_bodies(clip.camera, clip.landmarks, exercise)
        yield path.stem, exercise, [round(i * 1e9 / clip.fps) for i in range(len(bodies))], bodies
    if clips_only:
        return
    for exercise in sorted(EXERCISES):
        for seed, (athlete, view) in enumerate(ATHLETES):
            made = make(SetKey(exercise, athlete, view, repetitions=3, seed=seed))
            yield f"{exercise} {athlete} {view:g}", exercise, made.stamps_ns, made.bodies


def follow(
    models: list[ExerciseModel], stamps: list[int], bodies: list[Body | None]
) -> tuple[str, float | None]:
    """What is recognised, and when."""
    recogniser, live = Recogniser(models), None
    for body, stamp in zip(bodies, stamps, strict=True):
        recogniser.update(body, stamp)
        if live is None and recogniser.recognised.exercise:
            live = round((stamp - stamps[0]) * 1e-9, 2)
    recogniser.finish(stamps[-1])
    return recogniser.recognised.exercise, live


def measure(clips_only: bool) -> list[Result]:
    """All recordings."""
    models = [find_exercise(name) for name in available_exercises()]
    results = []
    for name, exercise, stamps, bodies in recordings(clips_only):
        recognised, live = follow(models, stamps, bodies)
        without, _ = follow([model for model in models if model.name != exercise], stamps, bodies)
        results.append(Result(name, exercise, live, recognised, without))
    return results


def twins(one: str, other: str) -> bool:
    """The same movement with the load elsewhere."""
    return any(one in pair and other in pair for pair in TWINS)


def table(results: list[Result]) -> Table:
    """For people."""
    shown = Table("recording", "recognised", "after, s", "own file left out")
    for result in results:
        right = result.recognised == result.exercise
        style = "green" if right else "yellow" if not result.recognised else "red"
        after = "" if result.live_s is None else f"{result.live_s:.1f}"
        shown.add_row(
            result.name, f"[{style}]{result.recognised or 'unknown'}", after, result.without or "unknown"
        )
    return shown


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips-only", action="store_true", help="real clips only")
    results = measure(parser.parse_args().clips_only)
    right = sum(result.recognised == result.exercise for result in results)
    wrong = sum(result.recognised not in ("", result.exercise) for result in results)
    strange = sum(bool(r.without) and not twins(r.without, r.exercise) for r in results)
    console = Console()
    console.print(table(results))
    console.print(
        f"{right} of {len(results)} right, {wrong} wrong, the others unknown; own file left out: {strange} taken for "
        "something that is no twin"
    )
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
