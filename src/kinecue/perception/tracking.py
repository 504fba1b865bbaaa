"""Follows people from picture to picture: where the landmark network looks, when the detector runs, who is who."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinecue.perception.appearance import appearance
from kinecue.perception.detector import Detection
from kinecue.perception.identities import Person, Sighting, distinct, match
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Image, Region

FloatArray = NDArray[np.float64]

PERSON_THRESHOLD = 0.5
"""Score under which a region holds no person any more (pose_landmark_by_roi_cpu.pbtxt)."""
MEMORY_S = 5.0
"""For how long somebody who was lost gets their identity back."""
_LONGEST_GAP_NS = 1_000_000_000
"""After a longer gap between pictures, regions say nothing any more."""
_PATIENCE_NS = 1_000_000_000
"""For how long somebody hidden is looked for where they should be, and keeps their place among those followed."""
_SEARCH_SOONER = 3
"""While somebody is missing the detector runs so many times as often."""
_SEARCH_LATER = 2
"""While all places are taken it runs that many times more seldom, only to see whether a larger person is there."""
_LARGER = 1.3
"""So much larger is somebody who takes the place of the smallest one followed."""
_NEAR, _LIKE_SIZE = 0.35, 0.4
"""A detection is of a body already found: distance in radii, difference of the radius' logarithm."""
_APART = 0.7
"""Distance in radii from which colours of two people do not mix."""
_GHOST_OVERLAP = 0.3
"""Somebody new so near to one who is missing may be a mixture of two ..."""
_GHOST_SIGHTINGS = 3
"""... and is told about only after so many pictures."""


_FARTHEST_PX = 1e6
_LEAST_INSIDE = 0.2
"""Share of the landmarks that are in the picture of somebody who is; the network goes on drawing people who have left."""


class Detector(Protocol):
    """Finds people in whole pictures."""

    def detect(self, image: Image) -> Sequence[Detection]:
        """People in an (H, W, 3) BGR picture, best first."""


class LandmarkFinder(Protocol):
    """Finds landmarks of the person in a region."""

    def estimate(self, image: Image, region: Region, stamp_ns: int) -> tuple[Landmarks2D, FloatArray] | None:
        """Landmarks, and the (2, 2) points about which the next region lies; None if there are no numbers."""


