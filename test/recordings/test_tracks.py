"""Tracks of other systems: names, units, axes and times are found, whatever the format."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings.recorded_athlete import (
    FPS,
    LIMBS,
    NAMES,
    pixels_of,
    rows_of,
    squats,
    write_long,
    write_posetrack,
    write_trc,
    write_wide,
)

from kinecue.body import angles
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.exercise import Scorer, find_exercise
from kinecue.recordings import ImageTrack, ReadOptions, RecordingError, SpaceTrack, open_track
from kinecue.recordings.interpret import interpret
from kinecue.recordings.names import joints_of, usual_order
from kinecue.recordings.times import evenly
from kinecue.recordings.track import RawTrack

TIMES, POINTS = squats()
Y_UP = [1, 2, 0]
"""Base axes (x ahead, y left, z up) as a depth camera with y up and z away has them."""


def knee(positions: np.ndarray) -> np.ndarray:
    rows = [BLAZEPOSE_33.index(Landmark(f"left_{joint}")) for joint in ("hip", "knee", "ankle")]
    return angles.flexion(*(positions[:, row] for row in rows))


def lean(positions: np.ndarray) -> np.ndarray:
    def row(name: str) -> np.ndarray:
        return positions[:, BLAZEPOSE_33.index(Landmark(name))]

    _, forward = angles.body_axes(row("left_hip"), row("right_hip"))
    hips, shoulders = ((row(f"left_{j}") + row(f"right_{j}")) / 2 for j in ("hip", "shoulder"))
    return angles.trunk_lean(hips, shoulders, forward)


def space(path: Path, options: ReadOptions | None = None) -> SpaceTrack:
    track = open_track(path, options)
    assert isinstance(track, SpaceTrack)
    return track


def counted(track: SpaceTrack) -> int:
    scorer = Scorer(find_exercise("squat"))
    for stamp, body in track.bodies():
        scorer.update(body, stamp)
    return scorer.end_set(int(track.stamps_ns[-1])).counted


class TestTables:
    @pytest.mark.parametrize(
        "style", ["{name}_{axis}", "{axis}_{name}", "{name}.{axis}", "PoseLandmark.{name}_{axis}"]
    )
    @pytest.mark.parametrize("unit", [("m", 1.0), ("mm", 1000.0)])
    def test_wide_tables_of_positions_give_the_angles_they_were_made_of(self, tmp_path, style, unit):
        path = write_wide(tmp_path / "a.csv", TIMES, rows_of(POINTS)[..., Y_UP] * unit[1], style=style)
        track = space(path)
        assert knee(track.positions) == pytest.approx(knee(POINTS), abs=2e-3)
        assert lean(track.positions) == pytest.approx(lean(POINTS), abs=math.radians(6))
        assert track.stamps_ns.tolist() == pytest.approx((TIMES * 1e9).tolist(), abs=1e4)
        assert counted(track) == 2

    def test_gzipped_and_semicolons(self, tmp_path):
        plain = write_wide(tmp_path / "a.csv", TIMES, rows_of(POINTS)[..., Y_UP])
        text = plain.read_text().replace(",", ";")
        packed = tmp_path / "b.csv.gz"
        packed.write_bytes(gzip.compress(text.encode()))
        assert np.array_equal(space(plain).positions, space(packed).positions, equal_nan=True)

    def test_long_tables_with_numbers_of_a_kinect_without_elbows(self, tmp_path):
        order = [f"{s}_{j}" for j in ("shoulder", "wrist") for s in ("left", "right")]
        legs = [f"{s}_{j}" for j in ("hip", "knee", "ankle", "foot_index") for s in ("left", "right")]
        middle = POINTS[:, [NAMES.index("left_shoulder"), NAMES.index("right_shoulder")]].mean(
            1, keepdims=True
        )
        every = np.concatenate(
            [np.repeat(middle, 3, 1), rows_of(POINTS, tuple(order)), middle, rows_of(POINTS, tuple(legs))], 1
        )
        path = write_long(tmp_path / "a.csv", every[..., Y_UP], tuple(str(i) for i in range(1, 17)))
        track = space(path, ReadOptions(rate=FPS))
        assert knee(track.positions) == pytest.approx(knee(POINTS), abs=2e-3)
        assert counted(track) == 2

    @pytest.mark.parametrize(
        ("name", "scale"),
        [("time_s", 1.0), ("timestamp_ms", 1e3), ("timestamp", 1e3), ("time", 1.0), ("timestamp", 1e9)],
    )
    def test_times_in_any_unit(self, tmp_path, name, scale):
        path = write_wide(tmp_path / "a.csv", TIMES * scale, rows_of(POINTS)[..., Y_UP], time_name=name)
        assert (space(path).stamps_ns * 1e-9).tolist() == pytest.approx(TIMES.tolist(), abs=1e-4)

    def test_without_times_a_rate_is_assumed_and_said(self, tmp_path):
        path = write_wide(tmp_path / "a.csv", None, rows_of(POINTS)[..., Y_UP])
        track = space(path)
        assert any("30 frames per second are assumed" in note for note in track.notes)
        assert space(path, ReadOptions(rate=50.0)).stamps_ns[1] == 20_000_000

    def test_mediapipe_tables_are_landmarks_in_pictures(self, tmp_path):
        from kinecue.recordings import open_track as read

        pixels = pixels_of(rows_of(POINTS))
        normalized = pixels / [960, 720]
        path = write_wide(tmp_path / "a.csv", TIMES, normalized, visibility=True)
        track = read(path, ReadOptions(image_size=(960, 720)))
        assert isinstance(track, ImageTrack)
        row = BLAZEPOSE_33.index(Landmark.LEFT_KNEE)
        assert track.pixels[:, row] == pytest.approx(pixels[:, LIMBS.index("left_knee")], abs=1e-2)
        assert track.visibility[:, row] == pytest.approx(0.99)
        guessed = read(path)
        assert isinstance(guessed, ImageTrack)
        assert min(guessed.image_size) == 720
        assert any("give --image-size" in note for note in guessed.notes)

    @pytest.mark.parametrize("size", [(1280, 720), (720, 1280)])
    def test_the_format_of_the_picture_is_told_by_limbs_that_turn(self, tmp_path, size):
        _, points = squats(view=math.pi / 2)
        camera = CameraModel.estimate(*size)
        flat = rows_of(points)
        pixels = np.asarray(camera.project(flat.reshape(-1, 3))).reshape(*flat.shape[:2], 2)
        track = open_track(write_wide(tmp_path / "a.csv", TIMES, pixels / size, visibility=True))
        assert isinstance(track, ImageTrack)
        assert track.image_size == size

    def test_nameless_columns_of_the_tutorials(self, tmp_path):
        names = tuple(str(i) for i in range(1, 34))
        filled = np.nan_to_num(
            pixels_of(np.where(np.isfinite(POINTS), POINTS, POINTS[:, 23:24])) / [960, 720]
        )
        path = write_wide(
            tmp_path / "a.csv", TIMES, filled, names=names, style="{axis}{name}", visibility=True
        )
        track = open_track(path, ReadOptions(image_size=(960, 720)))
        assert isinstance(track, ImageTrack)
        assert track.pixels[:, 25] == pytest.approx(filled[:, 25] * [960, 720], abs=1e-2)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", ("column names",)),
            ("a,b\n1,2\n", ("columns", "nose_x")),
            ("left_hip_x,left_hip_y\n1,2\n", ("right_hip", "needed")),
            ("left_hip_x,left_hip_y\n1,two\n", ("row 2", "left_hip_y", "two")),
            ("left_hip_x,left_hip_y\n1,2,3\n", ("row 2", "3 columns", "expected 2")),
            ("1,2,3\n4,5,6\n", ("line 1", "name the columns")),
        ],
    )
    def test_errors_name_the_file_the_place_and_what_is_expected(self, tmp_path, text, words):
        path = tmp_path / "bad.csv"
        path.write_text(text)
        with pytest.raises(RecordingError) as error:
            open_track(path)
        assert str(path) in str(error.value)
        assert all(word in str(error.value) for word in words)


class TestMarkers:
    @pytest.mark.parametrize("units", ["m", "mm"])
    @pytest.mark.parametrize("z_up", [False, True])
    def test_lateral_markers_become_joint_centres_in_any_axes(self, tmp_path, units, z_up):
        track = space(write_trc(tmp_path / "a.trc", TIMES, POINTS, units, z_up))
        assert knee(track.positions) == pytest.approx(knee(POINTS), abs=math.radians(2))
        assert track.all_round
        assert counted(track) == 2

    def test_feet_are_on_the_floor(self, tmp_path):
        lifted = POINTS + [0.0, 0.0, 0.6]
        track = space(write_trc(tmp_path / "a.trc", TIMES, lifted, "m"))
        ankle = track.positions[:, BLAZEPOSE_33.index(Landmark.LEFT_ANKLE), 2]
        assert float(np.median(ankle)) == pytest.approx(0.095, abs=0.05)


class TestDocuments:
    def test_named_keypoints_in_pixels(self, tmp_path):
        pixels = pixels_of(rows_of(POINTS))
        track = open_track(write_posetrack(tmp_path / "a.json", TIMES, pixels, (960, 720)))
        assert isinstance(track, ImageTrack)
        assert track.image_size == (960, 720)
        assert track.pixels[:, BLAZEPOSE_33.index(Landmark.RIGHT_WRIST)] == pytest.approx(
            pixels[:, LIMBS.index("right_wrist")]
        )
        assert (track.stamps_ns * 1e-9).tolist() == pytest.approx(TIMES.tolist(), abs=1e-3)

    def test_world_landmarks_go_with_those_in_the_picture(self, tmp_path):
        pixels = pixels_of(np.nan_to_num(POINTS, nan=3.0))
        world = np.nan_to_num(POINTS - POINTS[:, 23:25].mean(1, keepdims=True))
        frames = [
            {
                "time_s": float(t),
                "pose_landmarks": [
                    {"x": float(u / 960), "y": float(v / 720), "z": 0.0, "visibility": 0.9} for u, v in p
                ],
                "pose_world_landmarks": [{"x": float(a), "y": float(b), "z": float(c)} for a, b, c in w],
            }
            for t, p, w in zip(TIMES, pixels, world, strict=True)
        ]
        path = tmp_path / "a.json"
        path.write_text(json.dumps(frames))
        track = open_track(path, ReadOptions(image_size=(960, 720)))
        assert isinstance(track, ImageTrack)
        assert track.world[:, 25] == pytest.approx(world[:, 25])

    def test_frames_in_which_nobody_was_found_stay_empty(self, tmp_path):
        path = write_posetrack(tmp_path / "a.json", TIMES, pixels_of(rows_of(POINTS)), (960, 720))
        document = json.loads(path.read_text())
        document["frames"][3]["keypoints"] = []
        path.write_text(json.dumps(document))
        track = open_track(path)
        assert isinstance(track, ImageTrack)
        assert np.isnan(track.pixels[3]).all()
        assert np.isfinite(track.pixels[4]).any()

    @pytest.mark.parametrize(
        ("text", "words"),
        [("{", ("line 1", "JSON")), ("{}", ("frames",)), ('{"frames": [{"keypoints": []}]}', ("no points",))],
    )
    def test_errors_name_what_is_missing(self, tmp_path, text, words):
        path = tmp_path / "bad.json"
        path.write_text(text)
        with pytest.raises(RecordingError) as error:
            open_track(path)
        assert all(word in str(error.value) for word in words)


class TestArrays:
    def test_positions_with_names_and_unit_in_the_name(self, tmp_path):
        path = tmp_path / "a.npz"
        np.savez(path, xyz_cm=rows_of(POINTS)[..., Y_UP] * 100, joint_names=np.array(LIMBS), fps=FPS)
        track = space(path)
        assert knee(track.positions) == pytest.approx(knee(POINTS), abs=1e-3)
        assert counted(track) == 2

    def test_a_wrong_shape_is_named(self, tmp_path):
        path = tmp_path / "a.npz"
        np.savez(path, positions=np.zeros((4, 5)))
        with pytest.raises(RecordingError, match=r"positions.*\(4, 5\)"):
            open_track(path)


class TestNames:
    def test_segments_name_the_joint_at_their_beginning(self):
        found = joints_of(
            ["Waist", "LUpperArm", "LForearm", "LHand", "LUpperLeg", "LLowerLeg", "LFoot", "LToes"]
        )
        assert found[Landmark.LEFT_SHOULDER] == 1
        assert found[Landmark.LEFT_HIP] == 4
        assert found[Landmark.LEFT_ANKLE] == 6
        assert found[Landmark.LEFT_FOOT_INDEX] == 7

    def test_a_kinects_foot_is_the_toes(self):
        names = usual_order(25, spatial=True)
        assert names is not None
        found = joints_of(names)
        assert names[found[Landmark.LEFT_FOOT_INDEX]] == "foot_left"
        assert names[found[Landmark.RIGHT_ANKLE]] == "ankle_right"

    def test_left_and_right_are_not_confused(self):
        for order in (
            usual_order(n, spatial) for n in (16, 17, 18, 20, 25, 26, 32, 33) for spatial in (True, False)
        ):
            if order is None:
                continue
            found = joints_of(order)
            assert {Landmark.LEFT_HIP, Landmark.RIGHT_HIP, Landmark.LEFT_SHOULDER, Landmark.LEFT_KNEE} <= set(
                found
            )
            for mark, i in found.items():
                side = mark.value.split("_")[0]
                if side in ("left", "right"):
                    assert side in order[i]


AXES = [
    np.eye(3)[list(order)] * signs
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [1, 0, 2], [2, 1, 0])
    for signs in ([1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1])
]
USUAL = [axes for axes in AXES if (axes @ [0.0, 0.0, 1.0]).tolist() in ([0, 1, 0], [0, -1, 0], [0, 0, 1])]
"""Left and right-handed; y up, y down, z up. No system points its x up."""


class TestSpace:
    @pytest.mark.parametrize("axes", USUAL)
    def test_any_axes_with_y_or_z_up_or_y_down_give_the_same_person(self, axes):
        raw = RawTrack(Path("a"), evenly(len(TIMES), FPS), LIMBS, rows_of(POINTS) @ axes.T, units="m")
        track = interpret(raw, ReadOptions())
        assert isinstance(track, SpaceTrack)
        assert knee(track.positions) == pytest.approx(knee(POINTS), abs=1e-6)
        assert lean(track.positions) == pytest.approx(lean(POINTS), abs=math.radians(0.1))
        height = track.positions[:, BLAZEPOSE_33.index(Landmark.LEFT_SHOULDER), 2]
        true = POINTS[:, BLAZEPOSE_33.index(Landmark.LEFT_SHOULDER), 2]
        assert height == pytest.approx(true, abs=0.06)

    @pytest.mark.parametrize("tilt_deg", [-12.0, 8.0, 15.0])
    def test_a_tilted_depth_camera_is_levelled_by_who_stands_straight(self, tilt_deg):
        t = math.radians(tilt_deg)
        turn = np.array([[math.cos(t), 0, math.sin(t)], [0, 1, 0], [-math.sin(t), 0, math.cos(t)]])
        seen = (rows_of(POINTS) @ turn.T)[..., Y_UP]
        raw = RawTrack(Path("a"), evenly(len(TIMES), FPS), LIMBS, seen, units="m", kind="sensor")
        track = interpret(raw, ReadOptions())
        assert isinstance(track, SpaceTrack)
        assert lean(track.positions) == pytest.approx(lean(POINTS), abs=math.radians(6))

    def test_positions_about_the_hips_get_their_heights_from_the_feet(self):
        centred = POINTS - POINTS[:, 23:25].mean(1, keepdims=True)
        raw = RawTrack(
            Path("a"), evenly(len(TIMES), FPS), LIMBS, rows_of(centred)[..., [1, 2, 0]] * [-1, -1, 1]
        )
        track = interpret(raw, ReadOptions())
        assert isinstance(track, SpaceTrack)
        hip = track.positions[:, BLAZEPOSE_33.index(Landmark.LEFT_HIP), 2]
        assert hip == pytest.approx(POINTS[:, 23, 2], abs=0.05)
        assert not track.all_round
        assert counted(track) == 2

    @settings(max_examples=25, deadline=None)
    @given(st.floats(-math.pi, math.pi), st.floats(-3, 3), st.floats(-3, 3))
    def test_where_somebody_stands_and_faces_does_not_matter(self, heading, x, y):
        c, s = math.cos(heading), math.sin(heading)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        moved = rows_of(POINTS) @ turn.T + [x, y, 0.0]
        raw = RawTrack(Path("a"), evenly(len(TIMES), FPS), LIMBS, moved, units="m", kind="room", up="z")
        track = interpret(raw, ReadOptions())
        assert isinstance(track, SpaceTrack)
        assert lean(track.positions) == pytest.approx(lean(POINTS), abs=1e-6)

    def test_left_and_right_exchanged_give_the_mirrored_person(self):
        mirrored = rows_of(POINTS) * [1, -1, 1]
        names = tuple(
            name.replace("left", "?").replace("right", "left").replace("?", "right") for name in LIMBS
        )
        straight = interpret(
            RawTrack(Path("a"), evenly(len(TIMES), FPS), LIMBS, rows_of(POINTS), units="m"), ReadOptions()
        )
        other = interpret(
            RawTrack(Path("a"), evenly(len(TIMES), FPS), names, mirrored, units="m"), ReadOptions()
        )
        assert isinstance(straight, SpaceTrack)
        assert isinstance(other, SpaceTrack)
        swapped = other.positions[:, BLAZEPOSE_33.mirror] * [1, -1, 1]
        assert swapped == pytest.approx(straight.positions, nan_ok=True)

    @pytest.mark.parametrize("times", [[0, 40, 40, 80], [0, 80, 40, 120]])
    def test_times_that_do_not_rise_are_refused(self, times):
        stamps = np.array(times, np.int64) * 1_000_000
        raw = RawTrack(Path("a.csv"), stamps, LIMBS, rows_of(POINTS)[:4])
        with pytest.raises(RecordingError, match="must rise"):
            interpret(raw, ReadOptions())
