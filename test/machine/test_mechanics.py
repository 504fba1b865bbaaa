from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracks import BARE, PULLEY, SECOND, standing, step, swinging, track

from kinecue.machine import FLAWS, MACHINES, CableMachineSimulator, MachineError, MachineModel, TrackMotion
from kinecue.machine.simulated.model import GRAVITY

T = np.arange(0.0, 4.0, 1 / 60)


def truths(motion, model, begin=0.0, end=4.0, rate=500.0):
    simulator = CableMachineSimulator(motion, model)
    return [simulator.truth(round(t * SECOND)) for t in np.arange(begin, end, 1.0 / rate)]


def dropped() -> TrackMotion:
    """Out by 0.6 m, held, and let go in 0.15 s: faster than anything falls."""
    return track(0.6 * (step(T, 0.2, 1.2) - step(T, 2.0, 2.15)), 60.0)


def test_a_handle_that_stands_still_feels_the_load():
    for truth in truths(standing(), BARE):
        assert truth.tension_n == pytest.approx(300.0)
        assert truth.speed_m_s == truth.stack_speed_m_s == pytest.approx(0.0, abs=1e-9)
        assert truth.slack_m == 0.0
        assert not truth.end_stop


@pytest.mark.parametrize(("ratio", "rotating"), [(1.0, 0.0), (2.0, 0.0), (4.0, 3.0)])
def test_tension_is_load_plus_inertia_through_the_pulleys(ratio, rotating):
    model = replace(BARE, ratio=ratio, rotating_kg=rotating)
    for truth in truths(swinging(), model, 0.5, 3.5):
        t = truth.stamp_ns / SECOND
        acceleration = 0.2 * math.pi**2 * math.cos(math.pi * t)
        # a stack behind a 2:1 pulley is twice as heavy, moves half as far, and by that has half the inertia
        mass = 300.0 / GRAVITY / ratio + rotating
        assert truth.tension_n == pytest.approx(300.0 + mass * acceleration, abs=1.5)
        assert truth.stack_m == pytest.approx((truth.wound_m + model.clearance_m) / ratio)
        assert truth.speed_m_s == pytest.approx(0.2 * math.pi * math.sin(math.pi * t), abs=0.002)


def test_friction_costs_on_the_way_out_and_helps_on_the_way_back():
    model = replace(BARE, friction_n=20.0, viscous_n_s_m=10.0)
    ramp = 0.4 * np.minimum(np.minimum(T, 2.0), 4.0 - T)
    ramp[T > 2.0] = 0.4 * (4.0 - T[T > 2.0])
    found = truths(track(ramp, 60.0), model)
    out = [t.tension_n for t in found if 0.5 * SECOND < t.stamp_ns < 1.8 * SECOND]
    back = [t.tension_n for t in found if 2.5 * SECOND < t.stamp_ns < 3.8 * SECOND]
    assert np.median(out) == pytest.approx(300.0 + 20.0 + 0.4 * 10.0, abs=0.3)
    assert np.median(back) == pytest.approx(300.0 - 20.0 - 0.4 * 10.0, abs=0.3)


def test_friction_holds_at_rest_and_does_not_chatter_at_the_turn():
    model = replace(BARE, friction_n=30.0, stiction=0.3)
    motion = track(0.5 * step(T, 0.0, 1.0) - 0.5 * step(T, 2.0, 3.0), 60.0)
    found = truths(motion, model)
    held = [t.tension_n for t in found if 1.6 * SECOND < t.stamp_ns < 2.0 * SECOND]
    assert max(held) - min(held) < 0.5
    assert abs(np.mean(held) - 300.0) < 30.0 * 1.3 + 0.1
    turn = np.array([t.tension_n for t in found if 2.0 * SECOND < t.stamp_ns < 2.5 * SECOND])
    signs = np.sign(np.diff(turn)[np.abs(np.diff(turn)) > 0.05])
    assert np.count_nonzero(np.diff(signs)) <= 12


def test_dry_friction_is_larger_near_rest():
    model = replace(BARE, friction_n=20.0, stiction=0.5)
    slow = [t.tension_n for t in truths(track(0.002 * T, 60.0), model, 2.0, 3.5)]
    fast = [t.tension_n for t in truths(track(0.2 * T, 60.0), model, 2.0, 3.5)]
    assert np.mean(slow) == pytest.approx(300.0 + 20.0 * (1.0 + 0.5 * math.exp(-0.04)), abs=0.5)
    assert np.mean(fast) == pytest.approx(320.0, abs=0.5)


