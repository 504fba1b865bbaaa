from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.perception.detector import Detection, anchors, decode, suppress


def raw(count=1):
    return np.zeros((count, 12), np.float32), np.full(count, -50.0, np.float32)


def test_anchor_grid():
    """28 x 28 cells with 2 anchors, 14 x 14 with 2, and 7 x 7 with 6 (three layers of stride 32)."""
    grid = anchors(224)
    assert grid.shape == (28 * 28 * 2 + 14 * 14 * 2 + 7 * 7 * 6, 2) == (2254, 2)
    np.testing.assert_allclose(grid[0], [0.5 / 28, 0.5 / 28])
    np.testing.assert_allclose(grid[2], [1.5 / 28, 0.5 / 28])
    np.testing.assert_allclose(grid[28 * 28 * 2], [0.5 / 14, 0.5 / 14])
    np.testing.assert_allclose(grid[-1], [6.5 / 7, 6.5 / 7])


def test_decode_known_numbers():
    boxes, logits = raw(2)
    boxes[1] = [10, -10, 40, 80, 0, 0, 0, -100, 5, 5, 0, 0]
    logits[1] = np.log(3.0)  # sigmoid 0.75
    (found,) = decode(boxes, logits, np.array([[0.0, 0.0], [0.5, 0.5]]), 200)
    assert found.score == pytest.approx(0.75)
    np.testing.assert_allclose(found.box, [0.45, 0.25, 0.65, 0.65])
    np.testing.assert_allclose(
        found.keypoints, [[0.5, 0.5], [0.5, 0.0], [0.525, 0.525], [0.5, 0.5]], atol=1e-7
    )


def test_decode_leaves_out_low_scores_and_what_is_no_number():
    boxes, logits = raw(4)
    logits[:] = [-0.1, 5.0, np.nan, np.inf]
    boxes[1, 3] = np.nan
    assert decode(boxes, logits, np.full((4, 2), 0.5), 224) == []


def person(score, left, top=0.0, size=0.2):
    box = np.array([left, top, left + size, top + size])
    return Detection(score, box, np.full((4, 2), left))


def test_overlapping_detections_are_averaged_by_score():
    """Two boxes a tenth of a box apart, scores 0.9 and 0.6: weights 0.6 and 0.4."""
    merged, other = suppress([person(0.9, 0.10), person(0.7, 0.60), person(0.6, 0.12)])
    assert merged.score == 0.9
    np.testing.assert_allclose(merged.box, [0.108, 0.0, 0.308, 0.2])
    np.testing.assert_allclose(merged.keypoints, 0.108)
    np.testing.assert_allclose(other.box, [0.6, 0.0, 0.8, 0.2])


def test_boxes_without_area_end():
    assert len(suppress([person(0.9, 0.1, size=0.0), person(0.8, 0.1, size=0.0)])) == 2


@given(
    st.lists(st.tuples(st.floats(0.5, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5)), max_size=12)
)
def test_suppression_leaves_people_apart(values):
    candidates = sorted((person(*value) for value in values), key=lambda c: -c.score)
    people = suppress(candidates)
    assert bool(people) == bool(candidates)
    assert [p.score for p in people] == sorted((p.score for p in people), reverse=True)
    assert len(people) <= len(candidates)


def test_region_of_a_detection():
    keypoints = np.array([[100.0, 200.0], [100.0, 100.0], [0.0, 0.0], [0.0, 0.0]])
    region = Detection(0.9, np.zeros(4), keypoints).region
    assert (region.x, region.y, region.size, region.angle) == (100.0, 200.0, 250.0, 0.0)
