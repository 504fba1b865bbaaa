"""Which signals of which CAN messages are the cables' values: a YAML file beside a DBC file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kinecue.body.errors import ConfigError
from kinecue.machine.drivers.base import side_of
from kinecue.machine.samples import CableFlag, CableSide

UNITS: dict[str, dict[str, float]] = {
    "position": {"m": 1.0, "cm": 0.01, "mm": 0.001, "um": 1e-6},
    "speed": {"m/s": 1.0, "cm/s": 0.01, "mm/s": 0.001},
    "force": {"N": 1.0, "daN": 10.0, "kN": 1000.0, "kgf": 9.80665, "kg": 9.80665, "lbf": 4.4482216},
}
"""Units that a signal of the DBC file may have, and what they are in SI."""
Quantity = Literal["position", "speed", "force", ""]

FlagName = Literal["slack", "eccentric_overload", "saturated", "fault"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Encoder(_Strict):
    message: str
    count: str = ""
    position: str = ""
    speed: str = ""
    sequence: str = ""
    counts_per_metre: float | None = None

    @model_validator(mode="after")
    def _has_something(self) -> _Encoder:
        if not self.count and not self.position:
            raise ValueError("needs a signal for count or position")
        if self.counts_per_metre == 0.0:
            raise ValueError("counts_per_metre: must not be 0")
        return self


class _Force(_Strict):
    message: str
    tension: str = ""
    raw: str = ""
    load: str = ""
    speed: str = ""
    sequence: str = ""
    flags: dict[FlagName, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_something(self) -> _Force:
        if not self.tension and not self.raw:
            raise ValueError("needs a signal for tension or raw")
        return self


class _Cable(_Strict):
    encoder: _Encoder | None = None
    force: _Force | None = None


class _File(_Strict):
    kinecue_can: Literal[1]
    dbc: str
    cables: dict[Literal["none", "left", "right"], _Cable] = Field(min_length=1)


@dataclass(frozen=True)
class SignalUse:
    """A signal of a message and what it is: the quantity says which units it may have."""

    signal: str
    quantity: Quantity = ""


@dataclass(frozen=True)
class MessageUse:
    """A message of the DBC file and what its signals are, by the names of the mapping file.

    `values` holds ``count``, ``position``, ``speed``, ``tension``, ``raw``, ``load``, ``sequence``; `flags` one-bit signals.
    """

    message: str
    sensor: Literal["encoder", "force"]
    side: CableSide
    values: dict[str, SignalUse]
    flags: dict[CableFlag, str]
    counts_per_metre: float | None = None


@dataclass(frozen=True)
class CanMapping:
    """The content of a mapping file."""

    path: Path
    dbc: Path
    messages: tuple[MessageUse, ...]


_QUANTITIES: dict[str, Quantity] = {
    "position": "position",
    "speed": "speed",
    "tension": "force",
    "load": "force",
}


def load_mapping(path: Path) -> CanMapping:
    """Reads a mapping file.

    Raises:
        ConfigError: names file, field and what is allowed.
    """
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        file = _File.model_validate(data)
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"is not a YAML file: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        given = "" if isinstance(first["input"], dict) else f" (is {first['input']!r})"
        raise ConfigError(path, place, first["msg"].removeprefix("Value error, ") + given) from error
    if len(file.cables) > 1 and "none" in file.cables:
        raise ConfigError(path, "cables.none", "is for machines with one cable; allowed beside others: none")
    messages = []
    for word, cable in file.cables.items():
        side = side_of(word) or CableSide.NONE
        if cable.encoder is None and cable.force is None:
            raise ConfigError(path, f"cables.{word}", "needs encoder, force or both")
        if cable.encoder is not None:
            messages.append(_use(cable.encoder, "encoder", side))
        if cable.force is not None:
            messages.append(_use(cable.force, "force", side))
    return CanMapping(path, path.parent / file.dbc, tuple(messages))


def _use(part: _Encoder | _Force, sensor: Literal["encoder", "force"], side: CableSide) -> MessageUse:
    names = ("count", "position", "speed", "tension", "raw", "load", "sequence")
    signals = {name: getattr(part, name, "") for name in names}
    values = {
        name: SignalUse(signal, _QUANTITIES.get(name, "")) for name, signal in signals.items() if signal
    }
    flags = {CableFlag[name.upper()]: signal for name, signal in getattr(part, "flags", {}).items()}
    return MessageUse(part.message, sensor, side, values, flags, getattr(part, "counts_per_metre", None))
