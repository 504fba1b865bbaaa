"""Recordings of ROS 2 topics without ROS: MCAP files and rosbag2's SQLite files, single or in their folder.

Message definitions come from the file itself, as rosbag2 writes them (MCAP always, SQLite since ROS 2 Iron).
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import yaml
from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Schema
from mcap_ros2.decoder import DecoderFactory

from kinecue.body.body import Body
from kinecue.recordings.bag_bodies import body_of
from kinecue.recordings.errors import RecordingError

_BODIES = "kinecue_msgs/msg/BodyArray"
_IMAGES = ("sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image")
_INFO = "sensor_msgs/msg/CameraInfo"
READABLE = (_BODIES, *_IMAGES)
"""Types of topics that can be analysed, the most telling first."""
_MAGIC = {b"\x89MCAP0": "mcap", b"SQLite": "db3"}
_ENCODING = "cdr"


@dataclass(frozen=True)
class Topic:
    """A topic of a bag: its name, type and number of messages."""

    name: str
    type: str
    count: int


class _File(Protocol):
    def topics(self) -> list[Topic]: ...

    def messages(self, topic: str) -> Iterator[tuple[int, Any]]: ...


@dataclass(frozen=True)
class Lens:
    """Intrinsics of a CameraInfo: size (px), 9 values of K row by row (px), distortion model and coefficients."""

    width: int
    height: int
    matrix: tuple[float, ...]
    model: str
    distortion: tuple[float, ...]


def is_bag(path: Path) -> bool:
    """Whether it is a bag: by the first bytes of a file, or as a folder with ``metadata.yaml``."""
    if path.is_dir():
        return (path / "metadata.yaml").is_file()
    try:
        with path.open("rb") as file:
            return file.read(6) in _MAGIC
    except OSError:
        return False


class BagTopics:
    """All topics of a bag, whatever their types.

    Args:
        path: file or folder.

    Raises:
        RecordingError: the bag cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = [_open(file) for file in _parts(path)]
        self.topics = _joined(file.topics() for file in self._files)

    def messages(self, topic: str) -> Iterator[tuple[int, int, Any]]:
        """When it was recorded (ns), its own stamp (ns; the same without a header) and the message, as recorded.

        Raises:
            RecordingError: a message cannot be decoded.
        """
        for file in self._files:
            for logged, message in file.messages(topic):
                yield logged, _stamp(message, logged), message


class BagReader:
    """One topic of a bag.

    Args:
        path: file or folder.
        topic: which; empty = bodies if there are any, else pictures.

    Raises:
        RecordingError: the bag cannot be read, or has no topic that can be analysed; names those that there are.
    """

    def __init__(self, path: Path, topic: str = "") -> None:
        self.path = path
        self._files = [_open(file) for file in _parts(path)]
        self._topics = _joined(file.topics() for file in self._files)
        self.topic = self._choose(topic)
        self.count = self.topic.count
        self.kind: Literal["bodies", "pictures"] = "bodies" if self.topic.type == _BODIES else "pictures"
        self.notes: tuple[str, ...] = (f"topic {self.topic.name} ({self.topic.type})",)

    def _choose(self, wanted: str) -> Topic:
        listed = ", ".join(f"{t.name} ({t.type}, {t.count})" for t in self._topics) or "none"
        if wanted:
            names = {wanted, f"/{wanted}"}
            found = next((t for t in self._topics if t.name in names), None)
            if found is None:
                raise RecordingError(self.path, "topic", f"no {wanted!r}; there are: {listed}")
            if found.type not in READABLE:
                raise RecordingError(
                    self.path,
                    "topic",
                    f"{found.name} is of type {found.type}; allowed: {', '.join(READABLE)}",
                )
            return found
        for kind in READABLE:
            fitting = [t for t in self._topics if t.type == kind and t.count > 0 and "depth" not in t.name]
            if fitting:
                return max(fitting, key=lambda t: t.count)
        raise RecordingError(
            self.path,
            "topics",
            f"none of a type that can be analysed ({', '.join(READABLE)}); there are: {listed}",
        )

    def messages(self, topic: str | None = None) -> Iterator[tuple[int, Any]]:
        """Stamp (ns, of the header, else of the recording) and message, in the order recorded."""
        for file in self._files:
            for logged, message in file.messages(topic or self.topic.name):
                yield _stamp(message, logged), message

    def bodies(self) -> Iterator[tuple[int, Body | None]]:
        """Stamp and body of the lifter in each frame, as the scoring node takes it.

        Raises:
            RecordingError: a message that holds no body.
        """
        for stamp, message in self.messages():
            active = next((body for body in message.bodies if body.active), None)
            yield stamp, None if active is None else body_of(active, self.path)

    def lens(self) -> Lens | None:
        """The first calibrated CameraInfo beside the pictures; None without."""
        place = self.topic.name.rsplit("/", 2 if self.topic.type.endswith("CompressedImage") else 1)[0]
        topics = [t for t in self._topics if t.type == _INFO and t.count > 0]
        topics.sort(key=lambda t: t.name.rsplit("/", 1)[0] != place)
        for topic in topics:
            for _, message in self.messages(topic.name):
                if message.k[0] > 0:
                    return Lens(
                        int(message.width),
                        int(message.height),
                        tuple(float(v) for v in message.k),
                        str(message.distortion_model) or "plumb_bob",
                        tuple(float(v) for v in message.d),
                    )
                break
        return None


