"""Inverse dynamics of people who move: laws that hold for everybody, and an independent sum over the segments."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from load_figure import (
    BENT,
    LENGTHS,
    MASS,
    PERSON,
    SQUAT,
    Film,
    Pose,
    course,
    joints,
    squatting,
    still,
)
from numpy.typing import NDArray

from kinecue.loads.external import CablePull, HandForce, HeldMass
from kinecue.loads.inverse import STEP_S, InverseDynamics, PointForce, beyond, relative_rotations
from kinecue.loads.posture import LANDMARKS, quaternions, segment_frames
from kinecue.loads.results import GRAVITY, Dynamics, ForceKind, Joint, LoadSide
from kinecue.loads.segments import SEGMENTS, segment_model
from kinecue.loads.uncertainty import JOINTS

FloatArray = NDArray[np.float64]
MIRROR = np.array([1.0, -1.0, 1.0])
ASYMMETRIC = Pose(
    shank=22.0,
    thigh=55.0,
    lean=35.0,
    upper_arms=((0.6, 0.0, -0.8), (0.0, 0.8, -0.6)),
    forearms=((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    stance=0.34,
    shift=0.03,
)


def moving(t: float) -> dict[str, FloatArray]:
    """Everything moves, left and right differently."""
    a, b = math.sin(3.0 * t), math.sin(2.2 * t + 1.0)
    return joints(
        replace(
            ASYMMETRIC,
            shank=20.0 + 6.0 * a,
            thigh=50.0 + 15.0 * a,
            lean=32.0 + 9.0 * b,
            upper_arms=((math.sin(a), 0.0, -math.cos(a)), (0.0, math.sin(1.0 + b), -math.cos(1.0 + b))),
            shift=0.02 * b,
        )
    )


def mirrored(side: LoadSide) -> LoadSide:
    return {LoadSide.LEFT: LoadSide.RIGHT, LoadSide.RIGHT: LoadSide.LEFT}.get(side, side)


def compare(found: Dynamics, other: Dynamics, turn: FloatArray, swap: bool = False) -> None:
    """`found` is `other` turned, or reflected: moments are axial vectors."""
    sign = float(np.linalg.det(turn))
    assert found.acceleration == pytest.approx(turn @ other.acceleration, abs=1e-6)
    for side in (LoadSide.BOTH, LoadSide.LEFT, LoadSide.RIGHT):
        a, b = found.ground(side), other.ground(mirrored(side) if swap else side)
        assert a.force == pytest.approx(turn @ b.force, abs=1e-4)
        assert a.std == pytest.approx(b.std, rel=1e-6, abs=1e-6)
    for item in found.joints:
        same = other.joint(item.joint, mirrored(item.side) if swap else item.side)
        assert item.moment == pytest.approx(sign * turn @ same.moment, abs=1e-4)
        assert item.force == pytest.approx(turn @ same.force, abs=1e-4)
        assert item.extension == pytest.approx(same.extension, abs=1e-4)
        assert item.std == pytest.approx(same.std, rel=1e-5, abs=1e-6)


LOADS = [HeldMass(12.0, side=LoadSide.LEFT), HandForce(LoadSide.RIGHT, np.array([20.0, 5.0, -30.0]))]


@settings(max_examples=8, deadline=None)
@given(st.floats(-math.pi, math.pi), st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_where_somebody_stands_and_faces_does_not_matter(heading: float, x: float, y: float) -> None:
    c, s = math.cos(heading), math.sin(heading)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    here = course(moving, film=Film(std=0.01), external=LOADS)
    loads = [LOADS[0], HandForce(LoadSide.RIGHT, turn @ [20.0, 5.0, -30.0])]
    there = course(moving, film=Film(heading, (x, y), std=0.01), external=loads)
    compare(there[-1], here[-1], turn)


def test_the_mirror_image_has_the_mirrored_loads() -> None:
    here = course(moving, external=LOADS)[-1]
    loads = [
        HeldMass(12.0, side=LoadSide.RIGHT),
        HandForce(LoadSide.LEFT, np.array([20.0, 5.0, -30.0]) * MIRROR),
    ]
    compare(course(moving, film=Film(mirrored=True), external=loads)[-1], here, np.diag(MIRROR), swap=True)


@settings(max_examples=8, deadline=None)
@given(st.floats(0.0, 30.0), st.floats(0.0, 90.0), st.floats(-10.0, 60.0), st.floats(0.1, 0.6))
def test_symmetric_poses_have_symmetric_loads(shank: float, thigh: float, lean: float, stance: float) -> None:
    found = still(Pose(shank, thigh, lean, stance=stance), external=[HeldMass(20.0)])
    for item in found.joints:
        other = found.joint(item.joint, mirrored(item.side))
        assert item.validity == other.validity
        if item.usable:
            assert item.extension == pytest.approx(other.extension, abs=1e-6)
            assert item.force == pytest.approx(other.force * MIRROR, abs=1e-6)
            assert item.moment == pytest.approx(-other.moment * MIRROR, abs=1e-6)


@pytest.mark.parametrize("pose", [Pose(), SQUAT, BENT, ASYMMETRIC])
def test_nothing_is_left_over(pose: Pose) -> None:
    found = still(pose, external=LOADS)
    assert np.abs(found.residual_force).max() < 1e-8
    assert np.abs(found.residual_moment).max() < 1e-8
    both = found.ground()
    parts = [found.ground(side) for side in (LoadSide.LEFT, LoadSide.RIGHT)]
    assert parts[0].force + parts[1].force == pytest.approx(both.force, abs=1e-9)
    sum_ = sum(np.cross(part.position, part.force) + part.free_moment for part in parts)
    assert sum_ == pytest.approx(np.cross(both.position, both.force) + both.free_moment, abs=1e-8)


def test_while_moving_nothing_is_left_over_either() -> None:
    for found in course(moving, external=LOADS, seconds=1.5):
        assert np.abs(found.residual_force).max() < 1e-8
        assert np.abs(found.residual_moment).max() < 1e-8


def test_somebody_who_falls_freely_weighs_nothing() -> None:
    def falling(t: float) -> dict[str, FloatArray]:
        drop = np.array([0.0, 0.0, 2.0 - 0.5 * GRAVITY * t * t])
        return {name: point + drop for name, point in joints(Pose()).items()}

    found = course(falling)[-1]
    assert found.acceleration == pytest.approx([0.0, 0.0, -GRAVITY], abs=1e-6)
    assert found.ground().force == pytest.approx([0.0, 0.0, 0.0], abs=1e-4)
    assert not found.ground(LoadSide.LEFT).usable and not found.joint(Joint.KNEE, LoadSide.LEFT).usable
    spine = found.joint(Joint.L5S1)
    assert spine.moment == pytest.approx([0.0, 0.0, 0.0], abs=1e-4)
    assert spine.force == pytest.approx([0.0, 0.0, 0.0], abs=1e-4)


def test_a_weight_is_heavier_while_it_is_sped_up() -> None:
    def lifted(t: float) -> dict[str, FloatArray]:
        up = np.array([0.0, 0.0, 0.5 * 2.0 * t * t])
        return {name: point + up for name, point in joints(Pose()).items()}

    found = course(lifted, external=[HeldMass(10.0)])[-1]
    weights = [item for item in found.external if item.kind is ForceKind.WEIGHT]
    assert sum(item.force for item in weights) == pytest.approx([0.0, 0.0, -10.0 * (GRAVITY + 2.0)], abs=1e-4)
    assert found.ground().force[2] == pytest.approx((MASS + 10.0) * (GRAVITY + 2.0), rel=1e-6)


def test_a_cable_pulls_towards_its_pulley() -> None:
    pulley = np.array([0.0, 0.0, 3.0])
    points = joints(Pose(upper_arms=((0.0, 0.0, 1.0),) * 2, forearms=((0.0, 0.0, 1.0),) * 2))
    found = course(lambda _: points, external=[CablePull(400.0, pulley)])[-1]
    pulls = [item for item in found.external if item.kind is ForceKind.CABLE]
    assert sum(item.force for item in pulls) == pytest.approx([0.0, 0.0, 400.0], abs=1e-6)
    assert found.ground().force[2] == pytest.approx(MASS * GRAVITY - 400.0, abs=1e-3)


def direct(points: FloatArray, forces: list[PointForce]) -> tuple[FloatArray, FloatArray]:
    """Forces and moments of the joints by Newton and Euler of each segment apart, from three moments in time.

    Places and turns of the segments are those of the chain; what they do is differenced here: momentum, and angular
    momentum in the axes of the room.
    """
    inverse = InverseDynamics(segment_model(PERSON, LENGTHS))
    real = np.ones(len(LANDMARKS), bool)
    frames = segment_frames(points, real, inverse.segments)
    chain = inverse.chain(frames, points, real)
    places = inverse.centres_of_mass(chain)
    accelerations = (places[2] - 2 * places[1] + places[0]) / STEP_S**2
    count = len(SEGMENTS)
    moments, pushes = np.zeros((count, 3)), np.zeros((count, 3))
    for i, name in enumerate(SEGMENTS):
        segment = inverse.segments.segments[name]
        momenta = []
        for a, b in ((0, 1), (1, 2)):
            relative = chain.frames[b, i] @ chain.frames[a, i].T
            angle = math.acos(min(max((np.trace(relative) - 1) / 2, -1.0), 1.0))
            skew = (relative - relative.T) / 2
            axis = np.array([skew[2, 1], skew[0, 2], skew[1, 0]])
            spin = axis * (angle / math.sin(angle) if angle > 1e-9 else 1.0) / STEP_S
            # half way in the turn
            half = chain.frames[a, i] @ _turn(chain.frames[a, i].T @ spin * STEP_S / 2)
            momenta.append(half @ segment.inertia @ half.T @ spin)
        pushes[i] = segment.mass * (accelerations[i] + [0.0, 0.0, GRAVITY])
        moments[i] = (momenta[1] - momenta[0]) / STEP_S
    joints_force, joints_moment = np.zeros((count, 3)), np.zeros((count, 3))
    for j in range(count):
        origin = chain.origins[1, j]
        for i in beyond(j):
            joints_force[j] += pushes[i]
            joints_moment[j] += moments[i] + np.cross(places[1, i] - origin, pushes[i])
        for item in forces:
            if item.segment in beyond(j):
                joints_force[j] -= item.force
                joints_moment[j] -= np.cross(item.position - origin, item.force) + item.moment
    return joints_force, joints_moment


def _turn(vector: FloatArray) -> FloatArray:
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    result: FloatArray = np.eye(3) + math.sin(angle) * skew + (1 - math.cos(angle)) * skew @ skew
    return result


@pytest.mark.parametrize("moment", [0.3, 0.7, 1.1, 1.9])
def test_pinocchio_agrees_with_newton_and_euler(moment: float) -> None:
    rng = np.random.default_rng(4)
    points = np.stack(
        [[moving(moment + dt)[mark.value] for mark in LANDMARKS] for dt in (-STEP_S, 0.0, STEP_S)]
    )
    forces = [
        PointForce(8, points[1, 15] + [0.0, 0.0, -0.08], rng.normal(0, 50, 3), rng.normal(0, 2, 3)),
        PointForce(13, points[1, 6], np.array([30.0, -20.0, 450.0]), np.array([0.0, 0.0, 4.0])),
    ]
    inverse = InverseDynamics(segment_model(PERSON, LENGTHS))
    real = np.ones(len(LANDMARKS), bool)
    frames = segment_frames(points, real, inverse.segments)
    chain = inverse.chain(frames, points, real)
    state = inverse.state(chain, quaternions(relative_rotations(frames)))
    found = inverse.solve(chain, state, forces)
    force, turning = direct(points, forces)
    # differences over 0.02 s of the two ways agree to a thousandth
    assert found.forces == pytest.approx(force, abs=0.4)
    assert found.moments == pytest.approx(turning, abs=0.3)
    assert np.abs(turning).max() > 50.0


def test_the_claimed_spread_is_that_of_many_noisy_copies() -> None:
    """Positions that err by 1 cm each, all else exact: moments of the stream spread as their covariance says."""
    person = replace(PERSON, mass_std=0.0)
    rng = np.random.default_rng(8)
    base = joints(ASYMMETRIC)
    names = list(base)
    claims = still(ASYMMETRIC, Film(std=0.01), external=LOADS, person=person)
    exact = still(ASYMMETRIC, Film(std=0.0), external=LOADS, person=person)
    spread: dict[int, list[float]] = {i: [] for i in range(len(JOINTS))}
    for _ in range(80):
        moved = {name: base[name] + rng.normal(0.0, 0.01, 3) for name in names}
        found = course(lambda _, moved=moved: moved, external=LOADS, person=person, seconds=0.75, rate=15.0)[
            -1
        ]
        for i, item in enumerate(found.joints):
            spread[i].append(item.extension)
    for i, (joint, side) in enumerate(JOINTS):
        one = claims.joint(joint, side)
        other = exact.joint(joint, side)
        share = math.sqrt(one.std**2 - other.std**2)
        ratio = float(np.std(spread[i])) / share
        assert ratio < 1.45, (joint, side, ratio)
        if joint not in (Joint.SHOULDER, Joint.ELBOW):
            # an arm's own length holds its ends together, which such landmarks without joint covariance do not know
            assert ratio > 0.4, (joint, side, ratio)
        assert float(np.std(spread[i])) < 1.25 * one.std


def test_forces_of_a_squat_follow_its_acceleration() -> None:
    found = course(squatting, seconds=2.6, rate=60.0)
    vertical = np.array([item.ground().force[2] for item in found])
    times = np.array([(item.stamp_ns - 1_000_000_000) * 1e-9 for item in found])
    centre = np.array([item.centre[2] for item in found])
    # Newton once more, from the course of the centre of mass
    check = MASS * (GRAVITY + np.gradient(np.gradient(centre, times), times))
    assert vertical[5:-5] == pytest.approx(check[5:-5], rel=0.03)
    assert np.ptp(vertical) > 0.3 * MASS * GRAVITY
