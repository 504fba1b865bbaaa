from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.measurement import Reason, Validity
from kinecue.machine import (
    CableFlag,
    CableMachineSimulator,
    CableSample,
    Direction,
    LiveMotion,
    MachineModel,
    TrackMotion,
)
from kinecue.machine.motion import CableState
from kinecue.machine.simulator import GRAVITY

SECOND = 1_000_000_000
IDEAL = MachineModel(
    load_n=300.0, friction_n=0.0, force_noise_n=0.0, force_resolution_n=0.0, speed_noise_m_s=0.0
)
PULLEY = np.array([0.0, 0.0, 0.1])


def track(out: np.ndarray, rate: float = 30.0) -> TrackMotion:
    """A handle straight above the pulley, `out` metres over its lowest place."""
    handle = PULLEY + np.stack([np.zeros_like(out), np.zeros_like(out), 0.5 + out], 1)
    return TrackMotion(np.arange(len(out)) / rate, handle, PULLEY)


def swinging(amplitude: float = 0.2, seconds: float = 4.0, rate: float = 30.0) -> TrackMotion:
    t = np.arange(round(seconds * rate)) / rate
    return track(amplitude * (1.0 - np.cos(math.pi * t)), rate)


def test_a_handle_that_stands_still_feels_the_load():
    simulator = CableMachineSimulator(track(np.full(30, 0.3)), IDEAL)
    for cable, encoder in simulator.samples(100.0, 0, 0.9):
        assert cable.tension_n == pytest.approx(300.0)
        assert cable.load_n == 300.0
        assert encoder.direction == Direction.STILL
        assert cable.flags == CableFlag.SIMULATED


def test_tension_is_load_plus_inertia():
    simulator = CableMachineSimulator(swinging(), IDEAL)
    for cable, _ in simulator.samples(200.0, SECOND, 2.0):
        t = cable.stamp_ns / SECOND
        acceleration = 0.2 * math.pi**2 * math.cos(math.pi * t)
        assert cable.tension_n == pytest.approx(300.0 * (1.0 + acceleration / GRAVITY), abs=1.0)
        assert cable.speed_m_s == pytest.approx(0.2 * math.pi * math.sin(math.pi * t), abs=0.002)


def test_friction_helps_on_the_way_back_and_costs_on_the_way_out():
    model = MachineModel(load_n=100.0, friction_n=8.0)
    assert model.tension(CableState(0.1, 0.5, 0.0)) == pytest.approx(108.0)
    assert model.tension(CableState(0.1, -0.5, 0.0)) == pytest.approx(92.0)
    assert model.tension(CableState(0.1, 0.0, 0.0)) == pytest.approx(100.0)


def test_eccentric_overload_is_there_on_the_way_back_only():
    model = MachineModel(load_n=100.0, friction_n=0.0, eccentric_overload=0.3, force_noise_n=0.0)
    assert model.tension(CableState(0.1, -0.5, 0.0)) == pytest.approx(130.0)
    assert model.tension(CableState(0.1, 0.5, 0.0)) == pytest.approx(100.0)
    flags = [c.flags for c, _ in CableMachineSimulator(swinging(), model).samples(50.0, 0, 2.0)]
    assert CableFlag.ECCENTRIC_OVERLOAD not in flags[10]
    assert CableFlag.ECCENTRIC_OVERLOAD in flags[75]


def test_a_stack_in_free_fall_leaves_the_cable_slack():
    t = np.arange(30) / 30.0
    simulator = CableMachineSimulator(track(8.0 - 8.0 * t**2), IDEAL)
    cable, _ = simulator.read(SECOND // 2)
    assert cable.tension_n == 0.0
    assert CableFlag.SLACK in cable.flags


def test_a_force_beyond_the_sensor_is_cut_and_flagged():
    model = MachineModel(load_n=500.0, friction_n=0.0, force_range_n=400.0)
    cable, _ = CableMachineSimulator(track(np.full(30, 0.3)), model).read(SECOND // 2)
    assert cable.tension_n == 400.0
    assert CableFlag.SATURATED in cable.flags


@pytest.mark.parametrize("rate", [50.0, 200.0, 1000.0])
@pytest.mark.parametrize("counts_per_metre", [5000.0, -800.0])
def test_encoder_integrates_to_the_cable_length(rate, counts_per_metre):
    model = MachineModel(counts_per_metre=counts_per_metre)
    motion = swinging()
    samples = list(CableMachineSimulator(motion, model).samples(rate, 0, 3.5))
    step = 1.0 / abs(counts_per_metre)
    for cable, encoder in samples:
        assert encoder.count == pytest.approx(encoder.position_m * counts_per_metre, abs=1e-6)
        assert encoder.position_m == pytest.approx(motion.at(cable.stamp_ns).out_m, abs=0.51 * step)
    travelled = sum(e.speed_m_s for _, e in samples) / rate
    assert travelled == pytest.approx(samples[-1][1].position_m, abs=0.02 + step)
    out = [e.direction for _, e in samples if 0.3 * SECOND < e.stamp_ns < 0.7 * SECOND]
    back = [e.direction for _, e in samples if 1.3 * SECOND < e.stamp_ns < 1.7 * SECOND]
    assert set(out) == {Direction.OUT}
    assert set(back) == {Direction.BACK}


def test_noise_is_as_large_as_it_says_and_the_same_for_the_same_seed():
    motion = track(np.full(90, 0.3))
    model = MachineModel(load_n=200.0, force_noise_n=2.0)

    def forces(seed: int) -> list[float]:
        return [c.tension_n for c, _ in CableMachineSimulator(motion, model, seed).samples(1000.0, 0, 2.5)]

    assert forces(3) == forces(3)
    assert forces(3) != forces(4)
    assert np.std(forces(3)) == pytest.approx(2.0, rel=0.1)
    assert np.mean(forces(3)) == pytest.approx(200.0, abs=0.2)


def test_before_and_after_the_track_the_handle_stands():
    motion = swinging()
    assert motion.at(-SECOND) == CableState(motion.at(0).out_m, 0.0, 0.0)
    assert motion.at(100 * SECOND).speed_m_s == 0.0
    shifted = TrackMotion(
        np.arange(3.0), np.array([[0, 0, 1.0], [0, 0, 1.5], [0, 0, 2.0]]), np.zeros(3), start_ns=5 * SECOND
    )
    assert shifted.at(6 * SECOND).out_m == pytest.approx(0.5)


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=12))
def test_the_spline_goes_through_its_points(values):
    out = np.array(values)
    motion = track(out, rate=10.0)
    for i, expected in enumerate(out - out.min()):
        assert motion.at(round(i * SECOND / 10)).out_m == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("times", "handle", "pulley"),
    [
        (np.arange(2.0), np.zeros((2, 3)), np.zeros(3)),
        (np.arange(4.0), np.zeros((3, 3)), np.zeros(3)),
        (np.array([0.0, 1.0, 1.0]), np.zeros((3, 3)), np.zeros(3)),
        (np.arange(3.0), np.full((3, 3), np.nan), np.zeros(3)),
    ],
)
def test_tracks_that_are_none_are_refused(times, handle, pulley):
    with pytest.raises(ValueError, match="TrackMotion"):
        TrackMotion(times, handle, pulley)


