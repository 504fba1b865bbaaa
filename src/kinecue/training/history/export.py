"""The history as text for other programs: CSV with a line for each repetition, or JSON with everything."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any

from kinecue.exercise.results import RepetitionVelocity
from kinecue.training.history.records import RepetitionRecord, SetRecord
from kinecue.training.history.schema import HistoryError

FORMATS = ("csv", "json")
JSON_VERSION = 1

_SET = ("person_id", "exercise", "began_at", "set_id", "duration_s", "load_kg", "counted", "d")
_VELOCITY_UNITS = {
    "source": "velocity_source",
    "range": "range_m",
    "mean": "mean_m_s",
    "peak": "peak_m_s",
    "mean_propulsive": "mean_propulsive_m_s",
    "std": "std_m_s",
    "mean_force": "mean_force_n",
    "peak_force": "peak_force_n",
    "mean_power": "mean_power_w",
    "peak_power": "peak_power_w",
    "work": "work_j",
    "eccentric_mean": "eccentric_mean_m_s",
    "loss": "velocity_loss",
    "asymmetry": "asymmetry",
    "cable": "cable",
}
"""Fields of the velocity and their columns, which name their units."""
_REPETITION = tuple(f.name for f in fields(RepetitionRecord) if f.name not in ("faults", "velocity"))


def export(sets: Iterable[SetRecord], form: str) -> str:
    """Sets as text.

    CSV has a line for each repetition, and one with empty columns for a set without; columns of the set begin with
    ``set_`` where a repetition has one of the same name. Angles are in radians, times in seconds; empty = not measured.

    Args:
        sets: what is exported.
        form: of `FORMATS`.

    Raises:
        HistoryError: there is no such format.
    """
    if form not in FORMATS:
        raise HistoryError(f"format is {form!r}, allowed: {', '.join(FORMATS)}")
    return _csv(sets) if form == "csv" else _json(sets)


def _json(sets: Iterable[SetRecord]) -> str:
    document = {"kinecue_history": JSON_VERSION, "sets": [_document(each) for each in sets]}
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _document(record: SetRecord) -> dict[str, Any]:
    result: dict[str, Any] = {name: _plain(getattr(record, name)) for name in _SET}
    result["not_counted"] = {status.name.lower(): count for status, count in record.not_counted.items()}
    result["faults"] = dict(record.faults)
    result["repetitions"] = []
    for repetition in record.repetitions:
        entry = {name: _plain(getattr(repetition, name)) for name in _REPETITION}
        entry["faults"] = [
            {f.name: _plain(getattr(fault, f.name)) for f in fields(fault)} for fault in repetition.faults
        ]
        velocity = repetition.velocity
        entry["velocity"] = None if velocity is None else _velocity(velocity)
        result["repetitions"].append(entry)
    return result


def _velocity(velocity: RepetitionVelocity) -> dict[str, Any]:
    return {column: _plain(getattr(velocity, name)) for name, column in _VELOCITY_UNITS.items()}


def _csv(sets: Iterable[SetRecord]) -> str:
    names = {name: f"set_{name}" if name in _REPETITION else name for name in _SET}
    columns = [*names.values(), *_REPETITION, *_VELOCITY_UNITS.values(), "faults"]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for record in sets:
        shared = {column: _cell(getattr(record, name)) for name, column in names.items()}
        if not record.repetitions:
            writer.writerow(shared)
        for repetition in record.repetitions:
            row = shared | {name: _cell(getattr(repetition, name)) for name in _REPETITION}
            if repetition.velocity is not None:
                row |= {column: _cell(value) for column, value in _velocity(repetition.velocity).items()}
            row["faults"] = " ".join(fault.name for fault in repetition.faults)
            writer.writerow(row)
    return text.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    return value


def _cell(value: Any) -> str:
    plain = _plain(value)
    return "" if plain is None else str(plain)
