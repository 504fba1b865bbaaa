"""/tf and /tf_static: REP-103 axes, REP-155 body frames."""

from __future__ import annotations

import math

import numpy as np
import pytest
from joint_athlete import Posture, Recorder
from rclpy.node import Node
from transforms3d.quaternions import quat2mat

from kinecue.body import CameraModel, Landmark
from kinecue.nodes.base import LATCHED_QOS, stamp_to_ns
from kinecue.nodes.transforms import TransformPublisher

tf2 = pytest.importorskip(
    "tf2_msgs.msg", reason="tf2_msgs is not installed (neither by ROS nor built by the set-up)"
)
BASE = "machine_base_link"


class Tree:
    """Hears transforms and joins them."""

    def __init__(self, bench) -> None:
        self.node = bench.add(Node("publisher"))
        self.publisher = TransformPublisher(self.node, BASE)
        self._messages = bench.listen(tf2.TFMessage, "/tf", 100)
        self._messages_static = bench.listen(tf2.TFMessage, "/tf_static", LATCHED_QOS)
        self._bench = bench
        bench.connected("/tf")
        bench.connected("/tf_static")

    def all(self):
        return {t.child_frame_id: t for m in (*self._messages_static, *self._messages) for t in m.transforms}

    def wait(self, frame):
        return self._bench.wait(lambda: self.all().get(frame), frame)

    def to_base(self, frame: str) -> np.ndarray:
        """(4, 4) of `frame` in the base frame."""
        joined = np.eye(4)
        while frame != BASE:
            t = self.wait(frame)
            q, p = t.transform.rotation, t.transform.translation
            step = np.eye(4)
            step[:3, :3], step[:3, 3] = quat2mat([q.w, q.x, q.y, q.z]), [p.x, p.y, p.z]
            joined, frame = step @ joined, t.header.frame_id
        return joined


@pytest.fixture
def tree(bench):
    return Tree(bench)


@pytest.mark.parametrize(("tilt", "roll"), [(0.0, 0.0), (0.3, 0.0), (-0.2, 0.1)])
def test_camera_looks_along_z_of_its_optical_frame_and_x_of_its_link(tree, tilt, roll):
    camera = CameraModel(640, 480, 500.0, 500.0, 319.5, 239.5, mount_height=1.3, tilt=tilt, roll=roll)
    tree.publisher.camera(camera, 5)
    optical, link = tree.to_base("camera_optical_frame"), tree.to_base("camera_link")
    # columns are the frame's axes: right, down, forward as the camera model has them
    np.testing.assert_allclose(optical[:3, :3], camera.rotation.T, atol=1e-9)
    np.testing.assert_allclose(optical[:3, 3], [0.0, 0.0, 1.3], atol=1e-9)
    np.testing.assert_allclose(link[:3, 0], optical[:3, 2], atol=1e-9)
    np.testing.assert_allclose(link[:3, 1], -optical[:3, 0], atol=1e-9)
    np.testing.assert_allclose(link[:3, 2], -optical[:3, 1], atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(optical[:3, :3]), 1.0, atol=1e-9)


def test_a_camera_that_is_not_tilted_looks_along_x_of_the_machine(tree):
    tree.publisher.camera(CameraModel.estimate(640, 480, mount_height=1.0), 5)
    np.testing.assert_allclose(tree.to_base("camera_link")[:3, :3], np.eye(3), atol=1e-9)


@pytest.mark.parametrize("view", [0.0, 0.5, math.pi / 2, -math.pi / 2, math.pi])
def test_a_body_stands_mid_hip_with_x_ahead_of_the_person(tree, view):
    body = Recorder(std=0.01, view=view, body_id="aaaab").body(Posture(knee=60.0, lean=30.0), 77)
    tree.publisher.bodies([body])
    frame = tree.to_base("body_aaaab")
    hips = body.position(Landmark.LEFT_HIP), body.position(Landmark.RIGHT_HIP)
    np.testing.assert_allclose(frame[:3, 3], (hips[0] + hips[1]) / 2, atol=1e-6)
    # a person who faces the camera looks along -x of the machine
    ahead = np.array([-math.cos(view), math.sin(view), 0.0])
    np.testing.assert_allclose(frame[:3, 0], ahead, atol=0.02)
    np.testing.assert_allclose(frame[:3, 2], [0.0, 0.0, 1.0], atol=1e-6)
    # the left hip is at +y
    local = np.linalg.inv(frame) @ [*hips[0], 1.0]
    assert local[1] > 0.05
    assert stamp_to_ns(tree.wait("body_aaaab").header.stamp) == 77


def test_a_body_without_hips_has_no_frame(tree, bench):
    hidden = Recorder(hidden=(Landmark.LEFT_HIP,), body_id="lost").body(Posture(), 5)
    tree.publisher.bodies([hidden, Recorder(body_id="seen").body(Posture(), 5)])
    tree.wait("body_seen")
    assert "body_lost" not in tree.all()


def test_a_late_joiner_learns_where_the_camera_is(bench):
    publisher = TransformPublisher(bench.add(Node("publisher")), BASE)
    publisher.camera(CameraModel.estimate(640, 480), 5)
    heard = bench.listen(tf2.TFMessage, "/tf_static", LATCHED_QOS)
    bench.wait(lambda: heard)
    assert [t.child_frame_id for t in heard[0].transforms] == ["camera_link", "camera_optical_frame"]