def _stamp(message: Any, logged: int) -> int:
    header = getattr(message, "header", None)
    stamp = int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec) if header is not None else 0
    return stamp or logged


def _parts(path: Path) -> list[Path]:
    """The files of a bag in their order."""
    if not path.is_dir():
        return [path]
    metadata = path / "metadata.yaml"
    try:
        content = yaml.safe_load(metadata.read_text(encoding="utf-8"))
        names = content["rosbag2_bagfile_information"]["relative_file_paths"]
    except OSError as error:
        raise RecordingError(metadata, "", f"cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise RecordingError(
            metadata, "rosbag2_bagfile_information.relative_file_paths", f"is not there: {error}"
        ) from error
    files = [path / str(name) for name in names]
    for file in files:
        if file.suffix in (".zstd", ".zst"):
            raise RecordingError(file, "", "is compressed as a whole; unpack it with zstd -d first")
        if not file.is_file():
            raise RecordingError(file, "", "no such file")
    if not files:
        raise RecordingError(metadata, "relative_file_paths", "names no files")
    return files


def _open(path: Path) -> _File:
    try:
        with path.open("rb") as file:
            kind = _MAGIC.get(file.read(6))
    except OSError as error:
        raise RecordingError(path, "", f"cannot be read: {error.strerror or error}") from error
    if kind == "mcap":
        return _Mcap(path)
    if kind == "db3":
        return _Sqlite(path)
    raise RecordingError(path, "", "is neither an MCAP nor a rosbag2 SQLite file")


def _joined(lists: Iterator[list[Topic]]) -> list[Topic]:
    topics: dict[str, Topic] = {}
    for listed in lists:
        for topic in listed:
            before = topics.get(topic.name)
            topics[topic.name] = Topic(topic.name, topic.type, topic.count + (before.count if before else 0))
    return list(topics.values())


class _Mcap:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._factory = DecoderFactory()

    def topics(self) -> list[Topic]:
        try:
            with self._path.open("rb") as file:
                summary = make_reader(file).get_summary()
        except (McapError, struct.error, OSError) as error:
            raise RecordingError(self._path, "", f"cannot be read as MCAP (cut off?): {error}") from error
        if summary is None or summary.statistics is None:
            raise RecordingError(self._path, "", "has no summary (cut off?); repair it with: mcap recover")
        counts = summary.statistics.channel_message_counts
        return [
            Topic(
                channel.topic,
                summary.schemas[channel.schema_id].name if channel.schema_id in summary.schemas else "",
                counts.get(number, 0),
            )
            for number, channel in summary.channels.items()
        ]

    def messages(self, topic: str) -> Iterator[tuple[int, Any]]:
        try:
            with self._path.open("rb") as file:
                for schema, channel, message in make_reader(file).iter_messages(topics=[topic]):
                    decode = self._factory.decoder_for(channel.message_encoding, schema)
                    if decode is None:
                        raise RecordingError(
                            self._path,
                            topic,
                            f"is encoded as {channel.message_encoding!r} with a "
                            f"{schema.encoding if schema else 'missing'!r} schema; allowed: cdr with ros2msg",
                        )
                    yield message.log_time, decode(message.data)
        except (McapError, struct.error, OSError, ValueError) as error:
            raise RecordingError(self._path, topic, f"cannot be decoded: {error}") from error


class _Sqlite:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._factory = DecoderFactory()

    def _query(self, text: str, values: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True)) as base:
                yield from base.execute(text, values)
        except sqlite3.Error as error:
            raise RecordingError(self._path, "", f"cannot be read as a rosbag2 file: {error}") from error

    def topics(self) -> list[Topic]:
        rows = self._query(
            "SELECT topics.name, topics.type, COUNT(messages.id) FROM topics "
            "LEFT JOIN messages ON messages.topic_id = topics.id GROUP BY topics.id"
        )
        return [Topic(name, kind, count) for name, kind, count in rows]

    def messages(self, topic: str) -> Iterator[tuple[int, Any]]:
        decode = self._decoder(topic)
        rows = self._query(
            "SELECT messages.timestamp, messages.data FROM messages JOIN topics ON topics.id = messages.topic_id "
            "WHERE topics.name = ? ORDER BY messages.timestamp, messages.id",
            (topic,),
        )
        for stamp, data in rows:
            try:
                yield int(stamp), decode(data)
            except (struct.error, ValueError, McapError) as error:
                raise RecordingError(self._path, topic, f"cannot be decoded: {error}") from error

    def _decoder(self, topic: str) -> Callable[[bytes], Any]:
        kind = next(self._query("SELECT type FROM topics WHERE name = ?", (topic,)))[0]
        tables = {row[0] for row in self._query("SELECT name FROM sqlite_master WHERE type = 'table'")}
        rows: list[tuple[Any, ...]] = []
        if "message_definitions" in tables:
            rows = list(
                self._query(
                    "SELECT id, encoding, encoded_message_definition FROM message_definitions WHERE topic_type = ?",
                    (kind,),
                )
            )
        for number, encoding, text in rows:
            schema = Schema(int(number) or 1, str(text).encode(), str(encoding), str(kind))
            decode = self._factory.decoder_for(_ENCODING, schema)
            if decode is not None:
                return decode
        raise RecordingError(
            self._path,
            topic,
            f"the file does not define {kind} (older than ROS 2 Iron?); convert it with: ros2 bag convert, to MCAP",
        )
