"""What all pose networks have in common: the two ways of looking at a picture."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Topology
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.regions import Image, Region


class RegionNetwork(Protocol):
    """Finds the landmarks of the one person in a region (BlazePose, RTMPose, ViTPose): somebody has to say where to look."""

    @property
    def topology(self) -> Topology:
        """The landmarks it delivers."""

    @property
    def provider(self) -> str:
        """The execution provider that really runs it."""

    def estimate(
        self, image: Image, region: Region, stamp_ns: int, want_mask: bool | None = None
    ) -> tuple[Landmarks2D, NDArray[np.float64]] | None:
        """Landmarks in a region of an (H, W, 3) BGR picture, and the points that align the next region.

        The score says whether there is a person at all. None if the network gave no numbers. The points are
        (2, 2): centre and end for :meth:`Region.around_body`, px. `want_mask` asks for a segmentation mask where
        the network has one; None is the network's own default.
        """


class PictureNetwork(Protocol):
    """Finds everybody in a picture in one run (YOLO-pose); it does not know who is who."""

    @property
    def topology(self) -> Topology:
        """The landmarks it delivers."""

    @property
    def provider(self) -> str:
        """The execution provider that really runs it."""

    def detect(self, image: Image, stamp_ns: int) -> list[Landmarks2D]:
        """People in an (H, W, 3) BGR picture, best first, all with identity 0."""
