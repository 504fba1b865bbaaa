"""Training as it goes on: sets, people, and a history that may not be there."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from effort_sets import S, clean_set, repetition, set_to_failure

from kinecue.body.measurement import Measurement
from kinecue.exercise.results import Fault, Phase, RepetitionStatus, SetSummary, Severity, Side
from kinecue.machine import CableSample, CableSide
from kinecue.training.advice import Advice, AdviceReason, AdviceSettings
from kinecue.training.effort import Call
from kinecue.training.history import HistoryError, SetRecord, Store
from kinecue.training.load_velocity import LoadPoint
from kinecue.training.past_sets import HistoryOfSets
from kinecue.training.session import TrainingSession

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=timezone.utc)


def summary(number: int = 1, active: bool = True, **fields: object) -> SetSummary:
    return SetSummary(
        f"set/{number}", "a", "squat", active, 0, 60 * S, 5, load_kg=fields.pop("load_kg", 60.0), **fields
    )


class Past:
    """A person who has squatted before."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def points(self, person_id: str, exercise: str) -> list[LoadPoint]:
        self.asked.append((person_id, exercise))
        return [LoadPoint(load, 1.5 - 0.0115 * load, 3.0) for load in (40.0, 55.0, 70.0, 85.0)]

    def sets_to_failure(self, person_id: str, exercise: str) -> list[list[float]]:
        return [[0.3 + 0.45 * math.sqrt(left / 7) for left in range(7, -1, -1)]] * 2


def test_a_set_from_its_beginning_to_its_advice() -> None:
    session = TrainingSession(AdviceSettings(target_low=0.4, target_high=0.5))
    assert session.set_summary(summary()).profile is None
    for one in clean_set("plain", np.random.default_rng(11)).repetitions:
        (effort,) = session.repetition(one).efforts
        assert effort.call == Call.NONE
    news = session.set_summary(summary(active=False))
    assert news.advice is not None
    assert news.advice.set_id == "set/1"
    assert news.advice.advice in (Advice.HEAVIER, Advice.KEEP)
    assert session.set_summary(summary(active=False)).advice is None
    assert session.set_summary(summary(2)).advice is None
    assert session.effort is None


def test_a_set_to_failure_is_stopped_and_lighter_after() -> None:
    session = TrainingSession()
    session.set_summary(summary())
    stops = []
    for one in set_to_failure(np.random.default_rng(1)).repetitions:
        news = session.repetition(one)
        stops += [news.advice] if news.advice else []
    assert [stop.advice for stop in stops] in ([], [Advice.STOP])
    after = session.set_summary(summary(active=False)).advice
    assert (after.advice, after.reason) == (Advice.LIGHTER, AdviceReason.FAILED)


def test_two_dangers_stop_the_set_at_once_and_once() -> None:
    session = TrainingSession()
    session.set_summary(summary())
    told = []
    for number in (1, 2, 3):
        fault = Fault(
            f"squat/{number}/spine/1", "spine", S, S, "a", "squat", Phase.BOTTOM, "", number, Side.BOTH, Severity.DANGER,
            0.95, 1.0, "trunk_flexion", Measurement(0.6, 0.05), 0.4, "rad", "chest_up", "back",
        )  # fmt: skip
        told.append(session.fault(fault).advice)
        session.repetition(repetition(number, number * 9 * S, 0.7))
    assert [one is not None and one.advice == Advice.STOP for one in told] == [False, True, False]


def test_a_known_person_has_a_profile() -> None:
    past = Past()
    session = TrainingSession(past=past)
    news = session.set_summary(summary(person_id="p1"))
    assert past.asked == [("p1", "squat")]
    assert news.profile.person_id == "p1"
    assert news.profile.profile.known
    assert news.profile.profile.one_rm_kg == pytest.approx(
        (1.5 - news.profile.profile.minimal_velocity) / 0.0115, rel=0.02
    )
    assert session.set_summary(summary(person_id="p1")).profile is None
    assert session.recorded().profile.known
    assert session.set_summary(summary(2, person_id="")).profile is None
    assert session.profile is None


