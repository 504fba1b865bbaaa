"""From what a person types to a programme: names, degrees, centimetres and percent."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.body.volume.skinning import skin
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.exercises import exercise_named
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import SIDES, FaultKind, PlantedFault, SetPlan, Tempo, check_fault
from kinecue.simulation.picture.cameras import CAMERAS, Lens, Mount, SyntheticCamera
from kinecue.simulation.picture.framing import whole_body_distance
from kinecue.simulation.picture.outfits import OUTFITS
from kinecue.simulation.picture.scene import Wall
from kinecue.simulation.programmes import MachinePart, Programme, cameras_at, view_name
from kinecue.simulation.surroundings import (
    WALLS,
    PlacedOccluder,
    Surroundings,
    one_of,
    passers_by,
    within,
)

FloatArray = NDArray[np.float64]

UNITS = {"rad": ("deg", math.pi / 180.0), "m": ("cm", 0.01), "1": ("%", 0.01)}
"""Unit of a magnitude as a person gives it, and its size, by the unit inside."""
PLAIN = "plain"
"""Name of the default camera."""
CAMERA_NAMES = (PLAIN, *CAMERAS)
_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")


class RequestError(KineCueError):
    """What was asked for cannot be; the text names the option and what is allowed."""


@dataclass(frozen=True)
class Request:
    """A set as a person asks for it.

    Attributes:
        exercise, athlete, outfit: names.
        views: degrees; one camera each; 0 sees the face, 90 the left side, -90 the right side, 180 the back.
        faults: ``NAME=MAGNITUDE[:reps=1,3-5][:side=left]``; degrees, cm or percent by the fault's unit.
        repetitions: how many.
        tempo: ``OUT-HOLD-BACK-REST`` in s; empty for the exercise's own.
        fatigue, variation: see `kinecue.simulation.movement.set_plan.SetPlan`.
        partial: ``NUMBER=SHARE`` of the range.
        failed: numbers.
        side: who leads.
        approach: see `SetPlan`.
        camera: one of `CAMERA_NAMES`.
        distance: m; 0 for the nearest from which the whole movement is in the picture.
        height, tilt: of the cameras, m and degrees; None as the camera has it.
        fps, size, fov, exposure_ms: frames/s, ``WIDTHxHEIGHT``, degrees, ms; 0 or empty as the camera has it.
        drop, jitter_ms: percent of lost frames, standard deviation of the stamps in ms.
        light: name.
        occluders: ``NAME`` or ``NAME=X,Y[,TURN]``, m on the floor of the gym and degrees.
        mirrors: walls.
        bystanders: how many walk past.
        machine, flaws, load: of exercises with a cable; load in kg.
        seed: of everything.
        name: of the files; empty for ``EXERCISE_ATHLETE``.
    """

    exercise: str
    athlete: str = "average_man"
    outfit: str = "training"
    views: tuple[float, ...] = (0.0,)
    faults: tuple[str, ...] = ()
    repetitions: int = 5
    tempo: str = ""
    fatigue: float = 0.0
    variation: float = 1.0
    partial: tuple[str, ...] = ()
    failed: tuple[int, ...] = ()
    side: str = "alternate"
    approach: str = "none"
    camera: str = PLAIN
    distance: float = 0.0
    height: float | None = None
    tilt: float | None = None
    fps: float = 0.0
    size: str = ""
    fov: float = 0.0
    exposure_ms: float = 0.0
    drop: float = 0.0
    jitter_ms: float = 0.0
    light: str = "bright"
    occluders: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    bystanders: int = 0
    machine: str = "stack"
    flaws: str = "typical"
    load: float = 20.0
    seed: int = 0
    name: str = ""

    def programme(self) -> Programme:
        """What is asked for.

        Raises:
            KineCueError: something that there is not; names the option and what is allowed.
        """
        exercise = exercise_named(self.exercise)
        one_of("simulate", "athlete", self.athlete, ATHLETES)
        one_of("simulate", "outfit", self.outfit, OUTFITS)
        if self.seed < 0:
            raise RequestError(f"seed must be 0 or more, got {self.seed}")
        plan = self._plan()
        for fault in plan.faults:
            check_fault(fault, plan, exercise.faults)
        if not self.views:
            raise RequestError("view: at least one is needed")
        for view in self.views:
            within("simulate", "view", view, -360.0, 360.0, "degrees")
        views = [math.radians(view) for view in self.views]
        preset = self._camera()
        distance = self.distance
        if distance == 0.0:
            distance = max(fitting_distance(self.exercise, self.athlete, preset, view) for view in views)
        name = self.name or f"{self.exercise}_{self.athlete}"
        if len(views) == 1:
            name = f"{name}_{view_name(views[0])}"
        # a rough length is enough to spread people over it
        seconds = 4.0 * plan.repetitions + plan.still_s + plan.after_s
        return Programme(
            name,
            self.exercise,
            self.athlete,
            self.outfit,
            plan,
            views[0],
            distance,
            cameras_at(views, distance, preset, self.seed),
            Surroundings(
                self.light,
                tuple(occluder(text, distance) for text in self.occluders),
                tuple(wall(name) for name in self.mirrors),
                passers_by(self.bystanders, distance, self.seed, seconds),
            ),
            MachinePart(self.machine, self.flaws, self.load),
        )

    def _plan(self) -> SetPlan:
        faults = tuple(
            fault(text, exercise_named(self.exercise).faults, self.repetitions) for text in self.faults
        )
        return SetPlan(
            self.repetitions,
            tempo(self.tempo) if self.tempo else None,
            faults,
            variation=self.variation,
            fatigue=self.fatigue,
            partial=dict(partial(text) for text in self.partial),
            failed=self.failed,
            side=self.side,
            approach=self.approach,
            seed=self.seed,
        )

    def _camera(self) -> SyntheticCamera:
        one_of("simulate", "camera", self.camera, CAMERA_NAMES)
        camera = SyntheticCamera() if self.camera == PLAIN else CAMERAS[self.camera]
        mount, lens, sensor, stream = camera.mount, camera.lens, camera.sensor, camera.stream
        if self.height is not None or self.tilt is not None:
            mount = Mount(
                height=mount.height if self.height is None else self.height,
                tilt=mount.tilt if self.tilt is None else math.radians(self.tilt),
                roll=mount.roll,
            )
        if self.size or self.fov:
            width, height = size(self.size) if self.size else (lens.width, lens.height)
            fov = math.radians(self.fov) if self.fov else lens.horizontal_fov
            lens = Lens(width, height, fov, lens.distortion)
        if self.fps:
            within("simulate", "fps", self.fps, 30.0, 200.0, "frames/s")
            sensor = replace(sensor, rate=self.fps, exposure_s=min(sensor.exposure_s, 1.0 / self.fps))
        if self.exposure_ms:
            sensor = replace(sensor, exposure_s=self.exposure_ms / 1000.0)
        if self.drop or self.jitter_ms:
            within("simulate", "drop", self.drop, 0.0, 100.0, "%")
            within("simulate", "jitter", self.jitter_ms, 0.0, 1000.0, "ms")
            stream = replace(stream, drop_probability=self.drop / 100.0, jitter_s=self.jitter_ms / 1000.0)
        return replace(camera, mount=mount, lens=lens, sensor=sensor, stream=stream)


# -- parts of it


def fault(text: str, kinds: Mapping[str, FaultKind], repetitions: int) -> PlantedFault:
    """``NAME=MAGNITUDE[:reps=1,3-5][:side=left]``.

    Args:
        text: what was typed; the magnitude in degrees, cm or percent.
        kinds: the exercise's faults.
        repetitions: of the set; all of them if none are named.

    Raises:
        RequestError: not of this form, or there is no such fault.
    """
    first, *options = text.split(":")
    name, equals, number = first.partition("=")
    form = "NAME=MAGNITUDE[:reps=1,3-5][:side=left]"
    if not equals:
        raise RequestError(f"fault {text!r}: must be of the form {form}")
    if name not in kinds:
        raise RequestError(f"fault {name!r}: must be one of {', '.join(sorted(kinds))}")
    magnitude = _number("fault", text, number) * UNITS[kinds[name].unit][1]
    numbers, side = tuple(range(1, repetitions + 1)), "both"
    for option in options:
        key, equals, value = option.partition("=")
        if key == "reps" and equals:
            numbers = _numbers(text, value)
        elif key == "side" and equals:
            if value not in SIDES:
                raise RequestError(f"fault {text!r}: side must be one of {', '.join(SIDES)}, got {value!r}")
            side = value
        else:
            raise RequestError(f"fault {text!r}: {option!r} must be reps=... or side=...; the form is {form}")
    return PlantedFault(name, numbers, magnitude, side)


def _number(option: str, text: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestError(f"{option} {text!r}: {number!r} must be a number")
    return value


def _numbers(text: str, given: str) -> tuple[int, ...]:
    result: list[int] = []
    for part in given.split(","):
        match = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", part)
        if match is None:
            raise RequestError(
                f"fault {text!r}: reps must be numbers and ranges such as 1,3-5, got {given!r}"
            )
        first = int(match[1])
        result += range(first, int(match[2] or first) + 1)
    if not result:
        raise RequestError(f"fault {text!r}: reps must name at least one repetition, got {given!r}")
    return tuple(dict.fromkeys(result))


def partial(text: str) -> tuple[int, float]:
    """``NUMBER=SHARE``: repetition and the share of the range at which it turns back."""
    number, _, share = text.partition("=")
    if not number.isdigit():
        raise RequestError(f"partial {text!r}: must be NUMBER=SHARE, such as 5=0.5")
    return int(number), _number("partial", text, share)


def tempo(text: str) -> Tempo:
    """``OUT-HOLD-BACK-REST``, s."""
    parts = text.split("-")
    if len(parts) != 4:
        raise RequestError(f"tempo {text!r}: must be OUT-HOLD-BACK-REST in seconds, such as 2-0.5-1-0.5")
    out, hold, back, rest = (_number("tempo", text, part) for part in parts)
    return Tempo(out, hold, back, rest)


def size(text: str) -> tuple[int, int]:
    """``WIDTHxHEIGHT``, px."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise RequestError(f"size {text!r}: must be WIDTHxHEIGHT, such as 640x480")
    return int(match[1]), int(match[2])


