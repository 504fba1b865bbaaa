"""What of a body is behind the body itself, or behind somebody else."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.body.volume.marks import rest_landmarks
from kinecue.body.volume.occlusion import completed, occlusion_by_other, self_occlusion, way_through
from kinecue.body.volume.shape import BodyShape
from kinecue.body.volume.solids import SOLIDS, BodySolids, PlacedSolids
from kinecue.body.volume.solver import solve_body

MAN = solve_body(BodyShape("man", "male", 1.78, 78.0, 0.5))
SOLIDS_OF_MAN = BodySolids.of(MAN)
MAIN = [
    i
    for i, landmark in enumerate(BLAZEPOSE_33.landmarks)
    if any(k in landmark.value for k in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
]
FRONT, LEFT, BACK = (np.array(p) for p in ((3.0, 0.0, 1.1), (0.0, 3.0, 1.1), (-3.0, 0.0, 1.1)))


def row(landmark: L) -> int:
    return BLAZEPOSE_33.index(landmark)


@pytest.fixture
def standing() -> np.ndarray:
    marks = rest_landmarks(MAN)
    return np.stack([marks[landmark] for landmark in BLAZEPOSE_33.landmarks])


def ball(radius: float, length: float = 1e-6) -> tuple[BodySolids, PlacedSolids]:
    """One solid about the origin: a ball drawn out along y."""
    half = length / 2.0 + radius
    falling = (radius / half) ** 2
    solids = BodySolids(
        np.array([[radius**2, 0.0, -falling]]),
        np.array([[-half, half]]),
        np.zeros(1),
        np.zeros((1, 2)),
        np.zeros((33, 1)),
    )
    place = PlacedSolids(
        np.zeros((1, 3)), np.array([[0.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]]), np.ones(1)
    )
    return solids, place


def test_way_through_a_ball_is_its_chord():
    solids, place = ball(0.5)
    eye = np.array([-3.0, 0.0, 0.0])
    points = np.array([(3.0, 0.0, 0.0), (0.0, 0.0, 0.0), (-2.0, 0.0, 0.0), (3.0, 0.0, 4.0)])
    way = way_through(solids, place, eye, points)[:, 0]
    assert way == pytest.approx([1.0, 0.5, 0.0, 0.0], abs=1e-5)
    # a chord that passes the centre at 0.3 m is 0.8 m long
    beside = way_through(solids, place, eye + [0.0, 0.0, 0.3], np.array([[3.0, 0.0, 0.3]]))
    assert beside[0, 0] == pytest.approx(0.8, abs=1e-5)


def test_way_through_a_cylinder_ends_at_its_ends():
    solids = BodySolids(
        np.array([[0.04, 0.0, 0.0]]), np.array([[0.0, 1.0]]), np.zeros(1), np.zeros((1, 2)), np.zeros((33, 1))
    )
    place = PlacedSolids(
        np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]]), np.array([[1.0, 0.0, 0.0]]), np.full(1, 2.0)
    )
    along = way_through(solids, place, np.array([0.0, 0.0, -5.0]), np.array([[0.0, 0.0, 5.0]]))
    across = way_through(solids, place, np.array([-5.0, 0.0, 1.0]), np.array([[5.0, 0.0, 1.0]]))
    past = way_through(solids, place, np.array([-5.0, 0.0, 2.1]), np.array([[5.0, 0.0, 2.1]]))
    assert (along[0, 0], across[0, 0], past[0, 0]) == pytest.approx((2.0, 0.4, 0.0))


def test_a_flat_solid_is_wider_one_way():
    solids = BodySolids(
        np.array([[0.01, 0.0, 0.0]]),
        np.array([[-1.0, 1.0]]),
        np.array([-0.75]),
        np.zeros((1, 2)),
        np.zeros((33, 1)),
    )
    place = PlacedSolids(
        np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 0.0]]), np.ones(1)
    )
    through_depth = way_through(solids, place, np.array([-5.0, 0.0, 0.0]), np.array([[5.0, 0.0, 0.0]]))
    through_width = way_through(solids, place, np.array([0.0, -5.0, 0.0]), np.array([[0.0, 5.0, 0.0]]))
    assert through_depth[0, 0] == pytest.approx(0.2)
    assert through_width[0, 0] == pytest.approx(0.4)


def test_from_the_front_the_face_is_seen_and_from_behind_it_is_not(standing):
    front, back = (self_occlusion(SOLIDS_OF_MAN, standing, eye) for eye in (FRONT, BACK))
    for landmark in (L.NOSE, L.LEFT_EYE, L.MOUTH_RIGHT):
        assert front.probability[row(landmark)] < 0.2
        assert back.probability[row(landmark)] > 0.8
    assert front.probability[MAIN].max() < 0.5


def test_from_the_left_the_right_leg_and_arm_are_hidden(standing):
    # legs closed as of one who stands
    for name, y in (("hip", 0.09), ("knee", 0.09), ("ankle", 0.09)):
        for side, sign in (("left", 1.0), ("right", -1.0)):
            standing[row(L(f"{side}_{name}")), 1] = sign * y
    occlusion = self_occlusion(SOLIDS_OF_MAN, standing, LEFT)
    for near, far in ((L.LEFT_HIP, L.RIGHT_HIP), (L.LEFT_KNEE, L.RIGHT_KNEE), (L.LEFT_EAR, L.RIGHT_EAR)):
        assert occlusion.probability[row(near)] < 0.3 < 0.8 < occlusion.probability[row(far)]


def test_is_the_same_in_a_mirror(standing):
    mirror = np.array([1.0, -1.0, 1.0])
    eye = np.array([2.0, 1.3, 1.4])
    here = self_occlusion(SOLIDS_OF_MAN, standing, eye, 0.02)
    there = self_occlusion(SOLIDS_OF_MAN, (standing * mirror)[list(BLAZEPOSE_33.mirror)], eye * mirror, 0.02)
    assert there.excess[list(BLAZEPOSE_33.mirror)] == pytest.approx(here.excess, abs=2e-3)


@settings(max_examples=25, deadline=None)
@given(
    angle=st.floats(-3.1, 3.1),
    shift=st.tuples(st.floats(-5.0, 5.0), st.floats(-5.0, 5.0), st.floats(-1.0, 1.0)),
    eye=st.tuples(st.floats(1.5, 4.0), st.floats(-2.0, 2.0), st.floats(0.3, 2.5)),
)
def test_does_not_depend_on_where_the_scene_is(angle, shift, eye):
    marks = rest_landmarks(MAN)
    points = np.stack([marks[landmark] for landmark in BLAZEPOSE_33.landmarks])
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    here = self_occlusion(SOLIDS_OF_MAN, points, np.array(eye))
    there = self_occlusion(SOLIDS_OF_MAN, points @ turn.T + shift, turn @ np.array(eye) + shift)
    assert there.excess == pytest.approx(here.excess, abs=1e-6)


def test_uncertain_positions_make_uncertain_occlusion(standing):
    sure, unsure = (self_occlusion(SOLIDS_OF_MAN, standing, BACK, std) for std in (0.0, 0.5))
    assert np.abs(unsure.probability[MAIN] - 0.5).max() < np.abs(sure.probability[MAIN] - 0.5).max()
    assert sure.excess == pytest.approx(unsure.excess)


def test_what_is_not_known_is_made_up_where_it_should_be(standing):
    only = np.full_like(standing, np.nan)
    only[MAIN] = standing[MAIN]
    whole = completed(only)
    assert whole[MAIN] == pytest.approx(standing[MAIN])
    assert np.linalg.norm(whole - standing, axis=1).max() < 0.12
    occlusion = self_occlusion(SOLIDS_OF_MAN, only, BACK)
    hidden = [i for i in range(33) if i not in MAIN]
    assert np.isnan(occlusion.excess[hidden]).all()
    assert (occlusion.probability[hidden] == 0.0).all()
    assert np.isfinite(occlusion.excess[MAIN]).all()


@pytest.mark.parametrize("points", [np.full((33, 3), np.nan), np.zeros((33, 3)), np.full((33, 3), 1e6)])
def test_nonsense_neither_raises_nor_warns(points):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        occlusion = self_occlusion(SOLIDS_OF_MAN, points, FRONT)
    assert np.isfinite(occlusion.probability).all()


def test_a_bystander_in_between_hides_somebody(standing):
    behind = standing - [1.0, 0.0, 0.0]
    hidden = occlusion_by_other(SOLIDS_OF_MAN, standing, FRONT, behind)
    free = occlusion_by_other(SOLIDS_OF_MAN, standing, FRONT, behind + [0.0, 2.0, 0.0])
    assert hidden.probability[row(L.NOSE)] > 0.9
    assert hidden.probability[row(L.LEFT_HIP)] > 0.9
    assert free.probability.max() < 0.5


def test_solids_have_about_the_volume_of_the_body():
    # barrel by barrel: pi times the integral of radius squared, wider by the flatness
    place = SOLIDS_OF_MAN.placed(
        np.stack([rest_landmarks(MAN)[landmark] for landmark in BLAZEPOSE_33.landmarks])
    )
    total = 0.0
    for i in range(len(SOLIDS)):
        z = np.linspace(*SOLIDS_OF_MAN.reach[i], 200)
        squared = np.maximum(SOLIDS_OF_MAN.radius2[i] @ (z[None] ** np.arange(3)[:, None]), 0.0)
        across = np.pi / np.sqrt(1.0 + SOLIDS_OF_MAN.flatness[i])
        total += across * squared.mean() * np.ptp(z) * place.length[i]
    # 78 kg at about 1010 kg/m3; trunk pieces overlap a little
    assert 0.065 < total < 0.100


def test_a_larger_person_has_larger_solids():
    small, large = (BodySolids.from_lengths(SegmentLengths.from_stature(h)) for h in (1.5, 2.0))
    thigh = SOLIDS.index("left_thigh")
    assert np.sqrt(large.radius2[thigh, 0] / small.radius2[thigh, 0]) == pytest.approx(2.0 / 1.5)
    dressed = small.dressed(0.02)
    assert dressed.radius2[thigh, 0] > small.radius2[thigh, 0]
