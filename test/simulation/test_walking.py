"""The gait: feet that hold, bodies that keep their lengths, and the numbers of people who walk."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from kinecue.body.errors import KineCueError
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.walking import Walk, standing

FloatArray = NDArray[np.float64]

FPS = 60.0
PATHS = {
    "straight": ([(-3.0, 0.0), (0.0, 0.0)], {}),
    "curve": ([(-2.4, 1.2), (-0.8, 0.0), (0.0, 0.0)], {}),
    "turn_on_the_spot": ([(0.0, 0.0)], {"heading": 0.0, "end_heading": 2.8}),
    "turn_and_go": ([(0.0, 0.0), (-2.5, 1.0)], {"heading": 0.0}),
    "one_step": ([(0.0, 0.0), (0.3, 0.0)], {}),
}


def _times(walk: Walk) -> FloatArray:
    return np.arange(walk.start_s - 0.2, walk.end_s + 0.2, 1.0 / FPS)


def _slide(points: FloatArray, holds: NDArray[np.bool_]) -> float:
    """Largest way of a point from where it began to hold, m."""
    worst, start = 0.0, points[0]
    for i, held in enumerate(holds):
        if held and (i == 0 or not holds[i - 1]):
            start = points[i]
        if held:
            worst = max(worst, float(np.linalg.norm(points[i] - start)))
    return worst


def _turns(figure: Figure) -> float:
    """Largest turn of a bone between two frames, rad."""
    worst = 0.0
    for rotations in figure.rotations.values():
        between = np.swapaxes(rotations[1:], -1, -2) @ rotations[:-1]
        cosine = (np.trace(between, axis1=1, axis2=2) - 1.0) / 2.0
        worst = max(worst, float(np.arccos(np.clip(cosine, -1.0, 1.0)).max()))
    return worst


@pytest.mark.parametrize("who", ["short", "tall", "average_woman"])
@pytest.mark.parametrize("name", list(PATHS))
def test_feet_hold_and_nothing_jumps(who: str, name: str) -> None:
    athlete = Athlete(who)
    path, options = PATHS[name]
    walk = Walk(athlete, path, 1.3, **options)
    times = _times(walk)
    figure = walk.figure(times)
    for point, holds in walk.contacts(times).items():
        assert holds.any()
        assert _slide(figure.points[point], holds) < 0.005
    assert figure.stretch["leg"].max() < 1e-9
    assert _turns(figure) < math.radians(15.0)
    for points in figure.points.values():
        # steps that do not go on evenly: a swinging foot is fast, but does not jump
        assert np.abs(np.diff(points, 2, axis=0)).max() < 0.05
    knees = measures.value("knee_flexion_left", figure), measures.value("knee_flexion_right", figure)
    assert min(k.min() for k in knees) > 0.0
    assert max(k.max() for k in knees) < math.radians(80.0)
    rest = standing(athlete)
    for point in ("heel_l", "ball_l", "toe_l", "heel_r", "ball_r", "toe_r"):
        assert figure.points[point][:, 2].min() > rest.points[point][0, 2] - 0.006


def test_segments_keep_their_length() -> None:
    athlete = Athlete("short")
    figure = Walk(athlete, [(-2.0, 0.5), (0.0, 0.0)], 1.1).figure(np.arange(0.0, 3.0, 0.05))
    for start, end, length in (
        ("hip", "knee", athlete.lengths.thigh),
        ("knee", "ankle", athlete.lengths.shank),
        ("shoulder", "elbow", athlete.lengths.upper_arm),
        ("elbow", "wrist", athlete.lengths.forearm),
    ):
        got = np.linalg.norm(figure.pair(start) - figure.pair(end), axis=-1)
        assert np.abs(got - length).max() < 1e-4


def test_a_walk_that_begins_with_the_other_foot_is_the_mirror_image() -> None:
    athlete = Athlete("tall")
    times = np.arange(0.0, 3.5, 0.02)
    left, right = (Walk(athlete, [(-2.5, 0.0), (0.0, 0.0)], 1.2, first=f).figure(times) for f in "lr")
    for name, points in left.points.items():
        other = name[:-1] + ("r" if name.endswith("l") else "l") if name.endswith(("_l", "_r")) else name
        assert np.abs(points * [1.0, -1.0, 1.0] - right.points[other]).max() < 1e-6


def test_the_gait_has_the_numbers_of_people_who_walk() -> None:
    # Winter 1991, Perry 1992: bands around the natural cadence of a man of 1.78 m
    walk = Walk(Athlete("average_man"), [(-9.0, 0.0), (0.0, 0.0)], 1.4)
    times = np.arange(2.0, 6.0, 0.01)
    figure = walk.figure(times)
    assert walk.step_length == pytest.approx(0.75, abs=0.07)
    assert 60.0 / walk.step_s == pytest.approx(112.0, abs=8.0)
    knee = np.degrees(measures.value("knee_flexion_left", figure))
    assert 50.0 < knee.max() < 70.0
    assert knee.min() < 10.0
    hip = np.degrees(measures.value("hip_flexion_left", figure))
    assert 28.0 < hip.max() < 45.0
    assert -20.0 < hip.min() < -3.0
    bob = np.ptp(figure.mid_hip[:, 2])
    assert 0.01 < bob < 0.06
    assert np.ptp(figure.mid_hip[:, 1]) == pytest.approx(0.04, abs=0.012)
    # arms against legs: the left arm is ahead when the left foot is behind
    arm = measures.value("shoulder_flexion_left", figure)
    foot = figure.points["ankle_l"][:, 0] - figure.points["ankle_r"][:, 0]
    assert np.corrcoef(arm, foot)[0, 1] < -0.7
    turn = np.unwrap(np.arctan2(figure.rotations["pelvis"][:, 1, 0], figure.rotations["pelvis"][:, 0, 0]))
    chest = np.arctan2(figure.rotations["spine_03"][:, 1, 0], figure.rotations["spine_03"][:, 0, 0])
    assert np.corrcoef(turn, chest)[0, 1] < -0.7


def test_it_begins_and_ends_standing_where_the_path_does() -> None:
    athlete = Athlete("average_woman")
    walk = Walk(athlete, [(-2.0, 1.0), (0.5, 0.2)], 1.2, start_s=1.0, end_heading=0.4)
    for time, place in ((0.0, (-2.0, 1.0)), (1.0, (-2.0, 1.0)), (walk.end_s, (0.5, 0.2)), (99.0, (0.5, 0.2))):
        figure = walk.figure([time])
        middle = figure.middle("ankle")[0]
        assert middle[:2] == pytest.approx(place, abs=1e-3)
    end, stood = walk.figure([walk.end_s + 0.4]), standing(athlete, 0.5, 0.2, 0.4)
    for name in stood.points:
        assert np.abs(end.points[name] - stood.points[name]).max() < 1e-6


def test_a_moment_does_not_depend_on_the_others() -> None:
    walk = Walk(Athlete("average_man"), [(-2.0, 0.0), (0.0, 0.0)])
    together = walk.figure([0.5, 1.0, 1.7])
    alone = walk.figure([1.0])
    for name, points in alone.points.items():
        assert np.abs(points[0] - together.points[name][1]).max() < 1e-12


@pytest.mark.parametrize(
    ("path", "speed", "message"),
    [([], 1.3, "path"), ([(0.0, 0.0), (0.0, 0.0)], 1.3, "path"), ([(0.0, 0.0), (1.0, 0.0)], 3.0, "speed")],
)
def test_what_is_no_walk_is_refused(path: list[tuple[float, float]], speed: float, message: str) -> None:
    with pytest.raises(KineCueError, match=message):
        Walk(Athlete("average_man"), path, speed)
