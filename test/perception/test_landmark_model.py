"""Where a network puts its landmarks: symmetric, the same wherever the person looks, vaguer where it sees less."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.kinematic_fit import normalized
from kinecue.perception.landmark_model import (
    FEATURES,
    KINDS,
    LandmarkModel,
    blazepose_landmarks,
    features,
    frames,
)
from kinecue.perception.skeleton import JOINT_INDEX, JOINTS, NJ, NS, NY, SEGMENTS, Skeleton

SKELETON = Skeleton(SegmentLengths(0.19, 0.50, 0.36, 0.43, 0.42, 0.29, 0.25))
EYE = np.array([0.2, -0.4, 1.1])
ACROSS = np.array([[0.0, -1.0, 0.0]] * 2)


def body(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A body about as somebody stands, every direction off by some 20 degrees: state and points."""
    down, left = [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]
    base = {"pelvis": left, "shoulders": left, "trunk": [0.0, 0.0, 1.0]}
    u = np.array([base.get(n, [-1.0, 0.0, -0.3] if n.endswith("foot") else down) for n in SEGMENTS])
    y = np.zeros(NY)
    y[:3] = [3.0, 0.1, 0.95]
    y[3 : 3 + 3 * NS] = (u + np.random.default_rng(seed).normal(0.0, 0.35, u.shape)).ravel()
    y = normalized(y)
    return y, SKELETON.joint_map(ACROSS) @ y


