"""Sets on simulated cable machines, with either sensor failing on the way: every repetition counts once."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from cable_sets import (
    CABLES,
    NS,
    START_NS,
    CableSet,
    Encoder,
    Frame,
    Heard,
    body_at,
    cable_set,
    machines,
    play,
)

from kinecue.body import Reason
from kinecue.body.measurement import Validity
from kinecue.exercise import RepetitionStatus, Scorer, Side, find_exercise
from kinecue.machine import CableSide, EncoderSample
from kinecue.simulation.movement.set_plan import PlantedFault
from kinecue.training.disagreement import Disagreement
from kinecue.training.fusion import RepetitionFusion

COUNT = 5


def exact(heard: Heard, count: int = COUNT) -> None:
    """Every repetition once, numbered in order, and the same in the summary."""
    found = [
        (r.status.name, r.source, (r.start_ns - START_NS) / NS, (r.end_ns - START_NS) / NS)
        for r in heard.repetitions
    ]
    assert [r.number for r in heard.valid] == list(range(1, count + 1)), found
    assert heard.summary is not None
    assert heard.summary.counted == count
    assert heard.forms[-1].counted <= count


def kinds(heard: Heard) -> set[Disagreement]:
    return {notice.kind for notice in heard.notices}


@cache
def fused(exercise: str) -> Heard:
    return play(cable_set(exercise))


@cache
def camera_only(exercise: str) -> Heard:
    return play(cable_set(exercise), with_machine=False)


# -- failures


def lost(begin: float, end: float) -> Encoder:
    return lambda sample, t: None if begin <= t < end else sample


def invalid(begin: float, end: float) -> Encoder:
    def spoil(sample: EncoderSample, t: float) -> EncoderSample:
        if not begin <= t < end:
            return sample
        return replace(
            sample,
            position_m=math.nan,
            speed_m_s=math.nan,
            validity=Validity.ABSTAINED,
            reason=Reason.NO_SENSOR,
        )

    return spoil


def frozen(begin: float, end: float) -> Encoder:
    at: dict[CableSide, float] = {}

    def spoil(sample: EncoderSample, t: float) -> EncoderSample:
        if not begin <= t < end:
            return sample
        position = at.setdefault(sample.side, sample.position_m)
        return replace(sample, position_m=position, speed_m_s=0.0)

    return spoil


def covered(begin: float, end: float) -> Frame:
    return lambda body, t: None if begin <= t < end else body


# -- both well


@pytest.mark.parametrize("exercise", CABLES)
class TestBothSensors:
    def test_one_fused_repetition_for_each_real_one(self, exercise: str) -> None:
        heard, seen = fused(exercise), camera_only(exercise)
        exact(heard)
        assert heard.sources == ["fused"] * COUNT
        assert heard.faults == []
        assert heard.notices == []
        for both, camera, told, alone in zip(heard.valid, seen.valid, heard.when, seen.when, strict=True):
            assert both.d == camera.d
            assert both.phases == camera.phases
            assert both.range == pytest.approx(camera.range, abs=0.05)
            assert 0.0 <= told - alone < 0.7
            assert both.start_ns == pytest.approx(camera.start_ns, abs=0.25 * NS)
            # joints come to rest later than the handle, which a hand only holds
            assert both.end_ns == pytest.approx(camera.end_ns, abs=0.5 * NS)

    def test_velocity_is_that_of_the_true_handle(self, exercise: str) -> None:
        shown = cable_set(exercise)
        lengths = np.linalg.norm(shown.handles - shown.pulleys, axis=-1).mean(1)
        for repetition in fused(exercise).valid:
            inside = (shown.times >= (repetition.start_ns - START_NS) / NS - 0.2) & (
                shown.times <= (repetition.end_ns - START_NS) / NS + 0.2
            )
            way = float(np.ptp(lengths[inside]))
            velocity = repetition.velocity
            assert velocity is not None
            assert velocity.source == "encoder"
            assert velocity.range == pytest.approx(way, rel=0.03)
            assert velocity.mean * repetition.concentric_s <= 1.05 * way
            assert 0.0 < velocity.mean <= velocity.peak
            assert velocity.mean_force > 150.0 * len(shown.sides)
            assert 0.0 <= velocity.loss < 0.3

    def test_without_a_machine_everything_is_as_the_scorer_says(self, exercise: str) -> None:
        shown = cable_set(exercise)
        scorer = Scorer(find_exercise(exercise))
        told, forms = [], []
        for n in range(len(shown.times)):
            body = body_at(shown, n)
            update = scorer.update(body, body.stamp_ns)
            told += update.repetitions
            forms.append(update.form)
        heard = camera_only(exercise)
        assert [replace(r, velocity=None) for r in heard.repetitions] == told
        assert heard.forms == forms


@pytest.mark.parametrize(
    ("exercise", "flaws"),
    [
        ("cable_row", "cheap"),
        ("cable_row", "homing_lost"),
        ("cable_row", "roll_over"),
        ("lat_pulldown", "wrong_scale"),
        ("lat_pulldown", "bad_clock"),
        ("cable_chest_press", "wrong_sign"),
        ("cable_chest_press", "broken_encoder"),
        ("cable_chest_press", "drop_outs"),
    ],
)
def test_flawed_sensors_cost_no_repetition(exercise: str, flaws: str) -> None:
    exact(play(cable_set(exercise), flaws=flaws))


def test_a_fast_machine() -> None:
    heard = play(cable_set("lat_pulldown"), rate=500.0)
    exact(heard)
    assert heard.sources == ["fused"] * COUNT


# -- one fails


@pytest.mark.parametrize(("exercise", "begin"), [("cable_row", 4.2), ("cable_chest_press", 8.8)])
class TestTheEncoderFails:
    def test_unplugged(self, exercise: str, begin: float) -> None:
        heard = play(cable_set(exercise), encoder=lost(begin, 99.0))
        exact(heard)
        assert heard.sources[-1] == "camera"

    def test_comes_back(self, exercise: str, begin: float) -> None:
        exact(play(cable_set(exercise), encoder=lost(begin, begin + 2.0)))

    def test_says_that_it_has_no_reading(self, exercise: str, begin: float) -> None:
        exact(play(cable_set(exercise), encoder=invalid(begin, begin + 1.1)))

    def test_freezes_for_a_while(self, exercise: str, begin: float) -> None:
        exact(play(cable_set(exercise), encoder=frozen(begin, begin + 1.5)))

    def test_freezes_for_good(self, exercise: str, begin: float) -> None:
        heard = play(cable_set(exercise), encoder=frozen(begin, 99.0))
        exact(heard)
        assert heard.sources[-1] == "camera"


@pytest.mark.parametrize(("exercise", "begin"), [("cable_row", 10.3), ("biceps_curl", 2.2)])
class TestTheCameraFails:
    def test_is_covered(self, exercise: str, begin: float) -> None:
        heard = play(cable_set(exercise), camera=covered(begin, 99.0))
        exact(heard)
        last = heard.valid[-1]
        assert last.source == "encoder"
        assert math.isnan(last.d)
        assert last.velocity is not None
        assert not last.feature_peak.usable

    def test_is_covered_for_a_while(self, exercise: str, begin: float) -> None:
        exact(play(cable_set(exercise), camera=covered(begin, begin + 2.0)))

    def test_sends_nothing_more(self, exercise: str, begin: float) -> None:
        exact(play(cable_set(exercise), frames=lambda t: t < begin))

    def test_sends_nothing_for_a_while(self, exercise: str, begin: float) -> None:
        exact(play(cable_set(exercise), frames=lambda t: not begin <= t < begin + 1.2))


@pytest.mark.parametrize("change", [5.5, 7.0])
def test_one_takes_over_from_the_other(change: float) -> None:
    shown = cable_set("lat_pulldown")
    exact(play(shown, camera=covered(change - 3.0, change), encoder=lost(change + 2.6, 99.0)))
    exact(play(shown, camera=covered(change + 2.6, 99.0), encoder=lost(change - 3.0, change)))


# -- they disagree


def still_lifter(shown: CableSet) -> CableSet:
    return replace(shown, positions=np.broadcast_to(shown.positions[5], shown.positions.shape))


def test_somebody_else_at_the_handle_does_not_count() -> None:
    heard = play(still_lifter(cable_set("cable_row")))
    assert heard.valid == []
    assert kinds(heard) == {Disagreement.OTHER_PERSON}
    assert heard.faults == []


def test_the_lifter_without_the_handle_counts() -> None:
    shown = cable_set("cable_row")
    at_rest = replace(shown, handles=np.broadcast_to(shown.handles[5], shown.handles.shape) + 0.0)
    heard = play(at_rest)
    exact(heard)
    assert heard.sources == ["camera"] * COUNT
    assert heard.when == camera_only("cable_row").when


def test_who_lets_go_of_the_handle_is_told_in_the_diagnostics() -> None:
    shown = cable_set("cable_row")
    dropped = shown.handles.copy()
    dropped[shown.times > 8.4] = shown.handles[5]
    heard = play(replace(shown, handles=dropped))
    exact(heard)
    assert heard.sources == ["fused"] * 3 + ["camera"] * 2
    assert kinds(heard) == {Disagreement.WITHOUT_MACHINE}


def test_another_exercise_than_the_selected_one_is_told_once_it_is_a_habit() -> None:
    heard = play(cable_set("triceps_pushdown"), exercise="squat")
    assert heard.valid == []
    assert Disagreement.WRONG_EXERCISE in kinds(heard)
    assert {fault.name for fault in heard.faults} == {"wrong_exercise"}
    assert heard.faults[0].correction == "check_exercise"


def test_a_shrinking_way_is_a_fault_from_the_second_time_on() -> None:
    shown = cable_set("lat_pulldown", 7, variation=0.0)
    short = shown.handles.copy()
    late = shown.times > 10.9
    short[late] = short[5] + 0.7 * (short[late] - short[5])
    heard = play(replace(shown, handles=short))
    exact(heard, 7)
    ways = [fault for fault in heard.faults if fault.name == "handle_way_short"]
    assert [fault.repetition for fault in ways] == [6, 7]
    assert all(fault.measured.value < fault.limit and fault.probability > 0.7 for fault in ways)
    assert Disagreement.RANGE_SHRINKS in kinds(heard)


def test_a_full_way_is_no_fault_of_a_tired_lifter() -> None:
    shown = cable_set("lat_pulldown", 7, variation=2.0, seed=8)
    heard = play(shown)
    exact(heard, 7)
    assert heard.faults == []


def test_a_short_repetition_does_not_count_by_either() -> None:
    half = PlantedFault("short_range", (3,), 0.9 * 0.55)
    shown = cable_set("cable_row", 5, (half,), variation=0.0)
    alone, both = play(shown, with_machine=False), play(shown)
    assert [r.status for r in both.repetitions] == [r.status for r in alone.repetitions]


# -- two cables


def alternating() -> CableSet:
    """Curls with both arms as far as the camera can tell, on two cables that take turns."""
    shown = cable_set("biceps_curl")
    spans = [
        ((r.start_ns - START_NS) / NS, (r.end_ns - START_NS) / NS) for r in camera_only("biceps_curl").valid
    ]
    handles = np.repeat(shown.handles, 2, axis=1)
    for n, (begin, end) in enumerate(spans):
        rests = (n + 1) % 2
        handles[(shown.times > begin - 0.3) & (shown.times < end + 0.3), rests] = shown.handles[5, 0]
    return replace(
        shown,
        handles=handles,
        pulleys=np.repeat(shown.pulleys, 2, axis=0),
        sides=(CableSide.LEFT, CableSide.RIGHT),
    )


def test_cables_that_take_turns_count_each() -> None:
    heard = play(alternating())
    exact(heard)
    assert heard.sources == ["fused"] * COUNT
    assert [r.side for r in heard.valid] == [Side.LEFT, Side.RIGHT, Side.LEFT, Side.RIGHT, Side.LEFT]
    assert [r.velocity.cable for r in heard.valid if r.velocity] == [1, 2, 1, 2, 1]


def test_cables_that_go_together_count_once_and_are_compared() -> None:
    heard = fused("cable_chest_press")
    exact(heard)
    for repetition in heard.valid:
        assert repetition.velocity is not None
        assert repetition.velocity.cable == 0
        assert abs(repetition.velocity.asymmetry) < 0.1


def test_one_of_two_cables_fails() -> None:
    shown = cable_set("cable_chest_press")
    heard = play(shown, encoder=lambda s, t: None if s.side is CableSide.LEFT and t > 5.0 else s)
    exact(heard)
    assert heard.sources == ["fused"] * COUNT
    assert heard.valid[-1].side is Side.RIGHT


# -- sets


def test_the_same_calls_give_the_same_answers() -> None:
    shown = cable_set("cable_row")
    first, second = (play(shown, flaws="cheap", camera=covered(4.9, 6.0)) for _ in range(2))
    assert repr(first.repetitions) == repr(second.repetitions)
    assert first.when == second.when


def test_a_second_set_begins_at_one() -> None:
    shown = cable_set("cable_row")
    fusion = RepetitionFusion(find_exercise("cable_row"))
    play(shown, fusion=fusion)
    fusion.set("another")
    assert fusion.diagnose()["counted"] == 0


def test_before_the_set_nothing_counts() -> None:
    fusion = RepetitionFusion(find_exercise("cable_row"))
    fusion.set("s", active=False)
    heard = Heard()
    shown = cable_set("cable_row")
    for _, sample in machines(shown)[0].samples(100.0, 0, shown.duration_s):
        if sample is not None:
            fusion.arrived(sample.stamp_ns, sample.stamp_ns)
            fusion.encoder(sample)
            heard.take(fusion.tick(sample.stamp_ns), 0.0)
    heard.take(fusion.finish(), 0.0)
    assert heard.repetitions == []


def test_the_encoder_alone_counts_a_whole_set() -> None:
    heard = play(cable_set("lat_pulldown"), camera=covered(0.3, 99.0))
    exact(heard)
    assert heard.sources == ["encoder"] * COUNT
    assert {r.status for r in heard.repetitions} == {RepetitionStatus.VALID}
