"""Waits for the picture from which the shape of a body can be fitted: one of somebody who stands, with a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinecue.body.body import Body
from kinecue.body.camera import CameraModel
from kinecue.body.landmarks import BLAZEPOSE_33
from kinecue.body.landmarks import Landmark as L
from kinecue.body.volume.silhouette import Silhouette
from kinecue.perception.landmarks2d import Landmarks2D
from kinecue.perception.silhouettes import silhouettes_of
from kinecue.perception.standing import is_standing

FloatArray = NDArray[np.float64]

SETTLE_S = 0.5
"""The fit with the new lengths settles before its joints are put into a silhouette."""
PATIENCE_S = 6.0
"""After that long without such a picture the shape is fitted to the lengths alone."""
_MAIN = [
    L(f"{side}_{joint}")
    for side in ("left", "right")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
_ROWS = BLAZEPOSE_33.indices(*_MAIN)


@dataclass(frozen=True)
class ShapeSight:
    """What the shape of one person is fitted to.

    Attributes:
        body_id: transient identity of the person.
        stamp_ns: of the last picture that was looked at.
        silhouettes: of the person standing; empty if there was none.
    """

    body_id: str
    stamp_ns: int
    silhouettes: list[Silhouette]


class ShapeCapture:
    """One wait for one picture.

    Tell it of every picture; before each one ask whether the network is to deliver masks.
    """

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self.wants_mask = False
        """The next picture may be the one."""

    def update(
        self, landmarks: Landmarks2D | None, body: Body | None, camera: CameraModel | None, stamp_ns: int
    ) -> ShapeSight | None:
        """The lifter in one more picture; what was waited for when it has come, or when the time is over.

        Args:
            landmarks: what the network says of the lifter; None if they are not in sight.
            body: the lifter's.
            camera: in whose base frame the body is.
            stamp_ns: of the picture.
        """
        if landmarks is None or body is None or camera is None:
            self.wants_mask = False
            return None
        if self._since_ns is None or stamp_ns < self._since_ns:
            self._since_ns = stamp_ns
        waited = (stamp_ns - self._since_ns) * 1e-9
        points = _points(body)
        usable = (
            waited >= SETTLE_S
            and bool(np.isfinite(points[_ROWS]).all())
            and not body.truncated
            and is_standing(landmarks.pixels, landmarks.visibility, camera.height)
        )
        if usable and landmarks.mask is not None:
            return ShapeSight(body.id, stamp_ns, silhouettes_of([(landmarks, points)], camera))
        self.wants_mask = usable
        return ShapeSight(body.id, stamp_ns, []) if waited > PATIENCE_S else None


def _points(body: Body) -> FloatArray:
    """(33, 3) in the order of `BLAZEPOSE_33`, m; NaN for what the body's topology lacks."""
    if body.topology is BLAZEPOSE_33:
        return body.positions
    points = np.full((len(BLAZEPOSE_33), 3), np.nan)
    for row, landmark in enumerate(BLAZEPOSE_33.landmarks):
        if landmark in body.topology:
            points[row] = body.position(landmark)
    return points
