"""Bodies as volumes: markers, messages, and the worker that makes them."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from joint_athlete import Posture, Recorder
from visualization_msgs.msg import Marker, MarkerArray

from kinecue.body import BLAZEPOSE_33, COCO_17, Body, Landmark
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.volume.segments import SEGMENTS
from kinecue.body.volume.shape_fit import fit_shape
from kinecue.exercise.results import Side
from kinecue.nodes import conversions
from kinecue.nodes.volume import (
    Drawing,
    KnownVolumes,
    VolumeJob,
    VolumeWorker,
    lengths_of,
    marked_segments,
    points_of,
    shape_from_msg,
    shape_to_msg,
    volume_to_msg,
)

HEADER = conversions.header(123, "machine_base_link")


def body(**recorder) -> Body:
    return Recorder(std=0.01, body_id="aaaaa", **recorder).body(Posture(knee=60.0), 123)


@pytest.fixture(scope="module")
def volume():
    return fit_shape(lengths_of(body())).volume


class TestMesh:
    def every(self, volume, person, faults=()) -> list[Marker]:
        posed = volume.posed(points_of(person))
        return Drawing(volume, person.id).markers(HEADER, posed, list(faults), 0.5)

    def test_is_a_list_of_triangles_for_each_segment(self, volume):
        found = self.every(volume, body())
        assert [marker.id for marker in found] == list(range(len(SEGMENTS)))
        for marker in found:
            assert marker.ns == "body_aaaaa/volume"
            assert marker.type == Marker.TRIANGLE_LIST
            assert len(marker.points) % 3 == 0
            assert marker.points
            assert (marker.scale.x, marker.pose.orientation.w) == (1.0, 1.0)
            assert 0.1 <= marker.lifetime.sec + marker.lifetime.nanosec * 1e-9 <= 2.0
            assert marker.header == HEADER
        assert sum(len(marker.points) for marker in found) <= 3 * 2500

    def test_surrounds_the_joints(self, volume):
        person = body()
        found = dict(zip(SEGMENTS, self.every(volume, person), strict=True))
        shank = np.array([(p.x, p.y, p.z) for p in found["left_shank"].points])
        middle = (person.position(Landmark.LEFT_KNEE) + person.position(Landmark.LEFT_ANKLE)) / 2.0
        assert (shank.min(0) < middle).all()
        assert (shank.max(0) > middle).all()

    def test_follows_the_body(self, volume):
        person = body()
        drawing = Drawing(volume, person.id)
        posed = volume.posed(points_of(person) + [0.5, 0.0, 0.0])
        before = [(p.x, p.y, p.z) for p in self.every(volume, person)[3].points]
        after = [(p.x, p.y, p.z) for p in drawing.markers(HEADER, posed, [], 0.5)[3].points]
        assert np.array(after) - np.array(before) == pytest.approx(
            np.tile([0.5, 0.0, 0.0], (len(after), 1)), abs=1e-5
        )

    def test_is_red_where_a_fault_is(self, volume):
        found = dict(zip(SEGMENTS, self.every(volume, body(), [("knees", Side.LEFT)]), strict=True))
        red = {name for name, marker in found.items() if marker.color.r > 0.9 and marker.color.g < 0.3}
        assert red == {"left_thigh", "left_shank"}
        assert found["thorax"].color.a == pytest.approx(0.5)


def test_parts_of_faults_are_segments():
    assert marked_segments([("back", Side.NONE)]) == {"thorax", "abdomen"}
    assert marked_segments([("heels", Side.BOTH)]) == {"left_foot", "right_foot"}
    assert marked_segments([("nothing known", Side.BOTH)]) == set()


class TestVolumeMessage:
    def test_adds_up(self, volume):
        posed = volume.posed(points_of(body()))
        message = volume_to_msg(HEADER, "aaaaa", volume, posed)
        assert [s.name for s in message.segments] == list(SEGMENTS)
        assert sum(s.mass for s in message.segments) == pytest.approx(message.mass, rel=1e-5)
        assert sum(s.volume for s in message.segments) == pytest.approx(message.volume, rel=1e-5)
        centre = sum(s.mass * np.array([s.centre.x, s.centre.y, s.centre.z]) for s in message.segments)
        whole = message.centre_of_mass
        assert centre / message.mass == pytest.approx([whole.x, whole.y, whole.z], abs=1e-5)
        assert message.mass_std > 3.0
        assert (message.id, message.header) == ("aaaaa", HEADER)

    def test_of_a_shape_makes_the_same_body(self):
        fit = fit_shape(SegmentLengths.from_stature(1.8), 1.8, "female")
        again = shape_from_msg(shape_to_msg(HEADER, "aaaaa", fit))
        assert again.mass == pytest.approx(fit.mass, rel=1e-3)
        assert again.mass_std == pytest.approx(fit.mass_std, rel=1e-3)
        assert np.abs(again.body.vertices - fit.body.vertices).max() < 1e-3


class TestKnown:
    def test_fits_once(self):
        known = KnownVolumes()
        assert known.of(body()) is known.of(body())

    def test_fits_anew_when_somebody_has_been_measured_anew_but_not_for_a_shrug(self):
        known, person = KnownVolumes(), body()
        first = known.of(person)
        shrugged, taller = person.positions.copy(), person.positions * 1.1
        for side in ("left", "right"):
            for name in ("shoulder", "elbow", "wrist"):
                shrugged[BLAZEPOSE_33.index(Landmark(f"{side}_{name}"))] += [0.0, 0.0, 0.06]
        assert known.of(replace(person, positions=shrugged)) is first
        assert known.of(replace(person, positions=taller)).volume.mass > first.volume.mass

    def test_keeps_what_was_sent(self, volume):
        known = KnownVolumes()
        known.of(body())
        known.put("aaaaa", volume)
        assert known.of(body()).volume is volume

    def test_waits_for_the_main_joints(self):
        assert KnownVolumes().of(body(hidden=(Landmark.LEFT_KNEE,))) is None

    def test_forgets_the_oldest(self, volume):
        known = KnownVolumes()
        for i in range(40):
            known.put(f"body{i}", volume)
        assert len(known._known) <= 16


def test_other_topologies_are_put_in_order():
    person = body()
    rows = BLAZEPOSE_33.indices(*COCO_17.landmarks)
    n = len(COCO_17)
    small = Body(
        "a", 1, COCO_17, np.zeros((n, 2)), np.ones(n), person.positions[rows], person.covariances[rows],
        person.states[rows], 1.0, (640, 480),
    )  # fmt: skip
    points = points_of(small)
    assert points[rows] == pytest.approx(person.positions[rows], nan_ok=True)
    assert np.isfinite(points[BLAZEPOSE_33.index(Landmark.LEFT_KNEE)]).all()
    assert np.isnan(points[BLAZEPOSE_33.index(Landmark.LEFT_HEEL)]).all()


class TestWorker:
    def test_publishes_what_is_wanted_and_reports_errors(self):
        done, markers, volumes, errors = threading.Event(), [], [], []

        def take(message) -> None:
            volumes.append(message)
            done.set()

        def fail() -> Body:
            raise ValueError("no body")

        worker = VolumeWorker(markers.append, take, lambda e: (errors.append(e), done.set()))
        worker.start()
        try:
            worker.submit(VolumeJob(body, HEADER, (), 0.4, True, True))
            assert done.wait(20.0)
            done.clear()
            worker.submit(VolumeJob(fail, HEADER, (), 0.4, True, True))
            assert done.wait(20.0)
        finally:
            worker.stop()
        assert isinstance(markers[0], MarkerArray)
        assert len(markers) == len(volumes) == 1
        assert [str(e) for e in errors] == ["no body"]

    def test_takes_nothing_before_it_is_started(self):
        worker = VolumeWorker(lambda _: None, lambda _: None, lambda _: None)
        worker.submit(VolumeJob(body, HEADER, (), 0.4, True, True))
        worker.stop()
