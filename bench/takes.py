"""Simulated sets as the pose network sees them, with the truth: rendered once, kept under bench_output/takes.

A take is a set by one athlete before one camera. Perception is measured on these takes, and its constants were tuned on
those of `TUNING` only; `JUDGING` has other people, tempos, clothes and mounts.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from threadpoolctl import threadpool_limits

from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.perception.blazepose import BlazePose
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.models import ModelStore
from kinecue.perception.regions import Region
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.gym import Gym
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan, Tempo
from kinecue.simulation.picture.camera_parts import Lens, Mount, Sensor
from kinecue.simulation.picture.cameras import SyntheticCamera
from kinecue.simulation.picture.framing import FARTHEST, whole_body_distance
from kinecue.simulation.picture.outfits import OUTFITS
from kinecue.simulation.programmes import Programme

FloatArray = NDArray[np.float64]

OUTPUT = Path(__file__).resolve().parents[1] / "bench_output"
VIEWS = {"front": 0.0, "45": 45.0, "90": 90.0}
STANDING = "standing"
"""Not an exercise: two seconds of standing still, arms slightly away, for the calibration."""
TUNING = ("average_man", "long_femur_woman", "heavy")
JUDGING = ("light", "long_arms", "short_femur", "older_woman")
_MOUNTS = ((1.05, 3.0), (1.3, 7.0), (0.8, 0.0), (1.6, 12.0), (1.15, 5.0))
_NANOSECONDS = 1_000_000_000
_FORMAT = 3


@dataclass(frozen=True)
class TakeKey:
    """What a take shows.

    Attributes:
        exercise: or `STANDING`.
        athlete: of the presets.
        view: of `VIEWS`.
        fault: planted in every repetition, as ``name=magnitude``; empty for none.
        tempo: factor on the exercise's own durations.
        fps: frames per second.
    """

    exercise: str
    athlete: str
    view: str
    fault: str = ""
    tempo: float = 1.0
    fps: float = 30.0

    @property
    def name(self) -> str:
        """Of the file."""
        fault = f"-{self.fault.replace('=', '')}" if self.fault else ""
        return f"{self.exercise}-{self.athlete}-{self.view}{fault}-t{self.tempo:g}-{self.fps:g}"

    @property
    def seed(self) -> int:
        """Depends on who does what only, so that all views show the same set."""
        return zlib.crc32(f"{self.exercise} {self.athlete} {self.fault}".encode()) % 10_000


@dataclass(frozen=True)
class Take:
    """A set seen by the network, T frames, 33 landmarks; base frame of the camera.

    Attributes:
        stamps_ns: (T,) int64.
        found: (T,) whether the network saw the person.
        pixels, visibility, presence, depth, world, spread, score, region: the network's, NaN where not found.
        true_positions: (T, 33, 3) m.
        true_pixels: (T, 33, 2).
        true_visibility: (T, 33) of `kinecue.simulation.picture.visibility.Visibility`.
        true_trunk: (T, 3) m, top of the breastbone's height on the spine (bone ``neck_01``).
        progress, repetition: (T,).
        angles: (T, K) rad, columns `angle_names`.
        camera: JSON of the `CameraModel`.
    """

    stamps_ns: NDArray[np.int64]
    found: NDArray[np.bool_]
    pixels: FloatArray
    visibility: FloatArray
    presence: FloatArray
    depth: FloatArray
    world: FloatArray
    spread: FloatArray
    score: FloatArray
    region: FloatArray
    true_positions: FloatArray
    true_pixels: FloatArray
    true_visibility: NDArray[np.int64]
    true_trunk: FloatArray
    progress: FloatArray
    repetition: NDArray[np.int64]
    angles: FloatArray
    angle_names: NDArray[np.str_]
    camera: NDArray[np.str_]

    @cached_property
    def camera_model(self) -> CameraModel:
        """The true camera."""
        values = json.loads(str(self.camera))
        values["distortion"] = tuple(values["distortion"])
        return CameraModel(**values)

    def landmarks(self) -> list[Landmarks2D | None]:
        """What the network said, frame by frame."""
        result: list[Landmarks2D | None] = []
        for i, stamp in enumerate(self.stamps_ns.tolist()):
            if not self.found[i]:
                result.append(None)
                continue
            result.append(
                Landmarks2D(
                    stamp,
                    BLAZEPOSE_33,
                    self.pixels[i],
                    self.depth[i],
                    self.visibility[i],
                    self.presence[i],
                    self.world[i],
                    self.spread[i],
                    float(self.score[i]),
                    Region(*self.region[i].tolist()),
                )
            )
        return result


def load(path: Path) -> Take:
    """Reads a take."""
    with np.load(path, allow_pickle=False) as archive:
        return Take(**{f.name: archive[f.name] for f in fields(Take)})


def camera_for(key: TakeKey) -> SyntheticCamera:
    """The same for all takes of an athlete, so that one calibration serves all."""
    height, tilt = _MOUNTS[zlib.crc32(key.athlete.encode()) % len(_MOUNTS)]
    return SyntheticCamera(
        "camera",
        Mount(height=height, tilt=math.radians(tilt)),
        Lens(),
        Sensor(rate=key.fps, exposure_s=0.006, jpeg_quality=85),
        seed=key.seed,
    )


def programme(key: TakeKey) -> Programme:
    """The set of a take, the athlete as near as the whole body fits into the picture."""
    standing = key.exercise == STANDING
    exercise = EXERCISES["squat" if standing else key.exercise]
    faults: tuple[PlantedFault, ...] = ()
    repetitions = 0 if standing else 1 if key.exercise in ("turkish_get_up", "plank") else 2
    if key.fault:
        name, magnitude = key.fault.split("=")
        kind = exercise.faults[name]
        size = float(magnitude) * {"rad": math.pi / 180.0, "m": 0.01, "1": 0.01}[kind.unit]
        faults = (PlantedFault(name, tuple(range(1, repetitions + 1)), size),)
    own = exercise.tempo
    tempo = Tempo(own.out_s * key.tempo, own.hold_s, own.back_s * key.tempo, own.rest_s)
    still = 2.0 if standing else 0.7
    plan = SetPlan(repetitions, tempo, faults, still_s=still, after_s=0.4, seed=key.seed)
    camera, view = camera_for(key), math.radians(VIEWS[key.view])
    performance = Performance(Athlete(key.athlete), exercise, plan)
    figure = performance.figure(np.linspace(0.0, performance.duration_s, 24))
    reach = np.stack(list(figure.points.values()), 1).reshape(-1, 3)
    reach = np.concatenate([reach, reach + [0.0, 0.0, 0.12], reach - [0.0, 0.0, 0.04]])
    distance = max(2.6, min(whole_body_distance(reach, camera, view), FARTHEST - 0.2))
    outfits = sorted(OUTFITS)
    return Programme(
        "take",
        "squat" if standing else key.exercise,
        key.athlete,
        outfits[key.seed % len(outfits)],
        plan,
        view,
        distance,
        (camera,),
    )


def shoot(key: TakeKey, network: BlazePose) -> Take:
    """Renders the set and lets the network look at it."""
    network.reset()
    gym = Gym(programme(key))
    rows: dict[str, list[object]] = {f.name: [] for f in fields(Take)}
    names: list[str] = []
    n = len(BLAZEPOSE_33)
    for taken in gym.frames(renderer=gym.renderer()):
        if taken.image is None:
            continue
        people = network.estimate(taken.image, taken.shot.stamp_ns)
        truth = taken.truth
        names = names or sorted(truth.angles)
        found = [p for p in people if _is(p.pixels, taken.seen.pixels)]
        person = found[0] if found else None
        rows["stamps_ns"].append(taken.shot.stamp_ns)
        rows["found"].append(person is not None)
        for field, shape in (
            ("pixels", (n, 2)),
            ("visibility", (n,)),
            ("presence", (n,)),
            ("depth", (n,)),
            ("world", (n, 3)),
            ("spread", (n,)),
        ):
            rows[field].append(np.full(shape, np.nan) if person is None else getattr(person, field))
        r = person.region if person else None
        rows["score"].append(person.score if person else 0.0)
        rows["region"].append([r.x, r.y, r.size, r.angle] if r else [np.nan] * 4)
        rows["true_positions"].append(truth.positions)
        rows["true_pixels"].append(taken.seen.pixels)
        rows["true_visibility"].append(taken.seen.visibility)
        rows["true_trunk"].append(truth.transforms.heads[gym.athlete.bone_index["neck_01"]])
        rows["progress"].append(truth.state.progress)
        rows["repetition"].append(truth.state.repetition)
        rows["angles"].append([truth.angles[name] for name in names])
    arrays = {name: np.asarray(values) for name, values in rows.items()}
    arrays["angle_names"] = np.array(names)
    arrays["camera"] = np.array(json.dumps(asdict(gym.cameras[0].model)))
    return Take(**arrays)


def _is(pixels: FloatArray, true: FloatArray) -> bool:
    size = float(np.linalg.norm(np.ptp(true, axis=0)))
    return bool(np.median(np.linalg.norm(pixels - true, axis=1)) < 0.15 * size)


def path_of(key: TakeKey) -> Path:
    """Where a take is kept."""
    return OUTPUT / "takes" / f"v{_FORMAT}" / f"{key.name}.npz"


_network: BlazePose | None = None


def _work(key: TakeKey) -> tuple[TakeKey, str]:
    global _network
    cv2.setNumThreads(1)
    threadpool_limits(1)
    if _network is None:
        _network = BlazePose(ModelStore())
    path = path_of(key)
    try:
        take = shoot(key, _network)
    except Exception as error:
        return key, f"{type(error).__name__}: {error}"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, **{f.name: getattr(take, f.name) for f in fields(Take)})
    part.replace(path)
    return key, ""


def make(keys: Iterable[TakeKey], processes: int, console: Console) -> list[TakeKey]:
    """Renders what is not there yet; returns those that are there then."""
    wanted = list(dict.fromkeys(keys))
    missing = [key for key in wanted if not path_of(key).exists()]
    if missing:
        with Progress(console=console) as bar, multiprocessing.get_context("spawn").Pool(processes) as pool:
            task = bar.add_task("takes", total=len(missing))
            for key, problem in pool.imap_unordered(_work, missing):
                if problem:
                    console.print(f"[yellow]{key.name}: {problem}")
                bar.advance(task)
    return [key for key in wanted if path_of(key).exists()]


def standing_keys(athletes: Iterable[str]) -> list[TakeKey]:
    """Calibrations."""
    return [TakeKey(STANDING, athlete, view) for athlete in athletes for view in VIEWS]


def tuning_keys() -> list[TakeKey]:
    """Everything that constants may be tuned on."""
    keys = standing_keys(TUNING)
    keys += [TakeKey("squat", athlete, view) for athlete in TUNING for view in VIEWS]
    keys += [TakeKey("squat", "average_man", view, "knees_in=20") for view in VIEWS]
    for athlete in TUNING[:2]:
        keys += [TakeKey(e, athlete, view) for e in EXERCISES if e != "squat" for view in VIEWS]
    return keys


def judging_keys() -> list[TakeKey]:
    """Everything that figures come from."""
    keys = standing_keys(JUDGING)
    keys += [
        TakeKey("squat", a, view, tempo=t)
        for a, t in zip(JUDGING, (0.7, 1.3, 1.0, 1.6), strict=True)
        for view in VIEWS
    ]
    keys += [TakeKey("squat", a, view, "knees_in=20") for a in JUDGING[:2] for view in VIEWS]
    for athlete, tempo in ((JUDGING[0], 1.2), (JUDGING[1], 0.85)):
        keys += [TakeKey(e, athlete, view, tempo=tempo) for e in EXERCISES if e != "squat" for view in VIEWS]
    return keys
