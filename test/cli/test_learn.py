"""``kinecue learn``: files in, an exercise file out, or a reason."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pytest
from rich.console import Console

from kinecue.body.errors import KineCueError
from kinecue.cli.learn import LearnSettings, run_learn
from kinecue.cli.main import main
from kinecue.exercise import load_exercise

FPS = 15.0
_STILL = {
    "head": (0.0, 1.6), "left_hip": (0.1, 0.9), "right_hip": (-0.1, 0.9), "left_knee": (0.1, 0.48),
    "right_knee": (-0.1, 0.48), "left_ankle": (0.1, 0.08), "right_ankle": (-0.1, 0.08),
    "left_shoulder": (0.18, 1.42), "right_shoulder": (-0.18, 1.42), "left_elbow": (0.2, 1.12),
    "right_elbow": (-0.2, 1.12),
}  # fmt: skip


def curls(path: Path, repetitions: int, still: bool = False) -> Path:
    """A table of joints, m, z up, x ahead: both forearms rise from hanging to the shoulder and sink again."""
    names = [*_STILL, "left_wrist", "right_wrist"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", *(f"{name}_{axis}" for name in names for axis in "xyz")])
        for i in range(round((2.5 * repetitions + 2.0) * FPS)):
            t = i / FPS
            phase = (t - 1.0) / 2.5
            moving = 0.0 <= phase < repetitions and not still
            bend = math.radians(10.0) + (
                math.radians(65.0) * (1.0 - math.cos(2.0 * math.pi * (phase % 1.0))) if moving else 0.0
            )
            row = [t]
            for name in names:
                if name in _STILL:
                    y, z = _STILL[name]
                    row += [0.0, y, z]
                else:
                    side = 1.0 if name.startswith("left") else -1.0
                    row += [0.25 * math.sin(bend), 0.2 * side, 1.12 - 0.25 * math.cos(bend)]
            writer.writerow([f"{value:.5f}" for value in row])
    return path


def quiet() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=160), out


def test_learns_and_tells_what_it_took(tmp_path: Path) -> None:
    console, said = quiet()
    out = tmp_path / "my_curl.yaml"
    settings = LearnSettings("my_curl", (curls(tmp_path / "shown.csv", 4),), out=out, title="My curl")
    assert run_learn(settings, console) == 0
    model = load_exercise(out)
    assert model.title == "My curl"
    assert model.movement.feature == "elbow_flexion"
    assert model.load_direction == "concentric_first"
    assert said.getvalue().count("taken") == 4
    assert "one person's repetitions" in said.getvalue()
    with pytest.raises(KineCueError, match="exists; --force overwrites"):
        run_learn(settings, console)


@pytest.mark.parametrize("repetitions", [0, 1, 2])
def test_too_few_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], repetitions: int
) -> None:
    shown = curls(tmp_path / "shown.csv", max(repetitions, 1), still=repetitions == 0)
    out = tmp_path / "my_curl.yaml"
    assert main(["learn", "my_curl", str(shown), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("kinecue: ")
    assert "at least" in error
    assert not out.exists()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (LearnSettings("My Curl", (Path("a.csv"),)), "NAME is 'My Curl', allowed"),
        (LearnSettings("curl", ()), "nothing to learn from"),
        (LearnSettings("curl", (Path("a.csv"),), load_direction="up"), "allowed: eccentric_first"),
        (LearnSettings("curl", (Path("a.csv"),), out=Path("other.yaml")), "called curl.yaml"),
        (LearnSettings("curl", (Path("a.csv"),), out=Path("nowhere/curl.yaml")), "does not exist"),
        (LearnSettings("curl", (Path("missing.csv"),)), "missing.csv"),
    ],
)
def test_what_is_wrong_is_named(
    settings: LearnSettings, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KineCueError, match=problem):
        run_learn(settings, quiet()[0])


def test_an_unknown_feature_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    shown = curls(tmp_path / "shown.csv", 4)
    settings = LearnSettings("my_curl", (shown,), out=tmp_path / "my_curl.yaml", progress="wingspan")
    with pytest.raises(KineCueError, match=r"wingspan cannot drive progress.*elbow_flexion"):
        run_learn(settings, quiet()[0])
