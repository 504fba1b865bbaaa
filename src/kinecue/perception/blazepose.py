"""Pictures to the landmarks of people: detector, landmark network and the regions that follow people."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import BLAZEPOSE_33, Topology
from kinecue.perception.detector import PersonDetector
from kinecue.perception.errors import ImageError, ModelError
from kinecue.perception.landmark_network import LandmarkNetwork
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.models import ModelStore
from kinecue.perception.tracking import RegionTracker

VARIANTS = ("lite", "full", "heavy")
"""Landmark networks, fastest first."""


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

    def favour(self, identity: int | None) -> None:
        """Keep a place for somebody (the lifter) among those followed while they are away; None: for nobody."""

    def want_mask(self, wanted: bool) -> None:
        """Deliver segmentation masks from the next picture on, or no longer; without effect for a network that has none."""


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
        self._landmarks = LandmarkNetwork(landmarks)
        self.tracker = RegionTracker(PersonDetector(detector), self._landmarks, max_people)

    def estimate(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Landmarks2D]:
        """Landmarks of the people in a picture; empty if there is none.

        Args:
            image: (H, W, 3) uint8, BGR as OpenCV reads it. It is not changed.
            stamp_ns: acquisition time, nanoseconds; carried into the result. People are looked for where they
                were unless stamps jump, back or ahead, by more than a second.

        Raises:
            ImageError: not such a picture.
        """
        check_image(image)
        return self.tracker.update(image, stamp_ns)

    def reset(self) -> None:
        """Forget whom it followed, as if the next picture were the first."""
        self.tracker.reset()

    def favour(self, identity: int | None) -> None:
        """Keep a place for somebody (the lifter) while they are away; without effect for `max_people` 1."""
        self.tracker.favour(identity)

    def want_mask(self, wanted: bool) -> None:
        """Deliver segmentation masks from the next picture on, or no longer."""
        self._landmarks.want_mask = wanted


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
