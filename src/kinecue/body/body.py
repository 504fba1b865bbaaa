"""A person's body at one moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.landmarks import Landmark, LandmarkState, Topology

FloatArray = NDArray[np.float64]

ALL_ROUND = math.inf
"""`Body.view` of somebody who was measured from all sides (optical markers): nothing depends on the view."""


@dataclass(frozen=True)
class Body:
    """Landmarks of one person in one frame, in the image and in space.

    Attributes:
        id: transient identity, letters only (REP-155); empty if none was assigned.
        stamp_ns: acquisition time of the frame, nanoseconds.
        topology: order of the rows below; N landmarks.
        pixels: (N, 2) image position, px, u right and v down; NaN if lost.
        pixel_std: (N,) standard deviation of `pixels`, px.
        positions: (N, 3) position in the base frame, m; NaN if lost.
        covariances: (N, 3, 3) covariance of `positions`, m^2; NaN if lost.
        states: (N,) `LandmarkState` values, uint8.
        confidence: 0 to 1, that this is a person.
        image_size: width and height of the frame, px.
        view: person's yaw against the camera, rad: 0 faces the camera, +pi/2 shows the left side; NaN unknown,
            `ALL_ROUND` from everywhere.
        calibrated: whether segment lengths were measured on this person (else population proportions).
        camera_calibrated: whether the camera's intrinsics were given (else an estimate).
        truncated: part of the body is outside the image.
        joint_landmarks: M landmarks whose errors are known jointly (the joints of the kinematic fit).
        joint_covariance: (3M, 3M) covariance of their positions, m^2: neighbours err together, so an angle between them
            is known better than their single covariances say. None if only `covariances` is known.
    """

    id: str
    stamp_ns: int
    topology: Topology
    pixels: FloatArray
    pixel_std: FloatArray
    positions: FloatArray
    covariances: FloatArray
    states: NDArray[np.uint8]
    confidence: float
    image_size: tuple[int, int]
    view: float = math.nan
    calibrated: bool = False
    camera_calibrated: bool = False
    truncated: bool = False
    joint_landmarks: tuple[Landmark, ...] = ()
    joint_covariance: FloatArray | None = None

    def __post_init__(self) -> None:
        n = len(self.topology)
        expected: dict[str, tuple[int, ...]] = {
            "pixels": (n, 2),
            "pixel_std": (n,),
            "positions": (n, 3),
            "covariances": (n, 3, 3),
            "states": (n,),
        }
        for name, shape in expected.items():
            actual = np.shape(getattr(self, name))
            if actual != shape:
                raise ValueError(
                    f"Body.{name}: expected shape {shape} for {self.topology.name}, got {actual}"
                )
        size = 3 * len(self.joint_landmarks)
        if self.joint_covariance is not None and self.joint_covariance.shape != (size, size):
            raise ValueError(
                f"Body.joint_covariance: expected shape {(size, size)} for {len(self.joint_landmarks)} joints, "
                f"got {self.joint_covariance.shape}"
            )

    def position(self, landmark: Landmark) -> FloatArray:
        """(3,) position in the base frame, m."""
        row: FloatArray = self.positions[self.topology.index(landmark)]
        return row

    def pixel(self, landmark: Landmark) -> FloatArray:
        """(2,) image position, px."""
        row: FloatArray = self.pixels[self.topology.index(landmark)]
        return row

    def covariance(self, landmark: Landmark) -> FloatArray:
        """(3, 3) covariance of the position, m^2."""
        block: FloatArray = self.covariances[self.topology.index(landmark)]
        return block

    def state(self, landmark: Landmark) -> LandmarkState:
        """How the position was come by."""
        return LandmarkState(int(self.states[self.topology.index(landmark)]))

    def covariance_of(self, *landmarks: Landmark) -> FloatArray:
        """(3k, 3k) joint covariance of several positions, m^2, in the order given.

        Cross terms are those of `joint_covariance` where both landmarks have them, zero elsewhere.
        """
        rows = self.topology.indices(*landmarks)
        result = np.zeros((3 * len(rows), 3 * len(rows)))
        for k, row in enumerate(rows):
            result[3 * k : 3 * k + 3, 3 * k : 3 * k + 3] = self.covariances[row]
        if self.joint_covariance is not None:
            known = {landmark: j for j, landmark in enumerate(self.joint_landmarks)}
            places = [(k, known[landmark]) for k, landmark in enumerate(landmarks) if landmark in known]
            here = [3 * k + axis for k, _ in places for axis in range(3)]
            there = [3 * j + axis for _, j in places for axis in range(3)]
            result[np.ix_(here, here)] = self.joint_covariance[np.ix_(there, there)]
        return result