def linearly(y: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Every direction and place of a state multiplied by (3, 3) `matrix`."""
    return (y.reshape(-1, 3) @ matrix.T).ravel()


def mirrored(y: np.ndarray) -> np.ndarray:
    """The body in a mirror y -> -y; what points to the left points to the left of the new one."""
    flip = np.array([1.0, -1.0, 1.0])
    rows = y.reshape(-1, 3) * flip
    order = [name.replace("left", "?").replace("right", "left").replace("?", "right") for name in SEGMENTS]
    u = rows[1 : 1 + NS][[SEGMENTS.index(name) for name in order]]
    u[[SEGMENTS.index("pelvis"), SEGMENTS.index("shoulders")]] *= -1.0
    return np.concatenate([rows[0], u.ravel(), rows[-1], rows[-2]])


def test_the_file_has_every_kind_with_all_its_factors() -> None:
    model = blazepose_landmarks()
    assert model.offsets.shape == (len(KINDS), 3, FEATURES)
    assert np.isfinite(model.offsets).all()
    assert model.std.shape == model.hidden_std.shape == (len(KINDS),)
    assert ((model.std > 0.002) & (model.std < 0.10)).all()
    assert (model.hidden_std >= model.std).all()
    assert 1.5 < model.stature < 2.0
    assert {joint.value.split("_", 1)[1] for joint in JOINTS} == set(KINDS)


def test_offsets_are_some_centimetres_for_somebody_who_stands() -> None:
    y, points = body(0)
    off = np.linalg.norm(blazepose_landmarks().offsets_of(y, points, EYE, 1.0), axis=1)
    assert off.max() < 0.15
    assert off.mean() > 0.005


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_mirrored_body_has_the_mirrored_offsets(seed: int) -> None:
    flip = np.array([1.0, -1.0, 1.0])
    mirror = [JOINT_INDEX[joint.mirrored] for joint in JOINTS]
    y, points = body(seed)
    model = blazepose_landmarks()
    one = model.offsets_of(y, points, EYE, 1.0)
    other = model.offsets_of(mirrored(y), (points * flip)[mirror], EYE * flip, 1.0)
    assert other == pytest.approx((one * flip)[mirror], abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-math.pi, math.pi))
def test_whoever_turns_with_the_camera_has_the_offsets_turned(seed: int, angle: float) -> None:
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    y, points = body(seed)
    model = blazepose_landmarks()
    one = model.offsets_of(y, points, EYE, 1.0)
    other = model.offsets_of(linearly(y, turn), points @ turn.T, turn @ EYE, 1.0)
    assert other == pytest.approx(one @ turn.T, abs=1e-9)


def test_offsets_grow_with_the_person_and_do_not_depend_on_how_far_away_the_camera_is() -> None:
    y, points = body(5)
    model = blazepose_landmarks()
    one = model.offsets_of(y, points, EYE, 1.0)
    assert model.offsets_of(y, points, EYE, 1.2) == pytest.approx(1.2 * one)
    knee = JOINT_INDEX[L.LEFT_KNEE]
    farther = points[knee] + 3.0 * (EYE - points[knee])
    assert model.offsets_of(y, points, farther, 1.0)[knee] == pytest.approx(one[knee])


def test_axes_are_orthonormal_and_outwards_is_to_either_side() -> None:
    y, _ = body(9)
    axes = frames(y)
    assert axes @ axes.transpose(0, 2, 1) == pytest.approx(np.tile(np.eye(3), (NJ, 1, 1)), abs=1e-9)
    pelvis = y[3:6]
    for joint, (_, out, _) in zip(JOINTS, axes, strict=True):
        assert (out @ pelvis > 0) == joint.value.startswith("left")


def test_features_are_one_and_two_directions() -> None:
    y, points = body(11)
    found = features(y, frames(y), points, EYE)
    assert found.shape == (NJ, FEATURES)
    assert (found[:, 0] == 1.0).all()
    assert np.linalg.norm(found[:, 1:4], axis=1) == pytest.approx(np.ones(NJ))
    assert np.linalg.norm(found[:, 4:7], axis=1) == pytest.approx(np.ones(NJ))


def test_a_body_without_directions_or_a_camera_in_a_joint_gives_numbers() -> None:
    y, points = body(2)
    assert np.isfinite(blazepose_landmarks().offsets_of(np.zeros(NY), points, EYE, 1.0)).all()
    assert np.isfinite(blazepose_landmarks().offsets_of(y, points, points[3], 1.0)).all()


def test_exact_landmarks_are_at_the_joints() -> None:
    y, points = body(1)
    assert (LandmarkModel.exact().offsets_of(y, points, EYE, 1.1) == 0.0).all()
    assert LandmarkModel.exact(0.03).std_of(np.ones(NJ), np.full(NJ, np.nan), 1.0) == pytest.approx(
        np.full(NJ, 0.03)
    )


@pytest.mark.parametrize("model", [blazepose_landmarks(), LandmarkModel.exact()], ids=["blazepose", "exact"])
def test_what_is_hardly_seen_is_vaguer(model: LandmarkModel) -> None:
    unknown = np.full(NJ, np.nan)
    stds = np.array([model.std_of(np.full(NJ, v), unknown, 1.0) for v in (1.0, 0.8, 0.5, 0.2, 0.0)])
    assert (np.diff(stds, axis=0) >= 0).all()
    assert (stds[-1] > stds[0]).any()
    assert model.std_of(np.full(NJ, 7.0), unknown, 1.0) == pytest.approx(stds[0])
    assert model.std_of(np.full(NJ, -7.0), unknown, 1.0) == pytest.approx(stds[-1])


def test_two_estimates_that_differ_make_a_landmark_vaguer_and_a_little_difference_is_usual() -> None:
    model, seen = blazepose_landmarks(), np.ones(NJ)
    stds = np.array([model.std_of(seen, np.full(NJ, d), 1.0) for d in (0.0, 0.03, 0.06, 0.12, 0.3)])
    assert stds[1] == pytest.approx(stds[0])
    assert (np.diff(stds[1:], axis=0) > 0).all()
    for unknown in (math.nan, math.inf):
        assert model.std_of(seen, np.full(NJ, unknown), 1.0) == pytest.approx(stds[0])


def test_a_larger_person_has_larger_errors() -> None:
    model, seen, spread = blazepose_landmarks(), np.full(NJ, 0.7), np.full(NJ, np.nan)
    assert model.std_of(seen, spread, 1.2) == pytest.approx(1.2 * model.std_of(seen, spread, 1.0))
