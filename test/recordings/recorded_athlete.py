"""Recordings of a made-up athlete in the formats of other systems, written where a test wants them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from exercise.joint_athlete import Recorder, session, squat, stand
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33

FloatArray = NDArray[np.float64]
FPS = 25.0
NAMES = tuple(mark.value for mark in BLAZEPOSE_33.landmarks)
LIMBS = tuple(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "foot_index")
    for side in ("left", "right")
)
CAMERA = CameraModel.estimate(960, 720)


def squats(count: int = 2, view: float = 0.6, noise: float = 0.002) -> tuple[FloatArray, FloatArray]:
    """(T,) s and (T, 33, 3) m: somebody stands, squats `count` times and stands; landmarks of the face are NaN."""
    parts = [stand(1.0)]
    for _ in range(count):
        parts += [squat(), stand(0.8)]
    bodies = list(session(parts, FPS, Recorder(view=view, white=noise)))
    times = np.array([body.stamp_ns for body in bodies]) * 1e-9
    return times - times[0], np.stack([body.positions for body in bodies])


def rows_of(points: FloatArray, names: tuple[str, ...] = LIMBS) -> FloatArray:
    """(T, N, ...) only the named landmarks."""
    rows: FloatArray = points[:, [NAMES.index(name) for name in names]]
    return rows


def pixels_of(points: FloatArray) -> FloatArray:
    """(T, N, 2) px as `CAMERA` sees them."""
    flat = CAMERA.project(points.reshape(-1, 3))
    result: FloatArray = np.asarray(flat).reshape(*points.shape[:2], 2)
    return result


def write_wide(
    path: Path,
    times: FloatArray | None,
    points: FloatArray,
    names: tuple[str, ...] = LIMBS,
    style: str = "{name}_{axis}",
    visibility: bool = False,
    time_name: str = "time_s",
) -> Path:
    """A CSV with a row per frame."""
    axes = "xyz"[: points.shape[2]] + ("v" if visibility else "")
    head = [time_name] if times is not None else []
    head += [style.format(name=name, axis=axis) for name in names for axis in axes]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for i, frame in enumerate(points):
            row: list[object] = [] if times is None else [f"{times[i]:.6f}"]
            for point in frame:
                row += [f"{v:.6f}" if np.isfinite(v) else "" for v in point] + (
                    ["0.99"] if visibility else []
                )
            writer.writerow(row)
    return path


def write_long(path: Path, points: FloatArray, labels: tuple[str, ...]) -> Path:
    """A CSV with a row per point and the number of the frame."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["frame", "joint", "x", "y", "z"])
        for i, frame in enumerate(points):
            for label, point in zip(labels, frame, strict=True):
                writer.writerow([i, label, *(f"{v:.6f}" for v in point)])
    return path


def write_posetrack(path: Path, times: FloatArray, pixels: FloatArray, size: tuple[int, int]) -> Path:
    """JSON with named keypoints and milliseconds."""
    frames = [
        {
            "frameIndex": i,
            "timestamp": round(1000 * t),
            "keypoints": [
                {"name": name, "x": float(u), "y": float(v), "score": 0.95}
                for name, (u, v) in zip(LIMBS, frame, strict=True)
            ],
        }
        for i, (t, frame) in enumerate(zip(times, pixels, strict=True))
    ]
    head = {"fps": FPS, "videoWidth": size[0], "videoHeight": size[1]}
    path.write_text(json.dumps({"metadata": head, "frames": frames}))
    return path


MARKERS = {
    "shoulder": "Shoulder",
    "knee": "knee",
    "ankle": "ankle",
    "heel": "calc",
    "foot_index": "toe",
    "hip": "HJC",
}


def write_trc(
    path: Path, times: FloatArray, points: FloatArray, units: str = "mm", z_up: bool = False
) -> Path:
    """Markers of OpenCap's kind: hip centres, and lateral markers of knees and ankles."""
    scale = {"m": 1.0, "mm": 1000.0}[units]
    out = {"knee": 0.052, "ankle": 0.037}
    left = points[:, NAMES.index("left_hip")] - points[:, NAMES.index("right_hip")]
    left /= np.linalg.norm(left, axis=-1, keepdims=True)
    names, columns = [], []
    for side, letter, sign in (("left", "L", 1.0), ("right", "R", -1.0)):
        for joint, marker in MARKERS.items():
            course = points[:, NAMES.index(f"{side}_{joint}")] + sign * out.get(joint, 0.0) * left
            names.append(f"{letter}_{marker}")
            columns.append(course * scale)
    table = np.stack(columns, 1)
    if not z_up:
        table = table[..., [0, 2, 1]] * [1.0, 1.0, -1.0]
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{FPS:g}\t{FPS:g}\t{len(times)}\t{len(names)}\t{units}\t{FPS:g}\t1\t{len(times)}",
        "Frame#\tTime\t" + "\t\t\t".join(names),
        "\t\t" + "\t".join(f"{axis}{i}" for i in range(1, len(names) + 1) for axis in "XYZ"),
        "",
    ]
    for i, (t, frame) in enumerate(zip(times, table, strict=True), 1):
        lines.append(f"{i}\t{t:.4f}\t" + "\t".join(f"{v:.5f}" for v in frame.ravel()))
    path.write_text("\n".join(lines) + "\n")
    return path
