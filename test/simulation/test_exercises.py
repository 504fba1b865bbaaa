"""What holds for every exercise: contacts, segments, joints, symmetry, and planted faults of the planted size."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from kinecue.body.landmarks import Landmark
from kinecue.body.volume.skinning import skin
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.movement import measures
from kinecue.simulation.movement.figure import Figure
from kinecue.simulation.movement.joint_limits import beyond_limits
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import (
    END_RANGE,
    JERK,
    OFFSET,
    TEMPO,
    TURN_RANGE,
    PlantedFault,
    SetPlan,
)

TOLERANCE = {"rad": math.radians(6.0), "m": 0.03, "1": 0.15}
"""What a coach would call a fault, where no exercise file says better."""
EXACT = {"rad": math.radians(1.0), "m": 0.005, "1": 0.02}
PRESETS = ("average_man", "short", "long_femur")
FAULTS = [(e.name, f) for e in EXERCISES.values() for f in e.faults]
SEGMENTS = (
    ("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"), ("ankle", "heel"),
)  # fmt: skip


@cache
def athlete(preset: str) -> Athlete:
    return Athlete(preset)


def perform(
    exercise: str, *faults: PlantedFault, preset="average_man", repetitions=1, side="left"
) -> Performance:
    plan = SetPlan(repetitions, faults=faults, still_s=0.3, after_s=0.3, variation=0.0, side=side)
    return Performance(athlete(preset), EXERCISES[exercise], plan)


def grid(performance: Performance, count: int = 24) -> np.ndarray:
    """Times over the first repetition, its turning point among them."""
    first = performance.timeline.repetitions[0]
    times = np.linspace(0.0, first.end_s + 0.05, count)
    return np.sort(np.append(times, [first.turn_s + 1e-6, (first.turn_s + first.back_s) / 2.0]))


@cache
def clean(exercise: str, preset: str) -> tuple[Performance, Figure, np.ndarray]:
    performance = perform(exercise, preset=preset)
    times = grid(performance)
    return performance, performance.figure(times), times


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_contacts_hold_within_five_millimetres(exercise, preset):
    performance, figure, times = clean(exercise, preset)
    moments = performance.moments(times)
    assert performance.technique.contacts
    for contact in performance.technique.contacts:
        holds = contact.holds(moments)
        points = figure.points[contact.point]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(int)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            moved = np.linalg.norm(points[start:end] - points[start], axis=1)
            assert moved.max() < 0.005, (contact.point, times[start], moved.max())
    for limb in figure.stretch.values():
        assert limb.max() < 1e-6


@pytest.mark.parametrize("exercise", EXERCISES)
def test_nothing_sinks_into_the_floor(exercise):
    performance, figure, _ = clean(exercise, "average_man")
    body = performance.athlete
    skinned = np.unique(body.asset.faces["body"])
    for n in range(0, len(figure), 4):
        transforms = body.transforms(figure.pose(body, n))
        lowest = skin(body.vertices[skinned].astype(np.float32), body.asset.weights[skinned], transforms)[
            :, 2
        ].min()
        assert lowest > -0.02, n


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_segments_keep_their_lengths_within_a_tenth_of_a_millimetre(exercise, preset):
    _, figure, _ = clean(exercise, preset)
    for start, end in SEGMENTS:
        length = np.linalg.norm(figure.pair(start) - figure.pair(end), axis=2)
        assert np.ptp(length) < 1e-4, (start, end)
    hips = np.linalg.norm(figure.points["hip_l"] - figure.points["hip_r"], axis=1)
    assert np.ptp(hips) < 1e-4


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_landmarks_of_the_posed_body_are_the_points_of_the_figure(exercise):
    performance, figure, _ = clean(exercise, "average_man")
    n = len(figure) // 2
    body = performance.athlete
    landmarks = body.landmarks(body.transforms(figure.pose(body, n)))
    for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel"):
        for side, suffix in (("left", "l"), ("right", "r")):
            at = landmarks[Landmark(f"{side}_{name}")]
            assert at == pytest.approx(figure.points[f"{name}_{suffix}"][n], abs=1e-6), name


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_joints_stay_in_their_range(exercise, preset):
    performance, figure, _ = clean(exercise, preset)
    assert beyond_limits(performance.athlete, figure) == {}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_movement_is_continuous(exercise):
    performance = perform(exercise)
    times = np.arange(0.0, min(performance.duration_s, 12.0), 1.0 / 60.0)
    figure = performance.figure(times)
    for name, points in figure.points.items():
        step = np.linalg.norm(np.diff(points, axis=0), axis=1)
        assert step.max() < 0.09, (name, times[int(step.argmax())])
        # a jump is a step unlike those beside it; 60 m/s2 is far beyond what these movements have
        jolt = np.linalg.norm(np.diff(points, n=2, axis=0), axis=1)
        assert jolt.max() < 60.0 / 60.0**2, (name, times[int(jolt.argmax())])


@pytest.mark.parametrize("exercise", [e.name for e in EXERCISES.values() if e.sided])
def test_sides_change_without_a_jump(exercise):
    plan = SetPlan(2, still_s=0.3, after_s=0.3, variation=1.0, side="alternate")
    performance = Performance(athlete("average_man"), EXERCISES[exercise], plan)
    first, second = performance.timeline.repetitions
    assert (first.side, second.side) == ("left", "right")
    times = np.arange(first.end_s - 0.1, second.start_s + 0.2, 1.0 / 60.0)
    figure = performance.figure(times)
    for name, points in figure.points.items():
        step = np.linalg.norm(np.diff(points, axis=0), axis=1)
        assert step.max() < 0.06, (name, times[int(step.argmax())])
    for track in performance.contacts(times, figure):
        for n in np.flatnonzero(track.holds[1:] & track.holds[:-1]):
            assert np.linalg.norm(track.positions[n + 1] - track.positions[n]) < 0.002, (
                track.point,
                times[n],
            )


@pytest.mark.parametrize("exercise", EXERCISES)
def test_left_and_right_are_mirror_images(exercise):
    figure = clean(exercise, "average_man")[1]
    other = perform(exercise, side="right").figure(clean(exercise, "average_man")[2])
    if not EXERCISES[exercise].sided:
        other = figure
    for name, points in figure.points.items():
        twin = name[:-1] + {"l": "r", "r": "l"}[name[-1]] if name.endswith(("_l", "_r")) else name
        assert points == pytest.approx(other.points[twin] * [1.0, -1.0, 1.0], abs=1e-4), name


def planted(exercise: str, fault: str, share: float, side: str = "both") -> tuple[Performance, float]:
    kind = EXERCISES[exercise].faults[fault]
    magnitude = share * kind.limit
    return perform(exercise, PlantedFault(fault, (1,), magnitude, side)), magnitude


def changes(performance: Performance, times: np.ndarray) -> dict[str, np.ndarray]:
    """Change of the measure of every fault against the clean repetition at the same progress, by fault and side."""
    figure = performance.figure(times)
    good = performance.clean_figure(performance.moments(times))
    result = {}
    for name, kind in performance.exercise.faults.items():
        if not kind.measure:
            continue
        for end in ("_left", "_right") if kind.sided else ("",):
            measure = kind.measure + end
            result[f"{name}:{measure}"] = measures.value(measure, figure) - measures.value(measure, good)
    return result


# the largest possible for every fault, a middling one for the first of each exercise
@pytest.mark.parametrize(
    ("exercise", "fault", "share"),
    [(e, f, 1.0) for e, f in FAULTS] + [(e.name, next(iter(e.faults)), 0.4) for e in EXERCISES.values()],
)
def test_a_planted_fault_changes_its_measure_by_its_magnitude_and_no_other(exercise, fault, share):
    kind = EXERCISES[exercise].faults[fault]
    if kind.way in (TEMPO, JERK):
        pytest.skip("a fault of timing: see the next test")
    performance, magnitude = planted(exercise, fault, share)
    times = grid(performance, 60)
    first = performance.timeline.repetitions[0]
    if kind.way == OFFSET:
        change = changes(performance, times)
        own = [k for k in change if k.split(":")[1].startswith(kind.measure)]
        assert own
        for key in own:
            worst = change[key][np.abs(change[key]).argmax()]
            assert worst == pytest.approx(kind.gain * magnitude, abs=EXACT[kind.unit]), key
    else:
        at, still = (first.turn_s + 1e-6, 1.0) if kind.way == TURN_RANGE else (first.end_s + 1e-6, 0.0)
        assert kind.way in (TURN_RANGE, END_RANGE)
        good = perform(exercise)
        rest = good.timeline.repetitions[0]
        at_good = rest.turn_s + 1e-6 if still else rest.end_s + 1e-6
        got = measures.value(kind.measure, performance.figure([at])) - measures.value(
            kind.measure, good.figure([at_good])
        )
        assert got[0] == pytest.approx(kind.gain * magnitude, abs=EXACT[kind.unit])
        change = changes(performance, times)
        own = [k for k in change if k.split(":")[1].startswith(kind.measure)]
    for key, values in change.items():
        measure = key.split(":")[1]
        if key in own:
            continue
        assert np.abs(values).max() < TOLERANCE[measures.unit_of(measure)] / 3.0, (key, np.abs(values).max())


@pytest.mark.parametrize(("exercise", "fault"), [(e, f) for e, f in FAULTS if EXERCISES[e].faults[f].sided])
def test_a_fault_of_one_side_is_on_that_side(exercise, fault):
    kind = EXERCISES[exercise].faults[fault]
    performance, magnitude = planted(exercise, fault, 0.4, "left")
    change = changes(performance, grid(performance, 60))
    left = change[f"{fault}:{kind.measure}_left"]
    right = change[f"{fault}:{kind.measure}_right"]
    assert left[np.abs(left).argmax()] == pytest.approx(kind.gain * magnitude, abs=EXACT[kind.unit])
    assert np.abs(right).max() < TOLERANCE[kind.unit] / 3.0


@pytest.mark.parametrize(
    ("exercise", "fault"), [(e, f) for e, f in FAULTS if EXERCISES[e].faults[f].way in (TEMPO, JERK)]
)
def test_a_fault_of_timing_takes_its_share_off_the_time(exercise, fault):
    kind = EXERCISES[exercise].faults[fault]
    performance, magnitude = planted(exercise, fault, 0.6)
    good = perform(exercise)

    def lasts(p: Performance) -> float:
        move = next(m for m in p.timeline.repetitions[0].moves if m.stage == kind.stage)
        if kind.way == TEMPO:
            return move.end_s - move.start_s
        times = np.linspace(move.start_s, move.end_s - 1e-6, 4000)
        progress = p.moments(times).progress
        third = move.start + (move.end - move.start) / 3.0
        return float(np.interp(third, *sorted_pair(progress, times))) - move.start_s

    assert lasts(performance) / lasts(good) == pytest.approx(1.0 - magnitude, abs=0.01)


def sorted_pair(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(x)
    return x[order], y[order]


@pytest.mark.parametrize(("exercise", "fault"), FAULTS)
def test_joints_stay_in_their_range_with_the_fault_at_its_largest(exercise, fault):
    performance, _ = planted(exercise, fault, 1.0)
    figure = performance.figure(grid(performance))
    over = beyond_limits(performance.athlete, figure)
    # a fault may go past what an examiner measures, not past what a joint can do
    assert {k: v for k, v in over.items() if v > math.radians(8.0)} == {}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_exercise_has_faults_that_a_coach_would_name(exercise):
    assert len(EXERCISES[exercise].faults) >= 2
    for kind in EXERCISES[exercise].faults.values():
        assert kind.meaning and kind.limit > 0.0
