r"""KineCue's line protocol: what a machine's controller prints on a serial line, one line for each sample of a cable.

    $KC,<side>,<sequence>,<clock>,<count>,<position>,<speed>,<tension>,<raw>,<load>,<flags>*<checksum>\n
    $KC,L,17,1203400,2512,0.5024,0.31,196.4,,200,0*AD10

| field | content | may be empty |
| --- | --- | --- |
| side | `N` one cable, `L` the person's left, `R` right | |
| sequence | 0 to 65535, one more with each line of this side, then 0 again | |
| clock | microseconds of the device's clock, 0 to 4294967295, then 0 again | stamped on arrival |
| count | of the encoder, signed | no encoder, or one that gives metres |
| position | m from rest, positive = pulled out | made from the count by the calibration |
| speed | m/s, positive = pulled out | not measured |
| tension | N, not negative | no force sensor, or one that is not calibrated |
| raw | what the force sensor itself reads, in its own units | made into newtons by the calibration |
| load | N that the machine is set to | not known |
| flags | sum of `CableLoad.FLAG_*`, decimal | none |
| checksum | CRC-16/CCITT-FALSE of what stands between `$` and `*`, four hexadecimal digits | |

`$KI,<version>,<name>*<checksum>` tells protocol version (1) and machine; a device may send it whenever it likes.
Other lines with a right checksum are ignored, and so are fields after the last: room for later versions.
"""

from __future__ import annotations

import binascii
import math
import re
from typing import NamedTuple

from kinecue.machine.drivers.base import (
    LARGEST_COUNT,
    DriverCounts,
    DriverError,
    Sample,
    encoder_of,
    not_pushing,
)
from kinecue.machine.drivers.sequence import SequenceNumber
from kinecue.machine.samples import CableFlag, CableSample, CableSide

VERSION = 1
LONGEST_LINE = 160
"""Bytes; the longest line that the fields allow is shorter."""
SEQUENCE_MODULUS = 1 << 16
CLOCK_WRAP_US = 1 << 32
LONGEST_M, FASTEST_M_S, STRONGEST_N, LARGEST_RAW = 100.0, 100.0, 1e5, 1e12
"""What lies beyond is no cable, and no converter."""

_NUMBER = rb"([+-]?\d{1,12}(?:\.\d{0,12})?)?"
_SAMPLE = re.compile(
    rb"KC,([NLR]),(\d{1,5}),(\d{1,10})?,([+-]?\d{1,19})?,"
    + b",".join([_NUMBER] * 5)
    + rb",(\d{1,10})?(?:,[ -~]*)?"
)
_IDENTITY = re.compile(rb"KI,(\d{1,5}),([ -~]{0,60})")
_SIDES = {b"N": CableSide.NONE, b"L": CableSide.LEFT, b"R": CableSide.RIGHT}
_LETTERS = {side: letter.decode() for letter, side in _SIDES.items()}
_NAN = math.nan
_KNOWN_FLAGS = sum(flag.value for flag in CableFlag)


class Line(NamedTuple):
    """The content of one line; None and NaN stand for fields that are empty."""

    side: CableSide
    clock_us: int | None
    counter: int | None
    position_m: float
    speed_m_s: float
    tension_n: float
    raw: float
    load_n: float
    flags: CableFlag

    def samples(self, stamp_ns: int) -> list[Sample]:
        """What the line says of force and way, each left out if it says nothing."""
        found: list[Sample] = []
        side, _, counter, position, speed, tension, raw, load, flags = self
        # NaN is not equal to itself
        if tension == tension or raw == raw or load == load or flags:
            found.append(
                CableSample(
                    stamp_ns,
                    not_pushing(tension),
                    speed,
                    position,
                    load_n=not_pushing(load),
                    side=side,
                    flags=flags,
                    # what lies below zero is still needed to find the zero
                    raw=tension if raw != raw else raw,
                )
            )
        if counter is not None or position == position:
            found.append(encoder_of(stamp_ns, side, counter, position, speed))
        return found


