"""Tables of landmarks: CSV files as people write them.

Wide: a row per frame and columns such as ``nose_x``, ``x_nose``, ``landmark_0_x``, ``x1``, ``LEFT_KNEE.y``. Long: a row per
point, with a column of names or numbers and columns x, y, z. With or without a time, plain or gzipped.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinecue.recordings import times
from kinecue.recordings.errors import RecordingError
from kinecue.recordings.names import allowed_orders, usual_order
from kinecue.recordings.track import RawTrack, ReadOptions

FloatArray = NDArray[np.float64]

_SEEN = ("v", "vis", "visibility", "presence", "score", "conf", "confidence", "c", "p", "likelihood")
_AXIS = r"(x|y|z|v|vis|visibility|presence|score|conf|confidence|c|p|likelihood)"
_BEHIND = re.compile(
    rf"(?i)^(.+?)[ _.\-:/]+(?:(?:world|pos|position|coord)[ _.\-]+)?{_AXIS}(?:[ _(\[]*(?:m|mm|cm|px)[)\]]*)?$"
)
_BEFORE = re.compile(rf"(?i)^{_AXIS}[ _.\-]*(.+)$")
_GLUED = re.compile(r"^(.*[a-z0-9])(X|Y|Z)$")
_LONG_NAMES = re.compile(
    r"(?i)^(skeleton_?)?(landmark|joint|keypoint|marker|point|body_?part|name|id)(_?(name|id|idx|index|no|number|type))?$"
)
_OTHERS = re.compile(r"(?i)^(person|subject|track|trial|body|player|skeleton)(_?(id|no|idx|index))?$")


def read_table(path: Path, options: ReadOptions) -> RawTrack:
    """A CSV file.

    Raises:
        RecordingError: it cannot be read, or holds no points of a body.
    """
    names, rows = _cells(path)
    lower = [name.strip().lower() for name in names]
    if {"x", "y"} <= set(lower):
        label = next((i for i, name in enumerate(lower) if _LONG_NAMES.match(name)), None)
        if label is not None:
            return _long(path, options, names, rows, label)
    return _wide(path, options, names, rows)


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except OSError as error:
        raise RecordingError(path, "", f"cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RecordingError(path, "", f"is not a text file: {error}") from error


def _cells(path: Path) -> tuple[list[str], list[list[str]]]:
    lines = [line for line in _text(path).splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        raise RecordingError(path, "", "needs a line of column names and at least one frame")
    delimiter = max(",;\t", key=lines[0].count)
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
    except csv.Error as error:
        raise RecordingError(path, "", f"is not a table: {error}") from error
    names = [name.strip() for name in rows[0]]
    if sum(_is_number(name) for name in names) > len(names) // 2:
        raise RecordingError(path, "line 1", "must name the columns, as nose_x, nose_y, ...")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise RecordingError(path, f"row {number}", f"has {len(row)} columns, expected {len(names)}")
    return names, rows[1:]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(path: Path, name: str, cells: list[str]) -> FloatArray:
    """A column; empty cells and words for nothing are NaN."""
    result = np.empty(len(cells))
    for i, cell in enumerate(cells):
        text = cell.strip()
        try:
            result[i] = (
                float(text) if text and text.lower() not in ("none", "null", "na", "n/a") else math.nan
            )
        except ValueError:
            raise RecordingError(path, f"row {i + 2}, {name}", f"is {text!r}, expected a number") from None
    return result


def _split(name: str) -> tuple[str, str] | None:
    """Point and axis of a column's name; None if it is no coordinate."""
    for pattern, point, axis in ((_BEHIND, 1, 2), (_GLUED, 1, 2), (_BEFORE, 2, 1)):
        match = pattern.match(name.strip())
        if match:
            letter = match.group(axis).lower()
            return match.group(point), "v" if letter in _SEEN else letter
    return None


