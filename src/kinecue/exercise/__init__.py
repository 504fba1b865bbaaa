"""What good movement is: exercise files, phases, repetitions, the D value and faults."""

from kinecue.exercise.auto_scorer import AutoScorer
from kinecue.exercise.exercise_file import ExerciseError, available_exercises, find_exercise, load_exercise
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.recognition import Recogniser
from kinecue.exercise.results import (
    Abstention,
    Fault,
    FeatureDeviation,
    FeatureShare,
    FormState,
    Phase,
    PhaseScore,
    Recognised,
    Repetition,
    RepetitionFault,
    RepetitionReason,
    RepetitionStatus,
    SetSummary,
    Severity,
    Side,
)
from kinecue.exercise.scorer import JointAngle, Scorer, ScoreUpdate

__all__ = [
    "Abstention",
    "AutoScorer",
    "ExerciseError",
    "ExerciseModel",
    "Fault",
    "FeatureDeviation",
    "FeatureShare",
    "FormState",
    "JointAngle",
    "Phase",
    "PhaseScore",
    "Recognised",
    "Recogniser",
    "Repetition",
    "RepetitionFault",
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
