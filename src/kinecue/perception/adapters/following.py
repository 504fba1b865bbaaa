"""Pose networks that follow people, made of a network that does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Topology
from kinecue.perception.blazepose import check_image
from kinecue.perception.detector import Detection
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.networks import PictureNetwork, RegionNetwork
from kinecue.perception.regions import BODY_MARGIN, Image, Region
from kinecue.perception.tracking import Detector, RegionTracker

FloatArray = NDArray[np.float64]

_SAME = 0.3
"""Overlap of a region with that of somebody found in the picture from which it is them."""


class TopDownPose:
    """A region network behind a person detector.

    Args:
        detector: says where people are.
        network: finds the landmarks of one.
        max_people: how many are followed at once.
    """

    def __init__(self, detector: Detector, network: RegionNetwork, max_people: int = 1) -> None:
        self._network = network
        self.tracker = RegionTracker(detector, network, max_people)

    @property
    def topology(self) -> Topology:
        """The landmarks it delivers."""
        return self._network.topology

    @property
    def provider(self) -> str:
        """The execution provider that really runs the landmark network."""
        return self._network.provider

    def estimate(self, image: Image, stamp_ns: int) -> list[Landmarks2D]:
        """People in an (H, W, 3) BGR picture acquired at `stamp_ns`; raises ImageError for others."""
        check_image(image)
        return self.tracker.update(image, stamp_ns)

    def reset(self) -> None:
        """Forget whom it followed."""
        self.tracker.reset()

    def favour(self, identity: int | None) -> None:
        """Keep a place for somebody (the lifter) while they are away; without effect for `max_people` 1."""
        self.tracker.favour(identity)

    def want_mask(self, wanted: bool) -> None:
        """Supplied networks have no masks."""


class OneShotPose:
    """A network that finds everybody at once: it runs once a picture, and the tracker picks from what it found.

    Args:
        network: finds everybody.
        max_people: how many are followed at once.
    """

    def __init__(self, network: PictureNetwork, max_people: int = 1) -> None:
        self._network = network
        self._found = _Found()
        self.tracker = RegionTracker(self._found, self._found, max_people, detection_interval=1)

    @property
    def topology(self) -> Topology:
        """The landmarks it delivers."""
        return self._network.topology

    @property
    def provider(self) -> str:
        """The execution provider that really runs it."""
        return self._network.provider

    def estimate(self, image: Image, stamp_ns: int) -> list[Landmarks2D]:
        """People in an (H, W, 3) BGR picture acquired at `stamp_ns`; raises ImageError for others."""
        check_image(image)
        self._found.people = self._network.detect(image, stamp_ns)
        return self.tracker.update(image, stamp_ns)

    def reset(self) -> None:
        """Forget whom it followed."""
        self.tracker.reset()

    def favour(self, identity: int | None) -> None:
        """Keep a place for somebody (the lifter) while they are away; without effect for `max_people` 1."""
        self.tracker.favour(identity)

    def want_mask(self, wanted: bool) -> None:
        """Supplied networks have no masks."""


class _Found:
    """Those found in the picture that is looked at, in the parts of detector and landmark network."""

    def __init__(self) -> None:
        self.people: list[Landmarks2D] = []

    def detect(self, image: Image) -> Sequence[Detection]:
        """All of them."""
        return [self._detection(person) for person in self.people]

    def estimate(self, image: Image, region: Region, stamp_ns: int) -> tuple[Landmarks2D, FloatArray] | None:
        """The one who fills a region best."""
        overlaps = [person.region.overlap(region) for person in self.people]
        if not overlaps or max(overlaps) < _SAME:
            return None
        person = self.people[int(np.argmax(overlaps))]
        return person, _alignment(person.region)

    def _detection(self, person: Landmarks2D) -> Detection:
        points = _alignment(person.region)
        reach = person.region.size / BODY_MARGIN / 2
        box = np.concatenate([points[0] - reach, points[0] + reach])
        return Detection(person.score, box, np.concatenate([points, points]))


def _alignment(region: Region) -> FloatArray:
    """(2, 2) points for which :meth:`Region.around_body` gives the upright `region`."""
    centre = np.array([region.x, region.y])
    return np.stack([centre, centre - [0.0, region.size / BODY_MARGIN / 2]])