def test_track_from_a_truth_file(tmp_path):
    path = tmp_path / "clip.truth.json"
    frames = [{"time_s": i / 10, "handle_m": [2.0, 0.0, 0.5 + 0.1 * i]} for i in range(5)]
    path.write_text(json.dumps({"machine": {"pulley_m": [2.0, 0.0, 0.0]}, "frames": frames}))
    motion = TrackMotion.load(path)
    assert motion.pulley_m == (2.0, 0.0, 0.0)
    assert motion.duration_s == pytest.approx(0.4)
    assert motion.at(SECOND // 5).out_m == pytest.approx(0.2)


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"frames": [], "machine": {"pulley_m": [0, 0, 0]}}'])
def test_what_is_not_a_truth_file_is_named(tmp_path, text):
    path = tmp_path / "clip.truth.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=r"clip\.truth\.json"):
        TrackMotion.load(path)


def lead(simulator: CableMachineSimulator, seconds: float, rate: float = 30.0) -> int:
    stamp = 0
    for i in range(int(seconds * rate)):
        stamp = round(i * SECOND / rate)
        simulator.follow(0.5 - 0.5 * math.cos(math.pi * i / rate), stamp)
    return stamp


def test_a_live_machine_follows_the_person():
    simulator = CableMachineSimulator(LiveMotion(travel_m=0.6), IDEAL)
    stamp = lead(simulator, 1.5)
    _, encoder = simulator.read(stamp)
    assert encoder.valid
    assert encoder.position_m == pytest.approx(
        0.6 * (0.5 - 0.5 * math.cos(math.pi * stamp / SECOND)), abs=0.02
    )
    cable, _ = simulator.read(stamp + SECOND // 30)
    assert cable.speed_m_s == pytest.approx(-0.3 * math.pi, abs=0.15)


def test_a_squat_has_the_cable_out_at_the_start():
    simulator = CableMachineSimulator(LiveMotion(travel_m=-0.4), IDEAL)
    for i in range(10):
        simulator.follow(0.0, i * SECOND // 30)
    assert simulator.read(9 * SECOND // 30)[1].position_m == pytest.approx(0.4, abs=1e-3)


def test_without_news_a_live_machine_abstains():
    simulator = CableMachineSimulator(LiveMotion(), IDEAL)
    cable, encoder = simulator.read(0)
    assert math.isnan(cable.tension_n)
    assert not encoder.valid
    stamp = lead(simulator, 1.0)
    assert simulator.read(stamp)[1].valid
    _, encoder = simulator.read(stamp + SECOND)
    assert (encoder.validity, encoder.reason) == (Validity.ABSTAINED, Reason.STALE)
    assert math.isnan(encoder.position_m)


def test_old_and_missing_news_are_ignored():
    motion = LiveMotion()
    motion.follow(0.5, SECOND)
    before = motion.at(SECOND)
    motion.follow(math.nan, SECOND + 1)
    motion.follow(0.9, SECOND)
    motion.follow(0.9, SECOND - 5)
    assert motion.at(SECOND) == before


def test_a_machine_on_a_track_cannot_be_led():
    with pytest.raises(KineCueError, match="LiveMotion"):
        CableMachineSimulator(swinging()).follow(0.5, 0)


@pytest.mark.parametrize("rate", [0.0, 49.0, 1001.0, math.nan])
def test_rates_outside_the_range_are_refused(rate):
    with pytest.raises(KineCueError, match="50 to 1000"):
        list(CableMachineSimulator(swinging()).samples(rate, 0, 1.0))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("load_n", -1.0),
        ("load_n", math.nan),
        ("friction_n", -0.1),
        ("counts_per_metre", 0.0),
        ("force_range_n", 0.0),
    ],
)
def test_machines_that_cannot_be_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        MachineModel(**{field: value})


def test_values_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="push"):
        CableSample(0, -1.0)
    with pytest.raises(ValueError, match="travel_m"):
        LiveMotion(travel_m=0.0)
