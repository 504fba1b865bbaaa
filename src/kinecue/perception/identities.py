"""Who is who from picture to picture: sightings are matched with the people known, by place, pose, looks and proportions.

Everything is a logarithm of a likelihood ratio (nats): that a sighting is this person against that it is somebody unknown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from kinecue.body.landmarks import Landmark as L
from kinecue.body.landmarks import Topology
from kinecue.perception.appearance import Appearance
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.one_euro import OneEuroFilter
from kinecue.perception.regions import Region

FloatArray = NDArray[np.float64]

_KEYPOINTS = {
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
}
"""Scatter of annotations as a share of a person's size: the sigmas of COCO's object keypoint similarity."""
SAME_BODY = 0.5
"""Keypoint similarity from which two sightings are of one body."""

_PLACE_STD, _PLACE_STD_PER_S, _PLACE_STD_MAX = 0.05, 0.9, 4.0
"""Uncertainty of a predicted place, in radii of the body's circle (about half a stature), and how it grows."""
_SIZE_STD, _SIZE_STD_PER_S, _SIZE_STD_MAX = 0.05, 0.25, 0.5
"""Of the predicted radius' logarithm."""
_SIZES_OF_STRANGERS = 1.5
"""Range of the logarithm of sizes over which unknown people are spread evenly."""
_VELOCITY_GAIN = 0.35
"""Share by which the velocity follows a new measurement made a tenth of a second after the last."""
_WALKING_LASTS_S, _LIFTING_LASTS_S = 1.5, 0.25
"""For how long somebody hidden is expected to go on sideways, and up or down: a walk lasts, a repetition turns back."""

_ALIKE_LEAST, _ALIKE_MOST, _NATS_PER_LIKENESS = 0.82, 0.93, 40.0
"""Likeness that speaks neither for nor against a person, and its weight. Colours of one person over a clip agree to .80 at
least, mostly .87 and more, in front of a still camera .95; those of people in other clothes to .75 at most (scenes of
bench/identities.py; films of one person: .84 to .98 for 95 % of the pictures)."""
_USUAL_LIKENESS, _USUAL_STD, _LEAST_STD, _UNUSUAL = 0.93, 0.045, 0.02, 2.5
"""Likeness of a person to themselves before any is measured; how many standard deviations under it are unusual."""
_LOOKS_FOR, _LOOKS_AGAINST = 3.0, -8.0
_LIMB_STD, _LIMBS_FOR, _LIMBS_AGAINST = 0.15, 0.5, -2.0
_POSE_RANGE = 1.0
"""Most that a pose counts for or against."""
_POSE_LASTS_NS = 300_000_000
_OWN_REGION = 1.0
"""For a sighting in the very region where a person was in the last picture."""
_JUMP_LIMIT = -8.0
"""Least that the place counts there: quick moves of a person alone are no other person."""
_LOOKS_GAIN = 0.05
"""Share by which looks follow a sighting, after the first ones, which are averaged; less if it does not look alike."""


_MIXED_NS = 700_000_000
"""For at most so long the network mixes two people who cross."""


@dataclass(frozen=True)
class Sighting:
    """Somebody seen in a picture, not yet known who.

    Attributes:
        landmarks: as the network gives them.
        alignment: (2, 2) centre and end of the body's circle, px, see :meth:`Region.around_body`.
        looks: appearance.
        looked_for: identity of the person in whose region it was found; None for the detector's.
        detected: the detector found somebody there.
    """

    landmarks: Landmarks2D
    alignment: FloatArray
    looks: Appearance
    looked_for: int | None = None
    detected: bool = False

    @cached_property
    def place(self) -> FloatArray:
        """(3,) centre in px and logarithm of the radius."""
        return _place(self.alignment)

    @cached_property
    def region(self) -> Region:
        """About the body as it is now."""
        return Region.around_body(self.alignment[0], self.alignment[1])


@dataclass(frozen=True)
class _Whereabouts:
    """Where somebody was, and how they moved."""

    region: Region
    place: FloatArray
    velocity: FloatArray
    stamp_ns: int


