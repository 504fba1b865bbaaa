"""Clips on disk: an MP4 and, beside it, a JSON file with the truth about every frame."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.simulation.asset import asset_digest
from kinecue.simulation.gym import FrameTruth, Gym
from kinecue.simulation.programmes import Programme

FloatArray = NDArray[np.float64]

FORMAT = "kinecue_truth"
VERSION = 1
Progress = Callable[[int, int], None]
"""Called with frames done and frames in all."""


class ClipError(KineCueError):
    """A clip or its truth cannot be written or read."""


@dataclass(frozen=True)
class PlannedRepetitionTruth:
    """One repetition as planned, s since the clip's start."""

    number: int
    start_s: float
    bottom_s: float
    end_s: float
    valid: bool


@dataclass(frozen=True)
class FaultTruth:
    """One planted fault in one repetition; see `kinecue.simulation.movement.FaultEvent`."""

    name: str
    repetition: int
    magnitude: float
    unit: str
    onset_s: float


@dataclass(frozen=True)
class ClipTruth:
    """The truth file of a clip, N frames.

    Attributes:
        name, exercise, fps: of the clip.
        camera: through which it is seen.
        view: yaw of the athlete against the camera, rad.
        stature: m.
        segment_lengths: m, by the names of `kinecue.body.anthropometry.SegmentLengths`.
        pulley: (3,) where the machine's cable leaves it, base frame, m.
        repetitions, faults: what was planned.
        times_s: (N,).
        phases: N names.
        repetition: (N,) number under way or just finished.
        progress: (N,) 0 to 1.
        active_faults: N dictionaries, present magnitude by name.
        positions: (N, 33, 3) landmarks in the order of `BLAZEPOSE_33`, base frame, m.
        pixels: (N, 33, 2) their projections.
        angles: (N,) by name, rad.
        handles: (N, 3) end of the cable, base frame, m.
    """

    name: str
    exercise: str
    fps: float
    camera: CameraModel
    view: float
    stature: float
    segment_lengths: dict[str, float]
    pulley: FloatArray
    repetitions: tuple[PlannedRepetitionTruth, ...]
    faults: tuple[FaultTruth, ...]
    times_s: FloatArray
    phases: tuple[str, ...]
    repetition: NDArray[np.int64]
    progress: FloatArray
    active_faults: tuple[dict[str, float], ...]
    positions: FloatArray
    pixels: FloatArray
    angles: dict[str, FloatArray]
    handles: FloatArray

    @staticmethod
    def load(path: Path) -> ClipTruth:
        """Read a truth file.

        Raises:
            ClipError: the file is missing, damaged or of another format.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data.get("format") != FORMAT or data.get("version") != VERSION:
                raise ClipError(
                    f"{path}: format must be {FORMAT} version {VERSION}, got {data.get('format')!r}"
                )
            frames = data["frames"]
            return ClipTruth(
                name=data["name"],
                exercise=data["exercise"],
                fps=data["fps"],
                camera=CameraModel(**{**data["camera"], "distortion": tuple(data["camera"]["distortion"])}),
                view=data["view_rad"],
                stature=data["athlete"]["stature_m"],
                segment_lengths=data["athlete"]["segment_lengths_m"],
                pulley=np.array(data["machine"]["pulley_m"]),
                repetitions=tuple(PlannedRepetitionTruth(**r) for r in data["repetitions"]),
                faults=tuple(FaultTruth(**f) for f in data["faults"]),
                times_s=np.array([f["time_s"] for f in frames]),
                phases=tuple(f["phase"] for f in frames),
                repetition=np.array([f["repetition"] for f in frames]),
                progress=np.array([f["progress"] for f in frames]),
                active_faults=tuple(f["faults"] for f in frames),
                positions=np.array([f["positions_m"] for f in frames]),
                pixels=np.array([f["pixels"] for f in frames]),
                angles={
                    name: np.array([f["angles_rad"][name] for f in frames])
                    for name in frames[0]["angles_rad"]
                },
                handles=np.array([f["handle_m"] for f in frames]),
            )
        except FileNotFoundError as error:
            raise ClipError(f"{path}: no such truth file") from error
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise ClipError(f"{path}: not a valid truth file ({type(error).__name__}: {error})") from error


def truth_path(video: Path) -> Path:
    """Where the truth of a clip is kept."""
    return video.with_suffix(".truth.json")


def clip_key(programme: Programme) -> str:
    """Changes when the programme, the body data or the code that draws it changes."""
    digest = hashlib.sha256(repr(programme).encode())
    digest.update(asset_digest().encode())
    package = Path(__file__).resolve().parent
    body = package.parent / "body"
    used = [body / f"{name}.py" for name in ("angles", "anthropometry", "camera", "landmarks")]
    for source in sorted(package.glob("*.py")) + used:
        digest.update(source.read_bytes())
    digest.update(f"opencv {cv2.__version__} numpy {np.__version__}".encode())
    return digest.hexdigest()


def is_current(programme: Programme, folder: Path) -> bool:
    """Whether `folder` holds this clip, whole and made by this version of everything."""
    video = folder / f"{programme.name}.mp4"
    try:
        with truth_path(video).open(encoding="utf-8") as file:
            head = json.load(file)
        return bool(head["key"] == clip_key(programme) and head["video_bytes"] == video.stat().st_size)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_clip(programme: Programme, folder: Path, progress: Progress | None = None) -> Path:
    """Render a programme to ``folder/name.mp4`` and ``folder/name.truth.json``; returns the former.

    Both appear only when they are complete.

    Raises:
        ClipError: the folder cannot be written to, or OpenCV cannot write MP4 files.
    """
    gym = Gym(programme)
    key = clip_key(programme)
    video = folder / f"{programme.name}.mp4"
    partial_video = folder / f".{programme.name}.{os.getpid()}.mp4"
    partial_truth = folder / f".{programme.name}.{os.getpid()}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder, programme.name)
    except OSError as error:
        raise ClipError(f"{folder}: cannot be made or written to: {error}") from error
    try:
        frames = _write_frames(gym, partial_video, progress)
        document = _document(gym, key, frames)
        document["video_bytes"] = partial_video.stat().st_size
        partial_truth.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
        partial_video.replace(video)
        partial_truth.replace(truth_path(video))
    except OSError as error:
        raise ClipError(f"{folder}: the clip {programme.name} cannot be written: {error}") from error
    finally:
        partial_video.unlink(missing_ok=True)
        partial_truth.unlink(missing_ok=True)
    return video


def _sweep(folder: Path, name: str) -> None:
    """Remove what a process that was killed left of this clip."""
    for leftover in folder.glob(f".{name}.*.*"):
        owner = leftover.name.split(".")[-2]
        if owner.isdigit() and not _alive(int(owner)):
            leftover.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write_frames(gym: Gym, path: Path, progress: Progress | None) -> list[dict[str, Any]]:
    programme = gym.programme
    size = (programme.camera.width, programme.camera.height)
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), codec, float(programme.fps), size)
    if not writer.isOpened():
        raise ClipError(
            f"{path}: OpenCV cannot write an MP4 file there (folder writable? disk full? codec mp4v there?)"
        )
    frames: list[dict[str, Any]] = []
    try:
        renderer = gym.renderer()
        total = gym.frame_count
        for n in range(total):
            truth = gym.truth(n / programme.fps)
            writer.write(gym.picture(renderer, truth))
            frames.append(_frame(truth))
            if progress is not None:
                progress(n + 1, total)
    finally:
        writer.release()
    return frames


def _rounded(values: FloatArray, digits: int) -> Any:
    return np.round(values, digits).tolist()


def _frame(truth: FrameTruth) -> dict[str, Any]:
    return {
        "time_s": round(truth.time_s, 6),
        "phase": truth.state.phase,
        "repetition": truth.state.repetition,
        "progress": round(truth.state.progress, 5),
        "faults": {name: round(m, 5) for name, m in truth.state.faults.items()},
        "positions_m": _rounded(truth.positions, 5),
        "pixels": _rounded(truth.pixels, 2),
        "angles_rad": {name: round(a, 5) for name, a in truth.angles.items()},
        "handle_m": _rounded(truth.handle, 5),
    }


def _document(gym: Gym, key: str, frames: list[dict[str, Any]]) -> dict[str, Any]:
    programme = gym.programme
    camera = dataclasses.asdict(programme.camera)
    return {
        "format": FORMAT,
        "version": VERSION,
        "key": key,
        "name": programme.name,
        "exercise": programme.exercise,
        "fps": programme.fps,
        "frame_id": "machine_base_link",
        "camera": camera,
        "view_rad": programme.view,
        "athlete": {
            "sex": programme.sex,
            "stature_m": programme.stature,
            "segment_lengths_m": dataclasses.asdict(gym.athlete.lengths),
        },
        "machine": {"attachment": type(gym.equipment).__name__, "pulley_m": _rounded(gym.pulley, 5)},
        "landmarks": [landmark.value for landmark in BLAZEPOSE_33.landmarks],
        "repetitions": [
            {
                "number": r.number,
                "start_s": round(r.start_s, 4),
                "bottom_s": round((r.turn_s + r.back_s) / 2.0, 4),
                "end_s": round(r.end_s, 4),
                "valid": True,
            }
            for r in gym.movement.timeline.repetitions
        ],
        "faults": [
            {
                "name": e.name,
                "repetition": e.repetition,
                "magnitude": round(e.magnitude, 5),
                "unit": e.unit,
                "onset_s": round(e.onset_s, 4),
            }
            for e in gym.movement.fault_events()
        ],
        "frames": frames,
    }
