"""The exercise files of squats, hinges, lunges, swings and getting up, on the exact joints of simulated athletes."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml

from kinecue.body import BLAZEPOSE_33, Body, Landmark
from kinecue.coaching import load_phrase_book
from kinecue.exercise import ExerciseModel, Fault, Repetition, RepetitionStatus, Scorer, Side, load_exercise
from kinecue.perception.postures import posture_for
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan

CONFIG = Path(__file__).resolve().parents[2] / "config"
NAMES = (
    "squat", "goblet_squat", "front_squat", "deadlift", "romanian_deadlift", "good_morning", "forward_lunge",
    "reverse_lunge", "side_lunge", "kettlebell_swing", "sit_to_stand",
)  # fmt: skip
PEOPLE = ("average_man", "short_femur")
FPS, FAST_FPS = 12.0, 20.0
FRONT, HALF, SIDE = 0.0, math.radians(60.0), math.pi / 2

# large enough for a coach to speak up: name of the fault, share of what the simulated body can do, view
PLANTED = [
    ("squat", "knees_in", 0.7, FRONT), ("squat", "too_shallow", 0.6, SIDE), ("squat", "hip_shift", 1.0, FRONT),
    ("goblet_squat", "knees_in", 0.7, FRONT), ("goblet_squat", "weight_away", 1.0, SIDE),
    ("front_squat", "too_shallow", 0.6, SIDE),
    ("deadlift", "hips_rise_first", 1.0, SIDE),
    ("romanian_deadlift", "bent_knees", 1.0, 0.8), ("good_morning", "bent_knees", 1.0, SIDE),
    ("forward_lunge", "knee_in", 0.8, FRONT), ("forward_lunge", "wobble", 0.8, FRONT),
    ("reverse_lunge", "trunk_forward", 1.0, SIDE), ("forward_lunge", "knee_over_toes", 1.0, HALF),
    ("side_lunge", "trunk_forward", 1.0, SIDE), ("side_lunge", "wobble", 1.0, FRONT),
    ("kettlebell_swing", "squatting", 0.8, SIDE),
    ("sit_to_stand", "knees_in", 1.0, FRONT), ("sit_to_stand", "no_lockout", 0.8, SIDE),
]  # fmt: skip
NO_LOAD_TO_SPEAK_OF = {"squat", "sit_to_stand"}


@cache
def model(name: str) -> ExerciseModel:
    return load_exercise(CONFIG / "exercises" / f"{name}.yaml")


@cache
def athlete(preset: str) -> Athlete:
    return Athlete(preset)


@cache
def joints(
    name: str, preset: str = "average_man", fault: str = "", share: float = 0.0
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Times (T,), positions (T, 33, 3) and the leading side of each repetition."""
    exercise = EXERCISES[name]
    faults = (PlantedFault(fault, (1, 2), share * exercise.faults[fault].limit),) if fault else ()
    plan = SetPlan(2, faults=faults, still_s=0.9, after_s=0.6, seed=5)
    performance = Performance(athlete(preset), exercise, plan)
    fps = FAST_FPS if name == "kettlebell_swing" else FPS
    times = np.arange(int(performance.duration_s * fps)) / fps
    return times, seen(performance, times), tuple(r.side for r in performance.timeline.repetitions)


def seen(performance: Performance, times: np.ndarray) -> np.ndarray:
    """(T, 33, 3) exact landmarks."""
    figure, body = performance.figure(times), performance.athlete
    positions = np.empty((len(times), 33, 3))
    for n in range(len(times)):
        marks = body.landmarks(body.transforms(figure.pose(body, n)))
        positions[n] = [marks[landmark] for landmark in BLAZEPOSE_33.landmarks]
    return positions


def scored(
    name: str, times: np.ndarray, positions: np.ndarray, view: float, std: float = 0.003
) -> tuple[list[Repetition], list[Fault]]:
    scorer, covariances = Scorer(model(name)), np.broadcast_to(np.eye(3) * std**2, (33, 3, 3))
    pixels, ones, states = np.zeros((33, 2)), np.ones(33), np.full(33, 2, np.uint8)
    repetitions: list[Repetition] = []
    faults: list[Fault] = []
    for t, points in zip(times.tolist(), positions, strict=True):
        stamp = round(t * 1e9)
        body = Body(
            "a", stamp, BLAZEPOSE_33, pixels, ones, points, covariances, states, 1.0, (640, 480), view
        )
        update = scorer.update(body, stamp)
        repetitions += update.repetitions
        faults += update.faults
    scorer.end_set(stamp + 1)
    update = scorer.update(None, stamp + 2)
    return repetitions + list(update.repetitions), faults + list(update.faults)