def checksum(content: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, begun with 0xFFFF, nothing reflected; 0x29B1 for ``123456789``."""
    return binascii.crc_hqx(content, 0xFFFF)


def sentence(content: str) -> bytes:
    """A line of the protocol around its content."""
    raw = content.encode("ascii")
    return b"$%s*%04X\n" % (raw, checksum(raw))


def encode(
    side: CableSide,
    sequence: int,
    clock_us: int | None = None,
    count: int | None = None,
    position_m: float = math.nan,
    speed_m_s: float = math.nan,
    tension_n: float = math.nan,
    raw: float = math.nan,
    load_n: float = math.nan,
    flags: int = 0,
) -> bytes:
    """A sample as a device prints it; what is None or NaN stays empty."""

    def number(value: float, places: int) -> str:
        return f"{value:.{places}f}" if math.isfinite(value) else ""

    clock = "" if clock_us is None else str(clock_us % CLOCK_WRAP_US)
    return sentence(
        f"KC,{_LETTERS[side]},{sequence % SEQUENCE_MODULUS},{clock},{'' if count is None else count},"
        f"{number(position_m, 5)},{number(speed_m_s, 4)},{number(tension_n, 2)},{number(raw, 3)},{number(load_n, 1)},{flags}"
    )


class LineDecoder:
    """Cuts a stream of bytes into lines and reads them. Whatever comes in, nothing but a whole line comes out.

    Args:
        counts: where lines are counted.
    """

    def __init__(self, counts: DriverCounts | None = None) -> None:
        self.counts = DriverCounts() if counts is None else counts
        self.machine = ""
        """Name that the device gave itself; empty if it did not."""
        self._rest = b""
        self._joined = False
        self._sequences = {side: SequenceNumber(SEQUENCE_MODULUS, self.counts) for side in CableSide}

    def restart(self) -> None:
        """The line was opened anew: the first piece may be the end of a line, which is nobody's fault."""
        self._rest, self._joined, self.machine = b"", False, ""
        for sequence in self._sequences.values():
            sequence.forget()

    def feed(self, data: bytes) -> list[Line]:
        """The lines that these bytes complete.

        Raises:
            DriverError: the device speaks another version of the protocol.
        """
        pieces = (self._rest + data).split(b"\n")
        self._rest = pieces.pop()
        if len(self._rest) > LONGEST_LINE:
            self.counts.refuse("no end of line")
            self._rest, self._joined = self._rest[-1:], True
        lines = []
        for piece in pieces:
            content = self._content(piece)
            line = None if content is None else self._line(content)
            if line is not None:
                lines.append(line)
        return lines

    def _content(self, piece: bytes) -> bytes | None:
        """What stands between `$` and `*` of a line that is whole."""
        first, self._joined = not self._joined, True
        # a line that was cut off may stand before this one
        before, dollar, text = piece.rstrip(b"\r ").rpartition(b"$")
        if not dollar:
            if text and not first:
                self.counts.refuse("no $ in the line")
            return None
        if before and not first:
            self.counts.refuse("a line that was cut off")
        content, star, digits = text.rpartition(b"*")
        if not star or len(digits) != 4:
            self.counts.refuse("no checksum at the end of the line")
            return None
        try:
            told = int(digits.decode("ascii"), 16) if digits.isalnum() else -1
        except ValueError:
            told = -1
        if told != checksum(content):
            self.counts.refuse("wrong checksum")
            return None
        return content

    def _line(self, content: bytes) -> Line | None:
        if not content.startswith(b"KC,"):
            self._other(content)
            return None
        match = _SAMPLE.fullmatch(content)
        if match is None:
            self.counts.refuse(f"fields of ${content[:60].decode('ascii', 'replace')}")
            return None
        letter, number, clock, count, position, speed, tension, raw, load, flags = match.groups()
        line = Line(
            _SIDES[letter],
            None if clock is None else int(clock),
            None if count is None else int(count),
            _NAN if position is None else float(position),
            _NAN if speed is None else float(speed),
            _NAN if tension is None else float(tension),
            _NAN if raw is None else float(raw),
            _NAN if load is None else float(load),
            CableFlag(int(flags) & _KNOWN_FLAGS) if flags else CableFlag.NONE,
        )
        sequence = int(number)
        if sequence >= SEQUENCE_MODULUS or _impossible(line):
            self.counts.refuse(f"a number out of range in ${content[:60].decode('ascii', 'replace')}")
            return None
        if not self._sequences[line.side].take(sequence):
            return None
        self.counts.received += 1
        return line

    def _other(self, content: bytes) -> None:
        match = _IDENTITY.fullmatch(content)
        if match is None:
            return
        if int(match[1]) != VERSION:
            raise DriverError(
                f"the device speaks version {int(match[1])} of the line protocol, allowed: {VERSION}"
            )
        self.machine = match[2].decode("ascii")


def _impossible(line: Line) -> bool:
    return (
        abs(line.position_m) > LONGEST_M
        or abs(line.speed_m_s) > FASTEST_M_S
        or abs(line.tension_n) > STRONGEST_N
        or abs(line.raw) > LARGEST_RAW
        or abs(line.load_n) > STRONGEST_N
        or (line.clock_us is not None and line.clock_us >= CLOCK_WRAP_US)
        or (line.counter is not None and abs(line.counter) > LARGEST_COUNT)
    )
