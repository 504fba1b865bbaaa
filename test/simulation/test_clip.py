"""Clips on disk: pictures, truth and calibration agree, are whole, and are made once."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import yaml

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.simulation.clip import (
    ClipError,
    ClipTruth,
    calibration_path,
    is_current,
    truth_path,
    write_clip,
)
from kinecue.simulation.gym import Gym
from kinecue.simulation.picture.cameras import Lens, Mount, Stream, SyntheticCamera, around
from kinecue.simulation.programmes import Programme


def pictures(video) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(video))
    result = []
    while True:
        good, picture = capture.read()
        if not good:
            capture.release()
            return result
        result.append(picture)


def two_cameras(programme: Programme) -> Programme:
    """A second camera at the athlete's left, with a lens that bends."""
    first = programme.cameras[0]
    second = SyntheticCamera(
        "left",
        around(math.pi / 2, 3.0, programme.spot, programme.facing),
        Lens(160, 120, math.radians(90.0), (-0.1, 0.01, 0.0, 0.0, 0.0)),
        dataclasses.replace(first.sensor, rate=40.0),
        seed=9,
    )
    return dataclasses.replace(programme, cameras=(first, second))


def test_clip_and_truth_agree_in_everything(small_programme, tmp_path):
    seen = []
    (video,) = write_clip(small_programme, tmp_path, lambda done, total: seen.append((done, total)))
    truth = ClipTruth.load(truth_path(video))
    gym = Gym(small_programme)
    frames = len(gym.shots(gym.cameras[0]))
    assert seen == [(n, frames) for n in range(1, frames + 1)]
    shown = pictures(video)
    assert len(shown) == frames == len(truth.times_s)
    assert shown[0].shape == (120, 160, 3)
    assert truth.fps == 30.0
    assert truth.camera == small_programme.cameras[0].model
    assert truth.view == pytest.approx(small_programme.view)
    assert truth.pixels == pytest.approx(truth.camera.project(truth.positions), abs=0.02)
    thigh = truth.positions[:, BLAZEPOSE_33.index(Landmark.LEFT_HIP)]
    thigh = np.linalg.norm(thigh - truth.positions[:, BLAZEPOSE_33.index(Landmark.LEFT_KNEE)], axis=1)
    assert thigh == pytest.approx(np.full(frames, truth.segment_lengths["thigh"]), abs=1e-4)
    assert [(r.number, r.kind, r.valid) for r in truth.repetitions] == [(1, "full", True)]
    assert set(truth.phases) == {"setup", "eccentric", "bottom", "concentric", "top"}
    assert truth.angles["knee_flexion_left"].max() > 1.5
    exact = gym.truth(truth.times_s[10])
    assert truth.positions[10] == pytest.approx(exact.positions, abs=1e-5)
    assert truth.centre_of_mass[10] == pytest.approx(exact.centre_of_mass, abs=1e-5)
    assert truth.handles[10] == pytest.approx(exact.handles, abs=1e-5)
    assert truth.cable_m[10] == pytest.approx(
        np.linalg.norm(truth.handles[10] - truth.pulleys, axis=1), abs=2e-5
    )
    assert truth.tension[10] == pytest.approx(exact.tension, abs=1e-3)
    assert [c.point for c in truth.contacts[10]] == [c.point for c in exact.forces.contacts]
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["small.camera.yaml", "small.mp4", "small.truth.json"]


def test_mcap_holds_what_json_holds(small_programme, tmp_path):
    plain = write_clip(small_programme, tmp_path / "json")[0]
    packed = write_clip(small_programme, tmp_path / "mcap", kind="mcap")[0]
    assert plain.read_bytes() == packed.read_bytes()
    a, b = ClipTruth.load(truth_path(plain)), ClipTruth.load(truth_path(packed, "mcap"))
    for field in dataclasses.fields(ClipTruth):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if field.name == "contacts" or isinstance(x, dict):
            assert str(x) == str(y)
        else:
            assert np.array_equal(x, y), field.name
    assert is_current(small_programme, tmp_path / "mcap", "mcap")
    assert not is_current(small_programme, tmp_path / "mcap", "json")


