"""The simulated machine behind the driver's interface."""

from __future__ import annotations

import itertools
import math
import threading
import time

import numpy as np
import pytest

from kinecue.machine.drivers.simulated import SimulatedDriver, SimulatedSettings
from kinecue.machine.samples import CableSample, CableSide, EncoderSample
from kinecue.machine.simulated.flaws import FLAWS
from kinecue.machine.simulated.model import MACHINES
from kinecue.machine.simulated.motion import TrackMotion
from kinecue.machine.simulated.truth_file import CableTrack

MS = 1_000_000
NOW = 1_700_000_000 * 1000 * MS
IDEAL = SimulatedSettings(MACHINES["stack"], FLAWS["ideal"], rate_hz=100.0)
BOTH = (CableSide.LEFT, CableSide.RIGHT)


@pytest.fixture
def clock(monkeypatch):
    """Time that goes by only when the driver waits."""

    class Clock:
        now = NOW

        def sleep(self, seconds):
            self.now += round(seconds * 1e9)

    made = Clock()
    monkeypatch.setattr("kinecue.machine.drivers.simulated.time.sleep", made.sleep)
    monkeypatch.setattr("kinecue.machine.drivers.simulated.time.monotonic_ns", lambda: made.now)
    return made


def track(duration_s=2.0):
    times = np.arange(0.0, duration_s, 1 / 30)
    out = 0.25 - 0.25 * np.cos(math.pi * times)
    handle = np.stack([1.0 + out, np.zeros_like(out), np.ones_like(out)], axis=1)
    return CableTrack(CableSide.NONE, TrackMotion(times, handle, np.array([0.0, 0.0, 1.0])))


def test_one_sample_of_each_sensor_at_the_rate(clock):
    driver = SimulatedDriver(IDEAL, sides=BOTH)
    driver.open()
    got = []
    for _ in range(60):
        driver.follow(0.5, clock.now)
        got += driver.read(clock.now)
    for side in BOTH:
        for kind in (CableSample, EncoderSample):
            stamps = [s.stamp_ns for s in got if isinstance(s, kind) and s.side == side]
            assert len(stamps) == 60
            assert {b - a for a, b in itertools.pairwise(stamps)} == {10 * MS}


def test_a_reader_that_was_late_gets_what_it_missed_and_the_beat_goes_on(clock):
    driver = SimulatedDriver(IDEAL, sides=(CableSide.NONE,))
    driver.open()
    driver.follow(0.5, clock.now)
    driver.read(clock.now)
    clock.now += 47 * MS
    assert len(driver.read(clock.now)) == 2 * 4
    assert len(driver.read(clock.now)) == 2
    assert (clock.now - NOW) % (10 * MS) == 0


def test_a_clock_that_is_set_back_does_not_stop_it(clock):
    driver = SimulatedDriver(IDEAL, sides=(CableSide.NONE,))
    driver.open()
    for _ in range(5):
        driver.read(clock.now)
    clock.now -= 3600 * 1000 * MS
    got = [sample for _ in range(10) for sample in driver.read(clock.now)]
    assert len(got) >= 16
    assert all(abs(s.stamp_ns - clock.now) < 1000 * MS for s in got)


def test_recorded_tracks_wait_for_their_beginning(clock):
    driver = SimulatedDriver(IDEAL, tracks=[track()])
    driver.open()
    assert driver.read(clock.now) == []
    assert driver.truth(clock.now) == []
    begin = clock.now
    driver.begin(begin)
    driver.begin(begin + 500 * MS)
    got = [sample for _ in range(100) for sample in driver.read(clock.now)]
    for sample in got:
        if isinstance(sample, EncoderSample):
            expected = 0.25 - 0.25 * math.cos(math.pi * (sample.stamp_ns - begin) * 1e-9)
            assert sample.position_m == pytest.approx(expected, abs=0.005)
    ((cable, encoder),) = driver.truth(begin + 1000 * MS)
    assert encoder.position_m == pytest.approx(0.5, abs=0.005)
    assert cable.stamp_ns == encoder.stamp_ns == begin + 1000 * MS


def test_the_gym_gives_its_tracks_later_and_anew(clock):
    driver = SimulatedDriver(IDEAL)
    driver.open()
    assert driver.cables is None
    assert driver.read(clock.now) == []
    driver.perform([track()], clock.now)
    assert driver.cables == 1
    assert sum(len(driver.read(clock.now)) for _ in range(3)) == 6
    driver.perform([], clock.now)
    assert driver.cables == 0
    way = next(s for s in driver.read(clock.now) if isinstance(s, EncoderSample))
    assert not way.valid


def test_led_and_read_from_two_threads():
    driver = SimulatedDriver(SimulatedSettings(MACHINES["motor"], FLAWS["cheap"], 500.0), sides=BOTH)
    driver.open()
    failed = []
    stop = threading.Event()

    def lead():
        try:
            while not stop.is_set():
                driver.follow(0.5 + 0.4 * math.sin(time.monotonic()), time.time_ns())
                driver.truth(time.time_ns())
        except Exception as error:
            failed.append(error)

    leader = threading.Thread(target=lead)
    leader.start()
    got = [sample for _ in range(100) for sample in driver.read(time.time_ns())]
    stop.set()
    leader.join()
    assert not failed
    assert len(got) > 100


def test_the_same_seed_gives_the_same_samples(clock):
    def made():
        clock.now = NOW
        settings = SimulatedSettings(MACHINES["stack"], FLAWS["typical"], 100.0, seed=5)
        driver = SimulatedDriver(settings, tracks=tracks_of())
        driver.open()
        driver.begin(NOW)
        return [sample for _ in range(50) for sample in driver.read(clock.now)]

    assert repr(made()) == repr(made())


def tracks_of():
    return [track()]
