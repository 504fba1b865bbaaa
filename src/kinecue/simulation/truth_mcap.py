"""The truth beside a clip as MCAP, for Foxglove, PlotJuggler and whoever reads ROS bags.

Channels, JSON with a schema each, stamped with the stamp of the camera's frame:

    truth/frame    everything about a frame, with the fields of the JSON truth file
    truth/clip     once: everything else of that file

The clip is the message of ``truth/clip`` plus all ``truth/frame`` messages as ``frames``.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.writer import Writer

CLIP, FRAME = "truth/clip", "truth/frame"
_METADATA = "kinecue_truth"
_NUMBER: dict[str, Any] = {"type": "number"}
_VECTOR: dict[str, Any] = {"type": "array", "items": _NUMBER}
_POINTS: dict[str, Any] = {"type": "array", "items": _VECTOR}
_BY_NAME: dict[str, Any] = {"type": "object", "additionalProperties": _NUMBER}
_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer"}

_FRAME_SCHEMA: dict[str, Any] = {
    "title": "kinecue_truth_frame",
    "type": "object",
    "properties": {
        "time_s": _NUMBER,
        "stamp_ns": _WHOLE,
        "dropped": {"type": "boolean"},
        "phase": _TEXT,
        "stage": _TEXT,
        "repetition": _WHOLE,
        "kind": _TEXT,
        "side": _TEXT,
        "progress": _NUMBER,
        "faults": _BY_NAME,
        "faults_left_right": {"type": "object", "additionalProperties": _VECTOR},
        "positions_m": _POINTS,
        "joints_m": _POINTS,
        "pixels": {"type": "array", "items": {"type": "array", "items": {"type": ["number", "null"]}}},
        "visibility": _TEXT,
        "angles_rad": _BY_NAME,
        "measures": _BY_NAME,
        "handles_m": _POINTS,
        "cable_m": _VECTOR,
        "cable_speed_m_s": _VECTOR,
        "tension_n": _VECTOR,
        "centre_of_mass_m": _VECTOR,
        "contacts": _POINTS,
        "missing_force_n": _VECTOR,
        "missing_moment_nm": _VECTOR,
    },
}
_CLIP_SCHEMA: dict[str, Any] = {"title": "kinecue_truth_clip", "type": "object"}


class McapTruth:
    """Writes a truth file while the frames come."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._writer = Writer(self._file)
        self._writer.start(profile="", library="kinecue")
        self._channels = {
            topic: self._writer.register_channel(
                topic,
                "json",
                self._writer.register_schema(schema["title"], "jsonschema", json.dumps(schema).encode()),
            )
            for topic, schema in ((FRAME, _FRAME_SCHEMA), (CLIP, _CLIP_SCHEMA))
        }
        self._sequence = 0
        self._last_ns = 0

    def frame(self, row: dict[str, Any]) -> None:
        """Take a frame."""
        self._last_ns = max(int(row["stamp_ns"]), 0)
        self._add(FRAME, row)
        self._sequence += 1

    def close(self, head: dict[str, Any]) -> None:
        """Write the header and finish."""
        self._add(CLIP, head)
        self._writer.add_metadata(
            _METADATA,
            {
                "key": str(head["key"]),
                "video_bytes": str(head["video_bytes"]),
                "version": str(head["version"]),
            },
        )
        self._writer.finish()  # type: ignore[no-untyped-call]
        self._file.close()

    def abandon(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _add(self, topic: str, content: dict[str, Any]) -> None:
        data = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
        self._writer.add_message(
            self._channels[topic],
            log_time=self._last_ns,
            publish_time=self._last_ns,
            data=data,
            sequence=self._sequence,
        )


def read_header(path: Path) -> dict[str, Any]:
    """Key of the clip and size of the video.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a whole truth file.
    """
    try:
        with path.open("rb") as file:
            for record in make_reader(file).iter_metadata():
                if record.name == _METADATA:
                    return {"key": record.metadata["key"], "video_bytes": int(record.metadata["video_bytes"])}
    except (McapError, struct.error) as error:
        raise ValueError(f"{path}: {error}") from error
    raise ValueError(f"{path}: not the truth of a simulated clip")


def read_document(path: Path) -> dict[str, Any]:
    """The same document that a JSON truth file holds.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a whole truth file.
    """
    document: dict[str, Any] = {}
    frames: list[dict[str, Any]] = []
    try:
        with path.open("rb") as file:
            for _, channel, message in make_reader(file).iter_messages(topics=[CLIP, FRAME]):
                content = json.loads(message.data)
                if channel.topic == CLIP:
                    document = content
                else:
                    frames.append(content)
    except (McapError, struct.error) as error:
        raise ValueError(f"{path}: {error}") from error
    if not document:
        raise ValueError(f"{path}: not the truth of a simulated clip")
    return {**document, "frames": frames}
