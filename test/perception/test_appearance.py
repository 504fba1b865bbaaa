"""Colours and proportions tell people apart, wherever in the picture and however large they are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from gym_fakes import BLUE, GREEN, GREY, RED, PaperGym, Walker, still
from hypothesis import given, settings
from hypothesis import strategies as st
from perception_fakes import figure, landmarks

from kinecue.body.landmarks import BLAZEPOSE_33, COCO_17
from kinecue.body.landmarks import Landmark as L
from kinecue.perception.appearance import Appearance, appearance
from kinecue.perception.identities import Person, Sighting, distinct, keypoint_similarity, match, same_body
from kinecue.perception.regions import Region


def looks(shirt, trousers, x=320.0, y=240.0, radius=100.0, light=1.0):
    gym = PaperGym([Walker(still(x, y), radius, shirt, trousers)])
    picture = np.clip(gym.picture() * light, 0, 255).astype(np.uint8)
    return appearance(picture, landmarks(Region(x, y, 250), pixels=figure(x, y, radius)))


def test_the_same_clothes_are_alike_in_another_place_and_size():
    assert looks(RED, BLUE).similarity(looks(RED, BLUE, 150.0, 200.0, 60.0)) > 0.97


@pytest.mark.parametrize("other", [(GREEN, BLUE), (RED, GREEN), (BLUE, RED), (GREY, GREY)])
def test_other_clothes_are_not(other):
    assert looks(RED, BLUE).similarity(looks(*other)) < 0.8


def test_brightness_matters_less_than_colour():
    darker = looks(RED, BLUE).similarity(looks(RED, BLUE, light=0.8))
    assert looks(RED, GREEN).similarity(looks(RED, BLUE)) < darker
    assert darker > 0.75


def test_what_is_out_of_the_picture_is_not_known():
    halved = looks(RED, BLUE, y=450.0)
    assert halved.seen[0] == 1.0
    assert halved.seen[2] == 0.0
    assert halved.similarity(looks(RED, BLUE)) == pytest.approx(1.0)
    assert math.isnan(looks(RED, BLUE, y=2000.0).similarity(looks(RED, BLUE)))


@settings(max_examples=40, deadline=None)
@given(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.floats(1e-6, 1e5))
def test_histograms_are_shares_wherever_somebody_is(x, y, radius):
    picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    found = appearance(picture, landmarks(Region(x, y, 250), pixels=figure(x, y, radius)))
    sums = found.colours.sum(-1)
    assert np.isclose(sums, 1.0).all(1)[found.seen > 0].all()
    assert ((found.seen >= 0) & (found.seen <= 1)).all()
    self_likeness = found.similarity(found)
    assert math.isnan(self_likeness) or self_likeness == pytest.approx(1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_landmarks_that_are_no_numbers_say_nothing(value):
    person = landmarks(Region(0, 0, 10), pixels=np.full((33, 2), value))
    found = appearance(np.zeros((48, 64, 3), np.uint8), person)
    assert not found.seen.any()
    assert np.isnan(found.limbs).all()
    assert math.isnan(found.limb_distance(found))


def test_a_topology_of_17_will_do():
    rows = BLAZEPOSE_33.indices(*COCO_17.landmarks)
    person = landmarks(Region(320, 240, 250), pixels=figure(320.0, 240.0, 100.0))
    n = len(rows)
    person = replace(
        person,
        topology=COCO_17,
        pixels=person.pixels[rows],
        world=np.full((n, 3), np.nan),
        **{name: np.ones(n) for name in ("depth", "visibility", "presence", "spread")},
    )
    picture = PaperGym([Walker(still(320.0))]).picture()
    assert appearance(picture, person).similarity(looks(RED, BLUE)) > 0.99


def test_limbs_are_those_of_the_networks_own_space():
    """A thigh of .5 and a torso of .5 are alike; .25 is half of it: known answers."""
    world = np.full((33, 3), 0.0)
    for landmark, place in (
        (L.LEFT_SHOULDER, (0.2, -0.5, 0.0)),
        (L.RIGHT_SHOULDER, (-0.2, -0.5, 0.0)),
        (L.LEFT_ELBOW, (0.2, -0.25, 0.0)),
        (L.RIGHT_ELBOW, (-0.2, -0.25, 0.0)),
        (L.LEFT_WRIST, (0.2, -0.25, 0.25)),
        (L.RIGHT_WRIST, (-0.2, -0.25, 0.25)),
        (L.LEFT_HIP, (0.1, 0.0, 0.0)),
        (L.RIGHT_HIP, (-0.1, 0.0, 0.0)),
        (L.LEFT_KNEE, (0.1, 0.0, -0.5)),
        (L.RIGHT_KNEE, (-0.1, 0.0, -0.5)),
        (L.LEFT_ANKLE, (0.1, 0.5, -0.5)),
        (L.RIGHT_ANKLE, (-0.1, 0.5, -0.5)),
    ):
        world[BLAZEPOSE_33.index(landmark)] = place
    person = landmarks(Region(320, 240, 250), pixels=figure(320.0, 240.0, 100.0))
    limbs = appearance(np.zeros((480, 640, 3), np.uint8), replace(person, world=world)).limbs
    assert np.exp(limbs) == pytest.approx([1.0, 1.0, 0.5, 0.5])


def sighting(x, y=240.0, radius=100.0, shirt=RED, trousers=BLUE, **more):
    pixels = figure(x, y, radius)
    person = landmarks(Region(x, y, 2.5 * radius), 0.9, pixels=pixels)
    return Sighting(person, np.array([[x, y], [x, y - radius]]), looks(shirt, trousers, x, y, radius), **more)


def person(identity, first: Sighting, stamp_ns=0) -> Person:
    result = Person(identity, first.region, stamp_ns)
    result.follow(first, stamp_ns, alone=True)
    return result


class TestBodies:
    def test_similarity_is_one_for_the_same_and_falls_with_distance(self):
        here = figure(100, 100, 50)
        values = [keypoint_similarity(BLAZEPOSE_33, here, here + off, 50.0) for off in (0, 3, 10, 40)]
        assert values[0] == 1.0
        assert values == sorted(values, reverse=True)
        assert values[-1] < 0.1

    def test_known_value(self):
        """All landmarks off by twice the hip's scatter: that of the hip alone is exp(-1/2)."""
        here = np.full((33, 2), np.nan)
        here[BLAZEPOSE_33.index(L.LEFT_HIP)] = 0.0
        off = here + [2 * 0.107 * 50.0, 0.0]
        assert keypoint_similarity(BLAZEPOSE_33, here, off, 50.0) == pytest.approx(math.exp(-0.5))

    def test_nothing_known_is_no_number(self):
        assert math.isnan(
            keypoint_similarity(BLAZEPOSE_33, np.full((33, 2), np.nan), np.zeros((33, 2)), 50.0)
        )

    def test_one_body_in_two_regions_is_one_also_with_sides_swapped(self):
        first, second = sighting(300), sighting(305)
        turned = replace(
            second,
            landmarks=replace(second.landmarks, pixels=second.landmarks.pixels[list(BLAZEPOSE_33.mirror)]),
        )
        assert len(distinct([first, second])) == 1
        assert same_body(first, turned)

    def test_two_beside_each_other_are_two(self):
        assert len(distinct([sighting(300), sighting(380), sighting(300, radius=50.0)])) == 3

    def test_of_two_the_one_whose_region_fits_is_kept(self):
        fits = sighting(300)
        off = replace(fits, landmarks=replace(fits.landmarks, region=Region(240, 240, 250)), looked_for=7)
        assert distinct([off, fits]) == [fits]