def test_eccentric_overload_is_there_on_the_way_back_only():
    ramp = 0.3 * np.minimum(T, 4.0 - T)
    found = truths(track(ramp, 60.0), replace(BARE, eccentric_overload=0.4))
    out = [t for t in found if 0.5 * SECOND < t.stamp_ns < 1.8 * SECOND]
    back = [t for t in found if 3.0 * SECOND < t.stamp_ns < 3.8 * SECOND]
    assert np.median([t.tension_n for t in out]) == pytest.approx(300.0, abs=0.5)
    assert np.median([t.tension_n for t in back]) == pytest.approx(420.0, abs=2.0)
    assert not any(t.overloaded for t in out)
    assert all(t.overloaded for t in back)


@pytest.mark.parametrize("name", MACHINES)
def test_every_machine_comes_to_rest_with_its_load(name):
    model = MACHINES[name]
    last = truths(dropped(), model, 6.5, 6.9)
    tension = [t.tension_n for t in last]
    assert max(tension) - min(tension) < 0.2
    bound = model.friction_n * (1.0 + model.stiction) + 0.2
    assert tension[0] == pytest.approx(model.static_load(0.0), abs=bound)


def test_a_hand_faster_than_gravity_has_a_slack_cable_and_then_a_jerk():
    found = truths(dropped(), BARE, 1.9, 3.9, 2000.0)
    slack = [t for t in found if t.slack_m > 0.005]
    assert slack
    assert {t.tension_n for t in slack} == {0.0}
    first = slack[0].stamp_ns
    falling = [t for t in slack if t.stamp_ns < first + 0.15 * SECOND]
    speeds = np.polyfit([t.stamp_ns / SECOND for t in falling], [t.stack_speed_m_s for t in falling], 1)
    assert speeds[0] == pytest.approx(-GRAVITY, rel=0.01)
    assert max(t.tension_n for t in found if t.stamp_ns > first) > 3.0 * 300.0


def test_a_swing_that_asks_for_more_than_gravity_goes_slack():
    assert min(t.tension_n for t in truths(swinging(0.4, 4.0, 1.0), BARE)) == 0.0


def test_an_isokinetic_drive_holds_its_speed_as_far_as_its_force_goes():
    model = replace(MACHINES["isokinetic"], speed_limit_m_s=0.4, force_limit_n=1200.0)
    found = truths(track(0.43 * T, 60.0), model, 1.0, 3.0)
    # the hand pulls the drum along by the drive's slope: 3000 N s/m over the limit
    assert np.median([t.tension_n for t in found]) == pytest.approx(30.0 + 0.03 * 3000.0 + 2.0, abs=6.0)
    found = truths(track(1.2 * T, 60.0), model, 1.0, 2.0)
    assert np.median([t.tension_n for t in found]) == pytest.approx(1200.0, abs=15.0)


def test_band_and_chains_grow_with_the_way():
    band = replace(BARE, load_n=50.0, curve=((0.0, 0.0), (2.0, 300.0)))
    chains = replace(BARE, load_n=150.0, curve=((0.1, 0.0), (0.5, 120.0)))
    slow = track(0.6 * step(T, 0.0, 3.5), 60.0)
    for truth in truths(slow, band, 0.2, 3.8):
        expected = 50.0 + 150.0 * truth.wound_m
        assert truth.resistance_n == pytest.approx(expected, abs=0.2)
    last = truths(slow, chains, 3.8, 3.9)[-1]
    assert last.tension_n == pytest.approx(270.0, abs=1.0)
    assert chains.static_load(0.3) == pytest.approx(210.0)
    assert chains.static_load(-1.0) == 150.0


def test_before_the_stack_lifts_off_there_is_no_load():
    model = replace(BARE, clearance_m=-0.2)
    found = truths(track(0.5 * step(T, 0.0, 3.0), 60.0), model)
    assert all(t.tension_n < 1.0 and t.end_stop for t in found if t.cable_m < 0.18)
    assert found[-1].tension_n == pytest.approx(300.0, abs=1.0)
    assert not found[-1].end_stop


def test_the_upper_end_stop_stops():
    found = truths(track(0.5 * step(T, 0.0, 3.0), 60.0), replace(BARE, travel_m=0.5, clearance_m=0.02))
    assert found[-1].end_stop
    assert found[-1].stack_m < 0.55
    assert found[-1].tension_n > 500.0


def test_work_is_stored_taken_or_lost():
    for name, model in MACHINES.items():
        for motion in (swinging(), dropped()):
            found = truths(motion, model, 0.0, 4.5)
            moved = sum(abs(b.work_j - a.work_j) for a, b in pairwise(found)) + sum(
                abs(b.stored_j - a.stored_j) for a, b in pairwise(found)
            )
            for truth in found:
                kept = truth.taken_j + truth.lost_j + truth.stored_j - found[0].stored_j
                assert truth.work_j == pytest.approx(kept, abs=0.01 * moved + 0.05), name
            assert all(b.lost_j >= a.lost_j - 1e-9 for a, b in pairwise(found)), name


