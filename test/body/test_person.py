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
from kinecue.body.person_record import AdaptedSession, JointRange

RANGE = {"value_deg": 38.0, "std_deg": 3.0, "measured_at": "2026-05-02T10:00:00+02:00"}
SESSION = {
    "session": "2026-05-03T10:00:00+02:00",
    "repetitions": 8,
    "deviations": {"trunk_lean": [0.1, 0.25, None]},
}
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


def with_record() -> Person:
    """Anna, with ranges and what her sessions taught."""
    when = "2026-05-02T10:00:00+02:00"
    ranges = (
        JointRange("ankle_dorsiflexion", "left", math.radians(38.0), math.radians(3.0), when),
        JointRange("ankle_dorsiflexion", "right", math.radians(35.5), math.radians(3.5), when),
        JointRange("shoulder_flexion", "left", math.radians(165.0), math.radians(4.0), when),
    )
    taught = AdaptedSession(
        when, 8, {"trunk_lean": (0.1, 0.25, math.nan), "knee_flexion:left": (0.0, 0.0, -1.5)}
    )
    return replace(ANNA, ranges=ranges, adaptation={"squat": (taught,)})


def test_ranges_and_sessions_come_back(tmp_path: Path) -> None:
    path = save_person(with_record(), tmp_path)
    found = load_person("anna_2", tmp_path)
    assert [(item.joint, item.side) for item in found.ranges] == [
        (item.joint, item.side) for item in with_record().ranges
    ]
    assert math.degrees(found.ranges[1].value) == pytest.approx(35.5)
    session = found.adaptation["squat"][0]
    assert session.repetitions == 8 and session.deviations["trunk_lean"][:2] == (0.1, 0.25)
    assert math.isnan(session.deviations["trunk_lean"][2])
    text = path.read_text(encoding="utf-8")
    assert "value_deg: 38.0" in text and "nan" not in text
    save_person(found, tmp_path)
    assert path.read_text(encoding="utf-8") == text


def test_files_of_version_1_are_read_and_become_version_2(tmp_path: Path) -> None:
    path = save_person(ANNA, tmp_path)
    data = {**yaml.safe_load(path.read_text(encoding="utf-8")), "kinecue_person": 1}
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    found = load_person("anna_2", tmp_path)
    assert found.ranges == () and found.adaptation == {}
    save_person(replace(found, ranges=with_record().ranges), tmp_path)
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["kinecue_person"] == 2
    assert len(load_person("anna_2", tmp_path).ranges) == 3


def test_a_range_is_stored_once_for_each_joint_and_side() -> None:
    again = (*with_record().ranges, with_record().ranges[0])
    with pytest.raises(PersonError, match="allowed: each once"):
        replace(ANNA, ranges=again)


def test_only_what_is_known_is_written(tmp_path: Path) -> None:
    person = Person("b", 1.7, LENGTHS, STD, "2026-05-01T18:30:00+00:00")
    text = save_person(person, tmp_path).read_text(encoding="utf-8")
    assert not any(
        word in text
        for word in ("mass", "sex", "shape", "mount", "notes", "nan", "inf", "ranges", "adaptation")
    )
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
        ({"kinecue_person": 3}, ("kinecue_person", "newer KineCue", "up to 2")),
        ({"kinecue_person": "2"}, ("kinecue_person", "allowed: 2")),
        ({"kinecue_person": None}, ("kinecue_person", "allowed: 2")),
        ({"kinecue_person": 1, "ranges": {}}, ("ranges", "not known", "allowed: kinecue_person")),
        ({"ranges": 3}, ("ranges", "names with")),
        ({"ranges": {"elbow": {"left": RANGE}}}, ("ranges", "'elbow'", "ankle_dorsiflexion")),
        ({"ranges": {"hip_flexion": {"up": RANGE}}}, ("ranges.hip_flexion.up", "allowed: left, right")),
        (
            {"ranges": {"hip_flexion": {"left": {**RANGE, "value_deg": 300}}}},
            ("ranges.hip_flexion.left", "rad"),
        ),
        (
            {"ranges": {"hip_flexion": {"left": {"value_deg": 30, "std_deg": 3}}}},
            ("ranges.hip_flexion.left.measured_at", "missing"),
        ),
        ({"adaptation": [1]}, ("adaptation", "names with")),
        ({"adaptation": {"squat": 1}}, ("adaptation.squat", "a list of sessions")),
        ({"adaptation": {"squat": [1]}}, ("adaptation.squat.0", "a session")),
        (
            {"adaptation": {"squat": [{**SESSION, "repetitions": 0}]}},
            ("adaptation.repetitions", "1 to 10000"),
        ),
        ({"adaptation": {"squat": [{**SESSION, "session": "monday"}]}}, ("adaptation.session", "ISO 8601")),
        (
            {"adaptation": {"squat": [{**SESSION, "deviations": {"trunk_lean": [0.1]}}]}},
            ("adaptation.deviations.trunk_lean", "3 numbers"),
        ),
        (
            {"adaptation": {"squat": [{**SESSION, "deviations": {"trunk_lean": ["a", 0, 0]}}]}},
            ("adaptation.squat.0.deviations.trunk_lean", "a number"),
        ),
        ({"adaptation": {"Squat!": [SESSION]}}, ("adaptation", "names of exercise files")),
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