def mirrored(positions: np.ndarray) -> np.ndarray:
    other = [
        BLAZEPOSE_33.index(
            Landmark(m.value.replace("left", "?").replace("right", "left").replace("?", "right"))
        )
        for m in BLAZEPOSE_33.landmarks
    ]
    result: np.ndarray = positions[:, other] * [1.0, -1.0, 1.0]
    return result


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_who_it_is_and_what_to_do_about_each_fault(name: str) -> None:
    book = load_phrase_book(CONFIG / "phrases" / "en.yaml")
    assert model(name).name == name
    assert set(model(name).faults) - set(EXERCISES[name].faults) <= {"elbows_drop"}
    for rule in model(name).faults.values():
        assert rule.body_part in book.corrections[rule.correction].parts
        assert rule.source
    assert posture_for(name).name != "free"


@pytest.mark.parametrize("name", NAMES)
def test_what_one_camera_cannot_tell_is_not_judged(name: str) -> None:
    assert not set(model(name).faults) & {"rounded_back", "craned_neck"}
    for rule in model(name).faults.values():
        # a heel seen from the side or the front is off by more than a lift
        if rule.feature == "heel_rise":
            assert all(low >= 20.0 and high <= 70.0 for low, high in rule.views_deg)
        # sideways motion is depth in a view from the side
        if rule.feature in ("knee_track", "hip_shift", "trunk_lateral_lean", "knee_separation_ratio"):
            assert not any(low < 90.0 < high for low, high in rule.views_deg)


@pytest.mark.parametrize("name", NAMES)
def test_knees_that_collapse_under_load_are_a_danger_and_speed_is_style(name: str) -> None:
    faults = yaml.safe_load((CONFIG / "exercises" / f"{name}.yaml").read_text(encoding="utf-8"))["faults"]
    knees = faults.get("knees_in")
    if knees is not None:
        assert knees["severity"] == ("risk" if name in NO_LOAD_TO_SPEAK_OF else "danger")
    if "too_fast_down" in faults:
        assert faults["too_fast_down"]["severity"] in ("style", "efficiency")


@pytest.mark.parametrize("preset", PEOPLE)
@pytest.mark.parametrize("name", NAMES)
def test_clean_sets_are_counted_and_silent(name: str, preset: str) -> None:
    times, positions, _ = joints(name, preset)
    for view in (FRONT, SIDE):
        repetitions, faults = scored(name, times, positions, view)
        assert [r.status for r in repetitions] == [RepetitionStatus.VALID] * 2
        assert faults == []
        assert max(r.d for r in repetitions) < 1.0


@pytest.mark.parametrize(("name", "fault", "share", "view"), PLANTED)
def test_a_planted_fault_is_raised_in_both_repetitions(
    name: str, fault: str, share: float, view: float
) -> None:
    times, positions, _ = joints(name, "average_man", fault, share)
    repetitions, faults = scored(name, times, positions, view)
    assert [r.status for r in repetitions] == [RepetitionStatus.VALID] * 2
    assert {f.repetition for f in faults if f.name == fault} == {1, 2}
    worst = max(f.severity for f in faults)
    assert model(name).faults[fault].severity == worst


def test_hips_that_rise_first_are_a_danger() -> None:
    times, positions, _ = joints("deadlift", "average_man", "hips_rise_first", 1.0)
    _, faults = scored("deadlift", times, positions, SIDE)
    assert {f.severity.name for f in faults if f.name == "hips_rise_first"} == {"DANGER"}


def test_the_front_leg_of_a_lunge_is_judged_whichever_it_is() -> None:
    times, positions, sides = joints("forward_lunge", "average_man", "knee_in", 0.8)
    assert sides == ("left", "right")
    for points, expected in (
        (positions, (Side.LEFT, Side.RIGHT)),
        (mirrored(positions), (Side.RIGHT, Side.LEFT)),
    ):
        _, faults = scored("forward_lunge", times, points, FRONT)
        assert tuple(f.side for f in faults if f.name == "knee_in") == expected


@pytest.mark.parametrize("name", ["squat", "sit_to_stand", "side_lunge"])
def test_the_mirror_image_has_the_same_repetitions_and_d(name: str) -> None:
    times, positions, _ = joints(name)
    plain, _ = scored(name, times, positions, FRONT)
    other, _ = scored(name, times, mirrored(positions), FRONT)
    assert [r.end_ns for r in other] == [r.end_ns for r in plain]
    assert [r.d for r in other] == pytest.approx([r.d for r in plain], abs=1e-6)


@pytest.mark.parametrize("name", ["forward_lunge", "kettlebell_swing", "sit_to_stand"])
def test_standing_about_is_no_repetition(name: str) -> None:
    _, positions, _ = joints("squat")
    still = np.repeat(positions[:1], 60, axis=0)
    assert scored(name, np.arange(60) / FPS, still, FRONT) == ([], [])


def test_walking_is_no_lunge() -> None:
    plan = SetPlan(1, approach="walk", seed=2)
    performance = Performance(athlete("average_man"), EXERCISES["squat"], plan)
    start = performance.timeline.repetitions[0].start_s
    times = np.arange(int((start - 0.3) * FPS)) / FPS
    positions = seen(performance, times)
    for name in ("forward_lunge", "reverse_lunge", "side_lunge"):
        repetitions, _ = scored(name, times, positions, FRONT)
        assert not [r for r in repetitions if r.status is RepetitionStatus.VALID]