def test_each_camera_has_its_own_clip_in_its_own_frame(small_programme, tmp_path):
    programme = two_cameras(small_programme)
    videos = write_clip(programme, tmp_path)
    assert [v.name for v in videos] == ["small_small.mp4", "small_left.mp4"]
    first, second = (ClipTruth.load(truth_path(v)) for v in videos)
    assert (first.fps, second.fps) == (30.0, 40.0)
    assert second.view == pytest.approx(math.pi / 2)
    assert second.positions[0] == pytest.approx(programme.cameras[1].to_base(first.positions[0]), abs=3e-5)
    assert second.pixels == pytest.approx(second.camera.project(second.positions), abs=0.05)
    force = sum(c.force for c in second.contacts[0])
    assert programme.cameras[1].rotation @ sum(c.force for c in first.contacts[0]) == pytest.approx(
        force, abs=0.1
    )
    file = yaml.safe_load(calibration_path(videos[1]).read_text())
    assert file["image_width"] == 160
    assert file["distortion_coefficients"]["data"] == [-0.1, 0.01, 0.0, 0.0, 0.0]
    turn, shift = np.array(file["gym_to_base"]["rotation"]), np.array(file["gym_to_base"]["translation_m"])
    assert first.positions[0] @ turn.T + shift == pytest.approx(second.positions[0], abs=3e-5)


def test_a_lost_frame_shows_the_one_before(small_programme, tmp_path):
    camera = dataclasses.replace(small_programme.cameras[0], stream=Stream(drop_probability=0.4))
    (video,) = write_clip(dataclasses.replace(small_programme, cameras=(camera,)), tmp_path)
    truth, shown = ClipTruth.load(truth_path(video)), pictures(video)
    assert 3 < truth.dropped.sum() < len(shown)
    for n in np.flatnonzero(truth.dropped):
        if n:
            assert np.abs(shown[n].astype(int) - shown[n - 1]).mean() < 1.0


def test_a_clip_is_current_until_something_it_is_made_of_changes(small_programme, tmp_path):
    assert not is_current(small_programme, tmp_path)
    (video,) = write_clip(small_programme, tmp_path)
    assert is_current(small_programme, tmp_path)
    assert not is_current(small_programme, tmp_path, salt="another machine")
    assert not is_current(dataclasses.replace(small_programme, view=0.1), tmp_path)
    calibration_path(video).rename(tmp_path / "elsewhere")
    assert not is_current(small_programme, tmp_path)
    (tmp_path / "elsewhere").rename(calibration_path(video))
    video.write_bytes(video.read_bytes()[:-100])
    assert not is_current(small_programme, tmp_path)


@pytest.mark.parametrize("kind", ["json", "mcap"])
def test_an_interruption_leaves_nothing(small_programme, tmp_path, kind):
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_clip(small_programme, tmp_path, stop, kind)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_away(small_programme, tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".small.{gone.pid}.mp4").write_text("half")
    (tmp_path / f".small.{os.getppid()}.mp4").write_text("another process is at it")
    write_clip(small_programme, tmp_path)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"small.camera.yaml", "small.mp4", "small.truth.json", f".small.{os.getppid()}.mp4"}


def test_a_folder_that_cannot_be_made_is_named(small_programme, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ClipError, match="file"):
        write_clip(small_programme, blocked / "samples")


def test_a_kind_of_truth_that_there_is_not_is_refused(small_programme, tmp_path):
    with pytest.raises(ClipError, match="json, mcap"):
        write_clip(small_programme, tmp_path, kind="xml")


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"format": "other"}', '{"format": "kinecue_truth", "version": 2}']
)
@pytest.mark.parametrize("kind", ["json", "mcap"])
def test_what_is_not_a_truth_file_is_refused(tmp_path, text, kind):
    path = tmp_path / f"x.truth.{kind}"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ClipError, match=rf"x\.truth\.{kind}"):
        ClipTruth.load(path)


def test_unknown_exercise_is_refused(small_programme):
    with pytest.raises(KineCueError, match="biceps_curl"):
        dataclasses.replace(small_programme, exercise="juggling")


def test_truth_is_plain_json_also_behind_the_camera(small_programme, tmp_path):
    # a camera in the athlete's back that looks away
    behind = SyntheticCamera("away", Mount(4.5, 0.0, 1.0, 0.0), Lens(64, 48))
    programme = dataclasses.replace(small_programme, cameras=(*small_programme.cameras, behind))
    path = truth_path(write_clip(programme, tmp_path)[1])
    text = path.read_text()
    assert "NaN" not in text
    assert json.loads(text)["landmarks"] == [landmark.value for landmark in BLAZEPOSE_33.landmarks]
    truth = ClipTruth.load(path)
    assert np.isnan(truth.pixels).all()
    assert (truth.visibility == 3).all()


def test_the_force_that_sensors_give_is_the_truth(small_programme, tmp_path):
    (video,) = write_clip(small_programme, tmp_path, sensors=lambda gym: lambda cable, t: 100.0 + t)
    truth = ClipTruth.load(truth_path(video))
    assert truth.tension[:, 0] == pytest.approx(100.0 + truth.times_s, abs=1e-3)
