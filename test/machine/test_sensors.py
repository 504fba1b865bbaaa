"""Each flaw shows in its own statistic, by as much as was planted."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracks import SECOND, lag, machine, standing, swinging

from kinecue.machine import CableFlag, CableMachineSimulator, CableSide, Direction, MachineModel, SensorFlaws

LOAD = 300.0


def forces(overrides: str, seconds: float = 3.0, rate: float = 1000.0, motion=None, seed: int = 1):
    """Times (s) and readings (N) of the load cell."""
    simulator = machine(motion or standing(seconds), overrides, seed)
    found = [c for c, _ in simulator.samples(rate, 0, seconds) if c]
    return np.array([c.stamp_ns / SECOND for c in found]), np.array([c.tension_n for c in found])


def encoded(overrides: str, seconds: float = 3.9, rate: float = 500.0, motion=None, seed: int = 1):
    """Times (s) and samples of the encoder."""
    simulator = machine(motion or swinging(), overrides, seed)
    found = [e for _, e in simulator.samples(rate, 0, seconds) if e]
    return np.array([e.stamp_ns / SECOND for e in found]), found


def way(t):
    """Of `swinging`."""
    return 0.2 * (1.0 - np.cos(np.pi * np.clip(t, 0.0, 4.0)))


# -- load cell


def test_without_flaws_the_readings_are_the_truth():
    simulator = machine(swinging())
    for i in range(0, 400, 7):
        truth = simulator.truth(i * SECOND // 100)
        cable, encoder = simulator.read(i * SECOND // 100)
        assert cable.tension_n == pytest.approx(truth.tension_n)
        assert cable.speed_m_s == pytest.approx(truth.wound_speed_m_s)
        assert encoder.position_m == pytest.approx(truth.wound_m, abs=0.51 / 5000.0)
        assert cable.stamp_ns == encoder.stamp_ns == truth.stamp_ns
        assert cable.flags & ~CableFlag.SLACK == CableFlag.SIMULATED


def test_noise():
    _, found = forces("force.noise_n=2")
    assert np.std(found) == pytest.approx(2.0, rel=0.06)
    assert np.mean(found) == pytest.approx(LOAD, abs=0.2)
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.06


def test_noise_differs_by_seed_and_side_and_else_not():
    assert (forces("force.noise_n=2")[1] == forces("force.noise_n=2")[1]).all()
    assert (forces("force.noise_n=2")[1] != forces("force.noise_n=2", seed=2)[1]).mean() > 0.99


def test_resolution():
    _, found = forces("force.noise_n=3, force.resolution_n=2.5")
    assert found / 2.5 == pytest.approx(np.round(found / 2.5))
    assert len(set(found)) > 5


def test_bias_and_gain():
    _, found = forces("force.bias_n=-12, force.gain_error=0.05")
    assert found == pytest.approx(np.full(len(found), LOAD * 1.05 - 12.0))


def test_drift_with_temperature():
    t, found = forces("force.warm_up_k=20, force.warm_up_s=2, force.bias_n_per_k=0.5, force.gain_per_k=0.001")
    warmer = 20.0 * (1.0 - np.exp(-t / 2.0))
    assert found == pytest.approx(LOAD * (1.0 + 0.001 * warmer) + 0.5 * warmer)


@pytest.mark.parametrize("frequency", [50, 60])
def test_mains_hum(frequency):
    _, found = forces(f"force.hum_n=7, force.hum_hz={frequency}", 2.0)
    amplitude = 2.0 * np.abs(np.fft.rfft(found - LOAD)) / len(found)
    assert np.argmax(amplitude) == 2 * frequency
    assert amplitude.max() == pytest.approx(7.0, rel=0.01)


def test_spikes():
    _, found = forces("force.spike_share=0.02, force.spike_n=150", 5.0)
    off = np.abs(found - LOAD)
    assert np.mean(off > 1.0) == pytest.approx(0.02, abs=0.007)
    assert set(np.round(off[off > 1.0], 6)) == {150.0}
    assert {LOAD - 150.0, LOAD + 150.0} <= set(np.round(found, 6))


def test_saturation():
    simulator = machine(standing(), "force.range_n=250")
    cable, _ = simulator.read(SECOND)
    assert cable.tension_n == 250.0
    assert CableFlag.SATURATED in cable.flags
    assert simulator.truth(SECOND).tension_n == pytest.approx(LOAD)


def test_a_reading_below_nothing_is_nothing():
    _, found = forces("force.bias_n=-400")
    assert set(found) == {0.0}


def test_a_slack_cable_is_flagged_when_the_sensor_feels_it():
    motion = swinging(0.4, 4.0, 1.0)
    simulator = machine(motion, "force.noise_n=0.3, force.latency_s=0.1")
    first = {"truth": 0, "read": 0}
    for i in range(200):
        stamp = i * SECOND // 200
        said = (simulator.true_samples(stamp)[0], simulator.read(stamp)[0])
        for name, sample in zip(first, said, strict=True):
            if CableFlag.SLACK in sample.flags and not first[name]:
                first[name] = i
                assert sample.tension_n < 3.0
    assert first["read"] - first["truth"] == pytest.approx(20, abs=1)


def test_low_pass():
    motion = swinging(0.05, 6.0, 1.0)
    t, slow = forces("force.cutoff_hz=1", 5.0, motion=motion)
    _, fast = forces("", 5.0, motion=motion)
    steady = t > 2.0

    def wave(values):
        basis = np.exp(-2j * np.pi * t[steady])
        return 2.0 * np.mean((values[steady] - LOAD) * basis)

    ratio = wave(slow) / wave(fast)
    # first order at its cut-off: 1 / (1 + i)
    assert abs(ratio) == pytest.approx(math.sqrt(0.5), abs=0.01)
    assert np.angle(ratio) == pytest.approx(-math.pi / 4.0, abs=0.02)


def test_hysteresis():
    motion = swinging(0.1, 6.0, 2.0)
    _, found = forces("force.hysteresis_n=8", 5.0, motion=motion)
    _, true = forces("", 5.0, motion=motion)
    rising = np.gradient(true) > 0.05
    falling = np.gradient(true) < -0.05
    assert np.median((found - true)[rising]) == pytest.approx(-4.0, abs=0.1)
    assert np.median((found - true)[falling]) == pytest.approx(4.0, abs=0.1)


def test_latency_of_force_is_its_own():
    motion = swinging(0.2, 5.0, 1.0)
    true = machine(motion)
    grid = np.arange(-1.0, 6.0, 0.002)
    truth = np.array([true.truth(round(x * SECOND)).tension_n for x in grid])
    t, found = forces("force.latency_s=0.08", 4.0, 200.0, motion)
    assert lag(t, found, lambda x: np.interp(x, grid, truth), 0.3) == pytest.approx(0.08, abs=0.001)
    te, samples = encoded("force.latency_s=0.08", 4.0, 200.0, motion)
    positions = np.array([e.position_m for e in samples])
    wound = np.array([true.truth(round(x * SECOND)).wound_m for x in grid])
    assert lag(te, positions, lambda x: np.interp(x, grid, wound), 0.3) == pytest.approx(0.0, abs=0.001)


def test_speed_noise():
    simulator = machine(standing(), "force.speed_noise_m_s=0.02")
    speeds = [c.speed_m_s for c, _ in simulator.samples(500.0, 0, 4.0)]
    assert np.std(speeds) == pytest.approx(0.02, rel=0.06)


# -- encoder


@pytest.mark.parametrize("rate", [50.0, 200.0, 1000.0])
@pytest.mark.parametrize("scale", [5000.0, -800.0])
def test_the_encoder_integrates_to_the_way(rate, scale):
    t, found = encoded(f"encoder.counts_per_metre={scale}", 3.5, rate)
    step = 1.0 / abs(scale)
    for e in found:
        assert e.count == pytest.approx(e.position_m * scale, abs=1e-6)
        assert e.counts_per_metre == scale
    assert [e.position_m for e in found] == pytest.approx(way(t), abs=0.51 * step + 0.0015)
    travelled = sum(e.speed_m_s for e in found) / rate
    assert travelled == pytest.approx(found[-1].position_m, abs=0.02 + step)
    out = {e.direction for x, e in zip(t, found, strict=True) if 0.3 < x < 0.7}
    back = {e.direction for x, e in zip(t, found, strict=True) if 1.3 < x < 1.7}
    assert (out, back) == ({Direction.OUT}, {Direction.BACK})


def test_wrong_sign():
    _, right = encoded("")
    _, wrong = encoded("encoder.inverted=true")
    assert [e.position_m for e in wrong] == pytest.approx([-e.position_m for e in right], abs=0.00021)
    assert [e.speed_m_s for e in wrong] == pytest.approx([-e.speed_m_s for e in right], abs=0.021)
    assert {e.counts_per_metre for e in wrong} == {5000.0}
    fast = [(a, b) for a, b in zip(right, wrong, strict=True) if abs(a.speed_m_s) > 0.1]
    assert all(a.direction == -b.direction for a, b in fast)


def test_wrong_counts_per_metre():
    t, found = encoded("encoder.scale_error=0.25")
    assert [e.position_m for e in found] == pytest.approx(way(t) / 1.25, abs=0.002)
    assert {e.counts_per_metre for e in found} == {6250.0}


@pytest.mark.parametrize(("kind", "sign"), [("missed_per_m", -1.0), ("extra_per_m", 1.0)])
def test_missed_and_extra_counts(kind, sign):
    _, right = encoded("", 1.0)
    _, wrong = encoded(f"encoder.{kind}=100", 1.0)
    errors = np.array([b.count - a.count for a, b in zip(right, wrong, strict=True)]) * sign
    # one way out of 0.4 m: Poisson of mean 40
    assert errors[-1] == pytest.approx(40, abs=19)
    assert (np.diff(errors) >= 0).all()
    assert np.diff(errors).max() <= 3


@pytest.mark.parametrize("scale", [5000, -5000])
def test_counts_missed_on_the_way_back_lack_on_the_way_back(scale):
    _, right = encoded(f"encoder.counts_per_metre={scale}")
    _, wrong = encoded(f"encoder.counts_per_metre={scale}, encoder.missed_per_m=100")
    off = np.array([b.position_m - a.position_m for a, b in zip(right, wrong, strict=True)]) * 5000.0
    out, back = np.diff(off[5:495]).round(), np.diff(off[505:995]).round()
    assert (out <= 0).all() and out.sum() < -15
    assert (back >= 0).all() and back.sum() > 15


def test_backlash():
    t, found = encoded("encoder.backlash_m=0.01", 3.9)
    _, true = encoded("", 3.9)
    behind = np.array([b.position_m - a.position_m for a, b in zip(true, found, strict=True)])
    assert np.median(behind[(t > 0.3) & (t < 0.7)]) == pytest.approx(-0.005, abs=0.0003)
    assert np.median(behind[(t > 1.3) & (t < 1.7)]) == pytest.approx(0.005, abs=0.0003)


@pytest.mark.parametrize(("bits", "first"), [(16, 32000), (16, -32768), (32, 2**31 - 400)])
def test_a_counter_rolls_over(bits, first):
    _, plain = encoded(f"encoder.first_count={first}")
    _, wrapped = encoded(f"encoder.first_count={first}, encoder.counter_bits={bits}")
    half = 1 << (bits - 1)
    assert all(-half <= e.count < half for e in wrapped)
    assert all((a.count - b.count) % (1 << bits) == 0 for a, b in zip(plain, wrapped, strict=True))
    jumps = [abs(b.position_m - a.position_m) for a, b in pairwise(wrapped)]
    if first > 0:
        assert max(jumps) > 0.9 * (1 << bits) / 5000.0
    assert max(abs(b.position_m - a.position_m) for a, b in pairwise(plain)) < 0.01


def test_a_power_dip_loses_the_home():
    overrides = "encoder.power_dips_per_min=60"
    t, found = encoded(overrides, 3.9)
    off = np.array([e.position_m for e in found]) - way(t)
    jumps = np.flatnonzero(np.abs(np.diff(off)) > 0.01)
    assert 1 <= len(jumps) <= 4
    for jump in jumps:
        assert found[jump + 1].position_m == pytest.approx(0.0, abs=0.005)
    between = off[jumps[0] + 1 : (jumps[1] if len(jumps) > 1 else None)]
    assert np.ptp(between) < 0.006


# -- both


@pytest.mark.parametrize("part", ["force", "encoder"])
def test_random_drop_outs(part):
    samples = list(machine(standing(), f"{part}.loss=0.3").samples(1000.0, 0, 4.0))
    got = [c if part == "force" else e for c, e in samples]
    other = [e if part == "force" else c for c, e in samples]
    assert np.mean([s is None for s in got]) == pytest.approx(0.3, abs=0.03)
    assert None not in other


@pytest.mark.parametrize("part", ["force", "encoder"])
def test_bursts_of_drop_outs(part):
    samples = machine(standing(60.0), f"{part}.burst_per_min=10, {part}.burst_s=0.4").samples(100.0, 0, 60.0)
    stamps = [(c if part == "force" else e).stamp_ns for c, e in samples if (c if part == "force" else e)]
    gaps = np.diff(stamps) / SECOND
    holes = gaps[gaps > 0.05]
    assert 3 <= len(holes) <= 20
    assert np.median(holes) == pytest.approx(0.4, abs=0.02)


def longest_run(same) -> int:
    """Most True in a row."""
    run = longest = 0
    for value in same:
        run = run + 1 if value else 0
        longest = max(longest, run)
    return longest


@pytest.mark.parametrize("freeze_s", [0.5, 1.5])
def test_a_frozen_value_stands_while_samples_go_on(freeze_s):
    text = f"force.noise_n=1, force.freeze_per_min=12, force.freeze_s={freeze_s}, encoder.freeze_per_min=12"
    text += f", encoder.freeze_s={freeze_s}"
    samples = list(machine(swinging(0.2, 30.0), text, seed=3).samples(200.0, 0, 30.0))
    assert len(samples) == 6000
    force = longest_run(a.tension_n == b.tension_n for (a, _), (b, _) in pairwise(samples))
    assert force == pytest.approx(200.0 * freeze_s, abs=3)
    count = longest_run(a.count == b.count for (_, a), (_, b) in pairwise(samples))
    # the handle may have stood at its turn when it froze
    assert 200.0 * freeze_s - 3 <= count <= 200.0 * freeze_s + 20


@pytest.mark.parametrize("rate", [50.0, 333.0])
def test_readings_do_not_depend_on_the_order_of_questions(rate):
    overrides = (
        "force.noise_n=2, force.hysteresis_n=3, force.cutoff_hz=20, force.freeze_per_min=30, force.loss=0.1,"
        "encoder.missed_per_m=50, encoder.backlash_m=0.002, encoder.power_dips_per_min=30, clock.jitter_s=0.002"
    )
    stamps = [round(i * SECOND / rate) for i in range(150)]
    straight = machine(swinging(), overrides)
    expected = [straight.read(s) for s in stamps]
    assert [straight.read(s) for s in stamps] == expected
    backwards = machine(swinging(), overrides)
    assert [backwards.read(s) for s in reversed(stamps)] == expected[::-1]


# -- clock


@settings(max_examples=6, deadline=None)
@given(st.floats(-0.4, 0.4))
def test_the_planted_offset_of_the_clock_is_found_by_correlation(offset):
    t, found = encoded(f"clock.offset_s={offset}", 3.9, 100.0)
    positions = np.array([e.position_m for e in found])
    assert lag(t, positions, way) == pytest.approx(offset, abs=0.002)


def test_latency_of_the_encoder():
    t, found = encoded("encoder.latency_s=0.12", 3.9, 100.0)
    assert lag(t, np.array([e.position_m for e in found]), way) == pytest.approx(0.12, abs=0.002)


def test_drift_of_the_clock():
    t, _ = encoded("clock.drift_ppm=5000, clock.offset_s=0.1", 3.9, 100.0)
    true = np.arange(len(t)) / 100.0
    slope, begin = np.polyfit(true, t, 1)
    assert (slope, begin) == pytest.approx((1.005, 0.1), abs=1e-6)


def test_jitter_of_stamps():
    t, _ = encoded("clock.jitter_s=0.003", 3.9, 500.0)
    off = t - np.arange(len(t)) / 500.0
    assert np.std(off) == pytest.approx(0.003, rel=0.06)
    assert np.abs(off).max() <= 0.009 + 1e-9


def test_both_cables_of_a_machine_have_their_own_noise():
    flaws = SensorFlaws().override("force.noise_n=2")
    sides = [
        CableMachineSimulator(standing(), replace(MachineModel(), side=side), flaws, 7)
        for side in (CableSide.LEFT, CableSide.RIGHT)
    ]
    left, right = ([s.read(i * SECOND // 100)[0] for i in range(100)] for s in sides)
    assert {c.side for c in left} == {CableSide.LEFT}
    assert {c.side for c in right} == {CableSide.RIGHT}
    assert abs(np.corrcoef([c.tension_n for c in left], [c.tension_n for c in right])[0, 1]) < 0.35
