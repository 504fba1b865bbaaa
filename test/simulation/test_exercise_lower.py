"""Known answers about the lower-body exercises: depth, bar path, hinge, steps, swing, and what is held."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.gear.equipment import HERE
from kinecue.simulation.gear.free_weights import PLATE_RADIUS, bell_radius
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan

PRESETS = ("average_man", "short", "long_femur")


@cache
def repetition(exercise: str, preset: str = "average_man") -> tuple[Performance, Figure, np.ndarray]:
    """A clean repetition: the performance, 21 moments on the way out, their progress."""
    plan = SetPlan(1, still_s=0.3, after_s=0.3, variation=0.0, side="left")
    performance = Performance(Athlete(preset), EXERCISES[exercise], plan)
    first = performance.timeline.repetitions[0]
    times = np.linspace(first.start_s, first.turn_s + 1e-3, 21)
    return performance, performance.figure(times), performance.moments(times).progress


def degrees(name: str, figure: Figure) -> np.ndarray:
    return np.degrees(measures.value(name, figure))


def with_fault(exercise: str, fault: str, magnitude: float) -> Performance:
    plan = SetPlan(
        1,
        still_s=0.3,
        after_s=0.3,
        variation=0.0,
        side="left",
        faults=(PlantedFault(fault, (1,), magnitude),),
    )
    return Performance(Athlete("average_man"), EXERCISES[exercise], plan)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("exercise", ["squat", "goblet_squat"])
def test_squats_go_down_to_level_thighs_or_below(exercise, preset):
    figure = repetition(exercise, preset)[1]
    hip, knee = figure.mid_hip[-1, 2], figure.middle("knee")[-1, 2]
    # from hip centre to knee centre; the thigh's upper side, which coaches look at, is lower at the hip
    assert hip < knee + 0.10
    assert degrees("knee_flexion", figure)[-1] > 110.0


def test_long_thighs_lean_more_in_a_squat():
    lean = {
        p: degrees("trunk_lean", repetition("goblet_squat", p)[1])[-1] for p in ("long_femur", "short_femur")
    }
    assert lean["long_femur"] > lean["short_femur"] + 8.0


def test_a_goblet_squat_is_more_upright_than_the_same_posture_without_a_bell():
    # the same knees and shanks, but the load before the chest takes the hips' place in the balance
    figure = repetition("goblet_squat")[1]
    assert degrees("trunk_lean", figure)[-1] < degrees("trunk_lean", repetition("squat")[1])[-1] + 1.0


@pytest.mark.parametrize("preset", PRESETS)
def test_the_bell_of_a_goblet_squat_touches_the_chest(preset):
    performance, figure, _ = repetition("goblet_squat", preset)
    athlete, bell = performance.athlete, performance.technique.equipment
    for n in (0, 10, 20):
        transforms = athlete.transforms(figure.pose(athlete, n))
        weight = bell.weights(transforms)[0]
        gap = weight.point[0] - figure.mid_shoulder[n, 0]
        assert 0.08 < gap < 0.40
    assert np.ptp(measures.value("load_ahead", figure)) < 1e-6


@pytest.mark.parametrize("preset", [*PRESETS, "tall", "heavy", "short_arms"])
def test_the_bar_starts_on_the_floor_and_goes_straight_up_over_the_foot(preset):
    figure = repetition("deadlift", preset)[1]
    bar = figure.middle("grip")
    assert bar[0, 2] == pytest.approx(PLATE_RADIUS, abs=0.002)
    assert (np.diff(bar[:, 2]) > -1e-4).all()
    assert np.ptp(bar[:, 0]) < 0.002
    mid_foot = (figure.middle("heel") + figure.middle("toe"))[0, 0] / 2.0
    assert bar[0, 0] == pytest.approx(mid_foot, abs=0.035)
    # arms hang straight, shoulders over the bar or a little ahead of it
    assert degrees("elbow_flexion", figure).max() < 10.0
    assert 0.0 < (figure.mid_shoulder - bar)[0, 0] < 0.16
    # the hips are between knees and shoulders, and the athlete ends upright
    assert figure.middle("knee")[0, 2] < figure.mid_hip[0, 2] < figure.mid_shoulder[0, 2]
    assert abs(degrees("trunk_lean", figure)[-1]) < 3.0
    assert degrees("knee_flexion", figure)[-1] < 6.0


def test_the_knees_are_out_of_the_way_when_the_bar_passes_them():
    _, figure, _ = repetition("deadlift")
    bar, knee = figure.middle("grip"), figure.middle("knee")
    passing = int(np.abs(bar[:, 2] - knee[:, 2]).argmin())
    assert bar[passing, 0] - knee[passing, 0] > 0.07


def test_hips_and_shoulders_rise_together_unless_the_hips_rise_first():
    performance = with_fault("deadlift", "hips_rise_first", math.radians(14.0))
    first = performance.timeline.repetitions[0]
    times = np.linspace(first.start_s, first.turn_s, 60)
    bad, good = performance.figure(times), performance.clean_figure(performance.moments(times))
    early = int(np.argmin(np.abs(performance.moments(times).progress - 0.2)))
    assert bad.mid_hip[early, 2] > good.mid_hip[early, 2] + 0.02
    # the bar lags behind the hips, but it does not sink
    bars = bad.middle("grip")[:, 2], good.middle("grip")[:, 2]
    assert bars[0][early] < bars[1][early]
    assert np.diff(bars[0]).min() > -0.002


def test_hyperextension_comes_at_the_top_only():
    performance = with_fault("deadlift", "hyperextended", math.radians(10.0))
    first = performance.timeline.repetitions[0]
    figure = performance.figure([first.start_s, first.turn_s + 1e-3])
    lean = degrees("trunk_lean", figure) - degrees("trunk_lean", repetition("deadlift")[1])[[0, -1]]
    assert lean == pytest.approx([0.0, -10.0], abs=0.1)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_romanian_deadlift_hinges_at_the_hips_over_still_shanks(preset):
    _, figure, _ = repetition("romanian_deadlift", preset)
    knee, hip = degrees("knee_flexion", figure), degrees("hip_flexion", figure)
    assert knee.max() < 20.0
    assert np.ptp(hip) > 75.0
    assert np.abs(degrees("shank_tilt", figure)).max() < 5.0
    bar = figure.middle("grip")
    assert np.ptp(bar[:, 0]) < 0.002
    assert bar[-1, 2] < figure.middle("knee")[-1, 2]
    assert figure.mid_hip[-1, 0] < figure.mid_hip[0, 0] - 0.08


@pytest.mark.parametrize("exercise", ["forward_lunge", "reverse_lunge"])
@pytest.mark.parametrize("preset", PRESETS)
def test_lunges_step_and_go_down_on_both_legs(exercise, preset):
    performance, figure, progress = repetition(exercise, preset)
    lengths = performance.athlete.lengths
    feet = figure.points["ball_l"][:, 0] - figure.points["ball_r"][:, 0]
    assert feet[0] == pytest.approx(0.0, abs=1e-6)
    assert feet[-1] == pytest.approx(0.86 * (lengths.thigh + lengths.shank), abs=0.01)
    moving, still = ("l", "r") if exercise == "forward_lunge" else ("r", "l")
    height = figure.points[f"ball_{moving}"][:, 2]
    assert height.max() > height[0] + 0.03
    assert np.ptp(figure.points[f"ball_{still}"], axis=0).max() < 1e-6
    landed = progress >= 0.5
    assert np.ptp(figure.points[f"ball_{moving}"][landed], axis=0).max() < 1e-3
    # the front thigh is level, the rear knee near the floor and not in it
    assert abs(figure.points["hip_l"][-1, 2] - figure.points["knee_l"][-1, 2]) < 0.08
    assert 0.06 < figure.points["knee_r"][-1, 2] < 0.20
    assert degrees("knee_flexion_right", figure)[-1] > 85.0
    assert abs(degrees("trunk_lean", figure)[-1]) < 15.0


def test_lunges_change_legs():
    plan = SetPlan(2, still_s=0.3, after_s=0.3, variation=0.0)
    performance = Performance(Athlete("average_man"), EXERCISES["forward_lunge"], plan)
    figure = performance.figure([r.turn_s + 1e-3 for r in performance.timeline.repetitions])
    ahead = figure.points["ball_l"][:, 0] - figure.points["ball_r"][:, 0]
    assert ahead[0] > 0.4
    assert ahead[1] == pytest.approx(-ahead[0], abs=1e-6)


def test_a_swing_is_a_hinge_that_throws_the_bell_to_the_chest():
    performance, _, _ = repetition("kettlebell_swing")
    first = performance.timeline.repetitions[0]
    times = np.linspace(first.turn_s, first.end_s - 1e-6, 41)
    figure = performance.figure(times)
    hip, knee = degrees("hip_flexion", figure), degrees("knee_flexion", figure)
    assert np.ptp(hip) > 2.0 * np.ptp(knee)
    assert knee.max() < 50.0
    bell = figure.middle("grip")
    assert bell[0, 0] < figure.middle("knee")[0, 0]
    shoulder = figure.mid_shoulder[-1, 2]
    assert shoulder - 0.25 < bell[-1, 2] < shoulder + 0.05
    # arms are ropes: straight all the way; the hips are through before the arms pass 40 degrees
    assert degrees("elbow_flexion", figure).max() < 10.0
    late = degrees("arm_swing", figure) > 40.0
    assert degrees("trunk_lean", figure)[late].max() < 8.0


def test_the_bell_hangs_before_the_first_and_after_the_last_swing():
    plan = SetPlan(2, still_s=1.0, after_s=1.5, variation=0.0)
    performance = Performance(Athlete("average_man"), EXERCISES["kettlebell_swing"], plan)
    end = performance.timeline.repetitions[-1].end_s
    figure = performance.figure([0.5, end, end + 1.2])
    swing = degrees("arm_swing", figure)
    assert swing[0] == pytest.approx(22.0, abs=0.5)
    assert swing[1] == pytest.approx(82.0, abs=0.5)
    assert swing[2] == pytest.approx(22.0, abs=0.5)


def test_squatting_a_swing_bends_the_knees_and_leaves_the_trunk():
    performance = with_fault("kettlebell_swing", "squatting", math.radians(30.0))
    figure = performance.figure([performance.timeline.repetitions[0].turn_s])
    good = repetition("kettlebell_swing")[1]
    assert degrees("knee_flexion", figure)[0] == pytest.approx(
        degrees("knee_flexion", good)[-1] + 30.0, abs=0.5
    )
    assert degrees("trunk_lean", figure)[0] == pytest.approx(degrees("trunk_lean", good)[-1], abs=0.5)


@pytest.mark.parametrize(
    ("exercise", "share"),
    [("deadlift", 0.8), ("romanian_deadlift", 0.6), ("goblet_squat", 0.2), ("kettlebell_swing", 0.2)],
)
@pytest.mark.parametrize("preset", PRESETS)
def test_loads_follow_the_body_mass_and_hang_in_the_hands(exercise, share, preset):
    performance, figure, _ = repetition(exercise, preset)
    athlete = performance.athlete
    # a bar lies on the floor at first
    held = len(figure) // 2
    transforms = athlete.transforms(figure.pose(athlete, held))
    (weight,) = performance.technique.equipment.weights(transforms)
    assert weight.mass == pytest.approx(share * athlete.mass, abs=10.0)
    assert weight.hands == ("grip_l", "grip_r")
    assert np.linalg.norm(weight.point - figure.middle("grip")[held]) < 0.25


@pytest.mark.parametrize("preset", PRESETS)
def test_plates_stand_on_the_floor_and_reach_over_the_legs(preset):
    performance, figure, _ = repetition("deadlift", preset)
    athlete = performance.athlete
    mesh = performance.technique.equipment.props(athlete.transforms(figure.pose(athlete, 0)), HERE)
    assert mesh.vertices[:, 2].min() == pytest.approx(0.0, abs=0.003)
    assert 1.9 < np.ptp(mesh.vertices[:, 1]) < 2.3


def test_bells_grow_with_the_cube_root_of_their_mass():
    assert bell_radius(32.0) == pytest.approx(bell_radius(4.0) * 2.0)
    assert 0.08 < bell_radius(16.0) < 0.105
