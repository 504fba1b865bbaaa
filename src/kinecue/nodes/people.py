"""REP-155 (ROS4HRI) topics of the tracked people, where hri_msgs is installed."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from rclpy.node import Node
from rclpy.publisher import Publisher

from kinecue.body import Body, LandmarkState
from kinecue.body import Landmark as L
from kinecue.nodes.base import ns_to_stamp

try:
    from hri_msgs.msg import IdsList, NormalizedPointOfInterest2D, NormalizedRegionOfInterest2D, Skeleton2D
except ImportError:  # told once in the log by `PeoplePublisher`
    IdsList = None

_ORDER = (
    L.NOSE,
    None,  # neck: midpoint of the shoulders
    L.RIGHT_SHOULDER,
    L.RIGHT_ELBOW,
    L.RIGHT_WRIST,
    L.LEFT_SHOULDER,
    L.LEFT_ELBOW,
    L.LEFT_WRIST,
    L.RIGHT_HIP,
    L.RIGHT_KNEE,
    L.RIGHT_ANKLE,
    L.LEFT_HIP,
    L.LEFT_KNEE,
    L.LEFT_ANKLE,
    L.LEFT_EYE,
    L.RIGHT_EYE,
    L.LEFT_EAR,
    L.RIGHT_EAR,
)
"""hri_msgs/Skeleton2D's order."""


_SWEEP_S = 0.5
"""How often topics of people who have left are taken away."""


class PeoplePublisher:
    """/humans/bodies/tracked and, per body, roi and skeleton2d.

    libhri subscribes with the reliable system default, so these publishers are reliable.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._bodies: dict[str, tuple[Publisher, Publisher]] = {}
        self._tracked = None
        if IdsList is None:
            node.get_logger().info("hri_msgs is not installed: no REP-155 topics")
            return
        self._tracked = node.create_publisher(IdsList, "/humans/bodies/tracked", 10)
        # frames are published from another thread; only the executor's own may take a publisher away from it
        self._gone: deque[Publisher] = deque()
        node.create_timer(_SWEEP_S, self._sweep)

    def publish(self, bodies: list[Body], stamp_ns: int) -> None:
        """All bodies of a frame."""
        if self._tracked is None:
            return
        ids = IdsList(ids=[body.id for body in bodies])
        ids.header.stamp = ns_to_stamp(stamp_ns)
        self._tracked.publish(ids)
        for body in bodies:
            roi, skeleton = self._publishers(body.id)
            roi.publish(_roi(body))
            skeleton.publish(_skeleton(body))
        for gone in set(self._bodies) - {body.id for body in bodies}:
            self._gone.extend(self._bodies.pop(gone))

    def _sweep(self) -> None:
        while self._gone:
            self._node.destroy_publisher(self._gone.popleft())

    def _publishers(self, body_id: str) -> tuple[Publisher, Publisher]:
        if body_id not in self._bodies:
            base = f"/humans/bodies/{body_id}"
            self._bodies[body_id] = (
                self._node.create_publisher(NormalizedRegionOfInterest2D, f"{base}/roi", 10),
                self._node.create_publisher(Skeleton2D, f"{base}/skeleton2d", 10),
            )
        return self._bodies[body_id]


def _roi(body: Body) -> object:
    size = np.array(body.image_size, float)
    seen = body.pixels[np.isfinite(body.pixels).all(1)]
    if not len(seen):
        seen = np.zeros((1, 2))
    low, high = (np.clip(v / size, 0.0, 1.0) for v in (seen.min(0), seen.max(0)))
    roi = NormalizedRegionOfInterest2D(
        xmin=float(low[0]), ymin=float(low[1]), xmax=float(high[0]), ymax=float(high[1])
    )
    roi.c = float(body.confidence) if np.isfinite(body.pixels).any() else 0.0
    roi.header.stamp = ns_to_stamp(body.stamp_ns)
    return roi


def _skeleton(body: Body) -> object:
    message = Skeleton2D()
    message.header.stamp = ns_to_stamp(body.stamp_ns)
    for i, landmark in enumerate(_ORDER):
        if landmark is None:
            left, right = (_point(body, side) for side in (L.LEFT_SHOULDER, L.RIGHT_SHOULDER))
            point = ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2, min(left[2], right[2]))
        else:
            point = _point(body, landmark)
        message.skeleton[i] = NormalizedPointOfInterest2D(x=point[0], y=point[1], c=point[2])
    return message


def _point(body: Body, landmark: L) -> tuple[float, float, float]:
    u, v = body.pixel(landmark)
    if not (math.isfinite(u) and math.isfinite(v)):
        return 0.0, 0.0, 0.0
    x, y = u / body.image_size[0], v / body.image_size[1]
    inside = 0.0 <= x <= 1.0 and 0.0 <= y <= 1.0
    sure = {LandmarkState.OBSERVED: body.confidence, LandmarkState.INFERRED: 0.3 * body.confidence}
    return (
        min(max(x, 0.0), 1.0),
        min(max(y, 0.0), 1.0),
        sure.get(body.state(landmark), 0.0) if inside else 0.0,
    )
