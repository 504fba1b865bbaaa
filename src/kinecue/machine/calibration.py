"""What was measured of a machine once and holds the next time: a plain YAML file per machine in the data folder.

Two straight lines for each cable: from the counts of the encoder to metres, from the units of the load cell to newtons.
Files are versioned, dated, and meant to be read, and mended, by people.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from kinecue.body.errors import ConfigError, KineCueError
from kinecue.body.measurement import Reason, Validity
from kinecue.body.paths import data_dir
from kinecue.machine.samples import CableSample, CableSide, EncoderSample

VERSION = 1
"""Of the files that are written."""

_KEY = "kinecue_machine"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
NAME_RULE = "1 to 40 of a-z, 0-9, _ and -, starting with a letter or digit"
_SIDES = {"only": CableSide.NONE, "left": CableSide.LEFT, "right": CableSide.RIGHT}
"""How a file calls the cables."""
_HUGE = 1e12
"""No counter and no converter has more steps."""


class CalibrationError(KineCueError):
    """A calibration that cannot be: the text says why."""


def _number(low: float, high: float, *, zero: bool = True) -> Any:
    """A field that is NaN until it was measured, and then lies within a range."""
    return field(default=math.nan, metadata={"low": low, "high": high, "zero": zero})


@dataclass(frozen=True)
class MachineCalibration:
    """One cable of one machine: what its encoder counts and what its load cell reads.

    NaN stands for what was not measured. ``position = (count - zero_count) / counts_per_metre`` and
    ``tension = newton_per_unit * (reading - offset_units)``; both scales are signed.

    Attributes:
        machine: names the file: 1 to 40 of a-z, 0-9, _ and -, starting with a letter or digit.
        side: which cable.
        counts_per_metre: counts for each metre that the handle is pulled out, with the sign that makes that positive.
        zero_count: count at the rest position.
        counts_per_metre_std, zero_std: standard deviations, same units.
        newton_per_unit: N for each unit of the load cell, with the sign that makes a pull positive.
        offset_units: what it reads when nothing pulls.
        newton_per_unit_std, offset_std: standard deviations, same units.
        noise_units: standard deviation of a single reading at rest.
        rest_units: what it reads while the handle rests, where that was measured with the encoder's zero.
        pulley_m: where the cable leaves the machine, base frame, m.
        encoder_at, force_at: when each was measured, ISO 8601 with the offset from UTC; empty = not.

    Raises:
        CalibrationError: a value is not allowed; the text names the field and what is.
    """

    machine: str
    side: CableSide = CableSide.NONE
    counts_per_metre: float = _number(-_HUGE, _HUGE, zero=False)
    zero_count: float = _number(-_HUGE, _HUGE)
    counts_per_metre_std: float = _number(0.0, _HUGE)
    zero_std: float = _number(0.0, _HUGE)
    newton_per_unit: float = _number(-1e6, 1e6, zero=False)
    offset_units: float = _number(-_HUGE, _HUGE)
    newton_per_unit_std: float = _number(0.0, 1e6)
    offset_std: float = _number(0.0, _HUGE)
    noise_units: float = _number(0.0, _HUGE)
    rest_units: float = _number(-_HUGE, _HUGE)
    pulley_m: tuple[float, float, float] = (math.nan, math.nan, math.nan)
    encoder_at: str = ""
    force_at: str = ""

    def __post_init__(self) -> None:
        check_name(self.machine)
        for each in fields(self):
            if "low" in each.metadata:
                _check(each.name, getattr(self, each.name), each.metadata)
        if len(self.pulley_m) != 3 or any(abs(value) > 20.0 for value in self.pulley_m):
            raise CalibrationError(f"pulley_m is {self.pulley_m!r}, allowed: three numbers within 20 m")
        for name, at, values in (
            ("encoder_at", self.encoder_at, (self.counts_per_metre, self.zero_count)),
            ("force_at", self.force_at, (self.newton_per_unit, self.offset_units)),
        ):
            measured = [math.isfinite(value) for value in values]
            if any(measured) != all(measured) or any(measured) != bool(at):
                raise CalibrationError(
                    f"{name} is {at!r}, allowed: a date together with scale and zero, or none of the three"
                )
            if at:
                _check_date(name, at)

    @property
    def has_encoder(self) -> bool:
        """Counts can be turned into metres."""
        return bool(self.encoder_at)

    @property
    def has_force(self) -> bool:
        """Units of the load cell can be turned into newtons."""
        return bool(self.force_at)

    @property
    def calibrated_at(self) -> str:
        """When something was measured the last time; empty = never."""
        dates = [at for at in (self.encoder_at, self.force_at) if at]
        return max(dates, key=datetime.fromisoformat) if dates else ""

    def position(self, counts: float) -> float:
        """Cable that is out of the rest position at a count, m."""
        return (counts - self.zero_count) / self.counts_per_metre

    def force(self, units: float) -> float:
        """Tension at a reading of the load cell, N; noise may take it below 0."""
        return self.newton_per_unit * (units - self.offset_units)


def counts_of(sample: EncoderSample) -> float:
    """What the encoder itself says: its count or, from a driver that has none, its position; NaN without a reading.

    A driver without counts (joint states) sends a valid position and no scale; one without a scale abstains from a
    position, because it is not calibrated, and sends counts.
    """
    if sample.validity == Validity.ABSTAINED:
        return float(sample.count) if sample.reason == Reason.NOT_CALIBRATED else math.nan
    if math.isnan(sample.counts_per_metre) and math.isfinite(sample.position_m):
        return sample.position_m
    return float(sample.count) if math.isfinite(sample.position_m) else math.nan


def units_of(sample: CableSample) -> float:
    """What the load cell itself says: `CableSample.raw` or, from a driver that has none, its tension."""
    return sample.raw if math.isfinite(sample.raw) else sample.tension_n


def check_name(name: str) -> str:
    """The name of a machine itself.

    Raises:
        CalibrationError: it cannot name a file; the text says what can.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise CalibrationError(f"machine name is {name!r}, allowed: {NAME_RULE}")
    return name


