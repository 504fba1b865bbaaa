"""Samples of the machine and what follows from them, to messages and back."""

from __future__ import annotations

import math
from dataclasses import fields

from geometry_msgs.msg import Point

from kinecue.body.measurement import Reason, Validity
from kinecue.exercise.results import RepetitionVelocity
from kinecue.machine.samples import CableFlag, CableSample, CableSide, Direction, EncoderSample
from kinecue.nodes.base import stamp_to_ns
from kinecue.nodes.message_parts import MessageError, enumerated, header
from kinecue_msgs import msg


def cable_to_msg(sample: CableSample, stamp_ns: int, frame_id: str) -> msg.CableLoad:
    """A force sample."""
    x, y, z = sample.pulley_m
    return msg.CableLoad(
        header=header(stamp_ns, frame_id),
        side=int(sample.side),
        tension=float(sample.tension_n),
        speed=float(sample.speed_m_s),
        load=float(sample.load_n),
        pulley=Point(x=float(x), y=float(y), z=float(z)),
        flags=int(sample.flags),
    )


def cable_from_msg(message: msg.CableLoad) -> CableSample:
    """The force sample of a message.

    Raises:
        MessageError: an enumeration has a value that does not exist, or the tension is negative.
    """
    if message.tension < 0.0:
        raise MessageError(f"CableLoad.tension: is {message.tension}, allowed: 0 and up, or NaN")
    known = int(~CableFlag.NONE)
    return CableSample(
        stamp_to_ns(message.header.stamp),
        message.tension,
        message.speed,
        pulley_m=(message.pulley.x, message.pulley.y, message.pulley.z),
        load_n=message.load,
        side=enumerated(CableSide, message.side, "CableLoad.side"),
        flags=CableFlag(message.flags & known),
    )


def encoder_to_msg(sample: EncoderSample, stamp_ns: int) -> msg.RepEncoder:
    """An encoder sample."""
    return msg.RepEncoder(
        header=header(stamp_ns),
        side=int(sample.side),
        position=float(sample.position_m),
        speed=float(sample.speed_m_s),
        direction=int(sample.direction),
        count=int(sample.count),
        counts_per_metre=float(sample.counts_per_metre),
        validity=int(Validity(sample.validity)),
        reason=int(sample.reason),
    )


def encoder_from_msg(message: msg.RepEncoder) -> EncoderSample:
    """The encoder sample of a message.

    Raises:
        MessageError: an enumeration has a value that does not exist.
    """
    return EncoderSample(
        stamp_to_ns(message.header.stamp),
        message.position,
        message.speed,
        enumerated(Direction, message.direction, "RepEncoder.direction"),
        message.count,
        message.counts_per_metre,
        enumerated(CableSide, message.side, "RepEncoder.side"),
        enumerated(Validity, message.validity, "RepEncoder.validity"),
        enumerated(Reason, message.reason, "RepEncoder.reason"),
    )


_NUMBERS = tuple(f.name for f in fields(RepetitionVelocity) if f.name not in ("source", "cable"))


def velocity_to_msg(velocity: RepetitionVelocity | None) -> msg.RepetitionVelocity:
    """How the load was moved; nothing measured gives an empty source."""
    message = msg.RepetitionVelocity()
    if velocity is not None:
        message.source, message.side = velocity.source, velocity.cable
    for name in _NUMBERS:
        setattr(message, name, math.nan if velocity is None else float(getattr(velocity, name)))
    return message


def velocity_from_msg(message: msg.RepetitionVelocity) -> RepetitionVelocity | None:
    """The inverse of `velocity_to_msg`."""
    if not message.source:
        return None
    numbers = {name: getattr(message, name) for name in _NUMBERS}
    return RepetitionVelocity(source=message.source, cable=message.side, **numbers)
