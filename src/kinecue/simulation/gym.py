"""A programme put on stage: the athlete in the gym, with the truth about each moment and its picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.volume.skinning import BoneTransforms
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.presets import ATHLETES
from kinecue.simulation.contact_forces import (
    GRAVITY,
    STEP_S,
    BodyMass,
    Pull,
    Touch,
    contact_forces,
)
from kinecue.simulation.exercises import exercise_named
from kinecue.simulation.gear.equipment import Place, Weight
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.picture.actors import Actor, SkinnedMesh, Stage
from kinecue.simulation.picture.appearance import dress
from kinecue.simulation.picture.cameras import Shot, SyntheticCamera
from kinecue.simulation.picture.outfits import OUTFITS
from kinecue.simulation.picture.renderer import Image, Renderer
from kinecue.simulation.picture.scene import Scene
from kinecue.simulation.picture.solids import Mesh
from kinecue.simulation.picture.visibility import BodyVolume, visibility
from kinecue.simulation.programmes import Programme
from kinecue.simulation.rotations import yaw
from kinecue.simulation.truth import (
    CameraTruth,
    FrameTruth,
    Quantities,
    Tension,
    joint_centres,
    states,
)

if TYPE_CHECKING:
    from kinecue.simulation.picture.bystanders import Bystander

FloatArray = NDArray[np.float64]

CHUNK = 64
"""Frames whose bodies are solved at once: many cost little more than one."""
_FINEST = 1e7
"""Times are told apart to a tenth of a microsecond."""


_LYING = {
    "spine_03": ("spine_03", 0.12),
    "head": ("head", 0.12),
    **{
        f"{bone}_{side}": (f"{point}_{side}", radius)
        for side in "lr"
        for bone, point, radius in (
            ("thigh", "hip", 0.13),
            ("calf", "knee", 0.08),
            ("upperarm", "shoulder", 0.10),
            ("lowerarm", "elbow", 0.06),
        )
    },
}
"""Bones of a lying body, the name of the contact, and how high over the floor they turn when the flesh touches it, m."""


@dataclass(frozen=True)
class Taken:
    """A frame of a camera.

    Attributes:
        shot: when and how it was taken.
        image: (H, W, 3) blue, green, red; None for a lost frame, or if no picture was asked for.
        truth: of the middle of its exposure.
        seen: the same as this camera sees it.
    """

    shot: Shot
    image: Image | None
    truth: FrameTruth
    seen: CameraTruth


class Gym:
    """One athlete who trains in front of cameras.

    Everything is a function of time. Positions are in the gym frame, the base frame of the first camera.
    """

    def __init__(self, programme: Programme) -> None:
        """Put a programme on stage.

        Raises:
            KineCueError: the programme asks for something that there is not, or that this athlete cannot do.
        """
        self.programme = programme
        self.athlete: Athlete = programme.body()
        self.performance = Performance(self.athlete, exercise_named(programme.exercise), programme.plan)
        self.equipment = self.performance.technique.equipment
        self.place = Place(yaw(programme.facing), np.array([*programme.spot, 0.0]))
        self.pulleys: FloatArray = np.array(
            [self.place.points(np.array(c.pulley)) for c in self.equipment.cables]
        ).reshape(-1, 3)
        self._mass = BodyMass(self.athlete)

    # -- what there is

    @property
    def duration_s(self) -> float:
        """Length of the clip, s."""
        return self.performance.duration_s

    @property
    def cameras(self) -> tuple[SyntheticCamera, ...]:
        """As in the programme."""
        return self.programme.cameras

    def shots(self, camera: SyntheticCamera) -> tuple[Shot, ...]:
        """Every frame that a camera takes."""
        return camera.schedule(self.duration_s)

    @cached_property
    def scene(self) -> Scene:
        """The room with what stands in it."""
        p = self.programme
        return p.surroundings.scene(p.cameras, p.spot, self.furniture, p.plan.seed)

    @cached_property
    def furniture(self) -> Mesh:
        """What of the equipment does not move, gym frame."""
        return self.equipment.furniture().moved(self.place.rotation, self.place.translation)

    @cached_property
    def mesh(self) -> SkinnedMesh:
        """The dressed athlete."""
        return dress(self.athlete, self.programme.clothes)

    @cached_property
    def volume(self) -> BodyVolume:
        """What of the athlete can hide something."""
        return BodyVolume.of(self.athlete, self.mesh)

    @cached_property
    def bystanders(self) -> tuple[Bystander, ...]:
        """People who walk past."""
        if not self.programme.surroundings.bystanders:
            return ()
        from kinecue.simulation.picture.bystanders import Bystander

        result = []
        for b in self.programme.surroundings.bystanders:
            body = Athlete(ATHLETES[b.athlete])
            result.append(Bystander(body, dress(body, OUTFITS[b.outfit]), b.path, 0.0, b.speed, b.start_s))
        return tuple(result)

    @cached_property
    def _their_volumes(self) -> tuple[BodyVolume, ...]:
        return tuple(BodyVolume.of(b.athlete, b.mesh) for b in self.bystanders)

    @cached_property
    def _quantities(self) -> Quantities:
        return Quantities(self.performance)

    def renderer(self, camera: SyntheticCamera | None = None) -> Renderer:
        """A renderer of a camera (the first if None); takes a second or two to paint the background."""
        return Renderer(self.cameras[0] if camera is None else camera, self.scene)

    # -- moments

    def bones(self, figure: Figure, n: int) -> BoneTransforms:
        """Where the bones of a figure of the performance are in the gym."""
        pose = figure.pose(self.athlete, n).moved(self.place.rotation, self.place.translation)
        return self.athlete.transforms(pose)

    def handles(self, times_s: ArrayLike) -> FloatArray:
        """(N, C, 3) ends of the cables at (N,) times, m."""
        times = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        result = np.zeros((len(times), len(self.pulleys), 3))
        if not len(self.pulleys):
            return result
        for first in range(0, len(times), 4 * CHUNK):
            part = self.performance.gear_times(times[first : first + 4 * CHUNK])
            figure = self.performance.figure(part)
            for n in range(len(part)):
                result[first + n] = self.equipment.handles(self.bones(figure, n))
        return result

    def stage(self, time_s: float, transforms: BoneTransforms, gear: BoneTransforms | None = None) -> Stage:
        """Who and what is there at a time.

        Args:
            time_s: s since the clip's start.
            transforms: the athlete's bones then.
            gear: the bones that the gear follows, if they are others.
        """
        actors = [Actor(self.mesh, transforms)]
        for bystander in self.bystanders:
            actor = bystander.actor(time_s)
            if actor is not None:
                actors.append(actor)
        held = transforms if gear is None else gear
        return Stage(tuple(actors), self.equipment.props(held, self.place))

    def truth(self, time_s: float, tension: Tension | None = None) -> FrameTruth:
        """Everything about a moment."""
        return self.truths([time_s], tension)[0]

    def truths(self, times_s: ArrayLike, tension: Tension | None = None) -> list[FrameTruth]:
        """Everything about (N,) times; much faster than one by one.

        Args:
            times_s: s since the clip's start.
            tension: of the cables; None: the load that is set.
        """
        times = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        result: list[FrameTruth] = []
        for first in range(0, len(times), CHUNK):
            part = times[first : first + CHUNK]
            result += self._truths(part, self._bodies(_around(part)), tension)
        return result

    def _bodies(self, times: FloatArray) -> Bodies:
        keys = np.unique(_keys(np.concatenate([times, self.performance.gear_times(times)])))
        figure = self.performance.figure(keys / _FINEST)
        return Bodies(figure, {int(k): self.bones(figure, n) for n, k in enumerate(keys)}, keys)

    def _truths(self, times: FloatArray, bodies: Bodies, tension: Tension | None) -> list[FrameTruth]:
        figure = bodies.figure_at(times)
        angles, others = self._quantities.of(figure)
        where = states(self.performance, times)
        tracks = self.performance.contacts(times, figure)
        around = np.stack([times - STEP_S, times, times + STEP_S], 1)
        gear_times = self.performance.gear_times(around.ravel()).reshape(-1, 3)
        holds = self.performance.holds_gear(times)
        result = []
        for n, time in enumerate(times.tolist()):
            body = [bodies.at(t) for t in around[n].tolist()]
            gear = [bodies.at(t) for t in gear_times[n].tolist()]
            points = self.athlete.landmarks(body[1])
            ends = [self.equipment.handles(t) for t in gear]
            lengths = [np.linalg.norm(e - self.pulleys, axis=-1) for e in ends]
            pulls: list[Pull] = []
            force = np.zeros(len(self.pulleys))
            if holds[n]:
                force = np.array([self._tension(i, time, tension) for i in range(len(self.pulleys))])
                pulls = self._pulls([self.equipment.weights(t) for t in gear])
                pulls += [
                    Pull(end, f * (pulley - end) / max(float(length), 1e-6))
                    for end, pulley, length, f in zip(ends[1], self.pulleys, lengths[1], force, strict=True)
                ]
            motion = self._mass.motion(*body)
            touches = [
                Touch(c.point, c.on, self.place.points(c.positions[n])) for c in tracks if bool(c.holds[n])
            ]
            touches += self._lying(body[1], {touch.point for touch in touches})
            result.append(
                FrameTruth(
                    time_s=time,
                    state=where[n],
                    positions=np.stack([points[landmark] for landmark in BLAZEPOSE_33.landmarks]),
                    joints=joint_centres(self.athlete, body[1]),
                    angles={name: float(values[n]) for name, values in angles.items()},
                    measures={name: float(values[n]) for name, values in others.items()},
                    handles=ends[1],
                    cable_m=lengths[1],
                    cable_speed=(lengths[2] - lengths[0]) / (2.0 * STEP_S),
                    tension=force,
                    forces=contact_forces(self._mass.total, motion, touches, pulls),
                    centre_of_mass=motion.centre,
                    transforms=body[1],
                    gear=gear[1],
                )
            )
        return result

    def _lying(self, transforms: BoneTransforms, named: set[str]) -> list[Touch]:
        """What else of the body lies on the floor in exercises on the floor, besides the contacts that have a name."""
        if self.performance.exercise.posture != "floor":
            return []
        result = []
        for bone, (point, radius) in _LYING.items():
            place = transforms.heads[self.athlete.bone_index[bone]]
            if point not in named and place[2] < radius * self.athlete.scale:
                result.append(Touch(point, "floor", np.array([place[0], place[1], 0.0])))
        return result

    def _tension(self, cable: int, time: float, tension: Tension | None) -> float:
        if tension is not None:
            return tension(cable, time)
        return self.programme.machine.load_kg * GRAVITY

    @staticmethod
    def _pulls(weights: Sequence[list[Weight]]) -> list[Pull]:
        """What free weights that somebody holds exert on the hands: their weight and their inertia."""
        before, now, after = weights
        steady = len(before) == len(now) == len(after)
        result = []
        for i, weight in enumerate(now):
            if not weight.hands:
                continue
            acceleration = np.zeros(3)
            if steady:
                acceleration = (after[i].point - 2.0 * weight.point + before[i].point) / STEP_S**2
            force = -weight.mass * (acceleration + [0.0, 0.0, GRAVITY])
            result.append(Pull(weight.point, force))
        return result

    def seen(self, camera: SyntheticCamera, truth: FrameTruth) -> CameraTruth:
        """What a camera sees of a moment."""
        others = []
        for bystander, volume in zip(self.bystanders, self._their_volumes, strict=True):
            transforms = bystander.transforms(truth.time_s)
            if transforms is not None:
                others.append((volume, transforms))
        things = Mesh.join([self.equipment.props(truth.gear, self.place), self.furniture])
        return CameraTruth(
            camera.project(truth.positions),
            visibility(
                camera, self.volume, truth.transforms, truth.positions, others, self.scene.occluders, things
            ),
        )

    # -- frames

    def frames(
        self,
        camera: SyntheticCamera | None = None,
        renderer: Renderer | None = None,
        shots: Sequence[Shot] | None = None,
        tension: Tension | None = None,
    ) -> Iterator[Taken]:
        """A camera's frames, in order.

        Args:
            camera: the first if None.
            renderer: of that camera; without one there is only the truth.
            shots: which frames; all if None.
            tension: see `truths`.
        """
        camera = self.cameras[0] if camera is None else camera
        wanted = self.shots(camera) if shots is None else shots
        for first in range(0, len(wanted), CHUNK):
            part = wanted[first : first + CHUNK]
            times = np.array([shot.time_s for shot in part])
            half = np.array([shot.exposure_s / 2.0 for shot in part])
            needed = [_around(times)]
            if renderer is not None:
                needed += [times - half, times + half]
            bodies = self._bodies(np.concatenate(needed))
            for shot, truth in zip(part, self._truths(times, bodies, tension), strict=True):
                image = None
                if renderer is not None and not shot.dropped:
                    image = renderer.shoot(self._staged(bodies), shot)
                yield Taken(shot, image, truth, self.seen(camera, truth))

    def _staged(self, bodies: Bodies) -> Callable[[float], Stage]:
        def stage(time_s: float) -> Stage:
            gear = float(self.performance.gear_times([time_s])[0])
            return self.stage(time_s, bodies.at(time_s), bodies.at(gear))

        return stage

    def picture(self, renderer: Renderer, time_s: float) -> Image:
        """(H, W, 3) sharp picture of a moment without noise, blue, green, red."""
        return renderer.draw(self._staged(self._bodies(np.array([time_s])))(time_s))


class Bodies:
    """Bodies that were solved at once, by their times."""

    def __init__(
        self, figure: Figure, transforms: dict[int, BoneTransforms], keys: NDArray[np.int64]
    ) -> None:
        self._figure = figure
        self._transforms = transforms
        self._keys = keys

    def at(self, time_s: float) -> BoneTransforms:
        """The bones at one of the times."""
        return self._transforms[round(time_s * _FINEST)]

    def figure_at(self, times_s: FloatArray) -> Figure:
        """The figure at some of the times."""
        rows = np.searchsorted(self._keys, _keys(times_s))
        f = self._figure
        count = len(f)

        def take(array: FloatArray) -> FloatArray:
            return np.broadcast_to(array, (count, *array.shape[1:]))[rows]

        return replace(
            f,
            rotations={k: take(v) for k, v in f.rotations.items()},
            points={k: take(v) for k, v in f.points.items()},
            grip=take(f.grip),
            stretch={k: take(v) for k, v in f.stretch.items()},
        )


def _keys(times: FloatArray) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = np.round(times * _FINEST).astype(np.int64)
    return keys


def _around(times: FloatArray) -> FloatArray:
    """The times, and those around them that accelerations need."""
    return np.concatenate([times - STEP_S, times, times + STEP_S])
