"""What the pose network would say of a simulated set that nobody rendered: its errors, drawn from those on rendered takes.

The takes of `takes` are donors. An error is taken apart into (1) the offset that the marks have against the joint centres
given the pose and the direction of view (`kinecue.perception.landmark_model`), and for the network's 3D a gain along each
link; (2) a course over the movement that belongs to the exercise, the view, the person and the clothes; (3) noise with its
own spectrum. A new set gets (1) for its own pose, (2) as a random draw around the mean of the donors with their spread,
the same donors weighing the same in all sets of a person, and (3) replayed from a donor at the donor's own pace, as
strong as it is there at that place of the movement. Visibility, presence and spread are drawn in the same way, on
scales on which they may be added. Frames in which the network found nobody are where a donor has them.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
import takes
from fitting import BenchError
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from takes import Take, TakeKey

from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.landmark_model import blazepose_landmarks
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Region
from kinecue.perception.skeleton import JOINTS, NS, NY, segment_vectors
from kinecue.simulation.athletes.athlete import Athlete

FloatArray = NDArray[np.float64]
Donors = Literal["tuning", "all"]

N = len(BLAZEPOSE_33)
_ROWS = BLAZEPOSE_33.indices(*JOINTS)
_MIRROR = np.array([BLAZEPOSE_33.index(mark.mirrored) for mark in BLAZEPOSE_33.landmarks])
_NANOSECONDS = 1_000_000_000
_SLOW_S = 0.12
"""Standard deviation of the Gaussian that parts the course from the noise, s."""
_KERNEL = 0.03
"""Standard deviation of the kernel over the cycle."""
_GRID = np.linspace(0.0, 2.0, 61)
_SCORE = 0.99
_LEAST_KNOWN = 0.3
"""Share of its frames in which a donor's network must have found the person."""

PROXIES = {
    "front_squat": "goblet_squat",
    "good_morning": "romanian_deadlift",
    "side_lunge": "forward_lunge",
    "sit_to_stand": "squat",
    "shoulder_abduction": "overhead_press",
}
"""Exercises without takes borrow the errors of one that looks like them."""

# columns of a frame's features: 33 each of u, v (m), three axes of the world (m), logits of visibility and presence,
# logarithm of the spread (m)
_U, _V, _X, _Y, _Z, _SEEN, _PRESENT, _SPREAD = range(8)
_FIELDS = 8


def _parent(mark: L) -> tuple[L, ...]:
    side, _, part = mark.value.partition("_")
    if side not in ("left", "right") or part.startswith("eye") or part == "ear":
        return (L.LEFT_SHOULDER, L.RIGHT_SHOULDER)
    chain = {"shoulder": "hip", "elbow": "shoulder", "knee": "hip", "ankle": "knee", "heel": "ankle"}
    chain |= {"wrist": "elbow", "pinky": "wrist", "index": "wrist", "thumb": "wrist", "foot_index": "ankle"}
    return (L(f"{side}_{chain[part]}"),) if part in chain else ()


def _links() -> tuple[FloatArray, FloatArray]:
    """(33, 33) from positions to extents of the links (hips: against mid-hip), and its inverse for a mid-hip at 0."""
    table = np.eye(N)
    for i, mark in enumerate(BLAZEPOSE_33.landmarks):
        for parent in _parent(mark):
            table[i, BLAZEPOSE_33.index(parent)] -= 1.0 / len(_parent(mark))
    return table, np.linalg.inv(table)


_TO_LINKS, _FROM_LINKS = _links()
_GAINS = {
    "shoulder": (1.0, 1.0, 0.72), "elbow": (0.8, 0.74, 0.31), "wrist": (0.85, 0.78, 0.5), "hip": (1.0, 1.0, 1.0),
    "knee": (0.83, 0.71, 0.73), "ankle": (0.77, 0.78, 0.6), "heel": (1.0, 0.5, 1.0), "foot_index": (1.0, 0.5, 1.0),
    "pinky": (0.5, 0.67, 0.2), "index": (0.59, 0.82, 0.1), "thumb": (0.2, 0.3, 0.0),
}  # fmt: skip
_FACE_GAIN = (0.75, 0.82, 0.45)
GAINS = np.array([_GAINS.get(mark.value.partition("_")[2], _FACE_GAIN) for mark in BLAZEPOSE_33.landmarks])
"""(33, 3) by how much the network's extent of a link changes with the true one (right, down, forward), on the tuning takes
within each take; what is left over is in the courses."""
_HIPS = BLAZEPOSE_33.indices(L.LEFT_HIP, L.RIGHT_HIP)


