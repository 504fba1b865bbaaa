"""A person over time, as a file holds them: in pictures (pixels) or in space (metres)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import ALL_ROUND, Body, FloatArray
from kinecue.body.landmarks import Landmark, LandmarkState, Topology

Units = Literal["auto", "px", "normalized", "m", "cm", "mm"]
Up = Literal["auto", "x", "y", "z", "-x", "-y", "-z"]
UNITS: tuple[str, ...] = get_args(Units)
UPS: tuple[str, ...] = get_args(Up)
METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}


@dataclass(frozen=True)
class ReadOptions:
    """What a person says about a file that the file does not say.

    Attributes:
        rate: frames per second; NaN = from the file, else 30.
        image_size: width and height of the pictures that landmarks lie in, px; None = from the file, else a guess.
        units: of coordinates.
        up: axis that points up.
        topic: of a bag; empty = the best there is.
    """

    rate: float = math.nan
    image_size: tuple[int, int] | None = None
    units: Units = "auto"
    up: Up = "auto"
    topic: str = ""


@dataclass(frozen=True)
class RawTrack:
    """Points of one person as they stand in a file, before anybody has said what they mean; T frames, N points.

    Attributes:
        path: of the file.
        stamps_ns: (T,) rising.
        names: of the points, as in the file.
        points: (T, N, 2 or 3) in the file's units and axes; NaN where there is nothing.
        visibility: (T, N) 0 to 1; None if the file says nothing of it.
        world: (T, N, 3) positions beside those in the picture (MediaPipe's world landmarks), m, optical axes; None without.
        image_size: width and height of the picture, px; None if the file does not say.
        units: as the file says.
        up: as the file says.
        kind: what is usual for this kind of file: ``camera`` (x right, y down), ``sensor`` (a depth camera's 3D, y up),
            ``room`` (markers), or ``unknown``.
        notes: what a person should know.
    """

    path: Path
    stamps_ns: NDArray[np.int64]
    names: tuple[str, ...]
    points: FloatArray
    visibility: FloatArray | None = None
    world: FloatArray | None = None
    image_size: tuple[int, int] | None = None
    units: Units = "auto"
    up: Up = "auto"
    kind: Literal["camera", "sensor", "room", "unknown"] = "unknown"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageTrack:
    """Landmarks of one person in the pictures of one camera; T frames, N landmarks.

    Attributes:
        path: of the file.
        stamps_ns: (T,) rising.
        topology: order of the landmarks.
        pixels: (T, N, 2) px, u right and v down; NaN where there is none.
        depth: (T, N) the network's depth against the mid-hip, px, smaller is nearer; NaN unknown.
        visibility: (T, N) 0 to 1.
        world: (T, N, 3) the network's positions, m; origin mid-hip, optical axes; NaN unknown.
        image_size: width and height, px.
        notes: what a person should know: assumptions, what was left out.
    """

    path: Path
    stamps_ns: NDArray[np.int64]
    topology: Topology
    pixels: FloatArray
    depth: FloatArray
    visibility: FloatArray
    world: FloatArray
    image_size: tuple[int, int]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.stamps_ns)


@dataclass(frozen=True)
class SpaceTrack:
    """Landmarks of one person in space; T frames, N landmarks.

    Attributes:
        path: of the file.
        stamps_ns: (T,) rising.
        topology: order of the landmarks.
        positions: (T, N, 3) base frame (z up, floor at 0), m; NaN where there is none.
        std: (N,) standard deviation of each coordinate, m.
        all_round: measured from all sides, or in depth; otherwise by one camera that looks along x.
        rigid: bones keep their lengths, so that the person's are known.
        notes: what a person should know.
    """

    path: Path
    stamps_ns: NDArray[np.int64]
    topology: Topology
    positions: FloatArray
    std: FloatArray
    all_round: bool
    rigid: bool = False
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.stamps_ns)

    def bodies(self, body_id: str = "lifta") -> Iterator[tuple[int, Body | None]]:
        """Stamp and body of each frame; None where nothing was seen."""
        n = len(self.topology)
        pixels, spread = np.full((n, 2), np.nan), np.full(n, np.nan)
        known = np.isfinite(self.positions).all(-1)
        spheres = np.eye(3) * self.std[:, None, None] ** 2
        for i, stamp in enumerate(self.stamps_ns.tolist()):
            if not known[i].any():
                yield stamp, None
                continue
            states = np.where(known[i], int(LandmarkState.OBSERVED), int(LandmarkState.LOST)).astype(np.uint8)
            yield (
                stamp,
                Body(
                    body_id,
                    stamp,
                    self.topology,
                    pixels,
                    spread,
                    self.positions[i],
                    np.where(known[i][:, None, None], spheres, np.nan),
                    states,
                    1.0,
                    (0, 0),
                    view=self._view(i),
                    calibrated=self.rigid,
                    camera_calibrated=True,
                ),
            )

    def _view(self, i: int) -> float:
        if self.all_round:
            return ALL_ROUND
        rows = self.topology.indices(Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
        left = self.positions[i, rows[0]] - self.positions[i, rows[1]]
        return math.atan2(-left[0], -left[1])
