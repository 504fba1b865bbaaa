"""Pictures to the landmarks of people: detector, landmark network and the regions that follow people."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import BLAZEPOSE_33, Topology
from kinecue.perception.detector import PersonDetector
from kinecue.perception.errors import ImageError, ModelError
from kinecue.perception.landmark_network import LandmarkNetwork
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.models import ModelStore
from kinecue.perception.one_euro import OneEuroFilter
from kinecue.perception.regions import Image, Region

VARIANTS = ("lite", "full", "heavy")
"""Landmark networks, fastest first."""

PERSON_THRESHOLD = 0.5
"""Score under which a region holds no person any more (pose_landmark_by_roi_cpu.pbtxt)."""
SAME_PERSON_OVERLAP = 0.5
"""Overlap from which two regions follow the same person (AssociationNormRectCalculator's min_similarity)."""
_LONGEST_GAP_NS = 1_000_000_000
"""Nobody is looked for, or recognised, where they were longer ago than this."""
_TRIES_PER_PERSON = 2
"""Landmark runs spent on detections per free place in one picture; bounds the time of a picture."""


class PoseNetwork(Protocol):
    """Anything that finds landmarks of people in pictures."""

    @property
    def topology(self) -> Topology:
        """The landmarks it delivers."""

    @property
    def provider(self) -> str:
        """The execution provider that really runs it."""

    def estimate(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Landmarks2D]:
        """People in an (H, W, 3) BGR picture acquired at `stamp_ns`."""

    def reset(self) -> None:
        """Forget whom it followed."""


@dataclass
class _Track:
    """A person followed: where to look next, and the filter that keeps the region from trembling.

    MediaPipe smooths these alignment points always, also where landmarks are not smoothed
    (pose_landmark_filtering.pbtxt, "Smoothes auxiliary landmarks"), so the same crops come about here.
    """

    identity: int
    region: Region
    seen_ns: int
    filter: OneEuroFilter = field(
        default_factory=lambda: OneEuroFilter(min_cutoff=0.01, beta=10.0, derivative_cutoff=1.0)
    )

    def follow(self, points: NDArray[np.float64], stamp_ns: int) -> None:
        """Set the region by its alignment points, (2, 2) px."""
        diameter = 2.0 * float(np.linalg.norm(points[1] - points[0]))
        if diameter > 0.0:
            points = self.filter.apply(points, stamp_ns, 1.0 / diameter)
        self.region = Region.around_body(points[0], points[1])
        self.seen_ns = stamp_ns


class RegionTracker:
    """Follows people from picture to picture: the last landmarks say where to look next.

    A person whose region comes up empty is looked for again in the same picture by the detector. With room
    for more people the detector runs every `detection_interval` pictures as well, so a person costs one
    landmark run and the search for newcomers little.

    Args:
        detector, landmarks: the networks.
        max_people: how many are followed at once, 1 or more.
        detection_interval: pictures between two searches for newcomers, 1 or more; without effect for one
            person.
    """

    def __init__(
        self,
        detector: PersonDetector,
        landmarks: LandmarkNetwork,
        max_people: int = 1,
        detection_interval: int = 15,
    ) -> None:
        if max_people < 1 or detection_interval < 1:
            raise ValueError(
                f"max_people and detection_interval must be 1 or more, "
                f"got {max_people} and {detection_interval}"
            )
        self._detector = detector
        self._landmarks = landmarks
        self._max_people = max_people
        self._interval = detection_interval
        self._tracks: list[_Track] = []
        self._lost: list[_Track] = []
        self._next_identity = 0
        self._since_detection = 0
        self._last_stamp_ns: int | None = None
        self._last_shape: tuple[int, ...] | None = None
        self.detector_runs = 0
        """How often the detector was needed since construction."""
        self.landmark_runs = 0
        """How often the landmark network ran since construction."""

    def update(self, image: Image, stamp_ns: int) -> list[Landmarks2D]:
        """People in an (H, W, 3) BGR picture, those followed longest first."""
        self._forget_what_is_stale(image, stamp_ns)
        people: list[Landmarks2D] = []
        known, self._tracks = self._tracks, []
        for track in known:
            if not self._look(image, stamp_ns, track, people):
                self._lost.append(track)
        self._lost = [track for track in self._lost if stamp_ns - track.seen_ns <= _LONGEST_GAP_NS]
        self._since_detection += 1
        if self._search_needed():
            self._since_detection = 0
            self._search(image, stamp_ns, people)
        return people

    def reset(self) -> None:
        """Forget everybody; identities go on counting."""
        self._tracks, self._lost = [], []
        self._last_stamp_ns = None

    def _forget_what_is_stale(self, image: Image, stamp_ns: int) -> None:
        last = self._last_stamp_ns
        gap = last is not None and not 0 <= stamp_ns - last <= _LONGEST_GAP_NS
        if gap or image.shape != self._last_shape:
            self.reset()
        self._last_stamp_ns, self._last_shape = stamp_ns, image.shape

    def _search_needed(self) -> bool:
        if not self._tracks:
            return True
        return len(self._tracks) < self._max_people and self._since_detection >= self._interval

    def _search(self, image: Image, stamp_ns: int, people: list[Landmarks2D]) -> None:
        """Fill the free places with people the detector finds; one just lost there is the same person."""
        self.detector_runs += 1
        free = self._max_people - len(self._tracks)
        for detection in self._detector.detect(image)[: _TRIES_PER_PERSON * free]:
            if len(self._tracks) == self._max_people:
                return
            identity = self._identity_at(detection.region)
            if self._look(image, stamp_ns, _Track(identity, detection.region, stamp_ns), people):
                self._lost = [track for track in self._lost if track.identity != identity]
                self._next_identity = max(self._next_identity, identity + 1)

    def _identity_at(self, region: Region) -> int:
        near = [track for track in self._lost if track.region.overlap(region) > SAME_PERSON_OVERLAP]
        return near[-1].identity if near else self._next_identity

    def _look(self, image: Image, stamp_ns: int, track: _Track, people: list[Landmarks2D]) -> bool:
        """Look for a person in a region; if there is one that nobody follows yet, follow."""
        height, width = image.shape[:2]
        if not track.region.usable(width, height) or self._followed(track.region):
            return False
        self.landmark_runs += 1
        estimate = self._landmarks.estimate(image, track.region, stamp_ns)
        if estimate is None:
            return False
        landmarks, alignment = estimate
        if landmarks.score < PERSON_THRESHOLD:
            return False
        track.follow(alignment, stamp_ns)
        if self._followed(track.region):
            return False
        people.append(replace(landmarks, identity=track.identity))
        self._tracks.append(track)
        return True

    def _followed(self, region: Region) -> bool:
        return any(region.overlap(track.region) > SAME_PERSON_OVERLAP for track in self._tracks)


class BlazePose:
    """MediaPipe's BlazePose under onnxruntime, without its smoothing.

    Args:
        store: where the networks are.
        variant: landmark network, one of `VARIANTS`.
        provider: execution provider, see :func:`kinecue.perception.sessions.open_network`.
        threads: onnxruntime's intra-op threads.
        max_people: how many people are followed at once.

    Raises:
        ModelError: unknown variant, or a network is missing, damaged or of the wrong kind.
        ProviderError: the provider is unknown, not there, or does not start.
    """

    topology = BLAZEPOSE_33

    def __init__(
        self,
        store: ModelStore,
        variant: str = "full",
        provider: str = "auto",
        threads: int = 1,
        max_people: int = 1,
    ) -> None:
        if variant not in VARIANTS:
            raise ModelError(f"unknown BlazePose variant {variant!r}; allowed: {', '.join(VARIANTS)}")
        detector = store.open("pose_detection", provider, threads)
        landmarks = store.open(f"pose_landmark_{variant}", provider, threads)
        self.variant = variant
        self.provider = landmarks.provider
        self.tracker = RegionTracker(PersonDetector(detector), LandmarkNetwork(landmarks), max_people)

    def estimate(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Landmarks2D]:
        """Landmarks of the people in a picture; empty if there is none.

        Args:
            image: (H, W, 3) uint8, BGR as OpenCV reads it. It is not changed.
            stamp_ns: acquisition time, nanoseconds; carried into the result. People are looked for where they
                were unless stamps go back or jump by more than a second.

        Raises:
            ImageError: not such a picture.
        """
        check_image(image)
        return self.tracker.update(image, stamp_ns)

    def reset(self) -> None:
        """Forget whom it followed, as if the next picture were the first."""
        self.tracker.reset()


def check_image(image: NDArray[np.uint8]) -> None:
    """Refuse what is not an (H, W, 3) uint8 picture.

    Raises:
        ImageError: says what was expected and what came.
    """
    if not isinstance(image, np.ndarray):
        raise ImageError(
            f"expected a BGR picture as a uint8 array (height, width, 3), got {type(image).__name__}"
        )
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ImageError(
            f"expected a BGR picture as a uint8 array (height, width, 3), got {image.dtype} {image.shape}"
        )
