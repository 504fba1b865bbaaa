"""D of people of other builds who move well for their build, with their own ideal and with one for all.

Simulated athletes from short to long thighs do clean sets; the simulation balances each of them by its own solver. Each
set is scored three times: with the ideal of this build (personal), with that of the average build and the same
tolerances (universal), and with the exercise as in the file, whose tolerances are wider because they are for anybody. Truth
bodies, and bodies as perception gives them (`scored_sets`), with lengths as the quick calibration measures them.

    python bench/personal_ideal.py [--quick] [--jobs N]
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.body import Body
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, LandmarkState
from kinecue.body.trc import load_trc
from kinecue.body.volume.shape import BodyShape
from kinecue.exercise.balance import Arms, Carrying, Frame, balanced_lean
from kinecue.exercise.build import Build
from kinecue.exercise.exercise_file import available_exercises, find_exercise
from kinecue.exercise.ideal import personalise
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import Repetition, RepetitionStatus
from kinecue.exercise.scorer import Scorer
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import SetPlan

FloatArray = NDArray[np.float64]

WANTED = (
    "squat", "goblet_squat", "front_squat", "deadlift", "romanian_deadlift", "good_morning",
    "forward_lunge", "reverse_lunge",
)  # fmt: skip
"""Exercises whose ideal follows from the build."""
SQUATS = ("squat", "goblet_squat", "front_squat")
"""Those that are done by the whole sweep of thighs; the others by the presets."""
PRESETS = (
    "average_man", "average_woman", "long_femur", "short_femur", "long_femur_woman", "long_trunk", "short_trunk",
    "tall", "short", "long_arms", "short_arms",
)  # fmt: skip
SWEEP = (0.86, 0.92, 0.98, 1.04, 1.10)
"""Thigh over shank at the same leg length: 1.10 and 0.86 are three standard deviations off (see `presets`)."""
NOISY = ("average_man", "long_femur", "short_femur", "long_femur_woman", "short_trunk")
_FPS = 15.0
_STD = 0.002
VIEWS = (90.0, 30.0)
"""Yaw against the camera, degrees: which features count depends on it."""
_LENGTH_STD = 0.01
"""Relative, of lengths that are known well."""
AIM = 0.7


def athletes(quick: bool = False) -> Iterator[tuple[str, Athlete]]:
    """By name, short thighs first in the sweep."""
    for ratio in SWEEP[::2] if quick else SWEEP:
        shape = BodyShape.from_ratios(
            f"thigh/shank {ratio:.2f}", "male", 1.78, 78.0, 0.5, leg=0.494, femur_tibia=ratio
        )
        yield shape.name, Athlete(shape)
    for name in PRESETS[2:4] if quick else PRESETS:
        yield name, Athlete(name)


def build_of(athlete: Athlete) -> Build:
    """As somebody with a tape would measure it."""
    lengths = athlete.lengths
    return Build(
        lengths, SegmentLengths.from_array(_LENGTH_STD * lengths.as_array()), athlete.stature, athlete.mass
    )


def true_set(athlete: Athlete, exercise: str, repetitions: int = 2, seed: int = 3) -> list[Body]:
    """A clean set, seen perfectly."""
    plan = SetPlan(repetitions, None, (), still_s=1.5, after_s=1.0, seed=seed)
    performance = Performance(athlete, EXERCISES[exercise], plan)
    times = np.arange(0.0, performance.duration_s, 1.0 / _FPS)
    figure = performance.figure(times)
    n = len(BLAZEPOSE_33)
    pixels, ones = np.zeros((n, 2)), np.ones(n)
    covariances = np.tile(_STD**2 * np.eye(3), (n, 1, 1))
    states = np.full(n, int(LandmarkState.OBSERVED), np.uint8)
    bodies = []
    for i, t in enumerate(times.tolist()):
        marks = athlete.landmarks(athlete.transforms(figure.pose(athlete, i)))
        points = np.array([marks[mark] for mark in BLAZEPOSE_33.landmarks])
        bodies.append(
            Body(
                "a", round(t * 1e9), BLAZEPOSE_33, pixels, ones, points, covariances, states, 1.0, (640, 480),
                view=math.inf,
            )
        )  # fmt: skip
    return bodies


def one_for_all(model: ExerciseModel, build: Build) -> ExerciseModel:
    """The file's courses with the tolerances of a person whose build is known: only the ideal is another."""
    own = personalise(model, build)
    features = []
    for average, personal in zip(model.features, own.features, strict=True):
        ideal = {}
        for phase, knots in personal.ideal.items():
            at, course = zip(*((knot.at, knot.ideal) for knot in average.ideal[phase]), strict=True)
            ideal[phase] = tuple(
                knot.model_copy(update={"ideal": float(np.interp(knot.at, at, course))}) for knot in knots
            )
        features.append(personal.model_copy(update={"ideal": ideal}))
    return own.model_copy(update={"features": tuple(features), "progress": model.progress})


