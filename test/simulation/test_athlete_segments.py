from __future__ import annotations

import numpy as np
import pytest

from kinecue.body.landmarks import Landmark
from kinecue.body.volume.segments import SEGMENTS, TRUNK, body_cut, measure
from kinecue.body.volume.skinning import Pose
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.rotations import yaw

# share of body mass: de Leva 1996 (table 4, men and women) and Clauser et al. 1969 (Winter, table 4.1, Dempster, is
# between them), limbs per side
LITERATURE = {
    "head": (0.0694, 0.0668, 0.073),
    "trunk": (0.4346, 0.4257, 0.507),
    "upper_arm": (0.0271, 0.0255, 0.026),
    "forearm": (0.0162, 0.0138, 0.016),
    "hand": (0.0061, 0.0056, 0.007),
    "thigh": (0.1416, 0.1478, 0.103),
    "shank": (0.0433, 0.0481, 0.043),
    "foot": (0.0137, 0.0129, 0.015),
}


def whole_volume(athlete: Athlete) -> float:
    q = athlete.vertices[athlete.asset.faces["body"]]
    return float(sum((q[:, 0] * np.cross(q[:, i], q[:, i + 1])).sum() for i in (1, 2)) / 6.0)


@pytest.mark.parametrize("name", ["average_man", "heavy_woman", "long_femur"])
def test_segments_make_up_the_body(name):
    athlete = Athlete(name)
    segments = athlete.segments
    assert tuple(segments) == SEGMENTS
    assert sum(s.volume for s in segments.values()) == pytest.approx(whole_volume(athlete), rel=2e-4)
    assert athlete.mass == pytest.approx(sum(s.mass for s in segments.values()))
    # with the air in the lungs a body is about as dense as water
    assert 0.98 < athlete.mass / whole_volume(athlete) / 1000.0 < 1.04


def test_every_segment_is_closed():
    # the integral of the normal over a closed surface is zero
    athlete = Athlete("average_woman")
    cut = body_cut()
    corners = cut.corners(athlete.vertices)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    for i, name in enumerate(SEGMENTS):
        assert np.abs(normals[cut.segment == i].sum(0)).max() < 1e-9, name


@pytest.mark.parametrize("name", ["average_man", "average_woman"])
def test_masses_are_those_of_people(name):
    athlete = Athlete(name)
    share = {k: s.mass / athlete.mass for k, s in athlete.segments.items()}
    share["trunk"] = sum(share[t] for t in TRUNK)
    for segment, values in LITERATURE.items():
        # the authors cut the body in different places; a quarter of leeway beyond them
        key = segment if segment in share else f"left_{segment}"
        assert 0.75 * min(values) < share[key] < 1.25 * max(values), segment


@pytest.mark.parametrize("name", ["average_man", "average_woman"])
def test_centres_of_mass_lie_where_others_found_them(name):
    # share of the way from the proximal to the distal joint: Dempster (Winter, table 4.1), de Leva 1996 (table 4, men)
    athlete = Athlete(name)
    for segment, start, end, shares in (
        ("thigh", "thigh", "calf", (0.433, 0.4095)),
        ("shank", "calf", "foot", (0.433, 0.4459)),
        ("upper_arm", "upperarm", "lowerarm", (0.436, 0.5772)),
        ("forearm", "lowerarm", "hand", (0.430, 0.4574)),
    ):
        a, b = athlete.head(f"{start}_l"), athlete.head(f"{end}_l")
        way = (athlete.segments[f"left_{segment}"].centre - a) @ (b - a) / ((b - a) @ (b - a))
        assert min(shares) - 0.08 < way < max(shares) + 0.08, segment


def test_left_and_right_are_mirrored():
    segments = Athlete("muscular").segments
    for name, left in segments.items():
        right = segments[name.replace("left_", "right_")]
        assert left.mass == pytest.approx(right.mass, rel=1e-9)
        if name.startswith("left_"):
            assert left.centre * [1, -1, 1] == pytest.approx(right.centre, abs=1e-9)


def test_a_body_twice_as_deep_has_twice_the_volume_and_the_moments_of_twice_the_mass():
    athlete = Athlete("average_man")
    v = athlete.vertices
    scaled = measure(v * [2.0, 1.0, 1.0])
    plain = measure(v)
    for name in SEGMENTS:
        assert scaled[name].volume == pytest.approx(2.0 * plain[name].volume)
        assert scaled[name].centre == pytest.approx(plain[name].centre * [2.0, 1.0, 1.0])
        # the moment about x is of y and z, which stay
        assert scaled[name].inertia[0, 0] == pytest.approx(2.0 * plain[name].inertia[0, 0])


def test_inertia_of_the_thigh_is_that_of_a_thigh():
    # radii of gyration over the segment's length (de Leva 1996, men): 0.329 sagittal, 0.149 longitudinal
    athlete = Athlete("average_man")
    thigh = athlete.segments["left_thigh"]
    along = np.sqrt(np.linalg.eigvalsh(thigh.inertia) / thigh.mass) / athlete.lengths.thigh
    assert along[0] == pytest.approx(0.149, rel=0.25)
    assert along[2] == pytest.approx(0.329, rel=0.25)


@pytest.mark.parametrize("name", ["average_man", "average_woman"])
def test_centre_of_mass_of_a_standing_body(name):
    athlete = Athlete(name)
    pose = Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3)})
    centre = athlete.centre_of_mass(athlete.transforms(pose))
    # 0.53 to 0.59 of the stature (Winter; arms half raised here), on the midline, over the feet
    assert 0.53 < centre[2] / athlete.stature < 0.60
    assert centre[1] == pytest.approx(0.0, abs=1e-9)
    assert athlete.rest_landmarks[Landmark.LEFT_HEEL][1][0] < centre[0] < athlete.head("ball_l")[0]
    rotation, shift = yaw(0.8), np.array([1.0, 2.0, 0.3])
    moved = athlete.centre_of_mass(athlete.transforms(pose.moved(rotation, shift)))
    assert moved == pytest.approx(rotation @ centre + shift)


def test_raising_an_arm_raises_the_centre_of_mass_by_its_share():
    athlete = Athlete("average_man")
    rest = Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3)})
    turn = np.diag([1.0, -1.0, -1.0])
    raised = Pose(athlete.rest_mid_hip, {"pelvis": np.eye(3), "upperarm_l": turn})
    before, after = (athlete.centre_of_mass(athlete.transforms(p)) for p in (rest, raised))
    shoulder = athlete.head("upperarm_l")
    lever = sum(
        s.mass * (turn @ (s.centre - shoulder) - (s.centre - shoulder))
        for n, s in athlete.segments.items()
        if n in ("left_upper_arm", "left_forearm", "left_hand")
    )
    assert after - before == pytest.approx(lever / athlete.mass)
