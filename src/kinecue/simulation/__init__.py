"""Synthetic athletes before a synthetic camera on a synthetic machine, with the exact truth."""

from kinecue.simulation.athlete import Athlete
from kinecue.simulation.clip import ClipError, ClipTruth, truth_path, write_clip
from kinecue.simulation.gym import MOVEMENTS, Gym
from kinecue.simulation.programmes import PROGRAMMES, Programme

__all__ = [
    "MOVEMENTS",
    "PROGRAMMES",
    "Athlete",
    "ClipError",
    "ClipTruth",
    "Gym",
    "Programme",
    "truth_path",
    "write_clip",
]
