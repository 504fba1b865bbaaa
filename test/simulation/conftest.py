"""Shared by the tests of the simulation: short sets and small pictures."""

from __future__ import annotations

import dataclasses
import math

import pytest

from kinecue.body.camera import CameraModel
from kinecue.simulation.programmes import PROGRAMMES, Programme
from kinecue.simulation.timeline import SetPlan, Tempo

TEMPO = Tempo(0.6, 0.1, 0.6, 0.2)


@pytest.fixture
def small_programme() -> Programme:
    """One squat of a second, 10 pictures a second, 160x120."""
    camera = CameraModel.estimate(160, 120, mount_height=1.0, tilt=math.radians(3.0), mount_estimated=False)
    plan = SetPlan(1, TEMPO, still_s=0.2, after_s=0.3, seed=5)
    return dataclasses.replace(PROGRAMMES["sample_squat"], name="small", camera=camera, plan=plan, fps=10)
