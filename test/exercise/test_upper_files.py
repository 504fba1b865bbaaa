"""Exercise files of upper body, floor and get-up, on simulated people whose joints are known exactly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kinecue.body import BLAZEPOSE_33, Body
from kinecue.coaching import Orchestrator, load_phrase_book
from kinecue.exercise import (
    Fault,
    FormState,
    Repetition,
    RepetitionReason,
    RepetitionStatus,
    Scorer,
    Severity,
    Side,
    find_exercise,
)
from kinecue.exercise.features import FEATURES
from kinecue.simulation.athletes.athlete import Athlete
from kinecue.simulation.exercises import EXERCISES
from kinecue.simulation.movement.performance import Performance
from kinecue.simulation.movement.set_plan import PlantedFault, SetPlan, Tempo

FloatArray = NDArray[np.float64]

UPPER = (
    "push_up",
    "pull_up",
    "overhead_press",
    "cable_row",
    "lat_pulldown",
    "cable_chest_press",
    "biceps_curl",
    "triceps_pushdown",
    "shoulder_abduction",
    "plank",
    "turkish_get_up",
)
TOO_FAST = {
    "push_up": "too_fast_down",
    "pull_up": "too_fast_down",
    "biceps_curl": "too_fast_down",
    "triceps_pushdown": "too_fast_up",
}
"""Of the exercises whose way back is hurried below; the others have the same rule."""
REPEATED = tuple(name for name in UPPER if name not in ("plank", "turkish_get_up"))
FROM_ALL_SIDES = math.inf
"""View of a body that was not seen by one camera: every fault can be judged."""
FPS = 10.0
_STD = 0.004

# share of the largest magnitude that the simulated body can do; what is larger turns before it counts, or is not held
SUFFICIENT: dict[str, dict[str, float]] = {
    "push_up": {
        "sagging_hips": 0.7, "piked_hips": 1.0, "flared_elbows": 0.8, "short_range": 0.48, "uneven": 1.0,
    },
    "pull_up": {
        "short_top": 0.4, "swing": 0.9, "kipping": 0.9, "uneven": 1.0, "no_lockout": 0.8,
    },
    "overhead_press": {
        "back_arch": 0.8, "no_lockout": 0.9, "bar_forward": 0.9, "uneven": 1.0, "leg_drive": 0.8,
    },
    "cable_row": {
        "trunk_swing": 0.9, "short_range": 0.45, "elbows_flared": 1.0, "uneven": 1.0,
    },
    "lat_pulldown": {
        "lean_back": 0.9, "short_range": 0.75, "uneven": 1.0, "no_stretch": 0.7,
    },
    "cable_chest_press": {
        "uneven": 1.0, "no_lockout": 0.65, "trunk_forward": 0.9, "short_range": 0.7,
    },
    "biceps_curl": {
        "elbow_drift": 0.8, "swing": 0.8, "short_top": 0.45, "short_bottom": 0.75,
    },
    "triceps_pushdown": {
        "elbow_drift": 0.9, "trunk_forward": 0.9, "short_bottom": 0.65, "short_top": 0.6,
    },
    "shoulder_abduction": {
        "swing": 0.8, "trunk_lateral": 0.8, "bent_elbows": 0.65, "over_height": 0.7, "short_range": 0.6,
    },
    "plank": {"sagging_hips": 0.8, "piked_hips": 0.8, "rotated_hips": 0.8, "shoulders_behind": 0.9},
    "turkish_get_up": {"arm_not_vertical": 0.9, "elbow_bent": 0.9, "trunk_lean": 0.9},
}  # fmt: skip
UNSEEN = {("cable_row", "rounded_back")}
"""Always abstained from: no landmark tells."""
NEXT = {"no_lockout", "no_stretch", "short_range", "short_bottom", "short_top"}


@dataclass(frozen=True)
class Track:
    """A set as exact landmarks: (T,) s, (T, 33, 3) m, (T,) progress."""

    times: FloatArray
    positions: FloatArray
    progress: FloatArray

    def part(self, keep: NDArray[np.bool_]) -> Track:
        """Some of the frames, one after another."""
        count = int(keep.sum())
        return Track(self.times[:count], self.positions[keep], self.progress[keep])

    def mirrored(self) -> Track:
        """Left and right changed."""
        names = [mark.value for mark in BLAZEPOSE_33.landmarks]
        other = {"left": "right", "right": "left"}
        twins = [names.index("_".join(other.get(word, word) for word in name.split("_"))) for name in names]
        return Track(self.times, self.positions[:, twins] * [1.0, -1.0, 1.0], self.progress)


@cache
def athlete(name: str) -> Athlete:
    return Athlete(name)


@cache
def perform(
    exercise: str,
    who: str = "average_man",
    repetitions: int = 2,
    faults: tuple[PlantedFault, ...] = (),
    tempo: float = 1.0,
    hold_s: float | None = None,
    variation: float = 0.7,
    seed: int = 3,
    fps: float = FPS,
) -> Track:
    own = EXERCISES[exercise].tempo
    hold = own.hold_s if hold_s is None else hold_s
    plan = SetPlan(
        repetitions, Tempo(own.out_s * tempo, hold, own.back_s * tempo, own.rest_s), faults,
        still_s=1.0, after_s=0.8, variation=variation, seed=seed,
    )  # fmt: skip
    body = athlete(who)
    performance = Performance(body, EXERCISES[exercise], plan)
    times = np.arange(int(performance.duration_s * fps)) / fps
    figure = performance.figure(times)
    positions = np.empty((len(times), 33, 3))
    for n in range(len(times)):
        marks = body.landmarks(body.transforms(figure.pose(body, n)))
        positions[n] = [marks[mark] for mark in BLAZEPOSE_33.landmarks]
    return Track(times, positions, performance.moments(times).progress)


def bodies(track: Track, view: float = FROM_ALL_SIDES) -> Iterable[Body]:
    """The set turned towards the camera as `view` says, 3 m away."""
    turn = math.pi + (view if math.isfinite(view) else 0.0)
    rotation = np.array(
        [[math.cos(turn), -math.sin(turn), 0.0], [math.sin(turn), math.cos(turn), 0.0], [0.0, 0.0, 1.0]]
    )
    covariances = np.broadcast_to(np.eye(3) * _STD**2, (33, 3, 3))
    pixels, ones, states = np.zeros((33, 2)), np.ones(33), np.full(33, 2, np.uint8)
    for t, points in zip(track.times.tolist(), track.positions, strict=True):
        placed = points @ rotation.T + [3.0, 0.0, 0.0]
        yield Body(
            "a", round(t * 1e9) + 1, BLAZEPOSE_33, pixels, ones, placed, covariances, states, 1.0, (640, 480), view
        )  # fmt: skip


@dataclass(frozen=True)
class Scored:
    repetitions: tuple[Repetition, ...]
    faults: tuple[Fault, ...]
    forms: tuple[FormState, ...]
    abstained: dict[str, str]

    @property
    def statuses(self) -> list[RepetitionStatus]:
        return [item.status for item in self.repetitions]

    @property
    def names(self) -> Counter[str]:
        return Counter(item.name for item in self.faults)


def score(exercise: str, track: Track, view: float = FROM_ALL_SIDES) -> Scored:
    scorer = Scorer(find_exercise(exercise))
    repetitions: list[Repetition] = []
    faults: list[Fault] = []
    forms: list[FormState] = []
    for body in bodies(track, view):
        update = scorer.update(body, body.stamp_ns)
        repetitions += update.repetitions
        faults += update.faults
        forms += [update.form] if update.form else []
    end = round(float(track.times[-1]) * 1e9) + 2
    abstained = {item.fault: item.reason.name for item in scorer.end_set(end).abstained}
    last = scorer.update(None, end + 1)
    return Scored((*repetitions, *last.repetitions), (*faults, *last.faults), tuple(forms), abstained)


VALID = RepetitionStatus.VALID


# -- the files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UPPER)
def test_every_fault_has_its_phrase_and_says_where_its_numbers_come_from(name: str) -> None:
    model = find_exercise(name)
    path = Path(__file__).parents[2] / "config" / "phrases" / "en.yaml"
    book = load_phrase_book(path)
    assert model.name == name
    assert model.sources
    for fault, rule in model.faults.items():
        assert rule.correction in book.corrections, fault
        assert rule.body_part in book.corrections[rule.correction].parts, fault
        assert "judgement" in rule.source or fault in dict(UNSEEN).values()


@pytest.mark.parametrize("name", UPPER)
def test_faults_that_the_simulation_can_plant_have_its_names(name: str) -> None:
    model = find_exercise(name)
    assert set(model.faults) - {fault for exercise, fault in UNSEEN if exercise == name} <= set(
        EXERCISES[name].faults
    )
    # each of them is either tested below or cannot be planted so that it shows
    tested = set(SUFFICIENT[name]) | {fault for exercise, fault in UNSEEN if exercise == name}
    untested = set(model.faults) - tested
    assert all(
        FEATURES[model.faults[fault].feature].of_movement or fault == "no_lockout" for fault in untested
    )


# -- clean sets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["short", "heavy"])
@pytest.mark.parametrize("name", REPEATED)
def test_clean_sets_count_and_have_no_fault(name: str, who: str) -> None:
    count = 2 if who == "short" else 1
    result = score(name, perform(name, who, count, tempo=0.8 if who == "short" else 1.2, seed=5))
    assert result.statuses == [VALID] * count
    assert not result.faults
    assert all(item.d < 0.7 for item in result.repetitions)


@pytest.mark.parametrize("view_deg", [0.0, 90.0])
@pytest.mark.parametrize("name", REPEATED)
def test_what_a_view_does_not_show_is_abstained_from(name: str, view_deg: float) -> None:
    result = score(name, perform(name, "short", tempo=0.8, seed=5), math.radians(view_deg))
    assert result.statuses == [VALID] * 2
    assert not result.faults
    model = find_exercise(name)
    hidden = {
        fault
        for fault, rule in model.faults.items()
        if not FEATURES[rule.feature].of_movement
        and not any(low <= view_deg <= high for low, high in rule.views_deg)
    }
    assert hidden <= {fault for fault, reason in result.abstained.items() if reason == "VIEW"}


# -- planted faults ----------------------------------------------------------------------------------------------


@cache
def planted(name: str) -> tuple[dict[str, set[int]], Scored]:
    """A set in which every repetition has another fault, and the repetitions in which each may be told."""
    sizes = SUFFICIENT[name]
    plants, expected, number = [], {}, 1
    for fault, share in sizes.items():
        kind = EXERCISES[name].faults[fault]
        plants.append(PlantedFault(fault, (number,), share * kind.limit))
        late = find_exercise(name).faults[fault].judge.value == "start"
        expected[fault] = {number + 1} if late else {number}
        number += 2 if late else 1
    track = perform(name, repetitions=number, faults=tuple(plants), variation=0.0)
    return expected, score(name, track)


@pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for name in REPEATED for fault in SUFFICIENT[name]]
)
def test_a_planted_fault_is_raised_in_its_repetition(name: str, fault: str) -> None:
    expected, result = planted(name)
    found = {item.repetition for item in result.faults if item.name == fault}
    assert found == expected[fault]
    assert all(
        item.probability >= 0.8 and item.magnitude >= 0.0 for item in result.faults if item.name == fault
    )


@pytest.mark.parametrize("name", REPEATED)
def test_a_set_of_planted_faults_has_no_others(name: str) -> None:
    expected, result = planted(name)
    assert set(result.statuses) == {VALID}
    assert result.names == Counter({fault: result.names[fault] for fault in expected})


@pytest.mark.parametrize("name", TOO_FAST)
def test_a_load_that_is_let_go_is_told(name: str) -> None:
    fault = TOO_FAST[name]
    plant = PlantedFault(fault, (1,), EXERCISES[name].faults[fault].limit)
    result = score(name, perform(name, repetitions=1, faults=(plant,), variation=0.0, fps=20.0))
    assert result.statuses == [VALID]
    assert set(result.names) == {fault}


def test_the_faults_of_planks_are_raised_each_in_its_hold() -> None:
    sizes = SUFFICIENT["plank"]
    plants = tuple(
        PlantedFault(fault, (n,), share * EXERCISES["plank"].faults[fault].limit)
        for n, (fault, share) in enumerate(sizes.items(), 1)
    )
    track = perform("plank", repetitions=len(plants), faults=plants, hold_s=11.0, fps=4.0)
    result = score("plank", track)
    assert {item.name for item in result.faults} == set(sizes)
    assert result.names == Counter(sizes.keys())


def test_the_faults_of_a_get_up_are_raised() -> None:
    sizes = SUFFICIENT["turkish_get_up"]
    plants = tuple(
        PlantedFault(fault, (1,), share * EXERCISES["turkish_get_up"].faults[fault].limit)
        for fault, share in sizes.items()
    )
    result = score("turkish_get_up", perform("turkish_get_up", repetitions=1, faults=plants, fps=5.0))
    assert result.statuses == [VALID]
    assert set(result.names) == set(sizes)


@pytest.mark.parametrize("fault", ["arm_not_vertical", "elbow_bent"])
def test_a_bell_that_stays_off_is_warned_of_until_the_set_is_to_be_stopped(fault: str) -> None:
    plant = PlantedFault(
        fault,
        (1,),
        SUFFICIENT["turkish_get_up"][fault] * EXERCISES["turkish_get_up"].faults[fault].limit,
    )
    track = perform("turkish_get_up", repetitions=1, tempo=2.2, faults=(plant,), fps=10.0)
    result = score("turkish_get_up", track)
    raised = [item for item in result.faults if item.name == fault]
    assert len(raised) >= 4
    assert {item.repetition for item in raised} == {1}
    book = load_phrase_book(Path(__file__).parents[2] / "config" / "phrases" / "en.yaml")
    coach = Orchestrator(book)
    said = [
        decision.cue
        for item in raised
        for decision in coach.on_fault(item, item.stamp_ns)
        if decision.cue is not None
    ]
    assert [bool(cue.correction) for cue in said[:4]] == [True, True, True, False]
    assert said[3].text in book.stop.say


# -- sides -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fault"), [("biceps_curl", "elbow_drift"), ("push_up", "flared_elbows"), ("shoulder_abduction", "bent_elbows")]
)  # fmt: skip
def test_a_mirrored_set_has_its_faults_on_the_other_side(name: str, fault: str) -> None:
    plant = PlantedFault(fault, (1,), SUFFICIENT[name][fault] * EXERCISES[name].faults[fault].limit, "left")
    track = perform(name, repetitions=1, faults=(plant,))
    result, mirror = score(name, track), score(name, track.mirrored())
    assert {item.side for item in result.faults if item.name == fault} == {Side.LEFT}
    assert {item.side for item in mirror.faults if item.name == fault} == {Side.RIGHT}
    assert [item.d for item in mirror.repetitions] == pytest.approx(
        [item.d for item in result.repetitions], abs=1e-6
    )


# -- plank -------------------------------------------------------------------------------------------------------


def test_a_plank_of_thirty_seconds_is_one_hold_and_a_short_one_is_told() -> None:
    held = score("plank", perform("plank", "heavy", 1, hold_s=30.0, fps=4.0))
    assert held.statuses == [VALID]
    assert not held.faults
    lasted = (held.repetitions[0].end_ns - held.repetitions[0].start_ns) * 1e-9
    assert 29.0 < lasted < 35.0
    assert held.repetitions[0].d < 0.7
    broken = score("plank", perform("plank", "heavy", 1, hold_s=3.0, fps=4.0))
    assert len(broken.repetitions) == 1
    assert broken.repetitions[0].status is RepetitionStatus.PARTIAL
    assert broken.repetitions[0].reason is RepetitionReason.TOO_SHORT


# -- get-up ------------------------------------------------------------------------------------------------------


def test_a_get_up_names_its_stages_in_order_on_both_sides() -> None:
    result = score("turkish_get_up", get_ups())
    assert result.statuses == [VALID] * 2
    assert not result.faults
    assert all(item.d < 0.7 for item in result.repetitions)
    names = [stage.name for stage in find_exercise("turkish_get_up").stages]
    for repetition in result.repetitions:
        inside = [
            form.stage
            for form in result.forms
            if repetition.start_ns <= form.stamp_ns <= repetition.bottom_ns and form.stage
        ]
        assert list(dict.fromkeys(inside)) == names


def get_ups() -> Track:
    """One with the left arm up, one with the right."""
    return perform("turkish_get_up", "short", fps=5.0)


@pytest.mark.parametrize(
    ("first", "last"), [(0.24, 0.56), (0.44, 0.78), (0.79, 0.93)], ids=["bridge", "sweep", "half_kneeling"]
)
def test_a_get_up_without_a_stage_does_not_count(first: float, last: float) -> None:
    whole = get_ups()
    half = len(whole.times) // 2
    out = np.arange(len(whole.times)) <= int(whole.progress[:half].argmax())
    result = score("turkish_get_up", whole.part(~(out & (whole.progress > first) & (whole.progress < last))))
    assert [item.reason for item in result.repetitions] == [
        RepetitionReason.STAGE_MISSING,
        RepetitionReason.NONE,
    ]
    assert result.statuses == [RepetitionStatus.PARTIAL, VALID]


def test_half_a_push_up_does_not_count() -> None:
    limit = EXERCISES["push_up"].faults["short_range"].limit
    small = PlantedFault("short_range", (1,), 0.75 * limit)
    assert VALID not in score("push_up", perform("push_up", repetitions=1, faults=(small,))).statuses


def test_a_rest_with_the_hips_up_is_no_push_up() -> None:
    piked = PlantedFault("piked_hips", (2,), EXERCISES["push_up"].faults["piked_hips"].limit)
    track = perform("push_up", repetitions=2, faults=(piked,), variation=0.0)
    # the trunk further up about the hips, as in the downward dog: hips bent by some 80 degrees while the elbows bend
    names = [mark.value for mark in BLAZEPOSE_33.landmarks]
    below = ("knee", "ankle", "heel", "foot_index")
    legs = [n for n, name in enumerate(names) if name.partition("_")[2] in below]
    second = track.times > track.times[-1] / 2.0
    positions = track.positions.copy()
    hips = positions[:, [names.index("left_hip"), names.index("right_hip")]].mean(1)
    turn = math.radians(40.0)
    for n in np.flatnonzero(second):
        away = positions[n, legs] - hips[n]
        x, z = away[:, 0].copy(), away[:, 2].copy()
        positions[n, legs, 0] = hips[n, 0] + math.cos(turn) * x - math.sin(turn) * z
        positions[n, legs, 2] = hips[n, 2] + math.cos(turn) * z + math.sin(turn) * x
    result = score("push_up", Track(track.times, positions, track.progress))
    assert result.statuses.count(VALID) == 1


def test_dangers_are_those_under_a_load_overhead() -> None:
    dangerous = {
        (name, fault)
        for name in UPPER
        for fault, rule in find_exercise(name).faults.items()
        if rule.severity is Severity.DANGER
    }
    assert dangerous == {("turkish_get_up", "arm_not_vertical"), ("turkish_get_up", "elbow_bent")}
