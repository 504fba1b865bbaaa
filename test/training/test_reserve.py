"""Repetitions in reserve against published tables and sets made by the same law."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.training.exercise_velocities import MINIMAL_VELOCITIES, Basis, minimal_velocity
from kinecue.training.reserve import OwnVelocities, own_minimal_velocity, reserve_of, share_done

# Gonzalez-Badillo et al. 2017 and Rodriguez-Rosell et al. 2020: velocity loss and share of the possible repetitions
# that are done, bench press (from about 0.78 to 0.16 m/s) and squat (from about 0.92 to 0.32 m/s); quoted from memory.
BENCH = {0.20: 0.52, 0.25: 0.59, 0.30: 0.66, 0.35: 0.72, 0.40: 0.77, 0.50: 0.865, 0.60: 0.93, 0.70: 0.98}
SQUAT = {0.15: 0.45, 0.20: 0.545, 0.25: 0.63, 0.30: 0.71, 0.35: 0.78, 0.40: 0.85, 0.45: 0.91, 0.50: 0.96}


@pytest.mark.parametrize(("loss", "share"), BENCH.items())
def test_bench_press(loss: float, share: float) -> None:
    assert share_done(loss, 1.0 - 0.16 / 0.78) == pytest.approx(share, abs=0.085)


@pytest.mark.parametrize(("loss", "share"), SQUAT.items())
def test_squat(loss: float, share: float) -> None:
    assert share_done(loss, 1.0 - 0.32 / 0.92) == pytest.approx(share, abs=0.045)


def failing(count: int, first: float = 0.8, last: float = 0.32) -> list[float]:
    return [last + (first - last) * math.sqrt((count - 1 - n) / (count - 1)) for n in range(count)]


def test_a_set_of_that_law_counts_down() -> None:
    speeds = failing(10)
    for done in (6, 8, 9, 10):
        left = reserve_of(speeds[:done], (0.32, 0.03))
        assert left.known
        assert abs(left.repetitions - (10 - done)) < max(1.3, left.std)
    assert reserve_of(speeds, (0.32, 0.03)).std < reserve_of(speeds[:6], (0.32, 0.03)).std
    assert reserve_of(speeds, (0.32, 0.03)).at_most(2.0) > 0.9


def test_abstains_where_there_is_nothing_to_go_by() -> None:
    assert "fewer" in reserve_of([0.8, 0.5], (0.3, 0.03)).reason
    assert "lost" in reserve_of([0.8, 0.79, 0.78], (0.3, 0.03)).reason
    # on purpose slow: the fastest repetition is not faster than the minimal velocity
    assert not reserve_of([0.35, 0.33, 0.3, 0.26], (0.3, 0.03)).known
    assert not reserve_of(failing(10), (math.nan, math.nan)).known
    steady = [0.9, 0.89, 0.88, 0.87, 0.86, 0.85, 0.84, 0.83, 0.82, 0.80]
    assert "tell nothing" in reserve_of(steady, (0.3, 0.03)).reason
    assert math.isnan(reserve_of([], (0.3, 0.03)).at_most(2.0))


def test_one_slow_repetition_is_no_end() -> None:
    calm = reserve_of([0.8, 0.78, 0.76, 0.74, 0.68], (0.3, 0.03))
    odd = reserve_of([0.8, 0.78, 0.76, 0.74, 0.35], (0.3, 0.03))
    assert not odd.known or odd.repetitions > 0.5 * calm.repetitions


def test_own_sets_to_failure_count() -> None:
    """Moran-Navarro et al. 2019: a velocity belongs to a number of repetitions in reserve, whatever the load."""
    own = OwnVelocities([failing(8, 0.7, 0.42), failing(12, 0.9, 0.42)])
    assert own.known
    assert own.last == (0.42, 0.42)
    near, far = own.reserve(0.42), own.reserve(0.62)
    assert near.repetitions < 0.5
    assert 1.0 < far.repetitions < 6.0
    assert not own.reserve(1.5).known
    velocity, std = own_minimal_velocity(minimal_velocity("squat"), own.last)
    assert 0.32 < velocity < 0.42
    assert std < 0.06
    assert not OwnVelocities([[0.5, 0.4]]).known
    assert not OwnVelocities([[0.5] * 8, [0.5] * 8]).known


def test_minimal_velocity_of_nobody_and_nothing() -> None:
    assert minimal_velocity("plank") is None
    assert all(math.isnan(v) for v in own_minimal_velocity(None))
    assert own_minimal_velocity(None, [0.3, math.nan])[0] == pytest.approx(0.3)


def test_figures_that_were_not_read_have_a_wider_spread() -> None:
    assert MINIMAL_VELOCITIES["bench_press"].velocity == 0.16
    assert MINIMAL_VELOCITIES["back_squat"].velocity == 0.32
    for found in MINIMAL_VELOCITIES.values():
        assert found.source
        if found.basis != Basis.VERIFIED:
            assert found.std >= 0.08


@given(
    speeds=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=15),
    minimal=st.tuples(st.floats(0.01, 2.0), st.floats(0.001, 0.5)),
)
def test_whatever_comes(speeds: list[float], minimal: tuple[float, float]) -> None:
    left = reserve_of(speeds, minimal, OwnVelocities([speeds, speeds]))
    assert left.known == math.isfinite(left.std)
    assert not left.known or (left.repetitions >= 0.0 and left.std > 0.0)
