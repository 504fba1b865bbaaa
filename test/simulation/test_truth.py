"""The truth against the scoring: the same names mean the same numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinecue.body import BLAZEPOSE_33, Body
from kinecue.exercise.features import FEATURES, FeatureComputer
from kinecue.exercise.results import Phase, Side
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.gym import Gym
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan, Tempo
from kinecue.simulation.programmes import PROGRAMMES, MachinePart, Programme
from kinecue.simulation.truth import JOINTS, RELATIVE

SUFFIX = {Side.LEFT: "_left", Side.RIGHT: "_right", Side.NONE: ""}
FAST = Tempo(0.5, 0.1, 0.5, 0.1)


def body_of(positions: np.ndarray) -> Body:
    """A body whose landmarks are the true ones."""
    return Body(
        "a",
        0,
        BLAZEPOSE_33,
        np.zeros((33, 2)),
        np.zeros(33),
        positions,
        np.zeros((33, 3, 3)),
        np.full(33, 2, np.uint8),
        1.0,
        (640, 480),
    )


SAME = {
    "ankle_dorsiflexion", "body_line", "elbow_ahead", "elbow_drift", "elbow_flexion", "elbow_flexion_asymmetry",
    "foot_shift", "forearm_tilt", "heel_rise", "hip_adduction", "hip_drop", "hip_flexion", "hip_shift",
    "knee_flexion", "knee_flexion_asymmetry", "knee_separation_ratio", "shank_tilt", "shoulder_abduction",
    "shoulder_flexion", "trunk_lateral_lean", "trunk_lean", "trunk_rotation", "trunk_swing", "upper_arm_tilt",
}  # fmt: skip
"""Defined by the same joints in the same way; others need what a camera does not see (grips, the foot's own axis)."""


@pytest.mark.parametrize("exercise", sorted(EXERCISES))
def test_angles_are_those_of_the_scoring(exercise):
    first_fault = min(EXERCISES[exercise].faults)
    kind = EXERCISES[exercise].faults[first_fault]
    plan = SetPlan(2, None, (PlantedFault(first_fault, (1,), 0.5 * kind.limit),), still_s=0.3, after_s=0.2)
    gym = Gym(Programme("x", exercise, "average_woman", plan=plan, view=0.7))
    computer = FeatureComputer(sorted(SAME))
    start = gym.performance.timeline.repetitions[0].start_s
    start_points = computer.measure(body_of(gym.truth(start).positions)).points
    compared = set()
    for truth in gym.truths(np.linspace(0.0, gym.duration_s, 9)):
        known = {**truth.angles, **truth.measures}
        frame = computer.measure(body_of(truth.positions), start_points)
        for (name, side), measured in frame.measurements.items():
            full = f"{name}{SUFFIX[side]}"
            if full in known and math.isfinite(measured.value):
                compared.add(name)
                difference = known[full] - measured.value
                if FEATURES[name].unit == "rad":
                    difference = math.remainder(difference, 2.0 * math.pi)
                assert difference == pytest.approx(0.0, abs=1e-6), (full, truth.time_s)
    assert compared == SAME


def test_what_is_compared_is_known_to_the_truth():
    gym = Gym(PROGRAMMES["clean_squat"])
    truth = gym.truth(0.0)
    known = {n.removesuffix("_left").removesuffix("_right") for n in (*truth.angles, *truth.measures)}
    assert known >= SAME
    assert set(RELATIVE) <= known


def test_relative_quantities_are_zero_in_the_start_position():
    gym = Gym(PROGRAMMES["sample_curl"])
    truth = gym.truth(gym.performance.timeline.repetitions[0].start_s)
    for name in RELATIVE:
        both = [v for n, v in {**truth.angles, **truth.measures}.items() if n.startswith(name)]
        assert both == pytest.approx([0.0] * len(both), abs=1e-9)


def test_states_name_phase_repetition_kind_and_faults():
    plan = SetPlan(
        3,
        FAST,
        (PlantedFault("knees_in", (2,), 0.3, "left"), PlantedFault("too_shallow", (1,), 0.2)),
        still_s=0.3,
        after_s=0.2,
        variation=0.0,
        partial={2: 0.6},
        failed=(3,),
    )
    gym = Gym(Programme("x", "squat", plan=plan))
    first, second, third = gym.performance.timeline.repetitions

    def state(time_s: float):
        return gym.truth(time_s).state

    begin = state(0.1)
    assert (begin.phase, begin.repetition, begin.kind, begin.faults, begin.counted) == ("setup", 0, "", {}, 0)
    assert state((first.start_s + first.turn_s) / 2).phase == "eccentric"
    turn = state(first.turn_s)
    assert (turn.phase, turn.kind) == ("bottom", "full")
    assert turn.faults["too_shallow"] == pytest.approx((0.2, 0.2))
    assert state(first.back_s + 0.25).phase == "concentric"
    second_turn = state(second.turn_s)
    assert (second_turn.repetition, second_turn.kind, second_turn.counted) == (2, "partial", 1)
    assert second_turn.faults["knees_in"] == pytest.approx((0.3, 0.0), abs=1e-6)
    assert second_turn.magnitudes == {"knees_in": pytest.approx(0.3, abs=1e-6)}
    end = state(gym.duration_s)
    assert (end.repetition, end.kind, end.counted) == (3, "failed", 1)
    assert third.end_s < gym.duration_s


def test_phases_are_those_of_the_scoring():
    for exercise in EXERCISES.values():
        assert {phase.upper() for phase in exercise.phases.values()} <= set(Phase.__members__)


def test_handles_lengths_and_speeds_of_cables_belong_together():
    gym = Gym(PROGRAMMES["sample_curl"])
    times = np.arange(2.5, 4.5, 0.02)
    truths = gym.truths(times)
    lengths = np.array([t.cable_m[0] for t in truths])
    assert lengths == pytest.approx([np.linalg.norm(t.handles[0] - gym.pulleys[0]) for t in truths])
    speeds = np.array([t.cable_speed[0] for t in truths])
    assert speeds[1:-1] == pytest.approx((lengths[2:] - lengths[:-2]) / 0.04, abs=0.02)
    assert np.ptp(lengths) > 0.2
    assert gym.handles(times)[:, 0] == pytest.approx(np.array([t.handles[0] for t in truths]))
    # the load that is set, where nobody knows the machine
    assert [float(t.tension[0]) for t in truths] == pytest.approx([20.0 * 9.80665] * len(truths))


def test_joint_centres_move_with_the_body_and_keep_their_distances():
    gym = Gym(PROGRAMMES["sample_squat"])
    rows = {name: i for i, name in enumerate(JOINTS)}
    truths = gym.truths(np.linspace(2.0, 6.0, 12))
    for a, b in (("spine_01", "spine_02"), ("neck_01", "head"), ("spine_03", "clavicle_l")):
        lengths = [np.linalg.norm(t.joints[rows[a]] - t.joints[rows[b]]) for t in truths]
        assert np.ptp(lengths) < 1e-6
    hips = [BLAZEPOSE_33.index(mark) for mark in BLAZEPOSE_33.landmarks if mark.value.endswith("_hip")]
    for t in truths:
        assert t.joints[rows["pelvis"]] == pytest.approx(t.positions[hips].mean(0))


def test_an_exercise_without_a_cable_has_none():
    gyms = (Gym(Programme("x", e, plan=SetPlan(1))) for e in sorted(EXERCISES, reverse=True))
    gym = next((g for g in gyms if not g.equipment.cables), None)
    if gym is None:
        pytest.skip("all exercises have one")
    truth = gym.truth(0.0)
    assert truth.handles.shape == (0, 3)
    assert truth.tension.shape == (0,)
    assert gym.handles([0.0, 1.0]).shape == (2, 0, 3)


def test_the_load_pulls_at_the_body():
    loaded, free = (
        Gym(Programme("x", "squat", plan=SetPlan(1, variation=0.0), machine=MachinePart(load_kg=kg))).truth(
            0.5
        )
        for kg in (30.0, 0.0)
    )
    carried = [sum(c.force for c in t.forces.contacts) for t in (loaded, free)]
    # the belt's cable pulls straight down
    assert carried[0] - carried[1] == pytest.approx([0.0, 0.0, 30.0 * 9.80665], abs=15.0)
