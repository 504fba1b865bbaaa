"""The history on disk: one SQLite file for all people of a machine."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from kinecue.body.paths import data_dir
from kinecue.body.person import check_id
from kinecue.exercise.results import RepetitionReason, RepetitionStatus, RepetitionVelocity, Severity, Side
from kinecue.training.history.records import FaultRecord, LoadVelocityPoint, RepetitionRecord, SetRecord
from kinecue.training.history.schema import HistoryError, migrate

BUSY_S = 2.0
"""For so long another program may write before it counts as an error."""

_VELOCITY = {
    "velocity_source": "source",
    "range_m": "range",
    "mean_m_s": "mean",
    "peak_m_s": "peak",
    "mean_propulsive_m_s": "mean_propulsive",
    "std_m_s": "std",
    "mean_force_n": "mean_force",
    "peak_force_n": "peak_force",
    "mean_power_w": "mean_power",
    "peak_power_w": "peak_power",
    "work_j": "work",
    "eccentric_mean_m_s": "eccentric_mean",
    "loss": "loss",
    "asymmetry": "asymmetry",
    "cable": "cable",
}
"""Columns of the velocity, and the fields of `RepetitionVelocity` in them."""
_ENUMERATIONS = {"status": RepetitionStatus, "reason": RepetitionReason, "side": Side, "severity": Severity}
_REPETITION = tuple(f.name for f in fields(RepetitionRecord) if f.name not in ("faults", "velocity"))
_FAULT = tuple(f.name for f in fields(FaultRecord))


@dataclass(frozen=True)
class PersonSummary:
    """What there is of one person.

    Attributes:
        person_id: empty = nobody in particular.
        sets, repetitions: how many; repetitions that counted.
        first, last: beginnings of the first and the last set.
    """

    person_id: str
    sets: int
    repetitions: int
    first: datetime
    last: datetime


def history_path() -> Path:
    """The file of this machine; need not exist."""
    return data_dir() / "history.sqlite3"


class Store:
    """The sets of everybody.

    Writes are transactions (a crash leaves all of a set or nothing of it) in write-ahead mode, so that others can read
    meanwhile. Deleted rows are overwritten. A store may be used from one thread; several programs may use one file.

    Args:
        path: of the file; made, for the user alone, if it does not exist and `create` says so.
        create: make the file.

    Raises:
        HistoryError: the file cannot be opened, is damaged or another's, or there is none.
    """

    def __init__(self, path: Path, create: bool = True) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        if not create and not path.is_file():
            raise HistoryError(f"{path}: there is no history yet; sets of people who were chosen are kept")
        with _translated(path):
            if create and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                # what people lift is nobody else's business
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            try:
                self._prepare(self._connection)
            except BaseException:
                self.close()
                raise

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            # first look whether it is ours: the mode would be changed in the file
            migrate(connection, name=str(self.path))
            connection.execute("PRAGMA journal_mode = WAL")
        # a set is written once in minutes: let it be on the disk
        connection.execute("PRAGMA synchronous = FULL")
        migrate(connection, name=str(self.path))

    def close(self) -> None:
        """Lets go of the file; harmless if it has."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- writing

    def add_set(self, record: SetRecord) -> int:
        """Keeps a set; one of the same id and person that began within the same minute is replaced, being the same.

        Returns:
            Its row.

        Raises:
            PersonError: the person's id is not allowed.
            HistoryError: it cannot be written, or a number is none.
        """
        if record.person_id:
            check_id(record.person_id)
        began = record.began_at
        if began.utcoffset() is None:
            raise HistoryError(f"began_at is {began!r}, allowed: a time with the offset from UTC")
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM sets WHERE set_id = ? AND person = ? AND abs(julianday(began_at) - julianday(?)) < ?",
                (record.set_id, record.person_id, began.isoformat(), 60.0 / 86400.0),
            )
            row = connection.execute(
                "INSERT INTO sets (set_id, person, exercise, began_at, duration_s, load_kg, counted, d)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record.set_id,
                    record.person_id,
                    record.exercise,
                    began.isoformat(),
                    record.duration_s,
                    _number(record.load_kg),
                    record.counted,
                    _number(record.d),
                ),
            ).lastrowid
            for table, key, counts in (
                ("not_counted", "status", {k.name.lower(): n for k, n in record.not_counted.items()}),
                ("set_faults", "name", record.faults),
            ):
                connection.executemany(
                    f"INSERT INTO {table} (set_row, {key}, count) VALUES (?, ?, ?)",
                    [(row, name, count) for name, count in counts.items()],
                )
            for position, repetition in enumerate(record.repetitions):
                _insert(connection, "repetitions", _repetition_columns(row, position, repetition))
                for rank, fault in enumerate(repetition.faults):
                    values = {name: _column(getattr(fault, name)) for name in _FAULT}
                    values |= {"set_row": row, "position": position, "rank": rank}
                    _insert(connection, "repetition_faults", values)
        return int(row or 0)

    def forget(self, person_id: str) -> int:
        """Removes every set of a person, so that nothing of it stays in the file.

        Returns:
            How many sets there were.

        Raises:
            PersonError: the id is not allowed.
            HistoryError: it cannot be written; or another program reads just now, so that the rows are gone but their
                bytes may not be: to be called again then.
        """
        if person_id:
            check_id(person_id)
        with self._transaction() as connection:
            sets = connection.execute("DELETE FROM sets WHERE person = ?", (person_id,)).rowcount
        with self._told() as connection:
            # the log still has the pages as they were before, and the indexes may have gaps with old bytes
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise HistoryError(
                f"{self.path}: {sets} sets are removed, but another program is reading, so that old pages are still in "
                f"{self.path.name}-wal: do it again when it has ended"
            )
        return int(sets)

    # -- reading

    def people(self) -> tuple[PersonSummary, ...]:
        """Everybody of whom there is a set, by id."""
        with self._told() as connection:
            rows = connection.execute(
                "SELECT person, count(*) AS sets, sum(counted) AS counted, min(began_at) AS first,"
                " max(began_at) AS last FROM sets GROUP BY person ORDER BY person"
            ).fetchall()
        return tuple(
            PersonSummary(
                row["person"], row["sets"], row["counted"], _moment(row["first"]), _moment(row["last"])
            )
            for row in rows
        )

    def sets(
        self, person_id: str | None = None, exercise: str | None = None, newest: int | None = None
    ) -> tuple[SetRecord, ...]:
        """Sets, oldest first.

        Args:
            person_id: whose; None = everybody's, empty = of nobody in particular.
            exercise: which; None = all.
            newest: only so many of the newest.
        """
        wanted, values = _where(person_id, exercise)
        limit = "" if newest is None else f" LIMIT {max(int(newest), 0)}"
        with self._told() as connection:
            # one snapshot for all of it
            connection.execute("BEGIN")
            try:
                rows = connection.execute(
                    f"SELECT * FROM sets{wanted} ORDER BY began_at DESC, id DESC{limit}", values
                ).fetchall()
                return tuple(_set(connection, row) for row in reversed(rows))
            finally:
                connection.execute("COMMIT")

    def load_velocity_points(self, person_id: str, exercise: str) -> list[LoadVelocityPoint]:
        """The fastest valid repetition of each set with a known load, oldest first."""
        with self._told() as connection:
            rows = connection.execute(
                "SELECT s.load_kg, s.began_at, max(r.mean_m_s) AS mean_m_s, r.std_m_s, r.velocity_source"
                " FROM sets AS s JOIN repetitions AS r ON r.set_row = s.id"
                " WHERE s.person = ? AND s.exercise = ? AND s.load_kg > 0 AND r.status = 'valid' AND r.mean_m_s > 0"
                " GROUP BY s.id ORDER BY s.began_at, s.id",
                (person_id, exercise),
            ).fetchall()
        return [
            LoadVelocityPoint(
                row["load_kg"],
                row["mean_m_s"],
                _moment(row["began_at"]),
                _value(row["std_m_s"]),
                row["velocity_source"],
            )
            for row in rows
        ]

    # -- the connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._told() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # a full disk has ended it already
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[sqlite3.Connection]:
        """The connection; what goes wrong is told in terms of the file."""
        if self._connection is None:
            raise HistoryError(f"{self.path}: the history is closed")
        with _translated(self.path):
            yield self._connection


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise HistoryError(f"{path}: {_in_words(error)}") from error
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror or error}") from error
    except (OverflowError, UnicodeError) as error:
        raise HistoryError(f"{path}: a value cannot be kept: {error}") from error


