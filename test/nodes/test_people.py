"""REP-155 topics, where hri_msgs is there."""

from __future__ import annotations

import numpy as np
import pytest
from joint_athlete import Posture, Recorder
from rclpy.node import Node

from kinecue.body import BLAZEPOSE_33, Body, Landmark, LandmarkState
from kinecue.nodes.base import stamp_to_ns
from kinecue.nodes.people import PeoplePublisher

hri = pytest.importorskip(
    "hri_msgs.msg", reason="hri_msgs is not installed (neither by ROS nor built by the set-up)"
)
RELIABLE = 10
NECK, RIGHT_SHOULDER, LEFT_SHOULDER, RIGHT_KNEE, LEFT_EAR = 1, 2, 5, 9, 16


def body(body_id="aaaaa", hidden=()) -> Body:
    """A person whose landmark number i is seen at (10 + 15 i, 20 + 10 i) px of 640x480."""
    made = Recorder(std=0.01, hidden=hidden).body(Posture(), 9)
    n = len(BLAZEPOSE_33)
    pixels = np.stack([10 + 15.0 * np.arange(n), 20 + 10.0 * np.arange(n)], axis=1)
    states = np.full(n, LandmarkState.OBSERVED, np.uint8)
    for landmark in hidden:
        pixels[BLAZEPOSE_33.index(landmark)] = np.nan
        states[BLAZEPOSE_33.index(landmark)] = LandmarkState.LOST
    return Body(
        body_id,
        9,
        BLAZEPOSE_33,
        pixels,
        np.ones(n),
        made.positions,
        made.covariances,
        states,
        0.8,
        (640, 480),
    )


@pytest.fixture
def people(bench):
    return PeoplePublisher(bench.add(Node("publisher")))


def test_ids_are_told_and_empty_when_nobody_is_there(bench, people):
    heard = bench.listen(hri.IdsList, "/humans/bodies/tracked", RELIABLE)
    bench.connected("/humans/bodies/tracked")
    people.publish([body("aaaaa"), body("aaaab")], 9)
    people.publish([], 10)
    bench.wait(lambda: len(heard) == 2)
    assert [list(m.ids) for m in heard] == [["aaaaa", "aaaab"], []]
    assert [stamp_to_ns(m.header.stamp) for m in heard] == [9, 10]


def published(bench, people, person):
    skeletons = bench.listen(hri.Skeleton2D, f"/humans/bodies/{person.id}/skeleton2d", RELIABLE)
    rois = bench.listen(hri.NormalizedRegionOfInterest2D, f"/humans/bodies/{person.id}/roi", RELIABLE)
    people.publish([person], 9)
    bench.connected(f"/humans/bodies/{person.id}/skeleton2d")
    bench.connected(f"/humans/bodies/{person.id}/roi")
    bench.spin(0.1)
    people.publish([person], 9)
    bench.wait(lambda: skeletons and rois)
    return skeletons[-1], rois[-1]


def test_skeleton_has_the_order_of_the_message_in_shares_of_the_picture(bench, people):
    person = body()
    skeleton, roi = published(bench, people, person)
    for row, landmark in (
        (RIGHT_SHOULDER, Landmark.RIGHT_SHOULDER),
        (LEFT_SHOULDER, Landmark.LEFT_SHOULDER),
        (RIGHT_KNEE, Landmark.RIGHT_KNEE),
        (LEFT_EAR, Landmark.LEFT_EAR),
    ):
        u, v = person.pixel(landmark)
        point = skeleton.skeleton[row]
        assert (point.x, point.y) == pytest.approx((u / 640, v / 480), abs=1e-5)
        assert point.c == pytest.approx(0.8)
    left, right, neck = (skeleton.skeleton[i] for i in (LEFT_SHOULDER, RIGHT_SHOULDER, NECK))
    assert neck.x == pytest.approx((left.x + right.x) / 2)
    assert stamp_to_ns(skeleton.header.stamp) == 9
    assert (roi.xmin, roi.ymin) == pytest.approx((10 / 640, 20 / 480), abs=1e-5)
    assert (roi.xmax, roi.ymax) == pytest.approx((490 / 640, 340 / 480), abs=1e-5)


def test_what_is_not_seen_has_no_confidence(bench, people):
    skeleton, _ = published(bench, people, body(hidden=(Landmark.RIGHT_KNEE, Landmark.LEFT_SHOULDER)))
    assert skeleton.skeleton[RIGHT_KNEE].c == 0.0
    assert skeleton.skeleton[NECK].c == 0.0
    assert all(0.0 <= value <= 1.0 for p in skeleton.skeleton for value in (p.x, p.y, p.c))


def test_topics_of_somebody_who_left_are_gone(bench, people):
    people.publish([body("aaaaa")], 9)
    bench.connected("/humans/bodies/aaaaa/roi")
    people.publish([], 10)
    bench.wait(lambda: bench.peer.count_publishers("/humans/bodies/aaaaa/roi") == 0)


def test_a_body_without_a_pixel_does_no_harm(bench, people):
    people.publish([body("aaaaa", hidden=BLAZEPOSE_33.landmarks)], 9)
