"""Samples from a CAN bus, read by python-can, with the layout of its messages from a DBC file, read by cantools.

Both are extras, because python-can is under the LGPL and most machines have no CAN: ``pip install "kinecue[can]"``.
"""

from __future__ import annotations

import importlib
import math
import time
from dataclasses import dataclass
from typing import Any

from kinecue.body.errors import ConfigError
from kinecue.machine.drivers.base import (
    GATHER_S,
    READ_S,
    DriverCounts,
    DriverError,
    DriverLost,
    Sample,
    encoder_of,
    not_pushing,
)
from kinecue.machine.drivers.can_mapping import UNITS, CanMapping, MessageUse
from kinecue.machine.drivers.sequence import SequenceNumber
from kinecue.machine.samples import CableFlag, CableSample

_MOST_AT_ONCE = 4096
_KERNEL_NS = 1_000_000_000
"""A frame's own stamp is believed if it is no older than that; some interfaces count from their start."""


def _extra(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DriverError(
            f'CAN needs python-can and cantools, which are not installed: pip install "kinecue[can]" ({error})'
        ) from error


@dataclass
class _Signal:
    """A signal with the factor that brings it into SI, and the range in which it means something."""

    name: str
    factor: float
    low: float
    high: float


@dataclass
class _Frame:
    """How the frames of one message become samples."""

    use: MessageUse
    layout: Any
    signals: dict[str, _Signal]
    sequence: SequenceNumber | None
    sequence_signal: str


class CanDriver:
    """A CAN bus.

    Args:
        interface: of python-can: ``socketcan``, ``pcan``, ``slcan``, ``virtual`` ...
        channel: of it: ``can0``, ``/dev/ttyUSB0`` ...
        mapping: which signals are what.
        bitrate: bits a second; None = as the system has set it.
        patience_s: a bus on which none of the messages came for so long is opened anew.

    Raises:
        DriverError: python-can or cantools is not installed.
        ConfigError: the DBC file cannot be read, or lacks a message or signal of the mapping; names those it has.
    """

    def __init__(
        self,
        interface: str,
        channel: str,
        mapping: CanMapping,
        bitrate: int | None = None,
        patience_s: float = 2.0,
    ) -> None:
        self.name = f"CAN {interface} {channel}"
        self.patience_s = patience_s
        self.counts = DriverCounts()
        self._can = _extra("can")
        self._frames = _frames(mapping, self.counts)
        self._options: dict[str, Any] = {"interface": interface, "channel": channel}
        if bitrate is not None:
            self._options["bitrate"] = bitrate
        self._bus: Any = None
        self._lively = False

    def open(self) -> None:
        """Open the bus, for the messages of the mapping only."""
        filters = [
            {"can_id": number, "can_mask": 0x1FFFFFFF if extended else 0x7FF, "extended": extended}
            for number, extended in self._frames
        ]
        try:
            self._bus = self._can.Bus(can_filters=filters, **self._options)
        except (self._can.CanError, OSError, ValueError, ImportError) as error:
            raise DriverError(f"{self.name}: cannot be opened: {error}") from error
        for frame in self._frames.values():
            if frame.sequence is not None:
                frame.sequence.forget()

    def read(self, now_ns: int) -> list[Sample]:
        """Samples of the frames that have come."""
        if self._bus is None:
            raise DriverLost(f"{self.name}: is not open")
        begun = time.monotonic_ns()
        found: list[Sample] = []
        if self._lively:
            # what arrives meanwhile waits in the kernel, with its time
            time.sleep(GATHER_S)
        try:
            message = self._bus.recv(READ_S)
            for _ in range(_MOST_AT_ONCE):
                if message is None:
                    break
                received = now_ns + time.monotonic_ns() - begun
                sample = self._sample(message, received)
                if sample is not None:
                    found.append(sample)
                message = self._bus.recv(0.0)
        except (self._can.CanError, OSError) as error:
            raise DriverLost(f"{self.name}: {error}") from error
        self._lively = len(found) > 1
        return found

    def close(self) -> None:
        """Leave the bus."""
        bus, self._bus = self._bus, None
        if bus is not None:
            try:
                bus.shutdown()
            except (self._can.CanError, OSError):
                # the adapter is gone: there is nothing left to close
                return

    def _sample(self, message: Any, received_ns: int) -> Sample | None:
        if message.is_error_frame:
            self.counts.refuse("error frame on the bus")
            return None
        frame = self._frames.get((message.arbitration_id, message.is_extended_id))
        if frame is None or message.is_remote_frame:
            return None
        try:
            decoded = frame.layout.decode(bytes(message.data), decode_choices=False)
        # cantools raises its own errors, and those of bitstruct, for a frame that is too short
        except Exception as error:
            self.counts.refuse(f"{frame.use.message}: {error}")
            return None
        if frame.sequence is not None and not frame.sequence.take(int(decoded[frame.sequence_signal])):
            return None
        self.counts.received += 1
        age = round((time.time() - message.timestamp) * 1e9)
        stamp = received_ns - age if 0 <= age < _KERNEL_NS else received_ns
        values = {name: self._value(frame, name, decoded) for name in frame.signals}
        if frame.use.sensor == "encoder":
            return self._encoder(frame.use, stamp, values)
        return self._force(frame.use, stamp, values, decoded)

    def _value(self, frame: _Frame, name: str, decoded: dict[str, Any]) -> float:
        """In SI; NaN for what the machine marks as not available by a value out of the signal's range."""
        signal = frame.signals[name]
        value = float(decoded[signal.name])
        if not signal.low <= value <= signal.high:
            return math.nan
        return value * signal.factor

    @staticmethod
    def _encoder(use: MessageUse, stamp_ns: int, values: dict[str, float]) -> Sample:
        count = values.get("count", math.nan)
        scale = math.nan if use.counts_per_metre is None else use.counts_per_metre
        return encoder_of(
            stamp_ns,
            use.side,
            int(count) if math.isfinite(count) else None,
            values.get("position", math.nan),
            values.get("speed", math.nan),
            scale,
        )

    @staticmethod
    def _force(use: MessageUse, stamp_ns: int, values: dict[str, float], decoded: dict[str, Any]) -> Sample:
        flags = CableFlag.NONE
        for flag, signal in use.flags.items():
            if decoded[signal]:
                flags |= flag
        tension = values.get("tension", math.nan)
        return CableSample(
            stamp_ns,
            not_pushing(tension),
            values.get("speed", math.nan),
            load_n=not_pushing(values.get("load", math.nan)),
            side=use.side,
            flags=flags,
            raw=values.get("raw", tension),
        )


def _frames(mapping: CanMapping, counts: DriverCounts) -> dict[tuple[int, bool], _Frame]:
    database_of = _extra("cantools").database.load_file
    try:
        database = database_of(str(mapping.dbc))
    except OSError as error:
        raise ConfigError(mapping.path, "dbc", f"{mapping.dbc} cannot be read: {error.strerror}") from error
    # cantools has an error of its own for each format that it tries
    except Exception as error:
        raise ConfigError(mapping.dbc, "", f"is no DBC file that cantools reads: {error}") from error
    layouts = {message.name: message for message in database.messages}
    frames: dict[tuple[int, bool], _Frame] = {}
    for use in mapping.messages:
        layout = layouts.get(use.message)
        if layout is None:
            raise ConfigError(
                mapping.path, use.message, f"no such message in {mapping.dbc}; allowed: {', '.join(layouts)}"
            )
        key = (layout.frame_id, bool(layout.is_extended_frame))
        if key in frames:
            raise ConfigError(mapping.path, use.message, "is used twice; allowed: one sensor of one cable")
        frames[key] = _frame(use, layout, mapping, counts)
    return frames


def _frame(use: MessageUse, layout: Any, mapping: CanMapping, counts: DriverCounts) -> _Frame:
    known = {signal.name: signal for signal in layout.signals}
    wanted = [used.signal for used in use.values.values()] + list(use.flags.values())
    for name in wanted:
        if name not in known:
            raise ConfigError(
                mapping.path,
                f"{use.message}: {name}",
                f"no such signal in {mapping.dbc}; allowed: {', '.join(known)}",
            )
    signals = {}
    for name, used in use.values.items():
        signal = known[used.signal]
        factor = 1.0
        if used.quantity:
            units = UNITS[used.quantity]
            if (signal.unit or "") not in units:
                raise ConfigError(
                    mapping.dbc,
                    f"{use.message}: {used.signal}",
                    f"has the unit {signal.unit!r}, allowed for {name}: {', '.join(units)}",
                )
            factor = units[signal.unit]
        if name != "sequence":
            signals[name] = _Signal(used.signal, factor, *_range(signal))
    counter = use.values.get("sequence")
    if counter is None:
        return _Frame(use, layout, signals, None, "")
    sequence = SequenceNumber(1 << known[counter.signal].length, counts)
    return _Frame(use, layout, signals, sequence, counter.signal)


def _range(signal: Any) -> tuple[float, float]:
    """The range that the file gives; one of [0|0] means none."""
    low = -math.inf if signal.minimum is None else float(signal.minimum)
    high = math.inf if signal.maximum is None else float(signal.maximum)
    return (low, high) if low < high else (-math.inf, math.inf)
