"""Getting into position and out of it: for every exercise and for bodies of all sizes."""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.movement.blend import blend, pin_arm, pin_leg, stood, take
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import SetPlan
from kinecue.simulation.picture.actors import SkinnedMesh
from kinecue.simulation.picture.appearance import Outfit, dress

FloatArray = NDArray[np.float64]

FPS = 60.0
PEOPLE = ("average_man", "short", "tall")
CASES = [(name, PEOPLE[i % len(PEOPLE)]) for i, name in enumerate(EXERCISES)]


@cache
def _performed(name: str, who: str) -> tuple[Performance, FloatArray, Figure]:
    """A set with the walk in and out, and the body around both."""
    performance = Performance(
        Athlete(who), EXERCISES[name], SetPlan(1, still_s=0.3, after_s=0.3, approach="walk", seed=3)
    )
    begins, ends = performance.timeline.plan.still_s, performance.timeline.duration_s
    lead = performance.timeline.repetitions[0].start_s - begins
    times = np.concatenate(
        [np.arange(0.0, lead + 0.2, 1.0 / FPS), np.arange(ends - 0.2, performance.duration_s, 1.0 / FPS)]
    )
    return performance, times, performance.figure(times)


def _gap(times: FloatArray) -> int:
    """Where the way in ends and the way out begins."""
    return int(np.argmax(np.diff(times))) + 1


def _halves(times: FloatArray, figure: Figure) -> list[Figure]:
    cut = _gap(times)
    return [take(figure, slice(0, cut)), take(figure, slice(cut, len(times)))]


@pytest.mark.parametrize(("name", "who"), CASES)
def test_nothing_jumps(name: str, who: str) -> None:
    _, times, figure = _performed(name, who)
    for half in _halves(times, figure):
        for point, places in half.points.items():
            # against going on evenly: hands and feet may be fast, but do not jump
            assert np.abs(np.diff(places, 2, axis=0)).max() < 0.07, point
        for bone, rotations in half.rotations.items():
            between = np.swapaxes(rotations[1:], -1, -2) @ rotations[:-1]
            cosine = (np.trace(between, axis1=1, axis2=2) - 1.0) / 2.0
            assert np.arccos(np.clip(cosine, -1.0, 1.0)).max() < math.radians(13.0), bone


@pytest.mark.parametrize(("name", "who"), CASES)
def test_what_holds_does_not_slide(name: str, who: str) -> None:
    performance, times, figure = _performed(name, who)
    tracks = performance.contacts(times, figure)
    feet = {t.point for t in tracks}
    assert {"heel_l", "heel_r", "ball_l", "ball_r"} <= feet
    cut = _gap(times)
    for track in tracks:
        start = track.positions[0]
        for i, held in enumerate(track.holds):
            if held and (i in (0, cut) or not track.holds[i - 1]):
                start = track.positions[i]
            if held:
                assert np.linalg.norm(track.positions[i] - start) < 0.005, (track.point, times[i])


@pytest.mark.parametrize(("name", "who"), CASES)
def test_segments_keep_their_length(name: str, who: str) -> None:
    performance, _, figure = _performed(name, who)
    lengths = performance.athlete.lengths
    for start, end, length in (
        ("hip", "knee", lengths.thigh),
        ("knee", "ankle", lengths.shank),
        ("shoulder", "elbow", lengths.upper_arm),
        ("elbow", "wrist", lengths.forearm),
    ):
        got = np.linalg.norm(figure.pair(start) - figure.pair(end), axis=-1)
        assert np.abs(got - length).max() < 1e-4


@lru_cache(maxsize=4)
def _mesh(who: str) -> SkinnedMesh:
    return dress(Athlete(who), Outfit()).for_detail(0.03)


@pytest.mark.parametrize(("name", "who"), CASES)
def test_nothing_sinks_into_the_floor(name: str, who: str) -> None:
    performance, times, figure = _performed(name, who)
    mesh = _mesh(who)
    for row in range(0, len(times), 12):
        transforms = performance.athlete.transforms(figure.pose(performance.athlete, row))
        lowest = float(mesh.posed(transforms)[0][2].min())
        assert lowest > -0.030, times[row]