def occluder(text: str, distance: float) -> PlacedOccluder:
    """``NAME`` (between camera and athlete) or ``NAME=X,Y[,TURN]``, m on the floor of the gym and degrees."""
    name, equals, place = text.partition("=")
    if not equals:
        return PlacedOccluder(name, max(distance - 1.1, 0.5 * distance), 0.25, math.pi / 2.0)
    parts = [_number("occluder", text, part) for part in place.split(",")]
    if len(parts) not in (2, 3):
        raise RequestError(f"occluder {text!r}: must be NAME or NAME=X,Y[,TURN], such as bench=2,0.3,90")
    return PlacedOccluder(name, parts[0], parts[1], math.radians(parts[2]) if len(parts) == 3 else 0.0)


def wall(name: str) -> Wall:
    """A wall by name."""
    for known in WALLS:
        if name == known:
            return known
    raise RequestError(f"mirror must be one of {', '.join(WALLS)}, got {name!r}")


_THIN = 40
"""Every how many vertices of the body tell where it is."""
_LOOKS = 9
"""Moments of a repetition at which it is looked at."""


@lru_cache(maxsize=64)
def _extent(exercise: str, athlete: str) -> FloatArray:
    """(N, 3) points of the body over a repetition, athlete's frame, m."""
    body = Athlete(athlete)
    performance = Performance(
        body, exercise_named(exercise), SetPlan(1, still_s=0.0, after_s=0.0, variation=0.0)
    )
    repetition = performance.timeline.repetitions[0]
    figure = performance.figure(np.linspace(repetition.start_s, repetition.end_s, _LOOKS))
    vertices = body.vertices[::_THIN].astype(np.float32)
    weights = body.asset.weights[::_THIN].astype(np.float32)
    points = [
        skin(vertices, weights, body.transforms(figure.pose(body, n))).astype(np.float64)
        for n in range(_LOOKS)
    ]
    return np.concatenate(points)


def fitting_distance(exercise: str, athlete: str, camera: SyntheticCamera, view: float) -> float:
    """Nearest distance from which a whole repetition is in the picture, m (see `kinecue.simulation.picture.framing`)."""
    return round(whole_body_distance(_extent(exercise, athlete), camera, view) + 0.1, 2)


def magnitude_text(kind: FaultKind) -> str:
    """Largest magnitude of a fault as a person types it, with its unit."""
    unit, factor = UNITS[kind.unit]
    return f"{kind.limit / factor:.3g} {unit}"
