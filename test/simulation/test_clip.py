from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.cli import sample
from kinecue.simulation import clip as clip_module
from kinecue.simulation.clip import ClipError, ClipTruth, is_current, truth_path, write_clip
from kinecue.simulation.gym import Gym
from kinecue.simulation.programmes import PROGRAMMES


def test_clip_and_truth_agree_in_everything(small_programme, tmp_path):
    seen = []
    video = write_clip(small_programme, tmp_path, lambda done, total: seen.append((done, total)))
    truth = ClipTruth.load(truth_path(video))
    frames = Gym(small_programme).frame_count
    assert seen[-1] == (frames, frames)
    capture = cv2.VideoCapture(str(video))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == frames == len(truth.times_s)
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10.0)
    ok, picture = capture.read()
    capture.release()
    assert ok
    assert picture.shape == (120, 160, 3)
    assert truth.camera == small_programme.camera
    assert truth.view == pytest.approx(small_programme.view)
    assert truth.pixels == pytest.approx(truth.camera.project(truth.positions), abs=0.02)
    thigh = truth.positions[:, BLAZEPOSE_33.index(Landmark.LEFT_HIP)]
    thigh = np.linalg.norm(thigh - truth.positions[:, BLAZEPOSE_33.index(Landmark.LEFT_KNEE)], axis=1)
    assert thigh == pytest.approx(np.full(frames, truth.segment_lengths["thigh"]), abs=1e-4)
    assert len(truth.repetitions) == 1
    assert truth.repetitions[0].valid
    assert set(truth.phases) == {"setup", "eccentric", "bottom", "concentric", "top"}
    assert truth.angles["knee_flexion_left"].max() > 1.5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.mp4", "small.truth.json"]


def test_a_clip_is_current_until_something_it_is_made_of_changes(small_programme, tmp_path):
    assert not is_current(small_programme, tmp_path)
    video = write_clip(small_programme, tmp_path)
    assert is_current(small_programme, tmp_path)
    assert not is_current(dataclasses.replace(small_programme, stature=1.7), tmp_path)
    video.write_bytes(video.read_bytes()[:-100])
    assert not is_current(small_programme, tmp_path)


def test_an_interruption_leaves_nothing(small_programme, tmp_path):
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_clip(small_programme, tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_away(small_programme, tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".small.{gone.pid}.mp4").write_text("half")
    (tmp_path / f".small.{os.getppid()}.mp4").write_text("another process is at it")
    write_clip(small_programme, tmp_path)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"small.mp4", "small.truth.json", f".small.{os.getppid()}.mp4"}


def test_a_folder_that_cannot_be_made_is_named(small_programme, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ClipError, match="file"):
        write_clip(small_programme, blocked / "samples")


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"format": "other"}', '{"format": "kinecue_truth", "version": 1}']
)
def test_what_is_not_a_truth_file_is_refused(tmp_path, text):
    path = tmp_path / "x.truth.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ClipError, match=r"x\.truth\.json"):
        ClipTruth.load(path)


def test_unknown_exercise_is_refused(small_programme):
    with pytest.raises(KineCueError, match="biceps_curl"):
        Gym(dataclasses.replace(small_programme, exercise="juggling"))


def test_samples_are_rendered_once(small_programme, tmp_path, monkeypatch):
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path))
    monkeypatch.setattr(sample, "PROGRAMMES", {"small": small_programme})
    reports: list[sample.SampleProgress] = []
    (video,) = sample.make_samples(["small"], reports.append)
    assert video == tmp_path / "samples" / "small.mp4"
    assert reports[-1].frames_done == reports[-1].frames_total
    monkeypatch.setattr(clip_module, "Gym", None)
    reports.clear()
    assert sample.make_samples(["small"], reports.append) == [video]
    assert [r.skipped for r in reports] == [True]


def test_unknown_samples_are_refused_with_those_that_exist():
    with pytest.raises(ClipError, match="clean_curl"):
        sample.make_samples(["sample_polka"])


def test_programmes_are_what_they_promise():
    squat = PROGRAMMES["sample_squat"]
    assert {(f.name, f.repetitions) for f in squat.plan.faults} == {("knees_in", (3, 4)), ("shallow", (7,))}
    assert PROGRAMMES["clean_squat"].plan.faults == PROGRAMMES["clean_curl"].plan.faults == ()
    for programme in PROGRAMMES.values():
        gym = Gym(programme)
        assert programme.plan.repetitions == 8
        assert programme.plan.still_s >= 2.0
        margin = 8.0
        for t in np.linspace(0.0, gym.duration_s, 25):
            pixels = gym.truth(float(t)).pixels
            assert pixels.min() > margin
            assert (pixels < np.array([640, 480]) - margin).all()


def test_truth_is_plain_json(small_programme, tmp_path):
    path = truth_path(write_clip(small_programme, tmp_path))
    text = path.read_text()
    assert "NaN" not in text
    assert json.loads(text)["landmarks"] == [landmark.value for landmark in BLAZEPOSE_33.landmarks]