class TestMatch:
    AREA = 640.0 * 480.0

    def test_people_are_known_by_place(self):
        people = [person(0, sighting(200)), person(1, sighting(400))]
        found = [sighting(405), sighting(195)]
        assert match(people, found, 66_000_000, self.AREA) == {0: 1, 1: 0}

    def test_people_hidden_for_a_second_are_known_by_looks(self):
        people = [person(0, sighting(300)), person(1, sighting(340, shirt=GREEN, trousers=GREY))]
        for hidden in people:
            hidden.hide(33_000_000)
        found = [sighting(300, shirt=GREEN, trousers=GREY), sighting(340)]
        assert match(people, found, 1_000_000_000, self.AREA) == {0: 1, 1: 0}

    def test_who_is_far_away_a_moment_later_is_somebody_else(self):
        assert match([person(0, sighting(100))], [sighting(500)], 66_000_000, self.AREA) == {}

    def test_nobody_with_anybody_is_nobody(self):
        assert match([], [sighting(1)], 0, self.AREA) == {}
        assert match([person(0, sighting(1))], [], 0, self.AREA) == {}

    def test_somebody_without_a_place_is_nobody(self):
        lost = replace(sighting(100), alignment=np.full((2, 2), 100.0))
        assert match([person(0, sighting(100))], [lost], 66_000_000, self.AREA) == {}

    def test_walking_goes_on_while_hidden_but_lifting_does_not(self):
        walker, lifter = person(0, sighting(100)), person(1, sighting(300, 200))
        for n in range(1, 10):
            walker.follow(sighting(100 + 20 * n), n * 66_000_000, alone=True)
            lifter.follow(sighting(300, 200 + 10 * n), n * 66_000_000, alone=True)
        later = 9 * 66_000_000 + 500_000_000
        assert walker.expected(later)[0] == pytest.approx(280 + 20 / 0.066 * 0.5, rel=0.15)
        assert lifter.expected(later)[1] < 290 + 45

    def test_where_the_network_began_to_mix_two_is_forgotten(self):
        lifter = person(0, sighting(300))
        for n in range(1, 6):
            lifter.follow(sighting(300), n * 66_000_000, alone=True)
        lifter.follow(sighting(330, radius=115.0, shirt=GREEN, trousers=GREY), 6 * 66_000_000, alone=True)
        lifter.hide(7 * 66_000_000)
        assert lifter.expected(7 * 66_000_000)[0] == pytest.approx(300.0, abs=1.0)


def test_blending_goes_towards_the_newer():
    red, green = looks(RED, BLUE), looks(GREEN, BLUE)
    near = red.blend(green, 0.1)
    assert red.similarity(near) > green.similarity(near)
    unknown = Appearance(np.zeros_like(red.colours), np.zeros(3), np.full(4, np.nan))
    assert unknown.blend(red, 0.1).similarity(red) == pytest.approx(1.0)
    assert red.blend(unknown, 0.1).similarity(red) == pytest.approx(1.0)
