from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.body.volume.skinning import Pose
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.picture.appearance import dress
from kinecue.simulation.picture.cameras import Lens, SyntheticCamera, around
from kinecue.simulation.picture.occluders import OCCLUDERS
from kinecue.simulation.picture.outfits import OUTFITS
from kinecue.simulation.picture.solids import box, cylinder
from kinecue.simulation.picture.visibility import BodyVolume, Visibility, visibility
from kinecue.simulation.rotations import yaw

FRONT, LEFT_SIDE, RIGHT_SIDE, BACK = 0.0, math.pi / 2, -math.pi / 2, math.pi


@pytest.fixture(scope="module")
def athlete():
    return Athlete("male", 1.78)


@pytest.fixture(scope="module")
def body(athlete):
    return BodyVolume.of(athlete, dress(athlete, OUTFITS["training"]))


def placed(athlete, x=3.0, y=0.0):
    pose = Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3)})
    transforms = athlete.transforms(pose.moved(yaw(math.pi), np.array([x, y, 0.0])))
    points = athlete.landmarks(transforms)
    return transforms, np.stack([points[k] for k in BLAZEPOSE_33.landmarks])


def camera(view, distance=3.2):
    return SyntheticCamera(mount=around(view, distance, height=1.2), lens=Lens())


def seen(athlete, body, view, **others):
    transforms, points = placed(athlete)
    states = visibility(camera(view), body, transforms, points, **others)
    return {k: Visibility(states[BLAZEPOSE_33.index(k)]) for k in BLAZEPOSE_33.landmarks}


def test_from_the_front_everything_but_the_heels_may_be_seen(athlete, body):
    states = seen(athlete, body, FRONT)
    for name in (
        "nose",
        "left_eye",
        "right_ear",
        "left_shoulder",
        "right_elbow",
        "left_hip",
        "right_knee",
        "left_ankle",
        "right_foot_index",
    ):
        assert states[Landmark(name)] is Visibility.VISIBLE, name


def test_from_behind_the_face_is_hidden_and_the_joints_are_not(athlete, body):
    states = seen(athlete, body, BACK)
    for name in ("nose", "left_eye", "right_eye", "mouth_left", "left_foot_index"):
        assert states[Landmark(name)] is Visibility.SELF_OCCLUDED, name
    for name in ("left_shoulder", "right_hip", "left_knee", "right_heel"):
        assert states[Landmark(name)] is Visibility.VISIBLE, name


@pytest.mark.parametrize(
    ("view", "near", "far"), [(LEFT_SIDE, "left", "right"), (RIGHT_SIDE, "right", "left")]
)
def test_from_the_side_the_far_side_is_hidden(athlete, body, view, near, far):
    states = seen(athlete, body, view)
    for name in ("shoulder", "hip", "knee", "ear", "eye"):
        assert states[Landmark(f"{near}_{name}")] is Visibility.VISIBLE, name
        assert states[Landmark(f"{far}_{name}")] is Visibility.SELF_OCCLUDED, name


@pytest.mark.parametrize("view", [FRONT, 0.6, LEFT_SIDE, 2.2, BACK])
def test_left_and_right_are_treated_alike(athlete, body, view):
    one, other = seen(athlete, body, view), seen(athlete, body, -view)
    assert one == {k.mirrored: v for k, v in other.items()}


def test_another_person_in_the_way_hides(athlete, body):
    other = placed(athlete, x=2.0)[0]
    states = seen(athlete, body, FRONT, others=[(body, other)])
    assert states[Landmark.LEFT_HIP] is Visibility.OCCLUDED
    behind = placed(athlete, x=4.5)[0]
    assert seen(athlete, body, FRONT, others=[(body, behind)]) == seen(athlete, body, FRONT)


def test_furniture_and_props_hide_what_is_behind_them(athlete, body):
    thing = OCCLUDERS["plyo_box"]().placed(2.3, 0.0)
    states = seen(athlete, body, FRONT, occluders=[thing])
    assert states[Landmark.LEFT_ANKLE] is Visibility.OCCLUDED
    assert states[Landmark.LEFT_SHOULDER] is Visibility.VISIBLE
    board = box((2.0, 0.0, 1.45), (0.02, 1.0, 0.2), (0.0, 0.0, 0.0))
    states = seen(athlete, body, FRONT, props=board)
    assert states[Landmark.LEFT_SHOULDER] is Visibility.OCCLUDED
    assert states[Landmark.LEFT_KNEE] is Visibility.VISIBLE


def test_a_prop_and_a_block_agree():
    rng = np.random.default_rng(1)
    athlete_ = Athlete("female", 1.6)
    body = BodyVolume.of(athlete_, dress(athlete_, OUTFITS["leggings"]))
    transforms, points = placed(athlete_)
    for _ in range(5):
        at = rng.uniform([1.0, -0.4, 0.3], [2.2, 0.4, 1.6])
        thing = OCCLUDERS["plyo_box"]().placed(at[0], at[1], at[2])
        with_solid = visibility(camera(FRONT), body, transforms, points, occluders=[thing])
        with_mesh = visibility(camera(FRONT), body, transforms, points, props=thing.mesh)
        assert np.array_equal(with_solid, with_mesh)


def test_a_bar_before_the_chest_hides_only_what_it_covers(athlete, body):
    transforms, points = placed(athlete)
    shoulder = points[BLAZEPOSE_33.index(Landmark.LEFT_SHOULDER)]
    at = camera(FRONT).centre + 0.8 * (shoulder - camera(FRONT).centre)
    bar = cylinder(at - [0, 1.0, 0], at + [0, 1.0, 0], 0.015, (200.0, 200.0, 200.0), 8)
    states = visibility(camera(FRONT), body, transforms, points, props=bar)
    hidden = {k for k, s in zip(BLAZEPOSE_33.landmarks, states, strict=True) if s == Visibility.OCCLUDED}
    assert hidden == {Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER}


def test_out_of_the_frame_is_out_of_the_frame(athlete, body):
    transforms, points = placed(athlete)
    near = dataclasses.replace(camera(FRONT), mount=around(FRONT, 1.0, height=1.6))
    states = visibility(near, body, transforms, points)
    pixels = near.project(points)
    outside = ~((pixels > -0.5) & (pixels < [639.5, 479.5])).all(1)
    assert outside.any() and not outside.all()
    assert np.array_equal(states == Visibility.OUT_OF_FRAME, outside)
    behind = dataclasses.replace(near, mount=around(FRONT, 3.0))
    moved, gone = placed(athlete, x=-2.0)
    assert (visibility(behind, body, moved, gone) == Visibility.OUT_OF_FRAME).all()


def test_sizes_are_those_of_the_body():
    for sex, stature in (("male", 1.9), ("female", 1.55)):
        athlete_ = Athlete(sex, stature)
        body = BodyVolume.of(athlete_, dress(athlete_, OUTFITS["training"]))
        radius = dict(zip(body.names, body.radii, strict=True))
        assert 0.05 < radius["thigh_l"] / athlete_.scale < 0.12
        assert radius["upperarm_l"] < radius["thigh_l"]
        assert radius["thigh_l"] == pytest.approx(radius["thigh_r"], rel=0.05)
        assert 0.06 < radius["head"] < 0.11
