"""Marker trajectories as motion capture systems and OpenSim exchange them: TRC files.

Columns are separated by tabs: three header lines, marker names (each over three columns), X1 Y1 Z1 ..., an empty line or
none, then one row per frame. An empty cell is a marker that was not seen.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import ConfigError

FloatArray = NDArray[np.float64]

_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_FIRST_MARKER = 2
"""Frame number and time come before the markers."""
_Y_UP_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class MarkerTrial:
    """Markers over time, T frames and M markers.

    Attributes:
        names: of the markers.
        times: (T,) s, rising.
        positions: (T, M, 3) m, in the axes of the file; NaN where a marker was not seen.
        rate: frames per second as the file says.
    """

    names: tuple[str, ...]
    times: FloatArray
    positions: FloatArray
    rate: float

    def __post_init__(self) -> None:
        expected = (len(self.times), len(self.names), 3)
        if self.positions.shape != expected:
            raise ValueError(f"MarkerTrial.positions: expected shape {expected}, got {self.positions.shape}")

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def marker(self, name: str) -> FloatArray:
        """(T, 3) one marker, m.

        Raises:
            KeyError: there is none of this name; the text lists those that there are.
        """
        if name not in self.names:
            raise KeyError(f"no marker {name!r}; there are: {', '.join(self.names)}")
        column: FloatArray = self.positions[:, self.names.index(name)]
        return column

    def markers(self, names: Sequence[str]) -> FloatArray:
        """(T, k, 3) several markers in the order given; raises as `marker` does."""
        return np.stack([self.marker(name) for name in names], 1)

    def z_up(self) -> MarkerTrial:
        """The same trial turned from y up (OpenSim, most capture systems) to z up; x stays ahead, y becomes left."""
        return MarkerTrial(self.names, self.times, self.positions @ _Y_UP_TO_Z_UP.T, self.rate)


def load_trc(path: Path) -> MarkerTrial:
    """Reads a TRC file, also a gzipped one (``.gz``).

    Raises:
        ConfigError: the file cannot be read, or something in it is not as it must be; names the line and what is allowed.
    """
    lines = _lines(path)
    if len(lines) < 6 or not lines[0].startswith("PathFileType"):
        raise ConfigError(path, "line 1", "is not the start of a TRC file, expected: PathFileType")
    keys, values = lines[1].split("\t"), lines[2].split("\t")
    header = {key.strip(): value.strip() for key, value in zip(keys, values, strict=False)}
    rate = _number(path, "DataRate", header.get("DataRate", ""))
    if rate <= 0:
        raise ConfigError(path, "DataRate", f"is {rate:g}, allowed: a positive number")
    units = header.get("Units", "")
    if units not in _METRES:
        raise ConfigError(path, "Units", f"is {units!r}, allowed: {', '.join(_METRES)}")
    cells = lines[3].rstrip().split("\t")
    names = tuple(cell.strip() for cell in cells[_FIRST_MARKER::3])
    if not names or "" in names:
        raise ConfigError(path, "line 4", "must name one marker over every three columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(path, "line 4", f"marker {twice[0]!r} is there twice")
    declared = header.get("NumMarkers", str(len(names)))
    if declared != str(len(names)):
        raise ConfigError(path, "NumMarkers", f"is {declared}, but line 4 names {len(names)} markers")
    rows = [(i, line) for i, line in enumerate(lines[5:], 6) if line.strip()]
    width = _FIRST_MARKER + 3 * len(names)
    table = np.array([_row(path, i, line, width) for i, line in rows]).reshape(-1, width)
    if not len(table):
        raise ConfigError(path, "", "holds no frames")
    times = table[:, 1]
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise ConfigError(path, "Time", "must rise from frame to frame")
    positions = table[:, _FIRST_MARKER:].reshape(len(table), len(names), 3) * _METRES[units]
    # a marker with one missing coordinate is a missing marker
    positions[np.isnan(positions).any(-1)] = np.nan
    return MarkerTrial(names, times, positions, rate)


def _lines(path: Path) -> list[str]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"is not a text file: {error}") from error
    return text.splitlines()


def _row(path: Path, number: int, line: str, width: int) -> list[float]:
    cells = line.rstrip("\r\n").split("\t")
    # some writers end rows with a tab, some leave out trailing empty cells
    if any(cell.strip() for cell in cells[width:]):
        raise ConfigError(path, f"line {number}", f"has {len(cells)} columns, expected {width}")
    cells += [""] * (width - len(cells))
    return [_number(path, f"line {number}", c) if c.strip() else math.nan for c in cells[:width]]


def _number(path: Path, field: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(path, field, f"is {text.strip()!r}, expected a number") from None
