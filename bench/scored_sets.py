"""Simulated sets scored without rendering: true movement, the network's errors, the fit, the scorer.

    from scored_sets import SetKey, make, score
    made = make(SetKey("squat", "tall", view=45, faults=(("knees_in", 0.3),), repetitions=4, seed=1))
    updates = score(made, find_exercise("squat"))          # list[ScoreUpdate]
    score(made, model, truth=True)                         # the same set seen perfectly

`make_all` uses several processes. Bodies are kept under bench_output/scored_sets and made again when perception, the
simulation of that exercise or the error model have changed.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import math
import multiprocessing
import os
import shutil
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import takes
from landmark_errors import Cycle, Donors, NetworkErrors
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import BLAZEPOSE_33, LandmarkState
from kinecue.body.person import Person
from kinecue.exercise.model import ExerciseModel
from kinecue.exercise.scorer import Scorer, ScoreUpdate
from kinecue.perception.body_fitter import BodyFitter, FitterSettings
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.postures import posture_for
from kinecue.perception.quick_calibration import QuickCalibration, Refusal
from kinecue.perception.skeleton import JOINTS
from kinecue.perception.standing import measure
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan, Tempo
from kinecue.simulation.movement.timeline import Moments, Repetition
from kinecue.simulation.picture.framing import FARTHEST, whole_body_distance
from kinecue.simulation.rotations import yaw

FloatArray = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
STORE = takes.OUTPUT / "scored_sets"
_NANOSECONDS = 1_000_000_000
_TRUTH_STD = 0.001
"""Of a body that is seen perfectly, m."""
_STAND_S = 1.5
_OUTFITS = ("dark", "light", "baggy")
"""Names only: whoever wears something else is seen with other errors."""


Planted = tuple[str, float, str] | tuple[str, float, str, tuple[int, ...]]


@dataclass(frozen=True)
class SetKey:
    """A set by one athlete before one camera.

    Attributes:
        exercise: of the simulation.
        athlete: of the presets.
        view: yaw of the athlete against the camera, degrees, -90 to 90; 90 shows the left side.
        faults: what is planted: name, magnitude in rad, m or share, side, and the numbers of the repetitions (all, if
            left out).
        repetitions: how many.
        tempo: factor on the exercise's own durations.
        seed: of natural variation and noise.
        fps: frames per second.
        variation: of the `SetPlan`.
        fatigue: of the `SetPlan`.
        partial: numbers of repetitions that turn at 0.5 of the range.
        approach: of the `SetPlan`; how the athlete gets into position.
        still_s: how long the start position is held first.
        donors: takes whose errors are used.
    """

    exercise: str
    athlete: str
    view: float = 45.0
    faults: tuple[Planted, ...] = ()
    repetitions: int = 4
    tempo: float = 1.0
    seed: int = 0
    fps: float = 20.0
    variation: float = 1.0
    fatigue: float = 0.0
    partial: tuple[int, ...] = ()
    approach: str = "none"
    still_s: float = 1.5
    donors: Donors = "all"

    @property
    def name(self) -> str:
        """Of the file."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]
        return f"{self.exercise}-{self.athlete}-{self.view:g}-{digest}"

    @property
    def plan(self) -> SetPlan:
        """What is done."""
        own = EXERCISES[self.exercise].tempo
        every = tuple(range(1, self.repetitions + 1))
        return SetPlan(
            self.repetitions,
            Tempo(
                max(own.out_s * self.tempo, 0.2), own.hold_s, max(own.back_s * self.tempo, 0.2), own.rest_s
            ),
            tuple(PlantedFault(f[0], f[3] if len(f) > 3 else every, f[1], f[2]) for f in self.faults),
            still_s=self.still_s,
            after_s=1.0,
            variation=self.variation,
            fatigue=self.fatigue,
            partial=dict.fromkeys(self.partial, 0.5),
            approach=self.approach,
            seed=self.seed,
        )


@dataclass(frozen=True)
class TrueRepetition:
    """A repetition as it was done.

    Attributes:
        number: from 1.
        side, kind: as in the simulation's `Repetition`.
        start_s, end_s: when it begins and is over, s.
        turn_s, back_s: the turning point lasts from the one to the other, s.
    """

    number: int
    side: str
    kind: str
    start_s: float
    turn_s: float
    back_s: float
    end_s: float


@dataclass(frozen=True)
class Truth:
    """What is true of a set, T frames.

    Attributes:
        repetitions: as they were done.
        positions: (T, 33, 3) base frame, m.
        progress: (T,) 0 to 1.
        camera: that looks.
    """

    repetitions: tuple[TrueRepetition, ...]
    positions: FloatArray
    progress: FloatArray
    camera: CameraModel


