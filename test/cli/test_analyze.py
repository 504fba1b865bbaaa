"""`kinecue analyze`: recordings in, JSON, CSV and a page out; without ROS."""

from __future__ import annotations

import csv
import html.parser
import json
import math
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from exercise.joint_athlete import Recorder, session, squat, stand
from recordings.bag_files import BODY_ARRAY, TYPE_BODIES, array_message, encoded, write_mcap
from recordings.recorded_athlete import (
    pixels_of,
    rows_of,
    squats,
    write_posetrack,
    write_trc,
    write_wide,
)

from kinecue.cli.main import main
from kinecue.exercise import Scorer, find_exercise

TIMES, POINTS = squats()


def run(*arguments: str | Path) -> int:
    return main(["analyze", *map(str, arguments)])


@pytest.fixture(scope="module")
def trc(tmp_path_factory):
    return write_trc(tmp_path_factory.mktemp("trc") / "squats.trc", TIMES, POINTS)


@pytest.fixture(scope="module")
def analysed(trc):
    """The same recording as every kind of result."""
    folder = trc.parent
    files = {kind: folder / f"a.{kind}" for kind in ("json", "csv", "html")}
    frames = folder / "frames.csv"
    options = [text for kind, path in files.items() for text in (f"--{kind}", str(path))]
    assert run(trc, "--exercise", "squat", "--frames-csv", frames, *options) == 0
    return {**files, "frames": frames}


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


class TestJson:
    def test_has_the_fields_that_are_documented(self, analysed):
        document = json.loads(analysed["json"].read_text(), parse_constant=no_constant)
        assert document["exercise"] == "squat"
        assert document["counted"] == 2
        assert 0.0 < document["d"] < 3.0
        assert isinstance(document["faults"], list)
        assert isinstance(document["abstentions"], list)
        assert len(document["repetitions"]) == 2
        for number, rep in enumerate(document["repetitions"], 1):
            assert rep["number"] == number
            assert rep["valid"] is True
            assert rep["start_s"] < rep["bottom_s"] < rep["end_s"]
            assert rep["d"] > 0.0 and rep["d_eccentric"] > 0.0 and rep["d_concentric"] > 0.0
            assert isinstance(rep["faults"], list)

    def test_documentation_names_every_field(self, analysed):
        text = (Path(__file__).resolve().parents[2] / "docs" / "analyze.md").read_text()
        document = json.loads(analysed["json"].read_text())

        def names(value):
            if isinstance(value, dict):
                for key, inner in value.items():
                    yield key
                    yield from names(inner)
            elif isinstance(value, list):
                for inner in value:
                    yield from names(inner)

        statuses = {"partial", "failed", "abandoned", "setup"}
        missing = {name for name in names(document) if f"`{name}`" not in text and name not in statuses}
        assert not missing

    def test_times_count_from_the_first_frame(self, trc, tmp_path, analysed):
        shifted = write_trc(tmp_path / "later.trc", TIMES + 100.0, POINTS)
        assert run(shifted, "--exercise", "squat", "--json", tmp_path / "b.json") == 0
        first, second = (
            json.loads(p.read_text())["repetitions"] for p in (analysed["json"], tmp_path / "b.json")
        )
        assert [rep["bottom_s"] for rep in first] == pytest.approx(
            [rep["bottom_s"] for rep in second], abs=1e-3
        )

    def test_the_same_file_gives_the_same_document(self, trc, tmp_path, analysed):
        assert (
            run(trc, "--exercise", "squat", "--json", tmp_path / "b.json", "--html", tmp_path / "b.html") == 0
        )
        assert (tmp_path / "b.json").read_bytes() == analysed["json"].read_bytes()
        assert (tmp_path / "b.html").read_bytes() == analysed["html"].read_bytes()


