"""Landmarks in JSON: MediaPipe results, pose tracks, OpenPose, AlphaPose and MMPose, and the truth of simulated sets."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinecue.recordings import times
from kinecue.recordings.errors import RecordingError
from kinecue.recordings.names import allowed_orders, usual_order
from kinecue.recordings.track import RawTrack, ReadOptions

FloatArray = NDArray[np.float64]

_FRAMES = ("frames", "instance_info", "data", "poses", "results", "sequence", "keyframes", "landmarks")
_PLAIN = (
    "keypoints",
    "landmarks",
    "pose_landmarks",
    "poseLandmarks",
    "normalized_landmarks",
    "joints",
    "points",
    "pose",
    "pose_keypoints_2d",
    "positions_m",
)
_WORLD = ("world_landmarks", "worldLandmarks", "pose_world_landmarks", "poseWorldLandmarks", "keypoints3D")
_PEOPLE = ("people", "instances", "persons", "bodies")
_TIMES = (
    ("stamp_ns", 1.0),
    ("timestamp_ns", 1.0),
    ("time_s", 1e9),
    ("videoTime", 1e9),
    ("video_time", 1e9),
    ("timestamp_ms", 1e6),
    ("time_ms", 1e6),
    ("timestampMs", 1e6),
    ("timestamp", math.nan),
    ("time", math.nan),
    ("t", math.nan),
)
_COUNTS = ("frame_index", "frameIndex", "frame_id", "frame", "frame_number", "frameNumber", "index")
_SCORES = ("visibility", "score", "confidence", "presence", "v", "c")

_Points = tuple[list[str] | None, FloatArray, FloatArray | None]
"""Names (None: in a usual order), (N, 2 or 3) coordinates, (N,) visibility."""


def read_document(path: Path, options: ReadOptions) -> RawTrack:
    """A JSON file, plain or gzipped.

    Raises:
        RecordingError: it cannot be read, or holds no frames with points of a body.
    """
    document = _load(path)
    head = document if isinstance(document, Mapping) else {}
    meta = next(
        (head[k] for k in ("metadata", "meta", "meta_info", "video") if isinstance(head.get(k), Mapping)),
        head,
    )
    frames = _frames(path, document)
    found = [_points_of(frame) for frame in frames]
    worlds = [_world_of(frame) for frame in frames]
    if not any(found) and any(worlds):
        found, worlds = worlds, [None] * len(worlds)
    first = next((points for points in found if points is not None), None)
    if first is None:
        raise RecordingError(
            path, "frames", f"no points in any of {len(frames)}; expected one of: {', '.join(_PLAIN)}"
        )
    names = _names(path, first, head)
    axes = first[1].shape[1]
    values = np.full((len(frames), len(names), axes), np.nan)
    visibility = np.zeros((len(frames), len(names))) if first[2] is not None else None
    world = np.full((len(frames), len(names), 3), np.nan) if any(worlds) else None
    for i, (points, spatial) in enumerate(zip(found, worlds, strict=True)):
        if points is not None:
            rows = _rows(path, i, names, points)
            values[i, rows] = points[1][:, :axes]
            if visibility is not None and points[2] is not None:
                visibility[i, rows] = points[2]
        if world is not None and spatial is not None and spatial[1].shape == (len(names), 3):
            world[i] = spatial[1]
    rate, notes = times.assumed_rate(options.rate, _number(meta, "fps", "frame_rate", "frameRate", "rate"))
    stamps = _stamps(path, frames, options, rate)
    if stamps is None:
        stamps = times.evenly(len(frames), rate)
    else:
        notes = ()
    size = tuple(
        _number(meta, *keys)
        for keys in (
            ("videoWidth", "image_width", "width", "imageWidth", "frame_width"),
            ("videoHeight", "image_height", "height", "imageHeight", "frame_height"),
        )
    )
    simulated = any(isinstance(frame, Mapping) and "positions_m" in frame for frame in frames)
    return RawTrack(
        path,
        stamps,
        names,
        values,
        visibility,
        world,
        (int(size[0]), int(size[1])) if all(math.isfinite(v) and v > 0 for v in size) else None,
        units="m" if simulated else "auto",
        up="z" if simulated else "auto",
        kind="room" if simulated else "unknown",
        notes=notes,
    )


def _load(path: Path) -> Any:
    try:
        raw = path.read_bytes()
        return json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except OSError as error:
        raise RecordingError(path, "", f"cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RecordingError(path, "", f"is not a text file: {error}") from error
    except json.JSONDecodeError as error:
        raise RecordingError(path, f"line {error.lineno}", f"is no JSON: {error.msg}") from error


def _frames(path: Path, document: Any) -> list[Any]:
    candidates = [document] if isinstance(document, list) else []
    if isinstance(document, Mapping):
        candidates = [document[key] for key in _FRAMES if isinstance(document.get(key), list)]
    for frames in candidates:
        if frames:
            return list(frames)
    raise RecordingError(path, "frames", f"expected a list of frames, or one under: {', '.join(_FRAMES)}")


def _points_of(frame: Any) -> _Points | None:
    return _first(frame, _PLAIN)


def _world_of(frame: Any) -> _Points | None:
    return _first(frame, _WORLD) if isinstance(frame, Mapping) else None


def _first(frame: Any, keys: Sequence[str]) -> _Points | None:
    if isinstance(frame, Mapping):
        for key in keys:
            if frame.get(key):
                value = frame[key]
                if isinstance(value, Mapping) and any(k in value for k in ("landmark", "landmarks")):
                    value = value.get("landmark") or value.get("landmarks")
                scores = next((frame[k] for k in ("keypoint_scores", "scores") if k in frame), None)
                points = _points(value, scores)
                if points is not None:
                    return points
        for key in _PEOPLE:
            people = frame.get(key)
            if isinstance(people, list) and people:
                return _first(max(people, key=_size), keys)
        return None
    return _points(frame, None) if keys is _PLAIN else None


def _size(person: Any) -> float:
    """How much of the picture somebody takes: of several the nearest is read."""
    points = _first(person, _PLAIN) if isinstance(person, Mapping) else None
    if points is None:
        return 0.0
    known = points[1][np.isfinite(points[1]).all(1)]
    return float(np.ptp(known[:, :2], axis=0).prod()) if len(known) else 0.0


def _points(value: Any, scores: Any) -> _Points | None:
    if isinstance(value, Mapping):
        items = [
            {"name": name, **_coordinates(entry)} for name, entry in value.items() if _coordinates(entry)
        ]
        return _points(items, None) if items else None
    if not isinstance(value, list) or not value:
        return None
    if isinstance(value[0], list) and value[0] and isinstance(value[0][0], (list, Mapping)):
        return _points(value[0], scores)
    if all(isinstance(entry, (int, float)) for entry in value) and len(value) % 3 == 0:
        table = np.array(value, np.float64).reshape(-1, 3)
        # flat lists are x, y, score; what was not found is 0, 0, 0
        missing = table[:, 2] <= 0.0
        points = np.where(missing[:, None], np.nan, table[:, :2])
        return None, points, np.clip(table[:, 2], 0.0, 1.0)
    if all(isinstance(entry, Mapping) for entry in value):
        return _of_mappings(value)
    if all(isinstance(entry, list) and len(entry) in (2, 3, 4) for entry in value):
        table = np.array([[_float(v) for v in entry] for entry in value])
        if table.shape[1] == 4:
            return None, table[:, :3], np.clip(np.nan_to_num(table[:, 3]), 0.0, 1.0)
        seen = np.array([_float(v) for v in scores]) if isinstance(scores, list) else None
        return None, table, seen
    return None


def _coordinates(entry: Any) -> dict[str, Any]:
    if isinstance(entry, Mapping):
        return dict(entry)
    if isinstance(entry, list) and len(entry) in (2, 3):
        return dict(zip("xyz", entry, strict=False))
    return {}


def _of_mappings(value: list[Any]) -> _Points | None:
    if not all("x" in entry and "y" in entry for entry in value):
        return None
    spatial = all("z" in entry for entry in value)
    table = np.array([[_float(entry[axis]) for axis in ("xyz" if spatial else "xy")] for entry in value])
    key = next((k for k in _SCORES if all(k in entry for entry in value)), None)
    seen = np.clip(np.array([_float(entry[key]) for entry in value]), 0.0, 1.0) if key else None
    label = next((k for k in ("name", "part", "joint", "label") if all(k in entry for entry in value)), None)
    return [str(entry[label]) for entry in value] if label else None, table, seen


def _float(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan


def _names(path: Path, first: _Points, head: Mapping[str, Any]) -> tuple[str, ...]:
    if first[0] is not None:
        return tuple(first[0])
    for key in ("landmark_names", "keypoint_names", "joint_names", "landmarks_order", "names", "topology"):
        stated = head.get(key)
        if isinstance(stated, list) and len(stated) == len(first[1]):
            return tuple(str(name) for name in stated)
    order = usual_order(len(first[1]), spatial=False) or usual_order(len(first[1]), spatial=True)
    if order is None:
        raise RecordingError(path, "points", f"{len(first[1])} without names; allowed: {allowed_orders()}")
    return order


def _rows(path: Path, frame: int, names: tuple[str, ...], points: _Points) -> list[int]:
    if points[0] is None:
        if len(points[1]) != len(names):
            raise RecordingError(
                path, f"frame {frame}", f"has {len(points[1])} points, expected {len(names)}"
            )
        return list(range(len(names)))
    place = {name: i for i, name in enumerate(names)}
    if any(name not in place for name in points[0]):
        raise RecordingError(path, f"frame {frame}", "names points that the first frame does not have")
    return [place[name] for name in points[0]]


def _number(meta: Mapping[str, Any], *keys: str) -> float:
    return next((value for key in keys if math.isfinite(value := _float(meta.get(key)))), math.nan)


def _stamps(path: Path, frames: list[Any], options: ReadOptions, rate: float) -> NDArray[np.int64] | None:
    if math.isnan(options.rate):
        for key, scale in _TIMES:
            values = list(_column(frames, key))
            if values and len(values) == len(frames):
                return times.stamps_of_times(path, np.array(values), scale)
    for key in _COUNTS:
        values = list(_column(frames, key))
        if len(values) == len(frames) and (np.diff(values) > 0).all():
            return times.stamps_of_frames(path, np.array(values), rate)
    return None


def _column(frames: list[Any], key: str) -> Iterator[float]:
    for frame in frames:
        if isinstance(frame, Mapping) and math.isfinite(value := _float(frame.get(key))):
            yield value