@dataclass(frozen=True)
class MadeSet:
    """A set ready to be scored.

    Attributes:
        key: what it is.
        stamps_ns: (T,).
        bodies: of the fit; None where the network found nobody.
        truth: of the movement.
    """

    key: SetKey
    stamps_ns: list[int]
    bodies: list[Body | None]
    truth: Truth

    def true_bodies(self) -> list[Body]:
        """The bodies that a perfect perception would give."""
        return [
            true_body(points, stamp, self.truth.camera, math.radians(self.key.view))
            for points, stamp in zip(self.truth.positions, self.stamps_ns, strict=True)
        ]


# --- movement ---


@dataclass(frozen=True)
class Movement:
    """A set without a camera's errors."""

    performance: Performance
    stamps_ns: NDArray[np.int64]
    positions: FloatArray
    moments: Moments
    camera: CameraModel


def perform(key: SetKey) -> Movement:
    """The athlete does the set; the camera stands as in the takes.

    Raises:
        KineCueError: this athlete cannot do it.
    """
    performance, times, points = _performed(replace(key, view=0.0))
    return _film(performance, times, points, math.radians(key.view))


def _performance(key: SetKey) -> Performance:
    return Performance(Athlete(key.athlete), EXERCISES[key.exercise], key.plan)


def _repetitions(performance: Performance) -> tuple[TrueRepetition, ...]:
    return tuple(
        TrueRepetition(r.number, r.side, r.kind, r.start_s, r.turn_s, r.back_s, r.end_s)
        for r in performance.timeline.repetitions
    )


@lru_cache(maxsize=4)
def _performed(key: SetKey) -> tuple[Performance, FloatArray, FloatArray]:
    """The movement, (T,) times, s, and (T, 33, 3) landmarks in the athlete's frame, m: the same from every view."""
    performance = _performance(key)
    times = np.arange(0.0, performance.duration_s, 1.0 / key.fps)
    return performance, times, _landmarks(performance.athlete, performance, times)