def links_of(positions: FloatArray, camera: CameraModel) -> FloatArray:
    """(T, 33, 3) extents of the links along the optical axes (right, down, forward), m, of (T, 33, 3) positions."""
    centred = positions - positions[:, _HIPS].mean(1, keepdims=True)
    optical = centred @ camera.rotation.T
    result: FloatArray = np.einsum("ij,tjk->tik", _TO_LINKS, optical)
    return result


def _expected_offsets(positions: FloatArray, camera: CameraModel, scale: float) -> FloatArray:
    """(T, 33, 2) where the network marks the joints against their centres in the picture, m; 0 for other landmarks."""
    model, result = blazepose_landmarks(), np.zeros((len(positions), N, 2))
    y = np.zeros(NY)
    for t, points in enumerate(positions[:, _ROWS]):
        vectors = segment_vectors(points)
        y[3 : 3 + 3 * NS] = (vectors / np.maximum(np.linalg.norm(vectors, axis=1), 1e-6)[:, None]).ravel()
        offsets = model.offsets_of(y, points, camera.centre, scale)
        result[t, _ROWS] = (offsets @ camera.rotation.T)[:, :2]
    return result


def _metres_per_px(positions: FloatArray, camera: CameraModel) -> FloatArray:
    result: FloatArray = np.maximum(camera.to_optical(positions)[..., 2], 0.3) / camera.fx
    return result


def _logit(p: FloatArray) -> FloatArray:
    q = np.clip(p, 0.002, 0.998)
    result: FloatArray = np.log(q / (1.0 - q))
    return result


def _expit(x: FloatArray) -> FloatArray:
    result: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0)))
    return result


def _scale(athlete: Athlete) -> float:
    return athlete.stature / blazepose_landmarks().stature


@dataclass(frozen=True)
class Cycle:
    """Where in the repetition a set is, T frames.

    Attributes:
        place: (T,) 0 start position, 1 turning point, 2 back again.
        repetition: (T,) number, 0 before the first.
        leads: of each repetition, from the first on: ``left``, ``right`` or ``both``.
    """

    place: FloatArray
    repetition: NDArray[np.int64]
    leads: tuple[str, ...]


def cycle_of_take(take: Take, sided: bool) -> Cycle:
    """Of a rendered take, of which only progress and number are kept."""
    place, number = np.zeros(len(take.progress)), take.repetition
    leads = []
    for n in range(1, int(number.max(initial=0)) + 1):
        rows = np.flatnonzero(number == n)
        progress = np.clip(take.progress[rows], 0.0, 1.0)
        back = np.arange(len(rows)) > int(np.argmax(progress))
        place[rows] = np.where(back, 2.0 - progress, progress)
        leads.append(("left", "right")[(n + 1) % 2] if sided else "both")
    return Cycle(place, number, tuple(leads))


@dataclass(frozen=True)
class Donor:
    """The errors of the network on one take, G places of the cycle, R repetitions.

    Attributes:
        athlete: who.
        leads: (R,) who leads.
        course: (R, G, 8, 33).
        strength: (G, 8, 33) standard deviation of the noise.
        noise: (T, 8, 33) in units of `strength`.
        found: (G,) whether the network found the person there.
        rate: frames per second of the noise.
    """

    athlete: str
    leads: tuple[str, ...]
    course: FloatArray
    strength: FloatArray
    noise: FloatArray
    found: NDArray[np.bool_]
    rate: float

    def mirrored(self) -> Donor:
        """The same seen from the other side."""
        sign = np.ones((_FIELDS, 1))
        sign[[_U, _X]] = -1.0
        other = {"left": "right", "right": "left", "both": "both"}
        return replace(
            self,
            leads=tuple(other[lead] for lead in self.leads),
            course=self.course[..., _MIRROR] * sign,
            strength=self.strength[..., _MIRROR],
            noise=self.noise[..., _MIRROR] * sign,
        )


def _features(take: Take, athlete: Athlete) -> FloatArray:
    """(T, 8, 33) what the network said beyond what a pose and view explain; sizes for a person of model stature."""
    camera, scale = take.camera_model, _scale(athlete)
    per_px = _metres_per_px(take.true_positions, camera)
    error = (take.pixels - take.true_pixels) * per_px[..., None]
    error = (error - _expected_offsets(take.true_positions, camera, scale)) / scale
    world = np.einsum("ij,tjk->tik", _TO_LINKS, take.world)
    true = links_of(take.true_positions, camera)
    result = np.empty((len(take.found), _FIELDS, N))
    result[:, _U], result[:, _V] = error[..., 0], error[..., 1]
    for axis in range(3):
        result[:, _X + axis] = (world[..., axis] - GAINS[:, axis] * true[..., axis]) / scale
    result[:, _SEEN], result[:, _PRESENT] = _logit(take.visibility), _logit(take.presence)
    spread = np.log(np.clip(take.spread * per_px / scale, 1e-3, 1.0))
    result[:, _SPREAD] = np.where(np.isfinite(spread), spread, math.log(0.03))
    return result