def test_the_work_of_a_lift_is_the_potential_energy_of_the_stack():
    last = truths(track(0.5 * step(T, 0.0, 2.0), 60.0), BARE, 3.9, 4.0)[-1]
    assert last.work_j == pytest.approx(300.0 * 0.5, rel=0.002)
    assert last.taken_j == pytest.approx(300.0 * 0.5, rel=0.002)


LENGTHS = st.lists(st.floats(0.0, 1.5), min_size=3, max_size=10)


@settings(max_examples=25, deadline=None)
@given(
    LENGTHS,
    st.sampled_from(sorted(MACHINES)),
    st.floats(0.0, 2000.0),
    st.floats(5000.0, 200000.0),
    st.floats(0.0, 300.0),
    st.floats(-0.5, 0.5),
)
def test_whatever_the_hand_does_a_cable_pulls_and_energy_is_not_made(
    lengths, name, load, stiffness, friction, clearance
):
    model = replace(
        MACHINES[name],
        load_n=load,
        stiffness_n_m=stiffness,
        friction_n=friction,
        clearance_m=clearance,
    )
    found = truths(track(np.array(lengths), 5.0), model, -0.2, len(lengths) / 5.0 + 1.0, 250.0)
    moved = sum(abs(b.stored_j - a.stored_j) for a, b in pairwise(found))
    for truth in found:
        values = [v for v in vars(truth).values() if isinstance(v, float)]
        assert all(map(math.isfinite, values))
        assert truth.tension_n >= 0.0
        assert truth.slack_m >= 0.0
        kept = truth.taken_j + truth.lost_j + truth.stored_j - found[0].stored_j
        assert kept <= truth.work_j + 0.05 * (moved + abs(truth.work_j) + truth.lost_j) + 1.0


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.001, 0.4), st.floats(0.0, 49.0)), min_size=3, max_size=6),
    st.sampled_from(sorted(MACHINES)),
)
def test_no_motion_however_absurd_breaks_it(moves, name):
    times = np.cumsum([dt for dt, _ in moves])
    handle = PULLEY + np.array([[0.0, 0.0, out] for _, out in moves])
    simulator = CableMachineSimulator(TrackMotion(times, handle, PULLEY), MACHINES[name], FLAWS["cheap"])
    for i in range(int((times[-1] + 1.0) * 50.0)):
        truth = simulator.truth(i * SECOND // 50)
        assert math.isfinite(truth.tension_n) and math.isfinite(truth.stored_j)
        assert truth.tension_n >= 0.0
        cable, encoder = simulator.read(i * SECOND // 50)
        assert cable is None or 0.0 <= cable.tension_n <= 1500.0
        assert encoder is None or math.isfinite(encoder.speed_m_s)


@settings(max_examples=8, deadline=None)
@given(st.permutations(list(range(12))))
def test_truth_does_not_depend_on_the_order_of_questions(order):
    stamps = [round(i * 0.41 * SECOND) for i in range(12)]
    model = MACHINES["worn_stack"]
    motion = dropped()
    alone = CableMachineSimulator(motion, model)
    alone.truth(9 * SECOND)
    expected = [alone.truth(s) for s in stamps]
    simulator = CableMachineSimulator(motion, model)
    found = {i: simulator.truth(stamps[i]) for i in order}
    assert [found[i] for i in range(12)] == expected


def test_far_from_the_track_everything_rests():
    simulator = CableMachineSimulator(swinging(), MACHINES["stack"])
    later, much_later = simulator.truth(100 * SECOND), simulator.truth(10**18)
    assert replace(much_later, stamp_ns=0) == replace(later, stamp_ns=0)
    assert simulator.truth(-(10**18)).tension_n == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("load_n", -1.0),
        ("load_n", math.nan),
        ("load_n", None),
        ("load_n", "200"),
        ("load_n", True),
        ("friction_n", -0.1),
        ("ratio", 0.0),
        ("inertia_kg", 0.0),
        ("stiffness_n_m", math.inf),
        ("speed_limit_m_s", 0.0),
        ("curve", ((0.0, 0.0), (0.0, 1.0))),
        ("curve", ((0.0, math.nan),)),
        ("curve", ((0.0, -500.0),)),
    ],
)
def test_machines_that_cannot_be_are_refused(field, value):
    with pytest.raises(MachineError, match=rf"MachineModel\.{field}: .*must"):
        MachineModel(**{field: value})
