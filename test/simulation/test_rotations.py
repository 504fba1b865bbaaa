from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinecue.simulation.rotations import (
    FORWARD,
    LEFT,
    UP,
    frame,
    middle_joint,
    pitch,
    reach,
    roll,
    slerp,
    yaw,
)


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


def test_a_limb_that_cannot_reach_points_at_the_end_and_is_straight():
    joint = middle_joint(np.zeros(3), np.array([0.0, 0.0, 1.0]), 0.4, 0.4, FORWARD)
    assert joint == pytest.approx([0.0, 0.0, 0.4], abs=1e-9)


@given(st.floats(-3, 3), st.floats(-1.4, 1.4))
def test_frame_is_a_rotation(a, b):
    f = frame(yaw(a) @ pitch(b) @ FORWARD, np.array([0.2, 0.3, 5.0]))
    assert f @ f.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(f) == pytest.approx(1.0)


@given(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5), st.floats(-3.1, 3.1), st.floats(0.0, 1.0))
def test_slerp_turns_at_constant_speed_from_start_to_end(a, b, c, share):
    start, end = yaw(a) @ pitch(b), roll(c) @ yaw(b)
    assert slerp(start, end, 0.0) == pytest.approx(start, abs=1e-9)
    assert slerp(start, end, 1.0) == pytest.approx(end, abs=1e-6)

    def angle(p, q):
        return math.acos(np.clip((np.trace(p.T @ q) - 1.0) / 2.0, -1.0, 1.0))

    assert angle(start, slerp(start, end, share)) == pytest.approx(share * angle(start, end), abs=1e-5)


def test_slerp_by_half_a_turn_arrives():
    assert slerp(np.eye(3), yaw(math.pi), 1.0) == pytest.approx(yaw(math.pi), abs=1e-9)
    assert slerp(np.eye(3), yaw(math.pi), 0.5)[2, 2] == pytest.approx(1.0)


def test_batches_give_what_single_calls_give():
    angles = np.linspace(-3.0, 3.0, 7)
    assert pitch(angles) == pytest.approx(np.stack([pitch(a) for a in angles]))
