"""Whom the tracker follows, when it searches, and what it survives; networks are stand-ins."""

from __future__ import annotations

import numpy as np
import pytest
from perception_fakes import FakeDetector, FakeLandmarks, detection

from kinecue.perception.blazepose import RegionTracker

MS = 1_000_000
IMAGE = np.zeros((480, 640, 3), np.uint8)


@pytest.fixture
def networks():
    return FakeDetector(), FakeLandmarks()


def test_detector_runs_once_while_the_person_is_seen(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    for i in range(20):
        net.where = [(300 + i, 200)]
        (person,) = tracker.update(IMAGE, i * 33 * MS)
        assert person.identity == 0
        assert person.stamp_ns == i * 33 * MS
    assert detector.runs == tracker.detector_runs == 1
    assert net.runs == tracker.landmark_runs == 20


def test_person_that_jumps_is_found_again_in_the_same_picture(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people, net.where = [detection(100, 200)], [(100, 200)]
    tracker.update(IMAGE, 0)
    detector.people, net.where = [detection(500, 200)], [(500, 200)]
    (person,) = tracker.update(IMAGE, 33 * MS)
    assert (person.region.x, person.identity, detector.runs) == (500.0, 1, 2)


def test_identity_survives_a_short_disappearance(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    tracker.update(IMAGE, 0)
    detector.people, net.where = [], []
    assert tracker.update(IMAGE, 300 * MS) == []
    detector.people, net.where = [detection(310, 200)], [(310, 200)]
    assert tracker.update(IMAGE, 600 * MS)[0].identity == 0
    detector.people, net.where = [], []
    for stamp in (900, 1500, 2100):
        tracker.update(IMAGE, stamp * MS)
    detector.people, net.where = [detection(310, 200)], [(310, 200)]
    assert tracker.update(IMAGE, 2200 * MS)[0].identity == 1


@pytest.mark.parametrize("stamp", [-1, 5_000 * MS])
def test_stamps_that_jump_start_a_new_search(networks, stamp):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    tracker.update(IMAGE, 0)
    tracker.update(IMAGE, stamp)
    assert detector.runs == 2


def test_pictures_of_another_size_start_a_new_search(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    tracker.update(IMAGE, 0)
    tracker.update(IMAGE[:, :600], 33 * MS)
    assert detector.runs == 2


def test_numbers_that_are_none_mean_nobody(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    tracker.update(IMAGE, 0)
    net.broken = True
    assert tracker.update(IMAGE, 33 * MS) == []
    net.broken = False
    assert len(tracker.update(IMAGE, 66 * MS)) == 1


def test_several_people_keep_their_identities(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net, max_people=3, detection_interval=5)
    detector.people, net.where = [detection(100, 200)], [(100, 200)]
    tracker.update(IMAGE, 0)
    net.where = [(100, 200), (500, 200)]
    detector.people = [detection(500, 200, score=0.95), detection(100, 200)]
    seen = [[p.identity for p in tracker.update(IMAGE, i * 33 * MS)] for i in range(1, 8)]
    assert seen == [[0]] * 4 + [[0, 1]] * 3
    net.where = [(500, 200)]
    assert [p.identity for p in tracker.update(IMAGE, 8 * 33 * MS)] == [1]


def test_two_regions_never_follow_the_same_person(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net, max_people=2, detection_interval=1)
    detector.people = [detection(300, 200), detection(305, 200)]
    net.where = [(300, 200)]
    for i in range(3):
        assert len(tracker.update(IMAGE, i * 33 * MS)) == 1


def test_time_of_a_picture_is_bounded(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people = [detection(50.0 * i, 200) for i in range(10)]
    assert tracker.update(IMAGE, 0) == []
    assert net.runs == 2


def test_reset_forgets(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    tracker.update(IMAGE, 0)
    tracker.reset()
    assert tracker.update(IMAGE, 1)[0].identity == 1
    assert detector.runs == 2


@pytest.mark.parametrize("arguments", [{"max_people": 0}, {"detection_interval": 0}])
def test_wrong_numbers_are_refused(networks, arguments):
    with pytest.raises(ValueError, match="must be 1 or more"):
        RegionTracker(*networks, **arguments)
