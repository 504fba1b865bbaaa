"""Effort: what is called in sets to failure, and that nothing is called in any other."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from effort_sets import CLEAN, Made, S, by_camera, clean_set, fault, repetition, set_to_failure
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.measurement import Measurement, Reason
from kinecue.exercise.results import (
    Fault,
    FeatureShare,
    FormState,
    Phase,
    RepetitionStatus,
    Severity,
    Side,
)
from kinecue.machine import Direction, EncoderSample
from kinecue.training.effort import Call, Effort, EffortState, EffortWatch
from kinecue.training.effort_signs import Sign

STEP_NS = 40_000_000


def frame(
    stamp_ns: int, phase: Phase = Phase.CONCENTRIC, progress: float = 0.5, speed: float = 1.0
) -> FormState:
    return FormState(stamp_ns, "a", "squat", phase, "", progress, 0.02, speed, 1, 0, 0.5, Reason.NONE)


def follow(made: Made, random: np.random.Generator | None = None) -> list[Effort]:
    """What is estimated after each repetition of a set; with `random` by the camera alone.

    Of the frames there are only those in which the load stands still.
    """
    watch = EffortWatch()
    heard = []
    for one, load, stall in zip(made.repetitions, made.loads_kg, made.stalls_s, strict=True):
        if random is None:
            watch.load(load)
        else:
            one = by_camera(one, random)
        now = one.bottom_ns
        place = 0.3
        for n in range(int((stall + 0.4) * S / STEP_NS)):
            still = n * STEP_NS < stall * S
            now += STEP_NS
            place += 0.0 if still else 0.02
            if random is None:
                watch.encoder(EncoderSample(now, place, 0.0, Direction.OUT, 0, 5000.0))
            watch.form(frame(now, speed=0.0 if still else 1.0))
        heard.append(watch.repetition(one))
    return heard


def test_a_set_to_failure_is_followed_to_its_end() -> None:
    heard = follow(set_to_failure(np.random.default_rng(1)))
    states = [effort.state for effort in heard]
    assert states[0] == EffortState.UNKNOWN
    assert EffortState.FRESH in states or EffortState.WORKING in states
    assert states[-1] == EffortState.FAILING
    calls = [effort.call for effort in heard]
    first = calls.index(Call.LAST_ONE)
    assert first >= 3
    assert heard[first].signs & Sign.SLOWING
    assert heard[first].velocity_loss > 0.3
    assert heard[-2].reserve < 2.5
    assert heard[first].source == "encoder"
    assert "speed" in heard[first].reason


@pytest.mark.parametrize("camera", [False, True], ids=["machine", "camera"])
def test_rates_over_many_sets(camera: bool) -> None:
    """Hardly a false call in sets in which nothing is to be called; failures with worse form are, mostly before the end.

    docs/velocity.md has the rates over thousands of sets.
    """
    random = np.random.default_rng(7)
    sensors = random if camera else None
    each = 12
    false = [
        kind
        for kind in CLEAN
        for _ in range(each)
        if any(e.call for e in follow(clean_set(kind, random), sensors))
    ]
    assert len(false) <= 2, false
    assert set(false) <= {"slow_half_shaky"}
    ends = [follow(set_to_failure(random), sensors) for _ in range(50)]
    assert np.mean([any(e.call for e in heard) for heard in ends]) > 0.8
    assert np.mean([any(e.call for e in heard[:-1]) for heard in ends]) > (0.5 if camera else 0.7)
    kept = [
        any(e.call for e in follow(set_to_failure(random, form_breaks=False), sensors)) for _ in range(20)
    ]
    assert not any(kept)


def fresh(watch: EffortWatch, count: int = 4, speed: float = 0.8) -> int:
    now = 10 * S
    for n in range(count):
        one = repetition(n + 1, now, speed)
        watch.repetition(one)
        now = one.end_ns + S
    return now


WORSE = {
    "form": {"d": 2.5},
    "faults": {"fault_details": (fault("knees_in", probability=1.0),)},
    "range": {"range": 0.6},
    "shifting": {
        "shares": (FeatureShare("hip_shift", Side.NONE, 0.5, 4.0),),
        "asymmetry": Measurement(0.6, 0.02),
    },
}


@pytest.mark.parametrize("sign", WORSE)
def test_no_sign_of_form_alone_is_enough(sign: str) -> None:
    watch = EffortWatch()
    now = fresh(watch)
    for n in range(5, 9):
        one = repetition(n, now, 0.78, **WORSE[sign])
        assert watch.repetition(one).call == Call.NONE
        now = one.end_ns + S


def test_no_sign_of_speed_alone_is_enough() -> None:
    watch = EffortWatch()
    now = fresh(watch)
    for n, speed in enumerate((0.5, 0.4, 0.34, 0.33), 5):
        one = repetition(n, now, speed)
        effort = watch.repetition(one)
        now = one.end_ns + 8 * S
    assert effort.call == Call.NONE
    assert effort.state == EffortState.NEAR_FAILURE
    assert effort.signs & Sign.SLOWING
    failed = watch.repetition(repetition(0, now, 0.2, status=RepetitionStatus.FAILED))
    assert failed.call == Call.NONE


def test_both_together_are() -> None:
    watch = EffortWatch()
    now = fresh(watch)
    heard = []
    for n, speed in enumerate((0.5, 0.4, 0.34, 0.33), 5):
        one = repetition(n, now, speed, **(WORSE["form"] if n > 5 else {}))
        heard.append(watch.repetition(one))
        now = one.end_ns + S
    assert [effort.call for effort in heard] == [Call.NONE, Call.NONE, Call.LAST_ONE, Call.RACK_IT]
    assert heard[-1].probability > 0.85
    assert heard[-1].signs & (Sign.SLOWING | Sign.FORM) == Sign.SLOWING | Sign.FORM


def test_a_call_ends_when_it_gets_better_and_a_new_set_begins_anew() -> None:
    watch = EffortWatch()
    now = fresh(watch)
    for n, speed in enumerate((0.5, 0.4), 5):
        one = repetition(n, now, speed, **WORSE["form"])
        effort = watch.repetition(one)
        now = one.end_ns + S
    assert effort.call == Call.LAST_ONE
    assert watch.repetition(repetition(8, now, 0.75)).call == Call.NONE
    watch.restart()
    assert watch.newest is None
    assert watch.repetition(repetition(1, now + 9 * S, 0.3, d=3.0)).call == Call.NONE


def test_nothing_is_called_before_there_is_something_to_compare_with() -> None:
    watch = EffortWatch()
    now = 0
    for n, speed in enumerate((0.8, 0.4, 0.2), 1):
        one = repetition(n, now, speed, d=float(n))
        assert watch.repetition(one).call == Call.NONE
        now = one.end_ns + S


def test_another_load_is_not_compared() -> None:
    watch = EffortWatch()
    watch.load(40.0)
    now = fresh(watch)
    watch.load(60.0)
    for n in range(5, 10):
        one = repetition(n, now, 0.4, d=2.0)
        effort = watch.repetition(one)
        assert effort.call == Call.NONE
        now = one.end_ns + S
    watch.load(math.nan)
    assert len(watch.lifts) == 5


def raised(stamp_ns: int) -> Fault:
    return Fault(
        "squat/5/knees_in/1", "knees_in", stamp_ns, stamp_ns, "a", "squat", Phase.CONCENTRIC, "", 5, Side.BOTH,
        Severity.RISK, 0.98, 1.5, "knee_separation_ratio", Measurement(0.6, 0.05), 0.9, "1", "knees_out", "knees",
    )  # fmt: skip


def tired(watch: EffortWatch, **last: object) -> int:
    now = fresh(watch)
    for n, speed in enumerate((0.5, 0.4), 5):
        one = repetition(n, now, speed, **last)
        watch.repetition(one)
        now = one.end_ns + S
    return now


def stuck(watch: EffortWatch, now: int, seconds: float = 3.0, faulty: bool = True) -> list[Effort]:
    heard = []
    for n in range(int(seconds * S / STEP_NS)):
        now += STEP_NS
        for k in range(4):
            watch.encoder(EncoderSample(now - k * 10_000_000, 0.3, 0.0, Direction.STILL, 0, 5000.0))
        if n == 10 and faulty:
            watch.fault(raised(now))
        effort = watch.form(frame(now, speed=0.0))
        if effort is not None:
            heard.append(effort)
    return heard


def test_a_load_that_does_not_come_up_any_more_is_called_while_it_hangs() -> None:
    watch = EffortWatch()
    now = tired(watch, d=1.2)
    heard = stuck(watch, now)
    assert [effort.call for effort in heard] == [Call.RACK_IT]
    assert heard[0].state == EffortState.FAILING
    assert heard[0].signs & Sign.GRINDING
    assert heard[0].stamp_ns < now + 2.6 * S


def test_a_pause_on_the_way_is_not() -> None:
    calm = EffortWatch()
    assert stuck(calm, fresh(calm, 6), faulty=False) == []
    assert stuck(calm, fresh(calm, 6), faulty=True) == []
    clean = EffortWatch()
    assert stuck(clean, tired(clean), faulty=False) == []


def test_held_and_unseen_repetitions_say_nothing() -> None:
    watch = EffortWatch()
    now = 0
    for n in range(1, 8):
        one = repetition(n, now, 0.5, mean_speed=math.nan, velocity=None, d=math.nan, source="camera")
        effort = watch.repetition(one)
        now = one.end_ns + S
    assert effort.state == EffortState.UNKNOWN
    assert effort.call == Call.NONE
    assert math.isnan(effort.reserve) and math.isnan(effort.velocity_loss)


def test_the_machine_may_fail_in_the_middle() -> None:
    random = np.random.default_rng(5)
    made = set_to_failure(random)
    half = len(made.repetitions) // 2
    watch = EffortWatch()
    sources = [
        watch.repetition(one if n < half else by_camera(one, random)).source
        for n, one in enumerate(made.repetitions)
    ]
    assert sources[half - 1] == "encoder"
    assert sources[-1] == "camera"


def test_sides_are_not_compared_with_each_other() -> None:
    watch = EffortWatch()
    now = 0
    for n in range(1, 13):
        left = n % 2 == 1
        one = repetition(
            n, now, 0.8 if left else 0.45, d=0.4 if left else 1.6, side=Side.LEFT if left else Side.RIGHT
        )
        assert watch.repetition(one).call == Call.NONE
        now = one.end_ns + S


numbers = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(RepetitionStatus), numbers, numbers, numbers, numbers, st.sampled_from(Side),
            st.integers(0, 2**62), st.sampled_from(Phase), st.booleans(),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_whatever_comes_is_answered(lifts: list) -> None:
    watch = EffortWatch()
    with np.errstate(all="ignore"):
        for status, speed, mean, d, way, side, stamp, phase, encoder in lifts:
            one = repetition(1, 0, 0.5, status=status, d=d, range=way, side=side, mean_speed=speed)
            one = replace(
                one, velocity=replace(one.velocity, mean=mean, range=way), start_ns=stamp, end_ns=stamp
            )
            watch.load(mean)
            if encoder:
                watch.encoder(EncoderSample(stamp, d, 0.0, Direction.STILL, 0, 1.0))
            watch.form(frame(stamp, phase, way, speed))
            effort = watch.repetition(one)
            assert 0.0 <= effort.probability <= 1.0
            assert math.isnan(effort.reserve) or effort.reserve >= 0.0
            assert math.isnan(effort.velocity_loss) or 0.0 <= effort.velocity_loss <= 1.0
