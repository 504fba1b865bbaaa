"""Bodies and form as markers for RViz."""

from __future__ import annotations

import math

import numpy as np
import pytest
from joint_athlete import Posture, Recorder
from visualization_msgs.msg import Marker

from kinecue.body import BLAZEPOSE_33, COCO_17, Body, Landmark, LandmarkState
from kinecue.body.measurement import Reason
from kinecue.exercise.results import FormState, Phase, Side
from kinecue.nodes import conversions, markers

HEADER = conversions.header(123, "machine_base_link")
FORM = FormState(123, "a", "squat", Phase.BOTTOM, "", 1.0, 0.0, 0.0, 3, 2, 0.42, Reason.NONE)
ANGLES = {("knee_flexion", Side.LEFT): math.radians(90.0), ("knee_flexion", Side.RIGHT): math.radians(45.0)}


def body(**recorder) -> Body:
    return Recorder(std=0.01, **recorder).body(Posture(), 123)


def made(person: Body, faults=(), angles=ANGLES, form=FORM) -> dict[tuple[str, int], Marker]:
    found = markers.body_markers(HEADER, person, form, angles, list(faults))
    keys = [(marker.ns, marker.id) for marker in found]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, found, strict=False))


def colours(marker: Marker) -> set[tuple[float, float, float]]:
    return {(round(c.r, 2), round(c.g, 2), round(c.b, 2)) for c in marker.colors}


def points_of(marker: Marker) -> np.ndarray:
    return np.array([(p.x, p.y, p.z) for p in (*marker.points, marker.pose.position)])


GREEN, AMBER, RED = (0.35, 0.86, 0.35), (0.94, 0.75, 0.24), (0.94, 0.24, 0.24)


class TestNamesAndIds:
    def test_are_the_same_in_every_frame(self):
        first = made(body())
        second = made(Recorder(std=0.01).body(Posture(knee=100.0, lean=40.0), 456), angles={**ANGLES})
        assert set(first) == set(second)
        assert set(first) == {
            ("body_a/bones", 0),
            ("body_a/joints", 0),
            ("body_a/angles", 0),
            ("body_a/angles", 1),
            ("body_a/form", 0),
        }

    def test_of_an_angle_do_not_depend_on_which_others_there_are(self):
        only_right = made(body(), angles={("knee_flexion", Side.RIGHT): 1.0})
        assert (
            only_right["body_a/angles", 1].text
            == made(body(), angles={**ANGLES, ("knee_flexion", Side.RIGHT): 1.0})["body_a/angles", 1].text
        )

    def test_differ_between_people(self):
        assert not set(made(body())) & set(made(body(body_id="b")))


class TestEveryMarker:
    def every(self):
        person = body()
        return [
            *markers.body_markers(HEADER, person, FORM, ANGLES, [("knees", Side.BOTH)]),
            *markers.cable_marker(HEADER, np.zeros(3), np.ones(3), 200.0),
        ]

    def test_vanishes_when_nobody_repeats_it(self):
        for marker in self.every():
            lifetime = marker.lifetime.sec + marker.lifetime.nanosec * 1e-9
            assert 0.1 <= lifetime <= 2.0

    def test_belongs_to_the_frame_of_the_bodies(self):
        for marker in self.every():
            assert marker.header == HEADER
            assert marker.action == Marker.ADD
            q = marker.pose.orientation
            assert (q.x, q.y, q.z, q.w) == (0.0, 0.0, 0.0, 1.0)

    def test_can_be_seen(self):
        for marker in self.every():
            assert max(marker.scale.x, marker.scale.z) > 0
            assert marker.color.a > 0 or (marker.colors and all(c.a > 0 for c in marker.colors))
            assert len(marker.colors) in (0, len(marker.points))

    def test_with_text_has_narrow_spaces(self):
        texts = [marker for marker in self.every() if marker.type == Marker.TEXT_VIEW_FACING]
        assert len(texts) == 4
        for marker in texts:
            assert marker.scale.x == pytest.approx(0.4 * marker.scale.z)
            assert marker.text


class TestColours:
    def test_tell_seen_from_inferred(self):
        hidden = (Landmark.LEFT_WRIST,)
        assert colours(made(body())["body_a/joints", 0]) == {GREEN}
        assert colours(made(body(inferred=hidden))["body_a/joints", 0]) == {GREEN, AMBER}
        assert AMBER in colours(made(body(inferred=hidden))["body_a/bones", 0])

    def test_mark_the_body_part_of_a_fault(self):
        bones = made(body(), [("knees", Side.BOTH)])["body_a/bones", 0]
        points = points_of(bones)[:-1].reshape(-1, 2, 3)
        person = body()
        knees = {tuple(np.round(person.position(k), 6)) for k in (Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE)}
        for i, (start, end) in enumerate(points):
            at_knee = bool(knees & {tuple(np.round(start, 6)), tuple(np.round(end, 6))})
            colour = bones.colors[2 * i]
            assert ((round(colour.r, 2), round(colour.g, 2), round(colour.b, 2)) == RED) == at_knee

    def test_mark_one_side(self):
        both = made(body(), [("knees", Side.BOTH)])["body_a/bones", 0]
        left = made(body(), [("knees", Side.LEFT)])["body_a/bones", 0]

        def red(marker):
            return sum(round(c.g, 2) == 0.24 for c in marker.colors)

        assert red(left) == red(both) / 2 > 0


class TestText:
    def test_angles_are_in_degrees_at_their_joint(self):
        person = body()
        found = made(person)
        left, right = found["body_a/angles", 0], found["body_a/angles", 1]
        assert (left.text, right.text) == ("90", "45")
        assert points_of(left)[0] == pytest.approx(person.position(Landmark.LEFT_KNEE), abs=0.1)

    def test_over_the_head_says_exercise_count_phase_and_d(self):
        text = made(body())["body_a/form", 0]
        assert text.text == "squat 2  bottom  D 0.42"
        assert text.pose.position.z > np.nanmax(body().positions[:, 2])

    def test_d_that_is_not_known_is_a_dash(self):
        from dataclasses import replace

        assert made(body(), form=replace(FORM, d=math.nan))["body_a/form", 0].text.endswith("D -")


class TestNothingThatIsNoNumber:
    @pytest.mark.parametrize("lost", [(), (Landmark.LEFT_KNEE,), BLAZEPOSE_33.landmarks[11:30]])
    def test_is_published(self, lost):
        for marker in made(body(hidden=lost)).values():
            assert np.isfinite(points_of(marker)).all()

    def test_nobody_seen_is_no_marker(self):
        assert made(body(hidden=BLAZEPOSE_33.landmarks)) == {}

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_angle_that_is_none_is_left_out(self, value):
        found = made(body(), angles={("knee_flexion", Side.LEFT): value})
        assert ("body_a/angles", 0) not in found

    def test_coco_has_a_skeleton_too(self):
        full = body()
        rows = [BLAZEPOSE_33.index(landmark) for landmark in COCO_17.landmarks]
        person = Body(
            "c", 1, COCO_17, full.pixels[rows], full.pixel_std[rows], full.positions[rows],
            full.covariances[rows], full.states[rows], 0.9, (640, 480),
        )  # fmt: skip
        assert person.state(Landmark.LEFT_KNEE) is LandmarkState.OBSERVED
        found = made(person, [("knees", Side.BOTH), ("heels", Side.LEFT), ("nonsense", Side.NONE)])
        assert ("body_c/bones", 0) in found
