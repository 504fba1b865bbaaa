"""Stored people: what comes back, and what is said about wrong files and ids."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinecue.body import ConfigError
from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.person import (
    MeasuredMount,
    Person,
    PersonError,
    list_people,
    load_person,
    people_dir,
    save_person,
)

LENGTHS = SegmentLengths.from_stature(1.68)
STD = SegmentLengths(0.02, 0.02, 0.03, 0.015, 0.014, 0.01, 0.01)
ANNA = Person(
    "anna_2",
    1.68,
    LENGTHS,
    STD,
    "2026-05-01T18:30:00+02:00",
    stature_std=0.03,
    mass=61.5,
    sex="female",
    shape={"build": 0.4, "age": 31.0},
    mount=MeasuredMount(1.1, math.radians(4.0), math.radians(-0.5), 0.05, math.radians(1.5)),
    notes="left knee operated on; größer als gedacht",
)


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    path = save_person(ANNA, tmp_path / "new")
    assert path == tmp_path / "new" / "anna_2.yaml"
    found = load_person("anna_2", tmp_path / "new")
    assert found.lengths.thigh == pytest.approx(LENGTHS.thigh, rel=1e-5)
    assert found.mount is not None and ANNA.mount is not None
    assert found.mount.tilt == pytest.approx(ANNA.mount.tilt, rel=1e-5)
    assert found.mount.roll_std == math.inf
    assert (found.shape, found.notes, found.mass) == (ANNA.shape, ANNA.notes, ANNA.mass)
    # what was read can be written and read again without change
    save_person(found, tmp_path / "new")
    assert load_person("anna_2", tmp_path / "new") == found


def test_only_what_is_known_is_written(tmp_path: Path) -> None:
    person = Person("b", 1.7, LENGTHS, STD, "2026-05-01T18:30:00+00:00")
    text = save_person(person, tmp_path).read_text(encoding="utf-8")
    assert not any(word in text for word in ("mass", "sex", "shape", "mount", "notes", "nan", "inf"))
    found = load_person("b", tmp_path)
    assert math.isnan(found.stature_std) and found.mass is None and found.mount is None


def test_everybody_is_listed_and_strange_files_are_not(tmp_path: Path) -> None:
    assert list_people(tmp_path / "none") == []
    for name in ("zoe", "anna_2"):
        save_person(replace(ANNA, id=name), tmp_path)
    (tmp_path / "Not A Person.yaml").write_text("", encoding="utf-8")
    (tmp_path / ".zoe-x.part").write_text("", encoding="utf-8")
    assert list_people(tmp_path) == ["anna_2", "zoe"]


def test_people_live_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINECUE_DATA", str(tmp_path))
    save_person(ANNA)
    assert people_dir() == tmp_path / "people"
    assert list_people() == ["anna_2"] and load_person("anna_2").id == "anna_2"


@pytest.mark.parametrize(
    "person_id", ["", "../../etc/passwd", "Anna", "-a", "a" * 41, "a b", "a/b", "a\n", 3]
)
def test_ids_that_could_name_other_files_are_refused(tmp_path: Path, person_id: Any) -> None:
    with pytest.raises(PersonError, match="allowed: 1 to 40"):
        load_person(person_id, tmp_path)
    with pytest.raises(PersonError, match="allowed: 1 to 40"):
        replace(ANNA, id=person_id)


def test_nobody_of_that_name_is_said_with_who_is_there(tmp_path: Path) -> None:
    with pytest.raises(PersonError, match="there: nobody"):
        load_person("bob", tmp_path)
    save_person(ANNA, tmp_path)
    with pytest.raises(PersonError, match="there: anna_2"):
        load_person("bob", tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kinecue_person": 2}, ("kinecue_person", "newer KineCue", "up to 1")),
        ({"kinecue_person": "1"}, ("kinecue_person", "allowed: 1")),
        ({"kinecue_person": None}, ("kinecue_person", "allowed: 1")),
        ({"id": "bob"}, ("id", "'bob'", "anna_2")),
        ({"stature_m": 17.2}, ("stature", "17.2", "0.5 to 2.6 m")),
        ({"stature_m": "tall"}, ("stature_m", "'tall'", "a number")),
        ({"stature_m": 10**400}, ("stature_m", "a number")),
        ({"stature_m": float("nan")}, ("stature_m", "a number")),
        ({"lengths_m": 3}, ("lengths_m", "names with a number")),
        ({"lengths_m": {"thigh": 0.4}}, ("lengths_m.pelvis", "missing")),
        ({"calibrated_at": "yesterday"}, ("calibrated_at", "'yesterday'", "ISO 8601")),
        ({"calibrated_at": 2026}, ("calibrated_at", "ISO 8601")),
        ({"mass_kg": -3}, ("mass", "10 to 400 kg")),
        ({"mount": {"height_m": 1.0}}, ("mount.tilt_deg", "missing")),
        ({"mount": {"height_m": 1.0, "tilt_deg": 100}}, ("mount.tilt", "-1.5708 to 1.5708 rad")),
        ({"mount": {"height_m": 1.0, "tilt_deg": 1, "pan_deg": 1}}, ("mount.pan_deg", "allowed: height_m")),
        ({"shape": {"build": "f"}}, ("shape.build", "'f'", "a number")),
        ({"sex": ["male"]}, ("sex", "male, female")),
        ({"notes": [1]}, ("notes", "a text")),
        ({"colour": "red"}, ("colour", "not known", "allowed: kinecue_person, id")),
    ],
)
def test_wrong_files_say_file_field_and_what_is_allowed(
    tmp_path: Path, change: dict[str, Any], said: tuple[str, ...]
) -> None:
    path = save_person(ANNA, tmp_path)
    data = {**yaml.safe_load(path.read_text(encoding="utf-8")), **change}
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_person("anna_2", tmp_path)
    for word in (str(path), *said):
        assert word in str(error.value)


def test_a_moment_without_quotes_is_a_moment(tmp_path: Path) -> None:
    path = save_person(ANNA, tmp_path)
    text = path.read_text(encoding="utf-8").replace(
        "'2026-05-01T18:30:00+02:00'", "2026-05-01T18:30:00+02:00"
    )
    path.write_text(text, encoding="utf-8")
    assert load_person("anna_2", tmp_path).calibrated_at.startswith("2026-05-01T")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80))
def test_no_bytes_do_more_than_raise_the_error_for_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "anna.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"anna\.yaml"):
        load_person("anna", tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_person(ANNA, tmp_path)

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(PersonError, match="No space left"):
        save_person(replace(ANNA, stature=1.9), tmp_path)
    assert load_person("anna_2", tmp_path).stature == ANNA.stature
    assert [path.name for path in tmp_path.iterdir()] == ["anna_2.yaml"]


@pytest.mark.parametrize(
    "change",
    [
        {"stature": math.nan},
        {"lengths": replace(LENGTHS, thigh=0.0)},
        {"lengths_std": replace(STD, thigh=math.inf)},
        {"stature_std": -1.0},
        {"mount": MeasuredMount(-1.0, 0.0)},
        {"mount": MeasuredMount(1.0, 0.0, tilt_std=math.nan)},
        {"shape": {"build": math.inf}},
        {"sex": "diver"},
        {"calibrated_at": "2026-05-01T18:30:00"},
    ],
)
def test_impossible_people_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PersonError, match="allowed"):
        replace(ANNA, **change)
