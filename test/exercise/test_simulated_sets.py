"""The sets of the simulated gym, scored on their exact joints: the planted faults and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from joint_athlete import exercise

from kinecue.body import BLAZEPOSE_33, Body
from kinecue.exercise import RepetitionStatus, Scorer
from kinecue.simulation.gym import Gym
from kinecue.simulation.programmes import PROGRAMMES

FPS = 12


@pytest.mark.parametrize("name", ["sample_squat", "clean_squat", "sample_curl", "clean_curl"])
@pytest.mark.parametrize("std", [0.002, 0.015])
def test_planted_faults_and_nothing_else(name: str, std: float) -> None:
    programme = PROGRAMMES[name]
    gym, scorer = Gym(programme), Scorer(exercise(programme.exercise))
    covariances = np.broadcast_to(np.eye(3) * std**2, (33, 3, 3))
    pixels, ones, states = np.zeros((33, 2)), np.ones(33), np.full(33, 2, np.uint8)
    found, ended = set(), []
    for truth in gym.truths(np.arange(int(gym.duration_s * FPS)) / FPS):
        stamp, positions = round(truth.time_s * 1e9), truth.positions
        body = Body(
            "a",
            stamp,
            BLAZEPOSE_33,
            pixels,
            ones,
            positions,
            covariances,
            states,
            1.0,
            (640, 480),
            programme.view,
        )
        update = scorer.update(body, stamp)
        found |= {(fault.name, fault.repetition) for fault in update.faults}
        ended += update.repetitions
    assert [r.status for r in ended] == [RepetitionStatus.VALID] * programme.plan.repetitions
    assert found == {(f.name, n) for f in programme.plan.faults for n in f.repetitions}
    clean = [r.d for r in ended if not r.faults]
    assert max(clean) < 0.5
