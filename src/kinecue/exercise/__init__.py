"""What good movement is: exercise files, phases, repetitions, the D value and faults."""

from kinecue.exercise.exercise_file import ExerciseError, available_exercises, find_exercise, load_exercise
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.results import (
    Abstention,
    Fault,
    FeatureDeviation,
    FormState,
    Phase,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    SetSummary,
    Severity,
    Side,
)
from kinecue.exercise.scorer import JointAngle, Scorer, ScoreUpdate

__all__ = [
    "Abstention",
    "ExerciseError",
    "ExerciseModel",
    "Fault",
    "FeatureDeviation",
    "FormState",
    "JointAngle",
    "Phase",
    "Repetition",
    "RepetitionReason",
    "RepetitionStatus",
    "ScoreUpdate",
    "Scorer",
    "SetSummary",
    "Severity",
    "Side",
    "available_exercises",
    "find_exercise",
    "load_exercise",
]
