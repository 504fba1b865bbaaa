"""Frames of the machine and of the people in front of it, on /tf and /tf_static (REP-103, REP-105, REP-155)."""

from __future__ import annotations

import math

import numpy as np
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from rclpy.node import Node
from transforms3d.euler import euler2quat
from transforms3d.quaternions import mat2quat

from kinecue.body import Body, CameraModel, Landmark
from kinecue.nodes.base import LATCHED_QOS, ns_to_stamp

try:
    from tf2_msgs.msg import TFMessage
except ImportError:  # told once in the log by `TransformPublisher`
    TFMessage = None


def _transform(
    parent: str, child: str, stamp_ns: int, translation: np.ndarray, wxyz: np.ndarray
) -> TransformStamped:
    message = TransformStamped(child_frame_id=child)
    message.header.stamp, message.header.frame_id = ns_to_stamp(stamp_ns), parent
    x, y, z = (float(v) for v in translation)
    w, i, j, k = (float(v) for v in wxyz)
    message.transform = Transform(translation=Vector3(x=x, y=y, z=z), rotation=Quaternion(w=w, x=i, y=j, z=k))
    return message


class TransformPublisher:
    """base -> camera_link -> camera_optical_frame once, base -> body_<id> with every body."""

    def __init__(self, node: Node, base_frame: str) -> None:
        self.base_frame = base_frame
        self._dynamic = self._static = None
        if TFMessage is None:
            node.get_logger().info("tf2_msgs is not installed: no /tf")
            return
        self._dynamic = node.create_publisher(TFMessage, "/tf", 100)
        self._static = node.create_publisher(TFMessage, "/tf_static", LATCHED_QOS)

    def camera(self, camera: CameraModel, stamp_ns: int, prefix: str = "camera") -> None:
        """Where the camera is mounted."""
        if self._static is None:
            return
        optical = camera.rotation.T
        # camera_link: x ahead along the optical axis, y left, z up of the image
        link = np.stack([optical[:, 2], -optical[:, 0], -optical[:, 1]], axis=1)
        turn = euler2quat(-math.pi / 2, 0.0, -math.pi / 2, "sxyz")
        self._static.publish(
            TFMessage(
                transforms=[
                    _transform(self.base_frame, f"{prefix}_link", stamp_ns, camera.centre, mat2quat(link)),
                    _transform(f"{prefix}_link", f"{prefix}_optical_frame", stamp_ns, np.zeros(3), turn),
                ]
            )
        )

    def bodies(self, bodies: list[Body]) -> None:
        """Origin mid-hip, x ahead of the person, z up."""
        if self._dynamic is None:
            return
        transforms = []
        for body in bodies:
            left, right = body.position(Landmark.LEFT_HIP), body.position(Landmark.RIGHT_HIP)
            across = left - right
            if not np.isfinite(across).all() or not np.hypot(across[0], across[1]) > 0:
                continue
            yaw = math.atan2(-across[0], across[1])
            name = f"body_{body.id}"
            transforms.append(
                _transform(
                    self.base_frame,
                    name,
                    body.stamp_ns,
                    (left + right) / 2,
                    euler2quat(0.0, 0.0, yaw, "sxyz"),
                )
            )
        if transforms:
            self._dynamic.publish(TFMessage(transforms=transforms))
