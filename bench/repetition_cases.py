"""Recordings of others with the repetitions that they hold: clips, tracks, markers, chained repetitions, exercise mixes.

They are not part of the repository; those that are absent are left out. The network's landmarks of the clips are kept
under bench_output/repetitions/, by clip and network.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, Landmark, Topology
from kinecue.body.paths import data_dir
from kinecue.cli.recorded_bodies import BodySource, PictureSource, SourceSettings, SpaceSource, open_source
from kinecue.perception.adapters import open_pose_network
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.models import ModelStore
from kinecue.perception.recordings import VideoFile
from kinecue.perception.regions import Region
from kinecue.recordings import ReadOptions, SpaceTrack, open_track
from kinecue.recordings.bag import Lens
from kinecue.recordings.interpret import interpret
from kinecue.recordings.times import evenly
from kinecue.recordings.track import RawTrack

FloatArray = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
KEPT = ROOT / "bench_output" / "repetitions"
_FIELDS = ("pixels", "depth", "visibility", "presence", "world", "spread")
_PEOPLE = 2
_CLIPS = {
    "bodyweight_squat": "squat",
    "barbell_deadlift": "deadlift",
    "deadlift_bodyweight_hinge": "deadlift",
    "lunge": "forward_lunge",
    "lunge_alternating": "forward_lunge",
    "push_up_with_rests": "push_up",
    "pull_up": "pull_up",
}
"""Exercise of our own by the name in ``labels.csv``."""
_ACCEPTED = {"wt_squat_17": (1, 2)}
"""Where the notes of ``labels.csv`` allow more than one number."""
_MOVEMENTS = {
    1: "squat",
    3: "forward_lunge",
    4: "side_lunge",
    5: "sit_to_stand",
    7: "shoulder_abduction",
}
"""UI-PRMD's movements that are exercises of ours."""
_OTHERS = (2, 6, 8, 9)
"""Movements that are put between repetitions: hurdle step, straight leg raise, shoulder extension and rotation."""
_BLEND_S, _PAUSE_S = 0.35, 1.5
_CMU_SQUAT = 3
_DROP_M = 0.25


@dataclass(frozen=True)
class Case:
    """A recording with what is expected of it.

    Attributes:
        file: name for the table.
        exercise: of our own.
        least, most: repetitions that are right.
        source: opens it.
        events_s: times of the turning point, where labelled; or of the top for `top_events`.
        spans_s: where repetitions are expected; those that end elsewhere are false. Empty = everywhere.
        note: what to know of it.
    """

    file: str
    exercise: str
    least: int
    most: int
    source: Callable[[], BodySource]
    events_s: tuple[float, ...] = ()
    spans_s: tuple[tuple[float, float], ...] = ()
    top_events: bool = False
    note: str = ""


# -- clips


