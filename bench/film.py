"""Real film through perception: detection, jitter, segment lengths, and a contact sheet to be looked at.

    PYTHONPATH=src:bench python bench/film.py --clip wt_squat_19

The clips are not part of the repository; without them the figures are left out. The network's landmarks are kept under
bench_output/film/.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from angle_errors import JOINTS, Reader
from contact_sheet import Panel, draw
from fitting import film_bodies, world_body
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.signal import savgol_filter
from threadpoolctl import threadpool_limits

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark
from kinecue.perception.blazepose import BlazePose
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.models import ModelStore
from kinecue.perception.regions import Region

FloatArray = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
CLIPS = ROOT.parent / "shared" / "data" / "rep_videos"
KEPT = ROOT / "bench_output" / "film"
POSTURES = {
    "bodyweight_squat": "squat",
    "barbell_deadlift": "deadlift",
    "deadlift_bodyweight_hinge": "romanian_deadlift",
    "lunge": "forward_lunge",
    "lunge_alternating": "forward_lunge",
    "push_up_with_rests": "push_up",
    "pull_up": "pull_up",
}
"""Exercise of our own by the name in ``labels.csv``."""
BONES = (
    ("thigh", "hip", "knee"),
    ("shank", "knee", "ankle"),
    ("upper arm", "shoulder", "elbow"),
    ("forearm", "elbow", "wrist"),
)
_SMOOTH_S = 0.4
"""Window of the parabola that takes out what truly moves."""
_FIELDS = ("pixels", "depth", "visibility", "presence", "world", "spread")


@dataclass(frozen=True)
class Clip:
    """A real clip.

    Attributes:
        path: of the file.
        exercise: of our own.
        width, height: px.
        fps: frames per second.
        landmarks: the network's, frame by frame.
    """

    path: Path
    exercise: str
    width: int
    height: int
    fps: float
    landmarks: list[Landmarks2D | None]

    @property
    def camera(self) -> CameraModel:
        """A guess: nothing is known of these cameras."""
        return CameraModel.estimate(self.width, self.height)


def clip_files() -> list[tuple[Path, str]]:
    """The clips there are and what they show; empty where the data is absent."""
    labels = CLIPS / "labels.csv"
    if not labels.is_file():
        return []
    with labels.open(encoding="utf-8") as file:
        rows = [(CLIPS / row["file"], POSTURES[row["exercise"]]) for row in csv.DictReader(file)]
    return [(path, exercise) for path, exercise in rows if path.is_file()]


def look(path: Path, exercise: str) -> Clip:
    """The network's landmarks of a clip, from the cache if they are there."""
    capture = cv2.VideoCapture(str(path))
    width, height = (int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    fps = float(capture.get(cv2.CAP_PROP_FPS)) or 30.0
    kept = KEPT / f"{path.stem}.npz"
    if not kept.is_file():
        _keep(kept, capture, fps)
    with np.load(kept) as archive:
        landmarks = _restored({name: archive[name] for name in archive.files})
    return Clip(path, exercise, width, height, fps, landmarks)


def _keep(kept: Path, capture: cv2.VideoCapture, fps: float) -> None:
    network = BlazePose(ModelStore(), "full", "cpu", 1)
    rows: dict[str, list[Any]] = {name: [] for name in ("stamp", "found", "score", "region", *_FIELDS)}
    n, index = len(BLAZEPOSE_33), 0
    empty = {"pixels": (n, 2), "world": (n, 3)}
    while True:
        good, frame = capture.read()
        if not good:
            break
        stamp = round(index * 1e9 / fps)
        people = network.estimate(np.asarray(frame, dtype=np.uint8), stamp)
        person = people[0] if people else None
        rows["stamp"].append(stamp)
        rows["found"].append(person is not None)
        rows["score"].append(person.score if person else 0.0)
        r = person.region if person else None
        rows["region"].append([r.x, r.y, r.size, r.angle] if r else [np.nan] * 4)
        for name in _FIELDS:
            rows[name].append(getattr(person, name) if person else np.full(empty.get(name, (n,)), np.nan))
        index += 1
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part.npz")
    np.savez_compressed(part, **{name: np.asarray(values) for name, values in rows.items()})
    part.replace(kept)


def _restored(arrays: dict[str, NDArray[Any]]) -> list[Landmarks2D | None]:
    result: list[Landmarks2D | None] = []
    for i, stamp in enumerate(arrays["stamp"].tolist()):
        if not arrays["found"][i]:
            result.append(None)
            continue
        result.append(
            Landmarks2D(
                stamp_ns=stamp,
                topology=BLAZEPOSE_33,
                score=float(arrays["score"][i]),
                region=Region(*arrays["region"][i].tolist()),
                **{name: arrays[name][i] for name in _FIELDS},
            )
        )
    return result


def spread_percent(bodies: Sequence[Body | None]) -> dict[str, float]:
    """Standard deviation over mean of each bone's length, both sides pooled, per cent."""
    result = {}
    for bone, proximal, distal in BONES:
        shares = []
        for side in ("left", "right"):
            a, b = (BLAZEPOSE_33.index(Landmark(f"{side}_{joint}")) for joint in (proximal, distal))
            lengths = np.array(
                [np.linalg.norm(x.positions[a] - x.positions[b]) for x in bodies if x is not None]
            )
            lengths = lengths[np.isfinite(lengths)]
            if len(lengths) > 10:
                shares.append(100.0 * float(lengths.std() / lengths.mean()))
        if shares:
            result[bone] = round(float(np.mean(shares)), 3)
    return result


def jitter_deg(bodies: Sequence[Body | None], fps: float) -> dict[str, float]:
    """What of each angle is too quick for a movement, robust standard deviation, degrees; both sides pooled."""
    reader = Reader()
    values = reader.read(bodies)[0]
    window = 2 * max(2, round(0.5 * _SMOOTH_S * fps)) + 1
    parts: dict[str, list[FloatArray]] = {joint: [] for joint in JOINTS}
    for i, (joint, _) in enumerate(reader.columns):
        known = np.isfinite(values[:, i])
        edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end - start > window:
                angle = np.unwrap(values[start:end, i])
                parts[joint].append(angle - savgol_filter(angle, window, 2))
    return {
        joint: round(float(np.degrees(1.4826 * np.median(np.abs(np.concatenate(found))))), 3)
        for joint, found in parts.items()
        if found
    }


def off_percent(clip: Clip, cameras: Sequence[CameraModel], bodies: Sequence[Body | None]) -> float | None:
    """Median distance of the projected joints from the network's seen landmarks, per cent of the person's height."""
    rows = BLAZEPOSE_33.indices(
        *(
            Landmark(f"{s}_{j}")
            for s in ("left", "right")
            for j in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        )
    )
    off = []
    for body, camera, seen in zip(bodies, cameras, clip.landmarks, strict=True):
        if body is None or seen is None or not np.isfinite(body.positions[rows]).all():
            continue
        where = camera.project(body.positions[rows])
        good = seen.visibility[rows] > 0.5
        size = float(np.linalg.norm(np.ptp(seen.pixels, axis=0)))
        off += (np.linalg.norm(where - seen.pixels[rows], axis=1)[good] / size).tolist()
    return round(100.0 * float(np.nanmedian(off)), 2) if off else None


def measure(clip: Clip, sheet: bool = True) -> dict[str, Any]:
    """Everything about one clip; draws its contact sheet."""
    raw = [world_body(seen, clip.camera) for seen in clip.landmarks]
    bodies, cameras = film_bodies(clip.camera, clip.landmarks, clip.exercise)
    have = [b is not None and bool(np.isfinite(b.positions).any()) for b in bodies]
    # lengths may change once, when the person has been measured
    final = [b for b in bodies if b is not None and b.calibrated] or [b for b in bodies if b is not None]
    if sheet:
        draw(
            KEPT / f"{clip.path.stem}.png",
            [
                Panel(i, i / clip.fps, seen, body, camera)
                for i, (seen, body, camera) in enumerate(zip(clip.landmarks, bodies, cameras, strict=True))
            ],
            clip.path,
        )
    return {
        "exercise": clip.exercise,
        "frames": len(bodies),
        "found": round(float(np.mean([seen is not None for seen in clip.landmarks])), 4),
        "with_3d": round(float(np.mean(have)), 4),
        "calibrated": round(float(np.mean([b is not None and b.calibrated for b in bodies])), 4),
        "jitter_deg": {"fitted": jitter_deg(bodies, clip.fps), "raw_world": jitter_deg(raw, clip.fps)},
        "segment_length_spread": {"fitted": spread_percent(final), "raw_world": spread_percent(raw)},
        "reprojection_percent": off_percent(clip, cameras, bodies),
    }


def _work(job: tuple[Path, str, bool]) -> dict[str, Any]:
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        return measure(look(*job[:2]), job[2])


def measure_all(
    console: Console, only: Sequence[str] = (), sheets: bool = True, jobs: int = 1
) -> dict[str, Any] | None:
    """Every clip; None where there are none."""
    files = [(path, exercise) for path, exercise in clip_files() if not only or path.stem in only]
    if not files:
        console.print(f"[yellow]no real film: {CLIPS} is absent")
        return None
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        cells = pool.map(_work, [(*file, sheets) for file in files], chunksize=1)
    found = {path.stem: cell for (path, _), cell in zip(files, cells, strict=True)}
    console.print(table(found))
    if sheets:
        console.print(f"contact sheets: {KEPT}/*.png")
    return found


def table(found: dict[str, Any]) -> Table:
    """A line for each clip."""
    result = Table(title="real film; fitted (raw world landmarks)")
    for name in (
        "clip",
        "found",
        "3D",
        "calibrated",
        "off %",
        *(f"jitter {j}" for j in JOINTS[:4]),
        "length spread %",
    ):
        result.add_column(name)
    for name, cells in found.items():
        fitted, raw = cells["jitter_deg"]["fitted"], cells["jitter_deg"]["raw_world"]
        lengths, loose = (cells["segment_length_spread"][k] for k in ("fitted", "raw_world"))
        result.add_row(
            name,
            *(f"{100 * cells[k]:.0f} %" for k in ("found", "with_3d", "calibrated")),
            f"{cells['reprojection_percent']}",
            *(f"{fitted.get(j, '-')} ({raw.get(j, '-')})" for j in JOINTS[:4]),
            f"{max(lengths.values(), default=0.0):.2f} ({max(loose.values(), default=0.0):.1f})",
        )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clip", nargs="*", default=[], help="names without ending; all by default")
    parser.add_argument("--no-sheets", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    measure_all(Console(width=180), arguments.clip, not arguments.no_sheets, arguments.jobs)


if __name__ == "__main__":
    main()