class TestTables:
    def test_a_row_per_repetition(self, analysed):
        with analysed["csv"].open() as file:
            rows = list(csv.DictReader(file))
        assert [row["number"] for row in rows] == ["1", "2"]
        assert all(row["status"] == "valid" and float(row["d"]) > 0.0 for row in rows)

    def test_a_row_per_frame(self, analysed):
        with analysed["frames"].open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(TIMES)
        assert {"eccentric", "concentric", "top"} <= {row["phase"] for row in rows}
        drive = np.array([float(row["drive"] or "nan") for row in rows])
        assert math.degrees(np.nanmax(drive)) > 90.0


class _Page(html.parser.HTMLParser):
    """Tags that are opened and not closed, and where the page would fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "line", "rect", "circle", "path", "br"):
            self.open.append(tag)
        self.scripts += tag == "script"
        self.fetched += [v for k, v in attributes if k in ("src", "href") and v]

    def handle_endtag(self, tag):
        if tag in ("line", "rect", "circle", "path"):
            return
        assert self.open.pop() == tag


class TestPage:
    def test_is_whole_and_needs_nothing_else(self, analysed):
        text = analysed["html"].read_text()
        page = _Page()
        page.feed(text)
        assert not page.open
        assert not page.fetched
        assert not page.scripts
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "url(" not in text and "@import" not in text
        assert "prefers-color-scheme:dark" in text

    def test_drawings_are_well_formed_and_within_their_frames(self, analysed):
        text = analysed["html"].read_text()
        drawings = [f"<svg{part.split('</svg>')[0]}</svg>" for part in text.split("<svg")[1:]]
        assert len(drawings) >= 4
        for drawing in drawings:
            root = ElementTree.fromstring(drawing)
            assert "nan" not in drawing.lower().replace("nance", "")
            _, _, width, height = map(float, root.attrib["viewBox"].split())
            for element in root.iter():
                for key in ("x", "x1", "x2", "cx"):
                    assert -1.0 <= float(element.attrib.get(key, 0.0)) <= width + 1.0
                for key in ("y", "y1", "y2", "cy"):
                    assert -1.0 <= float(element.attrib.get(key, 0.0)) <= height + 1.0

    def test_marks_what_was_counted_and_says_degrees(self, analysed):
        text = analysed["html"].read_text()
        assert text.count('class="rep valid"') == 2
        assert "knee flexion, degrees" in text
        assert "repetition 2" in text

    def test_names_are_escaped(self, tmp_path):
        path = write_trc(tmp_path / "a<b>&c.trc", TIMES, POINTS)
        assert run(path, "--exercise", "squat", "--html", tmp_path / "a.html") == 0
        assert "a<b>" not in (tmp_path / "a.html").read_text()


class TestOtherRecordings:
    def test_landmarks_in_pictures_are_fitted(self, tmp_path):
        path = write_posetrack(tmp_path / "a.json", TIMES, pixels_of(rows_of(POINTS)), (960, 720))
        assert run(path, "--exercise", "squat", "--json", tmp_path / "out.json") == 0
        document = json.loads((tmp_path / "out.json").read_text())
        assert document["kind"] == "landmarks"
        assert document["counted"] == 2

    def test_bodies_of_a_bag_give_what_the_scorer_gives(self, tmp_path):
        bodies = list(session([stand(1.0), squat(), stand(0.6), squat(ratio=0.55), stand(1.0)], 24.0,
                              Recorder(white=0.003, bias=0.005, std=0.01), start_ns=3_000_000_000))  # fmt: skip
        rows = [
            (
                "/bodies",
                TYPE_BODIES,
                BODY_ARRAY,
                b.stamp_ns,
                encoded(TYPE_BODIES, BODY_ARRAY, array_message(b, b.stamp_ns)),
            )
            for b in bodies
        ]
        path = write_mcap(tmp_path / "a.mcap", rows)
        assert run(path, "--exercise", "squat", "--json", tmp_path / "out.json") == 0
        document = json.loads((tmp_path / "out.json").read_text())
        scorer = Scorer(find_exercise("squat"))
        repetitions = [rep for body in bodies for rep in scorer.update(body, body.stamp_ns).repetitions]
        assert [rep["d"] for rep in document["repetitions"]] == pytest.approx(
            [rep.d for rep in repetitions], abs=1e-6
        )
        assert [rep["faults"] for rep in document["repetitions"]] == [list(rep.faults) for rep in repetitions]
        assert document["start_stamp_ns"] == bodies[0].stamp_ns

    def test_the_exercise_is_recognised(self, tmp_path):
        times, points = squats(count=3)
        path = write_trc(tmp_path / "some_movement.trc", times, points)
        assert run(path, "--exercise", "auto", "--json", tmp_path / "out.json") == 0
        document = json.loads((tmp_path / "out.json").read_text())
        assert document["exercise"] in ("squat", "goblet_squat", "front_squat")
        assert document["recognition"]["exercise"] == document["exercise"]
        assert 0.5 < document["recognition"]["probability"] <= 1.0

    def test_standing_is_no_exercise(self, tmp_path, capsys):
        path = write_trc(tmp_path / "a.trc", TIMES[:20], POINTS[:20])
        assert run(path, "--exercise", "squat", "--json", tmp_path / "out.json") == 0
        assert json.loads((tmp_path / "out.json").read_text())["repetitions"] == []
        assert run(path, "--exercise", "auto", "--json", tmp_path / "out.json") == 1
        assert "not recognised" in capsys.readouterr().out
        document = json.loads((tmp_path / "out.json").read_text())
        assert document["exercise"] is None
        assert document["recognition"] == {"exercise": None, "probability": 0.0, "candidates": []}


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("missing.csv", "--exercise", "squat"), ("missing.csv", "no such file")),
            (("ok.csv", "--exercise", "moonwalk"), ("moonwalk", "squat")),
            (("ok.csv", "--exercise", "squat", "--units", "miles"), ("--units", "miles", "mm")),
            (("ok.csv", "--exercise", "squat", "--up", "w"), ("--up", "-y")),
            (("ok.csv", "--exercise", "squat", "--image-size", "big"), ("--image-size", "1280x720")),
            (("ok.csv", "--exercise", "squat", "--json", "no/such/a.json"), ("no/such",)),
            (("ok.csv", "--exercise", "squat", "--person", "nobody_here"), ("nobody_here",)),
            (("bad.mcap", "--exercise", "squat"), ("bad.mcap", "damaged")),
            (("bad.mp4", "--exercise", "squat"), ("bad.mp4",)),
        ],
    )
    def test_one_line_says_what_and_what_is_allowed(self, arguments, words, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("KINECUE_DATA", str(tmp_path / "data"))
        write_wide(tmp_path / "ok.csv", TIMES, rows_of(POINTS)[..., [1, 2, 0]])
        for name in ("bad.mcap", "bad.mp4"):
            (tmp_path / name).write_bytes(b"nothing of the kind" * 9)
        assert run(*arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("kinecue: ") and error.count("\n") == 1
        assert all(word in error for word in words)

    def test_nobody_in_the_recording_is_an_error(self, tmp_path, capsys):
        path = write_wide(tmp_path / "a.csv", TIMES, np.full_like(rows_of(POINTS), np.nan))
        assert run(path, "--exercise", "squat", "--units", "m") == 2
        assert "a.csv" in capsys.readouterr().err


def test_works_where_ros_is_not_installed(tmp_path):
    path = write_trc(tmp_path / "squats.trc", TIMES, POINTS)
    program = (
        "import sys\n"
        "for name in ('rclpy', 'sensor_msgs', 'std_msgs', 'geometry_msgs', 'kinecue_msgs', 'rosidl_parser'):\n"
        "    sys.modules[name] = None\n"
        "from kinecue.cli.main import main\n"
        f"sys.exit(main(['analyze', {str(path)!r}, '--exercise', 'squat', '--json', {str(tmp_path / 'a.json')!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "a.json").read_text())["counted"] == 2
