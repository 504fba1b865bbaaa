"""What is assumed of people who have not been measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.body.anthropometry import LENGTH_NAMES, PROPORTION_STD, SegmentLengths, population

# de Leva 1996, table 4, and joint centre distances of men and women over their statures 1.741 and 1.735 m
DE_LEVA = {
    "thigh": (0.2425, 0.2124),
    "shank": (0.2493, 0.2486),
    "upper_arm": (0.1618, 0.1586),
    "forearm": (0.1545, 0.1523),
}


def test_arrays_and_lengths_are_the_same_thing() -> None:
    lengths = SegmentLengths.from_stature(1.6)
    assert LENGTH_NAMES[0] == "pelvis" and len(LENGTH_NAMES) == 7
    assert SegmentLengths.from_array(lengths.as_array()) == lengths


@pytest.mark.parametrize("name", sorted(DE_LEVA))
def test_men_and_women_of_de_leva_lie_within_the_stated_spread(name: str) -> None:
    known = population(1.74, 0.0)
    for share in DE_LEVA[name]:
        assert abs(share * 1.74 - getattr(known.lengths, name)) < 4.0 * getattr(known.std, name)
    middle = sum(DE_LEVA[name]) / 2.0 * 1.74
    assert abs(middle - getattr(known.lengths, name)) < 2.1 * getattr(known.std, name)


@given(st.floats(1.4, 2.1), st.floats(0.0, 0.15))
def test_the_spread_is_that_of_stature_and_of_proportions(stature: float, stature_std: float) -> None:
    known = population(stature, stature_std)
    assert known.lengths == SegmentLengths.from_stature(stature)
    np.linalg.cholesky(known.covariance)
    relative = known.std.as_array() / known.lengths.as_array()
    expected = np.sqrt(PROPORTION_STD.as_array() ** 2 + (stature_std / stature) ** 2)
    assert relative == pytest.approx(expected)
    # a leg that is longer because its owner is taller comes with longer arms
    i, j = LENGTH_NAMES.index("thigh"), LENGTH_NAMES.index("forearm")
    shared = known.covariance[i, j] / (known.std.thigh * known.std.forearm)
    assert shared == pytest.approx((stature_std / stature) ** 2 / (relative[i] * relative[j]))


def test_nothing_known_is_five_percent_of_stature_and_more() -> None:
    nobody = population()
    assert 0.06 < nobody.std.thigh / nobody.lengths.thigh < 0.08
