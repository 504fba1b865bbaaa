"""Features of real people from optical markers against OpenSim's inverse kinematics of the same recordings."""

from __future__ import annotations

import gzip
import math
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from test_recordings import DATA, bodies

from kinecue.exercise.features import FeatureComputer
from kinecue.exercise.results import Side

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the OpenCap recordings are not here (../shared/data/opencap)"
)
FloatArray = NDArray[np.float64]
STEP = 5
COMPUTER = FeatureComputer(
    (
        "knee_flexion",
        "knee_flexion_asymmetry",
        "hip_flexion",
        "hip_flexion_asymmetry",
        "hip_adduction",
        "hip_drop",
        "trunk_lateral_bend",
        "trunk_rotation",
        "trunk_lean",
        "pelvis_height",
        "trunk_pitch",
    )
)


def motion(name: str) -> dict[str, FloatArray]:
    """OpenSim's coordinates by name, rad."""
    with gzip.open(DATA / f"{name}_ik.mot.gz", "rt", encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    end = next(i for i, line in enumerate(lines) if line.strip() == "endheader")
    table = np.array([[float(v) for v in line.split()] for line in lines[end + 2 :]])
    return dict(zip(lines[end + 1].split(), table.T[:, ::STEP], strict=True))


@cache
def measured(name: str) -> dict[tuple[str, Side], FloatArray]:
    frames = [COMPUTER.measure(body) for body in bodies(name, STEP, 0.0)]
    return {
        key: np.array([frame[key].value if frame[key].usable else math.nan for frame in frames])
        for key in frames[0].measurements
    }


@pytest.mark.parametrize("trial", ["squats1", "STS1"])
@pytest.mark.parametrize(
    ("feature", "side", "coordinates", "spread_deg", "bias_deg", "correlation"),
    [
        ("knee_flexion", Side.LEFT, {"knee_angle_l": 1}, 2.0, 3.0, 0.995),
        ("knee_flexion", Side.RIGHT, {"knee_angle_r": 1}, 2.0, 3.0, 0.995),
        ("knee_flexion_asymmetry", Side.NONE, {"knee_angle_l": 1, "knee_angle_r": -1}, 1.5, 2.0, 0.7),
        # thigh against trunk; an OpenSim pelvis is not level where its trunk is upright
        ("hip_flexion", Side.LEFT, {"hip_flexion_l": 1, "lumbar_extension": -1}, 4.0, 14.0, 0.99),
        ("hip_flexion_asymmetry", Side.NONE, {"hip_flexion_l": 1, "hip_flexion_r": -1}, 1.5, 2.0, 0.7),
        ("hip_adduction", Side.LEFT, {"hip_adduction_l": 1}, 2.0, 4.0, 0.9),
        ("hip_drop", Side.NONE, {"pelvis_list": 1}, 1.5, 1.5, 0.4),
        ("trunk_lateral_bend", Side.NONE, {"lumbar_bending": -1}, 3.0, 2.0, 0.8),  # OpenSim: right positive
        ("trunk_rotation", Side.NONE, {"lumbar_rotation": 1}, 2.0, 2.0, 0.85),
        ("trunk_lean", Side.NONE, {"pelvis_tilt": -1, "lumbar_extension": -1}, 4.5, 14.0, 0.96),
    ],
)
def test_angles_follow_those_of_opensim(
    trial: str,
    feature: str,
    side: Side,
    coordinates: dict[str, int],
    spread_deg: float,
    bias_deg: float,
    correlation: float,
) -> None:
    known = motion(trial)
    reference = sum(sign * known[name] for name, sign in coordinates.items())
    values = measured(trial)[(feature, side)]
    length = min(len(values), len(reference))  # type: ignore[arg-type]
    values, reference = values[:length], reference[:length]  # type: ignore[index]
    error = np.degrees(values - reference)
    assert np.isfinite(error).all()
    assert error.std() < spread_deg
    assert abs(error.mean()) < bias_deg
    assert np.corrcoef(values, reference)[0, 1] > correlation


def test_heights_of_a_body_that_squats_and_sits() -> None:
    for trial, lowest in (("squats1", 0.7), ("STS1", 0.6)):
        height = measured(trial)[("pelvis_height", Side.NONE)]
        assert 0.95 < height.max() < 1.03
        assert 0.4 < height.min() < lowest
        pitch = np.degrees(measured(trial)[("trunk_pitch", Side.NONE)])
        assert pitch.max() > 80.0
        assert 20.0 < pitch.min() < 60.0
