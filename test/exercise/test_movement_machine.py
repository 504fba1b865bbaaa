"""The state machine of repetitions on bare courses of progress: rates, noise, starts in motion, ends in mid-movement."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signal_course import bend, cut, follow, ramp, rep, rest

from kinecue.exercise import Phase, RepetitionReason, RepetitionStatus

ORDER = {Phase.ECCENTRIC: 0, Phase.BOTTOM: 1, Phase.CONCENTRIC: 2}


class TestRates:
    @pytest.mark.parametrize("fps", [5, 8, 15, 30, 60, 120, 200])
    @pytest.mark.parametrize(("seconds", "pause"), [(1.5, 0.0), (3.0, 0.5), (10.0, 0.0)])
    def test_any_rate_and_tempo_gives_the_same_repetitions(self, fps, seconds, pause):
        found = follow([rest(1), *[rep(seconds, pause=pause), rest(0.5)] * 3, rest(1)], fps)
        assert len(found.counted) == 3
        assert not found.others
        for i, movement in enumerate(found.counted):
            begin = 1.0 + i * (seconds + 0.5)
            assert movement.start == pytest.approx(begin, abs=0.12 * seconds + 1 / fps)
            assert movement.end == pytest.approx(begin + seconds, abs=0.14 * seconds + 2 / fps)
            middle = begin + seconds / 2
            assert abs(movement.bottom - middle) <= 0.1 + 0.03 * seconds + pause / 2 + 1.5 / fps
            assert movement.range == pytest.approx(1.0, abs=0.08)

    @pytest.mark.parametrize("fps", [10, 15, 30, 100, 200])
    def test_explosive_repetitions_that_never_rest(self, fps):
        found = follow([rest(1), *[rep(1.4)] * 8, rest(1)], fps)
        assert len(found.counted) == 8
        assert not found.others

    @settings(max_examples=25, deadline=None)
    @given(
        st.floats(5, 200),
        st.floats(1.4, 8.0),
        st.integers(1, 4),
        st.floats(0.0, 0.9),
        st.floats(0.0, 0.015),
        st.integers(0, 999),
    )
    def test_irregular_stamps_and_noise(self, fps, seconds, count, jitter, noise, seed):
        found = follow(
            [rest(1), *[rep(seconds), rest(0.4)] * count, rest(1)],
            fps,
            noise=noise,
            jitter=jitter,
            seed=seed,
        )
        assert len(found.counted) == count
        assert not found.others

    @settings(max_examples=20, deadline=None)
    @given(st.floats(1.2, 4.0), st.floats(0.1, 0.85), st.floats(15, 60))
    def test_a_gap_of_less_than_a_second_costs_no_repetition(self, at, gap, fps):
        found = follow([rest(1), rep(4), rest(1)], fps, gaps=((at, at + gap),))
        assert len(found.counted) == 1
        assert not found.others


class TestInvariants:
    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(
            st.tuples(st.sampled_from(["rest", "rep", "ramp"]), st.floats(0.3, 4.0), st.floats(-0.2, 1.4)),
            min_size=1,
            max_size=10,
        ),
        st.floats(5, 120),
        st.floats(0.0, 0.03),
    )
    def test_times_are_ordered_and_nothing_counts_twice(self, plan, fps, noise):
        parts, level = [], 0.0
        for kind, seconds, to in plan:
            if kind == "rest":
                parts.append(rest(seconds, level))
            elif kind == "rep":
                parts.append(rep(seconds, to, top=level))
            else:
                parts.append(ramp(seconds, level, to))
                level = to
        found = follow(parts, fps, noise=noise)
        ended = sorted(found.counted + found.others, key=lambda m: m.start)
        for movement in ended:
            assert movement.start <= movement.bottom <= movement.end
            assert movement.pause_s >= 0.0
            assert movement.homeward_s >= 0.0
        for one, two in itertools.pairwise(ended):
            assert one.end <= two.start + 1e-6
        for movement in found.counted:
            assert movement.range >= 0.55
            assert movement.end - movement.start <= 20.0 + 2.0

    @settings(max_examples=20, deadline=None)
    @given(st.floats(1.6, 8.0), st.floats(20, 120), st.floats(0.0, 2.0))
    def test_phases_come_in_order_within_a_repetition(self, seconds, fps, pause):
        found = follow([rest(1), rep(seconds + pause, pause=pause), rest(1)], fps)
        phases = [
            update.phase
            for update, t in zip(found.updates, found.times, strict=True)
            if found.counted[0].start <= t <= found.counted[0].end and update.phase in ORDER
        ]
        places = [ORDER[phase] for phase in phases]
        assert places == sorted(places)
        assert set(places) == {0, 1, 2}

    def test_the_bottom_of_a_slow_repetition_is_its_turning_point_only(self):
        found = follow([rest(1), rep(10), rest(1)], 30)
        bottom = sum(update.phase is Phase.BOTTOM for update in found.updates) / 30
        assert 0.2 < bottom < 3.0

    def test_values_that_are_not_numbers_are_for_the_caller_but_far_off_ones_do_no_harm(self):
        model = bend()
        found = follow([rest(1), rep(2), rest(1)], 60, model)
        assert len(found.counted) == 1
        machine = found.machine
        t = 10.0
        for value in (0.0, 1e6, 0.0, -1e6, 0.0):
            t += 1 / 60
            machine.update(t, value, 0.01, True, True)
        assert not machine.under_way or machine.miss(t + 5, RepetitionReason.PERSON_LOST) is not None


class TestStartsInMotion:
    def test_who_never_stands_still_is_counted_from_the_first_repetition(self):
        found = follow([cut(rep(1.6), 0.0), *[rep(1.6)] * 5], 24)
        assert len(found.counted) == 6

    def test_a_recording_that_opens_half_way_down_counts_what_it_shows(self):
        found = follow([cut(rep(2.4), 0.25), rest(0.5), rep(2.4), rest(0.6)], 30)
        assert len(found.counted) == 2
        assert found.counted[0].opened
        assert math.isnan(found.counted[0].outward_s)
        assert not found.counted[1].opened

    def test_a_recording_that_opens_on_the_way_back_counts_from_the_next_one(self):
        found = follow([cut(rep(2.4), 0.6), rest(0.5), rep(2.4), rest(0.6)], 30)
        assert len(found.counted) == 1

    def test_a_single_movement_whose_start_was_not_seen_counts_once_the_start_is_held(self):
        found = follow([rep(2.0), rest(1.0)], 30, stop=False)
        assert len(found.counted) == 1

    def test_nothing_is_known_before_that(self):
        found = follow([rep(2.0)], 30, stop=False)
        assert not found.counted

    def test_movements_that_are_not_alike_wait_for_the_start_position(self):
        found = follow([rep(1.2, 0.7), rep(4.0, 1.3)], 30, bend(hold=1.0), stop=False)
        assert not found.counted

    def test_small_bends_before_anybody_is_in_position_are_not_told(self):
        machine = follow([rep(1.0, 0.5), rep(1.0, 0.45), rep(1.0, 0.5)], 30, bend(hold=1.0))
        assert not machine.counted
        assert not machine.others

    def test_turning_short_of_the_start_band_counts_when_most_of_the_way_was_made(self):
        found = follow([rest(1), ramp(1, 0, 1), rep(2.0, 0.27, top=1.0), ramp(1, 1, 0), rest(1)], 30)
        assert len(found.counted) == 2

    def test_turning_half_way_is_no_lock_out(self):
        found = follow([rest(1), ramp(1, 0, 1), rep(2.0, 0.5, top=1.0), ramp(1, 1, 0), rest(1)], 30)
        assert len(found.counted) == 1
        assert [m.reason for m in found.others] == [RepetitionReason.NO_LOCKOUT]


class TestEndsInMotion:
    def test_a_descent_at_the_end_of_the_recording_does_not_count(self):
        found = follow([rest(1), rep(2), rest(0.4), ramp(1.0, 0, 0.9)], 30)
        assert len(found.counted) == 1
        assert [m.status for m in found.others] == [RepetitionStatus.ABANDONED]

    def test_a_way_back_that_is_all_but_over_counts(self):
        assert len(follow([rest(1), cut(rep(2), 0.0, 0.85)], 30).counted) == 1
        assert len(follow([rest(1), cut(rep(2), 0.0, 0.6)], 30).counted) == 0

    def test_a_load_that_was_lifted_is_lifted(self):
        lift = bend("concentric_first")
        assert len(follow([rest(1), cut(rep(2), 0.0, 0.65)], 30, lift).counted) == 1
        assert len(follow([rest(1), cut(rep(2), 0.0, 0.45)], 30, lift).counted) == 0


class TestOwnRange:
    LEARN = "{least: 0.85, most: 1.2}"

    def test_three_repetitions_teach_the_range(self):
        found = follow([rest(1), *[rep(2, 0.9), rest(0.5)] * 5], 30, bend(learn=self.LEARN))
        assert found.machine.range.scale == pytest.approx(0.9, abs=0.03)
        assert found.counted[0].range == pytest.approx(0.9, abs=0.04)
        assert found.counted[4].range == pytest.approx(1.0, abs=0.04)

    @pytest.mark.parametrize(("depth", "scale"), [(0.65, 0.85), (1.5, 1.2)])
    def test_only_within_the_limits_of_the_file(self, depth, scale):
        found = follow([rest(1), *[rep(2, depth), rest(0.5)] * 4], 30, bend(learn=self.LEARN))
        assert found.machine.range.scale == scale
        assert found.counted[-1].range == pytest.approx(depth / scale, abs=0.05)

    def test_without_the_block_nothing_is_learned(self):
        found = follow([rest(1), *[rep(2, 0.8), rest(0.5)] * 4], 30)
        assert found.machine.range.scale == 1.0

    def test_a_calibration_comes_first(self):
        machine = follow([rest(1)], 30, bend(learn=self.LEARN), stop=False).machine
        machine.range.calibrate(1.1)
        assert machine.range.scale == pytest.approx(1.1)
        machine.range.learn(0.9)
        assert machine.range.scale == pytest.approx(1.1)
        machine.range.calibrate(math.nan)
        assert machine.range.scale == pytest.approx(1.1)
        machine.range.reset()
        assert machine.range.scale == 1.0

    def test_a_large_range_makes_no_repetition_partial(self):
        parts = [rest(1), *[rep(2, 1.2), rest(0.5)] * 3, rep(2, 0.68), rest(0.5)]
        assert len(follow(parts, 30, bend(learn=self.LEARN)).counted) == 4
