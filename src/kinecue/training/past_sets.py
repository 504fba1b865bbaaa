"""What the history says about a person's strength, without ever failing: a history that cannot be read is an empty one."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timezone

from kinecue.body.errors import KineCueError
from kinecue.exercise.results import RepetitionStatus
from kinecue.training.effort_signs import SAME_LOAD
from kinecue.training.history import SetRecord, Store
from kinecue.training.load_velocity import LoadPoint

NEWEST_SETS = 200
"""That are looked at for sets to failure."""
OLDEST_DAYS = 180.0
_DAY_S = 86400.0


def _now() -> datetime:
    return datetime.now(timezone.utc)


class HistoryOfSets:
    """Earlier sets of people, from the history.

    Args:
        open_store: opens the history for reading.
        clock: wall clock, with the offset from UTC.

    Attributes:
        problem: why the history could not be read the last time; empty if it could.
    """

    def __init__(self, open_store: Callable[[], Store], clock: Callable[[], datetime] = _now) -> None:
        self._open_store, self._clock = open_store, clock
        self.problem = ""

    def points(self, person_id: str, exercise: str) -> list[LoadPoint]:
        """Fastest repetition at each load of each day, by the machine's sensors."""
        found: dict[tuple[str, int], LoadPoint] = {}
        try:
            with self._open_store() as store:
                known = store.load_velocity_points(person_id, exercise)
        except KineCueError as error:
            self.problem = str(error)
            return []
        self.problem = ""
        for point in known:
            if point.source == "camera" or not point.load_kg > 0.0:
                continue
            age = self._age_days(point.moment)
            key = point.moment.date().isoformat(), round(math.log(point.load_kg) / SAME_LOAD)
            if key not in found or found[key].velocity < point.velocity:
                found[key] = LoadPoint(point.load_kg, point.velocity, age)
        return list(found.values())

    def sets_to_failure(self, person_id: str, exercise: str) -> list[list[float]]:
        """Mean velocities of the counted repetitions of each set that ended with a failed one, m/s."""
        try:
            with self._open_store() as store:
                records = store.sets(person_id, exercise, newest=NEWEST_SETS)
        except KineCueError as error:
            self.problem = str(error)
            return []
        self.problem = ""
        speeds = [_to_failure(record) for record in records if self._age_days(record.began_at) <= OLDEST_DAYS]
        return [one for one in speeds if one]

    def _age_days(self, moment: datetime) -> float:
        return max((self._clock() - moment).total_seconds() / _DAY_S, 0.0)


def _to_failure(record: SetRecord) -> list[float]:
    done = [one for one in record.repetitions if one.status != RepetitionStatus.SETUP]
    if not done or done[-1].status != RepetitionStatus.FAILED:
        return []
    counted = [one.velocity for one in done if one.status == RepetitionStatus.VALID]
    if any(velocity is None or velocity.source == "camera" for velocity in counted):
        # which repetition was which would not be known
        return []
    return [velocity.mean for velocity in counted if velocity is not None]