def machines_dir() -> Path:
    """Folder of the files; need not exist."""
    return data_dir() / "machines"


def list_calibrations(folder: Path | None = None) -> list[str]:
    """Names of all machines that were calibrated, sorted; whether their files are right shows on loading."""
    folder = machines_dir() if folder is None else folder
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.glob("*.yaml") if _NAME.fullmatch(path.stem))


def save_calibration(calibrations: Iterable[MachineCalibration], folder: Path | None = None) -> Path:
    """Writes cables of one machine; other cables of it that are stored stay.

    A reader sees the old or the new file, never half of it.

    Returns:
        The file.

    Raises:
        CalibrationError: no cable, or cables of several machines; or the folder cannot be written to.
        ConfigError: the file that is there cannot be read.
    """
    new = {each.side: each for each in calibrations}
    names = {each.machine for each in new.values()}
    if len(names) != 1:
        raise CalibrationError(
            f"calibrations of {', '.join(sorted(names)) or 'no machine'}, allowed: of one machine"
        )
    (name,) = names
    folder = machines_dir() if folder is None else folder
    path = folder / f"{name}.yaml"
    cables = {**load_calibration(name, folder), **new}
    document = {_KEY: VERSION, "machine": name, "cables": {}}
    document["cables"] = {word: _entry(cables[side]) for word, side in _SIDES.items() if side in cables}
    text = "# A machine calibrated by KineCue. Delete the file to forget it.\n" + yaml.safe_dump(
        document, sort_keys=False
    )
    part = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=folder, prefix=f".{name}-", suffix=".part", delete=False
        ) as file:
            part = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise CalibrationError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def load_calibration(name: str, folder: Path | None = None) -> dict[CableSide, MachineCalibration]:
    """Reads the cables of a machine; none if it was never calibrated.

    Raises:
        CalibrationError: the name is not allowed.
        ConfigError: the file is not as it must be; names file, field and what is allowed.
    """
    folder = machines_dir() if folder is None else folder
    path = folder / f"{check_name(name)}.yaml"
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ConfigError(path, "", f"is not a YAML file: {error}") from error
    return _read(path, data)


