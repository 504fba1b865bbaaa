"""Samples from a serial line in KineCue's line protocol: a USB or RS-232 port, or a gateway in the network."""

from __future__ import annotations

import errno
import time
from collections.abc import Sequence
from typing import Any

import serial

from kinecue.machine.drivers.base import (
    GATHER_S,
    READ_S,
    DriverCounts,
    DriverError,
    DriverLost,
    Sample,
)
from kinecue.machine.drivers.device_clock import DeviceClock
from kinecue.machine.drivers.line_protocol import CLOCK_WRAP_US, Line, LineDecoder
from kinecue.machine.samples import CableSide

_PIECE = 65536
_WHY = {
    errno.ENOENT: "there is no such device",
    errno.EACCES: "no permission; is the user in the group dialout?",
    errno.EAGAIN: "another program uses it",
    errno.EBUSY: "another program uses it",
}


class SerialDriver:
    """A serial line.

    Lines without a device clock are stamped on arrival; several that come at once are spread over the time since the last
    ones, because the operating system hands them over in lumps.

    Args:
        port: device, best by its lasting name (``/dev/serial/by-id/...``), or a pyserial URL (``socket://host:port``).
        baud: bits a second; USB devices ignore it.
        patience_s: a line that is silent for so long is opened anew.
    """

    def __init__(self, port: str, baud: int = 921600, patience_s: float = 2.0) -> None:
        self.name = f"serial {port}"
        self.patience_s = patience_s
        self.counts = DriverCounts()
        self.decoder = LineDecoder(self.counts)
        self.clock = DeviceClock(CLOCK_WRAP_US * 1000, self.counts)
        self._port = port
        # of a gateway pyserial only knows whether something waits, not how much
        self._gateway = "://" in port
        self._baud = baud
        self._line: Any = None
        self._held: list[tuple[int, Line]] = []
        self._last_ns: dict[CableSide, int] = {}
        self._clocked = False

    def open(self) -> None:
        """Open the port and leave out what waited in it."""
        try:
            # two programs on one line would each get half of it
            self._line = serial.serial_for_url(self._port, self._baud, timeout=READ_S, exclusive=True)
            self._line.reset_input_buffer()
        except (serial.SerialException, OSError, ValueError) as error:
            self.close()
            why = _WHY.get(getattr(error, "errno", None) or 0, str(error))
            raise DriverError(f"{self.name}: cannot be opened: {why}") from error
        self.decoder.restart()
        self.clock.forget()
        self._held, self._last_ns, self._clocked = [], {}, False

    def read(self, now_ns: int) -> list[Sample]:
        """Samples of the lines that have come."""
        if self._line is None:
            raise DriverLost(f"{self.name}: is not open")
        begun = time.monotonic_ns()
        try:
            if self._clocked and not self._gateway:
                # what arrives meanwhile waits in the system's buffer
                time.sleep(GATHER_S)
            if self._gateway:
                data = self._line.read(_PIECE)
            else:
                data = self._line.read(1)
                waiting = self._line.in_waiting
                if waiting:
                    data += self._line.read(min(waiting, _PIECE))
        except (serial.SerialException, OSError, TypeError) as error:
            # pyserial raises TypeError where the port was closed under a read
            raise DriverLost(f"{self.name}: {error}") from error
        if not data:
            return []
        lines = self.decoder.feed(data)
        if not lines:
            return []
        return self._stamped(lines, now_ns + time.monotonic_ns() - begun)

    def close(self) -> None:
        """Close the port."""
        if self._line is None:
            return
        try:
            self._line.close()
        except (serial.SerialException, OSError):
            # the device is gone: there is nothing left to close
            pass
        finally:
            self._line = None

    def _stamped(self, lines: Sequence[Line], received_ns: int) -> list[Sample]:
        stamped: list[Sample] = []
        self._clocked = lines[-1].clock_us is not None
        arrived: dict[CableSide, list[Line]] = {}
        for line in lines:
            if line.clock_us is None:
                arrived.setdefault(line.side, []).append(line)
                continue
            restarts = self.counts.restarts
            device = self.clock.take(line.clock_us * 1000, received_ns)
            if self.counts.restarts != restarts:
                # stamps of a clock that is gone mean nothing any more
                self.counts.refuse("the device's clock began anew", len(self._held))
                self._held = []
            self._held.append((device, line))
        offset = self.clock.offset_ns
        if offset is not None and self._held:
            for device, line in self._held:
                stamped += line.samples(device + offset)
            self._held = []
        for side, of_side in arrived.items():
            stamped.extend(self._on_arrival(side, of_side, received_ns))
        return stamped

    def _on_arrival(self, side: CableSide, lines: Sequence[Line], received_ns: int) -> list[Sample]:
        last = self._last_ns.get(side, received_ns)
        # after a silence the lines of a lump lie close together, not over all of it
        span = min(max(received_ns - last, 0), round(READ_S * 1e9) * len(lines))
        self._last_ns[side] = received_ns
        count = len(lines)
        return [
            sample
            for number, line in enumerate(lines)
            for sample in line.samples(received_ns - span * (count - 1 - number) // count)
        ]
