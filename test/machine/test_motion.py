from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracks import BARE, SECOND, standing, swinging, track

from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.measurement import Reason, Validity
from kinecue.machine import (
    FLAWS,
    CableMachineSimulator,
    CableSample,
    CableSide,
    LiveMotion,
    TrackMotion,
    load_cables,
    load_track,
    machines_of,
)
from kinecue.machine.simulated.motion import CableState
from kinecue.machine.simulated.simulator import unused

# -- recorded


def test_before_and_after_the_track_the_handle_stands():
    motion = swinging()
    assert motion.at(-SECOND) == CableState(pytest.approx(0.0), 0.0, 0.0)
    assert motion.at(100 * SECOND).speed_m_s == 0.0
    shifted = TrackMotion(
        np.arange(3.0), np.array([[0, 0, 1.0], [0, 0, 1.5], [0, 0, 2.0]]), np.zeros(3), start_ns=5 * SECOND
    )
    assert shifted.at(6 * SECOND).out_m == pytest.approx(0.5)
    assert shifted.span_ns == (5 * SECOND, 7 * SECOND)


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=12))
def test_the_spline_goes_through_its_points(values):
    out = np.array(values)
    motion = track(out, rate=10.0)
    for i, expected in enumerate(out - out.min()):
        assert motion.at(round(i * SECOND / 10)).out_m == pytest.approx(expected, abs=1e-6)


@given(st.integers(-SECOND, 5 * SECOND))
def test_speed_and_acceleration_are_the_derivatives(stamp):
    motion = swinging(0.2, 4.0, 2.0)
    state, t = motion.at(stamp), stamp / SECOND
    moving = 0.2 < t < 3.8
    if moving or t < 0.0 or t > 4.0:
        assert state.speed_m_s == pytest.approx(moving * 0.2 * math.pi * math.sin(math.pi * t), abs=1e-3)
        assert state.acceleration_m_s2 == pytest.approx(
            moving * 0.2 * math.pi**2 * math.cos(math.pi * t), abs=0.02
        )


@pytest.mark.parametrize(
    ("times", "handle", "pulley"),
    [
        (np.arange(2.0), np.zeros((2, 3)), np.zeros(3)),
        (np.arange(1.0), np.zeros((1, 3)), np.zeros(3)),
        (np.arange(0.0), np.zeros((0, 3)), np.zeros(3)),
        (np.arange(4.0), np.zeros((3, 3)), np.zeros(3)),
        (np.array([0.0, 1.0, 1.0]), np.zeros((3, 3)), np.zeros(3)),
        (np.array([0.0, 2.0, 1.0]), np.zeros((3, 3)), np.zeros(3)),
        (np.arange(3.0), np.full((3, 3), np.nan), np.zeros(3)),
        (np.array([0.0, np.inf, np.nan]), np.zeros((3, 3)), np.zeros(3)),
        (np.arange(3.0), np.zeros((3, 3)), np.array([0.0, np.nan, 0.0])),
        (np.arange(3.0), np.full((3, 3), 1e200), np.zeros(3)),
        (np.arange(3.0) * 1e-9, np.zeros((3, 3)), np.zeros(3)),
    ],
)
def test_tracks_that_are_none_are_refused(times, handle, pulley):
    with pytest.raises(ValueError, match="TrackMotion"):
        TrackMotion(times, handle, pulley)


# -- truth files


def write(path, **document):
    path.write_text(json.dumps(document))
    return path


def frames(key: str, make):
    return [{"time_s": i / 10, key: make(0.1 * i)} for i in range(5)]


