"""Writes recordings of machine topics as rosbag2 does, without ROS: MCAP with the definitions of this repository."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from mcap_ros2.writer import Writer

MESSAGES = Path(__file__).parents[2] / "src" / "kinecue_msgs" / "msg"
_LINE = "=" * 80
_PARTS = {
    "std_msgs/Header": "builtin_interfaces/Time stamp\nstring frame_id",
    "builtin_interfaces/Time": "int32 sec\nuint32 nanosec",
    "geometry_msgs/Point": "float64 x\nfloat64 y\nfloat64 z",
}


def definition(name: str) -> str:
    """The definition of a message with all that it needs."""
    text = (MESSAGES / f"{name}.msg").read_text()
    return text + "".join(f"\n{_LINE}\nMSG: {part}\n{content}" for part, content in _PARTS.items())


def _header(stamp_ns: int) -> SimpleNamespace:
    stamp = SimpleNamespace(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return SimpleNamespace(stamp=stamp, frame_id="pulley")


def encoder(stamp_ns: int, position: float, side: int = 0, **more: object) -> SimpleNamespace:
    """A RepEncoder."""
    values = {"speed": 0.5, "direction": 1, "count": round(5000 * position), "counts_per_metre": 5000.0}
    values |= {"validity": 2, "reason": 0, **more}
    return SimpleNamespace(header=_header(stamp_ns), side=side, position=position, **values)


def cable(stamp_ns: int, tension: float, side: int = 0, **more: object) -> SimpleNamespace:
    """A CableLoad."""
    values = {"speed": 0.5, "load": 200.0, "pulley": SimpleNamespace(x=1.0, y=2.0, z=3.0), "flags": 0, **more}
    return SimpleNamespace(header=_header(stamp_ns), side=side, tension=tension, **values)


def write(path: Path, messages: list[tuple[str, int, SimpleNamespace]]) -> Path:
    """A recording of (topic, time of arrival in ns, message)."""
    with path.open("wb") as file:
        writer = Writer(file)
        schemas = {
            name: writer.register_msgdef(f"kinecue_msgs/msg/{name}", definition(name))
            for name in ("RepEncoder", "CableLoad")
        }
        for topic, logged, message in messages:
            kind = "CableLoad" if hasattr(message, "tension") else "RepEncoder"
            writer.write_message(topic, schemas[kind], message, logged, logged)
        writer.finish()
    return path