@dataclass
class _Seen:
    """Pictures whose landmarks are known: only their time and size are left."""

    stamps: list[int]
    size: tuple[int, int]
    kind: str = "video"
    notes: tuple[str, ...] = ()
    lens: Lens | None = None

    @property
    def frames(self) -> int | None:
        return len(self.stamps)

    def read(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        width, height = self.size
        for stamp in self.stamps:
            yield stamp, np.broadcast_to(np.uint8(0), (height, width, 3))


@dataclass
class _Known:
    """A network that has answered before."""

    people: dict[int, list[Landmarks2D]]
    topology: Topology = BLAZEPOSE_33
    provider: str = "kept"

    def estimate(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Landmarks2D]:
        return self.people[stamp_ns]

    def reset(self) -> None: ...

    def favour(self, identity: int | None) -> None: ...

    def want_mask(self, wanted: bool) -> None: ...


def _hash(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes())
    for network in sorted((data_dir() / "models").glob("pose_*full*.onnx")):
        digest.update(hashlib.sha256(network.read_bytes()).digest())
    return digest.hexdigest()[:12]


def look(path: Path) -> tuple[_Seen, _Known]:
    """What the network says of everybody in a clip, from the cache if it is there."""
    kept = KEPT / f"{path.stem}_{_hash(path)}.npz"
    if not kept.is_file():
        _keep(path, kept)
    with np.load(kept) as archive:
        arrays = {name: archive[name] for name in archive.files}
    stamps = [int(s) for s in arrays["stamps"]]
    people: dict[int, list[Landmarks2D]] = {stamp: [] for stamp in stamps}
    for i, frame in enumerate(arrays["frame"].tolist()):
        people[stamps[frame]].append(
            Landmarks2D(
                stamp_ns=stamps[frame],
                topology=BLAZEPOSE_33,
                score=float(arrays["score"][i]),
                region=Region(*arrays["region"][i].tolist()),
                identity=int(arrays["identity"][i]),
                **{name: arrays[name][i] for name in _FIELDS},
            )
        )
    width, height = (int(v) for v in arrays["size"])
    return _Seen(stamps, (width, height)), _Known(people)


def _keep(path: Path, kept: Path) -> None:
    network = open_pose_network(ModelStore(data_dir() / "models"), "full", max_people=_PEOPLE)
    source = VideoFile(path, start_ns=0)
    source.open()
    stamps: list[int] = []
    rows: dict[str, list[Any]] = {name: [] for name in ("frame", "identity", "score", "region", *_FIELDS)}
    size = (0, 0)
    while (frame := source.read()) is not None:
        size = frame.size
        for person in network.estimate(frame.image, frame.stamp_ns):
            r = person.region
            rows["frame"].append(len(stamps))
            rows["identity"].append(person.identity)
            rows["score"].append(person.score)
            rows["region"].append([r.x, r.y, r.size, r.angle])
            for name in _FIELDS:
                rows[name].append(getattr(person, name))
        stamps.append(frame.stamp_ns)
    source.close()
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part.npz")
    np.savez_compressed(
        part, stamps=np.array(stamps), size=np.array(size), **{k: np.asarray(v) for k, v in rows.items()}
    )
    part.replace(kept)


def clips() -> Iterator[Case]:
    """The real clips, from pixels."""
    labels = DATA / "rep_videos" / "labels.csv"
    if not labels.is_file():
        return
    with labels.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        path = DATA / "rep_videos" / row["file"]
        count = int(row["reps_by_eye"])
        least, most = _ACCEPTED.get(path.stem, (count, count))
        yield Case(
            f"rep_videos/{path.stem}",
            _CLIPS[row["exercise"]],
            least,
            most,
            lambda path=path: _clip_source(path),
            tuple(float(t) for t in row["event_times_s"].split()),
            top_events="highest" in row["event_definition"],
            note=row["note"],
        )


def _clip_source(path: Path) -> BodySource:
    pictures, network = look(path)
    return PictureSource(pictures, SourceSettings(), network)


# -- tracks


def tracks() -> Iterator[Case]:
    """Landmarks and markers that files hold."""
    for name, exercise, count in (
        ("posetracks/swing-sample.posetrack.json.gz", "kettlebell_swing", 9),
        ("opencap/squats1.trc.gz", "squat", 5),
        ("opencap/static1.trc.gz", "squat", 0),
        ("opencap/STS1.trc.gz", "sit_to_stand", 5),
    ):
        path = DATA / name
        if path.is_file():
            yield Case(
                name.split(".")[0], exercise, count, count, lambda p=path: open_source(p, SourceSettings())
            )
    for path in sorted((DATA / "kinect_deadlift").glob("*.csv.gz")):
        stem = path.name.split(".")[0]
        yield Case(
            f"kinect_deadlift/{stem}",
            "deadlift",
            1 if stem.startswith("good") else 0,
            1,
            lambda p=path: open_source(p, SourceSettings()),
            note="begins standing, ends at the lock-out; bad ones may be partial",
        )


# -- UI-PRMD, chained


def _ui_prmd() -> dict[str, NDArray[Any]] | None:
    path = DATA / "ui_prmd" / "kinect_subjects_1_6.npz"
    if not path.is_file():
        return None
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def _episodes(data: dict[str, NDArray[Any]], movement: int, subject: int) -> list[FloatArray]:
    rows = np.flatnonzero(
        (data["index"][:, 0] == movement) & (data["index"][:, 1] == subject) & (data["index"][:, 3] == 1)
    )
    return [np.asarray(data["xyz_cm"][data["offsets"][i] : data["offsets"][i + 1]], np.float64) for i in rows]


def _chain(
    pieces: Sequence[FloatArray], rate: float, pause_s: float
) -> tuple[FloatArray, list[tuple[float, float]]]:
    """Pieces one after the other, each moved to where the last ended, with a smooth way between and a still pause.

    Returns:
        Positions, and from when to when each piece lasts, s.
    """
    still, way = round(pause_s * rate), round(_BLEND_S * rate)
    parts: list[FloatArray] = []
    spans: list[tuple[float, float]] = []
    count = 0
    for piece in pieces:
        moved = piece
        if parts:
            last = parts[-1][-1]
            # where the feet stood: sets are done on the spot
            moved = piece - piece[0].mean(0) * [1, 0, 1] + last.mean(0) * [1, 0, 1]
            held = np.repeat(last[None], still, 0)
            t = np.linspace(0.0, 1.0, way + 2)[1:-1, None, None]
            blend = last + (3 * t**2 - 2 * t**3) * (moved[0] - last)
            parts += [held, blend]
            count += len(held) + len(blend)
        else:
            held = np.repeat(piece[:1], round(1.0 * rate), 0)
            parts.append(held)
            count += len(held)
        parts.append(moved)
        spans.append((count / rate, (count + len(moved)) / rate))
        count += len(moved)
    parts.append(np.repeat(parts[-1][-1:], round(1.0 * rate), 0))
    return np.concatenate(parts), spans


def chained() -> Iterator[Case]:
    """UI-PRMD: ten correct repetitions of each subject in a row; with pauses, without, and with other movements."""
    data = _ui_prmd()
    if data is None:
        return
    rate = float(data["fps"])
    names = tuple(str(name) for name in data["joint_names"])
    for movement, exercise in _MOVEMENTS.items():
        for subject in range(1, 7):
            episodes = _episodes(data, movement, subject)
            for kind, pause in (("paused", _PAUSE_S), ("fluent", 0.0)):
                points, _ = _chain(episodes, rate, pause)
                yield Case(
                    f"ui_prmd/m{movement:02d}_s{subject}_{kind}",
                    exercise,
                    len(episodes),
                    len(episodes),
                    lambda p=points: _joints_source(p, names, rate),
                )
            between = [_episodes(data, other, subject)[0] for other in _OTHERS]
            mixed = [*episodes[:5], *between, *episodes[5:]]
            points, spans = _chain(mixed, rate, 0.5)
            wanted = [span for i, span in enumerate(spans) if not 5 <= i < 5 + len(between)]
            yield Case(
                f"ui_prmd/m{movement:02d}_s{subject}_mixed",
                exercise,
                len(episodes),
                len(episodes),
                lambda p=points: _joints_source(p, names, rate),
                spans_s=tuple(wanted),
                note="with a hurdle step, a leg raise, shoulder extension and rotation in the middle",
            )


def _joints_source(points: FloatArray, names: tuple[str, ...], rate: float) -> BodySource:
    raw = RawTrack(Path("ui_prmd"), evenly(len(points), rate), names, points, units="cm", kind="sensor")
    return SpaceSource(_in_space(interpret(raw, ReadOptions())))


def _in_space(track: object) -> SpaceTrack:
    if not isinstance(track, SpaceTrack):
        raise KineCueError("the recording is not in space")
    return track


# -- CMU


def cmu() -> Iterator[Case]:
    """CMU's exercise mixes: squats where they are labelled, counted by the height of the hips, and none elsewhere."""
    folder = DATA / "cmu_mocap6"
    if not (folder / "mocap6.mat").is_file():
        return
    for path in sorted((folder / "amc").glob("*.amc.gz")):
        stem = path.name.split(".")[0]
        labels = np.loadtxt(folder / "truelabels" / f"{stem}.txt", dtype=int)
        track = _in_space(open_track(path))
        rows = BLAZEPOSE_33.indices(Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
        height = track.positions[:, rows, 2].mean(1)
        times = track.stamps_ns * 1e-9
        at = np.clip((times / 0.1).astype(int), 0, len(labels) - 1)
        here = labels[at] == _CMU_SQUAT
        usual = float(np.median(height))
        lows, _ = find_peaks(-height, height=-(usual - _DROP_M), prominence=0.15, distance=40)
        lows = [low for low in lows if here[low]]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], here, [False]]).astype(int)))
        spans = tuple(
            (float(times[a]) - 0.5, float(times[min(b, len(times) - 1)]) + 0.5)
            for a, b in zip(edges[::2], edges[1::2], strict=True)
        )
        yield Case(
            f"cmu_mocap6/{stem}",
            "squat",
            len(lows),
            len(lows),
            lambda p=path: open_source(p, SourceSettings()),
            tuple(float(times[low]) for low in lows),
            spans or ((-1.0, -1.0),),
            note="expected by the height of the hips where squats are labelled",
        )


def cases(only: Sequence[str] = ()) -> Iterator[Case]:
    """All recordings that there are; `only`: those whose name begins with one of these."""
    for group in (clips, tracks, cmu, chained):
        for case in group():
            if not only or any(case.file.startswith(name) for name in only):
                yield case
