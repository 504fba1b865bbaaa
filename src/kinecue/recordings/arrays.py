"""Landmarks in NumPy archives (.npz): positions over time with names and times or a rate."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from kinecue.recordings import times
from kinecue.recordings.errors import RecordingError
from kinecue.recordings.names import allowed_orders, usual_order
from kinecue.recordings.track import RawTrack, ReadOptions, Units

_POINTS = ("pixels", "positions", "xyz", "joints", "keypoints", "landmarks", "points", "markers")
_NAMES = ("names", "joint_names", "marker_names", "landmark_names", "keypoint_names")
_UNITS = ("px", "normalized", "m", "cm", "mm")
_TIMES = (
    ("stamps_ns", 1.0),
    ("stamp_ns", 1.0),
    ("stamp", 1.0),
    ("times_s", 1e9),
    ("times", 1e9),
    ("time", math.nan),
)
_RATES = ("fps", "rate", "frame_rate")


def read_arrays(path: Path, options: ReadOptions) -> RawTrack:
    """An .npz file: (T, N, 2 or 3) points, and what else it may say.

    That is ``names``, ``visibility``, ``world``, ``stamps_ns`` or ``fps``, ``image_size``; the unit may be in the array's
    name (``xyz_cm``).

    Raises:
        RecordingError: it cannot be read, or holds no points of a body.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as error:
        raise RecordingError(path, "", f"cannot be read: {error.strerror or error}") from error
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise RecordingError(path, "", f"is no NumPy archive of plain arrays: {error}") from error
    name, units = _named(path, arrays)
    points = np.asarray(arrays[name], np.float64)
    if points.ndim != 3 or points.shape[2] not in (2, 3, 4):
        raise RecordingError(path, name, f"has shape {points.shape}, expected (frames, points, 2 or 3)")
    if "offsets" in arrays and len(arrays["offsets"]) > 2:
        raise RecordingError(path, "offsets", "several recordings in one file; write one file for each")
    visibility = arrays.get("visibility")
    if points.shape[2] == 4:
        points, visibility = points[..., :3], points[..., 3]
    notes: tuple[str, ...] = ()
    count = len(points)
    key = next((key for key, _ in _TIMES if key in arrays and arrays[key].shape == (count,)), None)
    if key is not None and math.isnan(options.rate):
        stamps = times.stamps_of_times(path, np.asarray(arrays[key], np.float64), dict(_TIMES)[key])
    else:
        stated = next((float(arrays[k]) for k in _RATES if k in arrays and arrays[k].ndim == 0), math.nan)
        rate, notes = times.assumed_rate(options.rate, stated)
        stamps = times.evenly(count, rate)
    size = arrays.get("image_size")
    world = arrays.get("world")
    return RawTrack(
        path,
        stamps,
        _labels(path, arrays, points, spatial=points.shape[2] == 3 and visibility is None),
        points,
        None if visibility is None else np.asarray(visibility, np.float64),
        None if world is None else np.asarray(world, np.float64),
        (int(size[0]), int(size[1])) if size is not None and size.shape == (2,) else None,
        units=units,
        kind="unknown",
        notes=notes,
    )


def _named(path: Path, arrays: dict[str, NDArray[np.generic]]) -> tuple[str, Units]:
    for name in arrays:
        base, _, suffix = name.rpartition("_")
        if base in _POINTS and suffix in _UNITS:
            return name, cast(Units, suffix)
    for name in _POINTS:
        if name in arrays:
            return name, "px" if name == "pixels" else "auto"
    raise RecordingError(
        path, "arrays", f"has {', '.join(arrays) or 'none'}; expected one of: {', '.join(_POINTS)}"
    )


def _labels(
    path: Path, arrays: dict[str, NDArray[np.generic]], points: NDArray[np.float64], spatial: bool
) -> tuple[str, ...]:
    count = points.shape[1]
    for key in _NAMES:
        if key in arrays and arrays[key].shape == (count,):
            return tuple(str(name) for name in arrays[key])
    order = usual_order(count, spatial) or usual_order(count, not spatial)
    if order is None:
        raise RecordingError(path, "names", f"{count} points without names; allowed: {allowed_orders()}")
    return order
