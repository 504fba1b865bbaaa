"""Synthetic athletes before synthetic cameras on a synthetic machine, with the exact truth."""

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.clip import ClipError, ClipTruth, truth_path, write_clip
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.gym import Gym
from kinecue.simulation.picture.cameras import CAMERAS, SyntheticCamera
from kinecue.simulation.programmes import PROGRAMMES, Programme
from kinecue.simulation.request import Request

__all__ = [
    "ATHLETES",
    "CAMERAS",
    "EXERCISES",
    "PROGRAMMES",
    "Athlete",
    "ClipError",
    "ClipTruth",
    "Gym",
    "Programme",
    "Request",
    "SyntheticCamera",
    "truth_path",
    "write_clip",
]
