from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark
from kinecue.body.volume.skinning import Pose
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.picture.actors import Actor, Stage
from kinecue.simulation.picture.appearance import dress
from kinecue.simulation.picture.cameras import Lens, Mount, Sensor, Shot, SyntheticCamera, around
from kinecue.simulation.picture.occluders import OCCLUDERS
from kinecue.simulation.picture.outfits import OUTFITS, Outfit
from kinecue.simulation.picture.renderer import Renderer
from kinecue.simulation.picture.scene import Scene, mirror_wall
from kinecue.simulation.picture.solids import box
from kinecue.simulation.picture.surface import smoothed, trimmed, vertex_normals
from kinecue.simulation.picture.surfaces import visible_detail
from kinecue.simulation.rotations import yaw

QUIET = Sensor(exposure_s=0.0, shot_noise=0.0, read_noise=0.0)
CAMERA = SyntheticCamera(lens=Lens(160, 120), sensor=QUIET)


@pytest.fixture(scope="module")
def athlete():
    return Athlete("male", 1.78)


@pytest.fixture(scope="module")
def mesh(athlete):
    return dress(athlete, Outfit())


@pytest.fixture(scope="module")
def renderer():
    return Renderer(CAMERA, Scene())


def standing(athlete, x=3.0, y=0.0, turn=math.pi):
    pose = Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3)})
    return athlete.transforms(pose.moved(yaw(turn), np.array([x, y, 0.0])))


def stage(athlete, mesh, **place):
    return Stage((Actor(mesh, standing(athlete, **place)),))


def difference(a, b):
    return np.abs(a.astype(int) - b.astype(int)).sum(-1)


def test_same_arguments_give_the_same_picture_whatever_was_drawn_before(athlete, mesh):
    camera = dataclasses.replace(CAMERA, sensor=Sensor(exposure_s=0.02), seed=3)
    one, other = Renderer(camera, Scene()), Renderer(camera, Scene())
    shots = camera.schedule(0.2)

    def at(time_s):
        return stage(athlete, mesh, x=3.0, y=time_s)

    first = one.shoot(at, shots[2])
    for shot in reversed(shots):
        later = other.shoot(at, shot)
        if shot.index == 2:
            assert np.array_equal(later, first)
    assert not np.array_equal(one.shoot(lambda _: at(0.0), shots[0]), one.shoot(lambda _: at(0.0), shots[1]))


@pytest.mark.parametrize("mount", [Mount(), around(math.pi / 2, 3.0), around(math.pi, 2.6)])
def test_the_athlete_is_drawn_where_the_camera_projects(athlete, mesh, mount):
    camera = dataclasses.replace(CAMERA, mount=mount)
    renderer = Renderer(camera, Scene())
    transforms = standing(athlete)
    picture = renderer.draw(Stage((Actor(mesh, transforms),)))
    changed = difference(picture, renderer.background) > 30
    points = athlete.landmarks(transforms)
    for landmark in (Landmark.LEFT_SHOULDER, Landmark.RIGHT_KNEE, Landmark.LEFT_ANKLE, Landmark.NOSE):
        u, v = np.round(camera.project(points[landmark])).astype(int)
        assert changed[v - 1 : v + 2, u - 1 : u + 2].any(), landmark
    head = camera.project(points[Landmark.NOSE])[1]
    assert not changed[: int(head) - 14].any()


def test_furniture_of_the_room_and_a_prop_cover_the_same_pixels():
    # one goes by rays through the room, the other by its corners through the lens
    lens = Lens(320, 240, math.radians(110.0), (-0.16, 0.02, 0.0, 0.0, -0.0009))
    camera = SyntheticCamera(lens=lens, sensor=QUIET)
    thing = box((2.2, 1.3, 1.9), (0.4, 0.4, 0.4), (0.0, 0.0, 250.0), 8)
    bare = Renderer(camera, Scene())
    as_prop = difference(bare.draw(Stage(props=thing)), bare.background) > 90
    fixed = Renderer(camera, Scene(extra=(thing,)))
    as_furniture = difference(fixed.background, bare.background) > 90
    assert as_furniture.sum() > 300
    edge = 4 * math.sqrt(as_furniture.sum())
    assert (as_prop ^ as_furniture).sum() < 0.35 * edge


