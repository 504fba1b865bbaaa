"""Shared by the tests of the simulation: short sets and small pictures."""

from __future__ import annotations

import dataclasses

import pytest

from kinecue.simulation.movement.set_plan import SetPlan, Tempo
from kinecue.simulation.picture.cameras import Lens, Mount, Sensor, SyntheticCamera
from kinecue.simulation.programmes import PROGRAMMES, Programme

TEMPO = Tempo(0.3, 0.1, 0.3, 0.1)
SMALL = Lens(160, 120)


@pytest.fixture
def small_programme() -> Programme:
    """One squat of under a second, 30 pictures a second, 160x120."""
    plan = SetPlan(1, TEMPO, still_s=0.1, after_s=0.1, seed=5)
    camera = SyntheticCamera("small", Mount(height=1.0), SMALL, Sensor(read_noise=2.0), seed=5)
    return dataclasses.replace(PROGRAMMES["sample_squat"], name="small", cameras=(camera,), plan=plan)
