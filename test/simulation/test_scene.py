from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.errors import KineCueError
from kinecue.simulation.picture.cameras import CAMERAS, Lens, Mount, SyntheticCamera, around
from kinecue.simulation.picture.lights import LIGHTS, Light
from kinecue.simulation.picture.occluders import OCCLUDERS, Block, Rod
from kinecue.simulation.picture.room import Room
from kinecue.simulation.picture.scene import HALL, Bounds, Mirror, Scene, SceneError, mirror_wall
from kinecue.simulation.picture.solids import box, cylinder

SMALL = Lens(160, 120)
RED = (0.0, 0.0, 255.0)


def backdrop(camera, scene):
    return Room(scene).backdrop(camera.view, 2)


def where(samples):
    """(2,) middle of what is set, px of the picture with two samples a pixel."""
    v, u = np.where(samples)
    return (np.array([(u.min() + u.max()) / 2.0, (v.min() + v.max()) / 2.0]) + 0.5) / 2.0 - 0.5


@pytest.mark.parametrize(
    "camera",
    [
        dataclasses.replace(
            CAMERAS["wide"], lens=dataclasses.replace(CAMERAS["wide"].lens, width=320, height=240)
        ),
        SyntheticCamera(mount=around(2.5, 3.0), lens=Lens(320, 240)),
        SyntheticCamera(
            mount=Mount(1.0, 2.5, 2.0, -1.0, 0.4, 0.3), lens=Lens(320, 240, 1.2, (-0.1, 0.02, 0.0, 0.0, 0.0))
        ),
    ],
)
def test_things_in_the_room_lie_where_the_lens_projects_them(camera):
    spot = np.array([2.6, 0.9, 1.0])
    ball = cylinder(spot - [0, 0, 0.04], spot + [0, 0, 0.04], 0.04, RED, 16)
    plain, marked = (backdrop(camera, Scene(bounds=HALL, extra=e)) for e in ((), (ball,)))
    changed = where(marked.depth < plain.depth - 0.02)
    outline = camera.project(ball.vertices)
    expected = (outline.min(0) + outline.max(0)) / 2.0
    assert np.abs(changed - expected).max() < 0.5


def test_floor_of_the_picture_is_the_floor_of_the_gym():
    camera = SyntheticCamera(lens=SMALL)
    seen = backdrop(camera, Scene())
    v, u = np.where(seen.floor_x > -100)
    assert len(u) > 1000
    points = np.stack([seen.floor_x[v, u], seen.floor_y[v, u], np.zeros(len(u))], 1)
    assert camera.project(points) == pytest.approx(np.stack([u, v], 1), abs=0.02)


def test_two_cameras_see_the_same_room():
    box_ = box((4.0, 1.5, 0.5), (0.3, 0.3, 1.0), RED)
    for mount in (Mount(), around(-1.2, 3.0), around(math.pi, 3.0), Mount(7.5, 0.0, 1.5, math.pi)):
        camera = SyntheticCamera(mount=mount, lens=SMALL)
        seen = backdrop(camera, Scene(bounds=HALL, extra=(box_,)))
        u, v = np.round((camera.project(np.array([4.0, 1.5, 0.7])) + 0.5) * 2 - 0.5).astype(int)
        if 0 <= u < 320 and 0 <= v < 240:
            blue, green, red = seen.image[v, u].astype(int)
            assert red > 60 and max(blue, green) < 0.3 * red
            assert seen.solid[v, u]
            depth = np.linalg.norm(camera.centre - [4.0, 1.5, 0.7])
            assert seen.depth[v, u] == pytest.approx(depth, abs=0.3)


def test_a_camera_outside_of_the_room_looks_through_the_wall():
    seen = backdrop(SyntheticCamera(mount=Mount(9.0, 0.0, 1.2, math.pi), lens=SMALL), Scene())
    assert np.isfinite(seen.depth).all()
    assert seen.depth[120, 160] > 10.0


def test_lights_are_dimmer_warmer_or_one_sided():
    camera = SyntheticCamera(lens=Lens(80, 60))
    mean = {name: backdrop(camera, Scene(light=light)).image.mean((0, 1)) for name, light in LIGHTS.items()}
    assert mean["dim"].sum() < 0.5 * mean["bright"].sum()
    assert mean["warm"][2] / mean["warm"][0] > 1.3 * mean["bright"][2] / mean["bright"][0]
    assert mean["cold"][2] / mean["cold"][0] < 0.8 * mean["bright"][2] / mean["bright"][0]
    one = backdrop(camera, Scene(light=LIGHTS["one_sided"])).image.astype(float)
    assert one[:, :40].mean() > 1.4 * one[:, 120:].mean()


