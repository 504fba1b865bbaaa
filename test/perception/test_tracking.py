"""Whom the tracker follows, when it searches, and what it survives; networks are stand-ins."""

from __future__ import annotations

import numpy as np
import pytest
from gym_fakes import BLUE, GREEN, GREY, RED, PaperGym, Walker, still, walk
from hypothesis import given, settings
from hypothesis import strategies as st
from perception_fakes import FakeDetector, FakeLandmarks, detection

from kinecue.perception.tracking import RegionTracker

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


@pytest.mark.parametrize(("away_s", "same"), [(0.3, True), (1.5, True), (3.5, True), (5.5, False)])
def test_identity_survives_a_disappearance_as_long_as_it_is_remembered(networks, away_s, same):
    detector, net = networks
    tracker = RegionTracker(detector, net, memory_s=4.0)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    tracker.update(IMAGE, 0)
    detector.people, net.where = [], []
    for n in range(1, round(away_s * 10)):
        assert tracker.update(IMAGE, n * 100 * MS) == []
    detector.people, net.where = [detection(310, 200)], [(310, 200)]
    (person,) = tracker.update(IMAGE, round(away_s * 1e9))
    assert (person.identity == 0) == same


def test_a_gap_between_pictures_is_a_disappearance_too(networks):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    tracker.update(IMAGE, 0)
    assert tracker.update(IMAGE, 3_000 * MS)[0].identity == 0
    assert detector.runs == 2
    assert tracker.update(IMAGE, 13_000 * MS)[0].identity == 1


