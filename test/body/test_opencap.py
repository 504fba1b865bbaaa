"""Angles from motion capture against OpenSim's, where the recordings are at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import opencap

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "opencap"


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    if not DATA.is_dir():
        pytest.skip("../shared/data/opencap is not there")
    return opencap.measure(DATA)


@pytest.mark.parametrize(
    ("joint", "degrees", "r"),
    [
        ("knee_flexion", 3.0, 0.99),
        ("hip_flexion", 3.0, 0.99),
        ("pelvis_tilt", 3.1, 0.98),
        ("trunk_flexion", 3.0, 0.95),
        ("hip_adduction", 2.0, 0.94),
        ("ankle_dorsiflexion", 3.0, 0.88),
        ("shank_lean", 1.5, 0.98),
    ],
)
def test_angles_are_opensims(measured: dict[str, Any], joint: str, degrees: float, r: float) -> None:
    assert measured["opencap_rmse_deg"][joint] < degrees
    assert measured["opencap_r"][joint] > r


def test_the_features_of_the_scoring_follow_opensims_angles(measured: dict[str, Any]) -> None:
    for trial in opencap.TRIALS:
        scoring = measured["opencap"][trial]["scoring"]
        for side in "lr":
            assert scoring[f"knee_flexion_{side}"]["rmse_deg"] < 3.0
            assert scoring[f"knee_flexion_{side}"]["r"] > 0.999
            # against a trunk axis with another zero: the course is the same, the offset is not
            assert scoring[f"hip_flexion_{side}"]["r"] > 0.99


def test_rigid_finds_the_turn_that_was_made() -> None:
    rng = np.random.default_rng(3)
    model = rng.normal(size=(5, 3))
    u, _, vt = np.linalg.svd(rng.normal(size=(4, 3, 3)))
    rotation = u @ vt
    rotation *= np.linalg.det(rotation)[:, None, None]
    shift = rng.normal(size=(4, 3))
    found, moved = opencap.rigid(model, model @ np.swapaxes(rotation, -1, -2) + shift[:, None])
    assert found == pytest.approx(rotation, abs=1e-9) and moved == pytest.approx(shift, abs=1e-9)
