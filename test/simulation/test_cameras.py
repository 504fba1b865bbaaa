from __future__ import annotations

import dataclasses
import itertools
import json
import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.camera import CameraModel
from kinecue.simulation.picture.cameras import (
    CAMERAS,
    CameraError,
    Lens,
    Mount,
    Sensor,
    Stream,
    SyntheticCamera,
    around,
    calibration,
)
from kinecue.simulation.picture.lens import View
from kinecue.simulation.picture.sensor import SensorModel, noise_deviation

POINTS = np.random.default_rng(0).uniform([1.5, -1.2, 0.0], [4.5, 1.2, 2.0], (200, 3))


def test_gym_frame_and_own_base_frame_give_the_same_pixels():
    mount = Mount(0.4, -2.0, 1.4, math.radians(35.0), 0.1, 0.05)
    camera = SyntheticCamera(mount=mount, lens=Lens(distortion=(-0.1, 0.02, 0.001, -0.001, 0.0)))
    expected = camera.model.project(camera.to_base(POINTS))
    seen = np.isfinite(camera.project(POINTS)).all(1)
    assert seen.sum() > 50
    assert camera.project(POINTS)[seen] == pytest.approx(expected[seen], abs=1e-6)
    assert camera.centre == pytest.approx([0.4, -2.0, 1.4])
    assert camera.to_base(camera.centre) == pytest.approx([0.0, 0.0, 1.4])


def test_a_camera_at_the_origin_is_the_gyms_base_frame():
    model = CameraModel.estimate(640, 480, mount_height=1.2, tilt=0.07)
    camera = SyntheticCamera.of_model(model)
    assert camera.project(POINTS) == pytest.approx(model.project(POINTS), abs=1e-6)


@pytest.mark.parametrize("name", sorted(CAMERAS))
def test_pixels_go_to_rays_and_back_for_every_preset(name):
    view = CAMERAS[name].view
    u, v = np.meshgrid(np.linspace(0, view.width - 1, 23), np.linspace(0, view.height - 1, 17))
    pixels = np.stack([u, v], -1)
    rays = view.rays(pixels)
    assert np.linalg.norm(rays, axis=-1) == pytest.approx(np.ones(u.shape))
    assert view.project(view.centre + 3.0 * rays) == pytest.approx(pixels, abs=0.01)


def test_the_image_spans_the_field_of_view_with_and_without_distortion():
    for name in ("webcam", "wide"):
        camera = CAMERAS[name]
        view = View(camera.model, np.eye(3), np.zeros(3))
        edges = np.array([[-0.5, view.model.cy], [view.width - 0.5, view.model.cy]])
        left, right = view.rays(edges)
        assert math.acos(left @ right) == pytest.approx(camera.lens.horizontal_fov, abs=1e-4)


def test_what_lies_beyond_the_lens_is_not_seen():
    camera = CAMERAS["wide"]
    aside = np.array([[0.05, 8.0, 1.0], [-1.0, 0.0, 1.0]])
    # the polynomial would fold the first point back into the picture
    assert np.isnan(camera.project(aside)).all()


@pytest.mark.parametrize(
    ("view", "near", "far"),
    [(math.pi / 2, 1.0, -1.0), (-math.pi / 2, -1.0, 1.0)],
)
def test_around_sees_the_asked_side(view, near, far):
    facing, target = math.radians(40.0), (2.0, 1.0)
    camera = SyntheticCamera(mount=around(view, 3.0, target, facing))
    left = np.array([-math.sin(facing), math.cos(facing), 0.0])
    spot = np.array([*target, 1.0])
    assert np.linalg.norm(camera.centre - (spot + 0.3 * near * left)) < 2.75
    assert np.linalg.norm(camera.centre - (spot + 0.3 * far * left)) > 3.25
    assert camera.project(spot)[0] == pytest.approx(camera.model.cx)


