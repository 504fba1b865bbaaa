"""When a load is a danger: only with the whole interval above the limit, and a posture that the lifter can change."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body import Measurement, Reason
from kinecue.body.errors import ConfigError
from kinecue.loads.danger import (
    HOLD_S,
    OWN_REPETITIONS,
    Danger,
    DangerWatch,
    LoadNow,
    Posture,
    PostureNow,
    most_probable,
)
from kinecue.loads.interval import Interval, normals, spread
from kinecue.loads.limits import COMPRESSION, SHEAR, Experience, experience_of

FRAME_NS = 66_666_667
LIMIT = 6400.0


def load(value: float, std: float = 500.0) -> Interval:
    return spread(value, value + std * normals(1)[0])


def reach(value: float = 0.30, std: float = 0.03, needed: float = 0.10) -> PostureNow:
    return PostureNow(Posture.REACH, Measurement(value, std), needed, 0.05, 120.0 * 9.80665)


def lean(value_deg: float, std_deg: float = 4.0, ideal_deg: float = 45.0) -> PostureNow:
    measured = Measurement(math.radians(value_deg), math.radians(std_deg))
    return PostureNow(Posture.LEAN, measured, math.radians(ideal_deg), math.radians(8.0), 400.0)


def frame(number: int, *postures: PostureNow, **changes: object) -> LoadNow:
    now = LoadNow(
        stamp_ns=1_000_000_000 + number * FRAME_NS,
        set_id="set-1",
        exercise="deadlift",
        load_kg=120.0,
        repetition=1,
        moving=True,
        upwards=True,
        progress=0.3,
        extension=600.0,
        compression=load(10_000.0),
        limit=LIMIT,
        postures=postures or (reach(),),
    )
    return replace(now, **changes)  # type: ignore[arg-type]


def watched(frames: Iterable[LoadNow]) -> list[Danger]:
    watch = DangerWatch()
    return [danger for now in frames for danger in watch.update(now)]


class TestSaid:
    def test_a_far_bar_under_a_heavy_load(self):
        (danger,) = watched(frame(i) for i in range(20))
        assert danger.posture is Posture.REACH
        assert danger.stamp_ns - danger.onset_ns >= HOLD_S * 1e9
        assert danger.share == pytest.approx(0.2 * 120 * 9.80665 / 600, rel=1e-6)
        assert danger.probability >= 0.95
        assert not danger.own

    def test_a_trunk_far_over_its_ideal(self):
        (danger,) = watched(frame(i, lean(70.0)) for i in range(20))
        assert danger.posture is Posture.LEAN
        assert danger.excess == pytest.approx(math.radians(25.0))

    def test_once_in_a_repetition_and_again_in_the_next(self):
        dangers = watched(frame(i, repetition=1 + i // 20) for i in range(60))
        assert [d.repetition for d in dangers] == [1, 2, 3]

    def test_most_of_the_moment_goes_first(self):
        both = watched(frame(i, reach(), lean(70.0)) for i in range(20))
        assert {d.posture for d in both} == {Posture.REACH, Posture.LEAN}
        worst = most_probable(both)
        assert worst is not None
        assert worst.share == max(d.share for d in both)
        assert most_probable(()) is None


NEVER = {
    "the interval reaches under the limit": {"compression": load(7_000.0)},
    "no figure": {"compression": None},
    "no limit": {"limit": math.nan},
    "not moving": {"moving": False},
    "the bar is where it belongs": {"postures": (reach(0.12),)},
    "perhaps it is": {"postures": (reach(0.20, 0.06),)},
    "not measured": {"postures": (replace(reach(), measured=Measurement.abstained(Reason.OCCLUDED)),)},
    "not known what is needed, and no own normal": {"postures": (reach(needed=math.nan),)},
    "nothing to change": {"postures": ()},
    "not worth it": {"extension": 2_000.0},
    "no moment": {"extension": math.nan},
    "a lean within its tolerance": {"postures": (lean(52.0),)},
}


class TestNotSaid:
    @pytest.mark.parametrize("changes", NEVER.values(), ids=NEVER)
    def test_unless_everything_holds(self, changes):
        assert watched(replace(frame(i), **changes) for i in range(60)) == []

    def test_a_heavy_lift_done_well_whatever_it_weighs(self):
        frames = (frame(i, reach(0.11), lean(46.0), compression=load(25_000.0)) for i in range(200))
        assert watched(frames) == []

    def test_a_twitch(self):
        assert watched(frame(i, reach() if i % 3 else reach(0.1)) for i in range(90)) == []

    def test_across_a_gap(self):
        assert watched([frame(0), frame(1), frame(20), frame(21)]) == []

    def test_late_and_repeated_frames(self):
        frames = [frame(i) for i in (0, 1, 1, 0, 2, 2, 1, 2)]
        assert watched(frames) == []


class TestOwnNormal:
    """The first repetitions are the lifter's own; later ones are compared with them at the same moment of the lift."""

    @staticmethod
    def repetition(number: int, value: float, first: int, **changes: object) -> list[LoadNow]:
        posture = reach(value, 0.03, math.nan)
        return [frame(first + i, posture, repetition=number, progress=i / 12, **changes) for i in range(12)]

    def lift(self, values: list[float], **changes: object) -> list[Danger]:
        frames = [
            now for n, value in enumerate(values) for now in self.repetition(n + 1, value, 14 * n, **changes)
        ]
        return watched(frames)

    def test_drifting_away_under_load(self):
        dangers = self.lift([0.14, 0.15, 0.14, 0.15, 0.30])
        assert [(d.repetition, d.own) for d in dangers] == [(5, True)]
        assert dangers[0].excess == pytest.approx(0.155, abs=0.01)

    def test_the_same_every_time_is_somebodys_own(self):
        assert self.lift([0.22, 0.21, 0.22, 0.23, 0.22, 0.21]) == []

    def test_too_few_repetitions_are_no_normal(self):
        assert self.lift([0.14] * (OWN_REPETITIONS - 1) + [0.30]) == []

    def test_a_posture_that_changes_over_the_movement_is_compared_with_itself(self):
        """From below the start position (a bar on the floor has a progress of -0.4) to the top, always the same way."""
        frames = []
        for n in range(8):
            for i in range(30):
                progress = -0.45 + 1.45 * i / 29
                posture = replace(lean(80.0 - 55.0 * (progress + 0.45), 3.0), needed=math.nan)
                frames.append(frame(31 * n + i, posture, repetition=n + 1, progress=progress))
        assert watched(frames) == []

    def test_of_another_load_does_not_count(self):
        watch = DangerWatch()
        for n in range(4):
            for now in self.repetition(n + 1, 0.14, 14 * n):
                assert watch.update(now) == ()
        heavy = list(self.repetition(5, 0.30, 56, load_kg=150.0))
        assert [d for now in heavy for d in watch.update(now)] == []

    def test_without_a_load_there_is_none(self):
        assert self.lift([0.14, 0.14, 0.14, 0.30], load_kg=math.nan) == []


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.booleans(),
            st.floats(-0.2, 0.5),
            st.one_of(st.none(), st.floats(100, 30_000)),
            st.sampled_from([math.nan, 100.0, 900.0]),
            st.sampled_from([math.nan, 0.0, 0.5, 1.4]),
        ),
        max_size=60,
    )
)
def test_never_without_the_whole_interval_above(steps):
    """Whatever comes in whatever order: at most one a repetition and posture, and each with its interval above."""
    watch, at, seen = DangerWatch(), 0, set()
    for forward, moving, value, compression, extension, progress in steps:
        at += forward - 1
        now = frame(
            at,
            reach(value),
            moving=moving,
            compression=None if compression is None else load(compression, 0.1 * compression),
            extension=extension,
            progress=progress,
            repetition=1 + abs(at) // 10,
        )
        for danger in watch.update(now):
            assert danger.compression.low >= LIMIT * 0.99
            assert (danger.repetition, danger.posture) not in seen
            assert danger.share >= 0.15
            seen.add((danger.repetition, danger.posture))


class TestLimits:
    def test_more_experience_allows_more(self):
        values = [COMPRESSION[e].value for e in (Experience.NEW, Experience.USUAL, Experience.COMPETITOR)]
        assert values == [3400.0, 6400.0, 17_200.0]
        assert SHEAR[Experience.NEW].value == 700.0
        assert SHEAR[Experience.USUAL].value == 1000.0
        assert all(limit.source for limit in (*COMPRESSION.values(), *SHEAR.values()))

    def test_names_what_is_allowed(self):
        assert experience_of("new") is Experience.NEW
        with pytest.raises(ConfigError, match="new, usual, competitor"):
            experience_of("pro")
