"""`kinecue history`: who has lifted what, and how to be forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from training.remembered_sets import record

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.person import Person, people_dir, save_person
from kinecue.cli.main import main
from kinecue.training.history import Store, history_path


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def sets(data: Path) -> None:
    with Store(history_path()) as store:
        for day in range(3):
            store.add_set(record(day=day, load=60.0 + 10.0 * day, mean=0.7 - 0.1 * day))
        store.add_set(record("okapi", exercise="deadlift"))
        store.add_set(record(""))


def measured(name: str) -> Path:
    lengths = SegmentLengths(*[0.3] * len(SegmentLengths.__dataclass_fields__))
    stds = SegmentLengths(*[0.01] * len(SegmentLengths.__dataclass_fields__))
    return save_person(Person(name, 1.8, lengths, stds, "2026-01-01T00:00:00+00:00"))


@pytest.mark.usefixtures("sets")
def test_list_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "3 people" in lines[0]
    assert [line.split()[:3] for line in lines[2:]] == [
        ["-", "1", "3"],
        ["okapi", "1", "3"],
        ["zebra_77", "3", "9"],
    ]
    assert main(["history", "show", "zebra_77"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 3
    for part in ("squat 60 kg", "3 reps (1 partial)", "0.70 to 0.56 m/s, loss 10 %", "D 0.70", "knees_in 3"):
        assert part in shown[0]
    assert main(["history", "show", "zebra_77", "--newest", "1"]) == 0
    assert "squat 80 kg" in capsys.readouterr().out
    assert main(["history", "show", "zebra_77", "--exercise", "deadlift"]) == 1
    assert main(["history", "show", "-"]) == 0


@pytest.mark.usefixtures("sets")
def test_export(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["history", "export", "zebra_77"]) == 0
    assert capsys.readouterr().out.count("\n") == 1 + 3 * 4
    target = tmp_path / "all.json"
    assert main(["history", "export", "--format", "json", "--output", str(target)]) == 0
    assert len(json.loads(target.read_text())["sets"]) == 5
    assert main(["history", "export", "--format", "xml"]) == 2
    assert "csv, json" in capsys.readouterr().err
    assert main(["history", "export", "--output", str(tmp_path / "no" / "folder.csv")]) == 2


@pytest.mark.usefixtures("sets")
def test_forget_removes_all_of_a_person_and_nothing_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    mine, theirs = measured("zebra_77"), measured("okapi")
    assert main(["history", "forget", "zebra_77", "--yes"]) == 0
    assert "3 sets removed, and what was measured" in capsys.readouterr().out
    assert not mine.exists()
    assert theirs.exists()
    left = b"".join(each.read_bytes() for each in history_path().parent.glob("history.sqlite3*"))
    assert b"zebra_77" not in left
    assert b"okapi" in left
    assert main(["history", "forget", "zebra_77", "--yes"]) == 1
    assert main(["history", "forget", "okapi", "--yes", "--only-history"]) == 0
    assert theirs.exists()
    assert main(["history", "forget", "-", "--yes"]) == 0
    assert main(["history", "list"]) == 0
    assert "0 people" in capsys.readouterr().out


@pytest.mark.usefixtures("sets")
def test_forget_asks_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("typer.confirm", lambda text, abort: (_ for _ in ()).throw(KeyboardInterrupt()))
    assert main(["history", "forget", "zebra_77"]) == 130
    with Store(history_path()) as store:
        assert len(store.sets("zebra_77")) == 3


def test_without_a_history(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["history", "list"]) == 0
    assert "no sets yet" in capsys.readouterr().out
    assert main(["history", "show", "zebra_77"]) == 2
    assert "no history yet" in capsys.readouterr().err
    assert main(["history", "list", "--file", str(tmp_path / "nothing")]) == 2
    for hostile in ("../x", "a b", "A"):
        assert main(["history", "forget", hostile, "--yes"]) == 2
        assert "allowed" in capsys.readouterr().err
    assert not people_dir().exists()
    assert not history_path().exists()