def test_view_zero_sees_the_face_and_pi_the_back():
    for view, ahead in ((0.0, 1.0), (math.pi, -1.0)):
        mount = around(view, 2.5, (1.0, 0.0), facing=0.3)
        towards = np.array([mount.x - 1.0, mount.y])
        assert towards == pytest.approx(2.5 * ahead * np.array([math.cos(0.3), math.sin(0.3)]))


def test_calibration_is_what_opencv_needs():
    rig = (
        dataclasses.replace(CAMERAS["machine"], name="left", mount=around(0.7, 3.0)),
        dataclasses.replace(CAMERAS["machine"], name="right", mount=around(-0.7, 3.0)),
    )
    data = json.loads(json.dumps(calibration(rig)))
    for camera, entry in zip(rig, data["cameras"], strict=True):
        base = POINTS @ np.array(entry["gym_to_base"]["rotation"]).T + entry["gym_to_base"]["translation_m"]
        matrix = np.array(entry["camera_matrix"]["data"]).reshape(3, 3)
        optical = (base - camera.model.centre) @ camera.model.rotation.T
        lens = np.array(entry["distortion_coefficients"]["data"])
        pixels, _ = cv2.projectPoints(optical[:, None], np.zeros(3), np.zeros(3), matrix, lens)
        assert camera.project(POINTS) == pytest.approx(pixels[:, 0], abs=1e-6)
    with pytest.raises(CameraError, match="name of its own"):
        calibration((rig[0], rig[0]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sensor(rate=10.0), "rate must be 30 to 200 frames/s, got 10"),
        (lambda: Sensor(rate=200.0, exposure_s=0.01), "exposure_s must be 0 to 0.005"),
        (lambda: Sensor(jpeg_quality=0), "jpeg_quality must be a whole number of 1 to 100"),
        (lambda: Sensor(gain=math.nan), "gain must be 0.05 to 20"),
        (lambda: Lens(width=8), "width must be a whole number of 16 to 4096"),
        (lambda: Lens(horizontal_fov=3.0), "horizontal_fov must be"),
        (
            lambda: Lens(horizontal_fov=2.0, distortion=(-0.3, 0.0, 0.0, 0.0, 0.0)),
            "distortion must keep radii",
        ),
        (lambda: Mount(height=0.0), "height must be 0.02 to 10 m"),
        (lambda: Stream(drop_probability=1.5), "drop_probability must be 0 to 1"),
        (lambda: Stream(burst_length=0), "burst_length must be a whole number"),
        (lambda: SyntheticCamera(name=""), "name must not be empty"),
        (lambda: SyntheticCamera(seed=-1), "seed must be"),
        (lambda: around(0.0, 0.0), "distance must be 0.1 to 50"),
    ],
)
def test_wrong_values_are_refused_by_name_and_range(make, message):
    with pytest.raises(CameraError, match=message):
        make()


def test_a_clean_schedule_is_exact():
    shots = SyntheticCamera(sensor=Sensor(rate=50.0)).schedule(0.1, start_s=2.0)
    assert [s.index for s in shots] == [0, 1, 2, 3, 4]
    assert [s.stamp_ns for s in shots] == [2_000_000_000 + 20_000_000 * i for i in range(5)]
    assert [s.arrival_s for s in shots] == [s.time_s for s in shots]
    assert not any(s.dropped for s in shots)


def test_offset_and_latency_are_where_they_belong():
    stream = Stream(latency_s=0.04, clock_offset_s=-1.5)
    plain = SyntheticCamera(stream=stream).schedule(1.0)
    late = SyntheticCamera(stream=dataclasses.replace(stream, stamped_on_arrival=True)).schedule(1.0)
    assert plain[3].stamp_ns == pytest.approx((0.1 - 1.5) * 1e9, abs=1)
    assert late[3].stamp_ns - plain[3].stamp_ns == pytest.approx(40e6, abs=1)
    assert plain[3].arrival_s == pytest.approx(0.14)