def _film(performance: Performance, times: FloatArray, points: FloatArray, view: float) -> Movement:
    camera = takes.camera_for(takes.TakeKey("squat", performance.athlete.shape.name, "front"))
    reach = points[:: max(len(points) // 24, 1)].reshape(-1, 3)
    reach = np.concatenate([reach, reach + [0.0, 0.0, 0.12], reach - [0.0, 0.0, 0.04]])
    distance = max(2.6, min(whole_body_distance(reach, camera, view), FARTHEST - 0.2))
    positions = points @ yaw(math.pi - view).T + [distance, 0.0, 0.0]
    stamps = np.round(times * _NANOSECONDS).astype(np.int64)
    return Movement(performance, stamps, positions, performance.moments(times), camera.model)


def _landmarks(athlete: Athlete, performance: Performance, times: FloatArray) -> FloatArray:
    """(T, 33, 3) in the athlete's frame, m."""
    result = np.empty((len(times), len(BLAZEPOSE_33), 3))
    for first in range(0, len(times), 64):
        part = times[first : first + 64]
        figure = performance.figure(part)
        for n in range(len(part)):
            marks = athlete.landmarks(athlete.transforms(figure.pose(athlete, n)))
            result[first + n] = [marks[mark] for mark in BLAZEPOSE_33.landmarks]
    return result


def cycle_of(moments: Moments, repetitions: Iterable[Repetition]) -> Cycle:
    """Where in the repetition a planned set is."""
    progress = np.clip(moments.progress, 0.0, 1.0)
    place = np.where(moments.going > 1.0, 2.0 - progress, progress)
    return Cycle(place, moments.number, tuple(r.side for r in repetitions))


def true_body(points: FloatArray, stamp_ns: int, camera: CameraModel, view: float) -> Body:
    """(33, 3) true positions, base frame, as a body."""
    n = len(BLAZEPOSE_33)
    variance = _TRUTH_STD**2
    return Body(
        "lifta",
        stamp_ns,
        BLAZEPOSE_33,
        camera.project(points),
        np.ones(n),
        points,
        np.tile(variance * np.eye(3), (n, 1, 1)),
        np.full(n, int(LandmarkState.OBSERVED), np.uint8),
        1.0,
        (camera.width, camera.height),
        view=view,
        calibrated=True,
        camera_calibrated=True,
        joint_landmarks=JOINTS,
        joint_covariance=variance * np.eye(3 * len(JOINTS)),
    )


# --- perception ---


def network_sees(key: SetKey, movement: Movement) -> list[Landmarks2D | None]:
    """What the network says of every frame."""
    outfit = _OUTFITS[key.seed % len(_OUTFITS)]
    errors = NetworkErrors(f"{key.athlete} {outfit}", zlib.crc32(key.name.encode()), key.donors)
    cycle = cycle_of(movement.moments, movement.performance.timeline.repetitions)
    return errors.landmarks(
        key.exercise,
        key.view,
        movement.stamps_ns,
        movement.positions,
        movement.camera,
        cycle,
        Athlete(key.athlete),
    )


@lru_cache(maxsize=256)
def person_of(athlete: str, outfit: str, which: Donors) -> Person | None:
    """An athlete as the quick calibration measures it, standing before the camera; None where it refused."""
    body = Athlete(athlete)
    performance = Performance(body, EXERCISES["squat"], SetPlan(0, still_s=2.0, after_s=0.4, seed=1))
    times = np.arange(0.0, 2.4, 1.0 / 30.0)
    movement = _film(performance, times, _landmarks(body, performance, times), 0.0)
    cycle = Cycle(np.zeros(len(movement.stamps_ns)), np.zeros(len(movement.stamps_ns), np.int64), ())
    seen = NetworkErrors(f"{athlete} {outfit}", 1, which).landmarks(
        takes.STANDING, 0.0, movement.stamps_ns, movement.positions, movement.camera, cycle, body
    )
    calibration = QuickCalibration(movement.camera, measure, athlete, _STAND_S)
    for frame, stamp in zip(seen, movement.stamps_ns.tolist(), strict=True):
        calibration.update(frame, stamp)
    result = calibration.finish("2026-01-01T00:00:00+00:00")
    return None if isinstance(result, Refusal) else result.person


def fit(key: SetKey, movement: Movement, seen: list[Landmarks2D | None]) -> list[Body | None]:
    """The bodies of the kinematic fit, told which exercise is on."""
    person = person_of(key.athlete, _OUTFITS[key.seed % len(_OUTFITS)], key.donors)
    settings = FitterSettings(person=person) if person else FitterSettings()
    fitter = BodyFitter(movement.camera, settings=settings)
    fitter.set_posture(key.exercise)
    return [None if frame is None else fitter.update(frame) for frame in seen]


# --- store ---


_OF_NETWORK_FILES = ("convert", "onnx_file", "onnx_prune", "tflite_file")
"""Modules of perception that no body depends on: what they make of a network's file is checked by its hash."""
_MOVEMENT = ("performance", "timeline", "set_plan", "solve", "skeleton", "technique", "figure")


@lru_cache(maxsize=64)
def _version(exercise: str) -> str:
    """Changes with whatever the bodies depend on."""
    source = ROOT / "src" / "kinecue"
    files = [*(source / "perception").glob("*.py"), *(source / "perception" / "data").glob("*.yaml")]
    files = [file for file in files if file.stem not in _OF_NETWORK_FILES]
    files += [source / "simulation" / "movement" / f"{name}.py" for name in _MOVEMENT]
    files += [Path(__file__).with_name("landmark_errors.py"), _module_of(exercise)]
    digest = hashlib.sha256(repr(posture_for(exercise)).encode())
    for file in sorted(files):
        text = file.read_text(encoding="utf-8")
        # comments and layout change nothing
        digest.update((ast.dump(ast.parse(text)) if file.suffix == ".py" else text).encode())
    return digest.hexdigest()[:12]


def _module_of(exercise: str) -> Path:
    """Where the technique of an exercise is."""
    technique = EXERCISES[exercise].technique
    while isinstance(technique, partial):
        technique = technique.func
    return Path(inspect.getfile(inspect.unwrap(technique)))


_ARRAYS = ("pixels", "pixel_std", "positions", "covariances", "states")


def _write(path: Path, made: MadeSet) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [i for i, body in enumerate(made.bodies) if body is not None]
    some = [body for body in made.bodies if body is not None]
    n = len(BLAZEPOSE_33)
    arrays: dict[str, Any] = {
        "rows": np.array(rows, np.int64),
        "stamps": np.array(made.stamps_ns, np.int64),
        "true_positions": made.truth.positions,
        "progress": made.truth.progress,
        "repetitions": np.array(json.dumps([asdict(r) for r in made.truth.repetitions])),
        "camera": np.array(json.dumps(asdict(made.truth.camera))),
        "scalars": np.array(
            [[b.confidence, b.view, b.calibrated, b.truncated, b.joint_covariance is not None] for b in some]
        ).reshape(-1, 5),
    }
    shapes = ((n, 2), (n,), (n, 3), (n, 3, 3), (n,))
    for name, shape in zip(_ARRAYS, shapes, strict=True):
        kind = np.uint8 if name == "states" else np.float32
        arrays[name] = np.array([getattr(b, name) for b in some], kind).reshape(-1, *shape)
    size = 3 * len(JOINTS)
    joint = [np.zeros((size, size)) if b.joint_covariance is None else b.joint_covariance for b in some]
    triangle = np.tril_indices(size)
    arrays["joint_covariance"] = np.array([j[triangle] for j in joint], np.float32).reshape(
        -1, len(triangle[0])
    )
    part = path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(part, **arrays)
    part.replace(path)


def _read(path: Path, key: SetKey) -> MadeSet:
    with np.load(path, allow_pickle=False) as archive:
        data = {name: archive[name] for name in archive.files}
    values = json.loads(str(data["camera"]))
    values["distortion"] = tuple(values["distortion"])
    camera = CameraModel(**values)
    stamps = data["stamps"].tolist()
    bodies: list[Body | None] = [None] * len(stamps)
    size = 3 * len(JOINTS)
    triangle = np.tril_indices(size)
    for k, row in enumerate(data["rows"].tolist()):
        confidence, view, calibrated, truncated, joint = data["scalars"][k].tolist()
        covariance = np.zeros((size, size))
        covariance[triangle] = data["joint_covariance"][k]
        covariance.T[triangle] = data["joint_covariance"][k]
        bodies[row] = Body(
            "lifta",
            stamps[row],
            BLAZEPOSE_33,
            *(data[name][k].astype(np.uint8 if name == "states" else np.float64) for name in _ARRAYS),
            confidence,
            (camera.width, camera.height),
            view=view,
            calibrated=bool(calibrated),
            camera_calibrated=not camera.intrinsics_estimated,
            truncated=bool(truncated),
            joint_landmarks=JOINTS if joint else (),
            joint_covariance=covariance if joint else None,
        )
    if "repetitions" in data:
        repetitions = tuple(TrueRepetition(**row) for row in json.loads(str(data["repetitions"])))
    else:
        repetitions = _repetitions(_performance(key))
    truth = Truth(repetitions, data["true_positions"], data["progress"], camera)
    return MadeSet(key, stamps, bodies, truth)


def _path_of(key: SetKey) -> Path:
    return STORE / key.exercise / _version(key.exercise) / f"{key.name}.npz"


def stored(key: SetKey) -> bool:
    """Whether the set is made already."""
    return _path_of(key).exists()


def make(key: SetKey, keep: bool = True) -> MadeSet:
    """The set, from the store if it is there.

    Raises:
        KineCueError: this athlete cannot do it.
        BenchError: there are no takes from such a view.
    """
    path = _path_of(key)
    if keep and path.exists():
        return _read(path, key)
    movement = perform(key)
    seen = network_sees(key, movement)
    truth = Truth(
        _repetitions(movement.performance),
        movement.positions,
        movement.moments.progress,
        movement.camera,
    )
    made = MadeSet(key, movement.stamps_ns.tolist(), fit(key, movement, seen), truth)
    if keep:
        _write(path, made)
        _clear(path.parent.parent, path.parent)
    return made


def _clear(folder: Path, newest: Path) -> None:
    """Sets of other versions go once nobody has made any for an hour."""
    for old in folder.iterdir():
        if old != newest and time.time() - old.stat().st_mtime > 3600.0:
            shutil.rmtree(old, ignore_errors=True)


def bodies_of(
    exercise: str,
    athlete: str,
    view: float = 45.0,
    faults: tuple[Planted, ...] = (),
    seed: int = 0,
    fps: float = 20.0,
    **others: Any,
) -> tuple[list[Body | None], list[int], Truth]:
    """Bodies, stamps and truth of a set; `others` as in `SetKey`."""
    made = make(SetKey(exercise, athlete, view, faults, seed=seed, fps=fps, **others))
    return made.bodies, made.stamps_ns, made.truth


def score(made: MadeSet, model: ExerciseModel, truth: bool = False) -> list[ScoreUpdate]:
    """The set through a fresh scorer, ended at its end.

    Args:
        truth: seen perfectly instead.
    """
    scorer = Scorer(model)
    bodies: list[Body | None] = list(made.true_bodies()) if truth else made.bodies
    updates = [scorer.update(body, stamp) for body, stamp in zip(bodies, made.stamps_ns, strict=True)]
    scorer.end_set(made.stamps_ns[-1])
    updates.append(scorer.flush())
    return updates


def _work(key: SetKey) -> tuple[SetKey, str]:
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        try:
            make(key)
        except KineCueError as error:
            return key, str(error)
    return key, ""


def make_all(keys: Iterable[SetKey], jobs: int = 1) -> Iterator[tuple[SetKey, str]]:
    """Sees to it that all sets are in the store; yields each with what went wrong, or nothing."""
    wanted = list(dict.fromkeys(keys))
    if jobs <= 1:
        yield from map(_work, wanted)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_work, wanted)
