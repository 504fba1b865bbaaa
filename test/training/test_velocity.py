"""Velocity of a repetition against movements that are known exactly."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.machine import MACHINES, CableMachineSimulator, TrackMotion, named_flaws
from kinecue.training.derivatives import smooth_course
from kinecue.training.velocity import GRAVITY, VelocityLoss, both_cables, velocity_of

WAIT_S, BACK_S = 0.6, 1.2


def least_jerk(t: np.ndarray, start: float, duration: float) -> np.ndarray:
    u = np.clip((t - start) / duration, 0.0, 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u * u)


def lift(way: float, duration: float, rate: float = 200.0) -> tuple[np.ndarray, np.ndarray, slice]:
    """Times, positions and roughly the concentric phase of one lift and the way back, with least jerk."""
    t = np.arange(0.0, 2.0 * WAIT_S + duration + BACK_S + 0.5, 1.0 / rate)
    out = way * (least_jerk(t, WAIT_S, duration) - least_jerk(t, 2.0 * WAIT_S + duration, BACK_S))
    return t, out, slice(int((WAIT_S - 0.2) * rate), int((WAIT_S + duration + 0.2) * rate))


@pytest.mark.parametrize("rate", [50.0, 100.0, 1000.0])
@pytest.mark.parametrize("duration", [0.4, 0.8, 2.0])
def test_least_jerk_has_the_mean_and_the_peak_of_its_formula(duration: float, rate: float) -> None:
    t, out, part = lift(0.6, duration, rate)
    found = velocity_of(t, out, part)
    assert found is not None
    # the peak of least jerk is 15/8 of its mean (Flash and Hogan 1985)
    assert found.peak == pytest.approx(15.0 / 8.0 * 0.6 / duration, rel=0.002)
    assert found.mean == pytest.approx(0.6 / duration, rel=0.03)
    assert found.range == pytest.approx(0.6, abs=0.003)
    assert abs(found.mean - 0.6 / duration) < 2.0 * found.std
    assert found.eccentric_mean == pytest.approx(0.6 / BACK_S, rel=0.03)


def test_smoothing_does_not_flatten_the_peak_of_a_noisy_encoder() -> None:
    errors = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        t, out, part = lift(0.5, 0.7)
        step = 0.002
        read = np.round((out + random.uniform(0.0, step)) / step) * step
        found = velocity_of(
            t + 0.0005 * random.normal(size=len(t)), read, part, sigma_m=step / math.sqrt(12.0)
        )
        errors.append(found.peak / (15.0 / 8.0 * 0.5 / 0.7) - 1.0)
    assert abs(np.mean(errors)) < 0.01
    assert np.max(np.abs(errors)) < 0.03


def test_force_power_and_work_of_a_free_weight() -> None:
    t, out, part = lift(0.6, 0.8)
    found = velocity_of(t, out, part, load_kg=20.0)
    assert found.work == pytest.approx(20.0 * GRAVITY * 0.6, rel=0.01)
    assert found.mean_power == pytest.approx(found.work / 0.8, rel=0.03)
    # least jerk accelerates by 10 sqrt(3) / 3 of way over duration squared at most
    assert found.peak_force == pytest.approx(20.0 * (GRAVITY + 10.0 / math.sqrt(3.0) * 0.6 / 0.64), rel=0.02)
    assert found.mean_force == pytest.approx(20.0 * GRAVITY, rel=0.03)


def test_a_measured_force_goes_before_a_load() -> None:
    t, out, part = lift(0.6, 0.8)
    found = velocity_of(t, out, part, forces_n=np.full_like(t, 150.0), load_kg=99.0)
    assert found.mean_force == pytest.approx(150.0)
    assert found.peak_power == pytest.approx(150.0 * found.peak, rel=1e-6)
    assert found.work == pytest.approx(150.0 * 0.6, rel=0.01)
    gap = np.where((t > 0.8) & (t < 1.2), np.nan, 150.0)
    assert math.isnan(velocity_of(t, out, part, forces_n=gap).work)


def test_propulsive_phase_ends_where_the_load_is_braked() -> None:
    """0.8 m in 0.4 s: the bar is braked harder than gravity does, from where -9.81 m/s^2 is crossed."""
    way, duration = 0.8, 0.4
    t, out, part = lift(way, duration, 1000.0)
    found = velocity_of(t, out, part)
    u = np.linspace(0.0, 1.0, 100001)
    acceleration = way / duration**2 * (60.0 * u - 180.0 * u**2 + 120.0 * u**3)
    until = u[(u > 0.5) & (acceleration < -GRAVITY)][0]
    exact = way * (until**3 * (10.0 - 15.0 * until + 6.0 * until**2)) / (until * duration)
    assert found.mean_propulsive == pytest.approx(exact, rel=0.03)
    assert found.mean_propulsive > 1.1 * found.mean
    slow = velocity_of(*lift(0.6, 1.2))
    assert slow.mean_propulsive == slow.mean


def test_propulsive_phase_of_a_cable_ends_when_it_goes_slack() -> None:
    t, out, part = lift(0.8, 0.4, 1000.0)
    whole = velocity_of(t, out, part, forces_n=np.full_like(t, 80.0))
    assert whole.mean_propulsive == whole.mean
    let_go = velocity_of(t, out, part, forces_n=np.where(t < WAIT_S + 0.25, 80.0, 0.0))
    assert let_go.mean_propulsive > 1.1 * let_go.mean


def test_a_sticking_point_belongs_to_the_lift() -> None:
    t = np.arange(0.0, 5.0, 0.005)
    out = 0.25 * least_jerk(t, 0.5, 0.8) + 0.35 * least_jerk(t, 2.3, 1.0)
    found = velocity_of(t, out)
    assert found.range == pytest.approx(0.6, abs=0.002)
    assert found.mean == pytest.approx(0.6 / 2.8, rel=0.03)


def test_waiting_at_the_top_does_not() -> None:
    t, out, _ = lift(0.6, 0.8)
    assert velocity_of(t, out, slice(0, int((2.0 * WAIT_S + 0.8) * 200.0))).mean == pytest.approx(
        0.75, rel=0.03
    )


@pytest.mark.parametrize("machine", ["motor", "dual_pulley"])
@pytest.mark.parametrize(("flaws", "mean", "peak"), [("typical", 0.02, 0.008), ("cheap", 0.04, 0.03)])
def test_the_simulated_machine(machine: str, flaws: str, mean: float, peak: float) -> None:
    means, peaks = [], []
    for seed, (way, duration) in enumerate([(0.35, 0.8), (0.6, 1.2), (0.7, 2.0)]):
        t = np.arange(0.0, 2.6 + duration, 1.0 / 120.0)
        out = way * (least_jerk(t, 0.8, duration) - least_jerk(t, 1.2 + duration, 1.0))
        handle = np.column_stack([out, np.zeros_like(out), np.zeros_like(out)])
        motion = TrackMotion(t, handle, np.array([-1.0, 0.0, 0.0]))
        simulator = CableMachineSimulator(motion, MACHINES[machine], named_flaws(flaws), seed)
        samples = [encoder for _, encoder in simulator.samples(200.0, 0, 1.3 + duration) if encoder]
        times = np.array([sample.stamp_ns * 1e-9 for sample in samples])
        places = np.array([sample.position_m for sample in samples])
        found = velocity_of(times, places, sigma_m=1.0 / abs(samples[0].counts_per_metre) / math.sqrt(12.0))
        true = max(
            simulator.truth(int(s * 1e6)).wound_speed_m_s for s in range(800, 800 + int(1000 * duration), 2)
        )
        means.append(found.mean / (way / duration) - 1.0)
        peaks.append(found.peak / true - 1.0)
    assert abs(np.mean(means)) < mean
    assert abs(np.mean(peaks)) < peak


finite = st.floats(-3.0, 3.0)


@settings(max_examples=60, deadline=None)
@given(way=st.floats(0.1, 1.0), duration=st.floats(0.5, 3.0), shift=st.floats(-100.0, 100.0), offset=finite)
def test_sign_offset_and_clock_do_not_matter(
    way: float, duration: float, shift: float, offset: float
) -> None:
    t, out, part = lift(way, duration, 100.0)
    one, other = (
        velocity_of(t, out, part, sigma_m=1e-4),
        velocity_of(t + shift, offset - out, part, sigma_m=1e-4),
    )
    for name in ("mean", "peak", "range", "mean_propulsive"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=40),
    data=st.data(),
)
def test_whatever_comes_is_answered(times: list[float], data: st.DataObject) -> None:
    with np.errstate(all="ignore"):
        n = len(times)
        places = data.draw(st.lists(st.floats(allow_nan=True, width=32), min_size=n, max_size=n))
        part = data.draw(st.one_of(st.none(), st.slices(n)))
        found = velocity_of(np.array(times, dtype=np.float64), np.array(places, dtype=np.float64), part)
    assert found is None or (found.mean > 0.0 and not found.peak < found.mean)


def test_lost_late_and_repeated_readings() -> None:
    t, out, _ = lift(0.6, 1.0)
    random = np.random.default_rng(4)
    keep = random.random(len(t)) > 0.2
    order = np.argsort(t[keep] + 0.02 * random.random(keep.sum()))
    times, places = np.repeat(t[keep][order], 2), np.repeat(out[keep][order], 2)
    found = velocity_of(times, places)
    assert found.mean == pytest.approx(0.6, rel=0.03)
    assert found.peak == pytest.approx(1.125, rel=0.01)
    hole = (t < 0.7) | (t > 1.5)
    blind = velocity_of(t[hole], out[hole])
    assert blind is None or math.isnan(blind.peak)


def test_too_little_to_tell() -> None:
    assert velocity_of(np.zeros(0), np.zeros(0)) is None
    assert velocity_of(np.arange(5.0), np.arange(5.0)) is None
    t = np.arange(0.0, 3.0, 0.01)
    assert velocity_of(t, np.zeros_like(t)) is None
    assert velocity_of(t, np.full_like(t, np.nan)) is None
    with pytest.raises(ValueError, match=r"expected \(N,\), \(N,\)"):
        velocity_of(t, t[:5])
    with pytest.raises(ValueError, match="forces_n"):
        velocity_of(t, t, forces_n=t[:5])


def test_a_cubic_is_differentiated_exactly() -> None:
    t = np.sort(np.random.default_rng(0).uniform(0.0, 2.0, 300))
    x = 0.1 + 0.4 * t - 0.3 * t**2 + 0.2 * t**3
    course = smooth_course(t, x, half_width_s=0.1)
    inner = (course.times_s > 0.1) & (course.times_s < 1.9)
    speed = 0.4 - 0.6 * course.times_s + 0.6 * course.times_s**2
    assert np.abs(course.speed - speed)[inner].max() < 1e-3
    assert np.abs(course.acceleration - (-0.6 + 1.2 * course.times_s))[inner].max() < 0.05


def test_two_cables() -> None:
    left = velocity_of(*lift(0.6, 0.8), load_kg=10.0, cable=1)
    right = velocity_of(*lift(0.5, 0.8), load_kg=10.0, cable=2)
    both = both_cables(left, right)
    assert both.mean == pytest.approx(0.5 * (left.mean + right.mean))
    assert both.work == pytest.approx(left.work + right.work)
    assert both.asymmetry == pytest.approx((0.6 - 0.5) / 0.55, abs=0.01)
    assert both_cables(right, left).asymmetry == pytest.approx(-both.asymmetry)
    assert both_cables(left, None) is left
    assert both_cables(None, None) is None
    assert both.cable == 0


def test_velocity_loss_is_counted_from_the_fastest() -> None:
    """Sanchez-Medina and Gonzalez-Badillo 2011: the fastest repetition, which need not be the first."""
    one = velocity_of(*lift(0.6, 0.8))
    loss = VelocityLoss()
    seen = [loss.add(replace(one, mean=v)).loss for v in (0.75, 0.80, 0.60, math.nan, 0.40)]
    assert seen[:3] == pytest.approx([0.0, 0.0, 0.25])
    assert math.isnan(seen[3])
    assert seen[4] == pytest.approx(0.5)
    assert loss.fastest == 0.80
    loss.restart()
    assert math.isnan(loss.fastest)