@dataclass
class Person:
    """Somebody who is followed, hidden, or remembered.

    MediaPipe smooths the alignment points of the next region always, also where landmarks are not smoothed
    (pose_landmark_filtering.pbtxt, "Smoothes auxiliary landmarks"), so the same crops come about here.

    Attributes:
        identity: number for good.
        region: where to look in the next picture.
        seen_ns: stamp of the last sighting.
        sightings: how many.
        hidden_ns: stamp of the first picture without them; None while they are seen.
        covered: where they should be, somebody is seen; else nobody.
        told: they are a person for certain, not a mixture of two who cross.
        looks: on the average; None before the first sighting.
    """

    identity: int
    region: Region
    seen_ns: int
    sightings: int = 0
    hidden_ns: int | None = None
    covered: bool = False
    told: bool = True
    looks: Appearance | None = None
    _filter: OneEuroFilter = field(
        default_factory=lambda: OneEuroFilter(min_cutoff=0.01, beta=10.0, derivative_cutoff=1.0)
    )
    _place: FloatArray = field(default_factory=lambda: np.full(3, np.nan))
    _velocity: FloatArray = field(default_factory=lambda: np.zeros(3))
    _pixels: FloatArray | None = None
    _certain: _Whereabouts | None = None
    _likeness: float = _USUAL_LIKENESS
    _likeness_variance: float = _USUAL_STD**2

    @property
    def _alike(self) -> float:
        """From which likeness on a sighting's colours speak for this person."""
        usual = self._likeness - _UNUSUAL * max(math.sqrt(self._likeness_variance), _LEAST_STD)
        return min(max(usual, _ALIKE_LEAST), _ALIKE_MOST)

    def follow(self, sighting: Sighting, stamp_ns: int, alone: bool) -> None:
        """Takes a sighting over.

        Args:
            sighting: of this person.
            stamp_ns: of its picture.
            alone: nobody else is so near that their colours might be in it.
        """
        place = sighting.place
        interval = (stamp_ns - self.seen_ns) * 1e-9
        if self.sightings == 0 or interval <= 0.0:
            self._velocity = np.zeros(3)
        else:
            gain = 1.0 - (1.0 - _VELOCITY_GAIN) ** min(interval / 0.1, 4.0)
            fastest = 4.0 * math.exp(min(float(place[2]), 20.0))
            measured = np.clip((place - self._place) / interval, -fastest, fastest)
            self._velocity = self._velocity + gain * (measured - self._velocity)
        if self.hidden_ns is not None:
            # the filter would drag the region from where the person was last seen
            self._filter.reset()
        points = sighting.alignment
        diameter = 2.0 * math.dist(points[0], points[1])
        if diameter > 0.0:
            points = self._filter.apply(points, stamp_ns, 1.0 / diameter)
        self.region = Region.around_body(points[0], points[1])
        self._place, self._pixels = place, sighting.landmarks.pixels
        self.seen_ns, self.hidden_ns = stamp_ns, None
        self.sightings += 1
        likeness = math.nan if self.looks is None else self.looks.similarity(sighting.looks)
        alike = not likeness < self._alike
        if math.isfinite(likeness):
            # what is unusual hardly changes what is usual, or a few mixtures would let anybody pass
            gain = _LOOKS_GAIN if alike else 0.2 * _LOOKS_GAIN
            off = max(likeness - self._likeness, -3.0 * math.sqrt(self._likeness_variance))
            self._likeness += gain * off
            self._likeness_variance += gain * (off**2 - self._likeness_variance)
        if alike:
            self._certain = _Whereabouts(self.region, place, self._velocity, stamp_ns)
        if self.looks is None:
            self.looks = sighting.looks
        elif alone:
            gain = max(1.0 / self.sightings, _LOOKS_GAIN)
            self.looks = self.looks.blend(sighting.looks, gain if alike else 0.3 * _LOOKS_GAIN)

    def hide(self, stamp_ns: int) -> None:
        """They cannot be seen any more, from this picture on.

        Just before, the network draws mixtures of them and of who comes before them: where they were when they last
        looked like themselves is where they are.
        """
        self.hidden_ns = stamp_ns
        certain = self._certain
        if certain is not None and 0 < self.seen_ns - certain.stamp_ns <= _MIXED_NS:
            self.region, self._place, self._velocity = certain.region, certain.place, certain.velocity
            self.seen_ns, self._pixels = certain.stamp_ns, None

    def expected(self, stamp_ns: int) -> FloatArray:
        """(3,) place at a time: px, px, logarithm of the radius. Up and down ends soon, walking goes on."""
        gone = max((stamp_ns - self.seen_ns) * 1e-9, 0.0)
        lasts = np.array([_WALKING_LASTS_S, _LIFTING_LASTS_S, _LIFTING_LASTS_S])
        result: FloatArray = self._place + self._velocity * lasts * (1.0 - np.exp(-gone / lasts))
        return result

    def expected_region(self, stamp_ns: int) -> Region:
        """Where to look for them at a time, if they could not be seen lately."""
        shift = self.expected(stamp_ns) - self._place
        return Region(
            self.region.x + float(shift[0]),
            self.region.y + float(shift[1]),
            self.region.size,
            self.region.angle,
        )

    def likelihood(self, sighting: Sighting, stamp_ns: int, picture_area: float) -> float:
        """Logarithm of the likelihood ratio that a sighting is this person, nats; -inf if it has no place."""
        own = sighting.looked_for == self.identity and self.hidden_ns is None
        place = self._place_nats(sighting.place, stamp_ns, picture_area, own)
        if not math.isfinite(place):
            return -math.inf
        return place + self._looks_nats(sighting.looks) + self._pose_nats(sighting, stamp_ns)

    def _place_nats(self, place: FloatArray, stamp_ns: int, picture_area: float, own: bool) -> float:
        gone = max((stamp_ns - self.seen_ns) * 1e-9, 0.0)
        std = min(_PLACE_STD + _PLACE_STD_PER_S * gone, _PLACE_STD_MAX)
        size_std = min(_SIZE_STD + _SIZE_STD_PER_S * gone, _SIZE_STD_MAX)
        off = place - self.expected(stamp_ns)
        if not np.isfinite(off).all():
            return -math.inf
        radius = math.exp(0.5 * (float(place[2]) + float(self._place[2])))
        squares = (float(off[0]) ** 2 + float(off[1]) ** 2) / (radius * std) ** 2 + float(
            off[2] / size_std
        ) ** 2
        strangers = math.log(max(picture_area / radius**2, 1.0) * _SIZES_OF_STRANGERS)
        nats = strangers - math.log((2.0 * math.pi) ** 1.5 * std**2 * size_std) - 0.5 * squares
        return max(nats, _JUMP_LIMIT) + _OWN_REGION if own else nats

    def _looks_nats(self, looks: Appearance) -> float:
        if self.looks is None:
            return 0.0
        nats = 0.0
        likeness = self.looks.similarity(looks)
        if math.isfinite(likeness):
            nats += min(max(_NATS_PER_LIKENESS * (likeness - self._alike), _LOOKS_AGAINST), _LOOKS_FOR)
        off = self.looks.limb_distance(looks)
        if math.isfinite(off):
            nats += max(_LIMBS_FOR - 0.5 * (off / _LIMB_STD) ** 2, _LIMBS_AGAINST)
        return nats

    def _pose_nats(self, sighting: Sighting, stamp_ns: int) -> float:
        if self._pixels is None or stamp_ns - self.seen_ns > _POSE_LASTS_NS:
            return 0.0
        topology, place = sighting.landmarks.topology, sighting.place
        if self._pixels.shape != sighting.landmarks.pixels.shape:
            return 0.0
        scale = math.exp(min(max(float(place[2] - self._place[2]), -2.0), 2.0))
        moved = (self._pixels - self._place[:2]) * scale + place[:2]
        alike = keypoint_similarity(topology, moved, sighting.landmarks.pixels, math.exp(float(place[2])))
        return 2.0 * _POSE_RANGE * (alike - 0.5) if math.isfinite(alike) else 0.0