def test_one_cable_as_it_was_written_first(tmp_path):
    path = write(
        tmp_path / "clip.truth.json",
        machine={"pulley_m": [2.0, 0.0, 0.0]},
        frames=frames("handle_m", lambda x: [2.0, 0.0, 0.5 + x]),
    )
    motion = load_track(path)
    assert motion.pulley_m == (2.0, 0.0, 0.0)
    assert motion.duration_s == pytest.approx(0.4)
    assert motion.at(SECOND // 5).out_m == pytest.approx(0.2)
    assert [cable.side for cable in load_cables(path)] == [CableSide.NONE]


def test_two_cables_in_a_list(tmp_path):
    path = write(
        tmp_path / "clip.truth.json",
        machine={
            "cables": [
                {"side": "left", "pulley_m": [2.0, 0.5, 0.0]},
                {"side": "right", "pulley_m": [2.0, -0.5, 0.0]},
            ]
        },
        frames=frames("handles_m", lambda x: [[2.0, 0.5, 0.5 + x], [2.0, -0.5, 0.5 + 2.0 * x]]),
    )
    left, right = load_cables(path, 7 * SECOND)
    assert (left.side, right.side) == (CableSide.LEFT, CableSide.RIGHT)
    assert left.motion.at(7 * SECOND + SECOND // 5).out_m == pytest.approx(0.2)
    assert right.motion.at(7 * SECOND + SECOND // 5).out_m == pytest.approx(0.4)
    machines = machines_of((left, right), BARE, FLAWS["ideal"])
    reads = [m.read(7 * SECOND + SECOND // 5) for m in machines]
    assert [(c.side, e.side) for c, e in reads] == [
        (CableSide.LEFT, CableSide.LEFT),
        (CableSide.RIGHT, CableSide.RIGHT),
    ]
    assert reads[0][0].pulley_m == (2.0, 0.5, 0.0)


@pytest.mark.parametrize("name", ["left", "right", "both", "none"])
def test_cables_by_side(tmp_path, name):
    path = write(
        tmp_path / "clip.truth.json",
        machine={"pulleys_m": {name: [2.0, 0.0, 0.0]}},
        frames=frames("handles_m", lambda x: {name: [2.0, 0.0, 0.5 + x]}),
    )
    (cable,) = load_cables(path)
    expected = CableSide.NONE if name in ("both", "none") else CableSide[name.upper()]
    assert cable.side == expected
    assert cable.motion.at(SECOND // 5).out_m == pytest.approx(0.2)


@pytest.mark.parametrize("machine", [{}, None, {"cables": []}, {"cables": None}, {"pulleys_m": {}}])
def test_an_exercise_without_a_cable(tmp_path, machine):
    path = write(
        tmp_path / "clip.truth.json",
        format="kinecue_truth",
        machine=machine,
        frames=[{"time_s": i / 10, "handles_m": []} for i in range(5)],
    )
    assert load_cables(path) == ()
    assert machines_of(()) == ()
    with pytest.raises(ConfigError, match="uses no cable"):
        load_track(path)
    cable, encoder = unused(SECOND)
    assert math.isnan(cable.tension_n) and math.isnan(cable.load_n)
    assert (encoder.validity, encoder.reason) == (Validity.ABSTAINED, Reason.NO_SENSOR)
    assert not encoder.valid


ONE = {"cables": [{"side": "left", "pulley_m": [0, 0, 0]}]}


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({}, "frames"),
        ([], "not the truth"),
        ({"frames": []}, "machine"),
        ({"frames": [], "machine": {"pulley_m": [0, 0, 0]}}, "TrackMotion"),
        ({"frames": [{"time_s": 0}], "machine": {"pulley_m": [0, 0, 0]}}, "handle_m"),
        ({"frames": [{"time_s": 0}], "machine": ONE}, "handles_m"),
        ({"frames": [{"time_s": 0, "handles_m": []}], "machine": ONE}, "not the truth"),
        ({"frames": [{"time_s": 0, "handles_m": [[0, 0, 1]]}], "machine": ONE}, "left"),
        ({"frames": frames("handles_m", lambda x: [[0, 0, math.nan]]), "machine": ONE}, "finite"),
        ({"frames": frames("handles_m", lambda x: [[0, 0, "a"]]), "machine": ONE}, "left"),
        ({"frames": frames("handles_m", lambda x: [None]), "machine": ONE}, "left"),
        ({"frames": 3, "machine": ONE}, "not the truth"),
        ({"frames": [], "machine": 3}, "not the truth"),
        ({"frames": [], "machine": {"cables": [{"side": "up", "pulley_m": [0, 0, 0]}]}}, "none, left, right"),
        ({"frames": [], "machine": {"cables": [{"side": ["left"], "pulley_m": []}]}}, "clip"),
        ({"frames": [], "machine": {"cables": [{"pulley_m": [0, 0, 0]}]}}, "side"),
        (
            {
                "frames": frames("handles_m", lambda x: [[0, 0, 1], [0, 0, 1]]),
                "machine": {"cables": ONE["cables"] * 2},
            },
            "each once",
        ),
    ],
)
def test_what_is_not_a_truth_file_is_named(tmp_path, document, word):
    path = tmp_path / "clip.truth.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=rf"clip\.truth\.json.*{word}"):
        load_cables(path)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"{", b"[" * 100000])
def test_what_is_not_json_is_named(tmp_path, content):
    path = tmp_path / "clip.truth.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"clip\.truth\.json"):
        load_cables(path)


# -- led by a person


def lead(simulator: CableMachineSimulator, seconds: float, begin: int = 0, rate: float = 30.0) -> int:
    """Progress goes to 1 in a second and back in another."""
    stamp = begin
    for i in range(int(seconds * rate)):
        stamp = begin + round(i * SECOND / rate)
        simulator.follow(0.5 - 0.5 * math.cos(math.pi * i / rate), stamp)
        simulator.read(stamp)
    return stamp


def test_a_live_machine_follows_the_person():
    simulator = CableMachineSimulator(LiveMotion(travel_m=0.6), BARE)
    stamp = lead(simulator, 1.5)
    _, encoder = simulator.read(stamp)
    assert encoder.valid
    assert encoder.position_m == pytest.approx(
        0.6 * (0.5 - 0.5 * math.cos(math.pi * stamp / SECOND)), abs=0.02
    )
    cable, _ = simulator.read(stamp + SECOND // 30)
    assert cable.speed_m_s == pytest.approx(-0.3 * math.pi, abs=0.15)


def test_a_live_force_is_near_the_load_although_the_tracker_corrects_itself_in_jumps():
    simulator = CableMachineSimulator(LiveMotion(travel_m=0.6))
    found = []
    rng = np.random.default_rng(1)
    for i in range(300):
        stamp = round(i * SECOND / 100)
        if i % 3 == 0:
            noise = 0.005 * rng.standard_normal()
            simulator.follow(0.5 - 0.5 * math.cos(math.pi * i / 100) + noise, stamp)
        found.append(simulator.read(stamp)[0].tension_n)
    assert np.median(found) == pytest.approx(200.0, rel=0.15)
    assert max(found) < 400.0


def test_a_squat_has_the_cable_out_at_the_start():
    simulator = CableMachineSimulator(LiveMotion(travel_m=-0.4), BARE)
    for i in range(10):
        simulator.follow(0.0, i * SECOND // 30)
    assert simulator.read(9 * SECOND // 30)[1].position_m == pytest.approx(0.4, abs=1e-3)


def test_without_news_a_live_machine_abstains():
    simulator = CableMachineSimulator(LiveMotion(), BARE)
    cable, encoder = simulator.read(0)
    assert math.isnan(cable.tension_n)
    assert not encoder.valid
    assert simulator.truth(0) is None
    stamp = lead(simulator, 1.0)
    assert simulator.read(stamp)[1].valid
    cable, encoder = simulator.read(stamp + SECOND)
    assert (encoder.validity, encoder.reason) == (Validity.ABSTAINED, Reason.STALE)
    assert math.isnan(encoder.position_m)
    again = lead(simulator, 1.0, stamp + 5 * SECOND)
    assert simulator.read(again)[1].valid


def test_the_clock_drifts_on_while_nobody_leads():
    flaws = FLAWS["ideal"].override("clock.drift_ppm=10000")
    simulator = CableMachineSimulator(LiveMotion(), BARE, flaws)
    lead(simulator, 1.0, 5 * SECOND)
    assert simulator.read(10 * SECOND)[0].stamp_ns == 10 * SECOND
    end = lead(simulator, 1.0, 25 * SECOND)
    assert simulator.read(end)[0].stamp_ns - end == pytest.approx(0.01 * (end - 5 * SECOND), abs=2)


def test_sensors_that_were_not_read_for_long_are_still_right():
    simulator = CableMachineSimulator(LiveMotion(travel_m=0.6), BARE)
    for i in range(1600):
        simulator.follow(0.5 - 0.5 * math.cos(math.pi * i / 30), i * SECOND // 30)
        simulator.truth(i * SECOND // 30)
    stamp = 1599 * SECOND // 30
    for earlier in (0, SECOND // 2, 2 * SECOND):
        truth = simulator.truth(stamp - earlier)
        assert simulator.read(stamp - earlier)[1].position_m == pytest.approx(truth.wound_m, abs=0.001)


def test_old_and_missing_news_are_ignored():
    motion = LiveMotion()
    motion.follow(0.5, SECOND)
    before = motion.at(SECOND)
    for progress, stamp in ((math.nan, SECOND + 1), (math.inf, SECOND + 2), (0.9, SECOND), (0.9, SECOND - 5)):
        motion.follow(progress, stamp)
    assert motion.at(SECOND) == before


@pytest.mark.parametrize("ahead_s", [0.3, 10.0, 1e6])
def test_a_form_from_the_future_is_got_over(ahead_s):
    simulator = CableMachineSimulator(LiveMotion(travel_m=0.6), BARE)
    stamp = lead(simulator, 1.0, SECOND)
    simulator.follow(0.0, stamp + round(ahead_s * SECOND))
    end = lead(simulator, 1.5, stamp + SECOND // 30)
    assert simulator.read(end)[1].position_m == pytest.approx(
        0.3 - 0.3 * math.cos(math.pi * 44 / 30), abs=0.03
    )


@pytest.mark.parametrize("back_s", [0.4, 3.0, 1000.0])
def test_a_clock_that_was_set_back_is_got_over(back_s):
    simulator = CableMachineSimulator(LiveMotion(travel_m=0.6), BARE)
    stamp = lead(simulator, 1.0, 2000 * SECOND)
    end = lead(simulator, 1.5, stamp - round(back_s * SECOND))
    assert simulator.read(end)[1].position_m == pytest.approx(
        0.3 - 0.3 * math.cos(math.pi * 44 / 30), abs=0.03
    )
    assert simulator.truth(end).cable_m == pytest.approx(simulator.truth(end).wound_m, abs=0.005)


def test_late_single_forms_do_not_disturb():
    motion = LiveMotion(0.6)
    for i in range(60):
        stamp = 100 * SECOND + i * SECOND // 30
        motion.follow(0.5, stamp)
        motion.follow(1.0, stamp - SECOND // 4)
        assert motion.at(stamp).out_m == pytest.approx(0.3, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(), st.floats(0.0, 1.0)),
            st.integers(-3 * SECOND, 10 * SECOND),
            st.integers(-3 * SECOND, 10 * SECOND),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_whatever_is_heard_a_live_machine_goes_on(events):
    simulator = CableMachineSimulator(LiveMotion(), flaws=FLAWS["broken_encoder"])
    for progress, heard, asked in events:
        simulator.follow(progress, heard)
        cable, _ = simulator.read(asked)
        assert cable is None or cable.tension_n >= 0.0 or math.isnan(cable.tension_n)
    for i in range(30):
        simulator.follow(0.5, 20 * SECOND + i * SECOND // 30)
        simulator.read(20 * SECOND + i * SECOND // 30)
    assert simulator.truth(21 * SECOND - SECOND // 30).cable_m == pytest.approx(0.25, abs=0.01)


def test_a_machine_on_a_track_cannot_be_led():
    with pytest.raises(KineCueError, match="LiveMotion"):
        CableMachineSimulator(standing()).follow(0.5, 0)


def test_values_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="push"):
        CableSample(0, -1.0)
    with pytest.raises(ValueError, match="travel_m"):
        LiveMotion(travel_m=0.0)
    with pytest.raises(ValueError, match="first update"):
        LiveMotion().course(0, 1, 1)
