"""The command `kinecue`: what it refuses, and how it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from kinecue.cli.main import main


def run(*arguments: str) -> int:
    return main(list(arguments))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("demo", "--video", "no_such_clip.mp4"), ("no_such_clip.mp4",)),
        (("demo", "--video", "a.mp4", "--camera", "0"), ("not both",)),
        (("sample", "moonwalk"), ("moonwalk", "sample_squat", "clean_squat")),
        (("models", "fetch", "wrong_name"), ("wrong_name", "pose_landmark_full")),
    ],
)
def test_errors_are_one_line_that_names_what_is_wrong_and_what_is_allowed(
    arguments: tuple[str, ...],
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("kinecue: ") and error.count("\n") == 1
    assert all(word in error for word in words)


def test_an_unknown_exercise_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("demo", "--camera", "0", "--exercise", "moonwalk") == 2
    error = capsys.readouterr().err
    assert "moonwalk" in error and "squat" in error and "biceps_curl" in error
    assert not (tmp_path / "demo_output").exists()


def test_a_corrupt_video_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    clip = tmp_path / "broken.mp4"
    clip.write_bytes(b"this is no video" * 100)
    assert run("demo", "--video", str(clip), "--output", str(tmp_path / "out")) == 2
    assert str(clip) in capsys.readouterr().err


def test_usage_errors_have_the_usual_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("demo", "--wrong-option") == 2
    assert "--wrong-option" in capsys.readouterr().err
    assert run("version") == 0


def test_an_output_folder_that_cannot_be_made_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from kinecue.cli.sample import samples_dir

    clip = samples_dir() / "sample_squat.mp4"
    if not clip.is_file():
        pytest.skip(f"{clip} is not there: make setup renders it")
    (tmp_path / "file").write_text("not a folder")
    assert run("demo", "--video", str(clip), "--output", str(tmp_path / "file" / "out")) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
