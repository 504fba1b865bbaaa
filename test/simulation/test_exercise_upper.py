"""Exercises of the upper body: known answers about their paths, their bodies on seats, their cables."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.exercises.reference import surface
from kinecue.simulation.gear.equipment import HERE
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan

UPPER = (
    "biceps_curl",
    "cable_chest_press",
    "cable_row",
    "lat_pulldown",
    "overhead_press",
    "shoulder_abduction",
    "triceps_pushdown",
)
EXTREME = ("short", "tall", "heavy", "long_arms", "short_arms", "broad_shoulders")
SEATED = ("cable_chest_press", "cable_row", "lat_pulldown")
BARS = ("biceps_curl", "lat_pulldown", "overhead_press", "triceps_pushdown", "cable_row")


@cache
def athlete(preset: str) -> Athlete:
    return Athlete(preset)


def perform(
    exercise: str, preset: str = "average_man", faults: tuple[PlantedFault, ...] = (), **plan
) -> Performance:
    given = {"variation": 0.0, "still_s": 0.2, "after_s": 0.2, **plan}
    return Performance(athlete(preset), EXERCISES[exercise], SetPlan(1, faults=faults, **given))


@cache
def way_out(exercise: str, preset: str = "average_man", fault: str = "", share: float = 1.0) -> Figure:
    """Thirteen moments, even in time, from the start to the turning point."""
    faults: tuple[PlantedFault, ...] = ()
    if fault:
        faults = (PlantedFault(fault, (1,), share * EXERCISES[exercise].faults[fault].limit),)
    performance = perform(exercise, preset, faults)
    first = performance.timeline.repetitions[0]
    return performance.figure(np.linspace(first.start_s, first.turn_s, 13))


def degrees(name: str, figure: Figure) -> np.ndarray:
    return np.degrees(measures.value(name, figure))


@pytest.mark.parametrize("preset", EXTREME)
@pytest.mark.parametrize("exercise", UPPER)
def test_every_body_can_do_it_tired_and_shaky(exercise, preset):
    performance = perform(exercise, preset, variation=3.0, fatigue=1.0, seed=5)
    times = np.linspace(0.0, performance.duration_s, 25)
    assert len(performance.figure(times)) == 25


@pytest.mark.parametrize("preset", EXTREME)
@pytest.mark.parametrize("exercise", BARS)
def test_hands_keep_their_place_on_a_bar(exercise, preset):
    figure = way_out(exercise, preset)
    width = measures.value("grip_width", figure)
    assert np.ptp(width) < 0.003
    assert np.abs(degrees("bar_tilt", figure)).max() < 0.1


@pytest.mark.parametrize("exercise", UPPER)
def test_fists_are_closed(exercise):
    assert way_out(exercise).grip.min() > 0.95


# -- curl ------------------------------------------------------------------------------------------------------


def test_curl_bends_the_elbows_alone():
    figure = way_out("biceps_curl")
    elbow = degrees("elbow_flexion", figure)
    assert elbow[0] == pytest.approx(12.0, abs=0.5) and elbow[-1] == pytest.approx(130.0, abs=0.5)
    assert np.ptp(degrees("shoulder_flexion", figure)) < 1.0
    assert np.ptp(degrees("trunk_lean", figure)) < 0.1
    # the elbow's place hardly changes while the hand goes up by more than half a metre
    assert np.ptp(figure.points["elbow_l"][:, 0]) < 0.02
    assert np.ptp(figure.points["grip_l"][:, 2]) > 0.45


def test_a_drifting_elbow_goes_ahead_on_its_side_only():
    fault = PlantedFault("elbow_drift", (1,), math.radians(30.0), "left")
    performance = perform("biceps_curl", faults=(fault,))
    figure = performance.figure([performance.timeline.repetitions[0].turn_s])
    ahead = figure.points["elbow_l"][0, 0] - figure.points["elbow_r"][0, 0]
    upper_arm = performance.athlete.lengths.upper_arm
    assert ahead == pytest.approx(
        upper_arm * (math.sin(math.radians(38.0)) - math.sin(math.radians(8.0))), abs=0.025
    )


# -- shoulder abduction ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["average_man", *EXTREME])
def test_arms_are_raised_sideways_to_the_height_of_the_shoulders(preset):
    figure = way_out("shoulder_abduction", preset)
    for side in ("left", "right"):
        abduction = degrees(f"shoulder_abduction_{side}", figure)
        assert abduction[0] == pytest.approx(13.0, abs=0.5) and abduction[-1] == pytest.approx(88.0, abs=0.5)
        assert np.ptp(degrees(f"elbow_flexion_{side}", figure)) < 3.0
    assert np.ptp(degrees("trunk_lean", figure)) < 0.1
    grips, shoulders = figure.pair("grip")[-1], figure.pair("shoulder")[-1]
    scale = athlete(preset).scale
    assert np.abs(grips[:, 2] - shoulders[:, 2]).max() < 0.08 * scale
    assert np.all(np.abs(grips[:, 1] - shoulders[:, 1]) > 0.4 * scale)


def test_dumbbells_hang_clear_of_the_thighs_and_weigh_a_twentieth_of_the_body():
    for preset in ("average_man", "heavy", "short"):
        body = athlete(preset)
        gear = EXERCISES["shoulder_abduction"].technique(body).equipment
        one = _moment(way_out("shoulder_abduction", preset), 0)
        weights = gear.weights(body.transforms(one.pose(body, 0)))
        assert [w.hands for w in weights] == [("grip_l",), ("grip_r",)]
        assert weights[0].mass == pytest.approx(0.05 * body.mass, abs=0.51)
        limbs = [j for bone, j in body.bone_index.items() if bone.startswith(_ARM)]
        used = np.unique(body.asset.faces["body"])
        skin = surface(body, one)[body.asset.weights[used][:, limbs].sum(1) < 0.05]
        for weight in weights:
            assert np.linalg.norm(skin - weight.point, axis=1).min() > 0.03


def test_raising_one_arm_higher_is_told_by_the_sign():
    figure = way_out("shoulder_abduction", fault="uneven")
    assert degrees("abduction_asymmetry", figure)[-1] == pytest.approx(40.0, abs=1.0)
    assert figure.points["elbow_l"][-1, 2] > figure.points["elbow_r"][-1, 2] + 0.1


# -- overhead press --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["average_man", *EXTREME])
def test_the_pressed_bar_ends_over_shoulders_and_feet(preset):
    figure = way_out("overhead_press", preset)
    scale = athlete(preset).scale
    bar = figure.middle("grip")[-1]
    assert bar[0] - figure.mid_shoulder[-1, 0] == pytest.approx(0.0, abs=0.02 * scale)
    assert 0.0 < bar[0] - figure.middle("ankle")[-1, 0] < 0.08 * scale
    assert degrees("elbow_flexion", figure)[-1] == pytest.approx(10.0, abs=0.5)
    # upright over the shoulders as far as the grip is wider than they are
    assert degrees("arm_from_vertical", figure)[-1] < 20.0


@pytest.mark.parametrize("preset", ["average_man", *EXTREME])
def test_the_pressed_bar_starts_before_the_neck_and_clears_the_face(preset):
    body = athlete(preset)
    performance = perform("overhead_press", preset)
    first = performance.timeline.repetitions[0]
    figure = performance.figure(np.linspace(first.start_s, first.turn_s, 9))
    height = measures.value("bar_height", figure)
    # chin, not forehead: the ears are a quarter of a metre over the shoulders
    assert 0.03 < height[0] / body.scale < 0.18
    assert np.all(np.diff(height) > 0.0)
    head = body.asset.weights[:, body.bone_index["head"]] > 0.5
    used = np.unique(body.asset.faces["body"])
    for n in range(len(figure)):
        one = Figure(
            {k: r[n : n + 1] for k, r in figure.rotations.items()},
            {k: p[n : n + 1] for k, p in figure.points.items()},
            figure.grip[n : n + 1],
            {k: s[n : n + 1] for k, s in figure.stretch.items()},
        )
        face = surface(body, one)[head[used]]
        bar = figure.middle("grip")[n]
        assert np.hypot(face[:, 0] - bar[0], face[:, 2] - bar[2]).min() > 0.018, n


def test_a_presser_stands_over_the_feet_with_the_bar():
    figure = way_out("overhead_press")
    assert np.ptp(measures.value("balance_with_bar", figure)) < 1e-4
    assert measures.value("balance_with_bar", figure)[0] == pytest.approx(0.034, abs=0.002)


def test_leg_drive_bends_and_straightens_the_knees_on_the_way_up():
    performance = perform("overhead_press", faults=(PlantedFault("leg_drive", (1,), math.radians(30.0)),))
    first = performance.timeline.repetitions[0]
    knee = degrees("knee_flexion", performance.figure(np.linspace(first.start_s, first.turn_s, 41)))
    assert knee.max() == pytest.approx(34.0, abs=0.5)
    assert knee[0] < 5.0 and knee[-1] < 5.0 and 8 <= knee.argmax() <= 17


def test_an_arched_back_leans_out_of_the_spine():
    arched, good = way_out("overhead_press", fault="back_arch"), way_out("overhead_press")
    assert degrees("trunk_lean", arched)[-1] < -20.0
    assert degrees("spine_flexion", arched)[-1] < degrees("spine_flexion", good)[-1] - 15.0


def test_the_bar_weighs_what_its_athlete_can_press():
    for preset in ("short", "average_man", "heavy"):
        body = athlete(preset)
        gear = EXERCISES["overhead_press"].technique(body).equipment
        figure = way_out("overhead_press", preset)
        weight = gear.weights(body.transforms(figure.pose(body, 0)))[0]
        assert weight.mass == pytest.approx(max(20.0, 0.4 * body.mass), abs=1.3)
        assert weight.point == pytest.approx(figure.middle("grip")[0], abs=1e-6)


# -- rows and pulldowns ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["average_man", *EXTREME])
def test_row_brings_the_handles_to_the_belly(preset):
    figure = way_out("cable_row", preset)
    scale = athlete(preset).scale
    trunk = (figure.mid_shoulder - figure.mid_hip)[-1]
    share = (figure.middle("grip")[-1] - figure.mid_hip[-1]) @ trunk / (trunk @ trunk)
    assert 0.25 < share < 0.75
    assert 0.10 * scale < figure.middle("grip")[-1, 0] - figure.mid_hip[-1, 0] < 0.33 * scale
    # elbows behind the trunk at the end, arms nearly straight at the start
    assert measures.value("elbow_ahead", figure)[-1] < -0.05
    assert degrees("elbow_flexion", figure)[0] == pytest.approx(9.0, abs=0.5)
    assert degrees("knee_flexion", figure) == pytest.approx(24.0, abs=0.5)


def test_the_rowed_handles_come_in_level():
    figure = way_out("cable_row")
    # level within a hand's breadth
    assert np.ptp(figure.points["grip_l"][:, 0]) > 0.33
    assert np.ptp(figure.points["grip_l"][:, 2]) < 0.13


@pytest.mark.parametrize("preset", ["average_man", *EXTREME])
def test_pulldown_goes_from_straight_arms_to_the_upper_chest(preset):
    figure = way_out("lat_pulldown", preset)
    scale = athlete(preset).scale
    assert degrees("elbow_flexion", figure)[0] == pytest.approx(10.0, abs=0.5)
    height = measures.value("bar_height", figure)
    assert height[0] > 0.5 * scale and height[-1] == pytest.approx(-0.015 * scale, abs=1e-4)
    assert np.ptp(degrees("trunk_lean", figure)) < 12.0
    # the elbows end beside the trunk, not behind it
    assert measures.value("elbow_ahead", figure)[-1] > -0.1 * scale


def test_a_bar_pulled_unevenly_slopes_the_way_it_says():
    figure = way_out("lat_pulldown", fault="uneven")
    assert figure.points["grip_l"][-1, 2] > figure.points["grip_r"][-1, 2] + 0.05


# -- chest press and pushdown ----------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["average_man", *EXTREME])
def test_chest_press_brings_the_hands_forward_and_together(preset):
    figure = way_out("cable_chest_press", preset)
    gap = np.abs(figure.points["grip_l"][:, 1] - figure.points["grip_r"][:, 1])
    assert gap[-1] < gap[0] - 0.08
    ahead = measures.value("bar_ahead", figure)
    assert np.all(np.diff(ahead) > 0.0) and ahead[-1] - ahead[0] > 0.25 * athlete(preset).scale
    # hands between the shoulders and the lower end of the breastbone
    height = measures.value("bar_height", figure)
    assert height.max() < 0.0 and height.min() > -0.2
    assert 15.0 < degrees("elbow_flare", figure)[0] < 65.0


def test_chest_press_has_a_cable_a_side_that_comes_from_behind():
    gear = EXERCISES["cable_chest_press"].technique(athlete("average_man")).equipment
    assert [c.side for c in gear.cables] == ["left", "right"]
    figure = way_out("cable_chest_press")
    handles = gear.handles(athlete("average_man").transforms(figure.pose(athlete("average_man"), 0)))
    assert handles == pytest.approx(
        np.stack([figure.points["grip_l"][0], figure.points["grip_r"][0]]), abs=1e-6
    )
    for cable, handle in zip(gear.cables, handles, strict=True):
        assert cable.pulley[0] < figure.mid_shoulder[0, 0] - 0.2
        assert np.sign(cable.pulley[1]) == np.sign(handle[1])


@pytest.mark.parametrize("preset", ["average_man", *EXTREME])
def test_pushdown_straightens_the_arms_beside_the_body(preset):
    figure = way_out("triceps_pushdown", preset)
    elbow = degrees("elbow_flexion", figure)
    assert elbow[0] == pytest.approx(108.0, abs=0.5) and elbow[-1] == pytest.approx(7.0, abs=0.5)
    assert np.ptp(degrees("shoulder_flexion", figure)) < 5.0


@pytest.mark.parametrize(
    "exercise", ["biceps_curl", "cable_row", "lat_pulldown", "triceps_pushdown", "cable_chest_press"]
)
def test_moving_the_load_pulls_the_cable_out(exercise):
    performance = perform(exercise)
    gear, body = performance.technique.equipment, performance.athlete
    figure = way_out(exercise)
    lengths = []
    for n in range(len(figure)):
        ends = gear.handles(body.transforms(figure.pose(body, n)))
        lengths.append(
            [np.linalg.norm(end - np.array(c.pulley)) for end, c in zip(ends, gear.cables, strict=True)]
        )
    pulled = np.array(lengths) - lengths[0]
    assert pulled[-1].min() > 0.25
    # it never goes back in by more than play
    assert np.diff(pulled, axis=0).min() > -0.012


@pytest.mark.parametrize("preset", ["average_man", "short", "tall", "heavy"])
@pytest.mark.parametrize(
    "exercise", ["biceps_curl", "triceps_pushdown", "cable_row", "lat_pulldown", "overhead_press"]
)
def test_bar_and_cable_do_not_go_through_the_body(exercise, preset):
    body = athlete(preset)
    figure = way_out(exercise, preset)
    gear = EXERCISES[exercise].technique(body).equipment
    limbs = [j for bone, j in body.bone_index.items() if bone.startswith(_ARM)]
    used = np.unique(body.asset.faces["body"])
    trunk = body.asset.weights[used][:, limbs].sum(1) < 0.05
    for n in (0, 4, 8, 12):
        one = _moment(figure, n)
        skin = surface(body, one)[trunk]
        left, right = one.points["grip_l"][0], one.points["grip_r"][0]
        assert _clearance(skin, left, right) > 0.016, n
        for cable, end in zip(gear.cables, gear.handles(body.transforms(one.pose(body, 0))), strict=True):
            assert _clearance(skin, end, np.array(cable.pulley)) > 0.01, n


_ARM = ("upperarm", "lowerarm", "hand", "thumb", "index", "middle", "ring", "pinky")


def _moment(figure: Figure, n: int) -> Figure:
    one = slice(n, n + 1)
    return Figure(
        {k: r[one] for k, r in figure.rotations.items()},
        {k: p[one] for k, p in figure.points.items()},
        figure.grip[one],
        {k: s[one] for k, s in figure.stretch.items()},
    )


def _clearance(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    share = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0.0, 1.0)
    return float(np.linalg.norm(points - a - share[:, None] * (b - a), axis=1).min())


# -- seats -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["average_man", *EXTREME])
@pytest.mark.parametrize("exercise", SEATED)
def test_the_pelvis_stays_on_a_seat_that_is_there(exercise, preset):
    body = athlete(preset)
    technique = EXERCISES[exercise].technique(body)
    assert {c.point for c in technique.contacts if c.on == "bench"} == {"hip_l", "hip_r"}
    figure = way_out(exercise, preset)
    hips = figure.mid_hip
    assert np.ptp(hips, axis=0).max() < 1e-6
    skin = surface(body, _moment(figure, 0))
    near = np.hypot(skin[:, 0] - hips[0, 0], 1.5 * skin[:, 1]) < 0.16
    seats = technique.equipment.furniture().vertices
    here = (np.abs(seats[:, 0] - hips[0, 0] - 0.08) < 0.12) & (np.abs(seats[:, 1]) < 0.20)
    here &= seats[:, 2] < hips[0, 2]
    top, lowest = seats[here, 2].max(), skin[near, 2].min()
    # the upholstery gives way, the body does not float
    assert -0.02 < lowest - top < 0.005
    assert 0.25 < top < 0.65


@pytest.mark.parametrize("exercise", UPPER)
def test_what_is_held_is_drawn_at_the_hands(exercise):
    body = athlete("average_man")
    gear = EXERCISES[exercise].technique(body).equipment
    figure = way_out(exercise)
    for n in (0, 6, 12):
        held = gear.props(body.transforms(figure.pose(body, n)), HERE)
        assert np.isfinite(held.vertices).all() and held.faces.max() < len(held.vertices)
        for grip in ("grip_l", "grip_r"):
            assert np.linalg.norm(held.vertices - figure.points[grip][n], axis=1).min() < 0.08
