"""Replay of a recorded machine: the pace, the stamps and the values of the recording."""

from __future__ import annotations

import math
import time

import machine_recording as recording
import pytest

from kinecue.machine.drivers.base import DriverError, DriverLost
from kinecue.machine.drivers.replay import McapReplay
from kinecue.machine.samples import CableFlag, CableSample, CableSide, EncoderSample

MS = 1_000_000
THEN = 1_600_000_000 * 1000 * MS
NOW = 1_700_000_000 * 1000 * MS


def short(path, prefix="machine/"):
    """Half a second of both sensors at 100 Hz; stamps lie 30 ms before arrival."""
    messages = []
    for i in range(50):
        at = THEN + i * 10 * MS
        messages.append((f"{prefix}cable", at, recording.cable(at - 30 * MS, 100.0 + i)))
        messages.append((f"{prefix}encoder", at, recording.encoder(at - 30 * MS, 0.01 * i)))
    return recording.write(path, messages)


@pytest.fixture
def path(tmp_path):
    return short(tmp_path / "set.mcap")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Time that goes by when the driver waits, and a little between two calls."""

    class Clock:
        now = NOW

        def sleep(self, seconds):
            self.now += round(seconds * 1e9)

    made = Clock()
    monkeypatch.setattr("kinecue.machine.drivers.replay.time.sleep", made.sleep)
    return made


def play(driver, clock, seconds):
    """What comes in so many seconds, with the time at which the call that brought it returned."""
    got = []
    until = clock.now + round(seconds * 1e9)
    while clock.now < until:
        samples = driver.read(clock.now)
        got += [(clock.now, sample) for sample in samples]
        clock.now += MS // 2
    return got


def test_comes_at_the_recorded_pace_with_stamps_that_lie_as_they_did(path, clock):
    driver = McapReplay(path)
    driver.open()
    got = play(driver, clock, 0.6)
    assert len(got) == 100
    for at, sample in got:
        assert 0 <= at - (sample.stamp_ns + 30 * MS) <= 2 * MS
    ways = [s for _, s in got if isinstance(s, EncoderSample)]
    pulls = [s for _, s in got if isinstance(s, CableSample)]
    assert [s.position_m for s in ways] == [pytest.approx(0.01 * i) for i in range(50)]
    assert [s.tension_n for s in pulls] == [100.0 + i for i in range(50)]
    assert pulls[0].pulley_m == (1.0, 2.0, 3.0) and pulls[0].load_n == 200.0
    assert driver.counts.received == 100
    assert driver.ended


def test_stamps_may_stay_as_recorded(path, clock):
    driver = McapReplay(path, keep_stamps=True)
    driver.open()
    got = play(driver, clock, 0.6)
    assert got[0][1].stamp_ns == THEN - 30 * MS


def test_begins_again_at_the_end_if_it_is_asked_to(path, clock):
    driver = McapReplay(path, loop=True)
    driver.open()
    got = play(driver, clock, 1.8)
    assert len(got) > 250
    stamps = [s.stamp_ns for _, s in got if isinstance(s, EncoderSample)]
    assert stamps == sorted(set(stamps))
    assert not driver.ended


def test_silent_after_the_end_and_from_the_beginning_when_opened_again(path, clock):
    driver = McapReplay(path)
    driver.open()
    play(driver, clock, 0.7)
    assert play(driver, clock, 0.1) == []
    driver.close()
    with pytest.raises(DriverLost):
        driver.read(NOW)
    driver.open()
    assert len(play(driver, clock, 0.6)) == 100


def test_a_folder_of_several_files(tmp_path, clock):
    for part in range(2):
        at = THEN + part * 1000 * MS
        messages = [("/machine/encoder", at + i * MS, recording.encoder(at + i * MS, 0.1)) for i in range(3)]
        recording.write(tmp_path / f"bag_{part}.mcap", messages)
    driver = McapReplay(tmp_path)
    driver.open()
    assert len(play(driver, clock, 1.1)) == 6


def test_one_machine_of_several(tmp_path, clock):
    at = THEN
    messages = [
        ("/one/machine/encoder", at, recording.encoder(at, 0.1)),
        ("/two/machine/encoder", at, recording.encoder(at, 0.2)),
        ("/two/machine/cable", at, recording.cable(at, 50.0)),
        ("/two/machine/truth/encoder", at, recording.encoder(at, 0.3)),
    ]
    path = recording.write(tmp_path / "gym.mcap", messages)
    with pytest.raises(DriverError, match=r"several machines.*/one, /two"):
        McapReplay(path).open()
    with pytest.raises(DriverError, match=r"/three.*/one, /two"):
        McapReplay(path, "three").open()
    driver = McapReplay(path, "/two")
    driver.open()
    got = [sample for _, sample in play(driver, clock, 0.03)]
    assert {type(s) for s in got} == {EncoderSample, CableSample}
    assert [s.position_m for s in got if isinstance(s, EncoderSample)] == [0.2]


def test_values_that_no_machine_has_are_counted_and_left_out(tmp_path, clock):
    at = THEN
    messages = [
        ("machine/encoder", at, recording.encoder(at, 0.1, side=9)),
        ("machine/encoder", at + 1, recording.encoder(at, 0.1, direction=7)),
        ("machine/cable", at + 2, recording.cable(at, -5.0)),
        ("machine/cable", at + 3, recording.cable(at, math.nan, side=2, flags=2**31 + 17)),
    ]
    driver = McapReplay(recording.write(tmp_path / "odd.mcap", messages))
    driver.open()
    ((_, sample),) = play(driver, clock, 0.05)
    assert sample.side == CableSide.RIGHT and sample.flags == CableFlag.SLACK | CableFlag.SIMULATED
    assert driver.counts.bad == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (b"", "MCAP"), (b"no bag at all, but some text", "MCAP")],
)
def test_what_is_no_recording_says_so(tmp_path, content, words):
    path = tmp_path / "x.mcap"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DriverError, match=words):
        McapReplay(path).open()


def test_a_recording_without_a_machine_and_an_empty_folder_say_so(tmp_path):
    path = recording.write(tmp_path / "x.mcap", [("elsewhere", THEN, recording.encoder(THEN, 0.0))])
    with pytest.raises(DriverError, match="no topic machine/cable"):
        McapReplay(path).open()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DriverError, match=r"no \.mcap file"):
        McapReplay(tmp_path / "empty").open()


def test_a_file_that_was_cut_off_says_so(path):
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DriverError, match="cut off"):
        McapReplay(path).open()


def damage(path):
    """Zeros in the middle of the messages."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 40] = bytes(40)
    path.write_bytes(bytes(data))


def test_a_file_that_is_damaged_inside_says_so(path):
    damage(path)
    with pytest.raises(DriverError, match="cannot be decoded"):
        McapReplay(path).open()


def test_what_comes_before_the_damage_is_played(tmp_path, clock):
    short(tmp_path / "a.mcap")
    damage(short(tmp_path / "b.mcap"))
    driver = McapReplay(tmp_path)
    driver.open()
    assert len(play(driver, clock, 1.5)) == 100
    assert driver.counts.bad == 1
    assert driver.ended


def test_the_real_clock_is_waited_for(path, monkeypatch):
    monkeypatch.undo()
    driver = McapReplay(path)
    driver.open()
    got = []
    until = time.monotonic() + 15.0
    while len(got) < 40 and time.monotonic() < until:
        got += [(time.time_ns(), sample) for sample in driver.read(time.time_ns())]
    assert len(got) >= 40
    # nothing comes before its time
    assert all(sample.stamp_ns + 30 * MS <= arrived for arrived, sample in got)