@pytest.mark.parametrize(("stamp", "searches"), [(-1, 1), (0, 1), (-900 * MS, 1), (-1_100 * MS, 2)])
def test_stamps_that_stand_or_go_back_a_little_change_nobody(networks, stamp, searches):
    detector, net = networks
    tracker = RegionTracker(detector, net)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    tracker.update(IMAGE, 0)
    (person,) = tracker.update(IMAGE, stamp)
    assert (person.identity, detector.runs) == (searches - 1, searches)


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
    assert [p.identity for p in tracker.update(IMAGE, 66 * MS)] == [0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("where", ["pixels", "some pixels", "alignment", "both"])
def test_landmarks_that_are_no_numbers_do_no_harm(networks, value, where):
    detector, net = networks
    good = net.estimate

    def spoiled(image, region, stamp_ns):
        landmarks, alignment = good(image, region, stamp_ns)
        if where != "alignment":
            landmarks.pixels[: 20 if where == "some pixels" else 33] = value
        return landmarks, alignment if "pixels" in where else np.full((2, 2), value)

    tracker = RegionTracker(detector, net, max_people=2)
    detector.people, net.where = [detection(300, 200)], [(300, 200)]
    tracker.update(IMAGE, 0)
    net.estimate = spoiled
    for n in range(1, 4):
        tracker.update(IMAGE, n * 33 * MS)
    net.estimate = good
    assert [p.identity for p in tracker.update(IMAGE, 133 * MS)] == [0]


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


@pytest.mark.parametrize("max_people", [1, 3])
def test_time_of_a_picture_is_bounded(networks, max_people):
    detector, net = networks
    tracker = RegionTracker(detector, net, max_people)
    detector.people = [detection(50.0 * i, 200) for i in range(12)]
    assert tracker.update(IMAGE, 0) == []
    assert net.runs == max_people + 1


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


@pytest.mark.parametrize("memory_s", [-1.0, np.nan, np.inf])
def test_wrong_memory_is_refused(networks, memory_s):
    with pytest.raises(ValueError, match="memory_s must be 0 or more"):
        RegionTracker(*networks, memory_s=memory_s)


def identities(gym: PaperGym, tracker: RegionTracker, seconds: float) -> dict[int, list[int]]:
    """Per walker the identities they had, in order; nobody has two answers, nobody is made up."""
    result: dict[int, list[int]] = {}
    for _, answers in gym.run(tracker, seconds):
        walkers = [who for who, _ in answers]
        assert None not in walkers
        assert len(set(walkers)) == len(walkers)
        assert len({identity for _, identity in answers}) == len(answers)
        for who, identity in answers:
            if result.setdefault(who, [identity])[-1] != identity:
                result[who].append(identity)
    return result


@pytest.mark.parametrize("speed", [120.0, 250.0, 400.0])
@pytest.mark.parametrize("radius", [70.0, 140.0], ids=["behind", "before"])
@pytest.mark.parametrize("shirt", [GREEN, RED], ids=["other clothes", "same clothes"])
def test_identities_stay_when_people_cross(shirt, radius, speed):
    """The network snaps to the nearest one in both regions."""
    gym = PaperGym([Walker(still(320.0)), Walker(walk(20.0, speed), radius, shirt)])
    tracker = RegionTracker(gym, gym, max_people=2)
    assert identities(gym, tracker, 600.0 / speed) == {0: [0], 1: [1]}


def test_both_who_meet_behind_the_lifter_come_out_as_themselves():
    gym = PaperGym(
        [
            Walker(still(320.0), 120.0),
            Walker(walk(60.0, 200.0), 80.0, GREEN, GREY),
            Walker(walk(580.0, -200.0), 85.0, BLUE, GREEN),
        ]
    )
    tracker = RegionTracker(gym, gym, max_people=3)
    assert identities(gym, tracker, 2.6) == {0: [0], 1: [1], 2: [2]}


def test_somebody_unknown_who_passes_close_is_not_taken_for_the_lifter():
    """The detector does not know them for a person, so that only looks and motion tell."""
    gym = PaperGym([Walker(still(320.0)), Walker(walk(-100.0, 300.0, 0.7), 140.0, GREEN, GREY, face=False)])
    tracker = RegionTracker(gym, gym, max_people=1)
    told = identities(gym, tracker, 3.5)
    assert told == {0: [0]}


def test_who_leaves_and_comes_back_is_known_again():
    gym = PaperGym(
        [
            Walker(still(200.0)),
            Walker(lambda time: (520.0, 240.0) if not 1.0 <= time < 3.0 else None, 90.0, GREEN, GREY),
        ]
    )
    tracker = RegionTracker(gym, gym, max_people=2)
    told = identities(gym, tracker, 5.0)
    assert told == {0: [0], 1: [1]}
    assert tracker.missing == []


def test_a_stranger_in_the_place_of_who_left_is_somebody_else():
    gym = PaperGym(
        [
            Walker(lambda time: (320.0, 240.0) if time < 1.0 else None, 100.0, RED, BLUE),
            Walker(lambda time: (330.0, 240.0) if time >= 2.0 else None, 100.0, GREEN, GREY),
        ]
    )
    assert identities(gym, RegionTracker(gym, gym), 4.0) == {0: [0], 1: [1]}


def test_a_person_costs_one_landmark_run_and_the_detector_little():
    gym = PaperGym(
        [Walker(still(x), 60.0 + x / 10, shirt) for x, shirt in ((120, RED), (330, GREEN), (540, BLUE))]
    )
    tracker = RegionTracker(gym, gym, max_people=3, detection_interval=10)
    told = [answers for _, answers in gym.run(tracker, 4.0)]
    assert [len(answers) for answers in told] == [3] * len(told)
    assert gym.runs == 3 * len(told)
    assert gym.detections <= 1 + len(told) / 10


def test_a_larger_person_takes_the_place_of_the_smallest_but_never_of_the_favoured():
    gym = PaperGym(
        [
            Walker(still(100.0), 60.0),
            Walker(still(300.0), 64.0, GREEN),
            Walker(lambda time: (500.0, 240.0) if time > 1.0 else None, 110.0, BLUE),
        ]
    )
    tracker = RegionTracker(gym, gym, max_people=2)
    tracker.favour(0)
    told = [sorted(who for who, _ in answers) for _, answers in gym.run(tracker, 4.0)]
    assert told[0] == [0, 1]
    assert told[-1] == [0, 2]


def test_a_favoured_person_finds_their_place_free():
    away = lambda time: (320.0, 240.0) if not 1.0 < time < 4.0 else None  # noqa: E731
    others = [Walker(still(x), 90.0, GREEN, GREY) for x in (100.0, 540.0)]
    told = {}
    for favoured in (0, None):
        gym = PaperGym([Walker(away, 100.0), *others])
        gym.walkers[2].way = lambda time: (540.0, 240.0) if time > 1.5 else None
        tracker = RegionTracker(gym, gym, max_people=2, detection_interval=3)
        tracker.favour(favoured)
        told[favoured] = [sorted(who for who, _ in answers) for _, answers in gym.run(tracker, 5.0)][-1]
    assert told == {0: [0, 1], None: [1, 2]}


@st.composite
def crowds(draw):
    colours = [RED, GREEN, BLUE, GREY]
    walkers = []
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.floats(0, 2))
        way = walk(
            draw(st.floats(-50, 690)), draw(st.floats(-300, 300)), begin, begin + draw(st.floats(0.2, 4))
        )
        walkers.append(
            Walker(
                way, draw(st.floats(50, 180)), draw(st.sampled_from(colours)), draw(st.sampled_from(colours))
            )
        )
    return walkers


@settings(max_examples=25, deadline=None)
@given(crowds(), st.integers(1, 3))
def test_whatever_happens_answers_are_distinct_and_bounded(walkers, max_people):
    gym = PaperGym(walkers)
    tracker = RegionTracker(gym, gym, max_people)
    before = 0
    for _, answers in gym.run(tracker, 3.0):
        assert len(answers) <= max_people
        assert len({identity for _, identity in answers}) == len(answers)
        assert len({who for who, _ in answers}) == len(answers)
        assert gym.runs - before <= max_people + 1
        before = gym.runs


def test_same_pictures_same_answers():
    told = []
    for _ in range(2):
        gym = PaperGym([Walker(still(320.0)), Walker(walk(20.0, 250.0), 140.0, GREEN)])
        told.append(list(gym.run(RegionTracker(gym, gym, max_people=2), 2.4)))
    assert told[0] == told[1]