@pytest.mark.parametrize(("name", "who"), CASES)
def test_the_set_is_shifted_and_the_rest_is_set_up(name: str, who: str) -> None:
    performance, _, _ = _performed(name, who)
    plain = Performance(performance.athlete, EXERCISES[name], SetPlan(1, still_s=0.3, after_s=0.3, seed=3))
    lead = performance.timeline.repetitions[0].start_s - plain.timeline.repetitions[0].start_s
    assert lead > 3.0
    assert performance.duration_s > plain.duration_s + lead + 3.0
    moments = performance.moments([0.0, lead / 2.0, performance.duration_s - 0.1])
    assert moments.number[:2].tolist() == [0, 0]
    assert set(performance.phases(moments)) == {"setup"}
    # within the set the body is what it is without the way in
    inside = np.array([0.0, 0.6, 1.1])
    with_way, without = performance.figure(lead + inside), plain.figure(inside)
    for point, places in without.points.items():
        assert np.abs(places - with_way.points[point]).max() < 1e-6, point
    held = performance.holds_gear([0.0, lead + 0.5, performance.duration_s])
    assert held.tolist() == [False, True, False]


def test_ready_begins_standing_at_the_spot() -> None:
    performance = Performance(Athlete("tall"), EXERCISES["squat"], SetPlan(1, approach="ready"))
    figure = performance.figure([0.0, performance.duration_s])
    assert np.abs(figure.points["ankle_l"][:, 1] - figure.points["ankle_r"][:, 1]).max() < 0.25
    assert np.linalg.norm(figure.mid_hip[0] - figure.mid_hip[1]) < 0.02


def test_a_blend_ends_at_its_ends_and_turns_bones_against_their_parents() -> None:
    athlete = Athlete("average_woman")
    performance = Performance(athlete, EXERCISES["squat"], SetPlan(1, variation=0.0))
    rep = performance.timeline.repetitions[0]
    ends = performance.figure([rep.start_s, rep.turn_s])
    a, b = take(ends, slice(0, 1)), take(ends, slice(1, 2))
    mixed = blend(athlete, a, b, np.array([0.0, 0.5, 1.0]))
    for point in a.points:
        assert np.abs(mixed.points[point][0] - a.points[point][0]).max() < 1e-9
        assert np.abs(mixed.points[point][2] - b.points[point][0]).max() < 1e-9
    turns = _local(mixed, "thigh_l", "calf_l")
    whole, half = (float(np.trace(turns[0].T @ turns[i])) for i in (2, 1))
    whole, half = (math.acos(min((t - 1.0) / 2.0, 1.0)) for t in (whole, half))
    assert whole > math.radians(80.0)
    assert half == pytest.approx(whole / 2.0, abs=1e-6)


def _local(figure: Figure, above: str, below: str) -> FloatArray:
    result: FloatArray = np.swapaxes(figure.rotations[above], -1, -2) @ figure.rotations[below]
    return result


@pytest.mark.parametrize("name", ["squat", "biceps_curl", "push_up"])
def test_pinning_limbs_where_they_are_changes_nothing(name: str) -> None:
    athlete = Athlete("short")
    performance = Performance(athlete, EXERCISES[name], SetPlan(1))
    figure = performance.figure(np.linspace(0.0, performance.duration_s, 9))
    same = stood(athlete, figure.mid_hip, figure.rotations, figure.grip)
    for side in "lr":
        r = figure.rotations
        same = pin_leg(
            athlete, same, side, figure.points[f"ankle_{side}"], r[f"foot_{side}"], r[f"ball_{side}"]
        )
        same = pin_arm(athlete, same, side, figure.points[f"wrist_{side}"], r[f"hand_{side}"])
    assert set(same.points) == set(figure.points)
    for point, places in figure.points.items():
        assert np.abs(places - same.points[point]).max() < 1e-9, point
    for bone, rotations in figure.rotations.items():
        assert np.abs(rotations - same.rotations[bone]).max() < 1e-6, bone
