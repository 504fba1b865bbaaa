"""Who is who when people cross: identity switches, the choice of the lifter, and what that costs.

Simulated scenes with people who walk before and behind the lifter, turn round in front of them, leave and come back, wear
the same clothes, and stand in a mirror. The truth says where everybody is in each picture. Pictures are rendered once and
kept under bench_output/identities.

    python bench/identities.py [--variant lite] [--people 3] [--scene crossing ...] [--sheet FOLDER]
"""

from __future__ import annotations

import argparse
import math
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment
from threadpoolctl import threadpool_limits

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.blazepose import BlazePose
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.lifter import LifterChoice, Seen
from kinecue.perception.models import ModelStore
from kinecue.simulation.athletes.athlete import Athlete, BoneTransforms
from kinecue.simulation.gym import Gym
from kinecue.simulation.movement.set_plan import SetPlan
from kinecue.simulation.picture.camera_parts import Mount, Sensor
from kinecue.simulation.picture.cameras import SyntheticCamera
from kinecue.simulation.programmes import Programme
from kinecue.simulation.surroundings import PlacedBystander, Surroundings, passers_by

FloatArray = NDArray[np.float64]
Path2 = tuple[tuple[float, float], ...]

OUTPUT = Path(__file__).resolve().parents[1] / "bench_output"
EVERY = 2
"""Of the 30 pictures a second that the camera takes: 15 are what a small computer manages with three people."""
LIFTER = "lifter"
SAME_PLACE = 0.15
"""Median distance of landmarks from the truth under which an answer is about that person, share of their height."""
_TRUNK = BLAZEPOSE_33.indices(L.LEFT_SHOULDER, L.RIGHT_SHOULDER, L.LEFT_HIP, L.RIGHT_HIP)
_BODY = BLAZEPOSE_33.indices(
    *(
        L(f"{side}_{part}")
        for side in ("left", "right")
        for part in ("shoulder", "elbow", "hip", "knee", "ankle")
    )
)
_FORMAT = 1


def _passer(athlete: str, outfit: str, path: Path2, start_s: float, speed: float = 1.25) -> PlacedBystander:
    return PlacedBystander(athlete, outfit, path, speed, start_s)


def _across(x: float, half: float, side: float = 1.0) -> Path2:
    return ((x, side * half), (x, -side * half))


def _programme(
    name: str,
    exercise: str,
    athlete: str,
    outfit: str,
    view_deg: float,
    people: tuple[PlacedBystander, ...],
    aside: Mount | None = None,
    distance: float = 3.0,
) -> Programme:
    """The last camera films; `aside` puts it beside the first, where it sees the mirror on the back wall."""
    camera = SyntheticCamera(sensor=Sensor(rate=30.0, exposure_s=0.006, jpeg_quality=90), seed=5)
    cameras = (camera,) if aside is None else (camera, replace(camera, name="aside", mount=aside))
    return Programme(
        name,
        exercise,
        athlete,
        outfit,
        SetPlan(2, still_s=1.0, after_s=0.5, seed=3),
        math.radians(view_deg),
        distance,
        cameras,
        Surroundings(mirrors=("back",) if aside is not None else (), bystanders=people),
    )


def _all_programmes() -> Iterable[Programme]:
    before, behind = 1.7, 4.4
    yield _programme(
        "crossing",
        "squat",
        "average_man",
        "training",
        0.0,
        (
            _passer("average_woman", "leggings", _across(behind, 3.0), 0.3),
            _passer("tall", "tank_top", _across(before, 1.9, -1.0), 3.2),
        ),
    )
    yield _programme(
        "same_clothes",
        "squat",
        "long_femur_woman",
        "black",
        45.0,
        (
            _passer("average_woman", "black", _across(before + 0.2, 2.1), 0.8),
            _passer("average_woman", "black", _across(behind - 0.3, 3.0, -1.0), 3.4),
        ),
    )
    yield _programme(
        "turning_round",
        "overhead_press",
        "average_woman",
        "leggings",
        0.0,
        (
            _passer("muscular", "training", ((1.8, 2.0), (1.8, -0.15), (1.9, 2.0)), 0.4),
            _passer("light_man", "wide_shirt", ((4.2, -2.8), (4.2, 0.2), (4.3, -2.8)), 1.2),
        ),
    )
    yield _programme(
        "meeting",
        "biceps_curl",
        "heavy",
        "wide_shirt",
        30.0,
        (
            _passer("tall", "tank_top", _across(4.3, 2.9), 0.6),
            _passer("short", "training", _across(3.9, 2.9, -1.0), 0.6),
        ),
    )
    yield _programme(
        "coming_back",
        "deadlift",
        "average_man",
        "tank_top",
        45.0,
        (
            _passer("average_woman", "training", ((4.2, -1.2), (4.2, -3.2), (4.2, -3.25), (4.2, 3.0)), 0.2),
            _passer("older", "baggy", _across(1.8, 2.0), 4.2, 0.9),
        ),
    )
    yield _programme(
        "mirror",
        "squat",
        "average_woman",
        "training",
        0.0,
        (_passer("light_man", "leggings", ((2.0, 0.3), (4.9, -2.6)), 2.0),),
        Mount(x=2.2, y=-2.2, yaw=math.radians(35.0), height=1.2, tilt=math.radians(5.0)),
        4.6,
    )
    yield _programme(
        "looking_into_mirror",
        "biceps_curl",
        "average_man",
        "training",
        180.0,
        (_passer("light_man", "tank_top", ((2.0, 0.3), (4.9, -2.6)), 3.0),),
        Mount(x=2.2, y=-2.2, yaw=math.radians(35.0), height=1.2, tilt=math.radians(5.0)),
        4.6,
    )
    # constants of the tracker were chosen on the scenes above; these are for judging only
    for name, exercise, athlete, outfit, view, seed in (
        ("judged_45", "squat", "muscular_woman", "like_the_wall", 45.0, 21),
        ("judged_90", "romanian_deadlift", "light", "baggy", 90.0, 34),
    ):
        yield _programme(name, exercise, athlete, outfit, view, passers_by(4, 3.0, seed, 6.5))


