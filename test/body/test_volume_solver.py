from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.volume.shape import LENGTH_RANGES, BodyShape, ShapeError
from kinecue.body.volume.solver import mass_range, solve_body
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.athletes.presets import ATHLETES


def stature_of(athlete: Athlete) -> float:
    return float(np.ptp(athlete.vertices[np.unique(athlete.asset.faces["body"]), 2]))


@pytest.mark.parametrize("name", list(ATHLETES))
def test_presets_have_the_measures_they_state(name):
    shape = ATHLETES[name]
    athlete = Athlete(name)
    assert shape.name == name
    assert stature_of(athlete) == pytest.approx(shape.stature, abs=1e-5)
    assert athlete.mass == pytest.approx(shape.mass, abs=0.02)
    for field, length in shape.given_lengths.items():
        assert getattr(athlete.lengths, field) == pytest.approx(length, abs=1e-6), field
    for field, (low, high) in LENGTH_RANGES.items():
        assert low < getattr(athlete.lengths, field) / shape.stature < high, field


def test_presets_are_named_and_differ_where_their_names_say():
    assert {"average_man", "average_woman", "tall", "short", "heavy", "light", "muscular"} <= set(ATHLETES)
    lengths = {n: Athlete(n).lengths for n in ("long_femur", "short_femur", "average_man")}
    ratio = {n: x.thigh / x.shank for n, x in lengths.items()}
    assert ratio["short_femur"] < 0.9 < ratio["average_man"] < 1.0 < 1.09 < ratio["long_femur"]


@settings(max_examples=12, deadline=None)
@given(
    sex=st.sampled_from(["male", "female"]),
    stature=st.floats(1.50, 2.05),
    build=st.floats(0.0, 1.0),
    fatness=st.floats(0.0, 1.0),
    thigh=st.none() | st.floats(0.235, 0.255),
    shank=st.none() | st.floats(0.235, 0.255),
    arm=st.none() | st.floats(0.15, 0.18),
    shoulders=st.none() | st.floats(0.19, 0.24),
)
def test_any_athlete_is_solved_for(sex, stature, build, fatness, thigh, shank, arm, shoulders):
    shares = {"thigh": thigh, "shank": shank, "upper_arm": arm, "forearm": arm, "shoulders": shoulders}
    given_shares = {field: share for field, share in shares.items() if share is not None}
    shape = BodyShape.from_ratios("any", sex, stature, None, build, **given_shares)
    low, high = mass_range(shape)
    athlete = Athlete(dataclasses.replace(shape, mass=min(max(low + fatness * (high - low), 35.0), 180.0)))
    assert stature_of(athlete) == pytest.approx(stature, abs=1e-5)
    assert athlete.mass == pytest.approx(athlete.shape.mass, abs=0.02)
    for field, length in shape.given_lengths.items():
        assert getattr(athlete.lengths, field) == pytest.approx(length, abs=1e-6)


def test_all_three_lengths_of_a_measured_person_are_met():
    shape = BodyShape("measured", "female", 1.68, 62.0, thigh=0.40, shank=0.41, trunk=0.45, pelvis=0.17)
    athlete = Athlete(shape)
    assert stature_of(athlete) == pytest.approx(1.68, abs=1e-5)
    for field, length in shape.given_lengths.items():
        assert getattr(athlete.lengths, field) == pytest.approx(length, abs=1e-6), field


def test_what_is_not_given_makes_room_for_what_is():
    usual, long = Athlete(BodyShape(mass=78.0)), Athlete(BodyShape(mass=78.0, thigh=0.47))
    assert long.lengths.trunk < usual.lengths.trunk
    assert long.lengths.shank < usual.lengths.shank
    assert long.lengths.upper_arm == pytest.approx(usual.lengths.upper_arm)


def test_stretching_leaves_the_skin_smooth_over_the_joints():
    # edges across hip, knee and shoulder stretch about as much as the segments beside them, none by a multiple
    usual = Athlete(BodyShape(mass=None)).vertices
    shape = BodyShape(thigh=0.48, shank=0.41, upper_arm=0.31, forearm=0.25, shoulders=0.45, pelvis=0.18)
    athlete = Athlete(shape)
    faces = athlete.asset.faces["body"]
    for i in range(4):
        a, b = faces[:, i], faces[:, (i + 1) % 4]
        before, after = (np.linalg.norm(v[a] - v[b], axis=1) for v in (usual, athlete.vertices))
        rows = before > 0.004
        assert (after[rows] / before[rows]).max() < 1.35
        assert (after[rows] / before[rows]).min() > 0.50


def test_more_muscle_or_fat_is_more_mass_and_usual_mass_is_usual():
    low, high = mass_range(BodyShape(build=0.5))
    usual = Athlete(BodyShape(build=0.5)).mass
    assert low < 19.5 * 1.78**2 < usual < 27.0 * 1.78**2 < high


def test_the_same_shape_is_solved_the_same_way_again():
    first = solve_body(ATHLETES["tall"]).vertices.copy()
    solve_body.cache_clear()
    Athlete("short")
    assert np.array_equal(solve_body(ATHLETES["tall"]).vertices, first)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sex", "robot"),
        ("stature", 0.5),
        ("stature", math.nan),
        ("mass", 20.0),
        ("mass", math.inf),
        ("build", 1.2),
        ("build", "strong"),
        ("stature", True),
        ("age", 5.0),
        ("thigh", 0.9),
        ("shank", 0.1),
        ("trunk", -0.4),
        ("upper_arm", 0.5),
        ("forearm", math.nan),
        ("shoulders", 0.7),
        ("pelvis", 0.01),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(field, value):
    with pytest.raises(ShapeError, match=rf"{field} must be .*(to|one of)") as error:
        BodyShape(**{field: value})
    assert error.value.field == field


def test_a_mass_that_no_such_body_has_is_refused_with_the_range():
    shape = BodyShape("stick", "male", 1.95, 45.0)
    low, high = mass_range(shape)
    with pytest.raises(ShapeError, match=rf"mass must be {low:.1f} to {high:.1f} kg"):
        Athlete(shape)


def test_lengths_that_contradict_the_stature_are_refused():
    shape = BodyShape.from_ratios("stilts", "male", 1.80, thigh=0.285, shank=0.285, trunk=0.325)
    with pytest.raises(ShapeError, match=r"thigh and shank and trunk leave a stature of 1\.8 m only if"):
        Athlete(shape)


def test_ratios():
    shape = BodyShape.from_ratios("r", "male", 1.80, leg=0.50, femur_tibia=1.05, trunk=0.27)
    assert shape.thigh / shape.shank == pytest.approx(1.05)
    assert shape.thigh + shape.shank == pytest.approx(0.9)
    assert shape.trunk == pytest.approx(0.486)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"leg": 0.5}, "femur_tibia must be given"),
        ({"femur_tibia": 1.0}, "leg must be given"),
        ({"leg": 0.5, "femur_tibia": 1.0, "thigh": 0.25}, "no choice"),
        ({"leg": 0.5, "femur_tibia": 0.0}, "above 0"),
        ({"tail": 0.5}, "allowed: thigh"),
    ],
)
def test_contradictory_ratios_are_refused(arguments, problem):
    with pytest.raises(ShapeError, match=problem):
        BodyShape.from_ratios("r", "male", 1.80, **arguments)
