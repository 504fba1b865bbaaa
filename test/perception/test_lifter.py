"""Who is the lifter: zone, size, motion, choice by hand, and never two or a flicker."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perception_fakes import figure, landmarks

from kinecue.body.body import Body
from kinecue.body.landmarks import BLAZEPOSE_33, LandmarkState
from kinecue.perception.lifter import AUTOMATIC, ChoiceSettings, LifterChoice, LifterError, Seen
from kinecue.perception.regions import Region
from kinecue.perception.zones import Zone, ZoneError

FRAME_S = 1.0 / 15.0
STILL = np.array([-0.3, 0.0, -0.05, -0.05, 0.25, 0.25])


def seen(name, x=0.5, size=0.5, time=0.0, reps=0.0, floor=None, mirrored=False):
    """Somebody at x of the width; `reps` repetitions a second move hips, shoulders and, more, the left wrist."""
    wave = math.sin(2 * math.pi * reps * time)
    heights = 0.5 + size * (STILL + wave * np.array([0.15, 0.15, 0.3, 0.1, 0.05, 0.05]))
    if mirrored:
        heights = heights[[0, 1, 3, 2, 5, 4]]
    return Seen(name, (x, 0.5), size, heights, floor)


def play(choice, people_at, seconds, begin=0.0):
    """Time and active person of every picture."""
    told = []
    for n in range(round(seconds / FRAME_S)):
        time = begin + n * FRAME_S
        told.append((time, choice.update(people_at(time), round(time * 1e9))))
    return told


def lifts(name="lifter", **more):
    return lambda time: seen(name, time=time, reps=0.4, **more)


def test_whoever_is_alone_is_the_lifter_at_once():
    assert LifterChoice().update([seen("a", x=0.9, size=0.1)], 5) == "a"


def test_nobody_is_the_lifter_of_an_empty_picture():
    choice = LifterChoice()
    assert choice.update([], 5) is None
    assert choice.lifter is None


def test_the_larger_one_in_the_middle_is_chosen():
    assert LifterChoice().update([seen("a", x=0.1, size=0.3), seen("b", x=0.5, size=0.5)], 0) == "b"


def test_who_exercises_is_preferred_to_who_stands_nearer():
    def people(time):
        return [seen("watches", x=0.3, size=0.55), lifts(x=0.6, size=0.5)(time)]

    told = play(LifterChoice(), people, 8.0)
    assert told[-1][1] == "lifter"
    assert len({who for _, who in told}) <= 2


@pytest.mark.parametrize("size", [0.3, 0.9], ids=["behind", "before"])
def test_passers_by_do_not_become_the_lifter(size):
    def people(time):
        result = [lifts()(time)]
        if 3.0 < time < 6.0:
            result.insert(0, seen("passes", x=(time - 3.0) / 3.0, size=size))
        return result

    assert {who for _, who in play(LifterChoice(), people, 8.0)} == {"lifter"}


def test_a_lifter_who_is_hidden_is_nobody_not_somebody_else():
    def people(time):
        passes = seen("passes", x=(time - 2.0) / 3.0, size=0.8)
        return (
            [passes] if 3.0 < time < 4.5 else [passes, lifts()(time)] if 2.0 < time < 5.0 else [lifts()(time)]
        )

    told = play(LifterChoice(), people, 8.0)
    assert {who for time, who in told if 3.05 < time < 4.45} == {None}
    assert {who for time, who in told if time < 3.0 or time > 4.55} == {"lifter"}


def test_who_is_gone_long_enough_gives_way():
    def people(time):
        return [seen("waits", x=0.2)] + ([lifts()(time)] if time < 4.0 else [])

    settings = ChoiceSettings(gone_s=2.0)
    told = dict(play(LifterChoice(settings), people, 8.0))
    changed = min(time for time, who in told.items() if who == "waits")
    assert changed == pytest.approx(6.0, abs=0.15)


def test_a_passer_who_was_there_first_loses_the_place_soon():
    def people(time):
        first = [seen("passes", x=0.2 + 0.25 * time, size=0.6)] if time < 3.0 else []
        return first + ([lifts()(time)] if time > 0.5 else [])

    told = play(LifterChoice(), people, 6.0)
    assert told[0][1] == "passes"
    assert {who for time, who in told if time > 3.5} == {"lifter"}


def test_who_stops_and_watches_loses_the_place_to_who_exercises():
    def people(time):
        first = lifts("first", x=0.2)(time) if time < 6.0 else seen("first", x=0.2)
        return [first] + ([lifts("second", size=0.55)(time)] if time > 6.0 else [])

    told = dict(play(LifterChoice(), people, 20.0))
    assert {who for time, who in told.items() if time < 10.0} == {"first"}
    assert {who for time, who in told.items() if time > 18.0} == {"second"}


def test_who_exercises_keeps_the_place_whoever_comes():
    def people(time):
        second = seen("second", size=0.6, time=time, reps=0.55)
        return [lifts("first", x=0.25, size=0.4)(time)] + ([second] if time > 4.0 else [])

    assert {who for _, who in play(LifterChoice(), people, 15.0)} == {"first"}


class TestMirror:
    def test_a_reflection_never_takes_the_place_of_the_established(self):
        def people(time):
            reflected = lifts("reflected", x=0.5, size=0.35, mirrored=True)(time)
            real = lifts("real", x=0.15, size=0.5)(time)
            return [reflected] if 5.0 < time < 7.0 else [reflected, real]

        told = play(LifterChoice(), people, 12.0)
        assert {who for time, who in told if 3.0 < time < 4.9 or time > 7.1} == {"real"}
        assert {who for time, who in told if 5.1 < time < 6.9} == {None}

    def test_a_reflection_that_was_there_first_is_found_out(self):
        """The detector may see the face in the mirror before the back of the head."""

        def people(time):
            result = [lifts("reflected", x=0.5, size=0.35, mirrored=True)(time)]
            return result + ([lifts("real", x=0.3)(time)] if time > 3.0 else [])

        told = dict(play(LifterChoice(), people, 12.0))
        assert told[0.0] == "reflected"
        assert {who for time, who in told.items() if time > 8.0} == {"real"}

    def test_two_who_exercise_at_their_own_pace_are_two(self):
        choice = LifterChoice()

        def people(time):
            return [lifts("a")(time), seen("b", x=0.2, size=0.4, time=time, reps=0.55)]

        play(choice, people, 10.0)
        assert not choice._reflections


class TestZone:
    @pytest.mark.parametrize(
        ("text", "inside", "outside"),
        [
            ("circle 3 0 1", (3.5, 0.5), (4.5, 1.5)),
            ("floor 2 -1 4 -1 4 1 2 1", (2.1, 0.9), (1.0, 0.0)),
            ("floor 2 1 4 1 4 -1 2 -1", (2.1, 0.9), (4.9, 0.0)),
        ],
    )
    def test_on_the_floor(self, text, inside, outside):
        zone = Zone.parse(text)
        assert zone.share((0.5, 0.5), inside) == 1.0
        assert zone.share((0.5, 0.5), outside) < 0.1

    def test_in_the_picture(self):
        zone = Zone.parse("image 0.3 0 0.7 0 0.7 1 0.3 1")
        assert zone.share((0.5, 0.5), None) == 1.0
        assert zone.share((0.1, 0.5), (0.0, 0.0)) < 0.1

    def test_edge_is_soft(self):
        zone = Zone.parse("circle 0 0 1")
        shares = [zone.share((0, 0), (x, 0.0)) for x in (0.9, 1.1, 1.3, 1.6, 3.0)]
        assert shares == sorted(shares, reverse=True)
        assert shares[2] == pytest.approx(math.exp(-0.5))

    def test_no_text_is_anywhere(self):
        assert Zone.parse("  ") is None

    @pytest.mark.parametrize(
        "text",
        ["circle 1 2", "circle 1 2 0", "circle 1 2 -3", "circle a b c", "floor 1 2 3 4", "floor 0 0 1 1 2 2"]
        + ["image 0 0 1 0 1", "circle nan 0 1", "floor 0 0 1 0 inf 1", "square 1 2 3", "1 2 3"],
    )
    def test_what_is_none_is_refused_with_what_is_allowed(self, text):
        with pytest.raises(ZoneError, match=r"allowed: .*circle X Y RADIUS"):
            Zone.parse(text)

    def test_who_is_outside_is_not_chosen(self):
        choice = LifterChoice(ChoiceSettings(Zone.parse("circle 3 0 0.8")))
        near, lifter = (
            seen("near", size=0.9, floor=(1.2, 0.0)),
            seen("lifter", x=0.7, size=0.4, floor=(3.1, 0.4)),
        )
        assert choice.update([near], 0) is None
        assert choice.update([near, lifter], 1) == "lifter"

    def test_who_steps_out_stays_for_a_while_only(self):
        def people(time):
            return [seen("a", floor=(3.0, 0.0) if not 4.0 < time < 5.0 and time < 8.0 else (5.0, 0.0))]

        told = play(LifterChoice(ChoiceSettings(Zone.parse("circle 3 0 0.8"), out_s=2.0)), people, 12.0)
        assert {who for time, who in told if time < 9.9} == {"a"}
        assert {who for time, who in told if time > 10.1} == {None}


class TestByHand:
    def two(self, time=0.0):
        return [lifts("a")(time), seen("b", x=0.1, size=0.2)]

    def test_wins(self):
        choice = LifterChoice()
        play(choice, self.two, 3.0)
        choice.select("b")
        assert choice.chosen
        assert {who for _, who in play(choice, self.two, 10.0, 3.0)} == {"b"}

    def test_lasts_until_they_have_been_gone(self):
        choice = LifterChoice(ChoiceSettings(chosen_gone_s=4.0))
        play(choice, self.two, 1.0)
        choice.select("b")
        told = dict(play(choice, lambda time: [lifts("a")(time)], 8.0, 1.0))
        assert {who for time, who in told.items() if time < 4.9} == {None}
        assert {who for time, who in told.items() if time > 5.1} == {"a"}
        assert not choice.chosen

    @pytest.mark.parametrize("word", [AUTOMATIC, ""])
    def test_can_be_given_back(self, word):
        choice = LifterChoice()
        play(choice, self.two, 3.0)
        choice.select("b")
        play(choice, self.two, 1.0, 3.0)
        choice.select(word)
        assert not choice.chosen
        assert play(choice, self.two, 10.0, 4.0)[-1][1] == "a"

    def test_of_nobody_is_refused_with_who_is_there(self):
        choice = LifterChoice()
        play(choice, self.two, 1.0)
        with pytest.raises(
            LifterError, match="nobody is called 'c'; allowed: auto, or one of those in sight: a, b"
        ):
            choice.select("c")
        assert choice.lifter == "a"

    def test_of_somebody_hidden_is_possible(self):
        choice = LifterChoice()
        play(choice, self.two, 3.0)
        play(choice, lambda time: [lifts("a")(time)], 1.0, 3.0)
        choice.select("b")
        assert choice.update(self.two(), 4_500_000_000) == "b"


class TestHostile:
    def test_people_without_a_place_do_not_count(self):
        nothing = np.full(6, np.nan)
        bad = [Seen("x", (math.nan, 0.5), 0.5, nothing), Seen("y", (0.5, 0.5), math.inf, nothing)]
        assert LifterChoice().update([*bad, seen("a")], 0) == "a"
        assert LifterChoice().update(bad, 0) is None

    def test_heights_that_are_not_known_do_no_harm(self):
        choice = LifterChoice()

        def people(time):
            return [
                Seen(name, (x, 0.5), s, np.full(6, np.nan))
                for name, x, s in (("a", 0.5, 0.5), ("b", 0.1, 0.3))
            ]

        assert {who for _, who in play(choice, people, 5.0)} == {"a"}

    def test_two_of_one_name_are_one(self):
        assert LifterChoice().update([seen("a"), seen("a", x=0.1)], 0) == "a"

    def test_pictures_that_are_late_change_nothing(self):
        choice = LifterChoice()
        play(choice, lambda time: [lifts("a")(time)], 3.0)
        assert choice.update([seen("b", size=0.9)], 2_500_000_000) is None
        assert choice.lifter == "a"
        assert choice.update([seen("a"), seen("b", size=0.9)], 2_500_000_000) == "a"

    def test_a_clip_that_starts_again_keeps_the_lifter_in_sight(self):
        choice = LifterChoice()
        play(choice, lambda time: [lifts("a")(time)], 5.0, 100.0)
        assert {who for _, who in play(choice, lambda time: [lifts("a")(time)], 5.0)} == {"a"}

    @pytest.mark.parametrize("name", ["gone_s", "chosen_gone_s", "out_s", "lead_s"])
    @pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
    def test_settings_that_cannot_be_are_refused(self, name, value):
        with pytest.raises(LifterError, match=f"{name} must be 0 or more"):
            ChoiceSettings(**{name: value})

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_never_two_never_absent_never_a_flicker(self, seed):
        rng = np.random.default_rng(seed)
        choice = LifterChoice()
        clock, taken_ns, lifter = 0, 0, None
        for _ in range(60):
            clock += int(rng.integers(0, 500)) * 1_000_000
            stamp = clock - int(rng.choice([0, rng.integers(0, 300)])) * 1_000_000
            people = [
                Seen(
                    str(rng.choice(["a", "b", "c"])),
                    (float(rng.choice([rng.random(), math.nan], p=[0.9, 0.1])), 0.5),
                    float(
                        rng.choice([0.05 + rng.random(), math.nan, math.inf, 0.0, -1.0], p=[0.8] + [0.05] * 4)
                    ),
                    np.full(6, rng.choice([rng.random(), math.nan])),
                )
                for _ in range(rng.integers(0, 5))
            ]
            if rng.random() < 0.1:
                choice.select(AUTOMATIC)
            active = choice.update(people, stamp)
            assert active is None or active in {p.id for p in people if p.usable}
            assert active in (None, choice.lifter)
            if choice.lifter is not None and choice.lifter != lifter:
                # another one needs a lead, or an absence, of half a second at least
                assert lifter is None or stamp - taken_ns >= 500_000_000
                lifter, taken_ns = choice.lifter, stamp


class TestSeen:
    def test_from_landmarks(self):
        person = landmarks(Region(300, 200, 250), pixels=figure(320.0, 240.0, 100.0))
        result = Seen.of_landmarks(person, "a", (640, 480))
        assert result.usable
        assert result.centre == pytest.approx((0.5, 0.5))
        assert result.size == pytest.approx((55 + 48 + 47) / 480, rel=0.01)
        assert result.floor is None

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
    def test_from_numbers_that_are_none(self, value):
        person = landmarks(Region(300, 200, 250), pixels=np.full((33, 2), value))
        assert not Seen.of_landmarks(person, "a", (640, 480)).usable

    def test_from_a_body(self):
        n = len(BLAZEPOSE_33)
        positions = np.zeros((n, 3))
        positions[:, :2] = (2.5, -0.4)
        body = Body(
            "abcde",
            0,
            BLAZEPOSE_33,
            figure(320.0, 240.0, 100.0),
            np.ones(n),
            positions,
            np.zeros((n, 3, 3)),
            np.full(n, int(LandmarkState.OBSERVED), np.uint8),
            0.9,
            (640, 480),
        )
        assert Seen.of_body(body).floor == pytest.approx((2.5, -0.4))
        assert Seen.of_body(body).id == "abcde"
        positions[:] = np.nan
        assert Seen.of_body(body).floor is None
