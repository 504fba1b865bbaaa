"""D against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body import Measurement, Reason
from kinecue.exercise import Phase, Side
from kinecue.exercise.deviation import DeviationScorer, PhaseMean
from kinecue.exercise.exercise_file import parse_exercise
from kinecue.exercise.features import FeatureFrame
from kinecue.exercise.phase_scores import MovementScores

FILE = """
format: 1
name: demo
title: Demo
load_direction: eccentric_first
progress: {feature: knee_flexion, unit: deg, start: 0, full: 100, in_start: 20, left_start: 30, minimal: 50}
features:
  - feature: trunk_lean
    unit: rad
    weight: 3
    ideal: {any: [{at: 0, ideal: 0.0, tolerance: 0.1}, {at: 1, ideal: 0.4, tolerance: 0.3}]}
  - feature: hip_shift
    unit: cm
    weight: 1
    counts: COUNTS
    views_deg: [[0, 60]]
    ideal: {any: [{at: 0, ideal: 0, tolerance: 3}]}
  - feature: heel_rise
    side: each
    unit: m
    weight: 4
    ideal: {concentric: [{at: 0, ideal: 0, tolerance: 0.02}]}
sources: [made up]
"""
HIDDEN = Measurement.abstained(Reason.OCCLUDED)


def scorer(counts: str = "either") -> DeviationScorer:
    return DeviationScorer(parse_exercise(FILE.replace("COUNTS", counts)))


def frame(
    lean: Measurement = HIDDEN,
    shift: Measurement = HIDDEN,
    left: Measurement = HIDDEN,
    right: Measurement = HIDDEN,
) -> FeatureFrame:
    return FeatureFrame(
        {
            ("trunk_lean", Side.NONE): lean,
            ("hip_shift", Side.NONE): shift,
            ("heel_rise", Side.LEFT): left,
            ("heel_rise", Side.RIGHT): right,
        },
        np.empty((0, 3)),
    )


def test_d_by_hand() -> None:
    # half way: ideal 0.2, tolerance 0.2; off by 0.3 with s 0.15: 0.09 / 0.0625 = 1.44
    # hip shift: (0.04 / 0.03) squared = 16 / 9
    result = scorer().evaluate(
        frame(Measurement(0.5, 0.15), Measurement(0.04, 0.0)), Phase.ECCENTRIC, 0.5, 0.0
    )
    expected = math.sqrt(0.75 * 1.44 + 0.25 * 16 / 9)
    assert result.d == pytest.approx(expected)
    lean, shift = result.terms[:2]
    assert (lean.ideal, lean.tolerance) == (pytest.approx(0.2), pytest.approx(0.2))
    assert lean.share == pytest.approx(0.75 * 1.44 / expected**2)
    assert lean.share + shift.share == pytest.approx(1.0)


def test_one_tolerance_off_is_one() -> None:
    result = scorer().evaluate(frame(Measurement(0.1, 0.0), Measurement(-0.03, 0.0)), Phase.TOP, 0.0, 0.0)
    assert result.d == pytest.approx(1.0)


def test_the_ideal_movement_is_zero() -> None:
    result = scorer().evaluate(frame(Measurement(0.4, 0.1), Measurement(0.0, 0.01)), Phase.BOTTOM, 1.0, 0.0)
    assert result.d == 0.0


def test_uncertainty_lowers_d() -> None:
    certain, uncertain = (
        scorer().evaluate(frame(Measurement(0.6, s), Measurement(0.0, 0.0)), Phase.ECCENTRIC, 0.5, 0.0).d
        for s in (0.0, 0.2)
    )
    assert uncertain == pytest.approx(certain / math.sqrt(2))


@settings(max_examples=50, deadline=None)
@given(st.floats(0.001, 0.39), st.floats(-1.0, 1.0))
def test_uncertainty_alone_never_makes_a_deviation(std: float, error: float) -> None:
    """A perfect movement whose measurement errs as much as it says stays under one tolerance."""
    measured = frame(Measurement(0.2 + error * std, std), Measurement(0.0, 0.0))
    assert scorer().evaluate(measured, Phase.ECCENTRIC, 0.5, 0.0).d < 1.0


def test_a_guess_is_no_measurement() -> None:
    """Three tolerances off and three uncertain would read as about one: it is left out instead."""
    result = scorer().evaluate(
        frame(Measurement(0.8, 0.6), Measurement(0.03, 0.0)), Phase.ECCENTRIC, 0.5, 0.0
    )
    assert result.terms[0].measured.reason is Reason.UNCERTAIN
    assert math.isnan(result.d)  # a quarter of the weight is left
    assert result.reason is Reason.UNCERTAIN


def test_a_movement_that_was_mostly_hidden_has_no_d() -> None:
    judged, seen = scorer(), frame(Measurement(0.5, 0.0), Measurement(0.0, 0.0))
    for hidden_frames, known in ((4, True), (11, False)):
        scores = MovementScores()
        for i in range(10 + hidden_frames):
            now = judged.evaluate(seen if i < 10 else frame(), Phase.ECCENTRIC, 0.5, 0.0)
            scores.add(0.1 * i, 0.1, Phase.ECCENTRIC, "", now)
        assert math.isfinite(scores.mean()) == known
        assert math.isfinite(scores.mean(Phase.ECCENTRIC)) == known


def test_what_cannot_be_seen_gives_its_weight_to_the_rest() -> None:
    result = scorer().evaluate(frame(Measurement(0.4, 0.0), HIDDEN), Phase.ECCENTRIC, 0.5, 0.0)
    assert result.d == pytest.approx(1.0)


def test_too_little_weight_abstains_with_the_reason() -> None:
    result = scorer().evaluate(frame(HIDDEN, Measurement(0.0, 0.0)), Phase.ECCENTRIC, 0.5, 0.0)
    assert math.isnan(result.d)
    assert result.reason is Reason.OCCLUDED


def test_a_view_from_which_it_cannot_be_seen() -> None:
    seen = frame(Measurement(0.4, 0.0), Measurement(0.5, 0.0))
    for view in (math.radians(90), math.radians(-75), math.nan):
        result = scorer().evaluate(seen, Phase.ECCENTRIC, 0.5, view)
        assert result.d == pytest.approx(1.0)
        assert result.terms[1].measured.reason is Reason.VIEW
    assert scorer().evaluate(seen, Phase.ECCENTRIC, 0.5, math.radians(-50)).d > 3.0


@pytest.mark.parametrize(
    ("counts", "value", "expected"), [("above", -0.3, 0.0), ("below", -0.03, 0.5), ("below", 9.0, 0.0)]
)
def test_deviations_that_do_not_count(counts: str, value: float, expected: float) -> None:
    result = scorer(counts).evaluate(
        frame(Measurement(0.2, 0.0), Measurement(value, 0.0)), Phase.ECCENTRIC, 0.5, 0.0
    )
    assert result.d == pytest.approx(expected)


def test_sides_share_a_weight_and_a_hidden_side_leaves_it_to_the_other() -> None:
    lean, shift = Measurement(0.2, 0.0), Measurement(0.0, 0.0)
    both = frame(lean, shift, Measurement(0.02, 0.0), Measurement(0.0, 0.0))
    assert scorer().evaluate(both, Phase.CONCENTRIC, 0.5, 0.0).d == pytest.approx(math.sqrt(2 / 8))
    one = frame(lean, shift, Measurement(0.02, 0.0), HIDDEN)
    assert scorer().evaluate(one, Phase.CONCENTRIC, 0.5, 0.0).d == pytest.approx(math.sqrt(4 / 8))


def test_a_phase_without_ideals_has_no_d_and_no_reason() -> None:
    result = scorer().evaluate(frame(Measurement(0.2, 0.0)), Phase.SETUP, 0.5, 0.0)
    assert math.isnan(result.d)
    assert result.reason is Reason.NONE


def test_means_are_over_time_and_by_phase() -> None:
    mean = PhaseMean()
    mean.add(Phase.ECCENTRIC, 1.0, 0.1)
    mean.add(Phase.ECCENTRIC, 3.0, 0.3)
    mean.add(Phase.CONCENTRIC, 0.5, 0.4)
    mean.add(Phase.CONCENTRIC, math.nan, 5.0)
    assert mean.mean(Phase.ECCENTRIC) == pytest.approx(2.5)
    assert mean.mean(Phase.CONCENTRIC) == pytest.approx(0.5)
    assert mean.mean() == pytest.approx(1.5)
    assert math.isnan(mean.mean(Phase.HOLD))
