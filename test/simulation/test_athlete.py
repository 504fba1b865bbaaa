from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.body.volume.shape import BodyShape
from kinecue.body.volume.skinning import Pose, skin
from kinecue.simulation.athletes.athlete import SOLE, Athlete
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.rotations import yaw


def standing(athlete: Athlete) -> Pose:
    return Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3)})


@pytest.mark.parametrize(("sex", "stature"), [("male", 1.60), ("male", 1.95), ("female", 1.75)])
def test_athlete_by_sex_and_stature(sex, stature):
    athlete = Athlete(sex, stature)
    heights = athlete.vertices[np.unique(athlete.asset.faces["body"]), 2]
    assert np.ptp(heights) == pytest.approx(stature, abs=1e-5)
    assert heights.min() == pytest.approx(SOLE, abs=1e-9)
    assert np.array_equal(Athlete(sex=sex, stature=stature).vertices, athlete.vertices)
    assert athlete.sex == sex
    assert athlete.stature == stature
    # clothes of a body twice as tall would be twice as thick
    assert athlete.scale / stature == pytest.approx(Athlete(sex, 1.5).scale / 1.5)


def test_athlete_by_name_and_by_shape_are_the_same():
    assert np.array_equal(Athlete("long_femur").vertices, Athlete(ATHLETES["long_femur"]).vertices)


@pytest.mark.parametrize(
    ("who", "stature"),
    [("robot", 1.8), ("male", 0.5), ("female", math.nan), ("tall", 1.8), (BodyShape(), 1.8)],
)
def test_impossible_athletes_are_refused(who, stature):
    with pytest.raises(KineCueError, match="must"):
        Athlete(who, stature)


def test_two_answers_to_who_it_is_are_refused():
    with pytest.raises(KineCueError, match="beside 'male'"):
        Athlete("male", 1.8, sex="female")
    with pytest.raises(KineCueError, match="those of the shape"):
        Athlete("tall", sex="male")


def test_unknown_athlete_is_told_the_known_ones():
    with pytest.raises(KineCueError, match=r"male, female, average_man.*long_femur"):
        Athlete("giant")


@pytest.mark.parametrize("sex", ["male", "female"])
def test_skeleton_is_where_anatomy_puts_it(sex):
    # Winter, fig. 4.1: ankle 0.039 H, knee 0.285 H, hip 0.530 H over the floor; shoulder joint 3 to 4 cm below the
    # acromion at 0.818 H; hip joint centres 0.10 to 0.11 H apart (Seidel 1995; Winter). 1.5 % of the
    # stature of leeway.
    athlete = Athlete(f"average_{'man' if sex == 'male' else 'woman'}")
    height = {
        b: (athlete.head(f"{b}_l")[2] - SOLE) / athlete.stature for b in ("foot", "calf", "thigh", "upperarm")
    }
    wanted = {"foot": 0.039, "calf": 0.285, "thigh": 0.530, "upperarm": 0.797}
    for bone, share in wanted.items():
        assert height[bone] == pytest.approx(share, abs=0.015), bone
    assert 0.098 < athlete.lengths.pelvis / athlete.stature < 0.116
    # the knee is bent by a few degrees only
    hip, knee, ankle = (athlete.head(f"{b}_l") for b in ("thigh", "calf", "foot"))
    cosine = (knee - hip) @ (ankle - knee) / np.linalg.norm(knee - hip) / np.linalg.norm(ankle - knee)
    assert math.degrees(math.acos(cosine)) < 12.0


@pytest.mark.parametrize("name", ["heavy", "older_woman", "long_arms"])
def test_body_is_its_own_mirror_image(name):
    athlete = Athlete(name)
    mirrored = athlete.vertices[athlete.asset.mirror] * [1.0, -1.0, 1.0]
    assert np.abs(mirrored - athlete.vertices).max() < 1e-6
    rest = {k: p for k, (_, p) in athlete.rest_landmarks.items()}
    for landmark, point in rest.items():
        assert np.abs(point * [1, -1, 1] - rest[landmark.mirrored]).max() < 1e-6, landmark


@pytest.mark.parametrize("name", ["average_man", "long_femur_woman"])
def test_rest_pose_leaves_the_skin_where_it_is(name):
    athlete = Athlete(name)
    vertices = athlete.vertices.astype(np.float32)
    moved = skin(vertices, athlete.asset.weights, athlete.transforms(standing(athlete)))
    assert np.abs(moved - vertices).max() < 1e-5


def test_moving_a_pose_moves_every_point():
    athlete = Athlete("female", 1.7)
    pose = Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3), "thigh_l": yaw(0.3)})
    rotation, translation = yaw(1.2), np.array([3.0, -0.5, 0.0])
    before = athlete.landmarks(athlete.transforms(pose))
    after = athlete.landmarks(athlete.transforms(pose.moved(rotation, translation)))
    for landmark in BLAZEPOSE_33.landmarks:
        assert after[landmark] == pytest.approx(rotation @ before[landmark] + translation, abs=1e-9)


def test_forward_kinematics_turns_a_bone_about_its_joint_and_all_that_hangs_on_it():
    athlete = Athlete("male", 1.8)
    rest = athlete.transforms(standing(athlete))
    bent = athlete.transforms(Pose(athlete.rest_mid_hip, {"calf_l": yaw(0.7), "pelvis": np.eye(3)}))
    knee, foot, ball = (athlete.head(f"{b}_l") for b in ("calf", "foot", "ball"))
    index = athlete.bone_index
    assert bent.heads[index["calf_l"]] == pytest.approx(knee)
    for bone, point in (("foot_l", foot), ("ball_l", ball)):
        assert bent.heads[index[bone]] == pytest.approx(knee + yaw(0.7) @ (point - knee))
        assert bent.rotations[index[bone]] == pytest.approx(yaw(0.7))
    for bone, j in index.items():
        if bone not in ("calf_l", "foot_l", "ball_l"):
            assert bent.heads[j] == pytest.approx(rest.heads[j]), bone


def test_segments_keep_their_lengths_in_any_posture():
    athlete = Athlete("long_femur")
    rng = np.random.default_rng(4)
    named = {bone: np.linalg.qr(rng.normal(size=(3, 3)))[0] for bone in athlete.asset.bones}
    points = athlete.landmarks(athlete.transforms(Pose(rng.normal(size=3), named)))
    for a, b, length in (
        ("hip", "knee", athlete.lengths.thigh),
        ("knee", "ankle", athlete.lengths.shank),
        ("shoulder", "elbow", athlete.lengths.upper_arm),
        ("elbow", "wrist", athlete.lengths.forearm),
    ):
        for side in ("left", "right"):
            between = points[Landmark(f"{side}_{a}")] - points[Landmark(f"{side}_{b}")]
            assert np.linalg.norm(between) == pytest.approx(length, abs=1e-9)


@pytest.mark.parametrize(("rotations", "problem"), [({}, "pelvis"), ({"tail": np.eye(3)}, "tail")])
def test_a_pose_without_pelvis_or_with_a_strange_bone_is_refused(rotations, problem):
    athlete = Athlete("male", 1.8)
    with pytest.raises(KineCueError, match=problem):
        athlete.transforms(Pose(np.zeros(3), rotations))
