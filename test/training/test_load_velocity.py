"""Load-velocity profiles of people whose one-repetition maximum is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.training.exercise_velocities import minimal_velocity
from kinecue.training.load_velocity import LoadPoint, load_velocity_profile

BENCH = minimal_velocity("bench_press")
SPAN = 1.35
"""Bench press: some 1.5 m/s without a load (Gonzalez-Badillo and Sanchez-Medina 2010)."""


def points(
    shares: list[float], one_rm: float = 100.0, last: float = 0.16, noise: float = 0.0, seed: int = 0
) -> list[LoadPoint]:
    random = np.random.default_rng(seed)
    return [LoadPoint(one_rm * x, last + SPAN * (1.0 - x) + noise * random.normal()) for x in shares]


def test_a_straight_line_is_found() -> None:
    profile = load_velocity_profile(points([0.4, 0.5, 0.6, 0.7, 0.8]), BENCH)
    assert profile.slope == pytest.approx(-SPAN / 100.0, rel=1e-6)
    assert profile.intercept == pytest.approx(0.16 + SPAN, rel=1e-6)
    assert profile.r_squared == pytest.approx(1.0)
    assert profile.one_rm_kg == pytest.approx(100.0, rel=0.02)
    assert profile.one_rm_low_kg < 95.0 < 105.0 < profile.one_rm_high_kg
    assert profile.load_at(0.16 + SPAN * 0.4) == pytest.approx(60.0)
    assert math.isnan(profile.load_at(0.1))


def test_more_and_wider_loads_give_a_narrower_interval() -> None:
    def width(shares: list[float]) -> float:
        found = load_velocity_profile(points(shares, noise=0.02), BENCH)
        return found.one_rm_high_kg - found.one_rm_low_kg

    assert width([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) < width([0.4, 0.55, 0.7])


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ([], "no set"),
        ([0.5, 0.9], "2 different loads"),
        ([0.5, 0.505, 0.9], "2 different loads"),
        ([0.5, 0.53, 0.56], "velocities within"),
        ([0.3, 0.36, 0.42], "no load is heavy enough"),
    ],
)
def test_abstains(shares: list[float], reason: str) -> None:
    profile = load_velocity_profile(points(shares), BENCH)
    assert not profile.known
    assert reason in profile.reason
    assert math.isnan(profile.one_rm_low_kg) and math.isnan(profile.one_rm_high_kg)


def test_without_a_minimal_velocity_there_is_a_line_and_no_maximum() -> None:
    profile = load_velocity_profile(points([0.4, 0.6, 0.8]))
    assert profile.slope < 0.0
    assert not profile.known
    assert "no minimal velocity" in profile.reason


def test_velocity_that_does_not_fall() -> None:
    rising = [LoadPoint(load, speed) for load, speed in ((40.0, 0.4), (60.0, 0.7), (80.0, 0.5))]
    assert "does not clearly fall" in load_velocity_profile(rising, BENCH).reason


def test_a_repetition_that_was_not_meant_hardly_counts() -> None:
    good = points([0.35, 0.45, 0.55, 0.65, 0.75, 0.85])
    lazy = replace(good[2], velocity=good[2].velocity * 0.5)
    alone = load_velocity_profile(good, BENCH).one_rm_kg
    assert load_velocity_profile([*good, lazy], BENCH).one_rm_kg == pytest.approx(alone, rel=0.06)


def test_old_sessions_fade_and_end() -> None:
    old = [replace(p, age_days=120.0) for p in points([0.4, 0.6, 0.8], one_rm=80.0)]
    new = points([0.4, 0.6, 0.8])
    assert load_velocity_profile([*old, *new], BENCH).one_rm_kg > 95.0
    assert not load_velocity_profile([replace(p, age_days=400.0) for p in new], BENCH).known


def test_the_interval_holds_what_it_says() -> None:
    """90 % of lines with the scatter, the minimal velocities and the error of the method that the papers report."""
    random = np.random.default_rng(2)
    inside = told = 0
    for _ in range(250):
        last = 0.16 + 0.04 * random.normal()
        one_rm = 100.0 * math.exp(0.04 * random.normal())
        shares = random.uniform(0.35, 0.9, int(random.integers(3, 8)))
        made = [
            LoadPoint(100.0 * x, max(last + SPAN * (1.0 - x) + 0.04 * random.normal(), 0.05)) for x in shares
        ]
        profile = load_velocity_profile(made, BENCH)
        if profile.known:
            told += 1
            inside += profile.one_rm_low_kg <= one_rm <= profile.one_rm_high_kg
    assert told > 150
    assert 0.86 <= inside / told <= 0.97


def test_the_same_points_in_any_order_give_the_same() -> None:
    made = points([0.4, 0.5, 0.6, 0.7, 0.8], noise=0.03)
    one, other = load_velocity_profile(made, BENCH), load_velocity_profile(made[::-1], BENCH)
    assert one.one_rm_kg == pytest.approx(other.one_rm_kg, rel=1e-6)


@settings(max_examples=80, deadline=None)
@given(scale=st.floats(0.1, 10.0), seed=st.integers(0, 50))
def test_units_of_load_do_not_matter(scale: float, seed: int) -> None:
    made = points([0.4, 0.55, 0.7, 0.85], noise=0.02, seed=seed)
    scaled = [replace(p, load_kg=p.load_kg * scale) for p in made]
    one, other = load_velocity_profile(made, BENCH), load_velocity_profile(scaled, BENCH)
    assert other.one_rm_kg == pytest.approx(one.one_rm_kg * scale, rel=1e-6, nan_ok=True)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.builds(
            LoadPoint,
            st.floats(allow_nan=True, allow_infinity=True),
            st.floats(allow_nan=True, allow_infinity=True),
            st.floats(allow_nan=True, allow_infinity=True),
        ),
        max_size=8,
    )
)
def test_whatever_comes(made: list[LoadPoint]) -> None:
    with np.errstate(all="ignore"):
        profile = load_velocity_profile(made, BENCH)
    assert not profile.known or profile.one_rm_low_kg <= profile.one_rm_kg <= profile.one_rm_high_kg
