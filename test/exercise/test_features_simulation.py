"""Features over the movements of the simulated gym: what the simulation calls by the same name, and no jumps."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from kinecue.body import BLAZEPOSE_33, Body, Landmark
from kinecue.exercise.features import FEATURES, FeatureComputer
from kinecue.exercise.results import Side
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import SetPlan

FloatArray = NDArray[np.float64]
POINTS = {name: name for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel")}
POINTS["foot_index"] = "toe"
KNOWN = tuple(
    name
    for name, item in FEATURES.items()
    if item.function is not None and set(item.joints) <= {*POINTS, "ear"}
)
COMPUTER = FeatureComputer(KNOWN)
SIDES = {Side.NONE: "", Side.LEFT: "_left", Side.RIGHT: "_right"}
EXACT = (
    "knee_flexion",
    "knee_flexion_asymmetry",
    "hip_flexion",
    "hip_adduction",
    "hip_drop",
    "hip_shift",
    "ankle_dorsiflexion",
    "knee_separation_ratio",
    "shank_tilt",
    "trunk_lean",
    "trunk_lateral_lean",
    "trunk_rotation",
    "body_line",
    "elbow_flexion",
    "elbow_flexion_asymmetry",
    "shoulder_flexion",
    "shoulder_abduction",
    "elbow_ahead",
    "upper_arm_tilt",
    "forearm_tilt",
)
"""Defined by the same joints in the same way."""
NEAR = {"knee_in": 4.0, "balance": 0.02, "elbow_flare": 8.0}
"""Defined by what the simulation knows better (the foot's own axis, the thorax, the head): degrees or m."""
LOOSE = {"elbow_flare": ("turkish_get_up",), "knee_in": ("turkish_get_up",)}
APART = {("turkish_get_up", "arm_swing")}
"""The middle between two hands, one raised and one on the floor, is nowhere."""
FAST = 30
NOISE = 0.01
"""Standard deviation of the landmarks in these tests, m: what is abstained from then is not looked at."""


@cache
def figure_of(exercise: str) -> Figure:
    """One repetition."""
    kind = EXERCISES[exercise]
    plan = SetPlan(1, None, (), still_s=0.4, after_s=0.2, seed=3)
    performance = Performance(Athlete("average_man"), kind, plan)
    length = min(performance.duration_s, 24.0 if exercise == "turkish_get_up" else 6.0)
    return performance.figure(np.arange(0.0, length, 1.0 / FAST)).settled


def positions(figure: Figure) -> FloatArray:
    """(T, K, 3) of the computer's landmarks."""
    columns = []
    for name in COMPUTER.landmarks:
        side, joint = name.split("_", 1)
        columns.append(figure.points["ears" if joint == "ear" else f"{POINTS[joint]}_{side[0]}"])
    return np.stack(columns, 1)


@pytest.mark.parametrize("exercise", sorted(EXERCISES))
def test_features_are_what_the_simulation_calls_by_the_same_name(exercise: str) -> None:
    figure = figure_of(exercise)
    points = positions(figure)
    values = COMPUTER.positions(points, points[0])
    for c, (item, side) in enumerate(COMPUTER.columns):
        if item.name in EXACT:
            tolerance = 1e-9
        elif item.name in NEAR and exercise not in LOOSE.get(item.name, ()):
            tolerance = math.radians(NEAR[item.name]) if item.unit == "rad" else NEAR[item.name]
        else:
            continue
        error = values[:, c] - measures.value(item.name + SIDES[side], figure)
        if item.unit == "rad":
            error = (error + math.pi) % (2.0 * math.pi) - math.pi
        defined = np.isfinite(error) & _bent(item.name, side, values)
        assert np.abs(error[defined]).max(initial=0.0) < tolerance, (item.name, side)


def _bent(name: str, side: Side, values: FloatArray) -> NDArray[np.bool_]:
    """Where the turn of a knee about its leg is defined."""
    if name != "knee_in":
        return np.ones(len(values), bool)
    knee = [(item.name, s) for item, s in COMPUTER.columns].index(("knee_flexion", side))
    return np.asarray(values[:, knee] > math.radians(30.0))


def body(points: FloatArray) -> Body:
    n = len(BLAZEPOSE_33)
    everywhere = np.zeros((n, 3))
    everywhere[[BLAZEPOSE_33.index(Landmark(name)) for name in COMPUTER.landmarks]] = points
    covariances = np.broadcast_to(np.eye(3) * NOISE**2, (n, 3, 3))
    return Body(
        "a", 0, BLAZEPOSE_33, np.zeros((n, 2)), np.ones(n), everywhere, covariances,
        np.full(n, 2, np.uint8), 1.0, (640, 480), view=0.0,
    )  # fmt: skip


@pytest.mark.parametrize("exercise", sorted(EXERCISES))
def test_a_small_change_of_the_body_is_a_small_change_of_every_feature(exercise: str) -> None:
    """No angle flips or wraps: between frames it moves no more than its gradient allows."""
    points = positions(figure_of(exercise))
    start, before = points[0], None
    for row in range(len(points)):
        frame = COMPUTER.measure(body(points[row]), start)
        if before is not None:
            moved = float(np.sqrt(((points[row] - points[row - 1]) ** 2).sum()))
            for key, now in frame.measurements.items():
                last = before[key]
                if now.usable and last.usable and (exercise, key[0]) not in APART:
                    allowed = 2.0 * max(now.std, last.std) / NOISE * moved + 1e-6
                    assert abs(now.value - last.value) < allowed, (key, row, last.value, now.value)
        before = frame


@pytest.mark.parametrize(
    ("exercise", "name", "least"),
    [
        ("overhead_press", "shoulder_flexion", 150.0),
        ("pull_up", "shoulder_elevation", 150.0),
        ("shoulder_abduction", "shoulder_abduction", 80.0),
        ("push_up", "trunk_facing", -90.0),
    ],
)
def test_arms_overhead_and_lying_bodies_read_as_they_are(exercise: str, name: str, least: float) -> None:
    points = positions(figure_of(exercise))
    values = np.degrees(COMPUTER.positions(points, points[0]))
    columns = [c for c, (item, _) in enumerate(COMPUTER.columns) if item.name == name]
    if name == "trunk_facing":
        assert values[:, columns].max() < -60.0
    else:
        assert values[:, columns].max() > least
