"""Clips on disk: for each camera an MP4 and, beside it, the truth about every frame and the camera's calibration."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import yaml

from kinecue.body.volume.asset import asset_digest
from kinecue.simulation.gym import Gym
from kinecue.simulation.picture.cameras import SyntheticCamera, calibration
from kinecue.simulation.picture.renderer import Image
from kinecue.simulation.programmes import Programme
from kinecue.simulation.truth import Tension
from kinecue.simulation.truth_file import ClipError, ClipTruth, FrameWriter, header

__all__ = [
    "TRUTH_KINDS",
    "ClipError",
    "ClipTruth",
    "calibration_path",
    "clip_key",
    "clip_names",
    "is_current",
    "truth_path",
    "write_clip",
]

Progress = Callable[[int, int], None]
"""Called with frames done and frames in all, over all cameras."""
Sensors = Callable[[Gym], Tension]
"""Makes the true force in the cables of a gym; for callers that know the machine."""
TRUTH_KINDS = {"json": ".truth.json", "mcap": ".truth.mcap"}


class _TruthSink(Protocol):
    def frame(self, row: dict[str, Any]) -> None:
        """Take a frame."""

    def close(self, head: dict[str, Any]) -> None:
        """Write what is missing; `head` is the header with the contacts that occurred."""

    def abandon(self) -> None:
        """Let go of the file; harmless after `close`."""


def truth_path(video: Path, kind: str = "json") -> Path:
    """Where the truth of a clip is kept."""
    return video.with_suffix(TRUTH_KINDS[kind])


def calibration_path(video: Path) -> Path:
    """Where the calibration of a clip's camera is kept."""
    return video.with_suffix(".camera.yaml")


def clip_names(programme: Programme) -> dict[str, str]:
    """Name of the clip of each camera: that of the programme, with the camera's where there are several."""
    if len(programme.cameras) == 1:
        return {programme.cameras[0].name: programme.name}
    return {c.name: f"{programme.name}_{c.name}" for c in programme.cameras}


def clip_key(programme: Programme, salt: str = "") -> str:
    """Changes when the programme, the body data, the code that draws it, or `salt` changes."""
    digest = hashlib.sha256(f"{programme!r}{salt}".encode())
    digest.update(asset_digest().encode())
    package = Path(__file__).resolve().parent
    body = package.parent / "body"
    used = [body / f"{name}.py" for name in ("angles", "anthropometry", "camera", "landmarks")]
    for source in sorted(package.rglob("*.py")) + used:
        digest.update(source.read_bytes())
    digest.update(f"opencv {cv2.__version__} numpy {np.__version__}".encode())
    return digest.hexdigest()


def is_current(programme: Programme, folder: Path, kind: str = "json", salt: str = "") -> bool:
    """Whether `folder` holds the clips of a programme, whole and made by this version of everything."""
    key = clip_key(programme, salt)
    for name in clip_names(programme).values():
        video = folder / f"{name}.mp4"
        try:
            head = _head(truth_path(video, kind), kind)
            if head["key"] != key or head["video_bytes"] != video.stat().st_size:
                return False
        except (OSError, ValueError, KeyError, TypeError):
            return False
        if not calibration_path(video).is_file():
            return False
    return True


def _head(path: Path, kind: str) -> dict[str, Any]:
    if kind == "mcap":
        from kinecue.simulation.truth_mcap import read_header

        return read_header(path)
    with path.open(encoding="utf-8") as file:
        head: dict[str, Any] = json.load(file)
    return head


@dataclass(frozen=True)
class _Part:
    """Files of one camera, under their final and their temporary names."""

    camera: SyntheticCamera
    video: Path
    truth: Path
    calibration: Path
    partial: tuple[Path, Path, Path]

    @staticmethod
    def of(camera: SyntheticCamera, folder: Path, name: str, kind: str) -> _Part:
        video = folder / f"{name}.mp4"
        final = (video, truth_path(video, kind), calibration_path(video))
        # OpenCV chooses the container by the ending
        endings = (".mp4", f".{kind}", ".yaml")
        partial = tuple(folder / f".{name}.{os.getpid()}{ending}" for ending in endings)
        return _Part(camera, *final, (partial[0], partial[1], partial[2]))


