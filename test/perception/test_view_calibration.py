"""Cameras placed by a person, clocks compared by their motion, and the file of a rig."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from view_scenes import FRAME_NS, FRONT, Stick, camera_at, look

from kinecue.body.errors import ConfigError
from kinecue.perception.rig import PoseStd, Rig, load_rig, save_rig
from kinecue.perception.view_calibration import ViewCalibrationError, calibrate_views
from kinecue.perception.view_clock import ClockAligner, ClockError, clock_offset

SIDE = camera_at(math.radians(60))
STATURE = 1.75


def walker(i):
    """About the place, turning, now and then squatting."""
    return Stick(x=3.0 + 0.7 * math.sin(i / 8), y=0.7 * math.cos(i / 6), facing=i / 10).at(i / 10)


def in_place(i):
    return Stick().at(i / 10)


def seen_by(cameras, person=walker, frames=36, noise=None, **more):
    draw = None if noise is None else np.random.default_rng(noise)
    return {
        name: [look(c, person(i), i * FRAME_NS, noise=draw, **more) for i in range(frames)]
        for name, c in cameras.items()
    }


def unplaced(camera, mount=True):
    bare = replace(camera, x=0.0, y=0.0, yaw=0.0)
    return bare if mount else replace(bare, mount_height=1.0, tilt=0.0, roll=0.0, mount_estimated=True)


class TestPlaces:
    @pytest.mark.parametrize("view", [-120, 35, 90])
    @pytest.mark.parametrize("mount", [True, False])
    def test_exact_landmarks_give_the_exact_place(self, view, mount):
        cameras = {"front": FRONT, "other": camera_at(math.radians(view), height=1.5)}
        bare = {name: unplaced(c, mount) for name, c in cameras.items()}
        rig = calibrate_views(bare, seen_by(cameras), STATURE)
        found, true = rig.cameras["other"], cameras["other"]
        # scale and vertical come from a stick figure that is not built like the population
        assert (found.x, found.y, found.mount_height) == pytest.approx((true.x, true.y, 1.5), abs=0.12)
        assert math.remainder(found.yaw - true.yaw, 2 * math.pi) == pytest.approx(0.0, abs=0.02)
        assert (found.tilt, found.roll) == pytest.approx((true.tilt, true.roll), abs=0.03)
        assert not found.mount_estimated
        assert (rig.cameras["front"].x, rig.cameras["front"].y, rig.cameras["front"].yaw) == (0.0, 0.0, 0.0)
        # whatever the scale, rays meet
        assert rig.residual_px < 0.5

    def test_three_cameras_with_noise_are_as_sure_as_stated(self):
        cameras = {"a": FRONT, "b": SIDE, "c": camera_at(math.radians(-70), height=1.7)}
        rig = calibrate_views(
            {n: unplaced(c) for n, c in cameras.items()}, seen_by(cameras, noise=3, std=4.0), STATURE
        )
        for name in ("b", "c"):
            found, true, std = rig.cameras[name], cameras[name], rig.std[name]
            assert abs(found.x - true.x) < 3 * std.x + 0.03
            assert abs(found.y - true.y) < 3 * std.y + 0.03
            assert abs(math.remainder(found.yaw - true.yaw, 2 * math.pi)) < 3 * std.yaw
            assert 0.001 < std.yaw < math.radians(3)
        assert 2.0 < rig.residual_px < 8.0

    def test_somebody_else_in_the_other_view_is_noticed(self):
        cameras = {"a": FRONT, "b": SIDE}
        seen = seen_by(cameras)
        seen["b"] = seen_by({"b": SIDE}, lambda i: walker(3 * i + 40))["b"]
        with pytest.raises(ViewCalibrationError, match=r"same person|only known"):
            calibrate_views({n: unplaced(c) for n, c in cameras.items()}, seen)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda bare, seen: (dict(list(bare.items())[:1]), seen), "at least two"),
            (lambda bare, seen: ({**bare, "b": replace(bare["b"], intrinsics_estimated=True)}, seen), "lens"),
            (lambda bare, seen: (bare, {**seen, "b": seen["b"][:12]}), "together in .* needed: 30"),
            (lambda bare, seen: (bare, {"a": seen["a"]}), "together in 0 frames"),
        ],
    )
    def test_what_cannot_work_is_refused_with_the_reason(self, change, words):
        cameras = {"a": FRONT, "b": SIDE}
        bare, seen = change({n: unplaced(c) for n, c in cameras.items()}, seen_by(cameras, frames=32))
        with pytest.raises(ViewCalibrationError, match=words):
            calibrate_views(bare, seen)

    def test_cameras_side_by_side_are_refused(self):
        cameras = {"a": FRONT, "b": replace(FRONT, y=0.15)}
        with pytest.raises(ViewCalibrationError, match=r"along one line|only known"):
            calibrate_views({n: unplaced(c) for n, c in cameras.items()}, seen_by(cameras, noise=1), STATURE)

    def test_standing_in_one_place_is_not_enough_and_the_message_says_what_is(self):
        cameras = {"a": FRONT, "b": SIDE}
        seen = seen_by(cameras, lambda i: Stick(squats=False).at(0), noise=1, std=3.0)
        with pytest.raises(ViewCalibrationError, match="walk about"):
            calibrate_views({n: unplaced(c) for n, c in cameras.items()}, seen)

    def test_nan_landmarks_are_left_out(self):
        cameras = {"a": FRONT, "b": SIDE}
        seen = seen_by(cameras)
        for i, frame in enumerate(seen["b"]):
            frame.pixels[i % 33] = np.nan
            frame.world[(i + 5) % 33] = np.nan
            frame.visibility[(2 * i) % 33] = np.nan
        rig = calibrate_views({n: unplaced(c) for n, c in cameras.items()}, seen, STATURE)
        assert rig.cameras["b"].yaw == pytest.approx(SIDE.yaw, abs=0.02)


def lifting(i, period=2.3):
    # no two repetitions alike
    return Stick(period=period + 0.4 * math.sin(i / 40)).at(i / 30)


class TestClocks:
    def filmed(self, camera, offset_s, shift=0.0, frames=150, person=lifting):
        return [
            look(camera, person(i + shift), round((i + shift) * FRAME_NS + offset_s * 1e9))
            for i in range(frames)
        ]

    @given(st.floats(-0.25, 0.25), st.floats(0.0, 1.0))
    @settings(max_examples=8, deadline=None)
    def test_offset_is_found_to_milliseconds(self, offset, shift):
        found = clock_offset(self.filmed(FRONT, 0.0), self.filmed(SIDE, offset, shift), 0.35)
        assert found.offset_s == pytest.approx(offset, abs=max(0.006, 3 * found.std_s))
        assert found.std_s < 0.01
        assert found.correlation > 0.9

    def test_what_tells_nothing_is_refused(self):
        front = self.filmed(FRONT, 0.0)
        still = self.filmed(SIDE, 0.0, person=lambda i: Stick(squats=False).at(0))
        with pytest.raises(ClockError, match="hardly moved"):
            clock_offset(front, still)
        with pytest.raises(ClockError, match="together for"):
            clock_offset(front[:40], self.filmed(SIDE, 0.0)[:40])
        with pytest.raises(ClockError, match="together for 0"):
            clock_offset(front, [])
        other = self.filmed(SIDE, 0.0, person=lambda i: Stick(period=0.7).at(i / 30))
        with pytest.raises(ClockError, match=r"do not fit|two offsets"):
            clock_offset(front, other)

    def test_aligner_finds_another_epoch_and_then_the_rest(self):
        aligner = ClockAligner(["front", "side"])
        offset = 7200.06
        stamps = {"front": [], "side": []}
        for i in range(700):
            now = 100.0 + i / 30
            for name, camera, ahead in (("front", FRONT, 0.0), ("side", SIDE, offset)):
                stamp = round((1000.0 + i / 30 + ahead) * 1e9)
                person = look(camera, lifting(i), stamp)
                stamps[name].append(aligner.common(name, stamp, now, person))
        difference = (stamps["side"][-1] - stamps["front"][-1]) * 1e-9
        assert difference == pytest.approx(0.0, abs=0.012)
        assert aligner.states["side"].offset_s == pytest.approx(offset, abs=0.012)
        assert aligner.states["front"].offset_s == 0.0

    def test_aligner_that_only_reports_leaves_stamps_alone(self):
        aligner = ClockAligner(["front", "side"], enabled=False)
        for i in range(40):
            assert aligner.common("front", i * FRAME_NS, i / 30, None) == i * FRAME_NS
            assert aligner.common("side", i * FRAME_NS + 10**12, i / 30, None) == i * FRAME_NS + 10**12
        assert "1000.0 s ahead" in aligner.states["side"].problem


class TestFile:
    def rig(self):
        other = replace(SIDE, distortion=(0.1, 0.0, 0.001, 0.0, 0.0))
        std = PoseStd(0.02, 0.03, 0.01, 0.005, 0.004, 0.003)
        return Rig({"front": FRONT, "side": other}, {"side": std}, "2024-05-01T10:00:00+00:00", 3.25)

    def test_what_is_written_is_read(self, tmp_path):
        path = tmp_path / "deep" / "rig.yaml"
        save_rig(self.rig(), path)
        found = load_rig(path)
        assert list(found.cameras) == ["front", "side"]
        for name, camera in self.rig().cameras.items():
            back = found.cameras[name]
            assert (back.width, back.height, back.distortion) == (
                camera.width,
                camera.height,
                camera.distortion,
            )
            assert back.yaw == pytest.approx(camera.yaw, abs=1e-6)
            assert np.allclose(back.centre, camera.centre, atol=1e-5)
        assert found.std["side"].yaw == pytest.approx(0.005, abs=1e-4)
        assert (found.calibrated_at, found.residual_px) == ("2024-05-01T10:00:00+00:00", 3.25)
        assert not list(path.parent.glob("*.part"))

    @pytest.mark.parametrize(
        ("old", "new", "field"),
        [
            ("format: 1", "format: 2", "format"),
            ("fx: 530.0", "fx: -3", "cameras.front.fx"),
            ("tilt_deg: 4.0", "tilt_deg: steep", "cameras.front.tilt_deg"),
            ("height_m: 1.1", "hight_m: 1.1", "cameras.front"),
            ("yaw_deg: 0.0", "yaw_deg: 3.0", "first camera"),
            ("distortion_model: plumb_bob", "distortion_model: barrel", "cameras.front"),
            ("cameras:", "cameras: {}\nothers:", "cameras"),
        ],
    )
    def test_wrong_fields_are_named(self, tmp_path, old, new, field):
        path = tmp_path / "rig.yaml"
        save_rig(self.rig(), path)
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(ConfigError) as caught:
            load_rig(path)
        assert str(path) in str(caught.value)
        assert field in str(caught.value)

    @pytest.mark.parametrize("text", ["", "[1]", "a: [", "\x00"])
    def test_what_is_no_rig_is_refused(self, tmp_path, text):
        path = tmp_path / "rig.yaml"
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"rig\.yaml"):
            load_rig(path)
        with pytest.raises(ConfigError, match="cannot be read"):
            load_rig(tmp_path / "none.yaml")

    def test_first_camera_is_the_origin(self):
        with pytest.raises(ValueError, match="first"):
            Rig({"side": SIDE})
        with pytest.raises(ValueError, match="at least one"):
            Rig({})