SCENES: dict[str, Programme] = {p.name: p for p in _all_programmes()}


@dataclass(frozen=True)
class Filmed:
    """A scene's pictures and where everybody is in them, T pictures.

    Attributes:
        stamps_ns: (T,) int64.
        pictures: T JPEGs.
        names: of P people, the lifter first; reflections end with ``_reflected``.
        pixels: (P, T, 33, 2) true landmarks; NaN while somebody is not there.
        distance: (P, T) from the camera along the light's path, m.
    """

    stamps_ns: NDArray[np.int64]
    pictures: list[NDArray[np.uint8]]
    names: list[str]
    pixels: FloatArray
    distance: FloatArray

    def picture(self, index: int) -> NDArray[np.uint8]:
        """(H, W, 3) BGR."""
        return np.asarray(cv2.imdecode(self.pictures[index], cv2.IMREAD_COLOR), dtype=np.uint8)


def _landmarks(athlete: Athlete, transforms: BoneTransforms | None) -> FloatArray:
    if transforms is None:
        return np.full((len(BLAZEPOSE_33), 3), np.nan)
    points = athlete.landmarks(transforms)
    return np.stack([points[landmark] for landmark in BLAZEPOSE_33.landmarks])


def render(programme: Programme) -> Filmed:
    """The pictures of a scene."""
    gym = Gym(programme)
    camera, mirrors = gym.cameras[-1], gym.scene.mirrors
    stamps, pictures, places = [], [], []
    names = [LIFTER, *(f"bystander_{i}" for i in range(len(gym.bystanders)))]
    for taken in gym.frames(camera, gym.renderer(camera), shots=gym.shots(camera)[::EVERY]):
        if taken.image is None:
            continue
        people = [taken.truth.positions]
        people += [_landmarks(b.athlete, b.transforms(taken.truth.time_s)) for b in gym.bystanders]
        people += [mirror.reflected(points) for mirror in mirrors for points in people[: len(names)]]
        stamps.append(taken.shot.stamp_ns)
        pictures.append(cv2.imencode(".jpg", taken.image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].reshape(-1))
        places.append(people)
    everybody = np.array(places).transpose(1, 0, 2, 3)
    names += [f"{name}_reflected" for _ in mirrors for name in names]
    with np.errstate(invalid="ignore"):
        pixels = camera.project(everybody)
        distance = np.linalg.norm(everybody.mean(2) - camera.centre, axis=-1)
    return Filmed(np.array(stamps), pictures, names, pixels, distance)


def film(programme: Programme) -> Filmed:
    """The pictures of a scene, rendered if they are not there yet."""
    mark = zlib.crc32(repr(programme).encode())
    path = OUTPUT / "identities" / f"v{_FORMAT}" / f"{programme.name}-{mark:08x}.npz"
    if not path.exists():
        made = render(programme)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(
            part,
            stamps_ns=made.stamps_ns,
            lengths=np.array([len(p) for p in made.pictures]),
            pictures=np.concatenate(made.pictures),
            names=np.array(made.names),
            pixels=made.pixels,
            distance=made.distance,
        )
        part.replace(path)
    with np.load(path, allow_pickle=False) as archive:
        ends = np.cumsum(archive["lengths"])
        return Filmed(
            archive["stamps_ns"],
            np.split(archive["pictures"], ends[:-1]),
            [str(name) for name in archive["names"]],
            archive["pixels"],
            archive["distance"],
        )