def _wide(path: Path, options: ReadOptions, names: list[str], rows: list[list[str]]) -> RawTrack:
    time, frame = times.time_column(names), times.frame_column(names)
    taken = {i for i in (time[0] if time else None, frame) if i is not None}
    columns: dict[str, dict[str, int]] = {}
    for i, name in enumerate(names):
        if i not in taken and (pair := _split(name)):
            columns.setdefault(pair[0], {}).setdefault(pair[1], i)
    points = {name: axes for name, axes in columns.items() if "x" in axes and "y" in axes}
    if not points:
        raise RecordingError(
            path, "columns", f"none hold points: {', '.join(names[:12])}; expected such as nose_x, nose_y"
        )
    spatial = all("z" in axes for axes in points.values())
    seen = all("v" in axes for axes in points.values())
    cells = list(zip(*rows, strict=True))

    def column(i: int) -> FloatArray:
        return _numbers(path, names[i], list(cells[i]))

    axes = "xyz" if spatial else "xy"
    values = np.stack(
        [np.stack([column(where[axis]) for axis in axes], -1) for where in points.values()], axis=1
    )
    visibility = np.stack([column(where["v"]) for where in points.values()], 1) if seen else None
    notes: tuple[str, ...] = ()
    if time is not None and math.isnan(options.rate):
        stamps = times.stamps_of_times(path, column(time[0]), time[1])
    else:
        rate, notes = times.assumed_rate(options.rate)
        count = column(frame) if frame is not None else np.arange(len(rows), dtype=np.float64)
        stamps = times.stamps_of_frames(path, count, rate)
    labels = _named(path, list(points), spatial and not seen)
    return RawTrack(path, stamps, labels, values, visibility, notes=notes)


def _named(path: Path, labels: list[str], spatial: bool) -> tuple[str, ...]:
    """Names of the points; numbers are looked up in the usual order of so many."""
    digits = [re.fullmatch(r"\D*?(\d+)", label) for label in labels]
    if not all(digits) or len({re.sub(r"\d+$", "", label) for label in labels}) > 1:
        return tuple(labels)
    numbers = [int(match.group(1)) for match in digits if match]
    first = min(numbers)
    order = usual_order(len(labels), spatial) or usual_order(len(labels), not spatial)
    if order is None or max(numbers) - first >= len(order):
        raise RecordingError(
            path, "columns", f"{len(labels)} points without names; allowed: {allowed_orders()}"
        )
    return tuple(order[number - first] for number in numbers)


def _long(path: Path, options: ReadOptions, names: list[str], rows: list[list[str]], label: int) -> RawTrack:
    lower = [name.lower() for name in names]
    time, frame = times.time_column(names), times.frame_column(names)
    if time is None and frame is None:
        raise RecordingError(path, "columns", "a row per point needs a column frame or time")
    notes: list[str] = []
    for i, name in enumerate(names):
        if i not in (label, frame) and _OTHERS.match(name):
            common = Counter(row[i].strip() for row in rows)
            if len(common) > 1:
                most = common.most_common(1)[0][0]
                rows = [row for row in rows if row[i].strip() == most]
                notes.append(f"several in column {name}: read is {most}")
    key = time[0] if time is not None else frame
    moments = _numbers(path, names[key or 0], [row[key or 0] for row in rows])
    unique, places = np.unique(moments, return_inverse=True)
    labels = list(dict.fromkeys(row[label].strip() for row in rows))
    if all(_is_number(text) for text in labels):
        labels.sort(key=float)
    spatial = "z" in lower
    axes = [lower.index(axis) for axis in ("xyz" if spatial else "xy")]
    coordinates = np.stack([_numbers(path, names[i], [row[i] for row in rows]) for i in axes], -1)
    place = {text: i for i, text in enumerate(labels)}
    at = np.array([place[row[label].strip()] for row in rows])
    values = np.full((len(unique), len(labels), len(axes)), np.nan)
    values[places, at] = coordinates
    visible = next((i for i, name in enumerate(lower) if name in _SEEN), None)
    visibility = None
    if visible is not None:
        visibility = np.zeros((len(unique), len(labels)))
        visibility[places, at] = _numbers(path, names[visible], [row[visible] for row in rows])
    if time is not None and math.isnan(options.rate):
        stamps = times.stamps_of_times(path, unique, time[1])
    else:
        rate, more = times.assumed_rate(options.rate)
        notes += more
        stamps = times.stamps_of_frames(
            path, unique if time is None else np.arange(len(unique), dtype=np.float64), rate
        )
    sensor = spatial and visibility is None
    return RawTrack(
        path,
        stamps,
        _named(path, labels, sensor),
        values,
        visibility,
        kind="sensor" if sensor else "unknown",
        notes=tuple(notes),
    )
