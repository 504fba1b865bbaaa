"""Inertial sensors: velocity of lifts against motions that are known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.errors import ConfigError
from kinecue.body.measurement import Reason, Validity
from kinecue.machine.inertial import InertialSample, InertialSensor, InertialSettings, InertialUnits, Mount
from kinecue.machine.inertial.drift import integrate
from kinecue.machine.inertial.gravity import GravityTracker, Handedness, angle
from kinecue.machine.inertial.rest import RestDetector
from kinecue.machine.inertial.sample import GRAVITY
from kinecue.machine.samples import Direction

PEAK_OF_MEAN = 1.875
"""Of a minimum-jerk stroke (Flash and Hogan 1985)."""


def stroke(u):
    """Second derivative of the minimum-jerk way from 0 to 1 over unit time."""
    u = np.asarray(u)
    return np.where((u > 0.0) & (u < 1.0), 60.0 * u - 180.0 * u**2 + 120.0 * u**3, 0.0)


@dataclass
class Motion:
    """Strokes of a sensor that turns about its own first axis while it moves: (begin s, seconds, metres, radians)."""

    strokes: list[tuple[float, float, float, float]]
    seconds: float
    rotation: np.ndarray
    rate_hz: float = 100.0
    gyro_sign: int = 1
    noise: float = 0.02
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gyro_offset: float = 0.01
    jitter: float = 0.0
    seed: int = 0

    def samples(self, gyroscope: bool = True):
        rng = np.random.default_rng(self.seed)
        t = np.arange(round(self.seconds * self.rate_hz)) / self.rate_hz
        t = t + self.jitter / self.rate_hz * rng.uniform(-0.5, 0.5, len(t))
        up, turn, speed = np.zeros(len(t)), np.zeros(len(t)), np.zeros(len(t))
        for begin, seconds, metres, radians in self.strokes:
            u = (t - begin) / seconds
            inside = np.clip(u, 0.0, 1.0)
            up += metres / seconds**2 * stroke(u)
            turn += radians * inside**3 * (10.0 - 15.0 * inside + 6.0 * inside**2)
            speed += radians / seconds * 30.0 * inside**2 * (1.0 - inside) ** 2
        force = self.rotation.T @ np.stack([np.zeros(len(t)), np.zeros(len(t)), up + GRAVITY])
        y, z = force[1], force[2]
        c, s = np.cos(turn), np.sin(turn)
        sensed = np.stack([force[0], c * y + s * z, -s * y + c * z], 1) + np.array(self.offset)
        sensed += rng.normal(0.0, self.noise, sensed.shape)
        rate = np.stack([speed, np.zeros(len(t)), np.zeros(len(t))], 1) * self.gyro_sign
        rate += self.gyro_offset + rng.normal(0.0, 0.002, rate.shape)
        for stamp, a, w in zip(t, sensed, rate, strict=True):
            stamp_ns = round((stamp + 100.0) * 1e9)
            yield (
                InertialSample(stamp_ns, tuple(a), tuple(w))
                if gyroscope
                else InertialSample(stamp_ns, tuple(a))
            )


def rotation(seed: int) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q if np.linalg.det(q) > 0 else -q


def lifts(samples, given: InertialSettings | None = None):
    sensor = InertialSensor(given)
    found = []
    for sample in samples:
        found.extend(sensor.update(sample))
    return sensor, found


DEADLIFT = [(1.5, 0.8, 0.5, 0.4), (3.0, 1.2, -0.5, -0.4)]


def test_units_become_si():
    sample = InertialUnits("g", "deg/s").sample(7, (0.0, 0.0, 1.0), (180.0, 0.0, 0.0))
    assert sample.acceleration == (0.0, 0.0, pytest.approx(9.80665))
    assert sample.rate == (pytest.approx(math.pi), 0.0, 0.0)
    assert InertialUnits("mg", "rad/s").sample(0, (1000.0, 0.0, 0.0)).acceleration[0] == pytest.approx(
        9.80665
    )
    assert not InertialUnits().sample(0, (0.0, 0.0, 9.8)).turns


@pytest.mark.parametrize("units", [("furlong", "rad/s"), ("g", "rpm")])
def test_a_wrong_unit_is_named_with_the_right_ones(units):
    with pytest.raises(ConfigError, match="allowed"):
        InertialUnits(*units)


def test_a_sample_needs_three_axes():
    with pytest.raises(ValueError, match="3 numbers"):
        InertialUnits().sample(0, (1.0, 2.0))


@pytest.mark.parametrize(
    "options", [{"handedness": 2}, {"velocity_scale": 0.0}, {"velocity_scale": math.nan}, {"upward": 0}]
)
def test_settings_out_of_bounds_are_refused(options):
    with pytest.raises(ConfigError, match="allowed"):
        InertialSettings(**options)


@pytest.mark.parametrize("rate_hz", [50.0, 62.0, 100.0, 400.0, 1000.0])
def test_a_lift_is_as_fast_and_as_far_as_it_was(rate_hz):
    motion = Motion(DEADLIFT, 6.0, rotation(3), rate_hz)
    _, found = lifts(motion.samples())
    assert len(found) == 1
    lift = found[0]
    assert lift.peak_velocity_m_s == pytest.approx(PEAK_OF_MEAN * 0.5 / 0.8, abs=0.03)
    assert lift.range_m == pytest.approx(0.5, abs=0.02)
    assert abs((lift.peak_ns - 100e9) * 1e-9 - 1.9) < 0.05
    assert lift.mean_velocity_m_s < lift.peak_velocity_m_s
    assert lift.start_ns < lift.peak_ns < lift.end_ns <= lift.told_ns


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([-1, 1]), st.floats(0.3, 1.5), st.floats(0.6, 1.5))
def test_how_the_sensor_is_fixed_does_not_matter(seed, sign, metres, seconds):
    strokes = [(1.5, seconds, metres, 0.5), (1.5 + seconds + 0.8, seconds, -metres, -0.5)]
    motion = Motion(strokes, 4.5 + 2 * seconds, rotation(seed), gyro_sign=sign, seed=seed)
    _, found = lifts(motion.samples(), InertialSettings(handedness=sign))
    assert len(found) == 1
    assert found[0].peak_velocity_m_s == pytest.approx(PEAK_OF_MEAN * metres / seconds, abs=0.06)


def test_a_gyroscope_that_turns_the_wrong_way_is_found_out():
    strokes = [s for k in range(5) for s in ((1.5 + 4 * k, 0.8, 0.5, 0.9), (3.2 + 4 * k, 0.8, -0.5, 0.5))]
    sensor, found = lifts(Motion(strokes, 22.0, rotation(5), gyro_sign=-1).samples())
    assert sensor.sign == -1
    assert len(found) == 5
    assert found[-1].peak_velocity_m_s == pytest.approx(PEAK_OF_MEAN * 0.5 / 0.8, abs=0.05)
    sensor, _ = lifts(Motion(strokes, 22.0, rotation(5), gyro_sign=1).samples())
    assert sensor.sign == 1


def test_one_turn_settles_no_handedness():
    learner = Handedness()
    learner.learn((0.0, 0.0, 9.8), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    assert learner.sign == -1
    assert not learner.settled


def test_irregular_stamps_and_an_offset_are_borne():
    motion = Motion(DEADLIFT, 6.0, rotation(9), 60.0, jitter=0.8, offset=(0.1, -0.15, 0.2))
    _, found = lifts(motion.samples())
    assert len(found) == 1
    assert found[0].peak_velocity_m_s == pytest.approx(PEAK_OF_MEAN * 0.5 / 0.8, abs=0.08)


def test_the_told_uncertainty_holds():
    true = PEAK_OF_MEAN * 0.5 / 0.8
    off = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        motion = Motion(DEADLIFT, 6.0, rotation(seed), 62.0, jitter=0.6, seed=seed, noise=0.03)
        motion.offset = tuple(rng.normal(0.0, 0.1, 3))
        _, found = lifts(motion.samples())
        assert len(found) == 1
        off.append((found[0].peak_velocity_m_s - true) / found[0].peak_velocity_std_m_s)
    assert np.mean(np.abs(off) < 2.0) >= 0.9


def test_a_stack_needs_no_gyroscope_and_a_bar_abstains_without():
    flat = [(begin, seconds, metres, 0.0) for begin, seconds, metres, _ in DEADLIFT]
    stack, found = lifts(Motion(flat, 6.0, rotation(1)).samples(False), InertialSettings(Mount.STACK))
    assert len(found) == 1 and stack.sound
    bar, found = lifts(Motion(flat, 6.0, rotation(1)).samples(False))
    assert not found and not bar.sound
    assert bar.reading().validity == Validity.ABSTAINED


def test_a_load_that_is_lowered_alone_is_no_lift():
    down = [(1.5, 0.8, -0.5, 0.0)]
    assert not lifts(Motion(down, 4.0, rotation(2)).samples())[1]
    found = lifts(Motion(down, 4.0, rotation(2)).samples(), InertialSettings(upward=-1))[1]
    assert len(found) == 1
    assert found[0].range_m == pytest.approx(0.5, abs=0.02)


def test_handling_the_bar_is_no_lift():
    assert not lifts(Motion([(1.5, 0.3, 0.04, 0.3), (2.5, 0.3, -0.04, 0.2)], 5.0, rotation(2)).samples())[1]


def test_touch_and_go_is_told_at_every_turn():
    strokes = [
        s for k in range(5) for s in ((1.5 + 2.0 * k, 0.9, 0.5, 0.2), (2.5 + 2.0 * k, 1.0, -0.5, -0.2))
    ]
    _, found = lifts(Motion(strokes, 13.5, rotation(4)).samples())
    assert len(found) == 5
    told = [(lift.told_ns - 100e9) * 1e-9 for lift in found]
    assert told == sorted(told)
    assert told[0] < 4.5  # in the next repetition, not at the end of the set
    for lift in found:
        assert lift.peak_velocity_m_s == pytest.approx(PEAK_OF_MEAN * 0.5 / 0.9, abs=0.06)


def test_squats_begin_at_the_top():
    strokes = [s for k in range(4) for s in ((1.5 + 3 * k, 1.0, -0.5, 0.1), (2.5 + 3 * k, 0.9, 0.5, -0.1))]
    _, found = lifts(Motion(strokes, 15.0, rotation(6)).samples())
    assert len(found) == 4
    assert found[0].range_m == pytest.approx(0.5, abs=0.03)


def test_steady_lowering_is_no_rest():
    """0.35 m/s for most of a second, in a hand: accelerations as small as at a rest, but the velocity is known."""
    rng = np.random.default_rng(1)
    sensor, found, t, velocity, height = InertialSensor(), [], 0.0, 0.0, 0.0
    heights = []
    while t < 7.0:
        a = 0.0
        if 1.5 <= t < 2.3:
            a = float(0.5 / 0.64 * stroke((t - 1.5) / 0.8))
        elif 3.0 <= t < 3.2:
            a = -0.35 / 0.2
        elif 4.3 <= t < 4.5:
            a = 0.35 / 0.2
        velocity += a * 0.01
        height += velocity * 0.01
        held = rng.normal(0.0, 0.12, 3) if 1.5 < t < 4.5 else rng.normal(0.0, 0.02, 3)
        force = np.array([0.0, 0.0, GRAVITY + a]) + held
        found.extend(sensor.update(InertialSample(round(t * 1e9), tuple(force), (0.0, 0.0, 0.0))))
        heights.append((height, sensor.reading()))
        t += 0.01
    assert len(found) == 1
    assert found[0].peak_velocity_m_s == pytest.approx(PEAK_OF_MEAN * 0.5 / 0.8, abs=0.05)
    true, reading = heights[380]
    assert reading.speed_m_s == pytest.approx(-0.35, abs=0.1)
    assert reading.position_m == pytest.approx(true, abs=0.1)


def test_readings_follow_the_load():
    sensor, worst = InertialSensor(), 0.0
    assert sensor.reading() is None
    directions = set()
    for sample in Motion(DEADLIFT, 6.0, rotation(8)).samples():
        sensor.update(sample)
        reading = sensor.reading()
        if reading.valid:
            t = (sample.stamp_ns - 100e9) * 1e-9
            true = sum(m * np.clip((t - b) / s, 0, 1) ** 3 * (10 - 15 * np.clip((t - b) / s, 0, 1) + 6 * np.clip((t - b) / s, 0, 1) ** 2) for b, s, m, _ in DEADLIFT)  # fmt: skip
            worst = max(worst, abs(reading.position_m - true))
            directions.add(reading.direction)
    assert worst < 0.05
    assert directions == {Direction.OUT, Direction.BACK, Direction.STILL}


def test_before_the_first_rest_nothing_is_told():
    sensor = InertialSensor()
    for k in range(20):
        sensor.update(InertialSample(k * 10_000_000, (0.0, 0.0, 9.8 + (k % 3)), (0.5, 0.0, 0.0)))
    assert not sensor.ready
    assert sensor.reading().reason == Reason.NOT_CALIBRATED


def test_a_gap_in_mid_lift_loses_the_lift_and_no_more():
    strokes = [(1.5, 0.8, 0.5, 0.0), (3.0, 1.0, -0.5, 0.0), (5.5, 0.8, 0.5, 0.0), (7.0, 1.0, -0.5, 0.0)]
    samples = [s for s in Motion(strokes, 10.0, rotation(2)).samples() if not 101.7e9 < s.stamp_ns < 102.3e9]
    sensor, found = lifts(samples)
    assert sensor.lost == 1
    assert len(found) == 1
    assert found[0].start_ns > 105e9


def test_a_clock_that_begins_anew_is_followed():
    once = list(Motion(DEADLIFT, 6.0, rotation(2)).samples())
    again = [InertialSample(s.stamp_ns - 90_000_000_000, s.acceleration, s.rate) for s in once]
    _, found = lifts([*once, *again])
    assert len(found) == 2


def test_repeated_and_broken_samples_change_nothing():
    samples = list(Motion(DEADLIFT, 6.0, rotation(2)).samples())
    broken = []
    for index, sample in enumerate(samples):
        broken += [sample, sample] if index % 7 == 0 else [sample]
        if index % 11 == 0:
            broken.append(InertialSample(sample.stamp_ns + 1, (math.nan, 0.0, 0.0), sample.rate))
            broken.append(InertialSample(sample.stamp_ns + 2, (1e9, 0.0, 0.0), sample.rate))
    sensor, found = lifts(broken)
    assert found[0].peak_velocity_m_s == lifts(samples)[1][0].peak_velocity_m_s
    assert sensor.dropped == len(broken) - len(samples)


_numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-(10**9), 10**9), st.tuples(_numbers, _numbers, _numbers), st.tuples(_numbers, _numbers, _numbers)),
        max_size=60,
    )
)  # fmt: skip
def test_nothing_that_comes_breaks_it(rows):
    sensor, stamp = InertialSensor(), 0
    for step, force, rate in rows:
        stamp += step
        for lift in sensor.update(InertialSample(stamp, force, rate)):
            assert math.isfinite(lift.peak_velocity_m_s) and math.isfinite(lift.peak_velocity_std_m_s)
        reading = sensor.reading()
        assert reading is None or not reading.valid or math.isfinite(reading.speed_m_s)


def test_drift_between_rests_is_taken_out():
    t = np.linspace(0.0, 2.0, 201)
    true = 0.5 / 1.5**2 * stroke((t - 0.2) / 1.5)
    track = integrate(t, true + 0.04, end_std=0.01)
    assert abs(track.velocity[-1]) < 0.02
    assert track.residual_m_s == pytest.approx(0.08, abs=0.005)
    assert track.velocity.max() == pytest.approx(PEAK_OF_MEAN * 0.5 / 1.5, abs=0.01)
    assert track.velocity_std.max() < integrate(t, true, end_std=None).velocity_std.max()


def test_an_impact_does_not_spoil_the_lift_before_it():
    t = np.linspace(0.0, 3.0, 181)
    a = 0.5 / 0.8**2 * stroke(t / 0.8) - 0.5 / 1.0**2 * stroke((t - 1.5) / 1.0)
    struck = a.copy()
    struck[150:154] += [20.0, -15.0, 12.0, 2.0]
    track = integrate(t, struck, end_std=0.01)
    assert abs(track.residual_m_s) > 0.2
    assert track.velocity[:60].max() == pytest.approx(PEAK_OF_MEAN * 0.5 / 0.8, abs=0.02)


def test_up_is_turned_with_the_sensor():
    tracker = GravityTracker(1)
    tracker.still((0.0, 0.0, 9.8))
    for k in range(101):  # a quarter turn about x in a second: up in the sensor's frame goes from z to y
        turned = 0.5 * math.pi * k / 100
        force = (0.0, 9.8 * math.sin(turned), 9.8 * math.cos(turned))
        tracker.turn(InertialSample(k, force, (0.5 * math.pi, 0.0, 0.0)), 0.01 if k else 0.0, (0.0, 0.0, 0.0))
    assert angle(tracker.up, (0.0, 1.0, 0.0)) < 0.01


def test_a_rest_shows_gravity_and_the_offset():
    detector = RestDetector()
    rests = [detector.update(InertialSample(k * 10**7, (0.0, 0.1, 9.7), (0.02, 0.0, 0.0))) for k in range(60)]
    assert rests[5] is None
    assert rests[-1].acceleration == pytest.approx((0.0, 0.1, 9.7))
    assert rests[-1].rate == pytest.approx((0.02, 0.0, 0.0))
    assert rests[-1].since_ns == 0


def test_even_braking_is_no_rest():
    detector = RestDetector()
    for k in range(60):
        rest = detector.update(InertialSample(k * 10**7, (0.0, 0.0, 9.8), (0.0, 0.0, 0.0)))
    detector.trust(rest, 0.01)
    later = [
        detector.update(InertialSample((60 + k) * 10**7, (0.0, 0.0, 10.5), (0.0, 0.0, 0.0)))
        for k in range(60)
    ]
    assert all(rest is None for rest in later[10:])
