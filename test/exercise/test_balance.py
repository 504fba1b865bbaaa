"""Balance of the linked body: known answers from the simulated athlete, from a laboratory and from the literature."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.volume.shape import BodyShape
from kinecue.exercise.balance import (
    Arms,
    Carrying,
    Frame,
    LoadPlace,
    balanced_lean,
    centre_ahead,
    hips_ahead,
    split_lean,
    thigh_tilt,
)
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "opencap"
AVERAGE = Frame.of(SegmentLengths.from_stature(1.75), 1.75)
PLAIN = Carrying(legs_out=math.radians(18.0))
KNEE = np.radians([5.0, 37.0, 69.0, 85.0, 101.0, 112.0])
SHANK = np.radians([4.2, 13.2, 20.9, 25.1, 28.8, 31.0])

lengths = st.builds(
    lambda tall, thigh, shank, trunk: replace(
        SegmentLengths.from_stature(tall),
        thigh=0.245 * tall * thigh,
        shank=0.246 * tall * shank,
        trunk=0.288 * tall * trunk,
    ),
    st.floats(1.45, 2.05),
    st.floats(0.9, 1.1),
    st.floats(0.9, 1.1),
    st.floats(0.9, 1.1),
)
carried = st.builds(
    lambda place, share, arms, out: Carrying(place, 0.0 if place is LoadPlace.NONE else share, arms, out),
    st.sampled_from(LoadPlace),
    st.floats(0.05, 1.5),
    st.sampled_from(Arms),
    st.floats(0.0, 0.5),
)


def with_femur(factor: float) -> Frame:
    """Everything else as it is, and the foot too."""
    return replace(AVERAGE, lengths=replace(AVERAGE.lengths, thigh=factor * AVERAGE.lengths.thigh))


@cache
def athlete(ratio: float) -> Athlete:
    return Athlete(BodyShape.from_ratios("x", "male", 1.78, 78.0, 0.5, leg=0.494, femur_tibia=ratio))


@pytest.mark.parametrize("ratio", [0.86, 0.98, 1.10])
@pytest.mark.parametrize(
    ("exercise", "carrying"),
    [("squat", PLAIN), ("goblet_squat", Carrying(LoadPlace.CHEST, 0.2, legs_out=math.radians(20.0)))],
)
def test_simulated_athletes_lean_as_far(exercise: str, carrying: Carrying, ratio: float) -> None:
    """The simulation balances a three-dimensional body of 22 segments by its own solver."""
    body = athlete(ratio)
    goals = EXERCISES[exercise].technique(body).goals
    grid = np.linspace(0.0, 1.0, 9)
    start = 5.0
    deepest = 112.0 if exercise == "squat" else 118.0
    knee = np.radians(start + (deepest - start) * grid)
    tilts = {"squat": (4.2, 18.5, 31.0), "goblet_squat": (2.0, 19.0, 32.0)}[exercise]
    shank = np.radians(np.interp(grid, (0.0, 0.5, 1.0), tilts))
    frame = Frame(body.lengths, body.stature)
    ahead = (0.045, 0.045) if exercise == "squat" else (0.062, 0.048)
    over = 0.25 + np.interp(grid, (0.0, 1.0), ahead) * body.scale / frame.foot
    found = [balanced_lean(frame, k, s, carrying, o) for k, s, o in zip(knee, shank, over, strict=True)]
    lean = goals["trunk_lean"]
    assert callable(lean)
    # both have the same masses; where arms, head and bell are is simplified here
    assert np.degrees(found) == pytest.approx(np.degrees(lean(grid)), abs=6.5)


def test_longer_femurs_lean_more_by_as_much_as_simulated_ones() -> None:
    found, simulated = [], []
    for ratio in (0.86, 1.10):
        body = athlete(ratio)
        lean = EXERCISES["squat"].technique(body).goals["trunk_lean"]
        simulated.append(float(lean(np.array([0.75]))[0]))
        frame = Frame(body.lengths, body.stature)
        shank = np.interp(0.75, (0.0, 0.5, 1.0), np.radians((4.2, 18.5, 31.0)))
        over = 0.25 + 0.045 * body.scale / frame.foot
        found.append(float(balanced_lean(frame, math.radians(85.25), shank, PLAIN, over)))
    assert found[1] - found[0] == pytest.approx(simulated[1] - simulated[0], abs=math.radians(2.0))


def test_shanks_that_stay_upright_make_the_trunk_lean() -> None:
    """Fry et al. 2003: knees kept from going past the toes, the trunk leans about 8 to 10 degrees further."""
    bar = Carrying(LoadPlace.BACK, 0.9, legs_out=math.radians(15.0))
    free = float(balanced_lean(AVERAGE, math.radians(105.0), math.radians(31.0), bar, 0.42))
    held = float(balanced_lean(AVERAGE, math.radians(105.0), math.radians(24.0), bar, 0.42))
    assert math.radians(6.0) < held - free < math.radians(14.0)


def test_ten_percent_longer_femurs_lean_as_the_documentation_says() -> None:
    text = (Path(__file__).parents[2] / "docs" / "personal-ideal.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| bodyweight"))
    told = [float(cell) for cell in row.split("|")[2:7]]
    found = [
        math.degrees(balanced_lean(with_femur(f), math.radians(105.0), math.radians(29.0), PLAIN, 0.42))
        for f in (0.90, 0.95, 1.0, 1.05, 1.10)
    ]
    assert found == pytest.approx(told, abs=0.6)


@given(lengths, carried, st.floats(0.2, 1.9), st.floats(-0.05, 0.5))
def test_the_centre_of_mass_is_where_it_was_asked_for(
    body: SegmentLengths, carrying: Carrying, knee: float, shank: float
) -> None:
    frame = Frame.of(body)
    lean = float(balanced_lean(frame, knee, shank, carrying, 0.42))
    if math.isfinite(lean):
        over = frame.over_foot(0.42)
        assert float(centre_ahead(frame, knee, shank, lean, carrying, over)) == pytest.approx(over, abs=1e-6)


@given(lengths, carried, st.floats(0.6, 1.9), st.floats(0.0, 0.5), st.floats(1.01, 1.15))
def test_longer_femurs_never_lean_less(
    body: SegmentLengths, carrying: Carrying, knee: float, shank: float, factor: float
) -> None:
    """With the hips behind the feet; hips over them have nothing to balance."""
    frame = Frame.of(body)
    longer = replace(frame, lengths=replace(body, thigh=factor * body.thigh))
    before = float(balanced_lean(frame, knee, shank, carrying, 0.42))
    after = float(balanced_lean(longer, knee, shank, carrying, 0.42))
    if math.isfinite(before) and math.isfinite(after) and float(thigh_tilt(knee, shank)) > 0.0:
        assert after >= before - 1e-9


@given(lengths, carried, st.floats(0.6, 1.9), st.floats(0.0, 0.4), st.floats(0.01, 0.15))
def test_less_ankle_means_more_lean(
    body: SegmentLengths, carrying: Carrying, knee: float, shank: float, less: float
) -> None:
    frame = Frame.of(body)
    free = float(balanced_lean(frame, knee, shank, carrying, 0.42))
    stiff = float(balanced_lean(frame, knee, shank - less, carrying, 0.42))
    assert not (math.isfinite(free) and math.isfinite(stiff)) or stiff >= free - 1e-9


@given(lengths, st.floats(0.5, 2.0), st.floats(0.3, 1.9), st.floats(0.0, 0.5))
def test_size_alone_changes_nothing(body: SegmentLengths, scale: float, knee: float, shank: float) -> None:
    small = Frame.of(body)
    large = Frame.of(SegmentLengths.from_array(scale * body.as_array()))
    here, there = (float(balanced_lean(f, knee, shank, PLAIN, 0.42)) for f in (small, large))
    assert here == pytest.approx(there, abs=1e-9, nan_ok=True)


def test_where_the_load_is_decides() -> None:
    def lean(place: LoadPlace) -> float:
        return float(balanced_lean(AVERAGE, 1.8, 0.5, Carrying(place, 0.6), 0.42))

    assert lean(LoadPlace.CHEST) < lean(LoadPlace.FRONT) < lean(LoadPlace.BACK)


def test_nobody_balances_on_nothing() -> None:
    assert math.isnan(float(balanced_lean(with_femur(2.5), 1.9, 0.0, PLAIN, 0.42)))
    assert math.isnan(float(balanced_lean(AVERAGE, math.nan, 0.3, PLAIN, 0.42)))


def test_standing_straight_is_upright() -> None:
    lean = float(balanced_lean(AVERAGE, math.radians(4.0), math.radians(3.5), PLAIN, 0.42))
    assert abs(math.degrees(lean)) < 6.0


def test_hips_are_behind_bent_knees() -> None:
    expected = AVERAGE.lengths.shank * math.sin(0.4) - AVERAGE.lengths.thigh * math.sin(1.0)
    assert float(hips_ahead(AVERAGE, 1.4, 0.4)) == pytest.approx(expected)


@given(lengths, st.floats(-0.1, 0.5))
def test_in_a_lunge_a_lean_between_the_feet_is_left_alone(body: SegmentLengths, lean: float) -> None:
    frame = Frame.of(body)
    assert split_lean(frame, 1.7, 0.2, lean, Carrying(arms=Arms.HANGING), 0.86, 0.0, 1.0) == lean
    held = split_lean(frame, 1.7, 0.2, lean, Carrying(arms=Arms.HANGING), 0.86, 0.55, 0.9)
    assert math.isnan(held) or held >= lean


def test_a_person_in_the_laboratory_leans_as_far() -> None:
    """OpenCap's squats: shanks, knees and lengths from markers; arms somewhere between forward and crossed."""
    if not DATA.is_dir():
        pytest.skip("../shared/data/opencap is not there")
    from bench import personal_ideal

    rows = personal_ideal.laboratory_squats(DATA)
    assert len(rows) >= 4
    for row in rows:
        low, high = sorted((row["lean_arms_forward_deg"], row["lean_arms_crossed_deg"]))
        assert low - 4.0 < row["lean_deg"] < high + 4.0