def _in_words(error: sqlite3.Error) -> str:
    text = str(error)
    if "malformed" in text or "not a database" in text:
        return f"is damaged or no history ({text}); move it away and a new one is begun"
    if "locked" in text or "busy" in text:
        return f"another program is writing ({text})"
    return f"cannot be used: {text}"


def _where(person_id: str | None, exercise: str | None) -> tuple[str, list[str]]:
    wanted = [
        (name, value) for name, value in (("person", person_id), ("exercise", exercise)) if value is not None
    ]
    if not wanted:
        return "", []
    return " WHERE " + " AND ".join(f"{name} = ?" for name, _ in wanted), [value for _, value in wanted]


def _insert(connection: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


def _repetition_columns(row: int | None, position: int, repetition: RepetitionRecord) -> dict[str, Any]:
    values: dict[str, Any] = {"set_row": row, "position": position}
    values |= {name: _column(getattr(repetition, name)) for name in _REPETITION}
    if repetition.velocity is not None:
        values |= {column: _column(getattr(repetition.velocity, name)) for column, name in _VELOCITY.items()}
    return values


def _set(connection: sqlite3.Connection, row: sqlite3.Row) -> SetRecord:
    number = (row["id"],)
    faults: dict[int, list[FaultRecord]] = {}
    for each in connection.execute(
        "SELECT * FROM repetition_faults WHERE set_row = ? ORDER BY position, rank", number
    ):
        values = {name: _field(name, each[name]) for name in _FAULT}
        faults.setdefault(each["position"], []).append(FaultRecord(**values))
    repetitions = connection.execute("SELECT * FROM repetitions WHERE set_row = ? ORDER BY position", number)
    counts = connection.execute("SELECT status, count FROM not_counted WHERE set_row = ?", number)
    set_faults = connection.execute(
        "SELECT name, count FROM set_faults WHERE set_row = ? ORDER BY count DESC, name", number
    )
    return SetRecord(
        row["set_id"],
        row["person"],
        row["exercise"],
        _moment(row["began_at"]),
        row["duration_s"],
        _value(row["load_kg"]),
        row["counted"],
        {_field("status", each["status"]): each["count"] for each in counts},
        _value(row["d"]),
        {each["name"]: each["count"] for each in set_faults},
        tuple(_repetition(each, tuple(faults.get(each["position"], ()))) for each in repetitions),
    )


def _repetition(row: sqlite3.Row, faults: tuple[FaultRecord, ...]) -> RepetitionRecord:
    values = {name: _field(name, row[name]) for name in _REPETITION}
    velocity = None
    if row["velocity_source"]:
        velocity = RepetitionVelocity(
            **{name: _field(name, row[column]) for column, name in _VELOCITY.items()}
        )
    return RepetitionRecord(**values, faults=faults, velocity=velocity)


def _column(value: Any) -> Any:
    """What a field is in the database: names of enumerations outlive their numbers, NaN is NULL."""
    if isinstance(value, (RepetitionStatus, RepetitionReason, Side, Severity)):
        return value.name.lower()
    return _number(value) if isinstance(value, float) else value


def _field(name: str, value: Any) -> Any:
    if name in _ENUMERATIONS:
        members = _ENUMERATIONS[name].__members__
        if value.upper() not in members:
            allowed = ", ".join(members).lower()
            raise HistoryError(f"history: {name} is {value!r}, allowed: {allowed}")
        return members[value.upper()]
    return math.nan if value is None else value


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _value(value: float | None) -> float:
    return math.nan if value is None else value


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