def _place(alignment: FloatArray) -> FloatArray:
    radius = math.dist(alignment[0], alignment[1])
    size = math.log(radius) if radius > 0.0 and math.isfinite(radius) else math.nan
    return np.array([alignment[0, 0], alignment[0, 1], size])


def keypoint_similarity(topology: Topology, first: FloatArray, second: FloatArray, radius: float) -> float:
    """COCO's object keypoint similarity over shoulders, elbows, wrists, hips, knees, ankles, 0 to 1.

    Args:
        topology: of both.
        first, second: (N, 2) landmarks, px.
        radius: of the body's circle, px; stands for the square root of the object's area.

    Returns:
        NaN if no landmark is known in both.
    """
    rows, scatter = _rows(topology)
    if not rows or not radius > 0.0:
        return math.nan
    with np.errstate(over="ignore", invalid="ignore"):
        squares = ((first[rows] - second[rows]) ** 2).sum(1)
    known = np.isfinite(squares)
    if not known.any():
        return math.nan
    likeness = np.exp(-squares[known] / (2.0 * radius**2 * (2.0 * scatter[known]) ** 2))
    return float(likeness.mean())


def _rows(topology: Topology) -> tuple[list[int], FloatArray]:
    cached = _ROWS.get(topology.name)
    if cached is None:
        named = [(L(f"{side}_{part}"), k) for part, k in _KEYPOINTS.items() for side in ("left", "right")]
        there = [(topology.index(landmark), k) for landmark, k in named if landmark in topology]
        cached = [row for row, _ in there], np.array([k for _, k in there])
        _ROWS[topology.name] = cached
    return cached


