"""Tables of the history, and how older files become newer ones.

Version 1 knew sets and their repetitions; version 2 added the faults of each repetition. A change of the tables is a
further step at the end of `MIGRATIONS`; steps that were released are never edited.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from kinecue.body.errors import KineCueError


class HistoryError(KineCueError):
    """The history cannot be read or written; the text names the file and the reason."""


MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE sets (
            id INTEGER PRIMARY KEY,
            set_id TEXT NOT NULL,
            person TEXT NOT NULL,
            exercise TEXT NOT NULL,
            began_at TEXT NOT NULL,
            duration_s REAL NOT NULL,
            load_kg REAL,
            counted INTEGER NOT NULL,
            d REAL
        )
        """,
        "CREATE INDEX sets_of_person ON sets (person, exercise, began_at)",
        "CREATE INDEX sets_by_id ON sets (set_id)",
        """
        CREATE TABLE not_counted (
            set_row INTEGER NOT NULL REFERENCES sets (id) ON DELETE CASCADE,
            status TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (set_row, status)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE set_faults (
            set_row INTEGER NOT NULL REFERENCES sets (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (set_row, name)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE repetitions (
            set_row INTEGER NOT NULL REFERENCES sets (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            number INTEGER NOT NULL,
            status TEXT NOT NULL,
            reason TEXT NOT NULL,
            side TEXT NOT NULL,
            source TEXT NOT NULL,
            start_s REAL NOT NULL,
            range REAL,
            feature TEXT NOT NULL,
            feature_peak REAL,
            unit TEXT NOT NULL,
            eccentric_s REAL,
            pause_s REAL,
            concentric_s REAL,
            held_s REAL,
            d REAL,
            d_eccentric REAL,
            d_concentric REAL,
            velocity_source TEXT,
            range_m REAL,
            mean_m_s REAL,
            peak_m_s REAL,
            mean_propulsive_m_s REAL,
            std_m_s REAL,
            mean_force_n REAL,
            peak_force_n REAL,
            mean_power_w REAL,
            peak_power_w REAL,
            work_j REAL,
            eccentric_mean_m_s REAL,
            loss REAL,
            asymmetry REAL,
            cable INTEGER,
            PRIMARY KEY (set_row, position)
        ) WITHOUT ROWID
        """,
    ),
    (
        """
        CREATE TABLE repetition_faults (
            set_row INTEGER NOT NULL,
            position INTEGER NOT NULL,
            rank INTEGER NOT NULL,
            name TEXT NOT NULL,
            side TEXT NOT NULL,
            severity TEXT NOT NULL,
            probability REAL,
            magnitude REAL,
            duration_s REAL,
            PRIMARY KEY (set_row, position, rank),
            FOREIGN KEY (set_row, position) REFERENCES repetitions (set_row, position) ON DELETE CASCADE
        ) WITHOUT ROWID
        """,
    ),
)
"""Step i brings a file of version i to version i + 1."""

VERSION = len(MIGRATIONS)
"""Of the files that are written; stands in ``PRAGMA user_version``."""

APPLICATION = 0x4B437565
"""``PRAGMA application_id``: ``KCue``, so that nobody's other database is taken for a history."""


def migrate(
    connection: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS, name: str = "history"
) -> None:
    """Brings a database to the newest version, all of it or nothing: a crash in the middle leaves the old version.

    Args:
        connection: without a transaction under way, in autocommit mode.
        migrations: steps from version to version.
        name: of the file, for errors.

    Raises:
        HistoryError: the file is another program's, or of a newer version.
        sqlite3.Error: it cannot be written.
    """
    if _pragma(connection, "user_version") == len(migrations) and _application(connection, name):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # another process may have been quicker
        version = _pragma(connection, "user_version")
        if version > len(migrations):
            raise HistoryError(
                f"{name}: is of version {version}, written by a newer KineCue; allowed here: up to {len(migrations)}"
            )
        if not _application(connection, name) and (version or _pragma(connection, "schema_version")):
            raise HistoryError(f"{name}: is a database, but not a history of KineCue")
        for step in migrations[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _application(connection: sqlite3.Connection, name: str) -> bool:
    return _pragma(connection, "application_id") == APPLICATION


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