def _filled(features: FloatArray, found: NDArray[np.bool_]) -> FloatArray:
    rows = np.flatnonzero(found)
    at = np.arange(len(found))
    nearest = rows[np.argmin(np.abs(at[:, None] - rows[None, :]), axis=1)]
    return features[nearest]


def _kernel(place: FloatArray, width: float = _KERNEL) -> FloatArray:
    """(G, T) weights of frames at places of the cycle; every place has some."""
    apart = np.abs(_GRID[:, None] - place[None, :])
    width_of = np.maximum(width, apart.min(1))[:, None]
    weights = np.exp(-0.5 * (apart / width_of) ** 2)
    result: FloatArray = weights / weights.sum(1, keepdims=True)
    return result


def donor_of(key: TakeKey, take: Take, sided: bool) -> Donor:
    """A take taken apart."""
    rate = key.fps
    features = _filled(_features(take, Athlete(key.athlete)), take.found)
    slow = gaussian_filter1d(features, _SLOW_S * rate, axis=0, mode="nearest")
    fast = features - slow
    cycle = cycle_of_take(take, sided)
    last = int(cycle.repetition.max(initial=0))
    course = []
    for n in range(1, last + 1):
        rows = np.flatnonzero((cycle.repetition == n) | ((n == 1) & (cycle.repetition == 0)))
        course.append(np.tensordot(_kernel(cycle.place[rows]), slow[rows], 1))
    if not course:
        course.append(np.broadcast_to(slow.mean(0), (len(_GRID), *slow.shape[1:])).copy())
    weights = _kernel(cycle.place, 2.0 * _KERNEL)
    strength = np.sqrt(np.tensordot(weights, fast**2, 1)) + 1e-6
    noise = fast / _at(strength, cycle.place)
    found = np.asarray((_kernel(cycle.place) @ take.found.astype(np.float64)) > 0.5)
    return Donor(
        key.athlete,
        cycle.leads or ("both",),
        np.stack(course),
        strength,
        np.clip(noise, -4.0, 4.0),
        found,
        rate,
    )


def _at(course: FloatArray, place: FloatArray) -> FloatArray:
    """(T, ...) a (G, ...) course at (T,) places."""
    x = np.clip(place, 0.0, 2.0) * (len(_GRID) - 1) / 2.0
    low = np.minimum(x.astype(np.int64), len(_GRID) - 2)
    share = (x - low).reshape(-1, *[1] * (course.ndim - 1))
    result: FloatArray = course[low] * (1.0 - share) + course[low + 1] * share
    return result


@lru_cache(maxsize=64)
def donors(exercise: str, view: str, which: Donors = "all") -> tuple[Donor, ...]:
    """All takes of an exercise from a view of `takes.VIEWS` without faults.

    Raises:
        BenchError: there is none.
    """
    from kinecue.simulation.exercises import EXERCISES

    name = exercise if exercise == takes.STANDING else PROXIES.get(exercise, exercise)
    sided = name in EXERCISES and EXERCISES[name].sided
    keys = takes.tuning_keys() + (takes.judging_keys() if which == "all" else [])
    result = []
    for key in keys:
        path = takes.path_of(key)
        if key.exercise != name or key.view != view or key.fault or not path.exists():
            continue
        take = takes.load(path)
        if take.found.mean() >= _LEAST_KNOWN:
            result.append(donor_of(key, take, sided))
    if not result:
        raise BenchError(f"no takes of {name} from {view}: make bench-perception renders them")
    return tuple(result)