def scored(
    model: ExerciseModel, build: Build | None, bodies: Iterable[Body | None], stamps: Iterable[int]
) -> list[Repetition]:
    """Valid repetitions of a set, with the ideal of a build or the file's."""
    scorer = Scorer(model)
    scorer.set_build(build)
    found: list[Repetition] = []
    last = 0
    for body, stamp in zip(bodies, stamps, strict=True):
        if body is not None:
            # a calibrated body would bring its own ideal
            body = replace(body, calibrated=False)
        found += scorer.update(body, stamp).repetitions
        last = stamp
    scorer.end_set(last)
    found += scorer.update(None, last + 50_000_000).repetitions
    return [item for item in found if item.status is RepetitionStatus.VALID]


def _row(
    exercise: str, name: str, model: ExerciseModel, build: Build, bodies: list[Body | None], stamps: list[int]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "exercise": exercise,
        "athlete": name,
        "thigh_over_shank": round(build.lengths.thigh / build.lengths.shank, 3),
    }
    ways = {
        "personal": (model, build),
        "universal": (one_for_all(model, build), None),
        "file": (model, None),
    }
    for kind, (used, known) in ways.items():
        found = scored(used, known, bodies, stamps)
        ds = [item.d for item in found if math.isfinite(item.d)]
        row[kind] = {
            "max_d": max(ds, default=math.nan),
            "mean_d": statistics.fmean(ds) if ds else math.nan,
            "repetitions": len(found),
            "faults": sorted({fault for item in found for fault in item.faults}),
        }
    return row


def _exercises(quick: bool) -> list[str]:
    known = available_exercises()
    found = [name for name in WANTED if name in known and name in EXERCISES]
    return [name for name in found if find_exercise(name).personal is not None][: 1 if quick else None]


def _noisy(exercises: list[str], console: Console | None) -> Iterator[dict[str, Any]]:
    """Sets as perception sees them. The build is what a tape says, and what the quick calibration measured."""
    try:
        import scored_sets
    except ImportError:
        from bench import scored_sets  # type: ignore[no-redef]
    for exercise in exercises:
        model = find_exercise(exercise)
        for name in NOISY:
            for view in VIEWS:
                key = scored_sets.SetKey(exercise, name, view, repetitions=3, seed=0)
                try:
                    made = scored_sets.make(key)
                    person = scored_sets.person_of(name, "dark", key.donors)
                except (KineCueError, OSError) as error:
                    if console is not None:
                        console.print(f"{exercise} by {name} from {view:g}: {error}", highlight=False)
                    continue
                builds = {"tape": build_of(Athlete(name))}
                if person is not None:
                    builds["calibrated"] = Build.of(person)
                for source, build in builds.items():
                    row = _row(exercise, name, model, build, made.bodies, made.stamps_ns)
                    yield {**row, "view_deg": view, "lengths": source}