def test_a_mirror_shows_things_where_their_image_is():
    glass = mirror_wall("back", start=0.1, end=0.9)
    camera = SyntheticCamera(lens=Lens(320, 240))
    spot = np.array([-1.0, 0.7, 1.4])
    thing = box(tuple(spot), (0.2, 0.2, 0.2), RED)
    plain, marked = (backdrop(camera, Scene(mirrors=(glass,), extra=e)) for e in ((), (thing,)))
    image = camera.project(glass.reflected(thing.vertices))
    expected = (image.min(0) + image.max(0)) / 2.0
    changed = where((marked.depth < plain.depth - 0.02) & (marked.mirror == 0))
    assert np.abs(changed - expected).max() < 0.5
    u, v = np.round((expected + 0.5) * 2 - 0.5).astype(int)
    assert marked.mirror[v, u] == 0
    assert marked.depth[v, u] == pytest.approx(np.linalg.norm(camera.centre - glass.reflected(spot)), abs=0.2)


@given(st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3))
def test_reflecting_twice_changes_nothing(point):
    glass = mirror_wall("left")
    p = np.array(point)
    q = glass.reflected(p)
    assert glass.reflected(q) == pytest.approx(p, abs=1e-9)
    assert glass.distance(q) == pytest.approx(-glass.distance(p), abs=1e-9)


@pytest.mark.parametrize("wall", ["back", "front", "left", "right"])
def test_mirrors_look_into_the_room(wall):
    assert mirror_wall(wall).distance(np.array([1.0, 0.0, 1.0])) > 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mirror_wall("ceiling"), "wall must be one of back, right, front, left"),
        (lambda: Mirror((0, 0, 0), (1, 0, 0), (1, 0, 1)), "perpendicular"),
        (lambda: Bounds(back=-1.0), "bounds: back - front"),
        (lambda: Bounds(ceiling=1.0), "ceiling must be 2.2 to 12 m"),
    ],
)
def test_wrong_scenes_are_refused(make, message):
    with pytest.raises(SceneError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ambient": -0.1}, "ambient must be 0 to 5"),
        ({"shadow": 1.5}, "shadow must be 0 to 1"),
        ({"colour": (1.0,)}, "colour must be three"),
    ],
)
def test_wrong_lights_are_refused(change, message):
    with pytest.raises(KineCueError, match=message):
        Light(**change)


def test_light_falls_where_the_lamp_is():
    lamp = Light(
        key=(0.0, 0.0, 2.0), key_strength=0.5, fill_strength=0.0, rear_strength=0.0, sky=0.0, ambient=0.25
    )
    below, up = np.zeros((3, 1)), np.array([[0.0], [0.0], [1.0]])
    assert lamp.brightness(below, up) == pytest.approx([0.75])
    assert lamp.brightness(below, -up) == pytest.approx([0.25])
    # 45 degrees off
    assert lamp.brightness(np.array([[2.0], [0.0], [0.0]]), up) == pytest.approx(
        [0.25 + 0.5 * math.sqrt(0.5)]
    )


def test_a_block_hides_what_is_behind_it_and_nothing_else():
    block = Block(np.array([2.0, 0.0, 1.0]), np.array([0.1, 0.5, 0.5]), np.eye(3))
    eye = np.array([0.0, 0.0, 1.0])
    points = np.array([[4.0, 0, 1], [1.5, 0, 1], [4.0, 0.9, 1], [4.0, 1.1, 1], [-4.0, 0, 1], [4.0, 0, 2.1]])
    assert block.hides(eye, points).tolist() == [True, False, True, False, False, False]


def test_a_rod_hides_what_is_behind_it_and_nothing_else():
    rod = Rod(np.array([2.0, -1.0, 1.0]), np.array([2.0, 1.0, 1.0]), 0.05)
    eye = np.array([0.0, 0.0, 1.0])
    points = np.array(
        [[4.0, 0, 1.05], [4.0, 0, 1.2], [4.0, 1.9, 1], [4.0, 2.2, 1], [1.9, 0, 1], [-4.0, 0, 1]]
    )
    assert rod.hides(eye, points).tolist() == [True, False, True, False, False, False]
    along = rod.hides(np.array([2.0, -3.0, 1.0]), np.array([[2.0, 3.0, 1.0], [2.2, 3.0, 1.0]]))
    assert along.tolist() == [True, False]


@pytest.mark.parametrize("name", sorted(OCCLUDERS))
def test_what_an_occluder_hides_is_what_its_picture_covers(name):
    thing = OCCLUDERS[name]().placed(2.0, 0.2, 0.7)
    camera = SyntheticCamera(lens=SMALL)
    bare = backdrop(camera, Scene())
    seen = backdrop(camera, Scene(occluders=(thing,)))
    covered = seen.depth < bare.depth - 0.05
    rng = np.random.default_rng(2)
    v, u = rng.integers(2, 238, 400), rng.integers(2, 318, 400)
    pixels = (np.stack([u, v], 1) + 0.5) / 2.0 - 0.5
    hidden = thing.occluded(camera.centre, camera.centre + 4.0 * camera.view.rays(pixels))
    assert hidden.sum() > 8
    # a round thing is drawn with a few flat sides
    assert np.mean(hidden == covered[v, u]) > 0.985