@dataclass
class Tally:
    """What happened in a scene.

    Attributes:
        frames: pictures.
        lifter_switches, bystander_switches, reflection_switches: how often somebody's identity changed.
        lifter_lost: pictures in which the lifter was in sight and nobody told.
        not_the_lifter: pictures in which the active person was somebody else.
        ghosts: answers that are nobody, and second answers for one person.
        landmark_runs, detector_runs: in all.
        seconds: time of the tracker with its networks.
    """

    frames: int = 0
    lifter_switches: int = 0
    bystander_switches: int = 0
    reflection_switches: int = 0
    lifter_lost: int = 0
    not_the_lifter: int = 0
    ghosts: int = 0
    landmark_runs: int = 0
    detector_runs: int = 0
    seconds: float = 0.0

    def switched(self, name: str) -> None:
        """Counts a switch of somebody."""
        if name == LIFTER:
            self.lifter_switches += 1
        elif name.endswith("reflected"):
            self.reflection_switches += 1
        else:
            self.bystander_switches += 1


def in_sight(filmed: Filmed, person: int, index: int, size: tuple[int, int]) -> bool:
    """Whether most of a person's trunk is in the picture and nobody nearer stands before it."""
    trunk = filmed.pixels[person, index][_TRUNK]
    if not np.isfinite(trunk).all() or (trunk < 0).any() or (trunk >= size).any():
        return False
    left, right = trunk[:, 0].min(), trunk[:, 0].max()
    for other in range(len(filmed.names)):
        points = filmed.pixels[other, index]
        if other == person or not np.isfinite(points).all():
            continue
        body = points[_BODY, 0]
        if filmed.distance[other, index] < filmed.distance[person, index] and (
            body.min() < right + 5.0 and body.max() > left - 5.0
        ):
            return False
    return True


def who(
    filmed: Filmed, index: int, people: Sequence[Landmarks2D], last: dict[str, int]
) -> dict[str, Landmarks2D]:
    """Truth's names of the people found; who was called so before keeps the name if they are near enough."""
    names = [k for k in range(len(filmed.names)) if np.isfinite(filmed.pixels[k, index]).all()]
    if not names or not people:
        return {}
    table = np.empty((len(names), len(people)))
    for row, k in enumerate(names):
        true = filmed.pixels[k, index]
        height = float(np.linalg.norm(np.ptp(true, axis=0)))
        for column, person in enumerate(people):
            off = float(np.median(np.linalg.norm(person.pixels - true, axis=1))) / height
            kept = last.get(filmed.names[k]) == person.identity
            table[row, column] = off - (1.0 if kept else 0.0) if off < SAME_PLACE else 1e3
    rows, columns = linear_sum_assignment(table)
    return {
        filmed.names[names[r]]: people[c]
        for r, c in zip(rows, columns, strict=True)
        if table[r, c] < SAME_PLACE
    }


def judge(
    filmed: Filmed,
    network: BlazePose,
    look: Callable[[int, list[Landmarks2D], str | None], None] | None = None,
) -> Tally:
    """Lets the network follow the people of a scene."""
    network.reset()
    tally = Tally(frames=len(filmed.pictures))
    tracker = network.tracker
    runs, detections = tracker.landmark_runs, tracker.detector_runs
    choice = LifterChoice()
    last: dict[str, int] = {}
    for index, stamp in enumerate(filmed.stamps_ns.tolist()):
        picture = filmed.picture(index)
        size = (picture.shape[1], picture.shape[0])
        begun = time.perf_counter()
        people = network.estimate(picture, stamp)
        active = choice.update([Seen.of_landmarks(p, str(p.identity), size) for p in people], stamp)
        network.favour(None if choice.lifter is None else int(choice.lifter))
        tally.seconds += time.perf_counter() - begun
        names = who(filmed, index, people, last)
        for name, person in names.items():
            if last.get(name, person.identity) != person.identity:
                tally.switched(name)
            last[name] = person.identity
        tally.ghosts += len(people) - len(names)
        lifter = names.get(LIFTER)
        if active is not None and (lifter is None or str(lifter.identity) != active):
            tally.not_the_lifter += 1
        if (active is None or lifter is None) and in_sight(filmed, 0, index, size):
            tally.lifter_lost += 1
        if look is not None:
            look(index, people, active)
    tally.landmark_runs = tracker.landmark_runs - runs
    tally.detector_runs = tracker.detector_runs - detections
    return tally


