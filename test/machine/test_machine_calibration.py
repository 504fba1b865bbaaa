"""Calibration of a machine: what is measured, what is refused, and the file."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from calibrating import GRAVITY, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.errors import ConfigError
from kinecue.machine import CableSide
from kinecue.machine.calibration import (
    CalibrationError,
    MachineCalibration,
    list_calibrations,
    load_calibration,
    save_calibration,
)
from kinecue.machine.calibration_guide import CalibrationGuide, Kind
from kinecue.machine.still import read_still, unrolled

NOW = "2026-03-01T10:00:00+01:00"


def calibrated(
    bench: Bench, length: float | None = 1.0, weights: tuple[float, ...] = (10.0,)
) -> MachineCalibration:
    guide = CalibrationGuide("rack", bench.side, length, weights)
    bench.follow(guide, length or 0.0)
    return guide.calibration(NOW)


@pytest.mark.parametrize("scale", [5000.0, -5000.0, 500.0, 2.0e5])
@pytest.mark.parametrize("newton", [0.002, -0.0005])
def test_scales_zeros_and_signs_are_found(scale: float, newton: float) -> None:
    got = calibrated(Bench(counts_per_metre=scale, newton_per_unit=newton, side=CableSide.LEFT))
    assert got.counts_per_metre == pytest.approx(scale, abs=4.0 * got.counts_per_metre_std)
    assert got.zero_count == pytest.approx(137.0, abs=1.0)
    assert got.newton_per_unit == pytest.approx(newton, abs=4.0 * got.newton_per_unit_std)
    assert got.offset_units == pytest.approx(84_213.0, abs=4.0 * got.offset_std + 1.0)
    assert got.position(137.0 + 0.4 * scale) == pytest.approx(0.4, rel=0.01)
    assert got.force(84_213.0 + 150.0 / newton) == pytest.approx(150.0, rel=0.04)
    # a tape measure and a plate are no better than that
    assert 0.002 < got.counts_per_metre_std / abs(scale) < 0.01
    assert 0.01 < got.newton_per_unit_std / abs(newton) < 0.03


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(300.0, 1e5).flatmap(lambda s: st.sampled_from((s, -s))),
    zero=st.integers(-(10**6), 10**6),
    length=st.floats(0.4, 2.0),
    seed=st.integers(0, 1000),
)
def test_what_is_found_lies_within_its_interval(scale: float, zero: int, length: float, seed: int) -> None:
    got = calibrated(Bench(counts_per_metre=scale, zero=zero, seed=seed), length, ())
    assert got.counts_per_metre == pytest.approx(scale, abs=4.0 * got.counts_per_metre_std)
    assert math.copysign(1.0, got.counts_per_metre) == math.copysign(1.0, scale)
    assert not got.has_force


def test_a_counter_that_rolls_over_while_the_handle_goes_out() -> None:
    got = calibrated(Bench(zero=31_000.0, bits=16), 1.0, ())
    assert got.counts_per_metre == pytest.approx(5000.0, rel=0.01)
    assert got.zero_count == pytest.approx(31_000.0, abs=1.0)
    assert unrolled(32_767.0, -32_768.0) == 1.0
    assert unrolled(0.0, 2.0**24 - 2.0) == -2.0
    assert unrolled(10.0, 500.0) == 490.0


def test_notes_tell_what_the_driver_believes_wrongly() -> None:
    guide = CalibrationGuide("rack", length_m=1.0)
    Bench(counts_per_metre=-5000.0, believed=6250.0).follow(guide)
    assert len(guide.notes) == 2
    assert "sign" in guide.notes[0]
    assert "6250" in guide.notes[1]


def test_two_weights_find_a_zero_that_is_cut_off() -> None:
    bench = Bench(newton_per_unit=1.1, offset=-20.0, raw=False, noise_n=0.5)
    got = calibrated(bench, None, (10.0, 30.0))
    assert got.offset_units == pytest.approx(-20.0, abs=4.0 * got.offset_std)
    guide = CalibrationGuide("rack", weights_kg=(10.0,))
    Bench(newton_per_unit=1.1, offset=-20.0, raw=False, noise_n=0.5).follow(guide)
    assert any("two weights" in note for note in guide.notes)


def refused(bench: Bench, length: float | None, weights: tuple[float, ...] = ()) -> tuple[str, Kind]:
    guide = CalibrationGuide("rack", bench.side, length, weights)
    with pytest.raises(CalibrationError) as caught:
        bench.follow(guide, length or 0.0)
    step = guide.step
    assert step is not None
    with pytest.raises(CalibrationError, match="still to be done"):
        guide.calibration(NOW)
    return str(caught.value), step.kind


def test_a_handle_that_moves_at_rest() -> None:
    def pulled(bench: Bench, step, number: int) -> None:
        bench.drift_m_s = 0.05 if step.kind is Kind.REST else 0.0

    text, kind = refused(Bench(before=pulled), 1.0)
    assert kind is Kind.REST
    assert "moved" in text


def test_an_arm_that_sinks() -> None:
    def sinking(bench: Bench, step, number: int) -> None:
        bench.drift_m_s = -0.03 if step.kind is Kind.OUT else 0.0

    text, kind = refused(Bench(before=sinking), 1.0)
    assert kind is Kind.OUT
    assert "moved" in text


def test_pulls_of_different_length() -> None:
    def shorter(bench: Bench, step, number: int) -> None:
        if number == 3:
            bench.out_m = 0.9

    text, kind = refused(Bench(before=shorter), 1.0)
    assert kind is Kind.OUT
    assert "the first one" in text


def test_a_handle_that_was_not_pulled_out() -> None:
    def lazy(bench: Bench, step, number: int) -> None:
        bench.out_m = 0.0

    text, _ = refused(Bench(before=lazy), 1.0)
    assert "was the handle pulled out" in text


def test_an_encoder_that_slips() -> None:
    def slips(bench: Bench, step, number: int) -> None:
        if step.kind is Kind.BACK:
            bench.zero += 120.0

    text, kind = refused(Bench(before=slips), 1.0)
    assert kind is Kind.BACK
    assert "slips" in text


def test_a_weight_that_is_not_there_swings_or_is_another() -> None:
    def nothing(bench: Bench, step, number: int) -> None:
        bench.load_n = 0.0

    assert "does not feel" in refused(Bench(before=nothing), None, (10.0,))[0]

    def swings(bench: Bench, step, number: int) -> None:
        bench.drift_n_s = 5.0 if step.kind is Kind.WEIGHT else 0.0

    assert "moved" in refused(Bench(before=swings), None, (10.0,))[0]

    def another(bench: Bench, step, number: int) -> None:
        if step.weight_kg == 20.0:
            bench.load_n = 15.0 * GRAVITY

    assert "one line" in refused(Bench(before=another), None, (10.0, 20.0))[0]


def test_a_refused_step_can_be_done_again() -> None:
    def first_time(bench: Bench, step, number: int) -> None:
        bench.drift_m_s = 0.05 if number == 0 else 0.0

    bench, guide = Bench(before=first_time), CalibrationGuide("rack", length_m=1.0)
    with pytest.raises(CalibrationError):
        bench.follow(guide)
    bench.before = lambda bench, step, number: setattr(bench, "drift_m_s", 0.0)
    bench.follow(guide)
    assert guide.calibration(NOW).counts_per_metre == pytest.approx(5000.0, rel=0.02)


def test_silence_noise_and_the_other_cable() -> None:
    guide = CalibrationGuide("rack", CableSide.LEFT, 1.0, (10.0,))
    guide.begin()
    for sample in Bench(side=CableSide.RIGHT).samples(3.0):
        guide.take(sample)
    with pytest.raises(CalibrationError, match="right cable"):
        guide.finish()
    with pytest.raises(CalibrationError, match="readings in"):
        read_still("x", [0, 10], [1.0, 1.0], 1.0)
    stamps = [i * 10_000_000 for i in range(200)]
    with pytest.raises(CalibrationError, match="far from the others"):
        read_still("x", stamps, [50.0 if i % 10 == 0 else float(i % 2) for i in range(200)], 1.0)
    with pytest.raises(CalibrationError, match="readings in"):
        read_still("x", stamps, [math.nan] * 200, 1.0)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "nothing is to be"),
        ({"length_m": 0.05}, "length"),
        ({"length_m": math.nan}, "length"),
        ({"weights_kg": (0.0,)}, "weight"),
        ({"weights_kg": (math.nan,)}, "weight"),
        ({"length_m": 1.0, "pulls": 0}, "pulls"),
    ],
)
def test_what_cannot_be_asked_for(arguments: dict, match: str) -> None:
    with pytest.raises(CalibrationError, match=match):
        CalibrationGuide("rack", **arguments)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "x" * 41, "a.b"])
def test_names_that_are_no_file(name: str) -> None:
    with pytest.raises(CalibrationError, match="allowed"):
        CalibrationGuide(name, length_m=1.0)
    with pytest.raises(CalibrationError, match="allowed"):
        load_calibration(name)


FULL = MachineCalibration(
    "rack",
    CableSide.LEFT,
    -4987.25,
    137.0,
    12.5,
    0.4,
    0.00213,
    84213.5,
    2e-5,
    3.0,
    400.0,
    84300.0,
    (0.1, -0.4, 2.0),
    NOW,
    "2026-03-02T10:00:00+01:00",
)


def test_the_file_keeps_each_cable(tmp_path: Path) -> None:
    assert load_calibration("rack", tmp_path) == {}
    save_calibration([FULL], tmp_path)
    right = MachineCalibration("rack", CableSide.RIGHT, 5000.0, 0.0, encoder_at=NOW)
    path = save_calibration([right], tmp_path)
    got = load_calibration("rack", tmp_path)
    assert got[CableSide.LEFT] == FULL
    assert got[CableSide.RIGHT].counts_per_metre == 5000.0
    assert got[CableSide.RIGHT].has_encoder
    assert not got[CableSide.RIGHT].has_force
    assert FULL.calibrated_at == "2026-03-02T10:00:00+01:00"
    assert list_calibrations(tmp_path) == ["rack"]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    # a date without quotes is a date to YAML
    path.write_text(path.read_text().replace(f"'{NOW}'", NOW))
    assert load_calibration("rack", tmp_path)[CableSide.LEFT].encoder_at == NOW


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("kinecue_machine: 1", "kinecue_machine: 2", "newer KineCue"),
        ("kinecue_machine: 1", "kinecue_machine: yes", "allowed: 1"),
        ("machine: rack", "machine: other", "as the file's name"),
        ("counts_per_metre: -4987.25", "counts_per_metre: 0", "not 0"),
        ("counts_per_metre: -4987.25", "counts_per_metre: .nan", "date together"),
        ("counts_per_metre: -4987.25", "counts_per_meter: 3", "is not known"),
        ("counts_per_metre: -4987.25", "counts_per_metre: many", "allowed"),
        ("  left:", "  both:", "only, left, right"),
        ("pulley_m:\n    - 0.1", "pulley_m:\n    - x", "three numbers"),
        ("calibrated_at: '2026-03-01T10:00:00+01:00'", "calibrated_at: yesterday", "ISO 8601"),
        ("cables:", "cables: 3\nmore:", "is not known"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(tmp_path: Path, old: str, new: str, match: str) -> None:
    path = save_calibration([FULL], tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=match) as caught:
        load_calibration("rack", tmp_path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[", b"\xff\xfe", b"3", b"a: &a [*a]"])
def test_what_is_no_calibration(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rack.yaml").write_bytes(content)
    with pytest.raises(ConfigError):
        load_calibration("rack", tmp_path)


def test_nothing_is_written_over_what_cannot_be_read_or_where_nothing_can_be(tmp_path: Path) -> None:
    path = tmp_path / "rack.yaml"
    path.write_text("kinecue_machine: 9\n")
    with pytest.raises(ConfigError):
        save_calibration([FULL], tmp_path)
    assert path.read_text() == "kinecue_machine: 9\n"
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises((CalibrationError, ConfigError)):
        save_calibration([FULL], blocked)
    with pytest.raises(CalibrationError, match="of one machine"):
        save_calibration([FULL, replace(FULL, machine="other", side=CableSide.RIGHT)], tmp_path)
