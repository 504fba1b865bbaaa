"""Which people of different cameras are the same person.

Rays alone do not tell: two cameras at one height see the joints of any two people of one stature on the same lines, and
where those cross stands a ghost. So a pair also has to have the size of a person, to stand on the floor and not under it,
and to be in the pose that both networks saw. A pair must have been good for a while before it is believed, clearly better
than any other, and bad for a while before it is given up: two people are never made one for the sake of more views.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from kinecue.body.landmarks import Landmark
from kinecue.perception.landmarks2d import View
from kinecue.perception.triangulation import closest_approach

FloatArray = NDArray[np.float64]
Member = tuple[str, int]
"""Name of a view, and the identity that its network gave to a person."""

SHARED_JOINTS = tuple(
    Landmark(f"{side}_{name}")
    for name in ("shoulder", "hip", "knee", "ankle", "elbow", "wrist")
    for side in ("left", "right")
)
"""What every topology has and every side of a body shows."""
_LIMBS = tuple(
    (Landmark(f"{side}_{a}"), Landmark(f"{side}_{b}"))
    for side in ("left", "right")
    for a, b in (
        ("hip", "knee"),
        ("knee", "ankle"),
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
        ("shoulder", "hip"),
    )
)
_SEEN = 0.5
_FEWEST_JOINTS = 5

RAY_STD = 0.04
"""Distance of the rays to one joint of one person, m: two networks put a hip 3 cm apart, and each errs by some px.
Root mean square over the takes of the simulated gym: 0.02 to 0.05."""
SCALE_STD = 0.15
"""Of the logarithm of a person's size against the network's own idea of it (limbs of one person vary by 5 to 14 %)."""
SHAPE_STD = 0.22
"""Distance of the joints that two networks give one person in their own 3D, m: 0.1 to 0.3 over the same takes."""
_FLOOR_RANGE = (-0.12, 0.16)
"""Where the lowest joint of somebody on the floor is, m."""
_FLOOR_STD = 0.08
_HANGING = 3.0
"""At most that much is held against somebody above the floor: people do hang from bars. Nobody is under it."""


@dataclass(frozen=True)
class PairEvidence:
    """How well two people of two cameras fit together at one moment.

    Attributes:
        ray: root mean square distance of the rays, m.
        scale: logarithm of the triangulated over the expected size.
        shape: distance of the two networks' own joints, m, root mean square.
        lowest: height of the lowest triangulated joint, m.
        cost: sum of squares of all that in standard deviations; 0 perfect, infinite impossible.
    """

    ray: float
    scale: float
    shape: float
    lowest: float
    cost: float


_IMPOSSIBLE = PairEvidence(math.inf, math.inf, math.inf, math.nan, math.inf)


def evidence(first: View, second: View) -> PairEvidence | None:
    """What two views at one moment say of being the same person; None if they share too few visible joints."""
    a, b = first.landmarks, second.landmarks
    names = [j for j in SHARED_JOINTS if j in a.topology and j in b.topology]
    rows, columns = a.topology.indices(*names), b.topology.indices(*names)
    seen = np.minimum(_visible(first, rows), _visible(second, columns))
    use = seen >= _SEEN
    if int(use.sum()) < _FEWEST_JOINTS:
        return None
    points, gap = closest_approach(
        first.camera.centre,
        first.camera.rays(a.pixels[rows]),
        second.camera.centre,
        second.camera.rays(b.pixels[columns]),
    )
    crossed = use & np.isfinite(gap)
    if int(crossed.sum()) < max(_FEWEST_JOINTS, int(use.sum()) // 2):
        return _IMPOSSIBLE
    ray2 = float(np.mean(np.minimum((gap[crossed] / RAY_STD) ** 2, 16.0)))
    worlds = [
        _centred(view.landmarks.world[r] @ view.camera.rotation, use)
        for view, r in ((first, rows), (second, columns))
    ]
    apart = np.linalg.norm(worlds[0] - worlds[1], axis=1)[use]
    shape = float(np.sqrt(np.nanmean(apart**2))) if np.isfinite(apart).any() else 0.0
    scale = _scale(points, (worlds[0] + worlds[1]) / 2.0, crossed, names)
    lowest = float(points[crossed, 2].min())
    under = max(_FLOOR_RANGE[0] - lowest, 0.0) / _FLOOR_STD
    feet = any(crossed[i] for i, name in enumerate(names) if name.value.endswith("ankle"))
    over = max(lowest - _FLOOR_RANGE[1], 0.0) / _FLOOR_STD if feet else 0.0
    cost = ray2 + (scale / SCALE_STD) ** 2 + (shape / SHAPE_STD) ** 2 + under**2 + min(over**2, _HANGING)
    return PairEvidence(math.sqrt(ray2) * RAY_STD, scale, shape, lowest, cost)


def _visible(view: View, rows: list[int]) -> FloatArray:
    pixels = view.landmarks.pixels[rows]
    with np.errstate(invalid="ignore"):
        inside = (pixels >= 0).all(1) & (pixels < [view.camera.width, view.camera.height]).all(1)
    visibility = np.nan_to_num(view.landmarks.visibility[rows])
    result: FloatArray = np.where(inside, visibility, 0.0)
    return result


def _centred(points: FloatArray, use: NDArray[np.bool_]) -> FloatArray:
    """Both networks have their origin in the hips, but not in the same place."""
    middle = np.median(points[use], axis=0)
    result: FloatArray = points - np.where(np.isfinite(middle), middle, 0.0)
    return result


def _scale(points: FloatArray, expected: FloatArray, use: NDArray[np.bool_], names: list[Landmark]) -> float:
    place = {name: i for i, name in enumerate(names)}
    measured = wanted = 0.0
    for a, b in _LIMBS:
        i, j = place.get(a), place.get(b)
        if i is None or j is None or not (use[i] and use[j]):
            continue
        length = float(np.linalg.norm(expected[i] - expected[j]))
        if math.isfinite(length):
            wanted += length
            measured += float(np.linalg.norm(points[i] - points[j]))
    return math.log(measured / wanted) if measured > 0 and wanted > 0 else 0.0


@dataclass(frozen=True)
class PairingSettings:
    """When two people of two cameras are one.

    Attributes:
        accept: smoothed cost under which a pair is believed.
        reject: smoothed cost over which it is given up.
        margin: how much dearer any other partner must be.
        smoothing_s: time constant of the cost, s.
        evidence_s: a pair must have been looked at for so long before it is believed, s.
        veto: cost at one moment over which the views are not fused at that moment.
        forget_s: pairs not looked at for so long are forgotten, s.
    """

    accept: float = 5.0
    reject: float = 10.0
    margin: float = 2.0
    smoothing_s: float = 0.3
    evidence_s: float = 0.2
    veto: float = 30.0
    forget_s: float = 1.0


@dataclass
class _Pair:
    cost: float
    instant: float
    first_ns: int
    last_ns: int
    believed: bool = False


class ViewPairing:
    """Groups the people of several cameras, with memory.

    Args:
        settings: see `PairingSettings`.
    """

    def __init__(self, settings: PairingSettings | None = None) -> None:
        self._settings = settings or PairingSettings()
        self._pairs: dict[tuple[Member, Member], _Pair] = {}

    def reset(self) -> None:
        """Forgets everybody."""
        self._pairs.clear()

    def cost(self, first: Member, second: Member) -> float:
        """Smoothed cost of a pair; infinite if it was never looked at."""
        pair = self._pairs.get((first, second)) or self._pairs.get((second, first))
        return math.inf if pair is None else pair.cost

    def undecided(self, member: Member) -> bool:
        """Whether somebody without a partner may still turn out to be one with somebody in another view."""
        return any(
            not pair.believed and pair.cost <= self._settings.reject
            for key, pair in self._pairs.items()
            if member in key
        )

    def update(self, stamp_ns: int, views: Mapping[str, Mapping[int, View]]) -> list[dict[str, int]]:
        """The groups at one moment: view -> identity, at most one identity of each view, everybody in one group.

        The order of the views and of the people in them has no influence.

        Args:
            stamp_ns: the moment.
            views: name -> identity -> the person in that view at that moment.
        """
        s = self._settings
        names = sorted(views)
        self._pairs = {k: p for k, p in self._pairs.items() if 0 <= stamp_ns - p.last_ns <= s.forget_s * 1e9}
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                self._look(stamp_ns, one, views[one], other, views[other])
                self._decide(stamp_ns, one, list(views[one]), other, list(views[other]))
        return self._groups(names, views, stamp_ns)

    def _look(
        self, stamp_ns: int, one: str, people: Mapping[int, View], other: str, others: Mapping[int, View]
    ) -> None:
        for a, first in people.items():
            for b, second in others.items():
                found = evidence(first, second)
                if found is None:
                    continue
                instant = min(found.cost, 1e3)
                key = ((one, a), (other, b))
                pair = self._pairs.get(key)
                if pair is None:
                    self._pairs[key] = _Pair(instant, instant, stamp_ns, stamp_ns)
                    continue
                elapsed = (stamp_ns - pair.last_ns) * 1e-9
                # one absurd moment must not outweigh a second of good ones
                bounded = min(instant, 4.0 * self._settings.reject)
                pair.cost += (1.0 - math.exp(-elapsed / self._settings.smoothing_s)) * (bounded - pair.cost)
                pair.instant, pair.last_ns = instant, stamp_ns

    def _decide(self, stamp_ns: int, one: str, people: list[int], other: str, others: list[int]) -> None:
        """Who belongs to whom in two views: the cheapest one-to-one assignment, believed pairs first."""
        if not people or not others:
            return
        s = self._settings
        people, others = sorted(people), sorted(others)
        cost = np.full((len(people), len(others)), 1e3)
        for i, a in enumerate(people):
            for j, b in enumerate(others):
                pair = self._pairs.get(((one, a), (other, b)))
                if pair is not None:
                    cost[i, j] = min(pair.cost, 1e3)
                    if pair.believed and pair.cost > s.reject:
                        pair.believed = False
        known = np.array(
            [[self._believed(((one, a), (other, b))) for b in others] for a in people], dtype=bool
        )
        rows, columns = linear_sum_assignment(cost - s.margin * known)
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
            pair = self._pairs.get(((one, people[i]), (other, others[j])))
            if pair is None or pair.believed or pair.cost > s.accept:
                continue
            rivals = np.concatenate([np.delete(cost[i], j), np.delete(cost[:, j], i)])
            clear = rivals.min(initial=1e3) - pair.cost > s.margin
            if clear and (pair.last_ns - pair.first_ns) * 1e-9 >= s.evidence_s:
                pair.believed = True
                # whoever was believed to be one of the two is somebody else
                for k, a in enumerate(people):
                    for m, b in enumerate(others):
                        if (k == i) != (m == j) and known[k, m]:
                            self._pairs[((one, a), (other, b))].believed = False

    def _believed(self, key: tuple[Member, Member]) -> bool:
        pair = self._pairs.get(key)
        return pair is not None and pair.believed

    def _groups(
        self, names: list[str], views: Mapping[str, Mapping[int, View]], stamp_ns: int
    ) -> list[dict[str, int]]:
        members = [(name, identity) for name in names for identity in sorted(views[name])]
        group = {member: {member[0]: member[1]} for member in members}
        edges = sorted(
            (pair.cost, key)
            for key, pair in self._pairs.items()
            if pair.believed
            and key[0] in group
            and key[1] in group
            and (pair.last_ns < stamp_ns or pair.instant <= self._settings.veto)
        )
        for _, (a, b) in edges:
            first, second = group[a], group[b]
            if first is second or set(first) & set(second):
                continue
            merged = {**first, **second}
            for member in merged.items():
                group[member] = merged
        unique: list[dict[str, int]] = []
        for member in members:
            if not any(group[member] is known for known in unique):
                unique.append(group[member])
        return unique
