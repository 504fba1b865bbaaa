"""Bags as rosbag2 writes them, made without ROS."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from mcap.writer import Writer

from kinecue.body.body import Body

MESSAGES = Path(__file__).resolve().parents[2] / "src" / "kinecue_msgs" / "msg"
_STANDARD = {
    "std_msgs/Header": "builtin_interfaces/Time stamp\nstring frame_id\n",
    "geometry_msgs/Point": "float64 x\nfloat64 y\nfloat64 z\n",
    "builtin_interfaces/Time": "int32 sec\nuint32 nanosec\n",
}
IMAGE = "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\nuint8[] data\n"
COMPRESSED = "std_msgs/Header header\nstring format\nuint8[] data\n"
_LINE = "=" * 80


def _own(name: str) -> str:
    text = (MESSAGES / f"{name}.msg").read_text(encoding="utf-8")
    return "\n".join(line.split("#")[0].rstrip() for line in text.splitlines())


def definition(main: str, *others: str) -> str:
    """A message definition with those it needs, as a bag holds it."""
    parts = [_own(main) if (MESSAGES / f"{main}.msg").is_file() else main]
    for name in others:
        text = _STANDARD.get(name) or _own(name.split("/")[1])
        parts.append(f"{_LINE}\nMSG: {name}\n{text}")
    return "\n".join(parts)


BODY_ARRAY = definition(
    "BodyArray",
    "kinecue_msgs/Body",
    "kinecue_msgs/Landmark",
    "std_msgs/Header",
    "geometry_msgs/Point",
    "builtin_interfaces/Time",
)
TYPE_BODIES = "kinecue_msgs/msg/BodyArray"


def header(stamp_ns: int) -> SimpleNamespace:
    stamp = SimpleNamespace(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)
    return SimpleNamespace(stamp=stamp, frame_id="machine_base_link")


def body_message(body: Body, active: bool = True) -> SimpleNamespace:
    """The fields of kinecue_msgs/Body."""
    landmarks = [
        SimpleNamespace(
            name=mark.value,
            state=int(body.states[i]),
            position=SimpleNamespace(**dict(zip("xyz", body.positions[i].tolist(), strict=True))),
            covariance=body.covariances[i].ravel().tolist(),
            u=float(body.pixels[i, 0]),
            v=float(body.pixels[i, 1]),
            pixel_std=float(body.pixel_std[i]),
        )
        for i, mark in enumerate(body.topology.landmarks)
    ]
    return SimpleNamespace(
        header=header(body.stamp_ns),
        id=body.id,
        active=active,
        topology=body.topology.name,
        confidence=body.confidence,
        landmarks=landmarks,
        image_width=body.image_size[0],
        image_height=body.image_size[1],
        view=body.view,
        truncated=body.truncated,
        calibrated=body.calibrated,
        camera_calibrated=body.camera_calibrated,
        joint_indices=[],
        joint_covariance=[],
    )


def array_message(body: Body | None, stamp_ns: int, bystanders: Iterable[Body] = ()) -> SimpleNamespace:
    """The fields of kinecue_msgs/BodyArray."""
    people = [body_message(other, active=False) for other in bystanders]
    people += [] if body is None else [body_message(body)]
    return SimpleNamespace(header=header(stamp_ns), bodies=people, frame_index=0, processing_ms=1.0)


def picture_message(image: np.ndarray, stamp_ns: int, compressed: bool) -> SimpleNamespace:
    """The fields of sensor_msgs/Image or CompressedImage."""
    if compressed:
        data = cv2.imencode(".png", image)[1].tobytes()
        return SimpleNamespace(header=header(stamp_ns), format="bgr8; png compressed bgr8", data=data)
    height, width = image.shape[:2]
    return SimpleNamespace(
        header=header(stamp_ns),
        height=height,
        width=width,
        encoding="bgr8",
        is_bigendian=0,
        step=3 * width,
        data=image.tobytes(),
    )


def encoded(kind: str, text: str, message: Any) -> bytes:
    """CDR, as ROS would send it."""
    from mcap_ros2._dynamic import serialize_dynamic

    result: bytes = serialize_dynamic(kind, text)[kind](message)
    return result


Row = tuple[str, str, str, int, bytes]
"""Topic, type, definition, stamp (ns) and CDR of a message."""


def write_mcap(path: Path, rows: Iterable[Row]) -> Path:
    """An MCAP file of rosbag2's profile."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start(profile="ros2", library="test")
        channels: dict[str, int] = {}
        for topic, kind, text, stamp, data in rows:
            if topic not in channels:
                schema = writer.register_schema(kind, "ros2msg", text.encode())
                channels[topic] = writer.register_channel(topic, "cdr", schema)
            writer.add_message(channels[topic], stamp, data, stamp)
        writer.finish()
    return path


def write_sqlite(folder: Path, rows: Iterable[Row], definitions: bool = True) -> Path:
    """A folder of rosbag2 with its metadata and one SQLite file."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "bag_0.db3")) as base:
        base.execute(
            "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT)"
        )
        base.execute(
            "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)"
        )
        if definitions:
            base.execute(
                "CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT, encoding TEXT, "
                "encoded_message_definition TEXT, type_description_hash TEXT)"
            )
        topics: dict[str, int] = {}
        for topic, kind, text, stamp, data in rows:
            if topic not in topics:
                topics[topic] = len(topics) + 1
                base.execute("INSERT INTO topics VALUES (?, ?, ?, 'cdr')", (topics[topic], topic, kind))
                if definitions:
                    base.execute(
                        "INSERT INTO message_definitions VALUES (?, ?, 'ros2msg', ?, '')",
                        (topics[topic], kind, text),
                    )
            base.execute(
                "INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)",
                (topics[topic], stamp, data),
            )
        base.commit()
    (folder / "metadata.yaml").write_text(
        "rosbag2_bagfile_information:\n  version: 9\n  storage_identifier: sqlite3\n  relative_file_paths:\n    - bag_0.db3\n"
    )
    return folder
