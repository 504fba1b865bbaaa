"""A recorded set as JSON, and back: every field of what scoring said, by name; enumerations by their names, NaN as null.

The features behind D are left out of the frames: no coaching rests on them, and they are nine tenths of the file.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass, replace
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from kinecue.body.errors import ConfigError
from kinecue.coaching.effort_news import EffortNews
from kinecue.coaching.machine_news import LoadNews
from kinecue.coaching.recorded import Event, MachineReading, Recorded, RecordedSet
from kinecue.exercise.results import Fault, FormState, Repetition, SetSummary

FORMAT = "kinecue_set"
VERSION = 1
_KINDS: dict[str, type[Any]] = {
    "form": FormState,
    "fault": Fault,
    "repetition": Repetition,
    "set": SetSummary,
    "effort": EffortNews,
    "load": LoadNews,
    "machine": MachineReading,
}


def to_document(recorded: RecordedSet) -> dict[str, Any]:
    """For JSON."""
    names = {kind: name for name, kind in _KINDS.items()}
    return {
        "format": FORMAT,
        "version": VERSION,
        "source": recorded.source,
        "exercise": recorded.exercise,
        "start_ns": recorded.start_ns,
        "notes": list(recorded.notes),
        "events": [
            {"at_ns": event.at_ns, names[type(event.what)]: _plain(_slim(event.what))}
            for event in recorded.events
        ],
    }


def is_document(data: object) -> bool:
    """Whether it is such a document, of whatever version."""
    return isinstance(data, dict) and data.get("format") == FORMAT


def from_document(data: dict[str, Any], source: Path | str) -> RecordedSet:
    """The set of a document.

    Raises:
        ConfigError: names the field, what is wrong with it and what is allowed.
    """
    if data.get("version") != VERSION:
        raise ConfigError(source, "version", f"is {data.get('version')!r}, allowed: {VERSION}")
    events = []
    last = -math.inf
    for index, row in enumerate(_field(data, "events", list, source)):
        where = f"events[{index}]"
        kinds = [name for name in _KINDS if isinstance(row, dict) and name in row]
        if len(kinds) != 1 or not isinstance(row.get("at_ns"), int):
            raise ConfigError(source, where, f"has at_ns and one of: {', '.join(_KINDS)}")
        if row["at_ns"] < last:
            raise ConfigError(source, where, "comes before the event before it")
        last = row["at_ns"]
        what = _made(row[kinds[0]], _KINDS[kinds[0]], source, f"{where}.{kinds[0]}")
        events.append(Recorded(row["at_ns"], what))
    if not events:
        raise ConfigError(source, "events", "is empty")
    return RecordedSet(
        _field(data, "source", str, source),
        _field(data, "exercise", str, source),
        _field(data, "start_ns", int, source),
        tuple(events),
        tuple(str(note) for note in _field(data, "notes", list, source)),
    )


def write_set(recorded: RecordedSet, path: Path) -> None:
    """Write it; an existing file is replaced."""
    path.write_text(json.dumps(to_document(recorded), allow_nan=False) + "\n", encoding="utf-8")


def _slim(what: Event) -> Event:
    if isinstance(what, FormState):
        return replace(what, deviations=())
    if isinstance(what, Repetition):
        return replace(what, phases=(), shares=(), fault_details=(), velocity=None)
    return what


def _plain(value: Any) -> Any:
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value):
        own = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: _plain(item) for name, item in own.items() if item != ()}
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@lru_cache(maxsize=32)
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(data: Any, kind: Any, source: Path | str, where: str) -> Any:
    """`data` as a value of type `kind`, checked."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        some = [one for one in get_args(kind) if one is not type(None)]
        return None if data is None else _made(data, some[0], source, where)
    if origin is tuple:
        items = _checked(data, list, source, where)
        return tuple(_made(item, get_args(kind)[0], source, f"{where}[{i}]") for i, item in enumerate(items))
    if origin is dict:
        of_key, of_item = get_args(kind)
        items = _checked(data, dict, source, where)
        return {
            _made(key, of_key, source, where): _made(item, of_item, source, f"{where}.{key}")
            for key, item in items.items()
        }
    if is_dataclass(kind):
        return _object(_checked(data, dict, source, where), kind, source, where)
    if issubclass(kind, IntEnum):
        names = [member.name.lower() for member in kind]
        if data not in names:
            raise ConfigError(source, where, f"is {data!r}, allowed: {', '.join(names)}")
        return kind[data.upper()]
    if kind is float:
        return math.nan if data is None else float(_checked(data, (int, float), source, where))
    return _checked(data, kind, source, where)


def _object(data: dict[str, Any], kind: Any, source: Path | str, where: str) -> Any:
    hints, given = _hints(kind), {}
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise ConfigError(source, f"{where}.{unknown[0]}", f"is not known, allowed: {', '.join(hints)}")
    for field in fields(kind):
        if field.name in data:
            given[field.name] = _made(data[field.name], hints[field.name], source, f"{where}.{field.name}")
        elif get_origin(hints[field.name]) is tuple:
            given[field.name] = ()
    try:
        return kind(**given)
    except TypeError as error:
        raise ConfigError(source, where, f"lacks a field: {error}") from error


def _checked(data: Any, kind: Any, source: Path | str, where: str) -> Any:
    wrong_bool = isinstance(data, bool) and kind is not bool
    if wrong_bool or not isinstance(data, kind):
        name = getattr(kind, "__name__", "number")
        raise ConfigError(source, where, f"is {str(data)[:40]!r}, must be of type {name}")
    return data


def _field(data: dict[str, Any], name: str, kind: type[Any], source: Path | str) -> Any:
    if name not in data:
        raise ConfigError(source, name, "is missing")
    return _checked(data[name], kind, source, name)