def write_clip(
    programme: Programme,
    folder: Path,
    progress: Progress | None = None,
    kind: str = "json",
    sensors: Sensors | None = None,
    salt: str = "",
) -> list[Path]:
    """Render a programme; the videos, one for each camera in their order.

    For each there are ``name.mp4``, ``name.truth.json`` (or ``.mcap``) and ``name.camera.yaml``. They appear only
    when all are complete. A frame that the camera loses is replaced by the one before it, so that a clip keeps its
    time; the truth says which.

    Args:
        programme: what to render.
        folder: where to; made if need be.
        progress: is told how far it is.
        kind: of the truth file, one of `TRUTH_KINDS`.
        sensors: for the true force in the cables; the load that is set if None.
        salt: what else the clip depends on; see `clip_key`.

    Raises:
        ClipError: the folder cannot be written to, or OpenCV cannot write MP4 files.
        KineCueError: the programme asks for something that there is not.
    """
    if kind not in TRUTH_KINDS:
        raise ClipError(f"truth: must be one of {', '.join(TRUTH_KINDS)}, got {kind!r}")
    gym = Gym(programme)
    tension = sensors(gym) if sensors is not None else None
    key = clip_key(programme, salt)
    parts = [
        _Part.of(c, folder, name, kind)
        for c, name in zip(gym.cameras, clip_names(programme).values(), strict=True)
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in parts:
            _sweep(folder, part.video.stem)
    except OSError as error:
        raise ClipError(f"{folder}: cannot be made or written to: {error}") from error
    totals = [len(gym.shots(part.camera)) for part in parts]
    done = 0
    try:
        for part, count in zip(parts, totals, strict=True):
            _write_part(gym, part, key, kind, tension, _Counter(progress, done, sum(totals)))
            done += count
        for part in parts:
            for temporary, final in zip(
                part.partial, (part.video, part.truth, part.calibration), strict=True
            ):
                temporary.replace(final)
    except OSError as error:
        raise ClipError(f"{folder}: the clip {programme.name} cannot be written: {error}") from error
    finally:
        for part in parts:
            for temporary in part.partial:
                temporary.unlink(missing_ok=True)
    return [part.video for part in parts]


@dataclass
class _Counter:
    tell: Progress | None
    done: int
    total: int

    def tick(self) -> None:
        self.done += 1
        if self.tell is not None:
            self.tell(self.done, self.total)


def _write_part(
    gym: Gym, part: _Part, key: str, kind: str, tension: Tension | None, counter: _Counter
) -> None:
    camera = part.camera
    video, truth, extrinsics = part.partial
    head = header(gym, camera, key)
    extrinsics.write_text(
        yaml.safe_dump(calibration([camera])["cameras"][0], sort_keys=False), encoding="utf-8"
    )
    sink = _sink(truth, kind)
    rows = FrameWriter(camera)
    try:
        renderer = gym.renderer(camera)
        writer = _video_writer(video, camera)
        last: Image = renderer.background
        try:
            for taken in gym.frames(camera, renderer, tension=tension):
                last = last if taken.image is None else taken.image
                writer.write(last)
                sink.frame(rows.frame(taken))
                counter.tick()
        finally:
            writer.release()
        head["contact_points"] = rows.contact_table
        head["video_bytes"] = video.stat().st_size
        sink.close(head)
    finally:
        sink.abandon()


def _video_writer(path: Path, camera: SyntheticCamera) -> cv2.VideoWriter:
    size = (camera.lens.width, camera.lens.height)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), float(camera.sensor.rate), size)
    if not writer.isOpened():
        raise ClipError(
            f"{path}: OpenCV cannot write an MP4 file there (folder writable? disk full? codec mp4v there?)"
        )
    return writer


def _sink(path: Path, kind: str) -> _TruthSink:
    if kind == "mcap":
        try:
            from kinecue.simulation.truth_mcap import McapTruth
        except ImportError as error:
            raise ClipError(f"truth: mcap needs the Python package mcap ({error}); json does not") from error
        return McapTruth(path)
    return _JsonTruth(path)


class _JsonTruth:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._frames: list[dict[str, Any]] = []

    def frame(self, row: dict[str, Any]) -> None:
        self._frames.append(row)

    def close(self, head: dict[str, Any]) -> None:
        document = {**head, "frames": self._frames}
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
        self._path.write_text(text, encoding="utf-8")

    def abandon(self) -> None:
        self._frames.clear()


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
