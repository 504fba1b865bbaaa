"""The kinematic fit: what it makes of landmarks whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body import BLAZEPOSE_33, Body, CameraModel, Landmark, LandmarkState, angles
from kinecue.body.anthropometry import ANKLE_HEIGHT, SegmentLengths
from kinecue.perception.body_fitter import BodyFitter
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Region
from kinecue.perception.skeleton import CENTRE_OF_MASS, JOINTS, Skeleton, segment_vectors

CAMERA = CameraModel(640, 480, 560.0, 560.0, 319.5, 239.5, mount_height=1.1, tilt=math.radians(3))
LENGTHS = SegmentLengths(0.19, 0.50, 0.36, 0.43, 0.42, 0.29, 0.25)
L = Landmark
UP = np.array([0.0, 0.0, 1.0])


def squatting(flexion: float, yaw: float, knees_in: float = 0.0, distance: float = 3.1) -> np.ndarray:
    """(33, 3) landmarks of somebody who squats with the feet 0.3 m apart; the joints' lengths are exact.

    `yaw` as Body.view; `knees_in` turns both knees about the hip-ankle line, rad.
    """
    forward = np.array([-math.cos(yaw), math.sin(yaw), 0.0])
    left = np.cross(UP, forward)
    centre = np.array([distance, 0.0, 0.0])
    half = 0.5 * flexion
    lean = 0.36 * flexion
    reach = math.hypot(*_leg(flexion))
    out = {}
    hip_height = ANKLE_HEIGHT + math.sqrt(
        max(reach**2 - (0.15 - LENGTHS.pelvis / 2) ** 2 - (0.24 * math.sin(half)) ** 2, 0.01)
    )
    pelvis = centre + UP * hip_height - forward * (0.24 * math.sin(half))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        ankle = centre + left * sign * 0.15 + UP * ANKLE_HEIGHT
        hip = pelvis + left * sign * LENGTHS.pelvis / 2
        axis = hip - ankle
        # the hip's exact place follows from the leg's length
        hip = ankle + axis
        length = float(np.linalg.norm(axis))
        u = axis / length
        along = (LENGTHS.shank**2 - LENGTHS.thigh**2 + length**2) / (2 * length)
        off = math.sqrt(max(LENGTHS.shank**2 - along**2, 0.0))
        pole = forward - (forward @ u) * u
        pole /= np.linalg.norm(pole)
        turn = -sign * knees_in
        pole = pole * math.cos(turn) + np.cross(u, pole) * math.sin(turn)
        knee = ankle + along * u + off * pole
        out |= {f"{side}_ankle": ankle, f"{side}_hip": hip, f"{side}_knee": knee}
        out[f"{side}_heel"] = ankle - forward * 0.05 - UP * 0.06
        out[f"{side}_foot_index"] = ankle + forward * 0.14 - UP * 0.08
    spine = UP * math.cos(lean) + forward * math.sin(lean)
    neck = pelvis + spine * LENGTHS.trunk
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder = neck + left * sign * LENGTHS.shoulders / 2
        elbow = shoulder - UP * LENGTHS.upper_arm
        wrist = elbow + (forward * 0.3 - UP) / math.hypot(1, 0.3) * LENGTHS.forearm
        out |= {f"{side}_shoulder": shoulder, f"{side}_elbow": elbow, f"{side}_wrist": wrist}
        for finger in ("pinky", "index", "thumb"):
            out[f"{side}_{finger}"] = wrist - UP * 0.08
        eye = neck + spine * 0.22 + forward * 0.08 + left * sign * 0.03
        for name in ("eye_inner", "eye", "eye_outer"):
            out[f"{side}_{name}"] = eye
        out[f"{side}_ear"] = eye - forward * 0.08 + left * sign * 0.04
        out[f"mouth_{side}"] = eye - UP * 0.06
    out["nose"] = neck + spine * 0.2 + forward * 0.1
    return np.array([out[mark.value] for mark in BLAZEPOSE_33.landmarks])


def _leg(flexion: float) -> tuple[float, float]:
    """Hip seen from the ankle for a knee flexion: law of cosines along one axis."""
    return (
        math.sqrt(
            LENGTHS.thigh**2 + LENGTHS.shank**2 + 2 * LENGTHS.thigh * LENGTHS.shank * math.cos(flexion)
        ),
        0.0,
    )


def seen(
    points: np.ndarray,
    stamp_ns: int,
    rng: np.random.Generator | None = None,
    noise: float = 0.0,
    flat: float = 1.0,
) -> Landmarks2D:
    """What a network would say: pixels with noise (px), depth shrunk by `flat`."""
    pixels = CAMERA.project(points)
    if rng is not None:
        pixels = pixels + rng.normal(0.0, noise, pixels.shape)
    hips = points[BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)].mean(0)
    world = (points - hips) @ CAMERA.rotation.T
    world[:, 2] *= flat
    ones = np.ones(33)
    return Landmarks2D(
        stamp_ns,
        BLAZEPOSE_33,
        pixels,
        world[:, 2] * 100,
        ones,
        ones,
        world,
        ones,
        0.95,
        Region(320, 240, 300, 0.0),
    )


def follow(
    depths: list[float],
    yaw: float,
    rng: np.random.Generator | None = None,
    noise: float = 0.0,
    flat: float = 1.0,
    knees_in: float = 0.0,
) -> tuple[list[Body], list[np.ndarray]]:
    fitter, bodies, truth = BodyFitter(CAMERA), [], []
    standing = [math.radians(6)] * 15
    for n, flexion in enumerate([*standing, *depths]):
        deep = min(1.0, flexion / 1.5)
        points = squatting(flexion, yaw, knees_in * deep)
        bodies.append(fitter.update(seen(points, (n + 1) * 33_000_000, rng, noise, flat)))
        truth.append(points)
    return bodies[15:], truth[15:]


def flexion_of(points: np.ndarray, side: str = "left") -> float:
    rows = BLAZEPOSE_33.indices(L(f"{side}_hip"), L(f"{side}_knee"), L(f"{side}_ankle"))
    return float(angles.flexion(*points[rows]))


def lean_of(points: np.ndarray) -> float:
    hips, shoulders = (
        points[BLAZEPOSE_33.indices(L(f"left_{p}"), L(f"right_{p}"))] for p in ("hip", "shoulder")
    )
    return float(angles.trunk_lean(hips.mean(0), shoulders.mean(0), angles.body_axes(hips[0], hips[1])[1]))


DOWN = [math.radians(6 + 100 * (1 - math.cos(math.pi * n / 30)) / 2) for n in range(61)]


@pytest.mark.parametrize("yaw", [0.0, 45.0, -45.0, 90.0, -90.0])
def test_a_squat_is_recovered_although_the_network_flattens_depth_by_half(yaw: float) -> None:
    bodies, truth = follow(DOWN, math.radians(yaw), flat=0.5)
    near = "left" if yaw >= 0 else "right"
    knee = [
        math.degrees(flexion_of(b.positions, near) - flexion_of(t, near))
        for b, t in zip(bodies, truth, strict=True)
    ]
    lean = [math.degrees(lean_of(b.positions) - lean_of(t)) for b, t in zip(bodies, truth, strict=True)]
    # 6 degrees: the noise-free residue of a 6 degree guess for the standing knee and of the weak priors
    assert np.abs(knee).mean() < 6.0
    assert np.abs(lean).mean() < 5.0
    assert abs(knee[30]) < 6.0


def test_knees_caving_in_do_not_change_the_measured_depth() -> None:
    good, truth = follow(DOWN, math.radians(35))
    caving, caved = follow(DOWN, math.radians(35), knees_in=math.radians(20))
    assert flexion_of(caved[30]) == pytest.approx(flexion_of(truth[30]), abs=1e-6)
    assert flexion_of(caving[30].positions) == pytest.approx(
        flexion_of(good[30].positions), abs=math.radians(5)
    )
    rows = BLAZEPOSE_33.indices(L.LEFT_KNEE, L.RIGHT_KNEE, L.LEFT_ANKLE, L.RIGHT_ANKLE)

    def ratio(body: Body) -> float:
        left, _ = angles.body_axes(body.position(L.LEFT_HIP), body.position(L.RIGHT_HIP))
        return float(angles.knee_separation_ratio(*body.positions[rows], left))

    assert ratio(good[30]) - ratio(caving[30]) > 0.3


def test_segment_lengths_are_exactly_constant() -> None:
    bodies, _ = follow(DOWN, 0.6, np.random.default_rng(3), noise=3.0)
    rows = BLAZEPOSE_33.indices(*JOINTS)
    lengths = np.array([np.linalg.norm(segment_vectors(b.positions[rows]), axis=1) for b in bodies])
    assert np.ptp(lengths, axis=0).max() < 1e-9


def test_the_mirrored_picture_gives_the_mirrored_body() -> None:
    mirror = np.array(BLAZEPOSE_33.mirror)
    flip = np.array([1.0, -1.0, 1.0])
    one, other = BodyFitter(CAMERA), BodyFitter(CAMERA)
    for n, flexion in enumerate([math.radians(6)] * 15 + DOWN):
        points = squatting(flexion, 0.5)
        a = one.update(seen(points, (n + 1) * 33_000_000))
        b = other.update(seen((points * flip)[mirror], (n + 1) * 33_000_000))
    assert b.positions == pytest.approx((a.positions * flip)[mirror], abs=2e-3)
    assert b.view == pytest.approx(-a.view, abs=2e-3)


def test_intervals_contain_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(11)
    inside, total = 0, 0
    for yaw in (0.0, 0.7, 1.4):
        for _ in range(6):
            # landmark errors of a real network are bias: constant over the clip
            bias = rng.normal(0.0, 3.0, (33, 2))
            fitter = BodyFitter(CAMERA)
            for n, flexion in enumerate([math.radians(6)] * 15 + DOWN[:31]):
                points = squatting(flexion, yaw)
                marks = seen(points, (n + 1) * 33_000_000)
                body = fitter.update(Landmarks2D(**{**vars(marks), "pixels": marks.pixels + bias}))
                if n < 25 or n % 5:
                    continue
                chain = (L.LEFT_HIP, L.LEFT_KNEE, L.LEFT_ANKLE)
                x = np.concatenate([body.position(p) for p in chain])
                step = 1e-4 * np.eye(9)
                slope = [(_flex(x + d) - _flex(x - d)) / 2e-4 for d in step]
                std = math.sqrt(slope @ body.covariance_of(*chain) @ np.array(slope))
                inside += abs(_flex(x) - flexion_of(points)) < 1.645 * std
                total += 1
    assert inside / total >= 0.85


def _flex(x: np.ndarray) -> float:
    return float(angles.flexion(x[:3], x[3:6], x[6:]))


def test_nothing_is_claimed_in_space_before_the_person_was_measured() -> None:
    fitter = BodyFitter(CAMERA)
    body = fitter.update(seen(squatting(1.6, 0.3), 1_000_000))
    assert np.isnan(body.positions).all()
    assert (body.states == int(LandmarkState.LOST)).all()
    assert not body.calibrated


def test_late_and_repeated_frames_change_nothing() -> None:
    one, other = BodyFitter(CAMERA), BodyFitter(CAMERA)
    for n, flexion in enumerate([math.radians(6)] * 15 + DOWN[:20]):
        marks = seen(squatting(flexion, 0.5), (n + 10) * 33_000_000)
        a = one.update(marks)
        b = other.update(marks)
        other.update(marks)
        other.update(seen(squatting(1.0, 0.5), (n + 3) * 33_000_000))
    assert (a.positions == b.positions).all()


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_hostile_landmarks_never_raise(data: st.DataObject) -> None:
    fitter = BodyFitter(CAMERA)
    strange = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e12, -1e12, 320.0])
    for n in range(25):
        marks = seen(squatting(math.radians(6) if n < 15 else 1.0, 0.3), (n + 1) * 33_000_000)
        if n >= 12 and data.draw(st.booleans()):
            pixels, world = marks.pixels.copy(), marks.world.copy()
            pixels[data.draw(st.integers(0, 32))] = data.draw(strange)
            world[data.draw(st.integers(0, 32))] = data.draw(strange)
            marks = Landmarks2D(**{**vars(marks), "pixels": pixels, "world": world})
        body = fitter.update(marks)
        assert body.stamp_ns == marks.stamp_ns


def test_an_unknown_mount_is_replaced_by_the_population_and_said_so() -> None:
    unknown = CameraModel.estimate(640, 480)
    fitter = BodyFitter(unknown)
    for n in range(20):
        body = fitter.update(seen(squatting(math.radians(6), 0.4), (n + 1) * 33_000_000))
    assert fitter.standing is not None and not fitter.standing.from_floor
    assert fitter.standing.stature == pytest.approx(1.72)
    assert not body.camera_calibrated


def test_centre_of_mass_weights_sum_to_one_and_put_a_standing_person_at_its_middle() -> None:
    assert CENTRE_OF_MASS.sum() == pytest.approx(1.0)
    points = squatting(math.radians(4), 0.0)
    height = float((CENTRE_OF_MASS @ points[BLAZEPOSE_33.indices(*JOINTS)])[2])
    stature = points[:, 2].max() + 0.11
    # Winter: 0.55 to 0.58 of stature for a standing adult
    assert 0.52 < height / stature < 0.60


def test_joint_positions_are_linear_in_the_state() -> None:
    skeleton = Skeleton(LENGTHS)
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=36), rng.normal(size=36)
    assert skeleton.joints(2 * a - b) == pytest.approx(2 * skeleton.joints(a) - skeleton.joints(b))
