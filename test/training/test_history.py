"""The history: what is kept, who may read, what is left after somebody was forgotten, and what a full disk does."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from remembered_sets import MOMENT, SECOND, record, repetition, summary

from kinecue.body.person import PersonError
from kinecue.exercise.results import RepetitionStatus
from kinecue.training.history import HistoryError, SetRecorder, Store, export
from kinecue.training.history.schema import APPLICATION, MIGRATIONS, VERSION, migrate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.sqlite3"


@pytest.fixture
def store(path: Path):
    with Store(path) as store:
        yield store


def same(a: object, b: object) -> bool:
    """Equal, NaN too."""
    return repr(a) == repr(b)


# -- keeping


def test_a_set_comes_back_as_it_was(store: Store) -> None:
    kept = record()
    store.add_set(kept)
    (got,) = store.sets("zebra_77")
    assert same(got, kept)
    assert got.repetitions[0].faults[0].name == "knees_in"
    assert got.repetitions[0].velocity is not None
    assert math.isnan(got.repetitions[0].d_eccentric)
    assert got.not_counted == {RepetitionStatus.PARTIAL: 1}


def test_a_set_without_load_velocity_and_repetitions(store: Store) -> None:
    bare = record(load=math.nan, mean=0.0, repetitions=(), not_counted={}, faults={}, d=math.nan)
    store.add_set(bare)
    assert same(store.sets()[0], bare)
    assert store.load_velocity_points("zebra_77", "squat") == []


def test_sets_by_person_exercise_and_number(store: Store) -> None:
    for day in (2, 0, 1):
        store.add_set(record(day=day))
    store.add_set(record("okapi", day=5))
    store.add_set(record(day=3, exercise="deadlift"))
    assert [each.began_at.day for each in store.sets("zebra_77", "squat")] == [1, 2, 3]
    assert [each.began_at.day for each in store.sets("zebra_77", newest=2)] == [3, 4]
    assert len(store.sets()) == 5
    assert [(each.person_id, each.sets, each.repetitions) for each in store.people()] == [
        ("okapi", 1, 3),
        ("zebra_77", 4, 12),
    ]


def test_a_set_that_is_written_again_is_the_same_set(store: Store) -> None:
    store.add_set(replace(record(), repetitions=()))
    store.add_set(record())
    (got,) = store.sets()
    assert len(got.repetitions) == 4
    # another day, another session with the same id
    store.add_set(replace(record(), began_at=MOMENT + timedelta(days=1)))
    assert len(store.sets()) == 2


def test_load_velocity_points_are_the_fastest_valid_repetitions(store: Store) -> None:
    store.add_set(record(load=80.0, mean=0.4, day=1))
    store.add_set(record(load=60.0, mean=0.6))
    store.add_set(record(load=math.nan, day=2))
    store.add_set(record("okapi", load=100.0, day=3))
    points = store.load_velocity_points("zebra_77", "squat")
    # the partial of 2 m/s is no repetition
    assert [(point.load_kg, point.velocity) for point in points] == [(60.0, 0.6), (80.0, 0.4)]
    assert points[0].moment == MOMENT - timedelta(seconds=20)
    assert points[0].std == 0.01
    assert points[0].source == "encoder"


HOSTILE = ["'; DROP TABLE sets; --", "../../etc/passwd", "a" * 41, "Ä", "a\x00b", "A", " ", "%", "a\n"]


@pytest.mark.parametrize("person", HOSTILE)
def test_hostile_ids_are_refused(store: Store, person: str) -> None:
    store.add_set(record())
    with pytest.raises(PersonError, match="allowed"):
        store.add_set(record(person))
    with pytest.raises(PersonError, match="allowed"):
        store.forget(person)
    assert store.sets(person) == ()
    assert store.load_velocity_points(person, "squat") == []
    assert len(store.sets()) == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exercise=st.text(min_size=1, max_size=30), load=st.floats(allow_nan=True, allow_infinity=True))
def test_any_text_and_number_is_kept_or_refused(store: Store, exercise: str, load: float) -> None:
    before = len(store.sets())
    try:
        store.add_set(record(load=0.0, day=1, exercise=exercise, set_id=f"s{before}"))
        store.add_set(replace(record(day=2, set_id=f"t{before}"), load_kg=load))
    except HistoryError:
        # lone surrogates are no text
        assert any(0xD800 <= ord(letter) < 0xE000 for letter in exercise)
    else:
        got = {each.set_id: each for each in store.sets()}
        assert got[f"s{before}"].exercise == exercise
        kept = got[f"t{before}"].load_kg
        assert kept == load or (math.isnan(kept) and not math.isfinite(load))


def test_a_time_without_zone_is_refused(store: Store) -> None:
    with pytest.raises(HistoryError, match="offset"):
        store.add_set(record(began_at=datetime(2026, 1, 1)))


# -- forgetting


def bytes_of(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(path.name + "*")))


def test_nothing_of_somebody_forgotten_stays_in_the_file(path: Path) -> None:
    with Store(path) as store:
        for day in range(30):
            store.add_set(record(day=day, exercise="quagga_press", set_id=f"quagga-{day}"))
            store.add_set(record("okapi", day=day))
        assert b"zebra_77" in bytes_of(path)
        assert b"quagga" in bytes_of(path)
        assert store.forget("zebra_77") == 30
        for word in (b"zebra_77", b"quagga"):
            assert word not in bytes_of(path)
        assert [each.person_id for each in store.people()] == ["okapi"]
        assert same(store.sets("okapi")[0], record("okapi"))
        assert store.forget("zebra_77") == 0
    assert b"zebra_77" not in bytes_of(path)


def test_sets_of_nobody_are_forgotten_with_an_empty_id(store: Store) -> None:
    store.add_set(record(""))
    store.add_set(record())
    assert store.forget("") == 1
    assert [each.person_id for each in store.people()] == ["zebra_77"]


def test_a_reader_keeps_old_pages_and_that_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinecue.training.history.store.BUSY_S", 0.05)
    with Store(path) as store:
        store.add_set(record())
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM sets").fetchone()[0] == 1
        with pytest.raises(HistoryError, match="another program is reading"):
            store.forget("zebra_77")
        # it reads what there was when it began
        assert reader.execute("SELECT person FROM sets").fetchone()[0] == "zebra_77"
        reader.close()
        assert store.forget("zebra_77") == 0
        assert b"zebra_77" not in bytes_of(path)


# -- several programs, crashes, disks


def test_a_reader_is_not_in_the_way(path: Path) -> None:
    with Store(path) as writer, Store(path, create=False) as reader:
        writer.add_set(record())
        snapshot = sqlite3.connect(path, isolation_level=None)
        snapshot.execute("BEGIN")
        snapshot.execute("SELECT count(*) FROM sets").fetchone()
        writer.add_set(record(day=1))
        assert len(reader.sets()) == 2
        assert snapshot.execute("SELECT count(*) FROM sets").fetchone()[0] == 1
        snapshot.close()


def test_a_writer_that_does_not_end_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinecue.training.history.store.BUSY_S", 0.05)
    with Store(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="another program is writing"):
            store.add_set(record())
        other.close()
        store.add_set(record())
        assert len(store.sets()) == 1


def test_a_crash_in_the_middle_leaves_whole_sets(path: Path) -> None:
    with Store(path) as store:
        store.add_set(record())
    code = f"""
        import os, signal, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from remembered_sets import record
        from pathlib import Path
        import kinecue.training.history.store as module
        insert, calls = module._insert, []
        def dying(connection, table, values):
            calls.append(table)
            if len(calls) > 5:
                os.kill(os.getpid(), signal.SIGKILL)
            insert(connection, table, values)
        module._insert = dying
        module.Store(Path({str(path)!r})).add_set(record(day=1))
        """
    source = Path(sys.modules["kinecue"].__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": str(source)},
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    with Store(path) as store:
        assert [each.began_at.day for each in store.sets()] == [1]
        store.add_set(record(day=1))
        assert len(store.sets()) == 2
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()


def full(store: Store) -> None:
    """No page more."""
    assert store._connection is not None
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_an_error_and_nothing_is_lost(path: Path) -> None:
    with Store(path) as store:
        store.add_set(record())
        full(store)
        big = record(day=1, exercise="x" * 100_000)
        with pytest.raises(HistoryError, match=r"history\.sqlite3.*full"):
            store.add_set(big)
        kept = len(store.sets())
    with Store(path) as store:
        assert len(store.sets()) == kept
        store.add_set(big)
        assert len(store.sets()) == kept + 1


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(HistoryError, match="file"):
        Store(blocked / "history.sqlite3")
    with pytest.raises(HistoryError, match="no history yet"):
        Store(tmp_path / "history.sqlite3", create=False)
    assert not (tmp_path / "history.sqlite3").exists()


def test_the_file_is_for_its_user_alone(path: Path) -> None:
    with Store(path) as store:
        store.add_set(record())
        for each in path.parent.glob(path.name + "*"):
            assert each.stat().st_mode & 0o077 == 0


def test_files_that_are_no_history(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"not a database at all" * 100)
    with pytest.raises(HistoryError, match="no history"):
        Store(rubbish)
    other = tmp_path / "other"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE bills (id INTEGER)")
    connection.commit()
    connection.close()
    before = other.read_bytes()
    with pytest.raises(HistoryError, match="not a history"):
        Store(other)
    assert other.read_bytes() == before


def test_a_closed_store_says_so(path: Path) -> None:
    store = Store(path)
    store.close()
    store.close()
    with pytest.raises(HistoryError, match="closed"):
        store.sets()


# -- versions


def test_a_file_of_the_first_version_becomes_one_of_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, MIGRATIONS[:1])
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    connection.execute(
        "INSERT INTO sets (set_id, person, exercise, began_at, duration_s, load_kg, counted, d)"
        " VALUES ('s-1', 'zebra_77', 'squat', '2025-01-01T10:00:00+00:00', 20.0, 50.0, 1, 0.5)"
    )
    connection.execute(
        "INSERT INTO repetitions (set_row, position, number, status, reason, side, source, start_s, feature, unit,"
        " velocity_source, mean_m_s) VALUES (1, 0, 1, 'valid', 'none', 'both', 'camera', 1.0, 'knee', 'rad', 'encoder', 0.7)"
    )
    connection.close()
    with Store(path) as store:
        (got,) = store.sets()
        assert got.repetitions[0].faults == ()
        assert store.load_velocity_points("zebra_77", "squat")[0].velocity == 0.7
        store.add_set(record())
        assert store.sets()[1].repetitions[0].faults[0].name == "knees_in"
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == VERSION
    assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
    connection.close()


def test_a_step_that_fails_leaves_the_old_version(path: Path) -> None:
    with Store(path) as store:
        store.add_set(record())
    connection = sqlite3.connect(path, isolation_level=None)
    broken = (*MIGRATIONS, ("ALTER TABLE sets ADD COLUMN machine TEXT", "UPDATE nowhere SET x = 1"))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, broken)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == VERSION
    good = (*MIGRATIONS, ("ALTER TABLE sets ADD COLUMN machine TEXT NOT NULL DEFAULT ''",))
    migrate(connection, good)
    migrate(connection, good)
    assert connection.execute("SELECT machine FROM sets").fetchall() == [("",)]
    connection.close()
    with pytest.raises(HistoryError, match="newer KineCue"):
        Store(path)


# -- recording


class Clock:
    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> datetime:
        return self.now


def recorder(path: Path, **arguments) -> SetRecorder:
    return SetRecorder(lambda: Store(path), clock=Clock(), **arguments)


def told(heard: SetRecorder, repetitions: int = 3, **changes) -> object:
    for number in range(1, repetitions + 1):
        heard.repetition(repetition(number))
        heard.summary(summary(active=True, counted=number, **changes))
    return heard.summary(summary(**changes))


def test_a_set_is_kept_when_it_is_over(path: Path) -> None:
    heard = recorder(path)
    assert told(heard) is not None
    assert heard.stored == 1
    with Store(path) as store:
        (got,) = store.sets("zebra_77")
    assert got.began_at == MOMENT - timedelta(seconds=20)
    assert [each.number for each in got.repetitions] == [1, 2, 3]
    assert got.repetitions[0].start_s == 3.0
    # the latched summary again, and another one of a set that nobody heard
    assert heard.summary(summary()) is None
    assert heard.summary(summary(set_id="set-0-9")) is None
    assert heard.stored == 1


def test_the_last_repetition_comes_after_the_end(path: Path) -> None:
    heard = recorder(path)
    told(heard, 2)
    late = heard.repetition(repetition(3))
    assert late is not None
    assert len(late.repetitions) == 3
    assert heard.repetition(repetition(4, start_s=31.0)) is None
    with Store(path) as store:
        (got,) = store.sets()
    assert len(got.repetitions) == 3


def test_a_set_whose_summary_comes_only_at_its_end(path: Path) -> None:
    heard = recorder(path)
    heard.repetition(repetition(1))
    assert heard.summary(summary()) is not None
    assert heard.summary(summary(set_id="other", counted=0)) is None


def test_the_next_set_ends_the_one_before(path: Path) -> None:
    heard = recorder(path)
    heard.repetition(repetition(1))
    heard.summary(summary(active=True))
    following = replace(summary(active=True, set_id="set-1-2"), start_ns=40 * SECOND, end_ns=41 * SECOND)
    assert heard.summary(following) is not None
    heard.repetition(repetition(1, start_s=42.0))
    heard.summary(replace(following, end_ns=50 * SECOND))
    heard.close()
    with Store(path) as store:
        assert [len(each.repetitions) for each in store.sets()] == [1, 1]


def test_sets_of_nobody_and_of_nothing(path: Path) -> None:
    heard = recorder(path)
    assert told(heard, person="") is None
    assert not path.exists()
    kept = recorder(path, keep_unnamed=True)
    assert told(kept, person="") is not None
    empty = recorder(path)
    empty.summary(replace(summary(active=True, counted=0), exercise="squat"))
    assert empty.summary(replace(summary(counted=0))) is None
    with Store(path) as store:
        assert [each.person_id for each in store.people()] == [""]


def test_a_disk_that_is_full_for_a_while(path: Path) -> None:
    stores: list[Store] = []

    def opened() -> Store:
        stores.append(Store(path))
        if len(stores) == 1:
            full(stores[0])
        return stores[-1]

    heard = SetRecorder(opened, clock=Clock())
    for number in range(20):
        told(heard, set_id=f"set-{number}")
        if heard.problem:
            break
    assert "full" in heard.problem
    assert heard.waiting == 1
    assert told(heard, set_id="after") is not None
    assert heard.problem == ""
    assert heard.waiting == 0
    heard.close()
    with Store(path) as store:
        assert len(store.sets()) == number + 2


def test_a_disk_that_can_never_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    heard = SetRecorder(lambda: Store(tmp_path / "file" / "history.sqlite3"), clock=Clock())
    for number in range(150):
        assert told(heard, 1, set_id=f"set-{number}") is None
    assert heard.waiting == 100
    assert "not kept" in heard.problem
    heard.close()


def test_an_id_that_is_not_allowed_is_given_up(path: Path) -> None:
    heard = recorder(path)
    assert told(heard, person="../x") is None
    assert "allowed" in heard.problem
    assert heard.waiting == 0
    assert told(heard, set_id="next") is not None
    assert heard.problem == ""


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_topics_that_do_not_wait_for_each_other(tmp_path: Path, data: st.DataObject) -> None:
    """Repetitions and summaries each in their order, but one topic late against the other: every repetition is kept once."""
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.sqlite3"
    heard = recorder(path)
    wanted = []
    for number in range(data.draw(st.integers(1, 3))):
        count = data.draw(st.integers(1, 4))
        wanted.append(count)
        shift = 100 * number
        summaries = [
            replace(each, start_ns=each.start_ns + shift * SECOND, end_ns=each.end_ns + shift * SECOND)
            for each in [
                *(summary(active=True, counted=done, set_id=f"s-{number}") for done in range(count + 1)),
                summary(counted=count, set_id=f"s-{number}"),
            ]
        ]
        repetitions = [repetition(each, start_s=shift + 10.0 + 3.0 * each) for each in range(1, count + 1)]
        while summaries or repetitions:
            if summaries and (not repetitions or data.draw(st.booleans())):
                heard.summary(summaries.pop(0))
            else:
                heard.repetition(repetitions.pop(0))
    heard.close()
    with Store(path) as store:
        assert [[each.number for each in done.repetitions] for done in store.sets()] == [
            list(range(1, count + 1)) for count in wanted
        ]


# -- export


def test_export_as_csv_and_json(store: Store) -> None:
    store.add_set(record())
    store.add_set(record("okapi", load=math.nan, repetitions=(), day=1))
    text = export(store.sets(), "csv")
    lines = text.splitlines()
    assert len(lines) == 1 + 4 + 1
    head = lines[0].split(",")
    first = dict(zip(head, lines[1].split(","), strict=True))
    assert first["person_id"] == "zebra_77"
    assert float(first["load_kg"]) == 60.0
    assert float(first["mean_m_s"]) == 0.6
    assert first["status"] == "valid"
    assert first["faults"] == "knees_in"
    assert first["d_eccentric"] == ""
    assert (float(first["set_d"]), float(first["d"])) == (0.7, 0.7)
    assert len(head) == len(set(head))
    document = json.loads(export(store.sets(), "json"))
    zebra, okapi = document["sets"]
    assert zebra["repetitions"][2]["status"] == "partial"
    assert zebra["repetitions"][0]["velocity"]["peak_m_s"] == pytest.approx(0.9)
    assert zebra["repetitions"][0]["faults"][0]["severity"] == "risk"
    assert okapi["load_kg"] is None
    assert datetime.fromisoformat(zebra["began_at"]) == MOMENT - timedelta(seconds=20)
    assert datetime.fromisoformat(zebra["began_at"]).tzinfo == timezone.utc
    with pytest.raises(HistoryError, match="csv, json"):
        export(store.sets(), "xml")
    assert export((), "csv").count("\n") == 1