def test_shadow_and_contact_darken_the_floor(athlete, mesh, renderer):
    transforms = standing(athlete)
    picture = renderer.draw(Stage((Actor(mesh, transforms),))).astype(int)
    background = renderer.background.astype(int)
    points = athlete.landmarks(transforms)
    # the lamp is ahead and to the left of the camera, so the shadow falls away to the right
    shade = CAMERA.project(np.array([[3.35, -0.35, 0.0]]))[0]
    u, v = np.round(shade).astype(int)
    assert (background[v, u] - picture[v, u]).sum() > 40
    row = int(CAMERA.project(points[Landmark.LEFT_HEEL])[1])
    darker = (background[row - 3 : row + 4] - picture[row - 3 : row + 4]).sum(-1) > 40
    assert darker.any()


def test_two_people_hide_each_other_by_distance(athlete, renderer):
    red = dress(athlete, Outfit(shirt=(0.0, 0.0, 250.0)))
    blue = dress(athlete, Outfit(shirt=(250.0, 0.0, 0.0)))
    near, far = standing(athlete, x=2.6), standing(athlete, x=3.8)
    chest = CAMERA.project(near.heads[athlete.bone_index["spine_03"]])
    u, v = np.round(chest).astype(int)
    for front, back, channel in ((red, blue, 2), (blue, red, 0)):
        for actors in ((Actor(front, near), Actor(back, far)), (Actor(back, far), Actor(front, near))):
            pixel = renderer.draw(Stage(actors))[v, u].astype(int)
            assert pixel.argmax() == channel


def test_occluders_hide_the_athlete_behind_and_not_before_them(athlete, mesh):
    wall = OCCLUDERS["plyo_box"]().placed(2.5, 0.0)
    renderer = Renderer(CAMERA, Scene(occluders=(wall,)))
    behind, before = (renderer.draw(stage(athlete, mesh, x=x)) for x in (3.2, 1.8))
    transforms = standing(athlete, x=3.2)
    shin = athlete.landmarks(transforms)[Landmark.LEFT_KNEE] - [0.0, 0.0, 0.15]
    assert wall.occluded(CAMERA.centre, shin[None])[0]
    u, v = np.round(CAMERA.project(shin)).astype(int)
    assert difference(behind, renderer.background)[v, u] == 0
    knee = athlete.landmarks(standing(athlete, x=1.8))[Landmark.LEFT_KNEE]
    u, v = np.round(CAMERA.project(knee)).astype(int)
    assert difference(before, renderer.background)[v, u] > 25


def test_a_mirror_shows_the_athletes_back(athlete, mesh):
    glass = mirror_wall("back", start=0.05, end=0.95)
    plain, mirrored = (Renderer(CAMERA, Scene(mirrors=m)) for m in ((), (glass,)))
    moment = stage(athlete, mesh, x=3.4, y=1.3)
    points = standing(athlete, x=3.4, y=1.3).heads[
        [athlete.bone_index["spine_03"], athlete.bone_index["pelvis"]]
    ]
    for point in points:
        u, v = np.round(CAMERA.project(glass.reflected(point))).astype(int)
        assert difference(mirrored.draw(moment), mirrored.background)[v, u] > 60
        assert difference(plain.draw(moment), plain.background)[v, u] == 0


@pytest.mark.parametrize(
    "place", [{"x": 3.0, "y": 40.0}, {"x": -2.0}, {"x": 0.0}, {"x": 0.1, "y": 0.15}, {"x": 0.45}]
)
def test_people_beside_behind_around_and_close_to_the_camera_do_no_harm(athlete, mesh, renderer, place):
    picture = renderer.draw(stage(athlete, mesh, **place))
    assert picture.shape == renderer.background.shape
    if abs(place.get("y", 0.0)) > 10.0:
        assert np.array_equal(picture, renderer.background)
    if place["x"] < -1.0:
        # only the shadow of somebody behind the camera may be seen
        assert (picture.astype(int) <= renderer.background.astype(int)).all()


