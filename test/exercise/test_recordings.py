"""Real people from optical markers (OpenCap), where the recordings are at hand."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from joint_athlete import exercise
from numpy.typing import NDArray

from kinecue.body import BLAZEPOSE_33, Body, Landmark
from kinecue.exercise import RepetitionStatus, Scorer

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "opencap"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the OpenCap recordings are not here (../shared/data/opencap)"
)


def bodies(name: str, step: int, view: float) -> list[Body]:
    """Joint centres from markers: hip centres are in the file, the others lie inwards of a lateral marker."""
    with gzip.open(DATA / f"{name}.trc.gz", "rt") as stream:
        lines = stream.read().splitlines()
    names = [n for n in lines[3].split("\t")[2:] if n]
    rows = [[float(x) if x else math.nan for x in line.split("\t")] for line in lines[5:] if line.strip()]
    table = np.array([row[: 2 + 3 * len(names)] for row in rows])[::step]
    marker = {n: table[:, [2 + 3 * i, 4 + 3 * i, 3 + 3 * i]] * [1, -1, 1] for i, n in enumerate(names)}
    across = marker["L_HJC"] - marker["R_HJC"]
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    points: dict[Landmark, NDArray[np.float64]] = {}
    for side, big, small, sign in (("left", "L", "L", 1.0), ("right", "R", "r", -1.0)):
        points[Landmark(f"{side}_hip")] = marker[f"{big}_HJC"]
        points[Landmark(f"{side}_shoulder")] = marker[f"{big}_Shoulder"]
        points[Landmark(f"{side}_knee")] = marker[f"{small}_knee"] - sign * 0.05 * across
        points[Landmark(f"{side}_ankle")] = marker[f"{small}_ankle"] - sign * 0.035 * across
        points[Landmark(f"{side}_heel")] = marker[f"{small}_calc"]
        points[Landmark(f"{side}_foot_index")] = marker[f"{small}_toe"]
    result = []
    for i, t in enumerate(table[:, 1]):
        positions = np.full((33, 3), np.nan)
        for landmark, course in points.items():
            positions[BLAZEPOSE_33.index(landmark)] = course[i]
        states = np.where(np.isfinite(positions[:, 0]), 2, 0).astype(np.uint8)
        covariances = np.broadcast_to(np.eye(3) * 1e-4, (33, 3, 3))
        stamp = round(t * 1e9)
        pixels, std = np.zeros((33, 2)), np.ones(33)
        result.append(
            Body("a", stamp, BLAZEPOSE_33, pixels, std, positions, covariances, states, 1.0, (640, 480), view)
        )
    return result


@pytest.mark.parametrize("step", [2, 20])
@pytest.mark.parametrize("view", [0.0, math.pi / 2])
def test_five_squats_and_nothing_to_say(step: int, view: float) -> None:
    scorer = Scorer(exercise("squat"))
    updates = [scorer.update(body, body.stamp_ns) for body in bodies("squats1", step, view)]
    assert [r.status for u in updates for r in u.repetitions] == [RepetitionStatus.VALID] * 5
    assert [f.name for u in updates for f in u.faults] == []


def test_standing_is_no_repetition() -> None:
    scorer = Scorer(exercise("squat"))
    assert not any(scorer.update(body, body.stamp_ns).repetitions for body in bodies("static1", 2, 0.0))