class RegionTracker:
    """Follows people from picture to picture: the last landmarks say where to look next.

    Each person costs one landmark run a picture; never more than `max_people` + 1 are made. Of two regions that show
    the same body the likelier person keeps it, the other one is hidden: looked for where they should be for a second,
    remembered for `memory_s`. The detector runs when nobody is seen or somebody was lost, and now and then for newcomers.

    Args:
        detector, landmarks: the networks.
        max_people: how many are followed at once, 1 or more.
        detection_interval: pictures between two searches for newcomers, 1 or more; without effect for one person.
        memory_s: for how long somebody lost is remembered, s.
    """

    def __init__(
        self,
        detector: Detector,
        landmarks: LandmarkFinder,
        max_people: int = 1,
        detection_interval: int = 10,
        memory_s: float = MEMORY_S,
    ) -> None:
        if max_people < 1 or detection_interval < 1:
            raise ValueError(
                f"max_people and detection_interval must be 1 or more, got {max_people} and {detection_interval}"
            )
        if not (math.isfinite(memory_s) and memory_s >= 0.0):
            raise ValueError(f"memory_s must be 0 or more, got {memory_s:g}")
        self._detector = detector
        self._landmarks = landmarks
        self._max_people = max_people
        self._interval = detection_interval
        self._memory_ns = int(memory_s * 1e9)
        self._people: list[Person] = []
        self._favoured: int | None = None
        self._next_identity = 0
        self._since_detection = 0
        self._runs_left = 0
        self._last_stamp_ns: int | None = None
        self._last_shape: tuple[int, ...] | None = None
        self.detector_runs = 0
        """How often the detector was needed since construction."""
        self.landmark_runs = 0
        """How often the landmark network ran since construction."""

    @property
    def missing(self) -> list[int]:
        """Identities of those who are remembered but not seen now."""
        return [person.identity for person in self._people if person.hidden_ns is not None]

    def favour(self, identity: int | None) -> None:
        """Keep a place for somebody (the lifter) while they are remembered; None: for nobody. Needs `max_people` over 1."""
        self._favoured = identity

    def reset(self) -> None:
        """Forget everybody; identities go on counting."""
        self._people = []
        self._last_stamp_ns = None

    def update(self, image: Image, stamp_ns: int) -> list[Landmarks2D]:
        """People in an (H, W, 3) BGR picture, those followed longest first."""
        self._begin(image, stamp_ns)
        area = float(image.shape[0] * image.shape[1])
        sightings = distinct(self._look_again(image, stamp_ns))
        matches = match(self._people, sightings, stamp_ns, area)
        self._since_detection += 1
        if self._search_needed(len(matches)):
            self._since_detection = 0
            sightings = distinct(self._search(image, stamp_ns, sightings, len(matches)))
            matches = match(self._people, sightings, stamp_ns, area)
        return self._take_over(sightings, matches, stamp_ns)

    # -- who is remembered

    def _begin(self, image: Image, stamp_ns: int) -> None:
        last = self._last_stamp_ns
        if image.shape != self._last_shape or (last is not None and stamp_ns < last - _LONGEST_GAP_NS):
            self.reset()
        elif last is not None and stamp_ns > last + _LONGEST_GAP_NS:
            for person in self._people:
                person.hidden_ns = min(person.seen_ns, stamp_ns - _PATIENCE_NS - 1)
        self._people = [p for p in self._people if stamp_ns - p.seen_ns <= max(self._memory_ns, 0)]
        self._last_stamp_ns, self._last_shape = stamp_ns, image.shape
        self._runs_left = self._max_people + 1

    def _holds_place(self, person: Person, stamp_ns: int) -> bool:
        if person.hidden_ns is None:
            return True
        if person.identity == self._favoured and self._max_people > 1:
            return True
        return person.covered and stamp_ns - person.hidden_ns <= _PATIENCE_NS

    def _free_places(self, stamp_ns: int) -> int:
        return self._max_people - sum(self._holds_place(p, stamp_ns) for p in self._people)

    # -- looking

    def _look_again(self, image: Image, stamp_ns: int) -> list[Sighting]:
        """Where those followed were, and where those hidden for a moment should be."""
        seen = [p for p in self._people if p.hidden_ns is None]
        hidden = [
            p for p in self._people if p.hidden_ns is not None and stamp_ns - p.hidden_ns <= _PATIENCE_NS
        ]
        hidden.sort(key=lambda p: p.identity != self._favoured)
        found = []
        for person in (seen + hidden)[: self._max_people]:
            region = person.region if person.hidden_ns is None else person.expected_region(stamp_ns)
            sighting = self._look(image, region, stamp_ns, person.identity)
            person.covered = sighting is not None
            if sighting is not None:
                found.append(sighting)
        return found

    def _look(
        self, image: Image, region: Region, stamp_ns: int, looked_for: int | None = None
    ) -> Sighting | None:
        height, width = image.shape[:2]
        if self._runs_left <= 0 or not region.usable(width, height):
            return None
        self._runs_left -= 1
        self.landmark_runs += 1
        estimate = self._landmarks.estimate(image, region, stamp_ns)
        if estimate is None or not estimate[0].score >= PERSON_THRESHOLD:
            return None
        landmarks, alignment = estimate
        if not (np.abs(alignment) < _FARTHEST_PX).all():
            return None
        if _share_inside(landmarks.pixels, width, height) < _LEAST_INSIDE:
            return None
        found = Sighting(landmarks, alignment, appearance(image, landmarks), looked_for, looked_for is None)
        return found if found.region.usable(width, height) else None

    # -- the detector

    def _search_needed(self, seen: int) -> bool:
        if seen == 0:
            return True
        if self._max_people == 1:
            return False
        newly = sum(p.hidden_ns is None for p in self._people) > seen
        if newly and self._since_detection > 1:
            return True
        interval = self._interval
        if len(self._people) > seen:
            interval = max(self._interval // _SEARCH_SOONER, 1)
        elif seen >= self._max_people:
            interval = self._interval * _SEARCH_LATER
        return self._since_detection >= interval

    def _search(self, image: Image, stamp_ns: int, sightings: list[Sighting], seen: int) -> list[Sighting]:
        """What the detector finds besides what was found already."""
        self.detector_runs += 1
        found = list(sightings)
        for detection in self._detector.detect(image):
            twin = next((k for k, s in enumerate(found) if _is_of(detection.region, s)), None)
            if twin is not None:
                found[twin] = replace(found[twin], detected=True)
                continue
            smaller = None
            if seen >= self._max_people:
                smaller = self._smaller_than(detection.region)
                if smaller is None:
                    continue
            sighting = self._look(image, detection.region, stamp_ns)
            if sighting is None:
                continue
            if smaller is not None:
                self._people.remove(smaller)
                found = [s for s in found if s.looked_for != smaller.identity]
                seen -= 1
            found.append(sighting)
            seen += 1
        return found

    def _smaller_than(self, region: Region) -> Person | None:
        """Whom to give up for somebody larger."""
        followed = [p for p in self._people if p.hidden_ns is None and p.identity != self._favoured]
        if not followed or self._max_people == 1:
            return None
        smallest = min(followed, key=lambda p: p.region.size)
        return smallest if region.size >= _LARGER * smallest.region.size else None

    # -- who is who

    def _take_over(
        self, sightings: list[Sighting], matches: dict[int, int], stamp_ns: int
    ) -> list[Landmarks2D]:
        matched = {k: self._people[index] for k, index in matches.items()}
        away = [p for p in self._people if all(p is not other for other in matched.values())]
        for person in away:
            if person.hidden_ns is None:
                person.hide(stamp_ns)
        self._people = [p for p in self._people if p.hidden_ns is None or p.told]
        for k, sighting in enumerate(sightings):
            if k not in matched and sighting.detected and self._free_places(stamp_ns) > 0:
                matched[k] = self._newcomer(sighting, away, stamp_ns)
        order = {id(person): n for n, person in enumerate(self._people)}
        result = []
        for k, person in sorted(matched.items(), key=lambda item: order[id(item[1])]):
            alone = all(_apart(sightings[k], other) for n, other in enumerate(sightings) if n != k)
            person.follow(sightings[k], stamp_ns, alone)
            person.told = person.told or person.sightings >= _GHOST_SIGHTINGS
            if person.told:
                result.append(replace(sightings[k].landmarks, identity=person.identity))
        return result

    def _newcomer(self, sighting: Sighting, away: list[Person], stamp_ns: int) -> Person:
        region = sighting.region
        beside = any(p.covered and p.expected_region(stamp_ns).overlap(region) > _GHOST_OVERLAP for p in away)
        person = Person(self._next_identity, region, stamp_ns, told=not beside)
        self._next_identity += 1
        self._people.append(person)
        return person


def _share_inside(pixels: FloatArray, width: int, height: int) -> float:
    inside = ((pixels >= 0) & (pixels < [width, height])).all(1)
    return np.count_nonzero(inside) / len(inside)


def _is_of(region: Region, sighting: Sighting) -> bool:
    there = sighting.region
    distance = math.hypot(region.x - there.x, region.y - there.y)
    # a region's edge is 2.5 radii
    return (
        distance < _NEAR * max(region.size, there.size) / 2.5
        and abs(math.log(region.size / there.size)) < _LIKE_SIZE
    )


def _apart(first: Sighting, second: Sighting) -> bool:
    a, b = first.region, second.region
    return math.hypot(a.x - b.x, a.y - b.y) > _APART * max(a.size, b.size) / 2.5
