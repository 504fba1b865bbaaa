"""Checks of a machine's samples: what is marked and told, what is put right, and what is left alone."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracks import SECOND, machine, swinging

from kinecue.body.measurement import Reason, Validity
from kinecue.machine import (
    FLAWS,
    CableFlag,
    CableMachineSimulator,
    CableSample,
    CableSide,
    Direction,
    EncoderSample,
    MachineModel,
    TrackMotion,
    named_flaws,
)
from kinecue.machine.calibration import MachineCalibration
from kinecue.machine.checks import KINDS, MachineChecks

NOW = "2026-03-01T10:00:00+01:00"
STEP = 10_000_000


def calibration(**changes) -> dict[CableSide, MachineCalibration]:
    made = MachineCalibration(
        "rack",
        CableSide.NONE,
        5000.0,
        0.0,
        10.0,
        0.5,
        1.0,
        0.0,
        0.01,
        0.1,
        1.0,
        0.0,
        encoder_at=NOW,
        force_at=NOW,
    )
    return {CableSide.NONE: replace(made, **changes)}


def kinds(checks: MachineChecks) -> set[str]:
    return {what for what, _ in checks.totals}


def run(checks: MachineChecks, samples: Iterable) -> tuple[list[CableSample], list[EncoderSample]]:
    cables, encoders = [], []
    for cable, encoder in samples:
        if cable is not None:
            cables.append(checks.cable(cable))
        if encoder is not None:
            encoders.append(checks.encoder(encoder))
    return cables, encoders


def swing(
    overrides: str = "", seconds: float = 20.0, rate: float = 100.0, seed: int = 1, amplitude: float = 0.2
):
    return machine(swinging(amplitude, seconds), overrides, seed).samples(rate, 0, seconds)


def positions(values: Iterable[float], cable_speed: bool = False, step: int = STEP, scale: float = 5000.0):
    """Samples of an encoder at these positions, and of a cable that moves with them if it has a speed."""
    before = None
    for number, value in enumerate(values):
        speed = math.nan if before is None else (value - before) / step * SECOND
        before = value
        cable = CableSample(number * step, 200.0 + 0.1 * (number % 7), speed if cable_speed else math.nan)
        count = math.nan if math.isnan(value) else value * scale
        yield cable, EncoderSample(number * step, value, speed, Direction.STILL, round(count), scale)


def wave(seconds: float, amplitude: float = 0.25, period: float = 2.0) -> np.ndarray:
    t = np.arange(round(seconds * 100)) / 100.0
    return amplitude * (1.0 - np.cos(2.0 * math.pi * t / period))


# -- nothing is wrong


@pytest.mark.parametrize("flaws", ["ideal", "typical", "cheap", "slow", "roll_over", "slipping_encoder"])
def test_sensors_in_order_are_left_alone(flaws: str) -> None:
    simulator = CableMachineSimulator(swinging(0.25, 12.0), MachineModel(), named_flaws(flaws), 3)
    checks = MachineChecks()
    cables, encoders = run(checks, simulator.samples(100.0, 0, 12.0))
    assert kinds(checks) == set()
    # a cheap clock stamps and delivers some out of order; those are left out, which is not told
    in_order = 0.96 if flaws == "cheap" else 0.999
    assert sum(encoder.valid for encoder in encoders) >= in_order * len(encoders)
    assert sum(cable.usable for cable in cables) >= in_order * len(cables)


@pytest.mark.parametrize("rate", [50.0, 1000.0])
def test_other_rates(rate: float) -> None:
    checks = MachineChecks()
    cables, encoders = run(
        checks, swing("force.noise_n=1, force.speed_noise_m_s=0.004", 4000.0 / rate / 2, rate)
    )
    assert checks.totals == {}
    assert all(sample.usable for sample in cables)
    assert all(sample.valid for sample in encoders)


def test_a_sample_that_needs_nothing_is_itself() -> None:
    checks = MachineChecks()
    for cable, encoder in swing(seconds=2.0):
        assert checks.cable(cable) is cable
        assert checks.encoder(encoder) is encoder


def test_no_reading_passes() -> None:
    nan = math.nan
    checks = MachineChecks(calibration())
    for number in range(300):
        cable = CableSample(number * STEP, nan)
        silent = EncoderSample(
            number * STEP,
            nan,
            nan,
            Direction.STILL,
            0,
            nan,
            CableSide.NONE,
            Validity.ABSTAINED,
            Reason.NO_SENSOR,
        )
        assert not checks.cable(cable).usable
        got = checks.encoder(silent)
        assert (got.valid, got.reason) == (False, Reason.NO_SENSOR)
    assert checks.findings() == ()


# -- calibration


def test_counts_become_metres_and_units_newtons() -> None:
    checks = MachineChecks(
        calibration(counts_per_metre=-4000.0, zero_count=100.0, newton_per_unit=0.5, offset_units=20.0)
    )
    encoder = EncoderSample(
        0,
        math.nan,
        math.nan,
        Direction.STILL,
        -1900,
        math.nan,
        validity=Validity.ABSTAINED,
        reason=Reason.NOT_CALIBRATED,
    )
    got = checks.encoder(encoder)
    assert (got.valid, got.position_m, got.counts_per_metre) == (True, 0.5, -4000.0)
    assert checks.cable(CableSample(0, math.nan, raw=220.0)).tension_n == 100.0
    assert checks.cable(CableSample(STEP, 220.0)).tension_n == 100.0
    # a bridge's noise goes below its zero, a cable does not push
    assert checks.cable(CableSample(2 * STEP, math.nan, raw=10.0)).tension_n == 0.0


def test_wrong_sign_and_scale_are_put_right_with_their_speeds() -> None:
    for overrides, scale in (("encoder.inverted=true", -5000.0), ("encoder.scale_error=0.25", 5000.0)):
        simulator = machine(swinging(0.25, 6.0), overrides)
        checks = MachineChecks(calibration(counts_per_metre=scale))
        for cable, encoder in simulator.samples(100.0, 0, 6.0):
            checks.cable(cable)
            got = checks.encoder(encoder)
            truth = simulator.truth(got.stamp_ns)
            assert got.valid
            assert got.position_m == pytest.approx(truth.wound_m, abs=0.001)
            assert got.speed_m_s == pytest.approx(truth.wound_speed_m_s, abs=0.08)
            if abs(got.speed_m_s) > 0.05:
                assert got.direction == math.copysign(1, got.speed_m_s)
        assert checks.findings() == ()


def test_a_driver_without_counts_is_calibrated_by_its_position() -> None:
    # a drum of 40 mm that reports radians
    checks = MachineChecks(calibration(counts_per_metre=25.0, zero_count=2.0))
    for number, way in enumerate(wave(3.0)):
        got = checks.encoder(
            EncoderSample(number * STEP, 2.0 + 25.0 * way, math.nan, Direction.STILL, 0, math.nan)
        )
        assert got.position_m == pytest.approx(way, abs=1e-9)


# -- encoder


def test_positions_that_jump_and_come_back_are_marked() -> None:
    values = wave(20.0)
    bad = set(range(100, 1900, 150))
    for number in bad:
        values[number] += 0.4
    checks = MachineChecks()
    _, encoders = run(checks, positions(values))
    assert {i for i, encoder in enumerate(encoders) if not encoder.valid} == bad
    assert all(encoders[i].reason is Reason.IMPLAUSIBLE for i in bad)
    assert kinds(checks) == {"jump"}


@pytest.mark.parametrize("cable_speed", [True, False])
def test_a_counter_that_restarts_carries_on(cable_speed: bool) -> None:
    values = wave(20.0)
    told = values.copy()
    at = 1040
    told[at:] -= told[at]
    samples = list(positions(values, cable_speed))
    checks = MachineChecks()
    got = []
    for (cable, encoder), own in zip(samples, told, strict=True):
        checks.cable(cable)
        speed = (own - got[-1][1]) / 0.01 if got else 0.0
        got.append(
            (checks.encoder(replace(encoder, position_m=own, count=round(5000 * own), speed_m_s=speed)), own)
        )
    valid = [i for i, (encoder, _) in enumerate(got) if encoder.valid]
    assert len(valid) >= len(got) - 4
    for i in valid:
        encoder = got[i][0]
        assert encoder.position_m == pytest.approx(values[i], abs=0.01)
        assert abs(encoder.speed_m_s) < 1.2
    assert kinds(checks) == {"counter_restarted"}
    (finding,) = checks.findings()
    assert "carry on" in finding.text


@pytest.mark.parametrize("bits", [16, 24, 32])
@pytest.mark.parametrize("signed", [True, False])
def test_a_counter_that_rolls_over_is_followed(bits: int, signed: bool) -> None:
    values, span = wave(8.0, 0.5), 1 << bits
    edge = span // 2 if signed else span
    checks = MachineChecks()
    for number, way in enumerate(values):
        count = edge - 1000 + round(5000 * way)
        rolled = count - span if count >= edge else count
        own = (rolled - (edge - 1000)) / 5000.0
        got = checks.encoder(EncoderSample(number * STEP, own, math.nan, Direction.STILL, rolled, 5000.0))
        assert got.valid
        assert got.position_m == pytest.approx(way, abs=2e-4)
    assert checks.findings() == ()


def test_a_counter_that_rolled_over_before_anybody_looked() -> None:
    checks = MachineChecks()
    for number, way in enumerate(0.3 + wave(4.0)):
        count = 32_000 + round(5000 * way) - 65_536
        own = (count - 32_000) / 5000.0
        got = checks.encoder(EncoderSample(number * STEP, own, math.nan, Direction.STILL, count, 5000.0))
        assert got.valid
        assert got.position_m == pytest.approx(way, abs=2e-4)
    assert checks.totals == {}


def test_an_encoder_that_stands_while_the_cable_goes_is_marked() -> None:
    values = wave(12.0)
    frozen = values.copy()
    frozen[520:640] = frozen[520]
    checks = MachineChecks()
    valid = []
    for (cable, encoder), own in zip(positions(values, True), frozen, strict=True):
        checks.cable(cable)
        valid.append(
            checks.encoder(replace(encoder, position_m=own, count=round(5000 * own), speed_m_s=math.nan))
        )
    marked = [i for i, encoder in enumerate(valid) if not encoder.valid]
    # a way of a few centimetres first; then until it goes again
    assert 520 < marked[0] < 560
    # also where the cable comes back to where the counter stopped
    assert marked == list(range(marked[0], 640))
    assert valid[-1].position_m == values[-1]
    assert kinds(checks) == {"frozen"}


def test_a_handle_at_rest_is_not_frozen() -> None:
    checks = MachineChecks()
    cables, encoders = run(
        checks, machine(swinging(0.0001, 10.0), "force.speed_noise_m_s=0.02").samples(100.0, 0, 10.0)
    )
    assert all(encoder.valid for encoder in encoders)
    assert all(cable.usable for cable in cables)
    assert checks.totals == {}


@pytest.mark.parametrize(
    ("overrides", "words"), [("encoder.inverted=true", "backwards"), ("encoder.scale_error=0.25", "80 %")]
)
def test_an_encoder_that_contradicts_the_cable_is_not_used(overrides: str, words: str) -> None:
    checks = MachineChecks()
    cables, encoders = run(checks, swing(overrides + ", force.speed_noise_m_s=0.01"))
    assert kinds(checks) == {"speed_contradicts"}
    assert words in checks.findings()[0].text
    # told within the first repetition
    assert all(encoder.reason is Reason.IMPLAUSIBLE for encoder in encoders[200:])
    assert all(math.isnan(cable.speed_m_s) for cable in cables[200:])
    # nothing speaks against the force
    assert all(cable.usable for cable in cables)


def test_a_calibrated_encoder_is_believed_over_the_cables_speed() -> None:
    checks = MachineChecks(calibration())
    values = wave(10.0)
    for number, (cable, encoder) in enumerate(positions(values, True)):
        got = checks.cable(replace(cable, speed_m_s=1.5 * cable.speed_m_s))
        assert checks.encoder(encoder).valid
        if number > 200:
            assert math.isnan(got.speed_m_s)
            assert got.usable
    assert kinds(checks) == {"speed_contradicts"}


def test_a_zero_that_has_moved_is_told() -> None:
    checks = MachineChecks(calibration(zero_count=1000.0))
    run(checks, positions(wave(6.0)))
    assert kinds(checks) == {"zero"}


# -- cable


def force(values: Iterable[float], **changes) -> Iterable[CableSample]:
    for number, value in enumerate(values):
        yield CableSample(number * STEP, value, **changes)


def test_single_spikes_are_marked_and_steps_are_not() -> None:
    rng = np.random.default_rng(2)
    values = 200.0 + rng.normal(0.0, 1.0, 3000)
    values[1500:] += 300.0
    bad = set(range(200, 2900, 90))
    for number in bad:
        values[number] += 250.0 if number % 2 else -180.0
    checks = MachineChecks()
    marked = {i for i, sample in enumerate(force(values)) if not checks.cable(sample).usable}
    assert bad <= marked
    # the first sample of a step waits for the next one
    assert marked - bad <= {1500}
    assert kinds(checks) == {"spikes"}


def test_saturation_fault_and_impossible_forces() -> None:
    checks = MachineChecks()
    run(checks, ((cable, None) for cable, _ in swing("force.range_n=250")))
    assert kinds(checks) == {"saturated"}
    checks = MachineChecks()
    assert not checks.cable(CableSample(0, 100.0, flags=CableFlag.FAULT)).usable
    assert not checks.cable(CableSample(STEP, 9000.0)).usable
    assert kinds(checks) == {"fault", "impossible"}


def test_a_load_cell_that_repeats_its_noise_is_frozen() -> None:
    rng = np.random.default_rng(4)
    values = 200.0 + rng.normal(0.0, 1.0, 1200)
    values[800:900] = values[800]
    checks = MachineChecks()
    marked = []
    for number, value in enumerate(values):
        cable = checks.cable(CableSample(number * STEP, value))
        checks.encoder(EncoderSample(number * STEP, 0.3, 0.0, Direction.STILL, 1500, 5000.0))
        if not cable.usable:
            marked.append(number)
            assert cable.flags & CableFlag.FROZEN
    assert marked == list(range(marked[0], 900))
    assert 810 <= marked[0] <= 820
    assert kinds(checks) == {"frozen"}


def test_a_load_cell_without_noise_repeats_itself_for_good_reason() -> None:
    checks = MachineChecks()
    for number in range(3000):
        assert checks.cable(CableSample(number * STEP, 200.0, 0.0)).usable
        checks.encoder(EncoderSample(number * STEP, 0.3, 0.0, Direction.STILL, 1500, 5000.0))
    assert checks.totals == {}


def test_noise_is_told_and_the_force_still_used() -> None:
    checks = MachineChecks()
    cables, _ = run(checks, swing("force.noise_n=12"))
    assert "noise" in kinds(checks)
    assert sum(cable.usable for cable in cables) > 0.99 * len(cables)


def test_a_pull_that_is_not_felt_and_a_slack_cable_that_pulls() -> None:
    checks = MachineChecks(calibration())
    usable = []
    for number, way in enumerate(np.minimum(wave(2.0, 0.5), 1.0)[:100]):
        checks.encoder(EncoderSample(number * STEP, way, math.nan, Direction.OUT, round(5000 * way), 5000.0))
        usable.append(checks.cable(CableSample(number * STEP, 2.0, load_n=300.0)).usable)
    assert kinds(checks) == {"impossible"}
    # the first 0.3 m may be slack
    assert usable[20]
    assert not usable[-1]
    checks = MachineChecks()
    for number in range(100):
        cable = checks.cable(CableSample(number * STEP, 150.0, flags=CableFlag.SLACK))
    assert not cable.usable


def test_a_load_cell_that_drifts_is_told_at_rest() -> None:
    rng = np.random.default_rng(3)
    # a hand that waits with the cable taut is not as steady as a zero that has moved
    for sway, told in ((0.0, {"zero"}), (8.0, set())):
        checks = MachineChecks(calibration())
        for number in range(900):
            checks.encoder(EncoderSample(number * STEP, 0.0, 0.0, Direction.STILL, 0, 5000.0))
            pull = 60.0 + sway * math.sin(0.01 * number) + rng.normal(0.0, 0.5)
            assert checks.cable(CableSample(number * STEP, pull)).usable
        assert kinds(checks) == told
    checks = MachineChecks(calibration())
    for number in range(200):
        checks.cable(CableSample(number * STEP, math.nan, raw=-50.0))
    assert kinds(checks) == {"zero"}


def test_a_speed_that_no_cable_has() -> None:
    checks = MachineChecks()
    got = checks.cable(CableSample(0, 100.0, 60.0))
    assert math.isnan(got.speed_m_s)
    assert got.usable


# -- stamps


def test_stamps_that_go_back_are_not_used_and_a_clock_that_was_set_back_is_followed() -> None:
    checks = MachineChecks()
    samples = list(positions(wave(4.0)))
    _, encoders = run(checks, samples[:200] + samples[100:104] + samples[200:])
    assert [encoder.reason for encoder in encoders[200:204]] == [Reason.STALE] * 4
    assert all(encoder.valid for encoder in encoders[204:])
    checks = MachineChecks()
    later = [(None, replace(e, stamp_ns=e.stamp_ns + 3600 * SECOND)) for _, e in samples]
    _, encoders = run(checks, later + [(None, e) for _, e in samples])
    assert sum(not encoder.valid for encoder in encoders) < 8
    assert kinds(checks) == {"stamps"}


def test_stamps_that_stand_still() -> None:
    checks = MachineChecks()
    for _ in range(50):
        got = checks.cable(CableSample(5, 100.0))
    assert not got.usable
    assert "stand still" in checks.findings()[0].text


def test_silence_and_losses_are_told() -> None:
    checks = MachineChecks()
    run(checks, (pair for i, pair in enumerate(positions(wave(30.0), True)) if i % 8))
    assert kinds(checks) == {"loss"}
    checks = MachineChecks()
    run(checks, (pair for i, pair in enumerate(positions(wave(8.0), True)) if not 300 < i < 340))
    assert kinds(checks) == {"gaps"}
    slow = MachineChecks()
    run(slow, positions(wave(30.0)[::4], step=4 * STEP))
    assert kinds(slow) == {"loss"}


def test_findings_go_away_and_a_reset_forgets() -> None:
    checks = MachineChecks()
    values = np.concatenate([wave(4.0), wave(20.0)])
    run(checks, (pair for i, pair in enumerate(positions(values, True)) if not 300 < i < 340))
    assert kinds(checks) == {"gaps"}
    assert checks.findings() == ()
    checks.encoder(EncoderSample(10 * SECOND, 0.0, 0.0, Direction.STILL, 0, 5000.0))
    checks.reset()
    # another clock, another place
    assert checks.encoder(EncoderSample(5, 2.0, 0.0, Direction.STILL, 10000, 5000.0)).valid


def test_cables_are_apart() -> None:
    checks = MachineChecks()
    for number, way in enumerate(wave(4.0)):
        for side, value in ((CableSide.LEFT, way), (CableSide.RIGHT, 1.0 - way)):
            sample = EncoderSample(number * STEP, value, math.nan, Direction.STILL, 0, 5000.0, side)
            assert checks.encoder(sample).valid
    assert checks.findings() == ()


# -- anything


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_whatever_comes_is_answered_and_nothing_is_made_up(data: st.DataObject) -> None:
    number = st.one_of(
        st.floats(-20.0, 20.0), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300, -1e300, 5e-324])
    )
    stamps = st.one_of(st.integers(0, 3 * SECOND), st.sampled_from([0, -(2**62), 2**62]))
    checks = MachineChecks(calibration() if data.draw(st.booleans()) else None)
    for _ in range(data.draw(st.integers(1, 60))):
        stamp, side = data.draw(stamps), data.draw(st.sampled_from(list(CableSide)))
        if data.draw(st.booleans()):
            tension = data.draw(number)
            cable = CableSample(
                stamp,
                abs(tension),
                data.draw(number),
                load_n=data.draw(number),
                side=side,
                flags=CableFlag(data.draw(st.integers(0, 127))),
                raw=data.draw(number),
            )
            got = checks.cable(cable)
            assert (got.stamp_ns, got.side) == (stamp, side)
            assert not got.tension_n < 0.0
            # what the machine says of itself stays
            assert cable.flags & got.flags == cable.flags
        else:
            validity = data.draw(st.sampled_from([Validity.ABSTAINED, Validity.VALID]))
            encoder = EncoderSample(
                stamp,
                data.draw(number),
                data.draw(number),
                Direction.STILL,
                data.draw(st.integers(-(2**63), 2**63 - 1)),
                data.draw(st.one_of(number.filter(bool), st.just(5000.0))),
                side,
                validity,
                Reason.NONE if validity else Reason.NOT_CALIBRATED,
            )
            told = checks.encoder(encoder)
            assert (told.stamp_ns, told.side) == (stamp, side)
            assert not told.valid or abs(told.position_m) <= 10.0
    for finding in checks.findings():
        assert finding.what in KINDS
        assert finding.count > 0
        assert finding.text


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e300, 15.0])
def test_an_absurd_value_leaves_nothing_behind(value: float) -> None:
    checks = MachineChecks()
    for number, (cable, encoder) in enumerate(positions(wave(3.0), True)):
        absurd = number % 50 == 30
        told = checks.encoder(replace(encoder, position_m=value, speed_m_s=value) if absurd else encoder)
        force = checks.cable(replace(cable, tension_n=abs(value) * 1e3, speed_m_s=value) if absurd else cable)
        assert told.valid != absurd
        assert force.usable != absurd
        assert absurd or told.position_m == encoder.position_m


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1000), flaws=st.sampled_from(sorted(FLAWS)))
def test_mirrored_motion_is_judged_alike(seed: int, flaws: str) -> None:
    """The same machine pulled at its other cable."""
    told = []
    for side in (CableSide.LEFT, CableSide.RIGHT):
        checks = MachineChecks()
        simulator = CableMachineSimulator(swinging(0.2, 3.0), MachineModel(), named_flaws(flaws), seed)
        valid = []
        for cable, encoder in simulator.samples(100.0, 0, 3.0):
            if cable is not None:
                valid.append(checks.cable(replace(cable, side=side)).usable)
            if encoder is not None:
                valid.append(checks.encoder(replace(encoder, side=side)).valid)
        told.append((valid, {what for what, _ in checks.totals}))
    assert told[0] == told[1]


def test_a_track_with_an_impact_loses_a_sample_at_most() -> None:
    """The stack meets its bumper: the force steps by more than a spike."""
    out = np.concatenate([np.full(60, 0.3), np.linspace(0.3, 0.0, 15), np.zeros(100)])
    handle = np.stack([np.zeros_like(out), np.zeros_like(out), 0.5 + out], 1)
    motion = TrackMotion(np.arange(len(out)) / 30.0, handle, np.array([0.0, 0.0, 0.1]))
    checks = MachineChecks()
    simulator = CableMachineSimulator(
        motion, MachineModel(load_n=400.0, clearance_m=-0.02), named_flaws("typical"), 1
    )
    cables, encoders = run(checks, simulator.samples(100.0, 0, 5.0))
    assert sum(not cable.usable for cable in cables) <= 4
    assert all(encoder.valid for encoder in encoders)
    assert checks.totals == {}
