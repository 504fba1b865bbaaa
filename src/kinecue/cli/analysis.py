"""A recording through the same scoring as the live graph, as fast as it can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from kinecue.body.errors import KineCueError
from kinecue.body.person import Person
from kinecue.cli.recorded_bodies import Advance, BodySource
from kinecue.exercise import ExerciseModel, Scorer, available_exercises, find_exercise
from kinecue.exercise.recognition import Recogniser
from kinecue.exercise.results import Recognised
from kinecue.perception.postures import FREE
from kinecue.report import Analysis, AnalysisRecorder

AUTO = "auto"
"""In place of an exercise's name: recognised from the movement."""


class UnrecognisedError(KineCueError):
    """Nobody can tell which exercise a recording shows; `guess` says what is nearest."""

    def __init__(self, file: str, guess: Recognised) -> None:
        super().__init__(f"{file}: the exercise is not recognised{_seen(guess)}; name it with --exercise")
        self.guess = guess


def analyse(
    source: BodySource,
    exercise: str,
    exercise_dir: Path | None,
    file: str,
    person: Person | None,
    advance: Advance,
    describe: Callable[[str], None],
) -> Analysis:
    """Scores a recording in an exercise that is given, or recognised from the movement.

    Args:
        source: the recording.
        exercise: name of an exercise file, or `AUTO`.
        exercise_dir: folder of exercise files; None = the package's.
        file: name for the report.
        person: measured before; None = nobody known.
        advance: told how many frames have been read.
        describe: told what is being done.

    Raises:
        UnrecognisedError: the exercise was to be recognised, and is not.
        KineCueError: the recording or the exercise cannot be read.
    """
    guess: Recognised | None = None
    if exercise == AUTO:
        describe("recognising")
        models = [find_exercise(name, exercise_dir) for name in available_exercises(exercise_dir)]
        guess = recognise(source, models, file, advance, person)
        if not guess.exercise:
            raise UnrecognisedError(file, guess)
        exercise = guess.exercise
    model = find_exercise(exercise, exercise_dir)
    describe(f"scoring {model.title.lower()}")
    return score(source, model, file, advance, person, guess)


def recognise(
    source: BodySource,
    models: Sequence[ExerciseModel],
    file: str,
    advance: Advance,
    person: Person | None = None,
) -> Recognised:
    """Which of some exercises a recording shows; an empty name if it is none of them, or not certain.

    Args:
        source: the recording.
        models: of the exercises.
        file: name for errors.
        advance: told how many frames have been read.
        person: measured before.

    Raises:
        KineCueError: the recording cannot be read to its end.
    """
    recogniser = Recogniser(models, person=person)
    last: int | None = None
    best = recogniser.recognised
    for last, body in source.bodies(FREE, advance):
        recogniser.update(body, last)
        now = recogniser.recognised
        # what was certain in the middle of the recording is not forgotten over a rest at its end
        best = now if now.exercise and now.probability >= best.probability else best
    if last is None:
        raise KineCueError(f"{file}: holds no frames")
    recogniser.finish(last)
    return recogniser.recognised if recogniser.recognised.exercise or not best.exercise else best


def _seen(guess: Recognised) -> str:
    ranked = [
        f"{name} {100 * p:.0f} %" for name, p in zip(guess.candidates, guess.probabilities, strict=True)
    ]
    return f" (nearest: {', '.join(ranked[:3])})" if ranked else ""


def score(
    source: BodySource,
    model: ExerciseModel,
    file: str,
    advance: Advance,
    person: Person | None = None,
    guess: Recognised | None = None,
) -> Analysis:
    """Scores every frame of a recording as one set.

    Args:
        source: the recording.
        model: the exercise.
        file: name for the report.
        advance: told how many frames have been read.
        person: measured before; None = nobody known.
        guess: how the exercise was recognised, for the report.

    Raises:
        KineCueError: the recording cannot be read to its end, or nobody is ever seen in it.
    """
    scorer = Scorer(model, session=Path(file).stem or "set", person=person)
    recorder = AnalysisRecorder(model)
    last, seen, frames = 0, False, 0
    for stamp, body in source.bodies(model.name, advance):
        recorder.add(stamp, scorer.update(body, stamp))
        last, seen, frames = stamp, seen or body is not None, frames + 1
    if not frames:
        raise KineCueError(f"{file}: holds no frames")
    if not seen:
        raise KineCueError(f"{file}: nobody is seen in any of its {frames} frames")
    summary = scorer.end_set(last)
    recorder.close(scorer.flush())
    notes = list(source.notes)
    if scorer.dropped:
        notes.append(f"{scorer.dropped} frames with late or repeated stamps were left out")
    return recorder.finish(
        file,
        source.kind,
        summary,
        person.id if person else "",
        guess=guess,
        notes=tuple(notes),
        model=scorer.model,
    )
