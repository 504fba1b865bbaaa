"""Samples that were recorded: topics ``machine/cable`` and ``machine/encoder`` of an MCAP file, read without ROS."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from kinecue.body.measurement import Reason, Validity
from kinecue.machine.drivers.base import READ_S, DriverCounts, DriverError, DriverLost, Sample, at
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample

_CABLE, _ENCODER = "kinecue_msgs/msg/CableLoad", "kinecue_msgs/msg/RepEncoder"
_ENDS = {_CABLE: "machine/cable", _ENCODER: "machine/encoder"}
_FLAGS = sum(flag.value for flag in CableFlag)
_Logged = tuple[int, Sample]


class McapReplay:
    """Plays a recording at the pace at which it was recorded.

    Stamps are moved by the time between recording and replay, so that they lie to their arrival as they did.

    Args:
        path: an MCAP file, or a folder of a rosbag2 recording in this format.
        namespace: of the machine whose topics are wanted; empty = the only one.
        loop: begin again at the end; otherwise silence.
        keep_stamps: leave stamps as recorded, for a graph whose clock is played from the same recording.
    """

    def __init__(
        self, path: Path, namespace: str = "", loop: bool = False, keep_stamps: bool = False
    ) -> None:
        self.name = f"recording {path}"
        self.patience_s = math.inf
        self.counts = DriverCounts()
        self.ended = False
        self._path = path
        self._namespace = namespace.strip("/")
        self._loop = loop
        self._keep = keep_stamps
        self._topics: tuple[str, ...] = ()
        self._messages: Iterator[_Logged] | None = None
        self._next: _Logged | None = None
        self._shift: int | None = None
        self._begun_ns = 0

    def open(self) -> None:
        """Find the topics and go to the beginning."""
        self._topics = self._find()
        self._rewind()
        if self._next is None:
            why = self.counts.last_bad or "no message"
            raise DriverError(f"{self._path}: {', '.join(self._topics)}: {why}")

    def read(self, now_ns: int) -> list[Sample]:
        """What is due."""
        if self._messages is None:
            raise DriverLost(f"{self.name}: is not open")
        if self._next is None and not self._start_again(now_ns):
            time.sleep(READ_S)
            return []
        if self._shift is None and self._next is not None:
            self._shift = now_ns - self._next[0]
            self._begun_ns = now_ns
        shift = self._shift or 0
        wait = READ_S if self._next is None else (self._next[0] + shift - now_ns) * 1e-9
        if wait > 0.0:
            pause = min(wait, READ_S)
            time.sleep(pause)
            now_ns += round(pause * 1e9)
        due: list[Sample] = []
        while self._next is not None and self._next[0] + shift <= now_ns:
            sample = self._next[1]
            due.append(sample if self._keep else at(sample, sample.stamp_ns + shift))
            self.counts.received += 1
            self._next = next(self._messages, None)
        return due

    def close(self) -> None:
        """Close the file."""
        self._messages = self._next = None

    def _start_again(self, now_ns: int) -> bool:
        self.ended = not self._loop
        # a recording of one message must not be read as fast as the disk is
        if not self._loop or now_ns - self._begun_ns < READ_S * 1e9:
            return False
        self._rewind()
        return self._next is not None

    def _rewind(self) -> None:
        self._messages = self._read()
        self._next = next(self._messages, None)
        self._shift = None
        self.ended = False

    # -- the file

    def _files(self) -> list[Path]:
        if not self._path.is_dir():
            return [self._path]
        files = sorted(self._path.glob("*.mcap"))
        if not files:
            raise DriverError(f"{self._path}: no .mcap file in this folder")
        return files

    def _find(self) -> tuple[str, ...]:
        """The topics of one machine."""
        found: dict[str, set[str]] = {}
        for file in self._files():
            try:
                with file.open("rb") as stream:
                    summary = make_reader(stream).get_summary()
            except OSError as error:
                raise DriverError(f"{file}: cannot be read: {error.strerror or error}") from error
            except (McapError, struct.error, ValueError) as error:
                raise DriverError(f"{file}: cannot be read as MCAP (cut off?): {error}") from error
            if summary is None:
                raise DriverError(f"{file}: has no summary (cut off?); repair it with: mcap recover")
            for channel in summary.channels.values():
                schema = summary.schemas.get(channel.schema_id)
                end = _ENDS.get(schema.name) if schema is not None else None
                if end is not None and f"/{channel.topic}".endswith(f"/{end}"):
                    found.setdefault(channel.topic.strip("/").removesuffix(end).strip("/"), set()).add(
                        channel.topic
                    )
        machines = ", ".join(f"/{name}" for name in sorted(found))
        if not found:
            raise DriverError(
                f"{self._path}: no topic machine/cable or machine/encoder of kinecue_msgs in it"
            )
        if not self._namespace and len(found) > 1:
            raise DriverError(f"{self._path}: has several machines, name the namespace of one: {machines}")
        chosen = found.get(self._namespace) if self._namespace else next(iter(found.values()))
        if chosen is None:
            raise DriverError(
                f"{self._path}: no machine in namespace /{self._namespace}; there are: {machines}"
            )
        return tuple(sorted(chosen))

    def _read(self) -> Iterator[_Logged]:
        for file in self._files():
            # definitions are numbered in each file anew
            factory = DecoderFactory()
            try:
                with file.open("rb") as stream:
                    for schema, channel, message in make_reader(stream).iter_messages(topics=self._topics):
                        decode = factory.decoder_for(channel.message_encoding, schema)
                        if decode is None or schema is None:
                            self.counts.refuse(
                                f"{file}: {channel.topic} is encoded as {channel.message_encoding!r}, allowed: cdr"
                            )
                            return
                        sample = self._sample(schema.name, decode(message.data))
                        if sample is not None:
                            yield message.log_time, sample
            # besides those of MCAP, each compression raises errors of its own
            except Exception as error:
                # what is readable has been played; a second try would find no more
                self.counts.refuse(f"{file}: cannot be decoded: {error}")
                return

    def _sample(self, kind: str, message: Any) -> Sample | None:
        """The sample of a message; None if no cable can have it."""
        try:
            return _cable(message) if kind == _CABLE else _encoder(message)
        except ValueError as error:
            self.counts.refuse(str(error))
            return None


def _stamp(message: Any) -> int:
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)


def _cable(message: Any) -> CableSample:
    pulley = message.pulley
    return CableSample(
        _stamp(message),
        message.tension,
        message.speed,
        pulley_m=(pulley.x, pulley.y, pulley.z),
        load_n=message.load,
        side=CableSide(message.side),
        flags=CableFlag(message.flags & _FLAGS),
    )


def _encoder(message: Any) -> EncoderSample:
    return EncoderSample(
        _stamp(message),
        message.position,
        message.speed,
        Direction(message.direction),
        message.count,
        message.counts_per_metre,
        CableSide(message.side),
        Validity(message.validity),
        Reason(message.reason),
    )