def _check(name: str, value: object, limits: Mapping[str, Any]) -> None:
    low, high = limits["low"], limits["high"]
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if good and (math.isnan(value) or (low <= value <= high and (limits["zero"] or value != 0.0))):  # type: ignore[arg-type]
        return
    but = "" if limits["zero"] else ", but not 0"
    raise CalibrationError(f"{name} is {value!r}, allowed: {low:g} to {high:g}{but}")


def _check_date(name: str, text: str) -> None:
    try:
        aware = datetime.fromisoformat(text).utcoffset() is not None
    except (TypeError, ValueError):
        aware = False
    if not aware:
        raise CalibrationError(f"{name} is {text!r}, allowed: ISO 8601 with the offset from UTC")


_ENCODER = ("counts_per_metre", "zero_count", "counts_per_metre_std", "zero_std")
_FORCE = (
    "newton_per_unit",
    "offset_units",
    "newton_per_unit_std",
    "offset_std",
    "noise_units",
    "rest_units",
)


def _entry(calibration: MachineCalibration) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, parts in (("encoder", _ENCODER), ("force", _FORCE)):
        at = getattr(calibration, f"{name}_at")
        if at:
            values = {part: getattr(calibration, part) for part in parts}
            known = {part: float(f"{value:.12g}") for part, value in values.items() if math.isfinite(value)}
            result[name] = {"calibrated_at": at, **known}
    if all(map(math.isfinite, calibration.pulley_m)):
        result["pulley_m"] = [float(f"{value:.6g}") for value in calibration.pulley_m]
    return result


def _read(path: Path, data: object) -> dict[CableSide, MachineCalibration]:
    top = _mapping(path, "", data, (_KEY, "machine", "cables"))
    version = top.get(_KEY)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ConfigError(path, _KEY, f"is {version!r}, allowed: {VERSION}")
    if version > VERSION:
        raise ConfigError(path, _KEY, f"is {version}, written by a newer KineCue; allowed here: {VERSION}")
    if top.get("machine") != path.stem:
        raise ConfigError(
            path, "machine", f"is {top.get('machine')!r}, allowed: {path.stem}, as the file's name"
        )
    cables = _mapping(path, "cables", top.get("cables"), tuple(_SIDES))
    return {_SIDES[word]: _cable(path, word, entry) for word, entry in cables.items()}


def _cable(path: Path, word: str, data: object) -> MachineCalibration:
    place = f"cables.{word}"
    entry = _mapping(path, place, data, ("encoder", "force", "pulley_m"))
    values: dict[str, Any] = {}
    for name, parts in (("encoder", _ENCODER), ("force", _FORCE)):
        if name in entry:
            part = dict(_mapping(path, f"{place}.{name}", entry[name], ("calibrated_at", *parts)))
            at = part.pop("calibrated_at", "")
            # YAML reads a date without quotes as one
            values[f"{name}_at"] = at.isoformat() if isinstance(at, datetime) else at
            values |= part
    if "pulley_m" in entry:
        pulley = entry["pulley_m"]
        if not isinstance(pulley, list) or not all(
            isinstance(v, (int, float)) and math.isfinite(v) for v in pulley
        ):
            raise ConfigError(path, f"{place}.pulley_m", f"is {pulley!r}, allowed: three numbers")
        values["pulley_m"] = tuple(map(float, pulley))
    try:
        return MachineCalibration(path.stem, _SIDES[word], **values)
    except CalibrationError as error:
        name, _, problem = str(error).partition(" is ")
        raise ConfigError(path, f"{place}: {name}", f"is {problem}") from error


def _mapping(path: Path, place: str, data: object, allowed: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ConfigError(path, place, f"is {data!r}, allowed: {', '.join(allowed)}")
    for name in data:
        if name not in allowed:
            raise ConfigError(
                path, f"{place}.{name}".lstrip("."), f"is not known, allowed: {', '.join(allowed)}"
            )
    return data
