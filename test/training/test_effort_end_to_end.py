"""Sets of the simulated gym through scorer, fusion and effort, as the nodes do it."""

from __future__ import annotations

import math

import pytest
from cable_sets import CableSet, Heard, cable_set, play

from kinecue.exercise.results import SetSummary
from kinecue.training.advice import Advice
from kinecue.training.effort import Call, EffortState
from kinecue.training.session import TrainingSession


def trained(shown: CableSet, heard: Heard) -> tuple[TrainingSession, list]:
    session = TrainingSession()
    session.set_summary(SetSummary("s/1", "a", shown.exercise, True, 0, 0, 0, load_kg=20.0))
    for fault in heard.faults:
        session.fault(fault)
    return session, [effort for one in heard.repetitions for effort in session.repetition(one).efforts]


@pytest.mark.parametrize("machine", [True, False], ids=["machine", "camera"])
def test_a_clean_set_is_fresh_and_keeps_its_load(machine: bool) -> None:
    shown = cable_set("cable_row", 5)
    heard = play(shown, with_machine=machine)
    session, efforts = trained(shown, heard)
    assert len(efforts) >= 5
    assert all(effort.call == Call.NONE for effort in efforts)
    assert efforts[-1].state in (EffortState.FRESH, EffortState.WORKING)
    assert efforts[-1].source == ("encoder" if machine else "camera")
    assert efforts[-1].velocity_loss < 0.2
    told = session.set_summary(SetSummary("s/1", "a", shown.exercise, False, 0, 0, 5, load_kg=20.0)).advice
    assert told.advice == Advice.KEEP


def test_an_encoder_that_dies_is_no_sign_of_effort() -> None:
    shown = cable_set("cable_row", 5)
    middle = 0.5 * shown.duration_s
    _, efforts = trained(shown, play(shown, unplugged=lambda t: t > middle))
    assert all(effort.call == Call.NONE for effort in efforts)
    assert efforts[-1].state != EffortState.FAILING
    assert all(math.isnan(effort.reserve) or effort.reserve > 1.0 for effort in efforts)
