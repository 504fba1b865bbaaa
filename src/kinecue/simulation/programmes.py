"""What is to be simulated, as data: who does what, how well, where, before which cameras, on which machine."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kinecue.body.errors import KineCueError
from kinecue.body.volume.shape import BodyShape
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.exercises import exercise_named
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan, Tempo
from kinecue.simulation.picture.cameras import Mount, SyntheticCamera, around
from kinecue.simulation.picture.outfits import OUTFITS, Outfit
from kinecue.simulation.surroundings import Surroundings, one_of, within

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
DISTANCE_RANGE = (1.0, 8.0)
"""Of the athlete from the first camera, m."""
LOAD_RANGE = (0.0, 500.0)
"""Of what is set on the machine, kg."""


@dataclass(frozen=True)
class MachinePart:
    """The cable machine, by the names of `kinecue.machine`, which this package does not know.

    Attributes:
        model: what hangs on the cable.
        flaws: what its sensors do wrong.
        load_kg: what is set on each cable, kg.
    """

    model: str = "stack"
    flaws: str = "typical"
    load_kg: float = 20.0

    def __post_init__(self) -> None:
        within("machine", "load", self.load_kg, *LOAD_RANGE, "kg")


@dataclass(frozen=True)
class Programme:
    """A set to be performed and seen.

    The gym frame is the base frame of the first camera: it stands at the origin and looks along x. The athlete is
    `distance` ahead of it.

    Attributes:
        name: of the files; letters, digits, ``_``, ``-`` and ``.``.
        exercise: a key of `kinecue.simulation.exercises.EXERCISES`.
        athlete: a name of `kinecue.simulation.athletes.presets.ATHLETES`, or a shape.
        outfit: a name of `kinecue.simulation.picture.outfits.OUTFITS`, or clothes.
        plan: the set.
        view: yaw of the athlete against the first camera, rad; 0 faces it, positive shows the left side.
        distance: of the athlete from the first camera along the floor, m.
        cameras: at least one, each with a name of its own; the first at the gym's origin.
        surroundings: light, things in the way, mirrors, people.
        machine: of exercises with a cable.
    """

    name: str
    exercise: str
    athlete: str | BodyShape = "average_man"
    outfit: str | Outfit = "training"
    plan: SetPlan = field(default_factory=lambda: SetPlan(5))
    view: float = 0.0
    distance: float = 3.0
    cameras: tuple[SyntheticCamera, ...] = (SyntheticCamera(),)
    surroundings: Surroundings = field(default_factory=Surroundings)
    machine: MachinePart = field(default_factory=MachinePart)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise KineCueError(
                "programme: name must be 1 to 100 letters, digits, '_', '-' and '.', beginning with a letter or "
                f"digit, got {self.name!r}"
            )
        exercise_named(self.exercise)
        if isinstance(self.athlete, str):
            one_of("programme", "athlete", self.athlete, ATHLETES)
        if isinstance(self.outfit, str):
            one_of("programme", "outfit", self.outfit, OUTFITS)
        within("programme", "view", math.degrees(self.view), -360.0, 360.0, "degrees")
        within("programme", "distance", self.distance, *DISTANCE_RANGE, "m")
        if not self.cameras:
            raise KineCueError("programme: cameras must be at least one")
        names = [camera.name for camera in self.cameras]
        if len(set(names)) != len(names):
            raise KineCueError(f"programme: cameras must each have a name of its own, got {', '.join(names)}")
        bad = [name for name in names if not _NAME.fullmatch(name)]
        if bad:
            raise KineCueError(f"programme: a camera's name must be like that of a file, got {bad[0]!r}")
        first = self.cameras[0].mount
        if (first.x, first.y, first.yaw) != (0.0, 0.0, 0.0):
            raise KineCueError(
                "programme: the first camera must be at x 0, y 0 and look along x (yaw 0), "
                f"got {first.x:g}, {first.y:g}, yaw {first.yaw:g}"
            )
        self.surroundings.bounds(self.cameras, self.spot)

    @property
    def spot(self) -> tuple[float, float]:
        """(2,) where the athlete trains, gym frame, m."""
        return (self.distance, 0.0)

    @property
    def facing(self) -> float:
        """Where the athlete looks in the gym frame, about the vertical, rad."""
        return math.pi - self.view

    @property
    def shape(self) -> BodyShape:
        """The athlete's measures."""
        return ATHLETES[self.athlete] if isinstance(self.athlete, str) else self.athlete

    @property
    def clothes(self) -> Outfit:
        """What the athlete wears."""
        return OUTFITS[self.outfit] if isinstance(self.outfit, str) else self.outfit

    @property
    def title(self) -> str:
        """For people."""
        who = self.athlete if isinstance(self.athlete, str) else self.athlete.name
        return f"{exercise_named(self.exercise).title}, {who}"

    def body(self) -> Athlete:
        """The athlete; takes a moment for a shape that was not solved for yet."""
        return Athlete(self.shape)

    def camera(self, name: str) -> SyntheticCamera:
        """A camera by name.

        Raises:
            KineCueError: there is none; the text names those that there are.
        """
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise KineCueError(
            f"programme {self.name}: camera must be one of {', '.join(c.name for c in self.cameras)}, got {name!r}"
        )

    def view_of(self, camera: SyntheticCamera) -> float:
        """Yaw of the athlete against a camera, (-pi, pi], rad."""
        x, y = self.spot
        towards = math.atan2(camera.mount.y - y, camera.mount.x - x)
        return math.remainder(towards - self.facing, 2.0 * math.pi)


