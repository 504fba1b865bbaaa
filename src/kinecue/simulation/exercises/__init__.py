"""The exercises, one module each (or one for a few that are alike): technique, faults, equipment."""

from kinecue.simulation.exercises.registry import EXERCISES, exercise_named

__all__ = ["EXERCISES", "exercise_named"]
