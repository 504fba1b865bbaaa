"""The body over time: what is hidden, swapped, pointed at the camera, seen from two sides or measured before."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from stick_figure import CAMERA, LENGTHS, flexion_of, seen, squatting

from kinecue.body import BLAZEPOSE_33, Body, CameraModel, Landmark, LandmarkState, angles
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.person import Person
from kinecue.perception.body_fitter import BodyFitter, FitterSettings
from kinecue.perception.landmark_model import LandmarkModel
from kinecue.perception.landmarks2d import Landmarks2D, View
from kinecue.perception.skeleton import JOINTS

L = Landmark
FRAME_NS = 33_333_333
STANDING = 15
ROWS = BLAZEPOSE_33.indices(*JOINTS)
LEG = BLAZEPOSE_33.indices(L.LEFT_KNEE, L.LEFT_ANKLE, L.LEFT_HEEL, L.LEFT_FOOT_INDEX)
MIRROR = np.array(BLAZEPOSE_33.mirror)
ASIDE = CameraModel(
    640, 480, 560.0, 560.0, 319.5, 239.5, mount_height=1.2, tilt=0.06, x=3.1, y=-3.0, yaw=math.pi / 2
)


@cache
def _measured(yaw: float) -> BodyFitter:
    fitter = BodyFitter(CAMERA, model=LandmarkModel.exact())
    for n in range(STANDING):
        fitter.update(seen(squatting(math.radians(6), yaw), (n + 1) * FRAME_NS))
    assert fitter.standing is not None
    return fitter


def measured(yaw: float) -> BodyFitter:
    """A fitter that has just measured somebody who stands there."""
    return copy.deepcopy(_measured(yaw))


def down(frames: int, deepest: float = 95.0) -> list[float]:
    """Knee flexion of going down, rad."""
    return [
        math.radians(6 + (deepest - 6) * (1 - math.cos(math.pi * n / frames)) / 2) for n in range(frames + 1)
    ]


def marks(points: np.ndarray, number: int, **fields: Any) -> Landmarks2D:
    """Frame `number` after measuring."""
    return seen(points, (STANDING + 1 + number) * FRAME_NS, **fields)


def hide(landmarks: Landmarks2D, rows: Iterable[int] = LEG, off: float = math.nan) -> Landmarks2D:
    """The network does not see these: it puts them `off` px beside, or nowhere."""
    visibility, pixels = landmarks.visibility.copy(), landmarks.pixels.copy()
    visibility[list(rows)] = 0.05
    pixels[list(rows)] += off
    return replace(landmarks, visibility=visibility, pixels=pixels)


def swapped(landmarks: Landmarks2D) -> Landmarks2D:
    """The network takes left for right."""
    return replace(
        landmarks,
        pixels=landmarks.pixels[MIRROR],
        visibility=landmarks.visibility[MIRROR],
        world=landmarks.world[MIRROR],
    )


def follow(
    fitter: BodyFitter,
    depths: list[float],
    yaw: float,
    change: Callable[[int, Landmarks2D], Landmarks2D] = lambda _, landmarks: landmarks,
    further: Callable[[int, np.ndarray], list[View]] = lambda _n, _points: [],
    **fields: Any,
) -> tuple[list[Body], list[np.ndarray]]:
    truth = [squatting(flexion, yaw) for flexion in depths]
    bodies = [
        fitter.update(change(n, marks(points, n, **fields)), further(n, points))
        for n, points in enumerate(truth)
    ]
    return bodies, truth


def errors(bodies: list[Body], truth: list[np.ndarray], side: str = "left") -> np.ndarray:
    """Of knee flexion, degrees."""
    return np.degrees(
        [flexion_of(b.positions, side) - flexion_of(t, side) for b, t in zip(bodies, truth, strict=True)]
    )


def std_of(body: Body, joint: L) -> float:
    return math.sqrt(float(np.trace(body.covariance(joint))))


# -- hidden


@pytest.mark.parametrize("off", [math.nan, 12.0], ids=["nowhere", "guessed"])
def test_a_leg_that_is_hidden_is_inferred_ever_more_vaguely_and_comes_back_without_a_jump(off: float) -> None:
    fitter = measured(0.6)
    depths = down(20) + [math.radians(95)] * 45
    bodies, truth = follow(fitter, depths, 0.6, lambda n, m: hide(m, off=off) if 25 <= n < 55 else m)
    for n, body in enumerate(bodies):
        expected = LandmarkState.INFERRED if 25 <= n < 55 else LandmarkState.OBSERVED
        # of a heel the own foot may hide more
        assert all(body.state(joint) is expected for joint in (L.LEFT_KNEE, L.LEFT_ANKLE)), n
        assert body.state(L.LEFT_HEEL) is LandmarkState.INFERRED or not 25 <= n < 55
        assert body.state(L.RIGHT_KNEE) is LandmarkState.OBSERVED
    std = np.array([std_of(body, L.LEFT_KNEE) for body in bodies])
    # what the network guesses pulls the leg a little, and the covariance depends on where it is
    assert (np.diff(std[24:55]) > (-1e-4 if math.isnan(off) else -0.004)).all()
    assert std[54] > (2.0 if math.isnan(off) else 1.5) * std[24]
    assert std[-1] < 1.2 * std[24]
    angle = np.degrees([flexion_of(body.positions) for body in bodies])
    assert np.abs(np.diff(angle[24:])).max() < 8.0
    # a leg that does not move is where it was
    assert np.abs(errors(bodies, truth))[25:].max() < 20.0


def test_a_leg_that_moves_while_it_is_hidden_is_found_again_without_a_jump() -> None:
    fitter = measured(0.6)
    depths = down(30) + down(30)[::-1]
    bodies, truth = follow(fitter, depths, 0.6, lambda n, m: hide(m) if 18 <= n < 48 else m)
    angle = np.degrees([flexion_of(body.positions) for body in bodies])
    true = np.degrees([flexion_of(t) for t in truth])
    # the true knee moves as well: what is too much is a jump beside it
    assert np.abs(np.diff(angle) - np.diff(true)).max() < 8.0
    assert abs(errors(bodies, truth)[-1]) < 8.0
    assert all(np.isfinite(body.positions).all() for body in bodies)


def test_somebody_wholly_hidden_stays_for_a_moment_and_is_never_claimed_to_be_seen() -> None:
    fitter = measured(0.6)
    bodies, _ = follow(fitter, [math.radians(6)] * 20, 0.6, lambda n, m: hide(m, range(33)) if n >= 5 else m)
    assert not (bodies[-1].states[ROWS] == int(LandmarkState.OBSERVED)).any()
    assert np.linalg.norm(bodies[-1].positions[ROWS] - bodies[4].positions[ROWS], axis=1).max() < 0.3
    assert std_of(bodies[-1], L.LEFT_HIP) > std_of(bodies[4], L.LEFT_HIP)


# -- left and right


@pytest.mark.parametrize("yaw", [0.0, 0.8])
def test_left_and_right_taken_for_each_other_for_some_frames_are_put_right(yaw: float) -> None:
    depths = down(25)
    good, truth = follow(measured(yaw), depths, yaw)
    bad, _ = follow(measured(yaw), depths, yaw, lambda n, m: swapped(m) if 8 <= n < 16 else m)
    for n in range(8, 26):
        assert np.linalg.norm(bad[n].positions[ROWS] - good[n].positions[ROWS], axis=1).max() < 0.15, n
        left = bad[n].position(L.LEFT_HIP) - bad[n].position(L.RIGHT_HIP)
        rows = BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)
        assert left @ (truth[n][rows[0]] - truth[n][rows[1]]) > 0, n
    assert np.abs(errors(bad, truth) - errors(good, truth)).max() < 8.0


# -- one view


@pytest.mark.parametrize("flat", [1.0, 0.5])
def test_arms_that_point_at_the_camera_do_not_fold(flat: float) -> None:
    fitter = measured(0.0)
    raised = [math.radians(90) * min(n / 20, 1.0) for n in range(35)]
    for n, arms in enumerate(raised):
        points = squatting(math.radians(6), 0.0, arms=arms)
        body = fitter.update(marks(points, n, flat=flat))
    for side in ("left", "right"):
        rows = BLAZEPOSE_33.indices(*(L(f"{side}_{j}") for j in ("shoulder", "elbow", "wrist")))
        bend = math.degrees(float(angles.flexion(*body.positions[rows])))
        assert bend < 45.0
        # the hand is before the shoulder, as seen from the camera by most of the arm's length
        assert body.positions[rows[0], 0] - body.positions[rows[2], 0] > 0.7 * (
            LENGTHS.upper_arm + LENGTHS.forearm
        )


# -- postures


def test_another_exercise_goes_on_with_the_same_body() -> None:
    fitter, depths = measured(0.5), down(12) + [math.radians(95)] * 12
    before = None
    for n, flexion in enumerate(depths):
        if n == 18:
            lengths = fitter.lengths
            fitter.set_posture("goblet_squat")
        body = fitter.update(marks(squatting(flexion, 0.5), n))
        if n >= 17 and before is not None:
            legs = BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP, L.LEFT_KNEE, L.RIGHT_KNEE, L.LEFT_ANKLE)
            assert np.linalg.norm(body.positions[legs] - before.positions[legs], axis=1).max() < 0.05, n
        before = body
    assert fitter.lengths == lengths
    assert body.calibrated


def test_an_unknown_exercise_is_followed_freely() -> None:
    fitter = measured(0.5)
    fitter.set_posture("underwater_hockey")
    bodies, truth = follow(fitter, down(20), 0.5)
    assert np.abs(errors(bodies, truth)).mean() < 12.0


# -- more than one camera


def test_a_second_view_sees_what_the_front_does_not() -> None:
    depths = down(20)
    flat = {"flat": 0.4}
    alone, truth = follow(measured(0.0), depths, 0.0, **flat)

    def aside(n: int, points: np.ndarray) -> list[View]:
        return [View(ASIDE, marks(points, n, camera=ASIDE, flat=0.4))]

    both, _ = follow(measured(0.0), depths, 0.0, further=aside, **flat)
    one, two = np.abs(errors(alone, truth)).mean(), np.abs(errors(both, truth)).mean()
    assert two < 0.7 * one
    assert std_of(both[-1], L.LEFT_KNEE) < std_of(alone[-1], L.LEFT_KNEE)


def test_a_foot_comes_to_rest_in_the_eyes_of_two_cameras_as_in_those_of_one() -> None:
    fitter = BodyFitter(CAMERA, settings=FitterSettings(person=known()), model=LandmarkModel.exact())
    points = squatting(1.5, 0.9)
    for n in range(15):
        fitter.update(marks(points, n), [View(ASIDE, marks(points, n, camera=ASIDE))])
    assert fitter._follower is not None
    held = fitter._follower.contacts.held
    for joint in (L.LEFT_ANKLE, L.RIGHT_ANKLE):
        assert held[joint.value] == pytest.approx(points[BLAZEPOSE_33.index(joint)], abs=0.03)


def test_a_further_view_without_numbers_does_no_harm() -> None:
    depths = down(8)
    alone, _ = follow(measured(0.0), depths, 0.0)

    def blind(n: int, points: np.ndarray) -> list[View]:
        return [View(ASIDE, hide(marks(points, n, camera=ASIDE), range(33)))]

    both, _ = follow(measured(0.0), depths, 0.0, further=blind)
    for a, b in zip(alone, both, strict=True):
        assert np.isfinite(b.positions).all()
        assert np.linalg.norm(a.positions[ROWS] - b.positions[ROWS], axis=1).max() < 0.05


def test_measured_depth_sees_what_the_front_does_not() -> None:
    depths = down(20)
    alone, truth = follow(measured(0.0), depths, 0.0, flat=0.4)

    def measured_too(n: int, landmarks: Landmarks2D) -> Landmarks2D:
        # the surface is about 4 cm before a joint
        surface = CAMERA.to_optical(squatting(depths[n], 0.0))[:, 2] - 0.04
        return replace(landmarks, measured_depth=surface, measured_depth_std=np.full(33, 0.01))

    both, _ = follow(measured(0.0), depths, 0.0, measured_too, flat=0.4)
    one, two = np.abs(errors(alone, truth)).mean(), np.abs(errors(both, truth)).mean()
    assert two < 0.7 * one


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -3.0])
def test_depths_that_are_none_do_no_harm(bad: float) -> None:
    def spoiled(_: int, landmarks: Landmarks2D) -> Landmarks2D:
        return replace(landmarks, measured_depth=np.full(33, bad), measured_depth_std=np.full(33, math.nan))

    depths = down(4)
    good, _ = follow(measured(0.6), depths, 0.6)
    same, _ = follow(measured(0.6), depths, 0.6, spoiled)
    assert same[-1].positions == pytest.approx(good[-1].positions)


# -- time


def test_a_frame_from_before_is_answered_flat_and_changes_nothing() -> None:
    fitter, other = measured(0.6), measured(0.6)
    points = squatting(math.radians(6), 0.6)
    late = fitter.update(seen(squatting(1.5, 0.6), 3 * FRAME_NS))
    assert np.isnan(late.positions).all() and late.stamp_ns == 3 * FRAME_NS
    assert (fitter.update(marks(points, 0)).positions == other.update(marks(points, 0)).positions).all()


def test_a_short_gap_goes_on_and_a_long_one_forgets_the_person() -> None:
    points = squatting(math.radians(6), 0.6)
    fitter = measured(0.6)
    stamp = (STANDING + 1) * FRAME_NS + 1_000_000_000
    assert fitter.update(seen(points, stamp)).calibrated
    body = fitter.update(seen(points, stamp + 4_000_000_000))
    assert not body.calibrated and np.isnan(body.positions).all()
    assert fitter.standing is None


def test_the_same_frames_give_the_same_bodies() -> None:
    depths = down(10)
    one, _ = follow(measured(0.6), depths, 0.6)
    other, _ = follow(measured(0.6), depths, 0.6)
    assert all((a.positions == b.positions).all() for a, b in zip(one, other, strict=True))
    assert all((a.covariances == b.covariances).all() for a, b in zip(one, other, strict=True))


# -- a person who was measured before


def known(**lengths: float) -> Person:
    own = replace(LENGTHS, **lengths)
    std = SegmentLengths.from_array(0.01 * own.as_array())
    return Person("sample", 1.75, own, std, "2026-05-01T18:30:00+02:00")


def test_somebody_known_is_fitted_from_the_first_frame_with_their_own_lengths() -> None:
    person = known()
    fitter = BodyFitter(CAMERA, settings=FitterSettings(person=person), model=LandmarkModel.exact())
    body = fitter.update(seen(squatting(1.4, 0.6), FRAME_NS))
    assert body.calibrated
    assert fitter.lengths == person.lengths
    assert np.isfinite(body.positions[ROWS]).all()
    rows = BLAZEPOSE_33.indices(L.LEFT_HIP, L.LEFT_KNEE)
    assert np.linalg.norm(np.diff(body.positions[rows], axis=0)) == pytest.approx(LENGTHS.thigh)


@pytest.mark.parametrize(
    "yaw",
    [
        0.0,
        0.6,
        1.5,
    ],
)
def test_a_squat_held_before_the_camera_is_not_taken_for_standing(yaw: float) -> None:
    fitter = BodyFitter(CAMERA, settings=FitterSettings(person=known()), model=LandmarkModel.exact())
    points = squatting(1.5, yaw)
    for n in range(20):
        body = fitter.update(marks(points, n))
    assert fitter.standing is None
    assert fitter.lengths == known().lengths
    assert np.linalg.norm((body.positions - points)[LEG], axis=1).max() < 0.15


def test_somebody_known_who_stands_still_is_measured_again_about_what_is_known() -> None:
    person = known(thigh=0.435, shank=0.425)
    fitter = BodyFitter(CAMERA, settings=FitterSettings(person=person), model=LandmarkModel.exact())
    for n in range(STANDING):
        body = fitter.update(seen(squatting(math.radians(6), 0.6), (n + 1) * FRAME_NS))
    assert fitter.standing is not None and body.calibrated
    assert fitter.lengths is not None and fitter.lengths != person.lengths
    # 1 % sure of each length: they move by some such steps at most
    assert fitter.lengths.as_array() == pytest.approx(person.lengths.as_array(), rel=0.05)
    assert fitter.standing.stature == pytest.approx(1.75, abs=0.05)
