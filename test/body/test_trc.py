"""Marker files: what is read, and what is said about a wrong one."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from kinecue.body import ConfigError
from kinecue.body.trc import load_trc

LINES = [
    "PathFileType\t4\t(X/Y/Z)\tsquat.trc",
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
    "100\t100\t3\t2\tmm\t100\t1\t3",
    "Frame#\tTime\tL.ASIS\t\t\tr_knee\t\t\t",
    "\t\tX1\tY1\tZ1\tX2\tY2\tZ2",
    "",
    "1\t0.00\t100\t200\t300\t400\t500\t600",
    "2\t0.01\t\t\t\t401\t501\t601\t",
    "3\t0.02\t102\t202\t302\t402\t\t602",
]


def written(tmp_path: Path, *changes: tuple[int, str]) -> Path:
    lines = list(LINES)
    for row, text in changes:
        lines[row] = text
    path = tmp_path / "squat.trc"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_millimetres_become_metres_and_gaps_stay_gaps(tmp_path: Path) -> None:
    trial = load_trc(written(tmp_path))
    assert trial.names == ("L.ASIS", "r_knee") and trial.rate == 100.0 and "r_knee" in trial
    assert trial.times == pytest.approx([0.0, 0.01, 0.02])
    assert trial.marker("L.ASIS")[0] == pytest.approx([0.1, 0.2, 0.3])
    assert np.isnan(trial.marker("L.ASIS")[1]).all()
    # a marker of which one coordinate is missing is missing
    assert np.isnan(trial.marker("r_knee")[2]).all()
    assert trial.markers(["r_knee", "L.ASIS"]).shape == (3, 2, 3)


def test_y_up_becomes_z_up(tmp_path: Path) -> None:
    assert load_trc(written(tmp_path)).z_up().marker("L.ASIS")[0] == pytest.approx([0.1, -0.3, 0.2])


def test_gzip_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "squat.trc.gz"
    path.write_bytes(gzip.compress(written(tmp_path).read_bytes().replace(b"\n", b"\r\n")))
    assert load_trc(path).positions[0, 1] == pytest.approx([0.4, 0.5, 0.6])


def test_an_unknown_marker_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"L\.ASIS, r_knee"):
        load_trc(written(tmp_path)).marker("knee")


@pytest.mark.parametrize(
    ("row", "text", "said"),
    [
        (0, "Coordinates", ("line 1", "PathFileType")),
        (2, "0\t100\t3\t2\tmm\t100\t1\t3", ("DataRate", "positive")),
        (2, "100\t100\t3\t2\tinch\t100\t1\t3", ("Units", "'inch'", "m, cm, mm")),
        (2, "100\t100\t3\t5\tmm\t100\t1\t3", ("NumMarkers", "5", "2 markers")),
        (3, "Frame#\tTime\tknee\t\t\tknee\t\t\t", ("line 4", "'knee' is there twice")),
        (3, "Frame#\tTime", ("line 4",)),
        (7, "2\t0.01\tx\t1\t2\t3\t4\t5", ("line 8", "'x'", "number")),
        (7, "2\t0.01\t1\t1\t2\t3\t4\t5\t6", ("line 8", "expected 8")),
        (7, "2\t0.00\t1\t1\t2\t3\t4\t5", ("Time", "rise")),
        (7, "2\t\t1\t1\t2\t3\t4\t5", ("Time", "rise")),
    ],
)
def test_wrong_files_say_what_is_wrong_where(
    tmp_path: Path, row: int, text: str, said: tuple[str, ...]
) -> None:
    path = written(tmp_path, (row, text))
    with pytest.raises(ConfigError) as error:
        load_trc(path)
    for word in (str(path), *said):
        assert word in str(error.value)


def test_what_is_no_text_file_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_trc(tmp_path / "none.trc")
    path = tmp_path / "broken.trc.gz"
    path.write_bytes(gzip.compress(b"PathFileType")[:-6])
    with pytest.raises(ConfigError, match="not a text file"):
        load_trc(path)
    path.write_bytes(b"no gzip at all")
    with pytest.raises(ConfigError, match=r"broken\.trc\.gz"):
        load_trc(path)
    path = tmp_path / "binary.trc"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a text file"):
        load_trc(path)
