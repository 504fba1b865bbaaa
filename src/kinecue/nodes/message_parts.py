"""What every conversion between core results and messages needs."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

from std_msgs.msg import Header

from kinecue.body import Measurement, Reason, Validity
from kinecue.body.errors import KineCueError
from kinecue.exercise.results import Side
from kinecue.nodes.base import ns_to_stamp
from kinecue_msgs import msg

Enumeration = TypeVar("Enumeration", bound=IntEnum)


class MessageError(KineCueError):
    """A message whose content cannot be used; the text names the field."""


def header(stamp_ns: int, frame_id: str = "") -> Header:
    """Header with an acquisition stamp."""
    return Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id)


def enumerated(kind: type[Enumeration], value: int, field: str) -> Enumeration:
    """A member of an enumeration by the value of a message's field.

    Raises:
        MessageError: there is none with that value; names field and allowed values.
    """
    try:
        return kind(value)
    except ValueError as error:
        allowed = ", ".join(f"{m.value} {m.name}" for m in kind)
        raise MessageError(f"{field} is {value}, allowed: {allowed}") from error


def angle_to_msg(name: str, side: Side, unit: str, measured: Measurement) -> msg.JointAngle:
    """A measurement with its name."""
    return msg.JointAngle(
        name=name,
        side=int(side),
        unit=unit,
        value=float(measured.value),
        std=float(measured.std),
        validity=int(measured.validity),
        reason=int(measured.reason),
    )


def measurement_from_msg(message: msg.JointAngle) -> Measurement:
    """The measurement of a message."""
    validity = enumerated(Validity, message.validity, f"JointAngle.validity of {message.name!r}")
    return Measurement(
        message.value, message.std, validity, enumerated(Reason, message.reason, "JointAngle.reason")
    )
