"""What a pose network says of one person in one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import Topology
from kinecue.perception.regions import Region

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class SegmentationMask:
    """Where in a picture the person is.

    Attributes:
        probability: (S, S) float32, 0 to 1, that a place of the region belongs to the person.
        region: what of the picture it covers.
    """

    probability: NDArray[np.float32]
    region: Region


@dataclass(frozen=True)
class Landmarks2D:
    """What the network says of one person in one picture, N landmarks of `topology`.

    Attributes:
        stamp_ns: acquisition time of the picture, nanoseconds.
        topology: order of the rows.
        pixels: (N, 2) position in the picture, px, u right and v down; may lie outside.
        depth: (N,) the network's depth relative to the mid-hip, px, smaller is nearer to the camera.
        visibility: (N,) probability that the landmark is in the picture and not hidden.
        presence: (N,) probability that the landmark is in the picture.
        world: (N, 3) the network's own guess of positions, m; origin mid-hip, optical axes (right, down,
            forward).
        spread: (N,) distance between the two estimates the network makes of each position (regression,
            heatmap), px; a sign of noise. NaN where the heatmap has no peak.
        score: 0 to 1, probability that the region holds a person.
        region: the piece of the picture that was looked at.
        identity: number of the person followed; a new one after the person was lost. 0 or more.
        measured_depth: (N,) distance along the optical axis to the surface seen at each landmark, from a depth camera,
            m; NaN unknown. None without such a camera.
        measured_depth_std: (N,) its standard deviation, m.
        mask: which pixels are the person; None where the network does not say or was not asked.
    """

    stamp_ns: int
    topology: Topology
    pixels: FloatArray
    depth: FloatArray
    visibility: FloatArray
    presence: FloatArray
    world: FloatArray
    spread: FloatArray
    score: float
    region: Region
    identity: int = 0
    measured_depth: FloatArray | None = None
    measured_depth_std: FloatArray | None = None
    mask: SegmentationMask | None = None

    def __post_init__(self) -> None:
        n = len(self.topology)
        expected: dict[str, tuple[int, ...]] = {
            "pixels": (n, 2),
            "depth": (n,),
            "visibility": (n,),
            "presence": (n,),
            "world": (n, 3),
            "spread": (n,),
        }
        for name, shape in expected.items():
            actual = np.shape(getattr(self, name))
            if actual != shape:
                raise ValueError(f"Landmarks2D.{name}: expected shape {shape}, got {actual}")


@dataclass(frozen=True)
class View:
    """The same person at the same moment in another calibrated camera.

    Attributes:
        camera: in the base frame of the first camera.
        landmarks: what its network says.
    """

    camera: CameraModel
    landmarks: Landmarks2D
