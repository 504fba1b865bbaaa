"""Registered depth: decoding, what is measured at a landmark, and what is not."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from view_scenes import FRONT, Stick, look

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.depth_image import DepthError, DepthHistory, DepthImage, DepthSensor, decode, measure
from kinecue.perception.landmarks2d import SegmentationMask
from kinecue.perception.regions import Region

WALL = 5.0
LIMBS = [
    (L(f"{side}_{a}"), L(f"{side}_{b}"), radius)
    for side in ("left", "right")
    for a, b, radius in (
        ("shoulder", "hip", 0.12),
        ("hip", "knee", 0.08),
        ("knee", "ankle", 0.06),
        ("shoulder", "elbow", 0.05),
        ("elbow", "wrist", 0.045),
        ("wrist", "index", 0.04),
        ("ear", "eye", 0.08),
        ("ankle", "foot_index", 0.05),
    )
]


def render(camera, points, scale=1.0, wall=WALL):
    """Depth of a body of balls strung on its bones before a wall, and of the skin at each landmark."""
    width, height = round(camera.width * scale), round(camera.height * scale)
    image = np.full((height, width), wall, np.float32)
    balls = []
    for a, b, radius in LIMBS:
        p, q = points[BLAZEPOSE_33.index(a)], points[BLAZEPOSE_33.index(b)]
        balls += [(p + (q - p) * t, radius) for t in np.linspace(0, 1, 25)]
    optical = camera.to_optical(np.array([c for c, _ in balls]))
    discs = []
    for (centre, radius), place in zip(balls, optical, strict=True):
        pixel = camera.project(np.array([centre]))[0]
        at = tuple(round(float(v) * scale) for v in pixel)
        size = camera.fx * radius / place[2] * scale
        # a ball is a stack of discs
        for share in np.linspace(1.0, 0.1, 8):
            discs.append(
                (place[2] - radius * math.sqrt(1 - share**2 * 0.999), at, max(round(size * share), 1))
            )
    for near, at, size in sorted(discs, reverse=True):
        cv2.circle(image, at, size, float(near), -1)
    return image


def scene(time=0.0, facing=math.pi, **more):
    points = Stick(facing=facing).at(time)
    return points, look(FRONT, points, 0), DepthImage(0, render(FRONT, points, **more))


def true_depth(points):
    return FRONT.to_optical(points)[:, 2]


class TestDecoding:
    def test_millimetres(self):
        raw = np.array([[0, 1500], [65535, 800]], np.uint16)
        metres = decode(raw.tobytes(), 2, 2, "16UC1")
        assert metres.dtype == np.float32
        assert metres[0, 1] == pytest.approx(1.5)
        assert metres[1, 1] == pytest.approx(0.8)
        # 0 is unknown, and 65.5 m is no measurement
        assert np.isnan(metres[[0, 1], [0, 0]]).all()

    def test_metres_with_nan_and_infinity(self):
        raw = np.array([[1.25, np.nan, np.inf, -np.inf, -1.0, 0.0]], np.float32)
        metres = decode(raw.tobytes(), 6, 1, "32FC1")
        assert metres[0, 0] == np.float32(1.25)
        assert np.isnan(metres[0, 1:]).all()

    @pytest.mark.parametrize(("encoding", "kind"), [("16UC1", ">u2"), ("32FC1", ">f4")])
    def test_byte_order_and_padding(self, encoding, kind):
        values = (
            np.array([[1000, 2000], [3000, 4000]]) if encoding == "16UC1" else np.array([[1.0, 2], [3, 4]])
        )
        rows = [row.astype(kind).tobytes() + b"\xff\xff\xff" for row in values]
        step = len(rows[0])
        metres = decode(b"".join(rows), 2, 2, encoding, step, big_endian=True)
        assert np.allclose(metres, [[1, 2], [3, 4]])

    @pytest.mark.parametrize(
        ("encoding", "size", "words"),
        [
            ("8UC1", 4, ("8UC1", "16UC1", "32FC1")),
            ("16UC1", 7, ("7 bytes", "2x2")),
            ("32FC1", 15, ("15 bytes", "2x2")),
        ],
    )
    def test_what_is_wrong_is_said(self, encoding, size, words):
        with pytest.raises(DepthError) as caught:
            decode(bytes(size), 2, 2, encoding)
        assert all(word in str(caught.value) for word in words)


class TestMeasuring:
    @pytest.mark.parametrize("scale", [1.0, 0.5, 2.0])
    def test_skin_lies_a_limbs_thickness_before_the_joint(self, scale):
        points = Stick().at(0.0)
        landmarks = look(FRONT, points, 0)
        found = measure(DepthImage(0, render(FRONT, points, scale)), landmarks, 640, 480)
        for name, radius in (("knee", 0.08), ("ankle", 0.06), ("elbow", 0.05), ("hip", 0.12)):
            for side in ("left", "right"):
                i = BLAZEPOSE_33.index(L(f"{side}_{name}"))
                expected = true_depth(points)[i] - radius
                assert found.measured_depth[i] == pytest.approx(expected, abs=0.035)
                assert 0.004 < found.measured_depth_std[i] < 0.06

    def test_at_an_edge_it_is_the_limb_and_not_the_wall_nor_the_air_between(self):
        points, landmarks, image = scene()
        moved = landmarks.pixels.copy()
        wrist = BLAZEPOSE_33.index(L.LEFT_WRIST)
        moved[wrist] += [7.0, 0.0]
        found = measure(image, replace(landmarks, pixels=moved), 640, 480).measured_depth[wrist]
        assert math.isnan(found) or abs(found - true_depth(points)[wrist]) < 0.12

    def test_hidden_landmarks_are_not_measured(self):
        _, landmarks, image = scene()
        visibility = landmarks.visibility.copy()
        visibility[BLAZEPOSE_33.index(L.LEFT_HIP)] = 0.3
        visibility[BLAZEPOSE_33.index(L.RIGHT_HIP)] = np.nan
        found = measure(image, replace(landmarks, visibility=visibility), 640, 480)
        assert np.isnan(found.measured_depth[BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)]).all()
        assert np.isnan(found.measured_depth_std[BLAZEPOSE_33.index(L.LEFT_HIP)])

    def test_hip_behind_a_hand_is_not_measured_though_the_network_calls_it_visible(self):
        points = Stick().at(0.0)
        hip, wrist = BLAZEPOSE_33.indices(L.LEFT_HIP, L.LEFT_WRIST)
        fingers = BLAZEPOSE_33.indices(L.LEFT_INDEX, L.LEFT_PINKY, L.LEFT_THUMB)
        points[wrist] = points[hip] + [-0.22, 0.0, 0.03]
        points[fingers] = points[wrist] + [-0.01, -0.02, -0.06]
        landmarks = look(FRONT, points, 0)
        found = measure(DepthImage(0, render(FRONT, points)), landmarks, 640, 480)
        assert np.isnan(found.measured_depth[hip])
        assert found.measured_depth[wrist] == pytest.approx(true_depth(points)[wrist] - 0.045, abs=0.05)

    def test_hip_under_a_thigh_that_points_at_the_camera_is_not_measured(self):
        points = Stick().at(1.0)
        found = measure(DepthImage(0, render(FRONT, points)), look(FRONT, points, 0), 640, 480)
        assert np.isnan(found.measured_depth[BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)]).all()
        assert np.isfinite(found.measured_depth[BLAZEPOSE_33.indices(L.LEFT_KNEE, L.LEFT_ANKLE)]).all()

    def test_surface_far_from_where_the_network_has_the_landmark_is_another_one(self):
        points, landmarks, image = scene()
        elbow = BLAZEPOSE_33.index(L.LEFT_ELBOW)
        u, v = landmarks.pixels[elbow].astype(int)
        image.metres[v - 30 : v + 30, u - 30 : u + 30] = true_depth(points)[elbow] - 0.4
        assert np.isnan(measure(image, landmarks, 640, 480).measured_depth[elbow])

    def test_far_side_of_a_profile_is_not_measured_as_the_near_one(self):
        points = Stick(facing=math.pi / 2).at(0.0)
        landmarks = look(FRONT, points, 0)
        found = measure(DepthImage(0, render(FRONT, points)), landmarks, 640, 480)
        depths = true_depth(points)
        for name in ("knee", "ankle", "elbow"):
            i, j = (BLAZEPOSE_33.index(L(f"{side}_{name}")) for side in ("left", "right"))
            far = i if depths[i] > depths[j] else j
            assert np.isnan(found.measured_depth[far])

    def test_somebody_before_the_person_is_not_the_person(self):
        _, landmarks, image = scene()
        knee = BLAZEPOSE_33.index(L.LEFT_KNEE)
        u, v = landmarks.pixels[knee].astype(int)
        image.metres[v - 30 : v + 30, u - 30 : u + 30] = 1.2
        assert np.isnan(measure(image, landmarks, 640, 480).measured_depth[knee])

    def test_mask_keeps_out_what_touches_the_person(self):
        points, landmarks, image = scene()
        knee = BLAZEPOSE_33.index(L.LEFT_KNEE)
        depth = true_depth(points)[knee]
        u, v = landmarks.pixels[knee].astype(int)
        image.metres[v - 20 : v + 1, u - 20 : u + 20] = depth - 0.2
        probability = np.ones((256, 256), np.float32)
        region = Region(320.0, 240.0, 640.0)
        free = measure(image, landmarks, 640, 480).measured_depth[knee]
        assert free == pytest.approx(depth - 0.2, abs=0.01)
        for row in range(256):
            for column in range(256):
                at = region.to_image(np.array([(column + 0.5) / 256, (row + 0.5) / 256]))
                if abs(at[0] - u) < 22 and v - 22 < at[1] < v + 2:
                    probability[row, column] = 0.0
        masked = replace(landmarks, mask=SegmentationMask(probability, region))
        assert measure(image, masked, 640, 480).measured_depth[knee] == pytest.approx(depth - 0.08, abs=0.04)

    def test_unknown_depth_gives_nan_everywhere(self):
        _, landmarks, image = scene()
        empty = DepthImage(0, np.full_like(image.metres, np.nan))
        found = measure(empty, landmarks, 640, 480)
        assert np.isnan(found.measured_depth).all()
        assert np.isnan(found.measured_depth_std).all()

    @given(st.integers(0, 1000), st.floats(0.0, 0.95))
    @settings(max_examples=15, deadline=None)
    def test_holes_and_noise_never_break_it(self, seed, holes):
        points, landmarks, image = scene()
        draw = np.random.default_rng(seed)
        noisy = image.metres + draw.normal(scale=0.01, size=image.metres.shape).astype(np.float32)
        noisy[draw.random(noisy.shape) < holes] = np.nan
        pixels = landmarks.pixels.copy()
        pixels[draw.integers(0, 33)] = np.nan
        pixels[draw.integers(0, 33)] = [-500.0, 1e6]
        found = measure(DepthImage(0, noisy), replace(landmarks, pixels=pixels), 640, 480)
        known = np.isfinite(found.measured_depth)
        assert (known == np.isfinite(found.measured_depth_std)).all()
        joints = BLAZEPOSE_33.indices(L.LEFT_KNEE, L.RIGHT_KNEE, L.LEFT_ANKLE)
        for i in joints:
            if known[i]:
                error = found.measured_depth[i] - (true_depth(points)[i] - 0.07)
                assert abs(error) < 0.05 + 3 * found.measured_depth_std[i]

    def test_farther_is_less_sure(self):
        sensor = DepthSensor()
        std = sensor.std(np.array([1.0, 2.0, 4.0]))
        assert std[2] - sensor.floor == pytest.approx(4 * (std[1] - sensor.floor))

    def test_another_shape_is_refused_with_both_sizes(self):
        _, landmarks, _ = scene()
        with pytest.raises(DepthError, match=r"848x480.*640x480"):
            measure(DepthImage(0, np.ones((480, 848), np.float32)), landmarks, 640, 480)

    def test_impossible_sensor_is_refused(self):
        with pytest.raises(DepthError, match="quadratic"):
            DepthSensor(quadratic=math.nan)


class TestHistory:
    def test_nearest_within_reach(self):
        history = DepthHistory(size=3, nearest_s=0.02)
        assert history.at(0) is None
        for i in range(5):
            history.put(DepthImage(i * 33_000_000, np.zeros((2, 2), np.float32)))
        assert history.at(4 * 33_000_000 + 15_000_000).stamp_ns == 4 * 33_000_000
        assert history.at(3 * 33_000_000 - 10_000_000).stamp_ns == 3 * 33_000_000
        assert history.at(33_000_000) is None
        assert history.at(10**12) is None

    def test_order_of_arrival_does_not_matter(self):
        history = DepthHistory()
        for stamp in (66_000_000, 0, 33_000_000, 33_000_000):
            history.put(DepthImage(stamp, np.zeros((2, 2), np.float32)))
        assert history.at(30_000_000).stamp_ns == 33_000_000
