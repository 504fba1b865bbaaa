"""Learning an exercise from a few good repetitions: mean courses, their spread within and between people, phases."""

from kinecue.exercise.learning.learn import Learned, learn_exercise
from kinecue.exercise.learning.recording import LearningError, Recording
from kinecue.exercise.learning.segmentation import Left
from kinecue.exercise.learning.text import to_yaml

__all__ = ["Learned", "LearningError", "Left", "Recording", "learn_exercise", "to_yaml"]
