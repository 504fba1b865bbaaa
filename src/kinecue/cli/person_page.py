"""``kinecue people ID``: what is stored of one person, and what it changes in the exercises."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path

from rich.console import Console

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.person import Person, load_person, save_person
from kinecue.exercise.adaptation import undo
from kinecue.exercise.build import Build
from kinecue.exercise.exercise_file import available_exercises, find_exercise
from kinecue.exercise.ideal import changes, depth_limit, personalise
from kinecue.exercise.model import ExerciseModel


def show_person(console: Console, person_id: str, exercise: str = "", directory: Path | None = None) -> int:
    """Lengths, ranges, what was learned, and what all of it changes in one exercise or in each.

    Raises:
        KineCueError: nobody of this id is stored, or there is no such exercise.
    """
    person = load_person(person_id)
    std = "" if math.isnan(person.stature_std) else f" +- {person.stature_std:.2f}"
    console.print(f"{person.id}: {person.stature:.2f}{std} m, measured {person.calibrated_at}")
    lengths = (
        f"{f.name.replace('_', ' ')} {100 * getattr(person.lengths, f.name):.0f} +- "
        f"{100 * getattr(person.lengths_std, f.name):.0f}"
        for f in fields(SegmentLengths)
    )
    console.print(f"between joint centres, cm: {', '.join(lengths)}")
    for item in person.ranges:
        console.print(
            f"{item.joint} {item.side}: {math.degrees(item.value):.0f} +- {math.degrees(item.std):.0f} degrees, "
            f"measured {item.measured_at}"
        )
    for name, sessions in person.adaptation.items():
        console.print(f"{name}: learned from {len(sessions)} sessions, the last {sessions[-1].session}")
    for name in [exercise] if exercise else list(available_exercises(directory)):
        _tell(find_exercise(name, directory), person, console)
    return 0


def take_back(console: Console, person_id: str, exercise: str) -> int:
    """Takes the newest session back that taught the ideal of an exercise something.

    Raises:
        KineCueError: nobody of this id is stored, or there is no such session.
    """
    person = load_person(person_id)
    changed = undo(person, exercise)
    last = person.adaptation[exercise][-1]
    path = save_person(changed)
    console.print(f"{exercise}: the session of {last.session} is taken back; stored in {path}")
    return 0


def _tell(model: ExerciseModel, person: Person, console: Console) -> None:
    build = Build.of(person)
    personal = personalise(model, build)
    found = changes(model, personal)
    if model.personal is None:
        console.print(f"{model.name}: the same for everybody")
    elif not found:
        console.print(f"{model.name}: as in the file")
    else:
        console.print(f"{model.name}:")
        for change in found:
            console.print(f"  {change}")
    why = depth_limit(model, build)
    if why:
        console.print(f"  {why}")
