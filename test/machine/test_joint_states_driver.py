"""Joint states of a drive as samples of cables."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.errors import ConfigError
from kinecue.machine.drivers.joint_states import JointCable, JointStateDriver, joint_cables
from kinecue.machine.samples import CableSample, CableSide, EncoderSample

FINITE = st.floats(-1e3, 1e3)


def test_a_drum_of_5_cm_lets_out_5_cm_a_radian_and_its_torque_pulls_back():
    driver = JointStateDriver(joint_cables("none=drum:0.05"))
    # 10 rad out at 4 rad/s; the drive holds with 5 N m against it: 5 N m / 0.05 m = 100 N
    driver.take(["other", "drum"], [1.0, 10.0], [0.0, 4.0], [0.0, -5.0], 7)
    cable, encoder = driver.read(0)
    assert isinstance(cable, CableSample) and isinstance(encoder, EncoderSample)
    assert (encoder.position_m, encoder.speed_m_s) == (pytest.approx(0.5), pytest.approx(0.2))
    assert cable.tension_n == pytest.approx(100.0)
    assert cable.stamp_ns == encoder.stamp_ns == 7
    assert cable.side == encoder.side == CableSide.NONE


@given(position=FINITE, velocity=FINITE, effort=FINITE)
def test_a_drum_wound_the_other_way_gives_the_same_with_all_signs_turned(position, velocity, effort):
    plain = JointStateDriver([JointCable("a", CableSide.LEFT, 0.05)])
    turned = JointStateDriver([JointCable("a", CableSide.LEFT, -0.05)])
    plain.take(["a"], [position], [velocity], [effort], 1)
    turned.take(["a"], [-position], [-velocity], [-effort], 1)
    efforts = [[getattr(s, "raw", None) for s in d.read(0)] for d in (plain, turned)]
    assert efforts == [[effort, None], [-effort, None]]
    plain.take(["a"], [position], [velocity], [effort], 1)
    turned.take(["a"], [-position], [-velocity], [-effort], 1)
    assert repr(plain.read(0)).replace(f"raw={effort!r}", "") == repr(turned.read(0)).replace(
        f"raw={-effort!r}", ""
    )
    assert plain.counts == turned.counts


def test_two_cables_from_one_message_in_any_order():
    driver = JointStateDriver(joint_cables("left=l:0.1, right=r:-0.1:20"))
    driver.take(["r", "x", "l"], [1.0, 9.0, 2.0], [], [3.0, 9.0, -4.0], 5)
    samples = driver.read(0)
    ways = {s.side: s.position_m for s in samples if isinstance(s, EncoderSample)}
    pulls = {s.side: s.tension_n for s in samples if isinstance(s, CableSample)}
    assert ways == {CableSide.LEFT: pytest.approx(0.2), CableSide.RIGHT: pytest.approx(-0.1)}
    assert pulls == {CableSide.LEFT: pytest.approx(40.0), CableSide.RIGHT: pytest.approx(60.0)}


def test_what_is_missing_is_left_out():
    driver = JointStateDriver(joint_cables("none=a"))
    driver.take(["a"], [0.5], [], [], 1)
    (encoder,) = driver.read(0)
    assert math.isnan(encoder.speed_m_s)
    driver.take(["a"], [math.nan], [1.0], [-50.0], 2)
    (cable,) = driver.read(0)
    assert cable.tension_n == 50.0
    assert driver.counts.received == 2


def test_messages_that_do_not_fit_are_counted():
    driver = JointStateDriver(joint_cables("none=a"))
    driver.take(["a", "b"], [1.0], [], [], 1)
    assert "1 values of position for 2 joints" in driver.counts.last_bad
    driver.take(["b"], [1.0], [], [], 1)
    assert "none of a" in driver.counts.last_bad
    assert driver.counts.bad == 2
    assert driver.read(0) == []


def test_an_effort_of_the_wrong_sign_is_told_and_not_made_a_tension():
    driver = JointStateDriver(joint_cables("none=a:0.05"))
    driver.take(["a"], [0.1], [0.0], [0.5], 1)
    assert [s.tension_n for s in driver.read(0) if isinstance(s, CableSample)] == [0.0]
    driver.take(["a"], [0.1], [0.0], [5.0], 1)
    cable, _ = driver.read(0)
    # a calibration can still make something of the effort itself
    assert math.isnan(cable.tension_n) and cable.raw == 5.0
    assert "other sign" in driver.counts.last_bad


def test_nothing_is_lost_between_threads_and_a_reader_that_sleeps_loses_the_oldest():
    driver = JointStateDriver(joint_cables("none=a"))
    driver.open()
    got = []

    def talk():
        for i in range(1000):
            driver.take(["a"], [float(i)], [], [], i)

    talker = threading.Thread(target=talk)
    talker.start()
    while len(got) < 1000:
        got += driver.read(0)
    talker.join()
    assert [s.stamp_ns for s in got] == list(range(1000))
    for i in range(5000):
        driver.take(["a"], [0.0], [], [], i)
    assert driver.read(0)[-1].stamp_ns == 4999
    assert driver.counts.lost > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("drum", "side=joint"),
        ("middle=drum", "side=joint"),
        ("left=drum:0", "not 0"),
        ("left=drum:x", "not 0"),
        ("left=drum:nan", "not 0"),
        ("left=drum:1:2:3", "side=joint"),
        ("left=a, left=b", "once"),
        ("none=a, left=b", "once"),
    ],
)
def test_a_wrong_list_of_joints_says_what_is_allowed(text, words):
    with pytest.raises(ConfigError, match=words):
        joint_cables(text)