def test_the_best_of_the_day_is_of_the_same_person_and_load() -> None:
    session = TrainingSession(past=Past())

    def one_set(number: int, speed: float, **fields: object) -> Advice:
        session.set_summary(summary(number, **fields))
        for n in range(4):
            session.repetition(repetition(n + 1, (number * 100 + n * 9) * S, speed * (1.0 - 0.02 * n)))
        return session.set_summary(summary(number, active=False, **fields)).advice.advice

    assert one_set(1, 0.8, person_id="p1") == Advice.KEEP
    assert one_set(2, 0.5, person_id="p2") == Advice.KEEP
    assert one_set(3, 0.5, person_id="p1", load_kg=80.0) == Advice.KEEP
    assert one_set(4, 0.5, person_id="p1") == Advice.STOP


def test_the_cables_tell_the_load() -> None:
    session = TrainingSession()
    session.set_summary(summary(load_kg=math.nan))
    for side, load in ((CableSide.LEFT, 100.0), (CableSide.RIGHT, 100.0)):
        session.cable(CableSample(S, 100.0, load_n=load, side=side))
    for n in range(5):
        session.repetition(repetition(n + 1, n * 9 * S, 0.8))
    for side in (CableSide.LEFT, CableSide.RIGHT):
        session.cable(CableSample(S, 100.0, load_n=60.0, side=side))
    (effort,) = session.repetition(repetition(6, 60 * S, 0.5)).efforts
    assert effort.repetition == 1


def record(velocities: list[float], load: float, failed: bool, days: float, number: int) -> SetRecord:
    lifts = [repetition(n + 1, n * 9 * S, v) for n, v in enumerate(velocities)]
    if failed:
        lifts.append(repetition(0, 500 * S, 0.1, status=RepetitionStatus.FAILED))
    made = SetSummary(
        f"set/{number}", "a", "squat", False, 0, 600 * S, len(velocities), load_kg=load, person_id="p1"
    )
    return SetRecord.of(made, lifts, NOW - timedelta(days=days))


def test_the_history_gives_points_and_sets_to_failure(tmp_path) -> None:
    path = tmp_path / "history.sqlite3"
    with Store(path) as store:
        store.add_set(record([0.7, 0.8, 0.6], 40.0, False, 2.0, 1))
        store.add_set(record([0.75, 0.7, 0.65], 40.4, False, 2.0, 2))
        store.add_set(record([0.6, 0.5, 0.4, 0.3], 60.0, True, 1.0, 3))
        store.add_set(record([0.6, 0.5], 60.0, True, 300.0, 4))
    past = HistoryOfSets(lambda: Store(path, create=False), lambda: NOW)
    points = past.points("p1", "squat")
    assert sorted((point.load_kg, round(point.velocity, 3)) for point in points if point.age_days < 100) == [
        (40.0, 0.8),
        (60.0, 0.6),
    ]
    assert past.sets_to_failure("p1", "squat") == [[0.6, 0.5, 0.4, 0.3]]
    assert past.problem == ""
    assert past.points("nobody", "squat") == []


def test_a_history_that_cannot_be_read_is_an_empty_one(tmp_path) -> None:
    def broken() -> Store:
        raise HistoryError("the disk is on fire")

    past = HistoryOfSets(broken)
    session = TrainingSession(past=past)
    news = session.set_summary(summary(person_id="p1"))
    assert not news.profile.profile.known
    assert past.problem == "the disk is on fire"
    (tmp_path / "file").write_bytes(b"no database" * 100)
    assert HistoryOfSets(lambda: Store(tmp_path / "file")).points("p1", "squat") == []


def test_camera_velocities_are_no_points(tmp_path) -> None:
    path = tmp_path / "history.sqlite3"
    made = record([0.7, 0.8, 0.6], 40.0, True, 2.0, 1)
    by_camera = replace(
        made,
        repetitions=tuple(
            replace(r, velocity=replace(r.velocity, source="camera")) for r in made.repetitions
        ),
    )
    with Store(path) as store:
        store.add_set(by_camera)
    past = HistoryOfSets(lambda: Store(path), lambda: NOW)
    assert past.points("p1", "squat") == []
    assert past.sets_to_failure("p1", "squat") == []