@given(st.integers(0, 10_000), st.floats(0.0, 0.2), st.floats(0.0, 3.0), st.floats(0.0, 0.5))
def test_stamps_never_go_backwards_and_longer_schedules_only_add(seed, jitter, duration, burst):
    stream = Stream(drop_probability=0.2, burst_probability=burst, burst_length=3, jitter_s=jitter)
    camera = SyntheticCamera(seed=seed, stream=stream)
    shots = camera.schedule(duration)
    assert all(a.stamp_ns <= b.stamp_ns for a, b in itertools.pairwise(shots))
    assert camera.schedule(duration + 0.5)[: len(shots)] == shots


def test_jitter_and_losses_have_their_statistics():
    camera = SyntheticCamera(seed=4, stream=Stream(drop_probability=0.1, jitter_s=0.001))
    shots = camera.schedule(300.0)
    error = np.array([s.stamp_ns * 1e-9 - s.time_s for s in shots])
    assert error.std() == pytest.approx(0.001, rel=0.05)
    assert np.mean([s.dropped for s in shots]) == pytest.approx(0.1, abs=0.012)


def test_bursts_lose_frames_in_a_row():
    camera = SyntheticCamera(seed=1, stream=Stream(burst_probability=0.002, burst_length=12))
    lost = np.array([s.dropped for s in camera.schedule(300.0)])
    starts = np.where(np.diff(lost.astype(int)) == 1)[0] + 1
    ends = np.where(np.diff(lost.astype(int)) == -1)[0] + 1
    assert len(starts) > 5
    assert (ends[: len(starts)] - starts[: len(ends)]).min() == 12


def test_noise_follows_the_photon_transfer_curve():
    sensor = Sensor(shot_noise=6.0, read_noise=2.0, gain=2.0)
    model = SensorModel(sensor, 400, 300, seed=3)
    for level in (10, 40, 100):
        flat = np.full((300, 400, 3), level, dtype=np.uint8)
        picture = model.deliver(flat, 5).astype(float)
        expected = noise_deviation(sensor, np.full(3, 2.0 * level))
        assert picture.mean() == pytest.approx(2 * level, abs=0.2)
        # rounding to whole grey levels adds a twelfth to the variance
        assert picture.std((0, 1)) == pytest.approx(np.sqrt(expected**2 + 1 / 12), rel=0.06)
    # sqrt((2 * 2)^2 + 2 * 6^2 * 80 / 255), by hand
    assert noise_deviation(sensor, np.full(3, 80.0))[0] == pytest.approx(6.2119, abs=1e-3)


def test_every_frame_has_its_own_noise_and_always_the_same():
    flat = np.full((60, 80, 3), 90, dtype=np.uint8)
    a, b = (SensorModel(Sensor(), 80, 60, seed=9) for _ in range(2))
    first = a.deliver(flat, 0)
    assert np.array_equal(b.deliver(flat, 7), a.deliver(flat, 7))
    assert np.array_equal(b.deliver(flat, 0), first)
    assert not np.array_equal(a.deliver(flat, 1), first)
    assert not np.array_equal(SensorModel(Sensor(), 80, 60, seed=10).deliver(flat, 0), first)


def test_white_balance_and_jpeg():
    flat = np.full((64, 64, 3), 100, dtype=np.uint8)
    clean = Sensor(shot_noise=0.0, read_noise=0.0, white_balance=(0.5, 1.0, 1.5))
    assert SensorModel(clean, 64, 64, 0).deliver(flat, 0)[0, 0].tolist() == [50, 100, 150]
    u, v = np.meshgrid(np.arange(64), np.arange(64))
    smooth = np.stack([128 + 90 * np.sin(u / 5.0), 2.0 * u + v, 128 + 90 * np.cos(v / 4.0)], -1).astype(
        np.uint8
    )
    loss = {}
    for quality in (95, 20):
        sensor = Sensor(shot_noise=0.0, read_noise=0.0, jpeg_quality=quality)
        loss[quality] = np.abs(
            SensorModel(sensor, 64, 64, 0).deliver(smooth, 0) - smooth.astype(float)
        ).mean()
    assert 0.0 < loss[95] < 0.6 * loss[20]
