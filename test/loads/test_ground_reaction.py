"""Ground reaction without force plates against force plates, where the recordings are at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench import ground_reaction


@pytest.fixture(scope="module")
def squats() -> dict[str, Any]:
    if not ground_reaction.DATA.is_dir():
        pytest.skip("../shared/data/opencap is not there")
    # a third of the frames: 33 a second, as a camera has them
    mass = ground_reaction.model_mass(ground_reaction.DATA)
    return ground_reaction.trial(ground_reaction.DATA, "squats1", mass, 3)


@pytest.mark.parametrize(("side", "limit"), [("total", 0.10), ("left", 0.20), ("right", 0.20)])
def test_the_vertical_force_is_that_of_the_plates(squats: dict[str, Any], side: str, limit: float) -> None:
    row = squats[side]
    assert max(row["over_range"], row["over_mean"]) < limit
    assert row["r"] > 0.9 and row["described"] > 0.95


def test_moments_are_about_those_from_the_plates(squats: dict[str, Any]) -> None:
    for row in squats["moments"].values():
        assert row["rmse_nm"] < 2.0 * row["claimed_std_nm"]
        assert row["within_two_std"] > 0.8


def test_errors_are_found() -> None:
    truth = np.array([100.0, 200.0, 300.0, 400.0])
    row = ground_reaction.compare(truth + [10.0, -10.0, 10.0, np.nan], truth, np.full(4, 20.0))
    assert row["rmse_n"] == 10.0 and row["described"] == 0.75
    assert row["over_range"] == 0.05 and row["over_mean"] == 0.05 and row["within_two_std"] == 1.0
    assert ground_reaction.compare(np.full(4, np.nan), truth, truth) == {"described": 0.0}


def test_without_recordings_there_is_nothing(tmp_path: Any) -> None:
    assert ground_reaction.measure(Console(quiet=True), folder=tmp_path / "none") == {}