def cameras_at(
    views: Sequence[float], distance: float, preset: SyntheticCamera | None = None, seed: int = 0
) -> tuple[SyntheticCamera, ...]:
    """A camera for each view, around an athlete who turns the first of them to the first camera.

    Args:
        views: rad, at least one; no two alike.
        distance: of each camera from the athlete, m.
        preset: lens, sensor, stream, height and tilt of all; the default camera if None.
        seed: of noise and lost frames, another for each camera.

    Raises:
        KineCueError: no view, or two alike.
    """
    if not views:
        raise KineCueError("view: at least one is needed")
    camera = SyntheticCamera() if preset is None else preset
    names = [view_name(view) for view in views]
    if len(set(names)) != len(names):
        raise KineCueError(f"view: each must be given once, got {', '.join(names)}")
    result = []
    for i, view in enumerate(views):
        mount = Mount(height=camera.mount.height, tilt=camera.mount.tilt, roll=camera.mount.roll)
        if i:
            mount = around(
                view, distance, (distance, 0.0), math.pi - views[0], mount.height, mount.tilt, mount.roll
            )
        result.append(replace(camera, name=names[i], mount=mount, seed=seed + i))
    return tuple(result)


def view_name(view: float) -> str:
    """Of a camera at a view (rad): ``view_45``, ``view_m90``."""
    degrees = math.degrees(view)
    return f"view_{degrees:g}".replace("-", "m").replace(".", "p")


_TEAL = Outfit(
    skin=(120.0, 152.0, 202.0), hair=(30.0, 48.0, 84.0),
    shirt=(150.0, 122.0, 34.0), shorts=(52.0, 46.0, 46.0),
    shoes=(170.0, 168.0, 172.0), sleeve=0.0, leg=0.88, looseness=0.005, ponytail=True,
)  # fmt: skip
_BLUE = Outfit(
    skin=(82.0, 112.0, 162.0), hair=(22.0, 24.0, 28.0), shirt=(176.0, 104.0, 44.0), shorts=(58.0, 56.0, 56.0),
    stripe=(80.0, 160.0, 230.0), sleeve=0.35, leg=0.32,
)  # fmt: skip
_VIOLET = Outfit(
    skin=(152.0, 184.0, 226.0), hair=(58.0, 104.0, 150.0),
    shirt=(140.0, 66.0, 128.0), shorts=(60.0, 44.0, 40.0),
    shoes=(190.0, 188.0, 192.0), sleeve=0.0, leg=0.55, looseness=0.005, ponytail=True,
)  # fmt: skip

_SQUAT_TEMPO = Tempo(out_s=1.35, hold_s=0.15, back_s=1.15, rest_s=0.45)
_CURL_TEMPO = Tempo(out_s=1.15, hold_s=0.20, back_s=1.35, rest_s=0.40)


def _sample(
    name: str,
    exercise: str,
    shape: BodyShape,
    outfit: Outfit,
    plan: SetPlan,
    view_deg: float,
    distance: float,
) -> Programme:
    camera = SyntheticCamera(seed=plan.seed)
    return Programme(name, exercise, shape, outfit, plan, math.radians(view_deg), distance, (camera,))


PROGRAMMES: dict[str, Programme] = {
    p.name: p
    for p in (
        _sample(
            "sample_squat",
            "squat",
            BodyShape("male", "male", 1.80, build=0.72),
            Outfit(),
            SetPlan(
                8,
                _SQUAT_TEMPO,
                (
                    PlantedFault("knees_in", (3, 4), math.radians(19.0)),
                    PlantedFault("too_shallow", (7,), math.radians(38.0)),
                ),
                seed=11,
            ),
            32.0,
            3.1,
        ),
        _sample(
            "clean_squat",
            "squat",
            BodyShape("female", "female", 1.68, build=0.62),
            _TEAL,
            SetPlan(8, _SQUAT_TEMPO, seed=23),
            -38.0,
            3.0,
        ),
        _sample(
            "sample_curl",
            "biceps_curl",
            BodyShape("female", "female", 1.70, build=0.62),
            _VIOLET,
            SetPlan(
                8,
                _CURL_TEMPO,
                (
                    PlantedFault("elbow_drift", (3, 4), math.radians(35.0)),
                    PlantedFault("swing", (6,), math.radians(24.0)),
                ),
                seed=37,
            ),
            52.0,
            3.0,
        ),
        _sample(
            "clean_curl",
            "biceps_curl",
            BodyShape("male", "male", 1.84, build=0.72),
            _BLUE,
            SetPlan(8, _CURL_TEMPO, seed=41),
            -50.0,
            3.1,
        ),
    )
}
"""Clips that tests, demo and benchmarks share."""
