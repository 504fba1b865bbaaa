from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.simulation.rotations import FORWARD, LEFT, UP, frame, middle_joint, pitch, reach, roll, yaw


def test_signs():
    assert pitch(math.pi / 2) @ UP == pytest.approx(FORWARD, abs=1e-12)
    assert yaw(math.pi / 2) @ FORWARD == pytest.approx(LEFT, abs=1e-12)
    assert roll(math.pi / 2) @ UP == pytest.approx(-LEFT, abs=1e-12)


def test_reach_of_a_straight_a_folded_and_a_right_angled_limb():
    assert reach(0.4, 0.3, 0.0) == pytest.approx(0.7)
    assert reach(0.4, 0.3, math.pi) == pytest.approx(0.1)
    assert reach(0.4, 0.3, math.pi / 2) == pytest.approx(0.5)


@given(st.floats(0.05, 2.8), st.floats(0.2, 0.5), st.floats(0.2, 0.5), st.floats(-3.0, 3.0))
def test_middle_joint_keeps_both_lengths_and_lies_on_the_side_of_the_pole(flexion, upper, lower, turn):
    start = np.array([0.1, -0.2, 0.9])
    end = start + reach(upper, lower, flexion) * (yaw(turn) @ pitch(0.7) @ FORWARD)
    pole = np.array([0.3, 0.2, 1.0])
    joint = middle_joint(start, end, upper, lower, pole)
    assert np.linalg.norm(joint - start) == pytest.approx(upper, abs=1e-9)
    assert np.linalg.norm(joint - end) == pytest.approx(lower, abs=1e-9)
    along = (end - start) / np.linalg.norm(end - start)
    aside = joint - start - ((joint - start) @ along) * along
    assert aside @ pole >= -1e-9


def test_what_is_out_of_reach_is_refused():
    with pytest.raises(ValueError, match="cannot reach"):
        middle_joint(np.zeros(3), np.array([0.0, 0.0, 1.0]), 0.4, 0.4, FORWARD)


@given(st.floats(-3, 3), st.floats(-1.4, 1.4))
def test_frame_is_a_rotation(a, b):
    f = frame(yaw(a) @ pitch(b) @ FORWARD, np.array([0.2, 0.3, 5.0]))
    assert f @ f.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(f) == pytest.approx(1.0)