def measure(
    variant: str = "full",
    max_people: int = 3,
    scenes: Sequence[str] = (),
    console: Console | None = None,
    sheets: Path | None = None,
) -> dict[str, Any]:
    """Figures of the scenes.

    Args:
        variant: landmark network.
        max_people: followed at once.
        scenes: of `SCENES`; all if empty.
        console: for a table.
        sheets: folder for contact sheets of what was found.

    Returns:
        ``id_switches`` (lifter and bystanders together, all scenes), ``lifter_switches``, ``not_the_lifter_frames``,
        ``lifter_lost_frames``, ``ghosts``, ``frames``, ``landmark_runs_per_frame``, ``detector_runs_per_frame``,
        ``ms_per_frame``, and ``scenes`` with the same by name.
    """
    cv2.setNumThreads(1)
    tallies: dict[str, Tally] = {}
    with threadpool_limits(1):
        network = BlazePose(ModelStore(), variant, max_people=max_people)
        for name in scenes or SCENES:
            filmed = film(SCENES[name])
            sheet = None if sheets is None else Sheet(filmed)
            tallies[name] = judge(filmed, network, sheet)
            if sheet is not None and sheets is not None:
                sheets.mkdir(parents=True, exist_ok=True)
                sheet.write(sheets / f"{name}.png")
    total = Tally(**{f.name: sum(getattr(t, f.name) for t in tallies.values()) for f in fields(Tally)})
    if console is not None:
        console.print(_table(tallies | {"all": total}, f"BlazePose {variant}, {max_people} people"))
    return _figures(total) | {"scenes": {name: _figures(tally) for name, tally in tallies.items()}}


def _figures(tally: Tally) -> dict[str, Any]:
    frames = max(tally.frames, 1)
    return {
        "id_switches": tally.lifter_switches + tally.bystander_switches,
        "lifter_switches": tally.lifter_switches,
        "reflection_switches": tally.reflection_switches,
        "not_the_lifter_frames": tally.not_the_lifter,
        "lifter_lost_frames": tally.lifter_lost,
        "ghosts": tally.ghosts,
        "frames": tally.frames,
        "landmark_runs_per_frame": round(tally.landmark_runs / frames, 2),
        "detector_runs_per_frame": round(tally.detector_runs / frames, 2),
        "ms_per_frame": round(1e3 * tally.seconds / frames, 1),
    }


def _table(tallies: dict[str, Tally], title: str) -> Table:
    table = Table(title=title)
    keys = list(_figures(Tally()))
    table.add_column("scene")
    for key in keys:
        table.add_column(key.replace("_", " "), justify="right")
    for name, tally in tallies.items():
        table.add_row(name, *(str(value) for value in _figures(tally).values()))
    return table


class Sheet:
    """A contact sheet: every so many pictures with what was found."""

    def __init__(self, filmed: Filmed, every: int = 4, columns: int = 7) -> None:
        self._filmed, self._every, self._columns = filmed, every, columns
        self._tiles: list[NDArray[np.uint8]] = []

    def __call__(self, index: int, people: list[Landmarks2D], active: str | None) -> None:
        if index % self._every:
            return
        picture = self._filmed.picture(index).copy()
        for person in people:
            colour = _COLOURS[person.identity % len(_COLOURS)]
            pixels = np.clip(person.pixels, -1e4, 1e4)
            for a, b in person.topology.bones:
                ends = pixels[person.topology.indices(a, b)].round().astype(int)
                cv2.line(picture, ends[0].tolist(), ends[1].tolist(), colour, 3)
            place = pixels[person.topology.index(L.NOSE)].round().astype(int)
            mark = "*" if str(person.identity) == active else ""
            cv2.putText(picture, f"{person.identity}{mark}", place.tolist(), 0, 1.4, colour, 4)
        cv2.putText(picture, str(index), (8, 40), 0, 1.2, (0, 0, 0), 3)
        self._tiles.append(cv2.resize(picture, (280, 210), interpolation=cv2.INTER_AREA))

    def write(self, path: Path) -> None:
        """As a picture."""
        tiles = list(self._tiles)
        while len(tiles) % self._columns:
            tiles.append(np.zeros_like(tiles[0]))
        rows = [np.hstack(tiles[i : i + self._columns]) for i in range(0, len(tiles), self._columns)]
        cv2.imwrite(str(path), np.vstack(rows))


_COLOURS = ((40, 40, 255), (255, 90, 0), (0, 170, 0), (200, 0, 200), (0, 160, 255), (160, 160, 0), (0, 0, 0))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variant", default="full")
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--scene", action="append", default=[], choices=sorted(SCENES))
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    measure(arguments.variant, arguments.people, arguments.scene, Console(width=170), arguments.sheet)


if __name__ == "__main__":
    main()