class NetworkErrors:
    """The pose network's way of erring on one person in one outfit.

    Args:
        person: whoever has the same name errs the same way.
        seed: of this set's noise.
        which: takes that may be used.
    """

    def __init__(self, person: str, seed: int, which: Donors = "all") -> None:
        self._person = zlib.crc32(person.encode())
        self._seed = seed
        self._which: Donors = which

    def landmarks(
        self,
        exercise: str,
        view: float,
        stamps_ns: NDArray[np.int64],
        positions: FloatArray,
        camera: CameraModel,
        cycle: Cycle,
        athlete: Athlete,
    ) -> list[Landmarks2D | None]:
        """What the network says, frame by frame.

        Args:
            exercise: being done.
            view: the person's yaw against the camera, degrees, -90 to 90.
            stamps_ns: (T,).
            positions: (T, 33, 3) truth, base frame, m.
            camera: the true one.
            cycle: where in the set.
            athlete: whose sizes.

        Raises:
            BenchError: no takes from such a view.
        """
        rng = np.random.default_rng((self._seed, self._person))
        times = (stamps_ns - stamps_ns[0]) / _NANOSECONDS
        features, found = self._draw(exercise, view, times, cycle, rng)
        scale = _scale(athlete)
        per_px = _metres_per_px(positions, camera)
        error = np.stack([features[:, _U], features[:, _V]], -1) * scale
        error += _expected_offsets(positions, camera, scale)
        pixels = camera.project(positions) + error / per_px[..., None]
        links = links_of(positions, camera) * GAINS + np.moveaxis(features[:, _X : _Z + 1], 1, -1) * scale
        world = np.einsum("ij,tjk->tik", _FROM_LINKS, links)
        visibility, presence = _expit(features[:, _SEEN]), _expit(features[:, _PRESENT])
        spread = np.exp(features[:, _SPREAD]) * scale / per_px
        result: list[Landmarks2D | None] = []
        region = Region(camera.width / 2.0, camera.height / 2.0, float(camera.height), 0.0)
        for t, stamp in enumerate(stamps_ns.tolist()):
            if not found[t]:
                result.append(None)
                continue
            depth = world[t, :, 2] / per_px[t].mean()
            result.append(
                Landmarks2D(
                    stamp,
                    BLAZEPOSE_33,
                    pixels[t],
                    depth,
                    visibility[t],
                    presence[t],
                    world[t],
                    spread[t],
                    _SCORE,
                    region,
                )
            )
        return result

    def _draw(
        self, exercise: str, view: float, times: FloatArray, cycle: Cycle, rng: np.random.Generator
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """(T, 8, 33) features and (T,) whether the person is found."""
        around = _views_around(abs(view))
        pools = [donors(exercise, name, self._which) for name, _ in around]
        if view < 0.0:
            pools = [tuple(d.mirrored() for d in pool) for pool in pools]
        slow = sum(
            share * self._courses(pool, cycle, np.random.default_rng(rng.integers(2**32)))
            for pool, (_, share) in zip(pools, around, strict=True)
        )
        step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / 30.0
        # from one repetition's course to the next there is no jump
        slow = gaussian_filter1d(slow, 0.08 / step, axis=0, mode="nearest")
        nearest = pools[int(np.argmax([share for _, share in around]))]
        donor = nearest[int(rng.integers(len(nearest)))]
        features = slow + self._noise(donor, times, cycle, rng)
        return features, np.asarray(_at(donor.found.astype(np.float64), cycle.place) > 0.5)

    def _courses(self, pool: tuple[Donor, ...], cycle: Cycle, rng: np.random.Generator) -> FloatArray:
        """(T, 8, 33): the donors' mean and a draw from their spread."""
        weights = np.full(len(pool), 1.0 / len(pool))
        if len(pool) > 1:
            z = np.array([self._weight(d.athlete) for d in pool])
            weights += (z - z.mean()) / math.sqrt(len(pool) - 1)
        result = np.zeros((len(cycle.place), _FIELDS, N))
        for n in range(int(cycle.repetition.max(initial=0)) + 1):
            rows = np.flatnonzero(cycle.repetition == n)
            lead = cycle.leads[max(n - 1, 0)] if cycle.leads else "both"
            for donor, weight in zip(pool, weights, strict=True):
                own = [r for r, who in enumerate(donor.leads) if who == lead]
                choice = own or list(range(len(donor.leads)))
                course = donor.course[choice[int(rng.integers(len(choice)))]]
                if len(rows):
                    result[rows] += weight * _at(course, cycle.place[rows])
        return result

    def _weight(self, donor: str) -> float:
        seed = (self._person, zlib.crc32(donor.encode()))
        return float(np.random.default_rng(seed).normal())

    @staticmethod
    def _noise(donor: Donor, times: FloatArray, cycle: Cycle, rng: np.random.Generator) -> FloatArray:
        """(T, 8, 33): the donor's noise from a random moment on, forth and back."""
        count = len(donor.noise)
        at = times * donor.rate + rng.uniform(0.0, 2.0 * count)
        folded = np.mod(at, 2.0 * (count - 1))
        folded = np.minimum(folded, 2.0 * (count - 1) - folded)
        rows = np.clip(np.round(folded).astype(np.int64), 0, count - 1)
        result: FloatArray = donor.noise[rows] * _at(donor.strength, cycle.place)
        return result


def _views_around(degrees: float) -> list[tuple[str, float]]:
    """Names of the nearest views with takes, and their shares.

    Raises:
        BenchError: beyond them.
    """
    known = sorted(takes.VIEWS.items(), key=lambda item: item[1])
    if degrees > known[-1][1] + 1e-6:
        raise BenchError(f"no takes from {degrees:g} degrees; at most {known[-1][1]:g} either side")
    for (low, a), (high, b) in pairwise(known):
        if degrees <= b + 1e-6:
            share = (degrees - a) / (b - a)
            return [(name, s) for name, s in ((low, 1.0 - share), (high, share)) if s > 1e-6]
    return [(known[-1][0], 1.0)]