_ROWS: dict[str, tuple[list[int], FloatArray]] = {}


def same_body(first: Sighting, second: Sighting) -> bool:
    """Whether two sightings are of one body: when people cross, the network finds the one in front in both regions.

    Left and right may be swapped in one of them.
    """
    a, b = first.landmarks, second.landmarks
    if a.topology is not b.topology:
        return False
    radius = math.exp(0.5 * float(first.place[2] + second.place[2]))
    if not math.isfinite(radius):
        return False
    straight = keypoint_similarity(a.topology, a.pixels, b.pixels, radius)
    if straight >= SAME_BODY:
        return True
    swapped = keypoint_similarity(a.topology, a.pixels[list(a.topology.mirror)], b.pixels, radius)
    return swapped >= SAME_BODY + 0.1


def distinct(sightings: Sequence[Sighting]) -> list[Sighting]:
    """One sighting per body: of several the one whose region was best about the body; order is kept."""
    kept: list[Sighting] = []
    for sighting in sightings:
        twin = next((k for k, other in enumerate(kept) if same_body(other, sighting)), None)
        if twin is None:
            kept.append(sighting)
        elif _fit(sighting) > _fit(kept[twin]) + 0.05:
            kept[twin] = sighting
    return kept


def _fit(sighting: Sighting) -> float:
    return sighting.landmarks.region.overlap(sighting.region)


def match(
    people: Sequence[Person], sightings: Sequence[Sighting], stamp_ns: int, picture_area: float
) -> dict[int, int]:
    """The likeliest way to say who is who.

    Args:
        people: whoever is known.
        sightings: one per body.
        stamp_ns: of the picture.
        picture_area: px^2.

    Returns:
        Index of a sighting to index of a person; a sighting of nobody known is left out.
    """
    if not people or not sightings:
        return {}
    gains = np.array([[p.likelihood(s, stamp_ns, picture_area) for p in people] for s in sightings])
    # a column per sighting for "somebody unknown", which gains nothing
    strangers = np.where(np.eye(len(sightings), dtype=bool), 0.0, -1e6)
    table = np.concatenate([np.where(gains > 0.0, gains, -1e6), strangers], axis=1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if column < len(people) and gains[row, column] > 0.0
    }
