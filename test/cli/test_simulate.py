"""``kinecue simulate``: what it makes, what it lists, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from kinecue.cli import rendering
from kinecue.cli.main import main
from kinecue.cli.rendering import Job, JobProgress, render_all
from kinecue.cli.sample import make_samples
from kinecue.cli.simulate import chosen_requests
from kinecue.perception.calibration import load_intrinsics
from kinecue.simulation import truth_file
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.clip import ClipError, ClipTruth
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.programmes import PROGRAMMES
from kinecue.simulation.request import Request

SMALL = ("--reps", "1", "--tempo", "0.3-0-0.3-0", "--size", "64x48", "--distance", "3")


def simulate(*arguments: str) -> int:
    return main(["simulate", *arguments])


def test_makes_clips_with_truth_calibration_and_samples_of_the_machine(tmp_path, capsys):
    fault = "swing=15:reps=1"
    assert simulate("--exercise", "biceps_curl", "--athlete", "short", "--view", "45", "--fault", fault, *SMALL, "--out", str(tmp_path)) == 0  # fmt: skip
    assert "1 of 1" in capsys.readouterr().out
    stem = "biceps_curl_short_view_45"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"{stem}.camera.yaml", f"{stem}.machine.json", f"{stem}.mp4", f"{stem}.truth.json",
    ]  # fmt: skip
    truth = ClipTruth.load(tmp_path / f"{stem}.truth.json")
    assert [(f.name, f.repetition, f.unit) for f in truth.faults] == [("swing", 1, "rad")]
    lens = load_intrinsics(tmp_path / f"{stem}.camera.yaml")
    assert lens.matrix == pytest.approx(truth.camera.matrix.ravel().tolist())
    machine = json.loads((tmp_path / f"{stem}.machine.json").read_text())
    (cable,) = machine["cables"]
    assert len(cable["truth"]) == pytest.approx(100 * truth.times_s[-1], abs=5)
    assert cable["cable"] and cable["encoder"]
    # the force in the truth file is that of the machine
    by_time = {round(row[0], 3): row[1] for row in cable["truth"]}
    n = 30
    assert truth.tension[n, 0] == pytest.approx(by_time[round(float(truth.times_s[n]), 3)], abs=0.5)
    assert truth.tension[:, 0].max() - truth.tension[:, 0].min() > 5.0
    before = (tmp_path / f"{stem}.mp4").stat().st_mtime_ns
    assert simulate("--exercise", "biceps_curl", "--athlete", "short", "--view", "45", "--fault", fault, *SMALL, "--out", str(tmp_path)) == 0  # fmt: skip
    assert "were there already" in capsys.readouterr().out
    assert (tmp_path / f"{stem}.mp4").stat().st_mtime_ns == before


def test_several_views_are_several_cameras_of_one_set(tmp_path):
    assert simulate("--view", "0", "--view", "-90", "--truth", "mcap", *SMALL, "--out", str(tmp_path)) == 0
    names = {p.name for p in tmp_path.iterdir() if p.suffix == ".mp4"}
    assert names == {"squat_average_man_view_0.mp4", "squat_average_man_view_m90.mp4"}
    a, b = (ClipTruth.load(tmp_path / f"{Path(name).stem}.truth.mcap") for name in sorted(names))
    assert a.angles["knee_flexion_left"] == pytest.approx(b.angles["knee_flexion_left"])


def test_lists_what_exists(capsys):
    assert simulate("--list") == 0
    shown = capsys.readouterr().out
    for word in (*EXERCISES, *ATHLETES, "knees_in", "deg", "cm", "webcam", "dim", "bench", "mcap"):
        assert word in shown, word
    assert simulate("--list", "--exercise", "squat") == 0
    shown = capsys.readouterr().out
    assert "too_shallow" in shown and "elbow_drift" not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--exercise", "juggling"), ("juggling", "squat", "biceps_curl")),
        (("--athlete", "giant"), ("giant", "tall")),
        (("--fault", "moonwalk=3"), ("moonwalk", "knees_in")),
        (("--fault", "knees_in=300"), ("knees_in", "30 degrees")),
        (("--camera", "telescope"), ("telescope", "webcam")),
        (("--truth", "xml"), ("xml", "json", "mcap")),
        (("--machine", "horse"), ("horse", "stack")),
        (("--machine-flaws", "none_at_all"), ("none_at_all", "typical")),
        (("--jobs", "0"), ("jobs", "1 to 64")),
        (("--list", "--exercise", "juggling"), ("juggling", "squat")),
        (
            ("--exercise", "squat", "--exercise", "biceps_curl", "--fault", "knees_in=5"),
            ("knees_in", "elbow_drift"),
        ),
    ],
)
def test_wrong_values_are_refused_with_the_allowed_ones(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert simulate(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("kinecue: ") and error.count("\n") == 1
    assert all(word in error for word in words)
    assert list(tmp_path.iterdir()) == []


def test_all_is_every_exercise_and_athlete():
    chosen = chosen_requests(Request("squat", distance=3.0), ["all"], ["all"])
    assert len(chosen) == len(EXERCISES) * len(ATHLETES)
    assert {(r.exercise, r.athlete) for r in chosen.values()} == {(e, a) for e in EXERCISES for a in ATHLETES}


def test_a_batch_goes_on_after_a_clip_that_cannot_be_and_says_so(tmp_path):
    good = Request("squat", repetitions=0, distance=3.0, size="64x48", name="good")
    bad = Request("squat", "heavy", repetitions=0, distance=90.0, name="bad")
    reports: list[JobProgress] = []
    jobs = [Job("bad", bad, tmp_path), Job("good", good, tmp_path)]
    problems = render_all(jobs, 2, reports.append)
    assert set(problems) == {"bad"} and "distance" in problems["bad"]
    last = [r for r in reports if r.name == "good"][-1]
    assert last.frames_done == last.frames_total > 100
    assert (tmp_path / "good_view_0.mp4").is_file()


def test_an_interruption_leaves_nothing_half_written(tmp_path, monkeypatch):
    def stop(self: object, taken: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(truth_file.FrameWriter, "frame", stop)
    assert simulate(*SMALL, "--out", str(tmp_path)) == 130
    assert list(tmp_path.iterdir()) == []


def test_samples_are_rendered_once(tmp_path, monkeypatch):
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path))
    small = Request("squat", repetitions=0, distance=3.0, size="64x48", name="small").programme()
    monkeypatch.setitem(PROGRAMMES, "small_view_0", small)
    reports: list[JobProgress] = []
    (video,) = make_samples(["small_view_0"], reports.append)
    assert video == tmp_path / "samples" / "small_view_0.mp4"
    assert video.is_file()
    assert reports[-1].frames_done == reports[-1].frames_total
    monkeypatch.setattr(rendering, "write_clip", None)
    reports.clear()
    assert make_samples(["small_view_0"], reports.append) == [video]
    assert [r.skipped for r in reports] == [True]


def test_unknown_samples_are_refused_with_those_that_exist():
    with pytest.raises(ClipError, match="clean_curl"):
        make_samples(["sample_polka"])