def summary(rows: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Over rows: the largest D of all repetitions, by exercise too, and how many athletes had one at or over the aim."""
    exercises = sorted({row["exercise"] for row in rows})
    values = [row[kind]["max_d"] for row in rows if math.isfinite(row[kind]["max_d"])]
    return {
        "max_d": max(values, default=math.nan),
        "by_exercise": {
            name: max((row[kind]["max_d"] for row in rows if row["exercise"] == name), default=math.nan)
            for name in exercises
        },
        "sets_over_aim": sum(value >= AIM for value in values),
        "sets": len(values),
        "false_faults": sum(len(row[kind]["faults"]) for row in rows),
    }


def personal_ideal(console: Console | None = None, quick: bool = False, noisy: bool = True) -> dict[str, Any]:
    """Both kinds of ideal over all athletes and exercises; see the module."""
    exercises = _exercises(quick)
    rows: list[dict[str, Any]] = []
    for name, athlete in athletes(quick):
        for exercise in exercises:
            if name not in PRESETS and exercise not in SQUATS:
                continue
            plain = true_set(athlete, exercise)
            stamps = [body.stamp_ns for body in plain]
            for view in VIEWS:
                bodies: list[Body | None] = [replace(body, view=math.radians(view)) for body in plain]
                row = _row(exercise, name, find_exercise(exercise), build_of(athlete), bodies, stamps)
                rows.append({**row, "view_deg": view})
    seen = list(_noisy(exercises, console)) if noisy and not quick else []
    taped = [row for row in seen if row["lengths"] == "tape"]
    own = [row for row in seen if row["lengths"] == "calibrated"]
    result = {
        "personal_ideal": summary(rows, "personal"),
        "universal_ideal": summary(rows, "universal"),
        "file_ideal": summary(rows, "file"),
        "personal_ideal_seen": summary(taped, "personal"),
        "personal_ideal_seen_and_calibrated": summary(own, "personal"),
        "universal_ideal_seen": summary(taped, "universal"),
        "file_ideal_seen": summary(taped, "file"),
        "personal_ideal_rows": rows + seen,
    }
    if console is not None:
        for title, part in (("truth", rows), ("as perception sees it", seen)):
            if part:
                console.print(table(title, part))
    return result


def table(title: str, rows: list[dict[str, Any]]) -> Table:
    """A line for each set."""
    result = Table(title=f"D of clean sets ({title}): largest of a repetition")
    for column in (
        "exercise",
        "athlete",
        "view",
        "thigh/shank",
        "own ideal",
        "one for all",
        "file",
        "faults (own / file)",
    ):
        result.add_column(column)
    for row in rows:
        own, one, file = row["personal"], row["universal"], row["file"]
        result.add_row(
            row["exercise"],
            row["athlete"],
            f"{row['view_deg']:g} {row.get('lengths', '')}",
            f"{row['thigh_over_shank']:.2f}",
            f"{own['max_d']:.2f}",
            f"{one['max_d']:.2f}",
            f"{file['max_d']:.2f}",
            f"{', '.join(own['faults'])} / {', '.join(file['faults'])}",
        )
    return result


# --- a person in a laboratory ---


def laboratory_squats(folder: Path) -> list[dict[str, float]]:
    """Lean of OpenCap's squatting person at several depths, and what balance asks for with these shanks and lengths.

    The arms' posture is not in the markers that tell joints, so both usual ones are given.
    """
    try:
        import opencap
    except ImportError:
        from bench import opencap  # type: ignore[no-redef]
    trial = load_trc(folder / "squats1.trc.gz")
    static = opencap.Static(load_trc(folder / "static1.trc.gz"))
    m = trial.marker
    hips = m("L_HJC"), m("R_HJC")
    shoulders = m("L_Shoulder"), m("R_Shoulder")
    knees, ankles = [], []
    for side in ("l", "r"):
        knees.append(static.carried(trial, "thigh", side).mean(1))
        ankles.append(static.carried(trial, "shank", side)[:, 2:4].mean(1))
    left = hips[0] - hips[1]
    left = left * [1.0, 0.0, 1.0]
    forward = np.cross(left / np.linalg.norm(left, axis=1, keepdims=True), opencap.UP)

    def middle(pair: Any) -> FloatArray:
        return 0.5 * (pair[0] + pair[1])

    def tilt(way: FloatArray) -> FloatArray:
        return np.arctan2((way * forward).sum(-1), way[:, 1])

    def bend(hip: FloatArray, knee: FloatArray, ankle: FloatArray) -> FloatArray:
        a, b = knee - hip, ankle - knee
        return np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(1))

    def far(a: FloatArray, b: FloatArray) -> float:
        return float(np.nanmedian(np.linalg.norm(a - b, axis=1)))

    knee = 0.5 * sum(bend(hips[i], knees[i], ankles[i]) for i in (0, 1))
    shank = tilt(middle(knees) - middle(ankles))
    lean = tilt(middle(shoulders) - middle(hips))
    # shoulder markers are on the acromion
    stature = float(np.nanmax(middle(shoulders)[:, 1])) / 0.818
    usual = SegmentLengths.from_stature(stature)
    lengths = SegmentLengths(
        pelvis=far(*hips),
        trunk=far(middle(shoulders), middle(hips)),
        shoulders=far(*shoulders),
        thigh=0.5 * sum(far(hips[i], knees[i]) for i in (0, 1)),
        shank=0.5 * sum(far(knees[i], ankles[i]) for i in (0, 1)),
        upper_arm=usual.upper_arm,
        forearm=usual.forearm,
    )
    frame = Frame(lengths, stature)
    rows = []
    for at in (30.0, 50.0, 70.0, 85.0, 95.0):
        here = np.abs(np.degrees(knee) - at) < 2.0
        if here.sum() < 5:
            continue
        row = {"knee_deg": at, "shank_deg": float(np.degrees(shank[here]).mean())}
        row["lean_deg"] = float(np.degrees(lean[here]).mean())
        for arms in (Arms.FORWARD, Arms.CROSSED):
            carrying = Carrying(arms=arms, legs_out=math.radians(18.0))
            found = balanced_lean(frame, knee[here], shank[here], carrying, 0.42)
            row[f"lean_arms_{arms.value}_deg"] = float(np.degrees(np.nanmean(found)))
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one exercise, few athletes")
    parser.add_argument("--no-perception", action="store_true", help="truth bodies only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result")
    arguments = parser.parse_args()
    console = Console(width=150)
    result = personal_ideal(console, arguments.quick, not arguments.no_perception)
    for name, found in result.items():
        if name != "personal_ideal_rows":
            console.print(name, found)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
