"""What was measured of a person once and holds the next time: a plain YAML file per person in the data folder.

Lengths and angles only: no picture, no name but the one given as id. Files are versioned and meant to be read, and
mended, by people: metres, kilograms and degrees, each with its unit in the name.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from kinecue.body.anthropometry import SegmentLengths
from kinecue.body.errors import ConfigError
from kinecue.body.paths import data_dir
from kinecue.body.person_record import (
    SIDES,
    AdaptedSession,
    JointRange,
    PersonError,
    check_adaptations,
    check_moment,
)
from kinecue.body.person_record import check_number as _within

VERSION = 2
"""Of the files that are written. Files of version 1, which had no joint ranges and no adaptation, are read as they are
and become version 2 when they are written again."""

_KEY = "kinecue_person"
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
ID_RULE = "1 to 40 of a-z, 0-9, _ and -, starting with a letter or digit"
_LENGTH_RANGE = (0.02, 1.5)
_SEXES = ("male", "female")
_SEGMENTS = tuple(f.name for f in fields(SegmentLengths))
_MOUNT = ("height_m", "tilt_deg", "roll_deg", "height_std_m", "tilt_std_deg", "roll_std_deg")


@dataclass(frozen=True)
class MeasuredMount:
    """How the camera hung when the person was measured.

    Attributes:
        height: over the floor, m. tilt, roll: as in `CameraModel`, rad.
        height_std, tilt_std, roll_std: standard deviations; infinite for what could not be seen.
    """

    height: float
    tilt: float
    roll: float = 0.0
    height_std: float = math.inf
    tilt_std: float = math.inf
    roll_std: float = math.inf


@dataclass(frozen=True)
class Person:
    """A measured person.

    Attributes:
        id: names the file: 1 to 40 of a-z, 0-9, _ and -, starting with a letter or digit.
        stature: m.
        lengths: between joint centres, m.
        lengths_std: standard deviation of each, m.
        calibrated_at: when, ISO 8601 with the offset from UTC.
        stature_std: m; NaN unknown.
        mass: kg; None unknown.
        sex: ``male`` or ``female``, for the parametric body; None unknown.
        shape: further parameters of the parametric body by name (build, age ...); empty unknown.
        mount: of the camera that measured; None where it was not measured.
        notes: for people.
        ranges: calibrated joint ranges, each joint and side once.
        adaptation: what the ideal of each exercise has learned, by the name of the exercise; see
            `kinecue.exercise.adaptation`.

    Raises:
        PersonError: a value is not allowed; the text names the field and what is.
    """

    id: str
    stature: float
    lengths: SegmentLengths
    lengths_std: SegmentLengths
    calibrated_at: str
    stature_std: float = math.nan
    mass: float | None = None
    sex: str | None = None
    shape: Mapping[str, float] = field(default_factory=dict)
    mount: MeasuredMount | None = None
    notes: str = ""
    ranges: tuple[JointRange, ...] = ()
    adaptation: Mapping[str, tuple[AdaptedSession, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.id)
        _within("stature", self.stature, 0.5, 2.6, "m")
        for name in _SEGMENTS:
            _within(f"lengths.{name}", getattr(self.lengths, name), *_LENGTH_RANGE, "m")
            _within(f"lengths_std.{name}", getattr(self.lengths_std, name), 1e-4, 0.5, "m")
        if not math.isnan(self.stature_std):
            _within("stature_std", self.stature_std, 0.0, 0.5, "m")
        if self.mass is not None:
            _within("mass", self.mass, 10.0, 400.0, "kg")
        if self.sex not in (None, *_SEXES):
            raise PersonError(f"sex is {self.sex!r}, allowed: {', '.join(_SEXES)}")
        for name, value in self.shape.items():
            _within(f"shape.{name}", value, -100.0, 100.0, "")
        object.__setattr__(self, "shape", dict(self.shape))
        if self.mount is not None:
            _within("mount.height", self.mount.height, 0.0, 20.0, "m")
            _within("mount.tilt", self.mount.tilt, -math.pi / 2, math.pi / 2, "rad")
            _within("mount.roll", self.mount.roll, -math.pi, math.pi, "rad")
            for name in ("height_std", "tilt_std", "roll_std"):
                if not getattr(self.mount, name) >= 0.0:
                    raise PersonError(f"mount.{name} is {getattr(self.mount, name)}, allowed: 0 or more")
        check_moment("calibrated_at", self.calibrated_at)
        known = [(item.joint, item.side) for item in self.ranges]
        if len(set(known)) < len(known):
            raise PersonError("ranges is one joint and side twice, allowed: each once")
        object.__setattr__(self, "ranges", tuple(self.ranges))
        object.__setattr__(self, "adaptation", check_adaptations(self.adaptation))


def check_id(person_id: str) -> str:
    """The id itself.

    Raises:
        PersonError: it cannot name a file; the text says what can.
    """
    if not isinstance(person_id, str) or _ID.fullmatch(person_id) is None:
        raise PersonError(f"person id is {person_id!r}, allowed: {ID_RULE}")
    return person_id


def people_dir() -> Path:
    """Folder of the files; need not exist."""
    return data_dir() / "people"


def list_people(folder: Path | None = None) -> list[str]:
    """Ids of everybody who is stored, sorted; whether their files are right shows on loading."""
    folder = people_dir() if folder is None else folder
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.glob("*.yaml") if _ID.fullmatch(path.stem))


def save_person(person: Person, folder: Path | None = None) -> Path:
    """Writes a person's file, in place of an older one; a reader sees the old or the new one, never half of it.

    Returns:
        The file.

    Raises:
        PersonError: the folder cannot be written to.
    """
    folder = people_dir() if folder is None else folder
    path = folder / f"{person.id}.yaml"
    text = "# A person measured by KineCue. Delete the file to forget the person.\n" + yaml.safe_dump(
        _document(person), sort_keys=False, allow_unicode=True
    )
    part = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=folder, prefix=f".{person.id}-", suffix=".part", delete=False
        ) as file:
            part = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise PersonError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def load_person(person_id: str, folder: Path | None = None) -> Person:
    """Reads a person's file.

    Raises:
        PersonError: the id is not allowed, or nobody of this id is stored; the text lists who is.
        ConfigError: the file is not as it must be; names file, field and what is allowed.
    """
    folder = people_dir() if folder is None else folder
    path = folder / f"{check_id(person_id)}.yaml"
    if not path.is_file():
        known = ", ".join(list_people(folder)) or "nobody"
        raise PersonError(f"person {person_id!r} is not stored in {folder}; there: {known}")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ConfigError(path, "", f"is not a YAML file: {error}") from error
    return _Reader(path).person(data)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _document(person: Person) -> dict[str, Any]:
    result: dict[str, Any] = {
        _KEY: VERSION,
        "id": person.id,
        "calibrated_at": person.calibrated_at,
        "stature_m": _rounded(person.stature),
    }
    if not math.isnan(person.stature_std):
        result["stature_std_m"] = _rounded(person.stature_std)
    for name, lengths in (("lengths_m", person.lengths), ("lengths_std_m", person.lengths_std)):
        result[name] = {segment: _rounded(getattr(lengths, segment)) for segment in _SEGMENTS}
    if person.mass is not None:
        result["mass_kg"] = _rounded(person.mass)
    if person.sex is not None:
        result["sex"] = person.sex
    if person.shape:
        result["shape"] = {name: _rounded(value) for name, value in person.shape.items()}
    if person.mount is not None:
        m = person.mount
        values = (
            m.height,
            math.degrees(m.tilt),
            math.degrees(m.roll),
            m.height_std,
            math.degrees(m.tilt_std),
            math.degrees(m.roll_std),
        )
        result["mount"] = {
            name: _rounded(value) for name, value in zip(_MOUNT, values, strict=True) if math.isfinite(value)
        }
    if person.ranges:
        ranges: dict[str, Any] = {}
        for item in person.ranges:
            ranges.setdefault(item.joint, {})[item.side] = {
                "value_deg": _rounded(math.degrees(item.value)),
                "std_deg": _rounded(math.degrees(item.std)),
                "measured_at": item.measured_at,
            }
        result["ranges"] = ranges
    if person.adaptation:
        result["adaptation"] = {
            exercise: [
                {
                    "session": item.session,
                    "repetitions": item.repetitions,
                    "deviations": {
                        name: [None if math.isnan(value) else _rounded(value) for value in values]
                        for name, values in item.deviations.items()
                    },
                }
                for item in sessions
            ]
            for exercise, sessions in person.adaptation.items()
        }
    if person.notes:
        result["notes"] = person.notes
    return result


class _Reader:
    """Takes a file apart and says what is wrong with it."""

    _REQUIRED = (_KEY, "id", "calibrated_at", "stature_m", "lengths_m", "lengths_std_m")
    _OPTIONAL = ("stature_std_m", "mass_kg", "sex", "shape", "mount", "notes")
    _SINCE_2 = ("ranges", "adaptation")

    def __init__(self, path: Path) -> None:
        self._path = path

    def person(self, data: object) -> Person:
        if not isinstance(data, dict) or _KEY not in data:
            raise ConfigError(self._path, _KEY, f"is missing, allowed: {VERSION}; this is no person's file")
        version = data[_KEY]
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise ConfigError(self._path, _KEY, f"is {version!r}, allowed: {VERSION}")
        if version > VERSION:
            raise ConfigError(
                self._path, _KEY, f"is {version}, written by a newer KineCue; allowed here: up to {VERSION}"
            )
        optional = self._OPTIONAL if version < 2 else (*self._OPTIONAL, *self._SINCE_2)
        self._fields(data, "", self._REQUIRED, optional)
        if data["id"] != self._path.stem:
            raise ConfigError(
                self._path, "id", f"is {data['id']!r}, allowed: {self._path.stem}, as the file's name"
            )
        notes = data.get("notes", "")
        if not isinstance(notes, str):
            raise ConfigError(self._path, "notes", f"is {notes!r}, allowed: a text")
        try:
            return Person(
                data["id"],
                self._number(data, "stature_m"),
                self._lengths(data, "lengths_m"),
                self._lengths(data, "lengths_std_m"),
                _moment(data["calibrated_at"]),
                self._number(data, "stature_std_m") if "stature_std_m" in data else math.nan,
                self._number(data, "mass_kg") if "mass_kg" in data else None,
                data.get("sex"),
                self._shape(data),
                self._mount(data),
                notes,
                self._ranges(data),
                self._adaptation(data),
            )
        except PersonError as error:
            name, _, problem = str(error).partition(" is ")
            raise ConfigError(self._path, name, f"is {problem}") from error

    def _fields(
        self, data: Mapping[Any, Any], place: str, required: tuple[str, ...], optional: tuple[str, ...]
    ) -> None:
        allowed = (*required, *optional)
        for name in required:
            if name not in data:
                raise ConfigError(self._path, f"{place}{name}", "is missing")
        for name in data:
            if name not in allowed:
                raise ConfigError(
                    self._path, f"{place}{name}", f"is not known, allowed: {', '.join(allowed)}"
                )

    def _number(self, data: Mapping[str, Any], name: str, place: str = "") -> float:
        value = data[name]
        # comparing first keeps integers that no float can hold from raising
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < 1e9:
            raise ConfigError(self._path, f"{place}{name}", f"is {value!r}, allowed: a number")
        return float(value)

    def _block(self, data: Mapping[str, Any], name: str, place: str = "") -> Mapping[str, Any]:
        block = data[name]
        if not isinstance(block, dict) or not all(isinstance(key, str) for key in block):
            raise ConfigError(
                self._path, f"{place}{name}", f"is {block!r}, allowed: names with a number each"
            )
        return block

    def _lengths(self, data: Mapping[str, Any], name: str) -> SegmentLengths:
        block = self._block(data, name)
        self._fields(block, f"{name}.", _SEGMENTS, ())
        return SegmentLengths(**{segment: self._number(block, segment, f"{name}.") for segment in _SEGMENTS})

    def _shape(self, data: Mapping[str, Any]) -> dict[str, float]:
        if "shape" not in data:
            return {}
        block = self._block(data, "shape")
        return {name: self._number(block, name, "shape.") for name in block}

    def _mount(self, data: Mapping[str, Any]) -> MeasuredMount | None:
        if "mount" not in data:
            return None
        block = self._block(data, "mount")
        self._fields(block, "mount.", _MOUNT[:2], _MOUNT[2:])
        known = {name: self._number(block, name, "mount.") for name in block}
        return MeasuredMount(
            known["height_m"],
            math.radians(known["tilt_deg"]),
            math.radians(known.get("roll_deg", 0.0)),
            known.get("height_std_m", math.inf),
            math.radians(known.get("tilt_std_deg", math.inf)),
            math.radians(known.get("roll_std_deg", math.inf)),
        )

    def _ranges(self, data: Mapping[str, Any]) -> tuple[JointRange, ...]:
        found: list[JointRange] = []
        block = self._block(data, "ranges") if "ranges" in data else {}
        for joint in block:
            sides = self._block(block, joint, "ranges.")
            self._fields(sides, f"ranges.{joint}.", (), SIDES)
            for side in sides:
                place = f"ranges.{joint}.{side}."
                values = self._block(sides, side, f"ranges.{joint}.")
                self._fields(values, place, ("value_deg", "std_deg", "measured_at"), ())
                value, std = (
                    math.radians(self._number(values, name, place)) for name in ("value_deg", "std_deg")
                )
                found.append(JointRange(joint, side, value, std, _moment(values["measured_at"])))
        return tuple(found)

    def _adaptation(self, data: Mapping[str, Any]) -> dict[str, tuple[AdaptedSession, ...]]:
        block = self._block(data, "adaptation") if "adaptation" in data else {}
        return {exercise: self._sessions(block, exercise) for exercise in block}

    def _sessions(self, block: Mapping[str, Any], exercise: str) -> tuple[AdaptedSession, ...]:
        place = f"adaptation.{exercise}"
        if not isinstance(block[exercise], list):
            raise ConfigError(self._path, place, f"is {block[exercise]!r}, allowed: a list of sessions")
        found: list[AdaptedSession] = []
        for i, item in enumerate(block[exercise]):
            here = f"{place}.{i}"
            if not isinstance(item, dict):
                raise ConfigError(self._path, here, f"is {item!r}, allowed: a session")
            self._fields(item, f"{here}.", ("session", "repetitions", "deviations"), ())
            deviations = self._block(item, "deviations", f"{here}.")
            known: dict[str, tuple[float, ...]] = {}
            for name, values in deviations.items():
                if not isinstance(values, list):
                    raise ConfigError(
                        self._path, f"{here}.deviations.{name}", f"is {values!r}, allowed: a list of numbers"
                    )
                known[name] = tuple(
                    math.nan if value is None else self._number({name: value}, name, f"{here}.deviations.")
                    for value in values
                )
            found.append(AdaptedSession(_moment(item["session"]), item["repetitions"], known))
        return tuple(found)


def _moment(value: Any) -> Any:
    """YAML reads a moment without quotes as a moment."""
    return value.isoformat() if isinstance(value, datetime) else value
