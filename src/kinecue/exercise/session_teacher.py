"""What a person's sets of one session teach their ideals, exercise by exercise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kinecue.body.person import Person
from kinecue.exercise.adaptation import SessionWatch, remember
from kinecue.exercise.build import Build
from kinecue.exercise.ideal import personalise
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.scorer import ScoreUpdate


class SessionTeacher:
    """Watches one person's session, whatever exercises are in it.

    Only the first body counts: who comes after it is somebody else, or may be.

    Args:
        person: whose session it is.
        moment: that names it, ISO 8601 with the offset from UTC.
        load: gives an exercise by its name, as in its file.
    """

    def __init__(self, person: Person, moment: str, load: Callable[[str], ExerciseModel]) -> None:
        self._build = replace(Build.of(person), adaptation={})
        self._moment = moment
        self._load = load
        self._watches: dict[str, SessionWatch | None] = {}
        self._body_id = ""

    def watch(self, update: ScoreUpdate) -> None:
        """One frame, as the scorer gave it."""
        if update.form is not None:
            self._body_id = self._body_id or update.form.body_id
            watch = self._of(update.form.exercise)
            if watch is not None and update.form.body_id == self._body_id:
                watch.frame(update.form)
        for repetition in update.repetitions:
            watch = self._of(repetition.exercise)
            if watch is not None and repetition.body_id == self._body_id:
                watch.repetition(repetition)

    def taught(self, person: Person) -> Person:
        """The person with what this session taught so far; the same person if it taught nothing."""
        result = person
        for exercise, watch in self._watches.items():
            session = None if watch is None else watch.session(self._moment)
            if session is not None:
                result = remember(result, exercise, session)
        return result

    def _of(self, exercise: str) -> SessionWatch | None:
        if exercise and exercise not in self._watches:
            model = self._load(exercise)
            adapts = model.personal is not None and model.personal.adapt is not None
            self._watches[exercise] = SessionWatch(personalise(model, self._build), model) if adapts else None
        return self._watches.get(exercise)
