"""Controls to bones, and the solver that finds controls."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinecue.body.errors import KineCueError
from kinecue.body.landmarks import Landmark
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import ArmRig, Rig, mirrored, mirrored_figure, mirrored_rig
from kinecue.simulation.movement.skeleton import Skeleton
from kinecue.simulation.movement.solve import Goal, solve

ANGLES = st.floats(-0.8, 0.8)
CONTROLS = (
    "pelvis_yaw", "pelvis_pitch", "pelvis_roll", "spine_flexion", "spine_lateral", "spine_axial", "neck_axial",
    "shoulder_flexion_l", "shoulder_flexion_r", "shoulder_abduction_l", "shoulder_rotation_r", "elbow_flexion_l",
    "supination_r", "shrug_l", "protract_r", "knee_in_l", "toe_out_r",
)  # fmt: skip
STANDING = {"pelvis_z": 0.85, "foot_out": 0.15}


@cache
def skeleton(preset: str = "average_man") -> Skeleton:
    return Skeleton(Athlete(preset))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(ANGLES, min_size=len(CONTROLS), max_size=len(CONTROLS)),
    st.sampled_from(["free", "grip", "palm"]),
)
def test_mirrored_controls_give_the_mirrored_body(values, mode):
    controls = {
        **STANDING,
        **dict(zip(CONTROLS, values, strict=True)),
        "hand_x": 0.35,
        "hand_out": 0.2,
        "hand_z": 1.0,
    }
    rig = Rig((ArmRig(mode), ArmRig()))
    body = skeleton().figure(controls, rig)
    twin = skeleton().figure(mirrored(controls), mirrored_rig(rig))
    expected = mirrored_figure(body)
    for name, points in expected.points.items():
        assert twin.points[name] == pytest.approx(points, abs=1e-6), name


@settings(max_examples=40, deadline=None)
@given(st.lists(ANGLES, min_size=len(CONTROLS), max_size=len(CONTROLS)))
def test_segments_never_change_and_the_posed_mesh_has_the_same_joints(values):
    own = skeleton()
    body = own.figure({**STANDING, **dict(zip(CONTROLS, values, strict=True))}, Rig())
    for a, b, length in (
        ("hip", "knee", own.lengths.thigh),
        ("knee", "ankle", own.lengths.shank),
        ("shoulder", "elbow", own.lengths.upper_arm),
        ("elbow", "wrist", own.lengths.forearm),
    ):
        assert np.linalg.norm(body.pair(a) - body.pair(b), axis=2) == pytest.approx(length, abs=1e-6)
    for rotation in body.rotations.values():
        assert rotation[0] @ rotation[0].T == pytest.approx(np.eye(3), abs=1e-9)
    landmarks = own.athlete.landmarks(own.athlete.transforms(body.pose(own.athlete, 0)))
    for name, point in (("left_knee", "knee_l"), ("right_wrist", "wrist_r"), ("left_heel", "heel_l")):
        assert landmarks[Landmark(name)] == pytest.approx(body.points[point][0], abs=1e-6)


def test_feet_stand_where_they_are_put_and_what_they_lack_is_said():
    heights = np.array([0.7, 0.8, 1.2])
    body = skeleton().figure({"pelvis_z": heights, "foot_out": 0.15}, Rig())
    lack = body.stretch["leg"]
    assert lack[:2] == pytest.approx(0.0, abs=1e-9)
    assert (lack[2] > 0.1).all()
    assert body.points["ankle_l"][0, :2] == pytest.approx([0.0, 0.15], abs=1e-9)
    assert body.points["heel_l"][0] == pytest.approx(body.points["heel_l"][1], abs=1e-9)


@pytest.mark.parametrize("lift", [0.0, 0.02, 0.06])
def test_a_lifted_heel_is_as_high_as_asked_and_the_ball_stays(lift):
    body = skeleton().figure({**STANDING, "heel_lift": np.array([0.0, lift])}, Rig())
    assert body.points["heel_l"][1, 2] - body.points["heel_l"][0, 2] == pytest.approx(lift, abs=1e-6)
    assert body.points["ball_l"][1] == pytest.approx(body.points["ball_l"][0], abs=1e-9)


def test_a_fist_is_around_what_it_holds():
    body = skeleton().figure(
        {**STANDING, "hand_x": 0.4, "hand_out": 0.22, "hand_z": 1.1}, Rig.both(ArmRig("grip"))
    )
    assert body.points["grip_l"][0] == pytest.approx([0.4, 0.22, 1.1], abs=1e-6)
    assert body.points["grip_r"][0] == pytest.approx([0.4, -0.22, 1.1], abs=1e-6)


def test_angles_of_a_free_arm_are_what_they_are_called():
    for flexion, abduction, place in (
        (0.0, 0.0, [0.0, 0.0, -1.0]),
        (90.0, 0.0, [1.0, 0.0, 0.0]),
        (0.0, 90.0, [0.0, 1.0, 0.0]),
    ):
        controls = {
            **STANDING,
            "shoulder_flexion": math.radians(flexion),
            "shoulder_abduction": math.radians(abduction),
        }
        body = skeleton().figure(controls, Rig())
        upper = body.points["elbow_l"][0] - body.points["shoulder_l"][0]
        assert upper / np.linalg.norm(upper) == pytest.approx(place, abs=1e-9)


def squatting(count: int) -> tuple[dict[str, np.ndarray], list[Goal], tuple[str, ...]]:
    knee = np.radians(np.linspace(5.0, 110.0, count))
    by = ("pelvis_x", "pelvis_y", "pelvis_z", "pelvis_pitch", "pelvis_roll")
    controls = {**{n: np.zeros(count) for n in by}, "foot_out": np.full(count, 0.18)}
    controls["pelvis_z"] += 0.8
    goals = [
        Goal("knee_flexion_left", knee),
        Goal("knee_flexion_right", knee),
        Goal("hip_shift", np.zeros(count)),
        Goal("balance", np.full(count, 0.04)),
        Goal("trunk_lean", np.radians(np.linspace(4.0, 35.0, count))),
    ]
    return controls, goals, by


@pytest.mark.parametrize("preset", ["average_man", "short", "long_femur"])
def test_the_solver_reaches_all_goals_with_feet_in_place(preset):
    controls, goals, by = squatting(30)
    solved, error = solve(skeleton(preset), controls, Rig(), by, goals)
    assert error.max() < 1e-6
    body = skeleton(preset).figure(solved, Rig())
    for goal in goals:
        assert measures.value(str(goal.measure), body) == pytest.approx(goal.value, abs=1e-6)
    assert np.ptp(body.points["heel_l"], axis=0).max() < 1e-9


def test_a_moment_is_solved_the_same_alone_and_in_company():
    controls, goals, by = squatting(12)
    together, _ = solve(skeleton(), controls, Rig(), by, goals)
    alone, _ = solve(
        skeleton(),
        {k: v[5:6] for k, v in controls.items()},
        Rig(),
        by,
        [Goal(g.measure, g.value[5:6]) for g in goals],
    )
    for name in by:
        assert alone[name][0] == pytest.approx(together[name][5], abs=1e-7)


def test_what_no_body_can_do_is_said_by_the_error_that_is_left():
    controls, goals, by = squatting(3)
    goals[4] = Goal("knee_flexion", np.radians([100.0, 20.0, 60.0]))
    assert solve(skeleton(), controls, Rig(), by, goals)[1].max() > 0.1


def test_an_unknown_measure_is_refused_with_those_there_are():
    body = skeleton().figure(STANDING, Rig())
    with pytest.raises(KineCueError, match=r"balance.*knee_flexion.*got 'knee'"):
        measures.value("knee", body)
    with pytest.raises(KineCueError, match="got 'balance_left'"):
        measures.value("balance_left", body)