def test_half_out_of_the_frame_is_cut_at_the_edge(athlete, mesh, renderer):
    whole = difference(renderer.draw(stage(athlete, mesh)), renderer.background) > 30
    half = difference(renderer.draw(stage(athlete, mesh, y=1.72)), renderer.background) > 30
    assert half[:, 0].any()
    assert 0.1 * whole.sum() < half.sum() < 0.9 * whole.sum()


def test_motion_blur_smears_what_moves_and_only_that(athlete, mesh, renderer):
    def at(time_s):
        return stage(athlete, mesh, y=2.0 * time_s)

    sharp = renderer.shoot(at, Shot(0, 0.0, 0.0, 0, 0.0, False))
    still = renderer.shoot(lambda _: at(0.0), Shot(0, 0.0, 0.03, 0, 0.0, False))
    blurred = renderer.shoot(at, Shot(0, 0.0, 0.03, 0, 0.0, False))
    assert np.array_equal(sharp, still)

    def steepest(image):
        return np.abs(np.diff(difference(image, renderer.background)[30:50], axis=1)).max()

    assert steepest(blurred) < 0.7 * steepest(sharp)
    changed = difference(blurred, sharp) > 12
    columns = np.where(changed.any(0))[0]
    people = np.where((difference(sharp, renderer.background) > 12).any(0))[0]
    assert columns.min() >= people.min() - 6 and columns.max() <= people.max() + 6


def test_blur_goes_on_where_less_detail_begins(athlete, mesh, renderer):
    crossed = 0
    for x in np.arange(2.0, 2.8, 0.12):

        def at(time_s, x=x):
            return stage(athlete, mesh, x=x + 4.0 * time_s, y=4.0 * time_s)

        ends = [mesh.for_detail(visible_detail(at(t).actors[0], CAMERA.view)) for t in (-0.0165, 0.0165)]
        crossed += ends[0] is not ends[1]
        blurred = renderer.shoot(at, Shot(0, 0.0, 0.033, 0, 0.0, False))
        assert (difference(blurred, renderer.draw(at(0.0))) > 60).sum() > 50
    assert crossed


def test_less_detail_keeps_the_outline(athlete, mesh, renderer):
    transforms = standing(athlete)
    coarse = mesh.for_detail(0.02)
    assert len(coarse.faces) < 0.7 * len(mesh.faces)
    assert np.abs(coarse.weights.sum(1) - 1.0).max() < 1e-4
    fine_picture, coarse_picture = (renderer.draw(Stage((Actor(m, transforms),))) for m in (mesh, coarse))
    fine, rough = (difference(p, renderer.background) > 30 for p in (fine_picture, coarse_picture))
    assert (fine ^ rough).sum() < 0.05 * fine.sum()


@pytest.mark.parametrize("outfit", sorted(OUTFITS))
@pytest.mark.parametrize("sex", ["male", "female"])
def test_every_outfit_gives_a_sound_mesh(sex, outfit):
    mesh = dress(Athlete(sex, 1.7), OUTFITS[outfit])
    assert np.isfinite(mesh.vertices).all()
    assert mesh.faces.max() < len(mesh.vertices)
    assert np.abs(mesh.weights.sum(1) - 1.0).max() < 1e-4
    assert len(mesh.colours) == len(mesh.nearer) == len(mesh.gloss) == len(mesh.faces)
    assert mesh.vertices[:, 2].min() >= 0.0


def test_loose_clothes_stand_off_the_body(athlete, renderer):
    area = {}
    for name in ("training", "baggy"):
        shirt = dataclasses.replace(OUTFITS[name], shirt=(0.0, 250.0, 0.0), shorts=(0.0, 250.0, 0.0))
        picture = renderer.draw(
            stage(athlete, dress(athlete, dataclasses.replace(shirt, sleeve=0.5, leg=0.9)))
        ).astype(int)
        area[name] = (picture[..., 1] > picture[..., 2] + 30).sum()
    assert area["baggy"] > 1.1 * area["training"]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"looseness": 0.2}, "looseness must be 0.004 to 0.06"), ({"skin": (1.0, 2.0, 300.0)}, "skin must be")],
)
def test_wrong_outfits_are_refused(change, message):
    with pytest.raises(KineCueError, match=message):
        Outfit(**change)


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
