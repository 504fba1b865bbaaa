"""Node `scoring` with a machine: fused repetitions, the machine's clock, and what disagrees in the diagnostics."""

from __future__ import annotations

import math

import pytest
from joint_athlete import Recorder, session, squat, stand
from node_bench import values
from test_scoring_node import Lifter, array_of

from kinecue.machine.samples import CableSample, CableSide, Direction, EncoderSample
from kinecue.nodes.base import LATCHED_QOS, stamp_to_ns
from kinecue.nodes.machine_conversions import cable_to_msg, clock_from_msg, clock_to_msg, encoder_to_msg
from kinecue.training.clock import ClockEstimate, ClockState
from kinecue_msgs import msg

START_NS = 5_000_000_000
FPS = 24.0
WAY_M = 0.6


@pytest.fixture(scope="module")
def people():
    made = Recorder(white=0.003, bias=0.005, std=0.01)
    parts = [stand(1.0), squat(), stand(0.6), squat(), stand(0.6), squat(), stand(1.2)]
    return list(session(parts, FPS, made, start_ns=START_NS))


def follow(lifter, people, encoder, cable) -> None:
    """Plays a set; the handle goes down with the lifter, at 100 Hz, by a clock that is a day ahead."""
    ahead = 86_400_000_000_000
    position, last = WAY_M, START_NS
    for body in people:
        form = lifter.one(array_of(body))
        aim = WAY_M * (1.0 - form.progress) if math.isfinite(form.progress) else position
        steps = 4
        for i in range(1, steps + 1):
            stamp = last + (body.stamp_ns - last) * i // steps
            at = position + (aim - position) * i / steps
            count = round(at * 5000)
            encoder(
                encoder_to_msg(
                    EncoderSample(stamp, count / 5000, math.nan, Direction.STILL, count, 5000.0),
                    stamp + ahead,
                )
            )
            cable(cable_to_msg(CableSample(stamp, 200.0, load_n=196.133), stamp + ahead, "cable_pulley"))
        position, last = aim, body.stamp_ns


def test_repetitions_have_form_and_velocity(bench, people):
    bench.started("scoring")
    lifter = Lifter(bench)
    clocks = bench.listen(msg.MachineClock, "machine/clock", LATCHED_QOS)
    encoder, cable = (
        bench.talk(msg.RepEncoder, "machine/encoder"),
        bench.talk(msg.CableLoad, "machine/cable"),
    )
    heard = bench.diagnostics()
    follow(lifter, people, encoder, cable)
    bench.wait(lambda: len(lifter.repetitions) == 3)
    assert [rep.number for rep in lifter.repetitions] == [1, 2, 3]
    assert {rep.source for rep in lifter.repetitions} == {"fused"}
    for rep in lifter.repetitions:
        assert rep.velocity.source == "encoder"
        assert rep.velocity.range == pytest.approx(WAY_M, rel=0.2)
        assert 0.0 < rep.velocity.mean < rep.velocity.peak
        assert rep.velocity.mean_force == pytest.approx(200.0, rel=0.05)
        assert math.isfinite(rep.d)
    bench.wait(lambda: lifter.sets[-1].counted == 3)
    assert lifter.sets[-1].load_kg == pytest.approx(20.0)
    bench.wait(lambda: clocks)
    told = values(heard.wait("scoring", b"\0", "scoring"))
    assert told["counted"] == "3"


def test_bad_samples_are_told_and_do_no_harm(bench, people):
    bench.started("scoring")
    lifter = Lifter(bench)
    encoder = bench.talk(msg.RepEncoder, "machine/encoder")
    cable = bench.talk(msg.CableLoad, "machine/cable")
    heard = bench.diagnostics()
    encoder(msg.RepEncoder(side=9))
    cable(msg.CableLoad(side=7))
    encoder(msg.RepEncoder(position=math.inf, validity=2))
    lifter.one(array_of(people[0]))
    heard.wait("scoring", b"\1", "side")
    assert lifter.one(array_of(people[1])).body_id == "a"


def test_a_clock_goes_through_its_message():
    clock = ClockEstimate(ClockState.KNOWN, 7_000_000_000, -3.25, 0.004, 2e-5, 1e-6, 0.98, 4, 1, 0.5)
    message = clock_to_msg(clock, 10_000_000_000)
    assert stamp_to_ns(message.header.stamp) == 10_000_000_000
    assert message.side == CableSide.NONE
    # camera 10 s is machine 13.25 s, 6.25 s after the estimate's own
    assert message.offset == pytest.approx(-3.25 + 2e-5 * 6.25)
    back = clock_from_msg(message)
    assert back.state is ClockState.KNOWN
    assert back.stamp_ns == pytest.approx(13_250_000_000, abs=1_000_000)
    unknown = ClockEstimate(ClockState.UNKNOWN, 0, math.nan, math.nan, 0.0, 0.0, math.nan, 0, 0, math.nan)
    assert math.isnan(clock_from_msg(clock_to_msg(unknown, 1)).offset_s)
