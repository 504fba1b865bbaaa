from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.simulation.appearance import Outfit, dress
from kinecue.simulation.athlete import Athlete
from kinecue.simulation.gym import Gym
from kinecue.simulation.surface import smoothed, trimmed, vertex_normals


def quiet(programme):
    """Without sensor noise, so that what differs is what is drawn."""
    return dataclasses.replace(programme, noise=0.0)


def test_same_seed_gives_the_same_picture_and_another_frame_other_noise(small_programme):
    gym = Gym(small_programme)
    truth, later = gym.truth(0.0), dataclasses.replace(gym.truth(0.0), time_s=0.1)
    first, again = gym.renderer(), gym.renderer()
    assert np.array_equal(gym.picture(first, truth), gym.picture(again, truth))
    assert not np.array_equal(gym.picture(first, truth), gym.picture(first, later))


def test_the_athlete_is_drawn_where_the_truth_says(small_programme):
    gym = Gym(quiet(small_programme))
    renderer = gym.renderer()
    truth = gym.truth(0.0)
    picture = gym.picture(renderer, truth).astype(int)
    background = np.asarray(renderer.background).astype(int)
    changed = np.abs(picture - background).sum(-1) > 30
    for landmark in (Landmark.LEFT_SHOULDER, Landmark.RIGHT_KNEE, Landmark.LEFT_ANKLE, Landmark.NOSE):
        u, v = np.round(truth.pixels[BLAZEPOSE_33.index(landmark)]).astype(int)
        assert changed[v - 1 : v + 2, u - 1 : u + 2].any(), landmark
    above_head = int(truth.pixels[:, 1].min()) - 15
    assert not changed[:above_head].any()


def test_the_athlete_throws_a_shadow_on_the_floor(small_programme):
    gym = Gym(quiet(small_programme))
    renderer = gym.renderer()
    picture = gym.picture(renderer, gym.truth(0.0)).astype(int)
    background = np.asarray(renderer.background).astype(int)
    ankles = gym.truth(0.0).pixels[BLAZEPOSE_33.indices(Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE)]
    row = int(ankles[:, 1].max())
    darker = (background[row - 6 : row + 6] - picture[row - 6 : row + 6]).sum(-1) > 40
    assert darker.any()


def test_an_athlete_outside_of_the_picture_leaves_the_room_empty(small_programme):
    gym = Gym(quiet(small_programme))
    renderer = gym.renderer()
    transforms = gym.truth(0.0).transforms
    away = dataclasses.replace(transforms, offsets=transforms.offsets + [0.0, 40.0, 0.0])
    assert np.array_equal(renderer.render(away), renderer.background)


@pytest.mark.parametrize("outfit", [Outfit(), Outfit(sleeve=0.0, leg=0.9, ponytail=True)])
@pytest.mark.parametrize("sex", ["male", "female"])
def test_every_outfit_gives_a_sound_mesh(sex, outfit):
    mesh = dress(Athlete(sex, 1.7), outfit)
    assert np.isfinite(mesh.vertices).all()
    assert mesh.faces.max() < len(mesh.vertices)
    assert np.abs(mesh.weights.sum(1) - 1.0).max() < 1e-4
    assert len(mesh.colours) == len(mesh.nearer) == len(mesh.gloss) == len(mesh.faces)
    assert mesh.vertices[:, 2].min() >= 0.0


def plane(size: int) -> tuple[np.ndarray, np.ndarray]:
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), -1).reshape(-1, 2)
    vertices = np.concatenate([grid, np.zeros((len(grid), 1))], 1).astype(float)
    i, j = np.meshgrid(np.arange(size - 1), np.arange(size - 1), indexing="ij")
    a = (i * size + j).ravel()
    return vertices, np.stack([a, a + size, a + size + 1, a + 1], 1)


def test_trimming_cuts_along_the_zero_of_the_field():
    vertices, faces = plane(6)
    surface, weights, kept = trimmed(
        vertices, np.ones((36, 1), dtype=np.float32), faces, vertices[:, 0] - 2.5
    )
    assert surface[np.unique(kept), 0].min() == pytest.approx(2.5)
    assert weights.max() == pytest.approx(1.0)
    assert len(kept) == 15


def test_normals_of_a_plane_point_up_and_smoothing_leaves_its_middle_flat():
    vertices, faces = plane(5)
    assert vertex_normals(vertices, faces) == pytest.approx(np.tile([0.0, 0.0, 1.0], (25, 1)))
    assert smoothed(vertices, faces, 3)[:, 2] == pytest.approx(np.zeros(25))
